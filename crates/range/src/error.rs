//! Why a scenario could not be played.

use std::io;

use thiserror::Error;

/// Why a scenario could not be played.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A scenario file says something that has no meaning.
    #[error("{what}: {why}")]
    Scenario {
        /// Which file.
        what: String,
        /// What is wrong with it, and what was expected.
        why: String,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The network of the range failed: a bug of the range, for there is no other network.
    #[error("the range's own network failed ({doing}): {why}")]
    Network {
        /// While doing what.
        doing: &'static str,
        /// What the library said.
        why: String,
    },
    /// A picture could not be made.
    #[error("cannot make a picture: {0}")]
    Picture(String),
    /// The audit of what was made failed.
    #[error(transparent)]
    Audit(#[from] creance_audit::Error),
    /// What was found could not be compared.
    #[error(transparent)]
    Compare(#[from] creance_assess::Error),
    /// What was found could not be judged.
    #[error(transparent)]
    Judge(#[from] creance_assess::judge::Error),
}

impl Error {
    /// For errors of libraries while something was done on the network.
    pub(crate) fn doing<E: std::fmt::Display>(doing: &'static str) -> impl Fn(E) -> Self {
        move |error| Self::Network { doing, why: error.to_string() }
    }
}
