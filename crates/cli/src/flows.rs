//! `creance flows`: the conversations of captures (`creance.flow/1`).

use std::{borrow::Cow, net::IpAddr};

use creance_audit::{FlowTold, Request};
use creance_detect::{Secrets, mask_host};
use creance_model::{InsideBasis, Timestamp, Transport, Visibility};
use serde::Serialize;
use serde_json::json;

use crate::{
    args::{Captures, List, Talk},
    exit, messages,
    progress::Bar,
    rows::Rows,
};

/// What the table shows.
const COLUMNS: &[(&str, usize)] = &[
    ("/first", 27),
    ("/transport", 9),
    ("/protocol", 10),
    ("/inside/ip", 15),
    ("/outside/ip", 15),
    ("/outside/port", 5),
    ("/outside/host", 34),
    ("/outside/country", 7),
    ("/bytes_up", 10),
    ("/bytes_down", 10),
    ("/visibility", 9),
];

pub(crate) fn run(options: &List, talk: Talk) -> anyhow::Result<u8> {
    let mut rows = Rows::new(options.format, COLUMNS);
    let mut failed = None;
    let bar = Bar::new(talk);
    let read = creance_audit::flows(
        &request(&options.captures),
        &mut |told| {
            if failed.is_none() && wanted(options, &told) {
                failed = rows.row(&row(&told, options.captures.reveal)).err();
            }
        },
        &mut |progress| bar.tell(progress),
    );
    bar.done();
    let read = read?;
    failed.map_or(Ok(()), Err)?;
    rows.finish()?;
    Ok(if read.incomplete { exit::INCOMPLETE } else { exit::DONE })
}

pub(crate) fn request(options: &Captures) -> Request {
    Request {
        inputs: options.inputs.clone(),
        keys: options.keys.clone(),
        inside: options.inside.clone(),
        ..Request::default()
    }
}

fn wanted(options: &List, told: &FlowTold) -> bool {
    let ends = [told.flow.client.ip, told.flow.server.ip];
    options.protocol.as_deref().is_none_or(|name| name == told.protocol)
        && options.ip.is_none_or(|ip| ends.contains(&ip))
        && options.visibility.as_deref().is_none_or(|how| json!(told.visibility) == how)
        && options
            .host
            .as_deref()
            .is_none_or(|name| told.host.as_ref().is_some_and(|(host, _)| is_below(host, name)))
}

/// Whether a host is this one or one below it.
pub(crate) fn is_below(host: &str, name: &str) -> bool {
    let (host, name) = (host.trim_end_matches('.').to_lowercase(), name.trim_matches('.').to_lowercase());
    host == name || host.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.'))
}

/// A line of the list.
#[derive(Serialize)]
struct Row<'a> {
    schema: &'static str,
    flow: String,
    transport: Transport,
    protocol: &'static str,
    direction: &'static str,
    inside: Inside,
    inside_basis: InsideBasis,
    app: Option<&'a str>,
    outside: Outside<'a>,
    first: Timestamp,
    last: Timestamp,
    packets: u64,
    bytes_up: u64,
    bytes_down: u64,
    bytes_lost: u64,
    bytes_opaque: u64,
    why_opaque: &'a [&'static str],
    visibility: Visibility,
    sni: Option<Cow<'a, str>>,
    alpn: Option<&'a str>,
    ja4: Option<&'a str>,
}

/// Our end. What was radiated has no address.
#[derive(Serialize)]
struct Inside {
    ip: Option<IpAddr>,
    port: u16,
}

/// The end across.
#[derive(Serialize)]
struct Outside<'a> {
    ip: Option<IpAddr>,
    port: u16,
    host: Option<Cow<'a, str>>,
    host_basis: Option<&'static str>,
    country: Option<&'a str>,
}

fn row(told: &FlowTold, reveal: bool) -> Row<'_> {
    let shown = |host| {
        if reveal { Cow::Borrowed(host) } else { Cow::Owned(mask_host(host, &Secrets::default())) }
    };
    let (host, host_basis) = told.host.as_ref().map(|(host, basis)| (host.as_str(), *basis)).unzip();
    let host = host.map(shown);
    let radiated = told.flow.transport.is_radio();
    let (inside, outside) = (told.flow.inside_end(), told.flow.outside_end());
    Row {
        schema: "creance.flow/1",
        flow: creance_flow::community_id(&told.flow),
        transport: told.flow.transport,
        protocol: told.protocol,
        direction: match told.flow.inside {
            _ if radiated => "broadcast",
            None => "lan",
            Some(_) => "outside",
        },
        inside: Inside { ip: (!radiated).then_some(inside.ip), port: inside.port },
        inside_basis: told.flow.inside_basis,
        app: told.flow.app.as_deref(),
        outside: Outside {
            ip: (!radiated).then_some(outside.ip),
            port: outside.port,
            host,
            host_basis,
            country: told.country.as_deref(),
        },
        first: told.first,
        last: told.last,
        packets: told.packets,
        bytes_up: told.bytes_up,
        bytes_down: told.bytes_down,
        bytes_lost: told.lost,
        bytes_opaque: told.opaque,
        why_opaque: &told.why_opaque,
        visibility: told.visibility,
        sni: told.hello.sni.as_deref().map(shown),
        alpn: told.hello.alpn.as_deref().map(|name| if reveal { name } else { messages::alpn(name) }),
        ja4: told.hello.ja4.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_below_a_name_are_told_from_hosts_that_end_like_it() {
        assert!(is_below("api.dji.com", "dji.com") && is_below("DJI.com.", "dji.com"));
        assert!(!is_below("notdji.com", "dji.com") && !is_below("dji.com", "api.dji.com"));
    }
}
