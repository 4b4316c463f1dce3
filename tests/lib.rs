//! What the system tests share: the program, the shared data, a folder of their own.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The built program, which a workspace build puts beside the tests.
///
/// # Panics
///
/// When it is not there.
pub fn creance() -> Command {
    let test = std::env::current_exe().unwrap_or_default();
    let built =
        test.ancestors().find_map(|folder| Some(folder.join("creance")).filter(|path| path.is_file()));
    let Some(built) = built else {
        unreachable!("no creance beside {}: build the workspace first", test.display())
    };
    let mut command = Command::new(built);
    command.env("NO_COLOR", "1").env("XDG_DATA_HOME", "/nonexistent");
    command
}

/// Runs the program with these arguments.
///
/// # Panics
///
/// When it does not start.
pub fn run<I: IntoIterator<Item = S>, S: AsRef<std::ffi::OsStr>>(arguments: I) -> Output {
    match creance().args(arguments).output() {
        Ok(output) => output,
        Err(error) => unreachable!("creance does not start: {error}"),
    }
}

/// The folder of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The example case.
pub fn example(name: &str) -> PathBuf {
    root().join("examples/skylark").join(name)
}

/// A folder of the shared data, which may be absent.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data").join(folder);
    path.is_dir().then_some(path)
}
