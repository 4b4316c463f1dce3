//! TIFF 6.0, `BigTIFF` and DNG 1.7: the file is directories of tags, and the pictures lie where these say.

pub(crate) mod parts;

use std::io;

use creance_cursor::Source;
use creance_model::Inspection;

use super::{exif, gdal, ifd, iptc, xmp};

/// Bytes of a file that are read: directories may stand at its end. Larger ones are read up to here.
const MOST: usize = 256 << 20;

/// XMP, and image resources of Photoshop.
pub(crate) const XMP: u16 = 0x02bc;
const PHOTOSHOP: u16 = 0x8649;
/// IPTC without image resources around it.
const IPTC: u16 = 0x83bb;
const DNG_VERSION: u16 = 0xc612;

/// What a TIFF or DNG gives away.
pub(crate) fn inspect(source: &dyn Source) -> io::Result<Inspection> {
    let bytes = source.piece(0, MOST)?;
    let mut inspection = Inspection::of("tiff");
    let Some(tags) = ifd::Tags::read(&bytes) else {
        inspection.flaw("tiff", 0, "its header is cut");
        return Ok(inspection);
    };
    if tags.big {
        inspection.kind = "bigtiff";
    }
    if tags.get(ifd::Directory::Main, DNG_VERSION).is_some() {
        inspection.kind = "dng";
    }
    exif::tell(&mut inspection, &tags, 0);
    for entry in &tags.entries {
        match entry.tag {
            XMP => {
                let (properties, flaw) = xmp::properties(tags.bytes_of(entry));
                xmp::tell(&mut inspection, &properties);
                if let Some(why) = flaw {
                    inspection.flaw("xmp", entry.value.start as u64, &why);
                }
            }
            gdal::METADATA => gdal::tell(&mut inspection, tags.bytes_of(entry)),
            IPTC => iptc::datasets(&mut inspection, tags.bytes_of(entry)),
            PHOTOSHOP => iptc::tell(&mut inspection, &[&[0], tags.bytes_of(entry)].concat()),
            _ => {}
        }
    }
    gdal::georeference(&mut inspection, &tags);
    // In a file of its own a second picture is a page or a preview, and shown by viewers: what its segments describe is told instead.
    inspection.hidden.retain(|hidden| hidden.what != "thumbnail");
    parts::tell(&mut inspection, &tags)?;
    if source.length() > bytes.len() as u64 {
        inspection.flaw(
            "length",
            bytes.len() as u64,
            &format!("of {} bytes {MOST} are read", source.length()),
        );
    }
    Ok(inspection)
}
