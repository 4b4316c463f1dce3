//! The organisation's own statements about destinations: what it knows better than any database.
//!
//! ```toml
//! [[destination]]
//! host = "*.uas.example.org"        # or cidr = "198.51.100.0/24"
//! country = "US"
//! organization = "Example Utility"
//! control = "US"
//! note = "our own relay"
//! ```

use crate::country::Country;
use crate::error::{Error, line_of};
use crate::regions::{labels_before, plain};
use crate::scope::unwrapped;
use serde::Deserialize;
use std::net::IpAddr;
use toml::Spanned;

/// A network: an address and how many of its bits count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Net {
    address: IpAddr,
    bits: u32,
}

impl Net {
    /// `198.51.100.0/24`, `2001:db8::/32`, or a single address.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= width)?,
            None => width,
        };
        Some(Self { address, bits })
    }

    pub(crate) fn holds(&self, ip: IpAddr) -> bool {
        match (self.address, ip) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                (u32::from(net) ^ u32::from(ip)).checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                (u128::from(net) ^ u128::from(ip)).checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// What the organisation says of one destination.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statement {
    pub(crate) country: Option<String>,
    pub(crate) organization: Option<String>,
    pub(crate) control: Option<String>,
}

/// All statements. Of several that fit, a host beats a network, and the longer beats the shorter; what one leaves out the next may say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// Pattern's length, the name without `*.`, whether names under it count.
    hosts: Vec<(String, bool, Statement)>,
    nets: Vec<(Net, Statement)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    destination: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    host: Option<Spanned<String>>,
    cidr: Option<Spanned<String>>,
    country: Option<Spanned<String>>,
    organization: Option<Spanned<String>>,
    control: Option<Spanned<String>>,
    #[serde(default, rename = "note")]
    _note: String,
}

const FILE: &str = "destinations";

impl Overrides {
    pub(crate) fn add(&mut self, text: &str) -> Result<(), Error> {
        let file: File = toml::from_str(text).map_err(|error| Error::toml(FILE, text, &error))?;
        let fault = |at: usize, field: &'static str, why: String| Error::Field {
            file: FILE.to_owned(),
            line: line_of(text, at),
            field,
            why,
        };
        for entry in file.destination {
            let at = entry.span().start;
            let entry = entry.into_inner();
            let code = |field: &'static str, value: Option<Spanned<String>>| match value {
                Some(value) if Country::new(value.get_ref()).is_none() => {
                    let why = format!("{:?} is not a two-letter country code in capitals", value.get_ref());
                    Err(fault(value.span().start, field, why))
                }
                value => Ok(value.map(Spanned::into_inner)),
            };
            let organization = match entry.organization {
                Some(name) if name.get_ref().trim().is_empty() => {
                    return Err(fault(name.span().start, "organization", "is empty".to_owned()));
                }
                name => name.map(Spanned::into_inner),
            };
            let statement = Statement {
                country: code("country", entry.country)?,
                control: code("control", entry.control)?,
                organization,
            };
            match (entry.host, entry.cidr) {
                (Some(host), None) => {
                    let name = plain(host.get_ref());
                    let (name, under) =
                        name.strip_prefix("*.").map_or((name.as_str(), false), |name| (name, true));
                    if name.is_empty() || name.contains(['*', '/', ':', ' ']) {
                        let why = format!("{:?} is not a host name or *.name", host.get_ref());
                        return Err(fault(host.span().start, "host", why));
                    }
                    self.hosts.push((name.to_owned(), under, statement));
                }
                (None, Some(cidr)) => {
                    let net = Net::parse(cidr.get_ref()).ok_or_else(|| {
                        fault(cidr.span().start, "cidr", format!("{:?} is not a network", cidr.get_ref()))
                    })?;
                    self.nets.push((net, statement));
                }
                (None, None) => return Err(fault(at, "host", "give host or cidr".to_owned())),
                (Some(_), Some(cidr)) => {
                    return Err(fault(cidr.span().start, "cidr", "give host or cidr, not both".to_owned()));
                }
            }
        }
        // Stable: of equals, the one stated first wins.
        self.hosts.sort_by_key(|(name, under, _)| (std::cmp::Reverse(name.len()), *under));
        self.nets.sort_by_key(|(net, _)| std::cmp::Reverse(net.bits));
        Ok(())
    }

    /// What is said of an address and name. `*.name` fits what lies under name, not name itself.
    pub(crate) fn of(&self, ip: IpAddr, host: Option<&str>) -> Statement {
        let hosts = self.hosts.iter().filter(|(name, under, _)| {
            host.and_then(|host| labels_before(host, name)).is_some_and(|left| left.is_empty() != *under)
        });
        let nets = self.nets.iter().filter(|(net, _)| net.holds(ip) || net.holds(unwrapped(ip)));
        let fitting = hosts.map(|(_, _, statement)| statement).chain(nets.map(|(_, statement)| statement));
        fitting.fold(Statement::default(), |said, next| Statement {
            country: said.country.or_else(|| next.country.clone()),
            organization: said.organization.or_else(|| next.organization.clone()),
            control: said.control.or_else(|| next.control.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Overrides, String> {
        let mut overrides = Overrides::default();
        overrides.add(text).map(|()| overrides).map_err(|error| error.to_string())
    }

    #[test]
    fn the_most_specific_statement_wins() {
        let overrides = read(
            r#"
            [[destination]]
            cidr = "10.0.0.0/8"
            country = "US"
            organization = "All"
            [[destination]]
            cidr = "10.1.0.0/16"
            country = "CA"
            [[destination]]
            host = "*.example.org"
            organization = "Ours"
            [[destination]]
            host = "hub.example.org"
            organization = "Hub"
            "#,
        )
        .unwrap();
        let of = |ip: &str, host| overrides.of(ip.parse().unwrap(), host);
        assert_eq!(of("10.1.2.3", None).country.as_deref(), Some("CA"));
        assert_eq!(of("10.1.2.3", None).organization.as_deref(), Some("All"));
        assert_eq!(of("::ffff:10.9.9.9", None).country.as_deref(), Some("US"));
        assert_eq!(of("8.8.8.8", Some("hub.example.org")).organization.as_deref(), Some("Hub"));
        assert_eq!(of("8.8.8.8", Some("a.b.example.org")).organization.as_deref(), Some("Ours"));
        assert_eq!(of("8.8.8.8", Some("example.org")).organization, None);
        assert_eq!(of("8.8.8.8", Some("badexample.org")).organization, None);
    }

    #[test]
    fn faults_name_line_and_field() {
        let fault = |text: &str| read(text).unwrap_err();
        assert_eq!(
            fault("[[destination]]\nhost = \"a.example\"\ncountry = \"usa\"\n"),
            "destinations, line 3, country: \"usa\" is not a two-letter country code in capitals"
        );
        assert_eq!(
            fault("[[destination]]\ncidr = \"10.0.0.0/40\"\n"),
            "destinations, line 2, cidr: \"10.0.0.0/40\" is not a network"
        );
        assert!(fault("\n[[destination]]\ncountry = \"US\"\n").ends_with("host: give host or cidr"));
        assert!(
            fault("[[destination]]\nhost = \"a\"\ncidr = \"10.0.0.0/8\"\n")
                .contains("line 3, cidr: give host or cidr, not both")
        );
        assert!(
            fault("[[destination]]\nhost = \"a\"\nplace = \"US\"\n")
                .starts_with("destinations, line 3: unknown field")
        );
        assert!(fault("[[destination]]\nhost = \n").starts_with("destinations, line 2: "));
        assert!(fault("[[destination]]\nhost = \"a.*.b\"\n").contains("line 2, host"));
    }

    #[test]
    fn networks_of_every_length() {
        let holds = |net: &str, ip: &str| Net::parse(net).unwrap().holds(ip.parse().unwrap());
        assert!(holds("0.0.0.0/0", "255.1.1.1"));
        assert!(holds("1.2.3.4", "1.2.3.4"));
        assert!(!holds("1.2.3.4", "1.2.3.5"));
        assert!(holds("::/0", "2001:db8::1"));
        assert!(!holds("::/0", "1.1.1.1"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!holds("2001:db8::/32", "2001:db9::1"));
        assert!(Net::parse("1.2.3.0/33").is_none());
    }
}
