//! What the law asks for where the aircraft may be: whether cutting its report to the authority in flight is unlawful.
//!
//! No advice on law: lines say what was read where and when (`knowledge/jurisdictions`). The guard cuts what its policy says all
//! the same; it tells what it cuts, and writes down who answers for that.

use creance_place::{
    Country,
    region::duties::{Cut, Pack, packs},
};
use creance_policy::Duty;
use serde::Serialize;

/// What is asked for, and where that was read.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Asked {
    /// The country.
    pub country: String,
    /// What the law asks for.
    pub says: String,
    /// Where that was read.
    pub source: String,
    /// When.
    pub date: String,
}

fn pack(code: &str) -> Option<&'static Pack> {
    let country = Country::new(code)?;
    packs().ok()?.iter().find(|pack| pack.holds_in(country))
}

/// The duties that hold where the aircraft is in one of these countries; none, where that is not known.
pub fn duties(codes: &[String]) -> Option<Vec<Duty>> {
    let cuts: Vec<Cut> =
        codes.iter().map(|code| pack(code).map_or(Cut::Unknown, |pack| pack.telemetry_cut)).collect();
    if cuts.contains(&Cut::Unlawful) {
        return Some(vec![Duty::ReportFlight]);
    }
    (!cuts.is_empty() && cuts.iter().all(|cut| *cut == Cut::Lawful)).then(Vec::new)
}

/// Where the report must not be cut, and why.
pub fn asked(codes: &[String]) -> Vec<Asked> {
    let mut found = Vec::new();
    for code in codes {
        let Some(pack) = pack(code).filter(|pack| pack.telemetry_cut == Cut::Unlawful) else { continue };
        for line in pack.lines.iter().filter(|line| line.topic == "telemetry") {
            found.push(Asked {
                country: pack.name.clone(),
                says: line.says.clone(),
                source: line.source.clone(),
                date: line.date.clone(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(list: &[&str]) -> Vec<String> {
        list.iter().map(|code| (*code).to_owned()).collect()
    }

    #[test]
    fn a_border_has_the_duties_of_both_sides_and_no_file_is_no_answer() {
        assert_eq!(duties(&codes(&["CN"])), Some(vec![Duty::ReportFlight]));
        assert_eq!(duties(&codes(&["HK", "CN"])), Some(vec![Duty::ReportFlight]));
        assert_eq!(duties(&codes(&["QQ"])), None);
        assert_eq!(duties(&[]), None);
        let told = asked(&codes(&["CN"]));
        assert!(!told.is_empty() && told.iter().all(|one| !one.source.is_empty() && !one.date.is_empty()));
        // Four answers: what holds in one of them does not hold in the others by that.
        for code in ["HK", "MO", "TW", "US"] {
            assert_eq!(asked(&codes(&[code])), [], "{code}");
        }
    }
}
