//! Names in place of names: the same one for the same thing, wherever it stands.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    net::IpAddr,
};

use aho_corasick::{AhoCorasick, MatchKind};

/// Letters and digits that a text must have for its removal to be proved by a search: shorter ones stand anywhere.
const SHORTEST: usize = 4;

/// The longest ending of a file's name that is kept.
const LONGEST_ENDING: usize = 5;

/// Names that were given.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<&'static str, HashMap<String, usize>>,
    /// What was removed, and what stands in its place.
    given: BTreeMap<String, (&'static str, String)>,
    /// All names that were given.
    ours: HashSet<String>,
    finder: Option<(AhoCorasick, Vec<String>)>,
}

/// What was removed, with its kind.
#[derive(Debug)]
pub(super) struct Removed {
    texts: Vec<(String, &'static str)>,
    finder: Option<AhoCorasick>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The number of a thing among its kind, counted from 1.
    pub(super) fn number(&mut self, kind: &'static str, thing: &str) -> usize {
        let known = self.numbers.entry(kind).or_default();
        let next = known.len() + 1;
        *known.entry(thing.to_owned()).or_insert(next)
    }

    pub(super) fn knows(&self, kind: &str, thing: &str) -> bool {
        self.numbers.get(kind).is_some_and(|known| known.contains_key(thing))
    }

    /// The name of a thing: `site-1`.
    pub(super) fn name(&mut self, kind: &'static str, thing: &str) -> String {
        // What has been gone through already keeps its name.
        if self.ours.contains(thing) {
            return thing.to_owned();
        }
        let name = format!("{kind}-{}", self.number(kind, thing));
        self.give(kind, thing, &name);
        name
    }

    /// The name of a file, with its ending: `file-1.jpg`.
    pub(super) fn path(&mut self, kind: &'static str, path: &str) -> String {
        let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let ending = last.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
        let is_ending = |ending: &String| {
            ending.len() <= LONGEST_ENDING && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let ending = ending.filter(is_ending).map(|ending| format!(".{ending}")).unwrap_or_default();
        let name = format!("{kind}-{}{ending}", self.number(kind, path));
        // A folder that is called `device` would be found in every sentence.
        let is_word = |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
        for text in [path, last].into_iter().filter(|text| !is_word(text)) {
            self.give(kind, text, &name);
        }
        name
    }

    /// A value, which is not said anywhere.
    pub(super) fn value(&mut self, value: &str) {
        self.give("value", value, "[value]");
    }

    pub(super) fn source(&mut self, ip: Option<&str>, mac: Option<&str>) {
        for (kind, text) in [("address", ip), ("mac", mac)] {
            if let Some(text) = text {
                self.name(kind, text);
            }
        }
    }

    /// Another text for what has a name.
    pub(super) fn same(&mut self, text: &str, name: &str) {
        self.give("name", text, name);
    }

    fn give(&mut self, kind: &'static str, text: &str, name: &str) {
        self.ours.insert(name.to_owned());
        if text.chars().filter(|c| c.is_alphanumeric()).count() >= SHORTEST && text != name {
            self.given.entry(text.to_owned()).or_insert_with(|| (kind, name.to_owned()));
            self.finder = None;
        }
    }

    /// Puts names in the place of all that has one, and of all addresses that are ours.
    pub(super) fn scrub(&mut self, text: &mut String) {
        let is_part = |c: char| c.is_ascii_alphanumeric() || ".:".contains(c);
        let mut found = Vec::new();
        for word in text.split(|c| !is_part(c)).map(|word| word.trim_matches(['.', ':'])) {
            if word.parse().is_ok_and(|ip: IpAddr| is_own(&ip)) {
                found.push(("address", word.to_owned()));
            } else if is_mac(word) {
                found.push(("mac", word.to_owned()));
            } else if let Some((ip, _)) = word.rsplit_once(':')
                && ip.parse().is_ok_and(|ip: IpAddr| is_own(&ip))
            {
                found.push(("address", ip.to_owned()));
            }
        }
        for (kind, word) in found {
            self.name(kind, &word);
        }
        if self.finder.is_none() {
            let names = self.given.values().map(|(_, name)| name.clone()).collect();
            let built = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .ascii_case_insensitive(true)
                .build(self.given.keys());
            self.finder = built.ok().map(|finder| (finder, names));
        }
        let Some((finder, names)) = &self.finder else {
            // More than can be searched for at once: nothing is let through.
            "(withheld)".clone_into(text);
            return;
        };
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for found in finder.find_iter(text.as_str()) {
            if is_apart(text.as_bytes(), found.start(), found.end()) {
                out.push_str(text.get(done..found.start()).unwrap_or_default());
                out.push_str(names.get(found.pattern().as_usize()).map_or("", String::as_str));
                done = found.end();
            }
        }
        out.push_str(text.get(done..).unwrap_or_default());
        *text = out;
    }

    pub(super) fn into_removed(self) -> Removed {
        let mut texts = Vec::new();
        for (text, (kind, _)) in self.given {
            // As it is, and as JSON and HTML write it.
            let json = serde_json::Value::from(text.as_str()).to_string();
            let html =
                text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            let forms = BTreeSet::from([json.trim_matches('"').to_owned(), html, text]);
            texts.extend(forms.into_iter().map(|form| (form, kind)));
        }
        let built =
            AhoCorasick::builder().ascii_case_insensitive(true).build(texts.iter().map(|(text, _)| text));
        Removed { texts, finder: built.ok() }
    }
}

impl Removed {
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The kinds of what is left in a file.
    pub(super) fn left_in(&self, file: &[u8]) -> Vec<&'static str> {
        let Some(finder) = &self.finder else { return vec!["more than can be searched for"] };
        let kinds: BTreeSet<&'static str> = finder
            .find_overlapping_iter(file)
            .filter(|found| is_apart(file, found.start(), found.end()))
            .filter_map(|found| Some(self.texts.get(found.pattern().as_usize())?.1))
            .collect();
        kinds.into_iter().collect()
    }
}

/// Whether no letter or digit touches it: a part of another word is another word. A quotation mark is none, in any writing.
fn is_apart(text: &[u8], start: usize, end: usize) -> bool {
    let before = text.get(start.saturating_sub(4)..start);
    let before = before.and_then(|head| head.utf8_chunks().last()?.valid().chars().next_back());
    let after = text.get(end..(end + 4).min(text.len()));
    let after = after.and_then(|tail| tail.utf8_chunks().next()?.valid().chars().next());
    ![before, after].into_iter().flatten().any(char::is_alphanumeric)
}

/// Whether an address is of no use beyond a network of our own.
pub(super) fn is_own(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => is_own(&IpAddr::V4(ip)),
            None => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        },
    }
}

fn is_mac(word: &str) -> bool {
    word.len() == 17
        && word.split(':').count() == 6
        && word.split(':').all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_names_in_place_of_names() {
        let mut names = Names::new();
        assert_eq!(names.name("site", "Ridge Road substation"), "site-1");
        assert_eq!(names.path("file", "DCIM/100/Sky One.JPG"), "file-1.jpg");
        assert_eq!(names.path("file", "DCIM/100/Sky One.JPG"), "file-1.jpg");
        let mut text = "at ridge road substation, 192.168.4.7:443 (02:dc:4d:b1:02:70) sent Sky One.JPG to 47.95.1.2; Sky Ones".to_owned();
        let mut quoted = "Of “Ridge Road substation” it knows; Ridge Road substationé".to_owned();
        names.scrub(&mut quoted);
        assert_eq!(quoted, "Of “site-1” it knows; Ridge Road substationé");
        names.scrub(&mut text);
        assert_eq!(text, "at site-1, address-1:443 (mac-1) sent file-1.jpg to 47.95.1.2; Sky Ones");
        let removed = names.into_removed();
        assert_eq!(removed.left_in(text.as_bytes()), [""; 0]);
        assert_eq!(removed.left_in(br#"{"x":"192.168.4.7","y":"Sky One.jpg"}"#), ["address", "file"]);
        assert_eq!(removed.left_in(b"192.168.4.77"), [""; 0]);
    }
}
