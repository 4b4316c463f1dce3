//! Sources of evidence, with a guard that runs in a namespace: a file, a line. Needs root.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test, and one that may be skipped says so"
)]

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use creance_guard::{Order, ask};
use serde_json::Value;

/// A gateway with a client's end, and a guard on it.
struct Lab {
    folder: tempfile::TempDir,
    name: &'static str,
    guard: Child,
}

fn able() -> bool {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let able = nix::unistd::geteuid().is_root() && ["nft", "conntrack", "python3"].into_iter().all(there);
    assert!(able || std::env::var("CI").as_deref() != Ok("true"), "needs root, nft, conntrack and python3");
    if !able {
        eprintln!("skipped: needs root, nft, conntrack and python3");
    }
    able
}

fn netns(name: &str, side: &str) -> String {
    format!("creance-e{}{name}-{side}", std::process::id())
}

impl Lab {
    /// With more in the configuration; `{}` in it is the folder of the lab.
    fn new(name: &'static str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (gateway, client) = (netns(name, "gateway"), netns(name, "client"));
        for order in [
            format!("netns add {gateway}"),
            format!("netns add {client}"),
            format!("link add lan0 netns {gateway} type veth peer name eth0 netns {client}"),
            format!("link add wan0 netns {gateway} type veth peer name wan1 netns {client}"),
            format!("-n {gateway} addr add 10.79.0.1/24 dev lan0"),
            format!("-n {gateway} link set lan0 up"),
            format!("-n {gateway} link set wan0 up"),
            format!("-n {client} link set eth0 up"),
            format!("-n {client} link set wan1 up"),
        ] {
            let output = Command::new("ip").args(order.split(' ')).output().unwrap();
            assert!(output.status.success(), "ip {order}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let at = folder.path().display().to_string();
        let config =
            format!("lan = ['lan0']\nwan = ['wan0']\nstate = '{{}}/state'\nrun = '{{}}/run'\n{more}");
        fs::write(folder.path().join("guard.toml"), config.replace("{}", &at)).unwrap();
        let guard = Command::new("ip")
            .args(["netns", "exec", &gateway, env!("CARGO_BIN_EXE_creance-guard"), "run", "-c"])
            .arg(folder.path().join("guard.toml"))
            .stderr(fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let lab = Self { folder, name, guard };
        let log = || fs::read_to_string(lab.path("log")).unwrap_or_default();
        assert!(within(20, || lab.status().is_some()), "no engine answers: {}", log());
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn status(&self) -> Option<Value> {
        ask(&self.path("run"), &Order::Status).ok().map(|answer| answer.status)
    }

    fn state(&self) -> String {
        self.status().unwrap()["state"].as_str().unwrap().to_owned()
    }

    /// What a source said last.
    fn says(&self, source: &str) -> Option<String> {
        let status = self.status().unwrap();
        let row = status["sources"].as_array().unwrap().iter().find(|row| row["name"] == source)?.clone();
        row["says"].as_str().map(ToOwned::to_owned)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.guard.kill();
        let _ = self.guard.wait();
        for side in ["gateway", "client"] {
            let _ = Command::new("ip").args(["netns", "del", &netns(self.name, side)]).status();
        }
    }
}

fn within(seconds: u64, mut is: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        if is() {
            return true;
        }
        thread::sleep(Duration::from_millis(50));
    }
    false
}

#[test]
fn a_file_and_a_line_open_together_and_each_cuts() {
    if !able() {
        return;
    }
    let lab = Lab::new(
        "posted",
        "[[evidence]]\nname = 'tower'\nfile = '{}/tower'\nfresh_s = 2\n\
         [[evidence]]\nname = 'switch'\nline = '{}/value'\nflying = 0\n",
    );
    assert_eq!(lab.state(), "unknown");
    assert!(within(3, || lab.says("tower").is_some_and(|says| says.starts_with("nothing: No such file"))));
    fs::write(lab.path("value"), "1\n").unwrap();
    // Written anew again and again, as whoever knows does.
    let stands = || {
        fs::write(lab.path("tower"), "grounded\n").unwrap();
        lab.state() == "grounded"
    };
    let began = Instant::now();
    assert!(within(25, stands), "{:?}", lab.status());
    assert!(began.elapsed() >= Duration::from_secs(9), "it falls slowly");
    assert_eq!(lab.status().unwrap()["open"], true);
    assert_eq!(lab.says("switch").as_deref(), Some("grounded"));
    fs::write(lab.path("value"), "0\n").unwrap();
    assert!(within(1, || lab.state() == "airborne"));
    let status = lab.status().unwrap();
    assert_eq!((&status["open"], &status["last_cut"]["why"]), (&false.into(), &"switch (line)".into()));
    // It stands again, and is believed after a while; but nobody writes the file any more.
    fs::write(lab.path("value"), "1\n").unwrap();
    thread::sleep(Duration::from_secs(20));
    let status = lab.status().unwrap();
    assert_eq!((&status["open"], &status["state"]), (&false.into(), &"unknown".into()), "{status:#}");
    assert!(lab.says("tower").is_some_and(|says| says == "nothing: it is old, and says grounded"));
    fs::write(lab.path("tower"), "flying").unwrap();
    assert!(within(1, || lab.state() == "airborne"));
}
