//! The `creance` command: one file per subcommand.
//!
//! Results go to stdout, progress and messages to stderr. Exit codes: see [`exit`].

mod args;
mod assess;
mod audit;
mod bench;
mod canary;
mod case;
mod companion;
mod compare;
mod data;
mod exit;
mod explain;
mod extract;
mod flows;
mod inspect;
mod messages;
mod progress;
mod proof;
mod region;
mod remedies;
mod report;
mod review;
mod rows;
mod scrub;
mod trace;
mod zones;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Args, Command};

/// Messages are many small parts: the system's allocator took a tenth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    exit::tell_bugs();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let code = if error.use_stderr() { exit::USAGE } else { exit::DONE };
            // Nothing is left to do if the terminal is gone.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let told = match run(args) {
        Ok(code) => return ExitCode::from(code),
        Err(error) => error,
    };
    if exit::is_broken_pipe(&told) {
        return ExitCode::from(exit::DONE);
    }
    exit::tell(&told);
    ExitCode::from(exit::code(&told))
}

fn run(args: Args) -> anyhow::Result<u8> {
    if let Some(shell) = args.completions {
        clap_complete::generate(shell, &mut Args::command(), "creance", &mut std::io::stdout());
        return Ok(exit::DONE);
    }
    match args.command {
        Some(Command::Audit(options)) => audit::run(&options, args.talk),
        Some(Command::Inspect(options)) => inspect::run(&options, args.talk),
        Some(Command::Scrub(options)) => scrub::run(&options, args.talk),
        Some(Command::Flows(options)) => flows::run(&options, args.talk),
        Some(Command::Messages(options)) => messages::run(&options, args.talk),
        Some(Command::Extract(options)) => extract::run(&options, args.talk),
        Some(Command::Bench(options)) => bench::run(&options),
        Some(Command::Compare(options)) => compare::run(&options, args.talk),
        Some(Command::Assess(options)) => assess::run(&options),
        Some(Command::Remedies(options)) => remedies::run(&options),
        Some(Command::Report(options)) => report::run(&options, args.talk),
        Some(Command::Review(options)) => review::run(&options),
        Some(Command::Case(options)) => case::run(&options),
        Some(Command::Proof(options)) => proof::run(&options),
        Some(Command::Region(options)) => region::run(&options, args.talk),
        Some(Command::Zones(options)) => zones::run(&options, args.talk),
        Some(Command::Data(options)) => data::run(&options),
        Some(Command::Canary(options)) => canary::run(&options, args.talk),
        Some(Command::Range { arguments }) => companion::run("range", &arguments),
        Some(Command::Guard { arguments }) => companion::run("guard", &arguments),
        Some(Command::Doctor { arguments }) => {
            companion::run("guard", &[vec!["doctor".into()], arguments].concat())
        }
        Some(Command::Explain(options)) => explain::run(&options),
        None => {
            Args::command().print_help()?;
            Ok(exit::USAGE)
        }
    }
}
