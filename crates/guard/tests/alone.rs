//! The real guard, alone in a network namespace: with no more rights than its unit gives it, and beside a routing rule of another.
//! Needs root.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that is skipped says so"
)]

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use creance_guard::{Answer, Order, ask};

const TOOLS: [&str; 6] = ["nft", "conntrack", "ip", "tc", "setpriv", "unshare"];

/// A guard that ends with the test.
struct Guard {
    folder: tempfile::TempDir,
    process: Child,
}

impl Guard {
    /// Begins one, behind these words. Nothing, where that cannot be tried.
    fn begin(behind: &str, before: &str) -> Option<Self> {
        let there = |program: &&str| {
            let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
            found.is_ok_and(|found| found.status.success())
        };
        if !nix::unistd::geteuid().is_root() || !TOOLS.iter().all(there) {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "needs root and {TOOLS:?}");
            eprintln!("skipped: needs root and {TOOLS:?}");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("guard.toml");
        let text = format!(
            "lan = ['lan0']\nwan = ['wan0']\nstate = '{0}/state'\nrun = '{0}/run'\n\
             [resolver]\nlisten = ['10.79.0.1']\nupstream = ['203.0.113.2']\ncaptive = true\n",
            folder.path().display()
        );
        fs::write(&config, text).unwrap();
        let script = format!(
            "set -e; ip link set lo up; for link in lan0 wan0; do ip link add $link type veth peer name $link-peer; ip link set $link up; done
             ip addr add 10.79.0.1/24 dev lan0; {before}
             exec {behind} {} run -c {}",
            env!("CARGO_BIN_EXE_creance-guard"),
            config.display()
        );
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new("unshare")
            .args(["--net", "sh", "-c", &script])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Some(Self { folder, process })
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until it stands as it should.
    fn wait_for(&mut self, stands: impl Fn(&Answer) -> bool) {
        let began = Instant::now();
        loop {
            let answer = ask(&self.folder.path().join("run"), &Order::Status);
            if answer.as_ref().is_ok_and(&stands) {
                return;
            }
            let ended = self.process.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < Duration::from_secs(20),
                "{answer:?}: {}",
                self.log()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Something in its namespace.
    fn inside(&self, order: &str) {
        assert!(self.within(order).status().unwrap().success(), "{order}");
    }

    fn within(&self, order: &str) -> Command {
        let network = format!("--net=/proc/{}/ns/net", self.process.id());
        let mut command = Command::new("nsenter");
        command.arg(network).args(order.split(' '));
        command
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_rights_that_its_unit_gives_are_enough() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/creance-guard.service");
    let unit = fs::read_to_string(unit).unwrap();
    let rights = unit.lines().find_map(|line| line.strip_prefix("CapabilityBoundingSet=")).unwrap();
    let rights = rights.split_whitespace().map(|one| one.to_lowercase().replace("cap_", ",+"));
    let rights = format!("-all{}", rights.collect::<String>());
    let behind = format!("setpriv --no-new-privs --inh-caps={rights} --bounding-set={rights}");
    let Some(mut guard) = Guard::begin(&behind, "") else { return };
    guard.wait_for(|answer| answer.status["enforcing"] == true);
}

#[test]
fn beside_a_routing_rule_that_is_asked_before_the_cut_it_does_not_enforce() {
    const RULE: &str = "pref 1 lookup main";
    let Some(mut guard) = Guard::begin("", "") else { return };
    guard.wait_for(|answer| answer.status["enforcing"] == true);
    guard.inside(&format!("ip rule add {RULE}"));
    guard.wait_for(|answer| {
        let fault = answer.status["fault"].as_str().unwrap_or_default();
        answer.status["enforcing"] == false && fault.contains("lookup main") && answer.status["alarms"] == 1
    });
    guard.inside(&format!("ip rule del {RULE}"));
    guard.wait_for(|answer| answer.status["enforcing"] == true);
    // It does not start beside one.
    let Some(mut guard) = Guard::begin("", &format!("ip -6 rule add {RULE}")) else { return };
    let ended = guard.process.wait().unwrap();
    assert_eq!(ended.code(), Some(5), "{}", guard.log());
}

#[test]
fn a_second_engine_with_the_same_ledger_does_not_begin_and_changes_nothing() {
    let Some(mut guard) = Guard::begin("", "") else { return };
    guard.wait_for(|answer| answer.status["enforcing"] == true);
    let config = guard.folder.path().join("guard.toml");
    let order = format!("{} run -c {}", env!("CARGO_BIN_EXE_creance-guard"), config.display());
    let second = guard.within(&order).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("another engine has the ledger"), "{said}");
    // Longer than between two looks.
    thread::sleep(Duration::from_secs(1));
    guard.wait_for(|answer| answer.status["enforcing"] == true && answer.status["alarms"] == 0);
    // Whatever ended it, the next has the ledger.
    guard.process.kill().unwrap();
    guard.process.wait().unwrap();
    drop(creance_guard::alone(&guard.folder.path().join("state")).unwrap());
}
