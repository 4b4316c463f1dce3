//! Lists of a case's destinations in the forms of firewalls and resolvers.
//!
//! Names come from the evidence, so only those that are names of hosts by RFC 1123 stand in a list, and only addresses that
//! parse. Edges of content networks serve many others: they are listed by name alone.

use std::{collections::BTreeSet, fmt::Write as _, net::IpAddr};

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

/// The first number of rules of Suricata, in the range for local use.
const FIRST_SID: usize = 1_900_001;

/// The destinations to which firm findings went, in this form. A destination that is named is listed by its name; its addresses
/// stand in the lists that need addresses.
pub fn block_list(report: &Report, form: BlockList) -> String {
    let Blocked { hosts, addresses, edges, odd } = blocked(report);
    let comment = match form {
        BlockList::Rpz => ";",
        _ => "#",
    };
    let id: String = report.case.id.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    let mut out = format!(
        "{comment} Destinations to which data went in case {id}, by creance: {} hosts, {} addresses.\n\
         {comment} For the flying devices alone. What was not seen is not in it: a deny list does not stop what is new.\n",
        hosts.len(),
        addresses.len()
    );
    if edges > 0 {
        let _ = writeln!(
            out,
            "{comment} {edges} addresses of edges that serve many others are left out; their names are in the lists of names."
        );
    }
    if odd > 0 {
        let _ =
            writeln!(out, "{comment} {odd} names of the evidence are no names of hosts and are left out.");
    }
    // Nothing fails in writing to memory.
    let _ = match form {
        BlockList::Hosts => hosts.iter().try_for_each(|host| writeln!(out, "0.0.0.0 {host}\n:: {host}")),
        BlockList::Pihole => hosts.iter().try_for_each(|host| writeln!(out, "{host}")),
        BlockList::Rpz => rpz(&mut out, &hosts, &addresses),
        BlockList::Nftables => nftables(&mut out, &addresses),
        BlockList::Suricata => suricata(&mut out, &hosts, &addresses),
    };
    out
}

struct Blocked {
    hosts: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
    edges: usize,
    odd: usize,
}

fn blocked(report: &Report) -> Blocked {
    let mut blocked = Blocked { hosts: BTreeSet::new(), addresses: BTreeSet::new(), edges: 0, odd: 0 };
    let (mut edges, mut odd) = (BTreeSet::new(), BTreeSet::new());
    let firm = report.findings.iter().filter(|one| {
        one.direction == Direction::Outbound && !matches!(one.matched, Match::Pattern | Match::Size)
    });
    for to in firm.map(|one| &one.destination) {
        match to.host.as_deref().map(str::to_ascii_lowercase) {
            Some(host) if is_host(&host) => {
                blocked.hosts.insert(host);
            }
            Some(host) => {
                odd.insert(host);
            }
            None => {}
        }
        if let Some(address) = to.ip.as_deref().and_then(|ip| ip.parse::<IpAddr>().ok()) {
            if to.edge {
                edges.insert(address);
            } else if !address.is_unspecified() && !address.is_loopback() {
                blocked.addresses.insert(address);
            }
        }
    }
    (blocked.edges, blocked.odd) = (edges.len(), odd.len());
    blocked
}

/// A name of a host with a dot in it (RFC 1123, with the underscore that services use), and no address.
fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label) && name.parse::<IpAddr>().is_err()
}

fn rpz(out: &mut String, hosts: &BTreeSet<String>, addresses: &BTreeSet<IpAddr>) -> std::fmt::Result {
    writeln!(out, "$TTL 300\n@ IN SOA localhost. root.localhost. 1 3600 600 86400 300\n@ IN NS localhost.")?;
    for host in hosts {
        writeln!(out, "{host} CNAME .")?;
    }
    for address in addresses {
        match address {
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                writeln!(out, "32.{d}.{c}.{b}.{a}.rpz-ip CNAME .")?;
            }
            IpAddr::V6(v6) => {
                let groups: Vec<String> =
                    v6.segments().iter().rev().map(|group| format!("{group:x}")).collect();
                writeln!(out, "128.{}.rpz-ip CNAME .", groups.join("."))?;
            }
        }
    }
    Ok(())
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

fn suricata(out: &mut String, hosts: &BTreeSet<String>, addresses: &BTreeSet<IpAddr>) -> std::fmt::Result {
    let mut sid = FIRST_SID..;
    let mut rule = |out: &mut String, head: &str, message: &str, options: &str| {
        let sid = sid.next().unwrap_or(FIRST_SID);
        writeln!(out, "drop {head} (msg:\"creance: data went to {message}\";{options} sid:{sid}; rev:1;)")
    };
    for host in hosts {
        let content = |buffer: &str| format!(" {buffer}; content:\"{host}\"; startswith; endswith; nocase;");
        rule(out, "dns any any -> any any", host, &content("dns.query"))?;
        rule(out, "tls any any -> any any", host, &content("tls.sni"))?;
        rule(out, "http any any -> any any", host, &content("http.host").replace(" nocase;", ""))?;
    }
    for address in addresses {
        rule(out, &format!("ip any any -> {address} any"), &address.to_string().replace(':', "."), "")?;
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
            of(BlockList::Rpz)
                .contains("log.kestrel.example CNAME .\n128.7.0.0.0.0.0.db8.2001.rpz-ip CNAME .\n")
        );
        let rules = of(BlockList::Suricata);
        assert_eq!(rules.lines().filter(|line| line.starts_with("drop ")).count(), 4);
        assert!(rules.contains("sid:1900001;") && rules.contains("sid:1900004;"));
    }

    #[test]
    fn edges_are_not_blocked_by_address_and_hints_not_at_all() {
        let mut edge = report("cdn.example", "192.0.2.9", true);
        assert!(!block_list(&edge, BlockList::Nftables).contains("192.0.2.9"));
        assert!(block_list(&edge, BlockList::Pihole).ends_with("cdn.example\n"));
        edge.findings[0].matched = Match::Pattern;
        assert!(!block_list(&edge, BlockList::Pihole).contains("cdn.example"));
    }

    /// What programs of others say of both forms that they can be asked for without rights.
    #[test]
    #[expect(clippy::print_stdout, reason = "a skip is said")]
    fn nft_takes_the_ruleset() {
        use std::{
            io::Write as _,
            process::{Command, Stdio},
        };
        let text = block_list(&report("a.example", "203.0.113.7", false), BlockList::Nftables);
        let child =
            Command::new("nft").args(["-c", "-f", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let Ok(mut child) = child else {
            println!("skipped: nft is not installed");
            return;
        };
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("not permitted") || said.contains("cache initialization failed") {
            println!("skipped: nft may not look at the kernel: {said}");
            return;
        }
        assert!(output.status.success(), "{said}\n{text}");
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "a skip is said")]
    fn bind_takes_the_zone() {
        use std::{
            io::Write as _,
            process::{Command, Stdio},
        };
        let text = block_list(&report("a.example", "203.0.113.7", false), BlockList::Rpz);
        let child = Command::new("named-checkzone")
            .args(["rpz.example", "/dev/stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            println!("skipped: named-checkzone is not installed");
            return;
        };
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stdout));
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
                prop_assert!(more <= 4, "{list}");
                prop_assert!(list.is_ascii());
            }
        }
    }
}
