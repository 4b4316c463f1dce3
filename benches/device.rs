//! Measures how files of a device are read and found again: `device [MEGABYTES [THREADS]]`.
//!
//! Makes a card in a folder of its own: two thirds are films of bytes without pattern, one third is sparse. Tells how
//! quickly it is read (SHA-256, SHA-1, MD5 and fingerprints), what the fingerprints take, how quickly content is looked
//! at that stands on the card and that does not, and beside these how quickly one thread makes SHA-256 alone.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

use std::{error::Error, fs::File, io::Write, path::Path, process::ExitCode, time::Instant};

use creance_audit::Request;
use creance_detect::Context;
use creance_model::{Carrier, Message, Parts, Side, Timestamp, Visibility};
use ring::digest;

const MEGA: usize = 1_000_000;

/// Megabytes of one film.
const FILM: usize = 200;

/// Megabytes that are looked at.
const LOOKED_AT: usize = 60;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Result<Vec<usize>, _> = arguments.iter().map(|one| one.parse()).collect();
    let (megabytes, threads) = match numbers.as_deref() {
        Ok([]) => (2000, 0),
        Ok([megabytes]) => (*megabytes, 0),
        Ok([megabytes, threads]) => (*megabytes, *threads),
        _ => {
            eprintln!("error: device [MEGABYTES [THREADS]], both numbers");
            return ExitCode::from(2);
        }
    };
    match measure(megabytes, threads) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

/// Bytes without pattern (`SplitMix64`).
fn noise(state: &mut u64, bytes: &mut [u8]) {
    for eight in bytes.chunks_mut(8) {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let number = (number ^ (number >> 31)).to_le_bytes();
        eight.iter_mut().zip(number).for_each(|(byte, random)| *byte = random);
    }
}

/// Makes the card, and gives the first bytes of its first film.
fn make(folder: &Path, megabytes: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let (mut state, mut first) = (1, Vec::new());
    let mut block = vec![0; MEGA];
    for film in 0..megabytes.div_ceil(FILM) {
        let size = FILM.min(megabytes - film * FILM);
        let mut file = File::create(folder.join(format!("DJI_{film:04}.MP4")))?;
        if film % 3 == 2 {
            file.set_len((size * MEGA) as u64)?;
            continue;
        }
        for _ in 0..size {
            noise(&mut state, &mut block);
            file.write_all(&block)?;
            if film == 0 && first.len() < LOOKED_AT * MEGA {
                first.extend_from_slice(&block);
            }
        }
    }
    Ok(first)
}

fn look(name: &str, bytes: &[u8], context: &Context) {
    let message = Message {
        time: Timestamp::default(),
        protocol: "http/1",
        kind: "request",
        from: Side::Client,
        visibility: Visibility::Clear,
        packets: vec![1],
        bytes: bytes.len() as u64,
        fields: Vec::new(),
        parts: Parts::one(Carrier::Body, "request body", bytes),
    };
    let looked = |context: &Context| {
        let start = Instant::now();
        let found = creance_detect::look(&message, context).sightings.len();
        (start.elapsed().as_secs_f64(), found)
    };
    let rounds = (0..5).map(|_| (looked(context), looked(&Context::default()).0));
    let best = rounds.reduce(|one, other| ((one.0.0.min(other.0.0), one.0.1), one.1.min(other.1)));
    let Some(((with, found), without)) = best else { return };
    println!(
        "{name}: {} MB/s by all detectors; the device costs {:.2} ns a byte ({} MB/s); {found} found",
        rate(bytes.len(), with),
        (with - without) / real(bytes.len()) * 1e9,
        rate(bytes.len(), with - without)
    );
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
const fn real(count: usize) -> f64 {
    count as f64
}

fn rate(bytes: usize, seconds: f64) -> String {
    format!("{:.0}", real(bytes) / real(MEGA) / seconds)
}

fn measure(megabytes: usize, threads: usize) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let first = make(folder.path(), megabytes)?;
    let request = Request { device: vec![folder.path().to_owned()], jobs: threads, ..Request::default() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let mut read = f64::INFINITY;
    let mut context = None;
    for _ in 0..3 {
        let start = Instant::now();
        context = Some(pool.install(|| request.context(Vec::new()))?);
        read = read.min(start.elapsed().as_secs_f64());
    }
    let Some(context) = context else { return Ok(()) };
    let (held, common) = context.device.fingerprints();
    println!("read: {} MB/s, {} threads", rate(megabytes * MEGA, read), pool.current_num_threads());
    let share = real(held) / real(megabytes * MEGA) * 100.0;
    println!("fingerprints: {held} bytes, {share:.3} % of the card, {common} common");
    look("of the card", first.get(MEGA / 2..).unwrap_or_default(), &context);
    let mut other = vec![0; first.len()];
    noise(&mut 99, &mut other);
    look("of another", &other, &context);
    let start = Instant::now();
    digest::digest(&digest::SHA256, &first);
    println!("SHA-256 alone: {} MB/s, one thread", rate(first.len(), start.elapsed().as_secs_f64()));
    Ok(())
}
