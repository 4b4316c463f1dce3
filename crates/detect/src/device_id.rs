//! Identifiers of phones and tablets, of accounts, and of networks, in fields named for them.

use std::{cell::LazyCell, collections::HashSet};

use creance_model::{Carrier, DataClass, Match, Message, Part};

use crate::{Card, Context, Detector, Sighting, Sink, email, key, named};

/// Identifiers by field name and shape.
pub(crate) struct DeviceId;

impl Detector for DeviceId {
    fn card(&self) -> &'static Card {
        &Card {
            id: "identifiers",
            what: "an identifier of a phone (IMEI, Android id, advertising id, MAC), of an account, or of a network (SSID, BSSID)",
            why: "It joins everything that one device or person does, here and elsewhere; a BSSID is a place.",
            wrong: "A field may be named like an identifier and hold a random number of one session.",
            classes: &[DataClass::DeviceId, DataClass::AccountId, DataClass::NetworkInfo],
        }
    }

    fn look(&self, message: &Message, _: &Context, sink: &mut Sink<'_>) {
        // Objects that have a field of devices. Few messages have a UUID to ask for them.
        let devices = LazyCell::new(|| {
            let of_device = |part: &&Part| part.name.as_deref().is_some_and(|name| key::is(name, BESIDE));
            message.parts.iter().filter(of_device).map(|part| part.parent).collect::<HashSet<_>>()
        });
        for (index, name, text) in named(message) {
            let text = text.trim();
            let Some(part) = message.parts.get(index) else { continue };
            let cookie = part.carrier == Carrier::Cookie;
            let of_device = || devices.contains(&part.parent);
            let class = match class(name, text).or_else(|| in_context(part, name, text, of_device)) {
                Some(class) if !cookie || matches!(class, DataClass::AccountId) => class,
                _ => continue,
            };
            sink.sight(Sighting::whole(class, Match::Structured, "identifiers", index, text));
        }
    }
}

const DEVICE: &[&str] = &[
    "imei1",
    "imei2",
    "iccid",
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

/// Fields beside which a UUID is one of a device.
const BESIDE: &[&str] = &["model", "brand", "manufacturer", "devicemodel", "osversion", "devicename", "imei"];

/// Identifiers whose names say little: `id` in an object `user`, `uuid` beside a model.
fn in_context(part: &Part, name: &str, text: &str, of_device: impl Fn() -> bool) -> Option<DataClass> {
    if name == "id" {
        let object = part.step.rsplit('/').nth(1)?;
        return if key::is(object, &["device", "phone"]) {
            class("deviceid", text)
        } else if key::is(object, &["user", "account", "member", "owner"]) {
            class("userid", text)
        } else {
            None
        };
    }
    if !key::is(name, &["uuid", "guid"]) || !is_uuid(text) {
        return None;
    }
    of_device().then_some(DataClass::DeviceId)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.matches('-').count() == 4
        && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
        && !is_blank(text)
}

/// What systems give to apps that may not know: zeros.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '0' | '-' | ':'))
}

fn class(name: &str, text: &str) -> Option<DataClass> {
    let token = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c));
    if key::says(name, &["imei", "imsi", "meid"]) {
        let digits = text.chars().all(|c| c.is_ascii_digit());
        return (digits && (14..=16).contains(&text.len()) && !is_blank(text)).then_some(DataClass::DeviceId);
    }
    if is_blank(text) {
        return None;
    }
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
        let address = email::addresses(text).next().is_some();
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
    use crate::fixture::{fields, parts, told};

    #[test]
    fn name_and_shape_together_tell() {
        assert_eq!(class("did", "009044832993173"), Some(DataClass::DeviceId));
        assert_eq!(class("uid", "u3326224345"), Some(DataClass::AccountId));
        assert_eq!(class("bssid", "02:dc:4d:b1:02:70"), Some(DataClass::NetworkInfo));
        assert_eq!(class("phone_imei", "009044832993173"), Some(DataClass::DeviceId));
        assert_eq!(class("androidId", "9774d56d682e549c"), Some(DataClass::DeviceId));
    }

    #[test]
    fn a_name_alone_does_not() {
        assert_eq!(class("did", "yes"), None);
        assert_eq!(class("uid", "null"), None);
        assert_eq!(class("mac", "00:00:00:00:00:00"), None);
        assert_eq!(class("fluid", "u3326224345"), None);
        assert_eq!(class("aid", "12"), None);
        for (name, text) in [
            ("idfa", "00000000-0000-0000-0000-000000000000"),
            ("imei", "000000000000000"),
            ("imei", "12345"),
            ("imei_time", "1700000000"),
            ("uid", "0"),
            ("user", "guest"),
            ("uuid", "2c9f5106-55ed-4ac9-b0f3-8ace35b2a71d"),
            ("ssid", "true"),
        ] {
            assert_eq!(class(name, text), None, "{name}={text}");
        }
    }

    #[test]
    fn neighbours_tell_what_a_name_does_not() {
        let uuid = "2c9f5106-55ed-4ac9-b0f3-8ace35b2a71d";
        let told = told(&fields(&[("uuid", uuid), ("model", "SM-T870")]));
        assert_eq!(told, [(DataClass::DeviceId, Match::Structured, uuid.to_owned())]);
        let of = |step: &str| {
            let leaf = (Carrier::Body, Some(0), step, Some("id"), &b"u3326224345"[..]);
            crate::fixture::told(&parts(&[(Carrier::Body, None, "json:/", None, b""), leaf]))
        };
        assert_eq!(of("json:/user/id").first().map(|one| one.0), Some(DataClass::AccountId));
        assert!(of("json:/page/id").is_empty());
    }
}
