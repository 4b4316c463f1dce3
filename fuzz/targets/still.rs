//! Any bytes as what describes a picture: inspected, scrubbed, and inspected again. The first byte chooses the beginning
//! of a format, so that bytes get past it; `CREANCE_FORMAT` names one of them instead.
#![no_main]

use std::sync::LazyLock;

use creance_media::Still;
use creance_model::{Locations, ScrubRequest, is_place};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 9] = ["any", "jpeg", "tiff", "tiff-mm", "png", "webp", "heif", "bigtiff", "gif"];

const BEGINNINGS: [&[u8]; NAMES.len()] = [
    b"",
    b"\xff\xd8\xff\xe1",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\0\0\0\0WEBP",
    b"\0\0\0\x0cftypheic",
    b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0",
    b"GIF89a\x01\0\x01\0\0\0\0",
];

/// The beginning that is asked for.
static NAMED: LazyLock<Option<usize>> = LazyLock::new(|| {
    let name = std::env::var("CREANCE_FORMAT").ok()?;
    Some(NAMES.iter().position(|one| *one == name).expect("CREANCE_FORMAT is one of NAMES"))
});

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, content)) = bytes.split_first() else { return };
    let beginning = BEGINNINGS[NAMED.unwrap_or(usize::from(*choice) % NAMES.len())];
    let bytes = [beginning, content].concat();
    let Some(still) = Still::of(&bytes) else { return };
    let before = still.inspect(&bytes.as_slice()).expect("bytes can be read");
    assert!(before.places.iter().all(|spot| is_place(spot.lat, spot.lon)));
    let locations = match choice / 9 % 3 {
        0 => Locations::Remove,
        1 => Locations::Grid { km: 10.0 },
        _ => Locations::Offset { lat: 0.5, lon: -0.5 },
    };
    let request = ScrubRequest { locations, keep_thermal: choice / 27 % 2 == 1 };
    let Ok(scrubbed) = still.scrub(&bytes.as_slice(), &request).expect("bytes can be read") else { return };
    let clean = scrubbed.bytes(&bytes);
    let after = still.inspect(&clean.as_slice()).expect("bytes can be read");
    if locations == Locations::Remove && !request.keep_thermal {
        assert!(after.places.is_empty(), "{:?}", after.places);
    }
    assert!(after.identifiers.is_empty(), "{:?} of {:?}", after.identifiers, before.identifiers);
});
