//! `inspect` and `scrub` against independent readers: `ExifTool` for what pictures say, Pillow and `ImageMagick` for what they
//! show, `FFmpeg` for films.
//!
//! Pictures are made by `pictures.py`, which needs the packages of `tests/uploads/requirements.txt` in `target/uploads`
//! (`./ci/test tools` puts them there), and real ones are those of the shared data, where it is present.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod archives;
mod films;
mod makers;
mod runs;
mod viewers;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use creance_tests::{example, python, root, run, shared};
use serde_json::Value;

fn script(arguments: &[&str]) -> Vec<u8> {
    let output =
        Command::new(python()).arg(root().join("tests/files/pictures.py")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// What `inspect` says of one file.
fn inspected(path: &Path) -> Value {
    let output = run(["inspect", "--format", "json", "--reveal", &text(path)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn values(inspection: &Value, class: &str) -> Vec<String> {
    let identifiers = inspection["identifiers"].as_array().unwrap().iter();
    let of_class = identifiers.filter(|one| one["class"] == class);
    of_class.map(|one| one["value"].as_str().unwrap().to_owned()).collect()
}

/// Pictures of all formats, and what was written into them.
fn made() -> (tempfile::TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    script(&["make", &text(folder.path())]);
    let truth = serde_json::from_slice(&fs::read(folder.path().join("truth.json")).unwrap()).unwrap();
    (folder, truth)
}

fn names(truth: &Value) -> Vec<&str> {
    truth["files"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn what_was_written_into_pictures_is_read() {
    let (folder, truth) = made();
    assert!(names(&truth).len() >= 12);
    for name in names(&truth) {
        let told = inspected(&folder.path().join(name));
        assert_eq!(
            (&told["device"]["make"], &told["device"]["model"]),
            (&truth["make"], &truth["model"]),
            "{name}"
        );
        let serials = values(&told, "serial");
        for serial in truth["serials"].as_array().unwrap() {
            assert!(serials.contains(&serial.as_str().unwrap().to_owned()), "{name}: {serials:?}");
        }
        let people = values(&told, "person-name");
        for person in truth["people"].as_array().unwrap() {
            assert!(people.contains(&person.as_str().unwrap().to_owned()), "{name}: {people:?}");
        }
        for place in told["places"].as_array().unwrap() {
            let near = |of: &str, truth: &Value| {
                (place[of].as_f64().unwrap() - truth.as_f64().unwrap()).abs() < 1e-6
            };
            match place["role"].as_str().unwrap() {
                "camera" => {
                    assert!(near("lat", &truth["lat"]) && near("lon", &truth["lon"]), "{name}: {place}");
                }
                _ => assert!(
                    near("lat", &truth["target"][0]) && near("lon", &truth["target"][1]),
                    "{name}: {place}"
                ),
            }
        }
        assert!(!told["places"].as_array().unwrap().is_empty(), "{name}");
        // Those that carry XMP say what the aircraft was.
        if told["places"].as_array().unwrap().len() > 1 {
            assert!(serials.contains(&truth["drone"].as_str().unwrap().to_owned()), "{name}");
            assert!(values(&told, "device-id").contains(&truth["capture"].as_str().unwrap().to_owned()));
            assert!(values(&told, "network-info").contains(&truth["network"].as_str().unwrap().to_owned()));
        }
    }
}

#[test]
fn nothing_of_it_is_shown_unless_asked() {
    let (folder, truth) = made();
    for form in ["text", "json", "jsonl", "html"] {
        let output = run(["inspect", "--format", form, &text(folder.path())]);
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut secrets: Vec<String> = vec!["33.85".to_owned(), "151.21".to_owned()];
        secrets.extend(["drone", "capture", "network"].map(|name| truth[name].as_str().unwrap().to_owned()));
        for list in ["serials", "people"] {
            let of_list = truth[list].as_array().unwrap().iter();
            secrets.extend(of_list.map(|one| one.as_str().unwrap().to_owned()));
        }
        for secret in secrets {
            assert!(!shown.contains(&secret), "{form} shows {secret}");
        }
    }
}

#[test]
fn a_folder_has_totals_and_its_page_draws_a_map_where_places_may_be_shown() {
    let (folder, truth) = made();
    fs::copy(example("flight.tlog"), folder.path().join("flight.tlog")).unwrap();
    let of_folder = |arguments: &[&str]| {
        let output = run([&["inspect"][..], arguments, &[&text(folder.path())]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // All pictures say where they were; beside them lie the list of what was written, and a log.
    let (pictures, files) = (names(&truth).len(), fs::read_dir(folder.path()).unwrap().count());
    let table = of_folder(&[]);
    let sums = table.lines().find(|line| line.contains("with a place")).unwrap();
    let numbers: Vec<usize> =
        sums.split(' ').filter_map(|word| word.trim_start_matches('(').parse().ok()).collect();
    let [all, with_place, with_track, with_serial, serials, ..] = numbers[..] else { panic!("{sums}") };
    assert_eq!((all, with_track), (files, 1), "{sums}");
    assert!(with_place >= pictures && with_serial >= pictures && serials >= 3, "{sums}");
    for (arguments, maps) in [(&["--format", "html"][..], false), (&["--format", "html", "--reveal"], true)] {
        let page = of_folder(arguments);
        assert!(page.starts_with("<!DOCTYPE html>") && !page.contains("<script"));
        assert_eq!(page.contains("<svg"), maps, "{arguments:?}");
    }
}

/// Words of tags that say where, with what number, and whose.
const WORDS: [&str; 10] =
    ["gps", "serial", "owner", "artist", "author", "uniqueid", "latitude", "longitude", "creator", "ntrip"];

/// What `ExifTool` finds of that in a file: tags by group and name, all that are there, unknown ones too.
fn by_exiftool(path: &Path) -> Vec<String> {
    let output =
        Command::new("exiftool").args(["-json", "-a", "-u", "-ee", "-G1", "-n"]).arg(path).output().unwrap();
    let all: Vec<serde_json::Map<String, Value>> = serde_json::from_slice(&output.stdout).unwrap();
    let is_told = |name: &str, value: &Value| {
        let name = name.to_lowercase();
        // Of the file itself, not of its content; "0" is no serial number.
        let own = ["system:", "file:", "exiftool:", "sourcefile"].iter().any(|group| name.starts_with(group));
        !own && WORDS.iter().any(|word| name.contains(word))
            && !matches!(value, Value::String(text) if text.is_empty())
    };
    let told = all.iter().flatten().filter(|(name, value)| is_told(name, value));
    told.map(|(name, value)| format!("{name} = {value}")).collect()
}

/// Scrubs a folder's pictures, and shows each beside its original: nothing left for `ExifTool`, and the same pixels.
fn scrubbed(pictures: &[PathBuf], extra: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let output = tempfile::tempdir().unwrap();
    let to = output.path().join("clean");
    let mut arguments = vec!["scrub".to_owned(), "-o".to_owned(), text(&to)];
    arguments.extend(extra.iter().map(|one| (*one).to_owned()));
    arguments.extend(pictures.iter().map(|path| text(path)));
    let told = run(&arguments);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
    let written: Vec<PathBuf> = pictures.iter().map(|path| to.join(path.file_name().unwrap())).collect();
    for (before, after) in pictures.iter().zip(&written) {
        let age = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        assert_eq!(age(before), age(after), "{}", before.display());
    }
    (output, written)
}

/// Whether each pair shows the same.
fn look_the_same(before: &[PathBuf], after: &[PathBuf]) {
    let mut arguments = vec!["same".to_owned()];
    arguments.extend(before.iter().zip(after).flat_map(|(before, after)| [text(before), text(after)]));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let same: Vec<bool> = serde_json::from_slice(&script(&arguments)).unwrap();
    assert_eq!(same.len(), before.len());
    for (same, path) in same.iter().zip(before) {
        assert!(same, "{} looks otherwise", path.display());
    }
    for (before, after) in before.iter().zip(after) {
        // Of what moves the first picture: all of it is compared by `viewers`.
        let [one, other] = [before, after].map(|path| format!("{}[0]", path.display()));
        let mut compare = Command::new("compare");
        let output = compare.args(["-quiet", "-metric", "AE", &one, &other, "null:"]).output().unwrap();
        let differ = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && differ.trim() == "0", "{}: {differ} pixels", before.display());
    }
}

#[test]
fn scrubbed_pictures_say_nothing_and_show_the_same() {
    let (folder, truth) = made();
    let is_written = |name: &&str| *name != "new.heic";
    let pictures: Vec<PathBuf> =
        names(&truth).into_iter().filter(is_written).map(|name| folder.path().join(name)).collect();
    for path in &pictures {
        // What a strip says `ExifTool` reads of the strip alone.
        let told = if path.ends_with("strip.tif") { said_by_strip(path) } else { by_exiftool(path) };
        assert!(!told.is_empty(), "{}: nothing to take out", path.display());
    }
    let (_folder, clean) = scrubbed(&pictures, &[]);
    for path in &clean {
        assert_eq!(by_exiftool(path), Vec::<String>::new(), "{}", path.display());
        let told = inspected(path);
        assert!(
            told["places"].as_array().unwrap().is_empty()
                && told["identifiers"].as_array().unwrap().is_empty()
        );
    }
    look_the_same(&pictures, &clean);
}

/// What `ExifTool` reads of the first part of a TIFF that is a JPEG, in a file of its own.
fn said_by_strip(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let at = bytes.windows(3).position(|three| three == [0xff, 0xd8, 0xff]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let strip = folder.path().join("strip.jpg");
    fs::write(&strip, &bytes[at..]).unwrap();
    by_exiftool(&strip)
}

#[test]
fn a_strip_of_a_tiff_that_is_a_jpeg_says_nothing_by_itself_either() {
    let (folder, _) = made();
    let picture = folder.path().join("strip.tif");
    let (_folder, clean) = scrubbed(std::slice::from_ref(&picture), &[]);
    assert!(!said_by_strip(&picture).is_empty());
    assert_eq!(said_by_strip(&clean[0]), Vec::<String>::new());
}

#[test]
fn faces_are_told_by_their_place_and_blurred_when_asked() {
    let portrait = root().join("crates/detect/src/face/portrait.jpg");
    let faces = |path: &Path| -> Vec<[u64; 4]> {
        let output = run(["inspect", "--faces", "--format", "json", &text(path)]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let boxes: Vec<Value> = told["face_boxes"].as_array().unwrap().clone();
        assert_eq!(told["faces"], boxes.len());
        let sides = |one: &Value| ["left", "top", "width", "height"].map(|side| one[side].as_u64().unwrap());
        boxes.iter().map(sides).collect()
    };
    // The head of the portrait, by eye: between 280 and 530 from the left, 170 and 470 from above.
    let found = faces(&portrait);
    let [[left, top, width, height]] = found.as_slice() else { panic!("{found:?}") };
    assert!((260..=420).contains(left) && (160..=330).contains(top), "{found:?}");
    assert!(left + width <= 560 && top + height <= 500, "{found:?}");
    let (_folder, clean) = scrubbed(std::slice::from_ref(&portrait), &["--faces"]);
    assert!(faces(&clean[0]).is_empty());
    assert_eq!(by_exiftool(&clean[0]), Vec::<String>::new());
    // Without faces pictures stay as they are; what cannot be looked at is refused.
    let (folder, _) = made();
    let pictures = ["grey.jpg", "truecolour.png"].map(|name| folder.path().join(name)).to_vec();
    let (_folder, clean) = scrubbed(&pictures, &["--faces"]);
    look_the_same(&pictures, &clean);
    let to = text(&folder.path().join("clean"));
    let output = run(["scrub", "--faces", "-o", &to, &text(&folder.path().join("lossy.webp"))]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stdout).contains("JPEG and PNG only"));
}

#[test]
fn what_a_logger_did_not_write_hinders_nothing_and_addresses_go() {
    let folder = tempfile::tempdir().unwrap();
    let message = |kind: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap().to_le_bytes();
        [&length[..], &[kind], content].concat()
    };
    let head = b"ULog\x01\x12\x35\x01\0\0\0\0\0\0\0\0";
    let known = message(b'I', b"\x11char[12] sys_uuid0006000042ab");
    let log = [&head[..], &message(b'B', &[0; 40]), &known, &message(b'O', &[30, 0])].concat();
    let table = "OSD.flyTime [s],OSD.latitude,OSD.longitude,DETAILS.street,DETAILS.city\n0.1,47.1,8.2,Main St,Bern\n1.1,47.2,8.2,Main St,Bern\n";
    for (name, bytes, gone) in
        [("a.ulg", log.as_slice(), "0006000042ab"), ("b.csv", table.as_bytes(), "Bern")]
    {
        let (from, to) = (folder.path().join(name), folder.path().join("clean"));
        fs::write(&from, bytes).unwrap();
        let output = run(["scrub", from.to_str().unwrap(), "-o", to.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&output.stdout));
        let written = fs::read(to.join(name)).unwrap();
        assert!(!String::from_utf8_lossy(&written).contains(gone), "{name}");
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    let (folder, _) = made();
    let [card, clean, elsewhere] = ["card/DCIM", "clean", "elsewhere"].map(|name| folder.path().join(name));
    for path in [&card, &clean, &elsewhere] {
        fs::create_dir_all(path).unwrap();
    }
    fs::copy(folder.path().join("grey.jpg"), card.join("grey.jpg")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, clean.join("DCIM")).unwrap();
    let output = run(["scrub", &text(&folder.path().join("card")), "-o", &text(&clean)]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stdout).contains("is a link"));
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn places_move_alike_where_photogrammetry_needs_them() {
    let (folder, truth) = made();
    let pictures: Vec<PathBuf> =
        ["baseline.jpg", "truecolour.png", "lossy.webp"].map(|name| folder.path().join(name)).to_vec();
    let (_folder, moved) = scrubbed(&pictures, &["--location", "offset:0.25,-0.5"]);
    for path in &moved {
        let told = inspected(path);
        let camera: Vec<&Value> =
            told["places"].as_array().unwrap().iter().filter(|place| place["role"] == "camera").collect();
        assert!(!camera.is_empty(), "{}", path.display());
        for place in camera {
            let off = |of: &str, by: f64| place[of].as_f64().unwrap() - truth[of].as_f64().unwrap() - by;
            assert!(
                off("lat", 0.25).abs() < 1e-6 && off("lon", -0.5).abs() < 1e-6,
                "{}: {place}",
                path.display()
            );
        }
        assert!(values(&told, "serial").is_empty());
    }
    look_the_same(&pictures, &moved);
}

#[test]
fn sites_that_a_picture_shows_are_told() {
    let (folder, _) = made();
    let register = folder.path().join("sites.csv");
    // The camera looks 12.5° east of north and 45° down from 80 m: at the ground 80 m before it.
    let rows = [
        "yard,-33.856082,151.215485,DAMS,20",
        "behind,-33.857486,151.215109,DAMS,20",
        "dock,-33.856784,151.215297,TRAN,10",
    ];
    fs::write(&register, format!("name,lat,lon,sector,buffer_m\n{}\n", rows.join("\n"))).unwrap();
    let output = run([
        "inspect",
        "--format",
        "json",
        "--sites",
        &text(&register),
        &text(&folder.path().join("baseline.jpg")),
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let seen = |how: &str| -> Vec<String> {
        let sites = told["sites"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|site| site["how"] == how && site["role"] == "camera");
        sites.map(|site| site["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(seen("near"), ["dock"]);
    assert_eq!(seen("looked at"), ["yard"]);
    fs::write(&register, "name,lat\nyard,1\n").unwrap();
    let output = run(["inspect", "--sites", &text(&register), &text(&folder.path().join("baseline.jpg"))]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("names no longitude"));
}

#[test]
fn of_two_files_with_one_name_the_first_is_written_and_the_other_told() {
    let (folder, _) = made();
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::copy(folder.path().join("grey.jpg"), other.join("baseline.jpg")).unwrap();
    let (first, second) = (folder.path().join("baseline.jpg"), other.join("baseline.jpg"));
    let clean = folder.path().join("clean");
    let output = run(["scrub", "--format", "json", &text(&first), &text(&second), "-o", &text(&clean)]);
    assert_eq!(output.status.code(), Some(4));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let outcome = |path: &Path| {
        let of_file = told.as_array().unwrap().iter().find(|one| one["file"] == text(path));
        of_file.unwrap()["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!((outcome(&first).as_str(), outcome(&second).as_str()), ("written", "refused"));
    let names_a_tool =
        |one: &Value| one["check_with"][0].as_str().is_some_and(|tool| tool.starts_with("exiftool"));
    assert!(told.as_array().unwrap().iter().any(names_a_tool), "JSON says what to check with too: {told}");
    look_the_same(&[first], &[clean.join("baseline.jpg")]);
}

#[test]
fn logs_are_scrubbed_both_ways() {
    let logs = [example("flight.tlog")];
    let real = ["files/logs_mavlink/vtol_first900k.tlog", "files/logs_px4/sample_px4_events.ulg"];
    let shared =
        real.iter().filter_map(|name| shared("files").map(|folder| folder.parent().unwrap().join(name)));
    for log in logs.into_iter().chain(shared) {
        let before = inspected(&log);
        let points = |told: &Value| told["track"]["points"].as_u64().unwrap_or(0);
        assert!(points(&before) > 0, "{}", log.display());
        let (_folder, clean) = scrubbed(std::slice::from_ref(&log), &[]);
        assert_eq!(points(&inspected(&clean[0])), 0, "{}", log.display());
        let (_folder, moved) = scrubbed(std::slice::from_ref(&log), &["--location", "offset:0.25,-0.5"]);
        let after = inspected(&moved[0]);
        assert_eq!(points(&after), points(&before), "{}", log.display());
        for (edge, by) in [0.25, -0.5, 0.25, -0.5].iter().enumerate() {
            let degrees = |told: &Value| told["track"]["bbox"][edge].as_f64().unwrap();
            assert!((degrees(&after) - degrees(&before) - by).abs() < 1e-5, "{}", log.display());
        }
    }
}

#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let (folder, _) = made();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for arguments in [
        vec!["inspect".to_owned()],
        vec!["scrub".to_owned(), "-o".to_owned(), text(&folder.path().join("clean"))],
    ] {
        let output = run(arguments.into_iter().chain([text(&pipe)]));
        assert_eq!(output.status.code(), Some(3));
        assert!(String::from_utf8_lossy(&output.stderr).contains("not a regular file"));
    }
}

#[test]
fn nothing_is_overwritten_and_heif_is_refused_with_a_reason() {
    let (folder, _) = made();
    let picture = folder.path().join("baseline.jpg");
    let before = fs::read(&picture).unwrap();
    let output = run(["scrub", &text(&picture), "-o", &text(folder.path())]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stdout).contains("there already"));
    assert_eq!(fs::read(&picture).unwrap(), before);
    let clean = folder.path().join("clean");
    let output = run(["scrub", &text(&folder.path().join("new.heic")), "-o", &text(&clean)]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stdout).contains("export the picture as JPEG"));
    assert_eq!(fs::read_dir(&clean).unwrap().count(), 0);
}

#[test]
fn a_bigtiff_is_read_and_refused_with_a_reason() {
    let (folder, truth) = made();
    let big = folder.path().join("big.tif");
    let copied =
        Command::new("tiffcp").arg("-8").arg(folder.path().join("lzw.tif")).arg(&big).output().unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    let told = inspected(&big);
    assert_eq!((&told["kind"], &told["device"]["make"]), (&Value::from("bigtiff"), &truth["make"]));
    assert!(
        values(&told, "person-name").contains(&truth["people"][1].as_str().unwrap().to_owned()),
        "{told}"
    );
    let output = run(["scrub", &text(&big), "-o", &text(&folder.path().join("clean"))]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stdout).contains("BigTIFF is read and not written"));
}

#[test]
fn a_second_picture_behind_the_first_is_told_and_goes() {
    let (folder, truth) = made();
    let [first, second, both] =
        ["plain.jpg", "baseline.jpg", "both.jpg"].map(|name| folder.path().join(name));
    let plain =
        Command::new("exiftool").args(["-q", "-all=", "-o"]).arg(&first).arg(&second).status().unwrap();
    assert!(plain.success());
    assert!(inspected(&first)["places"].as_array().unwrap().is_empty());
    for between in [&b""[..], b"\xff\xff", b"MotionPhoto_Data"] {
        fs::write(&both, [&fs::read(&first).unwrap()[..], between, &fs::read(&second).unwrap()].concat())
            .unwrap();
        let told = inspected(&both);
        let place = &told["places"][0];
        assert!(place["where"].as_str().unwrap().starts_with("behind EOI:"), "{told}");
        assert!((place["lat"].as_f64().unwrap() - truth["lat"].as_f64().unwrap()).abs() < 1e-6, "{place}");
        assert!(values(&told, "serial").contains(&truth["drone"].as_str().unwrap().to_owned()));
        let is_told = |one: &Value| one["what"] == "picture behind the picture";
        assert!(told["hidden"].as_array().unwrap().iter().any(is_told), "{told}");
        let (_folder, clean) = scrubbed(std::slice::from_ref(&both), &[]);
        assert_eq!(fs::read(&clean[0]).unwrap(), fs::read(&first).unwrap(), "only the first is left");
    }
}

/// Real pictures; `None`: the shared data is absent.
fn real() -> Option<Vec<PathBuf>> {
    let folder = shared("files/imagery")?;
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    Some(paths)
}

#[test]
fn real_pictures_say_what_exiftool_says() {
    let Some(pictures) = real() else {
        println!("skipped: no shared pictures");
        return;
    };
    for path in pictures {
        let name = path.file_name().unwrap().to_str().unwrap();
        let oracle = path.with_file_name("oracle").join(format!("{name}.exiftool.json"));
        let oracle: Value = serde_json::from_slice(&fs::read(oracle).unwrap()).unwrap();
        let told = inspected(&path);
        for (field, tag) in [("make", "IFD0:Make"), ("model", "IFD0:Model"), ("software", "IFD0:Software")] {
            if let Some(said) = oracle[tag].as_str() {
                assert_eq!(told["device"][field], said.trim(), "{name} {field}");
            }
        }
        let places = told["places"].as_array().unwrap();
        let pairs = [
            ("Composite:GPSLatitude", "Composite:GPSLongitude"),
            ("XMP-drone-dji:GPSLatitude", "XMP-drone-dji:GPSLongitude"),
            ("XMP-drone-dji:GPSLatitude", "XMP-drone-dji:GPSLongtitude"),
            ("XMP-drone-dji:LRFTargetLat", "XMP-drone-dji:LRFTargetLon"),
        ];
        let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
        for (lat, lon) in pairs {
            let Some((lat, lon)) = number(&oracle[lat]).zip(number(&oracle[lon])) else { continue };
            let near = |place: &&Value| {
                (place["lat"].as_f64().unwrap() - lat).abs() < 1e-7
                    && (place["lon"].as_f64().unwrap() - lon).abs() < 1e-7
            };
            assert!(places.iter().any(|place| near(&place)), "{name}: {lat}, {lon} is not in {places:?}");
        }
        if number(&oracle["Composite:GPSLatitude"]).is_none()
            && number(&oracle["XMP-drone-dji:GPSLatitude"]).is_none()
        {
            assert!(places.is_empty(), "{name}: {places:?}");
        }
        if let Some(metres) = number(&oracle["Composite:GPSAltitude"]) {
            let of_exif = places.iter().find(|place| place["where"] == "exif:GPS").unwrap();
            assert!((of_exif["alt_m"].as_f64().unwrap() - metres).abs() < 1e-3, "{name}");
        }
        let serials = values(&told, "serial");
        let tags =
            ["ExifIFD:SerialNumber", "XMP-drone-dji:CameraSerialNumber", "XMP-drone-dji:DroneSerialNumber"];
        let theirs: Vec<&str> =
            tags.iter().filter_map(|tag| oracle[*tag].as_str()).filter(|text| !text.is_empty()).collect();
        for serial in &theirs {
            assert!(serials.contains(&(*serial).to_owned()), "{name}: {serial}");
        }
        let bytes = fs::read(&path).unwrap();
        let known = |serial: &str| {
            // DJI's debugging text, and GDAL's copy of the tags: ExifTool reads neither for itself.
            let elsewhere = [format!("[sensor_id:{serial}"), format!("EXIF_BodySerialNumber\">{serial}<")];
            let stands = |text: &String| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            theirs.contains(&serial) || elsewhere.iter().any(stands)
        };
        assert!(serials.iter().all(|serial| known(serial)), "{name}: {serials:?}");
        if let Some(taken) = oracle["ExifIFD:DateTimeOriginal"].as_str() {
            let local = taken.replacen(':', "-", 2).replace(' ', "T");
            let times = told["times"].as_array().unwrap();
            let time = times.iter().find(|time| time["where"] == "exif:DateTimeOriginal").unwrap();
            let offset_is_said = time["zone_known"] == true;
            assert!(offset_is_said || time["time"].as_str().unwrap().starts_with(&local), "{name}: {time}");
        }
    }
}

#[test]
fn real_pictures_are_scrubbed_and_show_the_same() {
    let Some(pictures) = real() else {
        println!("skipped: no shared pictures");
        return;
    };
    let (_folder, clean) = scrubbed(&pictures, &[]);
    for path in &clean {
        assert_eq!(by_exiftool(path), Vec::<String>::new(), "{}", path.display());
    }
    // Pillow reads neither the cut ones nor the DNG, whose raw picture lies beyond the end of the sample.
    let readable = |path: &&PathBuf| !["dme_", ".dng"].iter().any(|part| text(path).contains(part));
    let kept = |paths: &[PathBuf]| paths.iter().filter(readable).cloned().collect::<Vec<_>>();
    look_the_same(&kept(&pictures), &kept(&clean));
}
