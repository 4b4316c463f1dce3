//! Puts rules into the kernel and asks what stands there, through `nft`, `ip` and `conntrack`
//! (docs/decisions/027 says why not by messages of our own).
//!
//! A cut is kept loaded: processes of `ip` and `nft` that have started, and wait for nothing but the rules. When it counts, no
//! process has to be made and no library read. Routing rules go first, for the kernel takes them in less than a millisecond, and
//! emptying sets in twenty; they hold while cut, and whoever empties nftables does not open the way by that.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    process::{Child, Command, Output, Stdio},
};

use thiserror::Error;

use crate::{
    Config, Exception,
    ruleset::{self, ADMITTED, MARK, Way},
    seen::{Seen, links},
};

/// Where the routing rules that close the way stand: after what is for this machine itself, before all else.
const PASS: u32 = 1;
const CLOSED: u32 = 2;
const BEYOND: u32 = 3;
/// Who made a routing rule, as the kernel keeps it with each: a number that iproute2 gives to nobody. Rules of others at the same
/// place are not ours, are never taken away, and keep none of ours from being put there.
const OURS: u32 = 203;

/// Why the kernel does not do what it is told.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A program is not there, or could not be started.
    #[error("cannot start {program}: {source}")]
    Program {
        /// Which.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It refused.
    #[error("{program} refuses: {said}")]
    Refused {
        /// Which.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// It said something that is not understood.
    #[error("{0} says what is not understood")]
    Unclear(&'static str),
}

/// The kernel's rules.
#[derive(Clone, Copy, Debug)]
pub struct Kernel;

/// A cut that is loaded.
#[derive(Debug)]
pub struct Cut {
    sets: Option<Child>,
    /// For each family a process that waits, and what it is to be told.
    routes: [(Option<Child>, String); 2],
}

impl Cut {
    /// A cut for a configuration, loaded.
    pub fn new(config: &Config) -> Self {
        let mut wanted: Vec<_> = locks(config).into_iter().collect();
        // What exceptions skip to stands first, and what closes last: none of their packets falls between.
        wanted.sort_by_key(|lock| [BEYOND, PASS, CLOSED].iter().position(|number| *number == lock.number));
        let text = |v6| wanted.iter().filter(|lock| lock.v6 == v6).map(|lock| lock.order("add")).collect();
        let mut cut = Self { sets: None, routes: [(None, text(false)), (None, text(true))] };
        cut.reload();
        cut
    }

    /// Closes by routing what was let through so; `false`: nothing was. Error: a process that was to do it is gone, or refuses.
    pub fn routes(&mut self, way: Way) -> Result<bool, KernelError> {
        if way == Way::default() {
            return Ok(false);
        }
        let begun = self.routes.each_mut().map(|(process, text)| {
            let mut process = process.take().ok_or(KernelError::Unclear("ip"))?;
            let mut orders = String::new();
            if way.asking {
                // It reads alike in both families.
                orders.push_str(&admitted(false).order("del"));
            }
            if way.open {
                orders.push_str(text);
            }
            let given = give(&mut process, &orders);
            Ok((process, given))
        });
        let told = begun.map(|one| one.and_then(|(process, given)| end("ip", process, given)));
        told.into_iter().try_for_each(|one| one.map(|_| ())).map(|()| true)
    }

    /// Empties all sets. Call [`Self::reload`] when there is time.
    pub fn sets(&mut self) -> Result<(), KernelError> {
        let process = self.sets.take().map_or_else(|| waiting("nft", &["-f", "-"]), Ok)?;
        // One that was ended by somebody while it waited is made anew.
        finish("nft", process, &ruleset::cut()).map(|_| ()).or_else(|_| Kernel::apply(&ruleset::cut()))
    }

    /// Loads the next cut.
    pub fn reload(&mut self) {
        if self.sets.is_none() {
            self.sets = waiting("nft", &["-f", "-"]).ok();
        }
        for ((process, _), family) in self.routes.iter_mut().zip(["-4", "-6"]) {
            if process.is_none() {
                *process = waiting("ip", &[family, "-force", "-batch", "-"]).ok();
            }
        }
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        let routes = self.routes.iter_mut().filter_map(|(process, _)| process.take());
        for mut process in self.sets.take().into_iter().chain(routes) {
            // Its input ends and it finds nothing to do.
            drop(process.stdin.take());
            let _ = process.wait();
        }
    }
}

impl Kernel {
    /// Puts a text of rules in force, all of it or nothing.
    pub fn apply(rules: &str) -> Result<(), KernelError> {
        finish("nft", waiting("nft", &["-f", "-"])?, rules).map(|_| ())
    }

    /// Closes everything: by routing, and by the whole ruleset with nothing let through.
    pub fn close(config: &Config) -> Result<(), KernelError> {
        let locked = Self::lock(config);
        Self::apply(&ruleset::load(config)).and(locked)
    }

    /// What the rules in force are.
    pub fn look() -> Result<Seen, KernelError> {
        let said = run("nft", &["-j", "list", "ruleset"])?;
        Seen::read(&said.stdout).ok_or(KernelError::Unclear("nft"))
    }

    /// What the rules in force are, with routing rules of others that the cut cannot close, and whether every routing rule of a cut
    /// stands.
    pub fn standing(config: &Config) -> Result<(Seen, bool), KernelError> {
        let mut seen = Self::look()?;
        let (found, past) = Self::rules(config)?;
        seen.hazards.extend(past);
        Ok((seen, locks(config).is_subset(&found)))
    }

    /// Routing rules of others that let pass what a cut closes: they are asked before it.
    pub fn past(config: &Config) -> Result<BTreeSet<String>, KernelError> {
        Self::rules(config).map(|(_, past)| past)
    }

    /// What passes by them, and which interfaces are not there.
    pub fn links(config: &Config) -> Result<(BTreeSet<String>, BTreeSet<String>), KernelError> {
        let said = run("ip", &["-j", "-d", "link", "show"])?;
        let (mut hazards, absent) = links(&said.stdout, config).ok_or(KernelError::Unclear("ip"))?;
        for name in config.lan.iter().chain(&config.wan).filter(|name| !absent.contains(*name)) {
            hazards.extend(redirects(name)?);
        }
        if std::fs::read_to_string("/proc/sys/net/mpls/platform_labels")
            .is_ok_and(|labels| labels.trim() != "0")
        {
            hazards.insert("MPLS is routed, which nftables does not see".to_owned());
        }
        Ok((hazards, absent))
    }

    /// Closes the way by routing as well; what is named stays open.
    pub fn lock(config: &Config) -> Result<(), KernelError> {
        let (standing, _) = Self::rules(config)?;
        let wanted = locks(config);
        let missing = wanted.iter().filter(|lock| !standing.contains(*lock));
        // What a client sends as somebody outside would else be answered there, by this machine itself.
        for name in &config.lan {
            let _ = std::fs::write(format!("/proc/sys/net/ipv4/conf/{name}/rp_filter"), "1");
        }
        let told = orders(missing, "add");
        // What was let through by its mark is so no more, nor what a configuration before excepted.
        orders(standing.difference(&wanted), "del").and(told)
    }

    /// Bytes that wait in the queues of interfaces; `None`: that cannot be asked.
    pub fn queued(interfaces: &[String]) -> Option<u64> {
        let said = run("tc", &["-s", "-j", "qdisc", "show"]).ok()?;
        let all: Vec<serde_json::Value> = serde_json::from_slice(&said.stdout).ok()?;
        let ours = all.iter().filter(|one| interfaces.iter().any(|name| one["dev"] == name.as_str()));
        Some(ours.filter_map(|one| one["backlog"].as_u64()).sum())
    }

    /// Neighbours that have not answered yet, as `ip` tells them; packets may wait for each. `None`: that cannot be asked.
    pub fn unresolved() -> Option<Vec<serde_json::Value>> {
        let said = run("ip", &["-j", "neigh", "show", "nud", "incomplete"]).ok()?;
        // It says nothing at all where there is none.
        if said.stdout.trim_ascii().is_empty() {
            Some(Vec::new())
        } else {
            serde_json::from_slice(&said.stdout).ok()
        }
    }

    /// Takes these rules away, and those of an engine before, but none of others.
    pub fn unlock(config: &Config) -> Result<(), KernelError> {
        let (standing, _) = Self::rules(config)?;
        orders(standing.iter(), "del")
    }

    /// Lets pass the routing rules of a cut what the ruleset marks: what goes to an address that was given for a name, and comes back.
    pub fn admit(config: &Config) -> Result<(), KernelError> {
        // The test of where a packet should have come in asks the same rules, and without this as if it bore no mark.
        for name in config.lan.iter().chain(&config.wan) {
            let _ = std::fs::write(format!("/proc/sys/net/ipv4/conf/{name}/src_valid_mark"), "1");
        }
        let (standing, _) = Self::rules(config)?;
        let wanted = [false, true].map(admitted);
        orders(wanted.iter().filter(|lock| !standing.contains(*lock)), "add")
    }

    /// Routing rules of ours that stand, and those of others that let pass what they close.
    fn rules(config: &Config) -> Result<(BTreeSet<Lock>, BTreeSet<String>), KernelError> {
        let (mut found, mut past) = (BTreeSet::new(), BTreeSet::new());
        let mut wanted = locks(config);
        wanted.extend([false, true].map(admitted));
        for v6 in [false, true] {
            let said = run("ip", &[if v6 { "-6" } else { "-4" }, "rule", "show"])?;
            for line in String::from_utf8_lossy(&said.stdout).lines() {
                let lock = Lock::read(line, v6);
                if !lock.as_ref().is_some_and(|lock| wanted.contains(lock)) && passes(line, config) {
                    past.insert(format!(
                        "routing rule of another before the cut, IPv{}: {}",
                        if v6 { 6 } else { 4 },
                        line.replace('\t', " ")
                    ));
                }
                found.extend(lock);
            }
        }
        Ok((found, past))
    }

    /// Has the kernel forget connections that were let out, so that none of them goes on after a release.
    pub fn forget() -> Result<(), KernelError> {
        for family in ["ipv4", "ipv6"] {
            let mark = format!("{MARK:#x}/{MARK:#x}");
            // It refuses as well where there is nothing to forget.
            match run("conntrack", &["-D", "-f", family, "-m", &mark]) {
                Err(KernelError::Refused { said, .. }) if said.contains("0 flow entries") => {}
                other => {
                    other?;
                }
            }
        }
        Ok(())
    }

    /// Takes interfaces down: the last that can be done where rules do not hold.
    pub fn down(interfaces: &[String]) -> Result<(), KernelError> {
        batch(
            "-4",
            &interfaces
                .iter()
                .fold(String::new(), |text, name| text + &format!("link set dev {name} down\n")),
        )
    }
}

/// A routing rule of ours: all after its number, as `ip rule` writes it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Lock {
    v6: bool,
    number: u32,
    rest: String,
}

impl Lock {
    /// Reads a line of `ip rule show`, if it is one of ours.
    fn read(line: &str, v6: bool) -> Option<Self> {
        let (number, rest) = line.split_once(':')?;
        let (rest, by) = rest.rsplit_once(" proto ")?;
        if by.trim() != OURS.to_string() {
            return None;
        }
        let number = number.parse().ok().filter(|number| (PASS..=BEYOND).contains(number))?;
        let words = rest.split_whitespace().filter(|word| !matches!(*word, "[detached]" | "[unresolved]"));
        Some(Self { v6, number, rest: words.collect::<Vec<_>>().join(" ") })
    }

    fn order(&self, verb: &str) -> String {
        format!("rule {verb} pref {} {} protocol {OURS}\n", self.number, self.rest)
    }
}

/// Whether a line of `ip rule show` that is none of ours lets pass what a cut closes: asked before it, for the interfaces that it
/// closes, and not itself an end.
fn passes(line: &str, config: &Config) -> bool {
    let Some((number, rest)) = line.split_once(':') else { return false };
    if !number.parse().is_ok_and(|number: u32| number <= CLOSED) {
        return false;
    }
    let rest = rest.split_once(" proto ").map_or(rest, |(rest, _)| rest);
    let words: Vec<&str> = rest.split_whitespace().collect();
    match words.as_slice() {
        // What is for this machine itself.
        ["from", "all", "lookup", "local" | "255"] => return false,
        [.., before, "blackhole" | "unreachable" | "prohibit" | "nop"] if *before != "lookup" => {
            return false;
        }
        _ => {}
    }
    let only = words.iter().skip_while(|word| **word != "iif").nth(1);
    let ours = |name: &&str| config.lan.iter().chain(&config.wan).any(|one| one == name);
    words.first() == Some(&"not") || only.is_none_or(ours)
}

/// The routing rules of a cut. What exceptions name skips them and goes the way that others have laid.
fn locks(config: &Config) -> BTreeSet<Lock> {
    let mut locks = BTreeSet::new();
    for v6 in [false, true] {
        let mut add = |number, rest: String| {
            locks.insert(Lock { v6, number, rest });
        };
        for one in config.exceptions.iter().filter(|one| one.to.is_ipv6() == v6) {
            let Exception { to, protocol, port, .. } = one;
            let protocol = protocol.name();
            for name in &config.lan {
                add(
                    PASS,
                    format!("from all to {to} iif {name} ipproto {protocol} dport {port} goto {BEYOND}"),
                );
            }
            for name in &config.wan {
                add(PASS, format!("from {to} iif {name} ipproto {protocol} sport {port} goto {BEYOND}"));
            }
        }
        for name in config.lan.iter().chain(&config.wan) {
            add(CLOSED, format!("from all iif {name} blackhole"));
        }
        add(BEYOND, "from all nop".to_owned());
    }
    locks
}

/// The routing rule that lets pass what bears the mark.
fn admitted(v6: bool) -> Lock {
    let rest = format!("from all fwmark {ADMITTED:#x}/{ADMITTED:#x} goto {BEYOND}");
    Lock { v6, number: PASS, rest }
}

/// Filters of traffic control that send frames elsewhere.
fn redirects(interface: &str) -> Result<Vec<String>, KernelError> {
    let mut found = Vec::new();
    for side in ["ingress", "egress"] {
        // There is none where it refuses: no such qdisc.
        let said = match run("tc", &["filter", "show", "dev", interface, side]) {
            Err(KernelError::Refused { .. }) => continue,
            other => other?,
        };
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        if ["mirred", "bpf"].iter().any(|word| text.contains(word)) {
            found.push(format!(
                "{interface} has a filter of traffic control at {side} that can send frames elsewhere"
            ));
        }
    }
    Ok(found)
}

/// Gives an order for each routing rule; both families are tried, whatever one says.
fn orders<'a>(locks: impl Iterator<Item = &'a Lock>, verb: &str) -> Result<(), KernelError> {
    let (mut four, mut six) = (String::new(), String::new());
    for lock in locks {
        if lock.v6 { &mut six } else { &mut four }.push_str(&lock.order(verb));
    }
    let told = batch("-4", &four);
    batch("-6", &six).and(told)
}

/// Several orders to `ip` in one process. All are tried, and the first refusal is told.
fn batch(family: &'static str, orders: &str) -> Result<(), KernelError> {
    if orders.is_empty() {
        return Ok(());
    }
    finish("ip", waiting("ip", &[family, "-force", "-batch", "-"])?, orders).map(|_| ())
}

/// A process that waits for its input.
fn waiting(program: &'static str, arguments: &[&str]) -> Result<Child, KernelError> {
    Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| KernelError::Program { program, source })
}

/// Gives a process its input and waits for its end.
fn finish(program: &'static str, mut process: Child, input: &str) -> Result<Output, KernelError> {
    let given = give(&mut process, input);
    end(program, process, given)
}

/// Gives a process all its input.
fn give(process: &mut Child, input: &str) -> io::Result<()> {
    process.stdin.take().map_or(Ok(()), |mut pipe| pipe.write_all(input.as_bytes()))
}

/// Waits for the end of a process that was given its input.
fn end(program: &'static str, process: Child, given: io::Result<()>) -> Result<Output, KernelError> {
    let failed = |source| KernelError::Program { program, source };
    let output = process.wait_with_output().map_err(failed)?;
    given.map_err(failed)?;
    if output.status.success() {
        return Ok(output);
    }
    Err(KernelError::Refused { program, said: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}

fn run(program: &'static str, arguments: &[&str]) -> Result<Output, KernelError> {
    finish(program, waiting(program, arguments)?, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apart::apart;

    #[test]
    fn routing_rules_of_others_stay() {
        apart(|| {
            let config = Config::read("lan = ['lan0']\nwan = ['wan0']").unwrap();
            // They are more than ours, as ours are written, and the kernel would take one for the other.
            let foreign = [
                (false, "2:\tfrom 10.0.0.0/8 iif lan0 [detached] blackhole"),
                (false, "1:\tfrom all fwmark 0x10/0x10 iif lan0 [detached] lookup main"),
                (true, "2:\tfrom fd00::/8 iif lan0 [detached] blackhole"),
            ];
            let shown = |v6: bool| {
                let said = run("ip", &[if v6 { "-6" } else { "-4" }, "rule", "show"]).unwrap();
                String::from_utf8(said.stdout).unwrap()
            };
            for (v6, line) in foreign {
                let (number, rest) = line.split_once(":\t").unwrap();
                let order = format!("rule add pref {number} {}\n", rest.replace("[detached] ", ""));
                batch(if v6 { "-6" } else { "-4" }, &order).unwrap();
            }
            let before = [false, true].map(shown);
            for _ in 0..2 {
                Kernel::lock(&config).unwrap();
                Kernel::lock(&config).unwrap();
                assert!(Kernel::standing(&config).unwrap().1);
                Kernel::admit(&config).unwrap();
                Kernel::unlock(&config).unwrap();
                assert_eq!([false, true].map(shown), before);
                assert!(
                    foreign.iter().all(|(v6, line)| before[usize::from(*v6)].contains(line)),
                    "{before:?}"
                );
            }
            // One that looks like ours locks nothing.
            batch("-4", "rule add pref 2 from all iif wan0 blackhole\n").unwrap();
            assert!(!Kernel::standing(&config).unwrap().1);
        });
    }

    #[test]
    fn routing_rules_of_others_before_a_cut_are_hazards() {
        apart(|| {
            let config = Config::read("lan = ['lan0']\nwan = ['wan0']").unwrap();
            Kernel::lock(&config).unwrap();
            Kernel::admit(&config).unwrap();
            assert_eq!(Kernel::past(&config).unwrap(), BTreeSet::new());
            let try_one = |family, rule: &str| {
                batch(family, &format!("rule add {rule}\n")).unwrap();
                let hazards = Kernel::standing(&config).unwrap().0.hazards;
                batch(family, &format!("rule del {rule}\n")).unwrap();
                hazards.len()
            };
            for past in [
                "pref 1 lookup main",
                "pref 1 lookup main protocol static",
                "pref 0 to 203.0.113.0/24 lookup main",
                "pref 2 iif lan0 lookup 7 suppress_prefixlength 0",
                "pref 1 not iif other0 lookup main",
                "pref 1 iif wan0 goto 9",
                "pref 1 to 203.0.113.9 lookup main protocol 203",
            ] {
                assert_eq!(try_one("-4", past), 1, "{past}");
            }
            assert_eq!(try_one("-6", "pref 1 lookup main"), 1);
            // One that only looks like ours does not outlive the next cut.
            batch("-4", "rule add pref 1 to 203.0.113.9 lookup main protocol 203\n").unwrap();
            Kernel::lock(&config).unwrap();
            assert_eq!(Kernel::past(&config).unwrap(), BTreeSet::new());
            for harmless in [
                "pref 3 lookup main",
                "pref 1 iif lo lookup main",
                "pref 1 iif lan0 unreachable",
                "pref 1 nop",
            ] {
                assert_eq!(try_one("-4", harmless), 0, "{harmless}");
            }
        });
    }

    #[test]
    fn routing_rules_are_read_as_they_are_written() {
        let config = Config::read(
            "lan = ['lan0']\nwan = ['wan0']\nexceptions = [{ to = '2001:db8::9', protocol = 'udp', port = 443, why = 'w' }]",
        )
        .unwrap();
        let wanted = locks(&config);
        assert_eq!(wanted.len(), 8);
        for lock in &wanted {
            let rest = lock.rest.replace("iif lan0", "iif lan0 [detached]");
            let line = format!("{}:\t{rest}", lock.number);
            assert_eq!(Lock::read(&format!("{line} proto {OURS}"), lock.v6).as_ref(), Some(lock));
            assert_eq!(Lock::read(&line, lock.v6), None);
            assert_eq!(Lock::read(&format!("{line} proto 2030"), lock.v6), None);
        }
        assert_eq!(Lock::read("0:\tfrom all lookup local proto 203", false), None);
        assert_eq!(Lock::read("32766:\tfrom all lookup main proto 203", false), None);
    }
}
