//! Flight records of an invented flight, written here, for tests.

use std::collections::BTreeMap;

use aes::Aes256;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};

use super::unlock;

/// When the flight began: 2023-11-14T22:13:20Z.
pub(super) const START: i64 = 1_700_000_000_000;
pub(super) const PICTURE: &[u8] = &[0xff, 0xd8, 0xff, 0xe0, 1, 2, 3, 0xff, 0xd9];
pub(super) const THUMBNAIL: &[u8] = &[0xff, 0xd8, 0xff, 0xe0, 0xff, 0xd9];

/// The key of a feature point in this test.
pub(super) fn key(feature: u16) -> ([u8; 32], [u8; 16]) {
    let byte = u8::try_from(feature).unwrap();
    ([byte; 32], [byte ^ 0x5a; 16])
}

fn put(block: &mut [u8], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

/// The details as a version writes them.
pub(super) fn details(version: u8, lines: i32) -> Vec<u8> {
    let mut block = vec![0; 436];
    put(&mut block, 0, b"Old Town");
    put(&mut block, 20, b"Quay 7");
    block[82] = 1;
    put(&mut block, 83, &lines.to_le_bytes());
    put(&mut block, 91, &START.to_le_bytes());
    put(&mut block, 99, &8.5_f64.to_le_bytes());
    put(&mut block, 107, &47.5_f64.to_le_bytes());
    put(&mut block, 119, &60_000_i32.to_le_bytes());
    put(&mut block, 163, &i32::try_from(THUMBNAIL.len()).unwrap().to_le_bytes());
    put(&mut block, 251, b"0123456789abcdef");
    if version < 6 {
        put(&mut block, 267, b"0AIR56789A");
        block[277] = 4;
        put(&mut block, 278, b"Ada's bird");
        put(&mut block, 328, b"0RC");
        put(&mut block, 348, &[1, 2, 3, 4]);
    } else {
        block[271] = 77;
        put(&mut block, 280, b"Ada's bird");
        put(&mut block, 312, b"0AIR56789A");
        put(&mut block, 344, b"0RC");
        put(&mut block, 376, &[2, 2, 3, 4]);
    }
    block
}

pub(super) fn position(lat: f64, lon: f64, tenths: u16, flags: u8) -> (u8, Vec<u8>) {
    let mut content = vec![0; 50];
    put(&mut content, 0, &lon.to_radians().to_le_bytes());
    put(&mut content, 8, &lat.to_radians().to_le_bytes());
    put(&mut content, 16, &125_i16.to_le_bytes());
    content[32] = flags;
    put(&mut content, 42, &tenths.to_le_bytes());
    (1, content)
}

pub(super) fn custom(ms: i64, picture: u8) -> (u8, Vec<u8>) {
    let mut content = vec![0; 18];
    content[0] = picture;
    put(&mut content, 10, &ms.to_le_bytes());
    (5, content)
}

/// What all kinds that are read say once.
pub(super) fn records() -> Vec<(u8, Vec<u8>)> {
    let floats = |a: f64, b: f64| [a.to_le_bytes(), b.to_le_bytes()].concat();
    let ints = |a: i32, b: i32| [&[0; 7][..], &a.to_le_bytes(), &b.to_le_bytes(), &[0; 15]].concat();
    let mut recover = vec![0; 109];
    recover[0] = 77;
    put(&mut recover, 21, b"Ada's bird");
    put(&mut recover, 61, b"0CAM");
    let mut home = floats(8.5_f64.to_radians(), 47.5_f64.to_radians());
    home.resize(34, 0);
    vec![
        position(47.5, 8.5, 100, 0),
        custom(START + 100, 0),
        position(47.501, 8.5, 101, 8),
        position(47.502, 8.5, 103, 12),
        (3, [&[-300_i16, 5, -436].map(i16::to_le_bytes).concat()[..], &[0; 8]].concat()),
        custom(START + 400, 1),
        (2, home),
        (11, ints(474_990_000, 85_010_000)),
        (14, [floats(47.499, 8.502), vec![0; 4]].concat()),
        (13, recover),
        (15, vec![1, 0, 1, 2, 3, 0, 6, 0, 0, 0, 0, 0]),
        (25, [&[0; 5][..], &32_000_u32.to_le_bytes(), &1_000_u32.to_le_bytes(), &[0; 11]].concat()),
        (40, [&[4, 0, 4][..], b"0BAT"].concat()),
        (9, b"Home Point Recorded".to_vec()),
        position(47.503, 8.5, 110, 0),
    ]
}

/// A flight record of a version: details, records, a picture and a thumbnail.
pub(super) fn log(version: u8) -> Vec<u8> {
    let records = records();
    let lines = records.iter().filter(|(kind, _)| *kind == 1).count();
    log_of(version, &details(version, i32::try_from(lines).unwrap()), &records)
}

pub(super) fn log_of(version: u8, details: &[u8], records: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut ivs = BTreeMap::new();
    let mut body = Vec::new();
    if version >= 13 {
        let wrapped = [&1_u16.to_le_bytes()[..], &4_u16.to_le_bytes(), &[1, 2, 3, 4]].concat();
        body.extend(record(version, 56, &wrapped, &mut ivs));
    }
    for (kind, content) in records {
        body.extend(record(version, *kind, content, &mut ivs));
    }
    let pictures = [PICTURE, THUMBNAIL].concat();
    let prefix = |offset: usize| {
        let mut prefix = vec![0; if version < 6 { 12 } else { 100 }];
        put(&mut prefix, 0, &u64::try_from(offset).unwrap().to_le_bytes());
        prefix[10] = version;
        prefix
    };
    match version {
        0..=11 => {
            let at = prefix(0).len() + body.len() + pictures.len();
            [&prefix(at)[..], &body, &pictures, details].concat()
        }
        12 => [&prefix(0)[..], details, &body, &pictures].concat(),
        _ => {
            let inner =
                [&[1][..], &u16::try_from(details.len()).unwrap().to_le_bytes(), details, &[0; 2]].concat();
            let mut scrambled = scramble(0, &inner);
            scrambled.pop();
            let block = |kind: u8, content: &[u8]| {
                [&[kind][..], &u16::try_from(content.len()).unwrap().to_le_bytes(), content].concat()
            };
            let blocks = [block(0, &scrambled), block(1, &[2, 0, 3])].concat();
            [&prefix(100 + blocks.len())[..], &blocks, &body, &pictures].concat()
        }
    }
}

fn scramble(kind: u8, content: &[u8]) -> Vec<u8> {
    let seed = 0x42;
    let key = unlock::key(seed, kind);
    let scrambled: Vec<u8> = content.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    [&[seed][..], &scrambled, &[0x99]].concat()
}

fn record(version: u8, kind: u8, content: &[u8], ivs: &mut BTreeMap<u16, [u8; 16]>) -> Vec<u8> {
    let feature = unlock::feature_point(kind, version);
    let payload = match version {
        0..=6 => content.to_vec(),
        7..=12 => scramble(kind, content),
        _ if feature == unlock::PLAIN => scramble(kind, content),
        _ => {
            let (key, iv) = key(feature);
            let iv = ivs.entry(feature).or_insert(iv);
            let mut block = content.to_vec();
            block.resize(content.len() + 16, 0);
            let encryptor = cbc::Encryptor::<Aes256>::new_from_slices(&key, &*iv).unwrap();
            let sealed = encryptor.encrypt_padded::<Pkcs7>(&mut block, content.len()).unwrap().to_vec();
            iv.copy_from_slice(&sealed[sealed.len() - 16..]);
            scramble(kind, &sealed)
        }
    };
    let length = u16::try_from(payload.len()).unwrap().to_le_bytes();
    let length = if version < 13 { &length[..1] } else { &length[..] };
    [&[kind][..], length, &payload, &[0xff]].concat()
}
