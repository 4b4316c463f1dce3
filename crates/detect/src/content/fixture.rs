//! Content for tests: bytes without pattern, and files that are in memory.

use super::FileBytes;

/// Bytes that look random, the same for the same seed (`SplitMix64`).
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend((number ^ (number >> 31)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Files in memory.
#[derive(Debug)]
pub(crate) struct Files(pub(crate) Vec<Vec<u8>>);

impl FileBytes for Files {
    fn read(&self, file: usize, offset: u64, buffer: &mut [u8]) -> Option<()> {
        let offset = usize::try_from(offset).ok()?;
        buffer.copy_from_slice(self.0.get(file)?.get(offset..offset + buffer.len())?);
        Some(())
    }
}
