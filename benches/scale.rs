//! Draws how the time and the memory of an audit grow with the size of its input: `scale OUT.svg CAPTURE...`
//!
//! Each capture is audited three times on two threads; the least time counts, and the most anonymous memory (`RssAnon`).
//! Both axes of the time are logarithmic, so that what grows linearly is a straight line of slope one, which is drawn
//! beside. Prints the same as a table.
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, reason = "a program")]

use std::{fmt::Write, fs, process::ExitCode};

use creance_benches::{Ended, beside, run};

/// What was measured of one capture.
struct Point {
    bytes: f64,
    seconds: f64,
    /// In MB.
    memory: f64,
}

const ROUNDS: usize = 3;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, captures @ ..] = arguments.as_slice() else { return usage() };
    if captures.is_empty() {
        return usage();
    }
    let creance = beside("creance");
    let mut points = Vec::new();
    println!("| bytes | seconds | MB/s | RssAnon, MB |\n|--:|--:|--:|--:|");
    for capture in captures {
        let Ok(meta) = fs::metadata(capture) else {
            eprintln!("cannot read {capture}");
            return ExitCode::from(3);
        };
        let command =
            [&creance, "audit", capture, "--format", "json", "-q", "--jobs", "2"].map(str::to_owned);
        let runs: Vec<_> = (0..ROUNDS).filter_map(|_| run(&command)).collect();
        if runs.is_empty() || !runs.iter().all(|(ended, ..)| matches!(ended, Ended::With(Some(0 | 4)))) {
            eprintln!("the audit of {capture} failed");
            return ExitCode::from(3);
        }
        let seconds = runs.iter().map(|(_, seconds, _)| *seconds).fold(f64::INFINITY, f64::min);
        let memory = runs.iter().map(|(.., memory)| *memory).max().unwrap_or_default() as f64 / 1e3;
        let bytes = meta.len() as f64;
        println!("| {bytes} | {seconds:.2} | {:.0} | {memory:.0} |", bytes / 1e6 / seconds);
        points.push(Point { bytes, seconds, memory });
    }
    if let Err(error) = fs::write(out, drawn(&points)) {
        eprintln!("cannot write {out}: {error}");
        return ExitCode::from(3);
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: scale OUT.svg CAPTURE... (of 50 MB to 20 GB)");
    ExitCode::from(2)
}

/// A frame of the picture: where it stands, and its greatest and least values.
struct Frame {
    left: f64,
    title: &'static str,
    /// Powers of ten of bytes.
    x: (f64, f64),
    y: (f64, f64),
}

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 220.0;
const TOP: f64 = 50.0;

impl Frame {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let part = |value: f64, (least, most): (f64, f64)| (value - least) / (most - least);
        (self.left + part(x, self.x) * WIDTH, TOP + HEIGHT - part(y, self.y) * HEIGHT)
    }

    /// The frame with its points, each with what it says.
    fn draw(&self, svg: &mut String, points: &[(f64, f64, String)]) {
        let Self { left, title, .. } = self;
        let _ = writeln!(svg, "<text x='{left}' y='30' font-weight='bold'>{title}</text>");
        let _ = writeln!(svg, "<rect x='{left}' y='{TOP}' width='{WIDTH}' height='{HEIGHT}' class='frame'/>");
        for (power, name) in [(8.0, "100 MB"), (9.0, "1 GB"), (10.0, "10 GB")] {
            let (x, y) = self.at(power, self.y.0);
            let _ = writeln!(svg, "<text x='{x}' y='{}' text-anchor='middle'>{name}</text>", y + 18.0);
        }
        let path: Vec<String> =
            points.iter().map(|(x, y, _)| self.at(*x, *y)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(svg, "<polyline points='{}' class='line'/>", path.join(" "));
        for (x, y, said) in points {
            let (x, y) = self.at(*x, *y);
            let _ = writeln!(svg, "<circle cx='{x:.1}' cy='{y:.1}' r='4'/>");
            let _ =
                writeln!(svg, "<text x='{:.1}' y='{:.1}' text-anchor='end'>{said}</text>", x - 6.0, y - 6.0);
        }
    }
}

fn drawn(points: &[Point]) -> String {
    let mut svg = String::from(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 760 310' font-family='sans-serif' font-size='12'>\n\
         <style>.frame{fill:none;stroke:#999}.line{fill:none;stroke:#1a5fb4;stroke-width:2}circle{fill:#1a5fb4}\
         .slope{stroke:#999;stroke-dasharray:4 4}</style>\n<rect width='760' height='310' fill='#fff'/>\n",
    );
    let x = (7.7, 10.3);
    let seconds: Vec<f64> = points.iter().map(|point| point.seconds.log10()).collect();
    let least = seconds.iter().copied().fold(f64::INFINITY, f64::min) - 0.3;
    let time =
        Frame { left: 40.0, title: "Seconds (both axes logarithmic)", x, y: (least, least + (x.1 - x.0)) };
    if let Some(first) = points.first() {
        // Slope one, through the first point.
        let (from, to) = (
            first.seconds.log10() - first.bytes.log10() + x.0,
            first.seconds.log10() - first.bytes.log10() + x.1,
        );
        let ((x1, y1), (x2, y2)) = (time.at(x.0, from), time.at(x.1, to));
        let _ = writeln!(svg, "<line x1='{x1:.1}' y1='{y1:.1}' x2='{x2:.1}' y2='{y2:.1}' class='slope'/>");
    }
    let said: Vec<_> = points
        .iter()
        .map(|point| (point.bytes.log10(), point.seconds.log10(), format!("{:.2} s", point.seconds)))
        .collect();
    time.draw(&mut svg, &said);
    let memory = Frame { left: 420.0, title: "Anonymous memory, of 300 MB", x, y: (0.0, 300.0) };
    let said: Vec<_> = points
        .iter()
        .map(|point| (point.bytes.log10(), point.memory, format!("{:.0} MB", point.memory)))
        .collect();
    memory.draw(&mut svg, &said);
    svg.push_str("</svg>\n");
    svg
}
