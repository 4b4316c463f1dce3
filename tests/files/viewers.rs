//! Scrubbed pictures and films in programs that share no code with us: whoever opens the original opens what was written, and shows
//! the same.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use creance_tests::shared;
use serde_json::Value;

use super::{films, made, names, real, script, scrubbed, text};

/// What a program prints, if it opens a file.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output();
    let output =
        output.unwrap_or_else(|error| unreachable!("{program}: {error}: ./ci/test tools installs it"));
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A program that opens pictures or films: its name, and what it shows of one, if it opens it.
type Viewer = (&'static str, fn(&Path) -> Option<String>);

/// Those that decode say a digest of pixels; exiv2 and libtiff walk the structure, of which nothing is compared.
const OF_PICTURES: &[Viewer] = &[
    ("Pillow", |path| {
        let shown: Vec<Option<String>> = serde_json::from_slice(&script(&["shown", &text(path)])).unwrap();
        shown.into_iter().next().flatten()
    }),
    ("ImageMagick", |path| said("identify", &["-quiet", "-format", "%# %m %wx%h\n", &text(path)])),
    ("FFmpeg", |path| said("ffmpeg", &["-v", "error", "-xerror", "-i", &text(path), "-f", "md5", "-"])),
    // Where the raw picture lies beyond the end of a sample its head is all that can be shown.
    ("libvips", |path| {
        said("vips", &["avg", &text(path)]).or_else(|| said("vipsheader", &["-f", "width", &text(path)]))
    }),
    ("libtiff", |path| said("tiffinfo", &[&text(path)]).map(|_| String::new())),
    ("exiv2", |path| said("exiv2", &["-q", "-pS", &text(path)]).map(|_| String::new())),
];

/// `FFmpeg` says a digest of what each stream shows; the others walk the boxes by themselves and say what the tracks are.
const OF_FILMS: &[Viewer] = &[
    ("FFmpeg", |path| {
        let shown = ["-map", "0:v", "-map", "0:a?", "-f", "streamhash", "-hash", "md5", "-"];
        said("ffmpeg", &[&["-v", "error", "-xerror", "-i", &text(path)][..], &shown].concat())
    }),
    ("MediaInfo", |path| {
        let told: Value = serde_json::from_str(&said("mediainfo", &["--Output=JSON", &text(path)])?).unwrap();
        let tracks = told["media"]["track"].as_array()?.iter();
        let shown = tracks.filter(|track| matches!(track["@type"].as_str(), Some("Video" | "Audio")));
        let fields = ["@type", "Format", "Width", "Height", "FrameCount", "Duration", "SamplingRate"];
        let lines: Vec<Value> =
            shown.map(|track| fields.iter().map(|field| track[*field].clone()).collect()).collect();
        (!lines.is_empty()).then(|| Value::from(lines).to_string())
    }),
    ("MKVToolNix", |path| {
        let told: Value = serde_json::from_str(&said("mkvmerge", &["-J", &text(path)])?).unwrap();
        let is_open = told["container"]["recognized"] == true && told["errors"] == Value::Array(Vec::new());
        let shown = |track: &&Value| matches!(track["type"].as_str(), Some("video" | "audio"));
        let lines: Vec<Value> = told["tracks"]
            .as_array()?
            .iter()
            .filter(shown)
            .map(|track| {
                [&track["codec"], &track["properties"]["pixel_dimensions"]].into_iter().cloned().collect()
            })
            .collect();
        (is_open && !lines.is_empty()).then(|| Value::from(lines).to_string())
    }),
];

/// Holds each file before against what was written of it, in all viewers that open it, of which there are at least three.
fn open_alike(viewers: &[Viewer], before: &[PathBuf], after: &[PathBuf]) {
    assert!(!before.is_empty() && before.len() == after.len());
    let held = |before: &Path, after: &Path| {
        let mut opened = 0;
        for (name, shows) in viewers {
            let Some(shown) = shows(before) else { continue };
            opened += 1;
            assert_eq!(shows(after).as_ref(), Some(&shown), "{name}: {}", before.display());
        }
        assert!(opened >= 3, "{}: {opened} programs open it", before.display());
    };
    let held = &held;
    std::thread::scope(|scope| {
        for (before, after) in before.iter().zip(after) {
            scope.spawn(move || held(before, after));
        }
    });
}

#[test]
fn scrubbed_pictures_open_in_all_programs_that_open_the_originals() {
    let (folder, truth) = made();
    let is_written = |name: &&str| *name != "new.heic";
    let mut pictures: Vec<PathBuf> =
        names(&truth).into_iter().filter(is_written).map(|name| folder.path().join(name)).collect();
    pictures.extend(real().unwrap_or_default());
    let (_folder, clean) = scrubbed(&pictures, &[]);
    open_alike(OF_PICTURES, &pictures, &clean);
}

#[test]
fn scrubbed_films_open_in_all_programs_that_open_the_originals() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = vec![films::made(folder.path(), "mp4"), films::made(folder.path(), "mov")];
    let real = shared("files/video").into_iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let real = real.map(|entry| entry.unwrap().path());
    all.extend(real.filter(|path| path.extension().is_some_and(|end| end == "mp4")));
    let (_folder, clean) = scrubbed(&all, &[]);
    open_alike(OF_FILMS, &all, &clean);
}
