//! How the likelihoods of judgements do on generated cases of which the truth is known:
//! `cargo run -p creance-assess --example calibrate -- docs` writes `docs/calibration.md` and `docs/calibration.svg`.
#![expect(clippy::print_stdout, reason = "its table is what it is for")]

#[expect(dead_code, reason = "shared with unit tests")]
mod cases;
mod score;

use std::{fmt::Write as _, fs, path::PathBuf};

use score::{Row, bands, brier, samples};

/// Cases that are generated.
const CASES: usize = 4_000;
/// How much oftener evidence misleads in the second table.
const HARSHER: f64 = 3.0;
/// Where chance begins.
const SEED: u64 = 1;

fn main() -> std::io::Result<()> {
    let usual = samples(SEED, CASES, 1.0);
    let rows = bands(&usual);
    let table_of = |samples: &[score::Sample]| table(&bands(samples), brier(samples), samples.len());
    let (table, harsher) = (table_of(&usual), table_of(&samples(SEED, CASES, HARSHER)));
    print!("{table}\nEvidence misleads {HARSHER} times as often:\n\n{harsher}");
    if let Some(folder) = std::env::args().nth(1).map(PathBuf::from) {
        fs::write(folder.join("calibration.md"), page(&table, &harsher))?;
        fs::write(folder.join("calibration.svg"), drawing(&rows))?;
    }
    Ok(())
}

fn table(rows: &[Row], brier: f64, count: usize) -> String {
    let mut out = format!(
        "Brier score {brier:.3} over {count} judgements of {CASES} cases (always saying even: 0.250).\n\n"
    );
    out.push_str("| band | in a hundred | judgements | said, on average | was so | at 95 % | within |\n|---|---|---:|---:|---:|---|---|\n");
    for row in rows {
        let (low, high) = row.band.range();
        let _ = writeln!(
            out,
            "| {} | {:.0}–{:.0} | {} | {:.1} % | {:.1} % | {:.1}–{:.1} % | {} |",
            row.band,
            low * 100.0,
            high * 100.0,
            row.count,
            row.said * 100.0,
            row.so * 100.0,
            row.interval.0 * 100.0,
            row.interval.1 * 100.0,
            if row.count == 0 {
                "–"
            } else if row.holds() {
                "yes"
            } else {
                "no"
            },
        );
    }
    out
}

fn page(table: &str, harsher: &str) -> String {
    format!(
        "# Calibration of judgements\n\n\
        Made by `cargo run -p creance-assess --example calibrate -- docs`; a test holds the table true with other cases of chance.\n\n\
        {table}\n\
        ![Said against so, by band](calibration.svg)\n\n\
        Cases are generated at the level of findings (`crates/assess/examples/calibrate/cases.rs`): leaks that happen at rates of chance to hosts of\n\
        chance; bytes that cannot be read, loss, detectors that miss; countries that databases have wrong, actions that logs have wrong, laws of the wrong\n\
        company, values that only look like what they are taken for, and as many as a hundred findings of one leak. Each case draws\n\
        its own rates of error. Of each of thirteen hypotheses as many cases hold as do not, which is the prior that `weights.toml` states.\n\n\
        What this shows: within such a world bands are worth what they say. What it cannot show: that the field errs at these rates. The rates and the\n\
        weights are of one hand, and fitted to each other: with the first weights and a world that misled more often, what was called very\n\
        likely was so in 68 of 100 cases, and both were changed. A world that misleads more often makes every band too sure. The laboratory's\n\
        captures, whose truth is known\n\
        and which were made by others' rules, are a second check (`crates/audit/tests/judgements.rs`). The same where evidence misleads {HARSHER} times as often:\n\n\
        {harsher}"
    )
}

/// Said against so: dots with their intervals, bands as boxes, perfection as a line.
fn drawing(rows: &[Row]) -> String {
    let x = |p: f64| 60.0 + p * 480.0;
    let y = |p: f64| 520.0 - p * 480.0;
    let mut out = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 580 580\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<rect width=\"580\" height=\"580\" fill=\"#fff\"/>\n",
    );
    for row in rows {
        let (low, high) = row.band.range();
        let _ = writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"#e7edf3\" stroke=\"#fff\"/>",
            x(low),
            y(high),
            x(high) - x(low),
            y(low) - y(high)
        );
    }
    let _ = writeln!(
        out,
        "<path d=\"M{:.0} {:.0}L{:.0} {:.0}\" stroke=\"#999\" stroke-dasharray=\"4 4\"/>",
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0)
    );
    for row in rows.iter().filter(|row| row.count > 0) {
        let _ = writeln!(
            out,
            "<path d=\"M{0:.1} {1:.1}V{2:.1}\" stroke=\"#1f4e79\" stroke-width=\"2\"/><circle cx=\"{0:.1}\" cy=\"{3:.1}\" r=\"5\" fill=\"#1f4e79\"><title>{4}: {5} judgements</title></circle>",
            x(row.said),
            y(row.interval.0),
            y(row.interval.1),
            y(row.so),
            row.band,
            row.count
        );
    }
    for tenth in (0..=10).step_by(2) {
        let p = f64::from(tenth) / 10.0;
        let _ = writeln!(
            out,
            "<text x=\"{:.0}\" y=\"540\" text-anchor=\"middle\">{:.0} %</text><text x=\"52\" y=\"{:.0}\" text-anchor=\"end\">{:.0} %</text>",
            x(p),
            p * 100.0,
            y(p) + 4.0,
            p * 100.0
        );
    }
    out.push_str("<text x=\"300\" y=\"566\" text-anchor=\"middle\">said</text><text x=\"18\" y=\"280\" text-anchor=\"middle\" transform=\"rotate(-90 18 280)\">was so</text>\n</svg>\n");
    out
}
