//! Values shown so that they can be recognised by those who know them, and by nobody else.

use creance_model::DataClass;

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
        DataClass::Imagery | DataClass::Video | DataClass::Audio | DataClass::FlightLog => value
            .split(", SHA-256")
            .next()
            .filter(|_| value.contains(" bytes"))
            .map_or_else(|| ends(1, 1), str::to_owned),
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
/// What follows the colon is kept where it is shaped like the name of a field, or counts the items of a list.
pub fn mask_step(step: &str) -> String {
    let Some((kind, names)) = step.split_once(':') else { return step.to_owned() };
    format!("{kind}:{}", mask_path(names))
}

/// A path of names, each segment that does not look like one left out.
pub fn mask_path(path: &str) -> String {
    path.split('/').map(|segment| if is_plain(segment) { segment } else { "…" }).collect::<Vec<_>>().join("/")
}

/// Letters, few digits, and the signs that names of fields have; or a small number.
fn is_plain(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let named = segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]$".contains(&byte));
    named && segment.len() <= 32 && digits <= 3
}

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
        assert_eq!(mask(DataClass::Imagery, "JPEG, 5 bytes, SHA-256 ab"), "JPEG, 5 bytes");
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
        assert_eq!(mask_step("json:/contacts/+886900775557/mail"), "json:/contacts/…/mail");
        assert_eq!(mask_step("json:/o.lindqvarn@netzwacht.example/phone"), "json:/…/phone");
        assert_eq!(mask_step("form:Oskar Lindqvarn"), "form:…");
        for step in
            ["json:/items/12/user_mail", "http/1 query:lat", "header:x-auth-token", "gzip", "jwt:/sub", "uri"]
        {
            assert_eq!(mask_step(step), step);
        }
    }
}
