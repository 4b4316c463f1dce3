//! The canary file.

use creance_model::DataClass;
use serde::Deserialize;
use thiserror::Error;

use super::Planted;

/// Why a canary file cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CanaryError {
    /// It is not the TOML that is wanted; the message names the line.
    #[error("not a canary file: {0}")]
    Toml(#[from] toml::de::Error),
    /// A class is not known.
    #[error("canary {number}: class is `{class}`, expected one of {expected}")]
    Class {
        /// Which table, counted from 1.
        number: usize,
        /// What was found.
        class: String,
        /// What is known.
        expected: String,
    },
    /// A value is empty.
    #[error("canary {0}: value is empty, expected what was planted")]
    Empty(usize),
    /// There are more forms than can be searched at once.
    #[error("too many canaries: {0}")]
    TooMany(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    canary: Vec<Table>,
}

#[derive(Deserialize)]
struct Table {
    class: String,
    value: String,
}

pub(super) fn parse(text: &str) -> Result<Vec<Planted>, CanaryError> {
    let file: File = toml::from_str(text)?;
    let one = |(index, table): (usize, Table)| {
        let number = index + 1;
        if table.value.trim().is_empty() {
            return Err(CanaryError::Empty(number));
        }
        let class = DataClass::from_name(&table.class).ok_or_else(|| CanaryError::Class {
            number,
            class: table.class.clone(),
            expected: DataClass::ALL.iter().map(|class| class.name()).collect::<Vec<_>>().join(", "),
        })?;
        Ok(Planted { class, value: table.value })
    };
    file.canary.into_iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_class_is_named_with_its_number() {
        let error = parse("[[canary]]\nclass = \"mail\"\nvalue = \"x\"\n").unwrap_err().to_string();
        assert!(error.starts_with("canary 1: class is `mail`, expected one of location, "), "{error}");
    }
}
