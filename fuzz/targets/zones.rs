//! Any bytes as a file of zones, or as a list of zones on a device, and places and legs about what is in it.
#![no_main]

use creance_model::{AltReference, Timestamp};
use creance_place::zones::{self, Height, Leg, Place, Zones};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let listed = zones::may_list(bytes).then(|| zones::inspect("fuzz", bytes)).flatten();
    let Ok(read) = zones::read("fuzz", bytes) else { return };
    assert!(listed.is_none_or(|listed| listed.kind == "zones"));
    let zones = Zones::new([read]);
    let corners: Vec<[f64; 2]> = zones
        .all()
        .iter()
        .take(4)
        .flat_map(|zone| zone.volumes.iter().take(2))
        .flat_map(|volume| volume.shape.outline().into_iter().flatten().take(3).collect::<Vec<_>>())
        .collect();
    let mut last: Option<Place> = None;
    let mut work = 20_000;
    for (number, [lon, lat]) in corners.into_iter().enumerate() {
        let height =
            [None, Some(None), Some(Some(AltReference::Amsl)), Some(Some(AltReference::TakeOff))][number % 4];
        let place = Place {
            lat: (lat + 0.001).clamp(-90.0, 90.0),
            lon,
            time: (number % 2 == 0).then(|| Timestamp::from_secs(1_785_000_000)),
            height: height.map(|reference| Height { metres: 60.0, reference }),
            accuracy_m: 1.0,
        };
        for verdict in zones.check(&place) {
            assert!(!verdict.why().is_empty() && !verdict.margin_m().is_nan());
        }
        if let Some(nearest) = zones.nearest(&place) {
            assert!(!nearest.why().is_empty());
        }
        if let Some(last) = last.replace(place) {
            let leg = Leg { ends: [last, place], flown: number % 3 == 0 };
            for verdict in zones.check_leg(&leg, &mut work).unwrap_or_default() {
                assert!(!verdict.why().is_empty() && !verdict.margin_m().is_nan());
            }
        }
    }
});
