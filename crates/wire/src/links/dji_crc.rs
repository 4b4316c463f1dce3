//! The check sums of DJI's frames, which Ryze uses too: CRC-8 (polynomial 0x31) and CRC-16 (0x1021), least significant bit
//! first, with first values of their own.

/// Over the head of a frame.
pub(crate) fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0x77, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0x8c } else { crc >> 1 })
    })
}

/// Over all of a frame but itself.
pub(crate) fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0x3692, |crc, byte| {
        let [low, high] = crc.to_le_bytes();
        u16::from(high) ^ STEPS.get(usize::from(low ^ byte)).copied().unwrap_or_default()
    })
}

/// What each byte makes of the sum.
const STEPS: [u16; 256] = steps();

#[expect(clippy::indexing_slicing, reason = "as many as there are bytes")]
const fn steps() -> [u16; 256] {
    let mut steps = [0; 256];
    let mut byte = 0_u16;
    while byte < 256 {
        let (mut crc, mut bit) = (byte, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x8408 } else { crc >> 1 };
            bit += 1;
        }
        steps[byte as usize] = crc;
        byte += 1;
    }
    steps
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn a_ping_of_duml_and_a_take_off_of_tello_carry_them() {
        // o-gs/dji-firmware-tools; the Tello's take-off as its app sends it.
        let ping = [0x55, 0x0d, 0x04, 0x33, 0x02, 0x03, 0x01, 0x00, 0x40, 0x00, 0x00, 0x16, 0xf2];
        let take_off = [0xcc, 0x58, 0x00, 0x7c, 0x68, 0x54, 0x00, 0xe4, 0x01, 0xc2, 0x16];
        for frame in [&ping[..], &take_off] {
            let (body, sum) = frame.split_at(frame.len() - 2);
            assert_eq!(crc8(&frame[..3]), frame[3]);
            assert_eq!(crc16(body).to_le_bytes(), sum);
        }
    }
}
