//! What the law asks for there, and whether a fleet's list has it.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use anyhow::{Context, ensure};
use creance_place::Country;
use creance_place::region::answer::{Answer, Outcome};
use creance_place::region::duties::{self, Cut, Pack};
use creance_place::region::fleet::{self, Checked};
use serde_json::{Value, json};

/// The jurisdictions that may hold where the aircraft is: of a contested answer, all of them.
pub(super) fn packs(answer: &Answer) -> anyhow::Result<Vec<(Country, Option<&'static Pack>)>> {
    if answer.outcome == Outcome::Unknown {
        return Ok(Vec::new());
    }
    let determined = answer.outcome == Outcome::Determined;
    let countries =
        answer.candidates.iter().map(|(country, _)| *country).filter(|country| *country != Country::OPEN_SEA);
    countries
        .take(if determined { 1 } else { usize::MAX })
        .map(|country| Ok((country, duties::of(country)?)))
        .collect()
}

pub(super) fn packs_document(packs: &[(Country, Option<&Pack>)]) -> Value {
    let one = |(country, pack): &(Country, Option<&Pack>)| {
        let lines = pack.iter().flat_map(|pack| &pack.lines).map(|line| {
            json!({"topic": line.topic, "says": line.says, "source": line.source, "date": line.date, "unverified": line.unverified})
        });
        json!({
            "iso": country.to_string(),
            "jurisdiction": pack.map(|pack| pack.name.as_str()),
            "telemetry_cut": pack.map_or(Cut::Unknown, |pack| pack.telemetry_cut).name(),
            "lines": lines.collect::<Value>(),
        })
    };
    packs.iter().map(one).collect()
}

pub(super) fn packs_text(packs: &[(Country, Option<&Pack>)]) -> String {
    let mut lines = Vec::new();
    if packs.is_empty() {
        lines.push("Duties    of which country, is not known".to_owned());
    }
    for (country, pack) in packs {
        let Some(pack) = pack else {
            lines.push(format!("Duties    there is no file of the duties in {country}"));
            continue;
        };
        lines.push(format!(
            "Duties    {country}, {}: to cut telemetry in flight is {}",
            pack.name,
            told(pack.telemetry_cut)
        ));
        for line in &pack.lines {
            let mark = if line.unverified { ", not verified" } else { "" };
            lines.push(format!("    {:<13} {}", line.topic, line.says));
            lines.push(format!("    {:<13} [{}; {}{mark}]", "", line.source, line.date));
        }
    }
    if packs.len() > 1 {
        lines.push("    Where it is contested, the duties of all of them are to be met.".to_owned());
    }
    lines.join("\n") + "\n"
}

const fn told(cut: Cut) -> &'static str {
    match cut {
        Cut::Lawful => "lawful",
        Cut::Unlawful => "unlawful for what is reported to the authority",
        Cut::Unknown => "not known to be forbidden, nor read to be allowed",
    }
}

pub(super) fn fleet(path: &Path, usual: Option<Country>) -> anyhow::Result<Checked> {
    let cannot = || format!("cannot read {}", path.display());
    let about = fs::metadata(path).with_context(cannot)?;
    // Opening a pipe waits until somebody writes into it.
    ensure!(about.is_file(), "{}: not a regular file", cannot());
    let most = fleet::LARGEST as u64;
    ensure!(about.len() <= most, "{}: more than {most} bytes", cannot());
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).with_context(cannot)?;
    fleet::check(&bytes, usual).with_context(cannot)
}

pub(super) fn fleet_document(checked: &Checked) -> Value {
    let faults = checked.faults.iter().map(
        |fault| json!({"row": fault.row, "column": fault.column, "why": fault.why, "source": fault.source}),
    );
    json!({
        "rows": checked.rows,
        "unread": checked.unread,
        "remote_id_unchecked": checked.remote_id_unchecked,
        "faults": faults.collect::<Value>(),
    })
}

pub(super) fn fleet_text(checked: &Checked) -> String {
    let unread = if checked.unread > 0 { format!(", {} rows unread", checked.unread) } else { String::new() };
    let mut lines =
        vec![format!("Fleet     {} aircraft, {} faults{unread}", checked.rows, checked.faults.len())];
    for fault in &checked.faults {
        let source = fault.source.as_deref().map(|source| format!(" [{source}]")).unwrap_or_default();
        lines.push(format!("    row {:<5} {:<13} {}{source}", fault.row, fault.column, fault.why));
    }
    if checked.remote_id_unchecked > 0 {
        lines.push(format!(
            "    remote identification of {} aircraft was not checked: the list has no column remote_id",
            checked.remote_id_unchecked
        ));
    }
    lines.join("\n") + "\n"
}
