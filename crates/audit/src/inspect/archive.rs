//! Files within archives: zip, tar, and what gzip or zstd packed, read in place, never unpacked to disk.

pub(super) mod tar;

use std::{
    borrow::Cow,
    cell::Cell,
    io::{self, BufReader, Read, Seek, SeekFrom},
};

use creance_cursor::{
    Source,
    inflate::{End, Inflated, Method, gzip_reader, inflate},
};
use creance_model::{Flaw, Inspected};

use super::{Inspect, one};

/// Archives within archives; entries of all of them together, bytes of one, of those that are held at once, and of all that are
/// unpacked.
const DEEPEST: usize = 4;
const MOST_ENTRIES: usize = 20_000;
const LONGEST_ENTRY: usize = 256 << 20;
const LONGEST: u64 = LONGEST_ENTRY as u64;
const MOST_HELD: u64 = 512 << 20;
const MOST_BYTES: u64 = 4 << 30;

/// Bytes of a name that are told, and of all names, each of which begins with those of the archives around it.
const LONGEST_NAME: usize = 4096;
const MOST_NAMES: usize = 16 << 20;

/// Archives that are known and not opened, by their first bytes.
const UNREAD: &[(&[u8], &str)] =
    &[(b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "rar")];

/// What was told of a file and what it holds, and what that took.
pub(super) struct Told {
    pub(super) all: Vec<Inspected>,
    /// What was left out of archives in it, where that is told apart from damage of other files.
    pub(super) unread: Vec<(String, Vec<Flaw>)>,
    pub(super) is_apart: bool,
    /// Bytes that were unpacked or copied, those of them that are held, and those of names.
    bytes: u64,
    held: u64,
    names: usize,
    tried: usize,
    /// Bytes of all entries that are unpacked.
    most: u64,
}

impl Default for Told {
    fn default() -> Self {
        let mut told = Self::up_to(MOST_BYTES);
        told.is_apart = false;
        told
    }
}

impl Told {
    /// Nothing yet, and no more than what entries of so many bytes say; what is left out is told apart.
    pub(super) const fn up_to(most: u64) -> Self {
        Self {
            all: Vec::new(),
            unread: Vec::new(),
            is_apart: true,
            bytes: 0,
            held: 0,
            names: 0,
            tried: 0,
            most,
        }
    }

    /// Bytes that the next entry may have; the error: what there were too many of already.
    fn room(&self) -> Result<u64, String> {
        if self.tried >= MOST_ENTRIES {
            return Err(format!("more than {MOST_ENTRIES} entries"));
        }
        if self.names >= MOST_NAMES {
            return Err(format!("more than {MOST_NAMES} bytes of names"));
        }
        let left = self.most.saturating_sub(self.bytes);
        if left == 0 {
            return Err(format!("more than {} bytes to unpack", self.most));
        }
        Ok(left.min(LONGEST).min(MOST_HELD.saturating_sub(self.held)))
    }
}

/// How files begin that gzip and zstd packed.
const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// Whether a file whose first 512 bytes these are is an archive, opened or not. KMZ is read as what it is.
pub(crate) fn is_known(head: &[u8]) -> bool {
    is(head) || unread(head).is_some()
}

/// The name of a kind that is known and not opened.
fn unread(head: &[u8]) -> Option<&'static str> {
    UNREAD.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind)
}

/// Whether it is one that is opened.
fn is(head: &[u8]) -> bool {
    let is_archive = is_zip(head) || head.starts_with(GZIP) || head.starts_with(ZSTD) || tar::is(head);
    is_archive && creance_flightlog::format(head).is_none()
}

fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

fn flaw(what: &str, why: String) -> Flaw {
    Flaw { what: what.to_owned(), offset: 0, why }
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
    if let Some(kind) = unread(&head) {
        let why = format!("{kind} is not opened: unpack it, and inspect what is in it");
        return Ok(vec![flaw("archive", why)]);
    }
    if !is(&head) {
        return Ok(Vec::new());
    }
    if depth >= DEEPEST {
        return Ok(vec![flaw("archive", format!("not opened: more than {DEEPEST} lie within each other"))]);
    }
    let mut opened = Opened { name, request, depth, told, flaws: Vec::new() };
    let end = if is_zip(&head) {
        zip(source, &mut opened)
    } else if tar::is(&head) {
        tar::read(source, &mut opened)
    } else {
        packed(source, head.starts_with(GZIP), &mut opened)
    };
    if let Err(why) = end {
        opened.flaws.push(flaw("archive", why));
    }
    Ok(opened.flaws)
}

/// What takes entries of an archive.
trait Sink {
    /// Bytes that the next entry may have. `None`: there may be no other, which is told.
    fn room(&mut self) -> Option<u64>;

    /// An entry that stands in the archive as it is.
    fn stored(&mut self, name: &str, source: &dyn Source);

    /// One that was unpacked.
    fn unpacked(&mut self, name: &str, bytes: &[u8]);

    /// One that was not, and how many bytes were read or unpacked in vain.
    fn failed(&mut self, name: &str, why: String, bytes: u64);
}

/// An archive of which it is told what lies in it.
struct Opened<'a> {
    name: &'a str,
    request: &'a Inspect,
    depth: usize,
    told: &'a mut Told,
    flaws: Vec<Flaw>,
}

impl Opened<'_> {
    /// The name of an entry as it is told, which is counted.
    fn named(&mut self, name: &str) -> String {
        let shown = name.get(..name.floor_char_boundary(LONGEST_NAME)).unwrap_or_default();
        if shown.len() < name.len() {
            let why = format!("a name of {} bytes: {LONGEST_NAME} are told", name.len());
            self.flaws.push(flaw("name", why));
        }
        self.told.tried += 1;
        self.told.names += self.name.len() + shown.len();
        shown.to_owned()
    }

    fn one(&mut self, name: &str, source: &dyn Source) {
        let inner = self.named(name);
        let name = format!("{}!/{inner}", self.name);
        if let Err(error) = one(&name, source, self.request, self.told, self.depth + 1) {
            self.flaws.push(flaw(&inner, error.to_string()));
        }
    }
}

impl Sink for Opened<'_> {
    fn room(&mut self) -> Option<u64> {
        self.told
            .room()
            .map_err(|why| self.flaws.push(flaw("archive", format!("{why}: the rest is not read"))))
            .ok()
    }

    fn stored(&mut self, name: &str, source: &dyn Source) {
        self.one(name, source);
    }

    fn unpacked(&mut self, name: &str, bytes: &[u8]) {
        let length = bytes.len() as u64;
        self.told.bytes += length;
        self.told.held += length;
        self.one(name, &bytes);
        self.told.held -= length;
    }

    fn failed(&mut self, name: &str, why: String, bytes: u64) {
        self.told.bytes += bytes;
        let inner = self.named(name);
        self.flaws.push(flaw(&inner, why));
    }
}

/// What gzip or zstd packed.
fn packed(source: &dyn Source, is_gzip: bool, opened: &mut Opened<'_>) -> Result<(), String> {
    let Some(room) = opened.room() else { return Ok(()) };
    let out = if is_gzip {
        gunzip(source, room)
    } else {
        unzstd(source, room).map_err(|error| error.to_string())?
    };
    // What came out before damage is kept.
    opened.unpacked(&unpacked(opened.name), &out.bytes);
    match out.end {
        End::Whole => Ok(()),
        End::Damaged(why) => Err(why),
        End::Limit => Err(format!("more than {room} bytes: what is beyond is not read")),
    }
}

/// All members of a gzip, up to so many bytes.
fn gunzip(source: &dyn Source, most: u64) -> Inflated {
    let read = Cell::new(0);
    let reader = gzip_reader(BufReader::new(Seeking { source, at: 0, read: &read }));
    let mut bytes = roomy(most);
    let end = reader.take(most + 1).read_to_end(&mut bytes);
    let end = match end {
        Err(error) => End::Damaged(error.to_string()),
        Ok(_) if bytes.len() as u64 > most => End::Limit,
        Ok(_) => End::Whole,
    };
    bytes.truncate(usize::try_from(most).unwrap_or(LONGEST_ENTRY));
    Inflated { bytes, end }
}

fn unzstd(source: &dyn Source, most: u64) -> io::Result<Inflated> {
    let packed = source.piece(0, LONGEST_ENTRY)?;
    let mut out = inflate(Method::Zstd, &packed, usize::try_from(most).unwrap_or(LONGEST_ENTRY));
    if out.end == End::Whole && (packed.len() as u64) < source.length() {
        out.end = End::Damaged(format!("more than {LONGEST} packed bytes: what is beyond is not read"));
    }
    Ok(out)
}

/// Room for so many bytes, which takes memory only as it is filled: a list that grows would be held twice at times.
fn roomy(bytes: u64) -> Vec<u8> {
    let mut room = Vec::new();
    let _ = room.try_reserve_exact(usize::try_from(bytes.min(LONGEST)).unwrap_or(0) + 1);
    room
}

/// The name of what was packed: that of the packed file without its ending, `card.tgz` being `card.tar`.
fn unpacked(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let (stem, ending) = last.rsplit_once('.').unwrap_or((last, ""));
    if ending.eq_ignore_ascii_case("tgz") { format!("{stem}.tar") } else { stem.to_owned() }
}

fn zip(source: &dyn Source, opened: &mut Opened<'_>) -> Result<(), String> {
    let read = Cell::new(0);
    let seeking = Seeking { source, at: 0, read: &read };
    let mut archive = zip::ZipArchive::new(seeking).map_err(|error| error.to_string())?;
    for index in 0..archive.len() {
        let (name, is_encrypted) = match archive.by_index_data(index) {
            Ok(entry) if entry.is_dir() => continue,
            Ok(entry) => {
                let name = entry.name().map_or_else(|_| format!("entry {index}"), Cow::into_owned);
                (name, entry.encrypted())
            }
            Err(_) => (format!("entry {index}"), false),
        };
        let Some(room) = opened.room() else { break };
        if is_encrypted {
            opened.failed(&name, "encrypted: not read".to_owned(), 0);
            continue;
        }
        let before = read.get();
        let unpacked = archive.by_index(index).map_err(|error| (error.to_string(), 0)).and_then(|file| {
            if file.size() > room {
                return Err((format!("{} bytes, at most {room} are read", file.size()), 0));
            }
            let stated = file.size();
            limited(file, stated, room)
        });
        // What was read in vain was work as well.
        match unpacked {
            Ok(bytes) => opened.unpacked(&name, &bytes),
            Err((why, bytes)) => opened.failed(&name, why, bytes.max(read.get() - before)),
        }
    }
    Ok(())
}

/// Bytes of an entry that says how many it has, up to so many; or why not, and how many came out.
fn limited(entry: impl Read, stated: u64, most: u64) -> Result<Vec<u8>, (String, u64)> {
    let mut bytes = roomy(stated);
    let end = entry.take(most + 1).read_to_end(&mut bytes);
    let length = bytes.len() as u64;
    match end {
        Err(error) => Err((error.to_string(), length)),
        Ok(_) if length > most => Err((format!("longer than {most} bytes: not read"), length)),
        Ok(_) => Ok(bytes),
    }
}

/// A stretch of a source, which is a source itself.
struct Stretch<'a> {
    of: &'a dyn Source,
    from: u64,
    length: u64,
}

impl Source for Stretch<'_> {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        self.of.read_at(self.from.saturating_add(offset), buffer.get_mut(..most).unwrap_or_default())
    }
}

/// A source with a position, as the reader of zip wants it.
struct Seeking<'a> {
    source: &'a dyn Source,
    at: u64,
    /// Bytes that were read.
    read: &'a Cell<u64>,
}

impl Read for Seeking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read_at(self.at, buffer)?;
        self.at += read as u64;
        self.read.set(self.read.get() + read as u64);
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
