//! GIF: pictures, how long each is shown, how often all are, and the profile of colours; comments, XMP, words that are to be
//! drawn, and what other programs keep go.

use std::io;

use creance_cursor::Source;
use creance_model::{Piece, Refusal, ScrubRequest, Scrubbed};

use super::refused;
use crate::still::gif::{Kind, blocks};

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
        let piece = Piece::Copy(block.range.clone());
        match block.kind {
            Kind::Control => control = Some(piece),
            Kind::Picture => scrubbed.pieces.extend(control.take().into_iter().chain([piece])),
            kind if kind.is_shown() => scrubbed.pieces.push(piece),
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
}
