//! What the kernel says its rules are: whether ours stand as they were put, and what else could undermine them.
//!
//! Reads `nft -j list ruleset` and `ip -j -d link`. Handles, counts and the time that elements have left change by
//! themselves and are left out; all else is compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{Config, ruleset::TABLE, tally};

/// A look at the ruleset.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Seen {
    /// Our tables without the elements of their sets: equal as long as nobody changed them.
    pub shape: Vec<String>,
    /// The elements of our sets.
    pub sets: BTreeMap<String, BTreeSet<String>>,
    /// Those of sets that only tell who sent what to whom, with what each counted.
    pub told: BTreeMap<String, BTreeMap<String, Count>>,
    /// Packets and bytes of our counters.
    pub counters: BTreeMap<String, Count>,
    /// What lets packets pass by our rules.
    pub hazards: BTreeSet<String>,
    /// What does not, but changes what they see.
    pub others: BTreeSet<String>,
}

/// What a counter says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Their bytes, from the IP header on.
    pub bytes: u64,
}

impl Count {
    /// What was counted since, unless it began anew in between.
    pub fn since(self, before: Self) -> Option<Self> {
        let packets = self.packets.checked_sub(before.packets)?;
        Some(Self { packets, bytes: self.bytes.checked_sub(before.bytes)? })
    }
}

/// Statements by which a packet leaves without a forward chain being asked.
const PAST: &[(&str, &str)] = &[
    ("flow", "adds connections to a flowtable"),
    ("fwd", "forwards frames at once"),
    ("dup", "sends copies of packets"),
    ("tproxy", "hands connections to a proxy of this machine"),
    ("queue", "hands packets to a program, which may let them through changed"),
];

impl Seen {
    /// Reads what `nft -j list ruleset` says. Nothing, if it is not what nft says.
    pub fn read(json: &[u8]) -> Option<Self> {
        let whole: Value = serde_json::from_slice(json).ok()?;
        let mut seen = Self::default();
        for object in whole.get("nftables")?.as_array()? {
            let Some((kind, body)) = object.as_object().and_then(|one| one.iter().next()) else { continue };
            let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
            let table = if kind == "table" { text("name") } else { text("table") };
            let ours = table == TABLE && matches!(text("family"), "inet" | "bridge");
            if kind == "metainfo" {
                continue;
            }
            if kind == "flowtable" {
                seen.hazards.insert(format!(
                    "flowtable {} in table {} {table}",
                    text("name"),
                    text("family")
                ));
            }
            if ours {
                seen.take(kind, body);
            } else {
                seen.judge(kind, body, table);
            }
        }
        Some(seen)
    }

    fn take(&mut self, kind: &str, body: &Value) {
        let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
        let mut shape = body.clone();
        if let Some(fields) = shape.as_object_mut() {
            fields.remove("handle");
            let elements = fields.remove("elem");
            if kind == "set" {
                let list = elements.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                if tally::is_told(name) {
                    self.told.insert(name.to_owned(), list.iter().map(counted).collect());
                } else {
                    self.sets.insert(name.to_owned(), list.iter().map(element).collect());
                }
            }
            if kind == "counter" {
                let mut number =
                    |key| fields.remove(key).and_then(|count| count.as_u64()).unwrap_or_default();
                let count = Count { packets: number("packets"), bytes: number("bytes") };
                self.counters.insert(name.to_owned(), count);
            }
        }
        self.shape.push(format!("{kind} {shape}"));
    }

    /// Tables of others: none can bring back what was dropped, but they may see packets before or instead of us.
    fn judge(&mut self, kind: &str, body: &Value, table: &str) {
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        let place = format!("table {} {table}", text("family"));
        if kind == "table" {
            self.others.insert(place);
        } else if kind == "chain" && text("type") == "nat" {
            self.others.insert(format!("{place}: addresses are translated at {}", text("hook")));
        } else if kind == "rule" {
            let statements =
                body.get("expr").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let named = statements.iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys);
            for statement in named {
                if let Some((_, how)) = PAST.iter().find(|(past, _)| past == statement) {
                    self.hazards.insert(format!("{place}, chain {}: {how}", text("chain")));
                }
            }
        }
    }
}

/// An element without the time it has left, as nft writes it: parts of a key are put together by dots.
fn element(element: &Value) -> String {
    let value = element.get("elem").and_then(|inner| inner.get("val")).unwrap_or(element);
    let parts = value.get("concat").and_then(Value::as_array);
    let word = |part: &Value| part.as_str().map_or_else(|| part.to_string(), ToOwned::to_owned);
    parts.map_or_else(|| word(value), |parts| parts.iter().map(word).collect::<Vec<_>>().join(" . "))
}

/// An element, and what it counted.
fn counted(one: &Value) -> (String, Count) {
    let counter = one.get("elem").and_then(|inner| inner.get("counter"));
    let number =
        |key| counter.and_then(|counter| counter.get(key)).and_then(Value::as_u64).unwrap_or_default();
    (element(one), Count { packets: number("packets"), bytes: number("bytes") })
}

/// What `ip -j -d link` tells of paths that pass by nftables, and which interfaces of the configuration are not there.
/// Nothing, if it is not what ip says.
pub fn links(json: &[u8], config: &Config) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
    let whole: Value = serde_json::from_slice(json).ok()?;
    let list = whole.as_array()?;
    let text = |link: &Value, key: &str| link.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
    let named = |side: &[String]| -> Vec<&Value> {
        list.iter().filter(|link| text(link, "ifname").is_some_and(|name| side.contains(&name))).collect()
    };
    let (lan, wan) = (named(&config.lan), named(&config.wan));
    let mut hazards = BTreeSet::new();
    for link in lan.iter().chain(&wan) {
        let name = text(link, "ifname").unwrap_or_default();
        if link.get("xdp").is_some_and(|xdp| xdp.get("mode").is_some_and(|mode| *mode != 0)) {
            hazards.insert(format!("{name} has a program of XDP, which sees frames before nftables"));
        }
    }
    let bridge_of = |link: &&Value| text(link, "master").or_else(|| text(link, "ifname"));
    let inside: BTreeSet<_> = lan.iter().filter_map(bridge_of).collect();
    for link in &wan {
        if let Some(bridge) = text(link, "master").filter(|master| inside.contains(master)) {
            let name = text(link, "ifname").unwrap_or_default();
            hazards.insert(format!("{name} is a port of {bridge}, which clients are on as well"));
        }
    }
    // Ports of one switch chip pass frames to each other without asking the processor.
    let chip = |link: &&Value| text(link, "phys_switch_id");
    let chips: BTreeSet<_> = lan.iter().filter_map(chip).collect();
    for link in wan.iter().filter(|link| chip(link).is_some_and(|chip| chips.contains(&chip))) {
        let name = text(link, "ifname").unwrap_or_default();
        hazards.insert(format!("{name} is on the same switch chip as clients"));
    }
    let present: BTreeSet<_> = list.iter().filter_map(|link| text(link, "ifname")).collect();
    let absent =
        config.lan.iter().chain(&config.wan).filter(|name| !present.contains(*name)).cloned().collect();
    Some((hazards, absent))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(objects: &[Value]) -> Seen {
        Seen::read(json!({ "nftables": objects }).to_string().as_bytes()).unwrap()
    }

    fn rule(statement: &Value) -> Value {
        json!({"rule": {"family": "inet", "table": "mine", "chain": "f", "handle": 3, "expr": [statement.clone()]}})
    }

    #[test]
    fn what_changes_by_itself_is_no_change() {
        let look = |handle: u64, packets: u64, expires: u64| {
            seen(&[
                json!({"table": {"family": "inet", "name": "creance", "handle": handle}}),
                json!({"counter": {"family": "inet", "name": "cut", "table": "creance", "handle": handle, "packets": packets, "bytes": 9}}),
                json!({"set": {"family": "inet", "name": "released", "table": "creance", "type": "ifname", "handle": handle,
                    "elem": [{"elem": {"val": "lan0", "expires": expires}}]}}),
            ])
        };
        let (one, other) = (look(1, 2, 3), look(4, 5, 6));
        assert_eq!((&one.shape, &one.sets), (&other.shape, &other.sets));
        assert_eq!(one.sets["released"].iter().collect::<Vec<_>>(), ["lan0"]);
        assert_eq!(other.counters["cut"], Count { packets: 5, bytes: 9 });
    }

    #[test]
    fn a_policy_a_rule_or_an_element_of_another_hand_is_a_change() {
        let chain = |policy: &str| {
            seen(&[
                json!({"chain": {"family": "inet", "table": "creance", "name": "forward", "handle": 1, "policy": policy}}),
            ])
        };
        assert_ne!(chain("drop").shape, chain("accept").shape);
        let rules = |verdict: &str| {
            seen(&[
                json!({"rule": {"family": "bridge", "table": "creance", "chain": "forward", "handle": 1, "expr": [{verdict: null}]}}),
            ])
        };
        assert_ne!(rules("drop").shape, rules("accept").shape);
        assert_ne!(seen(&[]).shape, rules("drop").shape);
        let set = |elements: Value| {
            seen(&[
                json!({"set": {"family": "inet", "name": "exempt4", "table": "creance", "handle": 1, "elem": elements}}),
            ])
        };
        let one = set(json!([{"elem": {"val": {"concat": ["203.0.113.9", "tcp", 2101]}, "expires": 1}}]));
        assert_eq!(one.sets["exempt4"].iter().collect::<Vec<_>>(), ["203.0.113.9 . tcp . 2101"]);
        assert_ne!(one.sets, set(json!([])).sets);
    }

    #[test]
    fn paths_past_the_rules_are_named() {
        let table = json!({"flowtable": {"family": "inet", "table": "fw4", "name": "ft", "hook": "ingress"}});
        assert_eq!(seen(&[table]).hazards.iter().collect::<Vec<_>>(), ["flowtable ft in table inet fw4"]);
        for statement in [
            json!({"flow": {"op": "add", "flowtable": "@ft"}}),
            json!({"fwd": {"dev": "wan0"}}),
            json!({"dup": {"addr": "10.0.0.1"}}),
            json!({"queue": {"num": 0, "flags": "bypass"}}),
            json!({"tproxy": {"port": 1}}),
        ] {
            assert_eq!(seen(&[rule(&statement)]).hazards.len(), 1, "{statement}");
        }
        assert_eq!(seen(&[rule(&json!({"accept": null}))]), Seen::default());
        let nat = json!({"chain": {"family": "ip", "table": "nat", "name": "p", "type": "nat", "hook": "postrouting", "policy": "accept"}});
        assert_eq!(seen(&[nat]).others.len(), 1);
        assert_eq!(Seen::read(b"{}"), None);
    }

    #[test]
    fn links_that_pass_by_are_named() {
        let config = Config::read("lan = ['lan0', 'lan1']\nwan = ['wan0']").unwrap();
        let ask = |list: Value| links(list.to_string().as_bytes(), &config).unwrap();
        let (hazards, absent) = ask(json!([{"ifname": "lan0"}, {"ifname": "wan0", "xdp": {"mode": 1}}]));
        assert_eq!((hazards.len(), absent.iter().collect::<Vec<_>>()), (1, vec![&"lan1".to_owned()]));
        for wrong in [
            json!([{"ifname": "lan0", "master": "br"}, {"ifname": "lan1"}, {"ifname": "wan0", "master": "br"}]),
            json!([{"ifname": "lan0"}, {"ifname": "lan1"}, {"ifname": "wan0", "master": "lan0"}]),
            json!([{"ifname": "lan0", "phys_switch_id": "a"}, {"ifname": "lan1"}, {"ifname": "wan0", "phys_switch_id": "a"}]),
        ] {
            assert_eq!(ask(wrong.clone()).0.len(), 1, "{wrong}");
        }
        let apart =
            json!([{"ifname": "lan0", "master": "a"}, {"ifname": "lan1"}, {"ifname": "wan0", "master": "b"}]);
        assert!(ask(apart).0.is_empty());
    }
}
