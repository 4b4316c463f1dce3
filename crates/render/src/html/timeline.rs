//! The timeline: flight phases, app states, and findings over the time of the capture.

use std::collections::BTreeMap;

use creance_model::{DataClass, Match, Report, Timestamp};
use maud::{Markup, html};

use crate::words;

const LEFT: f64 = 120.0;
const WIDTH: f64 = 760.0;
const ROW: f64 = 24.0;

/// Dots of one row.
const MOST_DOTS: usize = 400;

pub(super) fn timeline(report: &Report) -> Markup {
    let (Some(first), Some(last)) = (report.case.first, report.case.last) else {
        return html! { p { "The capture holds no packets." } };
    };
    let span = (last.as_secs_f64() - first.as_secs_f64()).max(1e-3);
    let x =
        |time: Timestamp| LEFT + WIDTH * ((time.as_secs_f64() - first.as_secs_f64()) / span).clamp(0.0, 1.0);
    let mut rows: BTreeMap<DataClass, Vec<(f64, Match)>> = BTreeMap::new();
    for finding in &report.findings {
        for occurrence in &finding.occurrences {
            rows.entry(finding.data_class).or_default().push((x(occurrence.time), finding.matched));
        }
    }
    let bands = 2.0 * ROW + 8.0;
    let height = bands + ROW * to_f64(rows.len()) + 28.0;
    let told = words::count(report.findings.len(), "finding", "findings");
    html! {
        figure {
            div.scroll tabindex="0" role="region" aria-label="Timeline, to be scrolled" {
                svg.timeline role="img" aria-labelledby="time-title time-told" viewBox={ "0 0 900 " (height) } {
                    title id="time-title" { "Timeline of flight and findings" }
                    desc id="time-told" { (told) " from " (first) " to " (last) "; flight: " (phases_told(report)) }
                    text.row x="0" y=(ROW - 8.0) { "aircraft" }
                    rect.empty x=(LEFT) y="2" width=(WIDTH) height=(ROW - 6.0) {}
                    @for phase in &report.phases {
                        rect class={ "state-" (phase.state) } x=(x(phase.from)) y="2" width=(width(x(phase.from), x(phase.to))) height=(ROW - 6.0) { title { (words::state(phase.state)) ", says " (words::shown(&phase.source)) } }
                    }
                    text.row x="0" y=(2.0 * ROW - 8.0) { "app" }
                    rect.empty x=(LEFT) y=(ROW + 2.0) width=(WIDTH) height=(ROW - 6.0) {}
                    @for interval in &report.app_states {
                        rect class={ "app-" (interval.state) } x=(x(interval.from)) y=(ROW + 2.0) width=(width(x(interval.from), x(interval.to))) height=(ROW - 6.0) { title { "app " (interval.state) } }
                    }
                    @for (index, (class, dots)) in rows.iter().enumerate() {
                        @let y = bands + ROW * to_f64(index) + ROW / 2.0;
                        line.rule x1=(LEFT) x2=(LEFT + WIDTH) y1=(y) y2=(y) {}
                        text.row x="0" y=(y + 4.0) { (class) }
                        @for (x, matched) in dots.iter().take(MOST_DOTS) {
                            circle class=(if *matched == Match::Canary { "dot planted" } else if *matched == Match::Pattern { "dot hint" } else { "dot" }) cx=(format!("{x:.1}")) cy=(y) r="4.5" {}
                        }
                    }
                    text.time x=(LEFT) y=(height - 6.0) { (first) }
                    text.time.end x=(LEFT + WIDTH) y=(height - 6.0) { (last) }
                }
            }
            figcaption.legend {
                span.swatch.state-off { "off" } span.swatch.state-ground { "on the ground" } span.swatch.state-flying { "in flight" } span.swatch.empty { "unknown" }
                span.swatch.app-foreground { "app in front" } span.swatch.app-background { "behind or locked" } span.swatch.app-closed { "closed" }
            }
        }
    }
}

fn phases_told(report: &Report) -> String {
    if report.phases.is_empty() {
        return "unknown".to_owned();
    }
    report
        .phases
        .iter()
        .take(20)
        .map(|phase| format!("{} from {}", words::state(phase.state), phase.from))
        .collect::<Vec<_>>()
        .join(", ")
}

fn width(from: f64, to: f64) -> String {
    format!("{:.1}", (to - from).max(1.0))
}

#[expect(clippy::cast_precision_loss, reason = "a row number")]
fn to_f64(number: usize) -> f64 {
    number as f64
}
