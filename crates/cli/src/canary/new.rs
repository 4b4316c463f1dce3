//! `creance canary new`: a set for one run.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use creance_canary::{Options, Random, made, picture};

use crate::{
    args::CanaryNew,
    exit::{self, Usage},
};

pub(crate) fn run(options: &CanaryNew) -> anyhow::Result<u8> {
    for file in options.output.iter().chain(&options.picture) {
        if file.exists() && !options.force {
            return Err(
                Usage(format!("{} exists: choose another name, or add --force", file.display())).into()
            );
        }
    }
    let mut random = options.seed.map_or_else(Random::system, |seed| Ok(Random::seeded(seed)))?;
    let wanted = Options { run: options.name.clone(), count: usize::from(options.count), near: options.near };
    let mut all = made(&wanted, &mut random)?;
    let mut drawn = None;
    if let Some((path, beside)) = options.picture.as_ref().zip(options.output.as_ref()) {
        let (jpeg, told) = picture(&all, &mut random, &name_beside(path, beside)?)?;
        all.pictures.push(told);
        drawn = Some((path, jpeg));
    }
    let text = all.file(options.seed);
    let mut out = std::io::stdout().lock();
    let Some(path) = &options.output else {
        write!(out, "{text}")?;
        return Ok(exit::DONE);
    };
    // The picture comes first: a canary file that names one has it.
    if let Some((path, jpeg)) = &drawn {
        write(path, jpeg, options.force)?;
    }
    write(path, text.as_bytes(), options.force)?;
    let decoys = all.values.iter().filter(|one| one.decoy).count();
    writeln!(
        out,
        "{} canaries and {decoys} decoys of {} in {}",
        all.values.len() - decoys,
        all.run,
        path.display()
    )?;
    if let Some((path, jpeg)) = &drawn {
        writeln!(out, "a picture of {} bytes in {}", jpeg.len(), path.display())?;
    }
    writeln!(out, "next: creance canary plant {} DIR", path.display())?;
    Ok(exit::DONE)
}

/// What a picture is called in a canary file: its name alone if it lies beside it, else where it is.
fn name_beside(picture: &Path, canaries: &Path) -> anyhow::Result<String> {
    let absolute = |path: &Path| -> anyhow::Result<PathBuf> {
        std::path::absolute(path).with_context(|| format!("cannot tell where {} is", path.display()))
    };
    let (picture, canaries) = (absolute(picture)?, absolute(canaries)?);
    let name = picture.file_name().filter(|_| picture.parent() == canaries.parent());
    Ok(name.map_or_else(|| picture.display().to_string(), |name| name.to_string_lossy().into_owned()))
}

/// Writes a file that is new, unless it may be overwritten.
fn write(path: &Path, bytes: &[u8], force: bool) -> anyhow::Result<()> {
    let told = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(told)?;
    }
    let file =
        if force { File::create(path) } else { OpenOptions::new().write(true).create_new(true).open(path) };
    file.and_then(|mut file| file.write_all(bytes)).with_context(told)
}
