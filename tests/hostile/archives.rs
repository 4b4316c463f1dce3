//! Archives made to hurt: names that weigh more than what they name, archives around archives, entries that cannot be read before those
//! that can, content where a tar has none. Each is answered in little memory, and what was not read is said, of a device as of a file.

use std::{fs, io::Write, path::Path};

use creance_capture::write::PcapWriter;
use creance_model::LinkType;
use flate2::{Compression, write::GzEncoder};

use super::{
    audit_with,
    files::{tar_head, told, told_within, zip},
};

const LOG: &[u8] = b"time,lat,lon,serial\n100,47.5,8.5,0TESTAB001\n";

fn octal(length: usize) -> [u8; 12] {
    format!("{length:011o}\0").into_bytes().try_into().unwrap()
}

/// An entry of a tar, filled up.
fn entry(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut entry = tar_head(octal(content.len()), kind);
    entry.extend(content);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Three tars within each other, of as many MB of zeros, packed.
fn deep(megabytes: usize) -> Vec<u8> {
    let within = (0..3).fold(vec![0; megabytes << 20], |inner, _| entry(b'0', &inner));
    gzip(&within)
}

/// An audit with this device, of a capture without packets: its exit code, its notes, and memory in kB.
fn with_device(folder: &Path) -> (i32, String, u64) {
    let folder = folder.to_str().unwrap();
    let (code, document, memory) = audit_with(&["--jobs", "4", "--device", folder], |stdin| {
        drop(PcapWriter::new(stdin, LinkType::ETHERNET));
    });
    (code, document["case"]["notes"].to_string(), memory)
}

#[test]
fn names_are_counted_with_those_of_all_archives_around_them() {
    let entries = entry(b'0', b"").repeat(19_990);
    let (all, damage) = told("one.zip", &zip(&"n".repeat(65_000), &entries));
    let longest = all.iter().map(|one| one["file"].as_str().unwrap().len()).max().unwrap();
    assert!((4096..6000).contains(&longest), "{longest}");
    assert!(all.len() > 2000, "{}", all.len());
    for why in ["a name of 65000 bytes", "bytes of names"] {
        assert!(damage.iter().any(|one| one.contains(why)), "{damage:?}");
    }
    let two = zip(&"n".repeat(65_000), &zip(&"m".repeat(65_000), &entries));
    let (_, damage) = told("two.zip", &two);
    assert!(damage.iter().any(|one| one.contains("bytes of names")), "{damage:?}");
    // Short ones are all told.
    let (all, damage) = told("short.zip", &zip("n", &entries));
    assert_eq!((all.len(), damage.len()), (19_992, 0));
    let device = tempfile::tempdir().unwrap();
    fs::write(device.path().join("two.zip"), two).unwrap();
    let (code, notes, memory) = with_device(device.path());
    assert!(code == 4 && notes.contains("bytes of names") && memory < 200_000, "{code} {memory} kB {notes}");
}

#[test]
fn what_stands_in_a_tar_as_it_is_is_not_copied() {
    let packed = deep(120);
    let (all, damage) = told_within(220_000, "deep.tar.gz", &packed);
    assert_eq!((all.len(), damage.len()), (5, 0), "{damage:?}");
    // Of a device, what is unpacked of one archive at a time.
    let device = tempfile::tempdir().unwrap();
    for name in ["1.tar.gz", "2.tar.gz", "3.tar.gz", "4.tar.gz"] {
        fs::write(device.path().join(name), &packed).unwrap();
    }
    let (code, notes, memory) = with_device(device.path());
    assert!(code == 0 && memory < 300_000, "{code} {memory} kB {notes}");
}

#[test]
fn what_is_unpacked_is_bounded_for_all_levels_together() {
    // Of a device at most 256 MiB of an archive, whatever lies within what.
    let inner = gzip(&vec![0; 200 << 20]);
    let device = tempfile::tempdir().unwrap();
    let packed = gzip(&[entry(b'0', &inner), entry(b'0', &vec![0; 100 << 20]), entry(b'0', LOG)].concat());
    fs::write(device.path().join("a.tar.gz"), packed).unwrap();
    let (code, notes, memory) = with_device(device.path());
    assert!(code == 4 && notes.contains("what is beyond is not read"), "{code} {notes}");
    assert!(memory < 450_000, "{memory} kB");
}

/// A zip whose first entries are encrypted by what they say (APPNOTE 4.4.4), with a log behind them.
fn encrypted(count: usize) -> Vec<u8> {
    let (mut local, mut listed) = (Vec::new(), Vec::new());
    for number in 0..=count {
        let name = if number < count { format!("{number:03}") } else { "flight.csv".to_owned() };
        let one = zip(&name, LOG);
        let at = one.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        let end = one.len() - 22;
        let (mut file, mut about) = (one[..at].to_vec(), one[at..end].to_vec());
        if number < count {
            file[6] |= 1;
            about[8] |= 1;
        }
        about[42..46].copy_from_slice(&u32::try_from(local.len()).unwrap().to_le_bytes());
        local.extend(file);
        listed.extend(about);
    }
    let [all, length, at] =
        [count + 1, listed.len(), local.len()].map(|number| u32::try_from(number).unwrap());
    let all = u16::try_from(all).unwrap().to_le_bytes();
    let end =
        [&b"PK\x05\x06\0\0\0\0"[..], &all, &all, &length.to_le_bytes(), &at.to_le_bytes(), &[0; 2]].concat();
    [local, listed, end].concat()
}

#[test]
fn entries_that_cannot_be_read_take_no_room_of_those_that_can() {
    let zip = encrypted(17);
    let (all, damage) = told("secret.zip", &zip);
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(all[1]["identifiers"][0]["value"], "0TESTAB001");
    assert_eq!(damage.len(), 17);
    assert!(damage.iter().all(|why| why.contains("encrypted")), "{damage:?}");
    let device = tempfile::tempdir().unwrap();
    fs::write(device.path().join("secret.zip"), zip).unwrap();
    let (code, notes, _) = with_device(device.path());
    assert!(code == 4 && notes.contains("encrypted") && !notes.contains("to unpack"), "{code} {notes}");
}

#[test]
fn archives_of_a_device_that_are_not_opened_are_told() {
    let device = tempfile::tempdir().unwrap();
    fs::write(device.path().join("x.tar.xz"), b"\xfd7zXZ\0\0\x04").unwrap();
    let (code, notes, _) = with_device(device.path());
    assert!(
        code == 4 && notes.contains("x.tar.xz on the device") && notes.contains("xz is not opened"),
        "{notes}"
    );
    fs::remove_file(device.path().join("x.tar.xz")).unwrap();
    // A zip that is longer than is opened.
    let mut long = fs::File::create(device.path().join("x.zip")).unwrap();
    long.write_all(&zip("flight.csv", LOG)).unwrap();
    long.set_len((64 << 20) + 1).unwrap();
    let (code, notes, _) = with_device(device.path());
    assert!(code == 4 && notes.contains("x.zip on the device was not read in full"), "{code} {notes}");
    fs::write(device.path().join("x.zip"), zip("flight.csv", LOG)).unwrap();
    let (code, notes, _) = with_device(device.path());
    assert!(code == 0 && !notes.contains("on the device was not"), "{code} {notes}");
}

#[test]
fn content_of_a_tar_where_names_and_attributes_stand_is_told() {
    let last = entry(b'0', b"z");
    for kind in *b"DVKLgx" {
        let (_, damage) = told("hidden.tar", &[entry(kind, LOG), last.clone()].concat());
        let kind = char::from(kind);
        assert!(damage.len() == 1 && damage[0].contains(&format!("({kind})")), "{kind}: {damage:?}");
    }
    let wrong = [entry(b'x', b"13 path=b.csv\n"), last.clone()].concat();
    let (_, damage) = told("wrong.tar", &wrong);
    assert!(damage.len() == 1 && damage[0].contains("no record"), "{damage:?}");
    // What stands there by right is no damage.
    let rights: [(u8, &[u8]); 6] = [
        (b'D', b"Ya.csv\0Nb.csv\0DDCIM\0\0"),
        (b'V', b""),
        (b'K', b"DCIM/where it leads\0"),
        (b'L', b"DCIM/name\0"),
        (b'g', b"13 comment=a\n"),
        (b'x', b"14 path=b.csv\n"),
    ];
    for (kind, content) in rights {
        let (_, damage) = told("fine.tar", &[entry(kind, content), last.clone()].concat());
        assert!(damage.is_empty(), "{}: {damage:?}", char::from(kind));
    }
    // A name that is cut is told too, and so is a size that is none.
    let said = |record: &str| {
        let length = (record.len() + 3..record.len() + 9)
            .find(|all| all.to_string().len() + record.len() + 2 == *all)
            .unwrap();
        format!("{length} {record}\n").into_bytes()
    };
    let cases = [
        (b'L', [b'n'; 5000].to_vec(), "too long"),
        (b'x', said(&format!("path={}", "n".repeat(5000))), "too long"),
        (b'x', said("size=many"), "a size that is none"),
        (b'g', said("path=a"), "not believed"),
    ];
    for (kind, content, why) in cases {
        let (all, damage) = told("long.tar", &[entry(kind, &content), last.clone()].concat());
        assert!(all.len() == 2 && damage.len() == 1 && damage[0].contains(why), "{damage:?}");
    }
    let good = [entry(b'x', &said("path=DCIM/long name")), last].concat();
    let (all, damage) = told("good.tar", &good);
    let name = all[1]["file"].as_str().unwrap();
    assert!(damage.is_empty() && name.ends_with("!/DCIM/long name"), "{name} {damage:?}");
}
