//! Numbers in bytes that nobody can take apart: whole numbers, floats and doubles, in both byte orders, at every place.
//!
//! ```text
//! … │ latitude │ gap │ longitude │ …     or the longitude first; gap: 0, 1, 2 or 4 bytes, such as a tag
//! ```
//!
//! **False alarms.** Of random bytes, a window of one layout (format, order of bytes, order of the two, gap) holds a place
//! of the track with the probability
//!
//! ```text
//! p = ground that the track covers, in m² · patterns of the format for a latitude, per m · … for a longitude, per m / 2^bits
//! ```
//!
//! and a part of `n` bytes has `λ·n` of them, `λ` being the sum of `p` over all layouts. Fixes are believed where so many
//! distinct ones as there are come by chance with a probability of at most [`CHANCE`] in the whole part:
//! `(λ·n)^k / k! ≤` [`CHANCE`]. For a minute of flight, one fix of two 32-bit integers is enough in a thousand bytes, two in
//! a megabyte; one of two doubles is enough in any. So at most two parts in a million of those that are random show a
//! place that is none: one by where the aircraft was at that time, one by where it ever was. Numbers that are not
//! random, such as counters, are likelier to be anything; that they agree with a track twice is not.

use creance_model::{DEGREE_M, Timestamp};

use super::{Flight, Found, known::Within, number::Axis, spans::Reach};

/// The chance that a part of random bytes is told.
const CHANCE: f64 = 1e-6;

/// Bytes between two numbers.
const GAPS: [usize; 4] = [0, 1, 2, 4];

/// Layouts of each format: orders of bytes, orders of the two numbers, gaps.
const LAYOUTS: f64 = 2.0 * 2.0 * 4.0;

/// Fixes that are kept of one part, and halves of one that wait for the other.
const MOST: usize = 1000;
const WAITING: usize = 64;

/// How a number stands in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Format {
    Int32,
    Float32,
    Float64,
}

/// What a number in bytes means.
#[derive(Debug)]
struct Kind {
    format: Format,
    name: &'static str,
    per_degree: f64,
}

const fn kind(format: Format, name: &'static str, per_degree: f64) -> Kind {
    Kind { format, name, per_degree }
}

const RADIAN: f64 = std::f64::consts::PI / 180.0;

static KINDS: &[Kind] = &[
    kind(Format::Int32, "1e7", 1e7),
    kind(Format::Int32, "1e6", 1e6),
    kind(Format::Int32, "1e5", 1e5),
    kind(Format::Int32, "radians-1e7", RADIAN * 1e7),
    kind(Format::Int32, "600000", 6e5),
    kind(Format::Float32, "", 1.0),
    kind(Format::Float32, "radians", RADIAN),
    kind(Format::Float64, "", 1.0),
    kind(Format::Float64, "radians", RADIAN),
];

impl Format {
    const fn bytes(self) -> usize {
        match self {
            Self::Float64 => 8,
            _ => 4,
        }
    }

    /// The upper sixteen bits of a number.
    fn head(self, number: f64) -> u16 {
        let bits = match self {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "what is too large saturates and is not looked for"
            )]
            Self::Int32 => (number as i32).cast_unsigned() >> 16,
            #[expect(clippy::cast_possible_truncation, reason = "rounded as whoever wrote it did")]
            Self::Float32 => (number as f32).to_bits() >> 16,
            Self::Float64 => return u16::try_from(number.to_bits() >> 48).unwrap_or_default(),
        };
        u16::try_from(bits).unwrap_or_default()
    }

    fn read(self, bytes: &[u8], big: bool) -> Option<f64> {
        let four = || {
            let four = *bytes.first_chunk::<4>()?;
            Some(if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
        };
        Some(match self {
            Self::Int32 => four()?.cast_signed().into(),
            Self::Float32 => f32::from_bits(four()?).into(),
            Self::Float64 => {
                let eight = *bytes.first_chunk::<8>()?;
                f64::from_bits(if big { u64::from_be_bytes(eight) } else { u64::from_le_bytes(eight) })
            }
        })
    }

    /// The part of all patterns that a metre takes, where a number has this size, at most.
    fn of_metre(self, per_degree: f64, degrees: f64) -> f64 {
        let number = (degrees.abs() * per_degree).max(1e-4);
        // Floats have 2^23 patterns, doubles 2^52, between a power of two and the next: at most twice that by their size.
        let patterns = match self {
            Self::Int32 => 1.0 / 2_f64.powi(32),
            Self::Float32 => 2.0 * 2_f64.powi(23) / number / 2_f64.powi(32),
            Self::Float64 => 2.0 * 2_f64.powi(52) / number / 2_f64.powi(64),
        };
        patterns * per_degree / DEGREE_M
    }
}

/// What is looked for in bytes.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// One bit for each two bytes, as they lie: whether they may be the head of a number in either order.
    either: Vec<u64>,
    /// By head, which numbers may have it: two bits for each kind, latitude and longitude.
    kinds: std::collections::HashMap<u16, u32, foldhash::fast::FixedState>,
    /// How many fixes there are by chance in a byte, for each square metre of ground.
    chance: f64,
}

impl Heads {
    pub(super) fn of(reach: &Reach) -> Self {
        let mut heads = Self { either: vec![0; 1024], ..Self::default() };
        for (index, kind) in KINDS.iter().enumerate() {
            for (spans, axis) in [(&reach.lat, 0), (&reach.lon, 1)] {
                for (from, to) in spans.iter() {
                    let ends = [from, to].map(|degrees| kind.format.head(degrees * kind.per_degree));
                    // Heads ascend with numbers, those of negative floats descend; across zero they do neither.
                    let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
                    let across = from < 0.0 && to > 0.0;
                    let all = if across { 0..=u16::MAX } else { low..=high };
                    for head in all {
                        *heads.kinds.entry(head).or_default() |= 1 << (2 * index + axis);
                        for lies in [head, head.swap_bytes()] {
                            if let Some(word) = heads.either.get_mut(usize::from(lies >> 6)) {
                                *word |= 1_u64 << (lies & 63);
                            }
                        }
                    }
                }
            }
        }
        let least = |spans: &super::spans::Spans| {
            spans.iter().map(|(from, to)| from.abs().min(to.abs())).fold(f64::INFINITY, f64::min).min(180.0)
        };
        let (lat, lon) = (least(&reach.lat), least(&reach.lon));
        // A degree of longitude has fewer metres than one of latitude.
        let widest = reach.lat.iter().map(|(from, to)| from.abs().max(to.abs())).fold(0.0, f64::max);
        let narrow = widest.to_radians().cos().max(0.01);
        let each = KINDS.iter().map(|kind| {
            let of = |degrees| kind.format.of_metre(kind.per_degree, degrees);
            of(lat) * of(lon) / narrow
        });
        heads.chance = LAYOUTS * each.sum::<f64>();
        heads
    }
}

/// One number of two.
#[derive(Clone, Copy, Debug)]
struct Half {
    start: usize,
    end: usize,
    kind: usize,
    big: bool,
    axis: Axis,
    degrees: f64,
}

/// A place that bytes say.
#[derive(Clone, Debug)]
pub(super) struct Fix {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) encoding: String,
    pub(super) found: Found,
}

/// The places of the track that bytes say, if there are more than chance has it.
pub(super) fn find(bytes: &[u8], flight: &Flight, time: Timestamp) -> Vec<Fix> {
    let fixes = fixes(bytes, flight, time);
    if fixes.is_empty() {
        return fixes;
    }
    let believed =
        |count: usize, ground: f64| is_no_chance(flight.heads.chance * ground * length(bytes), count);
    let of_now: Vec<Fix> = fixes.iter().filter(|fix| fix.found.near.now).cloned().collect();
    if believed(distinct(&of_now), flight.ground(Some(time))) {
        return of_now;
    }
    if believed(distinct(&fixes), flight.ground(None)) { fixes } else { Vec::new() }
}

/// Whether so many are more than chance has it where it has `mean` of them.
fn is_no_chance(mean: f64, count: usize) -> bool {
    let mut chance = 1.0;
    for nth in 1..=count.min(64) {
        chance *= mean / float(nth);
    }
    count > 0 && chance <= CHANCE
}

#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
const fn float(count: usize) -> f64 {
    count as f64
}

fn length(bytes: &[u8]) -> f64 {
    float(bytes.len())
}

/// How many different places there are: one that is said again is no further evidence.
fn distinct(fixes: &[Fix]) -> usize {
    let places = fixes.iter().map(|fix| (fix.found.place.0.to_bits(), fix.found.place.1.to_bits()));
    places.collect::<std::collections::BTreeSet<_>>().len()
}

/// All pairs of numbers that are a place of the track.
fn fixes(bytes: &[u8], flight: &Flight, time: Timestamp) -> Vec<Fix> {
    let mut fixes: Vec<Fix> = Vec::new();
    let mut waiting: std::collections::VecDeque<Half> = std::collections::VecDeque::new();
    for half in halves(bytes, flight) {
        for other in &waiting {
            if let Some(fix) = pair(bytes, *other, half, flight, time)
                && fixes.len() < MOST
                && fixes.last().is_none_or(|last| last.end <= fix.start)
            {
                fixes.push(fix);
            }
        }
        if waiting.len() >= WAITING {
            waiting.pop_front();
        }
        waiting.push_back(half);
    }
    fixes
}

/// All numbers that are within reach of the track.
fn halves<'a>(bytes: &'a [u8], flight: &'a Flight) -> impl Iterator<Item = Half> + 'a {
    let heads = &flight.heads;
    let may_be =
        |lies: u16| heads.either.get(usize::from(lies >> 6)).is_some_and(|word| word >> (lies & 63) & 1 == 1);
    let pairs = bytes.windows(2).enumerate().filter_map(|(at, two)| match two {
        [low, high] => Some((at, u16::from_le_bytes([*low, *high]))),
        _ => None,
    });
    pairs.filter(move |(_, lies)| may_be(*lies)).flat_map(move |(at, lies)| {
        let orders = [(false, lies), (true, lies.swap_bytes())];
        orders.into_iter().flat_map(move |(big, head)| {
            let kinds = heads.kinds.get(&head).copied().unwrap_or_default();
            (0..2 * KINDS.len()).filter(move |bit| kinds >> bit & 1 == 1).filter_map(move |bit| {
                let (index, axis) = (bit / 2, if bit % 2 == 0 { Axis::Lat } else { Axis::Lon });
                let kind = KINDS.get(index)?;
                let start = if big { at } else { (at + 2).checked_sub(kind.format.bytes())? };
                let degrees = kind.format.read(bytes.get(start..)?, big)? / kind.per_degree;
                let spans = if axis == Axis::Lat { &flight.reach.lat } else { &flight.reach.lon };
                let end = start + kind.format.bytes();
                spans.hold(degrees).then_some(Half { start, end, kind: index, big, axis, degrees })
            })
        })
    })
}

fn pair(bytes: &[u8], one: Half, other: Half, flight: &Flight, time: Timestamp) -> Option<Fix> {
    let gap = other.start.checked_sub(one.end)?;
    if one.axis == other.axis || (one.kind, one.big) != (other.kind, other.big) || !GAPS.contains(&gap) {
        return None;
    }
    let place =
        if one.axis == Axis::Lat { (one.degrees, other.degrees) } else { (other.degrees, one.degrees) };
    let found = flight.find(place, Within { lat: 0.0, lon: 0.0 }, time)?;
    let kind = KINDS.get(one.kind)?;
    let tags = one.start.checked_sub(1).and_then(|at| bytes.get(at)).zip(bytes.get(one.end));
    let tagged =
        gap == 1 && !one.big && tags.is_some_and(|(first, second)| is_tag(*first, *second, kind.format));
    Some(Fix { start: one.start, end: other.end, encoding: encoding(kind, one.big, tagged), found })
}

/// Whether two bytes are tags of protocol buffers for fields of this format, the second of the next number.
const fn is_tag(first: u8, second: u8, format: Format) -> bool {
    let wire_type = if format.bytes() == 8 { 1 } else { 5 };
    first & 7 == wire_type && first < 0x80 && second == first + 8
}

fn encoding(kind: &Kind, big: bool, tagged: bool) -> String {
    let order = if big { "be" } else { "le" };
    let format = match (kind.format, tagged) {
        (Format::Int32, true) => "protobuf-sfixed32".to_owned(),
        (Format::Float32, true) => "protobuf-float32".to_owned(),
        (Format::Float64, true) => "protobuf-double".to_owned(),
        (Format::Int32, false) => format!("int32-{order}"),
        (Format::Float32, false) => format!("float32-{order}"),
        (Format::Float64, false) => format!("float64-{order}"),
    };
    if kind.name.is_empty() { format } else { format!("{format}-{}", kind.name) }
}

#[cfg(test)]
#[path = "binary_tests.rs"]
mod tests;
