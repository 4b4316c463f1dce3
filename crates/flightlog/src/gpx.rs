//! GPX 1.0 and 1.1 (topografix.com/GPX/1/1): tracks, routes and waypoints with `lat`, `lon`, `ele`, `time`.
//!
//! A track is where something was; a route and waypoints are places that somebody meant. GPX knows no armed state: flight
//! is told by movement and height.

use std::collections::HashSet;

use creance_model::{
    DataClass, Inspection, Piece, Refusal, Role, ScrubRequest, Scrubbed, Spot, Timestamp, Track, TrackPoint,
    is_place,
};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use crate::{Format, Options, letters::letters, movement::phases_by_movement, text};

pub(crate) const FORMAT: Format = Format { name: "gpx", is, read, scrub };

fn is(head: &[u8]) -> bool {
    text(head).is_some_and(|text| text.starts_with('<') && text.contains("<gpx"))
}

/// A point that is being read.
#[derive(Default)]
struct Point {
    lat: Option<f64>,
    lon: Option<f64>,
    height: Option<f64>,
    time: Option<Timestamp>,
    name: Option<String>,
}

fn read(bytes: &[u8], _: &Options) -> Inspection {
    let mut inspection = Inspection::of("gpx");
    let mut reader = Reader::from_reader(bytes);
    let (mut track, mut planned) = (Vec::new(), 0_usize);
    let (mut extended, mut authored, mut devices) = (false, false, HashSet::new());
    let mut point: Option<Point> = None;
    // The element that is open, and its text.
    let (mut within, mut said) = (String::new(), String::new());
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(tag)) => {
                // What stands before an element within counts as well.
                named(&mut inspection, &within, &said, authored, extended);
                tag.local_name().as_ref().clone_into(&mut within);
                said.clear();
                if is_point(&within) {
                    point = Some(begun(&tag));
                } else if within == "extensions" {
                    extended = true;
                } else if within == "author" {
                    authored = true;
                } else if within == "gpx" {
                    inspection.device.software = attribute(&tag, "creator");
                }
            }
            Ok(Event::Empty(tag)) if is_point(tag.local_name().as_ref()) => {
                ended(&mut inspection, &mut track, &mut planned, tag.local_name().as_ref(), begun(&tag));
            }
            Ok(Event::Empty(tag)) if authored && tag.local_name().as_ref() == "email" => {
                if let Some((id, domain)) = attribute(&tag, "id").zip(attribute(&tag, "domain"))
                    && inspection.identifiers.len() < MOST_NAMED
                {
                    inspection.identify(DataClass::Email, None, &format!("{id}@{domain}"), "gpx:email");
                }
            }
            Ok(Event::Text(text)) => said.push_str(&text),
            Ok(Event::CData(text)) => said.push_str(&text),
            Ok(Event::GeneralRef(name)) => said.push_str(&letters(&name)),
            Ok(Event::End(tag)) => {
                named(&mut inspection, &within, &said, authored, extended);
                let is_device = matches!(within.as_str(), "device" | "deviceName" | "drone" | "model");
                let device = said.trim();
                if extended && is_device && devices.len() < MOST_NAMED && devices.insert(device.to_owned()) {
                    inspection.say("name of a device", device, format!("extensions/{within}"));
                }
                if let Some(point) = &mut point {
                    match within.as_str() {
                        "time" => point.time = Timestamp::parse(&said),
                        "ele" => point.height = said.trim().parse().ok(),
                        "name" => point.name = Some(said.trim().to_owned()),
                        _ => {}
                    }
                }
                within.clear();
                said.clear();
                extended &= tag.local_name().as_ref() != "extensions";
                authored &= tag.local_name().as_ref() != "author";
                if is_point(tag.local_name().as_ref())
                    && let Some(point) = point.take()
                {
                    ended(&mut inspection, &mut track, &mut planned, tag.local_name().as_ref(), point);
                }
            }
            Ok(Event::Eof) => break,
            Err(error) => {
                inspection.flaw("xml", reader.buffer_position(), &error);
                break;
            }
            Ok(_) => {}
        }
    }
    if !track.is_empty() {
        phases_by_movement(&mut inspection, &track);
        let field = "trkpt".to_owned();
        inspection.tracks.push(Track {
            role: Role::Aircraft,
            vehicle: None,
            alt_reference: None,
            points: track,
            field,
        });
    }
    if planned > MOST_PLANNED {
        inspection.flaw("planned points", 0, &format!("{planned} of them, {MOST_PLANNED} are told"));
    }
    inspection
}

/// People and devices that are told, of each kind.
const MOST_NAMED: usize = 100;

/// Planned points that are told one by one.
const MOST_PLANNED: usize = 10_000;

fn is_point(name: &str) -> bool {
    matches!(name, "trkpt" | "rtept" | "wpt")
}

fn attribute(tag: &BytesStart<'_>, key: &str) -> Option<String> {
    let attribute = tag.try_get_attribute(key).ok().flatten()?;
    Some(attribute.value.trim().to_owned())
}

fn begun(tag: &BytesStart<'_>) -> Point {
    let number = |key| attribute(tag, key).and_then(|value| value.parse().ok());
    Point { lat: number("lat"), lon: number("lon"), ..Point::default() }
}

/// Takes a point that is read: of a track, or planned.
fn ended(
    inspection: &mut Inspection,
    track: &mut Vec<TrackPoint>,
    planned: &mut usize,
    kind: &str,
    point: Point,
) {
    let Some((lat, lon)) = point.lat.zip(point.lon).filter(|(lat, lon)| is_place(*lat, *lon)) else { return };
    if kind == "trkpt" {
        track.push(TrackPoint::new(point.time, lat, lon, point.height));
        return;
    }
    *planned += 1;
    if *planned > MOST_PLANNED {
        return;
    }
    if let Some(spot) = Spot::new(Role::Target, lat, lon, kind) {
        inspection.places.push(Spot { alt_m: point.height, time: point.time, ..spot });
    }
    if let Some(name) = point.name {
        inspection.say("name of a place", name, format!("{kind}/name"));
    }
}

/// Tells whom or what the text of an element names.
fn named(inspection: &mut Inspection, element: &str, text: &str, authored: bool, extended: bool) {
    let class = match element {
        "author" => DataClass::PersonName,
        "name" if authored => DataClass::PersonName,
        "email" => DataClass::Email,
        "serial" | "serialNumber" | "serialnumber" if extended => DataClass::Serial,
        _ => return,
    };
    if inspection.identifiers.len() < MOST_NAMED {
        inspection.identify(class, None, text, format!("gpx:{element}"));
    }
}

/// Elements within each other.
const DEEPEST: usize = 64;

/// Elements whose text stays: heights, times, and how good a fix is.
const KEPT: &[&str] = &[
    "ele",
    "time",
    "magvar",
    "geoidheight",
    "fix",
    "sat",
    "hdop",
    "vdop",
    "pdop",
    "ageofdgpsdata",
    "dgpsid",
    "number",
];

fn scrub(bytes: &[u8], request: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    if request.locations.moved(1.0, 1.0).is_none() {
        let why = "it is nothing but places: leave it out, or move them with --location grid or offset";
        return Err(Refusal(why.to_owned()));
    }
    let mut reader = Reader::from_reader(bytes);
    let mut scrubbed = Scrubbed::default();
    let (mut way, mut buffer, mut copied) = (Vec::<String>::new(), Vec::new(), 0);
    loop {
        buffer.clear();
        let start = reader.buffer_position();
        let event = reader.read_event_into(&mut buffer);
        let end = reader.buffer_position();
        let anew = match &event {
            Ok(Event::Start(tag)) => {
                if way.len() >= DEEPEST {
                    return Err(Refusal(format!("it has more than {DEEPEST} elements within each other")));
                }
                way.push(tag.local_name().as_ref().to_owned());
                attributes(tag, false, request)
            }
            Ok(Event::Empty(tag)) => attributes(tag, true, request),
            Ok(Event::End(_)) => {
                way.pop();
                None
            }
            Ok(Event::Text(text)) if text.trim().is_empty() => None,
            Ok(Event::Text(_) | Event::CData(_) | Event::GeneralRef(_)) => {
                let element = way.last().map_or("", String::as_str);
                let in_extension = way.iter().any(|one| one == "extensions");
                // The middle of a square of kilometres at a known height is a narrow strip.
                let is_height = element == "ele" && !request.locations.keeps_height();
                (in_extension || is_height || !KEPT.contains(&element)).then(String::new)
            }
            Ok(Event::Comment(_) | Event::PI(_) | Event::DocType(_)) => Some(String::new()),
            Ok(Event::Eof) => break,
            Err(error) => return Err(Refusal(format!("it is damaged at {start}: {error}"))),
            Ok(_) => None,
        };
        if let Some(anew) = anew {
            scrubbed.removed(
                if anew.is_empty() { "text" } else { "position, moved" },
                way.last().cloned().unwrap_or_default(),
            );
            scrubbed.pieces.push(Piece::Copy(copied..start));
            scrubbed.pieces.push(Piece::Bytes(anew.into_bytes()));
            copied = end;
        }
    }
    scrubbed.pieces.push(Piece::Copy(copied..bytes.len() as u64));
    scrubbed.removed.sort();
    scrubbed.removed.dedup();
    Ok(scrubbed)
}

/// A tag with its place moved, or without its attributes, which name people, programs and bounds; `None`: it stays as it is.
fn attributes(tag: &BytesStart<'_>, empty: bool, request: &ScrubRequest) -> Option<String> {
    let name = tag.name();
    let local = tag.local_name();
    let end = if empty { "/>" } else { ">" };
    if is_point(local.as_ref()) {
        let place = attribute(tag, "lat").zip(attribute(tag, "lon"));
        let place = place.and_then(|(lat, lon)| Some((lat.parse().ok()?, lon.parse().ok()?)));
        let valid = place.filter(|(lat, lon)| is_place(*lat, *lon));
        let (lat, lon) = valid.and_then(|(lat, lon)| request.locations.moved(lat, lon)).unwrap_or_default();
        return Some(format!("<{} lat=\"{lat:.8}\" lon=\"{lon:.8}\"{end}", name.as_ref()));
    }
    let _first = tag.attributes().next()?;
    // Namespaces stay, for names below have their prefixes.
    let kept = tag.attributes().flatten().filter(|one| {
        let key: &str = one.key.as_ref();
        key.starts_with("xmlns") || local.as_ref() == "gpx" && key == "version"
    });
    let mut kept: Vec<String> = kept.map(|one| format!(" {}=\"{}\"", one.key.as_ref(), one.value)).collect();
    if local.as_ref() == "gpx" {
        kept.push(" creator=\"\"".to_owned());
    }
    Some(format!("<{}{}{end}", name.as_ref(), kept.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPX: &str = r#"<?xml version="1.0"?><gpx creator="Field Mapper 2"><wpt lat="47.5" lon="8.5"><name>Pyl&#111;n 7</name></wpt><rte><rtept lat="47.6" lon="8.6"/></rte>
        <trk><trkseg><trkpt lat="47.0" lon="8.0"><ele>400</ele><time>2026-06-11T08:00:00Z</time></trkpt>
        <trkpt lat="0" lon="0"/><trkpt lat="47.1" lon="8.0"><ele>420.5</ele><time>2026-06-11T08:00:01Z</time></trkpt></trkseg></trk></gpx>"#;

    #[test]
    fn tracks_are_where_it_was_and_the_rest_is_where_somebody_meant() {
        assert!(is(GPX.as_bytes()));
        let told = read(GPX.as_bytes(), &Options::default());
        assert_eq!(told.device.software.as_deref(), Some("Field Mapper 2"));
        assert_eq!(told.tracks[0].points.len(), 2, "0, 0 is no place");
        let last = told.tracks[0].points[1];
        assert_eq!(
            (last.lat, last.alt_m, last.time),
            (47.1, Some(420.5), Timestamp::parse("2026-06-11T08:00:01Z"))
        );
        let targets: Vec<_> = told.places.iter().map(|spot| (spot.role, spot.lat)).collect();
        assert_eq!(targets, [(Role::Target, 47.5), (Role::Target, 47.6)]);
        assert_eq!(told.facts[0].value, "Pylon 7");
        assert!(told.damage.is_empty());
    }

    #[test]
    fn people_devices_and_bounds_are_told_or_at_least_gone() {
        let text = r#"<!-- Ada --><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><metadata><author><name>Ada</name><email id="Ada" domain="field.example"/></author>
            <bounds minlat="47.5" minlon="8.5" maxlat="47.6" maxlon="8.6"/></metadata><trk><trkseg><trkpt lat="47.5" lon="8.5"><extensions><device>Ada's copter</device><serial>1ZNB00042</serial></extensions></trkpt></trkseg></trk></gpx>"#;
        let told = read(text.as_bytes(), &Options::default());
        assert_eq!(told.facts[0].value, "Ada's copter");
        let known: Vec<_> = told.identifiers.iter().map(|one| one.value.as_str()).collect();
        assert_eq!(known, ["Ada", "Ada@field.example", "1ZNB00042"]);
        let locations = creance_model::Locations::Offset { lat: 1.0, lon: 1.0 };
        let request = ScrubRequest { locations, ..ScrubRequest::default() };
        let clean =
            String::from_utf8(scrub(text.as_bytes(), &request).unwrap().bytes(text.as_bytes())).unwrap();
        for old in ["Ada", "field.example", "47.5", "47.6", "1ZNB"] {
            assert!(!clean.contains(old), "{old} in {clean}");
        }
        assert!(clean.contains("xmlns=") && clean.contains("lat=\"48.5"));
    }

    #[test]
    fn a_cut_file_gives_what_stands_before_the_cut() {
        let whole = read(GPX.as_bytes(), &Options::default());
        for cut in 0..GPX.len() {
            let told = read(&GPX.as_bytes()[..cut], &Options::default());
            assert!(whole.places.starts_with(&told.places), "{cut}");
            let points = told.tracks.first().map_or(0, |track| track.points.len());
            assert_eq!(
                told.tracks.first().map(|track| &track.points[..]),
                whole.tracks.first().filter(|_| points > 0).map(|track| &track.points[..points])
            );
        }
    }

    #[test]
    fn scrubbing_moves_places_and_takes_names_out() {
        use creance_model::Locations;
        assert!(scrub(GPX.as_bytes(), &ScrubRequest::default()).is_err());
        let request =
            ScrubRequest { locations: Locations::Offset { lat: 1.0, lon: 1.0 }, ..ScrubRequest::default() };
        let clean = scrub(GPX.as_bytes(), &request).unwrap().bytes(GPX.as_bytes());
        let (before, after) = (read(GPX.as_bytes(), &Options::default()), read(&clean, &Options::default()));
        assert_eq!(after.places.len(), before.places.len());
        for (one, other) in before.tracks[0].points.iter().zip(&after.tracks[0].points) {
            assert!((other.lat - one.lat - 1.0).abs() < 1e-7 && (other.lon - one.lon - 1.0).abs() < 1e-7);
            assert_eq!((one.time, one.alt_m), (other.time, other.alt_m));
        }
        let text = String::from_utf8(clean).unwrap();
        assert!(!text.contains("Pylon") && !text.contains("Mapper") && after.damage.is_empty(), "{text}");
    }
}
