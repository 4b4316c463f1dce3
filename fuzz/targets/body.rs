//! Any bytes as a body: the first byte chooses what it is said to be. What is decoded stays within the limits.
#![no_main]

use creance_wire::{Limits, expand};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, body)) = bytes.split_first() else { return };
    let media_type = MEDIA_TYPES[usize::from(*choice) % MEDIA_TYPES.len()];
    let limits =
        Limits { head: 4096, body: 65_536, decoded: 262_144, parts: 256, depth: 6, ..Limits::default() };
    let parts = expand(body, media_type, &limits);
    assert!(parts.len() <= limits.parts, "{} parts", parts.len());
    for (number, part) in parts.iter().enumerate() {
        assert!(part.parent().is_none_or(|parent| parent < number), "a part comes after its parent");
    }
});

const MEDIA_TYPES: &[Option<&str>] = &[
    None,
    Some("application/json"),
    Some("application/x-www-form-urlencoded"),
    Some("multipart/form-data; boundary=b"),
    Some("application/gzip"),
    Some("image/jpeg"),
    Some("text/plain; charset=utf-8"),
    Some("application/octet-stream"),
    Some("application/x-protobuf"),
    Some("application/grpc"),
    Some("application/cbor"),
    Some("application/msgpack"),
    Some("application/xml"),
    Some("application/x-plist"),
    Some("text/csv"),
];
