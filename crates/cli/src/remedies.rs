//! `creance remedies`: what to do about what was found, and lists for other people's firewalls and resolvers.

use std::io::{self, BufWriter, Write};

use creance_assess::remedies::{Advice, BlockList, advice, block_list};
use creance_render::shown;

use crate::{
    args::{Remedies, RemedyForm},
    case, exit,
};

pub(crate) fn run(options: &Remedies) -> anyhow::Result<u8> {
    let report = case::read(&options.case)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let list = match options.format {
        RemedyForm::Text => None,
        RemedyForm::Json => {
            serde_json::to_writer_pretty(&mut out, &advice(&report)?)?;
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
        None => text(&advice(&report)?, &mut out)?,
    }
    out.flush()?;
    Ok(if report.incomplete() { exit::INCOMPLETE } else { exit::DONE })
}

fn text(told: &[Advice], out: &mut impl Write) -> io::Result<()> {
    if told.is_empty() {
        return writeln!(
            out,
            "Nothing was found in what could be read, so there is nothing to advise. What could not be read is in the report."
        );
    }
    for (index, one) in told.iter().enumerate() {
        writeln!(out, "{}. {}", index + 1, one.does)?;
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
    }
    if let Some(one) = told.first() {
        writeln!(out, "\nSource: {}.", one.source)?;
    }
    Ok(())
}
