//! UDP (RFC 768).
//!
//! ```text
//! 0      2           4      6        8
//! source destination length checksum payload
//! ```
//!
//! Leaves out the checksum: network cards fill it in after the capture.

use crate::ip::be16;

/// One datagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Datagram<'a> {
    pub(crate) source: u16,
    pub(crate) destination: u16,
    pub(crate) payload: &'a [u8],
}

/// Takes the header off.
pub(crate) fn parse(data: &[u8]) -> Option<Datagram<'_>> {
    let length = usize::from(be16(data, 4)?);
    // Zero: longer than 65535 (RFC 2675). Otherwise what lies behind the stated length is padding.
    let length = if length < 8 { data.len() } else { length.min(data.len()) };
    Some(Datagram { source: be16(data, 0)?, destination: be16(data, 2)?, payload: data.get(8..length)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_behind_the_stated_length_is_padding() {
        let datagram = parse(&[0, 53, 1, 0, 0, 10, 0, 0, 7, 8, 9]).unwrap();
        assert_eq!(datagram, Datagram { source: 53, destination: 256, payload: &[7, 8] });
        assert_eq!(parse(&[0; 7]), None);
    }
}
