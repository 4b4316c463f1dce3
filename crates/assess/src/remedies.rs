//! What to do about what was found: advice by finding, and lists for other people's firewalls and resolvers.

mod lists;

use creance_model::{Direction, Finding, Report, Tlp};
use serde::{Deserialize, Serialize};

use crate::{
    Run, Verdict,
    judge::{Compared, Condition, Error, Test},
};

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
    /// Whether it is a setting, of which paired runs can show that it works.
    #[serde(default)]
    setting: bool,
}

/// What paired runs show of a setting, finding by finding.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Shown {
    /// The settings that were compared.
    pub settings: String,
    /// Findings of what was no longer sent.
    pub stopped: Vec<String>,
    /// Findings of what was still sent.
    pub stayed: Vec<String>,
    /// Findings of which it cannot be told from chance, or may have gone unread.
    pub open: Vec<String>,
    /// Of how many more findings those runs had nothing.
    pub absent: usize,
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
    /// Of a setting, what each comparison shows.
    pub shown: Vec<Shown>,
    /// The strictest mark of these findings, and of the comparisons that are told of.
    pub tlp: Tlp,
}

/// What to do about the findings of a case, what concerns the worst of them first.
/// Comparisons say of settings whether they were shown to work.
pub fn advice(report: &Report, comparisons: &[Compared]) -> Result<Vec<Advice>, Error> {
    let known: Remedies = toml::from_str(BUNDLED).map_err(|error| Error::Form(error.to_string()))?;
    let mut told = Vec::new();
    for remedy in known.remedy {
        let test = Test { any: remedy.when, ..Test::default() };
        let concerned: Vec<&Finding> = report.findings.iter().filter(|finding| test.holds(finding)).collect();
        let Some(worst) = concerned.iter().map(|finding| finding.severity).max() else { continue };
        let told_of = if remedy.setting { comparisons } else { &[] };
        let marks = concerned.iter().map(|finding| finding.tlp).chain(told_of.iter().map(|one| one.tlp));
        let advice = Advice {
            does: remedy.does,
            command: remedy.command,
            guidance: remedy.guidance,
            source: format!("{} ({})", known.source, known.date),
            findings: concerned.iter().take(MOST_NAMED).map(|finding| finding.id.clone()).collect(),
            count: concerned.len(),
            tlp: marks.max().unwrap_or_default(),
            shown: told_of.iter().map(|one| shown(one, &concerned)).collect(),
        };
        told.push((worst, advice));
    }
    told.sort_by_key(|(worst, _)| std::cmp::Reverse(*worst));
    Ok(told.into_iter().map(|(_, advice)| advice).collect())
}

/// What a comparison shows of these findings: verdicts are of a class of data to a host.
fn shown(of: &Compared, findings: &[&Finding]) -> Shown {
    let mut shown = Shown {
        settings: of.settings(),
        stopped: Vec::new(),
        stayed: Vec::new(),
        open: Vec::new(),
        absent: 0,
    };
    for one in findings {
        let to = &one.destination;
        let host = match one.direction {
            Direction::Broadcast => Some(Run::AIR),
            _ => to.host.as_deref().or(to.ip.as_deref()),
        };
        let list = match host.and_then(|host| of.shows(host, one.data_class)) {
            Some(Some(Verdict::Stopped)) => &mut shown.stopped,
            Some(Some(_)) => &mut shown.stayed,
            Some(None) => &mut shown.open,
            None => {
                shown.absent += 1;
                continue;
            }
        };
        list.push(one.id.clone());
    }
    shown
}

#[cfg(test)]
mod tests;
