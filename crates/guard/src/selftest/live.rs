//! Destinations of a capture, reached for live through a guard that asks the same policy: what `simulate` says, on this kernel.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    net::{IpAddr, UdpSocket},
    path::Path,
    sync::atomic::Ordering,
    thread,
};

use anyhow::bail;
use hickory_proto::{
    op::Message,
    rr::{
        RData, Record, RecordType,
        rdata::{A, AAAA},
    },
};

use super::{Lab, SETTLE, names::ask, within};
use crate::{
    Carrier,
    frames::{GATEWAY, GATEWAY6, SERVER, first},
};

/// A destination of a capture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reached {
    /// The name that is asked for it, if there was one.
    pub host: Option<String>,
    /// Its address.
    pub to: IpAddr,
    /// Its port.
    pub port: u16,
    /// What it was reached by.
    pub by: Carrier,
}

/// Ports that a resolver of the guard can be told of.
const MOST_PORTS: usize = 16;

/// Whether a client reaches each, on the ground and in the air: it asks for the name, if there is one, and sends a first
/// packet there. The policy is one that is shipped, or a file by its whole path; the region is where the aircraft may be.
pub fn live(
    program: &Path,
    policy: &str,
    region: &[String],
    all: &[Reached],
) -> anyhow::Result<Vec<[bool; 2]>> {
    let (keys, resolver) = configured(policy, region, all)?;
    let mut lab = Lab::with(program, |_| Ok((keys, resolver)))?;
    serve(all)?;
    lab.start()?;
    lab.release()?;
    let ground = each(&mut lab, all)?;
    lab.armed.store(true, Ordering::Relaxed);
    lab.wait_for("airborne")?;
    let air = each(&mut lab, all)?;
    Ok(ground.into_iter().zip(air).map(|(ground, air)| [ground, air]).collect())
}

/// Keys and tables of a configuration with a policy, and a resolver that knows these.
pub(super) fn configured(
    policy: &str,
    region: &[String],
    all: &[Reached],
) -> anyhow::Result<(String, String)> {
    let ports: BTreeSet<_> = all.iter().map(|one| format!("'{}/{}'", one.by.name(), one.port)).collect();
    if ports.len() > MOST_PORTS {
        bail!("{} ports in the capture: a guard is told of {MOST_PORTS} at most", ports.len());
    }
    let list = |all: BTreeSet<String>| all.into_iter().collect::<Vec<_>>().join(", ");
    let hosts = all.iter().filter_map(|one| one.host.as_ref()).map(|host| format!("'{host}'")).collect();
    let countries = region.iter().map(|code| format!("'{code}'")).collect();
    let (ports, hosts) = (list(ports), list(hosts));
    let mut keys = format!("policy = '{policy}'\n");
    if !region.is_empty() {
        let _ = writeln!(keys, "region = [{}]", list(countries));
    }
    let mut resolver = format!(
        "[resolver]\nlisten = ['{GATEWAY}', '{GATEWAY6}']\nupstream = ['{SERVER}']\nprivate = [{hosts}]\n"
    );
    if !ports.is_empty() {
        let _ = writeln!(resolver, "ports = [{ports}]");
    }
    Ok((keys, resolver))
}

/// Whether something of each arrives outside.
fn each(lab: &mut Lab, all: &[Reached]) -> anyhow::Result<Vec<bool>> {
    all.iter()
        .map(|one| {
            if let Some(host) = &one.host {
                ask(host, if one.to.is_ipv4() { RecordType::A } else { RecordType::AAAA })?;
                // The question that left for it is not what is counted.
                thread::sleep(SETTLE);
            }
            let way = first(one.to, one.by, one.port);
            Ok(lab.seen_of(|lab| lab.send(std::slice::from_ref(&way)))? > 0)
        })
        .collect()
}

/// A resolver outside that knows the names of the capture.
pub(super) fn serve(all: &[Reached]) -> anyhow::Result<()> {
    let mut known: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
    for one in all {
        if let Some(host) = &one.host {
            known.entry(host.to_ascii_lowercase()).or_default().insert(one.to);
        }
    }
    let socket = within("outside", || Ok(UdpSocket::bind((SERVER, 53))?))?;
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        // It ends with the process.
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answer(buffer.get(..length).unwrap_or_default(), &known) {
                let _ = socket.send_to(&answer, from);
            }
        }
    });
    Ok(())
}

/// The addresses of a name, in the family that was asked for.
fn answer(asked: &[u8], known: &BTreeMap<String, BTreeSet<IpAddr>>) -> Option<Vec<u8>> {
    let mut answer = Message::from_vec(asked).ok()?.into_response();
    let query = answer.queries.first()?.clone();
    let name = query.name().to_ascii().to_ascii_lowercase();
    for address in known.get(name.trim_end_matches('.')).into_iter().flatten() {
        let data = match (address, query.query_type()) {
            (IpAddr::V4(ip), RecordType::A) => RData::A(A(*ip)),
            (IpAddr::V6(ip), RecordType::AAAA) => RData::AAAA(AAAA(*ip)),
            _ => continue,
        };
        answer.add_answer(Record::from_rdata(query.name().clone(), 60, data));
    }
    answer.to_vec().ok()
}
