//! A report on invented people, rich enough to look at.

use creance_model::{
    Alternative, AppState, AskedWith, Belief, Candidate, Carrier, Case, ClockOffset, Confidence, Coverage,
    Damage, DataClass, Destination, Direction, Evidence, Finding, FlightState, Ground, Input, InsideBasis,
    Interval, Judgement, Lan, LandedIn, Landings, Likelihood, Match, Mismatch, Occurrence, Region,
    RegionAnswer, RegionBehaviour, RegionVote, Report, Review, ReviewState, Role, Severity, SiteSeen, Source,
    Timestamp, Tlp, Traffic, Transport, Trigger, Unread, Visibility, Weighed,
};

/// Seconds after the beginning of the capture.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_777_889_400 + seconds)
}

/// Host, address, organisation, country, control.
type Place = (&'static str, &'static str, &'static str, Option<&'static str>, Option<&'static str>);

const VENDOR_CN: Place =
    ("log.kestrel-cloud.example", "203.0.113.17", "Kestrel Aero", Some("CN"), Some("CN"));
const VENDOR_HK: Place = ("hk.kestrel-cloud.example", "203.0.113.90", "Kestrel Aero", Some("HK"), Some("CN"));
const VENDOR_TW: Place =
    ("upload-tw.kestrel-cloud.example", "198.51.100.7", "Kestrel Aero", Some("TW"), Some("CN"));
const VENDOR_US: Place =
    ("us-west.kestrel-cloud.example", "198.51.100.80", "Kestrel Aero", Some("US"), Some("CN"));
const MACAO: Place = ("push.lotus.example", "203.0.113.140", "Lotus Push", Some("MO"), Some("MO"));
const MAPS: Place = ("tiles.mapwright.example", "192.0.2.44", "Mapwright", Some("DE"), Some("DE"));
const NEAR: Place = ("telemetry.nimbus.example", "192.0.2.61", "Nimbus", Some("NL"), Some("US"));
const EDGE: Place = ("cdn.kestrel-cloud.example", "192.0.2.99", "Broadedge", Some("SG"), Some("US"));
const NOBODY: Place = ("", "192.0.2.200", "", None, None);

pub(crate) fn destination((host, ip, organization, country, control): Place) -> Destination {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let edge = host.starts_with("cdn");
    Destination {
        ip: text(ip),
        port: 443,
        host: text(host),
        host_basis: text(host).map(|_| "sni".to_owned()),
        organization: text(organization),
        organization_basis: text(organization).map(|_| "domain".to_owned()),
        country: country.map(ToOwned::to_owned),
        country_basis: country.map(|_| "ip-database".to_owned()),
        country_confidence: if edge {
            "low"
        } else if country.is_some() {
            "high"
        } else {
            "none"
        }
        .to_owned(),
        country_votes: if edge { vec!["dbip: SG".to_owned(), "iptoasn: US".to_owned()] } else { Vec::new() },
        control: control.map(ToOwned::to_owned),
        control_basis: control.map(|_| "domain".to_owned()),
        asn: Some(64_500),
        as_name: Some("EXAMPLE-NET".to_owned()),
        purpose: Some("object storage (a source)".to_owned()),
        edge,
    }
}

fn traffic(place: Place, up: u64, down: u64, opaque: u64, classes: &[&str]) -> Traffic {
    Traffic {
        destination: destination(place),
        transport: Transport::Tcp,
        protocols: vec!["http/1".to_owned(), "tls".to_owned()],
        first: at(4),
        last: at(1_700),
        flows: 12,
        packets: 900,
        bytes_up: up,
        bytes_down: down,
        opaque,
        visibility: if opaque > 0 { Visibility::Opaque } else { Visibility::Clear },
        classes: classes.iter().map(ToString::to_string).collect(),
        up_by_state: vec![(FlightState::Ground, up / 4), (FlightState::Flying, up - up / 4)],
    }
}

/// A finding, by what differs.
pub(crate) fn finding(
    number: u64,
    (data_class, severity, matched, value): (DataClass, Severity, Match, &str),
    place: Place,
    seconds: &[i64],
) -> Finding {
    let path = ["http/1 request body", "gzip", "json:/user/mail", "base64"].map(ToOwned::to_owned).to_vec();
    let flying = (300..1_500).contains(&seconds[0]);
    let packets = vec![number * 17, number * 17 + 1, number * 17 + 2];
    Finding {
        id: format!("F{number:04}"),
        data_class,
        severity,
        matched,
        detector: matched.name().into(),
        value: value.to_owned(),
        digest: format!("{number:02x}").repeat(32),
        decode_path: path.clone(),
        encoding: vec!["base64".to_owned()],
        visibility: if number.is_multiple_of(2) { Visibility::Clear } else { Visibility::Decrypted },
        protocol: "http/1".into(),
        transport: Transport::Tcp,
        direction: Direction::Outbound,
        source: Source {
            ip: Some("192.168.42.10".to_owned()),
            basis: InsideBasis::PrivateRange,
            mac: Some("02:00:5e:10:00:01".to_owned()),
            app: Some("com.kestrel.fly".to_owned()),
        },
        destination: destination(place),
        time: at(seconds[0]),
        last_time: at(seconds[seconds.len() - 1]),
        flight_state: if flying { FlightState::Flying } else { FlightState::Ground },
        flight_state_source: Some("mavlink in the capture".to_owned()),
        app_state: AppState::Foreground,
        trigger: Trigger::Automatic,
        deferred: false,
        scenario: None,
        context_source: Some("actions.csv".to_owned()),
        bytes: 4_120,
        count: seconds.len() as u64,
        file: None,
        found_in: None,
        basis: None,
        zones: Vec::new(),
        region: Vec::new(),
        sites: Vec::new(),
        occurrences: seconds
            .iter()
            .map(|second| Occurrence {
                time: at(*second),
                packets: packets.clone(),
                carrier: Carrier::Body,
                decode_path: path.clone(),
            })
            .collect(),
        evidence: Evidence {
            input: format!("sha256:{}", "3c".repeat(32)),
            packets,
            flow: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=".to_owned(),
            ranges: vec![[104, 133]],
        },
        picture: None,
        tlp: Tlp::default(),
    }
}

fn findings() -> Vec<Finding> {
    use DataClass::{Credential, DeviceId, Email, Imagery, Location, NetworkInfo, Phone, Serial};
    use Match::{Canary, Device, Pattern, Structured, Track};
    use Severity::{Critical, High, Info, Low, Medium};
    let mut all = vec![
        finding(1, (Credential, Critical, Canary, "h…9 (24 characters)"), VENDOR_CN, &[40]),
        finding(2, (Imagery, Critical, Device, "DJI_0042.JPG, 4.1 MB"), VENDOR_TW, &[1_560, 1_590, 1_620]),
        finding(
            3,
            (Location, High, Track, "37.7…, -122.4…"),
            VENDOR_CN,
            &[320, 400, 500, 610, 700, 800, 930, 1_100, 1_290, 1_400],
        ),
        finding(4, (Email, High, Canary, "a…@r….example"), VENDOR_HK, &[41, 1_700]),
        finding(5, (Phone, High, Canary, "+1 …-0142"), VENDOR_HK, &[42]),
        finding(6, (Serial, Medium, Structured, "1ZNBJ…04"), VENDOR_US, &[44, 330]),
        finding(7, (DeviceId, Medium, Structured, "f3a1…9c"), NEAR, &[45, 900]),
        finding(8, (DeviceId, Medium, Structured, "77b0…21"), MACAO, &[46]),
        finding(9, (Location, Low, Pattern, "48.1…, 11.5…"), MAPS, &[350, 360, 372, 400]),
        finding(10, (NetworkInfo, Info, Structured, "02:00:…"), EDGE, &[47]),
    ];
    let mut radiated = finding(11, (Serial, Low, Structured, "1ZNBJ…04"), NOBODY, &[310, 1_480]);
    radiated.direction = Direction::Broadcast;
    radiated.destination = Destination { ip: None, asn: None, as_name: None, ..radiated.destination };
    radiated.source.ip = None;
    radiated.source.basis = InsideBasis::Radiated;
    (radiated.protocol, radiated.transport) = ("remote-id".into(), Transport::Wifi);
    all.push(radiated);
    all
}

/// The report.
pub(crate) fn report() -> Report {
    let input = |path: &str, kind: &str, packets| Input {
        path: path.to_owned(),
        sha256: "3c".repeat(32),
        kind: kind.to_owned(),
        packets,
        bytes: 8_412_003,
    };
    let stretch = |from, to, state| Interval {
        from: at(from),
        to: at(to),
        state,
        source: "mavlink in the capture".to_owned(),
    };
    let app =
        |from, to, state| Interval { from: at(from), to: at(to), state, source: "actions.csv".to_owned() };
    Report {
        case: Case {
            id: "8f3b6c1e0a4d2975".to_owned(),
            campaign: None,
            tool: "creance 0.1.0".to_owned(),
            inputs: vec![input("tablet.pcapng", "capture", 18_211), input("canaries.csv", "canaries", 0)],
            scenario: Some("one flight".to_owned()),
            options: vec!["--canaries canaries.csv".to_owned()],
            damage: vec![Damage {
                what: "capture cut short".to_owned(),
                input: "tablet.pcapng".to_owned(),
                offset: 8_411_940,
                why: "block length 1 524, but 63 bytes remain".to_owned(),
            }],
            notes: vec!["No key log was given: sessions of TLS stay opaque.".to_owned()],
            first: Some(at(0)),
            last: Some(at(1_800)),
            packets: 18_211,
        },
        coverage: Coverage {
            bytes: 7_900_000,
            readable: 4_900_000,
            opaque: 3_000_000,
            lost: 14_600,
            unread: vec![
                Unread {
                    what: "cdn.kestrel-cloud.example, tls".to_owned(),
                    why: "no keys".to_owned(),
                    bytes: 2_100_000,
                },
                Unread {
                    what: "192.0.2.200, udp".to_owned(),
                    why: "unknown protocol".to_owned(),
                    bytes: 900_000,
                },
            ],
        },
        findings: findings(),
        destinations: vec![
            traffic(VENDOR_TW, 4_200_000, 20_000, 0, &["imagery"]),
            traffic(EDGE, 1_900_000, 200_000, 2_050_000, &["network-info"]),
            traffic(NOBODY, 850_000, 50_000, 900_000, &[]),
            traffic(VENDOR_CN, 310_000, 40_000, 30_000, &["credential", "location"]),
            traffic(VENDOR_HK, 90_000, 12_000, 0, &["email", "phone"]),
            traffic(NEAR, 60_000, 4_000, 20_000, &["device-id"]),
            traffic(VENDOR_US, 41_000, 9_000, 0, &["serial"]),
            traffic(MAPS, 22_000, 90_000, 0, &["location"]),
            traffic(MACAO, 3_000, 1_000, 0, &["device-id"]),
        ],
        region: region(),
        ground: ground(),
        phases: vec![
            stretch(20, 300, FlightState::Ground),
            stretch(300, 1_500, FlightState::Flying),
            stretch(1_500, 1_740, FlightState::Ground),
        ],
        app_states: vec![
            app(10, 1_540, AppState::Foreground),
            app(1_540, 1_650, AppState::Background),
            app(1_650, 1_800, AppState::Closed),
        ],
        scenarios: vec![Interval {
            from: at(300),
            to: at(1_500),
            state: "local data mode".to_owned(),
            source: "actions.csv".to_owned(),
        }],
        clocks: vec![ClockOffset {
            source: "flight.csv".to_owned(),
            against: "mavlink in the capture".to_owned(),
            seconds: -2.4,
            error_s: 0.3,
            by: "track".into(),
            points: 212,
        }],
        lan: Lan { flows: 31, bytes: 1_204_112 },
        origin: None,
        revealed: false,
        limited: false,
        judgements: vec![judgement()],
        tlp: Tlp::Green,
    }
}

/// A draft, as an assessment makes it.
fn judgement() -> Judgement {
    let words = |words: &[&str]| words.iter().map(|one| (*one).to_owned()).collect();
    Judgement {
        id: "J01".to_owned(),
        hypothesis: "automatic-upload".to_owned(),
        claim: "The app uploads by itself to clouds in Taiwan, China and Hong Kong.".to_owned(),
        statement: "It is very likely that the app uploaded pictures by itself.".to_owned(),
        likelihood: Some(Likelihood::VeryLikely),
        confidence: Some(Confidence::Moderate),
        basis: words(&["Three findings rest on planted values.", "One vantage point saw them."]),
        evidence: vec![Weighed {
            says: "Three pictures left without an action of the user.".to_owned(),
            findings: words(&["F0001"]),
            cited: None,
            grade: "A2".to_owned(),
            weight: 2.64,
            bears: words(&["consistent", "inconsistent"]),
        }],
        inconsistent: 0,
        alternatives: vec![Alternative { says: "The user shared them.".to_owned(), inconsistent: 1 }],
        gaps: words(&["Two destinations could not be read."]),
        assumptions: words(&["The action log is whole."]),
        would_change: words(&["The same flight with the setting off."]),
        cites: words(&[
            "Elsewhere: An invented act (since 2020). It says something. Source: nobody (2026-11).",
        ]),
        settled_by: "An action log held against the uploads.".to_owned(),
        never_claimed: "Intent.".to_owned(),
        review: Review {
            state: ReviewState::Accepted,
            examiner: Some("R. Okafor".to_owned()),
            reason: Some("The packets were read by hand.".to_owned()),
            statement: None,
        },
        tlp: Tlp::AmberStrict,
    }
}

/// A report in which nothing was found.
pub(crate) fn quiet() -> Report {
    let mut report = report();
    report.findings.clear();
    report.destinations.iter_mut().for_each(|row| row.classes.clear());
    report.phases.clear();
    report.app_states.clear();
    report
}

/// An aircraft in the United States whose app believes in mainland China.
fn region() -> Region {
    let vote = |source: &'static str, says: &str, weight, why: &str| RegionVote {
        source: source.into(),
        says: vec![says.to_owned()],
        weight,
        why: why.to_owned(),
    };
    let answer = |iso: &str, votes| RegionAnswer {
        answer: "determined".into(),
        iso: Some(iso.to_owned()),
        p: Some(0.97),
        candidates: vec![Candidate { iso: iso.to_owned(), p: 0.97 }],
        votes,
        conflicts: Vec::new(),
    };
    Region {
        aircraft: answer("US", vec![vote("gps", "US", 4.6, "on land, 200 km from the next border")]),
        app: Belief {
            answer: answer("CN", vec![vote("answer", "CN", 3.5, "a server told the app so")]),
            behaviour: RegionBehaviour {
                hosts: Some("CN".to_owned()),
                datum: Some("GCJ-02".into()),
                coordinates_shifted: Some(true),
                forced_login: Some(true),
                no_fly_download: None,
            },
            asked_with: vec![AskedWith {
                source: "mcc".into(),
                says: Some("CN".to_owned()),
                agrees: Some(true),
            }],
        },
        data: Landings {
            answer: "determined".into(),
            iso: Some("CN".to_owned()),
            landings: vec![LandedIn {
                iso: Some("CN".to_owned()),
                bytes: 310_000,
                hosts: vec!["api.kestrel.example".to_owned()],
            }],
        },
        mismatches: vec![Mismatch {
            kind: "belief".into(),
            says: "the aircraft is in US, and the app believes it to be in CN".to_owned(),
            severity: Severity::Medium,
            packets: vec![31, 33],
        }],
    }
}

fn ground() -> Ground {
    Ground {
        sites: vec![SiteSeen {
            name: "North substation".to_owned(),
            sector: Some("energy".to_owned()),
            how: "looked at".into(),
            role: Role::Camera,
            times: 12,
            metres: 100.0,
            span: Some((at(320), at(900))),
        }],
        ..Ground::default()
    }
}
