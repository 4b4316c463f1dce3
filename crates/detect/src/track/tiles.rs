//! Tiles of maps whose numbers stand in fields of a request's target: `?z=16&x=54803&y=28116`, WMTS' `TileMatrix`,
//! `TileCol` and `TileRow`.

use creance_model::Carrier;
use creance_place::grid::tile;

use super::{Written, forms::LEVELS, known::Within};
use crate::View;

const LEVEL: &[&str] = &["z", "zoom", "level", "tilematrix", "l"];
const COLUMN: &[&str] = &["x", "col", "tilecol"];
const ROW: &[&str] = &["y", "row", "tilerow"];

/// Parts between the level of a tile and its other numbers.
const APART: usize = 8;

/// The places that the tiles of a request are of.
pub(super) fn find(message: &View<'_>, tell: &mut dyn FnMut(Written) -> bool) {
    let is = |names: &[&str], part: usize| names.contains(&message.words(part).whole());
    if !message.keys().iter().any(|words| LEVEL.contains(&words.whole())) {
        return;
    }
    let in_target =
        |part: &usize| message.parts().get(*part).is_some_and(|part| part.carrier() == Carrier::Uri);
    let fields: Vec<(usize, u64)> = message
        .numbers()
        .filter(|(part, _)| in_target(part))
        .filter_map(|(part, bytes)| Some((part, std::str::from_utf8(bytes).ok()?.parse().ok()?)))
        .collect();
    for (place, (part, level)) in fields.iter().enumerate().filter(|(_, (part, _))| is(LEVEL, *part)) {
        let near = fields.iter().skip(place.saturating_sub(APART)).take(2 * APART + 1);
        let beside =
            |names: &[&str]| near.clone().find(|(other, _)| is(names, *other)).map(|(_, number)| *number);
        let area =
            beside(COLUMN).zip(beside(ROW)).and_then(|(x, y)| tile::area(u32::try_from(*level).ok()?, x, y));
        if let Some(area) = area.filter(|_| u32::try_from(*level).is_ok_and(|level| LEVELS.contains(&level)))
        {
            tell(Written {
                part: *part,
                range: None,
                place: (area.lat, area.lon),
                grain: Within { lat: area.half_lat, lon: area.half_lon },
                encoding: "tile-zxy".to_owned(),
                plain: false,
            });
        }
    }
}
