//! A file of the device that was sent, in one piece or several: each piece is compared with the file itself.

use std::{
    fs,
    path::{Path, PathBuf},
};

use creance_model::Finding;

use super::{Claim, Conversation, DeviceFileProof, ProofStep, Proved, Spelling, Wanting, http, value};
use crate::sha256;

/// Shorter pieces say nothing.
const LEAST: usize = 256;

/// The largest file that is looked for, in bytes.
const LARGEST: u64 = 256 << 20;

/// Finds the pieces of a file again.
pub(super) fn prove(
    finding: &Finding,
    conversations: &[Conversation],
    wanting: &Wanting<'_>,
) -> Result<Proved, String> {
    let bytes = length(&finding.value).ok_or("the case does not say how long the file is")?;
    if wanting.devices.is_empty() {
        return Err("it is a file of the device: name the device's folder too (--evidence)".to_owned());
    }
    let sent = sent(finding, conversations)?;
    for path in files(wanting.devices, bytes) {
        let Ok(file) = fs::read(&path) else { continue };
        let hash = sha256(&file);
        if wanting.revealed && !finding.value.contains(&hash) {
            continue;
        }
        let claims: Vec<Claim> = sent.iter().filter_map(|sent| piece(sent, &file)).collect();
        if !claims.is_empty() {
            let file = Some(DeviceFileProof { sha256: hash, bytes });
            return Ok(Proved { id: finding.id.clone(), claims, spelling: Spelling::Same, file });
        }
    }
    Err("no file of the device of this length stands as it is in what was sent".to_owned())
}

/// What may be a piece.
struct Sent<'a> {
    conversation: &'a Conversation,
    steps: Vec<ProofStep>,
    bytes: Vec<u8>,
}

/// Every body of the conversations, decoded as the finding says.
fn sent<'a>(finding: &Finding, conversations: &'a [Conversation]) -> Result<Vec<Sent<'a>>, String> {
    let mut all = Vec::new();
    let path: Vec<&str> =
        finding.decode_path.iter().map(String::as_str).filter(|step| *step != "tls").collect();
    let (first, rest) = path.split_first().ok_or("it has no decode path")?;
    let rest = rest.iter().filter(|name| **name != "part-of-file").map(|name| ProofStep::behind(name));
    let unknown =
        |name: String| format!("the step `{name}` of its decode path is not one that a bundle can have");
    let rest: Vec<ProofStep> = rest.collect::<Result<_, _>>().map_err(unknown)?;
    for conversation in conversations {
        for (beginning, bytes) in value::beginnings(conversation, first)? {
            if let Some(bytes) = rest.iter().try_fold(bytes, |bytes, step| step.run(&bytes)) {
                let opened = conversation.opened.then_some(ProofStep::Tls);
                let steps = opened.into_iter().chain(beginning).chain(rest.clone()).collect();
                all.push(Sent { conversation, steps, bytes });
            }
        }
    }
    Ok(all)
}

/// A body that stands in a file as it is.
fn piece(sent: &Sent<'_>, file: &[u8]) -> Option<Claim> {
    if sent.bytes.len() < LEAST.min(file.len()) {
        return None;
    }
    let at = http::find(file, &sent.bytes)?;
    Some(Claim {
        flow: sent.conversation.flow,
        steps: sent.steps.clone(),
        value: sent.bytes.clone(),
        offset: Some(at as u64),
    })
}

/// `JPEG, 640×480, 1234 bytes, SHA-256 …`: 1234.
fn length(value: &str) -> Option<u64> {
    value.split(" bytes").next()?.rsplit(' ').next()?.parse().ok().filter(|length| *length <= LARGEST)
}

/// The files of folders that are of a length, in the order of their names.
fn files(folders: &[PathBuf], length: u64) -> Vec<PathBuf> {
    let mut left: Vec<PathBuf> = folders.to_vec();
    let mut found = Vec::new();
    let is_file = |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == length);
    while let Some(next) = left.pop() {
        if next.is_file() && is_file(&next) {
            found.push(next);
            continue;
        }
        for entry in fs::read_dir(&next).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => left.push(entry.path()),
                Ok(kind) if kind.is_file() && is_file(&entry.path()) => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found.sort();
    found
}
