//! RTCP (RFC 3550 §6): what goes along with RTP. Of its reports, who sends (CNAME, name, address, tool, place) and who
//! leaves are told.
//!
//! ```text
//! version 2, padding, count │ type 200–207 │ length in words − 1 │ body      several in one datagram
//! ```
//!
//! Left out: numbers about quality; feedback, which counts as not read.

use creance_cursor::{Cursor, Malformed};

use creance_model::Carrier;

use crate::datagram::Told;

/// Whether packets fill these bytes: of the first two bytes of each, and of the lengths that chain them.
pub(crate) fn chain(bytes: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(bytes);
    let mut count = 0;
    while !cursor.is_empty() {
        next(&mut cursor).ok()?;
        count += 1;
    }
    (count > 0).then_some(count)
}

/// The type, the count and the body of the next packet.
fn next<'a>(cursor: &mut Cursor<'a>) -> Result<(u8, u8, Cursor<'a>), Malformed> {
    let at = cursor.at();
    let first = cursor.u8("version")?;
    let kind = cursor.u8("packet type")?;
    if first >> 6 != 2 || !(200..=207).contains(&kind) {
        let found = u64::from(u16::from_be_bytes([first, kind]));
        return Err(Malformed::Unexpected {
            field: "RTCP",
            at,
            found,
            expected: "version 2 and a type of 200 to 207",
        });
    }
    let words = usize::from(cursor.u16_be("length")?);
    Ok((kind, first & 31, cursor.sub("packet", 4 * words)?))
}

/// What was told last of each source.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    told: Vec<(u32, Vec<u8>)>,
}

/// Sources of one flow whose descriptions are remembered: of others each is told.
const MOST_SOURCES: usize = 64;

impl Sources {
    /// What a datagram tells that was not told before, and how many of its bytes were read.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> (Vec<Told>, usize) {
        let (mut told, mut read) = (Vec::new(), 0);
        let mut cursor = Cursor::new(bytes);
        while let Ok((kind, count, mut body)) = next(&mut cursor) {
            let length = body.len();
            read += 4;
            match kind {
                // The numbers of each source, without what a profile adds to them (RFC 3550 §6.4).
                200 | 201 => {
                    let own = if kind == 200 { 24 } else { 4 };
                    let _ = body.take("report", (own + 24 * usize::from(count)).min(length));
                }
                // An application's own (RFC 3550 §6.7).
                204 => {
                    let mut own = Told::new("app");
                    own.parts.add(Carrier::Body, None, "app", None, body.rest());
                    let _ = body.take("app", length);
                    told.push(own);
                }
                202 => {
                    for _ in 0..count {
                        let Ok(description) = self.description(&mut body) else { break };
                        told.extend(description);
                    }
                }
                203 => {
                    for _ in 0..count {
                        let Ok(source) = body.u32_be("source") else { break };
                        let mut bye = Told::new("bye");
                        bye.text("ssrc", format!("{source:#010x}"));
                        told.push(bye);
                    }
                }
                _ => {}
            }
            read += length - body.len();
        }
        (told, read)
    }

    /// One source with its items, up to the word that ends them.
    fn description(&mut self, body: &mut Cursor<'_>) -> Result<Option<Told>, Malformed> {
        let source = body.u32_be("source")?;
        let items = body.rest();
        let mut told = Told::new("sdes");
        told.text("ssrc", format!("{source:#010x}"));
        let mut length = 0;
        loop {
            let item = body.u8("item")?;
            length += 1;
            if item == 0 {
                break;
            }
            let size = body.u8("item length")?;
            let text = body.take("item", usize::from(size))?;
            length += 1 + text.len();
            let text = String::from_utf8_lossy(text).into_owned();
            let name = match item {
                1 => "cname",
                2 => "name",
                3 => "email",
                4 => "phone",
                5 => "location",
                6 => "tool",
                7 => "note",
                _ => "private",
            };
            told.value(name, text);
        }
        // Zeros fill up the last word.
        let filling = length.next_multiple_of(4) - length;
        body.take("filling", filling.min(body.len()))?;
        let items = items.get(..length).unwrap_or_default();
        match self.told.iter().position(|(known, _)| *known == source) {
            Some(at) => {
                if let Some((_, known)) = self.told.get_mut(at) {
                    if known == items {
                        return Ok(None);
                    }
                    items.clone_into(known);
                }
            }
            None if self.told.len() < MOST_SOURCES => self.told.push((source, items.to_vec())),
            None => {}
        }
        Ok(Some(told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Field, Value};

    /// A report of a receiver, a description and a farewell.
    fn compound() -> Vec<u8> {
        let mut bytes = vec![0x80, 201, 0, 1, 1, 2, 3, 4];
        bytes.extend([0x81, 202, 0, 4, 1, 2, 3, 4, 1, 7]);
        bytes.extend(b"a@b.exa\0\0\0");
        bytes.extend([0x81, 203, 0, 1, 1, 2, 3, 4]);
        bytes
    }

    #[test]
    fn who_sends_and_who_leaves_is_told_once() {
        let bytes = compound();
        assert_eq!(chain(&bytes), Some(3));
        let mut sources = Sources::default();
        let (told, read) = sources.read(&bytes);
        assert_eq!(read, bytes.len());
        let kinds: Vec<_> = told.iter().map(|told| told.kind).collect();
        assert_eq!(kinds, ["sdes", "bye"]);
        let named = Field { name: "cname", value: Value::Text("a@b.exa".to_owned()) };
        assert!(told.first().unwrap().fields.contains(&named), "{told:?}");
        assert_eq!(sources.read(&bytes).0.len(), 1, "the farewell again, the description not");
    }

    #[test]
    fn what_an_application_adds_is_a_part_and_feedback_is_not_read() {
        let app = b"\x80\xcc\0\x03\x01\x02\x03\x04nameplan";
        let feedback = b"\x81\xce\0\x03\x01\x02\x03\x04\0\0\0\0hide";
        let (told, read) = Sources::default().read(&[app.as_slice(), feedback].concat());
        assert_eq!(read, app.len() + 4);
        let [app] = told.as_slice() else { panic!("{told:?}") };
        assert!(app.parts.first().is_some_and(|part| part.bytes().ends_with(b"plan")));
    }

    #[test]
    fn what_is_cut_or_other_is_no_chain() {
        let bytes = compound();
        for cut in 0..bytes.len() {
            let whole = matches!(cut, 8 | 28);
            assert_eq!(chain(bytes.get(..cut).unwrap_or_default()).is_some(), whole, "{cut}");
        }
        assert_eq!(chain(&[0x80, 0x60, 0, 1, 0, 0, 0, 0]), None);
    }
}
