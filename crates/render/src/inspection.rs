//! What files give away, written: for people, as JSON, as a page.

mod html;
mod json;
mod text;

pub use html::html;
pub use json::{SCHEMA, json};
pub use text::{table, text};

use creance_model::{Inspected, Inspection, Timestamp, Track};

/// Numbers over all tracks of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Extent {
    points: usize,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// South, west, north, east, in degrees.
    bounds: Option<[f64; 4]>,
}

impl Extent {
    fn of<'a>(tracks: impl IntoIterator<Item = &'a Track>) -> Self {
        let mut extent = Self::default();
        for point in tracks.into_iter().flat_map(|track| &track.points) {
            extent.points += 1;
            if let Some(time) = point.time {
                extent.first = Some(extent.first.map_or(time, |first| first.min(time)));
                extent.last = Some(extent.last.map_or(time, |last| last.max(time)));
            }
            let [south, west, north, east] =
                extent.bounds.unwrap_or([point.lat, point.lon, point.lat, point.lon]);
            extent.bounds =
                Some([south.min(point.lat), west.min(point.lon), north.max(point.lat), east.max(point.lon)]);
        }
        extent
    }
}

/// Whether a file says anything that somebody may want to keep.
fn says_something(inspection: &Inspection) -> bool {
    !(inspection.identifiers.is_empty()
        && inspection.places.is_empty()
        && inspection.tracks.iter().all(|track| track.points.is_empty())
        && inspection.facts.is_empty()
        && inspection.times.is_empty()
        && inspection.hidden.is_empty()
        && inspection.faces.is_none_or(|faces| faces == 0)
        && inspection.device == creance_model::Device::default())
}

/// Numbers over several files.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Totals {
    files: usize,
    with_place: usize,
    with_track: usize,
    with_serial: usize,
    with_hidden: usize,
    with_faces: usize,
    damaged: usize,
    unknown: usize,
    serials: std::collections::BTreeSet<String>,
}

impl Totals {
    fn of(files: &[Inspected]) -> Self {
        let mut totals = Self { files: files.len(), ..Self::default() };
        for Inspected { inspection, .. } in files {
            let serials = inspection.identifiers.iter();
            let mut serials = serials.filter(|one| one.class == creance_model::DataClass::Serial).peekable();
            totals.with_place += usize::from(!inspection.places.is_empty());
            totals.with_track += usize::from(inspection.tracks.iter().any(|track| !track.points.is_empty()));
            totals.with_serial += usize::from(serials.peek().is_some());
            totals.with_hidden += usize::from(!inspection.hidden.is_empty());
            totals.with_faces += usize::from(inspection.faces.is_some_and(|faces| faces > 0));
            totals.damaged += usize::from(!inspection.damage.is_empty());
            totals.unknown += usize::from(inspection.kind == "unknown");
            totals.serials.extend(serials.map(|one| one.value.clone()));
        }
        totals
    }
}
