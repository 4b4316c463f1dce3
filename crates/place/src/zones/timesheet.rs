//! When an airspace of AIXM 5.1 is active: its activations, with their timesheets, and what changes it for a time.
//!
//! An airspace without activation always holds, and so does one of whose activations one has no times. What may be activated, days
//! that nobody can tell without a calendar of holidays, seasons, and times that depend on what is not in the file make it uncertain.

use super::{
    ALL_DAYS, Event, Hours, Mark, Moment, Period,
    when::{DAY, day},
    xml::Node,
};

/// The periods of an airspace, of its baseline and its changes for a time; none: it always holds.
pub(super) fn periods(baseline: &Node, slices: &[&Node]) -> Vec<Period> {
    let Some(mut periods) = active(baseline, &Period::default()) else { return Vec::new() };
    if periods.is_empty() {
        // It says when it does not hold at most.
        return periods;
    }
    for slice in slices.iter().filter(|slice| slice.said("interpretation") == Some("TEMPDELTA")) {
        let valid = slice.child("validTime");
        let end = |name: &str, parse: fn(&str) -> Option<Moment>| {
            valid.and_then(|valid| parse(valid.first(name)?.text.trim()))
        };
        let within = Period {
            from: end("beginPosition", Moment::parse),
            to: end("endPosition", Moment::parse_end),
            ..Period::default()
        };
        match active(slice, &within) {
            Some(more) => periods.extend(more),
            None => periods.push(within),
        }
    }
    periods
}

/// When the activations of a slice hold, within a period; `None`: all the time.
fn active(slice: &Node, within: &Period) -> Option<Vec<Period>> {
    let (mut activations, mut periods) = (Vec::new(), Vec::new());
    slice.all("AirspaceActivation", &mut activations);
    if activations.is_empty() {
        // A change of something else leaves the times as they are.
        return (slice.said("interpretation") == Some("TEMPDELTA")).then_some(periods);
    }
    for activation in activations {
        let may = match activation.said("status") {
            Some("INACTIVE") => continue,
            Some("ACTIVE" | "IN_USE") | None => false,
            Some(_) => true,
        };
        let mut sheets = Vec::new();
        activation.all("Timesheet", &mut sheets);
        let excluded = |sheet: &&&Node| sheet.said("excluded") == Some("YES");
        if sheets.iter().all(|sheet| excluded(&sheet)) {
            if !may && sheets.is_empty() {
                return None;
            }
            periods.push(Period { may: true, ..within.clone() });
        }
        let may = may || sheets.iter().any(|sheet| excluded(&sheet));
        for sheet in sheets.iter().filter(|sheet| !excluded(sheet)) {
            for (hours, unsure) in hours(sheet) {
                periods.push(Period { hours: vec![hours], may: may || unsure, ..within.clone() });
            }
        }
    }
    Some(periods)
}

/// The hours of a timesheet, and whether they may hold only.
fn hours(sheet: &Node) -> Vec<(Hours, bool)> {
    let until = sheet.said("dayTil").filter(|until| *until != "ANY" && Some(*until) != sheet.said("day"));
    let (first, mut may) = days(sheet.said("day"));
    let (mut days, mut last_day) = (first, 0);
    if let Some((last, unsure)) = until.map(|until| self::days(Some(until))) {
        (days, last_day) = (through(first, last), last);
        may |= unsure;
    }
    let season = (sheet.said("startDate").unwrap_or("01-01"), sheet.said("endDate").unwrap_or("31-12"));
    may |= season != ("01-01", "31-12");
    let offset = offset(sheet.said("timeReference"));
    let whole = |days| Hours { days, from: Mark::Clock(0, offset), to: Mark::Clock(DAY, offset) };
    let marks = match (mark(sheet, "start", offset), mark(sheet, "end", offset)) {
        (Said::Mark(from), Said::Mark(to)) => Hours { days, from, to },
        (Said::Nothing, Said::Nothing) => whole(days),
        _ => return vec![(whole(ALL_DAYS), true)],
    };
    let mut all = vec![(marks, may)];
    if is_overnight(&marks) && days != last_day {
        // Hours that begin on the last day end after it: "Monday to Tuesday, 22 to 4" is one night for most.
        all =
            vec![(Hours { days: days & !last_day, ..marks }, may), (Hours { days: last_day, ..marks }, true)];
    }
    if sheet.said("daylightSavingAdjust") == Some("YES") {
        // In summer an hour earlier; when summer is, is another matter.
        let earlier = |mark: Mark| match mark {
            Mark::Clock(seconds, Some(offset)) => Mark::Clock(seconds, Some(offset + 3600)),
            other => other,
        };
        all = vec![(marks, true), (Hours { days, from: earlier(marks.from), to: earlier(marks.to) }, true)];
    }
    if until.is_some() {
        // Each of the days for some; from the first to the last without a break for others.
        all.push((whole(days), true));
    }
    all
}

/// Whether hours may end on the day after that on which they begin.
const fn is_overnight(hours: &Hours) -> bool {
    match (hours.from, hours.to) {
        (Mark::Clock(from, _), Mark::Clock(to, _)) => to <= from,
        (Mark::Sun(Event::Rise), Mark::Sun(Event::Set)) => false,
        _ => true,
    }
}

/// The bits of a day by its name in AIXM, and whether it may be some of them only.
fn days(name: Option<&str>) -> (u8, bool) {
    match name {
        None | Some("ANY") => (ALL_DAYS, false),
        Some("WORK_DAY") => (0b1_1111, true),
        Some(name) => day(name).filter(|_| name.len() == 3).map_or((ALL_DAYS, true), |bit| (bit, false)),
    }
}

/// The days from one to another, over the end of the week too.
fn through(first: u8, last: u8) -> u8 {
    let (mut days, mut next) = (first, first);
    for _ in 0..6 {
        if next == last || !first.is_power_of_two() || !last.is_power_of_two() {
            break;
        }
        next = if next == 64 { 1 } else { next << 1 };
        days |= next;
    }
    days | last
}

/// Seconds of `UTC`, `UTC+2`; `None`: local, or what nobody knows.
fn offset(reference: Option<&str>) -> Option<i64> {
    let rest = reference.unwrap_or("UTC").strip_prefix("UTC")?;
    if rest.is_empty() {
        return Some(0);
    }
    rest.parse::<i64>().ok().filter(|hours| (-14..=14).contains(hours)).map(|hours| hours * 3600)
}

/// One end of the hours.
enum Said {
    Mark(Mark),
    Nothing,
    /// By an event with something beside it, or by what is no time.
    Otherwise,
}

fn mark(sheet: &Node, side: &str, offset: Option<i64>) -> Said {
    let said = |what: &str| sheet.said(&format!("{side}{what}"));
    let relative = said("TimeRelativeEvent").filter(|minutes| !minutes.trim_matches(['0', '.']).is_empty());
    match (said("Time"), said("Event"), relative) {
        (None, None, None) => Said::Nothing,
        (Some(time), None, None) => match Mark::clock(time) {
            Some(Mark::Clock(seconds, own)) => Said::Mark(Mark::Clock(seconds, own.or(offset))),
            _ => Said::Otherwise,
        },
        (None, Some("SR"), None) => Said::Mark(Mark::Sun(Event::Rise)),
        (None, Some("SS"), None) => Said::Mark(Mark::Sun(Event::Set)),
        _ => Said::Otherwise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zones::{Sure, when::holds, xml};
    use creance_model::Timestamp;

    /// What holds at each of these times, of a baseline with these activations and further slices.
    fn told(activations: &str, more: &str, times: &[&str]) -> Vec<Sure> {
        let text = format!(
            "<Airspace><AirspaceTimeSlice><interpretation>BASELINE</interpretation>{activations}</AirspaceTimeSlice>{more}</Airspace>"
        );
        let mut answers = Vec::new();
        xml::each(&text, "Airspace", &mut |airspace| {
            let mut slices = Vec::new();
            airspace.all("AirspaceTimeSlice", &mut slices);
            let periods = periods(slices[0], &slices);
            answers.extend(times.iter().map(|time| holds(&periods, Timestamp::parse(time), 47.0, 8.0)));
        })
        .unwrap();
        answers
    }

    fn active(status: &str, sheets: &[&str]) -> String {
        let sheet = |sheet: &&str| format!("<timeInterval><Timesheet>{sheet}</Timesheet></timeInterval>");
        let sheets = sheets.iter().map(sheet).collect::<Vec<_>>().concat();
        format!(
            "<activation><AirspaceActivation>{sheets}<status>{status}</status></AirspaceActivation></activation>"
        )
    }

    fn nights(day: &str, until: &str) -> String {
        format!(
            "<timeReference>UTC</timeReference><day>{day}</day><dayTil>{until}</dayTil><startTime>22:00</startTime><endTime>04:00</endTime>"
        )
    }

    const WEEK: &str = "<timeReference>UTC</timeReference><day>MON</day><dayTil>FRI</dayTil><startTime>08:00</startTime><endTime>17:00</endTime>";
    const DAILY: &str = "<timeReference>UTC+1</timeReference><startDate>01-01</startDate><endDate>31-12</endDate><day>ANY</day><dayTil>ANY</dayTil><startTime>08:00</startTime><endTime>24:00</endTime>";

    #[test]
    fn timesheets_say_when_and_what_they_leave_open_is_uncertain() {
        use Sure::{No, Unknown, Yes};
        // 2026-08-03 is a Monday, 2026-08-08 a Saturday.
        let times = ["2026-08-03T07:30:00Z", "2026-08-03T12:00:00Z", "2026-08-08T12:00:00Z"];
        for (activations, expected) in [
            (String::new(), [Yes, Yes, Yes]),
            (active("ACTIVE", &[]), [Yes, Yes, Yes]),
            (active("INACTIVE", &[DAILY]), [Yes, Yes, Yes]),
            (active("ACTIVE", &[WEEK]), [Unknown, Yes, No]),
            (active("AVBL_FOR_ACTIVATION", &[WEEK]), [Unknown, Unknown, No]),
            (active("ACTIVE", &[DAILY]), [Yes, Yes, Yes]),
            (active("ACTIVE", &[&nights("SUN", "MON")]), [Unknown, Unknown, No]),
            (
                active("ACTIVE", &["<day>MON</day><startTime>08:00</startTime><endTime>17:00</endTime>"]),
                [No, Yes, No],
            ),
            (active("ACTIVE", &["<day>HOL</day>"]), [Unknown, Unknown, Unknown]),
            (active("ACTIVE", &["<day>WORK_DAY</day>"]), [Unknown, Unknown, No]),
            (
                active("ACTIVE", &["<startDate>01-05</startDate><endDate>30-09</endDate>"]),
                [Unknown, Unknown, Unknown],
            ),
            (active("ACTIVE", &["<startEvent>SR</startEvent><endEvent>SS</endEvent>"]), [Yes, Yes, Yes]),
            (
                active(
                    "ACTIVE",
                    &[
                        "<startEvent>SR</startEvent><startTimeRelativeEvent uom=\"MIN\">30</startTimeRelativeEvent><endEvent>SS</endEvent>",
                    ],
                ),
                [Unknown, Unknown, Unknown],
            ),
            (
                active("ACTIVE", &[DAILY, "<day>SAT</day><excluded>YES</excluded>"]),
                [Unknown, Unknown, Unknown],
            ),
            (
                active(
                    "ACTIVE",
                    &[
                        "<day>MON</day><startTime>08:00</startTime><endTime>17:00</endTime><daylightSavingAdjust>YES</daylightSavingAdjust>",
                    ],
                ),
                [Unknown, Unknown, No],
            ),
            (
                active("ACTIVE", &["<startTime>soon</startTime><endTime>17:00</endTime>"]),
                [Unknown, Unknown, Unknown],
            ),
        ] {
            assert_eq!(told(&activations, "", &times), expected, "{activations}");
        }
        assert_eq!(
            told(&active("ACTIVE", &[DAILY]), "", &["2026-08-03T06:59:00Z", "2026-08-03T22:59:00Z"]),
            [No, Yes]
        );
    }

    #[test]
    fn nights_from_one_day_to_the_next_are_one_night_for_sure() {
        use Sure::{No, Unknown, Yes};
        let times = [
            "2026-08-03T21:00:00Z",
            "2026-08-03T23:00:00Z",
            "2026-08-04T03:00:00Z",
            "2026-08-04T05:00:00Z",
            "2026-08-04T23:00:00Z",
            "2026-08-05T03:00:00Z",
            "2026-08-05T05:00:00Z",
        ];
        // Of Monday to Tuesday the second night is one that the timesheet may mean, and so is the day between both.
        let wanted = [Unknown, Yes, Yes, Unknown, Unknown, Unknown, No];
        assert_eq!(told(&active("ACTIVE", &[&nights("MON", "TUE")]), "", &times), wanted);
        // Without a last day each night is meant.
        let daily = nights("MON", "MON");
        assert_eq!(told(&active("ACTIVE", &[&daily]), "", &times), [No, Yes, Yes, No, No, No, No]);
    }

    #[test]
    fn a_change_for_a_time_adds_to_the_baseline() {
        let delta = |activation: &str| {
            format!(
                "<AirspaceTimeSlice><validTime><TimePeriod><beginPosition>2026-08-08T10:00:00Z</beginPosition><endPosition>2026-08-08T14:00:00Z</endPosition></TimePeriod></validTime><interpretation>TEMPDELTA</interpretation>{activation}</AirspaceTimeSlice>"
            )
        };
        let times = ["2026-08-08T09:00:00Z", "2026-08-08T12:00:00Z"];
        let week = active("ACTIVE", &[WEEK]);
        assert_eq!(told(&week, &delta(&active("ACTIVE", &[])), &times), [Sure::No, Sure::Yes]);
        assert_eq!(told(&week, &delta(""), &times), [Sure::No, Sure::No]);
        assert_eq!(told("", &delta(&active("ACTIVE", &[])), &times), [Sure::Yes, Sure::Yes]);
    }

    #[test]
    fn days_go_on_over_the_end_of_the_week() {
        assert_eq!(through(1, 16), 0b1_1111);
        assert_eq!(through(32, 1), 0b110_0001);
        assert_eq!(
            (through(ALL_DAYS, 4), offset(Some("UTC-3")), offset(Some("OTHER"))),
            (ALL_DAYS, Some(-10_800), None)
        );
    }
}
