//! GIF (`CompuServe`, GIF89a): blocks one behind another, of which comments and application extensions describe the picture.
//!
//! ```text
//! "GIF89a" · screen: width, height u16, flags, background, aspect · table of colours
//! 0x2c picture: place, size, flags · table of colours · least code size · parts
//! 0x21 extension: label · parts          parts: length u8, so many bytes, …, 0
//! 0x3b end
//! ```
//!
//! Zeros may stand between blocks, as all readers allow.

pub(super) mod letters;

use std::{io, ops::Range};

use creance_cursor::Source;
use creance_model::{Hidden, Inspection};

use super::{
    stretch::{Stretch, Window},
    xmp,
};

/// Blocks of one picture that are read, and bytes of one that is read.
const MOST: usize = 500_000;
const LONGEST: u64 = 16 << 20;

/// Texts and blocks of programs that are told: each of half a million would be held.
const MOST_TOLD: usize = 4096;

/// Packets of XMP that are read: there is to be one.
const MOST_PACKETS: usize = 16;

/// What stands behind a packet of XMP, which is written without parts: each byte leads a reader of parts to the end
/// (XMP specification part 3, 1.1.2).
const TRAILER: &[u8] = &[0x01, 0xff, 0xfe, 0xfd, 0xfc];

/// What a block is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A picture.
    Picture,
    /// How long the next picture is shown, and which of its colours is none.
    Control,
    /// Words of anybody.
    Comment,
    /// Words that are to be drawn.
    Words,
    /// What a program keeps: its name and the letters that prove it, 11 in all.
    Application([u8; 11]),
    /// Something else.
    Other(u8),
}

/// A block: what it is, where it stands, and where its content begins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Block {
    pub(crate) kind: Kind,
    pub(crate) range: Range<u64>,
    pub(crate) content: u64,
}

impl Kind {
    /// Whether a program keeps how the picture is shown there: how often it is repeated, and its profile of colours.
    pub(crate) fn is_shown(self) -> bool {
        matches!(self, Self::Application(name) if matches!(&name, b"NETSCAPE2.0" | b"ANIMEXTS1.0" | b"ICCRGBG1012"))
    }

    fn is_profile(self) -> bool {
        matches!(self, Self::Application(name) if &name == b"ICCRGBG1012")
    }

    fn is_xmp(self) -> bool {
        matches!(self, Self::Application(name) if &name == b"XMP DataXMP")
    }
}

/// The blocks as far as they are whole.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    pub(crate) all: Vec<Block>,
    /// Where the first block begins.
    pub(crate) first: u64,
    /// Where the picture ends, behind its last byte.
    pub(crate) end: Option<u64>,
    /// Where and why the walk ended before.
    pub(crate) flaw: Option<(u64, String)>,
    /// Whether it did so behind whole blocks, at the end of the file: only the last byte is missing.
    pub(crate) is_unended: bool,
}

/// Walks the blocks, reading only the lengths of their parts.
pub(crate) fn blocks(source: &dyn Source) -> io::Result<Blocks> {
    let mut found = Blocks::default();
    let mut window = Window::new(source);
    let head = window.at(0, 13)?;
    let Some(flags) = head.get(10).copied().filter(|_| head.len() == 13) else {
        found.flaw = Some((0, "the file ends within its head".to_owned()));
        return Ok(found);
    };
    found.first = 13 + colours(flags);
    let mut at = found.first;
    loop {
        let cut = |why: &str| Some((at, why.to_owned()));
        if found.all.len() >= MOST {
            found.flaw = cut(&format!("more than {MOST} blocks"));
            return Ok(found);
        }
        let (kind, content) = match window.at(at, 14)? {
            [0, ..] => {
                at += 1;
                continue;
            }
            [0x3b, ..] => {
                found.end = Some(at + 1);
                return Ok(found);
            }
            [0x2c, _, _, _, _, _, _, _, _, flags, ..] => (Kind::Picture, at + 10 + colours(*flags) + 1),
            [0x21, 0xf9, ..] => (Kind::Control, at + 2),
            [0x21, 0xfe, ..] => (Kind::Comment, at + 2),
            [0x21, 0x01, ..] => (Kind::Words, at + 2),
            [0x21, 0xff, 11, name @ ..] if name.len() == 11 => {
                (Kind::Application(name.try_into().unwrap_or_default()), at + 14)
            }
            [0x21, label, ..] => (Kind::Other(*label), at + 2),
            rest @ ([] | [0x2c | 0x21, ..]) => {
                found.is_unended = rest.is_empty();
                found.flaw = cut("the file ends before its last byte (0x3b)");
                return Ok(found);
            }
            [byte, ..] => {
                found.flaw = cut(&format!("a block begins with {byte:#04x}"));
                return Ok(found);
            }
        };
        let mut end = content;
        loop {
            match window.at(end, 1)? {
                [0] => break,
                [length] => end += 1 + u64::from(*length),
                _ => {
                    found.flaw = cut("a block reaches behind the end of the file");
                    return Ok(found);
                }
            }
        }
        found.all.push(Block { kind, range: at..end + 1, content });
        at = end + 1;
    }
}

/// Bytes of a table of colours, by the flags that announce it.
fn colours(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// The bytes of a block's parts, one behind another.
fn joined(source: &dyn Source, block: &Block) -> io::Result<Vec<u8>> {
    let raw = raw(source, block)?;
    let (mut bytes, mut rest) = (Vec::new(), raw.as_slice());
    while let Some((length, after)) = rest.split_first().filter(|(length, _)| **length > 0) {
        let length = usize::from(*length).min(after.len());
        bytes.extend(after.get(..length).unwrap_or_default());
        rest = after.get(length..).unwrap_or_default();
    }
    Ok(bytes)
}

/// The bytes of a block behind its head, as they stand.
fn raw(source: &dyn Source, block: &Block) -> io::Result<Vec<u8>> {
    source.piece(block.content, usize::try_from(block.range.end - block.content).unwrap_or(0))
}

/// What of a block that says how pictures are shown says no more than that.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Shown {
    /// All of it.
    Whole,
    /// These bytes in its place; something stood behind.
    Only(Vec<u8>),
    /// Nothing: it is not what its name says.
    Nothing,
}

/// How much of a control, or of a block that [`Kind::is_shown`], is what its name says: a control has four bytes, the count of
/// repetitions three that begin with 1, and a profile of colours is as long as it says (ICC.1 §7.2).
pub(crate) fn shown(source: &dyn Source, block: &Block) -> io::Result<Shown> {
    if block.kind.is_profile() {
        let fits = block.range.end - block.content <= LONGEST;
        let profile = if fits { joined(source, block)? } else { Vec::new() };
        let length = profile.first_chunk().map(|length| u32::from_be_bytes(*length) as usize);
        let is_one = length == Some(profile.len()) && profile.get(36..40) == Some(b"acsp");
        return Ok(if is_one { Shown::Whole } else { Shown::Nothing });
    }
    let begins: &[u8] = if block.kind == Kind::Control { &[4] } else { &[3, 1] };
    let length = usize::from(begins.first().copied().unwrap_or_default()) + 1;
    let part = source.piece(block.content, length)?;
    if !part.starts_with(begins) || part.len() < length {
        return Ok(Shown::Nothing);
    }
    if block.range.end - block.content == length as u64 + 1 {
        return Ok(Shown::Whole);
    }
    let head =
        source.piece(block.range.start, usize::try_from(block.content - block.range.start).unwrap_or(0))?;
    Ok(Shown::Only([&head[..], &part, &[0]].concat()))
}

/// What a GIF gives away.
pub(crate) fn inspect(source: &dyn Source) -> io::Result<Inspection> {
    let mut inspection = Inspection::of("gif");
    let found = blocks(source)?;
    let (mut packets, mut beside, mut damaged) = (0, 0, None);
    let (mut window, mut is_over) = (Window::new(source), false);
    for block in &found.all {
        let (start, bytes) = (block.content, block.range.end - block.content);
        if block.kind == Kind::Picture {
            match letters::end(&mut window, block)? {
                letters::End::Before { behind, is_filled: true, .. } => beside += behind,
                letters::End::Damaged(at) => damaged = damaged.or(Some(at)),
                letters::End::Before { .. } | letters::End::Last => {}
            }
            continue;
        }
        if is_over {
            continue;
        }
        if inspection.hidden.len() + inspection.facts.len() >= MOST_TOLD {
            is_over = true;
            let why = format!("more blocks say something than the {MOST_TOLD} that are told");
            inspection.flaw("blocks", block.range.start, &why);
            continue;
        }
        if block.kind == Kind::Control || block.kind.is_shown() {
            if shown(source, block)? != Shown::Whole {
                let field = match block.kind {
                    Kind::Application(name) => format!("gif:{}", String::from_utf8_lossy(&name)),
                    _ => "gif:control".to_owned(),
                };
                inspection.hidden.push(Hidden { what: "data beside what its block is for", field, bytes });
            }
            continue;
        }
        if bytes > LONGEST {
            inspection.flaw(
                "block",
                block.range.start,
                &format!("{bytes} bytes, at most {LONGEST} are read"),
            );
            continue;
        }
        match block.kind {
            Kind::Comment | Kind::Words => {
                let mut bytes = joined(source, block)?;
                if block.kind == Kind::Words {
                    // Where and in which colours they are drawn stands before them, in a part of twelve bytes.
                    bytes.drain(..bytes.len().min(12));
                }
                let text = String::from_utf8_lossy(&bytes);
                let field = if block.kind == Kind::Words { "gif:text" } else { "gif:comment" };
                inspection.say("text", text.trim_matches(|c: char| c == '\0' || c.is_whitespace()), field);
            }
            kind if kind.is_xmp() && packets == MOST_PACKETS => {
                packets += 1;
                inspection.flaw("xmp", start, &format!("more than the {MOST_PACKETS} packets that are read"));
            }
            kind if kind.is_xmp() && packets > MOST_PACKETS => {}
            kind if kind.is_xmp() => {
                packets += 1;
                let raw = raw(source, block)?;
                let end = memchr::memmem::rfind(&raw, TRAILER).unwrap_or(raw.len());
                let (properties, flaw) = xmp::properties(raw.get(..end).unwrap_or_default());
                xmp::tell(&mut inspection, &properties);
                if let Some(why) = flaw {
                    inspection.flaw("xmp", start, &why);
                }
            }
            Kind::Application(name) => {
                let field = format!("gif:{}", String::from_utf8_lossy(&name).trim());
                inspection.hidden.push(Hidden { what: "data of an application", field, bytes });
            }
            _ => {
                let field = "gif:extension".to_owned();
                inspection.hidden.push(Hidden { what: "data of an unknown kind", field, bytes });
            }
        }
    }
    if beside > 0 {
        let (what, field) = ("data behind the letters of a picture", "gif:picture".to_owned());
        inspection.hidden.push(Hidden { what, field, bytes: beside });
    }
    if let Some(at) = damaged {
        inspection.flaw("picture", at, "a code stands for nothing: what its parts hold is not known");
    }
    if let Some((at, why)) = found.flaw {
        inspection.flaw("blocks", at, &why);
    }
    if let Some(end) = found.end {
        let rest = Stretch::new(source, end..source.length());
        if super::scans::filled(&rest, 0)? < rest.length() {
            let (field, bytes) = ("behind the end".to_owned(), rest.length());
            inspection.hidden.push(Hidden { what: "data behind the picture", field, bytes });
        }
    }
    Ok(inspection)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(content: &[u8]) -> Vec<u8> {
        let mut bytes: Vec<u8> = Vec::new();
        for part in content.chunks(255) {
            bytes.push(u8::try_from(part.len()).unwrap());
            bytes.extend(part);
        }
        bytes.push(0);
        bytes
    }

    /// A picture of two frames that is repeated, with words of all kinds, XMP, and something behind it.
    pub(crate) fn picture() -> Vec<u8> {
        let packet = br#"<x xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description exif:GPSLatitude="47,30.0N" exif:GPSLongitude="8,15.0W" drone-dji:DroneSerialNumber="1TESTAB00C0042"/></x>"#;
        let trailer = [&[1][..], &(0..=255).rev().collect::<Vec<u8>>(), &[0]].concat();
        let frame =
            [&[0x21, 0xf9, 4, 0, 9, 0, 0, 0][..], &[0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2], &parts(b"\x44\x01")]
                .concat();
        [
            &b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff"[..],
            &[&[0x21, 0xff, 11][..], b"NETSCAPE2.0", &parts(&[1, 0, 0])].concat(),
            &[&[0x21, 0xfe][..], &parts(&[b"Ada Example, Mast 7".as_slice(); 20].concat())].concat(),
            &[&[0x21, 0xff, 11][..], b"XMP DataXMP", packet, &trailer].concat(),
            &frame,
            &[&[0x21, 0xf9, 4, 0, 9, 0, 0, 0, 0x21, 0x01][..], &parts(&[0; 12]), &[]].concat(),
            &[&[0x21, 0xff, 11][..], b"KESTREL 1.0", &parts(b"SECRET")].concat(),
            &frame,
            b"\x3b",
            b"SERIAL 42",
        ]
        .concat()
    }

    #[test]
    fn comments_packets_and_what_lies_behind_are_told() {
        let told = inspect(&picture().as_slice()).unwrap();
        assert_eq!((told.places[0].lat, told.places[0].lon), (47.5, -8.25));
        assert_eq!(told.identifiers[0].value, "1TESTAB00C0042");
        assert!(told.facts[0].value.contains("Ada Example, Mast 7Ada"), "{:?}", told.facts);
        let hidden: Vec<_> = told.hidden.iter().map(|one| (one.what, one.field.as_str())).collect();
        assert_eq!(
            hidden,
            [("data of an application", "gif:KESTREL 1.0"), ("data behind the picture", "behind the end")]
        );
        assert!(told.damage.is_empty(), "{:?}", told.damage);
        let cut = picture();
        assert!(!inspect(&&cut[..40]).unwrap().damage.is_empty());
    }

    #[test]
    fn of_many_packets_the_first_are_read_and_the_rest_is_said_to_be_there() {
        let picture = picture();
        let end = memchr::memmem::find(&picture, &[0x21, 0xf9]).unwrap();
        let start = memchr::memmem::find(&picture, b"XMP DataXMP").unwrap() - 3;
        let many = [&picture[..start], &picture[start..end].repeat(40), &picture[end..]].concat();
        let told = inspect(&many.as_slice()).unwrap();
        assert_eq!(told.identifiers[0].value, "1TESTAB00C0042");
        assert_eq!(told.damage.len(), 1, "{:?}", told.damage);
    }

    proptest! {
        #[test]
        fn any_damage_is_answered(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut: prop::sample::Index) {
            let mut picture = picture();
            for (index, byte) in edits {
                let at = index.index(picture.len());
                picture[at] = byte;
            }
            picture.truncate(cut.index(picture.len()) + 1);
            inspect(&picture.as_slice()).unwrap();
            let found = blocks(&picture.as_slice()).unwrap();
            prop_assert!(found.all.windows(2).all(|two| two[0].range.end <= two[1].range.start));
        }
    }
}
