//! Invented cases at the level of findings, of which the truth is known: leaks, noise, loss, bytes that cannot be read, and
//! evidence that misleads (wrong countries, wrong triggers, values that only look like what they are taken for).
//!
//! The rates here describe a world, not the table of weights: each case draws its own.

use std::collections::BTreeMap;

use creance_model::{
    AppState, Belief, Case, Coverage, DataClass, Destination, Direction, Evidence, Finding, FlightState,
    Ground, Input, InsideBasis, Interval, Lan, Landings, Match, Occurrence, Region, RegionAnswer,
    RegionBehaviour, Report, Severity, Source, Timestamp, Tlp, Traffic, Transport, Trigger, Visibility,
};

/// Numbers of chance that are the same on every machine (`SplitMix64`).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn is(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn log_between(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        let index = usize::try_from(self.next() % of.len() as u64).unwrap_or_default();
        of[index]
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        let (mut count, mut product) = (0, self.unit());
        while product > (-mean).exp() && count < 1_000 {
            count += 1;
            product *= self.unit();
        }
        count
    }
}

/// When the capture began.
const BEGIN: i64 = 1_777_889_400;

/// A case of so many minutes in which nothing was found.
pub(crate) fn blank(minutes: f64) -> Report {
    let time = |minutes: f64| Timestamp::from_nanos(BEGIN * 1_000_000_000 + whole(minutes * 6e10));
    let answer = || RegionAnswer {
        answer: "unknown".into(),
        iso: None,
        p: None,
        candidates: Vec::new(),
        votes: Vec::new(),
        conflicts: Vec::new(),
    };
    Report {
        case: Case {
            id: "0".to_owned(),
            campaign: None,
            tool: "creance".to_owned(),
            inputs: vec![input("capture")],
            scenario: None,
            options: Vec::new(),
            damage: Vec::new(),
            notes: Vec::new(),
            first: Some(time(0.0)),
            last: Some(time(minutes)),
            packets: 1,
        },
        coverage: Coverage::default(),
        findings: Vec::new(),
        destinations: Vec::new(),
        phases: Vec::new(),
        app_states: Vec::new(),
        scenarios: Vec::new(),
        clocks: Vec::new(),
        lan: Lan::default(),
        origin: None,
        region: Region {
            aircraft: answer(),
            app: Belief { answer: answer(), behaviour: RegionBehaviour::default(), asked_with: Vec::new() },
            data: Landings { answer: "unknown".into(), iso: None, landings: Vec::new() },
            mismatches: Vec::new(),
        },
        ground: Ground::default(),
        revealed: false,
        limited: false,
        judgements: Vec::new(),
        tlp: Tlp::default(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "some hours in nanoseconds")]
fn whole(number: f64) -> i64 {
    number as i64
}

/// An input of this kind.
pub(crate) fn input(kind: &str) -> Input {
    Input { path: kind.to_owned(), sha256: "0".repeat(64), kind: kind.to_owned(), packets: 0, bytes: 0 }
}

/// An interval from the beginning on.
pub(crate) fn during<S>(report: &Report, state: S) -> Interval<S> {
    let begin = Timestamp::from_secs(BEGIN);
    Interval {
        from: report.case.first.unwrap_or(begin),
        to: report.case.last.unwrap_or(begin),
        state,
        source: "a log".to_owned(),
    }
}

/// A destination by its host, country, how sure that is, and law.
pub(crate) fn destination(host: &str, country: &str, sure: &str, control: &str) -> Destination {
    Destination {
        ip: Some("203.0.113.7".to_owned()),
        port: 443,
        host: Some(host.to_owned()),
        host_basis: Some("sni".to_owned()),
        organization: None,
        organization_basis: None,
        country: Some(country.to_owned()),
        country_basis: Some("ip-database".to_owned()),
        country_confidence: sure.to_owned(),
        country_votes: Vec::new(),
        control: Some(control.to_owned()),
        control_basis: Some("domain".to_owned()),
        asn: None,
        as_name: None,
        purpose: None,
        edge: sure == "low",
    }
}

/// A finding.
pub(crate) fn finding(
    number: usize,
    data_class: DataClass,
    matched: Match,
    to: &Destination,
    trigger: Trigger,
) -> Finding {
    let time = Timestamp::from_secs(BEGIN);
    Finding {
        id: format!("F{number:04}"),
        data_class,
        severity: Severity::High,
        matched,
        basis: None,
        detector: "generated".into(),
        value: "…".to_owned(),
        digest: String::new(),
        decode_path: Vec::new(),
        encoding: Vec::new(),
        visibility: Visibility::Clear,
        protocol: "http/1".into(),
        transport: Transport::Tcp,
        direction: Direction::Outbound,
        source: Source { ip: None, basis: InsideBasis::Stated, mac: None, app: None },
        destination: to.clone(),
        time,
        last_time: time,
        flight_state: FlightState::Unknown,
        flight_state_source: None,
        app_state: AppState::Unknown,
        trigger,
        deferred: false,
        scenario: None,
        context_source: None,
        bytes: 100,
        count: 1,
        file: None,
        found_in: None,
        sites: Vec::new(),
        zones: Vec::new(),
        region: Vec::new(),
        occurrences: Vec::<Occurrence>::new(),
        evidence: Evidence {
            input: String::new(),
            packets: vec![1],
            flow: String::new(),
            ranges: Vec::new(),
        },
        picture: None,
        tlp: Tlp::default(),
    }
}

/// All traffic with a destination, of which this share could not be read.
pub(crate) fn traffic(to: &Destination, bytes: u64, opaque: u64) -> Traffic {
    let time = Timestamp::from_secs(BEGIN);
    Traffic {
        destination: to.clone(),
        transport: Transport::Tcp,
        protocols: Vec::new(),
        first: time,
        last: time,
        flows: 1,
        packets: 10,
        bytes_up: bytes,
        bytes_down: 0,
        opaque,
        visibility: Visibility::Clear,
        classes: Vec::new(),
        up_by_state: Vec::new(),
    }
}

/// What is so in a generated case, by hypothesis of the bundled set.
pub(crate) type Truth = BTreeMap<&'static str, bool>;

const COUNTRIES: [&str; 6] = ["CN", "HK", "TW", "US", "DE", "SG"];
const CLASSES: [DataClass; 6] = [
    DataClass::Location,
    DataClass::Imagery,
    DataClass::Email,
    DataClass::Credential,
    DataClass::Contacts,
    DataClass::Face,
];

/// How leaks are known that are found; named fields are the commonest.
const KINDS: [Match; 6] =
    [Match::Canary, Match::Device, Match::Track, Match::Adapter, Match::Structured, Match::Structured];

/// A leak as it is.
struct Leak {
    class: DataClass,
    country: &'static str,
    control: &'static str,
    automatic: bool,
}

/// A case of chance, and what is so in it. `mislead`: how much oftener than usual evidence misleads.
pub(crate) fn generated(chance: &mut Chance, mislead: f64) -> (Report, Truth) {
    let minutes = chance.log_between(2.0, 60.0);
    let mut report = blank(minutes);
    let (darkness, loss) = (chance.between(0.0, 0.8), chance.between(0.0, 0.15));
    let logged = chance.is(0.8);
    if logged {
        report.case.inputs.push(input("actions"));
    }
    // How often things go wrong in this case.
    let wrong_trigger = (mislead * chance.log_between(0.02, 0.12)).min(0.5);
    let wrong_law = mislead * chance.log_between(0.01, 0.06);
    let lookalike = mislead * chance.log_between(0.01, 0.08);
    let missed = chance.between(0.02, 0.25);

    let hosts: Vec<_> = (0..chance.one(&[3, 4, 5, 6, 8, 10]))
        .map(|index| {
            let country = chance.one(&COUNTRIES);
            let control = if chance.is(0.5) { country } else { chance.one(&["CN", "US"]) };
            let (sure, right) = chance.one(&[
                ("high", 0.985),
                ("high", 0.985),
                ("high", 0.98),
                ("moderate", 0.9),
                ("low", 0.4),
            ]);
            let told = if chance.is(right) { country } else { chance.one(&COUNTRIES) };
            let law = if chance.is(wrong_law) { chance.one(&["CN", "US"]) } else { control };
            let dark = chance.is(darkness);
            (country, control, dark, destination(&format!("h{index}.example"), told, sure, law))
        })
        .collect();
    for (_, _, dark, to) in &hosts {
        let opaque = if *dark { 9_000 } else { 0 };
        report.destinations.push(traffic(to, 10_000, opaque));
        report.coverage.bytes += 10_000;
        report.coverage.opaque += opaque;
    }
    report.coverage.readable = report.coverage.bytes - report.coverage.opaque;
    report.coverage.lost = u64::try_from(whole(loss * 10_000.0)).unwrap_or(0) * hosts.len() as u64;

    let mut leaks = Vec::new();
    let mut findings = Vec::new();
    let busy = chance.between(0.0, 0.7);
    for class in CLASSES {
        if chance.is(busy) {
            for _ in 0..chance.one(&[1, 1, 2, 3]) {
                let index = usize::try_from(chance.next() % hosts.len() as u64).unwrap_or_default();
                let (country, control, dark, to) = &hosts[index];
                let mean = chance.log_between(0.1, 3.0) * minutes;
                let events = chance.poisson(mean);
                if events == 0 {
                    continue;
                }
                let automatic = chance.is(0.5);
                leaks.push(Leak { class, country, control, automatic });
                // All of one kind to one host are read or not by the same decoder: what misses one misses them all.
                let (readable, held) = (
                    !*dark && !chance.is(missed),
                    !chance.is(loss.powf(f64::from(u8::try_from(events.min(4)).unwrap_or(4)))),
                );
                if readable && held {
                    let matched = chance.one(&KINDS);
                    let seen = automatic != chance.is(wrong_trigger);
                    findings.push((class, matched, to.clone(), seen));
                }
            }
        }
        // What only looks like it, whether or not there is a leak.
        if chance.is(lookalike) {
            let to = &hosts[usize::try_from(chance.next() % hosts.len() as u64).unwrap_or_default()].3;
            findings.push((class, Match::Structured, to.clone(), chance.is(0.5)));
        }
        if chance.is(0.35) {
            let to = &hosts[usize::try_from(chance.next() % hosts.len() as u64).unwrap_or_default()].3;
            findings.push((class, Match::Pattern, to.clone(), chance.is(0.5)));
        }
        if chance.is(mislead * 0.002) {
            let to = &hosts[0].3;
            findings.push((
                class,
                chance.one(&[Match::Canary, Match::Device, Match::Track]),
                to.clone(),
                chance.is(0.5),
            ));
        }
    }
    for (class, matched, to, automatic) in findings {
        let trigger = match (logged, automatic) {
            (false, _) => Trigger::Unknown,
            (_, true) => Trigger::Automatic,
            (_, false) => Trigger::User,
        };
        // A hundred packets of one leak are one witness, so they must not move anything.
        for _ in 0..chance.one(&[1, 1, 3, 100]) {
            let one = finding(report.findings.len() + 1, class, matched, &to, trigger);
            report.findings.push(one);
        }
    }
    let truth = truth(&leaks);
    (report, truth)
}

fn truth(leaks: &[Leak]) -> Truth {
    let any = |of: &dyn Fn(&Leak) -> bool| leaks.iter().any(of);
    let class = |class: DataClass| any(&|leak| leak.class == class);
    let personal = [DataClass::Imagery, DataClass::Email, DataClass::Contacts, DataClass::Face];
    BTreeMap::from([
        ("locations", class(DataClass::Location)),
        ("media", class(DataClass::Imagery)),
        ("identity", class(DataClass::Email)),
        ("credentials", class(DataClass::Credential)),
        ("phone", class(DataClass::Contacts)),
        ("faces", class(DataClass::Face)),
        ("automatic", any(&|leak| leak.automatic)),
        ("to-china", any(&|leak| leak.country == "CN")),
        ("to-hong-kong", any(&|leak| leak.country == "HK")),
        ("to-taiwan", any(&|leak| leak.country == "TW")),
        ("automatic-to-three", any(&|leak| leak.automatic && ["CN", "HK", "TW"].contains(&leak.country))),
        ("chinese-law", any(&|leak| leak.control == "CN")),
        ("users-control", !any(&|leak| leak.automatic && personal.contains(&leak.class))),
    ])
}
