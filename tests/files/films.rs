//! Films: what `inspect` and `scrub` make of them, against `FFmpeg`, which reads and decodes them on its own.

use std::{path::Path, path::PathBuf, process::Command};

use creance_tests::shared;
use serde_json::Value;

use super::{by_exiftool, inspected, scrubbed, text};

/// What a program of `FFmpeg` prints.
fn ffmpeg(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(["-v", "error"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A film of a second with sound, and the place, the maker and the words that `FFmpeg` can write into it.
pub(crate) fn made(folder: &Path, end: &str) -> PathBuf {
    let path = folder.join("made").with_extension(end);
    let tags = [
        "location=+47.5123+008.2512/",
        "location-eng=+47.5123+008.2512/",
        "make=Example",
        "model=Kestrel 3",
        "artist=Ada Example",
        "comment=Mast 7, north side",
    ];
    let mut arguments = vec!["-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=1"];
    arguments.extend(["-f", "lavfi", "-i", "sine=frequency=440:duration=1"]);
    arguments.extend(["-c:v", "mpeg4", "-c:a", "aac", "-shortest", "-bitexact"]);
    if end == "mov" {
        arguments.extend(["-movflags", "use_metadata_tags"]);
    }
    for tag in &tags {
        arguments.extend(["-metadata", tag]);
    }
    let path_text = text(&path);
    arguments.push(&path_text);
    ffmpeg("ffmpeg", &arguments);
    path
}

/// Tags of a film and of its streams, as `ffprobe` tells them.
fn tags(path: &Path) -> Vec<(String, String)> {
    let told = ffmpeg("ffprobe", &["-show_entries", "format_tags:stream_tags", "-of", "json", &text(path)]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let streams = told["streams"].as_array().into_iter().flatten().map(|stream| &stream["tags"]);
    let all = streams.chain([&told["format"]["tags"]]).filter_map(Value::as_object);
    all.flatten()
        .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// Tags that say how a film is made up, and when: all that may stay.
const KEPT: [&str; 10] = [
    "major_brand",
    "minor_version",
    "compatible_brands",
    "creation_time",
    "language",
    "vendor_id",
    "timecode",
    "encoder",
    "handler_name",
    "rotate",
];

/// The digest of what a stream of pictures or sound holds: as it is coded, and decoded.
fn content(path: &Path, stream: &str) -> [String; 2] {
    let path = text(path);
    let head = ["-i", &path, "-map", stream];
    [&["-c", "copy", "-f", "md5", "-"][..], &["-f", "md5", "-"]]
        .map(|tail| ffmpeg("ffmpeg", &[&head[..], tail].concat()))
}

#[test]
fn scrubbed_films_say_nothing_and_show_and_sound_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut films = vec![made(folder.path(), "mp4"), made(folder.path(), "mov")];
    let real = shared("files/video").into_iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    films.extend(
        real.map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "mp4")),
    );
    for film in &films {
        let told = inspected(film);
        let places = told["places"].as_array().unwrap();
        let said = tags(film).into_iter().find(|(name, _)| name == "location");
        let Some((_, place)) = said else { panic!("{}: no place to take out", film.display()) };
        // ISO 6709: +27.2939+112.6932/
        let second = place[1..].find(['+', '-']).unwrap() + 1;
        let (lat, lon) = place.trim_end_matches('/').split_at(second);
        let near =
            |told: &Value, said: &str| (told.as_f64().unwrap() - said.parse::<f64>().unwrap()).abs() < 1e-4;
        let is_there = |spot: &Value| near(&spot["lat"], lat) && near(&spot["lon"], lon);
        assert!(places.iter().any(is_there), "{}: {place} is not in {places:?}", film.display());
    }
    let (_clean, clean) = scrubbed(&films, &[]);
    for (before, after) in films.iter().zip(&clean) {
        let left: Vec<_> =
            tags(after).into_iter().filter(|(name, _)| !KEPT.contains(&name.as_str())).collect();
        assert_eq!(left, [], "{}", after.display());
        assert_eq!(by_exiftool(after), Vec::<String>::new(), "{}", after.display());
        for stream in ["0:v:0", "0:a:0"] {
            assert_eq!(content(before, stream), content(after, stream), "{}", after.display());
        }
    }
}
