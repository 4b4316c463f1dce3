//! Where the samples of a track lie: chunks (ISO/IEC 14496-12, 8.7.5), how many samples each has (8.7.4), how long these
//! are (8.7.3).

use std::ops::Range;

use creance_cursor::{Cursor, Malformed};

use super::movie::find;

/// What a chunk takes of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Extent {
    pub(crate) range: Range<u64>,
    /// Whether it may be longer: `QuickTime` counts a byte for each sample of sound that is not compressed.
    pub(crate) is_open: bool,
}

/// The table of samples of a track.
struct Table<'a> {
    /// The length of every sample, or 0: each has its own.
    one_size: u32,
    sizes: Cursor<'a>,
    count: usize,
    /// Where each chunk lies, and how many samples it has.
    chunks: Vec<(u64, u32)>,
}

impl<'a> Table<'a> {
    fn read(table: &'a [u8]) -> Result<Self, Malformed> {
        let mut sizes = Cursor::new(find(table, *b"stsz").unwrap_or_default());
        sizes.take("stsz version", 4)?;
        let (one_size, count) = (sizes.u32_be("sample size")?, sizes.u32_be("samples")? as usize);
        let mut offsets = Vec::new();
        if let Some(short) = find(table, *b"stco") {
            let mut cursor = Cursor::new(short);
            cursor.take("stco version", 4)?;
            for _ in 0..cursor.u32_be("chunks")? {
                let Ok(offset) = cursor.u32_be("chunk offset") else { break };
                offsets.push(u64::from(offset));
            }
        } else {
            let mut cursor = Cursor::new(find(table, *b"co64").unwrap_or_default());
            cursor.take("co64 version", 4)?;
            for _ in 0..cursor.u32_be("chunks")? {
                let Ok(offset) = cursor.array("chunk offset").map(u64::from_be_bytes) else { break };
                offsets.push(offset);
            }
        }
        let mut runs = Cursor::new(find(table, *b"stsc").unwrap_or_default());
        runs.take("stsc version", 4)?;
        let mut per_chunk = Vec::new();
        for _ in 0..runs.u32_be("runs")? {
            let (Ok(first), Ok(samples)) = (runs.u32_be("first chunk"), runs.u32_be("samples")) else {
                break;
            };
            runs.u32_be("description")?;
            per_chunk.push((first, samples));
        }
        let mut run = per_chunk.iter().peekable();
        let mut samples = 0;
        let chunks = (1_u32..).zip(offsets).map(|(number, offset)| {
            while let Some((_, now)) = run.next_if(|(first, _)| *first <= number) {
                samples = *now;
            }
            (offset, samples)
        });
        let chunks = chunks.collect();
        Ok(Self { one_size, sizes, count, chunks })
    }

    fn size(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from(if self.one_size > 0 { self.one_size } else { self.sizes.u32_be("sample size")? }))
    }
}

/// The samples of a track, at most so many; and whether that are all.
pub(crate) fn samples(table: &[u8], most: usize) -> Result<(Vec<Range<u64>>, bool), Malformed> {
    let mut table = Table::read(table)?;
    let wanted = table.count.min(most);
    let mut found = Vec::new();
    for (mut at, samples) in std::mem::take(&mut table.chunks) {
        for _ in 0..samples {
            if found.len() >= wanted {
                return Ok((found, wanted == table.count));
            }
            let end = at.saturating_add(table.size()?);
            found.push(at..end);
            at = end;
        }
    }
    let whole = found.len() == table.count;
    Ok((found, whole))
}

/// What the chunks of a track take of the file; `None`: samples are counted that have no chunk.
pub(crate) fn extents(table: &[u8]) -> Result<Option<Vec<Extent>>, Malformed> {
    let mut table = Table::read(table)?;
    let is_open = table.one_size == 1;
    let mut left = table.count as u64;
    let mut found = Vec::new();
    for (at, samples) in std::mem::take(&mut table.chunks) {
        let samples = left.min(samples.into());
        left -= samples;
        let length = if table.one_size > 0 {
            samples * u64::from(table.one_size)
        } else {
            let mut length = 0_u64;
            for _ in 0..samples {
                length = length.saturating_add(table.size()?);
            }
            length
        };
        if samples > 0 {
            found.push(Extent { range: at..at.saturating_add(length), is_open });
        }
    }
    Ok((left == 0).then_some(found))
}

/// Extents in order, those that touch as one.
pub(crate) fn merged(mut extents: Vec<Extent>) -> Vec<Extent> {
    extents.sort_unstable_by_key(|one| (one.range.start, one.range.end));
    extents.dedup_by(|next, one| {
        let touch = next.range.start <= one.range.end;
        if touch && next.range.end >= one.range.end {
            one.range.end = next.range.end;
            one.is_open = next.is_open;
        }
        touch
    });
    extents
}

/// What of a range lies within none of these extents, which are merged.
pub(crate) fn between(range: &Range<u64>, extents: &[Extent]) -> Vec<Range<u64>> {
    let (mut gaps, mut at, mut is_open) = (Vec::new(), range.start, false);
    let from = extents.partition_point(|one| one.range.end < range.start).saturating_sub(1);
    for one in extents.iter().skip(from).take_while(|one| one.range.start < range.end) {
        if at < one.range.start && !is_open {
            gaps.push(at..one.range.start);
        }
        at = at.max(one.range.end);
        is_open = one.is_open;
    }
    if at < range.end && !is_open {
        gaps.push(at..range.end);
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extent(range: Range<u64>) -> Extent {
        Extent { range, is_open: false }
    }

    #[test]
    fn what_lies_between_is_told_but_behind_an_open_end() {
        let all = [extent(10..20), Extent { range: 30..40, is_open: true }, extent(50..60)];
        assert_eq!(between(&(0..100), &all), [0..10, 20..30, 60..100]);
        assert_eq!(between(&(12..18), &all), []);
        assert_eq!(between(&(0..100), &[]), vec![0_u64..100; 1]);
    }

    proptest! {
        #[test]
        fn each_byte_is_in_an_extent_or_between(starts in prop::collection::vec((0_u64..90, 0_u64..9), 0..9), from in 0_u64..50, length in 0_u64..50) {
            let all: Vec<_> = starts.into_iter().map(|(start, length)| extent(start..start + length)).collect();
            let gaps = between(&(from..from + length), &merged(all.clone()));
            for at in from..from + length {
                let is_held = all.iter().any(|one| one.range.contains(&at));
                prop_assert_eq!(gaps.iter().filter(|gap| gap.contains(&at)).count(), usize::from(!is_held), "{}", at);
            }
        }
    }
}
