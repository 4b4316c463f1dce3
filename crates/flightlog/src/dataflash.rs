//! Logs that `ArduPilot` writes on board: `DataFlash`, as bytes (`.bin`) and as text (`.log`).
//!
//! A log brings the formats of its rows with it (`dataflash/rows.rs`); names of rows and fields are those of
//! ardupilot.org/copter/docs/logmessages.html. Times count from when the autopilot began; the first row of a receiver that
//! knows the week says what time that was.

mod rows;

use std::collections::BTreeMap;

use creance_model::{
    AltReference, Component, DataClass, Hidden, Inspection, Locations, Refusal, Role, ScrubRequest, Scrubbed,
    Spot, Timestamp, TrackPoint,
};

use crate::{
    Format, Options,
    ardupilot::{sentence, setting, width},
    gaze::Yaw,
    gps_time,
    record::{Holds, Record, Whose},
    rewrite::{Rewrite, moved, tenth_micro},
    text,
};
use rows::{Found, Row};

pub(crate) const FORMAT: Format = Format { name: "dataflash", is, read, scrub };

fn is(head: &[u8]) -> bool {
    is_binary(head) || text(head).is_some_and(|text| text.lines().any(|line| line.starts_with("FMT,")))
}

fn is_binary(head: &[u8]) -> bool {
    head.starts_with(&[0xa3, 0x95])
}

fn read(bytes: &[u8], _: &Options) -> Inspection {
    let mut log = Log {
        record: Record::of("dataflash", Holds::Changes, "ARM, EV, STAT"),
        zero: None,
        files: BTreeMap::new(),
    };
    let take = |found: &Found<'_>| match found {
        Found::Row(row) => log.take(row),
        Found::Format(..) => {}
        Found::Lost(at, length) => log.record.flaw("row", *at, &format!("{length} bytes are no row")),
    };
    if is_binary(bytes) {
        rows::binary(bytes, take);
    } else {
        rows::lines(bytes, take);
    }
    let mut told = log.record.finish(log.zero);
    let file = |(name, bytes)| Hidden { what: "file", field: format!("FILE:{name}"), bytes };
    told.hidden.extend(log.files.into_iter().map(file));
    told
}

/// Files carried in a log that are told one by one.
const MOST_FILES: usize = 100;

/// A log being read.
struct Log {
    record: Record,
    /// Nanoseconds from 1970 to the beginning of the autopilot's clock.
    zero: Option<i64>,
    /// Files that the log carries, and how long they are.
    files: BTreeMap<String, u64>,
}

/// When a row was written, by the autopilot's clock. Old logs count milliseconds; rows of their receivers have the week's
/// in `TimeMS`, and the clock's in `T`.
fn time(row: &Row<'_>) -> Option<Timestamp> {
    let old = if row.name() == "GPS" { "T" } else { "TimeMS" };
    let us = row.number("TimeUS").or_else(|| row.number(old).map(|ms| ms * 1e3))?;
    #[expect(clippy::cast_possible_truncation, reason = "checked against the range first")]
    (0.0..9e15).contains(&us).then(|| Timestamp::from_nanos(us as i64 * 1000))
}

fn place(row: &Row<'_>) -> Option<(f64, f64)> {
    let lon = row.number("Lng").or_else(|| row.number("Lon"))?;
    Some((row.number("Lat")?, lon))
}

/// Commands of MAVLink whose place is where to go or what to look at: `MAV_CMD_DO_ORBIT`, `_DO_REPOSITION`,
/// `_DO_SET_ROI_LOCATION`, `_DO_SET_ROI`.
const TARGETS: [f64; 4] = [34.0, 192.0, 195.0, 201.0];

impl Log {
    fn take(&mut self, row: &Row<'_>) {
        let time = time(row);
        if let Some(time) = time {
            self.record.moment(time);
        }
        match row.name() {
            "GPS" | "GPS2" | "GPSB" => self.receiver(row, time),
            "POS" => self.point(Role::Aircraft, row, time, "POS"),
            // Of several mounts the first is followed.
            "MNT" if row.number("I").is_none_or(|instance| instance == 0.0) => {
                // Roll and pitch count from the horizon, and this yaw from north.
                let angles = ["YawE", "Pitch", "Roll"].map(|label| row.number(label));
                if let (Some(time), [Some(yaw), Some(pitch), Some(roll)]) = (time, angles) {
                    self.record.gazes().gimbal("", time, [yaw, pitch, roll], Yaw::Earth);
                }
            }
            "FOLL" => self.point(Role::Operator, row, time, "FOLL"),
            "ORGN" => self.spot(Role::Home, row, time),
            // The first item of a mission is home.
            "CMD" if row.number("CNum") == Some(0.0) => self.spot(Role::Home, row, None),
            "CMD" | "RALY" | "FNCE" => self.spot(Role::Target, row, None),
            "CAM" | "TRIG" => {
                self.spot(Role::Camera, row, time);
                if let Some(time) = time {
                    self.record.dated("taken", time, row.name());
                }
            }
            "MAVC" if row.number("Cmd").is_some_and(|command| TARGETS.contains(&command)) => {
                let degrees = |label| row.number(label).map(|raw| raw / 1e7);
                let spot = degrees("X").zip(degrees("Y"));
                if let Some(spot) = spot.and_then(|(lat, lon)| Spot::new(Role::Target, lat, lon, "MAVC")) {
                    self.record.spot(Spot { time, alt_m: row.number("Z"), ..spot });
                }
            }
            "ARM" | "EV" | "STAT" => {
                if let Some((time, flying)) = time.zip(flying(row)) {
                    self.record.state("", time, flying);
                }
            }
            "MSG" => sentence(&mut self.record, &row.text("Message").unwrap_or_default(), "MSG"),
            "PARM" => {
                if let Some((name, value)) = row.text("Name").zip(row.number("Value")) {
                    setting(&mut self.record, &name, value, "PARM");
                    width(&mut self.record, "", &name, value);
                }
            }
            "VER" => self.version(row),
            "CAND" => self.node(row),
            "FILE" => {
                let name = row.text("FileName").unwrap_or_default();
                if self.files.len() < MOST_FILES || self.files.contains_key(&name) {
                    let length = row.number("Length").unwrap_or_default();
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a byte")]
                    let length = length.clamp(0.0, 255.0) as u64;
                    *self.files.entry(name).or_default() += length;
                }
            }
            _ => {}
        }
    }

    /// What a receiver says: where it is, if it has a fix of two dimensions at least, and what time it is.
    fn receiver(&mut self, row: &Row<'_>, time: Option<Timestamp>) {
        if row.number("Status").is_some_and(|status| status < 2.0) {
            return;
        }
        let either = |new, old| row.number(new).or_else(|| row.number(old));
        let moment = either("GWk", "Week")
            .zip(either("GMS", "TimeMS"))
            .and_then(|(week, ms)| gps_time::moment(week, ms));
        if let (None, Some(moment), Some(time)) = (self.zero, moment, time) {
            self.zero = Some(moment.since(time));
        }
        let field = match row.number("I") {
            Some(instance) if instance > 0.0 => format!("{}[{instance}]", row.name()),
            _ => row.name().to_owned(),
        };
        self.point(Role::Aircraft, row, time, &field);
    }

    fn point(&mut self, role: Role, row: &Row<'_>, time: Option<Timestamp>, field: &str) {
        let Some((lat, lon)) = place(row) else { return };
        let whose = Whose { role, vehicle: None, alt_reference: Some(AltReference::Amsl), field };
        let point = TrackPoint::new(time, lat, lon, row.number("Alt"));
        // Receivers know nothing of home, and old ones said something else by this name.
        let height = ["RelHomeAlt", "RelAlt"].iter().find_map(|label| row.number(label));
        self.record.point(whose, point.at_height(height.filter(|_| row.name() == "POS")));
    }

    fn spot(&mut self, role: Role, row: &Row<'_>, time: Option<Timestamp>) {
        let spot = place(row).and_then(|(lat, lon)| Spot::new(role, lat, lon, row.name()));
        if let Some(spot) = spot {
            let alt_m = row.number("Alt");
            // Heights of a mission count from what its frame says, which old logs leave out.
            let amsl = role != Role::Target && alt_m.is_some();
            let height_m = row.number("RelAlt").filter(|_| role == Role::Camera);
            let alt_reference = amsl.then_some(AltReference::Amsl);
            self.record.spot(Spot { alt_m, alt_reference, height_m, time, ..spot });
        }
    }

    fn version(&mut self, row: &Row<'_>) {
        let record = &mut self.record;
        if let Some(hash) = row.bits("GH").filter(|hash| *hash != 0) {
            record.say("hash of the firmware", &format!("{hash:08x}"), "VER:GH");
        }
        if let Some(board) = row.number("APJ").filter(|board| *board > 0.0) {
            record.say("number of the board's kind", &board.to_string(), "VER:APJ");
        }
        if let Some(firmware) = row.text("FWS").filter(|firmware| !firmware.is_empty()) {
            record.device().software.get_or_insert(firmware);
        }
    }

    /// A node on the bus of the aircraft, with its unique number of 16 bytes.
    fn node(&mut self, row: &Row<'_>) {
        if let Some((low, high)) = row.bits("UID1").zip(row.bits("UID2")) {
            let hex = |half: u64| half.to_be_bytes().map(|byte| format!("{byte:02x}")).concat();
            let uid = format!("{}{}", hex(low.swap_bytes()), hex(high.swap_bytes()));
            self.record.identify(DataClass::Serial, Some(Component::Aircraft), &uid, "CAND:UID");
        }
        self.record.say("node on the bus", &row.text("Name").unwrap_or_default(), "CAND:Name");
    }
}

/// Whether a row says that the aircraft flies: armed, or in the air.
fn flying(row: &Row<'_>) -> Option<bool> {
    let set = |label| row.number(label).map(|value| value > 0.0);
    match row.name() {
        "ARM" => set("ArmState"),
        // Armed, disarmed; taken off and not landed say less, and come between those.
        "EV" => match row.number("Id") {
            Some(10.0) => Some(true),
            Some(11.0) => Some(false),
            _ => None,
        },
        _ => match (set("Armed"), set("isFlying")) {
            (Some(armed), flies) => Some(armed || flies == Some(true)),
            (None, flies) => flies,
        },
    }
}

/// Rows that hold neither place nor name: they stay as they are.
const KEPT: &[&str] = &[
    "ACC", "AETR", "ARM", "ATT", "BAR2", "BARO", "BAT", "BAT2", "BCL", "CTRL", "CTUN", "DMS", "DSF", "ERR",
    "ESC", "EV", "FMTU", "GPA", "GPA2", "GYR", "HEAT", "IMU", "IMU2", "IMU3", "LEAS", "MAG", "MAG2", "MAG3",
    "MCU", "MODE", "MOTB", "MULT", "PIDA", "PIDE", "PIDN", "PIDP", "PIDR", "PIDS", "PIDY", "PM", "POWR",
    "QTUN", "RAD", "RATE", "RCI2", "RCIN", "RCO2", "RCOU", "RSSI", "STAT", "STRT", "UNIT", "VIBE",
];

/// Rows that hold a place, and whether they are of use without.
const MOVED: &[(&str, bool)] = &[
    ("GPS", true),
    ("GPS2", true),
    ("GPSB", true),
    ("POS", true),
    ("ORGN", false),
    ("CMD", false),
    ("CAM", false),
    ("TRIG", false),
];

fn scrub(bytes: &[u8], request: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    if !is_binary(bytes) {
        return Err(Refusal(
            "only logs of bytes can be rewritten, and this one is text; leave it out".to_owned(),
        ));
    }
    let mut rewrite = Rewrite::default();
    rows::binary(bytes, |found| match found {
        Found::Format(at, length) => rewrite.keep(*at, at + length),
        Found::Lost(..) => rewrite.removed("bytes that are no row", "between rows"),
        Found::Row(row) => {
            let name = row.name();
            let moves = MOVED
                .iter()
                .any(|(moved, alone)| *moved == name && (*alone || request.locations != Locations::Remove));
            let length = row.bytes().map_or(0, <[u8]>::len);
            if KEPT.contains(&name) {
                rewrite.keep(row.at, row.at + length);
            } else if let Some(anew) = with_place(row, request.locations).filter(|_| moves) {
                rewrite.removed("position", name);
                rewrite.put(&anew);
            } else {
                rewrite.removed("row", name);
            }
        }
    });
    Ok(rewrite.done())
}

/// A row whose place is moved or taken out.
fn with_place(row: &Row<'_>, locations: Locations) -> Option<Vec<u8>> {
    let (lat, lon) = place(row)?;
    let (north, east) = moved(locations, lat, lon);
    let mut anew = row.bytes()?.to_vec();
    for (label, degrees) in [("Lat", north), ("Lng", east)] {
        let (at, letter) = row.lies(label)?;
        let bytes = match letter {
            b'L' => tenth_micro(degrees).to_le_bytes(),
            #[expect(clippy::cast_possible_truncation, reason = "as exact as the field was")]
            b'f' => (degrees as f32).to_le_bytes(),
            _ => return None,
        };
        anew.get_mut(at..at + 4)?.copy_from_slice(&bytes);
    }
    Some(anew)
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{FlightState, Gaze, Look};
    use proptest::prelude::*;

    /// A format, as a row.
    fn fmt(kind: u8, name: &str, letters: &str, labels: &str) -> Vec<u8> {
        let size = |letter| match letter {
            b'Q' => 8,
            b'I' | b'L' | b'f' => 4,
            b'H' => 2,
            b'N' => 16,
            b'Z' => 64,
            _ => 1,
        };
        let length = 3 + letters.bytes().map(size).sum::<u8>();
        let mut row = vec![0xa3, 0x95, 0x80, kind, length];
        for (text, size) in [(name, 4), (letters, 16), (labels, 64)] {
            let mut field = text.as_bytes().to_vec();
            field.resize(size, 0);
            row.extend(field);
        }
        row
    }

    fn row(kind: u8, fields: &[&[u8]]) -> Vec<u8> {
        let mut row = vec![0xa3, 0x95, kind];
        row.extend(fields.concat());
        row
    }

    fn padded(text: &str) -> [u8; 64] {
        let mut field = [0; 64];
        field[..text.len()].copy_from_slice(text.as_bytes());
        field
    }

    /// 2026-06-11T08:00:18Z is when the receiver of this log tells the time, 10 s after the beginning.
    fn log() -> Vec<Vec<u8>> {
        let us = |seconds: u64| (seconds * 1_000_000).to_le_bytes();
        let degrees = |value: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "an invented place")]
            let raw = (value * 1e7).round() as i32;
            raw.to_le_bytes()
        };
        let mut log = vec![
            fmt(0x80, "FMT", "BBnNZ", "Type,Length,Name,Format,Columns"),
            fmt(1, "GPS", "QBIHLLf", "TimeUS,Status,GMS,GWk,Lat,Lng,Alt"),
            fmt(2, "ARM", "QB", "TimeUS,ArmState"),
            fmt(3, "MSG", "QZ", "TimeUS,Message"),
            fmt(4, "CMD", "QHLLf", "TimeUS,CNum,Lat,Lng,Alt"),
            fmt(5, "CAM", "QLLf", "TimeUS,Lat,Lng,Alt"),
            fmt(6, "CAND", "QQQN", "TimeUS,UID1,UID2,Name"),
            row(3, &[&us(1), &padded("ArduCopter V4.6.0 (0badcafe)")]),
            row(3, &[&us(1), &padded("Hawk7 00360029 30365103 31323731")]),
            row(4, &[&us(2), &0_u16.to_le_bytes(), &degrees(47.1), &degrees(8.5), &500_f32.to_le_bytes()]),
            row(4, &[&us(2), &1_u16.to_le_bytes(), &degrees(47.5), &degrees(8.5), &30_f32.to_le_bytes()]),
            row(
                6,
                &[&us(2), &[1, 2, 3, 4, 5, 6, 7, 8], &[9, 10, 11, 12, 13, 14, 15, 16], b"org.skylark.gps\0"],
            ),
            row(2, &[&us(5), &[0]]),
            row(1, &[&us(9), &[1], &[0; 4], &[0; 2], &degrees(1.0), &degrees(1.0), &[0; 4]]),
        ];
        for second in 10..20 {
            let ms = (4 * 86_400 + 8 * 3600 + 26) * 1000 + u32::try_from(second).unwrap() * 1000;
            let lat = degrees(47.1 + f64::from(u32::try_from(second).unwrap()) * 1e-4);
            log.push(row(
                1,
                &[
                    &us(second),
                    &[3],
                    &ms.to_le_bytes(),
                    &2422_u16.to_le_bytes(),
                    &lat,
                    &degrees(8.5),
                    &512_f32.to_le_bytes(),
                ],
            ));
        }
        log.insert(17, row(2, &[&us(12), &[1]]));
        log.insert(20, row(5, &[&us(15), &degrees(47.1015), &degrees(8.5), &512_f32.to_le_bytes()]));
        log.push(row(2, &[&us(25), &[0]]));
        log.push(row(3, &[&us(30), &padded("done")]));
        log
    }

    #[test]
    fn a_flight_its_mission_its_pictures_and_its_parts_are_told() {
        let told = read(&log().concat(), &Options::default());
        assert!(told.damage.is_empty(), "{:?}", told.damage);
        let track = &told.tracks[0];
        assert_eq!((told.tracks.len(), track.points.len(), track.field.as_str()), (1, 10, "GPS"));
        let first = track.points[0];
        assert_eq!(first.time, Timestamp::parse("2026-06-11T08:00:18Z"));
        assert_eq!((first.lat, first.lon, first.alt_m), (47.101, 8.5, Some(512.0)));
        let places: Vec<_> = told.places.iter().map(|spot| (spot.role, spot.lat)).collect();
        assert_eq!(places, [(Role::Home, 47.1), (Role::Target, 47.5), (Role::Camera, 47.1015)]);
        assert_eq!(told.times[0].time, Timestamp::parse("2026-06-11T08:00:23Z").unwrap());
        let phases: Vec<_> =
            told.phases.iter().map(|one| (one.from.to_string(), one.to.to_string(), one.state)).collect();
        let at = |second: u8| format!("2026-06-11T08:00:{second}Z");
        assert_eq!(
            phases,
            [
                (at(13), at(20), FlightState::Ground),
                (at(20), at(33), FlightState::Flying),
                (at(33), at(38), FlightState::Ground)
            ]
        );
        let names: Vec<_> = told.identifiers.iter().map(|one| one.value.as_str()).collect();
        assert_eq!(names, ["003600293036510331323731", "0102030405060708090a0b0c0d0e0f10"]);
        assert_eq!(told.device.software.as_deref(), Some("ArduCopter V4.6.0 (0badcafe)"));
        assert_eq!(told.device.model.as_deref(), Some("Hawk7"));
    }

    #[test]
    fn a_mount_says_where_the_aircraft_and_its_pictures_look() {
        let text = "FMT, 1, 40, POS, QLLfff, TimeUS,Lat,Lng,Alt,RelHomeAlt,RelOriginAlt\n\
            FMT, 2, 40, MNT, QBfffffffff, TimeUS,I,DesRoll,Roll,DesPitch,Pitch,DesYawB,YawB,DesYawE,YawE,Dist\n\
            FMT, 3, 40, CAM, QBLLff, TimeUS,I,Lat,Lng,Alt,RelAlt\n\
            FMT, 4, 40, PARM, QNf, TimeUS,Name,Value\n\
            PARM, 1000, CAM1_HFOV, 62\n\
            MNT, 2000000, 0, 0, 0.5, -30, -30.5, 9, 10, 99, 100, 0\nMNT, 2000000, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0\n\
            POS, 2100000, 47.1, 8.5, 512, 60.5, 60\nCAM, 2200000, 0, 47.1, 8.5, 512, 60.5\n\
            POS, 5000000, 47.1, 8.5, 512, 60.5, 60\n";
        let told = read(text.as_bytes(), &Options::default());
        assert!(told.damage.is_empty(), "{:?}", told.damage);
        let [first, second] = told.tracks[0].points[..] else { panic!("{:?}", told.tracks) };
        let gaze = Gaze::of([100.0, -30.5, 0.5]).map(|gaze| gaze.with_width(Some(62.0)));
        assert_eq!((first.gaze, first.height_m), (gaze, Some(60.5)));
        assert_eq!(
            (second.gaze, second.height_m),
            (None, Some(60.5)),
            "the mount was silent for three seconds"
        );
        assert_eq!((told.places[0].look, told.places[0].height_m), (gaze.map(Look::from), Some(60.5)));
    }

    #[test]
    fn text_says_what_bytes_say() {
        let text = "\nArduCopter V3.1\n\nFMT, 128, 89, FMT, BBnNZ, Type,Length,Name,Format,Columns\n\
            FMT, 1, 40, GPS, BIHBcLLeef, Status,TimeMS,Week,NSats,HDop,Lat,Lng,RelAlt,Alt,T\n\
            FMT, 3, 75, MSG, Z, Message\nFMT, 4, 9, EV, IB, TimeMS,Id\n\
            MSG, Mission: 3 WP, ready\nEV, 11000, 10\n\
            GPS, 3, 374436000, 2422, 9, 1.2, 47.1010000, 8.5000000, 3.10, 512.00, 10000\n\
            GPS, 1, 0, 0, 0, 99.9, 47.2, 8.5, 0, 0, 10200\nXYZ, 4\n\
            GPS, 3, 374437000, 2422, 9, 1.2, 47.1020000, 8.5000000, 3.10, 513.00, 11000\nEV, 12000, 11\nGPS, 3, 3744";
        assert!(is(text.as_bytes()));
        let told = read(text.as_bytes(), &Options::default());
        let points: Vec<_> = told.tracks[0].points.iter().map(|point| (point.lat, point.alt_m)).collect();
        assert_eq!(points, [(47.101, Some(512.0)), (47.102, Some(513.0))]);
        assert_eq!(told.tracks[0].points[0].time, Timestamp::parse("2026-06-11T08:00:18Z"));
        assert_eq!(told.facts[0].value, "Mission: 3 WP, ready");
        let phase = &told.phases[0];
        assert_eq!(
            (Some(phase.from), phase.state),
            (Timestamp::parse("2026-06-11T08:00:19Z"), FlightState::Flying)
        );
        assert_eq!(told.damage.len(), 2, "XYZ, and the cut line: {:?}", told.damage);
    }

    #[test]
    fn damage_costs_the_rows_that_it_hits() {
        let mut rows = log();
        rows[15] = vec![0xa3, 0x95, 1, 7, 7];
        let told = read(&rows.concat(), &Options::default());
        assert!(told.tracks[0].points.len() >= 8);
        rows[15] = vec![7; 40];
        let told = read(&rows.concat(), &Options::default());
        assert_eq!(told.tracks[0].points.len(), 9);
        assert_eq!(told.damage[0].why, "40 bytes are no row");
    }

    #[test]
    fn a_scrubbed_log_flies_elsewhere_or_nowhere_and_names_nobody() {
        let bytes = log().concat();
        let before = read(&bytes, &Options::default());
        for (locations, lat) in
            [(Locations::Remove, None), (Locations::Offset { lat: 1.0, lon: 0.0 }, Some(48.101))]
        {
            let scrubbed = scrub(&bytes, &ScrubRequest { locations, ..ScrubRequest::default() }).unwrap();
            let told = read(&scrubbed.bytes(&bytes), &Options::default());
            assert_eq!(told.tracks.first().map(|track| track.points[0].lat), lat);
            assert!(
                told.identifiers.is_empty() && told.facts.is_empty() && told.damage.is_empty(),
                "{told:?}"
            );
            assert_eq!(told.places.len(), if lat.is_some() { 3 } else { 0 });
            assert_eq!(told.phases, before.phases[..2], "the last word, after which it ended, is gone");
        }
        assert!(scrub(b"FMT, 1, 40, GPS, BI, Status,TimeMS", &ScrubRequest::default()).is_err());
    }

    proptest! {
        #[test]
        fn a_cut_log_gives_what_stands_before_the_cut(cut in 0_usize..2000) {
            let bytes = log().concat();
            let whole = read(&bytes, &Options::default());
            let told = read(&bytes[..cut.min(bytes.len())], &Options::default());
            prop_assert!(whole.places.len() >= told.places.len());
            for (track, all) in told.tracks.iter().zip(&whole.tracks) {
                prop_assert!(all.points.starts_with(&track.points));
            }
        }

        #[test]
        fn any_rows_are_answered(at in 0_usize..2000, bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut log = log().concat();
            let at = at.min(log.len());
            log.splice(at..at, bytes);
            prop_assert_eq!(read(&log, &Options::default()).kind, "dataflash");
        }
    }
}
