//! Which protected places a file shows: who was at them, and which a camera looked at.

use std::collections::HashMap;

use super::{Around, How, Site, Sites, View};
use creance_model::{Gaze, Inspection, Look, Role, SiteSeen, Timestamp, TrackPoint};

/// A picture is taken to be three quarters as high as it is wide, and a film nine sixteenths.
const PICTURE: f64 = 3.0 / 4.0;
const FILM: f64 = 9.0 / 16.0;

/// The degrees that a picture is high which is so many wide.
fn height_of(width: f64, shape: f64) -> f64 {
    2.0 * ((width / 2.0).to_radians().tan() * shape).atan().to_degrees()
}

/// What is compared of one file: some seconds. Corners of sites with places, and with edges of what a camera sees.
const MOST_COMPARED: u64 = 500_000_000;

/// What the ground that a camera sees is taken to cost, in comparisons.
const FOOTPRINT: u64 = 200;

/// What a file shows of protected places.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// The places.
    pub sites: Vec<SiteSeen>,
    /// Whether the way is so long, or sites have so many corners, that the rest was not compared.
    pub beyond: bool,
}

/// The sites that places and tracks of a file lie at, and those that its camera looked at where it says its height above the
/// take-off, its angles and how wide it sees. The ground is taken to be as high as that of the take-off.
pub fn seen(inspection: &Inspection, sites: &Sites) -> Seen {
    let mut log =
        Log { sites, seen: Vec::new(), known: HashMap::new(), compared: 0, around: Around::default() };
    for spot in &inspection.places {
        if log.compared > MOST_COMPARED {
            return Seen { sites: log.seen, beyond: true };
        }
        log.stands(spot.lat, spot.lon, spot.role, spot.time);
        if let Some(view) = spot.look.and_then(|look| view(spot.lat, spot.lon, spot.height_m?, look, PICTURE))
        {
            let shown = log.shown(&view);
            log.add(&shown, spot.role, spot.time);
        }
    }
    for track in &inspection.tracks {
        // A camera that hovers tells the same again and again.
        let mut last: Option<([f64; 3], Gaze)> = None;
        let mut shown = Vec::new();
        for point in &track.points {
            if log.compared > MOST_COMPARED {
                return Seen { sites: log.seen, beyond: true };
            }
            log.stands(point.lat, point.lon, track.role, point.time);
            let Some((gaze, height_m)) = point.gaze.zip(track.height_of(point)) else { continue };
            let from = [point.lat, point.lon, height_m];
            if last != Some((from, gaze)) {
                last = Some((from, gaze));
                let view = view(point.lat, point.lon, height_m, gaze.into(), FILM);
                shown = view.map(|view| log.shown(&view)).unwrap_or_default();
            }
            log.add(&shown, track.role, point.time);
        }
    }
    Seen { sites: log.seen, beyond: false }
}

/// Views of the cameras of a file that say how wide they see: at most so many, spread over all of them.
pub fn views(inspection: &Inspection, most: usize) -> Vec<View> {
    let spots = inspection
        .places
        .iter()
        .filter_map(|spot| view(spot.lat, spot.lon, spot.height_m?, spot.look?, PICTURE));
    let points = inspection.tracks.iter().flat_map(|track| {
        let of_point = |point: &TrackPoint| {
            view(point.lat, point.lon, track.height_of(point)?, point.gaze?.into(), FILM)
        };
        track.points.iter().filter_map(of_point)
    });
    let all: Vec<View> = spots.chain(points).collect();
    let step = all.len().div_ceil(most.max(1)).max(1);
    all.into_iter().step_by(step).collect()
}

/// What a camera sees that says how wide it sees.
fn view(lat: f64, lon: f64, height_m: f64, look: Look, shape: f64) -> Option<View> {
    let Look { yaw, pitch, roll, field_of_view } = look;
    let width = field_of_view?;
    Some(View { lat, lon, height_m, yaw, pitch, roll, width, height: height_of(width, shape) })
}

/// What was seen so far.
struct Log<'s> {
    sites: &'s Sites,
    seen: Vec<SiteSeen>,
    /// Where each stands among them: a track passes one site many times, and many sites.
    known: HashMap<(&'s str, Option<&'s str>, &'static str, Role), usize>,
    compared: u64,
    around: Around,
}

impl<'s> Log<'s> {
    fn stands(&mut self, lat: f64, lon: f64, role: Role, time: Option<Timestamp>) {
        let near = self.sites.compared(lat, lon, &mut self.compared);
        self.add(&near, role, time);
    }

    fn shown(&mut self, view: &View) -> Vec<(&'s Site, How)> {
        self.compared += FOOTPRINT;
        self.sites.shown(view, &mut self.around, &mut self.compared)
    }

    fn add(&mut self, found: &[(&'s Site, How)], role: Role, time: Option<Timestamp>) {
        for (site, how) in found {
            let (how, metres) = match *how {
                How::Near(metres) => ("near", metres),
                How::LookedAt(metres) => ("looked at", metres),
            };
            let next = self.seen.len();
            let key = (site.name.as_str(), site.sector.as_deref(), how, role);
            let index = *self.known.entry(key).or_insert(next);
            let at = time.map(|time| (time, time));
            if let Some(one) = self.seen.get_mut(index) {
                one.times += 1;
                one.metres = one.metres.min(metres);
                one.span = match (one.span, time) {
                    (Some((first, last)), Some(time)) => Some((first.min(time), last.max(time))),
                    (span, _) => span.or(at),
                };
            } else {
                let (name, sector) = (site.name.clone(), site.sector.clone());
                self.seen.push(SiteSeen { name, sector, how: how.into(), role, times: 1, metres, span: at });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sites::{Part, Site};
    use creance_model::{AltReference, Spot, Track, TrackPoint};
    use proptest::prelude::*;

    fn sites() -> Sites {
        let site = |name: &str, lat: f64| Site {
            name: name.to_owned(),
            sector: None,
            height_m: 0.0,
            buffer_m: 20.0,
            parts: vec![Part::Point([lat, 8.0])],
        };
        Sites::new(vec![site("mast", 47.004), site("works", 46.996), site("far", 47.2)])
    }

    /// 100 m above the take-off, looking 20° down.
    fn point(second: i64, yaw: f64, width: Option<f64>) -> TrackPoint {
        let gaze = Gaze::of([yaw, -20.0, 0.0]).map(|gaze| gaze.with_width(width));
        let point = TrackPoint::new(Some(Timestamp::from_secs(second)), 47.0, 8.0, Some(600.0));
        TrackPoint { gaze, ..point }.at_height(Some(100.0))
    }

    fn flight(points: Vec<TrackPoint>) -> Inspection {
        let alt_reference = Some(AltReference::Amsl);
        let track =
            Track { role: Role::Aircraft, vehicle: None, alt_reference, points, field: "srt".to_owned() };
        Inspection { tracks: vec![track], ..Inspection::of("srt") }
    }

    /// Name, how, how often, and the seconds of the first and the last time.
    fn told(inspection: &Inspection) -> Vec<String> {
        let second = |time: Timestamp| time.as_nanos() / 1_000_000_000;
        let tell = |one: &SiteSeen| {
            let span = one.span.map(|(first, last)| format!(", {} to {}", second(first), second(last)));
            format!("{} {} {}{}", one.name, one.how, one.times, span.unwrap_or_default())
        };
        seen(inspection, &sites()).sites.iter().map(tell).collect()
    }

    #[test]
    fn a_flight_looks_at_what_its_camera_turns_to_and_says_when() {
        let wide = Some(70.0);
        let points = vec![
            point(1, 0.0, wide),
            point(2, 0.0, wide),
            point(3, 180.0, wide),
            // How wide it sees is not said.
            point(4, 180.0, None),
            TrackPoint { gaze: None, ..point(5, 0.0, None) },
            TrackPoint { height_m: None, ..point(6, 0.0, wide) },
            point(7, 0.0, wide),
        ];
        assert_eq!(told(&flight(points)), ["mast looked at 3, 1 to 7", "works looked at 1, 3 to 3"]);
    }

    #[test]
    fn a_film_is_lower_than_a_picture() {
        // The mast stands 445 m away, 12.7° below the horizon; the upper edge looks 14.3° down in a film and 12.5° in a picture.
        let point = point(1, 0.0, Some(20.0));
        assert!(told(&flight(vec![point])).is_empty());
        let spot = Spot::new(Role::Camera, point.lat, point.lon, "exif:GPS").unwrap();
        let look = point.gaze.map(Look::from);
        let spot = Spot { height_m: Some(100.0), look, ..spot };
        let picture = Inspection { places: vec![spot], ..Inspection::of("jpeg") };
        assert_eq!(told(&picture), ["mast looked at 1"]);
    }

    #[test]
    fn what_has_no_end_is_left() {
        let line = Part::Line((0..1000).map(|step| [47.004, 8.0 + f64::from(step) * 2e-4]).collect());
        let site =
            Site { name: "wall".to_owned(), sector: None, buffer_m: 1.0, height_m: 0.0, parts: vec![line] };
        let sites = Sites::new(vec![site]);
        let points = (0..200_000)
            .map(|second| point(second, f64::from(i32::try_from(second % 20).unwrap()), Some(70.0)));
        let found = seen(&flight(points.collect()), &sites);
        assert!(found.beyond && found.sites[0].times > 1000, "{}", found.sites[0].times);
    }

    proptest! {
        #[test]
        fn a_flight_sees_what_each_of_its_points_sees(
            way in prop::collection::vec((-0.01_f64..0.01, -0.01_f64..0.01, 0.0_f64..360.0, -90.0_f64..20.0, 1..4_u64), 1..20),
        ) {
            let sites = sites();
            let mut points = Vec::new();
            let mut expected = 0;
            for (north, east, yaw, pitch, again) in way {
                let gaze = Gaze::of([yaw, pitch, 0.0]).map(|gaze| gaze.with_width(Some(60.0)));
                let point = TrackPoint { lat: 47.0 + north, lon: 8.0 + east, gaze, ..point(1, 0.0, None) };
                let view = view(point.lat, point.lon, 100.0, gaze.unwrap().into(), FILM).unwrap();
                expected += again * sites.looked_at(&view).len() as u64;
                points.extend((0..again).map(|_| point));
            }
            let found = seen(&flight(points), &sites);
            let looked = found.sites.iter().filter(|one| one.how == "looked at");
            prop_assert_eq!(looked.map(|one| one.times).sum::<u64>(), expected);
        }
    }
}
