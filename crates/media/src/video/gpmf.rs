//! `GoPro`'s telemetry (GPMF, github.com/gopro/gpmf-parser): keys of four letters, types, values in network order.
//!
//! ```text
//! key[4] · type u8 · size u8 · repeat u16 · values, padded to four bytes; type 0 holds further ones
//! DEVC ─ STRM ─ SCAL: divisors · GPSU: time · GPSF: fix · GPS5: latitude, longitude, altitude, speeds
//! ```

use creance_model::{
    AltReference, Component, DataClass, Inspection, Role, Timestamp, Track, TrackPoint, is_place,
};
use data_encoding::HEXLOWER;

/// Items within each other, and points, that are read.
const DEEPEST: usize = 8;
const MOST: usize = 1 << 20;

/// An item.
#[derive(Clone, Copy, Debug)]
struct Item<'a> {
    key: [u8; 4],
    kind: u8,
    size: usize,
    values: &'a [u8],
}

/// The items of a block, as far as they are whole.
fn items(mut rest: &[u8]) -> impl Iterator<Item = Item<'_>> {
    std::iter::from_fn(move || {
        let [a, b, c, d, kind, size, high, low, after @ ..] = rest else { return None };
        let length = usize::from(*size) * usize::from(u16::from_be_bytes([*high, *low]));
        let (values, _) = after.split_at_checked(length)?;
        rest = after.get(length.next_multiple_of(4).min(after.len())..)?;
        Some(Item { key: [*a, *b, *c, *d], kind: *kind, size: usize::from(*size), values })
    })
}

impl Item<'_> {
    /// Its numbers, whichever type they have.
    fn numbers(&self) -> Vec<f64> {
        let number = |bytes: &[u8]| {
            let value = match (self.kind, bytes) {
                (b'b', [a]) => f64::from(a.cast_signed()),
                (b'B', [a]) => f64::from(*a),
                (b's', [a, b]) => f64::from(i16::from_be_bytes([*a, *b])),
                (b'S', [a, b]) => f64::from(u16::from_be_bytes([*a, *b])),
                (b'l', [a, b, c, d]) => f64::from(i32::from_be_bytes([*a, *b, *c, *d])),
                (b'L', [a, b, c, d]) => f64::from(u32::from_be_bytes([*a, *b, *c, *d])),
                (b'f', [a, b, c, d]) => f64::from(f32::from_be_bytes([*a, *b, *c, *d])),
                (b'd', _) => f64::from_be_bytes(bytes.try_into().ok()?),
                _ => return None,
            };
            Some(value)
        };
        let width = match self.kind {
            b'b' | b'B' => 1,
            b's' | b'S' => 2,
            b'd' => 8,
            _ => 4,
        };
        self.values.chunks_exact(width).filter_map(number).collect()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.values).trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned()
    }
}

/// The samples of a track.
#[derive(Default)]
pub(crate) struct Gpmf {
    points: Vec<TrackPoint>,
    /// Points of the tracks before: all of a film share a limit.
    taken: usize,
    names: Vec<String>,
    without_fix: usize,
    beyond: usize,
}

/// What stands before values in a stream.
#[derive(Clone, Default)]
struct Stream {
    scale: Vec<f64>,
    time: Option<Timestamp>,
    fix: Option<f64>,
}

impl Gpmf {
    /// Of a track that follows others of its film, which hold so many points.
    pub(crate) fn after(taken: usize) -> Self {
        Self { taken, ..Self::default() }
    }

    /// Reads a sample, which is about a second.
    pub(crate) fn sample(&mut self, sample: &[u8]) {
        self.walk(sample, &mut Stream::default(), 0);
    }

    fn walk(&mut self, block: &[u8], stream: &mut Stream, depth: usize) {
        for item in items(block) {
            match (&item.key, item.kind) {
                (_, 0) if depth < DEEPEST => self.walk(item.values, &mut Stream::default(), depth + 1),
                (b"DVNM", b'c') => {
                    let name = item.text();
                    if self.names.len() < 8 && !self.names.contains(&name) {
                        self.names.push(name);
                    }
                }
                (b"SCAL", _) => stream.scale = item.numbers(),
                (b"GPSU", _) => stream.time = time(&item.text()),
                (b"GPSF", _) => stream.fix = item.numbers().first().copied(),
                (b"GPS5", b'l') => self.points(&item, stream),
                (b"GPS9", _) => self.dated_points(&item, stream),
                _ => {}
            }
        }
    }

    /// Five numbers a point: degrees north and east, metres, and speeds. The time is that of the first; the others follow within
    /// about a second, and when exactly is not said.
    fn points(&mut self, item: &Item<'_>, stream: &Stream) {
        let numbers = item.numbers();
        let points = numbers.chunks_exact(5);
        if stream.fix.is_some_and(|fix| fix < 2.0) {
            self.without_fix += points.len();
            return;
        }
        for (index, point) in points.enumerate() {
            let scaled = |at: usize| Some(point.get(at)? / stream.scale.get(at).or(stream.scale.first())?);
            let (Some(lat), Some(lon)) = (scaled(0), scaled(1)) else { continue };
            self.add(TrackPoint::new(stream.time.filter(|_| index == 0), lat, lon, scaled(2)));
        }
    }

    /// Nine values a point, seven of 32 bits and two of 16: as above, then days since 2000, seconds, dilution, fix.
    fn dated_points(&mut self, item: &Item<'_>, stream: &Stream) {
        for point in item.values.chunks_exact(item.size.max(1)).filter(|point| point.len() == 32) {
            let long = |at: usize| {
                point.get(at * 4..)?.first_chunk().map(|four| f64::from(i32::from_be_bytes(*four)))
            };
            let scaled = |at: usize| Some(long(at)? / stream.scale.get(at).or(stream.scale.first())?);
            let fix = point.last().copied().unwrap_or(0);
            let (Some(lat), Some(lon)) = (scaled(0), scaled(1)) else { continue };
            if fix < 2 {
                self.without_fix += 1;
                continue;
            }
            let nanos = scaled(5).zip(scaled(6)).map(|(days, seconds)| (days * 86_400.0 + seconds) * 1e9);
            #[expect(clippy::cast_possible_truncation, reason = "bounded by a century")]
            let time = nanos.filter(|nanos| (0.0..3.2e18).contains(nanos)).map(|nanos| {
                /// Seconds from 1970 to 2000.
                const MILLENNIUM: i64 = 946_684_800;
                Timestamp::from_secs(MILLENNIUM).plus_nanos(nanos as i64)
            });
            self.add(TrackPoint::new(time, lat, lon, scaled(2)));
        }
    }

    fn add(&mut self, point: TrackPoint) {
        if !is_place(point.lat, point.lon) {
            self.without_fix += 1;
        } else if self.taken + self.points.len() < MOST {
            self.points.push(TrackPoint { alt_m: point.alt_m.filter(|metres| metres.is_finite()), ..point });
        } else {
            self.beyond += 1;
        }
    }

    /// Adds what the samples said.
    pub(crate) fn tell(self, inspection: &mut Inspection) {
        for name in self.names {
            if inspection.device.model.is_none() {
                inspection.device.model = Some(name);
            }
        }
        if self.without_fix > 0 {
            inspection.say("points without a fix", self.without_fix.to_string(), "gpmf");
        }
        if self.beyond > 0 {
            inspection.flaw("points", 0, &format!("{} are beyond the limit of {MOST}", self.beyond));
        }
        if !self.points.is_empty() {
            let (role, alt_reference) = (Role::Camera, Some(AltReference::Amsl));
            let field = "gpmf:GPS".to_owned();
            inspection.tracks.push(Track { role, vehicle: None, alt_reference, points: self.points, field });
        }
    }
}

/// `190118234514.000`: year, month, day, hour, minute, second, of UTC.
fn time(text: &str) -> Option<Timestamp> {
    let part = |at: usize| text.get(at..at + 2);
    let (year, month, day) = (part(0)?, part(2)?, part(4)?);
    let rest = text.get(10..)?;
    Timestamp::parse(&format!("20{year}-{month}-{day}T{}:{}:{rest}Z", part(6)?, part(8)?))
}

/// Adds what the block says that stands in user data: the camera.
pub(crate) fn described(inspection: &mut Inspection, block: &[u8]) {
    fn walk(inspection: &mut Inspection, block: &[u8], depth: usize) {
        for item in items(block) {
            let field = || format!("gpmf:{}", String::from_utf8_lossy(&item.key));
            match (&item.key, item.kind) {
                (_, 0) if depth < DEEPEST => walk(inspection, item.values, depth + 1),
                (b"CASN", b'c') => {
                    inspection.identify(DataClass::Serial, Some(Component::Camera), &item.text(), field());
                }
                (b"MINF", b'c') => inspection.device.model = Some(item.text()),
                (b"FMWR", b'c') if inspection.device.software.is_none() => {
                    inspection.device.software = Some(item.text());
                }
                (b"MUID", b'L') => {
                    let id = HEXLOWER.encode(item.values);
                    if item.values.iter().any(|byte| *byte != 0) {
                        inspection.identify(DataClass::DeviceId, None, &id, field());
                    }
                }
                _ => {}
            }
        }
    }
    walk(inspection, block, 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(key: [u8; 4], kind: u8, size: u8, values: &[u8]) -> Vec<u8> {
        let repeat = u16::try_from(values.len() / usize::from(size.max(1))).unwrap();
        let mut item = [&key[..], &[kind, size], &repeat.to_be_bytes(), values].concat();
        item.resize(item.len().next_multiple_of(4), 0);
        item
    }

    #[test]
    fn points_are_scaled_and_those_without_a_fix_are_counted() {
        let numbers = |all: &[i32]| all.iter().flat_map(|one| one.to_be_bytes()).collect::<Vec<u8>>();
        let scale = item(*b"SCAL", b'l', 4, &numbers(&[10_000_000, 10_000_000, 1000, 1000, 100]));
        let stream = |fix: u8| {
            let content = [
                scale.clone(),
                item(*b"GPSU", b'U', 16, b"310118234514.500"),
                item(*b"GPSF", b'L', 4, &[0, 0, 0, fix]),
                item(
                    *b"GPS5",
                    b'l',
                    20,
                    &numbers(&[
                        475_000_000,
                        -82_500_000,
                        412_500,
                        0,
                        0,
                        475_000_100,
                        -82_500_000,
                        412_500,
                        0,
                        0,
                    ]),
                ),
            ];
            item(*b"STRM", 0, 1, &content.concat())
        };
        let mut gpmf = Gpmf::default();
        gpmf.sample(&item(
            *b"DEVC",
            0,
            1,
            &[item(*b"DVNM", b'c', 4, b"Hero"), stream(3), stream(0)].concat(),
        ));
        let mut inspection = Inspection::of("mp4");
        gpmf.tell(&mut inspection);
        let points = &inspection.tracks[0].points;
        assert_eq!(points.len(), 2);
        assert_eq!((points[0].lat, points[0].lon, points[0].alt_m), (47.5, -8.25, Some(412.5)));
        assert_eq!(points[0].time, Timestamp::parse("2031-01-18T23:45:14.5Z"));
        assert_eq!(inspection.facts[0].value, "2");
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200), key in prop::sample::select(vec![*b"GPS5", *b"GPS9", *b"SCAL", *b"STRM"]), kind in prop::sample::select(vec![0, b'l', b'?', b'c'])) {
            let mut gpmf = Gpmf::default();
            gpmf.sample(&bytes);
            gpmf.sample(&[item(*b"SCAL", b'l', 4, &[0, 0, 0, 1]), item(key, kind, 1, &bytes)].concat());
            let mut inspection = Inspection::of("mp4");
            gpmf.tell(&mut inspection);
            described(&mut inspection, &bytes);
            prop_assert!(inspection.tracks.iter().flat_map(|track| &track.points).all(|point| is_place(point.lat, point.lon)));
        }
    }
}
