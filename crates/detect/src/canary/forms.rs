//! Every way of writing a value that is looked for.
//!
//! Two values of one form (the hash of a lower-case value is that of the value) are kept once. Of values that were read
//! on the device the usual forms are kept, of those that were planted all: these are few.
//!
//! Left out: base85 of fewer than eleven bytes, where no two groups may be whole, keyed hashes and ciphers, whose keys are not known, and CRC-32: 32 bits occur by chance.

mod base85;
mod hashes;

use std::{collections::HashSet, fmt::Write};

use creance_model::DataClass;
use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, Encoding, HEXLOWER};

/// A form: its name, and the bytes that are looked for.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) name: &'static str,
    pub(super) needle: Vec<u8>,
    /// What it is where more of it follows.
    pub(super) whole: Option<Whole>,
}

/// The rest of a form of which only the beginning is looked for: fewer bytes are searched sooner.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) name: &'static str,
    pub(super) rest: Vec<u8>,
}

impl Whole {
    /// Whether the rest stands at the beginning of these bytes, in either case, and in either alphabet of base64.
    pub(super) fn follows(&self, bytes: &[u8]) -> bool {
        let same = |one: u8, other: u8| {
            one.eq_ignore_ascii_case(&other) || matches!((one, other), (b'+', b'-') | (b'/', b'_'))
        };
        bytes.len() >= self.rest.len() && self.rest.iter().zip(bytes).all(|(one, other)| same(*one, *other))
    }
}

/// Forms of a value; letters' case is ignored by the search.
pub(super) fn of(class: DataClass, value: &str, planted: bool) -> Vec<Form> {
    let mut forms = Forms::default();
    forms.push("", value.as_bytes().to_vec());
    let others = others(class, value);
    let all = || [("", value.to_owned())].into_iter().chain(others.clone());
    for (name, text) in all() {
        forms.written(name, &text, planted);
    }
    if planted {
        // The search knows the case of ASCII letters alone.
        forms.push("", value.to_lowercase().into_bytes());
        forms.push("", value.to_uppercase().into_bytes());
        forms.turned(value);
    }
    let mut texts = vec![value.to_owned(), value.to_lowercase()];
    texts.extend(others.iter().map(|(_, text)| text.clone()));
    if planted {
        texts.push(value.to_uppercase());
    }
    for text in &texts {
        forms.encoded(text, planted);
    }
    if planted {
        texts.extend(others.iter().flat_map(|(_, text)| [text.to_lowercase(), text.to_uppercase()]));
        texts.extend(national(class, value));
        texts.push(format!("{value}\n"));
    }
    // Of equal texts the hashes are equal, and they take longest.
    let mut hashed = HashSet::new();
    for text in texts.iter().filter(|text| hashed.insert(text.as_str())) {
        for form in hashes::of(text.as_bytes(), planted) {
            forms.add(form);
        }
    }
    forms.all
}

/// Forms, each once.
#[derive(Default)]
struct Forms {
    all: Vec<Form>,
    /// In lower case.
    known: HashSet<Vec<u8>>,
}

impl Forms {
    fn push(&mut self, name: &'static str, needle: Vec<u8>) {
        self.add(Form { name, needle, whole: None });
    }

    fn add(&mut self, form: Form) {
        if form.needle.len() >= super::SHORT && self.known.insert(form.needle.to_ascii_lowercase()) {
            self.all.push(form);
        }
    }

    /// A text as it stands in URLs, JSON, HTML and mail.
    fn written(&mut self, name: &'static str, text: &str, planted: bool) {
        let or = |of: &'static str| if name.is_empty() { of } else { name };
        self.push(name, text.as_bytes().to_vec());
        let strict = percent(text, "-_.~");
        self.push(or("percent"), percent(text, "").into_bytes());
        self.push(or("percent"), strict.replace("%20", "+").into_bytes());
        self.push(or("percent"), percent(text, "-_.~@+!*'(),;:/").replace("%20", "+").into_bytes());
        self.push(or("json"), json(text, "\"\\/@<>&'+").into_bytes());
        self.push(or("json"), json(text, "\"\\").into_bytes());
        if planted {
            let kept = |c: char| c.is_ascii_alphanumeric() || c == ' ';
            self.push(or("percent"), each(text, |_| false, |byte| format!("%{byte:02X}")).into_bytes());
            self.push(or("percent"), percent(&percent(text, ""), "").into_bytes());
            self.push(or("percent"), percent(&strict, "-_.~").into_bytes());
            self.push(or("json"), json(text, JSON_KEPT).into_bytes());
            self.push(or("json"), units(text).into_bytes());
            for entity in
                [|c: char| format!("&#{};", u32::from(c)), |c: char| format!("&#x{:x};", u32::from(c))]
            {
                self.push(or("entities"), chars(text, kept, entity).into_bytes());
                self.push(or("entities"), chars(text, |c| c.is_ascii(), entity).into_bytes());
                self.push(or("entities"), chars(text, |_| false, entity).into_bytes());
            }
            self.push(or("entities"), chars(text, |c| !"&<>\"'".contains(c), named_entity).into_bytes());
            let quoted = |byte: u8| format!("={byte:02X}");
            let strict = each(text, |byte| kept(char::from(byte)), quoted);
            self.push(or("quoted-printable"), strict.replace(' ', "_").into_bytes());
            self.push(or("quoted-printable"), strict.into_bytes());
            let plain = each(text, |byte| (b' '..=b'~').contains(&byte) && byte != b'=', quoted);
            self.push(or("quoted-printable"), plain.into_bytes());
        }
    }

    /// What hides a text from those who search for it as it is.
    fn turned(&mut self, value: &str) {
        self.push("rot13", value.chars().map(rot13).collect::<String>().into_bytes());
        self.push("reversed", value.chars().rev().collect::<String>().into_bytes());
        let hex = HEXLOWER.encode(value.as_bytes());
        self.push("hex-reversed", hex.chars().rev().collect::<String>().into_bytes());
        let pairs: Vec<String> = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        self.push("hex", pairs.join(":").into_bytes());
        self.push("hex", pairs.join(" ").into_bytes());
        for (name, alphabet) in base85::ALPHABETS {
            for before in 0..4 {
                self.push(name, base85::aligned(alphabet, value.as_bytes(), before));
            }
        }
    }

    fn encoded(&mut self, text: &str, planted: bool) {
        for before in 0..3 {
            self.push("base64", aligned(text, before, 6, &BASE64_NOPAD));
            self.push("base64", aligned(text, before, 6, &BASE64URL_NOPAD));
        }
        if planted {
            for before in 0..5 {
                self.push("base32", aligned(text, before, 5, &BASE32_NOPAD));
            }
        }
        self.push("hex", HEXLOWER.encode(text.as_bytes()).into_bytes());
        self.push("utf-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        self.push("utf-16", text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    }
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

/// A telephone number as it is dialled at home, with its zero and without. For hashes: by itself it is too short.
fn national(class: DataClass, value: &str) -> Vec<String> {
    if !matches!(class, DataClass::Phone | DataClass::Contacts) || !value.starts_with('+') {
        return Vec::new();
    }
    let Ok(number) = phonenumber::parse(None, value) else { return Vec::new() };
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let national = digits.strip_prefix(&number.code().value().to_string()).unwrap_or_default();
    if national.is_empty() { Vec::new() } else { vec![national.to_owned(), format!("0{national}")] }
}

/// Every byte but letters, digits and those of `plain` as `%XX`.
fn percent(value: &str, plain: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte);
    each(value, keep, |byte| format!("%{byte:02X}"))
}

/// Each byte as it is, if it is to be kept, or written otherwise.
fn each(value: &str, keep: impl Fn(u8) -> bool, write: impl Fn(u8) -> String) -> String {
    value
        .bytes()
        .map(|byte| if keep(byte) && byte.is_ascii() { char::from(byte).to_string() } else { write(byte) })
        .collect()
}

/// As above, of characters.
fn chars(value: &str, keep: impl Fn(char) -> bool, write: impl Fn(char) -> String) -> String {
    value.chars().map(|c| if keep(c) { c.to_string() } else { write(c) }).collect()
}

/// The five characters that XML and HTML have names for.
fn named_entity(c: char) -> String {
    match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        _ => format!("&#{};", u32::from(c)),
    }
}

/// All signs that a string in JSON may have as they are and some writers escape.
const JSON_KEPT: &str = "\"\\/@<>&'+!#$%()*,-.:;=?[]^_`{|}~";

/// What is not ASCII, and these characters, as `\uXXXX`.
fn json(value: &str, escaped: &str) -> String {
    let keep =
        |c: char| c.is_ascii_alphanumeric() || c.is_ascii_punctuation() && !escaped.contains(c) || c == ' ';
    chars(value, keep, |c| units(c.encode_utf8(&mut [0; 4])))
}

/// Every character as `\uXXXX`.
fn units(value: &str) -> String {
    value.encode_utf16().fold(String::new(), |mut text, unit| {
        // Writing to a string does not fail.
        let _ = write!(text, "\\u{unit:04x}");
        text
    })
}

/// Letters thirteen places on.
fn rot13(c: char) -> char {
    match c {
        'a'..='m' | 'A'..='M' => char::from_u32(u32::from(c) + 13).unwrap_or(c),
        'n'..='z' | 'N'..='Z' => char::from_u32(u32::from(c) - 13).unwrap_or(c),
        _ => c,
    }
}

/// An encoding of so many bits a character as it stands when so many bytes come before; characters that depend on
/// neighbours are dropped.
fn aligned(value: &str, before: usize, bits: usize, encoding: &Encoding) -> Vec<u8> {
    let padded = [vec![0; before], value.as_bytes().to_vec()].concat();
    let encoded = encoding.encode(&padded);
    let first = (before * 8).div_ceil(bits);
    let last = padded.len() * 8 / bits;
    encoded.get(first..last).unwrap_or_default().as_bytes().to_vec()
}
