//! A drawing of the ground: ways, protected places, zones, and what a camera looked at; on a plane, with a bar for the scale.

use creance_model::{Drawing, Outline, Role};
use maud::{Markup, html};

use crate::{
    plane::{Plane, SIZE},
    words::shown,
};

/// Names that are written beside what they name.
const MOST_NAMES: usize = 24;

/// The drawing; nothing, where nobody was anywhere.
pub(crate) fn svg(drawing: &Drawing, title: &str) -> Markup {
    let mut points: Vec<(f64, f64)> = drawing.ways.iter().flat_map(|(_, way)| way.iter().copied()).collect();
    let Some(first) = points.first().copied() else { return html! {} };
    // What was looked at may lie beyond the way: of each place the corner that is nearest.
    points.extend(drawing.sites.iter().filter_map(|site| nearest(site, first)));
    let Some(plane) = Plane::of(&points) else { return html! {} };
    let (metres, width) = plane.bar();
    let label = if metres >= 1000.0 { format!("{} km", metres / 1000.0) } else { format!("{metres} m") };
    html! {
        svg.ground viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" aria-label=(title) font-family="system-ui, sans-serif" {
            title { (title) }
            rect width=(SIZE.0) height=(SIZE.1) fill="#8881" stroke="#8886" {}
            @for zone in &drawing.zones { path d=(path(&plane, zone)) fill=(colour(&zone.how)) fill-opacity="0.12" fill-rule="evenodd" stroke=(colour(&zone.how)) stroke-width="1.2" { title { "zone " (shown(&zone.name)) ": " (zone.how) } } }
            @for seen in &drawing.looked_at { polygon points=(points_of(&plane, seen)) fill="#7a3fa0" fill-opacity="0.05" stroke="#7a3fa0" stroke-opacity="0.35" stroke-width="0.6" {} }
            @for site in &drawing.sites { (place(&plane, site)) }
            @for (role, way) in &drawing.ways {
                @match way.as_slice() {
                    [(lat, lon)] => { @let (x, y) = plane.at(*lat, *lon); circle cx=(tenth(x)) cy=(tenth(y)) r="4" fill=(of_role(*role)) stroke="#fff" { title { (role) } } }
                    way => { polyline points=(points_of(&plane, way)) fill="none" stroke=(of_role(*role)) stroke-width="1.8" stroke-linejoin="round" { title { "way of the " (role) } } }
                }
            }
            @for (site, (x, y)) in named(&plane, &drawing.sites) { text x=(tenth(x + 7.0)) y=(tenth(y + 4.0)) font-size="12" fill="currentColor" { (shown(&site.name)) } }
            line x1="12" x2=(tenth(12.0 + width)) y1=(SIZE.1 - 12.0) y2=(SIZE.1 - 12.0) stroke="currentColor" stroke-width="2" {}
            text x="12" y=(SIZE.1 - 18.0) font-size="12" fill="currentColor" { (label) }
        }
    }
}

/// A protected place: its lines, or a diamond.
fn place(plane: &Plane, site: &Outline) -> Markup {
    let colour = colour(&site.how);
    html! {
        @for line in &site.lines {
            @match line.as_slice() {
                [(lat, lon)] => { @let (x, y) = plane.at(*lat, *lon); path d=(format!("M{x:.1} {:.1}l5 5l-5 5l-5 -5z", y - 5.0)) fill=(colour) stroke="#fff" { title { (shown(&site.name)) ": " (site.how) } } }
                line => { polyline points=(points_of(plane, line)) fill=(colour) fill-opacity="0.25" stroke=(colour) stroke-width="1.4" { title { (shown(&site.name)) ": " (site.how) } } }
            }
        }
    }
}

/// The corner of a place that is nearest to a point, on a map of degrees.
fn nearest(site: &Outline, (lat, lon): (f64, f64)) -> Option<(f64, f64)> {
    let narrow = lat.to_radians().cos();
    let far = |(north, east): &(f64, f64)| (north - lat).hypot((east - lon) * narrow);
    site.lines.iter().flatten().copied().min_by(|one, other| far(one).total_cmp(&far(other)))
}

/// The first places in the picture, with where their names go.
fn named<'a>(plane: &Plane, sites: &'a [Outline]) -> Vec<(&'a Outline, (f64, f64))> {
    let at = |site: &'a Outline| {
        let (lat, lon) = site.lines.first()?.first()?;
        Some((site, plane.at(*lat, *lon)))
    };
    let within = |(x, y): (f64, f64)| (0.0..SIZE.0).contains(&x) && (0.0..SIZE.1).contains(&y);
    sites.iter().filter_map(at).filter(|(_, at)| within(*at)).take(MOST_NAMES).collect()
}

fn points_of(plane: &Plane, line: &[(f64, f64)]) -> String {
    let corner = |(lat, lon): &(f64, f64)| {
        let (x, y) = plane.at(*lat, *lon);
        format!("{:.1},{:.1}", x.clamp(-9e4, 9e4), y.clamp(-9e4, 9e4))
    };
    line.iter().map(corner).collect::<Vec<_>>().join(" ")
}

fn path(plane: &Plane, outline: &Outline) -> String {
    let line = |line: &Vec<(f64, f64)>| format!("M{}z", points_of(plane, line));
    outline.lines.iter().map(line).collect()
}

fn tenth(number: f64) -> String {
    format!("{number:.1}")
}

fn colour(how: &str) -> &'static str {
    match how {
        "looked at" | "inside" => "#c62828",
        _ => "#b26a00",
    }
}

/// The colour of a way, or of what is somebody's.
pub(crate) const fn of_role(role: Role) -> &'static str {
    match role {
        Role::Aircraft => "#1b6ca8",
        Role::Camera => "#7a3fa0",
        Role::Home => "#2e7d32",
        Role::Operator => "#c62828",
        Role::Target => "#b26a00",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_drawn_and_named_and_nothing_without_a_way() {
        let site = Outline {
            name: "Works <1>".to_owned(),
            how: "looked at".into(),
            lines: vec![vec![(47.009, 8.001)]],
        };
        // Its nearest corner is in the picture, the one that its name would stand at is not.
        let far = Outline {
            name: "Far".to_owned(),
            how: "near".into(),
            lines: vec![vec![(48.0, 8.0), (47.0, 8.001)]],
        };
        let mut drawing = Drawing {
            ways: vec![(Role::Aircraft, vec![(47.0, 8.0), (47.002, 8.002)])],
            sites: vec![site, far],
            ..Drawing::default()
        };
        let svg_of = svg(&drawing, "t").into_string();
        assert!(svg_of.contains(">Works &lt;1&gt;</text>") && !svg_of.contains(">Far</text>"), "{svg_of}");
        drawing.ways.clear();
        assert_eq!(svg(&drawing, "t").into_string(), "");
    }
}
