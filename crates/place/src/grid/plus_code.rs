//! Open Location Code, called plus codes (Google, 2014; github.com/google/open-location-code, specification of 2018).
//!
//! Pairs of letters say latitude and longitude in base 20, from 20 degrees down; behind the tenth letter each says one of
//! five rows and four columns. A plus stands behind the eighth. Short codes, which need a town beside them, are not read.

use super::Area;

const ALPHABET: &[u8; 20] = b"23456789CFGHJMPQRVWX";

/// Letters before the plus, of those in pairs, and at most.
const BEFORE_PLUS: usize = 8;
const IN_PAIRS: usize = 10;
const MOST: usize = 15;

/// The area that a full code names.
pub fn decode(code: &str) -> Option<Area> {
    let (head, tail) = code.split_once('+')?;
    if head.len() != BEFORE_PLUS || tail.len() == 1 || BEFORE_PLUS + tail.len() > MOST {
        return None;
    }
    let (mut south, mut west) = (-90.0, -180.0);
    let (mut high, mut wide) = (400.0, 400.0);
    // Zeros stand for pairs that are left out.
    let letters = head.trim_end_matches('0').bytes().chain(tail.bytes());
    if !head.trim_end_matches('0').len().is_multiple_of(2)
        || head.starts_with('0')
        || (head.ends_with('0') && !tail.is_empty())
    {
        return None;
    }
    for (place, letter) in letters.enumerate() {
        let digit = ALPHABET.iter().position(|known| *known == letter.to_ascii_uppercase())?;
        let digit = f64::from(u8::try_from(digit).ok()?);
        if place >= IN_PAIRS {
            (high, wide) = (high / 5.0, wide / 4.0);
            south += (digit / 4.0).floor() * high;
            west += digit % 4.0 * wide;
        } else if place % 2 == 0 {
            high /= 20.0;
            south += digit * high;
        } else {
            wide /= 20.0;
            west += digit * wide;
        }
    }
    let possible = south < 90.0 && west < 180.0;
    possible.then_some(Area {
        lat: south + high / 2.0,
        lon: west + wide / 2.0,
        half_lat: high / 2.0,
        half_lon: wide / 2.0,
    })
}

/// The code of a place, ten letters of it: an eighth of a thousandth of a degree.
pub fn encode(lat: f64, lon: f64) -> String {
    // Units of the tenth letter.
    let unit = |degrees: f64, most: f64| (degrees * 8000.0).floor().clamp(0.0, most * 8000.0 - 1.0);
    let (mut north, mut east) = (unit(lat + 90.0, 180.0), unit((lon + 180.0).rem_euclid(360.0), 360.0));
    let mut letters = Vec::new();
    for pair in 0..IN_PAIRS / 2 {
        for units in [&mut east, &mut north] {
            letters.push(letter(*units % 20.0));
            *units = (*units / 20.0).floor();
        }
        if pair == 0 {
            letters.push('+');
        }
    }
    letters.iter().rev().collect()
}

fn letter(digit: f64) -> char {
    let known = (0_u8..).zip(ALPHABET).find(|(index, _)| f64::from(*index) >= digit);
    known.map_or('2', |(_, letter)| char::from(*letter))
}
