//! What left by the outside's interfaces: how much had at times that are remembered, and what is still under way behind the rules.
//!
//! ```text
//! client ─▶ the rules ─▶ waits for a neighbour ─▶ waits in a queue ─▶ ring of the driver ─▶ counted as sent
//!                        ╰──────────── let out, and not counted yet ──────────────────╯
//! ```
//!
//! A bound counts from the last reading before the kernel saw the evidence, and adds what is under way when nothing more passes the
//! rules. Stages are read in the order in which a packet goes through them, so that it is in one of them, or in two, and never in
//! none.

use std::{
    collections::VecDeque,
    fs,
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};

use super::since_1970;
use crate::Kernel;

/// Readings that are kept, and how far they are apart at least: they reach back for seconds.
const KEPT: usize = 512;
const APART: Duration = Duration::from_millis(5);
/// How far before now a bound begins that no evidence gives a time for: a policy closed, or what was lost may have been evidence.
const BEFORE: Duration = Duration::from_secs(1);
/// How long after the clock was set back no time of evidence says whether it came before a reading.
const DOUBT: Duration = Duration::from_mins(1);
/// A clock that goes back by less may be one that was read late.
const STEP: Duration = Duration::from_millis(50);
/// Bytes that may wait for a neighbour that does not answer, where the kernel does not say: its default.
const UNRESOLVED: u64 = 212_992;

/// Kinds of interfaces, as the kernel numbers them (`if_arp.h`): PPP, and what has no link layer.
const PPP: &str = "512";
const NO_LINK: &str = "65534";

/// What each of the outside's interfaces sent by its own count: its number, and bytes.
type Sent = Vec<(u32, u64)>;

/// A reading, and the end of it since the engine began.
#[derive(Clone, Debug)]
struct Mark {
    at: Duration,
    /// How far 1970 lies before the beginning of the engine, by the clock of then: no less than that.
    offset: Duration,
    sent: Sent,
}

/// What had left at times that are remembered.
#[derive(Debug)]
pub(super) struct Marks {
    began: Instant,
    kept: VecDeque<Mark>,
    /// Until when the clock is not trusted.
    doubt: Option<Duration>,
}

/// What left at most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Left {
    /// Bytes in all.
    pub(super) most: u64,
    /// Of these, what still waited behind the rules when they were closed, and leaves later.
    pub(super) waiting: u64,
}

impl Marks {
    pub(super) fn new(began: Instant) -> Self {
        Self { began, kept: VecDeque::new(), doubt: None }
    }

    /// A turn of the engine begins.
    pub(super) fn turn(&mut self, wan: &[String]) {
        let now = self.began.elapsed();
        if self.kept.back().is_none_or(|last| now.saturating_sub(last.at) >= APART)
            && let Some(sent) = sent(wan)
        {
            // In this order: what was read was so before this time.
            self.keep(sent, self.began.elapsed(), since_1970());
        }
    }

    fn keep(&mut self, sent: Sent, at: Duration, clock: Duration) {
        let Some(offset) = clock.checked_sub(at) else { return };
        if let Some(last) = self.kept.back() {
            if offset + STEP < last.offset {
                self.doubt = Some(at + DOUBT);
            }
            // One that was made anew, or counts anew.
            if grown(&sent, &last.sent).is_none() {
                self.kept.clear();
            }
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Mark { at, offset, sent });
    }

    /// What had left before evidence that the kernel saw at this time of the clock; without one, [`BEFORE`] now. `None`: that is not
    /// known any more, or cannot be told by a clock that was set.
    fn before(&self, evidence: Option<Duration>, now: (Duration, Duration)) -> Option<&Sent> {
        let (at, clock) = now;
        let Some(seen) = evidence else {
            let then = at.checked_sub(BEFORE)?;
            return self.kept.iter().rev().find(|mark| mark.at <= then).map(|mark| &mark.sent);
        };
        let offset = clock.checked_sub(at)?;
        let stepped = self.kept.back().is_some_and(|last| offset + STEP < last.offset);
        if stepped || self.doubt.is_some_and(|until| at < until) || seen > clock {
            return None;
        }
        // By the greatest that the clock was ahead, the evidence came no later than it did.
        let offset = self.kept.iter().map(|mark| mark.offset).fold(offset, Duration::max);
        let came = seen.checked_sub(offset)?;
        self.kept.iter().rev().find(|mark| mark.at <= came).map(|mark| &mark.sent)
    }

    /// What left at most since before evidence that the kernel saw at this time of the clock. To be asked when nothing of
    /// clients passes the rules any more. `None`: not known.
    pub(super) fn left(&self, wan: &[String], evidence: Option<Duration>) -> Option<Left> {
        let mark = self.before(evidence, (self.began.elapsed(), since_1970()))?;
        if wan.iter().any(|name| hands_on(&format!("/sys/class/net/{name}"))) {
            return None;
        }
        settle()?;
        let unresolved = unresolved(wan)?;
        let queued = Kernel::queued(wan)?;
        settle()?;
        let waiting = unresolved + queued + in_rings(wan);
        let left = grown(&sent(wan)?, mark)?;
        Some(Left { most: left + waiting, waiting })
    }
}

/// Whether an interface hands packets on to a program or to another interface, and counts them only when they are taken: TUN and
/// TAP, PPP, and what has no link layer (`WireGuard`, tunnels). What waits within is not to be seen.
fn hands_on(interface: &str) -> bool {
    let kind = fs::read_to_string(format!("{interface}/type"));
    fs::exists(format!("{interface}/tun_flags")).unwrap_or(true)
        || kind.is_ok_and(|kind| [PPP, NO_LINK].contains(&kind.trim()))
}

/// How much more that is. `None`: it is less, or of other interfaces.
fn grown(now: &[(u32, u64)], then: &[(u32, u64)]) -> Option<u64> {
    if now.len() != then.len() {
        return None;
    }
    let one = |(now, then): (&(u32, u64), &(u32, u64))| {
        if now.0 == then.0 { now.1.checked_sub(then.1) } else { None }
    };
    now.iter().zip(then).map(one).sum()
}

/// What the interfaces sent, by their own count; `None`: one of them cannot be asked.
fn sent(wan: &[String]) -> Option<Sent> {
    let all = fs::read_to_string("/proc/net/dev").ok()?;
    // Name, eight numbers of what came, and then bytes of what left.
    let of = |name: &String| {
        let numbers =
            all.lines().find_map(|line| line.trim().strip_prefix(name.as_str())?.strip_prefix(':'))?;
        let bytes = numbers.split_whitespace().nth(8)?.parse().ok()?;
        Some((nix::net::if_::if_nametoindex(name.as_str()).ok()?, bytes))
    };
    wan.iter().map(of).collect()
}

/// Waits until each packet that the kernel had in hand has come to where it waits, or has left: whoever was judged by rules
/// that do not stand any more. The closing of a packet socket does that (`synchronize_net`), in 8 to 20 ms.
fn settle() -> Option<()> {
    Socket::new(Domain::PACKET, Type::RAW, None).ok().map(drop)
}

/// Bytes that may wait for neighbours that do not answer; they leave if one does.
fn unresolved(wan: &[String]) -> Option<u64> {
    let said = Kernel::unresolved()?;
    let most = |neighbour: &serde_json::Value| {
        let name = neighbour["dev"].as_str().filter(|name| wan.iter().any(|one| one == name))?;
        let family = if neighbour["dst"].as_str()?.contains(':') { "ipv6" } else { "ipv4" };
        let told = fs::read_to_string(format!("/proc/sys/net/{family}/neigh/{name}/unres_qlen_bytes"));
        Some(told.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(UNRESOLVED))
    };
    Some(said.iter().filter_map(most).sum())
}

/// Bytes that drivers were given and have not said to be sent, of those that tell (by their limits of byte queues).
fn in_rings(wan: &[String]) -> u64 {
    let of = |name: &String| -> u64 {
        let Ok(queues) = fs::read_dir(format!("/sys/class/net/{name}/queues")) else { return 0 };
        let inflight = queues.filter_map(|queue| {
            let path = queue.ok()?.path().join("byte_queue_limits/inflight");
            fs::read_to_string(path).ok()?.trim().parse::<u64>().ok()
        });
        inflight.sum()
    };
    wan.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// A reading every 20 ms of an interface that sends a byte a millisecond, as the clock goes.
    fn marks(clock: impl Fn(u64) -> Duration) -> Marks {
        let mut marks = Marks::new(Instant::now());
        for at in (0..1000).step_by(20) {
            marks.keep(vec![(2, at)], millis(at), clock(at));
        }
        marks
    }

    #[test]
    fn what_waits_in_a_program_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display().to_string();
        for (kind, hands) in [("1\n", false), ("772\n", false), ("512\n", true), ("65534\n", true)] {
            fs::write(folder.path().join("type"), kind).unwrap();
            assert_eq!(hands_on(&at), hands, "{kind}");
        }
        fs::write(folder.path().join("type"), "1\n").unwrap();
        fs::write(folder.path().join("tun_flags"), "0x1002\n").unwrap();
        assert!(hands_on(&at));
    }

    fn before(marks: &Marks, evidence: Duration, now: (Duration, Duration)) -> Option<u64> {
        marks.before(Some(evidence), now).map(|sent| sent[0].1)
    }

    #[test]
    fn evidence_that_waited_is_bounded_from_before_it_came() {
        let marks = marks(|at| DAY + millis(at));
        let now = (millis(1000), DAY + millis(1000));
        assert_eq!(before(&marks, DAY + millis(999), now), Some(980));
        // It was seen many turns ago, and is only taken now.
        assert_eq!(before(&marks, DAY + millis(310), now), Some(300));
        assert_eq!(before(&marks, DAY + millis(300), now), Some(300));
        // Before all that is remembered, and of a time that has not come.
        assert_eq!(before(&marks, DAY.checked_sub(millis(1)).unwrap(), now), None);
        assert_eq!(before(&marks, DAY + millis(1001), now), None);
    }

    #[test]
    fn a_clock_that_was_set_makes_no_bound_too_small() {
        // Set back by 300 ms at 500: what the kernel saw at 450, before that, reads as 450, and so does what it saw at 750.
        let back = marks(|at| DAY + millis(if at < 500 { at } else { at - 300 }));
        assert_eq!(before(&back, DAY + millis(450), (millis(1000), DAY + millis(700))), None);
        // Set ahead: it may be taken for earlier, not for later.
        let ahead = marks(|at| DAY + millis(if at < 500 { at } else { at + 300 }));
        let now = (millis(1000), DAY + millis(1300));
        assert_eq!(before(&ahead, DAY + millis(1290), now), Some(980));
        assert_eq!(before(&ahead, DAY + millis(450), now), Some(140));
        // Set back since the last reading, and a clock that was read late.
        let steady = marks(|at| DAY + millis(at));
        assert_eq!(before(&steady, DAY + millis(450), (millis(1000), DAY + millis(700))), None);
        let late = marks(|at| DAY + millis(if at == 400 { at + 30 } else { at }));
        assert_eq!(before(&late, DAY + millis(990), (millis(1000), DAY + millis(1000))), Some(960));
    }

    #[test]
    fn what_is_made_anew_counts_from_nothing() {
        assert_eq!(grown(&[(2, 90), (3, 7)], &[(2, 50), (3, 7)]), Some(40));
        assert_eq!(grown(&[(2, 40)], &[(2, 50)]), None);
        // It has sent more since than the other had.
        assert_eq!(grown(&[(4, 90)], &[(2, 50)]), None);
        assert_eq!(grown(&[], &[(2, 50)]), None);
        let mut marks = marks(|at| DAY + millis(at));
        marks.keep(vec![(2, 10)], millis(1000), DAY + millis(1000));
        assert_eq!(before(&marks, DAY + millis(999), (millis(1010), DAY + millis(1010))), None);
    }

    #[test]
    fn without_a_time_it_counts_from_a_second_before() {
        let marks = marks(|at| DAY + millis(at));
        assert_eq!(marks.before(None, (millis(990), DAY)), None);
        assert_eq!(marks.before(None, (millis(1510), DAY)), Some(&vec![(2, 500)]));
    }

    #[test]
    fn no_more_is_kept_than_so_many() {
        let mut marks = Marks::new(Instant::now());
        for at in 0..2000 {
            marks.keep(vec![(2, at)], millis(at), DAY + millis(at));
        }
        assert_eq!(marks.kept.len(), KEPT);
        assert_eq!(before(&marks, DAY + millis(1), (millis(2000), DAY + millis(2000))), None);
    }
}
