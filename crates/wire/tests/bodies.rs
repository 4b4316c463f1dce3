//! What holds of bodies: whatever they are packed in is taken off again, within the limits.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::io::Write;

use creance_model::{Endpoint, Flow, InsideBasis, Message, Part, Parts, Side, Timestamp, Transport, Value};
use creance_wire::{At, Limits, Means, Reader, expand};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use proptest::prelude::*;
use serde_json::json;

/// What a value can be packed in.
#[derive(Clone, Copy, Debug)]
enum Wrap {
    Json,
    JsonList,
    Base64,
    Base64Url,
    Hex,
    Gzip,
    Zlib,
    Zstd,
    Lz4,
    Protobuf,
    CborBytes,
    CborText,
    MsgpackText,
    MsgpackBytes,
    XmlText,
    XmlAttribute,
    PlistString,
    PlistData,
    BinaryPlist,
    Form,
}

const ALL: &[Wrap] = &[
    Wrap::Json,
    Wrap::JsonList,
    Wrap::Base64,
    Wrap::Base64Url,
    Wrap::Hex,
    Wrap::Gzip,
    Wrap::Zlib,
    Wrap::Zstd,
    Wrap::Lz4,
    Wrap::Protobuf,
    Wrap::CborBytes,
    Wrap::CborText,
    Wrap::MsgpackText,
    Wrap::MsgpackBytes,
    Wrap::XmlText,
    Wrap::XmlAttribute,
    Wrap::PlistString,
    Wrap::PlistData,
    Wrap::BinaryPlist,
    Wrap::Form,
];

impl Wrap {
    fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Json => json!({ "id": 7, "data": text(bytes) }).to_string().into_bytes(),
            Self::JsonList => json!([{ "rows": [1, text(bytes)] }]).to_string().into_bytes(),
            Self::Base64 => BASE64.encode(bytes).into_bytes(),
            Self::Base64Url => BASE64URL_NOPAD.encode(bytes).into_bytes(),
            Self::Hex => HEXLOWER.encode(bytes).into_bytes(),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Self::Zlib => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Self::Zstd => zstd::bulk::compress(bytes, 3).unwrap(),
            Self::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Self::Protobuf => [&[0x08, 7, 0x12][..], &varint(bytes.len()), bytes].concat(),
            Self::CborBytes => [b"\xa2\x62id\x07\x67payload\x5a", &length(bytes)[..], bytes].concat(),
            Self::CborText => {
                let text = text(bytes);
                [b"\xa1\x67payload\x7a", &length(text.as_bytes())[..], text.as_bytes()].concat()
            }
            Self::MsgpackText => {
                let text = text(bytes);
                [b"\x82\xa2id\x07\xa7payload\xdb", &length(text.as_bytes())[..], text.as_bytes()].concat()
            }
            Self::MsgpackBytes => [b"\x81\xa7payload\xc6", &length(bytes)[..], bytes].concat(),
            Self::XmlText => format!("<r><id>7</id><v a='b'>{}</v></r>", escaped(bytes)).into_bytes(),
            Self::XmlAttribute => format!("<r><v a=\"{}\"/></r>", escaped(bytes)).into_bytes(),
            Self::PlistString => plist(&format!("<string>{}</string>", escaped(bytes))),
            Self::PlistData => plist(&format!("<data>\n{}\n</data>", BASE64.encode(bytes))),
            Self::BinaryPlist => binary_plist(bytes),
            Self::Form => {
                let mut form = b"id=7&data=".to_vec();
                for byte in bytes {
                    if byte.is_ascii_alphanumeric() {
                        form.push(*byte);
                    } else {
                        write!(form, "%{byte:02X}").unwrap();
                    }
                }
                form
            }
        }
    }
}

/// Bytes as text: as they are, or in base64.
fn text(bytes: &[u8]) -> String {
    let plain = |c: char| !c.is_control() || c == '\n';
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().all(plain) => text.to_owned(),
        _ => BASE64.encode(bytes),
    }
}

fn escaped(bytes: &[u8]) -> String {
    let text = text(bytes).replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    text.replace('\n', "&#10;").replace('\'', "&#x27;")
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap().to_be_bytes()
}

fn plist(value: &str) -> Vec<u8> {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\">";
    format!("{head}<dict><key>n</key><integer>7</integer><key>d</key>{value}</dict></plist>").into_bytes()
}

/// `{ "d": data }`.
fn binary_plist(bytes: &[u8]) -> Vec<u8> {
    let mut list = b"bplist00\xd1\x01\x02\x51d\x4f\x12".to_vec();
    list.extend(length(bytes));
    list.extend(bytes);
    let table = list.len() as u64;
    list.extend([8, 11, 13, 0, 0, 0, 0, 0, 0, 1, 1]);
    for number in [3, 0, table] {
        list.extend(number.to_be_bytes());
    }
    list
}

/// The last part of a form with a file before it.
fn multipart(bytes: &[u8]) -> Vec<u8> {
    let head = b"--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nx\r\n\
        --B\r\nContent-Disposition: form-data; name=\"d\"\r\n\r\n";
    [head, bytes, b"\r\n--B--\r\n"].concat()
}

const MARKER: &str = "marker of the innermost, Zürich 24.8";

/// Something with the marker in it.
fn innermost() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(MARKER.as_bytes().to_vec()),
        "[a-z]{1,8}".prop_map(|key| json!({ "n": 1, key: [MARKER] }).to_string().into_bytes()),
        ("[ -~é]{0,40}", "[a-z]{1,8}").prop_map(|(other, key)| {
            json!({ "other": other, "o": { key: MARKER } }).to_string().into_bytes()
        }),
    ]
}

fn has_marker(parts: &Parts) -> bool {
    parts.iter().any(|part| part.bytes() == MARKER.as_bytes())
}

const KINDS: &[&str] = &[
    "",
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=B",
    "application/x-protobuf",
    "application/grpc",
    "application/cbor",
    "application/msgpack",
    "application/xml",
    "application/x-plist",
    "text/plain",
    "text/html",
];

/// Sums and shape of what was taken apart.
fn check(parts: &Parts, input: usize, limits: &Limits) -> Result<(), TestCaseError> {
    prop_assert!(parts.len() <= limits.parts, "{} parts", parts.len());
    let decoded: usize = parts.iter().skip(1).map(|part| part.bytes().len()).sum();
    // The value that reaches the limit is whole, and none is longer than what it was in.
    prop_assert!(decoded <= 2 * limits.decoded + 2 * input, "{decoded} bytes");
    for (index, part) in parts.iter().enumerate() {
        prop_assert!(part.parent().is_none_or(|parent| parent < index));
    }
    Ok(())
}

proptest! {
    #[test]
    fn whatever_a_value_is_packed_in_is_taken_off(
        inner in innermost(),
        wraps in prop::collection::vec(prop::sample::select(ALL), 1..=5),
        in_parts: bool,
    ) {
        let mut bytes = inner;
        for wrap in &wraps {
            bytes = wrap.pack(&bytes);
        }
        let limits = Limits { depth: 40, ..Limits::default() };
        let kind = if in_parts { Some("multipart/form-data; boundary=B") } else { None };
        let parts = expand(&if in_parts { multipart(&bytes) } else { bytes.clone() }, kind, &limits);
        prop_assert!(has_marker(&parts), "{:?}", parts.iter().map(Part::step).collect::<Vec<_>>());
    }

    #[test]
    fn damage_to_packed_values_stays_within_the_limits(
        inner in innermost(),
        wraps in prop::collection::vec(prop::sample::select(ALL), 1..=4),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        kind in prop::sample::select(KINDS),
    ) {
        let mut bytes = inner;
        for wrap in &wraps {
            bytes = wrap.pack(&bytes);
        }
        for (at, byte) in flips {
            *at.get_mut(&mut bytes) = byte;
        }
        let limits = Limits { parts: 60, decoded: 4096, ..Limits::default() };
        check(&expand(&bytes, Some(kind), &limits), bytes.len(), &limits)?;
    }

    #[test]
    fn any_bytes_of_any_type_stay_within_the_limits(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&[0x0a_u8, 0x12, 0x81, 0x91, 0xa1, 0x9f, 0xbf, 0xff, 0x61, 0x01][..])], 0..300),
        magic in prop::sample::select(&["", "bplist00", "<?xml?><a>", "\u{4}\"M\u{18}", "{\"a\":1,", "\0\0\0\0\u{9}"][..]),
        kind in prop::sample::select(KINDS),
    ) {
        let bytes = [magic.as_bytes(), &bytes].concat();
        let limits = Limits { parts: 60, decoded: 4096, ..Limits::default() };
        check(&expand(&bytes, Some(kind), &limits), bytes.len(), &limits)?;
    }

    #[test]
    fn cbor_and_messagepack_are_read_as_other_libraries_write_them(document in documents()) {
        let mut cbor = Vec::new();
        ciborium::into_writer(&document, &mut cbor).unwrap();
        prop_assert_eq!(told(&cbor, "application/cbor"), expected(&document, "cbor"));
        let msgpack = rmp_serde::to_vec_named(&document).unwrap();
        prop_assert_eq!(told(&msgpack, "application/msgpack"), expected(&document, "msgpack"));
    }
}

/// Documents as programs write them.
fn documents() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        "[ -~é😀\n]{0,40}".prop_map(Into::into),
    ];
    let inner = leaf.prop_recursive(4, 60, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Into::into),
            prop::collection::hash_map("[a-z/~]{1,40}", inner, 0..20)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    inner.prop_map(|value| json!({ "top": value }))
}

fn told(bytes: &[u8], kind: &str) -> Vec<(String, String)> {
    let format = format!("{}:", kind.trim_start_matches("application/"));
    let mut told: Vec<_> = expand(bytes, Some(kind), &Limits::default())
        .iter()
        .filter(|part| part.name().is_some() && part.step().starts_with(&format))
        .map(|part| (part.step().to_string(), String::from_utf8(part.bytes().to_vec()).unwrap()))
        .collect();
    told.sort();
    told
}

fn expected(document: &serde_json::Value, format: &str) -> Vec<(String, String)> {
    let mut leaves = Vec::new();
    collect(&format!("{format}:"), document, &mut leaves);
    leaves.sort();
    leaves
}

fn collect(path: &str, value: &serde_json::Value, leaves: &mut Vec<(String, String)>) {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                collect(&format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), value, leaves);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(&format!("{path}/{index}"), value, leaves);
            }
        }
        Value::Null => {}
        Value::String(text) => leaves.push((path.to_owned(), text.clone())),
        other => leaves.push((path.to_owned(), other.to_string())),
    }
}

/// Every pair, at the limits that a user has.
#[test]
fn each_wrap_in_each_other_is_taken_off() {
    for outer in ALL {
        for inner in ALL {
            let bytes = outer.pack(&inner.pack(MARKER.as_bytes()));
            let parts = expand(&bytes, None, &Limits::default());
            let steps: Vec<_> = parts.iter().map(Part::step).collect();
            assert!(has_marker(&parts), "{inner:?} in {outer:?}: {steps:?}");
        }
    }
}

/// A request with this body, read with limits that a bomb passes.
fn request(encoding: &str, body: &[u8], limits: &Limits) -> Message {
    let flow = Flow {
        id: 1,
        transport: Transport::Tcp,
        client: Endpoint { ip: "192.168.1.2".parse().unwrap(), port: 40_000 },
        server: Endpoint { ip: "47.95.1.2".parse().unwrap(), port: 80 },
        inside: Some(Side::Client),
        inside_basis: InsideBasis::PrivateRange,
        first: Timestamp::default(),
        client_mac: None,
        server_mac: None,
        app: None,
    };
    let head = format!(
        "POST / HTTP/1.1\r\nHost: h.example\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut reader = Reader::new(&Means::default());
    let mut messages = Vec::new();
    let mut emit = |message: Message| messages.push(message);
    let at = At { packet: 1, time: Timestamp::default() };
    reader.feed(&flow, Side::Client, &[head.as_bytes(), body].concat(), at, limits, &mut emit);
    reader.finish(&flow, limits, &mut emit);
    messages.remove(0)
}

#[test]
fn bombs_are_stopped_at_the_limit_and_it_is_said() {
    let limits = Limits { decoded: 1 << 20, ..Limits::default() };
    let zeros = vec![0; 8 << 20];
    // Eight MiB of zeros, by node's zlib.
    let brotli = HEXLOWER.decode(b"9bffff7ff82700e2b14020f7fe0f").unwrap();
    let packed = |wrap: Wrap| wrap.pack(&zeros);
    let bombs = [
        ("gzip", packed(Wrap::Gzip)),
        ("deflate", packed(Wrap::Zlib)),
        ("zstd", packed(Wrap::Zstd)),
        ("br", brotli),
        ("identity", packed(Wrap::Gzip)),
        ("identity", packed(Wrap::Zlib)),
        ("identity", packed(Wrap::Zstd)),
        ("identity", packed(Wrap::Lz4)),
        ("identity", Wrap::Gzip.pack(&packed(Wrap::Gzip))),
        ("identity", Wrap::Protobuf.pack(&packed(Wrap::Lz4))),
        ("identity", Wrap::CborBytes.pack(&packed(Wrap::Zstd))),
        ("identity", Wrap::BinaryPlist.pack(&packed(Wrap::Zlib))),
    ];
    for (encoding, bomb) in bombs {
        let message = request(encoding, &bomb, &limits);
        let said = message.fields.iter().find(|field| field.name == "limit").map(|field| &field.value);
        assert_eq!(said, Some(&Value::Text("decompressed content".to_owned())), "{encoding}");
        let decoded: usize = message.parts.iter().map(|part| part.bytes().len()).sum();
        assert!(decoded <= limits.decoded + 2 * bomb.len() + 4096, "{encoding}: {decoded}");
    }
}

#[test]
fn many_parts_and_deep_ones_are_stopped_and_it_is_said() {
    let limits = Limits::default();
    let said = |body: &[u8]| {
        let message = request("identity", body, &limits);
        message.text("limit").map(str::to_owned)
    };
    let list: Vec<u32> = (0..30_000).collect();
    assert_eq!(
        said(&rmp_serde::to_vec(&("a list of thirty thousand", list)).unwrap()).as_deref(),
        Some("number of parts")
    );
    let mut deep = MARKER.as_bytes().to_vec();
    for _ in 0..20 {
        deep = Wrap::MsgpackBytes.pack(&deep);
    }
    assert_eq!(said(&deep).as_deref(), Some("depth of parts"));
}
