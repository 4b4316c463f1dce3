//! E-mail addresses (the shapes of RFC 5321 that people use).

use creance_model::{DataClass, Match, Message};

use crate::{Card, Context, Detector, Sighting, key, texts};

/// E-mail addresses in text and in fields named for them.
pub(crate) struct Email;

impl Detector for Email {
    fn card(&self) -> &'static Card {
        &Card {
            id: "email",
            what: "an e-mail address",
            why: "It names a person, and joins what one company knows with what others know.",
            wrong: "Addresses of software's authors and of vendors' support look the same; only their field names tell.",
        }
    }

    fn look(&self, message: &Message, _: &Context, emit: &mut dyn FnMut(Sighting)) {
        for (index, part, text) in texts(message) {
            let named = part.name.as_deref().is_some_and(|name| key::says(name, KEYS));
            for (start, end) in addresses(text) {
                let Some(address) = text.get(start..end) else { continue };
                let whole = address.len() == text.trim().len();
                let matched =
                    if named || whole && part.name.is_some() { Match::Structured } else { Match::Pattern };
                emit(Sighting {
                    range: Some([start as u64, end as u64]),
                    ..Sighting::whole(DataClass::Email, matched, "email", index, address)
                });
            }
        }
    }
}

const KEYS: &[&str] =
    &["email", "mail", "emailaddress", "user", "username", "account", "login", "owner", "contact"];

/// Where addresses stand in a text.
pub(crate) fn addresses(text: &str) -> Vec<(usize, usize)> {
    let local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
    let domain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@').take(1000) {
        let before = bytes.get(..at).unwrap_or_default();
        let after = bytes.get(at + 1..).unwrap_or_default();
        let start = at - before.iter().rev().take(64).take_while(|byte| local(byte)).count();
        let mut end = at + 1 + after.iter().take(253).take_while(|byte| domain(byte)).count();
        while end > at && bytes.get(end - 1).is_some_and(|byte| b".-".contains(byte)) {
            end -= 1;
        }
        let (Some(name), Some(host)) = (text.get(start..at), text.get(at + 1..end)) else { continue };
        // `scheme://user@host` is the address of a machine.
        let machine = before.get(..start).unwrap_or_default().ends_with(b"://")
            || before.get(..start).unwrap_or_default().ends_with(b":");
        if !name.is_empty() && !name.starts_with('.') && !machine && is_domain(host) {
            found.push((start, end));
        }
    }
    found
}

fn is_domain(host: &str) -> bool {
    let Some((_, top)) = host.rsplit_once('.') else { return false };
    let letters = top.len() >= 2 && top.chars().all(|c| c.is_ascii_alphabetic());
    // `@2x.png` and the like: the ends of file names are no top-level domains.
    let known =
        psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known()) || RESERVED.contains(&top);
    letters && known && !host.contains("..")
}

/// Names that no registry gives away (RFC 2606): planted and test addresses use them.
const RESERVED: &[&str] = &["example", "test", "invalid"];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        addresses(text).into_iter().map(|(start, end)| &text[start..end]).collect()
    }

    #[test]
    fn addresses_are_found_in_text() {
        assert_eq!(found("mail o.lindqvarn@netzwacht.example, now"), ["o.lindqvarn@netzwacht.example"]);
        assert_eq!(found("<a@b.co.uk>."), ["a@b.co.uk"]);
    }

    #[test]
    fn what_only_looks_like_one_is_left_alone() {
        for text in ["icon@2x.png", "pkg@1.2.3", "https://key@o12.ingest.sentry.io/1", "@home", "a@b", ""] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
