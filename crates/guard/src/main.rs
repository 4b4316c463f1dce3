//! The `creance-guard` command: a gateway that fails closed, and shows it.

mod check;
mod simulate;

use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use creance_custody::SigningKey;
use creance_guard::{
    Answer, Book, Config, Cuts, Ended, Engine, EngineError, Faults, Kernel, LocalData, Order, Passed, Policy,
    Row, Rules, against, ask, cuts, faults, percentile, ruleset, selftest, table,
};

/// Lets nothing out of a network while an aircraft of it may be flying, but what its policy names.
#[derive(Debug, Parser)]
#[command(name = "creance-guard", version, max_term_width = 100, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  creance-guard rules -c guard.toml                     what it puts into nftables, to be read before it is run
  creance-guard run -c guard.toml                       the gateway; cut until every aircraft tells that it stands
  creance-guard status                                  is it enforcing, what is believed, what was dropped
  creance-guard operator fly --reason \"take-off\"       cut now
  creance-guard operator release --reason \"battery out\"  open; asks for a code to be repeated

Exit codes: 0 done · 2 usage · 3 something unreadable or unwritable · 5 not enforcing · 70 a bug.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the ruleset that a configuration makes, as nftables reads it.
    Rules(Configured),
    /// Guards a network until it is told to end, and leaves it cut.
    Run(Configured),
    /// Says whether it is enforced, and what is believed. Exit code 5 if not, or if nobody answers.
    Status(Status),
    /// Tries every way past this guard that is known, in network namespaces, and prints what got through. Needs root.
    Selftest {
        /// Measures instead how long so many cuts take while a client sends as much as it can.
        #[arg(long, value_name = "COUNT")]
        cuts: Option<usize>,
        /// Breaks something every few seconds instead, for so many seconds, while all is cut.
        #[arg(long, value_name = "SECONDS", conflicts_with = "cuts")]
        faults: Option<u64>,
        /// Tries the ways past what this script sets up in the gateway instead, and prints what it lets through.
        #[arg(long, value_name = "SCRIPT", conflicts_with_all = ["cuts", "faults"])]
        against: Option<PathBuf>,
    },
    /// Gives an operator's word; it stands in the ledger.
    Operator(Operator),
    /// Says a policy in plain words, and what in it can never count.
    Check(check::Options),
    /// Replays a capture or a case: what a policy would have refused, by which rule.
    Simulate(simulate::Options),
}

#[derive(Args, Debug)]
struct Configured {
    /// The configuration.
    #[arg(short, long, value_name = "FILE", default_value = "/etc/creance/guard.toml")]
    config: PathBuf,
}

#[derive(Args, Debug)]
struct Status {
    #[command(flatten)]
    configured: Configured,
    /// As JSON (creance.guard-status/1).
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Operator {
    #[command(flatten)]
    configured: Configured,
    #[command(subcommand)]
    word: Word,
}

#[derive(Debug, Subcommand)]
enum Word {
    /// Something flies, or is about to: cuts at once, until `land`.
    Fly {
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Takes `fly` back. That alone opens nothing.
    Land {
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Vouches that nothing flies. Gives a code that is to be confirmed.
    Release {
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Confirms a release.
    Confirm {
        /// The code that `release` gave.
        code: String,
    },
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // Nothing is left to do if the terminal is gone.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match act(arguments.command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            let refused =
                matches!(error.downcast_ref(), Some(EngineError::Hazard(_) | EngineError::Kernel(_)));
            ExitCode::from(if refused { NOT_ENFORCING } else { 3 })
        }
    }
}

/// The exit code of a guard that guards nothing.
const NOT_ENFORCING: u8 = 5;

fn act(command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Check(options) => return check::run(&options),
        Command::Simulate(options) => return simulate::run(&options),
        Command::Rules(options) => anstream::print!("{}", ruleset::load(&Config::load(&options.config)?)),
        Command::Run(options) => return run(Config::load(&options.config)?),
        Command::Status(options) => {
            return Ok(status(&Config::load(&options.configured.config)?, options.json));
        }
        Command::Selftest { cuts: count, faults: seconds, against: peer } => {
            if let Some(script) = peer {
                return passed(&against(&script)?);
            }
            let program = std::env::current_exe().context("cannot find this program")?;
            if let Some(seconds) = seconds {
                return broken(&faults(&program, Duration::from_secs(seconds))?);
            }
            if let Some(count) = count {
                let Cuts { micros, bytes, bound, above } = cuts(&program, count)?;
                for (of, list) in [
                    ("us from evidence to the last frame outside", &micros),
                    ("bytes that arrived outside meanwhile", &bytes),
                    ("bytes at most, as the ledger says", &bound),
                ] {
                    let [half, most, all] = [50, 99, 100].map(|share| percentile(list, share));
                    anstream::println!("{of}: p50 {half}, p99 {most}, most {all} of {}", list.len());
                }
                anstream::println!("cuts that let out more than the ledger says: {above}");
                return Ok(u8::from(above > 0));
            }
            let rows = selftest(&program)?;
            table(&rows, &mut anstream::stdout())?;
            return Ok(u8::from(!rows.iter().all(Row::holds)));
        }
        Command::Operator(options) => {
            let config = Config::load(&options.configured.config)?;
            let answer = ask(&config.run, &options.word.into()).context("cannot reach the guard")?;
            anstream::println!("{}", answer.says);
            return Ok(u8::from(!answer.taken));
        }
    }
    Ok(0)
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
    writeln!(out, "ledger: {} records, {ledger}", found.records)?;
    writeln!(out, "an engine grew by {} KiB and {} descriptors at most", found.grown, found.descriptors)?;
    Ok(u8::from(!found.verified || found.frames.values().any(|frames| *frames > 0)))
}

fn run(config: Config) -> anyhow::Result<u8> {
    // Before anything else, so that a ledger or a key that cannot be read leaves nothing open.
    Kernel::close(&config).map_err(EngineError::Kernel)?;
    let key = config.key.as_ref().map(|path| {
        let pem = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        SigningKey::read(&pem).with_context(|| format!("cannot use {}", path.display()))
    });
    let policy: Box<dyn Policy> = match &config.policy {
        Some(named) => Box::new(Rules::new(check::policy(named)?.1)),
        None => Box::new(LocalData),
    };
    let book = Book::open(&config.state, key.transpose()?)
        .with_context(|| format!("cannot continue the ledger in {}", config.state.display()))?;
    Ok(match Engine::start(config, book, policy)?.run()? {
        Ended::Cut => 0,
        Ended::NotEnforcing => NOT_ENFORCING,
    })
}

fn status(config: &Config, json: bool) -> u8 {
    let Ok(Answer { status, .. }) = ask(&config.run, &Order::Status) else {
        anstream::println!("NOT ENFORCING: no engine answers");
        return NOT_ENFORCING;
    };
    let enforcing = status["enforcing"] == true;
    if json {
        anstream::println!("{status:#}");
    } else {
        let fault = status["fault"].as_str().unwrap_or("enforcing");
        let way = if status["open"] == true { "open" } else { "cut" };
        let state = status["state"].as_str().unwrap_or_default();
        anstream::println!(
            "{}: {way}, {state}, {} alarms",
            if enforcing { fault.to_owned() } else { format!("NOT ENFORCING: {fault}") },
            status["alarms"]
        );
    }
    if enforcing { 0 } else { NOT_ENFORCING }
}

impl From<Word> for Order {
    fn from(word: Word) -> Self {
        match word {
            Word::Fly { reason } => Self::Fly { reason },
            Word::Land { reason } => Self::Land { reason },
            Word::Release { reason } => Self::Release { reason },
            Word::Confirm { code } => Self::Confirm { code },
        }
    }
}
