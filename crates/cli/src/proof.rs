//! `creance proof`: a bundle that shows findings to anybody who has docs/proof/SPEC.md, with creance or without.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use creance_audit::{Claim, Proof as Shown, ProofFlow, Proved, Wanting, prove};
use creance_capture::write::PcapWriter;
use creance_custody::sha256;
use creance_model::{Finding, Report};
use creance_render::shown;
use data_encoding::HEXLOWER;
use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
};
use serde_json::{Value, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    args::Proof,
    case,
    exit::{self, Usage},
};

/// What a bundle is made of, beside its packets and keys.
const DOCUMENT: &str = "bundle.json";

/// The hash of the document.
const SUM: &str = "bundle.sha256";

pub(crate) fn run(options: &Proof) -> anyhow::Result<u8> {
    let is_zip = options.output.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
    free(&options.output, is_zip)?;
    let report = case::read(&options.case)?;
    let findings = findings(&report, &options.findings)?;
    let evidence = evidence(&report, &findings, &options.evidence)?;
    let proof = prove(&Wanting {
        captures: &evidence.captures,
        keys: &options.keys,
        devices: &evidence.devices,
        findings: &findings,
        revealed: report.revealed,
    })?;
    let files = files(&report, &findings, &proof, options.reveal)?;
    if is_zip {
        zipped(&options.output, &files)?;
    } else {
        folder(&options.output, &files)?;
    }
    let mut out = std::io::stdout().lock();
    for one in &proof.proved {
        let bytes: usize = one.claims.iter().map(|claim| claim.value.len()).sum();
        let mark = findings
            .iter()
            .find(|finding| finding.id == one.id)
            .map(|finding| finding.tlp)
            .unwrap_or_default();
        let (mark, claims) = (mark.label(), one.claims.len());
        writeln!(out, "{} {mark}: claims: {claims}, bytes: {bytes}, {}", one.id, one.spelling.name())?;
    }
    writeln!(
        out,
        "{}: packets: {}, secrets: {}",
        options.output.display(),
        proof.packets.len(),
        proof.keys.len()
    )?;
    writeln!(out, "{}", sha256(files.get(DOCUMENT).map(Vec::as_slice).unwrap_or_default()))?;
    Ok(exit::DONE)
}

/// Refuses to write over anything.
fn free(output: &Path, is_zip: bool) -> anyhow::Result<()> {
    let empty = output.is_dir() && fs::read_dir(output).is_ok_and(|mut entries| entries.next().is_none());
    if fs::symlink_metadata(output).is_ok() && (is_zip || !empty) {
        return Err(Usage(format!("{} exists: choose another name for the bundle", output.display())).into());
    }
    Ok(())
}

fn findings<'a>(report: &'a Report, ids: &[String]) -> anyhow::Result<Vec<&'a Finding>> {
    let find = |id: &String| {
        report.findings.iter().find(|finding| finding.id.eq_ignore_ascii_case(id)).ok_or_else(|| {
            Usage(format!("no finding {}: the case has {}", shown(id), report.findings.len())).into()
        })
    };
    ids.iter().map(find).collect()
}

#[derive(Default)]
struct Evidence {
    captures: Vec<PathBuf>,
    devices: Vec<PathBuf>,
}

/// The files that were given, each as the input of the case that it is by its hash.
fn evidence(report: &Report, findings: &[&Finding], given: &[PathBuf]) -> anyhow::Result<Evidence> {
    let mut by_hash = BTreeMap::new();
    for path in given {
        let hashed = creance_audit::hash_of(path);
        let (hash, _) = hashed.with_context(|| format!("cannot read {}", path.display()))?;
        if report.case.inputs.iter().all(|input| input.sha256 != hash) {
            return Err(
                Usage(format!("{} is no input of the case: its SHA-256 is {hash}", path.display())).into()
            );
        }
        by_hash.insert(hash, path.clone());
    }
    let of = |finding: &&Finding| {
        let hash = finding.evidence.input.strip_prefix("sha256:");
        report.case.inputs.iter().find(|input| Some(input.sha256.as_str()) == hash)
    };
    for finding in findings {
        if of(finding).is_none_or(|input| input.kind != "capture") {
            return Err(anyhow!(
                "{} cannot be proved by a bundle: it is of a recording, which has no packets",
                finding.id
            ));
        }
    }
    let mut evidence = Evidence::default();
    for input in &report.case.inputs {
        match (input.kind.as_str(), by_hash.get(&input.sha256)) {
            // Packets are numbered over all of them.
            ("capture", None) => {
                let path = shown(&input.path);
                return Err(Usage(format!("{path} is missing: all captures of the case are needed")).into());
            }
            ("capture", Some(path)) => evidence.captures.push(path.clone()),
            ("device", Some(path)) => evidence.devices.push(path.clone()),
            _ => {}
        }
    }
    Ok(evidence)
}

/// The files of a bundle, by their names.
fn files(
    report: &Report,
    findings: &[&Finding],
    proof: &Shown,
    reveal: bool,
) -> anyhow::Result<BTreeMap<&'static str, Vec<u8>>> {
    let mut pcap = PcapWriter::new(Vec::new(), proof.link)?;
    for packet in &proof.packets {
        pcap.packet(packet.time, packet.wire_len, &packet.data)?;
    }
    let mut files = BTreeMap::from([("packets.pcap", pcap.into_inner())]);
    if !proof.keys.is_empty() {
        let lines: String = proof.keys.iter().flat_map(|key| [key.as_str(), "\n"]).collect();
        files.insert("keys.log", lines.into_bytes());
    }
    let file = |(name, bytes): (&&str, &Vec<u8>)| json!({"path": name, "bytes": bytes.len(), "sha256": sha256(bytes)});
    let captures = report.case.inputs.iter().filter(|input| input.kind == "capture");
    let proved: anyhow::Result<Vec<Value>> =
        findings.iter().zip(&proof.proved).map(|(finding, proved)| told(finding, proved, reveal)).collect();
    let document = json!({
        "schema": "creance.proof/1",
        "tool": report.case.tool,
        "case": report.case.id,
        "captures": captures.map(|input| &input.sha256).collect::<Vec<_>>(),
        "files": files.iter().map(file).collect::<Vec<_>>(),
        "numbers": proof.packets.iter().map(|packet| packet.number).collect::<Vec<_>>(),
        "findings": proved?,
    });
    let mut document = serde_json::to_vec_pretty(&document)?;
    document.push(b'\n');
    files.insert(SUM, format!("{}  {DOCUMENT}\n", sha256(&document)).into_bytes());
    files.insert(DOCUMENT, document);
    Ok(files)
}

fn told(finding: &Finding, proved: &Proved, reveal: bool) -> anyhow::Result<Value> {
    let to = &finding.destination;
    let claims = proved.claims.iter().map(|one| claim(one, reveal)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut told = json!({
        "id": finding.id,
        "data_class": finding.data_class,
        "match": finding.matched,
        "time": finding.time,
        "tlp": finding.tlp,
        "destination": {"ip": to.ip, "port": to.port, "host": to.host},
        "spelling": proved.spelling.name(),
        "claims": claims,
    });
    if let (Some(file), Some(told)) = (&proved.file, told.as_object_mut()) {
        told.insert("file".to_owned(), json!({"bytes": file.bytes, "sha256": file.sha256}));
    }
    Ok(told)
}

fn claim(claim: &Claim, reveal: bool) -> anyhow::Result<Value> {
    let mut salt = [0; 16];
    SystemRandom::new().fill(&mut salt).map_err(|_| anyhow!("the operating system gives no chance"))?;
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(&salt);
    hash.update(&claim.value);
    let ProofFlow { tcp, from, to, first, last } = claim.flow;
    let mut told = json!({
        "flow": {
            "transport": if tcp { "tcp" } else { "udp" },
            "from": from.ip, "from_port": from.port, "to": to.ip, "to_port": to.port,
            "first": first, "last": last,
        },
        "steps": claim.steps.iter().map(creance_audit::ProofStep::document).collect::<Vec<_>>(),
        "bytes": claim.value.len(),
        "salt": HEXLOWER.encode(&salt),
        "sha256": HEXLOWER.encode(hash.finish().as_ref()),
    });
    if let Some(told) = told.as_object_mut() {
        if let Some(offset) = claim.offset {
            told.insert("offset".to_owned(), offset.into());
        } else if let Some(value) = std::str::from_utf8(&claim.value).ok().filter(|_| reveal) {
            told.insert("value".to_owned(), value.into());
        }
    }
    Ok(told)
}

fn folder(output: &Path, files: &BTreeMap<&'static str, Vec<u8>>) -> anyhow::Result<()> {
    fs::create_dir_all(output).with_context(|| format!("cannot make {}", output.display()))?;
    for (name, bytes) in files {
        case::atomically(&output.join(name), |out| Ok(out.write_all(bytes)?))?;
    }
    Ok(())
}

fn zipped(output: &Path, files: &BTreeMap<&'static str, Vec<u8>>) -> anyhow::Result<()> {
    let told = || format!("cannot write {}", output.display());
    let mut zip = ZipWriter::new(File::create_new(output).with_context(told)?);
    let how = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in files {
        zip.start_file(*name, how).with_context(told)?;
        zip.write_all(bytes).with_context(told)?;
    }
    zip.finish().with_context(told)?.sync_all().with_context(told)
}
