//! What a file is, by its content, and what reads it.

use std::io;

use creance_cursor::Source;
use creance_media::Still;
use creance_model::Inspection;
use creance_place::zones;

use crate::device::document;

/// Bytes by which a file is told.
pub(crate) const HEAD: usize = 4096;

/// The largest log or document that is read, in bytes, and the largest picture that is decoded.
const LONGEST_LOG: u64 = 1 << 30;
pub(crate) const LONGEST_PICTURE: u64 = 256 << 20;

/// What a source gives away.
pub(crate) fn inspect(
    name: &str,
    source: &dyn Source,
    with_faces: bool,
    logs: &creance_flightlog::Options,
) -> io::Result<Inspection> {
    let head = source.piece(0, HEAD)?;
    if let Some(still) = Still::of(&head) {
        let mut inspection = still.inspect(source)?;
        if with_faces {
            faces(&mut inspection, source)?;
        }
        return Ok(inspection);
    }
    if creance_media::is_video(&head) {
        return creance_media::inspect_video(source);
    }
    if let Some(format) = creance_flightlog::format(&head) {
        let bytes = source.piece(0, usize::try_from(LONGEST_LOG).unwrap_or(usize::MAX))?;
        let mut inspection = format.read(&bytes, logs);
        if source.length() > LONGEST_LOG {
            inspection.flaw(
                "length",
                LONGEST_LOG,
                &format!("of {} bytes {LONGEST_LOG} are read", source.length()),
            );
        }
        return Ok(inspection);
    }
    if let Some(kind) = named(&head) {
        return Ok(Inspection::of(kind));
    }
    let wanted = document::wanted(name, &head);
    let bytes = source.piece(0, wanted)?;
    let document = document::inspect(name, &bytes, bytes.len() as u64 == source.length());
    if let Some(zones) = listed(name, &head, source)? {
        // Who is to be asked about a zone stands in it too. Where it lies is told of all of them at once.
        let identifiers = document.map(|document| document.identifiers).unwrap_or_default();
        return Ok(Inspection { identifiers, ..zones });
    }
    Ok(document.unwrap_or_else(|| Inspection::of("unknown")))
}

/// What a list of zones gives away; `None`: it is none.
fn listed(name: &str, head: &[u8], source: &dyn Source) -> io::Result<Option<Inspection>> {
    let is_text = !head.is_empty() && !head.contains(&0);
    if !is_text || source.length() > zones::LONGEST_LIST {
        return Ok(None);
    }
    let more = source.piece(0, zones::LIST_HEAD)?;
    if !zones::may_list(&more) {
        return Ok(None);
    }
    let bytes = source.piece(0, usize::try_from(zones::LONGEST_LIST).unwrap_or(usize::MAX))?;
    Ok(zones::inspect(name, &bytes))
}

/// Kinds that are known and not looked into here.
fn named(head: &[u8]) -> Option<&'static str> {
    if creance_capture::begins_capture(head) {
        return Some("capture");
    }
    Some(match head {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => "zip",
        [0x1f, 0x8b, ..] => "gzip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "xz",
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => "bzip2",
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => "7z",
        [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => "rar",
        _ if super::archive::tar::is(head) => "tar",
        _ if creance_wire::Form::of(head).is_some() => "recording",
        _ => return None,
    })
}

/// Looks for the faces of a picture.
fn faces(inspection: &mut Inspection, source: &dyn Source) -> io::Result<()> {
    if source.length() > LONGEST_PICTURE {
        inspection.flaw("faces", 0, &format!("not looked for in more than {LONGEST_PICTURE} bytes"));
        return Ok(());
    }
    let bytes = source.piece(0, usize::try_from(LONGEST_PICTURE).unwrap_or(usize::MAX))?;
    match creance_media::locate_faces(&bytes) {
        Ok(found) => {
            if found.limited {
                inspection.flaw("faces", 0, &"more places look like some at first sight than are looked at");
            }
            inspection.faces = Some(found.faces);
        }
        Err(why) => inspection.flaw("faces", 0, &format!("not looked for: {why:?}")),
    }
    Ok(())
}
