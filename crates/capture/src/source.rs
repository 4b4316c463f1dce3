//! One input file being read: which format, through which compression.
//!
//! ```text
//! bytes ─ gzip, zlib, zstd or plain, by magic ─ window ─ pcap or pcapng, by magic ─ packets
//! ```
//!
//! Compression within compression is not opened. Recordings of messages (HAR, mitmproxy) are read elsewhere.

use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use creance_cursor::inflate;
use creance_model::{LinkType, Timestamp};

use crate::{
    buffer::{Buffer, PIECE},
    error::Error,
    notes::{Interface, Notes},
    pcap::Pcap,
    pcapng::{self, Pcapng},
};

/// A packet of one file, before it has its number over all files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw {
    pub(crate) time: Timestamp,
    pub(crate) link: LinkType,
    pub(crate) interface: u32,
    pub(crate) wire_len: u32,
    /// The user of the phone that sent or received it, where PCAPdroid says so.
    pub(crate) user: Option<i32>,
    /// Where its bytes begin among those taken last.
    pub(crate) at: usize,
    /// How many they are.
    pub(crate) length: usize,
}

/// Why reading of a file ended early: a fragment for a [`Damage`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Broken {
    pub(crate) what: &'static str,
    pub(crate) why: String,
}

impl Broken {
    /// An error of reading; a compressed stream that ends early is one as well.
    pub(crate) fn reading(error: &io::Error) -> Self {
        let cut = error.kind() == io::ErrorKind::UnexpectedEof;
        Self { what: if cut { "capture cut short" } else { "read error" }, why: error.to_string() }
    }
}

/// Longest frame that is believed, in bytes.
pub(crate) const MOST_FRAME: usize = 16 << 20;

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// One input file.
pub(crate) struct Source {
    pub(crate) name: String,
    buffer: Buffer,
    format: Format,
    pub(crate) packets: u64,
}

impl Source {
    /// Reads a stream, counting what is taken from it.
    pub(crate) fn new(
        name: &str,
        reader: Box<dyn Read + Send>,
        consumed: &Arc<AtomicU64>,
        notes: &mut Notes,
    ) -> Result<Self, Error> {
        let counted = Counted { inner: reader, consumed: Arc::clone(consumed) };
        let mut source = Self::begin(name, Box::new(counted), PIECE)?;
        if let Format::Pcap(pcap) = &mut source.format {
            pcap.interface = notes.interface(Interface {
                name: None,
                link: pcap.link,
                os: None,
                snaplen: 0,
                options: Vec::new(),
            });
        }
        Ok(source)
    }

    /// When the first packet of a file was captured, if it has one. Reads no more than it must.
    pub(crate) fn first_time(path: &Path) -> Result<Option<Timestamp>, Error> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|source| Error::Io { path: name.clone(), source })?;
        let mut source = Self::begin(&name, Box::new(file), 1 << 14)?;
        Ok(source.next(&mut Notes::default()).map(|raw| raw.time))
    }

    fn begin(name: &str, reader: Box<dyn Read + Send>, piece: usize) -> Result<Self, Error> {
        let io = |source| Error::Io { path: name.to_owned(), source };
        let mut buffer = Buffer::new(decompressed(reader).map_err(io)?, piece);
        let have = buffer.fill(24);
        let head = buffer.available();
        let format = if pcapng::is_start(head) {
            Format::Pcapng(Pcapng::default())
        } else if let Some(pcap) = Pcap::header(head) {
            buffer.take(24);
            Format::Pcap(pcap)
        } else {
            have.map_err(io)?;
            return Err(Error::NotACapture { path: name.to_owned(), found: found(head) });
        };
        Ok(Self { name: name.to_owned(), buffer, format, packets: 0 })
    }

    /// The next packet, or `None` at the end of what can be read.
    #[inline]
    pub(crate) fn next(&mut self, notes: &mut Notes) -> Option<Raw> {
        let next = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.buffer),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.buffer, notes, &self.name),
        };
        match next {
            Ok(raw) => {
                self.packets += u64::from(raw.is_some());
                raw
            }
            Err(broken) => {
                // What is broken has not been taken.
                notes.damaged(&self.name, self.buffer.offset(), broken);
                None
            }
        }
    }

    /// The app of a user of the phone, as the file maps them.
    pub(crate) fn app(&self, user: i32) -> Option<&str> {
        match &self.format {
            Format::Pcap(_) => None,
            Format::Pcapng(pcapng) => pcapng.apps.of(user),
        }
    }

    /// The bytes of the packet that [`Self::next`] gave last.
    pub(crate) fn bytes(&self, raw: &Raw) -> &[u8] {
        self.buffer.last().get(raw.at..raw.at + raw.length).unwrap_or_default()
    }
}

/// Says what begins like this, for it is no capture.
fn found(head: &[u8]) -> String {
    if head.is_empty() {
        return "an empty file".to_owned();
    }
    let bare = head.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(head).trim_ascii_start();
    if bare.first() == Some(&b'{') {
        return "JSON that is no HAR".to_owned();
    }
    if Pcap::magic(head).is_some() {
        return format!("a pcap header of 24 bytes cut after {}", head.len());
    }
    let hex = head.iter().take(4).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    format!("first bytes {hex}")
}

/// Whether these first bytes are those of a compression.
pub(crate) fn is_compressed(head: &[u8]) -> bool {
    is_gzip(head) || is_zstd(head) || is_zlib(head)
}

fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b])
}

/// A bare zlib stream (RFC 1950 §2.2) with the usual window and without a dictionary: mitmproxy writes HAR so (`.zhar`).
fn is_zlib(head: &[u8]) -> bool {
    matches!(head, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..])
}

/// A zstd frame, or one to be skipped, as parallel writers put first.
fn is_zstd(head: &[u8]) -> bool {
    matches!(head, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// The stream within one layer of gzip, zlib or zstd, if there is one, told by its first bytes.
pub fn decompressed(mut reader: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut head = Vec::new();
    reader.by_ref().take(4).read_to_end(&mut head)?;
    let (gzip, zstd, zlib) = (is_gzip(&head), is_zstd(&head), is_zlib(&head));
    let whole = Cursor::new(head).chain(reader);
    Ok(if gzip {
        Box::new(inflate::gzip_reader(BufReader::with_capacity(1 << 17, whole)))
    } else if zstd {
        Box::new(inflate::zstd_reader(BufReader::with_capacity(1 << 17, whole))?)
    } else if zlib {
        Box::new(inflate::zlib_reader(BufReader::with_capacity(1 << 17, whole)))
    } else {
        Box::new(whole)
    })
}

/// A reader that tells how far it has come.
struct Counted<R> {
    inner: R,
    consumed: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.consumed.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
