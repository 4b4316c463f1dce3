//! The many ways in which one message can be written: how a value is veiled, in which document it stands, how that is wrapped.
//!
//! ```text
//! value ─▶ veil (plain, base64, hex, a hash …) ─▶ document (JSON, form, CBOR …) ─▶ wrap (gzip, base64 in a form …)
//! ```

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use hyper::Method;
use md5::{Digest, Md5};
use ring::digest;
use serde_json::{Map, Value, json};

use crate::{
    app::Outgoing,
    behaviours::{deflate, gzip, percent},
};

/// One way of writing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disguise {
    veil: Veil,
    document: Document,
    wrap: Wrap,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Veil {
    Plain,
    Base64,
    Base64Url,
    Hex,
    Md5,
    Sha1,
    Sha256,
}

const VEILS: [Veil; 8] =
    [Veil::Plain, Veil::Plain, Veil::Base64, Veil::Base64Url, Veil::Hex, Veil::Md5, Veil::Sha1, Veil::Sha256];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Document {
    Json,
    Form,
    Cbor,
    MessagePack,
    Protobuf,
    Utf16,
}

const DOCUMENTS: [Document; 7] = [
    Document::Json,
    Document::Json,
    Document::Form,
    Document::Cbor,
    Document::MessagePack,
    Document::Protobuf,
    Document::Utf16,
];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wrap {
    Bare,
    Gzip,
    Deflate,
    Zstd,
    /// Base64 in a field of a form.
    Base64,
    /// Gzip, and base64 of that in a field of a form.
    Base64Gzip,
    /// Hex in a field of JSON.
    Hex,
}

const WRAPS: [Wrap; 8] = [
    Wrap::Bare,
    Wrap::Bare,
    Wrap::Gzip,
    Wrap::Deflate,
    Wrap::Zstd,
    Wrap::Base64,
    Wrap::Base64Gzip,
    Wrap::Hex,
];

impl Disguise {
    /// One of them.
    pub(crate) fn by_chance(random: &mut fastrand::Rng) -> Self {
        Self {
            veil: random.choice(VEILS).unwrap_or(Veil::Plain),
            document: random.choice(DOCUMENTS).unwrap_or(Document::Json),
            wrap: random.choice(WRAPS).unwrap_or(Wrap::Bare),
        }
    }

    /// One that leaves values as they are: of a place there is no hash.
    pub(crate) fn of_numbers(random: &mut fastrand::Rng) -> Self {
        Self { veil: Veil::Plain, ..Self::by_chance(random) }
    }

    /// How it is called in truths: outermost last.
    pub(crate) fn name(self) -> String {
        let veil = match self.veil {
            Veil::Plain => None,
            Veil::Base64 => Some("base64"),
            Veil::Base64Url => Some("base64url"),
            Veil::Hex => Some("hex"),
            Veil::Md5 => Some("md5-hex"),
            Veil::Sha1 => Some("sha1-base64"),
            Veil::Sha256 => Some("sha256-hex"),
        };
        let document = match self.document {
            Document::Json => "json",
            Document::Form => "form",
            Document::Cbor => "cbor",
            Document::MessagePack => "msgpack",
            Document::Protobuf => "protobuf",
            Document::Utf16 => "utf-16le",
        };
        let wrap: &[&str] = match self.wrap {
            Wrap::Bare => &[],
            Wrap::Gzip => &["gzip"],
            Wrap::Deflate => &["deflate"],
            Wrap::Zstd => &["zstd"],
            Wrap::Base64 => &["base64", "form"],
            Wrap::Base64Gzip => &["gzip", "base64", "form"],
            Wrap::Hex => &["hex", "json"],
        };
        veil.into_iter().chain([document]).chain(wrap.iter().copied()).collect::<Vec<_>>().join("+")
    }

    /// A request with these fields, to a path.
    pub(crate) fn request(self, target: &str, fields: &[(&str, &str)]) -> Outgoing {
        let veiled: Vec<(&str, String)> =
            fields.iter().map(|(name, value)| (*name, self.veil.over(value))).collect();
        let (kind, document) = self.document.of(&veiled);
        let form = "application/x-www-form-urlencoded";
        let (kind, coding, body) = match self.wrap {
            Wrap::Bare => (kind, None, document),
            Wrap::Gzip => (kind, Some("gzip"), gzip(&document)),
            Wrap::Deflate => (kind, Some("deflate"), deflate(&document)),
            Wrap::Zstd => (kind, Some("zstd"), zstd::bulk::compress(&document, 3).unwrap_or(document)),
            Wrap::Base64 => {
                (form, None, format!("v=1&d={}", percent(&BASE64.encode(&document))).into_bytes())
            }
            Wrap::Base64Gzip => {
                (form, None, format!("v=1&d={}", percent(&BASE64.encode(&gzip(&document)))).into_bytes())
            }
            Wrap::Hex => {
                ("application/json", None, json!({"d": HEXLOWER.encode(&document)}).to_string().into_bytes())
            }
        };
        let mut outgoing = Outgoing::post(target, kind, body);
        outgoing.method = Method::POST;
        match coding {
            Some(coding) => outgoing.header("content-encoding", coding),
            None => outgoing,
        }
    }
}

impl Veil {
    fn over(self, value: &str) -> String {
        let bytes = value.as_bytes();
        match self {
            Self::Plain => value.to_owned(),
            Self::Base64 => BASE64.encode(bytes),
            Self::Base64Url => BASE64URL_NOPAD.encode(bytes),
            Self::Hex => HEXLOWER.encode(bytes),
            Self::Md5 => HEXLOWER.encode(&Md5::digest(bytes)),
            Self::Sha1 => BASE64.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref()),
            Self::Sha256 => HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref()),
        }
    }
}

impl Document {
    /// Its type and its bytes.
    fn of(self, fields: &[(&str, String)]) -> (&'static str, Vec<u8>) {
        let members: Map<String, Value> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), number_or_text(value))).collect();
        let json = Value::Object(members);
        match self {
            Self::Json => ("application/json", json.to_string().into_bytes()),
            Self::Form => {
                let pairs: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
                ("application/x-www-form-urlencoded", pairs.join("&").into_bytes())
            }
            Self::Cbor => {
                let mut bytes = Vec::new();
                // Writing to memory cannot fail.
                let _ = ciborium::into_writer(&json, &mut bytes);
                ("application/cbor", bytes)
            }
            Self::MessagePack => ("application/msgpack", rmp_serde::to_vec(&json).unwrap_or_default()),
            Self::Protobuf => ("application/x-protobuf", protobuf(fields)),
            Self::Utf16 => {
                let text = json.to_string();
                let bytes = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
                ("application/json; charset=utf-16le", bytes)
            }
        }
    }
}

/// Fractions are numbers; whole numbers may be serials that begin with a zero.
fn number_or_text(value: &str) -> Value {
    match value.parse::<f64>() {
        Ok(number) if value.contains('.') => json!(number),
        _ => json!(value),
    }
}

/// Fields with the numbers 1, 2, …: fractions as doubles, all else as texts (protobuf.dev, Encoding).
fn protobuf(fields: &[(&str, String)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for ((_, value), number) in fields.iter().zip(1_u8..) {
        if let Value::Number(value) = number_or_text(value) {
            bytes.push(number << 3 | 1);
            bytes.extend(value.as_f64().unwrap_or_default().to_le_bytes());
            continue;
        }
        bytes.push(number << 3 | 2);
        let mut length = value.len();
        while length >= 0x80 {
            bytes.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap_or_default());
        bytes.extend(value.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_many_and_each_is_written_again_from_a_seed() {
        let mut names = BTreeSet::new();
        for seed in 0..400 {
            let of = |seed| Disguise::by_chance(&mut fastrand::Rng::with_seed(seed));
            let body = |seed| of(seed).request("/x", &[("a", "1.5"), ("b", "text")]).body;
            assert_eq!(body(seed), body(seed));
            names.insert(of(seed).name());
        }
        assert!(names.len() > 120, "{}", names.len());
    }

    #[test]
    fn protobuf_is_tags_lengths_and_values() {
        let fields = [("a", "ab".to_owned()), ("b", "0.5".to_owned())];
        let bytes = protobuf(&fields);
        assert_eq!(bytes.get(..4), Some([0x0a, 2, b'a', b'b'].as_slice()));
        assert_eq!(bytes.get(4..), Some([[0x11].as_slice(), &0.5_f64.to_le_bytes()].concat().as_slice()));
    }
}
