//! Both worlds fly the same plan, each is audited blind, and a page says of every switch whether it was on and whether it was
//! found.

use std::{
    fs,
    path::{Path, PathBuf},
};

use maud::{DOCTYPE, Markup, html};

use crate::{Error, Scenario, Score, Seen, audited, behaviours, run, score, write_report};

/// The scenarios that are shown side by side.
const WORLDS: [&str; 2] = ["as-alleged", "as-claimed"];

/// One world, played and audited.
#[derive(Debug)]
pub struct Shown {
    /// What was played.
    pub scenario: Scenario,
    /// What the audit found of it.
    pub score: Score,
    /// How many findings there were.
    pub findings: usize,
}

/// A row of the table: a switch, in each world.
#[derive(Clone, Debug)]
pub struct Row {
    /// The switch; empty for what the user shared.
    pub switch: &'static str,
    /// Which words of the case it plays.
    pub plays: &'static str,
    /// Whether it was on, and what the audit saw of it.
    pub worlds: Vec<(bool, Seen)>,
}

/// Plays both worlds into a folder, and writes the reports and the page. Gives the path of the page and the worlds.
pub fn demo(folder: &Path, seed: u64) -> Result<(PathBuf, Vec<Shown>), Error> {
    let mut worlds = Vec::new();
    for name in WORLDS {
        let scenario = Scenario::load(name)?;
        let case = run(&scenario, seed)?;
        let folder = folder.join(name);
        case.write(&folder)?;
        let report = audited(&folder)?;
        write_report(&report, &folder.join("case"))?;
        let score = score(case.truth(), &report);
        worlds.push(Shown { scenario, score, findings: report.findings.len() });
    }
    let page = folder.join("index.html");
    fs::write(&page, self::page(&worlds, seed).into_string())
        .map_err(|source| Error::Write { path: page.display().to_string(), source })?;
    Ok((page, worlds))
}

/// The table, a row for each switch and one for what the user shared.
pub fn rows(worlds: &[Shown]) -> Vec<Row> {
    let user = ("", "users control what they share: the photos that the user shared");
    let switches = behaviours::ALL.iter().map(|one| (one.name, one.plays)).chain([user]);
    switches
        .map(|(switch, plays)| Row {
            switch,
            plays,
            worlds: worlds
                .iter()
                .map(|world| {
                    let on = if switch.is_empty() {
                        world.scenario.user.shares > 0
                    } else {
                        world.scenario.does(switch)
                    };
                    (on, world.score.switches.get(switch).cloned().unwrap_or_default())
                })
                .collect(),
        })
        .collect()
}

fn page(worlds: &[Shown], seed: u64) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "The range: two worlds, one flight" }
                style { (STYLE) }
            }
            body { main {
                h1 { "Two worlds, one flight" }
                p {
                    "The same aircraft flew the same plan twice (seed " (seed) "), over a substation, a rail bridge, a water works "
                    "and a hazardous store. In one world the app did all that was alleged; in the other it did what its maker "
                    "says. Each capture was audited blind. People, places, vendors and hosts are invented; no packet left this "
                    "machine, and nothing here says what any real product does."
                }
                ul {
                    @for world in worlds {
                        li {
                            a href=(format!("{}/case/report.html", world.scenario.name)) { (world.scenario.name) }
                            ": " (world.scenario.about) ". " (world.findings) " findings, " (world.score.wrong.len())
                            " of what did not leave, " (world.score.missed.len()) " of what left were missed."
                        }
                    }
                }
                div.scroll tabindex="0" role="region" aria-label="Switches of both worlds, to be scrolled" { table {
                    caption { "Each switch, whether it was on in each world, and what the audit found of it." }
                    thead {
                        tr {
                            th scope="col" { "switch" }
                            th scope="col" { "words of the case" }
                            @for world in worlds { th scope="col" { (world.scenario.name) } th scope="col" { "found" } th scope="col" { "proof" } }
                        }
                    }
                    tbody {
                        @for row in rows(worlds) {
                            tr {
                                th scope="row" { code { (if row.switch.is_empty() { "(the user)" } else { row.switch }) } }
                                td { (row.plays) }
                                @for (world, (on, seen)) in worlds.iter().zip(&row.worlds) { (cells(world, *on, seen)) }
                            }
                        }
                    }
                } }
            } }
        }
    }
}

fn cells(world: &Shown, on: bool, seen: &Seen) -> Markup {
    html! {
        td class=(if on { "on" } else { "off" }) { (if on { "on" } else { "off" }) }
        td {
            @if seen.share.of == 0 && seen.proof.is_none() { "no" } @else { (seen.share.found) " of " (seen.share.of) }
        }
        td {
            @if let Some(proof) = &seen.proof {
                a href=(format!("{}/case/report.html#{}", world.scenario.name, proof.finding)) { (proof.finding) }
                ", packets " (proof.packets.0) "–" (proof.packets.1) ", to " (proof.to)
            } @else { "–" }
        }
    }
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:90rem;padding:0 1rem}\
table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.25rem .5rem;text-align:left;vertical-align:top}\
thead th{background:#eee}tbody th{font-weight:400}caption{text-align:left;padding:.5rem 0}.scroll{overflow-x:auto}\
.on{background:#fde2d8}.off{background:#e3f0e1}\
@media(prefers-color-scheme:dark){body{background:#14171a;color:#e4e2dc}a{color:#8ab8e6}td,th{border-color:#555}thead th{background:#2a2f35}\
.on{background:#5a2a1c}.off{background:#21422a}}@media print{.scroll{overflow:visible}body{font-size:9pt}}";
