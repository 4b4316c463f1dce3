//! Any bytes as a film: inspected, scrubbed, and inspected again. The first byte chooses the beginning, so that bytes get
//! into an index.
#![no_main]

use creance_media::{inspect_video, scrub_video};
use creance_model::{ScrubRequest, is_place};
use libfuzzer_sys::fuzz_target;

const BEGINNINGS: [&[u8]; 3] = [b"", b"\0\0\0\x0cftypisom", b"\0\0\0\x0cftypqt  \0\0\0\0moov"];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, content)) = bytes.split_first() else { return };
    let bytes = [BEGINNINGS[usize::from(*choice) % BEGINNINGS.len()], content].concat();
    let before = inspect_video(&bytes.as_slice()).expect("bytes can be read");
    assert!(before.places.iter().all(|spot| is_place(spot.lat, spot.lon)));
    let Ok(scrubbed) = scrub_video(&bytes.as_slice(), &ScrubRequest::default()).expect("bytes can be read")
    else {
        return;
    };
    let clean = scrubbed.bytes(&bytes);
    assert_eq!(clean.len(), bytes.len());
    let after = inspect_video(&clean.as_slice()).expect("bytes can be read");
    assert!(after.places.is_empty() && after.tracks.is_empty(), "{:?} of {:?}", after, before);
});
