//! Messages of `ULog`, and formats of what they hold.
//!
//! ```text
//! file      55 4c 6f 67 01 12 35 │ version │ µs, u64 │ messages
//! message   size, u16 │ kind │ content of this size
//! B         flags 16 │ three offsets at which messages were appended, u64 each
//! F         name:type field;type field;…        types: basic ones, names of other formats, either as an array
//! A, R      topic with a number begins; ends
//! D         number, u16 │ fields
//! ```
//!
//! Numbers lie least significant byte first (`docs.px4.io/main/en/dev_log/ulog_file_format`).

use std::collections::BTreeMap;

/// How a file begins.
pub(super) const MAGIC: [u8; 7] = [0x55, 0x4c, 0x6f, 0x67, 0x01, 0x12, 0x35];

/// Where the messages begin.
pub(super) const HEADER: usize = 16;

/// Formats that contain each other are followed this deep.
const DEPTH: usize = 8;

/// What a stretch of a file is.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// A message: its kind, its content, and where that begins.
    Message(u8, &'a [u8], usize),
    /// No message: from where on, and how many bytes.
    Lost(usize, usize),
}

/// Calls `take` with what is found in a file, in order. Where no message is, reading goes on with the next that has a known
/// kind and is followed by such a one.
pub(super) fn walk(bytes: &[u8], mut take: impl FnMut(&Found<'_>)) {
    let appended = appended(bytes);
    let (mut at, mut good) = (HEADER, HEADER);
    let mut in_step = true;
    while at < bytes.len() {
        // The end of what was written before something was appended may be cut.
        let end =
            appended.iter().copied().find(|offset| *offset > at).unwrap_or(bytes.len()).min(bytes.len());
        let here = bytes.get(at..end).unwrap_or_default();
        let found = message(here).filter(|(_, content)| {
            let behind = here.get(3 + content.len()..).unwrap_or_default();
            in_step || behind.is_empty() || message(behind).is_some()
        });
        if let Some((kind, content)) = found {
            if good < at {
                take(&Found::Lost(good, at - good));
            }
            take(&Found::Message(kind, content, at + 3));
            at += 3 + content.len();
            good = at;
            in_step = true;
        } else if in_step && here.len() < 3 + stated(here) && end < bytes.len() {
            take(&Found::Lost(at, here.len()));
            at = end;
            good = end;
        } else {
            in_step = false;
            at += 1;
        }
    }
    if good < bytes.len() {
        take(&Found::Lost(good, bytes.len() - good));
    }
}

/// The length that a message states.
fn stated(bytes: &[u8]) -> usize {
    bytes.first_chunk().map_or(0, |two| usize::from(u16::from_le_bytes(*two)))
}

/// The message that begins here: its kind and its content.
fn message(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let kind = *bytes.get(2)?;
    let content = bytes.get(3..3 + stated(bytes))?;
    (b"ABCDFILMOPQRS".contains(&kind) && !content.is_empty()).then_some((kind, content))
}

/// Offsets at which something was appended, ascending. They stand in the first message, if at all.
fn appended(bytes: &[u8]) -> Vec<usize> {
    let Some((b'B', flags)) = bytes.get(HEADER..).and_then(message) else { return Vec::new() };
    let offsets = flags.get(16..40).unwrap_or_default().chunks_exact(8);
    let number = |eight: &[u8]| eight.first_chunk().map(|eight| u64::from_le_bytes(*eight));
    let mut offsets: Vec<usize> = offsets
        .filter_map(|eight| usize::try_from(number(eight)?).ok())
        .filter(|offset| *offset > 0)
        .collect();
    offsets.sort_unstable();
    offsets
}

/// Bits of the flags that forbid reading by those who do not know them; the lowest of the first byte is "appended".
pub(super) fn forbids(flags: &[u8]) -> bool {
    let bits = flags.get(8..16).unwrap_or_default();
    bits.iter().enumerate().any(|(index, bits)| bits & if index == 0 { !1 } else { !0 } != 0)
}

/// A key and its value, as messages of information and parameters have them: `char[24] ver_hw`.
pub(super) fn pair(content: &[u8]) -> Option<(&str, &str, &[u8])> {
    let (length, rest) = content.split_first()?;
    let (key, value) = rest.split_at_checked(usize::from(*length))?;
    let (kind, name) = std::str::from_utf8(key).ok()?.split_once(' ')?;
    Some((kind, name, value))
}

/// The number that a basic type has in these bytes.
pub(super) fn number(kind: &str, bytes: &[u8]) -> Option<f64> {
    Some(match kind {
        "int8_t" => i8::from_le_bytes(*bytes.first_chunk()?).into(),
        "uint8_t" | "bool" => (*bytes.first()?).into(),
        "int16_t" => i16::from_le_bytes(*bytes.first_chunk()?).into(),
        "uint16_t" => u16::from_le_bytes(*bytes.first_chunk()?).into(),
        "int32_t" => i32::from_le_bytes(*bytes.first_chunk()?).into(),
        "uint32_t" => u32::from_le_bytes(*bytes.first_chunk()?).into(),
        "float" => f32::from_le_bytes(*bytes.first_chunk()?).into(),
        "double" => f64::from_le_bytes(*bytes.first_chunk()?),
        #[expect(clippy::cast_precision_loss, reason = "microseconds of 285 years are exact")]
        "int64_t" => i64::from_le_bytes(*bytes.first_chunk()?) as f64,
        #[expect(clippy::cast_precision_loss, reason = "microseconds of 285 years are exact")]
        "uint64_t" => u64::from_le_bytes(*bytes.first_chunk()?) as f64,
        _ => return None,
    })
    .filter(|number: &f64| number.is_finite())
}

/// Bytes of a basic type.
pub(super) fn basic(kind: &str) -> Option<usize> {
    Some(match kind {
        "int8_t" | "uint8_t" | "bool" | "char" => 1,
        "int16_t" | "uint16_t" => 2,
        "int32_t" | "uint32_t" | "float" => 4,
        "int64_t" | "uint64_t" | "double" => 8,
        _ => return None,
    })
}

/// The formats that a file brings.
#[derive(Debug, Default)]
pub(super) struct Formats {
    fields: BTreeMap<String, Vec<Field>>,
}

#[derive(Debug)]
struct Field {
    kind: String,
    count: usize,
    name: String,
}

/// Where a field lies in the content of a topic.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Place {
    /// Its basic type.
    pub(super) kind: String,
    /// Where it begins.
    pub(super) at: usize,
    /// How many of the type there are.
    pub(super) count: usize,
}

impl Formats {
    /// Takes a format: `name:type field;…`.
    pub(super) fn add(&mut self, text: &str) {
        let Some((name, fields)) = text.split_once(':') else { return };
        let field = |text: &str| {
            let (kind, name) = text.trim().split_once(' ')?;
            let (kind, count) = match kind.split_once('[') {
                Some((kind, count)) => (kind, count.trim_end_matches(']').parse().ok()?),
                None => (kind, 1),
            };
            Some(Field { kind: kind.to_owned(), count, name: name.to_owned() })
        };
        self.fields.insert(name.to_owned(), fields.split(';').filter_map(field).collect());
    }

    /// Where the field at a path lies in a topic: `current.lat`.
    pub(super) fn find(&self, topic: &str, path: &str) -> Option<Place> {
        let (mut topic, mut path, mut base) = (topic, path, 0_usize);
        let mut sizes = BTreeMap::new();
        for _ in 0..DEPTH {
            let (name, rest) = path.split_once('.').unwrap_or((path, ""));
            let mut found = None;
            for field in self.fields.get(topic)? {
                if field.name == name {
                    found = Some(field);
                    break;
                }
                base =
                    base.checked_add(self.size(&field.kind, DEPTH, &mut sizes)?.checked_mul(field.count)?)?;
            }
            let field = found?;
            if rest.is_empty() {
                basic(&field.kind)?;
                return Some(Place { kind: field.kind.clone(), at: base, count: field.count });
            }
            (topic, path) = (&field.kind, rest);
        }
        None
    }

    /// Bytes of a type; each format is added up once.
    fn size<'a>(
        &'a self,
        kind: &'a str,
        deep: usize,
        sizes: &mut BTreeMap<&'a str, Option<usize>>,
    ) -> Option<usize> {
        if let Some(size) = basic(kind) {
            return Some(size);
        }
        if let Some(size) = sizes.get(kind) {
            return *size;
        }
        // Until it is known: of formats that contain themselves it never will be.
        sizes.insert(kind, None);
        let mut sum = 0_usize;
        for field in self.fields.get(kind).filter(|_| deep > 0)? {
            sum = sum.checked_add(self.size(&field.kind, deep - 1, sizes)?.checked_mul(field.count)?)?;
        }
        sizes.insert(kind, Some(sum));
        Some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_behind_those_before_them_in_formats_within_formats() {
        let mut formats = Formats::default();
        formats.add("point:double lat;double lon;uint8_t[3] _padding0;");
        formats.add("pair:uint64_t timestamp;point[2] before;point current;char[8] name");
        formats.add("loop:loop again;float x");
        let place = |kind: &str, at, count| Some(Place { kind: kind.to_owned(), at, count });
        assert_eq!(formats.find("pair", "timestamp"), place("uint64_t", 0, 1));
        assert_eq!(formats.find("pair", "current.lon"), place("double", 8 + 38 + 8, 1));
        assert_eq!(formats.find("pair", "name"), place("char", 8 + 38 + 19, 8));
        for (topic, path) in [("pair", "current"), ("pair", "x"), ("loop", "x"), ("none", "x")] {
            assert_eq!(formats.find(topic, path), None, "{topic} {path}");
        }
    }

    #[test]
    fn formats_that_multiply_are_added_up_once_or_not_at_all() {
        let mut formats = Formats::default();
        for number in 0..40 {
            let inner = format!("t{} a;", number + 1).repeat(1000);
            formats.add(&format!("t{number}:{inner}float x"));
        }
        assert_eq!(formats.find("t0", "x"), None, "too deep");
        formats.add("wide:uint8_t[18446744073709551615] a;uint8_t[9] b;float x");
        assert_eq!(formats.find("wide", "x"), None, "longer than any file");
    }
}
