//! Which binary format bytes are in, where nothing says so.
//!
//! A guess is believed if the bytes are one document from the first to the last, and if what it holds is rare among
//! random bytes: each thing in it that is as programs write it counts with the bits that it is worth, -log2 of how often
//! random bytes look so. Sums are kept in quarters of a bit.

use super::{cbor, msgpack, nested, protobuf};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    Cbor,
    Msgpack,
    Protobuf,
}

/// Sixteen bits. Few random bytes are a document at all, so that much fewer than one in 2^16 are taken for one.
const ENOUGH: u32 = 4 * 16;

/// Shorter ones are never worth that much.
const SHORTEST: usize = 8;

/// Documents in values of documents that count for the outermost.
const DEEPEST: usize = 3;

/// The format of bytes that are, from the first to the last, a document as a program would write it.
pub(super) fn format(bytes: &[u8]) -> Option<Format> {
    if bytes.len() < SHORTEST {
        return None;
    }
    let (worth, format) = best(bytes, DEEPEST)?;
    (worth >= ENOUGH && !is_text(bytes)).then_some(format)
}

/// Whether bytes are CBOR or `MessagePack`, whatever else they may be.
pub(super) fn is_items(bytes: &[u8]) -> bool {
    [cbor::worth(bytes, DEEPEST), msgpack::worth(bytes, DEEPEST)]
        .into_iter()
        .flatten()
        .any(|worth| worth >= ENOUGH)
}

fn best(bytes: &[u8], depth: usize) -> Option<(u32, Format)> {
    let guesses = [
        cbor::worth(bytes, depth).map(|worth| (worth, Format::Cbor)),
        msgpack::worth(bytes, depth).map(|worth| (worth, Format::Msgpack)),
        protobuf::worth(bytes, depth).map(|worth| (worth, Format::Protobuf)),
    ];
    guesses.into_iter().flatten().max_by_key(|(worth, _)| *worth)
}

/// What text is worth. None if it is none.
pub(super) fn of_text(bytes: &[u8]) -> Option<u32> {
    is_text(bytes).then(|| 5 * u32::try_from(bytes.len().min(1000)).unwrap_or(0))
}

/// What bytes inside a document are worth.
pub(super) fn of_bytes(bytes: &[u8], depth: usize) -> u32 {
    if nested::has_magic(bytes) {
        return ENOUGH;
    }
    depth.checked_sub(1).and_then(|depth| best(bytes, depth)).map_or(0, |(worth, _)| worth)
}

/// What a single or double is worth, beside the byte that says which it is.
pub(super) fn of_number(number: f64, double: bool) -> u32 {
    match (is_sane(number), double) {
        (false, _) => 0,
        (true, false) => 4 * 2,
        (true, true) => 4 * 5,
    }
}

/// What it is worth that a length of this many bits leads to the very end.
pub(super) const fn of_length(bits: u32) -> u32 {
    4 * bits
}

/// Whether a number is of a size that is measured or counted.
pub(super) fn is_sane(number: f64) -> bool {
    number == 0.0 || (1e-6..1e13).contains(&number.abs())
}

/// UTF-8 without control characters other than those of lines.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    // A byte that is no text comes soon where there is none.
    bytes.iter().all(|byte| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\n' | b'\r'))
        && std::str::from_utf8(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Random bytes from a counter (splitmix64): the same in every run.
    fn random(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    #[test]
    fn random_bytes_are_in_no_format() {
        let mut seed = 1;
        let mut taken = Vec::new();
        let rounds = 2_000_000;
        for round in 0..rounds {
            let length = 4 + round % 60;
            let bytes: Vec<u8> =
                std::iter::repeat_with(|| random(&mut seed).to_le_bytes()).flatten().take(length).collect();
            taken.extend(format(&bytes).map(|format| (format, bytes)));
        }
        assert!(taken.len() <= 4, "{} of {rounds}: {taken:x?}", taken.len());
    }

    proptest! {
        #[test]
        fn text_is_in_no_format(text in "[ -~\n]{0,80}|\\PC{0,40}|[a-zA-Z0-9+/]{4,60}") {
            prop_assert_eq!(format(text.as_bytes()), None);
        }
    }
}
