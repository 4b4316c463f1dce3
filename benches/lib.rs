//! Programs that measure creance: `make`, `make-tls` and `make-http` make captures of any size, `compare` runs creance
//! and its peers on one file, `scale` draws how time and memory grow, `cost` measures what each thing costs. What they share stands here.

pub mod segments;

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use creance_capture::{Capture, Options};

/// How a program ended.
#[derive(Clone, Copy)]
pub enum Ended {
    /// There is no such program.
    NotHere,
    /// With this exit code; `None` if a signal ended it.
    With(Option<i32>),
}

/// The path of another program that was built with this one.
pub fn beside(name: &str) -> String {
    let path = std::env::current_exe().ok().and_then(|path| Some(path.parent()?.join(name)));
    path.unwrap_or_default().display().to_string()
}

/// Bytes and packets of a capture.
pub fn size(capture: &str) -> Option<(u64, u64)> {
    let mut reader = Capture::open(&[capture.into()], &Options::default()).ok()?;
    let mut packets = 0;
    while reader.next_packet().is_some() {
        packets += 1;
    }
    Some((fs::metadata(capture).ok()?.len(), packets))
}

/// Runs a program: how it ended, seconds, and the most anonymous memory seen (`RssAnon`), in kB. `None` if it is not here.
pub fn run(command: &[String]) -> Option<(Ended, f64, u64)> {
    let (program, arguments) = command.split_first()?;
    let began = Instant::now();
    let mut child =
        Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    loop {
        if let Some(ended) = child.try_wait().ok()? {
            return Some((Ended::With(ended.code()), began.elapsed().as_secs_f64(), most));
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("RssAnon:")).unwrap_or_default();
        most = most.max(line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The middle one.
pub fn median(seconds: &[f64]) -> Option<f64> {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
