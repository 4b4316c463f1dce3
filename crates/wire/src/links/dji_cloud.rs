//! What DJI's docks, remote controls and aircraft say to a cloud over MQTT (Cloud API, dji-sdk/Cloud-API-Doc).
//!
//! ```text
//! thing/product/<device>/osd, state                    {"gateway": …, "data": {properties of the device}}
//! thing/product/<gateway>/services, events, requests, drc/up, property/set, … and their _reply
//! sys/product/<gateway>/status                         {"data": {"sub_devices": [{"sn": …}]}}
//! ```
//!
//! The payload is taken apart as any JSON; here it is said whose properties these are. An aircraft, a remote control and a
//! dock are told apart by the properties that only one of them has. Left out: what is asked of a device (services), for
//! it has not been done yet.

use creance_model::{Carrier, Field, Parts, Step, Value};

use crate::links::aircraft::{Told, Whose};

/// Who a topic is about, and the rest of it: `osd` of `thing/product/<device>/osd`.
fn device(topic: &str) -> Option<(&str, &str)> {
    let rest = topic.strip_prefix("thing/product/").or_else(|| topic.strip_prefix("sys/product/"))?;
    rest.split_once('/').filter(|(device, _)| !device.is_empty())
}

/// Whether a topic is one of theirs.
pub(crate) fn is_topic(topic: &str) -> bool {
    device(topic).is_some()
}

/// What a message under a topic says, from the parts of its payload: fields under the names of `aircraft`, and the serials
/// that stand in no field of that name as parts below the topic's, which is the first.
pub(crate) fn tell(topic: &str, parts: &mut Parts) -> Vec<Field> {
    let Some((device, what)) = device(topic) else { return Vec::new() };
    let text = |parts: &Parts, path: &str| {
        let step = format!("json:/{path}");
        let part = parts.iter().find(|part| part.is(&step))?;
        std::str::from_utf8(part.bytes()).ok().map(str::to_owned)
    };
    let number = |parts: &Parts, path: &str| text(parts, path)?.parse::<f64>().ok();
    let mut told = Told::new("mqtt", "publish", b"");
    told.word("device_sn", device);
    if let Some(method) = text(parts, "method").filter(|method| method.len() <= 64) {
        told.word("cloud_method", &method);
    }
    let gateway = text(parts, "gateway").filter(|gateway| gateway.len() <= 64);
    if let Some(gateway) = &gateway {
        told.word("gateway_sn", gateway);
    }
    if matches!(what, "osd" | "state") {
        let has = |name: &str| {
            let step = format!("json:/data/{name}");
            parts.iter().any(|part| part.is(&step))
        };
        let dock = has("drone_in_dock") || has("cover_state") || has("sub_device");
        // A dock has modes and a height of its own, and may tell them without the rest of it.
        let aircraft = !dock && (has("elevation") || has("attitude_head"));
        let whose = match (dock, aircraft || has("mode_code")) {
            // An aircraft begins from its dock, and comes back to it.
            (true, _) => Whose::Home,
            (_, true) => Whose::Aircraft,
            // What has a place and does not fly is held by who flies.
            _ => Whose::Operator,
        };
        let place = |lat: &str, lon: &str| {
            number(parts, &format!("data/{lat}")).zip(number(parts, &format!("data/{lon}")))
        };
        if let Some((lat, lon)) = place("latitude", "longitude") {
            told.place(whose, lat, lon);
        }
        if let Some((lat, lon)) = place("home_latitude", "home_longitude") {
            told.place(Whose::Home, lat, lon);
        }
        for (name, path) in [("alt_m", "data/height"), ("height_m", "data/elevation")] {
            if let Some(metres) = number(parts, path).filter(|_| aircraft) {
                told.float(name, metres);
            }
        }
        let code = |path: &str| text(parts, path)?.parse::<i64>().ok();
        if aircraft {
            told.word("vehicle", device);
            if let Some(mode) = code("data/mode_code") {
                told.number("mode_code", mode);
                match mode {
                    // Standby, and an update of its firmware.
                    0 | 13 => told.flying(false),
                    3..=12 | 15..=19 => told.flying(true),
                    // Getting ready to take off is neither, and 14 is no connection.
                    _ => {}
                }
            }
        } else if dock && code("data/drone_in_dock") == Some(1) && code("data/cover_state") == Some(0) {
            // It stands in a dock whose cover is shut.
            let inside = text(parts, "data/sub_device/device_sn").unwrap_or_else(|| device.to_owned());
            told.word("vehicle", &inside);
            told.flying(false);
        }
    }
    for (name, serial) in [("device_sn", Some(device)), ("gateway_sn", gateway.as_deref())] {
        if let Some(serial) = serial {
            parts.add(Carrier::Field, Some(0), Step::Of("topic", name), Some(name), serial);
        }
    }
    let said = |field: &Field| !matches!(&field.value, Value::Text(text) if text.is_empty());
    told.fields.into_iter().filter(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, body::Tree};
    use proptest::prelude::*;

    fn told(topic: &str, json: &str) -> (Vec<Field>, Parts) {
        let limits = Limits::default();
        let mut tree = Tree::new(&limits);
        tree.root(Carrier::Field, "topic", topic, None);
        let part = tree.root(Carrier::Body, "payload", json, None);
        tree.content(part, None);
        let (mut parts, _) = tree.done();
        (tell(topic, &mut parts), parts)
    }

    fn value(fields: &[Field], name: &str) -> Option<Value> {
        fields.iter().find(|field| field.name == name).map(|field| field.value.clone())
    }

    #[test]
    fn an_aircraft_a_remote_control_and_a_dock_are_told_apart() {
        let sn = |text: &str| Some(Value::Text(text.to_owned()));
        let (aircraft, parts) = told(
            "thing/product/1581F5BKD225D00BP891/osd",
            r#"{"bid":"b","data":{"attitude_head":1,"elevation":12.5,"height":140.25,"home_distance":3,"home_latitude":22.5,"home_longitude":113.75,"latitude":22.625,"longitude":113.875,"mode_code":5},"gateway":"5YSZK8700204RT","tid":"t","timestamp":1}"#,
        );
        for (name, expected) in [
            ("vehicle", sn("1581F5BKD225D00BP891")),
            ("gateway_sn", sn("5YSZK8700204RT")),
            ("flying", Some(Value::Flag(true))),
            ("lat", Some(Value::Float(22.625))),
            ("home_lon", Some(Value::Float(113.75))),
            ("height_m", Some(Value::Float(12.5))),
            ("operator_lat", None),
        ] {
            assert_eq!(value(&aircraft, name), expected, "{name}");
        }
        let named: Vec<_> = parts.iter().filter(|part| part.step_of("topic").is_some()).collect();
        assert_eq!(named.len(), 2);
        assert!(named.iter().all(|part| part.parent() == Some(0)));

        let (control, _) = told(
            "thing/product/5YSZK8700204RT/osd",
            r#"{"data":{"capacity_percent":80,"country":"CN","height":0,"latitude":22.625,"longitude":113.875},"gateway":"5YSZK8700204RT"}"#,
        );
        assert_eq!(value(&control, "operator_lat"), Some(Value::Float(22.625)));
        assert_eq!((value(&control, "lat"), value(&control, "vehicle")), (None, None));

        let dock = |inside: u8| {
            told(
                "thing/product/4TADKAQ000002J/osd",
                &format!(r#"{{"data":{{"mode_code":0,"cover_state":0,"drone_in_dock":{inside},"latitude":22.5,"longitude":113.75,"sub_device":{{"device_sn":"1581F5BKD225D00BP891"}}}}}}"#),
            )
            .0
        };
        assert_eq!(value(&dock(1), "home_lat"), Some(Value::Float(22.5)));
        assert_eq!(value(&dock(1), "vehicle"), sn("1581F5BKD225D00BP891"));
        assert_eq!(value(&dock(1), "flying"), Some(Value::Flag(false)));
        assert_eq!(value(&dock(0), "flying"), None);
    }

    #[test]
    fn modes_that_are_neither_say_nothing() {
        for (mode, flying) in [
            (0, Some(false)),
            (1, None),
            (2, None),
            (3, Some(true)),
            (14, None),
            (19, Some(true)),
            (20, None),
        ] {
            let (fields, _) =
                told("thing/product/sn1/osd", &format!(r#"{{"data":{{"elevation":1,"mode_code":{mode}}}}}"#));
            assert_eq!(value(&fields, "flying"), flying.map(Value::Flag), "{mode}");
        }
        let (fields, _) = told("thing/product/sn1/state", r#"{"data":{"mode_code":4}}"#);
        assert_eq!((value(&fields, "vehicle"), value(&fields, "flying")), (None, None), "a dock at work");
    }

    #[test]
    fn other_topics_are_none_of_theirs() {
        for (topic, theirs) in [
            ("sys/product/4TADKAQ000002J/status", true),
            ("thing/product/sn/services_reply", true),
            ("thing/product//osd", false),
            ("thing/product/sn", false),
            ("home/thing/product/sn/osd", false),
        ] {
            assert_eq!(is_topic(topic), theirs, "{topic}");
        }
        assert!(told("home/kitchen", "{\"data\":{\"latitude\":1.5}}").0.is_empty());
    }

    proptest! {
        #[test]
        fn places_survive_the_payload(lat in -90.0..=90.0_f64, lon in 1.0..=180.0_f64, noise in "[ -~]{0,60}") {
            let (fields, _) = told("thing/product/sn/osd", &format!(r#"{{"data":{{"latitude":{lat:?},"longitude":{lon:?},"mode_code":9}}}}"#));
            prop_assert_eq!(value(&fields, "lat"), Some(Value::Float(lat)));
            prop_assert_eq!(value(&fields, "lon"), Some(Value::Float(lon)));
            told(&format!("thing/product/{noise}"), &noise);
        }
    }
}
