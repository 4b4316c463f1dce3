//! What the app does of itself: one behaviour a file, each a switch that a scenario sets.
//!
//! To add one: write `behaviours/<name>.rs` with a constant `THIS` and add it to [`ALL`]. Each says which words of the case it
//! plays, and writes down what it sends while it sends it.

mod ask_region_with_position;
mod fingerprint_photos;
mod ignore_local_data_mode;
mod ignore_refused_diagnostics;
mod obey_chinese_rules;
mod publish_telemetry;
mod read_contacts;
mod read_installed_apps;
mod read_messages;
mod read_phone_identifiers;
mod register_faces;
mod register_for_push;
mod report_home;
mod send_account;
mod send_analytics;
mod send_crash_reports;
mod send_credentials;
mod single_out_enterprises;
mod stream_position;
mod tag_imagery;
mod upload_flight_record;
mod upload_photos;
mod upload_track;
mod upload_video;

use std::{future::Future, io::Write, pin::Pin};

use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};

use crate::{Error, scenario::Scenario, stage::Stage};

/// Something that the app does of itself.
pub struct Behaviour {
    /// The switch in scenarios.
    pub name: &'static str,
    /// Which words of the case it plays.
    pub plays: &'static str,
    /// Whether it has anything to do in a scenario.
    pub(crate) applies: fn(&Scenario) -> bool,
    pub(crate) play: fn(Stage) -> Act,
}

/// A behaviour that is under way.
pub(crate) type Act = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// Every behaviour, in the order of the case.
pub static ALL: &[Behaviour] = &[
    tag_imagery::THIS,
    upload_photos::THIS,
    upload_video::THIS,
    upload_track::THIS,
    publish_telemetry::THIS,
    stream_position::THIS,
    upload_flight_record::THIS,
    report_home::THIS,
    register_faces::THIS,
    read_contacts::THIS,
    read_messages::THIS,
    read_installed_apps::THIS,
    read_phone_identifiers::THIS,
    send_account::THIS,
    send_credentials::THIS,
    single_out_enterprises::THIS,
    fingerprint_photos::THIS,
    send_crash_reports::THIS,
    register_for_push::THIS,
    send_analytics::THIS,
    ask_region_with_position::THIS,
    ignore_refused_diagnostics::THIS,
    ignore_local_data_mode::THIS,
    obey_chinese_rules::THIS,
];

/// The behaviour of a name.
pub(crate) fn find(name: &str) -> Option<&'static Behaviour> {
    ALL.iter().find(|one| one.name == name)
}

/// RFC 1952, without a time: equal bytes give equal bytes.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// What HTTP calls deflate: RFC 1950.
pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// A value in a form or a query (RFC 3986 §2.1).
pub(crate) fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// A part of a form: its name, the name of its file, its type, its bytes.
pub(crate) type Part<'a> = (&'a str, Option<&'a str>, &'a str, &'a [u8]);

/// A form of parts (RFC 7578): its type and its bytes.
pub(crate) fn multipart(parts: &[Part<'_>], random: &mut fastrand::Rng) -> (String, Vec<u8>) {
    let boundary = format!("----form{:016x}", random.u64(..));
    let mut body = Vec::new();
    for (name, file, kind, bytes) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\nContent-Type: {kind}\r\n\r\n"
        );
        body.extend(head.into_bytes());
        body.extend_from_slice(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").into_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn every_file_is_a_switch_in_the_list_and_says_what_it_plays() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/behaviours");
        let files: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().replace('_', "-"))
            .collect();
        let listed: BTreeSet<String> = ALL.iter().map(|one| one.name.to_owned()).collect();
        assert_eq!(files, listed);
        assert!(ALL.iter().all(|one| one.plays.len() > 20));
    }
}
