//! A statement in words.

use std::fmt::Write as _;

use super::{Interval, Pair, Row, Statement, Told};

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
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = tell(statement, &mut out);
    out
}

fn tell(one: &Statement, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "What left during flight {}, by records {} to {} of the ledger",
        one.flight, one.records.first, one.records.last
    )?;
    writeln!(out, "\nfrom      {}", one.began)?;
    match one.ended {
        Some(ended) => writeln!(out, "to        {ended}")?,
        None => writeln!(out, "to        it is not ended")?,
    }
    writeln!(out, "policy    {}", one.policy.as_deref().unwrap_or("not told"))?;
    writeln!(out, "\nStates")?;
    for change in &one.states {
        writeln!(out, "  {}  {:9} {}", change.time, change.state, change.said)?;
    }
    told_of(out, "Cuts", &one.cuts)?;
    told_of(out, "Words of operators", &one.overrides)?;
    told_of(out, "Alarms", &one.alarms)?;
    for gap in &one.gaps {
        let how = if gap.in_order { "it had ended in order" } else { "it had not ended in order" };
        writeln!(out, "  no engine ran from {} to {}; {how}", gap.from, gap.to)?;
    }
    writeln!(out, "\nLeft during the flight")?;
    match &one.during {
        Some(during) => {
            gone(out, during, |row| exception(&one.exceptions, row))?;
            for name in ["asked", "in", "exempt_in"] {
                if let Some([packets, bytes]) = during.counters.get(name) {
                    writeln!(out, "  counted `{name}`: {packets} packets, {bytes} bytes")?;
                }
            }
            writeln!(out, "\nRefused during the flight")?;
            list(out, &during.refused, during.refused_unnamed, |_| String::new())?;
            for (name, [packets, bytes]) in
                during.counters.iter().filter(|(name, _)| !PASSED.contains(&name.as_str()))
            {
                writeln!(out, "  counted `{name}`: {packets} packets, {bytes} bytes")?;
            }
        }
        None => writeln!(out, "  not known: nothing was counted yet")?,
    }
    if let Some(after) = &one.after {
        writeln!(
            out,
            "\nLeft after it, from {} to {} (deferred uploads are among this)",
            after.from, after.to
        )?;
        gone(out, after, |row| before(one.before.as_ref(), row))?;
    }
    writeln!(out, "\nNot covered")?;
    for word in &one.not_covered {
        let says = NOT_COVERED.iter().find(|(known, _)| known == word).map_or(*word, |(_, says)| says);
        writeln!(out, "  {says}")?;
    }
    Ok(())
}

/// Counters of what was let through.
const PASSED: [&str; 8] = ["out", "in", "named_out", "named_in", "exempt_out", "exempt_in", "gone", "asked"];

fn told_of(out: &mut String, name: &str, list: &[Told]) -> std::fmt::Result {
    writeln!(out, "\n{name}{}", if list.is_empty() { ": none" } else { "" })?;
    for one in list {
        let said: Vec<String> = one
            .detail
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| {
                format!("{key} {}", value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
            })
            .collect();
        writeln!(out, "  {}  {}", one.time, said.join(", "))?;
    }
    Ok(())
}

fn gone(out: &mut String, interval: &Interval, note: impl Fn(&Row) -> String) -> std::fmt::Result {
    if interval.gone.is_empty() && interval.gone_unnamed == [0, 0] {
        return writeln!(out, "  nothing, by the count of the kernel");
    }
    list(out, &interval.gone, interval.gone_unnamed, note)
}

fn list(out: &mut String, rows: &[Row], unnamed: Pair, note: impl Fn(&Row) -> String) -> std::fmt::Result {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by_key(|row| std::cmp::Reverse(row.5));
    for row in sorted.iter().take(ROWS) {
        let (from, to, protocol, port, packets, bytes) = row;
        writeln!(out, "  {from} to {to}, {protocol} {port}: {packets} packets, {bytes} bytes{}", note(row))?;
    }
    let more = sorted.len().saturating_sub(ROWS);
    if more > 0 {
        writeln!(out, "  and {more} more, in statement.json")?;
    }
    if unnamed[0] > 0 {
        writeln!(out, "  counted and not named: {} packets, {} bytes", unnamed[0], unnamed[1])?;
    }
    Ok(())
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
