//! The clouds: which hosts there are, where they lie, and what they answer.
//!
//! Vendors and names are invented, but for suffixes of two object stores, which say where their bytes rest. Addresses lie
//! in networks that databases place in the country named; no packet ever reaches their owners.

mod broker;
mod http3;
mod web;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

pub(crate) use web::{Answers, Posts};

use crate::{
    Error,
    net::{Host, Net, endpoint},
    portal,
    tls::Authority,
};

/// What a host is for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Role {
    /// The vendor's interface for all, in the United States.
    Api,
    /// The photo community, in the United States.
    Community,
    /// The vendor's interface in China.
    ApiCn,
    /// The vendor's object store in China.
    MediaCn,
    /// The vendor's uploads in Hong Kong.
    UploadHk,
    /// The vendor's synchronisation in Taiwan.
    SyncTw,
    /// The vendor's telemetry in China.
    MqttCn,
    /// The vendor's stream in Hong Kong.
    StreamHk,
    /// The authority to which flights in China are reported.
    Authority,
    /// The vendor's downloads, in Germany.
    Cdn,
    /// A third party's crash reports, in China.
    Crash,
    /// A third party's push messages, in Hong Kong.
    Push,
    /// A third party's analytics, in the United States.
    Analytics,
    /// A third party's maps, in Singapore.
    Tiles,
    /// What the phone's system asks whether there is an internet.
    Portal,
    /// The page of a network that lets nobody out before.
    Gate,
}

/// What it speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Speaks {
    Http1,
    Http2,
    Http3,
    Mqtt,
    WebSocket,
}

/// A host of a cloud.
#[derive(Clone, Debug)]
pub(crate) struct Cloud {
    pub(crate) role: Role,
    pub(crate) host: String,
    pub(crate) ip: IpAddr,
    /// ISO 3166-1 alpha-2.
    pub(crate) country: &'static str,
    pub(crate) speaks: Speaks,
    /// Whether it is so old that it knows TLS 1.2 alone.
    pub(crate) old: bool,
    /// One way, in milliseconds.
    pub(crate) away: u64,
    /// What packets from there have left of 64 hops.
    pub(crate) hops: u8,
}

/// Names of vendors that nobody has.
const VENDORS: [&str; 4] = ["halyard", "corvane", "windlaser", "ospreon"];

/// Role, name (`*` stands for the vendor), network, country, protocol, whether old, milliseconds.
type Row = (Role, &'static str, [u8; 3], &'static str, Speaks, bool, u64);

const ROWS: [Row; 16] = [
    (Role::Api, "api.*.example", [52, 20, 169], "US", Speaks::Http2, false, 24),
    (Role::Community, "community.*.example", [35, 170, 209], "US", Speaks::Http2, false, 26),
    (Role::ApiCn, "api-cn.*.example", [120, 78, 28], "CN", Speaks::Http2, false, 96),
    (Role::MediaCn, "*-media.oss-cn-hangzhou.aliyuncs.com", [121, 40, 222], "CN", Speaks::Http1, false, 104),
    (Role::UploadHk, "upload-hk.*.example", [8, 210, 75], "HK", Speaks::Http2, false, 88),
    (Role::SyncTw, "sync-tw.*.example", [61, 216, 64], "TW", Speaks::Http1, false, 80),
    (Role::MqttCn, "mqtt-cn.*.example", [121, 40, 119], "CN", Speaks::Mqtt, false, 101),
    (Role::StreamHk, "stream-hk.*.example", [8, 210, 164], "HK", Speaks::WebSocket, false, 90),
    (Role::Authority, "report.uom-authority.example", [120, 78, 30], "CN", Speaks::Http1, false, 98),
    (Role::Cdn, "cdn.*.example", [18, 184, 206], "DE", Speaks::Http2, false, 48),
    (Role::Crash, "crash.buglight.example", [121, 40, 226], "CN", Speaks::Http1, true, 99),
    (Role::Push, "push.signalfold.example", [8, 210, 75], "HK", Speaks::Http3, false, 87),
    (Role::Analytics, "collect.metricfold.example", [44, 200, 96], "US", Speaks::Http1, true, 21),
    (Role::Tiles, "tiles.openatlas.example", [13, 228, 175], "SG", Speaks::Http2, false, 110),
    (Role::Portal, "connectivitycheck.portal.example", [44, 200, 97], "US", Speaks::Http1, false, 19),
    (Role::Gate, portal::HOST, [44, 200, 98], "US", Speaks::Http1, false, 17),
];

/// All hosts of a run, and what the vendor is called.
pub(crate) fn all(ipv6: Option<bool>, random: &mut fastrand::Rng) -> (Vec<Cloud>, &'static str) {
    let vendor = random.choice(VENDORS).unwrap_or("halyard");
    // No two of a network have one address.
    let last = random.u8(16..120);
    // In some worlds one of them has no address of the old kind.
    let chance = random.u8(0..3) == 0;
    let newer = ipv6.unwrap_or(chance);
    let clouds =
        ROWS.iter().zip(0_u8..).map(|((role, name, [a, b, c], country, speaks, old, away), row)| Cloud {
            role: *role,
            host: name.replace('*', vendor),
            ip: match *role {
                Role::SyncTw if newer => {
                    IpAddr::V6(Ipv6Addr::new(0x2001, 0xb000, 0xc80, 0, 0, 0, 0, last.into()))
                }
                _ => IpAddr::V4(Ipv4Addr::new(*a, *b, *c, last + row * 9)),
            },
            country,
            speaks: *speaks,
            old: *old,
            away: *away,
            hops: 64_u8.saturating_sub(8 + u8::try_from(away / 8).unwrap_or_default()),
        });
    (clouds.collect(), vendor)
}

/// One way to each address, in milliseconds.
pub(crate) fn away(clouds: &[Cloud]) -> BTreeMap<IpAddr, u64> {
    clouds.iter().map(|cloud| (cloud.ip, cloud.away)).collect()
}

/// The address of each name.
pub(crate) fn names(clouds: &[Cloud]) -> BTreeMap<String, IpAddr> {
    clouds.iter().map(|cloud| (cloud.host.clone(), cloud.ip)).collect()
}

/// The port of a host: where TLS is spoken, or where it is not.
pub(crate) const fn port(speaks: Speaks, secure: bool) -> u16 {
    match (speaks, secure) {
        (Speaks::Mqtt, true) => 8883,
        (Speaks::Mqtt, false) => 1883,
        (_, true) => 443,
        (_, false) => 80,
    }
}

/// Opens every host's ports. What answers runs as tasks of the runtime.
pub(crate) fn open(
    net: &Net,
    clouds: &[Cloud],
    authority: &Authority,
    answers: &Answers,
    random: &mut fastrand::Rng,
) -> Result<(), Error> {
    for cloud in clouds {
        let alpn: &[&str] = match cloud.speaks {
            Speaks::Http2 | Speaks::Http3 => &["h2", "http/1.1"],
            Speaks::Http1 | Speaks::WebSocket => &["http/1.1"],
            Speaks::Mqtt => &[],
        };
        let acceptor = authority.server(&cloud.host, alpn, cloud.old)?;
        if cloud.speaks == Speaks::Http3 {
            let wrong = Error::doing("opening a port");
            let socket = net.bind(Host::World, cloud.ip, Some(443)).map_err(&wrong)?;
            let server = Some(authority.quic_server(&cloud.host)?);
            tokio::spawn(http3::serve(endpoint(socket, server, random).map_err(wrong)?, answers.clone()));
        }
        for secure in [true, false] {
            let at = SocketAddr::new(cloud.ip, port(cloud.speaks, secure));
            let mut connections =
                net.listen(Host::World, at, cloud.hops).map_err(Error::doing("opening a port"))?;
            let acceptor = secure.then(|| acceptor.clone());
            let (speaks, answers) = (cloud.speaks, answers.clone());
            tokio::spawn(async move {
                while let Some(stream) = connections.recv().await {
                    let (acceptor, answers) = (acceptor.clone(), answers.clone());
                    // A client that goes away early is no fault of the server.
                    tokio::spawn(async move {
                        match acceptor {
                            Some(acceptor) => {
                                if let Ok(stream) = acceptor.accept(stream).await {
                                    serve(stream, speaks, answers).await;
                                }
                            }
                            None => serve(stream, speaks, answers).await,
                        }
                    });
                }
            });
        }
    }
    Ok(())
}

async fn serve<S>(stream: S, speaks: Speaks, answers: Answers)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    match speaks {
        Speaks::Http1 | Speaks::Http2 | Speaks::Http3 => web::http(stream, answers).await,
        Speaks::WebSocket => web::socket(stream).await,
        Speaks::Mqtt => broker::serve(stream).await,
    }
}

#[cfg(test)]
mod tests {
    use creance_place::Atlas;

    use super::*;

    #[test]
    fn every_host_lies_where_it_is_said_to_lie() {
        let atlas = Atlas::bundled().unwrap();
        for seed in 0..40 {
            let (clouds, _) = all(None, &mut fastrand::Rng::with_seed(seed));
            for cloud in &clouds {
                let location = atlas.locate(cloud.ip, Some(&cloud.host));
                assert_eq!(location.country.as_deref(), Some(cloud.country), "{cloud:?}");
            }
            let addresses: std::collections::BTreeSet<_> = clouds.iter().map(|cloud| cloud.ip).collect();
            assert_eq!(addresses.len(), clouds.len());
        }
    }
}
