//! A case that may be shown to others: who sent what to whom stays, what would say whose it was goes.
//!
//! | goes | becomes |
//! |---|---|
//! | values, and the digests that join them | their class; numbers that join them within this case |
//! | addresses of our side and private ones, hardware addresses, flows | `address-1`, `mac-1`, `1:flow-1` |
//! | hosts of our own, and who runs them | `host-1` |
//! | paths, names of files | `input-1`, `file-1.jpg` |
//! | sites, zones, examiners, scenarios | `site-1`, `zone-1`, `examiner-1`, `scenario-1` |
//! | positions, drawings, notes, options, reasons | nothing |
//!
//! The same thing has the same name wherever it stands. Hashes of inputs stay: they say what must be produced on demand.

mod names;

use std::net::IpAddr;

use creance_detect::{Secrets, mask_host, mask_step};
use creance_model::{
    Case, DataClass, Destination, Drawing, Finding, Ground, Judgement, Region, RegionAnswer, Report,
    ReviewState,
};

use crate::sha256;
use names::{Names, Removed, is_own};

/// What is left out beyond that.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Omit {
    /// All findings of a class.
    Class(DataClass),
    /// The apps that sent.
    Apps,
    /// Judgements.
    Judgements,
    /// Phases of flights, and states of apps.
    Phases,
    /// In which countries places lie, and where the aircraft and its app were.
    Region,
    /// This host, and those below it: it is ours.
    Host(String),
}

/// Taken for a reason or a remark that is not told.
const WITHHELD: &str = "(withheld)";

/// A case that may be shown.
#[derive(Debug)]
pub struct Redacted {
    /// It.
    pub report: Report,
    removed: Removed,
}

impl Redacted {
    /// How many different texts were taken out.
    pub fn removed(&self) -> usize {
        self.removed.len()
    }

    /// What kinds of removed texts are left in a file that was written of it: none, if all is well.
    pub fn left_in(&self, file: &[u8]) -> Vec<&'static str> {
        self.removed.left_in(file)
    }
}

/// Takes out of a report what is not for others.
pub fn redact(report: &Report, omit: &[Omit]) -> Redacted {
    let values = report.findings.iter().map(|finding| (finding.data_class, finding.value.as_str()));
    let secrets = if report.revealed { Secrets::new(values) } else { Secrets::default() };
    let mut work = Work { names: Names::new(), secrets, omit };
    work.learn(report);
    let mut report = report.clone();
    work.report(&mut report);
    Redacted { report, removed: work.names.into_removed() }
}

struct Work<'a> {
    names: Names,
    secrets: Secrets,
    omit: &'a [Omit],
}

impl Work<'_> {
    /// Everything that has a name of its own, before any text is gone through that may say it.
    fn learn(&mut self, report: &Report) {
        let names = &mut self.names;
        for input in &report.case.inputs {
            names.path("input", &input.path);
        }
        for finding in &report.findings {
            names.value(&finding.value);
            names.source(finding.source.ip.as_deref(), finding.source.mac.as_deref());
            for file in finding.file.iter().chain(&finding.found_in) {
                names.path("file", file.split(" > ").next().unwrap_or_default());
            }
            for site in &finding.sites {
                names.name("site", site);
            }
            for zone in &finding.zones {
                names.name("zone", zone);
            }
            if self.omit.contains(&Omit::Apps)
                && let Some(app) = &finding.source.app
            {
                names.name("app", app);
            }
        }
        let ground = &report.ground;
        for site in
            ground.sites.iter().map(|site| &site.name).chain(ground.drawing.sites.iter().map(|one| &one.name))
        {
            names.name("site", site);
        }
        for zone in &ground.zones {
            let name = names.name("zone", &zone.zone);
            if let Some(other) = &zone.name {
                names.same(other, &name);
            }
        }
        for judgement in &report.judgements {
            if let Some(examiner) = &judgement.review.examiner {
                names.name("examiner", examiner);
            }
            if let Some(reason) = &judgement.review.reason {
                names.same(reason, WITHHELD);
            }
        }
        let destinations = report.destinations.iter().map(|traffic| &traffic.destination);
        for to in destinations.chain(report.findings.iter().map(|finding| &finding.destination)) {
            if !self.is_ours(to) {
                continue;
            }
            if let Some(ip) = &to.ip {
                self.names.name("address", ip);
            }
            if let Some(host) = &to.host {
                self.names.name("host", host);
            }
        }
    }

    /// Whether a destination is in a network of our own, or has a host that is ours.
    fn is_ours(&self, to: &Destination) -> bool {
        to.ip.as_deref().and_then(|ip| ip.parse().ok()).is_some_and(|ip: IpAddr| is_own(&ip))
            || to.host.as_deref().is_some_and(|host| self.is_own_host(host))
    }

    /// Whether a host is ours: said to be, under a name that is not of the internet, or without a domain.
    fn is_own_host(&self, host: &str) -> bool {
        let below = |host: &str, name: &str| {
            host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let host = host.to_lowercase();
        let named = self.omit.iter().any(|omit| matches!(omit, Omit::Host(own) if below(&host, own)));
        named || !host.contains('.') || PRIVATE.iter().any(|name| below(&host, name))
    }

    /// Every field is named here and below, so that one that is new is not passed on unseen.
    fn report(&mut self, report: &mut Report) {
        let Report {
            case,
            coverage,
            findings,
            destinations,
            phases,
            app_states,
            scenarios,
            clocks,
            lan: _,
            origin,
            region,
            ground,
            revealed,
            limited: _,
            judgements,
            tlp: _,
        } = report;
        self.case(case);
        for unread in &mut coverage.unread {
            self.text(&mut unread.what);
            self.text(&mut unread.why);
        }
        let omit = self.omit;
        let gone = |class: DataClass| omit.contains(&Omit::Class(class));
        findings.retain(|finding| !gone(finding.data_class));
        for finding in findings.iter_mut() {
            self.finding(finding);
        }
        for traffic in destinations {
            traffic.classes.retain(|class| !DataClass::from_name(class).is_some_and(gone));
            self.destination(&mut traffic.destination);
        }
        if omit.contains(&Omit::Phases) {
            phases.clear();
            app_states.clear();
            scenarios.clear();
            clocks.clear();
        }
        for interval in scenarios.iter_mut() {
            interval.state = self.scenario(&interval.state);
        }
        let sources = phases.iter_mut().map(|one| &mut one.source);
        let sources = sources.chain(app_states.iter_mut().map(|one| &mut one.source));
        let sources = sources.chain(scenarios.iter_mut().map(|one| &mut one.source));
        for source in sources.chain(clocks.iter_mut().flat_map(|one| [&mut one.source, &mut one.against])) {
            self.text(source);
        }
        *origin = None;
        self.region(region);
        self.ground(ground);
        if omit.contains(&Omit::Judgements) {
            judgements.clear();
        }
        let left: Vec<&str> = findings.iter().map(|finding| finding.id.as_str()).collect();
        for judgement in judgements {
            self.judgement(judgement);
            for evidence in &mut judgement.evidence {
                evidence.findings.retain(|id| left.contains(&id.as_str()));
            }
        }
        *revealed = false;
    }

    fn case(&mut self, case: &mut Case) {
        let Case {
            id: _,
            campaign,
            tool: _,
            inputs,
            scenario,
            options,
            damage,
            notes,
            first: _,
            last: _,
            packets: _,
        } = case;
        *campaign = None;
        options.clear();
        notes.clear();
        *scenario = scenario.as_deref().map(|name| self.scenario(name));
        for input in inputs {
            input.path = self.names.path("input", &input.path);
        }
        for damage in damage {
            damage.input = self.names.path("input", &damage.input);
            self.text(&mut damage.why);
        }
    }

    /// What an examiner calls a scenario may be anything.
    fn scenario(&mut self, name: &str) -> String {
        format!("scenario-{}", self.names.number("scenario", name))
    }

    fn ground(&mut self, ground: &mut Ground) {
        ground.drawing = Drawing::default();
        for site in &mut ground.sites {
            site.name = self.names.name("site", &site.name);
        }
        for zone in &mut ground.zones {
            zone.zone = self.names.name("zone", &zone.zone);
            zone.name = None;
            WITHHELD.clone_into(&mut zone.why);
        }
    }

    fn finding(&mut self, finding: &mut Finding) {
        let Finding {
            id: _,
            data_class,
            severity: _,
            matched: _,
            basis,
            detector: _,
            value,
            digest,
            decode_path,
            encoding: _,
            visibility: _,
            protocol: _,
            transport: _,
            direction: _,
            source,
            destination,
            time: _,
            last_time: _,
            flight_state: _,
            flight_state_source,
            app_state: _,
            trigger: _,
            deferred: _,
            scenario,
            context_source,
            bytes: _,
            count: _,
            file,
            found_in,
            sites,
            zones,
            region,
            occurrences,
            evidence,
            picture: _,
            tlp: _,
        } = finding;
        *value = format!("[{data_class}]");
        let number = self.names.number("value", digest);
        *digest = sha256(format!("creance redacted value {number}").as_bytes());
        *basis = None;
        for step in occurrences.iter_mut().map(|one| &mut one.decode_path).chain([decode_path]).flatten() {
            *step = mask_step(step, &self.secrets);
            self.text(step);
        }
        source.ip = source.ip.as_deref().map(|ip| self.names.name("address", ip));
        source.mac = source.mac.as_deref().map(|mac| self.names.name("mac", mac));
        if self.omit.contains(&Omit::Apps) {
            source.app = None;
        }
        self.destination(destination);
        *scenario = scenario.as_deref().map(|name| self.scenario(name));
        for source in flight_state_source.iter_mut().chain(context_source) {
            self.text(source);
        }
        for file in file.iter_mut().chain(found_in) {
            *file = self.names.path("file", file.split(" > ").next().unwrap_or_default());
        }
        for site in sites {
            *site = self.names.name("site", site);
        }
        for zone in zones {
            *zone = self.names.name("zone", zone);
        }
        if self.omit.contains(&Omit::Region) {
            region.clear();
        }
        // A community id is a hash of addresses and ports: of private ones, all can be tried.
        evidence.flow = format!("1:flow-{}", self.names.number("flow", &evidence.flow));
    }

    fn destination(&mut self, to: &mut Destination) {
        if !self.is_ours(to) {
            to.host = to.host.take().map(|host| mask_host(&host, &self.secrets));
            return;
        }
        to.ip = to.ip.take().map(|ip| self.names.name("address", &ip));
        to.host = to.host.take().map(|host| self.names.name("host", &host));
        // Who runs it is who we are.
        to.organization = None;
        to.organization_basis = None;
        to.asn = None;
        to.as_name = None;
        to.purpose = None;
        to.country_votes.clear();
    }

    fn region(&mut self, region: &mut Region) {
        for answer in [&mut region.aircraft, &mut region.app.answer] {
            if self.omit.contains(&Omit::Region) {
                *answer = RegionAnswer {
                    answer: "unknown".into(),
                    iso: None,
                    p: None,
                    candidates: Vec::new(),
                    votes: Vec::new(),
                    conflicts: Vec::new(),
                };
            }
            // Why a source says what it says may be a position.
            for vote in &mut answer.votes {
                WITHHELD.clone_into(&mut vote.why);
            }
            for conflict in &mut answer.conflicts {
                self.names.scrub(conflict);
            }
        }
        if self.omit.contains(&Omit::Region) {
            region.app.asked_with.clear();
            region.mismatches.clear();
        }
        for mismatch in &mut region.mismatches {
            self.text(&mut mismatch.says);
        }
        for host in region.data.landings.iter_mut().flat_map(|landed| &mut landed.hosts) {
            *host = if self.names.knows("host", host) {
                self.names.name("host", host)
            } else {
                mask_host(host, &self.secrets)
            };
            self.names.scrub(host);
        }
    }

    fn judgement(&mut self, judgement: &mut Judgement) {
        let Judgement {
            statement,
            basis,
            evidence,
            alternatives,
            gaps,
            assumptions,
            would_change,
            cites,
            review,
            ..
        } = judgement;
        for cited in evidence.iter_mut().filter_map(|one| one.cited.as_mut()) {
            self.names.scrub(cited);
        }
        let lists = [basis, gaps, assumptions, would_change, cites].into_iter().flatten();
        let texts = lists.chain(evidence.iter_mut().map(|one| &mut one.says));
        for text in texts.chain(alternatives.iter_mut().map(|one| &mut one.says)).chain([statement]) {
            self.names.scrub(text);
        }
        if let Some(examiner) = &mut review.examiner {
            *examiner = self.names.name("examiner", examiner);
        }
        if review.state != ReviewState::Draft {
            review.reason = Some(WITHHELD.to_owned());
        }
        if let Some(statement) = &mut review.statement {
            self.names.scrub(statement);
        }
    }

    fn text(&mut self, text: &mut String) {
        self.names.scrub(text);
    }
}

/// Names that nobody has on the internet (RFC 6761, 6762, 8375, and what routers call their networks).
const PRIVATE: &[&str] = &[
    "local",
    "localhost",
    "lan",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "corp",
    "private",
    "localdomain",
];
