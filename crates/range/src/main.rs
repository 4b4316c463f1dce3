//! The `creance-range` command: plays scenarios, scores audits of many, and demonstrates the two worlds.

mod shown;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use creance_range::{
    Live, Scenario, behaviours, bench, demo, rows, run, run_campaign, run_live, run_pair, seal, tables,
};

/// Plays aircraft, app and clouds in a sealed laboratory, with invented people, and writes labelled cases.
#[derive(Debug, Parser)]
#[command(name = "creance-range", version, max_term_width = 100, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  creance-range list                                   scenarios, and what an app can be made to do
  creance-range run as-alleged --seed 7 -o case        a capture with all that belongs to it, and the truth
  creance-range bench --count 50                       many worlds by chance, audited and scored
  creance-range run as-claimed -o case --live -- tcpdump -i tablet -w seen.pcap
                                                       the same packets, through the kernel of a namespace of its own
  creance-range demo                                   both worlds, one flight: what was on, and what was found
  creance audit case/capture.pcapng --keys case/capture.keys --canaries case/canaries.toml \\
      --device case/device --flight case/flight.tlog --actions case/actions.csv

Exit codes: 0 done · 2 usage · 3 something unreadable or unwritable · 70 a bug. There is no network but memory, and a sealed one with --live.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays a scenario and writes the case: capture, keys, device, logs, canaries, truth.
    Run(Run),
    /// Plays worlds by chance, audits each blind, and prints recall and precision by class, encoding and world.
    Bench(Bench),
    /// Plays both worlds on one plan, audits each blind, and writes the reports and a table of what was on and found.
    Demo(Demo),
    /// Lists the bundled scenarios and the switches.
    List,
}

#[derive(Args, Debug)]
struct Run {
    /// A bundled scenario, or a file.
    scenario: String,
    /// Equal seeds give equal people, places, flights and traffic (but for what TLS encrypts).
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder that is written; what is in it stays.
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// Sends packets through the kernel, between the devices `tablet` and `world` in a namespace of its own. Linux alone.
    #[arg(long)]
    live: bool,
    /// With --live: a program that runs beside the devices, from two seconds before the first packet until after the last.
    #[arg(last = true, requires = "live", value_name = "COMMAND")]
    beside: Vec<String>,
}

#[derive(Args, Debug)]
struct Bench {
    /// How many scenarios.
    #[arg(long, default_value_t = 10)]
    count: u64,
    /// The seed of the first; the others follow it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Args, Debug)]
struct Demo {
    /// The folder that is written; what is in it stays.
    #[arg(short, long, value_name = "FOLDER", default_value = "range-demo")]
    output: PathBuf,
    /// People, places and the way of the flight follow from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leaves the page closed. It is opened where there is a screen, and not under CI.
    #[arg(long)]
    no_open: bool,
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
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}

fn act(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run(options) => {
            let scenario = Scenario::load(&options.scenario)?;
            if options.live && (scenario.pair.is_some() || !scenario.sessions.is_empty()) {
                anyhow::bail!("{} has more than one flight: only one can be live", scenario.name);
            }
            if scenario.pair.is_some() {
                let pair = run_pair(&scenario, options.seed)?;
                pair.write(&options.output)?;
                anstream::println!(
                    "{}: {} flights in {}",
                    scenario.name,
                    pair.cases.len(),
                    options.output.display()
                );
                return Ok(());
            }
            if !scenario.sessions.is_empty() {
                let campaign = run_campaign(&scenario, options.seed)?;
                campaign.write(&options.output)?;
                for (folder, case) in &campaign.cases {
                    let folder = options.output.join(folder);
                    anstream::println!("{}: {:.0} s of traffic", folder.display(), case.lasted.as_secs_f64());
                }
                return Ok(());
            }
            let case = if options.live {
                seal()?;
                run_live(&scenario, options.seed, Live::new(&options.beside)?)?
            } else {
                run(&scenario, options.seed)?
            };
            case.write(&options.output)?;
            for one in &case.kept_back {
                anstream::eprintln!("kept back: {one}");
            }
            anstream::println!(
                "{}: {:.0} s of traffic in {}",
                case.name,
                case.lasted.as_secs_f64(),
                options.output.display()
            );
        }
        Command::Bench(options) => {
            let worlds = bench(options.count, options.seed, &mut |name, score| {
                let (found, of) = (score.recall.found, score.recall.of);
                anstream::eprintln!("{name}: {found} of {of}, {} wrong", score.wrong.len());
            })?;
            anstream::print!("{}", tables(&worlds));
        }
        Command::Demo(options) => {
            let (page, worlds) = demo(&options.output, options.seed)?;
            let names: Vec<&str> = worlds.iter().map(|world| world.scenario.name.as_str()).collect();
            anstream::println!("{:24} {}", "switch", names.join("                    "));
            for row in rows(&worlds) {
                let cells = row.worlds.iter().map(|(on, seen)| {
                    let on = if *on { "on, " } else { "off, " };
                    let proof = seen.proof.as_ref().map_or("not found".to_owned(), |proof| {
                        format!("{} of {}: {}", seen.share.found, seen.share.of, proof.finding)
                    });
                    format!("{:30}", format!("{on}{proof}"))
                });
                let name = if row.switch.is_empty() { "(the user)" } else { row.switch };
                anstream::println!("{name:24} {}", cells.collect::<String>().trim_end());
            }
            anstream::println!("{}", page.display());
            if !options.no_open {
                shown::open(&page);
            }
        }
        Command::List => {
            anstream::println!("scenarios:");
            for scenario in Scenario::bundled()? {
                anstream::println!("  {:24} {}", scenario.name, scenario.about);
            }
            anstream::println!("switches:");
            for one in behaviours::ALL {
                anstream::println!("  {:24} {}", one.name, one.plays);
            }
        }
    }
    Ok(())
}
