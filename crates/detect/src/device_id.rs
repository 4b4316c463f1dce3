//! Identifiers of phones and tablets, of accounts, and of networks, in fields named for them.

use std::{
    cell::LazyCell,
    collections::HashSet,
    net::{IpAddr, SocketAddr},
};

use creance_model::{Carrier, DataClass, Match, Part};

use crate::{
    Card, Context, Detector, Sighting, Sink, View, email,
    key::{Keys, Words},
};

/// Identifiers by field name and shape.
pub(crate) struct DeviceId;

impl Detector for DeviceId {
    fn card(&self) -> &'static Card {
        &Card {
            id: "identifiers",
            what: "an identifier of a phone (IMEI, Android id, advertising id, MAC), of an account, or of a network (SSID, BSSID, an address within it)",
            why: "It joins everything that one device or person does, here and elsewhere; a BSSID is a place.",
            wrong: "A field may be named like an identifier and hold a random number of one session.",
            classes: &[DataClass::DeviceId, DataClass::AccountId, DataClass::NetworkInfo],
        }
    }

    fn look(&self, message: &View<'_>, _: &Context, sink: &mut Sink<'_>) {
        // Objects that have a field of devices. Few messages have a UUID to ask for them.
        let devices = LazyCell::new(|| {
            let parts = message.parts().iter().enumerate();
            let of_device = parts.filter(|(index, _)| message.words(*index).are(BESIDE));
            of_device.map(|(_, part)| part.parent).collect::<HashSet<_>>()
        });
        for (index, _, text) in message.named() {
            let words = message.words(index);
            let text = text.trim();
            let Some(part) = message.parts().get(index) else { continue };
            let cookie = part.carrier == Carrier::Cookie;
            let of_device = || devices.contains(&part.parent);
            let class = match class(words, text).or_else(|| in_context(part, words, text, of_device)) {
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
    "operatorid",
    "registrationid",
    "useraccount",
    "xuserid",
];
const NETWORK: &[&str] =
    &["ssid", "wifissid", "bssid", "wifibssid", "wifimac", "mac", "macaddress", "routermac", "wifi"];

/// Addresses on the network at home, which a relay (TURN) or a service is told.
const ADDRESS: &[&str] = &["xorpeeraddress", "localip", "localaddress", "lanip", "privateip"];

/// Fields beside which a UUID is one of a device.
const BESIDE: &[&str] = &["model", "brand", "manufacturer", "devicemodel", "osversion", "devicename", "imei"];

/// Identifiers whose names say little: `id` in an object `user`, `uuid` beside a model.
fn in_context(part: &Part, name: Words<'_>, text: &str, of_device: impl Fn() -> bool) -> Option<DataClass> {
    if part.name.as_deref() == Some("id") {
        let object = part.step.rsplit('/').nth(1)?;
        let of = Keys::new(["deviceid", "userid", object].into_iter());
        return if of.get(2).are(&["device", "phone"]) {
            class(of.get(0), text)
        } else if of.get(2).are(&["user", "account", "member", "owner"]) {
            class(of.get(1), text)
        } else {
            None
        };
    }
    if !name.are(&["uuid", "guid"]) || !is_uuid(text) {
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

fn class(name: Words<'_>, text: &str) -> Option<DataClass> {
    let token = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c));
    if name.say(&["imei", "imsi", "meid"]) {
        let digits = text.chars().all(|c| c.is_ascii_digit());
        return (digits && (14..=16).contains(&text.len()) && !is_blank(text)).then_some(DataClass::DeviceId);
    }
    if is_blank(text) {
        return None;
    }
    if name.are(DEVICE) {
        // Identifiers are long and made of few characters; counters and versions are short.
        let digits = text.chars().filter(char::is_ascii_digit).count();
        return (token
            && text.len() >= 8
            && digits >= 4
            && text.parse::<f64>().map_or(true, |_| text.len() >= 14))
        .then_some(DataClass::DeviceId);
    }
    if name.are(NETWORK) {
        let mac = is_mac(text);
        let station = name.are(&["ssid", "wifissid", "wifi"])
            && (2..=32).contains(&text.len())
            && !matches!(text, "true" | "false" | "null");
        return (mac || station).then_some(DataClass::NetworkInfo);
    }
    if name.are(ADDRESS) {
        return is_private(text).then_some(DataClass::NetworkInfo);
    }
    if name.are(ACCOUNT) {
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

/// Whether an address, with or without a port, is one of those that are not routed on the internet (RFC 1918, RFC 4193).
fn is_private(text: &str) -> bool {
    let address = text.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| text.parse());
    match address {
        Ok(IpAddr::V4(ip)) => ip.is_private(),
        Ok(IpAddr::V6(ip)) => ip.is_unique_local(),
        Err(_) => false,
    }
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

    fn named(name: &str, text: &str) -> Option<DataClass> {
        class(Keys::new([name].into_iter()).get(0), text)
    }

    #[test]
    fn name_and_shape_together_tell() {
        assert_eq!(named("did", "009044832993173"), Some(DataClass::DeviceId));
        assert_eq!(named("uid", "u3326224345"), Some(DataClass::AccountId));
        assert_eq!(named("bssid", "02:dc:4d:b1:02:70"), Some(DataClass::NetworkInfo));
        assert_eq!(named("phone_imei", "009044832993173"), Some(DataClass::DeviceId));
        assert_eq!(named("androidId", "9774d56d682e549c"), Some(DataClass::DeviceId));
        assert_eq!(named("xor_peer_address", "192.168.1.5:50000"), Some(DataClass::NetworkInfo));
        assert_eq!(named("localIp", "fd12::7"), Some(DataClass::NetworkInfo));
    }

    #[test]
    fn a_name_alone_does_not() {
        assert_eq!(named("did", "yes"), None);
        assert_eq!(named("uid", "null"), None);
        assert_eq!(named("mac", "00:00:00:00:00:00"), None);
        assert_eq!(named("fluid", "u3326224345"), None);
        assert_eq!(named("aid", "12"), None);
        for (name, text) in [
            ("idfa", "00000000-0000-0000-0000-000000000000"),
            ("imei", "000000000000000"),
            ("imei", "12345"),
            ("imei_time", "1700000000"),
            ("uid", "0"),
            ("user", "guest"),
            ("uuid", "2c9f5106-55ed-4ac9-b0f3-8ace35b2a71d"),
            ("ssid", "true"),
            ("xor_peer_address", "8.8.8.8:3478"),
            ("local_ip", "127.0.0.1"),
            ("ip", "192.168.1.5"),
        ] {
            assert_eq!(named(name, text), None, "{name}={text}");
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
