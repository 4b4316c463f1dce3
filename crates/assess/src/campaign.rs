//! `campaign.toml`: a test plan: which captures, or which cases made of them, are runs of which setting.
//!
//! ```toml
//! base = "local data mode off"            # what the others are compared with; else the first group
//!
//! [audit]                                 # beside all captures that are audited
//! canaries = "canaries.toml"
//! device = ["device"]
//!
//! [[group]]
//! name = "local data mode off"
//! [[group.run]]
//! case = "cases/off-1"                    # written by an audit, unless it is there
//! inputs = ["off-1/capture.pcapng"]
//! keys = ["off-1/capture.keys"]
//! flight = ["off-1/flight.tlog"]
//! actions = "off-1/actions.csv"
//!
//! [[group]]
//! name = "local data mode on"
//! cases = ["on-1", "on-2", "on-3"]        # made before
//! ```
//!
//! Paths are relative to the folder of the file.

use serde::Deserialize;

use crate::MOST_GROUPS;

/// Groups of cases.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// The group that the others are compared with.
    pub base: Option<String>,
    /// What all audits are given.
    #[serde(default)]
    pub audit: CampaignAudit,
    /// The groups, in the order of the file.
    #[serde(rename = "group")]
    pub groups: Vec<CampaignGroup>,
}

/// What audits are given beside their captures.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct CampaignAudit {
    /// Planted values.
    pub canaries: Option<String>,
    /// Contents of card and phone.
    pub device: Vec<String>,
    /// Protected places.
    pub sites: Option<String>,
    /// Zones of airspace.
    pub zones: Vec<String>,
    /// Statements about destinations.
    pub destinations: Option<String>,
    /// A key that joins masked values of all cases.
    pub campaign_key: Option<String>,
}

/// Runs of one setting.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CampaignGroup {
    /// What the setting is called.
    pub name: String,
    /// Cases that are there: folders or files.
    #[serde(default)]
    pub cases: Vec<String>,
    /// Runs that are audited.
    #[serde(default, rename = "run")]
    pub runs: Vec<CampaignRun>,
}

/// A run that is audited.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CampaignRun {
    /// The folder of its case, which is written.
    pub case: String,
    /// Captures and recordings.
    pub inputs: Vec<String>,
    /// Key logs.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Flight logs.
    #[serde(default)]
    pub flight: Vec<String>,
    /// What the user did.
    pub actions: Option<String>,
}

impl Campaign {
    /// Reads a campaign.
    ///
    /// # Errors
    ///
    /// What is wrong, with the line, as a fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let campaign: Self = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        if campaign.groups.len() < 2 {
            return Err("fewer than two tables [[group]]".to_owned());
        }
        if campaign.groups.len() > MOST_GROUPS {
            return Err(format!("more than {MOST_GROUPS} tables [[group]]"));
        }
        if let Some(base) =
            campaign.base.as_ref().filter(|base| campaign.groups.iter().all(|one| one.name != **base))
        {
            return Err(format!("`base` is `{base}`, which no group is called"));
        }
        let folders: Vec<&String> =
            campaign.groups.iter().flat_map(|one| &one.runs).map(|one| &one.case).collect();
        if let Some(twice) = folders
            .iter()
            .enumerate()
            .find(|(index, one)| folders.iter().take(*index).any(|other| other == *one))
        {
            return Err(format!("two runs have the case `{}`", twice.1));
        }
        for (index, group) in campaign.groups.iter().enumerate() {
            if group.cases.is_empty() && group.runs.is_empty() {
                return Err(format!(
                    "`cases` of group `{}` is empty, and it has no table [[group.run]]",
                    group.name
                ));
            }
            if let Some(run) = group.runs.iter().find(|run| run.inputs.is_empty()) {
                return Err(format!("`inputs` of the run `{}` is empty", run.case));
            }
            if campaign.groups.iter().take(index).any(|other| other.name == group.name) {
                return Err(format!("two groups are called `{}`", group.name));
            }
        }
        Ok(campaign)
    }

    /// The groups that are compared: those of these names in this order, or all, that which the others are compared with first.
    ///
    /// # Errors
    ///
    /// Which name no group has, or that one alone was named.
    pub fn chosen(&self, names: &[String]) -> Result<Vec<&CampaignGroup>, String> {
        let group = |wanted: &String| {
            let known = self.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(", ");
            self.groups
                .iter()
                .find(|group| group.name == *wanted)
                .ok_or_else(|| format!("no group `{wanted}`, expected some of {known}"))
        };
        match names {
            [] => {
                let base = |group: &&CampaignGroup| self.base.as_ref().is_none_or(|base| *base == group.name);
                let first = self.groups.iter().position(|group| base(&group)).unwrap_or(0);
                let others = self.groups.iter().enumerate().filter(|(index, _)| *index != first);
                Ok(self.groups.get(first).into_iter().chain(others.map(|(_, group)| group)).collect())
            }
            [one] => Err(format!("`{one}` alone: say with --name which are compared with it")),
            several => several.iter().map(group).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read_and_chosen() {
        let text = |names: &[&str]| {
            let groups: Vec<String> = names
                .iter()
                .map(|name| format!("[[group]]\nname = \"{name}\"\ncases = [\"{name}-1\"]"))
                .collect();
            groups.join("\n")
        };
        let campaign = Campaign::parse(&text(&["off", "on", "later"])).unwrap();
        let names = |asked: &[&str], of: &Campaign| -> Result<Vec<String>, String> {
            let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
            Ok(of.chosen(&asked)?.into_iter().map(|group| group.name.clone()).collect())
        };
        assert_eq!(names(&["later", "off"], &campaign).unwrap(), ["later", "off"]);
        assert_eq!(names(&[], &campaign).unwrap(), ["off", "on", "later"]);
        let based = Campaign::parse(&format!("base = \"on\"\n{}", text(&["off", "on", "later"]))).unwrap();
        assert_eq!(names(&[], &based).unwrap(), ["on", "off", "later"]);
        assert!(names(&["x", "on"], &campaign).unwrap_err().contains("no group `x`"));
        assert!(names(&["on"], &campaign).unwrap_err().contains("--name"));
        for (bad, why) in [
            (text(&["off"]), "fewer than two"),
            (text(&["off", "off"]), "two groups are called"),
            (
                "[[group]]\nname = \"x\"\ncases = []\n[[group]]\nname = \"y\"\ncases = [\"z\"]".to_owned(),
                "is empty",
            ),
            ("[[group]]\nname = \"x\"\n[[group]]\nname = \"y\"".to_owned(), "cases"),
            ("[[group]]\nname = 3".to_owned(), "line 2"),
            (format!("base = \"x\"\n{}", text(&["off", "on"])), "no group is called"),
            (
                format!("{}\n[[group.run]]\ncase = \"y\"\ninputs = []", text(&["off", "on"])),
                "`inputs` of the run",
            ),
            (
                format!(
                    "{}\n{}",
                    text(&["off", "on"]),
                    "[[group.run]]\ncase = \"y\"\ninputs = [\"x\"]\n".repeat(2)
                ),
                "two runs have the case",
            ),
            ("[[group]]\nname = \"x\"\ncases = []\ncase = 1".to_owned(), "unknown field"),
        ] {
            let told = Campaign::parse(&bad).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }
}
