//! Tests of places on the track, in every way of writing them.

#![expect(clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

use std::{fmt::Write, sync::LazyLock};

use creance_model::Message;
use creance_place::grid;
use proptest::prelude::*;

use super::*;
use crate::fixture::{body, fields, parts};

/// Where the aircraft was in the second 1030, its home, its operator.
const PLACE: (f64, f64) = (24.747_7, 121.042);
const HOME: (f64, f64) = (24.746, 121.041);
const OPERATOR: (f64, f64) = (24.743, 121.039);

/// A circle of 300 m, a fix each second from the second 1000 on.
static FLOWN: LazyLock<Context> = LazyLock::new(|| {
    let fixes = (0..120_u32).map(|second| {
        let angle = f64::from(second) * std::f64::consts::TAU / 120.0;
        let (north, east) = angle.sin_cos();
        let time = Timestamp::from_secs(1000 + i64::from(second));
        Fix { time, lat: 24.745 + 0.0027 * north, lon: 121.042 + 0.003 * east }
    });
    let still = |(lat, lon): (f64, f64)| vec![Fix { time: Timestamp::from_secs(1000), lat, lon }];
    let flight = Flight::new([
        Path { role: Role::Aircraft, fixes: fixes.collect() },
        Path { role: Role::Home, fixes: still(HOME) },
        Path { role: Role::Operator, fixes: still(OPERATOR) },
    ]);
    Context { flight, ..Context::default() }
});

/// What the track proves of a message that was sent in the second 1030: place, encoding, and why.
fn proved(mut message: Message) -> Vec<(String, String, String)> {
    message.time = Timestamp::from_secs(1030);
    let told = crate::look(&message, &FLOWN).sightings;
    let proved = told.into_iter().filter(|one| one.matched == Match::Track);
    proved.map(|one| (one.value, one.encoding.join(" "), one.basis.unwrap_or_default())).collect()
}

/// Whether a place is within so many metres of where it should be.
fn is_near(value: &str, place: (f64, f64), metres: f64) -> bool {
    let (lat, lon) = value.split_once(',').unwrap();
    apart((lat.parse().unwrap(), lon.parse().unwrap()), place) <= metres
}

#[test]
fn places_in_texts_are_found_in_every_way_of_writing() {
    let (lat, lon) = PLACE;
    let cell = grid::s2::encode(lat, lon);
    let level_17 = cell & !0xff_ffff | 0x200_0000;
    let hexagon = grid::h3::encode(lat, lon, 10).unwrap();
    let utm = grid::utm::encode(lat, lon);
    let square = grid::mgrs::square(lat, lon).unwrap();
    let (east, north) = (utm.easting % 1e5, utm.northing % 1e5);
    let radius = 6_378_137.0;
    let mercator = (lat.to_radians().tan().asinh() * radius, lon.to_radians() * radius);
    let table = [
        ("at 24.74770,121.04200 now".to_owned(), "", 1.0),
        ("121.0420;24.7477".to_owned(), "", 1.0),
        ("POINT(121.04200 24.74770)".to_owned(), "", 1.0),
        ("N24.7477 E121.0420".to_owned(), "", 1.0),
        ("[latitude: 24.74770] [longitude: 121.04200]".to_owned(), "", 1.0),
        ("24.747,121.042".to_owned(), "", 90.0),
        ("p=247477000,1210420000".to_owned(), "1e7", 1.0),
        ("1210420000 247477000".to_owned(), "1e7", 1.0),
        ("24747700|121042000".to_owned(), "1e6", 1.0),
        ("2474770 12104200".to_owned(), "1e5", 1.0),
        ("0.4319288 2.1125814".to_owned(), "radians", 3.0),
        ("4319288,21125814".to_owned(), "radians-1e7", 3.0),
        ("14848620,72625200".to_owned(), "600000", 1.0),
        ("$GPGGA,080225,2444.8620,N,12102.5200,E,1,08".to_owned(), "nmea", 1.0),
        ("+244451.72+1210231.20/".to_owned(), "ddmmss", 3.0),
        (format!("{:.1}, {:.1}", mercator.0, mercator.1), "web-mercator", 1.0),
        ("24°44'51.7\"N 121°02'31.2\"E".to_owned(), "dms", 3.0),
        ("24° 44′ 51.7″ N, 121° 2′ 31.2″ E".to_owned(), "dms", 3.0),
        ("24:44:51.7 121:02:31.2".to_owned(), "dms", 3.0),
        ("24 44 51.7, 121 2 31.2".to_owned(), "dms", 3.0),
        ("24°44.8620' 121°2.5200'".to_owned(), "dm", 3.0),
        ("24d44.8620m, 121d02.5200m".to_owned(), "dm", 3.0),
        (grid::geohash::encode(lat, lon, 8).unwrap(), "geohash", 30.0),
        (grid::geohash::encode(lat, lon, 5).unwrap(), "geohash", 3500.0),
        (format!("cell {} ok", grid::geohash::encode(lat, lon, 7).unwrap().to_uppercase()), "geohash", 110.0),
        (format!("see {}.", grid::plus_code::encode(lat, lon)), "plus-code", 12.0),
        (format!("{level_17:x}").trim_end_matches('0').to_owned(), "s2-cell", 120.0),
        (format!("s2={level_17}"), "s2-cell", 120.0),
        (format!("s2={cell}"), "s2-cell", 1.0),
        (format!("{hexagon:x}"), "h3-cell", 90.0),
        (format!("h3:{hexagon}"), "h3-cell", 90.0),
        (format!("{square}{east:05.0}{north:05.0}"), "mgrs", 2.0),
        (format!("51R {} {east:05.0} {north:05.0}", &square[3..]), "mgrs", 2.0),
        (format!("51R {:.0}mE {:.0}mN", utm.easting, utm.northing), "utm", 2.0),
        (grid::tile::to_quadkey(lat, lon, 17), "quadkey", 220.0),
    ];
    for (text, encoding, metres) in table {
        let told = proved(fields(&[("note", &text)]));
        assert_eq!(told.len(), 1, "{text}: {told:?}");
        assert_eq!(told[0].1, encoding, "{text}");
        assert!(is_near(&told[0].0, PLACE, metres), "{text}: {told:?}");
        assert!(told[0].2.contains("the aircraft was at that time"), "{text}: {told:?}");
    }
}

#[test]
fn other_places_and_other_numbers_are_not_of_the_track() {
    for text in [
        "24.7577,121.042",
        "24.7477,121.052",
        "24.7450,121.0420",
        "-24.7477,121.042",
        "24.7477",
        "24.7477 and then, very much later than anybody would say of a pair of numbers, 121.042",
        "1.24.7477,121.042",
        "a247477000,1210420000",
        "2474770 is the number, and another is 12104200",
        "24:44:51.7",
        "2026-24-44 121:02:31",
        "where there when",
        "tile 24/744/121",
        "0123012301230123",
        "51RUH1234512345",
        "7QP3P2WV+75",
        "24°44'51.7\"S 121°02'31.2\"E",
        "app=24.7477&fw=98.7654&sdk=33.8688",
    ] {
        assert!(
            proved(fields(&[("note", text)])).is_empty(),
            "{text}: {:?}",
            proved(fields(&[("note", text)]))
        );
    }
}

#[test]
fn numbers_in_fields_need_no_names() {
    for (list, encoding) in [
        ([("a", "24.7477"), ("b", "121.042")], ""),
        ([("x", "1210420000"), ("y", "247477000")], "1e7"),
        ([("p", "0.431928847"), ("q", "2.112581433")], "radians"),
        ([("lat", "24.7477"), ("lon", "121.042")], ""),
    ] {
        let told = proved(fields(&list));
        assert_eq!(told.len(), 1, "{list:?}: {told:?}");
        assert_eq!(told[0].1, encoding, "{list:?}");
        assert!(is_near(&told[0].0, PLACE, 1.0), "{told:?}");
    }
    assert!(proved(fields(&[("a", "24.7477"), ("b", "121.052")])).is_empty());
    assert!(proved(fields(&[("a", "24.7477"), ("center", "121.042")])).is_empty());
}

#[test]
fn numbers_far_from_each_other_are_no_pair() {
    let mut list = vec![("a", "24.7477")];
    list.extend(vec![("x", "1"); 40]);
    list.push(("b", "121.042"));
    assert!(proved(fields(&list)).is_empty());
}

#[test]
fn whose_place_it_is_and_when_is_told() {
    let told = |place: (f64, f64)| {
        let text = format!("{:.6},{:.6}", place.0, place.1);
        proved(fields(&[("note", &text)])).first().map(|one| one.2.clone())
    };
    assert_eq!(told(HOME).as_deref(), Some("where its home point is"));
    assert_eq!(told(OPERATOR).as_deref(), Some("where its operator was at that time"));
    assert_eq!(told((24.742_3, 121.042)).as_deref(), Some("where the aircraft came 59 s later"));
    assert_eq!(
        told((PLACE.0 + 0.0001, PLACE.1)).as_deref(),
        Some("11 m from where the aircraft was at that time")
    );
}

#[test]
fn shifted_datums_are_told_and_undone() {
    for datum in [Datum::Gcj02, Datum::Bd09] {
        let (lat, lon) = datum.from_wgs84(PLACE);
        let text = format!("{lat:.6},{lon:.6}");
        for message in [
            fields(&[("note", &text)]),
            fields(&[("lat", &format!("{lat:.6}")), ("lon", &format!("{lon:.6}"))]),
        ] {
            let told = proved(message);
            assert_eq!(told.len(), 1, "{told:?}");
            assert_eq!(told[0].1, datum.name());
            assert!(is_near(&told[0].0, PLACE, 1.0), "{told:?}");
        }
        // Of another time it takes two.
        let other = |north: f64| {
            datum.from_wgs84((24.745 + 0.0027 * north, 121.042 - 0.003 * (1.0 - north * north).sqrt()))
        };
        let (one, two) = (other(-0.5), other(-0.9));
        let text = format!("{:.6},{:.6}", one.0, one.1);
        assert!(proved(fields(&[("note", &text)])).is_empty());
        let text = format!("{text} {:.6},{:.6}", two.0, two.1);
        assert_eq!(proved(fields(&[("note", &text)])).len(), 2);
    }
}

#[test]
fn wide_text_is_read() {
    let text = "{\"lat\":24.7477,\"lon\":121.0420}";
    for (encoding, bytes) in [
        ("utf-16le", text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        ("utf-16be", text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ] {
        let message = body(&bytes);
        let told = proved(message);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].1, encoding);
    }
}

#[test]
fn tiles_of_a_map_say_where_one_looks_from_level_14_on() {
    let tile = |z: u32, lat: f64| {
        let (x, y) = grid::tile::of(lat, PLACE.1, z);
        let path = format!("/osm/{z}/{x}/{y}.png");
        proved(parts(&[(Carrier::Uri, None, "uri", None, path.as_bytes())]))
    };
    assert_eq!(tile(16, PLACE.0)[0].1, "tile-zxy");
    assert!(tile(13, PLACE.0).is_empty() && tile(16, PLACE.0 + 0.1).is_empty());
    let (x, y) = grid::tile::of(PLACE.0, PLACE.1, 16);
    let (x, y) = (x.to_string(), y.to_string());
    let query = |z: &[u8]| {
        proved(parts(&[
            (Carrier::Uri, None, "uri", None, b"/t?z=16"),
            (Carrier::Uri, Some(0), "query:z", Some("z"), z),
            (Carrier::Uri, Some(0), "query:x", Some("x"), x.as_bytes()),
            (Carrier::Uri, Some(0), "query:y", Some("y"), y.as_bytes()),
        ]))
    };
    assert_eq!(query(b"16")[0].1, "tile-zxy");
    assert!(query(b"17").is_empty());
}

#[test]
fn a_log_of_a_flight_is_told_once_and_counted() {
    let fixes = (0..100).fold(String::from("time,lat,lon\n"), |mut text, second| {
        let (north, east) = (f64::from(second) * std::f64::consts::TAU / 120.0).sin_cos();
        let _ =
            writeln!(text, "{},{:.7},{:.7}", 1000 + second, 24.745 + 0.0027 * north, 121.042 + 0.003 * east);
        text
    });
    let told = proved(body(fixes.as_bytes()));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].2.ends_with("; 99 more places of the flight in the same text"), "{told:?}");
}

#[test]
fn without_a_flight_nothing_is_looked_for() {
    let looked = crate::look(&fields(&[("note", "24.7477,121.0420 wsqhf2uf4")]), &Context::default());
    assert!(looked.sightings.iter().all(|one| one.matched != Match::Track));
}

/// Texts of numbers, words and codes such as logs and documents are full of, none of them of the flight.
fn filler(seed: u32, lines: u32) -> String {
    let mut state = u64::from(seed) << 32 | 0x9e37_79b9;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    (0..lines).fold(String::new(), |mut text, _| {
        let (one, two, three) = (next(), next(), next());
        let _ = writeln!(
            text,
            "{}.{:05},{}.{:05} {} {} 0.{:06} {:x}{:x} {}:{:02}:{:02}.{} {}",
            one % 90,
            two % 100_000,
            two % 180,
            three % 100_000,
            one % 2_000_000_000,
            two % 2_000_000_000,
            three % 1_000_000,
            one,
            two,
            one % 90,
            two % 60,
            three % 60,
            one % 10,
            three % 10_000_000,
        );
        text
    })
}

#[test]
fn texts_of_random_numbers_show_no_place_more_often_than_is_stated() {
    let lines = 200_000;
    let text = filler(1, lines);
    let told = proved(body(text.as_bytes())).len();
    println!("{told} places in {lines} lines of random numbers");
    // Some ten pairs of numbers to a line, of which one in 10^7 is a place by what is stated: a fifth of one.
    assert!(told <= 2, "{told}");
}

proptest! {
    #[test]
    fn a_place_of_the_track_is_found_wherever_it_stands(second in 0..100_u32, before in "[a-z ,]{0,300}", after in "[a-z ,]{0,300}") {
        let (north, east) = (f64::from(second) * std::f64::consts::TAU / 120.0).sin_cos();
        let text = format!("{before} {:.5},{:.5} {after}", 24.745 + 0.0027 * north, 121.042 + 0.003 * east);
        prop_assert_eq!(proved(body(text.as_bytes())).len(), 1);
    }

    #[test]
    fn any_text_is_answered_with_ranges_within_it(
        pieces in prop::collection::vec(prop_oneof!["\\PC{0,20}", Just("24.7477,121.0420".to_owned()), Just("24°44'51.7\" 121°2".to_owned()), Just("wsqhf2uf4é".to_owned())], 0..12),
    ) {
        let text = pieces.concat();
        for one in crate::look(&body(text.as_bytes()), &FLOWN).sightings {
            let [start, end] = one.range.unwrap_or_default();
            prop_assert!(start <= end && end <= text.len() as u64);
        }
    }
}
