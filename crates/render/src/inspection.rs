//! What files give away, written: for people, as JSON, as a page.

mod html;
mod json;
mod text;

pub use html::{Draw, html};
pub use json::{SCHEMA, json};
pub use text::{table, text};

use std::collections::BTreeSet;

use creance_model::{DataClass, Inspection, Timestamp, Track};

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
    matches!(inspection.kind, "unknown" | "gzip" | "zstd" | "xz")
        || !(inspection.identifiers.is_empty()
            && inspection.places.is_empty()
            && inspection.tracks.iter().all(|track| track.points.is_empty())
            && inspection.facts.is_empty()
            && inspection.times.is_empty()
            && inspection.hidden.is_empty()
            && inspection.faces.as_ref().is_none_or(Vec::is_empty)
            && inspection.device == creance_model::Device::default())
}

/// Numbers over several files.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    files: usize,
    with_place: usize,
    with_track: usize,
    with_serial: usize,
    with_hidden: usize,
    with_site: usize,
    with_faces: usize,
    damaged: usize,
    unknown: usize,
    serials: BTreeSet<String>,
}

impl Totals {
    /// Counts a file, by its values in full: masked ones look alike.
    pub fn add(&mut self, inspection: &Inspection) {
        let serials = || inspection.identifiers.iter().filter(|one| one.class == DataClass::Serial);
        self.files += 1;
        self.with_place += usize::from(!inspection.places.is_empty());
        self.with_track += usize::from(inspection.tracks.iter().any(|track| !track.points.is_empty()));
        self.with_serial += usize::from(serials().next().is_some());
        self.with_hidden += usize::from(!inspection.hidden.is_empty());
        self.with_site += usize::from(!inspection.sites.is_empty());
        self.with_faces += usize::from(inspection.faces.as_ref().is_some_and(|faces| !faces.is_empty()));
        self.damaged += usize::from(!inspection.damage.is_empty());
        self.unknown += usize::from(matches!(inspection.kind, "unknown" | "gzip" | "zstd" | "xz"));
        self.serials.extend(serials().map(|one| one.value.clone()));
    }
}
