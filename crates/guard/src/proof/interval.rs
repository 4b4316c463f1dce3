//! What was counted between two records of a ledger: sums of what is new in each, over starts at which the kernel counts from nothing.

use std::collections::BTreeMap;

use creance_custody::Record;
use creance_model::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{counts, resets};

/// Packets and bytes.
pub(super) type Pair = [u64; 2];
/// From, to, protocol, port.
type Ends = (String, String, String, u64);
/// The same, and packets and bytes.
pub(super) type Row = (String, String, String, u64, u64, u64);

/// What was counted between two records. From and to are one where nothing was: what left is not known then.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Interval {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) counters: BTreeMap<String, Pair>,
    pub(super) gone: Vec<Row>,
    /// What left and is in no row.
    pub(super) gone_unnamed: Pair,
    pub(super) refused: Vec<Row>,
    /// What was refused and is in no row.
    pub(super) refused_unnamed: Pair,
}

impl Interval {
    /// Of these records: the first that counts, or after which it counts from nothing, is where it begins; each that counts
    /// behind it adds what is new.
    pub(super) fn of(records: &[Record]) -> Option<Self> {
        let mut from = None;
        let mut base: BTreeMap<String, Pair> = BTreeMap::new();
        let mut counters: BTreeMap<String, Pair> = BTreeMap::new();
        let (mut gone, mut refused) = (BTreeMap::new(), BTreeMap::new());
        let mut to = Timestamp::default();
        for record in records.iter().filter(|record| counts(record) || resets(record)) {
            let now = if counts(record) { read(record) } else { BTreeMap::new() };
            if counts(record) && from.is_some() {
                let of =
                    |all: &BTreeMap<String, Pair>, name: &str| all.get(name).copied().unwrap_or_default();
                // Where one is less than it was, rules were put anew in between.
                let anew = base.iter().any(|(name, was)| of(&now, name)[0] < was[0]);
                for (name, [packets, bytes]) in &now {
                    let was = if anew { [0, 0] } else { of(&base, name) };
                    let sum = counters.entry(name.clone()).or_default();
                    *sum = [
                        sum[0].saturating_add(packets.saturating_sub(was[0])),
                        sum[1].saturating_add(bytes.saturating_sub(was[1])),
                    ];
                }
                add(&mut gone, record, "gone");
                add(&mut refused, record, "refused");
            }
            if counts(record) || from.is_none() {
                to = record.ended;
            }
            from.get_or_insert(record.ended);
            base = now;
        }
        let sum = |names: &[&str]| {
            let all = names.iter().filter_map(|name| counters.get(*name));
            all.fold([0_u64, 0], |[a, b], [c, d]| [a.saturating_add(*c), b.saturating_add(*d)])
        };
        let (left, dropped) = (sum(&["gone"]), sum(&["cut", "cut_protocol"]));
        let (gone_unnamed, refused_unnamed) = (unnamed(left, &gone), unnamed(dropped, &refused));
        let (gone, refused) = (rows(gone), rows(refused));
        counters.retain(|_, [packets, _]| *packets > 0);
        Some(Self { from: from?, to, counters, gone, gone_unnamed, refused, refused_unnamed })
    }

    /// Whether anything was counted in it.
    pub(super) fn is_known(&self) -> bool {
        self.from != self.to
    }
}

/// The counters of a record.
fn read(record: &Record) -> BTreeMap<String, Pair> {
    let all = record.detail.get("counters").and_then(Value::as_object);
    let pair = |value: &Value| Some([value.get(0)?.as_u64()?, value.get(1)?.as_u64()?]);
    all.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), pair(value)?))).collect()
}

fn add(sum: &mut BTreeMap<Ends, Pair>, record: &Record, what: &str) {
    for row in record.detail.get(what).and_then(Value::as_array).into_iter().flatten() {
        let word = |at: usize| row.get(at).and_then(Value::as_str).map(ToOwned::to_owned);
        let number = |at: usize| row.get(at).and_then(Value::as_u64);
        let ends = (|| Some((word(0)?, word(1)?, word(2)?, number(3)?)))();
        if let (Some(ends), Some(packets), Some(bytes)) = (ends, number(4), number(5)) {
            let pair = sum.entry(ends).or_default();
            *pair = [pair[0].saturating_add(packets), pair[1].saturating_add(bytes)];
        }
    }
}

fn unnamed(whole: Pair, named: &BTreeMap<Ends, Pair>) -> Pair {
    named.values().fold(whole, |[a, b], [c, d]| [a.saturating_sub(*c), b.saturating_sub(*d)])
}

fn rows(sum: BTreeMap<Ends, Pair>) -> Vec<Row> {
    sum.into_iter()
        .map(|((from, to, protocol, port), [packets, bytes])| (from, to, protocol, port, packets, bytes))
        .collect()
}
