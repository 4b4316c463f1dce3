//! Files within archives: zip, tar, and what gzip or zstd packed, read in place, never unpacked to disk.

use std::io::{self, Read, Seek, SeekFrom};

use creance_cursor::{
    Source,
    inflate::{End, Method, inflate},
};
use creance_model::{Flaw, Inspected};

use super::{Inspect, one};

/// Archives within archives, entries of all of them together, bytes of one entry, and of all.
const DEEPEST: usize = 4;
const MOST_ENTRIES: usize = 20_000;
const LONGEST_ENTRY: usize = 256 << 20;
const LONGEST: u64 = LONGEST_ENTRY as u64;
const MOST_BYTES: u64 = 4 << 30;

/// Archives that are known and not opened, by their first bytes.
const UNREAD: &[(&[u8], &str)] =
    &[(b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "rar")];

/// What was told of a file and what it holds.
#[derive(Default)]
pub(super) struct Told {
    pub(super) all: Vec<Inspected>,
    bytes: u64,
    tried: usize,
}

/// Tells of what an archive holds, and says what was left out of it. Of what is no archive nothing is told.
pub(super) fn open(
    name: &str,
    source: &dyn Source,
    request: &Inspect,
    told: &mut Told,
    depth: usize,
) -> io::Result<Vec<Flaw>> {
    let head = source.piece(0, 512)?;
    let is_zip = head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06");
    let is_tar = is_tar(&head);
    let (by_gzip, by_zstd) = (head.starts_with(b"\x1f\x8b"), head.starts_with(b"\x28\xb5\x2f\xfd"));
    let flaw = |what: &str, why: String| Flaw { what: what.to_owned(), offset: 0, why };
    if let Some(kind) = UNREAD.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| kind) {
        let why = format!("{kind} is not opened: unpack it, and inspect what is in it");
        return Ok(vec![flaw("archive", why)]);
    }
    // KMZ was read as what it is.
    let is_kmz = creance_flightlog::format(&head).is_some();
    if is_kmz || !(is_zip || is_tar || by_gzip || by_zstd) {
        return Ok(Vec::new());
    }
    if depth >= DEEPEST {
        return Ok(vec![flaw("archive", format!("not opened: more than {DEEPEST} lie within each other"))]);
    }
    let mut flaws = Vec::new();
    let mut entry = |inner: &str, bytes: io::Result<Vec<u8>>, told: &mut Told| -> bool {
        match bytes {
            Ok(bytes) => {
                told.bytes += bytes.len() as u64;
                let name = format!("{name}!/{inner}");
                if let Err(error) = one(&name, &bytes.as_slice(), request, told, depth + 1) {
                    flaws.push(flaw(inner, error.to_string()));
                }
            }
            Err(error) => {
                // What was opened in vain was work as well.
                told.bytes += LONGEST;
                flaws.push(flaw(inner, error.to_string()));
            }
        }
        told.tried += 1;
        let room = told.bytes < MOST_BYTES && told.tried < MOST_ENTRIES;
        if !room {
            let why = format!("the limit of {MOST_ENTRIES} entries or {MOST_BYTES} bytes is reached");
            flaws.push(flaw("archive", why));
        }
        room
    };
    let end = if is_zip {
        zip(source, told, &mut entry)
    } else if is_tar {
        tar(source, told, &mut entry)
    } else {
        let packed = source.piece(0, LONGEST_ENTRY)?;
        let method = if by_gzip { Method::Gzip } else { Method::Zstd };
        let out = inflate(method, &packed, LONGEST_ENTRY);
        // What came out before damage is kept.
        entry(&unpacked(name), Ok(out.bytes), told);
        match out.end {
            End::Whole if packed.len() as u64 == source.length() => Ok(()),
            End::Damaged(why) => Err(why),
            End::Whole | End::Limit => Err(format!("more than {LONGEST} bytes: what is beyond is not read")),
        }
    };
    if let Err(why) = end {
        flaws.push(flaw("archive", why));
    }
    Ok(flaws)
}

/// The name of what was packed: that of the packed file without its ending, `card.tgz` being `card.tar`.
fn unpacked(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let (stem, ending) = last.rsplit_once('.').unwrap_or((last, ""));
    if ending.eq_ignore_ascii_case("tgz") { format!("{stem}.tar") } else { stem.to_owned() }
}

/// What takes an entry, and says whether there is room for another.
type Sink<'a> = dyn FnMut(&str, io::Result<Vec<u8>>, &mut Told) -> bool + 'a;

fn zip(source: &dyn Source, told: &mut Told, sink: &mut Sink<'_>) -> Result<(), String> {
    let mut archive = zip::ZipArchive::new(Seeking { source, at: 0 }).map_err(|error| error.to_string())?;
    for index in 0..archive.len() {
        let (name, bytes) = match archive.by_index(index) {
            Ok(file) if file.is_dir() => continue,
            Ok(file) if file.size() > LONGEST => {
                let why = format!("{} bytes, at most {LONGEST} are read", file.size());
                (format!("entry {index}"), Err(io::Error::other(why)))
            }
            Ok(file) => {
                let name =
                    file.name().map_or_else(|_| format!("entry {index}"), std::borrow::Cow::into_owned);
                (name, limited(file))
            }
            Err(error) => (format!("entry {index}"), Err(io::Error::other(error))),
        };
        if !sink(&name, bytes, told) {
            break;
        }
    }
    Ok(())
}

/// Whether these are the first 512 bytes of a tar: by its name (POSIX, GNU), or by the sum of all bytes of its first head that stands in
/// there, as in those of Unix version 7, which have no name.
pub(super) fn is_tar(head: &[u8]) -> bool {
    const SUM: std::ops::Range<usize> = 148..156;
    let Some(head) = head.get(..512) else { return false };
    if head.get(257..262) == Some(b"ustar") {
        return true;
    }
    let told = head.get(SUM).and_then(octal);
    let sum = head.iter().enumerate().map(|(at, byte)| if SUM.contains(&at) { 32 } else { u64::from(*byte) });
    // A name, a length in octal digits, and a kind that was there then.
    head.first().is_some_and(|byte| *byte > b' ')
        && head.get(124..136).and_then(octal).is_some()
        && matches!(head.get(156), Some(0 | b'0'..=b'2'))
        && told == Some(sum.sum())
}

/// A number in octal digits, with blanks and zeros around it.
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches([' ', '\0']), 8).ok()
}

/// Bytes of an entry, up to the limit of one.
fn limited(entry: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other(format!("longer than {LONGEST} bytes: not read")));
    }
    Ok(bytes)
}

/// Entries of a tar (Unix version 7, POSIX.1-1988 ustar, and what GNU adds): heads of 512 bytes, content padded to 512.
fn tar(source: &dyn Source, told: &mut Told, sink: &mut Sink<'_>) -> Result<(), String> {
    let (mut at, mut long_name) = (0_u64, None::<String>);
    while at + 512 <= source.length() {
        let head = source.piece(at, 512).map_err(|error| error.to_string())?;
        let Some(kind) = head.get(156).filter(|_| head.iter().any(|byte| *byte != 0)) else { break };
        let text = |range: std::ops::Range<usize>| {
            let bytes = head.get(range).unwrap_or_default();
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
        };
        let Some(length) = head.get(124..136).and_then(octal) else {
            return Err(format!("the head at {at} states no length"));
        };
        let content = at + 512;
        at = content.saturating_add(length.div_ceil(512).saturating_mul(512));
        let bytes = || {
            if length > LONGEST {
                return Err(io::Error::other(format!("longer than {LONGEST} bytes: not read")));
            }
            let bytes = source.piece(content, usize::try_from(length).unwrap_or(0))?;
            if bytes.len() as u64 == length {
                Ok(bytes)
            } else {
                Err(io::Error::other("the archive ends in it"))
            }
        };
        match kind {
            b'0' | 0 => {
                // Of the others only POSIX has a folder there.
                let is_posix = head.get(257..263) == Some(b"ustar\0");
                let prefix = if is_posix { text(345..500) } else { String::new() };
                let short =
                    if prefix.is_empty() { text(0..100) } else { format!("{prefix}/{}", text(0..100)) };
                let name = long_name.take().unwrap_or(short);
                if !sink(&name, bytes(), told) {
                    break;
                }
            }
            // Attributes of what follows (POSIX.1-2001), which are not read.
            b'x' | b'g' => {}
            // The name of the next entry (GNU).
            b'L' if length < 4096 => {
                let name = bytes().map_err(|error| error.to_string())?;
                long_name = Some(String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned());
            }
            _ => long_name = None,
        }
    }
    Ok(())
}

/// A source with a position, as the reader of zip wants it.
struct Seeking<'a> {
    source: &'a dyn Source,
    at: u64,
}

impl Read for Seeking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read_at(self.at, buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Seeking<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.source.length().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
