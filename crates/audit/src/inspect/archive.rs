//! Files within archives: zip, tar, and what gzip or zstd packed, read in place, never unpacked to disk.

pub(super) mod tar;

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
pub(super) struct Told {
    pub(super) all: Vec<Inspected>,
    bytes: u64,
    tried: usize,
    /// Bytes of all entries that are opened.
    most: u64,
}

impl Default for Told {
    fn default() -> Self {
        Self::up_to(MOST_BYTES)
    }
}

impl Told {
    /// Nothing yet, and no more than what entries of so many bytes say.
    pub(super) const fn up_to(most: u64) -> Self {
        Self { all: Vec::new(), bytes: 0, tried: 0, most }
    }
}

/// How files begin that gzip and zstd packed.
const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// Whether a file whose first 512 bytes these are is an archive that is opened. KMZ is read as what it is.
pub(crate) fn is(head: &[u8]) -> bool {
    let is_archive = is_zip(head) || head.starts_with(GZIP) || head.starts_with(ZSTD) || tar::is(head);
    is_archive && creance_flightlog::format(head).is_none()
}

fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
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
    let flaw = |what: &str, why: String| Flaw { what: what.to_owned(), offset: 0, why };
    if let Some(kind) = UNREAD.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| kind) {
        let why = format!("{kind} is not opened: unpack it, and inspect what is in it");
        return Ok(vec![flaw("archive", why)]);
    }
    if !is(&head) {
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
        let most = told.most;
        let room = told.bytes < most && told.tried < MOST_ENTRIES;
        if !room {
            let why = format!("the limit of {MOST_ENTRIES} entries or {most} bytes is reached");
            flaws.push(flaw("archive", why));
        }
        room
    };
    let end = if is_zip(&head) {
        zip(source, told, &mut entry)
    } else if tar::is(&head) {
        tar::read(source, told, &mut entry)
    } else {
        let packed = source.piece(0, LONGEST_ENTRY)?;
        let method = if head.starts_with(GZIP) { Method::Gzip } else { Method::Zstd };
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

/// Bytes of an entry, up to the limit of one.
fn limited(entry: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other(format!("longer than {LONGEST} bytes: not read")));
    }
    Ok(bytes)
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
