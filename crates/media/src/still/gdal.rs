//! What GDAL keeps of a picture that it converts (tag 0xa480, `GDAL_METADATA`): the EXIF of the original as text, item by
//! item; and where a `GeoTIFF` lies (OGC 19-008r4).

use std::collections::BTreeMap;

use creance_model::{Component, DataClass, Inspection, Role, Spot};
use quick_xml::{Reader, events::Event};

use super::ifd::{Directory, Tags};

/// The tag of GDAL's items.
pub(crate) const METADATA: u16 = 0xa480;

/// A point of the picture and where it lies, and the scale and turn of pixels.
const TIEPOINT: u16 = 0x8482;
const TRANSFORMATION: u16 = 0x85d8;

/// Items of one picture that are read.
const MOST: usize = 4096;

/// Adds what the items say.
pub(crate) fn tell(inspection: &mut Inspection, content: &[u8]) {
    let items = items(content);
    let text = |name: &str| items.get(name).map(String::as_str).filter(|text| !text.is_empty());
    for (name, class, of) in [
        ("EXIF_BodySerialNumber", DataClass::Serial, Some(Component::Camera)),
        ("EXIF_LensSerialNumber", DataClass::Serial, Some(Component::Lens)),
        ("EXIF_ImageUniqueID", DataClass::DeviceId, None),
        ("EXIF_CameraOwnerName", DataClass::PersonName, None),
        ("EXIF_Artist", DataClass::PersonName, None),
    ] {
        if let Some(value) = text(name) {
            inspection.identify(class, of, value, format!("gdal:{name}"));
        }
    }
    if let Some(value) = text("EXIF_ImageDescription") {
        inspection.say("text", value, "gdal:EXIF_ImageDescription");
    }
    let device = &mut inspection.device;
    for (slot, name) in [
        (&mut device.make, "EXIF_Make"),
        (&mut device.model, "EXIF_Model"),
        (&mut device.software, "EXIF_Software"),
    ] {
        *slot = slot.take().or_else(|| text(name).map(str::to_owned));
    }
    let degrees = |name: &str, negative: &str| {
        let parts = numbers(text(name)?);
        let value = parts.iter().zip([1.0, 60.0, 3600.0]).map(|(part, over)| part / over).sum::<f64>();
        let negative =
            text(&format!("{name}Ref")).is_some_and(|reference| reference.eq_ignore_ascii_case(negative));
        (!parts.is_empty()).then_some(if negative { -value.abs() } else { value })
    };
    let place = degrees("EXIF_GPSLatitude", "S").zip(degrees("EXIF_GPSLongitude", "W"));
    if let Some(mut spot) = place.and_then(|(lat, lon)| Spot::new(Role::Camera, lat, lon, "gdal:EXIF_GPS")) {
        spot.alt_m = text("EXIF_GPSAltitude").and_then(|text| numbers(text).first().copied());
        inspection.places.push(spot);
    }
}

/// Where a `GeoTIFF` lies, if it is one.
pub(crate) fn georeference(inspection: &mut Inspection, tags: &Tags<'_>) {
    let point = |tag, lon, lat| {
        let numbers = tags.floats(tags.get(Directory::Main, tag)?);
        Some((*numbers.get(lat)?, *numbers.get(lon)?, numbers.len()))
    };
    let found = point(TIEPOINT, 3, 4)
        .map(|found| (found, "geotiff:ModelTiepoint"))
        .or_else(|| point(TRANSFORMATION, 3, 7).map(|found| (found, "geotiff:ModelTransformation")));
    let Some(((lat, lon, _), field)) = found else { return };
    match Spot::new(Role::Target, lat, lon, field) {
        Some(spot) => inspection.places.push(spot),
        // Metres of a projection.
        None => inspection.say("corner of the picture in its projection", format!("{lon}, {lat}"), field),
    }
}

/// Numbers in brackets: `(24) (40) (49.0009)`.
fn numbers(text: &str) -> Vec<f64> {
    text.split(['(', ')', ' '])
        .filter_map(|part| part.parse().ok())
        .filter(|number: &f64| number.is_finite())
        .collect()
}

fn items(content: &[u8]) -> BTreeMap<String, String> {
    let mut reader = Reader::from_reader(content);
    let (mut found, mut open) = (BTreeMap::new(), None);
    let mut buffer = Vec::new();
    while found.len() < MOST {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(tag)) => {
                open = tag.try_get_attribute("name").ok().flatten().map(|name| name.value.trim().to_owned());
            }
            Ok(Event::Text(text)) => {
                if let Some(name) = open.take() {
                    found.insert(name, text.trim().to_owned());
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_what_exif_said() {
        let content = b"<GDALMetadata>\n <Item name=\"EXIF_BodySerialNumber\">TEST42</Item>\n <Item name=\"EXIF_GPSLatitude\">(47) (30) (0)</Item><Item name=\"EXIF_GPSLongitude\">(8) (15) (0)</Item><Item name=\"EXIF_GPSLongitudeRef\">W</Item></GDALMetadata>\0";
        let mut inspection = Inspection::of("tiff");
        tell(&mut inspection, content);
        assert_eq!(inspection.identifiers[0].value, "TEST42");
        assert_eq!((inspection.places[0].lat, inspection.places[0].lon), (47.5, -8.25));
    }
}
