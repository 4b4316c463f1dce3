//! What a file gives away, so that it can be shown: values masked, places to whole degrees.

use crate::ground::coarse;
use creance_detect::mask;
use creance_model::{DataClass, Fact, Identifier, Inspection, Spot};

/// The same with values masked. Kinds, models, angles and lengths stay.
#[must_use]
pub fn masked(mut inspection: Inspection) -> Inspection {
    for Identifier { class, value, .. } in &mut inspection.identifiers {
        *value = mask(*class, value);
    }
    for Spot { lat, lon, .. } in &mut inspection.places {
        (*lat, *lon) = (lat.trunc(), lon.trunc());
    }
    for track in &mut inspection.tracks {
        track.vehicle = track.vehicle.take().map(|vehicle| mask(DataClass::DeviceId, &vehicle));
        for point in &mut track.points {
            (point.lat, point.lon) = (point.lat.trunc(), point.lon.trunc());
        }
    }
    // Programs that write tracks are often called after who uses them.
    if matches!(inspection.kind, "gpx" | "kml" | "kmz" | "png") {
        inspection.device.software =
            inspection.device.software.take().map(|text| mask(DataClass::PersonName, &text));
    }
    for Fact { what, value, .. } in &mut inspection.facts {
        if is_private(what, value) {
            *value = mask(DataClass::PersonName, value);
        }
    }
    coarse(&mut inspection);
    inspection
}

/// Words of what a fact is about that make its value somebody's own.
const PRIVATE: &[&str] = &[
    "text",
    "name",
    "rights",
    "address",
    "message",
    "comment",
    "author",
    "place",
    "fence",
    "corner",
    "computer",
    "link",
    "sensor",
    "description",
    "latitude",
    "longitude",
];

/// Whether a fact may tell of a person or a place.
fn is_private(what: &str, value: &str) -> bool {
    // Degrees have four decimals and more where they say a place.
    let fine = |word: &str| {
        word.split_once('.')
            .is_some_and(|(_, decimals)| decimals.bytes().take_while(u8::is_ascii_digit).count() >= 4)
    };
    let pair = value.split([',', ' ', ';']).filter(|word| fine(word)).count() >= 2;
    pair || PRIVATE.iter().any(|word| what.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Component, Role};

    #[test]
    fn nothing_of_a_value_is_left_but_its_shape() {
        let mut inspection = Inspection::of("jpeg");
        inspection.identify(DataClass::Serial, Some(Component::Aircraft), "1TESTAB00C0001", "xmp:x");
        inspection.places.extend(Spot::new(Role::Camera, 47.123, -8.987, "exif:GPS"));
        inspection.say("name of a place", "Harbour Street", "iptc:2:90");
        inspection.say("corner of an area", "47.12345, 8.12345", "plan");
        inspection.say("sensor", "4TESTP02AA0087", "jpeg:APP7");
        inspection.say("description of the flight", "Visit to Ada", "tlog");
        inspection.say("latitude without a longitude, degrees", "-33.8567840", "exif:GPSLatitude");
        inspection.say("distance to the target, m", "79.572", "xmp:y");
        let shown = format!("{:?}", masked(inspection));
        for secret in
            ["1TESTAB00C0001", "47.123", "8.987", "Harbour", "8.12345", "4TESTP02AA0087", "Ada", "33.8"]
        {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(shown.contains("79.572"));
    }
}
