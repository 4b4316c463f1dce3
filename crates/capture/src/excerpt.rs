//! Excerpts: some packets of a capture as pcapng, with remarks that other programs show beside them.
//!
//! ```text
//! section: program, remark │ interface, before its first packet │ secrets, where wanted │ packet: remarks │ …
//! ```
//!
//! One section, least significant byte first; times in nanoseconds. An interface keeps its link type, its snap length and the
//! options that read alike in both byte orders.
//!
//! Left out: the options that packets have already, statistics, names of addresses, custom blocks.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use creance_model::{LinkType, Packet};

use crate::{Notes, write::PcapngWriter};

const COMMENT: u16 = 1;
const SECTION_APPLICATION: u16 = 4;
const INTERFACE_RESOLUTION: u16 = 9;

/// Writes an excerpt.
pub struct Excerpt<W> {
    out: PcapngWriter<W>,
    /// The number of an interface here by its number there. What the reader has no room to describe has its link type alone.
    interfaces: HashMap<(u32, LinkType), u32>,
    /// How many secrets are written.
    secrets: usize,
}

impl<W: Write> Excerpt<W> {
    /// Writes the section: which program makes the excerpt, and what there is to say of the whole.
    pub fn begin(out: W, program: &str, remark: &str) -> io::Result<Self> {
        let mut out = PcapngWriter::bare(out);
        let mut body = [0x1a2b_3c4d_u32, 0x0000_0001, u32::MAX, u32::MAX].map(u32::to_le_bytes).concat();
        option(&mut body, COMMENT, text(remark));
        option(&mut body, SECTION_APPLICATION, text(program));
        end(&mut body);
        out.block(0x0a0d_0d0a, &body)?;
        Ok(Self { out, interfaces: HashMap::new(), secrets: 0 })
    }

    /// Writes a packet and what there is to say of it; before the first of an interface, the interface as the notes of the
    /// capture describe it. A time before 1970, a link type beyond 65535 and data beyond 4 GiB are errors: the format cannot
    /// hold them.
    pub fn packet(&mut self, packet: &Packet<'_>, notes: &Notes, remarks: &[String]) -> io::Result<()> {
        let interface = self.interface(packet, notes)?;
        let mut options = Vec::new();
        for remark in remarks {
            option(&mut options, COMMENT, text(remark));
        }
        end(&mut options);
        self.out.enhanced(interface, packet.time, packet.wire_len, packet.data, &options)
    }

    /// Writes the secrets that the notes of the capture have and the excerpt has not yet.
    pub fn secrets(&mut self, notes: &Notes) -> io::Result<()> {
        for secret in notes.secrets.get(self.secrets..).unwrap_or_default() {
            let length = u32::try_from(secret.bytes.len()).map_err(io::Error::other)?;
            let mut body = [secret.kind, length].map(u32::to_le_bytes).concat();
            body.extend(&secret.bytes);
            self.out.block(10, &body)?;
            self.secrets += 1;
        }
        Ok(())
    }

    /// Gives back what was written to.
    pub fn into_inner(self) -> W {
        self.out.into_inner()
    }

    fn interface(&mut self, packet: &Packet<'_>, notes: &Notes) -> io::Result<u32> {
        let key = (packet.interface, packet.link);
        if let Some(known) = self.interfaces.get(&key) {
            return Ok(*known);
        }
        let described = notes.interfaces.get(packet.interface as usize).filter(|one| one.link == packet.link);
        let link = u16::try_from(packet.link.0).map_err(io::Error::other)?;
        let mut body = link.to_le_bytes().to_vec();
        body.extend([0, 0]);
        body.extend(described.map_or(0, |one| one.snaplen).to_le_bytes());
        option(&mut body, INTERFACE_RESOLUTION, &[9]);
        for (code, value) in described.iter().flat_map(|one| &one.options) {
            option(&mut body, *code, value);
        }
        end(&mut body);
        self.out.block(1, &body)?;
        let number = u32::try_from(self.interfaces.len()).map_err(io::Error::other)?;
        self.interfaces.insert(key, number);
        Ok(number)
    }
}

/// As much of a text as an option holds.
fn text(text: &str) -> &[u8] {
    text.get(..text.floor_char_boundary(usize::from(u16::MAX))).unwrap_or_default().as_bytes()
}

/// An option; more than it can hold is cut.
fn option(to: &mut Vec<u8>, code: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    to.extend(code.to_le_bytes());
    to.extend(length.to_le_bytes());
    to.extend(value.iter().take(length.into()));
    to.resize(to.len().next_multiple_of(4), 0);
}

fn end(to: &mut Vec<u8>) {
    to.extend([0; 4]);
}

#[cfg(test)]
mod tests {
    use creance_model::Timestamp;

    use super::*;
    use crate::{Capture, Options, read_bytes};

    /// Two interfaces, the second one named and filtered; secrets before its packet, and behind all.
    fn capture() -> Vec<u8> {
        let mut writer = PcapngWriter::new(Vec::new(), LinkType::ETHERNET, true).unwrap();
        writer.packet(Timestamp::from_nanos(7), 90, b"one").unwrap();
        let mut interface = vec![0, 101, 0, 0, 0, 0, 0, 96];
        for (code, value) in [(2_u16, &b"tun0"[..]), (8, &[0; 8]), (11, b"\0ip"), (13, &[4])] {
            interface.extend(code.to_be_bytes());
            interface.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
            interface.extend(value);
            interface.resize(interface.len().next_multiple_of(4), 0);
        }
        writer.block(1, &interface).unwrap();
        writer.block(10, b"TLSK\0\0\0\x05first\0\0\0").unwrap();
        let mut packet = [1_u32, 0, 9, 3, 3].map(u32::to_be_bytes).concat();
        packet.extend(b"two");
        writer.block(6, &packet).unwrap();
        writer.packet(Timestamp::from_nanos(11), 5, b"three").unwrap();
        writer.block(10, b"TLSK\0\0\0\x04last").unwrap();
        writer.into_inner()
    }

    fn excerpt(of: &[u8], numbers: &[u64], keys: bool) -> Vec<u8> {
        let reader = Box::new(io::Cursor::new(of.to_vec()));
        let mut capture = Capture::from_reader("memory", reader, &Options::default()).unwrap();
        let mut excerpt = Excerpt::begin(Vec::new(), "creance 0", "of a case").unwrap();
        while capture.advance() {
            let packet = capture.packet().unwrap();
            if keys {
                excerpt.secrets(capture.notes()).unwrap();
            }
            if numbers.contains(&packet.number) {
                let remarks = [format!("F{}", packet.number), "ü".repeat(40_000)];
                excerpt.packet(&packet, capture.notes(), &remarks).unwrap();
            }
        }
        if keys {
            excerpt.secrets(capture.notes()).unwrap();
        }
        excerpt.into_inner()
    }

    #[test]
    fn packets_are_copied_with_their_interfaces_and_remarks_and_no_secrets() {
        let mut seen = Vec::new();
        let notes = read_bytes(&excerpt(&capture(), &[2, 3], false), |packet| {
            let (time, data) = (packet.time.as_nanos(), packet.data.to_vec());
            seen.push((packet.interface, packet.link, time, packet.wire_len, data));
        })
        .unwrap();
        assert_eq!(
            seen,
            [
                (0, LinkType::RAW, 9_000, 3, b"two".to_vec()),
                (1, LinkType::ETHERNET, 11, 5, b"three".to_vec())
            ]
        );
        assert!(notes.damage.is_empty() && notes.secrets.is_empty(), "{:?}", notes.damage);
        let long = "ü".repeat(1000);
        assert_eq!(notes.first_comments, ["of a case", "F2", &long, "F3", &long]);
        let [tunnel, ethernet] = &notes.interfaces[..] else { unreachable!("{:?}", notes.interfaces) };
        assert_eq!((tunnel.name.as_deref(), tunnel.snaplen), (Some("tun0"), 96));
        assert_eq!(tunnel.options, [(2, b"tun0".to_vec()), (11, b"\0ip".to_vec()), (13, vec![4])]);
        assert_eq!((ethernet.name.as_deref(), ethernet.snaplen), (None, 0));
    }

    #[test]
    fn secrets_are_copied_once_each_where_wanted() {
        let written = excerpt(&capture(), &[1, 2, 3], true);
        let notes = read_bytes(&written, |_| {}).unwrap();
        let secrets: Vec<(u32, &[u8])> =
            notes.secrets.iter().map(|secret| (secret.kind, &*secret.bytes)).collect();
        assert_eq!(secrets, [(0x544c_534b, &b"first"[..]), (0x544c_534b, b"last")]);
        // What an excerpt of the excerpt has is what it has.
        assert_eq!(excerpt(&written, &[1, 2, 3], true), written);
    }

    #[test]
    fn what_the_format_cannot_hold_is_an_error() {
        let notes = Notes::default();
        let packet = |time, link| Packet {
            number: 1,
            time: Timestamp::from_nanos(time),
            link,
            interface: 0,
            wire_len: 0,
            data: &[],
            app: None,
        };
        let mut excerpt = Excerpt::begin(Vec::new(), "", "").unwrap();
        assert!(excerpt.packet(&packet(-1, LinkType::ETHERNET), &notes, &[]).is_err());
        assert!(excerpt.packet(&packet(1, LinkType::NONE), &notes, &[]).is_err());
        assert!(excerpt.packet(&packet(1, LinkType::ETHERNET), &notes, &[]).is_ok());
    }
}
