//! Any bytes as a DJI flight record, with keys for all that may be encrypted. The first byte chooses: as they are, or behind
//! the beginning of a record of some version, so that they are reached as records.
#![no_main]

use std::sync::LazyLock;

use creance_flightlog::{FORMATS, Format, Keychain, Options, export_key_request};
use creance_model::{ScrubRequest, is_place};
use libfuzzer_sys::fuzz_target;

/// Keys and first blocks of zeros, for all feature points.
static OPTIONS: LazyLock<Options> = LazyLock::new(|| {
    let (key, iv) = (format!("{}=", "A".repeat(43)), format!("{}==", "A".repeat(22)));
    let keys: Vec<String> = (1..=15)
        .map(|feature| format!(r#"{{"featurePoint":{feature},"aesKey":"{key}","aesIv":"{iv}"}}"#))
        .collect();
    let keychain =
        Keychain::parse(&format!("[[{0}],[{0}]]", keys.join(","))).expect("the shape of an answer");
    let mut options = Options::default();
    options.keychain = Some(keychain);
    options
});

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, content)) = bytes.split_first() else { return };
    let version = choice % 16;
    let log = match version {
        0 | 15 => content.to_vec(),
        _ => {
            let mut log = vec![0; if version < 6 { 12 } else { 100 }];
            log[10] = version;
            log.extend_from_slice(content);
            log
        }
    };
    let format: &Format = FORMATS.iter().find(|format| format.name == "dji-txt").expect("it is in the list");
    for options in [&*OPTIONS, &Options::default()] {
        let told = format.read(&log, options);
        for track in &told.tracks {
            assert!(!track.points.is_empty() && track.points.len() <= log.len());
            assert!(track.points.iter().all(|point| is_place(point.lat, point.lon)));
        }
        assert!(told.hidden.iter().map(|hidden| hidden.bytes).sum::<u64>() <= log.len() as u64);
        assert!(told.phases.windows(2).all(|two| two[0].to <= two[1].from));
    }
    let _ = export_key_request(&log);
    assert!(format.scrub(&log, &ScrubRequest::default()).is_err());
});
