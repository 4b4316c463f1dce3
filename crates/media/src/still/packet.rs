//! A packet of XMP (ISO 16684-1): its properties, as attributes or as elements, and which belong to one structure.

use std::borrow::Cow;

use quick_xml::{
    Reader, escape,
    events::{BytesStart, Event},
};

/// A property with a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Property {
    /// The usual prefix of its namespace, or that of the document where the namespace is not known here.
    pub(crate) prefix: String,
    pub(crate) name: String,
    pub(crate) value: String,
    /// The name of the property whose value it is a part of; empty at the top.
    pub(crate) holder: String,
    /// Which structure it is in: the same number for all parts of one, 0 at the top.
    pub(crate) structure: usize,
}

/// Properties of one packet, and elements within each other, that are read.
const MOST: usize = 4096;
const DEEPEST: usize = 64;

/// Namespaces by their usual prefixes (ISO 16684-2, IPTC Photo Metadata, Metadata Working Group).
const NAMESPACES: &[(&str, &str)] = &[
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("x", "adobe:ns:meta/"),
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("exif", "http://ns.adobe.com/exif/1.0/"),
    ("pdf", "http://ns.adobe.com/pdf/1.3/"),
    ("photoshop", "http://ns.adobe.com/photoshop/1.0/"),
    ("tiff", "http://ns.adobe.com/tiff/1.0/"),
    ("xmp", "http://ns.adobe.com/xap/1.0/"),
    ("xmpDM", "http://ns.adobe.com/xmp/1.0/DynamicMedia/"),
    ("xmpMM", "http://ns.adobe.com/xap/1.0/mm/"),
    ("Iptc4xmpCore", "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"),
    ("Iptc4xmpExt", "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"),
    ("mwg-rs", "http://www.metadataworkinggroup.com/schemas/regions/"),
    ("MPReg", "http://ns.microsoft.com/photo/1.2/t/Region#"),
    ("Camera", "http://pix4d.com/camera/1.0"),
    ("Camera", "http://pix4d.com/camera/1.0/"),
    ("drone-dji", "http://www.dji.com/drone-dji/1.0/"),
];

/// The properties of a packet, in its order, and why reading ended before its end if it did.
pub(crate) fn properties(packet: &[u8]) -> (Vec<Property>, Option<String>) {
    let text = letters(packet);
    let mut reader = Reader::from_reader(text.as_bytes());
    let mut walk = Walk::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        if walk.found.len() >= MOST || walk.open.len() > DEEPEST {
            let why = format!("more than {MOST} properties, or {DEEPEST} within each other");
            return (walk.found, Some(why));
        }
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(tag)) => walk.starts(&tag),
            Ok(Event::Empty(tag)) => {
                walk.starts(&tag);
                walk.ends();
            }
            Ok(Event::End(_)) => walk.ends(),
            Ok(Event::Text(text)) => walk.text.push_str(&text),
            Ok(Event::CData(text)) => walk.text.push_str(&text),
            Ok(Event::GeneralRef(name)) => {
                let letter = name.resolve_char_ref().ok().flatten().map(String::from);
                let known = letter.or_else(|| escape::resolve_predefined_entity(&name).map(str::to_owned));
                walk.text.push_str(&known.unwrap_or_else(|| format!("&{};", &*name)));
            }
            Ok(Event::Eof) => return (walk.found, None),
            Err(error) => return (walk.found, Some(error.to_string())),
            Ok(_) => {}
        }
    }
}

/// Adds the properties of a further packet of the same picture. Its structures are others.
pub(crate) fn join(all: &mut Vec<Property>, further: Vec<Property>) {
    let last = all.iter().map(|one| one.structure).max().unwrap_or(0);
    all.extend(further.into_iter().map(|one| {
        let structure = if one.structure == 0 { 0 } else { last + one.structure };
        Property { structure, ..one }
    }));
}

/// An element that is open.
struct Open {
    prefix: String,
    name: String,
    /// Its number in the packet.
    number: usize,
    /// How many namespaces were named before it.
    named: usize,
}

impl Open {
    /// Whether it is of the frame (RDF), not a property.
    fn is_frame(&self) -> bool {
        matches!(self.prefix.as_str(), "rdf" | "x")
    }
}

#[derive(Default)]
struct Walk {
    found: Vec<Property>,
    open: Vec<Open>,
    /// Prefixes of the document, and the usual ones of their namespaces.
    named: Vec<(String, &'static str)>,
    /// What stands in the innermost element so far.
    text: String,
    elements: usize,
}

impl Walk {
    fn starts(&mut self, tag: &BytesStart<'_>) {
        self.flush();
        self.elements += 1;
        let named = self.named.len();
        let attributes: Vec<_> = tag.attributes().flatten().take(MOST - self.found.len().min(MOST)).collect();
        for attribute in &attributes {
            if let ("xmlns", prefix) = split(attribute.key.as_ref()) {
                let value = attribute.value.trim();
                // One that is not known hides an outer one of the same prefix.
                let usual = NAMESPACES.iter().find(|(_, uri)| *uri == value).map_or("", |(usual, _)| usual);
                if self.named.len() < MOST {
                    self.named.push((prefix.to_owned(), usual));
                }
            }
        }
        let (prefix, name) = self.resolved(tag.name().as_ref());
        self.open.push(Open { prefix, name, number: self.elements, named });
        for attribute in attributes {
            let (prefix, name) = self.resolved(attribute.key.as_ref());
            if !matches!(prefix.as_str(), "xmlns" | "rdf" | "x" | "xml" | "") {
                let value = escape::unescape(&attribute.value)
                    .map_or_else(|_| attribute.value.to_string(), Into::into);
                self.add(prefix, name, value.trim(), self.open.len());
            }
        }
    }

    fn ends(&mut self) {
        self.flush();
        if let Some(last) = self.open.pop() {
            self.named.truncate(last.named);
        }
    }

    /// What was read of text is the value of the innermost property.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let value = text.trim();
        let at = self.open.iter().rposition(|one| !one.is_frame());
        if let Some((at, one)) = at.and_then(|at| Some((at, self.open.get(at)?)))
            && !value.is_empty()
        {
            let (prefix, name) = (one.prefix.clone(), one.name.clone());
            self.add(prefix, name, value, at);
        }
    }

    /// Adds a property, which stands within so many of the open elements.
    fn add(&mut self, prefix: String, name: String, value: &str, within: usize) {
        let around = self.open.get(..within).unwrap_or_default();
        let holder =
            around.iter().rfind(|one| !one.is_frame()).map_or("", |one| one.name.as_str()).to_owned();
        let structure = around.last().filter(|_| !holder.is_empty()).map_or(0, |one| one.number);
        self.found.push(Property { prefix, name, value: value.to_owned(), holder, structure });
    }

    /// A name with the usual prefix of its namespace.
    fn resolved(&self, name: &str) -> (String, String) {
        let (prefix, name) = split(name);
        let usual = self.named.iter().rfind(|(one, _)| one == prefix).map_or("", |(_, usual)| usual);
        let prefix = if usual.is_empty() { prefix } else { usual };
        (prefix.to_owned(), name.to_owned())
    }
}

/// The letters of a packet: UTF-16 where its first letter shows it (ISO 16684-1 section 7.3), or UTF-8. A letter in the
/// alphabet of an old program must not hide the rest.
fn letters(packet: &[u8]) -> Cow<'_, str> {
    let order: fn([u8; 2]) -> u16 = match packet {
        [0, b'<', ..] | [0xfe, 0xff, ..] => u16::from_be_bytes,
        [b'<', 0, ..] | [0xff, 0xfe, ..] => u16::from_le_bytes,
        _ => return String::from_utf8_lossy(packet),
    };
    let units: Vec<u16> = packet.as_chunks::<2>().0.iter().map(|two| order(*two)).collect();
    Cow::Owned(String::from_utf16_lossy(&units))
}

fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_of_another_alphabet_hides_nothing() {
        let packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><d:Title>Z\xfcrich</d:Title><d:DroneSerialNumber>K1</d:DroneSerialNumber></x:xmpmeta>";
        let (found, flaw) = properties(packet);
        assert_eq!((found.len(), flaw), (2, None));
        assert_eq!(found[1].value, "K1");
        let wide: Vec<u8> = "<d:Title>Mast</d:Title>".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(properties(&wide).0[0].value, "Mast");
    }

    #[test]
    fn letters_by_number_name_or_as_they_are_belong_to_one_value() {
        let packet = "<r xmlns:d='u' d:Owner='M&#252;ller &amp; Co'><d:GPSLatitude>47.&#49;234</d:GPSLatitude><d:Serial><![CDATA[AB]]>C&#68;</d:Serial></r>";
        let (found, flaw) = properties(packet.as_bytes());
        let values: Vec<_> = found.iter().map(|one| one.value.as_str()).collect();
        assert_eq!((values, flaw), (vec!["Müller & Co", "47.1234", "ABCD"], None));
    }

    #[test]
    fn parts_of_one_structure_have_one_number() {
        let packet = "<rdf:Description a:P='0'><a:S><rdf:Bag><rdf:li a:X='1'><a:Y>2</a:Y></rdf:li><rdf:li><a:X>3</a:X></rdf:li></rdf:Bag></a:S><a:T><rdf:li>4</rdf:li></a:T></rdf:Description>";
        let (found, _) = properties(packet.as_bytes());
        let told: Vec<_> =
            found.iter().map(|one| (one.value.as_str(), one.holder.as_str(), one.structure)).collect();
        let mut twice = found.clone();
        join(&mut twice, found.clone());
        let numbers: Vec<_> = twice.iter().map(|one| one.structure).collect();
        assert_eq!(numbers, [0, 4, 4, 6, 0, 0, 10, 10, 12, 0], "those of another packet are others");
        assert_eq!(told, [("0", "", 0), ("1", "S", 4), ("2", "S", 4), ("3", "S", 6), ("4", "", 0)]);
    }
}
