//! The canary file: TOML with `[[canary]]` tables of `class` and `value`. Its errors name lines, and never show what was
//! planted.

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
    /// It is not the TOML that is wanted.
    #[error("line {line}: {why}")]
    Toml {
        /// Where, counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A class is not known.
    #[error("line {line}, canary {number}: class is not known, expected one of {expected}")]
    Class {
        /// Where it stands, counted from 1.
        line: usize,
        /// Which table, counted from 1.
        number: usize,
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
        "line {line}, canary {number}: value is no place, expected a latitude and a longitude with three decimals or more, such as 24.801868,120.965208"
    )]
    Place {
        /// Where it stands, counted from 1.
        line: usize,
        /// Which table, counted from 1.
        number: usize,
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
    let line_of = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
    let file: File = toml::from_str(text).map_err(|error| CanaryError::Toml {
        line: line_of(error.span().map_or(0, |span| span.start)),
        why: without_found(error.message()).to_lowercase(),
    })?;
    let line = |found: &Spanned<String>| line_of(found.span().start);
    let one = |(index, table): (usize, Table)| {
        let number = index + 1;
        let class = DataClass::from_name(table.class.get_ref()).ok_or_else(|| CanaryError::Class {
            line: line(&table.class),
            number,
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
            return Err(CanaryError::Place { line, number });
        }
        Ok(Planted { class, value, found_in: None })
    };
    file.canary.into_iter().enumerate().map(one).collect()
}

/// A message of serde without what was found (`invalid type: integer `1`, expected a string`): that may be what was planted.
fn without_found(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((found, expected)) => {
            let kind = found.split([':', '`', '"']).next().unwrap_or_default().trim_end();
            format!("{kind}, expected {expected}")
        }
        None => message.to_owned(),
    }
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
                "line 5, canary 2: class is not known, expected one of location, ",
            ),
            ("class = \"email\"\nvalue = \" \"", "line 6, canary 2: value is empty, expected what"),
            (
                "class = \"location\"\nvalue = \"Taipei\"",
                "line 6, canary 2: value is no place, expected a latitude",
            ),
            ("class = \"location\"\nvalue = \"24.8,120.9\"", "line 6, canary 2: value is no place, expected"),
            ("class = \"location\"\nvalue = \"120.96520,24.80186\"", "line 6, canary 2: value is no place"),
            ("class = 1", "line 5: invalid type, expected a string"),
            ("class = \"email\"", "line 4: missing field `value`"),
            ("class = \"email", "line 5: invalid basic string, expected"),
        ];
        for (bad, message) in table {
            let error = parse(&format!("{good}[[canary]]\n{bad}\n")).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn no_error_shows_what_was_planted() {
        let table = [
            ("oskar", "[[canary]]\nclass = \"oskar\"\nvalue = \"email\""),
            ("oskar", "[[canary]]\nclass = \"email\"\nvalue = \"oskar"),
            ("oskar", "[[canary]]\nclass = \"email\"\nvalue = oskar"),
            ("oskar", "[[canary]]\nclass = \"location\"\nvalue = \"oskar\""),
            ("oskar", "[[canary]]\nclass = \"email\"\nvalue = { oskar = 1 }"),
            ("oskar", "canary = \"oskar\""),
            ("oskar", "canary = \"a, expected oskar\""),
            ("oskar", "canary = [\"oskar\"]"),
            ("oskar", "canary = { oskar = 1 }"),
            ("oskar", "\"oskar\" = \"email\""),
            ("oskar", "\"oskar\" = 1\n\"oskar\" = 2"),
            ("oskar", "oskar.a = 1\noskar = 2"),
            ("oskar", "[oskar]\n[oskar]"),
            ("oskar", "oskar"),
            ("oskar", "[[canary]]\noskar = \\"),
            ("886900779195", "[[canary]]\nclass = \"phone\"\nvalue = 886900779195"),
            ("886900779195", "[[canary]]\nclass = \"phone\"\nvalue = +886900779195"),
            ("25.37", "[[canary]]\nclass = \"location\"\nvalue = 25.37"),
            ("25.37", "[[canary]]\nclass = \"location\"\nvalue = \"25.37,120.96\""),
            ("1999", "[[canary]]\nclass = \"email\"\nvalue = 1999-01-01"),
        ];
        for (planted, text) in table {
            let error = parse(text).unwrap_err();
            for shown in [error.to_string(), format!("{error:?}")] {
                assert!(!shown.contains(planted), "{text}\n{shown}");
            }
            assert!(std::error::Error::source(&error).is_none());
        }
    }
}
