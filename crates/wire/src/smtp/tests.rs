//! Mail as clients say it, whole and in pieces.

use super::*;
use crate::fixture::flow;
use creance_model::Timestamp;

const SAID: &[u8] = b"EHLO tablet.example\r\nAUTH LOGIN\r\nYWRhQHNreWxhcmsuZXhhbXBsZQ==\r\nb3R0ZXI3\r\n\
    MAIL FROM:<ada@skylark.example> SIZE=9\r\nRCPT TO:<bob@b.example>\r\nDATA\r\n\
    Subject: =?utf-8?B?bG9ncw==?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\r\nat 24.75=2C 121=\r\n..04\r\n--B\r\nContent-Type: application/json\r\nContent-Transfer-Encoding: base64\r\n\r\n\
    eyJzbiI6\r\nIjE1ODEifQ==\r\n--B--\r\n.\r\nQUIT\r\n";

fn read(step: usize) -> (Vec<Message>, [u64; 2]) {
    let (mut told, limits) = (Vec::new(), Limits::default());
    let mut session = Smtp.start(&Means::default());
    for (packet, piece) in (1..).zip(SAID.chunks(step)) {
        let at = At { packet, time: Timestamp::default() };
        session.feed(&flow(), Side::Client, piece, at, &limits, &mut |message| told.push(message));
    }
    session.finish(&flow(), &limits, &mut |message| told.push(message));
    (told, session.readable())
}

#[test]
fn a_mail_is_read_with_its_envelope_however_it_is_cut() {
    for step in [1, 11, 10_000] {
        let (told, readable) = read(step);
        let kinds: Vec<_> = told.iter().map(|message| message.kind).collect();
        assert_eq!(kinds, ["hello", "auth", "mail"], "{step}");
        let auth = told.get(1).unwrap();
        let of = |name: &str| {
            let part = auth.parts.iter().find(|part| part.name() == Some(name)).unwrap();
            let packets = auth.packets_of(part.index());
            (
                part.bytes().to_vec(),
                auth.decode_path(part.index()),
                *packets.first().unwrap(),
                *packets.last().unwrap(),
            )
        };
        let (user, way, first, last) = of("username");
        assert_eq!(
            (user.as_slice(), way),
            (b"ada@skylark.example".as_slice(), vec!["username".to_owned(), "base64".to_owned()])
        );
        let (password, _, behind, _) = of("password");
        assert!(
            password == b"otter7" && first <= last && (last < behind || step > 1),
            "{first} {last} {behind}"
        );
        assert_eq!(readable, [SAID.len() as u64, 0]);
        let parts: Vec<(String, String)> = told
            .iter()
            .flat_map(|message| message.parts.iter())
            .map(|part| (part.step().into_owned(), String::from_utf8_lossy(part.bytes()).into_owned()))
            .collect();
        for expected in [
            ("base64", "otter7"),
            ("base64", "ada@skylark.example"),
            ("rcpt-to", "bob@b.example"),
            ("header:subject", "logs"),
            ("quoted-printable", "at 24.75, 121.04"),
            ("json:/sn", "1581"),
        ] {
            let found = parts.iter().any(|(step, bytes)| (step.as_str(), bytes.as_str()) == expected);
            assert!(found, "{expected:?} in {parts:?}");
        }
    }
}

#[test]
fn a_receiver_refused_among_several_commands_sent_at_once_loses_no_mail() {
    let said: [(Side, &[u8]); 3] = [
        (
            Side::Client,
            b"MAIL FROM:<a@b.example>\r\nRCPT TO:<x@b.example>\r\nRCPT TO:<c@b.example>\r\nDATA\r\n",
        ),
        (Side::Server, b"250 ok\r\n550 no such user\r\n250 ok\r\n354 go on\r\n"),
        (Side::Client, b"Subject: logs\r\n\r\nHELO is no command here\r\n.\r\n"),
    ];
    let (mut told, limits) = (Vec::new(), Limits::default());
    let mut session = Smtp.start(&Means::default());
    for (packet, (from, bytes)) in (1..).zip(said) {
        let at = At { packet, time: Timestamp::default() };
        session.feed(&flow(), from, bytes, at, &limits, &mut |message| told.push(message));
    }
    let [mail] = told.as_slice() else { panic!("{told:?}") };
    assert!(mail.parts.iter().any(|part| part.is("header:subject") && part.bytes() == b"logs"));
}

/// What a client tells that says this, cut at every step.
fn client(said: &[u8], step: usize) -> Vec<Message> {
    let (mut told, limits) = (Vec::new(), Limits::default());
    let mut session = Smtp.start(&Means::default());
    for (packet, piece) in (1..).zip(said.chunks(step)) {
        let at = At { packet, time: Timestamp::default() };
        session.feed(&flow(), Side::Client, piece, at, &limits, &mut |message| told.push(message));
    }
    session.finish(&flow(), &limits, &mut |message| told.push(message));
    told
}

#[test]
fn chunks_are_counted_in_bytes_and_every_mail_of_them_is_told() {
    let said = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@b.example>\r\nBDAT 18\r\nSubject: one\r\n\r\nlaBDAT 3 LAST\r\nst!\
        MAIL FROM:<d@b.example>\r\nRCPT TO:<c@b.example>\r\nBDAT 14\r\nSubject: two\r\nBDAT 0 LAST\r\n\
        MAIL FROM:<e@b.example> AUTH=x\r\nDATA\r\n\r\n.hidden point\r\n.\r\n";
    for step in [1, 7, 10_000] {
        let told = client(said, step);
        let from: Vec<_> = told.iter().filter_map(|mail| mail.text("from")).collect();
        assert_eq!(from, ["a@b.example", "d@b.example", "e@b.example"], "{step}");
        let has = |index: usize, bytes: &[u8]| {
            told.get(index).is_some_and(|mail: &Message| mail.parts.iter().any(|part| part.bytes() == bytes))
        };
        assert!(
            has(0, b"last!") && has(1, b"two") && has(2, b"hidden point\r\n") && has(2, b"AUTH=x"),
            "{told:?}"
        );
    }
}

#[test]
fn the_rest_of_a_long_line_does_not_end_a_mail() {
    let long = "x".repeat(16 << 10);
    let said = format!("MAIL FROM:<a@b.example>\r\nDATA\r\n\r\n{long}.\r\nbehind\r\n.\r\n");
    for step in [1, 16 << 10] {
        let told = client(said.as_bytes(), step);
        let [mail] = told.as_slice() else { panic!("{step}: {}", told.len()) };
        assert!(mail.parts.iter().any(|part| part.bytes().ends_with(b"behind\r\n")), "{step}");
    }
}

#[test]
fn an_answer_to_a_challenge_is_no_password() {
    // RFC 2195 §2: "tim b913a602c7eda7a495b4e6e7334d3890".
    let said = b"AUTH CRAM-MD5\r\ndGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n";
    let told = client(said, 100);
    let [auth] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(auth.text("username"), Some("tim"));
    assert!(auth.parts.iter().all(|part| part.name() != Some("auth_token")));
}

#[test]
fn a_gap_in_a_chunk_counts_as_of_it() {
    let (mut told, limits) = (Vec::new(), Limits::default());
    let mut session = Smtp.start(&Means::default());
    let at = At { packet: 1, time: Timestamp::default() };
    let mut emit = |message| told.push(message);
    let began = b"MAIL FROM:<a@b.example>\r\nBDAT 19 LAST\r\nSubject: x\r\n";
    session.feed(&flow(), Side::Client, began, at, &limits, &mut emit);
    session.gap(&flow(), Side::Client, 4, at, &limits, &mut emit);
    session.feed(&flow(), Side::Client, b"endNOOP planted\r\n", at, &limits, &mut emit);
    session.finish(&flow(), &limits, &mut emit);
    let kinds: Vec<_> = told.iter().map(|message| message.kind).collect();
    assert_eq!(kinds, ["mail", "command"]);
    assert_eq!(told.first().and_then(|mail| mail.text("body_cut")), Some(http::MISSING));
    assert!(told.iter().flat_map(|one| one.parts.iter()).any(|part| part.bytes() == b"planted"));
}

#[test]
fn ftp_greets_likewise_and_is_not_mine() {
    let mut flow = flow();
    assert_eq!(Smtp.probe(&flow, Side::Server, b"220 ProFTPD\r\n"), Probe::No);
    assert_eq!(Smtp.probe(&flow, Side::Server, b"220 mx.example ESMTP\r\n"), Probe::Yes);
    flow.server.port = 25;
    assert_eq!(Smtp.probe(&flow, Side::Server, b"22"), Probe::Perhaps);
}
