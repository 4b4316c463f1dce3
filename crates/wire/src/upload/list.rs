//! The lists that end uploads: which parts the object is made of. Nothing is given of a list that is not all there or not
//! understood: it does not tell what the whole is.

use std::collections::BTreeSet;

use creance_model::{Carrier, Message};

use super::part::body;

/// The numbers of the parts: `<PartNumber>1</PartNumber>`, or `"partNumber": 1` (Kodo).
pub(super) fn numbers(message: &Message) -> Option<BTreeSet<u64>> {
    let listed: Vec<u64> = named(message, &["PartNumber", "partNumber"])?
        .map(|(_, number)| number.parse().ok())
        .collect::<Option<_>>()?;
    let numbers: BTreeSet<u64> = listed.iter().copied().collect();
    (!numbers.is_empty() && numbers.len() == listed.len()).then_some(numbers)
}

/// The names of the blocks in their order (Azure, Put Block List); nothing in place of one that was not sent now but was
/// in the object before (`<Committed>…</Committed>`).
pub(super) fn names(message: &Message) -> Option<Vec<Option<&str>>> {
    let listed = named(message, &["Latest", "Uncommitted", "Committed"])?;
    let names: Vec<_> = listed.map(|(kind, name)| (kind != "Committed").then_some(name)).collect();
    (!names.is_empty()).then_some(names)
}

/// The contexts of blocks in their order (Kodo, `mkfile`).
pub(super) fn contexts(message: &Message) -> Option<Vec<&str>> {
    let list = std::str::from_utf8(body(message)).ok().filter(|_| is_whole(message))?;
    Some(list.split(',').map(str::trim).collect())
}

/// The values of these names in the body, as they were read.
fn named<'a>(
    message: &'a Message,
    names: &'static [&str],
) -> Option<impl Iterator<Item = (&'a str, &'a str)>> {
    let values = message.parts.iter().filter(|part| part.carrier() == Carrier::Body).filter_map(|part| {
        let name = part.name().filter(|name| names.contains(name))?;
        Some((name, std::str::from_utf8(part.bytes()).ok()?.trim()))
    });
    is_whole(message).then_some(values)
}

fn is_whole(message: &Message) -> bool {
    message.field("body_cut").is_none() && message.field("limit").is_none()
}
