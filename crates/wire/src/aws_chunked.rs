//! Bodies in signed chunks: AWS Signature Version 4, `aws-chunked`. The store takes the chunks off, so the object is what
//! is inside.
//!
//! ```text
//! 10000;chunk-signature=<64 digits> CR LF    length in hex; the signature is left out where a trailer has a checksum
//! <65536 bytes> CR LF
//! …
//! 0;chunk-signature=<64 digits> CR LF
//! x-amz-checksum-crc32:<base64> CR LF        fields of the trailer, if any
//! CR LF
//! ```
//!
//! Signatures and checksums are not checked. Specification: "Signature Calculations for the Authorization Header:
//! Transferring Payload in Multiple Chunks", Amazon S3 API Reference.

/// Longest first line of a chunk; one with a signature has less than a hundred bytes.
const LONGEST_LINE: usize = 256;

/// Longest trailer: a checksum and its signature.
const LONGEST_TRAILER: usize = 1024;

/// The bytes inside, as far as the body goes. `None`: these are no such chunks, whatever the head says, and the body is
/// to be looked at as it came.
pub(crate) fn open(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(bytes.len());
    // A body may be cut, also between chunks.
    while !bytes.is_empty() {
        let end = bytes.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n')?;
        let (line, rest) = bytes.split_at(end + 1);
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (hex, extension) = line.split_at(digits);
        if !matches!(extension, [b';', ..] | [b'\r', b'\n']) {
            return None;
        }
        let length = usize::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?;
        if length == 0 {
            return (rest.len() <= LONGEST_TRAILER).then_some(plain);
        }
        let Some((chunk, behind)) = rest.split_at_checked(length) else {
            plain.extend_from_slice(rest);
            break;
        };
        plain.extend_from_slice(chunk);
        bytes = match behind {
            [b'\r', b'\n', next @ ..] => next,
            [] | [b'\r'] => &[],
            _ => return None,
        };
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::open;

    const SIGNED: &[u8] =
        b"3;chunk-signature=ab\r\nabc\r\n2;chunk-signature=cd\r\nde\r\n0;chunk-signature=ef\r\n\r\n";

    #[test]
    fn chunks_with_signatures_or_a_trailer_are_taken_off() {
        assert_eq!(open(SIGNED).unwrap(), b"abcde");
        assert_eq!(
            open(b"A\r\n0123456789\r\n0\r\nx-amz-checksum-crc32:pnO28w==\r\n\r\n").unwrap(),
            b"0123456789"
        );
    }

    #[test]
    fn of_a_body_that_is_cut_the_beginning_is_read() {
        for end in 0..SIGNED.len() {
            let cut = SIGNED.get(..end).unwrap();
            // A cut within the first line of a chunk leaves what is no chunk.
            if let Some(plain) = open(cut) {
                assert!(b"abcde".starts_with(&plain), "{end}");
            }
        }
        assert_eq!(open(b"ffffffff\r\nX").unwrap(), b"X");
    }

    #[test]
    fn what_only_claims_to_be_chunks_stays_as_it_is() {
        let long = [b"0\r\n".as_slice(), &[b'x'; 2000]].concat();
        let hidden = [b"1;".as_slice(), &[b'x'; 2000], b"\r\nx\r\n0\r\n\r\n"].concat();
        for body in
            [&b"secret"[..], b"\xff\xd8\xff\n", b"3\r\nabcSECRET", b"ffffffffffffffffff\r\nX", &long, &hidden]
        {
            assert_eq!(open(body), None, "{}", String::from_utf8_lossy(body));
        }
    }
}
