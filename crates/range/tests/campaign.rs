//! The two scenarios to learn from: what they show is in their truth, and an audit finds it.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;

use creance_range::{Case, Scenario, audited, run, run_campaign, score};
use serde_json::Value;

/// All that must be found is found, and nothing else.
fn found(case: &Case) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    case.write(folder.path()).unwrap();
    let score = score(case.truth(), &audited(folder.path()).unwrap());
    assert_eq!((&score.missed, &score.wrong), (&Vec::new(), &Vec::new()), "{}", case.name);
    folder
}

fn events(case: &Case) -> &[Value] {
    case.truth()["events"].as_array().unwrap()
}

fn switches(case: &Case) -> BTreeSet<&str> {
    events(case).iter().filter_map(|event| event["switch"].as_str()).collect()
}

fn in_flight(case: &Case) -> usize {
    events(case).iter().filter(|event| event["flight_state"] == "flying").count()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

#[test]
fn each_session_of_the_campaign_shows_what_it_is_for() {
    let campaign = run_campaign(&Scenario::load("public-audits").unwrap(), 3).unwrap();
    let names: Vec<&str> = campaign.cases.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), 12, "{names:?}");
    let of = |name: &str| campaign.cases.iter().find(|(one, _)| one == name).map(|(_, case)| case).unwrap();
    let [idle, flying, reduced, local, closed, later] =
        ["idle", "flying-1", "reduced-entitlement-1", "local-data-mode-1", "app-closed", "a-day-later"]
            .map(of);
    for case in [idle, flying, reduced, local, closed, later] {
        assert_eq!(
            case.file("canaries.toml").map(lines),
            flying.file("canaries.toml").map(lines),
            "one person"
        );
        found(case);
    }
    // Without a flight no photo is taken, and none with a place shared.
    let of_flights: BTreeSet<&str> = ["send-analytics", "tag-imagery", "upload-flight-record"].into();
    let of_phones: BTreeSet<&str> = ["read-installed-apps", "read-phone-identifiers"].into();
    let all = switches(flying);
    assert!(of_flights.is_subset(&all) && of_phones.is_subset(&all), "{all:?}");
    assert_eq!(switches(idle), all.difference(&of_flights).copied().collect());
    assert_eq!(switches(reduced), all.difference(&of_phones).copied().collect());
    assert_eq!(
        [idle, flying, local, closed].map(in_flight).map(|count| count > 0),
        [false, true, false, false]
    );
    for case in [closed, later] {
        let closed_at = text(&case.truth()["phases"], "app_closed");
        assert!(events(case).iter().any(|event| text(event, "time") > closed_at), "{}", case.name);
    }
    let day = std::time::Duration::from_hours(24);
    assert!(later.lasted > day && closed.lasted < day, "{:?}", later.lasted);
    let last = events(later).iter().map(|event| text(event, "time")).max().unwrap();
    assert!(last > "2026-04-16T00:00:00Z", "{last}");
    let plan = creance_assess::Campaign::parse(&campaign.told).unwrap();
    assert_eq!(plan.groups.iter().map(|group| group.runs.len()).collect::<Vec<_>>(), [1, 3, 3, 3, 1, 1]);
    assert_eq!(plan.base.as_deref(), Some("flying"));
}

fn lines(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_first_day_begins_at_a_page_of_the_network_and_is_seen_on_both_sides_of_the_router() {
    let case = run(&Scenario::load("first-day").unwrap(), 4).unwrap();
    let folder = found(&case);
    let capture = case.file("capture.pcapng").unwrap();
    let at = |words: &str| {
        capture
            .windows(words.len())
            .position(|some| some == words.as_bytes())
            .unwrap_or_else(|| panic!("{words}"))
    };
    let steps = ["302 Found", "GET /login", "POST /accept", "204 No Content"].map(at);
    assert!(steps.is_sorted(), "{steps:?}");
    assert!(events(&case).iter().any(|event| event["cause"] == "share_photo"));
    let traps = case.truth()["benign"].as_array().unwrap();
    assert!(traps.iter().any(|trap| trap["kind"] == "public-page"));

    // Behind the router, the same is found, by the same keys, from another address.
    let wan = tempfile::tempdir().unwrap();
    case.write(wan.path()).unwrap();
    std::fs::copy(folder.path().join("capture-wan.pcapng"), wan.path().join("capture.pcapng")).unwrap();
    let told = |folder: &std::path::Path| -> BTreeSet<(String, Option<String>)> {
        let report = audited(folder).unwrap();
        report
            .findings
            .iter()
            .map(|one| (one.data_class.name().to_owned(), one.destination.ip.clone()))
            .collect()
    };
    assert_eq!(told(wan.path()), told(folder.path()));
    let inside = b"\xc0\xa8\x2a\x0a";
    let behind = case.file("capture-wan.pcapng").unwrap();
    assert!(behind.windows(4).all(|some| some != inside) && capture.windows(4).any(|some| some == inside));
}
