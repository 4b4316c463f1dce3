//! Time as satellites of GPS tell it: weeks since 1980-01-06, without leap seconds.

use creance_model::Timestamp;

/// Seconds from 1970 to the first week of GPS.
const FIRST_WEEK: i64 = 315_964_800;

/// From when on (seconds since 1970, in UTC) GPS is how many seconds ahead of UTC: IERS Bulletin C. None was added after
/// 2017 as of bulletin C 71; no receiver in a drone is older than 1999.
const AHEAD: &[(i64, i64)] = &[
    (1_483_228_800, 18), // 2017-01-01
    (1_435_708_800, 17), // 2015-07-01
    (1_341_100_800, 16), // 2012-07-01
    (1_230_768_000, 15), // 2009-01-01
    (1_136_073_600, 14), // 2006-01-01
    (i64::MIN, 13),      // 1999-01-01
];

/// The moment of a week and of milliseconds in it. `None` before 1999 and after 2100, which no receiver with a fix tells.
pub(crate) fn moment(week: f64, ms: f64) -> Option<Timestamp> {
    if !(1000.0..6264.0).contains(&week) || !(0.0..604_800_000.0).contains(&ms) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked against the range first")]
    let (week, ms) = (week as i64, ms as i64);
    let gps = FIRST_WEEK + week * 604_800;
    let utc = |ahead: i64| gps + ms / 1000 - ahead;
    let (_, ahead) = AHEAD.iter().find(|(from, ahead)| utc(*ahead) >= *from)?;
    Some(Timestamp::from_secs(utc(*ahead)).plus_nanos(ms % 1000 * 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_seconds_are_those_of_the_date() {
        // The last second of 2016 and the first of 2017, with the leap second between them.
        for (week, ms, utc) in [
            (1930.0, 16_999.0, "2016-12-31T23:59:59.999Z"),
            (1930.0, 18_000.0, "2017-01-01T00:00:00Z"),
            (1970.0, 0.0, "2017-10-07T23:59:42Z"),
            (1500.0, 1_500.0, "2008-10-04T23:59:47.5Z"),
        ] {
            assert_eq!(moment(week, ms), Timestamp::parse(utc), "{utc}");
        }
        assert_eq!(
            (moment(0.0, 0.0), moment(2000.0, 604_800_000.0), moment(f64::NAN, 0.0)),
            (None, None, None)
        );
    }
}
