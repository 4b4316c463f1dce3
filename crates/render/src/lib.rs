//! Reports → bytes: one output format per file.
//!
//! To add an output: write `src/<name>.rs` and add it to [`ALL`]; `--format <name>` follows from the list. Values arrive
//! masked, unless the user asked to reveal them; nothing here unmasks or masks.

mod apart;
pub mod comparison;
mod ground;
mod headline;
mod html;
pub mod inspection;
mod json;
mod plane;
pub mod region;
pub mod schema;
mod text;
mod words;
pub mod zones;

use std::io;

use creance_model::Report;

pub use words::{matched, shown};

/// Every output.
pub const ALL: &[&dyn Output] = &[&json::Json, &html::Html, &text::Text];

/// An output format.
pub trait Output: Sync {
    /// What `--format` calls it.
    fn name(&self) -> &'static str;

    /// Its file in a case folder, if it has one.
    fn file_name(&self) -> Option<&'static str>;

    /// Writes a report.
    fn write(&self, report: &Report, options: &Options, out: &mut dyn io::Write) -> io::Result<()>;
}

/// How a report is written.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Colours for a terminal.
    pub colour: bool,
    /// Where the case is, to be pointed to.
    pub case_folder: Option<String>,
}
