//! Both worlds fly the same plan and are audited blind; then one page tells it: every sentence of the case, beside what the
//! range did, what the audit found with what proof, and the draft judgement.

mod guarded;
mod page;
mod paired;
mod sentences;

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use creance_assess::judge::{Compared, Hypotheses, Question, Sources, Weights, judge};
use creance_model::{Finding, Judgement, Likelihood, Report};
use serde_json::Value;

use crate::{Error, Scenario, Score, Seen, audited, behaviours, run, score, write_report};

pub use guarded::{Gone, Guarded};
use guarded::{POLICY, guarded};
pub use paired::Flown;
pub use sentences::{By, Sentence};

/// The scenarios that are shown side by side.
const WORLDS: [&str; 2] = ["as-alleged", "as-claimed"];

/// One world, played and audited.
#[derive(Debug)]
pub struct Shown {
    /// What was played.
    pub scenario: Scenario,
    /// What really left.
    pub truth: Value,
    /// What the audit found of it, with the judgements.
    pub report: Report,
    /// How the two agree.
    pub score: Score,
    /// Paired flights in this world, by name.
    pub pairs: BTreeMap<&'static str, Flown>,
    /// What a gateway would have let through of it.
    pub guarded: Vec<Guarded>,
}

/// A row of the table of switches.
#[derive(Clone, Debug)]
pub struct Row {
    /// The switch; empty for what the user shared.
    pub switch: &'static str,
    /// Which words of the case it plays.
    pub plays: &'static str,
    /// Whether it was on, and what the audit saw of it.
    pub worlds: Vec<(bool, Seen)>,
}

/// A sentence, and what became of it in each world.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The sentence.
    pub sentence: Sentence,
    /// In each world.
    pub worlds: Vec<Answer>,
}

/// What became of a sentence in one world.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The switches that play it and were on.
    pub on: Vec<String>,
    /// How many things that really left it is about; of paired flights, how many ways differ or went in flight.
    pub events: usize,
    /// Whether it is so in this world; nothing, where the range plays nothing that could make it so.
    pub holds: Option<bool>,
    /// How many findings speak to it.
    pub findings: usize,
    /// The first of those that show one of the events, by packets.
    pub proof: Option<Finding>,
    /// What the audit judged, blind.
    pub judgements: Vec<Judgement>,
    /// Whether the judgement leans to the truth; nothing, where either is missing.
    pub leans: Option<Lean>,
}

/// How a judgement stands to the truth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lean {
    /// Likely, and so; unlikely, and not so.
    ToTruth,
    /// Neither: what was seen is too little to tell.
    Neither,
    /// Likely, and not so; unlikely, and so.
    Away,
}

/// Plays both worlds into a folder, and writes the reports and the page. Gives the path of the page and the worlds.
pub fn demo(folder: &Path, seed: u64) -> Result<(PathBuf, Vec<Shown>), Error> {
    let mut worlds = Vec::new();
    for name in WORLDS {
        let scenario = Scenario::load(name)?;
        let case = run(&scenario, seed)?;
        let folder = folder.join(name);
        case.write(&folder)?;
        let mut report = audited(&folder)?;
        let pairs = paired::flown(&scenario, seed)?;
        report.judgements = judged(&report, &pairs)?;
        write_report(&report, &folder.join("case"))?;
        let truth = case.truth().clone();
        let score = score(&truth, &report);
        let guarded = guarded(&report)?;
        worlds.push(Shown { scenario, truth, report, score, pairs, guarded });
    }
    let page = folder.join("index.html");
    let written = page::page(&worlds, &answers(&worlds)?, seed).into_string();
    fs::write(&page, written).map_err(|source| Error::Write { path: page.display().to_string(), source })?;
    Ok((page, worlds))
}

/// The judgements of a case, with what its paired flights say.
fn judged(report: &Report, pairs: &BTreeMap<&'static str, Flown>) -> Result<Vec<Judgement>, Error> {
    let (sets, weights) = ([Hypotheses::bundled()?], Weights::bundled()?);
    let mut comparisons = Vec::new();
    for flown in pairs.values() {
        let mut of = Compared::parse(flown.comparison.to_string().as_bytes())?;
        of.about = Some(flown.about.to_owned());
        comparisons.push(of);
    }
    let sources = Sources::default();
    let question =
        Question { report, sets: &sets, weights: &weights, sources: &sources, comparisons: &comparisons };
    Ok(judge(&question)?)
}

/// Every sentence of the case, answered in each world.
pub fn answers(worlds: &[Shown]) -> Result<Vec<Answered>, Error> {
    let answer = |sentence: Sentence| Answered {
        worlds: worlds.iter().map(|world| world.answer(&sentence)).collect(),
        sentence,
    };
    Ok(Sentence::all()?.into_iter().map(answer).collect())
}

impl Shown {
    fn answer(&self, sentence: &Sentence) -> Answer {
        let judgements: Vec<Judgement> =
            sentence.judged.iter().filter_map(|id| self.judgement(id)).cloned().collect();
        let main = sentence.truth_of.as_ref().or(sentence.judged.first());
        let main = main.and_then(|id| self.judgement(id));
        let (events, holds) = self.so(sentence);
        let mut ids: Vec<&String> =
            main.iter().flat_map(|one| &one.evidence).flat_map(|line| &line.findings).collect();
        ids.sort_unstable();
        ids.dedup();
        let found: Vec<&Finding> =
            self.report.findings.iter().filter(|finding| ids.binary_search(&&finding.id).is_ok()).collect();
        let shown: Vec<&Value> =
            sentence.truth.iter().flat_map(|truth| truth.events_in(&self.truth)).collect();
        // The strongest of those that show it.
        let proofs = found.iter().filter(|finding| shown.iter().any(|event| shows(finding, event)));
        let proof = proofs.min_by_key(|finding| finding.matched);
        let lean = |(band, holds): (Likelihood, bool)| match band.cmp(&Likelihood::EvenChance) {
            Ordering::Equal => Lean::Neither,
            side if (side == Ordering::Greater) == holds => Lean::ToTruth,
            _ => Lean::Away,
        };
        let leans = main.and_then(|one| one.likelihood).zip(holds).map(lean);
        Answer {
            on: sentence.switches.iter().filter(|name| self.scenario.does(name)).cloned().collect(),
            events,
            holds,
            findings: found.len(),
            proof: proof.map(|finding| (*finding).clone()),
            leans,
            judgements,
        }
    }

    fn judgement(&self, hypothesis: &str) -> Option<&Judgement> {
        self.report.judgements.iter().find(|one| one.hypothesis == hypothesis)
    }

    /// How many events a sentence is about, and whether it is so here.
    fn so(&self, sentence: &Sentence) -> (usize, Option<bool>) {
        let Some(truth) = &sentence.truth else { return (0, None) };
        if truth.region {
            let region = &self.truth["region"];
            return (0, Some(region["app_believes"] == region["gps"]["says"]));
        }
        let Some(pair) = &truth.pair else {
            let count = truth.events_in(&self.truth).count();
            return (count, Some((count > 0) != truth.without));
        };
        let Some(flown) = self.pairs.get(pair.as_str()) else { return (0, None) };
        if truth.silent {
            return (flown.in_flight, Some(flown.in_flight == 0));
        }
        let differs = flown.stopped + if truth.differs { flown.appeared } else { 0 };
        (differs, Some(differs > 0))
    }
}

/// Whether a finding is this event: class and address agree, and a packet of it is one of the event's.
fn shows(finding: &Finding, event: &Value) -> bool {
    let frame = |at: usize| event["frames"][at].as_u64().unwrap_or(0);
    let packets = finding.occurrences.iter().flat_map(|one| &one.packets).chain(&finding.evidence.packets);
    event["data_class"].as_str() == Some(finding.data_class.name())
        && event["dst_ip"].as_str() == finding.destination.ip.as_deref()
        && packets.into_iter().any(|packet| (frame(0)..=frame(1)).contains(packet))
}

/// The table of switches, a row for each and one for what the user shared.
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
