//! Serial numbers of aircraft: ANSI/CTA-2063-A, and what stands in fields named for serials.
//!
//! ```text
//! 1581 │ F │ 5BKD225D00BP891      maker (4) │ length of the rest (1–9, A–F) │ the rest; no I and no O
//! ```

use std::{cell::LazyCell, sync::LazyLock};

use aho_corasick::packed::Searcher;
use creance_model::{DataClass, Match};

use crate::{
    Card, Context, Detector, MOST, Sighting, Sink, View,
    key::{Names, Words},
    view::{Glance, sign},
};

/// Aircraft serials.
pub(crate) struct Serial;

impl Detector for Serial {
    fn card(&self) -> &'static Card {
        &Card {
            id: "serial",
            what: "a serial number of an aircraft or of its parts",
            why: "It ties every other record to one airframe, and through the register to its owner.",
            wrong: "Identifiers made up at random can have the same shape; those made of a UUID in the same message are left out.",
            classes: &[DataClass::Serial],
        }
    }

    fn look(&self, message: &View<'_>, _: &Context, sink: &mut Sink<'_>) {
        // Few messages hold anything shaped like a serial.
        let uuids = LazyCell::new(|| uuids(message));
        let mut seen = 0;
        let wanted = |glance: Glance, key: Words<'_>| {
            !key.are(Names::Requests)
                && (key.say(Names::Serials) || (glance.length >= SHORTEST && glance.has(sign::DIGIT)))
        };
        for (index, _, text) in message.texts_where(wanted) {
            let named = message.words(index).say(Names::Serials);
            let matched = if named { Match::Structured } else { Match::Pattern };
            let (mut every, mut near);
            let shaped: &mut dyn Iterator<Item = (usize, &str)> = match &*MAKERS_SEARCH {
                Some(search) if !named => {
                    near = words_of_makers(search, text);
                    &mut near
                }
                _ => {
                    every = words(text);
                    &mut every
                }
            };
            for (start, word) in shaped {
                if !named && !MAKERS.iter().any(|maker| word.starts_with(maker)) {
                    continue;
                }
                if seen == MOST {
                    return sink.limited("serial numbers in one message");
                }
                seen += 1;
                if uuids.iter().any(|uuid| made_of(word, uuid)) {
                    continue;
                }
                sink.sight(Sighting {
                    range: Some([start as u64, (start + word.len()) as u64]),
                    ..Sighting::whole(DataClass::Serial, matched, "serial", index, word)
                });
            }
            if !named {
                continue;
            }
            let text = text.trim();
            // The longest are those of the French identification.
            let plain = (8..=30).contains(&text.len())
                && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
            let letters = text.chars().any(|c| c.is_ascii_uppercase());
            if plain && letters && !is_cta(text) {
                sink.sight(Sighting::whole(DataClass::Serial, Match::Structured, "serial", index, text));
            }
        }
    }
}

/// Words shaped like serials, of any maker.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let base = text.as_ptr().addr();
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| is_cta(word))
        // Both are slices of the same text.
        .map(move |word| (word.as_ptr().addr().saturating_sub(base), word))
}

/// Words shaped like serials, of makers that are known: most text has no field's name to say so, and is searched fast.
fn words_of_makers<'t>(search: &'t Searcher, text: &'t str) -> impl Iterator<Item = (usize, &'t str)> {
    let bytes = text.as_bytes();
    // The search needs some room to be fast.
    let any = bytes.len() > SHORT
        || memchr::memchr_iter(b'1', bytes).any(|at| {
            let four = bytes.get(at..at + 4);
            MAKERS.iter().any(|maker| four == Some(maker.as_bytes()))
        });
    let hits = any.then(|| search.find_iter(text)).into_iter().flatten();
    hits.filter_map(move |hit| {
        let start = hit.start();
        let before = start.checked_sub(1).and_then(|before| bytes.get(before));
        let rest = bytes.get(start..)?;
        let length = rest.iter().take(LONGEST + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let word = text.get(start..start + length)?;
        (!before.is_some_and(u8::is_ascii_alphanumeric) && is_cta(word)).then_some((start, word))
    })
}

/// Bytes of a text that is looked through one by one.
const SHORT: usize = 64;

pub(crate) const KEYS: &[&str] = &[
    "sn",
    "serial",
    "serialno",
    "serialnumber",
    "dronesn",
    "aircraftsn",
    "rcsn",
    "batterysn",
    "camerasn",
    "devicesn",
    "aircraft",
    "drone",
];

/// Fields that hold numbers of requests, made up at random.
pub(crate) const REQUESTS: &[&str] = &[
    "requestid",
    "xrequestid",
    "reqid",
    "trace",
    "traceid",
    "xtraceid",
    "spanid",
    "nonce",
    "xnonce",
    "correlationid",
    "traceparent",
    "etag",
    "ifnonematch",
];

/// Makers whose codes are known (ICAO manufacturer codes for CTA-2063-A): DJI, Parrot, Autel, Skydio.
const MAKERS: &[&str] = &["1581", "1588", "1748", "1668"];

/// None on machines without vector instructions.
static MAKERS_SEARCH: LazyLock<Option<Searcher>> = LazyLock::new(|| Searcher::new(MAKERS));

/// Bytes of the shortest serial: maker, length and eight characters.
const SHORTEST: u32 = 4 + 1 + 8;

/// Characters of the longest serial.
const LONGEST: usize = 4 + 1 + 15;

/// Four characters of maker, one that counts the rest, and the rest. No I and no O.
pub(crate) fn is_cta(word: &str) -> bool {
    let Some((maker, rest)) = word.as_bytes().split_at_checked(4) else { return false };
    let Some((length, rest)) = rest.split_first() else { return false };
    let length = match length {
        b'1'..=b'9' => length - b'0',
        b'A'..=b'F' => length - b'A' + 10,
        _ => return false,
    };
    let allowed =
        |byte: &u8| byte.is_ascii_digit() || (byte.is_ascii_uppercase() && !matches!(byte, b'I' | b'O'));
    // Fewer than eight characters after the length say too little to be told from other words.
    rest.len() == usize::from(length) && rest.len() >= 8 && maker.iter().chain(rest).all(allowed)
}

/// Digits of the UUIDs in a message.
fn uuids(message: &View<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (_, _, text) in message.texts() {
        for word in text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-')) {
            if word.len() == 36 && word.matches('-').count() == 4 && found.len() < 100 {
                found.push(word.replace('-', "").to_uppercase());
            }
        }
    }
    found
}

/// Whether a serial's second half is a piece of a UUID: a request id in disguise.
fn made_of(serial: &str, uuid: &str) -> bool {
    serial.get(6..).is_some_and(|rest| uuid.contains(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::fixture::{fields, told};

    #[test]
    fn reports() {
        for (name, text, matched, value) in [
            ("sn", "1581F6SKYJU4JF3AN3", Match::Structured, "1581F6SKYJU4JF3AN3"),
            ("droneSn", "1581F5BKD225D00BP891", Match::Structured, "1581F5BKD225D00BP891"),
            ("topic", "thing/product/1581F5BKD225D00BP891/osd", Match::Pattern, "1581F5BKD225D00BP891"),
        ] {
            assert_eq!(
                told(&fields(&[(name, text)])),
                [(DataClass::Serial, matched, value.to_owned())],
                "{text}"
            );
        }
    }

    #[test]
    fn ignores() {
        let table: &[&[(&str, &str)]] = &[
            &[("id", "2c9f5106-55ed-4ac9-b0f3-8ace35b2a71d"), ("x", "1581F52C9F510655ED4A")],
            &[("request_id", "1581F5BKD225D00BP891")],
            &[("sn", "12345678")],
            &[("sn", "sn-unknown")],
            &[("word", "9999FABCDEFGHJKLMNP2")],
        ];
        for list in table {
            assert!(told(&fields(list)).is_empty(), "{list:?}: {:?}", told(&fields(list)));
        }
    }

    #[test]
    fn serials_of_known_makers_are_words_of_any_text() {
        let text =
            "15811581F5BKD225D00BP891 (1581F5BKD225D00BP891)é1581F6SKYJU4JF3AN3XX,1581F5BKD225D00BP8911";
        let found: Vec<&str> = words(text).map(|(_, word)| word).collect();
        assert_eq!(found, ["1581F5BKD225D00BP891", "1581F6SKYJU4JF3AN3XX"]);
        if let Some(search) = &*MAKERS_SEARCH {
            assert!(words_of_makers(search, text).eq(words(text)));
        }
    }

    #[test]
    fn the_length_character_counts() {
        assert!(is_cta("1581F5BKD225D00BP891") && is_cta("1581F6SKYJU4JF3AN3XX"));
        for word in ["1581F4XFC2390018", "1581", "", "1581F5BKD225D00BPO91", "1748GABCDEFGHJKL"] {
            assert!(!is_cta(word), "{word}");
        }
    }

    #[test]
    fn a_piece_of_a_uuid_is_no_serial() {
        assert!(made_of("1581F52C9F510655ED4A", "2C9F510655ED4AC9B0F38ACE35B2A71D"));
        assert!(!made_of("1581F5BKD225D00BP891", "2C9F510655ED4AC9B0F38ACE35B2A71D"));
    }
}
