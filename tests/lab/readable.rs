//! What the keys open: every event under keys is readable, and messages cite only packets of their own.
//!
//! Readable means: the program tells a decrypted message of the event's connection, whose packets overlap those of the
//! event, and the same message holds the event's carrier to the last byte. Whose a packet is, tshark says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use creance_audit::{Request, messages, sha256};
use creance_model::{Carrier, Message, Part, Visibility};
use creance_tests::{run, shared};
use data_encoding::BASE64;
use serde_json::Value;

use crate::CAPTURES;

/// A line of `creance messages`, and the message that it tells.
struct Told {
    row: Value,
    message: Message,
}

#[test]
fn every_event_under_keys_is_readable_and_messages_cite_only_their_own_packets() {
    let Some(lab) = shared("lab") else {
        println!("skipped: no shared laboratory");
        return;
    };
    let mut figures: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (scenario, capture) in CAPTURES {
        let folder = lab.join(scenario);
        let truth: Value = serde_json::from_slice(&fs::read(folder.join("truth.json")).unwrap()).unwrap();
        let told = told(&folder, capture);
        cited(&folder.join(capture), &told);
        let events = truth["events"].as_array().unwrap();
        let reset = |event: &&Value| event["note"].as_str().is_some_and(|note| note.contains("is reset"));
        let reset: Vec<&Value> = events.iter().filter(reset).map(|event| &event["frames"]).collect();
        for event in events {
            let protocol = event["protocol"].as_str().unwrap();
            if event["visibility"] != "keys" {
                continue;
            }
            let figure = figures.entry(protocol.to_owned()).or_default();
            figure[1] += 1;
            let cut = reset.contains(&&event["frames"]);
            if told.iter().any(|told| is_of(told, event) && holds(&told.message, event, cut, &folder)) {
                figure[0] += 1;
            } else {
                unreadable.push(format!("{capture} {event:#}"));
            }
        }
    }
    for (protocol, [readable, of]) in &figures {
        println!("{protocol}: {readable}/{of}");
    }
    assert!(unreadable.is_empty(), "{} not readable: {}", unreadable.len(), unreadable.join("\n"));
    assert!(figures.len() >= 5, "{figures:?}");
}

/// What the program tells of a capture, and beside each line the message itself, with the bytes that no line shows.
fn told(folder: &Path, capture: &str) -> Vec<Told> {
    let (capture, keys) = (folder.join(capture), folder.join("capture.keys"));
    let shown = [&capture, &keys].map(|path| path.display().to_string());
    let output =
        run(["messages", &shown[0], "--keys", &shown[1], "--reveal", "--format", "jsonl", "-q"].as_slice());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut rows = rows.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    let request = Request { inputs: vec![shown[0].clone()], keys: vec![keys], ..Request::default() };
    let mut told = Vec::new();
    messages(
        &request,
        &mut |_, message| {
            let row = rows.next().unwrap();
            assert_eq!(row["packets"], serde_json::json!(message.packets));
            assert!(row["protocol"] == message.protocol && row["kind"] == message.kind, "{row}");
            told.push(Told { row, message: message.clone() });
        },
        &mut |_| {},
    )
    .unwrap();
    assert!(rows.next().is_none(), "no line without a message");
    told
}

/// Whether a message is of the event's connection, and lies in the packets of the event at least in part.
fn is_of(Told { row, message }: &Told, event: &Value) -> bool {
    let protocol = match event["protocol"].as_str().unwrap() {
        "http/1.1" => "http/1",
        other => other,
    };
    let frames = [0, 1].map(|end| event["frames"][end].as_u64().unwrap());
    let host = &row["destination"]["host"];
    message.visibility == Visibility::Decrypted
        && message.protocol == protocol
        && row["direction"] == "outbound"
        && row["source"]["port"] == event["src_port"]
        && row["destination"]["ip"] == event["dst_ip"]
        && row["destination"]["port"] == event["dst_port"]
        && (host.is_null() || *host == event["host"])
        && message.packets.iter().any(|packet| (frames[0]..=frames[1]).contains(packet))
}

/// Whether a message holds what carries the event. `cut`: the connection was reset in the middle of a body, of which the
/// first half must be there.
fn holds(message: &Message, event: &Value, cut: bool, folder: &Path) -> bool {
    let value = event["value"].as_str().unwrap();
    let length = usize::try_from(event["bytes"].as_u64().unwrap()).unwrap();
    let with = |carrier: Carrier| message.parts.iter().filter(move |part| part.carrier() == carrier);
    let says = |carrier: Carrier| with(carrier).any(|part| contains(part.bytes(), value));
    let root = |carrier: Carrier| with(carrier).filter(|part| part.parent().is_none());
    match event["carrier"].as_str().unwrap() {
        // An MD5 of what the event is about: its digits must be there.
        "uri" if event["encoding"] == "md5-hex" => {
            root(Carrier::Uri).any(|part| hex_runs(part).any(|run| run == 32))
        }
        "uri" => says(Carrier::Uri),
        "header" if event["encoding"] == "basic-auth" => with(Carrier::Header)
            .filter_map(|part| BASE64.decode(part.bytes().strip_prefix(b"Basic ")?).ok())
            .any(|pair| contains(&pair, value)),
        "header" => says(Carrier::Header),
        "cookie" => says(Carrier::Cookie),
        "body" | "body/exif" if cut => {
            let file = event["file"]["name"]
                .as_str()
                .map(|name| fs::read(folder.join("device").join(name)).unwrap());
            let half = file.as_ref().map_or(&b"Exif"[..], |file| &file[..file.len() / 2]);
            root(Carrier::Body).any(|part| 2 * part.bytes().len() > length && contains(part.bytes(), half))
        }
        "body" | "body/exif" => {
            let whole = &event["file"]["sha256"];
            // Of a resumed upload the truth counts the head as well.
            let uncut = message.bytes == length as u64 && message.field("body_cut").is_none();
            root(Carrier::Body).any(|part| uncut || part.bytes().len() == length)
                || with(Carrier::Body).any(|part| *whole == sha256(part.bytes()))
        }
        "ws-message" => root(Carrier::Body).any(|part| part.bytes().len() == length),
        // Its length is told together with that of the topic.
        "payload" => {
            let topic = message.text("topic").map_or(0, str::len);
            root(Carrier::Body).any(|part| topic + part.bytes().len() == length)
        }
        "topic" => message.text("topic").is_some_and(|topic| topic.contains(value)),
        "client-id" => message.text("client_id").is_some_and(|id| id.contains(value)),
        "username" => message.text("username") == Some(value),
        "password" => {
            message.parts.iter().any(|part| part.is("password") && part.bytes() == value.as_bytes())
        }
        // A carrier that this test does not know.
        _ => false,
    }
}

fn contains(bytes: &[u8], what: impl AsRef<[u8]>) -> bool {
    let what = what.as_ref();
    !what.is_empty() && bytes.windows(what.len()).any(|window| window == what)
}

/// Lengths of the runs of hexadecimal digits in a part.
fn hex_runs(part: Part<'_>) -> impl Iterator<Item = usize> {
    part.bytes().split(|byte| !byte.is_ascii_hexdigit()).map(<[u8]>::len)
}

/// One packet, as tshark has it.
struct Packet {
    source: (String, String),
    destination: (String, String),
    stream: String,
    /// Bytes of TCP or UDP content.
    content: usize,
}

/// Each packet that a message cites was sent by the end that said it to the end that heard it, within one connection,
/// and carried something. What is joined from several requests may be of several connections between the same hosts.
fn cited(capture: &Path, told: &[Told]) {
    let Some(packets) = packets(capture) else {
        println!("citations not checked: no tshark");
        return;
    };
    for Told { row, message } in told {
        let end =
            |which: &str| (row[which]["ip"].as_str().unwrap().to_owned(), row[which]["port"].to_string());
        let (source, destination) = (end("source"), end("destination"));
        let whole = message.kind == "upload";
        let mut streams = BTreeSet::new();
        assert!(!message.packets.is_empty(), "no packet cited: {row}");
        for number in &message.packets {
            let packet = &packets[number];
            streams.insert(&packet.stream);
            assert!(packet.content > 0, "packet {number} carries nothing: {row}");
            if whole {
                let hosts = (&packet.source.0, &packet.destination);
                assert_eq!(hosts, (&source.0, &destination), "packet {number} of {row}");
            } else if message.kind == "handshake-failed" {
                // The client fell silent: the server's hello is what there is to cite.
                let ends = BTreeSet::from([&packet.source, &packet.destination]);
                assert_eq!(ends, BTreeSet::from([&source, &destination]), "packet {number} of {row}");
            } else {
                let ends = (&packet.source, &packet.destination);
                assert_eq!(ends, (&source, &destination), "packet {number} of {row}");
            }
        }
        assert!(whole || streams.len() == 1, "{} connections: {row}", streams.len());
    }
    let cited: usize = told.iter().map(|told| told.message.packets.len()).sum();
    println!("{}: {} messages cite {cited} packets, all their own", capture.display(), told.len());
}

fn packets(capture: &Path) -> Option<BTreeMap<u64, Packet>> {
    let fields = [
        "frame.number",
        "ip.src",
        "ipv6.src",
        "tcp.srcport",
        "udp.srcport",
        "ip.dst",
        "ipv6.dst",
        "tcp.dstport",
        "udp.dstport",
        "tcp.stream",
        "udp.stream",
        "tcp.len",
        "udp.length",
    ];
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(capture).args(["-T", "fields", "-E", "occurrence=f"]);
    command.args(fields.iter().flat_map(|field| ["-e", *field]));
    let output = command.output().ok()?;
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let either = |a: usize, b: usize| format!("{}{}", cells[a], cells[b]);
        let tcp = cells[11].parse().unwrap_or(0);
        let udp = cells[12].parse::<usize>().map_or(0, |length| length - 8);
        let packet = Packet {
            source: (either(1, 2), either(3, 4)),
            destination: (either(5, 6), either(7, 8)),
            stream: format!("{}-{}", cells[9], cells[10]),
            content: tcp + udp,
        };
        (cells[0].parse().unwrap(), packet)
    };
    Some(text.lines().map(line).collect())
}
