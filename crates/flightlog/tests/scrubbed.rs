//! Real captions and missions, scrubbed and read again (skipped where `../shared/data/files` is absent).
#![expect(clippy::print_stdout, reason = "the figure is what this test is for")]

use std::path::Path;

use creance_flightlog::{Options, format};
use creance_model::{Locations, Role, ScrubRequest, Spot};

#[test]
fn no_old_place_is_left_in_what_was_scrubbed() {
    let mut scrubbed = 0;
    for folder in ["srt", "missions"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/files").join(folder);
        let Ok(entries) = folder.read_dir() else {
            println!("skipped: {} is not there", folder.display());
            return;
        };
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()) {
            let bytes = std::fs::read(&path).unwrap();
            let format = format(&bytes).unwrap();
            let read = |bytes: &[u8]| format.read(bytes, &Options::default());
            let told = read(&bytes);
            scrubbed += 1;

            // Captions are more than their places; missions are not.
            let removed = format.scrub(&bytes, &ScrubRequest::default());
            assert_eq!(removed.is_ok(), format.name == "srt", "{}", path.display());
            if let Ok(removed) = removed {
                let after = read(&removed.bytes(&bytes));
                assert!(after.tracks.is_empty() && after.places.is_empty(), "{}", path.display());
                assert_eq!((after.times, after.damage), (told.times.clone(), vec![]), "{}", path.display());
            }

            let locations = Locations::Offset { lat: 0.5, lon: -0.5 };
            let request = ScrubRequest { locations, ..ScrubRequest::default() };
            let after = read(&format.scrub(&bytes, &request).unwrap().bytes(&bytes));
            // Captions are without home, and a mission needs one; in the order of the file every other place has moved.
            let stays = |spot: &&Spot| spot.role != Role::Home || format.name != "srt";
            let before = told.places.iter().filter(stays);
            assert_eq!(before.clone().count(), after.places.len(), "{}", path.display());
            let places =
                before.zip(&after.places).map(|(one, other)| ((one.lat, one.lon), (other.lat, other.lon)));
            let points = |track: &creance_model::Track| track.points.clone();
            let (old, new) = (told.tracks.iter().flat_map(points), after.tracks.iter().flat_map(points));
            assert_eq!(old.clone().count(), new.clone().count(), "{}", path.display());
            let points = old.zip(new).map(|(one, other)| {
                assert_eq!((one.time, one.alt_m), (other.time, other.alt_m), "{}", path.display());
                ((one.lat, one.lon), (other.lat, other.lon))
            });
            for (old, new) in places.chain(points) {
                let off = (new.0 - old.0 - 0.5).abs().max((new.1 - old.1 + 0.5).abs());
                assert!(off < 1e-5, "{}: {old:?} became {new:?}", path.display());
            }
        }
    }
    println!("{scrubbed} files scrubbed");
    assert!(scrubbed >= 15, "{scrubbed}");
}
