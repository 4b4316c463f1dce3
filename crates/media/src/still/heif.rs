//! HEIF and AVIF (ISO/IEC 23008-12): items of a `meta` box, of which those of kind `Exif` and `mime` describe the picture.
//!
//! ```text
//! ftyp · meta ─┬─ iinf: item 1 is hvc1, 2 is Exif, 3 is mime application/rdf+xml
//!              └─ iloc: item 2 lies at offset and length, …
//! ```

use std::io;

use creance_cursor::{Cursor, Malformed, Source};
use creance_model::Inspection;

use super::{exif, ifd, xmp};

/// Bytes of the box of items, and of one item, that are read; items of one picture.
const LONGEST: u64 = 16 << 20;
const MOST: usize = 4096;

/// Whether these are the first bytes of a HEIF or AVIF.
pub(crate) fn is(head: &[u8]) -> bool {
    let brands: [&[u8]; 8] = [b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif"];
    head.get(4..8) == Some(b"ftyp") && head.get(8..12).is_some_and(|brand| brands.contains(&brand))
}

/// What a HEIF gives away.
pub(crate) fn inspect(source: &dyn Source) -> io::Result<Inspection> {
    let mut inspection = Inspection::of("heif");
    let mut at = 0;
    for _ in 0..MOST {
        let head = source.piece(at, 16)?;
        let mut cursor = Cursor::new(&head);
        let (Ok(short), Ok(kind)) = (cursor.u32_be("box length"), cursor.array::<4>("box type")) else {
            break;
        };
        let (length, head) = match short {
            0 => (source.length() - at, 8),
            1 => (cursor.array("box length").map_or(0, u64::from_be_bytes), 16),
            _ => (u64::from(short), 8),
        };
        if length < head || length > source.length() - at {
            inspection.flaw("box", at, &format!("says {length} bytes, {} are left", source.length() - at));
            break;
        }
        if &kind == b"meta" {
            let most = usize::try_from(length.min(LONGEST)).unwrap_or(0);
            let content = source.piece(at + head, most)?;
            match items(&content) {
                Ok(items) => describe(&mut inspection, source, &items)?,
                Err(why) => inspection.flaw("items", at, &why),
            }
            break;
        }
        at += length;
    }
    Ok(inspection)
}

/// An item that describes the picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Item {
    is_exif: bool,
    offset: u64,
    length: u64,
}

fn describe(inspection: &mut Inspection, source: &dyn Source, items: &[Item]) -> io::Result<()> {
    for item in items {
        if item.length > LONGEST {
            inspection.flaw(
                "item",
                item.offset,
                &format!("{} bytes, at most {LONGEST} are read", item.length),
            );
            continue;
        }
        let content = source.piece(item.offset, usize::try_from(item.length).unwrap_or(0))?;
        if item.is_exif {
            // Four bytes say how far the TIFF header is (Annex A.2.1).
            let skip = content.first_chunk().map_or(0, |four| u32::from_be_bytes(*four)) as usize;
            let block = content.get(4_usize.saturating_add(skip)..).unwrap_or_default();
            match ifd::Tags::read(block) {
                Some(tags) => exif::tell(inspection, &tags, item.offset),
                None => inspection.flaw("exif", item.offset, "it has no TIFF header"),
            }
        } else {
            let (properties, flaw) = xmp::properties(&content);
            xmp::tell(inspection, &properties);
            if let Some(why) = flaw {
                inspection.flaw("xmp", item.offset, &why);
            }
        }
    }
    Ok(())
}

/// The items that describe the picture and lie in one piece, from the content of a `meta` box.
fn items(meta: &[u8]) -> Result<Vec<Item>, Malformed> {
    let mut cursor = Cursor::new(meta);
    cursor.take("meta version", 4)?;
    let (mut kinds, mut places) = (Vec::new(), Vec::new());
    while !cursor.is_empty() {
        let length = cursor.u32_be("box length")? as usize;
        let kind = cursor.array::<4>("box type")?;
        let mut content = cursor.sub("box", length.saturating_sub(8).min(cursor.len()))?;
        match &kind {
            b"iinf" => kinds = described(&mut content)?,
            b"iloc" => places = located(&mut content)?,
            _ => {}
        }
    }
    let place = |id: u32| places.iter().find(|(other, ..)| *other == id);
    let item = |(id, is_exif): (u32, bool)| {
        place(id).map(|(_, offset, length)| Item { is_exif, offset: *offset, length: *length })
    };
    Ok(kinds.into_iter().filter_map(item).collect())
}

/// The items of kind `Exif` and of XMP: number, and which of both.
fn described(content: &mut Cursor<'_>) -> Result<Vec<(u32, bool)>, Malformed> {
    let version = content.u8("iinf version")?;
    content.take("iinf flags", 3)?;
    let count = if version == 0 { content.u16_be("items")?.into() } else { content.u32_be("items")? };
    let mut found = Vec::new();
    for _ in 0..(count as usize).min(MOST) {
        let length = content.u32_be("infe length")? as usize;
        content.take("infe type", 4)?;
        let mut entry = content.sub("infe", length.saturating_sub(8))?;
        let version = entry.u8("infe version")?;
        entry.take("infe flags", 3)?;
        if version < 2 {
            continue;
        }
        let id = if version == 2 { entry.u16_be("item")?.into() } else { entry.u32_be("item")? };
        entry.take("protection", 2)?;
        match &entry.array::<4>("item type")? {
            b"Exif" => found.push((id, true)),
            b"mime" => {
                let names = entry.rest();
                let mut names = names.split(|byte| *byte == 0).skip(1);
                if names.next() == Some(b"application/rdf+xml") {
                    found.push((id, false));
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Where items lie: number, offset in the file, length of the first extent.
fn located(content: &mut Cursor<'_>) -> Result<Vec<(u32, u64, u64)>, Malformed> {
    let version = content.u8("iloc version")?;
    content.take("iloc flags", 3)?;
    let sizes = content.u16_be("iloc sizes")?;
    let size = |shift: u32| usize::from(sizes >> shift & 15);
    let (offset_size, length_size, base_size, index_size) = (size(12), size(8), size(4), size(0));
    let number = |content: &mut Cursor<'_>, size: usize| {
        let bytes = content.take("iloc number", size.min(8))?;
        Ok::<u64, Malformed>(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let count = if version < 2 { content.u16_be("items")?.into() } else { content.u32_be("items")? };
    let mut found = Vec::new();
    for _ in 0..(count as usize).min(MOST) {
        let id = if version < 2 { content.u16_be("item")?.into() } else { content.u32_be("item")? };
        let method = if version > 0 { content.u16_be("method")? & 15 } else { 0 };
        content.take("data reference", 2)?;
        let base = number(content, base_size)?;
        let extents = content.u16_be("extents")?;
        for extent in 0..extents {
            if version > 0 && index_size > 0 {
                number(content, index_size)?;
            }
            let offset = number(content, offset_size)?;
            let length = number(content, length_size)?;
            // Method 0: from the beginning of the file.
            if extent == 0 && method == 0 {
                found.push((id, base.saturating_add(offset), length));
            }
        }
    }
    Ok(found)
}
