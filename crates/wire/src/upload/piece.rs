//! What a request says of itself: which upload it is of, and where in it.

use creance_model::{Carrier, Message};

use super::part::body;
use crate::storage::{parameter, path};

/// What a request is of an upload in several parts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Piece {
    /// What its upload is told from others by.
    pub(super) upload: Name,
    pub(super) place: Place,
}

/// What an upload is called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Name {
    /// Not named yet.
    None,
    /// By a name that a store made up, and that is the same wherever the next part is sent from or to.
    Given(String),
    /// By where it goes, as far as one sender is concerned.
    Place(String),
}

/// Ids as long as this are made up so that none is made twice.
const LONG: usize = 16;

impl Name {
    /// By an id if it says enough, else also by where it goes.
    fn by(host: &str, path: &str, id: &str) -> Self {
        let place = format!("{path}?{id}");
        if id.len() >= LONG { Self::Given(place) } else { Self::Place(format!("{host}/{place}")) }
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// A part by its number.
    At(u64),
    /// Bytes from an offset, and the length of the whole where it is known.
    Range { from: u64, whole: Option<u64> },
    /// A block by its name.
    Named(String),
    /// Bytes of a block, at an offset within it; the upload is then named by what the store answers (Kodo V1).
    Block(u64),
    /// No part: the length of the whole.
    Length(u64),
    /// No part: the blocks in their order, and the length of the whole.
    Blocks(u64),
    /// No part: the request that ends the upload.
    End,
    /// No part: the names of the blocks, in order.
    List,
}

impl Piece {
    /// Whether it is no part of the object, but says something of the whole.
    pub const fn is_end(&self) -> bool {
        matches!(self.place, Place::End | Place::List | Place::Blocks(_) | Place::Length(_))
    }

    /// The name of a block, if it has one.
    pub(super) fn name(&self) -> &str {
        match &self.place {
            Place::Named(name) => name,
            _ => "",
        }
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
        let place = |upload: Name, place| Some(Self { upload, place });
        if let Some(id) = parameter(target, "uploadId") {
            let upload = Name::by(host, &path, &id);
            let number = parameter(target, "partNumber").and_then(|number| number.parse().ok());
            return match number {
                Some(number) if put => place(upload, Place::At(number)),
                // A list ends it. Others post the parts themselves, under numbers of their own.
                None if post && is_list(message) => place(upload, Place::End),
                _ => None,
            };
        }
        let object = || Name::Place(format!("{host}/{path}"));
        match parameter(target, "comp").as_deref() {
            Some("block") if put => return place(object(), Place::Named(parameter(target, "blockid")?)),
            Some("blocklist") if put => return place(object(), Place::List),
            _ => {}
        }
        if let Some((before, rest)) = path.split_once("/uploads/")
            && before.starts_with("buckets/")
        {
            let (id, number) = rest.split_once('/').unwrap_or((rest, ""));
            let upload = Name::by(host, before, id);
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
            return place(object(), Place::Range { from, whole: None });
        }
        let header = |name: &str| {
            // Fields come before the body.
            let mut fields = message.parts.iter().take_while(|part| part.carrier() != Carrier::Body);
            let part = fields.find(|part| part.step_of("header") == Some(name))?;
            std::str::from_utf8(part.bytes()).ok()
        };
        let range = header("content-range")?;
        // Files that go to one address at a time are told apart by what names them.
        let session =
            || ["session-id", "x-session-id"].iter().find_map(|name| header(name).map(str::to_owned));
        let upload = if let Some(id) = parameter(target, "upload_id").or_else(session) {
            Name::by(host, &path, &id)
        } else if let Some(name) = header("content-disposition") {
            Name::Place(format!("{host}/{path} {name}"))
        } else {
            Name::Place(format!("{host}{target}"))
        };
        let sent = body(message).len() as u64;
        if let Some(whole) = range.strip_prefix("bytes */").filter(|_| sent == 0) {
            return place(upload, Place::Length(whole.trim().parse().ok()?));
        }
        let (from, to, whole) = content_range(range)?;
        // What is longer or shorter is no such range alone, but one with an envelope around it, or cut.
        let cut = message.field("body_cut").is_some();
        if sent > to - from || (sent < to - from && !cut) {
            return None;
        }
        place(upload, Place::Range { from, whole })
    }
}

/// Whether a body is XML, JSON or nothing at all.
fn is_list(message: &Message) -> bool {
    matches!(body(message).trim_ascii_start().first(), None | Some(b'<' | b'{'))
}

/// Kodo V1: `mkblk/<size>`, `bput/<context>/<offset>`, `mkfile/<size>/…`. A block that begins has no name yet.
fn block(host: &str, path: &str) -> Option<(Name, Place)> {
    let steps: Vec<&str> = path.splitn(4, '/').collect();
    match steps.as_slice() {
        ["mkblk", size] => size.parse::<u64>().ok().map(|_| (Name::None, Place::Block(0))),
        ["bput", context, offset] => Some((named(host, context), Place::Block(offset.parse().ok()?))),
        ["mkfile", size, ..] => Some((Name::Place(host.to_owned()), Place::Blocks(size.parse().ok()?))),
        _ => None,
    }
}

/// The name of a block, by the context that the store gave it.
pub(super) fn named(host: &str, context: &str) -> Name {
    Name::by(host, "", context)
}

/// `bytes 0-99/200` (RFC 9110 §14.4): where the range begins and ends, the end not included, and the length of the whole.
fn content_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, whole) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (from, last) = range.split_once('-')?;
    let (from, last): (u64, u64) = (from.trim().parse().ok()?, last.trim().parse().ok()?);
    let (to, whole) = (last.checked_add(1)?, whole.trim().parse().ok());
    (from < to && whole.is_none_or(|whole| to <= whole)).then_some((from, to, whole))
}
