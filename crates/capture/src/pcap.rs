//! pcap (draft-ietf-opsawg-pcap): both byte orders, microseconds and nanoseconds.
//!
//! ```text
//! ┌──────────┬─────────┬──────┬──────┬─────────┬──────────┐ ┌─────────┬──────────┬──────────┬──────────┬──────
//! │ magic u32│ 2.4     │ zone │ sig  │ snaplen │ link type│ │ seconds │ fraction │ captured │ on wire  │ data …
//! └──────────┴─────────┴──────┴──────┴─────────┴──────────┘ └─────────┴──────────┴──────────┴──────────┴──────
//! ```
//!
//! Also the variant of A. Kuznetzov (magic `a1b2cd34`), whose record headers are eight bytes longer. Of the link type
//! field the low 16 bits count; the rest is reserved or says how long a frame check sequence is.
//!
//! Left out: the time zone and accuracy fields, which nobody fills; the variants of AIX and Nokia, which share the
//! common magic; versions before 2.3, which exchanged the two lengths.

use creance_model::{LinkType, Timestamp};

use crate::{
    buffer::Buffer,
    source::{Broken, MOST_FRAME, Raw},
};

/// A file's header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pcap {
    big: bool,
    nanos: bool,
    extra: usize,
    pub(crate) link: LinkType,
    pub(crate) interface: u32,
}

impl Pcap {
    /// The header that these first bytes are, if they are one.
    pub(crate) fn header(head: &[u8]) -> Option<Self> {
        let (big, nanos, extra) = Self::magic(head)?;
        let link = u32_at(head.get(..24)?, 20, big)? & 0xffff;
        Some(Self { big, nanos, extra, link: LinkType(link), interface: 0 })
    }

    /// What the magic says: most significant byte first, nanoseconds, further bytes in a record header.
    pub(crate) fn magic(head: &[u8]) -> Option<(bool, bool, usize)> {
        let magic: [u8; 4] = head.first_chunk().copied()?;
        let (big, magic) = match u32::from_be_bytes(magic) {
            be @ (0xa1b2_c3d4 | 0xa1b2_3c4d | 0xa1b2_cd34) => (true, be),
            _ => (false, u32::from_le_bytes(magic)),
        };
        match magic {
            0xa1b2_c3d4 => Some((big, false, 0)),
            0xa1b2_3c4d => Some((big, true, 0)),
            0xa1b2_cd34 => Some((big, false, 8)),
            _ => None,
        }
    }

    /// The next record.
    #[inline]
    pub(crate) fn next(&self, buffer: &mut Buffer) -> Result<Option<Raw>, Broken> {
        let header = 16 + self.extra;
        let have = buffer.fill(header).map_err(|error| Broken::reading(&error))?;
        if have == 0 {
            return Ok(None);
        }
        let short = |need, have| Broken {
            what: "capture cut short",
            why: format!("a record needs {need} bytes, found {have}"),
        };
        if have < header {
            return Err(short(header, have));
        }
        let head = buffer.available();
        let field = |at| u32_at(head, at, self.big).unwrap_or_default();
        let (seconds, fraction, captured, wire_len) = (field(0), field(4), field(8), field(12));
        let length = captured as usize;
        if length > MOST_FRAME {
            let why = format!("captured length is {captured}, at most {MOST_FRAME} is believed");
            return Err(Broken { what: "record length", why });
        }
        let have = buffer.fill(header + length).map_err(|error| Broken::reading(&error))?;
        if have < header + length {
            return Err(short(header + length, have));
        }
        buffer.take(header + length);
        let scale = if self.nanos { 1 } else { 1000 };
        let time = Timestamp::from_secs(i64::from(seconds)).plus_nanos(i64::from(fraction) * scale);
        Ok(Some(Raw {
            time,
            link: self.link,
            interface: self.interface,
            wire_len,
            user: None,
            at: header,
            length,
        }))
    }
}

/// Four bytes at `at`.
pub(crate) fn u32_at(bytes: &[u8], at: usize, big: bool) -> Option<u32> {
    let four: [u8; 4] = bytes.get(at..)?.first_chunk().copied()?;
    Some(if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
}

/// Two bytes at `at`.
pub(crate) fn u16_at(bytes: &[u8], at: usize, big: bool) -> Option<u16> {
    let two: [u8; 2] = bytes.get(at..)?.first_chunk().copied()?;
    Some(if big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(magic: u32, link: u32, big: bool) -> Vec<u8> {
        [magic, 0, 0, 0, 0, link]
            .iter()
            .flat_map(|field| if big { field.to_be_bytes() } else { field.to_le_bytes() })
            .collect()
    }

    #[test]
    fn both_orders_both_resolutions_and_the_variant_are_known() {
        for big in [false, true] {
            for (magic, nanos, extra) in
                [(0xa1b2_c3d4, false, 0), (0xa1b2_3c4d, true, 0), (0xa1b2_cd34, false, 8)]
            {
                let read = Pcap::header(&header(magic, 0xf400_0071, big)).unwrap();
                assert_eq!((read.big, read.nanos, read.extra), (big, nanos, extra));
                assert_eq!(read.link, LinkType::LINUX_SLL);
            }
        }
        assert!(Pcap::header(header(0xa1b2_c3d4, 1, true).get(..23).unwrap()).is_none());
    }

    #[test]
    fn a_variant_record_has_eight_bytes_more_before_its_data() {
        let mut file = header(0xa1b2_cd34, 1, true);
        for field in [7_u32, 5, 3, 9, 0, 0] {
            file.extend(field.to_be_bytes());
        }
        file.extend(b"abc");
        let pcap = Pcap::header(&file).unwrap();
        let mut buffer = Buffer::new(Box::new(std::io::Cursor::new(file)), 64);
        buffer.fill(24).unwrap();
        buffer.take(24);
        let raw = pcap.next(&mut buffer).unwrap().unwrap();
        assert_eq!((raw.time.as_nanos(), raw.wire_len), (7_000_005_000, 9));
        assert_eq!(buffer.last().get(raw.at..raw.at + raw.length), Some(&b"abc"[..]));
        assert!(pcap.next(&mut buffer).unwrap().is_none());
    }
}
