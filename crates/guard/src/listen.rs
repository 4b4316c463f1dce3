//! Hears on an interface, whoever a frame is meant for, with the time at which the kernel saw it: telemetry of clients as
//! datagrams, and frames of other kinds.
//!
//! A filter in the kernel (`filter`) lets up only what may be of use. Leaves out fragments, and tagged frames.

mod at;
pub(crate) mod filter;

use std::{
    io::{self, IoSliceMut},
    net::IpAddr,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    time::Duration,
};

use nix::{
    net::if_::if_nametoindex,
    sys::socket::{
        ControlMessageOwned, LinkAddr, MsgFlags, recvmsg, setsockopt,
        sockopt::{ReceiveTimestampns, RxqOvfl},
    },
    sys::time::TimeSpec,
};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use filter::Step;

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

/// An ear for telemetry on one interface.
#[derive(Debug)]
pub struct Ear {
    tap: Tap,
    /// What the kernel counted as lost when the last frame came in: of what was lost before the first, nothing is known.
    counted: Option<u32>,
    lost: u64,
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
        Ok(Self { tap: Tap::new(interface, filter::telemetry)?, counted: None, lost: 0 })
    }

    /// The interface it was made for, by number: another one of the same name is another one.
    pub fn index(&self) -> u32 {
        self.tap.index()
    }

    /// Datagrams that had no place and are lost, since the beginning: whoever sends enough of them keeps others from being heard.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The next datagram, if one waits.
    pub fn take(&mut self) -> io::Result<Option<Datagram>> {
        let mut buffer = [0; 2048];
        while let Some(taken) = self.tap.next(&mut buffer)? {
            let before = self.counted.replace(taken.lost).unwrap_or(taken.lost);
            self.lost += u64::from(taken.lost.wrapping_sub(before));
            let frame = buffer.get(..taken.length).unwrap_or_default();
            if let Some((from, payload)) = udp(frame) {
                return Ok(Some(Datagram { from, payload: payload.to_vec(), seen: taken.seen }));
            }
        }
        Ok(None)
    }
}

impl AsFd for Ear {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tap.as_fd()
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
