//! Runs over many or long files: what is read of them, what is told when a run is ended halfway, and what such a run leaves behind.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Seek, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use creance_tests::{creance, example, run};
use serde_json::Value;

use super::text;

/// A debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(5);

fn boxed(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
    [&length, &kind[..], content].concat()
}

/// A film of so many bytes that says a place; nearly all of it is a hole.
fn film(path: &Path, bytes: u64) {
    let place = boxed(*b"\xa9xyz", b"\0\x11\x15\xc7+47.5000-008.2500");
    let index = [boxed(*b"ftyp", b"isom\0\0\0\0isom"), boxed(*b"moov", &boxed(*b"udta", &place))].concat();
    let data = bytes - index.len() as u64;
    let mut file = File::create(path).unwrap();
    let head = [&[0, 0, 0, 1][..], b"mdat", &data.to_be_bytes()].concat();
    file.write_all(&[index, head].concat()).unwrap();
    file.set_len(bytes).unwrap();
}

/// What `inspect` says of a file, and how long it took.
fn told(arguments: &[&str], path: &Path) -> (Value, Duration) {
    let begun = Instant::now();
    let output = run([&["inspect", "--format", "json", "--reveal"][..], arguments, &[&text(path)]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    (serde_json::from_slice(&output.stdout).unwrap(), begun.elapsed())
}

#[test]
fn of_a_long_film_the_index_is_read_unless_more_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.mp4");
    film(&path, 2 << 30);
    let (long, took) = told(&[], &path);
    assert!(took < LONGEST, "{took:?}");
    assert_eq!((&long["places"][0]["lat"], &long["sha256"]), (&Value::from(47.5), &Value::Null));
    assert!(long["not_hashed"].as_str().unwrap().contains("--hash"));
    let shown = run(["inspect", &text(&path)]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("not hashed"));
    // 64 MiB are hashed unasked, and no byte more.
    film(&path, (64 << 20) + 1);
    let sum = Command::new("sha256sum").arg(&path).output().unwrap().stdout;
    let sum = Value::from(std::str::from_utf8(&sum).unwrap().split(' ').next().unwrap());
    let (unasked, _) = told(&[], &path);
    assert_eq!(unasked["sha256"], Value::Null);
    let (asked, _) = told(&["--hash"], &path);
    assert_eq!((&asked["sha256"], &asked["not_hashed"]), (&sum, &Value::Null));
    film(&path, 64 << 20);
    let (short, _) = told(&[], &path);
    assert!(short["sha256"].is_string() && short["not_hashed"].is_null());
    let (unwanted, _) = told(&["--no-hash"], &path);
    assert!(unwanted["sha256"].is_null() && unwanted["not_hashed"].is_null());
}

/// A child that is ended with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_was_read_is_told_before_the_next_files_are() {
    let folder = tempfile::tempdir().unwrap();
    let log = fs::read(example("flight.tlog")).unwrap();
    // As many as are read at a time, and one for which a hash takes longer than anybody waits.
    let short = 64;
    for number in 0..short {
        fs::write(folder.path().join(format!("a{number:02}.tlog")), &log).unwrap();
    }
    film(&folder.path().join("z.mp4"), 1 << 40);
    for form in ["jsonl", "json", "text"] {
        let mut inspect = creance();
        inspect.args(["inspect", "--hash", "--format", form]).arg(folder.path());
        let mut running = Running(inspect.stdout(Stdio::piped()).spawn().unwrap());
        let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
        // Read as far as the last of them: were it held back, this would wait for the hash.
        let last = format!("a{:02}.tlog", short - 1);
        let is_told = lines.map_while(Result::ok).any(|line| line.contains(&last));
        assert!(is_told && running.0.try_wait().unwrap().is_none(), "{form}");
    }
}

/// The files in a folder whose names begin like those of parts.
fn parts(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    all.filter(|path| text(path).contains("/.creance-part-")).collect()
}

#[test]
fn what_a_run_left_behind_that_was_ended_is_gone_after_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let (card, clean) = (folder.path().join("card"), folder.path().join("clean"));
    fs::create_dir(&card).unwrap();
    // Of a gigabyte, so that it is being written for a while.
    let mut picture = File::create(card.join("long.jpg")).unwrap();
    picture.write_all(&[0xff, 0xd8, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]).unwrap();
    picture.set_len(1 << 30).unwrap();
    picture.seek(std::io::SeekFrom::End(0)).unwrap();
    picture.write_all(&[0xff, 0xd9]).unwrap();
    let mut scrub = creance();
    scrub.arg("scrub").arg(&card).arg("-o").arg(&clean).stdout(Stdio::null());
    let mut running = Running(scrub.spawn().unwrap());
    let begun = Instant::now();
    while parts(&clean).is_empty() {
        assert!(begun.elapsed() < Duration::from_mins(2) && running.0.try_wait().unwrap().is_none());
        sleep(Duration::from_millis(20));
    }
    let ended = Command::new("kill").args(["-TERM", &running.0.id().to_string()]).status().unwrap();
    assert!(ended.success() && !running.0.wait().unwrap().success());
    assert!(!clean.join("long.jpg").exists(), "a part is no file");
    assert_eq!(parts(&clean).len(), 1);
    fs::remove_file(card.join("long.jpg")).unwrap();
    fs::copy(example("flight.tlog"), card.join("flight.tlog")).unwrap();
    let output = run(["scrub", &text(&card), "-o", &text(&clean)]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    let names: Vec<_> = fs::read_dir(&clean).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["flight.tlog"]);
}

#[test]
fn where_files_have_one_name_no_other_file_stands_there_before() {
    let Ok(strace) = Command::new("strace").arg("-V").output() else {
        println!("skipped: no strace");
        return;
    };
    assert!(strace.status.success());
    let folder = tempfile::tempdir().unwrap();
    let (clean, trace) = (folder.path().join("clean"), folder.path().join("trace"));
    // As on a card: no file can have a second name.
    let output = Command::new("strace")
        .args(["-f", "-e", "trace=link,linkat,openat,rename,renameat,renameat2"])
        .args(["-e", "inject=link,linkat:error=EPERM", "-o"])
        .arg(&trace)
        .arg(creance().get_program())
        .arg("scrub")
        .arg(example("flight.tlog"))
        .arg("-o")
        .arg(&clean)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let calls = fs::read_to_string(&trace).unwrap();
    let name = text(&clean.join("flight.tlog"));
    let of_name: Vec<_> = calls.lines().filter(|call| call.contains(&name)).collect();
    let [link, rename] = of_name.as_slice() else { panic!("{of_name:?}") };
    assert!(link.contains("link") && link.contains("EPERM"), "{link}");
    assert!(rename.contains("RENAME_NOREPLACE") && rename.ends_with("= 0"), "{rename}");
    assert!(fs::metadata(&name).unwrap().len() > 0);
}
