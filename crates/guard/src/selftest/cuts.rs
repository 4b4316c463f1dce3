//! How long it takes from evidence to the last frame, and what leaves meanwhile, by the count of the kernel outside.

use std::{
    fs,
    net::UdpSocket,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use nix::sys::signal::Signal;

use super::{Lab, wait, within};
use crate::{
    Order, ask,
    evidence::telemetry,
    frames::{CLIENT, GATEWAY, SERVER},
};

/// Bytes of a datagram of the flood.
const FLOOD: usize = 1200;
/// How long it is looked after a cut whether anything still comes.
const SILENCE: Duration = Duration::from_millis(150);
/// How often the count outside is read.
const READ: Duration = Duration::from_micros(200);

/// What cuts took, each list sorted.
#[derive(Clone, Debug, Default)]
pub struct Cuts {
    /// Microseconds from the sending of the first telemetry that tells of flight to the last frame outside.
    pub micros: Vec<u64>,
    /// Bytes that arrived outside in that time.
    pub bytes: Vec<u64>,
    /// Bytes at most, as the guard's own ledger bounds them.
    pub bound: Vec<u64>,
    /// How many cuts let out more than their bound in the ledger.
    pub above: usize,
}

/// Cuts so many times while a client sends as much as it can: an aircraft arms, and says so.
pub fn cuts(program: &Path, count: usize) -> anyhow::Result<Cuts> {
    let mut lab = Lab::new(program)?;
    // It would write down the flood.
    if let Some(mut witness) = lab.witness.take() {
        witness.kill()?;
        witness.wait()?;
    }
    let flooding = Arc::new(AtomicBool::new(true));
    let flood = Arc::downgrade(&flooding);
    let socket = within("client", || Ok(UdpSocket::bind((CLIENT, 40_002))?))?;
    thread::spawn(move || {
        while flood.upgrade().is_some() {
            // What is cut is refused now and then.
            let _ = socket.send_to(&[0; FLOOD], (SERVER, 9));
        }
    });
    let aircraft = within("client", || Ok(UdpSocket::bind((CLIENT, 14_552))?))?;
    let mut found = Cuts::default();
    for _ in 0..count {
        // A guard that knows nothing: it is quicker than to wait for silence.
        let _ = fs::remove_dir_all(lab.folder.path().join("state"));
        lab.start()?;
        lab.release()?;
        let count = Count::new();
        wait("the flood to arrive outside", || count.last().is_some_and(|(_, bytes)| bytes > 1_000_000))
            .with_context(|| lab.says())?;
        let evidence = Instant::now();
        aircraft.send_to(&telemetry(1, true), (GATEWAY, 14_550))?;
        lab.wait_for("airborne")?;
        thread::sleep(SILENCE);
        let (micros, bytes) = count.after(evidence)?;
        let status = ask(&lab.run(), &Order::Status)?.status;
        let bound = status["last_cut"]["bytes_at_most"].as_u64().context("no bound in the last cut")?;
        found.micros.push(micros);
        found.bytes.push(bytes);
        found.bound.push(bound);
        found.above += usize::from(bytes > bound);
        lab.end(Signal::SIGKILL)?;
    }
    for list in [&mut found.micros, &mut found.bytes, &mut found.bound] {
        list.sort_unstable();
    }
    Ok(found)
}

/// The count of bytes that arrived outside, read again and again by a thread.
struct Count {
    reading: Arc<AtomicBool>,
    changes: Arc<std::sync::Mutex<Vec<(Instant, u64)>>>,
}

impl Count {
    fn new() -> Self {
        let count = Self { reading: Arc::new(AtomicBool::new(true)), changes: Arc::default() };
        let (reading, changes) = (Arc::clone(&count.reading), Arc::clone(&count.changes));
        let (ready, started) = mpsc::channel();
        thread::spawn(move || {
            within("outside", move || {
                let _ = ready.send(());
                let first = arrived()?;
                let mut last = 0;
                while reading.load(Ordering::Relaxed) {
                    let bytes = arrived()? - first;
                    // Less than a frame of the flood is what the gateway says for itself.
                    if bytes >= last + FLOOD as u64 {
                        last = bytes;
                        if let Ok(mut changes) = changes.lock() {
                            changes.push((Instant::now(), bytes));
                        }
                    }
                    thread::sleep(READ);
                }
                Ok(())
            })
        });
        let _ = started.recv();
        count
    }

    fn last(&self) -> Option<(Instant, u64)> {
        self.changes.lock().ok()?.last().copied()
    }

    /// Microseconds from then to the last change, and bytes that arrived between.
    fn after(&self, then: Instant) -> anyhow::Result<(u64, u64)> {
        let changes = self.changes.lock().ok().context("the count outside is gone")?;
        let before = changes.iter().rev().find(|(at, _)| *at < then).map_or(0, |(_, bytes)| *bytes);
        let (at, bytes) = changes.last().context("nothing arrived outside")?;
        Ok((u64::try_from(at.saturating_duration_since(then).as_micros())?, bytes - before))
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.reading.store(false, Ordering::Relaxed);
    }
}

/// Bytes that arrived outside.
fn arrived() -> anyhow::Result<u64> {
    let all = fs::read_to_string("/proc/thread-self/net/dev")?;
    let line = all.lines().find_map(|line| line.trim().strip_prefix("eth0:")).context("no eth0 outside")?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}

/// The value that so many of a hundred do not exceed.
pub fn percentile(sorted: &[u64], of_hundred: usize) -> u64 {
    let at = (sorted.len() * of_hundred).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}
