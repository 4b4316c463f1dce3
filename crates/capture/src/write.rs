//! Writing pcap, for tests and for making captures of any size.

use std::io::{self, Write};

use creance_model::{LinkType, Timestamp};

/// Writes a pcap file with nanoseconds, least significant byte first.
pub struct PcapWriter<W> {
    out: W,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the header.
    pub fn new(mut out: W, link: LinkType) -> io::Result<Self> {
        out.write_all(&0xa1b2_3c4d_u32.to_le_bytes())?;
        out.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
        out.write_all(&262_144_u32.to_le_bytes())?;
        out.write_all(&link.0.to_le_bytes())?;
        Ok(Self { out })
    }

    /// Writes one packet.
    pub fn packet(&mut self, time: Timestamp, wire_len: u32, data: &[u8]) -> io::Result<()> {
        let nanos = time.as_nanos();
        let seconds = u32::try_from(nanos.div_euclid(1_000_000_000)).map_err(io::Error::other)?;
        let fraction = u32::try_from(nanos.rem_euclid(1_000_000_000)).map_err(io::Error::other)?;
        let length = u32::try_from(data.len()).map_err(io::Error::other)?;
        for field in [seconds, fraction, length, wire_len] {
            self.out.write_all(&field.to_le_bytes())?;
        }
        self.out.write_all(data)
    }

    /// Gives back what was written to.
    pub fn into_inner(self) -> W {
        self.out
    }
}
