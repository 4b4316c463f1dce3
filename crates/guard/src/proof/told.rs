//! A statement in words.

use super::{
    Statement, Told,
    interval::{Interval, Pair, Row},
};

/// What each word of `not_covered` stands for.
const NOT_COVERED: [(&str, &str); 6] = [
    (
        "other-radios",
        "other radios: the link to the aircraft, Bluetooth, another Wi-Fi, what an aircraft broadcasts",
    ),
    ("cellular", "cellular modems and SIM cards in controllers, tablets and aircraft"),
    ("storage", "what was kept on devices and cards, and carried away"),
    ("later-upload", "what was kept and uploaded later than the time that is told of after the flight"),
    ("gateway-itself", "what the gateway itself asked the outside for clients, but as the count `asked`"),
    ("root-on-gateway", "whoever was root on the gateway, or had the key that signs"),
];

/// Most rows of a list.
const ROWS: usize = 20;

/// In words, as people read it.
pub fn told(statement: &Statement) -> String {
    let mut out = Lines(String::new());
    tell(statement, &mut out);
    out.0
}

/// Lines of text.
struct Lines(String);

impl Lines {
    /// Adds one. What others wrote into the ledger makes no lines of its own, and moves nothing on a terminal.
    fn add(&mut self, line: impl AsRef<str>) {
        let shown = |one| if moves(one) { char::REPLACEMENT_CHARACTER } else { one };
        self.0.extend(line.as_ref().chars().map(shown));
        self.0.push('\n');
    }

    /// An empty one, and the name of what follows.
    fn head(&mut self, line: impl AsRef<str>) {
        self.add("");
        self.add(line);
    }
}

/// Whether a character stands for no sign, but for where others stand: control characters, ends of lines, and those that turn the
/// direction of writing.
fn moves(one: char) -> bool {
    one.is_control()
        || matches!(one, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn tell(one: &Statement, out: &mut Lines) {
    out.add(format!(
        "What left during flight {}, by records {} to {} of the ledger",
        one.flight, one.records.first, one.records.last
    ));
    out.head(format!("from      {}", one.began));
    match one.ended {
        Some(ended) => out.add(format!("to        {ended}")),
        None => out.add("to        it is not ended"),
    }
    out.add(format!("policy    {}", one.policy.as_deref().unwrap_or("not told")));
    out.head("States");
    for change in &one.states {
        out.add(format!("  {}  {:9} {}", change.time, change.state, change.said));
    }
    told_of(out, "Cuts", &one.cuts);
    told_of(out, "Words of operators", &one.overrides);
    told_of(out, "Alarms", &one.alarms);
    for gap in &one.gaps {
        let how = if gap.in_order { "it had ended in order" } else { "it had not ended in order" };
        out.add(format!("  no engine wrote from {} to {}; {how}", gap.from, gap.to));
    }
    during(one, out);
    if let Some(after) = &one.after {
        out.head(format!(
            "Left after it, from {} to {} (deferred uploads are among this)",
            after.from, after.to
        ));
        gone(out, after, |row| before(one.before.as_ref(), row));
    }
    out.head("Not covered");
    for word in &one.not_covered {
        let says = NOT_COVERED.iter().find(|(known, _)| known == word).map_or(*word, |(_, says)| says);
        out.add(format!("  {says}"));
    }
}

/// What left, and was refused, during the flight; and of which of its time that is not known.
fn during(one: &Statement, out: &mut Lines) {
    let Some(during) = &one.during else {
        out.head("Left during the flight");
        return out.add("  not known: nothing was counted");
    };
    out.head(format!("Left during the flight, counted from {} to {}", during.from, during.to));
    if one.began < during.from {
        out.add(format!(
            "  what left from {} to {} stands under what left before it; cuts say how much at most",
            one.began, during.from
        ));
    }
    if let Some(ended) = one.ended.filter(|ended| during.to < *ended) {
        out.add(format!("  not known from {} to {ended}", during.to));
    }
    gone(out, during, |row| exception(&one.exceptions, row));
    counted(out, during, |name| matches!(name, "asked" | "in" | "exempt_in"));
    out.head("Refused during the flight");
    if !during.is_known() {
        return out.add(UNKNOWN);
    }
    list(out, &during.refused, during.refused_unnamed, |_| String::new());
    counted(out, during, |name| !PASSED.contains(&name));
}

/// What is said of an interval in which nothing was counted.
const UNKNOWN: &str = "  not known: nothing was counted in between";

/// Counters of what was let through.
const PASSED: [&str; 8] = ["out", "in", "named_out", "named_in", "exempt_out", "exempt_in", "gone", "asked"];

fn counted(out: &mut Lines, interval: &Interval, which: impl Fn(&str) -> bool) {
    for (name, [packets, bytes]) in interval.counters.iter().filter(|(name, _)| which(name)) {
        out.add(format!("  counted `{name}`: {packets} packets, {bytes} bytes"));
    }
}

fn told_of(out: &mut Lines, name: &str, list: &[Told]) {
    out.head(format!("{name}{}", if list.is_empty() { ": none" } else { "" }));
    for one in list {
        let said: Vec<String> = one
            .detail
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| {
                format!("{key} {}", value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
            })
            .collect();
        out.add(format!("  {}  {}", one.time, said.join(", ")));
    }
}

fn gone(out: &mut Lines, interval: &Interval, note: impl Fn(&Row) -> String) {
    if !interval.is_known() {
        out.add(UNKNOWN);
    } else if interval.gone.is_empty() && interval.gone_unnamed == [0, 0] {
        out.add("  nothing, by the count of the kernel");
    } else {
        list(out, &interval.gone, interval.gone_unnamed, note);
    }
}

fn list(out: &mut Lines, rows: &[Row], unnamed: Pair, note: impl Fn(&Row) -> String) {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by_key(|row| std::cmp::Reverse(row.5));
    for row in sorted.iter().take(ROWS) {
        let (from, to, protocol, port, packets, bytes) = row;
        out.add(format!(
            "  {from} to {to}, {protocol} {port}: {packets} packets, {bytes} bytes{}",
            note(row)
        ));
    }
    let more = sorted.len().saturating_sub(ROWS);
    if more > 0 {
        out.add(format!("  and {more} more, in statement.json"));
    }
    if unnamed[0] > 0 {
        out.add(format!("  counted and not named: {} packets, {} bytes", unnamed[0], unnamed[1]));
    }
}

/// The exception that a row is of.
fn exception(exceptions: &[String], row: &Row) -> String {
    let key = format!("{} . {} . {}: ", row.1, row.2, row.3);
    exceptions
        .iter()
        .find_map(|one| one.strip_prefix(&key))
        .map_or_else(|| " (no exception of this name)".to_owned(), |why| format!(" (exception: {why})"))
}

/// What went there from there before the flight.
fn before(before: Option<&Interval>, row: &Row) -> String {
    let same = |one: &&Row| (&one.0, &one.1, &one.2, one.3) == (&row.0, &row.1, &row.2, row.3);
    let bytes = before.and_then(|before| before.gone.iter().find(same)).map_or(0, |one| one.5);
    before
        .map_or_else(String::new, |before| format!(" ({bytes} bytes from {} to {})", before.from, before.to))
}
