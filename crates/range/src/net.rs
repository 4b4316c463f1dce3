//! The network of the range: hosts with a TCP/IP of their own, joined by a link in memory.
//!
//! ```text
//! app ─▶ TcpStream ─▶ smoltcp (phone) ─▶ ┐           ┌─▶ smoltcp (drone)
//!                                        ├─▶ link ─▶ ┤
//!                        tap ◀───────────┘           └─▶ smoltcp (world: every address there is) ─▶ TcpStream ─▶ clouds
//! ```
//!
//! Nothing here opens a socket of the machine: there is no network but this. Time is tokio's, paused: it moves on when
//! nobody has anything to do, so that a flight of twenty minutes takes seconds.

mod crossing;
mod frame;
mod link;
mod linux_headers;
mod nat;
mod quic;
mod tap;
mod tcp;
mod tunnel;
mod udp;

use std::{
    cell::Cell,
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use smoltcp::{
    iface::{Config, Interface, Route, SocketHandle, SocketSet},
    phy::{self, DeviceCapabilities, Medium},
    socket::tcp as smol,
    time::Instant as Ticks,
    wire::{EthernetAddress, HardwareAddress, IpCidr, IpListenEndpoint},
};
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};

pub(crate) use crossing::{Crossing, Side};
pub(crate) use link::Weather;
pub(crate) use quic::endpoint;
pub(crate) use tap::{Conversation, Tap};
pub(crate) use tcp::TcpStream;
pub(crate) use udp::UdpSocket;

use crate::vpn::Exit;
use frame::Headers;
use link::{Link, Outgoing};
use linux_headers::LinuxHeaders;
use tunnel::{Sealed, Tunnel};

/// Who is on the network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Host {
    /// The tablet with the app: the capture is taken at its interface.
    Phone,
    /// The aircraft.
    Drone,
    /// The router and all that lies behind it: it answers for every address.
    World,
}

const HOSTS: [Host; 3] = [Host::Phone, Host::Drone, Host::World];

impl Host {
    /// Its own address on the LAN.
    pub(crate) const fn ip(self) -> Ipv4Addr {
        match self {
            Self::Phone => Ipv4Addr::new(192, 168, 42, 10),
            Self::Drone => Ipv4Addr::new(192, 168, 42, 1),
            Self::World => Ipv4Addr::new(192, 168, 42, 129),
        }
    }

    /// Its own address of version 6: of the range for documentation (RFC 3849).
    pub(crate) const fn ip6(self) -> Ipv6Addr {
        Ipv6Addr::new(0x2001, 0xdb8, 0x42, 0, 0, 0, 0, self.mac().0[5] as u16)
    }

    /// Its own address of the version that another has.
    pub(crate) const fn ip_towards(self, other: IpAddr) -> IpAddr {
        match other {
            IpAddr::V4(_) => IpAddr::V4(self.ip()),
            IpAddr::V6(_) => IpAddr::V6(self.ip6()),
        }
    }

    /// Locally administered addresses: nobody's.
    const fn mac(self) -> EthernetAddress {
        match self {
            Self::Phone => EthernetAddress([0x02, 0x1c, 0x42, 0x00, 0x00, 0x0a]),
            Self::Drone => EthernetAddress([0x02, 0x1c, 0x42, 0x00, 0x00, 0x01]),
            Self::World => EthernetAddress([0x02, 0x1c, 0x42, 0x00, 0x00, 0x81]),
        }
    }
}

/// The network; clones are the same network.
#[derive(Clone)]
pub(crate) struct Net {
    inner: Arc<Mutex<Inner>>,
    work: Arc<Notify>,
}

struct Inner {
    begun: Instant,
    stacks: [Stack; 3],
    link: Link,
    /// The way between tablet and world, where it is not memory alone.
    crossing: Option<Crossing>,
    /// The tablet's VPN, if it has one.
    tunnel: Option<Tunnel>,
    tap: Tap,
    linux_headers: LinuxHeaders,
    /// What TCP timestamps were when it began, of each host in its own way.
    uptime: u32,
}

/// One host's TCP/IP.
struct Stack {
    host: Host,
    interface: Interface,
    sockets: SocketSet<'static>,
    port: Port,
    listeners: Vec<Listening>,
    /// Sockets that nobody holds any more, until they have said goodbye.
    leaving: Vec<SocketHandle>,
    next_port: u16,
}

/// A port on which connections are taken.
struct Listening {
    at: SocketAddr,
    hops: u8,
    /// The one that waits, and those whose handshake is under way.
    waiting: SocketHandle,
    shaking: Vec<SocketHandle>,
    taken: mpsc::UnboundedSender<TcpStream>,
}

/// What parts the tunnel's chance from that of all else.
const APART: u64 = 0x7475_6e6e_656c;

thread_local! {
    /// Milliseconds that TCP timestamps tell (RFC 7323): smoltcp asks a plain function for them.
    static MILLIS: Cell<u32> = const { Cell::new(0) };
}

impl Net {
    /// A network without traffic; it runs when [`Self::run`] is polled.
    pub(crate) fn new(seed: u64, weather: Weather, crossing: Option<Crossing>, exit: Option<Exit>) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        // Chance of its own: with a VPN and without, ports, numbers and losses are the same.
        let tunnel = exit.map(|exit| Tunnel::new(exit, fastrand::Rng::with_seed(seed ^ APART)));
        let stacks = HOSTS.map(|host| Stack::new(host, tunnel.as_ref(), &mut random));
        let link = Link::new(random.u64(..), weather);
        let uptime = random.u32(..);
        let (begun, tap, linux_headers) = (Instant::now(), Tap::default(), LinuxHeaders::default());
        let inner = Inner { begun, stacks, link, crossing, tunnel, tap, linux_headers, uptime };
        Self { inner: Arc::new(Mutex::new(inner)), work: Arc::default() }
    }

    /// Moves packets, for ever.
    pub(crate) async fn run(self) {
        loop {
            let next = self.lock().step(&self);
            match next {
                Some(at) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => {}
                        () = self.work.notified() => {}
                    }
                }
                None => self.work.notified().await,
            }
        }
    }

    /// Whether something may stand between tablet and world that keeps packets back.
    pub(crate) fn is_live(&self) -> bool {
        self.lock().crossing.is_some()
    }

    /// How long the network has been there.
    pub(crate) fn now(&self) -> Duration {
        self.lock().begun.elapsed()
    }

    /// What was captured; the network has nothing of it any more.
    pub(crate) fn take_tap(&self) -> Tap {
        std::mem::take(&mut self.lock().tap)
    }

    /// What was captured at the tablet's device of its VPN; nothing without one.
    pub(crate) fn take_inside(&self) -> Option<Tap> {
        self.lock().tunnel.as_mut().map(Tunnel::take_inside)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Whoever panicked with the lock held has ended the run already.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something to do at once.
    fn stir(&self) {
        self.work.notify_one();
    }
}

impl Inner {
    /// Moves all that is due, and says when to come again.
    fn step(&mut self, net: &Net) -> Option<Instant> {
        let now = self.begun.elapsed();
        let ticks = ticks(now);
        for index in 0..self.stacks.len() {
            self.poll(index, now, net);
        }
        let alive = self.tunnel.as_mut().map(|tunnel| tunnel.keep_alive(now));
        self.send_sealed(alive.unwrap_or_default(), now);
        while let Some((due, [from, to], frame)) = self.link.due(now) {
            let side = Side::of(from);
            match &self.crossing {
                Some(crossing) if side != Side::of(to) => {
                    for (side, frame) in crossing.cross(side, frame) {
                        // A frame of the kernel's own may be for nobody here.
                        let to = Headers::destination(&frame).filter(|host| Side::of(*host) == side);
                        let usual = if side == Side::World { Host::World } else { Host::Phone };
                        self.arrive(to.unwrap_or(usual), frame, due, net);
                    }
                }
                _ => self.arrive(to, frame, due, net),
            }
        }
        let polls = self.stacks.iter_mut().filter_map(|stack| {
            let at = stack.interface.poll_at(ticks, &stack.sockets)?;
            Some(Duration::from_micros(u64::try_from(at.total_micros()).unwrap_or_default()))
        });
        let alive = self.tunnel.as_ref().and_then(Tunnel::next);
        let soonest = polls.chain(self.link.next()).chain(alive).min()?;
        // Timers have milliseconds: one that is due already would never let time move on.
        Some(self.begun + soonest.max(now + Duration::from_millis(1)))
    }

    fn arrive(&mut self, to: Host, frame: Vec<u8>, due: Duration, net: &Net) {
        if to == Host::Phone {
            self.tap.take(due, &frame, Headers::of(&frame));
        }
        let mut answers = Vec::new();
        let frame = match &mut self.tunnel {
            Some(tunnel) => tunnel.leave(to, frame, due, &mut answers),
            None => Some(frame),
        };
        let now = self.begun.elapsed();
        self.send_sealed(answers, now);
        let index = HOSTS.iter().position(|host| *host == to).unwrap_or_default();
        if let (Some(stack), Some(frame)) = (self.stacks.get_mut(index), frame) {
            stack.port.inbox.push_back(frame);
        }
        self.poll(index, now, net);
    }

    fn send_sealed(&mut self, all: Vec<Sealed>, now: Duration) {
        for Sealed { from, mut frame, carries } in all {
            self.linux_headers.rewrite(&mut frame, self.uptime);
            let to = Headers::destination(&frame);
            self.link.send(&Outgoing { from, frame: &frame, carries }, to, now, &mut self.tap);
        }
    }

    fn poll(&mut self, index: usize, now: Duration, net: &Net) {
        let Some(stack) = self.stacks.get_mut(index) else { return };
        let millis = u32::try_from(now.as_millis() & 0xffff_ffff).unwrap_or_default();
        let begun = u32::try_from(index).map_or(0, |index| self.uptime.rotate_left(11 * index));
        MILLIS.set(begun.wrapping_add(millis));
        stack.interface.poll(ticks(now), &mut stack.port, &mut stack.sockets);
        stack.take_connections(net);
        let Stack { sockets, leaving, .. } = stack;
        leaving.retain(|handle| {
            let gone = sockets.get::<smol::Socket<'_>>(*handle).state() == smol::State::Closed;
            if gone {
                sockets.remove(*handle);
            }
            !gone
        });
        let from = stack.host;
        for mut frame in std::mem::take(&mut stack.port.outbox) {
            self.linux_headers.rewrite(&mut frame, self.uptime);
            let sealed = self.tunnel.as_mut().and_then(|tunnel| match from {
                Host::Phone => tunnel.enter(&frame, now),
                Host::World => tunnel.back(&frame, now),
                Host::Drone => None,
            });
            if let Some(sealed) = sealed {
                self.send_sealed(sealed, now);
                continue;
            }
            let to = Headers::destination(&frame);
            self.link.send(&Outgoing { from, frame: &frame, carries: None }, to, now, &mut self.tap);
        }
    }
}

impl Stack {
    fn new(host: Host, tunnel: Option<&Tunnel>, random: &mut fastrand::Rng) -> Self {
        let mut config = Config::new(HardwareAddress::Ethernet(host.mac()));
        config.random_seed = random.u64(..);
        let largest = HEAD + if tunnel.is_some() { tunnel::LARGEST } else { 1500 };
        let mut port = Port { inbox: VecDeque::new(), outbox: Vec::new(), largest };
        let mut interface = Interface::new(config, &mut port, Ticks::ZERO);
        interface.update_ip_addrs(|addresses| {
            // There is room for two.
            let _ = addresses.push(IpCidr::new(host.ip().into(), 24));
            let _ = addresses.push(IpCidr::new(host.ip6().into(), 64));
        });
        // A default route to itself makes the world answer for every address; the others send to it.
        let _ = interface.routes_mut().add_default_ipv4_route(Host::World.ip());
        let _ = interface.routes_mut().add_default_ipv6_route(Host::World.ip6());
        interface.set_any_ip(host == Host::World);
        if let Some(tunnel) = tunnel.filter(|_| host == Host::World) {
            let ways = tunnel.exit().map(|exit| Route {
                cidr: IpCidr::new(exit.into(), if exit.is_ipv4() { 32 } else { 128 }),
                via_router: Host::Phone.ip_towards(exit).into(),
                preferred_until: None,
                expires_at: None,
            });
            // There is room for four.
            interface.routes_mut().update(|routes| routes.extend(ways));
        }
        Self {
            host,
            interface,
            sockets: SocketSet::new(Vec::new()),
            port,
            listeners: Vec::new(),
            leaving: Vec::new(),
            next_port: random.u16(32_768..60_000),
        }
    }

    /// A port that no connection had yet.
    fn fresh_port(&mut self) -> u16 {
        self.next_port = if self.next_port >= 60_990 { 32_768 } else { self.next_port + 1 };
        self.next_port
    }

    /// Hands over connections whose handshake is done, and waits for the next.
    fn take_connections(&mut self, net: &Net) {
        for listening in &mut self.listeners {
            let state = self.sockets.get::<smol::Socket<'_>>(listening.waiting).state();
            if state != smol::State::Listen {
                listening.shaking.push(listening.waiting);
                listening.waiting = listen(&mut self.sockets, listening.at, listening.hops);
            }
            let sockets = &self.sockets;
            let shaken = listening.shaking.extract_if(.., |handle| {
                sockets.get::<smol::Socket<'_>>(*handle).state() != smol::State::SynReceived
            });
            for handle in shaken.collect::<Vec<_>>() {
                if let Some(stream) = TcpStream::of(net, self.host, handle, &self.sockets) {
                    // Nobody listens any more when the run is over.
                    let _ = listening.taken.send(stream);
                }
            }
        }
    }
}

fn listen(sockets: &mut SocketSet<'static>, at: SocketAddr, hops: u8) -> SocketHandle {
    let mut socket = tcp::socket();
    socket.set_hop_limit(Some(hops));
    // It is closed, and the port is not 0.
    let _ = socket.listen(IpListenEndpoint { addr: Some(at.ip().into()), port: at.port() });
    sockets.add(socket)
}

/// The host's end of the link.
struct Port {
    inbox: VecDeque<Vec<u8>>,
    outbox: Vec<Vec<u8>>,
    /// The largest frame that it sends.
    largest: usize,
}

/// Bytes before a packet in a frame of Ethernet, which carries 1500 of it.
const HEAD: usize = 14;

impl phy::Device for Port {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Ticks) -> Option<(Received, Sending<'_>)> {
        let frame = self.inbox.pop_front()?;
        Some((Received(frame), Sending(&mut self.outbox)))
    }

    fn transmit(&mut self, _: Ticks) -> Option<Sending<'_>> {
        Some(Sending(&mut self.outbox))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.largest;
        capabilities
    }
}

struct Received(Vec<u8>);

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

struct Sending<'a>(&'a mut Vec<Vec<u8>>);

impl phy::TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut frame = vec![0; length];
        let result = fill(&mut frame);
        self.0.push(frame);
        result
    }
}

fn ticks(time: Duration) -> Ticks {
    Ticks::from_micros(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
}

fn is_lan(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_multicast() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_multicast() || HOSTS.iter().any(|host| host.ip6() == ip),
    }
}

#[cfg(test)]
mod tests;
