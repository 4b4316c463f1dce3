//! Addresses whose place is known, and what the atlas says when its layers disagree.
#![expect(clippy::unwrap_used, reason = "a test's helper, too, fails by panicking")]

use creance_place::{Atlas, Confidence, Error, Location, Scope};
use proptest::prelude::*;
use std::net::IpAddr;
use std::sync::LazyLock;

static ATLAS: LazyLock<Atlas> = LazyLock::new(|| Atlas::bundled().unwrap());

fn locate(ip: &str, host: Option<&str>) -> Location {
    ATLAS.locate(ip.parse().unwrap(), host)
}

proptest! {
    /// Whatever the address and name: an answer, and one that its own votes bear out.
    #[test]
    fn every_answer_has_a_voter(ip in any::<IpAddr>(), host in "(\\PC{0,40}|([a-z0-9*-]{0,12}\\.){0,5}(aliyuncs|amazonaws|dji)\\.com\\.?)") {
        let found = ATLAS.locate(ip, Some(&host));
        prop_assert_eq!(found.country.is_some(), found.country_basis != "none");
        prop_assert_eq!(found.country.is_some(), found.confidence != Confidence::None);
        prop_assert!(found.country.is_none() || found.votes.iter().any(|vote| vote.says == found.country));
        prop_assert!(found.control.is_none() || found.organization.is_some());
        prop_assert!(found.scope == Scope::Public || found.country.is_none());
    }
}

#[test]
fn spot_checks() {
    let atlas = &*ATLAS;
    for (ip, country) in [
        ("18.162.0.1", "HK"),
        ("119.29.29.29", "CN"),
        ("114.114.114.114", "CN"),
        ("77.88.8.8", "RU"),
        ("8.8.8.8", "US"),
        ("168.95.1.1", "TW"),
        ("2001:b000:c80::7653", "TW"),
        ("202.175.3.3", "MO"),
        ("::ffff:168.95.1.1", "TW"),
    ] {
        let found = atlas.locate(ip.parse().unwrap(), None);
        assert_eq!(found.country.as_deref(), Some(country), "{ip}: {found:?}");
        assert_eq!(found.country_basis, "ip-database");
        assert!(found.votes.len() >= 3);
    }
}

#[test]
fn disagreement_is_shown() {
    let found = locate("18.162.0.1", None);
    assert!(found.contested);
    assert_eq!(found.confidence, Confidence::Moderate);
    assert!(found.votes.iter().any(|vote| vote.says.as_deref() == Some("CN")));
}

#[test]
fn a_correction_is_a_vote_that_decides() {
    let found = locate("119.29.29.29", None);
    assert_eq!(found.votes.first().map(|vote| vote.source), Some("correction"));
    assert_eq!((found.country.as_deref(), found.contested), (Some("CN"), true));
}

#[test]
fn anycast_and_edges_lower_confidence() {
    for ip in ["1.1.1.1", "8.8.8.8"] {
        let found = locate(ip, None);
        assert!(found.edge, "{ip}");
        assert_eq!(found.confidence, Confidence::Low);
    }
    let front = locate("18.184.206.163", Some("d111.cloudfront.net"));
    assert!(front.edge);
    assert_eq!(front.confidence, Confidence::Low);
}

#[test]
fn operator_and_place_are_two_facts() {
    let found = locate("18.184.206.163", Some("mydjiflight.dji.com."));
    assert_eq!((found.country.as_deref(), found.control.as_deref()), (Some("DE"), Some("CN")));
    assert_eq!((found.organization.as_deref(), found.organization_basis), (Some("DJI"), "domain"));
    assert_eq!(found.asn, Some(16509));

    let found = locate("8.210.75.200", Some("upload-hk.skyvendor.example"));
    assert_eq!((found.country.as_deref(), found.control.as_deref()), (Some("HK"), Some("CN")));
    assert_eq!((found.organization.as_deref(), found.control_basis), (Some("Alibaba"), "asn"));
}

#[test]
fn a_region_in_the_name_is_where_it_is_stored() {
    let found = locate("18.184.206.163", Some("b.oss-cn-hongkong.aliyuncs.com"));
    assert_eq!((found.country.as_deref(), found.country_basis), (Some("HK"), "host-region"));
    assert_eq!((found.confidence, found.contested), (Confidence::Moderate, true));
    let found = locate("18.184.206.163", Some("b.s3.eu-central-1.amazonaws.com"));
    assert_eq!((found.confidence, found.contested), (Confidence::High, false));
    let found = locate("18.184.206.163", Some("b.s3-accelerate.amazonaws.com"));
    assert_eq!((found.country.as_deref(), found.country_basis), (Some("DE"), "ip-database"));
    assert_eq!((found.confidence, found.edge), (Confidence::Low, true));
}

#[test]
fn what_is_not_public_has_no_country() {
    for (ip, scope) in [
        ("192.168.42.1", Scope::Private),
        ("2001:db8:42::10", Scope::Reserved),
        ("224.0.0.251", Scope::Multicast),
    ] {
        let found = locate(ip, Some("b.s3.us-east-1.amazonaws.com"));
        assert_eq!((found.scope, found.country, found.country_basis), (scope, None, "none"));
        assert_eq!((found.confidence, found.asn, found.votes.len()), (Confidence::None, None, 0));
    }
}

#[test]
fn the_organisations_own_word_comes_first() {
    let text = "[[destination]]\ncidr = \"10.0.0.0/8\"\ncountry = \"US\"\norganization = \"Example Utility\"\n\
                [[destination]]\nhost = \"*.dji.com\"\ncontrol = \"US\"\norganization = \"Our mirror\"\n";
    let atlas = Atlas::bundled().unwrap().with_overrides(text).unwrap();
    let found = atlas.locate("10.1.2.3".parse().unwrap(), None);
    assert_eq!((found.country.as_deref(), found.country_basis), (Some("US"), "override"));
    assert_eq!(
        (found.organization.as_deref(), found.organization_basis),
        (Some("Example Utility"), "override")
    );
    let found = atlas.locate("18.184.206.163".parse().unwrap(), Some("api.dji.com"));
    assert_eq!((found.control.as_deref(), found.control_basis), (Some("US"), "override"));
    assert_eq!((found.country.as_deref(), found.country_basis), (Some("DE"), "ip-database"));
}

#[test]
fn a_folder_replaces_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let bundled = Atlas::bundled().unwrap().with_files(folder.path()).unwrap();
    assert_eq!(bundled.locate("168.95.1.1".parse().unwrap(), None).country.as_deref(), Some("TW"));

    let knowledge = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../knowledge/ip");
    let whole = std::fs::read(knowledge.join("countries.bin.zst")).unwrap();
    std::fs::write(folder.path().join("countries.bin.zst"), &whole).unwrap();
    let replaced = Atlas::bundled().unwrap().with_files(folder.path()).unwrap();
    assert!(replaced.sources().iter().any(|source| source.file.starts_with(folder.path().to_str().unwrap())));
    assert_eq!(replaced.locate("168.95.1.1".parse().unwrap(), None).country.as_deref(), Some("TW"));

    for damaged in [&whole[..whole.len() / 2], b"not a table".as_slice(), &[]] {
        std::fs::write(folder.path().join("countries.bin.zst"), damaged).unwrap();
        let error = Atlas::bundled().unwrap().with_files(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Packed { .. } | Error::Table { .. }), "{error}");
    }
}

#[test]
fn every_source_says_licence_and_date() {
    for source in ATLAS.sources() {
        assert!(
            !source.licence.is_empty() && !source.date.is_empty() && !source.source.is_empty(),
            "{}",
            source.id
        );
        assert_eq!(source.bytes > 0, source.file.contains(".bin."), "{}", source.id);
    }
}

#[test]
fn a_resolver_that_others_announce_keeps_its_own_operator() {
    let found = locate("114.114.114.114", None);
    assert_eq!((found.organization.as_deref(), found.organization_basis), (Some("114DNS"), "address"));
    assert_eq!((found.control.as_deref(), found.edge), (Some("CN"), true));
}
