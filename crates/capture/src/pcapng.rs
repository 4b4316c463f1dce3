//! pcapng (draft-ietf-opsawg-pcapng): sections of both byte orders, several interfaces.
//!
//! ```text
//! ┌──────┬────────┬──────────────┬────────┐   types: SHB 0a0d0d0a · IDB 1 · PB 2 · SPB 3 · NRB 4 · ISB 5 · EPB 6 · DSB 10
//! │ type │ length │ body, options│ length │   lengths count the whole block and are multiples of four
//! └──────┴────────┴──────────────┴────────┘
//! ```
//!
//! Unknown blocks are skipped and counted. A block whose length makes no sense ends the file; a bad body does not.

use std::net::IpAddr;

use creance_model::{Damage, LinkType, Timestamp};

use crate::{
    buffer::Buffer,
    notes::{Interface, MOST_COMMENTS, MOST_NAMES, MOST_SECRETS, Notes, Secret},
    pcap::{read_error, u16_at, u32_at},
    source::{Broken, MOST_FRAME, Raw},
};

const SECTION: u32 = 0x0a0d_0d0a;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;

const CUSTOM: u32 = 0x0000_0bad;
const CUSTOM_NOT_COPIED: u32 = 0x4000_0bad;

/// Longest block that is believed: a frame and generous options.
const MOST_BLOCK: usize = 2 * MOST_FRAME;

/// Whether a file begins like this.
pub(crate) fn is_start(head: &[u8]) -> bool {
    u32_at(head, 0, true) == Some(SECTION)
        && matches!(
            (u32_at(head, 8, true), u32_at(head, 8, false)),
            (Some(BYTE_ORDER), _) | (_, Some(BYTE_ORDER))
        )
}

/// What the current section has said so far.
#[derive(Debug, Default)]
pub(crate) struct Pcapng {
    big: bool,
    interfaces: Vec<Described>,
    /// When the last packet was captured: blocks without a time take it.
    last: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Described {
    link: LinkType,
    snaplen: u32,
    number: u32,
    units: u64,
    offset: i64,
    dropped: u64,
}

impl Pcapng {
    pub(crate) fn next(
        &mut self,
        buffer: &mut Buffer,
        notes: &mut Notes,
        input: &str,
    ) -> Result<Option<Raw>, Broken> {
        loop {
            let at = buffer.offset();
            let have = buffer.fill(12).map_err(|error| read_error(&error))?;
            if have == 0 {
                return Ok(None);
            }
            if have < 12 {
                return Err(Broken {
                    what: "capture cut short",
                    why: format!("a block needs 12 bytes, found {have}"),
                });
            }
            let head = buffer.available();
            if u32_at(head, 0, true) == Some(SECTION) {
                self.section(head)?;
            }
            let kind = u32_at(head, 0, self.big).unwrap_or_default();
            let length = u32_at(head, 4, self.big).unwrap_or_default() as usize;
            if length < 12 || !length.is_multiple_of(4) || length > MOST_BLOCK {
                let why =
                    format!("block length is {length}, expected a multiple of 4 from 12 to {MOST_BLOCK}");
                return Err(Broken { what: "block length", why });
            }
            let have = buffer.fill(length).map_err(|error| read_error(&error))?;
            if have < length {
                return Err(Broken {
                    what: "capture cut short",
                    why: format!("a block needs {length} bytes, found {have}"),
                });
            }
            let block = buffer.take(length);
            let trailer = u32_at(block, length - 4, self.big).unwrap_or_default() as usize;
            if trailer != length {
                let why = format!("a block of {length} bytes ends with the length {trailer}");
                return Err(Broken { what: "block length", why });
            }
            match self.block(kind, block, notes) {
                Ok(Some(raw)) => {
                    self.last = raw.time;
                    return Ok(Some(raw));
                }
                Ok(None) => {}
                Err(Broken { what, why }) => {
                    notes.damage.push(Damage {
                        what: what.to_owned(),
                        input: input.to_owned(),
                        offset: at,
                        why,
                    });
                }
            }
        }
    }

    fn section(&mut self, head: &[u8]) -> Result<(), Broken> {
        self.big = match (u32_at(head, 8, true), u32_at(head, 8, false)) {
            (Some(BYTE_ORDER), _) => true,
            (_, Some(BYTE_ORDER)) => false,
            _ => {
                return Err(Broken {
                    what: "section header",
                    why: "its byte-order magic is unknown".to_owned(),
                });
            }
        };
        self.interfaces.clear();
        Ok(())
    }

    fn block(&mut self, kind: u32, block: &[u8], notes: &mut Notes) -> Result<Option<Raw>, Broken> {
        let body = block.get(8..block.len() - 4).unwrap_or_default();
        match kind {
            SECTION => self.comments(body.get(16..).unwrap_or_default(), notes),
            1 => self.interface(body, notes)?,
            2 => {
                return self
                    .packet(body, u32::from(u16_at(body, 0, self.big).unwrap_or(u16::MAX)), notes)
                    .map(Some);
            }
            3 => return self.simple(body).map(Some),
            4 => self.names(body, notes),
            5 => self.statistics(body, notes),
            6 => return self.packet(body, u32_at(body, 0, self.big).unwrap_or(u32::MAX), notes).map(Some),
            10 => self.secret(body, notes),
            // Wireshark numbers these as packets: evidence is cited by its numbers.
            9 | CUSTOM | CUSTOM_NOT_COPIED => {
                let wire_len = u32::try_from(body.len()).unwrap_or(u32::MAX);
                let link = LinkType::NONE;
                return Ok(Some(Raw {
                    time: self.last,
                    link,
                    interface: u32::MAX,
                    wire_len,
                    at: 8,
                    length: body.len(),
                }));
            }
            _ => notes.skipped_blocks += 1,
        }
        Ok(None)
    }

    fn interface(&mut self, body: &[u8], notes: &mut Notes) -> Result<(), Broken> {
        let (Some(link), Some(snaplen)) = (u16_at(body, 0, self.big), u32_at(body, 4, self.big)) else {
            return Err(short("interface description", 8, body.len()));
        };
        let mut described = Described {
            link: LinkType(u32::from(link)),
            snaplen,
            number: u32::try_from(notes.interfaces.len()).unwrap_or(u32::MAX),
            units: 1_000_000,
            offset: 0,
            dropped: 0,
        };
        let mut name = None;
        for (code, value) in self.options(body.get(8..).unwrap_or_default()) {
            match (code, value) {
                (2, name_bytes) => {
                    name = Some(String::from_utf8_lossy(name_bytes).trim_end_matches('\0').to_owned());
                }
                (9, [resolution, ..]) => described.units = units(*resolution),
                (14, offset) => {
                    if let Some(eight) = offset.first_chunk::<8>() {
                        described.offset =
                            if self.big { i64::from_be_bytes(*eight) } else { i64::from_le_bytes(*eight) };
                    }
                }
                _ => {}
            }
        }
        if notes.interfaces.len() < MOST_NAMES {
            notes.interfaces.push(Interface { name, link: described.link });
        }
        self.interfaces.push(described);
        Ok(())
    }

    /// An enhanced packet block, or the obsolete packet block, whose fields stand in the same places.
    fn packet(&self, body: &[u8], interface: u32, notes: &mut Notes) -> Result<Raw, Broken> {
        let field = |at| u32_at(body, at, self.big);
        let (Some(high), Some(low), Some(captured), Some(wire_len)) =
            (field(4), field(8), field(12), field(16))
        else {
            return Err(short("packet block", 20, body.len()));
        };
        let Some(described) = self.interfaces.get(interface as usize) else {
            let why = format!("interface is {interface}, described are {}", self.interfaces.len());
            return Err(Broken { what: "packet block", why });
        };
        let length = captured as usize;
        let Some(rest) = body.get(20..).filter(|rest| rest.len() >= length) else {
            return Err(short("packet data", length, body.len().saturating_sub(20)));
        };
        self.comments(rest.get(length.next_multiple_of(4)..).unwrap_or_default(), notes);
        let ticks = u64::from(high) << 32 | u64::from(low);
        Ok(Raw {
            time: described.time(ticks),
            link: described.link,
            interface: described.number,
            wire_len,
            at: 28,
            length,
        })
    }

    /// A simple packet block: no interface, no time; its length is limited by the first interface's snap length.
    fn simple(&self, body: &[u8]) -> Result<Raw, Broken> {
        let (Some(wire_len), Some(described)) = (u32_at(body, 0, self.big), self.interfaces.first()) else {
            return Err(short("simple packet block", 4, body.len()));
        };
        let limit = if described.snaplen == 0 { u32::MAX } else { described.snaplen };
        let length = (wire_len.min(limit) as usize).min(body.len().saturating_sub(4));
        Ok(Raw {
            time: self.last,
            link: described.link,
            interface: described.number,
            wire_len,
            at: 12,
            length,
        })
    }

    fn names(&self, mut body: &[u8], notes: &mut Notes) {
        while let (Some(kind), Some(length)) = (u16_at(body, 0, self.big), u16_at(body, 2, self.big)) {
            let length = usize::from(length);
            let Some(record) = body.get(4..4 + length) else { return };
            let address = match kind {
                1 => record.first_chunk::<4>().map(|four| (IpAddr::from(*four), 4)),
                2 => record.first_chunk::<16>().map(|sixteen| (IpAddr::from(*sixteen), 16)),
                _ => return,
            };
            if let Some((address, skip)) = address
                && notes.names.len() < MOST_NAMES
            {
                let name = record
                    .get(skip..)
                    .unwrap_or_default()
                    .split(|byte| *byte == 0)
                    .next()
                    .unwrap_or_default();
                notes.names.push((address, String::from_utf8_lossy(name).into_owned()));
            }
            body = body.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        }
    }

    fn statistics(&mut self, body: &[u8], notes: &mut Notes) {
        let Some(described) = u32_at(body, 0, self.big).and_then(|id| self.interfaces.get_mut(id as usize))
        else {
            return;
        };
        let mut dropped = 0;
        for (code, value) in options(body.get(12..).unwrap_or_default(), self.big) {
            // isb_ifdrop and isb_osdrop: counters since the beginning, so the last one counts.
            if let (5 | 7, Some(eight)) = (code, value.first_chunk::<8>()) {
                let count = if self.big { u64::from_be_bytes(*eight) } else { u64::from_le_bytes(*eight) };
                dropped = u64::saturating_add(dropped, count);
            }
        }
        notes.dropped = notes.dropped.saturating_add(dropped.saturating_sub(described.dropped));
        described.dropped = described.dropped.max(dropped);
    }

    fn secret(&self, body: &[u8], notes: &mut Notes) {
        let (Some(kind), Some(length)) = (u32_at(body, 0, self.big), u32_at(body, 4, self.big)) else {
            return;
        };
        let kept: usize = notes.secrets.iter().map(|secret| secret.bytes.len()).sum();
        if let Some(bytes) = body.get(8..).and_then(|rest| rest.get(..length as usize))
            && kept + bytes.len() <= MOST_SECRETS
        {
            notes.secrets.push(Secret { kind, bytes: bytes.to_vec() });
        }
    }

    fn comments(&self, bytes: &[u8], notes: &mut Notes) {
        if bytes.is_empty() {
            return;
        }
        for (_, value) in self.options(bytes).filter(|(code, _)| *code == 1) {
            notes.comments += 1;
            if notes.first_comments.len() < MOST_COMMENTS {
                notes.first_comments.push(String::from_utf8_lossy(value).chars().take(1000).collect());
            }
        }
    }

    fn options<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = (u16, &'a [u8])> {
        options(bytes, self.big)
    }
}

fn short(what: &'static str, need: usize, have: usize) -> Broken {
    Broken { what, why: format!("it needs {need} bytes, found {have}") }
}

/// Code and value of each option up to the end of options.
fn options(mut bytes: &[u8], big: bool) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let code = u16_at(bytes, 0, big).filter(|code| *code != 0)?;
        let length = usize::from(u16_at(bytes, 2, big)?);
        let value = bytes.get(4..4 + length)?;
        bytes = bytes.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    })
}

/// Ticks a second: 10 to the power given, or 2 if the highest bit is set.
fn units(resolution: u8) -> u64 {
    let power = u32::from(resolution & 0x7f);
    let base: u64 = if resolution & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(power).unwrap_or(u64::MAX)
}

impl Described {
    fn time(&self, ticks: u64) -> Timestamp {
        if self.units == 1_000_000 && self.offset == 0 {
            return Timestamp::from_nanos(i64::try_from(ticks).unwrap_or(i64::MAX).saturating_mul(1000));
        }
        let units = u128::from(self.units.max(1));
        let nanos = i64::try_from(u128::from(ticks) * 1_000_000_000 / units).unwrap_or(i64::MAX);
        Timestamp::from_secs(self.offset).plus_nanos(nanos)
    }
}
