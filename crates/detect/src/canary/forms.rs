//! Every way of writing a value that is looked for.
//!
//! Two values of one form (the hash of a lower-case value is that of the value) are kept once. Keyed hashes and ciphers
//! cannot be looked for.

use std::fmt::Write;

use creance_model::DataClass;
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use md5::{Digest, Md5};
use ring::digest;

/// Forms of a value, with the name of each; letters' case is ignored by the search.
pub(super) fn of(class: DataClass, value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![("", value.as_bytes().to_vec())];
    let mut push = |name: &'static str, form: Vec<u8>| {
        if form.len() >= super::SHORT && !forms.iter().any(|(_, known)| known.eq_ignore_ascii_case(&form)) {
            forms.push((name, form));
        }
    };
    let others = others(class, value);
    for (name, text) in [("", value.to_owned())].into_iter().chain(others.clone()) {
        let (percent_name, plain_name) = if name.is_empty() { ("percent", "json") } else { (name, name) };
        push(name, text.clone().into_bytes());
        push(percent_name, percent(&text, "").into_bytes());
        push(percent_name, percent(&text, "-_.~").into_bytes());
        push(percent_name, percent(&text, "-_.~").replace("%20", "+").into_bytes());
        push(percent_name, percent(&text, "-_.~@+!*'(),;:/").replace("%20", "+").into_bytes());
        push(plain_name, json(&text, "\"\\/@<>&'+").into_bytes());
        push(plain_name, json(&text, "\"\\").into_bytes());
    }
    let mut texts = vec![value.to_owned(), value.to_lowercase()];
    texts.extend(others.into_iter().map(|(_, text)| text));
    for text in texts {
        for alignment in 0..3 {
            push("base64", aligned(&text, alignment, false));
            push("base64", aligned(&text, alignment, true));
        }
        push("hex", HEXLOWER.encode(text.as_bytes()).into_bytes());
        push("utf-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        push("utf-16", text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        for (name, hash) in hashes(text.as_bytes()) {
            push(name, HEXLOWER.encode(&hash).into_bytes());
            push(name, BASE64_NOPAD.encode(&hash).into_bytes());
            push(name, BASE64URL_NOPAD.encode(&hash).into_bytes());
            push(name, hash);
        }
    }
    forms
}

/// The same value as other people write it: names the other way round, numbers and hardware addresses without signs.
fn others(class: DataClass, value: &str) -> Vec<(&'static str, String)> {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let words: Vec<&str> = value.split_whitespace().collect();
    let number = value.starts_with('+') && digits.len() >= 9;
    let octets: Vec<&str> = value.split([':', '-']).collect();
    match class {
        DataClass::Phone | DataClass::Contacts if number => vec![("phone-digits", digits)],
        DataClass::PersonName | DataClass::Contacts if words.len() >= 2 => {
            let (last, first) =
                (words.last().copied().unwrap_or_default(), words[..words.len() - 1].join(" "));
            vec![
                ("name-order", format!("{last} {first}")),
                ("name-order", format!("{last}, {first}")),
                ("name-order", format!("{last},{first}")),
                ("name-joined", words.join("_")),
                ("name-joined", words.join(".")),
            ]
        }
        DataClass::NetworkInfo | DataClass::DeviceId
            if octets.len() == 6 && octets.iter().all(|octet| octet.len() == 2) =>
        {
            vec![
                ("mac-plain", octets.concat()),
                ("mac-dashes", octets.join("-")),
                ("mac-colons", octets.join(":")),
            ]
        }
        _ => Vec::new(),
    }
}

/// Every byte but letters, digits and those of `plain` as `%XX`.
fn percent(value: &str, plain: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte);
    value
        .bytes()
        .map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// What is not ASCII, and these characters, as `\uXXXX`.
fn json(value: &str, escaped: &str) -> String {
    let mut text = String::new();
    for c in value.chars() {
        if c.is_ascii_alphanumeric() || c.is_ascii_punctuation() && !escaped.contains(c) || c == ' ' {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

/// Base64 as it stands when so many bytes (mod 3) come before; characters that depend on neighbours are dropped.
fn aligned(value: &str, before: usize, url: bool) -> Vec<u8> {
    let padded = [vec![0; before], value.as_bytes().to_vec()].concat();
    let encoded = if url { BASE64URL_NOPAD.encode(&padded) } else { BASE64_NOPAD.encode(&padded) };
    let first = (before * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    encoded.get(first..last).unwrap_or_default().as_bytes().to_vec()
}

fn hashes(bytes: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    [
        ("md5", Md5::digest(bytes).to_vec()),
        ("sha1", digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()),
        ("sha256", digest::digest(&digest::SHA256, bytes).as_ref().to_vec()),
    ]
}
