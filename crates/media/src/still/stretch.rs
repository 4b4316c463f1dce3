//! Parts of a source: one that is a source of its own, and one that moves forwards.

use std::{io, ops::Range};

use creance_cursor::Source;

/// Bytes that are read at a time.
const WINDOW: usize = 64 << 10;

/// A range of a source, as a source that begins at 0.
pub(crate) struct Stretch<'a> {
    source: &'a dyn Source,
    range: Range<u64>,
}

impl<'a> Stretch<'a> {
    /// This range, as far as the source reaches.
    pub(crate) fn new(source: &'a dyn Source, range: Range<u64>) -> Self {
        let end = range.end.min(source.length());
        Self { source, range: range.start.min(end)..end }
    }
}

impl Source for Stretch<'_> {
    fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length().saturating_sub(offset)).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        let within = buffer.get_mut(..most).unwrap_or_default();
        self.source.read_at(self.range.start.saturating_add(offset), within)
    }
}

/// A stretch of the source that moves forwards.
pub(crate) struct Window<'a> {
    source: &'a dyn Source,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    /// A stretch that is nowhere yet.
    pub(crate) const fn new(source: &'a dyn Source) -> Self {
        Self { source, start: 0, bytes: Vec::new() }
    }

    /// At most `most` bytes at an offset; fewer at the end of the source.
    pub(crate) fn at(&mut self, offset: u64, most: usize) -> io::Result<&[u8]> {
        let within = |window: &Self| usize::try_from(offset.checked_sub(window.start)?).ok();
        let held = within(self).and_then(|from| self.bytes.get(from..)).map_or(0, <[u8]>::len);
        let wanted = u64::try_from(most).unwrap_or(u64::MAX).min(self.source.length().saturating_sub(offset));
        if (held as u64) < wanted {
            self.bytes = self.source.piece(offset, WINDOW.max(most))?;
            self.start = offset;
        }
        let from = within(self).unwrap_or(usize::MAX);
        let rest = self.bytes.get(from..).unwrap_or_default();
        Ok(rest.get(..rest.len().min(most)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_stretch_is_what_it_is_of(bytes in prop::collection::vec(any::<u8>(), 0..60), from in 0_u64..70, to in 0_u64..70, at in 0_u64..70, most in 0_usize..70) {
            let source: &dyn Source = &bytes.as_slice();
            let stretch = Stretch::new(source, from..to);
            let end = usize::try_from(to).unwrap().min(bytes.len());
            let held = bytes.get(usize::try_from(from).unwrap()..end).unwrap_or_default();
            let piece: Vec<u8> = held.iter().skip(usize::try_from(at).unwrap()).take(most).copied().collect();
            prop_assert_eq!(stretch.length(), held.len() as u64);
            prop_assert_eq!(&stretch.piece(at, most).unwrap(), &piece);
            let mut window = Window::new(&stretch);
            prop_assert_eq!(window.at(at, most).unwrap(), &piece);
        }
    }
}
