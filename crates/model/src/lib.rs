//! The nouns of creance, in the order data flows; no I/O.
//!
//! `Packet` → `Flow` → `Message` → `Finding` → `Report`. Beside them `Destination` (where bytes land),
//! `FlightState`, `AppState` and `Trigger` (in what circumstances), `Coverage` and `Damage` (what could not be seen).
//!
//! Every type here is plain data. What reads, detects, judges or writes lives in the other crates.

mod class;
mod context;
mod coverage;
mod finding;
mod flow;
mod ground;
mod inspection;
mod judgement;
mod marking;
mod message;
mod packet;
mod parts;
mod region;
mod report;
mod scrub;
mod time;

pub use class::{DataClass, Match, Severity};
pub use context::{AppState, FlightState, Interval, Trigger};
pub use coverage::{Coverage, Damage, Unread};
pub use finding::{Destination, Evidence, Finding, Occurrence, Picture, Source};
pub use flow::{Direction, Endpoint, Flow, InsideBasis, Side, Transport};
pub use ground::{Drawing, Ground, Outline};
pub use inspection::{
    AltReference, Component, DEGREE_M, Dated, Device, Fact, Flaw, Gaze, Hidden, Identifier, Inspected,
    Inspection, Look, Rectangle, Role, SiteSeen, Spot, Track, TrackPoint, ZoneSeen, is_place, is_serial,
};
pub use judgement::{Alternative, Confidence, Judgement, Likelihood, Review, ReviewState, Weighed};
pub use marking::Tlp;
pub use message::{Carrier, Field, Message, Value, Visibility};
pub use packet::{LinkType, Packet};
pub use parts::{Content, End, Lent, Part, Parts, Place, Step};
pub use region::{
    AskedWith, Belief, Candidate, LandedIn, Landings, Mismatch, REGION_SCHEMA, Region, RegionAnswer,
    RegionBehaviour, RegionVote,
};
pub use report::{Case, ClockOffset, Input, Lan, Origin, Phase, Report, ReportError, SCHEMA, Traffic};
pub use scrub::{Locations, Piece, Refusal, Removal, ScrubRequest, Scrubbed};
pub use time::Timestamp;
