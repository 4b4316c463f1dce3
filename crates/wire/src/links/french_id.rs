//! The French electronic identification (decree of 27 December 2019): the beacon element of 6A:5C:35, kind 1.
//!
//! ```text
//! (type │ length │ value)*      numbers most significant byte first, places in units of 10⁻⁵ degrees
//! ```
//!
//! Types: 1 version, 2 identifier (30 characters: maker, model, serial), 3 serial of CTA-2063-A, 4 and 5 place,
//! 6 altitude, 7 height, 8 and 9 take-off, 10 speed, 11 course.

use creance_cursor::{Cursor, Malformed};

use crate::links::aircraft::{Told, Whose};

/// The name in outputs.
pub(crate) const NAME: &str = "french-id";

/// What the element says behind its three bytes of maker and its kind.
pub(crate) fn read(bytes: &[u8]) -> Told {
    let mut told = Told::new(NAME, "identification", bytes);
    let mut places = [None; 4];
    // What is cut is told as far as it goes.
    let _ = values(&mut told, &mut places, bytes);
    let [lat, lon, home_lat, home_lon] = places;
    for (whose, lat, lon) in [(Whose::Aircraft, lat, lon), (Whose::Home, home_lat, home_lon)] {
        if let Some((lat, lon)) = lat.zip(lon) {
            told.place(whose, f64::from(lat) / 1e5, f64::from(lon) / 1e5);
        }
    }
    told
}

fn values(told: &mut Told, places: &mut [Option<i32>; 4], bytes: &[u8]) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        let kind = cursor.u8("type")?;
        let length = cursor.u8("length")?;
        let value = cursor.take("value", usize::from(length))?;
        let short = || value.try_into().map(i16::from_be_bytes).ok();
        let place = match kind {
            4 => 0,
            5 => 1,
            8 => 2,
            9 => 3,
            _ => 4,
        };
        if let Some(place) = places.get_mut(place) {
            *place = value.try_into().map(i32::from_be_bytes).ok();
        }
        match (kind, short()) {
            (2, _) => told.text("serial", value),
            (3, _) => told.text("serial_cta", value),
            (6, Some(metres)) => told.float("alt_m", metres.into()),
            (7, Some(metres)) => told.float("height_m", metres.into()),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Value;
    use proptest::prelude::*;

    fn value(told: &Told, name: &str) -> Option<Value> {
        told.fields.iter().find(|field| field.name == name).map(|field| field.value.clone())
    }

    fn element(values: &[(u8, &[u8])]) -> Vec<u8> {
        let one =
            |(kind, value): &(u8, &[u8])| [&[*kind, u8::try_from(value.len()).unwrap()], *value].concat();
        values.iter().flat_map(one).collect()
    }

    #[test]
    fn identifier_place_and_take_off_are_told() {
        let degrees = |degrees: i32| degrees.to_be_bytes();
        let bytes = element(&[
            (1, &[1]),
            (2, b"PARANA000000000001588E040445AC"),
            (4, &degrees(4_885_837)),
            (5, &degrees(229_448)),
            (6, &[0, 120]),
            (7, &[0xff, 0xfe]),
            (8, &degrees(4_885_830)),
            (9, &degrees(229_440)),
            (10, &[3]),
        ]);
        let told = read(&bytes);
        assert_eq!(value(&told, "serial"), Some(Value::Text("PARANA000000000001588E040445AC".to_owned())));
        assert_eq!(value(&told, "lat"), Some(Value::Float(48.858_37)));
        assert_eq!(value(&told, "home_lon"), Some(Value::Float(2.2944)));
        assert_eq!(value(&told, "height_m"), Some(Value::Float(-2.0)));
    }

    proptest! {
        #[test]
        fn places_survive_the_wire(lat in -9_000_000..=9_000_000, lon in 1..=18_000_000, bytes: Vec<u8>) {
            let told = read(&element(&[(5, &i32::to_be_bytes(lon)), (4, &i32::to_be_bytes(lat))]));
            prop_assert_eq!(value(&told, "lat"), Some(Value::Float(f64::from(lat) / 1e5)));
            prop_assert_eq!(value(&told, "lon"), Some(Value::Float(f64::from(lon) / 1e5)));
            read(&bytes);
        }
    }
}
