//! Real captures, cut and with bytes flipped, all in one process: nothing panics, nothing hangs.
#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

use std::{
    fs,
    time::{Duration, Instant},
};

use creance_audit::{Request, audit};
use creance_tests::shared;

/// `SplitMix64` (Steele, Lea, Flood 2014): a seeded sequence, the same on every machine.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % below.max(1) as u64) as usize
    }
}

#[test]
fn cut_and_flipped_captures_are_read_as_far_as_they_go() {
    let Some(folder) = shared("captures") else {
        println!("skipped: no shared captures");
        return;
    };
    #[expect(clippy::disallowed_methods, reason = "how much to do is asked for here")]
    let rounds: usize =
        std::env::var("CREANCE_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("mutated");
    let mut sequence = Sequence(2026);
    let (mut tried, mut read) = (0, 0);
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    names.sort();
    for name in names {
        let original = fs::read(&name).unwrap();
        if original.len() > 1 << 20 && rounds < 10 {
            continue;
        }
        for round in 0..2 * rounds {
            let mut bytes = original.clone();
            if round % 2 == 0 {
                bytes.truncate(sequence.next(original.len()));
            } else {
                for _ in 0..=sequence.next(40) {
                    let at = sequence.next(bytes.len());
                    bytes[at] = sequence.next(256) as u8;
                }
            }
            fs::write(&path, &bytes).unwrap();
            let request = Request { inputs: vec![path.display().to_string()], jobs: 1, ..Request::default() };
            tried += 1;
            let began = Instant::now();
            // An error is an answer; a panic is not.
            if let Ok(report) = audit(&request, &mut |_| {}) {
                read += 1;
                for output in creance_render::ALL {
                    output.write(&report, &creance_render::Options::default(), &mut std::io::sink()).unwrap();
                }
            }
            let took = began.elapsed();
            assert!(took < Duration::from_secs(30), "{} round {round}: {took:?}", name.display());
        }
    }
    println!("{tried} mutated captures, {read} of them still captures");
    assert!(tried > 100 && read > tried / 2);
}
