//! The summary on a terminal: what the page says, in a screenful.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};
use creance_model::{DataClass, FlightState, Likelihood, Match, Region, Report, ReviewState, Severity, Tlp};

use crate::{
    Options, Output,
    apart::apart,
    headline::{doubtful, headline},
    region,
    reviews::reviews,
    words::{self, bytes, percent, shown},
};

/// The terminal summary.
pub(crate) struct Text;

/// Columns that the summary keeps to.
const WIDTH: usize = 100;
/// Destinations that are shown.
const MOST_ROWS: usize = 6;
/// Classes that are shown.
const MOST_CLASSES: usize = 7;
/// Places of damage that are shown, and notes.
const MOST_REMARKS: usize = 1;

/// Names of places and zones of one kind that are shown, and columns of one.
const MOST_NAMES: usize = 2;
const LONGEST_NAME: usize = 24;

impl Output for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn extension(&self) -> &'static str {
        "txt"
    }

    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        let paint = Paint(options.colour);
        let [first, second] = headline(report);
        writeln!(out, "{}", paint.bold(&cut(&marking(report), WIDTH)))?;
        for line in wrapped(&first, WIDTH) {
            writeln!(out, "{}", paint.bold(&line))?;
        }
        for line in wrapped(&second, WIDTH) {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
        destinations(report, &paint, out)?;
        findings(report, &paint, out)?;
        let apart = circumstances(report);
        if !apart.is_empty() {
            labelled("Apart", &apart, out)?;
        }
        labelled("Flight", &phases(report), out)?;
        region(report, &paint, out)?;
        for (label, told) in [("Sites", sites(report)), ("Zones", zones(report))] {
            if !told.is_empty() {
                writeln!(out, "{label:<LABEL$}{}", cut(&told, WIDTH - LABEL))?;
            }
        }
        labelled("Seen", &seen(report), out)?;
        judged(report, out)?;
        for (index, review) in reviews(report).iter().enumerate() {
            labelled(if index == 0 { "Review" } else { "" }, review, out)?;
        }
        remarks(report, &paint, out)?;
        if let Some(folder) = &options.case_folder {
            writeln!(out, "{:<LABEL$}{folder} (report.html, findings.json)", "Case")?;
        }
        Ok(())
    }
}

/// Columns of a label.
const LABEL: usize = 9;

fn labelled(label: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    for (index, line) in wrapped(text, WIDTH - LABEL).into_iter().enumerate() {
        writeln!(out, "{:<LABEL$}{line}", if index == 0 { label } else { "" })?;
    }
    Ok(())
}

fn destinations(report: &Report, paint: &Paint, out: &mut dyn Write) -> io::Result<()> {
    if report.destinations.is_empty() {
        return Ok(());
    }
    let head = format!(
        "{:<29} {:>3} {:>3}  {:<14} {:>8} {:>8} {:>9}  {}",
        "Destination", "in", "law", "run by", "up", "down", "opaque", "found"
    );
    writeln!(out, "{}", paint.bold(&head))?;
    let mut rows: Vec<_> = report.destinations.iter().collect();
    rows.sort_by_key(|row| row.classes.is_empty());
    for row in rows.iter().take(MOST_ROWS) {
        let to = &row.destination;
        let country = match &to.country {
            Some(code) if doubtful(to) => format!("{}?", shown(code)),
            Some(code) => shown(code),
            None => "?".to_owned(),
        };
        let line = format!(
            "{:<29} {:>3} {:>3}  {:<14} {:>8} {:>8} {:>9}  {}",
            cut(&words::host(row), 29),
            cut(&country, 3),
            cut(&shown(to.control.as_deref().unwrap_or("?")), 3),
            cut(&shown(to.organization.as_deref().unwrap_or("?")), 14),
            bytes(row.bytes_up),
            bytes(row.bytes_down),
            percent(row.opaque, row.bytes_up.saturating_add(row.bytes_down)),
            cut(&row.classes.join(" "), 17),
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    let rest = rows.len().saturating_sub(MOST_ROWS);
    if rest > 0 {
        writeln!(out, "and {rest} more")?;
    }
    writeln!(out)
}

/// What left in circumstances that people ask about.
fn circumstances(report: &Report) -> String {
    let rows = apart(report).into_iter().enumerate().map(|(index, row)| {
        let count =
            if index == 0 { words::count(row.count, "finding", "findings") } else { row.count.to_string() };
        format!("{count} {}", row.when)
    });
    rows.collect::<Vec<_>>().join(" · ")
}

/// The findings of one class.
struct Group {
    class: DataClass,
    count: usize,
    worst: Severity,
    hosts: Vec<String>,
    how: Vec<Match>,
}

fn findings(report: &Report, paint: &Paint, out: &mut dyn Write) -> io::Result<()> {
    let mut groups: BTreeMap<DataClass, Group> = BTreeMap::new();
    for finding in &report.findings {
        let class = finding.data_class;
        let group = groups.entry(class).or_insert_with(|| Group {
            class,
            count: 0,
            worst: finding.severity,
            hosts: Vec::new(),
            how: Vec::new(),
        });
        group.count += 1;
        group.worst = group.worst.max(finding.severity);
        let to = &finding.destination;
        let host = shown(to.host.as_deref().or(to.ip.as_deref()).unwrap_or("all who listen"));
        if !group.hosts.contains(&host) {
            group.hosts.push(host);
        }
        if !group.how.contains(&finding.matched) {
            group.how.push(finding.matched);
        }
    }
    if groups.is_empty() {
        return Ok(());
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|group| (Reverse(group.worst), group.class));
    let head =
        format!("{:<15} {:>5}  {:<9} {:<18} {}", "Found", "count", "worst", "known by, at best", "sent to");
    writeln!(out, "{}", paint.bold(&head))?;
    for group in groups.iter().take(MOST_CLASSES) {
        let best = group.how.iter().min().map_or_else(String::new, Match::to_string);
        let line = format!(
            "{:<15} {:>5}  {:<9} {:<18} {}",
            group.class,
            group.count,
            group.worst,
            best,
            cut(&hosts(&group.hosts), 49),
        );
        writeln!(out, "{}", if group.worst >= Severity::High { paint.warn(&line) } else { line })?;
    }
    let rest = groups.len().saturating_sub(MOST_CLASSES);
    if rest > 0 {
        writeln!(out, "and {rest} more kinds of data")?;
    }
    writeln!(out)
}

fn hosts(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [one, rest @ ..] => format!("{} and {} more", cut(one, 38), rest.len()),
        [] => String::new(),
    }
}

fn phases(report: &Report) -> String {
    let mut seconds: BTreeMap<FlightState, i64> = BTreeMap::new();
    for phase in &report.phases {
        *seconds.entry(phase.state).or_default() += phase.to.since(phase.from) / 1_000_000_000;
    }
    if seconds.is_empty() {
        return "unknown: no telemetry in the capture, and no --flight".to_owned();
    }
    let told: Vec<String> = seconds
        .into_iter()
        .map(|(state, seconds)| format!("{} {}", words::state(state), span(seconds)))
        .collect();
    told.join(" · ")
}

/// The three answers in a line, where there are any, and where they differ.
fn region(report: &Report, paint: &Paint, out: &mut dyn Write) -> io::Result<()> {
    let Region { aircraft, app, mismatches, .. } = &report.region;
    if aircraft.candidates.is_empty() && app.answer.candidates.is_empty() {
        return Ok(());
    }
    let told = format!(
        "aircraft in {} · app believes {}",
        region::headline(aircraft),
        region::headline(&app.answer)
    );
    labelled("Region", &told, out)?;
    for one in mismatches {
        let line = format!("{:<LABEL$}{}", "Mismatch", cut(&shown(&one.says), WIDTH - LABEL));
        writeln!(out, "{}", if one.severity >= Severity::Medium { paint.warn(&line) } else { line })?;
    }
    Ok(())
}

/// The protected places that were met, and those that what left is of, in a line.
fn sites(report: &Report) -> String {
    let how = |wanted: &str| {
        let met = report.ground.sites.iter().filter(|site| site.how == wanted);
        met.map(|site| site.name.as_str()).collect::<BTreeSet<_>>()
    };
    let looked_at = how("looked at");
    let near = how("near").difference(&looked_at).copied().collect();
    let left = report.findings.iter().flat_map(|finding| &finding.sites).map(String::as_str).collect();
    parts([("in what left: ", left), ("looked at: ", looked_at), ("near: ", near)])
}

/// The same of zones of airspace.
fn zones(report: &Report) -> String {
    let answer = |wanted: &str| {
        let met = report.ground.zones.iter().filter(|zone| zone.answer == wanted);
        met.map(|zone| zone.zone.as_str()).collect::<BTreeSet<_>>()
    };
    let inside = answer("inside");
    let uncertain = answer("uncertain").difference(&inside).copied().collect();
    let left = report.findings.iter().flat_map(|finding| &finding.zones).map(String::as_str).collect();
    parts([("flown in: ", inside), ("perhaps: ", uncertain), ("of places that left: ", left)])
}

/// What there is of each of these, the first names of it.
fn parts(parts: [(&str, BTreeSet<&str>); 3]) -> String {
    let told = parts.into_iter().filter(|(_, names)| !names.is_empty()).map(|(label, names)| {
        let first = names.iter().take(MOST_NAMES).map(|name| cut(&shown(name), LONGEST_NAME));
        let more = match names.len().saturating_sub(MOST_NAMES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{label}{}{more}", first.collect::<Vec<_>>().join(", "))
    });
    told.collect::<Vec<_>>().join(" · ")
}

fn span(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn seen(report: &Report) -> String {
    let coverage = &report.coverage;
    let lost = match coverage.lost {
        0 => String::new(),
        lost => format!("; {} more are missing from the capture", bytes(lost)),
    };
    format!(
        "{} packets; of {} with the outside {} could be read and {} could not{lost}. Opaque is not innocent.",
        report.case.packets,
        bytes(coverage.bytes),
        percent(coverage.readable, coverage.bytes),
        percent(coverage.opaque, coverage.bytes),
    )
}

/// The banner, and how many portions have which mark.
fn marking(report: &Report) -> String {
    let marks = |mark: Tlp| {
        let findings = report.findings.iter().map(|one| one.tlp);
        findings.chain(report.judgements.iter().map(|one| one.tlp)).filter(|one| *one == mark).count()
    };
    let of = |mark: &Tlp| match marks(*mark) {
        0 => None,
        count => Some(format!("{} {}", words::count(count, "portion", "portions"), mark.label())),
    };
    let portions: Vec<String> = Tlp::ALL.iter().rev().filter_map(of).collect();
    let rest = format!("the rest {}", report.tlp.label());
    format!(
        "{}: {}",
        report.banner().label(),
        portions.into_iter().chain([rest]).collect::<Vec<_>>().join(" · ")
    )
}

/// How many claims are how likely, in a line. What an examiner rejected is neither.
fn judged(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let all = &report.judgements;
    if all.is_empty() {
        return Ok(());
    }
    let standing = || all.iter().filter(|one| one.review.state != ReviewState::Rejected);
    let of = |low: Likelihood, high: Likelihood| {
        standing().filter(|one| one.likelihood.is_some_and(|band| (low..=high).contains(&band))).count()
    };
    let parts = [
        (of(Likelihood::Likely, Likelihood::AlmostCertain), "likely or more"),
        (of(Likelihood::EvenChance, Likelihood::EvenChance), "even"),
        (of(Likelihood::AlmostNoChance, Likelihood::Unlikely), "unlikely or less"),
        (standing().filter(|one| one.likelihood.is_none()).count(), "not assessed"),
        (all.len() - standing().count(), "rejected"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let reviewed = all.iter().filter(|one| one.review.state != ReviewState::Draft).count();
    let told =
        format!("{}: {}; {reviewed} reviewed", words::count(all.len(), "claim", "claims"), parts.join(" · "));
    labelled("Judged", &told, out)
}

/// Damage and notes, a line each.
fn remarks(report: &Report, paint: &Paint, out: &mut dyn Write) -> io::Result<()> {
    for damage in report.case.damage.iter().take(MOST_REMARKS) {
        let told = format!(
            "{} at offset {} of {}: {}",
            shown(&damage.what),
            damage.offset,
            shown(&damage.input),
            shown(&damage.why)
        );
        writeln!(out, "{}", paint.warn(&format!("{:<LABEL$}{}", "Damage", cut(&told, WIDTH - LABEL))))?;
    }
    for note in report.case.notes.iter().take(MOST_REMARKS) {
        writeln!(out, "{:<LABEL$}{}", "Note", cut(&shown(note), WIDTH - LABEL))?;
    }
    let rest = report.case.damage.len().saturating_sub(MOST_REMARKS)
        + report.case.notes.len().saturating_sub(MOST_REMARKS);
    if rest > 0 {
        writeln!(out, "{:<LABEL$}and {rest} more remarks in the report", "")?;
    }
    Ok(())
}

/// Lines of at most `width` characters, broken at spaces.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

pub(crate) fn cut(text: &str, width: usize) -> String {
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
