//! What describes a film: user data (`udta`), lists of keys and items (`meta`), XMP.

use creance_model::{AltReference, Component, DataClass, Dated, Hidden, Inspection, Role, Spot, Timestamp};
use data_encoding::HEXLOWER;

use super::{
    boxes::{self, Box},
    gpmf,
};
use crate::still::xmp as packets;

/// Adds what a `udta` or `meta` box says. `at`: where its content stands in the file.
pub(crate) fn tell(inspection: &mut Inspection, kind: [u8; 4], content: &[u8], at: u64) {
    if &kind == b"meta" {
        return meta(inspection, content, at);
    }
    for one in boxes::within(content) {
        let inner = boxes::content(content, &one);
        let at = at + one.content.start;
        match &one.kind {
            b"meta" => meta(inspection, inner, at),
            b"XMP_" => xmp(inspection, inner, at),
            b"GPMF" => gpmf::described(inspection, inner),
            b"loci" => loci(inspection, inner),
            b"FIRM" => set(&mut inspection.device.software, &plain(inner)),
            b"LENS" => {
                inspection.identify(DataClass::Serial, Some(Component::Lens), &plain(inner), "udta:LENS");
            }
            b"CAME" => {
                let hash = HEXLOWER.encode(inner);
                inspection.identify(DataClass::DeviceId, Some(Component::Camera), &hash, "udta:CAME");
            }
            // The second is how one maker of cameras writes it.
            [0xa9 | b'@', ..] => named(inspection, &one, &international(inner)),
            b"auth" | b"perf" | b"titl" | b"dscp" | b"kywd" | b"cprt" => {
                let name = String::from_utf8_lossy(&one.kind).into_owned();
                said(inspection, &name, &languaged(inner), format!("udta:{name}"));
            }
            b"thmb" | b"PANA" | b"snal" => {
                let (field, bytes) =
                    (format!("udta:{}", String::from_utf8_lossy(&one.kind)), inner.len() as u64);
                inspection.hidden.push(Hidden { what: "thumbnail", field, bytes });
            }
            _ => {}
        }
    }
}

/// A packet of XMP.
pub(crate) fn xmp(inspection: &mut Inspection, packet: &[u8], at: u64) {
    let (properties, flaw) = packets::properties(packet);
    packets::tell(inspection, &properties);
    if let Some(why) = flaw {
        inspection.flaw("xmp", at, &why);
    }
}

fn set(slot: &mut Option<String>, text: &str) {
    if slot.is_none() && !text.is_empty() {
        *slot = Some(text.to_owned());
    }
}

/// Text up to its first zero.
fn plain(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).trim().to_owned()
}

/// Text with length and language before it (`QuickTime`, user data text); some write it plain.
fn international(bytes: &[u8]) -> String {
    let length = bytes.first_chunk().map_or(0, |two| usize::from(u16::from_be_bytes(*two)));
    match bytes.get(4..4 + length) {
        Some(text) if length > 0 => plain(text),
        _ => plain(bytes),
    }
}

/// Text behind version, flags and language (3GPP TS 26.244, 8.2), in UTF-8, or UTF-16 with its mark.
fn languaged(bytes: &[u8]) -> String {
    match bytes.get(6..).unwrap_or_default() {
        [0xfe, 0xff, text @ ..] => wide(text),
        text => plain(text),
    }
}

/// Text in UTF-16, most significant byte first, up to its first zero.
fn wide(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).filter_map(|two| Some(u16::from_be_bytes(two.try_into().ok()?)));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    String::from_utf16_lossy(&units).trim().to_owned()
}

/// User data whose name begins with ©.
fn named(inspection: &mut Inspection, one: &Box, text: &str) {
    let [_, a, b, c] = one.kind;
    let name: String = [a, b, c].into_iter().map(char::from).collect();
    let field = format!("udta:©{name}");
    said(inspection, &name, text, field);
}

/// What a text of user data or of an item says, by its short name.
fn said(inspection: &mut Inspection, name: &str, text: &str, field: String) {
    match name {
        "xyz" => place(inspection, text, field),
        "mak" => set(&mut inspection.device.make, text),
        "mdl" | "mod" => set(&mut inspection.device.model, text),
        "swr" | "too" => set(&mut inspection.device.software, text),
        "day" => dated(inspection, text, field),
        "ART" | "aART" | "aut" | "auth" | "com" | "dir" | "own" | "perf" | "prd" | "PRD" | "prf" | "wrt" => {
            inspection.identify(DataClass::PersonName, None, text, field);
        }
        "apID" => inspection.identify(DataClass::AccountId, None, text, field),
        "uid" => inspection.identify(DataClass::DeviceId, None, text, field),
        "nam" | "cmt" | "des" | "desc" | "dscp" | "hst" | "inf" | "key" | "kywd" | "ldes" | "src"
        | "titl" | "url" => {
            inspection.say("text", text, field);
        }
        "cpy" | "cprt" => inspection.say("rights", text, field),
        "csn" | "ser" => inspection.identify(DataClass::Serial, Some(Component::Camera), text, field),
        "fpt" | "fyw" | "frl" => inspection.say("attitude of the aircraft, degrees", text, field),
        "gpt" | "gyw" | "grl" => inspection.say("attitude of the gimbal, degrees", text, field),
        "xsp" | "ysp" | "zsp" => inspection.say("speed, m/s", text, field),
        _ => {}
    }
}

fn dated(inspection: &mut Inspection, text: &str, field: String) {
    if let Some(time) = Timestamp::parse(text) {
        let zone_known = text.get(10..).is_some_and(|clock| clock.contains(['Z', '+', '-']));
        inspection.times.push(Dated { what: "taken", time, zone_known, field });
    }
}

/// A place as ISO 6709 writes it.
fn place(inspection: &mut Inspection, text: &str, field: String) {
    let Some((lat, lon, altitude)) = iso6709(text) else { return };
    if let Some(mut spot) = Spot::new(Role::Camera, lat, lon, field) {
        spot.alt_m = altitude;
        spot.alt_reference = altitude.map(|_| AltReference::Amsl);
        inspection.places.push(spot);
    }
}

/// `+27.2939+112.6932/`, `+3315.5-11719.6+012.3/`: degrees, or degrees and minutes, or and seconds, by how many digits there are.
fn iso6709(text: &str) -> Option<(f64, f64, Option<f64>)> {
    let text = text.trim().trim_end_matches('/');
    let starts: Vec<usize> = text.match_indices(['+', '-']).map(|(at, _)| at).chain([text.len()]).collect();
    let part = |index: usize| text.get(*starts.get(index)?..*starts.get(index + 1)?);
    let angle = |part: &str, degrees: usize| {
        let (sign, digits) = part.split_at_checked(1)?;
        let sign = if sign == "-" { -1.0 } else { 1.0 };
        let whole = digits.split('.').next()?.len();
        let number = |from: usize, to: usize| digits.get(from..to).and_then(|text| text.parse::<f64>().ok());
        let value = match whole.saturating_sub(degrees) {
            0 | 1 => digits.parse().ok()?,
            2 | 3 => number(0, degrees)? + number(degrees, digits.len())? / 60.0,
            _ => {
                number(0, degrees)?
                    + number(degrees, degrees + 2)? / 60.0
                    + number(degrees + 2, digits.len())? / 3600.0
            }
        };
        Some(sign * value)
    };
    let (lat, lon) = (angle(part(0)?, 2)?, angle(part(1)?, 3)?);
    let altitude = part(2).and_then(|part| part.split("CRS").next()?.parse().ok());
    let altitude = altitude.filter(|metres: &f64| metres.is_finite());
    Some((lat, lon, altitude))
}

/// A place as 3GPP writes it (TS 26.244, 8.3): name, role, longitude, latitude, altitude in 16.16.
fn loci(inspection: &mut Inspection, content: &[u8]) {
    let Some(rest) = content.get(6..) else { return };
    let Some(end) = rest.iter().position(|byte| *byte == 0) else { return };
    let name = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).trim().to_owned();
    let number = |at: usize| {
        let four = *rest.get(end + 2 + at..)?.first_chunk()?;
        Some(f64::from(i32::from_be_bytes(four)) / 65536.0)
    };
    let spot = number(0).zip(number(4)).and_then(|(lon, lat)| Spot::new(Role::Camera, lat, lon, "udta:loci"));
    inspection.places.extend(spot.map(|spot| Spot { alt_m: number(8), ..spot }));
    inspection.say("name of a place", name, "udta:loci");
}

/// Lists of keys and items: Apple's, with keys by number, and those of iTunes, with short names.
fn meta(inspection: &mut Inspection, content: &[u8], at: u64) {
    // In MP4 version and flags stand before the boxes, in MOV nothing does.
    let skip = if content.get(4..8) == Some(b"hdlr") { 0 } else { 4 };
    let held = content.get(skip..).unwrap_or_default();
    let all = boxes::within(held);
    let of = |kind: &[u8; 4]| all.iter().find(|one| &one.kind == kind).map(|one| boxes::content(held, one));
    let keys: Vec<String> = of(b"keys").map(keys).unwrap_or_default();
    for one in all.iter().filter(|one| &one.kind == b"xml " || &one.kind == b"XMP_") {
        let inner = boxes::content(held, one);
        xmp(inspection, inner.get(4..).unwrap_or_default(), at);
    }
    let Some(items) = of(b"ilst") else { return };
    for item in boxes::within(items) {
        let inner = boxes::content(items, &item);
        let Some(data) = boxes::within(inner).into_iter().find(|one| &one.kind == b"data") else { continue };
        let value = boxes::content(inner, &data);
        // Type and language stand before the value; type 1 is UTF-8, type 2 UTF-16.
        let text = match (value.get(..4), value.get(8..)) {
            (Some([0, 0, 0, 1]), Some(text)) => Some(plain(text)),
            (Some([0, 0, 0, 2]), Some(text)) => Some(wide(text)),
            _ => None,
        };
        let number = u32::from_be_bytes(item.kind) as usize;
        let key = number.checked_sub(1).and_then(|number| keys.get(number));
        match (key, &item.kind, text) {
            (Some(key), _, Some(text)) => keyed(inspection, key, &text),
            (None, [0xa9, a, b, c], Some(text)) => {
                let name: String = [*a, *b, *c].into_iter().map(char::from).collect();
                said(inspection, &name, &text, format!("ilst:©{name}"));
            }
            (None, b"covr", _) => {
                let (field, bytes) = ("ilst:covr".to_owned(), value.len() as u64);
                inspection.hidden.push(Hidden { what: "thumbnail", field, bytes });
            }
            // Its key stands beside the value: a box of it begins with version and flags.
            (None, b"----", Some(text)) => {
                let name = boxes::within(inner).into_iter().find(|one| &one.kind == b"name");
                let name = name.map(|one| plain(boxes::content(inner, &one).get(4..).unwrap_or_default()));
                keyed(inspection, &name.unwrap_or_default(), &text);
            }
            (None, kind, Some(text)) => {
                let name = String::from_utf8_lossy(kind).into_owned();
                said(inspection, &name, &text, format!("ilst:{name}"));
            }
            _ => {}
        }
    }
}

/// The names of a `keys` box: version, count, and for each its length, namespace and name.
fn keys(content: &[u8]) -> Vec<String> {
    let held = content.get(8..).unwrap_or_default();
    boxes::within(held)
        .iter()
        .map(|one| String::from_utf8_lossy(boxes::content(held, one)).into_owned())
        .collect()
}

/// What an item says whose key has a long name: `com.apple.quicktime.location.ISO6709`.
fn keyed(inspection: &mut Inspection, key: &str, text: &str) {
    let field = format!("keys:{key}");
    let last = key.rsplit(['.', ':']).next().unwrap_or(key).to_ascii_lowercase().replace(['_', '-', ' '], "");
    match last.as_str() {
        "iso6709" => place(inspection, text, field),
        "make" | "manufacturer" => set(&mut inspection.device.make, text),
        "model" => set(&mut inspection.device.model, text),
        "software" | "version" => set(&mut inspection.device.software, text),
        "creationdate" => dated(inspection, text, field),
        "author" | "artist" | "owner" | "director" | "producer" | "performer" | "composer" => {
            inspection.identify(DataClass::PersonName, None, text, field);
        }
        "serialnumber" | "serial" => {
            inspection.identify(DataClass::Serial, Some(Component::Camera), text, field);
        }
        "identifier" | "uuid" => inspection.identify(DataClass::DeviceId, None, text, field),
        "email" => inspection.identify(DataClass::Email, None, text, field),
        "phonenumber" | "phone" => inspection.identify(DataClass::Phone, None, text, field),
        "copyright" => inspection.say("rights", text, field),
        "comment" | "description" | "title" | "keywords" | "displayname" | "information" => {
            inspection.say("text", text, field);
        }
        "name" if key.contains("location") => inspection.say("name of a place", text, field),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn degrees_minutes_and_seconds_are_told_apart_by_their_digits() {
        assert_eq!(iso6709("+27.2939+112.6932/"), Some((27.2939, 112.6932, None)));
        assert_eq!(iso6709("+33.1268-117.3273+012.5/"), Some((33.1268, -117.3273, Some(12.5))));
        assert_eq!(iso6709("+3330.0-11715.0/"), Some((33.5, -117.25, None)));
        assert_eq!(iso6709("-333000-1171500/"), Some((-33.5, -117.25, None)));
        assert_eq!(iso6709("nowhere"), None);
    }

    fn of(kind: &[u8], content: &[u8]) -> Vec<u8> {
        [&u32::try_from(content.len() + 8).unwrap().to_be_bytes()[..], kind, content].concat()
    }

    #[test]
    fn user_data_and_keys_say_where_and_with_what() {
        let text = |text: &str| {
            [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], &[0x15, 0xc7], text.as_bytes()].concat()
        };
        let udta = [
            of(b"\xa9xyz", &text("+47.5000-008.2500/")),
            of(b"\xa9mdl", &text("FC9999")),
            of(b"LENS", b"LENS42\0\0"),
        ]
        .concat();
        let mut inspection = Inspection::of("mp4");
        tell(&mut inspection, *b"udta", &udta, 0);
        assert_eq!((inspection.places[0].lat, inspection.places[0].lon), (47.5, -8.25));
        assert_eq!(inspection.device.model.as_deref(), Some("FC9999"));
        assert_eq!(inspection.identifiers[0].value, "LENS42");
        let key = |name: &[u8]| of(b"mdta", name);
        let keys = of(
            b"keys",
            &[
                &[0, 0, 0, 0, 0, 0, 0, 2][..],
                &key(b"com.apple.quicktime.location.ISO6709"),
                &key(b"com.apple.quicktime.make"),
            ]
            .concat(),
        );
        let data = |text: &[u8]| of(b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0][..], text].concat());
        let items = of(
            b"ilst",
            &[of(&[0, 0, 0, 1], &data(b"+47.5-008.25/")), of(&[0, 0, 0, 2], &data(b"Maker"))].concat(),
        );
        let hdlr = of(b"hdlr", &[0; 24]);
        let mut inspection = Inspection::of("mov");
        tell(&mut inspection, *b"meta", &[hdlr, keys, items].concat(), 0);
        assert_eq!(inspection.places.len(), 1);
        assert_eq!(inspection.device.make.as_deref(), Some("Maker"));
    }

    #[test]
    fn people_accounts_and_numbers_are_told_however_they_are_named() {
        let languaged = |text: &[u8]| [&[0, 0, 0, 0, 0x15, 0xc7][..], text].concat();
        let wide: Vec<u8> = "Grace Hopper".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let udta = [
            of(b"@xyz", b"+47.5000-008.2500/"),
            of(b"auth", &languaged(b"Ada Example\0")),
            of(b"perf", &languaged(&[&[0xfe, 0xff][..], &wide, &[0, 0]].concat())),
            of(b"titl", &languaged(b"Dam\0")),
        ]
        .concat();
        let mut inspection = Inspection::of("mp4");
        tell(&mut inspection, *b"udta", &udta, 0);
        assert_eq!(inspection.places.len(), 1);
        let told = |inspection: &Inspection| -> Vec<(DataClass, String)> {
            inspection.identifiers.iter().map(|one| (one.class, one.value.clone())).collect()
        };
        let person = |name: &str| (DataClass::PersonName, name.to_owned());
        assert_eq!(told(&inspection), [person("Ada Example"), person("Grace Hopper")]);
        assert_eq!(inspection.facts[0].value, "Dam");
        let data = |kind: u8, text: &[u8]| of(b"data", &[&[0, 0, 0, kind, 0, 0, 0, 0][..], text].concat());
        let free =
            [of(b"mean", b"\0\0\0\0com.dji"), of(b"name", b"\0\0\0\0serial_number"), data(1, b"1TEST42")];
        let items = [
            of(b"aART", &data(2, &wide)),
            of(b"apID", &data(1, b"ada@example.org")),
            of(b"----", &free.concat()),
        ]
        .concat();
        let mut inspection = Inspection::of("mp4");
        tell(&mut inspection, *b"meta", &[of(b"hdlr", &[0; 24]), of(b"ilst", &items)].concat(), 0);
        let expected = [
            person("Grace Hopper"),
            (DataClass::AccountId, "ada@example.org".to_owned()),
            (DataClass::Serial, "1TEST42".to_owned()),
        ];
        assert_eq!(told(&inspection), expected);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[+-]?[0-9.+/-]{0,20}") {
            let mut inspection = Inspection::of("mp4");
            tell(&mut inspection, *b"udta", &bytes, 0);
            tell(&mut inspection, *b"meta", &bytes, 0);
            for kind in [b"\xa9xyz", b"loci", b"GPMF", b"meta"] {
                tell(&mut inspection, *b"udta", &of(kind, &bytes), 0);
            }
            let _ = iso6709(&text);
        }
    }
}
