//! XML 1.0: elements and attributes become named values, under the names without their prefixes.
//!
//! An element with others inside is a part without name, and its text and attributes are values beside those of its
//! neighbours: `<p lat="1"><ele>2</ele></p>` gives `xml:/p@lat` and `xml:/p/ele`. Of entities, the five of the standard and
//! numbers are read; a document cannot define more. HTML is no data and is left as it is, and so are drawings (SVG).

use quick_xml::{Reader, escape, events::Event};

use super::{DEEPEST, Stop, Tree, path, path::Path};

impl Tree<'_> {
    /// Takes a part apart as XML. False if it is none. If it is not said to be XML, it must be whole, without text
    /// between its elements.
    pub(super) fn xml(&mut self, part: usize, said: bool) -> bool {
        let bytes = self.bytes(part);
        let Some(said_inside) = begins(bytes) else { return false };
        let text = String::from_utf8_lossy(bytes).into_owned();
        let root = root(&text);
        if root.as_deref() == Some("plist") {
            return self.xml_plist(part, &text);
        }
        let Some(root) = root.map(|root| root.to_lowercase()) else { return false };
        let said = said || said_inside;
        if PAGES.contains(&root.as_str())
            || !(said || (!MARKS.contains(&root.as_str()) && is_document(&text)))
        {
            return false;
        }
        let before = self.mark();
        let end = self.elements(part, &text);
        let read = matches!(end, Ok(()) | Err(Stop::Limit)) || self.named_since(before) > 0;
        if !read {
            self.back(before);
        }
        read
    }

    fn elements(&mut self, part: usize, text: &str) -> Result<(), Stop> {
        let mut pieces = Pieces::new(text);
        let mut path = Path::new("xml");
        let mut open: Vec<Element> = Vec::new();
        while let Some(piece) = pieces.next()? {
            if self.full() {
                return Err(Stop::Limit);
            }
            match piece {
                Piece::Open(name, attributes) => {
                    if open.len() > DEEPEST {
                        self.reached("depth of parts");
                        return Err(Stop::Limit);
                    }
                    // The element around holds others: it is a part.
                    let above = match open.last_mut() {
                        Some(around) => *around.part.get_or_insert_with(|| {
                            self.child(around.above, &*path.step(), b"".as_slice(), None)
                        }),
                        None => part,
                    };
                    if attributes.len() == MOST_ATTRIBUTES {
                        self.reached("number of parts");
                    }
                    let back = path.enter(path::key(&name));
                    let part = (!attributes.is_empty())
                        .then(|| self.child(above, &*path.step(), b"".as_slice(), None));
                    for (name, value) in attributes {
                        if self.full() {
                            return Err(Stop::Limit);
                        }
                        let name = path::key(&name);
                        let step = path.step_with(&format!("@{name}"));
                        let leaf = self.child(part.unwrap_or(above), &step, value, Some(name));
                        self.open(leaf);
                    }
                    open.push(Element { name, above, part, back, text: String::new() });
                }
                Piece::Text(text) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&text);
                    }
                }
                Piece::Close => {
                    let Some(element) = open.pop() else { return Err(Stop::Wrong) };
                    let text = element.text.trim();
                    if !text.is_empty() {
                        let name = path::key(&element.name);
                        let leaf = self.child(element.above, &*path.step(), text, Some(name));
                        self.open(leaf);
                    }
                    path.leave(element.back);
                }
            }
        }
        Ok(())
    }
}

/// An element whose end has not come.
struct Element {
    name: String,
    /// The part of the element around it.
    above: usize,
    /// Its own part, if it has attributes or other elements.
    part: Option<usize>,
    back: usize,
    text: String,
}

/// Documents for people: their elements say how things look.
const PAGES: &[&str] = &["html", "svg"];

/// Elements of such documents, alone in a text.
const MARKS: &[&str] = &["body", "div", "p", "span", "a", "b", "i", "br", "font", "img", "table"];

/// Attributes of one element that are read.
const MOST_ATTRIBUTES: usize = 4096;

/// Whether bytes begin as XML does: if so, whether they say that they are.
fn begins(bytes: &[u8]) -> Option<bool> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    match bytes {
        [b'<', b'?', b'x', b'm', b'l', ..] => Some(true),
        [b'<', b'!' | b'_' | b'a'..=b'z' | b'A'..=b'Z', ..] => Some(false),
        _ => None,
    }
}

/// The name of the outermost element.
fn root(text: &str) -> Option<String> {
    let mut pieces = Pieces::new(text);
    loop {
        match pieces.next().ok()?? {
            Piece::Open(name, _) => return Some(name),
            Piece::Text(_) => {}
            Piece::Close => return None,
        }
    }
}

/// Whether a text is one whole element, and no element in it holds both text and others.
fn is_document(text: &str) -> bool {
    let mut pieces = Pieces::new(text);
    // For each open element, whether it has text and whether it has elements.
    let mut open: Vec<[bool; 2]> = Vec::new();
    let mut roots = 0;
    loop {
        match pieces.next() {
            Ok(Some(Piece::Open(..))) => {
                roots += usize::from(open.is_empty());
                if let Some([_, others]) = open.last_mut() {
                    *others = true;
                }
                open.push([false; 2]);
            }
            Ok(Some(Piece::Text(text))) if !text.trim().is_empty() => match open.last_mut() {
                Some([said, _]) => *said = true,
                None => return false,
            },
            Ok(Some(Piece::Text(_))) => {}
            Ok(Some(Piece::Close)) => {
                if open.pop() == Some([true; 2]) {
                    return false;
                }
            }
            Ok(None) => return roots == 1,
            Err(_) => return false,
        }
        if open.len() > DEEPEST {
            return false;
        }
    }
}

/// What a document consists of.
pub(super) enum Piece {
    /// An element with its attributes.
    Open(String, Vec<(String, String)>),
    Text(String),
    Close,
}

/// A document, piece by piece.
pub(super) struct Pieces<'b> {
    reader: Reader<&'b [u8]>,
    depth: usize,
}

impl<'b> Pieces<'b> {
    pub(super) fn new(text: &'b str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, depth: 0 }
    }

    /// The next piece, and none behind the last.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, Stop> {
        loop {
            return match self.reader.read_event() {
                Ok(Event::Start(tag)) => {
                    self.depth += 1;
                    // Names of namespaces say nothing, and a check for attributes that stand twice takes quadratic time.
                    let mut attributes = Vec::new();
                    for one in
                        tag.attributes().with_checks(false).filter_map(Result::ok).take(MOST_ATTRIBUTES)
                    {
                        if !one.key.0.starts_with("xmlns") {
                            let value =
                                escape::unescape(&one.value).map_or(one.value.to_string(), Into::into);
                            attributes.push((one.key.local_name().as_ref().to_owned(), value));
                        }
                    }
                    Ok(Some(Piece::Open(tag.local_name().as_ref().to_owned(), attributes)))
                }
                Ok(Event::End(_)) => {
                    self.depth = self.depth.saturating_sub(1);
                    Ok(Some(Piece::Close))
                }
                Ok(Event::Text(text)) => Ok(Some(Piece::Text(text.to_string()))),
                Ok(Event::CData(text)) => Ok(Some(Piece::Text(text.to_string()))),
                Ok(Event::GeneralRef(name)) => {
                    let known = name
                        .resolve_char_ref()
                        .ok()
                        .flatten()
                        .map(String::from)
                        .or_else(|| escape::resolve_predefined_entity(&name).map(str::to_owned));
                    Ok(Some(Piece::Text(known.unwrap_or_else(|| format!("&{};", &*name)))))
                }
                Ok(Event::Eof) if self.depth > 0 => Err(Stop::Cut),
                Ok(Event::Eof) => Ok(None),
                Ok(_) => continue,
                Err(_) => Err(Stop::Wrong),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, expand};

    fn leaves(text: &str, kind: Option<&str>) -> Vec<String> {
        expand(text.as_bytes(), kind, &Limits::default())
            .iter()
            .filter(|part| part.name().is_some())
            .map(|part| format!("{}={}", part.step(), String::from_utf8_lossy(part.bytes())))
            .collect()
    }

    const KIND: Option<&str> = Some("application/xml");

    #[test]
    fn elements_and_attributes_are_values() {
        let text = "<?xml version='1.0'?><!-- c --><g:gpx xmlns:g='urn:x'><trkpt lat='24.745' lon=\"121.042\">\n\
            <ele>12</ele><name>A &amp; B &#x41;<![CDATA[ <c>]]></name><empty/></trkpt></g:gpx>";
        let told = [
            "xml:/gpx/trkpt@lat=24.745",
            "xml:/gpx/trkpt@lon=121.042",
            "xml:/gpx/trkpt/ele=12",
            "xml:/gpx/trkpt/name=A & B A <c>",
        ];
        assert_eq!(leaves(text, KIND), told);
        assert_eq!(leaves(text, None), told);
        assert_eq!(leaves(text, Some("application/soap+xml; charset=utf-8")), told);
    }

    #[test]
    fn neighbours_share_their_parent() {
        let text = "<p><lat unit='deg'>24.745</lat><lon unit='deg'>121.042</lon></p>";
        let parts = expand(text.as_bytes(), KIND, &Limits::default());
        let parent = |step: &str| {
            let part = parts.iter().find(|part| part.is(step) && part.name().is_some()).unwrap();
            parts.get(part.parent().unwrap()).unwrap().step().into_owned()
        };
        assert_eq!([parent("xml:/p/lat"), parent("xml:/p/lon")], ["xml:/p", "xml:/p"]);
    }

    #[test]
    fn pages_and_marks_in_text_stay_whole() {
        for text in [
            "<!DOCTYPE html><html><body a='b'>x</body></html>",
            "<b>hello</b>",
            "<x>some <y>marked</y> words</x>",
            "<3 you",
            "<x>not closed",
            "<x></y>",
            "<x/> and more",
            "<x/><y/>",
        ] {
            assert!(leaves(text, None).is_empty(), "{text}: {:?}", leaves(text, None));
        }
        assert!(leaves("<html><p>x</p></html>", Some("text/html")).is_empty());
        assert!(leaves("<svg a='b'/>", Some("image/svg+xml")).is_empty());
    }

    #[test]
    fn what_comes_before_a_cut_is_kept() {
        assert_eq!(leaves("<a><b>1</b><c>2", KIND), ["xml:/a/b=1"]);
        assert_eq!(leaves("<?xml version='1.0'?><a><b>1</b></c>", None), ["xml:/a/b=1"]);
    }

    #[test]
    fn entities_are_not_expanded_and_depth_is_bounded() {
        let bomb = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><x><y>&b;&b;</y></x>";
        assert_eq!(leaves(bomb, KIND), ["xml:/x/y=&b;&b;"]);
        assert!(expand("<a>".repeat(50_000).as_bytes(), KIND, &Limits::default()).len() < 200);
        let wide = format!("<a {}/>", "b='c' ".repeat(50_000));
        assert_eq!(leaves(&wide, KIND).len(), super::MOST_ATTRIBUTES);
    }
}
