//! Any bytes as either side of any protocol: the first byte chooses one of `ALL` (or the reader that finds out by
//! itself) and the second a place; then chunks follow their length of two bytes, whose highest bit says which side sent
//! it and whose next that the chunk was lost. Messages go on to what joins uploads and names that count themselves.
#![no_main]

use std::net::Ipv4Addr;

use creance_model::{Endpoint, Flow, InsideBasis, Message, Side, Timestamp, Transport};
use creance_wire::{
    ALL, At, Budget, Keep, Limits, Means, Piece, Progress, Reader, TunnelJoiner, UploadJoiner,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(([choice, place], rest)) = bytes.split_first_chunk::<2>() else { return };
    // Small limits, so that a short input reaches them.
    let limits = Limits {
        head: 4096,
        body: 32_768,
        bodies: Budget::new(65_536),
        decoded: 65_536,
        parts: 256,
        depth: 6,
        keep: if place & 0x40 == 0 { Keep::Outbound } else { Keep::All },
        lengths: true,
    };
    let udp = place & 0x80 != 0;
    let transport = match ALL.get(usize::from(*choice)).map(|protocol| protocol.name()) {
        Some("802.11") => Transport::Wifi,
        Some("bluetooth") => Transport::Bluetooth,
        _ if udp => Transport::Udp,
        _ => Transport::Tcp,
    };
    let flow = flow(transport, PORTS[usize::from(place & 31) % PORTS.len()]);
    let mut joiners = Joiners::default();
    let mut emit = |message: Message| joiners.take(&flow, &message, &limits);
    let emit = &mut emit;
    let Some(protocol) = ALL.get(usize::from(*choice)) else {
        let mut reader = Reader::new(&Means::default());
        for (number, chunk) in Chunks(rest).enumerate() {
            match chunk {
                Chunk::Sent(from, bytes) => reader.feed(&flow, from, bytes, at(number), &limits, emit),
                Chunk::Lost(from, bytes) => reader.gap(&flow, from, bytes, at(number), &limits, emit),
            }
        }
        reader.finish(&flow, &limits, emit);
        return joiners.finish(&limits);
    };
    let mut session = protocol.start(&Means::default());
    for (number, chunk) in Chunks(rest).enumerate() {
        let progress = match chunk {
            Chunk::Sent(from, bytes) => {
                protocol.probe(&flow, from, bytes);
                session.feed(&flow, from, bytes, at(number), &limits, emit)
            }
            Chunk::Lost(from, bytes) => session.gap(&flow, from, bytes, at(number), &limits, emit),
        };
        if progress == Progress::Done {
            break;
        }
    }
    session.finish(&flow, &limits, emit);
    let sent: u64 = session.readable().iter().sum();
    assert!(sent <= rest.len() as u64, "no more is read than was sent");
    joiners.finish(&limits);
});

/// What puts together what came in several messages.
#[derive(Default)]
struct Joiners {
    uploads: UploadJoiner,
    tunnels: TunnelJoiner,
}

impl Joiners {
    fn take(&mut self, flow: &Flow, message: &Message, limits: &Limits) {
        check(message, limits);
        self.uploads.answered(flow, message);
        if let Some(piece) = Piece::of(message) {
            for (_, joined) in self.uploads.take(flow, message, &piece, limits) {
                check(&joined, limits);
            }
        }
        if message.protocol == "dns"
            && message.kind == "query"
            && let Some((_, joined)) = self.tunnels.query(flow, message)
        {
            check(&joined, limits);
        }
    }

    fn finish(mut self, limits: &Limits) {
        for (_, joined) in self.uploads.finish(limits).into_iter().chain(self.tunnels.finish()) {
            check(&joined, limits);
        }
    }
}

fn check(message: &Message, limits: &Limits) {
    assert!(message.parts.len() <= limits.parts + ROOTS, "{} parts", message.parts.len());
    for (number, part) in message.parts.iter().enumerate() {
        assert!(part.parent().is_none_or(|parent| parent < number), "a part comes after its parent");
    }
    let ascending = message.packets.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(ascending, "packets are cited in order, each once: {:?}", message.packets);
}

/// Parts that a message has before anything is decoded: its target, its headers, its body.
const ROOTS: usize = 512;

const PORTS: &[u16] =
    &[80, 443, 53, 5353, 14550, 8883, 21, 25, 67, 123, 137, 547, 853, 1900, 1935, 3478, 8889, 44444];

enum Chunk<'a> {
    Sent(Side, &'a [u8]),
    Lost(Side, u64),
}

struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let (head, tail) = self.0.split_first_chunk::<2>()?;
        let head = u16::from_be_bytes(*head);
        let from = if head & 0x8000 == 0 { Side::Client } else { Side::Server };
        let length = usize::from(head & 0x3fff);
        if head & 0x4000 != 0 {
            self.0 = tail;
            return Some(Chunk::Lost(from, length as u64));
        }
        let (bytes, rest) = tail.split_at(tail.len().min(length));
        self.0 = rest;
        Some(Chunk::Sent(from, bytes))
    }
}

fn at(number: usize) -> At {
    At { packet: number as u64 + 1, time: Timestamp::from_nanos(number as i64) }
}

fn flow(transport: Transport, port: u16) -> Flow {
    Flow {
        id: 1,
        transport,
        client: Endpoint { ip: Ipv4Addr::new(192, 168, 42, 10).into(), port: 40_000 },
        server: Endpoint { ip: Ipv4Addr::new(203, 0, 113, 9).into(), port },
        inside: Some(Side::Client),
        inside_basis: InsideBasis::PrivateRange,
        first: Timestamp::from_nanos(0),
        client_mac: None,
        server_mac: None,
        app: None,
    }
}
