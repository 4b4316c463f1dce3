//! What differs between many settings: each beside the one that all are compared with.

use std::fmt::Write as _;

use creance_assess::{Campaigned, Reached};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    html::{STYLE, WIDER, destinations, figures, pairs, reading},
    sentence, text,
};
use crate::{
    html::banner,
    text::{cut, wrapped},
    words::{count, percent, shown},
};

/// Columns that sentences keep to, of names of hosts, and of names of settings.
const WIDTH: usize = 100;
const NAMES: usize = 40;
const SETTING: usize = 12;
/// Rows of the table of all settings.
const MOST_ROWS: usize = 500;

/// The sentences, a table of all settings, and each comparison.
pub fn text_of_many(of: &Campaigned) -> String {
    let mut out = format!("{}\n", of.tlp.label());
    for told in &of.statements {
        for (index, line) in wrapped(&sentence(told), WIDTH).into_iter().enumerate() {
            let _ = writeln!(out, "{} {line}", if index == 0 { "·" } else { " " });
        }
    }
    let names: Vec<String> =
        of.groups.iter().map(|group| format!("{:>SETTING$}", cut(&shown(&group.name), SETTING))).collect();
    let _ = writeln!(out, "\n{:<NAMES$} {}", "runs in which it was reached", names.join(" "));
    for one in of.destinations.iter().take(MOST_ROWS) {
        let cells: Vec<String> = seen(of, one).iter().map(|cell| format!("{cell:>SETTING$}")).collect();
        let _ = writeln!(out, "{:<NAMES$} {}", cut(&shown(&one.host), NAMES), cells.join(" "));
    }
    for one in &of.comparisons {
        let _ = writeln!(out, "\n══ {}\n", title(one));
        out.push_str(&text(one));
    }
    out
}

/// `2 of 3`, for each setting.
fn seen(of: &Campaigned, one: &Reached) -> Vec<String> {
    of.groups
        .iter()
        .zip(&one.seen_in)
        .map(|(group, seen)| format!("{seen} of {}", group.cases.len()))
        .collect()
}

fn title(of: &creance_assess::Comparison) -> String {
    let [before, after] = &of.groups;
    format!("{} beside {}", shown(&after.name), shown(&before.name))
}

/// The page.
pub fn html_of_many(of: &Campaigned) -> String {
    let (first, rest) =
        of.statements.split_first().map_or(("", [].as_slice()), |(first, rest)| (first.as_str(), rest));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "creance compare: " (count(of.groups.len(), "setting", "settings")) }
                style { (PreEscaped(STYLE)) (PreEscaped(WIDER)) }
            }
            body {
                a.skip href="#all" { "Skip to the tables" }
                (banner(of.tlp, "top"))
                header {
                    p.mark { "creance" span { "what differs, and how sure one can be" } }
                    h1 { (sentence(first)) }
                    dl.facts { @for group in &of.groups {
                        div { dt { (shown(&group.name)) } dd { (count(group.cases.len(), "run", "runs")) ": " (group.cases.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ")) "; " (percent(group.opaque, group.bytes)) " of bytes opaque" } }
                    } }
                }
                main {
                    ul.told { @for told in rest { li { (sentence(told)) } } }
                    section aria-labelledby="all" {
                        h2 id="all" { "All settings" }
                        (table(of))
                    }
                    @for (index, one) in of.comparisons.iter().enumerate() {
                        section aria-labelledby={ "with-" (index) } {
                            h2 id={ "with-" (index) } { (title(one)) }
                            (figures(one, &title(one)))
                            ul.told { @for told in &one.statements { li { (sentence(told)) } } }
                            (destinations(one, &format!("Destinations, {}", title(one))))
                            (pairs(one, &format!("Data and destinations, {}", title(one))))
                        }
                    }
                    section aria-labelledby="reading" {
                        h2 id="reading" { "How to read this" }
                        (reading(of.level_each))
                    }
                }
                footer { p { "The same cases give this page again, byte for byte" } }
                (banner(of.tlp, "bottom"))
            }
        }
    };
    page.into_string()
}

fn table(of: &Campaigned) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table of all settings" {
            table {
                caption { "In how many runs of each setting there was traffic with each host" }
                thead { tr { th scope="col" { "Host" } @for group in &of.groups { th.number scope="col" { (shown(&group.name)) } } th scope="col" { "Data, in any" } } }
                tbody { @for one in of.destinations.iter().take(MOST_ROWS) {
                    tr { th scope="row" { (shown(&one.host)) } @for cell in seen(of, one) { td.number { (cell) } } td { @for class in &one.classes { span.tag { (class) } " " } } }
                } }
            }
        }
        @if of.destinations.len() > MOST_ROWS { p { (of.destinations.len() - MOST_ROWS) " more are in the JSON form." } }
    }
}
