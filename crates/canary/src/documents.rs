//! Documents that hold canaries, to be copied to a phone, a card or a profile. Decoys are in none.

use creance_detect::CanarySet;
use creance_model::DataClass;
use serde_json::{Map, Value};

/// A kind of document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shape {
    /// An address book: vCard 3.0 (RFC 2426).
    Contacts,
    /// Whose device it is: JSON.
    Profile,
    /// Notes: plain text.
    Notes,
    /// Wi-Fi networks: CSV.
    Networks,
    /// A mission: GPX 1.1.
    Mission,
    /// The same: CSV.
    MissionTable,
}

impl Shape {
    /// All of them.
    pub const ALL: &[Self] =
        &[Self::Contacts, Self::Profile, Self::Notes, Self::Networks, Self::Mission, Self::MissionTable];

    /// The name of its file.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Contacts => "contacts.vcf",
            Self::Profile => "profile.json",
            Self::Notes => "notes.txt",
            Self::Networks => "wifi.csv",
            Self::Mission => "mission.gpx",
            Self::MissionTable => "mission.csv",
        }
    }

    /// What a file of this name is to be.
    pub fn of(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        match name.rsplit_once('.')?.1 {
            "vcf" => Some(Self::Contacts),
            "json" => Some(Self::Profile),
            "txt" => Some(Self::Notes),
            "gpx" => Some(Self::Mission),
            "csv" if name.contains("wifi") || name.contains("network") => Some(Self::Networks),
            "csv" => Some(Self::MissionTable),
            _ => None,
        }
    }
}

/// A document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document {
    /// What it is.
    pub shape: Shape,
    /// Its content.
    pub text: String,
    /// Which values of the set stand in it, by their places there, ascending.
    pub holds: Vec<usize>,
}

/// Every document that has something to hold.
pub fn documents(set: &CanarySet) -> Vec<Document> {
    let made = Shape::ALL.iter().map(|shape| Writing::new(set).written(*shape));
    made.filter(|document| !document.holds.is_empty()).collect()
}

/// A document being written.
struct Writing<'a> {
    set: &'a CanarySet,
    holds: Vec<usize>,
}

impl<'a> Writing<'a> {
    const fn new(set: &'a CanarySet) -> Self {
        Self { set, holds: Vec::new() }
    }

    fn written(mut self, shape: Shape) -> Document {
        let text = match shape {
            Shape::Contacts => self.contacts(),
            Shape::Profile => self.profile(),
            Shape::Notes => self.notes(),
            Shape::Networks => self.networks(),
            Shape::Mission => self.mission(),
            Shape::MissionTable => self.mission_table(),
        };
        self.holds.sort_unstable();
        self.holds.dedup();
        // What was written otherwise, for a format cannot hold it as it is, is not held.
        let stands = |value: &str| {
            text.contains(value)
                || halves(value).is_some_and(|(lat, lon)| text.contains(lat) && text.contains(lon))
        };
        self.holds.retain(|place| self.set.values.get(*place).is_some_and(|one| stands(&one.value)));
        Document { shape, text, holds: self.holds }
    }

    /// The values of a class that are to be planted, where one is `wanted`.
    fn of(&mut self, class: DataClass, wanted: impl Fn(&str) -> bool) -> Vec<&'a str> {
        let all = self.set.values.iter().enumerate();
        let planted = all.filter(|(_, one)| one.class == class && !one.decoy && wanted(&one.value));
        let (places, values): (Vec<usize>, Vec<&str>) =
            planted.map(|(place, one)| (place, one.value.as_str())).unzip();
        self.holds.extend(places);
        values
    }

    fn all(&mut self, class: DataClass) -> Vec<&'a str> {
        self.of(class, |_| true)
    }

    fn contacts(&mut self) -> String {
        let own = self.all(DataClass::PersonName);
        let (mails, phones) = (self.all(DataClass::Email), self.all(DataClass::Phone));
        let names = self.of(DataClass::Contacts, |value| !is_number(value));
        let numbers = self.of(DataClass::Contacts, is_number);
        let mut text = card(own.first().copied().unwrap_or("Me"), &phones, &mails);
        text += &own.iter().skip(1).map(|name| card(name, &[], &[])).collect::<String>();
        let most = names.len().max(numbers.len());
        for at in 0..most {
            let number: Vec<&str> = numbers.get(at).copied().into_iter().collect();
            text += &card(names.get(at).copied().unwrap_or("Contact"), &number, &[]);
        }
        text
    }

    fn profile(&mut self) -> String {
        let mut profile = Map::new();
        let mut put = |name: &str, values: Vec<&str>| match values.as_slice() {
            [] => {}
            [one] => drop(profile.insert(name.to_owned(), Value::from(*one))),
            all => drop(profile.insert(name.to_owned(), Value::from(all.to_vec()))),
        };
        put("full_name", self.all(DataClass::PersonName));
        put("email", self.all(DataClass::Email));
        put("phone", self.all(DataClass::Phone));
        put("account_id", self.all(DataClass::AccountId));
        put("access_token", self.all(DataClass::Credential));
        put("imei", self.of(DataClass::DeviceId, is_number));
        put("device_id", self.of(DataClass::DeviceId, |value| !is_number(value)));
        put("serial_number", self.all(DataClass::Serial));
        let text = serde_json::to_string_pretty(&Value::from(profile)).unwrap_or_default();
        text + "\n"
    }

    fn notes(&mut self) -> String {
        let mut lines = Vec::new();
        for (label, class) in [
            ("Ask ", DataClass::PersonName),
            ("Write to ", DataClass::Email),
            ("", DataClass::Messages),
            ("Fly: ", DataClass::FlightLog),
            ("Meet at ", DataClass::Location),
        ] {
            lines.extend(self.all(class).iter().map(|value| format!("{label}{value}\n")));
        }
        lines.concat()
    }

    fn networks(&mut self) -> String {
        let addresses = self.of(DataClass::NetworkInfo, is_mac);
        let names = self.of(DataClass::NetworkInfo, |value| !is_mac(value));
        let passwords = self.all(DataClass::Credential);
        let most = names.len().max(addresses.len()).max(passwords.len());
        let cell = |of: &[&str], at: usize| quoted(of.get(at).copied().unwrap_or_default());
        let row =
            |at: usize| format!("{},{},{}\r\n", cell(&names, at), cell(&addresses, at), cell(&passwords, at));
        format!("ssid,bssid,password\r\n{}", (0..most).map(row).collect::<String>())
    }

    /// Places with the names of missions.
    fn points(&mut self) -> Vec<(&'a str, &'a str, &'a str)> {
        let missions = self.all(DataClass::FlightLog);
        let places = self.of(DataClass::Location, |value| halves(value).is_some());
        let point = |(at, place): (usize, &&'a str)| {
            let (lat, lon) = halves(place)?;
            Some((lat, lon, missions.get(at).or(missions.first()).copied().unwrap_or_default()))
        };
        places.iter().enumerate().filter_map(point).collect()
    }

    fn mission(&mut self) -> String {
        let point = |(lat, lon, name): (&str, &str, &str)| {
            format!("  <wpt lat=\"{lat}\" lon=\"{lon}\"><name>{}</name></wpt>\n", escaped(name))
        };
        let points: Vec<String> = self.points().into_iter().map(point).collect();
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <gpx version=\"1.1\" creator=\"planner\" xmlns=\"http://www.topografix.com/GPX/1/1\">\n";
        [head, &points.concat(), "</gpx>\n"].concat()
    }

    fn mission_table(&mut self) -> String {
        let row = |(lat, lon, name): (&str, &str, &str)| format!("{},{lat},{lon}\r\n", quoted(name));
        format!("name,latitude,longitude\r\n{}", self.points().into_iter().map(row).collect::<String>())
    }
}

/// A vCard.
fn card(name: &str, phones: &[&str], mails: &[&str]) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace([',', ';'], " ").replace(['\r', '\n'], " ");
    let (given, family) = name.rsplit_once(' ').unwrap_or(("", name));
    let mut lines = vec![
        "BEGIN:VCARD".to_owned(),
        "VERSION:3.0".to_owned(),
        format!("N:{};{};;;", escaped(family), escaped(given)),
        format!("FN:{}", escaped(name)),
    ];
    lines.extend(phones.iter().map(|phone| format!("TEL;TYPE=CELL:{}", escaped(phone))));
    lines.extend(mails.iter().map(|mail| format!("EMAIL;TYPE=INTERNET:{}", escaped(mail))));
    lines.push("END:VCARD\r\n".to_owned());
    lines.join("\r\n")
}

fn is_number(value: &str) -> bool {
    value.starts_with('+') || value.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_mac(value: &str) -> bool {
    let octets: Vec<&str> = value.split([':', '-']).collect();
    octets.len() == 6 && octets.iter().all(|octet| octet.len() == 2)
}

/// Latitude and longitude as they are written.
fn halves(place: &str) -> Option<(&str, &str)> {
    let (lat, lon) = place.split_once([',', ';', ' '])?;
    let (lat, lon) = (lat.trim(), lon.trim());
    (lat.parse::<f64>().is_ok() && lon.parse::<f64>().is_ok()).then_some((lat, lon))
}

/// A cell of CSV (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A text of XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Random, made};

    #[test]
    fn every_value_stands_in_a_document_and_no_decoy_does() {
        let made = made(&Options { run: None, count: 3, near: None }, &mut Random::seeded(9)).unwrap();
        let set = CanarySet::parse(&made.file(None)).unwrap();
        let documents = documents(&set);
        assert_eq!(documents.len(), Shape::ALL.len());
        for (place, one) in set.values.iter().enumerate() {
            // A place of a map has its two halves apart.
            let written = |text: &str| one.value.split(',').all(|piece| text.contains(piece));
            let held = documents.iter().filter(|document| document.holds.contains(&place)).count();
            assert_eq!(documents.iter().filter(|document| written(&document.text)).count(), held, "{one:?}");
            assert_eq!(held == 0, one.decoy, "{one:?}");
        }
        for document in documents {
            assert_eq!(Shape::of(document.shape.file_name()), Some(document.shape));
        }
    }

    #[test]
    fn what_is_strange_in_a_value_does_not_break_a_document() {
        let text = "[[canary]]\nclass = 'person-name'\nvalue = \"A; B\\nEND:VCARD\"\n[[canary]]\nclass = 'flight-log'\nvalue = '<x>,\"y'\n\
            [[canary]]\nclass = 'location'\nvalue = '24.801868,120.965208'\n";
        let documents = documents(&CanarySet::parse(text).unwrap());
        let of =
            |shape| documents.iter().find(|document| document.shape == shape).map_or("", |found| &found.text);
        // A card cannot hold it as it is: it is not said to.
        assert_eq!(of(Shape::Contacts), "");
        let whole = "A; B\nEND:VCARD";
        assert!(documents.iter().all(|one| !one.holds.contains(&0) || one.text.contains(whole)));
        assert!(of(Shape::Mission).contains("&lt;x&gt;,\"y</name>"));
        assert!(of(Shape::MissionTable).contains("\"<x>,\"\"y\",24.801868,120.965208"));
    }
}
