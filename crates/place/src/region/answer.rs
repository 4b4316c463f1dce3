//! From votes to an answer.
//!
//! Each source names one country or several, with a weight: the logarithm of the odds that it names the true one,
//! `ln(r / (1 - r))`, where `r` is how often such a source is right. A source that is right half of the time or less says
//! nothing and weighs nothing. Nothing weighs more than [`MOST`], for anything can be made to lie.
//!
//! Sources of one group are likely to be wrong together (a phone's receivers under one jammer; the address and the contract
//! of one SIM): of each group only the strongest voice for a country counts. Groups are independent, and add up. Beside the
//! countries that are named stands "elsewhere", with the weight 0; so one source alone is believed as often as it is
//! right, though never more than 99 times in 100.
//!
//! The order of votes changes nothing, and a further voice for one country alone never makes that country less likely. One
//! that names several may: where its group has spoken for the one already, the others gain more.

use std::collections::{BTreeMap, BTreeSet};

use crate::country::Country;

/// The most that one group weighs: one in a hundred lies.
pub const MOST: f64 = 4.595_119_850_134_59;
/// From here on an answer is determined.
pub const DETERMINED: f64 = 0.8;
/// Countries that are less likely than this are not told as candidates.
const CANDIDATE: f64 = 0.01;

/// Sources that are wrong together.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Group {
    /// Receivers of satellites, and places estimated from cells and Wi-Fi.
    Position,
    /// The mobile network that serves the device.
    Network,
    /// The contract: the SIM's country and the address that its data comes out at.
    Contract,
    /// Time zone and language.
    Settings,
    /// Countries that radios were set to.
    Radio,
    /// What was remembered.
    Memory,
    /// What a server told the app.
    Told,
    /// The hosts that the app uses.
    Hosts,
    /// The datum of coordinates that the app sends.
    Datum,
    /// What the app asks of its user.
    Duty,
}

/// What one source says.
#[derive(Clone, Debug, PartialEq)]
pub struct Vote {
    /// Which source: `gps`, `network-mcc` …
    pub source: &'static str,
    /// With which others it is wrong.
    pub group: Group,
    /// The countries that it names, none of them before the others.
    pub says: Vec<Country>,
    /// Countries that it fits as well, where others name them.
    pub fits: Vec<Country>,
    /// Its weight, 0 to [`MOST`].
    pub weight: f64,
    /// It cannot tell between those that it names, and nothing else can: a border nearer than the error, a disputed area.
    pub open: bool,
    /// Why it says so, and why it weighs so.
    pub why: String,
}

impl Vote {
    /// A vote for one country by a source that is right this often.
    pub fn one(source: &'static str, group: Group, country: Country, right: f64, why: String) -> Self {
        Self { source, group, says: vec![country], fits: Vec::new(), weight: weight(right), open: false, why }
    }

    /// A source that was heard and names nothing.
    pub fn nothing(source: &'static str, group: Group, why: String) -> Self {
        Self { source, group, says: Vec::new(), fits: Vec::new(), weight: 0.0, open: false, why }
    }

    fn supports(&self, country: Country) -> bool {
        self.says.contains(&country) || self.fits.contains(&country)
    }

    fn said(&self) -> String {
        self.says.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
    }
}

/// The weight of a source that is right with this probability.
pub fn weight(right: f64) -> f64 {
    (right / (1.0 - right)).ln().clamp(0.0, MOST)
}

/// How it ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// One country, with at least [`DETERMINED`].
    Determined,
    /// Several, and no telling between them.
    Contested,
    /// Nothing, or too little.
    Unknown,
}

impl Outcome {
    /// Its name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Determined => "determined",
            Self::Contested => "contested",
            Self::Unknown => "unknown",
        }
    }
}

/// What all sources together say.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// How it ended.
    pub outcome: Outcome,
    /// The countries named, the likeliest first, with their probabilities; what is left to 1 is "elsewhere".
    pub candidates: Vec<(Country, f64)>,
    /// Every vote, the weightiest first.
    pub votes: Vec<Vote>,
    /// Who differs from whom, in words.
    pub conflicts: Vec<String>,
}

impl Answer {
    /// The country, where it is determined.
    pub fn country(&self) -> Option<Country> {
        let determined = self.outcome == Outcome::Determined;
        self.candidates.first().filter(|_| determined).map(|(country, _)| *country)
    }
}

/// Puts votes together.
pub fn fuse(mut votes: Vec<Vote>) -> Answer {
    votes.sort_by(|a, b| {
        let order = b.weight.total_cmp(&a.weight).then_with(|| a.source.cmp(b.source));
        order.then_with(|| a.says.cmp(&b.says)).then_with(|| a.why.cmp(&b.why))
    });
    let heard = |vote: &&Vote| vote.weight > 0.0;
    let named: BTreeSet<Country> =
        votes.iter().filter(heard).flat_map(|vote| vote.says.iter().copied()).collect();
    let mut odds: Vec<(Country, f64)> = Vec::new();
    for country in named {
        let mut strongest: BTreeMap<Group, f64> = BTreeMap::new();
        for vote in votes.iter().filter(|vote| vote.supports(country)) {
            let known = strongest.entry(vote.group).or_default();
            *known = known.max(vote.weight);
        }
        odds.push((country, strongest.values().sum::<f64>().exp()));
    }
    let whole = 1.0 + odds.iter().map(|(_, odds)| odds).sum::<f64>();
    let mut candidates: Vec<(Country, f64)> =
        odds.into_iter().map(|(country, odds)| (country, odds / whole)).collect();
    candidates.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));

    let best = candidates.first().copied();
    let open = |country: Country| {
        votes.iter().any(|vote| vote.open && vote.weight > 0.0 && vote.says.contains(&country))
    };
    let sum: f64 = candidates.iter().map(|(_, likely)| likely).sum();
    let outcome = match best {
        Some((country, _)) if open(country) => Outcome::Contested,
        Some((_, likely)) if likely >= DETERMINED => Outcome::Determined,
        // One of them it is, but which?
        Some(_) if candidates.len() > 1 && sum >= DETERMINED => Outcome::Contested,
        _ => Outcome::Unknown,
    };
    let conflicts =
        conflicts(&votes, best.map(|(country, _)| country).filter(|_| outcome == Outcome::Determined));
    candidates.retain(|(country, likely)| *likely >= CANDIDATE || open(*country));
    Answer { outcome, candidates, votes, conflicts }
}

/// Of a determined answer, who says otherwise; of another, who says what.
fn conflicts(votes: &[Vote], answer: Option<Country>) -> Vec<String> {
    let told = |vote: &Vote| format!("{} says {}: {}", vote.source, vote.said(), vote.why);
    let speaks = |vote: &&Vote| !vote.says.is_empty();
    if let Some(answer) = answer {
        return votes.iter().filter(speaks).filter(|vote| !vote.supports(answer)).map(told).collect();
    }
    let differ = |vote: &&Vote| {
        vote.open
            || votes
                .iter()
                .filter(speaks)
                .any(|other| !other.says.iter().any(|country| vote.supports(*country)))
    };
    votes.iter().filter(speaks).filter(differ).map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn country(code: &str) -> Country {
        Country::new(code).unwrap()
    }

    fn vote(source: &'static str, group: Group, code: &str, right: f64) -> Vote {
        Vote::one(source, group, country(code), right, String::new())
    }

    #[test]
    fn one_source_is_believed_as_often_as_it_is_right() {
        for right in [0.6, 0.8, 0.9, 0.97] {
            let answer = fuse(vec![vote("ip", Group::Contract, "US", right)]);
            assert!((answer.candidates[0].1 - right).abs() < 1e-9);
            assert_eq!(answer.outcome == Outcome::Determined, right >= DETERMINED);
        }
        assert_eq!(fuse(vec![vote("ip", Group::Contract, "US", 0.3)]).outcome, Outcome::Unknown);
        assert_eq!(fuse(Vec::new()).outcome, Outcome::Unknown);
    }

    #[test]
    fn no_source_is_believed_more_than_99_times_in_100() {
        let answer = fuse(vec![vote("gps", Group::Position, "US", 0.9999)]);
        assert!((answer.candidates[0].1 - 0.99).abs() < 1e-9);
    }

    #[test]
    fn two_strong_sources_that_differ_are_contested_and_a_third_decides() {
        let mut votes =
            vec![vote("gps", Group::Position, "CN", 0.98), vote("network-mcc", Group::Network, "US", 0.97)];
        let answer = fuse(votes.clone());
        assert_eq!(answer.outcome, Outcome::Contested);
        assert_eq!(answer.conflicts.len(), 2);
        votes.push(vote("ip", Group::Contract, "CN", 0.9));
        let answer = fuse(votes);
        assert_eq!(answer.country(), Some(country("CN")));
        assert_eq!(answer.conflicts, ["network-mcc says US: "]);
    }

    #[test]
    fn a_group_counts_once() {
        let one = fuse(vec![vote("gps", Group::Position, "CN", 0.9)]);
        let two = fuse(vec![
            vote("gps", Group::Position, "CN", 0.9),
            vote("phone-gps", Group::Position, "CN", 0.8),
        ]);
        assert_eq!(one.candidates, two.candidates);
    }

    #[test]
    fn what_cannot_be_told_apart_is_contested_however_much_is_said() {
        let border = Vote {
            says: vec![country("CN"), country("HK")],
            open: true,
            ..vote("gps", Group::Position, "CN", 0.98)
        };
        let answer = fuse(vec![border.clone(), vote("ip", Group::Contract, "HK", 0.9)]);
        assert_eq!(answer.outcome, Outcome::Contested);
        // But where others put it elsewhere altogether, the border is none.
        let far = fuse(vec![
            border,
            vote("network-mcc", Group::Network, "US", 0.97),
            vote("ip", Group::Contract, "US", 0.9),
            vote("time-zone", Group::Settings, "US", 0.9),
        ]);
        assert_eq!(far.country(), Some(country("US")));
    }

    prop_compose! {
        fn any_vote()(
            (source, group) in prop_oneof![
                Just(("gps", Group::Position)),
                Just(("network-mcc", Group::Network)),
                Just(("ip", Group::Contract)),
                Just(("locale", Group::Settings)),
                Just(("cache", Group::Memory)),
            ],
            says in proptest::collection::btree_set(prop_oneof![Just("CN"), Just("HK"), Just("TW"), Just("US")], 0..3),
            right in 0.0..1.0_f64,
            open in proptest::bool::weighted(0.1),
        ) -> Vote {
            let says = says.into_iter().map(country).collect();
            Vote { source, group, says, fits: Vec::new(), weight: weight(right), open, why: String::new() }
        }
    }

    proptest! {
        #[test]
        fn order_changes_nothing((votes, shuffled) in proptest::collection::vec(any_vote(), 0..8)
            .prop_flat_map(|votes| (Just(votes.clone()), Just(votes).prop_shuffle())))
        {
            let (one, other) = (fuse(votes), fuse(shuffled));
            prop_assert_eq!(one.outcome, other.outcome);
            prop_assert_eq!(one.candidates, other.candidates);
        }

        #[test]
        fn probabilities_are_probabilities(votes in proptest::collection::vec(any_vote(), 0..8)) {
            let answer = fuse(votes);
            let sum: f64 = answer.candidates.iter().map(|(_, likely)| likely).sum();
            prop_assert!(sum <= 1.0 + 1e-9);
            prop_assert!(answer.candidates.iter().all(|(_, likely)| (0.0..=1.0).contains(likely)));
        }

        #[test]
        fn a_voice_for_one_country_alone_never_lowers_it(
            votes in proptest::collection::vec(any_vote(), 0..6),
            (voice, right) in (any_vote(), 0.0..1.0_f64),
        ) {
            let likely = |answer: &Answer| {
                answer.candidates.iter().find(|(one, _)| *one == country("US")).map_or(0.0, |(_, likely)| *likely)
            };
            let before = likely(&fuse(votes.clone()));
            let mut more = votes;
            more.push(vote(voice.source, voice.group, "US", right));
            prop_assert!(likely(&fuse(more)) >= before);
        }
    }
}
