//! Kodo V1: blocks of 4 MiB, each of one request or several, over any connections.
//!
//! ```text
//! POST /mkblk/4194304       the beginning of a block   → {"ctx": "A", "offset": …}
//! POST /bput/A/1048576      more of it                 → {"ctx": "B", "offset": …}
//! POST /mkfile/<length>/…   B,D,E                        the blocks in their order
//! ```
//!
//! What a block is called stands in answers alone (field `upload_context`). An answer belongs to the request that its
//! connection sent last; of blocks that are sent before the one ahead was answered, none is named, and each is told alone.

use creance_model::{Flow, Message, Value};

use super::{MOST_UPLOADS, UploadJoiner, key, list, object::Upload, piece::named};
use crate::Limits;

impl UploadJoiner {
    /// Takes a message that came in: it may be the answer that a block waits for.
    pub fn answered(&mut self, flow: &Flow, message: &Message) {
        let Some(block) = self.open.iter_mut().find(|upload| upload.waits == Some(flow.id)) else { return };
        let interim = matches!(message.field("status"), Some(Value::Integer(100..200)));
        if message.kind != "response" || interim {
            return;
        }
        block.waits = None;
        if let Some(context) = message.text("upload_context") {
            block.key.1 =
                key(flow, &block.first, &named(block.first.text("host").unwrap_or_default(), context)).1;
        }
    }

    /// Whether a block that is sent now will know its answer: none before it waits on the same connection.
    pub(super) fn waits(&mut self, flow: &Flow) -> Option<u64> {
        let before = self.open.iter_mut().find(|upload| upload.waits == Some(flow.id));
        if let Some(before) = before {
            before.waits = None;
            return None;
        }
        Some(flow.id)
    }

    /// The object that a list of contexts makes.
    pub(super) fn of_blocks(
        &mut self,
        flow: &Flow,
        message: &Message,
        length: u64,
        limits: &Limits,
    ) -> Vec<(Flow, Message)> {
        let host = message.text("host").unwrap_or_default();
        let mut object: Option<Upload> = None;
        let contexts = list::contexts(message).filter(|contexts| contexts.len() <= MOST_UPLOADS);
        let (mut whole, mut apart) = (contexts.is_some(), false);
        for context in contexts.unwrap_or_default() {
            let key = key(flow, message, &named(host, context));
            let at = self.open.iter().position(|upload| upload.key == key);
            let Some(mut block) = at.and_then(|at| self.close(at)) else {
                (whole, apart) = (false, true);
                continue;
            };
            let object = object.get_or_insert_with(|| {
                let mut object = Upload::new(key, message);
                object.encodings.clone_from(&block.encodings);
                object
            });
            let sound = block.parts.reach() == block.parts.bytes();
            whole &= sound;
            object.fault = object.fault.or(block.fault);
            object.parts.contradicted |= block.parts.contradicted;
            for piece in block.parts.keep(|_| false) {
                object.parts.push(piece, apart || !sound);
                apart = false;
            }
        }
        let Some(mut object) = object else { return Vec::new() };
        // It is the last request that names the object; its own type is that of the list.
        object.first.fields.retain(|field| field.name != "content_type");
        object.ended_by(message);
        let seen = object.parts.bytes();
        object.joined(whole && seen == length, limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::flow, upload::Piece};
    use creance_model::{Carrier, Field, Parts, Side, Timestamp, Visibility};

    fn message(kind: &'static str, fields: &[(&'static str, &str)], body: &[u8]) -> Message {
        let text =
            |(name, value): &(&'static str, &str)| Field { name, value: Value::Text((*value).to_owned()) };
        Message {
            time: Timestamp::default(),
            protocol: "http/1",
            kind,
            from: if kind == "request" { Side::Client } else { Side::Server },
            visibility: Visibility::Clear,
            packets: vec![1],
            bytes: body.len() as u64,
            fields: fields.iter().map(text).collect(),
            parts: Parts::one(Carrier::Body, "request body", body),
        }
    }

    #[derive(Default)]
    struct Play {
        joiner: UploadJoiner,
        over: Vec<(String, bool)>,
    }

    impl Play {
        fn told(&mut self, over: Vec<(Flow, Message)>) {
            self.over.extend(over.into_iter().map(|(_, message)| {
                let complete = message.field("complete") == Some(&Value::Flag(true));
                (String::from_utf8(message.parts.first().unwrap().bytes().to_vec()).unwrap(), complete)
            }));
        }

        fn ask(&mut self, connection: u64, uri: &str, body: &str) {
            let request =
                message("request", &[("method", "POST"), ("host", "up"), ("uri", uri)], body.as_bytes());
            let flow = Flow { id: connection, ..flow() };
            let piece = Piece::of(&request).unwrap();
            let over = self.joiner.take(&flow, &request, &piece, &Limits::default());
            self.told(over);
        }

        fn answer(&mut self, connection: u64, context: &str) {
            let flow = Flow { id: connection, ..flow() };
            self.joiner.answered(&flow, &message("response", &[("upload_context", context)], b""));
        }

        fn end(mut self) -> Vec<(String, bool)> {
            let over = self.joiner.finish(&Limits::default());
            self.told(over);
            assert_eq!(self.joiner.held, 0);
            self.over
        }
    }

    #[test]
    fn blocks_are_put_in_order_by_what_the_store_calls_them() {
        let mut play = Play::default();
        play.ask(1, "/mkblk/6", "one");
        play.ask(2, "/mkblk/5", "three");
        play.answer(2, "C");
        play.answer(1, "A");
        play.ask(1, "/bput/A/3", "two");
        play.answer(1, "B");
        play.ask(1, "/mkfile/11/key/bw==", "B,C");
        assert_eq!(play.end(), [("onetwothree".to_owned(), true)]);
    }

    #[test]
    fn blocks_whose_answer_is_not_seen_or_not_sure_are_told_alone() {
        let mut play = Play::default();
        play.ask(1, "/mkblk/3", "one");
        play.ask(1, "/mkblk/3", "two");
        play.answer(1, "A");
        play.answer(1, "B");
        play.ask(2, "/mkblk/5", "three");
        play.answer(2, "C");
        play.ask(2, "/mkfile/11", "A,B,C");
        let alone = |text: &str| (text.to_owned(), false);
        assert_eq!(play.end(), [alone("three"), alone("one"), alone("two")]);
    }

    #[test]
    fn offsets_that_cannot_be_hide_nothing() {
        let mut play = Play::default();
        play.ask(1, "/mkblk/3", "one");
        play.answer(1, "A");
        play.ask(1, "/bput/A/18446744073709551615", "two");
        play.answer(1, "B");
        play.ask(1, "/mkblk/5", "three");
        play.answer(1, "C");
        play.ask(1, "/mkfile/11", "B,C");
        let alone = |text: &str| (text.to_owned(), false);
        assert_eq!(play.end(), [alone("two"), alone("onethree")]);
    }

    #[test]
    fn a_file_of_another_length_than_its_blocks_is_not_whole() {
        let mut play = Play::default();
        play.ask(1, "/mkblk/3", "one");
        play.answer(1, "A");
        play.ask(1, "/mkfile/4", "A,A");
        assert_eq!(play.end(), [("one".to_owned(), false)]);
    }
}
