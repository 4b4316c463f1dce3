//! Hears telemetry on an interface of clients, whoever it is meant for, with the time at which the kernel saw it.
//!
//! A filter in the kernel lets up only datagrams that begin as MAVLink does, so that an upload at full speed costs nothing.
//! Leaves out fragments, TCP and tagged frames.

use std::{
    io::{self, IoSliceMut},
    net::IpAddr,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    time::Duration,
};

use nix::{
    net::if_::if_nametoindex,
    sys::socket::{
        ControlMessageOwned, LinkAddr, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns,
    },
    sys::time::TimeSpec,
};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

/// `ETH_P_ALL`, in the order of the network.
const ALL: i32 = 0x0003_u16.to_be() as i32;
/// `PACKET_OUTGOING`: a frame that this machine sends.
const OUTGOING: u8 = 4;
/// Where a filter finds the number of the interface (`SKF_AD_OFF + SKF_AD_IFINDEX`).
const IFINDEX: u32 = 0xffff_f000 + 8;

/// An ear on one interface.
#[derive(Debug)]
pub struct Ear {
    socket: Socket,
    index: u32,
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
        let index = if_nametoindex(interface)?;
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(ALL)))?;
        socket.attach_filter(&filter(index))?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        // What came before the filter was there fills the place of what is to be heard.
        let mut one = [std::mem::MaybeUninit::uninit(); 1];
        while socket.recv(&mut one).is_ok() {}
        Ok(Self { socket, index })
    }

    /// The interface it was made for, by number: another one of the same name is another one.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The next datagram, if one waits.
    pub fn next(&self) -> io::Result<Option<Datagram>> {
        let mut buffer = [0; 2048];
        loop {
            let mut space = nix::cmsg_space!(TimeSpec);
            let mut pieces = [IoSliceMut::new(&mut buffer)];
            let read = recvmsg::<LinkAddr>(
                self.socket.as_raw_fd(),
                &mut pieces,
                Some(&mut space),
                MsgFlags::empty(),
            );
            let message = match read {
                Ok(message) => message,
                Err(nix::Error::EAGAIN) => return Ok(None),
                Err(nix::Error::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let seen = message.cmsgs()?.find_map(|one| match one {
                ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
                _ => None,
            });
            let length = message.bytes;
            // Frames of other interfaces may have come before the filter was there.
            let ours = message.address.is_some_and(|from| {
                u32::try_from(from.ifindex()) == Ok(self.index) && from.pkttype() != OUTGOING
            });
            let frame = buffer.get(..length).unwrap_or_default();
            if let (true, Some(seen), Some((from, payload))) = (ours, seen, udp(frame)) {
                return Ok(Some(Datagram { from, payload: payload.to_vec(), seen }));
            }
        }
    }
}

impl AsFd for Ear {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// How much a filter loads: two bytes, one.
const HALF: u16 = 0x08;
const BYTE: u16 = 0x10;

/// What lets up datagrams of IPv4 and IPv6 on an interface whose first byte is that of a frame of MAVLink.
fn filter(index: u32) -> [SockFilter; 19] {
    let load = |size: u16, at: u32| SockFilter::new(0x20 | size, 0, 0, at);
    let is = |value: u32, yes: u8, no: u8| SockFilter::new(0x15, yes, no, value);
    [
        load(0, IFINDEX),
        is(index, 0, 16),
        load(HALF, 12),
        is(0x0800, 0, 7),
        load(BYTE, 23),
        is(17, 0, 12),
        load(HALF, 20),
        SockFilter::new(0x45, 10, 0, 0x1fff), // a later fragment
        SockFilter::new(0xb1, 0, 0, 14),      // the length of the header
        SockFilter::new(0x50, 0, 0, 22),      // the first byte behind UDP
        SockFilter::new(0x05, 0, 0, 4),       // on to what it must be
        is(0x86dd, 0, 6),
        load(BYTE, 20),
        is(17, 0, 4),
        load(BYTE, 62),
        is(0xfe, 1, 0),
        is(0xfd, 0, 1),
        SockFilter::new(0x06, 0, 0, 0xffff),
        SockFilter::new(0x06, 0, 0, 0),
    ]
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
