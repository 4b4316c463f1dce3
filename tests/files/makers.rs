//! Notes of makers of cameras that hold serial numbers: read, and gone when they are scrubbed, whichever maker it is.

use std::{collections::BTreeMap, fs, path::PathBuf};

use super::{by_exiftool, inspected, look_the_same, script, scrubbed, text, values};

#[test]
fn numbers_in_notes_of_makers_are_told_and_go() {
    let folder = tempfile::tempdir().unwrap();
    script(&["notes", &text(folder.path())]);
    let numbers = fs::read(folder.path().join("notes.json")).unwrap();
    let numbers: BTreeMap<String, String> = serde_json::from_slice(&numbers).unwrap();
    assert!(numbers.len() > 20, "{numbers:?}");
    let pictures: Vec<PathBuf> = numbers.keys().map(|name| folder.path().join(name)).collect();
    for (path, number) in pictures.iter().zip(numbers.values()) {
        assert!(!by_exiftool(path).is_empty(), "{}: nothing to take out", path.display());
        assert_eq!(values(&inspected(path), "serial"), [number.as_str()], "{}", path.display());
    }
    for extra in [&[][..], &["--keep-thermal"], &["--location", "offset:0.25,-0.5"]] {
        let (_folder, clean) = scrubbed(&pictures, extra);
        for (path, number) in clean.iter().zip(numbers.values()) {
            assert_eq!(by_exiftool(path), Vec::<String>::new(), "{}", path.display());
            let bytes = fs::read(path).unwrap();
            let is_left = bytes.windows(number.len()).any(|window| window == number.as_bytes());
            assert!(!is_left, "{}", path.display());
        }
        if extra.is_empty() {
            look_the_same(&pictures, &clean);
        }
    }
}
