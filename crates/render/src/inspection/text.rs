//! For a terminal: one screen for a file, a line a file for several.

use std::io::{self, Write};

use creance_model::{DataClass, Inspected, Inspection, Spot};

use super::{Extent, Totals, says_something};
use crate::words::shown;

/// Lines of one kind that are shown of a file.
const MOST: usize = 12;

/// What one file gives away, on one screen.
pub fn text(file: &Inspected, out: &mut dyn Write) -> io::Result<()> {
    let Inspected { file, bytes, sha256, too_long, inspection } = file;
    writeln!(out, "{}", shown(file))?;
    writeln!(out, "  {}, {bytes} bytes", inspection.kind)?;
    if let Some(hash) = sha256 {
        writeln!(out, "  SHA-256 {hash}")?;
    } else if *too_long {
        writeln!(out, "  not hashed, for it is long: --hash reads all of it")?;
    }
    match inspection.kind {
        "gzip" | "zstd" | "xz" | "bzip2" | "7z" | "rar" => {
            writeln!(out, "  compressed, and not opened: nothing can be said of what is in it")?;
        }
        "unknown" => writeln!(out, "  of a kind that is not read here: nothing can be said of it")?,
        "capture" | "recording" => {
            writeln!(out, "  a {} of traffic: creance audit reads it", inspection.kind)?;
        }
        _ if !says_something(inspection) && inspection.damage.is_empty() => {
            writeln!(out, "  nothing found that gives anything away")?;
        }
        _ => {}
    }
    let device = [&inspection.device.make, &inspection.device.model, &inspection.device.software];
    let device: Vec<String> = device.into_iter().flatten().map(|text| shown(text)).collect();
    line(out, "made with", &device.join(", "))?;
    several(
        out,
        "identifiers",
        inspection.identifiers.iter().map(|one| {
            let of = one.of.map(|of| format!(" of the {of}")).unwrap_or_default();
            format!("{}{of}: {}  ({})", one.class, shown(&one.value), shown(&one.field))
        }),
    )?;
    several(out, "places", inspection.places.iter().map(place))?;
    for track in &inspection.tracks {
        let extent = Extent::of([track]);
        let (Some(bounds), points) = (extent.bounds, extent.points) else { continue };
        let [south, west, north, east] = bounds.map(|degrees| format!("{degrees:.5}"));
        let times = extent.first.zip(extent.last).map(|(first, last)| format!(", {first} to {last}"));
        let vehicle = track.vehicle.as_ref().map(|name| format!(" {}", shown(name))).unwrap_or_default();
        let what = format!(
            "{points} points of the {}{vehicle} between {south}, {west} and {north}, {east}{}",
            track.role,
            times.unwrap_or_default()
        );
        line(out, "track", &what)?;
    }
    several(
        out,
        "phases",
        inspection.phases.iter().map(|phase| format!("{} from {} to {}", phase.state, phase.from, phase.to)),
    )?;
    several(
        out,
        "times",
        inspection.times.iter().map(|one| {
            let zone = if one.zone_known { "" } else { " (local time, its offset from UTC is not said)" };
            format!("{} {}{zone}  ({})", one.what, one.time, shown(&one.field))
        }),
    )?;
    several(
        out,
        "sites",
        inspection.sites.iter().map(|one| {
            let sector =
                one.sector.as_ref().map(|sector| format!(" ({})", shown(sector))).unwrap_or_default();
            let times = if one.times == 1 { String::new() } else { format!(", {} times", one.times) };
            format!(
                "{}{sector}: {} by the {}, {:.0} m{times}",
                shown(&one.name),
                one.how,
                one.role,
                one.metres
            )
        }),
    )?;
    several(
        out,
        "zones",
        inspection.zones.iter().map(|one| {
            let name = one.name.as_ref().map(|name| format!(" ({})", shown(name))).unwrap_or_default();
            // Of those some may be uncertain: the worst is told.
            let or = if one.answer == "inside" { " inside or uncertain" } else { "" };
            let times = if one.times == 1 { String::new() } else { format!(", {} times{or}", one.times) };
            let why = if one.why.is_empty() { String::new() } else { format!("; {}", shown(&one.why)) };
            format!("{}{name}: {} {}{times}{why}", shown(&one.zone), one.role, one.answer)
        }),
    )?;
    if let Some(faces) = &inspection.faces {
        line(out, "faces", &faces.len().to_string())?;
    }
    several(
        out,
        "further",
        inspection
            .facts
            .iter()
            .map(|one| format!("{}: {}  ({})", one.what, shown(&one.value), shown(&one.field))),
    )?;
    several(
        out,
        "hidden",
        inspection
            .hidden
            .iter()
            .map(|one| format!("{}, {} bytes  ({})", one.what, one.bytes, shown(&one.field))),
    )?;
    several(
        out,
        "not read",
        inspection
            .damage
            .iter()
            .map(|one| format!("{} at {}: {}", shown(&one.what), one.offset, shown(&one.why))),
    )
}

fn place(spot: &Spot) -> String {
    let altitude = spot.alt_m.map(|metres| {
        let reference = spot.alt_reference.map(|one| format!(" {one}")).unwrap_or_default();
        format!(", {metres} m{reference}")
    });
    let look = spot.look.map(|look| format!(", looking {:.1}° from north, {:.1}° up", look.yaw, look.pitch));
    format!(
        "{}: {}, {}{}{}  ({})",
        spot.role,
        spot.lat,
        spot.lon,
        altitude.unwrap_or_default(),
        look.unwrap_or_default(),
        shown(&spot.field)
    )
}

fn line(out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
    if text.is_empty() { Ok(()) } else { writeln!(out, "  {name:<12} {text}") }
}

fn several(out: &mut dyn Write, name: &str, lines: impl ExactSizeIterator<Item = String>) -> io::Result<()> {
    let more = lines.len().saturating_sub(MOST);
    for (index, text) in lines.take(MOST).enumerate() {
        line(out, if index == 0 { name } else { "" }, &text)?;
    }
    if more > 0 {
        line(out, "", &format!("and {more} more: --format json has all"))?;
    }
    Ok(())
}

/// The head of a table with a line a file.
pub fn table_head(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{:<11} {:>6} {:>7} {:>6} {:>7} {:>6}  file",
        "kind", "places", "serials", "people", "points", "hidden"
    )
}

/// The line of a file.
pub fn table_line(file: &Inspected, out: &mut dyn Write) -> io::Result<()> {
    let Inspected { file, inspection, .. } = file;
    let people = [DataClass::PersonName, DataClass::Email, DataClass::Phone, DataClass::AccountId];
    let count = |classes: &[DataClass]| {
        inspection.identifiers.iter().filter(|one| classes.contains(&one.class)).count()
    };
    writeln!(
        out,
        "{:<11} {:>6} {:>7} {:>6} {:>7} {:>6}  {}{}",
        inspection.kind,
        inspection.places.len(),
        count(&[DataClass::Serial]),
        count(&people),
        points(inspection),
        inspection.hidden.len(),
        shown(file),
        if inspection.damage.is_empty() { "" } else { "  (not all of it could be read)" },
    )
}

/// What stands below the table.
pub fn table_end(totals: &Totals, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    writeln!(
        out,
        "{} files: {} with a place, {} with a track, {} with serial numbers ({} different ones), {} with hidden content",
        totals.files,
        totals.with_place,
        totals.with_track,
        totals.with_serial,
        totals.serials.len(),
        totals.with_hidden,
    )?;
    for (count, what) in [
        (totals.with_site, "with a protected site"),
        (totals.with_faces, "with faces"),
        (totals.damaged, "of which not all could be read"),
        (totals.unknown, "of a kind that is not read here: nothing can be said of them"),
    ] {
        if count > 0 {
            writeln!(out, "{count} {what}")?;
        }
    }
    Ok(())
}

fn points(inspection: &Inspection) -> usize {
    inspection.tracks.iter().map(|track| track.points.len()).sum()
}
