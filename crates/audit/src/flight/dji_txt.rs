//! The details block of a DJI flight record (`DJIFlightRecord_….txt`), readable in every version.
//!
//! ```text
//!  0              8         10       11                12 (v<6) / 100
//! ┌──────────────┬─────────┬────────┬─────────────────┬──────────────
//! │ detail at u64│ length  │ version│ …               │ records
//! └──────────────┴─────────┴────────┴─────────────────┴──────────────
//! v<12: details at `detail at`; v12: at 100, 436 bytes; v13+: an auxiliary block at 100, XOR-scrambled
//! details: 91 start time i64 ms · 99 longitude f64 · 107 latitude f64 · 119 duration i32 ms
//! ```
//!
//! Source: the layout published by the open parser lvauvillier/dji-log-parser. The records themselves (encrypted from
//! version 13 on under keys that the vendor holds) are not read.

use creance_cursor::{Cursor, Malformed};
use creance_model::{FlightState, Timestamp};

use super::{Sample, place};

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Sample>, String> {
    details(bytes).map_err(|malformed| format!("not a readable flight record: {malformed}"))
}

fn details(bytes: &[u8]) -> Result<Vec<Sample>, Malformed> {
    let mut prefix = Cursor::new(bytes);
    let at = prefix.u64_le("detail offset")?;
    prefix.u16_le("detail length")?;
    let version = prefix.u8("version")?;
    let unscrambled;
    let block = match version {
        0..=11 => bytes.get(usize::try_from(at).unwrap_or(usize::MAX)..).unwrap_or_default(),
        12 => bytes.get(100..).unwrap_or_default(),
        _ => {
            unscrambled = auxiliary(bytes.get(100..).unwrap_or_default())?;
            unscrambled.as_slice()
        }
    };
    let mut block = Cursor::new(block);
    block.take("details", 91)?;
    let start = block.array("start time").map(i64::from_le_bytes)?;
    let longitude = block.f64_le("longitude")?;
    let latitude = block.f64_le("latitude")?;
    block.take("distance", 4)?;
    let duration = i64::from(block.i32_le("duration")?);
    // A log before 2010 or after 2100 is scrambled or something else.
    if !(1_262_304_000_000..4_102_444_800_000).contains(&start) || !(0..86_400_000).contains(&duration) {
        return Err(Malformed::Unexpected {
            field: "start time",
            at: 91,
            found: start.cast_unsigned(),
            expected: "milliseconds since 1970 between 2010 and 2100",
        });
    }
    let sample = |ms: i64, position| Sample {
        vehicle: 0,
        time: Timestamp::from_nanos(ms.saturating_mul(1_000_000)),
        state: Some(FlightState::Flying),
        position,
    };
    // One sample every two seconds: what is between the first and the last belongs to the same flight.
    let mut samples: Vec<Sample> =
        (0..=duration / 2000).map(|step| sample(start + step * 2000, None)).collect();
    samples.push(sample(start + duration, None));
    if let Some(first) = samples.first_mut() {
        first.position = place(latitude, longitude);
    }
    Ok(samples)
}

/// Versions 13 and later: block `00 len16`, scrambled like a record of type 0; inside `version u8, length u16, details`.
fn auxiliary(block: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut block = Cursor::new(block);
    block.u8("auxiliary block type")?;
    let length = block.u16_le("auxiliary block length")?;
    let body = block.take("auxiliary block", usize::from(length))?;
    let Some((&seed, scrambled)) = body.split_first() else { return Ok(Vec::new()) };
    let key = xor_key(seed, 0);
    let plain: Vec<u8> = scrambled.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    let mut plain = Cursor::new(&plain);
    plain.u8("auxiliary version")?;
    let length = plain.u16_le("details length")?;
    Ok(plain.take("details", usize::from(length))?.to_vec())
}

/// The scrambling key of a record: CRC-64 (Jones) of a product of its first byte, seeded by that byte and the type.
fn xor_key(seed: u8, record_type: u8) -> [u8; 8] {
    let product = 0x1234_5678_9abc_def0_u64.wrapping_mul(u64::from(seed));
    let mut crc = u64::from(seed.wrapping_add(record_type));
    for byte in product.to_le_bytes() {
        crc ^= u64::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x95ac_9329_ac4b_c9b5 } else { crc >> 1 };
        }
    }
    crc.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_11_details_give_start_and_duration() {
        let mut log = vec![0; 100];
        log[0] = 100;
        log[10] = 11;
        let mut block = vec![0; 123];
        block[91..99].copy_from_slice(&1_700_000_000_000_i64.to_le_bytes());
        block[99..107].copy_from_slice(&8.5_f64.to_le_bytes());
        block[107..115].copy_from_slice(&47.5_f64.to_le_bytes());
        block[119..123].copy_from_slice(&60_000_i32.to_le_bytes());
        log.extend(block);
        let samples = read(&log).unwrap();
        assert_eq!(samples[0].time, Timestamp::from_secs(1_700_000_000));
        assert_eq!(samples[0].position, Some((47.5, 8.5)));
        assert_eq!(samples.last().unwrap().time, Timestamp::from_secs(1_700_000_060));
    }

    #[test]
    fn noise_is_refused_with_the_field() {
        let error = read(&[1; 200]).unwrap_err();
        assert!(error.contains("detail"), "{error}");
    }
}
