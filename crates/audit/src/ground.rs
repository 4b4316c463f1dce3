//! What flights met on the ground: protected places and zones, and a drawing of both.

use std::collections::HashMap;

use creance_model::{DEGREE_M, Drawing, Ground, Inspection, Outline, Role, Track, TrackPoint};
use creance_place::{
    sites::{self, Part, Sites},
    zones::{self, Zones},
};

use crate::pipeline::Pipeline;

/// Ways that are drawn, views of cameras, points of each way, and corners of all outlines of one kind.
const MOST_WAYS: usize = 64;
const MOST_VIEWS: usize = 200;
const MOST_POINTS: usize = 2_000;
const MOST_CORNERS: usize = 60_000;

/// Points of a way that are compared with another, and how near both are then: seconds, and metres.
const MOST_SAMPLES: usize = 40;
const SAME_S: f64 = 10.0;
const SAME_M: f64 = 200.0;

/// Metres to which distances are told where places are not: nearer they would say where one was.
const COARSE_M: f64 = 100.0;

/// What was met on the ways of logs, the tracks of each apart, and of aircraft that the capture hears of.
pub(crate) fn ground(logs: Vec<Vec<Track>>, pipeline: &Pipeline<'_>, reveal: bool) -> Ground {
    let Some(context) = &pipeline.context else { return Ground::default() };
    let heard = pipeline.heard.paths().into_iter().map(heard).collect();
    let mut flown = Inspection { tracks: flights(logs, heard), ..Inspection::of("flight") };
    let (seen, entered) = (sites::seen(&flown, &context.sites), zones::seen(&flown, &context.zones));
    let beyond = seen.beyond || entered.beyond > 0;
    (flown.sites, flown.zones) = (seen.sites, entered.zones);
    let drawing = if reveal { drawing(&flown, &context.sites, &context.zones) } else { Drawing::default() };
    if !reveal {
        coarse(&mut flown);
    }
    Ground { sites: flown.sites, zones: flown.zones, beyond, drawing }
}

/// What is told of sites and zones where places are not.
pub(crate) fn coarse(inspection: &mut Inspection) {
    let coarse = |metres: &mut f64| *metres = (*metres / COARSE_M).round() * COARSE_M;
    inspection.sites.iter_mut().for_each(|site| coarse(&mut site.metres));
    for zone in &mut inspection.zones {
        coarse(&mut zone.margin_m);
        zone.why.clear();
    }
}

/// All ways, but those of flights that an earlier log tells too. Aircraft of one source are several, however near they fly.
fn flights(logs: Vec<Vec<Track>>, heard: Vec<Track>) -> Vec<Track> {
    let mut kept: Vec<Track> = Vec::new();
    // Of the first ones, whether their points are in order of time.
    let mut timed: Vec<bool> = Vec::new();
    for source in logs.into_iter().chain([heard]) {
        let others = kept.len();
        for track in source {
            let earlier = kept.iter().take(others).zip(&timed).filter(|(_, timed)| **timed);
            if earlier.map(|(other, _)| other).any(|other| is_same(&track, other)) {
                continue;
            }
            if timed.len() < MOST_WAYS {
                let points = &track.points;
                timed.push(
                    points.iter().all(|one| one.time.is_some()) && points.is_sorted_by_key(|one| one.time),
                );
            }
            kept.push(track);
        }
    }
    kept
}

/// Whether two ways are of one flight: nine of ten moments of the one are moments of the other, and both were near then. The
/// points of the other are in order of time.
fn is_same(one: &Track, other: &Track) -> bool {
    let step = one.points.len().div_ceil(MOST_SAMPLES).max(1);
    let asked: Vec<&TrackPoint> =
        one.points.iter().step_by(step).filter(|point| point.time.is_some()).collect();
    let is_met = |point: &TrackPoint| {
        let after = other.points.partition_point(|there| there.time < point.time);
        let around = [after.checked_sub(1), Some(after)].into_iter().flatten();
        around.filter_map(|index| other.points.get(index)).any(|there| {
            let Some((here, then)) = point.time.zip(there.time) else { return false };
            let east = (there.lon - point.lon) * point.lat.to_radians().cos();
            (here.as_secs_f64() - then.as_secs_f64()).abs() < SAME_S
                && east.hypot(there.lat - point.lat) * DEGREE_M < SAME_M
        })
    };
    // Most ways are of other flights, which the first misses show.
    let mut misses = 0;
    let enough = asked.iter().all(|point| {
        misses += usize::from(!is_met(point));
        misses * 10 <= asked.len()
    });
    one.role == other.role && !asked.is_empty() && enough
}

/// A way that the capture hears of.
fn heard(path: creance_detect::Path) -> Track {
    let point = |fix: creance_detect::Fix| TrackPoint::new(Some(fix.time), fix.lat, fix.lon, None);
    Track {
        role: match path.role {
            creance_detect::Role::Aircraft => Role::Aircraft,
            creance_detect::Role::Home => Role::Home,
            creance_detect::Role::Operator => Role::Operator,
        },
        vehicle: None,
        alt_reference: None,
        points: path.fixes.into_iter().map(point).collect(),
        field: "capture".to_owned(),
    }
}

/// The ways of a file, with the sites and zones that it says it met.
pub fn drawing(inspection: &Inspection, sites: &Sites, zones: &Zones) -> Drawing {
    let mut ways: Vec<(Role, Vec<(f64, f64)>)> = Vec::new();
    for track in inspection.tracks.iter().take(MOST_WAYS) {
        let step = track.points.len().div_ceil(MOST_POINTS).max(1);
        let kept = track.points.iter().step_by(step).chain(track.points.last());
        let mut way: Vec<(f64, f64)> = kept.map(|point| (point.lat, point.lon)).collect();
        way.dedup();
        ways.push((track.role, way));
    }
    let places = inspection.places.iter().take(MOST_POINTS);
    ways.extend(places.map(|spot| (spot.role, vec![(spot.lat, spot.lon)])));
    ways.retain(|(_, way)| !way.is_empty());

    let mut hows: HashMap<&str, &str> = HashMap::new();
    for seen in &inspection.sites {
        let how = hows.entry(&seen.name).or_insert(&seen.how);
        if seen.how != "near" {
            *how = &seen.how;
        }
    }
    let mut answers: HashMap<&str, &str> = HashMap::new();
    for seen in &inspection.zones {
        let answer = answers.entry(&seen.zone).or_insert(&seen.answer);
        if seen.answer == "inside" {
            *answer = &seen.answer;
        }
    }
    let site_lines = |site: &sites::Site| site.parts.iter().flat_map(lines).collect::<Vec<_>>();
    let met = sites.all().iter().filter_map(|site| Some((site, hows.get(site.name.as_str())?)));
    let sites = met.map(|(site, how)| Outline {
        name: site.name.clone(),
        how: (*how).to_owned().into(),
        lines: site_lines(site),
    });
    let met = zones.all().iter().filter_map(|zone| Some((zone, answers.get(zone.id.as_str())?)));
    let zones = met.map(|(zone, how)| Outline {
        name: zone.name.clone().unwrap_or_else(|| zone.id.clone()),
        how: (*how).to_owned().into(),
        lines: zone
            .volumes
            .iter()
            .flat_map(|volume| volume.shape.outline())
            .map(|line| line.into_iter().map(|[lon, lat]| (lat, lon)).collect())
            .collect(),
    });
    let looked_at = sites::views(inspection, MOST_VIEWS).iter().map(sites::View::ground).collect();
    Drawing { ways, sites: thinned(sites.collect()), zones: thinned(zones.collect()), looked_at }
}

/// Outlines of at most so many corners together.
fn thinned(mut outlines: Vec<Outline>) -> Vec<Outline> {
    let corners: usize = outlines.iter().flat_map(|one| &one.lines).map(Vec::len).sum();
    let step = corners.div_ceil(MOST_CORNERS).max(1);
    if step > 1 {
        for line in outlines.iter_mut().flat_map(|one| &mut one.lines) {
            let mut at = 0;
            line.retain(|_| {
                at += 1;
                (at - 1) % step == 0
            });
        }
    }
    outlines
}

/// The lines of a part of a site.
fn lines(part: &Part) -> Vec<Vec<(f64, f64)>> {
    let line = |line: &[[f64; 2]]| line.iter().map(|[lat, lon]| (*lat, *lon)).collect::<Vec<_>>();
    match part {
        Part::Point(place) => vec![line(&[*place])],
        Part::Line(way) => vec![line(way)],
        Part::Area(rings) => rings
            .iter()
            .map(|ring| {
                let mut closed = line(ring);
                closed.extend(closed.first().copied());
                closed
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use creance_model::Timestamp;

    use super::*;

    /// A way that goes north, a point a second, so many metres east.
    fn way(east_m: f64, late_s: i64) -> Track {
        let point = |second: i64| {
            let lat = 47.0 + f64::from(u32::try_from(second).unwrap()) * 1e-4;
            TrackPoint::new(Some(Timestamp::from_secs(second + late_s)), lat, 8.0 + east_m / 76_000.0, None)
        };
        Track {
            role: Role::Aircraft,
            vehicle: None,
            alt_reference: None,
            points: (0..300).map(point).collect(),
            field: "x".to_owned(),
        }
    }

    #[test]
    fn a_flight_that_two_sources_tell_counts_once_and_aircraft_of_one_source_are_several() {
        assert_eq!(flights(vec![vec![way(0.0, 0)], vec![way(3.0, 1)]], vec![way(5.0, 0)]).len(), 1);
        // Two that fly side by side are two, by the log and by the capture.
        let both = || vec![way(0.0, 0), way(20.0, 0)];
        assert_eq!(flights(vec![both()], both()).len(), 2);
        assert_eq!(flights(Vec::new(), both()).len(), 2);
        // Elsewhere, or at another time.
        assert_eq!(flights(vec![vec![way(0.0, 0)], vec![way(900.0, 0)]], vec![way(0.0, 900)]).len(), 3);
        let mut untimed = way(0.0, 0);
        untimed.points.iter_mut().for_each(|point| point.time = None);
        assert_eq!(flights(vec![vec![untimed.clone()], vec![untimed]], Vec::new()).len(), 2);
    }
}
