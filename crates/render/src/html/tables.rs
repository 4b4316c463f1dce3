//! The tables: destinations, and what was not read.

use creance_model::Report;
use maud::{Markup, html};

use crate::{
    headline::doubtful,
    words::{self, bytes, percent, shown},
};

/// Rows that are shown; the rest stands in findings.json.
const MOST_ROWS: usize = 200;
/// Rows of what was not read that are shown.
const MOST_UNREAD: usize = 40;

pub(super) fn destinations(report: &Report) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table of destinations" {
            table {
                caption { "Where traffic went, most bytes sent first. Traffic that stayed on the LAN (" (report.lan.flows) " flows, " (bytes(report.lan.bytes)) ") is not listed." }
                thead { tr { th scope="col" { "Host" } th scope="col" { "Country" } th scope="col" { "Law" } th scope="col" { "Run by" } th scope="col" { "Found" } th.number scope="col" { "Up" } th.number scope="col" { "Down" } th.number scope="col" { "Opaque" } } }
                tbody {
                    @for row in report.destinations.iter().take(MOST_ROWS) {
                        @let to = &row.destination;
                        tr {
                            th scope="row" {
                                (words::host(row))
                                small { @if let Some(ip) = &to.ip { (ip) ":" (to.port) ", " } (row.protocols.join(", ")) @if let Some(basis) = &to.host_basis { ", name by " (shown(basis)) } }
                            }
                            td {
                                strong { @match &to.country { Some(code) => { (name(code)) @if doubtful(to) { " ?" } " " span.iso { (shown(code)) } } None => { "unknown" } } }
                                small { @if let Some(basis) = &to.country_basis { "by " (shown(basis)) ", " } (if to.country_confidence == "none" { "no".to_owned() } else { shown(&to.country_confidence) }) " confidence" @if to.edge { "; an edge: where the bytes go behind it is not known" } }
                                @if !to.country_votes.is_empty() { small.vote { "the sources disagree: " (shown(&to.country_votes.join(", "))) } }
                            }
                            td { strong { @match &to.control { Some(code) => { (name(code)) " " span.iso { (shown(code)) } } None => { "unknown" } } } @if let Some(basis) = &to.control_basis { small { "by " (shown(basis)) } } }
                            td { (shown(to.organization.as_deref().unwrap_or("unknown"))) @if let Some(basis) = &to.organization_basis { small { "by " (shown(basis)) } } @if let Some(asn) = to.asn { small { "AS" (asn) @if let Some(holder) = &to.as_name { " " (shown(holder)) } } } @if let Some(purpose) = &to.purpose { small { "for: " (shown(purpose)) } } }
                            td { @if row.classes.is_empty() { span.none { "nothing in what could be read" } } @else { @for class in &row.classes { span.tag { (class) } " " } } }
                            td.number { (bytes(row.bytes_up)) @for (state, up) in &row.up_by_state { small { (bytes(*up)) " " (words::state(*state)) } } }
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

/// A country in a cell.
fn name(code: &str) -> String {
    let name = words::country(code);
    name.strip_prefix("the ").map_or(name.clone(), ToOwned::to_owned)
}

pub(super) fn unread(report: &Report) -> Markup {
    html! {
        @if !report.coverage.unread.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Table of what was not read" {
                table {
                    caption { "What was not read, and why" }
                    thead { tr { th scope="col" { "What" } th scope="col" { "Why" } th.number scope="col" { "Bytes" } } }
                    tbody { @for row in report.coverage.unread.iter().take(MOST_UNREAD) { tr { th scope="row" { (shown(&row.what)) } td { (shown(&row.why)) } td.number { (bytes(row.bytes)) } } } }
                }
            }
            @if report.coverage.unread.len() > MOST_UNREAD { p { (report.coverage.unread.len() - MOST_UNREAD) " more rows are in findings.json." } }
        }
    }
}
