//! Identifiers of phones and tablets, of accounts, and of networks, in fields named for them.

use creance_model::{Carrier, DataClass, Match, Message};

use crate::{Card, Context, Detector, Sighting, email, key, named};

/// Identifiers by field name and shape.
pub(crate) struct DeviceId;

impl Detector for DeviceId {
    fn card(&self) -> &'static Card {
        &Card {
            id: "identifiers",
            what: "an identifier of a phone (IMEI, Android id, advertising id, MAC), of an account, or of a network (SSID, BSSID)",
            why: "It joins everything that one device or person does, here and elsewhere; a BSSID is a place.",
            wrong: "A field may be named like an identifier and hold a random number of one session.",
        }
    }

    fn look(&self, message: &Message, _: &Context, emit: &mut dyn FnMut(Sighting)) {
        for (index, name, text) in named(message) {
            let text = text.trim();
            let cookie = message.parts.get(index).is_some_and(|part| part.carrier == Carrier::Cookie);
            let class = match class(name, text) {
                Some(class) if !cookie || matches!(class, DataClass::AccountId) => class,
                _ => continue,
            };
            emit(Sighting::whole(class, Match::Structured, "identifiers", index, text));
        }
    }
}

const DEVICE: &[&str] = &[
    "imei",
    "imei1",
    "imei2",
    "imsi",
    "iccid",
    "meid",
    "androidid",
    "aid",
    "idfa",
    "idfv",
    "gaid",
    "adid",
    "oaid",
    "aaid",
    "deviceid",
    "did",
    "udid",
    "devid",
    "hwid",
    "phoneid",
    "deviceuuid",
    "advertisingid",
    "xdeviceid",
    "installid",
];
const ACCOUNT: &[&str] = &[
    "uid",
    "userid",
    "user",
    "username",
    "account",
    "accountid",
    "login",
    "loginname",
    "openid",
    "unionid",
    "nick",
    "nickname",
    "memberid",
    "customerid",
    "useraccount",
    "xuserid",
];
const NETWORK: &[&str] =
    &["ssid", "wifissid", "bssid", "wifibssid", "wifimac", "mac", "macaddress", "routermac", "wifi"];

fn class(name: &str, text: &str) -> Option<DataClass> {
    let token = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c));
    if key::is(name, DEVICE) {
        // Identifiers are long and made of few characters; counters and versions are short.
        let digits = text.chars().filter(char::is_ascii_digit).count();
        return (token
            && text.len() >= 8
            && digits >= 4
            && text.parse::<f64>().map_or(true, |_| text.len() >= 14))
        .then_some(DataClass::DeviceId);
    }
    if key::is(name, NETWORK) {
        let mac = is_mac(text);
        let station = key::is(name, &["ssid", "wifissid", "wifi"])
            && (2..=32).contains(&text.len())
            && !matches!(text, "true" | "false" | "null");
        return (mac || station).then_some(DataClass::NetworkInfo);
    }
    if key::is(name, ACCOUNT) {
        let word = text.to_lowercase();
        let nobody = matches!(
            word.as_str(),
            "null" | "undefined" | "anonymous" | "guest" | "true" | "false" | "none" | "unknown" | "-1"
        );
        let address = !email::addresses(text).is_empty();
        return (token && text.len() >= 3 && text.len() <= 64 && !nobody && !address)
            .then_some(DataClass::AccountId);
    }
    None
}

fn is_mac(text: &str) -> bool {
    let octets: Vec<&str> = text.split([':', '-']).collect();
    let zero = text.chars().all(|c| matches!(c, '0' | ':' | '-')) || text == "02:00:00:00:00:00";
    octets.len() == 6
        && octets.iter().all(|octet| octet.len() == 2 && octet.chars().all(|c| c.is_ascii_hexdigit()))
        && !zero
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_shape_together_tell() {
        assert_eq!(class("did", "009044832993173"), Some(DataClass::DeviceId));
        assert_eq!(class("uid", "u3326224345"), Some(DataClass::AccountId));
        assert_eq!(class("bssid", "02:dc:4d:b1:02:70"), Some(DataClass::NetworkInfo));
        assert_eq!(class("androidId", "9774d56d682e549c"), Some(DataClass::DeviceId));
    }

    #[test]
    fn a_name_alone_does_not() {
        assert_eq!(class("did", "yes"), None);
        assert_eq!(class("uid", "null"), None);
        assert_eq!(class("mac", "00:00:00:00:00:00"), None);
        assert_eq!(class("fluid", "u3326224345"), None);
        assert_eq!(class("aid", "12"), None);
    }
}
