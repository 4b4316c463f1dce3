//! Moments, as captures state them.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment: nanoseconds since 1970-01-01T00:00:00Z. It arrives with the evidence; nothing here reads a clock.
///
/// Shown as RFC 3339 in UTC with as many decimals as it needs (at most nine).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From nanoseconds since the Unix epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From whole seconds since the Unix epoch, saturating at the ends of what 64 bits hold (years 1677 to 2262).
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch.
    #[expect(clippy::cast_precision_loss, reason = "for drawing and for ages, where a microsecond is enough")]
    pub const fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// This moment moved by `nanos`, saturating.
    #[must_use]
    pub const fn plus_nanos(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// Nanoseconds from `earlier` to this moment (negative when it is later), saturating.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads RFC 3339 / ISO 8601 with an offset or `Z`, ISO 8601 without offset (taken as UTC), or Unix time in
    /// seconds (with or without decimals), milliseconds, microseconds or nanoseconds, told apart by magnitude.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(number) = text.parse::<f64>() {
            return Self::from_unix(number, text);
        }
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return i64::try_from(moment.as_nanosecond()).ok().map(Self);
        }
        let civil: jiff::civil::DateTime = text.replacen('/', "-", 2).parse().ok()?;
        let moment = jiff::tz::Offset::UTC.to_timestamp(civil).ok()?;
        i64::try_from(moment.as_nanosecond()).ok().map(Self)
    }

    fn from_unix(number: f64, text: &str) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        if let Ok(whole) = text.parse::<i64>() {
            let scale = match whole.unsigned_abs() {
                0..100_000_000_000 => 1_000_000_000,
                100_000_000_000..100_000_000_000_000 => 1_000_000,
                100_000_000_000_000..100_000_000_000_000_000 => 1_000,
                _ => 1,
            };
            return whole.checked_mul(scale).map(Self);
        }
        let nanos = number * 1e9;
        #[expect(clippy::cast_possible_truncation, reason = "checked against the range first")]
        (nanos.abs() < 9.2e18).then(|| Self(nanos.round() as i64))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every i64 of nanoseconds lies within what jiff can show.
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(moment) => write!(f, "{moment}"),
            Err(_) => write!(f, "{} ns", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'d> Deserialize<'d> for Timestamp {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'d, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("it is no time of RFC 3339"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_from_what_it_shows() {
        let moment = Timestamp::from_nanos(1_781_164_812_250_000_000);
        assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
    }

    #[test]
    fn unix_seconds_milliseconds_and_iso_say_the_same() {
        let moment = Some(Timestamp::from_secs(1_781_164_812));
        for text in [
            "1781164812",
            "1781164812.0",
            "1781164812000",
            "2026-06-11T08:00:12Z",
            "2026-06-11 08:00:12",
            "2026/06/11 08:00:12",
        ] {
            assert_eq!(Timestamp::parse(text), moment, "{text}");
        }
    }

    #[test]
    fn words_are_no_moment() {
        assert_eq!(Timestamp::parse("soon"), None);
        assert_eq!(Timestamp::parse(""), None);
        assert_eq!(Timestamp::parse("NaN"), None);
    }
}
