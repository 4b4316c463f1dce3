//! How long it takes from evidence to the last frame, and what leaves meanwhile, by the count of the kernel outside: over a bare
//! link, through queues, and while the resolver is busy.

use std::{
    fs::{self, File},
    io,
    net::UdpSocket,
    os::unix::fs::FileExt,
    path::Path,
    str::FromStr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use creance_custody::LEDGER;
use hickory_proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{Name, RecordType},
};
use nix::{sys::signal::Signal, unistd::gettid};
use serde_json::Value;

use super::{Lab, command, names, wait, within};
use crate::{
    evidence::telemetry,
    frames::{CLIENT, GATEWAY, SERVER},
};

/// Bytes of a datagram of the flood.
const FLOOD: usize = 1200;
/// How long it is looked after a cut whether anything still comes.
const SILENCE: Duration = Duration::from_millis(300);
/// How often the count outside is read.
const READ: Duration = Duration::from_micros(200);
/// Answers of a resolver that is busy, before evidence comes.
const ASKED: u64 = 100;

/// Under what it is cut: what it is called, what `tc` makes of the way outside, and whether a client asks for names without end.
type Scene = (&'static str, &'static [&'static str], bool);

const SCENES: [Scene; 5] = [
    ("a bare link", &[], false),
    (
        "a queue of 20 ms before 100 Mbit/s",
        &["tbf", "rate", "100mbit", "burst", "16kb", "latency", "20ms"],
        false,
    ),
    (
        "a queue of 100 ms before 10 Mbit/s",
        &["tbf", "rate", "10mbit", "burst", "16kb", "latency", "100ms"],
        false,
    ),
    ("a queue that holds all for 20 ms", &["netem", "delay", "20ms", "limit", "10000"], false),
    ("a resolver that is busy", &[], true),
];

/// What cuts took, each list sorted.
#[derive(Clone, Debug, Default)]
pub struct Cuts {
    /// Under what.
    pub scene: &'static str,
    /// Microseconds from the sending of the first telemetry that tells of flight to the last frame outside.
    pub micros: Vec<u64>,
    /// Microseconds until it was closed by routing, as the guard's own ledger has it.
    pub closed: Vec<u64>,
    /// Bytes that arrived outside since just before that was sent.
    pub bytes: Vec<u64>,
    /// Bytes at most, as the ledger bounds them.
    pub bound: Vec<u64>,
    /// Of these, bytes that still waited behind the rules when these were closed.
    pub waiting: Vec<u64>,
    /// How many cuts let out more than their bound in the ledger, by a frame of the client or more: since just after it was sent, for
    /// so late it may have been seen.
    pub above: usize,
    /// By how many bytes at most any is over its bound.
    pub over: u64,
    /// How many let out so much more since just before, and not since just after: where it is not known which frame was first.
    pub unsure: usize,
    /// Bytes over their bound, of cuts that are over it by less than a frame of the client: what the gateway said for itself
    /// afterwards.
    pub own: Vec<u64>,
    /// How many the ledger gives no bound for.
    pub unknown: usize,
}

/// Cuts so many times in each scene that this kernel has the queues for, while a client sends as much as it can, and as many threads as there are processors do nothing of
/// use: an aircraft arms, and says so.
pub fn cuts(program: &Path, count: usize) -> anyhow::Result<Vec<Cuts>> {
    let busy = Arc::new(());
    for _ in 0..thread::available_parallelism()?.get() {
        let busy = Arc::downgrade(&busy);
        thread::spawn(move || {
            while busy.upgrade().is_some() {
                std::hint::spin_loop();
            }
        });
    }
    let scenes = SCENES.into_iter().map(|scene| within_scene(program, count, scene).context(scene.0));
    scenes.filter_map(Result::transpose).collect()
}

fn within_scene(program: &Path, count: usize, (scene, uplink, asks): Scene) -> anyhow::Result<Option<Cuts>> {
    let mut lab = if asks { names::lab(program, false)? } else { Lab::new(program)? };
    // It would write down the flood.
    if let Some(mut witness) = lab.witness.take() {
        witness.kill()?;
        witness.wait()?;
    }
    if asks {
        lab.end(Signal::SIGKILL)?;
        let path = lab.folder.path().join("guard.toml");
        let config = fs::read_to_string(&path)?;
        fs::write(&path, config.replace("[resolver]\n", "[resolver]\nper_second = 100000\n"))?;
    }
    if !uplink.is_empty() {
        let made = Lab::inside("gateway", &[&["tc", "qdisc", "add", "dev", "wan0", "root"], uplink].concat());
        match made {
            // A kernel that has no such queue.
            Err(error) if error.to_string().contains("kind is unknown") => return Ok(None),
            made => made?,
        }
    }
    let alive = Arc::new(());
    let counter = Arc::new(Counter::new()?);
    let (arm, armed) = flood(&alive, &counter)?;
    let answers = if asks { Some(ask(&alive)?) } else { None };
    let mut found = Cuts { scene, ..Cuts::default() };
    for _ in 0..count {
        // A guard that knows nothing: it is quicker than to wait for silence.
        let _ = fs::remove_dir_all(lab.folder.path().join("state"));
        lab.start()?;
        lab.release()?;
        let count = Count::new(&counter)?;
        let begun = answers.as_ref().map(|answers| answers.load(Ordering::Relaxed));
        wait("the flood to arrive outside", || count.last().is_some_and(|(_, bytes)| bytes > 1_000_000))
            .with_context(|| lab.says())?;
        if let Some((answers, begun)) = answers.as_ref().zip(begun) {
            wait("answers of the resolver", || answers.load(Ordering::Relaxed) > begun + ASKED)
                .with_context(|| lab.says())?;
        }
        arm.send(()).context("the flood has ended")?;
        let Armed { before, evidence, after } = armed.recv().context("the flood has ended")??;
        lab.wait_for("airborne")?;
        thread::sleep(SILENCE);
        let last = counter.arrived()?;
        found.micros.push(count.after(evidence)?);
        found.take(last.saturating_sub(before), last.saturating_sub(after), &first_cut(&lab)?);
        lab.end(Signal::SIGKILL)?;
    }
    for list in [&mut found.micros, &mut found.closed, &mut found.bytes, &mut found.bound, &mut found.waiting]
    {
        list.sort_unstable();
    }
    Ok(Some(found))
}

impl Cuts {
    /// Takes a cut: bytes that arrived since just before evidence was sent, and since just after, and what the ledger says of it.
    fn take(&mut self, before: u64, after: u64, record: &Value) {
        self.bytes.push(before);
        self.closed.extend(record["us_to_routes"].as_u64());
        self.waiting.extend(record["bytes_waiting"].as_u64());
        match record["bytes_at_most"].as_u64() {
            Some(bound) => {
                self.bound.push(bound);
                let over = |bytes: u64| bytes.saturating_sub(bound);
                self.above += usize::from(over(after) >= FLOOD as u64);
                self.over = self.over.max(over(after));
                self.unsure += usize::from(over(after) < FLOOD as u64 && over(before) >= FLOOD as u64);
                self.own.extend(Some(over(after)).filter(|over| (1..FLOOD as u64).contains(over)));
            }
            None => self.unknown += 1,
        }
    }
}

/// What the ledger says of its first cut.
fn first_cut(lab: &Lab) -> anyhow::Result<Value> {
    let ledger = fs::read_to_string(lab.folder.path().join("state").join(LEDGER))?;
    let mut records = ledger.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let cut = records.find(|record| record["action"] == "cut").context("no cut in the ledger")?;
    Ok(cut["detail"].clone())
}

/// Has this thread come before others.
fn hurry(nice: &str) -> anyhow::Result<()> {
    command(&["renice", "-n", nice, "-p", &gettid().to_string()])
}

/// When an aircraft said that it is armed, and how much had arrived outside just before, and just after.
struct Armed {
    before: u64,
    evidence: Instant,
    after: u64,
}

/// A client sends as much as it can, as long as this is there. Whenever it is told to, an aircraft says in the midst of that, from the
/// same thread, that it is armed: what is sent then does not wait until it is the turn of another.
fn flood(
    alive: &Arc<()>,
    counter: &Arc<Counter>,
) -> anyhow::Result<(mpsc::Sender<()>, mpsc::Receiver<anyhow::Result<Armed>>)> {
    let socket = within("client", || Ok(UdpSocket::bind((CLIENT, 40_002))?))?;
    let aircraft = within("client", || Ok(UdpSocket::bind((CLIENT, 14_552))?))?;
    let (alive, counter) = (Arc::downgrade(alive), Arc::clone(counter));
    let ((arm, arms), (tell, armed)) = (mpsc::channel(), mpsc::channel());
    let word = telemetry(1, true);
    let say = move || {
        let before = counter.arrived()?;
        let evidence = Instant::now();
        aircraft.send_to(&word, (GATEWAY, 14_550))?;
        Ok(Armed { before, evidence, after: counter.arrived()? })
    };
    thread::spawn(move || {
        // Frames of a real interface do not wait until it is a process's turn.
        let _ = hurry("-10");
        while alive.upgrade().is_some() {
            // What is cut is refused now and then.
            let _ = socket.send_to(&[0; FLOOD], (SERVER, 9));
            if arms.try_recv().is_ok() && tell.send(say()).is_err() {
                break;
            }
        }
    });
    Ok((arm, armed))
}

/// A client asks for one new name after another, as long as this is there; counts answers.
fn ask(alive: &Arc<()>) -> anyhow::Result<Arc<AtomicU64>> {
    let socket = within("client", || Ok(UdpSocket::bind((CLIENT, 0))?))?;
    socket.set_nonblocking(true)?;
    let (alive, answers) = (Arc::downgrade(alive), Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&answers);
    thread::spawn(move || {
        for number in 0_u64.. {
            if alive.upgrade().is_none() {
                break;
            }
            let mut message = Message::new(7, MessageType::Query, OpCode::Query);
            let Ok(name) = Name::from_str(&format!("host-{number}.domain-{}.example", number % 512)) else {
                break;
            };
            message.add_query(Query::query(name, RecordType::A));
            if let Ok(bytes) = message.to_vec() {
                // What nobody takes is asked for in vain.
                let _ = socket.send_to(&bytes, (GATEWAY, 53));
            }
            while socket.recv(&mut [0; 1500]).is_ok() {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    Ok(answers)
}

/// The kernel's count outside.
struct Counter(File);

impl Counter {
    fn new() -> anyhow::Result<Self> {
        // It tells of the namespace in which it was opened, whoever reads.
        Ok(Self(within("outside", || Ok(File::open("/proc/thread-self/net/dev")?))?))
    }

    /// Bytes that arrived outside, until some time between the beginning and the end of this.
    fn arrived(&self) -> anyhow::Result<u64> {
        let mut text = [0; 4096];
        let length = self.0.read_at(&mut text, 0)?;
        let all = String::from_utf8_lossy(text.get(..length).unwrap_or_default());
        let line =
            all.lines().find_map(|line| line.trim().strip_prefix("eth0:")).context("no eth0 outside")?;
        Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
    }
}

/// When the count outside grew, read again and again by a thread.
struct Count {
    reading: Arc<AtomicBool>,
    changes: Arc<Mutex<Vec<(Instant, u64)>>>,
}

impl Count {
    fn new(counter: &Arc<Counter>) -> anyhow::Result<Self> {
        let count = Self { reading: Arc::new(AtomicBool::new(true)), changes: Arc::default() };
        let (reading, changes) = (Arc::clone(&count.reading), Arc::clone(&count.changes));
        let counter = Arc::clone(counter);
        let (ready, started) = mpsc::channel();
        thread::spawn(move || {
            // One that waits for its turn is late, and tells of times that were not.
            let _ = ready.send(hurry("-15"));
            read(&counter, &reading, &changes)
        });
        started.recv().context("a thread ended too early")??;
        Ok(count)
    }

    fn last(&self) -> Option<(Instant, u64)> {
        self.changes.lock().ok()?.last().copied()
    }

    /// Microseconds from then to the last change.
    fn after(&self, then: Instant) -> anyhow::Result<u64> {
        let (at, _) = self.last().context("nothing arrived outside")?;
        Ok(u64::try_from(at.saturating_duration_since(then).as_micros())?)
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.reading.store(false, Ordering::Relaxed);
    }
}

fn read(counter: &Counter, reading: &AtomicBool, changes: &Mutex<Vec<(Instant, u64)>>) -> anyhow::Result<()> {
    let first = counter.arrived()?;
    let mut last = 0;
    while reading.load(Ordering::Relaxed) {
        let bytes = counter.arrived()? - first;
        // Less than a frame of the flood is what the gateway says for itself.
        if bytes >= last + FLOOD as u64 {
            last = bytes;
            let mut changes = changes.lock().map_err(|_| io::Error::other("the count outside is gone"))?;
            changes.push((Instant::now(), bytes));
        }
        thread::sleep(READ);
    }
    Ok(())
}

/// The value that so many of a hundred do not exceed.
pub fn percentile(sorted: &[u64], of_hundred: usize) -> u64 {
    let at = (sorted.len() * of_hundred).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What had arrived before the evidence, since the count was last read, is none of what a cut lets out.
    #[test]
    fn a_bound_is_compared_with_what_came_after_the_evidence() {
        let mut cuts = Cuts::default();
        for (before, after, record) in [
            (900, 900, json!({"bytes_at_most": 1000})),
            (2200, 900, json!({"bytes_at_most": 1000})),
            (2300, 2200, json!({"bytes_at_most": 1000, "bytes_waiting": 10, "us_to_routes": 7})),
            // The gateway asks whose an address is.
            (1042, 1042, json!({"bytes_at_most": 1000})),
            (1100, 1001, json!({"bytes_at_most": null})),
        ] {
            cuts.take(before, after, &record);
        }
        assert_eq!((cuts.above, cuts.over, cuts.unsure, cuts.own, cuts.unknown), (1, 1200, 1, vec![42], 1));
        assert_eq!(
            (cuts.bytes.len(), cuts.bound, cuts.waiting, cuts.closed),
            (5, vec![1000; 4], vec![10], vec![7])
        );
    }
}
