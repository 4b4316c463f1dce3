//! The sentences of the case, and what makes each of them so in a world of the range.

use serde::Deserialize;
use serde_json::Value;

use crate::Error;

/// The file.
const TEXT: &str = include_str!("sentences.toml");

/// Who said it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The bulletin.
    Bulletin,
    /// The maker, in answer.
    Maker,
}

/// A sentence of the case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    /// A word for it.
    pub id: String,
    /// Who said it.
    pub by: By,
    /// In short paraphrase.
    pub says: String,
    /// The hypotheses that put it to the test.
    #[serde(default)]
    pub judged: Vec<String>,
    /// The switches that play it.
    #[serde(default)]
    pub switches: Vec<String>,
    /// What makes it so; nothing, where the range plays nothing that could.
    pub truth: Option<Truth>,
    /// Of several hypotheses, the one that the truth is of.
    pub truth_of: Option<String>,
    /// What is answered where there is no hypothesis.
    pub instead: Option<String>,
}

/// What makes a sentence so.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own in the file")]
pub struct Truth {
    /// Events of which one of these holds.
    #[serde(default)]
    pub events: Vec<Event>,
    /// It is so if there is no such event.
    #[serde(default)]
    pub without: bool,
    /// Paired flights, by name.
    pub pair: Option<String>,
    /// It is so if anything differs between the sides.
    #[serde(default)]
    pub differs: bool,
    /// It is so if anything stopped.
    #[serde(default)]
    pub stops: bool,
    /// It is so if nothing leaves in flight on the second side.
    #[serde(default)]
    pub silent: bool,
    /// It is so if the app believes in the country where the aircraft is.
    #[serde(default)]
    pub region: bool,
}

/// A condition on an event of `truth.json`: an empty list asks nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Event {
    class: Vec<String>,
    country: Vec<String>,
    trigger: Vec<String>,
    /// What the app did, or that the phone was locked.
    app: Vec<String>,
    flight: Vec<String>,
}

impl Sentence {
    /// All of the case.
    ///
    /// # Errors
    ///
    /// What is wrong with the bundled file.
    pub fn all() -> Result<Vec<Self>, Error> {
        #[derive(Deserialize)]
        struct File {
            sentence: Vec<Sentence>,
        }
        let wrong =
            |why: toml::de::Error| Error::Scenario { what: "sentences.toml".into(), why: why.to_string() };
        Ok(toml::from_str::<File>(TEXT).map_err(wrong)?.sentence)
    }
}

impl Truth {
    /// The events of a world that it is about.
    pub fn events_in<'a>(&'a self, truth: &'a Value) -> impl Iterator<Item = &'a Value> {
        let all = truth["events"].as_array().into_iter().flatten();
        all.filter(|event| self.events.iter().any(|one| one.holds(event)))
    }
}

impl Event {
    fn holds(&self, event: &Value) -> bool {
        let is = |wanted: &[String], names: &[&str]| {
            wanted.is_empty()
                || names
                    .iter()
                    .any(|name| event[*name].as_str().is_some_and(|is| wanted.iter().any(|one| one == is)))
        };
        is(&self.class, &["data_class"])
            && is(&self.country, &["country"])
            && is(&self.trigger, &["trigger"])
            && is(&self.app, &["app_state", "phone_state"])
            && is(&self.flight, &["flight_state"])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use creance_assess::judge::Hypotheses;

    use super::*;

    #[test]
    fn every_hypothesis_has_a_sentence_and_every_name_is_known() {
        let all = Sentence::all().unwrap();
        let named: BTreeSet<&str> = all.iter().flat_map(|one| &one.judged).map(String::as_str).collect();
        let known = Hypotheses::bundled().unwrap();
        let known: BTreeSet<&str> = known.hypothesis.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(named, known);
        for one in &all {
            assert!(one.judged.is_empty() == one.instead.is_some(), "{}", one.id);
            assert!(one.switches.iter().all(|name| crate::behaviours::find(name).is_some()), "{}", one.id);
            let of = one.truth_of.as_ref().or(one.judged.first().filter(|_| one.judged.len() == 1));
            assert!(one.truth.is_none() || of.is_some_and(|of| one.judged.contains(of)), "{}", one.id);
        }
        let ids: BTreeSet<&str> = all.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids.len(), all.len());
    }
}
