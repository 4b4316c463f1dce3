//! Judgements on the laboratory's captures against what is known of them: no strong band lies on the wrong side of the truth, and
//! of what is called unlikely, no more is so than that band says.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use creance_audit::{Request, audit};
use creance_model::{Judgement, Likelihood};
use serde_json::Value;

/// The thing that happened, by the lab's list.
fn text<'a>(event: &'a Value, key: &str) -> &'a str {
    event[key].as_str().unwrap_or_default()
}

/// Whether a hypothesis of the bundled set holds for these events; nothing, where the lab does not know.
fn truth(id: &str, events: &[&Value]) -> Option<bool> {
    let class = |classes: &[&str]| events.iter().any(|event| classes.contains(&text(event, "data_class")));
    let country = |event: &&&Value, codes: &[&str]| codes.contains(&text(event, "country"));
    let to = |code: &str| events.iter().any(|event| country(&event, &[code]));
    let automatic = |event: &&&Value| text(event, "trigger") == "automatic";
    Some(match id {
        "locations" => class(&["location"]),
        "faces" => class(&["face"]),
        "phone" => class(&["contacts", "messages", "installed-apps", "network-info"]),
        "identity" => class(&["person-name", "email", "phone", "account-id"]),
        "media" => class(&["imagery", "video", "audio"]),
        "credentials" => class(&["credential"]),
        "automatic" => events.iter().any(|event| automatic(&event)),
        "to-china" => to("CN"),
        "to-hong-kong" => to("HK"),
        "to-taiwan" => to("TW"),
        "automatic-to-three" => {
            events.iter().any(|event| automatic(&event) && country(&event, &["CN", "HK", "TW"]))
        }
        "users-control" => !events.iter().any(|event| {
            let personal = [
                "imagery",
                "video",
                "audio",
                "flight-log",
                "face",
                "person-name",
                "email",
                "phone",
                "contacts",
                "messages",
            ];
            automatic(&event) && personal.contains(&text(event, "data_class"))
        }),
        _ => return None,
    })
}

fn cases(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.join("truth.json").is_file() {
            found.push(path);
        } else if path.is_dir() {
            cases(&path, found);
        }
    }
}

fn judged(folder: &Path) -> Vec<Judgement> {
    let of = |file: &str| Some(folder.join(file)).filter(|path| path.exists());
    let request = Request {
        inputs: vec![folder.join("capture.pcapng").display().to_string()],
        keys: of("capture.keys").into_iter().collect(),
        canaries: of("canaries.toml"),
        device: of("device").into_iter().collect(),
        flight: of("flight.tlog").into_iter().collect(),
        actions: of("actions.csv"),
        ..Request::default()
    };
    audit(&request, &mut |_| {}).unwrap().judgements
}

#[test]
fn bands_hold_the_truth() {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/lab");
    let mut folders = Vec::new();
    cases(&lab, &mut folders);
    folders.sort();
    if folders.is_empty() {
        println!("skipped: {} is not there", lab.display());
        return;
    }
    let (mut count, mut decided, mut squares, mut wrong) = (0_u32, 0_u32, 0.0, Vec::new());
    let mut unlikely = [0_u32; 2];
    for folder in &folders {
        let known: Value = serde_json::from_slice(&fs::read(folder.join("truth.json")).unwrap()).unwrap();
        let events: Vec<&Value> = known["events"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| text(event, "direction") == "out")
            .collect();
        for judgement in judged(folder) {
            let (Some(band), Some(so)) = (judgement.likelihood, truth(&judgement.hypothesis, &events)) else {
                continue;
            };
            let (low, high) = band.range();
            count += 1;
            squares += (f64::midpoint(low, high) - f64::from(u8::from(so))).powi(2);
            decided += u32::from(band != Likelihood::EvenChance);
            let on_the_wrong_side =
                if so { band <= Likelihood::VeryUnlikely } else { band >= Likelihood::VeryLikely };
            if on_the_wrong_side {
                wrong.push(format!("{}: {} is {so}, judged {band}", folder.display(), judgement.hypothesis));
            }
            if band == Likelihood::Unlikely {
                unlikely[usize::from(so)] += 1;
            }
        }
    }
    println!(
        "{count} judgements of {} cases, {decided} other than even; Brier score {:.3}",
        folders.len(),
        squares / f64::from(count)
    );
    println!("of what is called unlikely, {} was so and {} was not", unlikely[1], unlikely[0]);
    assert!(wrong.is_empty(), "{wrong:#?}");
    let share = f64::from(unlikely[1]) / f64::from(unlikely[0] + unlikely[1]).max(1.0);
    assert!(share <= Likelihood::Unlikely.range().1, "{unlikely:?}");
    assert!(count > 100 && decided * 10 > count * 8, "{decided} of {count}");
}
