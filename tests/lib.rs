//! What the system tests share: the program, the shared data, a folder of their own.

pub mod tnetstring;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

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

/// An audit of the example with everything it has, as arguments, and these.
pub fn whole(extra: &[&str]) -> Vec<String> {
    let path = |file: &str| example(file).display().to_string();
    let mut arguments = vec!["audit".to_owned(), path("capture.pcapng")];
    for (flag, file) in [
        ("--keys", "capture.keys"),
        ("--canaries", "canaries.toml"),
        ("--device", "device"),
        ("--flight", "flight.tlog"),
        ("--actions", "actions.csv"),
    ] {
        arguments.extend([flag.to_owned(), path(file)]);
    }
    arguments.extend(extra.iter().map(|one| (*one).to_owned()));
    arguments
}

/// A folder of the shared data, which may be absent.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data").join(folder);
    path.is_dir().then_some(path)
}

/// The Python of `target/uploads` (`./ci/test tools` makes it) or of `CREANCE_UPLOADS_PYTHON`.
pub fn python() -> PathBuf {
    std::env::var_os("CREANCE_UPLOADS_PYTHON")
        .map_or_else(|| root().join("target/uploads/bin/python"), PathBuf::from)
}

/// A program that `./ci/test tools` puts under `target`, or under the folder that `CREANCE_TOOLS` names.
pub fn tool(name: &str) -> PathBuf {
    std::env::var_os("CREANCE_TOOLS").map_or_else(|| root().join("target"), PathBuf::from).join(name)
}

/// A Python that has these packages, for what is played and recorded over loopback: that of `target/uploads`
/// (`./ci/test tools` makes it) or of `CREANCE_UPLOADS_PYTHON`.
///
/// # Errors
///
/// Why nothing can be played and recorded here.
pub fn player(packages: &str) -> Result<PathBuf, String> {
    let python = python();
    let recorded = Command::new("dumpcap").args(["-i", "lo", "-L"]).stderr(Stdio::null()).output();
    if !recorded.is_ok_and(|output| output.status.success()) {
        return Err("dumpcap may not record on lo: is tshark installed, and is this root?".to_owned());
    }
    let imported =
        Command::new(&python).args(["-c", &format!("import {packages}")]).stderr(Stdio::null()).status();
    if !imported.is_ok_and(|status| status.success()) {
        return Err(format!("{} has not the packages of tests/uploads/requirements.txt", python.display()));
    }
    Ok(python)
}

/// What a command says of a recording of loopback, opened with the `.keys` beside it.
///
/// # Panics
///
/// When the command fails.
pub fn told(command: &str, recording: &Path, extra: &[&str]) -> Vec<u8> {
    let (keys, recording) =
        (recording.with_extension("keys").display().to_string(), recording.display().to_string());
    let usual = [command, &recording, "--keys", &keys, "--inside", "127.0.0.1/32", "-q"];
    let output = run([&usual, extra].concat());
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The JSON of each line.
///
/// # Panics
///
/// When it is none.
pub fn lines(bytes: &[u8]) -> Vec<Value> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    match lines.map(serde_json::from_slice).collect() {
        Ok(lines) => lines,
        Err(error) => unreachable!("a line that is no JSON: {error}"),
    }
}

/// A result without what follows from the hashes of the inputs and the number of files.
///
/// # Panics
///
/// When it has no findings: nothing would be compared.
pub fn essence(mut document: Value) -> Value {
    let mut findings = document["findings"].as_array_mut().map(std::mem::take).unwrap_or_default();
    assert!(!findings.is_empty(), "no findings");
    for finding in &mut findings {
        for derived in ["digest", "id"] {
            finding[derived] = Value::Null;
        }
        finding["evidence"]["input"] = Value::Null;
    }
    // The order of equal severities follows the digests.
    findings.sort_by_key(Value::to_string);
    let rest = ["app_states", "coverage", "damage", "destinations", "phases"].map(|key| document[key].take());
    let case = ["packets", "first", "last"].map(|key| document["case"][key].take());
    Value::from_iter([Value::from(findings), Value::from_iter(case), Value::from_iter(rest)])
}
