//! What is wrong with the text of a policy.

use std::fmt;

use thiserror::Error;

/// Something wrong, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// The rule's `@id`, where it has one.
    pub rule: Option<String>,
    /// What is wrong; names the field.
    pub says: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(rule) = &self.rule {
            write!(f, ", rule `{rule}`")?;
        }
        write!(f, ": {}", self.says)
    }
}

/// Why a text is no policy.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PolicyError {
    /// Something in it is wrong.
    #[error("{file}, {}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Faults {
        /// As it was named.
        file: String,
        /// At least one, in the order of the text.
        faults: Vec<Fault>,
    },
    /// It is longer than any policy.
    #[error("{file} has {bytes} bytes, more than the {most} that a policy may have")]
    TooLong {
        /// As it was named.
        file: String,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
}
