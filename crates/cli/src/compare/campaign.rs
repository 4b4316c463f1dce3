//! A campaign: its captures are audited, one case a run, and its settings chosen.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use creance_assess::{Campaign, CampaignAudit, CampaignRun};
use creance_audit::Request;
use creance_render::Options;

use crate::{
    args::{Compare, Talk},
    case::{self, bytes},
    data,
    exit::Usage,
    progress::Bar,
};

/// The largest campaign that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The settings that are compared, that which the others are compared with first, and their cases, which are there now.
pub(super) fn groups(
    path: &Path,
    options: &Compare,
    talk: Talk,
) -> anyhow::Result<Vec<(String, Vec<PathBuf>)>> {
    let shown = path.display();
    let text = String::from_utf8(bytes(path, LARGEST)?).with_context(|| format!("{shown}: not UTF-8"))?;
    let campaign = Campaign::parse(&text).map_err(|why| anyhow!("{shown}: {why}"))?;
    let chosen = campaign.chosen(&options.name).map_err(|why| Usage(format!("{shown}: {why}")))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let runs: Vec<&CampaignRun> = chosen.iter().flat_map(|group| &group.runs).collect();
    let mut made = 0_usize;
    for (index, run) in runs.iter().enumerate() {
        if is_made(folder, run)? {
            continue;
        }
        if !talk.quiet {
            anstream::eprintln!("audit {} of {}: {}", index + 1, runs.len(), run.case);
        }
        audit(folder, &campaign.audit, run, talk).with_context(|| format!("the run {} failed", run.case))?;
        made += 1;
    }
    if !talk.quiet && !runs.is_empty() {
        anstream::eprintln!("cases made: {made}, there before: {}", runs.len() - made);
    }
    let cases = |group: &creance_assess::CampaignGroup| {
        let runs = group.runs.iter().map(|run| &run.case);
        group.cases.iter().chain(runs).map(|case| folder.join(case)).collect()
    };
    Ok(chosen.iter().map(|group| (group.name.clone(), cases(group))).collect())
}

/// Whether the case of a run is there. One of other inputs is not taken for it.
fn is_made(folder: &Path, run: &CampaignRun) -> anyhow::Result<bool> {
    let made = folder.join(&run.case);
    if !case::findings(&made).is_file() {
        return Ok(false);
    }
    let report = case::read(&made)?;
    for path in run.inputs.iter().map(|input| folder.join(input)).filter(|path| path.is_file()) {
        let (hash, _) =
            creance_audit::hash_of(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if !report.case.inputs.iter().any(|input| input.sha256 == hash) {
            return Err(anyhow!(
                "{} is a case of other inputs than {}: move it away",
                made.display(),
                path.display()
            ));
        }
    }
    Ok(true)
}

fn audit(folder: &Path, beside: &CampaignAudit, run: &CampaignRun, talk: Talk) -> anyhow::Result<()> {
    let one = |path: &String| folder.join(path);
    let all = |paths: &[String]| paths.iter().map(one).collect();
    let request = Request {
        inputs: run.inputs.iter().map(|input| one(input).display().to_string()).collect(),
        keys: all(&run.keys),
        canaries: beside.canaries.as_ref().map(one),
        device: all(&beside.device),
        flight: all(&run.flight),
        sites: beside.sites.as_ref().map(one),
        zones: all(&beside.zones),
        actions: run.actions.as_ref().map(one),
        destinations: beside.destinations.as_ref().map(one),
        campaign_key: beside.campaign_key.as_ref().map(one),
        hash_again: true,
        place_data: data::folder().filter(|folder| folder.is_dir()),
        ..Request::default()
    };
    let made = folder.join(&run.case);
    case::vacant(&made)?;
    let started = case::now();
    let bar = Bar::new(talk);
    let report = creance_audit::audit(&request, &mut |progress| bar.tell(progress));
    bar.done();
    case::write(&made, &report?, &Options::default(), started)
}
