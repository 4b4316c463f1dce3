//! The `creance-guard` command: a gateway that fails closed, and shows it.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use creance_guard::Config;

/// Lets nothing out of a network while an aircraft of it may be flying, but what its policy names.
#[derive(Debug, Parser)]
#[command(name = "creance-guard", version, max_term_width = 100, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Exit codes: 0 done · 2 usage · 3 something unreadable or unwritable · 5 not enforcing · 70 a bug.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the ruleset that a configuration makes, as nftables reads it.
    Rules(Rules),
}

#[derive(Args, Debug)]
struct Rules {
    /// The configuration.
    #[arg(short, long, value_name = "FILE", default_value = "/etc/creance/guard.toml")]
    config: PathBuf,
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
            ExitCode::from(3)
        }
    }
}

fn act(command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Rules(options) => {
            let config = Config::load(&options.config)?;
            anstream::print!("{}", creance_guard::ruleset::load(&config));
            Ok(0)
        }
    }
}
