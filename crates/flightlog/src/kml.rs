//! KML 2.2 (OGC 07-147r2) and the missions that DJI writes in it (WPML, in KMZ): places and lines that somebody drew or meant,
//! and tracks (`gx:Track`).
//!
//! Coordinates are longitude first; in the elements of WPML, which have names of their own, latitude stands first.

use std::ops::Range;

use creance_model::{
    AltReference, DataClass, Dated, Inspection, Piece, Refusal, Role, ScrubRequest, Scrubbed, Spot,
    Timestamp, Track, TrackPoint, is_place,
};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use crate::{Format, letters::letters, movement::phases_by_movement, text};

pub(crate) const FORMAT: Format = Format { name: "kml", is, read: |bytes, _| inspect(bytes, "kml"), scrub };

/// Places that are told one by one, and points of a track; elements within each other.
const MOST_PLACES: usize = 10_000;
const MOST_POINTS: usize = 1 << 20;
const DEEPEST: usize = 64;

/// People and serials, and times of a mission, that are told.
const MOST_NAMED: usize = 100;

fn is(head: &[u8]) -> bool {
    text(head).is_some_and(|text| text.starts_with('<') && text.contains("<kml"))
}

/// A text between tags: the elements around it, outermost first, and where it stands.
struct Piecemeal<'a> {
    way: &'a [String],
    text: &'a str,
    range: Range<usize>,
}

impl Piecemeal<'_> {
    fn element(&self) -> &str {
        self.way.last().map_or("", String::as_str)
    }
}

/// What stands for comments, instructions and types of documents; no element has such a name.
const COMMENT: &str = "<!";

/// What stands for a tag with attributes; its text is the tag without those that may hold names.
const TAG: &str = "<";

/// Elements whose names others refer to.
const REFERRED: &[&str] = &["Style", "StyleMap", "Schema", "SimpleField"];

/// Hands a tag without its attributes to `sink`, if it has any but namespaces.
fn bared(
    way: &mut Vec<String>,
    tag: &BytesStart<'_>,
    end: &str,
    from: u64,
    to: u64,
    sink: &mut dyn FnMut(&Piecemeal<'_>),
) {
    let is_namespace = |key: &str| key.starts_with("xmlns");
    let private = tag.attributes().flatten().any(|one| !is_namespace(one.key.as_ref()));
    if !private || REFERRED.contains(&tag.local_name().as_ref()) {
        return;
    }
    let kept = tag.attributes().flatten().filter(|one| is_namespace(one.key.as_ref()));
    let kept: Vec<String> = kept.map(|one| format!(" {}=\"{}\"", one.key.as_ref(), one.value)).collect();
    way.push(TAG.to_owned());
    tell(way, &format!("<{}{}{end}", tag.name().as_ref(), kept.concat()), from, to, sink);
    way.pop();
}

/// Elements that hold half a place: where somebody looked from, and the edges of a picture.
const HALVES: &[&str] = &["latitude", "longitude", "north", "south", "east", "west"];

/// Hands each text between tags to `sink`, with references resolved; says where and why reading ended before the end.
fn walk(bytes: &[u8], sink: &mut dyn FnMut(&Piecemeal<'_>)) -> Option<(u64, String)> {
    let mut reader = Reader::from_reader(bytes);
    let (mut way, mut buffer) = (Vec::<String>::new(), Vec::new());
    // The text since the last tag, and where it stands.
    let (mut said, mut stands) = (String::new(), None);
    loop {
        buffer.clear();
        let start = reader.buffer_position();
        let event = reader.read_event_into(&mut buffer);
        let end = reader.buffer_position();
        let text: Option<&str> = match &event {
            Ok(Event::Text(text)) => Some(text),
            Ok(Event::CData(text)) => Some(text),
            Ok(Event::GeneralRef(name)) => Some(&letters(name)),
            _ => None,
        };
        if let Some(text) = text {
            said.push_str(text);
            stands = Some((stands.map_or(start, |(from, _)| from), end));
            continue;
        }
        if let Some((from, to)) = stands.take() {
            tell(&way, &said, from, to, sink);
            said.clear();
        }
        match event {
            Ok(Event::Start(tag)) => {
                if way.len() >= DEEPEST {
                    return Some((start, format!("more than {DEEPEST} elements within each other")));
                }
                bared(&mut way, &tag, ">", start, end, sink);
                way.push(tag.local_name().as_ref().to_owned());
            }
            Ok(Event::Empty(tag)) => bared(&mut way, &tag, "/>", start, end, sink),
            Ok(Event::End(_)) => {
                way.pop();
            }
            // Elements of their own, for whoever takes out what is between tags.
            Ok(Event::Comment(_) | Event::PI(_) | Event::DocType(_)) => {
                way.push(COMMENT.to_owned());
                tell(&way, "", start, end, sink);
                way.pop();
            }
            Ok(Event::Eof) => return None,
            Err(error) => return Some((start, error.to_string())),
            Ok(_) => {}
        }
    }
}

fn tell(way: &[String], text: &str, start: u64, end: u64, sink: &mut dyn FnMut(&Piecemeal<'_>)) {
    if let (Ok(from), Ok(to)) = (usize::try_from(start), usize::try_from(end)) {
        sink(&Piecemeal { way, text, range: from..to });
    }
}

/// Elements of WPML that hold a place, latitude first.
const LATITUDE_FIRST: &[&str] = &["takeOffRefPoint", "waypointPoiPoint"];

/// Degrees north and east, and metres, of a group of two or three numbers.
fn place(group: &str, latitude_first: bool) -> Option<(f64, f64, Option<f64>)> {
    let mut numbers = group.split([',', ' ']).filter(|text| !text.is_empty()).map(str::parse::<f64>);
    let (one, other) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let (lat, lon) = if latitude_first { (one, other) } else { (other, one) };
    is_place(lat, lon)
        .then(|| (lat, lon, numbers.next().and_then(Result::ok).filter(|metres| metres.is_finite())))
}

/// The groups of numbers of a text of `coordinates`, which white space parts.
fn groups(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

/// Whether an element's text identifies: whose, or what.
fn class(element: &str) -> Option<DataClass> {
    Some(match element {
        "author" => DataClass::PersonName,
        "phoneNumber" => DataClass::Phone,
        "email" => DataClass::Email,
        "droneSN" | "serialNumber" => DataClass::Serial,
        _ => return None,
    })
}

/// What an element's text tells that matters.
fn fact(element: &str) -> Option<&'static str> {
    Some(match element {
        "name" => "name of a place",
        "description" | "Snippet" | "snippet" | "text" | "value" | "SimpleData" => "text",
        "href" | "uri" => "link",
        "address" => "address",
        "droneEnumValue" => "model of the aircraft, by DJI's number",
        "payloadEnumValue" => "model of the payload, by DJI's number",
        "missionName" => "name of the mission",
        _ => return None,
    })
}

/// What heights of WPML count from (DJI Cloud API, `waylineCoordinateSysParam` and `executeHeightMode`).
fn height_mode(mode: &str) -> Option<AltReference> {
    Some(match mode {
        "EGM96" => AltReference::Amsl,
        "WGS84" => AltReference::Ellipsoid,
        "relativeToStartPoint" => AltReference::TakeOff,
        "aboveGroundLevel" | "realTimeFollowSurface" => AltReference::Ground,
        _ => return None,
    })
}

/// What KML gives away.
pub(crate) fn inspect(bytes: &[u8], kind: &'static str) -> Inspection {
    let mut inspection = Inspection::of(kind);
    let (mut points, mut whens, mut beyond, mut facts) = (Vec::new(), Vec::new(), 0, 0);
    let mut half = (None, None);
    let mut reference = None;
    let flaw = walk(bytes, &mut |piece| {
        let element = piece.element();
        let value = piece.text.trim();
        match element {
            "coord" => {
                if points.len() < MOST_POINTS {
                    points.push(place(value, false));
                }
            }
            "when" if whens.len() < MOST_POINTS && piece.way.iter().any(|one| one == "Track") => {
                whens.push(Timestamp::parse(value));
            }
            "coordinates" | "takeOffRefPoint" | "waypointPoiPoint" => {
                let role = if element == "takeOffRefPoint" { Role::Home } else { Role::Target };
                let field = piece.way.get(piece.way.len().saturating_sub(2)..).unwrap_or_default().join("/");
                for group in groups(value) {
                    let Some((lat, lon, alt_m)) = place(group, LATITUDE_FIRST.contains(&element)) else {
                        continue;
                    };
                    if inspection.places.len() >= MOST_PLACES {
                        beyond += 1;
                    } else if let Some(spot) = Spot::new(role, lat, lon, field.clone()) {
                        inspection.places.push(Spot { alt_m, ..spot });
                    }
                }
            }
            "latitude" | "longitude" => {
                let Ok(number) = value.parse::<f64>() else { return };
                if element == "latitude" {
                    half.0 = Some(number);
                } else {
                    half.1 = Some(number);
                }
                // They stand in either order, and both before the next.
                if let (Some(lat), Some(lon)) = half {
                    half = (None, None);
                    let field = piece.way.get(piece.way.len().saturating_sub(2)).cloned().unwrap_or_default();
                    if inspection.places.len() < MOST_PLACES {
                        inspection.places.extend(Spot::new(Role::Target, lat, lon, field));
                    }
                }
            }
            "createTime" | "updateTime" => {
                let nanos = value.parse::<i64>().ok().and_then(|ms| ms.checked_mul(1_000_000));
                if let Some(time) =
                    nanos.map(Timestamp::from_nanos).filter(|_| inspection.times.len() < MOST_NAMED)
                {
                    let what = if element == "createTime" { "created" } else { "changed" };
                    inspection.times.push(Dated {
                        what,
                        time,
                        zone_known: true,
                        field: format!("{kind}:{element}"),
                    });
                }
            }
            "heightMode" | "executeHeightMode" => reference = height_mode(value),
            // Of the place before, in the same element; the one above the ellipsoid is a second one unless that is the mode.
            "height" | "executeHeight" | "ellipsoidHeight" => {
                let is_counted = element != "ellipsoidHeight" || reference == Some(AltReference::Ellipsoid);
                let in_place = piece.way.iter().rev().nth(1).is_some_and(|one| one == "Placemark");
                let spot = inspection.places.last_mut();
                let spot = spot.filter(|spot| spot.field == "Point/coordinates" && spot.alt_m.is_none());
                if let (Some(spot), Ok(metres)) = (spot.filter(|_| is_counted && in_place), value.parse()) {
                    (spot.alt_m, spot.alt_reference) = (Some(metres), reference);
                }
            }
            _ => {
                if let Some(class) = class(element) {
                    if inspection.identifiers.len() < MOST_NAMED {
                        inspection.identify(class, None, value, format!("{kind}:{element}"));
                    }
                } else if let Some(what) = fact(element).filter(|_| facts < MOST_PLACES) {
                    facts += 1;
                    inspection.say(what, value, format!("{kind}:{element}"));
                }
            }
        }
    });
    // Each time belongs to the place with its number.
    let whens = whens.into_iter().chain(std::iter::repeat(None));
    let points = points.into_iter().zip(whens).filter_map(|(place, time)| {
        let (lat, lon, alt_m) = place?;
        Some(TrackPoint::new(time, lat, lon, alt_m))
    });
    let points: Vec<_> = points.collect();
    if !points.is_empty() {
        phases_by_movement(&mut inspection, &points);
        let field = "gx:Track".to_owned();
        inspection.tracks.push(Track {
            role: Role::Aircraft,
            vehicle: None,
            alt_reference: None,
            points,
            field,
        });
    }
    if beyond > 0 {
        inspection.flaw("places", 0, &format!("{beyond} are beyond the limit of {MOST_PLACES}"));
    }
    if let Some((at, why)) = flaw {
        inspection.flaw("xml", at, &why);
    }
    inspection
}

/// KML with places moved, and without names and texts.
pub(crate) fn scrub(bytes: &[u8], request: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    // Whether places are moved at all; where none is, nothing would be left.
    if request.locations.moved(1.0, 1.0).is_none() {
        return Err(Refusal(
            "it is nothing but places: leave it out, or move them with --location grid or offset".to_owned(),
        ));
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut scrubbed = Scrubbed::default();
    let flaw = walk(bytes, &mut |piece| {
        let element = piece.element();
        if matches!(element, "coordinates" | "coord" | "takeOffRefPoint" | "waypointPoiPoint") {
            // The numbers of `coord` are parted by blanks.
            let all: Vec<&str> =
                if element == "coord" { vec![piece.text.trim()] } else { groups(piece.text).collect() };
            let separator = if element == "coord" { " " } else { "," };
            let moved: Vec<String> =
                all.iter().map(|group| moved(group, element, separator, request)).collect();
            edits.push((piece.range.clone(), moved.join(" ")));
            scrubbed.removed("position, moved", element);
        } else if element == TAG {
            edits.push((piece.range.clone(), piece.text.to_owned()));
        } else if HALVES.contains(&element) {
            edits.push((piece.range.clone(), "0".to_owned()));
            scrubbed.removed("position", element);
        } else if !(piece.text.trim().is_empty() && element != COMMENT || stays(element, piece.text))
            || piece.way.iter().any(|one| one == "ExtendedData")
        {
            edits.push((piece.range.clone(), String::new()));
            scrubbed.removed("text", element);
        }
    });
    if let Some((at, why)) = flaw {
        return Err(Refusal(format!("it is damaged at {at}: {why}")));
    }
    let mut at = 0;
    for (range, anew) in edits {
        scrubbed.pieces.push(Piece::Copy(at as u64..range.start as u64));
        at = range.end;
        scrubbed.pieces.push(Piece::Bytes(anew.into_bytes()));
    }
    scrubbed.pieces.push(Piece::Copy(at as u64..bytes.len() as u64));
    scrubbed.removed.dedup();
    Ok(scrubbed)
}

/// Whether a text stays: times, plain numbers, and words that say how something is flown or shown.
fn stays(element: &str, text: &str) -> bool {
    const WORDS: &[&str] =
        &["Mode", "Action", "Type", "Param", "Lost", "Func", "Enable", "Pattern", "Index", "Lens"];
    const SHOWN: &[&str] = &["color", "colorMode", "styleUrl", "key", "when", "begin", "end", "altitudeMode"];
    let text = text.trim();
    let is_plain = text.len() <= 24
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+'))
        && text.matches('.').count() <= 1;
    let named = class(element).is_some()
        || matches!(
            fact(element),
            Some("name of a place" | "text" | "address" | "link" | "name of the mission")
        );
    // `WGS84` and `EGM96` are such words too.
    let is_word = text.len() <= 48 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
        || text.len() <= 8
            && text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    !named
        && element != COMMENT
        && (is_plain || SHOWN.contains(&element) || is_word && WORDS.iter().any(|end| element.ends_with(end)))
}

/// A group of numbers with its place moved; what is no place says nothing and stays 0.
fn moved(group: &str, element: &str, separator: &str, request: &ScrubRequest) -> String {
    let latitude_first = LATITUDE_FIRST.contains(&element);
    let Some((lat, lon, height)) = place(group, latitude_first) else { return ["0", "0"].join(separator) };
    // Where somebody took off is where somebody stood.
    let Some((lat, lon)) = request.locations.moved(lat, lon).filter(|_| element != "takeOffRefPoint") else {
        return ["0", "0"].join(separator);
    };
    let (one, other) = if latitude_first { (lat, lon) } else { (lon, lat) };
    let mut parts = vec![format!("{one:.9}"), format!("{other:.9}")];
    parts.extend(height.filter(|_| request.locations.keeps_height()).map(|height| height.to_string()));
    parts.join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Locations;
    use proptest::prelude::*;

    const KML: &str = r#"<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><wpml:author>Ada Example</wpml:author>
        <wpml:missionConfig><wpml:takeOffRefPoint>47.100000,8.100000,12.5</wpml:takeOffRefPoint><wpml:droneInfo><wpml:droneEnumValue>67</wpml:droneEnumValue></wpml:droneInfo></wpml:missionConfig>
        <Placemark id="Pylon 9"><name>Pylon 7</name><atom:link href="https://pylon.example"/><Point><coordinates> 8.25,47.5,410 </coordinates></Point></Placemark>
        <Placemark><LineString><coordinates>8.3,47.6 8.4,47.7,0</coordinates></LineString></Placemark>
        <gx:Track><when>2031-06-11T08:00:00Z</when><gx:coord>8.5 47.8 420</gx:coord></gx:Track></Document></kml>"#;

    #[test]
    fn letters_written_by_their_numbers_are_read_and_taken_out() {
        let kml = "<kml><Placemark><name>P&#121;lon &amp; &#65;da</name><Point><coordinates>8.5,47.5</coordinates></Point></Placemark></kml>";
        let told = inspect(kml.as_bytes(), "kml");
        assert_eq!(told.facts.iter().map(|fact| fact.value.as_str()).collect::<Vec<_>>(), ["Pylon & Ada"]);
        let request =
            ScrubRequest { locations: Locations::Offset { lat: 1.0, lon: 1.0 }, ..ScrubRequest::default() };
        let clean = scrub(kml.as_bytes(), &request).unwrap().bytes(kml.as_bytes());
        assert!(String::from_utf8(clean).unwrap().contains("<name></name>"));
    }

    #[test]
    fn places_tracks_and_names_are_told() {
        assert!(is(KML.as_bytes()));
        let told = inspect(KML.as_bytes(), "kml");
        let places: Vec<_> = told.places.iter().map(|spot| (spot.role, spot.lat, spot.lon)).collect();
        let target = Role::Target;
        assert_eq!(
            places,
            [(Role::Home, 47.1, 8.1), (target, 47.5, 8.25), (target, 47.6, 8.3), (target, 47.7, 8.4)]
        );
        let point = told.tracks[0].points[0];
        assert_eq!((point.lat, point.lon, point.alt_m), (47.8, 8.5, Some(420.0)));
        assert_eq!(point.time, Timestamp::parse("2031-06-11T08:00:00Z"));
        assert_eq!(told.identifiers[0].value, "Ada Example");
        assert!(told.facts.iter().any(|fact| fact.value == "Pylon 7"));
    }

    #[test]
    fn views_heights_and_times_are_told_and_links_and_comments_go() {
        let text = "<kml><!-- Ada --><Document><wpml:createTime>1900000000000</wpml:createTime><LookAt><longitude>8.5</longitude><latitude>47.5</latitude></LookAt>
            <wpml:heightMode>EGM96</wpml:heightMode><Placemark><TimeStamp><when>2031-06-11T08:00:00Z</when></TimeStamp><Point><coordinates>8.25,47.25</coordinates></Point><wpml:height>500.5</wpml:height></Placemark>
            <GroundOverlay><Icon><href>https://files.example/ada.png</href></Icon><LatLonBox><north>47.75</north></LatLonBox></GroundOverlay>
            <gx:Track><when>2031-06-11T09:00:00Z</when><when>2031-06-11T09:00:01Z</when><gx:coord>0 0 0</gx:coord><gx:coord>8.5 47.8 420</gx:coord></gx:Track></Document></kml>";
        let told = inspect(text.as_bytes(), "kml");
        assert_eq!((told.places[0].lat, told.places[0].lon), (47.5, 8.5));
        assert_eq!(
            (told.places[1].alt_m, told.places[1].alt_reference),
            (Some(500.5), Some(AltReference::Amsl))
        );
        assert_eq!(told.times[0].time, Timestamp::from_secs(1_900_000_000));
        assert_eq!(
            told.tracks[0].points[0].time,
            Timestamp::parse("2031-06-11T09:00:01Z"),
            "by number, though 0, 0 is no place"
        );
        let locations = Locations::Offset { lat: 1.0, lon: 1.0 };
        let request = ScrubRequest { locations, ..ScrubRequest::default() };
        let clean =
            String::from_utf8(scrub(text.as_bytes(), &request).unwrap().bytes(text.as_bytes())).unwrap();
        for old in ["Ada", "ada", "47.5", "47.75", "47.25"] {
            assert!(!clean.contains(old), "{old} in {clean}");
        }
    }

    #[test]
    fn datums_are_words_that_stay_and_numbers_of_things_are_not() {
        assert!(stays("coordinateMode", "WGS84") && stays("heightMode", "EGM96"));
        assert!(stays("executeHeightMode", "relativeToStartPoint"));
        assert!(!stays("author", "WGS84") && !stays("droneSerialMode", "1581F5BKD225D00BP891"));
    }

    #[test]
    fn scrubbing_moves_places_and_takes_names_out() {
        assert!(scrub(KML.as_bytes(), &ScrubRequest::default()).is_err());
        let request =
            ScrubRequest { locations: Locations::Offset { lat: 1.0, lon: -1.0 }, ..ScrubRequest::default() };
        let clean = scrub(KML.as_bytes(), &request).unwrap().bytes(KML.as_bytes());
        let told = inspect(&clean, "kml");
        let places: Vec<_> = told.places.iter().map(|spot| (spot.role, spot.lat, spot.lon)).collect();
        assert_eq!(
            places,
            [(Role::Target, 48.5, 7.25), (Role::Target, 48.6, 7.3), (Role::Target, 48.7, 7.4)]
        );
        let point = told.tracks[0].points[0];
        assert!((point.lat - 48.8).abs() < 1e-8 && (point.lon - 7.5).abs() < 1e-8);
        assert!(told.identifiers.is_empty() && told.damage.is_empty());
        let text = String::from_utf8(clean).unwrap();
        assert!(
            !text.contains("Ada")
                && !text.contains("Pylon")
                && !text.contains("pylon")
                && text.contains("<wpml:droneEnumValue>67")
        );
    }

    proptest! {
        #[test]
        fn any_text_is_answered_and_a_cut_gives_what_stands_before(text in "[<>/a-z0-9.,: -]{0,200}", cut in 0_usize..400) {
            inspect(text.as_bytes(), "kml");
            let whole = inspect(KML.as_bytes(), "kml");
            let told = inspect(&KML.as_bytes()[..cut.min(KML.len())], "kml");
            // The last place may be cut in its digits.
            let sure = told.places.len().saturating_sub(1);
            prop_assert!(whole.places.starts_with(&told.places[..sure]));
        }
    }
}
