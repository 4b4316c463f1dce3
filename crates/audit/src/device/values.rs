//! Values that stand on a device in fields named for them: accounts, addresses, numbers, identifiers, names, networks, places.
//!
//! A file is taken apart as the body of a message is, and shown to the same detectors. What they find by a field's name
//! and a value's shape is known from then on; what they find by shape alone may be anybody's.
//!
//! Left out: lists of installed apps, whose names stand in all traffic, and the places of a track.

use std::{collections::BTreeMap, net::IpAddr};

use creance_detect::{FoundIn, Known};
use creance_model::{DataClass, Inspection, Match};

use super::document;

/// Values of one class that are looked for.
const MOST_OF_CLASS: usize = 100;

/// Bytes of the longest value that is looked for: each form of it is kept.
const LONGEST_VALUE: usize = 1024;

/// Places of one file, from which on they are a track.
const FEW_PLACES: usize = 8;

/// What is worth knowing.
const CLASSES: &[DataClass] = &[
    DataClass::PersonName,
    DataClass::Email,
    DataClass::Phone,
    DataClass::Credential,
    DataClass::AccountId,
    DataClass::DeviceId,
    DataClass::Serial,
    DataClass::Contacts,
    DataClass::NetworkInfo,
    DataClass::Location,
];

/// The values of a device.
#[derive(Debug, Default)]
pub(super) struct Values {
    known: Vec<Known>,
    counts: BTreeMap<DataClass, usize>,
    beyond: usize,
}

/// The values of one file.
#[derive(Debug, Default)]
pub(super) struct ValuesOfFile {
    known: Vec<Known>,
    beyond: usize,
}

/// Reads the first bytes of a file, which is `whole` or not. `None` if it is no document.
pub(super) fn of_file(name: &str, head: &[u8], whole: bool) -> Option<ValuesOfFile> {
    let kind = document::media_type(name, head)?;
    let mut values = ValuesOfFile::default();
    if !whole && !kind.starts_with("image/") {
        // A document that is cut is not what it says.
        values.beyond += 1;
        return Some(values);
    }
    let (message, sightings) = document::read(head, kind);
    let named = |class| {
        let of_class = move |one: &&creance_detect::Sighting| {
            one.data_class == class && one.matched == Match::Structured
        };
        sightings.iter().filter(of_class)
    };
    for class in CLASSES {
        if *class == DataClass::Location && named(*class).count() > FEW_PLACES {
            continue;
        }
        let mut count = 0;
        for one in named(*class) {
            // An address within a network is that of a thousand others.
            if one.value.parse::<IpAddr>().is_ok() {
                continue;
            }
            if count >= MOST_OF_CLASS || one.value.len() > LONGEST_VALUE {
                values.beyond += 1;
                continue;
            }
            count += 1;
            let field = message.decode_path(one.part).pop().unwrap_or_default();
            let found_in = FoundIn { file: name.to_owned(), field };
            values.known.push(Known { class: *class, value: one.value.clone(), found_in });
        }
    }
    Some(values)
}

/// Letters of the shortest identifier of a picture, film or log that is looked for: shorter ones stand anywhere by chance.
const SHORTEST_IDENTIFIER: usize = 8;

impl ValuesOfFile {
    /// Adds what identifies aircraft, cameras and accounts in a picture, a film or a flight log. Names of people there may be
    /// those of programs, and what only looks like a serial number may be none.
    pub(super) fn with_inspection(mut self, name: &str, inspection: Inspection) -> Self {
        let wanted = [
            DataClass::Serial,
            DataClass::DeviceId,
            DataClass::AccountId,
            DataClass::Email,
            DataClass::Phone,
        ];
        for one in inspection.identifiers {
            let distinct = one.value.len() >= SHORTEST_IDENTIFIER
                && one.value.bytes().any(|byte| byte.is_ascii_digit())
                && !one.value.contains(' ');
            if !distinct || !wanted.contains(&one.class) || one.field.contains(":possible:") {
                continue;
            }
            if self.known.len() >= MOST_OF_CLASS * CLASSES.len() || one.value.len() > LONGEST_VALUE {
                self.beyond += 1;
                continue;
            }
            let found_in = FoundIn { file: name.to_owned(), field: one.field };
            self.known.push(Known { class: one.class, value: one.value, found_in });
        }
        self
    }
}

impl Values {
    /// Adds the values of the next file.
    pub(super) fn add(&mut self, of_file: ValuesOfFile) {
        self.beyond += of_file.beyond;
        for one in of_file.known {
            let count = self.counts.entry(one.class).or_default();
            if self.known.iter().any(|known| known.class == one.class && known.value == one.value) {
                continue;
            }
            if *count >= MOST_OF_CLASS {
                self.beyond += 1;
                continue;
            }
            *count += 1;
            self.known.push(one);
        }
    }

    /// The values, and how many were beyond a bound.
    pub(super) fn done(self) -> (Vec<Known>, usize) {
        (self.known, self.beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str, text: &str) -> Vec<(DataClass, String, String)> {
        let mut values = Values::default();
        values.add(of_file(name, text.as_bytes(), true).unwrap_or_default());
        let shown = |found: FoundIn| format!("{} > {}", found.file, found.field);
        values.done().0.into_iter().map(|one| (one.class, one.value, shown(one.found_in))).collect()
    }

    #[test]
    fn a_profile_says_whose_the_device_is() {
        let profile = r#"{"first_name":"Oskar","last_name":"Lindqvarn","email":"o.l@netzwacht.example","wifi":{"ssid":"olindq-61"}}"#;
        let known =
            |class, value: &str, field: &str| (class, value.to_owned(), format!("p.json > json:/{field}"));
        assert_eq!(
            values("p.json", profile),
            [
                known(DataClass::PersonName, "Oskar Lindqvarn", "first_name"),
                known(DataClass::Email, "o.l@netzwacht.example", "email"),
                known(DataClass::NetworkInfo, "olindq-61", "wifi/ssid"),
            ]
        );
    }

    #[test]
    fn databases_are_read() {
        let mut values = Values::default();
        let database = include_bytes!("../../../wire/src/body/sqlite/sample.db");
        values.add(of_file("databases/app.db", database, true).unwrap());
        let told: Vec<_> = values.done().0.into_iter().map(|one| (one.class, one.found_in.field)).collect();
        assert!(told.contains(&(DataClass::Email, "sqlite:/account/7/e mail".to_owned())), "{told:?}");
        assert!(told.contains(&(DataClass::Serial, "json:/serial".to_owned())), "{told:?}");
    }

    #[test]
    fn what_has_no_field_of_its_own_is_anybodys_and_a_track_is_no_list_of_places() {
        assert!(values("readme.txt", "write to support@skyvendor.example").is_empty());
        let rows = |count: usize| {
            let row = |at: usize| format!("2026-06-11T08:00:{at:02}Z,24.7436{at:02},121.0439{at:02}\n");
            format!("time,latitude,longitude\n{}", (10..10 + count).map(row).collect::<Vec<_>>().concat())
        };
        assert_eq!(values("places.csv", &rows(2)).len(), 2);
        assert!(values("track.csv", &rows(30)).is_empty());
    }

    #[test]
    fn long_values_and_addresses_within_a_network_are_not_looked_for() {
        let long =
            format!(r#"{{"access_token":"{}","ssid":"olindq-61","bssid":"192.168.1.1"}}"#, "a1".repeat(600));
        let mut values = Values::default();
        values.add(of_file("a.json", long.as_bytes(), true).unwrap());
        let (known, beyond) = values.done();
        let known: Vec<&str> = known.iter().map(|one| one.value.as_str()).collect();
        assert_eq!((known, beyond), (vec!["olindq-61"], 1));
    }

    #[test]
    fn values_beyond_the_bound_are_counted() {
        let rows: Vec<String> = (0..MOST_OF_CLASS + 5).map(|at| format!("a{at:03}@b.example,1\n")).collect();
        let mut values = Values::default();
        let text = format!("email,x\n{}", rows.concat());
        values.add(of_file("a.csv", text.as_bytes(), true).unwrap());
        let (known, beyond) = values.done();
        assert_eq!((known.len(), beyond), (MOST_OF_CLASS, 5));
    }

    #[test]
    fn identifiers_of_pictures_and_logs_are_looked_for_where_they_are_distinct() {
        let mut inspection = Inspection::of("mp4");
        for (class, value, field) in [
            (DataClass::Serial, "1TESTAB00C0042", "djmd:1-1-5"),
            (DataClass::Serial, "9TESTAB00C0042", "djmd:possible:4-7"),
            (DataClass::Serial, "42", "exif:BodySerialNumber"),
            (DataClass::DeviceId, "Phone 12 Pro", "exif:HostComputer"),
            (DataClass::PersonName, "Photo Tool 2031", "exif:Artist"),
        ] {
            inspection.identify(class, None, value, field);
        }
        let mut values = Values::default();
        values.add(ValuesOfFile::default().with_inspection("DCIM/A.MP4", inspection));
        let known: Vec<_> = values.done().0.into_iter().map(|one| (one.value, one.found_in.field)).collect();
        assert_eq!(known, [("1TESTAB00C0042".to_owned(), "djmd:1-1-5".to_owned())]);
    }
}
