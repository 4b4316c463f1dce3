//! Protocols that are recognised and not read: each by a signature of its first bytes that is cheap and hardly anything
//! else has. Where the bytes say too little, the port must agree.
//!
//! A name here is "looks like": nothing was decoded, and the bytes count as not read, with the name as the reason.

use creance_model::{Flow, Side, Transport};

/// A protocol by its looks.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// Why its bytes were not read.
    pub(crate) why: &'static str,
    /// Ports of the server of which it must have one; none: any will do.
    ports: &'static [u16],
    looks: fn(Side, &[u8]) -> bool,
}

macro_rules! known {
    ($name:literal, $ports:expr, $looks:expr) => {
        known!($name, $ports, $looks, concat!("protocol ", $name, " is recognised, not read"))
    };
    ($name:literal, $ports:expr, $looks:expr, $why:expr) => {
        Known { name: $name, why: $why, ports: &$ports, looks: $looks }
    };
}

/// What a flow looks like that nothing here reads.
pub(crate) fn name(flow: &Flow, from: Side, head: &[u8]) -> Option<&'static Known> {
    let table = match flow.transport {
        Transport::Tcp => TCP,
        Transport::Udp => UDP,
        Transport::Wifi => return Some(&WIFI),
        Transport::Bluetooth => return Some(&BLUETOOTH),
        Transport::Other(number) => {
            return IP.iter().find(|(known, _)| *known == number).map(|(_, known)| known);
        }
    };
    let ports = [flow.client.port, flow.server.port];
    // Who sends a datagram first need not be a client.
    let skipped = usize::from(flow.transport == Transport::Tcp);
    let ports = ports.get(skipped..).unwrap_or_default();
    table.iter().find(|known| {
        (known.ports.is_empty() || known.ports.iter().any(|port| ports.contains(port)))
            && (known.looks)(from, head)
    })
}

const WIFI: Known = known!("802.11", [], |_, _| true);

const BLUETOOTH: Known = known!("bluetooth", [], |_, _| true);

/// Why what is made to be unreadable was not read.
const ENCRYPTED: &str = "encrypted, no key";

const TCP: &[Known] = &[
    known!("ssh", [], |_, head| head.starts_with(b"SSH-"), ENCRYPTED),
    known!("imap", [], |from, head| from == Side::Server && head.starts_with(b"* OK")),
    known!("pop3", [], |from, head| from == Side::Server && head.starts_with(b"+OK ")),
    known!("nntp", [119, 433], |from, head| {
        from == Side::Server && matches!(head, [b'2', b'0', b'0' | b'1', b' ', ..])
    }),
    known!("bittorrent", [], |_, head| head.starts_with(b"\x13BitTorrent protocol")),
    // MS-RDPBCGR 2.2.1.1: a TPKT with a connection request.
    known!("rdp", [3389], |_, head| matches!(head, [3, 0, _, _, _, 0xe0 | 0xd0, ..])),
    known!("smb", [], |_, head| matches!(head, [0, _, _, _, 0xff | 0xfe, b'S', b'M', b'B', ..])),
    // RFC 1002 §4.3.2: a request for a session names both ends.
    known!("netbios-session", [139], |_, head| matches!(head, [0x81, 0, 0, 68, 32, ..])),
    // RFC 854: commands first.
    known!("telnet", [23, 2323], |_, head| matches!(head, [0xff, 0xfb..=0xfe, _, ..])),
    known!("redis", [], |from, head| {
        from == Side::Client && matches!(head, [b'*', b'1'..=b'9', b'\r', b'\n', b'$', b'0'..=b'9', ..])
    }),
    known!("xmpp", [], |_, head| {
        has(head, b"<stream:stream") && (head.starts_with(b"<stream") || head.starts_with(b"<?xml"))
    }),
    known!("irc", [194, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 7000], |_, head| {
        [b"NICK ".as_slice(), b"USER ", b"PASS ", b"CAP LS", b":"].iter().any(|word| head.starts_with(word))
    }),
    known!("amqp", [], |_, head| matches!(head, [b'A', b'M', b'Q', b'P', 0..=3, 0 | 1, ..])),
    known!("modbus", [502], |_, head| {
        matches!(head, [_, _, 0, 0, high, low, _, ..] if head.len() == 6 + be(*high, *low))
    }),
    known!("zabbix", [], |_, head| head.starts_with(b"ZBXD")),
    // A greeting of protocol 10: length, number, version in digits.
    known!("mysql", [], |from, head| {
        let (old, new) = (
            matches!(head, [_, _, 0, 0, 10, b'3'..=b'9', b'.', b'0'..=b'9', ..]),
            matches!(head, [_, _, 0, 0, 10, b'1', b'0'..=b'9', b'.', ..]),
        );
        from == Side::Server && (old || new)
    }),
    // A start-up message or a request for TLS.
    known!("postgresql", [], |from, head| {
        from == Side::Client
            && (head.starts_with(&[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f])
                || matches!(head, [0, 0, high, low, 0, 3, 0, 0, b'a'..=b'z', ..] if head.len() == be(*high, *low)))
    }),
    known!("mongodb", [27017, 27018, 27019], |_, head| {
        matches!(head.get(12..16), Some([0xd4 | 0xdd, 0x07, 0, 0]))
    }),
    known!("ldap", [389, 3268], |_, head| matches!(head, [0x30, ..]) && has(head, &[2, 1, 1])),
    known!("vnc", [], |_, head| head.starts_with(b"RFB 00")),
    known!("rsync", [], |_, head| head.starts_with(b"@RSYNCD: ")),
    // The Android Debug Bridge: a first message of version 1.
    known!("adb", [], |_, head| head.starts_with(b"CNXN\0\0\0\x01") || head.starts_with(b"CNXN\x01\0\0\x01")),
    known!("socks", [1080], |from, head| {
        from == Side::Client
            && (matches!(head, [5, count, methods @ ..] if methods.len() == usize::from(*count) && *count > 0)
                || matches!(head, [4, 1 | 2, _, _, _, _, _, _, .., 0]))
    }),
    known!("openvpn", [1194], |_, head| matches!(head, [0, 14..=128, 0x38 | 0x40, ..]), ENCRYPTED),
    // A message that counts its bytes, of a program and version, to be called.
    known!("sunrpc", [], |from, head| {
        from == Side::Client && matches!(head, [0x80, 0, _, _, _, _, _, _, 0, 0, 0, 0, 0, 0, 0, 2, ..])
    }),
    // Two of clouds and games in China, by the marks of their frames; what they carry is encrypted.
    known!("alicloud", [], |_, head| matches!(head, [0xce, 0xfa, 0xbe, 0xba, _, _, 0, 0, ..]), ENCRYPTED),
    known!("tencent-games", [], |_, head| matches!(
        head,
        [0x33, 0x66, 0, 0x0b, ..] | [0x43, 0x66, 0xaa, 0, ..]
    )),
    // WeChat's own: a record of type 22 with version f103 or f104, where TLS has 0301 or so.
    known!("mmtls", [], |_, head| matches!(head, [0x16 | 0x19, 0xf1, 3 | 4, _, _, ..]), ENCRYPTED),
];

const UDP: &[Known] = &[
    // RFC 1157, 3416: a sequence, then the version.
    known!("snmp", [161, 162], |_, head| matches!(
        head,
        [0x30, 0x81 | 0x82, ..] | [0x30, _, 2, 1, 0..=3, ..]
    )),
    known!("syslog", [514], |_, head| matches!(head, [b'<', b'0'..=b'9', ..])),
    // RFC 7252 §3: version 1, a token of at most eight bytes.
    known!(
        "coap",
        [5683],
        |_, head| matches!(head, [first @ 0x40..=0x7f, 0..=0xbf, _, _, ..] if first & 15 <= 8)
    ),
    known!("tftp", [69], |_, head| matches!(head, [0, 1 | 2, b' '..=b'~', ..])),
    // RFC 7296 §3.1 and, at port 4500, RFC 3948 §2.2: four bytes of zero before it.
    known!("ike", [500], |_, head| matches!(head.get(17), Some(0x10 | 0x20))),
    known!("ike", [4500], |_, head| head.starts_with(&[0; 4]) && matches!(head.get(21), Some(0x10 | 0x20))),
    known!("esp-udp", [4500], |_, head| head.len() > 16 || head == [0xff], ENCRYPTED),
    // A type, three bytes of zero, and the length of its type.
    known!(
        "wireguard",
        [],
        |_, head| match head {
            [1, 0, 0, 0, ..] => head.len() == 148,
            [2, 0, 0, 0, ..] => head.len() == 92,
            [3, 0, 0, 0, ..] => head.len() == 64,
            _ => false,
        },
        ENCRYPTED
    ),
    known!(
        "openvpn",
        [1194],
        |_, head| head.len() >= 14 && matches!(head, [0x38 | 0x40 | 0x50, ..]),
        ENCRYPTED
    ),
    known!("bittorrent", [], |_, head| {
        [b"d1:ad2:id20:".as_slice(), b"d1:rd2:id20:"].iter().any(|word| head.starts_with(word))
    }),
    known!("rip", [520], |_, head| matches!(head, [1 | 2, 1 | 2, 0, 0, ..])),
    // Routers of MikroTik make themselves known.
    known!("mndp", [5678], |_, head| matches!(head, [_, _, _, _, 0, 1 | 5, 0, _, ..])),
    known!("spotify-connect", [57621], |_, head| head.starts_with(b"SpotUdp0")),
    known!("dropbox-lan", [17500], |_, head| head.starts_with(b"{\"")),
    // SOAP over UDP: ONVIF cameras are found with it.
    known!("ws-discovery", [3702], |_, head| head.starts_with(b"<")),
    known!("sunrpc", [], |_, head| matches!(head, [_, _, _, _, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, ..])),
    known!("tailscale", [], |_, head| head.starts_with("TS💬".as_bytes()), ENCRYPTED),
    known!("nat-pmp", [5351], |_, head| matches!(head, [0 | 2, _, ..])),
    known!("radius", [1812, 1813], |_, head| {
        matches!(head, [1..=5 | 11, _, high, low, ..] if head.len() == be(*high, *low))
    }),
    // The peer-to-peer protocol of cheap cameras: a mark, a type, the length of the rest.
    known!("pppp", [], |_, head| {
        matches!(head, [0xf1, _, high, low, rest @ ..] if rest.len() == be(*high, *low) && head.len() >= 24)
    }),
    // Tencent's: a mark, a version, and at the end another mark.
    known!("oicq", [8000], |_, head| matches!(head, [2, _, _, .., 3])),
    // What is not the beginning of QUIC.
    known!("quic", [443], |_, head| head.len() > 8, ENCRYPTED),
    known!("quic", [], |_, head| matches!(head, [0xc0..=0xff, 0, 0, 0, 1, ..]), ENCRYPTED),
];

/// By the numbers of IANA.
const IP: &[(u8, Known)] = &[
    (1, known!("icmp", [], |_, _| true)),
    (2, known!("igmp", [], |_, _| true)),
    (47, known!("gre", [], |_, _| true)),
    (50, known!("esp", [], |_, _| true, ENCRYPTED)),
    (58, known!("icmpv6", [], |_, _| true)),
    (132, known!("sctp", [], |_, _| true)),
];

fn be(high: u8, low: u8) -> usize {
    usize::from(u16::from_be_bytes([high, low]))
}

/// Whether a word stands among the first bytes.
fn has(head: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(head.get(..head.len().min(512)).unwrap_or_default(), word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::flow;

    fn named(transport: Transport, port: u16, from: Side, head: &[u8]) -> Option<&'static str> {
        let mut flow = flow();
        flow.transport = transport;
        flow.server.port = port;
        name(&flow, from, head).map(|known| known.name)
    }

    #[test]
    fn first_bytes_name_a_protocol_and_say_that_it_is_not_read() {
        let wireguard = [[1, 0, 0, 0].as_slice(), &[7; 144]].concat();
        let modbus = [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 10];
        for (transport, port, from, head, expected) in [
            (Transport::Tcp, 22, Side::Server, b"SSH-2.0-OpenSSH_9.2\r\n".as_slice(), "ssh"),
            (Transport::Tcp, 2222, Side::Server, b"SSH-2.0-OpenSSH_9.2\r\n", "ssh"),
            (Transport::Tcp, 3306, Side::Server, b"\x4a\0\0\0\x0a8.0.36\0", "mysql"),
            (Transport::Tcp, 6379, Side::Client, b"*1\r\n$4\r\nPING\r\n", "redis"),
            (Transport::Tcp, 5555, Side::Client, b"CNXN\0\0\0\x01\0\0\x10\0", "adb"),
            (Transport::Tcp, 502, Side::Client, &modbus, "modbus"),
            (Transport::Udp, 51820, Side::Client, &wireguard, "wireguard"),
            (Transport::Udp, 6881, Side::Client, b"d1:ad2:id20:abcdefghij0123456789e", "bittorrent"),
            (Transport::Udp, 161, Side::Client, b"\x30\x26\x02\x01\x01\x04\x06public", "snmp"),
            (Transport::Other(50), 0, Side::Client, b"", "esp"),
        ] {
            assert_eq!(named(transport, port, from, head), Some(expected));
        }
        let redis = TCP.iter().find(|known| known.name == "redis").unwrap();
        assert_eq!(redis.why, "protocol redis is recognised, not read");
    }

    #[test]
    fn what_only_looks_like_it_is_not_named() {
        for (transport, port, head) in [
            (Transport::Tcp, 8080, b"+OK then".as_slice()),
            (Transport::Tcp, 80, b"200 OK"),
            (Transport::Tcp, 502, b"\0\x01\0\0\0\x07\x01\x03\0\0\0\x0a"),
            (Transport::Udp, 40001, b"\x01\0\0\0 and more"),
            (Transport::Udp, 40001, b"\x80\x60 no single packet is RTP"),
            (Transport::Other(99), 0, b""),
        ] {
            assert_eq!(named(transport, port, Side::Client, head), None, "{port}");
        }
    }
}
