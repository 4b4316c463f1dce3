//! XML, one element of interest at a time: no more of a document than that is kept.

use quick_xml::{Reader, events::Event};

/// An element: its local name, and what is in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Node>,
}

/// Elements within each other, elements of one of interest, and attributes of one.
const DEEPEST: usize = 64;
const MOST_NODES: usize = 2_000_000;
const MOST_ATTRIBUTES: usize = 32;

/// Whether a document has an element of this name among its first.
pub(super) fn begins_with(text: &str, name: &str) -> bool {
    let mut reader = Reader::from_str(text);
    for _ in 0..40 {
        match reader.read_event() {
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                if tag.local_name().as_ref() == name {
                    return true;
                }
            }
            Ok(Event::Eof) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    false
}

/// Hands each element of this name to `sink`, those within one another as part of the outer one. Says where and why reading ended
/// before the end.
pub(super) fn each(text: &str, name: &str, sink: &mut dyn FnMut(Node)) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Node> = Vec::new();
    let (mut depth, mut nodes) = (0_usize, 0_usize);
    loop {
        let at = reader.buffer_position();
        let event =
            reader.read_event().map_err(|error| format!("it is no valid XML at byte {at}: {error}"))?;
        match event {
            Event::Start(tag) => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(format!("more than {DEEPEST} elements within each other at byte {at}"));
                }
                if !open.is_empty() || tag.local_name().as_ref() == name {
                    nodes += 1;
                    if nodes > MOST_NODES {
                        return Err(format!("an element has more than {MOST_NODES} within it"));
                    }
                    open.push(node(&tag));
                }
            }
            Event::Empty(tag) => {
                if let Some(parent) = open.last_mut() {
                    nodes += 1;
                    if nodes > MOST_NODES {
                        return Err(format!("an element has more than {MOST_NODES} within it"));
                    }
                    parent.children.push(node(&tag));
                }
            }
            Event::Text(text) => {
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&text);
                }
            }
            Event::CData(text) => {
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&text);
                }
            }
            Event::GeneralRef(name) => {
                if let Some(node) = open.last_mut() {
                    node.text.push(match name.as_ref() {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => '?',
                    });
                }
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if let Some(node) = open.pop() {
                    if let Some(parent) = open.last_mut() {
                        parent.children.push(node);
                    } else {
                        nodes = 0;
                        sink(node);
                    }
                }
            }
            Event::Eof if open.is_empty() => return Ok(()),
            Event::Eof => return Err(format!("it ends within `{name}`")),
            _ => {}
        }
    }
}

fn node(tag: &quick_xml::events::BytesStart<'_>) -> Node {
    let attributes = tag.attributes().flatten().take(MOST_ATTRIBUTES);
    let attributes = attributes.map(|one| (one.key.local_name().as_ref().to_owned(), one.value.to_string()));
    Node { name: tag.local_name().as_ref().to_owned(), attributes: attributes.collect(), ..Node::default() }
}

impl Node {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A child.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of a child, if it is not blank.
    pub(super) fn said(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// Elements of a name anywhere within, in order, those within one another as part of the outer one.
    pub(super) fn all<'a>(&'a self, name: &str, out: &mut Vec<&'a Self>) {
        for child in &self.children {
            if child.name == name { out.push(child) } else { child.all(name, out) }
        }
    }

    /// The first element of a name anywhere within.
    pub(super) fn first(&self, name: &str) -> Option<&Self> {
        self.children
            .iter()
            .find_map(|child| if child.name == name { Some(child) } else { child.first(name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_one_are_bounded_also_those_without_an_end() {
        for one in ["<b/>", "<b></b>"] {
            let text = format!("<a>{}</a>", one.repeat(MOST_NODES));
            let why = each(&text, "a", &mut |_| {}).unwrap_err();
            assert!(why.contains("has more than"), "{why}");
        }
    }
}
