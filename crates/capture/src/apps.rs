//! What PCAPdroid adds to pcapng: which app a packet is of.
//!
//! ```text
//! custom block: 62652 u32 │ version u16 │ 1 u8 │ 0 u8 │ user i32 │ length of package u8, of name u8 │ package, name
//! packet block: comment "u-" user
//! ```
//!
//! From `pcap_dump.h` of its sources. Both stand in the byte order of the section.

use std::collections::HashMap;

use crate::{
    beside::options,
    notes::MOST_NAMES,
    pcap::{u16_at, u32_at},
};

/// The number of PCAPdroid's writer among enterprises (IANA).
const PCAPDROID: u32 = 62_652;

/// The kind of block that maps a user to an app.
const USER: u8 = 1;

/// The apps of a file by the user that Android gives each. Bounded.
#[derive(Debug, Default)]
pub(crate) struct Apps(HashMap<i32, Box<str>>);

impl Apps {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes note of a custom block, if it is one of these.
    pub(crate) fn note(&mut self, body: &[u8], big: bool) {
        let (Some(PCAPDROID), Some(1), Some(&USER)) =
            (u32_at(body, 0, big), u16_at(body, 4, big), body.get(6))
        else {
            return;
        };
        let (Some(user), Some(&package), Some(&name)) = (u32_at(body, 8, big), body.get(12), body.get(13))
        else {
            return;
        };
        let names = body.get(14..).unwrap_or_default();
        let package = names.split_at_checked(package.into());
        let Some((package, name)) =
            package.and_then(|(package, rest)| Some((package, rest.get(..name.into())?)))
        else {
            return;
        };
        let best = if name.is_empty() { package } else { name };
        if !best.is_empty() && self.0.len() < MOST_NAMES {
            self.0.insert(user.cast_signed(), String::from_utf8_lossy(best).into());
        }
    }

    /// The app of a user.
    pub(crate) fn of(&self, user: i32) -> Option<&str> {
        self.0.get(&user).map(|name| &**name)
    }
}

/// The user that a comment among a packet's options names.
pub(crate) fn user(bytes: &[u8], big: bool) -> Option<i32> {
    let mut user = None;
    // What is wrong with options is noted where comments are.
    let _ = options(bytes, big, |code, value| {
        if let (1, Some(number)) = (code, value.strip_prefix(b"u-")) {
            user = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
        }
    });
    user
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_of_the_app_that_its_user_was_said_to_be() {
        let body = |package: &str, name: &str| {
            let lengths = [u8::try_from(package.len()).unwrap(), u8::try_from(name.len()).unwrap()];
            [
                &62_652_u32.to_le_bytes()[..],
                &[1, 0, 1, 0],
                &10_123_i32.to_le_bytes(),
                &lengths,
                package.as_bytes(),
                name.as_bytes(),
            ]
            .concat()
        };
        let mut apps = Apps::default();
        apps.note(&body("example.skylark", ""), false);
        assert_eq!(apps.of(10_123), Some("example.skylark"));
        let block = body("example.skylark", "Skylark");
        apps.note(&block, false);
        for length in 0..block.len() {
            apps.note(&block[..length], false);
        }
        assert_eq!(
            user(b"\x01\0\x07\0u-10123\0\0\0\0\0", false).and_then(|user| apps.of(user)),
            Some("Skylark")
        );
        assert_eq!(user(b"\x01\0\x03\0abc\0", false), None);
    }
}
