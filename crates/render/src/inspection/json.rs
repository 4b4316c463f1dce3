//! `creance.inspect/1` (DESIGN §4).

use creance_model::{Component, DataClass, Inspected, Inspection, Role, Timestamp};
use serde_json::{Value, json};

use super::Extent;

/// The name of the schema.
pub const SCHEMA: &str = "creance.inspect/1";

/// What a file gives away, as an object.
pub fn json(file: &Inspected) -> Value {
    let Inspected { file, bytes, sha256, too_long, inspection } = file;
    let device = &inspection.device;
    json!({
        "schema": SCHEMA,
        "file": file,
        "sha256": sha256,
        "not_hashed": too_long.then_some("it is long: --hash"),
        "bytes": bytes,
        "kind": inspection.kind,
        "identifiers": identifiers(inspection),
        "places": places(inspection),
        "track": track(inspection),
        "tracks": tracks(inspection),
        "phases": inspection.phases.iter().map(|phase| json!({
            "state": phase.state, "from": phase.from, "to": phase.to, "source": phase.source,
        })).collect::<Vec<_>>(),
        "times": inspection.times.iter().map(|one| json!({
            "what": one.what, "time": one.time, "zone_known": one.zone_known, "where": one.field,
        })).collect::<Vec<_>>(),
        "device": {"make": device.make, "model": device.model, "software": device.software},
        "faces": inspection.faces.as_ref().map(Vec::len),
        "face_boxes": inspection.faces.as_ref().map(|faces| faces.iter().map(|one| json!({
            "left": one.left, "top": one.top, "width": one.width, "height": one.height,
        })).collect::<Vec<_>>()),
        "hidden": inspection.hidden.iter().map(|one| json!({
            "what": one.what, "where": one.field, "bytes": one.bytes,
        })).collect::<Vec<_>>(),
        "facts": inspection.facts.iter().map(|one| json!({
            "what": one.what, "value": one.value, "where": one.field,
        })).collect::<Vec<_>>(),
        "sites": inspection.sites.iter().map(|one| json!({
            "name": one.name, "sector": one.sector, "how": one.how, "role": one.role, "times": one.times,
            "metres": one.metres.round(),
        })).collect::<Vec<_>>(),
        "zones": inspection.zones.iter().map(|one| json!({
            "zone": one.zone, "name": one.name, "answer": one.answer, "role": one.role, "times": one.times,
            "margin_m": one.margin_m, "why": one.why,
        })).collect::<Vec<_>>(),
        "damage": inspection.damage.iter().map(|one| json!({
            "what": one.what, "offset": one.offset, "why": one.why,
        })).collect::<Vec<_>>(),
    })
}

fn identifiers(inspection: &Inspection) -> Value {
    let object = |class: DataClass, of: Option<Component>, value: &str, field: &str| json!({"class": class, "of": of, "value": value, "where": field});
    inspection.identifiers.iter().map(|one| object(one.class, one.of, &one.value, &one.field)).collect()
}

fn places(inspection: &Inspection) -> Value {
    let all = inspection.places.iter().map(|spot| {
        json!({
            "role": spot.role, "lat": spot.lat, "lon": spot.lon, "alt_m": spot.alt_m,
            "alt_reference": spot.alt_reference, "height_m": spot.height_m, "time": spot.time, "where": spot.field,
            "look": spot.look.map(|look| json!({
                "yaw": look.yaw, "pitch": look.pitch, "roll": look.roll, "field_of_view": look.field_of_view,
            })),
        })
    });
    all.collect()
}

/// The track of the aircraft, and all tracks where there is none of it; `null`: none.
fn track(inspection: &Inspection) -> Value {
    let of_aircraft = || inspection.tracks.iter().filter(|track| track.role == Role::Aircraft);
    let extent = match Extent::of(of_aircraft()) {
        Extent { points: 0, .. } => Extent::of(&inspection.tracks),
        extent => extent,
    };
    summary(&extent)
}

fn summary(extent: &Extent) -> Value {
    let moment = |time: Option<Timestamp>| json!(time);
    match extent.points {
        0 => Value::Null,
        points => json!({
            "points": points, "first": moment(extent.first), "last": moment(extent.last), "bbox": extent.bounds,
        }),
    }
}

fn tracks(inspection: &Inspection) -> Value {
    let all = inspection.tracks.iter().map(|track| {
        let mut object = summary(&Extent::of([track]));
        if let Some(object) = object.as_object_mut() {
            object.insert("role".to_owned(), json!(track.role));
            object.insert("vehicle".to_owned(), json!(track.vehicle));
            object.insert("alt_reference".to_owned(), json!(track.alt_reference));
            object.insert("where".to_owned(), json!(track.field));
        }
        object
    });
    all.collect()
}
