//! What an audit found, held against what really left.
//!
//! The rules are those of docs/corpus.md: a finding is an event if class and destination agree and a packet of it is one of the
//! event's; class and destination alone count as no false alarm, and neither does a neighbouring class in the same packets.

use std::collections::BTreeMap;

use creance_model::{DataClass, Finding, Report};
use serde_json::Value;

/// How many of those that must be found were.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Share {
    /// Found.
    pub found: u64,
    /// Of.
    pub of: u64,
}

/// What an audit found of what really left.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// Of all that must be found.
    pub recall: Share,
    /// Findings that are right, and those that are not.
    pub right: u64,
    /// Findings of what did not leave.
    pub wrong: Vec<String>,
    /// What must be found and was not.
    pub missed: Vec<String>,
    /// Circumstances of what was found that are told rightly: country of the destination, flight state, trigger, app state.
    pub told: BTreeMap<&'static str, Share>,
    /// What is told wrongly of them.
    pub misjudged: Vec<String>,
    /// By class of data.
    pub classes: BTreeMap<String, Share>,
    /// By encoding.
    pub encodings: BTreeMap<String, Share>,
    /// By switch; what the user shared is under the empty name.
    pub switches: BTreeMap<String, Seen>,
}

/// What was seen of a switch.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Of its events.
    pub share: Share,
    /// The first finding that shows it.
    pub proof: Option<Proof>,
}

/// A finding that shows something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof {
    /// Its id within the report.
    pub finding: String,
    /// Its first and its last packet.
    pub packets: (u64, u64),
    /// To whom it went: host or address, and country.
    pub to: String,
}

/// An event of the truth.
struct Event<'a> {
    id: &'a str,
    class: &'a str,
    ip: &'a str,
    frames: [u64; 2],
    encoding: &'a str,
    switch: &'a str,
    must_find: bool,
    /// Country, flight state, trigger, app state.
    told: [&'a str; 4],
}

/// What is told of circumstances.
const TOLD: [&str; 4] = ["country", "flight state", "trigger", "app state"];

impl<'a> Event<'a> {
    fn of(event: &'a Value) -> Option<Self> {
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let frame = |at: usize| event.get("frames")?.get(at)?.as_u64();
        Some(Self {
            id: text("id")?,
            class: text("data_class")?,
            ip: text("dst_ip")?,
            frames: [frame(0)?, frame(1)?],
            encoding: text("encoding")?,
            switch: text("switch").unwrap_or_default(),
            must_find: event.get("must_find")?.as_bool()?,
            told: ["country", "flight_state", "trigger", "app_state"]
                .map(|name| text(name).unwrap_or_default()),
        })
    }

    fn holds(&self, packets: &[u64]) -> bool {
        packets.iter().any(|packet| (self.frames[0]..=self.frames[1]).contains(packet))
    }
}

/// Holds the findings of a report against a truth.
pub fn score(truth: &Value, report: &Report) -> Score {
    let events: Vec<Event<'_>> =
        truth["events"].as_array().into_iter().flatten().filter_map(Event::of).collect();
    let mut found: Vec<Option<Proof>> = events.iter().map(|_| None).collect();
    let mut score = Score::default();
    for finding in &report.findings {
        let packets = packets(finding);
        let class = finding.data_class.name();
        let ip = finding.destination.ip.as_deref();
        let (mut strict, mut loose) = (false, false);
        let mut hits: Vec<[&str; 4]> = Vec::new();
        for (event, found) in events.iter().zip(&mut found).filter(|(event, _)| Some(event.ip) == ip) {
            if event.class == class {
                loose = true;
                if event.holds(&packets) {
                    strict = true;
                    hits.push(event.told);
                    found.get_or_insert_with(|| proof(finding));
                }
            } else if event.holds(&packets) {
                loose |=
                    DataClass::from_name(event.class).is_some_and(|class| class.is_near(finding.data_class));
            }
        }
        if strict {
            score.circumstances(finding, &hits);
        }
        if strict || loose {
            score.right += 1;
        } else {
            let to = finding.destination.host.as_deref().or(ip).unwrap_or("nobody");
            score.wrong.push(format!("{} {class} to {to}: {}", finding.id, finding.value));
        }
    }
    for (event, proof) in events.iter().zip(found) {
        let seen = score.switches.entry(event.switch.to_owned()).or_default();
        if seen.proof.is_none() {
            seen.proof.clone_from(&proof);
        }
        if !event.must_find {
            continue;
        }
        let one = Share { found: u64::from(proof.is_some()), of: 1 };
        seen.share.add(one);
        score.recall.add(one);
        score.classes.entry(event.class.to_owned()).or_default().add(one);
        score.encodings.entry(event.encoding.to_owned()).or_default().add(one);
        if proof.is_none() {
            score
                .missed
                .push(format!("{} {} as {} by {}", event.id, event.class, event.encoding, event.switch));
        }
    }
    score
}

fn packets(finding: &Finding) -> Vec<u64> {
    let all = finding.occurrences.iter().flat_map(|occurrence| &occurrence.packets);
    all.chain(&finding.evidence.packets).copied().collect()
}

fn proof(finding: &Finding) -> Proof {
    let packets = &finding.evidence.packets;
    let destination = &finding.destination;
    let who = destination.host.as_ref().or(destination.ip.as_ref()).map_or("nobody", String::as_str);
    let country = destination.country.as_deref().unwrap_or("unknown");
    Proof {
        finding: finding.id.clone(),
        packets: (packets.first().copied().unwrap_or(0), packets.last().copied().unwrap_or(0)),
        to: format!("{who} ({country})"),
    }
}

impl Share {
    /// Adds another.
    pub fn add(&mut self, other: Self) {
        self.found += other.found;
        self.of += other.of;
    }
}

impl Score {
    /// Counts what is told of the circumstances of a finding that is one of these events.
    fn circumstances(&mut self, finding: &Finding, hits: &[[&str; 4]]) {
        let told = [
            finding.destination.country.as_deref().unwrap_or_default(),
            finding.flight_state.name(),
            finding.trigger.name(),
            finding.app_state.name(),
        ];
        for (at, (what, told)) in TOLD.iter().zip(told).enumerate() {
            let mut truths = hits.iter().filter_map(|truths| truths.get(at));
            // Without evidence that it is off, the aircraft's state is rightly unknown.
            let honest = told == "unknown" && truths.clone().all(|truth| *truth == "off");
            let found = u64::from(truths.clone().any(|truth| *truth == told) || honest);
            if found == 0 {
                let truth = truths.next().copied().unwrap_or_default();
                let (id, time) = (&finding.id, finding.time);
                self.misjudged.push(format!("{id} at {time}: {what} {told}, not {truth}"));
            }
            self.told.entry(what).or_default().add(Share { found, of: 1 });
        }
    }

    /// Adds that of another case. Proofs stay those of their cases.
    pub fn add(&mut self, other: Self) {
        self.recall.add(other.recall);
        self.right += other.right;
        self.wrong.extend(other.wrong);
        self.missed.extend(other.missed);
        self.misjudged.extend(other.misjudged);
        for (mine, theirs) in [(&mut self.classes, other.classes), (&mut self.encodings, other.encodings)] {
            for (name, share) in theirs {
                mine.entry(name).or_default().add(share);
            }
        }
        for (what, share) in other.told {
            self.told.entry(what).or_default().add(share);
        }
        for (name, seen) in other.switches {
            self.switches.entry(name).or_default().share.add(seen.share);
        }
    }
}
