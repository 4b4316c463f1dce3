//! Conversations: how many there are over TCP and UDP, and whether none of the public addresses is missing. The oracle does
//! not say which ends talked, so that one too many and one too few would not be seen.

use std::collections::{BTreeMap, BTreeSet};

use creance_tests::{lines, run};
use serde_json::Value;

pub(crate) const FACTS: [&str; 3] = ["tcp conversations", "udp conversations", "public addresses"];

type Facts = BTreeMap<&'static str, BTreeSet<String>>;

/// What the oracle says.
pub(crate) fn theirs(oracle: &Value) -> Facts {
    let addresses = ["dst_public_ips", "src_public_ips"].into_iter().flat_map(|key| {
        oracle[key].as_array().into_iter().flatten().filter_map(|ip| ip.as_str().map(str::to_owned))
    });
    Facts::from([
        ("tcp conversations", BTreeSet::from([oracle["tcp_conversations"].to_string()])),
        ("udp conversations", BTreeSet::from([oracle["udp_conversations"].to_string()])),
        ("public addresses", addresses.collect()),
    ])
}

/// What `creance flows` says. Of its addresses those are taken that tshark calls public: what is public is its word.
pub(crate) fn ours(file: &str, theirs: &Facts) -> Facts {
    let (mut pairs, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    for flow in lines(&run(["flows", file, "-q", "--format", "jsonl"]).stdout) {
        let ends = ["inside", "outside"].map(|side| &flow[side]);
        addresses.extend(ends.iter().filter_map(|end| end["ip"].as_str().map(str::to_owned)));
        let mut ends = ends.map(|end| format!("{} {}", end["ip"], end["port"]));
        ends.sort();
        // Several connections between the same ports are one conversation.
        pairs.insert((flow["transport"].as_str().unwrap_or_default().to_owned(), ends));
    }
    let count = |transport: &str| pairs.iter().filter(|(of, _)| of == transport).count().to_string();
    Facts::from([
        ("tcp conversations", BTreeSet::from([count("tcp")])),
        ("udp conversations", BTreeSet::from([count("udp")])),
        ("public addresses", addresses.intersection(&theirs["public addresses"]).cloned().collect()),
    ])
}
