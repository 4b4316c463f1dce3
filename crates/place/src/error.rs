//! Why knowledge could not be used. Reads well after "cannot read FILE: ".

use thiserror::Error;

/// Why knowledge could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A table is not what `knowledge/ip/build.py` writes.
    #[error("{file}: {why} at offset {at}")]
    Table {
        /// Which table.
        file: &'static str,
        /// What is wrong.
        why: &'static str,
        /// Where, in the unpacked bytes.
        at: usize,
    },
    /// A table could not be unpacked.
    #[error("{file}: {why}")]
    Packed {
        /// Which table.
        file: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A TOML file is not TOML, or lacks or has a field that it should not.
    #[error("{file}, line {line}: {why}")]
    Toml {
        /// Which file.
        file: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A field of a TOML file holds what it must not.
    #[error("{file}, line {line}, {field}: {why}")]
    Field {
        /// Which file.
        file: String,
        /// Counted from 1.
        line: usize,
        /// Which field.
        field: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A replacement could not be read.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The line, counted from 1, in which `offset` lies.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

impl Error {
    pub(crate) fn toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        Self::Toml {
            file: file.to_owned(),
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            why: error.message().to_lowercase(),
        }
    }
}

/// What is said of a file, without the signs in its words that command a terminal.
pub(crate) fn printable(why: &str) -> String {
    why.replace(|sign: char| sign.is_control(), "\u{fffd}")
}
