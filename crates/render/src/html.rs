//! `report.html`: one file, no script, nothing loaded; readable offline, on a phone, and on paper.

mod findings;
mod ground;
mod judgements;
mod map;
mod region;
mod tables;
mod timeline;

use std::{collections::BTreeSet, io};

use creance_model::{Match, Report, Severity, Tlp};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    Options, Output,
    apart::apart,
    headline::{firm, headline},
    words::{self, bytes, percent, shown},
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

    fn extension(&self) -> &'static str {
        "html"
    }

    fn write(&self, report: &Report, _: &Options, out: &mut dyn io::Write) -> io::Result<()> {
        // A case is a file that somebody may have written by hand: also of words that creance chooses, none hides anything.
        out.write_all(words::defused(&page(report).into_string()).as_bytes())
    }
}

/// The style of all pages.
pub const STYLE: &str = include_str!("html/style.css");

/// Parts of the page, for pages that show several cases.
pub mod parts {
    pub use super::{STYLE, ground::drawing_of, judgements::strip, map::world, timeline::timeline};
}

fn page(report: &Report) -> Markup {
    let [first, second] = headline(report);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "creance report " (shown(&report.case.id)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#findings" { "Skip to the findings" }
                (banner(report.banner(), "top"))
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
                        (map::world(report, "world"))
                    }
                    section aria-labelledby="timeline" {
                        h2 id="timeline" { "When" }
                        (timeline::timeline(report, "time", "Timeline"))
                    }
                    @if ground::is_told(report) {
                        section aria-labelledby="ground" {
                            h2 id="ground" { "Over the ground" }
                            (ground::ground_of(report))
                        }
                    }
                    @if region::is_told(&report.region) {
                        section aria-labelledby="region" {
                            h2 id="region" { "In which country" }
                            (region::region_of(&report.region))
                        }
                    }
                    section aria-labelledby="destinations" {
                        h2 id="destinations" { "Destinations" }
                        (tables::destinations(report))
                    }
                    @let rows = apart(report);
                    @if !rows.is_empty() {
                        section aria-labelledby="apart" {
                            h2 id="apart" { "In which circumstances" }
                            p { "What left while nobody would expect it. One finding may stand in several rows; hints by shape or size are not counted." }
                            dl.facts { @for row in rows { div { dt { (capital(row.when)) } dd { (words::count(row.count, "finding", "findings")) ": " (row.what) } } } }
                        }
                    }
                    section aria-labelledby="findings" {
                        h2 id="findings" { "Findings" }
                        (findings::findings(report))
                    }
                    @if !report.judgements.is_empty() {
                        section aria-labelledby="judgements" {
                            h2 id="judgements" { "Judgements" }
                            (judgements::judgements(report))
                        }
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
                    p { (shown(&report.case.tool)) " · case " code { (shown(&report.case.id)) } " · the same inputs and options give this page again, byte for byte" }
                }
                (banner(report.banner(), "bottom"))
            }
        }
    }
}

/// How far the page may be passed on: the strictest mark of its portions. The Traffic Light Protocol 2.0 has the colours.
pub(crate) fn banner(tlp: Tlp, place: &str) -> Markup {
    html! { section.tlp.(tlp_class(tlp)) aria-label={ "Marking, " (place) " of the page" } { (tlp.label()) } }
}

/// The mark of a portion.
fn portion(tlp: Tlp) -> Markup {
    html! { span.portion.(tlp_class(tlp)) { (tlp.label()) } }
}

const fn tlp_class(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "tlp-clear",
        Tlp::Green => "tlp-green",
        Tlp::Amber | Tlp::AmberStrict => "tlp-amber",
        Tlp::Red => "tlp-red",
    }
}

fn facts(report: &Report) -> Markup {
    html! {
        dl.facts {
            div { dt { "Case" } dd { code { (shown(&report.case.id)) } " by " (shown(&report.case.tool)) } }
            @if let (Some(from), Some(to)) = (report.case.first, report.case.last) {
                div { dt { "Captured" } dd { (from) " to " (to) ", " (report.case.packets) " packets" } }
            }
            @for input in &report.case.inputs {
                div { dt { (capital(&input.kind)) } dd { (shown(&input.path)) ", " (bytes(input.bytes)) " " code { "sha256:" (input.sha256.chars().take(16).collect::<String>()) "…" } } }
            }
            div { dt { "Values" } dd { @if report.revealed { "shown in full: handle this page like the evidence" } @else { "masked" } } }
        }
    }
}

fn figures(report: &Report) -> Markup {
    let of =
        |codes: Vec<Option<&str>>| codes.into_iter().flatten().map(words::country).collect::<BTreeSet<_>>();
    let countries = of(report.destinations.iter().map(|row| row.destination.country.as_deref()).collect());
    let laws = of(report.destinations.iter().map(|row| row.destination.control.as_deref()).collect());
    let mut detail: Vec<String> = Severity::ALL
        .iter()
        .rev()
        .map(|level| (level, report.findings.iter().filter(|finding| finding.severity == *level).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(level, count)| format!("{count} {level}"))
        .collect();
    // The headline leaves these out.
    let hints = report.findings.iter().filter(|finding| !firm(finding)).count();
    if hints > 0 {
        detail.push(format!("{} among them", words::count(hints, "hint", "hints")));
    }
    html! {
        ul.figures aria-label="Key figures" {
            (figure(&report.findings.len().to_string(), if report.findings.len() == 1 { "finding" } else { "findings" }, &detail.join(", ")))
            (figure(&report.destinations.len().to_string(), if report.destinations.len() == 1 { "destination" } else { "destinations" }, &format!("{} on the LAN are not counted", words::count(usize::try_from(report.lan.flows).unwrap_or(usize::MAX), "flow", "flows"))))
            (figure(&countries.len().to_string(), "landing in", &few(countries, "no country is known")))
            (figure(&laws.len().to_string(), "under the law of", &few(laws, "no operator is known")))
            (figure(&percent(report.coverage.opaque, report.coverage.bytes), "opaque", &format!("of {} with the outside", bytes(report.coverage.bytes))))
        }
    }
}

fn figure(number: &str, what: &str, detail: &str) -> Markup {
    html! { li { strong { (number) } span { (what) } small { (detail) } } }
}

/// The first names, and how many more.
fn few(names: BTreeSet<String>, none: &str) -> String {
    let count = names.len();
    let mut shown: Vec<String> = names
        .into_iter()
        .take(6)
        .map(|name| name.strip_prefix("the ").map_or(name.clone(), ToOwned::to_owned))
        .collect();
    if count > shown.len() {
        shown.push(format!("{} more", count - shown.len()));
    }
    if count == 0 { none.to_owned() } else { shown.join(", ") }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn unseen(report: &Report) -> Markup {
    let coverage = &report.coverage;
    let share = |part: u64| (u128::from(part) * 1000 / u128::from(coverage.bytes.max(1))).to_string();
    html! {
        p { strong { "Opaque is not innocent." } " What could not be read may hold anything that was found elsewhere, or nothing. Nothing here says that nothing else left." }
        @if coverage.bytes > 0 {
            svg.bar role="img" aria-label={ (percent(coverage.readable, coverage.bytes)) " readable, " (percent(coverage.opaque, coverage.bytes)) " opaque, and " (bytes(coverage.lost)) " missing" } viewBox="0 0 1000 24" preserveAspectRatio="none" {
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
        @if report.limited { p { strong { "A bound was reached." } " Not all was looked at; the notes say which bound." } }
        @if !report.case.damage.is_empty() {
            h3 { "Damaged evidence" }
            p { "What was read before the damage is in this report." }
            ul { @for damage in report.case.damage.iter().take(MOST_DAMAGE) { li { (shown(&damage.what)) " at offset " (damage.offset) " of " (shown(&damage.input)) ": " (shown(&damage.why)) } } }
            @if report.case.damage.len() > MOST_DAMAGE { p { (report.case.damage.len() - MOST_DAMAGE) " more are in findings.json." } }
        }
        @if !report.case.notes.is_empty() {
            h3 { "Notes" }
            ul { @for note in &report.case.notes { li { (shown(note)) } } }
        }
    }
}

/// Places of damage that are listed.
const MOST_DAMAGE: usize = 50;

fn reading() -> Markup {
    html! {
        dl.reading {
            dt { "Country and law" } dd { "The country is where the bytes land, as far as addresses and host names tell. The law is that of the operator's home: a server in one country run by a company of another answers to both. CN, HK, MO and TW are four different answers. Behind an edge of a content network, the way of the bytes is not known." }
            dt { "How we know" } dd {
                "Strongest first: "
                @for (index, matched) in Match::ALL.iter().enumerate() { @if index > 0 { ", " } em { (matched) } " is " (words::matched(*matched)) }
                ". The last two are hints: they stand in no headline."
            }
            dt { "Flight state" } dd { "In flight is from the first to the last armed or airborne sample. Off needs evidence of its own. Everything else is unknown." }
            dt { "Trigger" } dd { "Automatic and user come from an action log of the examiner: a fitting action came just before, or none did. Without such a log the trigger is unknown." }
            dt { "Replaying" } dd { "Packet numbers are those of the input named, as Wireshark counts them. The path gives every step from those bytes to the value." }
            dt { "Digest" } dd { "A keyed hash of the value: equal digests in one case are equal values, though they are masked. The key is the case's own." }
        }
    }
}
