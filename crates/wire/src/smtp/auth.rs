//! How a client signs in to SMTP (RFC 4954): its mechanism and what it said.

use creance_model::Carrier;
use data_encoding::BASE64;

use crate::datagram::Told;

/// A word that was said, and the packets that brought it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) packets: Vec<u64>,
}

/// Who signs in. Passwords are content, and no fields.
pub(super) fn told(mechanism: String, words: &[Word]) -> Told {
    let mut told = Told::new("auth");
    match mechanism.as_str() {
        "LOGIN" => {
            let user = told.opened("username", words.first(), true);
            told.text("username", user);
            told.opened("password", words.get(1), true);
        }
        // An identity, a name and a password with zeros between them (RFC 4616).
        "PLAIN" => {
            let said = told.opened("credentials", words.first(), false);
            let within = told.parts.len().checked_sub(1);
            let mut parts = said.split('\0').skip(1);
            let mut next = |name| {
                let value = parts.next().unwrap_or_default();
                told.parts.add(Carrier::Field, within, name, Some(name), value);
                value
            };
            let (user, _) = (next("username"), next("password"));
            told.text("username", user);
        }
        // Of a challenge and its answer the name alone says something; the answer is of that moment (RFC 2195, 5802).
        challenged if ["CRAM-", "SCRAM-", "DIGEST-"].iter().any(|name| challenged.starts_with(name)) => {
            let said = told.opened("answer", words.first(), false);
            told.value("username", challenger(&said));
        }
        _ => drop(told.opened("auth_token", words.first(), true)),
    }
    told.text("mechanism", mechanism);
    told
}

impl Told {
    /// Adds a word and what it stands for in base64, which has the name if it is `named`; what is no base64 was said all the same.
    fn opened(&mut self, name: &'static str, word: Option<&Word>, named: bool) -> String {
        let Some(word) = word else { return String::new() };
        let plain = BASE64.decode(word.text.as_bytes()).ok();
        let name_of = |last: bool| Some(name).filter(|_| named && last);
        let part = self.parts.add(Carrier::Field, None, name, name_of(plain.is_none()), word.text.as_str());
        self.parts.set_packets(part, word.packets.clone());
        match plain {
            Some(plain) => {
                let said = String::from_utf8_lossy(&plain).into_owned();
                self.parts.add(Carrier::Field, Some(part), "base64", name_of(true), plain);
                said
            }
            None => word.text.clone(),
        }
    }
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
