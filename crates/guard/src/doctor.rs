//! `creance-guard doctor`: whether this machine can guard, by what it has, and what to do where it cannot.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::Path,
    process::Command,
    thread,
    time::Duration,
};

use anyhow::Context;
use clap::Args;
use creance_guard::{
    Aircraft, Book, Config, Kernel, Order, ask,
    evidence::{Posted, monitor_fault},
    ruleset,
};
use nix::sched::{CloneFlags, unshare};
use serde::Serialize;

use crate::{check, prove};

/// What `doctor` is told.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The configuration.
    #[arg(short, long, value_name = "FILE", default_value = "/etc/creance/guard.toml")]
    config: std::path::PathBuf,
    /// As JSON (creance.guard-doctor/1).
    #[arg(long)]
    json: bool,
}

/// The exit code where it cannot guard.
const CANNOT: u8 = 5;

/// How often the ledger is read anew, where it does not hold.
const TRIES: usize = 5;

/// How something stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
enum How {
    Good,
    Look,
    Bad,
}

#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
struct Row {
    what: &'static str,
    how: How,
    says: String,
    /// What to do; nothing, where it is good.
    todo: &'static str,
}

fn good(what: &'static str, says: impl Into<String>) -> Row {
    Row { what, how: How::Good, says: says.into(), todo: "" }
}

fn look(what: &'static str, says: impl Into<String>, todo: &'static str) -> Row {
    Row { what, how: How::Look, says: says.into(), todo }
}

fn bad(what: &'static str, says: impl Into<String>, todo: &'static str) -> Row {
    Row { what, how: How::Bad, says: says.into(), todo }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<u8> {
    let mut rows = vec![rights(&fs::read_to_string("/proc/self/status").unwrap_or_default())];
    rows.extend(
        [("nft", "-v"), ("ip", "-V"), ("tc", "-V"), ("conntrack", "-V")].map(|(name, flag)| tool(name, flag)),
    );
    match Config::load(&options.config) {
        Ok(config) => {
            rows.push(good("configuration", options.config.display().to_string()));
            rows.extend(configured(&config));
        }
        Err(error) => {
            rows.push(bad(
                "configuration",
                error.to_string(),
                "write one: docs/guard.md begins with the least",
            ));
        }
    }
    rows.push(clock());
    let mut out = anstream::stdout();
    if options.json {
        let document = serde_json::json!({"schema": "creance.guard-doctor/1", "rows": rows});
        writeln!(out, "{document:#}")?;
    } else {
        table(&rows, &mut out)?;
    }
    Ok(if rows.iter().any(|row| row.how == How::Bad) { CANNOT } else { 0 })
}

fn configured(config: &Config) -> Vec<Row> {
    let engine = ask(&config.run, &Order::Status).ok();
    let mut rows = vec![kernel(config), forwarding(engine.is_some())];
    rows.extend(links(config));
    rows.extend(foreign(config));
    rows.extend(config.lan.iter().filter_map(|name| stations(name)));
    rows.extend(config.lan.iter().chain(&config.wan).filter_map(|name| offload(name)));
    rows.extend(config.evidence.iter().map(posted));
    rows.extend(config.aircraft.iter().filter_map(signing));
    rows.extend(config.hear.monitor.iter().map(|name| monitor(name)));
    rows.push(ledger(config));
    if let Some(named) = &config.policy {
        rows.push(match check::policy(named) {
            Ok(_) => good("policy", named),
            Err(error) => {
                bad("policy", format!("{error:#}"), "creance-guard check POLICY says what is wrong")
            }
        });
    }
    rows.push(match engine {
        Some(answer) if answer.status["enforcing"] == true => good("engine", "runs, and enforces"),
        Some(_) => bad("engine", "runs, and does not enforce", "creance-guard status says why"),
        None => look("engine", "does not run", "start it when all else is in order"),
    });
    rows
}

/// Whether this process may change rules and hear frames: `CapEff` of its status.
fn rights(status: &str) -> Row {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let all = line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or_default();
    let missing: Vec<&str> = [(12, "CAP_NET_ADMIN"), (13, "CAP_NET_RAW")]
        .into_iter()
        .filter(|(bit, _)| all >> bit & 1 == 0)
        .map(|(_, name)| name)
        .collect();
    if missing.is_empty() {
        good("rights", "CAP_NET_ADMIN and CAP_NET_RAW")
    } else {
        bad(
            "rights",
            format!("without {}", missing.join(" and ")),
            "run it as root, or as the unit in deploy/ does",
        )
    }
}

fn tool(name: &'static str, flag: &str) -> Row {
    match Command::new(name).arg(flag).output() {
        Ok(output) => {
            let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
            let text = String::from_utf8_lossy(&said).into_owned();
            good(name, text.lines().next().unwrap_or_default())
        }
        Err(error) => bad(name, error.to_string(), "install nftables, iproute2 and conntrack"),
    }
}

/// Whether the kernel takes the rules, elements that end by themselves, and forgetting: tried in a namespace that goes again.
fn kernel(config: &Config) -> Row {
    const WHAT: &str = "rules in this kernel";
    const TODO: &str = "a kernel with nf_tables (inet, bridge, fib, sets), nf_conntrack and network namespaces; is the module loaded?";
    let text = ruleset::load(config)
        + &ruleset::renew(
            config,
            ruleset::Way { open: true, asking: true },
            &config.exceptions.iter().collect::<Vec<_>>(),
        )
        + &ruleset::cut();
    let tried = thread::spawn(move || -> anyhow::Result<()> {
        unshare(CloneFlags::CLONE_NEWNET).context("no network namespace can be made")?;
        Kernel::apply(&text)?;
        Kernel::look()?;
        Ok(Kernel::forget()?)
    });
    match tried.join() {
        Ok(Ok(())) => good(WHAT, "taken, in a namespace that is gone again"),
        Ok(Err(error)) => bad(WHAT, format!("{error:#}"), TODO),
        Err(_) => bad(WHAT, "the attempt broke off", TODO),
    }
}

fn forwarding(guarded: bool) -> Row {
    let on = |path: &str| fs::read_to_string(path).is_ok_and(|value| value.trim() == "1");
    let v4 = on("/proc/sys/net/ipv4/ip_forward");
    let v6 = on("/proc/sys/net/ipv6/conf/all/forwarding");
    let says = format!("IPv4 {}, IPv6 {}", if v4 { "on" } else { "off" }, if v6 { "on" } else { "off" });
    match (guarded, v4 || v6) {
        (false, true) => look(
            "forwarding",
            says,
            "nothing guards what is forwarded now: leave it off, the unit in deploy/ turns it on",
        ),
        (true, false) => look("forwarding", says, "nothing is forwarded, even on the ground"),
        _ => good("forwarding", says),
    }
}

fn links(config: &Config) -> Vec<Row> {
    const WHAT: &str = "interfaces";
    match Kernel::links(config) {
        Err(error) => vec![bad(WHAT, error.to_string(), "is iproute2 installed?")],
        Ok((hazards, absent)) => {
            let mut rows: Vec<Row> = hazards
                .into_iter()
                .map(|one| bad(WHAT, one, "take it away: frames pass by the rules there"))
                .collect();
            if !absent.is_empty() {
                let names = absent.into_iter().collect::<Vec<_>>().join(", ");
                rows.push(look(
                    WHAT,
                    format!("not there: {names}"),
                    "is the name right? One that comes later is guarded as well",
                ));
            }
            if rows.is_empty() {
                rows.push(good(WHAT, "all there, and no way past the rules was found"));
            }
            rows
        }
    }
}

/// Tables and routing rules of others.
fn foreign(config: &Config) -> Vec<Row> {
    const WHAT: &str = "other tables";
    match Kernel::standing(config).map(|(seen, _)| seen) {
        Err(error) => vec![bad(WHAT, error.to_string(), "is nftables installed, and may this user ask?")],
        Ok(seen) => {
            let mut rows: Vec<Row> = seen
                .hazards
                .into_iter()
                .map(|one| bad(WHAT, one, "take it away: packets pass by the rules there"))
                .collect();
            rows.push(if seen.others.is_empty() {
                good(WHAT, "none")
            } else {
                let names = seen.others.into_iter().collect::<Vec<_>>().join("; ");
                look(WHAT, names, "they cannot bring back what is dropped; is each meant to be there?")
            });
            rows
        }
    }
}

/// A Wi-Fi chip may pass frames between its stations itself.
fn stations(name: &str) -> Option<Row> {
    let radio = Path::new("/sys/class/net").join(name).join("phy80211").exists();
    radio.then(|| {
        look(
            "stations",
            format!("{name} is a radio"),
            "set ap_isolate=1 in hostapd: its chip may pass frames between stations",
        )
    })
}

/// Whether a card takes rules of traffic control into itself, as far as ethtool is there to say it.
fn offload(name: &str) -> Option<Row> {
    let output = Command::new("ethtool").args(["-k", name]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let on = text.lines().any(|line| line.trim().starts_with("hw-tc-offload: on"));
    on.then(|| {
        look("offload", format!("{name} can forward in hardware"), "ethtool -K INTERFACE hw-tc-offload off")
    })
}

/// Whether a file or a line says something, and whether only the owner of this machine has it say so.
fn posted(one: &Posted) -> Row {
    const WHAT: &str = "evidence";
    let others_write = |path: &Path| fs::metadata(path).is_ok_and(|about| about.mode() & 0o022 != 0);
    let open = one.path().filter(|path| others_write(path) || path.parent().is_some_and(others_write));
    match (one.now(), open) {
        (Ok(_), Some(path)) => look(
            WHAT,
            format!("{}: others may write {} or its folder", one.name, path.display()),
            "whoever writes it can say that nothing flies: chmod go-w",
        ),
        (Ok(says), None) => good(WHAT, format!("{}: {says}", one.name)),
        (Err(why), _) => look(
            WHAT,
            format!("{} says nothing: {why}", one.name),
            "it stays cut until what writes it runs, or an operator releases",
        ),
    }
}

/// Whether a radio hears all.
fn monitor(name: &str) -> Row {
    const WHAT: &str = "monitor";
    match monitor_fault(name) {
        None => good(WHAT, name),
        Some(why) => look(
            WHAT,
            format!("{name}: {why}"),
            "iw dev NAME set type monitor, up, on the channel of Remote ID (6 or 149); broadcasts are not heard",
        ),
    }
}

/// Whether the key of an aircraft can be read.
fn signing(one: &Aircraft) -> Option<Row> {
    const WHAT: &str = "signing key";
    one.signing_key.as_ref()?;
    Some(match one.key() {
        Ok(()) => good(WHAT, one.name.as_str()),
        Err(error) => {
            bad(WHAT, format!("{}: {error}", one.name), "`signing_key` names a file of 64 digits of base 16")
        }
    })
}

fn ledger(config: &Config) -> Row {
    const WHAT: &str = "ledger";
    let key = match prove::key(config) {
        Ok(key) => key,
        Err(error) => return bad(WHAT, format!("{error:#}"), "creance case keygen makes a key"),
    };
    let (signed, public) = (key.is_some(), key.map(|key| key.public()));
    // An engine that writes meanwhile may be between a record and its signature.
    let mut read = Book::check(&config.state, public.as_ref());
    for _ in 0..TRIES {
        if read.is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
        read = Book::check(&config.state, public.as_ref());
    }
    if let Err(error) = read.or_else(|error| {
        // There is none yet.
        if error.kind() == io::ErrorKind::NotFound && !config.state.exists() { Ok(0) } else { Err(error) }
    }) {
        return bad(
            WHAT,
            error.to_string(),
            "it is not continued: move ledger*.jsonl and signature.json away, all of them together, and keep them",
        );
    }
    if signed {
        good(WHAT, format!("{}, signed", config.state.display()))
    } else {
        look(
            WHAT,
            format!("{}, not signed", config.state.display()),
            "name a `key`, or whoever writes there can write it anew",
        )
    }
}

/// Whether somebody says that the clock is right: the times of the ledger are its.
fn clock() -> Row {
    let known = ["/run/systemd/timesync/synchronized", "/run/chrony/chronyd.pid", "/run/ntpd.pid"];
    match known.into_iter().find(|path| Path::new(path).exists()) {
        Some(path) => good("clock", format!("kept ({path})")),
        None => look(
            "clock",
            "no program that keeps it was found",
            "times in the ledger are those of this clock: set it before a flight",
        ),
    }
}

fn table(rows: &[Row], out: &mut impl Write) -> anyhow::Result<()> {
    for row in rows {
        let how = match row.how {
            How::Good => "good",
            How::Look => "look",
            How::Bad => "BAD",
        };
        writeln!(out, "{how:4}  {:20}  {}", row.what, row.says)?;
        if !row.todo.is_empty() {
            writeln!(out, "      {:20}  -> {}", "", row.todo)?;
        }
    }
    let worst = rows.iter().map(|row| row.how).max().unwrap_or(How::Good);
    let word = match worst {
        How::Good => "This machine can guard.",
        How::Look => "This machine can guard; look at what is marked.",
        How::Bad => "This machine cannot guard as it is.",
    };
    writeln!(out, "\n{word}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_read_from_the_kernels_word() {
        assert_eq!(rights("Name:\tx\nCapEff:\t0000000000003000\n").how, How::Good);
        let row = rights("CapEff:\t0000000000001000\n");
        assert_eq!((row.how, row.says.as_str()), (How::Bad, "without CAP_NET_RAW"));
        assert_eq!(rights("").how, How::Bad);
    }

    #[test]
    fn forwarding_without_an_engine_is_told() {
        let on = fs::read_to_string("/proc/sys/net/ipv4/ip_forward").is_ok_and(|value| value.trim() == "1");
        let v6 = fs::read_to_string("/proc/sys/net/ipv6/conf/all/forwarding")
            .is_ok_and(|value| value.trim() == "1");
        assert_eq!(forwarding(false).how == How::Good, !(on || v6));
        assert_eq!(forwarding(true).how == How::Good, on || v6);
    }

    #[test]
    fn the_worst_row_is_the_word() {
        let said = |rows: &[Row]| {
            let mut out = Vec::new();
            table(rows, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let rows = [good("a", "fine"), look("b", "odd", "look"), bad("c", "wrong", "mend it")];
        assert!(said(&rows).ends_with("cannot guard as it is.\n") && said(&rows).contains("BAD "));
        assert!(said(&rows[..2]).contains("-> look") && said(&rows[..2]).contains("look at what"));
        assert!(said(&rows[..1]).ends_with("can guard.\n"));
    }

    #[test]
    fn a_ledger_whose_end_is_gone_is_bad_and_is_moved_away_whole() {
        use creance_custody::SigningKey;
        let folder = tempfile::tempdir().unwrap();
        let pem = SigningKey::pem(&[7; 32]);
        fs::write(folder.path().join("key.pem"), &pem).unwrap();
        let text = format!(
            "lan = ['l']\nwan = ['w']\nstate = '{0}/state'\nkey = '{0}/key.pem'",
            folder.path().display()
        );
        let config = Config::read(&text).unwrap();
        assert_eq!(ledger(&config).how, How::Good);
        let mut book = Book::open(&config.state, SigningKey::read(&pem).ok()).unwrap();
        for _ in 0..3 {
            book.note("state", creance_guard::Detail::new()).unwrap();
        }
        assert_eq!(ledger(&config).how, How::Good);
        fs::write(config.state.join("ledger.jsonl"), "").unwrap();
        let row = ledger(&config);
        assert_eq!(row.how, How::Bad);
        assert!(row.todo.contains("together"), "{}", row.todo);
    }

    #[test]
    fn a_tool_that_is_not_there_is_named() {
        let row = tool("creance-no-such-tool", "-v");
        assert_eq!((row.what, row.how), ("creance-no-such-tool", How::Bad));
    }
}
