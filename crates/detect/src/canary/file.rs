//! The canary file: TOML with `[[canary]]` tables of `class` and `value`, and `[[picture]]` tables of hashes. Its errors
//! name lines, and never show what was planted.

use creance_model::DataClass;
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

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
    /// A hash of a picture is none.
    #[error("line {line}: hash of a picture is not of as many hexadecimal digits as that hash has")]
    Hash {
        /// Where it stands, counted from 1.
        line: usize,
    },
    /// There are more forms than can be searched at once.
    #[error("too many canaries: {0}")]
    TooMany(String),
}

/// What a canary file says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CanarySet {
    /// What the run is called that they were made for, if it is said.
    pub run: Option<String>,
    /// The values, in the order of the file.
    pub values: Vec<CanaryValue>,
    /// Pictures that were made for the run.
    pub pictures: Vec<CanaryPicture>,
}

/// A value that was made up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CanaryValue {
    /// What it is.
    pub class: DataClass,
    /// The value as it is planted.
    pub value: String,
    /// Whether it is planted nowhere: where it is seen, not the device but the examination told it.
    pub decoy: bool,
}

/// A picture that was made up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CanaryPicture {
    /// Its name, beside the canary file.
    pub file: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Hashes of the file.
    pub sha256: [u8; 32],
    /// As above.
    pub sha1: [u8; 20],
    /// As above.
    pub md5: [u8; 16],
}

/// Values of one set, and bytes of the longest: each is looked for in some hundred forms.
const MOST: usize = 2000;
const LONGEST: usize = 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    run: Option<String>,
    #[serde(default)]
    canary: Vec<Table>,
    #[serde(default)]
    picture: Vec<PictureTable>,
}

#[derive(Deserialize)]
struct Table {
    class: Spanned<String>,
    value: Spanned<String>,
    #[serde(default)]
    decoy: bool,
}

#[derive(Deserialize)]
struct PictureTable {
    file: String,
    bytes: u64,
    sha256: Spanned<String>,
    sha1: Spanned<String>,
    md5: Spanned<String>,
}

impl CanarySet {
    /// Reads a canary file: TOML with `[[canary]]` tables of `class` and `value`, where it is one that is planted nowhere
    /// `decoy = true`, and `[[picture]]` tables of `file`, `bytes`, `sha256`, `sha1` and `md5`.
    pub fn parse(text: &str) -> Result<Self, CanaryError> {
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
            let start = table.value.span().start;
            let value = table.value.into_inner();
            if number > MOST || value.len() > LONGEST {
                let limit = format!(
                    "at most {MOST} values of {LONGEST} bytes, found another in line {}",
                    line_of(start)
                );
                return Err(CanaryError::TooMany(limit));
            }
            if value.trim().is_empty() {
                return Err(CanaryError::Empty { line: line_of(start), number });
            }
            if class == DataClass::Location
                && location::pair(&value).is_none_or(|(lat, lon)| {
                    !location::believable(lat, lon) || location::least_decimals(&value) < 3
                })
            {
                return Err(CanaryError::Place { line: line_of(start), number });
            }
            Ok(CanaryValue { class, value, decoy: table.decoy })
        };
        let picture = |table: PictureTable| {
            let bad = |text: &Spanned<String>| CanaryError::Hash { line: line(text) };
            Ok(CanaryPicture {
                file: table.file,
                bytes: table.bytes,
                sha256: hash(&table.sha256).ok_or_else(|| bad(&table.sha256))?,
                sha1: hash(&table.sha1).ok_or_else(|| bad(&table.sha1))?,
                md5: hash(&table.md5).ok_or_else(|| bad(&table.md5))?,
            })
        };
        Ok(Self {
            run: file.run,
            values: file.canary.into_iter().enumerate().map(one).collect::<Result<_, _>>()?,
            pictures: file.picture.into_iter().map(picture).collect::<Result<_, _>>()?,
        })
    }
}

/// A hash in hexadecimal digits.
fn hash<const LENGTH: usize>(text: &Spanned<String>) -> Option<[u8; LENGTH]> {
    HEXLOWER_PERMISSIVE.decode(text.get_ref().as_bytes()).ok()?.try_into().ok()
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
            let error = CanarySet::parse(&format!("{good}[[canary]]\n{bad}\n")).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn decoys_and_pictures_are_said_and_old_files_have_neither() {
        let old = "[[canary]]\nclass = 'email'\nvalue = 'a@b.example'\n";
        let hashes = format!(
            "sha256 = '{}'\nsha1 = '{}'\nmd5 = '{}'\n",
            "5a".repeat(32),
            "5a".repeat(20),
            "5a".repeat(16)
        );
        let text = format!("run = 'r1'\n{old}decoy = true\n[[picture]]\nfile = 'a.jpg'\nbytes = 7\n{hashes}");
        let set = CanarySet::parse(&text).unwrap();
        assert_eq!((set.run.as_deref(), set.values.first().map(|one| one.decoy)), (Some("r1"), Some(true)));
        assert_eq!(set.pictures.first().map(|one| (one.bytes, one.md5)), Some((7, [0x5a; 16])));
        let set = CanarySet::parse(old).unwrap();
        assert_eq!((set.values.first().map(|one| one.decoy), set.pictures.len()), (Some(false), 0));
        let error = CanarySet::parse(&text.replace("md5 = '5a", "md5 = '")).unwrap_err().to_string();
        assert!(error.starts_with("line 11: hash of a picture"), "{error}");
        assert!(CanarySet::parse(&text.replace("true", "'yes'")).is_err());
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
            let error = CanarySet::parse(text).unwrap_err();
            for shown in [error.to_string(), format!("{error:?}")] {
                assert!(!shown.contains(planted), "{text}\n{shown}");
            }
            assert!(std::error::Error::source(&error).is_none());
        }
    }
}
