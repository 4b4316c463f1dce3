//! How the places of a track begin when they are written: what texts are searched for before anything of them is read.

use std::collections::BTreeSet;

use creance_place::{
    datum::Datum,
    grid::{geohash, h3, mgrs, plus_code, s2, tile, utm},
};

use super::{
    known::Track,
    number::{Axis, SCALES},
    spans::MARGIN,
};
use crate::canary::search::{Hit, Search};

/// The shortest beginning that is looked for.
const SHORTEST: usize = 5;

/// Beginnings that are looked for, at most: those of flights over some thousand square kilometres.
const MOST: usize = 100_000;

/// Levels of map tiles that say where one is: from about two kilometres down.
pub(super) const LEVELS: std::ops::RangeInclusive<u32> = 14..=22;

/// What to look for in texts.
#[derive(Debug, Default)]
pub(super) struct Forms {
    search: Option<Search>,
    /// Beginnings beyond the bound.
    pub(super) beyond: usize,
}

impl Forms {
    pub(super) fn of(track: &Track) -> Self {
        let mut all = Beginnings::default();
        let mut seen = BTreeSet::new();
        for place in track.places() {
            for datum in Datum::ALL {
                let place = datum.from_wgs84(place);
                // Neighbours have the same beginnings.
                let near = ((place.0 * 2000.0).floor().to_bits(), (place.1 * 2000.0).floor().to_bits());
                if seen.insert(near) {
                    all.add(place, datum);
                }
            }
        }
        let beyond = all.0.len().saturating_sub(MOST);
        let needles: Vec<Vec<u8>> = all.0.into_iter().take(MOST).map(String::into_bytes).collect();
        let search = if needles.is_empty() { None } else { Search::new(&needles, SHORTEST).ok() };
        Self { search, beyond }
    }

    /// Where one of them stands.
    pub(super) fn find<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Hit> + 'a {
        self.search.iter().flat_map(|search| search.find_iter(text))
    }
}

#[derive(Default)]
struct Beginnings(BTreeSet<String>);

impl Beginnings {
    fn add(&mut self, place: (f64, f64), datum: Datum) {
        self.numbers(place.0);
        self.minutes(place.0);
        if datum == Datum::Wgs84 {
            self.codes(place);
        }
    }

    fn insert(&mut self, text: String) {
        if text.len() >= SHORTEST {
            self.0.insert(text);
        }
    }

    /// Of a latitude in every scale: up to its fifth digit or its first decimals.
    fn numbers(&mut self, lat: f64) {
        for scale in SCALES {
            let ends = [lat - MARGIN, lat + MARGIN].map(|lat| (scale.write)(lat, Axis::Lat).abs());
            let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
            if scale.decimals.is_some_and(|least| least > 0) {
                // As many decimals as make it long enough; a whole part of one digit needs one more.
                let most = if scale.name == "nmea" { 1 } else { 3 };
                let short = if high < 10.0 { most.max(3) } else { most };
                self.steps(low, high, short);
            }
            if scale.decimals.is_none_or(|least| least == 0) {
                self.digits(low, high);
            }
        }
    }

    /// Numbers cut after so many decimals.
    fn steps(&mut self, low: f64, high: f64, decimals: usize) {
        let unit = 10_f64.powi(i32::try_from(decimals).unwrap_or(3));
        for step in whole(low * unit)..=whole(high * unit) {
            let per_one = whole(unit);
            self.insert(format!("{}.{:0decimals$}", step / per_one, step % per_one));
        }
    }

    /// The first five digits of whole numbers of five digits or more.
    fn digits(&mut self, low: f64, high: f64) {
        for length in SHORTEST..=12 {
            let cut = 10_f64.powi(i32::try_from(length - SHORTEST).unwrap_or(0));
            let (first, last) = (whole(low / cut).max(10_000), whole(high / cut).min(99_999));
            for step in first..=last {
                self.insert(step.to_string());
            }
        }
    }

    /// Degrees and minutes, with the signs that stand between them.
    fn minutes(&mut self, lat: f64) {
        for lat in [lat - MARGIN, lat, lat + MARGIN].map(f64::abs) {
            let (degrees, minutes) = (lat.trunc(), (lat.fract() * 60.0).floor());
            for sign in ["°", "º", "˚", "d", "deg", " ", ":", "-", "° ", "º ", "d ", " deg ", "*"] {
                self.insert(format!("{degrees}{sign}{minutes}"));
                self.insert(format!("{degrees}{sign}{minutes:02}"));
                self.insert(format!("{degrees}{sign}{minutes}'"));
            }
        }
    }

    fn codes(&mut self, (lat, lon): (f64, f64)) {
        // What lies on the other side of an edge has other letters.
        for (lat, lon) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)]
            .map(|(north, east)| (lat + MARGIN * north, lon + MARGIN * east))
        {
            self.0.extend(geohash::encode(lat, lon, SHORTEST));
            let head = |text: String, length: usize| text.get(..length).unwrap_or(&text).to_owned();
            self.insert(head(plus_code::encode(lat, lon), 6));
            let cell = s2::encode(lat, lon);
            self.insert(head(format!("{cell:016x}"), SHORTEST));
            self.insert(head(cell.to_string(), SHORTEST));
            self.insert(head(cell.cast_signed().unsigned_abs().to_string(), SHORTEST));
            for resolution in 5..=15 {
                if let Some(cell) = h3::encode(lat, lon, resolution) {
                    self.insert(head(format!("{cell:x}"), SHORTEST));
                    self.insert(head(cell.to_string(), SHORTEST));
                }
            }
            if let Some(square) = mgrs::square(lat, lon) {
                let (strip, letters) = square.split_at(square.len().saturating_sub(2));
                let (number, band) = strip.split_at(strip.len().saturating_sub(1));
                self.insert(format!("{strip} {letters}"));
                self.insert(format!("{number} {band} {letters}"));
                self.insert(square);
            }
            let northing = format!("{:.0}", utm::encode(lat, lon).northing);
            self.insert(head(northing, SHORTEST));
            self.insert(head(tile::to_quadkey(lat, lon, *LEVELS.start()), 12));
            for z in LEVELS {
                let (x, y) = tile::of(lat, lon, z);
                for number in [x, y] {
                    self.insert(format!("/{z}/{}", head(number.to_string(), 3)));
                }
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "less than 10^12")]
fn whole(number: f64) -> i64 {
    number.floor() as i64
}
