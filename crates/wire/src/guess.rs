//! Whether bytes that nothing reads look encrypted or compressed.

/// Fewest bytes whose spread tells anything.
const ENOUGH: usize = 256;

/// Whether bytes are spread as evenly as encryption and good compression spread them: chi-squared over 256 values within
/// five standard deviations of what chance gives. Text, numbers and most binary formats are far from it.
pub(crate) fn looks_random(bytes: &[u8]) -> Option<bool> {
    let some = bytes.get(..bytes.len().min(4096)).filter(|some| some.len() >= ENOUGH)?;
    let mut counts = [0_u32; 256];
    for byte in some {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let expected = f64::from(u32::try_from(some.len()).unwrap_or(u32::MAX)) / 256.0;
    let chi: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    let (mean, deviation) = (255.0, (2.0_f64 * 255.0).sqrt());
    Some((chi - mean).abs() < 5.0 * deviation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::digest;

    #[test]
    fn hashes_look_random_and_text_and_counters_do_not() {
        let random: Vec<u8> =
            (0..32_u8).flat_map(|seed| digest::digest(&digest::SHA256, &[seed]).as_ref().to_vec()).collect();
        assert_eq!(looks_random(&random), Some(true));
        assert_eq!(looks_random(random.get(..100).unwrap_or_default()), None);
        assert_eq!(looks_random("position 24.744672, 121.044483; ".repeat(40).as_bytes()), Some(false));
        let counted: Vec<u8> = (0..2000_u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(looks_random(&counted), Some(false));
    }
}
