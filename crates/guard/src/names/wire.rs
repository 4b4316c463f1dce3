//! Bytes of a message of the DNS, taken one after another.

/// The length of a header.
pub(super) const HEADER: usize = 12;

/// Where in a message is read.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    pub(super) fn one(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn two(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk().map(|two| u16::from_be_bytes(*two))
    }

    /// Goes on behind a name; a compressed one ends with where it points to.
    pub(super) fn pass_name(&mut self) -> Option<()> {
        loop {
            match self.one()? {
                0 => return Some(()),
                length @ 1..=63 => self.take(length.into()).map(|_| ())?,
                0xc0.. => return self.one().map(|_| ()),
                _ => return None,
            }
        }
    }
}

/// Where in a message of records the times to live stand. None where it is no message.
pub(super) fn times(bytes: &[u8]) -> Option<Vec<usize>> {
    let mut counts = Cursor::new(bytes, 4);
    let (questions, records) = (counts.two()?, [counts.two()?, counts.two()?, counts.two()?]);
    let mut cursor = Cursor::new(bytes, HEADER);
    for _ in 0..questions {
        cursor.pass_name()?;
        cursor.take(4)?;
    }
    let mut found = Vec::new();
    for _ in 0..records.into_iter().map(u32::from).sum::<u32>() {
        cursor.pass_name()?;
        cursor.take(4)?;
        found.push(cursor.at());
        cursor.take(4)?;
        let length = cursor.two()?;
        cursor.take(length.into())?;
    }
    Some(found)
}
