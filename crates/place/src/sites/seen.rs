//! Which protected places a file shows: who was at them, and which a camera looked at.

use std::collections::HashMap;

use super::{How, Site, Sites, View};
use creance_model::{Inspection, Role, SiteSeen};

/// A picture is taken to be three quarters as high as it is wide.
const HEIGHT_OF_WIDTH: f64 = 0.75;

/// The degrees that a picture is high which is so many wide.
fn height_of(width: f64) -> f64 {
    2.0 * ((width / 2.0).to_radians().tan() * HEIGHT_OF_WIDTH).atan().to_degrees()
}

/// Corners of sites that are compared with the places of one file: some seconds.
const MOST_COMPARED: u64 = 500_000_000;

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
pub fn seen<'s>(inspection: &Inspection, sites: &'s Sites) -> Seen {
    let mut seen: Vec<SiteSeen> = Vec::new();
    // Where each stands among them: a track passes one site many times, and many sites.
    let mut known = HashMap::new();
    let mut add = |found: Vec<(&'s Site, How)>, role: Role| {
        for (site, how) in found {
            let (how, metres) = match how {
                How::Near(metres) => ("near", metres),
                How::LookedAt(metres) => ("looked at", metres),
            };
            let next = seen.len();
            let index = *known.entry((site.name.as_str(), site.sector.as_deref(), how, role)).or_insert(next);
            if let Some(one) = seen.get_mut(index) {
                one.times += 1;
                one.metres = one.metres.min(metres);
            } else {
                let (name, sector) = (site.name.clone(), site.sector.clone());
                seen.push(SiteSeen { name, sector, how, role, times: 1, metres });
            }
        }
    };
    let mut compared = 0;
    for spot in &inspection.places {
        add(sites.compared(spot.lat, spot.lon, &mut compared), spot.role);
        if let Some((look, height_m)) = spot.look.zip(spot.height_m)
            && let Some(width) = look.field_of_view
        {
            let (lat, lon, yaw, pitch, roll) = (spot.lat, spot.lon, look.yaw, look.pitch, look.roll);
            let view = View { lat, lon, height_m, yaw, pitch, roll, width, height: height_of(width) };
            add(sites.looked_at(&view), spot.role);
        }
    }
    for track in &inspection.tracks {
        for point in &track.points {
            if compared > MOST_COMPARED {
                return Seen { sites: seen, beyond: true };
            }
            add(sites.compared(point.lat, point.lon, &mut compared), track.role);
        }
    }
    Seen { sites: seen, beyond: false }
}
