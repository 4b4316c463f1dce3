//! `creance-guard proof`: what left during a flight, from the ledger, for others to check.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use creance_custody::{LEDGER, SIGNATURE, SigningKey, in_canonical_form, verify};
use creance_guard::{
    Config, files,
    proof::{Proof, told},
};

/// What `proof` is told.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The configuration: it names the ledger and the key.
    #[arg(short, long, value_name = "FILE", default_value = "/etc/creance/guard.toml")]
    config: PathBuf,
    /// Which flight, counted from 1 over the whole ledger; without it the last.
    #[arg(long, value_name = "NUMBER")]
    flight: Option<usize>,
    /// Writes a folder that anyone can check: the statement, the records that it rests on, a signature. docs/proof/FLIGHT.md.
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// As JSON (creance.flight/1).
    Json,
}

/// How often the ledger is read anew, where the engine writes at the same time.
const TRIES: usize = 20;

pub(crate) fn run(options: &Options) -> anyhow::Result<u8> {
    let config = Config::load(&options.config)?;
    let key = key(&config)?;
    let ledger = ledger(&config.state, key.as_ref())?;
    let proof = Proof::of(&ledger, options.flight)?;
    let document =
        in_canonical_form(&proof.statement).context("the ledger holds a number that is not whole")? + "\n";
    let words = told(&proof.statement);
    if let Some(folder) = &options.output {
        if folder.exists() {
            bail!("{} is there already", folder.display());
        }
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let signature = key.as_ref().and_then(|key| key.sign_document(document.as_bytes()));
        let files = [
            ("statement.json", Some(document.as_bytes())),
            ("statement.txt", Some(words.as_bytes())),
            (LEDGER, Some(proof.ledger.as_slice())),
            (SIGNATURE, signature.as_deref().map(str::as_bytes)),
        ];
        for (name, content) in files.into_iter().filter_map(|(name, content)| Some((name, content?))) {
            fs::write(folder.join(name), content).with_context(|| format!("cannot write {name}"))?;
        }
    }
    match options.format {
        Format::Text => anstream::print!("{words}"),
        Format::Json => anstream::print!("{document}"),
    }
    if key.is_none() {
        anstream::eprintln!("not signed: the configuration names no `key`");
    }
    Ok(0)
}

/// The key that the ledger is signed with.
pub(crate) fn key(config: &Config) -> anyhow::Result<Option<SigningKey>> {
    let read = |path: &PathBuf| {
        let pem = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        SigningKey::read(&pem).with_context(|| format!("cannot use {}", path.display()))
    };
    config.key.as_ref().map(read).transpose()
}

/// All files of the ledger, one behind the other.
fn whole(folder: &Path) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    for path in files(folder)? {
        File::open(&path)?.read_to_end(&mut all)?;
    }
    Ok(all)
}

/// The ledger, whole and, if there is a key, signed with it.
fn ledger(folder: &Path, key: Option<&SigningKey>) -> anyhow::Result<Vec<u8>> {
    let public = key.map(SigningKey::public);
    let mut faults = Vec::new();
    for _ in 0..TRIES {
        let signature = match fs::read(folder.join(SIGNATURE)) {
            Ok(signature) => Some(signature),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).context("cannot read the signature of the ledger"),
        };
        let ledger = match whole(folder) {
            // A file was put aside meanwhile: all is read anew.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                thread::sleep(Duration::from_millis(50));
                continue;
            }
            other => other.with_context(|| format!("cannot read the ledger in {}", folder.display()))?,
        };
        faults = verify(&ledger, signature.as_deref(), &[], public.as_ref()).faults;
        if faults.is_empty() {
            return Ok(ledger);
        }
        // The engine may be between a record and its signature.
        thread::sleep(Duration::from_millis(50));
    }
    if faults.is_empty() {
        bail!("there is no ledger in {}", folder.display());
    }
    bail!(
        "the ledger does not hold: {}",
        faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    )
}
