//! Any bytes as a register of protected places, and cameras and places about what is in it.
#![no_main]

use creance_place::sites::{How, Part, View, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(sites) = read(bytes) else { return };
    let corner = |part: &Part| match part {
        Part::Point(place) => Some(*place),
        Part::Line(line) => line.first().copied(),
        Part::Area(rings) => rings.first().and_then(|ring| ring.first()).copied(),
    };
    let corners: Vec<[f64; 2]> =
        sites.all().iter().take(4).flat_map(|site| site.parts.iter().take(2)).filter_map(corner).collect();
    for (number, [lat, lon]) in corners.into_iter().enumerate() {
        for (_, how) in sites.near(lat, lon) {
            assert!(matches!(how, How::Near(metres) if metres >= 0.0));
        }
        let turn = number as f64 * 77.0;
        let view = View {
            lat: (lat + 0.001).clamp(-90.0, 90.0),
            lon,
            height_m: 60.0 + turn,
            yaw: turn,
            pitch: -turn,
            roll: 0.0,
            width: 60.0,
            height: 40.0,
        };
        for (_, how) in sites.looked_at(&view) {
            assert!(matches!(how, How::LookedAt(metres) if metres >= 0.0));
        }
    }
});
