//! What captures say of jurisdiction: where the aircraft was, what its app asked and was told, and what it did then.
//!
//! An app asks a server where it is, with what it knows (network code, place, address), takes the answer, and from then on
//! uses the hosts, the datum and the rules of that country. So the exchange is looked for first; what comes after it shows
//! what is believed.

mod device;
mod ways;
mod words;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::path::PathBuf;

use creance_detect::{Path, Role, Secrets, mask_host};
use creance_model::{Direction, Flow, Message, Timestamp};
use creance_place::region::Evidence;
use creance_place::region::address::Address;
use creance_place::region::belief::{AppEvidence, RadioSet, Told};
use creance_place::region::boundaries::Boundaries;
use creance_place::region::datum_tell::{DatumSeen, metres};
use creance_place::region::hosts::{self, HostUsed};
use creance_place::region::mcc::Codes;
use creance_place::region::position::{Position, Receiver};
use creance_place::region::settings;
use creance_place::{Atlas, Country};

use crate::actions::Actions;
use crate::pipeline::{Pipeline, Run};
use crate::traffic::Traffic;
use crate::{Error, Progress, Request, inputs, names::Name, notes};
use device::of_device;
use ways::{pairs, positions};
use words::{Said, is_about_place, is_about_zones, is_login, is_real_name};

/// What was gathered.
#[derive(Clone, Debug, Default)]
pub struct RegionRead {
    /// For [`creance_place::region::assess`].
    pub evidence: Evidence,
    /// What an app sent when it asked where it is: the source, and the country that it says.
    pub asked: Vec<(&'static str, Option<Country>)>,
    /// The packets in which it asked and was answered, at most 64.
    pub packets: Vec<u64>,
    /// Whether damage or a limit left something out.
    pub incomplete: bool,
}

/// Requests and hosts remembered.
const MOST_SENT: usize = 50_000;
const MOST_HOSTS: usize = 10_000;
/// Requests that wait for an answer on one flow, and flows with such.
const MOST_WAITING: usize = 64;
const MOST_FLOWS: usize = 10_000;
/// Fixes that a place which was sent is compared with: they are spread over all of the flight.
const MOST_COMPARED: usize = 256;
/// Packets of the exchange that are told.
const MOST_PACKETS: usize = 64;

/// Gathers what the inputs of `request` say.
pub fn region(request: &Request, progress: &mut dyn FnMut(Progress)) -> Result<RegionRead, Error> {
    let atlas = request.atlas()?;
    let circumstances = request.evidence()?;
    let opened = inputs::open(request)?;
    let keys = request.key_log()?;
    let pipeline = Pipeline::new(None, &request.limits, keys.clone()).with_region();
    let run = crate::run(opened, pipeline, &keys, request, progress)?;
    let mut read =
        gathered(&run, circumstances.paths, circumstances.actions.as_ref(), &request.device, &atlas)?;
    read.incomplete |= !run.notes.damage.is_empty() || notes::limited(&run);
    Ok(read)
}

/// What a pass gathered, with the ways of the logs, what the user did, and the content of devices.
pub(crate) fn gathered(
    run: &Run<'_>,
    mut paths: Vec<Path>,
    actions: Option<&Actions>,
    device: &[PathBuf],
    atlas: &Atlas,
) -> Result<RegionRead, Error> {
    let Some(gathered) = &run.pipeline.region else { return Ok(RegionRead::default()) };
    paths.extend(run.pipeline.heard.paths());
    paths.retain(|path| path.role == Role::Aircraft);
    let device = of_device(device);
    let mut evidence = gathered.evidence(&paths, actions, &run.pipeline.traffic);
    evidence.network_mcc.extend(device.network_mcc);
    evidence.sim_mcc.extend(device.sim_mcc);
    evidence.time_zones.extend(device.time_zones);
    evidence.locales.extend(device.locales);
    for list in [&mut evidence.network_mcc, &mut evidence.sim_mcc] {
        list.sort_unstable();
        list.dedup();
    }
    for list in [&mut evidence.time_zones, &mut evidence.locales] {
        list.sort_unstable();
        list.dedup();
    }
    let packets = gathered.exchange.as_ref().map(|exchange| exchange.packets.clone()).unwrap_or_default();
    Ok(RegionRead { evidence, asked: gathered.asked(atlas)?, packets, incomplete: gathered.beyond })
}

/// What was sent in one request.
#[derive(Clone, Debug)]
struct Sent {
    time: Timestamp,
    host: String,
    target: String,
    said: Said,
}

/// An exchange in which an app asked where it is.
#[derive(Clone, Debug)]
struct Exchange {
    asked: Sent,
    answer: Said,
    /// Of question and answer.
    packets: Vec<u64>,
}

/// A host that was talked to.
#[derive(Clone, Debug)]
struct Host {
    ip: IpAddr,
    last: Timestamp,
    /// Whether what was sent to it could be read, and when that was last.
    read: Option<Timestamp>,
}

/// Requests of a flow that wait for their answers.
#[derive(Debug, Default)]
struct Waiting {
    requests: VecDeque<(Sent, Vec<u64>)>,
    /// Which answer is whose cannot be told until none waits: HTTP/2 and HTTP/3 answer in any order.
    mingled: bool,
    /// There were too many: nothing on this flow is paired any more.
    lost: bool,
}

/// What a pass over messages keeps that bears on jurisdiction.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// What says something.
    sent: Vec<Sent>,
    /// By flow.
    waiting: BTreeMap<u64, Waiting>,
    /// So many flows waited that one was left out. It cannot be told from a new one, so no further flow is paired.
    full: bool,
    exchange: Option<Exchange>,
    hosts: BTreeMap<String, Host>,
    /// Countries that radios were set to, by what says so.
    radios: BTreeSet<(&'static str, Country)>,
    /// Something was left out.
    beyond: bool,
}

impl Gathered {
    pub(crate) fn note(&mut self, flow: &Flow, message: &Message) {
        let radios = [("wifi-country", "wifi_country"), ("duml-country", "country_code")];
        self.radios.extend(radios.into_iter().filter_map(|(source, field)| {
            let code = message.text(field)?.get(..2)?;
            Some((source, Country::new(code).filter(|country| settings::is_country(*country))?))
        }));
        match flow.direction(message.from) {
            Direction::Outbound => self.sent(flow, message),
            Direction::Inbound if message.kind == "response" => self.answered(flow, message),
            _ => {}
        }
    }

    fn sent(&mut self, flow: &Flow, message: &Message) {
        let name = message.text("host").or_else(|| message.text("sni"));
        if message.protocol == "dns" || name.is_none() && message.parts.is_empty() {
            return;
        }
        let ip = flow.end(message.from.other()).ip;
        let host = name.map_or_else(|| ip.to_string(), |name| Name::new(name, Name::HOST_HEADER).host);
        let read = Some(message.time).filter(|_| message.kind != "client-hello");
        if let Some(known) = self.hosts.get_mut(&host) {
            known.last = known.last.max(message.time);
            known.read = known.read.max(read);
        } else if self.hosts.len() < MOST_HOSTS {
            self.hosts.insert(host.clone(), Host { ip, last: message.time, read });
        } else {
            self.beyond = true;
        }
        if read.is_none() {
            return;
        }
        let target = message.text("uri").or_else(|| message.text("topic")).unwrap_or_default().to_owned();
        let sent = Sent { time: message.time, host, target, said: Said::of(message) };
        if message.kind == "request" {
            self.wait(flow.id, message.protocol, (sent.clone(), message.packets.clone()));
        }
        if !sent.says_something() {
            return;
        }
        if self.sent.len() < MOST_SENT {
            self.sent.push(sent);
        } else {
            self.beyond = true;
        }
    }

    fn wait(&mut self, flow: u64, protocol: &str, sent: (Sent, Vec<u64>)) {
        let known = self.waiting.contains_key(&flow);
        self.full |= !known && self.waiting.len() >= MOST_FLOWS;
        if self.full && !known {
            self.beyond = true;
            return;
        }
        let waiting = self.waiting.entry(flow).or_default();
        waiting.lost |= waiting.requests.len() >= MOST_WAITING;
        if waiting.lost {
            waiting.requests.clear();
            self.beyond = true;
            return;
        }
        waiting.requests.push_back(sent);
        waiting.mingled |= waiting.requests.len() > 1 && matches!(protocol, "http/2" | "http/3");
    }

    /// The request that is answered now, where that can be told.
    fn next(&mut self, flow: u64) -> Option<(Sent, Vec<u64>)> {
        let waiting = self.waiting.get_mut(&flow)?;
        let asked = waiting.requests.pop_front()?;
        let told = !waiting.mingled;
        if waiting.requests.is_empty() {
            self.waiting.remove(&flow);
        }
        Some(asked).filter(|_| told)
    }

    fn answered(&mut self, flow: &Flow, message: &Message) {
        let Some((asked, mut packets)) = self.next(flow.id) else { return };
        let answer = Said::of(message);
        packets.truncate(MOST_PACKETS / 2);
        packets.extend(message.packets.iter().take(MOST_PACKETS / 2));
        let exchange = Exchange { asked, answer, packets };
        // The one that is most about it; of equals, the last answer holds.
        let least = self.exchange.as_ref().map_or(LEAST, Exchange::score);
        if exchange.is_told() && exchange.score() >= least {
            self.exchange = Some(exchange);
        }
    }

    /// The vendor's domains: that of the server which was asked, if something else ties the app to it; else those that places of
    /// the aircraft went to.
    fn vendors(&self, paths: &[Path]) -> Vec<String> {
        let fixes = || paths.iter().flat_map(|path| &path.fixes);
        let apart = fixes().count().div_ceil(MOST_COMPARED).max(1);
        let compared: Vec<(f64, f64)> = fixes().step_by(apart).map(|fix| (fix.lat, fix.lon)).collect();
        let near = |place: &(f64, f64)| compared.iter().any(|fix| metres(*fix, *place) < 50_000.0);
        let told = self.sent.iter().filter(|sent| sent.said.places.iter().any(near));
        let told: Vec<String> = told.map(|sent| domain(&sent.host)).collect();
        if let Some(Exchange { asked, .. }) = &self.exchange {
            let asked = domain(&asked.host);
            let shows = |sent: &Sent| sent.logs_in() || is_about_zones(&sent.target);
            let at_it = |sent: &Sent| domain(&sent.host) == asked && shows(sent);
            let branch = |host: &String| domain(host) == asked && hosts::branch(host).is_some();
            if told.contains(&asked) || self.sent.iter().any(at_it) || self.hosts.keys().any(branch) {
                return vec![asked];
            }
        }
        // Of these, and where there is none of all, those that name hosts after countries: others have no branches.
        let named = self.hosts.keys().filter(|host| hosts::branch(host).is_some()).map(|host| domain(host));
        let mut domains: Vec<String> =
            named.filter(|domain| told.is_empty() || told.contains(domain)).collect();
        domains.sort();
        domains.dedup();
        domains
    }

    /// The hosts, with the bytes that went to each: what is said counts in messages, what went in payload.
    fn used(
        &self,
        traffic: &Traffic,
        is_vendor: &dyn Fn(&str) -> bool,
        is_branch: &dyn Fn(&str, Timestamp) -> bool,
    ) -> Vec<HostUsed> {
        let mut used: BTreeMap<(String, IpAddr), HostUsed> = BTreeMap::new();
        for ((ip, _, _, name), sum) in &traffic.destinations {
            // Whom names and the time are asked of is no place where data goes.
            if sum.protocols.iter().all(|protocol| matches!(*protocol, "dns" | "ntp")) {
                continue;
            }
            let name = name.clone().unwrap_or_else(|| ip.to_string());
            let host = used.entry((name, *ip)).or_default();
            host.bytes += sum.up;
        }
        for (name, host) in &self.hosts {
            if used
                .range((name.clone(), IpAddr::from([0, 0, 0, 0]))..)
                .next()
                .is_none_or(|((one, _), _)| one != name)
            {
                used.insert((name.clone(), host.ip), HostUsed::default());
            }
        }
        let mut before = None;
        let told = |((name, ip), host): ((String, IpAddr), HostUsed)| {
            let spoken = self.hosts.get(&name).is_some_and(|host| is_branch(&name, host.last));
            // One host at several addresses has one voice.
            let again = before.replace(name.clone()).is_some_and(|before| before == name);
            HostUsed {
                vendor: is_vendor(&name),
                branch: spoken && !again,
                ip: Some(ip).filter(|ip| !ip.is_unspecified()),
                name: if name.parse::<IpAddr>().is_ok() { String::new() } else { name },
                ..host
            }
        };
        used.into_iter().map(told).collect()
    }

    fn evidence(&self, paths: &[Path], actions: Option<&Actions>, traffic: &Traffic) -> Evidence {
        let vendors = self.vendors(paths);
        let decided = self.exchange.as_ref().map(|exchange| exchange.asked.time);
        let asked_host = self.exchange.as_ref().map(|exchange| exchange.asked.host.as_str());
        let is_vendor = |host: &str| vendors.contains(&domain(host));
        // The host that is asked for the place is the same for all countries.
        let is_branch =
            |host: &str| Some(host) != asked_host && is_vendor(host) && !is_about_place(label(host));
        let after = |time: Timestamp| decided.is_none_or(|decided| time > decided);
        let since = || self.sent.iter().filter(|sent| after(sent.time) && is_branch(&sent.host));

        let hosts = self.used(traffic, &is_vendor, &|name, last| is_branch(name) && after(last));
        let answer = self.exchange.as_ref().map(|exchange| &exchange.answer);
        // What was not seen is absent only if all that the vendor's hosts got then could be read.
        let spoken = || self.hosts.iter().filter(|(name, host)| is_branch(name) && after(host.last));
        let readable = spoken().next().is_some() && spoken().all(|(_, host)| host.read.is_some_and(after));
        let told = answer.and_then(|answer| answer.countries.last()).map(|(country, _)| *country);
        let login = forced(since().filter(|sent| sent.logs_in()), told, actions);
        let zones = since().any(|sent| is_about_zones(&sent.target) || is_about_zones(&sent.host))
            || hosts.iter().any(|host| host.branch && is_about_zones(&host.name));
        let declared = since()
            .filter_map(|sent| sent.said.datum)
            .next_back()
            .or_else(|| answer.and_then(|answer| answer.datum));
        let datum = DatumSeen { declared, sent: pairs(since(), paths) };

        let mut app = AppEvidence {
            datum: Some(datum).filter(|datum| *datum != DatumSeen::default()),
            forced_login: answer
                .and_then(|answer| answer.login)
                .or(login)
                .or_else(|| (readable && !since().any(Sent::logs_in)).then_some(false)),
            no_fly_download: readable.then_some(zones).or_else(|| zones.then_some(true)),
            radios: self
                .radios
                .iter()
                .map(|(source, country)| RadioSet { source, country: *country })
                .collect(),
            hosts,
            ..AppEvidence::default()
        };
        if let Some((exchange, (country, field))) =
            self.exchange.as_ref().and_then(|exchange| Some((exchange, exchange.answer.countries.last()?)))
        {
            let host = mask_host(&exchange.asked.host, &Secrets::default());
            let place = format!("field {field} of the answer of {host}");
            app.told.push(Told { country: *country, place, by_vendor: is_vendor(&exchange.asked.host) });
        }
        let mut evidence = Evidence { positions: positions(paths), app, ..Evidence::default() };
        for sent in &self.sent {
            evidence.network_mcc.extend(&sent.said.network_mcc);
            evidence.sim_mcc.extend(&sent.said.sim_mcc);
            evidence.time_zones.extend(sent.said.time_zones.iter().cloned());
        }
        if let Some(exchange) = &self.exchange {
            let seen = exchange
                .answer
                .addresses
                .iter()
                .filter(|_| exchange.answer.located || exchange.answer.countries.len() == 1);
            evidence.addresses.extend(seen.map(|ip| Address { ip: *ip, exit: None }));
            if evidence.positions.is_empty() {
                evidence.positions.extend(exchange.asked.said.places.iter().copied().map(phone));
            }
        }
        evidence
    }

    fn asked(&self, atlas: &Atlas) -> Result<Vec<(&'static str, Option<Country>)>, Error> {
        let Some(exchange) = &self.exchange else { return Ok(Vec::new()) };
        let (boundaries, codes) = (Boundaries::bundled()?, Codes::bundled()?);
        let mut asked = Vec::new();
        if let Some(ip) = exchange.answer.addresses.first() {
            asked.push(("ip", atlas.locate(*ip, None).country.as_deref().and_then(Country::new)));
        }
        if let Some((lat, lon)) = exchange.asked.said.places.first() {
            let vote = phone((*lat, *lon)).vote(boundaries);
            asked.push(("gps", vote.says.first().copied().filter(|_| vote.says.len() == 1)));
        }
        for (source, list) in
            [("mcc", &exchange.asked.said.network_mcc), ("sim-mcc", &exchange.asked.said.sim_mcc)]
        {
            asked.extend(list.first().map(|code| (source, codes.assigned(*code))));
        }
        Ok(asked)
    }
}

/// Whether these logins were forced, where that is known: a real name must be given, or the user notes that the app insists.
/// A login that somebody chose is none that was forced. Where nobody noted anything, what follows mainland China's answer is
/// taken for what its rules on activation ask; elsewhere nobody knows.
fn forced<'s>(
    logins: impl Iterator<Item = &'s Sent>,
    told: Option<Country>,
    actions: Option<&Actions>,
) -> Option<bool> {
    let each = logins.map(|sent| match actions.map(|log| log.login(sent.time)) {
        _ if is_real_name(&sent.target) => Some(true),
        Some(noted) => noted,
        None => (told == Some(Country::CN)).then_some(true),
    });
    let all: Vec<Option<bool>> = each.collect();
    let any = |said| all.contains(&Some(said)).then_some(said);
    any(true).or_else(|| any(false))
}

impl Sent {
    fn logs_in(&self) -> bool {
        is_login(&self.target) || self.said.password
    }

    /// Whether something bears on jurisdiction but that it was sent.
    fn says_something(&self) -> bool {
        self.said != Said::default() || is_login(&self.target) || is_about_zones(&self.target)
    }
}

impl Exchange {
    /// Whether the answer says what follows.
    fn is_told(&self) -> bool {
        let answer = &self.answer;
        !answer.countries.is_empty() || answer.datum.is_some() || answer.login.is_some()
    }

    /// How much it looks like one in which an app asked where it is.
    fn score(&self) -> u32 {
        let (asked, answer) = (&self.asked.said, &self.answer);
        let signs = [
            (!asked.network_mcc.is_empty() || !asked.sim_mcc.is_empty(), 2),
            (!asked.places.is_empty(), 1),
            (!answer.countries.is_empty(), 2),
            (!answer.addresses.is_empty(), 1),
            (answer.located, 1),
            (answer.datum.is_some(), 1),
            (answer.login.is_some(), 1),
            (is_about_place(&self.asked.target) || is_about_place(label(&self.asked.host)), 1),
        ];
        signs.iter().filter(|(there, _)| *there).map(|(_, weight)| weight).sum()
    }
}

/// From here on an exchange is believed to be about region: the weather of a place and its country is less.
const LEAST: u32 = 4;

/// The domain that somebody registered.
fn domain(host: &str) -> String {
    psl::domain_str(host).unwrap_or(host).to_owned()
}

/// A place that an app says: that of its phone, as far as is known.
fn phone((lat, lon): (f64, f64)) -> Position {
    Position { lat, lon, accuracy_m: None, receiver: Receiver::Phone, doubts: Vec::new() }
}

/// A host's first label.
fn label(host: &str) -> &str {
    host.split('.').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(target: &str, said: Said) -> Sent {
        Sent { time: Timestamp::from_secs(1), host: "a.example".to_owned(), target: target.to_owned(), said }
    }

    #[test]
    fn an_exchange_about_region_is_told_from_others() {
        let asked = Said { network_mcc: vec![460], places: vec![(30.0, 103.0)], ..Said::default() };
        let answer = Said { countries: vec![(Country::CN, "region".to_owned())], ..Said::default() };
        let where_am_i =
            Exchange { asked: sent("/v1/where", asked.clone()), answer: answer.clone(), packets: Vec::new() };
        assert!(where_am_i.is_told() && where_am_i.score() >= LEAST);
        let place = Said { places: asked.places, ..Said::default() };
        let weather = Exchange { asked: sent("/weather", place), answer, packets: Vec::new() };
        assert!(weather.is_told() && weather.score() < LEAST);
        assert!(
            !Exchange {
                asked: sent("/region", Said::default()),
                answer: Said::default(),
                packets: Vec::new()
            }
            .is_told()
        );
    }

    fn wait(gathered: &mut Gathered, flow: u64, protocol: &str, targets: &[&str]) {
        for target in targets {
            gathered.wait(flow, protocol, (sent(target, Said::default()), Vec::new()));
        }
    }

    fn next(gathered: &mut Gathered, flow: u64) -> Option<String> {
        gathered.next(flow).map(|(sent, _)| sent.target)
    }

    #[test]
    fn answers_are_paired_where_their_order_tells() {
        let mut gathered = Gathered::default();
        wait(&mut gathered, 1, "http/1", &["/a", "/b"]);
        assert_eq!(next(&mut gathered, 1).as_deref(), Some("/a"));
        assert_eq!(next(&mut gathered, 1).as_deref(), Some("/b"));
        assert_eq!(next(&mut gathered, 1), None);
        for protocol in ["http/2", "http/3"] {
            wait(&mut gathered, 2, protocol, &["/a", "/b"]);
            assert_eq!((next(&mut gathered, 2), next(&mut gathered, 2)), (None, None), "{protocol}");
            wait(&mut gathered, 2, protocol, &["/c"]);
            assert_eq!(next(&mut gathered, 2).as_deref(), Some("/c"), "{protocol}");
        }
        assert!(!gathered.beyond);
    }

    #[test]
    fn beyond_the_limits_nothing_is_paired_with_a_wrong_answer() {
        let mut gathered = Gathered::default();
        wait(&mut gathered, 1, "http/1", &["/a"; MOST_WAITING + 1]);
        wait(&mut gathered, 1, "http/1", &["/b"]);
        assert_eq!((next(&mut gathered, 1), gathered.beyond), (None, true));

        let mut gathered = Gathered::default();
        let most = MOST_FLOWS as u64;
        for flow in 0..=most {
            wait(&mut gathered, flow, "http/1", &["/a"]);
        }
        assert!(gathered.beyond && next(&mut gathered, 0).is_some());
        wait(&mut gathered, most, "http/1", &["/b"]);
        assert_eq!(next(&mut gathered, most), None);
    }
}
