//! Planted places: two numbers beside each other, in one text or in fields of one parent, that agree with the planted
//! pair as far as their decimals go.
//!
//! A single number is never enough, and numbers of fewer than three decimals say nothing. What could be wrong: a place
//! cut to three decimals is a square of some hundred metres, and others may be in it.

use std::collections::HashSet;

use crate::{
    View,
    key::{Names, Words},
    location,
    view::{Glance, sign},
};

/// Numbers of one pair stand at most this many bytes apart.
const APART: usize = 32;

/// What counts as the same degree however many decimals it has: about a metre.
const TOLERANCE: f64 = 1e-5;

/// Whether two written numbers, in this order or the other, are the planted place.
pub(super) fn same(planted: (f64, f64), first: &str, second: &str) -> bool {
    Degrees::read(first).zip(Degrees::read(second)).is_some_and(|pair| is(planted, pair))
}

fn is((lat, lon): (f64, f64), (first, second): (Degrees, Degrees)) -> bool {
    (first.near(lat) && second.near(lon)) || (first.near(lon) && second.near(lat))
}

/// One of the last decimal. From the fifth on it is less than what counts as the same.
const UNITS: [f64; 6] = [1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5];

/// A written number of three decimals or more.
#[derive(Clone, Copy)]
struct Degrees {
    number: f64,
    /// Rounded and cut numbers both lie within one unit of their last decimal.
    within: f64,
}

impl Degrees {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let decimals = location::decimals(text);
        if decimals < 3 {
            return None;
        }
        let unit = UNITS.get(decimals).copied().unwrap_or_default();
        Some(Self { number: text.parse().ok()?, within: (unit * 1.01).max(TOLERANCE) })
    }

    fn near(self, degrees: f64) -> bool {
        (self.number - degrees).abs() <= self.within
    }
}

/// Which planted place each part holds, with the range where it is a stretch of text.
pub(super) fn find(
    message: &View<'_>,
    planted: &[(usize, (f64, f64))],
) -> Vec<(usize, usize, Option<[u64; 2]>)> {
    let mut found = Vec::new();
    if planted.is_empty() {
        return found;
    }
    // The middle of a map that is shown is not where anybody is.
    let wanted =
        |glance: Glance, words: Words<'_>| glance.has(sign::FRACTION) && !words.are(Names::Viewports);
    for (index, _, text) in message.texts_where(wanted) {
        let mut before: Option<(usize, usize)> = None;
        for (start, end) in numbers(text) {
            if let Some((first, stop)) = before
                && start.saturating_sub(stop) <= APART
                && let Some(pair) = degrees(text, first, stop).zip(degrees(text, start, end))
            {
                let here = planted.iter().filter(|(_, place)| is(*place, pair));
                found.extend(here.map(|(which, _)| (*which, index, Some([first as u64, end as u64]))));
            }
            before = Some((start, end));
        }
    }
    let fields: Vec<(usize, Option<usize>, Degrees)> = message
        .named_where(wanted)
        .filter_map(|(index, _, text)| Some((index, message.parent(index), Degrees::read(text)?)))
        .collect();
    for (which, (lat, lon)) in planted {
        let beside: HashSet<Option<usize>> =
            fields.iter().filter(|(.., number)| number.near(*lon)).map(|(_, parent, _)| *parent).collect();
        let here = fields.iter().filter(|(_, parent, number)| number.near(*lat) && beside.contains(parent));
        found.extend(here.map(|(index, ..)| (*which, *index, None)));
    }
    found
}

/// Fields for what a map shows.
pub(crate) const VIEWPORTS: &[&str] = &["center", "bbox", "viewport", "bounds", "mapcenter"];

fn degrees(text: &str, start: usize, end: usize) -> Option<Degrees> {
    Degrees::read(text.get(start..end)?)
}

/// Where numbers with three decimals or more stand: start and end.
fn numbers(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'.', bytes).filter_map(move |point| {
        // Most points end a sentence, or stand in a word or in a number of fewer decimals.
        let behind = bytes.get(point + 1..)?;
        if !behind.first_chunk::<3>()?.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let decimals = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let before = bytes.get(..point)?;
        let whole = before.iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let mut start = point - whole;
        let sign = start.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b'-');
        start -= usize::from(sign);
        let end = point + 1 + decimals;
        let dotted = start.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b'.')
            || (bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit));
        ((1..=3).contains(&whole) && !dotted).then_some((start, end))
    })
}

#[cfg(test)]
mod tests {
    use creance_model::Message;

    use super::*;
    use crate::fixture::{body, fields};

    fn found(message: &Message) -> usize {
        find(&View::new(message, 6), PLANTED).len()
    }

    const PLANTED: &[(usize, (f64, f64))] = &[(0, (24.801_868, 120.965_208))];

    #[test]
    fn written_in_any_way() {
        for text in [
            "24.801868,120.965208",
            "geo:24.8018680,120.9652080;u=35",
            "POINT(120.965208 24.801868)",
            "ll=24.802%2C120.965",
            "{\"a\":24.80186,\"b\":120.96520}",
            "24.8018684,120.9652076",
        ] {
            assert_eq!(found(&body(text.as_bytes())), 1, "{text}");
        }
        assert_eq!(found(&fields(&[("a", "24.8019"), ("b", "120.9652")])), 1);
    }

    #[test]
    fn other_numbers_are_other_places() {
        for text in [
            "24.80,120.96",
            "24.801868",
            "24.811868,120.965208",
            "-24.801868,120.965208",
            "1.24.802,120.965",
            "24.801868 and, very much later than that, 120.965208",
        ] {
            assert_eq!(found(&body(text.as_bytes())), 0, "{text}");
        }
        assert_eq!(found(&fields(&[("center", "24.801868,120.965208")])), 0);
    }
}
