//! Addresses: where a device's traffic comes out. Layers of evidence for the country: [`Atlas`]; kinds of networks beside
//! the known organisations: `knowledge/region/networks.toml`.

use std::net::IpAddr;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::atlas::{Atlas, Location};
use crate::country::Country;
use crate::organisations::Kind;
use crate::region::answer::{Group, Vote, weight};
use crate::scope::Scope;
use crate::verdict::Confidence;

const TEXT: &str = include_str!("../../../../knowledge/region/networks.toml");

/// How traffic comes to an address.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Exit {
    /// A line to a building.
    Fixed,
    /// A mobile network.
    Mobile,
    /// A machine for rent, a VPN, a relay.
    Hosting,
    /// A satellite's ground station.
    Satellite,
}

impl Exit {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Fixed, Self::Mobile, Self::Hosting, Self::Satellite];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Mobile => "mobile",
            Self::Hosting => "hosting",
            Self::Satellite => "satellite",
        }
    }

    /// How often it names the true country (domain estimates).
    const fn right(self) -> f64 {
        match self {
            Self::Fixed => 0.9,
            Self::Mobile => 0.8,
            Self::Hosting | Self::Satellite => 0.3,
        }
    }

    const fn told(self) -> &'static str {
        match self {
            Self::Fixed => "a fixed line, as far as is known",
            Self::Mobile => "a mobile network",
            Self::Hosting => "machines for rent or a VPN: whoever sits behind it may be anywhere",
            Self::Satellite => "a satellite network: this is its ground station",
        }
    }
}

/// An address that traffic of the device or its user came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Address {
    /// Which.
    pub ip: IpAddr,
    /// How traffic comes to it, where that is known; else it is told from its holder.
    pub exit: Option<Exit>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "date")]
    _date: String,
    hosting: Vec<String>,
    satellite: Vec<String>,
    mobile: Vec<String>,
}

fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| toml::from_str(TEXT).unwrap_or_default())
}

fn exit(location: &Location) -> Exit {
    let holder = location.as_name.as_deref().unwrap_or_default().to_lowercase();
    let named = |parts: &[String]| parts.iter().any(|part| holder.contains(part.as_str()));
    match location.network {
        Some(Kind::Cloud | Kind::Cdn) => Exit::Hosting,
        _ if location.edge => Exit::Hosting,
        _ if named(&names().satellite) => Exit::Satellite,
        _ if named(&names().hosting) => Exit::Hosting,
        _ if named(&names().mobile) => Exit::Mobile,
        _ => Exit::Fixed,
    }
}

/// What an address says. `contract` are the countries of SIMs, `elsewhere` says of a country whether position or serving
/// network put the device outside it: then a mobile address of the SIM's own country is that of a roaming guest, whose
/// traffic is carried home first.
pub fn vote(
    address: Address,
    atlas: &Atlas,
    contract: &[Country],
    elsewhere: &dyn Fn(Country) -> bool,
) -> Vote {
    let location = atlas.locate(address.ip, None);
    let nothing = |why: String| Vote::nothing("ip", Group::Contract, why);
    if location.scope != Scope::Public {
        return nothing(format!("a {} address", location.scope.name()));
    }
    let Some(country) = location.country.as_deref().and_then(Country::new) else {
        return nothing("no database knows the address".to_owned());
    };
    let exit = address.exit.unwrap_or_else(|| exit(&location));
    let holder =
        location.organization.as_deref().or(location.as_name.as_deref()).unwrap_or("an unknown holder");
    let mut why = format!("an address of {holder} in {country}, {}", exit.told());
    let mut right = exit.right();
    if address.exit.is_none()
        && matches!(location.confidence, Confidence::Low | Confidence::None)
        && !location.edge
    {
        right = right.min(0.6);
        why.push_str("; the databases differ");
    } else if address.exit.is_none() && location.confidence == Confidence::Moderate {
        right = right.min(0.8);
        why.push_str("; not all databases agree");
    }
    if exit != Exit::Hosting && exit != Exit::Satellite && contract.contains(&country) && elsewhere(country) {
        right = 0.5;
        why.push_str(
            "; as its SIM, and neither is where the device is: a roaming guest's traffic is carried home",
        );
    }
    Vote {
        source: "ip",
        group: Group::Contract,
        says: vec![country],
        fits: Vec::new(),
        weight: weight(right),
        open: false,
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(ip: &str, exit: Option<Exit>, contract: &[&str], elsewhere: bool) -> Vote {
        let contract: Vec<Country> = contract.iter().filter_map(|code| Country::new(code)).collect();
        let address = Address { ip: ip.parse().unwrap(), exit };
        vote(address, &Atlas::bundled().unwrap(), &contract, &|_| elsewhere)
    }

    #[test]
    fn the_list_of_names_is_read() {
        assert!(!names().hosting.is_empty() && !names().satellite.is_empty() && !names().mobile.is_empty());
    }

    #[test]
    fn machines_for_rent_say_nothing() {
        // Amazon, Virginia; Alibaba, Hangzhou.
        for ip in ["54.210.139.179", "121.40.114.220"] {
            let vote = ask(ip, None, &[], false);
            assert_eq!(vote.says.len(), 1);
            assert!(vote.weight.abs() < 1e-9, "{vote:?}");
        }
    }

    #[test]
    fn lines_say_much_unless_their_user_roams() {
        let home = ask("114.114.114.114", Some(Exit::Mobile), &["CN"], false);
        assert!(home.weight > 1.0, "{home:?}");
        assert!(ask("114.114.114.114", Some(Exit::Mobile), &["CN"], true).weight.abs() < 1e-9);
        assert!(ask("192.168.1.1", None, &[], false).says.is_empty());
    }
}
