//! The capture at the tablet: every frame that it sends and receives, and which packets a conversation had when.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use creance_capture::write::PcapngWriter;
use creance_model::{LinkType, Timestamp};

use super::Headers;

/// Two ends: the tablet's and the other's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Conversation {
    pub(crate) inside: SocketAddr,
    pub(crate) outside: SocketAddr,
    pub(crate) is_tcp: bool,
}

/// Frames in the order of their time.
#[derive(Default)]
pub(crate) struct Tap {
    pub(super) frames: Vec<Frame>,
}

pub(super) struct Frame {
    pub(super) time: Duration,
    pub(super) bytes: Vec<u8>,
    pub(super) headers: Option<Headers>,
}

impl Tap {
    pub(super) fn take(&mut self, time: Duration, bytes: &[u8], headers: Option<Headers>) {
        // Nearly sorted: what is sent is noted when it will have been sent.
        let at = self.frames.iter().rposition(|frame| frame.time <= time).map_or(0, |at| at + 1);
        self.frames.insert(at, Frame { time, bytes: bytes.to_vec(), headers });
    }

    /// How many packets there are.
    pub(crate) fn packets(&self) -> usize {
        self.frames.len()
    }

    /// The first and the last packet, counted from 1, that a conversation had within a time, and the bytes that it sent.
    pub(crate) fn span(
        &self,
        of: &Conversation,
        from: Duration,
        to: Duration,
    ) -> Option<([usize; 2], usize)> {
        let begin = self.frames.partition_point(|frame| frame.time < from);
        let end = self.frames.partition_point(|frame| frame.time <= to);
        let within = self.frames.get(begin..end)?.iter().enumerate().filter_map(|(at, frame)| {
            let headers = frame.headers.filter(|headers| headers.is_tcp == of.is_tcp)?;
            let outbound = (headers.from, headers.to) == (of.inside, of.outside);
            let inbound = (headers.to, headers.from) == (of.inside, of.outside);
            (outbound || inbound).then_some((begin + at + 1, if outbound { headers.payload } else { 0 }))
        });
        let mut span: Option<[usize; 2]> = None;
        let mut sent = 0;
        for (number, payload) in within {
            span = Some([span.map_or(number, |span| span[0]), number]);
            sent += payload;
        }
        Some((span?, sent))
    }

    /// Bytes of payload that were sent to an address.
    pub(crate) fn bytes_to(&self, ip: IpAddr) -> usize {
        let headers = self.frames.iter().filter_map(|frame| frame.headers);
        headers.filter(|headers| headers.to.ip() == ip).map(|headers| headers.payload).sum()
    }

    /// The capture as pcapng, which began at a time.
    pub(crate) fn pcapng(&self, begun: Timestamp, link: LinkType) -> io::Result<Vec<u8>> {
        let mut writer = PcapngWriter::new(Vec::new(), link, false)?;
        for frame in &self.frames {
            let time = begun.plus_nanos(i64::try_from(frame.time.as_nanos()).unwrap_or(i64::MAX));
            let length = u32::try_from(frame.bytes.len()).map_err(io::Error::other)?;
            writer.packet(time, length, &frame.bytes)?;
        }
        Ok(writer.into_inner())
    }
}
