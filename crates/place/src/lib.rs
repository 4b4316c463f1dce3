//! Where bytes land: address and name → country, operator, whose law.
//!
//! An [`Atlas`] is built once from the bundled knowledge (`knowledge/` in the source tree) and answers by itself:
//! nothing here opens a connection. Every layer's answer is kept beside the conclusion, because no database of
//! addresses is a map: allocation, anycast, clouds and mobile networks mislead all of them.

mod atlas;
mod corrections;
mod country;
pub mod datum;
mod error;
mod geoid;
pub mod grid;
mod json;
mod organisations;
mod overrides;
pub mod region;
mod regions;
mod scope;
pub mod sites;
mod sources;
mod table;
mod verdict;
pub mod zones;

pub use atlas::{Atlas, FILES, Location};
pub use country::Country;
pub use error::Error;
pub use organisations::Kind;
pub use regions::{Region, region_of_host};
pub use scope::Scope;
pub use sources::Source;
pub use table::check as check_table;
pub use verdict::{Confidence, Vote};
