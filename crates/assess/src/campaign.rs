//! `campaign.toml`: which cases are runs of which setting.
//!
//! ```toml
//! [[group]]
//! name = "local data mode off"
//! cases = ["off-1", "off-2", "off-3"]
//!
//! [[group]]
//! name = "local data mode on"
//! cases = ["on-1", "on-2", "on-3"]
//! ```

use serde::Deserialize;

/// Groups of cases.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// The groups, in the order of the file.
    #[serde(rename = "group")]
    pub groups: Vec<CampaignGroup>,
}

/// Runs of one setting.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CampaignGroup {
    /// What the setting is called.
    pub name: String,
    /// Cases: folders or files, relative to the campaign's own folder.
    pub cases: Vec<String>,
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
        for (index, group) in campaign.groups.iter().enumerate() {
            if group.cases.is_empty() {
                return Err(format!("`cases` of group `{}` is empty", group.name));
            }
            if campaign.groups.iter().take(index).any(|other| other.name == group.name) {
                return Err(format!("two groups are called `{}`", group.name));
            }
        }
        Ok(campaign)
    }

    /// The two groups of these names, or the first two where none are given.
    ///
    /// # Errors
    ///
    /// Which name no group has, or that it must be said which two of many.
    pub fn two(&self, names: &[String]) -> Result<[&CampaignGroup; 2], String> {
        let group = |wanted: &String| {
            let known = self.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(", ");
            self.groups
                .iter()
                .find(|group| group.name == *wanted)
                .ok_or_else(|| format!("no group `{wanted}`, expected two of {known}"))
        };
        match (names, self.groups.as_slice()) {
            ([one, other], _) => Ok([group(one)?, group(other)?]),
            ([], [one, other]) => Ok([one, other]),
            _ => {
                let count = self.groups.len();
                Err(format!("{count} groups: say with --name, twice, which two are compared"))
            }
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
        let [one, other] = campaign.two(&["later".to_owned(), "off".to_owned()]).unwrap();
        assert_eq!((one.cases.as_slice(), other.name.as_str()), (["later-1".to_owned()].as_slice(), "off"));
        assert!(campaign.two(&[]).unwrap_err().contains("--name"));
        assert!(campaign.two(&["x".to_owned(), "on".to_owned()]).unwrap_err().contains("no group `x`"));
        assert!(Campaign::parse(&text(&["off", "on"])).unwrap().two(&[]).is_ok());
        for (bad, why) in [
            (text(&["off"]), "fewer than two"),
            (text(&["off", "off"]), "two groups are called"),
            (
                "[[group]]\nname = \"x\"\ncases = []\n[[group]]\nname = \"y\"\ncases = [\"z\"]".to_owned(),
                "is empty",
            ),
            ("[[group]]\nname = \"x\"".to_owned(), "cases"),
            ("[[group]]\nname = 3".to_owned(), "line 2"),
            ("[[group]]\nname = \"x\"\ncases = []\ncase = 1".to_owned(), "unknown field"),
        ] {
            let told = Campaign::parse(&bad).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }
}
