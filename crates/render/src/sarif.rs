//! SARIF 2.1.0 (OASIS): results for whoever collects those of other tools.
//!
//! What could not be read is a result of kind `open`, for it was not decided; a draft judgement is one to `review`.

use std::io;

use creance_model::{DataClass, Finding, Judgement, Report, ReviewState, Severity};
use serde_json::{Value, json};

use crate::{
    Options, Output,
    words::{self, bytes, shown, shown_whole},
};

/// A run with its results.
pub(crate) struct Sarif;

impl Output for Sarif {
    fn name(&self) -> &'static str {
        "sarif"
    }

    fn extension(&self) -> &'static str {
        "sarif"
    }

    fn write(&self, report: &Report, _: &Options, out: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, &document(report))?;
        out.write_all(b"\n")
    }
}

const OPAQUE: &str = "opaque";
const JUDGEMENT: &str = "judgement";

fn document(report: &Report) -> Value {
    let (name, version) = report.case.tool.split_once(' ').unwrap_or((&report.case.tool, "0"));
    let mut rules: Vec<Value> = DataClass::ALL
        .iter()
        .map(|class| rule(class.name(), &format!("{} left, or could leave", words::class(*class))))
        .collect();
    rules.push(rule(OPAQUE, "What was sent could not be read"));
    rules.push(rule(JUDGEMENT, "What findings amount to, by an examiner or awaiting one"));
    let artifacts: Vec<Value> = report
        .case
        .inputs
        .iter()
        .map(|input| {
            json!({
                "location": {"uri": uri(&input.path)},
                "length": input.bytes,
                "hashes": {"sha-256": input.sha256},
                "properties": {"kind": input.kind, "packets": input.packets},
            })
        })
        .collect();
    let findings = report.findings.iter().map(|finding| result(report, finding));
    let unread = report.coverage.unread.iter().map(|one| {
        json!({
            "ruleId": OPAQUE,
            "kind": "open",
            "level": "none",
            "message": {"text": format!("{} of {}: {}", bytes(one.bytes), shown(&one.what), shown(&one.why))},
            "properties": {"bytes": one.bytes},
        })
    });
    let judgements = report.judgements.iter().map(judgement);
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": name, "version": version, "rules": rules}},
            "automationDetails": {"id": format!("case/{}", report.case.id)},
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": report.case.damage.iter().map(|damage| json!({
                    "level": "warning",
                    "message": {"text": format!("{} at offset {} of {}: {}", shown(&damage.what), damage.offset, shown(&damage.input), shown(&damage.why))},
                })).collect::<Vec<_>>(),
            }],
            "artifacts": artifacts,
            "results": findings.chain(unread).chain(judgements).collect::<Vec<_>>(),
            "properties": {
                "case": report.case.id,
                "revealed": report.revealed,
                "tlp": report.banner().label(),
                "coverage": {"bytes": report.coverage.bytes, "readable": report.coverage.readable, "opaque": report.coverage.opaque, "lost": report.coverage.lost},
                "notes": report.case.notes,
            },
        }],
    })
}

fn rule(id: &str, says: &str) -> Value {
    json!({"id": id, "shortDescription": {"text": says}})
}

fn result(report: &Report, finding: &Finding) -> Value {
    let to = &finding.destination;
    let whom = to.host.as_deref().or(to.ip.as_deref()).unwrap_or("all who listen");
    let index = report.case.inputs.iter().position(|input| {
        finding.evidence.input.strip_prefix("sha256:").is_some_and(|hash| hash == input.sha256)
    });
    let artifact = index.and_then(|index| Some((index, report.case.inputs.get(index)?)));
    let locations: Vec<Value> = artifact
        .iter()
        .map(|(index, input)| {
            json!({
                "physicalLocation": {"artifactLocation": {"uri": uri(&input.path), "index": index}},
                "logicalLocations": [{"name": finding.evidence.flow, "kind": "flow"}],
            })
        })
        .collect();
    json!({
        "ruleId": finding.data_class,
        "kind": "fail",
        "level": level(finding.severity),
        "rank": rank(finding.severity),
        "message": {"text": format!(
            "{} {} to {}, {}, known by {}",
            finding.data_class,
            shown(&finding.value),
            shown(whom),
            words::state(finding.flight_state),
            words::matched(finding.matched),
        )},
        "locations": locations,
        "partialFingerprints": {"creanceDigest/v1": finding.digest},
        "occurrenceCount": finding.count,
        "properties": {
            "id": finding.id,
            "severity": finding.severity,
            "match": finding.matched,
            "visibility": finding.visibility,
            "packets": finding.evidence.packets,
            "decodePath": finding.decode_path,
            "country": to.country,
            "control": to.control,
            "organization": to.organization,
            "flightState": finding.flight_state,
            "appState": finding.app_state,
            "trigger": finding.trigger,
            "first": finding.time,
            "last": finding.last_time,
            "sites": finding.sites,
            "tlp": finding.tlp.label(),
        },
    })
}

fn judgement(of: &Judgement) -> Value {
    let review = &of.review;
    let kind = if review.state == ReviewState::Draft { "review" } else { "informational" };
    let mut result = json!({
        "ruleId": JUDGEMENT,
        "kind": kind,
        "level": "none",
        "message": {"text": of.stands()},
        "properties": {
            "id": of.id,
            "hypothesis": of.hypothesis,
            "likelihood": of.likelihood,
            "confidence": of.confidence,
            "review": review,
            "tlp": of.tlp.label(),
            "sources": sources(of),
        },
    });
    if review.state == ReviewState::Rejected {
        result["suppressions"] = json!([{
            "kind": "external",
            "status": "accepted",
            "justification": review.reason.as_deref().unwrap_or_default(),
        }]);
    }
    result
}

/// The sources that a judgement weighs, with their grades, and what it cites and does not weigh.
fn sources(of: &Judgement) -> Vec<Value> {
    let weighed = of.evidence.iter().filter_map(|line| {
        let source = line.cited.as_deref()?;
        Some(json!({"source": shown(source), "grade": line.grade, "says": shown_whole(&line.says)}))
    });
    weighed.chain(of.cites.iter().map(|text| json!({"says": shown_whole(text)}))).collect()
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info | Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

/// From 0 to 100.
const fn rank(severity: Severity) -> f64 {
    match severity {
        Severity::Info => 10.0,
        Severity::Low => 30.0,
        Severity::Medium => 50.0,
        Severity::High => 75.0,
        Severity::Critical => 95.0,
    }
}

/// A path as a reference of RFC 3986: all but unreserved characters and slashes are encoded, an absolute one has its scheme
/// and no dots that lead up or nowhere (SARIF 2.1.0, 3.10).
fn uri(path: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/').skip(usize::from(path.starts_with('/'))) {
        match (step, steps.last()) {
            (".", _) => {}
            ("..", Some(last)) if *last != ".." => {
                steps.pop();
            }
            ("..", None) if path.starts_with('/') => {}
            _ => steps.push(step),
        }
    }
    let mut uri = String::from(if path.starts_with('/') { "file:///" } else { "" });
    for byte in steps.join("/").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            use std::fmt::Write as _;
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_references() {
        for (path, reference) in [
            ("a b/é:1.pcap", "a%20b/%C3%A9%3A1.pcap"),
            ("/x/../y/./z", "file:///y/z"),
            ("../../x/../y", "../../y"),
            ("/../x", "file:///x"),
            ("-", "-"),
        ] {
            assert_eq!(uri(path), reference);
        }
    }
}
