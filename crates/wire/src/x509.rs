//! Names in an X.509 certificate (RFC 5280): the subject's common name and the DNS names of its alternative names.
//!
//! A bounded walk over DER, not a validation: no signature, date or constraint is looked at.

use creance_cursor::{Cursor, Malformed};

/// Names of one certificate, most.
const MOST_NAMES: usize = 100;

/// Whom a certificate is of.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The common name first, then the alternative names; lower case.
    pub(crate) names: Vec<String>,
    /// The common name of the issuer, as it is written.
    pub(crate) issuer: Option<String>,
}

/// The names in a certificate, or only the first of them.
pub(crate) fn names(der: &[u8], all: bool) -> Names {
    let mut names = Names::default();
    // What the walk found before damage counts.
    let _ = walk(der, all, &mut names);
    names
}

/// Object identifiers, without tag and length.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

fn walk(der: &[u8], all: bool, found: &mut Names) -> Result<(), Malformed> {
    let mut certificate = Cursor::new(der);
    let (_, mut outer) = element(&mut certificate)?;
    let (_, mut body) = element(&mut outer)?;
    // version [0], serial, signature algorithm, issuer, validity, subject, key, [1], [2], [3] extensions
    let mut position = 0;
    while !body.is_empty() && (all || found.names.is_empty()) {
        let (tag, content) = element(&mut body)?;
        match (tag, position) {
            (0xa0, 0) => continue,
            (0x30, 2) => found.issuer = common_name(content)?,
            (0x30, 4) => {
                if let Some(name) = common_name(content)? {
                    push(name.as_bytes(), &mut found.names);
                }
            }
            (0xa3, _) => alternative_names(content, all, &mut found.names)?,
            _ => {}
        }
        position += 1;
    }
    Ok(())
}

fn common_name(mut subject: Cursor<'_>) -> Result<Option<String>, Malformed> {
    let mut name = None;
    while !subject.is_empty() {
        let (_, mut set) = element(&mut subject)?;
        let (_, mut pair) = element(&mut set)?;
        let (_, kind) = element(&mut pair)?;
        let (_, value) = element(&mut pair)?;
        if kind.rest() == COMMON_NAME {
            name = Some(String::from_utf8_lossy(value.rest()).into_owned());
        }
    }
    Ok(name)
}

fn alternative_names(
    mut extensions: Cursor<'_>,
    all: bool,
    names: &mut Vec<String>,
) -> Result<(), Malformed> {
    let (_, mut list) = element(&mut extensions)?;
    while !list.is_empty() {
        let (_, mut extension) = element(&mut list)?;
        let (_, kind) = element(&mut extension)?;
        if kind.rest() != SUBJECT_ALT_NAME {
            continue;
        }
        let (mut tag, mut value) = element(&mut extension)?;
        if tag == 0x01 {
            // The critical flag came first.
            (tag, value) = element(&mut extension)?;
        }
        if tag != 0x04 {
            continue;
        }
        let (_, mut general) = element(&mut value)?;
        while !general.is_empty() && (all || names.is_empty()) {
            let (tag, name) = element(&mut general)?;
            if tag == 0x82 {
                push(name.rest(), names);
            }
        }
    }
    Ok(())
}

fn push(bytes: &[u8], names: &mut Vec<String>) {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    if names.len() < MOST_NAMES && !text.is_empty() && !names.contains(&text) {
        names.push(text);
    }
}

/// A tag and its content; the cursor moves behind it.
fn element<'a>(cursor: &mut Cursor<'a>) -> Result<(u8, Cursor<'a>), Malformed> {
    let tag = cursor.u8("DER tag")?;
    let at = cursor.at();
    let length = match cursor.u8("DER length")? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => usize::from(cursor.u8("DER length")?),
        0x82 => usize::from(cursor.u16_be("DER length")?),
        0x83 => cursor.u24_be("DER length")? as usize,
        found => {
            return Err(Malformed::Unexpected {
                field: "DER length",
                at,
                found: u64::from(found),
                expected: "at most three bytes",
            });
        }
    };
    Ok((tag, cursor.sub("DER content", length)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x82], u16::try_from(content.len()).unwrap().to_be_bytes().as_slice(), content].concat()
    }

    #[test]
    fn common_and_alternative_names_are_found() {
        let subject =
            tlv(0x30, &tlv(0x31, &tlv(0x30, &[tlv(0x06, COMMON_NAME), tlv(0x0c, b"API.example")].concat())));
        let issuer =
            tlv(0x30, &tlv(0x31, &tlv(0x30, &[tlv(0x06, COMMON_NAME), tlv(0x0c, b"Root R1")].concat())));
        let general = tlv(0x30, &[tlv(0x82, b"api.example"), tlv(0x82, b"cdn.example")].concat());
        let extension = tlv(0x30, &[tlv(0x06, SUBJECT_ALT_NAME), tlv(0x04, &general)].concat());
        let body = [
            tlv(0xa0, &[2, 1, 2]),
            tlv(0x02, &[1]),
            tlv(0x30, &[]),
            issuer,
            tlv(0x30, &[]),
            subject,
            tlv(0x30, &[]),
            tlv(0xa3, &tlv(0x30, &extension)),
        ]
        .concat();
        let found = |all| names(&tlv(0x30, &tlv(0x30, &body)), all);
        assert_eq!(found(true).names, ["api.example", "cdn.example"]);
        assert_eq!(found(true).issuer.as_deref(), Some("Root R1"));
        assert_eq!(found(false).names, ["api.example"]);
        assert!(names(&[0x30, 0x84, 1], true).names.is_empty());
    }
}
