//! Tables of flights (CSV with a header row): exports of Airdata and `HealthyDrones`, Litchi, exporters of DJI flight records,
//! and any with columns for time, latitude and longitude. Litchi's missions are tables too: of places that somebody meant.
//!
//! Columns are found by name. Feet and metres are told by the unit in the name; cells of a row are parted by comma, semicolon
//! or tab, whichever the header has most of; with semicolons a comma may be the decimal point. Times without an offset are
//! taken as UTC.

mod clock;
mod columns;
mod kept;
mod rewrite;

use std::collections::{BTreeMap, BTreeSet};

use creance_model::{
    Dated, FlightState, Gaze, Inspection, Role, Spot, Timestamp, Track, TrackPoint, is_place,
};

use crate::{
    Format, Options,
    movement::{Sample, add_phases, flying_by_movement},
    text,
};
use clock::Clock;
use columns::{Columns, Identity, Pair};

pub(crate) const FORMAT: Format = Format { name: "csv", is, read, scrub: rewrite::scrub };

/// Different values of a column, and planned places, that are told one by one.
const MOST: usize = 1000;
const MOST_PLANNED: usize = 10_000;

/// Rows that are read: 55 hours of ten a second.
const MOST_ROWS: u64 = 2_000_000;

/// Nanoseconds within which the same place of home or operator is not told again.
const AGAIN: i64 = 5_000_000_000;

fn is(head: &[u8]) -> bool {
    let text = text(head).map(str::as_bytes);
    text.is_some_and(|text| columns::may_be_flight(text) && Table::of(text).columns.is_flight())
}

/// A table: what its columns are, and where its rows begin.
struct Table<'a> {
    columns: Columns,
    header: ::csv::ByteRecord,
    delimiter: u8,
    /// What stands before the header: the mark of the encoding, blanks, and a line for spreadsheets (`sep=,`).
    before: &'a [u8],
    reader: ::csv::Reader<&'a [u8]>,
}

impl<'a> Table<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let mut rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        let line =
            |bytes: &'a [u8]| bytes.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        let first = line(rest);
        if first.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"sep=")) {
            rest = rest.get(first.len()..).unwrap_or_default().trim_ascii_start();
        }
        let count = |delimiter: u8| line(rest).split(|byte| *byte == delimiter).count();
        // Of equal counts the last is taken.
        let delimiter = [b'\t', b';', b','].into_iter().max_by_key(|one| count(*one)).unwrap_or(b',');
        let mut reader = ::csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(false)
            .from_reader(rest);
        let mut header = ::csv::ByteRecord::new();
        // What cannot be read is an empty header, which is of no flight.
        reader.read_byte_record(&mut header).unwrap_or(false);
        let before = bytes.get(..bytes.len() - rest.len()).unwrap_or_default();
        Self { columns: Columns::of(header.iter()), header, delimiter, before, reader }
    }

    /// A number as the table writes them.
    fn number(&self, cell: &str) -> Option<f64> {
        let cell = cell.trim();
        let number = if self.delimiter == b';' && !cell.contains('.') {
            cell.replace(',', ".").parse()
        } else {
            cell.parse()
        };
        number.ok().filter(|number: &f64| number.is_finite())
    }
}

/// What rows say, in the making.
struct Rows {
    inspection: Inspection,
    samples: Vec<Sample>,
    tracks: BTreeMap<usize, Vec<TrackPoint>>,
    values: BTreeSet<(usize, String)>,
    /// Rows without a time, and where the first stands.
    undated: (u64, u64),
    photo: bool,
    planned: usize,
}

fn read(bytes: &[u8], _: &Options) -> Inspection {
    let mut table = Table::of(bytes);
    let mut rows = Rows {
        inspection: Inspection::of(FORMAT.name),
        samples: Vec::new(),
        tracks: BTreeMap::new(),
        values: BTreeSet::new(),
        undated: (0, 0),
        photo: false,
        planned: 0,
    };
    if !table.columns.is_flight() {
        let why = "the header names no time with a place or a state beside it, expected columns such as time, lat, lon";
        rows.inspection.flaw("header", table.before.len() as u64, why);
        return rows.inspection;
    }
    let mut clock = Clock::new(&table.columns);
    let (mut record, mut count) = (::csv::ByteRecord::new(), 0);
    while table.reader.read_byte_record(&mut record).unwrap_or(false) {
        count += 1;
        if count > MOST_ROWS {
            continue;
        }
        let at = table.before.len() as u64 + record.position().map_or(0, ::csv::Position::byte);
        let cell = |column: usize| std::str::from_utf8(record.get(column)?).ok().map(str::trim);
        rows.take(&table, &mut clock, at, &cell);
    }
    if count > MOST_ROWS {
        rows.inspection.flaw("rows", 0, &format!("{count} of them, {MOST_ROWS} are read"));
    }
    rows.finish(&table.columns, &clock)
}

impl Rows {
    fn take<'c>(
        &mut self,
        table: &Table<'_>,
        clock: &mut Clock,
        at: u64,
        cell: &impl Fn(usize) -> Option<&'c str>,
    ) {
        let columns = &table.columns;
        let number = |column: usize| cell(column).and_then(|cell| table.number(cell));
        let time = clock.time(cell);
        if time.is_none() && columns.times.is_some() {
            self.undated.0 += 1;
            if self.undated.0 == 1 {
                self.undated.1 = at;
            }
            return;
        }
        let height = columns.height.and_then(|height| Some(number(height.column)? * height.metres));
        let angles = [columns.yaw, columns.pitch, columns.roll].map(|column| column.and_then(number));
        let gaze = match angles {
            // What does not tell of roll has gimbals that hold the horizon.
            [Some(yaw), Some(pitch), roll] => Gaze::of([yaw, pitch, roll.unwrap_or(0.0)]),
            _ => None,
        };
        let gaze = gaze.map(|gaze| gaze.with_width(columns.width.and_then(number)));
        let mut place = None;
        for (index, pair) in columns.pairs.iter().enumerate() {
            let degrees = number(pair.lat).zip(number(pair.lon)).filter(|(lat, lon)| is_place(*lat, *lon));
            let Some((lat, lon)) = degrees else { continue };
            if pair.role == Role::Aircraft {
                place = place.or(degrees);
            }
            let gaze = gaze.filter(|_| pair.role == Role::Aircraft);
            let point = TrackPoint { gaze, ..TrackPoint::new(time, lat, lon, height) };
            self.stands(columns, index, *pair, point);
        }
        let state = columns.flying.and_then(cell).and_then(state);
        if let Some(time) = time {
            self.samples.push(Sample { time, place, height, state });
            let photo = columns.photo.and_then(cell).and_then(state_of).unwrap_or(false);
            if photo && !self.photo {
                self.dated("taken", time, columns, columns.photo);
            }
            self.photo = photo;
        }
        self.say(columns, cell);
    }

    fn stands(&mut self, columns: &Columns, index: usize, pair: Pair, point: TrackPoint) {
        let TrackPoint { time, lat, lon, alt_m, .. } = point;
        match pair.role {
            Role::Target => {
                self.planned += 1;
                let field = columns.names.get(pair.lat).map_or("", |name| name.written.as_str());
                let spot = Spot::new(pair.role, lat, lon, field).filter(|_| self.planned <= MOST_PLANNED);
                self.inspection.places.extend(spot.map(|spot| Spot { time, alt_m, ..spot }));
            }
            Role::Aircraft => self.tracks.entry(index).or_default().push(point),
            _ => {
                let points = self.tracks.entry(index).or_default();
                let again = points.last().is_some_and(|last| {
                    let soon = last.time.zip(time).is_none_or(|(last, time)| time.since(last) < AGAIN);
                    (last.lat, last.lon) == (lat, lon) && soon
                });
                if !again {
                    points.push(TrackPoint { alt_m: None, ..point });
                }
            }
        }
    }

    /// Who and what it was, each value once.
    fn say<'c>(&mut self, columns: &Columns, cell: &impl Fn(usize) -> Option<&'c str>) {
        let identities = columns.identities.iter().copied();
        let messages = columns.messages.iter().map(|column| (*column, None));
        for (column, identity) in
            identities.map(|(column, identity)| (column, Some(identity))).chain(messages)
        {
            let value = cell(column).unwrap_or_default();
            let key = (column, value.to_owned());
            if value.is_empty() || self.values.len() >= MOST || !self.values.insert(key) {
                continue;
            }
            let field = columns.names.get(column).map_or("", |name| name.written.as_str());
            match identity {
                Some(Identity::Known(class, of)) => self.inspection.identify(class, of, value, field),
                Some(Identity::AircraftName) => self.inspection.say("aircraft name", value, field),
                Some(Identity::Address) => self.inspection.say("place name", value, field),
                Some(Identity::Comment) => self.inspection.say("comment", value, field),
                None => self.inspection.say("message", value, field),
            }
        }
        let device = &mut self.inspection.device;
        let of = |column: Option<usize>| column.and_then(cell).filter(|value| !value.is_empty());
        if device.model.is_none() {
            device.model = of(columns.model).map(str::to_owned);
        }
        if device.software.is_none() {
            let software: Vec<&str> = columns.app.into_iter().filter_map(of).collect();
            device.software = (!software.is_empty()).then(|| software.join(" "));
        }
    }

    fn dated(&mut self, what: &'static str, time: Timestamp, columns: &Columns, column: Option<usize>) {
        let field = column.and_then(|column| columns.names.get(column)).map(|name| name.written.clone());
        let zone_known = !columns.local;
        self.inspection.times.push(Dated { what, time, zone_known, field: field.unwrap_or_default() });
    }

    fn finish(mut self, columns: &Columns, clock: &Clock) -> Inspection {
        let start = self.samples.iter().map(|sample| sample.time).min();
        if let Some((time, times)) = start.zip(columns.times) {
            let column = match times {
                columns::Times::Whole(column) | columns::Times::Split(column, _) => column,
            };
            self.dated("start", time, columns, Some(column));
        }
        let Self { mut inspection, mut samples, tracks, undated, planned, .. } = self;
        if columns.local && !samples.is_empty() {
            inspection.say("times are local", "their offset from UTC is not said", "header");
        }
        if let Some(day_first) = clock.day_first {
            let order = if day_first { "day/month/year" } else { "month/day/year" };
            inspection.say("dates are read as", order, "header");
        }
        for (index, points) in tracks {
            let Some(pair) = columns.pairs.get(index) else { continue };
            let field = columns.names.get(pair.lat).map_or(String::new(), |name| name.written.clone());
            let alt_reference =
                columns.height.filter(|_| pair.role == Role::Aircraft).and_then(|height| height.reference);
            inspection.tracks.push(Track { role: pair.role, vehicle: None, alt_reference, points, field });
        }
        let said = columns.flying.and_then(|column| columns.names.get(column));
        if said.is_none() {
            flying_by_movement(&mut samples);
        }
        let source = said.map_or("movement", |name| name.written.as_str());
        let states = samples.iter().filter_map(|sample| Some((sample.time, sample.state?)));
        add_phases(&mut inspection, states.collect(), source);
        let (count, at) = undated;
        if count > 0 {
            inspection.flaw("rows", at, &format!("{count} without a time that can be read"));
        }
        if planned > MOST_PLANNED {
            inspection.flaw("planned places", 0, &format!("{planned} of them, {MOST_PLANNED} are told"));
        }
        inspection
    }
}

fn state_of(cell: &str) -> Option<bool> {
    match cell.to_lowercase().as_str() {
        "1" | "true" | "yes" | "armed" => Some(true),
        "0" | "false" | "no" | "disarmed" => Some(false),
        _ => None,
    }
}

fn state(cell: &str) -> Option<FlightState> {
    state_of(cell).map(|flying| if flying { FlightState::Flying } else { FlightState::Ground })
}

#[cfg(test)]
mod tests;
