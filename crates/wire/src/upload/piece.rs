//! What a request says of itself: which upload it is of, and where in it.

use creance_model::Message;

use crate::storage::{parameter, path};

/// What a request is of an upload in several parts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Piece {
    /// What its upload is told from others by.
    pub(super) upload: String,
    pub(super) place: Place,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// A part by its number or offset; with its end, and the length of the whole where it is known.
    At(u64),
    Range {
        from: u64,
        whole: Option<u64>,
    },
    /// A block by its name.
    Named(String),
    /// Bytes of a block, at an offset within it; the upload is then named by what the store answers (Kodo V1).
    Block(u64),
    /// No part: the blocks in their order, and the length of the whole.
    Blocks(u64),
    /// No part: the request that ends the upload.
    End,
    /// No part: the names of the blocks, in order.
    List,
}

impl Piece {
    /// Whether it ends its upload and is no part of the object.
    pub const fn is_end(&self) -> bool {
        matches!(self.place, Place::End | Place::List | Place::Blocks(_))
    }

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
        if post && let Some((upload, place)) = block(host, &path) {
            return Some(Self { upload, place });
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

/// Kodo V1: `mkblk/<size>`, `bput/<context>/<offset>`, `mkfile/<size>/…`. A block that begins has no name yet.
fn block(host: &str, path: &str) -> Option<(String, Place)> {
    let steps: Vec<&str> = path.splitn(4, '/').collect();
    match steps.as_slice() {
        ["mkblk", size] => size.parse::<u64>().ok().map(|_| (String::new(), Place::Block(0))),
        ["bput", context, offset] => Some((named(host, context), Place::Block(offset.parse().ok()?))),
        ["mkfile", size, ..] => Some((host.to_owned(), Place::Blocks(size.parse().ok()?))),
        _ => None,
    }
}

/// The name of a block, by the context that the store gave it.
pub(super) fn named(host: &str, context: &str) -> String {
    format!("{host}?{context}")
}

/// `bytes 0-99/200` (RFC 9110 §14.4): where the range begins, and the length of the whole.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, whole) = text.strip_prefix("bytes ")?.split_once('/')?;
    let from = range.split_once('-')?.0.parse().ok()?;
    Some((from, whole.parse().ok()))
}
