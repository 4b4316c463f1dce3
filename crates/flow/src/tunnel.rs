//! Packets within packets: IP in IP, GRE, VXLAN, Geneve, GTP-U, Teredo, MPLS over IP.
//!
//! ```text
//! IP │ IP …                                     4 and 41 (RFC 2003, 4213)
//! IP │ flags type (checksum) (key) (number) │ … 47: GRE (RFC 2784, 2890, 2637)
//! IP │ UDP │ flags … network … │ Ethernet       4789, 8472: VXLAN (RFC 7348); 6081: Geneve (RFC 8926)
//! IP │ UDP │ flags type length … │ IP           2152: GTP-U (3GPP TS 29.281)
//! IP │ UDP │ (authentication) (origin) │ IPv6   3544: Teredo (RFC 4380)
//! ```
//!
//! Ports can be anyone's: what is inside must have a header that makes sense, or it is no tunnel. Left out: tunnels that
//! encrypt (ESP, `WireGuard`), L2TP, and GRE of other payloads; they are flows of their own.

use crate::{
    ip,
    link::{self, Carried, Frame},
};

/// Tunnels within tunnels that are followed: more are an attack.
pub(crate) const DEEPEST: u8 = 4;

/// What a packet of this protocol carries, if it is a tunnel's, and the tunnel's name.
pub(crate) fn inside(protocol: u8, payload: &[u8]) -> Option<(&'static str, Frame<'_>)> {
    let plain = |payload| Frame { payload, macs: None };
    let (name, frame) = match protocol {
        4 | 41 => ("IP in IP", plain(Carried::Ip(payload))),
        47 => ("GRE", gre(payload)?),
        137 => ("MPLS in IP", plain(link::mpls(payload))),
        17 => udp(payload)?,
        _ => return None,
    };
    let sound = match frame.payload {
        // Behind a packet there is nothing, but in frames, which are filled up.
        Carried::Ip(data) => {
            ip::parse(data).is_ok() && (frame.macs.is_some() || ip::length(data) >= Some(data.len()))
        }
        // ARP and the like are told as such; what nobody knows is no frame.
        Carried::Other(name) => frame.macs.is_some() && !matches!(name, "unknown EtherType" | "LLC"),
        Carried::Radio(..) | Carried::Malformed(_) => false,
    };
    sound.then_some((name, frame))
}

fn gre(data: &[u8]) -> Option<Frame<'_>> {
    let plain = |payload| Frame { payload, macs: None };
    let ([flags, more, high, low], rest) = data.split_first_chunk::<4>()?;
    let bit = |bit: u8| usize::from(flags & bit != 0);
    if more & 7 == 1 {
        // The enhanced kind of PPTP: a key always; then number and acknowledgement.
        let optional = 4 + 4 * bit(0x10) + 4 * usize::from(more & 0x80 != 0);
        let kind = u16::from_be_bytes([*high, *low]);
        return (kind == 0x880b).then(|| plain(link::ppp(rest.get(optional..).unwrap_or_default())));
    }
    // Source routes (bit 0x40) went out of use before they came into it.
    if flags & 0x40 != 0 {
        return None;
    }
    let optional = 4 * (bit(0x80) + bit(0x20) + bit(0x10));
    let rest = rest.get(optional..)?;
    Some(match u16::from_be_bytes([*high, *low]) {
        0x6558 => link::ethernet(rest),
        // ERSPAN: a mirrored frame, behind eight bytes where frames are numbered.
        0x88be => link::ethernet(rest.get(8 * bit(0x10)..)?),
        kind => plain(link::ethertype(kind, rest)),
    })
}

fn udp(data: &[u8]) -> Option<(&'static str, Frame<'_>)> {
    let plain = |payload| Frame { payload, macs: None };
    let port = ip::be16(data, 2)?;
    if !matches!(port, 2152 | 3544 | 4789 | 6081 | 8472) && ip::be16(data, 0)? != 3544 {
        return None;
    }
    let data = data.get(8..)?;
    Some(match (port, data) {
        (4789 | 8472, [0x08, 0, 0, 0, _, _, _, 0, frame @ ..]) => ("VXLAN", link::ethernet(frame)),
        (6081, [first, _, high, low, _, _, _, _, rest @ ..]) if first >> 6 == 0 => {
            let rest = rest.get(usize::from(first & 0x3f) * 4..)?;
            let frame = match u16::from_be_bytes([*high, *low]) {
                0x6558 => link::ethernet(rest),
                kind => plain(link::ethertype(kind, rest)),
            };
            ("Geneve", frame)
        }
        (2152, [flags, 0xff, _, _, _, _, _, _, rest @ ..]) if flags & 0xf0 == 0x30 => {
            ("GTP-U", plain(Carried::Ip(gtp_u(*flags, rest)?)))
        }
        (2152 | 4789 | 6081 | 8472, _) => return None,
        (_, data) => ("Teredo", plain(Carried::Ip(teredo(data)?))),
    })
}

/// Past the optional fields and the extension headers, each as long as it says in words of four bytes.
fn gtp_u(flags: u8, rest: &[u8]) -> Option<&[u8]> {
    let (extensions, optional) = (flags & 4 != 0, flags & 7);
    if optional == 0 {
        return Some(rest);
    }
    let (optional, mut rest) = rest.split_at_checked(4)?;
    let mut next = if extensions { *optional.last()? } else { 0 };
    while next != 0 {
        let length = usize::from(*rest.first()?) * 4;
        let (extension, behind) = rest.split_at_checked(length).filter(|_| length > 0)?;
        (next, rest) = (*extension.last()?, behind);
    }
    Some(rest)
}

/// Past an authentication and an origin indication. Either end has an address of Teredo's, or of the link.
fn teredo(mut data: &[u8]) -> Option<&[u8]> {
    if let [0, 1, client, value, ..] = data {
        data = data.get(13 + usize::from(*client) + usize::from(*value)..)?;
    }
    if let [0, 0, _, _, _, _, _, _, rest @ ..] = data {
        data = rest;
    }
    let address = |at: usize| data.get(at..)?.first_chunk::<4>().copied();
    let known = |at| matches!(address(at), Some([0x20, 1, 0, 0] | [0xfe, 0x80, ..]));
    (data.first()? >> 4 == 6 && (known(8) || known(24))).then_some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INNER: &[u8] = &[0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];

    fn carried(protocol: u8, parts: &[&[u8]]) -> Option<(&'static str, Vec<u8>)> {
        let payload = parts.concat();
        match inside(protocol, &payload)? {
            (name, Frame { payload: Carried::Ip(data), .. }) => Some((name, data.to_vec())),
            _ => None,
        }
    }

    #[test]
    fn every_tunnel_is_opened() {
        let v6: &[u8] = &[&[0x60, 0, 0, 0, 0, 0, 59, 64, 0x20, 1, 0, 0][..], &[1; 28]].concat();
        let frame: &[u8] = &[&[2; 12][..], &[8, 0], INNER].concat();
        let udp = |port: u16| [&[0x10, 0][..], &port.to_be_bytes(), &[0, 0, 0, 0]].concat();
        for (name, protocol, parts, inner) in [
            ("IP in IP", 4, vec![INNER], INNER),
            ("IP in IP", 41, vec![v6], v6),
            ("GRE", 47, vec![&[0, 0, 8, 0][..], INNER], INNER),
            ("GRE", 47, vec![&[0xb0, 0, 8, 0][..], &[9; 12], INNER], INNER),
            ("GRE", 47, vec![&[0x10, 0, 0x88, 0xbe][..], &[9; 12], frame], INNER),
            ("GRE", 47, vec![&[0x30, 0x81, 0x88, 0x0b][..], &[9; 12], &[0xff, 3, 0, 0x21], INNER], INNER),
            ("MPLS in IP", 137, vec![&[0, 0, 0x10, 9, 0, 0, 0x21, 9][..], INNER], INNER),
            ("VXLAN", 17, vec![&udp(4789), &[8, 0, 0, 0, 0, 0, 7, 0], frame], INNER),
            ("Geneve", 17, vec![&udp(6081), &[1, 0, 0x65, 0x58, 0, 0, 7, 0], &[9; 4], frame], INNER),
            ("GTP-U", 17, vec![&udp(2152), &[0x30, 0xff, 0, 20, 0, 0, 0, 1], INNER], INNER),
            (
                "GTP-U",
                17,
                vec![&udp(2152), &[0x34, 0xff, 0, 28, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0], INNER],
                INNER,
            ),
            ("Teredo", 17, vec![&udp(3544), &[0, 1, 0, 0], &[9; 9], &[0, 0, 1, 2, 3, 4, 5, 6], v6], v6),
        ] {
            assert_eq!(carried(protocol, &parts), Some((name, inner.to_vec())), "{name}");
        }
    }

    #[test]
    fn what_makes_no_sense_inside_is_no_tunnel() {
        assert_eq!(inside(17, &[0, 9, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 7, 0, 1, 2, 3]), None);
        assert_eq!(inside(17, &[0, 9, 0, 53, 0, 0, 0, 0, 8, 0, 0, 0]), None);
        assert_eq!(inside(4, b"no packet"), None);
        assert_eq!(inside(47, &[0, 0, 8]), None);
        assert_eq!(inside(6, INNER), None);
        // Bytes behind a packet, and behind what is no frame: they would be in no flow.
        assert_eq!(inside(4, &[INNER, b"secret"].concat()), None);
        let vxlan = [&[0, 9, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 7, 0][..], &[0x5a; 60]].concat();
        assert_eq!(inside(17, &vxlan), None);
        // QUIC from a port that happens to be Teredo's.
        let quic = [&[0x0d, 0xd8, 1, 0xbb, 0, 0, 0, 0, 0x60][..], &[0x5a; 60]].concat();
        assert_eq!(inside(17, &quic), None);
        // An extension header of GTP-U that says it has no length.
        let endless = [0, 9, 8, 0x68, 0, 0, 0, 0, 0x34, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 0, 0];
        assert_eq!(inside(17, &endless), None);
    }
}
