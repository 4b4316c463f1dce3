//! Planted places: two numbers beside each other, in one text or in fields of one parent, that agree with the planted
//! pair as far as their decimals go.
//!
//! A single number is never enough, and numbers of fewer than three decimals say nothing. What could be wrong: a place
//! cut to three decimals is a square of some hundred metres, and others may be in it.

use creance_model::Message;

use crate::{key, location, named, texts};

/// Numbers of one pair stand at most this many bytes apart.
const APART: usize = 32;

/// What counts as the same degree however many decimals it has: about a metre.
const TOLERANCE: f64 = 1e-5;

/// Whether two written numbers, in this order or the other, are the planted place.
pub(super) fn same(planted: (f64, f64), first: &str, second: &str) -> bool {
    let (lat, lon) = planted;
    (near(first, lat) && near(second, lon)) || (near(first, lon) && near(second, lat))
}

/// Rounded and cut numbers both lie within one unit of their last decimal.
fn near(text: &str, degrees: f64) -> bool {
    let text = text.trim();
    let decimals = location::decimals(text);
    let unit = 10_f64.powi(-i32::try_from(decimals.min(9)).unwrap_or(9));
    decimals >= 3
        && text.parse::<f64>().is_ok_and(|number| (number - degrees).abs() <= (unit * 1.01).max(TOLERANCE))
}

/// The parts, with ranges where it is a stretch of text, that hold a planted place.
pub(super) fn find(message: &Message, planted: (f64, f64)) -> Vec<(usize, Option<[u64; 2]>)> {
    let mut found = Vec::new();
    for (index, part, text) in texts(message) {
        // The middle of a map that is shown is not where anybody is.
        if part.name.as_deref().is_some_and(is_viewport) {
            continue;
        }
        let mut before: Option<(usize, usize, &str)> = None;
        for (start, end, number) in numbers(text) {
            if let Some((first, stop, other)) = before
                && start.saturating_sub(stop) <= APART
                && same(planted, other, number)
            {
                found.push((index, Some([first as u64, end as u64])));
            }
            before = Some((start, end, number));
        }
    }
    let fields: Vec<(usize, &str, &str)> = named(message).filter(|(_, name, _)| !is_viewport(name)).collect();
    let parent = |index: usize| message.parts.get(index).and_then(|part| part.parent);
    for (index, ..) in fields.iter().filter(|(.., text)| near(text, planted.0)) {
        if fields.iter().any(|(other, _, text)| near(text, planted.1) && parent(*other) == parent(*index)) {
            found.push((*index, None));
        }
    }
    found
}

fn is_viewport(name: &str) -> bool {
    key::is(name, &["center", "bbox", "viewport", "bounds", "mapcenter"])
}

/// Numbers with a decimal point: start, end, text.
fn numbers(text: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    let bytes = text.as_bytes();
    text.match_indices('.').filter_map(move |(point, _)| {
        let before = bytes.get(..point)?;
        let whole = before.iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let decimals = bytes.get(point + 1..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut start = point - whole;
        let sign = start.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b'-');
        start -= usize::from(sign);
        let end = point + 1 + decimals;
        let dotted = start.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b'.')
            || (bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit));
        let fits = (1..=3).contains(&whole) && decimals >= 3 && !dotted;
        fits.then_some(())?;
        Some((start, end, text.get(start..end)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{body, fields};

    const PLANTED: (f64, f64) = (24.801_868, 120.965_208);

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
            assert_eq!(find(&body(text.as_bytes()), PLANTED).len(), 1, "{text}");
        }
        assert_eq!(find(&fields(&[("a", "24.8019"), ("b", "120.9652")]), PLANTED).len(), 1);
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
            assert!(find(&body(text.as_bytes()), PLANTED).is_empty(), "{text}");
        }
        assert!(find(&fields(&[("center", "24.801868,120.965208")]), PLANTED).is_empty());
    }
}
