//! `creance messages`: the application messages of captures, one JSON object a line (`creance.message/1`).

use std::io::{BufWriter, Write};

use creance_audit::Request;
use creance_detect::{Secrets, mask_path, mask_step};
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
        "destination": {"ip": destination.ip, "port": destination.port, "host": message.text("host").or_else(|| message.text("sni"))},
        "packets": message.packets,
        "bytes": message.bytes,
        "parts": parts(message, reveal),
        "fields": fields,
    })
}

/// Without `--reveal`, a target ends at its question mark, segments of it and labels of names that do not look like names
/// are left out, and positions are in whole degrees.
fn shown(name: &str, value: &Value, reveal: bool) -> serde_json::Value {
    match (name, value) {
        ("uri", Value::Text(uri)) if !reveal => match uri.split_once('?') {
            Some((path, _)) => json!(format!("{}?…", mask_path(path, &Secrets::default()))),
            None => json!(mask_path(uri, &Secrets::default())),
        },
        ("name", Value::Text(name)) if !reveal => {
            json!(
                name.split('.')
                    .map(|label| if label.len() > LONG { "…" } else { label })
                    .collect::<Vec<_>>()
                    .join(".")
            )
        }
        ("lat" | "lon", Value::Float(degrees)) if !reveal => json!(degrees.trunc()),
        _ => json!(value),
    }
}

/// Longer labels of a DNS name carry data more often than a name.
const LONG: usize = 32;

fn parts(message: &Message, reveal: bool) -> Vec<String> {
    let container = |(_, part): &(usize, &Part)| part.name.is_none();
    let step = |step: String| if reveal { step } else { mask_step(&step, &Secrets::default()) };
    let path = |(index, _)| message.decode_path(index).into_iter().map(step).collect::<Vec<_>>().join(" > ");
    message.parts.iter().enumerate().filter(container).map(path).collect()
}
