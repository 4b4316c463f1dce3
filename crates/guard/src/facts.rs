//! What is known of a destination, as a policy is asked about it: the same whether a capture is replayed or a name is asked for.

use std::net::{IpAddr, Ipv4Addr};

use creance_place::{Atlas, region_of_host};
use creance_policy::Destination;

/// A destination as an audit knows it.
pub fn asked(known: &creance_model::Destination) -> Destination {
    let mut asked = Destination::from(known);
    asked.storage_region = asked
        .host
        .as_deref()
        .map(|host| region_of_host(host).map_or("none".to_owned(), |region| region.label));
    asked
}

/// Whom a client reaches at an address that it was given for a name.
pub(crate) fn answered(atlas: &Atlas, ip: IpAddr, port: u16, name: &str) -> Destination {
    asked(&creance_audit::answered(atlas, ip, port, name))
}

/// What a name alone tells; an address adds to it and takes nothing back.
pub(crate) fn named(atlas: &Atlas, name: &str) -> Destination {
    let told = answered(atlas, Ipv4Addr::UNSPECIFIED.into(), 0, name);
    Destination { ip: None, port: None, asn: None, edge: told.edge.filter(|edge| *edge), ..told }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_tells_stays_true_when_its_address_is_known() {
        let atlas = Atlas::bundled().unwrap();
        for name in
            ["api.dji.com", "bucket.oss-cn-shenzhen.aliyuncs.com", "tile.openstreetmap.org", "x.example"]
        {
            let before = named(&atlas, name);
            assert_eq!(before.host.as_deref(), Some(name));
            for ip in ["47.88.0.1", "8.8.8.8", "2606:4700::1111", "1.1.1.1"] {
                let ip: IpAddr = ip.parse().unwrap();
                let after = answered(&atlas, ip, 443, name);
                assert_eq!((after.ip, after.port), (Some(ip), Some(443)));
                for (was, is) in [
                    (&before.organization, &after.organization),
                    (&before.control, &after.control),
                    (&before.country, &after.country),
                    (&before.storage_region, &after.storage_region),
                ] {
                    assert!(was.is_none() || was == is, "{name} at {ip}: {was:?}, then {is:?}");
                }
                assert!(before.edge.is_none() || before.edge == after.edge);
            }
        }
    }
}
