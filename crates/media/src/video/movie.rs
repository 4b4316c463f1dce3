//! The index of a film (`moov`): times, tracks, and which of them are telemetry.

use std::ops::Range;

use creance_cursor::{Cursor, Malformed};
use creance_model::{Dated, Inspection, Timestamp};

use super::{
    boxes::{self, Box},
    samples::{self, Extent},
    userdata,
};

/// Samples of all tracks that are read, and tracks of a film.
const MOST_SAMPLES: usize = 4_000_000;
const MOST_TRACKS: usize = 256;

/// Formats of samples that are telemetry whatever their track says it holds.
const TELEMETRY: &[&[u8; 4]] = &[b"djmd", b"dbgi", b"gpmd", b"camm", b"mett", b"metx", b"fdsc", b"rtmd"];

/// Seconds from 1904 to 1970, from which films count.
const EPOCH: i64 = 2_082_844_800;

/// What telemetry a track holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Telemetry {
    /// Messages of DJI (`djmd`).
    Dji,
    /// Messages of DJI for debugging (`dbgi`).
    DjiDebug,
    /// `GoPro`'s format (`gpmd`).
    GoPro,
    /// Camera motion metadata (`camm`).
    Motion,
    /// Text.
    Captions,
    /// Something else that is neither picture, sound nor time code.
    Other,
}

impl Telemetry {
    /// What it is, for people.
    pub(crate) const fn named(self) -> &'static str {
        match self {
            Self::Captions => "captions",
            Self::Dji | Self::DjiDebug | Self::GoPro | Self::Motion => "telemetry",
            Self::Other => "track of data",
        }
    }
}

/// A track of telemetry.
#[derive(Clone, Debug)]
pub(crate) struct MetaTrack {
    pub(crate) kind: Telemetry,
    /// The format of its samples: `djmd`, `gpmd`, `tx3g`, …
    pub(crate) format: [u8; 4],
    /// Where the track stands in the index.
    pub(crate) at: u64,
    /// Where its samples lie in the file.
    pub(crate) samples: Vec<Range<u64>>,
}

impl MetaTrack {
    /// The format as a name.
    pub(crate) fn name(&self) -> String {
        String::from_utf8_lossy(&self.format).trim().to_owned()
    }
}

/// What an index says.
pub(crate) struct Movie<'a> {
    index: &'a [u8],
    pub(crate) all: Vec<Box>,
    pub(crate) telemetry: Vec<MetaTrack>,
    /// What pictures, sound and time codes take of the file; `None`: it cannot be said of all.
    kept: Option<Vec<Extent>>,
    created: Option<Timestamp>,
    /// What could not be read, and where in the index.
    pub(crate) flaws: Vec<(u64, String)>,
    /// How many samples may be read still.
    budget: usize,
}

impl<'a> Movie<'a> {
    /// Reads the content of a `moov` box.
    pub(crate) fn read(index: &'a [u8]) -> Self {
        let all = boxes::within(index);
        let mut movie = Self {
            index,
            all,
            telemetry: Vec::new(),
            kept: Some(Vec::new()),
            created: None,
            flaws: Vec::new(),
            budget: MOST_SAMPLES,
        };
        if !boxes::is_whole(index) {
            movie.flaws.push((0, "boxes of the index are damaged".to_owned()));
        }
        for one in movie.all.clone() {
            match &one.kind {
                b"mvhd" => movie.created = created(boxes::content(index, &one)).ok().flatten(),
                b"cmov" => movie.flaws.push((one.at, "the index is compressed".to_owned())),
                b"trak" if movie.telemetry.len() < MOST_TRACKS => movie.track(&one),
                b"trak" => movie.flaws.push((one.at, format!("more than {MOST_TRACKS} tracks of telemetry"))),
                _ => {}
            }
        }
        movie
    }

    fn track(&mut self, one: &Box) {
        let content = boxes::content(self.index, one);
        if !boxes::is_whole(content) {
            self.flaws.push((one.at, "boxes of a track are damaged".to_owned()));
        }
        let Some(media) = find(content, *b"mdia") else {
            self.flaws.push((one.at, "a track has no media".to_owned()));
            return;
        };
        let handler = find(media, *b"hdlr").and_then(|content| content.get(8..12)).unwrap_or_default();
        if handler.is_empty() {
            self.flaws.push((one.at, "a track does not say what it holds".to_owned()));
        }
        let is_shown = matches!(handler, b"vide" | b"soun" | b"tmcd");
        let Some(table) = find(media, *b"minf").and_then(|content| find(content, *b"stbl")) else {
            if is_shown {
                self.kept = None;
            } else {
                self.flaws.push((one.at, "a track has no table of samples".to_owned()));
            }
            return;
        };
        let format = find(table, *b"stsd")
            .and_then(|content| content.get(12..16))
            .and_then(|four| four.try_into().ok());
        let format = format.unwrap_or(*b"    ");
        // What it says of its kind is for players; telemetry is telemetry.
        if is_shown && !TELEMETRY.contains(&&format) {
            match (samples::extents(table), &mut self.kept) {
                (Ok(Some(extents)), Some(kept)) => kept.extend(extents),
                _ => self.kept = None,
            }
            return;
        }
        let kind = match (&format, handler) {
            (b"djmd", _) => Telemetry::Dji,
            (b"dbgi", _) => Telemetry::DjiDebug,
            (b"gpmd", _) => Telemetry::GoPro,
            (b"camm", _) => Telemetry::Motion,
            (b"tx3g" | b"text" | b"mp4s", _) | (_, b"text" | b"sbtl" | b"subt") => Telemetry::Captions,
            _ => Telemetry::Other,
        };
        match samples::samples(table, self.budget) {
            Ok((samples, whole)) => {
                self.budget -= samples.len();
                if !whole {
                    let why = format!(
                        "the table names other samples than it counts, or more than {MOST_SAMPLES} in all"
                    );
                    self.flaws.push((one.at, why));
                }
                self.telemetry.push(MetaTrack { kind, format, at: one.at, samples });
            }
            Err(why) => self.flaws.push((one.at, why.to_string())),
        }
    }

    /// What pictures, sound and time codes take of the file for certain, merged; `None`: it cannot be said of all of them.
    pub(crate) fn shown(&self) -> Option<Vec<Extent>> {
        let certain = |one: &Extent| Extent { range: one.range.clone(), is_open: false };
        Some(samples::merged(self.kept.as_ref()?.iter().map(certain).collect()))
    }

    /// What all tracks take of the file, merged; as above.
    pub(crate) fn named(&self) -> Option<Vec<Extent>> {
        let mut all = self.kept.clone()?;
        let telemetry = self.telemetry.iter().flat_map(|track| &track.samples);
        all.extend(telemetry.map(|range| Extent { range: range.clone(), is_open: false }));
        Some(samples::merged(all))
    }

    /// Adds what the index itself says. `base`: where its content stands in the file.
    pub(crate) fn tell(&self, inspection: &mut Inspection, base: u64) {
        if let Some(time) = self.created {
            // Meant as UTC (8.2.2.3), and by many cameras written as local.
            let (zone_known, field) = (false, "mvhd".to_owned());
            inspection.times.push(Dated { what: "created", time, zone_known, field });
        }
        for one in &self.all {
            let content = boxes::content(self.index, one);
            match &one.kind {
                b"udta" | b"meta" => userdata::tell(inspection, one.kind, content, base + one.content.start),
                b"trak" => {
                    for inner in
                        boxes::within(content).iter().filter(|inner| matches!(&inner.kind, b"udta" | b"meta"))
                    {
                        let at = base + one.content.start + inner.content.start;
                        userdata::tell(inspection, inner.kind, boxes::content(content, inner), at);
                    }
                }
                _ => {}
            }
        }
        for (at, why) in &self.flaws {
            inspection.flaw("table of samples", base + at, why);
        }
    }
}

/// The content of the first box of a kind.
pub(crate) fn find(held: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    boxes::within(held).iter().find(|one| one.kind == kind).map(|one| boxes::content(held, one))
}

/// When a film was made; 0 says nothing.
fn created(content: &[u8]) -> Result<Option<Timestamp>, Malformed> {
    let mut cursor = Cursor::new(content);
    let version = cursor.u8("mvhd version")?;
    cursor.take("mvhd flags", 3)?;
    let seconds = if version == 1 {
        i64::try_from(cursor.array("creation time").map(u64::from_be_bytes)?).unwrap_or(0)
    } else {
        cursor.u32_be("creation time")?.into()
    };
    // Some write seconds since 1970.
    let seconds = if seconds > EPOCH { seconds - EPOCH } else { seconds };
    Ok((seconds > 0).then(|| Timestamp::from_secs(seconds)))
}
