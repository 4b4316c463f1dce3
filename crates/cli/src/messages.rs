//! `creance messages`: the application messages of captures (`creance.message/1`).

use creance_detect::{Secrets, mask_host, mask_path, mask_step};
use creance_model::{Field, Flow, Message, Part, Value};
use serde_json::{Map, json};

use crate::{
    args::{Messages, Talk},
    exit, flows,
    progress::Bar,
    rows::Rows,
};

/// What the table shows.
const COLUMNS: &[(&str, usize)] = &[
    ("/time", 27),
    ("/protocol", 9),
    ("/kind", 14),
    ("/direction", 9),
    ("/visibility", 9),
    ("/destination/ip", 15),
    ("/destination/host", 30),
    ("/bytes", 9),
    ("/fields", 60),
];

pub(crate) fn run(options: &Messages, talk: Talk) -> anyhow::Result<u8> {
    let mut rows = Rows::new(options.list.format, COLUMNS);
    let mut failed = None;
    let bar = Bar::new(talk);
    let read = creance_audit::messages(
        &flows::request(&options.list.captures),
        &mut |flow, message| {
            if failed.is_none() && wanted(options, flow, message) {
                failed = rows.row(&line(flow, message, options.list.captures.reveal)).err();
            }
        },
        &mut |progress| bar.tell(progress),
    );
    bar.done();
    let read = read?;
    failed.map_or(Ok(()), Err)?;
    rows.finish()?;
    Ok(if read.incomplete { exit::INCOMPLETE } else { exit::DONE })
}

fn wanted(options: &Messages, flow: &Flow, message: &Message) -> bool {
    let list = &options.list;
    let is = |wanted: &Option<String>, value: serde_json::Value| {
        wanted.as_deref().is_none_or(|wanted| value == wanted)
    };
    let host = || message.text("host").or_else(|| message.text("sni")).or_else(|| message.text("name"));
    is(&list.protocol, json!(message.protocol))
        && is(&options.kind, json!(message.kind))
        && is(&options.direction, json!(flow.direction(message.from)))
        && is(&list.visibility, json!(message.visibility))
        && list.ip.is_none_or(|ip| [flow.client.ip, flow.server.ip].contains(&ip))
        && list.host.as_deref().is_none_or(|name| host().is_some_and(|host| flows::is_below(host, name)))
}

fn line(flow: &Flow, message: &Message, reveal: bool) -> serde_json::Value {
    let radiated = flow.transport.is_radio();
    let source = flow.end(message.from);
    let destination = flow.end(message.from.other());
    let mut fields = Map::new();
    for Field { name, value } in &message.fields {
        fields.insert((*name).to_owned(), shown(name, value, reveal));
    }
    let host = message.field("host").or_else(|| message.field("sni")).map(|host| shown("host", host, reveal));
    json!({
        "schema": "creance.message/1",
        "time": message.time,
        "protocol": message.protocol,
        "kind": message.kind,
        "direction": flow.direction(message.from),
        "visibility": message.visibility,
        "inside": flow.inside.map(|side| flow.end(side).ip),
        "inside_basis": flow.inside_basis,
        "app": flow.app.as_deref(),
        "flow": creance_flow::community_id(flow),
        "source": {"ip": (!radiated).then_some(source.ip), "port": source.port},
        "destination": {"ip": (!radiated).then_some(destination.ip), "port": destination.port, "host": host},
        "packets": message.packets,
        "bytes": message.bytes,
        "parts": parts(message, reveal),
        "fields": fields,
    })
}

/// Without `--reveal`, only what is known to be no value of anybody's is shown in full. A target ends at its question
/// mark; segments and labels that do not look like names are left out; positions are in whole degrees.
pub(crate) fn shown(name: &str, value: &Value, reveal: bool) -> serde_json::Value {
    let path = |path: &str| mask_path(path, &Secrets::default());
    match (name, value) {
        _ if reveal || PLAIN.contains(&name) => json!(value),
        ("uri", Value::Text(uri)) => match uri.split_once('?') {
            Some((target, _)) => json!(format!("{}?…", path(target))),
            None => json!(path(uri)),
        },
        ("host" | "sni" | "name", Value::Text(host)) => json!(mask_host(host, &Secrets::default())),
        ("names", Value::List(names)) => {
            json!(names.iter().map(|name| shown("name", name, reveal)).collect::<Vec<_>>())
        }
        ("topic" | "region", Value::Text(text)) => json!(path(text)),
        ("content_type", Value::Text(kind)) => json!(essence(kind)),
        ("method", Value::Text(method)) => json!(word(method)),
        ("alpn", Value::Text(name)) => json!(alpn(name)),
        ("alpn", Value::List(names)) => {
            json!(names.iter().map(|name| shown("alpn", name, reveal)).collect::<Vec<_>>())
        }
        ("topics", Value::List(topics)) => {
            json!(topics.iter().map(|topic| shown("topic", topic, reveal)).collect::<Vec<_>>())
        }
        (
            "lat" | "lon" | "home_lat" | "home_lon" | "operator_lat" | "operator_lon",
            Value::Float(degrees),
        ) => json!(degrees.trunc()),
        (_, Value::List(list)) => json!(list.iter().map(|_| "…").collect::<Vec<_>>()),
        _ => json!("…"),
    }
}

/// A media type without its parameters, which are free text.
pub(crate) fn essence(kind: &str) -> &str {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let plain = essence.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.+-_*".contains(&byte));
    if plain && essence.len() <= 64 { essence } else { "…" }
}

/// A method, where it is a word in capitals as all registered ones are.
fn word(method: &str) -> &str {
    if method.len() <= 20
        && method.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_'))
    {
        method
    } else {
        "…"
    }
}

/// A protocol name of TLS, where it is registered: others are free text of an app.
pub(crate) fn alpn(name: &str) -> &str {
    let known = [
        "h2",
        "h2c",
        "h3",
        "http/1.1",
        "http/1.0",
        "http/0.9",
        "mqtt",
        "dot",
        "doq",
        "webrtc",
        "c-webrtc",
        "acme-tls/1",
    ];
    let known = known.contains(&name) || name.starts_with("h3-") || name.starts_with("spdy/");
    if known && name.len() <= 12 { name } else { "…" }
}

/// Fields that say how something was sent, not what.
const PLAIN: &[&str] = &[
    "type",
    "id",
    "rcode",
    "addresses",
    "version",
    "quic",
    "cipher",
    "ja4",
    "grease",
    "ech",
    "level",
    "description",
    "why",
    "issuer",
    "status",
    "message",
    "sysid",
    "compid",
    "fix_type",
    "landed_state",
    "system_status",
    "armed",
    "flying",
    "ua_type",
    "operator_location",
    "height_over",
    "truncated",
    "hidden",
    "state",
    "product",
    "autopilot",
    "qos",
    "payload_bytes",
    "opcode",
    "ssrc",
    "payload_type",
    "medium",
    "codec",
    "codec_basis",
    "packets",
    "messages",
    "lost",
    "first",
    "last",
    "stratum",
    "suffix",
    "error",
    "mechanism",
    "command",
    "requested_transport",
    "nts",
    "body_cut",
    "limit",
    "storage",
    "upload_parts",
    "complete",
];

fn parts(message: &Message, reveal: bool) -> Vec<String> {
    let container = |(_, part): &(usize, Part<'_>)| !part.is_named();
    let step = |step: String| if reveal { step } else { mask_step(&step, &Secrets::default()) };
    let path = |(index, _)| message.decode_path(index).into_iter().map(step).collect::<Vec<_>>().join(" > ");
    message.parts.iter().enumerate().filter(container).map(path).collect()
}
