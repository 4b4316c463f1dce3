//! A cut under which something breaks every few seconds: does anything leave, does the guard grow, does its ledger hold?

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    net::UdpSocket,
    os::unix::net::UnixStream,
    path::Path,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use creance_custody::{SIGNATURE, Signed, SigningKey, verify};
use nix::sys::signal::Signal;

use super::{Lab, SETTLE, wait, within};
use crate::{
    Order, ask,
    control::SOCKET,
    evidence::telemetry,
    files,
    frames::{CLIENT, GATEWAY, Way, ways},
};

/// What it came to.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// How often each was done.
    pub done: BTreeMap<&'static str, usize>,
    /// Frames seen outside, by what was being done.
    pub frames: BTreeMap<&'static str, usize>,
    /// Whether chain and signature of the ledger hold.
    pub verified: bool,
    /// Records in it.
    pub records: usize,
    /// Files that it is in.
    pub files: usize,
    /// What each life of the engine held.
    pub lives: Vec<Life>,
}

/// What one life of the engine held, from when it was warm (KiB in memory, descriptors).
#[derive(Clone, Copy, Debug, Default)]
pub struct Life {
    /// Faults that it lived through.
    pub faults: usize,
    /// When it was warm.
    pub first: (u64, usize),
    /// The most of each.
    pub most: (u64, usize),
    /// At its end.
    pub last: (u64, usize),
}

impl Life {
    /// KiB and descriptors that it gained at most.
    pub fn gained(&self) -> (u64, usize) {
        (self.most.0.saturating_sub(self.first.0), self.most.1.saturating_sub(self.first.1))
    }

    /// Whether it gained no more than an engine does that waits now for more processes and now for fewer.
    pub fn keeps_its_size(&self) -> bool {
        let (memory, open) = self.gained();
        memory <= GAINED && open <= OPENED
    }

    fn take(&mut self, now: (u64, usize)) {
        if self.faults == WARM {
            (self.first, self.most) = (now, now);
        }
        self.most = (self.most.0.max(now.0), self.most.1.max(now.1));
        self.last = now;
    }
}

/// Something that breaks.
type Fault = (&'static str, fn(&mut Lab) -> anyhow::Result<()>);

const FAULTS: &[Fault] = &[
    ("nftables emptied by another", |_| Lab::inside("gateway", &["nft", "flush", "ruleset"])),
    ("our table deleted by another", |_| once_it_is_there(&["nft", "delete", "table", "inet", "creance"])),
    ("an element that opens, put in by another", |_| {
        once_it_is_there(&["nft", "add", "element", "inet", "creance", "released", "{ lan0 }"])
    }),
    ("another table that accepts all", |_| {
        let rules = "table inet other { chain forward { type filter hook forward priority -200\naccept\n}\n}";
        Lab::inside("gateway", &["nft", rules])?;
        thread::sleep(SETTLE);
        Lab::inside("gateway", &["nft", "delete", "table", "inet", "other"])
    }),
    ("routing rules taken away by another", |_| {
        for family in ["-4", "-6"] {
            for link in ["lan0", "wan0"] {
                // Two of these may come so close that it is not back yet.
                let _ = Lab::inside("gateway", &["ip", family, "rule", "del", "pref", "2", "iif", link]);
            }
        }
        Ok(())
    }),
    ("interfaces down and up", |_| {
        for link in ["lan0", "wan0"] {
            Lab::inside("gateway", &["ip", "link", "set", link, "down"])?;
            Lab::inside("gateway", &["ip", "link", "set", link, "up"])?;
        }
        Lab::addresses()
    }),
    ("the engine stopped for a second", |lab| {
        lab.signal(Signal::SIGSTOP)?;
        thread::sleep(Duration::from_secs(1));
        lab.signal(Signal::SIGCONT)
    }),
    ("connections forgotten", |_| {
        // There may be none.
        let _ = Lab::inside("gateway", &["conntrack", "-F"]);
        Ok(())
    }),
    ("noise as telemetry", |_| {
        within("client", || {
            let socket = UdpSocket::bind((CLIENT, 0))?;
            for length in 0..200_u8 {
                let noise: Vec<u8> =
                    (0..length).map(|at| if at == 0 { 0xfd } else { at.wrapping_mul(length) }).collect();
                // While an interface comes up nothing can be sent.
                let _ = socket.send_to(&noise, (GATEWAY, 14_550));
            }
            let _ = socket.send_to(&telemetry(9, false), (GATEWAY, 14_550));
            Ok(())
        })
    }),
    ("nonsense on the control socket", |lab| {
        let mut socket = UnixStream::connect(lab.run().join(SOCKET))?;
        // It may hang up at once.
        let _ = socket.write_all(&[b'{'; 5000]);
        Ok(())
    }),
    ("a wrong code confirmed", |lab| {
        if ask(&lab.run(), &Order::Confirm { code: "no code".to_owned() })?.taken {
            bail!("a wrong code was taken");
        }
        Ok(())
    }),
];

const KILLED: Fault = ("the engine killed, and started anew", |lab| {
    lab.end(Signal::SIGKILL)?;
    lab.start()
});

/// After so many faults in all the engine is killed. The last life is by far the longest: what grows slowly shows in it.
const KILLS: [usize; 5] = [30, 60, 120, 240, 480];
/// After so many of a life its memory is what it needs.
const WARM: usize = 22;
/// KiB and descriptors that a life may gain.
const GAINED: u64 = 4096;
const OPENED: usize = 24;

/// Breaks something every few seconds, for so long, while an aircraft is in the air and a client tries every way.
pub fn faults(program: &Path, time: Duration) -> anyhow::Result<Faults> {
    let mut lab = Lab::new(program)?;
    let key = lab.folder.path().join("key.pem");
    fs::write(&key, SigningKey::pem(&[7; 32]))?;
    let path = lab.folder.path().join("guard.toml");
    let config = format!("key = '{}'\n{}", key.display(), fs::read_to_string(&path)?);
    fs::write(&path, config)?;
    lab.start()?;
    lab.armed.store(true, Ordering::Relaxed);
    lab.wait_for("airborne")?;
    let ways = ways();
    let (mut found, mut life) = (Faults::default(), Life::default());
    let began = Instant::now();
    for number in 0.. {
        if began.elapsed() >= time {
            break;
        }
        let kills = KILLS.contains(&number);
        let (name, act) = if kills { KILLED } else { *FAULTS.get(number % FAULTS.len()).unwrap_or(&KILLED) };
        let seen = lab.seen_of(|lab| under(lab, &ways, act)).with_context(|| name.to_owned())?;
        *found.done.entry(name).or_default() += 1;
        *found.frames.entry(name).or_default() += seen;
        lab.wait_for("airborne").with_context(|| format!("after {name}"))?;
        if kills {
            found.lives.push(std::mem::take(&mut life));
        }
        life.faults += 1;
        if life.faults >= WARM {
            life.take(size(&lab)?);
        }
    }
    found.lives.push(life);
    lab.end(Signal::SIGTERM)?;
    let state = lab.folder.path().join("state");
    let all = files(&state)?;
    found.files = all.len();
    let ledger = all.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?.concat();
    let answer = verify(&ledger, Some(&fs::read(state.join(SIGNATURE))?), &[], None);
    found.verified = answer.faults.is_empty() && matches!(answer.signed, Signed::By(_));
    found.records = answer.records;
    Ok(found)
}

/// Does something to our table. What was broken before may not have been put back yet, where others keep the machine busy.
fn once_it_is_there(order: &[&str]) -> anyhow::Result<()> {
    wait("our table", || Lab::inside("gateway", order).is_ok())
}

/// Breaks something while all ways are tried, and for a second after.
fn under(lab: &mut Lab, ways: &[Way], act: fn(&mut Lab) -> anyhow::Result<()>) -> anyhow::Result<()> {
    lab.send(ways)?;
    act(lab)?;
    lab.send_for(ways, Duration::from_secs(1))
}

/// What the engine holds: KiB in memory, and descriptors.
fn size(lab: &Lab) -> anyhow::Result<(u64, usize)> {
    let process = format!("/proc/{}", lab.pid()?);
    let status = fs::read_to_string(format!("{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let memory = line.split_whitespace().next().unwrap_or_default().parse()?;
    Ok((memory, fs::read_dir(format!("{process}/fd"))?.count()))
}
