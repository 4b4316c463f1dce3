//! Requests of a stream, as a proof finds them (docs/proof/SPEC.md, "http/1" and "http/2").

use std::collections::BTreeMap;

/// What a client says first over HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A request of HTTP/1.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) target: Vec<u8>,
    /// Names in lower case, values without the space around them.
    pub(super) headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// As far as it was sent.
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(known, _)| known == name.as_bytes()).map(|(_, value)| value.as_slice())
    }
}

/// The requests of a stream of HTTP/1.
pub(super) fn requests(mut stream: &[u8]) -> Vec<Request> {
    let mut requests = Vec::new();
    while let Some(end) = find(stream, b"\r\n\r\n") {
        let (head, rest) = stream.split_at(end + 4);
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let target = lines.next().and_then(|line| line.split(|byte| *byte == b' ').nth(1));
        let Some(target) = target else { break };
        let headers = lines.filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at(colon);
            Some((name.to_ascii_lowercase(), value.get(1..)?.trim_ascii().to_vec()))
        });
        let mut request = Request { target: target.to_vec(), headers: headers.collect(), body: Vec::new() };
        let coded =
            request.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case(b"chunked"));
        stream = if coded {
            chunks(rest, &mut request.body)
        } else {
            let length = request.header("content-length").and_then(|value| std::str::from_utf8(value).ok());
            let length = length.and_then(|value| value.parse().ok()).unwrap_or(0).min(rest.len());
            let (body, behind) = rest.split_at(length);
            request.body = body.to_vec();
            behind
        };
        requests.push(request);
    }
    requests
}

/// A body in chunks, without trailers; gives what stands behind it.
fn chunks<'a>(mut rest: &'a [u8], body: &mut Vec<u8>) -> &'a [u8] {
    while let Some(end) = find(rest, b"\r\n") {
        let (line, behind) = rest.split_at(end);
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let size = std::str::from_utf8(digits).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
        let (Some(size), Some(behind)) = (size, behind.get(2..)) else { break };
        body.extend_from_slice(behind.get(..size.min(behind.len())).unwrap_or_default());
        rest = size.checked_add(2).and_then(|end| behind.get(end..)).unwrap_or_default();
        if size == 0 {
            return rest;
        }
    }
    &[]
}

/// The bodies of a client's stream of HTTP/2, by the numbers of their streams, and in the order in which they ended.
pub(super) fn bodies(stream: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut rest = stream.strip_prefix(PREFACE).unwrap_or_default();
    let mut bodies: BTreeMap<u32, (usize, Vec<u8>)> = BTreeMap::new();
    let mut count = 0;
    while let Some(([l1, l2, l3, kind, flags, s1, s2, s3, s4], behind)) = rest.split_first_chunk() {
        let length = u32::from_be_bytes([0, *l1, *l2, *l3]) as usize;
        let number = u32::from_be_bytes([*s1, *s2, *s3, *s4]) & 0x7fff_ffff;
        let Some((payload, behind)) = behind.split_at_checked(length) else { break };
        rest = behind;
        if *kind != 0 {
            continue;
        }
        let padding =
            if flags & 8 == 0 { None } else { payload.first().map(|padding| usize::from(*padding)) };
        let start = usize::from(padding.is_some());
        let end = payload.len().saturating_sub(padding.unwrap_or(0));
        count += 1;
        let (last, body) = bodies.entry(number).or_default();
        *last = count;
        body.extend_from_slice(payload.get(start..end).unwrap_or_default());
    }
    let mut bodies: Vec<_> = bodies.into_iter().collect();
    bodies.sort_by_key(|(_, (last, _))| *last);
    bodies.into_iter().map(|(number, (_, body))| (number, body)).collect()
}

pub(super) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_stand_one_behind_another() {
        let stream = b"POST /a?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcPUT /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x\r\n yo\r\n0\r\n\r\nGET /c HTTP/1.1\r\n\r\nPOST /d HTTP/1.1\r\nContent-Length: 9\r\n\r\ncut";
        let told: Vec<_> = requests(stream).into_iter().map(|one| (one.target, one.body)).collect();
        let text: Vec<_> = told.iter().map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
        assert_eq!(text, [(&b"/a?x=1"[..], &b"abc"[..]), (b"/b", b"hi yo"), (b"/c", b""), (b"/d", b"cut")]);
    }

    #[test]
    fn data_of_a_stream_is_joined_without_its_padding() {
        let frame = |stream: u8, flags: u8, payload: &[u8]| {
            [&[0, 0, u8::try_from(payload.len()).unwrap(), 0, flags, 0, 0, 0, stream], payload].concat()
        };
        let stream =
            [PREFACE, &frame(1, 0, b"ab"), &frame(3, 0, b"x"), &frame(1, 9, &[2, b'c', 0, 0])].concat();
        assert_eq!(bodies(&stream), [(3, b"x".to_vec()), (1, b"abc".to_vec())]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(bytes: Vec<u8>) {
            let _ = requests(&bytes);
            let _ = bodies(&[PREFACE, &bytes].concat());
        }
    }
}
