//! The test of itself in its forms, and what came of it in words.

use std::{io::Write, path::PathBuf, time::Duration};

use anyhow::Context;
use clap::Args;
use creance_guard::{Cuts, Faults, Life, Passed, Row, against, cuts, faults, percentile, selftest, table};

/// What `selftest` is told.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Measures instead how long cuts take while a client sends as much as it can: so many over a bare link, so many through each of
    /// several queues, and while the resolver is busy.
    #[arg(long, value_name = "COUNT")]
    cuts: Option<usize>,
    /// Breaks something every few seconds instead, for so many seconds, while all is cut.
    #[arg(long, value_name = "SECONDS", conflicts_with = "cuts")]
    faults: Option<u64>,
    /// Tries the ways past what this script sets up in the gateway instead, and prints what it lets through.
    #[arg(long, value_name = "SCRIPT", conflicts_with_all = ["cuts", "faults"])]
    against: Option<PathBuf>,
}

/// Tries, and says what got through. Exit code 1 where something does not hold.
pub(crate) fn run(options: &Options) -> anyhow::Result<u8> {
    if let Some(script) = &options.against {
        return passed(&against(script)?);
    }
    let program = std::env::current_exe().context("cannot find this program")?;
    if let Some(seconds) = options.faults {
        return broken(&faults(&program, Duration::from_secs(seconds))?);
    }
    if let Some(count) = options.cuts {
        return quick(&cuts(&program, count)?);
    }
    let rows = selftest(&program)?;
    table(&rows, &mut anstream::stdout())?;
    Ok(u8::from(!rows.iter().all(Row::holds)))
}

/// Says how long cuts took. Exit code 1 where one let out more than the ledger says.
fn quick(scenes: &[Cuts]) -> anyhow::Result<u8> {
    let mut out = anstream::stdout().lock();
    for found in scenes {
        writeln!(out, "{}", found.scene)?;
        for (of, list) in [
            ("us from evidence to the last frame outside", &found.micros),
            ("us from evidence to the closing of routes, as the ledger says", &found.closed),
            ("bytes that arrived outside meanwhile", &found.bytes),
            ("bytes at most, as the ledger says", &found.bound),
            ("of these, bytes that still waited behind the rules", &found.waiting),
        ] {
            let [half, most, all] = [50, 99, 100].map(|share| percentile(list, share));
            writeln!(out, "  {of}: p50 {half}, p99 {most}, most {all} of {}", list.len())?;
        }
        if found.above > 0 {
            writeln!(out, "  cuts over their bound: {}, by {} bytes at most", found.above, found.over)?;
        }
        if found.unsure > 0 {
            writeln!(out, "  cuts of which it cannot be told, by some frames: {}", found.unsure)?;
        }
        if let Some(most) = found.own.iter().max() {
            let times = found.own.len();
            writeln!(
                out,
                "  cuts after which the gateway said something for itself: {times}, {most} bytes at most"
            )?;
        }
    }
    let sum = |of: fn(&Cuts) -> usize| scenes.iter().map(of).sum::<usize>();
    writeln!(out, "cuts whose bound the ledger does not know: {}", sum(|found| found.unknown))?;
    let above = sum(|found| found.above);
    writeln!(out, "cuts that let out more than the ledger says: {above}")?;
    Ok(u8::from(above > 0))
}

/// Says what something else let through.
fn passed(rows: &[Passed]) -> anyhow::Result<u8> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{:52} {:>8} {:>8} {:>8}", "frames outside", "in force", "killed", "emptied")?;
    for Passed { name, in_force, killed, emptied } in rows {
        writeln!(out, "{name:52} {in_force:>8} {killed:>8} {emptied:>8}")?;
    }
    Ok(0)
}

/// Says what came of faults. Exit code 1 where the cut did not hold, or the ledger does not.
fn broken(found: &Faults) -> anyhow::Result<u8> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{:44} {:>6} {:>14}", "what was broken", "times", "frames outside")?;
    for (name, times) in &found.done {
        let frames = found.frames.get(name).copied().unwrap_or_default();
        writeln!(out, "{name:44} {times:>6} {frames:>14}")?;
    }
    let ledger = if found.verified { "verifies" } else { "DOES NOT VERIFY" };
    writeln!(out, "ledger: {} records, {ledger}; files: {}", found.records, found.files)?;
    for life in &found.lives {
        let [first, most, last] =
            [life.first, life.most, life.last].map(|(memory, open)| format!("{memory} KiB and {open}"));
        writeln!(
            out,
            "an engine that lived through {} faults: memory and descriptors {first} when warm, {most} at most, {last} at its end",
            life.faults
        )?;
    }
    let leaks = found.frames.values().any(|frames| *frames > 0);
    Ok(u8::from(!found.verified || leaks || !found.lives.iter().all(Life::keeps_its_size)))
}
