//! What to do about what was found: advice by finding, and lists for other people's firewalls and resolvers.

mod lists;

use creance_model::{Finding, Report};
use serde::{Deserialize, Serialize};

use crate::judge::{Condition, Error, Test};

pub use lists::{BlockList, block_list};

/// The bundled remedies.
const BUNDLED: &str = include_str!("../../../knowledge/remedies.toml");

/// Findings that one piece of advice names.
const MOST_NAMED: usize = 12;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remedies {
    /// For the readers of the file, and of the advice.
    source: String,
    date: String,
    remedy: Vec<Remedy>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remedy {
    when: Vec<Condition>,
    does: String,
    command: Option<String>,
    guidance: String,
}

/// What to do.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Advice {
    /// In words.
    pub does: String,
    /// A command that helps.
    pub command: Option<String>,
    /// The part of the guidance of CISA and FBI that it belongs to.
    pub guidance: String,
    /// Where that stands, and when it was read.
    pub source: String,
    /// For which findings, by their ids; the first of them.
    pub findings: Vec<String>,
    /// For how many.
    pub count: usize,
}

/// What to do about the findings of a case, what concerns the worst of them first.
pub fn advice(report: &Report) -> Result<Vec<Advice>, Error> {
    let known: Remedies = toml::from_str(BUNDLED).map_err(|error| Error::Form(error.to_string()))?;
    let mut told = Vec::new();
    for remedy in known.remedy {
        let test = Test { any: remedy.when, ..Test::default() };
        let concerned: Vec<&Finding> = report.findings.iter().filter(|finding| test.holds(finding)).collect();
        let Some(worst) = concerned.iter().map(|finding| finding.severity).max() else { continue };
        let advice = Advice {
            does: remedy.does,
            command: remedy.command,
            guidance: remedy.guidance,
            source: format!("{} ({})", known.source, known.date),
            findings: concerned.iter().take(MOST_NAMED).map(|finding| finding.id.clone()).collect(),
            count: concerned.len(),
        };
        told.push((worst, advice));
    }
    told.sort_by_key(|(worst, _)| std::cmp::Reverse(*worst));
    Ok(told.into_iter().map(|(_, advice)| advice).collect())
}

#[cfg(test)]
mod tests;
