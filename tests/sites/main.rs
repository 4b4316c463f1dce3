//! Which protected places flights looked at, against rays cast by another program (`oracle.py`, with pyproj and shapely).
//!
//! Ten thousand places of all shapes, three of five of them 8 m to 180 m tall; five hundred flights of ten points each,
//! half of them captions of films and half tables, as files that are read like any. Where the edge of a picture passes a place within a meter and six thousandths of its
//! distance, and eleven meters more at the end of sight, either answer is right: creance measures on a sphere.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
    time::Instant,
};

use creance_flightlog::{Options, format};
use creance_place::sites::{read, seen};
use creance_tests::{python, root};

fn oracle(command: &str, folder: &Path) -> Vec<u8> {
    let script = root().join("tests/sites/oracle.py");
    let output = Command::new(python()).arg(script).arg(command).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn places_that_flights_looked_at_are_those_that_rays_meet() {
    let folder = tempfile::tempdir().unwrap();
    oracle("make", folder.path());
    let file = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let sites = read(&file("sites.geojson")).unwrap();
    assert_eq!((sites.len(), sites.flaws().len()), (10_000, 0));
    let flights: Vec<(String, serde_json::Value)> = serde_json::from_slice(&file("flights.json")).unwrap();
    let answers: Vec<BTreeMap<String, [u64; 2]>> =
        serde_json::from_slice(&oracle("judge", folder.path())).unwrap();
    assert_eq!((flights.len(), answers.len()), (500, 500));
    let (mut clear, mut close, mut sure) = (0, 0, 0);
    let mut spent = 0.0;
    for ((name, _), theirs) in flights.into_iter().zip(answers) {
        let bytes = file(&name);
        let flight = format(&bytes[..bytes.len().min(4096)]).unwrap().read(&bytes, &Options::default());
        assert_eq!((flight.damage.len(), flight.tracks[0].points.len()), (0, 10), "{name}");
        let began = Instant::now();
        let found = seen(&flight, &sites);
        spent += began.elapsed().as_secs_f64();
        assert!(!found.beyond);
        let ours: BTreeMap<String, u64> = found
            .sites
            .into_iter()
            .filter(|one| one.how == "looked at")
            .map(|one| (one.name, one.times))
            .collect();
        let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for site in names {
            let times = ours.get(site).copied().unwrap_or_default();
            let [shown, doubtful] = theirs.get(site).copied().unwrap_or_default();
            assert!(
                (shown..=shown + doubtful).contains(&times),
                "{name} {site}: {times} times, {shown} by the rays and {doubtful} too close to call"
            );
            clear += shown;
            close += doubtful;
            sure += u64::from(shown > 0);
        }
    }
    assert!(clear > 5_000 && sure > 2_000, "{clear} {sure}");
    println!(
        "{sure} places were shown {clear} times in 5,000 views of 500 flights, {close} times beside it was too close to call; {spent:.2} s"
    );
}
