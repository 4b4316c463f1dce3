//! E-mail addresses (the shapes of RFC 5321 that people use).

use creance_model::{Carrier, DataClass, Match};

use crate::{Card, Context, Detector, MOST, Sighting, Sink, View, key::Names, view::sign};

/// E-mail addresses in text and in fields named for them.
pub(crate) struct Email;

impl Detector for Email {
    fn card(&self) -> &'static Card {
        &Card {
            id: "email",
            what: "an e-mail address, and the name of a person beside it",
            why: "It names a person, and joins what one company knows with what others know.",
            wrong: "Addresses of software's authors and of vendors' support look the same; only their field names tell.",
            classes: &[DataClass::Email, DataClass::PersonName],
        }
    }

    fn look(&self, message: &View<'_>, _: &Context, sink: &mut Sink<'_>) {
        let mut seen = 0;
        for (index, part, text) in message.texts_where(|glance, _| glance.has(sign::AT)) {
            // The contact in a `User-Agent` is the software's author.
            if part.carrier() == Carrier::Header && message.words(index).are(Names::Agents) {
                continue;
            }
            let named = message.words(index).say(Names::Emails);
            for (start, end) in addresses(text) {
                if seen == MOST {
                    return sink.limited("e-mail addresses in one message");
                }
                seen += 1;
                let Some(address) = text.get(start..end) else { continue };
                let whole = address.len() == text.trim().len();
                let matched =
                    if named || whole && part.is_named() { Match::Structured } else { Match::Pattern };
                sink.sight(Sighting {
                    range: Some([start as u64, end as u64]),
                    ..Sighting::whole(DataClass::Email, matched, "email", index, address)
                });
                if let Some((start, name)) = named_before(text, start) {
                    let header = part.carrier() == Carrier::Header && message.words(index).are(Names::People);
                    let matched = if header { Match::Structured } else { Match::Pattern };
                    sink.sight(Sighting {
                        range: Some([start as u64, (start + name.len()) as u64]),
                        ..Sighting::whole(DataClass::PersonName, matched, "email", index, name)
                    });
                }
            }
        }
    }
}

pub(crate) const AGENT: &[&str] = &["useragent", "xuseragent", "server"];

pub(crate) const KEYS: &[&str] =
    &["email", "mail", "emailaddress", "user", "username", "account", "login", "owner", "contact"];

/// Header fields of mail that hold people (RFC 5322 §3.6).
pub(crate) const HEADERS: &[&str] = &["from", "sender", "replyto", "to", "cc", "bcc"];

/// Bytes of a name at most.
const LONGEST_NAME: usize = 80;

/// The name in front of an address in angle brackets (RFC 5322 §3.4), if it is that of a person by its look: two to
/// four words with capitals, none of them what services call themselves.
fn named_before(text: &str, address: usize) -> Option<(usize, &str)> {
    let before = text.get(..address)?.strip_suffix('<')?;
    // No more than a name is searched, however many addresses one text holds.
    let from = before.ceil_char_boundary(before.len().saturating_sub(LONGEST_NAME + 8));
    let before = before.get(from..)?;
    let open = before.rfind([',', ';', ':', '\n', '>']).map_or(0, |at| at + 1);
    if open == 0 && from > 0 {
        return None;
    }
    let name = before.get(open..)?.trim_matches([' ', '\t', '"', '\'']);
    let start = from + open + before.get(open..)?.find(name)?;
    let person = |word: &str| {
        let letters = word.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '.' | '\''));
        letters
            && word.chars().next().is_some_and(char::is_uppercase)
            && !SERVICES.contains(&&*word.to_lowercase())
    };
    let words = name.split(' ').count();
    let local = text.get(address..).and_then(|rest| rest.split('@').next()).unwrap_or_default();
    if ROLES.contains(&&*local.to_lowercase()) {
        return None;
    }
    let fits = (2..=4).contains(&words) && name.len() <= LONGEST_NAME && name.split(' ').all(person);
    fits.then_some((start, name))
}

/// Addresses of a role, which no person has alone (RFC 2142, and what services use).
const ROLES: &[&str] = &[
    "admin",
    "billing",
    "contact",
    "hello",
    "help",
    "info",
    "mail",
    "mailer",
    "marketing",
    "news",
    "newsletter",
    "no-reply",
    "noreply",
    "notifications",
    "office",
    "postmaster",
    "sales",
    "security",
    "service",
    "support",
    "team",
];

/// Words in the names of services, companies and mailing lists.
const SERVICES: &[&str] = &[
    "account",
    "accounts",
    "admin",
    "ag",
    "alerts",
    "billing",
    "center",
    "cloud",
    "co",
    "co.",
    "company",
    "corp",
    "corp.",
    "customer",
    "daemon",
    "delivery",
    "developers",
    "gmbh",
    "help",
    "inc",
    "inc.",
    "info",
    "list",
    "llc",
    "ltd",
    "ltd.",
    "mail",
    "mailer",
    "marketing",
    "news",
    "newsletter",
    "no",
    "notifications",
    "office",
    "reply",
    "sales",
    "security",
    "service",
    "services",
    "subsystem",
    "support",
    "system",
    "team",
    "technologies",
    "technology",
    "the",
    "updates",
];

/// Where addresses stand in a text.
pub(crate) fn addresses(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
    let domain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    let bytes = text.as_bytes();
    text.match_indices('@').filter_map(move |(at, _)| {
        let before = bytes.get(..at)?;
        let after = bytes.get(at + 1..)?;
        let start = at - before.iter().rev().take(64).take_while(|byte| local(byte)).count();
        let mut end = at + 1 + after.iter().take(253).take_while(|byte| domain(byte)).count();
        while end > at && bytes.get(end - 1).is_some_and(|byte| b".-".contains(byte)) {
            end -= 1;
        }
        let (name, host) = (text.get(start..at)?, text.get(at + 1..end)?);
        // `scheme://user@host` is the address of a machine.
        let found = !name.is_empty()
            && !name.starts_with('.')
            && is_domain(host)
            && !in_authority(before.get(..start)?);
        found.then_some((start, end))
    })
}

/// Whether a whole text is one address.
pub(crate) fn is_address(text: &str) -> bool {
    addresses(text).next() == Some((0, text.len()))
}

/// Whether text ends inside the authority of a URL: after `://` and before any slash.
fn in_authority(before: &[u8]) -> bool {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'<>/?#,".contains(byte);
    let open = before.len() - before.iter().rev().take(256).take_while(|byte| !ends(byte)).count();
    before.get(..open).is_some_and(|before| before.ends_with(b"://"))
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
pub(crate) const RESERVED: &[&str] = &["example", "test", "invalid"];

#[cfg(test)]
mod tests {
    use super::*;

    use crate::fixture::{fields, header, told};

    fn found(text: &str) -> Vec<&str> {
        addresses(text).map(|(start, end)| &text[start..end]).collect()
    }

    #[test]
    fn reports() {
        for (text, address) in [
            ("mail o.lindqvarn@netzwacht.example, now", "o.lindqvarn@netzwacht.example"),
            ("<a@b.co.uk>.", "a@b.co.uk"),
            ("mailto:a.b+c@qq.com", "a.b+c@qq.com"),
            ("https://x.example/?m=a@b.example", "a@b.example"),
        ] {
            assert_eq!(found(text), [address]);
        }
    }

    #[test]
    fn ignores() {
        for text in [
            "icon@2x.png",
            "pkg@1.2.3",
            "https://key@o12.ingest.sentry.io/1",
            "ftp://user:secret@files.example.com/",
            "@home",
            "a@b",
            ".@b.com",
            "",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
        assert!(told(&header("user-agent", "lib/1.0 (author@lib.example)")).is_empty());
    }

    #[test]
    fn the_name_of_a_person_beside_an_address_is_told_and_that_of_a_service_is_not() {
        let of = |text: &str| {
            let told = told(&header("from", text));
            told.into_iter()
                .filter(|one| one.0 == DataClass::PersonName)
                .map(|one| (one.1, one.2))
                .collect::<Vec<_>>()
        };
        let ada = [(Match::Structured, "Ada Lindqvarn".to_owned())];
        for text in [
            "\"Ada Lindqvarn\" <a.l@b.example>",
            "Ada Lindqvarn <a.l@b.example>",
            "x@b.example, Ada Lindqvarn <a.l@b.example>",
        ] {
            assert_eq!(of(text), ada, "{text}");
        }
        for text in [
            "<a.l@b.example>",
            "ada <a.l@b.example>",
            "Mail Delivery System <d@b.example>",
            "Drone Support <s@b.example>",
            "see <a.l@b.example>",
            "Order 66 <a@b.example>",
            "Skylark Technologies <a@b.example>",
            "Skylark Drones GmbH <a@b.example>",
            "Ada Lindqvarn <noreply@b.example>",
            &format!("{} Ada Lindqvarn <a@b.example>", "é".repeat(200)),
        ] {
            assert!(of(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn the_name_of_the_field_makes_it_structured() {
        let of = |name, text| told(&fields(&[(name, text)])).first().map(|one| one.1);
        assert_eq!(of("userEmail", "a@b.example"), Some(Match::Structured));
        assert_eq!(of("note", "write to a@b.example"), Some(Match::Pattern));
    }
}
