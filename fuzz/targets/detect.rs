//! Any bytes as the body of a request, shown to every detector. What is sighted lies in the message, and masking it
//! hides it.
#![no_main]

use std::sync::LazyLock;

use creance_detect::{Canaries, Context, look, mask};
use creance_model::{Message, Side, Timestamp, Visibility};
use creance_wire::{Limits, expand};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits =
        Limits { head: 4096, body: 65_536, decoded: 131_072, parts: 128, depth: 5, ..Limits::default() };
    let message = Message {
        time: Timestamp::from_nanos(0),
        protocol: "http/1",
        kind: "request",
        from: Side::Client,
        visibility: Visibility::Clear,
        packets: vec![1],
        bytes: bytes.len() as u64,
        fields: Vec::new(),
        parts: expand(bytes, None, &limits),
    };
    for sighting in look(&message, &CONTEXT).sightings {
        let part = message.parts.get(sighting.part).expect("a sighting names a part of its message");
        if let Some([start, end]) = sighting.range {
            assert!(start <= end && end <= part.bytes.len() as u64, "{}: {start}..{end}", sighting.detector);
        }
        let masked = mask(sighting.data_class, &sighting.value);
        assert!(sighting.value.len() < 12 || masked != sighting.value, "{} is not masked", sighting.detector);
    }
});

static CONTEXT: LazyLock<Context> =
    LazyLock::new(|| Context { canaries: Canaries::parse(CANARIES).unwrap(), ..Context::default() });

const CANARIES: &str = r#"
[[canary]]
class = "email"
value = "ada@skylark.example"

[[canary]]
class = "credential"
value = "otter%12:64"

[[canary]]
class = "location"
value = "24.801868,120.965208"
"#;
