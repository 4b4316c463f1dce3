//! Any bytes as the body of a request, sent in flight, shown to every detector. What is sighted lies in the message, and masking it
//! hides it.
#![no_main]

use std::sync::LazyLock;

use creance_detect::{Canaries, CanarySet, Context, Fix, Flight, FoundIn, Known, Path, Role, look, mask};
use creance_model::{DataClass, Message, Side, Timestamp, Visibility};
use creance_wire::{Limits, expand};
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: {
        // The rules of telephone numbers are compiled once, which takes seconds here: that is no input's time.
        look(&request(b"+886900779195"), &CONTEXT);
    },
    |bytes: &[u8]| {
        check(bytes);
    }
);

fn request(bytes: &[u8]) -> Message {
    let limits =
        Limits { head: 4096, body: 65_536, decoded: 131_072, parts: 128, depth: 5, ..Limits::default() };
    Message {
        time: Timestamp::from_nanos(0),
        protocol: "http/1",
        kind: "request",
        from: Side::Client,
        visibility: Visibility::Clear,
        packets: vec![1],
        bytes: bytes.len() as u64,
        fields: Vec::new(),
        parts: expand(bytes, None, &limits),
    }
}

fn check(bytes: &[u8]) {
    let message = request(bytes);
    for sighting in look(&message, &CONTEXT).sightings {
        let part = message.parts.get(sighting.part).expect("a sighting names a part of its message");
        if let Some([start, end]) = sighting.range {
            assert!(start <= end && end <= part.length() as u64, "{}: {start}..{end}", sighting.detector);
        }
        let masked = mask(sighting.data_class, &sighting.value);
        assert!(sighting.value.len() < 12 || masked != sighting.value, "{} is not masked", sighting.detector);
    }
}

static CONTEXT: LazyLock<Context> = LazyLock::new(|| {
    let fixes = (0..60_i32).map(|second| Fix {
        time: Timestamp::from_secs(second.into()),
        lat: 24.745 + f64::from(second) * 1e-4,
        lon: 121.042,
    });
    let flight = Flight::new([Path { role: Role::Aircraft, fixes: fixes.collect() }]);
    let known = |class, value: &str| Known {
        class,
        value: value.to_owned(),
        found_in: FoundIn { file: "a.json".to_owned(), field: "json:/x".to_owned() },
    };
    let known = vec![
        known(DataClass::PersonName, "Oskar Lindqvarn"),
        known(DataClass::NetworkInfo, "heim"),
        known(DataClass::Location, "24.744922,121.043354"),
    ];
    Context {
        canaries: Canaries::with(CanarySet::parse(CANARIES).unwrap().values, known).unwrap(),
        flight,
        ..Context::default()
    }
});

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
