//! The resolver of the real guard in namespaces, asked by `dig`, with `dnsmasq` outside. Needs root.
//!
//! ```text
//! client ─lan0─ gateway ─wan0─ outside: dnsmasq (203.0.113.2), and whoever listens at 8.8.8.8 and 9.9.9.9
//! other  ─lan1─
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test that sends, and that says when it is skipped"
)]

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::sched::{CloneFlags, setns};

const POLICY: &str = r#"
@id("ours") permit (principal, action, resource in Domain::"ours.example")
when { context has flight && context.flight == Flight::"ground" };
@id("by-country") permit (principal, action, resource in Domain::"country.example")
when { context has flight && context.flight == Flight::"ground" && resource has country && resource.country == Country::"US" };
@id("tracker") forbid (principal, action, resource in Domain::"tracker.example");
"#;

/// What dnsmasq outside answers. A record of type 65 with `ech` and `ipv4hint` is written as it stands on the wire.
const NAMES: &[&str] = &[
    "--address=/www.ours.example/8.8.8.8",
    "--address=/inward.ours.example/10.0.0.5",
    "--address=/data.ours.example/8.8.8.8",
    "--address=/theirs.example/9.9.9.9",
    "--address=/country.example/128.103.1.1",
    "--address=/country.example/202.108.22.5",
    "--host-record=a.tracker.example,8.8.8.8",
    "--cname=cloaked.ours.example,a.tracker.example",
    "--dns-rr=www.ours.example,65,00010000010003026833000400040808080800050004DEADBEEF",
];

const TOOLS: [&str; 6] = ["nft", "conntrack", "ip", "tc", "dig", "dnsmasq"];

#[test]
fn a_client_reaches_what_it_was_given_by_a_permitted_name_and_nothing_else() {
    let there = |program: &&str| {
        Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap().status.success()
    };
    if !nix::unistd::geteuid().is_root() || !TOOLS.iter().all(there) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "needs root and {TOOLS:?}");
        eprintln!("skipped: needs root and {TOOLS:?}");
        return;
    }
    let lab = Lab::new();
    // Nothing is known: it is cut, and no question leaves.
    assert_eq!(Lab::dig("client", &["www.ours.example"]).0, "REFUSED");
    // What a device asks to know whether it is on the internet is answered here.
    assert_eq!(
        Lab::dig("client", &["connectivitycheck.gstatic.com"]),
        ("NOERROR".into(), "10.77.0.1".into())
    );
    assert_eq!(Lab::fetched("www.google.com/generate_204"), "HTTP/1.1 204 No Content");
    assert_eq!(Lab::fetched("captive.apple.com/hotspot-detect.html"), "HTTP/1.1 200 OK");
    assert_eq!(Lab::fetched("www.google.com/"), "HTTP/1.1 404 Not Found");
    let names = &lab.status()["names"];
    assert_eq!((&names["led_here"], &names["probes"]), (&1.into(), &2.into()));
    assert_eq!(lab.questions(), 0);
    assert!(!Lab::reaches("client", "8.8.8.8:443"));

    lab.release();
    // Nobody asked for it yet.
    assert!(!Lab::reaches("client", "8.8.8.8:443"));
    assert_eq!(Lab::dig("client", &["www.ours.example"]), ("NOERROR".into(), "8.8.8.8".into()));
    assert!(Lab::reaches("client", "8.8.8.8:443"));
    assert!(!Lab::reaches("client", "8.8.8.8:22"), "a port that is not configured");
    assert!(!Lab::reaches("other", "8.8.8.8:443"), "another client did not ask");
    assert!(!Lab::reaches("client", "9.9.9.9:443"), "a hard-coded address");
    assert_eq!(Lab::dig("client", &["+tcp", "WWW.ours.example"]), ("NOERROR".into(), "8.8.8.8".into()));
    assert_eq!(Lab::dig("other", &["www.ours.example"]).1, "8.8.8.8");
    assert!(Lab::reaches("other", "8.8.8.8:443"));
    let before = lab.questions();
    assert!(before <= 2, "{before} questions for one name");

    // Not permitted: not asked for. What may be is judged by what comes.
    assert_eq!(Lab::dig("client", &["theirs.example"]).0, "REFUSED");
    assert_eq!(Lab::dig("client", &["www.ours.example", "TXT"]).0, "REFUSED");
    assert_eq!(Lab::dig("client", &["www.ours.example", "ANY"]).0, "REFUSED");
    assert_eq!(Lab::dig("client", &["use-application-dns.net"]).0, "NXDOMAIN");
    assert_eq!(Lab::dig("client", &["mask.icloud.com"]).0, "NXDOMAIN");
    assert_eq!(Lab::dig("client", &["dns.google"]).0, "NXDOMAIN");
    assert_eq!(lab.questions(), before);
    assert_eq!(Lab::dig("client", &["country.example"]), ("NOERROR".into(), "128.103.1.1".into()));
    assert_eq!(Lab::dig("client", &["cloaked.ours.example"]).0, "REFUSED");
    assert_eq!(Lab::dig("client", &["inward.ours.example"]), ("NOERROR".into(), String::new()));
    let (status, service) = Lab::dig("client", &["www.ours.example", "TYPE65"]);
    assert_eq!(
        (status.as_str(), service.as_str()),
        ("NOERROR", "1 . alpn=\"h3\""),
        "without ech, without hints"
    );

    // Data in names, of which each is permitted.
    let before = lab.questions();
    let names: Vec<String> = (0..60_u64)
        .map(|at| {
            let stirred = |salt: u64| (at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ salt);
            format!("{:016x}{:016x}{:016x}.data.ours.example", stirred(1), stirred(2), stirred(3))
        })
        .collect();
    let refused = names.iter().filter(|name| Lab::dig("client", &[name.as_str()]).0 == "REFUSED").count();
    let carried = lab.questions() - before;
    assert!(
        (5..30).contains(&carried) && refused + carried == names.len(),
        "{carried} carried, {refused} refused"
    );
    assert_eq!(lab.status()["names"]["tunnelled"], refused);

    // A connection that is under way ends with the cut, and nothing is asked any more.
    let mut upload = Lab::connect("client", "8.8.8.8:443").unwrap();
    upload.write_all(b"before").unwrap();
    assert!(wait(|| lab.heard().contains("before")), "an upload that is permitted does not arrive");
    let before = lab.questions();
    lab.guard(&["operator", "fly", "--reason", "test"]);
    let _ = upload.write_all(b"after the cut");
    assert_eq!(Lab::dig("client", &["www.ours.example"]).0, "REFUSED");
    assert_eq!(Lab::dig("client", &["fresh.ours.example"]).0, "REFUSED");
    assert!(!Lab::reaches("client", "8.8.8.8:443"));
    thread::sleep(Duration::from_millis(500));
    assert_eq!((lab.questions(), lab.heard().contains("after")), (before, false));

    // After it, what was given before counts no more.
    lab.guard(&["operator", "land", "--reason", "test"]);
    lab.release();
    assert!(!Lab::reaches("other", "8.8.8.8:443"));
    assert_eq!(Lab::dig("other", &["www.ours.example"]).1, "8.8.8.8");
    assert!(Lab::reaches("other", "8.8.8.8:443"));
    // The client whose names carried data does penance.
    assert_eq!(Lab::dig("client", &["www.ours.example"]).0, "REFUSED");
    let status = lab.status();
    assert_eq!(
        (&status["alarms"], &status["enforcing"], &status["open"]),
        (&0.into(), &true.into(), &false.into())
    );

    // The engine stopped: what stands in the kernel for minutes counts for no longer than it renews.
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(lab.guard.id().try_into().unwrap()),
        nix::sys::signal::Signal::SIGSTOP,
    )
    .unwrap();
    thread::sleep(Duration::from_millis(1500));
    assert!(!Lab::reaches("other", "8.8.8.8:443"), "a stopped engine lets through");
}

struct Lab {
    folder: tempfile::TempDir,
    guard: Child,
    dnsmasq: Child,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for side in ["client", "other", "gateway", "outside"] {
            run(&["ip", "netns", "add", &name(side)]);
            inside(side, &["ip", "link", "set", "lo", "up"]);
        }
        for (side, link, own, theirs) in [
            ("client", "lan0", "10.77.0.2/24", "10.77.0.1/24"),
            ("other", "lan1", "10.78.0.2/24", "10.78.0.1/24"),
            ("outside", "wan0", "203.0.113.2/24", "203.0.113.1/24"),
        ] {
            run(&[
                "ip",
                "link",
                "add",
                link,
                "netns",
                &name("gateway"),
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                &name(side),
            ]);
            for (side, link, address) in [(side, "eth0", own), ("gateway", link, theirs)] {
                inside(side, &["ip", "addr", "add", address, "dev", link]);
                inside(side, &["ip", "link", "set", link, "up"]);
            }
            let via = theirs.split('/').next().unwrap();
            inside(side, &["ip", "route", "add", "default", "via", via]);
        }
        for address in ["8.8.8.8/32", "9.9.9.9/32"] {
            inside("outside", &["ip", "addr", "add", address, "dev", "lo"]);
        }
        inside("gateway", &["ip", "route", "add", "default", "via", "203.0.113.2"]);
        inside("gateway", &["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
        let at = folder.path().display();
        fs::write(folder.path().join("own.cedar"), POLICY).unwrap();
        fs::write(
            folder.path().join("guard.toml"),
            format!(
                "lan = ['lan0', 'lan1']\nwan = ['wan0']\ndead_man_ms = 1000\nstate = '{at}/state'\nrun = '{at}/run'\n\
                 policy = '{at}/own.cedar'\n\
                 [resolver]\nlisten = ['10.77.0.1', '10.78.0.1']\nupstream = ['203.0.113.2']\ncaptive = true\n"
            ),
        )
        .unwrap();
        let dnsmasq = Command::new("ip")
            .args([
                "netns",
                "exec",
                &name("outside"),
                "dnsmasq",
                "--keep-in-foreground",
                "--no-resolv",
                "--no-hosts",
            ])
            .args(["--conf-file=/dev/null", "--log-queries", "--user=root", "--pid-file="])
            .arg(format!("--log-facility={at}/dnsmasq.log"))
            .args(NAMES)
            .spawn()
            .unwrap();
        let heard = folder.path().join("heard");
        File::create(&heard).unwrap();
        listen("8.8.8.8:443", heard.clone());
        listen("9.9.9.9:443", heard.clone());
        listen("8.8.8.8:22", heard);
        let guard = Command::new("ip")
            .args(["netns", "exec", &name("gateway"), env!("CARGO_BIN_EXE_creance-guard"), "run", "--config"])
            .arg(folder.path().join("guard.toml"))
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let lab = Self { folder, guard, dnsmasq };
        let log = || fs::read_to_string(lab.folder.path().join("log")).unwrap();
        assert!(wait(|| lab.guard(&["status"]).starts_with("enforcing")), "{}", log());
        lab
    }

    /// What the guard's own command says.
    fn guard(&self, order: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_creance-guard"));
        command.arg(order[0]).arg("--config").arg(self.folder.path().join("guard.toml"));
        let output = command.args(&order[1..]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.guard(&["status", "--json"])).unwrap()
    }

    fn release(&self) {
        let said = self.guard(&["operator", "release", "--reason", "test"]);
        let code = said.trim().rsplit(' ').next().unwrap().to_owned();
        self.guard(&["operator", "confirm", &code]);
        assert!(wait(|| self.status()["by_name"] == true), "{}", self.status());
    }

    /// The status of an answer, and what was answered.
    fn dig(side: &str, question: &[&str]) -> (String, String) {
        let server = if side == "other" { "@10.78.0.1" } else { "@10.77.0.1" };
        let output = Command::new("ip")
            .args(["netns", "exec", &name(side), "dig", "+tries=1", "+time=8", server])
            .args(question)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let status = text.split("status: ").nth(1).and_then(|rest| rest.split(',').next());
        let answer = text.split(";; ANSWER SECTION:\n").nth(1).unwrap_or_default();
        let answer = answer
            .lines()
            .take_while(|line| !line.is_empty())
            .map(|line| line.split_whitespace().skip(4).collect::<Vec<_>>().join(" "));
        let answer: Vec<String> = answer.collect();
        (status.unwrap_or(&text).to_owned(), answer.join(", "))
    }

    /// Questions that arrived outside, as dnsmasq writes them down.
    fn questions(&self) -> usize {
        let log = fs::read_to_string(self.folder.path().join("dnsmasq.log")).unwrap_or_default();
        log.matches(": query[").count()
    }

    fn connect(side: &str, to: &str) -> Option<TcpStream> {
        let to: SocketAddr = to.parse().unwrap();
        within(side, move || TcpStream::connect_timeout(&to, Duration::from_millis(700)).ok())
    }

    /// The first line of what a client is answered at port 80 of the gateway.
    fn fetched(what: &str) -> String {
        let (host, path) = what.split_once('/').unwrap();
        let mut stream = Self::connect("client", "10.77.0.1:80").unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        said.lines().next().unwrap_or_default().to_owned()
    }

    fn reaches(side: &str, to: &str) -> bool {
        Self::connect(side, to).is_some()
    }

    fn heard(&self) -> String {
        fs::read_to_string(self.folder.path().join("heard")).unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for child in [&mut self.guard, &mut self.dnsmasq] {
            let _ = child.kill();
            let _ = child.wait();
        }
        for side in ["client", "other", "gateway", "outside"] {
            let _ = Command::new("ip").args(["netns", "del", &name(side)]).output();
        }
    }
}

/// Takes connections outside, and writes down what comes.
fn listen(at: &'static str, into: PathBuf) {
    let listener = within("outside", move || TcpListener::bind(at).unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let into = into.clone();
            thread::spawn(move || {
                let mut buffer = [0; 64];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    fs::OpenOptions::new()
                        .append(true)
                        .open(&into)
                        .unwrap()
                        .write_all(&buffer[..length])
                        .unwrap();
                }
            });
        }
    });
}

fn name(side: &str) -> String {
    format!("names-{}-{side}", std::process::id())
}

fn run(order: &[&str]) {
    let output = Command::new(order[0]).args(&order[1..]).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{order:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn inside(side: &str, order: &[&str]) {
    run(&[&["ip", "netns", "exec", &name(side)], order].concat());
}

/// Does something in a namespace; sockets that were made there stay there.
fn within<T: Send + 'static>(side: &str, act: impl FnOnce() -> T + Send + 'static) -> T {
    let path = format!("/run/netns/{}", name(side));
    let done = thread::spawn(move || {
        setns(File::open(path).unwrap(), CloneFlags::CLONE_NEWNET).unwrap();
        act()
    });
    done.join().unwrap()
}

/// Waits up to ten seconds.
fn wait(mut there: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !there() {
        if began.elapsed() > Duration::from_secs(10) {
            return false;
        }
        thread::sleep(Duration::from_millis(30));
    }
    true
}
