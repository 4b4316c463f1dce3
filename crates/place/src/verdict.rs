//! What the tables hold, and how several answers become one with a stated confidence.

use crate::country::Country;
use crate::error::Error;
use crate::table::{Entry, Reader};

/// How far an answer may be believed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Confidence {
    /// There is no answer.
    None,
    /// One source alone, all differ, or an edge network.
    Low,
    /// Sources disagree, or only two answered.
    Moderate,
    /// All agree.
    High,
}

impl Confidence {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Moderate => "moderate",
            Self::High => "high",
        }
    }
}

/// What one source says of a country.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Vote {
    /// `override`, `host-region`, `correction`, `tor-geoip`, `whois` or `dbip`.
    pub source: &'static str,
    /// ISO alpha-2; nothing: it has no answer.
    pub says: Option<String>,
}

/// The country databases, most reliable first (spot checks of November 2026: `knowledge/SOURCES.toml`).
pub(crate) const DATABASES: [&str; 3] = ["tor-geoip", "whois", "dbip"];

/// What the three country databases say of a range, in the order of [`DATABASES`].
#[derive(Debug)]
pub(crate) struct Triple(pub(crate) [Option<Country>; 3]);

/// A table of what the country databases say.
#[derive(Debug)]
pub(crate) struct Triples;

impl Entry for Triples {
    type Value<'a> = Triple;
    const KIND: u8 = 1;
    const FILE: &'static str = "countries";
    const LEAST: usize = 6;

    fn read(reader: &mut Reader<'_>) -> Result<Triple, Error> {
        let mut codes = [None; 3];
        for code in &mut codes {
            let bytes = [reader.u8()?, reader.u8()?];
            *code = Country::from_bytes(bytes);
            if code.is_none() && bytes != [0; 2] {
                return Err(reader.error("a country code that is not two capitals"));
            }
        }
        Ok(Triple(codes))
    }
}

impl Triple {
    /// The majority; where all differ, the most reliable.
    pub(crate) fn settle(&self) -> (Option<Country>, Confidence) {
        let said: Vec<Country> = self.0.iter().flatten().copied().collect();
        let Some(first) = said.first().copied() else { return (None, Confidence::None) };
        let votes = |country: Country| said.iter().filter(|said| **said == country).count();
        // Strictly more votes are needed to beat a more reliable source.
        let best = said
            .iter()
            .copied()
            .fold(first, |best, other| if votes(other) > votes(best) { other } else { best });
        let confidence = match votes(best) {
            3 => Confidence::High,
            2 => Confidence::Moderate,
            _ => Confidence::Low,
        };
        (Some(best), confidence)
    }
}

/// Who announces a range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder<'a> {
    /// 0: nobody.
    pub(crate) asn: u32,
    pub(crate) name: &'a str,
}

/// A table of who announces what.
#[derive(Debug)]
pub(crate) struct Holders;

impl Entry for Holders {
    type Value<'a> = Holder<'a>;
    const KIND: u8 = 2;
    const FILE: &'static str = "autonomous systems";
    const LEAST: usize = 2;

    fn read<'a>(reader: &mut Reader<'a>) -> Result<Holder<'a>, Error> {
        let asn = u32::try_from(reader.leb128()?).map_err(|_| reader.error("an AS number too high"))?;
        let len = reader.count(1)?;
        let name =
            std::str::from_utf8(reader.take(len)?).map_err(|_| reader.error("a name that is not UTF-8"))?;
        Ok(Holder { asn, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_majority_wins() {
        let settle = |codes: [&str; 3]| {
            let (country, confidence) = Triple(codes.map(Country::new)).settle();
            (country.map(|c| c.to_string()), confidence)
        };
        let says = |code: &str| Some(code.to_owned());
        assert_eq!(settle(["HK", "HK", "HK"]), (says("HK"), Confidence::High));
        assert_eq!(settle(["HK", "CN", "HK"]), (says("HK"), Confidence::Moderate));
        assert_eq!(settle(["CN", "HK", "HK"]), (says("HK"), Confidence::Moderate));
        assert_eq!(settle(["TW", "CN", "HK"]), (says("TW"), Confidence::Low));
        assert_eq!(settle(["", "CN", "HK"]), (says("CN"), Confidence::Low));
        assert_eq!(settle(["", "", "MO"]), (says("MO"), Confidence::Low));
        assert_eq!(settle(["", "", ""]), (None, Confidence::None));
    }
}
