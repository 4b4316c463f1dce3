//! A VPN: a capture sees one conversation that nobody can read; what goes in it is what goes without.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{collections::BTreeSet, fs, net::IpAddr, path::Path};

use creance_audit::{FlowTold, Request, flows};
use creance_range::{Case, Scenario, audited, run, score};
use serde_json::Value;

const SEED: u64 = 3;

fn played(scenario: &Scenario) -> (Case, tempfile::TempDir) {
    let case = run(scenario, SEED).unwrap();
    let folder = tempfile::tempdir().unwrap();
    case.write(folder.path()).unwrap();
    (case, folder)
}

fn all(case: &Case, what: &str) -> Vec<Value> {
    case.truth()[what].as_array().unwrap().clone()
}

#[test]
fn nothing_in_the_tunnel_is_found_and_the_truth_asks_for_nothing_of_it() {
    let (case, folder) = played(&Scenario::load("behind-a-vpn").unwrap());
    let events = all(&case, "events");
    assert!(events.len() > 100, "{}", events.len());
    assert!(events.iter().all(|one| one["must_find"] == false && one["visibility"] == "opaque"));
    assert!(events.iter().all(|one| one["within"] == "wireguard"));
    assert!(
        events.iter().any(|one| one["country"] == "CN") && events.iter().any(|one| one["country"] == "HK")
    );
    let region = &case.truth()["region"];
    assert_eq!((&region["ip"]["says"], &region["app_believes"]), (&"DE".into(), &"DE".into()));
    // The phone's system asks beside it, and aircraft and tablet talk on the LAN.
    let beside: BTreeSet<String> = all(&case, "benign")
        .iter()
        .filter(|one| one["within"].is_null())
        .map(|one| one["kind"].to_string())
        .collect();
    assert_eq!(beside, ["\"captive-portal\"", "\"local-telemetry\""].map(str::to_owned).into());

    let report = audited(folder.path()).unwrap();
    let score = score(case.truth(), &report);
    assert_eq!((report.findings.len(), &score.wrong, score.recall.of), (0, &Vec::new(), 0));
}

#[test]
fn a_capture_sees_one_conversation_of_a_named_protocol_in_the_country_of_the_exit() {
    let (case, folder) = played(&Scenario::load("behind-a-vpn").unwrap());
    let mut seen = Vec::new();
    let mut take = |told: FlowTold| seen.push(told);
    let inputs = vec![folder.path().join("capture.pcapng").display().to_string()];
    flows(&Request { inputs, ..Request::default() }, &mut take, &mut |_| {}).unwrap();
    let tunnels: Vec<&FlowTold> = seen.iter().filter(|told| told.protocol.contains("wireguard")).collect();
    let [tunnel] = tunnels.as_slice() else { panic!("{tunnels:?}") };
    let told = &case.truth()["tunnel"];
    assert_eq!(told["dst_ip"], tunnel.flow.server.ip.to_string());
    assert_eq!((tunnel.country.as_deref(), tunnel.flow.server.port), (Some("DE"), 51_820));
    assert_eq!(told["bytes_out"], tunnel.bytes_up);
    assert!(tunnel.opaque > 1_000_000 && tunnel.why_opaque == ["encrypted, no key"], "{tunnel:?}");
    // No cloud's address is in any packet that a capture sees, but those that are reached beside it.
    let reached: BTreeSet<String> = seen.iter().map(|told| told.flow.server.ip.to_string()).collect();
    for host in all(&case, "hosts") {
        let is_beside = host["host"] == "connectivitycheck.portal.example";
        assert_eq!(reached.contains(host["ip"].as_str().unwrap()), is_beside, "{host}");
        assert_eq!(host["bytes_out"].as_u64().unwrap() > 0, is_beside, "{host}");
    }
}

/// The capture at the tablet's own device of the tunnel: what is found there is what is found without a VPN.
#[test]
fn what_goes_in_is_what_goes_without() {
    let hidden = Scenario::load("behind-a-vpn").unwrap();
    let mut open = hidden.clone();
    // In the same country, so that the app believes the same.
    (open.network.vpn, open.network.ip_country) = (None, "DE".to_owned());
    let ((case, inside), (other, outside)) = (played(&hidden), played(&open));
    fs::copy(inside.path().join("inside-vpn.pcapng"), inside.path().join("capture.pcapng")).unwrap();
    let told = |folder: &Path| -> BTreeSet<(String, Option<String>)> {
        let findings = audited(folder).unwrap().findings.into_iter();
        findings.map(|one| (one.data_class.name().to_owned(), one.destination.host)).collect()
    };
    assert_eq!(told(inside.path()), told(outside.path()));
    // The same things, when the same was done: only the way is longer. Streams tell the moment at which the answer before came.
    let left = |case: &Case| -> Vec<(String, u64, jiff::Timestamp)> {
        let streams = ["publish-telemetry", "stream-position"].map(Value::from);
        let events = all(case, "events").into_iter().filter(|one| !streams.contains(&one["switch"]));
        let told = |one: Value| {
            let names = ["switch", "data_class", "value", "host"].map(|name| one[name].to_string());
            (
                names.join(" "),
                one["src_port"].as_u64().unwrap(),
                one["time"].as_str().unwrap().parse().unwrap(),
            )
        };
        let mut all: Vec<_> = events.map(told).collect();
        all.sort_by_cached_key(|(what, _, time)| (what.clone(), *time));
        all
    };
    let (hidden, open) = (left(&case), left(&other));
    assert_eq!(hidden.len(), open.len());
    let mut ports = 0;
    for ((what, port, time), (other_what, other_port, other_time)) in hidden.iter().zip(&open) {
        let later = time.duration_since(*other_time).as_secs_f64();
        assert!(what == other_what && (-0.1..2.0).contains(&later), "{what} {other_what}: {later}");
        ports += usize::from(port == other_port);
    }
    // Where two connect in the same moment, who is first may differ.
    assert!(ports * 10 > hidden.len() * 9, "{ports} of {}", hidden.len());
    for file in
        ["actions.csv", "flight.csv", "flight.tlog", "canaries.toml", "device/phone/user_profile.json"]
    {
        assert_eq!(case.file(file), other.file(file), "{file}");
    }
    assert!(other.truth()["tunnel"].is_null() && other.file("inside-vpn.pcapng").is_none());
    // Only the two addresses within, and none of the LAN's.
    let phone: IpAddr = "192.168.42.10".parse().unwrap();
    let mut from = BTreeSet::new();
    let inputs = vec![inside.path().join("capture.pcapng").display().to_string()];
    let mut take = |told: FlowTold| {
        from.insert(told.flow.client.ip);
    };
    flows(&Request { inputs, ..Request::default() }, &mut take, &mut |_| {}).unwrap();
    assert!(!from.contains(&phone) && from.len() <= 2, "{from:?}");
}
