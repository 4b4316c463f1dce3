//! The TCP header (RFC 9293).
//!
//! ```text
//! 0      2           4        8            12     13    14
//! source destination sequence acknowledged offset flags … options, payload
//! ```
//!
//! Leaves out options, window and checksum.

use crate::ip::{be16, be32};

/// One segment, its header read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of the header")]
pub(crate) struct Header<'a> {
    pub(crate) source: u16,
    pub(crate) destination: u16,
    pub(crate) sequence: u32,
    pub(crate) acknowledged: u32,
    pub(crate) fin: bool,
    pub(crate) syn: bool,
    pub(crate) rst: bool,
    pub(crate) ack: bool,
    pub(crate) payload: &'a [u8],
    /// Payload bytes that the capture cut off.
    pub(crate) missing: usize,
}

impl Header<'_> {
    /// The sequence number of the first payload byte.
    pub(crate) const fn start(&self) -> u32 {
        self.sequence.wrapping_add(self.syn as u32)
    }
}

/// Takes the header off a segment of which `missing` bytes were cut.
pub(crate) fn parse(data: &[u8], missing: usize) -> Option<Header<'_>> {
    let flags = *data.get(13)?;
    let length = usize::from(data.get(12)? >> 4) * 4;
    if length < 20 {
        return None;
    }
    Some(Header {
        source: be16(data, 0)?,
        destination: be16(data, 2)?,
        sequence: be32(data, 4)?,
        acknowledged: be32(data, 8)?,
        fin: flags & 1 != 0,
        syn: flags & 2 != 0,
        rst: flags & 4 != 0,
        ack: flags & 16 != 0,
        payload: data.get(length..).unwrap_or_default(),
        // A header cut by the capture has lost all of its payload.
        missing: missing.saturating_sub(length.saturating_sub(data.len())),
    })
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn a_header_cut_by_the_capture_has_lost_its_payload_only() {
        let mut data = vec![0; 20];
        data[12] = 8 << 4;
        data[13] = 0x12;
        let header = parse(&data, 112).unwrap();
        assert_eq!((header.payload, header.missing, header.syn, header.ack), (&[][..], 100, true, true));
        data[12] = 4 << 4;
        assert_eq!(parse(&data, 0), None);
    }
}
