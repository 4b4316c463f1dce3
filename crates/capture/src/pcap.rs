//! pcap (draft-ietf-opsawg-pcap): both byte orders, microseconds and nanoseconds.
//!
//! ```text
//! ┌──────────┬─────────┬──────┬──────┬─────────┬──────────┐ ┌─────────┬──────────┬──────────┬──────────┬──────
//! │ magic u32│ 2.4     │ zone │ sig  │ snaplen │ link type│ │ seconds │ fraction │ captured │ on wire  │ data …
//! └──────────┴─────────┴──────┴──────┴─────────┴──────────┘ └─────────┴──────────┴──────────┴──────────┴──────
//! ```
//!
//! Also the variant of A. Kuznetzov (magic `a1b2cd34`), whose record headers are eight bytes longer. Of the link type
//! field the low 16 bits count; the rest says how long a frame check sequence is.

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
        let magic: [u8; 4] = head.first_chunk().copied()?;
        let (big, magic) = match u32::from_be_bytes(magic) {
            be @ (0xa1b2_c3d4 | 0xa1b2_3c4d | 0xa1b2_cd34) => (true, be),
            _ => (false, u32::from_le_bytes(magic)),
        };
        let (nanos, extra) = match magic {
            0xa1b2_c3d4 => (false, 0),
            0xa1b2_3c4d => (true, 0),
            0xa1b2_cd34 => (false, 8),
            _ => return None,
        };
        let link = u32_at(head.get(..24)?, 20, big)? & 0xffff;
        Some(Self { big, nanos, extra, link: LinkType(link), interface: 0 })
    }

    pub(crate) fn next(&self, buffer: &mut Buffer) -> Result<Option<Raw>, Broken> {
        let header = 16 + self.extra;
        let have = buffer.fill(header).map_err(|error| read_error(&error))?;
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
        let have = buffer.fill(header + length).map_err(|error| read_error(&error))?;
        if have < header + length {
            return Err(short(header + length, have));
        }
        buffer.take(header + length);
        let scale = if self.nanos { 1 } else { 1000 };
        let time = Timestamp::from_secs(i64::from(seconds)).plus_nanos(i64::from(fraction) * scale);
        Ok(Some(Raw { time, link: self.link, interface: self.interface, wire_len, at: header, length }))
    }
}

pub(crate) fn read_error(error: &std::io::Error) -> Broken {
    Broken { what: "read error", why: error.to_string() }
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
