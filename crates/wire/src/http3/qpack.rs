//! Header compression of HTTP/3 (RFC 9204).
//!
//! ```text
//! encoder stream   capacity │ insert │ insert │ duplicate …          the table grows
//! header block     ┌─────────────────────┬──────┬───────
//!                  │ inserts it relies on │ base │ lines               read when the table has so many
//!                  └─────────────────────┴──────┴───────
//! ```

use std::{collections::VecDeque, sync::Arc};

use crate::http::literal::{Block, Failed, Input};

/// Undoes the compression of one direction.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The newest last.
    table: VecDeque<Entry>,
    size: usize,
    capacity: usize,
    /// Fields that ever were in the table.
    inserted: usize,
    /// The largest capacity that the other side allows, when its settings were seen.
    most: Option<usize>,
}

/// A field, and its size (RFC 9204 §3.2.1): a name may be mended when it is read.
#[derive(Clone, Debug)]
struct Entry {
    name: Arc<str>,
    value: Arc<[u8]>,
    size: usize,
}

/// Why a block was not decoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Undecoded {
    /// It relies on so many inserts, or (0) on settings that were not seen yet.
    Until(usize),
    Broken,
}

impl From<Failed> for Undecoded {
    /// A block is whole: what ends within it is broken.
    fn from(_: Failed) -> Self {
        Self::Broken
    }
}

/// Largest table that is kept. Peers agree on far less.
const LARGEST: usize = 1 << 20;

impl Decoder {
    /// The other side's settings allow a table of this capacity.
    pub(super) fn allow(&mut self, capacity: usize) {
        self.most.get_or_insert(capacity);
    }

    /// Whether a block can be decoded now that relies on so many inserts.
    pub(super) fn has(&self, required: usize) -> bool {
        self.most.is_some() && required <= self.inserted
    }

    /// Reads the first instruction of an encoder; says how many bytes it takes.
    pub(super) fn instruction(&mut self, bytes: &[u8]) -> Result<usize, Failed> {
        let mut input = Input(bytes);
        let first = *bytes.first().ok_or(Failed::Short)?;
        match first {
            0x80.. => {
                let index = input.integer(6)?;
                let value = input.string(7, LARGEST)?;
                let (name, length) = if first & 0x40 == 0 {
                    let entry = self.recent(index)?;
                    // A name's own size, as it was on the wire.
                    (Arc::clone(&entry.name), entry.size - 32 - entry.value.len())
                } else {
                    let (name, _) = STATIC.get(index).ok_or(Failed::Broken)?;
                    ((*name).into(), name.len())
                };
                self.insert(name, length, value.into())?;
            }
            0x40..=0x7f => {
                // Bytes come one by one if they like: nothing is decoded before all is there.
                let mut whole = input;
                whole.pass(5, LARGEST)?;
                whole.pass(7, LARGEST)?;
                let name = input.string(5, LARGEST)?;
                let value = input.string(7, LARGEST)?;
                let length = name.len();
                self.insert(String::from_utf8_lossy(&name).to_lowercase().into(), length, value.into())?;
            }
            0x20..=0x3f => {
                let capacity = input.integer(5)?;
                if capacity > self.most.unwrap_or(LARGEST).min(LARGEST) {
                    return Err(Failed::Broken);
                }
                self.capacity = capacity;
                self.evict();
            }
            _ => {
                let entry = self.recent(input.integer(5)?)?.clone();
                self.push(entry)?;
            }
        }
        Ok(bytes.len() - input.0.len())
    }

    /// Counted from the newest.
    fn recent(&self, index: usize) -> Result<&Entry, Failed> {
        self.table.iter().nth_back(index).ok_or(Failed::Broken)
    }

    fn insert(&mut self, name: Arc<str>, length: usize, value: Arc<[u8]>) -> Result<(), Failed> {
        let size = length + value.len() + 32;
        self.push(Entry { name, value, size })
    }

    fn push(&mut self, entry: Entry) -> Result<(), Failed> {
        if entry.size > self.capacity {
            return Err(Failed::Broken);
        }
        self.size += entry.size;
        self.inserted += 1;
        self.table.push_back(entry);
        self.evict();
        Ok(())
    }

    fn evict(&mut self) {
        while self.size > self.capacity
            && let Some(entry) = self.table.pop_front()
        {
            self.size -= entry.size;
        }
    }

    /// Decodes a header block. Fields beyond `most` bytes are left out.
    pub(super) fn decode(&self, block: &[u8], most: usize) -> Result<Block, Undecoded> {
        let mut input = Input(block);
        let (base, required) = self.prefix(&mut input)?;
        let dynamic = |absolute: Option<usize>| {
            let absolute = absolute.filter(|absolute| *absolute < required)?;
            let entry = self.table.get(absolute.checked_sub(self.inserted - self.table.len())?)?;
            Some((&*entry.name, &*entry.value))
        };
        let fixed = |index: usize| STATIC.get(index).map(|(name, value)| (*name, value.as_bytes()));
        let before = |index: usize| dynamic(base.checked_sub(index)?.checked_sub(1));
        let behind = |index: usize| dynamic(base.checked_add(index));
        let (mut told, mut room) = (Block::default(), most);
        // What does not fit is not copied.
        let mut tell = |name: &str, value: &[u8]| match room.checked_sub(name.len() + value.len() + 32) {
            Some(left) => {
                room = left;
                told.headers.push((name.to_owned(), value.to_vec()));
            }
            None => told.more = true,
        };
        while let Some(first) = input.0.first().copied() {
            let indexed = match first {
                0xc0.. => fixed(input.integer(6)?),
                0x80..=0xbf => before(input.integer(6)?),
                0x10..=0x1f => behind(input.integer(4)?),
                0x20..=0x3f => {
                    let name = input.string(3, usize::MAX)?;
                    let value = input.string(7, usize::MAX)?;
                    tell(&String::from_utf8_lossy(&name).to_lowercase(), &value);
                    continue;
                }
                _ => {
                    let (name, _) = match first {
                        0x50..=0x5f | 0x70..=0x7f => fixed(input.integer(4)?),
                        0x40.. => before(input.integer(4)?),
                        _ => behind(input.integer(3)?),
                    }
                    .ok_or(Undecoded::Broken)?;
                    tell(name, &input.string(7, usize::MAX)?);
                    continue;
                }
            };
            let (name, value) = indexed.ok_or(Undecoded::Broken)?;
            tell(name, value);
        }
        Ok(told)
    }

    /// The base, and how many inserts a block relies on (RFC 9204 §4.5.1).
    fn prefix(&self, input: &mut Input<'_>) -> Result<(usize, usize), Undecoded> {
        let encoded = input.integer(8)?;
        let below = input.0.first().is_some_and(|first| *first >= 0x80);
        let delta = input.integer(7)?;
        let required = if encoded == 0 { 0 } else { self.required(encoded)? };
        let base =
            if below { required.checked_sub(delta + 1).ok_or(Undecoded::Broken)? } else { required + delta };
        if required > self.inserted { Err(Undecoded::Until(required)) } else { Ok((base, required)) }
    }

    fn required(&self, encoded: usize) -> Result<usize, Undecoded> {
        // Without the settings this cannot be told yet.
        let most = self.most.ok_or(Undecoded::Until(0))? / 32;
        let full = 2 * most;
        if encoded > full {
            return Err(Undecoded::Broken);
        }
        let highest = self.inserted + most;
        let required = highest / full * full + encoded - 1;
        let required = if required > highest { required.checked_sub(full) } else { Some(required) };
        required.filter(|required| *required > 0).ok_or(Undecoded::Broken)
    }
}

/// Names and values that are known beforehand (RFC 9204 Appendix A).
const STATIC: [(&str, &str); 99] = [
    (":authority", ""),
    (":path", "/"),
    ("age", "0"),
    ("content-disposition", ""),
    ("content-length", "0"),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("referer", ""),
    ("set-cookie", ""),
    (":method", "CONNECT"),
    (":method", "DELETE"),
    (":method", "GET"),
    (":method", "HEAD"),
    (":method", "OPTIONS"),
    (":method", "POST"),
    (":method", "PUT"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "103"),
    (":status", "200"),
    (":status", "304"),
    (":status", "404"),
    (":status", "503"),
    ("accept", "*/*"),
    ("accept", "application/dns-message"),
    ("accept-encoding", "gzip, deflate, br"),
    ("accept-ranges", "bytes"),
    ("access-control-allow-headers", "cache-control"),
    ("access-control-allow-headers", "content-type"),
    ("access-control-allow-origin", "*"),
    ("cache-control", "max-age=0"),
    ("cache-control", "max-age=2592000"),
    ("cache-control", "max-age=604800"),
    ("cache-control", "no-cache"),
    ("cache-control", "no-store"),
    ("cache-control", "public, max-age=31536000"),
    ("content-encoding", "br"),
    ("content-encoding", "gzip"),
    ("content-type", "application/dns-message"),
    ("content-type", "application/javascript"),
    ("content-type", "application/json"),
    ("content-type", "application/x-www-form-urlencoded"),
    ("content-type", "image/gif"),
    ("content-type", "image/jpeg"),
    ("content-type", "image/png"),
    ("content-type", "text/css"),
    ("content-type", "text/html; charset=utf-8"),
    ("content-type", "text/plain"),
    ("content-type", "text/plain;charset=utf-8"),
    ("range", "bytes=0-"),
    ("strict-transport-security", "max-age=31536000"),
    ("strict-transport-security", "max-age=31536000; includesubdomains"),
    ("strict-transport-security", "max-age=31536000; includesubdomains; preload"),
    ("vary", "accept-encoding"),
    ("vary", "origin"),
    ("x-content-type-options", "nosniff"),
    ("x-xss-protection", "1; mode=block"),
    (":status", "100"),
    (":status", "204"),
    (":status", "206"),
    (":status", "302"),
    (":status", "400"),
    (":status", "403"),
    (":status", "421"),
    (":status", "425"),
    (":status", "500"),
    ("accept-language", ""),
    ("access-control-allow-credentials", "FALSE"),
    ("access-control-allow-credentials", "TRUE"),
    ("access-control-allow-headers", "*"),
    ("access-control-allow-methods", "get"),
    ("access-control-allow-methods", "get, post, options"),
    ("access-control-allow-methods", "options"),
    ("access-control-expose-headers", "content-length"),
    ("access-control-request-headers", "content-type"),
    ("access-control-request-method", "get"),
    ("access-control-request-method", "post"),
    ("alt-svc", "clear"),
    ("authorization", ""),
    ("content-security-policy", "script-src 'none'; object-src 'none'; base-uri 'none'"),
    ("early-data", "1"),
    ("expect-ct", ""),
    ("forwarded", ""),
    ("if-range", ""),
    ("origin", ""),
    ("purpose", "prefetch"),
    ("server", ""),
    ("timing-allow-origin", "*"),
    ("upgrade-insecure-requests", "1"),
    ("user-agent", ""),
    ("x-forwarded-for", ""),
    ("x-frame-options", "deny"),
    ("x-frame-options", "sameorigin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    fn instructions(decoder: &mut Decoder, text: &str) {
        let bytes = hex(text);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let taken = decoder.instruction(rest).unwrap();
            rest = rest.get(taken..).unwrap();
        }
    }

    fn shown(decoder: &Decoder, text: &str) -> Vec<String> {
        let told = decoder.decode(&hex(text), 1 << 16).unwrap();
        let shown = |(name, value): &(String, Vec<u8>)| format!("{name}={}", String::from_utf8_lossy(value));
        told.headers.iter().map(shown).collect()
    }

    /// RFC 9204, Appendix B.
    #[test]
    fn the_published_examples() {
        let mut decoder = Decoder::default();
        // B.1
        assert_eq!(shown(&decoder, "0000510b2f696e6465782e68746d6c"), [":path=/index.html"]);
        // B.2: the block comes before what it relies on.
        let block = "03811011";
        assert_eq!(decoder.decode(&hex(block), 99), Err(Undecoded::Until(0)), "no settings");
        decoder.allow(220);
        assert_eq!(decoder.decode(&hex(block), 99), Err(Undecoded::Until(2)));
        instructions(&mut decoder, "3fbd01c00f7777772e6578616d706c652e636f6dc10c2f73616d706c652f70617468");
        assert_eq!(shown(&decoder, block), [":authority=www.example.com", ":path=/sample/path"]);
        assert_eq!(decoder.size, 106);
        // B.3
        instructions(&mut decoder, "4a637573746f6d2d6b65790c637573746f6d2d76616c7565");
        assert_eq!(decoder.size, 160);
        // B.4
        instructions(&mut decoder, "02");
        assert_eq!(decoder.size, 217);
        assert_eq!(
            shown(&decoder, "050080c181"),
            [":authority=www.example.com", ":path=/", "custom-key=custom-value"]
        );
        // B.5
        instructions(&mut decoder, "810d637573746f6d2d76616c756532");
        assert_eq!((decoder.size, decoder.inserted, decoder.table.len()), (215, 5, 4));
    }
}
