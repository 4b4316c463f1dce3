//! What left during a flight, as the ledger has it: a statement that others can make again from the same records.
//!
//! ```text
//! ledger.jsonl ─▶ flights: airborne … open again ─▶ before ─ during ─ after: counts added up ─▶ statement.json
//!        └─────────────── the records that it rests on ──────────────────────────────▶ ledger.jsonl
//! ```
//!
//! Each number follows from records by rules that docs/proof/FLIGHT.md says in full; `docs/proof/check_flight.py` was written from that
//! page alone.

mod interval;
mod told;

use std::collections::BTreeMap;

use creance_custody::{Ledger, LedgerError, Record, sha256};
use creance_model::Timestamp;
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use interval::Interval;
pub use told::told;

/// The name and version of a statement.
pub const SCHEMA: &str = "creance.flight/1";

/// How long before and after a flight is looked at what goes to whom, in nanoseconds.
const WINDOW: i64 = 30 * 60 * 1_000_000_000;

/// How soon the counts of a beginning are written down, in nanoseconds: those that come later tell of the flight as well.
const PROMPT: i64 = 10 * 1_000_000_000;

/// What no statement covers, by a word; [`told`] says each in full.
const NOT_COVERED: [&str; 6] =
    ["other-radios", "cellular", "storage", "later-upload", "gateway-itself", "root-on-gateway"];

/// Why there is no statement.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The ledger is broken.
    #[error("ledger.jsonl: {0}")]
    Ledger(#[from] LedgerError),
    /// There is no such flight.
    #[error("there is no flight {wanted}: the ledger has {known}")]
    NoFlight {
        /// Which was asked for.
        wanted: usize,
        /// How many there are.
        known: usize,
    },
}

/// What left during a flight.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statement {
    schema: &'static str,
    tool: String,
    case: String,
    flight: usize,
    records: Records,
    began: Timestamp,
    ended: Option<Timestamp>,
    policy: Option<String>,
    exceptions: Vec<String>,
    states: Vec<Change>,
    cuts: Vec<Told>,
    alarms: Vec<Told>,
    overrides: Vec<Told>,
    gaps: Vec<Gap>,
    before: Option<Interval>,
    during: Option<Interval>,
    after: Option<Interval>,
    not_covered: Vec<&'static str>,
}

/// Which records it rests on, by their numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Records {
    first: u64,
    last: u64,
    begin: u64,
    end: Option<u64>,
    /// SHA-256 of the line of the last.
    last_sha256: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Change {
    time: Timestamp,
    state: String,
    said: String,
}

/// A record: when, and what it says.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Told {
    time: Timestamp,
    #[serde(flatten)]
    detail: BTreeMap<String, Value>,
}

/// A time in which no engine ran: from the last record of the one before, which may have gone on for a while without any.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Gap {
    from: Timestamp,
    to: Timestamp,
    /// Whether the engine had ended as it was told to.
    in_order: bool,
}

/// Where a flight lies in the ledger: places in the list of records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Flight {
    begin: usize,
    end: Option<usize>,
}

/// How a flight begins or ends with a record.
fn text<'a>(record: &'a Record, key: &str) -> &'a str {
    record.detail.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn begins(record: &Record) -> bool {
    match record.action.as_str() {
        "state" => text(record, "to") == "airborne",
        "start" => text(record, "state") == "stale",
        _ => false,
    }
}

fn ends(record: &Record) -> bool {
    record.action == "state" && matches!(text(record, "to"), "grounded" | "released")
}

fn flights(records: &[Record]) -> Vec<Flight> {
    let mut found: Vec<Flight> = Vec::new();
    for (at, record) in records.iter().enumerate() {
        match found.last_mut().filter(|flight| flight.end.is_none()) {
            None if begins(record) => found.push(Flight { begin: at, end: None }),
            Some(flight) if ends(record) => flight.end = Some(at),
            _ => {}
        }
    }
    found
}

/// Whether the kernel counts from nothing behind this record.
fn resets(record: &Record) -> bool {
    matches!(record.action.as_str(), "start" | "enforcing")
}

/// Whether it says what was counted; `left` is what an engine that began found of the one before.
fn counts(record: &Record) -> bool {
    matches!(record.action.as_str(), "counts" | "left")
}

fn told_of(record: &Record) -> Told {
    Told { time: record.ended, detail: record.detail.clone() }
}

/// A statement, and the lines of the ledger that it rests on.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The statement.
    pub statement: Statement,
    /// Lines of the ledger, each with its end.
    pub ledger: Vec<u8>,
}

impl Proof {
    /// Of a flight, counted from 1 over the whole ledger; without one, of the last.
    pub fn of(ledger: &[u8], flight: Option<usize>) -> Result<Self, ProofError> {
        let whole = Ledger::read(ledger)?;
        let records = whole.records();
        let all = flights(records);
        let wanted = flight.unwrap_or(all.len());
        let found = wanted.checked_sub(1).and_then(|at| all.get(at)).copied();
        let Some(found) = found else {
            return Err(ProofError::NoFlight { wanted, known: all.len() });
        };
        let lines: Vec<&[u8]> = ledger.split_inclusive(|byte| *byte == b'\n').collect();
        let (first, last) = reach(records, found);
        let slice = lines.get(first..=last).unwrap_or_default();
        let hash = slice.last().and_then(|line| line.strip_suffix(b"\n")).map(sha256).unwrap_or_default();
        let statement = statement(records, found, wanted, (first, last), hash);
        Ok(Self { statement, ledger: slice.concat() })
    }
}

/// The last record that counts for the flight: the first counts after its end, or the last record of all.
fn closing(records: &[Record], flight: Flight) -> usize {
    let last = records.len().saturating_sub(1);
    let Some(end) = flight.end else { return last };
    records.iter().enumerate().skip(end).find(|(_, record)| counts(record)).map_or(last, |(at, _)| at)
}

/// The first counts from the beginning on; without any, the beginning.
fn base(records: &[Record], flight: Flight) -> usize {
    let closed = closing(records, flight);
    (flight.begin..=closed).find(|at| records.get(*at).is_some_and(counts)).unwrap_or(flight.begin)
}

/// Where what is counted during the flight begins: with it, if its counts were written at once. Otherwise with the counts before,
/// so that what left meanwhile is told of the flight.
fn down(records: &[Record], flight: Flight) -> usize {
    let (Some(begin), Some(first)) = (records.get(flight.begin), records.get(base(records, flight))) else {
        return flight.begin;
    };
    let soon = (begin.ended..=begin.ended.plus_nanos(PROMPT)).contains(&first.ended);
    if resets(begin) || (first.action == "counts" && soon) {
        return flight.begin;
    }
    let told = |at: &usize| records.get(*at).is_some_and(|record| counts(record) || resets(record));
    (0..flight.begin).rev().find(told).unwrap_or(flight.begin)
}

/// The first counts, or start, of the window before, and where it ends.
fn window_before(records: &[Record], flight: Flight) -> (usize, usize) {
    let base = base(records, flight);
    let earliest =
        records.get(flight.begin).map_or(Timestamp::default(), |begin| begin.ended.plus_nanos(-WINDOW));
    let mut from = base;
    for (at, record) in records.iter().enumerate().take(base).rev() {
        if counts(record) || resets(record) {
            from = at;
            if record.ended < earliest {
                break;
            }
        }
    }
    (from, base)
}

/// The last record of the window after: the first counts beyond its end, so that a step of the clock hides none that came before.
fn window_after(records: &[Record], flight: Flight) -> usize {
    let closed = closing(records, flight);
    let latest = flight.end.and_then(|end| records.get(end)).map(|end| end.ended.plus_nanos(WINDOW));
    let mut last = closed;
    let mut next = false;
    for (at, record) in records.iter().enumerate().skip(closed + 1) {
        next |= begins(record);
        if counts(record) {
            last = at;
            if next || latest.is_none_or(|latest| record.ended > latest) {
                break;
            }
        }
    }
    last
}

/// The first and the last record that a statement rests on. A start before the flight is among them: behind it, each beginning
/// shows, and whether this one lies within another flight.
fn reach(records: &[Record], flight: Flight) -> (usize, usize) {
    let start = |at: &usize| records.get(*at).is_some_and(|record| record.action == "start");
    let start = (0..flight.begin).rev().find(start).unwrap_or(0);
    let last = window_after(records, flight).max(word_after(records, flight));
    let counted = window_before(records, flight).0.min(down(records, flight));
    (start.min(counted).min(cause(records, flight)), last)
}

/// The record behind the closing one, if it is an operator's word: that which ended the flight.
fn word_after(records: &[Record], flight: Flight) -> usize {
    let closed = closing(records, flight);
    let word = records.get(closed + 1).is_some_and(|record| record.action == "operator");
    closed + usize::from(word && flight.end.is_some())
}

/// The cut, and alarms, that stand directly before the beginning.
fn cause(records: &[Record], flight: Flight) -> usize {
    let of_it =
        |at: &usize| records.get(*at).is_some_and(|one| matches!(one.action.as_str(), "cut" | "alarm"));
    (0..flight.begin).rev().take_while(of_it).last().unwrap_or(flight.begin)
}

fn statement(
    records: &[Record],
    flight: Flight,
    number: usize,
    (first, last): (usize, usize),
    last_sha256: String,
) -> Statement {
    let part = |from: usize, to: usize| records.get(from..=to).unwrap_or_default();
    let number_of = |at: usize| records.get(at).map_or(0, |record| record.number);
    let time_of = |at: usize| records.get(at).map_or(Timestamp::default(), |record| record.ended);
    let closed = closing(records, flight);
    let own = part(cause(records, flight), closed);
    let of = |action: &str, list: &[Record]| -> Vec<Told> {
        list.iter().filter(|record| record.action == action).map(told_of).collect()
    };
    let start = part(first, flight.begin).iter().rfind(|record| record.action == "start");
    let listed = start.and_then(|start| start.detail.get("exceptions")).and_then(Value::as_array);
    let states = part(flight.begin, flight.end.unwrap_or(closed)).iter().filter_map(|record| {
        let (state, said) = match record.action.as_str() {
            "state" => (text(record, "to"), text(record, "said")),
            "start" => (text(record, "state"), "the guard was started"),
            _ => return None,
        };
        Some(Change { time: record.ended, state: state.to_owned(), said: said.to_owned() })
    });
    let whole = part(flight.begin, closed);
    let gaps =
        whole.iter().enumerate().filter(|(_, record)| record.action == "start").filter_map(|(at, start)| {
            let before = whole.get(..at)?.iter().rfind(|record| record.action != "left")?;
            Some(Gap { from: before.ended, to: start.ended, in_order: before.action == "end" })
        });
    let (before, base) = window_before(records, flight);
    let after = flight.end.map(|_| window_after(records, flight));
    Statement {
        schema: SCHEMA,
        tool: concat!("creance-guard ", env!("CARGO_PKG_VERSION")).to_owned(),
        case: records.get(flight.begin).map_or_else(String::new, |record| record.case.clone()),
        flight: number,
        records: Records {
            first: number_of(first),
            last: number_of(last),
            begin: number_of(flight.begin),
            end: flight.end.map(number_of),
            last_sha256,
        },
        began: time_of(flight.begin),
        ended: flight.end.map(time_of),
        policy: start.map(|start| text(start, "policy").to_owned()),
        exceptions: listed.into_iter().flatten().filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
        states: states.collect(),
        cuts: of("cut", own),
        alarms: of("alarm", own),
        overrides: of("operator", part(cause(records, flight), word_after(records, flight))),
        gaps: gaps.collect(),
        before: Interval::of(part(before, base)),
        during: Interval::of(part(down(records, flight), closed)),
        after: after.and_then(|last| Interval::of(part(closed, last))),
        not_covered: NOT_COVERED.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use creance_custody::Deed;
    use serde_json::json;

    use super::*;

    /// A ledger of records, ten seconds apart.
    fn ledger(records: &[(&str, Value)]) -> Vec<u8> {
        timed(&records.iter().cloned().zip((0..).step_by(10)).collect::<Vec<_>>())
    }

    /// A ledger of records, each with its second.
    fn timed(records: &[((&str, Value), i64)]) -> Vec<u8> {
        let mut ledger = Ledger::default();
        let lines = records.iter().map(|((action, detail), at)| {
            let time = Timestamp::from_secs(1_781_164_800 + at);
            let detail = detail.as_object().unwrap().clone().into_iter().collect();
            let deed = Deed {
                action: (*action).to_owned(),
                case: "guard".to_owned(),
                tool: "creance-guard".to_owned(),
                started: time,
                ended: time,
                detail,
                files: Vec::new(),
            };
            ledger.add(deed).unwrap()
        });
        lines.collect::<String>().into_bytes()
    }

    fn state(to: &str) -> (&'static str, Value) {
        ("state", json!({"from": "", "to": to, "said": "skylark"}))
    }

    fn counts(gone: u64, cut: u64, rows: &Value) -> (&'static str, Value) {
        (
            "counts",
            json!({"counters": {"gone": [gone, gone * 100], "cut": [cut, cut * 50]}, "gone": rows, "refused": []}),
        )
    }

    fn left(gone: u64, cut: u64) -> (&'static str, Value) {
        ("left", counts(gone, cut, &json!([])).1)
    }

    fn operator(why: &str) -> (&'static str, Value) {
        ("operator", json!({"order": "fly", "who": "user 0", "why": why, "taken": true}))
    }

    fn start(state: &str) -> (&'static str, Value) {
        (
            "start",
            json!({"state": state, "policy": "local-data-mode", "exceptions": ["203.0.113.9 . tcp . 2101: corrections"]}),
        )
    }

    fn row(to: &str, packets: u64) -> Value {
        json!(["10.0.0.2", to, "tcp", 2101, packets, packets * 100])
    }

    /// A flight in which an exception was used, the engine was killed, and after which something was uploaded.
    fn sample() -> Vec<u8> {
        ledger(&[
            start("unknown"),
            state("grounded"),
            counts(0, 3, &json!([])),
            ("open", json!({})),
            ("cut", json!({"why": "skylark", "us_to_routes": 17_000, "bytes_at_most": 1200})),
            state("airborne"),
            counts(8, 3, &json!([row("198.51.100.7", 8)])),
            counts(12, 9, &json!([row("203.0.113.9", 4)])),
            left(14, 9),
            start("stale"),
            counts(1, 2, &json!([row("203.0.113.9", 1)])),
            state("released"),
            counts(1, 4, &json!([])),
            ("operator", json!({"order": "confirm", "who": "user 0", "why": "", "taken": true})),
            counts(101, 4, &json!([row("198.51.100.7", 100)])),
            state("airborne"),
            counts(101, 4, &json!([])),
        ])
    }

    #[test]
    fn counts_of_a_flight_are_those_between_its_ends_over_a_restart() {
        let proof = Proof::of(&sample(), Some(1)).unwrap();
        let one = &proof.statement;
        let during = one.during.as_ref().unwrap();
        // 4 and 2 before the engine was killed, 1 after.
        assert_eq!(during.counters["gone"], [7, 700]);
        assert_eq!(during.counters["cut"], [10, 500]);
        assert_eq!(during.gone, [("10.0.0.2".into(), "203.0.113.9".into(), "tcp".into(), 2101, 5, 500)]);
        assert_eq!(during.gone_unnamed, [2, 200]);
        assert_eq!(during.refused_unnamed, [10, 500]);
        assert_eq!((one.cuts.len(), one.overrides.len(), one.alarms.len()), (1, 1, 0));
        assert_eq!(one.gaps.iter().map(|gap| gap.in_order).collect::<Vec<_>>(), [false]);
        let states: Vec<_> = one.states.iter().map(|change| change.state.as_str()).collect();
        assert_eq!(states, ["airborne", "stale", "released"]);
        assert_eq!(one.before.as_ref().unwrap().gone[0].4, 8);
        assert_eq!(one.after.as_ref().unwrap().gone[0].4, 100);
        let words = told(one);
        for said in [
            "10.0.0.2 to 203.0.113.9, tcp 2101: 5 packets, 500 bytes (exception: corrections)",
            "counted and not named: 2 packets, 200 bytes",
            "10.0.0.2 to 198.51.100.7, tcp 2101: 100 packets, 10000 bytes (800 bytes from ",
            "it had not ended in order",
            "cellular modems",
        ] {
            assert!(words.contains(said), "{said}\n{words}");
        }
        assert!(NOT_COVERED.iter().all(|word| !words.contains(word) || *word == "cellular"), "{words}");
    }

    #[test]
    fn a_gap_runs_from_the_last_record_of_the_engine_before() {
        let none = json!([]);
        let gaps = |before: &[((&str, Value), i64)]| {
            let mut all = vec![(start("grounded"), 0), (state("airborne"), 10), (counts(0, 0, &none), 10)];
            all.extend_from_slice(before);
            all.extend([(left(1, 0), 3700), (start("stale"), 3701), (counts(1, 0, &none), 3702)]);
            let one = Proof::of(&timed(&all), None).unwrap().statement;
            one.gaps
                .iter()
                .map(|gap| (gap.to.since(gap.from) / 1_000_000_000, gap.in_order))
                .collect::<Vec<_>>()
        };
        assert_eq!(gaps(&[(counts(1, 0, &none), 70)]), [(3631, false)]);
        assert_eq!(gaps(&[(counts(1, 0, &none), 70), (("end", json!({})), 71)]), [(3630, true)]);
    }

    #[test]
    fn what_nothing_was_counted_of_is_not_known() {
        let none = json!([]);
        let begun = [(start("grounded"), 0), (counts(5, 0, &none), 60), (state("airborne"), 70)];
        let said = |more: &[((&str, Value), i64)]| {
            let all = [&begun[..], more].concat();
            told(&Proof::of(&timed(&all), None).unwrap().statement)
        };
        for more in [vec![], vec![(counts(5, 0, &none), 70)], vec![(start("stale"), 90)]] {
            let words = said(&more);
            assert!(words.contains("  not known") && !words.contains("nothing, by"), "{words}");
        }
        let words = said(&[(counts(5, 0, &none), 71), (counts(5, 3, &none), 131)]);
        assert!(words.contains("nothing, by the count of the kernel"), "{words}");
        assert!(words.contains("from 2026-06-11T08:01:11Z to 2026-06-11T08:02:11Z"), "{words}");
        assert!(words.contains("from 2026-06-11T08:01:10Z to 2026-06-11T08:01:11Z stands under"), "{words}");
        let ended = said(&[(counts(5, 0, &none), 71), (counts(5, 3, &none), 131), (state("grounded"), 200)]);
        assert!(ended.contains("not known from 2026-06-11T08:02:11Z to 2026-06-11T08:03:20Z"), "{ended}");
    }

    #[test]
    fn what_left_before_late_counts_of_a_beginning_is_told_of_the_flight() {
        let none = json!([]);
        // Killed between the state and its counts, and found an hour later.
        let begun = [(start("grounded"), 0), (counts(5, 0, &none), 60), (state("airborne"), 70)];
        let of = |more: &[((&str, Value), i64)]| {
            let all = [&begun[..], more].concat();
            let one = Proof::of(&timed(&all), None).unwrap().statement;
            one.during.unwrap().counters.get("gone").copied().unwrap_or_default()
        };
        assert_eq!(of(&[(left(9, 0), 3600), (start("stale"), 3601)]), [4, 400]);
        assert_eq!(of(&[(left(9, 0), 75), (start("stale"), 76)]), [4, 400]);
        assert_eq!(of(&[(counts(9, 0, &none), 90)]), [4, 400]);
        assert_eq!(of(&[(counts(9, 0, &none), 71)]), [0, 0]);
    }

    #[test]
    fn a_step_of_the_clock_hides_no_upload() {
        let none = json!([]);
        let all = [
            (start("grounded"), 0),
            (state("airborne"), 10),
            (counts(0, 0, &none), 10),
            (state("grounded"), 100),
            (counts(0, 0, &none), 100),
            (operator("the clock is put right"), 90_000),
            (counts(50, 0, &none), 90_010),
            (counts(70, 0, &none), 90_020),
        ];
        let one = Proof::of(&timed(&all), None).unwrap().statement;
        assert_eq!(one.after.unwrap().counters["gone"], [50, 5000]);
    }

    #[test]
    fn words_of_an_operator_draw_nothing_on_the_paper() {
        let words = |why| {
            let all = [
                start("grounded"),
                operator("x"),
                state("airborne"),
                operator(why),
                counts(0, 0, &json!([])),
            ];
            told(&Proof::of(&ledger(&all), None).unwrap().statement)
        };
        let hostile = words("a\nLeft during the flight\r\n  nothing\u{1b}[2J\u{9b}1A\u{202e}b\u{2028}c");
        assert_eq!(hostile.lines().count(), words("plain").lines().count());
        assert!(hostile.contains("a\u{fffd}Left during") && hostile.contains("b\u{fffd}c"), "{hostile}");
        assert!(
            !hostile.contains(|one: char| one != '\n' && one.is_control()) && !hostile.contains('\u{202e}')
        );
    }

    #[test]
    fn the_last_flight_may_go_on_and_others_are_not_there() {
        let proof = Proof::of(&sample(), None).unwrap();
        assert_eq!((proof.statement.flight, proof.statement.ended, &proof.statement.after), (2, None, &None));
        assert!(matches!(Proof::of(&sample(), Some(3)), Err(ProofError::NoFlight { wanted: 3, known: 2 })));
        assert!(matches!(Proof::of(&sample(), Some(0)), Err(ProofError::NoFlight { .. })));
        assert!(Proof::of(b"x\n", None).is_err());
    }

    #[test]
    fn it_rests_on_a_whole_piece_of_the_ledger() {
        let proof = Proof::of(&sample(), Some(1)).unwrap();
        let whole = sample();
        let at = whole.windows(proof.ledger.len()).position(|piece| piece == proof.ledger);
        assert!(at.is_some());
        let last =
            proof.ledger.strip_suffix(b"\n").and_then(|lines| lines.rsplit(|byte| *byte == b'\n').next());
        assert_eq!(last.map(sha256).as_deref(), Some(proof.statement.records.last_sha256.as_str()));
    }
}
