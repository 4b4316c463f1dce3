//! All layers put together: the organisation's statements, regions in names, three databases, known organisations.

use crate::corrections::Corrections;
use crate::country::Country;
use crate::error::Error;
use crate::geoid;
use crate::organisations::{Kind, Organisations};
use crate::overrides::Overrides;
use crate::region::boundaries;
use crate::regions::{Region, Regions, plain};
use crate::scope::Scope;
use crate::sources::{self, Source};
use crate::table::Table;
use crate::verdict::{Confidence, DATABASES, Holders, Triple, Triples, Vote};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};

const COUNTRIES: (&str, &[u8]) =
    ("ip/countries.bin.zst", include_bytes!("../../../knowledge/ip/countries.bin.zst").as_slice());
const HOLDERS: (&str, &[u8]) =
    ("ip/asn.bin.zst", include_bytes!("../../../knowledge/ip/asn.bin.zst").as_slice());

/// The tables that a folder of newer data may hold.
pub const FILES: [&str; 2] = ["countries.bin.zst", "asn.bin.zst"];

/// Everything known about where addresses and names lie. Built once, then unchanging; clones share the tables.
#[derive(Clone, Debug)]
pub struct Atlas {
    countries: Arc<Table<Triples>>,
    corrections: Arc<Corrections>,
    holders: Arc<Table<Holders>>,
    regions: Arc<Regions>,
    organisations: Arc<Organisations>,
    overrides: Overrides,
    sources: Vec<Source>,
}

/// Where bytes land, who runs it, whose law.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Location {
    /// What kind of address it is.
    pub scope: Scope,
    /// ISO alpha-2; nothing for what is not public, or without an answer.
    pub country: Option<String>,
    /// `override`, `host-region`, `ip-database` or `none`.
    pub country_basis: &'static str,
    /// How far `country` may be believed.
    pub confidence: Confidence,
    /// What every layer says of the country, in the order in which they are heard.
    pub votes: Vec<Vote>,
    /// Two layers name different countries.
    pub contested: bool,
    /// An edge or anycast network: the bytes may come to rest elsewhere.
    pub edge: bool,
    /// Who runs it.
    pub organization: Option<String>,
    /// `override`, `domain`, `asn` or `none`.
    pub organization_basis: &'static str,
    /// ISO alpha-2: the law that the organisation answers to.
    pub control: Option<String>,
    /// `override`, `domain`, `asn` or `none`.
    pub control_basis: &'static str,
    /// The autonomous system that announces the address.
    pub asn: Option<u32>,
    /// Its holder.
    pub as_name: Option<String>,
    /// What the holder is, where it is a known organisation.
    pub network: Option<Kind>,
}

impl Atlas {
    /// The bundled knowledge, unpacked once in a process.
    pub fn bundled() -> Result<Self, Error> {
        static BUNDLED: OnceLock<Atlas> = OnceLock::new();
        if let Some(atlas) = BUNDLED.get() {
            return Ok(atlas.clone());
        }
        let atlas = Self::unpack()?;
        Ok(BUNDLED.get_or_init(|| atlas).clone())
    }

    fn unpack() -> Result<Self, Error> {
        // The two tables are most of the work, and independent.
        let (countries, holders) = std::thread::scope(|scope| {
            let countries = scope.spawn(|| Table::<Triples>::unpack(COUNTRIES.1));
            let holders = Table::<Holders>::unpack(HOLDERS.1);
            (countries.join(), holders)
        });
        let mut sources = sources::bundled()?;
        for (file, bytes) in [COUNTRIES, HOLDERS, boundaries::FILE_AND_BYTES, geoid::FILE_AND_BYTES] {
            for source in sources.iter_mut().filter(|source| source.file == file) {
                source.bytes = len(bytes);
            }
        }
        Ok(Self {
            countries: Arc::new(countries.unwrap_or_else(|_| {
                Err(Error::Packed { file: "countries", why: "reading ended early".to_owned() })
            })?),
            corrections: Arc::new(Corrections::bundled()?),
            holders: Arc::new(holders?),
            regions: Arc::new(Regions::bundled()?),
            organisations: Arc::new(Organisations::bundled()?),
            overrides: Overrides::default(),
            sources,
        })
    }

    /// Replaces the bundled tables by those of a folder ([`FILES`], each if it is there).
    pub fn with_files(mut self, folder: &Path) -> Result<Self, Error> {
        let [countries, holders] = FILES;
        if let Some((path, bytes)) = read(folder, countries)? {
            self.countries = Arc::new(Table::unpack(&bytes)?);
            self.replaced(COUNTRIES.0, &path, len(&bytes));
        }
        if let Some((path, bytes)) = read(folder, holders)? {
            self.holders = Arc::new(Table::unpack(&bytes)?);
            self.replaced(HOLDERS.0, &path, len(&bytes));
        }
        Ok(self)
    }

    fn replaced(&mut self, file: &str, path: &str, bytes: u64) {
        for source in self.sources.iter_mut().filter(|source| source.file == file) {
            path.clone_into(&mut source.file);
            source.date.clear();
            "replaced by the user's own".clone_into(&mut source.note);
            source.bytes = bytes;
        }
    }

    /// Adds the organisation's own statements, the text of a TOML file:
    /// `[[destination]]` with `host` (`name` or `*.name`) or `cidr`, and any of `country organization control note`.
    pub fn with_overrides(mut self, toml: &str) -> Result<Self, Error> {
        self.overrides.add(toml)?;
        Ok(self)
    }

    /// The data sets that answers rest on.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Where bytes to `ip` (called `host`, if known) land, who runs it, whose law.
    pub fn locate(&self, ip: IpAddr, host: Option<&str>) -> Location {
        let host = host.map(plain).filter(|host| !host.is_empty() && host.parse::<IpAddr>().is_err());
        let host = host.as_deref();
        let stated = self.overrides.of(ip, host);
        let scope = Scope::of(ip);
        // Of an address that no recording tells, a name may still tell the region.
        let public = scope == Scope::Public || ip.is_unspecified();
        let holder = (scope == Scope::Public)
            .then(|| self.holders.find(ip))
            .flatten()
            .filter(|holder| holder.asn != 0);

        let by_host = host.and_then(|host| self.organisations.by_host(host));
        let by_address = self.organisations.by_address(crate::scope::unwrapped(ip));
        let by_asn = holder.and_then(|holder| self.organisations.by_asn(holder.asn, holder.name));
        let region = host.filter(|_| public).and_then(|host| self.regions.of(host));
        let edge = public
            && (by_host.as_ref().is_some_and(|found| found.edge)
                || by_asn.as_ref().is_some_and(|found| found.edge)
                || region.as_ref().is_some_and(|region| region.edge)
                || by_address.is_some());

        let network = by_asn.as_ref().map(|found| found.organisation.kind);
        let known = by_host
            .map(|found| (found, "domain"))
            .or_else(|| by_address.map(|found| (found, "address")))
            .or_else(|| by_asn.map(|found| (found, "asn")));
        let (mut organization, mut organization_basis, mut control, mut control_basis) = match known {
            Some((found, basis)) => (
                Some(found.organisation.name.clone()),
                basis,
                Some(found.organisation.control.clone()),
                basis,
            ),
            None => match holder.filter(|holder| !holder.name.is_empty()) {
                Some(holder) => (Some(holder.name.to_owned()), "asn", None, "none"),
                None => (None, "none", None, "none"),
            },
        };
        if let Some(name) = stated.organization {
            // Another operator than was thought: what was known of the other's law no longer holds.
            if organization.as_ref() != Some(&name) {
                (control, control_basis) = (None, "none");
            }
            (organization, organization_basis) = (Some(name), "override");
        }
        if stated.control.is_some() {
            (control, control_basis) = (stated.control, "override");
        }

        let mut location = Location {
            scope,
            country: None,
            country_basis: "none",
            confidence: Confidence::None,
            votes: Vec::new(),
            contested: false,
            edge,
            organization,
            organization_basis,
            control,
            control_basis,
            asn: holder.map(|holder| holder.asn),
            as_name: holder.map(|holder| holder.name.to_owned()).filter(|name| !name.is_empty()),
            network,
        };
        let triple = (scope == Scope::Public).then(|| self.countries.find(ip)).flatten();
        let correction = triple.as_ref().and_then(|_| self.corrections.of(ip));
        settle(&mut location, stated.country, region.as_ref(), correction, triple.as_ref());
        location
    }
}

/// The country: what the organisation states, else the region in the name, else the databases.
fn settle(
    location: &mut Location,
    stated: Option<String>,
    region: Option<&Region>,
    correction: Option<Country>,
    triple: Option<&Triple>,
) {
    let stated_here = stated.is_some();
    if stated_here {
        location.votes.push(Vote { source: "override", says: stated });
    }
    if let Some(region) = region {
        location.votes.push(Vote { source: "host-region", says: region.country.clone() });
    }
    if let Some(correction) = correction {
        location.votes.push(Vote { source: "correction", says: Some(correction.to_string()) });
    }
    if let Some(triple) = triple {
        let says = DATABASES.into_iter().zip(&triple.0);
        location
            .votes
            .extend(says.map(|(source, code)| Vote { source, says: code.map(|code| code.to_string()) }));
    }
    let mut said = location.votes.iter().filter_map(|vote| vote.says.as_deref());
    let first = said.next().map(str::to_owned);
    location.contested = said.any(|says| Some(says) != first.as_deref());

    let (by_ip, confidence) = match correction {
        Some(correction) => (Some(correction), Confidence::Moderate),
        None => triple.map_or((None, Confidence::None), Triple::settle),
    };
    let by_ip = by_ip.map(|country| country.to_string());
    let by_region = region.and_then(|region| region.country.clone());
    if stated_here {
        (location.country, location.country_basis, location.confidence) =
            (first, "override", Confidence::High);
    } else if by_region.is_some() {
        // The name says where the bytes come to rest, even behind an edge; an address elsewhere leaves a doubt.
        let agreed = by_ip.is_none() || by_ip == by_region;
        location.confidence = if agreed { Confidence::High } else { Confidence::Moderate };
        (location.country, location.country_basis) = (by_region, "host-region");
    } else if by_ip.is_some() {
        location.confidence = if location.edge { Confidence::Low } else { confidence };
        (location.country, location.country_basis) = (by_ip, "ip-database");
    }
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The largest replacement that is read: ten times the bundled ones.
const LARGEST: u64 = 32 << 20;

fn read(folder: &Path, name: &'static str) -> Result<Option<(String, Vec<u8>)>, Error> {
    let path = folder.join(name);
    let fail = |source| Error::Io { path: path.display().to_string(), source };
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fail(error)),
        Ok(found) if found.len() > LARGEST => Err(fail(std::io::Error::other("larger than any such table"))),
        Ok(_) => Ok(Some((path.display().to_string(), std::fs::read(&path).map_err(fail)?))),
    }
}
