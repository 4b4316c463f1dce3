//! Reports → bytes: one output format per file.
//!
//! To add an output: write `src/<name>.rs` and add it to [`ALL`]; `--format <name>` follows from the list. Values arrive
//! masked, unless the user asked to reveal them; nothing here unmasks or masks.

mod apart;
pub mod comparison;
mod csv;
mod geojson;
mod ground;
mod headline;
mod html;
pub mod inspection;
mod json;
pub mod judgements;
mod kml;
mod markdown;
mod places;
mod plane;
pub mod region;
mod remark;
mod reviews;
mod sarif;
pub mod schema;
mod stix;
mod text;
mod words;
mod zeek;
pub mod zones;

use std::io;

use creance_model::Report;

pub use html::parts;
pub use remark::remark;
pub use reviews::{reviews, reviews_of};
pub use words::{bytes, matched, shown, shown_whole, state};

/// Every output.
pub const ALL: &[&dyn Output] = &[
    &json::Json,
    &html::Html,
    &text::Text,
    &markdown::Markdown,
    &csv::Csv,
    &sarif::Sarif,
    &stix::Stix,
    &geojson::GeoJson,
    &kml::Kml,
    &zeek::Zeek,
    &zeek::ZeekJson,
];

/// An output format.
pub trait Output: Sync {
    /// What `--format` calls it.
    fn name(&self) -> &'static str;

    /// Its file in a case folder, if it has one.
    fn file_name(&self) -> Option<&'static str> {
        None
    }

    /// What its files end in, without the dot.
    fn extension(&self) -> &'static str;

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
