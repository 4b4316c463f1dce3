//! `creance messages`: the application messages of captures, one JSON object a line (`creance.message/1`).

use std::io::{BufWriter, Write};

use creance_audit::Request;
use creance_detect::{Secrets, mask_host, mask_path, mask_step};
use creance_model::{Field, Flow, Message, Part, Value};
use serde_json::{Map, json};

use crate::{
    args::{Messages, Talk},
    exit,
    progress::Bar,
};

pub(crate) fn run(options: &Messages, talk: Talk) -> anyhow::Result<u8> {
    let request = Request {
        inputs: options.inputs.clone(),
        keys: options.keys.clone(),
        inside: options.inside.clone(),
        ..Request::default()
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut failed = None;
    let bar = Bar::new(talk);
    let read = creance_audit::messages(
        &request,
        &mut |flow, message| {
            let wanted = options.protocol.as_deref().is_none_or(|name| name == message.protocol);
            if wanted && failed.is_none() {
                failed = writeln!(out, "{}", line(flow, message, options.reveal)).err();
            }
        },
        &mut |progress| bar.tell(progress),
    );
    bar.done();
    let read = read?;
    failed.map_or(Ok(()), Err)?;
    out.flush()?;
    Ok(if read.incomplete { exit::INCOMPLETE } else { exit::DONE })
}

fn line(flow: &Flow, message: &Message, reveal: bool) -> serde_json::Value {
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
        "flow": creance_flow::community_id(flow),
        "source": source,
        "destination": {"ip": destination.ip, "port": destination.port, "host": host},
        "packets": message.packets,
        "bytes": message.bytes,
        "parts": parts(message, reveal),
        "fields": fields,
    })
}

/// Without `--reveal`, only what is known to be no value of anybody's is shown in full. A target ends at its question
/// mark; segments and labels that do not look like names are left out; positions are in whole degrees.
fn shown(name: &str, value: &Value, reveal: bool) -> serde_json::Value {
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
        ("topic", Value::Text(topic)) => json!(path(topic)),
        ("topics", Value::List(topics)) => {
            json!(topics.iter().map(|topic| shown("topic", topic, reveal)).collect::<Vec<_>>())
        }
        ("lat" | "lon", Value::Float(degrees)) => json!(degrees.trunc()),
        (_, Value::List(list)) => json!(list.iter().map(|_| "…").collect::<Vec<_>>()),
        _ => json!("…"),
    }
}

/// Fields that say how something was sent, not what.
const PLAIN: &[&str] = &[
    "type",
    "id",
    "rcode",
    "addresses",
    "version",
    "cipher",
    "ja4",
    "alpn",
    "grease",
    "ech",
    "level",
    "description",
    "why",
    "issuer",
    "method",
    "status",
    "content_type",
    "message",
    "sysid",
    "compid",
    "fix_type",
    "landed_state",
    "system_status",
    "armed",
    "autopilot",
    "qos",
    "payload_bytes",
    "opcode",
    "body_cut",
    "limit",
];

fn parts(message: &Message, reveal: bool) -> Vec<String> {
    let container = |(_, part): &(usize, &Part)| part.name.is_none();
    let step = |step: String| if reveal { step } else { mask_step(&step, &Secrets::default()) };
    let path = |(index, _)| message.decode_path(index).into_iter().map(step).collect::<Vec<_>>().join(" > ");
    message.parts.iter().enumerate().filter(container).map(path).collect()
}
