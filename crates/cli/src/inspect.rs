//! `creance inspect`: what files give away (`creance.inspect/1`).

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    sync::Arc,
};

use anyhow::Context;
use creance_flightlog::Keychain;
use creance_model::{Inspected, Inspection};
use creance_render::inspection;
use serde_json::Value;

use crate::{
    args::{Inspect, InspectForm, Talk},
    exit,
    progress::Bar,
};

pub(crate) fn run(options: &Inspect, talk: Talk) -> anyhow::Result<u8> {
    if options.export_key_request {
        return key_request(options);
    }
    let keychain = options.keychain.as_deref().map(keychain).transpose()?;
    let sites = options.sites.as_deref().map(creance_audit::sites).transpose()?.unwrap_or_default();
    let zones = creance_audit::zones(&options.zones)?;
    let unread = creance_audit::unread(&sites, &zones);
    for told in unread.iter().chain(&creance_audit::strange_sectors(&sites)) {
        writeln!(std::io::stderr(), "{told}")?;
    }
    let request = creance_audit::Inspect {
        sites,
        zones: Arc::new(zones),
        paths: options.files.clone(),
        hash: !options.no_hash,
        faces: options.faces,
        jobs: options.jobs.unwrap_or(0).into(),
        logs: creance_flightlog::Options::with_keychain(keychain),
    };
    let mut out: Box<dyn Write> = match &options.output {
        Some(path) => {
            Box::new(File::create_new(path).with_context(|| format!("cannot write {}", path.display()))?)
        }
        None => Box::new(std::io::stdout().lock()),
    };
    let mut out = BufWriter::new(&mut out);
    let (mut all, mut failed, mut incomplete) = (Vec::new(), None, !unread.is_empty());
    let mut totals = inspection::Totals::default();
    let bar = Bar::new(talk);
    let told = creance_audit::inspect(
        &request,
        &mut |file| {
            incomplete |= !file.inspection.damage.is_empty();
            totals.add(&file.inspection);
            let Inspected { inspection, .. } = file;
            let inspection = if options.reveal { inspection } else { creance_audit::masked(inspection) };
            let file = Inspected { inspection, ..file };
            if options.format == InspectForm::Jsonl {
                failed = failed.take().or(writeln!(out, "{}", inspection::json(&file)).err());
            } else {
                all.push(file);
            }
        },
        &mut |progress| bar.tell_files(progress),
    );
    bar.done();
    let beyond = told?;
    failed.map_or(Ok(()), Err)?;
    match (options.format, all.as_slice()) {
        (InspectForm::Jsonl, _) => {}
        (InspectForm::Text, [one]) => inspection::text(one, &mut out)?,
        (InspectForm::Text, several) => inspection::table(several, &totals, &mut out)?,
        (InspectForm::Json, [one]) if is_single(options) => writeln!(out, "{:#}", inspection::json(one))?,
        (InspectForm::Json, several) => {
            writeln!(out, "{:#}", several.iter().map(inspection::json).collect::<Value>())?;
        }
        (InspectForm::Html, several) => {
            let draw =
                |inspection: &Inspection| creance_audit::drawing(inspection, &request.sites, &request.zones);
            let draw: Option<inspection::Draw<'_>> = if options.reveal { Some(&draw) } else { None };
            out.write_all(inspection::html(several, &totals, draw).as_bytes())?;
        }
    }
    out.flush()?;
    if beyond > 0 {
        writeln!(std::io::stderr(), "{beyond} files are beyond the limit and were not read")?;
    }
    Ok(if incomplete || beyond > 0 { exit::INCOMPLETE } else { exit::DONE })
}

/// Whether one file was named, and no folder.
fn is_single(options: &Inspect) -> bool {
    matches!(options.files.as_slice(), [one] if one.is_file() || one.as_os_str() == "-")
}

/// The keys of a file.
fn keychain(path: &Path) -> anyhow::Result<Keychain> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let read = Keychain::parse(&text).map_err(anyhow::Error::msg);
    read.with_context(|| format!("cannot read the keychain of {}", path.display()))
}

/// Prints the request for keys of one flight record.
fn key_request(options: &Inspect) -> anyhow::Result<u8> {
    let [path] = options.files.as_slice() else {
        return Err(exit::Usage("--export-key-request is for one flight record at a time".to_owned()).into());
    };
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let request = creance_flightlog::export_key_request(&bytes).map_err(anyhow::Error::msg);
    let request = request.with_context(|| format!("{} has no keys to ask for", path.display()))?;
    match &options.output {
        Some(to) => {
            let mut file = File::create_new(to).with_context(|| format!("cannot write {}", to.display()))?;
            file.write_all(request.as_bytes())?;
        }
        None => writeln!(std::io::stdout(), "{request}")?,
    }
    Ok(exit::DONE)
}
