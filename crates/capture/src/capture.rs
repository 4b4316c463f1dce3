//! One capture made of one or several files, in time order.

use std::{
    io::Read,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use creance_model::{Packet, Timestamp};

use crate::{
    error::Error,
    notes::Notes,
    source::{Raw, Source},
};

/// Bounds of a reader.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files open at one time. More files are read one after the other, by their first packet.
    pub open_files: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { open_files: 64 }
    }
}

/// A capture being read.
pub struct Capture {
    running: Vec<(Source, Option<Raw>)>,
    waiting: Vec<PathBuf>,
    notes: Notes,
    number: u64,
    consumed: Arc<AtomicU64>,
    total: Option<u64>,
    /// Which of `running` gave the last packet: its next one is read on the next call, for its bytes are lent.
    lent: Option<usize>,
}

impl Capture {
    /// Opens files as one capture. They are merged by packet time; within a file packets keep their order.
    pub fn open(paths: &[PathBuf], options: &Options) -> Result<Self, Error> {
        let total = paths.iter().map(|path| std::fs::metadata(path).map_or(0, |meta| meta.len())).sum();
        let mut capture = Self::empty(Some(total));
        if paths.len() <= options.open_files {
            for path in paths {
                let source = Source::open(path, &capture.consumed, &mut capture.notes)?;
                capture.start(source);
            }
            return Ok(capture);
        }
        let mut dated = Vec::new();
        for path in paths {
            let mut notes = Notes::default();
            let first = Source::open(path, &Arc::default(), &mut notes)?.next(&mut notes).map(|raw| raw.time);
            dated.push((first.unwrap_or_default(), path.clone()));
        }
        dated.sort();
        capture.waiting = dated.into_iter().rev().map(|(_, path)| path).collect();
        capture.start_waiting();
        Ok(capture)
    }

    /// Reads a stream.
    pub fn from_reader(name: &str, reader: Box<dyn Read + Send>, _: &Options) -> Result<Self, Error> {
        let mut capture = Self::empty(None);
        let source = Source::new(name, reader, &mut capture.notes)?;
        capture.start(source);
        Ok(capture)
    }

    fn empty(total: Option<u64>) -> Self {
        Self {
            running: Vec::new(),
            waiting: Vec::new(),
            notes: Notes::default(),
            number: 0,
            consumed: Arc::default(),
            total,
            lent: None,
        }
    }

    fn start(&mut self, mut source: Source) {
        let first = source.next(&mut self.notes);
        self.running.push((source, first));
    }

    fn start_waiting(&mut self) {
        while self.running.is_empty() {
            let Some(path) = self.waiting.pop() else { return };
            // It was opened before, to date it; should it be gone now, that is damage.
            match Source::open(&path, &self.consumed, &mut self.notes) {
                Ok(source) => self.start(source),
                Err(error) => self.notes.damage.push(creance_model::Damage {
                    what: "file gone".to_owned(),
                    input: path.display().to_string(),
                    offset: 0,
                    why: error.to_string(),
                }),
            }
        }
    }

    /// The next packet, borrowed until the next call; `None` at the end.
    pub fn next_packet(&mut self) -> Option<Packet<'_>> {
        if let Some(index) = self.lent.take()
            && let Some((source, next)) = self.running.get_mut(index)
        {
            *next = source.next(&mut self.notes);
        }
        loop {
            let ended: Vec<usize> = if self.running.iter().all(|(_, next)| next.is_some()) {
                Vec::new()
            } else {
                (0..self.running.len())
                    .filter(|index| self.running.get(*index).is_some_and(|(_, next)| next.is_none()))
                    .collect()
            };
            for index in ended.into_iter().rev() {
                let (source, _) = self.running.remove(index);
                self.notes.packets_per_input.push((source.name, source.packets));
            }
            if !self.running.is_empty() || self.waiting.is_empty() {
                break;
            }
            self.start_waiting();
        }
        let time =
            |(_, next): &(Source, Option<Raw>)| next.map_or(Timestamp::from_nanos(i64::MAX), |raw| raw.time);
        let index = match self.running.len() {
            0 => return None,
            1 => 0,
            _ => self.running.iter().enumerate().min_by_key(|(index, one)| (time(one), *index))?.0,
        };
        self.lent = Some(index);
        self.number += 1;
        let (source, next) = self.running.get(index)?;
        let raw = (*next)?;
        Some(Packet {
            number: self.number,
            time: raw.time,
            link: raw.link,
            interface: raw.interface,
            wire_len: raw.wire_len,
            data: source.bytes(&raw),
        })
    }

    /// Bytes of the input files read so far.
    pub fn position(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// Bytes of the input files, where known.
    pub const fn total(&self) -> Option<u64> {
        self.total
    }

    /// What was noted; complete once [`Self::next_packet`] has given `None`.
    pub const fn notes(&self) -> &Notes {
        &self.notes
    }
}
