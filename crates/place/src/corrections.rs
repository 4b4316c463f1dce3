//! Networks of which the databases are known to be wrong. Data, with reasons: `knowledge/ip/corrections.toml`.

use crate::country::Country;
use crate::error::{Error, line_of};
use crate::overrides::Net;
use crate::scope::unwrapped;
use serde::Deserialize;
use std::net::IpAddr;
use toml::Spanned;

const FILE: &str = "corrections.toml";
const TEXT: &str = include_str!("../../../knowledge/ip/corrections.toml");

/// All corrections.
#[derive(Debug)]
pub(crate) struct Corrections(Vec<(Net, Country)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    correction: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    net: Spanned<String>,
    country: Spanned<String>,
    #[serde(rename = "why")]
    _why: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "date")]
    _date: String,
}

impl Corrections {
    pub(crate) fn bundled() -> Result<Self, Error> {
        Self::read(TEXT)
    }

    fn read(text: &str) -> Result<Self, Error> {
        let file: File = toml::from_str(text).map_err(|error| Error::toml(FILE, text, &error))?;
        let fault = |field: &'static str, value: &Spanned<String>| Error::Field {
            file: FILE.to_owned(),
            line: line_of(text, value.span().start),
            field,
            why: format!("{:?} cannot be read", value.get_ref()),
        };
        let read = |entry: &Entry| {
            let net = Net::parse(entry.net.get_ref()).ok_or_else(|| fault("net", &entry.net))?;
            let country =
                Country::new(entry.country.get_ref()).ok_or_else(|| fault("country", &entry.country))?;
            Ok((net, country))
        };
        file.correction.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn of(&self, ip: IpAddr) -> Option<Country> {
        let ip = unwrapped(ip);
        self.0.iter().find(|(net, _)| net.holds(ip)).map(|(_, country)| *country)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correction_is_as_narrow_as_it_says() {
        let corrections = Corrections::bundled().unwrap();
        assert_eq!(corrections.of("119.29.29.29".parse().unwrap()), Country::new("CN"));
        assert_eq!(corrections.of("119.29.30.1".parse().unwrap()), None);
    }

    #[test]
    fn faults_name_the_line() {
        let bad = "[[correction]]\nnet = \"1.2.3.0/24\"\ncountry = \"cn\"\nwhy = \"\"\nsource = \"\"\ndate = \"\"\n";
        assert_eq!(
            Corrections::read(bad).unwrap_err().to_string(),
            "corrections.toml, line 3, country: \"cn\" cannot be read"
        );
    }
}
