//! Protected places in an audit: findings name those that were sent, shown or flown over.

use std::{fs, path::Path};

use creance_tests::{example, run};
use serde_json::Value;

use crate::code;

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn findings_name_the_protected_places_that_left() {
    let folder = tempfile::tempdir().unwrap();
    let (register, case) = (folder.path().join("sites.csv"), folder.path().join("case"));
    // SKY_0003.JPG was taken at the first, by the truth of the example; nothing was near the second.
    let rows = ["substation,24.745576,121.042656,ENRG,30", "harbour,24.2,120.4,TRAN,500"];
    fs::write(&register, format!("name,lat,lon,sector,buffer_m\n{}\n", rows.join("\n"))).unwrap();
    let (capture, keys, device) = (example("capture.pcapng"), example("capture.keys"), example("device"));
    let arguments = [
        "audit".to_owned(),
        text(&capture),
        "--keys".to_owned(),
        text(&keys),
        "--device".to_owned(),
        text(&device),
        "--sites".to_owned(),
        text(&register),
        "-o".to_owned(),
        text(&case),
        "--reveal".to_owned(),
        "-q".to_owned(),
    ];
    assert_eq!(code(&run(arguments)), 0);
    let document: Value = serde_json::from_slice(&fs::read(case.join("findings.json")).unwrap()).unwrap();
    let findings = document["findings"].as_array().unwrap();
    let named = |class: &str| -> Vec<&Value> {
        let of_class = findings.iter().filter(|one| one["data_class"] == class);
        of_class
            .filter(|one| one["sites"].as_array().unwrap().iter().any(|site| site == "substation"))
            .collect()
    };
    let pictures = named("imagery");
    assert!(
        pictures.iter().any(|one| one["file"].as_str().is_some_and(|file| file.ends_with("SKY_0003.JPG"))),
        "{pictures:?}"
    );
    assert!(!named("location").is_empty() && !named("flight-log").is_empty());
    assert!(!document.to_string().contains("harbour"));
    let page = fs::read_to_string(case.join("report.html")).unwrap();
    assert!(page.contains("Protected places") && page.contains("substation"));
    fs::write(&register, "name\nx\n").unwrap();
    let refused = run(["audit", &text(&capture), "--sites", &text(&register)]);
    assert_eq!(code(&refused), 3);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("sites.csv"));
}
