//! Organisations: their names, networks, and whose law they answer to. Data: one file each in `knowledge/organisations`.

use crate::country::Country;
use crate::error::Error;
use crate::overrides::Net;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/organisations.rs"));

/// What an organisation is to a drone app.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// Makes drones or their apps.
    DroneMaker,
    /// Rents machines and storage.
    Cloud,
    /// Delivers from edges.
    Cdn,
    /// Code that apps carry: social, sharing, media.
    Sdk,
    /// Maps and positioning.
    Maps,
    /// Push messages.
    Push,
    /// Measures users, or collects crashes.
    Analytics,
    /// The phone's system.
    Os,
    /// Carries traffic.
    Carrier,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Organisation {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// ISO alpha-2: the law that the operating company answers to.
    pub(crate) control: String,
    /// Everything of it is an edge.
    #[serde(default)]
    pub(crate) edge: bool,
    #[serde(default)]
    domains: Vec<String>,
    /// Domains of it that are edges.
    #[serde(default)]
    edge_domains: Vec<String>,
    #[serde(default)]
    asns: Vec<u32>,
    /// Beginnings of the holder's name in the table of autonomous systems, for holders with very many of them.
    #[serde(default)]
    asn_names: Vec<String>,
    /// Addresses of it that are announced from many places.
    #[serde(default)]
    anycast: Vec<String>,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "date")]
    _date: String,
    #[serde(default, rename = "note")]
    _note: String,
}

/// Found by name or network.
pub(crate) struct Found<'a> {
    pub(crate) organisation: &'a Organisation,
    pub(crate) edge: bool,
}

/// All organisations, indexed.
#[derive(Debug)]
pub(crate) struct Organisations {
    list: Vec<Organisation>,
    /// Domain → organisation, edge.
    domains: BTreeMap<String, (usize, bool)>,
    asns: BTreeMap<u32, usize>,
    /// Longest first.
    asn_names: Vec<(String, usize)>,
    anycast: Vec<(Net, usize)>,
}

impl Organisations {
    pub(crate) fn bundled() -> Result<Self, Error> {
        Self::read(FILES)
    }

    fn read(files: &[(&str, &str)]) -> Result<Self, Error> {
        let mut all = Self {
            list: Vec::new(),
            domains: BTreeMap::new(),
            asns: BTreeMap::new(),
            asn_names: Vec::new(),
            anycast: Vec::new(),
        };
        for (file, text) in files {
            let organisation: Organisation =
                toml::from_str(text).map_err(|error| Error::toml(file, text, &error))?;
            all.add(organisation).map_err(|(field, why)| {
                let line = text.lines().position(|line| line.starts_with(field)).map_or(0, |at| at + 1);
                Error::Field { file: (*file).to_owned(), line, field, why }
            })?;
        }
        all.asn_names.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        Ok(all)
    }

    fn add(&mut self, organisation: Organisation) -> Result<(), (&'static str, String)> {
        let number = self.list.len();
        if Country::new(&organisation.control).is_none() {
            return Err(("control", format!("{:?} is not a country code", organisation.control)));
        }
        let plain = organisation.domains.iter().map(|domain| ("domains", domain, organisation.edge));
        let edges = organisation.edge_domains.iter().map(|domain| ("edge_domains", domain, true));
        for (field, domain, edge) in plain.chain(edges) {
            if domain.is_empty() || *domain != crate::regions::plain(domain) {
                return Err((field, format!("{domain:?} is not a domain in lower case")));
            }
            if self.domains.insert(domain.clone(), (number, edge)).is_some() {
                return Err((field, format!("{domain} is claimed twice")));
            }
        }
        for asn in &organisation.asns {
            if self.asns.insert(*asn, number).is_some() {
                return Err(("asns", format!("AS{asn} is claimed twice")));
            }
        }
        self.asn_names.extend(organisation.asn_names.iter().map(|name| (name.to_lowercase(), number)));
        for net in &organisation.anycast {
            let net = Net::parse(net).ok_or_else(|| ("anycast", format!("{net:?} is not a network")))?;
            self.anycast.push((net, number));
        }
        self.list.push(organisation);
        Ok(())
    }

    /// By the longest of its domains that `host` is or lies under. `host` in lower case, without a final dot.
    pub(crate) fn by_host(&self, host: &str) -> Option<Found<'_>> {
        let mut rest = host;
        loop {
            if let Some((number, edge)) = self.domains.get(rest) {
                return Some(Found { organisation: self.list.get(*number)?, edge: *edge });
            }
            rest = rest.split_once('.')?.1;
        }
    }

    /// By number, or by how the holder's name begins.
    pub(crate) fn by_asn(&self, asn: u32, holder: &str) -> Option<Found<'_>> {
        let number = self.asns.get(&asn).copied().or_else(|| {
            let holder = holder.to_lowercase();
            self.asn_names
                .iter()
                .find(|(name, _)| holder.starts_with(name.as_str()))
                .map(|(_, number)| *number)
        })?;
        let organisation = self.list.get(number)?;
        Some(Found { organisation, edge: organisation.edge })
    }

    /// By an address that is known to be the organisation's own and announced from many places: the network that
    /// carries it there may be someone else's.
    pub(crate) fn by_address(&self, ip: IpAddr) -> Option<Found<'_>> {
        let (_, number) = self.anycast.iter().find(|(net, _)| net.holds(ip))?;
        Some(Found { organisation: self.list.get(*number)?, edge: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "source = \"s\"\ndate = \"2026-11\"\n";

    #[test]
    fn the_longest_domain_wins_at_label_boundaries() {
        let all = Organisations::bundled().unwrap();
        let name = |host: &str| all.by_host(host).map(|found| found.organisation.name.clone());
        assert_eq!(name("mydjiflight.dji.com").as_deref(), Some("DJI"));
        assert_eq!(name("notdji.com"), None);
        assert_eq!(name("dji.com.example.org"), None);
        assert_eq!(name("android.bugly.qq.com").as_deref(), Some("Tencent"));
        assert_eq!(name(""), None);
        assert!(all.by_host("d111.cloudfront.net").unwrap().edge);
        assert!(!all.by_host("b.s3.amazonaws.com").unwrap().edge);
    }

    #[test]
    fn faults_name_the_file_and_line() {
        let error = |text: &str| Organisations::read(&[("x.toml", text)]).unwrap_err().to_string();
        let bad = format!("name = \"X\"\nkind = \"cloud\"\ncontrol = \"China\"\n{HEAD}");
        assert_eq!(error(&bad), "x.toml, line 3, control: \"China\" is not a country code");
        assert!(error("name = \"X\"\nkinds = 1\n").starts_with("x.toml, line 2: unknown field"));
        let twice = format!("name = \"X\"\nkind = \"cdn\"\ncontrol = \"US\"\nasns = [1, 1]\n{HEAD}");
        assert_eq!(error(&twice), "x.toml, line 4, asns: AS1 is claimed twice");
    }
}
