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

use std::collections::VecDeque;

use creance_model::{Flow, Message, Visibility};

use crate::Limits;

use object::Upload;
use part::Part;
use piece::{Name, Place};

pub use piece::Piece;

/// Uploads followed at one time. The oldest of more is told as far as it came.
const MOST_UPLOADS: usize = 256;

/// What the parts of all uploads may take, in bytes.
const MOST_BYTES: usize = 128 << 20;

/// What keeping one part may take beside its bytes and packets: its name stands in a head.
const MOST_OVERHEAD: usize = 128 << 10;

/// Puts uploads together. What does not fit, or is not part of what comes out, is handed back to be looked at alone:
/// nothing that left is hidden by being called a part.
#[derive(Debug, Default)]
pub struct UploadJoiner {
    open: VecDeque<Upload>,
    /// What the parts of open uploads take.
    held: usize,
}

/// Whether it could be read by all, and what an upload is told from others by: [`Piece`]'s name for it, and the sender's
/// address if that name is not one that a store made up.
type Key = (Visibility, String);

fn key(flow: &Flow, message: &Message, upload: &Name) -> Key {
    let name = match upload {
        Name::None => String::new(),
        Name::Given(id) => id.clone(),
        Name::Place(place) => format!("{} {place}", flow.end(message.from).ip),
    };
    (message.visibility, name)
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
            return self.of_blocks(flow, message, length, limits);
        }
        let waits = matches!(piece.place, Place::Block(_)).then(|| self.waits(flow)).flatten();
        let key = key(flow, message, &piece.upload);
        let mut upload = match self.known(&key, piece).and_then(|at| self.close(at)) {
            Some(upload) => upload,
            None if piece.is_end() => return Vec::new(),
            None => Upload::new(key, message),
        };
        let mut over = Vec::new();
        if piece.is_end() {
            upload.ended_by(message);
        } else {
            let part = Part::of(flow, message);
            // Of one that takes all the room there is, no other has to go.
            let needs = upload.held() + part.cost + MOST_OVERHEAD;
            while needs <= MOST_BYTES && self.held + needs > MOST_BYTES && !self.open.is_empty() {
                over.extend(self.evict("parts of uploads", limits));
            }
            over.extend(upload.take(part, piece, MOST_BYTES - self.held.min(MOST_BYTES), limits));
        }
        // Whether the upload is over; and if so, whether all that the object is made of was seen.
        let whole = match piece.place {
            Place::End => upload.numbered(message, &mut over, limits),
            Place::List => upload.listed(message, &mut over, limits),
            Place::Range { whole, .. } => upload.reaches(whole),
            Place::Length(whole) => upload.reaches(Some(whole)),
            _ => None,
        };
        if matches!(piece.place, Place::Block(_)) {
            // What it was called by is used up.
            upload.key.1.clear();
            upload.waits = waits;
        }
        if let Some(whole) = whole {
            over.extend(upload.joined(whole, limits));
        } else {
            self.held += upload.held();
            self.open.push_back(upload);
        }
        if self.open.len() > MOST_UPLOADS {
            over.extend(self.evict("uploads at one time", limits));
        }
        over
    }

    /// Tells the upload that nothing was heard of for longest, to make room.
    fn evict(&mut self, limit: &'static str, limits: &Limits) -> Vec<(Flow, Message)> {
        let mut oldest = self.close(0).map_or_else(Vec::new, |oldest| oldest.joined(false, limits));
        if let Some((_, message)) = oldest.first_mut() {
            message.fields.push(object::reached(limit));
        }
        oldest
    }

    /// The capture is over: what came of the uploads that were not ended.
    pub fn finish(&mut self, limits: &Limits) -> Vec<(Flow, Message)> {
        self.held = 0;
        let open = std::mem::take(&mut self.open);
        open.into_iter().flat_map(|upload| upload.joined(false, limits)).collect()
    }

    /// The upload that a piece belongs to. Two of one name may be under way at a time, of files of other lengths.
    fn known(&self, key: &Key, piece: &Piece) -> Option<usize> {
        if key.1.is_empty() {
            return None;
        }
        let same = |fits: &dyn Fn(Option<u64>) -> bool| {
            self.open.iter().position(|upload| upload.key == *key && fits(upload.whole))
        };
        match piece.place {
            Place::Range { whole: Some(whole), .. } | Place::Length(whole) => {
                same(&|known| known == Some(whole)).or_else(|| same(&|known| known.is_none()))
            }
            _ => same(&|_| true),
        }
    }

    /// Takes an upload out of those that are open.
    fn close(&mut self, at: usize) -> Option<Upload> {
        let upload = self.open.remove(at)?;
        self.held -= upload.held();
        Some(upload)
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use crate::{body::Tree, fixture::flow, http};
    use creance_model::{Carrier, Field, Side, Step, Timestamp, Value};

    fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: &[u8], packet: u64) -> Message {
        let text = |name, value: &str| Field { name, value: Value::Text(value.to_owned()) };
        let limits = Limits::default();
        let mut tree = Tree::new(&limits);
        for (name, value) in headers {
            tree.root(Carrier::Header, Step::Of("header", name), *value, None);
        }
        let root = tree.root(Carrier::Body, "request body", body, None);
        tree.content(root, None);
        Message {
            time: Timestamp::default(),
            protocol: "http/1",
            kind: "request",
            from: Side::Client,
            visibility: Visibility::Clear,
            packets: vec![packet],
            bytes: body.len() as u64,
            fields: vec![text("method", method), text("host", "store.example"), text("uri", uri)],
            parts: tree.done().0,
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
                (message.parts.first().unwrap().bytes().to_vec(), complete, message.packets)
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
            assert_eq!(made, [("one".to_owned(), false), ("three".to_owned(), false)]);
        }
        assert_eq!(made(&[cut(part(1, b"on")), end(&[1])]), [("on".to_owned(), false)]);
        assert_eq!(made(&[part(2, b"two"), end(&[1, 2])]), [("two".to_owned(), false)]);
        let apart = [("two".to_owned(), false), ("four".to_owned(), false)];
        assert_eq!(made(&[part(2, b"two"), part(4, b"four"), end(&[])]), apart);
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
        assert!(object.parts.iter().any(|part| part.bytes().starts_with(b"pilot@example.com pilot@")));
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
    fn a_list_counts_as_it_is_read_and_what_it_does_not_say_is_not_known() {
        let block =
            |id: &str, body: &[u8]| request("PUT", &format!("/c/o?comp=block&blockid={id}"), &[], body, 1);
        let list =
            |list: &str| request("PUT", "/c/o?comp=blocklist", &[], format!("<L>{list}</L>").as_bytes(), 2);
        let spaced = list("<Latest>A</Latest><Latest xml:space=\"preserve\">B</Latest>");
        assert_eq!(made(&[block("A", b"a"), block("B", b"b"), spaced]), [("ab".to_owned(), true)]);
        // What was in the object before is not what is sent now.
        let before = list("<Committed>A</Committed><Latest>B</Latest>");
        let told = made(&[block("A", b"a"), block("B", b"b"), before]);
        assert_eq!(told, [("a".to_owned(), false), ("b".to_owned(), false)]);
        let twice = made(&[part(1, b"one"), end(&[1, 1])]);
        assert_eq!(twice, [("one".to_owned(), false)]);
        // A store's client sends again what was not answered.
        assert_eq!(made(&[part(1, b"one"), cut(end(&[1])), end(&[1])]), [("one".to_owned(), true)]);
    }

    #[test]
    fn an_id_that_a_store_made_up_is_enough() {
        let id = "0004B9894A22E5B1888A1E29F823";
        let via = |host: &str, mut message: Message| {
            message.fields[1].value = Value::Text(host.to_owned());
            message
        };
        let part = |number: u64, body: &[u8]| {
            request("PUT", &format!("/o?partNumber={number}&uploadId={id}"), &[], body, number)
        };
        let end = Message {
            parts: end(&[1, 2]).parts,
            ..request("POST", &format!("/o?uploadId={id}"), &[], b"", 9)
        };
        let made = made(&[via("up-1.example", part(1, b"one")), via("up-2.example", part(2, b"two")), end]);
        assert_eq!(made, [("onetwo".to_owned(), true)]);
    }

    #[test]
    fn the_length_may_come_with_any_range_or_alone() {
        let early = [range(1, "/o", "bytes 2-3/4", b"cd"), range(2, "/o", "bytes 0-1/*", b"ab")];
        assert_eq!(made(&early), [("abcd".to_owned(), true)]);
        let last = [range(1, "/o", "bytes 0-3/*", b"abcd"), range(2, "/o", "bytes */4", b"")];
        assert_eq!(made(&last), [("abcd".to_owned(), true)]);
        assert_eq!(
            made(&[range(1, "/o", "bytes 0-1/*", b"ab"), range(2, "/o", "bytes */4", b"")]),
            [("ab".to_owned(), false)]
        );
    }

    #[test]
    fn an_upload_that_was_given_up_makes_room() {
        let (mut joiner, limits) = (UploadJoiner::default(), Limits::default());
        let large = vec![7; MOST_BYTES / 3];
        let mut told = Vec::new();
        for number in 0..4 {
            let request = request("PUT", &format!("/o{number}?partNumber=1&uploadId=U"), &[], &large, 1);
            told.extend(joiner.take(&flow(), &request, &Piece::of(&request).unwrap(), &limits));
        }
        assert_eq!((told.len(), joiner.open.len()), (2, 2));
        assert!(told.iter().all(|(_, message)| message.text("limit") == Some("parts of uploads")));
        assert!(joiner.held <= MOST_BYTES);
    }

    mod all_that_left_is_told {
        use super::*;
        use proptest::prelude::*;

        fn any_request() -> impl Strategy<Value = (usize, u64, u64)> {
            (0_usize..9, prop::sample::select(vec![0, 1, 2, 3, 5, 9, u64::MAX - 3, u64::MAX]), 0_u64..4)
        }

        proptest! {
            /// Whatever requests come in whatever order: every body is in some message, whole.
            #[test]
            fn whatever_comes(requests in prop::collection::vec(any_request(), 1..30)) {
                let (mut joiner, limits) = (UploadJoiner::default(), Limits::default());
                let (mut over, mut sent) = (Vec::new(), Vec::new());
                for (number, (kind, at, other)) in requests.into_iter().enumerate() {
                    let body = format!("<{number:03}>");
                    let last = at.saturating_add(body.len() as u64 - 1);
                    let (uri, range) = match kind {
                        0 => (format!("/o?partNumber={at}&uploadId={other}"), None),
                        1 => (format!("/o?append&position={at}"), None),
                        2 => ("/o".to_owned(), Some(format!("bytes {at}-{last}/{}", at.saturating_add(10 * other)))),
                        3 => ("/o".to_owned(), Some(format!("bytes {at}-{last}/*"))),
                        4 => (format!("/c?comp=block&blockid={other}"), None),
                        5 => ("/mkblk/9".to_owned(), None),
                        6 => (format!("/bput/c{other}/{at}"), None),
                        7 => ("/c?comp=blocklist".to_owned(), None),
                        _ => (format!("/o?uploadId={other}"), None),
                    };
                    let put = matches!(kind, 0 | 2 | 3 | 4 | 7);
                    let body = match kind {
                        7 => "<L><Latest>1</Latest><Latest>2</Latest><Latest>1</Latest></L>".to_owned(),
                        8 => "<C><PartNumber>1</PartNumber><PartNumber>3</PartNumber></C>".to_owned(),
                        _ => body,
                    };
                    let headers: Vec<_> = range.iter().map(|range| ("content-range", range.as_str())).collect();
                    let mut request = request(if put { "PUT" } else { "POST" }, &uri, &headers, body.as_bytes(), 1);
                    request.packets = vec![number as u64];
                    if other == 3 {
                        request = cut(request);
                    }
                    let Some(piece) = Piece::of(&request) else { continue };
                    if !piece.is_end() {
                        sent.push((body, number as u64));
                    }
                    over.extend(joiner.take(&flow(), &request, &piece, &limits));
                    let mut answer = Message { kind: "response", from: Side::Server, ..request };
                    answer.fields.push(Field { name: "upload_context", value: Value::Text(format!("c{other}")) });
                    joiner.answered(&flow(), &answer);
                }
                over.extend(joiner.finish(&limits));
                prop_assert_eq!(joiner.held, 0);
                for (body, packet) in sent {
                    let shown = over.iter().any(|(_, message)| {
                        let object = String::from_utf8_lossy(message.parts.first().unwrap().bytes()).into_owned();
                        message.packets.contains(&packet) && object.contains(&body)
                    });
                    prop_assert!(shown, "{body} of packet {packet}");
                }
            }
        }
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
        let list = format!("<L>{}</L>", "<Latest>A</Latest>".repeat(1000));
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
