//! Places where the aircraft, its home or its operator really were, in whatever way they are written.
//!
//! A flight log says where they were ([`Track`]). Two numbers that name a point of that track, at that time or at another
//! time of the flight, are no coincidence: this makes sure of places that no name tells, and of those that are written so
//! that nobody sees them.
//!
//! ```text
//! fields   numbers in fields beside each other      ┐
//! text     decimals, degrees and minutes, codes      ├─▶ degrees ─▶ datum ─▶ on the track? ─▶ sighting
//! binary   whole numbers, floats, doubles in bytes   ┘
//! ```
//!
//! Nothing is looked for where no log is given, and where one is, most bytes cost a glance: numbers are compared with the
//! stretches that the track takes ([`spans`]), text is searched for the first digits that its places have ([`forms`]).
//!
//! The rate of false alarms is stated where each way of writing is read, and held by tests on random data.

mod binary;
mod codes;
mod fields;
mod forms;
mod known;
mod number;
mod sexagesimal;
mod spans;
mod text;
mod tiles;
mod wide;

use creance_model::{Carrier, DataClass, Match, Timestamp};
use creance_place::datum::Datum;

pub use known::{Fix, Path, Role};

use crate::{Card, Context, Detector, Sighting, Sink, View, image, key::Names};
use known::{Near, Track, Within, apart};
use spans::Reach;

const ID: &str = "track";

/// What is known of a flight.
#[derive(Debug, Default)]
pub struct Flight {
    track: Track,
    reach: Reach,
    heads: binary::Heads,
    forms: forms::Forms,
    /// Square metres that the track covers, in all datums.
    ground: f64,
}

impl Flight {
    /// All that is known: the paths of an aircraft, its home and its operator.
    pub fn new(paths: impl IntoIterator<Item = Path>) -> Self {
        let track = Track::new(paths);
        let reach = Reach::of(&track);
        let heads = binary::Heads::of(&reach);
        let ground = DATUMS * track.ground(NEAR, None);
        let forms = forms::Forms::of(&track);
        Self { track, reach, heads, forms, ground }
    }

    /// Square metres in which a place counts as one of the track, in all datums: at any time, or about a moment.
    fn ground(&self, time: Option<Timestamp>) -> f64 {
        time.map_or(self.ground, |_| DATUMS * self.track.ground(NEAR, time))
    }

    /// How many fixes were beyond a bound, and how many beginnings of written places: they are not looked for.
    pub const fn beyond(&self) -> [usize; 2] {
        [self.track.beyond(), self.forms.beyond]
    }

    /// Bytes of the shortest text that may say a place of it.
    pub(crate) const fn shortest(&self) -> usize {
        if self.track.is_empty() { usize::MAX } else { SHORTEST }
    }

    /// Whether nothing is known.
    pub const fn is_empty(&self) -> bool {
        self.track.is_empty()
    }

    /// Makes a sighting of a place on the track one that the track proves, however its field was named. Whether it does.
    pub fn recognise(&self, sighting: &mut Sighting, time: Timestamp) -> bool {
        if self.track.is_empty()
            || sighting.data_class != DataClass::Location
            || sighting.matched <= Match::Track
        {
            return false;
        }
        let number = |text: &str| number::Number::read(text.trim().as_bytes());
        let numbers = sighting.value.split_once(',').and_then(|(lat, lon)| number(lat).zip(number(lon)));
        let Some((lat, lon)) = numbers.filter(|(lat, lon)| lat.decimals.max(lon.decimals) >= 3) else {
            return false;
        };
        let grain = 1.0 / number::power(lat.decimals.max(lon.decimals));
        let found = self.find((lat.value, lon.value), Within { lat: grain, lon: grain }, time);
        let Some(found) = found.filter(|found| found.datum == Datum::Wgs84 || found.near.now) else {
            return false;
        };
        sighting.matched = Match::Track;
        sighting.detector = ID;
        sighting.basis = Some(basis(&found.near, 0));
        sighting.since = since(&found.near, time);
        if found.datum != Datum::Wgs84 {
            sighting.value = shown(found.place);
            sighting.encoding.push(found.datum.name().to_owned());
        }
        true
    }

    /// Where on the track a place lies that was read with this grain: best at that time, and in the plainest datum.
    fn find(&self, place: (f64, f64), grain: Within, time: Timestamp) -> Option<Found> {
        let narrow = place.0.to_radians().cos().max(0.01);
        let at = |datum: Datum| {
            let metres = if datum == Datum::Wgs84 { NEAR } else { NEAR_SHIFTED };
            let degrees = metres / creance_model::DEGREE_M;
            let within = Within { lat: degrees + grain.lat, lon: degrees / narrow + grain.lon };
            let meant = datum.to_wgs84(place);
            if datum != Datum::Wgs84 && meant == place {
                return None;
            }
            Some(Found { near: self.track.near(meant, within, time)?, place: meant, datum })
        };
        let all: Vec<Found> = Datum::ALL.into_iter().filter_map(at).collect();
        all.iter().find(|found| found.near.now).or(all.first()).copied()
    }
}

/// Metres from the track that a place may lie, besides what its digits leave open: receivers err, and logs are thin.
const NEAR: f64 = 20.0;

/// As above, of places that are shifted: they must be more exact, for a shift makes two places of one.
const NEAR_SHIFTED: f64 = 10.0;

/// What datums add to the ground: two more, with half the metres.
const DATUMS: f64 = 2.0;

/// Metres between two places that say the same datum: one may be a place beside the track.
const SEPARATE: f64 = 50.0;

#[derive(Clone, Copy, Debug)]
struct Found {
    near: Near,
    /// In WGS 84.
    place: (f64, f64),
    datum: Datum,
}

/// Two numbers that may be a place of the track.
struct Written {
    part: usize,
    range: Option<[u64; 2]>,
    /// Degrees, in whatever datum.
    place: (f64, f64),
    /// What its digits leave open, in degrees.
    grain: Within,
    /// How it was written; nothing of plain decimals.
    encoding: String,
    /// Whether the numbers are degrees as they stand.
    plain: bool,
}

/// Places where somebody of the flight was.
pub(crate) struct OnTrack;

impl Detector for OnTrack {
    fn card(&self) -> &'static Card {
        &Card {
            id: ID,
            what: "a place on the known flight track, of the aircraft, its home point or its operator, in any encoding or datum",
            why: "It says where they were, to whoever can read it; that it is hidden in numbers or codes does not make it less.",
            wrong: "A place near the track may be one that the user looked up. Numbers agree by chance less than once in a million messages of binary data; a place in a shifted datum could be another in a plain one.",
            classes: &[DataClass::Location],
        }
    }

    fn look(&self, message: &View<'_>, context: &Context, sink: &mut Sink<'_>) {
        let flight = &context.flight;
        if flight.track.is_empty() {
            return;
        }
        let time = message.time();
        let mut hits: Vec<(Written, Found)> = Vec::new();
        let mut full = false;
        let mut tell_one = |written: Written| {
            let Some(found) = flight.find(written.place, written.grain, time) else { return false };
            if hits.len() < MOST {
                hits.push((written, found));
            } else {
                full = true;
            }
            true
        };
        fields::find(message, &flight.reach, &mut tell_one);
        tiles::find(message, &mut tell_one);
        let mut fixes = Vec::new();
        for (leaf, bytes, is_text) in message.leaves().filter(|(_, bytes, _)| bytes.len() >= SHORTEST) {
            let part = leaf.index();
            let text = if is_text { std::str::from_utf8(bytes).ok() } else { None };
            match text {
                Some(text) if !has_controls(bytes) => {
                    if !message.words(part).are(Names::Viewports) {
                        let uri = leaf.carrier() == Carrier::Uri;
                        text::find(part, text, uri, &flight.forms, &flight.reach, &mut tell_one);
                    }
                }
                _ => {
                    if let Some(wide) = wide::read(bytes) {
                        wide::find(part, &wide, flight, &mut tell_one);
                    }
                    fixes.extend(
                        binary::find(searched(bytes), flight, time).into_iter().map(|fix| (part, fix)),
                    );
                }
            }
        }
        for (part, fix) in fixes {
            let written = Written {
                part,
                range: Some([fix.start as u64, fix.end as u64]),
                place: fix.found.place,
                grain: Within { lat: 0.0, lon: 0.0 },
                encoding: fix.encoding,
                plain: false,
            };
            hits.push((written, fix.found));
        }
        if full {
            sink.limited("places on the track in one message");
        }
        tell(&hits, sink);
    }
}

/// Bytes of the shortest leaf that may say a place: a geohash of five letters.
const SHORTEST: usize = 5;

/// Whether bytes have what no text has.
fn has_controls(bytes: &[u8]) -> bool {
    // Without an early end this is a few instructions for many bytes.
    bytes.iter().fold(false, |any, byte| any | (*byte < 32 && !matches!(byte, 9..=13)))
}

/// What is searched for numbers of bytes of any kind. What is compressed has none but in its head: of pictures and films,
/// as much of it as tells of how they were made.
fn searched(bytes: &[u8]) -> &[u8] {
    if image::kind(bytes).is_some() { bytes.get(..HEAD).unwrap_or(bytes) } else { bytes }
}

/// Bytes of the head of a picture or a film.
const HEAD: usize = 1 << 16;

/// Places that are kept of one message.
const MOST: usize = 10_000;

/// Places of one text that are told one by one; of more, the first.
const FEW: usize = 4;

fn tell(hits: &[(Written, Found)], sink: &mut Sink<'_>) {
    let spread: Vec<_> = Datum::ALL.into_iter().filter_map(|datum| ends(hits, datum)).collect();
    let sure = |found: &Found| {
        let separate = |place: &(f64, f64)| apart(*place, found.place) > SEPARATE;
        found.datum == Datum::Wgs84
            || found.near.now
            || spread.iter().any(|(datum, ends)| *datum == found.datum && ends.iter().any(separate))
    };
    let hits: Vec<&(Written, Found)> = hits.iter().filter(|(_, found)| sure(found)).collect();
    // Fields are apart; a text with many is a track, and its first place says so.
    let of_one_text = |(one, _): &&(Written, Found), (other, _): &&(Written, Found)| {
        one.part == other.part && one.range.is_some() && other.range.is_some()
    };
    for run in hits.chunk_by(of_one_text) {
        let shown = if run.len() > FEW { 1 } else { run.len() };
        for (written, found) in run.iter().take(shown) {
            tell_one(written, found, run.len() - shown, sink);
        }
    }
}

/// The first place that was read in a datum, and the one farthest from it.
fn ends(hits: &[(Written, Found)], datum: Datum) -> Option<(Datum, [(f64, f64); 2])> {
    let mut places = hits.iter().filter(|(_, found)| found.datum == datum).map(|(_, found)| found.place);
    let first = places.next()?;
    let far = places.max_by(|a, b| apart(first, *a).total_cmp(&apart(first, *b))).unwrap_or(first);
    Some((datum, [first, far]))
}

/// Tells a place that stands for so many more of its text.
fn tell_one(written: &Written, found: &Found, more: usize, sink: &mut Sink<'_>) {
    let mut encoding = Vec::new();
    if !written.encoding.is_empty() {
        encoding.push(written.encoding.clone());
    }
    if found.datum != Datum::Wgs84 {
        encoding.push(found.datum.name().to_owned());
    }
    let as_written = written.plain && found.datum == Datum::Wgs84;
    let (lat, lon) = found.place;
    let value = if as_written { format!("{lat},{lon}") } else { shown(found.place) };
    sink.sight(Sighting {
        range: written.range,
        encoding,
        basis: Some(basis(&found.near, more)),
        since: since(&found.near, sink.time()),
        ..Sighting::whole(DataClass::Location, Match::Track, ID, written.part, value)
    });
}

/// A place in degrees, to a centimetre.
fn shown((lat, lon): (f64, f64)) -> String {
    let round = |degrees: f64| (degrees * 1e7).round() / 1e7;
    format!("{},{}", round(lat), round(lon))
}

/// When the aircraft was at a place that it had left when this was sent.
fn since(near: &Near, time: Timestamp) -> Option<Timestamp> {
    let before = near.role == Role::Aircraft && !near.now && near.seconds > 0.0;
    #[expect(clippy::cast_possible_truncation, reason = "the years of a log fit")]
    before.then(|| time.plus_nanos(-((near.seconds * 1e9) as i64)))
}

/// Why a place is one of the track.
fn basis(near: &Near, more: usize) -> String {
    let Near { role, metres, seconds, now } = near;
    let far = if *metres < 0.5 { String::new() } else { format!("{metres:.0} m from ") };
    let when = match (now, role) {
        (true, Role::Home) => "is".to_owned(),
        (true, _) => "was at that time".to_owned(),
        (false, _) if *seconds < 0.0 => format!("came {:.0} s later", -seconds),
        (false, _) => format!("was {seconds:.0} s before"),
    };
    let more =
        if more > 0 { format!("; {more} more places of the flight in the same text") } else { String::new() };
    format!("{far}where {role} {when}{more}")
}

#[cfg(test)]
#[path = "track/tests.rs"]
mod tests;
