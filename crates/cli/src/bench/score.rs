//! The rules of scoring, as docs/corpus.md states them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use creance_model::DataClass;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    found::Finding,
    same,
    truth::{Event, Place, Truth},
};

/// What a finding is, held against the truth. The first that applies.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// Of a class that is not in the vocabulary: not judged.
    Outside,
    /// Class, destination and packets are those of an event.
    True,
    /// It lies in what only looks like a leak.
    Trap,
    /// The place is that of an event, the class a neighbour of its own.
    Near,
    /// Class and destination are those of an event, the packets are others.
    Loose,
    /// It is not in a truth that does not list everything: not judged.
    Unlisted,
    /// Nothing in the truth is like it.
    Unexplained,
}

/// How many events that must be found were.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub(crate) struct Share {
    pub(crate) found: u64,
    /// With class and destination alone.
    pub(crate) loose: u64,
    pub(crate) of: u64,
}

/// The score of a tool over one or more captures.
#[derive(Debug, Default)]
pub(crate) struct Score {
    pub(crate) captures: u64,
    pub(crate) findings: u64,
    pub(crate) verdicts: BTreeMap<Verdict, u64>,
    pub(crate) recall: Share,
    /// Events found that need not be.
    pub(crate) optional: u64,
    /// Traps that were reported, each once, and how many there were.
    pub(crate) traps: [u64; 2],
    pub(crate) per_class: BTreeMap<String, Share>,
    pub(crate) per_encoding: BTreeMap<String, Share>,
    /// Events that must be found and were not.
    pub(crate) missed: Vec<Value>,
    /// Findings that are traps or unexplained.
    pub(crate) wrong: Vec<Value>,
}

impl Score {
    /// Adds the findings of one capture.
    pub(crate) fn add(&mut self, truth: &Truth, findings: &[Finding]) {
        let against = Against::new(truth);
        let (mut strict, mut loose, mut trapped) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (number, finding) in findings.iter().enumerate() {
            let matches = against.matches(finding);
            strict.extend(matches.strict.iter().copied());
            loose.extend(matches.loose.iter().copied());
            let traps = against.traps(finding);
            let verdict = against.verdict(finding, &matches, &traps);
            *self.verdicts.entry(verdict).or_default() += 1;
            if verdict == Verdict::Trap {
                trapped.extend(traps.iter().copied());
            }
            if matches!(verdict, Verdict::Trap | Verdict::Unexplained) {
                let trap = traps.first().filter(|_| verdict == Verdict::Trap);
                self.wrong.push(json!({
                    "scenario": truth.scenario,
                    "finding": number + 1,
                    "data_class": finding.data_class,
                    "dst_ip": finding.ip,
                    "packets": [finding.packets.first(), finding.packets.last()],
                    "against": trap.map_or("unexplained", |(_, kind)| kind),
                    "id": trap.map(|(id, _)| id),
                }));
            }
        }
        self.captures += 1;
        self.findings += findings.len() as u64;
        self.traps[0] += trapped.len() as u64;
        self.traps[1] += truth.benign.len() as u64;
        self.traps[1] += truth.events.iter().filter(|event| event.faces == Some(0)).count() as u64;
        for (number, event) in truth.events.iter().enumerate() {
            let (is_found, is_loose) = (strict.contains(&number), loose.contains(&number));
            if event.must_find {
                self.must(event, is_found, is_loose);
                if !is_found {
                    self.missed.push(missed(event));
                }
            } else {
                self.optional += u64::from(is_found);
            }
        }
    }

    fn must(&mut self, event: &Event, found: bool, loose: bool) {
        let encoding = event.encoding.as_deref().unwrap_or("none");
        for share in [
            &mut self.recall,
            self.per_class.entry(event.data_class.clone()).or_default(),
            self.per_encoding.entry(encoding.to_owned()).or_default(),
        ] {
            share.found += u64::from(found);
            share.loose += u64::from(loose);
            share.of += 1;
        }
    }

    pub(crate) fn count(&self, verdict: Verdict) -> u64 {
        self.verdicts.get(&verdict).copied().unwrap_or_default()
    }

    /// Findings that are right, and those that were judged.
    pub(crate) fn precision(&self) -> [u64; 2] {
        let sum = |verdicts: &[Verdict]| verdicts.iter().map(|verdict| self.count(*verdict)).sum::<u64>();
        let good = sum(&[Verdict::True, Verdict::Near, Verdict::Loose]);
        [good, good + sum(&[Verdict::Trap, Verdict::Unexplained])]
    }

    /// What a list of tools is sorted by: recall, and among equals precision.
    pub(crate) fn rank(&self) -> f64 {
        let [good, judged] = self.precision();
        share(self.recall.found, self.recall.of) + share(good, judged) * 1e-6
    }
}

/// A part of a whole, 0 of nothing.
pub(crate) fn share(part: u64, of: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = part as f64 / of.max(1) as f64;
    share
}

fn missed(event: &Event) -> Value {
    json!({
        "id": event.id,
        "data_class": event.data_class,
        "encoding": event.encoding,
        "protocol": event.protocol,
        "host": event.place.host,
        "dst_ip": event.place.dst_ip,
        "frames": event.place.frames,
    })
}

/// To whom something went. A finding that names an address is held against addresses, one that names a host alone
/// against hosts; what is radiated goes to nobody.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum To {
    Ip(IpAddr),
    Host(String),
    Nobody,
}

impl To {
    /// The one under which a finding looks.
    fn of(finding: &Finding) -> Self {
        match (finding.ip, &finding.host) {
            (Some(ip), _) => Self::Ip(ip),
            (None, Some(host)) => Self::Host(host.clone()),
            (None, None) => Self::Nobody,
        }
    }

    /// All under which an event or a trap is found.
    fn all(place: &Place) -> Vec<Self> {
        let ip = place.dst_ip.map(Self::Ip);
        let host = place.host.as_ref().map(|host| Self::Host(host.to_lowercase()));
        let all: Vec<Self> = ip.into_iter().chain(host).collect();
        if all.is_empty() { vec![Self::Nobody] } else { all }
    }
}

/// Numbers of events that have a finding's class and destination: its packets as well, or not.
#[derive(Default)]
struct Matches {
    strict: Vec<usize>,
    loose: Vec<usize>,
}

/// A trap's id and kind.
type Named<'a> = (&'a str, &'a str);

/// A truth, by destination: each finding is held against those of its own destination alone.
struct Against<'a> {
    truth: &'a Truth,
    events: BTreeMap<To, Vec<usize>>,
    traps: BTreeMap<To, Vec<usize>>,
}

impl<'a> Against<'a> {
    fn new(truth: &'a Truth) -> Self {
        let by_destination = |places: &mut dyn Iterator<Item = &Place>| {
            let mut all: BTreeMap<To, Vec<usize>> = BTreeMap::new();
            for (number, place) in places.enumerate() {
                for to in To::all(place) {
                    all.entry(to).or_default().push(number);
                }
            }
            all
        };
        Self {
            truth,
            events: by_destination(&mut truth.events.iter().map(|event| &event.place)),
            traps: by_destination(&mut truth.benign.iter().map(|trap| &trap.place)),
        }
    }

    /// Events of the finding's destination, with their numbers.
    fn events(&self, finding: &Finding) -> impl Iterator<Item = (usize, &'a Event)> {
        let numbers = self.events.get(&To::of(finding)).map_or(&[][..], Vec::as_slice);
        let event = |number: usize| self.truth.events.get(number).map(|event| (number, event));
        numbers.iter().filter_map(|number| event(*number)).collect::<Vec<_>>().into_iter()
    }

    fn matches(&self, finding: &Finding) -> Matches {
        let mut matches = Matches::default();
        if DataClass::from_name(&finding.data_class).is_none() {
            return matches;
        }
        for (number, event) in
            self.events(finding).filter(|(_, event)| event.data_class == finding.data_class)
        {
            matches.loose.push(number);
            let strict = if finding.packets.is_empty() {
                is_said(finding, event)
            } else {
                overlaps(finding, &event.place)
            };
            if strict {
                matches.strict.push(number);
            }
        }
        matches
    }

    fn traps(&self, finding: &Finding) -> Vec<Named<'a>> {
        let numbers = self.traps.get(&To::of(finding)).map_or(&[][..], Vec::as_slice);
        let traps = numbers.iter().filter_map(|number| self.truth.benign.get(*number));
        let within = traps.filter(|trap| {
            if finding.packets.is_empty() {
                says(finding, &trap.place)
            } else {
                overlaps(finding, &trap.place)
            }
        });
        let mut traps: Vec<Named<'_>> = within.map(|trap| (&*trap.id, &*trap.kind)).collect();
        if finding.data_class == DataClass::Face.name() {
            let nobody = self.events(finding).filter(|(_, event)| {
                event.faces == Some(0) && (overlaps(finding, &event.place) || is_file(finding, event))
            });
            traps.extend(nobody.map(|(_, event)| (&*event.id, "picture-without-face")));
        }
        traps
    }

    fn verdict(&self, finding: &Finding, matches: &Matches, traps: &[Named<'_>]) -> Verdict {
        let near = |event: &Event| {
            is_near(&finding.data_class, &event.data_class)
                && (overlaps(finding, &event.place) || says(finding, &event.place))
        };
        if DataClass::from_name(&finding.data_class).is_none() {
            Verdict::Outside
        } else if !matches.strict.is_empty() {
            Verdict::True
        } else if !traps.is_empty() {
            Verdict::Trap
        } else if self.events(finding).any(|(_, event)| near(event)) {
            Verdict::Near
        } else if !matches.loose.is_empty() {
            Verdict::Loose
        } else if !self.truth.exhaustive {
            Verdict::Unlisted
        } else {
            Verdict::Unexplained
        }
    }
}

/// Whether a packet of the finding lies between the first and the last.
fn overlaps(finding: &Finding, place: &Place) -> bool {
    let Some([first, last]) = place.frames else { return false };
    let from = finding.packets.partition_point(|packet| *packet < first);
    finding.packets.get(from).is_some_and(|packet| *packet <= last)
}

fn says(finding: &Finding, place: &Place) -> bool {
    finding.value.as_ref().zip(place.value.as_ref()).is_some_and(|(a, b)| same::value(a, b))
}

fn is_file(finding: &Finding, event: &Event) -> bool {
    let name = event.file.as_ref().and_then(|file| file.name.as_ref());
    finding.file.as_ref().zip(name).is_some_and(|(a, b)| same::value(a, b))
}

/// How a finding that cites no packet is known to be an event: by its value or its file.
fn is_said(finding: &Finding, event: &Event) -> bool {
    says(finding, &event.place) || is_file(finding, event)
}

fn is_near(a: &str, b: &str) -> bool {
    let classes = DataClass::from_name(a).zip(DataClass::from_name(b));
    classes.is_some_and(|(a, b)| a.is_near(b))
}

#[cfg(test)]
mod tests;
