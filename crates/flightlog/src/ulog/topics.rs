//! Fields of topics: which matter, where they lie in the content of a message, and what stands there.

use std::collections::BTreeMap;

use creance_model::Timestamp;

use super::messages::{self, Formats, Place};

/// A topic that matters.
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) fields: BTreeMap<&'static str, Place>,
}

/// Fields that matter, of all topics.
const FIELDS: &[&str] = &[
    "timestamp",
    "time_utc_usec",
    "fix_type",
    "arming_state",
    "landed",
    "valid_hpos",
    "valid_alt",
    "current.valid",
    "command",
    "alt",
    "altitude_msl_m",
    "altitude",
    "current.alt",
    "operator_altitude_geo",
    "serial_number",
    "vendor_name",
    "model_name",
    "operator_id",
    "description",
    "system_id",
    "heading",
    "yaw",
    "q",
    "device_flags",
];

/// Where places stand: in degrees, or, as whole numbers of four bytes, in units of 10⁻⁷ degrees.
pub(super) const PLACES: &[(&str, &str)] = &[
    ("lat", "lon"),
    ("latitude_deg", "longitude_deg"),
    ("latitude", "longitude"),
    ("current.lat", "current.lon"),
    ("operator_latitude", "operator_longitude"),
    ("param5", "param6"),
];

/// Where heights stand: in metres, or, as whole numbers of four bytes, in millimetres.
const HEIGHTS: &[&str] = &["alt", "altitude_msl_m", "altitude", "current.alt", "operator_altitude_geo"];

impl Topic {
    pub(super) fn new(name: &str, formats: &Formats) -> Self {
        let places = PLACES.iter().flat_map(|(lat, lon)| [*lat, *lon]);
        let all = FIELDS.iter().copied().chain(places);
        let fields = all.filter_map(|field| Some((field, formats.find(name, field)?))).collect();
        Self { name: name.to_owned(), fields }
    }
}

/// What one message says of a topic.
pub(super) struct Data<'a> {
    pub(super) topic: &'a Topic,
    pub(super) bytes: &'a [u8],
}

impl Data<'_> {
    /// A number; whole numbers of four bytes are divided.
    fn scaled(&self, field: &str, by: f64) -> Option<f64> {
        let place = self.topic.fields.get(field)?;
        let number = messages::number(&place.kind, self.bytes.get(place.at..)?)?;
        Some(if place.kind == "int32_t" { number / by } else { number })
    }

    /// A number as it stands there.
    pub(super) fn number(&self, field: &str) -> Option<f64> {
        self.scaled(field, 1.0)
    }

    /// Several numbers, one behind another.
    pub(super) fn numbers<const N: usize>(&self, field: &str) -> Option<[f64; N]> {
        let place = self.topic.fields.get(field).filter(|place| place.count == N)?;
        let mut pieces = self.bytes.get(place.at..)?.chunks_exact(messages::basic(&place.kind)?);
        let mut numbers = [0.0; N];
        for number in &mut numbers {
            *number = messages::number(&place.kind, pieces.next()?)?;
        }
        Some(numbers)
    }

    /// The place in two fields.
    pub(super) fn degrees(&self, lat: &str, lon: &str) -> Option<(f64, f64)> {
        self.scaled(lat, 1e7).zip(self.scaled(lon, 1e7))
    }

    /// The place that it says.
    pub(super) fn place(&self) -> Option<(f64, f64)> {
        PLACES.iter().find_map(|(lat, lon)| self.degrees(lat, lon))
    }

    /// The height that it says.
    pub(super) fn height(&self) -> Option<f64> {
        HEIGHTS.iter().find_map(|height| self.scaled(height, 1e3))
    }

    /// When, by the autopilot's clock.
    pub(super) fn time(&self) -> Option<Timestamp> {
        clock(self.number("timestamp")?)
    }

    /// Letters up to their end.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        let place =
            self.topic.fields.get(field).filter(|place| matches!(place.kind.as_str(), "char" | "uint8_t"))?;
        let bytes = self.bytes.get(place.at..place.at.checked_add(place.count)?)?;
        Some(letters(bytes))
    }
}

/// Text up to the first zero.
pub(super) fn letters(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).trim().to_owned()
}

/// Microseconds of the autopilot's clock.
pub(super) fn clock(us: f64) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "checked against the range first")]
    (0.0..9e15).contains(&us).then(|| Timestamp::from_nanos(us as i64 * 1000))
}
