//! Jurisdiction: where the aircraft is, what its app believes, where its data went (`creance.region/1`).

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Severity;

/// The name and version of the document of `creance region`.
pub const REGION_SCHEMA: &str = "creance.region/1";

/// The three answers, and where they differ.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Region {
    /// Where the aircraft is.
    pub aircraft: RegionAnswer,
    /// What the app believes.
    pub app: Belief,
    /// Where data went.
    pub data: Landings,
    /// Where the answers differ, worst first.
    pub mismatches: Vec<Mismatch>,
}

/// What all sources of one question say together.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RegionAnswer {
    /// `determined`, `contested` or `unknown`.
    pub answer: Cow<'static, str>,
    /// ISO 3166 alpha-2, where it is determined.
    pub iso: Option<String>,
    /// How likely that country is, 0 to 1, where it is determined.
    pub p: Option<f64>,
    /// The countries named, the likeliest first; what is left to 1 is elsewhere.
    pub candidates: Vec<Candidate>,
    /// Every source, the weightiest first.
    pub votes: Vec<RegionVote>,
    /// Who differs from whom, in words.
    pub conflicts: Vec<String>,
}

/// A country that an answer may be.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Candidate {
    /// ISO 3166 alpha-2.
    pub iso: String,
    /// How likely it is, 0 to 1.
    pub p: f64,
}

/// What one source says.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RegionVote {
    /// Which source: `gps`, `network-mcc` …
    pub source: Cow<'static, str>,
    /// The countries that it names: written as null, as one code, or as a list.
    #[serde(serialize_with = "one_or_more", deserialize_with = "none_one_or_more")]
    pub says: Vec<String>,
    /// The logarithm of the odds that it is right.
    pub weight: f64,
    /// Why it says so, and why it weighs so.
    pub why: String,
}

/// What the app believes, and what follows from that.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Belief {
    /// In which country it believes to be.
    #[serde(flatten)]
    pub answer: RegionAnswer,
    /// What it does.
    pub behaviour: RegionBehaviour,
    /// What it sent when it asked a server where it is.
    pub asked_with: Vec<AskedWith>,
}

/// What follows for the user from what an app believes; nothing, where it was not seen.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct RegionBehaviour {
    /// The branch whose hosts it uses: ISO 3166 alpha-2.
    pub hosts: Option<String>,
    /// The datum that its coordinates are called, or are in.
    pub datum: Option<Cow<'static, str>>,
    /// Whether they are shifted off the true place.
    pub coordinates_shifted: Option<bool>,
    /// Whether the user must log in.
    pub forced_login: Option<bool>,
    /// Whether a database of zones was loaded.
    pub no_fly_download: Option<bool>,
}

/// A source that an app sent when it asked where it is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AskedWith {
    /// `ip`, `gps`, `mcc`, `sim-mcc`.
    pub source: Cow<'static, str>,
    /// The country that it says.
    pub says: Option<String>,
    /// Whether that is what the app believes; nothing, where either is not known.
    pub agrees: Option<bool>,
}

/// Where data went.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Landings {
    /// `determined`: to one country; `several`; `unknown`.
    pub answer: Cow<'static, str>,
    /// That country.
    pub iso: Option<String>,
    /// Each country, most bytes first.
    pub landings: Vec<LandedIn>,
}

/// What went to one country.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct LandedIn {
    /// ISO 3166 alpha-2; nothing: not known.
    pub iso: Option<String>,
    /// Bytes sent there.
    pub bytes: u64,
    /// The hosts there.
    pub hosts: Vec<String>,
}

/// A difference between the answers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Mismatch {
    /// `belief`, `contested`, `datum`, `data`.
    pub kind: Cow<'static, str>,
    /// In words.
    pub says: String,
    /// How grave.
    pub severity: Severity,
    /// Packets of the exchange in which the app asked where it is, and was answered; none, where none was seen.
    pub packets: Vec<u64>,
}

fn one_or_more<S: Serializer>(says: &[String], to: S) -> Result<S::Ok, S::Error> {
    match says {
        [] => to.serialize_none(),
        [one] => to.serialize_str(one),
        several => to.collect_seq(several),
    }
}

fn none_one_or_more<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Says {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Option::deserialize(from)? {
        None => Vec::new(),
        Some(Says::One(one)) => vec![one],
        Some(Says::Several(several)) => several,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_is_written_as_short_as_it_is() {
        for (says, written) in [(&[][..], "null"), (&["HK"], r#""HK""#), (&["CN", "HK"], r#"["CN","HK"]"#)] {
            let says = says.iter().map(|code| (*code).to_owned()).collect();
            let vote = RegionVote { source: "gps".into(), says, weight: 1.0, why: String::new() };
            let text = serde_json::to_string(&vote).unwrap();
            assert!(text.contains(&format!(r#""says":{written},"#)), "{text}");
            assert_eq!(serde_json::from_str::<RegionVote>(&text).unwrap(), vote);
        }
    }
}
