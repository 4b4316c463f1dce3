//! Which protected places a camera looked at, against rays cast by another program (`oracle.py`, with pyproj and shapely).
//!
//! Ten thousand places of all shapes, five hundred flights of eight views each. Where the edge of a picture passes a place
//! within a meter and six thousandths of its distance, or at the end of sight, either answer is right: the program measures on a sphere.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use creance_place::sites::{Sites, View, read};
use creance_tests::{python, root};

fn oracle(command: &str, folder: &Path) -> Vec<u8> {
    let script = root().join("tests/sites/oracle.py");
    let output = Command::new(python()).arg(script).arg(command).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn places_that_were_looked_at_are_those_that_rays_meet() {
    let folder = tempfile::tempdir().unwrap();
    oracle("make", folder.path());
    let sites = Sites::new(read(&fs::read(folder.path().join("sites.geojson")).unwrap()).unwrap());
    assert_eq!(sites.len(), 10_000);
    let views: Vec<[f64; 9]> =
        serde_json::from_slice(&fs::read(folder.path().join("views.json")).unwrap()).unwrap();
    let answers: Vec<[Vec<String>; 2]> = serde_json::from_slice(&oracle("judge", folder.path())).unwrap();
    assert_eq!((views.len(), answers.len()), (4_000, 4_000));
    let (mut shown, mut close) = (0, 0);
    for ([_, lat, lon, height_m, yaw, pitch, roll, width, height], [theirs, doubtful]) in
        views.into_iter().zip(answers)
    {
        let view = View { lat, lon, height_m, yaw, pitch, roll, width, height };
        let doubtful: BTreeSet<String> = doubtful.into_iter().collect();
        let found = sites.looked_at(&view);
        let ours: BTreeSet<String> =
            found.iter().map(|(site, _)| site.name.clone()).filter(|name| !doubtful.contains(name)).collect();
        let theirs: BTreeSet<String> = theirs.into_iter().collect();
        assert_eq!(ours, theirs, "{view:?}");
        shown += theirs.len();
        close += doubtful.len();
    }
    assert!(shown > 4_000, "{shown}");
    println!("{shown} places were shown in 4,000 views, {close} beside were too close to call");
}
