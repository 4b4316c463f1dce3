//! Handshake messages and alerts taken apart (RFC 8446 §4, §6; RFC 5246 §7).

use creance_cursor::{Cursor, Malformed};
use creance_model::{Field, Value};

use crate::{
    ja4::{self, Hello, is_grease},
    x509,
};

/// The name of an alert (RFC 8446 §6, with those of older versions that are still met).
pub(super) fn alert_name(description: u8) -> String {
    let name = match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        other => return other.to_string(),
    };
    name.to_owned()
}

/// What the key schedule needs of a client's hello.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Offer {
    pub(crate) random: [u8; 32],
    /// Whether data may follow at once (RFC 8446 §4.2.10).
    pub(super) early_data: bool,
}

/// What the key schedule needs of a server's hello.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub(super) random: [u8; 32],
    pub(super) version: u16,
    pub(crate) suite: u16,
    /// RFC 7366.
    pub(super) encrypt_then_mac: bool,
    /// RFC 7627.
    pub(super) extended_master: bool,
    /// A request for another hello (RFC 8446 §4.1.4).
    pub(crate) retry: bool,
}

/// SHA-256 of `HelloRetryRequest`, in place of a random (RFC 8446 §4.1.3).
pub(crate) const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

fn random(cursor: &mut Cursor<'_>) -> Result<[u8; 32], Malformed> {
    Ok(cursor.take("random", 32)?.try_into().unwrap_or([0; 32]))
}

/// What carries a hello.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Over {
    Tcp,
    Quic,
    /// The hello without its cookie.
    Dtls,
}

/// Room for extensions, that most hellos need no more.
const USUAL_EXTENSIONS: usize = 24;

pub(crate) fn client_hello(body: &[u8], over: Over) -> Result<(Vec<Field>, Offer), Malformed> {
    let mut cursor = Cursor::new(body);
    let mut hello = Hello {
        version: cursor.u16_be("version")?,
        extensions: Vec::with_capacity(USUAL_EXTENSIONS),
        ..Hello::default()
    };
    let mut offer = Offer { random: random(&mut cursor)?, early_data: false };
    let session = usize::from(cursor.u8("session id length")?);
    cursor.take("session id", session)?;
    let length = usize::from(cursor.u16_be("cipher suites length")?);
    hello.ciphers = numbers(&mut cursor.sub("cipher suites", length)?)?;
    let compressions = usize::from(cursor.u8("compression methods length")?);
    cursor.take("compression methods", compressions)?;

    let (mut sni, mut alpn, mut ech) = (None, Vec::new(), false);
    if !cursor.is_empty() {
        let length = usize::from(cursor.u16_be("extensions length")?);
        let mut extensions = cursor.sub("extensions", length.min(cursor.len()))?;
        while !extensions.is_empty() {
            let kind = extensions.u16_be("extension type")?;
            let length = usize::from(extensions.u16_be("extension length")?);
            let mut data = extensions.sub("extension", length)?;
            hello.extensions.push(kind);
            match kind {
                0 => {
                    hello.sni = true;
                    sni = server_name(&mut data).ok();
                }
                13 => {
                    let length = usize::from(data.u16_be("signature algorithms length")?);
                    hello.signatures = numbers(&mut data.sub("signature algorithms", length)?)?;
                }
                16 => {
                    alpn = protocols(&mut data).unwrap_or_default();
                    hello.alpn = alpn.first().copied();
                }
                43 => {
                    let length = usize::from(data.u8("versions length")?);
                    let versions = numbers(&mut data.sub("versions", length)?)?;
                    let versions = versions.into_iter().filter(|version| !is_grease(*version));
                    // Numbers of DTLS go down.
                    let newest = if over == Over::Dtls { versions.min() } else { versions.max() };
                    hello.version = newest.unwrap_or(hello.version);
                }
                42 => offer.early_data = true,
                0xfe0d => ech = true,
                _ => {}
            }
        }
    }
    let mut fields = Vec::with_capacity(6);
    fields.push(Field { name: "version", value: Value::Text(version(hello.version)) });
    fields.push(Field { name: "ja4", value: Value::Text(ja4::ja4(&hello, over)) });
    if let Some(sni) = sni {
        fields.push(Field { name: "sni", value: Value::Text(sni) });
    }
    if !alpn.is_empty() {
        let names = alpn.iter().map(|name| Value::Text(String::from_utf8_lossy(name).into_owned())).collect();
        fields.push(Field { name: "alpn", value: Value::List(names) });
    }
    if hello.ciphers.iter().chain(&hello.extensions).any(|value| is_grease(*value)) {
        fields.push(Field {
            name: "grease",
            value: Value::Text("present (RFC 8701: values to be ignored)".to_owned()),
        });
    }
    if ech {
        fields.push(Field {
            name: "ech",
            value: Value::Text("present (real or GREASE: not to be told apart)".to_owned()),
        });
    }
    Ok((fields, offer))
}

pub(crate) fn server_hello(body: &[u8]) -> Result<(Vec<Field>, Choice), Malformed> {
    let mut cursor = Cursor::new(body);
    let mut chosen = cursor.u16_be("version")?;
    let random = random(&mut cursor)?;
    let (mut encrypt_then_mac, mut extended_master) = (false, false);
    let session = usize::from(cursor.u8("session id length")?);
    cursor.take("session id", session)?;
    let cipher = cursor.u16_be("cipher suite")?;
    cursor.u8("compression method")?;
    let mut alpn = None;
    if !cursor.is_empty() {
        let length = usize::from(cursor.u16_be("extensions length")?);
        let mut extensions = cursor.sub("extensions", length.min(cursor.len()))?;
        while !extensions.is_empty() {
            let kind = extensions.u16_be("extension type")?;
            let length = usize::from(extensions.u16_be("extension length")?);
            let mut data = extensions.sub("extension", length)?;
            match kind {
                16 => alpn = protocols(&mut data).ok().and_then(|names| names.into_iter().next()),
                22 => encrypt_then_mac = true,
                23 => extended_master = true,
                43 => chosen = data.u16_be("selected version")?,
                _ => {}
            }
        }
    }
    let mut fields = vec![
        Field { name: "version", value: Value::Text(version(chosen)) },
        Field { name: "cipher", value: Value::Text(format!("{cipher:04x}")) },
    ];
    if let Some(alpn) = alpn {
        fields.push(Field { name: "alpn", value: Value::Text(String::from_utf8_lossy(alpn).into_owned()) });
    }
    let retry = random == RETRY;
    let choice = Choice { random, version: chosen, suite: cipher, encrypt_then_mac, extended_master, retry };
    Ok((fields, choice))
}

/// The names of the first certificate, the sender's own, or only one of them.
pub(crate) fn certificate(body: &[u8], tls13: bool, all: bool) -> Vec<Field> {
    let first = (|| {
        let mut cursor = Cursor::new(body);
        if tls13 {
            let length = usize::from(cursor.u8("request context length")?);
            cursor.take("request context", length)?;
        }
        cursor.u24_be("certificates length")?;
        let length = cursor.u24_be("certificate length")? as usize;
        cursor.take("certificate", length)
    })();
    let read = first.map(|certificate| x509::names(certificate, all)).unwrap_or_default();
    let mut fields = Vec::new();
    if !read.names.is_empty() {
        let names = read.names.into_iter().map(Value::Text).collect();
        fields.push(Field { name: "names", value: Value::List(names) });
    }
    fields.extend(read.issuer.map(|issuer| Field { name: "issuer", value: Value::Text(issuer) }));
    fields
}

fn server_name(data: &mut Cursor<'_>) -> Result<String, Malformed> {
    data.u16_be("server name list length")?;
    data.u8("server name type")?;
    let length = usize::from(data.u16_be("server name length")?);
    Ok(String::from_utf8_lossy(data.take("server name", length)?).into_owned())
}

pub(super) fn protocols<'a>(data: &mut Cursor<'a>) -> Result<Vec<&'a [u8]>, Malformed> {
    data.u16_be("protocol list length")?;
    let mut names = Vec::new();
    while !data.is_empty() {
        let length = usize::from(data.u8("protocol length")?);
        names.push(data.take("protocol", length)?);
    }
    Ok(names)
}

/// Whether DNS (RFC 7858) is among the protocols that fields name.
pub(super) fn names_dns(fields: &[Field]) -> bool {
    let is = |name: &Value| matches!(name, Value::Text(name) if name == "dot");
    fields.iter().filter(|field| field.name == "alpn").any(|field| match &field.value {
        Value::List(names) => names.iter().any(is),
        name => is(name),
    })
}

fn numbers(cursor: &mut Cursor<'_>) -> Result<Vec<u16>, Malformed> {
    let mut numbers = Vec::with_capacity(cursor.len() / 2);
    while !cursor.is_empty() {
        numbers.push(cursor.u16_be("list")?);
    }
    Ok(numbers)
}

pub(super) fn version(number: u16) -> String {
    match number {
        0x0300 => "SSL 3.0".to_owned(),
        0x0301 => "TLS 1.0".to_owned(),
        0x0302 => "TLS 1.1".to_owned(),
        0x0303 => "TLS 1.2".to_owned(),
        0x0304 => "TLS 1.3".to_owned(),
        0xfeff => "DTLS 1.0".to_owned(),
        0xfefd => "DTLS 1.2".to_owned(),
        0xfefc => "DTLS 1.3".to_owned(),
        other => format!("{other:04x}"),
    }
}

/// What a server chooses among the client's protocols (RFC 8446 §4.3.1).
pub(crate) fn encrypted_extensions(body: &[u8]) -> Result<Vec<Field>, Malformed> {
    let mut cursor = Cursor::new(body);
    let length = usize::from(cursor.u16_be("extensions length")?);
    let mut extensions = cursor.sub("extensions", length)?;
    let mut fields = Vec::new();
    while !extensions.is_empty() {
        let kind = extensions.u16_be("extension type")?;
        let length = usize::from(extensions.u16_be("extension length")?);
        let mut data = extensions.sub("extension", length)?;
        if kind == 16
            && let Some(name) = protocols(&mut data)?.into_iter().next()
        {
            let name = String::from_utf8_lossy(name).into_owned();
            fields.push(Field { name: "alpn", value: Value::Text(name) });
        }
    }
    Ok(fields)
}
