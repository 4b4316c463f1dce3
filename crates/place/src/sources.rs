//! The list of data sets. Data: `knowledge/SOURCES.toml`.

use crate::error::Error;
use serde::Deserialize;

const FILE: &str = "SOURCES.toml";
const TEXT: &str = include_str!("../../../knowledge/SOURCES.toml");

/// A data set that answers rest on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Names it in votes.
    pub id: String,
    /// Within `knowledge/`, or the path of a replacement.
    pub file: String,
    /// Its title.
    pub title: String,
    /// Where it is from.
    pub source: String,
    /// Under what licence.
    pub licence: String,
    /// Of when it is; empty for a replacement, whose date is not known.
    pub date: String,
    /// What its licence asks to be said.
    pub attribution: String,
    /// Its known faults.
    pub note: String,
    /// The size of `file` as it is carried; data sets merged into one file share it.
    #[serde(skip)]
    pub bytes: u64,
}

pub(crate) fn bundled() -> Result<Vec<Source>, Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        source: Vec<Source>,
    }
    let file: File = toml::from_str(TEXT).map_err(|error| Error::toml(FILE, TEXT, &error))?;
    Ok(file.source)
}
