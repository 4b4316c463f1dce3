//! A photo that the user shared comes back twice, from its page and as it was: neither is an upload.

use creance_audit::{FlowTold, Request, flows};
use creance_model::DataClass;
use creance_range::{Scenario, audited, run};

#[test]
fn what_comes_back_of_a_photo_is_in_the_truth_as_a_trap_and_in_no_report() {
    let scenario = Scenario::load("as-claimed").unwrap();
    let case = run(&scenario, 8).unwrap();
    let folder = tempfile::tempdir().unwrap();
    case.write(folder.path()).unwrap();
    let of = |kind: &str| {
        let all = case.truth()["benign"].as_array().unwrap().iter().filter(|one| one["kind"] == kind);
        all.cloned().collect::<Vec<_>>()
    };
    let (pages, originals) = (of("public-page"), of("own-photo-back"));
    assert!(scenario.user.shares > 0 && [pages.len(), originals.len()] == [scenario.user.shares; 2]);

    // Both are photos: as large as the files on the card, or larger by a third as base64.
    let inputs = vec![folder.path().join("capture.pcapng").display().to_string()];
    let mut downloads = Vec::new();
    let mut take = |told: FlowTold| downloads.push((u64::from(told.flow.client.port), told.bytes_down));
    flows(&Request { inputs, ..Request::default() }, &mut take, &mut |_| {}).unwrap();
    let photos =
        case.truth()["events"].as_array().unwrap().iter().filter(|one| one["data_class"] == "imagery");
    let photos: Vec<u64> = photos.map(|one| one["file"]["size"].as_u64().unwrap()).collect();
    let bytes =
        |trap: &serde_json::Value| downloads.iter().find(|(port, _)| trap["src_port"] == *port).unwrap().1;
    for ((photo, page), original) in photos.iter().zip(&pages).zip(&originals) {
        assert!(bytes(page) > *photo && bytes(original) > *photo, "{photo} {page} {original}");
    }

    let report = audited(folder.path()).unwrap();
    let found: Vec<_> = report.findings.iter().filter(|one| one.data_class == DataClass::Imagery).collect();
    assert_eq!(found.len(), photos.len(), "{found:?}");
    for finding in &report.findings {
        let packets =
            finding.occurrences.iter().flat_map(|one| &one.packets).chain(&finding.evidence.packets);
        for packet in packets {
            let within = |trap: &&serde_json::Value| {
                let frames = [0, 1].map(|at| trap["frames"][at].as_u64().unwrap());
                (frames[0]..=frames[1]).contains(packet)
            };
            assert!(!pages.iter().chain(&originals).any(|trap| within(&trap)), "{packet}: {finding:?}");
        }
    }
}
