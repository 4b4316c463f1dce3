//! Any bytes as a picture whose faces are to go: what is given back has the same size and shows none that are found.
#![no_main]

use creance_media::{locate_faces, size, without_faces};
use libfuzzer_sys::fuzz_target;

/// Larger pictures take too long for a run.
const MOST_PIXELS: u64 = 1 << 16;

fuzz_target!(|bytes: &[u8]| {
    let Some((width, height)) = size(bytes) else { return };
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return;
    }
    if let Ok(Some((blurred, faces))) = without_faces(bytes) {
        assert!(faces > 0);
        assert_eq!(size(&blurred), Some((width, height)));
        let left = locate_faces(&blurred).expect("what was encoded can be read");
        assert!(left.faces.is_empty() && !left.limited);
    }
});
