//! Blackbox logs of Betaflight, INAV and their kin (`.bbl`, `.bfl`, `.txt`); frames are read in `blackbox/frames.rs`.
//!
//! A file holds one log after the other, each from arming to disarming unless its owner set it otherwise: the time of a log
//! is told as flying. Times count microseconds from when the controller began, in 32 bits; the head says when the log
//! began, if the controller knew.

mod frames;

use creance_model::{
    AltReference, Component, DataClass, Inspection, Refusal, Role, ScrubRequest, Scrubbed, Spot, Timestamp,
    TrackPoint,
};

use crate::{
    Format, Options,
    record::{Holds, Record, Whose},
};
use frames::{BEGINS, Found, Layouts};

pub(crate) const FORMAT: Format = Format { name: "blackbox", is, read, scrub };

fn is(head: &[u8]) -> bool {
    head.starts_with(BEGINS)
}

/// The longest line of a head.
const LONGEST: usize = 4 << 10;

fn read(bytes: &[u8], _: &Options) -> Inspection {
    let mut record = Record::of("blackbox", Holds::Beats, "log");
    let mut at = 0;
    while let Some(begin) = begins(bytes, at) {
        let (head, frames) = Head::read(bytes, begin, &mut record);
        let mut log = Log::new(&mut record, &head);
        at = frames::walk(bytes, frames, &head.layouts, |found| log.take(found));
        log.finish(at);
    }
    record.finish(Some(0))
}

/// Where the next log begins. What stands between two is padding.
fn begins(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    rest.windows(BEGINS.len()).position(|window| window == BEGINS).map(|offset| at + offset)
}

/// What the head of a log says that its frames need.
#[derive(Default)]
struct Head {
    layouts: Layouts,
    /// When the log began.
    began: Option<Timestamp>,
    /// Heights of the receiver are tenths of metres, as in Betaflight since 4.0; others write metres.
    tenths: bool,
}

impl Head {
    /// The head that begins at `begin`, and where it ends.
    fn read(bytes: &[u8], begin: usize, record: &mut Record) -> (Self, usize) {
        let (mut head, mut at) = (Self::default(), begin);
        while let Some(line) = line(bytes, at).filter(|line| at == begin || !line.starts_with(BEGINS)) {
            at += line.len();
            let text = String::from_utf8_lossy(line.get(2..).unwrap_or_default());
            if let Some((key, value)) = text.split_once(':') {
                head.take(key.trim(), value.trim(), record);
            }
        }
        // A line that the end of the file cut is none, and no frames either.
        let rest = bytes.get(at..).unwrap_or_default();
        let cut =
            rest.len() < LONGEST && rest.starts_with(b"H ") && rest.is_ascii() && !rest.contains(&b'\n');
        (head, if cut { bytes.len() } else { at.max(begin + BEGINS.len()) })
    }

    fn take(&mut self, key: &str, value: &str, record: &mut Record) {
        match key {
            "Data version" => self.layouts.version = value.parse().unwrap_or(u8::MAX),
            "Firmware revision" => {
                let version = value.strip_prefix("Betaflight ").and_then(|rest| rest.split('.').next());
                self.tenths =
                    version.and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= 4);
                record.device().software = Some(value.to_owned());
            }
            "Board information" if !value.is_empty() => record.device().model = Some(value.to_owned()),
            // A controller without a clock writes the year 0.
            "Log start datetime" => {
                self.began = Timestamp::parse(value).filter(|time| *time > Timestamp::default());
                if let Some(time) = self.began {
                    record.dated("start", time, key);
                }
            }
            "Craft name" => record.say("name of the aircraft", value, key),
            "Pilot name" => record.identify(DataClass::PersonName, None, value, key),
            "DeviceUID" | "deviceUID" => {
                record.identify(DataClass::Serial, Some(Component::Aircraft), value, key);
            }
            "Firmware date" => record.say("date of the firmware", value, key),
            _ => self.layouts.take(key, value),
        }
    }
}

/// The line of a head that begins here, with its end.
fn line(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?.get(..LONGEST.min(bytes.len() - at))?;
    let length = rest.iter().position(|byte| *byte == b'\n')? + 1;
    // A frame of home begins with the same letter.
    rest.get(..length).filter(|line| line.starts_with(b"H ") && line.is_ascii() && line.contains(&b':'))
}

/// A log being read.
struct Log<'a> {
    record: &'a mut Record,
    head: &'a Head,
    /// The last time of the main loop, and microseconds since the first one.
    clock: Option<(u32, i64)>,
    /// At how many seconds since the beginning it was last told that it flies.
    told: Option<i64>,
    ended: bool,
}

impl<'a> Log<'a> {
    fn new(record: &'a mut Record, head: &'a Head) -> Self {
        Self { record, head, clock: None, told: None, ended: false }
    }

    /// The moment of the last frame of the main loop, if the log says when it began.
    fn moment(&self) -> Option<Timestamp> {
        let (_, elapsed) = self.clock?;
        self.head.began.map(|began| began.plus_nanos(elapsed.saturating_mul(1000)))
    }

    fn take(&mut self, found: &Found<'_>) {
        match found {
            Found::Main(time) => {
                let (last, elapsed) = self.clock.unwrap_or((*time, 0));
                let elapsed = elapsed.saturating_add(time.wrapping_sub(last).cast_signed().into());
                self.clock = Some((*time, elapsed));
                // Once a second is enough.
                if self.told.replace(elapsed / 1_000_000) != Some(elapsed / 1_000_000) {
                    self.flies(true);
                }
            }
            Found::Gps(values) => self.receiver(values),
            Found::Home(values) => {
                let spot = degrees(values.first()).zip(degrees(values.get(1)));
                if let Some(spot) = spot.and_then(|(lat, lon)| Spot::new(Role::Home, lat, lon, "GPS_home")) {
                    self.record.spot(Spot { time: self.moment(), ..spot });
                }
            }
            Found::Disarm => self.flies(false),
            Found::End => self.ended = true,
            Found::Lost(at, length) => {
                self.record.flaw("frame", *at, &format!("{length} bytes are no frame"));
            }
        }
    }

    fn flies(&mut self, flies: bool) {
        if let Some(time) = self.moment() {
            self.record.state("", time, flies);
        }
    }

    fn receiver(&mut self, values: &[u32]) {
        let value = |name| values.get(self.head.layouts.index(b'G', name)?);
        // INAV writes what it has while there is no fix.
        if value("GPS_fixType") == Some(&0) {
            return;
        }
        let Some((lat, lon)) = degrees(value("GPS_coord[0]")).zip(degrees(value("GPS_coord[1]"))) else {
            return;
        };
        // A little before or after the main loop.
        let after = value("time")
            .zip(self.clock)
            .map_or(0, |(time, (last, _))| time.wrapping_sub(last).cast_signed());
        let time = self.moment().map(|time| time.plus_nanos(i64::from(after) * 1000));
        let unit = if self.head.tenths { 10.0 } else { 1.0 };
        let alt_m = value("GPS_altitude").map(|raw| f64::from(raw.cast_signed()) / unit);
        let whose = Whose {
            role: Role::Aircraft,
            vehicle: None,
            alt_reference: Some(AltReference::Amsl),
            field: "GPS_coord",
        };
        self.record.point(whose, TrackPoint::new(time, lat, lon, alt_m));
    }

    fn finish(self, at: usize) {
        if !self.ended {
            self.record.flaw("end", at, "the log breaks off");
        }
        if let (Some((_, elapsed)), None) = (self.clock, self.head.began) {
            let seconds = Timestamp::from_nanos(elapsed.saturating_mul(1000)).as_secs_f64();
            self.record.say("flying", &format!("for {seconds:.1} s"), "log");
        }
    }
}

/// Units of 10⁻⁷ degrees.
fn degrees(raw: Option<&u32>) -> Option<f64> {
    raw.map(|raw| f64::from(raw.cast_signed()) / 1e7)
}

fn scrub(_: &[u8], _: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    Err(Refusal(
        "each frame of a Blackbox log builds on the one before: nothing can be taken out of the middle"
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::FlightState;
    use proptest::prelude::*;

    fn unsigned(mut value: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value > 0x7f {
            bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        bytes.push(u8::try_from(value).unwrap());
        bytes
    }

    fn signed(value: i32) -> Vec<u8> {
        unsigned((value << 1 ^ value >> 31).cast_unsigned())
    }

    const HEAD: &str = "H Product:Blackbox flight data recorder by Nicholas Sherlock\nH Data version:2\n\
        H Field I name:loopIteration,time,axisP[0],axisP[1],axisP[2]\nH Field I predictor:0,0,0,0,0\n\
        H Field I encoding:1,1,0,0,0\nH Field P predictor:6,2,1,1,1\nH Field P encoding:9,0,7,7,7\n\
        H Field H name:GPS_home[0],GPS_home[1]\nH Field H predictor:0,0\nH Field H encoding:0,0\n\
        H Field G name:time,GPS_numSat,GPS_coord[0],GPS_coord[1],GPS_altitude\n\
        H Field G predictor:10,0,7,7,0\nH Field G encoding:1,1,0,0,1\n\
        H Field S name:flightModeFlags,stateFlags\nH Field S predictor:0,0\nH Field S encoding:1,1\n\
        H Firmware revision:Betaflight 4.5.1 (0badcafe) HAWK7\nH Board information:SKYL HAWK7\n\
        H Log start datetime:2026-06-11T08:00:12.000+00:00\nH Craft name:Swift\nH Pilot name:Ada Example\n\
        H DeviceUID:0x360029303651033132373100\n";

    /// Twenty seconds from just before the clock wraps: a frame a second, with a place from the third on.
    fn log() -> Vec<Vec<u8>> {
        let start = u32::MAX - 4_000_000;
        let mut log = vec![HEAD.as_bytes().to_vec(), [&b"S"[..], &[1, 0]].concat()];
        for second in 0..20_u32 {
            let time = start.wrapping_add(second * 1_000_000);
            log.push(if second % 4 == 0 {
                [&b"I"[..], &unsigned(second), &unsigned(time), &signed(-5), &signed(500), &signed(0)]
                    .concat()
            } else {
                // The first after a frame with all values differs from it by a second, the others do not differ.
                let step = if second % 4 == 1 { 1_000_000 } else { 0 };
                [&b"P"[..], &signed(step), &[0b00_01_11_10]].concat()
            });
            if second == 2 {
                log.push([&b"H"[..], &signed(471_000_000), &signed(-85_000_000)].concat());
            }
            let place = i32::try_from(second).unwrap() * 10;
            log.push(
                [&b"G"[..], &unsigned(500), &unsigned(9), &signed(place), &signed(-place), &unsigned(5120)]
                    .concat(),
            );
        }
        log.push(vec![b'E', 15, 4]);
        log.push(b"E\xffEnd of log\0".to_vec());
        log
    }

    #[test]
    fn a_flight_its_home_and_its_owner_are_told() {
        let bytes = [log().concat(), vec![0xff; 100], log().concat()].concat();
        assert!(is(&bytes));
        let told = read(&bytes, &Options::default());
        assert!(told.damage.is_empty(), "{:?}", told.damage);
        let points = &told.tracks[0].points;
        assert_eq!(points.len(), 2 * 18, "without home nothing is known");
        let last = points[17];
        assert_eq!((last.lat, last.lon, last.alt_m), (47.100_019, -8.500_019, Some(512.0)));
        assert_eq!(last.time, Timestamp::parse("2026-06-11T08:00:31.0005Z"));
        assert_eq!((told.places.len(), told.places[0].role, told.places[0].lon), (1, Role::Home, -8.5));
        assert_eq!(told.phases[0].state, FlightState::Flying);
        assert_eq!(told.phases[0].to, Timestamp::parse("2026-06-11T08:00:31Z").unwrap());
        let who: Vec<_> = told.identifiers.iter().map(|one| (one.class, one.value.as_str())).collect();
        assert_eq!(
            who,
            [(DataClass::PersonName, "Ada Example"), (DataClass::Serial, "0x360029303651033132373100")]
        );
        assert_eq!(told.facts[0].value, "Swift");
        assert_eq!(told.device.model.as_deref(), Some("SKYL HAWK7"));
    }

    #[test]
    fn damage_costs_what_it_hits_and_a_log_without_a_date_has_no_times() {
        let mut frames = log();
        frames[0] = HEAD.replace("2026", "0000").into_bytes();
        frames[20] = vec![0x77; 9];
        let told = read(&frames.concat(), &Options::default());
        let damage: Vec<_> = told.damage.iter().map(|flaw| flaw.why.as_str()).collect();
        assert_eq!(damage, ["19 bytes are no frame"], "nothing vouches for the frame before, either");
        let points = &told.tracks[0].points;
        assert!(points.len() >= 17 && points.iter().all(|point| point.time.is_none()));
        assert!(told.phases.is_empty());
        assert!(told.facts.iter().any(|fact| fact.what == "flying"), "{:?}", told.facts);
    }

    #[test]
    fn a_log_that_breaks_off_says_so() {
        let frames = log();
        let told = read(&frames[..frames.len() - 1].concat(), &Options::default());
        assert_eq!((told.tracks[0].points.len(), told.damage[0].what.as_str()), (18, "end"));
    }

    proptest! {
        #[test]
        fn a_cut_log_gives_what_stands_before_the_cut(cut in 0_usize..2000) {
            let bytes = log().concat();
            let whole = read(&bytes, &Options::default());
            let told = read(&bytes[..cut.min(bytes.len())], &Options::default());
            for (track, all) in told.tracks.iter().zip(&whole.tracks) {
                prop_assert!(all.points.starts_with(&track.points));
            }
        }

        #[test]
        fn any_bytes_within_are_answered(at in 0_usize..2000, bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut log = log().concat();
            let at = at.min(log.len());
            log.splice(at..at, bytes);
            prop_assert_eq!(read(&log, &Options::default()).kind, "blackbox");
        }
    }
}
