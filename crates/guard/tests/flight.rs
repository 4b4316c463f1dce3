//! `creance-guard proof`, checked by `docs/proof/check_flight.py`, which knows nothing of creance: what is said of a flight follows from
//! the ledger, and where a byte of it changes it is refused. A flight in namespaces needs root.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test, and one that may be skipped says so"
)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use creance_custody::{Deed, Ledger, SigningKey, in_canonical_form};
use creance_guard::{Answer, Order, ask, proof::Proof};
use creance_model::Timestamp;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

/// A user and a group without rights.
const NOBODY: u32 = 65534;

/// A Python with `cryptography`: that of `./ci/test tools`, or the one of the machine. None, where neither has it.
fn python() -> Option<PathBuf> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/uploads/bin/python");
    let named = std::env::var_os("CREANCE_UPLOADS_PYTHON").map(PathBuf::from);
    let found = named.into_iter().chain([own.into(), "python3".into()]).find(|python| {
        Command::new(python)
            .args(["-c", "import cryptography"])
            .output()
            .is_ok_and(|one| one.status.success())
    });
    if found.is_none() {
        skip("no Python with cryptography");
    }
    found
}

fn skip(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
    eprintln!("skipped: {why}");
}

/// Runs a piece of Python beside the checker.
fn asked(python: &Path, script: &str, arguments: &[&Path]) -> String {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/proof");
    let output = Command::new(python)
        .args(["-B", "-c", script])
        .args(arguments)
        .env("PYTHONPATH", beside)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn record() -> impl Strategy<Value = (&'static str, Value)> {
    let words = |all: &'static [&'static str]| prop::sample::select(all);
    let states = words(&["unknown", "grounded", "airborne", "stale", "released"]);
    let rows = || {
        let row = (1..4u8, 1..4u8, words(&["tcp", "udp", "icmp"]), 0..3u16, 0..90u64, 0..9000u64).prop_map(
            |(a, b, protocol, port, packets, bytes)| {
                json!([format!("10.0.0.{a}"), format!("192.0.2.{b}"), protocol, port, packets, bytes])
            },
        );
        prop::collection::vec(row, 0..4)
    };
    let pair = || (0..500u64, 0..50_000u64).prop_map(|(packets, bytes)| json!([packets, bytes]));
    prop_oneof![
        5 => states.clone().prop_map(|to| ("state", json!({"from": "x", "to": to, "said": "é \"\u{7}"}))),
        7 => (pair(), pair(), pair(), rows(), rows(), 0..6u8).prop_map(|(gone, cut, odd, left, refused, kind)| {
            (if kind == 0 { "left" } else { "counts" }, json!({"counters": {"gone": gone, "cut": cut, "cut_protocol": odd}, "gone": left, "refused": refused}))
        }),
        1 => (states, any::<bool>()).prop_map(|(state, policy)| {
            let mut detail = json!({"state": state, "exceptions": ["192.0.2.1 . tcp . 1: why"]});
            if policy {
                detail["policy"] = "local-data-mode".into();
            }
            ("start", detail)
        }),
        2 => (0..9u64).prop_map(|us| ("cut", json!({"why": "w", "us_to_routes": us, "bytes_at_most": 0}))),
        1 => Just(("alarm", json!({"why": "another hand"}))),
        1 => Just(("enforcing", json!({}))),
        1 => Just(("end", json!({}))),
        2 => Just(("operator", json!({"order": "fly", "who": "user 0", "why": "", "taken": true}))),
    ]
}

fn written(records: &[((&'static str, Value), u32)]) -> Vec<u8> {
    let (mut ledger, mut time) = (Ledger::default(), Timestamp::from_secs(1_781_164_800));
    let lines = records.iter().map(|((action, detail), wait)| {
        time = time.plus_nanos(i64::from(*wait) * 1_000_000);
        let deed = Deed {
            action: (*action).to_owned(),
            case: "guard".to_owned(),
            tool: "t".to_owned(),
            started: time,
            ended: time,
            detail: detail.as_object().unwrap().clone().into_iter().collect(),
            files: Vec::new(),
        };
        ledger.add(deed).unwrap()
    });
    lines.collect::<String>().into_bytes()
}

/// Whatever a ledger holds, two programs that were written from one page say the same of it.
#[test]
fn statements_follow_from_any_ledger() {
    let Some(python) = python() else { return };
    let mut runner = TestRunner::deterministic();
    let folder = tempfile::tempdir().unwrap();
    let wait = prop_oneof![3 => 0..90_000u32, 1 => 600_000..2_000_000u32];
    let strategy = prop::collection::vec((record(), wait), 1..60);
    let text =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema/flight.schema.json"))
            .unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let mut made = 0;
    while made < 300 {
        let ledger = written(&strategy.new_tree(&mut runner).unwrap().current());
        for flight in 1.. {
            let Ok(proof) = Proof::of(&ledger, Some(flight)) else { break };
            let statement = in_canonical_form(&proof.statement).unwrap() + "\n";
            let document: Value = serde_json::from_str(&statement).unwrap();
            let wrong: Vec<_> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{wrong:?}");
            fs::write(folder.path().join(format!("{made}.json")), statement).unwrap();
            fs::write(folder.path().join(format!("{made}.jsonl")), proof.ledger).unwrap();
            fs::write(folder.path().join(format!("{made}.whole")), &ledger).unwrap();
            made += 1;
        }
    }
    let script = "
import check_flight, pathlib, sys
for statement in pathlib.Path(sys.argv[1]).glob('*.json'):
    try: check_flight.check(statement.read_bytes(), statement.with_suffix('.jsonl').read_bytes(), None, None)
    except Exception as why: sys.exit(f'{statement.name}: {why!r}')
    # What stands before and behind in the whole ledger changes nothing of it.
    told = check_flight.read(statement.read_bytes(), statement.name)
    records, hash = check_flight.load(statement.with_suffix('.whole').read_bytes())
    whole = check_flight.derive(records, told, hash)
    for name in told:
        if name != 'records' and told[name] != whole[name]: sys.exit(f'{statement.name}: {name} is another in the whole ledger')
print('all')";
    assert_eq!(asked(&python, script, &[folder.path()]), "all");
}

/// Airborne, nothing heard, airborne: the second time is no other flight, and records that leave the first away prove none.
#[test]
fn a_flight_that_begins_within_another_is_refused() {
    let Some(python) = python() else { return };
    let state = |to: &str| (("state", json!({"from": "x", "to": to, "said": "s"})), 1000);
    let counts = || (("counts", json!({"counters": {"gone": [9, 900]}, "gone": [], "refused": []})), 1000);
    let start = || (("start", json!({"state": "unknown", "policy": "p", "exceptions": []})), 1000);
    let ledger = written(&[
        start(),
        state("airborne"),
        counts(),
        counts(),
        state("stale"),
        state("airborne"),
        counts(),
        state("grounded"),
        counts(),
    ]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ledger.jsonl"), ledger).unwrap();
    let script = "
import check_flight as check, pathlib, sys
ledger = (pathlib.Path(sys.argv[1]) / 'ledger.jsonl').read_bytes()
def said(begin, first):
    records, hash = check.load(b''.join(ledger.splitlines(keepends=True)[first - 1:]))
    told = {'tool': 't', 'flight': 1, 'records': {'begin': begin}}
    try: return check.derive(records, told, hash)['records']['end']
    except check.Refused as why: return str(why)
print(said(2, 1), said(6, 1), said(6, 3), sep='; ')";
    let said = asked(&python, script, &[folder.path()]);
    assert_eq!(
        said,
        "8; records.begin: it lies within another flight; records.begin: it may lie within another flight, no start is before it"
    );
}

/// What is not known is not said to be nothing.
#[test]
fn a_flight_of_which_nothing_was_counted_is_unknown() {
    let Some(python) = python() else { return };
    let counts = || ("counts", json!({"counters": {}, "gone": [], "refused": []}));
    let begun = [
        (("start", json!({"state": "unknown", "policy": "p", "exceptions": []})), 0),
        (("state", json!({"from": "x", "to": "airborne", "said": "s"})), 1000),
        (("alarm", json!({"why": "another hand"})), 0),
        (counts(), 0),
    ];
    let folder = tempfile::tempdir().unwrap();
    let check = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/proof/check_flight.py");
    let said = |records: &[((&'static str, Value), u32)]| {
        let proof = Proof::of(&written(records), None).unwrap();
        fs::write(folder.path().join("ledger.jsonl"), proof.ledger).unwrap();
        let statement = in_canonical_form(&proof.statement).unwrap() + "\n";
        fs::write(folder.path().join("statement.json"), statement).unwrap();
        let output = Command::new(&python).arg("-B").arg(check).arg(folder.path()).output().unwrap();
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let unknown = said(&begun);
    assert!(unknown.contains("unknown what left; 0 gaps, 1 alarms"), "{unknown}");
    let known = said(&[&begun[..], &[(counts(), 60_000)]].concat());
    assert!(known.contains("0 packets, 0 bytes left, counted from 2026-06-11T08:00:01Z"), "{known}");
}

/// Namespaces, and a guard in the middle one.
struct Lab {
    folder: tempfile::TempDir,
    guard: Option<Child>,
}

fn name(side: &str) -> String {
    format!("creance-f{}-{side}", std::process::id())
}

fn ip(order: &str) {
    let words = order.split_whitespace().map(|word| match word {
        "client" | "gateway" | "outside" => name(word),
        other => other.to_owned(),
    });
    let output = Command::new("ip").args(words).output().unwrap();
    assert!(output.status.success(), "ip {order}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Lab {
    fn new() -> Self {
        for side in ["client", "gateway", "outside"] {
            ip(&format!("netns add {side}"));
            ip(&format!("-n {side} link set lo up"));
        }
        ip("link add lan0 netns gateway type veth peer name eth0 netns client");
        ip("link add wan0 netns gateway type veth peer name eth0 netns outside");
        for (side, link, address) in [
            ("client", "eth0", "10.78.0.2/24"),
            ("gateway", "lan0", "10.78.0.1/24"),
            ("gateway", "wan0", "203.0.113.1/24"),
            ("outside", "eth0", "203.0.113.2/24"),
        ] {
            ip(&format!("-n {side} addr add {address} dev {link}"));
            ip(&format!("-n {side} link set {link} up"));
        }
        ip("-n client route add default via 10.78.0.1");
        ip("-n outside route add default via 203.0.113.1");
        ip("netns exec gateway sysctl -qw net.ipv4.ip_forward=1");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key.pem"), SigningKey::pem(&[7; 32])).unwrap();
        let config = format!(
            "lan = ['lan0']\nwan = ['wan0']\nstate = '{0}/state'\nrun = '{0}/run'\nkey = '{0}/key.pem'\n\
             region = ['CN']\noperators = '{1}'\n\
             page = {{ address = '10.78.0.1', port = 8080, state = '{0}/page' }}\n\
             [[exceptions]]\nto = '203.0.113.2'\nprotocol = 'udp'\nport = 2101\nwhy = 'corrections'\n",
            folder.path().display(),
            nix::unistd::Group::from_gid(NOBODY.into()).unwrap().unwrap().name
        );
        fs::write(folder.path().join("guard.toml"), config).unwrap();
        // The page is nobody, and has a folder of its own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(folder.path().join("page")).unwrap();
        chown(folder.path().join("page"), Some(NOBODY), Some(NOBODY)).unwrap();
        Self { folder, guard: None }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("guard.toml")
    }

    fn ask(&self, order: &Order) -> Option<Answer> {
        ask(&self.folder.path().join("run"), order).ok()
    }

    fn start(&mut self) {
        let child = Command::new("ip")
            .args(["netns", "exec", &name("gateway"), env!("CARGO_BIN_EXE_creance-guard"), "run", "-c"])
            .arg(self.config())
            .stderr(fs::File::create(self.folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        self.guard = Some(child);
        let began = Instant::now();
        while self.ask(&Order::Status).is_none() {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(20), "no engine answers: {}", log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The guard's own command, as nobody.
    fn as_nobody(&self, order: &str) -> Child {
        Command::new("ip")
            .args(["netns", "exec", &name("gateway"), "setpriv", "--clear-groups"])
            .args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}")])
            .args([env!("CARGO_BIN_EXE_creance-guard"), order, "-c"])
            .arg(self.config())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// The first line that a client gets from the page.
    fn fetched() -> String {
        let script = "for i in $(seq 50); do exec 3<>/dev/tcp/10.78.0.1/8080 && break; sleep 0.1; done
            printf 'GET / HTTP/1.1\r\nhost: 10.78.0.1:8080\r\n\r\n' >&3; head -n 1 <&3";
        let output = Command::new("ip")
            .args(["netns", "exec", &name("client"), "timeout", "20", "bash", "-c", script])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// `TERM` or `KILL`.
    fn end(&mut self, signal: &str) {
        let mut guard = self.guard.take().unwrap();
        let sent =
            Command::new("kill").arg(format!("-{signal}")).arg(guard.id().to_string()).status().unwrap();
        assert!(sent.success());
        guard.wait().unwrap();
    }

    fn release(&self) {
        let asked = self.ask(&Order::Release { reason: "battery is out".to_owned() }).unwrap();
        let code = asked.says.rsplit(' ').next().unwrap().to_owned();
        assert!(self.ask(&Order::Confirm { code }).unwrap().taken);
        thread::sleep(Duration::from_millis(100));
    }

    /// Datagrams of a client: 10 bytes each, 38 with their headers.
    fn send(port: u16, count: u32) {
        let script =
            format!("for i in $(seq {count}); do echo 123456789 > /dev/udp/203.0.113.2/{port}; done");
        let sent = Command::new("ip")
            .args(["netns", "exec", &name("client"), "bash", "-c", &script])
            .output()
            .unwrap();
        assert!(sent.status.success());
        thread::sleep(Duration::from_millis(100));
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            let _ = guard.kill();
            let _ = guard.wait();
        }
        for side in ["client", "gateway", "outside"] {
            let _ = Command::new("ip").args(["netns", "del", &name(side)]).stderr(Stdio::null()).status();
        }
    }
}

#[test]
fn what_left_in_a_flight_is_told_and_no_byte_of_it_may_change() {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !(nix::unistd::geteuid().is_root() && there("nft") && there("conntrack")) {
        return skip("needs root, nft and conntrack");
    }
    let Some(python) = python() else { return };
    let mut lab = Lab::new();
    // What the table of another drops has not left, whatever the guard says of it.
    let other =
        "table inet other { chain dropped { type filter hook forward priority filter; udp dport 7 drop; }; }";
    let gateway = name("gateway");
    let taken = Command::new("ip").args(["netns", "exec", &gateway, "nft", other]).status().unwrap();
    assert!(taken.success());
    lab.start();
    // Where the law asks for a report, that it is cut is told, and who answers for it.
    let status = lab.ask(&Order::Status).unwrap().status;
    assert_eq!(
        (&status["duties"][0]["country"], &status["override"]),
        (&json!("Mainland China"), &Value::Null)
    );
    let answered = lab.ask(&Order::Override { reason: "a hall without a sky".to_owned() }).unwrap();
    assert!(answered.status["override"].as_str().unwrap().ends_with("a hall without a sky"));
    lab.release();
    Lab::send(9, 3);
    assert!(lab.ask(&Order::Fly { reason: "take-off".to_owned() }).unwrap().taken);
    // The page is reached while all else is cut.
    let mut page = lab.as_nobody("page");
    let first = Lab::fetched();
    page.kill().unwrap();
    page.wait().unwrap();
    assert_eq!(first, "HTTP/1.1 200 OK");
    assert_eq!(
        fs::metadata(lab.folder.path().join("page/page.token")).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // It may ask, as its group is that of operators.
    assert!(lab.as_nobody("status").wait().unwrap().success());
    Lab::send(2101, 5);
    Lab::send(9, 7);
    // Killed in flight: what was counted since the last record is found in the kernel.
    lab.end("KILL");
    thread::sleep(Duration::from_secs(2));
    lab.start();
    thread::sleep(Duration::from_millis(200));
    Lab::send(2101, 2);
    lab.release();
    Lab::send(9, 11);
    Lab::send(7, 4);
    lab.end("TERM");
    let folder = lab.folder.path().join("proof");
    let output = Command::new(env!("CARGO_BIN_EXE_creance-guard"))
        .args(["proof", "--flight", "1", "-c"])
        .arg(lab.config())
        .arg("-o")
        .arg(&folder)
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words}{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&fs::read(folder.join("statement.json")).unwrap()).unwrap();
    let ledger = fs::read_to_string(lab.folder.path().join("state/ledger.jsonl")).unwrap();
    let during = &said["during"];
    assert_eq!(during["counters"]["gone"], json!([7, 266]), "{said:#}");
    assert_eq!(during["counters"]["cut"], json!([7, 266]), "{said:#}");
    assert_eq!(during["gone"], json!([["10.78.0.2", "203.0.113.2", "udp", 2101, 2, 76]]), "{said:#}");
    assert_eq!(during["gone_unnamed"], json!([5, 190]), "{said:#}");
    assert_eq!(said["before"]["gone"], json!([["10.78.0.2", "203.0.113.2", "udp", 9, 3, 114]]), "{said:#}");
    assert_eq!(said["after"]["gone"], json!([["10.78.0.2", "203.0.113.2", "udp", 9, 11, 418]]), "{ledger}");
    assert_eq!((&said["cuts"][0]["why"], &said["gaps"][0]["in_order"]), (&json!("user 0"), &json!(false)));
    assert!(ledger.contains("a hall without a sky") && ledger.contains("\"action\":\"duty\""));
    let gap = &said["gaps"][0];
    let [from, to] = ["from", "to"].map(|end| Timestamp::parse(gap[end].as_str().unwrap()).unwrap());
    assert!(to.since(from) > 1_900_000_000 && ledger.contains("\"action\":\"left\""), "{gap}");
    assert!(words.contains("76 bytes (exception: corrections)"), "{words}");
    let public = SigningKey::pem(&[7; 32]);
    let public = SigningKey::read(&public).unwrap().public();
    let check = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/proof/check_flight.py");
    let checked = |extra: &[&str]| {
        let output = Command::new(&python).arg("-B").arg(check).arg(&folder).args(extra).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (holds, told) = checked(&["--public", public.hex()]);
    assert!(holds && told.contains("7 packets, 266 bytes left"), "{told}");
    assert!(!checked(&["--public", &"0".repeat(64)]).0);
    let script = "
import check_flight, pathlib, sys
names = ['statement.json', 'ledger.jsonl', 'signature.json']
files, passed = [pathlib.Path(sys.argv[1], name).read_bytes() for name in names], []
check_flight.check(*files, None)
for which, name in enumerate(names):
    for at in range(0, len(files[which]), 1 if which == 2 else 5):
        other = list(files)
        other[which] = files[which][:at] + bytes([files[which][at] ^ 1]) + files[which][at + 1:]
        try: check_flight.check(*other, None)
        except Exception: continue
        passed.append(f'{name} {at}')
print(passed)";
    assert_eq!(asked(&python, script, &[&folder]), "[]");
}
