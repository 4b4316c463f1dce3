//! `creance zones check`: flights, missions, their legs, and positions against zones of airspace (`creance.zones/1`).

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, Write},
    path::Path,
};

use anyhow::Context;
use creance_model::{AltReference, Inspected, Outline, Role, Timestamp};
use creance_place::zones::{self, Answer, Height, Leg, Place, Source, Verdict, Zones};
use creance_render::zones::{self as render, Met};
use serde::Serialize;

use crate::{
    args::{self, Lines, Talk, ZonesAction, ZonesCheck, ZonesForm},
    exit,
    progress::Bar,
    rows::Rows,
};

/// The schema of a row.
const SCHEMA: &str = "creance.zones/1";

/// Positions that are kept to be drawn, and zones.
const MOST_DRAWN: usize = 200_000;
const MOST_OUTLINES: usize = 2_000;

/// Bytes of a line of stdin.
const LONGEST_LINE: u64 = 4096;

pub(crate) fn run(options: &args::Zones, talk: Talk) -> anyhow::Result<u8> {
    let ZonesAction::Check(options) = &options.action;
    check(options, talk)
}

/// A position and what is known of it.
struct Position {
    place: Place,
    role: &'static str,
    file: Option<String>,
}

/// One row. Those of the schema stand first.
#[derive(Serialize)]
struct Row<'a> {
    schema: &'static str,
    /// Of a position outside of everything: the nearest, if one is within a thousand kilometres.
    zone: Option<&'a str>,
    time: Option<Timestamp>,
    lat: f64,
    lon: f64,
    alt_m: Option<f64>,
    answer: &'static str,
    margin_m: Option<f64>,
    vertical_margin_m: Option<f64>,
    why: String,
    name: Option<&'a str>,
    country: Option<&'a str>,
    restriction: Option<String>,
    data: Option<String>,
    zones: Option<&'a str>,
    role: &'static str,
    file: Option<&'a str>,
    /// Of a leg, where it begins and ends; its place is where it comes to the zone first.
    from_lat: Option<f64>,
    from_lon: Option<f64>,
    to_lat: Option<f64>,
    to_lon: Option<f64>,
}

fn check(options: &ZonesCheck, talk: Talk) -> anyhow::Result<u8> {
    let zones = creance_audit::zones(&options.zones)?;
    let mut incomplete = false;
    for source in zones.sources() {
        for flaw in &source.flaws {
            incomplete = true;
            writeln!(std::io::stderr(), "{}: {flaw}", source.file)?;
        }
    }
    let mut told = Told::new(options, &zones);
    if let Some((lat, lon, alt)) = options.position {
        let place = place(options, lat, lon, None, alt, None);
        told.take(Position { place, role: "position", file: None })?;
    }
    for path in &options.tracks {
        if path.as_os_str() == "-" {
            incomplete |= lines(options, &mut told)?;
        } else {
            incomplete |= file(options, path, talk, &mut told)?;
        }
    }
    let met = told.finish()?;
    match options.format {
        ZonesForm::Json | ZonesForm::Jsonl | ZonesForm::Csv => {}
        ZonesForm::Text => written(options, |out| render::text(&met, options.reveal, out))?,
        ZonesForm::Html => {
            written(options, |out| out.write_all(render::html(&met, &title(options)).as_bytes()))?;
        }
        ZonesForm::Svg => written(options, |out| out.write_all(render::svg(&met).as_bytes()))?,
    }
    let ([_, inside, uncertain], [_, legs_inside, legs_uncertain]) = (met.positions, met.legs);
    let fails = match options.fail_on.as_deref() {
        Some("inside") => inside + legs_inside > 0,
        Some(_) => inside + uncertain + legs_inside + legs_uncertain > 0,
        None => false,
    };
    Ok(match (incomplete, fails) {
        (true, _) => exit::INCOMPLETE,
        (_, true) => exit::FINDINGS,
        _ => exit::DONE,
    })
}

fn place(
    options: &ZonesCheck,
    lat: f64,
    lon: f64,
    time: Option<Timestamp>,
    alt_m: Option<f64>,
    reference: Option<AltReference>,
) -> Place {
    let reference = reference.or(options.alt_reference);
    let height = alt_m.map(|metres| Height { metres, reference });
    Place { lat, lon, time: time.or(options.at), height, accuracy_m: options.accuracy }
}

/// Positions of a file that `inspect` reads, or of a table of positions. Returns whether not all of it could be read.
fn file(options: &ZonesCheck, path: &Path, talk: Talk, told: &mut Told<'_>) -> anyhow::Result<bool> {
    let request = creance_audit::Inspect { paths: vec![path.to_owned()], ..Default::default() };
    let bar = Bar::new(talk);
    let (mut found, mut incomplete, mut failed) = (0, false, None);
    let beyond = creance_audit::inspect(
        &request,
        &mut |inspected| {
            incomplete |= !inspected.inspection.damage.is_empty();
            let positions = positions(options, &inspected);
            let role = positions.first().map(|position| position.role);
            for position in positions {
                found += 1;
                failed = failed.take().or(told.take(position).err());
            }
            match legs(options, &inspected, role, told) {
                Ok(whole) => incomplete |= !whole,
                Err(error) => failed = failed.take().or(Some(error)),
            }
        },
        &mut |progress| bar.tell_files(progress),
    );
    bar.done();
    incomplete |= beyond? > 0;
    failed.map_or(Ok(()), Err)?;
    if found == 0 && path.is_file() {
        // A table without times is no flight, but has positions.
        let reader = std::io::BufReader::new(File::open(path)?);
        let mut numbers = 0;
        let flawed = table(reader, &mut |time, lat, lon, alt| {
            numbers += 1;
            let place = place(options, lat, lon, time, alt, None);
            told.take(Position { place, role: "position", file: Some(path.display().to_string()) })
        })?;
        found += numbers;
        incomplete |= numbers > 0 && flawed;
    }
    anyhow::ensure!(found > 0, "{} has no position that could be checked", path.display());
    Ok(incomplete)
}

/// What flew: tracks of aircraft; else pictures that were taken; else what was planned.
fn positions(options: &ZonesCheck, inspected: &Inspected) -> Vec<Position> {
    let inspection = &inspected.inspection;
    let file = || Some(inspected.file.clone());
    let mut all = Vec::new();
    for track in inspection.tracks.iter().filter(|track| track.role == Role::Aircraft) {
        all.extend(track.points.iter().map(|point| Position {
            place: place(options, point.lat, point.lon, point.time, point.alt_m, track.alt_reference),
            role: Role::Aircraft.name(),
            file: file(),
        }));
    }
    for role in [Role::Aircraft, Role::Camera, Role::Target] {
        if !all.is_empty() {
            break;
        }
        all.extend(inspection.places.iter().filter(|spot| spot.role == role).map(|spot| {
            let (alt_m, reference) = match (spot.alt_m, spot.height_m) {
                (None, Some(height)) => (Some(height), Some(AltReference::TakeOff)),
                (alt_m, _) => (alt_m, spot.alt_reference),
            };
            let place = place(options, spot.lat, spot.lon, spot.time, alt_m, reference);
            Position { place, role: role.name(), file: file() }
        }));
    }
    all
}

/// The legs between the positions that are told. Returns whether all could be checked.
fn legs(
    options: &ZonesCheck,
    inspected: &Inspected,
    role: Option<&'static str>,
    told: &mut Told<'_>,
) -> anyhow::Result<bool> {
    let (mut work, mut beyond, mut failed) = (zones::WORK, 0, None);
    zones::legs(&inspected.inspection, &mut |of, leg| {
        if role != Some(of.name()) || failed.is_some() {
            return;
        }
        let ends = leg.ends.map(|end| {
            let (alt_m, reference) =
                (end.height.map(|height| height.metres), end.height.and_then(|height| height.reference));
            place(options, end.lat, end.lon, end.time, alt_m, reference)
        });
        match told.leg(&Leg { ends, ..leg }, of.name(), &inspected.file, &mut work) {
            Ok(checked) => beyond += u64::from(!checked),
            Err(error) => failed = Some(error),
        }
    });
    if beyond > 0 {
        writeln!(
            std::io::stderr(),
            "{}: {beyond} legs are too long or too many to be checked",
            inspected.file
        )?;
    }
    failed.map_or(Ok(beyond == 0), Err)
}

/// Positions as they come on stdin; the answer to each is written at once.
fn lines(options: &ZonesCheck, told: &mut Told<'_>) -> anyhow::Result<bool> {
    table(std::io::stdin().lock(), &mut |time, lat, lon, alt| {
        let place = place(options, lat, lon, time, alt, None);
        told.take(Position { place, role: "position", file: None })?;
        told.flush()
    })
}

type Take<'a> = &'a mut dyn FnMut(Option<Timestamp>, f64, f64, Option<f64>) -> anyhow::Result<()>;

/// Lines of time, latitude, longitude and altitude; or in the order that a header says. Returns whether any was none.
fn table(mut reader: impl BufRead, take: Take<'_>) -> anyhow::Result<bool> {
    let (mut line, mut first, mut flawed) = (Vec::new(), true, false);
    let mut columns = [Some(0), Some(1), Some(2), Some(3)];
    loop {
        line.clear();
        let read = std::io::Read::take(&mut reader, LONGEST_LINE).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(flawed);
        }
        let Ok(text) = std::str::from_utf8(&line) else {
            (first, flawed) = (false, true);
            continue;
        };
        let cells: Vec<&str> =
            text.trim_start_matches('\u{feff}').trim().split([',', ';', '\t']).map(str::trim).collect();
        if cells == [""] {
            continue;
        }
        let cell =
            |at: usize| columns.get(at).copied().flatten().and_then(|column| cells.get(column)).copied();
        let number = |at: usize| {
            cell(at).and_then(|cell| cell.parse::<f64>().ok()).filter(|number| number.is_finite())
        };
        let degrees = number(1).zip(number(2)).filter(|(lat, lon)| lat.abs() <= 90.0 && lon.abs() <= 180.0);
        match degrees {
            Some((lat, lon)) => take(cell(0).and_then(Timestamp::parse), lat, lon, number(3))?,
            None if first => {
                let find = |names: &[&str]| {
                    cells.iter().position(|cell| names.iter().any(|name| cell.eq_ignore_ascii_case(name)))
                };
                columns = [
                    find(&["time", "timestamp", "datetime", "datetime_utc"]),
                    find(&["lat", "latitude"]),
                    find(&["lon", "lng", "longitude"]),
                    find(&["alt", "altitude", "alt_m", "height"]),
                ];
            }
            None => flawed = true,
        }
        first = false;
    }
}

/// Answers being told: rows at once, the rest at the end.
struct Told<'a> {
    options: &'a ZonesCheck,
    zones: &'a Zones,
    rows: Option<Rows>,
    met: Met,
    /// Where a zone stands in `met.rows`.
    numbers: HashMap<usize, usize>,
    drawn: usize,
    /// The file of the last position.
    last: Option<String>,
    first_time: Option<Timestamp>,
}

impl<'a> Told<'a> {
    fn new(options: &'a ZonesCheck, zones: &'a Zones) -> Self {
        let lines = match options.format {
            ZonesForm::Json => Some(Lines::Json),
            ZonesForm::Jsonl => Some(Lines::Jsonl),
            ZonesForm::Csv => Some(Lines::Csv),
            ZonesForm::Text | ZonesForm::Html | ZonesForm::Svg => None,
        };
        Self {
            options,
            zones,
            rows: lines.map(|lines| Rows::new(lines, &[])),
            met: Met::default(),
            numbers: HashMap::new(),
            drawn: 0,
            last: None,
            first_time: None,
        }
    }

    fn take(&mut self, position: Position) -> anyhow::Result<()> {
        let Position { place, role, file } = position;
        self.first_time = self.first_time.or(place.time);
        let verdicts = self.zones.check(&place);
        let gravest = verdicts.iter().map(Verdict::answer).max().unwrap_or(Answer::Outside);
        let [all, inside, uncertain] = &mut self.met.positions;
        *all += 1;
        *inside += u64::from(gravest == Answer::Inside);
        *uncertain += u64::from(gravest == Answer::Uncertain);
        if let Some(rows) = &mut self.rows {
            for verdict in &verdicts {
                rows.row(&row(&place, role, file.as_deref(), verdict))?;
            }
            if verdicts.is_empty() && self.options.all {
                rows.row(&outside(self.zones, &place, role, file.as_deref()))?;
            }
            return Ok(());
        }
        for verdict in &verdicts {
            self.meet(&place, verdict, false);
        }
        if self.met.ways.is_empty() || self.last != file {
            self.met.ways.push(Vec::new());
            self.last = file;
        }
        if self.drawn < MOST_DRAWN
            && let Some(way) = self.met.ways.last_mut()
        {
            self.drawn += 1;
            way.push((place.lat, place.lon, gravest.name()));
        }
        Ok(())
    }

    /// The same for a leg. Returns whether it could be checked.
    fn leg(&mut self, leg: &Leg, role: &'static str, file: &str, work: &mut u64) -> anyhow::Result<bool> {
        let Some(verdicts) = self.zones.check_leg(leg, work) else { return Ok(false) };
        let gravest = verdicts.iter().map(Verdict::answer).max().unwrap_or(Answer::Outside);
        let [all, inside, uncertain] = &mut self.met.legs;
        *all += 1;
        *inside += u64::from(gravest == Answer::Inside);
        *uncertain += u64::from(gravest == Answer::Uncertain);
        for verdict in &verdicts {
            let place = verdict.place();
            if let Some(rows) = &mut self.rows {
                let [from, to] = &leg.ends;
                rows.row(&Row {
                    alt_m: None,
                    from_lat: Some(from.lat),
                    from_lon: Some(from.lon),
                    to_lat: Some(to.lat),
                    to_lon: Some(to.lon),
                    ..row(place, role, Some(file), verdict)
                })?;
                continue;
            }
            self.meet(place, verdict, true);
            if self.drawn < MOST_DRAWN {
                self.drawn += 1;
                // A mark of its own, before the way goes on.
                self.met.ways.push(vec![(place.lat, place.lon, verdict.answer().name())]);
                self.last = None;
            }
        }
        Ok(true)
    }

    /// Adds an answer to the row of its zone.
    fn meet(&mut self, place: &Place, verdict: &Verdict<'_>, leg: bool) {
        let key = std::ptr::from_ref(verdict.zone).addr();
        let number = *self.numbers.entry(key).or_insert_with(|| {
            self.met.rows.push(render::Row {
                zone: verdict.zone.id.clone(),
                name: verdict.zone.name.clone(),
                answer: "",
                margin_m: f64::INFINITY,
                positions: [0, 0],
                legs: [0, 0],
                first: place.time,
                last: place.time,
                place: (place.lat, place.lon),
                why: String::new(),
            });
            self.met.rows.len() - 1
        });
        let Some(row) = self.met.rows.get_mut(number) else { return };
        let (answer, margin) = (verdict.answer(), verdict.margin_m());
        let graver = answer == Answer::Inside && row.answer != answer.name() || row.answer.is_empty();
        let [inside, uncertain] = if leg { &mut row.legs } else { &mut row.positions };
        *inside += u64::from(answer == Answer::Inside);
        *uncertain += u64::from(answer == Answer::Uncertain);
        if graver || answer.name() == row.answer && margin < row.margin_m {
            (row.answer, row.margin_m, row.why) = (answer.name(), margin, verdict.why());
        }
        row.first = row.first.min(place.time).or(place.time);
        row.last = row.last.max(place.time);
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        self.rows.as_mut().map_or(Ok(()), Rows::flush)?;
        Ok(())
    }

    fn finish(self) -> anyhow::Result<Met> {
        let Self { zones, rows, mut met, numbers, first_time, .. } = self;
        rows.map_or(Ok(()), Rows::finish)?;
        let order = |row: &render::Row| (row.answer != "inside", row.first, row.zone.clone());
        let answers: Vec<&str> = met.rows.iter().map(|row| row.answer).collect();
        met.rows.sort_by_key(order);
        met.sources = zones
            .sources()
            .iter()
            .map(|source| (source.file.clone(), dated(zones, source, first_time)))
            .collect();
        if !met.ways.is_empty() {
            let window = window(&met);
            let is_met = |zone: &&zones::Zone| numbers.contains_key(&std::ptr::from_ref(*zone).addr());
            let (own, others): (Vec<_>, Vec<_>) = zones.all().iter().partition(is_met);
            for zone in own.into_iter().chain(others) {
                let number = numbers.get(&std::ptr::from_ref(zone).addr());
                let near = zone
                    .volumes
                    .iter()
                    .filter(|volume| number.is_some() || overlap(volume.shape.bounds(), window));
                let turned = |line: Vec<[f64; 2]>| line.into_iter().map(|[lon, lat]| (lat, lon)).collect();
                let lines: Vec<Vec<(f64, f64)>> =
                    near.flat_map(|volume| volume.shape.outline()).map(turned).collect();
                if lines.is_empty() {
                    continue;
                }
                if met.outlines.len() >= MOST_OUTLINES {
                    break;
                }
                let name = zone.name.as_ref().unwrap_or(&zone.id);
                let name = match zone.restriction {
                    zones::Restriction::Unsaid => name.clone(),
                    ref asks => format!("{name}, {asks}"),
                };
                let how = number.and_then(|number| answers.get(*number)).copied().unwrap_or("outside");
                met.outlines.push(Outline { name, how: how.into(), lines });
            }
        }
        Ok(met)
    }
}

fn row<'a>(place: &Place, role: &'static str, file: Option<&'a str>, verdict: &Verdict<'a>) -> Row<'a> {
    let zone = verdict.zone;
    Row {
        schema: SCHEMA,
        zone: Some(&zone.id),
        time: place.time,
        lat: place.lat,
        lon: place.lon,
        alt_m: place.height.map(|height| height.metres),
        answer: verdict.answer().name(),
        margin_m: Some(rounded(verdict.margin_m())),
        vertical_margin_m: verdict.vertical_margin_m().map(rounded),
        why: verdict.why(),
        name: zone.name.as_deref(),
        country: zone.country.as_deref(),
        restriction: Some(zone.restriction.to_string()),
        data: zone.updated.or(verdict.source.and_then(|source| source.issued)).map(zones::day),
        zones: verdict.source.map(|source| source.file.as_str()),
        role,
        file,
        from_lat: None,
        from_lon: None,
        to_lat: None,
        to_lon: None,
    }
}

/// The row of a position outside of everything.
fn outside<'a>(zones: &'a Zones, place: &Place, role: &'static str, file: Option<&'a str>) -> Row<'a> {
    if let Some(nearest) = zones.nearest(place) {
        return Row { answer: Answer::Outside.name(), ..row(place, role, file, &nearest) };
    }
    Row {
        schema: SCHEMA,
        zone: None,
        time: place.time,
        lat: place.lat,
        lon: place.lon,
        alt_m: place.height.map(|height| height.metres),
        answer: Answer::Outside.name(),
        margin_m: None,
        vertical_margin_m: None,
        why: "no zone that holds then is within 1000 km".to_owned(),
        name: None,
        country: None,
        restriction: None,
        data: None,
        zones: None,
        role,
        file,
        from_lat: None,
        from_lon: None,
        to_lat: None,
        to_lon: None,
    }
}

/// To a centimetre.
fn rounded(metres: f64) -> f64 {
    (metres * 100.0).round() / 100.0
}

/// `ED-269, 12 zones, of 2026-08-02, 3 days old`: how old at the first position, or today.
fn dated(zones: &Zones, source: &Source, at: Option<Timestamp>) -> String {
    let number = zones
        .all()
        .iter()
        .filter(|zone| zones.sources().get(zone.source).is_some_and(|of| std::ptr::eq(of, source)));
    let degraded = number.clone().filter(|zone| !zone.degraded.is_empty()).count();
    let mut told = format!("{}, {} zones", source.format, number.count());
    if degraded > 0 {
        told = format!("{told}, {degraded} of them faulty and taken to hold");
    }
    let Some(issued) = source.issued else {
        return told + ", of when is not said";
    };
    told = format!("{told}, of {}", zones::day(issued));
    let (time, when) = match at {
        Some(time) => (Some(time), " at the first position"),
        None => (now(), " today"),
    };
    if let Some(time) = time {
        told = format!("{told}, {}{when}", zones::elapsed(issued, time));
        if source.valid_to.is_some_and(|to| time > to) {
            told.push_str(", no longer valid");
        }
    }
    told
}

/// Today, for the age of data that is asked about at no time.
#[expect(clippy::disallowed_methods, reason = "how old data is today is not in any evidence")]
fn now() -> Option<Timestamp> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok().map(Timestamp::from_nanos)
}

fn title(options: &ZonesCheck) -> String {
    let names: Vec<String> = options.tracks.iter().map(|path| path.display().to_string()).collect();
    if names.is_empty() { "position".to_owned() } else { names.join(", ") }
}

/// West, south, east, north of all positions, and as much again around them.
fn window(met: &Met) -> [f64; 4] {
    let mut points = met.ways.iter().flatten();
    let Some((lat, lon, _)) = points.next() else { return [0.0; 4] };
    let mut window = [*lon, *lat, *lon, *lat];
    for (lat, lon, _) in points {
        let [west, south, east, north] = window;
        window = [west.min(*lon), south.min(*lat), east.max(*lon), north.max(*lat)];
    }
    let [west, south, east, north] = window;
    let (across, up) = ((east - west).max(0.01), (north - south).max(0.01));
    [west - across, south - up, east + across, north + up]
}

fn overlap(one: [f64; 4], other: [f64; 4]) -> bool {
    let apart = |by: f64| one[0] + by > other[2] || one[2] + by < other[0];
    one[1] <= other[3] && one[3] >= other[1] && !(apart(0.0) && apart(-360.0))
}

/// Writes to the file that was named, or to stdout.
fn written(
    options: &ZonesCheck,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    if let Some(path) = &options.output {
        let mut file = File::create_new(path).with_context(|| format!("cannot write {}", path.display()))?;
        write(&mut file)?;
    } else {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        write(&mut out)?;
        out.flush()?;
    }
    Ok(())
}
