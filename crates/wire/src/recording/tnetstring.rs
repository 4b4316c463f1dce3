//! Tagged netstrings as mitmproxy writes them: `12:hello world!,`, lengths in decimal digits, the kind behind.
//!
//! ```text
//! , bytes   ; text   # whole number   ^ number   ! flag   ~ null   ] list   } dictionary: key, value, …
//! ```
//!
//! Read where it lies, and only when asked for: of one that is cut, all that came before the cut can be had.

use super::query::Query;

/// A value. Of one that is cut the kind is missing: it is what one takes it for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    kind: Option<u8>,
    bytes: &'a [u8],
}

/// Digits of a length.
const MOST_DIGITS: usize = 12;

/// The length that stands here and how many bytes it takes with its colon; `None` if none does.
pub(super) fn length(bytes: &[u8]) -> Option<(u64, usize)> {
    let digits = bytes.iter().take(MOST_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > MOST_DIGITS || bytes.get(digits) != Some(&b':') {
        return None;
    }
    let number = std::str::from_utf8(bytes.get(..digits)?).ok()?.parse().ok()?;
    Some((number, digits + 1))
}

/// Whether bytes begin like a flow: a dictionary whose first key is a word.
pub(super) fn is_flow(head: &[u8]) -> bool {
    let inner = length(head).and_then(|(_, taken)| head.get(taken..)).unwrap_or_default();
    let Some((key, taken)) = length(inner) else { return false };
    let word = inner.get(taken..).unwrap_or_default();
    let known = (1..=32).contains(&key)
        && word
            .iter()
            .take(usize::try_from(key).unwrap_or(0))
            .all(|byte| byte.is_ascii_lowercase() || *byte == b'_');
    let end = usize::try_from(key).ok().and_then(|key| word.get(key));
    known && matches!(end, Some(b',' | b';'))
}

impl<'a> Item<'a> {
    /// A dictionary whose kind is known from elsewhere.
    pub(super) const fn dictionary(bytes: &'a [u8]) -> Self {
        Self { kind: Some(b'}'), bytes }
    }

    /// The value at the front, and what follows it.
    fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (length, taken) = length(bytes)?;
        let rest = bytes.get(taken..)?;
        match usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length)) {
            Some((bytes, [kind, rest @ ..])) => Some((Self { kind: Some(*kind), bytes }, rest)),
            _ => Some((Self { kind: None, bytes: rest }, &[])),
        }
    }

    /// Whether all within adds up: each length ends at a kind that is known, and the last one at the end.
    pub(super) fn is_sound(self) -> bool {
        let mut open = vec![self];
        // Lists are looked into one at a time; each is met once.
        while let Some(item) = open.pop() {
            if !matches!(item.kind, Some(b',' | b';' | b'#' | b'^' | b'!' | b'~' | b']' | b'}')) {
                return false;
            }
            if !matches!(item.kind, Some(b']' | b'}')) {
                continue;
            }
            let (mut rest, mut values) = (item.bytes, 0_usize);
            while !rest.is_empty() {
                let Some((value, behind)) = Self::split(rest) else { return false };
                // Of plain values the kind is all there is to see.
                if !matches!(value.kind, Some(b',' | b';' | b'#' | b'^' | b'!' | b'~')) {
                    open.push(value);
                }
                (rest, values) = (behind, values + 1);
            }
            if item.kind == Some(b'}') && values % 2 == 1 {
                return false;
            }
        }
        true
    }

    fn is(self, kind: u8) -> bool {
        self.kind.is_none_or(|known| known == kind)
    }
}

impl Query for Item<'_> {
    fn get(self, name: &str) -> Option<Self> {
        let mut rest = self.is(b'}').then_some(self.bytes)?;
        loop {
            let (key, behind) = Self::split(rest)?;
            let (value, behind) = Self::split(behind)?;
            if key.bytes == name.as_bytes() {
                return Some(value).filter(|value| value.kind != Some(b'~'));
            }
            rest = behind;
        }
    }

    fn list(self) -> impl Iterator<Item = Self> {
        let mut rest = if self.is(b']') { self.bytes } else { &[] };
        std::iter::from_fn(move || {
            let (value, behind) = Self::split(rest)?;
            rest = behind;
            Some(value)
        })
    }

    fn bytes(self) -> Option<(Vec<u8>, bool)> {
        match self.kind {
            Some(b'~' | b']' | b'}') => None,
            kind => Some((self.bytes.to_vec(), kind.is_none())),
        }
    }

    fn is_text(self) -> bool {
        self.kind == Some(b';')
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    const FLOW: &[u8] = b"4:type;4:http;7:version;2:21#4:list;8:1:1#1:2#]4:none;0:~5:bytes,3:abc,";

    #[test]
    fn values_are_had_by_their_keys() {
        let flow = Item::dictionary(FLOW);
        assert_eq!((flow.text("type").as_deref(), flow.number("version")), (Some("http"), Some(21)));
        assert_eq!(flow.get("list").unwrap().list().filter_map(Query::words).collect::<String>(), "12");
        assert!(flow.get("none").is_none() && flow.get("absent").is_none());
    }

    #[test]
    fn what_came_before_a_cut_is_had_and_the_cut_is_known() {
        for length in 0..FLOW.len() {
            let _ = Item::dictionary(&FLOW[..length]).get("bytes");
        }
        let flow = Item::dictionary(&FLOW[..FLOW.len() - 2]);
        assert_eq!(flow.get("bytes").and_then(Query::bytes), Some((b"ab".to_vec(), true)));
    }

    #[test]
    fn lengths_that_do_not_add_up_are_seen() {
        assert!(Item::dictionary(FLOW).is_sound());
        for wrong in
            ["4:type;4:http;7:version;3:21#", "4:type;4:http?", "4:type;", "4:type;8:9:http]", "4:list;2:1:]"]
        {
            assert!(!Item::dictionary(wrong.as_bytes()).is_sound(), "{wrong}");
        }
    }

    #[test]
    fn a_flow_is_told_from_other_files() {
        assert!(is_flow(b"1383:7:version;2:10#4:mode;") && is_flow(b"52:4:type,4:http,"));
        assert!(!is_flow(b"12:30:15 a log\n") && !is_flow(b"{\"log\":") && !is_flow(b"\xd4\xc3\xb2\xa1"));
    }
}
