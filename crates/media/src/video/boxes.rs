//! Boxes (ISO/IEC 14496-12, 4.2): length, kind, content; of a file, or within a box that is held.
//!
//! Each box ends where the one around it ends at the latest, and begins behind the one before: circles cannot be written.

use std::{io, ops::Range};

use creance_cursor::Source;

/// Boxes of one level that are read.
const MOST: usize = 100_000;

/// A box.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Box {
    pub(crate) kind: [u8; 4],
    /// Where its length stands.
    pub(crate) at: u64,
    /// Where its content lies.
    pub(crate) content: Range<u64>,
}

/// Where a walk ended too early, and why.
pub(crate) type Broken = (u64, String);

/// The boxes of a file, of which only heads are read.
pub(crate) fn of_file(source: &dyn Source) -> io::Result<(Vec<Box>, Option<Broken>)> {
    let (mut all, mut at) = (Vec::new(), 0);
    while at < source.length() {
        let head = source.piece(at, 16)?;
        match next(&head, at, source.length()) {
            Ok(one) if all.len() < MOST => {
                at = one.content.end;
                all.push(one);
            }
            Ok(_) => return Ok((all, Some((at, format!("more than {MOST} boxes"))))),
            Err(why) => return Ok((all, Some((at, why)))),
        }
    }
    Ok((all, None))
}

/// The boxes in content that is held, with offsets within it, as far as they are whole.
pub(crate) fn within(content: &[u8]) -> Vec<Box> {
    let (mut all, mut at) = (Vec::new(), 0_usize);
    while let Some(rest) = content.get(at..).filter(|rest| rest.len() >= 8 && all.len() < MOST) {
        let Ok(one) = next(rest, at as u64, content.len() as u64) else { break };
        let Ok(end) = usize::try_from(one.content.end) else { break };
        at = end;
        all.push(one);
    }
    all
}

/// Whether boxes fill content that is held to its end; zeros may follow the last (`QuickTime`, user data).
pub(crate) fn is_whole(content: &[u8]) -> bool {
    let end = within(content).last().map_or(0, |last| last.content.end);
    let rest = usize::try_from(end).ok().and_then(|end| content.get(end..)).unwrap_or_default();
    rest.len() < 8 && rest.iter().all(|byte| *byte == 0)
}

/// The content of a box of content that is held.
pub(crate) fn content<'a>(held: &'a [u8], one: &Box) -> &'a [u8] {
    let range = usize::try_from(one.content.start).ok().zip(usize::try_from(one.content.end).ok());
    range.and_then(|(from, to)| held.get(from..to)).unwrap_or_default()
}

/// The box whose head is given, which stands at an offset; `end`: where the one around it ends.
fn next(head: &[u8], at: u64, end: u64) -> Result<Box, String> {
    let (Some(short), Some(kind)) = (head.first_chunk(), head.get(4..).and_then(<[u8]>::first_chunk)) else {
        return Err("the head of a box is cut".to_owned());
    };
    let (length, skip) = match u32::from_be_bytes(*short) {
        // To the end.
        0 => (end - at, 8),
        1 => match head.get(8..).and_then(<[u8]>::first_chunk) {
            Some(long) => (u64::from_be_bytes(*long), 16),
            None => return Err("the head of a box is cut".to_owned()),
        },
        short => (u64::from(short), 8),
    };
    let stop = at.saturating_add(length);
    if length < skip || stop > end {
        return Err(format!(
            "box {:?} says {length} bytes, {} are left",
            String::from_utf8_lossy(kind),
            end - at
        ));
    }
    Ok(Box { kind: *kind, at, content: at + skip..stop })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn boxes_lie_behind_each_other_within_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let (all, flaw) = of_file(&bytes.as_slice()).unwrap();
            let mut at = 0;
            for one in &all {
                prop_assert!(one.at == at && one.content.start > at && one.content.end >= one.content.start);
                at = one.content.end;
            }
            prop_assert!(flaw.is_some() || at == bytes.len() as u64);
            prop_assert!(within(&bytes).len() <= all.len());
        }
    }
}
