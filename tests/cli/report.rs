//! `creance report`: a case in other formats.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use creance_capture::{
    Capture, Options,
    write::{PcapWriter, PcapngWriter},
};
use creance_model::{LinkType, Timestamp, Visibility};
use creance_tests::{example, run};

use super::{code, read, text, whole};

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
fn nothing_is_written_into_a_case() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case");
    assert_eq!(code(&run(whole(&["-o", case.to_str().unwrap()]))), 0);
    for inside in ["case/x.html", "case/new/x.html", "other/../case/x.html"] {
        fs::create_dir_all(folder.path().join("other")).unwrap();
        let output = run([
            "report",
            case.to_str().unwrap(),
            "--format",
            "html",
            "-o",
            folder.path().join(inside).to_str().unwrap(),
        ]);
        assert_eq!(code(&output), 2, "{inside}");
    }
    assert_eq!(code(&run(["case", "verify", case.to_str().unwrap()])), 0);
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

/// A packet as it was captured.
type Frame = (Timestamp, LinkType, u32, Vec<u8>);

fn frames(files: &[&Path]) -> BTreeMap<u64, Frame> {
    let files: Vec<_> = files.iter().map(|file| file.to_path_buf()).collect();
    let mut capture = Capture::open(&files, &Options::default()).unwrap();
    let mut frames = BTreeMap::new();
    while let Some(packet) = capture.next_packet() {
        frames.insert(packet.number, (packet.time, packet.link, packet.wire_len, packet.data.to_vec()));
    }
    assert!(capture.notes().damage.is_empty(), "{:?}", capture.notes().damage);
    frames
}

/// The packets that the findings of a case cite, by their numbers.
fn cited(case: &Path) -> BTreeSet<u64> {
    let findings = read(&case.join("findings.json")).findings;
    let packets = findings.iter().flat_map(|finding| {
        finding.occurrences.iter().map(|one| &one.packets).chain([&finding.evidence.packets])
    });
    packets.flatten().copied().collect()
}

#[test]
fn the_packets_that_findings_cite_are_copied_as_they_were_captured() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (case, out) = (path("case"), path("shown.pcapng"));
    assert_eq!(code(&run(whole(&["-q", "-o", &case]))), 0);
    let output = run(["report", &case, "--format", "pcapng", "-o", &out]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("in full, masked in the case or not"), "{}", text(&output.stderr));
    let cited = cited(Path::new(&case));
    assert!(cited.len() > 50, "{}", cited.len());
    let all = frames(&[&example("capture.pcapng")]);
    let wanted: Vec<&Frame> =
        all.iter().filter(|(number, _)| cited.contains(number)).map(|(_, one)| one).collect();
    assert!(frames(&[Path::new(&out)]).values().eq(wanted), "other packets than those cited");

    // Into a pipe, from a copy elsewhere; nothing is overwritten.
    let copy = path("copy");
    fs::copy(example("capture.pcapng"), &copy).unwrap();
    let piped = run(["report", &case, "--format", "pcapng", "--evidence", &copy, "-q"]);
    assert_eq!((code(&piped), text(&piped.stderr)), (0, String::new()));
    assert!(piped.stdout == fs::read(&out).unwrap());
    assert_eq!(code(&run(["report", &case, "--format", "pcapng", "-o", &copy])), 3);
}

#[test]
fn packets_are_counted_over_all_files_of_a_case_however_they_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let all = frames(&[&example("capture.pcapng")]);
    // Two files that overlap from beginning to end, one of them compressed.
    let mut writers = [0, 1].map(|_| PcapWriter::new(Vec::new(), LinkType::ETHERNET).unwrap());
    for (number, (time, _, length, data)) in &all {
        writers[usize::from(number % 3 == 0)].packet(*time, *length, data).unwrap();
    }
    let [most, few] = writers.map(PcapWriter::into_inner);
    fs::write(path("a.pcap.zst"), zstd::bulk::compress(&most, 1).unwrap()).unwrap();
    fs::write(path("b.pcap"), few).unwrap();
    let (case, out) = (path("case"), path("shown.pcapng"));
    let keys = example("capture.keys").display().to_string();
    let (a, b) = (path("a.pcap.zst"), path("b.pcap"));
    assert_eq!(code(&run(["audit", &b, &a, "--keys", &keys, "-q", "-o", &case])), 0);
    let output = run(["report", &case, "--format", "pcapng", "--evidence", &a, &b, "-o", &out]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let cited = cited(Path::new(&case));
    // What was captured at one moment may stand in another order than before.
    let merged = frames(&[Path::new(&b), Path::new(&a)]);
    let wanted: Vec<&Frame> =
        merged.iter().filter(|(number, _)| cited.contains(number)).map(|(_, one)| one).collect();
    assert!(wanted.len() > 20, "{}", wanted.len());
    assert!(frames(&[Path::new(&out)]).values().eq(wanted), "other packets than those cited");

    // One is not enough.
    let output = run(["report", &case, "--format", "pcapng", "--evidence", &a]);
    assert_eq!(code(&output), 3);
    assert!(text(&output.stderr).contains("b.pcap is missing"), "{}", text(&output.stderr));
}

#[test]
fn packets_are_not_taken_from_what_was_not_audited() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (case, capture, out) = (path("case"), path("capture.pcapng"), path("shown.pcapng"));
    fs::copy(example("capture.pcapng"), &capture).unwrap();
    let keys = example("capture.keys").display().to_string();
    assert_eq!(code(&run(["audit", &capture, "--keys", &keys, "-q", "-o", &case])), 0);
    let report = |extra: &[&str]| {
        let output = run([&["report", &case, "--format", "pcapng", "-o", &out][..], extra].concat());
        (code(&output), text(&output.stderr))
    };
    let (held, told) = report(&["--evidence", &keys]);
    assert!(held == 3 && told.contains("is no capture, but keys"), "{told}");
    let mut bytes = fs::read(&capture).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&capture, bytes).unwrap();
    for extra in [&[][..], &["--evidence", &capture]] {
        let (held, told) = report(extra);
        assert!(held == 3 && told.contains("is not what was audited: its SHA-256 is"), "{told}");
    }
    fs::remove_file(&capture).unwrap();
    let (held, told) = report(&[]);
    assert!(held == 3 && told.contains("say with --evidence where"), "{told}");
    let (held, told) = report(&["--evidence", "/dev/null"]);
    assert!(held == 3 && told.contains("no file"), "{told}");
    assert!(!Path::new(&out).exists());
    for flags in [&["--with-keys"][..], &["--evidence", &keys]] {
        assert_eq!(code(&run([&["report", &case, "--format", "json"], flags].concat())), 2);
    }
}

#[test]
fn what_a_case_cites_and_its_captures_do_not_have_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let case = path("case");
    assert_eq!(code(&run(whole(&["-q", "-o", &case]))), 0);
    let findings = Path::new(&case).join("findings.json");
    let mut report = read(&findings);
    report.findings.truncate(1);
    report.findings[0].occurrences.clear();
    report.findings[0].evidence.packets.extend([0, u64::MAX]);
    fs::write(&findings, report.findings_document().to_string()).unwrap();
    let output = run(["report", &case, "--format", "pcapng", "-o", &path("shown.pcapng")]);
    assert_eq!(code(&output), 4);
    assert!(
        text(&output.stderr).contains("packets that the case cites and its captures have not: 2"),
        "{}",
        text(&output.stderr)
    );
    let copied = frames(&[Path::new(&path("shown.pcapng"))]).len();
    assert_eq!(copied, report.findings[0].evidence.packets.len() - 2);

    // Beside one packet there is room for a thousand findings; of further ones it is said how many.
    let one = report.findings[0].clone();
    report.findings = std::iter::repeat_n(one, 9000).collect();
    fs::write(&findings, report.findings_document().to_string()).unwrap();
    let output = run(["report", &case, "--format", "pcapng", "-q", "-o", &path("many.pcapng")]);
    assert_eq!(code(&output), 4);
    assert_eq!(frames(&[Path::new(&path("many.pcapng"))]).len(), copied);
    let bytes = fs::read(path("many.pcapng")).unwrap();
    assert!(bytes.len() < copied * (300 << 10), "{}", bytes.len());
    assert!(text(&bytes).contains("further findings of this packet: "));
}

#[test]
fn secrets_in_a_capture_are_copied_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (case, capture) = (path("case"), path("with-keys.pcapng"));
    let keys = fs::read(example("capture.keys")).unwrap();
    let mut writer = PcapngWriter::new(Vec::new(), LinkType::ETHERNET, true).unwrap();
    let length = u32::try_from(keys.len()).unwrap().to_be_bytes();
    writer.block(10, &[b"TLSK", &length[..], &keys].concat()).unwrap();
    for (time, _, length, data) in frames(&[&example("capture.pcapng")]).values() {
        writer.packet(*time, *length, data).unwrap();
    }
    fs::write(&capture, writer.into_inner()).unwrap();
    assert_eq!(code(&run(["audit", &capture, "-q", "-o", &case])), 0);
    let findings = read(&Path::new(&case).join("findings.json")).findings;
    assert!(findings.iter().any(|finding| finding.visibility == Visibility::Decrypted));
    for (flags, name) in [(&[][..], "without"), (&["--with-keys"], "with")] {
        let out = path(name);
        let output = run([&["report", &case, "--format", "pcapng", "-o", &out][..], flags].concat());
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        let mut copied = Capture::open(&[out.into()], &Options::default()).unwrap();
        while copied.advance() {}
        let secrets: Vec<_> = copied.notes().secrets.iter().map(|secret| secret.bytes.clone()).collect();
        assert!(secrets == if flags.is_empty() { vec![] } else { vec![keys.clone()] }, "{name}");
    }
}
