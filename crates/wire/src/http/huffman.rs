//! The string code of HPACK and QPACK (RFC 7541 §5.2 and Appendix B).
//!
//! The code is canonical: codes of one length are consecutive, in order of the symbols, and follow on those of the
//! length before. The lengths alone tell all of it.

/// Bits of the code of each byte, and of the end of a string.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6,
    6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7,
    8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7,
    15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24,
    23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23,
    23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26,
    26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
    21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27,
    27, 27, 26, 30,
];

const LONGEST: usize = 30;

/// The end of a string, which stands in none.
const END: u16 = 256;

/// For each length, the first code, how many there are, and where their symbols begin.
struct Table {
    lengths: [(u32, u32, usize); LONGEST + 1],
    symbols: [u16; 257],
}

const TABLE: Table = table();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated when it is compiled"
)]
const fn table() -> Table {
    let mut table = Table { lengths: [(0, 0, 0); LONGEST + 1], symbols: [0; 257] };
    let (mut code, mut next, mut length) = (0_u32, 0, 1);
    while length <= LONGEST {
        code <<= 1;
        let start = next;
        let mut symbol = 0;
        while symbol < 257 {
            if LENGTHS[symbol] as usize == length {
                table.symbols[next] = symbol as u16;
                next += 1;
            }
            symbol += 1;
        }
        table.lengths[length] = (code, (next - start) as u32, start);
        code += (next - start) as u32;
        length += 1;
    }
    table
}

/// Undoes the code. `None` if the bytes are none of it.
pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(bytes.len() + bytes.len() / 2);
    let (mut code, mut length) = (0_u32, 0_usize);
    for byte in bytes {
        for shift in (0..8).rev() {
            code = code << 1 | u32::from(byte >> shift & 1);
            length += 1;
            let (first, count, start) = *TABLE.lengths.get(length)?;
            if code >= first && code - first < count {
                let symbol = *TABLE.symbols.get(start + (code - first) as usize)?;
                text.push(u8::try_from(symbol).ok().filter(|_| symbol != END)?);
                (code, length) = (0, 0);
            }
        }
    }
    // What is left over is the beginning of the end: ones, fewer than eight.
    (length < 8 && code == (1 << length) - 1).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7541, C.4.1 and C.6.1.
    #[test]
    fn the_published_examples() {
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        assert_eq!(decode(&hex("f1e3c2e5f23a6ba0ab90f4ff")).unwrap(), b"www.example.com");
        assert_eq!(
            decode(&hex("d07abe941054d444a8200595040b8166e082a62d1bff")).unwrap(),
            b"Mon, 21 Oct 2013 20:13:21 GMT"
        );
        assert_eq!(decode(&[0]), None, "five bits and three zeros");
        assert_eq!(decode(&[0xff; 4]), None, "the end of a string");
    }
}
