//! PNG: the chunks that a decoder needs, and a small one of EXIF.

use std::io;

use creance_cursor::Source;
use creance_model::{Piece, Refusal, ScrubRequest, Scrubbed};

use super::{anew, refused};
use crate::still::{ifd, png::chunks};

/// Chunks that say how the picture looks; animations among them.
const KEPT: &[&[u8; 4]] = &[
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP",
    b"mDCV", b"cLLI", b"bKGD", b"hIST", b"pHYs", b"sPLT", b"acTL", b"fcTL", b"fdAT",
];

/// The longest block of EXIF that is read, in bytes.
const LONGEST: u64 = 16 << 20;

/// A PNG without what it gives away.
pub(super) fn scrub(source: &dyn Source, request: &ScrubRequest) -> io::Result<Result<Scrubbed, Refusal>> {
    let (chunks, flaw) = chunks(source)?;
    if let Some((at, why)) = flaw {
        return refused(format!("it is damaged at {at}: {why}"));
    }
    let mut scrubbed = Scrubbed { pieces: vec![Piece::Copy(0..8)], removed: Vec::new() };
    for chunk in &chunks {
        if KEPT.contains(&&chunk.kind) {
            scrubbed.pieces.push(Piece::Copy(chunk.at..chunk.end()));
            continue;
        }
        if &chunk.kind == b"eXIf" && chunk.length <= LONGEST {
            let content = source.piece(chunk.at + 8, usize::try_from(chunk.length).unwrap_or(0))?;
            if let Some(tags) = ifd::Tags::read(&content) {
                let place = anew::moved(&tags, request.locations);
                let block = anew::exif(&tags, place, &mut scrubbed.removed);
                if !block.is_empty() {
                    scrubbed.pieces.push(exif(&block));
                }
                continue;
            }
        }
        let kind = String::from_utf8_lossy(&chunk.kind);
        scrubbed.removed("text or data", format!("png:{kind}"));
    }
    if chunks.last().is_some_and(|last| last.end() < source.length()) {
        scrubbed.removed("data", "behind the picture");
    }
    Ok(Ok(scrubbed))
}

/// A chunk of EXIF, with its checksum over kind and content.
fn exif(block: &[u8]) -> Piece {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(b"eXIf");
    hasher.update(block);
    let length = u32::try_from(block.len()).unwrap_or(u32::MAX);
    Piece::Bytes([&length.to_be_bytes(), &b"eXIf"[..], block, &hasher.finalize().to_be_bytes()].concat())
}
