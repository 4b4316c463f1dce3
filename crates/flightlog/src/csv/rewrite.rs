//! A table of a flight without what it gives away: the same rows, with cells changed or emptied.
//!
//! Where the aircraft was moves as asked, or goes. Home and operator, serial numbers, names, accounts and what the app told the
//! pilot always go, and so do latitudes and longitudes of which nobody says whose they are. Heights above the sea, which tell
//! a place as ground does, stay where all places move alike; times, other heights, and of the rest numbers and words of programs
//! stay. Texts of which nobody knows what they say go.

use std::collections::BTreeMap;

use creance_model::{DataClass, Piece, Refusal, Role, ScrubRequest, Scrubbed, is_place};

use super::{Identity, Pair, Table, kept::Kept};

/// What is told of cells that no column of the header is for.
const UNNAMED: &str = "cell without a column";

pub(super) fn scrub(bytes: &[u8], request: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    let mut table = Table::of(bytes);
    if !table.columns.is_flight() {
        return Err(Refusal("its header does not say which columns hold places".to_owned()));
    }
    let emptied = emptied(&table, request.locations.keeps_height());
    let kept = Kept::of(&table.columns);
    let moved: Vec<Pair> = table
        .columns
        .pairs
        .iter()
        .copied()
        .filter(|pair| !matches!(pair.role, Role::Home | Role::Operator))
        .collect();
    let mut writer = ::csv::WriterBuilder::new()
        .delimiter(table.delimiter)
        .flexible(true)
        .terminator(terminator(bytes))
        .from_writer(Vec::new());
    let broken = |error: ::csv::Error| Refusal(format!("it cannot be written again: {error}"));
    writer.write_byte_record(&table.header).map_err(broken)?;
    // By column; of those without a name, what stands there is told once.
    let mut changed = BTreeMap::new();
    let mut record = ::csv::ByteRecord::new();
    while table.reader.read_byte_record(&mut record).unwrap_or(false) {
        let mut cells: Vec<Vec<u8>> = record.iter().map(<[u8]>::to_vec).collect();
        for (column, what) in &emptied {
            empty(&mut cells, *column, what, &mut changed);
        }
        // What stands behind the last column may be anything.
        for column in table.header.len()..cells.len() {
            empty(&mut cells, column, UNNAMED, &mut changed);
        }
        for (column, kept) in kept.iter().enumerate() {
            let stays = |cell: &[u8]| {
                std::str::from_utf8(cell).is_ok_and(|cell| kept.allows(cell, table.number(cell)))
            };
            if cells.get(column).is_some_and(|cell| !stays(cell)) {
                empty(&mut cells, column, "text", &mut changed);
            }
        }
        for pair in &moved {
            let degrees = |column: usize| {
                record
                    .get(column)
                    .and_then(|cell| std::str::from_utf8(cell).ok())
                    .and_then(|cell| table.number(cell))
            };
            let place = degrees(pair.lat).zip(degrees(pair.lon)).filter(|(lat, lon)| is_place(*lat, *lon));
            let moved = place.and_then(|(lat, lon)| request.locations.moved(lat, lon));
            for (column, degrees) in [(pair.lat, moved.map(|one| one.0)), (pair.lon, moved.map(|one| one.1))]
            {
                let comma = cells.get(column).is_some_and(|cell| cell.contains(&b','));
                empty(&mut cells, column, "position", &mut changed);
                if let Some((cell, degrees)) = cells.get_mut(column).zip(degrees) {
                    let point = if comma { "," } else { "." };
                    *cell = format!("{degrees:.7}").replace('.', point).into_bytes();
                }
            }
        }
        writer.write_record(&cells).map_err(broken)?;
    }
    let rows =
        writer.into_inner().map_err(|error| Refusal(format!("it cannot be written again: {error}")))?;
    let mut scrubbed = Scrubbed {
        pieces: vec![Piece::Copy(0..table.before.len() as u64), Piece::Bytes(rows)],
        removed: Vec::new(),
    };
    for (column, what) in changed {
        let name = column.and_then(|column| table.columns.names.get(column));
        scrubbed.removed(what, name.map_or("", |name| name.written.as_str()));
    }
    Ok(scrubbed)
}

/// Columns that are emptied, and what stands in them.
fn emptied(table: &Table<'_>, heights: bool) -> Vec<(usize, &'static str)> {
    let columns = &table.columns;
    let mut emptied: Vec<(usize, &'static str)> = Vec::new();
    for pair in &columns.pairs {
        let what = match pair.role {
            Role::Home => "place of home",
            Role::Operator => "place of the operator",
            _ => continue,
        };
        emptied.extend([(pair.lat, what), (pair.lon, what)]);
    }
    emptied.extend(columns.other_degrees.iter().map(|column| (*column, "position")));
    emptied.extend(columns.messages.iter().map(|column| (*column, "message")));
    if !heights {
        emptied.extend(columns.above_sea.iter().map(|column| (*column, "height above the sea")));
    }
    emptied.extend(columns.identities.iter().map(|(column, identity)| {
        let what = match identity {
            Identity::Known(DataClass::Serial, _) => "serial",
            Identity::Known(class, _) => class.name(),
            Identity::AircraftName => "aircraft name",
            Identity::Address => "place name",
            Identity::Comment => "comment",
        };
        (*column, what)
    }));
    emptied
}

fn empty(
    cells: &mut [Vec<u8>],
    column: usize,
    what: &'static str,
    changed: &mut BTreeMap<Option<usize>, &'static str>,
) {
    if let Some(cell) = cells.get_mut(column).filter(|cell| !cell.is_empty()) {
        cell.clear();
        changed.insert((what != UNNAMED).then_some(column), what);
    }
}

/// How lines end, as the first does.
fn terminator(bytes: &[u8]) -> ::csv::Terminator {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if first.ends_with(b"\r") { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') }
}
