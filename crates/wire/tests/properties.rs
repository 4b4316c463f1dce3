//! What holds of every protocol: no bytes make it panic, and how bytes arrive changes nothing.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use creance_model::{Endpoint, Flow, InsideBasis, Message, Side, Timestamp, Transport};
use creance_wire::{At, Limits, Means, Reader};
use proptest::prelude::*;

fn flow(transport: Transport, port: u16) -> Flow {
    Flow {
        id: 1,
        transport,
        client: Endpoint { ip: "192.168.1.2".parse().unwrap(), port: 40_000 },
        server: Endpoint { ip: "47.95.1.2".parse().unwrap(), port },
        inside: Some(Side::Client),
        inside_basis: InsideBasis::PrivateRange,
        first: Timestamp::default(),
        client_mac: None,
        server_mac: None,
        app: None,
    }
}

/// What a flow says when it comes in these pieces; packets are left out, for they are the pieces.
fn read(flow: &Flow, pieces: &[(Side, &[u8])]) -> Vec<String> {
    let limits = Limits::default();
    let mut reader = Reader::new(&Means::default());
    let mut told = Vec::new();
    let mut emit = |mut message: Message| {
        message.packets = Vec::new();
        told.push(format!("{message:?}"));
    };
    for (from, bytes) in pieces {
        reader.feed(flow, *from, bytes, At { packet: 1, time: Timestamp::default() }, &limits, &mut emit);
    }
    reader.finish(flow, &limits, &mut emit);
    told
}

fn cut<'a>(bytes: &'a [u8], at: &[prop::sample::Index]) -> Vec<(Side, &'a [u8])> {
    let mut cuts: Vec<usize> = at.iter().map(|at| at.index(bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2)
        .map(|two| (Side::Client, &bytes[two[0]..two[1]]))
        .filter(|(_, piece)| !piece.is_empty())
        .collect()
}

/// Three requests, one chunked and one with a form, a ClientHello without extensions, video that is announced and sent,
/// a registration, a mail, and a command of RTMP.
fn streams() -> Vec<Vec<u8>> {
    let http = b"POST /a?x=1 HTTP/1.1\r\nHost: h.example\r\nContent-Length: 7\r\n\r\n{\"a\":1}GET /b HTTP/1.1\r\nHost: h.example\r\n\r\n\
        POST /c HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n4\r\nk=va\r\n3\r\nlue\r\n0\r\n\r\n";
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    let mut hello = vec![
        0x16,
        3,
        1,
        0,
        u8::try_from(body.len() + 4).unwrap(),
        1,
        0,
        0,
        u8::try_from(body.len()).unwrap(),
    ];
    hello.extend(body);
    let unusual = b"REPORT /an/unusual/method HTTP/1.1\r\nHost: h.example\r\n\r\n";
    let mut rtsp = b"ANNOUNCE rtsp://h.example/d RTSP/1.0\r\nContent-Type: application/sdp\r\nContent-Length: 45\r\n\r\n\
        m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/9000\r\n"
        .to_vec();
    for number in 1..=3 {
        rtsp.extend([b'$', 0, 0, 14, 0x80, 96, 0, number, 0, 0, 0, number, 0, 0, 0, 7, 0x65, 1]);
    }
    let sip = b"REGISTER sip:h.example SIP/2.0\r\nf: <sip:ada@h.example>\r\nl: 2\r\n\r\nhi\r\nOPTIONS sip:h.example SIP/2.0\r\n\r\n";
    let smtp = b"EHLO tablet\r\nMAIL FROM:<ada@h.example>\r\nRCPT TO:<b@h.example>\r\nDATA\r\nSubject: a\r\n\r\n..b\r\n.\r\nQUIT\r\n";
    let mut live = vec![3];
    live.extend([0; 3072]);
    live.extend(b"\x03\0\0\0\0\0\x15\x14\x01\0\0\0\x02\0\x07connect\0\0\0\0\0\0\0\0\0\x05\x05");
    vec![http.to_vec(), hello, unusual.to_vec(), rtsp, sip.to_vec(), smtp.to_vec(), live]
}

/// Datagrams that are understood, with the ports to which they go.
fn datagrams() -> Vec<(u16, Vec<u8>)> {
    let name = b"\x20EGFCEFEECACACACACACACACACACACACA\0";
    let mut dhcp = vec![1, 1, 6, 0];
    dhcp.extend([0; 24 + 208]);
    dhcp.extend(b"\x63\x82\x53\x63\x35\x01\x01\x0c\x05adas1\xff");
    let mut ntp = vec![0x23];
    ntp.extend([0; 47]);
    vec![
        (67, dhcp),
        (547, b"\x01\x02\x03\x04\0\x01\0\x04\0\x03\0\x01\0\x27\0\x06\0\x03ada\0".to_vec()),
        (123, ntp),
        (137, [b"\0\x07\x01\x10\0\x01\0\0\0\0\0\0".as_slice(), name, b"\0\x20\0\x01"].concat()),
        (1900, b"M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n".to_vec()),
        (3478, b"\0\x01\0\x08\x21\x12\xa4\x42abcdefghijkl\0\x06\0\x03ada\0".to_vec()),
        (5060, b"BYE sip:h.example SIP/2.0\r\n\r\n".to_vec()),
        (5004, b"\x80\xc9\0\x01abcd\x81\xca\0\x03abcd\x01\x03a@b\0\0\0".to_vec()),
    ]
}

#[test]
fn the_datagrams_of_these_tests_are_understood() {
    for (port, datagram) in datagrams() {
        let told = read(&flow(Transport::Udp, port), &[(Side::Client, &datagram)]);
        assert_eq!(told.len(), 1, "{port}: {told:?}");
    }
}

#[test]
fn the_streams_of_these_tests_are_understood() {
    let flow = flow(Transport::Tcp, 80);
    let told: Vec<usize> =
        streams().iter().map(|stream| read(&flow, &[(Side::Client, stream)]).len()).collect();
    assert_eq!(told, [3, 1, 1, 2, 2, 2, 1]);
}

#[test]
fn tunnels_in_tunnels_end_somewhere() {
    let flow = flow(Transport::Tcp, 80);
    let pieces: Vec<(Side, &[u8])> = [
        (Side::Client, b"CONNECT a:1 HTTP/1.1\r\n\r\n".as_slice()),
        (Side::Server, b"HTTP/1.1 200 \r\n\r\n"),
    ]
    .into_iter()
    .cycle()
    .take(40_000)
    .collect();
    let told = read(&flow, &pieces).len();
    assert!((2..100).contains(&told), "{told}");
}

#[test]
fn headers_of_one_stream_without_end_are_bounded() {
    let flow = flow(Transport::Tcp, 443);
    let frame = |kind: u8, flags: u8, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    };
    // A field of 3000 bytes goes into the table and is then referred to, twenty times a frame.
    let long = [&[0x40, 1, b'a', 0x7f, 0xb9, 0x16], [b'x'; 3000].as_slice()].concat();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(1, 4, &[&[0x82, 0x84], long.as_slice()].concat()));
    for _ in 0..5000 {
        bytes.extend(frame(1, 4, &[0xbe; 20]));
    }
    let told = read(&flow, &[(Side::Client, &bytes)]);
    assert_eq!(told.len(), 1);
    assert!(told[0].len() < 2_000_000, "{} bytes", told[0].len());
}

/// JSON documents as programs write them.
fn documents() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[ -~é😀\n\"\\\\]{0,5}".prop_map(Into::into),
    ];
    let inner = leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::hash_map("[a-z/~]{1,4}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    inner.prop_map(|value| serde_json::json!({ "top": value }))
}

/// The values of a document that are neither objects nor arrays, by their pointers.
fn leaves(path: &str, value: &serde_json::Value, told: &mut Vec<(String, String)>) {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                leaves(&format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), value, told);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                leaves(&format!("{path}/{index}"), value, told);
            }
        }
        Value::Null => {}
        Value::String(text) => told.push((format!("json:{path}"), text.clone())),
        other => told.push((format!("json:{path}"), other.to_string())),
    }
}

proptest! {
    #[test]
    fn json_is_read_as_serde_json_reads_it(document in documents(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
        let parts = creance_wire::expand(text.unwrap().as_bytes(), Some("application/json"), &Limits::default());
        let mut told: Vec<(String, String)> = parts
            .iter()
            .filter(|part| part.name().is_some())
            .map(|part| (part.step().to_string(), String::from_utf8(part.bytes().to_vec()).unwrap()))
            .collect();
        let mut expected = Vec::new();
        leaves("", &document, &mut expected);
        told.sort();
        expected.sort();
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn cutting_bytes_off_adds_no_messages(at: prop::sample::Index) {
        let flow = flow(Transport::Tcp, 80);
        for stream in streams() {
            let short = &stream[..at.index(stream.len() + 1)];
            prop_assert!(read(&flow, &[(Side::Client, short)]).len() <= read(&flow, &[(Side::Client, &stream)]).len());
        }
    }

    #[test]
    fn how_a_stream_is_cut_into_segments_changes_nothing(at in prop::collection::vec(any::<prop::sample::Index>(), 0..30)) {
        let flow = flow(Transport::Tcp, 80);
        for stream in streams() {
            prop_assert_eq!(read(&flow, &cut(&stream, &at)), read(&flow, &[(Side::Client, &stream)]));
        }
    }

    #[test]
    fn no_bytes_make_a_protocol_panic(bytes: Vec<u8>, port in prop::sample::select(vec![21u16, 25, 53, 67, 80, 123, 137, 443, 547, 853, 1900, 1935, 3478, 5353, 8889, 14_550, 44_444]), at in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        for transport in [Transport::Tcp, Transport::Udp, Transport::Wifi, Transport::Bluetooth] {
            read(&flow(transport, port), &cut(&bytes, &at));
        }
    }

    #[test]
    fn no_damage_to_a_good_stream_makes_a_protocol_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        for mut stream in streams() {
            for (at, byte) in &flips {
                let at = at.index(stream.len());
                stream[at] = *byte;
            }
            read(&flow(Transport::Tcp, 80), &[(Side::Client, &stream)]);
        }
    }

    #[test]
    fn no_damage_to_a_good_datagram_makes_a_protocol_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), cut: prop::sample::Index) {
        for (port, mut datagram) in datagrams() {
            let whole = datagram.clone();
            for (at, byte) in &flips {
                let at = at.index(datagram.len());
                datagram[at] = *byte;
            }
            datagram.truncate(cut.index(datagram.len() + 1));
            read(&flow(Transport::Udp, port), &[(Side::Client, &whole), (Side::Server, &datagram), (Side::Client, &datagram)]);
        }
    }

    #[test]
    fn a_body_is_taken_apart_within_its_limits(bytes: Vec<u8>, kind in prop::sample::select(vec!["", "application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])) {
        let limits = Limits { parts: 50, ..Limits::default() };
        prop_assert!(creance_wire::expand(&bytes, Some(kind), &limits).len() <= 60);
    }
}
