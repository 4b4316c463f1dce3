//! Audits of cases that were made: blind, for the truth is not among the inputs.

use std::{fs, io, path::Path};

use creance_audit::{Request, audit};
use creance_model::Report;
use creance_render::Options;

use crate::Error;

/// Audits the case in a folder. People in it are invented: values are shown.
pub fn audited(folder: &Path) -> Result<Report, Error> {
    let beside = |name: &str| folder.join(name);
    let keys = beside("capture.keys");
    let request = Request {
        inputs: vec![beside("capture.pcapng").display().to_string()],
        keys: if keys.is_file() { vec![keys] } else { Vec::new() },
        canaries: Some(beside("canaries.toml")),
        device: vec![beside("device")],
        flight: vec![beside("flight.tlog")],
        sites: Some(beside("sites.geojson")),
        actions: Some(beside("actions.csv")),
        reveal: true,
        ..Request::default()
    };
    Ok(audit(&request, &mut |_| {})?)
}

/// Writes what a case folder holds of a report: every output that has a file.
pub fn write_report(report: &Report, folder: &Path) -> Result<(), Error> {
    let wrong = |source: io::Error| Error::Write { path: folder.display().to_string(), source };
    fs::create_dir_all(folder).map_err(wrong)?;
    for output in creance_render::ALL {
        let Some(name) = output.file_name() else { continue };
        let mut bytes = Vec::new();
        output.write(report, &Options::default(), &mut bytes).map_err(wrong)?;
        fs::write(folder.join(name), bytes).map_err(wrong)?;
    }
    Ok(())
}
