//! Captions of all dialects, made here: read, and scrubbed.

use super::*;
use proptest::prelude::*;

const NAMED: &str = "1\n00:00:00,000 --> 00:00:00,033\n<font size=\"28\">FrameCnt: 1\n2031-08-07 13:40:40.774\n[iso: 100] [latitude: 47.123456] [longitude: 8.654321] [rel_alt: 1.500 abs_alt: 420.250] [gb_yaw: -12.0 gb_pitch: -45.0 gb_roll: 0.0]</font>\n\n2\n00:00:00,033 --> 00:00:00,066\nno place\n";

fn told(text: &str) -> Inspection {
    assert!(is(text.as_bytes()), "{text}");
    inspect(text.as_bytes(), &Options::default())
}

#[test]
fn names_say_what_is_what() {
    let inspection = told(NAMED);
    let track = &inspection.tracks[0];
    assert_eq!(track.alt_reference, Some(AltReference::Amsl));
    let time = Timestamp::parse("2031-08-07T13:40:40.774Z");
    let point = TrackPoint::new(time, 47.123_456, 8.654_321, Some(420.25)).at_height(Some(1.5));
    assert_eq!(track.points, [TrackPoint { gaze: Gaze::of([-12.0, -45.0, 0.0]), ..point }]);
    assert_eq!(captions(NAMED).without, 1);
    assert!(inspection.facts[0].value.contains("pitch -45"));
}

#[test]
fn misspelt_names_and_colons_with_blanks_are_read() {
    let inspection =
        told("1\n2031.08.05 14:11:51,393,525\n[latitude : -20.5] [longtitude : 149.5] [iso : 100]\n");
    assert_eq!((inspection.tracks[0].points[0].lat, inspection.tracks[0].points[0].lon), (-20.5, 149.5));
    assert_eq!(inspection.times[0].time, Timestamp::parse("2031-08-05T14:11:51.393Z").unwrap());
}

#[test]
fn the_order_is_found_by_values_then_by_dialect_and_never_guessed() {
    let cue = |body: &str| format!("1\n00:00:01,000 --> 00:00:02,000\n{body}\n");
    let first = |body: &str| {
        let inspection = told(&cue(body));
        inspection.tracks.first().map(|track| (track.points[0].lat, track.points[0].lon))
    };
    assert_eq!(first("GPS(149.5,-20.5,16) BAROMETER:1.9"), Some((-20.5, 149.5)));
    assert_eq!(first("GPS(-20.5,149.5,16) BAROMETER:1.9"), Some((-20.5, 149.5)));
    assert_eq!(first("GPS(36.5,-6.5,0.0M) BAROMETER:0.3M"), Some((36.5, -6.5)));
    assert_eq!(first("GPS(36.5,-6.5,69.8) BAROMETER(91.2) HOME(36.5,-6.5)"), Some((36.5, -6.5)));
    assert_eq!(
        first("HOME(-58.5,-34.5) 2031.7.3 10:15:03\nGPS(-58.25,-34.25,19) BAROMETER:20.1"),
        Some((-34.25, -58.25))
    );
    assert_eq!(
        first("F/3.2, SS 160, ISO 100, EV 0, GPS (8.25, 47.5, 18), D 9.21m, H 45.60m, H.S 0.20m/s"),
        Some((47.5, 8.25))
    );
    // 0.01° to the south and 0.02° to the west of home; in the other order it would be 2,309 m.
    let far = |d: &str| {
        format!("F/5.6, SS 400, GPS (-58.77, -34.26, 15), HOME (-58.75, -34.25, -57.98m), D {d}m, H 85.80m")
    };
    assert_eq!(first(&far("2148.2")), Some((-34.26, -58.77)));
    assert_eq!(first(&far("2309.0")), Some((-58.77, -34.26)));
    let undecided = told(&cue("GPS(36.5,-6.5,12) BAROMETER:0.3"));
    assert!(undecided.tracks.is_empty() && undecided.damage[0].what.contains("1 places"));
    assert!(undecided.facts[0].value.contains("36.5, -6.5"));
}

#[test]
fn where_the_camera_looked_is_told_of_each_point_and_how_wide_if_no_zoom_hides_it() {
    let point = |rest: &str| {
        let line = format!("[latitude: 47.5] [longitude: 8.5] [rel_alt: 60.500 abs_alt: 412.0] {rest}");
        captions(&line).points[0]
    };
    let gimbal = "[gb_yaw: -162.8 gb_pitch: -30.5 gb_roll: 0.1]";
    let gaze = Gaze::of([-162.8, -30.5, 0.1]);
    assert_eq!((point(gimbal).gaze, point(gimbal).height_m), (gaze, Some(60.5)));
    let width = |rest: &str| point(&format!("{rest} {gimbal}")).gaze.and_then(|gaze| gaze.field_of_view);
    for lens in ["[focal_len: 24.00]", "[focal_len : 240]", "[focal_len: 24.00] [dzoom_ratio: 1.00]"] {
        assert!((width(lens).unwrap() - 73.74).abs() < 0.01, "{lens}");
    }
    assert!(width("[focal_len : 240] [dzoom_ratio: 10000, delta:0]").is_some());
    for lens in ["[focal_len: 24.00] [dzoom_ratio: 2.00]", "[focal_len: 0.00]", "[zoom: 1]"] {
        assert_eq!(width(lens), None, "{lens}");
    }
    assert_eq!(point("[focal_len: 24.00]").gaze, None, "whither is not said");
}

#[test]
fn a_count_of_satellites_is_no_height() {
    let height = |line: &str| pairs(line).next().map(|pair| pair.height(line));
    let above = |metres| Some((Some(metres), Some(AltReference::TakeOff)));
    assert_eq!(height("GPS(149.5,-20.5,16) BAROMETER:34.6"), above(34.6));
    assert_eq!(height("GPS(149.5,-20.5,16) Hb:5.8 Hs:5.8"), above(5.8));
    assert_eq!(height("GPS(36.5,-6.5,0.0M) BAROMETER:80.4M"), above(80.4));
    assert_eq!(height("GPS(36.5,116.5,69.8) BAROMETER(91.2)"), Some((Some(69.8), None)));
    assert_eq!(height("GPS(149.5,-20.5,16)"), Some((None, None)));
    assert_eq!(height("GPS (149.5, -20.5, 16), D 2.5m, H 45.60m, H.S 0.20m/s"), above(45.6));
    let looks = captions(
        "F/5.6, GPS (149.5, -20.5, 15), D 1.5m, F.PRY (2.7°, -7.0°, 110.1°), G.PRY (-24.4°, 0.0°, 110.4°)",
    );
    assert_eq!(looks.points[0].gaze, Gaze::of([110.4, -24.4, 0.0]));
}

#[test]
fn nothing_that_looks_like_a_place_outlasts_its_removal() {
    for line in [
        "[latitude: 47.5] [longitude: 8.5] [latitude: 47.6] [longitude: 8.6]",
        "[latitude: 47.5]",
        "HOME(E: 8.5, N: 47.5) GPS(8.5,47.6)",
        "GPS(GPS(47.5,8.5,1),2)",
    ] {
        let text = format!("1\n00:00:01,000 --> 00:00:02,000\n{line}\n");
        let clean = scrub(text.as_bytes(), &ScrubRequest::default()).unwrap().bytes(text.as_bytes());
        let clean = String::from_utf8(clean).unwrap();
        assert!(!clean.contains("47.") && !clean.contains("8.5"), "{clean}");
    }
}

#[test]
fn a_line_of_nothing_but_beginnings_takes_no_longer_than_its_length() {
    let line = "GPS(".repeat(500_000);
    assert_eq!(captions(&line).points.len(), 0);
    let line = "GPS(1.5,99.5)".repeat(100_000);
    assert_eq!(captions(&line).points.len(), 100_000);
    assert!(scrub(line.as_bytes(), &ScrubRequest::default()).is_ok());
}

#[test]
fn scrubbing_takes_places_out_or_moves_them_and_keeps_the_rest() {
    let home = "1\n00:00:01,000 --> 00:00:02,000\nHOME(149.0251,-20.2532) 2031.08.05 14:11:51\nGPS(149.0251,-20.2533,16) BAROMETER:1.9\nISO:100\n";
    for (text, kept) in [(NAMED, "gb_yaw: -12.0"), (home, "ISO:100")] {
        let clean = scrub(text.as_bytes(), &ScrubRequest::default()).unwrap().bytes(text.as_bytes());
        let clean = String::from_utf8(clean).unwrap();
        assert!(!clean.contains("47.12") && !clean.contains("149.02") && !clean.contains("420.2"), "{clean}");
        assert!(clean.contains(kept));
        let after = inspect(clean.as_bytes(), &Options::default());
        assert!(after.tracks.is_empty() && after.places.is_empty());
        let request =
            ScrubRequest { locations: Locations::Offset { lat: 1.0, lon: 1.0 }, ..ScrubRequest::default() };
        let moved = scrub(text.as_bytes(), &request).unwrap().bytes(text.as_bytes());
        let (before, after) =
            (inspect(text.as_bytes(), &Options::default()), inspect(&moved, &Options::default()));
        let (before, after) = (before.tracks[0].points[0], after.tracks[0].points[0]);
        assert!((after.lat - before.lat - 1.0).abs() < 1e-6 && (after.lon - before.lon - 1.0).abs() < 1e-6);
    }
}

#[test]
fn captions_that_say_places_in_an_unknown_way_are_refused() {
    let cue = |body: &str| format!("1\n00:00:01,000 --> 00:00:02,000\n{body}\n");
    for body in ["Lat: 47.512345 Lon: 8.251234", "[Latitude: 47,51234] [Longitude: 8,25123]"] {
        assert!(scrub(cue(body).as_bytes(), &ScrubRequest::default()).is_err(), "{body}");
    }
    for body in ["[pp_limit_ratio:1.0000] [zoom: 2.5000]", "F/2.8, SS 1000.12"] {
        assert!(scrub(cue(body).as_bytes(), &ScrubRequest::default()).is_ok(), "{body}");
    }
}

proptest! {
    #[test]
    fn any_captions_are_answered(text in "(GPS\\(|HOME\\(|latitude|longitude|[0-9.,:() -]|\\n|[^a-z]){0,80}") {
        let told = captions(&text);
        prop_assert!(told.points.iter().all(|point| is_place(point.lat, point.lon)));
        if let Ok(scrubbed) = scrub(text.as_bytes(), &ScrubRequest::default()) {
            let after = captions(&String::from_utf8(scrubbed.bytes(text.as_bytes())).unwrap());
            prop_assert!(after.points.is_empty(), "{:?}", after.points);
        }
    }
}
