//! What comes from outside the case: statements of others, graded; and comparisons of paired runs.
//!
//! ```toml
//! [[source]]
//! name = "Statement of the maker"
//! kind = "vendor statement"
//! grade = "F6"
//! citation = "newsroom, 17 August 2017"
//! [[source.says]]
//! hypothesis = "users-control"
//! bears = "for"
//! words = "Users control what they share."
//! ```

use creance_model::{DataClass, Tlp};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{CAMPAIGN_SCHEMA, MOST_GROUPS, SCHEMA, Verdict};

use super::{
    Error,
    prose::quoted,
    set::{Bearing, wrong},
};

/// Sources of one file.
const MOST: usize = 200;
/// Rows of a comparison.
const MOST_PAIRS: usize = 100_000;

/// Sources from outside.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    /// Each of them.
    #[serde(default)]
    pub source: Vec<Source>,
}

/// Who says something, and how far that can be trusted.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// Reliability A to F and credibility 1 to 6 (AJP-2.1); F6 for what cannot be judged.
    pub grade: String,
    /// Where it can be read.
    pub citation: String,
    /// What makes it better or worse: who paid, how old, how complete.
    pub descriptor: Option<String>,
    /// What it says.
    pub says: Vec<Said>,
}

/// What a source is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Of the maker, of itself.
    VendorStatement,
    /// Of an authority.
    Bulletin,
    /// Of an auditor whom the maker paid.
    PaidAudit,
    /// Of an auditor whom it did not.
    IndependentAudit,
    /// Anything else.
    Other,
}

impl SourceKind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::VendorStatement => "a statement of the vendor",
            Self::Bulletin => "a bulletin",
            Self::PaidAudit => "an audit that the vendor paid for",
            Self::IndependentAudit => "an independent audit",
            Self::Other => "a source",
        }
    }
}

/// What a source says of a hypothesis.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The hypothesis, by its id.
    pub hypothesis: String,
    /// Which way.
    pub bears: Bearing,
    /// In its words.
    pub words: String,
}

impl Sources {
    /// Reads a file of sources.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let read: Self =
            toml::from_str(text).map_err(|error| Error::Form(error.to_string().trim_end().to_owned()))?;
        if read.source.len() > MOST {
            return Err(wrong("source", &format!("at most {MOST} tables [[source]]")));
        }
        for (index, source) in read.source.iter().enumerate() {
            let graded = matches!(source.grade.as_bytes(), [b'A'..=b'F', b'1'..=b'6']);
            if !graded {
                return Err(wrong(
                    &format!("source[{index}].grade"),
                    "a letter A to F and a digit 1 to 6, such as C3; F6 where it cannot be judged",
                ));
            }
            if source.citation.trim().is_empty() {
                return Err(wrong(&format!("source[{index}].citation"), "where the source can be read"));
            }
        }
        Ok(read)
    }

    /// A statement on a hypothesis that no set has: a slip, which would weigh nothing unseen.
    pub fn unknown<'a>(&'a self, known: &[&str]) -> Option<&'a str> {
        self.source
            .iter()
            .flat_map(|source| &source.says)
            .map(|said| said.hypothesis.as_str())
            .find(|id| !known.contains(id))
    }
}

/// What a document says it is.
#[derive(Deserialize)]
struct Schema {
    schema: String,
}

/// Whether a document is of many settings, and not of two.
fn is_campaign(document: &[u8]) -> Result<bool, Error> {
    match serde_json::from_slice::<Schema>(document).as_ref().map(|said| said.schema.as_str()) {
        Ok(SCHEMA) => Ok(false),
        Ok(CAMPAIGN_SCHEMA) => Ok(true),
        _ => Err(wrong("schema", &format!("{SCHEMA} or {CAMPAIGN_SCHEMA}"))),
    }
}

fn read<T: DeserializeOwned>(document: &[u8]) -> Result<T, Error> {
    let mut reader = serde_json::Deserializer::from_slice(document);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        wrong(&error.path().to_string(), &format!("what its schema says: {}", error.inner()))
    })
}

/// Many settings, each beside one (`creance.campaign/1`).
#[derive(Deserialize)]
struct Campaign {
    comparisons: Vec<Compared>,
}

/// A comparison of paired runs (`creance.compare/1`), as far as it bears on hypotheses.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Compared {
    /// The one hypothesis that it is about; without it, all that need a comparison.
    #[serde(skip)]
    pub about: Option<String>,
    /// Its mark: what is built on it is marked no freer.
    pub tlp: Tlp,
    pub(super) groups: [Told; 2],
    pub(super) pairs: Vec<ComparedPair>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) cases: Vec<usize>,
}

/// A class of data to a host, in both settings.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct ComparedPair {
    pub(super) host: String,
    pub(super) data_class: DataClass,
    pub(super) verdict: Option<Verdict>,
    /// What these runs show: a verdict's name, `mixed` or `hidden`.
    observed: String,
}

impl ComparedPair {
    /// Whether the runs look so, though it may be chance.
    pub(super) fn looks(&self, verdicts: &[Verdict]) -> bool {
        verdicts.iter().any(|verdict| {
            self.observed
                == match verdict {
                    Verdict::Stopped => "stopped",
                    Verdict::Stayed => "stayed",
                    Verdict::Appeared => "appeared",
                    Verdict::Changed => "changed",
                }
        })
    }
}

impl Compared {
    /// Reads what `creance compare --format json` wrote of two settings.
    pub fn parse(document: &[u8]) -> Result<Self, Error> {
        if is_campaign(document)? {
            let one = format!(
                "{SCHEMA}, of the two settings in question: `creance compare --campaign FILE --name A --name B --format json`"
            );
            return Err(wrong("schema", &one));
        }
        Self::bounded(read(document)?)
    }

    /// Reads what `creance compare --format json` wrote: the comparison of two settings, or those of a campaign.
    pub fn each(document: &[u8]) -> Result<Vec<Self>, Error> {
        if !is_campaign(document)? {
            return Ok(vec![Self::bounded(read(document)?)?]);
        }
        let campaign: Campaign = read(document)?;
        if campaign.comparisons.len() >= MOST_GROUPS {
            return Err(wrong("comparisons", &format!("fewer than {MOST_GROUPS} of them")));
        }
        campaign.comparisons.into_iter().map(Self::bounded).collect()
    }

    fn bounded(self) -> Result<Self, Error> {
        if self.pairs.len() > MOST_PAIRS {
            return Err(wrong("pairs", &format!("at most {MOST_PAIRS} rows")));
        }
        Ok(self)
    }

    /// Of how many ways it cannot be told, for they may have been there unread.
    pub(super) fn hidden(&self) -> usize {
        self.pairs.iter().filter(|pair| pair.verdict.is_none() && pair.observed == "hidden").count()
    }

    /// The two settings, in words.
    pub fn settings(&self) -> String {
        let [before, after] = &self.groups;
        format!("{} against {}", quoted(&before.name), quoted(&after.name))
    }

    /// What paired runs show of a class of data to a host: nothing, where none of them had it; no verdict, where that cannot be told.
    pub fn shows(&self, host: &str, class: DataClass) -> Option<Option<Verdict>> {
        self.pairs.iter().find(|pair| pair.host == host && pair.data_class == class).map(|pair| pair.verdict)
    }

    pub(super) fn is_about(&self, hypothesis: &str) -> bool {
        self.about.as_deref().is_none_or(|about| about == hypothesis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_grade_and_a_citation_are_asked_for() {
        let good = "[[source]]\nname='n'\nkind='bulletin'\ngrade='B3'\ncitation='c'\n[[source.says]]\nhypothesis='a'\nbears='for'\nwords='It is likely, we say with high confidence.'\n";
        let read = Sources::parse(good).unwrap();
        assert_eq!(read.unknown(&["b"]), Some("a"));
        assert_eq!(read.unknown(&["a"]), None);
        for (from, to, told) in [
            ("'B3'", "'B7'", "`source[0].grade`"),
            ("'c'", "' '", "`source[0].citation`"),
            ("'bulletin'", "'gossip'", "unknown variant `gossip`, expected"),
        ] {
            let said = Sources::parse(&good.replace(from, to)).unwrap_err().to_string();
            assert!(said.contains(told), "{said}");
        }
    }

    #[test]
    fn a_comparison_is_refused_by_its_field() {
        let told = |text: &str| Compared::parse(text.as_bytes()).unwrap_err().to_string();
        let whole = r#"{"schema":"creance.compare/1","tlp":"red","groups":[{"name":"a","cases":[]},{"name":"b","cases":[]}],"pairs":[]}"#;
        assert_eq!(Compared::parse(whole.as_bytes()).unwrap().tlp, Tlp::Red);
        assert!(told(&whole.replace("compare/1", "x")).contains("`schema`"));
        assert!(
            told(&whole.replace(r#"[{"name":"a","cases":[]},{"name":"b","cases":[]}]"#, "3"))
                .contains("`groups`")
        );
        // One without a mark could be passed on by mistake.
        assert!(told(&whole.replace(r#""tlp":"red","#, "")).contains("`tlp`"));
    }

    #[test]
    fn of_a_campaign_each_comparison_is_read_and_none_stands_for_all() {
        let one = |name: &str, tlp: &str| {
            format!(
                r#"{{"schema":"creance.compare/1","tlp":"{tlp}","groups":[{{"name":"off","cases":[0]}},{{"name":"{name}","cases":[1]}}],"pairs":[]}}"#
            )
        };
        let whole = format!(
            r#"{{"schema":"creance.campaign/1","tlp":"red","comparisons":[{},{}]}}"#,
            one("on", "green"),
            one("later", "red")
        );
        let read = Compared::each(whole.as_bytes()).unwrap();
        let told: Vec<_> = read.iter().map(|one| (one.settings(), one.tlp)).collect();
        assert_eq!(
            told,
            [("“off” against “on”".to_owned(), Tlp::Green), ("“off” against “later”".to_owned(), Tlp::Red)]
        );
        assert_eq!(Compared::each(one("on", "red").as_bytes()).unwrap().len(), 1);
        let refused = Compared::parse(whole.as_bytes()).unwrap_err().to_string();
        assert!(refused.contains("--name A --name B"), "{refused}");
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>()) {
            let _ = (Sources::parse(&text), Compared::parse(text.as_bytes()), Compared::each(text.as_bytes()));
        }
    }
}
