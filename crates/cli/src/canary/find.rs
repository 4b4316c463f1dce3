//! `creance canary find`: where the values of a set stand, and which stand nowhere (`creance.canaries/1`).

use std::io::{BufWriter, Write};

use creance_audit::{Found, FoundPlace, Request, Which};
use creance_detect::mask;
use creance_model::DataClass;
use creance_render::shown;
use serde_json::{Value, json};

use crate::{
    args::{Answer, CanaryFind, FailOn, Talk},
    exit, flows,
    progress::Bar,
};

/// A value or picture, and where it was seen.
struct Row<'a> {
    /// Which table of the file it is, counted from 1.
    number: usize,
    class: DataClass,
    /// Masked unless values are shown in full.
    value: String,
    decoy: bool,
    places: Vec<&'a FoundPlace>,
}

pub(crate) fn run(options: &CanaryFind, talk: Talk) -> anyhow::Result<u8> {
    let request = Request {
        canaries: Some(options.canaries.clone()),
        reveal: options.captures.reveal,
        ..flows::request(&options.captures)
    };
    let bar = Bar::new(talk);
    let found = creance_audit::find(&request, &mut |progress| bar.tell(progress));
    bar.done();
    let found = found?;
    let rows = rows(&found, options.captures.reveal);
    let mut out = BufWriter::new(std::io::stdout().lock());
    match options.format {
        Answer::Text => text(&found, &rows, &mut out)?,
        Answer::Json => writeln!(out, "{}", document(&found, &rows))?,
        Answer::Jsonl => {
            for row in &rows {
                writeln!(out, "{}", object(row))?;
            }
        }
    }
    out.flush()?;
    let seen = |row: &Row<'_>| !row.places.is_empty();
    if found.incomplete || rows.iter().any(|row| row.decoy && seen(row)) {
        return Ok(exit::INCOMPLETE);
    }
    let mut planted = rows.iter().filter(|row| !row.decoy);
    let fails = match options.fail_on {
        None => false,
        Some(FailOn::Seen) => planted.any(seen),
        Some(FailOn::Unseen) => planted.any(|row| !seen(row)),
    };
    Ok(if fails { exit::FINDINGS } else { exit::DONE })
}

fn rows(found: &Found, reveal: bool) -> Vec<Row<'_>> {
    let of = |which| found.places.iter().filter(|place| place.which == which).collect();
    let values = found.set.values.iter().enumerate().map(|(place, one)| Row {
        number: place + 1,
        class: one.class,
        value: if reveal { one.value.clone() } else { mask(one.class, &one.value) },
        decoy: one.decoy,
        places: of(Which::Value(place)),
    });
    let pictures = found.set.pictures.iter().enumerate().map(|(place, one)| Row {
        number: place + 1,
        class: DataClass::Imagery,
        value: one.file.clone(),
        decoy: false,
        places: of(Which::Picture(place)),
    });
    values.chain(pictures).collect()
}

fn document(found: &Found, rows: &[Row<'_>]) -> Value {
    json!({
        "schema": "creance.canaries/1",
        "run": found.set.run,
        "files": found.files,
        "alarm": rows.iter().any(|row| row.decoy && !row.places.is_empty()),
        "canaries": rows.iter().map(object).collect::<Vec<_>>(),
        "unread": found.unread,
    })
}

fn object(row: &Row<'_>) -> Value {
    json!({
        "schema": "creance.canary/1",
        "number": row.number,
        "class": row.class,
        "value": row.value,
        "decoy": row.decoy,
        "seen": row.places.iter().map(|place| place.times).sum::<u64>(),
        "places": row.places.iter().map(|place| json!({
            "input": place.input,
            "direction": place.direction,
            "outside": place.outside,
            "protocol": place.protocol,
            "visibility": place.visibility,
            "decode_path": place.decode_path,
            "encoding": place.encoding,
            "packets": place.packets,
            "time": place.time,
            "times": place.times,
        })).collect::<Vec<_>>(),
    })
}

/// Places of one value that are shown on a terminal.
const MOST_PLACES: usize = 10;

fn text(found: &Found, rows: &[Row<'_>], out: &mut dyn Write) -> std::io::Result<()> {
    let seen = |row: &&Row<'_>| !row.places.is_empty();
    let planted = || rows.iter().filter(|row| !row.decoy);
    let decoys: Vec<&Row<'_>> = rows.iter().filter(|row| row.decoy).collect();
    let told = decoys.iter().filter(|row| seen(row)).count();
    if told > 0 {
        writeln!(
            out,
            "{told} of {} decoys were seen, which were planted nowhere: until it is known how they got there, what was\n\
             found proves nothing. Was the canary file itself copied to the device, or looked at there?\n",
            decoys.len()
        )?;
    }
    writeln!(
        out,
        "{} canaries were looked for in {} files; {} were seen.",
        planted().count(),
        found.files,
        planted().filter(seen).count()
    )?;
    for row in rows.iter().filter(seen) {
        let decoy = if row.decoy { "decoy " } else { "" };
        writeln!(out, "\n{decoy}{} {}", row.class, shown(&row.value))?;
        for place in row.places.iter().take(MOST_PLACES) {
            writeln!(out, "  {}", line(place))?;
            writeln!(out, "      {}", shown(&place.decode_path.join(" > ")))?;
        }
        if row.places.len() > MOST_PLACES {
            writeln!(out, "  and in {} more ways", row.places.len() - MOST_PLACES)?;
        }
    }
    let nowhere: Vec<String> = planted()
        .filter(|row| !seen(row))
        .map(|row| format!("{} {}", row.class, shown(&row.value)))
        .collect();
    if !nowhere.is_empty() {
        writeln!(out, "\nseen nowhere: {}", nowhere.join(", "))?;
    }
    if !decoys.is_empty() && told == 0 {
        writeln!(out, "\n{} decoys: none was seen", decoys.len())?;
    }
    for sentence in &found.unread {
        writeln!(out, "\nnot read: {}", shown(sentence))?;
    }
    Ok(())
}

/// In which input, which way, how often, and where to look.
fn line(place: &FoundPlace) -> String {
    let input = shown(&place.input);
    let Some(direction) = place.direction else { return input };
    let to = place.outside.as_deref().map(shown).unwrap_or_default();
    let packets: Vec<String> = place.packets.iter().take(4).map(u64::to_string).collect();
    let more = if place.packets.len() > 4 { " …" } else { "" };
    let (way, visibility) = (json!(direction), json!(place.visibility));
    format!(
        "{input}: {} {to}, {}, {}, {}, first in packets {}{more}",
        way.as_str().unwrap_or_default(),
        place.protocol,
        visibility.as_str().unwrap_or_default(),
        if place.times == 1 { "once".to_owned() } else { format!("{} times", place.times) },
        packets.join(" "),
    )
}
