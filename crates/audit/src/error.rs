//! Why an audit could not be done.

use std::io;

use thiserror::Error;

/// What the caller must put right. Damage of the evidence is not an error: it stands in the report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened or read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file, as it was named.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what its option asks for.
    #[error("cannot read {path}: {why}")]
    File {
        /// The file, as it was named.
        path: String,
        /// What was found and what was wanted.
        why: String,
    },
    /// An input is no capture, or cannot be opened.
    #[error(transparent)]
    Capture(#[from] creance_capture::Error),
    /// The bundled or stated knowledge of places cannot be used.
    #[error(transparent)]
    Place(#[from] creance_place::Error),
    /// The system gives no threads.
    #[error("cannot start threads ({0}): try `--jobs 1`")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}
