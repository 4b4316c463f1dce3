//! What a carried file says of itself, by the readers of files: with which serial numbers, by whom, where.

use creance_model::{DataClass, Inspection, Match};

use crate::{Sighting, Sink, location};

/// Values of one file that are told, and places; a flight log may name thousands of networks.
const MOST: usize = 200;

/// The limit on what protected places are compared with.
pub(crate) const SITES: &str = "protected places that one file is compared with";

/// Letters of the shortest value that says something.
const SHORTEST: usize = 4;

/// Tells the values that a file in a part holds; `places`: where cameras, targets, homes and people were, too.
pub(crate) fn tell(
    inspection: &Inspection,
    detector: &'static str,
    part: usize,
    places: bool,
    sink: &mut Sink<'_>,
) {
    let mut told = |class, field: &str, value| {
        let encoding = vec![field.to_owned()];
        sink.sight(Sighting { encoding, ..Sighting::whole(class, Match::Structured, detector, part, value) });
    };
    let values = || inspection.identifiers.iter().filter(|one| one.value.chars().count() >= SHORTEST);
    for one in values().take(MOST) {
        told(one.class, &one.field, one.value.clone());
    }
    let spots = inspection.places.iter().filter(|_| places);
    let mut seen: Vec<(f64, f64)> = Vec::new();
    for spot in spots.filter(|spot| location::believable(spot.lat, spot.lon)).take(MOST) {
        // One place is often said twice, with other decimals.
        let near = |(lat, lon): &(f64, f64)| (lat - spot.lat).abs() < SAME && (lon - spot.lon).abs() < SAME;
        if !seen.iter().any(near) {
            seen.push((spot.lat, spot.lon));
            told(DataClass::Location, &spot.field, format!("{:.6},{:.6}", spot.lat, spot.lon));
        }
    }
    if values().count() > MOST || places && inspection.places.len() > MOST {
        sink.limited("values of one picture, film or log");
    }
}

/// Degrees within which two places are one.
const SAME: f64 = 1e-5;
