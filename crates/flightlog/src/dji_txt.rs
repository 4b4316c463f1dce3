//! DJI flight records (`DJIFlightRecord_….txt`), versions 1 to 14: what the app on the phone writes of every flight.
//!
//! The details — account, aircraft, serial numbers, street and city, start — can be read in every version. Records say the
//! rest ten times a second: plain up to version 6, scrambled from 7 on, encrypted from 13 on under keys that the vendor
//! holds. Those are read with a [`Keychain`] that the user brings; creance asks nobody for one.

mod details;
mod keychain;
mod layout;
mod models;
mod records;
mod unlock;
mod walk;

use std::collections::BTreeMap;

use creance_model::{FlightState, Hidden, Inspection, Interval, Refusal, ScrubRequest, Scrubbed};

use crate::{Format, Options};
use details::Summary;
pub use keychain::{Keychain, export_key_request};
use layout::{ENCRYPTED, Layout};
use records::Records;
use unlock::{Locked, Opener};
use walk::{Item, Walk};

pub(crate) const FORMAT: Format = Format { name: "dji-txt", is: layout::is, read, scrub };

/// Damaged stretches that are told one by one.
const MOST_NOISE: usize = 100;

/// Pictures that are told one by one; apps keep four and their thumbnails.
const MOST_PICTURES: usize = 1000;

fn read(bytes: &[u8], options: &Options) -> Inspection {
    let mut inspection = Inspection::of(FORMAT.name);
    let layout = match Layout::of(bytes) {
        Ok(layout) => layout,
        Err(malformed) => {
            inspection.flaw("flight record", 0, &malformed);
            return inspection;
        }
    };
    inspection.say("version of the format", layout.version.to_string(), "prefix");
    let summary = details::read(&mut inspection, layout.version, &layout.details, layout.details_at);
    if let Some(app) = layout.app.and_then(|(_, department)| models::app(department)) {
        inspection.say("app", app, "auxiliary");
    }
    let locked = read_records(&mut inspection, bytes, &layout, &summary, options.keychain.as_ref());
    if let Some((start, duration)) = summary.start.zip(summary.duration).filter(|_| locked) {
        // Nothing says when it flew but the app's summary: it writes a log from take-off to landing.
        let source = "details".to_owned();
        let to = start.plus_nanos(duration.max(1));
        inspection.phases = vec![Interval { from: start, to, state: FlightState::Flying, source }];
    }
    inspection
}

/// Reads the records and pictures. Whether no position could be read.
fn read_records(
    inspection: &mut Inspection,
    bytes: &[u8],
    layout: &Layout<'_>,
    summary: &Summary,
    keychain: Option<&Keychain>,
) -> bool {
    let mut opener = Opener::new(layout.version, keychain);
    let mut locked: BTreeMap<(Locked, u8), (u64, usize)> = BTreeMap::new();
    let mut unknown: BTreeMap<u8, (u64, usize)> = BTreeMap::new();
    let (mut hidden, mut pictures) = (Vec::new(), 0);
    let (mut noise, mut stretches) = (Vec::new(), 0);
    let mut records = Records::new(inspection, summary);
    for (at, item) in Walk::new(bytes, layout) {
        match item {
            Item::Record { kind, payload } => {
                if kind == keychain::RECOVER {
                    opener.next_keys();
                }
                if !unlock::is_known(kind) {
                    unknown.entry(kind).or_insert((0, at)).0 += 1;
                }
                // What is not read is opened all the same where the next of its keys depends on it.
                if layout.version < ENCRYPTED && !Records::reads(kind) {
                    continue;
                }
                match opener.open(kind, payload) {
                    Ok(content) => records.take(kind, at, &content),
                    Err(why) => locked.entry((why, kind)).or_insert((0, at)).0 += 1,
                }
            }
            Item::Picture { bytes, whole } => {
                pictures += 1;
                if pictures <= MOST_PICTURES {
                    hidden.push((at, bytes.len() as u64, whole));
                }
            }
            Item::Noise(bytes) => {
                stretches += 1;
                if stretches <= MOST_NOISE {
                    noise.push((at, bytes.len()));
                }
            }
        }
    }
    let positions = records.finish();
    for (at, bytes, whole) in hidden {
        let what = if summary.thumbnails.contains(&bytes) { "thumbnail" } else { "picture" };
        inspection.hidden.push(Hidden { what, field: format!("offset {at}"), bytes });
        if !whole {
            inspection.flaw("picture", at as u64, "its end is missing");
        }
    }
    for (at, length) in noise {
        inspection.flaw("records", at as u64, &format!("{length} bytes are no record"));
    }
    for (what, count, most) in
        [("pictures", pictures, MOST_PICTURES), ("stretches that are no record", stretches, MOST_NOISE)]
    {
        if count > most {
            inspection.flaw(what, 0, &format!("{count} of them, {most} are told"));
        }
    }
    for (kind, (count, at)) in unknown {
        inspection.flaw(
            format!("records of kind {kind}"),
            at as u64,
            &format!("{count}, of a kind that is not known"),
        );
    }
    if keychain.is_none() && !locked.is_empty() {
        let count: u64 = locked.values().map(|(count, _)| count).sum();
        inspection.say("encrypted", format!("{count} records; their keys are held by the vendor"), "records");
    } else {
        for ((why, kind), (count, at)) in &locked {
            let why = match why {
                Locked::NoKey => "no key of the keychain is for them",
                Locked::WrongKey => "the key does not fit",
            };
            inspection.flaw(
                format!("records of kind {kind}"),
                *at as u64,
                &format!("{count} stay encrypted: {why}"),
            );
        }
    }
    // Later apps may count something else.
    let missing = summary.lines.filter(|lines| layout.version < 12 && positions < *lines);
    if let Some(lines) = missing {
        let at = layout.records.end as u64;
        inspection.flaw("positions", at, &format!("{positions} found, the details count {lines}"));
    }
    positions == 0
}

fn scrub(_: &[u8], _: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    let why = "a flight record is nothing but the flight, its people and its places, and no app reads one that was changed; \
        leave it out";
    Err(Refusal(why.to_owned()))
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
