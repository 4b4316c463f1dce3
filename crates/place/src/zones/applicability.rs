//! When a zone of ED-269 or ED-318 holds.

use super::when::{self, ALL_DAYS, Hours, Mark, Moment, Period};
use crate::json::Json;

/// The periods of a list, and what is wrong with them: then the zone holds always.
pub(super) fn periods(list: &Json) -> Result<Vec<Period>, String> {
    let mut periods = Vec::new();
    for one in list.each() {
        let permanent = one.get("permanent");
        let permanent =
            permanent.is_some_and(|value| *value == Json::Bool(true) || value.text() == Some("YES"));
        let period = Period {
            from: moment(one, "startDateTime", Moment::parse)?,
            to: moment(one, "endDateTime", Moment::parse_end)?,
            hours: hours(one.any(&["schedule", "dailyPeriod"]).unwrap_or(one))?,
            may: false,
        };
        if permanent || period == Period::default() {
            return Ok(Vec::new());
        }
        if let (Some(from), Some(to)) = (period.from, period.to)
            && to.time <= from.time
        {
            return Err("it ends before it starts".to_owned());
        }
        periods.push(period);
    }
    Ok(periods)
}

fn moment(of: &Json, key: &str, parse: fn(&str) -> Option<Moment>) -> Result<Option<Moment>, String> {
    match of.get(key) {
        None => Ok(None),
        Some(value) if blank(value) => Ok(None),
        Some(value) => {
            let moment = value.text().and_then(parse);
            moment.map(Some).ok_or_else(|| format!("its {key} is no date and time"))
        }
    }
}

/// Whether it is a text that says nothing.
fn blank(value: &Json) -> bool {
    matches!(value, Json::Text(_)) && value.text().is_none()
}

/// Hours of days. Those that are all day on every day say nothing.
fn hours(list: &Json) -> Result<Vec<Hours>, String> {
    let mut all = Vec::new();
    for one in list.each() {
        let mut days = 0;
        for name in one.get("day").unwrap_or(&Json::Null).each().iter().filter(|name| !blank(name)) {
            days |= name.text().and_then(when::day).ok_or("a day of its schedule is not known")?;
        }
        let told = |key: &str| one.get(key).filter(|told| !blank(told));
        let mark = |time: &str, event: &str| match (told(time), told(event)) {
            (_, Some(value)) => {
                let event = value.text().and_then(Mark::event);
                event.map(Some).ok_or("an event of its schedule is none of BMCT, SR, SS, EECT")
            }
            (Some(value), None) => {
                let clock = value.text().and_then(Mark::clock);
                clock.map(Some).ok_or("a time of its schedule is no time of a day")
            }
            (None, None) => Ok(None),
        };
        let (from, to) = (mark("startTime", "startEvent")?, mark("endTime", "endEvent")?);
        let days = if days == 0 { ALL_DAYS } else { days };
        if from.is_none() && to.is_none() && days == ALL_DAYS {
            return Ok(Vec::new());
        }
        // A side that is not told is midnight by the clock of the other.
        let offset = [from, to].into_iter().flatten().find_map(|mark| match mark {
            Mark::Clock(_, offset) => Some(offset),
            Mark::Sun(_) => None,
        });
        let midnight = |seconds| Mark::Clock(seconds, offset.flatten());
        all.push(Hours { days, from: from.unwrap_or(midnight(0)), to: to.unwrap_or(midnight(86_400)) });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn read(text: &str) -> Result<Vec<Period>, String> {
        periods(&json::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn permanent_is_no_period() {
        assert_eq!(
            read(
                r#"[{"permanent": "YES", "startDateTime": null, "schedule": [{"day": [], "startTime": null}]}]"#
            ),
            Ok(vec![])
        );
        assert_eq!(read(r#"[{"permanent": "NO", "startDateTime": "", "endDateTime": ""}]"#), Ok(vec![]));
        assert_eq!(read("[]"), Ok(vec![]));
        // A single day.
        let day = read(r#"[{"startDateTime": "2026-08-01", "endDateTime": "2026-08-01"}]"#).unwrap();
        assert_eq!(day[0].to, Moment::parse("2026-08-02"));
    }

    #[test]
    fn schedules_are_read_and_what_is_wrong_is_named() {
        let told = read(
            r#"[{"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z", "schedule": [
                {"day": ["MON", "SUN"], "startTime": "16:00:00Z", "endTime": "17:00:00Z"}, {"day": ["ANY"], "startEvent": "SR", "endEvent": "EECT"}]}]"#,
        );
        let hours = &told.unwrap()[0].hours;
        assert_eq!(hours.iter().map(|hours| hours.days).collect::<Vec<_>>(), [65, 127]);
        assert_eq!(hours[0].from, Mark::Clock(16 * 3600, Some(0)));
        for (text, why) in [
            (
                r#"[{"startDateTime": "2027-01-01T00:00:00Z", "endDateTime": "2026-01-01T00:00:00Z"}]"#,
                "ends before",
            ),
            (r#"[{"startDateTime": {"a": 1}}]"#, "startDateTime"),
            (r#"[{"schedule": [{"day": ["HOL"], "startTime": "16:00:00Z"}]}]"#, "day"),
            (r#"[{"schedule": [{"day": ["MON"], "startEvent": "NOON"}]}]"#, "event"),
        ] {
            assert!(read(text).unwrap_err().contains(why), "{text}");
        }
    }
}
