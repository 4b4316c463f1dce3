//! Files of zones: which format, by content, and what is in it.
//!
//! To add a format: write `zones/<name>.rs` and add a line to [`FORMATS`].

use std::borrow::Cow;

use creance_model::Timestamp;

use super::{Band, Edges, Position, Shape, Source, Volume, Zone};
use super::{aixm, autel, dji, ed269, ed318, faa, faa_table, geojson, kml, openair, sua, tfr};
use crate::error::printable;
use crate::json::{self, Json};

/// A file, as far as it is read without knowing its format.
pub(super) enum Content<'a> {
    Json(Json),
    Xml(Cow<'a, str>),
    Text(Cow<'a, str>),
}

/// What is in a file.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) zones: Vec<Zone>,
    pub(super) issued: Option<Timestamp>,
    pub(super) valid_to: Option<Timestamp>,
    /// What could not be read as a zone.
    flaws: Vec<String>,
    more_flaws: usize,
    /// Points that may still be added to follow geodesics.
    room: usize,
    /// Volumes of all zones.
    volumes: usize,
}

/// The volumes of one zone while it is read, as many as one file may have, and the first thing wrong with them.
#[derive(Debug, Default)]
pub(super) struct Volumes {
    good: Vec<Volume>,
    wrong: Option<String>,
    too_many: bool,
}

impl Volumes {
    /// A volume, or why there is none.
    pub(super) fn push(&mut self, volume: Result<Volume, String>) {
        match volume {
            Ok(_) if self.good.len() >= MOST_VOLUMES => self.too_many = true,
            Ok(volume) => self.good.push(volume),
            Err(why) => self.wrong = self.wrong.take().or(Some(why)),
        }
    }

    /// Whether something was tried, and all of it is known.
    pub(super) const fn is_whole(&self) -> bool {
        !self.good.is_empty() && self.wrong.is_none()
    }

    /// Whether nothing was tried.
    pub(super) const fn is_empty(&self) -> bool {
        self.good.is_empty() && self.wrong.is_none()
    }
}

impl Extend<Result<Volume, String>> for Volumes {
    fn extend<I: IntoIterator<Item = Result<Volume, String>>>(&mut self, volumes: I) {
        volumes.into_iter().for_each(|volume| self.push(volume));
    }
}

/// Says what is wrong with a zone: each fault once, and not without end.
pub(super) fn note(notes: &mut Vec<String>, why: impl Into<String>) {
    let why = why.into();
    if notes.len() < MOST_FLAWS && !notes.contains(&why) {
        notes.push(why);
    }
}

/// A format of zones.
struct Format {
    name: &'static str,
    /// Whether a file that is said to hold zones is in it.
    is: fn(&Content<'_>) -> bool,
    /// Whether a file of which nothing is said holds zones in it, beyond doubt.
    is_certain: fn(&Content<'_>) -> bool,
    read: fn(&Content<'_>, &mut Found) -> Result<(), String>,
}

/// Every format, the more special first.
const FORMATS: &[Format] = &[
    Format { name: "ED-269", is: ed269::is, is_certain: ed269::is, read: ed269::read },
    Format { name: "ED-318", is: ed318::is, is_certain: ed318::is_certain, read: ed318::read },
    Format { name: "FAA", is: faa::is, is_certain: faa::is_certain, read: faa::read },
    // A table: which of its columns are what its header alone says.
    Format { name: "FAA CSV", is: faa_table::is, is_certain: |_| false, read: faa_table::read },
    Format { name: "Esri JSON", is: faa::is_esri, is_certain: |_| false, read: faa::read },
    Format { name: "DJI", is: dji::is, is_certain: dji::is_certain, read: dji::read },
    Format { name: "Autel", is: autel::is, is_certain: autel::is_certain, read: autel::read },
    Format { name: "GeoJSON", is: geojson::is, is_certain: geojson::is_certain, read: geojson::read },
    Format { name: "FAA TFR", is: tfr::is, is_certain: tfr::is, read: tfr::read },
    Format { name: "AIXM", is: aixm::is, is_certain: aixm::is, read: aixm::read },
    // A drawing: what is meant by it nothing says.
    Format { name: "KML", is: kml::is, is_certain: |_| false, read: kml::read },
    Format { name: "OpenAir", is: openair::is, is_certain: openair::is_certain, read: openair::read },
    Format { name: "SUA", is: sua::is, is_certain: sua::is, read: sua::read },
];

/// Bytes of a file, or of what is unpacked of one.
const MOST_BYTES: usize = 1 << 30;

/// Points that are added to follow geodesics, in one file.
const ROOM: usize = 4_000_000;

/// Periods, and hours within them, of one zone.
const MOST_PERIODS: usize = 2_000;

/// Volumes of one file.
const MOST_VOLUMES: usize = 1_000_000;

/// Flaws of one file, and of one zone, that are told.
const MOST_FLAWS: usize = 20;

/// Reads a file of zones. Errors are for people: which field is wrong, and what to do.
pub fn read(name: &str, bytes: &[u8]) -> Result<(Source, Vec<Zone>), String> {
    if bytes.len() > MOST_BYTES {
        return Err(format!("it has more than {MOST_BYTES} bytes: split it into smaller files"));
    }
    let (unpacked, left);
    let (bytes, left) = if bytes.starts_with(b"PK\x03\x04") {
        (unpacked, left) = kml::unpack(bytes, MOST_BYTES as u64)?;
        (unpacked.as_slice(), left)
    } else {
        (bytes, None)
    };
    let content = content(bytes)?;
    let format = FORMATS.iter().find(|format| (format.is)(&content)).ok_or_else(|| unknown(&content))?;
    let (mut source, zones) = read_as(format, name, &content)?;
    source.flaws.extend(left);
    Ok((source, zones))
}

/// What reading a file comes to.
pub(super) type Read = Result<(Source, Vec<Zone>), String>;

/// Reads a file of which nothing is said, if it holds zones beyond doubt; with the name of its format. `Err`: what is wrong with it.
pub(super) fn certain(name: &str, bytes: &[u8]) -> Option<(&'static str, Read)> {
    let content = content(bytes).ok()?;
    let format =
        FORMATS.iter().find(|format| (format.is)(&content)).filter(|format| (format.is_certain)(&content))?;
    let read = read_as(format, name, &content);
    // Lines and elements without a single zone are something else.
    (read.is_ok() || matches!(content, Content::Json(_))).then_some((format.name, read))
}

fn read_as(format: &Format, name: &str, content: &Content<'_>) -> Read {
    let mut found = Found { room: ROOM, ..Found::default() };
    (format.read)(content, &mut found).map_err(|why| format!("{} ({})", printable(&why), format.name))?;
    if found.volumes > MOST_VOLUMES {
        return Err(format!(
            "it has more than {MOST_VOLUMES} shapes: split it into smaller files ({})",
            format.name
        ));
    }
    if found.zones.is_empty() {
        let why = found.flaws.first().map_or("it has no zone", String::as_str);
        return Err(format!("{why} ({})", format.name));
    }
    if found.more_flaws > 0 {
        found.flaws.push(format!("{} more zones could not be read", found.more_flaws));
    }
    let Found { mut zones, issued, valid_to, flaws, .. } = found;
    for (number, zone) in zones.iter_mut().enumerate() {
        if zone.id.is_empty() {
            zone.id = zone.name.clone().unwrap_or_else(|| format!("zone {}", number + 1));
        }
    }
    Ok((Source { file: name.to_owned(), format: format.name, issued, valid_to, flaws }, zones))
}

fn content(bytes: &[u8]) -> Result<Content<'_>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = || match String::from_utf8_lossy(bytes) {
        // Old files of airspace are in Latin-1.
        Cow::Owned(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
        valid @ Cow::Borrowed(_) => valid,
    };
    match bytes.trim_ascii_start().first() {
        None => Err("it is empty".to_owned()),
        Some(b'{' | b'[') => {
            Ok(Content::Json(json::parse(bytes).map_err(|why| format!("it is no valid JSON: {why}"))?))
        }
        Some(b'<') => Ok(Content::Xml(text())),
        Some(_) => Ok(Content::Text(text())),
    }
}

fn unknown(content: &Content<'_>) -> String {
    let what = match content {
        Content::Json(_) => "the JSON is of no known format of zones",
        Content::Xml(_) => "the XML is neither KML, AIXM nor a restriction of the FAA",
        Content::Text(_) => "it is of no known format of zones",
    };
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    format!("{what}; expected {}", names.join(", "))
}

impl Found {
    /// Keeps a zone whose volumes were read, or could not be.
    pub(super) fn add(&mut self, mut zone: Zone, volumes: Volumes) {
        let Volumes { good, wrong, too_many } = volumes;
        self.volumes = self.volumes.saturating_add(good.len() + usize::from(too_many));
        if self.volumes > MOST_VOLUMES {
            // The file is refused: see `read`.
            return;
        }
        let wrong = wrong.or_else(|| good.is_empty().then(|| "it has no shape".to_owned()));
        zone.volumes = good;
        let periods = zone.periods.iter().map(|period| 1 + period.hours.len()).sum::<usize>();
        if periods > MOST_PERIODS {
            zone.periods.clear();
            zone.degraded.push(format!("it has more than {MOST_PERIODS} periods"));
        }
        if let Some(why) = wrong {
            let label = zone.name.as_ref().filter(|_| zone.id.is_empty()).unwrap_or(&zone.id);
            let label = if label.is_empty() { String::new() } else { format!(", `{label}`") };
            self.flaw(&format!(
                "zone {}{label}: {why}",
                self.zones.len() + self.flaws.len() + self.more_flaws + 1
            ));
            zone.degraded.push("a part of it could not be read".to_owned());
        }
        if !zone.volumes.is_empty() {
            self.zones.push(zone);
        }
    }

    /// Something that is no zone and should be one.
    pub(super) fn flaw(&mut self, why: &str) {
        if self.flaws.len() < MOST_FLAWS { self.flaws.push(printable(why)) } else { self.more_flaws += 1 }
    }

    /// An area of these rings; what had to be mended stands in `notes`. Two corners are a line, one is a point: cables are drawn so.
    pub(super) fn area(
        &mut self,
        rings: &[Vec<Position>],
        edges: Edges,
        band: Band,
        notes: &mut Vec<String>,
    ) -> Result<Volume, String> {
        let corners = rings.first().map(Vec::as_slice).unwrap_or_default();
        let other = corners.first().and_then(|first| corners.iter().find(|corner| !same(corner, first)));
        let is_two =
            |two: [&Position; 2]| corners.iter().all(|corner| two.iter().any(|one| same(one, corner)));
        let (shape, mended) = match (corners.first(), other) {
            (None, _) => Err("it has no corner"),
            (Some(place), None) => Shape::circle(*place, 0.0)
                .map(|shape| (shape, Some("it has one corner and is taken for a point"))),
            (Some(from), Some(to)) if is_two([from, to]) => Shape::line(&[*from, *to], 0.0)
                .map(|shape| (shape, Some("it has two corners and is taken for a line"))),
            _ => Shape::area(rings, edges, &mut self.room),
        }?;
        if let Some(mended) = mended {
            note(notes, mended);
        }
        Ok(Volume { shape, band })
    }
}

/// Whether two corners are one.
fn same(one: &Position, other: &Position) -> bool {
    one.iter().zip(other).all(|(one, other)| one.total_cmp(other).is_eq())
}

/// A date and time in a field of a file as a whole. One that is none is refused: who reads it must not guess how old the data is.
pub(super) fn moment(of: &Json, key: &str, path: &str) -> Result<Option<Timestamp>, String> {
    told(of, key, path, super::Moment::parse)
}

/// The same of the end of something: a day is over when it ends.
pub(super) fn end(of: &Json, key: &str, path: &str) -> Result<Option<Timestamp>, String> {
    told(of, key, path, super::Moment::parse_end)
}

fn told(
    of: &Json,
    key: &str,
    path: &str,
    parse: fn(&str) -> Option<super::Moment>,
) -> Result<Option<Timestamp>, String> {
    let expected =
        "expected a date and time such as 2026-01-01T00:00:00Z; ask whoever issued the file for a valid one";
    match of.get(key) {
        None => Ok(None),
        Some(Json::Text(text)) if text.trim().is_empty() => Ok(None),
        Some(Json::Text(text)) => match parse(text) {
            Some(moment) => Ok(Some(moment.time)),
            None => {
                Err(format!("{path}{key} is `{}`, {expected}", text.chars().take(40).collect::<String>()))
            }
        },
        Some(other) => Err(format!("{path}{key} is {}, {expected}", other.kind())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_a_file_are_bounded_and_faults_told_once() {
        let points = |count: usize| {
            let points = vec!["[8,47]"; count].join(",");
            let text = format!(r#"{{"type": "MultiPoint", "coordinates": [{points}]}}"#);
            read("x", text.as_bytes())
        };
        let (_, zones) = points(1_000).unwrap();
        assert_eq!((zones[0].volumes.len(), zones[0].degraded.len()), (1_000, 1));
        assert!(points(MOST_VOLUMES + 1).unwrap_err().contains("more than 1000000 shapes"));
    }
}
