//! `creance-guard simulate`: what a policy would have said to a capture, or to a case (`creance.guard.simulate/1`).
//!
//! The policy is asked by the same engine as live. A case, or a capture audited for it, tells where bytes went in which
//! flight state, and what was found in them; a verdict is given on each.

mod live;
mod played;
mod replay;

use std::{fmt::Write, path::PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use creance_audit::Request;
use creance_model::Report;

use crate::check;
use replay::{Replay, Sums};

/// What `simulate` is told.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Captures (files, folders, globs), or the folder or findings.json of a case.
    #[arg(required = true)]
    inputs: Vec<String>,
    /// A policy: a file, or the name of one that is shipped (`creance-guard check --list`).
    #[arg(short, long, value_name = "POLICY")]
    policy: String,
    /// Key logs: what they fit is decrypted.
    #[arg(long, value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Flight logs.
    #[arg(long, value_name = "FILE")]
    flight: Vec<PathBuf>,
    /// Folders with the contents of cards and phones.
    #[arg(long, value_name = "FOLDER")]
    device: Vec<PathBuf>,
    /// A canary file.
    #[arg(long, value_name = "FILE")]
    canaries: Option<PathBuf>,
    /// An action log.
    #[arg(long, value_name = "FILE")]
    actions: Option<PathBuf>,
    /// The organisation's own statements about destinations.
    #[arg(long, value_name = "FILE")]
    destinations: Option<PathBuf>,
    /// The mission that the policy is asked for.
    #[arg(long)]
    mission: Option<String>,
    /// Who answers for it.
    #[arg(long)]
    operator: Option<String>,
    /// Also reaches for each destination through a guard with this policy, in network namespaces, on the ground and in the air, plays
    /// captures through it packet by packet, and compares. Needs root. Exit code 1 where it differs.
    #[arg(long)]
    live: bool,
    /// Values in full.
    #[arg(long)]
    reveal: bool,
    /// A table, or JSON.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// The exit code where evidence was damaged, or a limit reached.
const INCOMPLETE: u8 = 4;

pub(crate) fn run(options: &Options) -> anyhow::Result<u8> {
    let (name, policy) = check::policy(&options.policy)?;
    let report = report(options)?;
    let mut replay = Replay::new(&report, &policy, options.mission.as_deref(), options.operator.as_deref());
    replay.policy = name;
    if options.live {
        replay.live = Some(live::run(options, &report, &policy)?);
        replay.played = played::run(options, &report, &policy)?;
    }
    let differs = replay.live.iter().flatten().any(|one| one.said != one.passed)
        || replay.played.as_ref().is_some_and(played::Played::differs);
    match options.format {
        Format::Json => anstream::println!("{}", serde_json::to_string_pretty(&replay)?),
        Format::Text => anstream::print!("{}", text(&replay)),
    }
    Ok(match (differs, replay.incomplete) {
        (true, _) => 1,
        (false, true) => INCOMPLETE,
        (false, false) => 0,
    })
}

/// The document of the case that is replayed, if it is one.
fn case(options: &Options) -> Option<PathBuf> {
    let [one] = options.inputs.as_slice() else { return None };
    let path = PathBuf::from(one);
    let file = if path.is_dir() { path.join("findings.json") } else { path };
    (file.file_name().is_some_and(|name| name == "findings.json") && file.is_file()).then_some(file)
}

/// The case that is replayed: read, or audited from captures.
fn report(options: &Options) -> anyhow::Result<Report> {
    let Some(file) = case(options) else {
        return Ok(creance_audit::audit(&request(options), &mut |_| {})?);
    };
    let document = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let report = Report::read(&document).with_context(|| format!("cannot read {}", file.display()))?;
    let given = options.keys.len() + options.flight.len() + options.device.len();
    if given > 0 || options.canaries.is_some() || options.actions.is_some() || options.reveal {
        bail!(
            "a case is replayed as it stands: --keys, --flight, --device, --canaries, --actions and --reveal go with captures"
        );
    }
    Ok(report)
}

/// What is asked of an audit.
fn request(options: &Options) -> Request {
    Request {
        inputs: options.inputs.clone(),
        keys: options.keys.clone(),
        flight: options.flight.clone(),
        device: options.device.clone(),
        canaries: options.canaries.clone(),
        actions: options.actions.clone(),
        destinations: options.destinations.clone(),
        reveal: options.reveal,
        ..Request::default()
    }
}

/// The answer for people.
fn text(replay: &Replay) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        // Names come from the capture: what steers a terminal is left out.
        out.extend(text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }));
        out.push('\n');
    };
    line(&format!(
        "{:7} {:7} {:8} {:>10}  {:56} {:14} by",
        "verdict", "action", "flight", "bytes", "to", "what"
    ));
    for one in &replay.verdicts {
        let verdict = if one.allowed { "allowed" } else { "refused" };
        let what = match (&one.finding, one.unread) {
            (Some(finding), _) => format!("{} {finding}", one.data_class.map_or("", |class| class.name())),
            (None, true) => "unread".to_owned(),
            (None, false) => one.flows.map_or(String::new(), |flows| format!("{flows} flows")),
        };
        let bytes = one.bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
        let rules = if one.rules.is_empty() { "no rule permits it".to_owned() } else { one.rules.join(", ") };
        line(&format!(
            "{verdict:7} {:7} {:8} {bytes:>10}  {:56} {what:14} {rules}",
            one.action,
            one.flight_state.name(),
            one.to()
        ));
        for error in &one.errors {
            line(&format!("        cannot be evaluated: {error}"));
        }
    }
    line("");
    for (rule, sums) in &replay.rules {
        line(&told(&format!("{} {rule}", sums.effect.unwrap_or("")), sums));
    }
    line("");
    for (to, sums) in &replay.destinations {
        let refused = &sums.refused;
        if refused.connects + refused.sends > 0 {
            line(&format!("would have been refused: {to}: {}", counted(refused)));
        }
    }
    line("");
    line(&format!("allowed: {}", counted(&replay.totals.allowed)));
    line(&format!("refused: {}", counted(&replay.totals.refused)));
    line(&format!(
        "not asked about: {} flows that stayed on the LAN, {} findings in what is radiated for all to hear",
        replay.not_asked.lan_flows, replay.not_asked.broadcasts
    ));
    for one in replay.live.iter().flatten() {
        let word = |passed| if passed { "passed" } else { "refused" };
        let [ground, air] = one.passed.map(word);
        let differs = if one.said == one.passed { "" } else { "  <- THE POLICY SAYS OTHERWISE" };
        line(&format!("live: {:56} ground {ground:8} air {air:8}{differs}", one.to));
    }
    if let Some(played) = &replay.played {
        played.text(&mut line);
    }
    if replay.incomplete {
        line("The evidence is damaged, cut, or a limit was reached: there may have been more.");
    }
    out
}

fn told(name: &str, sums: &replay::Both) -> String {
    format!("{name}: allowed {}; refused {}", counted(&sums.allowed), counted(&sums.refused))
}

fn counted(sums: &Sums) -> String {
    let mut out = String::new();
    // Writing to memory does not fail.
    let _ = write!(out, "{} ways ({} bytes), {} sent", sums.connects, sums.bytes, sums.sends);
    out
}
