//! Telemetry of DJI in videos (`djmd`): a Protocol Buffers message a frame, by the numbers of its fields.
//!
//! | path | what |
//! |---|---|
//! | 1-1-1, 1-1-6, 1-1-10 | name of the schema, firmware, model |
//! | 1-1-5, 2-2-3-1 | serial number |
//! | 3-3-4-1, 3-4-4-1, 3-4-2-1 | place: 1 unit (0 radians, 1 degrees), 2 latitude, 3 longitude |
//! | 3-4-3 beside a place at 3-3-4-1 | gimbal: 1 pitch, 2 roll, 3 yaw, in tenths of a degree |
//! | …-4-2 beside the place, …-5-1 | altitude above the sea, and above take-off, in millimetres |
//!
//! Where a place is written differs by model. Source: paths as the documentation of `ExifTool` publishes them. Messages of
//! other models are walked as well: what looks like a serial number or a place there is told as possible.

use creance_model::{
    AltReference, Component, DataClass, Gaze, Inspection, Role, Timestamp, Track, TrackPoint, is_place,
};

/// Messages within each other, fields of one message, and points, that are read.
const DEEPEST: usize = 8;
const MOST_FIELDS: usize = 4096;
const MOST: usize = 1 << 20;

/// Where a place stands on models whose gimbal is told of.
const GIMBALLED: &[u32] = &[3, 3, 4, 1];

/// Where a place stands, by models.
const PLACES: &[&[u32]] = &[GIMBALLED, &[3, 4, 4, 1], &[3, 4, 2, 1]];

/// The value of a field.
#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Varint(u64),
    Eight([u8; 8]),
    Bytes(&'a [u8]),
    Four([u8; 4]),
}

/// The fields of a message; `None`: the bytes are no message.
fn fields(mut rest: &[u8]) -> Option<Vec<(u32, Value<'_>)>> {
    let mut all = Vec::new();
    while !rest.is_empty() && all.len() < MOST_FIELDS {
        let tag = varint(&mut rest)?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| *number > 0)?;
        let value = match tag & 7 {
            0 => Value::Varint(varint(&mut rest)?),
            1 => Value::Eight(take(&mut rest, 8)?.try_into().ok()?),
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                Value::Bytes(take(&mut rest, length)?)
            }
            5 => Value::Four(take(&mut rest, 4)?.try_into().ok()?),
            _ => return None,
        };
        all.push((number, value));
    }
    Some(all)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *take(rest, 1)?.first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// The value at a path of field numbers.
fn at<'a>(message: &'a [u8], path: &[u32]) -> Option<Value<'a>> {
    let (last, way) = path.split_last()?;
    let mut message = message;
    for number in way {
        let Value::Bytes(inner) = fields(message)?.into_iter().find(|(one, _)| one == number)?.1 else {
            return None;
        };
        message = inner;
    }
    fields(message)?.into_iter().find(|(one, _)| one == last).map(|(_, value)| value)
}

fn bytes<'a>(message: &'a [u8], path: &[u32]) -> Option<&'a [u8]> {
    match at(message, path)? {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn text(message: &[u8], path: &[u32]) -> Option<String> {
    let text = std::str::from_utf8(bytes(message, path)?).ok()?.trim();
    let plain = !text.is_empty() && !text.chars().any(char::is_control);
    plain.then(|| text.to_owned())
}

/// The samples of a track.
#[derive(Default)]
pub(crate) struct Djmd {
    described: bool,
    schema: Option<String>,
    firmware: Option<String>,
    model: Option<String>,
    serials: Vec<(String, &'static str)>,
    /// What looks like a serial number, and where.
    possible: Vec<(String, String)>,
    points: Vec<TrackPoint>,
    /// Points of the tracks before: all of a film share a limit.
    taken: usize,
    /// The altitude of each point above the sea, and above take-off.
    heights: Vec<(Option<f64>, Option<f64>)>,
    /// Pairs of numbers that may be places, in messages without a known place.
    pairs: usize,
    unread: usize,
    beyond: usize,
}

impl Djmd {
    /// Of a track that follows others of its film, which hold so many points.
    pub(crate) fn after(taken: usize) -> Self {
        Self { taken, ..Self::default() }
    }

    /// Reads a sample.
    pub(crate) fn sample(&mut self, sample: &[u8]) {
        if fields(sample).is_none() {
            self.unread += 1;
            return;
        }
        if !self.described {
            self.describe(sample);
        }
        let place = PLACES.iter().find_map(|path| Some((*path, bytes(sample, path)?)));
        let Some((path, place)) = place else {
            self.pairs += usize::from(!self.described && has_pair(sample, 0));
            self.described = true;
            return;
        };
        self.described = true;
        // A number that is 0 is not written.
        let number = |field: u32| match at(place, &[field]) {
            Some(Value::Eight(eight)) => f64::from_le_bytes(eight),
            _ => 0.0,
        };
        let (lat, lon) = (number(2), number(3));
        let in_degrees = matches!(at(place, &[1]), Some(Value::Varint(1)));
        let (lat, lon) = if in_degrees { (lat, lon) } else { (lat.to_degrees(), lon.to_degrees()) };
        if !is_place(lat, lon) {
            return;
        }
        if self.taken + self.points.len() >= MOST {
            self.beyond += 1;
            return;
        }
        let (parent, above) = (path.get(..3).unwrap_or_default(), path.get(..2).unwrap_or_default());
        let sea = altitude(at(sample, &[parent, &[2]].concat()));
        let take_off = altitude(at(sample, &[above, &[5, 1]].concat()));
        self.heights.push((sea, take_off));
        let gaze = if path == GIMBALLED { gaze(sample) } else { None };
        let point = TrackPoint { gaze, ..TrackPoint::new(moment(sample), lat, lon, None) };
        self.points.push(point.at_height(take_off));
    }

    /// What the first sample says of the aircraft.
    fn describe(&mut self, sample: &[u8]) {
        self.schema = text(sample, &[1, 1, 1]);
        self.firmware = text(sample, &[1, 1, 6]);
        self.model = text(sample, &[1, 1, 10]);
        for (path, field) in [(&[1, 1, 5][..], "djmd:1-1-5"), (&[2, 2, 3, 1], "djmd:2-2-3-1")] {
            self.serials.extend(text(sample, path).map(|text| (text, field)));
        }
        candidates(sample, &mut Vec::new(), &mut self.possible);
        let known = |value: &str| self.serials.iter().any(|(serial, _)| serial == value);
        self.possible.retain(|(value, _)| !known(value));
    }

    /// Adds what the samples said.
    pub(crate) fn tell(self, inspection: &mut Inspection) {
        let device = &mut inspection.device;
        if self.schema.is_some() || self.model.is_some() {
            device.make.get_or_insert_with(|| "DJI".to_owned());
        }
        device.model = self.model.or(device.model.take());
        device.software = self.firmware.or(device.software.take());
        if let Some(schema) = self.schema {
            inspection.say("schema of the telemetry", schema, "djmd:1-1-1");
        }
        for (serial, field) in &self.serials {
            inspection.identify(DataClass::Serial, Some(Component::Aircraft), serial, *field);
        }
        for (value, path) in self.possible {
            inspection.identify(DataClass::Serial, None, &value, format!("djmd:possible:{path}"));
        }
        if self.pairs > 0 && self.points.is_empty() {
            inspection.say("possible places", "in a layout that is not known", "djmd");
        }
        if self.unread > 0 {
            inspection.flaw("telemetry", 0, &format!("{} samples are no messages", self.unread));
        }
        if self.beyond > 0 {
            inspection.flaw("points", 0, &format!("{} are beyond the limit of {MOST}", self.beyond));
        }
        if !self.points.is_empty() {
            // Those above the sea are taken if there are any.
            let above_sea = self.heights.iter().any(|(sea, _)| sea.is_some());
            let reference = if above_sea { AltReference::Amsl } else { AltReference::TakeOff };
            let mut points = self.points;
            for (point, (sea, take_off)) in points.iter_mut().zip(self.heights) {
                point.alt_m = if above_sea { sea } else { take_off };
            }
            inspection.tracks.push(Track {
                role: Role::Aircraft,
                vehicle: None,
                alt_reference: Some(reference),
                points,
                field: "djmd".to_owned(),
            });
        }
    }
}

/// Adds what looks like a serial number in a message of a layout that is not known.
pub(crate) fn possible_serials(inspection: &mut Inspection, sample: &[u8], track: &str) {
    let mut possible = Vec::new();
    candidates(sample, &mut Vec::new(), &mut possible);
    for (value, path) in possible {
        inspection.identify(DataClass::Serial, None, &value, format!("{track}:possible:{path}"));
    }
}

/// Where the gimbal looked. An angle that is 0 is not written.
fn gaze(sample: &[u8]) -> Option<Gaze> {
    let angles = fields(bytes(sample, &[3, 4, 3])?)?;
    let degrees = |field: u32| {
        let found = angles.iter().find(|(number, _)| *number == field);
        match found.map(|(_, value)| value) {
            None => Some(0.0),
            Some(Value::Varint(number)) => {
                let tenths = i32::try_from(number.cast_signed()).ok()?;
                Some(f64::from(tenths) / 10.0)
            }
            Some(_) => None,
        }
    };
    Gaze::of([degrees(3)?, degrees(1)?, degrees(2)?])
}

/// Metres, from millimetres as a whole number or as a float.
fn altitude(value: Option<Value<'_>>) -> Option<f64> {
    let millimetres = match value? {
        Value::Varint(number) => {
            #[expect(clippy::cast_precision_loss, reason = "an altitude")]
            let number = number.cast_signed() as f64;
            number
        }
        Value::Four(four) => f32::from_le_bytes(four).into(),
        Value::Eight(eight) => f64::from_le_bytes(eight),
        Value::Bytes(_) => return None,
    };
    (millimetres.is_finite() && millimetres.abs() < 1e8).then_some(millimetres / 1000.0)
}

/// The time of the receiver, where a message has one as text: `2026-05-16 23:55:53`.
fn moment(message: &[u8]) -> Option<Timestamp> {
    fn search(message: &[u8], depth: usize) -> Option<Timestamp> {
        fields(message)?.into_iter().find_map(|(_, value)| {
            let Value::Bytes(inner) = value else { return None };
            let text = std::str::from_utf8(inner).ok().filter(|text| (19..=30).contains(&text.len()));
            let dated = text.filter(|text| text.get(4..5) == Some("-") && text.get(13..14) == Some(":"));
            match dated.and_then(Timestamp::parse) {
                None if depth < DEEPEST => search(inner, depth + 1),
                found => found,
            }
        })
    }
    search(message, 0)
}

/// Texts that look like serial numbers, and where they stand: 14 to 20 capitals and digits, some of each.
fn candidates(message: &[u8], way: &mut Vec<u32>, found: &mut Vec<(String, String)>) {
    let Some(all) = fields(message).filter(|_| way.len() < DEEPEST) else { return };
    for (number, value) in all {
        let Value::Bytes(inner) = value else { continue };
        way.push(number);
        let is = |test: fn(&u8) -> bool| inner.iter().any(test);
        let shaped = inner.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if (14..=20).contains(&inner.len()) && shaped && is(u8::is_ascii_uppercase) && is(u8::is_ascii_digit)
        {
            if found.len() < 16 {
                let path: Vec<String> = way.iter().map(u32::to_string).collect();
                found.push((String::from_utf8_lossy(inner).into_owned(), path.join("-")));
            }
        } else {
            candidates(inner, way, found);
        }
        way.pop();
    }
}

/// Whether two neighbouring numbers of eight bytes can be a place.
fn has_pair(message: &[u8], depth: usize) -> bool {
    let Some(all) = fields(message).filter(|_| depth < DEEPEST) else { return false };
    let pairs = all.windows(2).any(|two| match two {
        [(a, Value::Eight(one)), (b, Value::Eight(other))] if a + 1 == *b => {
            let (lat, lon) = (f64::from_le_bytes(*one), f64::from_le_bytes(*other));
            is_place(lat, lon) && lat.abs() > 1e-3 && lon.abs() > 1e-3
        }
        _ => false,
    });
    pairs || all.iter().any(|(_, value)| matches!(value, Value::Bytes(inner) if has_pair(inner, depth + 1)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn number(field: u8, value: u8) -> Vec<u8> {
        vec![field << 3, value]
    }

    pub(crate) fn inner(field: u8, content: &[u8]) -> Vec<u8> {
        [&[field << 3 | 2, u8::try_from(content.len()).unwrap()][..], content].concat()
    }

    fn double(field: u8, value: f64) -> Vec<u8> {
        [&[field << 3 | 1][..], &value.to_le_bytes()].concat()
    }

    /// A frame with a place in degrees or radians, 412.5 m above the sea; the first with the aircraft.
    pub(crate) fn frame(first: bool, degrees: bool, (lat, lon): (f64, f64)) -> Vec<u8> {
        let place = [number(1, u8::from(degrees)), double(2, lat), double(3, lon)].concat();
        // 412500 as a varint.
        let altitude = vec![2 << 3, 0xd4, 0x96, 0x19];
        let position = [inner(1, &place), altitude].concat();
        let frame = inner(3, &inner(3, &inner(4, &position)));
        let aircraft = [
            inner(1, b"dvtm_test.proto"),
            inner(5, b"1TESTAB00C0042"),
            inner(6, b"01.02"),
            inner(10, b"TestWing"),
        ]
        .concat();
        if first { [inner(1, &inner(1, &aircraft)), frame].concat() } else { frame }
    }

    fn told(samples: &[Vec<u8>]) -> Inspection {
        let mut djmd = Djmd::default();
        for sample in samples {
            djmd.sample(sample);
        }
        let mut inspection = Inspection::of("mp4");
        djmd.tell(&mut inspection);
        inspection
    }

    #[test]
    fn aircraft_and_places_are_read_in_degrees_and_radians() {
        let radians = (47.5_f64.to_radians(), (-8.25_f64).to_radians());
        let inspection = told(&[
            frame(true, true, (47.5, -8.25)),
            frame(false, false, radians),
            frame(false, true, (0.0, 0.0)),
        ]);
        let points = &inspection.tracks[0].points;
        assert_eq!(points.len(), 2, "0, 0 is no place");
        for point in points {
            assert!((point.lat - 47.5).abs() < 1e-9 && (point.lon + 8.25).abs() < 1e-9);
            assert_eq!(point.alt_m, Some(412.5));
        }
        assert_eq!(inspection.device.model.as_deref(), Some("TestWing"));
        let serials: Vec<_> = inspection.identifiers.iter().map(|one| (one.value.as_str(), one.of)).collect();
        assert_eq!(serials, [("1TESTAB00C0042", Some(Component::Aircraft))]);
    }

    #[test]
    fn where_the_gimbal_looked_is_told_beside_the_place() {
        // −300 tenths of pitch, and a yaw of 150; roll is not written.
        let pitch = [&[1 << 3, 0xd4, 0xfd][..], &[0xff; 7], &[1]].concat();
        let gimbal = inner(3, &[pitch, vec![3 << 3, 0x96, 1]].concat());
        let place = [number(1, 1), double(2, 47.5), double(3, -8.25)].concat();
        let content = [inner(3, &inner(4, &inner(1, &place))), inner(4, &gimbal)].concat();
        let inspection = told(&[inner(3, &content)]);
        assert_eq!(inspection.tracks[0].points[0].gaze, Gaze::of([15.0, -30.0, 0.0]));
        // On other models it is the aircraft that stands there.
        let content = inner(4, &[gimbal, inner(4, &inner(1, &place))].concat());
        assert_eq!(told(&[inner(3, &content)]).tracks[0].points[0].gaze, None);
    }

    #[test]
    fn other_layouts_are_told_as_possible() {
        let place = [double(1, 47.5), double(2, -8.25)].concat();
        let inspection = told(&[[inner(4, &inner(7, b"9TESTAB00C0042")), inner(5, &place)].concat()]);
        assert!(inspection.tracks.is_empty());
        assert_eq!(inspection.identifiers[0].field, "djmd:possible:4-7");
        assert!(inspection.facts.iter().any(|fact| fact.what == "possible places"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..80) {
            let mut whole = frame(true, true, (47.5, -8.25));
            whole.truncate(cut);
            let inspection = told(&[bytes, whole]);
            prop_assert!(inspection.tracks.iter().flat_map(|track| &track.points).all(|point| is_place(point.lat, point.lon)));
        }
    }
}
