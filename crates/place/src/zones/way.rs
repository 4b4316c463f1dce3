//! The legs of what a file gives away: of a plan from corner to corner, of a flight where its fixes are far apart.

use creance_model::{AltReference, Inspection, Role, Spot, Timestamp};

use super::{Height, Leg, Place, geodesy, seen::ACCURACY_M};

/// Commands of MAVLink (`MAV_CMD`) that fly to their place: waypoints, loiters, landings, take-offs, splines.
const FLOWN_TO: [u16; 12] = [16, 17, 18, 19, 21, 22, 31, 36, 82, 84, 85, 94];

/// Metres below which a leg between two fixes says hardly more than they do.
const LEAST_M: f64 = 20.0;

/// Between fixes that are farther apart nobody can say where it was: nanoseconds, and metres where there are no times.
const LONGEST: i64 = 300_000_000_000;
const FARTHEST_M: f64 = 1_000.0;

/// Metres a second beyond which it was no flight but a receiver that had lost its place.
const FASTEST: f64 = 150.0;

/// Hands out the legs of plans and tracks, with whose they are.
pub fn legs(inspection: &Inspection, take: &mut dyn FnMut(Role, Leg)) {
    let mut corners = corners(inspection);
    let mut last = corners.next();
    for corner in corners {
        if let Some(last) =
            last.replace(corner).filter(|last| (last.lat, last.lon) != (corner.lat, corner.lon))
        {
            take(Role::Target, Leg { ends: [last, corner], flown: false });
        }
    }
    for track in &inspection.tracks {
        let mut fixes = track
            .points
            .iter()
            .map(|point| place((point.lat, point.lon), point.time, point.alt_m, track.alt_reference));
        let mut last = fixes.next();
        for fix in fixes {
            if let Some(last) = last.replace(fix)
                && is_way(&last, &fix)
            {
                take(track.role, Leg { ends: [last, fix], flown: true });
            }
        }
    }
}

/// The corners of a plan in order, from where it takes off if that is said.
fn corners(inspection: &Inspection) -> impl Iterator<Item = Place> {
    let planned = inspection.places.iter().filter(|spot| is_corner(inspection, spot));
    let is_mission = matches!(inspection.kind, "qgc-plan" | "wpl" | "kmz");
    let home = inspection.places.iter().find(|spot| spot.role == Role::Home).filter(|_| is_mission);
    let home =
        home.map(|spot| place((spot.lat, spot.lon), spot.time, Some(0.0), Some(AltReference::TakeOff)));
    home.into_iter().chain(planned.map(|spot| {
        let (alt_m, reference) = match (spot.alt_m, spot.height_m) {
            (None, Some(height)) => (Some(height), Some(AltReference::TakeOff)),
            (alt_m, _) => (alt_m, spot.alt_reference),
        };
        place((spot.lat, spot.lon), spot.time, alt_m, reference)
    }))
}

/// Whether a plan flies to a place: fences, rally points and what a camera is to look at are none.
fn is_corner(inspection: &Inspection, spot: &Spot) -> bool {
    let field = spot.field.as_str();
    spot.role == Role::Target
        && match inspection.kind {
            "qgc-plan" | "wpl" => field
                .rsplit_once("command ")
                .and_then(|(_, command)| command.parse().ok())
                .is_some_and(|command| FLOWN_TO.contains(&command)),
            // Of KML only DJI's missions say what their heights count from.
            "kml" | "kmz" => {
                field == "LineString/coordinates"
                    || field == "Point/coordinates" && spot.alt_reference.is_some()
            }
            "gpx" => field == "rtept",
            // A plan has no times, and what is looked at stands beside its corners.
            "csv" => spot.time.is_none() && !field.to_ascii_lowercase().contains("poi"),
            _ => false,
        }
}

fn place(
    (lat, lon): (f64, f64),
    time: Option<Timestamp>,
    alt_m: Option<f64>,
    reference: Option<AltReference>,
) -> Place {
    let height = alt_m.map(|metres| Height { metres, reference });
    Place { lat, lon, time, height, accuracy_m: ACCURACY_M }
}

/// Whether something flew straight, or nearly so, from one fix to the next, for all that is known.
fn is_way(from: &Place, to: &Place) -> bool {
    // What is nearer than that in degrees is nearer in metres.
    if (from.lat - to.lat).abs().max((from.lon - to.lon).abs()) * 111_700.0 < LEAST_M {
        return false;
    }
    let metres = geodesy::geodesic([from.lon, from.lat], [to.lon, to.lat]);
    if metres < LEAST_M {
        return false;
    }
    match from.time.zip(to.time).map(|(start, end)| end.since(start)) {
        #[expect(clippy::cast_precision_loss, reason = "five minutes")]
        Some(nanos) => (1..=LONGEST).contains(&nanos) && metres <= FASTEST * (nanos as f64 / 1e9),
        None => metres <= FARTHEST_M,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Track, TrackPoint};

    fn told(inspection: &Inspection) -> Vec<(Role, [f64; 2], bool)> {
        let mut all = Vec::new();
        legs(inspection, &mut |role, leg| all.push((role, leg.ends.map(|end| end.lat), leg.flown)));
        all
    }

    fn plan(kind: &'static str, spots: &[(Role, f64, &str)]) -> Inspection {
        let spots = spots.iter().map(|(role, lat, field)| Spot::new(*role, *lat, 8.0, *field).unwrap());
        Inspection { places: spots.collect(), ..Inspection::of(kind) }
    }

    #[test]
    fn a_plan_goes_from_home_to_its_waypoints_and_to_nothing_else() {
        let spots = [
            (Role::Target, 47.1, "item 1, command 22"),
            (Role::Target, 47.5, "item 2, command 201"),
            (Role::Target, 47.2, "item 3, command 16"),
            (Role::Target, 47.2, "item 4, command 16"),
            (Role::Target, 47.6, "fence"),
            (Role::Home, 47.0, "item 0, command 16"),
        ];
        let expected = [(Role::Target, [47.0, 47.1], false), (Role::Target, [47.1, 47.2], false)];
        assert_eq!(told(&plan("wpl", &spots)), expected);
        assert_eq!(told(&plan("ulog", &spots)), []);
        let points = [(Role::Target, 47.1, "Point/coordinates"), (Role::Target, 47.2, "Point/coordinates")];
        assert_eq!(told(&plan("kmz", &points)), [], "places on a map");
        let mut mission = plan("kmz", &points);
        mission.places.iter_mut().for_each(|spot| spot.alt_reference = Some(AltReference::TakeOff));
        assert_eq!(told(&mission).len(), 1);
        let route =
            [(Role::Target, 47.1, "rtept"), (Role::Target, 47.9, "wpt"), (Role::Target, 47.2, "rtept")];
        assert_eq!(told(&plan("gpx", &route)), [(Role::Target, [47.1, 47.2], false)]);
        let litchi = [
            (Role::Target, 47.1, "latitude"),
            (Role::Target, 47.9, "poi_latitude"),
            (Role::Target, 47.2, "latitude"),
        ];
        assert_eq!(told(&plan("csv", &litchi)), [(Role::Target, [47.1, 47.2], false)]);
    }

    #[test]
    fn fixes_are_joined_where_it_may_have_flown_straight() {
        let time = |second: i64| Some(Timestamp::from_nanos(second * 1_000_000_000));
        let fix = |second, lat| TrackPoint::new(time(second), lat, 8.0, None);
        let track = |points| Track {
            role: Role::Aircraft,
            vehicle: None,
            alt_reference: None,
            points,
            field: "x".to_owned(),
        };
        // 11 m, 110 m, 110 m within a second but 10 km before, and after ten minutes.
        let points = vec![
            fix(0, 47.0),
            fix(1, 47.0001),
            fix(2, 47.0011),
            fix(3, 47.1),
            fix(4, 47.101),
            fix(604, 47.102),
        ];
        let untimed = [47.0, 47.001, 47.1].map(|lat| TrackPoint::new(None, lat, 8.0, None));
        let inspection =
            Inspection { tracks: vec![track(points), track(untimed.to_vec())], ..Inspection::of("x") };
        let lats: Vec<_> = told(&inspection).into_iter().map(|(_, ends, flown)| (ends, flown)).collect();
        assert_eq!(lats, [([47.0001, 47.0011], true), ([47.1, 47.101], true), ([47.0, 47.001], true)]);
    }
}
