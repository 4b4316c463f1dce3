//! The test of itself: a client, this gateway and an outside in network namespaces, and every way past that is known.
//!
//! ```text
//! client ──lan0─ gateway ─wan0── outside
//!   frames          the engine     tcpdump, which knows nothing of all this
//! ```
//!
//! First all is open, and what the ways send must be seen outside, or their silence later would prove nothing. Then it is
//! cut, and none may be seen. The namespaces have names of their own and go when it ends, however it ends.

#![expect(clippy::disallowed_types, reason = "a laboratory in namespaces sends")]

mod against;
mod cuts;
mod faults;
mod live;
mod names;
pub mod played;
mod rewrite;
mod witness;

use std::{
    fs,
    io::{self, Write},
    net::UdpSocket,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use nix::{
    sched::{CloneFlags, setns},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use pnet_datalink::{Channel, DataLinkSender};

pub use against::{Passed, against};
pub use cuts::{Cuts, cuts, percentile};
pub use faults::{Faults, Life, faults};
pub use live::{Reached, live};

use crate::{
    Order, ask,
    evidence::telemetry,
    frames::{CLIENT, CLIENT6, GATEWAY, GATEWAY6, SERVER, SERVER6, Way, ways},
};

/// What the kernel lets pass without renewal, in the laboratory.
const DEAD_MAN: Duration = Duration::from_secs(2);
/// Longer than a frame needs from one end to the other, and tcpdump to write it down.
const SETTLE: Duration = Duration::from_millis(150);

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was tried.
    pub name: String,
    /// Frames seen outside while open; none where it was not tried.
    pub open: Option<usize>,
    /// Frames seen outside while cut.
    pub cut: usize,
    /// Whether frames had to be seen while open.
    pub control: bool,
}

impl Row {
    /// Whether nothing got through, and that means something.
    pub fn holds(&self) -> bool {
        self.cut == 0 && (!self.control || self.open.is_some_and(|seen| seen > 0))
    }
}

/// Runs the guard (`program`) in laboratories, tries all ways, and gives the table.
pub fn selftest(program: &Path) -> anyhow::Result<Vec<Row>> {
    let mut rows = ways_past(program)?;
    rows.extend(names::rows(program)?);
    Ok(rows)
}

fn ways_past(program: &Path) -> anyhow::Result<Vec<Row>> {
    let mut lab = Lab::new(program)?;
    let ways = ways();
    lab.start()?;
    lab.release()?;
    let mut rows = Vec::new();
    for way in &ways {
        let seen = lab.seen_of(|lab| lab.send(std::slice::from_ref(way)))?;
        rows.push(Row { name: way.name.to_owned(), open: Some(seen), cut: 0, control: way.passes_open });
    }
    // From here on an aircraft is armed, as its own telemetry tells.
    lab.armed.store(true, Ordering::Relaxed);
    lab.wait_for("airborne")?;
    thread::sleep(SETTLE);
    for (way, row) in ways.iter().zip(&mut rows) {
        row.cut = lab.seen_of(|lab| lab.send(std::slice::from_ref(way)))?;
    }
    let mut scene = |lab: &mut Lab,
                     name: &str,
                     act: &mut dyn FnMut(&mut Lab) -> anyhow::Result<()>|
     -> anyhow::Result<()> {
        let cut = lab.seen_of(act).with_context(|| name.to_owned())?;
        rows.push(Row { name: name.to_owned(), open: None, cut, control: false });
        Ok(())
    };
    scene(&mut lab, "the outside begins", &mut |_| Lab::speak_from_outside())?;
    scene(&mut lab, "interfaces down and up", &mut |lab| {
        for _ in 0..3 {
            for name in ["lan0", "wan0"] {
                Lab::inside("gateway", &["ip", "link", "set", name, "down"])?;
                Lab::inside("gateway", &["ip", "link", "set", name, "up"])?;
            }
            lab.send(&ways)?;
        }
        Lab::addresses()
    })?;
    scene(&mut lab, "nftables emptied by another", &mut |lab| {
        Lab::inside("gateway", &["nft", "flush", "ruleset"])?;
        lab.send_for(&ways, Duration::from_secs(1))
    })?;
    lab.wait_for("airborne")?;
    scene(&mut lab, "engine starved", &mut |lab| {
        Lab::inside("gateway", &["renice", "-n", "19", "-p", &lab.pid()?.to_string()])?;
        // Twice as many as a small machine has processors, busy with nothing.
        for _ in 0..8 {
            thread::spawn(|| {
                let began = Instant::now();
                while began.elapsed() < Duration::from_secs(1) {
                    std::hint::spin_loop();
                }
            });
        }
        lab.send_for(&ways, Duration::from_secs(1))
    })?;
    scene(&mut lab, "engine stopped (SIGSTOP) while cut", &mut |lab| {
        lab.signal(Signal::SIGSTOP)?;
        lab.send_for(&ways, DEAD_MAN)?;
        lab.signal(Signal::SIGCONT)
    })?;
    scene(&mut lab, "engine killed (-9) while cut, then nftables emptied", &mut |lab| {
        lab.end(Signal::SIGKILL)?;
        lab.send_for(&ways, DEAD_MAN)?;
        Lab::inside("gateway", &["nft", "flush", "ruleset"])?;
        lab.send_for(&ways, Duration::from_secs(1))
    })?;
    scene(&mut lab, "restart in flight", &mut |lab| {
        lab.start()?;
        lab.send_for(&ways, Duration::from_secs(1))
    })?;
    for (name, signal) in [
        ("engine stopped while open, after its time", Signal::SIGSTOP),
        ("engine killed while open, after its time", Signal::SIGKILL),
    ] {
        lab.disarm();
        lab.release()?;
        lab.signal(signal)?;
        thread::sleep(DEAD_MAN + SETTLE);
        scene(&mut lab, name, &mut |lab| lab.send_for(&ways, Duration::from_secs(1)))?;
        if signal == Signal::SIGSTOP {
            lab.signal(Signal::SIGCONT)?;
        }
    }
    Ok(rows)
}

/// Three namespaces, what runs in them, and a folder.
struct Lab {
    program: PathBuf,
    folder: tempfile::TempDir,
    guard: Option<Child>,
    witness: Option<Child>,
    armed: Arc<AtomicBool>,
    sender: Option<Box<dyn DataLinkSender>>,
}

impl Lab {
    fn new(program: &Path) -> anyhow::Result<Self> {
        Self::with(program, |_| Ok(<(String, String)>::default()))
    }

    /// `more`, of the folder: what stands in the configuration besides, keys and tables.
    fn with(
        program: &Path,
        more: impl FnOnce(&Path) -> io::Result<(String, String)>,
    ) -> anyhow::Result<Self> {
        let armed = Arc::new(AtomicBool::new(false));
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        let mut lab =
            Self { program: program.to_owned(), folder, guard: None, witness: None, armed, sender: None };
        for side in ["client", "gateway", "outside"] {
            let name = name(side);
            command(&["ip", "netns", "add", &name])?;
            Lab::inside(side, &["ip", "link", "set", "lo", "up"])?;
            // Without the silence that the test for duplicates keeps, and what autoconfiguration says.
            Lab::inside(
                side,
                &[
                    "sysctl",
                    "-qw",
                    "net.ipv6.conf.default.accept_dad=0",
                    "net.ipv6.conf.default.router_solicitations=0",
                ],
            )?;
        }
        let (client, gateway, outside) = (name("client"), name("gateway"), name("outside"));
        command(&[
            "ip", "link", "add", "lan0", "netns", &gateway, "type", "veth", "peer", "name", "eth0", "netns",
            &client,
        ])?;
        command(&[
            "ip", "link", "add", "wan0", "netns", &gateway, "type", "veth", "peer", "name", "eth0", "netns",
            &outside,
        ])?;
        Lab::inside("client", &["ip", "link", "set", "eth0", "address", "02:00:00:00:00:02"])?;
        Lab::inside("gateway", &["ip", "link", "set", "lan0", "address", "02:00:00:00:00:01"])?;
        for (side, link) in
            [("client", "eth0"), ("gateway", "lan0"), ("gateway", "wan0"), ("outside", "eth0")]
        {
            Lab::inside(side, &["ip", "link", "set", link, "up"])?;
        }
        Lab::addresses()?;
        Lab::inside(
            "gateway",
            &["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"],
        )?;
        let (keys, tables) = more(lab.folder.path())?;
        let config = format!(
            "{keys}lan = ['lan0']\nwan = ['wan0']\nservices = ['dns']\ndead_man_ms = {}\nstate = '{1}/state'\nrun = '{1}/run'\n\
             [[aircraft]]\nname = 'laboratory'\nsystem = 1\naddress = '{CLIENT}'\n{tables}",
            DEAD_MAN.as_millis(),
            lab.folder.path().display()
        );
        fs::write(lab.folder.path().join("guard.toml"), config).context("cannot write the configuration")?;
        lab.witness = Some(lab.watch()?);
        lab.sender = Some(Self::raw()?);
        lab.telemetry()?;
        Ok(lab)
    }

    /// Addresses and ways, which an interface loses when it goes down.
    fn addresses() -> anyhow::Result<()> {
        let v6 = |address: std::net::Ipv6Addr| format!("{address}/64");
        let client = [format!("{CLIENT}/24"), v6(CLIENT6)];
        let outside = [format!("{SERVER}/24"), v6(SERVER6)];
        let lan = [format!("{GATEWAY}/24"), v6(GATEWAY6)];
        let wan = ["203.0.113.1/24".to_owned(), "fd99::1/64".to_owned()];
        for (side, link, addresses) in [
            ("client", "eth0", client),
            ("gateway", "lan0", lan),
            ("gateway", "wan0", wan),
            ("outside", "eth0", outside),
        ] {
            for address in &addresses {
                Self::inside(side, &["ip", "addr", "replace", address, "dev", link])?;
            }
        }
        for (side, via) in [
            ("client", ["10.77.0.1", "fd77::1"]),
            ("outside", ["203.0.113.1", "fd99::1"]),
            ("gateway", ["203.0.113.2", "fd99::2"]),
        ] {
            for gateway in via {
                Self::inside(side, &["ip", "route", "replace", "default", "via", gateway])?;
            }
        }
        Ok(())
    }

    fn inside(side: &str, order: &[&str]) -> anyhow::Result<()> {
        command(&[&["ip", "netns", "exec", &name(side)], order].concat())
    }

    /// tcpdump outside; it sees what arrives there.
    fn watch(&self) -> anyhow::Result<Child> {
        let capture = self.capture();
        let child = Command::new("ip")
            .args([
                "netns",
                "exec",
                &name("outside"),
                "tcpdump",
                "-i",
                "eth0",
                "-n",
                "-U",
                "--immediate-mode",
                "-Q",
                "in",
                "-w",
            ])
            .arg(&capture)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start tcpdump")?;
        wait("tcpdump", || fs::metadata(&capture).is_ok_and(|file| file.len() >= 24))?;
        Ok(child)
    }

    fn capture(&self) -> PathBuf {
        self.folder.path().join("outside.pcap")
    }

    /// Frames seen outside while something is done.
    fn seen_of(&mut self, mut act: impl FnMut(&mut Self) -> anyhow::Result<()>) -> anyhow::Result<usize> {
        let before = seen(&self.capture())?;
        act(self)?;
        thread::sleep(SETTLE);
        Ok(seen(&self.capture())? - before)
    }

    fn raw() -> anyhow::Result<Box<dyn DataLinkSender>> {
        within("client", || {
            let all = pnet_datalink::interfaces();
            let link = all.iter().find(|one| one.name == "eth0").context("the client has no interface")?;
            match pnet_datalink::channel(link, pnet_datalink::Config::default())? {
                Channel::Ethernet(sender, _) => Ok(sender),
                _ => bail!("the client's interface is no Ethernet"),
            }
        })
    }

    /// A thread that tells as an aircraft does, five times a second.
    fn telemetry(&self) -> anyhow::Result<()> {
        let socket = within("client", || Ok(UdpSocket::bind((CLIENT, 14_551))?))?;
        let armed = Arc::downgrade(&self.armed);
        thread::spawn(move || {
            while let Some(armed) = armed.upgrade() {
                if armed.load(Ordering::Relaxed) {
                    // While an interface is down nothing can be told.
                    let _ = socket.send_to(&telemetry(1, true), (GATEWAY, 14_550));
                }
                drop(armed);
                thread::sleep(Duration::from_millis(200));
            }
        });
        Ok(())
    }

    fn send(&mut self, ways: &[Way]) -> anyhow::Result<()> {
        let sender = self.sender.as_mut().context("no way to send")?;
        for frame in ways.iter().flat_map(|way| &way.frames) {
            // An interface that is down takes none.
            let _ = sender.send_to(frame, None);
        }
        Ok(())
    }

    fn send_for(&mut self, ways: &[Way], time: Duration) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < time {
            self.send(ways)?;
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// A server that speaks first, to the flow of a client and to what was never asked.
    fn speak_from_outside() -> anyhow::Result<()> {
        within("outside", || {
            for port in [4000, 4001] {
                let socket = UdpSocket::bind((SERVER, port))?;
                for _ in 0..5 {
                    socket.send_to(b"push", (CLIENT, 40_000))?;
                    socket.send_to(b"push", (CLIENT, 14_551))?;
                }
            }
            Ok(())
        })
    }

    fn start(&mut self) -> anyhow::Result<()> {
        let log = fs::File::create(self.folder.path().join("log"))?;
        let child = Command::new("ip")
            // As the unit in deploy/ starts it.
            .args(["netns", "exec", &name("gateway"), "nice", "-n", "-10"])
            .arg(&self.program)
            .args(["run", "--config"])
            .arg(self.folder.path().join("guard.toml"))
            .stderr(log)
            .spawn()
            .context("cannot start the guard")?;
        self.guard = Some(child);
        let run = self.run();
        wait("the guard", || ask(&run, &Order::Status).is_ok()).with_context(|| self.says())
    }

    fn run(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// Opens, by an operator's word given twice.
    fn release(&self) -> anyhow::Result<()> {
        let asked = ask(&self.run(), &Order::Release { reason: "the test of itself".to_owned() })?;
        let code = asked.says.rsplit(' ').next().unwrap_or_default().to_owned();
        let answer = ask(&self.run(), &Order::Confirm { code })?;
        if answer.taken { Ok(()) } else { bail!("the guard does not release: {}", answer.says) }
    }

    /// Silence for so long that nothing is in the air by what is known.
    fn disarm(&mut self) {
        self.armed.store(false, Ordering::Relaxed);
        if self.guard.is_none() || self.wait_for("stale").is_err() {
            let _ = self.end(Signal::SIGKILL);
            let _ = self.start();
        }
    }

    fn wait_for(&self, state: &str) -> anyhow::Result<()> {
        let run = self.run();
        wait(state, || {
            ask(&run, &Order::Status)
                .is_ok_and(|answer| answer.status["state"] == state && answer.status["enforcing"] == true)
        })
        .with_context(|| self.says())
    }

    /// What the guard says of itself, for whoever waited in vain.
    fn says(&self) -> String {
        let status = ask(&self.run(), &Order::Status).map_or_else(
            |error| format!("the guard does not answer: {error}"),
            |answer| answer.status.to_string(),
        );
        status + "\n" + &fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn wait_by_name(&self) -> anyhow::Result<()> {
        let run = self.run();
        wait("names", || ask(&run, &Order::Status).is_ok_and(|answer| answer.status["by_name"] == true))
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        let id = self.guard.as_ref().context("the guard does not run")?.id();
        Ok(Pid::from_raw(i32::try_from(id)?))
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill(self.pid()?, signal)?)
    }

    fn end(&mut self, signal: Signal) -> anyhow::Result<()> {
        self.signal(signal)?;
        self.guard.take().map_or(Ok(()), |mut child| child.wait().map(|_| ()))?;
        Ok(())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for mut child in self.guard.take().into_iter().chain(self.witness.take()) {
            let _ = child.kill();
            let _ = child.wait();
        }
        for side in ["client", "gateway", "outside"] {
            let _ = command(&["ip", "netns", "del", &name(side)]);
        }
    }
}

/// A namespace that no other run has.
fn name(side: &str) -> String {
    format!("creance-{}-{side}", std::process::id())
}

/// Does something in a namespace; sockets that were made there stay there.
fn within<T: Send + 'static>(
    side: &str,
    act: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let path = format!("/run/netns/{}", name(side));
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let done = fs::File::open(&path)
            .map_err(anyhow::Error::from)
            .and_then(|file| Ok(setns(file, CloneFlags::CLONE_NEWNET)?))
            .and_then(|()| act());
        let _ = send.send(done);
    });
    receive.recv().context("a thread ended too early")?
}

fn command(order: &[&str]) -> anyhow::Result<()> {
    let (program, arguments) = order.split_first().context("nothing to run")?;
    let output =
        Command::new(program).args(arguments).output().with_context(|| format!("cannot start {program}"))?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{}: {}", order.join(" "), String::from_utf8_lossy(&output.stderr).trim())
}

/// Waits up to 15 seconds.
fn wait(what: &str, mut there: impl FnMut() -> bool) -> anyhow::Result<()> {
    let began = Instant::now();
    while !there() {
        if began.elapsed() > Duration::from_secs(15) {
            bail!("waited for {what} in vain");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Frames in what tcpdump wrote that may come from a client: all but ARP and the discovery of neighbours, which the gateway
/// does for itself.
fn seen(capture: &Path) -> io::Result<usize> {
    let bytes = fs::read(capture)?;
    let mut rest = bytes.get(24..).unwrap_or_default();
    let mut frames = 0;
    while let Some(length) =
        rest.get(8..12).and_then(|four| four.first_chunk()).map(|four| u32::from_le_bytes(*four))
    {
        let end = 16 + length as usize;
        let Some(frame) = rest.get(16..end) else { break };
        frames += usize::from(!is_own(frame));
        rest = rest.get(end..).unwrap_or_default();
    }
    Ok(frames)
}

fn is_own(frame: &[u8]) -> bool {
    match frame.get(12..14) {
        Some([0x08, 0x06]) => true,
        // Neighbour discovery, and reports of groups behind a hop-by-hop header.
        Some([0x86, 0xdd]) => match (frame.get(20), frame.get(54)) {
            // What a gateway passed on has fewer hops left (RFC 4861 §6.1, 7.1).
            (Some(58), Some(kind)) => (133..=137).contains(kind) && frame.get(21) == Some(&255),
            (Some(0), Some(58)) => matches!(frame.get(62), Some(131 | 132 | 143)),
            _ => false,
        },
        _ => false,
    }
}

/// Writes the table.
pub fn table(rows: &[Row], out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{:52} {:>10} {:>10}", "what was tried", "open", "cut")?;
    for row in rows {
        let open = row.open.map_or_else(|| "-".to_owned(), |seen| seen.to_string());
        let mark = if row.holds() { "" } else { "  <- DOES NOT HOLD" };
        writeln!(out, "{:52} {open:>10} {:>10}{mark}", row.name, row.cut)?;
    }
    Ok(())
}
