//! GIF: pictures, how long each is shown, how often all are, and the profile of colours; comments, XMP, words that are to be
//! drawn, and what other programs keep go.

use std::io;

use creance_cursor::Source;
use creance_model::{Piece, Refusal, ScrubRequest, Scrubbed};

use super::refused;
use crate::still::gif::{Kind, Shown, blocks, shown};

/// A GIF without what it gives away. Places stand in its XMP alone, and go with it.
pub(super) fn scrub(source: &dyn Source, _: &ScrubRequest) -> io::Result<Result<Scrubbed, Refusal>> {
    let found = blocks(source)?;
    if let Some((at, why)) = found.flaw {
        return refused(format!("it is damaged at {at}: {why}"));
    }
    let mut scrubbed = Scrubbed { pieces: vec![Piece::Copy(0..found.first)], removed: Vec::new() };
    // What is said of the next picture goes with it.
    let mut control = None;
    for block in &found.all {
        let mut piece = Piece::Copy(block.range.clone());
        let says = block.kind == Kind::Control || block.kind.is_shown();
        let shown = if says { shown(source, block)? } else { Shown::Whole };
        if shown == Shown::Nothing && block.kind == Kind::Control {
            return refused(format!("the control at {} is none", block.range.start));
        }
        if let Shown::Only(bytes) = &shown {
            scrubbed.removed("data beside what its block is for", format!("gif:{}", block.range.start));
            piece = Piece::Bytes(bytes.clone());
        }
        match block.kind {
            Kind::Control => control = Some(piece),
            Kind::Picture => scrubbed.pieces.extend(control.take().into_iter().chain([piece])),
            kind if kind.is_shown() && shown != Shown::Nothing => scrubbed.pieces.push(piece),
            Kind::Comment => scrubbed.removed("text", "gif:comment"),
            Kind::Words => {
                control = None;
                scrubbed.removed("text", "gif:text");
            }
            Kind::Application(name) => {
                let name = String::from_utf8_lossy(&name).trim().to_owned();
                scrubbed.removed("data of an application", format!("gif:{name}"));
            }
            Kind::Other(label) => scrubbed.removed("data of an unknown kind", format!("gif:{label:#04x}")),
        }
    }
    scrubbed.pieces.push(Piece::Bytes(vec![0x3b]));
    if found.end.is_some_and(|end| end < source.length()) {
        scrubbed.removed("data", "behind the picture");
    }
    Ok(Ok(scrubbed))
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
