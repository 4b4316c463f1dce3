//! Registers that the examiner brings: protected places, zones of airspace.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use creance_place::{
    sites::Sites,
    zones::{Source, Zones},
};

use crate::{Error, files};

/// The largest register that is read, in bytes.
const LARGEST: u64 = 1 << 30;

/// The protected places of a file. Errors: it cannot be read, or is no register; they name the file.
pub fn sites(path: &Path) -> Result<Sites, Error> {
    let read = creance_place::sites::read(&bytes(path)?);
    read.map_err(|why| Error::File { path: path.display().to_string(), why })
}

/// The zones of files. Errors: one cannot be read, or has no zones; they name the file and the field.
pub fn zones(paths: &[PathBuf]) -> Result<Zones, Error> {
    let read = |path: &PathBuf| {
        let shown = path.display().to_string();
        creance_place::zones::read(&shown, &bytes(path)?).map_err(|why| Error::File { path: shown, why })
    };
    Ok(Zones::new(paths.iter().map(read).collect::<Result<Vec<_>, Error>>()?))
}

/// Sectors that a sentence names.
const NAMED: usize = 5;

/// A sentence for the reader on sectors of sites that are none of those of CISA.
pub fn strange_sectors(sites: &Sites) -> Option<String> {
    let strange = sites.strange_sectors();
    let count: usize = strange.values().sum();
    let names: Vec<String> = strange.keys().take(NAMED).map(|name| format!("`{name}`")).collect();
    let more = strange.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (count > 0).then(|| {
        format!(
            "{count} of {} protected places have a sector that is none of CISA's sixteen, nor law enforcement, and is kept \
             as it is written: {}{more}.",
            sites.len(),
            names.join(", ")
        )
    })
}

/// Sentences for the reader on sites and zones that could not be read, and so were not compared.
pub fn unread(sites: &Sites, zones: &Zones) -> Vec<String> {
    let of = |source: &Source| {
        let told = |flaw: &String| format!("Not read in {}: {flaw}.", source.file);
        source.flaws.iter().map(told).collect::<Vec<_>>()
    };
    let of_sites = sites.flaws().iter().map(|flaw| format!("Not read in the register of sites: {flaw}."));
    of_sites.chain(zones.sources().iter().flat_map(of)).collect()
}

fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    bounded(path, LARGEST)
}

/// A file of at most so many bytes; it may grow while it is read.
fn bounded(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let shown = || path.display().to_string();
    let io = |source| Error::Io { path: shown(), source };
    files::regular(path).map_err(io)?;
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(io)?;
    if bytes.len() as u64 > most {
        let why = format!("more than {most} bytes: split it into smaller files");
        return Err(Error::File { path: shown(), why });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_strange_in_registers_is_told() {
        let read = |text: &str| creance_place::sites::read(text.as_bytes()).unwrap();
        let sites = read("name,lat,lon,sector\na,1,1,widgets\nb,1,1,ENRG\nc,1,1,widgets\nd,1,1,\n");
        let told = strange_sectors(&sites).unwrap();
        assert!(told.starts_with("2 of 4 ") && told.ends_with("written: `widgets`."), "{told}");
        assert_eq!(strange_sectors(&read("lat,lon,sector\n1,1,law enforcement\n")), None);
        let text = r#"{"type":"FeatureCollection","features":[
            {"type":"Feature","properties":{"name":"Bad","type":"PROHIBITED"},"geometry":{"type":"Point","coordinates":[8,147]}},
            {"type":"Feature","properties":{"name":"Good","radius":9},"geometry":{"type":"Point","coordinates":[8,47]}}]}"#;
        let zones = Zones::new([creance_place::zones::read("z.json", text.as_bytes()).unwrap()]);
        let told = unread(&read("lat,lon\n1,1\nx,1\n"), &zones);
        assert_eq!(told[0], "Not read in the register of sites: row 3: it has no latitude and longitude.");
        assert!(told.len() == 2 && told[1].starts_with("Not read in z.json: zone 1, `Bad`: "), "{told:?}");
    }

    #[test]
    fn what_is_too_large_or_no_file_is_refused() {
        let folder = std::env::temp_dir();
        let path = folder.join(format!("creance-register-{}", std::process::id()));
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(bounded(&path, 5).unwrap(), b"12345");
        assert!(matches!(bounded(&path, 4), Err(Error::File { .. })));
        std::fs::remove_file(path).unwrap();
        assert!(matches!(bytes(&folder), Err(Error::Io { .. })));
    }
}
