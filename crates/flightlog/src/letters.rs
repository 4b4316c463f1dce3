//! Letters of XML that are written by a reference (XML 1.0, section 4.1).

use std::borrow::Cow;

use quick_xml::{escape::resolve_xml_entity, events::BytesRef};

/// What a reference stands for: a letter by its number, one of the five that have names; what a document defines itself is
/// not known, and is the sign for that.
pub(crate) fn letters<'a>(reference: &'a BytesRef<'_>) -> Cow<'a, str> {
    if let Ok(Some(letter)) = reference.resolve_char_ref() {
        return letter.to_string().into();
    }
    let name: &str = reference;
    resolve_xml_entity(name).unwrap_or("\u{fffd}").into()
}
