//! Header compression of HTTP/2 (RFC 7541).

use std::collections::VecDeque;

use crate::http::literal::{Block, Failed, Header, Input};

/// Names and values that are known beforehand (RFC 7541 Appendix A).
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// Largest table that is kept, in the bytes of RFC 7541 §4.1. Peers agree on far less.
const LARGEST: usize = 1 << 20;

/// Bytes of fields that one block may copy.
const MOST_WORK: usize = 4 << 20;

/// Undoes the compression of one direction.
#[derive(Debug)]
pub(super) struct Decoder {
    /// Fields, each with its size on the wire: a name may be mended when it is read.
    table: VecDeque<(Header, usize)>,
    size: usize,
    most: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { table: VecDeque::new(), size: 0, most: 4096 }
    }
}

/// The block is none, or refers to what was not seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Broken;

impl From<Failed> for Broken {
    fn from(_: Failed) -> Self {
        Self
    }
}

impl Decoder {
    /// Decodes a block. Fields beyond `most` bytes are left out, but do their part in the table. A block that refers to
    /// far more than that, over and over, is broken.
    pub(super) fn decode(&mut self, block: &[u8], most: usize) -> Result<Block, Broken> {
        let mut input = Input(block);
        let (mut told, mut room) = (Block::default(), most);
        let mut work = MOST_WORK;
        while let Some(first) = input.0.first().copied() {
            let (header, size) = match first {
                0x80.. => {
                    let index = input.integer(7)?;
                    let (name, value) = self.indexed(index)?;
                    let size = name.len() + value.len() + 32;
                    // What does not fit is not copied.
                    if size > room {
                        told.more = true;
                        continue;
                    }
                    ((name.to_owned(), value.to_vec()), size)
                }
                0x40..=0x7f => {
                    let (header, size) = self.literal(&mut input, 6)?;
                    if size <= self.most {
                        self.insert(header.clone(), size);
                    } else {
                        // Larger than the table: it empties it (RFC 7541 §4.4).
                        self.table.clear();
                        self.size = 0;
                    }
                    (header, size)
                }
                0x20..=0x3f => {
                    let size = input.integer(5)?;
                    if size > LARGEST {
                        return Err(Broken);
                    }
                    self.most = size;
                    self.evict();
                    continue;
                }
                _ => self.literal(&mut input, 4)?,
            };
            work = work.checked_sub(size).ok_or(Broken)?;
            match room.checked_sub(size) {
                Some(left) => {
                    room = left;
                    told.headers.push(header);
                }
                None => told.more = true,
            }
        }
        Ok(told)
    }

    fn indexed(&self, index: usize) -> Result<(&str, &[u8]), Broken> {
        let index = index.checked_sub(1).ok_or(Broken)?;
        if let Some((name, value)) = STATIC.get(index) {
            return Ok((name, value.as_bytes()));
        }
        let ((name, value), _) = self.table.get(index - STATIC.len()).ok_or(Broken)?;
        Ok((name, value))
    }

    /// A field and its size by RFC 7541 §4.1.
    fn literal(&self, input: &mut Input<'_>, bits: u8) -> Result<(Header, usize), Broken> {
        let (name, length) = match input.integer(bits)? {
            0 => {
                let name = input.string(7, usize::MAX)?;
                (String::from_utf8_lossy(&name).to_lowercase(), name.len())
            }
            index => {
                let (name, _) = self.indexed(index)?;
                (name.to_owned(), name.len())
            }
        };
        let value = input.string(7, usize::MAX)?;
        let size = length + value.len() + 32;
        Ok(((name, value), size))
    }

    fn insert(&mut self, header: Header, size: usize) {
        self.size += size;
        self.table.push_front((header, size));
        self.evict();
    }

    fn evict(&mut self) {
        while self.size > self.most
            && let Some((_, size)) = self.table.pop_back()
        {
            self.size -= size;
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    fn shown(decoder: &mut Decoder, hex: &str) -> Vec<String> {
        let block = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
        let told = decoder.decode(&block, 1 << 16).unwrap();
        told.headers
            .iter()
            .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)))
            .collect()
    }

    /// RFC 7541, C.4: three requests over one connection.
    #[test]
    fn the_published_examples() {
        let mut decoder = Decoder::default();
        let first = [":method=GET", ":scheme=http", ":path=/", ":authority=www.example.com"];
        assert_eq!(shown(&mut decoder, "828684418cf1e3c2e5f23a6ba0ab90f4ff"), first);
        assert_eq!(
            shown(&mut decoder, "828684be5886a8eb10649cbf")[3..],
            ["www.example.com", "no-cache"]
                .iter()
                .zip([":authority", "cache-control"])
                .map(|(value, name)| format!("{name}={value}"))
                .collect::<Vec<_>>()
        );
        assert_eq!(
            shown(&mut decoder, "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"),
            [
                ":method=GET",
                ":scheme=https",
                ":path=/index.html",
                ":authority=www.example.com",
                "custom-key=custom-value"
            ]
        );
        assert_eq!(decoder.size, 164);
    }

    #[test]
    fn a_block_that_repeats_a_long_field_is_bounded() {
        let mut decoder = Decoder::default();
        let mut block = vec![0x40, 1, b'a', 0x7f, 0x80, 0x1e];
        block.extend([b'x'; 127 + 30 * 128]);
        block.extend([0xbe; 10_000]);
        let told = decoder.decode(&block, 1 << 16).unwrap();
        assert!(told.more && told.headers.len() < 20, "{}", told.headers.len());
    }
}
