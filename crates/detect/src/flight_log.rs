//! Flight logs in bodies, by their content: of all makers, whatever they are called.

use creance_flightlog::Options;
use creance_model::{DataClass, Inspection, Match};
use creance_place::sites;
use data_encoding::HEXLOWER;

use crate::{Card, Context, Detector, Sighting, Sink, View, inspected, pictures::hash};

/// Records of flights, and what stands in them.
pub(crate) struct FlightLog;

impl Detector for FlightLog {
    fn card(&self) -> &'static Card {
        &Card {
            id: "flight-log",
            what: "a flight log (DJI, MAVLink, ArduPilot, PX4, Blackbox, tables, GPX, captions), and the serial numbers, accounts and homes in it",
            why: "It says where the aircraft and who flew it were, second by second, and which aircraft it was.",
            wrong: "A track of anything that moves has the same formats: a hiker's GPX is told as well.",
            classes: &[
                DataClass::FlightLog,
                DataClass::Serial,
                DataClass::DeviceId,
                DataClass::AccountId,
                DataClass::PersonName,
                DataClass::Location,
            ],
        }
    }

    fn look(&self, message: &View<'_>, context: &Context, sink: &mut Sink<'_>) {
        for (index, _, part) in message.glances().filter(|(_, glance, _)| glance.length >= SHORTEST) {
            let bytes = part.bytes();
            let Some(format) = creance_flightlog::format(bytes.get(..HEAD).unwrap_or(bytes)) else {
                continue;
            };
            let said = format.read(bytes, &Options::default());
            if !is_log(&said) {
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
            let sighting =
                Sighting::whole(DataClass::FlightLog, Match::Structured, "flight-log", index, value);
            sink.sight(sighting.at(&seen));
            // Places in text are found where they stand.
            let is_text = std::str::from_utf8(bytes.get(..HEAD.min(bytes.len())).unwrap_or_default()).is_ok();
            inspected::tell(&said, "flight-log", index, !is_text, sink);
        }
    }
}

/// Shorter ones hold no way.
const SHORTEST: u32 = 128;

/// Bytes by which a format is known.
const HEAD: usize = 4096;

/// Whether a file says what happened when: a way of two dated points, or phases. A mission is a plan, and a table of
/// places without times may be of anything.
fn is_log(said: &Inspection) -> bool {
    let dated = said.tracks.iter().flat_map(|track| &track.points).filter(|point| point.time.is_some());
    dated.take(2).count() == 2 || !said.phases.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{body, told};

    #[test]
    fn reports() {
        let table = "time,lat,lon,alt\n2031-06-11T08:00:00Z,47.51234,8.51234,400\n2031-06-11T08:00:01Z,47.51239,8.51241,405\n2031-06-11T08:00:02Z,47.51250,8.51250,409\n";
        let captions = "1\n00:00:00,000 --> 00:00:01,000\n2031-06-11 08:00:00.000\n[latitude: 47.51234] [longitude: 8.51234]\n\n2\n00:00:01,000 --> 00:00:02,000\n2031-06-11 08:00:01.000\n[latitude: 47.51239] [longitude: 8.51241]\n\n";
        let track = "<?xml version=\"1.0\"?><gpx version=\"1.1\"><trk><trkseg><trkpt lat=\"47.5\" lon=\"8.5\"><time>2031-06-11T08:00:00Z</time></trkpt><trkpt lat=\"47.6\" lon=\"8.5\"><time>2031-06-11T08:00:09Z</time></trkpt></trkseg></trk></gpx>";
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
        let words = "The aircraft flew from the field to the wood and back again. ".repeat(4);
        for text in [menu, words] {
            assert!(told(&body(text.as_bytes())).iter().all(|one| one.0 != DataClass::FlightLog), "{text}");
        }
    }
}
