//! `creance data`: the bundled data sets with their dates, and newer ones taken from a folder.
//!
//! Nothing here uses a network: where newer files come from is said, fetching them is left to people.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use creance_place::Atlas;

use crate::{
    args::{Data, DataAction},
    exit,
};

pub(crate) fn run(options: &Data) -> anyhow::Result<u8> {
    match &options.action {
        None => list(),
        Some(DataAction::Update { from }) => update(from),
    }
}

/// Where imported data lives: `$XDG_DATA_HOME/creance/ip`, else `~/.local/share/creance/ip`.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub(crate) fn folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")))?;
    Some(data.join("creance").join("ip"))
}

fn list() -> anyhow::Result<u8> {
    let imported = folder().filter(|folder| folder.is_dir());
    let mut atlas = Atlas::bundled()?;
    if let Some(folder) = &imported {
        atlas = atlas.with_files(folder)?;
    }
    let mut out = std::io::stdout().lock();
    if let Some(folder) = imported {
        writeln!(out, "IP data imported into {}\n", folder.display())?;
    }
    for source in atlas.sources() {
        writeln!(out, "{:<28} {:<12} {:<22} {}", source.id, source.date, source.licence, source.title)?;
        writeln!(out, "{:<28} {}", "", source.source)?;
    }
    writeln!(
        out,
        "\nNewer data: make the files with knowledge/ip/build.py, then `creance data update --from DIR`."
    )?;
    Ok(exit::DONE)
}

fn update(from: &Path) -> anyhow::Result<u8> {
    // A folder that does not load is refused before anything is copied.
    Atlas::bundled()?.with_files(from)?;
    let folder = folder().context("cannot tell where to keep data: neither XDG_DATA_HOME nor HOME is set")?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let present: Vec<&str> =
        creance_place::FILES.into_iter().filter(|name| from.join(name).is_file()).collect();
    if present.is_empty() {
        bail!("{} holds neither {}", from.display(), creance_place::FILES.join(" nor "));
    }
    for name in present {
        let (source, target) = (from.join(name), folder.join(name));
        // Renamed into place: a copy that fails half way harms nothing.
        let partial = folder.join(format!("{name}.partial"));
        fs::copy(&source, &partial)
            .and_then(|_| fs::rename(&partial, &target))
            .with_context(|| format!("cannot copy {} to {}", source.display(), target.display()))?;
    }
    writeln!(std::io::stdout(), "imported into {}", folder.display())?;
    Ok(exit::DONE)
}
