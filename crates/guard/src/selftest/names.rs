//! The test of itself, by name: what the resolver asks outside for a client, and what that client may reach then.

use std::{
    net::{IpAddr, UdpSocket},
    path::Path,
    str::FromStr,
    sync::atomic::Ordering,
    thread,
    time::Duration,
};

use anyhow::Context;
use hickory_proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{Name, RData, Record, RecordType, rdata::A},
};
use nix::sys::signal::Signal;

use super::{DEAD_MAN, Lab, Row, SETTLE, within};
use crate::frames::{CLIENT, CLIENT6, GATEWAY, GATEWAY6, SERVER, Way, by_name};

/// What is permitted by name, where all is not open anyway.
const POLICY: &str = r#"@id("ours") permit (principal, action, resource in Domain::"ours.example")
when { context has flight && context.flight == Flight::"ground" };
"#;

/// Names asked for in each attempt.
const MANY: usize = 12;

pub(super) fn rows(program: &Path) -> anyhow::Result<Vec<Row>> {
    let mut rows = through(program)?;
    rows.extend(by_address(program)?);
    Ok(rows)
}

/// Questions to a resolver that runs.
fn through(program: &Path) -> anyhow::Result<Vec<Row>> {
    let mut lab = lab(program, false)?;
    let mut numbers = 0..;
    let mut attempt = |lab: &mut Lab, data: bool| {
        let names: Vec<String> = numbers.by_ref().take(MANY).map(|number| named(number, data)).collect();
        lab.seen_of(|_| names.iter().try_for_each(|name| ask(name, RecordType::A)))
    };
    let open = [false, true].map(|data| attempt(&mut lab, data));
    lab.armed.store(true, Ordering::Relaxed);
    lab.wait_for("airborne")?;
    let cut = [false, true].map(|data| attempt(&mut lab, data));
    ["names, through the gateway's resolver", "DNS tunnel through the gateway's resolver"]
        .into_iter()
        .zip(open.into_iter().zip(cut))
        .map(|(name, (open, cut))| {
            Ok(Row { name: name.to_owned(), open: Some(open?), cut: cut?, control: true })
        })
        .collect()
}

/// Addresses, where a policy permits by name.
fn by_address(program: &Path) -> anyhow::Result<Vec<Row>> {
    let mut lab = lab(program, true)?;
    ask("www.ours.example", RecordType::A)?;
    let ways = by_name();
    let mut rows = Vec::new();
    for way in &ways {
        let seen = lab.seen_of(|lab| lab.send(std::slice::from_ref(way)))?;
        // What must not pass even now is a row of its own.
        let (open, cut) = if way.passes_open { (Some(seen), 0) } else { (None, seen) };
        rows.push(Row { name: way.name.to_owned(), open, cut, control: way.passes_open });
    }
    let cut = lab.seen_of(|_| ask("www.theirs.example", RecordType::A))?;
    rows.push(Row {
        name: "a name that the policy does not permit".to_owned(),
        open: None,
        cut,
        control: false,
    });
    lab.armed.store(true, Ordering::Relaxed);
    lab.wait_for("airborne")?;
    for (way, row) in ways.iter().zip(&mut rows) {
        row.cut += lab.seen_of(|lab| lab.send(std::slice::from_ref(way)))?;
    }
    lab.disarm();
    lab.release()?;
    lab.wait_by_name()?;
    let refused: Vec<Way> = by_name().into_iter().filter(|way| !way.passes_open).collect();
    let cut = lab.seen_of(|lab| {
        Lab::inside("gateway", &["nft", "flush", "ruleset"])?;
        lab.send_for(&refused, Duration::from_secs(1))
    })?;
    let name = "nftables emptied by another, where names are permitted".to_owned();
    rows.push(Row { name, open: None, cut, control: false });
    lab.wait_by_name()?;
    ask("www.ours.example", RecordType::A)?;
    lab.signal(Signal::SIGSTOP)?;
    thread::sleep(DEAD_MAN + SETTLE);
    let cut = lab.seen_of(|lab| lab.send_for(&ways, Duration::from_secs(1)))?;
    lab.signal(Signal::SIGCONT)?;
    let name = "an address given by name, engine stopped".to_owned();
    rows.push(Row { name, open: None, cut, control: false });
    Ok(rows)
}

/// A laboratory with a resolver, and one outside that it asks.
pub(super) fn lab(program: &Path, by_name: bool) -> anyhow::Result<Lab> {
    let mut lab = Lab::with(program, |folder| {
        let policy = folder.join("own.cedar");
        std::fs::write(&policy, POLICY)?;
        let policy = if by_name { format!("policy = '{}'\n", policy.display()) } else { String::new() };
        let resolver = format!(
            "[resolver]\nlisten = ['{GATEWAY}']\nupstream = ['{SERVER}']\nprivate = ['ours.example']\n"
        );
        Ok((policy, resolver))
    })?;
    let socket = within("outside", || Ok(UdpSocket::bind((SERVER, 53))?))?;
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        // It ends with the process.
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answer(buffer.get(..length).unwrap_or_default()) {
                let _ = socket.send_to(&answer, from);
            }
        }
    });
    lab.start()?;
    lab.release()?;
    lab.wait_by_name()?;
    Ok(lab)
}

/// Every name is that of the one server.
fn answer(asked: &[u8]) -> Option<Vec<u8>> {
    let mut answer = Message::from_vec(asked).ok()?.into_response();
    let name = answer.queries.first()?.name().clone();
    answer.add_answer(Record::from_rdata(name, 60, RData::A(A(SERVER))));
    answer.to_vec().ok()
}

/// Has a client ask in the family of the addresses that it asks for, and waits for an answer of whatever kind.
pub(super) fn ask(name: &str, kind: RecordType) -> anyhow::Result<()> {
    ask_from(if kind == RecordType::AAAA { CLIENT6.into() } else { CLIENT.into() }, name, kind)
}

/// The same of another client, by one of its addresses.
pub(super) fn ask_from(from: IpAddr, name: &str, kind: RecordType) -> anyhow::Result<()> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_str(name)?, kind));
    let bytes = message.to_vec()?;
    within("client", move || {
        let to: IpAddr = if from.is_ipv4() { GATEWAY.into() } else { GATEWAY6.into() };
        let socket = UdpSocket::bind((from, 0))?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        socket.send_to(&bytes, (to, 53))?;
        socket.recv(&mut [0; 1500]).context("the resolver does not answer")?;
        Ok(())
    })
}

/// A name below a permitted domain, one that carries data or not.
fn named(number: u64, data: bool) -> String {
    if !data {
        return format!("host-{number}.ours.example");
    }
    let stirred = |salt: u64| (number.wrapping_add(salt)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:016x}{:016x}{:016x}.ours.example", stirred(1), stirred(100), stirred(10_000))
}
