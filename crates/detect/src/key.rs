//! Keys of fields as words: `droneSN`, `drone_sn` and `drone-sn` say the same.

/// The words of a key, lower case.
pub(crate) fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in key.chars() {
        let boundary = c.is_uppercase() && before.is_lowercase();
        if (boundary || !c.is_alphanumeric()) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a key is one of these names, or has one of them among its words.
pub(crate) fn says(key: &str, names: &[&str]) -> bool {
    let words = words(key);
    let whole = words.concat();
    names.iter().any(|name| *name == whole || words.iter().any(|word| word == name))
}

/// Whether a key, its words run together, is one of these names.
pub(crate) fn is(key: &str, names: &[&str]) -> bool {
    let whole = words(key).concat();
    names.contains(&whole.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fall_into_words() {
        assert_eq!(words("droneSN_v2"), ["drone", "sn", "v2"]);
        assert!(says("user_email", &["email"]) && is("device-id", &["deviceid"]));
        assert!(!says("platitude", &["lat"]) && !says("", &["lat"]));
    }
}
