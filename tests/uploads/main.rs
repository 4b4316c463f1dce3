//! Objects that the stores' own clients upload over loopback, recorded with dumpcap, against what creance makes of the
//! recording: each object's bytes, once, and where it went.
//!
//! `play.py` uploads; it needs the packages of `requirements.txt` in `target/uploads` (`./ci/test tools` puts them there)
//! or a Python that has them in `CREANCE_UPLOADS_PYTHON`, and the right to record.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use creance_tests::{lines, player, root, told};
use serde::Deserialize;
use serde_json::Value;

/// An upload, as the one who made it tells it.
#[derive(Debug, Deserialize)]
struct Upload {
    how: String,
    sha256: String,
    bytes: u64,
    provider: String,
    bucket: String,
    region: Option<String>,
    object: Option<String>,
    credential: Option<String>,
    /// Whether the requests say that the object is whole.
    complete: bool,
    /// Whether it went in several requests.
    joined: bool,
    /// Over so many connections at least.
    connections: usize,
}

#[test]
fn objects_are_what_was_uploaded_each_once() {
    let python = match player("azure.storage.blob, boto3, google.cloud.storage, moto, oss2, qiniu") {
        Ok(python) => python,
        Err(why) => {
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{why}");
            println!("skipped: {why}");
            return;
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let play = root().join("tests/uploads/play.py");
    let played = Command::new(&python).arg("-B").arg(play).arg(folder).output().unwrap();
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
    let uploads: Vec<Upload> =
        serde_json::from_slice(&fs::read(folder.join("uploads.json")).unwrap()).unwrap();
    assert!(uploads.len() >= 20, "{} uploads", uploads.len());
    extracted(folder, &uploads);
    requests(folder, &uploads);
}

/// Each object stands once in the manifest and on the disk, whole, with where it went.
fn extracted(folder: &Path, uploads: &[Upload]) {
    let open = folder.join("open");
    told("extract", &folder.join("uploads.pcapng"), &["--reveal", "-o", &open.display().to_string()]);
    let manifest = fs::read(open.join("manifest.jsonl")).unwrap();
    let rows = lines(&manifest);
    let mut wrong = Vec::new();
    for upload in uploads {
        let of: Vec<&Value> = rows.iter().filter(|row| row["sha256"] == upload.sha256.as_str()).collect();
        let [row] = of.as_slice() else {
            wrong.push(format!("{}: {} files have its bytes", upload.how, of.len()));
            continue;
        };
        let bytes = fs::read(open.join(row["file"].as_str().unwrap())).unwrap();
        assert_eq!(creance_audit::sha256(&bytes), upload.sha256, "{}: on disk", upload.how);
        let fields = &row["fields"];
        let shown = serde_json::json!({
            "bytes": row["bytes"], "complete": row["complete"], "kind": row["kind"], "direction": row["direction"],
            "provider": fields["storage"], "bucket": fields["bucket"], "region": fields["region"],
            "object": fields["object"], "credential": fields["credential_id"],
        });
        let expected = serde_json::json!({
            "bytes": upload.bytes, "complete": upload.complete,
            "kind": if upload.joined { "upload" } else { "request" }, "direction": "outbound",
            "provider": upload.provider, "bucket": upload.bucket, "region": upload.region,
            "object": upload.object, "credential": upload.credential,
        });
        if shown != expected {
            wrong.push(format!("{}: {shown} instead of {expected}", upload.how));
        }
    }
    // Whatever else is called whole and left is no object of anybody's.
    let known: BTreeSet<&str> = uploads.iter().map(|upload| upload.sha256.as_str()).collect();
    for row in rows.iter().filter(|row| row["direction"] == "outbound" && row["complete"] == true) {
        if !known.contains(row["sha256"].as_str().unwrap()) {
            wrong.push(format!("nobody uploaded {row}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let masked = folder.join("masked");
    told("extract", &folder.join("uploads.pcapng"), &["-o", &masked.display().to_string()]);
    is_masked("manifest", &fs::read(masked.join("manifest.jsonl")).unwrap(), uploads);
}

/// The parts of an object did come over several connections, and the requests are masked too.
fn requests(folder: &Path, uploads: &[Upload]) {
    let messages =
        lines(&told("messages", &folder.join("uploads.pcapng"), &["--direction", "outbound", "--reveal"]));
    for upload in uploads.iter().filter(|upload| upload.connections > 1) {
        let parts = messages.iter().filter(|message| {
            message["kind"] == "request"
                && message["fields"]["object"] == Value::from(upload.object.as_deref())
                && message["fields"]["bucket"] == upload.bucket.as_str()
                && ["partNumber=", "position="]
                    .iter()
                    .any(|name| message["fields"]["uri"].as_str().unwrap().contains(name))
        });
        let from: BTreeSet<u64> = parts.map(|part| part["source"]["port"].as_u64().unwrap()).collect();
        assert!(from.len() >= upload.connections, "{}: from ports {from:?}", upload.how);
    }
    let masked = told("messages", &folder.join("uploads.pcapng"), &[]);
    is_masked("messages", &masked, uploads);
}

/// No credential and no name of an object stands anywhere unasked. Azure's credential is the account, which the host names.
fn is_masked(what: &str, told: &[u8], uploads: &[Upload]) {
    let text = String::from_utf8_lossy(told);
    let credentials =
        uploads.iter().filter(|upload| upload.provider != "azure").map(|upload| &upload.credential);
    let objects = uploads.iter().map(|upload| &upload.object);
    for value in credentials.chain(objects).flatten() {
        assert!(!text.contains(value.as_str()), "{value} in {what}");
    }
    for row in lines(told) {
        let fields = &row["fields"];
        assert!(fields["credential_id"].is_null() || fields["credential_id"] == "…", "{what}: {row}");
    }
    assert!(text.contains("\"storage\":\"s3\""), "{what} names no store");
}
