//! Plans of `QGroundControl` (`.plan`, docs.qgroundcontrol.com "Plan File Format"): JSON with a mission, a fence, and rally points.
//!
//! Simple items have the parameters of a MAVLink command; complex ones, such as surveys, hold polygons and items of their
//! own. Places are latitude first.

use creance_model::{AltReference, Inspection, Piece, Refusal, Role, ScrubRequest, Scrubbed, Spot, is_place};
use serde_json::Value;

use crate::{
    Format, Options, text,
    wpl::{SET_HOME, WITH_PLACE, altitudes_of, is_global, may_be_place},
};

pub(crate) const FORMAT: Format = Format { name: "qgc-plan", is, read: inspect, scrub };

/// The key of the home that a mission is planned for.
const HOME: &str = "plannedHomePosition";

/// Places that are told.
const MOST: usize = 10_000;

fn is(head: &[u8]) -> bool {
    let Some(text) = text(head) else { return false };
    let plan = text.split_once("\"fileType\"").is_some_and(|(_, rest)| {
        rest.trim_start().strip_prefix(':').is_some_and(|rest| rest.trim_start().starts_with("\"Plan\""))
    });
    text.starts_with('{') && (plan || text.contains("\"plannedHomePosition\""))
}

/// Takes a place and may move it: whose, what it is, two numbers with the altitude behind them, and what that is counted from.
type Sink<'a> = &'a mut dyn FnMut(Role, &str, &mut [Value], Option<AltReference>);

/// Hands each place to `sink`.
fn walk(value: &mut Value, name: &str, sink: Sink<'_>) {
    match value {
        Value::Object(object) => {
            let command =
                object.get("command").and_then(Value::as_u64).and_then(|command| u16::try_from(command).ok());
            let frame = object.get("frame").and_then(Value::as_u64);
            if let (Some(command), Some(params)) =
                (command, object.get_mut("params").and_then(Value::as_array_mut))
            {
                let last = params.get(4..).and_then(pair);
                let has_place = WITH_PLACE.contains(&command) && frame.is_none_or(is_global)
                    || last.is_some_and(|(lat, lon)| may_be_place(lat, lon));
                if let Some(place) = params.get_mut(4..).filter(|_| has_place) {
                    let role = if command == SET_HOME { Role::Home } else { Role::Target };
                    sink(role, &format!("command {command}"), place, frame.and_then(altitudes_of));
                }
            }
            for (lat, lon) in HALVES {
                if let Some(place) = object.get(lat).zip(object.get(lon)) {
                    let mut place = [place.0.clone(), place.1.clone()];
                    sink(whose(name), lat, &mut place, None);
                    let [at_lat, at_lon] = place;
                    object.insert(lat.to_owned(), at_lat);
                    object.insert(lon.to_owned(), at_lon);
                }
            }
            for (key, inner) in object.iter_mut().filter(|(key, _)| *key != "params") {
                walk(inner, key, sink);
            }
        }
        Value::Array(list) => {
            if (2..=3).contains(&list.len()) && list.iter().all(Value::is_number) && is_named_place(name) {
                // The home of a plan is told above the sea; of corners and rally points the format does not say it.
                let reference = (name == HOME).then_some(AltReference::Amsl);
                sink(whose(name), name, list, reference);
            } else {
                for inner in list {
                    walk(inner, name, sink);
                }
            }
        }
        _ => {}
    }
}

/// Keys of objects under which places stand in two numbers.
const HALVES: [(&str, &str); 3] = [("latitude", "longitude"), ("lat", "lon"), ("lat", "lng")];

fn whose(name: &str) -> Role {
    if name.to_ascii_lowercase().contains("home") { Role::Home } else { Role::Target }
}

/// Whether a list of numbers with this name is a place.
fn is_named_place(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["coordinate", "position", "center", "polygon", "polyline", "points", "breachreturn", "path"]
        .iter()
        .any(|word| name.contains(word))
}

/// The offset of a place that is told as a line and a column, both counted from 1.
fn offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (before + column).min(bytes.len())
}

/// The beginning of a text of JSON up to the last list or object that is whole, with those around it closed.
fn closed(bytes: &[u8]) -> Vec<u8> {
    let (mut open, mut quoted, mut escaped) = (Vec::new(), false, false);
    let mut whole = (0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => open.push(b'}'),
            b'[' if !quoted => open.push(b']'),
            b'}' | b']' if !quoted => {
                open.pop();
                whole = (at + 1, open.len());
            }
            _ => {}
        }
    }
    let mut text = bytes.get(..whole.0).unwrap_or_default().to_vec();
    // None of them was closed since, for nothing was.
    text.extend(open.iter().take(whole.1).rev());
    text
}

/// The names of cameras that surveys are planned for, each once, a hundred at most.
fn named_cameras(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            let name = object.get("CameraName").and_then(Value::as_str).map(str::to_owned);
            found.extend(name.filter(|name| found.len() < 100 && !found.contains(name)));
            object.values().for_each(|inner| named_cameras(inner, found));
        }
        Value::Array(list) => list.iter().for_each(|inner| named_cameras(inner, found)),
        _ => {}
    }
}

fn pair(list: &[Value]) -> Option<(f64, f64)> {
    let (lat, lon) = (list.first()?.as_f64()?, list.get(1)?.as_f64()?);
    is_place(lat, lon).then_some((lat, lon))
}

fn inspect(bytes: &[u8], _: &Options) -> Inspection {
    let mut inspection = Inspection::of("qgc-plan");
    let mut plan: Value = serde_json::from_slice(bytes).unwrap_or_else(|error| {
        let end = offset(bytes, error.line(), error.column());
        inspection.flaw("json", end as u64, &error);
        serde_json::from_slice(&closed(bytes.get(..end).unwrap_or(bytes))).unwrap_or_default()
    });
    inspection.device.software = plan.get("groundStation").and_then(Value::as_str).map(str::to_owned);
    let mut beyond = 0;
    let mut cameras = Vec::new();
    named_cameras(&plan, &mut cameras);
    for camera in cameras {
        inspection.say("camera that is planned for", camera, "CameraName");
    }
    walk(&mut plan, "", &mut |role, field, list, alt_reference| {
        let Some((lat, lon)) = pair(list) else { return };
        if inspection.places.len() >= MOST {
            beyond += 1;
        } else if let Some(spot) = Spot::new(role, lat, lon, field) {
            inspection.places.push(Spot {
                alt_m: list.get(2).and_then(Value::as_f64),
                alt_reference,
                ..spot
            });
        }
    });
    if beyond > 0 {
        inspection.flaw("places", 0, &format!("{beyond} are beyond the limit of {MOST}"));
    }
    inspection
}

fn scrub(bytes: &[u8], request: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    if request.locations.moved(1.0, 1.0).is_none() {
        return Err(Refusal(
            "it is nothing but places: leave it out, or move them with --location grid or offset".to_owned(),
        ));
    }
    let mut plan: Value =
        serde_json::from_slice(bytes).map_err(|error| Refusal(format!("it is damaged: {error}")))?;
    let mut scrubbed = Scrubbed::default();
    walk(&mut plan, "", &mut |role, field, list, _| {
        let Some((lat, lon)) = pair(list) else { return };
        // Where somebody took off goes with its height where places go to a grid: a height above the sea tells more than a
        // square does. Moved with all others, it tells nothing that they do not.
        let goes = role == Role::Home && !request.locations.keeps_height();
        let moved = request.locations.moved(lat, lon).filter(|_| !goes).unwrap_or_default();
        let height = goes.then_some(0.0);
        for (slot, number) in list.iter_mut().zip([Some(moved.0), Some(moved.1), height]) {
            *slot = number.map_or_else(|| slot.clone(), Value::from);
        }
        scrubbed.removed(if goes { "position" } else { "position, moved" }, field);
    });
    without_words(&mut plan, "", request.locations.keeps_height(), &mut scrubbed);
    let written = serde_json::to_vec_pretty(&plan)
        .map_err(|error| Refusal(format!("it cannot be written: {error}")))?;
    scrubbed.pieces.push(Piece::Bytes(written));
    Ok(scrubbed)
}

/// Keys whose texts say how a plan is made up, and not in whose words.
const KEPT: &[&str] = &["fileType", "groundStation", "type", "complexItemType"];

/// Heights above the sea.
const ABOVE_SEA: &[&str] = &["AMSLAltAboveTerrain"];

/// Takes texts out, and heights above the sea where places go to a grid.
fn without_words(value: &mut Value, name: &str, heights: bool, scrubbed: &mut Scrubbed) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object.iter_mut() {
                without_words(inner, key, heights, scrubbed);
            }
        }
        Value::Array(list) => {
            for inner in list {
                without_words(inner, name, heights, scrubbed);
            }
        }
        Value::String(text) if !text.is_empty() && !KEPT.contains(&name) => {
            text.clear();
            scrubbed.removed("text", name);
        }
        Value::Number(_) if !heights && ABOVE_SEA.contains(&name) => *value = Value::Null,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Locations;
    use proptest::prelude::*;

    const PLAN: &str = r#"{"fileType": "Plan", "groundStation": "QGroundControl", "geoFence": {"polygons": [{"polygon": [[47.1, 8.1], [47.2, 8.2]]}], "circles": [{"circle": {"center": [47.3, 8.3], "radius": 50}}]},
        "mission": {"plannedHomePosition": [47.0, 8.0, 400], "items": [{"type": "SimpleItem", "command": 16, "frame": 3, "params": [0, 0, 0, null, 47.4, 8.4, 50]},
        {"type": "SimpleItem", "command": 206, "frame": 2, "params": [25, 0, 1, null, null, null, null]},
        {"type": "ComplexItem", "TransectStyleComplexItem": {"Items": [{"command": 16, "frame": 3, "params": [0, 0, 0, null, 47.5, 8.5, 50]}], "VisualTransectPoints": [[47.6, 8.6]]}}]},
        "rallyPoints": {"points": [[47.7, 8.7, 30]]}}"#;

    fn places(bytes: &[u8]) -> Vec<(Role, f64)> {
        let mut places: Vec<_> = inspect(bytes, &Options::default())
            .places
            .iter()
            .map(|spot| (spot.role, (spot.lat * 1e6).round() / 1e6))
            .collect();
        places.sort_by(|one, other| one.1.total_cmp(&other.1));
        places
    }

    #[test]
    fn what_is_planned_is_told_and_moves() {
        assert!(is(PLAN.as_bytes()));
        let target = |lat: f64| (Role::Target, lat);
        let targets = [47.1, 47.2, 47.3, 47.4, 47.5, 47.6, 47.7].map(target);
        assert_eq!(places(PLAN.as_bytes()), [&[(Role::Home, 47.0)][..], &targets].concat());
        let told = inspect(PLAN.as_bytes(), &Options::default()).places;
        let reference =
            |lat: f64| told.iter().find(|spot| (spot.lat - lat).abs() < 1e-9).unwrap().alt_reference;
        let said = [47.0, 47.4, 47.7].map(reference);
        assert_eq!(said, [Some(AltReference::Amsl), Some(AltReference::TakeOff), None]);
        let request =
            ScrubRequest { locations: Locations::Offset { lat: 1.0, lon: 1.0 }, ..ScrubRequest::default() };
        let clean = scrub(PLAN.as_bytes(), &request).unwrap().bytes(PLAN.as_bytes());
        let targets = [48.1, 48.2, 48.3, 48.4, 48.5, 48.6, 48.7].map(target);
        assert_eq!(places(&clean), [&[(Role::Home, 48.0)][..], &targets].concat());
    }

    #[test]
    fn words_heights_of_homes_and_places_in_two_keys_go_too() {
        let plan = r#"{"fileType": "Plan", "mission": {"plannedHomePosition": [47.0, 8.0, 412], "items": [{"AMSLAltAboveTerrain": 431.5, "type": "SimpleItem",
            "note": "Mast of Ada", "poi": {"latitude": 47.2, "longitude": 8.2}}]}}"#;
        let told = inspect(plan.as_bytes(), &Options::default());
        assert!(told.places.iter().any(|spot| (spot.lat, spot.lon) == (47.2, 8.2)));
        let request = ScrubRequest { locations: Locations::Grid { km: 10.0 }, ..ScrubRequest::default() };
        let clean = scrub(plan.as_bytes(), &request).unwrap().bytes(plan.as_bytes());
        let clean = String::from_utf8(clean).unwrap();
        for gone in ["412", "431.5", "Ada", "47.2,", "47.0"] {
            assert!(!clean.contains(gone), "{gone} in {clean}");
        }
        assert!(clean.contains("SimpleItem"));
    }

    #[test]
    fn a_cut_plan_gives_what_stands_before_the_cut() {
        let told = |cut: usize| inspect(&PLAN.as_bytes()[..cut], &Options::default());
        let whole = told(PLAN.len());
        let mut most = 0;
        for cut in 0..PLAN.len() {
            let told = told(cut);
            assert!(
                !told.damage.is_empty() && told.places.iter().all(|spot| whole.places.contains(spot)),
                "{cut}"
            );
            assert!(told.places.len() >= most, "{cut}");
            most = told.places.len();
        }
        assert_eq!(most, whole.places.len());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            inspect(&bytes, &Options::default());
        }
    }
}
