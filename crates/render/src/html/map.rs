//! The world map: where the bytes land.

use std::{cmp::Reverse, collections::BTreeMap, fmt::Write as _};

use creance_model::{Report, Traffic};
use maud::{Markup, html};

use crate::{
    headline::doubtful,
    words::{self, bytes, count, list, shown},
};

/// Code, label position and outline of each country (Natural Earth 1:110m; see `assets/build_world.py`).
const WORLD: &str = include_str!("../../assets/world.tsv");

/// Places of a label around its circle, in the order they are tried: across and down.
const AROUND: [(f64, f64); 8] =
    [(0.0, -1.0), (1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.8, 0.8), (-0.8, 0.8), (0.8, -0.8), (-0.8, -0.8)];

struct Country {
    code: &'static str,
    x: f64,
    y: f64,
    outline: &'static str,
}

/// What went to one country.
#[derive(Default)]
struct Sum {
    up: u64,
    hosts: usize,
    classes: Vec<String>,
    unsure: bool,
}

impl Sum {
    fn add(&mut self, row: &Traffic) {
        self.up += row.bytes_up;
        self.hosts += 1;
        for class in &row.classes {
            if !self.classes.contains(class) {
                self.classes.push(class.clone());
            }
        }
        self.unsure |= doubtful(&row.destination);
    }

    fn class(&self) -> &'static str {
        match (self.classes.is_empty(), self.unsure) {
            (true, false) => "met",
            (true, true) => "met unsure",
            (false, false) => "found",
            (false, true) => "found unsure",
        }
    }

    /// Grows with the logarithm of the bytes.
    #[expect(clippy::cast_precision_loss, reason = "a circle's size")]
    fn radius(&self) -> f64 {
        3.0 + (self.up as f64 + 1.0).log10()
    }
}

/// The map, and the same as a list for those who do not see it. `name` begins the ids of its parts, of which a page has each once.
pub fn world(report: &Report, name: &str) -> Markup {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    let mut nowhere = Sum::default();
    for row in &report.destinations {
        match row.destination.country.as_deref() {
            Some(code) => sums.entry(code).or_default().add(row),
            None => nowhere.add(row),
        }
    }
    let world: Vec<Country> = countries().collect();
    let mut marks: Vec<(&Country, &Sum)> =
        world.iter().filter_map(|country| Some((country, sums.get(country.code)?))).collect();
    marks.sort_by_key(|(country, sum)| (Reverse(sum.up), country.code));
    let labels = labels(&marks);
    let ours = report.origin.as_ref().map(|origin| project(origin.lat, origin.lon));
    let mut order: Vec<_> = sums.iter().collect();
    order.sort_by_key(|(code, sum)| (sum.classes.is_empty(), Reverse(sum.up), **code));
    html! {
        figure {
            svg.world role="img" aria-labelledby={ (name) "-title " (name) "-told" } viewBox="0 0 960 430" {
                title id={ (name) "-title" } { "World map of the countries where bytes land" }
                desc id={ (name) "-told" } { (told(&order)) }
                path.globe d=(globe()) {}
                @for country in world.iter().filter(|country| !country.outline.is_empty()) {
                    path class={ "land " (sums.get(country.code).map_or("", Sum::class)) } transform="scale(.1)" d=(country.outline) {}
                }
                @if let Some(ours) = ours {
                    @for (country, sum) in &marks { path class={ "arc " (sum.class()) } d=(arc(ours, (country.x, country.y))) {} }
                }
                @for (country, sum) in &marks { circle class={ "place " (sum.class()) } cx=(tenth(country.x)) cy=(tenth(country.y)) r=(tenth(sum.radius())) {} }
                // Above the circles: one of them may be of the country that our side is in.
                @if let Some(ours) = ours {
                    circle.ours cx=(tenth(ours.0)) cy=(tenth(ours.1)) r="4.5" {}
                    text.ours x=(tenth(ours.0)) y=(tenth(ours.1 + 19.0)) { "our side" }
                }
                @for ((country, sum), (x, y)) in marks.iter().zip(&labels) {
                    @if (x - country.x).hypot(y - country.y) > sum.radius() + 22.0 { path.leader d={ "M" (tenth(country.x)) " " (tenth(country.y)) "L" (tenth(*x)) " " (tenth(*y)) } {} }
                    text.code x=(tenth(*x)) y=(tenth(y + 5.0)) { (country.code) @if sum.unsure { "?" } }
                }
            }
            figcaption {
                "Circles grow with the logarithm of the bytes sent; they are filled where sensitive data was found, and dashed, with a question mark, where the sources disagree or an edge network hides the place. "
                @match &report.origin {
                    Some(origin) => { "Arcs begin where our side was, by " (shown(&origin.basis)) "." }
                    None => { "Where our side was is not known here, so no lines are drawn from it." }
                }
            }
            @if !order.is_empty() || nowhere.hosts > 0 {
                ul.landings {
                    @for (code, sum) in order { (landing(&words::country(code), code, sum)) }
                    @if nowhere.hosts > 0 { (landing("Place unknown", "", &nowhere)) }
                }
            }
        }
    }
}

fn landing(name: &str, code: &str, sum: &Sum) -> Markup {
    html! {
        li class=(sum.class()) {
            strong { (name.strip_prefix("the ").unwrap_or(name)) @if sum.unsure && !code.is_empty() { " ?" } } " "
            @if !code.is_empty() { span.iso { (code) } }
            small { (count(sum.hosts, "destination", "destinations")) ", " (bytes(sum.up)) " sent" }
            small.kinds { @if sum.classes.is_empty() { "nothing found in what could be read" } @else { (sum.classes.join(", ")) } }
        }
    }
}

fn told(order: &[(&&str, &Sum)]) -> String {
    let each: Vec<String> = order
        .iter()
        .map(|(code, sum)| {
            let doubt = if sum.unsure { ", not for certain" } else { "" };
            format!("{} ({}{doubt})", words::country(code), bytes(sum.up))
        })
        .collect();
    if each.is_empty() {
        "No country is known.".to_owned()
    } else {
        format!("Bytes went to {}.", list(&each))
    }
}

fn countries() -> impl Iterator<Item = Country> {
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

/// A place for each label where it covers no other label and no circle but its own.
fn labels(marks: &[(&Country, &Sum)]) -> Vec<(f64, f64)> {
    let mut placed: Vec<(f64, f64)> = Vec::new();
    for (own, sum) in marks {
        let free = |at: (f64, f64)| {
            placed.iter().all(|other| (other.0 - at.0).abs() > 34.0 || (other.1 - at.1).abs() > 20.0)
                && marks.iter().filter(|(country, _)| country.code != own.code).all(|(country, other)| {
                    (country.x - at.0).abs() > 15.0 + other.radius()
                        || (country.y - at.1).abs() > 9.0 + other.radius()
                })
        };
        let spot = [11.0, 27.0, 43.0]
            .iter()
            .flat_map(|far| AROUND.map(|(across, down)| (across * (far + 7.0), down * far, across, down)))
            .map(|(x, y, across, down)| (own.x + x + across * sum.radius(), own.y + y + down * sum.radius()))
            .find(|at| free(*at));
        placed.push(spot.unwrap_or((own.x, own.y - 11.0 - sum.radius())));
    }
    placed
}

/// Equal Earth (Šavrič, Patterson and Jenny, 2018), as `assets/build_world.py` drew the outlines.
fn project(lat: f64, lon: f64) -> (f64, f64) {
    const A: [f64; 4] = [1.340_264, -0.081_106, 0.000_893, 0.003_796];
    const SCALE: f64 = 177.342_305;
    const NORTH: f64 = 1.305_631_75;
    let theta = (3.0_f64.sqrt() / 2.0 * lat.clamp(-57.0, 83.7).to_radians().sin()).asin();
    let (t2, t6) = (theta.powi(2), theta.powi(6));
    let spread = 9.0 * A[3] * t6 * t2 + 7.0 * A[2] * t6 + 3.0 * A[1] * t2 + A[0];
    let x = 2.0 * 3.0_f64.sqrt() * lon.clamp(-180.0, 180.0).to_radians() * theta.cos() / (3.0 * spread);
    let y = theta * (A[3] * t6 * t2 + A[2] * t6 + A[1] * t2 + A[0]);
    (480.0 + x * SCALE, 8.0 + (NORTH - y) * SCALE)
}

/// The edge of the map.
fn globe() -> String {
    let mut path = String::from("M");
    let down = (0..=28_i32).map(|step| (f64::from(83 - 5 * step), 180.0));
    let up = (0..=28_i32).rev().map(|step| (f64::from(83 - 5 * step), -180.0));
    for (lat, lon) in down.chain(up) {
        let (x, y) = project(lat, lon);
        let _ = write!(path, "{x:.1} {y:.1} ");
    }
    path.push('z');
    path
}

fn arc((from_x, from_y): (f64, f64), (x, y): (f64, f64)) -> String {
    let lift = 8.0 + (x - from_x).hypot(y - from_y) / 4.0;
    let (middle, top) = (f64::midpoint(from_x, x), f64::midpoint(from_y, y) - lift);
    format!("M{} {}Q{} {} {} {}", tenth(from_x), tenth(from_y), tenth(middle), tenth(top), tenth(x), tenth(y))
}

fn tenth(number: f64) -> String {
    format!("{number:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projection_is_that_of_the_outlines() {
        for (code, lat, lon) in [("HK", 22.32, 114.17), ("SG", 1.35, 103.82), ("US", 39.5, -98.5)] {
            let country = countries().find(|country| country.code == code).unwrap();
            let (x, y) = project(lat, lon);
            assert!((country.x - x).abs() < 0.1 && (country.y - y).abs() < 0.1, "{code}: {x} {y}");
        }
    }

    #[test]
    fn neighbours_keep_their_own_labels() {
        let sum = Sum { up: 1_000_000, ..Sum::default() };
        let world: Vec<Country> =
            countries().filter(|country| ["CN", "HK", "MO", "TW"].contains(&country.code)).collect();
        let marks: Vec<_> = world.iter().map(|country| (country, &sum)).collect();
        let labels = labels(&marks);
        for (index, one) in labels.iter().enumerate() {
            for other in &labels[index + 1..] {
                assert!((one.0 - other.0).abs() > 34.0 || (one.1 - other.1).abs() > 20.0);
            }
        }
    }
}
