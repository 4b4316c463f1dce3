//! Objects put together again from the requests that carried their parts, whichever connections those took.
//!
//! ```text
//! S3, OSS, COS, OBS   PUT ?uploadId=U&partNumber=N …                       POST ?uploadId=U
//! Kodo                PUT /buckets/B/objects/K/uploads/U/N …               POST …/uploads/U
//! Kodo V1             POST /mkblk/… and /bput/…, see `upload/blocks.rs`    POST /mkfile/…: the blocks in order
//! Azure               PUT ?comp=block&blockid=I …                          PUT ?comp=blocklist: the blocks in order
//! resumed, appended   PUT with Content-Range, POST ?append&position=P …    the end of the range, or of the capture
//! ```

mod blocks;
mod piece;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    net::IpAddr,
};

use creance_model::{Carrier, Field, Flow, Message, Value, Visibility};

use crate::{Limits, body::Tree, http};

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

/// Packets listed for what is told beside an object or in place of it: of thousands of pieces each lists so many.
const FEW_PACKETS: usize = 64;

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
    /// Parts that are not all there, with why.
    cut: BTreeMap<u64, Value>,
    /// The numbers of named blocks.
    names: HashMap<String, u64>,
    packets: Vec<u64>,
    bytes: u64,
    /// Bytes kept, with what keeping costs.
    held: usize,
    /// How far ranges go from the beginning without gap.
    end: u64,
    ranged: bool,
    /// The connection on which a store is to answer how a block is called.
    waits: Option<u64>,
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
        if let Place::Blocks(length) = piece.place {
            return self.of_blocks(flow, message, &piece.upload, length, limits);
        }
        let waits = matches!(piece.place, Place::Block(_)).then(|| self.waits(flow)).flatten();
        let mut over = Vec::new();
        let key = (flow.end(message.from).ip, message.visibility, piece.upload.clone());
        let known = self.open.iter().position(|upload| upload.key == key && !piece.upload.is_empty());
        let mut upload = match known.and_then(|at| self.open.remove(at)) {
            Some(upload) => upload,
            None if piece.is_end() => return over,
            None => Upload {
                key,
                flow: flow.clone(),
                first: first(message),
                parts: BTreeMap::new(),
                cut: BTreeMap::new(),
                names: HashMap::new(),
                packets: Vec::new(),
                bytes: 0,
                held: 0,
                end: 0,
                ranged: matches!(piece.place, Place::Range { .. }),
                waits: None,
            },
        };
        upload.bytes += message.bytes;
        upload.cite(message);
        let body = body(message).to_vec();
        let number = match &piece.place {
            Place::At(number) | Place::Block(number) => Some(*number),
            Place::Range { from, .. } => Some(*from),
            Place::Named(name) => {
                let next = upload.names.len() as u64;
                Some(upload.names.get(name).copied().unwrap_or(next))
            }
            Place::End | Place::List | Place::Blocks(_) => None,
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
                let other = upload.place(number, body, why_cut(message));
                over.extend(other.and_then(|other| upload.told(other, false, limits)));
                upload.advance(number);
            } else {
                let limit = Field { name: "limit", value: Value::Text("parts of uploads".to_owned()) };
                let mut alone = message.clone();
                alone.fields.push(limit);
                over.push((flow.clone(), alone));
            }
        }
        // Whether the upload is over; and if so, whether all that the object is made of was seen.
        let list = || String::from_utf8_lossy(self::body(message));
        let over_with = match piece.place {
            Place::End => Some(upload.numbered(&list(), &mut over, limits)),
            Place::List => Some(upload.listed(&list(), &mut over, limits)),
            Place::Range { whole: Some(whole), .. } => (upload.end >= whole).then_some(true),
            _ => None,
        };
        if matches!(piece.place, Place::Block(_)) {
            // What it was called by is used up.
            upload.key.2.clear();
            upload.waits = waits;
        }
        if let Some(whole) = over_with {
            over.extend(self.joined(upload, whole, limits));
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
    fn joined(&mut self, mut upload: Upload, whole: bool, limits: &Limits) -> Vec<(Flow, Message)> {
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
        let complete = whole && !gaps && upload.cut.is_empty();
        stretches.into_iter().filter_map(|stretch| upload.told(stretch, complete, limits)).collect()
    }
}

impl Upload {
    fn cite(&mut self, message: &Message) {
        let room = MOST_PACKETS.saturating_sub(self.packets.len());
        self.packets.extend(message.packets.iter().take(room));
    }

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

    /// Puts a part into its place; gives back what is in the object no more, or never, and left all the same. A part
    /// that is sent again takes the place of the one before, unless it is cut, or a range within the one before.
    fn place(&mut self, number: u64, body: Vec<u8>, cut: Option<Value>) -> Option<Vec<u8>> {
        // A range that ends early is a shorter one; the rest of it may come as another.
        let cut = cut.filter(|why| !self.ranged || *why == Value::Text(http::MISSING.to_owned()));
        if let Some(before) = self.parts.get(&number) {
            let within = before.starts_with(&body);
            let worse = cut.is_some() && !self.cut.contains_key(&number);
            if worse || (within && (self.ranged || cut.is_some())) {
                return (!within).then_some(body);
            }
        }
        match cut {
            Some(why) => self.cut.insert(number, why),
            None => self.cut.remove(&number),
        };
        let before = self.parts.insert(number, body)?;
        let within = self.parts.get(&number).is_some_and(|now| now.starts_with(&before));
        (!within).then_some(before)
    }

    /// Keeps the numbered parts that a list names, and gives the others back; says whether all of them are there.
    /// Without a list, they are counted from one.
    fn numbered(&mut self, list: &str, over: &mut Vec<(Flow, Message)>, limits: &Limits) -> bool {
        let listed = numbers(list);
        if listed.is_empty() {
            return self.parts.keys().zip(1..).all(|(number, expected)| *number == expected);
        }
        let unlisted: Vec<u64> =
            self.parts.keys().filter(|number| !listed.contains(number)).copied().collect();
        for number in unlisted {
            self.cut.remove(&number);
            let part = self.parts.remove(&number);
            over.extend(part.and_then(|part| self.told(part, false, limits)));
        }
        self.parts.len() == listed.len()
    }

    /// Puts named blocks into the order of a list (`<Latest>…</Latest>`, Azure Put Block List); gives those back that it
    /// does not name; says whether all that it names are there.
    fn listed(&mut self, list: &str, over: &mut Vec<(Flow, Message)>, limits: &Limits) -> bool {
        let mut parts = std::mem::take(&mut self.parts);
        let mut cut = std::mem::take(&mut self.cut);
        let mut missing = false;
        for element in list.split('<').filter_map(|rest| {
            ["Latest>", "Uncommitted>", "Committed>"].iter().find_map(|tag| rest.strip_prefix(tag))
        }) {
            let name = element.trim();
            let Some(number) = self.names.get(name) else {
                missing = true;
                continue;
            };
            if let Some(part) = parts.remove(number) {
                let place = self.parts.len() as u64;
                self.parts.insert(place, part);
                self.cut.extend(cut.remove(number).map(|why| (place, why)));
            }
        }
        over.extend(parts.into_values().filter_map(|part| self.told(part, false, limits)));
        !missing
    }

    /// An object, or a piece of one, as a message.
    fn told(&self, object: Vec<u8>, complete: bool, limits: &Limits) -> Option<(Flow, Message)> {
        if object.is_empty() {
            return None;
        }
        let mut message = self.first.clone();
        message.kind = "upload";
        match (self.packets.get(..FEW_PACKETS - 1), self.packets.last()) {
            (Some(few), Some(last)) if !complete => message.packets = [few, &[*last]].concat(),
            _ => message.packets.clone_from(&self.packets),
        }
        message.packets.sort_unstable();
        message.packets.dedup();
        message.bytes = self.bytes;
        message.fields.push(Field { name: "complete", value: Value::Flag(complete) });
        let why = self.cut.values().next().filter(|_| !complete);
        message.fields.extend(why.map(|why| Field { name: "body_cut", value: why.clone() }));
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

/// What the first request of an upload says of all of it.
fn first(message: &Message) -> Message {
    let mut first = Message { parts: Vec::new(), packets: Vec::new(), ..message.clone() };
    first.fields.retain(|field| !matches!(field.name, "body_cut" | "limit"));
    first
}

/// Why a part is not all there, if it is not. Of one that the store copies from elsewhere, nothing is.
fn why_cut(message: &Message) -> Option<Value> {
    let copied = message.parts.iter().any(|part| {
        part.carrier == Carrier::Header && part.parent.is_none() && part.step.ends_with("-copy-source")
    });
    let copied = copied.then(|| Value::Text("a part that the store copied".to_owned()));
    message.field("body_cut").cloned().or(copied)
}

/// The numbers of the parts in a list: `<PartNumber>1</PartNumber>`, or `"partNumber": 1` (Kodo).
fn numbers(list: &str) -> BTreeSet<u64> {
    let tags = list.split("<PartNumber>").skip(1);
    let keys = list.split("\"partNumber\"").skip(1).map(|rest| rest.trim_start().trim_start_matches(':'));
    let number = |rest: &str| {
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end)?.parse().ok()
    };
    tags.chain(keys).filter_map(number).take(MOST_PARTS).collect()
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
        let end = request("POST", "/o?uploadId=U", &[], b"", 9);
        let whole = told(&[part(2, b"two"), part(1, b"bad"), part(3, b"three"), part(1, b"one"), end]);
        // What was replaced left as well.
        assert_eq!(
            whole,
            [(b"bad".to_vec(), false, vec![1, 2, 3]), (b"onetwothree".to_vec(), true, vec![1, 2, 3, 9])]
        );
    }

    fn part(number: u64, body: &[u8]) -> Message {
        request("PUT", &format!("/o?partNumber={number}&uploadId=U"), &[], body, number)
    }

    fn cut(mut message: Message) -> Message {
        message.fields.push(Field { name: "body_cut", value: Value::Text("the flow ended".to_owned()) });
        message
    }

    fn end(list: &[u64]) -> Message {
        let listed = |number| format!("<Part>\n<PartNumber>{number}</PartNumber><ETag>7</ETag></Part>");
        let list: String = list.iter().map(listed).collect();
        request("POST", "/o?uploadId=U", &[], format!("<Complete>{list}</Complete>").as_bytes(), 9)
    }

    /// Objects, and whether they are whole.
    fn made(requests: &[Message]) -> Vec<(String, bool)> {
        told(requests)
            .into_iter()
            .map(|(object, complete, _)| (String::from_utf8(object).unwrap(), complete))
            .collect()
    }

    #[test]
    fn what_was_broken_off_takes_no_place_of_what_is_whole() {
        // A connection that was lost may end long after its part was sent again.
        for parts in [[cut(part(2, b"t")), part(2, b"two")], [part(2, b"two"), cut(part(2, b"t"))]] {
            let [one, other] = parts;
            let made = made(&[part(1, b"one"), one, other, end(&[1, 2])]);
            assert_eq!(made, [("onetwo".to_owned(), true)]);
        }
        let shorter = made(&[part(1, b"one"), part(2, b"two"), part(2, b"t"), end(&[1, 2])]);
        assert_eq!(shorter, [("two".to_owned(), false), ("onet".to_owned(), true)]);
        let other = made(&[part(1, b"one"), part(2, b"two"), cut(part(2, b"x")), end(&[1, 2])]);
        assert_eq!(other, [("x".to_owned(), false), ("onetwo".to_owned(), true)]);
    }

    #[test]
    fn an_object_with_a_part_that_is_cut_copied_or_not_seen_is_not_whole() {
        let copied = request("PUT", "/o?partNumber=2&uploadId=U", &[("x-amz-copy-source", "/b/k")], b"", 2);
        for second in [cut(part(2, b"")), copied] {
            let made = made(&[part(1, b"one"), second, part(3, b"three"), end(&[1, 2, 3])]);
            assert_eq!(made, [("onethree".to_owned(), false)]);
        }
        assert_eq!(made(&[cut(part(1, b"on")), end(&[1])]), [("on".to_owned(), false)]);
        assert_eq!(made(&[part(2, b"two"), end(&[1, 2])]), [("two".to_owned(), false)]);
        assert_eq!(made(&[part(2, b"two"), part(4, b"four"), end(&[])]), [("twofour".to_owned(), false)]);
        assert_eq!(made(&[part(2, b"two"), part(4, b"four"), end(&[2, 4])]), [("twofour".to_owned(), true)]);
        let block = request("PUT", "/c/o?comp=block&blockid=A", &[], b"a", 1);
        let list = request("PUT", "/c/o?comp=blocklist", &[], b"<Latest>A</Latest><Latest>B</Latest>", 2);
        assert_eq!(made(&[block, list]), [("a".to_owned(), false)]);
    }

    #[test]
    fn the_object_is_of_the_parts_that_are_listed_and_others_are_told() {
        let made = made(&[part(1, b"one"), part(2, b"two"), part(3, b"three"), end(&[1, 3])]);
        assert_eq!(made, [("two".to_owned(), false), ("onethree".to_owned(), true)]);
        let uploads = "/buckets/b/objects/bw==/uploads/U";
        let part = |number| request("PUT", &format!("{uploads}/{number}"), &[], b"x", 1);
        let list = br#"{"parts":[{"partNumber": 2,"etag":"e"},{"etag":"e","partNumber":1}],"fname":"f"}"#;
        let end = request("POST", uploads, &[], list, 2);
        let both = told(&[part(1), part(2), part(3), end]);
        assert_eq!(both, [(b"x".to_vec(), false, vec![1, 2]), (b"xx".to_vec(), true, vec![1, 2])]);
    }

    #[test]
    fn a_range_that_is_sent_again_in_smaller_ones_is_not_shortened() {
        let range = |text: &str, body: &[u8]| request("PUT", "/o", &[("content-range", text)], body, 1);
        let ranges =
            [range("bytes 0-3/6", b"abcd"), range("bytes 0-1/6", b"ab"), range("bytes 4-5/6", b"ef")];
        assert_eq!(made(&ranges), [("abcdef".to_owned(), true)]);
        // The store had three bytes when the connection was lost.
        let resumed = [cut(range("bytes 0-5/6", b"abc")), range("bytes 3-5/6", b"def")];
        assert_eq!(made(&resumed), [("abcdef".to_owned(), true)]);
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
