//! Companion programs: `creance range …` is `creance-range …`, if it stands beside this program or on the PATH.

use std::{ffi::OsString, io, os::unix::process::CommandExt, path::PathBuf, process::Command};

use crate::exit::Usage;

/// Becomes the companion, with all arguments: its exit code is ours. Comes back only if there is none.
pub(crate) fn run(name: &str, arguments: &[OsString]) -> anyhow::Result<u8> {
    let program = format!("creance-{name}");
    let error = Command::new(beside(&program)).args(arguments).exec();
    if error.kind() != io::ErrorKind::NotFound {
        return Err(anyhow::Error::new(error).context(format!("cannot start {program}")));
    }
    Err(Usage(format!(
        "there is no {program} beside creance or on the PATH: from the source, `cargo build --release -p {program}` \
         makes it; the Debian package brings it along"
    ))
    .into())
}

/// The program beside this one, or its name alone, which is looked for on the PATH.
fn beside(program: &str) -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(program)));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| program.into())
}
