//! `report.html`: one file, no script, nothing loaded; readable offline, on a phone, and on paper.

mod map;
mod tables;
mod timeline;

use std::io;

use creance_model::{Report, Severity};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    Options, Output,
    headline::headline,
    words::{bytes, count, percent, shown},
};

/// The page.
pub(crate) struct Html;

impl Output for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn file_name(&self) -> Option<&'static str> {
        Some("report.html")
    }

    fn write(&self, report: &Report, _: &Options, out: &mut dyn io::Write) -> io::Result<()> {
        out.write_all(page(report).into_string().as_bytes())
    }
}

const STYLE: &str = include_str!("html/style.css");

fn page(report: &Report) -> Markup {
    let [first, second] = headline(report);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "creance report " (report.case.id) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#findings" { "Skip to the findings" }
                header {
                    p.mark { "creance" span { "what left, to whom, and how sure one can be" } }
                    h1 { (first) }
                    p.lead { (second) }
                    (facts(report))
                }
                main {
                    (figures(report))
                    section aria-labelledby="map" {
                        h2 id="map" { "Where it went" }
                        (map::world(report))
                    }
                    section aria-labelledby="timeline" {
                        h2 id="timeline" { "When" }
                        (timeline::timeline(report))
                    }
                    section aria-labelledby="destinations" {
                        h2 id="destinations" { "Destinations" }
                        (tables::destinations(report))
                    }
                    section aria-labelledby="findings" {
                        h2 id="findings" { "Findings" }
                        (tables::findings(report))
                    }
                    section aria-labelledby="unseen" {
                        h2 id="unseen" { "What could not be seen" }
                        (unseen(report))
                    }
                    section aria-labelledby="reading" {
                        h2 id="reading" { "How to read this" }
                        (reading())
                    }
                }
                footer {
                    p { (report.case.tool) " · case " code { (report.case.id) } " · the same inputs and options give this page again, byte for byte" }
                }
            }
        }
    }
}

fn facts(report: &Report) -> Markup {
    html! {
        dl.facts {
            div { dt { "Case" } dd { code { (report.case.id) } } }
            @if let (Some(from), Some(to)) = (report.case.first, report.case.last) {
                div { dt { "Captured" } dd { (from) " to " (to) } }
            }
            @for input in &report.case.inputs {
                div { dt { (input.kind) } dd { (shown(&input.path)) " " code { "sha256:" (input.sha256.chars().take(16).collect::<String>()) "…" } } }
            }
            div { dt { "Values" } dd { @if report.revealed { "shown in full" } @else { "masked" } } }
        }
    }
}

fn figures(report: &Report) -> Markup {
    let at_least = |level| report.findings.iter().filter(|finding| finding.severity >= level).count();
    let mut countries: Vec<&str> =
        report.destinations.iter().filter_map(|row| row.destination.country.as_deref()).collect();
    countries.sort_unstable();
    countries.dedup();
    let mut laws: Vec<&str> =
        report.destinations.iter().filter_map(|row| row.destination.control.as_deref()).collect();
    laws.sort_unstable();
    laws.dedup();
    html! {
        ul.figures {
            li { strong { (report.findings.len()) } span { "findings" } small { (at_least(Severity::High)) " high or critical" } }
            li { strong { (report.destinations.len()) } span { "destinations" } small { (count(countries.len(), "country", "countries")) ": " (countries.join(" ")) } }
            li { strong { (laws.len()) } span { "known laws" } small { @if laws.is_empty() { "no operator known" } @else { (laws.join(" ")) } } }
            li { strong { (percent(report.coverage.opaque, report.coverage.bytes)) } span { "opaque" } small { "of " (bytes(report.coverage.bytes)) " with the outside" } }
        }
    }
}

fn unseen(report: &Report) -> Markup {
    let coverage = &report.coverage;
    let share = |part: u64| (u128::from(part) * 1000 / u128::from(coverage.bytes.max(1))).to_string();
    html! {
        p { "Opaque is not innocent: what could not be read may hold anything that was found elsewhere, or nothing. Nothing here says that nothing else left." }
        @if coverage.bytes > 0 {
            svg.bar role="img" aria-label={ (percent(coverage.readable, coverage.bytes)) " readable, " (percent(coverage.opaque, coverage.bytes)) " opaque" } viewBox="0 0 1000 24" preserveAspectRatio="none" {
                rect.opaque width="1000" height="24" {}
                rect.readable width=(share(coverage.readable)) height="24" {}
            }
            p.key {
                span.readable { (bytes(coverage.readable)) " readable (" (percent(coverage.readable, coverage.bytes)) ")" } " "
                span.opaque { (bytes(coverage.opaque)) " opaque (" (percent(coverage.opaque, coverage.bytes)) ")" } " "
                span.lost { (bytes(coverage.lost)) " missing from the capture" }
            }
            (tables::unread(report))
        }
        @if !report.case.damage.is_empty() {
            h3 { "Damaged evidence" }
            ul { @for damage in &report.case.damage { li { (damage.what) " at offset " (damage.offset) " of " (shown(&damage.input)) ": " (shown(&damage.why)) } } }
        }
        @if !report.case.notes.is_empty() {
            h3 { "Notes" }
            ul { @for note in &report.case.notes { li { (shown(note)) } } }
        }
    }
}

fn reading() -> Markup {
    html! {
        dl.reading {
            dt { "Country and law" } dd { "The country is where the bytes land, as far as addresses and host names tell. The law is that of the operator's home: a server in one country run by a company of another answers to both. CN, HK, MO and TW are four different answers." }
            dt { "How we know" } dd { "A planted value is the strongest; then content of the device, the known track, a described endpoint, and a named field of the right shape. A shape alone is a hint, is never more than low, and stands in no headline." }
            dt { "Flight state" } dd { "In flight is from the first to the last armed or airborne sample. Off needs evidence of its own. Everything else is unknown." }
            dt { "Replaying" } dd { "Packet numbers are those of the input named, as Wireshark counts them. The path gives every step from those bytes to the value." }
        }
    }
}
