//! Tables of several services, made here, and what becomes of them.

use super::*;
use creance_model::{AltReference, Component, DataClass, Locations, ScrubRequest};
use proptest::prelude::*;

/// An export of a flight record, with everything that matters in it.
const EXPORT: &str = "sep=,\r\nCUSTOM.date [local], CUSTOM.updateTime [local], OSD.latitude, OSD.longitude, OSD.height [ft], \
    OSD.isMotorOn, CAMERA.isPhoto, HOME.latitude, HOME.longitude, DETAILS.aircraftName, DETAILS.aircraftSerial, \
    DETAILS.appName, DETAILS.appVersion, APPGPS.latitude, APPGPS.longitude, APP.tip, max_latitude\r\n\
    4/13/2022,2:22:59.45 PM,47.5,8.5,0,False,False,47.5001,8.5001,Ada's bird,0AIR56789A,DJI Fly,1.5.4,47.4,8.4,\"Ready, go\",47.9\r\n\
    4/13/2022,2:23:00.45 PM,47.501,8.5,10,True,True,47.5001,8.5001,Ada's bird,0AIR56789A,DJI Fly,1.5.4,47.4,8.4,,47.9\r\n\
    4/13/2022,2:23:01.45 PM,47.502,8.5,20,True,True,47.5001,8.5001,Ada's bird,0AIR56789A,DJI Fly,1.5.4,47.41,8.4,,47.9\r\n";

fn told(text: &str) -> Inspection {
    assert!(is(text.as_bytes()), "{text}");
    read(text.as_bytes(), &Options::default())
}

fn places(told: &Inspection) -> Vec<(Role, Vec<(f64, f64)>)> {
    let points = |track: &Track| track.points.iter().map(|point| (point.lat, point.lon)).collect();
    told.tracks.iter().map(|track| (track.role, points(track))).collect()
}

fn states(told: &Inspection) -> Vec<(FlightState, String, String)> {
    told.phases.iter().map(|phase| (phase.state, phase.from.to_string(), phase.to.to_string())).collect()
}

#[test]
fn an_export_of_a_flight_record_says_who_and_where() {
    let told = told(EXPORT);
    assert_eq!(told.damage, []);
    assert_eq!(
        places(&told),
        [
            (Role::Aircraft, vec![(47.5, 8.5), (47.501, 8.5), (47.502, 8.5)]),
            (Role::Home, vec![(47.5001, 8.5001)]),
            (Role::Operator, vec![(47.4, 8.4), (47.41, 8.4)]),
        ]
    );
    let last = told.tracks[0].points[2];
    assert_eq!(last.time.unwrap().to_string(), "2022-04-13T14:23:01.45Z");
    assert!((last.alt_m.unwrap() - 6.096).abs() < 1e-9);
    assert_eq!(told.tracks[0].alt_reference, Some(AltReference::TakeOff));
    let at = |second: &str| format!("2022-04-13T14:{second}.45Z");
    assert_eq!(
        states(&told),
        [(FlightState::Ground, at("22:59"), at("23:00")), (FlightState::Flying, at("23:00"), at("23:02"))]
    );
    let times: Vec<_> = told.times.iter().map(|dated| (dated.what, dated.zone_known)).collect();
    assert_eq!(times, [("taken", false), ("start", false)]);
    let identifier = &told.identifiers[0];
    assert_eq!(
        (identifier.class, identifier.of, identifier.value.as_str()),
        (DataClass::Serial, Some(Component::Aircraft), "0AIR56789A")
    );
    let facts: Vec<_> = told.facts.iter().map(|fact| fact.value.as_str()).collect();
    assert_eq!(facts, ["Ada's bird", "Ready, go", "their offset from UTC is not said", "month/day/year"]);
    assert_eq!(told.device.software.as_deref(), Some("DJI Fly 1.5.4"));
}

#[test]
fn plain_columns_are_found_by_name_and_bad_rows_counted() {
    let told = told(
        "datetime_utc,latitude,longitude,height_m,is_flying\n2026-06-11T08:00:10Z,24.7,121.0,0.0,0\nnever,,,,\n2026-06-11T08:00:11Z,24.7,121.0,5.0,1\n",
    );
    assert_eq!(places(&told), [(Role::Aircraft, vec![(24.7, 121.0); 2])]);
    assert_eq!(told.phases[1].state, FlightState::Flying);
    assert_eq!(
        (told.damage[0].offset, told.damage[0].why.as_str()),
        (89, "1 without a time that can be read")
    );
}

#[test]
fn a_gimbal_is_found_by_name_and_how_wide_it_sees() {
    let row = |header: &str, row: &str| {
        let told =
            told(&format!("time,lat,lon,rc_lat,rc_lon,ascent(feet),{header}\n100,47,8,47,8,100,{row}\n"));
        assert_eq!(told.tracks[1].points[0].gaze, None, "the operator has no camera");
        let track = &told.tracks[0];
        assert!((track.height_of(&track.points[0]).unwrap() - 30.48).abs() < 1e-9);
        track.points[0].gaze
    };
    let gaze = Gaze::of([316.4, -14.9, 0.0]);
    assert_eq!(row("gimbal_heading(degrees),gimbal_pitch(degrees)", "316.4,-14.9"), gaze);
    assert_eq!(row("GIMBAL.pitch,GIMBAL.roll,GIMBAL.yaw", "-14.9,0,316.4"), gaze);
    assert_eq!(row("gimbalHeading,gimbalPitch", ",-14.9"), None);
    assert_eq!(row("gimbal_yaw[rad],gimbal_pitch[rad]", "1,-1"), None);
    let wide = gaze.map(|gaze| gaze.with_width(Some(62.0)));
    assert_eq!(row("gimbal_yaw,gimbal_pitch,gimbal_roll,hfov", "316.4,-14.9,0,62"), wide);
}

#[test]
fn columns_of_home_and_operator_are_found_by_name() {
    let told =
        told("time,lat,lon,home_lat,home_lon,rc_latitude,rc_longitude\n100,47.0,8.0,47.1,8.1,47.2,8.2\n");
    let wanted = [(Role::Aircraft, 47.0, 8.0), (Role::Home, 47.1, 8.1), (Role::Operator, 47.2, 8.2)];
    assert_eq!(places(&told), wanted.map(|(role, lat, lon)| (role, vec![(lat, lon)])));
}

#[test]
fn without_a_flag_height_and_movement_tell() {
    let told = told("time,lat,lon,alt\n100,47.0,8.0,400\n101,47.0,8.0,410\n");
    assert_eq!(states(&told).len(), 1);
    assert_eq!((told.phases[0].from, told.phases[0].state), (Timestamp::from_secs(101), FlightState::Flying));
    assert_eq!(told.phases[0].source, "movement");
}

#[test]
fn the_header_may_stand_behind_blanks_and_lines_may_end_in_any_way() {
    for text in [
        "\u{feff}\r\n\ntime;lat;lon\n100;47,5;8,25\n",
        "time,lat,lon\r100,47.5,8.25\r",
        "sep=;\rtime;lat;lon\r100;47.5;8.25",
    ] {
        assert_eq!(places(&told(text)), [(Role::Aircraft, vec![(47.5, 8.25)])], "{text:?}");
        let (text, _) = scrubbed(text, Locations::Remove);
        assert!(told(&text).tracks.is_empty(), "{text:?}");
    }
}

#[test]
fn semicolons_come_with_decimal_commas() {
    let told = told("time;lat;lon;height\n100;47,5;8,25;1,5\n");
    assert_eq!(places(&told), [(Role::Aircraft, vec![(47.5, 8.25)])]);
    assert_eq!(told.tracks[0].points[0].alt_m, Some(1.5));
}

#[test]
fn a_mission_is_of_places_that_somebody_meant() {
    let mission = "latitude,longitude,altitude(m),heading(deg),curvesize(m),poi_latitude,poi_longitude\n47.5,8.5,30,0,0,47.6,8.6\n47.7,8.7,30,0,0,0,0\n";
    let told = told(mission);
    let targets: Vec<_> = told.places.iter().map(|spot| (spot.role, spot.lat, spot.alt_m)).collect();
    let target = |lat| (Role::Target, lat, Some(30.0));
    assert_eq!(targets, [target(47.5), target(47.6), target(47.7)]);
    assert!(told.tracks.is_empty() && told.damage.is_empty());
}

#[test]
fn a_header_without_time_is_refused_by_name() {
    let told = read(b"lat,lon\n1,2\n", &Options::default());
    assert!(told.damage[0].why.contains("names no time"));
    assert!(!is(b"lat,lon\n1,2\n") && !is(b"\xff\x00") && !is(b""));
}

#[test]
fn a_cut_file_gives_what_stands_before_the_cut() {
    let whole = places(&told(EXPORT));
    for cut in 0..EXPORT.len() {
        let told = read(&EXPORT.as_bytes()[..cut], &Options::default());
        for (role, points) in places(&told) {
            let all = &whole.iter().find(|(of, _)| *of == role).unwrap().1;
            // Of a row that is cut, a number may be half there.
            assert!(all.starts_with(&points[..points.len().saturating_sub(1)]), "{cut}");
        }
    }
}

fn scrubbed(text: &str, locations: Locations) -> (String, Vec<&'static str>) {
    let request = ScrubRequest { locations, ..ScrubRequest::default() };
    let scrubbed = (FORMAT.scrub)(text.as_bytes(), &request).unwrap();
    let text = String::from_utf8(scrubbed.bytes(text.as_bytes())).unwrap();
    (text, scrubbed.removed.iter().map(|removal| removal.what).collect())
}

#[test]
fn after_scrubbing_only_what_was_asked_for_is_left() {
    let (text, removed) = scrubbed(EXPORT, Locations::Remove);
    assert_eq!(
        removed,
        [
            "position",
            "position",
            "place of home",
            "place of home",
            "aircraft name",
            "serial",
            "place of the operator",
            "place of the operator",
            "message",
            "position",
        ]
    );
    let left = told(&text);
    assert_eq!(places(&left), []);
    assert!(left.identifiers.is_empty());
    assert_eq!(left.phases, told(EXPORT).phases, "times and states stay");
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[..2], EXPORT.split("\r\n").collect::<Vec<_>>()[..2]);
    assert_eq!(lines[2], "4/13/2022,2:22:59.45 PM,,,0,False,False,,,,,DJI Fly,1.5.4,,,,");
}

#[test]
fn positions_move_and_those_of_people_go_all_the_same() {
    let (text, _) = scrubbed(EXPORT, Locations::Offset { lat: 1.0, lon: -2.0 });
    assert_eq!(places(&told(&text)), [(Role::Aircraft, vec![(48.5, 6.5), (48.501, 6.5), (48.502, 6.5)])]);
    let (text, _) =
        scrubbed("time;lat;lon\n100;47,5;8,25\n101;47,5;;24,7\n", Locations::Offset { lat: 1.0, lon: 1.0 });
    assert_eq!(text, "time;lat;lon\n100;48,5000000;9,2500000\n101;;;\n");
    let (text, _) = scrubbed("time;lat;lon\n100;47.5;8.25\n", Locations::Offset { lat: 1.0, lon: 1.0 });
    assert_eq!(text, "time;lat;lon\n100;48.5000000;9.2500000\n");
    assert!((FORMAT.scrub)(b"name,lat,lon\n", &ScrubRequest::default()).is_err());
}

#[test]
fn people_and_serials_under_names_with_blanks_are_told_and_go_and_so_does_any_text() {
    let table = "Date,Time,Latitude,Longitude,RC SN,FlightController SN,Pilot Name,Operator Name,Drone Name,Flight Title,Comment,\
        What3Words,Flight Mode,Weather,Speed\n\
        2024-01-01,10:00:00,47.5,8.5,RCSER77123,FCSER99123,Ada Example,Bob Example,Swift,Visit,call +41 79 123 45 67,\
        filled.count.soap,P-GPS,sunny at Ada's,4.5\n";
    let told = told(table);
    let of = |class| told.identifiers.iter().filter(|one| one.class == class).count();
    assert_eq!((of(DataClass::Serial), of(DataClass::PersonName)), (2, 2));
    let facts: Vec<_> = told.facts.iter().map(|fact| (fact.what, fact.value.as_str())).collect();
    let comments = [("comment", "Visit"), ("comment", "call +41 79 123 45 67")];
    assert_eq!(facts[..3], [("aircraft name", "Swift"), comments[0], comments[1]]);
    let (text, removed) = scrubbed(table, Locations::Remove);
    assert_eq!(text.lines().last().unwrap(), "2024-01-01,10:00:00,,,,,,,,,,,P-GPS,,4.5");
    assert_eq!(
        removed[2..],
        [
            "serial",
            "serial",
            "person-name",
            "person-name",
            "aircraft name",
            "comment",
            "comment",
            "place name",
            "text"
        ]
    );
}

#[test]
fn heights_above_the_sea_go_with_the_place_and_stay_where_all_move_alike() {
    let table = "datetime_utc,lat,lon,height_above_takeoff(feet),altitude_above_seaLevel(feet),altitude(feet)\n2024-01-01T00:00:00Z,47.5,8.5,10,1400,1390\n";
    let last = |locations| scrubbed(table, locations).0.lines().last().unwrap().to_owned();
    assert_eq!(last(Locations::Remove), "2024-01-01T00:00:00Z,,,10,,");
    let moved = last(Locations::Offset { lat: 1.0, lon: 1.0 });
    assert_eq!(moved, "2024-01-01T00:00:00Z,48.5000000,9.5000000,10,1400,1390");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_scrubbing_leaves_nothing(
        rows in prop::collection::vec(prop::collection::vec("[-0-9a-z.,;\" ]{0,8}", 0..9), 0..9),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = (is(&bytes), read(&bytes, &Options::default()));
        let mut text = "time,lat,lon,home_lat,home_lon,serial,email,max_lon\n".to_owned();
        for row in rows {
            text += &row.join(",");
            text.push('\n');
        }
        let (text, _) = scrubbed(&text, Locations::Remove);
        let left = read(text.as_bytes(), &Options::default());
        prop_assert!(left.tracks.is_empty() && left.identifiers.is_empty(), "{}", text);
    }
}
