//! The findings, by who can be made to hand them over: country of landing and law of the operator.

use creance_model::{Direction, Finding, Report};
use maud::{Markup, html};

use crate::{
    headline::{doubtful, place},
    words::{self, bytes, count, shown},
};

/// Findings that are shown, worst first; the rest stands in findings.json.
const MOST: usize = 500;
/// Sightings that are shown of one finding.
const MOST_SEEN: usize = 8;

pub(super) fn findings(report: &Report) -> Markup {
    let mut groups: Vec<(String, Vec<&Finding>)> = Vec::new();
    let mut worst: Vec<&Finding> = report.findings.iter().collect();
    worst.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in worst.into_iter().take(MOST) {
        let title = title(finding);
        match groups.iter_mut().find(|(known, _)| *known == title) {
            Some((_, group)) => group.push(finding),
            None => groups.push((title, vec![finding])),
        }
    }
    html! {
        @if report.findings.is_empty() { p { "No sensitive data was found in what could be read. The next section says what could not." } }
        @else { p.note { "By place and law, worst first. Open a finding to see how it is known and where its bytes are." } }
        @for (title, group) in &groups {
            h3 { (title) " " span.count { (count(group.len(), "finding", "findings")) } }
            ol.findings { @for finding in group { (one(finding)) } }
        }
        @if report.findings.len() > MOST { p { strong { (report.findings.len() - MOST) " more findings" } ", none of them worse, are in findings.json." } }
    }
}

fn title(finding: &Finding) -> String {
    let to = &finding.destination;
    if finding.direction == Direction::Broadcast {
        return "On air, for all to hear".to_owned();
    }
    let place = place(to);
    let name = place.strip_prefix("the ").unwrap_or(&place);
    let mut chars = name.chars();
    let name: String = chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect();
    match &to.control {
        Some(law) if Some(law) == to.country.as_ref() && !doubtful(to) => {
            format!("{name}, under its own law")
        }
        Some(law) => format!("{name}, under the law of {}", words::country(law)),
        None => format!("{name}, operator unknown"),
    }
}

fn one(finding: &Finding) -> Markup {
    let to = &finding.destination;
    let host = shown(to.host.as_deref().or(to.ip.as_deref()).unwrap_or("all who listen"));
    html! {
        li id=(finding.id) {
            details {
                summary {
                    span class={ "severity " (finding.severity) } { (finding.severity) }
                    span.what { strong { (finding.data_class) } " " code { (shown(&finding.value)) } }
                    span.whom { "to " (host) ", " (words::state(finding.flight_state)) @if finding.count > 1 { ", " (finding.count) " times" } small { "known by " (words::matched(finding.matched)) " " (super::portion(finding.tlp)) } }
                }
                (depth(finding))
            }
        }
    }
}

fn depth(finding: &Finding) -> Markup {
    let to = &finding.destination;
    html! {
        dl {
            dt { "Known by" } dd { (words::matched(finding.matched)) @if let Some(basis) = &finding.basis { ": " (basis) } " (match " code { (finding.matched) } ", detector " code { (finding.detector) } ")" }
            dt { "Path" } dd.path { @for (index, step) in finding.decode_path.iter().enumerate() { @if index > 0 { " › " } code { (shown(step)) } } }
            @if !finding.encoding.is_empty() { dt { "Written in" } dd { (shown(&finding.encoding.join(", "))) } }
            dt { "Sent" } dd { (finding.protocol) " over " (finding.transport) ", " (words::visibility(finding.visibility)) ", " (bytes(finding.bytes)) " of messages carried it" }
            dt { "From" } dd { (shown(finding.source.ip.as_deref().unwrap_or("a transmitter"))) ", our side: " (words::inside(finding.source.basis)) @if let Some(mac) = &finding.source.mac { ", hardware address " (shown(mac)) } @if let Some(app) = &finding.source.app { ", app " (shown(app)) } }
            dt { "To" } dd {
                @if let Some(host) = &to.host { (shown(host)) @if let Some(basis) = &to.host_basis { " (by " (shown(basis)) ")" } ", " }
                @match &to.ip { Some(ip) => { (shown(ip)) " port " (to.port) } None => { "no address" } }
                @if let Some(run_by) = &to.organization { ", run by " (shown(run_by)) }
            }
            dt { "When" } dd { (finding.time) @if finding.count > 1 { " to " (finding.last_time) ", " (finding.count) " times" } }
            dt { "Aircraft" } dd { (words::state(finding.flight_state)) @if let Some(source) = &finding.flight_state_source { ", says " (shown(source)) } }
            @if finding.deferred { dt { "Deferred" } dd { "of a time in flight, sent after it" } }
            dt { "App" } dd { (finding.app_state) ", trigger " (finding.trigger) @if let Some(source) = &finding.context_source { ", says " (shown(source)) } }
            @if let Some(picture) = &finding.picture { dt { "Picture" } dd { (words::picture(picture)) } }
            @if let Some(file) = &finding.file { dt { "File" } dd { (shown(file)) } }
            @if let Some(place) = &finding.found_in { dt { "On the device" } dd { (shown(place)) } }
            @if !finding.sites.is_empty() { dt { "Protected places" } dd { (shown(&finding.sites.join(", "))) } }
            @if !finding.region.is_empty() { dt { "Lies in" } dd { (finding.region.iter().map(|code| words::country(code)).collect::<Vec<_>>().join(" or ")) } }
            @if !finding.zones.is_empty() { dt { "Zones" } dd { (shown(&finding.zones.join(", "))) } }
            dt { "Evidence" } dd { "packets " (packets(&finding.evidence.packets)) " of " code { (finding.evidence.input.chars().take(23).collect::<String>()) "…" } ", flow " code { (shown(&finding.evidence.flow)) } (ranges(&finding.evidence.ranges)) }
            @if finding.occurrences.len() > 1 {
                dt { "Seen" }
                dd {
                    ul.seen { @for seen in finding.occurrences.iter().take(MOST_SEEN) { li { (seen.time) ", " (seen.carrier.name()) ", packets " (packets(&seen.packets)) } } }
                    @let shown = finding.occurrences.len().min(MOST_SEEN);
                    @if let Some(more) = finding.count.checked_sub(u64::try_from(shown).unwrap_or(u64::MAX)).filter(|more| *more > 0) { "and " (more) " more times" }
                }
            }
            dt { "Digest" } dd { code { (finding.digest.chars().take(24).collect::<String>()) "…" } }
        }
    }
}

fn ranges(ranges: &[[u64; 2]]) -> Markup {
    html! {
        @if !ranges.is_empty() {
            ", bytes "
            @for (index, [from, to]) in ranges.iter().take(4).enumerate() { @if index > 0 { ", " } (from) "–" (to) }
            " of the decoded part"
        }
    }
}

fn packets(packets: &[u64]) -> String {
    let first: Vec<String> = packets.iter().take(8).map(u64::to_string).collect();
    match packets.last() {
        Some(last) if packets.len() > 8 => format!("{} … {last}", first.join(", ")),
        _ => first.join(", "),
    }
}
