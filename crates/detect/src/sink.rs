//! Where detectors tell what they see: each value once, and the limits that were reached.

use std::collections::{BTreeSet, HashMap, HashSet, hash_map::Entry};

use creance_model::{DataClass, Timestamp};

use crate::{Context, Sighting, plain};

/// What was seen in a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Looked {
    /// What should not have left.
    pub sightings: Vec<Sighting>,
    /// The limits that were reached, as in “The limit … was reached”: what lies beyond them was not looked at.
    pub limits: BTreeSet<&'static str>,
}

/// Takes the sightings of one message.
#[derive(Debug)]
pub struct Sink<'a> {
    context: &'a Context,
    /// When the message was sent.
    time: Timestamp,
    looked: Looked,
    /// Where each value stands among the sightings.
    known: HashMap<(DataClass, String), usize>,
    planted: Vec<Sighting>,
    planted_values: HashSet<String>,
}

/// Sightings of one message that are kept.
const MOST: usize = 10_000;

impl<'a> Sink<'a> {
    pub(crate) fn new(context: &'a Context, time: Timestamp) -> Self {
        Self {
            context,
            time,
            looked: Looked::default(),
            known: HashMap::new(),
            planted: Vec::new(),
            planted_values: HashSet::new(),
        }
    }

    /// When the message was sent.
    pub(crate) const fn time(&self) -> Timestamp {
        self.time
    }

    /// Something was seen.
    pub fn sight(&mut self, mut sighting: Sighting) {
        if !sighting.is_known() {
            self.context.canaries.recognise(&mut sighting);
            self.context.flight.recognise(&mut sighting, self.time);
        }
        if !sighting.is_known()
            && (self.planted_values.contains(&plain(&sighting.value))
                || self.planted.iter().any(|canary| hides(canary, &sighting)))
        {
            // It may know more of what it is about.
            let stronger =
                self.looked.sightings.iter_mut().find(|one| one.is_known() && hides(one, &sighting));
            if let Some(stronger) = stronger {
                let further = sighting.sites.into_iter().filter(|site| !stronger.sites.contains(site));
                stronger.sites.extend(further.collect::<Vec<_>>());
                stronger.picture = stronger.picture.or(sighting.picture);
            }
            return;
        }
        let all = &mut self.looked.sightings;
        match self.known.entry((sighting.data_class, normal(sighting.data_class, &sighting.value))) {
            Entry::Occupied(entry) => {
                if let Some(one) = all.get_mut(*entry.get()) {
                    let picture = one.picture.or(sighting.picture);
                    let (mut stronger, other) = if sighting.matched < one.matched {
                        (sighting, std::mem::take(&mut one.sites))
                    } else {
                        (one.clone(), sighting.sites)
                    };
                    let further = other.into_iter().filter(|site| !stronger.sites.contains(site));
                    stronger.sites.extend(further.collect::<Vec<_>>());
                    stronger.picture = stronger.picture.or(picture);
                    *one = stronger;
                }
            }
            Entry::Vacant(entry) if all.len() < MOST => {
                entry.insert(all.len());
                if sighting.is_known() {
                    self.planted_values.insert(plain(&sighting.value));
                    self.planted.push(sighting.clone());
                }
                all.push(sighting);
            }
            Entry::Vacant(_) => self.limited("sightings in one message"),
        }
    }

    /// A limit was reached: what lies beyond it is not looked at.
    pub fn limited(&mut self, limit: &'static str) {
        self.looked.limits.insert(limit);
    }

    pub(crate) fn done(self) -> Looked {
        self.looked
    }
}

/// Whether a weaker sighting is a canary seen again: same class, same part, and nothing that keeps them apart.
fn hides(canary: &Sighting, weaker: &Sighting) -> bool {
    canary.data_class == weaker.data_class
        && canary.part == weaker.part
        && match (canary.range, weaker.range) {
            (Some(one), Some(other)) => one[0] < other[1] && other[0] < one[1],
            _ => true,
        }
}

/// A value as it is compared with others of its class. Signs and points matter in places, everything in secrets.
pub(crate) fn normal(class: DataClass, value: &str) -> String {
    match class {
        DataClass::Credential | DataClass::Location => value.to_owned(),
        _ => plain(value),
    }
}
