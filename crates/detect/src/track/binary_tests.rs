//! Tests of the scan of bytes: what it finds, and how often chance does.

#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a test"
)]

use proptest::prelude::*;

use super::*;
use crate::track::{self, Path, Role};

/// A circle of 300 m about a place of which every format is tried, a fix each second from the second 1000 on.
fn flight(lat: f64, lon: f64) -> Flight {
    let fixes = (0..120_u32).map(|second| {
        let angle = f64::from(second) * std::f64::consts::TAU / 120.0;
        track::Fix {
            time: Timestamp::from_secs(1000 + i64::from(second)),
            lat: lat + 0.0027 * angle.sin(),
            lon: lon + 0.0027 * angle.cos() / lat.to_radians().cos(),
        }
    });
    Flight::new([Path { role: Role::Aircraft, fixes: fixes.collect() }])
}

fn written(kind: &Kind, big: bool, degrees: f64) -> Vec<u8> {
    let number = degrees * kind.per_degree;
    let mut bytes = match kind.format {
        Format::Int32 => (number.round() as i32).to_be_bytes().to_vec(),
        Format::Float32 => (number as f32).to_be_bytes().to_vec(),
        Format::Float64 => number.to_be_bytes().to_vec(),
    };
    if !big {
        bytes.reverse();
    }
    bytes
}

#[test]
fn every_format_is_found_in_both_orders_with_every_gap() {
    for (lat, lon) in [(24.745, 121.042), (-33.9, 151.2), (51.5, -0.12), (0.3, -77.0)] {
        let flight = flight(lat, lon);
        let place = (lat + 0.0027, lon);
        for kind in KINDS {
            for (big, swapped, gap) in layouts(&[false, true], &[false, true], &GAPS) {
                let numbers = [written(kind, big, place.0), written(kind, big, place.1)];
                let [first, second] =
                    if swapped { [&numbers[1], &numbers[0]] } else { [&numbers[0], &numbers[1]] };
                let bytes = [b"ab", &first[..], &vec![7; gap], second, b"cd"].concat();
                let found = find(&bytes, &flight, Timestamp::from_secs(1030));
                assert_eq!(found.len(), 1, "{kind:?} {big} {swapped} {gap} {lat}");
                let near = found[0].found.near;
                assert!(near.now && near.metres < 5.0, "{kind:?} {near:?}");
            }
        }
    }
}

fn layouts(one: &[bool], two: &[bool], three: &[usize]) -> Vec<(bool, bool, usize)> {
    let pairs = one.iter().flat_map(|one| two.iter().map(move |two| (*one, *two)));
    pairs.flat_map(|(one, two)| three.iter().map(move |three| (one, two, *three))).collect()
}

#[test]
fn tags_of_protocol_buffers_name_the_encoding() {
    let flight = flight(24.745, 121.042);
    for (tag, kind, name) in [
        (0x0d, &KINDS[0], "protobuf-sfixed32-1e7"),
        (0x0d, &KINDS[5], "protobuf-float32"),
        (0x09, &KINDS[7], "protobuf-double"),
        (0x09, &KINDS[8], "protobuf-double-radians"),
    ] {
        let (lat, lon) = (written(kind, false, 24.7477), written(kind, false, 121.042));
        let bytes = [&[tag][..], &lat, &[tag + 8], &lon].concat();
        let found = find(&bytes, &flight, Timestamp::from_secs(1030));
        assert_eq!(found.iter().map(|fix| fix.encoding.as_str()).collect::<Vec<_>>(), [name]);
    }
}

#[test]
fn one_fix_in_a_long_part_may_be_chance_and_two_are_not() {
    let flight = flight(24.745, 121.042);
    let fix =
        |north: f64| [written(&KINDS[0], false, 24.745 + north), written(&KINDS[0], false, 121.042)].concat();
    let mut bytes = noise(7, 1 << 20);
    assert!(find(&bytes, &flight, Timestamp::from_secs(1030)).is_empty());
    bytes.splice(1000..1008, fix(0.0027));
    assert!(find(&bytes, &flight, Timestamp::from_secs(1030)).is_empty());
    bytes.splice(500_000..500_008, fix(0.00271));
    assert_eq!(find(&bytes, &flight, Timestamp::from_secs(1030)).len(), 2);
}

/// Random bytes (`SplitMix64`).
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)).to_le_bytes()
    });
    words.flatten().take(length).collect()
}

/// Random bytes, and bytes that a cipher made of what is not random.
fn random(megabytes: usize) -> [Vec<u8>; 2] {
    use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[3; 16]).unwrap());
    let mut sealed = vec![b'a'; megabytes << 20];
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key([5; 12]), Aad::empty(), &mut sealed).unwrap();
    [noise(1, megabytes << 20), sealed]
}

/// Flights all over a country: so much ground that chance can be counted.
fn wide() -> Flight {
    let paths = (0..40).flat_map(|row| (0..40).map(move |column| (row, column))).map(|(row, column)| {
        let fixes = (0..150).map(|step| track::Fix {
            time: Timestamp::from_secs(1000 + step),
            lat: 24.0 + f64::from(row) * 0.02 + step as f64 * 0.0001,
            lon: 121.0 + f64::from(column) * 0.02 + step as f64 * 0.0001,
        });
        Path { role: Role::Aircraft, fixes: fixes.collect() }
    });
    Flight::new(paths)
}

#[test]
fn there_are_no_more_fixes_by_chance_than_is_stated() {
    let flight = wide();
    for (name, bytes) in ["random", "sealed"].iter().zip(random(4)) {
        let time = Timestamp::from_secs(1000);
        let counted = fixes(&bytes, &flight, time).len();
        let stated = flight.heads.chance * flight.ground(None) * length(&bytes);
        println!("{name}: {counted} fixes by chance, at most {stated:.1} stated");
        // Four standard deviations above what is stated; and the statement is no empty one.
        assert!((counted as f64) < stated + 4.0 * stated.sqrt(), "{name}: {counted}, {stated}");
        assert!((counted as f64) > stated / 200.0, "{name}: {counted}, {stated}");
    }
}

#[test]
fn parts_of_random_bytes_are_told_less_often_than_is_stated() {
    let flight = wide();
    for bytes in random(4) {
        for size in [64, 1500, 65_536] {
            let told =
                bytes.chunks(size).filter(|part| !find(part, &flight, Timestamp::from_secs(1000)).is_empty());
            // A tenth of a part is to be expected at most.
            assert_eq!(told.count(), 0, "{size}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered_with_ranges_within_them(bytes: Vec<u8>, lat in -89.0..89.0_f64, lon in -179.0..179.0_f64) {
        for fix in fixes(&bytes, &flight(lat, lon), Timestamp::from_secs(1000)) {
            prop_assert!(fix.start < fix.end && fix.end <= bytes.len());
        }
    }
}
