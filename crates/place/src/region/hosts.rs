//! Hosts: which branch of a vendor's service an app uses, and where the bytes to it land.
//!
//! A label like `us` or `hk` in a host's name is the vendor's own word for the branch; a cloud's region in the name is
//! where the branch is stored; the address is the weakest of the three.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use crate::atlas::Atlas;
use crate::country::Country;
use crate::region::Landing;
use crate::region::answer::{Group, Vote, weight};

/// A host that an app talked to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HostUsed {
    /// Its name.
    pub name: String,
    /// Its address, where it is known.
    pub ip: Option<IpAddr>,
    /// Bytes that went there.
    pub bytes: u64,
    /// Whether it belongs to the app's own vendor.
    pub vendor: bool,
    /// Whether it does, and was used once the app had made up its mind: others tell nothing of what the app believes.
    pub branch: bool,
}

/// Words for branches. Two-letter words that are also words of trade (`in`, `my`, `id`, `is`, `ca`, `co`, `io`) are left out.
const WORDS: &[(&str, &str)] = &[
    ("us", "US"),
    ("usa", "US"),
    ("cn", "CN"),
    ("china", "CN"),
    ("mainland", "CN"),
    ("hk", "HK"),
    ("hongkong", "HK"),
    ("macau", "MO"),
    ("macao", "MO"),
    ("tw", "TW"),
    ("taiwan", "TW"),
    ("jp", "JP"),
    ("japan", "JP"),
    ("kr", "KR"),
    ("korea", "KR"),
    ("sg", "SG"),
    ("singapore", "SG"),
    ("au", "AU"),
    ("gb", "GB"),
    ("uk", "GB"),
    ("de", "DE"),
    ("germany", "DE"),
    ("fr", "FR"),
    ("ru", "RU"),
    ("russia", "RU"),
    ("br", "BR"),
    ("brazil", "BR"),
    ("india", "IN"),
    ("canada", "CA"),
];

/// How often a branch that is named like this, or whose address lies there, is that of the country believed in: where all of
/// the vendor's hosts are named alike, and where but few are (one store in Hong Kong serves many countries).
const NAMED: f64 = 0.9;
const FEW_NAMED: f64 = 0.6;
const PLACED: f64 = 0.75;
/// Several branches at once.
const MIXED: f64 = 0.7;

/// The country that a vendor's word for a branch means.
pub fn word(word: &str) -> Option<Country> {
    let (_, code) = WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word))?;
    Country::new(code)
}

/// The branch that a host's name says, and by which word.
pub fn branch(host: &str) -> Option<(Country, String)> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let labels: Vec<&str> = host.split('.').collect();
    // The last two are the organisation's own name and its registry, which say where it is at home.
    let (own, _) = labels.split_at(labels.len().saturating_sub(2));
    let words = own.iter().flat_map(|label| label.split(['-', '_']));
    let mut found = words.filter_map(|label| Some((word(label)?, label.to_owned())));
    // The word nearest to the organisation's name, if there are several.
    found.next_back().or_else(|| {
        let region = crate::regions::region_of_host(&host)?;
        Some((Country::new(&region.country?)?, region.label))
    })
}

/// What the hosts used say of the country that the app believes in.
pub fn votes(hosts: &[HostUsed], atlas: &Atlas) -> Vec<Vote> {
    let branches = || hosts.iter().filter(|host| host.branch);
    let mut named: BTreeMap<Country, Vec<String>> = BTreeMap::new();
    for host in branches() {
        if let Some((country, word)) = branch(&host.name) {
            named.entry(country).or_default().push(word);
        }
    }
    if !named.is_empty() {
        let all = u32::try_from(branches().count()).unwrap_or(u32::MAX);
        let of_all = u32::try_from(named.values().map(Vec::len).sum::<usize>()).unwrap_or(u32::MAX);
        let share = f64::from(of_all) / f64::from(all.max(1));
        let right =
            if named.len() == 1 { FEW_NAMED + (NAMED - FEW_NAMED) * share } else { MIXED.min(share + 0.5) };
        let told = |(country, mut words): (Country, Vec<String>)| {
            let hosts = words.len();
            words.sort();
            words.dedup();
            let words = words.join("\", \"");
            let why = format!("{hosts} of {all} {} named after {country} (\"{words}\")", of_hosts(2));
            Vote::one("host", Group::Hosts, country, right, why)
        };
        return named.into_iter().map(told).collect();
    }
    let mut placed: BTreeMap<Country, usize> = BTreeMap::new();
    for host in branches() {
        let ip = host.ip.unwrap_or(IpAddr::from([0, 0, 0, 0]));
        let location = atlas.locate(ip, Some(&host.name));
        if let Some(country) = location.country.as_deref().and_then(Country::new).filter(|_| !location.edge) {
            *placed.entry(country).or_default() += 1;
        }
    }
    let told = |(country, hosts): (Country, usize)| Vote {
        source: "host",
        group: Group::Hosts,
        says: vec![country],
        fits: Vec::new(),
        weight: weight(PLACED),
        open: false,
        why: format!(
            "{hosts} {} whose addresses lie in {country}; none is named after a country",
            of_hosts(hosts)
        ),
    };
    placed.into_iter().map(told).collect()
}

fn of_hosts(count: usize) -> &'static str {
    if count == 1 { "host of the vendor" } else { "hosts of the vendor" }
}

/// Where the bytes to all hosts landed, by country (nothing: unknown).
pub fn landed(hosts: &[HostUsed], atlas: &Atlas) -> BTreeMap<Option<Country>, Landing> {
    let mut landed: BTreeMap<Option<Country>, Landing> = BTreeMap::new();
    let mut told: HashSet<(Option<Country>, String)> = HashSet::new();
    for host in hosts {
        let ip = host.ip.unwrap_or(IpAddr::from([0, 0, 0, 0]));
        let location = atlas.locate(ip, Some(&host.name).filter(|name| !name.is_empty()).map(String::as_str));
        let country = location.country.as_deref().and_then(Country::new);
        let known = landed.entry(country).or_default();
        let name = if host.name.is_empty() { ip.to_string() } else { host.name.clone() };
        if told.insert((country, name.clone())) {
            known.hosts.push(name);
        }
        known.bytes = known.bytes.saturating_add(host.bytes);
        known.vendor |= host.vendor;
    }
    landed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(host: &str) -> Option<String> {
        branch(host).map(|(country, _)| country.to_string())
    }

    #[test]
    fn branches_are_read_from_names() {
        for (host, country) in [
            ("api-us.skyvendor.example", "US"),
            ("flysafe-cn.skyvendor.example", "CN"),
            ("hk.api.example.com", "HK"),
            ("api.tw.example.com", "TW"),
            ("skypixel-hz.oss-cn-hangzhou.aliyuncs.com", "CN"),
            ("b.s3.ap-east-1.amazonaws.com", "HK"),
            ("US.api.example.com.", "US"),
        ] {
            assert_eq!(said(host).as_deref(), Some(country), "{host}");
        }
        for host in [
            "api.example.com",
            "status.example.com",
            "us.example",
            "cn",
            "",
            "10.0.0.1",
            "in.my.id.example.com",
        ] {
            assert_eq!(said(host), None, "{host}");
        }
    }

    #[test]
    fn hosts_of_others_say_nothing_of_what_is_believed() {
        let atlas = Atlas::bundled().unwrap();
        let host = |name: &str, branch| HostUsed { name: name.to_owned(), branch, ..HostUsed::default() };
        assert!(votes(&[host("api-us.skyvendor.example", false)], &atlas).is_empty());
        let few = votes(
            &[host("upload-hk.v.example", true), host("api.v.example", true), host("mqtt.v.example", true)],
            &atlas,
        );
        assert!(few[0].weight < weight(NAMED) / 2.0, "{few:?}");
        let mixed = votes(&[host("api-us.v.example", true), host("api-cn.v.example", true)], &atlas);
        assert_eq!(mixed.len(), 2);
    }
}
