//! Hears on an interface, whoever a frame is meant for, with the time at which the kernel saw it: telemetry of clients as
//! datagrams, and frames of other kinds.
//!
//! ```text
//! interface ─▶ filter, in the kernel ─▶ its buffer ─▶ a thread ─▶ a share for each sender ─▶ engine
//! ```
//!
//! A filter in the kernel (`filter`) lets up only what may be of use. Leaves out fragments, and tagged frames.

mod at;
pub(crate) mod filter;
mod shares;

use std::{
    io::{self, IoSliceMut, Read, Write},
    net::IpAddr,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use nix::{
    net::if_::if_nametoindex,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{
        ControlMessageOwned, LinkAddr, MsgFlags, recvmsg, setsockopt,
        sockopt::{RcvBufForce, ReceiveTimestampns, RxqOvfl},
    },
    sys::time::TimeSpec,
};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use filter::Step;
use shares::Shares;

/// `ETH_P_ALL`, in the order of the network.
const ALL: i32 = 0x0003_u16.to_be() as i32;
/// `PACKET_OUTGOING`: a frame that this machine sends.
const OUTGOING: u8 = 4;

/// What comes in on one interface, as far as a filter lets it up.
#[derive(Debug)]
pub(crate) struct Tap {
    socket: Socket,
    index: u32,
}

/// A frame, whose bytes are in the caller's buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// Its bytes.
    pub(crate) length: usize,
    /// When the kernel saw it, since 1970.
    pub(crate) seen: Duration,
    /// Frames that had no place and are lost, since the beginning.
    pub(crate) lost: u32,
}

impl Tap {
    /// Listens on an interface, which must be there.
    pub(crate) fn new(interface: &str, filter: impl FnOnce(u32) -> Vec<Step>) -> io::Result<Self> {
        let index = if_nametoindex(interface)?;
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(ALL)))?;
        let steps =
            filter(index).into_iter().map(|(code, yes, no, value)| SockFilter::new(code, yes, no, value));
        socket.attach_filter(&steps.collect::<Vec<_>>())?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        setsockopt(&socket, RxqOvfl, &1)?;
        at::alone(&socket, index)?;
        // What came before the filter was there fills the place of what is to be heard.
        let mut one = [std::mem::MaybeUninit::uninit(); 1];
        while socket.recv(&mut one).is_ok() {}
        Ok(Self { socket, index })
    }

    /// The interface it was made for, by number: another one of the same name is another one.
    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    /// The next frame that came in, if one waits; of one that is longer than the buffer, its beginning.
    pub(crate) fn next(&self, buffer: &mut [u8]) -> io::Result<Option<Taken>> {
        loop {
            let mut space = nix::cmsg_space!(TimeSpec, u32);
            let mut pieces = [IoSliceMut::new(buffer)];
            let read = recvmsg::<LinkAddr>(
                self.socket.as_raw_fd(),
                &mut pieces,
                Some(&mut space),
                MsgFlags::empty(),
            );
            let message = match read {
                Ok(message) => message,
                Err(nix::Error::EAGAIN) => return Ok(None),
                // It went down, which is told once: it is heard when it comes up, and what was heard before waits.
                Err(nix::Error::EINTR | nix::Error::ENETDOWN) => continue,
                Err(error) => return Err(error.into()),
            };
            let (mut seen, mut lost) = (None, 0);
            for one in message.cmsgs()? {
                match one {
                    ControlMessageOwned::ScmTimestampns(time) => seen = Some(Duration::from(time)),
                    ControlMessageOwned::RxqOvfl(count) => lost = count,
                    _ => {}
                }
            }
            let length = message.bytes;
            // Frames of other interfaces may have come before the filter was there.
            let ours = message.address.is_some_and(|from| {
                u32::try_from(from.ifindex()) == Ok(self.index) && from.pkttype() != OUTGOING
            });
            if let (true, Some(seen)) = (ours, seen) {
                return Ok(Some(Taken { length, seen, lost }));
            }
        }
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Bytes that the kernel keeps for an ear while it does not listen: some thousand datagrams.
const BUFFER: usize = 4 << 20;
/// How often an ear looks whether anybody still listens to it.
const LOOK: u16 = 500;

/// An ear for telemetry on one interface. A thread of its own takes from the kernel, so that its buffer is not full of what one sender
/// says while the engine is busy.
#[derive(Debug)]
pub struct Ear {
    index: u32,
    /// Of what was lost, how much was told.
    told: u64,
    heard: Arc<Heard>,
    /// Readable while something waits.
    waits: UnixStream,
}

/// What was taken from the kernel.
#[derive(Debug)]
struct Heard {
    shares: Mutex<Shared>,
    tell: UnixStream,
}

#[derive(Debug, Default)]
struct Shared {
    shares: Shares,
    /// Datagrams that the kernel had no place for.
    lost: u64,
    fault: Option<io::Error>,
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody should listen.
    fn wake(&self) {
        // A full pipe wakes as well.
        let _ = (&self.tell).write(&[0]);
    }
}

/// A datagram.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Datagram {
    /// Who sent it.
    pub from: IpAddr,
    /// What it says.
    pub payload: Vec<u8>,
    /// When the kernel saw it, since 1970.
    pub seen: Duration,
}

impl Ear {
    /// Listens on an interface, which must be there.
    pub fn new(interface: &str) -> io::Result<Self> {
        let tap = Tap::new(interface, filter::telemetry)?;
        // Without the right to more it has what all have.
        let _ = setsockopt(&tap.socket, RcvBufForce, &BUFFER)
            .or_else(|_| tap.socket.set_recv_buffer_size(BUFFER).map_err(|_| nix::Error::EPERM));
        let (tell, waits) = UnixStream::pair()?;
        tell.set_nonblocking(true)?;
        waits.set_nonblocking(true)?;
        let index = tap.index();
        let heard = Arc::new(Heard { shares: Mutex::default(), tell });
        let all = Arc::downgrade(&heard);
        thread::Builder::new().name("ear".to_owned()).spawn(move || listen(&tap, &all))?;
        Ok(Self { index, told: 0, heard, waits })
    }

    /// The interface it was made for, by number: another one of the same name is another one.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Datagrams that had no place and are lost, since the beginning, where there are more than were told: whoever sends enough
    /// of them keeps himself, and if he forges enough addresses others, from being heard. They are lost by the ear's own thread, at
    /// any time: it is no use to count before and behind what is taken.
    pub fn lost_since(&mut self) -> Option<u64> {
        let lost = {
            let shared = self.heard.lock();
            shared.lost + shared.shares.lost()
        };
        (lost > std::mem::replace(&mut self.told, lost)).then_some(lost)
    }

    /// Whether something waits that was not taken.
    pub fn holds(&self) -> bool {
        !self.heard.lock().shares.is_empty()
    }

    /// The next datagram, if one waits: of each sender in turn.
    pub fn take(&mut self) -> io::Result<Option<Datagram>> {
        if let Some(datagram) = self.heard.lock().shares.next() {
            return Ok(Some(datagram));
        }
        while matches!(self.waits.read(&mut [0; 64]), Ok(1..)) {}
        let mut shared = self.heard.lock();
        let next = shared.shares.next();
        if !shared.shares.is_empty() {
            // What told of it was read.
            self.heard.wake();
        }
        match (next, shared.fault.take()) {
            (Some(datagram), fault) => {
                shared.fault = fault;
                Ok(Some(datagram))
            }
            (None, Some(fault)) => Err(fault),
            (None, None) => Ok(None),
        }
    }
}

impl AsFd for Ear {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.waits.as_fd()
    }
}

/// Takes from the kernel what it has, until nobody listens any more.
fn listen(tap: &Tap, heard: &Weak<Heard>) {
    let mut buffer = [0; 2048];
    // Of what was lost before the first datagram nothing is known.
    let mut counted: Option<u32> = None;
    loop {
        let mut ready = [PollFd::new(tap.as_fd(), PollFlags::POLLIN)];
        // Whatever it says, it is looked at.
        let _ = poll(&mut ready, PollTimeout::from(LOOK));
        let Some(heard) = heard.upgrade() else { return };
        loop {
            let taken = match tap.next(&mut buffer) {
                Ok(Some(taken)) => taken,
                Ok(None) => break,
                Err(error) => {
                    heard.lock().fault = Some(error);
                    heard.wake();
                    return;
                }
            };
            let before = counted.replace(taken.lost).unwrap_or(taken.lost);
            let frame = buffer.get(..taken.length).unwrap_or_default();
            let datagram = udp(frame).map(|(from, payload)| Datagram {
                from,
                payload: payload.to_vec(),
                seen: taken.seen,
            });
            let mut shared = heard.lock();
            shared.lost += u64::from(taken.lost.wrapping_sub(before));
            let wakes = shared.shares.is_empty();
            if let Some(datagram) = datagram {
                shared.shares.put(datagram, Instant::now());
            }
            drop(shared);
            if wakes {
                heard.wake();
            }
            // Under a flood it never ends: then whether anybody listens is looked at now and then.
            if Arc::strong_count(&heard) == 1 {
                return;
            }
        }
    }
}

/// Sender and payload of a datagram in an Ethernet frame that is not tagged.
fn udp(frame: &[u8]) -> Option<(IpAddr, &[u8])> {
    let ip = frame.get(14..)?;
    let (from, datagram) = match frame.get(12..14)? {
        [0x08, 0x00] if *ip.get(9)? == 17 => {
            let header = usize::from(*ip.first()? & 0x0f) * 4;
            (IpAddr::from(*ip.get(12..)?.first_chunk::<4>()?), ip.get(header..)?)
        }
        [0x86, 0xdd] if *ip.get(6)? == 17 => {
            (IpAddr::from(*ip.get(8..)?.first_chunk::<16>()?), ip.get(40..)?)
        }
        _ => return None,
    };
    let length = usize::from(u16::from_be_bytes(*datagram.get(4..)?.first_chunk()?));
    Some((from, datagram.get(8..length.min(datagram.len()))?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn datagrams_of_both_families_are_taken_out() {
        let mut four =
            [&[0; 12][..], &[0x08, 0, 0x45, 0, 0, 31, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]]
                .concat();
        four.extend([0x38, 0xd6, 0x38, 0xd6, 0, 11, 0, 0, 0xfe, 1, 2, 99, 99]);
        assert_eq!(udp(&four), Some(("10.0.0.1".parse().unwrap(), &[0xfe, 1, 2][..])));
        let mut six = [&[0; 12][..], &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 9, 17, 64], &[0xfe; 32]].concat();
        six.extend([0x38, 0xd6, 0x38, 0xd6, 0, 9, 0, 0, 0xfd]);
        assert_eq!(udp(&six).map(|(_, payload)| payload), Some(&[0xfd][..]));
    }

    proptest! {
        #[test]
        fn no_frame_is_too_odd(frame in prop::collection::vec(any::<u8>(), 0..100), kind in any::<bool>()) {
            let mut frame = frame;
            if let Some(two) = frame.get_mut(12..14) {
                two.copy_from_slice(if kind { &[0x08, 0x00] } else { &[0x86, 0xdd] });
            }
            if let Some((_, payload)) = udp(&frame) {
                prop_assert!(payload.len() < frame.len());
            }
        }
    }
}
