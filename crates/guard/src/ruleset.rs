//! The rules in the kernel, as text: what a configuration makes of nftables.
//!
//! ```text
//! arriving  what is not for this machine: named in `exempt`? ─▶ interface in `released`? ─▶ drop, and count why
//! leaving   the same once more on the way out: what no rule takes is dropped
//! returning the same tests first, then whether somebody asked for it
//! here      services that are configured, to clients alone; names and time outside while `upstream` holds
//! ```
//!
//! Each base chain drops what no rule takes. What is let through stands in sets whose elements end by themselves, and they
//! are asked before any rule that lets established connections pass: else an upload that is under way would outlive the
//! cut. Whether an address is on that side is asked before routing, where the routing rules of a cut do not answer. What `arriving` lets go on has only not been dropped yet: the chain `forward` must let it through as well, and what either drops no other table brings back.
//!
//! Connections that were let out while all may pass go on by two rules that are asked first, one on each way: while `begun` holds
//! their mark, and between the same interfaces. That is most of what a gateway does, and each set that is asked costs. What bears the mark was asked where it came from when it began: that is not looked up again, but of IPv6 between several interfaces.
//!
//! What clients reach by name stands in `named4` and `named6`, which the resolver fills (`names.rs`); its elements last as long
//! as answers do, and so they count only for interfaces in `asking`, which the engine renews with the rest. A connection
//! that was let out so may go on while that holds: it bears a mark of its own, and is forgotten at a cut.

mod services;
mod source;

use std::{collections::BTreeSet, fmt::Write as _, net::IpAddr, time::Duration};

use services::{asked, page, served};

use crate::{
    Config, Exception,
    config::Page,
    names::{self, Grant},
    tally::{self, GONE, REFUSED},
};

/// The table, in the families `inet` and `bridge`.
pub const TABLE: &str = "creance";

/// The bit of a connection's mark that says it was let out: by it the entry is found when it is to be forgotten.
pub const MARK: u32 = 0x1000_0000;

/// The bit of a packet's mark that says it goes to an address given for a name, or comes back: the routing rules of a cut let it pass.
pub const ADMITTED: u32 = 0x2000_0000;

/// Both bits: it was let out to an address that was given for a name.
const BY_NAME: u32 = 0x3000_0000;

/// The bits of a connection's mark that say it was let out by an exception: it is asked about, and counted apart, each time.
const EXEMPT: u32 = 0x5000_0000;

/// All bits of a connection's mark that are ours.
const OURS: u32 = 0x7000_0000;

/// What is counted, by the name of its counter, and why a packet is counted there.
pub const COUNTERS: &[(&str, &str)] = &[
    ("out", "let out"),
    ("in", "let in, asked for from inside"),
    ("named_out", "let out, to an address given for a name"),
    ("named_in", "let in, asked for from inside by name"),
    ("exempt_out", "let out by an exception"),
    ("gone", "went out by way of this machine, whatever let it"),
    ("exempt_in", "let in by an exception"),
    ("asked", "asked outside by this machine for clients"),
    ("cut", "dropped: leaving while cut"),
    ("cut_protocol", "dropped: leaving while cut, neither TCP nor UDP nor ICMP"),
    ("cut_inbound", "dropped: arriving while cut"),
    ("unasked", "dropped: arriving, and nobody asked for it"),
    ("invalid", "dropped: belongs to no connection"),
    ("spoofed", "dropped: from an address that is not on that side"),
    ("elsewhere", "dropped: neither from clients to the outside nor back"),
    ("not_served", "dropped: asked of this machine, and not offered"),
    ("not_said", "dropped: sent by this machine, and not permitted"),
];

/// What is counted between stations.
pub const BRIDGE_COUNTERS: &[(&str, &str)] = &[
    ("stations", "dropped: from one station to another"),
    ("ethertype", "dropped: a frame that is neither ARP, IPv4, IPv6 nor EAPOL"),
];

/// The whole ruleset in one transaction, with nothing let through: from the first instant it is cut.
pub fn load(config: &Config) -> String {
    let mut text = String::new();
    for family in ["inet", "bridge"] {
        // Adding first makes deleting succeed where there was none.
        let _ = writeln!(text, "add table {family} {TABLE}\ndelete table {family} {TABLE}");
    }
    text + &inet(config) + &bridge(config)
}

/// What is let through for another while.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Way {
    /// Everything.
    pub open: bool,
    /// What clients were given by name; and names may be asked for outside.
    pub asking: bool,
}

/// Lets through for another while: named destinations, and what `way` says. Elements are made anew, for adding an element
/// that is there does not prolong it. One transaction: no packet falls between.
pub fn renew(config: &Config, way: Way, named: &[&Exception]) -> String {
    let mut text = emptied(RENEWED);
    let hold = hold(config.dead_man());
    let mut add = |set: &str, elements: &[String]| {
        if !elements.is_empty() {
            let list: Vec<String> = elements.iter().map(|one| format!("{one} timeout {hold}")).collect();
            let _ = writeln!(text, "add element inet {TABLE} {set} {{ {} }}", list.join(", "));
        }
    };
    let of = |v4: bool| -> Vec<String> {
        let keys: BTreeSet<String> =
            named.iter().filter(|one| one.to.is_ipv4() == v4).map(|one| key(one)).collect();
        keys.into_iter().collect()
    };
    add("exempt4", &of(true));
    add("exempt6", &of(false));
    if way.open {
        add("begun", &[begun()]);
        add("released", &quoted(&config.lan));
        add("upstream", &quoted(&config.wan));
    }
    if way.asking {
        add("asking", &[quoted(&config.lan), quoted(&config.wan)].concat());
    }
    text
}

/// Sets that are filled anew with each renewal, and those that answers of the resolver fill.
const RENEWED: &[&str] = &["begun", "released", "upstream", "asking", "exempt4", "exempt6"];
const BY_ANSWERS: &[&str] = &["named4", "named6"];

/// The mark of connections that go on while all may pass, as `nft -j` tells it.
pub(crate) fn begun() -> String {
    MARK.to_string()
}

/// Empties every set: nothing passes any more.
pub fn cut() -> String {
    emptied(RENEWED) + &forget_names()
}

/// Empties the sets that answers fill.
pub fn forget_names() -> String {
    emptied(BY_ANSWERS)
}

fn emptied(sets: &[&str]) -> String {
    sets.iter().fold(String::new(), |text, set| text + &format!("flush set inet {TABLE} {set}\n"))
}

/// Lets clients reach what they were given by name, each for its time from now. What is there already is prolonged: added,
/// so that it can be deleted, and added again.
pub(crate) fn grant(grants: &[(Grant, Duration)]) -> String {
    let mut text = String::new();
    for (Grant { client, to, port }, time) in grants {
        let set = if to.is_ipv4() { "named4" } else { "named6" };
        let element = format!("{client} . {to} . {} . {}", port.protocol.name(), port.number);
        let hold = hold(*time);
        let _ = writeln!(
            text,
            "add element inet {TABLE} {set} {{ {element} timeout {hold} }}\n\
             delete element inet {TABLE} {set} {{ {element} }}\n\
             add element inet {TABLE} {set} {{ {element} timeout {hold} }}"
        );
    }
    text
}

/// What an exception is in its set.
pub fn key(exception: &Exception) -> String {
    format!("{} . {} . {}", exception.to, exception.protocol.name(), exception.port)
}

fn inet(config: &Config) -> String {
    let (lan, wan) = (names(&config.lan), names(&config.wan));
    let hold = hold(config.dead_man());
    let counters = counters(COUNTERS);
    let asked: String =
        config.services.iter().collect::<BTreeSet<_>>().into_iter().map(|one| asked(*one)).collect();
    let served: String =
        config.services.iter().collect::<BTreeSet<_>>().into_iter().map(|one| served(*one)).collect();
    let probes =
        config.resolver.iter().filter(|resolver| resolver.captive).flat_map(|resolver| &resolver.listen);
    let probes = probes.map(|address| Page { address: *address, port: names::captive::PORT, state: None });
    let (page_asked, page_served): (String, String) =
        config.page.iter().cloned().chain(probes).map(|one| page(&one)).unzip();
    let (mut asks, mut answered) = (String::new(), String::new());
    for one in config.upstream.iter().filter(|one| !one.ports.is_empty()) {
        let ports: BTreeSet<_> = one.ports.iter().map(u16::to_string).collect();
        let ports = ports.into_iter().collect::<Vec<_>>().join(", ");
        let uid = one.uid;
        let _ = writeln!(
            asks,
            "\t\toifname @upstream meta skuid {uid} meta l4proto {{ tcp, udp }} th dport {{ {ports} }} \
             counter name asked accept"
        );
        let _ = writeln!(
            answered,
            "\t\tiifname @upstream ct state established meta l4proto {{ tcp, udp }} th sport {{ {ports} }} accept"
        );
    }
    let (told, refused) = (tally::sets(), tally::rules(REFUSED));
    let source = source::asked(config, &lan);
    let [gone, gone_other] = [true, false].map(|ports| tally::last(GONE, ports, "counter name gone accept"));
    if let Some(resolver) = &config.resolver {
        let servers: BTreeSet<_> = resolver.upstream.iter().map(|one| one.0).collect();
        for (v4, family) in [(true, "ip"), (false, "ip6")] {
            for protocol in ["udp", "tcp"] {
                let ours = servers.iter().filter(|one| one.is_ipv4() == v4);
                let ours: Vec<String> = ours.map(|one| format!("{} . {}", one.ip(), one.port())).collect();
                if ours.is_empty() {
                    continue;
                }
                let ours = ours.join(", ");
                let _ = writeln!(
                    asks,
                    "\t\toifname @asking meta mark {:#x} {family} daddr . {protocol} dport {{ {ours} }} \
                     counter name asked accept",
                    names::MARK
                );
                let _ = writeln!(
                    answered,
                    "\t\tiifname @asking ct state established {family} saddr . {protocol} sport {{ {ours} }} accept"
                );
            }
        }
    }
    format!(
        "table inet {TABLE} {{
{counters}
{told}	set begun {{
		type mark
		flags timeout
		timeout {hold}
	}}

	set released {{
		type ifname
		flags timeout
		timeout {hold}
	}}

	set upstream {{
		type ifname
		flags timeout
		timeout {hold}
	}}

	set asking {{
		type ifname
		flags timeout
		timeout {hold}
	}}

	set named4 {{
		type ipv4_addr . ipv4_addr . inet_proto . inet_service
		flags timeout
		timeout {hold}
	}}

	set named6 {{
		type ipv6_addr . ipv6_addr . inet_proto . inet_service
		flags timeout
		timeout {hold}
	}}

	set exempt4 {{
		type ipv4_addr . inet_proto . inet_service
		flags timeout
		timeout {hold}
	}}

	set exempt6 {{
		type ipv6_addr . inet_proto . inet_service
		flags timeout
		timeout {hold}
	}}

	chain arriving {{
		type filter hook prerouting priority filter; policy drop;
{source}		ct mark and {OURS:#x} @begun ct state established,new accept
		iifname {lan} fib daddr type unicast jump from_clients
		iifname {wan} fib daddr type unicast jump from_outside
		accept
	}}

	chain from_clients {{
		fib saddr . iif oif missing counter name spoofed drop
		ip daddr . meta l4proto . th dport @exempt4 return
		ip6 daddr . meta l4proto . th dport @exempt6 return
		iifname @released return
		iifname @asking jump by_name
{refused}		meta l4proto != {{ tcp, udp, icmp, ipv6-icmp }} counter name cut_protocol drop
		counter name cut drop
	}}

	chain from_outside {{
		ip saddr . meta l4proto . th sport @exempt4 return
		ip6 saddr . meta l4proto . th sport @exempt6 return
		iifname @upstream return
		iifname @asking ct state established ct mark and {BY_NAME:#x} == {BY_NAME:#x} meta mark set meta mark or {ADMITTED:#x} accept
		iifname @asking ct state related meta l4proto {{ icmp, ipv6-icmp }} ct mark and {BY_NAME:#x} == {BY_NAME:#x} meta mark set meta mark or {ADMITTED:#x} accept
		counter name cut_inbound drop
	}}

	chain by_name {{
		ct state established ct mark and {BY_NAME:#x} == {BY_NAME:#x} meta mark set meta mark or {ADMITTED:#x} accept
		ip saddr . ip daddr . meta l4proto . th dport @named4 meta mark set meta mark or {ADMITTED:#x} accept
		ip6 saddr . ip6 daddr . meta l4proto . th dport @named6 meta mark set meta mark or {ADMITTED:#x} accept
	}}

	chain forward {{
		type filter hook forward priority filter; policy drop;
		ct direction original ct mark and {OURS:#x} @begun iifname {lan} oifname {wan} counter name out accept
		ct direction reply ct mark and {OURS:#x} @begun iifname {wan} oifname {lan} counter name in accept
		ct state invalid counter name invalid drop
		iifname {lan} oifname {wan} jump leaving
		iifname {wan} oifname {lan} jump returning
		counter name elsewhere drop
	}}

	chain leaving {{
		ip daddr . meta l4proto . th dport @exempt4 ct mark set ct mark or {EXEMPT:#x} counter name exempt_out accept
		ip6 daddr . meta l4proto . th dport @exempt6 ct mark set ct mark or {EXEMPT:#x} counter name exempt_out accept
		iifname @released ct mark set ct mark or {MARK:#x} counter name out accept
		iifname @asking jump leaving_by_name
		counter name cut drop
	}}

	chain leaving_by_name {{
		ct state established ct mark and {BY_NAME:#x} == {BY_NAME:#x} counter name named_out accept
		ip saddr . ip daddr . meta l4proto . th dport @named4 ct mark set ct mark or {BY_NAME:#x} counter name named_out accept
		ip6 saddr . ip6 daddr . meta l4proto . th dport @named6 ct mark set ct mark or {BY_NAME:#x} counter name named_out accept
	}}

	chain returning {{
		ip saddr . meta l4proto . th sport @exempt4 ct state established counter name exempt_in accept
		ip6 saddr . meta l4proto . th sport @exempt6 ct state established counter name exempt_in accept
		oifname @asking ct state established ct mark and {BY_NAME:#x} == {BY_NAME:#x} counter name named_in accept
		oifname @asking ct state related meta l4proto {{ icmp, ipv6-icmp }} ct mark and {BY_NAME:#x} == {BY_NAME:#x} counter name named_in accept
		oifname != @released counter name cut_inbound drop
		ct state established,related counter name in accept
		counter name unasked drop
	}}

	chain gone {{
		type filter hook forward priority filter + 1; policy drop;
		iifname {lan} jump told
		accept
	}}

	chain told {{
		meta l4proto tcp goto told_ports
		meta l4proto udp goto told_ports
{gone_other}		counter name gone accept
	}}

	chain told_ports {{
{gone}		counter name gone accept
	}}

	chain input {{
		type filter hook input priority filter; policy drop;
		iifname \"lo\" accept
		ct state invalid counter name invalid drop
		iifname {lan} jump asked
		iifname {wan} jump answered
		counter name not_served drop
	}}

	chain asked {{
		icmp type echo-request accept
		icmpv6 type {{ echo-request, mld-listener-report, mld2-listener-report, mld-listener-done }} accept
		icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit }} ip6 hoplimit 255 accept
{asked}{page_asked}	}}

	chain answered {{
		icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert }} ip6 hoplimit 255 accept
		udp sport 67 udp dport 68 accept
		udp sport 547 udp dport 546 accept
{answered}	}}

	chain output {{
		type filter hook output priority filter; policy drop;
		oifname \"lo\" accept
		oifname {lan} jump served
		oifname {wan} jump asks
		counter name not_said drop
	}}

	chain served {{
		icmp type {{ echo-reply, destination-unreachable, time-exceeded }} accept
		icmpv6 type {{ echo-reply, destination-unreachable, packet-too-big, time-exceeded, mld-listener-query }} accept
		icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert }} ip6 hoplimit 255 accept
{served}{page_served}	}}

	chain asks {{
		icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit }} ip6 hoplimit 255 accept
		udp sport 68 udp dport 67 accept
		udp sport 546 udp dport 547 accept
{asks}	}}
}}
"
    )
}

/// Between the ports of a bridge, where the family `inet` does not look.
fn bridge(config: &Config) -> String {
    let counters = counters(BRIDGE_COUNTERS);
    let wan = names(&config.wan);
    let stations = if config.isolate { String::new() } else { format!("\t\toifname != {wan} accept\n") };
    format!(
        "table bridge {TABLE} {{
{counters}
	chain forward {{
		type filter hook forward priority filter; policy drop;
		ether type != {{ arp, ip, ip6, 0x888e }} counter name ethertype drop
{stations}		counter name stations drop
	}}

	chain input {{
		type filter hook input priority filter; policy drop;
		ether type {{ arp, ip, ip6, 0x888e }} accept
		counter name ethertype drop
	}}
}}
"
    )
}

fn counters(list: &[(&str, &str)]) -> String {
    list.iter().fold(String::new(), |text, (name, _)| text + &format!("\tcounter {name} {{ }}\n"))
}

/// Interfaces as an anonymous set.
fn names(interfaces: &[String]) -> String {
    format!("{{ {} }}", quoted(interfaces).join(", "))
}

/// Each once, in quotation marks: a name may be a word of nftables.
fn quoted(interfaces: &[String]) -> Vec<String> {
    let once: BTreeSet<_> = interfaces.iter().collect();
    once.into_iter().map(|name| format!("{name:?}")).collect()
}

/// A time as nftables writes it.
fn hold(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

/// Whether an address may stand in a set of exceptions: one that names a single host.
pub fn is_host(address: IpAddr) -> bool {
    !(address.is_unspecified() || address.is_multicast() || address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::print_stderr,
        clippy::disallowed_methods,
        reason = "a test that may be skipped says so"
    )]

    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    use super::*;

    const LEAST: &str = "lan = ['lan0']\nwan = ['wan0']\n";
    const FULL: &str = "
lan = ['wlan0', 'br-lan']
wan = ['wwan0', 'eth0']
services = ['ssh', 'ntp', 'dns', 'dhcp']
isolate = false
dead_man_ms = 2500
page = { address = '192.168.42.1', port = 8080 }
upstream = [{ uid = 101, ports = [53, 853] }, { uid = 102, ports = [123] }]
exceptions = [
    { to = '203.0.113.9', protocol = 'tcp', port = 2101, why = 'corrections' },
    { to = '2001:db8::9', protocol = 'udp', port = 443, why = 'authority' },
]
";

    const NAMED: &str = "
lan = ['lan0']
wan = ['wan0']
resolver = { captive = true, listen = ['10.0.0.1'], upstream = ['9.9.9.9', '149.112.112.112', '[2620:fe::9]:5353'] }
";
    const OPEN: Way = Way { open: true, asking: true };

    fn grants() -> Vec<(Grant, Duration)> {
        [("10.0.0.2", "8.8.8.8", "tcp/443"), ("fd77::2", "2001:4860:4860::8888", "udp/443")]
            .map(|(client, to, port)| {
                let (client, to) = (client.parse().unwrap(), to.parse().unwrap());
                (Grant { client, to, port: port.parse().unwrap() }, Duration::from_secs(90))
            })
            .into()
    }

    fn config(text: &str) -> Config {
        Config::read(text).unwrap()
    }

    #[test]
    fn rulesets_stay_what_they_are() {
        insta::assert_snapshot!("least", load(&config(LEAST)));
        insta::assert_snapshot!("full", load(&config(FULL)));
        let full = config(FULL);
        let named: Vec<_> = full.exceptions.iter().collect();
        insta::assert_snapshot!("named", load(&config(NAMED)));
        insta::assert_snapshot!("renewed_open", renew(&full, OPEN, &named));
        insta::assert_snapshot!("renewed_asking", renew(&full, Way { open: false, asking: true }, &[]));
        insta::assert_snapshot!("renewed_cut", renew(&full, Way::default(), &named));
        insta::assert_snapshot!("granted", grant(&grants()));
        insta::assert_snapshot!("cut", cut());
    }

    #[test]
    fn every_chain_drops_and_nothing_established_passes_before_the_sets_are_asked() {
        for text in [LEAST, FULL, NAMED] {
            let rules = load(&config(text));
            assert!(
                !rules.contains("policy accept") && !rules.contains("bypass") && !rules.contains("queue")
            );
            assert_eq!(rules.matches("hook").count(), rules.matches("policy drop").count());
            let asked = rules.find("oifname != @released").unwrap();
            assert!(rules.find("established,related").unwrap() > asked);
            // Before that, only while a set holds: in the rule itself, or in the one that leads to its chain.
            for line in
                rules.lines().filter(|line| line.contains("ct state established") && line.contains("accept"))
            {
                let gated = ["@begun", "@asking", "@upstream", "@exempt", "oifname != @released"];
                let inner = line.trim_start().starts_with("ct state established");
                let marked = line.contains("ct mark and 0x30000000 == 0x30000000");
                assert!(
                    gated.iter().any(|set| line.contains(set)) || inner || line.contains("tcp sport"),
                    "{line}"
                );
                assert!(!inner || marked || line.contains("established,related"), "{line}");
            }
            // What goes on without more does so while a set holds, and from one side to the other.
            let begun: Vec<_> =
                rules.lines().filter(|l| l.contains("@begun") && !l.contains("fib")).collect();
            assert_eq!(begun.len(), 3);
            for line in begun {
                let mask = line.contains("ct mark and 0x70000000 @begun ");
                assert!(mask && line.ends_with(" accept"), "{line}");
                let sides = line.contains(" iifname ") && line.contains(" oifname ");
                assert_eq!(line.contains("counter"), sides, "{line}");
            }
            for chain in ["by_name", "leaving_by_name"] {
                assert_eq!(rules.matches(&format!("jump {chain}\n")).count(), 1);
                assert!(rules.contains(&format!("iifname @asking jump {chain}\n")));
            }
            for (name, _) in COUNTERS.iter().filter(|(name, _)| *name != "asked" || text != LEAST) {
                assert!(rules.contains(&format!("counter name {name} ")), "{name} is never counted");
            }
        }
    }

    /// What nft says to a ruleset in a namespace of its own. `None` where it cannot be asked.
    fn judged(rules: &str) -> Option<Result<(), String>> {
        let asked = nix::unistd::geteuid().is_root() && Command::new("nft").arg("--version").output().is_ok();
        if !asked {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "needs root and nftables");
            eprintln!("skipped: needs root and nftables");
            return None;
        }
        let mut nft = Command::new("unshare")
            .args(["--net", "nft", "-f", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        nft.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
        let output = nft.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Some(if output.status.success() { Ok(()) } else { Err(said) })
    }

    #[test]
    fn nftables_takes_each_of_them() {
        for text in [LEAST, FULL, NAMED] {
            let config = config(text);
            let named: Vec<_> = config.exceptions.iter().collect();
            let whole = load(&config)
                + &load(&config)
                + &renew(&config, OPEN, &named)
                + &grant(&grants())
                + &grant(&grants())
                + &renew(&config, Way::default(), &named)
                + &cut();
            let Some(answer) = judged(&whole) else { return };
            answer.unwrap();
        }
        assert!(judged(&load(&config(LEAST)).replace("@released", "@none")).unwrap().is_err());
    }
}
