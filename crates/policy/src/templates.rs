//! The policies that are shipped: each a text to be used as it is, or to begin one's own with.

use crate::{Policy, PolicyError};

/// A policy that is shipped.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is for, in a line.
    pub about: &'static str,
    /// Its text.
    pub text: &'static str,
}

impl Template {
    /// The one with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.name == name)
    }

    /// Its policy.
    pub fn policy(&self) -> Result<Policy, PolicyError> {
        Policy::read(self.name, self.text)
    }
}

/// All of them, in the order they are listed.
pub const TEMPLATES: &[Template] = &[
    Template {
        name: "local-data-mode",
        about: "nothing leaves while an aircraft flies, or may",
        text: include_str!("../templates/local-data-mode.cedar"),
    },
    Template {
        name: "local-data-mode-with-maps",
        about: "the same, and maps may be asked for in flight",
        text: include_str!("../templates/local-data-mode-with-maps.cedar"),
    },
    Template {
        name: "us-critical-infrastructure",
        about: "on the ground to the United States alone, and never what the aircraft saw",
        text: include_str!("../templates/us-critical-infrastructure.cedar"),
    },
    Template {
        name: "law-enforcement",
        about: "what was seen goes to the agency's store of evidence, and nothing in flight",
        text: include_str!("../templates/law-enforcement.cedar"),
    },
    Template {
        name: "allow-only-us",
        about: "bytes land in the United States, with operators under its law, or do not leave",
        text: include_str!("../templates/allow-only-us.cedar"),
    },
    Template {
        name: "lab-observe",
        about: "everything is let through, and told",
        text: include_str!("../templates/lab-observe.cedar"),
    },
    Template {
        name: "cn-lawful-reporting",
        about: "nothing leaves in flight but the report that the law of mainland China asks for",
        text: include_str!("../templates/cn-lawful-reporting.cedar"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_read_and_every_rule_says_why_it_is_there() {
        for template in TEMPLATES {
            let policy = template.policy().unwrap();
            assert!(!policy.rules().is_empty(), "{}", template.name);
            for rule in policy.rules() {
                assert!(
                    rule.explain.as_ref().is_some_and(|why| why.ends_with('.')),
                    "{}: {}",
                    template.name,
                    rule.id
                );
            }
        }
    }

    #[test]
    fn every_file_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
        let mut names: Vec<String> = files.map(|name| name.to_string_lossy().replace(".cedar", "")).collect();
        names.sort();
        let mut listed: Vec<&str> = TEMPLATES.iter().map(|template| template.name).collect();
        listed.sort_unstable();
        assert_eq!(names, listed);
    }
}
