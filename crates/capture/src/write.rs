//! Writing pcap and pcapng, for tests and for making captures of any size.
//!
//! ```text
//! pcap:   header │ record │ record …          (see the reader in pcap.rs)
//! pcapng: section │ interface │ packet │ …    one interface, nanoseconds
//! ```
//!
//! Left out: options but the resolution; several interfaces; everything that is not a packet, but see
//! [`PcapngWriter::block`] and [`crate::Excerpt`].

use std::io::{self, Write};

use creance_model::{LinkType, Timestamp};

/// Writes a pcap file.
pub struct PcapWriter<W> {
    out: W,
    nanos: bool,
    big: bool,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the header: nanoseconds, least significant byte first.
    pub fn new(out: W, link: LinkType) -> io::Result<Self> {
        Self::with(out, link, true, false)
    }

    /// Writes the header: nanoseconds or microseconds, the most or the least significant byte first.
    pub fn with(out: W, link: LinkType, nanos: bool, big: bool) -> io::Result<Self> {
        let mut writer = Self { out, nanos, big };
        let magic = if nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
        let version = if big { 0x0002_0004 } else { 0x0004_0002 };
        writer.fields(&[magic, version, 0, 0, 262_144, link.0])?;
        Ok(writer)
    }

    /// Writes one packet. A time before 1970 or after 2106 is an error: the format cannot hold it.
    pub fn packet(&mut self, time: Timestamp, wire_len: u32, data: &[u8]) -> io::Result<()> {
        let nanos = time.as_nanos();
        let seconds = u32::try_from(nanos.div_euclid(1_000_000_000)).map_err(io::Error::other)?;
        let fraction = u32::try_from(nanos.rem_euclid(1_000_000_000)).map_err(io::Error::other)?;
        let fraction = if self.nanos { fraction } else { fraction / 1000 };
        let length = u32::try_from(data.len()).map_err(io::Error::other)?;
        self.fields(&[seconds, fraction, length, wire_len])?;
        self.out.write_all(data)
    }

    fn fields(&mut self, fields: &[u32]) -> io::Result<()> {
        for field in fields {
            self.out.write_all(&ordered(*field, self.big))?;
        }
        Ok(())
    }

    /// Gives back what was written to.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// Writes a pcapng file with one interface and nanoseconds.
pub struct PcapngWriter<W> {
    out: W,
    big: bool,
}

impl<W: Write> PcapngWriter<W> {
    /// Writes the section and the interface, the most or the least significant byte first.
    pub fn new(out: W, link: LinkType, big: bool) -> io::Result<Self> {
        let mut writer = Self { out, big };
        writer.section(link)?;
        Ok(writer)
    }

    /// Writes nothing yet: sections and interfaces are blocks that the caller makes. Least significant byte first.
    pub(crate) const fn bare(out: W) -> Self {
        Self { out, big: false }
    }

    /// Begins another section with one interface.
    pub fn section(&mut self, link: LinkType) -> io::Result<()> {
        let (version, resolution) =
            if self.big { (0x0001_0000, 0x0009_0001) } else { (0x0000_0001, 0x0001_0009) };
        let fields = [0x1a2b_3c4d, version, u32::MAX, u32::MAX];
        self.block(0x0a0d_0d0a, &self.fields(&fields))?;
        let link = if self.big { link.0 << 16 } else { link.0 & 0xffff };
        let mut body = self.fields(&[link, 0, resolution]);
        body.extend([9, 0, 0, 0, 0, 0, 0, 0]);
        self.block(1, &body)
    }

    /// Writes one packet. A time before 1970 is an error: the format cannot hold it.
    pub fn packet(&mut self, time: Timestamp, wire_len: u32, data: &[u8]) -> io::Result<()> {
        self.enhanced(0, time, wire_len, data, &[])
    }

    /// Writes one packet of an interface, with options as they stand in the file.
    pub(crate) fn enhanced(
        &mut self,
        interface: u32,
        time: Timestamp,
        wire_len: u32,
        data: &[u8],
        options: &[u8],
    ) -> io::Result<()> {
        let ticks = u64::try_from(time.as_nanos())
            .map_err(|_| io::Error::other("pcapng cannot hold a time before 1970"))?;
        let high = u32::try_from(ticks >> 32).map_err(io::Error::other)?;
        let low = u32::try_from(ticks & 0xffff_ffff).map_err(io::Error::other)?;
        let length = u32::try_from(data.len()).map_err(io::Error::other)?;
        let mut body = self.fields(&[interface, high, low, length, wire_len]);
        body.extend(data);
        if !options.is_empty() {
            body.resize(body.len().next_multiple_of(4), 0);
            body.extend(options);
        }
        self.block(6, &body)
    }

    /// Writes a block of any type; its body is padded to a multiple of four bytes.
    pub fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let padded = body.len().next_multiple_of(4);
        let length = ordered(u32::try_from(padded + 12).map_err(io::Error::other)?, self.big);
        self.out.write_all(&ordered(kind, self.big))?;
        self.out.write_all(&length)?;
        self.out.write_all(body)?;
        self.out.write_all([0; 3].get(..padded - body.len()).unwrap_or_default())?;
        self.out.write_all(&length)
    }

    fn fields(&self, fields: &[u32]) -> Vec<u8> {
        fields.iter().flat_map(|field| ordered(*field, self.big)).collect()
    }

    /// Gives back what was written to.
    pub fn into_inner(self) -> W {
        self.out
    }
}

const fn ordered(field: u32, big: bool) -> [u8; 4] {
    if big { field.to_be_bytes() } else { field.to_le_bytes() }
}
