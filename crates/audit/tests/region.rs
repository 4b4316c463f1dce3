//! The lab's eight captures in which address, place and network code each say CN or US: what the app believes and what
//! follows from it.
#![expect(clippy::print_stderr, reason = "a skip is said")]

use std::path::Path;

use creance_audit::{Request, audit, region};
use creance_place::Atlas;
use creance_place::region::{assess, datum_tell};
use serde_json::{Value, json};

#[test]
fn what_the_app_believes_and_what_follows_is_named_in_all_captures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/lab/dev-06-region");
    let Ok(truth) = std::fs::read_to_string(folder.join("region.json")) else {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    };
    let truth: Value = serde_json::from_str(&truth).unwrap();
    let atlas = Atlas::bundled().unwrap();
    let cases = truth["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let name = case["folder"].as_str().unwrap();
        let file = |name_in: &str| folder.join(name).join(name_in);
        let request = Request {
            inputs: vec![file("capture.pcapng").display().to_string()],
            keys: vec![file("capture.keys")],
            ..Request::default()
        };
        let read = region(&request, &mut |_| {}).unwrap();
        assert!(!read.incomplete, "{name}");
        let found = assess(&read.evidence, &atlas).unwrap();
        let code = |country: Option<creance_place::Country>| country.map(|country| country.to_string());
        assert_eq!(code(found.app.country()).as_deref(), case["app_believes"].as_str(), "{name}: {found:#?}");
        let seen = found.behaviour;
        let behaviour = json!({
            "hosts": code(seen.hosts),
            "datum": seen.datum.map(datum_tell::told),
            "coordinates_shifted": seen.coordinates_shifted,
            "forced_login": seen.forced_login,
            "no_fly_download": seen.no_fly_download,
        });
        assert_eq!(behaviour, case["behaviour"], "{name}");
        for (source, says) in read.asked {
            assert_eq!(code(says).as_deref(), case[source]["says"].as_str(), "{name}: {source}");
        }
        // Receiver and network name two countries: no telling where the aircraft is.
        let differ = case["gps"]["says"] != case["mcc"]["says"];
        assert_eq!(found.aircraft.country().is_none(), differ, "{name}: {found:#?}");
    }
}

/// `audit` answers the same in its one pass, and says where the answers differ.
#[test]
fn an_audit_says_the_same_and_a_difference_is_a_finding() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/lab/dev-06-region");
    if !folder.is_dir() {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    }
    let atlas = Atlas::bundled().unwrap();
    let mut differences = 0;
    for case in folder.read_dir().unwrap().map(|case| case.unwrap().path()).filter(|case| case.is_dir()) {
        let request = Request {
            inputs: vec![case.join("capture.pcapng").display().to_string()],
            keys: vec![case.join("capture.keys")],
            flight: vec![case.join("flight.tlog")],
            ..Request::default()
        };
        let read = region(&request, &mut |_| {}).unwrap();
        let alone = assess(&read.evidence, &atlas).unwrap();
        let audited = audit(&request, &mut |_| {}).unwrap().region;
        assert_eq!(audited, alone.told(&read.asked, &read.packets, &str::to_owned), "{}", case.display());
        assert!(!read.packets.is_empty() && read.packets.len() <= 64);
        let believed = audited.app.answer.iso.as_deref().unwrap();
        let kinds: Vec<_> = audited.mismatches.iter().map(|one| one.kind.as_ref()).collect();
        match audited.aircraft.iso.as_deref() {
            Some(there) => assert_eq!(kinds.contains(&"belief"), there != believed, "{}", case.display()),
            None => assert!(kinds.contains(&"contested"), "{}", case.display()),
        }
        differences += kinds.iter().filter(|kind| **kind != "data").count();
    }
    assert!(differences > 0);
}

#[test]
fn without_keys_names_of_hosts_tell() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/lab/dev-06-region");
    if !folder.is_dir() {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    }
    for (name, believed) in [("ip-cn_gps-us_mcc-cn", "CN"), ("ip-us_gps-cn_mcc-us", "US")] {
        let input = folder.join(name).join("capture.pcapng").display().to_string();
        let request = Request { inputs: vec![input], ..Request::default() };
        let read = region(&request, &mut |_| {}).unwrap();
        let found = assess(&read.evidence, &Atlas::bundled().unwrap()).unwrap();
        assert_eq!(
            found.app.country().map(|country| country.to_string()).as_deref(),
            Some(believed),
            "{name}"
        );
        assert_eq!(found.behaviour.forced_login, None);
    }
}
