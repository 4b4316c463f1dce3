//! Any bytes as what describes a picture: inspected, scrubbed, and inspected again. The first byte chooses the beginning
//! of a format, so that bytes get past it.
#![no_main]

use creance_media::Still;
use creance_model::{Locations, ScrubRequest, is_place};
use libfuzzer_sys::fuzz_target;

const BEGINNINGS: [&[u8]; 7] = [
    b"",
    b"\xff\xd8\xff\xe1",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\0\0\0\0WEBP",
    b"\0\0\0\x0cftypheic",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, content)) = bytes.split_first() else { return };
    let beginning = BEGINNINGS[usize::from(*choice) % BEGINNINGS.len()];
    let bytes = [beginning, content].concat();
    let Some(still) = Still::of(&bytes) else { return };
    let before = still.inspect(&bytes.as_slice()).expect("bytes can be read");
    assert!(before.places.iter().all(|spot| is_place(spot.lat, spot.lon)));
    let locations = match choice / 7 % 3 {
        0 => Locations::Remove,
        1 => Locations::Grid { km: 10.0 },
        _ => Locations::Offset { lat: 0.5, lon: -0.5 },
    };
    let request = ScrubRequest { locations, keep_thermal: choice / 21 % 2 == 1 };
    let Ok(scrubbed) = still.scrub(&bytes.as_slice(), &request).expect("bytes can be read") else { return };
    let clean = scrubbed.bytes(&bytes);
    let after = still.inspect(&clean.as_slice()).expect("bytes can be read");
    if locations == Locations::Remove && !request.keep_thermal {
        assert!(after.places.is_empty(), "{:?}", after.places);
    }
    assert!(after.identifiers.is_empty(), "{:?} of {:?}", after.identifiers, before.identifiers);
});
