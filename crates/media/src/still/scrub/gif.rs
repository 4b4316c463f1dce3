//! GIF: pictures, how long each is shown, how often all are, and the profile of colours; comments, XMP, words that are to be
//! drawn, and what other programs keep go.

use std::{collections::BTreeSet, io};

use creance_cursor::Source;
use creance_model::{Piece, Refusal, Removal, ScrubRequest, Scrubbed};

use super::refused;
use crate::still::{
    gif::{
        Block, Kind, Shown, blocks,
        letters::{self, End},
        shown,
    },
    stretch::Window,
};

/// What goes, each told once: half a million blocks may go.
#[derive(Default)]
struct Removed(BTreeSet<Removal>);

impl Removed {
    /// Names that are told one by one.
    const MOST: usize = 1000;

    fn add(&mut self, what: &'static str, field: &str) {
        let field = if self.0.len() < Self::MOST { field } else { "gif: of many names" };
        self.0.insert(Removal { what, field: field.to_owned() });
    }
}

/// A GIF without what it gives away. Places stand in its XMP alone, and go with it.
pub(super) fn scrub(source: &dyn Source, _: &ScrubRequest) -> io::Result<Result<Scrubbed, Refusal>> {
    let found = blocks(source)?;
    let has_picture = found.all.iter().any(|block| block.kind == Kind::Picture);
    if let Some((at, why)) = found.flaw.filter(|_| !(found.is_unended && has_picture)) {
        return refused(format!("it is damaged at {at}: {why}"));
    }
    let mut pieces = vec![Piece::Copy(0..found.first)];
    let mut removed = Removed::default();
    // What is said of the next picture goes with it.
    let (mut control, mut window) = (None, Window::new(source));
    for block in &found.all {
        let mut piece = Piece::Copy(block.range.clone());
        let says = block.kind == Kind::Control || block.kind.is_shown();
        let shown = if says { shown(source, block)? } else { Shown::Whole };
        if shown == Shown::Nothing && block.kind == Kind::Control {
            return refused(format!("the control at {} is none", block.range.start));
        }
        if let Shown::Only(bytes) = &shown {
            let field = match block.kind {
                Kind::Application(name) => format!("gif:{}", String::from_utf8_lossy(&name)),
                _ => "gif:control".to_owned(),
            };
            removed.add("data beside what its block is for", &field);
            piece = Piece::Bytes(bytes.clone());
        }
        match block.kind {
            Kind::Control => control = Some(piece),
            Kind::Picture => {
                let picture = match letters::end(&mut window, block)? {
                    End::Last => vec![piece],
                    End::Before { part, at, is_filled, .. } => {
                        // Zeros go as well, and say nothing.
                        if is_filled {
                            removed.add("data behind the letters of a picture", "gif:picture");
                        }
                        ended(source, block, part, at)?
                    }
                    End::Damaged(at) => {
                        return refused(format!("it is damaged at {at}: a code stands for nothing"));
                    }
                };
                pieces.extend(control.take().into_iter().chain(picture));
            }
            kind if kind.is_shown() && shown != Shown::Nothing => pieces.push(piece),
            Kind::Comment => removed.add("text", "gif:comment"),
            Kind::Words => {
                control = None;
                removed.add("text", "gif:text");
            }
            Kind::Application(name) => {
                let name = String::from_utf8_lossy(&name).trim().to_owned();
                removed.add("data of an application", &format!("gif:{name}"));
            }
            Kind::Other(label) => removed.add("data of an unknown kind", &format!("gif:{label:#04x}")),
        }
    }
    pieces.push(Piece::Bytes(vec![0x3b]));
    if found.end.is_some_and(|end| end < source.length()) {
        removed.add("data", "behind the picture");
    }
    Ok(Ok(Scrubbed { pieces, removed: removed.0.into_iter().collect() }))
}

/// A picture whose letters end in this part, before this byte.
fn ended(source: &dyn Source, picture: &Block, part: u64, at: u64) -> io::Result<Vec<Piece>> {
    let length = at - part - 1;
    let bytes = source.piece(part + 1, usize::try_from(length).unwrap_or(0))?;
    let last = [&[u8::try_from(length).unwrap_or(u8::MAX)], &bytes[..], &[0]].concat();
    Ok(vec![Piece::Copy(picture.range.start..part), Piece::Bytes(last)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::still::{Still, gif::tests::picture};

    #[test]
    fn pictures_stay_and_words_go() {
        let picture = picture();
        let clean = scrub(&picture.as_slice(), &ScrubRequest::default()).unwrap().unwrap().bytes(&picture);
        for secret in [&b"Ada"[..], b"SECRET", b"TESTAB", b"SERIAL", b"XMP"] {
            assert!(memchr::memmem::find(&picture, secret).is_some());
            assert!(memchr::memmem::find(&clean, secret).is_none());
        }
        let found = blocks(&clean.as_slice()).unwrap();
        let kinds: Vec<Kind> = found.all.iter().map(|block| block.kind).collect();
        let frame = [Kind::Control, Kind::Picture];
        assert_eq!(kinds, [&[Kind::Application(*b"NETSCAPE2.0")][..], &frame, &frame].concat());
        assert_eq!((found.end, found.flaw), (Some(clean.len() as u64), None));
        let told = Still::Gif.inspect(&clean.as_slice()).unwrap();
        assert_eq!(told, creance_model::Inspection::of("gif"));
        assert!(scrub(&&picture[..60], &ScrubRequest::default()).unwrap().is_err(), "what is cut is refused");
    }

    #[test]
    fn nothing_hides_behind_letters_or_between_blocks_and_what_has_no_end_gets_one() {
        let clean =
            |picture: &[u8]| scrub(&picture, &ScrubRequest::default()).unwrap().unwrap().bytes(picture);
        let picture = clean(&picture());
        let end = picture.len() - 1;
        assert_eq!(picture[end - 3..], [0x44, 1, 0, 0x3b], "one part of two bytes");
        // In the part in which the letters end, in parts of its own, and both; the last byte is missing.
        for hiding in [&b"\x08\x44\x01SECRET\0"[..], b"\x02\x44\x01\x06SECRET\0", b"\x03\x44\x01S\x05ECRET\0"]
        {
            let hidden = [&picture[..end - 4], hiding, &[0x3b]].concat();
            let told = Still::Gif.inspect(&hidden.as_slice()).unwrap();
            let found: Vec<_> = told.hidden.iter().map(|one| (one.what, one.bytes)).collect();
            assert_eq!(found, [("data behind the letters of a picture", 6)]);
            assert_eq!(clean(&hidden), picture);
            assert_eq!(clean(&hidden[..hidden.len() - 1]), picture);
        }
        // Zeros are no data, and go, and nothing is said of them.
        let filled = [&picture[..end - 4], b"\x04\x44\x01\0\0\0", &[0, 0, 0x3b]].concat();
        assert_eq!(Still::Gif.inspect(&filled.as_slice()).unwrap(), creance_model::Inspection::of("gif"));
        assert_eq!(clean(&filled), picture);
        let removed = |picture: &[u8]| {
            scrub(&picture, &ScrubRequest::default())
                .unwrap()
                .unwrap()
                .removed
                .into_iter()
                .map(|one| one.what)
                .collect::<Vec<_>>()
        };
        assert_eq!(removed(&filled[..filled.len() - 3]), Vec::<&str>::new());
        let hidden = [&picture[..end - 4], b"\x08\x44\x01SECRET\0", &[0x3b]].concat();
        assert_eq!(removed(&hidden), ["data behind the letters of a picture"]);
        let unended = Still::Gif.inspect(&&picture[..end]).unwrap();
        assert_eq!(unended.damage.len(), 1, "that it is cut is said");
        assert!(scrub(&&picture[..end - 1], &ScrubRequest::default()).unwrap().is_err());
        assert!(scrub(&&b"GIF89a\x01\0\x01\0\0\0\0"[..], &ScrubRequest::default()).unwrap().is_err());
    }

    #[test]
    fn nothing_hides_behind_how_pictures_are_shown() {
        let clean =
            |picture: &[u8]| scrub(&picture, &ScrubRequest::default()).unwrap().unwrap().bytes(picture);
        let picture = clean(&picture());
        // Each is put where the loop begins: further parts behind it, and behind a control; a profile that is none.
        let at = memchr::memmem::find(&picture, b"NETSCAPE2.0\x03\x01").unwrap() + 15;
        let hiding = |at: usize, what: &[u8]| [&picture[..at], what, &picture[at..]].concat();
        let control = memchr::memmem::find(&picture, &[0x21, 0xf9, 4]).unwrap();
        let fake = [&[0x21, 0xff, 11][..], b"ICCRGBG1012", b"\x06SECRET\0"].concat();
        for hidden in [hiding(at, b"\x06SECRET"), hiding(control + 7, b"\x06SECRET"), hiding(control, &fake)]
        {
            let told = Still::Gif.inspect(&hidden.as_slice()).unwrap();
            assert_eq!(told.hidden.len(), 1, "{told:?}");
            assert_eq!(clean(&hidden), picture);
        }
        let mut profile = [0; 64];
        profile[3] = 64;
        profile[36..40].copy_from_slice(b"acsp");
        let true_one = hiding(control, &[&fake[..14], &[64], &profile, &[0]].concat());
        assert_eq!(clean(&true_one), true_one);
        let mut bad = picture.clone();
        bad[control + 2] = 3;
        assert!(scrub(&bad.as_slice(), &ScrubRequest::default()).unwrap().is_err());
    }
}
