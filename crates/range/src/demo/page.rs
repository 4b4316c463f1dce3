//! The page of the demonstration: one file, no script, nothing loaded; for a desk, a phone and paper.

use creance_model::{Finding, Judgement, ReviewState};
use creance_render::{bytes, matched, parts, shown, shown_whole, state};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Answer, Answered, By, Gone, Lean, POLICY, Shown, rows};
use crate::{Seen, Share};

const STYLE: &str = include_str!("style.css");

/// Steps of a decode path that are shown.
const MOST_STEPS: usize = 8;

pub(super) fn page(worlds: &[Shown], answers: &[Answered], seed: u64) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "Two worlds, one flight: creance range demo" }
                style { (PreEscaped(parts::STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#sentences" { "Skip to the sentences of the case" }
                header {
                    p.mark { "creance" span { "range demo: every sentence of the case, put to the test" } }
                    h1 { "Two worlds, one flight" }
                    p.lead {
                        "A bulletin of 2017 alleged what a drone maker's apps do; the maker said that they do not. Here both are played: "
                        "the same person flies the same plan twice, with an app that does all that was alleged, and with one that does "
                        "what its maker says. creance audited both captures without knowing which is which."
                    }
                    (tally(worlds, answers))
                    p.note { "People, places, vendors and hosts are invented (seed " (seed) "); no packet left this machine. Nothing here says what any real product does." }
                }
                main {
                    section aria-labelledby="worlds" {
                        h2 id="worlds" { "The two worlds, side by side" }
                        div.pair { @for (world, side) in worlds.iter().zip(SIDES) { (overview(world, side)) } }
                    }
                    section aria-labelledby="sentences" {
                        h2 id="sentences" { "The case, sentence by sentence" }
                        p.note { "Of each world: what the range did, what was found in the capture alone and with what proof, and the draft judgement on that case. How likely something is and how far the basis may be trusted are two things, told apart. All are drafts: no examiner has looked at them." }
                        h3.by { "What the bulletin says" }
                        @for one in answers.iter().filter(|one| one.sentence.by == By::Bulletin) { (sentence(worlds, one)) }
                        h3.by { "What the maker answers" }
                        @for one in answers.iter().filter(|one| one.sentence.by == By::Maker) { (sentence(worlds, one)) }
                    }
                    section aria-labelledby="switches" {
                        h2 id="switches" { "What the app can be made to do" }
                        (switches(worlds))
                    }
                    section aria-labelledby="guard" {
                        h2 id="guard" { "The same flights behind the guard" }
                        p.note { "A gateway stands between the app and the uplink and asks the policy " code { (POLICY) } ": on the ground all may pass, in flight nothing. It knows to whom something goes and whether the aircraft flies, and looks into nothing. With the aircraft off it is open once somebody has vouched for that; what an app keeps until then, it sends then. By the policy's engine, replayed; " code { "creance-guard simulate --live" } " reaches for the same destinations through the gateway itself." }
                        (guard(worlds))
                    }
                    section aria-labelledby="limits" {
                        h2 id="limits" { "What this shows, and what not" }
                        ul {
                            li { "It shows that the claims can be tested, and that the tests answer both ways. It says nothing of any real maker, device or app." }
                            li { "Where nobody can know from a capture (motives, a government's access, what somebody will do, who a source is), the page says so, in both worlds." }
                            li { "The range was written by the same people as the audit: what neither thought of is tested by neither. `creance-range bench` plays worlds by chance; real captures with labels are another test." }
                        }
                    }
                }
                footer { p { "creance-range " (env!("CARGO_PKG_VERSION")) " · seed " (seed) " · play it again: " code { "creance range demo --seed " (seed) } } }
            }
        }
    }
}

/// What begins the ids of each side's drawings.
const SIDES: [&str; 2] = ["left", "right"];

/// How the sentences came out, in figures.
fn tally(worlds: &[Shown], answers: &[Answered]) -> Markup {
    let all = || answers.iter().flat_map(|one| &one.worlds);
    let leaning = |lean: Lean| all().filter(|one| one.leans == Some(lean)).count();
    let (agree, open) = (leaning(Lean::ToTruth), leaning(Lean::Neither));
    let tested = all().filter(|one| one.leans.is_some()).count();
    let cannot = answers.iter().filter(|one| one.worlds.iter().all(|one| one.leans.is_none())).count();
    let sum = |of: fn(&Shown) -> Share| {
        worlds.iter().map(of).fold(Share::default(), |mut sum, one| {
            sum.add(one);
            sum
        })
    };
    let recall = sum(|world| world.score.recall);
    let wrong: usize = worlds.iter().map(|world| world.score.wrong.len()).sum();
    html! {
        ul.figures aria-label="Key figures" {
            li { strong { (answers.len()) } span { "sentences" } small { "of the bulletin and of the answer to it" } }
            li { strong { (agree) " of " (tested) } span { "judgements lean to the truth" } small { (tested - agree - open) " lean away from it; " (open) " say that there is too little to tell" } }
            li { strong { (cannot) } span { "cannot be tested" } small { "by any capture, and are said to be so" } }
            li { strong { (recall.found) " of " (recall.of) } span { "of what left was found" } small { (wrong) " findings of what did not leave" } }
        }
    }
}

fn title(name: &str) -> &'static str {
    if name == "as-claimed" { "As the maker claims" } else { "As alleged" }
}

/// A world: what it is, where its bytes went, what happened when, where was flown.
fn overview(world: &Shown, side: &str) -> Markup {
    let report = &world.report;
    let name = &world.scenario.name;
    html! {
        div.side {
            h3 { (title(name)) }
            p { (world.scenario.about) ". " a href={ (name) "/case/report.html" } { "Its whole report" } ": " (report.findings.len()) " findings." }
            (parts::world(report, &format!("{side}-world")))
            (parts::timeline(report, &format!("{side}-time"), &format!("Timeline, {}", title(name).to_lowercase())))
            figure { (parts::drawing_of(report)) figcaption { "The way of the aircraft, and the protected places on it." } }
        }
    }
}

fn sentence(worlds: &[Shown], of: &Answered) -> Markup {
    let id = &of.sentence.id;
    html! {
        article.sentence id=(id) aria-labelledby={ (id) "-says" } {
            h4 id={ (id) "-says" } { (of.sentence.says) }
            @if let Some(instead) = &of.sentence.instead { p.cannot { (instead) } } @else {
                div.pair { @for (world, answer) in worlds.iter().zip(&of.worlds) { (cell(world, of, answer)) } }
            }
        }
    }
}

fn cell(world: &Shown, of: &Answered, answer: &Answer) -> Markup {
    html! {
        div.cell {
            p.world { (title(&world.scenario.name)) " " (agreement(answer)) }
            dl {
                dt { "Played" } dd { (did(world, of, answer)) }
                dt { "Found" } dd { (found(world, of, answer)) }
                @for one in &answer.judgements { dt { "Judged" } dd { (judged(one)) } }
            }
        }
    }
}

fn agreement(answer: &Answer) -> Markup {
    match answer.leans {
        Some(Lean::ToTruth) => html! { span.verdict.right { "judgement fits the truth" } },
        Some(Lean::Neither) => html! { span.verdict { "too little to tell" } },
        Some(Lean::Away) => html! { span.verdict.wrong { "judgement misses the truth" } },
        None => html! { span.verdict { "cannot be assessed by capture" } },
    }
}

fn did(world: &Shown, of: &Answered, answer: &Answer) -> Markup {
    let truth = of.sentence.truth.as_ref();
    let pair = truth.and_then(|truth| truth.pair.as_ref()).and_then(|name| world.pairs.get(name.as_str()));
    html! {
        @match answer.holds { Some(true) => { strong { "so" } "; " }, Some(false) => { strong { "not so" } "; " }, None => {} }
        @if let Some(flown) = pair {
            "three flights against three: " (flown.what) ". "
            @if truth.is_some_and(|truth| truth.silent) { (answer.events) " values went out in flight with it on" }
            @else { (flown.stopped) " ways stopped, " (flown.appeared) " appeared" }
        } @else if truth.is_some_and(|truth| truth.region) {
            "the app believed to be where the aircraft was"
        } @else if truth.is_some_and(|truth| truth.without) {
            @if answer.events == 0 { "nothing of that kind left unasked" } @else { (times(answer.events)) " something left unasked" }
        } @else if truth.is_some() {
            @if answer.events == 0 { "nothing of that kind left" } @else { (times(answer.events)) " something of that kind left" }
        } @else { "nothing is played that could make it so" }
        (if answer.on.is_empty() && !of.sentence.switches.is_empty() { html! { "; switches off" } } else { html! {} })
        @for (index, name) in answer.on.iter().enumerate() { @if index == 0 { "; on: " } @else { ", " } code { (name) } }
        "."
    }
}

fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn found(world: &Shown, of: &Answered, answer: &Answer) -> Markup {
    let truth = of.sentence.truth.as_ref();
    html! {
        @if let Some(proof) = &answer.proof { (answer.findings) @if answer.findings == 1 { " finding. " } @else { " findings. " } (shown_proof(world, proof)) }
        @else if truth.is_some_and(|truth| truth.pair.is_some()) { "what the comparison of the six audits tells: see the judgement." }
        @else if answer.findings > 0 { (answer.findings) " findings." }
        @else if truth.is_some_and(|truth| truth.region) { "what the app asked with, and was answered, as the report's region tells." }
        @else { "nothing." }
    }
}

/// The proof: which packets, which way to the value, how we know, to whom.
fn shown_proof(world: &Shown, proof: &Finding) -> Markup {
    let to = &proof.destination;
    let host = to.host.as_deref().or(to.ip.as_deref()).unwrap_or("nobody");
    let packets = &proof.evidence.packets;
    let report = format!("{}/case/report.html#{}", world.scenario.name, proof.id);
    let hidden = proof.decode_path.len().saturating_sub(MOST_STEPS);
    html! {
        a href=(report) { (proof.id) } ": " (proof.data_class) " to " code { (shown(host)) }
        " (" (to.country.as_deref().unwrap_or("unknown")) "), "
        @match packets.as_slice() { [one] => { "packet " (one) } [first, .., last] => { "packets " (first) "–" (last) } [] => { "no packet" } }
        ", by " (matched(proof.matched)) ". "
        span.path { @for (index, step) in proof.decode_path.iter().take(MOST_STEPS).enumerate() { @if index > 0 { " → " } code { (shown(step)) } } @if hidden > 0 { " → …" } }
    }
}

fn judged(one: &Judgement) -> Markup {
    html! {
        @if let Some(band) = one.likelihood { (parts::strip(band)) }
        (shown_whole(one.stands()))
        @if let Some(basis) = one.basis.first() { " " (shown_whole(basis)) }
        @if one.review.state != ReviewState::Draft { " " (one.review.state) }
        @if let Some(site) = one.cites.first().filter(|_| one.hypothesis == "attacks") { small { (shown_whole(site)) } }
    }
}

fn switches(worlds: &[Shown]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Switches of both worlds, to be scrolled" { table.switches {
            caption { "Each switch, whether it was on in each world, and what the audit found of it." }
            thead {
                tr {
                    th scope="col" { "Switch" }
                    @for world in worlds { th scope="col" { (title(&world.scenario.name)) } th scope="col" { "Found" } }
                }
            }
            tbody {
                @for row in rows(worlds) {
                    tr {
                        th scope="row" { code { (if row.switch.is_empty() { "(the user)" } else { row.switch }) } small { (row.plays) } }
                        @for (world, (on, seen)) in worlds.iter().zip(&row.worlds) { (switch(world, *on, seen)) }
                    }
                }
            }
        } }
    }
}

/// What went out, and what of it would have passed.
fn guard(worlds: &[Shown]) -> Markup {
    let gone = |gone: &Gone| {
        html! {
            @if gone.bytes == 0 { "nothing" } @else {
                (bytes(gone.bytes)) " to " (gone.destinations) " destinations, " (gone.findings) " findings"
            }
        }
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="What a gateway would have let through, to be scrolled" { table.switches {
            caption { "What left in each state of the flight, and what would have left behind the guard." }
            thead { tr { th scope="col" { "World" } th scope="col" { "State" } th scope="col" { "Without" } th scope="col" { "Behind the guard" } } }
            tbody {
                @for world in worlds {
                    @for one in &world.guarded {
                        tr {
                            th scope="row" { (title(&world.scenario.name)) }
                            td { (state(one.state)) }
                            td { (gone(&one.without)) }
                            td class=(if one.behind.bytes == 0 { "off" } else { "" }) { (gone(&one.behind)) }
                        }
                    }
                }
            }
        } }
    }
}

fn switch(world: &Shown, on: bool, seen: &Seen) -> Markup {
    html! {
        td class=(if on { "on" } else { "off" }) { (if on { "on" } else { "off" }) }
        td {
            @if let Some(proof) = &seen.proof {
                (seen.share.found) " of " (seen.share.of) ": "
                a href=(format!("{}/case/report.html#{}", world.scenario.name, proof.finding)) { (proof.finding) }
                ", packets " (proof.packets.0) "–" (proof.packets.1) ", to " (proof.to)
            } @else { "nothing" }
        }
    }
}
