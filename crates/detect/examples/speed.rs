//! Measures how fast messages are looked at: `cargo run --release -p creance-detect --example speed`
//!
//! 32 MB of text of three kinds, in one part, with twenty planted values of which the text holds none.
#![expect(clippy::print_stdout, clippy::cast_precision_loss, clippy::expect_used, reason = "a program")]

use std::{fmt::Write, time::Instant};

use creance_detect::{Canaries, Context, look};
use creance_model::{Carrier, Message, Parts, Side, Timestamp, Visibility};

const BYTES: usize = 32 << 20;

fn main() {
    let context =
        Context { canaries: Canaries::parse(&planted()).expect("the file is good"), ..Context::default() };
    let prose =
        "The aircraft climbs slowly over the river, and the pilot on the far bank waits for its picture. ";
    let log = "2026-06-11 08:30:00.123 I/Camera(1207): frame 4711 exposure=1/500 iso=100 temp=41.5 pos=(0.113,2.250) +12 ms http://x ok\n";
    let list = r#"{"id":48151,"name":"waypoint","speed":5.25,"alt":120.5,"to":["a","b"],"hash":"9f86d081884c7d65"},"#;
    for (name, line) in [("prose", prose), ("log", log), ("list", list)] {
        let message = message(line.bytes().cycle().take(BYTES).collect());
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let start = Instant::now();
            assert!(look(&message, &context).sightings.is_empty(), "nothing stands in it");
            best = best.min(start.elapsed().as_secs_f64());
        }
        println!("{name}: {:.0} MB/s", BYTES as f64 / 1e6 / best);
    }
}

fn planted() -> String {
    let mut file = String::new();
    for number in 0..4 {
        for (class, value) in [
            ("email", format!("o{number}.lindqvarn@netzwacht.example")),
            ("phone", format!("+88690077919{number}")),
            ("person-name", format!("Oskar{number} Lindqvarn")),
            ("location", format!("24.80186{number},120.965208")),
            ("serial", format!("1581F6SKYJU4JF3AN{number}X")),
        ] {
            // Writing to a string does not fail.
            let _ = write!(file, "[[canary]]\nclass = \"{class}\"\nvalue = \"{value}\"\n");
        }
    }
    file
}

fn message(bytes: Vec<u8>) -> Message {
    Message {
        time: Timestamp::default(),
        protocol: "http/1",
        kind: "request",
        from: Side::Client,
        visibility: Visibility::Clear,
        packets: vec![1],
        bytes: BYTES as u64,
        fields: Vec::new(),
        parts: Parts::one(Carrier::Body, "request body", bytes),
    }
}
