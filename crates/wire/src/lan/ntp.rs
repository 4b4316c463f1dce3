//! NTP (RFC 5905): who asks for the time, and whom its source asks.
//!
//! ```text
//! ┌────────────────────┬─────────┬──────┬───────────┬────────────┬────────────────────┬──────────────
//! │ leap, version, mode│ stratum │ poll │ precision │ root delay,│ reference id       │ four times
//! │                    │         │      │           │ dispersion │                    │ of eight bytes
//! └────────────────────┴─────────┴──────┴───────────┴────────────┴────────────────────┴──────────────
//! ```
//!
//! Control and private messages (modes 6 and 7) are told by their mode. Left out: extensions and authentication.

use std::net::Ipv4Addr;

use creance_cursor::{Cursor, Malformed};
use creance_model::{Carrier, Flow, Side, Transport};

use crate::{
    Means, Probe, Protocol, Session,
    datagram::{Each, Told},
};

/// NTP.
pub(crate) struct Ntp;

/// A header with its four times.
const WHOLE: usize = 48;

impl Protocol for Ntp {
    fn name(&self) -> &'static str {
        "ntp"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        if flow.transport != Transport::Udp || ![flow.client.port, flow.server.port].contains(&123) {
            return Probe::No;
        }
        if read(head).is_ok() { Probe::Yes } else { Probe::No }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Each::start("ntp", read)
    }
}

fn read(bytes: &[u8]) -> Result<Told, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let first = cursor.u8("leap, version, mode")?;
    let (version, mode) = (first >> 3 & 7, first & 7);
    let kind = match mode {
        1 | 2 => "symmetric",
        3 => "client",
        4 => "server",
        5 => "broadcast",
        6 => "control",
        7 => "private",
        _ => return Err(unexpected(first, "a mode of 1 to 7")),
    };
    if !(1..=4).contains(&version) {
        return Err(unexpected(first, "a version of 1 to 4"));
    }
    let mut told = Told::new(kind);
    told.number("version", version);
    if mode < 6 {
        let stratum = cursor.u8("stratum")?;
        cursor.take("poll, precision, delay and dispersion", 10)?;
        let reference: [u8; 4] = cursor.array("reference id")?;
        cursor.take("times", WHOLE - 16)?;
        told.number("stratum", stratum);
        // Of a clock itself a name, else the address of its source (RFC 5905 §7.3; of IPv6 sources a hash).
        match reference {
            [0, 0, 0, 0] => {}
            _ if stratum <= 1 => {
                let name = String::from_utf8_lossy(&reference);
                told.text("reference", name.trim_end_matches('\0'));
            }
            _ => told.text("reference", Ipv4Addr::from(reference).to_string()),
        }
    } else {
        cursor.take("header", 7)?;
    }
    // Times, extensions and what has no meaning may hold anything.
    told.parts.add(Carrier::Body, None, "datagram", None, bytes);
    Ok(told)
}

fn unexpected(found: u8, expected: &'static str) -> Malformed {
    Malformed::Unexpected { field: "leap, version, mode", at: 0, found: u64::from(found), expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Field, Value};

    /// An answer of stratum 2 in version 4, whose source is at 192.0.2.7.
    fn answer() -> Vec<u8> {
        let mut bytes = vec![0x24, 2, 6, 0xe8];
        bytes.extend([0; 8]);
        bytes.extend([192, 0, 2, 7]);
        bytes.extend([0xe4; 32]);
        bytes
    }

    #[test]
    fn an_answer_names_its_source_and_is_whole_or_nothing() {
        let bytes = answer();
        let told = read(&bytes).unwrap();
        assert_eq!(told.kind, "server");
        assert!(told.parts.iter().any(|part| part.bytes() == bytes), "nothing in it is hidden");
        assert!(
            told.fields.contains(&Field { name: "reference", value: Value::Text("192.0.2.7".to_owned()) })
        );
        for cut in 0..bytes.len() {
            assert!(read(bytes.get(..cut).unwrap_or_default()).is_err(), "{cut}");
        }
    }

    #[test]
    fn what_has_no_version_or_mode_is_not_ntp() {
        for first in [0x00, 0x20, 0x03, 0x3c] {
            let mut bytes = answer();
            if let Some(byte) = bytes.first_mut() {
                *byte = first;
            }
            assert!(read(&bytes).is_err(), "{first:#x}");
        }
    }
}
