//! Who got what left: an address and a name, placed; or all who listen.

use std::net::IpAddr;

use creance_detect::{Secrets, mask_host};
use creance_model::Destination;
use creance_place::{Atlas, Confidence};

use crate::{names::Name, traffic::told};

/// A host as far as it may be shown. The default of secrets is: all of it.
pub(crate) fn shown_host(host: &str, secrets: &Secrets) -> String {
    if secrets.is_empty() { host.to_owned() } else { mask_host(host, secrets) }
}

/// Who gets what is radiated: all who listen.
pub(crate) fn everybody() -> Destination {
    Destination {
        ip: None,
        port: 0,
        host: None,
        host_basis: None,
        organization: None,
        organization_basis: None,
        country: None,
        country_basis: None,
        country_confidence: "none".to_owned(),
        country_votes: Vec::new(),
        control: None,
        control_basis: None,
        asn: None,
        as_name: None,
        purpose: None,
        edge: false,
    }
}

/// Whom a client reaches at an address that the DNS gave it for a name; nothing of it is masked. An address that is not
/// specified is one that is not known.
pub fn answered(atlas: &Atlas, ip: IpAddr, port: u16, name: &str) -> Destination {
    destination(atlas, &Secrets::default(), ip, port, Some(&Name::new(name, Name::DNS)))
}

/// Who got it, by address and name: where that is, whose law holds there, and how that is known.
pub(crate) fn destination(
    atlas: &Atlas,
    secrets: &Secrets,
    ip: IpAddr,
    port: u16,
    name: Option<&Name>,
) -> Destination {
    // The server asked is not where the name asked for lies.
    let host = name.filter(|name| name.basis != Name::DNS_QUERY).map(|name| name.host.as_str());
    let location = atlas.locate(ip, host);
    let disagree = location.contested;
    Destination {
        ip: told(ip),
        port,
        host: name.map(|name| shown_host(&name.host, secrets)),
        host_basis: name.map(|name| name.basis.to_owned()),
        organization_basis: location.organization.is_some().then(|| location.organization_basis.to_owned()),
        organization: location.organization,
        country_basis: location.country.is_some().then(|| location.country_basis.to_owned()),
        country: location.country,
        country_confidence: match location.confidence {
            Confidence::High => "high",
            Confidence::Moderate => "moderate",
            Confidence::Low => "low",
            Confidence::None => "none",
        }
        .to_owned(),
        country_votes: if disagree {
            location
                .votes
                .iter()
                .map(|vote| format!("{}: {}", vote.source, vote.says.as_deref().unwrap_or("no answer")))
                .collect()
        } else {
            Vec::new()
        },
        control_basis: location.control.is_some().then(|| location.control_basis.to_owned()),
        control: location.control,
        asn: location.asn,
        as_name: location.as_name,
        purpose: host.and_then(creance_detect::purpose).map(ToString::to_string),
        edge: location.edge,
    }
}
