//! What the law of a place asks of those who fly: registration, remote identification, whose zones hold, whether telemetry
//! may be cut in flight. Data: `knowledge/jurisdictions/`, each line with its source and date.
//!
//! No advice: lines say what was read where and when, and are marked where nobody read it again.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::Error;
use crate::country::Country;

const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/jurisdictions.rs"));

/// Whether an operator may cut an aircraft's telemetry to the network in flight.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Cut {
    /// It may.
    Lawful,
    /// It must not.
    Unlawful,
    /// Nobody looked it up in the law itself.
    Unknown,
}

impl Cut {
    /// Its name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lawful => "lawful",
            Self::Unlawful => "unlawful",
            Self::Unknown => "unknown",
        }
    }
}

/// A jurisdiction.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// Its name.
    pub name: String,
    countries: Vec<String>,
    /// Whether telemetry may be cut.
    pub telemetry_cut: Cut,
    /// What the law asks for.
    #[serde(rename = "line")]
    pub lines: Vec<Duty>,
    /// What a list of aircraft can be checked for.
    pub fleet: Option<FleetRule>,
}

/// One duty.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// `registration`, `remote-id`, `zones`, `telemetry` or `maps`.
    pub topic: String,
    /// What it is.
    pub says: String,
    /// Where that was read.
    pub source: String,
    /// When.
    pub date: String,
    /// Known, and not read again.
    #[serde(default)]
    pub unverified: bool,
}

/// Who is registered.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Registered {
    /// Each aircraft.
    Aircraft,
    /// Whoever operates it.
    Operator,
}

/// What entries of a fleet's list must have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetRule {
    /// Who is registered.
    pub registration: Registered,
    /// From which mass on, in grams.
    pub from_g: u32,
    /// What numbers look like: `A` a capital, `#` a letter or digit, `*` the rest, others themselves. None: not known.
    pub forms: Vec<String>,
    /// How many characters behind such a number are secret.
    #[serde(default)]
    pub secret: usize,
    /// Whether the serial number is sent by remote identification, so that it must be one of CTA-2063-A.
    pub serial: bool,
    /// From which mass on, in grams, aircraft send remote identification, but for exceptions that its line tells; nothing:
    /// no such duty is known.
    pub remote_id_from_g: Option<u32>,
    /// Where this is from.
    pub forms_source: String,
}

impl Pack {
    /// Where the duty to send remote identification was read.
    pub fn remote_id_source(&self) -> Option<&str> {
        self.lines.iter().find(|line| line.topic == "remote-id").map(|line| line.source.as_str())
    }

    /// Whether it holds in a country.
    pub fn holds_in(&self, country: Country) -> bool {
        self.countries.iter().any(|code| Country::new(code) == Some(country))
    }
}

/// All jurisdictions.
pub fn packs() -> Result<&'static [Pack], Error> {
    static PACKS: OnceLock<Vec<Pack>> = OnceLock::new();
    if let Some(known) = PACKS.get() {
        return Ok(known);
    }
    let read: Vec<Pack> = FILES.iter().map(|(file, text)| read(file, text)).collect::<Result<_, _>>()?;
    Ok(PACKS.get_or_init(|| read))
}

/// The jurisdiction of a country, where there is a file of it.
pub fn of(country: Country) -> Result<Option<&'static Pack>, Error> {
    Ok(packs()?.iter().find(|pack| pack.holds_in(country)))
}

fn read(file: &str, text: &str) -> Result<Pack, Error> {
    let pack: Pack = toml::from_str(text).map_err(|error| Error::toml(file, text, &error))?;
    match pack.countries.iter().find(|code| Country::new(code).is_none()) {
        None => Ok(pack),
        Some(code) => Err(Error::Field {
            file: file.to_owned(),
            line: text.lines().position(|line| line.starts_with("countries")).map_or(0, |at| at + 1),
            field: "countries",
            why: format!("{code:?} is not a country code"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_source_and_date_and_no_country_has_two_laws() {
        let mut known = Vec::new();
        for pack in packs().unwrap() {
            for topic in ["registration", "remote-id", "zones", "telemetry"] {
                assert!(pack.lines.iter().any(|line| line.topic == topic), "{}: {topic}", pack.name);
            }
            for line in &pack.lines {
                assert!(!line.says.is_empty() && !line.source.is_empty() && line.date.len() >= 7, "{line:?}");
                assert_eq!(line.unverified, line.source.contains("general knowledge"), "{line:?}");
            }
            for code in &pack.countries {
                assert!(!known.contains(code), "{code}");
                known.push(code.clone());
            }
        }
        for code in ["US", "DE", "GB", "CN", "HK", "TW", "JP", "AU", "CA"] {
            assert!(of(Country::new(code).unwrap()).unwrap().is_some(), "{code}");
        }
    }

    #[test]
    fn only_the_mainland_forbids_to_cut_its_reports() {
        let cut = |code: &str| of(Country::new(code).unwrap()).unwrap().unwrap().telemetry_cut;
        assert_eq!((cut("CN"), cut("US")), (Cut::Unlawful, Cut::Unknown));
        assert!(["HK", "TW"].into_iter().all(|code| cut(code) == Cut::Unknown));
    }
}
