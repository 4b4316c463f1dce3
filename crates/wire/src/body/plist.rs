//! Property lists of Apple's systems: as XML, and binary (`bplist00`, opensource.apple.com/source/CF, `CFBinaryPList.c`).
//!
//! ```text
//! binary    "bplist00", objects, table of their offsets, and at the end 32 bytes:
//!             6 unused, size of an offset, size of a reference, 8 number of objects, 8 the outermost, 8 where the table is
//! object    4 bits kind, 4 bits length (15: a number object with the length follows)
//! ```
//!
//! Objects refer to each other by number, and may do so more than once: one that holds itself is refused, and the number
//! of parts bounds the rest.

use data_encoding::BASE64;

use super::{
    DEEPEST, Stop, Tree, path,
    path::Path,
    xml::{Piece, Pieces},
};

impl Tree<'_> {
    /// Takes apart the text of an XML property list. What comes before damage is kept.
    pub(super) fn xml_plist(&mut self, part: usize, text: &str) -> bool {
        let before = self.mark();
        let end = self.plist_elements(part, text);
        let read = matches!(end, Ok(()) | Err(Stop::Limit)) || self.named_since(before) > 0;
        if !read {
            self.back(before);
        }
        read
    }

    fn plist_elements(&mut self, part: usize, text: &str) -> Result<(), Stop> {
        let mut pieces = Pieces::new(text);
        let mut path = Path::new("plist");
        let mut open = vec![Group { part, name: String::new(), index: None, back: 0 }];
        // The element with a value in it, and its text.
        let mut value: Option<(String, String)> = None;
        while let Some(piece) = pieces.next()? {
            if self.full() {
                return Err(Stop::Limit);
            }
            let depth = open.len();
            let Some(group) = open.last_mut() else { return Err(Stop::Wrong) };
            match piece {
                Piece::Open(tag, _) if tag == "plist" => {}
                Piece::Open(tag, _) if tag == "dict" || tag == "array" => {
                    if depth > DEEPEST {
                        self.reached("depth of parts");
                        return Err(Stop::Limit);
                    }
                    let back = group.enter(&mut path);
                    let (above, name) = (group.part, group.name.clone());
                    let part = self.child(above, &*path.step(), b"".as_slice(), None);
                    open.push(Group { part, name, index: (tag == "array").then_some(0), back });
                }
                Piece::Open(tag, _) => value = Some((tag, String::new())),
                Piece::Text(text) => {
                    if let Some((_, said)) = &mut value {
                        said.push_str(&text);
                    }
                }
                Piece::Close => match value.take() {
                    Some((tag, text)) if tag == "key" => path::key(&text).clone_into(&mut group.name),
                    Some((tag, text)) => {
                        let bytes = match tag.as_str() {
                            "true" | "false" => tag.into_bytes(),
                            "data" => data(&text),
                            _ => text.into_bytes(),
                        };
                        let back = group.enter(&mut path);
                        let leaf = self.child(group.part, &*path.step(), bytes, Some(&group.name));
                        path.leave(back);
                        self.open(leaf);
                    }
                    // The end of a group, or at last of the whole.
                    None if depth > 1 => {
                        if let Some(group) = open.pop() {
                            path.leave(group.back);
                        }
                    }
                    None => {}
                },
            }
        }
        Ok(())
    }

    /// Takes a part apart as a binary property list. False if it is none.
    pub(super) fn binary_plist(&mut self, part: usize) -> bool {
        let bytes = self.bytes(part);
        if !bytes.starts_with(MAGIC) {
            return false;
        }
        let bytes = bytes.to_vec();
        let Some((mut walk, outermost)) = Walk::new(&bytes) else { return false };
        let before = self.mark();
        let end = walk.object(self, part, None, outermost);
        let read = matches!(end, Ok(()) | Err(Stop::Limit)) || self.named_since(before) > 0;
        if !read {
            self.back(before);
        }
        read
    }
}

const MAGIC: &[u8] = b"bplist00";

/// A dictionary or array whose end has not come.
struct Group {
    part: usize,
    /// The last key of a dictionary; what an array is called.
    name: String,
    /// The next item of an array.
    index: Option<usize>,
    back: usize,
}

impl Group {
    /// Goes down to the next value.
    fn enter(&mut self, path: &mut Path) -> usize {
        match &mut self.index {
            Some(index) => {
                *index += 1;
                path.enter(&(*index - 1).to_string())
            }
            // The outermost value has no key.
            None if self.name.is_empty() => path.enter_nothing(),
            None => path.enter(&self.name),
        }
    }
}

/// The bytes of a `<data>` element; its text where that is no base64.
fn data(text: &str) -> Vec<u8> {
    let unbroken: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(&unbroken).unwrap_or(unbroken)
}

struct Walk<'b> {
    bytes: &'b [u8],
    table: &'b [u8],
    offset: usize,
    reference: usize,
    path: Path,
    /// The objects around the one that is read.
    around: Vec<u64>,
    /// References that may still be followed: as many as a list without objects in two places can hold.
    left: usize,
}

impl<'b> Walk<'b> {
    /// A walk, and the number of the outermost object.
    fn new(bytes: &'b [u8]) -> Option<(Self, u64)> {
        let (body, tail) = bytes.split_last_chunk::<32>()?;
        let [_, _, _, _, _, _, offset, reference, numbers @ ..] = tail;
        let (offset, reference) = (usize::from(*offset), usize::from(*reference));
        let [_, outermost, table] = numbers.as_chunks::<8>().0 else { return None };
        let table = body.get(usize::try_from(u64::from_be_bytes(*table)).ok()?..)?;
        if !(1..=8).contains(&offset) || !(1..=8).contains(&reference) {
            return None;
        }
        let walk = Self {
            bytes: body,
            table,
            offset,
            reference,
            path: Path::new("plist"),
            around: Vec::new(),
            left: bytes.len(),
        };
        Some((walk, u64::from_be_bytes(*outermost)))
    }

    /// The kind of an object, its length, and the bytes behind its head.
    fn head(&self, number: u64) -> Result<(u8, usize, &'b [u8]), Stop> {
        let at = usize::try_from(number).ok().and_then(|number| number.checked_mul(self.offset));
        let place = at.and_then(|at| self.table.get(at..)?.get(..self.offset)).ok_or(Stop::Wrong)?;
        let place = usize::try_from(whole(place)).map_err(|_| Stop::Wrong)?;
        let (head, rest) = self.bytes.get(place..).and_then(<[u8]>::split_first).ok_or(Stop::Wrong)?;
        let (kind, low) = (head >> 4, head & 15);
        if low < 15 || kind < 4 {
            return Ok((kind, low.into(), rest));
        }
        let (size, rest) = rest.split_first().ok_or(Stop::Wrong)?;
        if size >> 4 != 1 || size & 15 > 3 {
            return Err(Stop::Wrong);
        }
        let (length, rest) = rest.split_at_checked(1 << (size & 15)).ok_or(Stop::Wrong)?;
        Ok((kind, usize::try_from(whole(length)).map_err(|_| Stop::Wrong)?, rest))
    }

    fn object(
        &mut self,
        tree: &mut Tree<'_>,
        parent: usize,
        name: Option<&str>,
        number: u64,
    ) -> Result<(), Stop> {
        self.left = self.left.checked_sub(1).ok_or(Stop::Wrong)?;
        if tree.full() {
            return Err(Stop::Limit);
        }
        if self.around.len() > DEEPEST {
            tree.reached("depth of parts");
            return Err(Stop::Limit);
        }
        let (kind, length, rest) = self.head(number)?;
        let take = |length: usize| rest.get(..length).ok_or(Stop::Wrong);
        let bytes = match kind {
            0 if length == 8 => b"false".to_vec(),
            0 if length == 9 => b"true".to_vec(),
            0 => return Ok(()),
            1 if length <= 4 => whole_number(take(1 << length)?).into_bytes(),
            2 if length == 2 => {
                let bytes = rest.first_chunk().ok_or(Stop::Wrong)?;
                f32::from_be_bytes(*bytes).to_string().into_bytes()
            }
            // A number with decimals, or a date: seconds since 2001.
            2 | 3 if length == 3 => {
                let bytes = rest.first_chunk().ok_or(Stop::Wrong)?;
                f64::from_be_bytes(*bytes).to_string().into_bytes()
            }
            4 | 5 | 7 => take(length)?.to_vec(),
            6 => utf16(take(length.checked_mul(2).ok_or(Stop::Wrong)?)?).into_bytes(),
            8 if length < 8 => whole(take(length + 1)?).to_string().into_bytes(),
            10..=13 => {
                // One that holds itself has no end.
                if self.around.contains(&number) {
                    return Err(Stop::Wrong);
                }
                self.around.push(number);
                self.group(tree, parent, name, kind == 13, length, rest)?;
                self.around.pop();
                return Ok(());
            }
            _ => return Err(Stop::Wrong),
        };
        let leaf = tree.child(parent, &*self.path.step(), bytes, Some(name.unwrap_or_default()));
        tree.open(leaf);
        Ok(())
    }

    /// A dictionary (all keys, then all values), array or set.
    fn group(
        &mut self,
        tree: &mut Tree<'_>,
        parent: usize,
        name: Option<&str>,
        dictionary: bool,
        length: usize,
        rest: &'b [u8],
    ) -> Result<(), Stop> {
        let size = length.checked_mul(self.reference).ok_or(Stop::Wrong)?;
        let (first, rest) = rest.split_at_checked(size).ok_or(Stop::Wrong)?;
        let second = if dictionary { rest.get(..size).ok_or(Stop::Wrong)? } else { first };
        let part = tree.child(parent, &*self.path.step(), b"".as_slice(), None);
        let pairs = first.chunks_exact(self.reference).zip(second.chunks_exact(self.reference));
        for (index, (key, value)) in pairs.enumerate() {
            if dictionary {
                let key = self.key(whole(key))?;
                let back = self.path.enter(&key);
                self.object(tree, part, Some(&key), whole(value))?;
                self.path.leave(back);
            } else {
                let back = self.path.enter(&index.to_string());
                self.object(tree, part, name, whole(value))?;
                self.path.leave(back);
            }
        }
        Ok(())
    }

    fn key(&self, number: u64) -> Result<String, Stop> {
        let (kind, length, rest) = self.head(number)?;
        let length = if kind == 6 { length.checked_mul(2).ok_or(Stop::Wrong)? } else { length };
        // A key may stand in many dictionaries: no more of it is read than is kept.
        let bytes = rest.get(..length).ok_or(Stop::Wrong)?;
        let bytes = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
        let key = match kind {
            5 => String::from_utf8_lossy(bytes).into_owned(),
            6 => utf16(bytes),
            _ => return Err(Stop::Wrong),
        };
        Ok(path::key(&key).to_owned())
    }
}

/// A number in network order; of a long one, the last 8 bytes.
fn whole(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Numbers of 8 bytes are signed, shorter ones are not.
fn whole_number(bytes: &[u8]) -> String {
    let number = whole(bytes);
    if bytes.len() == 8 { number.cast_signed().to_string() } else { number.to_string() }
}

fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::MAGIC;
    use crate::{Limits, expand};

    fn leaves(bytes: &[u8]) -> Vec<String> {
        let mut leaves: Vec<String> = expand(bytes, None, &Limits::default())
            .iter()
            .filter(|part| part.name().is_some())
            .map(|part| format!("{}={}", part.step(), String::from_utf8_lossy(part.bytes())))
            .collect();
        leaves.sort();
        leaves
    }

    /// Written by Python's plistlib.
    const BINARY: &str = "62706c6973743030d5010203040506070a0b1654626c6f62546c697374546c6f6e675475736572547768656e4d7b\
        22696e223a2273696465227da2080951786300e9d83dde005f10147a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7ad50c0d0e0f101112\
        13141553626967536c6174546d61696c516e526f6b130000011f71fb04cb234038beb851eb851f5b6140622e6578616d706c6513ffffff\
        fffffffff9093341c7ed19000000000813181d22272c3a3d3f465d686c7075777a838c98a1a20000000000000101000000000000001700\
        0000000000000000000000000000ab";

    const XML: &str = "<?xml version=\"1.0\"?><!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"x\">
        <plist version=\"1.0\"><dict>
        <key>blob</key><data>
            eyJpbiI6In
            NpZGUifQ==</data>
        <key>list</key><array><string>x</string><string>é😀</string></array>
        <key>long</key><string>zzzzzzzzzzzzzzzzzzzz</string>
        <key>user</key><dict><key>big</key><integer>1234567890123</integer><key>lat</key><real>24.745</real>
            <key>mail</key><string>a@b.example</string><key>n</key><integer>-7</integer><key>ok</key><true/></dict>
        <key>when</key><date>2026-06-11T00:00:00Z</date>
        </dict></plist>";

    fn told(when: &str) -> Vec<String> {
        let when = format!("plist:/when={when}");
        [
            "json:/in=side",
            "plist:/blob={\"in\":\"side\"}",
            "plist:/list/0=x",
            "plist:/list/1=é😀",
            "plist:/long=zzzzzzzzzzzzzzzzzzzz",
            "plist:/user/big=1234567890123",
            "plist:/user/lat=24.745",
            "plist:/user/mail=a@b.example",
            "plist:/user/n=-7",
            "plist:/user/ok=true",
            &when,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn binary() -> Vec<u8> {
        data_encoding::HEXLOWER.decode(BINARY.as_bytes()).unwrap()
    }

    #[test]
    fn both_kinds_say_the_same() {
        assert_eq!(leaves(&binary()), told("802828800"));
        assert_eq!(leaves(XML.as_bytes()), told("2026-06-11T00:00:00Z"));
    }

    #[test]
    fn keys_name_their_values() {
        let parts = expand(&binary(), Some("application/x-plist"), &Limits::default());
        let mail = parts.iter().find(|part| part.name() == Some("mail")).unwrap();
        assert_eq!(parts.get(mail.parent().unwrap()).unwrap().step(), "plist:/user");
    }

    /// A binary list of these objects, of which the first is the outermost.
    fn list(objects: &[&[u8]]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let mut table = Vec::new();
        for object in objects {
            table.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
            bytes.extend(*object);
        }
        let place = bytes.len() as u64;
        bytes.extend(table);
        bytes.extend([0, 0, 0, 0, 0, 0, 2, 1]);
        for number in [objects.len() as u64, 0, place] {
            bytes.extend(number.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn one_that_holds_itself_is_refused_and_what_came_before_is_kept() {
        assert_eq!(leaves(&list(&[b"\xa2\x01\x02", b"\x51x", b"\xa1\x00"])), ["plist:/0=x"]);
        assert!(leaves(&list(&[b"\xa1\x00"])).is_empty());
    }

    #[test]
    fn many_that_hold_each_other_twice_are_bounded() {
        let rows: Vec<[u8; 3]> = (1..60).map(|next| [0xa2, next, next]).collect();
        let mut objects: Vec<&[u8]> = rows.iter().map(<[u8; 3]>::as_slice).collect();
        objects.push(b"\x00");
        assert!(expand(&list(&objects), None, &Limits::default()).len() <= Limits::default().parts);
    }

    #[test]
    fn damage_does_not_panic_and_claims_cost_nothing() {
        let good = binary();
        for at in 0..good.len() {
            for byte in [0, 1, 0x1f, 0x7f, 0xff] {
                let mut bad = good.clone();
                bad[at] = byte;
                expand(&bad, None, &Limits::default());
            }
            expand(&good[..at], None, &Limits::default());
        }
        assert!(leaves(&list(&[b"\xaf\x13\xff\xff\xff\xff\xff\xff\xff\xff\x01"])).is_empty());
    }
}
