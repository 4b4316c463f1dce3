//! A finding of a case in words: what was found, where it went, how it is known, why it matters, how it could be wrong.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::Path,
};

use anyhow::{Context, bail};
use creance_detect::severity_rows;
use creance_model::{DataClass, FlightState, Match, Tlp, Trigger, Visibility};
use creance_render::{matched, shown};
use serde_json::Value;

use super::{card, replay};
use crate::exit::Usage;

/// Packets that are shown.
const MOST_PACKETS: usize = 12;

/// Bytes of the longest document of findings that is read.
const LARGEST: u64 = 1 << 30;

/// Columns of a label.
const LABEL: usize = 13;

pub(crate) fn explain(case: &Path, id: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let path = case.join("findings.json");
    let told = || format!("cannot read {}", path.display());
    // A case may be anybody's: a pipe or a device has no end.
    let is_file = fs::metadata(&path).with_context(told)?.is_file();
    let mut bytes = Vec::new();
    if is_file {
        File::open(&path).with_context(told)?.take(LARGEST + 1).read_to_end(&mut bytes).with_context(told)?;
    }
    if !is_file || bytes.len() as u64 > LARGEST {
        bail!("cannot read {}: it is no file, or larger than {LARGEST} bytes", path.display());
    }
    let document: Value = serde_json::from_slice(&bytes).with_context(told)?;
    if text(&document, "/schema").is_none_or(|schema| !schema.starts_with("creance.findings/")) {
        bail!("{} is no document of findings", path.display());
    }
    let all = document.get("findings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is = |one: &&Value| text(one, "/id").is_some_and(|known| known.eq_ignore_ascii_case(id));
    let Some(finding) = all.iter().find(is) else {
        let last = all.last().and_then(|last| text(last, "/id"));
        let known = last.map_or_else(|| "no findings".to_owned(), |last| format!("F0001 to {last}"));
        return Err(Usage(format!("no finding {id} in {}: it has {known}", case.display())).into());
    };
    // A document of before there were marks has none: it gets the mark that is given where none is.
    let mark = text(finding, "/tlp").and_then(Tlp::from_name).unwrap_or_default();
    writeln!(out, "{}", mark.label())?;
    let mut say = |label: &str, words: &str| writeln!(out, "{label:<LABEL$}{words}");
    let field = |pointer| text(finding, pointer).map(shown);
    let or = |pointer, none: &str| field(pointer).unwrap_or_else(|| none.to_owned());

    say(
        &or("/id", "?"),
        &format!("{}, {}: {}", or("/severity", "?"), or("/data_class", "?"), or("/value", "?")),
    )?;
    let how = text(finding, "/match").and_then(Match::from_name);
    let known = how.map_or_else(|| or("/match", "?"), |how| format!("{} ({how})", matched(how)));
    let known = match field("/basis") {
        Some(basis) => format!("{known}: {basis}"),
        None => known,
    };
    say("known by", &known)?;
    for (label, pointer) in [("file", "/file"), ("stands in", "/found_in")] {
        if let Some(words) = field(pointer) {
            say(label, &words)?;
        }
    }
    say("from", &with_basis(or("/source/ip", "nobody that is known"), field("/source/basis")))?;
    if let Some(app) = field("/source/app") {
        say("app", &app)?;
    }
    destination(finding, &mut say)?;
    let count = finding.get("count").and_then(Value::as_u64).unwrap_or(1);
    let times =
        if count == 1 { "once".to_owned() } else { format!("{count} times, last {}", or("/last_time", "?")) };
    say("when", &format!("{}, {times}", or("/time", "?")))?;
    say("aircraft", &with_basis(or("/flight_state", "unknown"), field("/flight_state_source")))?;
    let app = format!("{}, sent by {}", or("/app_state", "unknown"), or("/trigger", "unknown"));
    say("app state", &with_basis(app, field("/context_source")))?;
    let carried = format!(
        "{}, {}, {}, {}",
        or("/protocol", "?"),
        or("/transport", "?"),
        or("/direction", "?"),
        visibility_words(text(finding, "/visibility"))
    );
    say("carried by", &carried)?;
    let steps: Vec<&str> = texts(finding, "/decode_path");
    say("path", &shown_steps(&steps))?;
    let packets = replay::packets(finding);
    let listed: Vec<String> = packets.iter().take(MOST_PACKETS).map(u64::to_string).collect();
    let more = if packets.len() > MOST_PACKETS { " …" } else { "" };
    say("packets", &format!("{}{more}", listed.join(" ")))?;

    severity(finding, how, &mut say)?;
    let detector = or("/detector", "?");
    if let Some(card) = card(&detector) {
        writeln!(out, "\nTold by the detector {}, which looks for {}.", card.id, card.what)?;
        writeln!(out, "Why it matters: {}", card.why)?;
        writeln!(out, "How it could be wrong: {}", card.wrong)?;
    } else {
        writeln!(out, "\nTold by a detector that this version of creance has not: {detector}")?;
    }
    if how == Some(Match::Pattern) {
        writeln!(out, "It was told by its shape alone: take it as a hint, not as a fact.")?;
    }
    writeln!(out, "\nTo see it with other tools:")?;
    for line in replay::lines(&document, finding, &steps) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

fn destination(
    finding: &Value,
    say: &mut dyn FnMut(&str, &str) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let field = |name: &str| text(finding, &format!("/destination/{name}")).map(shown);
    let host = field("host").map(|host| with_basis(host, field("host_basis")));
    let port = finding.pointer("/destination/port").and_then(Value::as_u64).unwrap_or(0);
    let ip = field("ip").map(|ip| if port == 0 { ip } else { format!("{ip} port {port}") });
    let to: Vec<String> = host.into_iter().chain(ip).collect();
    say("to", &if to.is_empty() { "all who listen".to_owned() } else { to.join(", ") })?;
    if let Some(organization) = field("organization") {
        say("run by", &with_basis(organization, field("organization_basis")))?;
    }
    let confidence = field("country_confidence").filter(|confidence| confidence != "none");
    let country = field("country").map(|country| with_basis(country, field("country_basis")));
    let sure = confidence.map(|confidence| format!(", confidence {confidence}")).unwrap_or_default();
    let edge = finding.pointer("/destination/edge").and_then(Value::as_bool) == Some(true);
    let edge = if edge { "; an edge of a network: where bytes go behind it is not known" } else { "" };
    say(
        "in",
        &country.map_or_else(|| format!("not known{edge}"), |country| format!("{country}{sure}{edge}")),
    )?;
    if let Some(control) = field("control") {
        say("law of", &with_basis(control, field("control_basis")))?;
    }
    Ok(())
}

/// The rows of the table of severities that apply.
fn severity(
    finding: &Value,
    how: Option<Match>,
    say: &mut dyn FnMut(&str, &str) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let class = text(finding, "/data_class").and_then(DataClass::from_name);
    let flight = text(finding, "/flight_state").and_then(FlightState::from_name);
    let trigger = text(finding, "/trigger").and_then(Trigger::from_name);
    let visibility = match text(finding, "/visibility") {
        Some("clear") => Visibility::Clear,
        Some("decrypted") => Visibility::Decrypted,
        _ => Visibility::Opaque,
    };
    let (Some(class), Some(how), Some(flight), Some(trigger)) = (class, how, flight, trigger) else {
        return Ok(());
    };
    let radiated = text(finding, "/direction") == Some("broadcast");
    let known = radiated || text(finding, "/destination/control").is_some();
    let trigger = if radiated { Trigger::Unknown } else { trigger };
    let of = (class, how, visibility, flight, trigger, known);
    let level = creance_detect::severity(of.0, of.1, of.2, of.3, of.4, of.5);
    let mut rows = severity_rows(of.0, of.1, of.2, of.3, of.4, of.5);
    let told = text(finding, "/severity").unwrap_or_default();
    if level.name() != told {
        rows.push(format!("the finding says {told}: it was seen in more than one way, and the worst stands"));
    }
    for (index, row) in rows.iter().enumerate() {
        say(if index == 0 { "severity" } else { "" }, row)?;
    }
    Ok(())
}

/// What is known of it, and what says so.
fn with_basis(words: impl Into<String>, basis: Option<String>) -> String {
    let words = words.into();
    match basis {
        Some(basis) => format!("{words} (by {basis})"),
        None => words,
    }
}

fn shown_steps(steps: &[&str]) -> String {
    steps.iter().map(|step| shown(step)).collect::<Vec<_>>().join(" > ")
}

fn visibility_words(visibility: Option<&str>) -> &'static str {
    match visibility {
        Some("clear") => "in the clear",
        Some("decrypted") => "encrypted, read with keys",
        _ => "opaque",
    }
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

fn texts<'a>(value: &'a Value, pointer: &str) -> Vec<&'a str> {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}
