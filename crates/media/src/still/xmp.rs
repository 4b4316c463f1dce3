//! What XMP says (ISO 16684-1): properties of any vendor, as attributes or as elements, by what their names mean.
//!
//! Makers of drones write the same things under many namespaces (drone-dji, drone-parrot, drone-skydio, Camera of
//! senseFly and `Pix4D`, …). So a name is read, not a namespace: what ends in `SerialNumber` is a serial number, and what stands
//! before it says of what; `…Latitude` and `…Longitude` with the same words before them are a place.

use std::collections::BTreeMap;

use creance_model::{AltReference, Component, DataClass, Dated, Inspection, Look, Role, Spot, Timestamp};

use super::exif::{ALTITUDE, LATITUDE, LONGITUDE};
pub(crate) use super::packet::{Property, join, properties};

/// Adds what the properties say.
pub(crate) fn tell(inspection: &mut Inspection, properties: &[Property]) {
    for property in properties {
        let field = property.field();
        let value = property.value.as_str();
        if let Some((class, of)) = property.identifies() {
            inspection.identify(class, of, value, field);
        } else if let Some(what) = property.states() {
            inspection.say(what, value, field);
        } else {
            device(inspection, property);
        }
    }
    let (pairs, alone) = pairs(properties);
    for (group, pair) in pairs {
        place(inspection, properties, &group, &pair);
    }
    for Half { what, degrees, field } in alone {
        inspection.say(what, format!("{degrees:.7}"), field);
    }
    let is_height =
        |one: &&Property| matches!(one.name.as_str(), "AbsoluteAltitude" | "GPSAltitude" | "GpsAltitude");
    if inspection.places.iter().all(|spot| spot.alt_m.is_none())
        && let Some(height) = properties.iter().find(is_height)
        && let Some(metres) = height.number().filter(|metres| *metres != 0.0)
    {
        inspection.say(ALTITUDE, format!("{metres}"), height.field());
    }
    // Where the place stands in EXIF alone, what XMP says of the camera is of that.
    let told = |spot: &Spot| spot.role == Role::Camera && spot.look.is_some();
    if !inspection.places.iter().any(told)
        && let Some(look) = look(properties)
        && let Some(spot) = inspection.places.iter_mut().find(|spot| spot.field == "exif:GPS")
    {
        let names = ["relativealtitude", "abovegroundaltitude"];
        let height = |one: &&Property| names.contains(&one.name.to_ascii_lowercase().as_str());
        spot.look = Some(look);
        spot.height_m = spot.height_m.or_else(|| properties.iter().find(height)?.number());
    }
}

impl Property {
    /// Where it stands.
    pub(crate) fn field(&self) -> String {
        if self.holder.is_empty() {
            format!("xmp:{}:{}", self.prefix, self.name)
        } else {
            format!("xmp:{}:{}:{}", self.holder, self.prefix, self.name)
        }
    }

    /// A number, or a fraction, as XMP writes those of EXIF.
    fn number(&self) -> Option<f64> {
        let text = self.value.trim().trim_start_matches('+');
        let number = match text.split_once('/') {
            Some((over, under)) => over.parse::<f64>().ok()? / under.parse::<f64>().ok()?,
            None => text.parse().ok()?,
        };
        number.is_finite().then_some(number)
    }

    /// What it identifies, if it does.
    fn identifies(&self) -> Option<(DataClass, Option<Component>)> {
        let name = self.name.to_ascii_lowercase();
        if let Some(of) = name.strip_suffix("serialnumber").or_else(|| name.strip_suffix("serial")) {
            return Some((DataClass::Serial, component(of)));
        }
        Some(match (self.prefix.as_str(), name.as_str()) {
            (_, "droneid" | "vehicleid" | "aircraftid") => (DataClass::DeviceId, Some(Component::Aircraft)),
            ("drone-dji", "sensorid") => (DataClass::Serial, Some(Component::Camera)),
            (_, "cameraid") => (DataClass::DeviceId, Some(Component::Camera)),
            (
                _,
                "captureuuid" | "captureid" | "flightid" | "flightuuid" | "mediaid" | "runid" | "runuuid"
                | "bootid" | "bootuuid" | "missionid" | "documentid" | "instanceid" | "originaldocumentid"
                | "imageuniqueid",
            ) => (DataClass::DeviceId, None),
            (_, "ntriphost" | "ntripport" | "ntripmountpoint") => (DataClass::NetworkInfo, None),
            (_, "ntrippassword") => (DataClass::Credential, None),
            (_, "ownername" | "owner" | "pilotname" | "operatorname")
            | ("dc", "creator" | "contributor")
            | ("pdf", "author")
            | ("photoshop", "credit" | "captionwriter")
            | ("tiff" | "xmpDM", "artist")
            | ("Iptc4xmpExt", "personinimage" | "personname")
            | ("mwg-rs" | "MPReg", "name" | "persondisplayname") => (DataClass::PersonName, None),
            (_, "ciadrextadr" | "ciadrcity" | "ciadrctry" | "ciadrpcode" | "ciadrregion" | "ciurlwork") => {
                (DataClass::Contacts, None)
            }
            (_, "ntripuser" | "ntripusername" | "operatorid" | "pilotid" | "userid" | "accountid") => {
                (DataClass::AccountId, None)
            }
            (_, "email" | "ciemailwork") => (DataClass::Email, None),
            (_, "citelwork") => (DataClass::Phone, None),
            _ => return None,
        })
    }

    /// What it states that matters, if it does.
    fn states(&self) -> Option<&'static str> {
        Some(match self.name.to_ascii_lowercase().as_str() {
            "lrftargetdistance" => "distance to the target, m",
            "relativealtitude" => "altitude above take-off, m",
            "abovegroundaltitude" => "altitude above ground, m",
            "flightyawdegree" | "droneyawdegree" => "heading of the aircraft, degrees",
            "flightxspeed" => "speed north, m/s",
            "flightyspeed" => "speed east, m/s",
            "flightzspeed" => "speed down, m/s",
            "dronemodel" => "model of the aircraft",
            "selfdata" => "text of the user",
            "rtkflag" => "RTK state",
            "city" | "state" | "provincestate" | "country" | "countryname" | "location" | "locationname"
            | "sublocation" | "worldregion" => "name of a place",
            "rights" | "usageterms" => "rights",
            "title" | "description" | "caption" | "headline" | "instructions" | "usercomment" | "subject"
            | "keywords" => "text",
            "rawfilename" => "name of the original file",
            "gpsxyaccuracy" => "accuracy of the place, m",
            _ => return None,
        })
    }
}

/// What the words before `SerialNumber` are of.
fn component(words: &str) -> Option<Component> {
    let words = words.trim_end_matches(['_', '-']);
    Some(match words {
        "drone" | "aircraft" | "vehicle" | "uav" | "flightcontroller" => Component::Aircraft,
        "camera" | "body" | "payload" | "sensor" | "" => Component::Camera,
        "lens" => Component::Lens,
        "battery" => Component::Battery,
        "gimbal" => Component::Gimbal,
        "rc" | "remotecontroller" | "controller" | "remote" => Component::Controller,
        _ => return None,
    })
}

fn device(inspection: &mut Inspection, property: &Property) {
    let slot = match (property.prefix.as_str(), property.name.as_str()) {
        ("tiff", "Make") => &mut inspection.device.make,
        ("tiff", "Model") => &mut inspection.device.model,
        ("xmp", "CreatorTool") | ("tiff", "Software") => &mut inspection.device.software,
        ("xmp", "CreateDate" | "ModifyDate" | "MetadataDate")
        | ("exif", "DateTimeOriginal" | "DateTimeDigitized")
        | ("photoshop", "DateCreated")
        | ("drone-dji", "UTCAtExposure") => {
            let clock = property.value.get(10..).unwrap_or_default();
            let zone_known = clock.contains(['Z', '+', '-']) || property.name == "UTCAtExposure";
            // A day alone is no moment.
            let time = Timestamp::parse(&dashed(&property.value)).filter(|_| clock.contains(':'));
            if let Some(time) = time {
                let what = if matches!(property.name.as_str(), "ModifyDate" | "MetadataDate") {
                    "changed"
                } else {
                    "taken"
                };
                inspection.times.push(Dated { what, time, zone_known, field: property.field() });
            }
            return;
        }
        _ => return,
    };
    if slot.is_none() && !property.value.is_empty() {
        *slot = Some(property.value.clone());
    }
}

/// Some makers write dates of XMP as EXIF does, with colons.
fn dashed(text: &str) -> String {
    let (date, time) = text.split_at_checked(10).unwrap_or((text, ""));
    format!("{}{time}", date.replace(':', "-"))
}

/// Degrees as XMP writes them: a number with a sign, or `47,22.5N` (ISO 16684-2, `GPSCoordinate`).
fn degrees(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(number) = text.trim_start_matches('+').parse::<f64>() {
        return number.is_finite().then_some(number);
    }
    let sign = match text.chars().last()? {
        'N' | 'E' => 1.0,
        'S' | 'W' => -1.0,
        _ => return None,
    };
    let mut parts = text.get(..text.len() - 1)?.split(',').map(|part| part.trim().parse::<f64>().ok());
    let (degrees, minutes) = (parts.next()??, parts.next().unwrap_or(Some(0.0))?);
    Some(sign * (degrees + minutes / 60.0 + parts.next().unwrap_or(Some(0.0))? / 3600.0))
}

/// Latitude and longitude.
struct Pair {
    lat: f64,
    lon: f64,
    field: String,
    /// The property that the structure is the value of.
    holder: String,
}

/// Latitude and longitude as far as they are found, where the first stands, and in what.
type Halves = (Option<f64>, Option<f64>, (String, String));

/// A half of a place whose other half is not said.
struct Half {
    what: &'static str,
    degrees: f64,
    field: String,
}

/// Which properties belong together: those of one structure and namespace, by the words before `Latitude` and `Longitude`.
type Group = (usize, String, String);

/// Places by what belongs together, and halves of places.
fn pairs(properties: &[Property]) -> (BTreeMap<Group, Pair>, Vec<Half>) {
    let mut halves: BTreeMap<Group, Halves> = BTreeMap::new();
    for property in properties {
        let name = property.name.to_ascii_lowercase();
        let end = |ends: &[&str]| ends.iter().find_map(|end| name.strip_suffix(end)).map(str::to_owned);
        let (start, is_lat) =
            match (end(&["latitude", "lat"]), end(&["longitude", "longtitude", "lon", "lng"])) {
                (Some(start), _) => (start, true),
                (_, Some(start)) => (start, false),
                _ => continue,
            };
        let entry = halves.entry((property.structure, property.prefix.clone(), start)).or_default();
        let half = if is_lat { &mut entry.0 } else { &mut entry.1 };
        *half = half.or(degrees(&property.value));
        if is_lat || entry.2.0.is_empty() {
            entry.2 = (property.field(), property.holder.clone());
        }
    }
    let (mut whole, mut alone) = (BTreeMap::new(), Vec::new());
    for (key, (lat, lon, (field, holder))) in halves {
        let (what, degrees) = match (lat, lon) {
            (Some(lat), Some(lon)) => {
                whole.insert(key, Pair { lat, lon, field, holder });
                continue;
            }
            (Some(lat), None) => (LATITUDE, lat),
            (None, Some(lon)) => (LONGITUDE, lon),
            (None, None) => continue,
        };
        if degrees != 0.0 && !is_deviation(&key.2) {
            alone.push(Half { what, degrees, field });
        }
    }
    (whole, alone)
}

/// RTK's deviations are named like places.
fn is_deviation(words: &str) -> bool {
    words.contains("std") || words.contains("accuracy")
}

/// Adds a place: whose, how high, and where the camera looked.
fn place(inspection: &mut Inspection, properties: &[Property], group: &Group, pair: &Pair) {
    let (structure, prefix, words) = group;
    // What a picture shows is not where it was taken (IPTC Photo Metadata, Location Shown).
    let role = if pair.holder == "LocationShown" { Role::Target } else { role(words) };
    if is_deviation(words) {
        return;
    }
    let Some(mut spot) = Spot::new(role, pair.lat, pair.lon, pair.field.clone()) else { return };
    let named = |names: &[&str]| {
        let of = |property: &&Property| {
            (property.structure, &property.prefix) == (*structure, prefix)
                && names.contains(&property.name.to_ascii_lowercase().as_str())
        };
        properties.iter().find(of).and_then(Property::number)
    };
    match role {
        Role::Camera => {
            spot.alt_m = named(&["absolutealtitude", "gpsaltitude"]);
            spot.alt_reference = spot.alt_m.map(|_| AltReference::Amsl);
            spot.height_m = named(&["relativealtitude", "abovegroundaltitude"]);
            spot.look = look(properties);
        }
        Role::Target => {
            spot.alt_m = named(&["lrftargetabsalt"]).or_else(|| named(&["lrftargetalt"]));
            spot.alt_reference = named(&["lrftargetabsalt"]).map(|_| AltReference::Amsl);
        }
        // Above what, nobody says.
        _ => spot.alt_m = named(&[&format!("{words}altitude")]),
    }
    inspection.places.push(spot);
}

/// Whose place it is, by the words before `Latitude`.
fn role(words: &str) -> Role {
    let any = |of: &[&str]| of.iter().any(|word| words.contains(word));
    if any(&["target", "lrf", "dest", "poi"]) {
        Role::Target
    } else if any(&["home", "takeoff"]) {
        Role::Home
    } else if any(&["operator", "pilot", "remote", "app", "phone"]) {
        Role::Operator
    } else {
        Role::Camera
    }
}

/// Where the camera looked, by the angles of its gimbal.
pub(crate) fn look(properties: &[Property]) -> Option<Look> {
    let named = |names: &[&str]| {
        let of = |property: &&Property| names.contains(&property.name.to_ascii_lowercase().as_str());
        properties.iter().find(of).and_then(Property::number)
    };
    // Pix4D counts the pitch from straight down.
    let pix4d = || properties.iter().any(|property| property.prefix == "Camera");
    let from = |names: &[&str], camera: &str| named(names).or_else(|| named(&[camera]).filter(|_| pix4d()));
    let yaw = from(&["gimbalyawdegree", "camerayawdegree"], "yaw")?;
    let pitch = named(&["gimbalpitchdegree", "camerapitchdegree"])
        .or_else(|| named(&["pitch"]).filter(|_| pix4d()).map(|pitch| pitch - 90.0))?;
    let roll = from(&["gimbalrolldegree", "camerarolldegree"], "roll").unwrap_or(0.0);
    Some(Look { yaw, pitch, roll, field_of_view: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_and_numbers_are_told_under_any_prefix() {
        let told = told(
            r#"<rdf:Description xmlns:t="http://ns.adobe.com/tiff/1.0/" xmlns:c="http://purl.org/dc/elements/1.1/" xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" xmlns:p="http://ns.adobe.com/photoshop/1.0/" t:Artist="Ada Example" t:Make="Maker" drone-dji:SensorID="4TESTAA" drone-dji:UTCAtExposure="2026-06-11T08:00:00.5" p:DateCreated="2026-06-11"><c:creator><rdf:Seq><rdf:li>Meier &amp; Partner</rdf:li></rdf:Seq></c:creator></rdf:Description>"#,
        );
        let found: Vec<_> = told.identifiers.iter().map(|one| (one.class, one.value.as_str())).collect();
        assert_eq!(
            found,
            [
                (DataClass::PersonName, "Ada Example"),
                (DataClass::Serial, "4TESTAA"),
                (DataClass::PersonName, "Meier & Partner")
            ]
        );
        assert_eq!(told.device.make.as_deref(), Some("Maker"));
        let times: Vec<_> = told.times.iter().map(|time| (time.time, time.zone_known)).collect();
        assert_eq!(
            times,
            [(Timestamp::parse("2026-06-11T08:00:00.5Z").unwrap(), true)],
            "a day is no moment"
        );
    }

    #[test]
    fn half_a_place_and_a_height_are_told_as_well() {
        let told = told(
            "<rdf:Description exif:GPSLatitude='47,30.0S' drone-dji:RtkStdLat='0.01' drone-dji:GpsLongtitude='8.25' drone-dji:AbsoluteAltitude='+412.5'/>",
        );
        let found: Vec<_> =
            told.facts.iter().map(|fact| (fact.field.as_str(), fact.value.as_str())).collect();
        assert_eq!(
            found,
            [
                ("xmp:drone-dji:GpsLongtitude", "8.2500000"),
                ("xmp:exif:GPSLatitude", "-47.5000000"),
                ("xmp:drone-dji:AbsoluteAltitude", "412.5")
            ]
        );
        assert!(told.places.is_empty());
    }

    #[test]
    fn what_is_shown_is_not_where_it_was_taken_and_takes_nothing_from_it() {
        let shown = |place: &str| {
            format!(
                "<Iptc4xmpExt:LocationShown><rdf:Bag>{}</rdf:Bag></Iptc4xmpExt:LocationShown>",
                ["46,30.0N", "46,36.0N"].map(|lat| format!("<rdf:li rdf:parseType='Resource'><exif:GPSLatitude>{lat}</exif:GPSLatitude><exif:GPSLongitude>{place}</exif:GPSLongitude></rdf:li>")).concat()
            )
        };
        let taken = "<exif:GPSLatitude>47,30.0N</exif:GPSLatitude><exif:GPSLongitude>8,15.0E</exif:GPSLongitude><exif:GPSAltitude>412</exif:GPSAltitude>";
        for text in [format!("{}{taken}", shown("7,30.0E")), format!("{taken}{}", shown("7,30.0E"))] {
            let told = told(&format!("<rdf:Description>{text}</rdf:Description>"));
            let places: Vec<_> = told.places.iter().map(|spot| (spot.role, spot.lat, spot.alt_m)).collect();
            assert_eq!(
                places,
                [(Role::Camera, 47.5, Some(412.0)), (Role::Target, 46.5, None), (Role::Target, 46.6, None)]
            );
        }
    }

    #[test]
    fn of_the_pilot_the_height_is_told_too() {
        let packet = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:p="http://example/1.0/" p:PilotGPSLatitude="47.1" p:PilotGPSLongitude="8.1" p:PilotGPSAltitude="431.5"/></rdf:RDF></x:xmpmeta>"#;
        let mut inspection = Inspection::of("jpeg");
        tell(&mut inspection, &properties(packet.as_bytes()).0);
        let told: Vec<_> = inspection.places.iter().map(|spot| (spot.role, spot.alt_m)).collect();
        assert_eq!(told, [(Role::Operator, Some(431.5))]);
    }

    #[test]
    fn angles_belong_to_the_place_in_exif_where_there_is_no_other() {
        let description = r#"<rdf:Description xmlns:d="http://www.dji.com/drone-dji/1.0/" d:GimbalYawDegree="+82.4" d:GimbalPitchDegree="-30.0" d:RelativeAltitude="+40.5"/>"#;
        let packet = format!(
            r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{description}</rdf:RDF></x:xmpmeta>"#
        );
        let mut inspection = Inspection::of("jpeg");
        inspection.places.extend(Spot::new(Role::Camera, 47.1, 8.1, "exif:GPS"));
        tell(&mut inspection, &properties(packet.as_bytes()).0);
        let spot = &inspection.places[0];
        assert_eq!(spot.look.map(|look| (look.yaw, look.pitch)), Some((82.4, -30.0)));
        assert_eq!(spot.height_m, Some(40.5));
    }

    fn told(description: &str) -> Inspection {
        let packet = format!(
            r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{description}</rdf:RDF></x:xmpmeta>"#
        );
        let (properties, flaw) = properties(packet.as_bytes());
        assert_eq!(flaw, None);
        let mut inspection = Inspection::of("jpeg");
        tell(&mut inspection, &properties);
        inspection
    }

    #[test]
    fn attributes_and_elements_say_the_same() {
        let attributes = told(
            r#"<rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" drone-dji:GpsLatitude="+47.5" drone-dji:GpsLongtitude="-8.25" drone-dji:AbsoluteAltitude="+412.5" drone-dji:GimbalYawDegree="-106.6" drone-dji:GimbalPitchDegree="-32.9" drone-dji:DroneSerialNumber="1TESTAB00C0001" drone-dji:LRFTargetLat="47.6" drone-dji:LRFTargetLon="-8.2" drone-dji:RtkStdLat="0.01" drone-dji:RtkStdLon="0.01" drone-dji:LensSerialNumber="0"/>"#,
        );
        let elements = told(
            "<rdf:Description><drone-dji:GpsLatitude>+47.5</drone-dji:GpsLatitude><drone-dji:GpsLongtitude>-8.25</drone-dji:GpsLongtitude><drone-dji:AbsoluteAltitude>412.5</drone-dji:AbsoluteAltitude><drone-dji:GimbalYawDegree>-106.6</drone-dji:GimbalYawDegree><drone-dji:GimbalPitchDegree>-32.9</drone-dji:GimbalPitchDegree><drone-dji:DroneSerialNumber>1TESTAB00C0001</drone-dji:DroneSerialNumber><drone-dji:LRFTargetLat>47.6</drone-dji:LRFTargetLat><drone-dji:LRFTargetLon>-8.2</drone-dji:LRFTargetLon></rdf:Description>",
        );
        assert_eq!(attributes, elements);
        let spots: Vec<_> =
            attributes.places.iter().map(|spot| (spot.role, spot.lat, spot.lon, spot.alt_m)).collect();
        assert_eq!(spots, [(Role::Camera, 47.5, -8.25, Some(412.5)), (Role::Target, 47.6, -8.2, None)]);
        let look = Look { yaw: -106.6, pitch: -32.9, roll: 0.0, field_of_view: None };
        assert_eq!(attributes.places[0].look, Some(look));
        let identifiers: Vec<_> =
            attributes.identifiers.iter().map(|one| (one.of, one.value.as_str())).collect();
        assert_eq!(identifiers, [(Some(Component::Aircraft), "1TESTAB00C0001")]);
    }

    #[test]
    fn other_makers_and_the_standard_are_read_by_name() {
        let told = told(
            r#"<rdf:Description exif:GPSLatitude="47,30.0N" exif:GPSLongitude="8,15.0W" exif:GPSAltitude="4125/10" drone-skydio:FlightID="F-77" Camera:Yaw="90" Camera:Pitch="0" Camera:Roll="1" aux:SerialNumber="C77" drone-dji:NTRIPHost="rtk.example"><dc:creator><rdf:Seq><rdf:li>Ada Example</rdf:li></rdf:Seq></dc:creator><xmp:CreateDate>2022:03:24 17:37:59+08:00</xmp:CreateDate></rdf:Description>"#,
        );
        assert_eq!(
            (told.places[0].lat, told.places[0].lon, told.places[0].alt_m),
            (47.5, -8.25, Some(412.5))
        );
        assert_eq!(told.places[0].look.map(|look| look.pitch), Some(-90.0));
        let values: Vec<_> = told.identifiers.iter().map(|one| (one.class, one.value.as_str())).collect();
        assert_eq!(
            values,
            [
                (DataClass::DeviceId, "F-77"),
                (DataClass::Serial, "C77"),
                (DataClass::NetworkInfo, "rtk.example"),
                (DataClass::PersonName, "Ada Example"),
            ]
        );
        assert_eq!(Some(told.times[0].time), Timestamp::parse("2022-03-24T17:37:59+08:00"));
        assert!(told.times[0].zone_known);
    }

    #[test]
    fn a_cut_packet_gives_what_stands_before_the_cut() {
        let (properties, flaw) = properties(b"<r:a xmlns:d='u'><d:Serial>AB</d:Serial><d:Other");
        assert_eq!(properties.len(), 1);
        assert!(flaw.is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[<>/:=\"' a-zA-Z0-9.,+-]{0,300}") {
            let (properties, _) = properties(text.as_bytes());
            let mut inspection = Inspection::of("jpeg");
            tell(&mut inspection, &properties);
            prop_assert!(inspection.places.iter().all(|spot| creance_model::is_place(spot.lat, spot.lon)));
        }
    }
}
