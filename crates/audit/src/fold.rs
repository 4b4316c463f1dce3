//! From sightings to findings: circumstances added, equal facts folded into one, values masked, worst first.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry},
    net::IpAddr,
    sync::Arc,
};

use creance_capture::Notes;

use creance_detect::{Flight, FoundIn, Pieces, Secrets, mask, mask_file, mask_step, place_of, severity};
use creance_model::{
    AppState, Case, Coverage, DataClass, Direction, Evidence, Finding, FlightState, Interval, Match,
    Occurrence, Origin, Phase, Report, Source, Timestamp, Tlp, Transport, Trigger, Unread, Visibility,
};
use creance_place::Atlas;
use creance_place::region::{
    assess,
    boundaries::Boundaries,
    position::{Position, Receiver},
};
use data_encoding::HEXLOWER;
use ring::hmac;

use crate::{
    Error, clocks,
    destination::{destination, everybody, shown_host},
    flight::Sample,
    ground::ground,
    inputs::Hashed,
    marks,
    names::Name,
    notes::{limited, notes},
    phases,
    pipeline::Run,
    region,
    request::{Circumstances, Request},
    sightings::Seen,
    traffic::{Traffic, told},
};

/// Occurrences listed for one finding; further ones are counted.
const MOST_OCCURRENCES: usize = 256;

/// Findings told; of further ones the least severe are counted. Of what was radiated as many are told besides.
const MOST_FINDINGS: usize = 10_000;

/// Protected places of one finding, and zones.
const MOST_SITES: usize = 100;

/// Rows of what was not read.
const MOST_UNREAD: usize = 200;

/// Everything known, put together.
pub(crate) fn report(
    request: &Request,
    run: &Run<'_>,
    hashed: Hashed,
    circumstances: Circumstances,
    atlas: &Atlas,
) -> Result<Report, Error> {
    let Circumstances { mut flight, actions, paths, tracks } = circumstances;
    let gathered = region::gathered(run, paths, actions.as_ref(), &request.device, atlas)?;
    let assessed = assess(&gathered.evidence, atlas)?;
    let [sent, radiated] = run.pipeline.telemetry.sources();
    (flight.links, flight.radiated) = (sent, radiated);
    flight.link = run.pipeline.telemetry.seen;
    flight.capture = run.first.zip(run.last);
    let (phases, further_phases) = flight.phases();
    let app_states = actions.as_ref().map(crate::actions::Actions::app_states).unwrap_or_default();
    let scenarios = actions.as_ref().map(crate::actions::Actions::scenarios).unwrap_or_default();
    let clocks = clocks::offsets(&flight.logs, &flight.links);

    let mut triggers: BTreeMap<u64, (BTreeSet<DataClass>, BTreeSet<&str>, usize)> = BTreeMap::new();
    for (index, seen) in run.pipeline.sightings.seen.iter().enumerate() {
        let entry = triggers.entry(seen.message).or_insert_with(|| (BTreeSet::new(), BTreeSet::new(), index));
        entry.0.insert(seen.sighting.data_class);
        entry.1.extend(seen.sighting.file.as_deref().and_then(|file| file.rsplit('/').next()));
    }
    let trigger_of = |message: u64| -> Trigger {
        let (Some(actions), Some((classes, files, index))) = (&actions, triggers.get(&message)) else {
            return Trigger::Unknown;
        };
        let Some(seen) = run.pipeline.sightings.seen.get(*index) else { return Trigger::Unknown };
        let classes: Vec<DataClass> = classes.iter().copied().collect();
        let carries = |file: &str| {
            let carried = seen.sent.carried.iter().map(String::as_str).chain(files.iter().copied());
            carried.into_iter().any(|carried| carried.eq_ignore_ascii_case(file))
        };
        actions.trigger(seen.time, &classes, carries)
    };

    let sighted = run
        .pipeline
        .sightings
        .seen
        .iter()
        .map(|seen| (seen.sighting.data_class, seen.sighting.value.as_str()));
    let secrets = if request.reveal { Secrets::default() } else { Secrets::new(sighted) };
    // Keys of a profile may be names that were never sent.
    let known = run.pipeline.context.as_ref().map(|context| context.canaries.values());
    let of_device =
        if request.reveal { Secrets::default() } else { Secrets::new(known.into_iter().flatten()) };
    let fold = Fold {
        atlas,
        boundaries: Boundaries::bundled()?,
        of_device: &of_device,
        secrets: &secrets,
        phases: &phases,
        app_states: &app_states,
        scenarios: &scenarios,
        scenario: request.scenario.as_deref(),
        context_source: actions.as_ref().map(|actions| actions.source().to_owned()),
        key: &hashed.key,
        reveal: request.reveal,
        tlp: request.tlp,
        hashes: hashed.inputs.iter().map(|input| (input.path.as_str(), input.sha256.as_str())).collect(),
        files: &run.notes,
    };
    let heard = Flight::new(run.pipeline.heard.paths());
    let (findings, untold) = fold.findings(&run.pipeline.sightings.in_time(), &heard, &trigger_of);
    let destinations = destinations(&run.pipeline.traffic, &findings, &phases, atlas, &secrets);
    let coverage = coverage(&run.pipeline.traffic, &secrets, run.counters.encrypted());
    let mut notes = notes(request, run, untold, &hashed.inputs);
    notes.extend(clocks::notes(&clocks));
    let moved = |one: &Finding| {
        one.direction == Direction::Broadcast && one.data_class == DataClass::Location && one.count > 1
    };
    if findings.iter().any(|one| one.sites.len() >= MOST_SITES || one.zones.len() >= MOST_SITES) {
        notes.push(format!("Of protected places and zones at most {MOST_SITES} are named with one finding."));
    }
    if gathered.incomplete {
        notes.push(
            "More was sent than is compared for the region: what the app believes is told of a part."
                .to_owned(),
        );
    }
    if findings.iter().any(moved) {
        notes.push(
            "Of the places that one transmitter radiates as it moves, a finding shows the first.".to_owned(),
        );
    }
    if further_phases > 0 {
        notes.push(format!(
            "{further_phases} phases of flight, the last ones, are beyond the limit: their time is unknown."
        ));
    }
    let case = Case {
        id: hashed.case_id,
        campaign: hashed.campaign,
        tool: format!("creance {}", env!("CARGO_PKG_VERSION")),
        inputs: hashed.inputs,
        scenario: request.scenario.clone(),
        options: options(request),
        damage: run.notes.damage.clone(),
        notes,
        first: run.first,
        last: run.last,
        packets: run.packets,
    };
    let within = |phase: &Phase| {
        run.first.zip(run.last).is_none_or(|(first, last)| phase.to > first && phase.from <= last)
    };
    let shown = |host: &str| shown_host(host, &secrets);
    let region = assessed.told(&gathered.asked, &gathered.packets, &shown);
    let phases = clip(phases.into_iter().filter(within).collect(), run.first.zip(run.last));
    Ok(Report {
        case,
        coverage,
        findings,
        destinations,
        region,
        ground: ground(tracks, &run.pipeline, request.reveal),
        phases,
        app_states,
        scenarios,
        clocks,
        lan: run.pipeline.traffic.lan,
        origin: origin(&[flight.logs, flight.links].concat(), request.reveal),
        revealed: request.reveal,
        limited: limited(run) || untold > 0 || further_phases > 0 || gathered.incomplete,
        judgements: Vec::new(),
        tlp: request.tlp,
    })
}

/// The first position of the flight, as far as it may be shown: in whole degrees when values are masked.
fn origin(sources: &[(String, Vec<Sample>)], reveal: bool) -> Option<Origin> {
    let first = |(source, samples): &(String, Vec<Sample>)| {
        let located = samples.iter().find_map(|sample| sample.position)?;
        Some((located, format!("first position of {source}")))
    };
    let ((lat, lon), basis) = sources.iter().find_map(first)?;
    let shown = |degrees: f64| if reveal { degrees } else { degrees.trunc() };
    Some(Origin { lat: shown(lat), lon: shown(lon), basis })
}

/// Phases without end are shown as long as the capture lasts.
fn clip(mut phases: Vec<Phase>, span: Option<(Timestamp, Timestamp)>) -> Vec<Phase> {
    if let Some((first, last)) = span {
        for phase in &mut phases {
            phase.from = phase.from.max(first);
            phase.to = phase.to.min(last.plus_nanos(1));
        }
    }
    phases
}

/// What tells facts apart: one value to one place in one state is one finding. What is radiated has no address but that of
/// its transmitter, and all places that it says under one name are one finding, which shows the first.
type Fact = (
    DataClass,
    String,
    (IpAddr, Option<Arc<str>>, Transport, Option<[u8; 6]>),
    (IpAddr, u16, Option<String>),
    (FlightState, AppState, Trigger, Visibility, Option<String>),
);

struct Fold<'a> {
    atlas: &'a Atlas,
    boundaries: &'a Boundaries,
    /// What names must not say.
    secrets: &'a Secrets,
    /// As above, of names on the device.
    of_device: &'a Secrets,
    phases: &'a [Phase],
    app_states: &'a [Interval<AppState>],
    scenarios: &'a [Interval<String>],
    /// Of what lies in none of them.
    scenario: Option<&'a str>,
    context_source: Option<String>,
    key: &'a hmac::Key,
    reveal: bool,
    /// How far the case may be passed on.
    tlp: Tlp,
    /// SHA-256 of the inputs by their names.
    hashes: HashMap<&'a str, &'a str>,
    files: &'a Notes,
}

impl Fold<'_> {
    /// The findings, and how many more there were.
    fn findings(
        &self,
        seen: &[&Seen],
        heard: &Flight,
        trigger_of: &dyn Fn(u64) -> Trigger,
    ) -> (Vec<Finding>, u64) {
        // With each fact, the message that was counted last, and how much of a file of the device it is.
        let mut facts: BTreeMap<Fact, (Finding, u64, Option<Pieces>)> = BTreeMap::new();
        for one in seen {
            let proved = proved(one, heard);
            let one = proved.as_ref().unwrap_or(one);
            let finding = self.finding(one, trigger_of(one.message));
            let fact = (
                finding.data_class,
                value_or_name(&finding),
                (
                    one.sent.inside.ip,
                    one.sent.app.clone(),
                    one.sent.transport,
                    one.sent.mac.filter(|_| one.sent.transport.is_radio()),
                ),
                (
                    one.sent.outside.ip,
                    finding.destination.port,
                    one.sent.name.as_ref().map(|name| name.host.clone()),
                ),
                (
                    finding.flight_state,
                    finding.app_state,
                    finding.trigger,
                    finding.visibility,
                    finding.scenario.clone(),
                ),
            );
            match facts.entry(fact) {
                Entry::Occupied(mut known) => {
                    let (known, message, pieces) = known.get_mut();
                    merge(known, finding, *message == one.message);
                    *message = one.message;
                    match (pieces, &one.sighting.pieces) {
                        (Some(pieces), Some(others)) => pieces.merge(others.clone()),
                        (pieces, others) => *pieces = pieces.take().or_else(|| others.clone()),
                    }
                }
                Entry::Vacant(vacant) => {
                    let finding = Finding { region: self.region(one), ..finding };
                    vacant.insert((finding, one.message, one.sighting.pieces.clone()));
                }
            }
        }
        // All that was sent of each file, whatever the circumstances: an upload goes on over take-off, to other addresses.
        let mut sums: BTreeMap<String, Pieces> = BTreeMap::new();
        for (finding, _, pieces) in facts.values() {
            if let Some(pieces) = pieces {
                sums.entry(finding.digest.clone())
                    .and_modify(|sum| sum.merge(pieces.clone()))
                    .or_insert_with(|| pieces.clone());
            }
        }
        let told = |(mut finding, _, pieces): (Finding, u64, Option<Pieces>)| {
            if let Some(pieces) = pieces {
                // Little of a file may be of another.
                let sum = sums.get(&finding.digest).filter(|sum| sum.is_enough())?;
                let more = if sum.bytes() > pieces.bytes() {
                    format!("; in all, {}", sum.share())
                } else {
                    String::new()
                };
                finding.basis = Some(pieces.told() + &more);
            }
            Some(finding)
        };
        let mut findings: Vec<Finding> = facts.into_values().filter_map(told).collect();
        findings.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then(a.matched.cmp(&b.matched))
                .then(a.time.cmp(&b.time))
                .then(a.data_class.cmp(&b.data_class))
                .then_with(|| a.digest.cmp(&b.digest))
                .then_with(|| a.destination.cmp(&b.destination))
                .then(a.flight_state.cmp(&b.flight_state))
                .then_with(|| a.source.cmp(&b.source))
        });
        let all = findings.len();
        let mut told = [0; 2];
        findings.retain(|finding| {
            let radiated = usize::from(finding.direction == Direction::Broadcast);
            let Some(told) = told.get_mut(radiated).filter(|told| **told < MOST_FINDINGS) else {
                return false;
            };
            *told += 1;
            true
        });
        let untold = (all - findings.len()) as u64;
        for (index, finding) in findings.iter_mut().enumerate() {
            finding.id = format!("F{:04}", index + 1);
        }
        (findings, untold)
    }

    /// The countries that a place may lie in.
    fn region(&self, seen: &Seen) -> Vec<String> {
        let sighting = &seen.sighting;
        let Some((lat, lon)) = place_of(sighting.data_class, &sighting.value) else { return Vec::new() };
        let position =
            Position { lat, lon, accuracy_m: None, receiver: Receiver::Aircraft, doubts: Vec::new() };
        position.vote(self.boundaries).says.iter().map(ToString::to_string).collect()
    }

    fn file(&self, name: &str) -> String {
        if self.reveal { name.to_owned() } else { mask_file(name, self.secrets) }
    }

    /// A file of the device and the field in it.
    fn found_in(&self, place: &FoundIn) -> String {
        let field = if self.reveal { place.field.clone() } else { mask_step(&place.field, self.of_device) };
        format!("{} > {field}", self.file(&place.file))
    }

    fn finding(&self, seen: &Seen, trigger: Trigger) -> Finding {
        let sighting = &seen.sighting;
        let name = seen.sent.name.as_ref();
        let radiated = seen.sent.direction == Direction::Broadcast;
        let destination = if radiated {
            everybody()
        } else {
            destination(self.atlas, self.secrets, seen.sent.outside.ip, seen.sent.outside.port, name)
        };
        let phase = phases::at(self.phases, seen.time);
        let flight_state = phase.map_or(FlightState::Unknown, |phase| phase.state);
        let app_state = at(self.app_states, seen.time).copied().unwrap_or(AppState::Unknown);
        let packets = seen.packets.to_vec();
        let of_packet = || seen.packets.first().and_then(|packet| self.files.file_of(*packet));
        let file = seen.sent.recording.as_deref().or_else(of_packet);
        let input = file.and_then(|file| self.hashes.get(file)).map(|hash| format!("sha256:{hash}"));
        let mut decode_path = seen.decode_path.clone();
        decode_path.extend(sighting.encoding.iter().cloned());
        let encoding = encoding(&decode_path);
        if !self.reveal {
            decode_path = decode_path.iter().map(|step| mask_step(step, self.secrets)).collect();
        }
        let value =
            if self.reveal { sighting.value.clone() } else { mask(sighting.data_class, &sighting.value) };
        let severity = severity(
            sighting.data_class,
            sighting.matched,
            seen.visibility,
            flight_state,
            // An action log says what an app did, and nothing of why an aircraft speaks to all.
            if radiated { Trigger::Unknown } else { trigger },
            // Nobody runs the air, and the law asks for much of what is said there.
            radiated || destination.control.is_some(),
        );
        Finding {
            id: String::new(),
            data_class: sighting.data_class,
            severity,
            matched: sighting.matched,
            basis: sighting.basis.clone(),
            detector: sighting.detector.into(),
            value,
            digest: HEXLOWER.encode(hmac::sign(self.key, sighting.value.as_bytes()).as_ref()),
            encoding,
            visibility: seen.visibility,
            protocol: seen.protocol.into(),
            transport: seen.sent.transport,
            direction: seen.sent.direction,
            source: Source {
                ip: (!radiated).then(|| seen.sent.inside.ip.to_string()),
                basis: seen.sent.inside_basis,
                mac: seen.sent.mac.map(|mac| mac.map(|byte| format!("{byte:02x}")).join(":")),
                app: seen.sent.app.as_deref().map(str::to_owned),
            },
            destination,
            time: seen.time,
            last_time: seen.time,
            flight_state,
            flight_state_source: phase.map(|phase| phase.source.clone()),
            app_state,
            trigger,
            deferred: matches!(flight_state, FlightState::Ground | FlightState::Off)
                && sighting
                    .since
                    .and_then(|since| phases::at(self.phases, since))
                    .is_some_and(|phase| phase.state == FlightState::Flying),
            scenario: at(self.scenarios, seen.time).cloned().or_else(|| self.scenario.map(str::to_owned)),
            context_source: self.context_source.clone(),
            bytes: seen.message_bytes,
            count: 1,
            file: sighting.file.as_deref().map(|name| self.file(name)),
            found_in: sighting.found_in.as_ref().map(|place| self.found_in(place)),
            sites: sighting.sites.iter().take(MOST_SITES).cloned().collect(),
            zones: sighting.zones.clone(),
            region: Vec::new(),
            occurrences: vec![Occurrence {
                time: seen.time,
                packets: packets.clone(),
                carrier: seen.carrier,
                decode_path: decode_path.clone(),
            }],
            evidence: Evidence {
                input: input.unwrap_or_default(),
                packets,
                flow: seen.sent.community_id.clone(),
                ranges: sighting.range.into_iter().collect(),
            },
            decode_path,
            picture: sighting.picture,
            tlp: marks::of(sighting.data_class, self.tlp, self.reveal),
        }
    }
}

/// What holds at a moment.
fn at<S>(intervals: &[Interval<S>], time: Timestamp) -> Option<&S> {
    let holds = |interval: &&Interval<S>| interval.from <= time && time < interval.to;
    intervals.iter().find(holds).map(|interval| &interval.state)
}

/// A sighting of a place that left, if it is one of those where telemetry in the capture says that an aircraft was.
fn proved(seen: &Seen, heard: &Flight) -> Option<Seen> {
    if heard.is_empty() || seen.sent.direction != Direction::Outbound {
        return None;
    }
    let mut sighting = seen.sighting.clone();
    heard.recognise(&mut sighting, seen.time).then(|| {
        sighting.basis = sighting.basis.map(|basis| format!("{basis}, by telemetry in the capture"));
        Seen { sighting, ..seen.clone() }
    })
}

/// What of a value tells facts apart: its digest; of places that somebody radiates as they move, the name they go by.
fn value_or_name(finding: &Finding) -> String {
    let moves = finding.direction == Direction::Broadcast
        && finding.data_class == DataClass::Location
        && matches!(finding.matched, Match::Track | Match::Structured);
    let name = finding.decode_path.last().filter(|_| moves);
    name.unwrap_or(&finding.digest).clone()
}

/// Adds another sighting of the same fact, of the same message or another; the stronger match stands with its
/// evidence, and the worse severity.
fn merge(known: &mut Finding, other: Finding, same_message: bool) {
    known.severity = known.severity.max(other.severity);
    known.time = known.time.min(other.time);
    known.last_time = known.last_time.max(other.last_time);
    known.bytes += if same_message { 0 } else { other.bytes };
    known.count += 1;
    known.deferred |= other.deferred;
    let further = other.zones.into_iter().filter(|zone| !known.zones.contains(zone)).collect::<Vec<_>>();
    known.picture = known.picture.or(other.picture);
    known.zones.extend(further.into_iter().take(MOST_SITES.saturating_sub(known.zones.len())));
    let further = other.sites.into_iter().filter(|site| !known.sites.contains(site)).collect::<Vec<_>>();
    known.sites.extend(further.into_iter().take(MOST_SITES.saturating_sub(known.sites.len())));
    if known.occurrences.len() < MOST_OCCURRENCES {
        known.occurrences.extend(other.occurrences);
    }
    if other.matched < known.matched {
        (known.matched, known.detector, known.protocol) = (other.matched, other.detector, other.protocol);
        known.value = other.value;
        known.basis = other.basis;
        known.encoding = other.encoding;
        known.decode_path = other.decode_path;
        known.evidence = other.evidence;
        known.file = other.file.or(known.file.take());
        known.found_in = other.found_in;
    }
}

/// The steps of a path that are encodings, not places.
fn encoding(path: &[String]) -> Vec<String> {
    path.iter().skip(1).filter(|step| !step.contains([':', '/', ' '])).cloned().collect()
}

fn destinations(
    traffic: &Traffic,
    findings: &[Finding],
    phases: &[Phase],
    atlas: &Atlas,
    secrets: &Secrets,
) -> Vec<creance_model::Traffic> {
    let mut classes: BTreeMap<(Option<String>, Option<String>), BTreeSet<String>> = BTreeMap::new();
    let sent =
        |finding: &&Finding| finding.matched != Match::Pattern && finding.direction != Direction::Broadcast;
    for finding in findings.iter().filter(sent) {
        let key = (finding.destination.ip.clone(), finding.destination.host.clone());
        classes.entry(key).or_default().insert(finding.data_class.to_string());
    }
    let mut rows: Vec<creance_model::Traffic> = traffic
        .destinations
        .iter()
        .map(|((ip, port, transport, host), sum)| {
            let name = host.as_ref().zip(sum.basis).map(|(host, basis)| Name { host: host.clone(), basis });
            let host = host.as_ref().map(|host| shown_host(host, secrets));
            let mut found = classes.get(&(told(*ip), host)).cloned().unwrap_or_default();
            if sum.protocols.contains("dns") {
                let asked = classes.iter().filter(|((address, _), _)| *address == told(*ip));
                found.extend(asked.flat_map(|(_, found)| found.iter().cloned()));
            }
            let bytes = sum.up + sum.down;
            let opaque = bytes - sum.readable.min(bytes);
            creance_model::Traffic {
                destination: destination(atlas, secrets, *ip, *port, name.as_ref()),
                transport: *transport,
                protocols: sum.protocols.iter().map(|name| (*name).to_owned()).collect(),
                first: sum.first,
                last: sum.last,
                flows: sum.flows,
                packets: sum.packets,
                bytes_up: sum.up,
                bytes_down: sum.down,
                opaque,
                visibility: if opaque > 0 { Visibility::Opaque } else { Visibility::Clear },
                classes: found.into_iter().collect(),
                up_by_state: sum.up_over_time.by_state(phases),
            }
        })
        .collect();
    rows.sort_by(|a, b| b.bytes_up.cmp(&a.bytes_up).then_with(|| a.destination.cmp(&b.destination)));
    rows
}

/// What could not be seen; `encrypted` are the bytes of frames that the link itself encrypts.
fn coverage(traffic: &Traffic, secrets: &Secrets, encrypted: u64) -> Coverage {
    let mut unread = traffic.unread(MOST_UNREAD);
    for row in &mut unread {
        row.what = shown_host(&row.what, secrets);
    }
    if encrypted > 0 {
        let why = creance_flow::Counters::ENCRYPTED.to_owned();
        unread.push(Unread { what: "802.11 frames".to_owned(), why, bytes: encrypted });
        unread.sort_by_key(|row| std::cmp::Reverse(row.bytes));
    }
    Coverage {
        bytes: traffic.bytes + encrypted,
        readable: traffic.readable,
        opaque: traffic.bytes - traffic.readable + encrypted,
        lost: traffic.lost,
        unread,
    }
}

fn options(request: &Request) -> Vec<String> {
    request.inside.iter().map(|net| format!("--inside {net}")).collect()
}
