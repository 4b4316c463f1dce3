//! How each source stands, for people: what it said last, and how long ago.

use std::{collections::BTreeMap, time::Instant};

use serde_json::{Value, json};

use super::Source;

/// Sources of nobody's configuration that are remembered; of more, those that were silent longest go.
const MOST: usize = 32;

/// What was said last, and when.
type Last = (String, Instant);

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Those of the configuration, whether they ever said something or not, and whether they vouch.
    own: Vec<(Source, bool, Option<Last>)>,
    others: BTreeMap<Source, Last>,
}

impl Rows {
    /// With those of a configuration, and whether they vouch.
    pub(crate) fn new(own: impl Iterator<Item = (Source, bool)>) -> Self {
        Self { own: own.map(|(source, vouches)| (source, vouches, None)).collect(), others: BTreeMap::new() }
    }

    /// A source said something; nothing, where what it says has no words here.
    pub(crate) fn put(&mut self, source: &Source, says: Option<String>) {
        let now = Instant::now();
        // How an aircraft is heard changes when it begins to sign.
        let is = |own: &Source, vouches: bool| own == source || vouches && own.name == source.name;
        if let Some((own, _, last)) = self.own.iter_mut().find(|(own, vouches, _)| is(own, *vouches)) {
            own.kind = source.kind;
            let before = last.take().map(|(says, _)| says);
            *last = says.or(before).map(|says| (says, now));
            return;
        }
        let Some(says) = says else { return };
        if !self.others.contains_key(source) && self.others.len() >= MOST {
            let oldest = self.others.iter().min_by_key(|(_, (_, at))| *at).map(|(source, _)| source.clone());
            oldest.and_then(|source| self.others.remove(&source));
        }
        self.others.insert(source.clone(), (says, now));
    }

    /// As JSON: those of the configuration first.
    pub(crate) fn status(&self) -> Value {
        let row = |source: &Source, last: Option<&Last>, vouches: bool| {
            json!({
                "name": source.name,
                "kind": source.kind,
                "vouches": vouches,
                "says": last.map(|(says, _)| says),
                "seconds": last.map(|(_, at)| at.elapsed().as_secs()),
            })
        };
        let own = self.own.iter().map(|(source, vouches, last)| row(source, last.as_ref(), *vouches));
        own.chain(self.others.iter().map(|(source, last)| row(source, Some(last), false))).collect()
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
        let status = rows.status();
        assert_eq!(
            (&status[0]["says"], &status[0]["vouches"], &status[0]["seconds"]),
            (&json!("stands"), &json!(true), &json!(0))
        );
        assert_eq!(status.as_array().map(Vec::len), Some(1 + MOST));
        assert!(status.as_array().unwrap().iter().any(|row| row["name"] == "stranger 99"));
    }
}
