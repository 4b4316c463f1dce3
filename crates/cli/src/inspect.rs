//! `creance inspect`: what files give away (`creance.inspect/1`).

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    sync::Arc,
};

use anyhow::Context;
use creance_audit::Hash;
use creance_flightlog::Keychain;
use creance_model::{Inspected, Inspection};
use creance_render::inspection;

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
        hash: match (options.hash, options.no_hash) {
            (_, true) => Hash::None,
            (true, _) => Hash::All,
            _ => Hash::Short,
        },
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
    let mut answer = Answer {
        out: BufWriter::new(&mut out),
        form: options.format,
        is_single: is_single(options),
        totals: inspection::Totals::default(),
        held: Vec::new(),
        told: 0,
    };
    let (mut failed, mut incomplete) = (None, !unread.is_empty());
    let bar = Bar::new(talk);
    let told = creance_audit::inspect(
        &request,
        &mut |file| {
            incomplete |= !file.inspection.damage.is_empty();
            answer.totals.add(&file.inspection);
            let Inspected { inspection, .. } = file;
            let inspection = if options.reveal { inspection } else { creance_audit::masked(inspection) };
            failed = failed.take().or(answer.tell(Inspected { inspection, ..file }).err());
        },
        &mut |progress| bar.tell_files(progress),
    );
    bar.done();
    let beyond = told?;
    failed.map_or(Ok(()), Err)?;
    let draw = |inspection: &Inspection| creance_audit::drawing(inspection, &request.sites, &request.zones);
    answer.end(if options.reveal { Some(&draw) } else { None })?;
    if beyond > 0 {
        writeln!(std::io::stderr(), "{beyond} files are beyond the limit and were not read")?;
    }
    Ok(if incomplete || beyond > 0 { exit::INCOMPLETE } else { exit::DONE })
}

/// What is written of each file as soon as it is read: should one of many end the program, what was told before is there.
struct Answer<'a> {
    out: BufWriter<&'a mut dyn Write>,
    form: InspectForm,
    /// Whether one file was named: as text it has a screen, and as JSON it is an object.
    is_single: bool,
    totals: inspection::Totals,
    /// Files that are not written yet: all for a page, the first where it may be the only one.
    held: Vec<Inspected>,
    told: usize,
}

impl Answer<'_> {
    fn tell(&mut self, file: Inspected) -> std::io::Result<()> {
        let is_whole = self.form == InspectForm::Html;
        // An archive that is named alone may hold more.
        let is_first = self.told == 0 && self.held.is_empty();
        let may_be_alone = is_first && matches!(self.form, InspectForm::Text | InspectForm::Json);
        self.held.push(file);
        if is_whole || may_be_alone {
            return Ok(());
        }
        for file in std::mem::take(&mut self.held) {
            self.line(&file)?;
        }
        self.out.flush()
    }

    /// Writes one of several.
    fn line(&mut self, file: &Inspected) -> std::io::Result<()> {
        let is_first = self.told == 0;
        self.told += 1;
        match self.form {
            InspectForm::Jsonl => writeln!(self.out, "{}", inspection::json(file)),
            InspectForm::Json => {
                let object = format!("{:#}", inspection::json(file)).replace('\n', "\n  ");
                write!(self.out, "{}\n  {object}", if is_first { "[" } else { "," })
            }
            InspectForm::Text if is_first => {
                inspection::table_head(&mut self.out)?;
                inspection::table_line(file, &mut self.out)
            }
            InspectForm::Text => inspection::table_line(file, &mut self.out),
            InspectForm::Html => Ok(()),
        }
    }

    /// Writes what is left.
    fn end(mut self, draw: Option<inspection::Draw<'_>>) -> std::io::Result<()> {
        let held = std::mem::take(&mut self.held);
        match (self.form, held.as_slice()) {
            (InspectForm::Html, several) => {
                self.out.write_all(inspection::html(several, &self.totals, draw).as_bytes())?;
            }
            (InspectForm::Jsonl, _) => {}
            (InspectForm::Text, [one]) => inspection::text(one, &mut self.out)?,
            (InspectForm::Text, _) => {
                if self.told == 0 {
                    inspection::table_head(&mut self.out)?;
                }
                inspection::table_end(&self.totals, &mut self.out)?;
            }
            (InspectForm::Json, [one]) if self.is_single => {
                writeln!(self.out, "{:#}", inspection::json(one))?;
            }
            (InspectForm::Json, several) => {
                for file in several {
                    self.line(file)?;
                }
                self.out.write_all(if self.told == 0 { b"[]\n" } else { b"\n]\n" })?;
            }
        }
        self.out.flush()
    }
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
