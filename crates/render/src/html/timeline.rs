//! The timeline: flight phases, app states, and findings over the time of the capture.

use std::collections::BTreeMap;

use creance_model::{ClockOffset, DataClass, Match, Report, Timestamp};
use maud::{Markup, html};

use crate::words;

const LEFT: f64 = 140.0;
const WIDTH: f64 = 786.0;
const ROW: f64 = 26.0;
/// Where the rows of findings begin.
const BANDS: f64 = 2.0 * ROW + 10.0;
/// Dots nearer than this, in parts of the width, are one.
const NEAR: f64 = 3.0;

/// Seconds between two ticks.
const STEPS: [i64; 21] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
    172_800, 604_800, 2_592_000,
];

/// Where moments lie on the paper.
struct Scale {
    first: Timestamp,
    seconds: f64,
}

impl Scale {
    fn x(&self, time: Timestamp) -> f64 {
        LEFT + WIDTH * ((time.as_secs_f64() - self.first.as_secs_f64()) / self.seconds).clamp(0.0, 1.0)
    }

    fn width(&self, from: Timestamp, to: Timestamp) -> String {
        format!("{:.1}", (self.x(to) - self.x(from)).max(1.0))
    }

    fn ticks(&self, last: Timestamp) -> Vec<(f64, String)> {
        #[expect(clippy::cast_precision_loss, reason = "seconds between ticks are few")]
        let step = STEPS.into_iter().find(|step| self.seconds / (*step as f64) <= 8.0).unwrap_or(31_536_000);
        let begin = self.first.as_nanos().div_euclid(1_000_000_000).div_euclid(step);
        (1..=9)
            .map(|index| Timestamp::from_secs(begin.saturating_add(index).saturating_mul(step)))
            .take_while(|time| *time <= last)
            .map(|time| {
                let text = time.to_string();
                let part = if step >= 43_200 { text.get(..10) } else { text.get(11..19) };
                (self.x(time), part.unwrap_or(&text).to_owned())
            })
            .collect()
    }
}

/// The timeline. `name` begins the ids of its parts, of which a page has each once, and `label` is what it is called.
pub fn timeline(report: &Report, name: &str, label: &str) -> Markup {
    let (Some(first), Some(last)) = (report.case.first, report.case.last) else {
        return html! { p { "The capture holds no packets." } };
    };
    let scale = Scale { first, seconds: (last.as_secs_f64() - first.as_secs_f64()).max(1e-3) };
    let rows = rows(report, &scale);
    let height = BANDS + ROW * rows.iter().map(|_| 1.0).sum::<f64>() + 26.0;
    html! {
        figure {
            div.scroll tabindex="0" role="region" aria-label={ (label) ", to be scrolled" } {
                svg.timeline role="img" aria-labelledby={ (name) "-title " (name) "-told" } viewBox={ "0 0 960 " (height) } {
                    title id={ (name) "-title" } { "Timeline of flight and findings" }
                    desc id={ (name) "-told" } { (told(report, first, last)) }
                    @for (x, text) in scale.ticks(last) {
                        line.tick x1=(tenth(x)) x2=(tenth(x)) y1="0" y2=(height - 22.0) {}
                        text.time x=(tenth(x)) y=(height - 6.0) { (text) }
                    }
                    text.row x="0" y=(ROW - 9.0) { "aircraft" }
                    rect.empty x=(LEFT) y="2" width=(WIDTH) height=(ROW - 6.0) {}
                    @for phase in &report.phases {
                        rect class={ "state-" (phase.state) } x=(tenth(scale.x(phase.from))) y="2" width=(scale.width(phase.from, phase.to)) height=(ROW - 6.0) { title { (words::state(phase.state)) ", says " (words::shown(&phase.source)) } }
                    }
                    text.row x="0" y=(2.0 * ROW - 9.0) { "app" }
                    rect.empty x=(LEFT) y=(ROW + 2.0) width=(WIDTH) height=(ROW - 6.0) {}
                    @for interval in &report.app_states {
                        rect class={ "app-" (interval.state) } x=(tenth(scale.x(interval.from))) y=(ROW + 2.0) width=(scale.width(interval.from, interval.to)) height=(ROW - 6.0) { title { "app " (interval.state) } }
                    }
                    @for (row, (class, dots)) in rows.iter().enumerate() {
                        @let y = BANDS + ROW * f64::from(u32::try_from(row).unwrap_or(0)) + ROW / 2.0;
                        line.rule x1=(LEFT) x2=(LEFT + WIDTH) y1=(y) y2=(y) {}
                        text.row x="0" y=(y + 4.0) { (class) }
                        @for (x, matched) in dots { circle class=(dot(*matched)) cx=(tenth(*x)) cy=(y) r="4.5" {} }
                    }
                }
            }
            figcaption {
                p.legend {
                    span { "Aircraft:" } span.swatch.state-off { "off" } span.swatch.state-ground { "on the ground" } span.swatch.state-flying { "in flight" } span.swatch.empty { "unknown" }
                }
                p.legend {
                    span { "App:" } span.swatch.app-foreground { "in front" } span.swatch.app-background { "behind or locked" } span.swatch.app-closed { "closed" } span.swatch.empty { "unknown" }
                }
                p.legend {
                    span { "Findings:" } span.key-dot.planted { "planted value" } span.key-dot { "other evidence" } span.key-dot.hint { "shape or size alone" }
                    span { "Times are UTC, " (first) " to " (last) "." }
                }
                @if !report.scenarios.is_empty() {
                    p.legend { span { "Scenarios:" } @for one in &report.scenarios { span { (words::shown(&one.state)) ", " (one.from) " to " (one.to) } } }
                }
                @if !report.clocks.is_empty() {
                    p.legend { span { "Clocks:" } @for one in &report.clocks { span { (clock(one)) } } }
                }
            }
        }
    }
}

/// How far apart two clocks are, in words.
fn clock(of: &ClockOffset) -> String {
    let by = if of.by == "track" { "places that both passed" } else { "beginnings and ends of flight" };
    let apart = format!("{:.1} s (± {:.1} s)", of.seconds.abs(), of.error_s);
    let ahead = if of.seconds < 0.0 { "behind" } else { "ahead of" };
    format!(
        "{} is {apart} {ahead} {}, by {} {by}",
        words::shown(&of.source),
        words::shown(&of.against),
        of.points
    )
}

/// The dots of each class: where, and the strongest match there.
fn rows(report: &Report, scale: &Scale) -> BTreeMap<DataClass, Vec<(f64, Match)>> {
    let mut rows: BTreeMap<DataClass, Vec<(f64, Match)>> = BTreeMap::new();
    for finding in &report.findings {
        let row = rows.entry(finding.data_class).or_default();
        row.extend(finding.occurrences.iter().map(|one| (scale.x(one.time), finding.matched)));
    }
    for dots in rows.values_mut() {
        dots.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        dots.dedup_by(|next, kept| {
            let near = next.0 - kept.0 < NEAR;
            kept.1 = if near { kept.1.min(next.1) } else { kept.1 };
            near
        });
    }
    rows
}

const fn dot(matched: Match) -> &'static str {
    match matched {
        Match::Canary => "dot planted",
        Match::Pattern | Match::Size => "dot hint",
        _ => "dot",
    }
}

fn told(report: &Report, first: Timestamp, last: Timestamp) -> String {
    let phases: Vec<String> = report
        .phases
        .iter()
        .take(20)
        .map(|phase| format!("{} from {}", words::state(phase.state), phase.from))
        .collect();
    format!(
        "{} from {first} to {last}. Aircraft: {}.",
        words::count(report.findings.len(), "finding", "findings"),
        if phases.is_empty() { "unknown".to_owned() } else { phases.join(", ") },
    )
}

fn tenth(number: f64) -> String {
    format!("{number:.1}")
}
