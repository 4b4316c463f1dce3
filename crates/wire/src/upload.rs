//! Objects put together again from the requests that carried their parts, whichever connections those took.
//!
//! ```text
//! S3, OSS, COS, OBS   PUT ?uploadId=U&partNumber=N …                       POST ?uploadId=U
//! Kodo                PUT /buckets/B/objects/K/uploads/U/N …               POST …/uploads/U
//! Azure               PUT ?comp=block&blockid=I …                          PUT ?comp=blocklist: the blocks in order
//! resumed, appended   PUT with Content-Range, POST ?append&position=P …    the end of the range, or of the capture
//! ```

use std::collections::{BTreeMap, VecDeque};

use creance_model::{Carrier, Field, Flow, Message, Value};

use crate::{
    Limits,
    body::Tree,
    storage::{parameter, path},
};

/// Uploads followed at one time. The oldest of more is told as far as it came.
const MOST_UPLOADS: usize = 256;

/// Bytes of parts kept for all uploads.
const MOST_BYTES: usize = 128 << 20;

/// Packets listed for one object.
const MOST_PACKETS: usize = 1 << 16;

/// What a request is of an upload in several parts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Piece {
    /// What its upload is told from others by.
    upload: String,
    place: Place,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Place {
    /// A part by its number or offset; with its end, and the length of the whole where it is known.
    At(u64),
    Range {
        from: u64,
        whole: Option<u64>,
    },
    /// A block by its name.
    Named(String),
    /// No part: the request that ends the upload.
    End,
    /// No part: the names of the blocks, in order.
    List,
}

impl Piece {
    /// What a request that leaves is of an upload in several parts, if it is of one.
    pub fn of(message: &Message) -> Option<Self> {
        if message.kind != "request" {
            return None;
        }
        let (method, target) = (message.text("method")?, message.text("uri")?);
        let host = message.text("host").unwrap_or_default();
        let (put, post) = (method == "PUT", method == "POST");
        if !put && !post {
            return None;
        }
        let path = path(target);
        let place = |upload: String, place| Some(Self { upload, place });
        if let Some(id) = parameter(target, "uploadId") {
            let upload = format!("{host}/{path}?{id}");
            let number = parameter(target, "partNumber").and_then(|number| number.parse().ok());
            return match number {
                Some(number) if put => place(upload, Place::At(number)),
                None if post => place(upload, Place::End),
                _ => None,
            };
        }
        match parameter(target, "comp").as_deref() {
            Some("block") if put => {
                return place(format!("{host}/{path}"), Place::Named(parameter(target, "blockid")?));
            }
            Some("blocklist") if put => return place(format!("{host}/{path}"), Place::List),
            _ => {}
        }
        if let Some((before, rest)) = path.split_once("/uploads/")
            && before.starts_with("buckets/")
        {
            let (id, number) = rest.split_once('/').unwrap_or((rest, ""));
            let upload = format!("{host}/{before}?{id}");
            return match number.parse() {
                Ok(number) if put => place(upload, Place::At(number)),
                Err(_) if post => place(upload, Place::End),
                _ => None,
            };
        }
        if post
            && let Some(position) =
                parameter(target, "position").filter(|_| parameter(target, "append").is_some())
        {
            let from = position.parse().ok()?;
            return place(format!("{host}/{path}"), Place::Range { from, whole: None });
        }
        let range = message.parts.iter().find(|part| part.step == "header:content-range")?;
        let (from, whole) = content_range(std::str::from_utf8(&range.bytes).ok()?)?;
        let id = parameter(target, "upload_id").unwrap_or_default();
        place(format!("{host}/{path}?{id}"), Place::Range { from, whole })
    }
}

/// `bytes 0-99/200` (RFC 9110 §14.4): where the range begins, and the length of the whole.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, whole) = text.strip_prefix("bytes ")?.split_once('/')?;
    let from = range.split_once('-')?.0.parse().ok()?;
    Some((from, whole.parse().ok()))
}

/// Puts uploads together.
#[derive(Debug, Default)]
pub struct UploadJoiner {
    open: VecDeque<Upload>,
    held: usize,
}

#[derive(Debug)]
struct Upload {
    key: String,
    flow: Flow,
    first: Message,
    parts: BTreeMap<u64, Vec<u8>>,
    /// Names of blocks, by their numbers in order of arrival.
    names: Vec<String>,
    packets: Vec<u64>,
    bytes: u64,
    /// Parts that were not kept.
    refused: bool,
    ranged: bool,
}

impl UploadJoiner {
    /// Takes a piece of an upload, and the body that came with it; gives the objects that are over by that.
    pub fn take(
        &mut self,
        flow: &Flow,
        message: &Message,
        piece: &Piece,
        limits: &Limits,
    ) -> Vec<(Flow, Message)> {
        let mut over = Vec::new();
        let known = self.open.iter().position(|upload| upload.key == piece.upload);
        let body = body(message);
        let mut upload = match known.and_then(|at| self.open.remove(at)) {
            Some(upload) => upload,
            None if matches!(piece.place, Place::End | Place::List) => return over,
            None => Upload {
                key: piece.upload.clone(),
                flow: flow.clone(),
                first: Message { parts: Vec::new(), packets: Vec::new(), ..message.clone() },
                parts: BTreeMap::new(),
                names: Vec::new(),
                packets: Vec::new(),
                bytes: 0,
                refused: false,
                ranged: matches!(piece.place, Place::Range { .. }),
            },
        };
        upload.bytes += message.bytes;
        upload.packets.extend(message.packets.iter().take(MOST_PACKETS.saturating_sub(upload.packets.len())));
        let number = match &piece.place {
            Place::At(number) => Some(*number),
            Place::Range { from, .. } => Some(*from),
            Place::Named(name) => {
                let at = upload.names.iter().position(|known| known == name).unwrap_or(upload.names.len());
                if at == upload.names.len() {
                    upload.names.push(name.clone());
                }
                Some(at as u64)
            }
            Place::End | Place::List => None,
        };
        if let Some(number) = number {
            if self.held + body.len() <= MOST_BYTES {
                self.held += body.len();
                // A part that is sent again takes the place of the one before.
                if let Some(before) = upload.parts.insert(number, body) {
                    self.held -= before.len();
                }
            } else {
                upload.refused = true;
            }
        }
        let whole = match piece.place {
            Place::End => true,
            Place::List => {
                upload.listed(&String::from_utf8_lossy(&self::body(message)));
                true
            }
            Place::Range { whole: Some(whole), .. } => upload.reaches(whole),
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
        open.into_iter().filter_map(|upload| self.joined(upload, false, limits)).collect()
    }

    fn joined(&mut self, mut upload: Upload, ended: bool, limits: &Limits) -> Option<(Flow, Message)> {
        self.held -= upload.parts.values().map(Vec::len).sum::<usize>().min(self.held);
        let count = upload.parts.len();
        let mut object: Vec<u8> = Vec::new();
        let mut missing = upload.refused;
        for (from, part) in std::mem::take(&mut upload.parts) {
            if upload.ranged {
                // Ranges that were sent again overlap; what is missing between them ends the object.
                let have = object.len() as u64;
                if from > have {
                    missing = true;
                    break;
                }
                let known = usize::try_from(have - from).unwrap_or(usize::MAX);
                object.extend_from_slice(part.get(known..).unwrap_or_default());
            } else {
                object.extend_from_slice(&part);
            }
        }
        if object.is_empty() {
            return None;
        }
        upload.packets.sort_unstable();
        upload.packets.dedup();
        let mut message = upload.first;
        message.kind = "upload";
        message.packets = upload.packets;
        message.bytes = upload.bytes;
        let complete = ended && !missing;
        message.fields.push(Field {
            name: "upload_parts",
            value: Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)),
        });
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
        Some((upload.flow, message))
    }
}

impl Upload {
    /// Whether the ranges go without gap up to a length.
    fn reaches(&self, whole: u64) -> bool {
        let end =
            self.parts.iter().fold(
                0,
                |end: u64, (from, part)| {
                    if *from <= end { end.max(from + part.len() as u64) } else { end }
                },
            );
        end >= whole
    }

    /// Puts named blocks into the order of a list (`<Latest>…</Latest>`, Azure Put Block List).
    fn listed(&mut self, list: &str) {
        let mut ordered = BTreeMap::new();
        for element in list.split('<').filter_map(|rest| {
            ["Latest>", "Uncommitted>", "Committed>"].iter().find_map(|tag| rest.strip_prefix(tag))
        }) {
            let place = self.names.iter().position(|name| name == element.trim());
            if let Some(part) = place.and_then(|at| self.parts.get(&(at as u64))) {
                ordered.insert(ordered.len() as u64, part.clone());
            }
        }
        if ordered.len() == self.parts.len() {
            self.parts = ordered;
        }
    }
}

/// The body as it was meant to be stored: without the chunks of a signed stream (AWS Signature V4, `aws-chunked`).
fn body(message: &Message) -> Vec<u8> {
    let root = message.parts.iter().find(|part| part.carrier == Carrier::Body && part.parent.is_none());
    let bytes = root.map(|part| part.bytes.as_slice()).unwrap_or_default();
    let signed = message
        .parts
        .iter()
        .any(|part| part.step == "header:x-amz-content-sha256" && part.bytes.starts_with(b"STREAMING-"));
    if signed { unchunked(bytes) } else { bytes.to_vec() }
}

/// `length in hex;chunk-signature=…`, a line end, so many bytes, a line end.
fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        let (line, rest) = bytes.split_at(end + 1);
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let length =
            line.get(..digits).and_then(|hex| usize::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        let Some(length) = length.filter(|length| *length > 0) else { break };
        let chunk = rest.get(..length).unwrap_or(rest);
        plain.extend_from_slice(chunk);
        bytes = rest.get(length + 2..).unwrap_or_default();
    }
    plain
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
        assert_eq!(whole, [(b"onetwothree".to_vec(), true, vec![1, 2, 3, 9])]);
    }

    #[test]
    fn ranges_that_are_sent_again_count_once_and_a_gap_ends_the_object() {
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
            [(b"ab".to_vec(), false, vec![1])]
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
    fn signed_chunks_and_appended_pieces_are_undone() {
        let chunks =
            b"3;chunk-signature=ab\r\nabc\r\n2;chunk-signature=cd\r\nde\r\n0;chunk-signature=ef\r\n\r\n";
        assert_eq!(unchunked(chunks), b"abcde");
        let append = |position: u64, body: &[u8]| {
            request("POST", &format!("/o?append&position={position}"), &[], body, 1)
        };
        assert_eq!(told(&[append(0, b"ab"), append(2, b"cd")]), [(b"abcd".to_vec(), false, vec![1])]);
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
            (1000 - MOST_UPLOADS, MOST_UPLOADS, MOST_UPLOADS * 1000)
        );
    }
}
