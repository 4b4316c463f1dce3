//! MAVLink telemetry logs (`.tlog`, as QGroundControl and Mission Planner write them).
//!
//! ```text
//! ┌──────────────────────┬───────────────┬──────────────────────┬──
//! │ µs since 1970, u64 BE│ MAVLink frame │ µs since 1970, u64 BE│ …
//! └──────────────────────┴───────────────┴──────────────────────┴──
//! ```
//!
//! Frames that fail their checksum are skipped a byte at a time until the next good one.

use creance_model::Timestamp;
use creance_wire::mavlink::{self, Vehicles};

use super::{Log, Sample, others::Others, telemetry};

/// Whether the log begins with a time between 2000 and 2100 and the first byte of a frame.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let stamp = bytes.first_chunk().map_or(0, |stamp| u64::from_be_bytes(*stamp));
    let dated = (946_684_800_000_000..4_102_444_800_000_000).contains(&stamp);
    dated && matches!(bytes.get(8), Some(0xfe | 0xfd))
}

pub(super) fn read(bytes: &[u8]) -> Log {
    let (mut samples, mut others) = (Vec::new(), Others::default());
    let mut vehicles = Vehicles::default();
    let mut at = 0;
    while let Some((stamp, rest)) = bytes.get(at..).and_then(|rest| rest.split_first_chunk::<8>()) {
        let Some((frame, length)) = mavlink::parse_frame(rest) else {
            at += 1;
            continue;
        };
        at += 8 + length;
        let Ok(micros) = i64::try_from(u64::from_be_bytes(*stamp)) else { continue };
        let time = Timestamp::from_nanos(micros.saturating_mul(1000));
        let Some(fields) = vehicles.fields(&frame, time) else { continue };
        others.note(time, &fields);
        if let Some((state, position)) = telemetry::told(&fields) {
            samples.push(Sample { vehicle: frame.system.into(), time, state, position });
        }
    }
    Log { samples, others }
}
