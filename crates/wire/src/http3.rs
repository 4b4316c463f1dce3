//! HTTP/3 (RFC 9114): each request and its answer in a stream of QUIC, header compression in streams beside them.
//!
//! ```text
//! request, push  ┌──────┬────────┬─────────
//!                │ type │ length │ payload      HEADERS DATA* [HEADERS: trailers]
//!                └──────┴────────┴─────────
//! one direction  ┌──────┬───────
//!                │ type │ control: frames; push: its id, frames; encoder; decoder
//!                └──────┴───────
//! ```
//!
//! A message is told when its stream ends, is reset, or the connection is over. A header block that relies on what has
//! not come waits for it, and its stream with it. Left out, and counted as opaque: streams and frames of other kinds,
//! among them those of WebTransport.

mod half;
mod qpack;

use creance_model::{Flow, Side};

use crate::{At, Emit, Limits, http};

use half::{Half, Turn};

/// How a stream ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// All of it came.
    Whole,
    /// Its sender gave it up.
    Reset,
    /// Bytes of it are missing in the capture.
    Missing,
    /// More of it came out of order than is kept.
    Limit,
    /// There are too many.
    Many,
    /// The flow is over.
    Flow,
}

impl End {
    /// Why a message that was on its way is not whole.
    const fn why(self) -> Option<&'static str> {
        match self {
            Self::Whole => None,
            Self::Reset => Some("the stream was reset"),
            Self::Missing => Some(http::ENDS_EARLY),
            Self::Limit => Some("a stream beyond a limit"),
            Self::Many => Some("too many streams at once"),
            Self::Flow => Some("the flow ended within the message"),
        }
    }
}

/// What is spoken in the streams of one connection.
#[derive(Default)]
pub(crate) struct Http3 {
    sides: [Half; 2],
}

impl Http3 {
    /// Takes the next bytes of a stream; says how many bytes of each side were not read.
    #[expect(clippy::too_many_arguments, reason = "a stream, and what a session is given")]
    pub(crate) fn feed(
        &mut self,
        flow: &Flow,
        from: Side,
        id: u64,
        bytes: &[u8],
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> [u64; 2] {
        let mut turn = Turn { from, id, keep: limits.keeps(flow, from), limits, emit, unread: 0 };
        let (half, _) = self.halves(from);
        let mut stream = half.streams.remove(&id).unwrap_or_default();
        half.take(&mut stream, bytes, at, &mut turn);
        half.streams.insert(id, stream);
        let more = turn.unread;
        let mut unread = self.settle(flow, limits, turn.emit);
        if let Some(unread) = unread.get_mut(from.index()) {
            *unread += more;
        }
        unread
    }

    /// A stream is over; says how many bytes of it that counted as read are not.
    pub(crate) fn end(
        &mut self,
        flow: &Flow,
        from: Side,
        id: u64,
        how: End,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> u64 {
        let mut turn = Turn { from, id, keep: limits.keeps(flow, from), limits, emit, unread: 0 };
        let (half, _) = self.halves(from);
        if let Some(stream) = half.streams.remove(&id) {
            half.end(stream, how, &mut turn);
        }
        turn.unread
    }

    /// The flow is over: tells what is left; says how many bytes of each side that counted as read are not.
    pub(crate) fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) -> [u64; 2] {
        let mut unread = [0; 2];
        for (from, unread) in [Side::Client, Side::Server].into_iter().zip(&mut unread) {
            let ids: Vec<u64> = self.halves(from).0.streams.keys().copied().collect();
            for id in ids {
                *unread += self.end(flow, from, id, End::Flow, limits, emit);
            }
        }
        unread
    }

    /// Why bytes were not read, by [`Side::index`].
    pub(crate) fn opaque(&self) -> [Option<&'static str>; 2] {
        self.sides.each_ref().map(|half| half.cause)
    }

    fn halves(&mut self, from: Side) -> (&mut Half, &mut Half) {
        let [client, server] = &mut self.sides;
        if from == Side::Client { (client, server) } else { (server, client) }
    }

    /// Settings of one side are for the other's table; streams that waited for a table go on. Says how many bytes of each
    /// side were not read.
    fn settle(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) -> [u64; 2] {
        let mut unread = [0; 2];
        for (from, unread) in [Side::Client, Side::Server].into_iter().zip(&mut unread) {
            let (half, other) = self.halves(from);
            if let Some(capacity) = other.allows {
                half.decoder.allow(capacity);
            }
            while let Some((required, id)) = half.blocked.first().copied()
                && half.decoder.has(required)
            {
                half.blocked.pop_first();
                let keep = limits.keeps(flow, from);
                let mut turn = Turn { from, id, keep, limits, emit: &mut *emit, unread: 0 };
                let Some(mut stream) = half.streams.remove(&id) else { continue };
                stream.waits = None;
                half.read(&mut stream, &mut turn);
                if stream.ended && stream.waits.is_none() {
                    half.end(stream, End::Whole, &mut turn);
                } else {
                    half.streams.insert(id, stream);
                }
                *unread += turn.unread;
            }
        }
        unread
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::{
        half::{KIND, LOST},
        *,
    };
    use crate::fixture::flow;
    use creance_model::{Message, Timestamp};
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        [&[kind, u8::try_from(payload.len()).unwrap()], payload].concat()
    }

    /// What each stream says: the server's settings (a table of 220 bytes), the client's encoder as in RFC 9204 §B.2,
    /// two requests that rely on it, one of them with trailers, frames of no meaning, an answer.
    fn streams() -> Vec<(Side, u64, Vec<u8>)> {
        let encoder = hex("023fbd01c00f7777772e6578616d706c652e636f6dc10c2f73616d706c652f70617468");
        let head = [hex("03811011"), hex("d4")].concat();
        let one = [frame(1, &head), frame(0, b"one "), frame(0x21, b"grease"), frame(0, b"more")].concat();
        let trailers = frame(1, b"\0\0\x21t\x01v");
        vec![
            (Side::Server, 3, [&[0], frame(4, &[1, 0x40, 220]).as_slice()].concat()),
            (Side::Client, 2, encoder),
            (Side::Client, 0, [one, trailers].concat()),
            (Side::Client, 4, [frame(1, &head), frame(0, b"two")].concat()),
            (Side::Server, 0, frame(1, b"\0\0\xd9")),
        ]
    }

    /// Feeds pieces: the stream, and how many bytes of it; then ends all.
    fn told(order: &[(usize, usize)]) -> (Vec<Message>, u64, Http3) {
        let (mut http3, limits) = (Http3::default(), Limits::default());
        let (mut told, mut unread, mut streams) = (Vec::new(), 0, streams());
        let mut whole: Vec<(usize, usize)> = order.to_vec();
        whole.extend((0..streams.len()).map(|which| (which, usize::MAX)));
        for (packet, (which, length)) in (1..).zip(whole) {
            let at = At { packet, time: Timestamp::default() };
            let (from, id, rest) = &mut streams[which];
            let piece: Vec<u8> = rest.drain(..length.min(rest.len())).collect();
            unread += http3
                .feed(&flow(), *from, *id, &piece, at, &limits, &mut |one| told.push(one))
                .iter()
                .sum::<u64>();
            if length == usize::MAX && *id & 2 == 0 {
                unread += http3.end(&flow(), *from, *id, End::Whole, &limits, &mut |one| told.push(one));
            }
        }
        (told, unread, http3)
    }

    fn bodies(told: &[Message]) -> Vec<(&'static str, String, Vec<u8>)> {
        let body = |one: &Message| {
            let body = one.parts.iter().find(|part| part.is("request body"));
            let uri = one.text("uri").unwrap_or_default().to_owned();
            (one.kind, uri, body.map(|part| part.bytes().to_vec()).unwrap_or_default())
        };
        let mut told: Vec<_> = told.iter().map(body).collect();
        told.sort();
        told
    }

    fn expected() -> Vec<(&'static str, String, Vec<u8>)> {
        let uri = "/sample/path".to_owned();
        vec![
            ("request", uri.clone(), b"one more".to_vec()),
            ("request", uri, b"two".to_vec()),
            ("response", String::new(), Vec::new()),
        ]
    }

    #[test]
    fn a_request_cites_its_own_packets_and_what_is_not_read_is_counted() {
        let (told, unread, http3) = told(&[]);
        assert_eq!(bodies(&told), expected());
        let packets: Vec<_> = told.iter().map(|one| (one.kind, one.packets.clone())).collect();
        assert_eq!(packets, [("request", vec![3]), ("request", vec![4]), ("response", vec![5])]);
        assert_eq!(
            (told[0].text("host"), told[0].visibility),
            (Some("www.example.com"), creance_model::Visibility::Decrypted)
        );
        assert!(told[0].parts.iter().any(|part| part.is("header:t") && part.bytes() == b"v"), "trailers");
        assert_eq!((unread, http3.opaque()), (6, [Some(KIND), None]), "grease");
    }

    proptest! {
        #[test]
        fn neither_the_order_of_streams_nor_how_they_are_cut_changes_what_is_told(
            order in prop::collection::vec((0_usize..5, 1_usize..9), 0..60),
        ) {
            let (told, unread, http3) = told(&order);
            prop_assert_eq!(bodies(&told), expected());
            prop_assert_eq!(unread, 6);
            prop_assert!(http3.sides.iter().all(|half| half.held == 0 && half.blocked.is_empty()));
        }

        #[test]
        fn no_bytes_make_it_panic(pieces in prop::collection::vec((any::<bool>(), 0_u64..8, any::<Vec<u8>>(), any::<bool>()), 0..30)) {
            let (mut http3, limits) = (Http3::default(), Limits::default());
            let (mut fed, mut unread) = (0, 0);
            for (packet, (server, id, bytes, over)) in (1..).zip(&pieces) {
                let from = if *server { Side::Server } else { Side::Client };
                let at = At { packet, time: Timestamp::default() };
                fed += bytes.len() as u64;
                unread += http3.feed(&flow(), from, *id, bytes, at, &limits, &mut |_| {}).iter().sum::<u64>();
                if *over {
                    unread += http3.end(&flow(), from, *id, End::Whole, &limits, &mut |_| {});
                }
            }
            for (side, id) in (0..8).flat_map(|id| [(Side::Client, id), (Side::Server, id)]) {
                unread += http3.end(&flow(), side, id, End::Flow, &limits, &mut |_| {});
            }
            prop_assert!(unread <= fed, "{unread} of {fed}");
            prop_assert!(http3.sides.iter().all(|half| half.held == 0));
        }
    }

    #[test]
    fn what_never_came_closes_the_streams_that_rely_on_it() {
        let (mut http3, limits) = (Http3::default(), Limits::default());
        let at = At { packet: 1, time: Timestamp::default() };
        let (from, id, bytes) = streams().remove(2);
        assert_eq!(http3.feed(&flow(), from, id, &bytes, at, &limits, &mut |_| {}), [0; 2]);
        assert_eq!(http3.end(&flow(), from, id, End::Whole, &limits, &mut |_| {}), 0);
        let unread = http3.end(&flow(), from, id, End::Flow, &limits, &mut |_| {});
        assert_eq!((unread, http3.opaque()[0]), (bytes.len() as u64, Some(LOST)));
    }

    #[test]
    fn pushes_are_told_and_streams_of_other_kinds_are_opaque() {
        let (mut http3, limits) = (Http3::default(), Limits::default());
        let mut told = Vec::new();
        let promise = [frame(5, b"\x07\0\0\xd1\xc1"), frame(1, b"\0\0\xd9")].concat();
        let pushed = [&[1, 7][..], &frame(1, b"\0\0\xd9"), &frame(0, b"x")].concat();
        let others = [
            (Side::Client, 4, &b"\x40\x41\0raw"[..]),
            (Side::Server, 7, b"\x40\x54\0raw"),
            (Side::Server, 1, b"raw"),
        ];
        let read = [(Side::Server, 0, &promise[..]), (Side::Server, 15, &pushed[..])];
        for (which, (from, id, bytes)) in (1..).zip(read.into_iter().chain(others)) {
            let at = At { packet: which, time: Timestamp::default() };
            let unread = http3.feed(&flow(), from, id, bytes, at, &limits, &mut |one| told.push(one));
            http3.end(&flow(), from, id, End::Whole, &limits, &mut |one| told.push(one));
            assert_eq!(unread != [0; 2], which > 2, "{which}");
        }
        let kinds: Vec<_> = told.iter().map(|one| (one.kind, one.packets.clone())).collect();
        assert_eq!(kinds, [("push-promise", vec![1]), ("response", vec![1]), ("response", vec![2])]);
    }
}
