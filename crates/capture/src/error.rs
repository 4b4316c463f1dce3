//! Why an input is not read.

use std::io;

use thiserror::Error;

/// An input that cannot be read at all. Damage further on is not an error: it stands in the notes.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The input, as it was named.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The first bytes are those of something else.
    #[error(
        "cannot read {path}: not a capture: {found}, expected pcap, pcapng, HAR or mitmproxy flows, gzip or zstd"
    )]
    NotACapture {
        /// The input, as it was named.
        path: String,
        /// What was found.
        found: String,
    },
    /// A folder or pattern holds no capture.
    #[error("cannot read {path}: no capture in it")]
    Nothing {
        /// The folder or pattern.
        path: String,
    },
}
