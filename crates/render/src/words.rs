//! Numbers and names for people.

use std::fmt::Write as _;

use creance_model::{DataClass, FlightState, InsideBasis, Match, Picture, Traffic, Visibility};

/// Code and short English name of each country (Unicode CLDR; see `assets/build_countries.mjs`).
const COUNTRIES: &str = include_str!("../assets/countries.tsv");

/// The name of a country, or the code that nobody knows.
pub(crate) fn country(code: &str) -> String {
    known_country(code).map_or_else(|| shown(code), ToOwned::to_owned)
}

/// The name of a country whose code is known.
pub(crate) fn known_country(code: &str) -> Option<&'static str> {
    COUNTRIES
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .find(|(known, _)| *known == code)
        .map(|(_, name)| name)
}

/// `1.2 MB`: decimal units, two figures.
#[expect(clippy::cast_precision_loss, reason = "two figures are shown")]
pub fn bytes(count: u64) -> String {
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

/// A sentence with its stop: what follows is another one.
pub(crate) fn ended(sentence: &str) -> String {
    let stop = if sentence.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{sentence}{stop}")
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
pub const fn matched(one: Match) -> &'static str {
    match one {
        Match::Canary => "a planted value",
        Match::Device => "content of the examined device",
        Match::Track => "a place on the known flight track",
        Match::Adapter => "a described endpoint",
        Match::Structured => "a named field of the right shape",
        Match::Pattern => "its shape alone",
        Match::Size => "the size of an opaque upload",
    }
}

/// A kind of data in words, many of it.
pub(crate) const fn class(one: DataClass) -> &'static str {
    match one {
        DataClass::Location => "locations",
        DataClass::Imagery => "pictures",
        DataClass::Video => "video",
        DataClass::Audio => "sound",
        DataClass::Face => "faces",
        DataClass::FlightLog => "flight records",
        DataClass::PersonName => "names of people",
        DataClass::Email => "e-mail addresses",
        DataClass::Phone => "telephone numbers",
        DataClass::Credential => "credentials",
        DataClass::AccountId => "account identifiers",
        DataClass::DeviceId => "device identifiers",
        DataClass::Serial => "serial numbers",
        DataClass::Contacts => "contacts",
        DataClass::Messages => "messages",
        DataClass::InstalledApps => "lists of installed apps",
        DataClass::NetworkInfo => "network details",
        DataClass::FileHash => "hashes of files",
    }
}

/// Why an end of a conversation is taken for ours.
pub(crate) const fn inside(basis: InsideBasis) -> &'static str {
    match basis {
        InsideBasis::Stated => "stated by the examiner",
        InsideBasis::PrivateRange => "a private address",
        InsideBasis::FirstSyn => "it opened the connection",
        InsideBasis::Guess => "a guess by port and order",
        InsideBasis::Recorded => "the recording was made there",
        InsideBasis::Radiated => "it was radiated, by whom is not known",
    }
}

/// How it could be read.
pub(crate) const fn visibility(one: Visibility) -> &'static str {
    match one {
        Visibility::Clear => "in the clear",
        Visibility::Decrypted => "encrypted, read with keys",
        Visibility::Opaque => "opaque",
    }
}

/// A flight state in words.
pub const fn state(one: FlightState) -> &'static str {
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

/// Text from the evidence: characters that are not seen or that turn the writing around stand as `⟨U+202E⟩`, long text is cut.
pub fn shown(text: &str) -> String {
    up_to(MOST, text)
}

/// The same, for sentences: they may be longer than a value.
pub fn shown_whole(text: &str) -> String {
    up_to(MOST_OF_SENTENCES, text)
}

/// The same, however long: a document keeps its lines, and is uncut.
pub(crate) fn defused(document: &str) -> String {
    let lines: Vec<String> = document.split('\n').map(|line| up_to(usize::MAX, line)).collect();
    lines.join("\n")
}

fn up_to(most: usize, text: &str) -> String {
    let mut shown = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == most {
            shown.push('…');
            break;
        }
        if hidden(c) {
            let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Control, direction, joining and tag characters, and separators that a page shows as nothing.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'
                ..='\u{180f}'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Characters of one value that are shown.
const MOST: usize = 160;
/// Characters of sentences that are shown.
const MOST_OF_SENTENCES: usize = 1200;

/// How fine a picture is: `4000×3000 pixels, 5.0 cm of the ground each`.
pub(crate) fn picture(of: &Picture) -> String {
    let ground = of.ground_m.map(|metres| format!(", {:.1} cm of the ground each", metres * 100.0));
    format!("{}×{} pixels{}", of.width, of.height, ground.unwrap_or_default())
}

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
    fn four_answers_are_four_names() {
        assert_eq!(["CN", "HK", "MO", "TW"].map(country), ["China", "Hong Kong", "Macao", "Taiwan"]);
        assert_eq!(country("ZZ"), "ZZ");
    }

    #[test]
    fn hostile_text_is_defused_and_cut() {
        assert_eq!(shown("a\u{202e}b\x1b[0m"), "a⟨U+202E⟩b⟨U+001B⟩[0m");
        assert_eq!(shown(&"x".repeat(10_000)).chars().count(), MOST + 1);
    }
}
