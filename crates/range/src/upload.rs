//! The many ways in which one file can be uploaded.

use std::fmt::Write as _;

use data_encoding::{BASE64, HEXLOWER};
use hyper::Method;
use md5::{Digest, Md5};
use serde_json::json;

use crate::{app::Outgoing, behaviours::multipart};

/// One way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Carriage {
    /// The body of a PUT.
    Put,
    /// A part of a form.
    Form,
    /// Base64 in a field of JSON.
    Json,
    /// Three parts to an object store, as Amazon's S3 has it, and Alibaba's OSS.
    Parts,
    /// Three pieces, each put behind the one before, as Alibaba's OSS has it (`AppendObject`).
    Appended,
    /// Two stretches: the first, and after a pause the rest.
    Resumed,
}

const ALL: [Carriage; 6] =
    [Carriage::Put, Carriage::Form, Carriage::Json, Carriage::Parts, Carriage::Appended, Carriage::Resumed];

impl Carriage {
    pub(crate) fn by_chance(random: &mut fastrand::Rng) -> Self {
        random.choice(ALL).unwrap_or(Self::Put)
    }

    /// How it is called in truths.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Put => "raw",
            Self::Form => "multipart",
            Self::Json => "base64-json",
            Self::Parts => "s3-multipart",
            Self::Appended => "oss-append",
            Self::Resumed => "resumed",
        }
    }

    /// The requests, in their order, that upload a picture to a path.
    pub(crate) fn requests(self, path: &str, picture: &[u8], random: &mut fastrand::Rng) -> Vec<Outgoing> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let put = |target: String, kind: &str, bytes: &[u8]| Outgoing {
            method: Method::PUT,
            ..Outgoing::post(target, kind, bytes.to_vec())
        };
        match self {
            Self::Put => vec![put(path.to_owned(), "image/jpeg", picture)],
            Self::Form => {
                let (kind, body) = multipart(&[("file", Some(name), "image/jpeg", picture)], random);
                vec![Outgoing::post("/upload", &kind, body)]
            }
            Self::Json => {
                let body = json!({"name": name, "data": BASE64.encode(picture)}).to_string();
                vec![Outgoing::post("/upload", "application/json", body)]
            }
            Self::Parts => {
                let id = upload_id(path);
                let mut requests =
                    vec![Outgoing::post(format!("{path}?uploads"), "application/octet-stream", Vec::new())];
                let mut list = String::new();
                for (part, number) in picture.chunks(picture.len().div_ceil(3).max(1)).zip(1..) {
                    let target = format!("{path}?partNumber={number}&uploadId={id}");
                    requests.push(put(target, "application/octet-stream", part));
                    let tag = HEXLOWER.encode(&Md5::digest(part));
                    // Writing to a string cannot fail.
                    let _ =
                        write!(list, "<Part><PartNumber>{number}</PartNumber><ETag>\"{tag}\"</ETag></Part>");
                }
                let list = format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>");
                requests.push(Outgoing::post(format!("{path}?uploadId={id}"), "application/xml", list));
                requests
            }
            Self::Appended => {
                let mut position = 0;
                let piece = |bytes: &[u8]| {
                    let target = format!("{path}?append&position={position}");
                    position += bytes.len();
                    Outgoing::post(target, "application/octet-stream", bytes.to_vec())
                };
                picture.chunks(picture.len().div_ceil(3).max(1)).map(piece).collect()
            }
            Self::Resumed => {
                let whole = picture.len();
                let (first, rest) = picture.split_at(whole * 3 / 5);
                let range = |from: usize, bytes: &[u8]| {
                    let to = (from + bytes.len()).saturating_sub(1);
                    put(path.to_owned(), "application/octet-stream", bytes)
                        .header("content-range", format!("bytes {from}-{to}/{whole}"))
                };
                vec![range(0, first), range(first.len(), rest)]
            }
        }
    }
}

/// What the store calls the upload to a path.
pub(crate) fn upload_id(path: &str) -> String {
    HEXLOWER.encode(&Md5::digest(path.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_stretches_are_the_whole() {
        let picture: Vec<u8> = (0..1000_u16).map(|at| at.to_le_bytes()[0]).collect();
        let mut random = fastrand::Rng::with_seed(1);
        for carriage in [Carriage::Parts, Carriage::Appended, Carriage::Resumed] {
            let requests = carriage.requests("/a/b.jpg", &picture, &mut random);
            let append = carriage == Carriage::Appended;
            let puts = requests.iter().filter(|request| append || request.method == Method::PUT);
            let sent: Vec<u8> = puts.flat_map(|request| request.body.to_vec()).collect();
            assert_eq!(sent, picture);
        }
    }
}
