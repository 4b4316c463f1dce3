//! How each source stands, for people: what it said last, how long ago, how often, and how often a signature was refused.

use std::{collections::BTreeMap, time::Instant};

use serde_json::{Value, json};

use super::Source;

/// Sources of nobody's configuration that are remembered; of more, those that were silent longest go.
const MOST: usize = 32;

/// How one stands.
#[derive(Clone, Debug, Default)]
struct Stand {
    /// What it said last that has words here.
    says: Option<String>,
    /// When it was heard last.
    at: Option<Instant>,
    heard: u64,
    /// What was said under its name and not taken for its own, for its signature.
    refused: u64,
}

impl Stand {
    fn put(&mut self, says: Option<String>) {
        self.heard += 1;
        // What is heard without words keeps the word before.
        if says.is_some() || self.says.is_some() {
            self.at = Some(Instant::now());
        }
        self.says = says.or(self.says.take());
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Those of the configuration, whether they ever said something or not, and whether they vouch.
    own: Vec<(Source, bool, Stand)>,
    others: BTreeMap<Source, Stand>,
}

impl Rows {
    /// With those of a configuration, and whether they vouch.
    pub(crate) fn new(own: impl Iterator<Item = (Source, bool)>) -> Self {
        let own = own.map(|(source, vouches)| (source, vouches, Stand::default()));
        Self { own: own.collect(), others: BTreeMap::new() }
    }

    /// A source said something; nothing, where what it says has no words here.
    pub(crate) fn put(&mut self, source: &Source, says: Option<String>) {
        // How an aircraft is heard changes when it begins to sign.
        let is = |own: &Source, vouches: bool| own == source || vouches && own.name == source.name;
        if let Some((own, _, stand)) = self.own.iter_mut().find(|(own, vouches, _)| is(own, *vouches)) {
            own.kind = source.kind;
            stand.put(says);
            return;
        }
        if says.is_none() && !self.others.contains_key(source) {
            return;
        }
        if !self.others.contains_key(source) && self.others.len() >= MOST {
            let oldest =
                self.others.iter().min_by_key(|(_, stand)| stand.at).map(|(source, _)| source.clone());
            oldest.and_then(|source| self.others.remove(&source));
        }
        self.others.entry(source.clone()).or_default().put(says);
    }

    /// Something was said under the name of one that vouches, and not taken for its own.
    pub(crate) fn refuse(&mut self, name: &str) {
        let vouching = |(own, vouches, _): &&mut (Source, bool, Stand)| *vouches && own.name == name;
        if let Some((_, _, stand)) = self.own.iter_mut().find(vouching) {
            stand.refused += 1;
        }
    }

    /// As JSON: those of the configuration first.
    pub(crate) fn status(&self) -> Value {
        let row = |source: &Source, stand: &Stand, vouches: bool| {
            json!({
                "name": source.name,
                "kind": source.kind,
                "vouches": vouches,
                "says": stand.says,
                "seconds": stand.at.map(|at| at.elapsed().as_secs()),
                "heard": stand.heard,
                "refused": stand.refused,
            })
        };
        let own = self.own.iter().map(|(source, vouches, stand)| row(source, stand, *vouches));
        own.chain(self.others.iter().map(|(source, stand)| row(source, stand, false))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> Source {
        Source { name: name.to_owned(), kind: "mavlink" }
    }

    #[test]
    fn own_sources_stay_and_others_make_room() {
        let mut rows = Rows::new([(source("skylark"), true)].into_iter());
        assert_eq!(rows.status()[0]["says"], Value::Null);
        for number in 0..100 {
            rows.put(&source(&format!("stranger {number}")), Some("armed".to_owned()));
        }
        rows.put(&source("skylark"), Some("stands".to_owned()));
        rows.put(&source("skylark"), None);
        rows.refuse("skylark");
        rows.refuse("stranger 99");
        let status = rows.status();
        assert_eq!(
            (&status[0]["says"], &status[0]["vouches"], &status[0]["seconds"]),
            (&json!("stands"), &json!(true), &json!(0))
        );
        assert_eq!((&status[0]["heard"], &status[0]["refused"]), (&json!(2), &json!(1)));
        assert_eq!(status.as_array().map(Vec::len), Some(1 + MOST));
        let all = status.as_array().unwrap();
        let stranger = all.iter().find(|row| row["name"] == "stranger 99").unwrap();
        assert_eq!((&stranger["heard"], &stranger["refused"]), (&json!(1), &json!(0)));
    }
}
