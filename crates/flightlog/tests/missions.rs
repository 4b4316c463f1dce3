//! Real missions against counts that were made with other means: `../shared/data/files/missions` (skipped where it is absent).
#![expect(clippy::print_stdout, reason = "a test")]

use std::{fs, path::Path};

use creance_flightlog::{Options, format};
use creance_model::{Inspection, Role};
use serde_json::Value;

#[test]
fn all_places_of_real_missions_are_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/files/missions");
    if !folder.is_dir() {
        println!("skipped: no shared missions");
        return;
    }
    let told = |name: &str| -> (Inspection, Value) {
        let bytes = fs::read(folder.join(name)).unwrap();
        let oracle = fs::read(folder.join("oracle").join(format!("{name}.count.json"))).unwrap();
        let format = format(&bytes).unwrap_or_else(|| unreachable!("{name} is of no format"));
        (format.read(&bytes, &Options::default()), serde_json::from_slice(&oracle).unwrap())
    };
    let count = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();

    // A line each, the title and blank ones apart.
    for (name, without) in [("mission_planner_sample.txt", 1), ("cmac-foamy-fence.txt", 0)] {
        let (inspection, oracle) = told(name);
        assert_eq!(inspection.places.len(), count(&oracle["lines"]) - without, "{name}");
    }
    let (inspection, _) = told("cmac-foamy-mission-ccw.txt");
    assert_eq!(
        inspection.places.first().map(|spot| (spot.role, spot.lat, spot.lon)),
        Some((Role::Home, -35.363_262, 149.165_237))
    );

    let (inspection, oracle) = told("dji_v5_waypointsample.kmz");
    assert_eq!(inspection.places.len(), count(&oracle["wpmz/template.kml"]["Placemark"]));
    assert!((inspection.places[0].lat - 22.542_860_176_456_5).abs() < 1e-12, "{:?}", inspection.places[0]);

    // Of the commands, those that have a place.
    for name in ["qgroundcontrol_sample.plan", "qgroundcontrol_sample_with_survey.plan"] {
        let (inspection, oracle) = told(name);
        let of_commands = inspection.places.iter().filter(|spot| spot.field == "command 16").count();
        assert_eq!(of_commands, count(&oracle["count_command"]["16"]), "{name}");
        assert!(inspection.places.iter().any(|spot| spot.role == Role::Home), "{name}");
    }
}
