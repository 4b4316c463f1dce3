//! The summary on a terminal: what the page says, in a screenful.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};
use creance_model::{DataClass, FlightState, Report, Severity};

use crate::{
    Options, Output,
    headline::headline,
    words::{self, bytes, percent, shown},
};

/// The terminal summary.
pub(crate) struct Text;

/// Rows of a table in the summary.
const MOST_ROWS: usize = 12;

impl Output for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn file_name(&self) -> Option<&'static str> {
        None
    }

    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        let paint = Paint(options.colour);
        let [first, second] = headline(report);
        writeln!(out, "{}\n{}\n", paint.bold(&first), second)?;
        destinations(report, &paint, out)?;
        findings(report, &paint, out)?;
        phases(report, out)?;
        let coverage = &report.coverage;
        writeln!(
            out,
            "Seen       {} packets; of {} with the outside {} readable, {} opaque, {} lost",
            report.case.packets,
            bytes(coverage.bytes),
            percent(coverage.readable, coverage.bytes),
            percent(coverage.opaque, coverage.bytes),
            bytes(coverage.lost),
        )?;
        for damage in report.case.damage.iter().take(3) {
            let told = format!(
                "{} at offset {} of {}: {}",
                damage.what,
                damage.offset,
                shown(&damage.input),
                damage.why
            );
            writeln!(out, "{}", paint.warn(&format!("Damage     {told}")))?;
        }
        for note in report.case.notes.iter().take(6) {
            writeln!(out, "Note       {}", shown(note))?;
        }
        if let Some(folder) = &options.case_folder {
            writeln!(out, "Case       {folder} (report.html, findings.json)")?;
        }
        Ok(())
    }
}

fn destinations(report: &Report, paint: &Paint, out: &mut dyn Write) -> io::Result<()> {
    if report.destinations.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "{}",
        paint.bold(&format!(
            "{:<34} {:>4} {:>4} {:<16} {:>9} {:>9} {:>10}",
            "Destination", "in", "law", "run by", "up", "down", "opaque"
        ))
    )?;
    for row in report.destinations.iter().take(MOST_ROWS) {
        let to = &row.destination;
        writeln!(
            out,
            "{:<34} {:>4} {:>4} {:<16} {:>9} {:>9} {:>10}",
            cut(&words::host(row), 34),
            to.country.as_deref().unwrap_or("?"),
            to.control.as_deref().unwrap_or("?"),
            cut(to.organization.as_deref().unwrap_or("?"), 16),
            bytes(row.bytes_up),
            bytes(row.bytes_down),
            percent(row.opaque, row.bytes_up + row.bytes_down),
        )?;
    }
    let rest = report.destinations.len().saturating_sub(MOST_ROWS);
    if rest > 0 {
        writeln!(out, "and {rest} more")?;
    }
    writeln!(out)
}

fn findings(report: &Report, paint: &Paint, out: &mut dyn Write) -> io::Result<()> {
    let mut groups: BTreeMap<DataClass, (usize, Severity, Vec<String>, Vec<String>)> = BTreeMap::new();
    for finding in &report.findings {
        let group =
            groups.entry(finding.data_class).or_insert_with(|| (0, finding.severity, Vec::new(), Vec::new()));
        group.0 += 1;
        group.1 = group.1.max(finding.severity);
        let host = shown(
            finding
                .destination
                .host
                .as_deref()
                .or(finding.destination.ip.as_deref())
                .unwrap_or("everybody near"),
        );
        if !group.2.contains(&host) {
            group.2.push(host);
        }
        let how = finding.matched.to_string();
        if !group.3.contains(&how) {
            group.3.push(how);
        }
    }
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "{}",
        paint.bold(&format!(
            "{:<15} {:>6}  {:<9} {:<20} {}",
            "Found", "count", "worst", "known by", "sent to"
        ))
    )?;
    for (class, (count, worst, hosts, how)) in groups {
        let line = format!(
            "{:<15} {:>6}  {:<9} {:<20} {}",
            class,
            count,
            worst,
            how.join(", "),
            cut(&hosts.join(", "), 44)
        );
        writeln!(out, "{}", if worst >= Severity::High { paint.warn(&line) } else { line })?;
    }
    writeln!(out)
}

fn phases(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut seconds: BTreeMap<FlightState, i64> = BTreeMap::new();
    for phase in &report.phases {
        *seconds.entry(phase.state).or_default() += phase.to.since(phase.from) / 1_000_000_000;
    }
    if seconds.is_empty() {
        return writeln!(out, "Flight     unknown: no telemetry in the capture, and no --flight");
    }
    let told: Vec<String> =
        seconds.into_iter().map(|(state, seconds)| format!("{} {seconds} s", words::state(state))).collect();
    writeln!(out, "Flight     {}", told.join(" · "))
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let head: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{head}…")
}

struct Paint(bool);

impl Paint {
    fn bold(&self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    fn warn(&self, text: &str) -> String {
        self.with(Style::new().fg_color(Some(AnsiColor::Red.into())), text)
    }

    fn with(&self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}
