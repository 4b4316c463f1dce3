//! What fields of messages say of jurisdiction, by their names. Apps write one name in many ways (`time_zone`, `timeZone`,
//! `TimeZone`): names are compared in lower case, letters and digits alone.

use creance_model::{Message, Part};
use creance_place::Country;
use creance_place::datum::Datum;
use creance_place::region::{datum_tell, hosts, settings};

/// Fields looked at in one message, and bytes of one.
const MOST_FIELDS: usize = 4096;
const MOST_BYTES: usize = 256;
/// Places taken from one message: a list of zones or of a mission is not where anybody is.
const MOST_PLACES: usize = 4;

/// What the fields of one message say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) network_mcc: Vec<u16>,
    pub(super) sim_mcc: Vec<u16>,
    pub(super) places: Vec<(f64, f64)>,
    pub(super) time_zones: Vec<String>,
    pub(super) locales: Vec<String>,
    /// Countries, with the name of the field.
    pub(super) countries: Vec<(Country, String)>,
    /// Addresses that a server saw its client under.
    pub(super) addresses: Vec<std::net::IpAddr>,
    /// A server's own idea of where that address is.
    pub(super) located: bool,
    pub(super) datum: Option<Datum>,
    pub(super) login: Option<bool>,
    pub(super) password: bool,
}

impl Said {
    /// Reads the named fields of a message.
    pub(super) fn of(message: &Message) -> Self {
        let mut said = Self::default();
        let mut pairs = Pairs::default();
        for part in message.parts.iter().filter(|part| part.is_named()).take(MOST_FIELDS) {
            let Some((name, text)) = field(part) else { continue };
            said.note(name.text(), text);
            pairs.note(part.parent(), name.text(), text);
        }
        said.places = pairs.places;
        said
    }

    /// Reads the named values of a file of the device.
    pub(super) fn note(&mut self, name: &str, text: &str) {
        let text = text.trim();
        match name {
            "mcc" | "networkmcc" | "mobilecountrycode" | "operatormcc" | "plmn" | "networkoperator"
            | "mccmnc" | "networkplmn" | "operatornumeric" => self.network_mcc.extend(mccs(text)),
            "simmcc" | "simoperator" | "simplmn" | "simoperatornumeric" | "homemcc" | "imsimcc" => {
                self.sim_mcc.extend(mccs(text));
            }
            "timezone" | "tz" | "tzid" | "zoneid" | "timezoneid" => self.time_zones.push(text.to_owned()),
            "locale" | "lang" | "language" | "systemlocale" | "acceptlanguage" => {
                self.locales.push(text.split([',', ';']).next().unwrap_or_default().to_owned());
            }
            "region" | "country" | "countrycode" | "area" | "areacode" | "regioncode" | "countryiso"
            | "jurisdiction" | "market" | "territory" | "appregion" | "currentregion" | "site"
            | "countryregion" => {
                self.countries.extend(country(text).map(|country| (country, name.to_owned())));
            }
            "clientip" | "ip" | "yourip" | "remoteaddr" | "remoteip" | "userip" | "publicip"
            | "clientaddress" | "ipaddress" | "query" => {
                self.addresses.extend(text.parse::<std::net::IpAddr>().ok());
            }
            "ipcountry" | "ipregion" | "geoipcountry" | "ipcountrycode" => self.located = true,
            "datum" | "coordtype" | "coordinatesystem" | "coordsys" | "coordinatetype" | "crs"
            | "geodeticdatum" | "mapdatum" => self.datum = datum_tell::named(text).or(self.datum),
            "login" | "loginrequired" | "forcelogin" | "forcedlogin" | "requirelogin" | "needlogin"
            | "mustlogin" | "accountrequired" | "realnamerequired" | "realname" | "activation" => {
                self.login = yes(text).or(self.login);
            }
            "password" | "passwd" | "pwd" | "pass" => self.password = true,
            _ => {}
        }
    }
}

/// A field's plain name, and its text.
fn field(part: Part<'_>) -> Option<(Plain, &str)> {
    if part.length() > MOST_BYTES {
        return None;
    }
    Some((Plain::of(part.name()?)?, std::str::from_utf8(part.bytes()).ok()?.trim_matches('"')))
}

/// A name without case and signs: letters and digits alone, in lower case.
pub(super) struct Plain {
    letters: [u8; MOST_LETTERS],
    length: usize,
}

/// Letters of a name that are compared: no name that is known is longer.
const MOST_LETTERS: usize = 24;

impl Plain {
    /// `None`: it is longer than any that is known.
    pub(super) fn of(name: &str) -> Option<Self> {
        // Fields of HTTP that are nobody's standard begin with `X-`.
        let name = name.strip_prefix(['x', 'X']).filter(|rest| rest.contains('-')).unwrap_or(name);
        let mut plain = Self { letters: [0; MOST_LETTERS], length: 0 };
        for sign in name.bytes().filter(u8::is_ascii_alphanumeric) {
            *plain.letters.get_mut(plain.length)? = sign.to_ascii_lowercase();
            plain.length += 1;
        }
        Some(plain)
    }

    pub(super) fn text(&self) -> &str {
        self.letters
            .get(..self.length)
            .and_then(|letters| std::str::from_utf8(letters).ok())
            .unwrap_or_default()
    }
}

/// Those of all networks that serve a device: of two SIMs, two between commas.
fn mccs(text: &str) -> impl Iterator<Item = u16> {
    text.split(',').filter_map(mcc)
}

/// The code of a country in a network's number: 3 digits, or with the network's own 5 or 6.
fn mcc(text: &str) -> Option<u16> {
    let digits: String = text.chars().filter(|sign| !matches!(sign, '-' | ' ')).collect();
    let fair = matches!(digits.len(), 3 | 5 | 6) && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.get(..3).filter(|_| fair)?.parse().ok()
}

/// A country, however it is written: two letters, three, a mobile code, a name, or a cloud's region.
fn country(text: &str) -> Option<Country> {
    const THREE: &[(&str, &str)] = &[
        ("CHN", "CN"),
        ("HKG", "HK"),
        ("MAC", "MO"),
        ("TWN", "TW"),
        ("USA", "US"),
        ("JPN", "JP"),
        ("KOR", "KR"),
        ("GBR", "GB"),
        ("DEU", "DE"),
        ("FRA", "FR"),
        ("AUS", "AU"),
        ("CAN", "CA"),
        ("SGP", "SG"),
        ("IND", "IN"),
        ("RUS", "RU"),
        ("BRA", "BR"),
        ("UNITED STATES", "US"),
        ("UNITED KINGDOM", "GB"),
        ("HONG KONG", "HK"),
    ];
    let capital = text.to_ascii_uppercase();
    if capital == "UK" {
        return Country::new("GB");
    }
    Country::new(&capital)
        .filter(|country| settings::is_country(*country))
        .or_else(|| THREE.iter().find(|(name, _)| *name == capital).and_then(|(_, code)| Country::new(code)))
        .or_else(|| {
            let code = mcc(text).filter(|_| text.len() == 3)?;
            creance_place::region::mcc::Codes::bundled().ok()?.assigned(code)
        })
        .or_else(|| hosts::word(text.split(['-', '_', ' ']).next()?))
}

fn yes(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "required" | "true" | "1" | "yes" | "forced" | "force" | "mandatory" | "must" | "on" => Some(true),
        "optional" | "false" | "0" | "no" | "none" | "off" | "skip" | "disabled" => Some(false),
        _ => None,
    }
}

/// Latitude and longitude that stand beside each other.
#[derive(Default)]
struct Pairs {
    parent: Option<usize>,
    lat: Option<f64>,
    lon: Option<f64>,
    places: Vec<(f64, f64)>,
}

impl Pairs {
    fn note(&mut self, parent: Option<usize>, name: &str, text: &str) {
        let which = match name {
            "lat" | "latitude" | "gpslat" | "gpslatitude" | "dronelat" | "aircraftlat" => &mut self.lat,
            "lon" | "lng" | "long" | "longitude" | "gpslon" | "gpslng" | "gpslongitude" | "dronelon"
            | "dronelng" | "aircraftlon" | "aircraftlng" => &mut self.lon,
            _ => return,
        };
        let number = degrees(text);
        if self.parent == parent {
            *which = number;
        } else {
            let lat = name.contains("lat");
            (self.parent, self.lat, self.lon) = (parent, number.filter(|_| lat), number.filter(|_| !lat));
        }
        if let (Some(lat), Some(lon)) = (self.lat, self.lon) {
            if lat.abs() <= 90.0 && (lat.abs() > 1e-6 || lon.abs() > 1e-6) && self.places.len() < MOST_PLACES
            {
                self.places.push((lat, lon));
            }
            (self.lat, self.lon) = (None, None);
        }
    }
}

/// Degrees, as they are or as a whole number of ten-millionths or millionths.
fn degrees(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    let scaled = [1.0, 1e6, 1e7].into_iter().find(|scale| (number / scale).abs() <= 180.0)?;
    (scaled.to_bits() == 1f64.to_bits() || !text.contains('.')).then(|| number / scaled)
}

/// Whether a host or target is about zones where nobody may fly.
pub(super) fn is_about_zones(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "nofly",
        "nfz",
        "flysafe",
        "geofence",
        "geozone",
        "airspace",
        "flightrestrict",
        "flyforbid",
        "limitarea",
        "tfr",
    ];
    has_word(text, WORDS)
}

/// Whether a text has one of these words, in whatever case and with whatever signs between its letters.
fn has_word(text: &str, words: &[&str]) -> bool {
    let plain: String =
        text.chars().filter(char::is_ascii_alphanumeric).map(|sign| sign.to_ascii_lowercase()).collect();
    words.iter().any(|word| plain.contains(word))
}

/// Whether a target asks for who somebody is, as mainland China's rules on activation have it.
pub(super) fn is_real_name(text: &str) -> bool {
    has_word(text, &["realname", "accountactivate", "idcard"])
}

/// Whether a target is one for logging in.
pub(super) fn is_login(text: &str) -> bool {
    has_word(text, &["login", "signin", "realname", "authenticate", "userauth", "accountactivate"])
}

/// Whether a host or target is one that asks where it is.
pub(super) fn is_about_place(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "region",
        "where",
        "locate",
        "geoip",
        "country",
        "areacode",
        "jurisdiction",
        "ipinfo",
        "site",
        "area",
    ];
    has_word(text, WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(fields: &[(&str, &str)]) -> Said {
        let mut said = Said::default();
        for (name, text) in fields {
            said.note(Plain::of(name).unwrap().text(), text);
        }
        said
    }

    #[test]
    fn names_are_read_in_all_spellings() {
        let found = said(&[
            ("mcc", "460"),
            ("simOperator", "310260"),
            ("time_zone", "Asia/Shanghai"),
            ("countryCode", "hk"),
            ("client_ip", "54.210.139.179"),
            ("coord_type", "GCJ-02"),
            ("login", "required"),
            ("X-Region", "us-east-1"),
        ]);
        assert_eq!((found.network_mcc, found.sim_mcc), (vec![460], vec![310]));
        assert_eq!((found.datum, found.login), (Some(Datum::Gcj02), Some(true)));
        let codes: Vec<String> = found.countries.iter().map(|(country, _)| country.to_string()).collect();
        assert_eq!(codes, ["HK", "US"]);
        assert_eq!((found.addresses.len(), found.time_zones.len()), (1, 1));
    }

    #[test]
    fn an_operator_of_digits_may_be_anybody() {
        assert_eq!(said(&[("operator", "46001"), ("operator", "310260")]), Said::default());
        assert_eq!(said(&[("networkOperator", "46001")]).network_mcc, [460]);
        assert_eq!(said(&[("networkOperator", "46001,45412")]).network_mcc, [460, 454]);
    }

    #[test]
    fn countries_are_read_however_they_are_written() {
        for (text, code) in [
            ("CN", "CN"),
            ("twn", "TW"),
            ("454", "HK"),
            ("uk", "GB"),
            ("hk-1", "HK"),
            ("United States", "US"),
        ] {
            assert_eq!(country(text).map(|country| country.to_string()).as_deref(), Some(code), "{text}");
        }
        for text in ["", "optional", "12", "global", "EU", "ok"] {
            assert_eq!(country(text), None, "{text}");
        }
    }

    #[test]
    fn places_are_pairs_of_one_object() {
        let mut pairs = Pairs::default();
        pairs.note(Some(1), "lat", "30.5");
        pairs.note(Some(2), "lng", "103.5");
        pairs.note(Some(2), "lat", "309132704");
        pairs.note(Some(3), "lat", "0");
        pairs.note(Some(3), "lon", "0");
        assert_eq!(pairs.places, [(30.913_270_4, 103.5)]);
        assert_eq!(degrees("nan").map(f64::is_nan), None);
    }
}
