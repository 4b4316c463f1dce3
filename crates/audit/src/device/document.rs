//! Documents of a device: profiles, databases, tables, taken apart as the body of a message is, and shown to the same
//! detectors.

use creance_detect::{Context, Sighting};
use creance_model::{DataClass, Inspection, Match, Message, Role, Side, Spot, Timestamp, Visibility};

/// Bytes of a document that are read.
const LONGEST_DOCUMENT: usize = 8 << 20;

/// Bytes of a database that are read, and of the log beside it.
pub(super) const LONGEST_DATABASE: usize = 64 << 20;

/// Bytes of a picture that are read: what describes it stands before it.
const LONGEST_HEAD: usize = 256 << 10;

/// How much of a file must be read for its values, by its name and first bytes.
pub(crate) fn wanted(name: &str, head: &[u8]) -> usize {
    match media_type(name, head) {
        Some(kind) if kind.starts_with("image/") => LONGEST_HEAD,
        Some(DATABASE) => LONGEST_DATABASE,
        Some(_) => LONGEST_DOCUMENT,
        None => 0,
    }
}

/// The media type of databases of `SQLite` (<https://www.iana.org/assignments/media-types/application/vnd.sqlite3>).
const DATABASE: &str = "application/vnd.sqlite3";

/// What kind of document a file is.
pub(super) fn media_type(name: &str, head: &[u8]) -> Option<&'static str> {
    let name = name.to_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    Some(match ending {
        "json" => "application/json",
        "csv" => "text/csv",
        "tsv" => "text/tab-separated-values",
        "xml" => "application/xml",
        "jpg" | "jpeg" => "image/jpeg",
        "plist" | "vcf" | "yaml" | "yml" | "ini" | "conf" | "txt" | "log" => "text/plain",
        _ if head.starts_with(b"bplist") || head.starts_with(b"<?xml") => "application/octet-stream",
        _ if head.starts_with(b"SQLite format 3\0") => DATABASE,
        _ if head.starts_with(&[0xff, 0xd8, 0xff]) => "image/jpeg",
        _ if matches!(head.trim_ascii_start().first(), Some(b'{' | b'[')) => "application/octet-stream",
        _ => return None,
    })
}

/// A document of this media type as a message, and what detectors see in it.
pub(super) fn read(bytes: &[u8], kind: &'static str) -> (Message, Vec<Sighting>) {
    let message = Message {
        time: Timestamp::default(),
        protocol: "file",
        kind: "file",
        from: Side::Client,
        visibility: Visibility::Clear,
        packets: Vec::new(),
        bytes: bytes.len() as u64,
        fields: Vec::new(),
        parts: creance_wire::expand(bytes, Some(kind), &creance_wire::Limits::default()),
    };
    let sightings = creance_detect::look(&message, &Context::default()).sightings;
    (message, sightings)
}

/// What a document gives away, by the names of its fields; `None`: it is no document. `whole`: all of it is here.
pub(crate) fn inspect(name: &str, bytes: &[u8], whole: bool) -> Option<Inspection> {
    let kind = media_type(name, bytes)?;
    let mut inspection = Inspection::of(short(kind, bytes));
    if !whole {
        inspection.flaw("length", bytes.len() as u64, "longer documents are not read");
        return Some(inspection);
    }
    let (message, sightings) = read(bytes, kind);
    for one in sightings.into_iter().filter(|one| one.matched == Match::Structured) {
        let field = message.decode_path(one.part).pop().unwrap_or_default();
        if one.data_class == DataClass::Location {
            let pair = one
                .value
                .split_once(',')
                .and_then(|(lat, lon)| Some((lat.trim().parse().ok()?, lon.trim().parse().ok()?)));
            if let Some(spot) = pair.and_then(|(lat, lon)| Spot::new(Role::Target, lat, lon, field)) {
                inspection.places.push(spot);
            }
        } else {
            inspection.identify(one.data_class, None, &one.value, field);
        }
    }
    Some(inspection)
}

/// The kind of a document, by what it begins with.
fn short(kind: &'static str, bytes: &[u8]) -> &'static str {
    match (kind, bytes.trim_ascii_start()) {
        (DATABASE, _) => "sqlite",
        (_, [b'b', b'p', b'l', b'i', b's', b't', ..]) => "plist",
        (_, [b'<', ..]) => "xml",
        (_, [b'{' | b'[', ..]) => "json",
        ("text/csv" | "text/tab-separated-values", _) => "table",
        _ => "text",
    }
}
