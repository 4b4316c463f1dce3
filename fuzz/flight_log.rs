//! Bytes as a log of a named format: what is told holds together, and scrubbing answers.

use creance_flightlog::{FORMATS, Options};
use creance_model::{ScrubRequest, is_place};

pub fn read(name: &str, bytes: &[u8]) {
    let format = FORMATS.iter().find(|format| format.name == name).expect("a format of the list");
    let told = format.read(bytes, &Options::default());
    assert_eq!(told.kind, name);
    let points: usize = told.tracks.iter().map(|track| track.points.len()).sum();
    assert!(points <= 1 << 20);
    assert!(told.tracks.iter().flat_map(|track| &track.points).all(|point| is_place(point.lat, point.lon)));
    assert!(told.phases.windows(2).all(|two| two[0].to <= two[1].from));
    // What is left may be nothing, and does not explode.
    if let Ok(scrubbed) = format.scrub(bytes, &ScrubRequest::default()) {
        assert!(scrubbed.bytes(bytes).len() <= (1 << 20) + bytes.len() * 1000);
    }
}
