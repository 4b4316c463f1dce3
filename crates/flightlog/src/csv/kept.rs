//! What may stay in cells of which nobody knows what they say: numbers and states everywhere; times, and words of programs,
//! where the name of the column promises them. Everything else is a text, and may be anything.

use super::columns::{Columns, Name, Times};

/// What may stay in a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kept {
    /// All of it: models of aircraft, the app and its version.
    Whole,
    /// Dates and times of day as well.
    Times,
    /// One word as well, such as a state of the autopilot.
    Word,
    Numbers,
}

/// Ends of names whose columns hold words of programs.
const OF_PROGRAMS: &[&str] =
    &["state", "status", "mode", "level", "type", "cause", "action", "version", "firmware", "groundorsky"];

/// Letters of a cell that may stay, and digits of a number before its point: telephone numbers have more.
const LONGEST: usize = 32;
const MOST_DIGITS: usize = 9;

impl Kept {
    /// What may stay in each column.
    pub(super) fn of(columns: &Columns) -> Vec<Self> {
        let [app, version] = columns.app;
        let whole = [columns.model, app, version];
        let times = match columns.times {
            None => [None, None],
            Some(Times::Whole(column)) => [Some(column), None],
            Some(Times::Split(date, time)) => [Some(date), Some(time)],
        };
        let kept = |(at, name): (usize, &Name)| {
            if whole.contains(&Some(at)) {
                Self::Whole
            } else if times.contains(&Some(at)) || name.has(&["time", "date", "utc"]) {
                Self::Times
            } else if OF_PROGRAMS.iter().any(|end| name.bare().ends_with(end)) {
                Self::Word
            } else {
                Self::Numbers
            }
        };
        columns.names.iter().enumerate().map(kept).collect()
    }

    /// Whether a cell stays, given the number that it is.
    pub(super) fn allows(self, cell: &str, number: Option<f64>) -> bool {
        let cell = cell.trim();
        let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
        if cell.is_empty() || self == Self::Whole {
            return true;
        }
        if cell.len() > LONGEST {
            return false;
        }
        let before_point = cell.split(['.', ',']).next().unwrap_or_default();
        let is_short = digits(before_point) <= MOST_DIGITS && !cell.starts_with('+');
        let small = cell.to_ascii_lowercase();
        let is_state =
            ["true", "false", "yes", "no", "on", "off", "armed", "disarmed", "none", "null", "n/a", "nan"];
        if number.is_some() && is_short || is_state.contains(&small.as_str()) {
            return true;
        }
        match self {
            Self::Times => {
                let clock = small.trim_end_matches("utc").trim_end_matches("am").trim_end_matches("pm");
                let of_time = |byte: u8| byte.is_ascii_digit() || b" :/-.,+tz".contains(&byte);
                clock.bytes().all(of_time)
            }
            Self::Word => {
                let of_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./()".contains(&byte);
                cell.bytes().all(of_word) && digits(cell) <= MOST_DIGITS
            }
            Self::Numbers | Self::Whole => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_states_stay_and_words_only_where_programs_write_them() {
        let stays = |kept: Kept, cell: &str| kept.allows(cell, cell.parse().ok());
        for cell in ["", "-14.9", "96.509710109308", "4.1e-3", "True", "NaN"] {
            assert!(stays(Kept::Numbers, cell), "{cell}");
        }
        for cell in ["Ada", "+41791234567", "0791234567", "call 12", "47.1,8.2", "GPS_Atti", "2024-01-01"] {
            assert!(!stays(Kept::Numbers, cell), "{cell}");
        }
        for cell in ["GPS_Atti", "P-GPS", "V01.00.0500"] {
            assert!(stays(Kept::Word, cell), "{cell}");
        }
        for cell in ["Ada Example", "0791234567", "ada@example.com"] {
            assert!(!stays(Kept::Word, cell), "{cell}");
        }
        for cell in ["2016-09-26 18:12:46", "2:22:59.45 PM", "2024-01-01T00:00:00.5+00:00", "1717430400123"] {
            assert!(stays(Kept::Times, cell), "{cell}");
        }
        assert!(!stays(Kept::Times, "noon at Ada's"));
        assert!(stays(Kept::Whole, "DJI Fly"));
    }

    #[test]
    fn columns_are_told_by_their_names() {
        let header = "datetime(utc),latitude,longitude,flycState,Drone Type,rc_rudder,Exposure Time";
        let columns = Columns::of(header.split(',').map(str::as_bytes));
        let numbers = Kept::Numbers;
        let wanted = [Kept::Times, numbers, numbers, Kept::Word, Kept::Whole, numbers, Kept::Times];
        assert_eq!(Kept::of(&columns), wanted);
    }
}
