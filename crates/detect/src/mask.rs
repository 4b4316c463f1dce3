//! Values shown so that they can be recognised by those who know them, and by nobody else.

use std::net::Ipv4Addr;

use creance_model::DataClass;

use crate::{Secrets, email::RESERVED};

/// What a description says before the hash, if it is one of ours: `JPEG, 640×480, 1234 bytes, SHA-256 …`,
/// `1 face, 171 pixels wide, in JPEG of 960×720, SHA-256 …`. Anything else may be somebody's words.
fn described(value: &str) -> Option<&str> {
    let (what, hash) = value.split_once(", SHA-256 ")?;
    let kinds = ["JPEG", "PNG", "TIFF", "HEIC", "AVIF", "MP4", "M4A", "file", "the beginning of a stream"];
    let counted = what.split(' ').next().is_some_and(|first| first.bytes().all(|byte| byte.is_ascii_digit()));
    let is_ours = kinds.iter().any(|kind| what.starts_with(kind))
        || counted && what.contains(" pixels wide, in ")
        || what.starts_with("possible face data: a vector of ");
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_ours && is_hash).then_some(what)
}

/// A value masked: at most a few characters of it remain.
pub fn mask(class: DataClass, value: &str) -> String {
    let ends = |head: usize, tail: usize| {
        let chars: Vec<char> = value.chars().collect();
        if chars.len() < 3 * (head + tail) {
            return "…".to_owned();
        }
        let first: String = chars.iter().take(head).collect();
        let last: String = chars.iter().skip(chars.len() - tail).collect();
        format!("{first}…{last}")
    };
    match class {
        DataClass::Credential => "••••••".to_owned(),
        // Kind and size are no secret; a hash is one to whoever has the file.
        DataClass::Imagery | DataClass::Video | DataClass::Audio | DataClass::FlightLog | DataClass::Face => {
            described(value).map_or_else(|| ends(1, 1), str::to_owned)
        }
        DataClass::Location => {
            let whole = |text: &str| text.trim().split('.').next().unwrap_or_default().to_owned();
            match value.split_once(',') {
                Some((lat, lon)) => format!("{}.…, {}.…", whole(lat), whole(lon)),
                None => "…".to_owned(),
            }
        }
        DataClass::Email => match value.split_once('@') {
            Some((name, host)) => {
                // The first of three letters or fewer would be a good part of the secret.
                let first = |text: &str| {
                    let long = text.chars().count() > 3;
                    text.chars().next().filter(|_| long).map(String::from).unwrap_or_default()
                };
                format!("{}…@{}…", first(name), first(host))
            }
            None => "…".to_owned(),
        },
        DataClass::Phone => ends(0, 2),
        DataClass::PersonName | DataClass::Contacts => value
            .split_whitespace()
            .map(|word| match word.chars().next().filter(|_| word.chars().count() > 3) {
                Some(first) => format!("{first}."),
                None => "….".to_owned(),
            })
            .collect::<Vec<_>>()
            .join(" "),
        DataClass::Serial => ends(4, 1),
        _ => ends(1, 1),
    }
}

/// A step of a decode path without the values that stand in it: keys of maps may be telephone numbers or addresses.
///
/// What follows the colon is kept where it is shaped like the name of a field, or counts the items of a list, and says no
/// secret.
pub fn mask_step(step: &str, secrets: &Secrets) -> String {
    let Some((kind, names)) = step.split_once(':') else { return step.to_owned() };
    format!("{kind}:{}", mask_path(names, secrets))
}

/// A path of names, each segment that does not look like one, or says a secret, left out.
pub fn mask_path(path: &str, secrets: &Secrets) -> String {
    let shown = |segment: &&str| without_reading(segment).split('@').all(is_plain) && !secrets.hides(segment);
    let segments = path.split('/').map(|segment| Some(segment).filter(shown).unwrap_or("…"));
    let masked = segments.collect::<Vec<_>>().join("/");
    // A secret may go over several segments.
    if secrets.hides(&masked) { "…".to_owned() } else { masked }
}

/// A segment without the word behind it that says how a number was read (`protobuf:/1 zigzag`).
fn without_reading(segment: &str) -> &str {
    match segment.split_once(' ') {
        Some((name, "zigzag" | "signed" | "float" | "double")) => name,
        _ => segment,
    }
}

/// Letters, few digits, and the signs that names of fields have; or a small number. No point: names of people have it.
fn is_plain(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let named = segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-[]$".contains(&byte));
    named && segment.len() <= LONG && digits <= 3
}

/// Longer segments and labels carry data more often than a name.
const LONG: usize = 32;

/// A host without labels that say a secret or are long. What was registered stays: it says who was talked to. Where
/// anybody may have a name under another's (`oskar.github.io`), that name is not let through if it is a secret.
pub fn mask_host(host: &str, secrets: &Secrets) -> String {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(port)),
        _ => (host, None),
    };
    if name.contains(':') || name.parse::<Ipv4Addr>().is_ok() {
        return host.to_owned();
    }
    let (registered, certain) = registered(&name.to_lowercase());
    let count = name.split('.').count();
    // What stands before the labels that are nobody's own.
    let own = match certain.checked_sub(1) {
        Some(dots) => {
            name.rmatch_indices('.').nth(dots).and_then(|(at, _)| name.get(..at)).unwrap_or_default()
        }
        None => name,
    };
    // A secret may go over several labels.
    let all = secrets.hides(own) && !own.split('.').any(|label| secrets.hides(label));
    let mut shown = String::with_capacity(host.len());
    for (index, label) in name.split('.').enumerate() {
        let left = count - index;
        let hidden = left > certain && (all || secrets.hides(label));
        if index > 0 {
            shown.push('.');
        }
        shown.push_str(if hidden || left > registered && label.len() > LONG { "…" } else { label });
    }
    if let Some(port) = port {
        shown.push(':');
        shown.push_str(port);
    }
    shown
}

/// How many last labels of a host are the registered domain, and how many of those nobody's own.
fn registered(host: &str) -> (usize, usize) {
    let absolute = usize::from(host.ends_with('.'));
    let Some(suffix) = psl::suffix(host.trim_end_matches('.').as_bytes()) else { return (0, 0) };
    let labels = suffix.as_bytes().split(|byte| *byte == b'.').count() + absolute;
    match suffix.typ() {
        Some(psl::Type::Icann) => (labels + 1, labels + 1),
        Some(psl::Type::Private) => (labels + 1, labels),
        None if RESERVED.iter().any(|top| suffix == top.as_bytes()) => (labels + 1, labels + 1),
        None => (0, 0),
    }
}

/// The name of a file, if it is one that a camera or a log writer gives (`DJI_20260611083000_0001.JPG`); of others, the
/// ending alone.
pub fn mask_file(name: &str, secrets: &Secrets) -> String {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let short = (1..=4).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let numbered = stem.bytes().any(|byte| byte.is_ascii_digit());
    // No point among them: numbers with one may be a place.
    let tokens = stem.split(['_', '-', ' ', '[', ']', '(', ')']);
    let made = numbered && tokens.filter(|token| !token.is_empty()).all(is_made);
    match (made && !secrets.hides(stem), short && !secrets.hides(ending)) {
        (true, true) => name.to_owned(),
        (_, true) => format!("….{ending}"),
        _ => "…".to_owned(),
    }
}

/// Whether a word of a file name is one that machines write: a number, a few capitals, or a known word.
fn is_made(word: &str) -> bool {
    let capitals = word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    capitals || word.bytes().all(|byte| byte.is_ascii_digit()) || MADE.contains(&word)
}

/// Words that cameras and log writers put into the names of their files.
const MADE: &[&str] = &["FlightRecord", "DJIFlightRecord", "HYPERLAPSE", "PANO", "log"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn little_is_shown() {
        assert_eq!(mask(DataClass::Email, "o.lindqvarn@netzwacht.example"), "o…@n…");
        assert_eq!(mask(DataClass::Location, "24.801868,120.965208"), "24.…, 120.…");
        assert_eq!(mask(DataClass::Phone, "+886900779195"), "…95");
        assert_eq!(mask(DataClass::Serial, "1581F6SKYJU4JF3AN3"), "1581…3");
        assert_eq!(mask(DataClass::Credential, "Otter%1264vB"), "••••••");
        let hash = "ab".repeat(32);
        assert_eq!(mask(DataClass::Imagery, &format!("JPEG, 5 bytes, SHA-256 {hash}")), "JPEG, 5 bytes");
        assert_eq!(mask(DataClass::FlightLog, "Drop 500 bytes at Kaohsiung, SHA-256 of it"), "D…t");
        assert_eq!(mask(DataClass::Face, &format!("Ada Quist, SHA-256 {hash}")), "A…b");
        assert_eq!(mask(DataClass::AccountId, "abc"), "…");
    }

    #[test]
    fn short_values_show_nothing_of_themselves() {
        assert_eq!(mask(DataClass::Email, "ada@b.c"), "…@…");
        assert_eq!(mask(DataClass::PersonName, "Al Lindqvarn"), "…. L.");
        assert_eq!(mask(DataClass::Serial, "1581F6SK"), "…");
    }

    proptest! {
        #[test]
        fn at_most_a_third_is_shown(
            class in prop::sample::select(DataClass::ALL),
            text in "[a-zA-Z0-9é@., +]{0,40}",
            lat in -89.0_f64..89.0,
            lon in -179.0_f64..179.0,
        ) {
            let value = if class == DataClass::Location { format!("{lat:.6},{lon:.6}") } else { text };
            let shown = mask(class, &value).chars().filter(|c| !"….,@• ".contains(*c)).count();
            // A description says kind and size, and hides the hash.
            prop_assert!(value.contains(" bytes") || shown * 3 <= value.chars().count(), "{}", value);
        }
    }

    #[test]
    fn keys_that_are_values_are_left_out_of_a_path_and_names_of_fields_are_not() {
        let none = Secrets::default();
        assert_eq!(mask_step("json:/contacts/+886900775557/mail", &none), "json:/contacts/…/mail");
        assert_eq!(mask_step("json:/o.lindqvarn@netzwacht.example/phone", &none), "json:/…/phone");
        assert_eq!(mask_step("json:/oskar.lindqvarn/phone", &none), "json:/…/phone");
        assert_eq!(mask_step("form:Oskar Lindqvarn", &none), "form:…");
        for step in
            ["json:/items/12/user_mail", "http/1 query:lat", "header:x-auth-token", "gzip", "jwt:/sub", "uri"]
        {
            assert_eq!(mask_step(step, &none), step);
        }
    }

    /// What one person has.
    fn secrets() -> Secrets {
        Secrets::new([
            (DataClass::PersonName, "Oskar Lindqvarn"),
            (DataClass::Serial, "1581F6SKYJU4JF3AN3"),
            (DataClass::Credential, "Ab/cdE"),
        ])
    }

    #[test]
    fn segments_that_say_a_secret_are_left_out() {
        for (path, masked) in [
            ("/users/OskarL/items", "/users/…/items"),
            ("/u/o-lindqvarn", "/u/…"),
            ("/x/ab/cde", "…"),
            ("/v2/items/12", "/v2/items/12"),
        ] {
            assert_eq!(mask_path(path, &secrets()), masked);
        }
    }

    #[test]
    fn hosts_keep_what_was_registered() {
        let long = "a".repeat(33);
        for (host, masked) in [
            ("1581f6skyju4jf3an3.iot.vendor.example", "….iot.vendor.example"),
            ("Oskars.iot.Vendor.co.uk.", "….iot.Vendor.co.uk."),
            ("lindqvarn.com", "lindqvarn.com"),
            ("www.lindqvarn.com:8080", "www.lindqvarn.com:8080"),
            ("lindqvarn.github.io", "….github.io"),
            ("lindqvarn.lan", "….lan"),
            ("oskars-ipad", "…"),
            ("1581f6.skyju4jf3an3.vendor.com", "….….vendor.com"),
            (&format!("{long}.t.vendor.com"), "….t.vendor.com"),
            (&format!("t.{long}.com"), &format!("t.{long}.com")),
            ("47.95.1.2", "47.95.1.2"),
            ("[2001:db8::1]:443", "[2001:db8::1]:443"),
            ("", ""),
        ] {
            assert_eq!(mask_host(host, &secrets()), masked);
        }
    }

    #[test]
    fn files_are_shown_by_the_names_that_machines_give() {
        for name in [
            "DJI_20260611083000_0001_D.JPG",
            "DJI_0042.MP4",
            "IMG-20260611 (2).jpg",
            "DJIFlightRecord_2026-06-11_[08-30-00].txt",
            "FlightRecord_2026-06-11.txt",
            "HYPERLAPSE_0001.mp4",
            "00000042.BIN",
            "2026-06-11 08-30-00.tlog",
        ] {
            assert_eq!(mask_file(name, &secrets()), name);
        }
        for (name, masked) in [
            ("oskar.jpg", "….jpg"),
            ("Garden party 2026.jpg", "….jpg"),
            ("OSKA.JPG", "….JPG"),
            ("1581F6SKYJU4JF3AN3.txt", "….txt"),
            ("IMG_1.oskar", "…"),
            ("24.801868_120.965208.jpg", "….jpg"),
            ("a/IMG_1.jpg", "….jpg"),
            ("notes", "…"),
            ("", "…"),
        ] {
            assert_eq!(mask_file(name, &secrets()), masked);
        }
        let number = Secrets::new([(DataClass::Phone, "+886900779195")]);
        assert_eq!(mask_file("IMG_886900779195.jpg", &number), "….jpg");
    }

    proptest! {
        #[test]
        fn what_is_masked_never_holds_a_secret(
            class in prop::sample::select(DataClass::ALL),
            value in "[a-zA-Z0-9]{1,3}[a-zA-Z0-9@. _/-]{4,20}[a-z0-9]{4}",
            lat in -89.0_f64..89.0,
            lon in -179.0_f64..179.0,
            around in prop::collection::vec("[a-zA-Z0-9_.-]{0,6}", 4),
            upper: bool,
        ) {
            let value = if class == DataClass::Location { format!("{lat:.6},{lon:.6}") } else { value };
            let secrets = Secrets::new([(class, value.as_str())]);
            let written = if upper { value.to_uppercase() } else { value.clone() };
            let text = format!("{}/{}{written}{}/{}", around[0], around[1], around[2], around[3]);
            let of = |text: &str| crate::plain(text);
            for shown in [mask_path(&text, &secrets), mask_step(&format!("json:{text}"), &secrets), mask_file(&text, &secrets)] {
                prop_assert!(!of(&shown).contains(&of(&value)), "{shown}");
            }
            let host = format!("{}.vendor.com", text.replace('/', "."));
            prop_assert!(class == DataClass::Location || !of(&mask_host(&host, &secrets)).contains(&of(&value)));
        }
    }
}
