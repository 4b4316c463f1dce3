//! Times of rows.

use creance_model::Timestamp;

use super::columns::{Columns, Times};

/// How far a time that is counted in milliseconds may be from the one that is written in seconds, in nanoseconds.
const APART: u64 = 1_500_000_000;

/// Reads the times of rows, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    times: Option<Times>,
    milliseconds: Option<usize>,
    /// A time, and the milliseconds then.
    anchor: Option<(Timestamp, f64)>,
    /// Of dates like 4/13/2022: whether the day stands first, as the first date says.
    pub(super) day_first: Option<bool>,
}

impl Clock {
    pub(super) fn new(columns: &Columns) -> Self {
        Self { times: columns.times, milliseconds: columns.milliseconds, anchor: None, day_first: None }
    }

    /// The time of a row, given its cells. Local times are taken as UTC.
    pub(super) fn time<'a>(&mut self, cell: impl Fn(usize) -> Option<&'a str>) -> Option<Timestamp> {
        let written = match self.times? {
            Times::Whole(column) => self.moment(cell(column)?)?,
            Times::Split(date, time) => {
                let (date, time) = (cell(date)?, cell(time)?);
                // A time that says its date all by itself, or is counted since 1970.
                let whole = time.contains(['-', 'T']) || !time.contains(':');
                let moment = whole.then(|| Timestamp::parse(time)).flatten();
                moment.or_else(|| self.moment(&format!("{date} {time}")))?
            }
        };
        let counted = self.milliseconds.and_then(&cell).and_then(|cell| cell.parse::<f64>().ok());
        let Some(counted) = counted.filter(|ms| ms.is_finite() && written.as_nanos() % 1_000_000_000 == 0)
        else {
            return Some(written);
        };
        // Exports write whole seconds, and beside them milliseconds since the motors ran.
        let (since, then) = *self.anchor.get_or_insert((written, counted));
        #[expect(clippy::cast_possible_truncation, reason = "what does not fit is far from what is written")]
        let fine = since.plus_nanos(((counted - then) * 1e6) as i64);
        if fine.since(written).unsigned_abs() <= APART {
            return Some(fine);
        }
        self.anchor = Some((written, counted));
        Some(written)
    }

    fn moment(&mut self, text: &str) -> Option<Timestamp> {
        Timestamp::parse(text).or_else(|| self.with_slashes(text))
    }

    /// `4/13/2022 2:22:59.45 PM`, or the day first.
    fn with_slashes(&mut self, text: &str) -> Option<Timestamp> {
        let (date, time) = text.trim().split_once(' ')?;
        let parts: Vec<u32> =
            date.split(['/', '.', '-']).map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let &[first, second, year] = parts.as_slice() else { return None };
        let day_first = *self.day_first.get_or_insert(first > 12);
        let (day, month) = if day_first { (first, second) } else { (second, first) };
        let time = time.trim().to_uppercase();
        let (time, hours) = match (time.strip_suffix("AM"), time.strip_suffix("PM")) {
            (Some(time), _) => (time.trim(), Some(0)),
            (_, Some(time)) => (time.trim(), Some(12)),
            _ => (time.as_str(), None),
        };
        let (hour, rest) = time.split_once(':')?;
        let hour: u32 = hour.parse().ok()?;
        let hour = hours.map_or(hour, |hours| hour % 12 + hours);
        let rest = rest.split(':').map(|part| {
            if part.find('.').unwrap_or(part.len()) < 2 { format!("0{part}") } else { part.to_owned() }
        });
        let rest = rest.collect::<Vec<_>>().join(":");
        Timestamp::parse(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{rest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(times: Times, milliseconds: Option<usize>) -> Clock {
        Clock { times: Some(times), milliseconds, anchor: None, day_first: None }
    }

    fn time(clock: &mut Clock, cells: &[&str]) -> Option<String> {
        clock.time(|at| cells.get(at).copied()).map(|time| time.to_string())
    }

    #[test]
    fn dates_with_slashes_are_read_as_the_first_one_says() {
        let mut month_first = clock(Times::Split(0, 1), None);
        for (cells, wanted) in [
            (["4/13/2022", "2:22:59.45 PM"], "2022-04-13T14:22:59.45Z"),
            (["4/5/2022", "12:00:00 AM"], "2022-04-05T00:00:00Z"),
            (["4/5/2022", "9:05:1"], "2022-04-05T09:05:01Z"),
        ] {
            assert_eq!(time(&mut month_first, &cells).as_deref(), Some(wanted));
        }
        for whole in ["1649860000", "2022-04-13T14:26:40Z"] {
            assert_eq!(time(&mut month_first, &["?", whole]).as_deref(), Some("2022-04-13T14:26:40Z"));
        }
        let mut day_first = clock(Times::Split(0, 1), None);
        assert_eq!(time(&mut day_first, &["13/4/2022", "1:00:00"]).as_deref(), Some("2022-04-13T01:00:00Z"));
        assert_eq!(time(&mut day_first, &["1/5/2022", "1:00:00"]).as_deref(), Some("2022-05-01T01:00:00Z"));
    }

    #[test]
    fn milliseconds_part_rows_of_one_second_unless_they_jump() {
        let mut clock = clock(Times::Whole(1), Some(0));
        for (cells, wanted) in [
            (["500", "2022-04-13 14:00:00"], "2022-04-13T14:00:00Z"),
            (["700", "2022-04-13 14:00:00"], "2022-04-13T14:00:00.2Z"),
            (["1600", "2022-04-13 14:00:01"], "2022-04-13T14:00:01.1Z"),
            (["9000", "2022-04-13 14:00:02"], "2022-04-13T14:00:02Z"),
            (["9100", "2022-04-13 14:00:02"], "2022-04-13T14:00:02.1Z"),
        ] {
            assert_eq!(time(&mut clock, &cells).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for cells in [["", ""], ["never", "x"], ["1/2", "3:4"], ["99/99/9999", "99:99"]] {
            assert_eq!(time(&mut clock(Times::Split(0, 1), None), &cells), None);
        }
    }
}
