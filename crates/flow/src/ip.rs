//! IPv4 (RFC 791) and IPv6 (RFC 8200) with extension headers.
//!
//! ```text
//! IPv4: version+size . total . id flags+offset ttl protocol . source destination options │ payload │ padding
//! IPv6: version . length next hops source destination │ (next length …)* │ payload
//! ```
//!
//! Leaves out checksums, and what ESP hides.

use std::net::IpAddr;

/// One IP packet, or a fragment of one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Packet<'a> {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    /// The protocol above (IANA numbers).
    pub(crate) protocol: u8,
    pub(crate) payload: &'a [u8],
    /// Payload bytes that the packet had and the capture lacks.
    pub(crate) missing: usize,
    /// The header gives no length (a network card cuts the packet into segments later).
    pub(crate) unbounded: bool,
    pub(crate) fragment: Option<Fragment>,
}

/// Which part of a fragmented packet this is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fragment {
    pub(crate) id: u32,
    /// In bytes.
    pub(crate) offset: usize,
    pub(crate) more: bool,
}

/// Takes the IP header off; the fragment names what is wrong.
pub(crate) fn parse(data: &[u8]) -> Result<Packet<'_>, &'static str> {
    match data.first().map(|first| first >> 4) {
        Some(4) => v4(data).ok_or("IPv4 header"),
        Some(6) => v6(data),
        _ => Err("IP version"),
    }
}

/// How long a packet says that it is; more than there is, where it leaves that to the frame.
pub(crate) fn length(data: &[u8]) -> Option<usize> {
    let (stated, header) = match data.first()? >> 4 {
        4 => (be16(data, 2)?, 0),
        _ => (be16(data, 4)?, 40),
    };
    Some(if stated == 0 { usize::MAX } else { header + usize::from(stated) })
}

fn v4(data: &[u8]) -> Option<Packet<'_>> {
    let header = usize::from(data.first()? & 0x0f) * 4;
    let total = usize::from(be16(data, 2)?);
    if header < 20 {
        return None;
    }
    // Zero stands for "longer than 65535" where the network card cuts into segments later.
    let unbounded = total == 0;
    let total = if unbounded { data.len() } else { total };
    let length = total.checked_sub(header)?;
    let rest = data.get(header..)?;
    let payload = rest.get(..length.min(rest.len()))?;
    let flags = be16(data, 6)?;
    let (offset, more) = (usize::from(flags & 0x1fff) * 8, flags & 0x2000 != 0);
    let fragment = (offset > 0 || more).then_some(Fragment { id: u32::from(be16(data, 4)?), offset, more });
    Some(Packet {
        source: IpAddr::from(*data.get(12..)?.first_chunk::<4>()?),
        destination: IpAddr::from(*data.get(16..)?.first_chunk::<4>()?),
        protocol: *data.get(9)?,
        payload,
        missing: length - payload.len(),
        unbounded,
        fragment,
    })
}

/// Extension headers followed: more are an attack.
const MOST_EXTENSIONS: usize = 16;

fn v6(data: &[u8]) -> Result<Packet<'_>, &'static str> {
    let fixed = (|| {
        let length = usize::from(be16(data, 4)?);
        let source = IpAddr::from(*data.get(8..)?.first_chunk::<16>()?);
        let destination = IpAddr::from(*data.get(24..)?.first_chunk::<16>()?);
        Some((length, *data.get(6)?, source, destination))
    })();
    let Some((length, mut next, source, destination)) = fixed else { return Err("IPv6 header") };
    let rest = data.get(40..).unwrap_or_default();
    let unbounded = length == 0;
    let length = if unbounded { rest.len() } else { length };
    let mut payload = rest.get(..length.min(rest.len())).unwrap_or_default();
    let missing = length - payload.len();
    let fragment = extensions(&mut next, &mut payload)?;
    Ok(Packet { source, destination, protocol: next, payload, missing, unbounded, fragment })
}

/// Moves past extension headers, up to and including a fragment header.
pub(crate) fn extensions(next: &mut u8, payload: &mut &[u8]) -> Result<Option<Fragment>, &'static str> {
    for _ in 0..MOST_EXTENSIONS {
        let mut fragment = None;
        let size = match *next {
            // Hop-by-hop, routing, destination options, mobility, HIP, shim6.
            0 | 43 | 60 | 135 | 139 | 140 => payload.get(1).map(|length| (usize::from(*length) + 1) * 8),
            // Authentication header: its length counts differently (RFC 4302).
            51 => payload.get(1).map(|length| (usize::from(*length) + 2) * 4),
            44 => {
                let (Some(flags), Some(id)) = (be16(payload, 2), be32(payload, 4)) else {
                    return Err("IPv6 fragment header");
                };
                let (offset, more) = (usize::from(flags & 0xfff8), flags & 1 != 0);
                // An atomic fragment is a whole packet (RFC 6946).
                fragment = (offset > 0 || more).then_some(Fragment { id, offset, more });
                Some(8)
            }
            _ => return Ok(None),
        };
        let followed = payload.first().copied().zip(size.and_then(|size| payload.get(size..)));
        let Some((following, rest)) = followed else { return Err("IPv6 extension header") };
        (*next, *payload) = (following, rest);
        if fragment.is_some() {
            return Ok(fragment);
        }
    }
    Err("IPv6 extension headers without end")
}

pub(crate) fn be16(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..)?.first_chunk().map(|two| u16::from_be_bytes(*two))
}

pub(crate) fn be32(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_after_the_packet_is_no_payload() {
        let mut data = vec![0x45, 0, 0, 22, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        data.extend([1, 2, 0, 0, 0, 0]);
        let packet = parse(&data).unwrap();
        assert_eq!((packet.payload, packet.missing), (&[1, 2][..], 0));
    }

    #[test]
    fn an_atomic_fragment_is_a_whole_packet() {
        let mut data = vec![0x60, 0, 0, 0, 0, 9, 44, 64];
        data.extend([1; 32]);
        data.extend([17, 0, 0, 0, 0, 0, 0, 7, 42]);
        let packet = parse(&data).unwrap();
        assert_eq!((packet.protocol, packet.fragment, packet.payload), (17, None, &[42][..]));
    }
}
