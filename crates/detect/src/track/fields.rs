//! Numbers in fields beside each other: of JSON, forms, protocol buffers, `MessagePack`, CBOR and whatever else has fields.
//!
//! A latitude and a longitude of one scale that stand in one object, no more than a few fields apart; of scales whose
//! numbers could be anything (radians, metres) side by side.
//!
//! **False alarms.** Each number is compared with at most 2·[`FIELDS`] others in nine scales. Whole numbers of up to 2^31
//! fall on a given hectare as degrees times 10^7 once in 10^10 pairs; two decimals of five places, once in 10^8 where the
//! numbers are of the size of degrees. A body of ten thousand random fields has one by chance less than once in a hundred
//! times; whoever sends fields of just that size, more often.

use creance_model::Part;
use memchr::memmem;

use super::{
    Written,
    known::Within,
    number::{Axis, Number, SCALES, Scale},
    spans::Reach,
};
use crate::{View, key::Names};

/// Numbers between a latitude and its longitude, at most; and parts.
const FIELDS: usize = 8;
const PARTS: usize = 32;

/// Parts from one number to one side by side: each may have two readings, and both a sign.
const BESIDE: usize = 3;

/// A number that may be of the track.
struct Candidate {
    part: usize,
    number: Number,
}

/// The places that fields of a message say, as far as they are near the track.
pub(super) fn find(message: &View<'_>, reach: &Reach, tell: &mut dyn FnMut(Written) -> bool) {
    let mut candidates: Vec<Candidate> = Vec::new();
    for (part, bytes) in message.numbers() {
        if let Some(number) = Number::read(bytes)
            && reach.numbers.hold(number.value)
            && !message.words(part).are(Names::Viewports)
        {
            candidates.push(Candidate { part, number });
        }
    }
    for (place, candidate) in candidates.iter().enumerate() {
        for scale in SCALES.iter().filter(|scale| scale.fits(&candidate.number)) {
            let lat = (scale.read)(candidate.number.value, Axis::Lat);
            if reach.lat.hold(lat)
                && let Some((other, lon)) = partner(message, reach, &candidates, place, scale)
            {
                let grain = scale.grain(&candidate.number, &other.number);
                let told = tell(Written {
                    part: candidate.part,
                    range: None,
                    place: (lat, lon),
                    grain: Within { lat: grain, lon: grain },
                    encoding: encoding(message, candidate.part, scale),
                    plain: scale.name.is_empty(),
                });
                if told {
                    break;
                }
            }
        }
    }
}

/// The longitude of a latitude: the nearest one of the same scale.
fn partner<'c>(
    message: &View<'_>,
    reach: &Reach,
    candidates: &'c [Candidate],
    place: usize,
    scale: &Scale,
) -> Option<(&'c Candidate, f64)> {
    let own = candidates.get(place)?;
    let most = if scale.beside { BESIDE } else { PARTS };
    let first = place.saturating_sub(FIELDS);
    let others = candidates.iter().enumerate().skip(first).take(2 * FIELDS + 1);
    let fitting = others.filter_map(|(index, other)| {
        let apart = other.part.abs_diff(own.part);
        let beside = message.parent(other.part) == message.parent(own.part) || apart <= BESIDE;
        let fits = index != place && apart <= most && beside && scale.fits(&other.number);
        let lon = (scale.read)(other.number.value, Axis::Lon);
        let same_reading = reading(message, other.part) == reading(message, own.part);
        (fits && same_reading && scale.is_fine(&own.number, &other.number) && reach.lon.hold(lon))
            .then_some((apart, other.part < own.part, other, lon))
    });
    fitting.min_by_key(|(apart, before, ..)| (*apart, *before)).map(|(.., other, lon)| (other, lon))
}

/// The word behind a step that says how a number of protocol buffers was read. Of fixed numbers, that they are signed says
/// nothing more.
fn reading(message: &View<'_>, part: usize) -> &'static str {
    let step = message.parts().get(part).map(Part::step).unwrap_or_default();
    if !step.starts_with("protobuf") {
        return "";
    }
    let word = step.rsplit_once(' ').map_or("", |(_, word)| word);
    let word = word.split('/').next().unwrap_or_default();
    ["zigzag", "double", "float"].into_iter().find(|known| *known == word).unwrap_or_default()
}

/// How a number of this scale was written.
fn encoding(message: &View<'_>, part: usize, scale: &Scale) -> String {
    let step = message.parts().get(part).map(Part::step).unwrap_or_default();
    let kind = match step.split_once(':').map_or("", |(kind, _)| kind) {
        "protobuf" => match reading(message, part) {
            "zigzag" => "protobuf-zigzag",
            "double" => "protobuf-double",
            "float" => "protobuf-float32",
            _ if is_fixed(message, part).unwrap_or(false) => "protobuf-sfixed32",
            _ => "protobuf-varint",
        },
        kind @ ("msgpack" | "cbor") => kind,
        _ => "",
    };
    match (kind, scale.name) {
        ("", name) => name.to_owned(),
        (kind, "") => kind.to_owned(),
        (kind, name) => format!("{kind}-{name}"),
    }
}

/// Whether a number of protocol buffers stands in four bytes: its step does not say.
fn is_fixed(message: &View<'_>, part: usize) -> Option<bool> {
    let own = message.parts().get(part)?;
    let field: u64 = own.name()?.parse().ok()?;
    let number: i64 = std::str::from_utf8(own.bytes()).ok()?.parse().ok()?;
    let four = u32::try_from(number)
        .map(u32::to_le_bytes)
        .or_else(|_| i32::try_from(number).map(i32::to_le_bytes))
        .ok()?;
    let mut needle = Vec::new();
    let mut tag = field << 3 | 5;
    while tag >= 0x80 {
        needle.push(u8::try_from(tag & 0x7f).ok()? | 0x80);
        tag >>= 7;
    }
    needle.push(u8::try_from(tag).ok()?);
    needle.extend(four);
    let mut above = own.parent();
    while let Some(parent) = above.and_then(|above| message.parts().get(above)) {
        if !parent.bytes().is_empty() {
            return Some(memmem::find(parent.bytes(), &needle).is_some());
        }
        above = parent.parent();
    }
    None
}
