//! The tables: destinations, findings, and what was not read.

use creance_model::{Finding, Report};
use maud::{Markup, html};

use crate::words::{self, bytes, percent, shown};

/// Rows of the findings that are shown; the rest stands in findings.json.
const MOST_FINDINGS: usize = 500;
const MOST_ROWS: usize = 200;

pub(super) fn destinations(report: &Report) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table of destinations" {
            table {
                caption { "Where traffic went, most bytes sent first. Traffic that stayed on the LAN (" (report.lan.0) " flows, " (bytes(report.lan.1)) ") is not listed." }
                thead { tr { th scope="col" { "Host" } th scope="col" { "Country" } th scope="col" { "Law" } th scope="col" { "Run by" } th scope="col" { "Found" } th.number scope="col" { "Up" } th.number scope="col" { "Down" } th.number scope="col" { "Opaque" } } }
                tbody {
                    @for row in report.destinations.iter().take(MOST_ROWS) {
                        @let to = &row.destination;
                        tr {
                            th scope="row" {
                                (words::host(row))
                                small { @if let Some(ip) = &to.ip { (ip) ":" (to.port) " · " } (row.protocols.join(", ")) @if let Some(basis) = &to.host_basis { " · name by " (basis) } }
                            }
                            td {
                                strong { (to.country.as_deref().unwrap_or("unknown")) }
                                small { @if let Some(basis) = &to.country_basis { (basis) ", " } (to.country_confidence) " confidence" @if to.edge { ", an edge: where bytes go behind it is not known" } }
                                @for vote in &to.country_votes { small.vote { (vote) } }
                            }
                            td { strong { (to.control.as_deref().unwrap_or("unknown")) } @if let Some(basis) = &to.control_basis { small { "by " (basis) } } }
                            td { (shown(to.organization.as_deref().unwrap_or("unknown"))) @if let Some(asn) = to.asn { small { "AS" (asn) } } }
                            td { @if row.classes.is_empty() { span.none { "nothing readable" } } @else { @for class in &row.classes { span.tag { (class) } " " } } }
                            td.number { (bytes(row.bytes_up)) }
                            td.number { (bytes(row.bytes_down)) }
                            td.number { (percent(row.opaque, row.bytes_up + row.bytes_down)) }
                        }
                    }
                }
            }
        }
        @if report.destinations.len() > MOST_ROWS { p { (report.destinations.len() - MOST_ROWS) " more are in findings.json." } }
    }
}

pub(super) fn findings(report: &Report) -> Markup {
    html! {
        @if report.findings.is_empty() { p { "Nothing sensitive was found in what could be read. The next section says what could not." } }
        ol.findings {
            @for finding in report.findings.iter().take(MOST_FINDINGS) { (one(finding)) }
        }
        @if report.findings.len() > MOST_FINDINGS { p { (report.findings.len() - MOST_FINDINGS) " more are in findings.json." } }
    }
}

fn one(finding: &Finding) -> Markup {
    let to = &finding.destination;
    let host = shown(to.host.as_deref().or(to.ip.as_deref()).unwrap_or("everybody near"));
    html! {
        li id=(finding.id) {
            details {
                summary {
                    span class={ "severity " (finding.severity) } { (finding.severity) }
                    span.what { strong { (finding.data_class) } " " code { (shown(&finding.value)) } }
                    span.whom { "to " (host) " · " (to.country.as_deref().unwrap_or("country unknown")) @if let Some(law) = &to.control { ", law of " (law) } " · " (words::state(finding.flight_state)) }
                }
                dl {
                    dt { "Known by" } dd { (words::matched(finding.matched)) " (" (finding.detector) ")" }
                    dt { "Path" } dd { @for (index, step) in finding.decode_path.iter().enumerate() { @if index > 0 { " › " } code { (shown(step)) } } }
                    dt { "Sent" } dd { (finding.protocol) " over " (finding.transport) ", " (visibility(finding)) ", from " (finding.source.ip) @if let Some(mac) = &finding.source.mac { " (" (mac) ")" } }
                    dt { "When" } dd { (finding.time) @if finding.count > 1 { " to " (finding.last_time) ", " (finding.count) " times" } }
                    dt { "Aircraft" } dd { (words::state(finding.flight_state)) @if let Some(source) = &finding.flight_state_source { ", says " (shown(source)) } }
                    dt { "App" } dd { (finding.app_state) ", trigger " (finding.trigger) @if let Some(source) = &finding.context_source { ", by " (shown(source)) } }
                    dt { "Evidence" } dd { "packets " (packets(&finding.evidence.packets)) " of " code { (finding.evidence.input.chars().take(23).collect::<String>()) "…" } ", flow " code { (finding.evidence.flow) } }
                    dt { "Digest" } dd { code { (finding.digest.chars().take(24).collect::<String>()) "…" } }
                }
            }
        }
    }
}

fn visibility(finding: &Finding) -> &'static str {
    match finding.visibility {
        creance_model::Visibility::Clear => "in the clear",
        creance_model::Visibility::Decrypted => "encrypted, read with keys",
        creance_model::Visibility::Opaque => "opaque",
    }
}

fn packets(packets: &[u64]) -> String {
    let first: Vec<String> = packets.iter().take(8).map(u64::to_string).collect();
    match packets.last() {
        Some(last) if packets.len() > 8 => format!("{} … {last}", first.join(", ")),
        _ => first.join(", "),
    }
}

pub(super) fn unread(report: &Report) -> Markup {
    html! {
        @if !report.coverage.unread.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Table of what was not read" {
                table {
                    caption { "What was not read, and why" }
                    thead { tr { th scope="col" { "What" } th scope="col" { "Why" } th.number scope="col" { "Bytes" } } }
                    tbody { @for row in report.coverage.unread.iter().take(40) { tr { th scope="row" { (shown(&row.what)) } td { (row.why) } td.number { (bytes(row.bytes)) } } } }
                }
            }
            @if report.coverage.unread.len() > 40 { p { (report.coverage.unread.len() - 40) " more rows are in findings.json." } }
        }
    }
}
