//! A row for each finding, for spreadsheets and databases (RFC 4180); and one with an id, a mark and a review alone for each review
//! of a judgement that rests on no finding.

use std::io;

use creance_model::{Finding, Report};

use crate::{Options, Output, reviews::reviews_apart, reviews_of, words::defused};

/// The table of findings.
pub(crate) struct Csv;

/// Columns, in order.
const HEADER: &[&str] = &[
    "id",
    "data_class",
    "severity",
    "match",
    "basis",
    "value",
    "digest",
    "time",
    "last_time",
    "count",
    "direction",
    "visibility",
    "protocol",
    "transport",
    "source_ip",
    "source_mac",
    "app",
    "host",
    "ip",
    "port",
    "organization",
    "country",
    "country_confidence",
    "control",
    "asn",
    "flight_state",
    "app_state",
    "trigger",
    "deferred",
    "scenario",
    "bytes",
    "file",
    "found_in",
    "sites",
    "zones",
    "region",
    "decode_path",
    "input",
    "packets",
    "flow",
    "tlp",
    "reviews",
];

impl Output for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn extension(&self) -> &'static str {
        "csv"
    }

    fn write(&self, report: &Report, _: &Options, out: &mut dyn io::Write) -> io::Result<()> {
        let mut table = csv::Writer::from_writer(out);
        table.write_record(HEADER)?;
        for finding in &report.findings {
            table.write_record(row(report, finding).iter().map(|cell| harmless(cell)))?;
        }
        for (judgement, review) in reviews_apart(report) {
            let cell = |column: &&str| match *column {
                "id" => harmless(&judgement.id),
                "tlp" => judgement.tlp.label().to_owned(),
                "reviews" => harmless(&review),
                _ => String::new(),
            };
            table.write_record(HEADER.iter().map(cell))?;
        }
        table.flush()
    }
}

fn row(report: &Report, finding: &Finding) -> [String; 42] {
    let (from, to) = (&finding.source, &finding.destination);
    let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
    let numbers = |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
    [
        finding.id.clone(),
        finding.data_class.to_string(),
        finding.severity.to_string(),
        finding.matched.to_string(),
        or_none(&finding.basis),
        finding.value.clone(),
        finding.digest.clone(),
        finding.time.to_string(),
        finding.last_time.to_string(),
        finding.count.to_string(),
        finding.direction.name().to_owned(),
        finding.visibility.name().to_owned(),
        finding.protocol.to_string(),
        finding.transport.to_string(),
        or_none(&from.ip),
        or_none(&from.mac),
        or_none(&from.app),
        or_none(&to.host),
        or_none(&to.ip),
        to.port.to_string(),
        or_none(&to.organization),
        or_none(&to.country),
        to.country_confidence.clone(),
        or_none(&to.control),
        to.asn.map(|asn| asn.to_string()).unwrap_or_default(),
        finding.flight_state.to_string(),
        finding.app_state.to_string(),
        finding.trigger.to_string(),
        finding.deferred.to_string(),
        or_none(&finding.scenario),
        finding.bytes.to_string(),
        or_none(&finding.file),
        or_none(&finding.found_in),
        finding.sites.join("; "),
        finding.zones.join("; "),
        finding.region.join(" "),
        finding.decode_path.join(" > "),
        finding.evidence.input.clone(),
        numbers(&finding.evidence.packets),
        finding.evidence.flow.clone(),
        finding.tlp.label().to_owned(),
        reviews_of(report, finding).join(" "),
    ]
}

/// What a spreadsheet would take for a formula has an apostrophe before it (OWASP, CSV injection); what cannot be seen stands
/// as its number.
fn harmless(cell: &str) -> String {
    let cell = defused(cell);
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    if is_formula { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_numbers_are_not() {
        for (cell, written) in
            [("=1+2", "'=1+2"), ("@SUM(A1)", "'@SUM(A1)"), ("-33.8", "-33.8"), ("a=b", "a=b")]
        {
            assert_eq!(harmless(cell), written);
        }
    }
}
