//! The rules on invented truths.

use serde_json::json;

use super::*;
use crate::bench::found::Found;

const SERVER: &str = "203.0.113.7";

fn truth(events: &Value, benign: &Value) -> Truth {
    let document = json!({"scenario": "invented", "events": events, "benign": benign});
    Truth::parse(document.to_string().as_bytes()).unwrap()
}

fn event(id: &str, class: &str, frames: [u64; 2]) -> Value {
    json!({"id": id, "data_class": class, "dst_ip": SERVER, "host": "api.example", "frames": frames, "encoding": "json",
        "value": "o.lindqvarn@netzwacht.example", "must_find": true})
}

fn finding(class: &str, packets: &[u64]) -> Value {
    json!({"data_class": class, "destination": {"ip": SERVER}, "packets": packets})
}

fn scored(truth: &Truth, findings: &Value) -> Score {
    let mut score = Score::default();
    score.add(truth, &Found::parse(findings.to_string().as_bytes()).unwrap().findings);
    score
}

/// The verdict about one finding.
fn verdict(truth: &Truth, finding: &Value) -> Verdict {
    *scored(truth, &json!([finding])).verdicts.first_key_value().unwrap().0
}

#[test]
fn class_destination_and_packets_must_agree() {
    let truth = truth(&json!([event("L1", "email", [10, 12])]), &json!([]));
    for (packets, expected) in [
        (&[10][..], Verdict::True),
        (&[3, 12, 90], Verdict::True),
        (&[9, 13], Verdict::Loose),
        (&[1], Verdict::Loose),
    ] {
        assert_eq!(verdict(&truth, &finding("email", packets)), expected, "{packets:?}");
    }
    assert_eq!(verdict(&truth, &finding("phone", &[10])), Verdict::Unexplained);
    assert_eq!(verdict(&truth, &finding("weather", &[10])), Verdict::Outside);
    let elsewhere = json!({"data_class": "email", "destination": {"ip": "203.0.113.8", "host": "api.example"}, "packets": [10]});
    assert_eq!(verdict(&truth, &elsewhere), Verdict::Unexplained, "an address outweighs the name beside it");
}

#[test]
fn a_host_stands_for_an_address_and_nobody_for_a_broadcast() {
    let mut radiated = event("L2", "serial", [1, 5]);
    radiated["dst_ip"] = Value::Null;
    radiated["host"] = Value::Null;
    let truth = truth(&json!([event("L1", "email", [10, 12]), radiated]), &json!([]));
    let host = json!({"data_class": "email", "destination": {"host": "API.example"}, "packets": [11]});
    assert_eq!(verdict(&truth, &host), Verdict::True);
    let nobody = json!({"data_class": "serial", "packets": [2]});
    assert_eq!(verdict(&truth, &nobody), Verdict::True);
    assert_eq!(verdict(&truth, &finding("serial", &[2])), Verdict::Unexplained);
    assert_eq!(verdict(&truth, &json!({"data_class": "email", "packets": [11]})), Verdict::Unexplained);
}

#[test]
fn without_packets_the_value_or_the_file_decides() {
    let mut picture = event("L2", "imagery", [20, 30]);
    picture["file"] = json!({"name": "SKY_0001.JPG"});
    picture["value"] = json!("a picture");
    let truth = truth(&json!([event("L1", "email", [10, 12]), picture]), &json!([]));
    let said = |class: &str, key: &str, text: &str| {
        let mut one = finding(class, &[]);
        one[key] = json!(text);
        verdict(&truth, &one)
    };
    assert_eq!(said("email", "value", "O.Lindqvarn@netzwacht.example"), Verdict::True);
    assert_eq!(said("email", "value", "somebody@else.example"), Verdict::Loose);
    assert_eq!(said("imagery", "file", "DCIM/SKY_0001.JPG"), Verdict::True);
    assert_eq!(said("imagery", "file", "DCIM/SKY_0002.JPG"), Verdict::Loose);
}

#[test]
fn traps_are_told_and_a_true_finding_beside_one_is_true() {
    let trap =
        json!({"id": "B1", "kind": "user-agent", "dst_ip": SERVER, "frames": [10, 40], "value": "okhttp"});
    let truth = truth(&json!([event("L1", "email", [10, 12])]), &json!([trap]));
    assert_eq!(verdict(&truth, &finding("email", &[12])), Verdict::True);
    assert_eq!(verdict(&truth, &finding("device-id", &[30])), Verdict::Trap);
    // Of the right class and destination, but in the packets of the trap.
    assert_eq!(verdict(&truth, &finding("email", &[30])), Verdict::Trap);
    let score = scored(&truth, &json!([finding("device-id", &[30]), finding("phone", &[31])]));
    assert_eq!((score.traps, score.count(Verdict::Trap)), ([1, 1], 2));
    assert_eq!((&score.wrong[0]["against"], &score.wrong[0]["id"]), (&json!("user-agent"), &json!("B1")));
}

#[test]
fn a_face_in_a_picture_of_nobody_is_a_trap() {
    let mut picture = event("L1", "imagery", [20, 30]);
    picture["faces"] = json!(0);
    let truth = truth(&json!([picture]), &json!([]));
    assert_eq!(verdict(&truth, &finding("face", &[25])), Verdict::Trap);
    assert_eq!(verdict(&truth, &finding("imagery", &[25])), Verdict::True);
    assert_eq!(verdict(&truth, &finding("face", &[31])), Verdict::Unexplained);
}

#[test]
fn neighbours_are_no_false_alarm_and_earn_no_recall() {
    let truth = truth(&json!([event("L1", "serial", [10, 12])]), &json!([]));
    let score = scored(&truth, &json!([finding("device-id", &[10])]));
    assert_eq!((score.count(Verdict::Near), score.recall.found, score.precision()), (1, 0, [1, 1]));
    assert_eq!(verdict(&truth, &finding("device-id", &[99])), Verdict::Unexplained);
    assert_eq!(verdict(&truth, &finding("location", &[10])), Verdict::Unexplained);
}

#[test]
fn what_a_truth_does_not_list_is_wrong_only_if_it_lists_everything() {
    let mut truth = truth(&json!([event("L1", "email", [10, 12])]), &json!([]));
    assert_eq!(verdict(&truth, &finding("location", &[50])), Verdict::Unexplained);
    truth.exhaustive = false;
    assert_eq!(verdict(&truth, &finding("location", &[50])), Verdict::Unlisted);
    assert_eq!(scored(&truth, &json!([finding("location", &[50])])).precision(), [0, 0]);
}

#[test]
fn captures_add_up_by_class_and_encoding() {
    let mut optional = event("L2", "phone", [10, 12]);
    optional["must_find"] = json!(false);
    let truth = truth(
        &json!([event("L1", "email", [10, 12]), optional, event("L3", "serial", [20, 21])]),
        &json!([]),
    );
    let findings = json!([finding("email", &[10]), finding("email", &[11]), finding("phone", &[10])]);
    let mut score = scored(&truth, &findings);
    score.add(&truth, &[]);
    assert_eq!(score.recall, Share { found: 1, loose: 1, of: 4 });
    assert_eq!((score.optional, score.captures, score.findings), (1, 2, 3));
    assert_eq!(score.per_class["serial"], Share { found: 0, loose: 0, of: 2 });
    assert_eq!(score.per_encoding["json"].found, 1);
    let missed: Vec<&Value> = score.missed.iter().map(|one| &one["id"]).collect();
    assert_eq!(missed, ["L3", "L1", "L3"]);
    assert_eq!(score.precision(), [3, 3]);
}
