//! What counts as sensitive, one detector per file.
//!
//! To add a detector: write `src/<name>.rs` and add it to [`ALL`]. `creance explain` prints its card, and its examples
//! and counter-examples are tests at the foot of its file.

mod adapter;
mod canary;
mod contacts;
mod content;
mod credential;
mod device;
mod device_id;
mod email;
mod face;
#[cfg(test)]
mod fixture;
mod flight_log;
mod image;
mod inspected;
mod installed_apps;
mod key;
mod location;
mod mask;
mod messages;
mod person;
mod phone;
mod pictures;
mod record;
mod secrets;
mod serial;
mod severity;
mod sink;
mod size;
mod track;
mod view;

use std::collections::BTreeSet;

use creance_model::{DataClass, Match, Message, Picture, SiteSeen, Timestamp};
use creance_place::{
    sites::Sites,
    zones::{self, Zones},
};

pub use adapter::{Purpose, purpose};
pub use canary::{Canaries, CanaryError, CanaryPicture, CanarySet, CanaryValue, FoundIn, Known};
pub use content::{FileBytes, Pieces, Sample, Sampler};
pub use device::{DeviceFile, DeviceFiles, DevicePicture, DevicePictures, sampler};
pub use mask::{mask, mask_file, mask_host, mask_path, mask_step};
pub use pictures::Pictures;
pub use secrets::Secrets;
pub use severity::{severity, severity_rows};
pub use sink::{Looked, Sink};
pub use track::{Fix, Flight, Path, Role};
pub use view::View;

/// Every detector, the strongest matches first.
pub const ALL: &[&dyn Detector] = &[
    &canary::Canary,
    &device::Device,
    &device::Copies,
    &track::OnTrack,
    &adapter::Adapter,
    &credential::Credential,
    &email::Email,
    &phone::Phone,
    &person::Person,
    &contacts::Contacts,
    &messages::Messages,
    &installed_apps::InstalledApps,
    &location::Location,
    &serial::Serial,
    &device_id::DeviceId,
    &image::Image,
    &flight_log::FlightLog,
    &face::Faces,
    &size::Size,
];

/// What a detector is, for people.
#[derive(Debug)]
pub struct Card {
    /// A short name that never changes.
    pub id: &'static str,
    /// What it looks for.
    pub what: &'static str,
    /// Why its owner would mind.
    pub why: &'static str,
    /// How it could be wrong.
    pub wrong: &'static str,
    /// The classes of data that it reports.
    pub classes: &'static [DataClass],
}

/// What the examiner gave to look for.
#[derive(Debug, Default)]
pub struct Context {
    /// Planted values, and values that were read on the device.
    pub canaries: Canaries,
    /// Files of the examined device.
    pub device: DeviceFiles,
    /// Pictures among them.
    pub device_pictures: DevicePictures,
    /// Pictures that are decoded and looked at.
    pub pictures: Pictures,
    /// Files and values on the device that are beyond a bound: values in them are not looked for.
    pub unknown: usize,
    /// What archives and logs on the device hold that was not read: sentences, and how many more there are.
    pub unopened: Vec<String>,
    /// See `unopened`.
    pub further_unopened: usize,
    /// Where the aircraft, its home and its operator were.
    pub flight: Flight,
    /// Protected places.
    pub sites: Sites,
    /// Zones of airspace.
    pub zones: Zones,
}

/// Something sensitive in a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// The kind of data.
    pub data_class: DataClass,
    /// How it was recognised.
    pub matched: Match,
    /// The detector.
    pub detector: &'static str,
    /// The value in clear; for a canary, as it was planted.
    pub value: String,
    /// The part that holds it, as an index into [`Message::parts`].
    pub part: usize,
    /// Where in the part's bytes.
    pub range: Option<[u64; 2]>,
    /// How the value itself was written, beyond the steps to the part.
    pub encoding: Vec<String>,
    /// The device file it is, if it is one.
    pub file: Option<String>,
    /// How much of that file.
    pub pieces: Option<Pieces>,
    /// Where on the device the value was read, if it was.
    pub found_in: Option<FoundIn>,
    /// What else says so, in words that tell nothing of the value.
    pub basis: Option<String>,
    /// When the aircraft was there, of a place where it was before this was sent.
    pub since: Option<Timestamp>,
    /// Whether it is a value that was made up and planted nowhere: it says something of the examination, nothing of the
    /// device.
    pub decoy: bool,
    /// Protected places that it concerns, by their names in the register.
    pub sites: Vec<String>,
    /// Zones of airspace that the place lies in, or may lie in, by their identifiers.
    pub zones: Vec<String>,
    /// Of a picture: how fine it is.
    pub picture: Option<Picture>,
}

impl Sighting {
    /// The whole of a part.
    fn whole(
        data_class: DataClass,
        matched: Match,
        detector: &'static str,
        part: usize,
        value: impl Into<String>,
    ) -> Self {
        Self {
            data_class,
            matched,
            detector,
            value: value.into(),
            part,
            range: None,
            encoding: Vec::new(),
            file: None,
            pieces: None,
            found_in: None,
            basis: None,
            since: None,
            decoy: false,
            sites: Vec::new(),
            zones: Vec::new(),
            picture: None,
        }
    }

    /// The same, of what shows these places or was at them.
    fn at(self, seen: &[SiteSeen]) -> Self {
        let names: BTreeSet<&str> = seen.iter().map(|site| site.name.as_str()).collect();
        Self { sites: names.into_iter().map(str::to_owned).collect(), ..self }
    }

    /// Whether it is a value that was planted, or read on the device, or surely a file of it.
    fn is_known(&self) -> bool {
        let file = self.pieces.as_ref().is_some_and(Pieces::is_enough);
        self.matched == Match::Canary || self.found_in.is_some() || file
    }
}

/// Looks at a message and reports what should not have left.
pub trait Detector: Sync {
    /// What it is, for people.
    fn card(&self) -> &'static Card;

    /// Tells the sink what it sees, and the limits that it reaches.
    fn look(&self, message: &View<'_>, context: &Context, sink: &mut Sink<'_>);
}

/// Candidates in one message that a detector looks at; that there were more is told as a limit reached.
const MOST: usize = 10_000;

/// Shows a message to every detector. A value is told once per message and class, by its strongest match.
///
/// A place that is a planted one becomes that canary, however it was written, and a value that stands on the device becomes
/// that. Both also silence weaker
/// sightings of their class that overlap them, and of the same value under another class; other values beside are told.
pub fn look(message: &Message, context: &Context) -> Looked {
    let shortest = context.canaries.shortest().min(context.flight.shortest());
    look_at(&View::new(message, shortest), context)
}

fn look_at(view: &View<'_>, context: &Context) -> Looked {
    let mut sink = Sink::new(context, view.time());
    for detector in ALL {
        detector.look(view, context, &mut sink);
    }
    let mut looked = sink.done();
    if !(context.sites.is_empty() && context.zones.is_empty()) {
        looked.sightings.iter_mut().for_each(|sighting| around(sighting, view.time(), context));
    }
    looked
}

/// The place that a value is: latitude and longitude in degrees; all detectors write it as two numbers.
pub fn place_of(class: DataClass, value: &str) -> Option<(f64, f64)> {
    let (lat, lon) = value.split_once(',').filter(|_| class == DataClass::Location)?;
    let place = (lat.trim().parse().ok()?, lon.trim().parse().ok()?);
    Some(place).filter(|(lat, lon)| creance_model::is_place(*lat, *lon))
}

/// Adds the protected places near a place, and the zones around it. When it was there and how high is not known: zones that
/// only hold at times or heights may hold.
fn around(sighting: &mut Sighting, sent: Timestamp, context: &Context) {
    let Some((lat, lon)) = place_of(sighting.data_class, &sighting.value) else { return };
    for (site, _) in context.sites.near(lat, lon) {
        if !sighting.sites.contains(&site.name) {
            sighting.sites.push(site.name.clone());
        }
    }
    let time = Some(sighting.since.unwrap_or(sent));
    let place = zones::Place { lat, lon, time, height: None, accuracy_m: zones::ACCURACY_M };
    let met = context.zones.check(&place);
    sighting.zones = met.into_iter().take(MOST_ZONES).map(|verdict| verdict.zone.id.clone()).collect();
}

/// Zones of one place that are told.
const MOST_ZONES: usize = 100;

/// Letters and digits alone, in lower case; the value itself if it has none.
fn plain(value: &str) -> String {
    let plain: String = value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if plain.is_empty() { value.to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use creance_model::Carrier;

    use super::*;
    use crate::fixture::{body, canaries, fields, parts, told};
    use proptest::prelude::*;
    use std::{collections::HashSet, fmt::Write, time::Instant};

    /// A text that repeats a pattern with numbers in place of its `#`.
    fn many(pattern: &str, count: usize) -> String {
        (0..count).fold(String::new(), |mut text, number| {
            let _ = write!(text, "{}", pattern.replace('#', &number.to_string()));
            text
        })
    }

    #[test]
    fn a_body_of_thousands_of_addresses_is_answered_up_to_the_limit_and_the_limit_is_told() {
        let text = many("u#@a.example ", 20_000);
        let looked = look(&body(text.as_bytes()), &Context::default());
        assert_eq!(looked.sightings.len(), MOST);
        assert!(looked.limits.contains("e-mail addresses in one message"), "{:?}", looked.limits);
    }

    #[test]
    fn no_limit_is_reached_in_silence() {
        for (pattern, limit) in [
            ("a#@b.example ", "e-mail addresses in one message"),
            ("+999 1234567 # ", "telephone numbers in one message"),
            ("http://a:b#@c/ ", "URLs with passwords in one message"),
            ("1581F5BKD225D00BP891 # ", "serial numbers in one message"),
        ] {
            let text = many(pattern, MOST + 1);
            let limits = look(&body(text.as_bytes()), &Context::default()).limits;
            assert!(limits.contains(limit), "{pattern}: {limits:?}");
        }
        let two = fields(&[("a", &many("a#@b.example ", 6000)), ("c", &many("http://a:b#@c/ ", 6000))]);
        assert_eq!(Vec::from_iter(look(&two, &Context::default()).limits), ["sightings in one message"]);
    }

    #[test]
    fn padding_does_not_use_up_a_limit() {
        for (pad, value) in [
            ("@ a@a @.", "o.lindqvarn@netzwacht.example"),
            ("+1 ", "+49 30 901820"),
            ("http://a.example/ x://y ", "http://a:s3cret@b.example/"),
            ("word ", "1581F5BKD225D00BP891"),
        ] {
            let text = format!("{} {value}", pad.repeat(MOST + 1));
            let looked = look(&body(text.as_bytes()), &Context::default());
            assert!(!looked.sightings.is_empty() && looked.limits.is_empty(), "{pad}: {looked:?}");
        }
    }

    #[test]
    fn time_grows_with_the_fields_of_a_message_and_not_with_their_square() {
        let context = canaries(&[("location", "24.801868,120.965208")]);
        let uuid = "2c9f5106-55ed-4ac9-b0f3-8ace35b2a71d";
        let time = |field: (&str, &str), count: usize| {
            let message = fields(&vec![field; count]);
            let once = || {
                let start = Instant::now();
                look(&message, &context);
                start.elapsed().as_secs_f64()
            };
            (0..3).map(|_| once()).fold(f64::INFINITY, f64::min)
        };
        for field in [("x", "24.801868"), ("uuid", uuid), ("lat", "24.801868"), ("point", "24.801868")] {
            // Twenty times as many: a square would be four hundred; on a busy machine what does not fit a cache takes a hundred.
            let (few, many) = (time(field, 5_000), time(field, 100_000));
            assert!(many < 200.0 * few, "{field:?}: {few} s, {many} s");
        }
    }

    #[test]
    fn time_grows_with_the_addresses_of_a_text_and_not_with_their_square() {
        let context = canaries(&[]);
        let text = format!("{}{}", "x ".repeat(500_000), "<a@b.example> ".repeat(100_000));
        let start = Instant::now();
        look(&fields(&[("note", &text)]), &context);
        assert!(start.elapsed().as_secs() < 10);
    }

    #[test]
    fn the_strongest_match_of_a_value_stands() {
        let message = fields(&[("note", "ask a.b@c.example please"), ("email", "a.b@c.example")]);
        let told = told(&message);
        assert_eq!(told, [(DataClass::Email, Match::Structured, "a.b@c.example".to_owned())]);
    }

    #[test]
    fn a_canary_does_not_hide_its_neighbours() {
        let context = canaries(&[("email", "ada@skylark.example")]);
        let message = body(b"ada@skylark.example, bob@skylark.example");
        let told: Vec<_> =
            look(&message, &context).sightings.into_iter().map(|one| (one.matched, one.value)).collect();
        let expected = [(Match::Canary, "ada@skylark.example"), (Match::Pattern, "bob@skylark.example")];
        assert_eq!(told, expected.map(|(matched, value)| (matched, value.to_owned())));
    }

    #[test]
    fn the_path_of_a_target_is_read_beside_its_query() {
        let uri = "/v1/aircraft/1581F5BKD225D00BP891/state?x=1";
        let message = parts(&[
            (Carrier::Uri, None, "uri", None, uri.as_bytes()),
            (Carrier::Uri, Some(0), "query:x", Some("x"), b"1"),
        ]);
        assert_eq!(told(&message), [(DataClass::Serial, Match::Pattern, "1581F5BKD225D00BP891".to_owned())]);
    }

    #[test]
    fn every_detector_says_what_it_reports() {
        let ids: HashSet<&str> = ALL.iter().map(|detector| detector.card().id).collect();
        assert_eq!(ids.len(), ALL.len());
        assert!(
            ALL.iter().all(|detector| !detector.card().classes.is_empty() || detector.card().id == "canary")
        );
    }

    static PLANTED: std::sync::LazyLock<Context> = std::sync::LazyLock::new(|| {
        canaries(&[("phone", "+886900779195"), ("location", "24.801868,120.965208")])
    });

    static FLOWN: std::sync::LazyLock<Context> = std::sync::LazyLock::new(|| {
        let fixes = vec![Fix { time: Timestamp::default(), lat: 24.801_868, lon: 120.965_208 }];
        Context { flight: Flight::new([Path { role: Role::Aircraft, fixes }]), ..Context::default() }
    });

    /// Values as detectors look for them, the shortest among them, and what is none.
    fn value() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            "[ -~é+@.:/0-9]{0,40}".prop_map(String::into_bytes),
            "[0-9]{5,16}".prop_map(String::into_bytes),
            "\\+?[0-9 ()-]{6,16}".prop_map(String::into_bytes),
            prop::sample::select(&["120.965208", "248018680", "1209652080", "24.801868,120.965208"][..])
                .prop_map(|text| text.as_bytes().to_vec()),
            "-?[0-9]{1,3}\\.[0-9]{2,8}(,-?[0-9]{1,3}\\.[0-9]{2,8})?".prop_map(String::into_bytes),
            "[a-z]{1,3}@[a-z]{1,3}\\.[a-z]{2}".prop_map(String::into_bytes),
            "[A-Z0-9]{12,20}".prop_map(String::into_bytes),
            "(LTAI|AKIA|AKID)[A-Za-z0-9]{12,17}".prop_map(String::into_bytes),
            "https?://[a-z]{1,4}:[a-z]{1,4}@[a-z.]{1,6}".prop_map(String::into_bytes),
            prop::sample::select(
                &[
                    "1581F5BKD225D00BP891",
                    "eyJhbGciOiJub25lIn0.e30.",
                    "356938035643809",
                    "+886900779195",
                    "24.801868",
                    "2c9f5106-55ed-4ac9-b0f3-8ace35b2a71d",
                    "0e:51:a1:00:00:10",
                    "Point",
                    "hunter2",
                ][..]
            )
            .prop_map(|text| text.as_bytes().to_vec()),
            prop::collection::vec(any::<u8>(), 0..20),
        ]
    }

    const NAMES: &str = "(lat|lng|lon|longitude|coords|location|type|email|mail|tel|phone|mobile|sn|serial|imei|mac|ssid|bssid\
        |uuid|authorization|password|token|secret|access_key_id|home_lat|x|[a-z_]{0,6})";

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Parts are passed over by what was noted of them: that must be right.
        #[test]
        fn nothing_is_missed_by_what_is_passed_over(
            shape in prop::collection::vec(
                (any::<prop::sample::Index>(), prop::option::of(NAMES), value()), 1..7,
            ),
        ) {
            let list: Vec<_> = shape.iter().enumerate().map(|(index, (parent, name, bytes))| {
                let parent = (index > 0).then(|| parent.index(index));
                (Carrier::Body, parent, "json:/0", name.as_deref(), bytes.as_slice())
            }).collect();
            let message = parts(&list);
            for context in [&Context::default(), &*PLANTED, &*FLOWN] {
                let all = look_at(&View::of_all(&message), context);
                prop_assert_eq!(look(&message, context).sightings, all.sightings);
            }
        }
    }

    proptest! {
        #[test]
        fn any_message_is_answered_with_sightings_that_lie_in_it(
            shape in prop::collection::vec(
                (any::<prop::sample::Index>(), prop::option::of("(lat|lon|coords|email|tel|sn|imei|authorization|password|[a-z]{0,4})"),
                    prop_oneof![prop::collection::vec(any::<u8>(), 0..80), "[ -~é+@.:/0-9]{0,60}".prop_map(String::into_bytes)]),
                0..8,
            ),
        ) {
            let list: Vec<_> = shape.iter().enumerate().map(|(index, (parent, name, bytes))| {
                let parent = (index > 0).then(|| parent.index(index));
                (Carrier::Body, parent, "json:/0", name.as_deref(), bytes.as_slice())
            }).collect();
            let message = parts(&list);
            for one in look(&message, &PLANTED).sightings {
                let part = message.parts.get(one.part).unwrap();
                let [start, end] = one.range.unwrap_or_default();
                prop_assert!(start <= end && end <= part.length() as u64);
                let _ = mask(one.data_class, &one.value);
            }
        }
    }
}
