//! The laboratory, with what plays in it: who sends, who answers, who says how the flight stands, and a witness.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use creance_model::FlightState;
use pnet_datalink::{Channel, DataLinkSender};

use super::{
    super::{
        Lab, SETTLE,
        rewrite::{Cast, UDP, ends, lasting, layout},
        within,
        witness::Witness,
    },
    ASKERS, Scene, Script,
    act::{Act, Kind, Tallied},
};
use crate::{
    Order, ask,
    evidence::telemetry,
    frames::{CLIENT, GATEWAY, GATEWAY_MAC, MAC},
};

/// What an aircraft of the laboratory says.
const SILENT: u8 = 0;
const STANDS: u8 = 1;
const FLIES: u8 = 2;

/// A change of belief takes no longer: ten seconds of standing after fifteen without a word of flight, on a machine that is busy.
const BELIEVED: Duration = Duration::from_mins(1);
/// Bytes, and packets, that are sent before it is waited until the witness has written them down.
const BYTES_AHEAD: usize = 256 << 10;
const PACKETS_AHEAD: usize = 64;
/// Datagrams of telemetry that are sent before the guard is waited for.
const UNHEARD: u64 = 16;
/// The kind of a frame that only the witness is to see: one for experiments (IEEE 802).
const MARK: [u8; 2] = [0x88, 0xb5];
const WAN_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x11];
const OUTSIDE_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x12];

/// The laboratory, with what plays in it.
pub(super) struct Stage {
    inside: Box<dyn DataLinkSender>,
    outside: Box<dyn DataLinkSender>,
    marks: Box<dyn DataLinkSender>,
    witness: Witness,
    marked: u64,
    flight: Arc<AtomicU8>,
    /// Since the witness was last waited for.
    ahead: (usize, usize),
    /// Telemetry within our side since the guard was last waited for, and how much it had heard then.
    said: (u64, u64),
}

impl Stage {
    pub(super) fn new(lab: &Lab, cast: &Cast) -> anyhow::Result<Self> {
        let mac = |mac: [u8; 6]| mac.map(|byte| format!("{byte:02x}")).join(":");
        // Segments that a network card was to cut are longer than a frame of Ethernet.
        for (side, link) in
            [("client", "eth0"), ("gateway", "lan0"), ("gateway", "wan0"), ("outside", "eth0")]
        {
            Lab::inside(side, &["ip", "link", "set", link, "mtu", "65535"])?;
        }
        Lab::inside("gateway", &["ip", "link", "set", "wan0", "address", &mac(WAN_MAC)])?;
        Lab::inside("outside", &["ip", "link", "set", "eth0", "address", &mac(OUTSIDE_MAC)])?;
        for ip in cast.all() {
            let (with, more): (String, &[&str]) =
                if ip.is_ipv4() { (format!("{ip}/24"), &[]) } else { (format!("{ip}/64"), &["nodad"]) };
            Lab::inside("client", &[&["ip", "addr", "replace", &with, "dev", "eth0"], more].concat())?;
        }
        // The kernels at either end know nothing of what is played, and must not answer it.
        for (side, own4, own6) in [("client", "10.77.0.1", "fd77::1"), ("outside", ASKERS[0], ASKERS[1])] {
            let rules = format!(
                "table inet quiet {{
                    chain here {{ type filter hook input priority 0; policy drop;
                        iifname lo accept; ip saddr {own4} accept; ip6 saddr {{ {own6}, fe80::/10 }} accept; }}
                    chain past {{ type filter hook forward priority 0; policy drop; }}
                }}"
            );
            Lab::inside(side, &["nft", &rules])?;
        }
        let flight = Arc::new(AtomicU8::new(SILENT));
        aircraft(&flight)?;
        Ok(Self {
            inside: raw("client", "eth0")?,
            outside: raw("outside", "eth0")?,
            marks: raw("gateway", "wan0")?,
            witness: Witness::outside(lab.folder.path().join("played.pcap"))?,
            marked: 0,
            flight,
            ahead: (0, 0),
            said: (0, 0),
        })
    }

    /// Tells what the case says of flight, and waits until the guard believes it. Gives what it believes.
    pub(super) fn enter(&mut self, lab: &Lab, flight: FlightState, act: &mut Act) -> anyhow::Result<String> {
        let run = lab.run();
        let say = |what| self.flight.store(what, Ordering::Relaxed);
        let operator = |order: &Order| {
            let answer = ask(&run, order)?;
            if answer.taken { Ok(()) } else { bail!("the guard does not take {order:?}: {}", answer.says) }
        };
        if state(lab)? == "released" && flight != FlightState::Off {
            // What an operator vouched for ends with the aircraft's own word, or with nothing known.
            operator(&Order::Fly { reason: "played".to_owned() })?;
            operator(&Order::Land { reason: "played".to_owned() })?;
        }
        match flight {
            FlightState::Flying => {
                say(FLIES);
                Self::believed(lab, &["airborne"])?;
            }
            FlightState::Ground => {
                say(STANDS);
                Self::believed(lab, &["grounded"])?;
            }
            FlightState::Off => {
                say(SILENT);
                if state(lab)? != "released" {
                    Self::believed(lab, &["unknown", "stale"])?;
                    // That it fell silent takes a release back, and is told within a turn.
                    thread::sleep(Duration::from_secs(1));
                    lab.release()?;
                }
                Self::believed(lab, &["released"])?;
            }
            FlightState::Unknown => {
                say(SILENT);
                Self::believed(lab, &["unknown", "stale"])?;
            }
        }
        thread::sleep(SETTLE);
        // What arrives meanwhile was sent by nobody.
        let frames = self.settle()?;
        act.take(&frames);
        state(lab)
    }

    fn believed(lab: &Lab, one_of: &[&str]) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let status = ask(&lab.run(), &Order::Status).with_context(|| lab.says())?.status;
            if status["enforcing"] == true && one_of.iter().any(|state| status["state"] == *state) {
                return Ok(());
            }
            if began.elapsed() > BELIEVED {
                bail!("the guard does not believe in {}: {}", one_of.join(" or "), lab.says());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sends a packet of our side.
    pub(super) fn send(
        &mut self,
        cast: &Cast,
        of: Option<(usize, Kind)>,
        recorded: &[u8],
        act: &mut Act,
    ) -> anyhow::Result<()> {
        let Some(packet) = cast.packet(recorded) else {
            act.scene.unsent += 1;
            return Ok(());
        };
        let frame = framed(&packet, station(&packet, cast), MAC);
        if !put(&mut *self.inside, &frame) {
            act.scene.unsent += 1;
            return Ok(());
        }
        act.sent.entry(lasting(&packet)).or_default().push_back(of);
        if let (Some((at, _)), Some(ends)) = (of, ends(&packet)) {
            act.by_ends.entry(ends).or_insert(at);
        }
        self.ahead = (self.ahead.0 + frame.len(), self.ahead.1 + 1);
        if self.ahead.0 > BYTES_AHEAD || self.ahead.1 > PACKETS_AHEAD {
            let frames = self.settle()?;
            act.take(&frames);
        }
        Ok(())
    }

    /// Waits now and then until the guard has heard what may be telemetry: at once it would be a flood, and close what is open.
    pub(super) fn is_heard(&mut self, lab: &Lab, packet: &[u8]) -> anyhow::Result<()> {
        let first = layout(packet).filter(|layout| layout.ends.protocol == UDP);
        if !first.is_some_and(|layout| matches!(packet.get(layout.above + 8), Some(0xfd | 0xfe))) {
            return Ok(());
        }
        self.said.0 += 1;
        if self.said.0 < UNHEARD {
            return Ok(());
        }
        let (said, before) = self.said;
        let (began, mut heard) = (Instant::now(), Self::heard(lab)?);
        while heard < before + said && began.elapsed() < Duration::from_secs(2) {
            thread::sleep(Duration::from_millis(2));
            heard = Self::heard(lab)?;
        }
        self.said = (0, heard);
        Ok(())
    }

    fn heard(lab: &Lab) -> anyhow::Result<u64> {
        let status = ask(&lab.run(), &Order::Status).with_context(|| lab.says())?.status;
        status["heard"].as_u64().context("the guard does not say how much it heard")
    }

    /// Answers, if what it answers arrived outside.
    pub(super) fn answer(
        &mut self,
        cast: &Cast,
        script: &Script,
        at: usize,
        recorded: &[u8],
        act: &mut Act,
    ) -> anyhow::Result<()> {
        let spoken = act.scene.told.get(&at).is_some_and(|told| told.sent > 0);
        if !spoken || script.conversations.get(at).is_none() || act.missed.contains(&at) {
            return Ok(());
        }
        for wait in [Duration::ZERO, Duration::from_millis(20)] {
            if !act.arrived.contains(&at) {
                thread::sleep(wait);
                let frames = self.settle()?;
                act.take(&frames);
            }
        }
        if !act.arrived.contains(&at) {
            act.missed.insert(at);
            return Ok(());
        }
        if let Some(packet) = cast.packet(recorded) {
            put(&mut *self.outside, &framed(&packet, WAN_MAC, OUTSIDE_MAC));
        }
        Ok(())
    }

    /// Waits until the witness has seen all that was sent; what it saw. While a packet waits for the gateway, a mark overtakes it: when
    /// that has been seen, the packet waits outside at most, and another mark comes behind it.
    fn settle(&mut self) -> anyhow::Result<Vec<Vec<u8>>> {
        self.ahead = (0, 0);
        Ok([self.mark()?, self.mark()?].concat())
    }

    /// Sends a mark, and waits until the witness has seen it; what it saw before.
    fn mark(&mut self) -> anyhow::Result<Vec<Vec<u8>>> {
        self.marked += 1;
        let number = self.marked.to_be_bytes();
        let mark = [&OUTSIDE_MAC[..], &WAN_MAC, &MARK, &number, &[0; 38]].concat();
        if !put(&mut *self.marks, &mark) {
            bail!("the outside's interface takes nothing");
        }
        let (began, mut frames) = (Instant::now(), Vec::new());
        loop {
            for frame in self.witness.news()? {
                if frame.get(12..14) != Some(&MARK[..]) {
                    frames.push(frame);
                } else if frame.get(14..22) == Some(&number[..]) {
                    return Ok(frames);
                }
            }
            if began.elapsed() > Duration::from_secs(15) {
                bail!("tcpdump outside does not see what arrives there");
            }
            thread::sleep(Duration::from_micros(300));
        }
    }

    /// Ends what is between two changes of flight.
    pub(super) fn end(&mut self, lab: &Lab, scenes: &mut [Scene], mut act: Act) -> anyhow::Result<()> {
        thread::sleep(SETTLE);
        let frames = self.settle()?;
        act.take(&frames);
        let Some(scene) = scenes.last_mut() else { return Ok(()) };
        let [_, after] = &mut scene.believed;
        *after = state(lab)?;
        let Tallied { told, within, strays, unsent } = act.scene;
        (scene.told, scene.within, scene.strays, scene.unsent) = (told, within, strays, unsent);
        Ok(())
    }
}

fn state(lab: &Lab) -> anyhow::Result<String> {
    let status = ask(&lab.run(), &Order::Status).with_context(|| lab.says())?.status;
    Ok(status["state"].as_str().unwrap_or_default().to_owned())
}

/// Whom a frame of our side is for: a station beside it, a group, all, or the gateway.
fn station(packet: &[u8], cast: &Cast) -> [u8; 6] {
    let Some(to) = ends(packet).map(|ends| ends.to) else { return GATEWAY_MAC };
    if cast.all().any(|ip| ip == to) {
        return [2, 0, 0, 0, 1, last(to)];
    }
    match to {
        IpAddr::V4(ip) if ip.is_broadcast() => [0xff; 6],
        IpAddr::V4(ip) if ip.is_multicast() => {
            let [_, b, c, d] = ip.octets();
            [1, 0, 0x5e, b & 0x7f, c, d]
        }
        IpAddr::V6(ip) if ip.is_multicast() => {
            let [.., a, b, c, d] = ip.octets();
            [0x33, 0x33, a, b, c, d]
        }
        _ => GATEWAY_MAC,
    }
}

fn last(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(ip) => ip.octets()[3],
        IpAddr::V6(ip) => ip.octets()[15],
    }
}

fn framed(packet: &[u8], to: [u8; 6], from: [u8; 6]) -> Vec<u8> {
    let kind: [u8; 2] =
        if packet.first().is_some_and(|first| first >> 4 == 6) { [0x86, 0xdd] } else { [8, 0] };
    [&to[..], &from, &kind, packet].concat()
}

/// Whether an interface takes a frame; it is asked again while it is busy.
fn put(sender: &mut dyn DataLinkSender, frame: &[u8]) -> bool {
    (0..50).any(|_| {
        let taken = sender.send_to(frame, None).is_some_and(|done| done.is_ok());
        if !taken {
            thread::sleep(Duration::from_millis(1));
        }
        taken
    })
}

fn raw(side: &'static str, interface: &'static str) -> anyhow::Result<Box<dyn DataLinkSender>> {
    within(side, move || {
        let all = pnet_datalink::interfaces();
        let link = all.iter().find(|one| one.name == interface).context("an interface is not there")?;
        match pnet_datalink::channel(link, pnet_datalink::Config::default())? {
            Channel::Ethernet(sender, _) => Ok(sender),
            _ => bail!("{interface} is no Ethernet"),
        }
    })
}

/// An aircraft that says five times a second what it is told to.
fn aircraft(flight: &Arc<AtomicU8>) -> anyhow::Result<()> {
    let socket = within("client", || Ok(std::net::UdpSocket::bind((CLIENT, 14_552))?))?;
    let flight = Arc::downgrade(flight);
    thread::spawn(move || {
        while let Some(flight) = flight.upgrade() {
            match flight.load(Ordering::Relaxed) {
                SILENT => {}
                says => drop(socket.send_to(&telemetry(1, says == FLIES), (GATEWAY, 14_550))),
            }
            drop(flight);
            thread::sleep(Duration::from_millis(200));
        }
    });
    Ok(())
}
