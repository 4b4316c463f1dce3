//! A page of what files give away: one file, no script, nothing loaded; with a small map of each file that has places.

use creance_model::{Inspected, Inspection, Role};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Totals, says_something};
use crate::{
    plane::{Plane, SIZE},
    words::{bytes, shown},
};

const STYLE: &str = include_str!("../html/style.css");

/// Names of rows are longer here than in a report.
const WIDER: &str =
    "h1,h2{overflow-wrap:anywhere}.facts dt{flex-basis:170px}.ground{max-width:40rem;margin:8px 0 14px}";

/// Files that are shown one by one.
const MOST_FILES: usize = 500;

/// Points of one track that are drawn.
const MOST_POINTS: usize = 2000;

/// The page. Maps are drawn where places are told in full (`reveal`).
pub fn html(files: &[Inspected], totals: &Totals, reveal: bool) -> String {
    let title = match files {
        [one] => shown(&one.file),
        _ => format!("{} files", files.len()),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "creance inspect " (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(WIDER)) }
            }
            body {
                header {
                    p.mark { "creance" span { "what files give away" } }
                    h1 { (title) }
                    @if files.len() > 1 { (sums(totals)) }
                    @if !reveal { p { "Values are masked, and places are not drawn." } }
                }
                main {
                    @for file in files.iter().take(MOST_FILES) { (one(file, reveal)) }
                    @if files.len() > MOST_FILES { p { (files.len() - MOST_FILES) " further files are in the JSON form." } }
                }
            }
        }
    };
    page.into_string()
}

fn sums(totals: &Totals) -> Markup {
    html! {
        dl.facts {
            @for (name, count) in [
                ("With a place", totals.with_place),
                ("With a track", totals.with_track),
                ("With serial numbers", totals.with_serial),
                ("Different serial numbers", totals.serials.len()),
                ("With hidden content", totals.with_hidden),
                ("With a protected site", totals.with_site),
                ("With faces", totals.with_faces),
                ("Not all of it read", totals.damaged),
                ("Of unknown kind", totals.unknown),
            ] { div { dt { (name) } dd { (count) } } }
        }
    }
}

fn one(file: &Inspected, reveal: bool) -> Markup {
    let Inspected { file: name, bytes: length, inspection, .. } = file;
    let device = [&inspection.device.make, &inspection.device.model, &inspection.device.software];
    let device: Vec<String> = device.into_iter().flatten().map(|text| shown(text)).collect();
    html! {
        section {
            h2 { (shown(name)) }
            p { (inspection.kind) ", " (bytes(*length)) @if !device.is_empty() { ", made with " (device.join(", ")) } }
            @if matches!(inspection.kind, "unknown" | "gzip" | "zstd" | "xz") { p { "It was not read: nothing can be said of it." } }
            @if !says_something(inspection) && inspection.damage.is_empty() { p { "Nothing was found in it." } }
            @if reveal { (map(inspection)) }
            dl.facts {
                @for one in &inspection.identifiers {
                    @let of = one.of.map(|of| format!(" of the {of}")).unwrap_or_default();
                    div { dt { (one.class) (of) } dd { (shown(&one.value)) } }
                }
                @for spot in inspection.places.iter().take(MOST_ROWS) {
                    div { dt { "Place: " (spot.role) } dd { (spot.lat) ", " (spot.lon) @if let Some(metres) = spot.alt_m { ", " (metres) " m" } } }
                }
                @for one in inspection.times.iter().take(MOST_ROWS) { div { dt { "Time: " (one.what) } dd { (one.time) @if !one.zone_known { " (local)" } } } }
                @for one in inspection.sites.iter().take(MOST_ROWS) {
                    div { dt { "Site " (one.how) } dd { (shown(&one.name)) @if let Some(sector) = &one.sector { ", " (shown(sector)) } ", " (format!("{:.0}", one.metres)) " m" } }
                }
                @for one in inspection.zones.iter().take(MOST_ROWS) {
                    div { dt { "Zone: " (one.role) " " (one.answer) } dd { (shown(&one.zone)) @if let Some(name) = &one.name { ", " (shown(name)) } ": " (shown(&one.why)) } }
                }
                @if let Some(faces) = &inspection.faces { div { dt { "Faces" } dd { (faces.len()) } } }
                @for one in inspection.facts.iter().take(MOST_ROWS) { div { dt { (one.what) } dd { (shown(&one.value)) } } }
                @for one in inspection.hidden.iter().take(MOST_ROWS) { div { dt { "Hidden: " (one.what) } dd { (bytes(one.bytes)) } } }
                @for one in &inspection.damage { div { dt { "Not read: " (shown(&one.what)) } dd { (shown(&one.why)) } } }
            }
        }
    }
}

/// Rows of one kind that are shown of a file.
const MOST_ROWS: usize = 40;

/// Tracks and places of a file on a plane about their middle, with a bar for the scale.
fn map(inspection: &Inspection) -> Markup {
    let points: Vec<(f64, f64)> = inspection
        .tracks
        .iter()
        .flat_map(|track| track.points.iter().map(|point| (point.lat, point.lon)))
        .chain(inspection.places.iter().map(|spot| (spot.lat, spot.lon)))
        .collect();
    let Some(plane) = Plane::of(&points) else { return html! {} };
    let lines = inspection.tracks.iter().map(|track| {
        let step = track.points.len().div_ceil(MOST_POINTS).max(1);
        let kept = track.points.iter().step_by(step).chain(track.points.last());
        let path: Vec<String> =
            kept.map(|point| plane.at(point.lat, point.lon)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        (track.role, path.join(" "))
    });
    let (metres, width) = plane.bar();
    let label = if metres >= 1000.0 { format!("{} km", metres / 1000.0) } else { format!("{metres} m") };
    html! {
        svg.ground viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" {
            title { "Places and tracks of the file" }
            rect width=(SIZE.0) height=(SIZE.1) fill="#8881" stroke="#8886" {}
            @for (role, path) in lines { polyline points=(path) fill="none" stroke=(colour(role)) stroke-width="1.6" stroke-linejoin="round" { title { "track of the " (role) } } }
            @for spot in &inspection.places {
                @let (x, y) = plane.at(spot.lat, spot.lon);
                circle cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="4" fill=(colour(spot.role)) stroke="#fff" { title { (spot.role) " " (spot.lat) ", " (spot.lon) } }
            }
            line x1="12" x2=(format!("{:.1}", 12.0 + width)) y1=(SIZE.1 - 12.0) y2=(SIZE.1 - 12.0) stroke="currentColor" stroke-width="2" {}
            text x="12" y=(SIZE.1 - 18.0) font-size="12" fill="currentColor" { (label) }
        }
    }
}

const fn colour(role: Role) -> &'static str {
    match role {
        Role::Aircraft => "#1b6ca8",
        Role::Camera => "#7a3fa0",
        Role::Home => "#2e7d32",
        Role::Operator => "#c62828",
        Role::Target => "#b26a00",
    }
}
