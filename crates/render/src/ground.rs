//! A drawing of the ground: ways, protected places, zones, and what a camera looked at; on a plane, with a bar for the scale.

use creance_model::{Drawing, Outline, Role};
use maud::{Markup, html};

use crate::{
    plane::{Plane, SIZE},
    words::shown,
};

/// Places, and zones, that have a mark in the picture, which a list below it explains.
const MOST_MARKS: usize = 24;

/// Units between two marks, and from one to the edge of the picture.
const APART: f64 = 24.0;

/// The drawing and what its marks mean; nothing, where nobody was anywhere.
pub(crate) fn map(drawing: &Drawing, title: &str) -> Markup {
    let mut points: Vec<(f64, f64)> = drawing.ways.iter().flat_map(|(_, way)| way.iter().copied()).collect();
    let Some(first) = points.first().copied() else { return html! {} };
    // What was looked at may lie beyond the way: of each place the corner that is nearest.
    points.extend(drawing.sites.iter().filter_map(|site| nearest(site, first)));
    let Some(plane) = Plane::of(&points) else { return html! {} };
    let (metres, width) = plane.bar();
    let label = if metres >= 1000.0 { format!("{} km", metres / 1000.0) } else { format!("{metres} m") };
    let marks = marks(&plane, [sites_of(&drawing.sites), zones_of(&drawing.zones)]);
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
            (signs(&marks))
            line x1="12" x2=(tenth(12.0 + width)) y1=(SIZE.1 - 12.0) y2=(SIZE.1 - 12.0) stroke="currentColor" stroke-width="2" {}
            text x="12" y=(SIZE.1 - 18.0) font-size="12" fill="currentColor" { (label) }
        }
        (list(&marks))
    }
}

/// Marks in the picture.
pub(crate) fn signs(marks: &[Mark<'_>]) -> Markup {
    html! { @for Mark { sign, at: (x, y), .. } in marks { text.at x=(tenth(*x)) y=(tenth(*y + 5.0)) text-anchor="middle" { (sign) } } }
}

/// What they mean, below it.
pub(crate) fn list(marks: &[Mark<'_>]) -> Markup {
    html! {
        @if !marks.is_empty() {
            ul.marks { @for Mark { sign, of, .. } in marks { li { b { (sign) } " " (shown(&of.name)) ": " (of.how) } } }
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

/// What stands for a place or a zone in the picture.
pub(crate) struct Mark<'d> {
    sign: String,
    of: &'d Outline,
    at: (f64, f64),
}

/// Outlines of one kind, and the sign of each by its number.
type Kind<'d> = (&'d [Outline], fn(u8) -> String);

fn sites_of(sites: &[Outline]) -> Kind<'_> {
    (sites, |number| (number + 1).to_string())
}

pub(crate) fn zones_of(zones: &[Outline]) -> Kind<'_> {
    (zones, |number| char::from(b'A' + number).to_string())
}

/// The marks of the first places (numbers) and zones (letters) that are in the picture.
pub(crate) fn marks<'d, const N: usize>(plane: &Plane, kinds: [Kind<'d>; N]) -> Vec<Mark<'d>> {
    let mut marks: Vec<Mark<'d>> = Vec::new();
    for (outlines, sign) in kinds {
        let mut number = 0;
        for of in outlines {
            if usize::from(number) >= MOST_MARKS {
                break;
            }
            let is_free = |at: &(f64, f64)| {
                marks.iter().all(|mark| (mark.at.0 - at.0).hypot(mark.at.1 - at.1) >= APART)
            };
            let mut places = places(plane, of);
            let first = places.next();
            // Where all places are taken, one mark stands over another: the list has both.
            if let Some(at) = first.filter(is_free).or_else(|| places.find(is_free)).or(first) {
                marks.push(Mark { sign: sign(number), of, at });
                number += 1;
            }
        }
    }
    marks
}

/// Where the mark of an outline may stand: on its lines, as far as they are in the picture; beside it, where it is a point.
fn places<'d>(plane: &'d Plane, of: &'d Outline) -> impl Iterator<Item = (f64, f64)> + 'd {
    let on_leg = |two: &[(f64, f64)]| match two {
        [from, to] => inside(plane.at(from.0, from.1), plane.at(to.0, to.1)),
        _ => None,
    };
    of.lines.iter().flat_map(move |line| {
        let single = match line.as_slice() {
            [(lat, lon)] => Some(plane.at(*lat, *lon)).and_then(|at| inside(at, at)),
            _ => None,
        };
        let beside = single.map(|places| places.map(|(x, y)| (x + APART, y)));
        beside.into_iter().chain(line.windows(2).filter_map(on_leg)).flatten()
    })
}

/// Places on that part of a line which is in the picture, a little within its edge: its middle, and between that and its ends.
fn inside(from: (f64, f64), to: (f64, f64)) -> Option<[(f64, f64); 3]> {
    let (mut begin, mut end) = (0.0_f64, 1.0_f64);
    for (from, to, most) in [(from.0, to.0, SIZE.0 - APART), (from.1, to.1, SIZE.1 - APART)] {
        let by = to - from;
        if by.abs() < 1e-9 {
            if !(APART..=most).contains(&from) {
                return None;
            }
            continue;
        }
        let [one, other] = [(APART - from) / by, (most - from) / by];
        begin = begin.max(one.min(other));
        end = end.min(one.max(other));
    }
    let at = |share: f64| {
        let along = begin + share * (end - begin);
        (from.0 + along * (to.0 - from.0), from.1 + along * (to.1 - from.1))
    };
    (begin <= end).then(|| [0.5, 0.25, 0.75].map(at))
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
        let zone = |name: &str, south: f64| Outline {
            name: name.to_owned(),
            how: "inside".into(),
            lines: vec![vec![(south, 7.0), (49.0, 7.0), (49.0, 9.0), (south, 9.0), (south, 7.0)]],
        };
        drawing.zones = vec![zone("around", 40.0), zone("north", 47.001), zone("north too", 47.001)];
        let page = map(&drawing, "t").into_string();
        assert!(page.contains("<b>1</b> Works &lt;1&gt;: looked at"), "{page}");
        // What has no line in the picture has no mark; what has the same line as another has its own mark.
        assert!(page.contains("<b>A</b> north: inside") && page.contains("<b>B</b> north too"), "{page}");
        assert!(page.contains("Far: near") && !page.contains("> around:"), "{page}");
        drawing.ways.clear();
        assert_eq!(map(&drawing, "t").into_string(), "");
    }
}
