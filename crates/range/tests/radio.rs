//! What the aircraft radiates, as an audit hears it: who it is, and where it flew.

use creance_audit::{Request, audit};
use creance_model::DataClass;
use creance_range::{Scenario, run};

#[test]
fn a_radio_nearby_hears_the_serial_and_the_track() {
    let case = run(&Scenario::load("as-claimed").unwrap(), 6).unwrap();
    let folder = tempfile::tempdir().unwrap();
    case.write(folder.path()).unwrap();
    let beside = |name: &str| folder.path().join(name);
    let request = Request {
        inputs: vec![beside("remote-id.pcapng").display().to_string()],
        canaries: Some(beside("canaries.toml")),
        flight: vec![beside("flight.tlog")],
        reveal: true,
        ..Request::default()
    };
    let report = audit(&request, &mut |_| {}).unwrap();
    let of = |class| report.findings.iter().find(|one| one.data_class == class);
    assert!(of(DataClass::Serial).is_some() && of(DataClass::Location).is_some(), "{:?}", report.findings);
}
