//! Lists of a case's destinations in the forms of firewalls and resolvers.
//!
//! Names come from the evidence, so only those that every program takes for names of hosts stand in a list, in small letters and
//! without the dot of the root, and only addresses that parse: one line refused can be all refused. What is left out is counted. Edges of content networks serve many others: they are listed by name alone. What went in names that were looked up
//! goes to whoever answers for them, by whatever resolver: all names below are listed, and the resolver's address is not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    net::{IpAddr, Ipv6Addr},
};

use creance_model::{Direction, Match, Report};

/// The form of a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BlockList {
    /// A hosts file.
    Hosts,
    /// A ruleset of nftables.
    Nftables,
    /// Rules of Suricata.
    Suricata,
    /// A list of domains, as Pi-hole reads it.
    Pihole,
    /// A response policy zone of a resolver.
    Rpz,
}

/// Bytes of a name of a host, and of one in a zone, whose own name is added to it.
const MOST_NAME: usize = 253;
const MOST_IN_ZONE: usize = 180;

/// The first number of rules of Suricata, in the range for local use.
const FIRST_SID: usize = 1_900_001;

/// The destinations to which firm findings went, in this form. A destination that is named is listed by its name; its addresses
/// stand in the lists that need addresses.
pub fn block_list(report: &Report, form: BlockList) -> String {
    let most = if form == BlockList::Rpz { MOST_IN_ZONE } else { MOST_NAME };
    let Blocked { hosts, addresses, left_out } = blocked(report, most);
    let comment = match form {
        BlockList::Rpz => ";",
        _ => "#",
    };
    let id: String = report.case.id.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    let mut out = format!(
        "{comment} {}. Destinations to which data went in case {id}, by creance. Hosts: {}. Addresses: {}.\n\
         {comment} For the flying devices alone. What was not seen is not in it: a deny list does not stop what is new.\n",
        report.banner().label(),
        hosts.len(),
        addresses.len()
    );
    for (count, why) in left_out {
        if count > 0 {
            let _ = writeln!(out, "{comment} Left out, {why}: {count}.");
        }
    }
    let wide = hosts.values().filter(|reach| **reach == Reach::Below).count();
    if wide > 0 && form == BlockList::Hosts {
        let _ = writeln!(
            out,
            "{comment} Hosts that got data in names below theirs, which a hosts file cannot list (use another form): {wide}."
        );
    }
    // Nothing fails in writing to memory.
    let _ = match form {
        BlockList::Hosts => hosts.keys().try_for_each(|host| writeln!(out, "0.0.0.0 {host}\n:: {host}")),
        BlockList::Pihole => hosts.iter().try_for_each(|(host, reach)| match reach {
            Reach::Itself => writeln!(out, "{host}"),
            Reach::Below => writeln!(out, "||{host}^"),
        }),
        BlockList::Rpz => rpz(&mut out, &hosts, &addresses),
        BlockList::Nftables => nftables(&mut out, &addresses),
        BlockList::Suricata => suricata(&mut out, &hosts, &addresses),
    };
    out
}

/// How much of a name is listed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Reach {
    /// The host of that name.
    Itself,
    /// That, and all names below: data stood in them.
    Below,
}

struct Blocked {
    hosts: BTreeMap<String, Reach>,
    addresses: BTreeSet<IpAddr>,
    /// How many are not listed, and why.
    left_out: [(usize, &'static str); 4],
}

fn blocked(report: &Report, most: usize) -> Blocked {
    let (mut hosts, mut addresses) = (BTreeMap::new(), BTreeSet::new());
    let (mut edges, mut resolvers) = (BTreeSet::new(), BTreeSet::new());
    let (mut odd, mut unread) = (BTreeSet::new(), BTreeSet::new());
    let firm = report.findings.iter().filter(|one| {
        one.direction == Direction::Outbound && !matches!(one.matched, Match::Pattern | Match::Size)
    });
    for to in firm.map(|one| &one.destination) {
        let looked_up = to.host_basis.as_deref() == Some("dns-query");
        match to.host.as_deref().map(plain) {
            Some(host) if host.len() <= most && is_host(&host) => {
                let reach = if looked_up { Reach::Below } else { Reach::Itself };
                let known = hosts.entry(host).or_insert(reach);
                *known = reach.max(*known);
            }
            Some(host) => {
                odd.insert(host);
            }
            None => {}
        }
        // A device speaks IPv4 to an IPv4 address that is written as one of IPv6.
        match to
            .ip
            .as_deref()
            .map(|ip| ip.parse::<IpAddr>().map(|address| address.to_canonical()).map_err(|_| ip))
        {
            Some(Ok(address)) if looked_up => {
                resolvers.insert(address);
            }
            Some(Ok(address)) if to.edge => {
                edges.insert(address);
            }
            Some(Ok(address)) if address.is_unspecified() || address.is_loopback() => {}
            Some(Ok(address)) => {
                addresses.insert(address);
            }
            Some(Err(ip)) => {
                unread.insert(ip);
            }
            None => {}
        }
    }
    let left_out = [
        (edges.len(), "addresses of edges that serve many others (their names are in the lists of names)"),
        (
            resolvers.len(),
            "addresses of resolvers that were asked (the names that carried data are in the lists of names)",
        ),
        (odd.len(), "names of the evidence that are no names of hosts, or too long"),
        (unread.len(), "addresses of the evidence that are none"),
    ];
    Blocked { hosts, addresses, left_out }
}

/// A name as lists spell it: in small letters, without the dot of the root.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// A name of a host (RFC 1123, with the underscore that services use), and no address: with a dot in it, and a last label of two and
/// more characters that begins with a letter. Pi-hole takes no shorter one, and a hosts file takes `1.2.3.256` for an address. Names in other
/// scripts are sent as `xn--…`: one that is not was never sent so.
fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let last = name.rsplit_once('.').map(|(_, last)| last);
    name.split('.').all(label)
        && last.is_some_and(|last| last.len() > 1 && last.starts_with(|c: char| c.is_ascii_alphabetic()))
}

fn rpz(out: &mut String, hosts: &BTreeMap<String, Reach>, addresses: &BTreeSet<IpAddr>) -> std::fmt::Result {
    writeln!(out, "$TTL 300\n@ IN SOA localhost. root.localhost. 1 3600 600 86400 300\n@ IN NS localhost.")?;
    for (host, reach) in hosts {
        writeln!(out, "{host} CNAME .")?;
        if *reach == Reach::Below {
            writeln!(out, "*.{host} CNAME .")?;
        }
    }
    for address in addresses {
        match address {
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                writeln!(out, "32.{d}.{c}.{b}.{a}.rpz-ip CNAME .")?;
            }
            IpAddr::V6(v6) => writeln!(out, "128.{}.rpz-ip CNAME .", backwards(*v6))?,
        }
    }
    Ok(())
}

/// The groups of an address from the last to the first, `zz` for the longest row of zeros (of equal ones the first in the
/// address): BIND takes no other spelling, and says so only in its log.
fn backwards(address: Ipv6Addr) -> String {
    let groups = address.segments();
    let zeros = |from: usize| groups.iter().skip(from).take_while(|group| **group == 0).count();
    let (from, length) =
        (0..groups.len()).map(|from| (from, zeros(from))).rev().max_by_key(|row| row.1).unwrap_or_default();
    let mut told: Vec<String> = groups.iter().map(|group| format!("{group:x}")).collect();
    if length > 1 {
        told.splice(from..from + length, ["zz".to_owned()]);
    }
    told.reverse();
    told.join(".")
}

fn nftables(out: &mut String, addresses: &BTreeSet<IpAddr>) -> std::fmt::Result {
    let set = |v6: bool| {
        let list: Vec<String> =
            addresses.iter().filter(|one| one.is_ipv6() == v6).map(ToString::to_string).collect();
        if list.is_empty() { String::new() } else { format!(" elements = {{ {} }};", list.join(", ")) }
    };
    writeln!(
        out,
        "table inet creance_block {{\n\tset v4 {{ type ipv4_addr;{} }}\n\tset v6 {{ type ipv6_addr;{} }}\n\tchain forward {{\n\t\ttype filter hook forward priority filter - 1; policy accept;\n\t\tip daddr @v4 counter drop\n\t\tip6 daddr @v6 counter drop\n\t}}\n}}",
        set(false),
        set(true)
    )
}

fn suricata(
    out: &mut String,
    hosts: &BTreeMap<String, Reach>,
    addresses: &BTreeSet<IpAddr>,
) -> std::fmt::Result {
    let mut sid = FIRST_SID..;
    let mut rule = |out: &mut String, head: &str, message: &str, options: &str| {
        let sid = sid.next().unwrap_or(FIRST_SID);
        writeln!(out, "drop {head} (msg:\"creance: data went to {message}\";{options} sid:{sid}; rev:1;)")
    };
    for (host, reach) in hosts {
        let content = |buffer: &str| format!(" {buffer}; content:\"{host}\"; startswith; endswith; nocase;");
        let query = match reach {
            Reach::Itself => content("dns.query"),
            Reach::Below => format!(" dns.query; dotprefix; content:\".{host}\"; endswith; nocase;"),
        };
        rule(out, "dns any any -> any any", host, &query)?;
        rule(out, "tls any any -> any any", host, &content("tls.sni"))?;
        rule(out, "quic any any -> any any", host, &content("quic.sni"))?;
        rule(out, "http any any -> any any", host, &content("http.host").replace(" nocase;", ""))?;
    }
    for address in addresses {
        rule(out, &format!("ip any any -> {address} any"), &address.to_string(), "")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;
    use creance_model::{DataClass, Trigger};
    use proptest::prelude::*;

    const FORMS: [BlockList; 5] =
        [BlockList::Hosts, BlockList::Nftables, BlockList::Suricata, BlockList::Pihole, BlockList::Rpz];

    fn report(host: &str, ip: &str, edge: bool) -> Report {
        let mut report = cases::blank(5.0);
        let mut to = cases::destination(host, "CN", "high", "CN");
        (to.ip, to.edge) = (Some(ip.to_owned()), edge);
        report.findings.push(cases::finding(1, DataClass::Email, Match::Canary, &to, Trigger::Unknown));
        report
    }

    #[test]
    fn each_form_is_as_its_program_reads_it() {
        let of = |form| block_list(&report("Log.Kestrel.example", "2001:db8::7", false), form);
        assert!(of(BlockList::Hosts).ends_with("0.0.0.0 log.kestrel.example\n:: log.kestrel.example\n"));
        assert!(of(BlockList::Pihole).ends_with("new.\nlog.kestrel.example\n"));
        assert!(of(BlockList::Nftables).contains("set v6 { type ipv6_addr; elements = { 2001:db8::7 }; }"));
        assert!(
            of(BlockList::Rpz).contains("log.kestrel.example CNAME .\n128.7.zz.db8.2001.rpz-ip CNAME .\n")
        );
        let rules = of(BlockList::Suricata);
        assert_eq!(rules.lines().filter(|line| line.starts_with("drop ")).count(), 5);
        assert!(rules.contains("sid:1900001;") && rules.contains("sid:1900005;"));
        assert!(rules.contains("-> 2001:db8::7 any (msg:\"creance: data went to 2001:db8::7\";"));
    }

    /// Spellings that BIND 9.18 blocked by, asked for each address with this list as its response policy.
    #[test]
    fn addresses_stand_in_a_zone_as_bind_spells_them() {
        for (address, spelled) in [
            ("2001:db8::7", "7.zz.db8.2001"),
            ("2001:db8:1:2:3:4:5:6", "6.5.4.3.2.1.db8.2001"),
            ("2001:db8:0:2:3:4:5:6", "6.5.4.3.2.0.db8.2001"),
            ("2001:db8:0:0:1:0:0:1", "1.0.0.1.zz.db8.2001"),
            ("2001:0:0:1::", "zz.1.0.0.2001"),
            ("::2:0", "0.2.zz"),
        ] {
            assert_eq!(backwards(address.parse().unwrap()), spelled, "{address}");
        }
    }

    #[test]
    fn of_names_that_carried_data_all_names_below_are_listed_and_no_resolver() {
        let mut report = report("zone.example", "192.0.2.53", false);
        report.findings[0].destination.host_basis = Some("dns-query".to_owned());
        let of = |form| block_list(&report, form);
        assert!(of(BlockList::Pihole).ends_with("\n||zone.example^\n"));
        assert!(of(BlockList::Rpz).ends_with("\nzone.example CNAME .\n*.zone.example CNAME .\n"));
        assert!(
            of(BlockList::Suricata).contains(" dns.query; dotprefix; content:\".zone.example\"; endswith;")
        );
        assert!(of(BlockList::Hosts).contains("Hosts that got data in names below theirs, which a hosts file cannot list (use another form): 1.\n"));
        for form in FORMS {
            let list = of(form);
            assert!(!list.contains("192.0.2.53") && !list.contains("53.2.0.192"), "{list}");
            assert!(
                list.contains(" Left out, addresses of resolvers that were asked (")
                    && list.contains("): 1.\n"),
                "{list}"
            );
        }
    }

    #[test]
    fn spellings_of_one_name_and_address_are_one() {
        let mut report = report("Log.Kestrel.EXAMPLE.", "::ffff:203.0.113.7", false);
        for (number, host, ip) in
            [(2, "log.kestrel.example", "203.0.113.7"), (3, "xn--bcher-kva.example", "2001:DB8::7")]
        {
            let mut to = cases::destination(host, "CN", "high", "CN");
            to.ip = Some(ip.to_owned());
            report.findings.push(cases::finding(
                number,
                DataClass::Email,
                Match::Canary,
                &to,
                Trigger::Unknown,
            ));
        }
        let of = |form| block_list(&report, form);
        assert!(of(BlockList::Pihole).ends_with("new.\nlog.kestrel.example\nxn--bcher-kva.example\n"));
        let rules = of(BlockList::Nftables);
        assert!(rules.contains("type ipv4_addr; elements = { 203.0.113.7 }; }"), "{rules}");
        assert!(rules.contains("type ipv6_addr; elements = { 2001:db8::7 }; }"), "{rules}");
        assert!(of(BlockList::Rpz).contains("\n32.7.113.0.203.rpz-ip CNAME .\n"));
        assert_eq!(of(BlockList::Suricata).matches("drop ip ").count(), 2);
    }

    #[test]
    fn what_a_program_would_refuse_is_left_out_and_said() {
        let long = format!("{}.example", ["a".repeat(60).as_str(); 4].join("."));
        for (host, listed) in [
            ("bücher.example", false),
            ("a..example", false),
            ("a.example..", false),
            (".", false),
            ("a b.example", false),
            ("-a.example", false),
            ("1.2.3.256", false),
            ("192.0.2.1", false),
            ("a.0x7f", false),
            ("a.x", false),
            ("localhost", false),
            ("_dns.a-b.example", true),
            (&long, true),
        ] {
            let of = |form| block_list(&report(host, "fe80::1%eth0", false), form);
            for form in FORMS {
                let list = of(form);
                let fits = listed && (form != BlockList::Rpz || host.len() < MOST_IN_ZONE);
                let told = list.contains(
                    " Left out, names of the evidence that are no names of hosts, or too long: 1.\n",
                );
                assert_eq!(told, !fits, "{host}: {list}");
                assert!(list.contains(" Left out, addresses of the evidence that are none: 1.\n"), "{list}");
            }
            let lines = |form| of(form).lines().filter(|line| !line.starts_with('#')).count();
            assert_eq!(lines(BlockList::Pihole), usize::from(listed), "{host}");
            assert_eq!(lines(BlockList::Hosts), 2 * usize::from(listed), "{host}");
        }
    }

    #[test]
    fn edges_are_not_blocked_by_address_and_hints_not_at_all() {
        let mut edge = report("cdn.example", "192.0.2.9", true);
        assert!(!block_list(&edge, BlockList::Nftables).contains("192.0.2.9"));
        assert!(block_list(&edge, BlockList::Pihole).ends_with("cdn.example\n"));
        edge.findings[0].matched = Match::Pattern;
        assert!(!block_list(&edge, BlockList::Pihole).contains("cdn.example"));
    }

    /// A name that is of a host, and too long for a zone of any name.
    const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example";

    /// A case of names, names below them, and addresses of both kinds.
    fn mixed() -> Report {
        let mut report = report("a.example", "203.0.113.7", false);
        for (number, host, ip, basis) in [
            (2, "B.example.", "2001:db8::7", "sni"),
            (3, "zone.example", "192.0.2.53", "dns-query"),
            (4, "_dns.example", "::ffff:192.0.2.7", "sni"),
            (5, "bücher.example", "::1", "sni"),
            (6, LONG, "fe80::1%eth0", "dns-query"),
        ] {
            let mut to = cases::destination(host, "CN", "high", "CN");
            (to.ip, to.host_basis) = (Some(ip.to_owned()), Some(basis.to_owned()));
            report.findings.push(cases::finding(
                number,
                DataClass::Email,
                Match::Canary,
                &to,
                Trigger::Unknown,
            ));
        }
        report
    }

    /// What a program of others says of a list that it is given; nothing, where it is not installed or not allowed to.
    #[expect(clippy::print_stdout, reason = "a skip is said")]
    fn taken(program: &str, arguments: &[&str], list: &str) -> Option<(bool, String)> {
        use std::{
            io::Write as _,
            process::{Command, Stdio},
        };
        let skipped = |why: &str| {
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{program}: {why}");
            println!("skipped: {program}: {why}");
            None
        };
        let pipe = Stdio::piped;
        let child = Command::new(program).args(arguments).stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn();
        let Ok(mut child) = child else { return skipped("is not installed") };
        child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if said.contains("not permitted") || said.contains("cache initialization failed") {
            return skipped(&said);
        }
        Some((output.status.success(), said))
    }

    #[test]
    fn nft_takes_the_ruleset_and_refuses_one_that_is_cut() {
        let text = block_list(&mixed(), BlockList::Nftables);
        let asked = |text: &str| taken("nft", &["-c", "-f", "-"], text);
        let Some((fine, said)) = asked(&text) else { return };
        assert!(fine, "{said}\n{text}");
        assert!(asked(&text[..text.len() - 3]).is_some_and(|(fine, _)| !fine));
    }

    #[test]
    fn bind_takes_the_zone_and_refuses_one_with_an_odd_line() {
        let text = block_list(&mixed(), BlockList::Rpz);
        let asked = |text: &str| taken("named-checkzone", &["rpz.example", "/dev/stdin"], text);
        let Some((fine, said)) = asked(&text) else { return };
        assert!(fine, "{said}\n{text}");
        assert!(asked(&format!("{text}x CNAME\n")).is_some_and(|(fine, _)| !fine));
    }

    proptest! {
        /// No name of the evidence breaks out of its line.
        #[test]
        fn hostile_names_stay_out(host in any::<String>(), id in any::<String>(), ip in any::<String>()) {
            let mut report = report(&host, &ip, false);
            report.case.id = id;
            for form in FORMS {
                let list = block_list(&report, form);
                let plain = block_list(&cases::blank(5.0), form).lines().count();
                let more = list.lines().count() - plain;
                prop_assert!(more <= 5, "{list}");
                prop_assert!(list.is_ascii());
            }
        }
    }
}
