//! Captures beside others: how soon they are made, and by what their handshakes are known.

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use creance_audit::{FlowTold, Request, flows};
use creance_range::{Scenario, run};

#[test]
fn a_flight_of_twenty_minutes_takes_no_tenth_of_its_time() {
    let scenario = Scenario::load("twenty-minutes").unwrap();
    let begun = Instant::now();
    let case = run(&scenario, 1).unwrap();
    let took = begun.elapsed();
    assert!(case.lasted.as_secs() > 1200 && took * 10 < case.lasted, "{took:?} for {:?}", case.lasted);
}

/// The scenario says whether there is IPv6 among it, and what is flown says what it is.
#[test]
fn a_scenario_says_whether_there_is_version_6_and_what_is_flown() {
    for (seed, ipv6) in [(1, true), (2, true), (1, false), (2, false)] {
        let mut scenario = Scenario::load("as-alleged").unwrap();
        scenario.network.ipv6 = Some(ipv6);
        (scenario.device.model, scenario.device.firmware) = ("Heron 2".to_owned(), "09.1".to_owned());
        let case = run(&scenario, seed).unwrap();
        let events = case.truth()["events"].as_array().into_iter().flatten();
        let six = events.filter(|event| event["dst_ip"].as_str().is_some_and(|ip| ip.contains(':'))).count();
        assert_eq!(six > 0, ipv6, "{seed}");
        let has = |file: &str, words: &str| {
            let bytes = case.file(file).unwrap_or_default();
            bytes.windows(words.len()).any(|some| some == words.as_bytes())
        };
        assert!(has("device/phone/user_profile.json", "Heron 2"));
        // The aircraft says so itself when it is switched on, and later that it has its zones.
        assert!(has("flight.tlog", "Heron 2 09.1") && has("capture.pcapng", "zones v7 on board"));
        let photo = "device/DCIM/100MEDIA/HLY_0001.JPG";
        assert!(has(photo, "Heron 2") && has(photo, "09.1"));
    }
}

/// docs/range.md lists every fingerprint that there is, and no other.
#[test]
fn each_library_has_a_fingerprint_of_its_own_and_all_are_listed() {
    let case = run(&Scenario::load("as-alleged").unwrap(), 2).unwrap();
    let folder = tempfile::tempdir().unwrap();
    case.write(folder.path()).unwrap();
    let inputs = vec![folder.path().join("capture.pcapng").display().to_string()];
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let request = Request { inputs, ..Request::default() };
    let mut take = |told: FlowTold| {
        if let Some(ja4) = told.hello.ja4 {
            seen.entry(ja4).or_default().push(told.hello.sni.unwrap_or_default());
        }
    };
    flows(&request, &mut take, &mut |_| {}).unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/range.md");
    let page = fs::read_to_string(page).unwrap();
    let is_ja4 = |word: &&str| word.len() == 36 && word.split('_').map(str::len).eq([10, 12, 12]);
    let mut listed: Vec<&str> = page.split(['`', ' ']).filter(is_ja4).collect();
    listed.sort_unstable();
    assert_eq!(seen.keys().collect::<Vec<_>>(), listed, "{seen:#?}");
    // What comes after the version and the counts: no two libraries offer the same suites. QUIC has none of TLS 1.2.
    let libraries: std::collections::BTreeSet<&str> =
        listed.iter().filter(|ja4| ja4.starts_with('t')).filter_map(|ja4| ja4.split('_').nth(1)).collect();
    assert_eq!(libraries.len(), 4, "{listed:?}");
}
