//! Hashes of a value, as programs write them: raw, in hex, in base64; whole, and cut.

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use md5::{Digest, Md5};
use ring::digest;

use super::{Form, Whole};

/// A hash: its name, and its name where it is cut.
const MD5: [&str; 2] = ["md5", "md5-cut"];
const SHA1: [&str; 2] = ["sha1", "sha1-cut"];
const SHA256: [&str; 2] = ["sha256", "sha256-cut"];
const SHA512: [&str; 2] = ["sha512", "sha512-cut"];

/// Bytes of a hash that are looked for where it is cut: any longer piece begins with these.
const CUT: usize = 8;

/// Characters of base64 that hold so many bytes.
const CUT_BASE64: usize = 11;

/// The hashes of a text; of what was planted also those that are cut, SHA-512, and MD5 as a UUID.
pub(super) fn of(text: &[u8], planted: bool) -> Vec<Form> {
    let md5 = Md5::digest(text).to_vec();
    let mut forms = Vec::new();
    let sha = |algorithm| digest::digest(algorithm, text).as_ref().to_vec();
    let usual =
        [(MD5, md5.clone()), (SHA1, sha(&digest::SHA1_FOR_LEGACY_USE_ONLY)), (SHA256, sha(&digest::SHA256))];
    let rarer = planted.then(|| (SHA512, sha(&digest::SHA512)));
    for ([name, cut], hash) in usual.into_iter().chain(rarer) {
        let texts = [HEXLOWER.encode(&hash), BASE64_NOPAD.encode(&hash), BASE64URL_NOPAD.encode(&hash)];
        let written = texts.map(String::into_bytes).into_iter().chain([hash]);
        for (needle, length) in written.zip([2 * CUT, CUT_BASE64, CUT_BASE64, CUT]) {
            forms.push(if planted { beginning(cut, name, needle, length) } else { plain(name, needle) });
        }
    }
    if planted {
        // Sixteen digits from the middle: "16-digit MD5".
        let middle = HEXLOWER.encode(md5.get(4..12).unwrap_or_default());
        forms.push(plain("md5-cut", middle.into_bytes()));
        forms.extend(uuid(md5).map(|text| plain("md5-uuid", text.into_bytes())));
    }
    forms
}

const fn plain(name: &'static str, needle: Vec<u8>) -> Form {
    Form { name, needle, whole: None }
}

/// The first bytes of a form, which may go on.
fn beginning(cut: &'static str, name: &'static str, mut needle: Vec<u8>, length: usize) -> Form {
    let rest = needle.split_off(length.min(needle.len()));
    Form { name: cut, needle, whole: Some(Whole { name, rest }) }
}

/// A UUID of version 3 (RFC 9562 §5.3) whose name stands in no namespace, as `java.util.UUID.nameUUIDFromBytes` makes
/// it: with dashes and without.
fn uuid(mut md5: Vec<u8>) -> [String; 2] {
    for (at, mask, version) in [(6, 0x0f, 0x30), (8, 0x3f, 0x80)] {
        if let Some(byte) = md5.get_mut(at) {
            *byte = *byte & mask | version;
        }
    }
    let hex = HEXLOWER.encode(&md5);
    let piece = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    let pieces = [piece(0, 8), piece(8, 12), piece(12, 16), piece(16, 20), piece(20, 32)];
    [pieces.join("-"), pieces.concat()]
}
