//! The range: the accused system itself, in a sealed laboratory, in two worlds.
//!
//! ```text
//! scenario.toml ─▶ plan ─┬─▶ behaviours ─▶ app ─▶ ┐                       ┌─▶ capture, keys
//!                 person ┤   (one switch each)    ├─▶ net (smoltcp, tap) ─┤
//!                 camera ┘   clouds ◀──────────── ┘                       └─▶ truth ─▶ score ─▶ bench, demo
//! ```
//!
//! An aircraft, a ground-station app and the clouds of a vendor are played with invented people and places, so that anyone
//! can see each claim of the case happen, or not, and see what an audit says of it. Stacks are real (rustls, hyper, MQTT,
//! WebSocket, DNS); the network is memory, and time is not waited for.

mod app;
pub mod behaviours;
mod bench;
mod blind;
mod camera;
mod campaign;
mod clouds;
mod demo;
mod device;
mod disguise;
mod dns;
mod error;
mod flight;
mod gcj02;
mod link_layer;
mod live;
mod mavlink;
mod moment;
mod net;
mod pair;
mod person;
mod plan;
mod play;
mod portal;
mod remote_id;
mod scenario;
mod score;
mod stage;
mod tls;
mod truth;
mod upload;
mod vpn;
mod whereabouts;

pub use bench::{World, bench, by_chance, tables};
pub use blind::{audited, write_report};
pub use campaign::{Campaign, run_campaign};
pub use demo::{Answer, Answered, By, Flown, Gone, Guarded, Lean, Row, Sentence, Shown, answers, demo, rows};
pub use error::Error;
pub use live::{Live, seal};
pub use pair::{Pair, run_pair};
pub use play::{Case, run, run_live};
pub use scenario::{
    Compared, Device, Flight, Keys, Network, Person, Profile, Scenario, Session, Settings, Site, Tells, User,
};
pub use score::{Proof, Score, Seen, Share, score};
