//! What is read of calls, cameras, mail and the local network, against tshark itself: the oracle files have no words on it.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

/// What is compared beside the facts of the oracle files.
pub(crate) const FACTS: [&str; 9] =
    ["rtsp", "sip", "ntp", "dhcp", "dhcpv6", "ssdp", "netbios", "smtp", "ftp"];

/// Fields asked of tshark, each with the fact it belongs to and the word before its value.
const FIELDS: &[(&str, &str, &str)] = &[
    ("dhcp.option.hostname", "dhcp", "hostname"),
    ("dhcp.option.vendor_class_id", "dhcp", "vendor_class"),
    ("dhcp.option.requested_ip_address", "dhcp", "requested_ip"),
    ("dhcp.hw.mac_addr", "dhcp", "mac"),
    ("dhcpv6.duid.bytes", "dhcpv6", "client_id"),
    ("dhcpv6.client_domain", "dhcpv6", "fqdn"),
    ("http.server", "ssdp", "server"),
    ("http.location", "ssdp", "location"),
    ("nbns.name", "netbios", "name"),
];

/// Fields that make one value together: of a fact, in this order.
const PAIRS: &[(&str, &[&str])] = &[
    ("sip", &["sip.Method", "sip.r-uri"]),
    ("ntp", &["ip.src", "ntp.flags.mode", "ntp.flags.vn", "ntp.stratum"]),
    ("smtp", &["smtp.req.command", "smtp.req.parameter"]),
    ("ftp", &["ftp.request.command", "ftp.request.arg"]),
    ("ssdp", &["http.request.method", "http.request.uri"]),
];

type Facts = BTreeMap<&'static str, BTreeSet<String>>;

/// What tshark says; `None` where there is none.
pub(crate) fn theirs(file: &str) -> Option<Facts> {
    let mut asked: Vec<&str> = vec!["_ws.col.Protocol"];
    asked.extend(FIELDS.iter().map(|(field, ..)| *field));
    asked.extend(PAIRS.iter().flat_map(|(_, fields)| fields.iter()));
    let mut command = Command::new("tshark");
    command.args(["-n", "-r", file, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|"]);
    // A query and the name that it asks for, and no tunnelled packet's.
    command.args(["-Y", "(dhcp || dhcpv6 || ssdp || nbns || sip || ntp || smtp || ftp) && !icmp && !icmpv6"]);
    for field in &asked {
        command.args(["-e", field]);
    }
    let output = command.output().ok()?;
    let mut facts = Facts::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let cells: BTreeMap<&str, &str> = asked.iter().copied().zip(line.split('\t')).collect();
        for (field, fact, word) in FIELDS {
            for value in cells[field].split('|').filter(|value| !value.is_empty()) {
                let value = match *fact {
                    "netbios" => value.split('<').next().unwrap_or_default(),
                    "dhcpv6" => &value.replace(':', ""),
                    _ => value,
                };
                facts.entry(fact).or_default().insert(format!("{word} {}", value.trim()));
            }
        }
        for (fact, fields) in PAIRS {
            let columns: Vec<Vec<&str>> =
                fields.iter().map(|field| cells[field].split('|').collect()).collect();
            let last = columns.last().unwrap();
            let present = if *fact == "ntp" { &columns[1] } else { &columns[0] };
            for (row, first) in present.iter().enumerate().filter(|(_, first)| !first.is_empty()) {
                // Passwords are no fields of ours.
                if *first == "PASS" {
                    continue;
                }
                let value = match *fact {
                    "smtp" => address(columns[0][row], last.get(row).copied().unwrap_or_default()),
                    _ => Some(
                        columns
                            .iter()
                            .map(|column| column.get(row).copied().unwrap_or_default())
                            .collect::<Vec<_>>()
                            .join(" "),
                    ),
                };
                facts.entry(fact).or_default().extend(value.map(|value| value.trim().to_owned()));
            }
        }
    }
    Some(facts)
}

/// The address in the argument of a command of SMTP that has one.
fn address(command: &str, argument: &str) -> Option<String> {
    let what = match command {
        "MAIL" => "from",
        "RCPT" => "to",
        _ => return None,
    };
    let (_, address) = argument.split_once('<')?;
    Some(format!("{what} {}", address.split('>').next()?))
}

/// Adds what one of our messages says.
pub(crate) fn add(message: &Value, facts: &mut BTreeMap<&'static str, BTreeSet<String>>) {
    let text = |name: &str| match &message["fields"][name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let mut say = |fact: &'static str, value: String| {
        facts.entry(fact).or_default().insert(value.trim().to_owned());
    };
    let protocol = message["protocol"].as_str().unwrap();
    let named = |fact: &'static str, names: &[&str], say: &mut dyn FnMut(&'static str, String)| {
        for name in names {
            if !message["fields"][*name].is_null() {
                say(fact, format!("{name} {}", text(name)));
            }
        }
    };
    match (protocol, message["kind"].as_str().unwrap()) {
        ("rtsp", "request") => say("rtsp", [text("method"), text("uri")].join(" ")),
        ("sip", "request") => say("sip", [text("method"), text("uri")].join(" ")),
        ("ntp", kind) => {
            let mode = match kind {
                "symmetric" => "1",
                "client" => "3",
                "server" => "4",
                "broadcast" => "5",
                _ => "6",
            };
            let source = message["source"]["ip"].as_str().unwrap();
            say("ntp", [source, mode, &text("version"), &text("stratum")].join(" "));
        }
        ("dhcp", _) => named("dhcp", &["hostname", "vendor_class", "requested_ip", "mac"], &mut say),
        ("dhcpv6", _) => {
            named("dhcpv6", &["client_id", "fqdn"], &mut say);
            if !message["fields"]["server_id"].is_null() {
                say("dhcpv6", format!("client_id {}", text("server_id")));
            }
        }
        ("ssdp", kind) => {
            named("ssdp", &["server", "location"], &mut say);
            if kind == "request" {
                say("ssdp", [text("method"), text("uri")].join(" "));
            }
        }
        ("netbios", kind) if kind != "datagram" => named("netbios", &["name"], &mut say),
        ("smtp", "mail") => {
            say("smtp", format!("from {}", text("from")));
            for one in message["fields"]["to"].as_array().unwrap() {
                say("smtp", format!("to {}", one.as_str().unwrap()));
            }
        }
        ("ftp", "command") => {
            let argument = ["username", "filename", "argument"].map(text).concat();
            if text("command") != "PASS" {
                say("ftp", [text("command"), argument].join(" "));
            }
        }
        _ => {}
    }
}
