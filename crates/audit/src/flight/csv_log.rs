//! Flight logs as CSV with a header row, columns found by name (DESIGN §4).
//!
//! `time|datetime_utc|timestamp`, `lat|latitude`, `lon|longitude`, `alt|altitude…|height…`, optional
//! `is_flying|armed`, and where its home and its operator are (`home_lat`, `operator_lon` and the like). Times are ISO 8601 or Unix; without an offset they are taken as UTC. Rows that do not parse are
//! skipped.

use creance_model::{FlightState, Timestamp};

use super::{
    Log, Sample, flying_by_movement,
    others::{self, Others},
    place,
};

pub(super) fn read(bytes: &[u8]) -> Result<Log, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let header = reader.byte_headers().map_err(|error| error.to_string())?.clone();
    let names: Vec<String> = header.iter().map(|name| String::from_utf8_lossy(name).to_lowercase()).collect();
    let column = |wanted: &dyn Fn(&str) -> bool| names.iter().position(|name| wanted(name));
    let time = column(&|name| {
        matches!(name, "time" | "datetime_utc" | "timestamp" | "datetime(utc)" | "datetime" | "time_utc")
    })
    .ok_or("the header names no time, expected a column time, datetime_utc or timestamp")?;
    let lat = column(&|name| matches!(name, "lat" | "latitude"));
    let lon = column(&|name| matches!(name, "lon" | "lng" | "longitude"));
    let height = column(&|name| name.starts_with("alt") || name.starts_with("height"));
    let flying = column(&|name| matches!(name, "is_flying" | "isflying" | "armed"));

    let beside = others::columns(&names);

    let (mut samples, mut others) = (Vec::new(), Others::default());
    let mut heights = Vec::new();
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        let cell = |column: Option<usize>| {
            column.and_then(|column| record.get(column)).and_then(|cell| std::str::from_utf8(cell).ok())
        };
        let number = |column| cell(column).and_then(|cell| cell.parse::<f64>().ok());
        let Some(moment) = cell(Some(time)).and_then(Timestamp::parse) else { continue };
        let state = cell(flying).and_then(|cell| match cell.to_lowercase().as_str() {
            "1" | "true" | "yes" | "armed" => Some(FlightState::Flying),
            "0" | "false" | "no" | "disarmed" => Some(FlightState::Ground),
            _ => None,
        });
        let position = number(lat).zip(number(lon)).and_then(|(lat, lon)| place(lat, lon));
        for (role, lat, lon) in &beside {
            if let Some((lat, lon)) = number(Some(*lat)).zip(number(Some(*lon))) {
                others.add(*role, moment, lat, lon);
            }
        }
        samples.push(Sample { vehicle: 0, time: moment, state, position });
        heights.push(number(height));
    }
    if flying.is_none() {
        flying_by_movement(&mut samples, &heights);
    }
    Ok(Log { samples, others })
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_detect::Role;

    #[test]
    fn columns_are_found_by_name_and_bad_rows_skipped() {
        let log = b"datetime_utc,latitude,longitude,height_m,is_flying\n2026-06-11T08:00:10Z,24.7,121.0,0.0,0\nnever,,,,\n2026-06-11T08:00:11Z,24.7,121.0,5.0,1\n";
        let samples = read(log).unwrap().samples;
        assert_eq!(
            samples.iter().map(|sample| sample.state).collect::<Vec<_>>(),
            [Some(FlightState::Ground), Some(FlightState::Flying)]
        );
        assert_eq!(samples[0].position, Some((24.7, 121.0)));
    }

    #[test]
    fn columns_of_home_and_operator_are_found_by_name() {
        let log =
            b"time,lat,lon,home_lat,home_lon,rc_latitude,rc_longitude\n100,47.0,8.0,47.1,8.1,47.2,8.2\n";
        let paths = read(log).unwrap().others.paths();
        let told: Vec<_> =
            paths.iter().map(|path| (path.role, path.fixes[0].lat, path.fixes[0].lon)).collect();
        assert_eq!(told, [(Role::Home, 47.1, 8.1), (Role::Operator, 47.2, 8.2)]);
    }

    #[test]
    fn a_header_without_time_is_refused_by_name() {
        assert!(read(b"lat,lon\n1,2\n").unwrap_err().contains("names no time"));
    }

    #[test]
    fn without_a_flag_height_tells() {
        let samples = read(b"time,lat,lon,alt\n100,47.0,8.0,400\n101,47.0,8.0,410\n").unwrap().samples;
        assert_eq!(samples[0].state, None);
        assert_eq!(samples[1].state, Some(FlightState::Flying));
    }
}
