//! Runs creance and its peers on one file, interleaved, and prints a table: `compare CAPTURE [ROUNDS [KEYS]]`
//!
//! * creance: the whole audit, SHA-256 of the input included, as JSON to nowhere, on two threads and on one;
//! * openssl: that SHA-256 alone, which no audit can do without, and cat: reading alone;
//! * tshark: server names of TLS hellos, the least that answers "who was talked to";
//! * creance's flows of TLS, on one thread: the same job;
//! * ndpiReader: its summary.
//!
//! With a key log, another job is compared: the requests of HTTP within TLS, on one thread, and creance's whole audit.
//!
//! Times are medians of the rounds; memory is the most anonymous memory seen (`RssAnon`). A peer that is not here, or
//! fails, is said to be so.
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, reason = "a program")]

use std::process::ExitCode;

use creance_benches::{Ended, beside, median, run, size};

struct Contender {
    name: &'static str,
    command: Vec<String>,
    seconds: Vec<f64>,
    memory: u64,
    ended: Ended,
}

/// Who was talked to.
const WHO: &[(&str, &str)] = &[
    ("creance audit --jobs 2", "CREANCE audit FILE --format json -q --jobs 2"),
    ("openssl (SHA-256 alone)", "openssl dgst -sha256 FILE"),
    ("cat (reading alone)", "cat FILE"),
    ("creance audit --jobs 1", "CREANCE audit FILE --format json -q --jobs 1"),
    ("creance flows (SNI, one thread)", "CREANCE flows FILE --protocol tls --format jsonl -q"),
    ("ndpiReader", "ndpiReader -q -i FILE"),
    (
        "tshark (SNI)",
        "tshark -n -r FILE -Y tls.handshake.type==1 -T fields -e tls.handshake.extensions_server_name",
    ),
];

/// What was said within TLS.
const WITHIN_TLS: &[(&str, &str)] = &[
    (
        "creance messages (one thread)",
        "CREANCE messages FILE --keys KEYS --protocol http/1 --kind request --format csv -q",
    ),
    ("creance audit", "CREANCE audit FILE --keys KEYS --format json -q"),
    (
        "tshark (HTTP requests)",
        "tshark -n -r FILE -o tls.keylog_file:KEYS -Y http.request -T fields -e http.host -e http.request.uri",
    ),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(capture) = arguments.next() else {
        eprintln!("usage: compare CAPTURE [ROUNDS [KEYS]]");
        return ExitCode::from(2);
    };
    let rounds: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(3);
    let Some((bytes, packets)) = size(&capture) else {
        eprintln!("cannot read {capture}");
        return ExitCode::from(3);
    };
    let built = beside("creance");
    let keys = arguments.next();
    let contender = |(name, command): &(&'static str, &str)| Contender {
        name,
        command: command
            .split(' ')
            .map(|word| match word {
                "FILE" => capture.clone(),
                "CREANCE" => built.clone(),
                _ => word.replace("KEYS", keys.as_deref().unwrap_or_default()),
            })
            .collect(),
        seconds: Vec::new(),
        memory: 0,
        ended: Ended::NotHere,
    };
    let jobs = if keys.is_some() { WITHIN_TLS } else { WHO };
    let mut contenders: Vec<Contender> = jobs.iter().map(contender).collect();
    for _ in 0..rounds {
        for contender in &mut contenders {
            let Some((ended, seconds, memory)) = run(&contender.command) else { continue };
            contender.ended = ended;
            // 4 is an answer with something missing, which is creance's own code.
            let answered = match ended {
                Ended::With(Some(0)) => true,
                Ended::With(Some(4)) => contender.name.starts_with("creance"),
                _ => false,
            };
            if answered {
                contender.seconds.push(seconds);
                contender.memory = contender.memory.max(memory);
            }
        }
    }
    println!("{capture}: {bytes} bytes, {packets} packets, median of {rounds}\n");
    println!(
        "| program | seconds | MB/s | packets/s | RssAnon, MB | creance is faster by |\n|---|--:|--:|--:|--:|--:|"
    );
    let ours = contenders.first().and_then(|contender| median(&contender.seconds)).unwrap_or(f64::NAN);
    for contender in &contenders {
        let Some(seconds) = median(&contender.seconds) else {
            let why = match contender.ended {
                Ended::NotHere => "not here".to_owned(),
                Ended::With(Some(code)) => format!("failed: code {code}"),
                Ended::With(None) => "ended by a signal".to_owned(),
            };
            println!("| {} | {why} | | | | |", contender.name);
            continue;
        };
        let (rate, packet_rate) = (bytes as f64 / 1e6 / seconds, packets as f64 / seconds);
        let memory = contender.memory as f64 / 1e3;
        println!(
            "| {} | {seconds:.2} | {rate:.0} | {packet_rate:.0} | {memory:.0} | {:.1}× |",
            contender.name,
            seconds / ours
        );
    }
    ExitCode::SUCCESS
}
