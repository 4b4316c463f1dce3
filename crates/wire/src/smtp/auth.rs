//! How a client signs in to SMTP (RFC 4954): its mechanism and what it said.

use creance_model::Carrier;
use data_encoding::BASE64;

use crate::datagram::Told;

/// Who signs in. Passwords are content, and no fields.
pub(super) fn told(mechanism: String, words: &[String]) -> Told {
    // What is no base64 was said all the same.
    let decoded = |word: Option<&String>| {
        let word = word.map_or("", String::as_str).as_bytes();
        BASE64.decode(word).unwrap_or_else(|_| word.to_vec())
    };
    let mut told = Told::new("auth");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match mechanism.as_str() {
        "LOGIN" => {
            told.value("username", text(&decoded(words.first())));
            told.value("password", text(&decoded(words.get(1))));
        }
        // An identity, a name and a password with zeros between them (RFC 4616).
        "PLAIN" => {
            let decoded = decoded(words.first());
            let mut parts = decoded.split(|byte| *byte == 0).skip(1);
            told.value("username", text(parts.next().unwrap_or_default()));
            told.value("password", text(parts.next().unwrap_or_default()));
        }
        // Of a challenge and its answer the name alone says something; the answer is of that moment (RFC 2195, 5802).
        challenged if ["CRAM-", "SCRAM-", "DIGEST-"].iter().any(|name| challenged.starts_with(name)) => {
            let said = text(&decoded(words.first()));
            told.value("username", challenger(&said));
            told.parts.add(Carrier::Field, None, "answer", None, said);
        }
        _ => told.value("auth_token", text(&decoded(words.first()))),
    }
    told.fields.retain(|field| field.name == "username");
    told.text("mechanism", mechanism);
    told
}

/// The name in what answers a challenge: `name digest`, `n,,n=name,r=…`, `username="name",…`.
fn challenger(said: &str) -> String {
    let named = said
        .split(',')
        .find_map(|word| word.trim().strip_prefix("n=").or(word.trim().strip_prefix("username=")));
    let name = named.or_else(|| said.split_once(' ').map(|(name, _)| name));
    name.unwrap_or_default().trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answers_a_challenge_is_named() {
        assert_eq!(challenger("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"), "user");
        assert_eq!(challenger("charset=utf-8,username=\"chris\",realm=\"x\""), "chris");
    }
}
