//! GPX 1.0 and 1.1 tracks (topografix.com/GPX/1/1): `trkpt`, `rtept` and `wpt` with `lat`, `lon`, `ele`, `time`.
//!
//! GPX knows no armed state: flight is told by movement and height.

use creance_model::Timestamp;
use quick_xml::{Reader, events::Event};

use super::{Sample, flying_by_movement, place};

pub(super) fn read(bytes: &[u8]) -> Vec<Sample> {
    let mut reader = Reader::from_reader(bytes);
    let (mut samples, mut heights) = (Vec::new(), Vec::new());
    let mut point: Option<Point> = None;
    let mut within: Option<String> = None;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(tag)) => {
                let name = tag.local_name();
                if matches!(name.as_ref(), "trkpt" | "rtept" | "wpt") {
                    let number = |key: &str| -> Option<f64> {
                        let attribute = tag.try_get_attribute(key).ok().flatten()?;
                        attribute.value.trim().parse().ok()
                    };
                    point = Some(Point { lat: number("lat"), lon: number("lon"), height: None, time: None });
                }
                within = Some(name.as_ref().to_owned());
            }
            Ok(Event::Text(text)) => {
                if let (Some(point), Some(name)) = (&mut point, &within) {
                    let text: &str = &text;
                    match name.as_str() {
                        "time" => point.time = Timestamp::parse(text),
                        "ele" => point.height = text.trim().parse().ok(),
                        _ => {}
                    }
                }
            }
            Ok(Event::End(tag)) => {
                within = None;
                if matches!(tag.local_name().as_ref(), "trkpt" | "rtept" | "wpt")
                    && let Some(Point { lat, lon, height, time: Some(time) }) = point.take()
                {
                    let position = lat.zip(lon).and_then(|(lat, lon)| place(lat, lon));
                    samples.push(Sample { vehicle: 0, time, state: None, position });
                    heights.push(height);
                }
            }
            // A cut file gives the points before the cut.
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    flying_by_movement(&mut samples, &heights);
    samples
}

struct Point {
    lat: Option<f64>,
    lon: Option<f64>,
    height: Option<f64>,
    time: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::FlightState;

    #[test]
    fn points_carry_place_time_and_flight() {
        let gpx = br#"<?xml version="1.0"?><gpx><trk><trkseg>
            <trkpt lat="47.0" lon="8.0"><ele>400</ele><time>2026-06-11T08:00:00Z</time></trkpt>
            <trkpt lat="47.0" lon="8.0"><ele>420</ele><time>2026-06-11T08:00:01Z</time></trkpt></trkseg></trk></gpx>"#;
        let samples = read(gpx);
        assert_eq!(samples.len(), 2);
        assert_eq!(samples[1].state, Some(FlightState::Flying));
        assert_eq!(samples[0].position, Some((47.0, 8.0)));
    }
}
