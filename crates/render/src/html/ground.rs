//! The ground: which protected places and zones the flights met, as a drawing and as tables.

use creance_model::{Ground, Report, SiteSeen, ZoneSeen};
use maud::{Markup, html};

use crate::{
    ground,
    words::{count, shown},
};

/// Rows that are shown; the rest stands in findings.json.
const MOST_ROWS: usize = 100;

/// Whether there is anything to tell.
pub(super) fn is_told(report: &Report) -> bool {
    let Ground { sites, zones, drawing, .. } = &report.ground;
    !(sites.is_empty() && zones.is_empty() && drawing.is_empty())
}

/// The drawing alone; nothing, where places are masked.
pub fn drawing_of(report: &Report) -> Markup {
    html! { @if report.revealed { (ground::map(&report.ground.drawing, "Map of the flights with protected places and zones")) } }
}

/// The drawing, if values are shown, and the tables.
pub(super) fn ground_of(report: &Report) -> Markup {
    let Ground { sites, zones, beyond, .. } = &report.ground;
    html! {
        @if report.revealed {
            figure {
                (drawing_of(report))
                figcaption { "Ways by flight logs and by what the capture hears of aircraft (blue), homes (green) and operators (red). Protected places: red where a camera looked at them, orange where somebody was near. Zones: red where somebody was inside, orange where that is uncertain. Violet: ground that pictures show, were it flat. Numbers and letters stand for the places and zones of the list." }
            }
        } @else if !(sites.is_empty() && zones.is_empty()) {
            p.note { "A map of this would show where it was: it is drawn with " code { "--reveal" } ". Distances are to the nearest hundred metres." }
        }
        @if !sites.is_empty() { (site_table(sites, report)) }
        @if !zones.is_empty() { (zone_table(zones, report)) }
        @if *beyond { p { strong { "Not all was compared." } " The ways are very long, or the register has very many corners." } }
    }
}

fn site_table(sites: &[SiteSeen], report: &Report) -> Markup {
    let carried =
        |site: &SiteSeen| report.findings.iter().filter(|one| one.sites.contains(&site.name)).count();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table of protected places" {
            table {
                caption { "Protected places that somebody was at, or that a camera looked at. What left of them is under “carried”." }
                thead { tr { th scope="col" { "Place" } th scope="col" { "Sector" } th scope="col" { "How" } th.number scope="col" { "Times" } th.number scope="col" { "Least distance" } th scope="col" { "When" } th scope="col" { "Carried" } } }
                tbody {
                    @for site in sites.iter().take(MOST_ROWS) {
                        tr { th scope="row" { (shown(&site.name)) } td { (shown(site.sector.as_deref().unwrap_or("not said"))) } td { @if site.how == "near" { "the " (site.role) " was near" } @else { "the " (site.role) " looked at it" } } td.number { (site.times) } td.number { (format!("{:.0} m", site.metres)) } td { @if let Some((first, last)) = site.span { (first) @if last > first { " to " (last) } } } td { (count(carried(site), "finding", "findings")) } }
                    }
                }
            }
        }
        @if sites.len() > MOST_ROWS { p { (sites.len() - MOST_ROWS) " more are in findings.json." } }
    }
}

fn zone_table(zones: &[ZoneSeen], report: &Report) -> Markup {
    let carried =
        |zone: &ZoneSeen| report.findings.iter().filter(|one| one.zones.contains(&zone.zone)).count();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table of zones" {
            table {
                caption { "Zones of airspace on the way. The margin is the distance to the edge at the point farthest in, negative within." }
                thead { tr { th scope="col" { "Zone" } th scope="col" { "Answer" } th.number scope="col" { "Points" } th.number scope="col" { "Margin" } th scope="col" { "Why" } th scope="col" { "Carried" } } }
                tbody {
                    @for zone in zones.iter().take(MOST_ROWS) {
                        tr { th scope="row" { (shown(&zone.zone)) @if let Some(name) = &zone.name { small { (shown(name)) } } } td { (zone.answer) ", " (zone.role) } td.number { (zone.times) } td.number { (format!("{:.0} m", zone.margin_m)) } td { (shown(&zone.why)) } td { (count(carried(zone), "finding", "findings")) } }
                    }
                }
            }
        }
        @if zones.len() > MOST_ROWS { p { (zones.len() - MOST_ROWS) " more are in findings.json." } }
    }
}
