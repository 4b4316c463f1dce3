//! The report in Markdown (`CommonMark`, with tables), for wikis and for tickets.

use std::io::{self, Write};

use creance_model::{Finding, Judgement, Report, ReviewState};

use crate::{
    Options, Output,
    apart::apart,
    headline::headline,
    region,
    words::{self, bytes, count, percent, shown, shown_whole},
};

/// Headings, lists and tables.
pub(crate) struct Markdown;

/// Findings that stand in the table; the rest is counted.
const MOST: usize = 500;

impl Output for Markdown {
    fn name(&self) -> &'static str {
        "md"
    }

    fn extension(&self) -> &'static str {
        "md"
    }

    fn write(&self, report: &Report, _: &Options, out: &mut dyn Write) -> io::Result<()> {
        let [first, second] = headline(report);
        let banner = plain(report.banner().label());
        writeln!(out, "**{banner}**\n\n# {}\n\n{}\n", plain(&first), plain(&second))?;
        case(report, out)?;
        judgements(report, out)?;
        destinations(report, out)?;
        ground(report, out)?;
        country(report, out)?;
        circumstances(report, out)?;
        findings(report, out)?;
        unseen(report, out)?;
        writeln!(out, "\n**{banner}**")
    }
}

/// Text that is nothing but text: what Markdown would take for its own is escaped (`CommonMark` 2.4).
fn plain(text: &str) -> String {
    let mut escaped = String::new();
    for c in shown_whole(text).chars() {
        if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | ':' | ';' | '/' | '?' | '%' | '\'' | '"') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Text as code, in which nothing is markup and no name becomes a link; in tables a bar is escaped all the same.
fn code(text: &str) -> String {
    let text = shown(text).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    if longest == 0 && !text.is_empty() { format!("`{text}`") } else { format!("{fence} {text} {fence}") }
}

fn row(out: &mut dyn Write, cells: &[&str]) -> io::Result<()> {
    writeln!(out, "| {} |", cells.join(" | "))
}

fn head(out: &mut dyn Write, cells: &[&str]) -> io::Result<()> {
    row(out, cells)?;
    row(out, &vec!["---"; cells.len()])
}

fn case(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "* Case `{}` by {}", report.case.id, plain(&report.case.tool))?;
    if let Some(scenario) = &report.case.scenario {
        writeln!(out, "* Scenario: {}", plain(scenario))?;
    }
    if let (Some(from), Some(to)) = (report.case.first, report.case.last) {
        writeln!(out, "* Captured {from} to {to}, {} packets", report.case.packets)?;
    }
    for input in &report.case.inputs {
        writeln!(
            out,
            "* {}: {}, {}, `sha256:{}`",
            plain(&input.kind),
            code(&input.path),
            bytes(input.bytes),
            input.sha256
        )?;
    }
    let values = if report.revealed { "shown in full: handle this like the evidence" } else { "masked" };
    writeln!(out, "* Values are {values}\n")
}

fn judgements(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.judgements.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Judgements\n")?;
    for one in &report.judgements {
        judgement(one, out)?;
    }
    Ok(())
}

/// Likelihood and confidence stand in paragraphs of their own.
fn judgement(of: &Judgement, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "### {} ({}) {}\n", of.id, plain(of.tlp.label()), plain(&of.claim))?;
    let review = &of.review;
    let by = review.examiner.as_deref().map(|who| format!(" by {}", plain(who))).unwrap_or_default();
    let why = review.reason.as_deref().map(|why| format!(": {}", plain(why))).unwrap_or_default();
    writeln!(out, "**{}**{by}{why}\n", review.state)?;
    if review.state == ReviewState::Rejected {
        writeln!(out, "~~{}~~\n", plain(of.stands()))?;
    } else {
        writeln!(out, "{}\n", plain(of.stands()))?;
    }
    if let Some(confidence) = of.confidence {
        writeln!(out, "Confidence is {confidence}. {}\n", plain_all(&of.basis))?;
    }
    for (what, sentences) in
        [("Gaps", &of.gaps), ("Assumptions", &of.assumptions), ("What would change it", &of.would_change)]
    {
        if !sentences.is_empty() {
            writeln!(out, "{what}: {}\n", plain_all(sentences))?;
        }
    }
    if !of.cites.is_empty() {
        writeln!(out, "Cited, and not weighed: {}\n", plain_all(&of.cites))?;
    }
    for other in &of.alternatives {
        writeln!(out, "* Alternative: {} ({} inconsistent)", plain(&other.says), other.inconsistent)?;
    }
    writeln!(out)
}

fn plain_all(sentences: &[String]) -> String {
    sentences.iter().map(|one| plain(one)).collect::<Vec<_>>().join(" ")
}

fn destinations(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## Destinations\n")?;
    if report.destinations.is_empty() {
        return writeln!(out, "None.\n");
    }
    head(out, &["destination", "in", "law", "run by", "up", "down", "opaque", "found"])?;
    for traffic in &report.destinations {
        let to = &traffic.destination;
        let or_none = |text: &Option<String>| plain(text.as_deref().unwrap_or("?"));
        let cells = [
            code(&words::host(traffic)),
            or_none(&to.country),
            or_none(&to.control),
            or_none(&to.organization),
            bytes(traffic.bytes_up),
            bytes(traffic.bytes_down),
            percent(traffic.opaque, traffic.bytes_up.saturating_add(traffic.bytes_down)),
            plain(&traffic.classes.join(", ")),
        ];
        row(out, &cells.each_ref().map(String::as_str))?;
    }
    writeln!(out)
}

fn ground(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.ground.sites.is_empty() && report.ground.zones.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Over the ground\n")?;
    for site in &report.ground.sites {
        let sector = site.sector.as_deref().map(|sector| format!(" ({})", plain(sector))).unwrap_or_default();
        writeln!(
            out,
            "* {}{sector}: {} by the {}, {}, {:.0} m",
            plain(&site.name),
            plain(&site.how),
            site.role,
            if site.times == 1 { "once".to_owned() } else { format!("{} times", site.times) },
            site.metres
        )?;
    }
    for zone in &report.ground.zones {
        let name = zone.name.as_deref().map(|name| format!(" ({})", plain(name))).unwrap_or_default();
        writeln!(
            out,
            "* Zone {}{name}: {}, the {}, {:.0} m: {}",
            plain(&zone.zone),
            plain(&zone.answer),
            zone.role,
            zone.margin_m,
            plain(&zone.why)
        )?;
    }
    writeln!(out)
}

fn country(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## In which country\n")?;
    writeln!(out, "* The aircraft: {}", plain(&region::headline(&report.region.aircraft)))?;
    writeln!(out, "* The app believes: {}", plain(&region::headline(&report.region.app.answer)))?;
    for mismatch in &report.region.mismatches {
        writeln!(out, "* **{}**, {}: {}", plain(&mismatch.kind), mismatch.severity, plain(&mismatch.says))?;
    }
    writeln!(out)
}

fn circumstances(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let rows = apart(report);
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "## In which circumstances\n")?;
    for one in rows {
        writeln!(
            out,
            "* {}: {}: {}",
            plain(one.when),
            count(one.count, "finding", "findings"),
            plain(&one.what)
        )?;
    }
    writeln!(out)
}

fn findings(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## Findings\n")?;
    if report.findings.is_empty() {
        return writeln!(out, "No sensitive data was found in what could be read.\n");
    }
    head(
        out,
        &["", "severity", "data", "value", "known by", "to", "when", "aircraft", "times", "packets", "mark"],
    )?;
    for finding in report.findings.iter().take(MOST) {
        let cells = finding_row(finding);
        row(out, &cells.each_ref().map(String::as_str))?;
    }
    if report.findings.len() > MOST {
        writeln!(out, "\n{} more findings are in findings.json.", report.findings.len() - MOST)?;
    }
    writeln!(out)
}

fn finding_row(finding: &Finding) -> [String; 11] {
    let to = &finding.destination;
    let packets: Vec<String> = finding.evidence.packets.iter().take(4).map(u64::to_string).collect();
    [
        finding.id.clone(),
        finding.severity.to_string(),
        finding.data_class.to_string(),
        code(&finding.value),
        finding.matched.to_string(),
        code(to.host.as_deref().or(to.ip.as_deref()).unwrap_or("all who listen")),
        finding.time.to_string(),
        words::state(finding.flight_state).to_owned(),
        finding.count.to_string(),
        packets.join(", "),
        finding.tlp.label().to_owned(),
    ]
}

fn unseen(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let coverage = &report.coverage;
    writeln!(
        out,
        "## What could not be seen\n\n**Opaque is not innocent.** What could not be read may hold anything that was found elsewhere, or nothing.\n"
    )?;
    writeln!(
        out,
        "{} readable ({}), {} opaque ({}), {} missing from the capture.\n",
        bytes(coverage.readable),
        percent(coverage.readable, coverage.bytes),
        bytes(coverage.opaque),
        percent(coverage.opaque, coverage.bytes),
        bytes(coverage.lost),
    )?;
    if !coverage.unread.is_empty() {
        head(out, &["what", "why", "bytes"])?;
        for one in &coverage.unread {
            row(out, &[&code(&one.what), &plain(&one.why), &bytes(one.bytes)])?;
        }
        writeln!(out)?;
    }
    for damage in &report.case.damage {
        writeln!(
            out,
            "* Damaged: {} at offset {} of {}: {}",
            plain(&damage.what),
            damage.offset,
            plain(&damage.input),
            plain(&damage.why)
        )?;
    }
    for note in &report.case.notes {
        writeln!(out, "* {}", plain(note))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_of_the_evidence_is_text() {
        assert_eq!(plain("<b>|[x](y)"), "\\<b\\>\\|\\[x\\]\\(y\\)");
        assert_eq!(plain("a\nb"), "a⟨U\\+000A⟩b");
        assert_eq!(code("www.a`b``c|d"), "``` www.a`b``c\\|d ```");
        assert_eq!((code("x").as_str(), code("").as_str()), ("`x`", "`  `"));
    }
}
