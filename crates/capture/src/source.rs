//! One input file being read: which format, through which compression.

use std::{
    fs::File,
    io::{BufRead, BufReader, Chain, Cursor, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use creance_cursor::inflate;
use creance_model::{Damage, LinkType, Timestamp};

use crate::{
    buffer::Buffer,
    error::Error,
    notes::Notes,
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
    pub(crate) fn open(path: &Path, consumed: &Arc<AtomicU64>, notes: &mut Notes) -> Result<Self, Error> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|source| Error::Io { path: name.clone(), source })?;
        Self::new(&name, Box::new(Counted { inner: file, consumed: Arc::clone(consumed) }), notes)
    }

    pub(crate) fn new(name: &str, reader: Box<dyn Read + Send>, notes: &mut Notes) -> Result<Self, Error> {
        let io = |source| Error::Io { path: name.to_owned(), source };
        let (head, reader) = peek(reader).map_err(io)?;
        let reader: Box<dyn Read + Send> = match head.as_slice() {
            [0x1f, 0x8b, ..] => Box::new(inflate::gzip_reader(reader)),
            [0x28, 0xb5, 0x2f, 0xfd] => Box::new(inflate::zstd_reader(reader).map_err(io)?),
            _ => Box::new(reader),
        };
        let mut buffer = Buffer::new(reader);
        let have = buffer.fill(24);
        let head = buffer.available();
        let format = match (have, head) {
            (Err(source), []) => return Err(io(source)),
            (_, []) => {
                return Err(Error::NotACapture { path: name.to_owned(), found: "an empty file".to_owned() });
            }
            (_, head) if pcapng::is_start(head) => Format::Pcapng(Pcapng::default()),
            (_, head) => match Pcap::header(head) {
                Some(mut pcap) => {
                    notes.interfaces.push(crate::Interface { name: None, link: pcap.link });
                    pcap.interface = u32::try_from(notes.interfaces.len() - 1).unwrap_or(u32::MAX);
                    buffer.take(24);
                    Format::Pcap(pcap)
                }
                None => return Err(Error::NotACapture { path: name.to_owned(), found: found(head) }),
            },
        };
        Ok(Self { name: name.to_owned(), buffer, format, packets: 0 })
    }

    /// The next packet, or `None` at the end of what can be read.
    pub(crate) fn next(&mut self, notes: &mut Notes) -> Option<Raw> {
        let at = self.buffer.offset();
        let next = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.buffer),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.buffer, notes, &self.name),
        };
        match next {
            Ok(raw) => {
                self.packets += u64::from(raw.is_some());
                raw
            }
            Err(Broken { what, why }) => {
                notes.damage.push(Damage {
                    what: what.to_owned(),
                    input: self.name.clone(),
                    offset: at,
                    why,
                });
                None
            }
        }
    }

    /// The bytes of the packet that [`Self::next`] gave last.
    pub(crate) fn bytes(&self, raw: &Raw) -> &[u8] {
        self.buffer.last().get(raw.at..raw.at + raw.length).unwrap_or_default()
    }
}

fn found(head: &[u8]) -> String {
    if head.first() == Some(&b'{') {
        return "JSON; HAR is not read yet".to_owned();
    }
    let hex = head.iter().take(4).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    format!("first bytes {hex}")
}

type Peeked = BufReader<Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>>;

/// The first four bytes, and a reader that still gives them.
fn peek(mut reader: Box<dyn Read + Send>) -> std::io::Result<(Vec<u8>, Peeked)> {
    let mut head = Vec::new();
    reader.by_ref().take(4).read_to_end(&mut head)?;
    let mut whole = BufReader::with_capacity(1 << 17, Cursor::new(head.clone()).chain(reader));
    whole.fill_buf()?;
    Ok((head, whole))
}

/// A reader that tells how far it has come.
struct Counted<R> {
    inner: R,
    consumed: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.consumed.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
