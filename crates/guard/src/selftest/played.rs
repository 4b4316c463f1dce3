//! A capture played through a guard: each packet that our side sent as it was recorded, in its order, from the clients' side; answers
//! from outside as they were recorded, to what arrived there; a tcpdump outside that tells what passed.
//!
//! ```text
//! client ──lan0─ gateway ─wan0── outside
//!   ▲ recorded     the guard       ▲ recorded answers; tcpdump
//!   ╰ what the case says of flight, told by an aircraft
//! ```
//!
//! Each change of what the case says of flight is told first, and waited for: an aircraft of the configuration says that it stands or
//! flies, or falls silent; where it is off, an operator vouches. The guard's own times are not shortened: it believes in the ground after ten
//! seconds and more. Packets between two such changes are sent as fast as they are seen outside.
//!
//! Nobody thinks at either end. A connection begins as it was recorded, for its answers are played as well; one that was refused, or
//! that the guard forgot at a cut, cannot be taken up again by who only repeats: its first segment is sent once more, as
//! recorded, and that one alone tells whether it could have begun. What an app would have done instead is not known. Names are asked for anew
//! before each conversation, of the guard: answers in the capture are those of another resolver.

mod act;
mod stage;

use std::{collections::BTreeMap, net::IpAddr, path::Path};

use anyhow::Context;
use creance_model::FlightState;
use hickory_proto::rr::RecordType;
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

pub use super::rewrite::{Ends, ends};
use super::{
    Lab,
    live::{Reached, configured, serve},
    names::ask_from,
    rewrite::{Cast, TCP, UDP, layout},
};
use crate::{
    Carrier,
    frames::{GATEWAY, GATEWAY6, SERVER, SERVER6},
};
use act::{Act, Kind};
use stage::Stage;

/// What is played.
#[derive(Clone, Debug)]
pub struct Script {
    /// A policy that is shipped, or a file by its whole path.
    pub policy: String,
    /// Where the aircraft may be, as codes of countries; empty where that is not known.
    pub region: Vec<String>,
    /// Addresses of our side, those that say most first.
    pub inside: Vec<IpAddr>,
    /// Conversations with the outside.
    pub conversations: Vec<Conversation>,
    /// In their order.
    pub steps: Vec<Step>,
}

/// A conversation with the outside, from our side.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// As recorded.
    pub ends: Ends,
    /// The name of the end across, if it is known.
    pub host: Option<String>,
}

/// What happens next.
#[derive(Clone, Debug)]
pub enum Step {
    /// What the case says of flight from here on.
    Flight(FlightState),
    /// Our side sends a packet, of a conversation by its place; of none where it stays within our side.
    Sent(Option<usize>, Vec<u8>),
    /// The outside answers.
    Answered(usize, Vec<u8>),
}

/// A thread on one processor. What it sends on virtual interfaces waits in that processor's queue, so that what was recorded first, from
/// whichever end, is first at the gateway: who tracks connections would find an acknowledgement of what he has not seen yet.
struct Pinned(CpuSet);

impl Pinned {
    fn here() -> anyhow::Result<Self> {
        let this = Pid::from_raw(0);
        let before = sched_getaffinity(this)?;
        let mut one = CpuSet::new();
        let first = (0..CpuSet::count()).find(|cpu| before.is_set(*cpu).unwrap_or_default());
        one.set(first.context("there is no processor")?)?;
        sched_setaffinity(this, &one)?;
        Ok(Self(before))
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // It was so before.
        let _ = sched_setaffinity(Pid::from_raw(0), &self.0);
    }
}

/// What came of all between two changes of flight.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What the case says of flight.
    pub flight: FlightState,
    /// What the guard believed at the beginning, and in the end.
    pub believed: [String; 2],
    /// By the place of the conversation.
    pub told: BTreeMap<usize, Told>,
    /// Packets that stay within our side: sent, and seen outside.
    pub within: [u64; 2],
    /// Frames seen outside that nobody sent here.
    pub strays: u64,
    /// Packets that no interface took.
    pub unsent: u64,
}

/// What came of a conversation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// Packets of our side, as recorded.
    pub sent: u64,
    /// Of these, seen outside.
    pub seen: u64,
    /// Whether it had begun before, and its first segment was sent once more.
    pub again: bool,
    /// Whether what a conversation begins with was seen outside; `None` where no beginning is in the capture.
    pub begun: Option<bool>,
    /// Whether the conversation began here, so that all of it should be seen if any is.
    pub whole: bool,
}

/// The gateway's own addresses outside, from which its resolver asks.
const ASKERS: [&str; 2] = ["203.0.113.1", "fd99::1"];

impl Script {
    /// Whether an address is one of the laboratory's own machines, so that what is sent there would not leave.
    pub fn is_taken(ip: IpAddr) -> bool {
        let own: [IpAddr; 4] = [SERVER.into(), SERVER6.into(), GATEWAY.into(), GATEWAY6.into()];
        own.contains(&ip) || ASKERS.iter().any(|asker| asker.parse() == Ok(ip))
    }
}

/// Plays it. Needs root; `program` is the guard.
pub fn play(program: &Path, script: &Script) -> anyhow::Result<Vec<Scene>> {
    let reached: Vec<Reached> = script.conversations.iter().filter_map(named).collect();
    let (keys, resolver) = configured(&script.policy, &script.region, &reached)?;
    let mut lab = Lab::with(program, |_| Ok((keys, resolver)))?;
    let cast = Cast::new(&script.inside)?;
    let mut stage = Stage::new(&lab, &cast)?;
    serve(&reached)?;
    lab.start()?;
    let _pinned = Pinned::here()?;
    let mut scenes: Vec<Scene> = Vec::new();
    let firsts = firsts(script);
    let mut acts = Act::default();
    for step in &script.steps {
        match step {
            Step::Flight(flight) => {
                stage.end(&lab, &mut scenes, std::mem::take(&mut acts))?;
                let believed = stage.enter(&lab, *flight, &mut acts)?;
                scenes.push(Scene {
                    flight: *flight,
                    believed: [believed, String::new()],
                    told: BTreeMap::new(),
                    within: [0; 2],
                    strays: 0,
                    unsent: 0,
                });
            }
            Step::Sent(None, packet) => {
                acts.scene.within[0] += 1;
                stage.send(&cast, None, packet, &mut acts)?;
                stage.is_heard(&lab, packet)?;
            }
            Step::Sent(Some(at), packet) => {
                let Some(conversation) = script.conversations.get(*at) else { continue };
                let first = firsts.get(at);
                let is_first = first.is_some_and(|first| std::ptr::eq(*first, packet));
                if !acts.scene.told.contains_key(at) {
                    ask_name(&cast, conversation)?;
                    let told = acts.scene.told.entry(*at).or_default();
                    told.whole = is_first || conversation.ends.protocol == UDP;
                    told.again = !told.whole && first.is_some();
                    told.begun = (told.whole || told.again).then_some(false);
                    if let Some(first) = first.filter(|_| told.again) {
                        stage.send(&cast, Some((*at, Kind::Begins)), first, &mut acts)?;
                    } else if told.whole {
                        acts.begins.insert(*at);
                    }
                }
                if let Some(told) = acts.scene.told.get_mut(at) {
                    told.sent += 1;
                }
                let kind = if acts.begins.remove(at) { Kind::Both } else { Kind::Goes };
                stage.send(&cast, Some((*at, kind)), packet, &mut acts)?;
            }
            Step::Answered(at, packet) => stage.answer(&cast, script, *at, packet, &mut acts)?,
        }
    }
    stage.end(&lab, &mut scenes, acts)?;
    Ok(scenes)
}

/// What a resolver of the guard is to know of a conversation: one by TCP or UDP with a name.
fn named(conversation: &Conversation) -> Option<Reached> {
    let by = match conversation.ends.protocol {
        TCP => Carrier::Tcp,
        UDP => Carrier::Udp,
        _ => return None,
    };
    let host = Some(conversation.host.clone()?);
    Some(Reached { host, to: conversation.ends.to, port: conversation.ends.ports.1, by })
}

/// Has the client of a conversation ask for its name.
fn ask_name(cast: &Cast, conversation: &Conversation) -> anyhow::Result<()> {
    let (Some(host), Some(client)) = (&conversation.host, cast.of(conversation.ends.from)) else {
        return Ok(());
    };
    let kind = if client.is_ipv4() { RecordType::A } else { RecordType::AAAA };
    ask_from(client, host, kind).or_else(|_| ask_from(client, host, kind))
}

/// What each conversation by TCP begins with, if that is in the capture.
fn firsts(script: &Script) -> BTreeMap<usize, &Vec<u8>> {
    let mut firsts = BTreeMap::new();
    for step in &script.steps {
        if let Step::Sent(Some(at), packet) = step
            && is_first_segment(packet)
        {
            firsts.entry(*at).or_insert(packet);
        }
    }
    firsts
}

fn is_first_segment(packet: &[u8]) -> bool {
    layout(packet).is_some_and(|layout| {
        // SYN without ACK.
        layout.ends.protocol == TCP && packet.get(layout.above + 13).is_some_and(|flags| flags & 0x12 == 0x02)
    })
}
