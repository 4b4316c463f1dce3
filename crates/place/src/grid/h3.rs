//! H3 (Uber, h3geo.org): hexagons in sixteen resolutions, numbers of 64 bits, shown in hexadecimal.

use h3o::{CellIndex, LatLng, Resolution};

use super::Area;

/// The area of a cell, by its number.
pub fn decode(number: u64) -> Option<Area> {
    let cell = CellIndex::try_from(number).ok()?;
    let middle = LatLng::from(cell);
    // Cells are larger in some places than on average: by a third at most.
    let reach = 1.35 * cell.resolution().edge_length_m();
    Some(Area::around(middle.lat(), middle.lng(), reach))
}

/// The number of the cell that holds a place, at a resolution of 0 to 15.
pub fn encode(lat: f64, lon: f64, resolution: u8) -> Option<u64> {
    let place = LatLng::new(lat, lon).ok()?;
    Some(place.to_cell(Resolution::try_from(resolution).ok()?).into())
}
