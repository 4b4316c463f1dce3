//! Mobile country codes: of the network that serves a device, and of its SIM. Data: `knowledge/region/mcc.toml`.
//!
//! The network's code says where a device is (Android: `getNetworkOperator`); the SIM's says where its contract is
//! (`getSimOperator`). Cells reach some 35 km over a border.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::Error;
use crate::country::Country;
use crate::region::answer::{Group, Vote, weight};
use crate::region::boundaries::Whereabouts;

const FILE: &str = "mcc.toml";
const TEXT: &str = include_str!("../../../../knowledge/region/mcc.toml");
/// How far cells reach over a border, in metres.
const SPILL_M: f64 = 35_000.0;
/// How often each names the true country (domain estimates).
const NETWORK: f64 = 0.97;
const SIM: f64 = 0.7;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "date")]
    _date: String,
    shared: BTreeMap<String, String>,
    codes: BTreeMap<String, String>,
}

/// What a code stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Code {
    /// Countries that it is assigned to, and others whose networks use it.
    Of(Vec<Country>, Vec<Country>),
    /// No country; what it is.
    Shared(String),
}

/// All codes.
#[derive(Debug)]
pub struct Codes(BTreeMap<u16, Code>);

impl Codes {
    /// The bundled ones.
    pub fn bundled() -> Result<&'static Self, Error> {
        static BUNDLED: OnceLock<Codes> = OnceLock::new();
        if let Some(known) = BUNDLED.get() {
            return Ok(known);
        }
        let read = Self::read(TEXT)?;
        Ok(BUNDLED.get_or_init(|| read))
    }

    fn read(text: &str) -> Result<Self, Error> {
        let file: File = toml::from_str(text).map_err(|error| Error::toml(FILE, text, &error))?;
        let fault = |field, value: &str| Error::Field {
            file: FILE.to_owned(),
            line: text.lines().position(|line| line.starts_with(value)).map_or(0, |at| at + 1),
            field,
            why: format!("{value:?} cannot be read"),
        };
        let number = |code: &str| {
            let number = code.parse().ok().filter(|_| code.len() == 3);
            number.ok_or_else(|| fault("codes", code))
        };
        let mut all = BTreeMap::new();
        for (code, what) in file.shared {
            all.insert(number(&code)?, Code::Shared(what));
        }
        for (code, countries) in file.codes {
            let mut words = countries.split(' ');
            let read = |word: &str| Country::new(word).ok_or_else(|| fault("codes", &code));
            let of = words.next().unwrap_or_default().split('/').map(read).collect::<Result<_, _>>()?;
            let used = words.map(read).collect::<Result<_, _>>()?;
            all.insert(number(&code)?, Code::Of(of, used));
        }
        Ok(Self(all))
    }

    /// What a code stands for.
    pub fn of(&self, code: u16) -> Option<&Code> {
        self.0.get(&code)
    }

    /// The one country that a code is assigned to.
    pub fn assigned(&self, code: u16) -> Option<Country> {
        match self.of(code)? {
            Code::Of(of, _) if of.len() == 1 => of.first().copied(),
            _ => None,
        }
    }

    /// What the serving network's code says of a device, which is thought to be `place`.
    pub fn network(&self, code: u16, place: Option<&Whereabouts>) -> Vote {
        let mut vote = self.vote("network-mcc", Group::Network, code, NETWORK);
        let spill = place.and_then(|place| nearest(place, &vote.says)).filter(|metres| *metres < SPILL_M);
        if let Some(metres) = spill {
            vote.weight = weight(0.5 + (NETWORK - 0.5) * metres / SPILL_M);
            vote.why =
                format!("{}; its cells may reach over the border, {:.0} km away", vote.why, metres / 1000.0);
        }
        vote
    }

    /// What the code of a SIM says.
    pub fn sim(&self, code: u16) -> Vote {
        let mut vote = self.vote("sim-mcc", Group::Contract, code, SIM);
        if !vote.says.is_empty() {
            vote.why.push_str("; a contract travels with its owner");
        }
        vote
    }

    fn vote(&self, source: &'static str, group: Group, code: u16, right: f64) -> Vote {
        match self.of(code) {
            None => Vote::nothing(source, group, format!("{code:03} is not an assigned code")),
            Some(Code::Shared(what)) => {
                Vote::nothing(source, group, format!("{code:03} is of no country ({what})"))
            }
            Some(Code::Of(says, fits)) => {
                let of = says.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let why = format!("{code:03} is a code of {of}");
                Vote {
                    source,
                    group,
                    says: says.clone(),
                    fits: fits.clone(),
                    weight: weight(right),
                    open: false,
                    why,
                }
            }
        }
    }
}

/// How far the nearest of these countries is; nothing, where the place is on their land or off their coast.
fn nearest(place: &Whereabouts, countries: &[Country]) -> Option<f64> {
    let coast = place.near.first().map(|(country, _)| *country).filter(|_| place.sea);
    if place.land.or(coast).is_some_and(|there| countries.contains(&there)) {
        return None;
    }
    place.near.iter().find(|(country, _)| countries.contains(country)).map(|(_, metres)| *metres)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::boundaries::Boundaries;

    fn says(code: u16) -> Vec<String> {
        Codes::bundled().unwrap().network(code, None).says.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn codes_are_those_of_the_list() {
        for (code, country) in [
            (460, "CN"),
            (461, "CN"),
            (454, "HK"),
            (455, "MO"),
            (466, "TW"),
            (310, "US"),
            (316, "US"),
            (440, "JP"),
        ] {
            assert_eq!(says(code), [country], "{code}");
        }
        for code in [1, 901, 999, 0, 65535] {
            assert!(says(code).is_empty(), "{code}");
        }
        assert!(says(340).len() > 1);
    }

    #[test]
    fn near_a_border_a_network_says_less() {
        let codes = Codes::bundled().unwrap();
        let shenzhen = Boundaries::bundled().unwrap().at(22.60, 114.00).unwrap();
        let far = codes.network(454, None).weight;
        let near = codes.network(454, Some(&shenzhen)).weight;
        assert!(near < far / 2.0, "{near} {far}");
        assert!((codes.network(460, Some(&shenzhen)).weight - far).abs() < 1e-9);
    }

    #[test]
    fn faults_name_the_line() {
        let bad = "source = \"\"\ndate = \"\"\n[shared]\n[codes]\n46 = \"CN\"\n";
        assert_eq!(
            Codes::read(bad).unwrap_err().to_string(),
            "mcc.toml, line 5, codes: \"46\" cannot be read"
        );
    }
}
