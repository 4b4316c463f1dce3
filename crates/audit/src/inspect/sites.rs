//! Which protected places a file shows: who was at them, and which a camera looked at.

use creance_model::{Inspection, Role, SiteSeen};
use creance_place::sites::{How, Sites, View};

/// A picture is three quarters as high as it is wide, unless one knows better.
const HEIGHT_OF_WIDTH: f64 = 0.75;

/// The sites that places and tracks of a file lie at, and those that its camera looked at where it says its height above the
/// take-off, its angles and how wide it sees. The ground is taken to be as high as that of the take-off.
pub(super) fn seen(inspection: &Inspection, sites: &Sites) -> Vec<SiteSeen> {
    let mut seen: Vec<SiteSeen> = Vec::new();
    let mut add = |found: Vec<(&creance_place::sites::Site, How)>, role: Role| {
        for (site, how) in found {
            let (how, metres) = match how {
                How::Near(metres) => ("near", metres),
                How::LookedAt(metres) => ("looked at", metres),
            };
            let same = |one: &&mut SiteSeen| {
                one.name == site.name && one.sector == site.sector && one.how == how && one.role == role
            };
            if let Some(one) = seen.iter_mut().find(same) {
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
            let (lat, lon, yaw, pitch) = (spot.lat, spot.lon, look.yaw, look.pitch);
            let view = View { lat, lon, height_m, yaw, pitch, width, height: width * HEIGHT_OF_WIDTH };
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
