//! Sources of evidence, with a guard that runs in a namespace: a file, a line, what is overheard. Needs root. What says
//! there that it is a radio is none: frames are written into it.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test, and one that may be skipped says so"
)]

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use creance_guard::{Order, ask};
use data_encoding::HEXLOWER;
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
        let guard = begin(folder.path(), &gateway);
        let lab = Self { folder, name, guard };
        lab.answers();
        lab
    }

    fn answers(&self) {
        let log = || fs::read_to_string(self.path("log")).unwrap_or_default();
        assert!(within(20, || self.status().is_some()), "no engine answers: {}", log());
    }

    /// Kills the engine, and starts another.
    fn again(&mut self) {
        self.guard.kill().unwrap();
        self.guard.wait().unwrap();
        self.guard = begin(self.folder.path(), &netns(self.name, "gateway"));
        self.answers();
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

/// A guard in a namespace.
fn begin(folder: &Path, gateway: &str) -> Child {
    Command::new("ip")
        .args(["netns", "exec", gateway, env!("CARGO_BIN_EXE_creance-guard"), "run", "-c"])
        .arg(folder.join("guard.toml"))
        .stderr(fs::File::create(folder.join("log")).unwrap())
        .spawn()
        .unwrap()
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

#[test]
fn what_vouches_and_falls_silent_takes_a_release_back() {
    if !able() {
        return;
    }
    let lab = Lab::new(
        "silent",
        "[[evidence]]\nname = 'tower'\nfile = '{}/tower'\nfresh_s = 2\n\
         [[evidence]]\nname = 'switch'\nline = '{}/value'\n\
         [[aircraft]]\nname = 'skylark'\nsystem = 1\naddress = '10.79.0.2'\n",
    );
    let mut wire = Sender::new(&netns("silent", "client"), WIRE);
    let mut say = |aircraft: bool| {
        fs::write(lab.path("tower"), "grounded\n").unwrap();
        if aircraft {
            wire.send(&datagram(&creance_guard::evidence::telemetry(1, false)));
        }
    };
    let is_open = || lab.status().unwrap()["open"] == true;
    let closes = |why: &str| {
        assert!(within(12, || !is_open()), "{why}: {:#}", lab.status().unwrap());
        let status = lab.status().unwrap();
        assert!(status["last_alarm"].as_str().unwrap().starts_with(why), "{why}: {status:#}");
    };
    fs::write(lab.path("value"), "0\n").unwrap();
    say(true);
    assert!(within(3, || lab.says("switch").is_some() && lab.says("skylark").is_some()));
    release(&lab);
    // While all go on it stays open, also through a word that is half written.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(7) {
        say(true);
        thread::sleep(Duration::from_millis(300));
        assert!(is_open(), "{:#}", lab.status().unwrap());
    }
    // The line is torn off.
    fs::remove_file(lab.path("value")).unwrap();
    assert!(!within(12, || {
        say(true);
        is_open() && lab.status().unwrap()["last_alarm"].as_str().is_some()
    }));
    closes("switch (line) says nothing: No such file");
    // The aircraft is heard no more.
    release(&lab);
    assert!(!within(8, || {
        say(false);
        is_open()
            && lab.status().unwrap()["last_alarm"].as_str().is_some_and(|why| why.starts_with("skylark"))
    }));
    closes("skylark is not heard any more");
    // Nobody writes the file.
    release(&lab);
    closes("tower (file) says nothing: it is old, and says grounded");
}

/// A disk of which nobody ever answers for what is on it.
const HUNG: &str = "
import ctypes, os, sys
fuse = os.open('/dev/fuse', os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
options = f'fd={fuse},rootmode=40000,user_id=0,group_id=0'.encode()
if libc.mount(b'hung', sys.argv[1].encode(), b'fuse', ctypes.c_ulong(0), options): sys.exit(os.strerror(ctypes.get_errno()))
print('there', flush=True)
sys.stdin.read()
";

struct Hung(Child, PathBuf);

impl Drop for Hung {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let _ = Command::new("umount").arg("-l").arg(&self.1).status();
    }
}

#[test]
fn a_file_on_a_disk_that_hangs_holds_up_nobody_else() {
    if !able() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut python = Command::new("python3");
    python.args(["-c", HUNG]).arg(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut hung = Hung(python.spawn().unwrap(), folder.path().to_owned());
    let mut there = [0; 5];
    if std::io::Read::read_exact(hung.0.stdout.as_mut().unwrap(), &mut there).is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "needs /dev/fuse");
        eprintln!("skipped: needs /dev/fuse, for a disk that hangs");
        return;
    }
    let lab = Lab::new(
        "hung",
        &format!(
            "[[evidence]]\nname = 'tower'\nfile = '{}/tower'\n\
             [[evidence]]\nname = 'switch'\nline = '{{}}/value'\n",
            folder.path().display()
        ),
    );
    fs::write(lab.path("value"), "0\n").unwrap();
    assert!(within(3, || lab.says("switch").as_deref() == Some("grounded")), "{:?}", lab.status());
    assert_eq!(lab.says("tower"), None);
    fs::write(lab.path("value"), "1\n").unwrap();
    assert!(within(1, || lab.state() == "airborne"));
    drop(lab);
}

/// Sends one frame over and over.
const FLOOD: &str = "
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(('eth0', 0))
frame = bytes.fromhex(sys.stdin.readline())
for _ in range(300000):
    try: wire.send(frame)
    except OSError: pass
";

#[test]
fn a_flood_in_which_a_flight_may_be_lost_closes() {
    if !able() {
        return;
    }
    let lab = Lab::new("flood", "[hear]\nports = []\n");
    release(&lab);
    let mut flood = Sender::new(&netns("flood", "client"), FLOOD);
    flood.send(&datagram(&creance_guard::evidence::telemetry(7, false).repeat(26)));
    assert!(within(5, || lab.status().unwrap()["open"] == false), "{:#}", lab.status().unwrap());
    drop(flood);
    let status = lab.status().unwrap();
    assert!(lab.says("lan0").is_some_and(|says| says.ends_with(" were lost unheard")), "{status:#}");
    assert_eq!((&status["state"], &status["alarms"]), (&"unknown".into(), &1.into()), "{status:#}");
    assert_eq!(status["last_alarm"], "lan0 (telemetry of clients): there is too much to hear all of it");
    // It is over, and an operator may release.
    thread::sleep(Duration::from_secs(1));
    release(&lab);
}

#[test]
fn a_burst_of_which_some_is_lost_between_two_looks_closes() {
    if !able() {
        return;
    }
    let lab = Lab::new("burst", "[hear]\nports = []\n");
    // Short enough to be over before the engine looks; what was lost is told all the same.
    let burst = FLOOD.replace("range(300000)", "range(3000)");
    for alarms in 1..4 {
        release(&lab);
        let mut wire = Sender::new(&netns("burst", "client"), &burst);
        wire.send(&datagram(&creance_guard::evidence::telemetry(7, false)));
        assert!(within(5, || lab.status().unwrap()["open"] == false), "{:#}", lab.status().unwrap());
        drop(wire);
        assert_eq!(lab.status().unwrap()["alarms"], alarms, "{:#}", lab.status().unwrap());
        thread::sleep(Duration::from_secs(1));
    }
}

#[test]
fn in_the_noise_of_one_sender_another_is_heard() {
    if !able() {
        return;
    }
    let lab = Lab::new(
        "noise",
        "[hear]\nports = []\n[[aircraft]]\nname = 'skylark'\nsystem = 1\naddress = '10.79.0.2'\n",
    );
    let client = netns("noise", "client");
    let mut flood = Sender::new(&client, FLOOD);
    // Another says over and over that it stands, in datagrams that are full of it.
    let mut noise = datagram(&creance_guard::evidence::telemetry(7, false).repeat(26));
    noise[29] = 66;
    flood.send(&noise);
    let heard = || lab.status().unwrap()["heard"].as_u64().unwrap();
    assert!(within(10, || heard() > 200), "{:#}", lab.status().unwrap());
    let mut wire = Sender::new(&client, WIRE);
    let armed = datagram(&creance_guard::evidence::telemetry(1, true));
    assert!(
        within(5, || {
            wire.send(&armed);
            lab.says("skylark").is_some_and(|says| says == "armed")
        }),
        "{:#}",
        lab.status().unwrap()
    );
    assert!(flood.0.try_wait().unwrap().is_none(), "the noise went on meanwhile");
    assert_eq!(lab.state(), "airborne");
    // What was lost opens nothing, and neither does the silence after it.
    drop(flood);
    assert!(within(10, || lab.state() == "stale"), "{:#}", lab.status().unwrap());
    assert_eq!(lab.status().unwrap()["open"], false);
}

#[test]
fn what_is_known_of_signatures_outlives_a_restart() {
    if !able() {
        return;
    }
    let mut lab = Lab::new("signed", "[[aircraft]]\nname = 'skylark'\nsystem = 1\naddress = '10.79.0.2'\n");
    let mut wire = Sender::new(&netns("signed", "client"), WIRE);
    // A heartbeat of MAVLink 2 of an aircraft that stands by, with a signature; by which key nobody here knows.
    let digits = b"fd090100000101000000000000000203510303056a07070707070707070707070707";
    let signed = datagram(&HEXLOWER.decode(digits).unwrap());
    let unsigned = datagram(&creance_guard::evidence::telemetry(1, false));
    let row = |lab: &Lab| lab.status().unwrap()["sources"][0].clone();
    wire.send(&unsigned);
    assert!(within(3, || row(&lab)["kind"] == "mavlink, not signed"), "{:#}", row(&lab));
    wire.send(&signed);
    assert!(
        within(3, || row(&lab)["kind"] == "mavlink, signed, by which key is not known"),
        "{:#}",
        row(&lab)
    );
    assert!(within(3, || lab.path("state/signatures.json").is_file()));
    lab.again();
    assert_eq!(row(&lab)["refused"], 0);
    wire.send(&unsigned);
    assert!(within(3, || row(&lab)["refused"].as_u64() > Some(0)), "{:#}", row(&lab));
    assert_eq!((&row(&lab)["heard"], &row(&lab)["says"]), (&0.into(), &Value::Null));
}

#[test]
fn doctor_says_which_source_says_nothing_and_who_may_write_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display().to_string();
    let config = "lan = ['none0']\nwan = ['none1']\nstate = '{}/state'\nrun = '{}/run'\n\
        [hear]\nmonitor = ['none2']\n\
        [[aircraft]]\nname = 'skylark'\nsystem = 1\naddress = '10.0.0.1'\nsigning_key = '{}/key'\n\
        [[evidence]]\nname = 'gone'\nfile = '{}/gone'\n\
        [[evidence]]\nname = 'good'\nline = '{}/good'\n\
        [[evidence]]\nname = 'odd'\nline = '{}/odd'\n";
    fs::write(folder.path().join("guard.toml"), config.replace("{}", &at)).unwrap();
    for (name, mode) in [("good", 0o644), ("odd", 0o666)] {
        let path = folder.path().join(name);
        fs::write(&path, "0\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_creance-guard"))
        .args(["doctor", "--json", "-c"])
        .arg(folder.path().join("guard.toml"))
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = |what: &str| -> Vec<(String, String)> {
        let rows = document["rows"].as_array().unwrap().iter().filter(|row| row["what"] == what);
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().replace(&at, "");
        rows.map(|row| (text(row, "how"), text(row, "says"))).collect()
    };
    let [gone, good, odd] = said("evidence").try_into().unwrap();
    assert!(gone.0 == "look" && gone.1.starts_with("gone says nothing: No such file"), "{gone:?}");
    assert_eq!(good, ("good".to_owned(), "good: grounded".to_owned()));
    assert_eq!(odd, ("look".to_owned(), "odd: others may write /odd or its folder".to_owned()));
    let [key] = said("signing key").try_into().unwrap();
    assert!(key.0 == "bad" && key.1.starts_with("skylark: `signing_key` /key: No such file"), "{key:?}");
    let [monitor] = said("monitor").try_into().unwrap();
    assert!(monitor.1.starts_with("none2: No such file"), "{monitor:?}");
}

/// An interface that says it is a radio in monitor mode: what is written to its standard input as a line of base 16 comes in there.
const RADIO: &str = "
import fcntl, os, struct, subprocess, sys
tap = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(tap, 0x400454ca, struct.pack('16sH22x', b'mon0', 0x1002))
fcntl.ioctl(tap, 0x400454cd, 803)
subprocess.run(['ip', 'link', 'set', 'mon0', 'up'], check=True)
for line in sys.stdin: os.write(tap, bytes.fromhex(line))
";

/// Sends each line of base 16 as a frame.
const WIRE: &str = "
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(('eth0', 0))
for line in sys.stdin: wire.send(bytes.fromhex(line))
";

/// A program that takes frames, in a namespace.
struct Sender(Child);

impl Sender {
    fn new(netns: &str, script: &str) -> Self {
        let child = Command::new("ip")
            .args(["netns", "exec", netns, "python3", "-c", script])
            .stdin(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }

    fn send(&mut self, frame: &[u8]) {
        let line = HEXLOWER.encode(frame);
        let pipe = self.0.stdin.as_mut().unwrap();
        writeln!(pipe, "{line}").unwrap();
        pipe.flush().unwrap();
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn release(lab: &Lab) {
    // What was said has gone silent.
    assert!(within(10, || lab.state() != "airborne"), "{:?}", lab.status());
    let asked = ask(&lab.path("run"), &Order::Release { reason: "test".to_owned() }).unwrap();
    assert!(ask(&lab.path("run"), &Order::Confirm { code: asked.code.unwrap() }).unwrap().taken);
    assert!(within(2, || lab.status().unwrap()["open"] == true), "{:?}", lab.status());
}

/// A beacon behind a header of the radio, with a pack of Open Drone ID: a serial, and a status.
fn beacon(serial: &str, status: u8) -> Vec<u8> {
    let mut frame = vec![0, 0, 8, 0, 0, 0, 0, 0, 0x80, 0, 0, 0];
    frame.extend([[0xff; 6], [2; 6], [3; 6]].concat());
    frame.extend([0; 14]);
    frame.extend([0xdd, 58, 0xfa, 0x0b, 0xbc, 0x0d, 7, 0xf2, 25, 2, 0x02, 0x12]);
    frame.extend(serial.bytes());
    frame.extend([0; 3]);
    frame.extend([0x12, status << 4, 181, 255, 126]);
    frame.extend([0; 20]);
    frame
}

/// A datagram of the client.
fn datagram(payload: &[u8]) -> Vec<u8> {
    let length = |more: usize| u16::try_from(payload.len() + more).unwrap().to_be_bytes();
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 7, 8, 0, 0x45, 0]);
    frame.extend(length(28));
    frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 79, 0, 2, 203, 0, 113, 9, 0x38, 0xd6, 0x38, 0xd6]);
    frame.extend(length(8));
    frame.extend([0, 0]);
    [frame, payload.to_vec()].concat()
}

/// A segment of a connection of the client, to a broker or a ground station behind the gateway.
fn segment(port: u16, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 40).unwrap();
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 7, 8, 0, 0x45, 0]);
    frame.extend(length.to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 79, 0, 2, 203, 0, 113, 9]);
    frame.extend([40_000_u16.to_be_bytes(), port.to_be_bytes()].concat());
    frame.extend(sequence.to_be_bytes());
    frame.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend(payload);
    frame
}

fn has_radio() -> bool {
    let has = Path::new("/dev/net/tun").exists();
    assert!(has || std::env::var("CI").as_deref() != Ok("true"), "needs /dev/net/tun");
    if !has {
        eprintln!("skipped: needs /dev/net/tun, for something that says it is a radio");
    }
    has
}

#[test]
fn a_radio_that_is_down_hears_nothing() {
    if !able() || !has_radio() {
        return;
    }
    let lab = Lab::new("down", "[hear]\nports = []\nmonitor = ['mon0', 'mon9']\n");
    let gateway = netns("down", "gateway");
    let _radio = Sender::new(&gateway, RADIO);
    assert!(within(5, || lab.says("mon0").is_some_and(|says| says.starts_with("hears; "))));
    // One that never was there is missed as well.
    assert!(within(9, || lab.status().unwrap()["alarms"] == 1), "{:#}", lab.status().unwrap());
    let alarm = lab.status().unwrap()["last_alarm"].as_str().unwrap().to_owned();
    assert!(alarm.starts_with("mon9 (monitor) hears nothing: No such"), "{alarm}");
    release(&lab);
    let set = |how: &str| {
        let ip = Command::new("ip").args(["-n", &gateway, "link", "set", "mon0", how]).status();
        assert!(ip.unwrap().success());
    };
    set("down");
    assert!(within(4, || lab.status().unwrap()["open"] == false), "{:#}", lab.status().unwrap());
    let status = lab.status().unwrap();
    assert_eq!(status["last_alarm"], "mon0 (monitor) hears nothing: it is down");
    set("up");
    assert!(within(4, || lab.says("mon0").is_some_and(|says| says.starts_with("hears; "))));
    assert_eq!(lab.status().unwrap()["open"], false);
}

#[test]
fn what_is_overheard_cuts_and_a_radio_that_is_lost_closes() {
    if !able() {
        return;
    }
    if !has_radio() {
        return;
    }
    let own = "1581F5BKD225D00BP891";
    let lab = Lab::new("heard", &format!("[hear]\nmonitor = ['mon0']\nonly = ['{own}']\n"));
    let (gateway, client) = (netns("heard", "gateway"), netns("heard", "client"));
    assert!(within(3, || lab.says("mon0").is_some_and(|says| says.starts_with("hears nothing: No such"))));
    let mut radio = Sender::new(&gateway, RADIO);
    assert!(
        within(5, || lab.says("mon0").is_some_and(|says| says.starts_with("hears; "))),
        "{:?}",
        lab.says("mon0")
    );
    release(&lab);
    // Another's flight, and its own on the ground, are none of ours.
    radio.send(&beacon("1581F000000000000000", 2));
    radio.send(&beacon(own, 1));
    thread::sleep(Duration::from_millis(500));
    assert_eq!(lab.state(), "released");
    radio.send(&beacon(own, 2));
    assert!(within(1, || lab.state() == "airborne"));
    let cut = lab.status().unwrap()["last_cut"].clone();
    assert!(cut["why"].as_str().unwrap().ends_with("(remote-id)"), "{cut}");
    assert!(cut["us_to_routes"].as_u64().unwrap() < 1_000_000, "{cut}");
    // The Cloud API over MQTT in clear, in pieces.
    release(&lab);
    let topic = format!("thing/product/{own}/osd");
    let osd = r#"{"gateway":"g","data":{"mode_code":4,"elevation":0.1,"attitude_head":1}}"#;
    let text = |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
    let connect = [&[0x10, 17][..], &text("MQTT"), &[4, 2, 0, 60], &text("pilot")].concat();
    let publish = [text(&topic), osd.as_bytes().to_vec()].concat();
    let publish = [&[0x30, u8::try_from(publish.len()).unwrap()][..], &publish].concat();
    let stream = [connect, publish].concat();
    let mut wire = Sender::new(&client, WIRE);
    let send = |wire: &mut Sender, port: u16, bytes: &[u8]| {
        wire.send(&segment(port, 0, 2, &[]));
        for (piece, at) in bytes.chunks(60).zip((1..).step_by(60)) {
            wire.send(&segment(port, at, 0x18, piece));
        }
    };
    send(&mut wire, 1883, &stream);
    assert!(within(2, || lab.state() == "airborne"), "{:?}", lab.status());
    let why = lab.status().unwrap()["last_cut"]["why"].clone();
    assert!(why.as_str().unwrap().ends_with(" at 10.79.0.2 (cloud API, mqtt)"), "{why}");
    // MAVLink over TCP.
    release(&lab);
    send(&mut wire, 5760, &creance_guard::evidence::telemetry(7, true));
    assert!(within(2, || lab.state() == "airborne"), "{:?}", lab.status());
    let why = lab.status().unwrap()["last_cut"]["why"].clone();
    assert!(why.as_str().unwrap().starts_with("a stranger (system 7 at 10.79.0.2"), "{why}");
    // The radio is pulled out.
    release(&lab);
    drop(radio);
    assert!(within(5, || lab.status().unwrap()["open"] == false));
    let status = lab.status().unwrap();
    assert!(status["last_alarm"].as_str().unwrap().starts_with("mon0 (monitor) hears nothing"), "{status:#}");
    // Who knows of that may release.
    release(&lab);
}
