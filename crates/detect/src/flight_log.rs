//! Flight logs in bodies, by their content: of all makers, whatever they are called.

use creance_flightlog::Options;
use creance_model::{DEGREE_M, DataClass, Inspection, Match, Role};
use creance_place::sites;
use data_encoding::HEXLOWER;

use crate::{Card, Context, Detector, Sighting, Sink, View, inspected, pictures::hash};

/// Records of flights, and what stands in them.
pub(crate) struct FlightLog;

impl Detector for FlightLog {
    fn card(&self) -> &'static Card {
        &Card {
            id: "flight-log",
            what: "a flight log (DJI, MAVLink, ArduPilot, PX4, Blackbox, tables, GPX, KML, captions), and the serial numbers, accounts and homes in it",
            why: "It says where the aircraft and who flew it were, second by second, and which aircraft it was.",
            wrong: "A track of anything that moves at the speed of aircraft has the same formats: a hiker's GPX is told as well.",
            classes: &[
                DataClass::FlightLog,
                DataClass::Serial,
                DataClass::DeviceId,
                DataClass::AccountId,
                DataClass::PersonName,
                DataClass::NetworkInfo,
                DataClass::Credential,
                DataClass::Email,
                DataClass::Phone,
                DataClass::Location,
            ],
        }
    }

    fn look(&self, message: &View<'_>, context: &Context, sink: &mut Sink<'_>) {
        for (index, _, part) in message.glances_from(SHORTEST) {
            let bytes = part.bytes();
            let Some(format) = creance_flightlog::format(bytes.get(..HEAD).unwrap_or(bytes)) else {
                continue;
            };
            let said = format.read(bytes, &Options::default());
            if !is_log(format.name, &said) {
                continue;
            }
            let points: usize = said.tracks.iter().map(|track| track.points.len()).sum();
            let value = format!(
                "{} flight log, {points} points, {} bytes, SHA-256 {}",
                format.name,
                bytes.len(),
                HEXLOWER.encode(&hash(bytes))
            );
            let seen = sites::seen(&said, &context.sites);
            if seen.beyond {
                sink.limited(inspected::SITES);
            }
            let sighting =
                Sighting::whole(DataClass::FlightLog, Match::Structured, "flight-log", index, value);
            sink.sight(sighting.at(&seen.sites));
            // Places in text are found where they stand.
            let head = std::str::from_utf8(bytes.get(..HEAD).unwrap_or(bytes));
            // A letter may be cut by the end of the head.
            let is_text = head.is_ok() || head.is_err_and(|error| error.error_len().is_none());
            inspected::tell(&said, "flight-log", index, !is_text, sink);
        }
    }
}

/// Shorter ones hold no way.
const SHORTEST: u32 = 128;

/// Bytes by which a format is known.
const HEAD: usize = 4096;

/// Formats that nothing else has, whatever stands in them.
const OWN: &[&str] = &["ulog", "blackbox", "dataflash", "tlog", "dji-txt"];

/// Metres a second that no aircraft of this kind flies, and the share of steps that must be slower, of ten.
const TOO_FAST: f64 = 150.0;
const SLOWER: usize = 9;

/// Whether a file is the log of a flight: of a format of its own that says anything, or a way of two dated points that
/// something may have flown. A mission is a plan, a table of places without times may be of anything, and one of
/// earthquakes or of many ships jumps.
fn is_log(format: &str, said: &Inspection) -> bool {
    if OWN.contains(&format) {
        return !(said.identifiers.is_empty() && said.tracks.is_empty() && said.phases.is_empty());
    }
    let (mut steps, mut slow) = (0, 0);
    for track in said.tracks.iter().filter(|track| track.role == Role::Aircraft) {
        for two in track.points.windows(2) {
            let [from, to] = two else { continue };
            let Some((before, after)) = from.time.zip(to.time) else { continue };
            let north = (to.lat - from.lat) * DEGREE_M;
            let east = (to.lon - from.lon) * from.lat.to_radians().cos() * DEGREE_M;
            let seconds = (after.as_secs_f64() - before.as_secs_f64()).abs();
            steps += 1;
            slow += usize::from(north.hypot(east) <= TOO_FAST * seconds.max(1.0));
        }
    }
    steps > 0 && slow * 10 >= steps * SLOWER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{body, told};

    #[test]
    fn reports() {
        let table = "time,lat,lon,alt\n2031-06-11T08:00:00Z,47.51234,8.51234,400\n2031-06-11T08:00:01Z,47.51239,8.51241,405\n2031-06-11T08:00:02Z,47.51250,8.51250,409\n";
        let captions = "1\n00:00:00,000 --> 00:00:01,000\n2031-06-11 08:00:00.000\n[latitude: 47.51234] [longitude: 8.51234]\n\n2\n00:00:01,000 --> 00:00:02,000\n2031-06-11 08:00:01.000\n[latitude: 47.51239] [longitude: 8.51241]\n\n";
        let track = "<?xml version=\"1.0\"?><gpx version=\"1.1\"><trk><trkseg><trkpt lat=\"47.5\" lon=\"8.5\"><time>2031-06-11T08:00:00Z</time></trkpt><trkpt lat=\"47.5005\" lon=\"8.5\"><time>2031-06-11T08:00:09Z</time></trkpt></trkseg></trk></gpx>";
        for (log, name) in [(table, "csv"), (captions, "srt"), (track, "gpx")] {
            let logs: Vec<String> = told(&body(log.as_bytes()))
                .into_iter()
                .filter(|one| one.0 == DataClass::FlightLog)
                .map(|one| one.2)
                .collect();
            assert_eq!(logs.len(), 1, "{name}: {logs:?}");
            assert!(logs[0].starts_with(&format!("{name} flight log, ")), "{logs:?}");
        }
    }

    #[test]
    fn ignores() {
        let menu = "name,price,count\nbattery,10.5,3\npropeller,2.25,8\n".repeat(4);
        let alarm =
            "time,armed\n2031-06-11T08:00:00Z,1\n2031-06-11T09:00:00Z,0\n2031-06-11T10:00:00Z,1\n".repeat(3);
        let quakes = "time,latitude,longitude,depth,mag\n2031-06-11T08:00:00Z,47.51,8.51,10,2.1\n2031-06-11T08:02:00Z,-12.25,-77.5,33,4.5\n2031-06-11T08:03:10Z,35.5,139.25,50,3.9\n";
        let plan = "QGC WPL 110\n0\t1\t0\t16\t0\t0\t0\t0\t47.1\t8.1\t583.4\t1\n1\t0\t3\t22\t10\t0\t0\t0\t47.2\t8.2\t30\t1\n2\t0\t3\t16\t0\t0\t0\t0\t47.3\t8.2\t30\t1\n";
        let words = "The aircraft flew from the field to the wood and back again. ".repeat(4);
        for text in [menu, alarm, quakes.to_owned(), plan.to_owned(), words] {
            assert!(told(&body(text.as_bytes())).iter().all(|one| one.0 != DataClass::FlightLog), "{text}");
        }
    }
}
