//! What captures say of jurisdiction: where the aircraft was, what its app asked and was told, and what it did then.
//!
//! An app asks a server where it is, with what it knows (network code, place, address), takes the answer, and from then on
//! uses the hosts, the datum and the rules of that country. So the exchange is looked for first; what comes after it shows
//! what is believed.

mod words;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::path::{Path as FilePath, PathBuf};

use creance_detect::{Fix, Path, Role, Secrets, mask_host};
use creance_model::{DataClass, Direction, Flow, Message, Timestamp, Trigger};
use creance_place::Country;
use creance_place::datum::Datum;
use creance_place::region::Evidence;
use creance_place::region::address::Address;
use creance_place::region::belief::AppEvidence;
use creance_place::region::boundaries::Boundaries;
use creance_place::region::datum_tell::{DatumSeen, metres};
use creance_place::region::hosts::{self, HostUsed};
use creance_place::region::mcc::Codes;
use creance_place::region::position::{Doubt, Position, Receiver};
use creance_wire::Keep;

use crate::actions::Actions;
use crate::pipeline::Pipeline;
use crate::{Error, Progress, Request, inputs, names::Name, notes};
use words::{Said, is_about_place, is_about_zones, is_login};

/// What was gathered.
#[derive(Clone, Debug, Default)]
pub struct RegionRead {
    /// For [`creance_place::region::assess`].
    pub evidence: Evidence,
    /// What the app asked with, and which country each of it says.
    pub asked: Vec<(&'static str, Option<Country>)>,
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

/// Gathers what the inputs of `request` say.
pub fn region(request: &Request, progress: &mut dyn FnMut(Progress)) -> Result<RegionRead, Error> {
    let mut request = request.clone();
    request.limits.wire.keep = Keep::All;
    let atlas = request.atlas()?;
    let circumstances = request.evidence()?;
    let opened = inputs::open(&request)?;
    let keys = request.key_log()?;
    let mut gathered = Gathered::default();
    let mut sink = |flow: &Flow, message: &Message| gathered.note(flow, message);
    let pipeline = Pipeline::new(None, &request.limits, keys.clone()).with_messages(&mut sink);
    let run = crate::run(opened, pipeline, &keys, &request, progress)?;
    let incomplete = !run.notes.damage.is_empty() || notes::limited(&run);
    let mut paths = run.pipeline.heard.paths();
    drop(run);
    paths.extend(circumstances.paths);
    paths.retain(|path| path.role == Role::Aircraft);

    let device = of_device(&request.device);
    let mut evidence = gathered.evidence(&paths, circumstances.actions.as_ref());
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
    let asked = gathered.asked(&atlas)?;
    let incomplete = incomplete || gathered.beyond;
    Ok(RegionRead { evidence, asked, incomplete })
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
}

/// A host that was talked to.
#[derive(Clone, Debug)]
struct Host {
    ip: IpAddr,
    last: Timestamp,
    bytes: u64,
    readable: bool,
}

/// Requests of a flow that wait for their answers.
#[derive(Debug, Default)]
struct Waiting {
    requests: VecDeque<Sent>,
    /// Which answer is whose cannot be told until none waits: HTTP/2 and HTTP/3 answer in any order.
    mingled: bool,
    /// There were too many: nothing on this flow is paired any more.
    lost: bool,
}

#[derive(Debug, Default)]
struct Gathered {
    sent: Vec<Sent>,
    /// By flow.
    waiting: BTreeMap<u64, Waiting>,
    /// So many flows waited that one was left out. It cannot be told from a new one, so no further flow is paired.
    full: bool,
    exchange: Option<Exchange>,
    hosts: BTreeMap<String, Host>,
    /// Something was left out.
    beyond: bool,
}

impl Gathered {
    fn note(&mut self, flow: &Flow, message: &Message) {
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
        let handshake = message.kind == "client-hello";
        let target = message.text("uri").or_else(|| message.text("topic")).unwrap_or_default().to_owned();
        if let Some(known) = self.hosts.get_mut(&host) {
            known.last = known.last.max(message.time);
            known.readable |= !handshake;
            known.bytes += if handshake { 0 } else { message.bytes };
        } else if self.hosts.len() < MOST_HOSTS {
            let bytes = if handshake { 0 } else { message.bytes };
            self.hosts.insert(host.clone(), Host { ip, last: message.time, bytes, readable: !handshake });
        } else {
            self.beyond = true;
        }
        if handshake {
            return;
        }
        let sent = Sent { time: message.time, host, target, said: Said::of(message) };
        if message.kind == "request" {
            self.wait(flow.id, message.protocol, sent.clone());
        }
        if self.sent.len() < MOST_SENT {
            self.sent.push(sent);
        } else {
            self.beyond = true;
        }
    }

    fn wait(&mut self, flow: u64, protocol: &str, sent: Sent) {
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
    fn next(&mut self, flow: u64) -> Option<Sent> {
        let waiting = self.waiting.get_mut(&flow)?;
        let asked = waiting.requests.pop_front()?;
        let told = !waiting.mingled;
        if waiting.requests.is_empty() {
            self.waiting.remove(&flow);
        }
        Some(asked).filter(|_| told)
    }

    fn answered(&mut self, flow: &Flow, message: &Message) {
        let Some(asked) = self.next(flow.id) else { return };
        let answer = Said::of(message);
        let exchange = Exchange { asked, answer };
        // The one that is most about it; of equals, the last answer holds.
        let least = self.exchange.as_ref().map_or(LEAST, Exchange::score);
        if exchange.is_told() && exchange.score() >= least {
            self.exchange = Some(exchange);
        }
    }

    /// The vendor's domains: that of the server which was asked, else those that places of the aircraft went to.
    fn vendors(&self, paths: &[Path]) -> Vec<String> {
        if let Some(exchange) = &self.exchange {
            return vec![domain(&exchange.asked.host)];
        }
        let fixes = || paths.iter().flat_map(|path| &path.fixes);
        let apart = fixes().count().div_ceil(MOST_COMPARED).max(1);
        let compared: Vec<(f64, f64)> = fixes().step_by(apart).map(|fix| (fix.lat, fix.lon)).collect();
        let near = |place: &(f64, f64)| compared.iter().any(|fix| metres(*fix, *place) < 50_000.0);
        let told = self.sent.iter().filter(|sent| sent.said.places.iter().any(near));
        let told: Vec<String> = told.map(|sent| domain(&sent.host)).collect();
        // Of these, and where there is none of all, those that name hosts after countries: others have no branches.
        let named = self.hosts.keys().filter(|host| hosts::branch(host).is_some()).map(|host| domain(host));
        let mut domains: Vec<String> =
            named.filter(|domain| told.is_empty() || told.contains(domain)).collect();
        domains.sort();
        domains.dedup();
        domains
    }

    fn evidence(&self, paths: &[Path], actions: Option<&Actions>) -> Evidence {
        let vendors = self.vendors(paths);
        let decided = self.exchange.as_ref().map(|exchange| exchange.asked.time);
        let asked_host = self.exchange.as_ref().map(|exchange| exchange.asked.host.as_str());
        // The host that is asked for the place is the same for all countries.
        let is_branch = |host: &str| {
            Some(host) != asked_host && vendors.contains(&domain(host)) && !is_about_place(label(host))
        };
        let after = |time: Timestamp| decided.is_none_or(|decided| time > decided);
        let since = || self.sent.iter().filter(|sent| after(sent.time) && is_branch(&sent.host));

        let hosts: Vec<HostUsed> = self
            .hosts
            .iter()
            .map(|(name, host)| HostUsed {
                name: if name.parse::<IpAddr>().is_ok() { String::new() } else { name.clone() },
                ip: Some(host.ip).filter(|ip| !ip.is_unspecified()),
                bytes: host.bytes,
                branch: is_branch(name) && after(host.last),
            })
            .collect();
        let answer = self.exchange.as_ref().map(|exchange| &exchange.answer);
        let readable = answer.is_some() || since().next().is_some();
        let by_hand = |sent: &Sent| {
            actions.is_some_and(|log| {
                log.trigger(sent.time, &[DataClass::Credential], |_| false) == Trigger::User
            })
        };
        let mut logins = since().filter(|sent| is_login(&sent.target) || sent.said.password).peekable();
        // A login that somebody chose is none that was forced, and where the app was not told where it is, nobody knows.
        let login = match (logins.peek(), answer) {
            (None, _) => Some(false),
            (Some(_), Some(_)) => Some(logins.any(|sent| !by_hand(sent))),
            (Some(_), None) => None,
        };
        let zones = since().any(|sent| is_about_zones(&sent.target) || is_about_zones(&sent.host))
            || hosts.iter().any(|host| host.branch && is_about_zones(&host.name));
        let declared = since()
            .filter_map(|sent| sent.said.datum)
            .next_back()
            .or_else(|| answer.and_then(|answer| answer.datum));
        let datum = DatumSeen { declared, sent: pairs(since(), paths) };

        let mut app = AppEvidence {
            datum: Some(datum).filter(|datum| *datum != DatumSeen::default()),
            forced_login: answer.and_then(|answer| answer.login).or_else(|| login.filter(|_| readable)),
            no_fly_download: readable.then_some(zones).or_else(|| zones.then_some(true)),
            hosts,
            ..AppEvidence::default()
        };
        if let Some((exchange, (country, field))) =
            self.exchange.as_ref().and_then(|exchange| Some((exchange, exchange.answer.countries.last()?)))
        {
            let host = mask_host(&exchange.asked.host, &Secrets::default());
            app.told.push((*country, format!("field {field} of the answer of {host}")));
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

    fn asked(&self, atlas: &creance_place::Atlas) -> Result<Vec<(&'static str, Option<Country>)>, Error> {
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

/// First and last place of each path, with what speaks against its receiver.
fn positions(paths: &[Path]) -> Vec<Position> {
    let mut positions = Vec::new();
    for path in paths {
        let mut fixes: Vec<&Fix> = path.fixes.iter().collect();
        fixes.sort_by_key(|fix| fix.time);
        let doubts = if jumps(&fixes) { vec![Doubt::Jump] } else { Vec::new() };
        let ends = fixes.first().into_iter().chain(fixes.last().filter(|_| fixes.len() > 1));
        positions.extend(ends.map(|fix| Position {
            lat: fix.lat,
            lon: fix.lon,
            accuracy_m: None,
            receiver: Receiver::Aircraft,
            doubts: doubts.clone(),
        }));
    }
    positions.dedup_by(|a, b| metres((a.lat, a.lon), (b.lat, b.lon)) < 100.0);
    positions
}

/// Whether a path has a leap of more than a kilometre faster than 150 m/s: no drone of these flies so.
fn jumps(fixes: &[&Fix]) -> bool {
    fixes.windows(2).any(|pair| {
        let [a, b] = pair else { return false };
        let far = metres((a.lat, a.lon), (b.lat, b.lon));
        far > 1_000.0 && far > 150.0 * (b.time.as_secs_f64() - a.time.as_secs_f64()).max(0.1)
    })
}

/// Nanoseconds that a fix may be from a request that tells of it: telemetry comes about once a second.
const TOLD_WITHIN: i64 = 3_000_000_000;
/// Pairs looked at.
const MOST_PAIRS: usize = 256;

/// Places that were sent, each with the place where the aircraft was: of its way about that time the point that it fits best,
/// in any datum. Between fixes the way is straight: at one fix a second an aircraft is soon 10 m from the nearest.
fn pairs<'a>(sent: impl Iterator<Item = &'a Sent>, paths: &[Path]) -> Vec<((f64, f64), (f64, f64))> {
    let mut pairs = Vec::new();
    for sent in sent.filter(|sent| !sent.said.places.is_empty()).take(MOST_PAIRS) {
        let mut way = Vec::new();
        for path in paths {
            let near = path.fixes.iter().filter(|fix| fix.time.since(sent.time).abs() <= TOLD_WITHIN);
            let mut near: Vec<&Fix> = near.take(MOST_COMPARED).collect();
            near.sort_by_key(|fix| fix.time);
            let ends = near.iter().zip(near.iter().skip(1).chain(near.last()));
            way.extend(ends.map(|(a, b)| ((a.lat, a.lon), (b.lat, b.lon))));
            if way.len() >= MOST_COMPARED {
                break;
            }
        }
        for place in &sent.said.places {
            let fits = way.iter().flat_map(|(a, b)| Datum::ALL.map(|datum| nearest(*place, *a, *b, datum)));
            let truth = fits.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, truth)| truth);
            // A place far from the aircraft is somebody else's.
            pairs.extend(truth.filter(|truth| metres(*place, *truth) < 2_000.0).map(|truth| (*place, truth)));
        }
    }
    pairs
}

/// The point between `a` and `b` that a place fits best which is in this datum, and how many metres it is off.
fn nearest(place: (f64, f64), a: (f64, f64), b: (f64, f64), datum: Datum) -> (f64, (f64, f64)) {
    let (start, end) = (datum.from_wgs84(a), datum.from_wgs84(b));
    let narrow = start.0.to_radians().cos();
    let from_start = |(lat, lon): (f64, f64)| (lat - start.0, (lon - start.1) * narrow);
    let (way, off) = (from_start(end), from_start(place));
    let length = way.0 * way.0 + way.1 * way.1;
    let share = if length > 0.0 { ((way.0 * off.0 + way.1 * off.1) / length).clamp(0.0, 1.0) } else { 0.0 };
    let truth = (a.0 + (b.0 - a.0) * share, a.1 + (b.1 - a.1) * share);
    (metres(place, datum.from_wgs84(truth)), truth)
}

/// Files of the device that are read, bytes of one, and folders deep.
const MOST_FILES: usize = 2_000;
const LARGEST_FILE: u64 = 256 << 10;
const DEEPEST: usize = 8;

/// What settings on the phone say: JSON documents with fields of such names.
fn of_device(folders: &[PathBuf]) -> Said {
    let mut said = Said::default();
    let mut left = MOST_FILES;
    let mut files = Vec::new();
    for folder in folders {
        walk(folder, DEEPEST, &mut left, &mut files);
    }
    files.sort();
    for file in files {
        let Ok(bytes) = std::fs::read(file) else { continue };
        if let Ok(serde_json::Value::Object(fields)) = serde_json::from_slice(&bytes) {
            for (name, value) in fields {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                said.note(&words::plain(&name), &text);
            }
        }
    }
    said
}

fn walk(folder: &FilePath, deep: usize, left: &mut usize, files: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let Some(rest) = left.checked_sub(1) else { return };
        *left = rest;
        let (Ok(kind), path) = (entry.file_type(), entry.path()) else { continue };
        if kind.is_dir() && deep > 0 {
            walk(&path, deep - 1, left, files);
        } else if kind.is_file()
            && path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
            && entry.metadata().is_ok_and(|found| found.len() <= LARGEST_FILE)
        {
            files.push(path);
        }
    }
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
        let where_am_i = Exchange { asked: sent("/v1/where", asked.clone()), answer: answer.clone() };
        assert!(where_am_i.is_told() && where_am_i.score() >= LEAST);
        let place = Said { places: asked.places, ..Said::default() };
        let weather = Exchange { asked: sent("/weather", place), answer };
        assert!(weather.is_told() && weather.score() < LEAST);
        assert!(!Exchange { asked: sent("/region", Said::default()), answer: Said::default() }.is_told());
    }

    fn wait(gathered: &mut Gathered, flow: u64, protocol: &str, targets: &[&str]) {
        for target in targets {
            gathered.wait(flow, protocol, sent(target, Said::default()));
        }
    }

    fn next(gathered: &mut Gathered, flow: u64) -> Option<String> {
        gathered.next(flow).map(|sent| sent.target)
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

    #[test]
    fn a_place_between_fixes_fits_its_datum() {
        let (a, b, middle) = ((30.9134, 103.5726), (30.9136, 103.5730), (30.9135, 103.5728));
        for datum in Datum::ALL {
            let (off, truth) = nearest(datum.from_wgs84(middle), a, b, datum);
            assert!(off < 0.1 && metres(truth, middle) < 0.1, "{off} {truth:?}");
            assert!(nearest(datum.from_wgs84(a), b, b, datum).0 > 30.0);
        }
    }

    #[test]
    fn a_leap_is_seen() {
        let fix = |second, lat| Fix { time: Timestamp::from_secs(second), lat, lon: 8.0 };
        let (a, b, c) = (fix(0, 47.0), fix(1, 47.0001), fix(2, 48.0));
        assert!(!jumps(&[&a, &b]));
        assert!(jumps(&[&a, &b, &c]));
    }
}
