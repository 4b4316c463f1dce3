//! Which protected places a file shows: who was at them, and which a camera looked at.

use std::collections::HashMap;

use super::{How, Site, Sites, View};
use creance_model::{Inspection, Role, SiteSeen};

/// A picture is three quarters as high as it is wide, unless one knows better.
const HEIGHT_OF_WIDTH: f64 = 0.75;

/// The sites that places and tracks of a file lie at, and those that its camera looked at where it says its height above the
/// take-off, its angles and how wide it sees. The ground is taken to be as high as that of the take-off.
pub fn seen<'s>(inspection: &Inspection, sites: &'s Sites) -> Vec<SiteSeen> {
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
    for spot in &inspection.places {
        add(sites.near(spot.lat, spot.lon), spot.role);
        if let Some((look, height_m)) = spot.look.zip(spot.height_m)
            && let Some(width) = look.field_of_view
        {
            let (lat, lon, yaw, pitch, roll) = (spot.lat, spot.lon, look.yaw, look.pitch, look.roll);
            let view = View { lat, lon, height_m, yaw, pitch, roll, width, height: width * HEIGHT_OF_WIDTH };
            add(sites.looked_at(&view), spot.role);
        }
    }
    for track in &inspection.tracks {
        for point in &track.points {
            add(sites.near(point.lat, point.lon), track.role);
        }
    }
    seen
}
