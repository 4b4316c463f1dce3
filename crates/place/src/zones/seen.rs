//! Which zones a file touches: with its tracks, its places, what it plans, and the legs between.

use std::collections::HashMap;

use creance_model::{AltReference, Inspection, Role, Timestamp, ZoneSeen};

use super::{Answer, Height, Place, Verdict, WORK, Zones, legs};

/// Metres within which places are known, as far as nothing else says it.
pub const ACCURACY_M: f64 = 1.0;

/// Zones of one file that are told.
const MOST: usize = 1_000;

/// Corners that places of one file are compared with: some seconds.
const MOST_COMPARED: u64 = 1_000_000_000;

/// The zones that a file touches.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Each with the point that is farthest in.
    pub zones: Vec<ZoneSeen>,
    /// What could not be checked: legs that are too long, places and legs that are too many for zones of so many corners, and
    /// zones beyond those that are told.
    pub beyond: u64,
}

/// The zones that places, tracks and legs of a file lie in, or may lie in.
pub fn seen(inspection: &Inspection, zones: &Zones) -> Seen {
    let mut seen: Vec<ZoneSeen> = Vec::new();
    let (mut untold, mut unchecked, mut compared) = (0, 0, 0);
    let mut known = HashMap::new();
    let mut add = |role: Role, verdict: &Verdict<'_>| {
        let next = seen.len();
        let index = *known.entry((std::ptr::from_ref(verdict.zone), role)).or_insert(next);
        let (answer, margin_m) = (verdict.answer(), verdict.margin_m());
        if let Some(one) = seen.get_mut(index) {
            one.times += 1;
            let worse = answer == Answer::Inside && one.answer != Answer::Inside.name();
            if worse || answer.name() == one.answer && margin_m < one.margin_m {
                (one.answer, one.margin_m, one.why) = (answer.name().into(), margin_m, verdict.why());
            }
        } else if next < MOST {
            seen.push(ZoneSeen {
                zone: verdict.zone.id.clone(),
                name: verdict.zone.name.clone(),
                answer: answer.name().into(),
                role,
                times: 1,
                margin_m,
                why: verdict.why(),
            });
        } else if index == next {
            // It is not kept, and so is new each time: the first time stands for all.
            untold = 1;
        }
    };
    let mut at = |role: Role, (lat, lon): (f64, f64), time: Option<Timestamp>, height: Option<Height>| {
        let place = Place { lat, lon, time, height, accuracy_m: ACCURACY_M };
        compared += zones.cost(&place);
        if compared > MOST_COMPARED {
            unchecked += 1;
            return;
        }
        for verdict in &zones.check(&place) {
            add(role, verdict);
        }
    };
    let height = |metres: Option<f64>, reference: Option<AltReference>| {
        metres.map(|metres| Height { metres, reference })
    };
    for spot in &inspection.places {
        at(spot.role, (spot.lat, spot.lon), spot.time, height(spot.alt_m, spot.alt_reference));
    }
    for track in &inspection.tracks {
        for point in &track.points {
            at(track.role, (point.lat, point.lon), point.time, height(point.alt_m, track.alt_reference));
        }
    }
    let (mut work, mut beyond) = (WORK, unchecked);
    legs(inspection, &mut |role, leg| match zones.check_leg(&leg, &mut work) {
        Some(met) => met.iter().for_each(|verdict| add(role, verdict)),
        None => beyond += 1,
    });
    Seen { zones: seen, beyond: beyond + untold }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Spot, Track, TrackPoint};

    #[test]
    fn each_zone_is_told_once_for_each_role_with_the_point_farthest_in() {
        let square = r#"{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"id": "Z1", "name": "Works"},
            "geometry": {"type": "Polygon", "coordinates": [[[8.0, 47.0], [8.1, 47.0], [8.1, 47.1], [8.0, 47.1], [8.0, 47.0]]]}}]}"#;
        let zones = Zones::new([super::super::read("zones.json", square.as_bytes()).unwrap()]);
        let point = |lat| TrackPoint::new(None, lat, 8.05, None);
        let track = Track {
            role: Role::Aircraft,
            vehicle: None,
            alt_reference: None,
            points: vec![point(46.9), point(47.001), point(47.05)],
            field: "x".to_owned(),
        };
        let home = Spot::new(Role::Home, 47.05, 8.05, "y").unwrap();
        let inspection = Inspection { tracks: vec![track], places: vec![home], ..Inspection::of("x") };
        let told = seen(&inspection, &zones).zones;
        let brief: Vec<_> = told.iter().map(|one| (one.role, one.answer.as_ref(), one.times)).collect();
        assert_eq!(brief, [(Role::Home, "inside", 1), (Role::Aircraft, "inside", 2)]);
        assert!((told[0].margin_m - told[1].margin_m).abs() < 1.0 && told[0].margin_m < -3_000.0, "{told:?}");
    }

    #[test]
    fn a_leg_of_a_plan_through_a_zone_is_told_though_its_corners_lie_outside() {
        let square = r#"{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"id": "Z1"},
            "geometry": {"type": "Polygon", "coordinates": [[[8.0, 47.0], [8.01, 47.0], [8.01, 47.01], [8.0, 47.01], [8.0, 47.0]]]}}]}"#;
        let zones = Zones::new([super::super::read("zones.json", square.as_bytes()).unwrap()]);
        let corner = |lon| Spot::new(Role::Target, 47.005, lon, "item 1, command 16").unwrap();
        let inspection = Inspection { places: vec![corner(7.99), corner(8.02)], ..Inspection::of("wpl") };
        let told = seen(&inspection, &zones);
        let brief: Vec<_> = told.zones.iter().map(|one| (one.role, one.answer.as_ref(), one.times)).collect();
        assert_eq!((brief, told.beyond), (vec![(Role::Target, "inside", 1)], 0));
    }
}
