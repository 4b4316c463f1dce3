//! `creance range` and `creance guard`: hand over to their companions, and say where to get them.

use std::{fs, os::unix::fs::PermissionsExt};

use creance_tests::creance;

use crate::{code, text};

#[test]
fn the_companion_beside_the_program_gets_all_arguments_and_its_exit_code_is_ours() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("creance");
    fs::copy(creance().get_program(), &own).unwrap();
    let companion = folder.path().join("creance-range");
    fs::write(&companion, "#!/bin/sh\necho \"$@\"\nexit 3\n").unwrap();
    fs::set_permissions(&companion, fs::Permissions::from_mode(0o755)).unwrap();
    let output = std::process::Command::new(&own)
        .args(["range", "run", "as-claimed", "--seed", "7", "-o", "x", "--help"])
        .output()
        .unwrap();
    assert_eq!((code(&output), text(&output.stdout).trim()), (3, "run as-claimed --seed 7 -o x --help"));
}

#[test]
fn the_doctor_is_the_guards() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("creance");
    fs::copy(creance().get_program(), &own).unwrap();
    let companion = folder.path().join("creance-guard");
    fs::write(&companion, "#!/bin/sh\necho \"$@\"\nexit 5\n").unwrap();
    fs::set_permissions(&companion, fs::Permissions::from_mode(0o755)).unwrap();
    let output = std::process::Command::new(&own).args(["doctor", "--json"]).output().unwrap();
    assert_eq!((code(&output), text(&output.stdout).trim()), (5, "doctor --json"));
}

#[test]
fn without_the_companion_it_is_said_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("creance");
    fs::copy(creance().get_program(), &own).unwrap();
    for (name, order) in [("range", "demo"), ("guard", "status")] {
        let mut command = std::process::Command::new(&own);
        let output = command.args([name, order]).env("PATH", folder.path()).output().unwrap();
        assert_eq!(code(&output), 2);
        let how = format!("cargo build --release -p creance-{name}");
        assert!(text(&output.stderr).contains(&how), "{}", text(&output.stderr));
    }
}
