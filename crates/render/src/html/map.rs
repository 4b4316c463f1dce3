//! The world map: destinations where the bytes land, arcs from our side.

use std::collections::BTreeMap;

use creance_model::Report;
use maud::{Markup, html};

use crate::words::bytes;

/// Code, label position and outline of each country (Natural Earth 1:110m; see `assets/build_world.py`).
const WORLD: &str = include_str!("../../assets/world.tsv");

/// Where arcs begin: nobody's land in the South Atlantic. Where our side is, the report does not say.
const OURS: (f64, f64) = (415.0, 290.0);

struct Country<'a> {
    code: &'a str,
    x: f64,
    y: f64,
    outline: &'a str,
}

fn countries() -> impl Iterator<Item = Country<'static>> {
    WORLD.lines().filter_map(|line| {
        let mut cells = line.split('\t');
        Some(Country {
            code: cells.next()?,
            x: cells.next()?.parse().ok()?,
            y: cells.next()?.parse().ok()?,
            outline: cells.next()?,
        })
    })
}

#[derive(Default)]
struct Sum {
    up: u64,
    hosts: usize,
    found: bool,
    unsure: bool,
}

/// The map, and the same as a list for those who do not see it.
pub(super) fn world(report: &Report) -> Markup {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    let mut nowhere = Sum::default();
    for row in &report.destinations {
        let sum = match row.destination.country.as_deref() {
            Some(code) => sums.entry(code).or_default(),
            None => &mut nowhere,
        };
        sum.up += row.bytes_up;
        sum.hosts += 1;
        sum.found |= !row.classes.is_empty();
        sum.unsure |= !row.destination.country_votes.is_empty() || row.destination.edge;
    }
    let told: Vec<String> = sums
        .iter()
        .map(|(code, sum)| format!("{code}: {} from {} hosts", bytes(sum.up), sum.hosts))
        .collect();
    html! {
        figure {
            svg.world role="img" aria-labelledby="world-title world-told" viewBox="0 0 900 350" {
                title id="world-title" { "World map of the destinations" }
                desc id="world-told" { (told.join("; ")) }
                @for country in countries().filter(|country| !country.outline.is_empty()) {
                    @let class = match sums.get(country.code) { Some(sum) if sum.found => "land found", Some(_) => "land met", None => "land" };
                    path class=(class) d=(country.outline) {}
                }
                @for country in countries() {
                    @if let Some(sum) = sums.get(country.code) {
                        path class=(if sum.unsure { "arc unsure" } else if sum.found { "arc found" } else { "arc" }) d=(arc(country.x, country.y)) {}
                    }
                }
                circle.ours cx=(OURS.0) cy=(OURS.1) r="5" {}
                text.ours x=(OURS.0) y=(OURS.1 + 18.0) { "our side" }
                @for country in countries() {
                    @if let Some(sum) = sums.get(country.code) {
                        circle class=(if sum.found { "place found" } else { "place" }) cx=(country.x) cy=(country.y) r=(radius(sum.up)) {}
                        text.code x=(country.x) y=(label(country.code, country.y)) { (country.code) @if sum.unsure { "?" } }
                    }
                }
            }
            figcaption {
                "Circles stand for bytes sent, red where sensitive data was found in them; dashed arcs and question marks where the databases disagree or an edge network hides the place. Where our side was is not drawn: the arcs begin at a neutral point."
                @if nowhere.hosts > 0 { " " (nowhere.hosts) " destinations (" (bytes(nowhere.up)) " sent) have no known country." }
            }
        }
    }
}

fn arc(x: f64, y: f64) -> String {
    let (from_x, from_y) = OURS;
    let lift = 30.0 + (x - from_x).abs() / 4.0;
    format!(
        "M{from_x:.1} {from_y:.1}Q{:.1} {:.1} {x:.1} {y:.1}",
        f64::midpoint(from_x, x),
        from_y.min(y) - lift
    )
}

/// Area grows with the logarithm of the bytes.
#[expect(clippy::cast_precision_loss, reason = "a circle's size")]
fn radius(up: u64) -> String {
    format!("{:.1}", 3.0 + (up as f64 + 1.0).log10())
}

/// Neighbours' labels are kept apart.
fn label(code: &str, y: f64) -> f64 {
    match code {
        "HK" => y + 20.0,
        "MO" => y + 31.0,
        "TW" => y - 12.0,
        _ => y - 11.0,
    }
}
