//! Codes that name an area: geohash, plus codes, cells of S2 and H3, MGRS, UTM, quadkeys and map tiles.
//!
//! A code says a place where the track goes through its area, and areas are at most some kilometres wide.
//!
//! **False alarms.** A geohash of six letters is one of 2^30, and a flight goes through a few; a token of S2 or H3 is one of
//! 10^8 and more. A tile of a map says where somebody looks: that of level 14 around the aircraft is two kilometres wide.

use std::sync::LazyLock;

use creance_place::grid::{Area, geohash, h3, mgrs, plus_code, s2, tile, utm::Utm};
use regex::Regex;

use super::{forms::LEVELS, known::Within, text::Spot};

/// Letters of a geohash: as the whole of a text, and among other words.
const ALONE: usize = 5;
const AMONG: usize = 6;

/// A cell that reaches further from its middle, in degrees, says little.
const WIDEST: f64 = 0.025;

static MILITARY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(\d{1,2}) ?([C-HJ-NP-X]) ?([A-HJ-NP-Z]{2}) ?(?:(\d{3,5}) (\d{3,5})|(\d{6}|\d{8}|\d{10}))\b",
    )
    .ok()
});

static METRES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(\d{1,2}) ?([C-HJ-NP-X])[ ,;]+(\d{6}(?:\.\d+)?) ?(?:mE|E)?[ ,;]+(\d{5,8}(?:\.\d+)?)")
        .ok()
});

static TILE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"/(1[4-9]|2[0-2])/(\d{1,7})/(\d{1,7})(?:[./@?]|$)").ok());

/// Adds the places of a text that are written so. `uri`: whether it is the target of a request; `whole`: whether it is all
/// of a text.
pub(super) fn find(text: &str, uri: bool, whole: bool, spots: &mut Vec<Spot>) {
    let mut add = |start: usize, end: usize, area: Option<Area>, encoding: &'static str| {
        if let Some(area) = area.filter(|area| area.half_lat <= WIDEST) {
            spots.push(Spot {
                start,
                end,
                place: (area.lat, area.lon),
                grain: Within { lat: area.half_lat, lon: area.half_lon },
                encoding,
                plain: false,
            });
        }
    };
    let mut at = 0;
    for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '+') {
        let (start, end) = (at, at + word.len());
        // The sign between words that is left out has more than one byte, or is the end.
        at = end + text.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        if word.len() < ALONE || word.len() > 24 {
            continue;
        }
        let alone = whole && word.len() == text.trim().len();
        for (area, encoding) in [
            (geohash_of(word, alone), "geohash"),
            (word.contains('+').then(|| plus_code::decode(word)).flatten(), "plus-code"),
            (quadkey(word), "quadkey"),
        ] {
            add(start, end, area, encoding);
        }
        let negative = start.checked_sub(1).and_then(|at| text.as_bytes().get(at)) == Some(&b'-');
        for number in numbers(word, negative).into_iter().flatten() {
            add(start, end, s2::decode(number), "s2-cell");
            add(start, end, h3::decode(number), "h3-cell");
        }
    }
    let group = |found: &regex::Captures<'_>, index: usize| {
        found.get(index).map_or("", |group| group.as_str()).to_owned()
    };
    for found in MILITARY.iter().flat_map(|pattern| pattern.captures_iter(text)) {
        let code: String = (1..=6).map(|index| group(&found, index)).collect();
        if let Some(all) = found.get(0) {
            add(all.start(), all.end(), mgrs::decode(&code), "mgrs");
        }
    }
    for found in METRES.iter().flat_map(|pattern| pattern.captures_iter(text)) {
        if let Some(all) = found.get(0) {
            add(
                all.start(),
                all.end(),
                utm(&group(&found, 1), &group(&found, 2), &group(&found, 3), &group(&found, 4)),
                "utm",
            );
        }
    }
    for found in TILE.iter().filter(|_| uri).flat_map(|pattern| pattern.captures_iter(text)) {
        let [z, one, other] = [1, 2, 3].map(|index| group(&found, index).parse::<u64>().unwrap_or(u64::MAX));
        let (Ok(z), Some(all)) = (u32::try_from(z), found.get(0)) else { continue };
        add(all.start(), all.end(), tile::area(z, one, other), "tile-zxy");
        add(all.start(), all.end(), tile::area(z, other, one), "tile-zyx");
    }
}

fn geohash_of(word: &str, alone: bool) -> Option<Area> {
    let least = if alone { ALONE } else { AMONG };
    let mixed = word.bytes().any(|byte| byte.is_ascii_lowercase())
        && word.bytes().any(|byte| byte.is_ascii_uppercase());
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    if word.len() < least || mixed || digits { None } else { geohash::decode(word) }
}

fn quadkey(word: &str) -> Option<Area> {
    let level = u32::try_from(word.len()).ok().filter(|level| LEVELS.contains(level))?;
    let (z, x, y) = tile::quadkey(word)?;
    debug_assert_eq!(z, level, "a digit for each level");
    tile::area(z, x, y)
}

/// The numbers of cells that a word may be: in decimals, or hexadecimal digits (all of H3's, or without the zeros at the end
/// as S2 has it).
fn numbers(word: &str, negative: bool) -> [Option<u64>; 2] {
    let decimal = if word.len() < 17 {
        None
    } else if negative {
        word.parse::<u64>().ok().and_then(|size| i64::try_from(size).ok()).map(|size| (-size).cast_unsigned())
    } else {
        word.parse().ok()
    };
    let h3 = word.len() == 15 && word.starts_with('8');
    let hexadecimal = if h3 { u64::from_str_radix(word, 16).ok() } else { None };
    let token = if (7..=16).contains(&word.len()) { s2::token(word) } else { None };
    [decimal.or(hexadecimal), token]
}

fn utm(zone: &str, band: &str, easting: &str, northing: &str) -> Option<Area> {
    let north = band.to_ascii_uppercase().as_str() >= "N";
    let (zone, easting, northing) = (zone.parse().ok()?, easting.parse().ok()?, northing.parse().ok()?);
    let (lat, lon) = Utm { zone, north, easting, northing }.decode()?;
    // A metre.
    Some(Area { lat, lon, half_lat: 1e-5, half_lon: 2e-5 })
}
