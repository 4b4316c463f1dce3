//! `creance remedies`: what to do about what was found, and lists for other people's firewalls and resolvers.

use std::io::{self, BufWriter, Write};

use anyhow::Context;
use creance_assess::{
    judge::Compared,
    remedies::{Advice, BlockList, Shown, advice, block_list},
};
use creance_model::{Report, Tlp};
use creance_render::shown;

use crate::{
    args::{Remedies, RemedyForm},
    case, exit,
};

pub(crate) fn run(options: &Remedies) -> anyhow::Result<u8> {
    let report = case::read(&options.case)?;
    let mut comparisons = Vec::new();
    for path in &options.compare {
        let read = Compared::each(&case::bytes(path, case::LARGEST)?);
        comparisons.extend(read.with_context(|| format!("{} is wrong", path.display()))?);
    }
    let advice = || advice(&report, &comparisons);
    let mut out = BufWriter::new(io::stdout().lock());
    let list = match options.format {
        RemedyForm::Text => None,
        RemedyForm::Json => {
            serde_json::to_writer_pretty(&mut out, &advice()?)?;
            Some("\n".to_owned())
        }
        RemedyForm::Hosts => Some(block_list(&report, BlockList::Hosts)),
        RemedyForm::Nftables => Some(block_list(&report, BlockList::Nftables)),
        RemedyForm::Suricata => Some(block_list(&report, BlockList::Suricata)),
        RemedyForm::Pihole => Some(block_list(&report, BlockList::Pihole)),
        RemedyForm::Rpz => Some(block_list(&report, BlockList::Rpz)),
    };
    match list {
        Some(list) => write!(out, "{list}")?,
        None => text(&report, &advice()?, &mut out)?,
    }
    out.flush()?;
    Ok(if report.incomplete() { exit::INCOMPLETE } else { exit::DONE })
}

fn text(report: &Report, told: &[Advice], out: &mut impl Write) -> io::Result<()> {
    let banner = told.iter().map(|one| one.tlp).fold(report.banner(), Tlp::max);
    writeln!(out, "{}", banner.label())?;
    if told.is_empty() {
        return writeln!(
            out,
            "Nothing was found in what could be read, so there is nothing to advise. What could not be read is in the report."
        );
    }
    for (index, one) in told.iter().enumerate() {
        writeln!(out, "{}. {} ({})", index + 1, one.does, one.tlp.label())?;
        if let Some(command) = &one.command {
            writeln!(out, "   $ {command}")?;
        }
        let more = one.count.saturating_sub(one.findings.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        writeln!(
            out,
            "   for {}{more}; {} of CISA's guidance",
            shown(&one.findings.join(" ")),
            one.guidance
        )?;
        one.shown.iter().try_for_each(|one| showed(one, out))?;
    }
    if let Some(one) = told.first() {
        writeln!(out, "\nSource: {}.", one.source)?;
    }
    Ok(())
}

/// Findings of one kind that are named.
const MOST_NAMED: usize = 12;

/// What a comparison shows of a setting.
fn showed(of: &Shown, out: &mut impl Write) -> io::Result<()> {
    let parts = [("stopped", &of.stopped), ("still sent", &of.stayed), ("cannot be told", &of.open)];
    let part = |(word, ids): (&str, &Vec<String>)| {
        let named = shown(&ids.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(" "));
        let more = ids.len().saturating_sub(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!ids.is_empty()).then(|| format!("{word}: {named}{more}"))
    };
    let mut told: Vec<String> = parts.into_iter().filter_map(part).collect();
    if of.absent > 0 {
        told.push(format!("findings that are not in those runs: {}", of.absent));
    }
    writeln!(out, "   if this is what differed in the runs of {}: {}", shown(&of.settings), told.join("; "))
}
