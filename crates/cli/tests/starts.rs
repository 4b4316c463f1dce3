//! The program starts. (Having this test here also makes every test run build the program, which the system tests use.)

use std::process::Command;

#[test]
fn it_tells_its_version() {
    let output = Command::new(env!("CARGO_BIN_EXE_creance")).arg("--version").output().unwrap();
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        concat!("creance ", env!("CARGO_PKG_VERSION"))
    );
}
