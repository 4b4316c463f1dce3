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
mod list;
mod object;
mod part;
mod piece;

use std::{collections::VecDeque, net::IpAddr};

use creance_model::{Field, Flow, Message, Value, Visibility};

use crate::Limits;

use object::Upload;
use piece::Place;

pub use piece::Piece;

/// Uploads followed at one time. The oldest of more is told as far as it came.
const MOST_UPLOADS: usize = 256;

/// What the parts of all uploads may take, in bytes.
const MOST_BYTES: usize = 128 << 20;

/// Puts uploads together. What does not fit, or is not part of what comes out, is handed back to be looked at alone:
/// nothing that left is hidden by being called a part.
#[derive(Debug, Default)]
pub struct UploadJoiner {
    open: VecDeque<Upload>,
    /// What the parts of open uploads take.
    held: usize,
}

/// Who uploads what: one side's address, whether it could be read by all, and what [`Piece`] tells uploads apart by.
type Key = (IpAddr, Visibility, String);

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
        let key = (flow.end(message.from).ip, message.visibility, piece.upload.clone());
        let mut upload = match self.known(&key, piece) {
            Some(at) => self.close(at),
            None if piece.is_end() => return Vec::new(),
            None => Upload::new(key, flow, message),
        };
        let mut over = upload.take(message, piece, MOST_BYTES.saturating_sub(self.held), limits);
        // Whether the upload is over; and if so, whether all that the object is made of was seen.
        let whole = match piece.place {
            Place::End => Some(upload.numbered(message, &mut over, limits)),
            Place::List => Some(upload.listed(message, &mut over, limits)),
            Place::Range { whole: Some(whole), .. } => (upload.parts.reach() >= whole).then_some(true),
            _ => None,
        };
        if matches!(piece.place, Place::Block(_)) {
            // What it was called by is used up.
            upload.key.2.clear();
            upload.waits = waits;
        }
        match whole {
            Some(whole) => over.extend(upload.joined(whole, limits)),
            None => {
                self.held += upload.held();
                self.open.push_back(upload);
            }
        }
        if self.open.len() > MOST_UPLOADS {
            let mut oldest = self.close(0).joined(false, limits);
            if let Some((_, message)) = oldest.first_mut() {
                message
                    .fields
                    .push(Field { name: "limit", value: Value::Text("uploads at one time".to_owned()) });
            }
            over.extend(oldest);
        }
        over
    }

    /// The capture is over: what came of the uploads that were not ended.
    pub fn finish(&mut self, limits: &Limits) -> Vec<(Flow, Message)> {
        self.held = 0;
        let open = std::mem::take(&mut self.open);
        open.into_iter().flat_map(|upload| upload.joined(false, limits)).collect()
    }

    /// The upload that a piece belongs to. Two of one name may be under way at a time, of files of other lengths.
    fn known(&self, key: &Key, piece: &Piece) -> Option<usize> {
        if key.2.is_empty() {
            return None;
        }
        let same = |fits: &dyn Fn(Option<u64>) -> bool| {
            self.open.iter().position(|upload| upload.key == *key && fits(upload.whole))
        };
        match piece.place {
            Place::Range { whole: Some(whole), .. } => {
                same(&|known| known == Some(whole)).or_else(|| same(&|known| known.is_none()))
            }
            _ => same(&|_| true),
        }
    }

    /// Takes an upload out of those that are open.
    fn close(&mut self, at: usize) -> Upload {
        let upload = self.open.remove(at).expect("one of those that are open");
        self.held -= upload.held();
        upload
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::flow, http};
    use creance_model::{Carrier, Part, Side, Timestamp};

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
        let whole = told(&[part(2, b"two"), part(1, b"one"), part(3, b"three"), end(&[1, 2, 3])]);
        assert_eq!(whole, [(b"onetwothree".to_vec(), true, vec![1, 2, 3, 9])]);
        // Of a part that was sent twice with other bytes, nobody knows which the store took.
        let [first, second] = [message(7, part(1, b"bad")), message(8, part(1, b"one"))];
        let twice = told(&[first, part(2, b"two"), second, end(&[1, 2])]);
        assert_eq!(twice, [(b"bad".to_vec(), false, vec![7]), (b"onetwo".to_vec(), false, vec![2, 8])]);
    }

    fn message(packet: u64, message: Message) -> Message {
        Message { packets: vec![packet], ..message }
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
        assert_eq!(shorter, [("two".to_owned(), false), ("onet".to_owned(), false)]);
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
        assert_eq!(both, [(b"x".to_vec(), false, vec![1]), (b"xx".to_vec(), true, vec![1, 2])]);
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

    fn range(packet: u64, uri: &str, range: &str, body: &[u8]) -> Message {
        request("PUT", uri, &[("content-range", range)], body, packet)
    }

    #[test]
    fn a_list_that_is_cut_or_not_understood_makes_nothing_whole() {
        for end in [cut(end(&[1])), end(&[]), request("POST", "/o?uploadId=U", &[], b"<PartNumber>x", 9)] {
            assert_eq!(made(&[part(1, b"one"), end]), [("one".to_owned(), false)]);
        }
    }

    #[test]
    fn ranges_that_overlap_with_other_bytes_are_told_and_nothing_is_whole() {
        let ranges = [
            range(1, "/o", "bytes 0-3/6", b"abcd"),
            range(2, "/o", "bytes 2-5/6", b"XYef"),
            range(3, "/o", "bytes 2-5/6", b"cdef"),
        ];
        assert_eq!(
            told(&ranges),
            [(b"XYef".to_vec(), false, vec![2]), (b"abcdef".to_vec(), false, vec![1, 3])]
        );
    }

    #[test]
    fn files_that_go_to_one_address_at_a_time_are_kept_apart_by_length_name_or_session() {
        let named = |name: &str, text: &str, body: &[u8]| {
            let headers = [("content-range", text), ("content-disposition", name)];
            request("PUT", "/up", &headers, body, 1)
        };
        let whole = |text: &str| (text.to_owned(), true);
        let by_length = [
            range(1, "/up", "bytes 0-1/4", b"ab"),
            range(2, "/up", "bytes 0-1/3", b"AB"),
            range(3, "/up", "bytes 2-3/4", b"cd"),
            range(4, "/up", "bytes 2-2/3", b"C"),
        ];
        assert_eq!(made(&by_length), [whole("abcd"), whole("ABC")]);
        let by_name = [
            named("a", "bytes 0-1/4", b"ab"),
            named("b", "bytes 0-1/4", b"AB"),
            named("a", "bytes 2-3/4", b"cd"),
            named("b", "bytes 2-3/4", b"CD"),
        ];
        assert_eq!(made(&by_name), [whole("abcd"), whole("ABCD")]);
        let by_query = [
            range(1, "/up?id=1", "bytes 0-1/4", b"ab"),
            range(2, "/up?id=2", "bytes 2-3/4", b"CD"),
            range(3, "/up?id=1", "bytes 2-3/4", b"cd"),
        ];
        assert_eq!(made(&by_query), [whole("abcd"), ("CD".to_owned(), false)]);
        // The length may be told with the last range alone.
        let unknown = [range(1, "/up", "bytes 0-1/*", b"ab"), range(2, "/up", "bytes 2-3/4", b"cd")];
        assert_eq!(made(&unknown), [whole("abcd")]);
    }

    #[test]
    fn a_body_that_is_not_as_long_as_its_range_is_no_piece() {
        let envelope = range(1, "/o", "bytes 0-3/9", b"--b\r\n\r\nabcd\r\n--b--");
        assert_eq!(Piece::of(&envelope), None);
        assert_eq!(Piece::of(&range(1, "/o", "bytes 0-3/9", b"abc")), None);
        assert!(Piece::of(&cut(range(1, "/o", "bytes 0-3/9", b"abc"))).is_some());
        assert_eq!(Piece::of(&range(1, "/o", "bytes 0-3/3", b"abcd")), None);
        assert_eq!(Piece::of(&range(1, "/o", "bytes 0-18446744073709551615/*", b"abcd")), None);
    }

    #[test]
    fn bytes_behind_those_that_are_missing_take_no_place() {
        let mut gapped = range(1, "/o", "bytes 0-5/6", b"abef");
        gapped.fields.push(Field { name: "body_cut", value: Value::Text(http::MISSING.to_owned()) });
        let again = [gapped, range(2, "/o", "bytes 0-5/6", b"abcdef")];
        assert_eq!(told(&again), [(b"abef".to_vec(), false, vec![1]), (b"abcdef".to_vec(), true, vec![2])]);
    }

    #[test]
    fn an_encoding_is_taken_off_the_whole() {
        let mut packed = Vec::new();
        let mut gzip = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::default());
        std::io::Write::write_all(&mut gzip, &b"pilot@example.com ".repeat(50)).unwrap();
        gzip.finish().unwrap();
        let (one, two) = packed.split_at(packed.len() / 2);
        let coded = |number: u64, body: &[u8]| {
            let uri = format!("/o?partNumber={number}&uploadId=U");
            request("PUT", &uri, &[("content-encoding", "gzip")], body, number)
        };
        let (mut joiner, limits) = (UploadJoiner::default(), Limits::default());
        let mut over = Vec::new();
        for request in [coded(1, one), coded(2, two), end(&[1, 2])] {
            over.extend(joiner.take(&flow(), &request, &Piece::of(&request).unwrap(), &limits));
        }
        let (_, object) = &over[0];
        assert!(object.parts.iter().any(|part| part.bytes.starts_with(b"pilot@example.com pilot@")));
        assert_eq!(object.field("complete"), Some(&Value::Flag(true)));
    }

    #[test]
    fn a_part_is_told_with_the_time_and_size_that_it_had() {
        let at = |seconds: i64, message: Message| Message { time: Timestamp::from_secs(seconds), ..message };
        let requests = [at(5, part(1, b"one")), at(9, part(2, b"three")), at(10, end(&[1]))];
        let (mut joiner, limits) = (UploadJoiner::default(), Limits::default());
        let over: Vec<_> = requests
            .iter()
            .flat_map(|request| joiner.take(&flow(), request, &Piece::of(request).unwrap(), &limits))
            .map(|(_, message)| (message.time, message.bytes))
            .collect();
        assert_eq!(over, [(Timestamp::from_secs(9), 5), (Timestamp::from_secs(5), 3)]);
        assert_eq!(joiner.held, 0);
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
    fn a_list_that_names_a_block_often_takes_it_once_and_is_not_whole_and_others_are_told() {
        let block =
            |id: &str, body: &[u8]| request("PUT", &format!("/c/o?comp=block&blockid={id}"), &[], body, 1);
        let list = "<Latest>A</Latest>".repeat(1000);
        let end = request("PUT", "/c/o?comp=blocklist", &[], list.as_bytes(), 2);
        let whole = told(&[block("A", b"a"), block("B", b"b"), end]);
        assert_eq!(whole, [(b"b".to_vec(), false, vec![1]), (b"a".to_vec(), false, vec![1])]);
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
            (1000 - MOST_UPLOADS, MOST_UPLOADS, MOST_UPLOADS * (1000 + 8 + part::COST))
        );
    }
}
