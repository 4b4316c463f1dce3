//! Hypotheses as data: what is claimed, what would show it, what else would explain it.

use creance_model::Finding;
use serde::Deserialize;

use crate::Verdict;

use super::{
    Error,
    condition::{Condition, Test},
    prose::{says_confidence, says_likelihood},
};

/// The set that comes with the program.
const BUNDLED: &str = include_str!("../../../../knowledge/hypotheses/bulletin.toml");

/// Hypotheses of one set.
const MOST: usize = 200;

/// A set of hypotheses.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Hypotheses {
    /// What it is called.
    pub name: String,
    /// Whence its claims are.
    pub source: String,
    /// When it was written down.
    pub date: String,
    /// Other explanations, which hypotheses name by their ids.
    #[serde(default)]
    pub alternative: Vec<Other>,
    /// The hypotheses.
    pub hypothesis: Vec<Hypothesis>,
}

/// Another explanation.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Other {
    /// Its name.
    pub id: String,
    /// In words, a sentence.
    pub says: String,
    #[serde(default)]
    explains: Vec<Condition>,
    #[serde(default)]
    contradicted_by: Vec<Condition>,
}

impl Other {
    /// Whether it explains a finding, is contradicted by it, or neither.
    pub(super) fn bears(&self, finding: &Finding) -> &'static str {
        let one_of = |list: &[Condition]| {
            !list.is_empty() && Test { any: list.to_vec(), ..Test::default() }.holds(finding)
        };
        if one_of(&self.contradicted_by) {
            "inconsistent"
        } else if one_of(&self.explains) {
            "consistent"
        } else {
            "neutral"
        }
    }
}

/// A claim put to the test.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Hypothesis {
    /// Its name.
    pub id: String,
    /// Where in a table of claims it stands, such as `S4`.
    #[serde(default)]
    pub row: String,
    /// The words that it tests.
    pub claim: String,
    /// A clause that follows "It is likely that"; missing where it cannot be assessed.
    pub says: Option<String>,
    /// Why a capture cannot assess it.
    pub cannot: Option<String>,
    /// What would settle it.
    pub settled_by: String,
    /// What is never claimed of it.
    pub never_claimed: String,
    /// `comparison`, where it needs paired runs.
    pub requires: Option<Requirement>,
    /// What of the case is cited beside it, without being weighed.
    pub cites: Option<Cites>,
    /// Other explanations, by id.
    #[serde(default)]
    pub alternatives: Vec<String>,
    /// What is taken for granted.
    #[serde(default)]
    pub assumptions: Vec<String>,
    /// What speaks for it and against it.
    #[serde(default)]
    pub evidence: Vec<Clue>,
}

/// What a hypothesis cannot be assessed without.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Requirement {
    /// A comparison of paired runs.
    Comparison,
}

/// What is cited beside a hypothesis.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Cites {
    /// The laws of the jurisdictions that got data.
    Laws,
    /// What a recipient now knows of each protected site.
    Sites,
}

/// A kind of evidence.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Clue {
    /// What it is, as a heading.
    pub says: String,
    /// Which way it speaks.
    pub bears: Bearing,
    /// Whether it is weighed that none was seen.
    #[serde(default)]
    pub absence: bool,
    /// Kinds of input without which its absence says nothing.
    #[serde(default)]
    pub needs: Vec<String>,
    #[serde(default)]
    all: Vec<Condition>,
    #[serde(default)]
    any: Vec<Condition>,
    #[serde(default)]
    none: Vec<Condition>,
    /// Verdicts of a comparison.
    #[serde(default)]
    pub verdict: Vec<Verdict>,
    /// Facts of jurisdiction: kinds of mismatch, `asked-agrees`, `asked-differs`.
    #[serde(default)]
    pub region: Vec<RegionFact>,
}

/// Which way evidence speaks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Bearing {
    /// For the claim.
    For,
    /// Against it.
    Against,
}

/// A fact of jurisdiction.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum RegionFact {
    /// The app believes in another country than the aircraft was in.
    Belief,
    /// The sources of one question contradict each other.
    Contested,
    /// Coordinates are in another datum than the country asks for.
    Datum,
    /// Data went to another country.
    Data,
    /// What the app sent agrees with what it believes.
    AskedAgrees,
    /// It does not.
    AskedDiffers,
}

impl Clue {
    /// What a finding must be to count.
    pub(super) fn test(&self) -> Test {
        Test { all: self.all.clone(), any: self.any.clone(), none: self.none.clone() }
    }

    /// Whether it is about findings.
    pub(super) fn of_findings(&self) -> bool {
        !(self.all.is_empty() && self.any.is_empty())
    }
}

impl Hypotheses {
    /// The set that comes with the program: the claims of the bulletin of 2017, and the maker's answer.
    pub fn bundled() -> Result<Self, Error> {
        Self::parse(BUNDLED)
    }

    /// Reads a set.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let set: Self =
            toml::from_str(text).map_err(|error| Error::Form(error.to_string().trim_end().to_owned()))?;
        if set.hypothesis.is_empty() || set.hypothesis.len() > MOST {
            return Err(wrong("hypothesis", &format!("between one and {MOST} tables [[hypothesis]]")));
        }
        for (index, one) in set.alternative.iter().enumerate() {
            let field = format!("alternative[{index}]");
            plain(&format!("{field}.says"), &one.says)?;
            if set.alternative.iter().take(index).any(|other| other.id == one.id) {
                return Err(wrong(&format!("{field}.id"), "a name that no other alternative has"));
            }
        }
        for (index, one) in set.hypothesis.iter().enumerate() {
            set.check(&format!("hypothesis[{index}]"), one)?;
            if set.hypothesis.iter().take(index).any(|other| other.id == one.id) {
                return Err(wrong(&format!("hypothesis[{index}].id"), "a name that no other hypothesis has"));
            }
        }
        Ok(set)
    }

    fn check(&self, field: &str, one: &Hypothesis) -> Result<(), Error> {
        let is_id = |id: &str| {
            !id.is_empty()
                && id.len() <= 60
                && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        if !is_id(&one.id) {
            return Err(wrong(&format!("{field}.id"), "a name of small letters, digits and hyphens"));
        }
        match (&one.says, &one.cannot) {
            (Some(says), None) => {
                plain(&format!("{field}.says"), says)?;
                if says.trim_end().ends_with('.') || says.contains(". ") || says.trim().is_empty() {
                    return Err(wrong(
                        &format!("{field}.says"),
                        "a clause without a full stop, to follow \"It is likely that\"",
                    ));
                }
                if one.evidence.is_empty() {
                    return Err(wrong(
                        &format!("{field}.evidence"),
                        "at least one table [[hypothesis.evidence]]",
                    ));
                }
            }
            (None, Some(cannot)) if one.evidence.is_empty() => plain(&format!("{field}.cannot"), cannot)?,
            _ => return Err(wrong(field, "either `says` with evidence, or `cannot` without")),
        }
        for (name, text) in [("settled_by", &one.settled_by), ("never_claimed", &one.never_claimed)] {
            plain(&format!("{field}.{name}"), text)?;
        }
        if says_likelihood(&one.claim) && says_confidence(&one.claim) {
            return Err(wrong(&format!("{field}.claim"), "likelihood and confidence in two sentences"));
        }
        for (at, text) in one.assumptions.iter().enumerate() {
            plain(&format!("{field}.assumptions[{at}]"), text)?;
        }
        for (at, clue) in one.evidence.iter().enumerate() {
            let field = format!("{field}.evidence[{at}]");
            plain(&format!("{field}.says"), &clue.says)?;
            let kinds = [clue.of_findings(), !clue.verdict.is_empty(), !clue.region.is_empty()];
            if kinds.into_iter().filter(|kind| *kind).count() != 1 {
                return Err(wrong(&field, "one of: conditions in `all` or `any`, `verdict`, `region`"));
            }
        }
        match one.alternatives.iter().find(|id| !self.alternative.iter().any(|other| other.id == **id)) {
            Some(id) => Err(wrong(
                &format!("{field}.alternatives"),
                &format!("the id of an [[alternative]], which `{id}` is not"),
            )),
            None => Ok(()),
        }
    }
}

/// Text of a set goes into sentences of both kinds, so it holds the words of neither.
pub(super) fn plain(field: &str, text: &str) -> Result<(), Error> {
    if says_likelihood(text) || says_confidence(text) {
        return Err(wrong(field, "no degree of likelihood and no confidence: those are what is assessed"));
    }
    if text.contains(['“', '”']) || text.chars().any(char::is_control) || text.chars().count() > 600 {
        return Err(wrong(field, "at most 600 characters on one line, without “ and ”"));
    }
    Ok(())
}

pub(super) fn wrong(field: &str, expected: &str) -> Error {
    Error::Field { field: field.to_owned(), expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bundled_set_reads_and_holds_every_row() {
        let set = Hypotheses::bundled().unwrap();
        for row in ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S10"] {
            assert!(set.hypothesis.iter().any(|one| one.row == row), "{row}");
        }
        let cannot = set.hypothesis.iter().filter(|one| one.cannot.is_some()).count();
        assert_eq!(cannot, 4, "access, motive, prediction, rules on board");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = "name='x'\nsource='x'\ndate='x'\n[[hypothesis]]\nid='a'\nclaim='c'\nsays='data left'\nsettled_by='x'\nnever_claimed='x'\n[[hypothesis.evidence]]\nsays='e'\nbears='for'\nall=[{class=['face']}]\n";
        Hypotheses::parse(good).unwrap();
        for (from, to, told) in [
            ("'data left'", "'it is likely that data left'", "`hypothesis[0].says`"),
            ("'data left'", "'data left.'", "`hypothesis[0].says`"),
            ("id='a'", "id='A b'", "`hypothesis[0].id`"),
            ("'face'", "'soul'", "DataClass"),
            ("all=[{class=['face']}]", "region=['weather']", "unknown variant `weather`, expected"),
            ("all=[{class=['face']}]", "", "`hypothesis[0].evidence[0]`"),
            ("claim='c'", "claim='c'\nalternatives=['z']", "`z` is not"),
            ("bears='for'", "bears='for'\nweight=9", "unknown field `weight`"),
            ("settled_by='x'", "settled_by='high confidence'", "`hypothesis[0].settled_by`"),
        ] {
            let said = Hypotheses::parse(&good.replace(from, to)).unwrap_err().to_string();
            assert!(said.contains(told), "{said}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>()) {
            let _ = Hypotheses::parse(&text);
        }
    }
}
