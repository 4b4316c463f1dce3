//! Regions in the host names of clouds. Data and rules: `knowledge/regions.toml`.
//!
//! A region in an object store's name says where the bytes come to rest better than any address does: the address may
//! be an edge. But a name is only read under its provider's own suffixes.

use crate::country::Country;
use crate::error::Error;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;

const FILE: &str = "regions.toml";
const TEXT: &str = include_str!("../../../knowledge/regions.toml");

/// What a host name says of where its bytes are stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Region {
    /// The provider's name.
    pub provider: String,
    /// The label that says it; empty where the whole suffix does.
    pub label: String,
    /// ISO alpha-2; nothing for an edge.
    pub country: Option<String>,
    /// An accelerator: the storage region is unknown.
    pub edge: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    provider: Vec<Provider>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    #[serde(rename = "id")]
    _id: String,
    name: String,
    suffixes: Vec<String>,
    depth: usize,
    prefixes: Vec<String>,
    endings: Vec<String>,
    stop: Vec<String>,
    edge: Vec<String>,
    default: Option<String>,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "date")]
    _date: String,
    regions: BTreeMap<String, String>,
}

/// All providers.
#[derive(Debug)]
pub(crate) struct Regions {
    providers: Vec<Provider>,
}

impl Regions {
    pub(crate) fn bundled() -> Result<Self, Error> {
        Self::read(TEXT)
    }

    fn read(text: &str) -> Result<Self, Error> {
        let file: File = toml::from_str(text).map_err(|error| Error::toml(FILE, text, &error))?;
        for provider in &file.provider {
            for code in provider.regions.values().chain(&provider.default) {
                if Country::new(code).is_none() {
                    let why = format!("{code:?} of {} is not a country code", provider.name);
                    return Err(Error::Field { file: FILE.to_owned(), line: 0, field: "regions", why });
                }
            }
        }
        Ok(Self { providers: file.provider })
    }

    /// `host` in lower case, without a final dot.
    pub(crate) fn of(&self, host: &str) -> Option<Region> {
        let (provider, left) = self
            .providers
            .iter()
            .flat_map(|provider| provider.suffixes.iter().map(move |suffix| (provider, suffix)))
            .filter_map(|(provider, suffix)| Some((provider, suffix.len(), labels_before(host, suffix)?)))
            .max_by_key(|(_, len, _)| *len)
            .map(|(provider, _, left)| (provider, left))?;
        provider.read(left)
    }
}

/// What stands before `suffix`, cut at a label's edge.
pub(crate) fn labels_before<'a>(host: &'a str, suffix: &str) -> Option<&'a str> {
    let left = host.strip_suffix(suffix)?;
    if left.is_empty() { Some(left) } else { left.strip_suffix('.') }
}

impl Provider {
    fn read(&self, left: &str) -> Option<Region> {
        for label in left.rsplit('.').take(self.depth) {
            if self.edge.iter().any(|edge| edge == label) {
                return Some(self.region(label, None, true));
            }
            if let Some(country) = self.country(label) {
                return Some(self.region(label, Some(country), false));
            }
            if self.stop.iter().any(|stop| stop == label) {
                break;
            }
        }
        self.default.as_deref().map(|country| self.region("", Some(country), false))
    }

    fn country(&self, label: &str) -> Option<&str> {
        self.prefixes.iter().filter_map(|prefix| label.strip_prefix(prefix.as_str())).find_map(|rest| {
            self.endings
                .iter()
                .filter_map(|ending| rest.strip_suffix(ending.as_str()))
                .find_map(|name| self.regions.get(name).map(String::as_str))
        })
    }

    fn region(&self, label: &str, country: Option<&str>, edge: bool) -> Region {
        Region {
            provider: self.name.clone(),
            label: label.to_owned(),
            country: country.map(str::to_owned),
            edge,
        }
    }
}

/// What a host name says of where its bytes are stored, by the bundled list.
pub fn region_of_host(host: &str) -> Option<Region> {
    static BUNDLED: OnceLock<Option<Regions>> = OnceLock::new();
    BUNDLED.get_or_init(|| Regions::bundled().ok()).as_ref()?.of(&plain(host))
}

/// A host name as it is compared: lower case, no final dot.
pub(crate) fn plain(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_read_where_their_provider_puts_them() {
        for (host, country) in [
            ("skyvendor-log.s3.us-east-1.amazonaws.com", "US"),
            ("b.s3.ap-east-1.amazonaws.com", "HK"),
            ("b.s3.ap-east-2.amazonaws.com", "TW"),
            ("b.s3-eu-west-1.amazonaws.com", "IE"),
            ("us-east-1.s3.ap-east-1.amazonaws.com", "HK"),
            ("b.s3.dualstack.eu-central-1.amazonaws.com", "DE"),
            ("ec2-18-162-0-1.ap-east-1.compute.amazonaws.com", "HK"),
            ("b.s3.cn-north-1.amazonaws.com.cn", "CN"),
            ("iam.amazonaws.com.cn", "CN"),
            ("skypixel-hz.oss-cn-hangzhou.aliyuncs.com", "CN"),
            ("cn-hangzhou.oss-cn-hongkong.aliyuncs.com", "HK"),
            ("b.oss-cn-shenzhen-internal.aliyuncs.com", "CN"),
            ("p.us-west-1.log.aliyuncs.com", "US"),
            ("B-125.COS.ap-hongkong.myqcloud.com.", "HK"),
            ("b-125.cos.ap-guangzhou.myqcloud.com", "CN"),
            ("b.obs.ap-southeast-1.myhuaweicloud.com", "HK"),
            ("up-z2.qiniup.com", "CN"),
            ("upload-na0.qiniup.com", "US"),
            ("up-as0.qiniup.com", "SG"),
            ("acct.blob.core.chinacloudapi.cn", "CN"),
            ("vm.eastasia.cloudapp.azure.com", "HK"),
            ("storage.asia-east1.rep.googleapis.com", "TW"),
            ("djigo4-f53cb.firebaseio.com", "US"),
        ] {
            assert_eq!(
                region_of_host(host).and_then(|region| region.country).as_deref(),
                Some(country),
                "{host}"
            );
        }
    }

    #[test]
    fn a_customers_label_says_nothing() {
        for host in [
            "us-east-1.s3.amazonaws.com",
            "cn-hangzhou.oss.aliyuncs.com",
            "oss-cn-hangzhou.aliyuncs.com.example.org",
            "evil-oss-cn-hangzhoualiyuncs.com",
            "us-east-1.example.com",
            "ap-guangzhou.cos.example.myqcloud.com",
            "arms-retcode.aliyuncs.com",
            "",
            "com",
        ] {
            assert_eq!(region_of_host(host), None, "{host}");
        }
    }

    #[test]
    fn an_accelerator_is_an_edge() {
        for host in [
            "b.s3-accelerate.amazonaws.com",
            "b.oss-accelerate.aliyuncs.com",
            "b.oss-accelerate-overseas.aliyuncs.com",
            "b-125.cos.accelerate.myqcloud.com",
        ] {
            let region = region_of_host(host).unwrap();
            assert_eq!((region.edge, region.country), (true, None), "{host}");
        }
    }
}
