//! `creance extract`: the files that captures carry, both ways, with a manifest.
//!
//! Names come from the wire and are made safe: no path, no hidden file, nothing that is overwritten.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::Context;
use creance_detect::{Secrets, mask_file};
use creance_model::{Carrier, Direction, Flow, Message, Part, Value};
use serde_json::json;

use crate::{
    args::{Extract, Talk},
    exit, flows, messages,
    progress::Bar,
};

pub(crate) fn run(options: &Extract, talk: Talk) -> anyhow::Result<u8> {
    let folder = &options.output;
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        let why = format!("{} holds files already: give a new folder", folder.display());
        return Err(exit::Usage(why).into());
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let manifest = folder.join("manifest.jsonl");
    let mut writer = Writer {
        folder,
        manifest: BufWriter::new(
            File::create_new(&manifest).with_context(|| format!("cannot write {}", manifest.display()))?,
        ),
        written: 0,
        options,
    };
    let mut request = flows::request(&options.captures);
    request.limits.wire.keep = creance_audit::Keep::All;
    let mut failed = None;
    let mut hosts = HashMap::new();
    let bar = Bar::new(talk);
    let read = creance_audit::messages(
        &request,
        &mut |flow, message| {
            if failed.is_none() && wanted(options, &mut hosts, flow, message) {
                failed = writer.message(flow, message).err();
            }
        },
        &mut |progress| bar.tell(progress),
    );
    bar.done();
    let read = read?;
    failed.map_or(Ok(()), Err)?;
    writer.manifest.flush()?;
    writeln!(
        std::io::stdout(),
        "{} files in {}, listed in manifest.jsonl",
        writer.written,
        folder.display()
    )?;
    Ok(if read.incomplete { exit::INCOMPLETE } else { exit::DONE })
}

fn wanted(options: &Extract, hosts: &mut HashMap<u64, String>, flow: &Flow, message: &Message) -> bool {
    // Parts of an upload are written as the object that they make.
    let outbound = flow.direction(message.from) == Direction::Outbound;
    if outbound && creance_audit::is_part_of_upload(message) {
        return false;
    }
    // An answer is from whom the flow's last request was for.
    if let Some(host) = message.text("host") {
        hosts.insert(flow.id, host.to_owned());
    }
    options
        .host
        .as_deref()
        .is_none_or(|name| hosts.get(&flow.id).is_some_and(|host| flows::is_below(host, name)))
}

struct Writer<'a> {
    folder: &'a Path,
    manifest: BufWriter<File>,
    written: u64,
    options: &'a Extract,
}

impl Writer<'_> {
    fn message(&mut self, flow: &Flow, message: &Message) -> anyhow::Result<()> {
        for (index, name) in carried(message, self.options.all) {
            let Some(part) = message.parts.get(index).filter(|part| part.length() > 0) else { continue };
            self.written += 1;
            let reveal = self.options.captures.reveal;
            // A name may say what values are masked for.
            let shown = if reveal {
                name.clone()
            } else {
                mask_file(&name, &Secrets::default()).replace('…', "file")
            };
            let safe = safe_name(self.written, &shown, part.bytes());
            let path = self.folder.join(&safe);
            File::create_new(&path)
                .and_then(|mut file| file.write_all(part.bytes()))
                .with_context(|| format!("cannot write {}", path.display()))?;
            let fields: serde_json::Map<_, _> = message
                .fields
                .iter()
                .map(|field| (field.name.to_owned(), messages::shown(field.name, &field.value, reveal)))
                .collect();
            let whole = message.field("body_cut").is_none()
                && message.field("complete").is_none_or(|complete| *complete == Value::Flag(true));
            let row = json!({
                "schema": "creance.extract/1",
                "file": safe,
                "sha256": creance_audit::sha256(part.bytes()),
                "bytes": part.length(),
                "complete": whole,
                "media_type": part.media_type().map(messages::essence),
                "name": if reveal { json!(name) } else { json!("…") },
                "time": message.time,
                "protocol": message.protocol,
                "kind": message.kind,
                "direction": flow.direction(message.from),
                "visibility": message.visibility,
                "flow": creance_flow::community_id(flow),
                "source": flow.end(message.from),
                "destination": flow.end(message.from.other()),
                "packets": message.packets,
                "fields": fields,
            });
            writeln!(self.manifest, "{row}")?;
        }
        Ok(())
    }
}

/// The files of a message: which parts, and under which names they were sent.
fn carried(message: &Message, all: bool) -> Vec<(usize, String)> {
    let mut files = Vec::new();
    for (index, part) in message.parts.iter().enumerate().filter(|(_, part)| part.carrier() == Carrier::Body)
    {
        let child =
            |step: &str| message.parts.iter().find(|child| child.parent() == Some(index) && child.is(step));
        if part.step_of("multipart").is_some() {
            if let Some(name) = child("multipart-filename") {
                files.push((index, String::from_utf8_lossy(name.bytes()).into_owned()));
            }
        } else if part.parent().is_none() {
            let content = content(message, index);
            let Some(of) = message.parts.get(content) else { continue };
            let parted = message
                .parts
                .iter()
                .any(|child| child.parent() == Some(content) && child.step_of("multipart").is_some());
            if !parted && (all || is_file(of)) {
                files.push((content, target_name(message)));
            }
        }
    }
    files
}

/// A body without its content encodings: the part that was given the media type, else the body itself.
fn content(message: &Message, body: usize) -> usize {
    let mut at = body;
    while message.parts.get(at).is_some_and(|part| part.media_type().is_none()) {
        let inside = message.parts.iter().enumerate().find(|(_, child)| {
            child.parent() == Some(at)
                && matches!(&*child.step(), "gzip" | "zlib" | "deflate" | "br" | "zstd")
        });
        match inside {
            Some((index, part)) if part.media_type().is_some() => return index,
            Some((index, _)) => at = index,
            None => return body,
        }
    }
    at
}

/// What programs say to each other is no file.
fn is_file(part: Part<'_>) -> bool {
    let kind = part.media_type().unwrap_or_default().to_lowercase();
    let talk = ["json", "x-www-form-urlencoded", "protobuf", "grpc", "cbor", "msgpack"];
    let json = kind.is_empty() && matches!(part.bytes().trim_ascii_start().first(), Some(b'{' | b'['));
    !json && !talk.iter().any(|word| kind.contains(word))
}

/// The last segment of a request's target, or the object that it names.
fn target_name(message: &Message) -> String {
    let target = message.text("object").or_else(|| message.text("uri")).unwrap_or_default();
    let path = target.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// A number, and of a name that somebody else chose what cannot do harm, with an ending that fits the content.
fn safe_name(number: u64, name: &str, bytes: &[u8]) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .take(80)
        .collect();
    let safe = safe.trim_matches('.');
    let ending = ending(bytes).filter(|_| !safe.contains('.')).unwrap_or_default();
    if safe.is_empty() { format!("{number:05}{ending}") } else { format!("{number:05}-{safe}{ending}") }
}

fn ending(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0xff, 0xd8, 0xff, ..] => ".jpg",
        [0x89, b'P', b'N', b'G', ..] => ".png",
        [b'G', b'I', b'F', b'8', ..] => ".gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => ".webp",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => ".wav",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => ".mp4",
        [b'P', b'K', 3, 4, ..] => ".zip",
        [0x1f, 0x8b, ..] => ".gz",
        [b'%', b'P', b'D', b'F', ..] => ".pdf",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_folder_or_hide() {
        for (name, safe) in [
            ("../../etc/passwd", "00007-passwd"),
            ("..\\..\\boot.ini", "00007-boot.ini"),
            (".bashrc", "00007-bashrc"),
            ("a\0b\nc.jpg", "00007-a_b_c.jpg"),
            ("..", "00007"),
        ] {
            assert_eq!(safe_name(7, name, b"x"), safe);
        }
        assert_eq!(safe_name(7, "photo", &[0xff, 0xd8, 0xff]), "00007-photo.jpg");
        assert!(safe_name(1, &"x".repeat(5000), b"").len() < 100);
    }
}
