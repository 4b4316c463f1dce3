//! What files give away, written: for people, as JSON, as a page.

mod html;
mod json;
mod text;

pub use html::{Draw, html};
pub use json::{SCHEMA, json};
pub use text::{table_end, table_head, table_line, text};

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

/// Whether files of a kind are not looked into: packed ones, of which what they hold is told by itself where it was read, and unknown ones.
fn is_unread(kind: &str) -> bool {
    matches!(kind, "unknown" | "gzip" | "zstd" | "xz" | "bzip2" | "7z" | "rar")
}

/// Whether a file says anything that somebody may want to keep.
fn says_something(inspection: &Inspection) -> bool {
    is_unread(inspection.kind)
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
        self.unknown += usize::from(is_unread(inspection.kind));
        self.serials.extend(serials().map(|one| one.value.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Inspected;

    #[test]
    fn of_what_was_not_looked_into_nothing_good_is_said() {
        let shown = |kind: &'static str, damaged: bool| {
            let mut inspection = Inspection::of(kind);
            if damaged {
                inspection.flaw("archive", 0, &"not opened");
            }
            let file =
                Inspected { file: "a".to_owned(), bytes: 6, sha256: None, too_long: false, inspection };
            let mut screen = Vec::new();
            text(&file, &mut screen).unwrap();
            let page = html(std::slice::from_ref(&file), &Totals::default(), None);
            (String::from_utf8(screen).unwrap(), page)
        };
        for (kind, damaged) in
            [("7z", true), ("rar", true), ("bzip2", true), ("xz", true), ("zip", true), ("rar", false)]
        {
            let (screen, page) = shown(kind, damaged);
            assert!(
                !screen.contains("nothing found") && !page.contains("Nothing was found"),
                "{kind}: {screen}"
            );
        }
        let (screen, page) = shown("jpeg", false);
        assert!(screen.contains("nothing found") && page.contains("Nothing was found"));
        let mut totals = Totals::default();
        totals.add(&Inspection::of("rar"));
        assert_eq!(totals.unknown, 1);
    }
}
