//! `creance region`: three answers, from options and from what an app asked and was told.

use std::fs;

use creance_tests::run;
use serde_json::{Value, json};

use crate::{code, text};

fn answer(arguments: &[&str]) -> Value {
    let output = run([&["region"], arguments, &["--format", "json", "-q"]].concat());
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn options_alone_give_an_answer_with_every_vote() {
    let found =
        answer(&["--gps=41.668,-93.721", "--mcc", "310260", "--ip", "101.37.7.236", "--locale", "zh-CN"]);
    assert_eq!(found["schema"], "creance.region/1");
    assert_eq!(
        (&found["aircraft"]["answer"], &found["aircraft"]["iso"]),
        (&json!("determined"), &json!("US"))
    );
    let sources: Vec<&str> = found["aircraft"]["votes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vote| vote["source"].as_str().unwrap())
        .collect();
    assert_eq!(sources, ["gps", "network-mcc", "locale", "ip"]);
    assert_eq!(found["aircraft"]["conflicts"].as_array().unwrap().len(), 2);
    assert_eq!(found["app"]["answer"], "unknown");

    let border = answer(&["--gps=22.5316,114.1130", "--mcc", "454", "--duties"]);
    assert_eq!(
        (&border["aircraft"]["answer"], &border["aircraft"]["iso"]),
        (&json!("contested"), &Value::Null)
    );
    let cut: Vec<(&str, &str)> = border["duties"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pack| (pack["iso"].as_str().unwrap(), pack["telemetry_cut"].as_str().unwrap()))
        .collect();
    assert!(cut.contains(&("CN", "unlawful")) && cut.contains(&("HK", "unknown")), "{cut:?}");
}

#[test]
fn what_an_app_was_told_is_read_whatever_its_fields_are_called() {
    let entry = |second: u8, method: &str, url: &str, body: Option<Value>, answer: Value| {
        let mut request =
            json!({"method": method, "url": url, "httpVersion": "HTTP/2", "headers": [], "queryString": []});
        if let Some(body) = body {
            request["postData"] = json!({"mimeType": "application/json", "text": body.to_string()});
        }
        json!({"startedDateTime": format!("2026-06-11T10:00:{second:02}Z"), "time": 5, "request": request,
            "response": {"status": 200, "httpVersion": "HTTP/2", "headers": [],
                "content": {"mimeType": "application/json", "text": answer.to_string()}}})
    };
    let entries = [
        entry(
            1,
            "POST",
            "https://locate.flyco.test/v2/site",
            Some(json!({"networkOperator": "31026", "gps": {"latitude": 41.67, "longitude": -93.72}})),
            json!({"data": {"countryCode": "CHN", "coordType": "gcj02", "forceLogin": true}}),
        ),
        entry(
            5,
            "POST",
            "https://cn.api.flyco.test/v2/track",
            Some(json!({"latitude": 41.671, "longitude": -93.72})),
            json!({}),
        ),
        entry(
            9,
            "GET",
            "https://weather.other.test/now?country=US&lat=41.7&lon=-93.7",
            None,
            json!({"country": "US"}),
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.har");
    fs::write(&file, json!({"log": {"version": "1.2", "entries": entries}}).to_string()).unwrap();
    let found = answer(&[&file.display().to_string()]);
    assert_eq!((&found["aircraft"]["iso"], &found["app"]["iso"]), (&json!("US"), &json!("CN")));
    let wanted = json!({"hosts": "CN", "datum": "GCJ-02", "coordinates_shifted": null, "forced_login": true, "no_fly_download": false});
    assert_eq!(found["app"]["behaviour"], wanted);
    assert_eq!(found["mismatches"][0]["says"], "the aircraft is in US, and the app believes it to be in CN");
}

#[test]
fn a_fleet_is_held_against_the_duties_and_mistakes_are_usage() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.csv");
    fs::write(&file, "serial,registration,country,mass_g\n1581F5BKD225D00BP891,,US,900\n").unwrap();
    let found = answer(&["--fleet", &file.display().to_string()]);
    assert_eq!(
        (&found["fleet"]["rows"], &found["fleet"]["faults"][0]["column"]),
        (&json!(1), &json!("registration"))
    );
    assert_eq!(found["fleet"]["remote_id_unchecked"], json!(1), "the list has no such column");
    let list = file.display().to_string();
    for (level, expected) in [("medium", 1), ("high", 0)] {
        assert_eq!(code(&run(["region", "--fleet", &list, "--fail-on", level])), expected);
    }
    let differs = ["region", "--gps", "41.67,-93.72", "--told", "CN", "--fail-on", "medium"];
    assert_eq!(code(&run(differs)), 1, "the app believes something else");
    for wrong in
        [&["region"][..], &["region", "--gps", "abc"], &["region", "--mcc", "46"], &["region", "--exit", "x"]]
    {
        assert_eq!(code(&run(wrong.iter().copied())), 2, "{wrong:?}");
    }
}
