//! Objects put together again from the requests that carried their parts, whichever connections those took.
//!
//! ```text
//! S3, OSS, COS, OBS   PUT ?uploadId=U&partNumber=N …                       POST ?uploadId=U
//! Kodo                PUT /buckets/B/objects/K/uploads/U/N …               POST …/uploads/U
//! Azure               PUT ?comp=block&blockid=I …                          PUT ?comp=blocklist: the blocks in order
//! resumed, appended   PUT with Content-Range, POST ?append&position=P …    the end of the range, or of the capture
//! ```

mod piece;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::IpAddr,
};

use creance_model::{Carrier, Field, Flow, Message, Value, Visibility};

use crate::{Limits, body::Tree};

use piece::Place;

pub use piece::Piece;

/// Uploads followed at one time. The oldest of more is told as far as it came.
const MOST_UPLOADS: usize = 256;

/// Bytes of parts kept for all uploads.
const MOST_BYTES: usize = 128 << 20;

/// Parts of one upload; S3 allows ten thousand.
const MOST_PARTS: usize = 20_000;

/// What keeping a part costs beside its bytes.
const COST: usize = 64;

/// Packets listed for one object.
const MOST_PACKETS: usize = 1 << 16;

/// Puts uploads together. What does not fit, or is not part of what comes out, is handed back to be looked at alone:
/// nothing that left is hidden by being called a part.
#[derive(Debug, Default)]
pub struct UploadJoiner {
    open: VecDeque<Upload>,
    held: usize,
}

#[derive(Debug)]
struct Upload {
    key: (IpAddr, Visibility, String),
    flow: Flow,
    first: Message,
    parts: BTreeMap<u64, Vec<u8>>,
    /// The numbers of named blocks.
    names: HashMap<String, u64>,
    packets: Vec<u64>,
    bytes: u64,
    /// Bytes kept, with what keeping costs.
    held: usize,
    /// How far ranges go from the beginning without gap.
    end: u64,
    ranged: bool,
}

impl UploadJoiner {
    /// Takes a piece of an upload, and the body that came with it; gives the objects that are over by that, and what
    /// could not be kept.
    pub fn take(
        &mut self,
        flow: &Flow,
        message: &Message,
        piece: &Piece,
        limits: &Limits,
    ) -> Vec<(Flow, Message)> {
        let mut over = Vec::new();
        let key = (flow.end(message.from).ip, message.visibility, piece.upload.clone());
        let known = self.open.iter().position(|upload| upload.key == key);
        let mut upload = match known.and_then(|at| self.open.remove(at)) {
            Some(upload) => upload,
            None if piece.is_end() => return over,
            None => Upload {
                key,
                flow: flow.clone(),
                first: Message { parts: Vec::new(), packets: Vec::new(), ..message.clone() },
                parts: BTreeMap::new(),
                names: HashMap::new(),
                packets: Vec::new(),
                bytes: 0,
                held: 0,
                end: 0,
                ranged: matches!(piece.place, Place::Range { .. }),
            },
        };
        upload.bytes += message.bytes;
        upload.packets.extend(message.packets.iter().take(MOST_PACKETS.saturating_sub(upload.packets.len())));
        let body = body(message).to_vec();
        let number = match &piece.place {
            Place::At(number) => Some(*number),
            Place::Range { from, .. } => Some(*from),
            Place::Named(name) => {
                let next = upload.names.len() as u64;
                Some(upload.names.get(name).copied().unwrap_or(next))
            }
            Place::End | Place::List => None,
        };
        if let Some(number) = number {
            let name = match &piece.place {
                Place::Named(name) => name.as_str(),
                _ => "",
            };
            let cost = body.len() + name.len() + COST;
            if self.held + cost <= MOST_BYTES && upload.parts.len() < MOST_PARTS {
                if !name.is_empty() {
                    upload.names.insert(name.to_owned(), number);
                }
                (self.held, upload.held) = (self.held + cost, upload.held + cost);
                // A part that is sent again takes the place of the one before, which left all the same.
                if let Some(before) = upload.parts.insert(number, body)
                    && upload.parts.get(&number) != Some(&before)
                {
                    over.extend(upload.told(before, false, limits));
                }
                upload.advance(number);
            } else {
                let limit = Field { name: "limit", value: Value::Text("parts of uploads".to_owned()) };
                let mut alone = message.clone();
                alone.fields.push(limit);
                over.push((flow.clone(), alone));
            }
        }
        let whole = match piece.place {
            Place::End => true,
            Place::List => {
                over.extend(upload.listed(&String::from_utf8_lossy(self::body(message)), limits));
                true
            }
            Place::Range { whole: Some(whole), .. } => upload.end >= whole,
            _ => false,
        };
        if whole {
            over.extend(self.joined(upload, true, limits));
        } else {
            self.open.push_back(upload);
        }
        if self.open.len() > MOST_UPLOADS
            && let Some(oldest) = self.open.pop_front()
        {
            over.extend(self.joined(oldest, false, limits));
        }
        over
    }

    /// The capture is over: what came of the uploads that were not ended.
    pub fn finish(&mut self, limits: &Limits) -> Vec<(Flow, Message)> {
        let open = std::mem::take(&mut self.open);
        open.into_iter().flat_map(|upload| self.joined(upload, false, limits)).collect()
    }

    /// The object; of ranges with gaps between them, each stretch.
    fn joined(&mut self, mut upload: Upload, ended: bool, limits: &Limits) -> Vec<(Flow, Message)> {
        self.held = self.held.saturating_sub(upload.held);
        let mut stretches: Vec<Vec<u8>> = Vec::new();
        let mut reach = 0;
        let mut gaps = false;
        for (from, part) in std::mem::take(&mut upload.parts) {
            let end = from.saturating_add(part.len() as u64);
            match stretches.last_mut() {
                Some(last) if !upload.ranged => last.extend_from_slice(&part),
                // Ranges that were sent again overlap.
                Some(last) if from <= reach => {
                    let known = usize::try_from(reach - from).unwrap_or(usize::MAX);
                    last.extend_from_slice(part.get(known..).unwrap_or_default());
                }
                _ => {
                    gaps |= upload.ranged && from > 0;
                    stretches.push(part);
                }
            }
            reach = reach.max(end);
        }
        let complete = ended && !gaps;
        stretches.into_iter().filter_map(|stretch| upload.told(stretch, complete, limits)).collect()
    }
}

impl Upload {
    /// Goes on as far as ranges follow each other, from one that was just added.
    fn advance(&mut self, from: u64) {
        if !self.ranged || from > self.end {
            return;
        }
        while let Some((from, part)) = self.parts.range(..=self.end).next_back() {
            let end = from.saturating_add(part.len() as u64);
            if end <= self.end {
                break;
            }
            self.end = end;
        }
    }

    /// Puts named blocks into the order of a list (`<Latest>…</Latest>`, Azure Put Block List); gives those back that it
    /// does not name.
    fn listed(&mut self, list: &str, limits: &Limits) -> Vec<(Flow, Message)> {
        let mut parts = std::mem::take(&mut self.parts);
        for element in list.split('<').filter_map(|rest| {
            ["Latest>", "Uncommitted>", "Committed>"].iter().find_map(|tag| rest.strip_prefix(tag))
        }) {
            if let Some(part) = self.names.get(element.trim()).and_then(|number| parts.remove(number)) {
                self.parts.insert(self.parts.len() as u64, part);
            }
        }
        parts.into_values().filter_map(|part| self.told(part, false, limits)).collect()
    }

    /// An object, or a piece of one, as a message.
    fn told(&self, object: Vec<u8>, complete: bool, limits: &Limits) -> Option<(Flow, Message)> {
        if object.is_empty() {
            return None;
        }
        let mut message = self.first.clone();
        message.kind = "upload";
        message.packets.clone_from(&self.packets);
        message.packets.sort_unstable();
        message.packets.dedup();
        message.bytes = self.bytes;
        message.fields.push(Field { name: "complete", value: Value::Flag(complete) });
        let media_type = message.text("content_type").map(str::to_owned);
        let mut tree = Tree::new(limits);
        let part = tree.root(Carrier::Body, "object joined from its parts", object, None);
        tree.content(part, media_type.as_deref());
        let (parts, limit) = tree.done();
        message.parts = parts;
        message
            .fields
            .extend(limit.map(|limit| Field { name: "limit", value: Value::Text(limit.to_owned()) }));
        Some((self.flow.clone(), message))
    }
}

/// The body of a request.
fn body(message: &Message) -> &[u8] {
    let root = message.parts.iter().find(|part| part.carrier == Carrier::Body && part.parent.is_none());
    root.map(|part| part.bytes.as_slice()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::flow;
    use creance_model::{Part, Side, Timestamp, Visibility};

    fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: &[u8], packet: u64) -> Message {
        let text = |name, value: &str| Field { name, value: Value::Text(value.to_owned()) };
        let headers = headers.iter().map(|(name, value)| {
            Part::new(Carrier::Header, None, format!("header:{name}"), Some(name), *value)
        });
        Message {
            time: Timestamp::default(),
            protocol: "http/1",
            kind: "request",
            from: Side::Client,
            visibility: Visibility::Clear,
            packets: vec![packet],
            bytes: body.len() as u64,
            fields: vec![text("method", method), text("host", "store.example"), text("uri", uri)],
            parts: headers.chain([Part::new(Carrier::Body, None, "request body", None, body)]).collect(),
        }
    }

    /// Objects, whether they are whole, and the packets that they cite.
    fn told(requests: &[Message]) -> Vec<(Vec<u8>, bool, Vec<u64>)> {
        let (mut joiner, limits) = (UploadJoiner::default(), Limits::default());
        let mut over = Vec::new();
        for request in requests {
            let piece = Piece::of(request).unwrap();
            over.extend(joiner.take(&flow(), request, &piece, &limits));
        }
        over.extend(joiner.finish(&limits));
        over.into_iter()
            .map(|(_, message)| {
                let complete = message.field("complete") == Some(&Value::Flag(true));
                (message.parts.into_iter().next().unwrap().bytes, complete, message.packets)
            })
            .collect()
    }

    #[test]
    fn parts_are_joined_in_their_order_whenever_they_came() {
        let part = |number: u64, body: &[u8]| {
            request("PUT", &format!("/o?partNumber={number}&uploadId=U"), &[], body, number)
        };
        let end = request("POST", "/o?uploadId=U", &[], b"<Complete/>", 9);
        let whole = told(&[part(2, b"two"), part(1, b"bad"), part(3, b"three"), part(1, b"one"), end]);
        // What was replaced left as well.
        assert_eq!(
            whole,
            [(b"bad".to_vec(), false, vec![1, 2, 3]), (b"onetwothree".to_vec(), true, vec![1, 2, 3, 9])]
        );
    }

    #[test]
    fn ranges_that_are_sent_again_count_once_and_a_gap_parts_the_object() {
        let range =
            |text: &str, body: &[u8]| request("PUT", "/o?upload_id=U", &[("content-range", text)], body, 1);
        assert_eq!(
            told(&[
                range("bytes 0-3/9", b"abcd"),
                range("bytes 2-5/9", b"cdef"),
                range("bytes 6-8/9", b"ghi")
            ]),
            [(b"abcdefghi".to_vec(), true, vec![1])]
        );
        assert_eq!(
            told(&[range("bytes 0-1/9", b"ab"), range("bytes 4-5/9", b"ef")]),
            [(b"ab".to_vec(), false, vec![1]), (b"ef".to_vec(), false, vec![1])]
        );
    }

    #[test]
    fn blocks_are_put_into_the_order_of_the_list() {
        let block =
            |id: &str, body: &[u8]| request("PUT", &format!("/c/o?comp=block&blockid={id}"), &[], body, 1);
        let list = b"<BlockList><Latest>QQ==</Latest><Latest>Qg==</Latest></BlockList>";
        let end = request("PUT", "/c/o?comp=blocklist", &[], list, 2);
        assert_eq!(
            told(&[block("Qg%3D%3D", b"B"), block("QQ%3D%3D", b"A"), end]),
            [(b"AB".to_vec(), true, vec![1, 2])]
        );
    }

    #[test]
    fn appended_pieces_are_joined() {
        let append = |position: u64, body: &[u8]| {
            request("POST", &format!("/o?append&position={position}"), &[], body, 1)
        };
        assert_eq!(told(&[append(0, b"ab"), append(2, b"cd")]), [(b"abcd".to_vec(), false, vec![1])]);
    }

    #[test]
    fn a_list_that_names_a_block_often_takes_it_once_and_others_are_told() {
        let block =
            |id: &str, body: &[u8]| request("PUT", &format!("/c/o?comp=block&blockid={id}"), &[], body, 1);
        let list = "<Latest>A</Latest>".repeat(1000);
        let end = request("PUT", "/c/o?comp=blocklist", &[], list.as_bytes(), 2);
        let whole = told(&[block("A", b"a"), block("B", b"b"), end]);
        assert_eq!(whole, [(b"b".to_vec(), false, vec![1, 2]), (b"a".to_vec(), true, vec![1, 2])]);
    }

    #[test]
    fn a_range_that_does_not_begin_at_the_beginning_is_told() {
        let range = request("PUT", "/o", &[("content-range", "bytes 100-105/200")], b"secret", 1);
        assert_eq!(told(&[range]), [(b"secret".to_vec(), false, vec![1])]);
    }

    #[test]
    fn what_is_never_ended_is_bounded() {
        let (mut joiner, limits) = (UploadJoiner::default(), Limits::default());
        let mut over = 0;
        for number in 0..1000 {
            let request = request("PUT", &format!("/o{number}?partNumber=1&uploadId=U"), &[], &[7; 1000], 1);
            over += joiner.take(&flow(), &request, &Piece::of(&request).unwrap(), &limits).len();
        }
        assert_eq!(
            (over, joiner.open.len(), joiner.held),
            (1000 - MOST_UPLOADS, MOST_UPLOADS, MOST_UPLOADS * (1000 + COST))
        );
    }
}
