//! Links of aircraft against what others read of the same captures: identities and positions of Open Drone ID (tshark with
//! opendroneid's dissector), of `DroneID` (decoded by hand), of MAVLink, and the labels of shared captures.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

use std::{collections::BTreeMap, fs, path::Path};

use creance_tests::{run, shared};
use serde_json::Value;

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The fields of every message of a protocol, in order.
fn messages(path: &Path, protocol: &str) -> Vec<Value> {
    let output = run(["messages", &path.display().to_string(), "--reveal", "-q", "--protocol", protocol]);
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice::<Value>(line).unwrap()["fields"].take()).collect()
}

fn findings(path: &Path) -> Vec<Value> {
    let output = run(["audit", &path.display().to_string(), "--reveal", "--format", "json", "-q"]);
    let mut document: Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(document["findings"].take()).unwrap()
}

fn place(text: &str) -> Option<(f64, f64)> {
    let (lat, lon) = text.split_once(',')?;
    Some((lat.parse().ok()?, lon.parse().ok()?))
}

/// Whether two values say the same: places within some metres, for labels give the first of a track that moves little.
fn same(class: &str, ours: &str, theirs: &str) -> bool {
    match (class, place(ours), place(theirs)) {
        ("location", Some(ours), Some(theirs)) => {
            (ours.0 - theirs.0).abs() < 2e-4 && (ours.1 - theirs.1).abs() < 2e-4
        }
        _ => ours == theirs,
    }
}

#[test]
fn what_is_radiated_is_found_as_it_is_labelled_and_nothing_else_is() {
    let Some(captures) = shared("captures") else {
        println!("skipped: no shared captures");
        return;
    };
    let mut found = 0;
    for (name, beyond) in [
        ("odid-bt5-lr.pcapng", &[][..]),
        ("odid-dji-air3.pcapng", &[]),
        // The track goes on beyond the label's first place; by its note it moves. Names of networks are not labelled here.
        ("odid-wifi-nan.pcap", &["location", "network-info"]),
        // The transmitter made up places of pilots and homes and accounts too; they stand in the record as those of the
        // aircraft do, and the decoding by hand has them (see below).
        ("odid-mavic-multiple-spoofed.pcapng", &["location", "account-id", "network-info"]),
    ] {
        let labels = json(&captures.join("labels").join(format!("{name}.json")));
        let ours = findings(&captures.join(name));
        let events = labels["events"].as_array().unwrap();
        let matches = |event: &Value, finding: &Value| {
            let class = event["data_class"].as_str().unwrap();
            finding["data_class"] == class
                && same(class, finding["value"].as_str().unwrap(), event["value"].as_str().unwrap())
        };
        for event in events {
            let all = ours.iter().filter(|finding| matches(event, finding)).collect::<Vec<_>>();
            assert!(!all.is_empty(), "{name}: {} {}", event["data_class"], event["value"]);
            found += 1;
            for finding in all {
                assert_eq!(finding["direction"], "broadcast", "{name}");
                assert!(finding["destination"]["ip"].is_null() && finding["source"]["ip"].is_null());
                assert!(finding["source"]["mac"].is_string());
            }
        }
        for finding in &ours {
            let class = finding["data_class"].as_str().unwrap();
            let known = events.iter().any(|event| matches(event, finding)) || beyond.contains(&class);
            assert!(known, "{name}: {class} {} is not labelled", finding["value"]);
        }
    }
    println!("{found} labelled values found");
    assert_eq!(found, 39);
}

#[test]
fn dji_droneid_says_what_was_decoded_by_hand() {
    let Some(folder) = shared("files/remoteid") else {
        println!("skipped: no shared samples");
        return;
    };
    let oracle = json(&folder.join("oracle/mavic_multiple_spoofed.pcapng.dji.json"));
    let ours = messages(&folder.join("mavic_multiple_spoofed.pcapng"), "droneid");
    let theirs = oracle["records"].as_array().unwrap();
    assert_eq!(ours.len() as u64, oracle["n"].as_u64().unwrap());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours["serial"], theirs["serial"]);
        assert_eq!((&ours["altitude"], &ours["height"]), (&theirs["alt"], &theirs["height"]));
        assert_eq!((&ours["product"], &ours["gps_time_ms"]), (&theirs["product"], &theirs["gps_time_ms"]));
        for (name, named) in [
            ("lat", "lat"),
            ("lon", "lon"),
            ("operator_lat", "app_lat"),
            ("operator_lon", "app_lon"),
            ("home_lat", "home_lat"),
            ("home_lon", "home_lon"),
        ] {
            let said = theirs[named].as_f64().unwrap();
            match ours[name].as_f64() {
                Some(degrees) => assert!((degrees - said).abs() < 1e-6, "{name} {degrees} {said}"),
                // Made up beyond the globe: no place.
                None => assert!(
                    theirs["app_lat"].as_f64().unwrap().abs() > 90.0
                        || theirs["app_lon"].as_f64().unwrap().abs() > 180.0
                        || theirs["home_lat"].as_f64().unwrap().abs() > 90.0
                        || theirs["home_lon"].as_f64().unwrap().abs() > 180.0,
                    "{name} {said}"
                ),
            }
        }
    }
}

/// How often each value of a field occurs, as whole numbers of the wire or as text.
fn counted(messages: &[Value], name: &str, scale: f64) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for message in messages {
        let value = match &message[name] {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            number => format!("{:.0}", number.as_f64().unwrap() * scale),
        };
        *counts.entry(value).or_default() += 1;
    }
    counts
}

#[test]
fn open_drone_id_says_what_its_own_dissector_reads() {
    let Some(folder) = shared("files/remoteid") else {
        println!("skipped: no shared samples");
        return;
    };
    let mut compared = 0;
    for (name, packs, garbled) in [
        ("odid_wifi_sample.pcap", 42, 0),
        ("parrot_anafi4_real.pcapng", 1140, 0),
        // Thirty of its packets failed the radio's own check: the dissector reads them all the same, and noise in some.
        ("odid_bt5_lr_sample.pcapng", 273, 30),
    ] {
        let oracle = json(&folder.join("oracle").join(format!("{name}.json")));
        let ours = messages(&folder.join(name), "remote-id");
        assert!((packs - garbled..=packs).contains(&ours.len()), "{name}: {} packs", ours.len());
        for (field, theirs, scale) in [
            ("lat", "OpenDroneID.loc_lat", 1e7),
            ("lon", "OpenDroneID.loc_lon", 1e7),
            ("operator_lat", "OpenDroneID.system_lat", 1e7),
            ("operator_lon", "OpenDroneID.system_lon", 1e7),
            ("serial", "OpenDroneID.basicID_id_asc", 1.0),
            ("operator_id", "OpenDroneID.operator_id", 1.0),
            ("description", "OpenDroneID.self_desc", 1.0),
        ] {
            let counts = counted(&ours, field, scale);
            let Some(theirs) = oracle["odid_fields"][theirs].as_object() else { continue };
            for (value, count) in theirs {
                let noise = garbled > 0 && count == 1;
                // (0, 0) is no place, and what is empty is not told.
                if value == "0" || value.is_empty() || noise {
                    continue;
                }
                let ours = counts.get(value).copied().unwrap_or_default();
                let theirs = count.as_u64().unwrap();
                assert!(theirs.abs_diff(ours) <= garbled as u64, "{name} {field} {value}: {ours}, {theirs}");
                compared += 1;
            }
        }
    }
    println!("{compared} values compared");
    assert!(compared > 50, "{compared}");
}

#[test]
fn mavlink_says_where_the_aircraft_and_its_home_are_as_labelled() {
    let Some(captures) = shared("captures") else {
        println!("skipped: no shared captures");
        return;
    };
    let name = "mavlink-rural-flight-1.pcap";
    let labels = json(&captures.join("labels").join(format!("{name}.json")));
    let ours = messages(&captures.join(name), "mavlink");
    let label = |index: usize| place(labels["events"][index]["value"].as_str().unwrap()).unwrap();
    let near = |ours: (f64, f64), theirs: (f64, f64)| {
        (ours.0 - theirs.0).abs() < 1e-7 && (ours.1 - theirs.1).abs() < 1e-7
    };
    let pair = |message: &Value, lat: &str, lon: &str| message[lat].as_f64().zip(message[lon].as_f64());
    let fixes: Vec<_> = ours
        .iter()
        .filter(|message| matches!(message["message"].as_str(), Some("GLOBAL_POSITION_INT" | "GPS_RAW_INT")))
        .filter_map(|message| pair(message, "lat", "lon"))
        .collect();
    assert_eq!(fixes.len(), 908);
    assert!(near(fixes[0], label(0)), "{:?}", fixes[0]);
    let home = ours.iter().find_map(|message| pair(message, "home_lat", "home_lon")).unwrap();
    assert!(near(home, label(1)), "{home:?}");
}
