//! Makes a capture of HTTP/1.1 in the clear as apps of drones upload it: `make-http OUT BYTES [KIND...]`.
//!
//! A tablet (192.168.42.10) sends requests to a service (198.51.100.7) over eight connections at a time, a hundred over
//! each, and is answered in a few words. Of the bytes of the bodies, before compression:
//!
//! | KIND | share | what |
//! |---|--:|---|
//! | `json` | 38 % | telemetry and analytics: nested objects of 1–32 KB; numbers, names, identifiers, a position in each |
//! | `form` | 2 % | forms of one to four hundred bytes, a position in one of eight |
//! | `log` | 20 % | lines of an app's log, in bodies of 32 KB |
//! | `multipart` | 30 % | pictures of 200–600 KB, with a form around each |
//! | `gzip` | 10 % | telemetry of 64 KB, compressed to a fifth or so |
//! | `random` | only if named | 256 KB of bytes without order: whatever is found in them is a false alarm |
//!
//! With KIND, those alone, in the same proportions. In one body of 16 stands a name, an address, a number or a password,
//! of eight invented people: the first is planted (`examples/skylark/canaries.toml`). Equal arguments give equal bytes.
#![expect(clippy::print_stderr, reason = "a program")]

use std::{
    error::Error,
    fmt::{self, Write as _},
    io::Write as _,
    process::ExitCode,
};

use creance_benches::segments::{Connection, Segments};
use flate2::{Compression, write::GzEncoder};

const TABLET: [u8; 4] = [192, 168, 42, 10];
const SERVICE: [u8; 4] = [198, 51, 100, 7];

/// Connections at a time, and requests over each.
const CONNECTIONS: u16 = 8;
const REQUESTS: u32 = 100;

const BOUNDARY: &str = "4c1f0a6e-9b1d-4f0e-8d55-skylark";

/// A kind of body: its name, its share in percent, its media type and how it is made.
struct Kind {
    name: &'static str,
    share: u64,
    media_type: &'static str,
    make: fn(&mut Chance) -> Body,
}

/// Writing to memory does not fail; what writes there says that it may.
type Body = Result<Vec<u8>, fmt::Error>;

const KINDS: &[Kind] = &[
    Kind { name: "json", share: 38, media_type: "application/json; charset=utf-8", make: json },
    Kind { name: "form", share: 2, media_type: "application/x-www-form-urlencoded", make: form },
    Kind { name: "log", share: 20, media_type: "text/plain; charset=utf-8", make: log },
    Kind {
        name: "multipart",
        share: 30,
        media_type: "multipart/form-data; boundary=4c1f0a6e-9b1d-4f0e-8d55-skylark",
        make: multipart,
    },
    Kind { name: "gzip", share: 10, media_type: "application/json\r\nContent-Encoding: gzip", make: flight },
    Kind { name: "random", share: 0, media_type: "application/octet-stream", make: random },
];

/// Invented people: name, e-mail address, number, password. The numbers are set aside for fiction or lead nowhere.
const PEOPLE: &[[&str; 4]] = &[
    ["Oskar Lindqvarn", "o.lindqvarn@netzwacht.example", "+886900779195", "Otter%1264vB"],
    ["Mirela Tapscott-Ruud", "mirela@netzwacht.example", "+12025550143", "heron-19-Quay"],
    ["Joao Besterfeld", "j.besterfeld@skylark.example", "+12025550171", "b4rnacle.Goose"],
    ["Ines Okparavane", "ines.o@skylark.example", "+12025550112", "Linnet*7731"],
    ["Tobin Wrexley-Sand", "tobin@gridwatch.example", "+12025550186", "siskin_in_Snow"],
    ["Farah Nimbolt", "farah.n@gridwatch.example", "+12025550129", "Dunlin+dunes5"],
    ["Petru Askeldson", "petru@netzwacht.example", "+12025550134", "Knot-and-Ruff8"],
    ["Yun Castellarin", "yun.c@skylark.example", "+12025550158", "whimbrel!Wade"],
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, bytes, names @ ..] = arguments.as_slice() else { return usage("OUT and BYTES are missing") };
    let Ok(bytes) = bytes.parse() else { return usage("BYTES is not a number") };
    if names.iter().any(|name| KINDS.iter().all(|kind| kind.name != name)) {
        return usage("KIND is one of json, form, log, multipart, gzip, random");
    }
    let wanted = |kind: &&Kind| match names {
        [] => kind.share > 0,
        names => names.iter().any(|name| kind.name == name),
    };
    let kinds: Vec<&Kind> = KINDS.iter().filter(wanted).collect();
    match make(out, bytes, &kinds) {
        Ok((requests, content)) => {
            eprintln!("{requests} requests, {content} bytes of bodies before compression");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

fn usage(why: &str) -> ExitCode {
    eprintln!("{why}\nusage: make-http OUT BYTES [KIND...]");
    ExitCode::from(2)
}

fn make(out: &str, bytes: u64, kinds: &[&Kind]) -> Result<(u64, u64), Box<dyn Error>> {
    let mut segments = Segments::create(out)?;
    let mut chance = Chance(0x5eed_1e55_c0ff_ee01);
    let mut connections: Vec<Option<(Connection, u32)>> = (0..CONNECTIONS).map(|_| None).collect();
    let mut port = 40_000_u16;
    let mut sent: Vec<u64> = vec![0; kinds.len()];
    let (mut requests, mut content) = (0, 0);
    while segments.written < bytes {
        let behind = kinds.iter().zip(&mut sent).min_by_key(|(kind, sent)| **sent * 1000 / kind.share.max(1));
        let Some((kind, sent)) = behind else { break };
        let plain = (kind.make)(&mut chance)?;
        *sent += plain.len() as u64;
        content += plain.len() as u64;
        let body = if kind.name == "gzip" { gzip(&plain)? } else { plain };
        let Some(slot) = chance.of_mut(&mut connections) else { break };
        let (mut connection, said) = if let Some(open) = slot.take() {
            open
        } else {
            port = port.checked_add(1).unwrap_or(40_000);
            (segments.open((TABLET, port), (SERVICE, 80))?, 0)
        };
        let mut request = format!(
            "POST /v2/ingest/{}?app=5.8.1&seq={requests} HTTP/1.1\r\nHost: ingest.skyrelay.example\r\n\
            User-Agent: SkyRelay/5.8.1 (Linux; Android 14; SM-T636B) okhttp/4.12.0\r\n\
            Accept: */*\r\nAccept-Encoding: gzip\r\nX-Request-Id: {}\r\nX-Client-Time: {}\r\n\
            Content-Type: {}\r\nContent-Length: {}\r\nConnection: Keep-Alive\r\n\r\n",
            kind.name,
            chance.uuid(),
            1_780_000_000_000_u64 + requests * 40,
            kind.media_type,
            body.len(),
        )
        .into_bytes();
        request.extend(body);
        segments.say_confirmed(&mut connection, &request)?;
        let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{\"code\":0,\"msg\":\"ok\"}";
        segments.say(&mut connection, 1, answer)?;
        *slot = (said + 1 < REQUESTS).then_some((connection, said + 1));
        requests += 1;
    }
    segments.finish()?;
    Ok((requests, content))
}

/// Chance that is the same in every run (xorshift).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    fn below(&mut self, end: u32) -> u32 {
        u32::try_from(((self.next() >> 32) * u64::from(end)) >> 32).unwrap_or(0)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + f64::from(self.below(1 << 24)) / f64::from(1 << 24) * (high - low)
    }

    fn index(&mut self, length: usize) -> usize {
        self.below(u32::try_from(length).unwrap_or(u32::MAX)) as usize
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let index = self.index(words.len());
        words.get(index).copied().unwrap_or_default()
    }

    fn of_mut<'a, T>(&mut self, list: &'a mut [T]) -> Option<&'a mut T> {
        let index = self.index(list.len());
        list.get_mut(index)
    }

    fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48 & 0xfff,
            low & 0xffff_ffff_ffff
        )
    }

    /// Somebody, in one body of 16.
    fn person(&mut self) -> Option<&'static [&'static str; 4]> {
        let told = self.below(16) == 0;
        let index = self.index(PEOPLE.len());
        PEOPLE.get(index).filter(|_| told)
    }

    /// One of 64 places around a town.
    fn place(&mut self) -> (f64, f64) {
        let (row, column) = (self.below(8), self.below(8));
        (24.801_868 + f64::from(row) * 0.001_3, 120.965_208 + f64::from(column) * 0.001_7)
    }
}

fn json(chance: &mut Chance) -> Body {
    let size = 1024 << chance.below(6);
    Ok(if chance.below(2) == 0 { telemetry(chance, size)? } else { analytics(chance, size)? }.into_bytes())
}

fn flight(chance: &mut Chance) -> Body {
    Ok(telemetry(chance, 64 << 10)?.into_bytes())
}

#[expect(clippy::unnecessary_wraps, reason = "one of several that make bodies")]
fn random(chance: &mut Chance) -> Body {
    Ok((0..(256 << 10) / 8).flat_map(|_| chance.next().to_le_bytes()).collect())
}

fn gzip(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain)?;
    encoder.finish()
}

/// What every report says of the device; a position, and now and then a person.
fn device(chance: &mut Chance, text: &mut String) -> fmt::Result {
    let (lat, lon) = chance.place();
    write!(
        text,
        "{{\"schema\":3,\"app\":{{\"name\":\"SkyRelay\",\"version\":\"5.8.1\",\"build\":58113,\"channel\":\"store\"}},\
        \"device\":{{\"model\":\"SM-T636B\",\"os\":\"Android 14\",\"locale\":\"zh_TW\",\"screen\":[1920,1200],\"free_mb\":{}}},\
        \"session_id\":\"{}\",\"home\":{{\"lat\":{lat:.6},\"lon\":{lon:.6},\"accuracy\":{:.1}}},",
        chance.below(90_000),
        chance.uuid(),
        chance.between(2.0, 30.0),
    )?;
    if let Some([name, mail, number, _]) = chance.person() {
        write!(
            text,
            "\"pilot\":{{\"display_name\":\"{name}\",\"email\":\"{mail}\",\"phone\":\"{number}\",\"consent\":true}},"
        )?;
    }
    Ok(())
}

/// Samples of a flight: little but numbers.
fn telemetry(chance: &mut Chance, size: usize) -> Result<String, fmt::Error> {
    let mut text = String::with_capacity(size + 1024);
    device(chance, &mut text)?;
    text.push_str("\"samples\":[");
    let mut time = 1_780_000_000_000 + u64::from(chance.below(1 << 30));
    let mut volts = chance.between(14.8, 16.8);
    while text.len() < size {
        let mode = chance.of(&["P-GPS", "ATTI", "SPORT", "RTH", "LANDING"]);
        write!(
            text,
            "{}{{\"ts\":{time},\"mode\":\"{mode}\",\"alt\":{:.2},\"speed\":{{\"x\":{:.2},\"y\":{:.2},\"z\":{:.2}}},\
            \"attitude\":{{\"pitch\":{:.1},\"roll\":{:.1},\"yaw\":{:.1}}},\
            \"battery\":{{\"volts\":{volts:.3},\"percent\":{},\"temp\":{:.1},\"cells\":[{:.3},{:.3},{:.3},{:.3}]}},\
            \"rc\":{{\"rssi\":-{},\"channel\":{}}},\"sats\":{},\"motors_on\":true,\"error\":null}}",
            if text.ends_with('[') { "" } else { "," },
            chance.between(0.0, 120.0),
            chance.between(-12.0, 12.0),
            chance.between(-12.0, 12.0),
            chance.between(-3.0, 3.0),
            chance.between(-30.0, 30.0),
            chance.between(-30.0, 30.0),
            chance.between(0.0, 360.0),
            chance.below(101),
            chance.between(20.0, 45.0),
            volts / 4.0 + chance.between(-0.02, 0.02),
            volts / 4.0 + chance.between(-0.02, 0.02),
            volts / 4.0 + chance.between(-0.02, 0.02),
            volts / 4.0 + chance.between(-0.02, 0.02),
            40 + chance.below(50),
            chance.below(14),
            chance.below(22),
        )?;
        time += 100;
        volts -= 0.0004;
    }
    text.push_str("]}");
    Ok(text)
}

/// Events of an app: little but words.
fn analytics(chance: &mut Chance, size: usize) -> Result<String, fmt::Error> {
    let mut text = String::with_capacity(size + 1024);
    device(chance, &mut text)?;
    text.push_str("\"events\":[");
    while text.len() < size {
        let event = chance.of(&["screen_view", "tap", "firmware_check", "map_tile", "share_sheet", "gimbal"]);
        let screen = chance.of(&["MainActivity", "FlightFragment", "AlbumFragment", "AcademyWebView"]);
        let note = chance.of(&[
            "opened from the notification about the weather at the site",
            "user dismissed the dialog \\u201cCompass needs calibration\\u201d after 4 s",
            "https:\\/\\/cdn.skyrelay.example\\/tiles\\/14\\/13682\\/7022.png",
            "retry=2; cause=SocketTimeoutException: timeout",
        ]);
        write!(
            text,
            "{}{{\"event\":\"{event}\",\"event_id\":\"{}\",\"time\":{},\"params\":{{\"screen\":\"{screen}\",\"duration_ms\":{},\
            \"network\":\"wifi\",\"note\":\"{note}\",\"value\":{:.4},\"first\":{}}},\"tags\":[\"ui\",\"v5\",\"{}\"]}}",
            if text.ends_with('[') { "" } else { "," },
            chance.uuid(),
            1_780_000_000_000 + u64::from(chance.below(1 << 30)),
            chance.below(20_000),
            chance.between(0.0, 1.0),
            chance.below(2) == 0,
            chance.of(&["beta", "rollout-12", "control"]),
        )?;
    }
    text.push_str("]}");
    Ok(text)
}

fn form(chance: &mut Chance) -> Body {
    let mut text = format!(
        "app_key=skyrelay_android&sign={:016x}{:016x}&ts={}&lang=zh-TW&tz=Asia%2FTaipei",
        chance.next(),
        chance.next(),
        1_780_000_000 + chance.below(1 << 20),
    );
    if chance.below(8) == 0 {
        let (lat, lon) = chance.place();
        write!(text, "&lat={lat:.6}&lng={lon:.6}")?;
    }
    if let Some([name, mail, number, password]) = chance.person() {
        let mut field = |key: &str, value: &str| -> fmt::Result {
            write!(text, "&{key}=")?;
            value.bytes().try_for_each(|byte| match byte {
                b' ' => text.write_char('+'),
                _ if byte.is_ascii_alphanumeric() => text.write_char(char::from(byte)),
                _ => write!(text, "%{byte:02X}"),
            })
        };
        field("name", name)?;
        field("email", mail)?;
        field("mobile", number)?;
        field("password", password)?;
    }
    for number in 0..chance.below(12) {
        write!(text, "&p{number}={}", chance.of(&["on", "off", "mapbox%20light", "1080p%4030", "0"]))?;
    }
    Ok(text.into_bytes())
}

fn log(chance: &mut Chance) -> Body {
    let mut text = String::with_capacity(33 << 10);
    let mut line = 0_u32;
    let who = chance.person();
    while text.len() < 32 << 10 {
        write!(text, "2026-05-28 10:{:02}:{:02}.{:03} ", line / 60 % 60, line % 60, chance.below(1000))?;
        let of = chance.of(&["FlightController", "MediaSync", "HttpClient", "Gimbal", "Battery", "MapView"]);
        write!(text, "{} {of}[{}]: ", chance.of(&["D", "I", "W"]), 1200 + chance.below(40))?;
        match chance.below(6) {
            0 => writeln!(
                text,
                "motor {} rpm={} temp={:.1}C current={:.2}A, state HOVER -> MOVING",
                chance.below(4),
                chance.below(9000),
                chance.between(20.0, 80.0),
                chance.between(0.0, 20.0)
            )?,
            1 => writeln!(
                text,
                "GET https://cdn.skyrelay.example/tiles/14/{}/{}.png 200 in {} ms ({} bytes)",
                13_600 + chance.below(100),
                7000 + chance.below(100),
                chance.below(900),
                chance.below(60_000)
            )?,
            2 => writeln!(
                text,
                "battery {}% ({:.3} V), cell delta {:.3} V, cycles {}",
                chance.below(101),
                chance.between(14.0, 16.8),
                chance.between(0.0, 0.05),
                chance.below(200)
            )?,
            3 => writeln!(
                text,
                "queue drained: {} items left, next try in {} s, backoff=+{}%",
                chance.below(40),
                chance.below(60),
                chance.below(50)
            )?,
            4 => writeln!(
                text,
                "java.io.IOException: unexpected end of stream at okhttp3.internal.http1.Http1ExchangeCodec.readResponseHeaders(Http1ExchangeCodec.kt:{})",
                chance.below(400)
            )?,
            _ => writeln!(
                text,
                "frame {:08x} decoded in {} us, {} slices, ref {:04x}, pts {}",
                chance.next() & 0xffff_ffff,
                chance.below(9000),
                1 + chance.below(8),
                chance.next() & 0xffff,
                chance.next() >> 24
            )?,
        }
        line += 1;
        if let Some([name, mail, ..]) = who.filter(|_| line == 100) {
            writeln!(text, "2026-05-28 10:01:40.000 I Account[1200]: signed in as {name} <{mail}>")?;
        }
    }
    Ok(text.into_bytes())
}

/// A form with a picture: the head of a JPEG, and noise where its scan would be.
fn multipart(chance: &mut Chance) -> Body {
    let number = chance.below(10_000);
    let size = (200 << 10) + chance.below(400 << 10) as usize;
    let mut head = String::new();
    write!(
        head,
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"album\"\r\n\r\nsite-{}\r\n\
        --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"media\"; filename=\"DJI_{number:04}.JPG\"\r\n\
        Content-Type: image/jpeg\r\n\r\n",
        chance.below(20),
    )?;
    let mut body = head.into_bytes();
    let end = body.len() + size;
    body.extend(b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08\x0b\xd0\x0f\xc0\x03\x01\x22\0\x02\x11\x01\x03\x11\x01");
    body.extend(b"\xff\xda\0\x0c\x03\x01\0\x02\x11\x03\x11\0\x3f\0");
    while body.len() < end {
        for byte in chance.next().to_le_bytes() {
            body.push(byte);
            // A byte of ones is followed by a zero, for it would be a mark.
            if byte == 0xff {
                body.push(0);
            }
        }
    }
    body.extend(b"\xff\xd9");
    body.extend(format!("\r\n--{BOUNDARY}--\r\n").bytes());
    Ok(body)
}
