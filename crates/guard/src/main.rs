//! The `creance-guard` command: a gateway that fails closed, and shows it.

mod check;
mod doctor;
mod prove;
mod simulate;
mod trial;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use creance_guard::{
    Answer, Book, Config, Ended, Engine, EngineError, Kernel, LocalData, Order, Policy, Rules, alone, ask,
    metrics, page, ruleset, tally, unanswered,
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
  creance-guard proof --flight 3 -o flight-3            what left during the third flight, for others to check
  creance-guard operator release --reason \"battery out\"  open; asks for a code to be repeated

Exit codes: 0 done · 2 usage · 3 something unreadable or unwritable · 5 not enforcing · 70 a bug.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the ruleset that a configuration makes, as nftables reads it.
    Rules(Configured),
    /// Guards a network until it is told to end, and leaves it cut.
    Run(Run),
    /// Says whether it is enforced, and what is believed. Exit code 5 if not, or if nobody answers.
    Status(Status),
    /// Checks whether this machine can guard, and says what to do where it cannot. Exit code 5, if it cannot.
    Doctor(doctor::Options),
    /// The same as `status`, in OpenMetrics.
    Metrics(Configured),
    /// Serves a page to operators where the configuration says (`page`), with a token that is made at the first start.
    Page(Configured),
    /// Tries every way past this guard that is known, in network namespaces, and prints what got through. Needs root.
    Selftest(trial::Options),
    /// Gives an operator's word; it stands in the ledger.
    Operator(Operator),
    /// Says what left during a flight, from the signed ledger, so that others can check it.
    Proof(prove::Options),
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
struct Run {
    #[command(flatten)]
    configured: Configured,
    /// Prints each record of the ledger as well, a line of JSON each.
    #[arg(long)]
    log: bool,
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
    /// Answers for cutting what the law where the aircraft is asks for in flight. It holds until the engine starts anew.
    Override {
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
        Command::Doctor(options) => return doctor::run(&options),
        Command::Proof(options) => return prove::run(&options),
        Command::Check(options) => return check::run(&options),
        Command::Simulate(options) => return simulate::run(&options),
        Command::Rules(options) => anstream::print!("{}", ruleset::load(&Config::load(&options.config)?)),
        Command::Run(options) => return run(Config::load(&options.configured.config)?, options.log),
        Command::Status(options) => {
            return Ok(status(&Config::load(&options.configured.config)?, options.json));
        }
        Command::Metrics(options) => {
            let answer = ask(&Config::load(&options.config)?.run, &Order::Status).ok();
            anstream::print!("{}", metrics::text(answer.as_ref().map(|answer| &answer.status)));
        }
        Command::Page(options) => {
            let config = Config::load(&options.config)?;
            let page = config.page.clone().context("the configuration has no `page`")?;
            anstream::eprintln!(
                "http://{}/ · the token is in {}/page.token",
                std::net::SocketAddr::from((page.address, page.port)),
                page.state.as_ref().unwrap_or(&config.state).display()
            );
            if let Err(error) = ask(&config.run, &Order::Status) {
                anstream::eprintln!("{}", unanswered(&config.run, &error));
            }
            page::serve(config, &page).context("cannot serve the page")?;
        }
        Command::Selftest(options) => return trial::run(&options),
        Command::Operator(options) => {
            let config = Config::load(&options.configured.config)?;
            let answer = ask(&config.run, &options.word.into())
                .map_err(|error| anyhow::anyhow!(unanswered(&config.run, &error)))?;
            anstream::println!("{}", answer.says);
            return Ok(u8::from(!answer.taken));
        }
    }
    Ok(0)
}

fn run(config: Config, log: bool) -> anyhow::Result<u8> {
    Engine::hold_signals()?;
    // Before rules are touched: they are those of the other.
    let alone = alone(&config.state);
    if alone.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock) {
        anyhow::bail!("another engine has the ledger in {}: end it first", config.state.display());
    }
    // What was counted since an engine that was killed wrote it down last is gone with its rules. The way is closed before it is
    // read: what left between that and the new rules would be counted by nobody. Neither need succeed: where no rules stand there
    // is nothing to cut, and all is closed below in any case.
    let _ = Kernel::lock(&config);
    let _ = Kernel::apply(&ruleset::cut());
    let left = Kernel::look().ok().as_ref().and_then(tally::left_behind);
    // Before anything else, so that a ledger or a key that cannot be read leaves nothing open.
    Kernel::close(&config).map_err(EngineError::Kernel)?;
    let key = prove::key(&config)?;
    let policy: Box<dyn Policy> = match &config.policy {
        Some(named) => Box::new(Rules::new(check::policy(named)?.1).within(config.region.as_deref())),
        None => Box::new(LocalData),
    };
    let cannot = || format!("cannot continue the ledger in {}", config.state.display());
    let _alone = alone.with_context(cannot)?;
    let mut book = Book::open(&config.state, key).with_context(cannot)?;
    if log {
        book = book.logging();
    }
    if let Some(left) = left {
        book.note("left", left).context("cannot write the ledger")?;
    }
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
        let way = match (status["open"] == true, status["by_name"] == true) {
            (true, _) => "open",
            (false, true) => "by name",
            (false, false) => "cut",
        };
        let state = status["state"].as_str().unwrap_or_default();
        anstream::println!(
            "{}: {way}, {state}, {} alarms",
            if enforcing { fault.to_owned() } else { format!("NOT ENFORCING: {fault}") },
            status["alarms"]
        );
        let rows = |key: &str| status[key].as_array().map(Vec::as_slice).unwrap_or_default();
        anstream::println!("policy: {}", status["policy"].as_str().unwrap_or_default());
        if let Some(why) = status["last_cut"]["why"].as_str() {
            let bytes = status["last_cut"]["bytes_at_most"].as_u64();
            let bytes =
                bytes.map_or_else(|| "nobody knows how many".to_owned(), |bytes| format!("at most {bytes}"));
            let micros = status["last_cut"]["us_to_routes"].as_u64();
            let after =
                micros.map_or_else(String::new, |micros| format!(", {} ms from evidence", micros / 1000));
            anstream::println!("last cut: {why}{after}, {bytes} bytes meanwhile");
        }
        for duty in rows("duties") {
            let answered =
                status["override"].as_str().unwrap_or("nobody answers for cutting it (operator override)");
            anstream::println!("law of {}: {} {answered}", duty["country"], duty["says"]);
        }
        for row in rows("sources") {
            anstream::println!("source: {}", metrics::source(row));
        }
        for row in rows("refused").iter().take(10) {
            let [from, to, protocol] = [0, 1, 2].map(|at| row[at].as_str().unwrap_or_default());
            anstream::println!("refused: {from} to {to}, {protocol} {}: {} packets", row[3], row[4]);
        }
    }
    if enforcing { 0 } else { NOT_ENFORCING }
}

impl From<Word> for Order {
    fn from(word: Word) -> Self {
        match word {
            Word::Fly { reason } => Self::Fly { reason },
            Word::Land { reason } => Self::Land { reason },
            Word::Release { reason } => Self::Release { reason },
            Word::Override { reason } => Self::Override { reason },
            Word::Confirm { code } => Self::Confirm { code },
        }
    }
}
