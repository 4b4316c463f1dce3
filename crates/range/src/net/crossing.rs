//! The way between tablet and world, through the kernel: two TAP devices, and whatever joins them there.
//!
//! ```text
//! tablet's stack ─▶ link ─▶ [tablet] ═ the kernel: a bridge, a firewall, a gateway ═ [world] ─▶ world's stack
//! ```
//!
//! The scenario's time stands still while a frame crosses: what does not come out in [`PATIENCE`] was kept back, and what
//! comes late is taken with the next.

use std::{
    io,
    os::fd::AsRawFd,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use smoltcp::{
    phy::{Device, Medium, RxToken, TunTapInterface, TxToken, wait},
    time::Instant,
};

use super::Host;

/// How long is waited for a frame to come out, by the machine's clock.
const PATIENCE: Duration = Duration::from_millis(40);

/// An end of the way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    /// Tablet and aircraft.
    Tablet,
    World,
}

impl Side {
    pub(super) fn of(host: Host) -> Self {
        if host == Host::World { Self::World } else { Self::Tablet }
    }

    /// Its device.
    pub(crate) const fn device(self) -> &'static str {
        match self {
            Self::Tablet => "tablet",
            Self::World => "world",
        }
    }
}

type Frames = Vec<(Side, Vec<u8>)>;

/// Two devices, which are there as long as this is, or a [`Hold`] of it. They are held by a thread of their own: smoltcp's may not be sent to one.
pub(crate) struct Crossing {
    enters: Sender<(Side, Vec<u8>)>,
    leaves: Receiver<Frames>,
}

/// Lets the devices be there for longer.
pub(crate) struct Hold {
    _enters: Sender<(Side, Vec<u8>)>,
}

impl Crossing {
    /// Makes the devices, in the network namespace of the caller.
    pub(crate) fn new() -> io::Result<Self> {
        let (enters, entered) = channel();
        let (left, leaves) = channel();
        let (opened, open) = channel();
        thread::Builder::new().name("crossing".to_owned()).spawn(move || {
            let device = |side: Side| TunTapInterface::new(side.device(), Medium::Ethernet);
            let devices = device(Side::Tablet).and_then(|tablet| Ok([tablet, device(Side::World)?]));
            let devices = match devices {
                Ok(devices) => devices,
                Err(error) => return opened.send(Err(error)).unwrap_or_default(),
            };
            if opened.send(Ok(())).is_ok() {
                carry(devices, &entered, &left);
            }
        })?;
        open.recv().map_err(io::Error::other)??;
        Ok(Self { enters, leaves })
    }

    /// Holds the devices.
    pub(crate) fn hold(&self) -> Hold {
        Hold { _enters: self.enters.clone() }
    }

    /// Lets a frame in at a side, and gives what came out.
    pub(super) fn cross(&self, from: Side, frame: Vec<u8>) -> Frames {
        // A device that somebody took away carries nothing.
        let _ = self.enters.send((from, frame));
        self.leaves.recv().unwrap_or_default()
    }
}

/// Carries frames until nobody sends any.
fn carry(
    [mut tablet, mut world]: [TunTapInterface; 2],
    entered: &Receiver<(Side, Vec<u8>)>,
    left: &Sender<Frames>,
) {
    while let Ok((from, frame)) = entered.recv() {
        let (into, out) = match from {
            Side::Tablet => (&mut tablet, &world),
            Side::World => (&mut world, &tablet),
        };
        if let Some(token) = into.transmit(Instant::ZERO) {
            token.consume(frame.len(), |bytes| bytes.copy_from_slice(&frame));
        }
        // An error shows again where the device is read.
        let _ = wait(out.as_raw_fd(), Some(PATIENCE.into()));
        let mut frames = Frames::new();
        for (side, device) in [(Side::Tablet, &mut tablet), (Side::World, &mut world)] {
            while let Some((token, _)) = device.receive(Instant::ZERO) {
                frames.push((side, token.consume(<[u8]>::to_vec)));
            }
        }
        if left.send(frames).is_err() {
            return;
        }
    }
}
