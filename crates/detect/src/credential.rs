//! Passwords, tokens and keys.

use creance_model::{Carrier, DataClass, Match};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use memchr::memmem;

use crate::{
    Card, Context, Detector, MOST, Sighting, Sink, View, email,
    key::{Names, Words},
    view::{Glance, sign},
};

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
            classes: &[
                DataClass::Credential,
                DataClass::AccountId,
                DataClass::Email,
                DataClass::Phone,
                DataClass::PersonName,
            ],
        }
    }

    fn look(&self, message: &View<'_>, _: &Context, sink: &mut Sink<'_>) {
        let wanted = |glance: Glance, words: Words<'_>| {
            glance.length >= SHORTEST
                || [Names::Authorization, Names::Secrets, Names::Tokens].iter().any(|names| words.end(*names))
        };
        for (index, name, text) in message.named_where(wanted) {
            let text = text.trim();
            if name == "authorization" || name == "proxy-authorization" {
                authorization(index, text, sink);
                continue;
            }
            if let Some(claims) = jwt(text) {
                token(index, text, &claims, sink);
                continue;
            }
            let words = message.words(index);
            if is_login_cookie(message, index, name, text) {
                sink.sight(Sighting::whole(DataClass::Credential, Match::Structured, ID, index, text));
                continue;
            }
            let secret = words.end(Names::Secrets) && text.len() >= 4 && !is_placeholder(text);
            let token = words.end(Names::Tokens) && text.len() >= 12;
            if secret || token || is_cloud_key(text) {
                // Cookies called token hold a session more often than a secret of the user.
                let cookie = message.parts().get(index).is_some_and(|part| part.carrier() == Carrier::Cookie);
                let matched = if cookie { Match::Pattern } else { Match::Structured };
                sink.sight(Sighting::whole(DataClass::Credential, matched, ID, index, text));
            }
        }
        let mut seen = 0;
        let wanted = |glance: Glance, _: Words<'_>| glance.has(sign::COLON | sign::SLASH | sign::AT);
        for (index, _, text) in message.texts_where(wanted) {
            for (start, user, password) in in_urls(text) {
                if seen == MOST {
                    return sink.limited("URLs with passwords in one message");
                }
                seen += 1;
                sink.sight(Sighting {
                    range: Some([start as u64, (start + password.len()) as u64]),
                    ..Sighting::whole(DataClass::Credential, Match::Structured, ID, index, password)
                });
                account(index, user, &[], sink);
            }
        }
    }
}

/// Cookies that are the login of an account, by the names that their services give them: whoever has one is logged in.
const LOGINS: &[&str] = &[
    // Google.
    "SID",
    "HSID",
    "SSID",
    "APISID",
    "SAPISID",
    "LSID",
    "__Secure-1PSID",
    "__Secure-3PSID",
    "__Secure-1PAPISID",
    "__Secure-3PAPISID",
    // GitHub, X, LinkedIn, Baidu, Alibaba Cloud, Microsoft.
    "user_session",
    "auth_token",
    "li_at",
    "BDUSS",
    "login_aliyunid_ticket",
    "ESTSAUTHPERSISTENT",
];

/// Whether a cookie is a login, and its value long enough to be one.
fn is_login_cookie(message: &View<'_>, index: usize, name: &str, text: &str) -> bool {
    let cookie = || message.parts().get(index).is_some_and(|part| part.carrier() == Carrier::Cookie);
    text.len() >= 16 && LOGINS.contains(&name) && cookie()
}

/// Bytes of the shortest token or key that is told by its look.
const SHORTEST: u32 = 16;

/// Where passwords stand in front of the hosts of URLs (RFC 3986), with the names before them. A name alone is often a
/// public key.
fn in_urls(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    memmem::find_iter(text.as_bytes(), "://").filter_map(move |hit| {
        let start = hit + 3;
        let rest = text.get(start..)?;
        let end = rest.find(|c: char| c.is_whitespace() || "/?#\"'<>\\".contains(c)).unwrap_or(rest.len());
        let (info, _) = rest.get(..end)?.rsplit_once('@')?;
        let (user, password) = info.split_once(':')?;
        let secret = !password.is_empty() && !is_placeholder(password);
        secret.then_some((start + user.len() + 1, user, password))
    })
}

/// The name that goes with a secret: an account, and an e-mail address if it is one.
fn account(index: usize, user: &str, encoding: &[&str], sink: &mut Sink<'_>) {
    if user.len() < 2 {
        return;
    }
    let address = email::is_address(user);
    let class = if address { DataClass::Email } else { DataClass::AccountId };
    let encoding = encoding.iter().map(|step| (*step).to_owned()).collect();
    sink.sight(Sighting { encoding, ..Sighting::whole(class, Match::Structured, ID, index, user) });
}

/// Fields of HTTP for credentials.
pub(crate) const AUTHORIZATION: &[&str] = &["authorization", "proxyauthorization"];

pub(crate) const SECRETS: &[&str] = &[
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
    // Whoever has it publishes in the name of its owner (RTMP).
    "streamkey",
];
pub(crate) const TOKENS: &[&str] = &[
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "securitytoken",
    "token",
    "apikey",
    "secretkey",
    "accesskeysecret",
    "jwt",
    "sessiontoken",
    "idtoken",
    "usertoken",
];

fn is_placeholder(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '*' | '•' | 'x' | 'X'))
        || matches!(text, "null" | "true" | "false" | "undefined" | "none")
}

fn authorization(index: usize, text: &str, sink: &mut Sink<'_>) {
    let Some((scheme, value)) = text.split_once(char::is_whitespace) else {
        // Without a scheme: a token all the same.
        if let Some(claims) = jwt(text) {
            token(index, text, &claims, sink);
        } else if text.len() >= 16 {
            sink.sight(Sighting::whole(DataClass::Credential, Match::Structured, ID, index, text));
        }
        return;
    };
    let value = value.trim();
    match scheme.to_lowercase().as_str() {
        "basic" => {
            let Some(pair) =
                BASE64.decode(value.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok())
            else {
                return;
            };
            let (user, password) = pair.split_once(':').unwrap_or((&pair, ""));
            // An empty password means that the name is a key.
            let secret = if password.is_empty() { user } else { password };
            if !secret.is_empty() {
                sink.sight(Sighting {
                    encoding: vec!["base64".to_owned()],
                    ..Sighting::whole(DataClass::Credential, Match::Structured, ID, index, secret)
                });
            }
            if !password.is_empty() {
                account(index, user, &["base64"], sink);
            }
        }
        "bearer" | "token" if value.len() >= 8 => match jwt(value) {
            Some(claims) => token(index, value, &claims, sink),
            None => sink.sight(Sighting::whole(DataClass::Credential, Match::Structured, ID, index, value)),
        },
        "digest" => {
            // The answer to a challenge is no password; the name is an account.
            if let Some(user) = value.split("username=\"").nth(1).and_then(|rest| rest.split('"').next()) {
                account(index, user, &[], sink);
            }
        }
        // `AWS4-HMAC-SHA256 Credential=AKIA…/…` and `OSS LTAI…:signature`: the key's name, and never its secret.
        _ => {
            if let Some(claims) = jwt(value) {
                return token(index, value, &claims, sink);
            }
            for word in value
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
                .filter(|word| is_cloud_key(word))
            {
                sink.sight(Sighting::whole(DataClass::Credential, Match::Structured, ID, index, word));
            }
        }
    }
}

/// The claims of a JSON web token (RFC 7519).
fn jwt(text: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    if !text.starts_with("eyJ") {
        return None;
    }
    let mut segments = text.split('.');
    let (head, claims, _) = (segments.next()?, segments.next()?, segments.next()?);
    if segments.next().is_some() {
        return None;
    }
    let decode = |segment: &str| BASE64URL_NOPAD.decode(segment.trim_end_matches('=').as_bytes()).ok();
    serde_json::from_slice::<serde_json::Value>(&decode(head)?).ok()?.get("alg")?;
    match serde_json::from_slice(&decode(claims)?).ok()? {
        serde_json::Value::Object(claims) => Some(claims),
        _ => None,
    }
}

fn token(index: usize, text: &str, claims: &serde_json::Map<String, serde_json::Value>, sink: &mut Sink<'_>) {
    sink.sight(Sighting::whole(DataClass::Credential, Match::Structured, ID, index, text));
    for (claim, class) in CLAIMS {
        let value = match claims.get(*claim) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(serde_json::Value::Number(number)) => number.to_string(),
            _ => continue,
        };
        if value.len() >= 3 {
            let address = *claim == "sub" && email::is_address(&value);
            let class = if address { DataClass::Email } else { *class };
            let encoding = vec![format!("jwt:/{claim}")];
            sink.sight(Sighting { encoding, ..Sighting::whole(class, Match::Structured, ID, index, value) });
        }
    }
}

/// Claims that name somebody (`OpenID` Connect Core 1.0, 5.1, and what apps add).
const CLAIMS: &[(&str, DataClass)] = &[
    ("email", DataClass::Email),
    ("phone_number", DataClass::Phone),
    ("phone", DataClass::Phone),
    ("sub", DataClass::AccountId),
    ("uid", DataClass::AccountId),
    ("user_id", DataClass::AccountId),
    ("preferred_username", DataClass::AccountId),
    ("name", DataClass::PersonName),
];

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
    use crate::fixture::{fields, header, parts, told};

    fn seen(text: &str) -> Vec<(DataClass, String)> {
        told(&header("authorization", text)).into_iter().map(|(class, _, value)| (class, value)).collect()
    }

    #[test]
    fn a_key_of_a_stream_is_a_secret() {
        let found = told(&fields(&[("stream_key", "drone-7-secret")]));
        let expected = (DataClass::Credential, Match::Structured, "drone-7-secret".to_owned());
        assert_eq!(found, [expected]);
    }

    #[test]
    fn cookies_of_logins_are_credentials_and_their_names_elsewhere_are_not() {
        let value = "YAieF18TdLas-8SKhGKN";
        let cookie = |name: &str, text: &str| {
            told(&parts(&[(Carrier::Cookie, None, &format!("cookie:{name}"), Some(name), text.as_bytes())]))
        };
        assert_eq!(cookie("SAPISID", value), [(DataClass::Credential, Match::Structured, value.to_owned())]);
        assert!(cookie("SID", "short").is_empty() && cookie("sid", value).is_empty());
        assert!(told(&fields(&[("SID", value)])).is_empty());
    }

    #[test]
    fn basic_authorization_gives_pair_and_name() {
        let told = seen("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(
            told,
            [(DataClass::Credential, "open sesame".into()), (DataClass::AccountId, "Aladdin".into())]
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
    fn a_key_as_user_name_is_the_secret() {
        assert_eq!(seen("Basic c2tfbGl2ZV85OQ=="), [(DataClass::Credential, "sk_live_99".into())]);
        assert_eq!(seen("Basic !"), []);
    }

    #[test]
    fn a_web_token_gives_its_claims() {
        let claims = r#"{"sub":"u8554731491","email":"o@netzwacht.example","exp":1}"#;
        let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        let token = format!("{}.{}.c2ln", part(r#"{"alg":"HS256"}"#), part(claims));
        let told = seen(&format!("Bearer {token}"));
        let expected = [
            (DataClass::Credential, token),
            (DataClass::Email, "o@netzwacht.example".to_owned()),
            (DataClass::AccountId, "u8554731491".to_owned()),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_token_needs_no_scheme() {
        let web =
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1ODU1NDczMTQ5MSIsImVtYWlsIjoib0BuZXR6d2FjaHQuZXhhbXBsZSJ9.c2ln";
        let claims = [
            (DataClass::Credential, web.into()),
            (DataClass::Email, "o@netzwacht.example".into()),
            (DataClass::AccountId, "u8554731491".into()),
        ];
        assert_eq!(seen(web), claims);
        assert_eq!(seen(&format!("JWT {web}")), claims);
        assert_eq!(seen("0935f0c699e2a8fe"), [(DataClass::Credential, "0935f0c699e2a8fe".into())]);
        assert_eq!(seen("0935f0c699e2a8f"), []);
        assert_eq!(seen("undefined"), []);
    }

    #[test]
    fn reports() {
        for (name, text, secret) in [
            ("oldPassword", "Otter%1264vB", "Otter%1264vB"),
            ("x-auth-token", "0935f0c699e2a8fe13", "0935f0c699e2a8fe13"),
            ("user_access_token", "0935f0c699e2a8fe13", "0935f0c699e2a8fe13"),
            ("OSSAccessKeyId", "LTAI5tExampleKeyId01", "LTAI5tExampleKeyId01"),
            ("url", "ftp://pilot:s3cret@files.example/x", "s3cret"),
        ] {
            let told = told(&fields(&[(name, text)]));
            let credential = (DataClass::Credential, Match::Structured, secret.to_owned());
            assert!(told.contains(&credential), "{name}={text}: {told:?}");
        }
        assert_eq!(seen("OSS LTAI5tExampleKeyId01:c2ln")[0].1, "LTAI5tExampleKeyId01");
    }

    #[test]
    fn ignores() {
        for (name, text) in [
            ("password", "********"),
            ("has_password", "true"),
            ("password_changed_at", "2026-06-11"),
            ("tokens", "123456789012345"),
            ("dsn", "https://0123abcd@o12.ingest.sentry.io/1"),
            ("url", "https://host.example:8080/a@b"),
            ("compass", "123.456"),
        ] {
            assert!(
                told(&fields(&[(name, text)])).is_empty(),
                "{name}={text}: {:?}",
                told(&fields(&[(name, text)]))
            );
        }
    }

    #[test]
    fn three_dotted_words_are_no_token() {
        assert!(jwt("www.example.org").is_none() && jwt("1.2.3").is_none());
    }
}
