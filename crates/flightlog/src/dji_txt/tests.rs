//! Round trips: what the encoder writes is read back, in every version.

use base64::{Engine, engine::general_purpose::STANDARD};
use creance_model::{Component, DataClass, FlightState, Gaze, Role, Timestamp, Track};
use proptest::prelude::*;

use super::{sample::*, *};

fn answer() -> String {
    let keys: Vec<String> = (1..=15)
        .map(|feature| {
            let (key, iv) = key(feature);
            let (key, iv) = (STANDARD.encode(key), STANDARD.encode(iv));
            format!(r#"{{"featurePoint":"FR_Standardization_Feature_X_{feature}","aesKey":"{key}","aesIv":"{iv}"}}"#)
        })
        .collect();
    format!("[[{}]]", keys.join(","))
}

fn with_keys() -> Options {
    Options { keychain: Some(Keychain::parse(&answer()).unwrap()), ..Options::default() }
}

fn ms(after_start: i64) -> Timestamp {
    Timestamp::from_nanos((START + after_start) * 1_000_000)
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

fn track<'a>(told: &'a Inspection, field: &str) -> &'a Track {
    told.tracks.iter().find(|track| track.field == field).unwrap()
}

#[test]
fn every_version_says_the_same() {
    for version in 1..=14 {
        let log = log(version);
        assert!((FORMAT.is)(&log[..log.len().min(4096)]), "{version}");
        let told = read(&log, &with_keys());
        assert_eq!(told.damage, [], "{version}");
        let aircraft = track(&told, "OSD");
        let lats: Vec<f64> = aircraft.points.iter().map(|point| point.lat).collect();
        assert!(
            lats.iter().zip([47.5, 47.501, 47.502, 47.503]).all(|(a, b)| near(*a, b)),
            "{version} {lats:?}"
        );
        let times: Vec<_> = aircraft.points.iter().map(|point| point.time).collect();
        assert_eq!(times, [100, 200, 400, 1100].map(|after| Some(ms(after))), "{version}");
        assert_eq!(aircraft.points[0].alt_m, Some(12.5));
        let gazes: Vec<_> = aircraft.points.iter().map(|point| point.gaze).collect();
        let gaze = Gaze::of([-43.6, -30.0, 0.5]);
        assert_eq!(gazes, [None, gaze, gaze, None], "{version}");
        for (field, lat, lon) in [("RCGPS", 47.499, 8.501), ("AppGPS", 47.499, 8.502)] {
            let operator = track(&told, field);
            assert_eq!((operator.role, operator.points.len()), (Role::Operator, 1));
            assert!(near(operator.points[0].lat, lat) && near(operator.points[0].lon, lon), "{version}");
        }
        let phases: Vec<_> = told.phases.iter().map(|phase| (phase.state, phase.from, phase.to)).collect();
        assert_eq!(
            phases,
            [
                (FlightState::Ground, ms(100), ms(200)),
                (FlightState::Flying, ms(200), ms(1100)),
                (FlightState::Ground, ms(1100), ms(1800)),
            ]
        );
        let times: Vec<_> = told.times.iter().map(|dated| (dated.what, dated.time)).collect();
        assert_eq!(
            times,
            [("start", ms(0)), ("take-off", ms(400)), ("taken", ms(400)), ("landing", ms(1100))]
        );
        let hidden: Vec<_> = told.hidden.iter().map(|hidden| (hidden.what, hidden.bytes)).collect();
        assert_eq!(hidden, [("picture", 9), ("thumbnail", 6)], "{version}");
    }
}

#[test]
fn identity_and_places_are_told_in_every_version() {
    for version in 1..=14 {
        let told = read(&log(version), &with_keys());
        let has = |class, of, value: &str, field: &str| {
            let found = told.identifiers.iter().any(|identifier| {
                (identifier.class, identifier.of, identifier.value.as_str(), identifier.field.as_str())
                    == (class, of, value, field)
            });
            assert!(found, "{version} {field}");
        };
        has(DataClass::AccountId, None, "0123456789abcdef", "details:user_api_center_id");
        has(DataClass::Serial, Some(Component::Aircraft), "0AIR56789A", "details:aircraft_sn");
        has(DataClass::Serial, Some(Component::Controller), "0RC", "details:rc_sn");
        has(DataClass::Serial, Some(Component::Camera), "0CAM", "Recover:camera_sn");
        has(DataClass::Serial, Some(Component::Battery), "0BAT", "ComponentSerial");
        let facts: Vec<_> = told.facts.iter().map(|fact| (fact.what, fact.value.as_str())).collect();
        for fact in [
            ("place name", "Old Town"),
            ("place name", "Quay 7"),
            ("marked for upload", "yes"),
            ("aircraft name", "Ada's bird"),
            ("firmware", "camera 1.2.3"),
            ("memory card", "32000 MB, 1000 MB free"),
            ("message", "Home Point Recorded"),
        ] {
            assert!(facts.contains(&fact), "{version} {fact:?}");
        }
        let model = if version < 6 { "Phantom 3 Professional" } else { "Mavic 3" };
        assert_eq!(told.device.model.as_deref(), Some(model));
        let system = if version < 6 { "iOS" } else { "Android" };
        assert_eq!(told.device.software, Some(format!("DJI app 2.3.4 ({system})")));
        let homes: Vec<_> = told.places.iter().map(|spot| (spot.role, spot.field.as_str())).collect();
        assert_eq!(homes, [(Role::Home, "details:latitude"), (Role::Home, "Home")]);
    }
}

#[test]
fn without_keys_the_details_are_told_and_that_the_rest_is_encrypted() {
    let told = read(&log(13), &Options::default());
    assert_eq!(told.damage, []);
    assert!(told.tracks.is_empty());
    assert!(told.facts.iter().any(|fact| fact.value == "15 records; their keys are held by the vendor"));
    assert_eq!(told.phases[0].state, FlightState::Flying);
    assert_eq!((told.phases[0].from, told.phases[0].to), (ms(0), ms(60_000)));
}

#[test]
fn a_wrong_key_is_damage_and_nothing_is_made_up() {
    let wrong = answer().replace(&STANDARD.encode(key(1).0), &STANDARD.encode([9; 32]));
    let options = Options { keychain: Some(Keychain::parse(&wrong).unwrap()), ..Options::default() };
    let told = read(&log(14), &options);
    assert!(told.tracks.iter().all(|track| track.field == "RCGPS"));
    assert!(
        told.damage.iter().any(|flaw| flaw.why == "4 stay encrypted: the key does not fit"),
        "{:?}",
        told.damage
    );
}

#[test]
fn the_request_names_the_app_and_carries_the_wrapped_keys() {
    let request: serde_json::Value = serde_json::from_str(&export_key_request(&log(13)).unwrap()).unwrap();
    let wanted = serde_json::json!({
        "version": 2, "department": 3,
        "keychainsArray": [[{"featurePoint": "FR_Standardization_Feature_Base_1", "aesCiphertext": "AQIDBA=="}]],
    });
    assert_eq!(request, wanted);
    assert!(export_key_request(&log(12)).unwrap_err().contains("without keys"));
}

#[test]
fn a_new_start_within_the_log_takes_the_next_keys() {
    let first = log_of(13, &details(13, 0), &[position(47.0, 8.0, 1, 0)]);
    // A second part, with its keys begun anew.
    let second = log_of(13, &details(13, 0), &[position(47.1, 8.0, 2, 0)]);
    let layout = Layout::of(&second).unwrap();
    let pictures = PICTURE.len() + THUMBNAIL.len();
    let parts = [
        &first[..first.len() - pictures],
        &[50, 1, 0, 0, 0xff],
        &second[layout.records.start..second.len() - pictures],
    ];
    let once = answer();
    let twice = format!("[{0},{0}]", &once[1..once.len() - 1]);
    for (json, points) in [(once, 1), (twice, 2)] {
        let options = Options { keychain: Some(Keychain::parse(&json).unwrap()), ..Options::default() };
        assert_eq!(track(&read(&parts.concat(), &options), "OSD").points.len(), points);
    }
}

#[test]
fn short_and_unknown_records_are_counted() {
    let records = [(1, vec![0; 20]), (1, vec![0; 20]), (99, vec![0; 5]), position(47.0, 8.0, 1, 0)];
    let told = read(&log_of(8, &details(8, 3), &records), &Options::default());
    let whys: Vec<_> = told.damage.iter().map(|flaw| (flaw.what.as_str(), flaw.why.as_str())).collect();
    assert_eq!(
        whys,
        [
            (
                "records of kind 1",
                "2 of them; the first: speeds and angles at offset 18 needs 14 bytes, found 2"
            ),
            ("records of kind 99", "1, of a kind that is not known"),
            ("positions", "1 found, the details count 3"),
        ]
    );
}

#[test]
fn what_has_no_end_is_counted() {
    // Between noise stand records, or it would be one stretch.
    let record = [3, 1, 0, 0xff];
    let stretch = [&[0][..], &record, &record].concat();
    let log = [&[0; 10][..], &[5, 0], &stretch.repeat(MOST_NOISE + 1), &THUMBNAIL.repeat(MOST_PICTURES + 1)]
        .concat();
    let told = read(&log, &Options::default());
    assert_eq!(told.hidden.len(), MOST_PICTURES);
    let counted: Vec<_> =
        told.damage.iter().map(|flaw| flaw.why.as_str()).filter(|why| why.contains("are told")).collect();
    assert_eq!(counted, ["1001 of them, 1000 are told", "101 of them, 100 are told"]);
}

#[test]
fn no_scrubbing_without_a_reason() {
    assert!(scrub(&log(6), &ScrubRequest::default()).unwrap_err().0.contains("leave it out"));
}

/// What may differ where a file was cut: the last positions wait for a time that does not come any more.
fn way(told: &Inspection, field: &str) -> Vec<(f64, f64)> {
    let track = told.tracks.iter().find(|track| track.field == field);
    track.into_iter().flat_map(|track| &track.points).map(|point| (point.lat, point.lon)).collect()
}

#[test]
fn a_cut_file_gives_what_stands_before_the_cut() {
    for version in [6, 8, 12, 13] {
        let log = log(version);
        let options = with_keys();
        let whole = read(&log, &options);
        let mut most = 0;
        for cut in 0..log.len() {
            let told = read(&log[..cut], &options);
            for field in ["OSD", "RCGPS", "AppGPS"] {
                assert!(way(&whole, field).starts_with(&way(&told, field)), "{version} {cut} {field}");
            }
            most = most.max(way(&told, "OSD").len());
        }
        assert_eq!(most, 4);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..900), version in 0_u8..16) {
        let mut bytes = bytes;
        if let Some(byte) = bytes.get_mut(10) {
            *byte = version;
        }
        let _ = (read(&bytes, &with_keys()), export_key_request(&bytes), (FORMAT.is)(&bytes));
    }

    #[test]
    fn no_damage_makes_it_panic_or_invent_much(
        version in 1_u8..15,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut log = log(version);
        for (at, byte) in flips {
            *at.get_mut(&mut log) = byte;
        }
        let told = read(&log, &with_keys());
        prop_assert!(told.tracks.iter().map(|track| track.points.len()).sum::<usize>() <= 100);
        let valid = told.tracks.iter().flat_map(|track| &track.points);
        prop_assert!(valid.into_iter().all(|point| creance_model::is_place(point.lat, point.lon)));
    }
}
