//! What really left, as whoever made the traffic knows it: `truth.json`, in the form of docs/corpus.md.
//!
//! Written down when it is sent, by whoever sends it; the packets are found when the capture is whole.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};

use crate::{
    clouds::Cloud,
    moment::Clock,
    net::{Conversation, Host, Tap},
    plan::Plan,
    scenario::Scenario,
    vpn::Exit,
};

/// A message that was sent to a cloud.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) conversation: Conversation,
    pub(crate) host: Option<String>,
    pub(crate) country: &'static str,
    pub(crate) began: Duration,
    pub(crate) ended: Duration,
    pub(crate) protocol: &'static str,
    /// `clear`, `keys` or `opaque`.
    pub(crate) visibility: &'static str,
    /// Bytes of its body.
    pub(crate) bytes: usize,
}

/// One value in it.
#[derive(Clone, Debug)]
pub(crate) struct Leak {
    pub(crate) class: &'static str,
    pub(crate) value: String,
    /// How it was written.
    pub(crate) encoding: String,
    /// Where in the message.
    pub(crate) carrier: &'static str,
    /// Whether whoever looks must find it.
    pub(crate) must_find: bool,
    /// The file of the device that it is: path, SHA-256, bytes.
    pub(crate) file: Option<(String, String, usize)>,
    pub(crate) faces: Option<u32>,
    /// The action of the user that made it go.
    pub(crate) cause: Option<&'static str>,
}

impl Leak {
    /// A value in a body.
    pub(crate) fn new(class: &'static str, value: impl Into<String>, encoding: impl Into<String>) -> Self {
        Self {
            class,
            value: value.into(),
            encoding: encoding.into(),
            carrier: "body",
            must_find: true,
            file: None,
            faces: None,
            cause: None,
        }
    }

    /// It rides elsewhere.
    pub(crate) fn within(self, carrier: &'static str) -> Self {
        Self { carrier, ..self }
    }

    /// The user's hand made it go.
    pub(crate) fn by(self, cause: Option<&'static str>) -> Self {
        Self { cause, ..self }
    }
}

/// All that was written down.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Who sent it: a switch, or nothing where the user or no switch did.
    pub(crate) leaks: Vec<(Option<&'static str>, Sent, Leak)>,
    pub(crate) benign: Vec<(Sent, Trap)>,
}

/// What looks like a leak and is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trap {
    pub(crate) kind: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) direction: &'static str,
}

/// What the truth is of.
pub(crate) struct Of<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) seed: u64,
    pub(crate) plan: &'a Plan,
    pub(crate) clock: &'a Clock,
    pub(crate) clouds: &'a [Cloud],
    pub(crate) exit: Option<&'a Exit>,
    pub(crate) tap: &'a Tap,
}

/// The document.
pub(crate) fn document(record: &Record, of: &Of<'_>) -> Value {
    let name = format!("{}-{}", of.scenario.name, of.seed);
    let mut leaks: Vec<_> = record.leaks.iter().collect();
    // Tasks that are due at one time wrote in an order of their own.
    leaks.sort_by_key(|(switch, sent, leak)| {
        (sent.began, sent.conversation.inside.port(), *switch, leak.class, leak.encoding.as_str())
    });
    let events: Vec<Value> = leaks
        .into_iter()
        .zip(1..)
        .filter_map(|((switch, sent, leak), number)| {
            event(&format!("{name}-L{number:03}"), *switch, sent, leak, of)
        })
        .collect();
    let mut traps: Vec<_> = record.benign.iter().collect();
    traps.sort_by_key(|(sent, trap)| (sent.began, sent.conversation.inside.port(), trap.kind));
    let benign: Vec<Value> = traps
        .into_iter()
        .zip(1..)
        .filter_map(|((sent, trap), number)| {
            let mut told = place(sent, of)?;
            told["id"] = json!(format!("{name}-B{number:03}"));
            told["kind"] = json!(trap.kind);
            told["reason"] = json!(trap.reason);
            told["direction"] = json!(trap.direction);
            told["value"] = json!(trap.kind);
            Some(told)
        })
        .collect();
    let text = |moment| of.clock.text(moment);
    let plan = of.plan;
    let [ip, gps, mcc] = of.scenario.votes();
    json!({
        "scenario": name,
        "seed": of.seed,
        "made_by": concat!("creance-range ", env!("CARGO_PKG_VERSION")),
        "linktype": "ether",
        "capture_start": text(Duration::ZERO),
        "client": [Host::Phone.ip().to_string(), Host::Phone.ip6().to_string()],
        "drone": Host::Drone.ip(),
        "resolver": Host::World.ip(),
        "country_contested": [],
        "hosts": of.clouds.iter().map(|cloud| json!({
            "host": cloud.host, "ip": cloud.ip, "country": cloud.country, "bytes_out": of.tap.bytes_to(cloud.ip),
        })).collect::<Vec<_>>(),
        "switches": crate::behaviours::ALL.iter().map(|one| (one.name.to_owned(), json!(of.scenario.does(one.name)))).collect::<serde_json::Map<_, _>>(),
        "tunnel": of.exit.map(|exit| json!({
            "protocol": "wireguard",
            "dst_ip": exit.server,
            "dst_port": exit.conversation().outside.port(),
            "src_port": exit.conversation().inside.port(),
            "country": exit.country,
            "bytes_out": of.tap.bytes_to(exit.server.into()),
        })),
        "setting_local_data_mode": of.scenario.settings.local_data_mode,
        "region": {
            "ip": {"says": ip},
            "gps": {"says": gps},
            "mcc": {"mcc": of.scenario.network.mcc, "says": mcc},
            "rule": "two of three",
            "app_believes": of.scenario.believes(),
        },
        "phases": {
            "drone_on": text(plan.drone_on),
            "takeoff": text(plan.take_off),
            "landing": text(plan.track.landing),
            "drone_off": text(plan.drone_off),
            "app_closed": text(plan.app_closed),
            "action_log": [text(Duration::ZERO), text(plan.ends)],
            "app_states": plan.states.iter().map(|states| json!({
                "from": text(states.from), "to": text(states.to), "app": states.app, "phone": states.phone,
            })).collect::<Vec<_>>(),
        },
        "packets": of.tap.packets(),
        "events": events,
        "benign": benign,
    })
}

fn event(id: &str, switch: Option<&str>, sent: &Sent, leak: &Leak, of: &Of<'_>) -> Option<Value> {
    let mut told = place(sent, of)?;
    let states = of.plan.states(sent.began);
    let is_open = told["within"].is_null();
    let add = |told: &mut Value, name: &str, value: Value| told[name] = value;
    add(&mut told, "id", json!(id));
    add(&mut told, "direction", json!("out"));
    add(&mut told, "data_class", json!(leak.class));
    add(&mut told, "value", json!(leak.value));
    add(&mut told, "encoding", json!(leak.encoding));
    add(&mut told, "carrier", json!(leak.carrier));
    add(&mut told, "must_find", json!(leak.must_find && is_open));
    add(&mut told, "switch", json!(switch));
    if let Some(states) = states {
        add(&mut told, "trigger", json!(if leak.cause.is_some() { "user" } else { "automatic" }));
        add(&mut told, "app_state", json!(states.app));
        add(&mut told, "phone_state", json!(states.phone));
    } else {
        add(&mut told, "trigger", json!("unknown"));
        add(&mut told, "app_state", json!("unknown"));
        add(&mut told, "phone_state", json!("unknown"));
    }
    if let Some(cause) = leak.cause {
        add(&mut told, "cause", json!(cause));
    }
    if let Some((name, hash, size)) = &leak.file {
        add(&mut told, "file", json!({"name": name, "sha256": hash, "size": size}));
    }
    if let Some(faces) = leak.faces {
        add(&mut told, "faces", json!(faces));
    }
    Some(told)
}

/// When, to whom, in which packets; nothing where no packet of it was captured.
fn place(sent: &Sent, of: &Of<'_>) -> Option<Value> {
    let outside: SocketAddr = sent.conversation.outside;
    // A capture sees the tunnel: packets of that time, and not what is in them.
    let hidden = of.exit.filter(|exit| sent.country != "LAN" && exit.takes(outside.ip()));
    let seen = hidden.map_or(sent.conversation, Exit::conversation);
    let (frames, wire_bytes) = of.tap.span(&seen, sent.began, sent.ended)?;
    Some(json!({
        "time": of.clock.text(sent.began),
        "time_end": of.clock.text(sent.ended),
        "protocol": sent.protocol,
        "transport": if sent.conversation.is_tcp { "tcp" } else { "udp" },
        "dst_ip": outside.ip(),
        "dst_port": outside.port(),
        "src_port": sent.conversation.inside.port(),
        "host": sent.host,
        "country": sent.country,
        "visibility": if hidden.is_some() { "opaque" } else { sent.visibility },
        "within": hidden.map(|_| "wireguard"),
        "flight_state": of.plan.flight_state(sent.began),
        "bytes": sent.bytes,
        "wire_bytes": wire_bytes,
        "frames": frames,
    }))
}
