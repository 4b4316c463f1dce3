//! Time zone and language of a device. Zones: `knowledge/region/time-zones.tsv`, from tzdata.
//!
//! Both are what somebody once chose, or what a phone took from its network.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::country::Country;
use crate::region::answer::{Group, Vote};

const ZONES: &str = include_str!("../../../../knowledge/region/time-zones.tsv");
/// How often each names the true country (domain estimate).
const RIGHT: f64 = 0.6;

/// What a time zone's name (tzdata) says. An offset from UTC names no country.
pub fn time_zone(name: &str) -> Vote {
    let row = ZONES
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .find(|(zone, _)| zone.eq_ignore_ascii_case(name));
    let mut countries =
        row.into_iter().flat_map(|(_, countries)| countries.split(' ')).filter_map(Country::new);
    match countries.next() {
        Some(first) => Vote {
            fits: countries.collect(),
            ..Vote::one(
                "time-zone",
                Group::Settings,
                first,
                RIGHT,
                format!("{} is a time zone of {first}", plain(name)),
            )
        },
        None => Vote::nothing(
            "time-zone",
            Group::Settings,
            format!("{} is a time zone of no one country", plain(name)),
        ),
    }
}

/// What a locale says: the region in a tag of BCP 47, also as POSIX and Java write it (`zh-Hant-HK`, `en_US.UTF-8`).
pub fn locale(tag: &str) -> Vote {
    let tag = tag.split(['.', '@']).next().unwrap_or_default();
    // Behind a single letter stand extensions, which have two-letter keys of their own (`-u-nu-`).
    let mut parts = tag.split(['-', '_']).skip(1).take_while(|part| part.len() != 1);
    let region = parts.find(|part| part.len() == 2).map(str::to_ascii_uppercase);
    match region.as_deref().and_then(Country::new).filter(|country| is_country(*country)) {
        Some(country) => {
            let why =
                format!("the language is set as it is spoken in {country}, which says little of the place");
            Vote::one("locale", Group::Settings, country, RIGHT, why)
        }
        None => Vote::nothing("locale", Group::Settings, "a language without a country".to_owned()),
    }
}

/// Whether a code is of ISO 3166-1, and not merely two capitals: each country with people in it keeps some zone's time.
pub fn is_country(country: Country) -> bool {
    static KNOWN: OnceLock<BTreeSet<Country>> = OnceLock::new();
    let rows = || ZONES.lines().filter_map(|line| line.split_once('\t'));
    let all = || rows().flat_map(|(_, countries)| countries.split(' ')).filter_map(Country::new).collect();
    KNOWN.get_or_init(all).contains(&country)
}

/// A name as it may be shown: names of zones are short and plain.
fn plain(name: &str) -> &str {
    let fair =
        name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-:".contains(&byte));
    if fair { name } else { "the name given" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(vote: &Vote) -> Vec<String> {
        vote.says.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn zones_name_their_country() {
        for (zone, country) in [
            ("Asia/Shanghai", "CN"),
            ("PRC", "CN"),
            ("Asia/Hong_Kong", "HK"),
            ("Asia/Macau", "MO"),
            ("Asia/Taipei", "TW"),
            ("America/Chicago", "US"),
            ("Europe/Berlin", "DE"),
        ] {
            assert_eq!(says(&time_zone(zone)), [country], "{zone}");
        }
        assert!(says(&time_zone("UTC")).is_empty());
        assert!(says(&time_zone("+08:00")).is_empty());
    }

    #[test]
    fn locales_name_their_region() {
        for (tag, country) in [("zh-CN", "CN"), ("zh-Hant-HK", "HK"), ("en_US.UTF-8", "US"), ("zh_TW", "TW")]
        {
            assert_eq!(says(&locale(tag)), [country], "{tag}");
        }
        for tag in ["en", "", "zh-u-nu-hanidec", "en-x-us", "en-EU"] {
            assert!(says(&locale(tag)).is_empty(), "{tag}");
        }
        assert_eq!(says(&locale("zh-TW-u-nu-hanidec")), ["TW"]);
    }

    #[test]
    fn two_capitals_are_no_country_yet() {
        for (code, is) in
            [("HK", true), ("AQ", true), ("EU", false), ("OK", false), ("UK", false), ("XZ", false)]
        {
            assert_eq!(is_country(Country::new(code).unwrap()), is, "{code}");
        }
    }
}
