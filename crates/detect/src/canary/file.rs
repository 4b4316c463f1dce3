//! The canary file: TOML with `[[canary]]` tables of `class` and `value`.

use creance_model::DataClass;
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::Planted;
use crate::location;

/// Why a canary file cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CanaryError {
    /// It is not the TOML that is wanted; the message names the line.
    #[error("not a canary file: {0}")]
    Toml(#[from] toml::de::Error),
    /// A class is not known.
    #[error("line {line}, canary {number}: class is `{class}`, expected one of {expected}")]
    Class {
        /// Where it stands, counted from 1.
        line: usize,
        /// Which table, counted from 1.
        number: usize,
        /// What was found.
        class: String,
        /// What is known.
        expected: String,
    },
    /// A value is empty.
    #[error("line {line}, canary {number}: value is empty, expected what was planted")]
    Empty {
        /// Where it stands, counted from 1.
        line: usize,
        /// Which table, counted from 1.
        number: usize,
    },
    /// A place is not written as one.
    #[error(
        "line {line}, canary {number}: value is `{value}`, expected a latitude and a longitude with three decimals or more, such as 24.801868,120.965208"
    )]
    Place {
        /// Where it stands, counted from 1.
        line: usize,
        /// Which table, counted from 1.
        number: usize,
        /// What was found.
        value: String,
    },
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
    class: Spanned<String>,
    value: Spanned<String>,
}

pub(super) fn parse(text: &str) -> Result<Vec<Planted>, CanaryError> {
    let file: File = toml::from_str(text)?;
    let line = |found: &Spanned<String>| {
        text.get(..found.span().start).unwrap_or_default().matches('\n').count() + 1
    };
    let one = |(index, table): (usize, Table)| {
        let number = index + 1;
        let class = DataClass::from_name(table.class.get_ref()).ok_or_else(|| CanaryError::Class {
            line: line(&table.class),
            number,
            class: table.class.get_ref().clone(),
            expected: DataClass::ALL.iter().map(|class| class.name()).collect::<Vec<_>>().join(", "),
        })?;
        let line = line(&table.value);
        let value = table.value.into_inner();
        if value.trim().is_empty() {
            return Err(CanaryError::Empty { line, number });
        }
        if class == DataClass::Location
            && location::pair(&value).is_none_or(|(lat, lon)| {
                !location::believable(lat, lon) || location::least_decimals(&value) < 3
            })
        {
            return Err(CanaryError::Place { line, number, value });
        }
        Ok(Planted { class, value })
    };
    file.canary.into_iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_line_field_what_was_found_and_what_is_wanted() {
        let good = "[[canary]]\nclass = \"email\"\nvalue = \"a@b.example\"\n";
        let table = [
            (
                "class = \"mail\"\nvalue = \"x\"",
                "line 5, canary 2: class is `mail`, expected one of location, ",
            ),
            ("class = \"email\"\nvalue = \" \"", "line 6, canary 2: value is empty, expected what"),
            (
                "class = \"location\"\nvalue = \"Taipei\"",
                "line 6, canary 2: value is `Taipei`, expected a latitude",
            ),
            (
                "class = \"location\"\nvalue = \"24.8,120.9\"",
                "line 6, canary 2: value is `24.8,120.9`, expected",
            ),
            ("class = \"location\"\nvalue = \"120.96520,24.80186\"", "line 6, canary 2: value is"),
        ];
        for (bad, message) in table {
            let error = parse(&format!("{good}[[canary]]\n{bad}\n")).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        assert!(parse("[[canary]]\nclass = 1\n").unwrap_err().to_string().contains("line 2"));
    }
}
