//! Everything in a case that bears on a hypothesis, line by line, each with its weight.

use std::collections::BTreeMap;

use creance_model::{AppState, DataClass, Finding, FlightState, Match, Report, Severity, Weighed};

use super::{
    Question,
    condition::Test,
    prose::quoted,
    set::{Bearing, Clue, Hypothesis, Other, RegionFact},
    told::plural,
    weights::{Weights, chain},
};

/// Findings that a line names.
const MOST_NAMED: usize = 12;
/// Kinds of data that a line names.
const MOST_CLASSES: usize = 4;

/// One line of evidence. Lines of one kind of match to one host are one, whatever the number of findings.
pub(super) struct Line {
    pub(super) weighed: Weighed,
    /// How much oftener it is seen where what it speaks for is so.
    ratio: f64,
    pub(super) bearing: Bearing,
    /// How its findings are known.
    pub(super) matched: Option<Match>,
    /// The least ratio of its links.
    pub(super) weakest: f64,
    /// More than a hint.
    pub(super) firm: bool,
    /// Whether it is paired runs that speak, at the stated level.
    pub(super) compared: bool,
}

/// What was seen of a hypothesis.
pub(super) struct Seen {
    /// Lines, weightiest first; then what weighs nothing.
    pub(super) lines: Vec<Line>,
    /// The share that could be read of what might have held it.
    pub(super) readable: f64,
    /// Minutes in the state that it is about.
    pub(super) minutes: f64,
    /// Inputs whose absence keeps silence from saying anything.
    pub(super) missing: Vec<String>,
}

impl Seen {
    /// The sum of all weights.
    pub(super) fn log_odds(&self) -> f64 {
        self.lines.iter().map(|line| line.weighed.weight).sum()
    }

    /// Firm lines that speak this way.
    pub(super) fn firm(&self, bearing: Bearing) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.firm && line.bearing == bearing)
    }
}

/// Looks through a case for one hypothesis.
pub(super) fn seen(question: &Question, of: &Hypothesis, others: &[&Other]) -> Seen {
    let Question { report, weights, .. } = *question;
    let mut lines: Vec<Line> = Vec::new();
    for clue in &of.evidence {
        lines.extend(found(report, weights, clue, others));
        lines.extend(region(report, weights, clue, others.len()));
        lines.extend(compared(question, of, clue, others.len()));
    }
    lines.sort_by(|a, b| b.ratio.total_cmp(&a.ratio).then_with(|| a.weighed.says.cmp(&b.weighed.says)));
    let mut outside = outside(question, &of.id, others.len());
    for group in [&mut lines, &mut outside] {
        for bearing in [Bearing::For, Bearing::Against] {
            weigh(group, bearing, weights);
        }
    }
    let mut seen = silence(report, weights, of, others.len(), &lines);
    let silent = std::mem::take(&mut seen.lines);
    lines.append(&mut outside);
    lines.extend(silent);
    lines.extend(opaque(report, of, others.len()));
    seen.lines = lines;
    seen
}

/// The strongest line of a bearing counts in full, some further firm ones in part.
fn weigh(lines: &mut [Line], bearing: Bearing, weights: &Weights) {
    for (rank, line) in lines.iter_mut().filter(|line| line.bearing == bearing).enumerate() {
        let share = match rank {
            0 => 1.0,
            rank if rank <= weights.further.lines && line.firm => weights.further.share,
            _ => 0.0,
        };
        line.weighed.weight = rounded(signed(line.ratio.max(f64::MIN_POSITIVE).ln() * share, bearing));
    }
}

fn signed(log: f64, bearing: Bearing) -> f64 {
    if bearing == Bearing::For { log } else { -log }
}

/// Two decimals: what is summed is what is shown.
fn rounded(log: f64) -> f64 {
    let rounded = (log * 100.0).round() / 100.0;
    // Minus nothing is nothing.
    if rounded == 0.0 { 0.0 } else { rounded }
}

/// How evidence of a bearing stands to the judgement, before what it is to the alternatives.
fn own(bearing: Bearing) -> String {
    if bearing == Bearing::For { "consistent" } else { "inconsistent" }.to_owned()
}

fn neutral(count: usize) -> impl Iterator<Item = String> {
    std::iter::repeat_n("neutral".to_owned(), count)
}

fn is_firm(matched: Match) -> bool {
    !matches!(matched, Match::Pattern | Match::Size)
}

/// Findings that a clue counts, by how they are known and to whom they went.
fn found(report: &Report, weights: &Weights, clue: &Clue, others: &[&Other]) -> Vec<Line> {
    if !clue.of_findings() {
        return Vec::new();
    }
    let test = clue.test();
    let mut groups: BTreeMap<(Match, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| test.holds(finding)) {
        groups.entry((finding.matched, host(finding))).or_default().push(finding);
    }
    let line = |((matched, host), group): ((Match, &str), Vec<&Finding>)| {
        let ratios: Vec<f64> = std::iter::once(weights.link("match", matched.name()))
            .chain(
                test.links()
                    .into_iter()
                    .map(|link| group.iter().map(|one| ratio(weights, link, one)).fold(1.0, f64::max)),
            )
            .collect();
        let bears =
            std::iter::once(own(clue.bears)).chain(others.iter().map(|other| together(other, &group)));
        Line {
            weighed: Weighed {
                says: told(clue, &group, matched, host),
                findings: group.iter().take(MOST_NAMED).map(|one| one.id.clone()).collect(),
                cited: None,
                grade: weights.grade(matched).to_owned(),
                weight: 0.0,
                bears: bears.collect(),
            },
            ratio: chain(ratios.iter().copied()),
            bearing: clue.bears,
            matched: Some(matched),
            weakest: ratios.into_iter().fold(f64::INFINITY, f64::min),
            firm: is_firm(matched),
            compared: false,
        }
    };
    groups.into_iter().map(line).collect()
}

fn host(finding: &Finding) -> &str {
    let to = &finding.destination;
    to.host.as_deref().or(to.ip.as_deref()).unwrap_or("whoever is near")
}

fn ratio(weights: &Weights, link: &str, finding: &Finding) -> f64 {
    let to = &finding.destination;
    match link {
        "country" if to.edge && to.country_basis.as_deref() != Some("override") => weights.link(link, "low"),
        "country" if to.country_basis.as_deref() == Some("override") => weights.link(link, "high"),
        "country" => weights.link(link, &to.country_confidence),
        _ => weights.link(link, "known"),
    }
}

/// An explanation is contradicted by a line if all of its findings do so.
fn together(other: &Other, group: &[&Finding]) -> String {
    let each: Vec<&str> = group.iter().map(|one| other.bears(one)).collect();
    let all = !each.is_empty() && each.iter().all(|bears| *bears == "inconsistent");
    let some = each.contains(&"consistent");
    if all {
        "inconsistent"
    } else if some {
        "consistent"
    } else {
        "neutral"
    }
    .to_owned()
}

fn told(clue: &Clue, group: &[&Finding], matched: Match, host: &str) -> String {
    let mut classes: Vec<DataClass> = group.iter().map(|one| one.data_class).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut named: Vec<String> = classes.iter().take(MOST_CLASSES).map(ToString::to_string).collect();
    if classes.len() > MOST_CLASSES {
        named.push(format!("{} more kinds", classes.len() - MOST_CLASSES));
    }
    let country = group.first().and_then(|one| one.destination.country.as_deref());
    let place = country.map_or_else(String::new, |code| format!(" ({})", quoted_code(code)));
    let count = match group.len() {
        1 => "one finding".to_owned(),
        count => format!("{count} findings"),
    };
    format!("{}: {count} ({}) to {}{place}, known by `{matched}`.", clue.says, named.join(", "), quoted(host))
}

/// A code of two letters, or nothing that could be read as anything else.
fn quoted_code(code: &str) -> String {
    code.chars().filter(char::is_ascii_uppercase).take(2).collect()
}

/// Facts of jurisdiction.
fn region(report: &Report, weights: &Weights, clue: &Clue, others: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut tell = |says: String, severity: Severity| {
        let level = match severity {
            Severity::Info | Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High | Severity::Critical => "high",
        };
        let ratio = weights.link("region", level);
        lines.push(Line {
            weighed: Weighed {
                says,
                findings: Vec::new(),
                cited: None,
                grade: "B3".to_owned(),
                weight: 0.0,
                bears: std::iter::once(own(clue.bears)).chain(neutral(others)).collect(),
            },
            ratio,
            bearing: clue.bears,
            matched: None,
            weakest: ratio,
            firm: true,
            compared: false,
        });
    };
    for fact in &clue.region {
        let kind = match fact {
            RegionFact::Belief => "belief",
            RegionFact::Contested => "contested",
            RegionFact::Datum => "datum",
            RegionFact::Data => "data",
            RegionFact::AskedAgrees | RegionFact::AskedDiffers => {
                let agrees = *fact == RegionFact::AskedAgrees;
                let known: Vec<_> =
                    report.region.app.asked_with.iter().filter_map(|one| one.agrees).collect();
                if !known.is_empty() && known.iter().any(|one| !one) != agrees {
                    tell(format!("{}.", clue.says), Severity::Low);
                }
                continue;
            }
        };
        for one in report.region.mismatches.iter().filter(|one| one.kind == kind) {
            tell(format!("{}: {}.", clue.says, quoted(&one.says)), one.severity);
        }
    }
    lines
}

/// What paired runs say.
fn compared(question: &Question, of: &Hypothesis, clue: &Clue, others: usize) -> Vec<Line> {
    if clue.verdict.is_empty() {
        return Vec::new();
    }
    let line = |of: &super::Compared| {
        let claimed: Vec<_> = of
            .pairs
            .iter()
            .filter(|pair| pair.verdict.is_some_and(|verdict| clue.verdict.contains(&verdict)))
            .collect();
        let looks = of.pairs.iter().filter(|pair| pair.looks(&clue.verdict)).count();
        let is = if !claimed.is_empty() {
            "claimed"
        } else if looks > 0 {
            "observed"
        } else if clue.absence {
            "none"
        } else {
            return None;
        };
        // That nothing is claimed says nothing where it may have been there unread.
        let hidden = if is == "none" { of.hidden() } else { 0 };
        let ratio = if hidden > 0 { 1.0 } else { question.weights.link("compared", is) };
        let bearing = match (is, clue.bears) {
            ("none", Bearing::For) => Bearing::Against,
            ("none", Bearing::Against) => Bearing::For,
            (_, bearing) => bearing,
        };
        let bears = if hidden > 0 { "neutral".to_owned() } else { own(bearing) };
        let [before, after] = &of.groups;
        let [here, there] = [before, after].map(|group| plural(group.cases.len(), "run", "runs"));
        let runs = format!("{here} against {there}");
        let settings = format!("{} against {}, {runs}", quoted(&before.name), quoted(&after.name));
        let some: Vec<String> = claimed
            .iter()
            .take(MOST_CLASSES)
            .map(|pair| format!("{} to {}", pair.data_class, quoted(&pair.host)))
            .collect();
        let more = claimed.len().saturating_sub(some.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let says = match is {
            "claimed" => format!("{} ({settings}): {}{more}.", clue.says, some.join(", ")),
            "observed" => {
                format!(
                    "{} ({settings}): {}, in too few runs to tell from chance.",
                    clue.says,
                    plural(looks, "looks so", "look so")
                )
            }
            _ if hidden > 0 => {
                format!("{} ({settings}): none is claimed, and {hidden} may have gone unread.", clue.says)
            }
            _ => format!("{} ({settings}): none is claimed.", clue.says),
        };
        Some(Line {
            weighed: Weighed {
                says,
                findings: Vec::new(),
                cited: None,
                grade: "B2".to_owned(),
                weight: 0.0,
                bears: std::iter::once(bears).chain(neutral(others)).collect(),
            },
            ratio,
            bearing,
            matched: None,
            weakest: ratio,
            firm: is == "claimed",
            compared: is == "claimed",
        })
    };
    question.comparisons.iter().filter(|one| one.is_about(&of.id)).filter_map(line).collect()
}

/// Sources from outside, weightiest first.
fn outside(question: &Question, id: &str, others: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for source in &question.sources.source {
        for said in source.says.iter().filter(|said| said.hypothesis == id) {
            let ratio = question.weights.source(&source.grade);
            let descriptor =
                source.descriptor.as_deref().map_or_else(String::new, |text| format!(", {}", quoted(text)));
            lines.push(Line {
                weighed: Weighed {
                    says: format!(
                        "{}, {}{descriptor}, says: {}. It is cited from {}.",
                        quoted(&source.name),
                        source.kind.name(),
                        quoted(&said.words),
                        quoted(&source.citation)
                    ),
                    findings: Vec::new(),
                    cited: Some(source.citation.clone()),
                    grade: source.grade.clone(),
                    weight: 0.0,
                    bears: std::iter::once(own(said.bears)).chain(neutral(others)).collect(),
                },
                ratio,
                bearing: said.bears,
                matched: None,
                weakest: ratio,
                firm: false,
                compared: false,
            });
        }
    }
    lines.sort_by(|a, b| b.ratio.ln().abs().total_cmp(&a.ratio.ln().abs()));
    lines
}

/// What it says that nothing was seen: only where nothing firm of the same bearing was, and of several clues the weakest.
fn silence(report: &Report, weights: &Weights, of: &Hypothesis, others: usize, lines: &[Line]) -> Seen {
    let mut seen = Seen { lines: Vec::new(), readable: 0.0, minutes: 0.0, missing: Vec::new() };
    let mut best: Vec<(f64, &Clue, f64, f64)> = Vec::new();
    for clue in of.evidence.iter().filter(|clue| clue.of_findings()) {
        let test = clue.test();
        let (readable, minutes) = (readable(report, &test), exposure(report, &test));
        let missing: Vec<&String> = clue
            .needs
            .iter()
            .filter(|kind| !report.case.inputs.iter().any(|input| input.kind == **kind))
            .collect();
        if best.is_empty() || minutes > seen.minutes {
            (seen.readable, seen.minutes) = (readable, minutes);
        }
        if !clue.absence || lines.iter().any(|line| line.firm && line.bearing == clue.bears) {
            continue;
        }
        if missing.is_empty() {
            best.push((weights.absence.ratio(readable, minutes), clue, readable, minutes));
        } else {
            seen.missing.extend(missing.into_iter().cloned());
        }
    }
    // Silence on one of two ways does not speak of the other: it counts only where every way was watched.
    let watched = seen.missing.is_empty();
    best.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (index, (ratio, clue, readable, minutes)) in best.into_iter().enumerate() {
        let log = if index == 0 && watched { ratio.ln() } else { 0.0 };
        let bearing = if clue.bears == Bearing::For { Bearing::Against } else { Bearing::For };
        let bears = if log.abs() < 0.005 { "neutral".to_owned() } else { own(bearing) };
        seen.lines.push(Line {
            weighed: Weighed {
                says: unseen(clue, readable, minutes),
                findings: Vec::new(),
                cited: None,
                grade: "B3".to_owned(),
                weight: rounded(signed(log, clue.bears)),
                bears: std::iter::once(bears).chain(neutral(others)).collect(),
            },
            ratio,
            bearing,
            matched: None,
            weakest: 1.0,
            firm: false,
            compared: false,
        });
    }
    seen
}

/// Not seen is not never: at 95 %, three in the time (the rule of three).
fn unseen(clue: &Clue, readable: f64, minutes: f64) -> String {
    if minutes < 0.05 {
        return format!(
            "{}: no such state occurred in the capture, so that none was seen says nothing.",
            clue.says
        );
    }
    format!(
        "{}: none was seen in {minutes:.1} minutes; at 95 %, fewer than {:.2} a minute in what could be read, which is {:.0} % of what might have held it.",
        clue.says,
        3.0 / minutes,
        (readable * 100.0).clamp(0.0, 100.0).floor(),
    )
}

/// The share that could be read of what might meet a test: the smaller of that of bytes and that of destinations.
#[expect(clippy::cast_precision_loss, reason = "shares")]
fn readable(report: &Report, test: &Test) -> f64 {
    let rows: Vec<(f64, f64)> = report
        .destinations
        .iter()
        .filter(|row| test.may_reach(&row.destination))
        .map(|row| (row.opaque as f64, row.bytes_up.saturating_add(row.bytes_down) as f64))
        .filter(|(_, bytes)| *bytes > 0.0)
        .collect();
    let whole: f64 = rows.iter().map(|(_, bytes)| bytes).sum();
    let by_bytes =
        if whole > 0.0 { 1.0 - rows.iter().map(|(opaque, _)| opaque).sum::<f64>() / whole } else { 1.0 };
    let by_rows = if rows.is_empty() {
        1.0
    } else {
        rows.iter().map(|(opaque, bytes)| 1.0 - (opaque / bytes).min(1.0)).sum::<f64>() / rows.len() as f64
    };
    let coverage = &report.coverage;
    let held = coverage.bytes as f64 / (coverage.bytes.saturating_add(coverage.lost).max(1)) as f64;
    let held = if coverage.bytes == 0 && coverage.lost == 0 { 1.0 } else { held };
    (by_bytes.min(by_rows) * held).clamp(0.0, 1.0)
}

/// Minutes of the capture in the states that a test asks for.
fn exposure(report: &Report, test: &Test) -> f64 {
    let whole = report.case.first.zip(report.case.last).map_or(0.0, |(first, last)| minutes(first, last));
    let (flight, app) = test.states();
    let in_flight = |states: &[FlightState]| {
        report
            .phases
            .iter()
            .filter(|phase| states.contains(&phase.state))
            .map(|phase| minutes(phase.from, phase.to))
            .sum::<f64>()
    };
    let in_app = |states: &[AppState]| {
        report
            .app_states
            .iter()
            .filter(|one| states.contains(&one.state))
            .map(|one| minutes(one.from, one.to))
            .sum::<f64>()
    };
    let flight = if flight.is_empty() { whole } else { in_flight(&flight) };
    let app = if app.is_empty() { whole } else { in_app(&app) };
    whole.min(flight).min(app)
}

fn minutes(from: creance_model::Timestamp, to: creance_model::Timestamp) -> f64 {
    ((to.as_secs_f64() - from.as_secs_f64()) / 60.0).max(0.0)
}

/// Bytes that could not be read speak neither for nor against.
fn opaque(report: &Report, of: &Hypothesis, others: usize) -> Option<Line> {
    let tests: Vec<Test> = of.evidence.iter().filter(|clue| clue.of_findings()).map(Clue::test).collect();
    let rows: Vec<_> = report
        .destinations
        .iter()
        .filter(|row| row.opaque > 0 && tests.iter().any(|test| test.may_reach(&row.destination)))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let bytes: u64 = rows.iter().map(|row| row.opaque).fold(0, u64::saturating_add);
    let to =
        if rows.len() == 1 { "one destination".to_owned() } else { format!("{} destinations", rows.len()) };
    Some(Line {
        weighed: Weighed {
            says: format!(
                "{bytes} bytes with {to} that might hold it could not be read: opaque is not innocent."
            ),
            findings: Vec::new(),
            cited: None,
            grade: "F6".to_owned(),
            weight: 0.0,
            bears: neutral(others + 1).collect(),
        },
        ratio: 1.0,
        bearing: Bearing::For,
        matched: None,
        weakest: 1.0,
        firm: false,
        compared: false,
    })
}
