//! What was sighted, with all that is known when it is: destination, phase and severity are settled at the end.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use creance_detect::Sighting;
use creance_model::{
    Carrier, DataClass, Direction, Endpoint, Flow, InsideBasis, Message, Part, Timestamp, Transport,
    Visibility,
};

use crate::names::Name;

/// A message that leaves, with what its sightings will need.
pub(crate) struct Outgoing {
    pub(crate) flow: Flow,
    /// The name of its flow's far end, so far.
    pub(crate) name: Option<Name>,
    /// The recording that it stands in; `None`: a capture.
    pub(crate) recording: Option<Arc<str>>,
    pub(crate) number: u64,
    pub(crate) message: Message,
}

/// A sighting.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) sighting: Sighting,
    /// Sightings of one message share its number.
    pub(crate) message: u64,
    pub(crate) time: Timestamp,
    pub(crate) message_bytes: u64,
    /// At most [`MOST_PACKETS`], the first and last included.
    pub(crate) packets: Arc<[u64]>,
    pub(crate) decode_path: Vec<String>,
    pub(crate) carrier: Carrier,
    pub(crate) protocol: &'static str,
    pub(crate) visibility: Visibility,
    pub(crate) sent: Arc<Sent>,
}

/// What the sightings of one message have in common.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) transport: Transport,
    pub(crate) direction: Direction,
    pub(crate) inside: Endpoint,
    pub(crate) inside_basis: InsideBasis,
    pub(crate) mac: Option<[u8; 6]>,
    pub(crate) app: Option<Arc<str>>,
    /// The recording that it stands in; `None`: a capture.
    pub(crate) recording: Option<Arc<str>>,
    pub(crate) outside: Endpoint,
    pub(crate) name: Option<Name>,
    pub(crate) community_id: String,
    /// Names of files that the message carries, for the action log.
    pub(crate) carried: Vec<String>,
}

/// All sightings, in the order of the reading.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    pub(crate) seen: Vec<Seen>,
    /// How many of these left, and how many were radiated: strangers' words must not take the room of what left.
    kept: [usize; 2],
    /// Sightings beyond the limit.
    pub(crate) unkept: u64,
    /// Values that were planted nowhere and were seen: they say that something is wrong with the examination.
    pub(crate) decoys: BTreeMap<(DataClass, String), Decoy>,
}

/// A value that was planted nowhere and was seen.
#[derive(Debug)]
pub(crate) struct Decoy {
    pub(crate) times: u64,
    /// The first time: protocol, kind of message, and packets.
    pub(crate) protocol: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) packets: Arc<[u64]>,
}

impl Sightings {
    /// All, by their time, those of one message together: recordings tell theirs in any order.
    pub(crate) fn in_time(&self) -> Vec<&Seen> {
        let mut seen: Vec<&Seen> = self.seen.iter().collect();
        seen.sort_by_key(|one| (one.time, one.message));
        seen
    }

    /// Adds what was sighted in a message; at most `limit` of a kind are kept.
    pub(crate) fn add(&mut self, outgoing: Outgoing, sightings: Vec<Sighting>, limit: usize) {
        if sightings.is_empty() {
            return;
        }
        let Outgoing { flow, name, recording, number, message } = outgoing;
        let sent = Arc::new(Sent {
            transport: flow.transport,
            direction: if flow.transport.is_radio() { Direction::Broadcast } else { Direction::Outbound },
            inside: flow.end(message.from),
            inside_basis: flow.inside_basis,
            mac: flow.inside_mac(),
            app: flow.app.clone(),
            recording,
            outside: flow.end(message.from.other()),
            name: name_of(&message).or(name),
            community_id: creance_flow::community_id(&flow),
            carried: carried(&message),
        });
        let of_message: Arc<[u64]> = listed(&message.packets);
        let Some(kept) = self.kept.get_mut(usize::from(flow.transport.is_radio())) else { return };
        for sighting in sightings {
            if sighting.decoy {
                match self.decoys.entry((sighting.data_class, sighting.value)) {
                    Entry::Occupied(mut known) => known.get_mut().times += 1,
                    Entry::Vacant(vacant) => {
                        let packets = listed(message.packets_of(sighting.part));
                        let (protocol, kind) = (message.protocol, message.kind);
                        vacant.insert(Decoy { times: 1, protocol, kind, packets });
                    }
                }
                continue;
            }
            if *kept >= limit {
                self.unkept += 1;
                continue;
            }
            *kept += 1;
            let part = sighting.part;
            self.seen.push(Seen {
                message: number,
                time: message.time,
                message_bytes: message.bytes,
                packets: match message.packets_of(part) {
                    packets if packets == message.packets => Arc::clone(&of_message),
                    packets => listed(packets),
                },
                decode_path: path(&message, part),
                carrier: message.parts.get(part).map_or(Carrier::Field, Part::carrier),
                protocol: message.protocol,
                visibility: message.visibility,
                sent: Arc::clone(&sent),
                sighting,
            });
        }
    }
}

/// Packet numbers listed for one occurrence (DESIGN §4).
const MOST_PACKETS: usize = 64;

/// At most [`MOST_PACKETS`] numbers, the first and last included.
pub(crate) fn listed(packets: &[u64]) -> Arc<[u64]> {
    match (packets.get(..MOST_PACKETS - 1), packets.last()) {
        (Some(first), Some(last)) => first.iter().chain([last]).copied().collect(),
        _ => packets.into(),
    }
}

/// The protocol stands at the head of every decode path, and before it what was decrypted.
pub(crate) fn path(message: &Message, part: usize) -> Vec<String> {
    let mut path = message.decode_path(part);
    if let Some(first) = path.first_mut() {
        *first = format!("{} {first}", message.protocol);
    }
    if message.visibility == Visibility::Decrypted {
        let within = if matches!(message.protocol, "quic" | "http/3") { "quic" } else { "tls" };
        path.insert(0, within.to_owned());
    }
    path
}

/// The name that a message itself gives its destination.
fn name_of(message: &Message) -> Option<Name> {
    match message.protocol {
        "http/1" | "http/2" | "http/3" => message
            .text("host")
            .filter(|host| !host.is_empty())
            .map(|host| Name::new(host, Name::HOST_HEADER)),
        "dns" => {
            let asked = message.text("name")?;
            let domain = psl::domain_str(asked.trim_end_matches('.'))?;
            Some(Name::new(domain, Name::DNS_QUERY))
        }
        _ => None,
    }
}

/// Names of files in a message: of multipart parts, and the last segment of a request target.
fn carried(message: &Message) -> Vec<String> {
    let mut files: Vec<String> = message
        .parts
        .named("multipart-filename")
        .map(|part| String::from_utf8_lossy(part.bytes()).into_owned())
        .collect();
    if let Some(uri) = message.text("uri") {
        let target = uri.split(['?', '#']).next().unwrap_or_default();
        files.extend(target.rsplit('/').next().map(str::to_owned));
    }
    files
}
