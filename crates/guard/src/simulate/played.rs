//! Captures, played packet by packet through a guard that asks the same policy, and each conversation compared with what that says.
//!
//! ```text
//! captures ─▶ packets, with what the case says of flight then ─▶ the laboratory ─▶ seen outside?
//! case     ─▶ destinations ─▶ policy, in each state of the flight ─────────────────────▶ compared
//! ```
//!
//! A conversation that the policy refuses in a state may not be seen outside by a single packet; of one that it permits, all must
//! be seen from its beginning on. What cannot be told is said, and is no difference.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    path::PathBuf,
};

use anyhow::{Context, bail};
use creance_audit::FlowTold;
use creance_capture::Capture;
use creance_flow::carried_ip;
use creance_guard::played::{Conversation, Ends, Scene, Script, Step, Told, ends, play};
use creance_model::{FlightState, Report, Side, Traffic, Transport};
use creance_policy::Policy;
use serde::Serialize;

use super::{
    Options, case,
    live::{is_name, named},
    replay::{countries, expected, state_at},
    request,
};

/// What was played, and what passed.
#[derive(Debug, Serialize)]
pub(crate) struct Played {
    /// In their order: between two changes of what the case says of flight.
    scenes: Vec<SceneTold>,
    /// Packets that were not played, by why.
    left_out: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
struct SceneTold {
    flight_state: FlightState,
    /// What the guard believed at the beginning, and in the end.
    believed: [String; 2],
    /// Packets that stay within our side: sent, and seen outside.
    within_sent: u64,
    within_seen: u64,
    /// Frames seen outside that nobody sent.
    strays: u64,
    /// Why the scene as a whole is not as it should be.
    differs: Option<&'static str>,
    conversations: Vec<Row>,
}

/// A conversation in a scene.
#[derive(Debug, Serialize)]
struct Row {
    to: String,
    transport: Transport,
    /// The port of our side.
    from_port: u16,
    /// Whether the policy lets it through, by what a gateway knows.
    said: bool,
    /// Whether it passed; nothing, where that cannot be told.
    passed: Option<bool>,
    /// Packets of our side, and of these, seen outside.
    sent: u64,
    seen: u64,
    /// Whether it had begun in a scene before, and its first segment was sent once more.
    again: bool,
    differs: Option<&'static str>,
}

/// Bytes and packets that are played at most, and changes of flight: each takes up to half a minute.
const MOST_BYTES: usize = 256 << 20;
const MOST_PACKETS: usize = 400_000;
const MOST_SCENES: usize = 40;

const DAMAGED: &str = "damaged, or cut by the capture";
const UNKNOWN: &str = "of no conversation with a destination that is told apart";
const TAKEN: &str = "to or from an address that the laboratory has itself";
const NOT_IP: &str = "of something else than IP";

impl Played {
    /// Whether anything is not as the policy says.
    pub(crate) fn differs(&self) -> bool {
        // What was not played does not agree.
        (self.scenes.is_empty() && !self.left_out.is_empty())
            || self.scenes.iter().any(|scene| {
                scene.differs.is_some() || scene.conversations.iter().any(|row| row.differs.is_some())
            })
    }

    /// For people: each scene in a line, and what differs.
    pub(crate) fn text(&self, line: &mut dyn FnMut(&str)) {
        if self.scenes.is_empty() && !self.left_out.is_empty() {
            line("played: nothing");
        }
        for scene in &self.scenes {
            let all = &scene.conversations;
            let count = |passed| all.iter().filter(|row| row.passed == passed).count();
            let (sent, seen) =
                all.iter().fold((0, 0), |(sent, seen), row| (sent + row.sent, seen + row.seen));
            line(&format!(
                "played: {:8} guard {:9} {:4} conversations: {} passed, {} refused, {} cannot be told; packets {sent} sent, {seen} seen outside{}",
                scene.flight_state.name(),
                scene.believed[1],
                all.len(),
                count(Some(true)),
                count(Some(false)),
                count(None),
                scene.differs.map_or(String::new(), |why| format!("  <- {}", why.to_uppercase())),
            ));
            for row in all {
                if let Some(why) = row.differs {
                    line(&format!(
                        "played: {:8} {:56} {} of {} packets  <- {}",
                        scene.flight_state.name(),
                        row.to,
                        row.seen,
                        row.sent,
                        why.to_uppercase()
                    ));
                }
            }
        }
        for (why, packets) in &self.left_out {
            line(&format!("not played: {packets} packets {why}"));
        }
    }
}

/// Plays the captures of a case; nothing, where there are none.
pub(crate) fn run(options: &Options, report: &Report, policy: &Policy) -> anyhow::Result<Option<Played>> {
    if case(options).is_some() {
        return Ok(None);
    }
    let captures = report.case.inputs.iter().filter(|input| input.kind == "capture");
    let captures: Vec<PathBuf> = captures.map(|input| PathBuf::from(&input.path)).collect();
    if captures.iter().any(|path| path.as_os_str() == "-") {
        bail!("--live reads a capture twice, and standard input can be read but once");
    }
    if captures.is_empty() {
        return Ok(None);
    }
    let (cast, mut left_out) = (followed(options, report)?, BTreeMap::new());
    let steps = steps(&captures, report, &cast, &mut left_out)?;
    let Cast { inside, conversations, ways, .. } = cast;
    let script = Script { policy: named(options)?, region: countries(report), inside, conversations, steps };
    let program = std::env::current_exe().context("cannot find this program")?;
    let scenes = play(&program, &script)?;
    let (mission, operator) = (options.mission.as_deref(), options.operator.as_deref());
    let said = |at: usize, state| {
        let way = ways.get(at).and_then(|way| report.destinations.get(*way));
        way.is_some_and(|way| expected(report, policy, mission, operator, way, state))
    };
    let scenes = scenes.iter().map(|scene| compared(scene, &script, &said)).collect();
    Ok(Some(Played { scenes, left_out }))
}

/// Who speaks to whom.
#[derive(Default)]
struct Cast {
    /// Addresses of our side, those of most packets first.
    inside: Vec<IpAddr>,
    conversations: Vec<Conversation>,
    /// The place of each in the destinations of the case.
    ways: Vec<usize>,
    by_ends: HashMap<Ends, usize>,
}

/// The conversations of the captures that have a destination in the case.
fn followed(options: &Options, report: &Report) -> anyhow::Result<Cast> {
    let mut all: Vec<FlowTold> = Vec::new();
    creance_audit::flows(&request(options), &mut |told| all.push(told), &mut |_| {})?;
    all.sort_by_key(|told| told.flow.id);
    let mut packets: BTreeMap<IpAddr, u64> = BTreeMap::new();
    let mut cast = Cast::default();
    for told in &all {
        let flow = &told.flow;
        let ours = match flow.inside {
            Some(side) => vec![flow.end(side).ip],
            None => vec![flow.client.ip, flow.server.ip],
        };
        for ip in ours.into_iter().filter(|ip| is_somebody(*ip)) {
            *packets.entry(ip).or_default() += told.packets;
        }
        let (Some(side), Some(protocol)) = (flow.inside, protocol(flow.transport)) else { continue };
        let host = told.host.as_ref().map(|(host, _)| host.as_str());
        let Some(way) = way(report, flow.transport, flow.end(side.other()), host) else { continue };
        let ends = from_our_side(told, side, protocol);
        let host = host.filter(|host| is_name(host)).map(str::to_owned);
        let next = cast.conversations.len();
        let at = *cast.by_ends.entry(ends).or_insert(next);
        if at == next {
            cast.conversations.push(Conversation { ends, host });
            cast.ways.push(way);
        } else if let Some(known) = cast.conversations.get_mut(at)
            && known.host.is_none()
        {
            known.host = host;
        }
    }
    let mut inside: Vec<(u64, IpAddr)> = packets.into_iter().map(|(ip, packets)| (packets, ip)).collect();
    inside.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    cast.inside = inside.into_iter().map(|(_, ip)| ip).collect();
    Ok(cast)
}

/// Whether an address may be a machine's own.
fn is_somebody(ip: IpAddr) -> bool {
    let all = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    !(all || ip.is_multicast() || ip.is_unspecified() || ip.is_loopback())
}

fn protocol(transport: Transport) -> Option<u8> {
    match transport {
        Transport::Tcp => Some(6),
        Transport::Udp => Some(17),
        Transport::Other(number) => Some(number),
        _ => None,
    }
}

fn from_our_side(told: &FlowTold, side: Side, protocol: u8) -> Ends {
    let (ours, theirs) = (told.flow.end(side), told.flow.end(side.other()));
    let ports = if matches!(protocol, 6 | 17) { (ours.port, theirs.port) } else { (0, 0) };
    Ends { from: ours.ip, to: theirs.ip, protocol, ports }
}

/// The destination of the case that a conversation goes to.
fn way(
    report: &Report,
    transport: Transport,
    to: creance_model::Endpoint,
    host: Option<&str>,
) -> Option<usize> {
    let ip = to.ip.to_string();
    let fits = |way: &Traffic| {
        way.transport == transport
            && way.destination.port == to.port
            && way.destination.ip.as_deref() == Some(&ip)
    };
    let same = |way: &Traffic| fits(way) && way.destination.host.as_deref() == host;
    report.destinations.iter().position(same).or_else(|| report.destinations.iter().position(fits))
}

/// All packets that can be played, with changes of flight between them.
fn steps(
    captures: &[PathBuf],
    report: &Report,
    cast: &Cast,
    left_out: &mut BTreeMap<&'static str, u64>,
) -> anyhow::Result<Vec<Step>> {
    let mut capture = Capture::open(captures, &creance_capture::Options::default())?;
    let (mut steps, mut bytes, mut scenes, mut flight) = (Vec::new(), 0, 0, None);
    // Fragments without ports are of whom the last packet between the same two was.
    let mut between: HashMap<(IpAddr, IpAddr, u8), usize> = HashMap::new();
    while capture.advance() {
        let Some(packet) = capture.packet() else { break };
        let mut leave = |why| *left_out.entry(why).or_default() += 1;
        let Some(data) = carried_ip(packet.link, packet.data) else {
            leave(NOT_IP);
            continue;
        };
        let Some(ends) = ends(data) else {
            leave(DAMAGED);
            continue;
        };
        if Script::is_taken(ends.to) || Script::is_taken(ends.from) {
            leave(TAKEN);
            continue;
        }
        let of = |ends: Ends| {
            let fragment = ends.ports == (0, 0);
            let last = || between.get(&(ends.from, ends.to, ends.protocol)).filter(|_| fragment);
            cast.by_ends.get(&ends).or_else(last).copied()
        };
        let ours = cast.inside.contains(&ends.from);
        let theirs = !cast.inside.contains(&ends.to) && is_somebody(ends.to);
        let step = match (ours, of(ends), of(ends.turned())) {
            (true, Some(at), _) => {
                between.insert((ends.from, ends.to, ends.protocol), at);
                Step::Sent(Some(at), data.to_vec())
            }
            (false, _, Some(at)) => {
                between.insert((ends.to, ends.from, ends.protocol), at);
                Step::Answered(at, data.to_vec())
            }
            (true, None, _) if !theirs => Step::Sent(None, data.to_vec()),
            _ => {
                leave(UNKNOWN);
                continue;
            }
        };
        let state = state_at(report, packet.time);
        if flight.replace(state) != Some(state) {
            scenes += 1;
            steps.push(Step::Flight(state));
        }
        bytes += data.len();
        steps.push(step);
        if bytes > MOST_BYTES || steps.len() > MOST_PACKETS || scenes > MOST_SCENES {
            bail!(
                "--live plays {MOST_PACKETS} packets, {} MB and {MOST_SCENES} changes of flight at most: cut the capture",
                MOST_BYTES >> 20
            );
        }
    }
    Ok(steps)
}

fn compared(scene: &Scene, script: &Script, said: &dyn Fn(usize, FlightState) -> bool) -> SceneTold {
    let row = |(at, told): (&usize, &Told)| {
        let conversation = script.conversations.get(*at)?;
        let ends = conversation.ends;
        let said = said(*at, scene.flight);
        let (passed, differs) = judged(said, told);
        let name = conversation.host.clone().unwrap_or_else(|| ends.to.to_string());
        Some(Row {
            to: format!("{name}:{}", ends.ports.1),
            transport: match ends.protocol {
                6 => Transport::Tcp,
                17 => Transport::Udp,
                number => Transport::Other(number),
            },
            from_port: ends.ports.0,
            said,
            passed,
            sent: told.sent,
            seen: told.seen,
            again: told.again,
            differs,
        })
    };
    let differs = if scene.believed[0] != scene.believed[1] {
        Some("the guard came to believe something else than the case")
    } else if scene.within[1] > 0 {
        Some("something that stays within was seen outside")
    } else if scene.strays > 0 {
        Some("something was seen outside that nobody sent")
    } else if scene.unsent > 0 {
        Some("not all could be sent")
    } else {
        None
    };
    SceneTold {
        flight_state: scene.flight,
        believed: scene.believed.clone(),
        within_sent: scene.within[0],
        within_seen: scene.within[1],
        strays: scene.strays,
        differs,
        conversations: scene.told.iter().filter_map(row).collect(),
    }
}

/// Whether a conversation passed, and how that differs from what the policy says.
fn judged(said: bool, told: &Told) -> (Option<bool>, Option<&'static str>) {
    let any = told.seen > 0 || told.begun == Some(true);
    if !said {
        return (Some(any), any.then_some("it passed, and the policy refuses it"));
    }
    match told.begun {
        Some(false) => (Some(any), Some("it did not pass, and the policy permits it")),
        Some(true) if told.whole && told.seen < told.sent => (Some(true), Some("only a part of it passed")),
        Some(true) => (Some(true), None),
        None => (any.then_some(true), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_is_no_packet_and_permitted_is_all_from_the_beginning() {
        let told = |sent, seen, begun, whole| Told { sent, seen, begun, whole, again: false };
        for (said, one, passed, differs) in [
            (false, told(9, 0, Some(false), true), Some(false), false),
            (false, told(9, 0, None, false), Some(false), false),
            (false, told(9, 1, Some(false), true), Some(true), true),
            (false, told(9, 0, Some(true), false), Some(true), true),
            (true, told(9, 9, Some(true), true), Some(true), false),
            (true, told(9, 8, Some(true), true), Some(true), true),
            (true, told(9, 0, Some(true), false), Some(true), false),
            (true, told(9, 0, Some(false), false), Some(false), true),
            (true, told(9, 0, None, false), None, false),
            (true, told(9, 1, None, false), Some(true), false),
        ] {
            let (is, why) = judged(said, &one);
            assert_eq!((is, why.is_some()), (passed, differs), "{said} {one:?}");
        }
    }
}
