//! KMZ: a zip of KML, of which DJI's missions are a kind (`wpmz/template.kml`, `wpmz/waylines.wpml`).

use std::{
    collections::HashSet,
    io::{Cursor, Read, Write as _},
};

use creance_model::{Inspection, Piece, Refusal, ScrubRequest, Scrubbed, Spot};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::{Format, Options, kml};

pub(crate) const FORMAT: Format = Format { name: "kmz", is, read: inspect, scrub };

/// Entries of one file, and bytes of all entries together, that are read.
const MOST: usize = 1000;
const LONGEST: u64 = 64 << 20;

/// A zip whose first entry is KML or lies in the folder of DJI's missions.
fn is(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(b"PK\x03\x04") else { return false };
    // The length of the name stands at 26, the name at 30 (APPNOTE 4.3.7).
    let length = rest
        .get(22..24)
        .and_then(|two| two.try_into().ok())
        .map_or(0, |two| usize::from(u16::from_le_bytes(two)));
    let name = rest.get(26..26 + length).unwrap_or_default().to_ascii_lowercase();
    name.ends_with(b".kml") || name.ends_with(b".wpml") || name.starts_with(b"wpmz/")
}

fn is_kml(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".kml", ".wpml"].iter().any(|end| name.ends_with(end))
}

/// Hands the name of each entry to `sink`, and its content if it is KML, which is cut where it is damaged; says why reading
/// ended before the end.
fn entries(bytes: &[u8], sink: &mut dyn FnMut(String, Vec<u8>)) -> Vec<String> {
    let mut archive = match ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => archive,
        Err(error) => return vec![error.to_string()],
    };
    let mut flaws = Vec::new();
    if archive.len() > MOST {
        flaws.push(format!("{} entries, at most {MOST} are read", archive.len()));
    }
    let mut left = LONGEST;
    for index in 0..archive.len().min(MOST) {
        let mut read = |left| -> Result<_, Box<dyn std::error::Error>> {
            let entry = archive.by_index(index)?;
            let name = entry.name()?.into_owned();
            let mut content = Vec::new();
            let mut end = None;
            if entry.is_file() && is_kml(&name) {
                end = entry.take(left).read_to_end(&mut content).err();
            }
            Ok((name, content, end))
        };
        match read(left) {
            Ok((name, content, end)) => {
                left -= content.len() as u64;
                flaws.extend(end.map(|error| format!("{name}: {error}")));
                sink(name, content);
            }
            Err(error) => flaws.push(error.to_string()),
        }
        if left == 0 {
            flaws.push(format!("more than {LONGEST} bytes of content"));
            break;
        }
    }
    flaws
}

fn inspect(bytes: &[u8], _: &Options) -> Inspection {
    let mut inspection = Inspection::of("kmz");
    // A mission stands twice, as a template and as it is flown: what is told again is left out.
    let (mut places, mut facts) = (HashSet::new(), HashSet::new());
    let flaws = entries(bytes, &mut |name, content| {
        if !is_kml(&name) {
            return;
        }
        let mut inner = kml::inspect(&content, "kml");
        // Within one document a place that stands again is where the way comes back to.
        let key = |spot: &Spot| (spot.role, spot.lat.to_bits(), spot.lon.to_bits());
        inner.places.retain(|spot| !places.contains(&key(spot)));
        places.extend(inner.places.iter().map(key));
        inner.facts.retain(|fact| facts.insert((fact.what, fact.value.clone())));
        for one in inner.identifiers {
            inspection.identify(one.class, one.of, &one.value, one.field);
        }
        inspection.places.extend(inner.places);
        inspection.facts.extend(inner.facts);
        inspection.tracks.extend(inner.tracks);
        inspection.phases.extend(inner.phases);
        inspection.times.extend(inner.times);
        inspection.damage.extend(inner.damage);
    });
    for why in flaws {
        inspection.flaw("zip", 0, &why);
    }
    // Phases of several documents: where they overlap the earlier stands.
    inspection.phases.sort_by_key(|phase| phase.from);
    let mut last = None;
    inspection.phases.retain(|phase| {
        let apart = last.is_none_or(|last| phase.from >= last);
        last = if apart { Some(phase.to) } else { last };
        apart
    });
    inspection
}

fn scrub(bytes: &[u8], request: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    let mut all = Vec::new();
    if let Some(why) = entries(bytes, &mut |name, content| all.push((name, content))).pop() {
        return Err(Refusal(format!("it is damaged: {why}")));
    }
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let failed = |error: &dyn std::fmt::Display| Refusal(format!("it cannot be written: {error}"));
    let mut scrubbed = Scrubbed::default();
    for (name, content) in all {
        if !is_kml(&name) {
            // Pictures and other files may give away as much.
            if !name.ends_with('/') {
                scrubbed.removed("file", name);
            }
            continue;
        }
        let inner = kml::scrub(&content, request)?;
        writer.start_file(name, SimpleFileOptions::default()).map_err(|error| failed(&error))?;
        writer.write_all(&inner.bytes(&content)).map_err(|error| failed(&error))?;
        scrubbed.removed.extend(inner.removed);
    }
    let written = writer.finish().map_err(|error| failed(&error))?;
    scrubbed.pieces.push(Piece::Bytes(written.into_inner()));
    Ok(scrubbed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Locations;

    fn mission() -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for name in ["wpmz/template.kml", "wpmz/waylines.wpml"] {
            writer.start_file(name, SimpleFileOptions::default()).unwrap();
            writer
                .write_all(
                    b"<kml><Placemark><Point><coordinates>8.25,47.5</coordinates></Point></Placemark>\
                      <Placemark><Point><coordinates>8.5,47.5</coordinates></Point></Placemark>\
                      <Placemark><Point><coordinates>8.25,47.5</coordinates></Point></Placemark></kml>",
                )
                .unwrap();
        }
        writer.start_file("wpmz/res/image/a.jpg", SimpleFileOptions::default()).unwrap();
        writer.write_all(b"picture").unwrap();
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn a_mission_is_told_once_and_moves() {
        let mission = mission();
        assert!(is(&mission));
        let told = inspect(&mission, &Options::default());
        let way: Vec<f64> = told.places.iter().map(|spot| spot.lon).collect();
        assert_eq!(way, [8.25, 8.5, 8.25], "the second document says it again");
        let request =
            ScrubRequest { locations: Locations::Offset { lat: 1.0, lon: 1.0 }, ..ScrubRequest::default() };
        let scrubbed = scrub(&mission, &request).unwrap();
        assert!(scrubbed.removed.iter().any(|one| one.what == "file"));
        let told = inspect(&scrubbed.bytes(&mission), &Options::default());
        assert_eq!((told.places[0].lat, told.places[0].lon), (48.5, 9.25));
    }

    #[test]
    fn damage_is_told() {
        let mission = mission();
        for cut in 0..mission.len() {
            let told = inspect(&mission[..cut], &Options::default());
            assert!(!told.damage.is_empty());
        }
    }
}
