//! creance against tshark, over every shared capture with its keys: packets, DNS names, server names over TCP and QUIC,
//! HTTP/1 and HTTP/2 requests, MQTT topics, conversations, exit codes; and what cameras, calls, mail and the local network say.
//!
//! What tshark says is in the captures' `oracle` folder. Each difference is listed with its reason in `known.toml`;
//! one that is gone is a failure too.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

mod calls;
mod conversations;
mod media;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use creance_tests::{run, shared};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Default, Deserialize)]
struct Known {
    #[serde(default)]
    difference: Vec<Difference>,
}

/// A difference with its reason.
#[derive(Debug, Deserialize)]
struct Difference {
    capture: String,
    /// One of [`FACTS`].
    fact: String,
    /// What only creance has.
    #[serde(default)]
    ours: Vec<String>,
    /// What only tshark has.
    #[serde(default)]
    theirs: Vec<String>,
    /// How many only creance has, where they are too many to list.
    ours_count: Option<usize>,
    /// How many only tshark has, where they are too many to list.
    theirs_count: Option<usize>,
    why: String,
}

/// What is compared.
const FACTS: [&str; 6] = ["dns", "sni", "quic", "http1", "http2", "mqtt"];

fn facts() -> impl Iterator<Item = &'static str> {
    FACTS.into_iter().chain(conversations::FACTS).chain(media::FACTS)
}

type Facts = BTreeMap<&'static str, BTreeSet<String>>;

fn theirs(oracle: &Value) -> Facts {
    let strings = |key: &str| -> BTreeSet<String> {
        oracle[key]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect()
    };
    let requests = |key: &str| -> BTreeSet<String> {
        let rows = oracle[key].as_array().into_iter().flatten();
        rows.map(|row| {
            let cell = |index: usize| row[index].as_str().unwrap_or_default().to_owned();
            // RTSP has two, the others three.
            let cells = row.as_array().map_or(0, Vec::len);
            (0..cells).map(cell).collect::<Vec<_>>().join(" ")
        })
        .collect()
    };
    Facts::from([
        ("dns", strings("dns_queries")),
        ("sni", strings("tls_sni")),
        ("quic", strings("quic_sni")),
        ("http1", requests("http1")),
        ("http2", requests("http2")),
        ("mqtt", strings("mqtt_topics")),
        ("rtsp", requests("rtsp")),
    ])
}

fn ours(path: &str, keys: Option<&str>) -> Facts {
    let mut arguments = vec!["messages", path, "--reveal", "-q"];
    arguments.extend(keys.into_iter().flat_map(|keys| ["--keys", keys]));
    let output = run(arguments);
    let mut facts: Facts = facts().map(|fact| (fact, BTreeSet::new())).collect();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let message: Value = serde_json::from_slice(line).unwrap();
        media::add(&message, &mut facts);
        let field = |name: &str| message["fields"][name].as_str().unwrap_or_default().to_owned();
        let (fact, value) = match (message["protocol"].as_str().unwrap(), message["kind"].as_str().unwrap()) {
            ("dns", _) => ("dns", field("name")),
            ("tls", "client-hello") => ("sni", field("sni")),
            ("quic", "client-hello") => ("quic", field("sni")),
            ("http/1", "request") => ("http1", [field("host"), field("method"), field("uri")].join(" ")),
            ("http/2", "request" | "push-promise") => {
                ("http2", [field("host"), field("method"), field("uri")].join(" "))
            }
            ("mqtt", "publish") => ("mqtt", field("topic")),
            ("mqtt", "subscribe") => {
                let topics = message["fields"]["topics"].as_array().into_iter().flatten();
                facts
                    .get_mut("mqtt")
                    .unwrap()
                    .extend(topics.filter_map(|topic| topic.as_str().map(str::to_owned)));
                continue;
            }
            _ => continue,
        };
        if !value.is_empty() {
            facts.get_mut(fact).unwrap().insert(value);
        }
    }
    facts
}

/// What remains of a difference after the known ones, and whether each of those is still there.
fn unexplained(found: BTreeSet<String>, known: &[String], count: Option<usize>) -> (BTreeSet<String>, bool) {
    if let Some(count) = count {
        let as_many = found.len() == count;
        return (if as_many { BTreeSet::new() } else { found }, as_many);
    }
    let used = known.iter().all(|one| found.contains(one));
    (found.into_iter().filter(|one| !known.contains(one)).collect(), used)
}

#[test]
fn we_see_what_tshark_sees() {
    let Some(folder) = shared("captures") else {
        println!("skipped: no shared captures");
        return;
    };
    let known: Known = toml::from_str(include_str!("known.toml")).unwrap();
    let mut complaints = Vec::new();
    let mut compared = 0;
    let mut places = BTreeSet::new();
    for one in &known.difference {
        assert!(!one.why.is_empty(), "{}: a difference without its reason", one.capture);
        assert!(facts().any(|fact| fact == one.fact), "{}: no fact `{}`", one.capture, one.fact);
        assert!(places.insert((&one.capture, &one.fact)), "{} {} is listed twice", one.capture, one.fact);
        let oracle = folder.join("oracle").join(format!("{}.json", one.capture));
        assert!(oracle.is_file(), "no capture {}", one.capture);
    }
    let mut oracles: Vec<_> =
        fs::read_dir(folder.join("oracle")).unwrap().map(|entry| entry.unwrap().path()).collect();
    oracles.sort();
    for path in oracles {
        let oracle: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let capture = oracle["capture"].as_str().unwrap();
        let file = folder.join(capture).display().to_string();
        let keys = oracle["keys"].as_str().map(|keys| folder.join(keys).display().to_string());
        let mut arguments = vec!["audit", &file, "--format", "json", "-q"];
        arguments.extend(keys.iter().flat_map(|keys| ["--keys", keys]));
        let audit = run(arguments);
        let code = audit.status.code().unwrap();
        let Some(packets) = oracle["packets"].as_u64() else {
            // tshark reads no HAR. One of them is broken before its first entry.
            let broken = capture.contains("broken");
            assert_eq!(code, if broken { 3 } else { 0 }, "{capture}");
            continue;
        };
        let document: Value = serde_json::from_slice(&audit.stdout).unwrap();
        for told in [&document["case"]["packets"], &document["case"]["inputs"][0]["packets"]] {
            if *told != packets {
                complaints.push(format!("{capture}: {told} packets, tshark {packets}"));
            }
        }
        // Whether a file is whole is tshark's word, not ours.
        let cut = oracle["tshark_error"]
            .as_array()
            .is_some_and(|errors| errors.iter().any(|error| error.as_str().unwrap().contains("cut short")));
        let damaged = !document["damage"].as_array().unwrap().is_empty();
        if code != if cut { 4 } else { 0 } || damaged != cut {
            complaints.push(format!("{capture}: exit code {code}, damage {}", document["damage"]));
        }
        let (mut ours, mut theirs) = (ours(&file, keys.as_deref()), theirs(&oracle));
        let spoken = conversations::theirs(&oracle);
        ours.extend(conversations::ours(&file, &spoken));
        theirs.extend(spoken);
        let asked = media::theirs(&file);
        let tshark = asked.is_some();
        theirs.extend(asked.into_iter().flatten());
        if !tshark {
            println!("skipped: no tshark for what the oracle files do not say");
        }
        for fact in facts().filter(|fact| tshark || !media::FACTS.contains(fact)) {
            let theirs = theirs.entry(fact).or_default();
            let ours = &ours[fact];
            compared += theirs.len();
            let only_ours: BTreeSet<String> = ours.difference(theirs).cloned().collect();
            let only_theirs: BTreeSet<String> = theirs.difference(ours).cloned().collect();
            let empty = Difference {
                capture: String::new(),
                fact: String::new(),
                ours: Vec::new(),
                theirs: Vec::new(),
                ours_count: None,
                theirs_count: None,
                why: String::new(),
            };
            let listed = known.difference.iter().find(|one| one.capture == capture && one.fact == fact);
            let expected = listed.unwrap_or(&empty);
            let (ours, ours_used) = unexplained(only_ours, &expected.ours, expected.ours_count);
            let (theirs, theirs_used) = unexplained(only_theirs, &expected.theirs, expected.theirs_count);
            if !ours.is_empty() || !theirs.is_empty() {
                complaints.push(format!("{capture} {fact}: only ours {ours:?}, only tshark's {theirs:?}"));
            }
            if listed.is_some() && !(ours_used && theirs_used) {
                complaints.push(format!("{capture} {fact}: the known difference is gone ({})", expected.why));
            }
        }
    }
    println!("{compared} facts of tshark's compared");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(compared > 1000, "{compared}");
}
