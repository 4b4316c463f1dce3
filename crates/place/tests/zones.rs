//! Zones as a whole: what must hold for all of them, hostile files, limits.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{fmt::Write as _, time::Instant};

use creance_model::{AltReference, Timestamp};
use creance_place::zones::{Answer, Height, Place, Zones, read};
use proptest::prelude::*;

fn zones(text: &str) -> Zones {
    Zones::new([read("zones", text.as_bytes()).unwrap()])
}

fn polygon(ring: &[[f64; 2]]) -> Zones {
    zones(&format!(
        r#"{{"type": "Feature", "properties": {{"name": "Z"}}, "geometry": {{"type": "Polygon", "coordinates": [{ring:?}]}}}}"#
    ))
}

fn place(lon: f64, lat: f64) -> Place {
    Place { lat, lon, time: None, height: None, accuracy_m: 1.0 }
}

/// The answer and the margin for the only zone.
fn told(zones: &Zones, place: &Place) -> (Answer, Option<f64>) {
    zones
        .check(place)
        .first()
        .map_or((Answer::Outside, None), |verdict| (verdict.answer(), Some(verdict.margin_m())))
}

fn normal(lon: f64) -> f64 {
    (lon + 180.0).rem_euclid(360.0) - 180.0
}

/// A ring without crossings, about a place anywhere.
fn ring() -> impl Strategy<Value = Vec<[f64; 2]>> {
    (-180.0..180.0_f64, -80.0..80.0_f64, 0.001..2.0_f64, prop::collection::vec(0.3..1.0_f64, 3..40)).prop_map(
        |(lon, lat, reach, far)| {
            let count = far.len();
            let corner = |(at, far): (usize, &f64)| {
                #[expect(clippy::cast_precision_loss, reason = "less than forty")]
                let angle = std::f64::consts::TAU * at as f64 / count as f64;
                [lon + reach * far * angle.cos(), lat + reach * far * angle.sin()]
            };
            far.iter().enumerate().map(corner).collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn turning_reversing_and_shifting_a_ring_changes_nothing(
        ring in ring(), turn in 0..40_usize, (x, y) in (-1.5..1.5_f64, -1.5..1.5_f64),
    ) {
        let [lon, lat] = ring[0];
        let place = place(normal(lon + x), (lat + y).clamp(-90.0, 90.0));
        let first = told(&polygon(&ring.iter().map(|[lon, lat]| [normal(*lon), *lat]).collect::<Vec<_>>()), &place);
        let mut turned = ring.clone();
        turned.rotate_left(turn % ring.len());
        let mut reversed = turned.clone();
        reversed.reverse();
        let closed: Vec<_> = ring.iter().chain(ring.first()).copied().collect();
        for other in [turned, reversed, closed] {
            for by in [0.0, 360.0, -360.0] {
                let moved: Vec<_> = other.iter().map(|[lon, lat]| [lon + by, *lat]).collect();
                let again = told(&polygon(&moved), &place);
                prop_assert_eq!(first.0, again.0);
                let apart = first.1.zip(again.1).map_or(0.0, |(one, other)| (one - other).abs());
                prop_assert!(apart < 0.01, "{first:?} {again:?}");
            }
        }
    }

    #[test]
    fn walls_in_any_order_stand_for_what_they_enclose(
        ring in ring(), order in any::<[u64; 8]>(), (x, y) in (-1.5..1.5_f64, -1.5..1.5_f64),
    ) {
        let corner = |number: usize| {
            let [lon, lat] = ring[number % ring.len()];
            format!("{},{lat}", normal(lon))
        };
        let polygon = |ring: &str| format!("<Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon>");
        let file = |geometry: &str| zones(&format!("<kml><Placemark><MultiGeometry>{geometry}</MultiGeometry></Placemark></kml>"));
        let mut sides: Vec<(u64, String)> = (0..ring.len()).map(|number| {
            let (from, to) = (corner(number), corner(number + 1));
            let key = order[number % 8].rotate_left(u32::try_from(number).unwrap());
            let (from, to) = if key % 2 == 0 { (from, to) } else { (to, from) };
            (key, polygon(&format!("{from},0 {to},0 {to},9 {from},9 {from},0")))
        }).collect();
        sides.sort();
        let walls = file(&sides.into_iter().map(|(_, wall)| wall).collect::<String>());
        let floor = file(&polygon(&(0..=ring.len()).map(corner).collect::<Vec<_>>().join(" ")));
        let [lon, lat] = ring[0];
        let place = place(normal(lon + x), (lat + y).clamp(-90.0, 90.0));
        let (walls, floor) = (told(&walls, &place), told(&floor, &place));
        prop_assert_eq!(walls.0, floor.0);
        let apart = walls.1.zip(floor.1).map_or(0.0, |(one, other)| (one - other).abs());
        prop_assert!(apart < 0.01, "{walls:?} {floor:?}");
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read("any", &bytes);
    }

    #[test]
    fn what_looks_like_zones_is_answered(
        kind in prop::sample::select(vec![
            r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"variant":"COMMON"},"geometry":"#,
            r#"{"features":[{"geometry":[{"horizontalProjection":"#,
            r#"{"areas":[{"area_id":1,"polygon_points":"#,
            "AC C\nAN x\nAL ", "<kml><Placemark><Polygon>", "<AIXMBasicMessage><Airspace>",
            "<kml><Placemark><LinearRing><coordinates>", r#"{"nfz":[{"points":"#, r#"{"nfz":[{"nfz_dots":[{"locations":"#,
            "CEILING,UNIT,LATITUDE,LONGITUDE\n1,2,40.7708333,-73.9041667\n", "TITLE=x\nTYPE=C\nBASE=0\nPOINT=",
        ]),
        rest in "[\\[\\]{}\":,.\\-0-9a-zA-Z<>/=\n ]{0,200}",
    ) {
        let text = format!("{kind}{rest}");
        if let Ok(read) = read("any", text.as_bytes()) {
            let zones = Zones::new([read]);
            let place = Place { height: Some(Height { metres: 50.0, reference: Some(AltReference::Amsl) }), time: Some(Timestamp::from_secs(1_800_000_000)), ..place(8.0, 47.0) };
            for verdict in zones.check(&place) {
                prop_assert!(!verdict.why().is_empty());
            }
            let _ = zones.nearest(&place);
        }
    }

    #[test]
    fn a_cut_file_gives_no_more_zones(cut in 0.0..1.0_f64) {
        let text = "AC P\nAN A\nAL GND\nAH UNL\nV X=47:00:00 N 008:00:00 E\nDC 5\nAC P\nAN B\nAL GND\nAH UNL\nV X=46:00:00 N 008:00:00 E\nDC 5\n";
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "within the text")]
        let cut = (text.len() as f64 * cut) as usize;
        let count = read("cut", &text.as_bytes()[..cut]).map_or(0, |(_, zones)| zones.len());
        prop_assert!(count <= 2 && (count >= 1 || cut < text.find("AC P\nAN B").unwrap()));
    }
}

#[test]
fn a_ring_of_many_corners_that_crosses_itself_is_answered_soon() {
    // A star whose every edge crosses most others, and a zigzag of the whole height.
    let corners = 1_000_000_u32;
    let mut star = String::from(r#"{"type": "Polygon", "coordinates": [["#);
    for at in 0..corners {
        let (sin, cos) = (f64::from(at) * 2.399_963).sin_cos();
        let _ = write!(star, "[{:.6},{:.6}],", 8.0 + cos, 47.0 + sin);
    }
    star.pop();
    star.push_str("]]}");
    let start = Instant::now();
    let zones = zones(&star);
    let (answer, _) = told(&zones, &place(8.0, 47.0));
    assert_eq!(answer, Answer::Uncertain, "its edge crosses itself");
    assert_eq!(told(&zones, &place(10.5, 47.0)).0, Answer::Outside);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn a_crossed_ring_is_uncertain_where_the_rules_differ() {
    // A pentagram: its middle is wound around twice.
    let star: Vec<[f64; 2]> = (0..5_u8)
        .map(|at| {
            let (sin, cos) = (f64::from(at) * 4.0 * std::f64::consts::PI / 5.0).sin_cos();
            [8.0 + sin, 47.0 + cos]
        })
        .collect();
    let zones = polygon(&star);
    assert_eq!(told(&zones, &place(8.0, 47.0)).0, Answer::Uncertain);
    assert_eq!(told(&zones, &place(8.0, 47.7)).0, Answer::Inside);
    assert_eq!(told(&zones, &place(8.5, 46.5)).0, Answer::Outside);
}

#[test]
fn heights_and_times_decide_where_the_place_does_not() {
    let zones = zones(
        r#"{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"identifier": "T", "country": "CHE", "type": "PROHIBITED",
            "variant": "COMMON", "limitedApplicability": [{"startDateTime": "2026-08-01T00:00:00Z", "endDateTime": "2026-08-02T00:00:00Z"}]},
            "geometry": {"type": "Point", "coordinates": [8, 47], "extent": {"subType": "Circle", "radius": 1000},
            "layer": {"lower": 100, "lowerReference": "AMSL", "upper": 500, "upperReference": "AMSL", "uom": "m"}}}]}"#,
    );
    let at = |time: Option<&str>, height: Option<(f64, AltReference)>| {
        let height = height.map(|(metres, reference)| Height { metres, reference: Some(reference) });
        let time = time.map(|time| Timestamp::parse(time).unwrap());
        let place = Place { time, height, ..place(8.0, 47.0) };
        zones
            .check(&place)
            .first()
            .map_or((Answer::Outside, String::new()), |verdict| (verdict.answer(), verdict.why()))
    };
    let within = Some("2026-08-01T12:00:00Z");
    assert_eq!(at(within, Some((300.0, AltReference::Amsl))).0, Answer::Inside);
    assert_eq!(at(within, Some((501.0, AltReference::Amsl))).0, Answer::Outside);
    assert_eq!(at(Some("2026-08-03T12:00:00Z"), Some((300.0, AltReference::Amsl))).0, Answer::Outside);
    for (answer, why) in [
        (at(within, None), "its height is not known"),
        (
            at(within, Some((50.0, AltReference::TakeOff))),
            "its height of 50 m above the take-off cannot be turned",
        ),
        (at(None, Some((300.0, AltReference::Amsl))), "when this was is not known"),
    ] {
        assert_eq!(answer.0, Answer::Uncertain, "{}", answer.1);
        assert!(answer.1.contains(why), "{}", answer.1);
    }
    let above = Place {
        time: Timestamp::parse("2026-08-01T12:00:00Z"),
        height: Some(Height { metres: 520.0, reference: Some(AltReference::Amsl) }),
        ..place(8.0, 47.0)
    };
    assert!((zones.nearest(&above).unwrap().margin_m() - 20.0).abs() < 1e-9, "metres above it");
}
