//! What an audit costs: `cost [CAPTURE]` measures the prices of a model on captures made for each, on one thread, and
//! tells how far the model is from what a capture really takes.
//!
//! ```text
//! seconds of flows = start + bytes·reading + packets·packet + flows·flow
//! seconds of audit = that  + bytes·hashing + readable bytes that leave·looking        (--jobs 1)
//! ```
//!
//! | price | capture that shows it |
//! |---|---|
//! | start | one packet |
//! | reading | a file read in pieces of 64 KB, by nobody who looks at them |
//! | packet | a thousand connections in turn, a thousand segments of 64 bytes in each, that nothing can be made of |
//! | flow | 200,000 connections of three packets |
//! | hashing | one connection of full segments that nothing can be made of: audit less flows |
//! | looking | `make-http`: what apps upload in the clear |
//!
//! What the model leaves out is what protocols cost: hellos, certificates, heads, names. The least of three rounds counts.
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, reason = "a program")]

use std::{
    error::Error,
    fs::File,
    io::Read,
    path::Path,
    process::{Command, ExitCode},
    time::Instant,
};

use creance_benches::{
    Ended, beside, run,
    segments::{SEGMENT, Segments},
    size,
};

const ROUNDS: usize = 3;
const SERVICE: [u8; 4] = [198, 51, 100, 7];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.len() > 1 {
        eprintln!("usage: cost [CAPTURE]");
        return ExitCode::from(2);
    }
    match measure(arguments.first().map(String::as_str)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

fn measure(capture: Option<&str>) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let [one, small, many, full, http] = ["one", "small", "many", "full", "http"].map(path);
    write(&one, 1, 0, &[])?;
    write(&small, 1000, 1000, &noise(64))?;
    write(&many, 200_000, 0, &[])?;
    write(&full, 1, 200_000, &noise(SEGMENT))?;
    let made = Command::new(beside("make-http")).args([&http, "300000000"]).output()?;
    let content = String::from_utf8_lossy(&made.stderr);
    let content = content.split_whitespace().nth(2).and_then(|number| number.parse::<f64>().ok());
    let content = content.ok_or("make-http says no number of bytes")?;

    let sizes = |path: &str| {
        let (bytes, packets) = size(path).ok_or_else(|| format!("cannot read {path}"))?;
        Ok::<_, String>((bytes as f64, packets as f64))
    };
    let start = flows(&one)?;
    let reading = least(|| read(&full))? / sizes(&full)?.0;
    let (bytes, packets) = sizes(&small)?;
    let packet = (flows(&small)? - start - bytes * reading) / packets;
    let (bytes, packets) = sizes(&many)?;
    let flow = (flows(&many)? - start - bytes * reading - packets * packet) / 200_000.0;
    let (bytes, _) = sizes(&full)?;
    let hashing = (audit(&full)? - flows(&full)?) / bytes;
    let (bytes, packets) = sizes(&http)?;
    let looking = (audit(&http)? - start - bytes * (reading + hashing) - packets * packet) / content;

    println!("| price | |\n|---|--:|");
    println!("| start | {:.0} ms |", start * 1e3);
    println!("| reading | {:.2} ns a byte |", reading * 1e9);
    println!("| packet | {:.0} ns |", packet * 1e9);
    println!("| flow | {:.1} µs |", flow * 1e6);
    println!("| hashing | {:.2} ns a byte |", hashing * 1e9);
    println!("| looking | {:.2} ns a readable byte |", looking * 1e9);
    println!("\n| capture | model, s | measured, s |\n|---|--:|--:|");
    let told = |name: &str, model: f64, measured: f64| println!("| {name} | {model:.2} | {measured:.2} |");
    let (bytes, packets) = sizes(&full)?;
    told("flows of full segments", start + bytes * reading + packets * packet, flows(&full)?);
    if let Some(capture) = capture {
        let (bytes, packets) = sizes(capture)?;
        let listed =
            Command::new(beside("creance")).args(["flows", capture, "-q", "--format", "jsonl"]).output()?;
        let count = String::from_utf8_lossy(&listed.stdout).lines().count() as f64;
        let model = start + bytes * reading + packets * packet + count * flow;
        told(&format!("flows of {}", name(capture)), model, flows(capture)?);
        told(&format!("audit of {}, but looking", name(capture)), model + bytes * hashing, audit(capture)?);
    }
    Ok(())
}

fn name(path: &str) -> String {
    Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// So many connections, in each of which in turn the client says the same so often.
fn write(path: &str, connections: u32, times: u32, said: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut segments = Segments::create(path)?;
    let mut open = Vec::new();
    for number in 0..connections {
        let [_, a, b, c] = number.to_be_bytes();
        let port = 1024 + u16::from_be_bytes([b & 0x7f, c]);
        open.push(segments.open(([10, 0, a, b], port), (SERVICE, 4443))?);
    }
    for _ in 0..times {
        open.iter_mut().try_for_each(|connection| segments.say(connection, 0, said))?;
    }
    segments.finish()?;
    Ok(())
}

/// Bytes that are no protocol's and look random.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes().first().copied().unwrap_or_default()
    };
    (0..length).map(|_| next()).collect()
}

fn least(mut once: impl FnMut() -> Result<f64, Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        least = least.min(once()?);
    }
    Ok(least)
}

fn read(path: &str) -> Result<f64, Box<dyn Error>> {
    let (mut file, mut piece) = (File::open(path)?, vec![0; 1 << 16]);
    let began = Instant::now();
    while file.read(&mut piece)? > 0 {}
    Ok(began.elapsed().as_secs_f64())
}

fn flows(path: &str) -> Result<f64, Box<dyn Error>> {
    seconds(&["flows", path, "-q", "--format", "jsonl"])
}

fn audit(path: &str) -> Result<f64, Box<dyn Error>> {
    seconds(&["audit", path, "-q", "--format", "json", "--jobs", "1"])
}

fn seconds(arguments: &[&str]) -> Result<f64, Box<dyn Error>> {
    let command: Vec<String> =
        std::iter::once(beside("creance")).chain(arguments.iter().map(|one| (*one).to_owned())).collect();
    least(|| match run(&command) {
        Some((Ended::With(Some(0 | 4)), seconds, _)) => Ok(seconds),
        _ => Err(format!("creance {} failed", arguments.join(" ")).into()),
    })
}
