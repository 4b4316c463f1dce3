//! A page of what differs: one file, no script, nothing loaded.

use creance_assess::{Comparison, Destination, Row, Verdict};
use creance_model::DataClass;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{probability, rates, remark, sentence, verdict};
use crate::{
    html::banner,
    words::{count, percent, shown},
};

pub(super) const STYLE: &str = include_str!("../html/style.css");

/// Bars, and colours of verdicts.
pub(super) const WIDER: &str = ".bars{display:block;width:160px;height:24px}.bars .before{fill:#9aa2ac}.bars .after{fill:var(--blue)}.stopped{color:var(--green)}.appeared,.changed{color:var(--red)}.verdict{font-weight:700}.told{max-width:50em;padding-left:20px}.told li{margin:6px 0}.dot-before,.dot-after{display:inline-block;width:11px;height:11px;border-radius:2px;margin:0 6px 0 14px;background:#9aa2ac}.dot-after{background:var(--blue)}";

/// Rows of one table.
const MOST_ROWS: usize = 500;

/// The page.
pub fn html(of: &Comparison) -> String {
    let [before, after] = &of.groups;
    let title = format!("{} and {}", shown(&before.name), shown(&after.name));
    let (first, rest) =
        of.statements.split_first().map_or(("", [].as_slice()), |(first, rest)| (first.as_str(), rest));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "creance compare: " (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(WIDER)) }
            }
            body {
                a.skip href="#destinations" { "Skip to the tables" }
                (banner(of.tlp, "top"))
                header {
                    p.mark { "creance" span { "what differs, and how sure one can be" } }
                    h1 { (sentence(first)) }
                    dl.facts { @for group in &of.groups {
                        @let names: Vec<String> = group.cases.iter().filter_map(|index| of.cases.get(*index)).map(|name| shown(name)).collect();
                        div { dt { (shown(&group.name)) } dd { (count(names.len(), "run", "runs")) ": " (names.join(", ")) @if of.per != "run" { "; " (format!("{:.1}", group.minutes)) " " (of.per) "s" } } }
                    } }
                }
                main {
                    (figures(of, "Key figures"))
                    ul.told { @for told in rest { li { (sentence(told)) } } }
                    section aria-labelledby="destinations" {
                        h2 id="destinations" { "Destinations" }
                        (destinations(of, "Table of destinations"))
                    }
                    section aria-labelledby="pairs" {
                        h2 id="pairs" { "What they get" }
                        (pairs(of, "Table of data and destinations"))
                    }
                    section aria-labelledby="reading" {
                        h2 id="reading" { "How to read this" }
                        (reading(of.level))
                    }
                }
                footer { p { "The same cases give this page again, byte for byte" } }
                (banner(of.tlp, "bottom"))
            }
        }
    };
    page.into_string()
}

pub(super) fn figures(of: &Comparison, label: &str) -> Markup {
    let with =
        |wanted: Option<Verdict>| of.destinations.iter().filter(|one| one.row.verdict == wanted).count();
    let [before, after] = &of.groups;
    html! {
        ul.figures aria-label=(label) {
            @for (number, what) in [
                (with(Some(Verdict::Stopped)).to_string(), "destinations stopped"),
                (with(Some(Verdict::Stayed)).to_string(), "stayed"),
                (with(Some(Verdict::Changed)).to_string(), "get other data"),
                (with(Some(Verdict::Appeared)).to_string(), "appeared"),
                (with(None).to_string(), "cannot be told"),
            ] { li { strong { (number) } span { (what) } } }
            li { strong { (percent(after.opaque, after.bytes)) } span { "opaque" } small { (percent(before.opaque, before.bytes)) " before" } }
        }
    }
}

pub(super) fn destinations(of: &Comparison, label: &str) -> Markup {
    let rates_of = |one: &Destination| rates(of, &one.bytes);
    let most = of.destinations.iter().flat_map(rates_of).fold(1e-9, f64::max);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                caption { "Bytes sent a " (of.per) ":" span.dot-before {} "before" span.dot-after {} "after" }
                thead { tr { th scope="col" { "Host" } th scope="col" { "Verdict" } th scope="col" { "Sent" } th scope="col" { "Data" } (head()) } }
                tbody { @for one in of.destinations.iter().take(MOST_ROWS) {
                    @let [before, after] = rates(of, &one.bytes);
                    tr {
                        th scope="row" { (shown(&one.host)) }
                        td { (said(&one.row)) }
                        td {
                            svg.bars role="img" aria-label=(format!("{before:.0} before, {after:.0} after")) viewBox="0 0 100 24" preserveAspectRatio="none" {
                                rect.before y="2" height="8" width=(format!("{:.2}", 100.0 * before / most)) {}
                                rect.after y="13" height="8" width=(format!("{:.2}", 100.0 * after / most)) {}
                            }
                            small { (format!("{before:.0} → {after:.0}")) }
                        }
                        td { (classes("no longer", &one.dropped)) (classes("now", &one.added)) (classes("still", &one.kept)) }
                        (strength(&one.row))
                    }
                } }
            }
        }
        (further(of.destinations.len()))
    }
}

fn classes(word: &str, classes: &[DataClass]) -> Markup {
    html! { @if !classes.is_empty() { small { (word) } @for class in classes { span.tag { (class) } " " } } }
}

pub(super) fn pairs(of: &Comparison, label: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                caption { "How often each kind of data was found on its way to each host, in each run" }
                thead { tr { th scope="col" { "Data" } th scope="col" { "To" } th scope="col" { "Verdict" } th scope="col" { "Found" } (head()) th scope="col" { "Times as often" } } }
                tbody { @for pair in of.pairs.iter().take(MOST_ROWS) {
                    tr {
                        th scope="row" { (pair.data_class) }
                        td { (shown(&pair.host)) }
                        td { (said(&pair.row)) }
                        td { @for group in &of.groups {
                            @let counts: Vec<String> = group.cases.iter().filter_map(|index| pair.counts.get(*index)).map(u64::to_string).collect();
                            small { (shown(&group.name)) ": " (counts.join(", ")) }
                        } }
                        (strength(&pair.row))
                        td { @if let Some((low, high)) = pair.row.amount.and_then(|amount| amount.ratio) {
                            (format!("{low:.2} to ")) @if high.is_finite() { (format!("{high:.2}")) } @else { "any" }
                        } }
                    }
                } }
            }
        }
        (further(of.pairs.len()))
    }
}

fn head() -> Markup {
    html! { th.number scope="col" { "Before" } th.number scope="col" { "After" } th.number scope="col" { "p" } th.number scope="col" { "corrected" } }
}

fn said(row: &Row) -> Markup {
    html! { span.verdict.(verdict(row).replace(' ', "-")) { (verdict(row)) } @if let Some(remark) = remark(row) { small { (remark) } } }
}

fn strength(row: &Row) -> Markup {
    let [[a, n], [b, m]] = row.seen_in;
    html! {
        td.number { (a) " of " (n) @if a == 0 { (may(row)) } }
        td.number { (b) " of " (m) @if b == 0 { (may(row)) } }
        td.number { (probability(row.p)) }
        td.number { (probability(row.p_corrected)) }
    }
}

/// What may be there though it was not seen.
fn may(row: &Row) -> Markup {
    html! { @if let Some(unseen) = row.unseen { small { (format!("up to {:.0} %", unseen.share_of_runs * 100.0)) } } }
}

fn further(rows: usize) -> Markup {
    html! { @if rows > MOST_ROWS { p { (rows - MOST_ROWS) " more are in the JSON form." } } }
}

pub(super) fn reading(level: f64) -> Markup {
    html! {
        dl.reading {
            dt { "Verdict" } dd { "Stopped and appeared are claimed where an unchanged thing would look so with a probability (p) of at most " (level) ". Stayed was seen in every run of both settings. Changed stayed, and gets other data. All else is not told." }
            dt { "Before, after" } dd { "In how many runs it was seen, of those that could show it; in others it may have been there unread: opaque or missing bytes, or damage, and nothing is claimed that hangs on them. Below a nought stands the greatest share of such runs that may show it after all, at 95 %." }
            dt { "Corrected" } dd { "p for all rows of the table together: of all claims at or below the level, the share expected to be wrong is no more than that level (Benjamini and Hochberg)." }
            dt { "Times as often" } dd { "After against before, 95 % interval, if findings come independently of each other." }
            dt { "Cause" } dd { "A difference between two sets of runs is one of everything that differed between them: only where nothing but the setting did is it the setting's." }
        }
    }
}
