//! What a flight met of zones of airspace, written: a table for people, a map, a page.

use std::io;

use creance_model::{Outline, Timestamp};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    ground::{self, Mark},
    plane::{Plane, SIZE},
    words::{count, shown},
};

const STYLE: &str = include_str!("html/style.css");

/// Tables are wider here than in a report.
const WIDER: &str = ".ground{max-width:60rem;margin:8px 0 14px}table{width:100%}td,th{text-align:left;vertical-align:top;padding:4px 10px 4px 0;overflow-wrap:anywhere}td:nth-child(-n+2),th:nth-child(-n+2){white-space:nowrap}";

/// Points of one way that are drawn, marks on it, and corners of all zones.
const MOST_POINTS: usize = 4000;
const MOST_MARKS: usize = 1500;
const MOST_CORNERS: usize = 60_000;

/// Rows of the text and of the page.
const MOST_ROWS: usize = 200;

/// What was checked, and what came of it.
#[derive(Clone, Debug, Default)]
pub struct Met {
    /// The zones that were met, those that were entered first.
    pub rows: Vec<Row>,
    /// Positions that were checked: all, inside of something, uncertain of something and inside of nothing.
    pub positions: [u64; 3],
    /// Legs between them that were checked: all, and those that are inside of something, or uncertain, though their ends are not.
    pub legs: [u64; 3],
    /// The files of zones: name, and when the data is of, in words.
    pub sources: Vec<(String, String)>,
    /// Positions in order, and the answer at each.
    pub ways: Vec<Vec<(f64, f64, &'static str)>>,
    /// Outlines of zones in or near the picture, those that were met first: name, answer, lines of degrees north and east.
    pub outlines: Vec<Outline>,
}

/// A zone that was met.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its identifier.
    pub zone: String,
    /// What it is called.
    pub name: Option<String>,
    /// The gravest answer: `inside` or `uncertain`.
    pub answer: &'static str,
    /// The least margin in metres, of the gravest answer.
    pub margin_m: f64,
    /// Positions inside, and uncertain.
    pub positions: [u64; 2],
    /// Legs inside, and uncertain, whose ends are less so.
    pub legs: [u64; 2],
    /// When it was met first and last.
    pub first: Option<Timestamp>,
    /// As above.
    pub last: Option<Timestamp>,
    /// Where it was met first: degrees north and east.
    pub place: (f64, f64),
    /// Why the gravest answer is this one.
    pub why: String,
}

/// The table for a terminal. `reveal` tells where zones were met.
pub fn text(met: &Met, reveal: bool, out: &mut dyn io::Write) -> io::Result<()> {
    for (file, dated) in &met.sources {
        writeln!(out, "{}: {dated}", shown(file))?;
    }
    writeln!(out, "{}\n", summed(met))?;
    for row in met.rows.iter().take(MOST_ROWS) {
        writeln!(out, "{:<10} {:>10}  {}", row.answer, margin(row.margin_m), title(row))?;
        writeln!(
            out,
            "{:22} {}{}",
            "",
            span(row),
            if reveal { format!(", first at {:.6}, {:.6}", row.place.0, row.place.1) } else { String::new() }
        )?;
        writeln!(out, "{:22} {}", "", shown(&row.why))?;
    }
    if met.rows.len() > MOST_ROWS {
        writeln!(out, "{} further zones are in the other forms", met.rows.len() - MOST_ROWS)?;
    }
    if met.rows.is_empty() {
        writeln!(out, "No zone was met.")?;
    }
    Ok(())
}

fn summed(met: &Met) -> String {
    let [all, inside, uncertain] = met.positions;
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let told = format!(
        "{}: {inside} inside, {uncertain} uncertain, {} outside of all zones",
        count(number(all), "position", "positions"),
        all.saturating_sub(inside + uncertain)
    );
    match met.legs {
        [0, ..] => told,
        [all, inside, uncertain] => format!(
            "{told}; {} between: {inside} inside, {uncertain} uncertain where their ends are not",
            count(number(all), "leg", "legs")
        ),
    }
}

fn title(row: &Row) -> String {
    match &row.name {
        Some(name) if *name != row.zone => format!("{} ({})", shown(&row.zone), shown(name)),
        _ => shown(&row.zone),
    }
}

fn span(row: &Row) -> String {
    let [inside, uncertain] = row.positions;
    let legs = match row.legs {
        [0, 0] => String::new(),
        [inside, uncertain] => format!("; legs: {inside} inside, {uncertain} uncertain"),
    };
    let when = match (row.first, row.last) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}, "),
        (Some(first), _) => format!("{first}, "),
        _ => String::new(),
    };
    format!("{when}{inside} inside, {uncertain} uncertain{legs}")
}

fn margin(metres: f64) -> String {
    if metres.abs() < 10_000.0 { format!("{metres:.1} m") } else { format!("{:.1} km", metres / 1000.0) }
}

/// The page: a map and the table. No script, nothing loaded.
pub fn html(met: &Met, title_text: &str) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "creance zones " (shown(title_text)) }
                style { (PreEscaped(STYLE)) (PreEscaped(WIDER)) }
            }
            body {
                header {
                    p.mark { "creance" span { "zones of airspace" } }
                    h1 { (shown(title_text)) }
                    p { (summed(met)) "." }
                    @for (file, dated) in &met.sources { p { (shown(file)) ": " (dated) } }
                }
                main {
                    (figure(met))
                    @if met.rows.is_empty() { p { "No zone was met." } } @else {
                        table {
                            thead { tr { th { "Answer" } th { "Margin" } th { "Zone" } th { "When" } th { "Why" } } }
                            tbody {
                                @for row in met.rows.iter().take(MOST_ROWS) {
                                    tr { td { (row.answer) } td { (margin(row.margin_m)) } td { (title(row)) } td { (span(row)) } td { (shown(&row.why)) } }
                                }
                            }
                        }
                        @if met.rows.len() > MOST_ROWS { p { (met.rows.len() - MOST_ROWS) " further zones are in the other forms." } }
                    }
                }
            }
        }
    };
    page.into_string()
}

/// The map alone, as a file of its own. What is in it tells its name to whoever points at it; there is no list beside it.
pub fn svg(met: &Met) -> String {
    let map = plane(met).map(|plane| map(met, &plane, &[])).unwrap_or_default().into_string();
    map.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1)
}

/// The map and the list of its marks, for print and for screens that one does not point at.
fn figure(met: &Met) -> Markup {
    let Some(plane) = plane(met) else { return html! {} };
    let marks = ground::marks(&plane, [ground::zones_of(&met.outlines)]);
    html! { (map(met, &plane, &marks)) (ground::list(&marks)) }
}

fn plane(met: &Met) -> Option<Plane> {
    Plane::of(&met.ways.iter().flatten().map(|(lat, lon, _)| (*lat, *lon)).collect::<Vec<_>>())
}

fn map(met: &Met, plane: &Plane, marks: &[Mark<'_>]) -> Markup {
    let mut room = MOST_CORNERS;
    let mut outlines = Vec::new();
    for outline in &met.outlines {
        let corners: usize = outline.lines.iter().map(Vec::len).sum();
        let step = corners.div_ceil(room.max(1)).max(1);
        room = room.saturating_sub(corners / step);
        let path: String = outline.lines.iter().map(|line| path(plane, line, step)).collect();
        outlines.push((outline, path));
    }
    let (metres, width) = plane.bar();
    let label = if metres >= 1000.0 { format!("{} km", metres / 1000.0) } else { format!("{metres} m") };
    html! {
        svg.ground viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } width=(SIZE.0) height=(SIZE.1) role="img" font-family="sans-serif" {
            title { "Positions and zones" }
            rect width=(SIZE.0) height=(SIZE.1) fill="#f4f4f0" stroke="#8886" {}
            @for (outline, path) in &outlines {
                path d=(path) fill=(colour(&outline.how)) fill-opacity="0.14" fill-rule="evenodd" stroke=(colour(&outline.how)) stroke-width="1.2" { title { (shown(&outline.name)) ": " (outline.how) } }
            }
            @for way in &met.ways {
                polyline points=(points_of(plane, way)) fill="none" stroke="#1b6ca8" stroke-width="1.4" stroke-linejoin="round" {}
                @let marked = way.iter().filter(|(_, _, answer)| *answer != "outside");
                @let step = marked.clone().count().div_ceil(MOST_MARKS).max(1);
                @for (lat, lon, answer) in marked.step_by(step) {
                    @let (x, y) = plane.at(*lat, *lon);
                    circle cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="2.6" fill=(colour(answer)) {}
                }
                @if let [(lat, lon, answer)] = way.as_slice() {
                    @let (x, y) = plane.at(*lat, *lon);
                    circle cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="4" fill=(colour(answer)) stroke="#fff" {}
                }
            }
            (ground::signs(marks))
            line x1="12" x2=(format!("{:.1}", 12.0 + width)) y1=(SIZE.1 - 12.0) y2=(SIZE.1 - 12.0) stroke="#333" stroke-width="2" {}
            text x="12" y=(SIZE.1 - 18.0) font-size="12" fill="#333" { (label) }
            @for (row, answer) in (0_u8..).zip(["inside", "uncertain", "outside"]) {
                @let y = 16.0 + 16.0 * f64::from(row);
                circle cx="16" cy=(y) r="4" fill=(colour(answer)) {}
                text x="26" y=(y + 4.0) font-size="12" fill="#333" { (answer) }
            }
        }
    }
}

/// A way as corners of the picture.
fn points_of(plane: &Plane, way: &[(f64, f64, &str)]) -> String {
    let step = way.len().div_ceil(MOST_POINTS).max(1);
    let corner = |(lat, lon, _): &(f64, f64, &str)| {
        let (x, y) = plane.at(*lat, *lon);
        format!("{x:.1},{y:.1}")
    };
    way.iter().step_by(step).chain(way.last()).map(corner).collect::<Vec<_>>().join(" ")
}

/// A closed line of the picture. What lies far outside is drawn at its edge.
fn path(plane: &Plane, line: &[(f64, f64)], step: usize) -> String {
    let corner = |(lat, lon): &(f64, f64)| {
        let (x, y) = plane.at(*lat, *lon);
        format!("{:.1} {:.1}", x.clamp(-9e4, 9e4), y.clamp(-9e4, 9e4))
    };
    let corners: Vec<String> = line.iter().step_by(step).chain(line.last()).map(corner).collect();
    format!("M{}z", corners.join(" "))
}

fn colour(answer: &str) -> &'static str {
    match answer {
        "inside" => "#c62828",
        "uncertain" => "#b26a00",
        _ => "#5b6770",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_picture_is_named_below_it() {
        let ring = vec![(47.0, 8.0), (47.001, 8.0), (47.001, 8.001), (47.0, 8.001), (47.0, 8.0)];
        let outline = |name: &str, how: &'static str| Outline {
            name: name.to_owned(),
            how: how.into(),
            lines: vec![ring.clone()],
        };
        let met = Met {
            ways: vec![vec![(47.0, 8.0, "inside"), (47.002, 8.002, "outside")]],
            outlines: vec![outline("Yard <1>", "inside"), outline("Field", "outside")],
            ..Met::default()
        };
        let page = html(&met, "t");
        assert!(
            page.contains("<b>A</b> Yard &lt;1&gt;: inside") && page.contains("<b>B</b> Field: outside"),
            "{page}"
        );
        assert!(!svg(&met).contains("class=\"at\""), "a picture without a list has no marks");
        assert!(!html(&Met::default(), "t").contains("<svg"));
    }
}
