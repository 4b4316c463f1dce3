//! Names for what is not read, from first bytes and ports. A name here says "looks like", and nothing was decoded.

use creance_model::{Flow, Side, Transport};

/// The name that a flow's first bytes suggest.
pub(crate) fn name(flow: &Flow, from: Side, head: &[u8]) -> &'static str {
    let port = flow.server.port;
    match flow.transport {
        Transport::Tcp => tcp(port, from, head),
        Transport::Udp => udp(flow.client.port, port, head),
        Transport::Other(1) => "icmp",
        Transport::Other(2) => "igmp",
        Transport::Other(47) => "gre",
        Transport::Other(50) => "esp",
        Transport::Other(58) => "icmpv6",
        Transport::Other(132) => "sctp",
        Transport::Wifi => "802.11",
        Transport::Bluetooth => "bluetooth",
        Transport::Other(_) => "unknown",
    }
}

/// Fewest bytes whose spread tells anything.
const ENOUGH: usize = 256;

/// Whether bytes are spread as evenly as encryption and good compression spread them: chi-squared over 256 values within
/// five standard deviations of what chance gives. Text, numbers and most binary formats are far from it.
pub(crate) fn looks_random(bytes: &[u8]) -> Option<bool> {
    let some = bytes.get(..bytes.len().min(4096)).filter(|some| some.len() >= ENOUGH)?;
    let mut counts = [0_u32; 256];
    for byte in some {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let expected = f64::from(u32::try_from(some.len()).unwrap_or(u32::MAX)) / 256.0;
    let chi: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    let (mean, deviation) = (255.0, (2.0_f64 * 255.0).sqrt());
    Some((chi - mean).abs() < 5.0 * deviation)
}

fn tcp(port: u16, from: Side, head: &[u8]) -> &'static str {
    match head {
        [b'S', b'S', b'H', b'-', ..] => "ssh",
        [b'2', b'2', b'0', b' ' | b'-', ..] if from == Side::Server && matches!(port, 25 | 465 | 587) => {
            "smtp"
        }
        [b'2', b'2', b'0', b' ' | b'-', ..] if from == Side::Server && port == 21 => "ftp",
        [b'*', b' ', b'O', b'K', ..] => "imap",
        [b'+', b'O', b'K', ..] => "pop3",
        _ if is_rtsp(head) => "rtsp",
        _ => "unknown",
    }
}

fn is_rtsp(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    head.starts_with(b"RTSP/1.") || line.ends_with(b" RTSP/1.0")
}

fn udp(client: u16, server: u16, head: &[u8]) -> &'static str {
    let either = |port| client == port || server == port;
    match head {
        _ if either(123) && head.len() >= 48 => "ntp",
        _ if either(67) || either(68) => "dhcp",
        _ if either(1900) => "ssdp",
        _ if either(5353) => "mdns",
        _ if either(5355) => "llmnr",
        _ if either(137) || either(138) => "netbios",
        // RFC 8489: the magic cookie.
        [0..=3, _, _, _, 0x21, 0x12, 0xa4, 0x42, ..] => "stun",
        // RFC 9147 and earlier: handshake or data with version 1.x.
        [20..=26, 0xfe, 0xfd | 0xff, ..] => "dtls",
        // RFC 9000: long header with the fixed bit.
        [0xc0..=0xff, ..] if either(443) || head.get(1..5) == Some(&[0, 0, 0, 1]) => "quic",
        _ if either(443) => "quic",
        // RFC 3550: version 2 and a payload type in use.
        [0x80..=0xbf, kind, ..]
            if head.len() >= 12 && (kind & 0x7f <= 34 || (96..=127).contains(&(kind & 0x7f))) =>
        {
            "rtp"
        }
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::digest;

    #[test]
    fn hashes_look_random_and_text_and_counters_do_not() {
        let random: Vec<u8> =
            (0..32_u8).flat_map(|seed| digest::digest(&digest::SHA256, &[seed]).as_ref().to_vec()).collect();
        assert_eq!(looks_random(&random), Some(true));
        assert_eq!(looks_random(random.get(..100).unwrap_or_default()), None);
        assert_eq!(looks_random("position 24.744672, 121.044483; ".repeat(40).as_bytes()), Some(false));
        let counted: Vec<u8> = (0..2000_u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(looks_random(&counted), Some(false));
    }
}
