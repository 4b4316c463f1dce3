//! `WebP`: the chunks that a decoder needs, and a small one of EXIF; the head says anew what there is.

use std::io;

use creance_cursor::Source;
use creance_model::{Piece, Refusal, ScrubRequest, Scrubbed};

use super::{anew, refused};
use crate::still::{
    ifd,
    webp::{Chunk, chunks},
};

/// Chunks that say how the picture looks (RFC 9649).
const KEPT: &[&[u8; 4]] = &[b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];

/// In the first byte of `VP8X`: there is EXIF, there is XMP.
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;

/// The longest block of EXIF that is read, in bytes.
const LONGEST: u64 = 16 << 20;

/// A `WebP` without what it gives away.
pub(super) fn scrub(source: &dyn Source, request: &ScrubRequest) -> io::Result<Result<Scrubbed, Refusal>> {
    let (chunks, flaw) = chunks(source)?;
    if let Some((at, why)) = flaw {
        return refused(format!("it is damaged at {at}: {why}"));
    }
    let mut removed = Scrubbed::default();
    let mut block = Vec::new();
    for chunk in chunks.iter().filter(|chunk| &chunk.kind == b"EXIF" && chunk.length <= LONGEST) {
        let content = source.piece(chunk.at + 8, usize::try_from(chunk.length).unwrap_or(0))?;
        if let Some(tags) = ifd::Tags::read(content.strip_prefix(b"Exif\0\0").unwrap_or(&content)) {
            let place = anew::moved(&tags, request.locations);
            block = anew::exif(&tags, place, &mut removed.removed);
        }
    }
    // Without the head that announces it there is no room for EXIF.
    if !chunks.iter().any(|chunk| &chunk.kind == b"VP8X") {
        block.clear();
    }
    let (mut pieces, mut length) = (Vec::new(), 4_u64);
    for chunk in &chunks {
        let whole = padded(chunk.length) + 8;
        if &chunk.kind == b"VP8X" {
            let mut head = source.piece(chunk.at, usize::try_from(whole).unwrap_or(0).min(64))?;
            let exif = if block.is_empty() { 0 } else { HAS_EXIF };
            if let Some(flags) = head.get_mut(8) {
                *flags = *flags & !(HAS_EXIF | HAS_XMP) | exif;
            }
            length += head.len() as u64;
            pieces.push(Piece::Bytes(head));
        } else if KEPT.contains(&&chunk.kind) {
            length += whole;
            pieces.extend(copied(source, chunk));
        } else if &chunk.kind != b"EXIF" {
            let kind = String::from_utf8_lossy(&chunk.kind);
            removed.removed("description", format!("webp:{}", kind.trim()));
        }
    }
    if !block.is_empty() {
        let mut chunk =
            [&b"EXIF"[..], &u32::try_from(block.len()).unwrap_or(0).to_le_bytes(), &block].concat();
        chunk.resize(chunk.len() + chunk.len() % 2, 0);
        length += chunk.len() as u64;
        pieces.push(Piece::Bytes(chunk));
    }
    let Ok(length) = u32::try_from(length) else { return refused("it is longer than a WebP can be") };
    let head = [&b"RIFF"[..], &length.to_le_bytes(), b"WEBP"].concat();
    pieces.insert(0, Piece::Bytes(head));
    Ok(Ok(Scrubbed { pieces, removed: removed.removed }))
}

const fn padded(length: u64) -> u64 {
    length + length % 2
}

/// A chunk as it stands, and the byte that pads it where the file ends without.
fn copied(source: &dyn Source, chunk: &Chunk) -> Vec<Piece> {
    let end = chunk.at + 8 + padded(chunk.length);
    let mut pieces = vec![Piece::Copy(chunk.at..end.min(source.length()))];
    if end > source.length() {
        pieces.push(Piece::Bytes(vec![0]));
    }
    pieces
}
