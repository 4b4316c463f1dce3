//! `creance report`: a case in other formats.

use std::fs;

use creance_tests::run;

use super::{code, text, whole};

#[test]
fn a_case_is_written_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case");
    for revealed in [false, true] {
        let mut options = vec!["-o", case.to_str().unwrap(), "--force"];
        options.extend(revealed.then_some("--reveal"));
        assert_eq!(code(&run(whole(&options))), 0);
        for (format, file) in [("html", "report.html"), ("json", "findings.json")] {
            let output = run(["report", case.to_str().unwrap(), "--format", format]);
            assert_eq!(code(&output), 0, "{}", text(&output.stderr));
            let before = fs::read(case.join(file)).unwrap();
            assert!(output.stdout == before, "{format} is not what {file} was");
        }
    }
}

#[test]
fn what_is_no_case_is_refused_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(["report", folder.path().to_str().unwrap()]);
    assert_eq!(code(&output), 3);
    assert!(text(&output.stderr).contains("findings.json"), "{}", text(&output.stderr));

    let case = folder.path().join("case");
    assert_eq!(code(&run(whole(&["-o", case.to_str().unwrap()]))), 0);
    let there = folder.path().join("there.html");
    fs::write(&there, "mine").unwrap();
    let output = run(["report", case.to_str().unwrap(), "--format", "html", "-o", there.to_str().unwrap()]);
    assert_eq!(code(&output), 3);
    assert_eq!(fs::read(&there).unwrap(), b"mine");
}
