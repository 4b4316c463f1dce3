//! Any bytes as a table of a flight, and as a list of pictures with their places: after scrubbing, none is left. The first
//! byte chooses what becomes of places.
#![no_main]

use creance_flightlog::{FORMATS, Options};
use creance_model::{Locations, Role, ScrubRequest, is_place};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, content)) = bytes.split_first() else { return };
    let locations = match choice % 3 {
        0 => Locations::Remove,
        1 => Locations::Grid { km: 5.0 },
        _ => Locations::Offset { lat: 0.5, lon: -0.25 },
    };
    let options = Options::default();
    for format in FORMATS.iter().filter(|format| matches!(format.name, "csv" | "mrk")) {
        let told = format.read(content, &options);
        assert!(
            told.tracks.iter().flat_map(|track| &track.points).all(|point| is_place(point.lat, point.lon))
        );
        assert!(told.phases.windows(2).all(|two| two[0].to <= two[1].from));
        let request = ScrubRequest { locations, ..ScrubRequest::default() };
        let Ok(scrubbed) = format.scrub(content, &request) else { continue };
        let left = format.read(&scrubbed.bytes(content), &options);
        assert!(left.identifiers.is_empty());
        let people = |role: Role| matches!(role, Role::Home | Role::Operator);
        assert!(!left.tracks.iter().any(|track| people(track.role)));
        if locations == Locations::Remove {
            assert!(left.tracks.is_empty() && left.places.is_empty());
        }
    }
});
