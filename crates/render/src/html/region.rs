//! Jurisdiction: where the aircraft was, what its app believed, where data went; with every source's vote.

use creance_model::{Region, RegionAnswer};
use maud::{Markup, html};

use super::capital;
use crate::{
    region::{asked, follows},
    words::{self, bytes, shown},
};

/// Votes and hosts that are shown of one answer.
const MOST_VOTES: usize = 24;
const MOST_HOSTS: usize = 12;

/// Whether any source says anything of it.
pub(super) fn is_told(region: &Region) -> bool {
    !(region.aircraft.votes.is_empty() && region.app.answer.votes.is_empty())
}

pub(super) fn region_of(region: &Region) -> Markup {
    html! {
        p { "Three answers, for each may differ from the others. CN, HK, MO and TW are four." }
        @for one in &region.mismatches { p { span class={ "severity " (one.severity) } { (one.severity) } " " strong { (capital(&shown(&one.says))) "." } @if !one.packets.is_empty() { small { "the app asked where it is, and was answered, in packets " (one.packets.iter().take(8).map(u64::to_string).collect::<Vec<_>>().join(", ")) } } } }
        h3 { "The aircraft: " (headline(&region.aircraft)) }
        (votes(&region.aircraft, "where the aircraft is"))
        h3 { "The app believes: " (headline(&region.app.answer)) }
        (votes(&region.app.answer, "what the app believes"))
        @if let Some(asked) = asked(region) { p { "It asked a server where it is with " (shown(&asked)) "." } }
        @let follows = follows(&region.app.behaviour);
        @if !follows.is_empty() { p { "What follows for its user: " (follows.join(", ")) "." } }
        h3 { "Data went to" }
        @if region.data.landings.is_empty() { p { "Nothing was seen to leave." } } @else {
            ul { @for landing in &region.data.landings {
                li {
                    strong { @match &landing.iso { Some(code) => { (words::country(code)) " " span.iso { (code) } } None => { "a country that is not known" } } }
                    ", " (bytes(landing.bytes)) ": "
                    (landing.hosts.iter().take(MOST_HOSTS).map(|host| shown(host)).collect::<Vec<_>>().join(", "))
                    @if landing.hosts.len() > MOST_HOSTS { " and " (landing.hosts.len() - MOST_HOSTS) " more" }
                }
            } }
        }
    }
}

fn headline(answer: &RegionAnswer) -> String {
    let named = |code: &str| format!("{} ({code})", words::country(code));
    match (&answer.iso, answer.p) {
        (Some(iso), Some(p)) => format!("{}, {:.0} in 100", named(iso), p * 100.0),
        _ if answer.candidates.is_empty() => answer.answer.to_string(),
        _ => {
            let all: Vec<String> = answer
                .candidates
                .iter()
                .map(|one| format!("{}, {:.0} in 100", named(&one.iso), one.p * 100.0))
                .collect();
            format!("{}: {}", answer.answer, all.join("; "))
        }
    }
}

fn votes(answer: &RegionAnswer, of: &str) -> Markup {
    html! {
        @if answer.votes.is_empty() { p { "No source says anything." } } @else {
            div.scroll tabindex="0" role="region" aria-label={ "Votes on " (of) } {
                table {
                    caption { "What each source says of " (of) ", the weightiest first; the weight is the logarithm of the odds that it is right." }
                    thead { tr { th scope="col" { "Source" } th scope="col" { "Says" } th.number scope="col" { "Weight" } th scope="col" { "Why" } } }
                    tbody { @for vote in answer.votes.iter().take(MOST_VOTES) {
                        tr { th scope="row" { (vote.source) } td { @if vote.says.is_empty() { "nothing" } @else { (vote.says.join(" or ")) } } td.number { (format!("{:.1}", vote.weight)) } td { (shown(&vote.why)) } }
                    } }
                }
            }
            @if answer.votes.len() > MOST_VOTES { p { (answer.votes.len() - MOST_VOTES) " more are in findings.json." } }
        }
    }
}
