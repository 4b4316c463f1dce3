//! One thing in every run: seen here, seen there, and what may be said of it.

use serde::{Deserialize, Serialize, Serializer};

use super::amounts::{self, Amount};
use crate::exact::{Presence, false_discovery, holm, unseen_rate, unseen_share};

/// What is claimed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Seen before, not seen after.
    Stopped,
    /// Seen in every run, before and after.
    Stayed,
    /// Not seen before, seen after.
    Appeared,
    /// Seen before and after, and not the same.
    Changed,
}

/// What these runs show, whatever it is worth.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Observed {
    /// Seen in every run before that could show it, in none after.
    Stopped,
    /// Seen in every run that could show it.
    Stayed,
    /// Seen in no run before, in every one after that could show it.
    Appeared,
    /// Seen in every run, and not the same.
    Changed,
    /// Seen in some runs of one setting and not in others.
    Mixed,
    /// No run of one of the settings could show whether it was there.
    Hidden,
}

/// What is said of one thing.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What is claimed; nothing where it may be chance.
    pub verdict: Option<Verdict>,
    /// What these runs show.
    pub observed: Observed,
    /// Why nothing is claimed.
    pub why: Option<&'static str>,
    /// In how many runs it was seen, of how many that could show it, before and after.
    pub seen_in: [[usize; 2]; 2],
    /// The probability that an unchanged thing looks at least as different in whether it is seen; at most, where some runs
    /// could not show it.
    #[serde(serialize_with = "rounded")]
    pub p: f64,
    /// The same, corrected for all rows of the table (false discovery rate).
    #[serde(serialize_with = "rounded")]
    pub p_corrected: f64,
    /// Whether a claim that it stopped or appeared stands after the correction.
    pub stands_corrected: bool,
    /// What may be there where nothing was seen.
    pub unseen: Option<Unseen>,
    /// How much of it there is, where it was seen before and after.
    pub amount: Option<Amount>,
}

/// What may be there where nothing was seen, at 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Unseen {
    /// Of such runs, the greatest likely share that shows it.
    #[serde(serialize_with = "rounded")]
    pub share_of_runs: f64,
    /// The greatest likely rate, by the rule of three.
    #[serde(serialize_with = "maybe_rounded")]
    pub rate: Option<f64>,
}

/// How sure intervals are.
pub(super) const CONFIDENCE: f64 = 0.95;

/// Chance comes and goes.
pub(super) const VARIES: &str = "comes and goes between runs of one setting";
/// Nothing could be claimed of so few.
pub(super) const FEW: &str = "too few runs to tell";
/// It may have been there.
pub(super) const HIDDEN: &str = "may have been there where it could not be read";

/// Decides, by the runs that there are.
pub(super) struct Judge {
    pub(super) presence: Presence,
    pub(super) level: f64,
    /// Runs of the first group.
    pub(super) split: usize,
    /// What amounts of each run are divided by.
    pub(super) minutes: Vec<f64>,
}

impl Judge {
    pub(super) fn of_counts(&mut self, counts: &[u64], hidden: &[bool]) -> Row {
        let seen: Vec<bool> = counts.iter().map(|count| *count > 0).collect();
        self.row(&seen, hidden, counts, true)
    }

    /// What is said of a thing seen in these runs, where `hidden` ones may have had it unread. `events`: its amounts are
    /// counts of what comes one by one.
    pub(super) fn row(&mut self, seen: &[bool], hidden: &[bool], amounts: &[u64], events: bool) -> Row {
        let mut seen_in = [[0; 2]; 2];
        let mut covered = [0.0; 2];
        let mut blind = [0; 2];
        for (index, ((seen, hidden), minutes)) in seen.iter().zip(hidden).zip(&self.minutes).enumerate() {
            let side = usize::from(index >= self.split);
            if *hidden && !seen {
                if let Some(blind) = blind.get_mut(side) {
                    *blind += 1;
                }
                continue;
            }
            if let (Some([count, of]), Some(covered)) = (seen_in.get_mut(side), covered.get_mut(side)) {
                *count += usize::from(*seen);
                *of += 1;
                *covered += minutes;
            }
        }
        let [[a, n], [b, m]] = seen_in;
        // Where it may have been unread, it is taken to have been there or not as speaks most for chance: to leave such runs
        // out would keep those in which it was seen, and lose the others.
        let [some, others] = blind;
        let mut chance: f64 = 0.0;
        for (here, there) in (0..=some).flat_map(|here| (0..=others).map(move |there| (here, there))) {
            chance = chance.max(self.presence.p([a + here, n + some], [b + there, m + others]));
        }
        let blind = some + others > 0;
        let observed = match (n, m) {
            (0, _) | (_, 0) => Observed::Hidden,
            _ if a == n && b == m => Observed::Stayed,
            _ if a == n && b == 0 => Observed::Stopped,
            _ if a == 0 && b == m => Observed::Appeared,
            _ => Observed::Mixed,
        };
        let claimed = chance <= self.level;
        let verdict = match observed {
            Observed::Hidden => None,
            Observed::Stayed if blind => None,
            Observed::Stayed => Some(Verdict::Stayed),
            _ if claimed && b == 0 => Some(Verdict::Stopped),
            _ if claimed && a == 0 => Some(Verdict::Appeared),
            _ if claimed => Some(Verdict::Changed),
            _ => None,
        };
        let why = match observed {
            _ if verdict.is_some() => None,
            Observed::Hidden => Some(HIDDEN),
            Observed::Mixed => Some(VARIES),
            _ if blind => Some(HIDDEN),
            _ => Some(FEW),
        };
        let nothing = [(a, n, 0), (b, m, 1)].into_iter().find(|(seen, of, _)| *seen == 0 && *of > 0);
        let unseen = nothing.map(|(_, of, side)| Unseen {
            share_of_runs: unseen_share(of, CONFIDENCE),
            rate: covered.get(side).and_then(|minutes| unseen_rate(*minutes, CONFIDENCE)),
        });
        let amount = if a > 0 && b > 0 { amounts::amount(amounts, hidden, self, events) } else { None };
        Row {
            verdict,
            observed,
            why,
            seen_in,
            p: chance,
            p_corrected: chance,
            stands_corrected: false,
            unseen,
            amount,
        }
    }
}

impl Row {
    /// It stayed, and is not the same.
    pub(super) fn differs(&mut self) {
        if self.verdict == Some(Verdict::Stayed) {
            (self.verdict, self.observed) = (Some(Verdict::Changed), Observed::Changed);
        }
    }

    /// What a part of it says: it stayed, and the part did not.
    pub(super) fn follows(&mut self, part: &Self) {
        if matches!(part.verdict, Some(Verdict::Stopped | Verdict::Appeared | Verdict::Changed)) {
            self.differs();
        }
        if self.observed == Observed::Stayed
            && matches!(part.observed, Observed::Stopped | Observed::Appeared | Observed::Changed)
        {
            self.observed = Observed::Changed;
        }
    }

    /// Whether it is claimed to have stopped or appeared, or to be seen in more or fewer runs.
    pub(super) fn claims(&self, level: f64) -> bool {
        self.p <= level && self.verdict.is_some_and(|verdict| verdict != Verdict::Stayed)
    }
}

/// Corrects the rows of a table for their number, whether things are seen and how much there is of them apart.
pub(super) fn correct<'a>(rows: impl Iterator<Item = &'a mut Row>, level: f64) {
    let mut rows: Vec<&mut Row> = rows.collect();
    let corrected = false_discovery(&rows.iter().map(|row| row.p).collect::<Vec<_>>());
    for (row, corrected) in rows.iter_mut().zip(corrected) {
        row.p_corrected = corrected;
        row.stands_corrected = row.claims(level) && corrected <= level;
    }
    let mut amounts: Vec<&mut Amount> = rows.into_iter().filter_map(|row| row.amount.as_mut()).collect();
    let corrected = holm(&amounts.iter().map(|amount| amount.p).collect::<Vec<_>>());
    for (amount, corrected) in amounts.iter_mut().zip(corrected) {
        amount.settle(corrected, level);
    }
}

/// Four significant digits: the same on every machine.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
pub(super) fn rounded<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    maybe_rounded(&Some(*number), serializer)
}

/// As [`rounded`]; nothing where there is none, or no finite one.
#[expect(clippy::ref_option, reason = "serde asks for it")]
pub(super) fn maybe_rounded<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    number.filter(|number| number.is_finite()).map(four_digits).serialize(serializer)
}

pub(super) fn four_digits(number: f64) -> f64 {
    format!("{number:.3e}").parse().unwrap_or(number)
}
