//! Flows → messages: one application protocol per file.
//!
//! To add a protocol: write `src/<name>.rs`, or `<name>.rs` in the folder of its kind, and add it to [`ALL`]. The property tests, the fuzz target and
//! `creance messages` follow from the list.
#![warn(clippy::indexing_slicing)]

mod aws_chunked;
mod body;
mod datagram;
mod dns;
mod dtls;
#[cfg(test)]
mod fixture;
mod ftp;
mod guess;
mod heads;
mod held;
mod hkdf;
mod http;
mod http1;
mod http2;
mod http3;
mod ja4;
mod kept;
mod keys;
mod known;
mod lan;
mod lines;
mod links;
mod media;
mod mqtt;
mod quic;
mod reader;
mod recording;
mod smtp;
mod storage;
mod tls;
mod tunnel;
mod upload;
mod websocket;
mod x509;

use creance_model::{Direction, Flow, Message, Side, Timestamp};

pub use body::{expand, expanded, with_wal};
pub use dns::dns_answers;
pub use kept::Budget;
pub use keys::{Added, KeyLog};
pub use links::mavlink;
pub use reader::{Means, Reader};
pub use recording::{Conversation, Fault, Form, Next, Recording};
pub use tunnel::TunnelJoiner;
pub use upload::{Piece, UploadJoiner};

/// Every protocol that is read, in the order in which they are tried.
pub const ALL: &[&dyn Protocol] = &[
    &tls::Tls,
    &http2::Http2,
    &http1::Http1,
    &mqtt::Mqtt,
    &mavlink::Mavlink,
    &quic::Quic,
    &dns::Dns,
    &links::wifi::Wifi,
    &links::bluetooth::Bluetooth,
    &links::arsdk::Arsdk,
    &media::rtsp::Rtsp,
    &media::sip::Sip,
    &media::rtmp::Rtmp,
    &media::rtc::Rtc,
    &lan::ntp::Ntp,
    &lan::dhcp::Dhcp,
    &lan::dhcp::Dhcp6,
    &lan::ssdp::Ssdp,
    &links::tello::Tello,
    &lan::netbios::Netbios,
    &smtp::Smtp,
    &ftp::Ftp,
    // Its frames may begin anywhere in a datagram: what begins with its own head is asked first.
    &links::duml::Duml,
    &quic::Ongoing,
];

/// Takes messages as they become whole.
pub type Emit<'a> = &'a mut dyn FnMut(Message);

/// A protocol.
pub trait Protocol: Sync {
    /// Its name in outputs.
    fn name(&self) -> &'static str;

    /// Whether a flow that begins (or goes on, when its beginning was not seen) with these bytes may be it.
    fn probe(&self, flow: &Flow, from: Side, head: &[u8]) -> Probe;

    /// Begins to read a flow.
    fn start(&self, means: &Means) -> Box<dyn Session>;
}

/// An answer to "is it yours?".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Probe {
    /// It is.
    Yes,
    /// More bytes would tell.
    Perhaps,
    /// It is not.
    No,
}

/// The packet that brought bytes, and when.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Its number.
    pub packet: u64,
    /// When it was captured.
    pub time: Timestamp,
}

/// One flow being read: fed in order, never blocks, holds no more than [`Limits`] allow.
pub trait Session: Send {
    /// Reads what `from` sent next.
    fn feed(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: &[u8],
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> Progress;

    /// Bytes of `from` are missing here.
    fn gap(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: u64,
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> Progress;

    /// The flow is over: messages that end with it are emitted.
    fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>);

    /// Bytes whose content was read, by [`Side::index`].
    fn readable(&self) -> [u64; 2];

    /// Why bytes that were not read were not, by [`Side::index`], where the protocol knows.
    fn opaque(&self) -> [Option<&'static str>; 2] {
        [None; 2]
    }

    /// The name of what is read, where it differs within a protocol (`dns`, `mdns`).
    fn protocol(&self) -> &'static str;
}

/// What a session wants next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// More bytes.
    More,
    /// Nothing: all that can be read has been.
    Done,
}

/// Bounds on what is held and decoded. Reaching one puts a field `limit` on the message.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest head of an HTTP message, in bytes.
    pub head: usize,
    /// Longest body that is kept, in bytes; the rest is read and dropped.
    pub body: usize,
    /// What the bodies of all connections that wait to be whole may take together.
    pub bodies: Budget,
    /// Most bytes that decompression and decoding may give for one message.
    pub decoded: usize,
    /// Most parts of one message.
    pub parts: usize,
    /// Deepest nesting of parts.
    pub depth: usize,
    /// Of which messages the content is taken out.
    pub keep: Keep,
    /// Whether it is told how long uploads are that cannot be opened (`tls`, `opaque-upload`).
    pub lengths: bool,
}

/// Of which messages the content is taken out: bodies kept, parts made. Fields are told of all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// Of none: who talks to whom, and about what, is told without. Bodies are read to their end however long they are;
    /// limits of what is kept are not reached.
    Nothing,
    /// Of those that leave.
    Outbound,
    /// Of all.
    All,
}

impl Limits {
    /// Whether the content of what `from` sends is taken out.
    pub(crate) fn keeps(&self, flow: &Flow, from: Side) -> bool {
        match self.keep {
            Keep::Nothing => false,
            Keep::Outbound => flow.direction(from) == Direction::Outbound,
            Keep::All => true,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 64 << 10,
            body: 32 << 20,
            bodies: Budget::new(128 << 20),
            decoded: 64 << 20,
            parts: 20_000,
            depth: 12,
            keep: Keep::Outbound,
            lengths: false,
        }
    }
}
