//! What one file gives away, whatever its format: the answer of `inspect`, and evidence of the device for `audit`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{DataClass, FlightState, Interval, Timestamp, class::named};

named! {
    /// The part of the equipment that an identifier belongs to.
    Component {
        /// The aircraft, or its flight controller.
        Aircraft = "aircraft",
        /// The remote controller or ground station.
        Controller = "controller",
        /// The camera.
        Camera = "camera",
        /// The lens.
        Lens = "lens",
        /// A battery.
        Battery = "battery",
        /// The gimbal.
        Gimbal = "gimbal",
        /// The phone or tablet.
        Phone = "phone",
    }
}

named! {
    /// Whose place it is.
    Role {
        /// The aircraft.
        Aircraft = "aircraft",
        /// The camera, when the picture was taken.
        Camera = "camera",
        /// Where it took off, or goes back to.
        Home = "home",
        /// Who flies it.
        Operator = "operator",
        /// What was looked at, measured or planned.
        Target = "target",
    }
}

named! {
    /// What an altitude counts from.
    AltReference {
        /// Above mean sea level.
        Amsl = "amsl",
        /// Above the ellipsoid of WGS 84.
        Ellipsoid = "wgs84",
        /// Above where it took off.
        TakeOff = "take-off",
        /// Above the ground below.
        Ground = "agl",
    }
}

/// What a file gives away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inspection {
    /// The kind of file, by its content: `jpeg`, `ulog`, …
    pub kind: &'static str,
    /// Values by which somebody or something is known again.
    pub identifiers: Vec<Identifier>,
    /// Places that stand for themselves, such as where a picture was taken. Those of a way stand in `tracks`.
    pub places: Vec<Spot>,
    /// Where aircraft and operators were over time.
    pub tracks: Vec<Track>,
    /// What the aircraft was doing when, in order of time, without overlap.
    pub phases: Vec<Interval<FlightState>>,
    /// Moments that stand for themselves, such as when a picture was taken.
    pub times: Vec<Dated>,
    /// What it was made with.
    pub device: Device,
    /// The faces it shows; `None`: not looked for.
    pub faces: Option<Vec<Rectangle>>,
    /// Content that a viewer does not show.
    pub hidden: Vec<Hidden>,
    /// What else it says that matters: angles, speeds, networks, settings.
    pub facts: Vec<Fact>,
    /// Protected places that were seen, if a register was given.
    pub sites: Vec<SiteSeen>,
    /// Zones of airspace that it touches, if some were given.
    pub zones: Vec<ZoneSeen>,
    /// What could not be read, and why. What was read before is kept.
    pub damage: Vec<Flaw>,
}

/// A protected place that somebody was at, or that a camera looked at.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SiteSeen {
    /// Its name in the register.
    pub name: String,
    /// Its sector there.
    pub sector: Option<String>,
    /// `near`: within it or its buffer; `looked at`.
    pub how: Cow<'static, str>,
    /// Who was there, or whose view it is.
    pub role: Role,
    /// How often: places and points of tracks.
    pub times: u64,
    /// The least distance, in metres.
    pub metres: f64,
    /// The first and the last time, of what has one.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// A zone of airspace that somebody was in, or may have been in, or meant to go to.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ZoneSeen {
    /// Its identifier in its file.
    pub zone: String,
    /// Its name.
    pub name: Option<String>,
    /// `inside` or `uncertain`, of all points the worst.
    pub answer: Cow<'static, str>,
    /// Whose places they are.
    pub role: Role,
    /// How many places and points of tracks.
    pub times: u64,
    /// Metres to its edge at the point that is farthest in, negative within.
    pub margin_m: f64,
    /// Why, of that point: a sentence.
    pub why: String,
}

/// A part of a picture, in its pixels as they are stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rectangle {
    /// Pixels left of it.
    pub left: u32,
    /// Pixels above it.
    pub top: u32,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// A file and what it gives away.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// Its path, as it was named; of what lies in an archive, with its name there behind `!/`.
    pub file: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The SHA-256 of its content in hex.
    pub sha256: Option<String>,
    /// Whether there is none because it is longer than what is read for it unasked.
    pub too_long: bool,
    /// What it gives away.
    pub inspection: Inspection,
}

/// A value by which somebody or something is known again.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Identifier {
    /// What kind of value.
    pub class: DataClass,
    /// What it belongs to, if that is said.
    pub of: Option<Component>,
    /// The value, without blanks around it.
    pub value: String,
    /// Where it stands: `exif:BodySerialNumber`, `xmp:drone-dji:DroneSerialNumber`, `details:aircraft_sn`, …
    pub field: String,
}

/// A place: degrees of WGS 84.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    /// Whose.
    pub role: Role,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// Metres of altitude, and what they count from if that is said.
    pub alt_m: Option<f64>,
    /// What the altitude counts from.
    pub alt_reference: Option<AltReference>,
    /// Metres above where it took off, if that is said beside the altitude.
    pub height_m: Option<f64>,
    /// When.
    pub time: Option<Timestamp>,
    /// Where the camera looked, if that is said.
    pub look: Option<Look>,
    /// Where it stands.
    pub field: String,
}

impl Spot {
    /// A place and nothing more; `None` where no such place is: out of range, not a number, or 0, 0, which is what
    /// receivers say without a fix.
    pub fn new(role: Role, lat: f64, lon: f64, field: impl Into<String>) -> Option<Self> {
        is_place(lat, lon).then(|| Self {
            role,
            lat,
            lon,
            alt_m: None,
            alt_reference: None,
            height_m: None,
            time: None,
            look: None,
            field: field.into(),
        })
    }
}

/// Where a camera looked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Look {
    /// Degrees clockwise from true north.
    pub yaw: f64,
    /// Degrees above the horizon; −90 is straight down.
    pub pitch: f64,
    /// Degrees clockwise about the line of sight.
    pub roll: f64,
    /// Degrees that the picture is wide, if known.
    pub field_of_view: Option<f64>,
}

impl Look {
    /// Degrees that a picture is wide that is taken with so many millimetres, were the picture one on 35 mm film, which is
    /// 36 mm wide; `None` of what is no length.
    pub fn wide(millimetres: f64) -> Option<f64> {
        let lens = (1.0..10_000.0).contains(&millimetres);
        lens.then(|| 2.0 * (36.0 / 2.0 / millimetres).atan().to_degrees())
    }
}

/// Where a camera looked from a point of a track: a [`Look`] in less room, for there are very many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gaze {
    /// Degrees clockwise from true north.
    pub yaw: f32,
    /// Degrees above the horizon; −90 is straight down.
    pub pitch: f32,
    /// Degrees clockwise about the line of sight.
    pub roll: f32,
    /// Degrees that the picture is wide, if known.
    pub field_of_view: Option<f32>,
}

impl Gaze {
    /// A look of degrees of yaw, pitch and roll; `None` of what are no angles.
    pub fn of([yaw, pitch, roll]: [f64; 3]) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "a hundred-thousandth of a degree is left")]
        let short = |degrees: f64| (degrees.abs() <= 720.0).then_some(degrees as f32);
        Some(Self { yaw: short(yaw)?, pitch: short(pitch)?, roll: short(roll)?, field_of_view: None })
    }

    /// The same look of a picture that is so many degrees wide.
    #[must_use]
    pub fn with_width(self, degrees: Option<f64>) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a hundred-thousandth of a degree is left")]
        let width = degrees.filter(|degrees| (0.1..180.0).contains(degrees)).map(|degrees| degrees as f32);
        Self { field_of_view: width, ..self }
    }
}

impl From<Gaze> for Look {
    fn from(gaze: Gaze) -> Self {
        let [yaw, pitch, roll] = [gaze.yaw, gaze.pitch, gaze.roll].map(f64::from);
        Self { yaw, pitch, roll, field_of_view: gaze.field_of_view.map(f64::from) }
    }
}

/// Where somebody was over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Whose.
    pub role: Role,
    /// Which, where one file tells of several: the number of a system, an identifier.
    pub vehicle: Option<String>,
    /// What the altitudes count from, if that is said.
    pub alt_reference: Option<AltReference>,
    /// The points, in the order of the file; each a valid place.
    pub points: Vec<TrackPoint>,
    /// Where it stands: the name of the messages or fields.
    pub field: String,
}

/// A point of a track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackPoint {
    /// When, if that is said.
    pub time: Option<Timestamp>,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// Metres of altitude.
    pub alt_m: Option<f64>,
    /// Metres above where it took off, if that is said beside the altitude.
    pub height_m: Option<f32>,
    /// Where the camera looked, if that is said.
    pub gaze: Option<Gaze>,
}

impl TrackPoint {
    /// A point of which no more is known than where, when and how high.
    pub const fn new(time: Option<Timestamp>, lat: f64, lon: f64, alt_m: Option<f64>) -> Self {
        Self { time, lat, lon, alt_m, height_m: None, gaze: None }
    }

    /// The same point, so many metres above where it took off.
    #[must_use]
    pub fn at_height(self, metres: Option<f64>) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a millimetre is left")]
        let height_m = metres.filter(|metres| metres.abs() < 1e5).map(|metres| metres as f32);
        Self { height_m, ..self }
    }
}

impl Track {
    /// Metres of one of its points above where it took off, or above the ground, if that is said.
    pub fn height_of(&self, point: &TrackPoint) -> Option<f64> {
        let above = matches!(self.alt_reference, Some(AltReference::TakeOff | AltReference::Ground));
        point.height_m.map(f64::from).or(point.alt_m.filter(|_| above))
    }
}

/// A moment and what it is of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dated {
    /// What happened: `taken`, `start`, `created`, …
    pub what: &'static str,
    /// When; local times without an offset are told as UTC and `zone_known` is false.
    pub time: Timestamp,
    /// Whether the file says the offset from UTC.
    pub zone_known: bool,
    /// Where it stands.
    pub field: String,
}

/// What a file was made with.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Device {
    /// Who made the device.
    pub make: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// The software or firmware, with its version.
    pub software: Option<String>,
}

/// Content that a viewer does not show.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hidden {
    /// What: `thumbnail`, `preview`, `thermal data`, …
    pub what: &'static str,
    /// Where it stands.
    pub field: String,
    /// How long it is.
    pub bytes: u64,
}

/// Something else that a file says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fact {
    /// What, in plain words: `gimbal yaw`, `NTRIP host`, `distance to target`, …
    pub what: &'static str,
    /// The value, with its unit.
    pub value: String,
    /// Where it stands.
    pub field: String,
}

/// Something that could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Flaw {
    /// What is damaged, or which limit was reached.
    pub what: String,
    /// The offset in the file, in bytes.
    pub offset: u64,
    /// Why: a fragment that names the field, what was found and what was wanted.
    pub why: String,
}

/// Metres of a degree of latitude, on a sphere of 6 371 km.
pub const DEGREE_M: f64 = 111_195.0;

/// Whether degrees can be a place. 0, 0 is what receivers say without a fix.
pub fn is_place(lat: f64, lon: f64) -> bool {
    lat.abs() <= 90.0 && lon.abs() <= 180.0 && (lat.abs() > 1e-6 || lon.abs() > 1e-6)
}

/// Whether a text can be a serial number. Empty, all zeros, and what makers write for "none" are none.
pub fn is_serial(text: &str) -> bool {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let none = ["none", "null", "n/a", "na", "unknown", "default", "invalid"];
    !text.is_empty()
        && text.bytes().any(|byte| byte.is_ascii_alphanumeric() && byte != b'0')
        && !none.iter().any(|word| text.eq_ignore_ascii_case(word))
}

impl Inspection {
    /// An empty answer about a file of this kind.
    pub fn of(kind: &'static str) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Adds an identifier, once, unless it is blank; a number or id that is none ([`is_serial`]) is left out.
    pub fn identify(
        &mut self,
        class: DataClass,
        of: Option<Component>,
        value: &str,
        field: impl Into<String>,
    ) {
        let value = value.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let is_id = matches!(
            class,
            DataClass::Serial | DataClass::DeviceId | DataClass::AccountId | DataClass::NetworkInfo
        );
        if value.is_empty() || (is_id && !is_serial(value)) {
            return;
        }
        let identifier = Identifier { class, of, value: value.to_owned(), field: field.into() };
        if !self.identifiers.contains(&identifier) {
            self.identifiers.push(identifier);
        }
    }

    /// Adds something else that the file says, unless it is blank.
    pub fn say(&mut self, what: &'static str, value: impl Into<String>, field: impl Into<String>) {
        let value = value.into();
        if !value.trim().is_empty() {
            self.facts.push(Fact { what, value, field: field.into() });
        }
    }

    /// Adds something that could not be read.
    pub fn flaw(&mut self, what: impl Into<String>, offset: u64, why: &(impl ToString + ?Sized)) {
        self.damage.push(Flaw { what: what.into(), offset, why: why.to_string() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_and_words_for_none_are_no_serial_and_no_place() {
        for text in ["", "0", "00000000", " \0", "None", "N/A"] {
            assert!(!is_serial(text), "{text}");
        }
        assert!(is_serial("1ZNBJ6D00C0042") && is_serial("10"));
        let mut inspection = Inspection::of("x");
        for class in [DataClass::Serial, DataClass::DeviceId, DataClass::AccountId, DataClass::NetworkInfo] {
            inspection.identify(class, None, "00000000-0000-0000-0000-000000000000", "id");
        }
        assert_eq!(inspection.identifiers, []);
        assert!(Spot::new(Role::Camera, 0.0, 0.0, "exif:GPS").is_none());
        assert!(Spot::new(Role::Camera, 91.0, 0.0, "exif:GPS").is_none());
        assert!(Spot::new(Role::Camera, f64::NAN, 8.0, "exif:GPS").is_none());
        assert!(Spot::new(Role::Camera, 0.0, 8.0, "exif:GPS").is_some());
    }

    #[test]
    fn a_lens_is_as_wide_as_its_film_and_no_lens_is_of_no_width() {
        assert!((Look::wide(18.0).unwrap() - 90.0).abs() < 1e-9);
        assert!((Look::wide(24.0).unwrap() - 73.74).abs() < 0.01);
        assert_eq!((Look::wide(0.0), Look::wide(f64::NAN)), (None, None));
    }

    #[test]
    fn a_point_of_a_track_is_small_and_its_look_is_of_angles() {
        assert!(size_of::<TrackPoint>() <= 80, "tracks have a million of them");
        assert_eq!(Gaze::of([f64::NAN, 0.0, 0.0]), None);
        let gaze = Gaze::of([359.99, -90.0, 0.25]).unwrap();
        assert_eq!(gaze.with_width(Some(0.0)).field_of_view, None);
        let look = Look::from(gaze.with_width(Some(84.0)));
        assert_eq!((look.pitch, look.roll, look.field_of_view), (-90.0, 0.25, Some(84.0)));
        assert!((look.yaw - 359.99).abs() < 1e-4);
    }

    #[test]
    fn a_height_is_said_beside_the_altitude_or_is_the_altitude() {
        let mut track = Track {
            role: Role::Aircraft,
            vehicle: None,
            alt_reference: Some(AltReference::Amsl),
            points: Vec::new(),
            field: String::new(),
        };
        let point = TrackPoint::new(None, 47.0, 8.0, Some(500.0));
        assert_eq!(track.height_of(&point), None);
        assert_eq!(track.height_of(&point.at_height(Some(60.5))), Some(60.5));
        track.alt_reference = Some(AltReference::TakeOff);
        assert_eq!(track.height_of(&point), Some(500.0));
    }

    #[test]
    fn an_identifier_stands_once_and_without_blanks() {
        let mut inspection = Inspection::of("jpeg");
        for value in ["AB12\0\0", "AB12 ", "0", ""] {
            inspection.identify(DataClass::Serial, Some(Component::Aircraft), value, "exif:BodySerialNumber");
        }
        assert_eq!(inspection.identifiers.len(), 1);
        assert_eq!(inspection.identifiers[0].value, "AB12");
    }
}
