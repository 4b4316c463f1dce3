//! `creance audit`: evidence in, a case and a report out.

use std::{
    io::{BufWriter, IsTerminal, Write},
    path::Path,
};

use creance_audit::Request;
use creance_model::{Judgement, Report, ReviewState};
use creance_render::Options;

use crate::{
    args::{Audit, TEXT, Talk},
    case, data, exit,
    progress::Bar,
    trace,
};

pub(crate) fn run(options: &Audit, talk: Talk) -> anyhow::Result<u8> {
    if let Some(finding) = &options.trace {
        trace::check(finding, options)?;
    }
    if let Some(folder) = &options.output {
        case::prepare(folder, options.force)?;
    }
    let started = case::now();
    let bar = Bar::new(talk);
    let report = creance_audit::audit(&request(options), &mut |progress| bar.tell(progress));
    bar.done();
    let report = report?;
    tell_rate(&report, started, talk);
    let reviewed = options.output.as_deref().map_or(0, reviewed);
    // The case comes first: whoever reads the summary may go away, and nothing may be lost by that.
    if let Some(folder) = &options.output {
        case::write(folder, &report, &Options::default(), started)?;
    }
    if reviewed > 0 {
        anstream::eprintln!(
            "reviews of the case that was overwritten: {reviewed}; its judgements are drafts again, and the reviews stand in its ledger"
        );
    }
    let shown = match &options.trace {
        Some(finding) => trace::show(&report, finding, &request(options), talk),
        None => show(&report, options, talk),
    };
    match shown {
        // Whoever read our output may go away; what was found stays found.
        Err(error) if !exit::is_broken_pipe(&error) => Err(error),
        _ => Ok(code(&report, options)),
    }
}

/// How many judgements of the case in a folder are no drafts any more.
fn reviewed(folder: &Path) -> usize {
    let drafted = |one: &&Judgement| one.review.state != ReviewState::Draft;
    case::read(folder).map_or(0, |report| report.judgements.iter().filter(drafted).count())
}

fn show(report: &Report, options: &Audit, talk: Talk) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut render = Options { colour: colour(), ..Options::default() };
    render.case_folder = options.output.as_ref().map(|folder| folder.display().to_string());
    if options.output.is_none() || options.format != TEXT || !talk.quiet {
        for output in creance_render::ALL.iter().filter(|output| output.name() == options.format) {
            output.write(report, &render, &mut out)?;
        }
        out.flush()?;
    }
    Ok(())
}

fn request(options: &Audit) -> Request {
    Request {
        inputs: options.inputs.clone(),
        keys: options.keys.clone(),
        canaries: options.canaries.clone(),
        device: options.device.clone(),
        flight: options.flight.clone(),
        sites: options.sites.clone(),
        zones: options.zones.clone(),
        scenario: options.scenario.clone(),
        actions: options.actions.clone(),
        destinations: options.destinations.clone(),
        inside: options.inside.clone(),
        campaign_key: options.campaign_key.clone(),
        reveal: options.reveal,
        tlp: options.tlp,
        hash_again: options.output.is_some(),
        jobs: options.jobs.map_or(0, usize::from),
        place_data: data::folder().filter(|folder| folder.is_dir()),
        ..Request::default()
    }
}

fn code(report: &Report, options: &Audit) -> u8 {
    if report.incomplete() {
        return exit::INCOMPLETE;
    }
    let over = |level| {
        report.findings.iter().any(|finding| finding.severity >= level)
            || report.region.mismatches.iter().any(|one| one.severity >= level)
    };
    if options.fail_on.is_some_and(over) { exit::FINDINGS } else { exit::DONE }
}

/// Colour is for terminals, and not for those who set `NO_COLOR` (no-color.org).
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub(crate) fn colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var("NO_COLOR").map_or(true, |value| value.is_empty())
}

fn tell_rate(report: &Report, started: creance_model::Timestamp, talk: Talk) {
    if talk.verbose == 0 {
        return;
    }
    let seconds = case::now().as_secs_f64() - started.as_secs_f64();
    let bytes: u64 =
        report.case.inputs.iter().filter(|input| input.kind == "capture").map(|input| input.bytes).sum();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = bytes as f64 / 1e6 / seconds.max(1e-9);
    anstream::eprintln!("{} packets, {bytes} bytes in {seconds:.2} s ({rate:.0} MB/s)", report.case.packets);
}
