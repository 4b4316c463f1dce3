//! Every form of every kind of value: a table that says which are found.

use creance_model::{DataClass, Match};
use data_encoding::{BASE32_NOPAD, BASE64, BASE64_NOPAD, BASE64URL_NOPAD, Encoding, HEXLOWER, HEXUPPER};
use md5::{Digest, Md5};
use ring::digest;

use crate::fixture::{body, canaries};

/// A value of each kind.
const VALUES: &[(&str, &str)] = &[
    ("person-name", "Oskar Lindqvarn"),
    ("email", "O.Lindqvarn+drone@netzwacht.example"),
    ("phone", "+447700900461"),
    ("serial", "9ZZZF6SKYJU4JF3AN3Q7"),
    ("device-id", "004401078923467"),
    ("network-info", "02:dc:4d:B1:02:7a"),
    ("network-info", "olindq-heim-61"),
    ("account-id", "u-k7q2m9x4p"),
    ("credential", "Otter%1264&vB=x"),
    ("flight-log", "Süd 17 <k7q2m9>"),
];

fn sha(algorithm: &'static digest::Algorithm, bytes: &[u8]) -> Vec<u8> {
    digest::digest(algorithm, bytes).as_ref().to_vec()
}

/// A hash as programs write it.
fn hash_forms(name: &str, hash: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut forms = vec![
        (format!("{name} raw"), hash.to_vec()),
        (format!("{name} hex"), HEXUPPER.encode(hash).into_bytes()),
        (format!("{name} base64"), BASE64.encode(hash).into_bytes()),
        (format!("{name} base64url"), BASE64URL_NOPAD.encode(hash).into_bytes()),
    ];
    for length in [8, 10, 12] {
        let cut = &hash[..length];
        forms.push((format!("{name} {length} bytes raw"), cut.to_vec()));
        forms.push((format!("{name} {length} bytes hex"), HEXLOWER.encode(cut).into_bytes()));
    }
    forms
}

fn hashed(what: &str, text: &str) -> Vec<(String, Vec<u8>)> {
    let bytes = text.as_bytes();
    let mut forms = Vec::new();
    for (name, hash) in [
        ("md5", Md5::digest(bytes).to_vec()),
        ("sha1", sha(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes)),
        ("sha256", sha(&digest::SHA256, bytes)),
        ("sha512", sha(&digest::SHA512, bytes)),
    ] {
        forms.extend(hash_forms(&format!("{name}({what})"), &hash));
        if name == "md5" {
            forms.push((format!("md5({what}) middle"), HEXLOWER.encode(&hash[4..12]).into_bytes()));
            let mut uuid = hash;
            (uuid[6], uuid[8]) = (uuid[6] & 0x0f | 0x30, uuid[8] & 0x3f | 0x80);
            let hex = HEXLOWER.encode(&uuid);
            let dashed = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
            forms.push((format!("md5({what}) as UUID"), dashed.into_bytes()));
        }
    }
    forms
}

/// Base85 of whole groups of four bytes, and of a last one filled up.
fn base85(alphabet: &[u8; 85], bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for group in bytes.chunks(4) {
        let mut four = [0; 4];
        four[..group.len()].copy_from_slice(group);
        let number = u32::from_be_bytes(four);
        let digits = [85_u32.pow(4), 85_u32.pow(3), 85_u32.pow(2), 85, 1].map(|unit| number / unit % 85);
        text.extend(digits.map(|digit| alphabet[digit as usize]).iter().take(group.len() + 1));
    }
    text
}

fn rot13(text: &str) -> String {
    let turn = |c: char, first: u8| char::from((u8::try_from(c).unwrap() - first + 13) % 26 + first);
    text.chars()
        .map(|c| match c {
            'a'..='z' => turn(c, b'a'),
            'A'..='Z' => turn(c, b'A'),
            _ => c,
        })
        .collect()
}

fn each(text: &str, write: impl Fn(u8) -> String, all: bool) -> String {
    let kept = |byte: &u8| !all && (byte.is_ascii_alphanumeric() || *byte == b' ');
    text.bytes().map(|byte| if kept(&byte) { char::from(byte).to_string() } else { write(byte) }).collect()
}

fn each_char(text: &str, write: impl Fn(u32) -> String, all: bool) -> String {
    let kept = |c: &char| !all && (c.is_ascii_alphanumeric() || *c == ' ');
    text.chars().map(|c| if kept(&c) { c.to_string() } else { write(u32::from(c)) }).collect()
}

fn around(form: &[u8]) -> Vec<u8> {
    [b"<< ".as_slice(), form, b" >>"].concat()
}

/// Every form of a value in a text, with its name.
fn written(class: &str, value: &str) -> Vec<(String, Vec<u8>)> {
    let mut forms: Vec<(String, Vec<u8>)> = Vec::new();
    let mut put = |name: &str, text: String| forms.push((name.to_owned(), around(text.as_bytes())));
    put("raw", value.to_owned());
    put("lower case", value.to_lowercase());
    put("upper case", value.to_uppercase());
    put("percent", each(value, |byte| format!("%{byte:02X}"), false).replace(' ', "%20"));
    put("percent, plus", each(value, |byte| format!("%{byte:02x}"), false).replace(' ', "+"));
    put("percent, all", each(value, |byte| format!("%{byte:02X}"), true));
    put("percent twice", each(value, |byte| format!("%25{byte:02X}"), false).replace(' ', "%2520"));
    let escaped = |all: bool| {
        let kept = |unit: u16| {
            !all && (unit == 32 || char::from_u32(unit.into()).is_some_and(|c| c.is_ascii_alphanumeric()))
        };
        let unit = |unit: u16| {
            if kept(unit) {
                char::from_u32(unit.into()).unwrap().to_string()
            } else {
                format!("\\u{unit:04X}")
            }
        };
        value.encode_utf16().map(unit).collect::<Vec<_>>().concat()
    };
    put("json escapes", escaped(false));
    put("json escapes, all", escaped(true));
    let named = value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;");
    put("entities, named", named);
    put("entities, decimal", each_char(value, |code| format!("&#{code};"), false));
    put("entities, hexadecimal", each_char(value, |code| format!("&#x{code:X};"), false));
    put("entities, decimal, all", each_char(value, |code| format!("&#{code};"), true));
    put("entities, hexadecimal, all", each_char(value, |code| format!("&#x{code:02x};"), true));
    let quoted = |strict: bool| {
        let kept = |byte: u8| {
            if strict {
                byte.is_ascii_alphanumeric() || byte == b' '
            } else {
                (b' '..=b'~').contains(&byte) && byte != b'='
            }
        };
        let one = |byte: u8| if kept(byte) { char::from(byte).to_string() } else { format!("={byte:02X}") };
        value.bytes().map(one).collect::<String>()
    };
    put("quoted-printable", quoted(false));
    put("quoted-printable, strict", quoted(true));
    put("q-encoding", quoted(true).replace(' ', "_"));
    put("rot13", rot13(value));
    put("reversed", value.chars().rev().collect());
    put("hex", HEXLOWER.encode(value.as_bytes()));
    put("hex, upper", HEXUPPER.encode(value.as_bytes()));
    let pairs: Vec<String> = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    put("hex, colons", pairs.join(":"));
    put("hex, spaces", pairs.join(" "));
    put("hex, reversed", HEXLOWER.encode(value.as_bytes()).chars().rev().collect());
    for (name, one) in
        [("", value.to_owned()), (" lower", value.to_lowercase()), (" upper", value.to_uppercase())]
    {
        for before in 0..5 {
            let text = [&b"{\"k\":"[..before], one.as_bytes(), b"\"}}}}}}"].concat();
            let mut encoded = |encoding: Encoding, kind: &str| {
                forms.push((format!("{kind} at {before}{name}"), encoding.encode(&text).into_bytes()));
            };
            encoded(BASE64, "base64");
            encoded(BASE64_NOPAD, "base64 unpadded");
            encoded(BASE64URL_NOPAD, "base64url");
            encoded(BASE32_NOPAD, "base32");
            if name.is_empty() {
                for (kind, alphabet) in BASE85 {
                    forms.push((format!("{kind} at {before}"), base85(alphabet, &text)));
                }
            }
        }
        let wide = |unit: fn(u16) -> [u8; 2]| one.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        forms.push((format!("utf-16le{name}"), wide(u16::to_le_bytes)));
        forms.push((format!("utf-16be{name}"), wide(u16::to_be_bytes)));
        forms.extend(hashed(&format!("value{name}"), &one));
    }
    forms.extend(hashed("value + newline", &format!("{value}\n")));
    match class {
        "phone" => {
            let digits = value.trim_start_matches('+');
            forms.extend(hashed("digits", digits));
            let national = digits.strip_prefix("44").unwrap();
            forms.extend(hashed("national", &format!("0{national}")));
            forms.extend(hashed("national without 0", national));
            forms.push(("digits".to_owned(), around(digits.as_bytes())));
        }
        "network-info" if value.contains(':') => {
            for (name, text) in [("plain", value.replace(':', "")), ("dashes", value.replace(':', "-"))] {
                forms.push((name.to_owned(), around(text.as_bytes())));
                for (of, text) in
                    [("", text.clone()), (" lower", text.to_lowercase()), (" upper", text.to_uppercase())]
                {
                    forms.extend(hashed(&format!("{name}{of}"), &text));
                }
            }
        }
        _ => {}
    }
    forms
}

const ASCII85: &[u8; 85] =
    b"!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstu";
const RFC1924: &[u8; 85] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const Z85: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
const BASE85: [(&str, &[u8; 85]); 3] = [("ascii85", ASCII85), ("base85 (RFC 1924)", RFC1924), ("z85", Z85)];

#[test]
fn every_form_of_every_kind_of_value_is_found() {
    let mut missed = Vec::new();
    let mut all = 0;
    for (class, value) in VALUES {
        let context = canaries(&[(class, value)]);
        for (form, text) in written(class, value) {
            all += 1;
            let found = crate::look(&body(&text), &context).sightings.into_iter().any(|one| {
                one.matched == Match::Canary
                    && one.value == *value
                    && Some(one.data_class) == DataClass::from_name(class)
            });
            if !found {
                missed.push(format!("{class:<14} {form}"));
            }
        }
    }
    assert!(missed.is_empty(), "{} of {all} forms are missed:\n{}", missed.len(), missed.join("\n"));
}
