//! The lists that end uploads: which parts the object is made of.

use std::collections::BTreeSet;

use creance_model::Message;

use super::{object::MOST_PARTS, part::body};

/// The numbers of the parts: `<PartNumber>1</PartNumber>`, or `"partNumber": 1` (Kodo). Nothing if there is no list, or if
/// it is not all there or not understood.
pub(super) fn numbers(message: &Message) -> Option<BTreeSet<u64>> {
    let list = text(message)?;
    let tags = list.split("<PartNumber>").skip(1);
    let keys = list.split("\"partNumber\"").skip(1).map(|rest| rest.trim_start().trim_start_matches(':'));
    let number = |rest: &str| {
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end)?.parse::<u64>().ok()
    };
    let numbers: BTreeSet<u64> = tags.chain(keys).map(number).take(MOST_PARTS + 1).collect::<Option<_>>()?;
    (1..=MOST_PARTS).contains(&numbers.len()).then_some(numbers)
}

/// The names of the blocks in their order: `<Latest>…</Latest>` and others (Azure, Put Block List). Nothing as above.
pub(super) fn names(message: &Message) -> Option<Vec<String>> {
    let list = text(message)?;
    let named = list.split('<').filter_map(|rest| {
        ["Latest>", "Uncommitted>", "Committed>"].iter().find_map(|tag| rest.strip_prefix(tag))
    });
    let names: Vec<String> = named.map(|name| name.trim().to_owned()).take(MOST_PARTS + 1).collect();
    (1..=MOST_PARTS).contains(&names.len()).then_some(names)
}

/// The contexts of blocks in their order (Kodo, `mkfile`). Nothing as above.
pub(super) fn contexts(message: &Message) -> Option<Vec<&str>> {
    let contexts: Vec<&str> = text(message)?.split(',').map(str::trim).take(MOST_PARTS + 1).collect();
    (contexts.len() <= MOST_PARTS).then_some(contexts)
}

fn text(message: &Message) -> Option<&str> {
    std::str::from_utf8(body(message)).ok().filter(|_| message.field("body_cut").is_none())
}
