//! Which protected places a file shows: who was at them, and which a camera looked at.

use std::collections::HashMap;

use super::{Around, How, Site, Sites, View};
use creance_model::{Gaze, Inspection, Look, Role, SiteSeen, Timestamp};

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
                self.seen.push(SiteSeen { name, sector, how, role, times: 1, metres, span: at });
            }
        }
    }
}
