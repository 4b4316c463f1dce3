//! Passwords, tokens and keys.

use creance_model::{Carrier, DataClass, Match, Message};
use data_encoding::{BASE64, BASE64URL_NOPAD};

use crate::{Card, Context, Detector, Sighting, key, named};

/// Credentials in the places that protocols have for them, and in fields named for them.
pub(crate) struct Credential;

const ID: &str = "credential";

impl Detector for Credential {
    fn card(&self) -> &'static Card {
        &Card {
            id: ID,
            what: "a password, token or key: Basic and Bearer authorization, JSON web tokens with their claims, password fields, cloud keys",
            why: "Whoever has it can act as its owner.",
            wrong: "A token may be public by design (a map key) or expired; that a service accepts it is never tried.",
        }
    }

    fn look(&self, message: &Message, _: &Context, emit: &mut dyn FnMut(Sighting)) {
        for (index, name, text) in named(message) {
            let text = text.trim();
            if name == "authorization" || name == "proxy-authorization" {
                authorization(index, text, emit);
                continue;
            }
            if let Some(claims) = jwt(text) {
                token(index, text, &claims, emit);
                continue;
            }
            let secret = text.len() >= 4 && key::is(name, SECRETS) && !is_placeholder(text);
            // Cookies called token hold a session more often than a secret of the user.
            let cookie = message.parts.get(index).is_some_and(|part| part.carrier == Carrier::Cookie);
            let token = text.len() >= 12 && key::is(name, TOKENS) && !cookie;
            if secret || token || is_cloud_key(text) {
                emit(Sighting::whole(DataClass::Credential, Match::Structured, ID, index, text));
            }
        }
    }
}

const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "pass",
    "passcode",
    "passphrase",
    "secret",
    "clientsecret",
    "userpassword",
    "pw",
    "pin",
    "wifipassword",
];
const TOKENS: &[&str] = &[
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "xauthtoken",
    "token",
    "apikey",
    "xapikey",
    "sessiontoken",
    "idtoken",
    "usertoken",
];

fn is_placeholder(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '*' | '•' | 'x' | 'X'))
        || matches!(text, "null" | "true" | "false" | "undefined" | "none")
}

fn authorization(index: usize, text: &str, emit: &mut dyn FnMut(Sighting)) {
    let Some((scheme, value)) = text.split_once(' ') else { return };
    let value = value.trim();
    match scheme.to_lowercase().as_str() {
        "basic" => {
            let Some(pair) =
                BASE64.decode(value.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok())
            else {
                return;
            };
            let (user, _) = pair.split_once(':').unwrap_or((&pair, ""));
            let encoding = vec!["base64".to_owned()];
            emit(Sighting {
                encoding: encoding.clone(),
                ..Sighting::whole(DataClass::Credential, Match::Structured, ID, index, pair.clone())
            });
            if user.len() >= 2 {
                emit(Sighting {
                    encoding,
                    ..Sighting::whole(DataClass::AccountId, Match::Structured, ID, index, user)
                });
            }
        }
        "bearer" | "token" if value.len() >= 8 => match jwt(value) {
            Some(claims) => token(index, value, &claims, emit),
            None => emit(Sighting::whole(DataClass::Credential, Match::Structured, ID, index, value)),
        },
        "digest" => {
            // The answer to a challenge is no password; the name is an account.
            if let Some(user) = value.split("username=\"").nth(1).and_then(|rest| rest.split('"').next())
                && user.len() >= 2
            {
                emit(Sighting::whole(DataClass::AccountId, Match::Structured, ID, index, user));
            }
        }
        _ => {}
    }
}

/// The claims of a JSON web token (RFC 7519).
fn jwt(text: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    let mut segments = text.split('.');
    let (head, claims, _) = (segments.next()?, segments.next()?, segments.next()?);
    if segments.next().is_some() || !head.starts_with("eyJ") {
        return None;
    }
    let decode = |segment: &str| BASE64URL_NOPAD.decode(segment.trim_end_matches('=').as_bytes()).ok();
    serde_json::from_slice::<serde_json::Value>(&decode(head)?).ok()?.get("alg")?;
    match serde_json::from_slice(&decode(claims)?).ok()? {
        serde_json::Value::Object(claims) => Some(claims),
        _ => None,
    }
}

fn token(
    index: usize,
    text: &str,
    claims: &serde_json::Map<String, serde_json::Value>,
    emit: &mut dyn FnMut(Sighting),
) {
    emit(Sighting::whole(DataClass::Credential, Match::Structured, ID, index, text));
    for (claim, class) in [
        ("email", DataClass::Email),
        ("phone_number", DataClass::Phone),
        ("sub", DataClass::AccountId),
        ("name", DataClass::PersonName),
    ] {
        if let Some(value) =
            claims.get(claim).and_then(|value| value.as_str()).filter(|value| value.len() >= 3)
        {
            let encoding = vec![format!("jwt:/{claim}")];
            emit(Sighting { encoding, ..Sighting::whole(class, Match::Structured, ID, index, value) });
        }
    }
}

/// Key identifiers by the prefixes that providers document: AWS, Aliyun.
fn is_cloud_key(text: &str) -> bool {
    let upper = |text: &str| text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    (text.len() == 20 && (text.starts_with("AKIA") || text.starts_with("ASIA")) && upper(text))
        || (text.starts_with("LTAI")
            && (16..=30).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric()))
        || (text.starts_with("STS.") && text.len() >= 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<(DataClass, String)> {
        let mut seen = Vec::new();
        authorization(0, text, &mut |sighting| seen.push((sighting.data_class, sighting.value)));
        seen
    }

    #[test]
    fn basic_authorization_gives_pair_and_name() {
        let told = seen("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(
            told,
            [(DataClass::Credential, "Aladdin:open sesame".into()), (DataClass::AccountId, "Aladdin".into())]
        );
    }

    #[test]
    fn a_digest_gives_the_name_alone() {
        assert_eq!(
            seen("Digest username=\"mufasa\", realm=\"x\", response=\"66c4ef\""),
            [(DataClass::AccountId, "mufasa".into())]
        );
    }

    #[test]
    fn three_dotted_words_are_no_token() {
        assert!(jwt("www.example.org").is_none() && jwt("1.2.3").is_none());
    }
}
