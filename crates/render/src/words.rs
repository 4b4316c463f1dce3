//! Numbers and names for people.

use creance_model::{FlightState, Match, Traffic};

/// `1.2 MB`: decimal units, two figures.
#[expect(clippy::cast_precision_loss, reason = "two figures are shown")]
pub(crate) fn bytes(count: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let (mut amount, mut unit) = (count as f64, "B");
    for next in units {
        unit = next;
        if amount < 1000.0 {
            break;
        }
        if next != "TB" {
            amount /= 1000.0;
        }
    }
    if unit == "B" { format!("{count} B") } else { format!("{amount:.1} {unit}") }
}

/// `37 %`; what is not nothing is never shown as nothing, and what is not all never as all.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    let rounded = (u128::from(part) * 100 + u128::from(whole) / 2) / u128::from(whole);
    match rounded {
        0 if part > 0 => "under 1 %".to_owned(),
        100 if part < whole => "over 99 %".to_owned(),
        rounded => format!("{rounded} %"),
    }
}

/// `one finding`, `3 findings`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("one {one}") } else { format!("{number} {many}") }
}

/// `a, b and c`.
pub(crate) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// How we know, in words.
pub(crate) const fn matched(one: Match) -> &'static str {
    match one {
        Match::Canary => "a planted value",
        Match::Device => "content of the examined device",
        Match::Track => "on the known flight track",
        Match::Adapter => "a described endpoint",
        Match::Structured => "a named field of the right shape",
        Match::Pattern => "its shape alone",
        Match::Size => "the size of an opaque upload",
    }
}

/// A flight state in words.
pub(crate) const fn state(one: FlightState) -> &'static str {
    match one {
        FlightState::Off => "aircraft off",
        FlightState::Ground => "on the ground",
        FlightState::Flying => "in flight",
        FlightState::Unknown => "unknown",
    }
}

/// Host, or address.
pub(crate) fn host(traffic: &Traffic) -> String {
    let destination = &traffic.destination;
    shown(destination.host.as_deref().or(destination.ip.as_deref()).unwrap_or("unknown"))
}

/// Text from the evidence: control and direction-changing characters made visible, cut when long.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == MOST {
            shown.push('…');
            break;
        }
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if c.is_control() || turns {
            shown.push('\u{fffd}');
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Characters of one value that are shown.
const MOST: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_little_is_not_nothing() {
        assert_eq!(percent(1, 1000), "under 1 %");
        assert_eq!(percent(999, 1000), "over 99 %");
        assert_eq!(percent(0, 0), "0 %");
        assert_eq!(bytes(4_557_124), "4.6 MB");
    }

    #[test]
    fn hostile_text_is_defused_and_cut() {
        assert_eq!(shown("a\u{202e}b\x1b[0m"), "a\u{fffd}b\u{fffd}[0m");
        assert_eq!(shown(&"x".repeat(10_000)).chars().count(), MOST + 1);
    }
}
