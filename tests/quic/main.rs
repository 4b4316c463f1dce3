//! HTTP/3 by another implementation (aioquic) over loopback, recorded with dumpcap, against what creance makes of the
//! recording: each body, once and whole, both ways; over large bodies, many streams at once, every suite and version,
//! Retry, updated keys, other connection ids, other ports, early data.
//!
//! `play.py` needs aioquic in `target/uploads` (`./ci/test tools` puts it there) or a Python that has it in
//! `CREANCE_UPLOADS_PYTHON`, and the right to record and to listen at port 443.
#![expect(clippy::print_stdout, reason = "a test")]

use std::{fs, process::Command};

use creance_tests::{lines, player, root, told};
use serde::Deserialize;
use serde_json::Value;

/// A body, as the one who sent it tells it.
#[derive(Debug, Deserialize)]
struct Body {
    how: String,
    /// Whether it went up or down.
    way: String,
    sha256: String,
    bytes: u64,
}

/// Bytes that may stay closed: a Retry, and what fills up a datagram behind its packets.
const CLOSED: u64 = 1500;

#[test]
fn bodies_are_what_was_sent_each_once() {
    let python = match player("aioquic") {
        Ok(python) => python,
        Err(why) => {
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{why}");
            println!("skipped: {why}");
            return;
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let play = root().join("tests/quic/play.py");
    let played = Command::new(&python).arg("-B").arg(play).arg(folder).output().unwrap();
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
    let bodies: Vec<Body> = serde_json::from_slice(&fs::read(folder.join("bodies.json")).unwrap()).unwrap();
    assert!(bodies.len() > 130, "{} bodies", bodies.len());

    let open = folder.join("open");
    told("extract", &folder.join("quic.pcapng"), &["--reveal", "-o", &open.display().to_string()]);
    let rows = lines(&fs::read(open.join("manifest.jsonl")).unwrap());
    let mut wrong = Vec::new();
    for body in &bodies {
        let of: Vec<&Value> = rows.iter().filter(|row| row["sha256"] == body.sha256.as_str()).collect();
        let [row] = of.as_slice() else {
            wrong.push(format!("{}: {} files have its bytes", body.how, of.len()));
            continue;
        };
        let bytes = fs::read(open.join(row["file"].as_str().unwrap())).unwrap();
        assert_eq!(creance_audit::sha256(&bytes), body.sha256, "{}: on disk", body.how);
        let way = if body.way == "up" { "outbound" } else { "inbound" };
        if row["bytes"] != body.bytes || row["direction"] != way || row["protocol"] != "http/3" {
            wrong.push(format!("{}: {row}", body.how));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(rows.len(), bodies.len(), "nothing else was sent");
    // All of it was read, but for a Retry, what fills up datagrams, and what is sent again when the machine is busy.
    let flows = lines(&told("flows", &folder.join("quic.pcapng"), &[]));
    let closed: Vec<&Value> = flows
        .iter()
        .filter(|row| row["outside"]["port"] == 443)
        .filter(|row| {
            let [up, down, closed] =
                ["bytes_up", "bytes_down", "bytes_opaque"].map(|name| row[name].as_u64().unwrap());
            row["protocol"] != "http/3" || closed > CLOSED + (up + down) / 5
        })
        .collect();
    assert!(closed.is_empty(), "{closed:#?}");
    println!("{} bodies, {} flows", bodies.len(), flows.len());
}
