//! Places in texts: two numbers near each other, or codes and signs of degrees in files of their own beside this one.
//!
//! Where nothing of the track's beginnings stands ([`forms`](super::forms)), nothing is read; where one does, what stands around it.
//!
//! **False alarms.** Two decimals of five places that are written near each other fall on a flight's hectares once in 10^8
//! pairs of numbers of that size; with three places, on a square kilometre, once in 10^6. Whole numbers, radians and metres
//! must stand side by side.

use super::{
    Written, codes,
    forms::Forms,
    known::Within,
    number::{Axis, Number, SCALES, Scale},
    sexagesimal,
    spans::Reach,
};

/// A place in a text, before it is known in which part.
pub(super) struct Spot {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) place: (f64, f64),
    pub(super) grain: Within,
    pub(super) encoding: &'static str,
    pub(super) plain: bool,
}

/// Bytes around a beginning that are read.
const AROUND: usize = 128;

/// Bytes between two numbers: of degrees, and of what must stand side by side.
const APART: usize = 64;
const BESIDE: usize = 12;

/// Numbers near the track that each is compared with.
const OTHERS: usize = 4;

/// The places that a text says, as far as they may be of the track. `uri`: whether it is the target of a request.
pub(super) fn find(
    part: usize,
    text: &str,
    uri: bool,
    forms: &Forms,
    reach: &Reach,
    tell: &mut dyn FnMut(Written) -> bool,
) {
    let mut read = 0;
    for hit in forms.find(text.as_bytes()) {
        if hit.end <= read {
            continue;
        }
        let start =
            text.floor_char_boundary(hit.start.saturating_sub(AROUND).max(read.saturating_sub(AROUND)));
        let end = text.ceil_char_boundary(hit.end.saturating_add(AROUND).min(text.len()));
        let window = text.get(start..end).unwrap_or_default();
        let mut spots = numbers(window, reach);
        sexagesimal::find(window, reach, &mut spots);
        codes::find(window, uri, text.len() == window.len(), &mut spots);
        for spot in spots {
            // What began before was read with what stood before it.
            if start + spot.start < read && start + spot.end <= read {
                continue;
            }
            tell(Written {
                part,
                range: Some([(start + spot.start) as u64, (start + spot.end) as u64]),
                place: spot.place,
                grain: spot.grain,
                encoding: spot.encoding.to_owned(),
                plain: spot.plain,
            });
        }
        read = end;
    }
}

/// A number in a text, with the letter of its side of the world if it has one.
struct Said {
    start: usize,
    end: usize,
    number: Number,
    side: Option<Axis>,
}

fn numbers(text: &str, reach: &Reach) -> Vec<Spot> {
    let all: Vec<Said> =
        said(text.as_bytes()).into_iter().filter(|said| reach.numbers.hold(said.number.value)).collect();
    let mut spots: Vec<Spot> = Vec::new();
    for (place, lat) in all.iter().enumerate() {
        // The longitude behind a latitude comes first.
        let behind = all.iter().skip(place + 1).take(OTHERS);
        let before = all.iter().take(place).rev().take(OTHERS);
        for scale in SCALES.iter().filter(|scale| scale.fits(&lat.number)) {
            let pair = behind.clone().chain(before.clone()).find_map(|lon| pair(lat, lon, scale, reach));
            if let Some(spot) = pair
                && !spots.iter().any(|known| known.start < spot.end && spot.start < known.end)
            {
                spots.push(spot);
                break;
            }
        }
    }
    spots
}

fn pair(lat: &Said, lon: &Said, scale: &'static Scale, reach: &Reach) -> Option<Spot> {
    let (first, second) = if lat.start < lon.start { (lat, lon) } else { (lon, lat) };
    let apart = second.start.saturating_sub(first.end);
    let sides = lat.side != Some(Axis::Lon) && lon.side != Some(Axis::Lat);
    let near = apart <= if scale.beside { BESIDE } else { APART };
    let fits = scale.fits(&lon.number) && scale.is_fine(&lat.number, &lon.number);
    let place = ((scale.read)(lat.number.value, Axis::Lat), (scale.read)(lon.number.value, Axis::Lon));
    if !(near && sides && fits && reach.lat.hold(place.0) && reach.lon.hold(place.1)) {
        return None;
    }
    let grain = scale.grain(&lat.number, &lon.number);
    Some(Spot {
        start: first.start,
        end: second.end,
        place,
        grain: Within { lat: grain, lon: grain },
        encoding: scale.name,
        plain: scale.name.is_empty(),
    })
}

/// The numbers of a text.
fn said(text: &[u8]) -> Vec<Said> {
    let mut all = Vec::new();
    let mut at = 0;
    let byte = |at: usize| text.get(at).copied().unwrap_or(b' ');
    let digits = |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    while at < text.len() {
        let whole = digits(at);
        if whole == 0 {
            at += 1;
            continue;
        }
        let start = at;
        let mut end = start + whole;
        let decimals = if byte(end) == b'.' { digits(end + 1) } else { 0 };
        if decimals > 0 {
            end += 1 + decimals;
        }
        at = end;
        let before = start.checked_sub(1).map_or(b' ', byte);
        // Versions and addresses have more points; letters beside whole numbers make names of them.
        let dotted = before == b'.' || (byte(end) == b'.' && byte(end + 1).is_ascii_digit());
        let named = decimals == 0
            && (before.is_ascii_alphabetic() || before == b'_' || byte(end).is_ascii_alphabetic());
        let side = side(text, start, end);
        if dotted || (named && side.is_none()) {
            continue;
        }
        let Some(number) = text.get(start..end).and_then(Number::read) else { continue };
        let negative = before == b'-' || side.is_some_and(|(_, negative)| negative);
        let number = Number { value: if negative { -number.value } else { number.value }, ..number };
        let start = if before == b'-' { start - 1 } else { start };
        all.push(Said { start, end, number, side: side.map(|(axis, _)| axis) });
    }
    all
}

/// The capital N, S, E or W that stands alone behind or before a number, perhaps with one sign between: its axis, and whether
/// it makes the number negative.
fn side(text: &[u8], start: usize, end: usize) -> Option<(Axis, bool)> {
    let byte = |at: usize| text.get(at).copied().unwrap_or(b' ');
    let letter = |at: usize| match byte(at) {
        b'N' => Some((Axis::Lat, false)),
        b'S' => Some((Axis::Lat, true)),
        b'E' => Some((Axis::Lon, false)),
        b'W' => Some((Axis::Lon, true)),
        _ => None,
    };
    let between = |byte: u8| matches!(byte, b' ' | b',' | 0xb0);
    let behind = if between(byte(end)) { end + 1 } else { end };
    let before = start.checked_sub(1)?;
    let ahead = if matches!(byte(before), b' ' | b':') { before.checked_sub(1) } else { Some(before) };
    let alone = |at: usize| !byte(at).is_ascii_alphanumeric();
    letter(behind).filter(|_| alone(behind + 1)).or_else(|| {
        let ahead = ahead?;
        letter(ahead).filter(|_| ahead.checked_sub(1).is_none_or(alone))
    })
}
