//! Identifiers of phones and tablets, of accounts, and of networks, in fields named for them.

use std::{
    cell::LazyCell,
    collections::HashSet,
    net::{IpAddr, SocketAddr},
};

use creance_model::{Carrier, DataClass, Match, Part};

use crate::{
    Card, Context, Detector, Sighting, Sink, View, email,
    key::{self, Names, Words},
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
            let parts = message.parts().iter();
            let of_device = parts.filter(|part| message.words(part.index()).are(Names::OfDevices));
            of_device.map(Part::parent).collect::<HashSet<_>>()
        });
        for (index, _, text) in message.named_where(|_, words| is_asked(words)) {
            let words = message.words(index);
            let text = text.trim();
            let Some(part) = message.parts().get(index) else { continue };
            let cookie = part.carrier() == Carrier::Cookie;
            let of_device = || devices.contains(&part.parent());
            let class = match class(words, text).or_else(|| in_context(part, words, text, of_device)) {
                Some(class) if !cookie || matches!(class, DataClass::AccountId) => class,
                _ => continue,
            };
            sink.sight(Sighting::whole(class, Match::Structured, "identifiers", index, text));
        }
    }
}

/// Names that any of the classes goes by.
const ALL: [Names; 7] = [
    Names::Subscribers,
    Names::Devices,
    Names::Accounts,
    Names::Networks,
    Names::Addresses,
    Names::Unique,
    Names::Id,
];

fn is_asked(words: Words<'_>) -> bool {
    ALL.iter().any(|names| words.are(*names)) || words.say(Names::Subscribers)
}

/// Of telephones on their network.
pub(crate) const SUBSCRIBER: &[&str] = &["imei", "imsi", "meid"];

pub(crate) const DEVICE: &[&str] = &[
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
pub(crate) const ACCOUNT: &[&str] = &[
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
pub(crate) const NETWORK: &[&str] =
    &["ssid", "wifissid", "bssid", "wifibssid", "wifimac", "mac", "macaddress", "routermac", "wifi"];

/// Networks by their names.
pub(crate) const STATION: &[&str] = &["ssid", "wifissid", "wifi"];

/// Identifiers of anything.
pub(crate) const UNIQUE: &[&str] = &["uuid", "guid"];
pub(crate) const ID_ALONE: &[&str] = &["id"];

/// Addresses on the network at home, which a relay (TURN) or a service is told.
pub(crate) const ADDRESS: &[&str] = &["xorpeeraddress", "localip", "localaddress", "lanip", "privateip"];

/// Fields beside which a UUID is one of a device.
pub(crate) const BESIDE: &[&str] =
    &["model", "brand", "manufacturer", "devicemodel", "osversion", "devicename", "imei"];

/// Identifiers whose names say little: `id` in an object `user`, `uuid` beside a model.
fn in_context(
    part: Part<'_>,
    name: Words<'_>,
    text: &str,
    of_device: impl Fn() -> bool,
) -> Option<DataClass> {
    if part.name() == Some("id") {
        let step = part.step();
        let object = step.rsplit('/').nth(1)?;
        let is = |name: &&str| key::is(object, name);
        return if is_blank(text) {
            None
        } else if ["device", "phone"].iter().any(is) {
            device(text)
        } else if ["user", "account", "member", "owner"].iter().any(is) {
            account(text)
        } else {
            None
        };
    }
    if !name.are(Names::Unique) || !is_uuid(text) {
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
    if name.say(Names::Subscribers) {
        let digits = text.chars().all(|c| c.is_ascii_digit());
        return (digits && (14..=16).contains(&text.len()) && !is_blank(text)).then_some(DataClass::DeviceId);
    }
    if is_blank(text) {
        return None;
    }
    if name.are(Names::Devices) {
        return device(text);
    }
    if name.are(Names::Networks) {
        let mac = is_mac(text);
        let station = name.are(Names::Stations)
            && (2..=32).contains(&text.len())
            && !matches!(text, "true" | "false" | "null");
        return (mac || station).then_some(DataClass::NetworkInfo);
    }
    if name.are(Names::Addresses) {
        return is_private(text).then_some(DataClass::NetworkInfo);
    }
    if name.are(Names::Accounts) {
        return account(text);
    }
    None
}

/// Whether a text is made of what identifiers are made of.
fn is_token(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c))
}

fn device(text: &str) -> Option<DataClass> {
    // Identifiers are long and made of few characters; counters and versions are short.
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let fits = text.len() >= 8
        && digits >= 4
        && is_token(text)
        && text.parse::<f64>().map_or(true, |_| text.len() >= 14);
    fits.then_some(DataClass::DeviceId)
}

fn account(text: &str) -> Option<DataClass> {
    let word = text.to_lowercase();
    let nobody = matches!(
        word.as_str(),
        "null" | "undefined" | "anonymous" | "guest" | "true" | "false" | "none" | "unknown" | "-1"
    );
    let fits = (3..=64).contains(&text.len()) && is_token(text) && !nobody;
    (fits && email::addresses(text).next().is_none()).then_some(DataClass::AccountId)
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
    use crate::{
        fixture::{fields, parts, told},
        key::Keys,
    };

    fn named(name: &str, text: &str) -> Option<DataClass> {
        let mut keys = Keys::new();
        keys.add(name);
        class(keys.get(0), text)
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
