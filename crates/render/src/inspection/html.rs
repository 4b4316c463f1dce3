//! A page of what files give away: one file, no script, nothing loaded; with a small map of each file that has places.

use creance_model::{Drawing, Inspected, Inspection};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Totals, is_unread, says_something};
use crate::{
    ground,
    words::{bytes, shown},
};

const STYLE: &str = include_str!("../html/style.css");

/// Names of rows are longer here than in a report.
const WIDER: &str =
    "h1,h2{overflow-wrap:anywhere}.facts dt{flex-basis:170px}.ground{max-width:40rem;margin:8px 0 14px}";

/// Files that are shown one by one.
const MOST_FILES: usize = 500;

/// What is drawn of a file.
pub type Draw<'a> = &'a dyn Fn(&Inspection) -> Drawing;

/// The page. Maps are drawn where places are told in full, which is where `draw` says what to draw.
pub fn html(files: &[Inspected], totals: &Totals, draw: Option<Draw<'_>>) -> String {
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
                    @if draw.is_none() { p { "Values are masked, and places are not drawn." } }
                }
                main {
                    @for file in files.iter().take(MOST_FILES) { (one(file, draw)) }
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

fn one(file: &Inspected, draw: Option<Draw<'_>>) -> Markup {
    let Inspected { file: name, bytes: length, inspection, .. } = file;
    let device = [&inspection.device.make, &inspection.device.model, &inspection.device.software];
    let device: Vec<String> = device.into_iter().flatten().map(|text| shown(text)).collect();
    html! {
        section {
            h2 { (shown(name)) }
            p { (inspection.kind) ", " (bytes(*length)) @if !device.is_empty() { ", made with " (device.join(", ")) } }
            @if is_unread(inspection.kind) { p { "It was not read: nothing can be said of it." } }
            @if !says_something(inspection) && inspection.damage.is_empty() { p { "Nothing was found in it." } }
            @if let Some(draw) = draw { (ground::map(&draw(inspection), "Places and tracks of the file")) }
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
