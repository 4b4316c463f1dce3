//! `creance scrub`: files without what they give away (`creance.scrub/1`).

use std::io::{BufWriter, Write};

use creance_audit::{Outcome, ScrubbedFile};
use creance_model::{Locations, ScrubRequest};
use creance_render::shown;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

use crate::{
    args::{Answer, Places, Scrub, Talk},
    exit,
    progress::Bar,
};

pub(crate) fn run(options: &Scrub, talk: Talk) -> anyhow::Result<u8> {
    let locations = match options.location {
        Places::Known(locations) => locations,
        Places::Chance => by_chance()?,
    };
    let request = creance_audit::Scrub {
        paths: options.files.clone(),
        output: options.output.clone(),
        request: ScrubRequest { locations, keep_thermal: options.keep_thermal },
        faces: options.faces,
        jobs: options.jobs.unwrap_or(0).into(),
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut all, mut failed, mut incomplete) = (Vec::new(), None, false);
    let (mut files, mut written) = (0_usize, 0_usize);
    let bar = Bar::new(talk);
    let told = creance_audit::scrub(
        &request,
        &mut |file| {
            let is_written = matches!(file.outcome, Outcome::Written { .. });
            incomplete |= !is_written;
            files += 1;
            written += usize::from(is_written);
            // What became of a file is told at once, whatever becomes of the next one.
            let told = match options.format {
                Answer::Jsonl => writeln!(out, "{}", object(&file)),
                Answer::Text => text(&file, &mut out),
                Answer::Json => {
                    all.push(file);
                    Ok(())
                }
            };
            failed = failed.take().or(told.and_then(|()| out.flush()).err());
        },
        &mut |progress| bar.tell_files(progress),
    );
    bar.done();
    let beyond = told?;
    failed.map_or(Ok(()), Err)?;
    match options.format {
        Answer::Jsonl => {}
        Answer::Json => writeln!(out, "{:#}", all.iter().map(object).collect::<Value>())?,
        Answer::Text => {
            writeln!(
                out,
                "\n{written} of {files} files written, each read again without finding what was to be taken out."
            )?;
            writeln!(out, "Check with another tool as well: {}.", CHECKS.join(", "))?;
        }
    }
    out.flush()?;
    if beyond > 0 {
        writeln!(std::io::stderr(), "{beyond} files are beyond the limit and were not scrubbed")?;
    }
    Ok(if incomplete || beyond > 0 { exit::INCOMPLETE } else { exit::DONE })
}

/// Between 5 and 20 km in a direction of chance, as long as the equator is near: the same degrees for all files are fewer
/// kilometres to the east elsewhere. Whoever knows the way could undo it, so it is told nobody.
fn by_chance() -> anyhow::Result<Locations> {
    let chance = SystemRandom::new();
    let part = || -> anyhow::Result<f64> {
        let mut four = [0; 4];
        chance.fill(&mut four).map_err(|_| anyhow::anyhow!("the operating system gives no chance"))?;
        Ok(f64::from(u32::from_le_bytes(four)) / f64::from(u32::MAX))
    };
    let (turn, length) = (part()? * std::f64::consts::TAU, part()?);
    let degrees = (5.0 + 15.0 * length) / 111.195;
    Ok(Locations::Offset { lat: degrees * turn.cos(), lon: degrees * turn.sin() })
}

/// Commands of others that show what is in a file.
const CHECKS: &[&str] = &["exiftool -a -G1 FILE", "ffprobe FILE"];

fn object(file: &ScrubbedFile) -> Value {
    let mut object = json!({"schema": "creance.scrub/1", "file": file.file, "kind": file.kind});
    let (name, more) = match &file.outcome {
        Outcome::Written { to, removed } => (
            "written",
            json!({"to": to.display().to_string(), "check_with": CHECKS, "removed": removed.iter().map(|one| json!({"what": one.what, "where": one.field})).collect::<Vec<_>>()}),
        ),
        Outcome::Left(left) => ("left", json!({"left": left})),
        Outcome::Refused(why) => ("refused", json!({"why": why})),
    };
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.insert("outcome".to_owned(), json!(name));
        object.extend(more);
    }
    object
}

/// What became of a file.
fn text(told: &ScrubbedFile, out: &mut dyn Write) -> std::io::Result<()> {
    let ScrubbedFile { file, outcome, .. } = told;
    match outcome {
        Outcome::Written { to, removed } => {
            let what: Vec<String> =
                removed.iter().map(|one| format!("{} ({})", one.what, shown(&one.field))).collect();
            let what = if what.is_empty() {
                "nothing was to be taken out".to_owned()
            } else {
                format!("without {}", what.join(", "))
            };
            writeln!(out, "{} -> {}\n    {what}", shown(file), shown(&to.display().to_string()))
        }
        Outcome::Left(left) => {
            let left = shown(&left.join(", "));
            writeln!(out, "{}\n    NOT WRITTEN, for it would still give away: {left}", shown(file))
        }
        Outcome::Refused(why) => writeln!(out, "{}\n    not scrubbed: {}", shown(file), shown(why)),
    }
}
