//! `WebP` (RFC 9649): RIFF chunks, of which `EXIF` and `XMP ` describe the picture.

use std::io;

use creance_cursor::Source;
use creance_model::Inspection;

use super::{exif, ifd, xmp};

/// Chunks of one picture that are read, and bytes of one that is read.
const MOST: usize = 100_000;
const LONGEST: u64 = 16 << 20;

/// A chunk: its kind, where it stands with its head of eight bytes, and the length of its content.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub(crate) kind: [u8; 4],
    pub(crate) at: u64,
    pub(crate) length: u64,
}

/// Whether these are the first bytes of a `WebP`.
pub(crate) fn is(head: &[u8]) -> bool {
    head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP")
}

/// Where a walk ended too early, and why.
pub(crate) type Broken = (u64, String);

/// The chunks as far as they are whole, and where and why that ends before the end of the file.
pub(crate) fn chunks(source: &dyn Source) -> io::Result<(Vec<Chunk>, Option<Broken>)> {
    let (mut chunks, mut at) = (Vec::new(), 12_u64);
    while at < source.length() {
        let head = source.piece(at, 8)?;
        let head: Option<([u8; 4], [u8; 4])> =
            head.first_chunk::<4>().copied().zip(head.get(4..).and_then(|rest| rest.try_into().ok()));
        let Some((kind, length)) = head else {
            return Ok((chunks, Some((at, "the file ends within the head of a chunk".to_owned()))));
        };
        let chunk = Chunk { kind, at, length: u32::from_le_bytes(length).into() };
        let end = at + 8 + chunk.length;
        if end > source.length() || chunks.len() >= MOST {
            return Ok((chunks, Some((at, format!("chunk ends at {end}, or is one of more than {MOST}")))));
        }
        chunks.push(chunk);
        at = end + end % 2;
    }
    Ok((chunks, None))
}

/// What a `WebP` gives away.
pub(crate) fn inspect(source: &dyn Source) -> io::Result<Inspection> {
    let mut inspection = Inspection::of("webp");
    let (chunks, flaw) = chunks(source)?;
    for chunk in chunks {
        if !matches!(&chunk.kind, b"EXIF" | b"XMP ") {
            continue;
        }
        let start = chunk.at + 8;
        if chunk.length > LONGEST {
            inspection.flaw(
                "chunk",
                chunk.at,
                &format!("{} bytes, at most {LONGEST} are read", chunk.length),
            );
            continue;
        }
        let content = source.piece(start, usize::try_from(chunk.length).unwrap_or(0))?;
        if &chunk.kind == b"EXIF" {
            // Some write the head that EXIF has in a JPEG.
            let block = content.strip_prefix(b"Exif\0\0").unwrap_or(&content);
            match ifd::Tags::read(block) {
                Some(tags) => exif::tell(&mut inspection, &tags, start),
                None => inspection.flaw("exif", start, "it has no TIFF header"),
            }
        } else {
            let (properties, flaw) = xmp::properties(&content);
            xmp::tell(&mut inspection, &properties);
            if let Some(why) = flaw {
                inspection.flaw("xmp", start, &why);
            }
        }
    }
    if let Some((at, why)) = flaw {
        inspection.flaw("chunks", at, &why);
    }
    Ok(inspection)
}
