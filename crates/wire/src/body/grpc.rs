//! Messages as gRPC frames them (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md): a flag, a length of 4 bytes, a message.
//!
//! The flag is 1 if the message is compressed. In gRPC-Web the first bit marks a block of header lines at the end.

use super::Tree;

impl Tree<'_> {
    /// Takes a part apart as frames. False if it does not begin with one. The last may be cut.
    pub(super) fn grpc(&mut self, part: usize) -> bool {
        let bytes = self.bytes(part).to_vec();
        let mut rest = bytes.as_slice();
        while let [flag @ (0 | 1 | 0x80), a, b, c, d, behind @ ..] = rest {
            if self.full() {
                return true;
            }
            let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
            let (message, after) = behind.split_at_checked(length).unwrap_or((behind, &[]));
            rest = after;
            if message.is_empty() {
                continue;
            }
            let child = self.child(part, "grpc", message, None);
            if *flag == 0x80 || !(self.inflated(child, Some("application/protobuf")) || self.protobuf(child))
            {
                self.open(child);
            }
        }
        rest.len() < bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, expand};

    #[test]
    fn each_frame_is_a_message_and_the_last_may_be_cut() {
        let body = b"\0\0\0\0\x05\x0a\x03one\0\0\0\0\x05\x0a\x03two\0\0\0\0\xff\x0a\x05three\x0a\x09cut";
        let parts = expand(body, Some("application/grpc+proto"), &Limits::default());
        let told: Vec<_> =
            parts.iter().filter(|part| part.name().is_some()).map(|part| part.bytes().to_vec()).collect();
        assert_eq!(told, [b"one".as_slice(), b"two", b"three"]);
    }

    #[test]
    fn a_bare_message_does_too() {
        let parts = expand(b"\x0a\x03one", Some("application/grpc"), &Limits::default());
        assert!(parts.iter().any(|part| part.is("protobuf:/1") && part.bytes() == b"one"));
    }
}
