//! Probes, by which a device asks whether a network leads outside: a tablet that hears nothing leaves the Wi-Fi, and its apps speak
//! over its SIM, past this gateway. If the configuration says `captive`, names of probes lead here while they lead nowhere else, and
//! what is asked here over HTTP is answered as the real one would. Nothing leaves for it; how often that was done is counted.
//!
//! Probes over HTTPS cannot be answered by whom they are not for: some devices say that the network has no internet, and stay.

#![expect(clippy::disallowed_types, reason = "probes are answered")]

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use socket2::{Protocol, Type};

use super::{
    Shared,
    question::{Question, kind},
    serve::{bound, each_client, places, spawn},
};

/// Where probes ask.
pub(crate) const PORT: u16 = 80;
/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of the longest request, and its most headers.
const LONGEST: usize = 4096;
const HEADERS: usize = 32;
/// Extended error (RFC 8914): a forged answer.
const FORGED: Option<u16> = Some(4);

/// What is answered with 204 and nothing else.
const NOTHING: &str = "";
const APPLE: &str = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>";
const FIREFOX: &str = "success\n";
const CANONICAL: &str =
    "<meta http-equiv=\"refresh\" content=\"0;url=https://support.mozilla.org/kb/captive-portal\"/>";

/// Host, path, body.
const PROBES: &[(&str, &str, &str)] = &[
    ("connectivitycheck.gstatic.com", "/generate_204", NOTHING),
    ("connectivitycheck.android.com", "/generate_204", NOTHING),
    ("clients3.google.com", "/generate_204", NOTHING),
    ("www.google.com", "/generate_204", NOTHING),
    ("www.google.com", "/gen_204", NOTHING),
    ("connectivitycheck.platform.hicloud.com", "/generate_204", NOTHING),
    ("connect.rom.miui.com", "/generate_204", NOTHING),
    ("wifi.vivo.com.cn", "/generate_204", NOTHING),
    ("captive.apple.com", "/hotspot-detect.html", APPLE),
    ("captive.apple.com", "/", APPLE),
    ("www.msftconnecttest.com", "/connecttest.txt", "Microsoft Connect Test"),
    ("detectportal.firefox.com", "/success.txt", FIREFOX),
    ("detectportal.firefox.com", "/canonical.html", CANONICAL),
];

/// The probe that is a name alone: it must have these addresses.
const NAME: &str = "dns.msftncsi.com";
const NAME_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(131, 107, 255, 255));
const NAME_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd3e, 0x4f5a, 0x5b81, 0, 0, 0, 0, 1));

/// The answer to a question for the name of a probe, which leads to one of these addresses of this machine.
pub(super) fn named(question: &Question, here: &[IpAddr]) -> Option<Vec<u8>> {
    let name = question.name()?;
    let own = |v4: bool| here.iter().copied().find(|ip| ip.is_ipv4() == v4);
    let address = match (name == NAME, question.kind()) {
        (true, kind::A) => Some(NAME_V4),
        (true, kind::AAAA) => Some(NAME_V6),
        (false, _) if !PROBES.iter().any(|(host, ..)| *host == name) => return None,
        (false, kind::A) => own(true),
        (false, kind::AAAA) => own(false),
        _ => None,
    };
    Some(match address {
        Some(address) => question.address(address, FORGED),
        None => question.short(0, FORGED),
    })
}

/// Answers probes on the addresses of this machine until the process ends.
pub(super) fn start(shared: &Arc<Shared>) -> io::Result<()> {
    let crowd = places();
    for ip in &shared.settings.listen {
        let socket = bound(SocketAddr::new(*ip, PORT), Type::STREAM, Protocol::TCP)?;
        socket.listen(64)?;
        let listener: TcpListener = socket.into();
        let (shared, crowd) = (Arc::clone(shared), Arc::clone(&crowd));
        spawn("probes", move || each_client(&shared, &listener, &crowd, conversation))?;
    }
    Ok(())
}

/// One request, and an answer.
fn conversation(shared: &Shared, mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let (began, mut bytes, mut chunk) = (Instant::now(), Vec::new(), [0; 1024]);
    let (answer, is_probe) = loop {
        let read = stream.read(&mut chunk)?;
        bytes.extend(chunk.get(..read).unwrap_or_default());
        if let Some(answer) = answered(&bytes) {
            break answer;
        }
        if read == 0 || bytes.len() > LONGEST || began.elapsed() > PATIENCE {
            return Ok(());
        }
    };
    if is_probe {
        shared.notes.count(|counts| &counts.probes);
    }
    stream.write_all(answer.as_bytes())
}

/// What is answered to a request, and whether it was a probe. None while it is not whole.
fn answered(bytes: &[u8]) -> Option<(String, bool)> {
    let mut space = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut space);
    let body = match request.parse(bytes) {
        Ok(httparse::Status::Partial) => return None,
        Ok(httparse::Status::Complete(_)) if matches!(request.method, Some("GET" | "HEAD")) => {
            let host = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("host"));
            let host = host.and_then(|header| std::str::from_utf8(header.value).ok()).unwrap_or_default();
            let host = host.trim().strip_suffix(":80").unwrap_or(host.trim());
            let path = request.path.unwrap_or_default().split('?').next().unwrap_or_default();
            let probe = PROBES.iter().find(|(name, at, _)| host.eq_ignore_ascii_case(name) && path == *at);
            probe.map(|(_, _, body)| *body)
        }
        _ => None,
    };
    let always = "connection: close\r\ncache-control: no-store";
    Some(match body {
        None => (format!("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n{always}\r\n\r\n"), false),
        Some("") => (format!("HTTP/1.1 204 No Content\r\n{always}\r\n\r\n"), true),
        Some(body) => {
            let kind = if body.starts_with('<') { "text/html" } else { "text/plain" };
            let length = body.len();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{always}");
            let body = if request.method == Some("HEAD") { "" } else { body };
            (format!("{head}\r\n\r\n{body}"), true)
        }
    })
}

#[cfg(test)]
mod tests {
    use hickory_proto::{
        op::Message,
        rr::{RData, RecordType},
    };
    use proptest::prelude::*;

    use super::{
        super::{
            Names, Step,
            question::tests::{question, written},
        },
        *,
    };

    fn addresses(name: &str, kind: RecordType, here: &[IpAddr]) -> Option<Vec<IpAddr>> {
        let message = Message::from_vec(&named(&question(name, kind), here)?).unwrap();
        let ip = |data: &RData| data.ip_addr().unwrap();
        Some(message.answers.iter().map(|record| ip(&record.data)).collect())
    }

    #[test]
    fn names_of_probes_lead_here_and_no_others() {
        let here = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        let [v4, v6] = here;
        let probe = "Connectivitycheck.gstatic.com.";
        assert_eq!(addresses(probe, RecordType::A, &here), Some(vec![v4]));
        assert_eq!(addresses(probe, RecordType::AAAA, &here), Some(vec![v6]));
        assert_eq!(addresses(probe, RecordType::AAAA, &[v4]), Some(vec![]));
        assert_eq!(addresses(probe, RecordType::HTTPS, &here), Some(vec![]));
        assert_eq!(addresses("dns.msftncsi.com.", RecordType::A, &here), Some(vec![NAME_V4]));
        for other in ["example.com.", "x.captive.apple.com.", "apple.com."] {
            assert_eq!(addresses(other, RecordType::A, &here), None);
        }
    }

    #[test]
    fn probes_are_answered_as_the_real_ones_would_and_nothing_else_is() {
        let ask = |path: &str, host: &str| {
            answered(format!("GET {path} HTTP/1.1\r\nuser-agent: x\r\nHost: {host}\r\n\r\n").as_bytes())
                .unwrap()
        };
        for (host, path, body) in PROBES {
            let (said, is_probe) = ask(&format!("{path}?ipv4"), host);
            assert!(is_probe && said.ends_with(&format!("\r\n\r\n{body}")), "{said}");
            assert_eq!(said.starts_with("HTTP/1.1 204 "), body.is_empty());
        }
        for (path, host) in [("/", "www.google.com"), ("/generate_204", "example.com"), ("/generate_204", "")]
        {
            let (said, is_probe) = ask(path, host);
            assert!(!is_probe && said.starts_with("HTTP/1.1 404 "), "{said}");
        }
        assert_eq!(answered(b"GET /generate_204 HTTP/1.1\r\nhost: www.goo"), None);
        let (head, _) =
            answered(b"HEAD /hotspot-detect.html HTTP/1.0\r\nhost: captive.apple.com:80\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"));
        assert!(!answered(b"POST / HTTP/1.1\r\nhost: captive.apple.com\r\n\r\n").unwrap().1);
    }

    #[test]
    fn they_are_answered_where_they_may_not_leave_and_only_if_that_is_wanted() {
        let said = |captive: bool, everything: bool| {
            let text = format!("listen = ['192.0.2.1']\nupstream = ['192.0.2.9']\ncaptive = {captive}");
            let names = Names::new(&toml::from_str(&text).unwrap(), Arc::new(crate::LocalData)).unwrap();
            if everything {
                names.open(crate::State::Grounded, true);
            }
            let bytes = written("captive.apple.com.", RecordType::A, false);
            let answer = match names.shared.first(&bytes, "192.0.2.7".parse().unwrap(), 512) {
                Step::Answer(answer) => Message::from_vec(&answer).unwrap().answers.len(),
                // It would be asked outside.
                Step::Later(_) => 99,
                Step::Nothing => 100,
            };
            (answer, names.status()["led_here"].as_u64())
        };
        assert_eq!(said(true, false), (1, Some(1)));
        assert_eq!(said(false, false), (0, Some(0)));
        assert_eq!(said(true, true), (99, Some(0)));
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_makes_it_panic(bytes: Vec<u8>) {
            let _ = answered(&bytes);
        }
    }
}
