//! Each shipped policy against a table of requests: what it must say, and why.

use creance_model::{DataClass, FlightState, Visibility};
use creance_policy::{
    Action, Circumstances, Content, Destination, Device, Duty, Request, TEMPLATES, Template,
};

use DataClass::{Email, Face, FlightLog, Imagery, Location, PersonName, Serial};
use FlightState::{Flying, Ground, Off, Unknown};

/// A request, the verdict, the rules that decide, and why it must be so.
type Row = (Request, bool, &'static [&'static str], &'static str);

fn connect(host: &str, country: &str, control: &str, flight: FlightState) -> Request {
    let organization = match host {
        "tiles.mapbox.com" => Some("Mapbox".to_owned()),
        "edge.fastly.net" => Some("Fastly".to_owned()),
        _ => None,
    };
    let code = |code: &str| (!code.is_empty()).then(|| code.to_owned());
    Request {
        action: Action::Connect,
        device: Device { name: "tablet".to_owned(), ..Device::default() },
        destination: Destination {
            host: (!host.is_empty()).then(|| host.to_owned()),
            port: Some(443),
            organization,
            country: code(country),
            control: code(control),
            edge: Some(host.starts_with("edge.")),
            ..Destination::default()
        },
        circumstances: Circumstances { flight: Some(flight), ..Circumstances::default() },
        content: Content::default(),
    }
}

fn send(mut request: Request, data: &[DataClass]) -> Request {
    request.action = Action::Send;
    request.content = Content { data: Some(data.to_vec()), visibility: Some(Visibility::Decrypted) };
    request
}

fn unread(mut request: Request) -> Request {
    request.action = Action::Send;
    request.content = Content { data: None, visibility: Some(Visibility::Opaque) };
    request
}

fn in_china(mut request: Request) -> Request {
    request.circumstances.region = Some(vec!["CN".to_owned()]);
    request.circumstances.duties = Some(vec![Duty::ReportFlight]);
    request
}

fn on_a_case(mut request: Request) -> Request {
    request.circumstances.mission = Some("2026-117".to_owned());
    request.circumstances.operator = Some("officer 12".to_owned());
    request
}

fn rows(template: &str) -> Vec<Row> {
    let vendor = |flight| connect("api.vendor.example", "CN", "CN", flight);
    let american = |flight| connect("api.fleet.example", "US", "US", flight);
    let maps = |flight| connect("tiles.mapbox.com", "US", "US", flight);
    let store = |flight| connect("in.evidence.example", "US", "", flight);
    let authority = |flight| connect("uom.caac.gov.cn", "CN", "CN", flight);
    match template {
        "local-data-mode" => vec![
            (vendor(Ground), true, &["open-on-the-ground"], "it is no rule about whom"),
            (vendor(Off), true, &["open-on-the-ground"], "nothing flies that is off"),
            (vendor(Flying), false, &["nothing-leaves-in-flight"], "that is what it is for"),
            (
                vendor(Unknown),
                false,
                &["nothing-leaves-in-flight"],
                "who does not know must take it for flying",
            ),
            (send(maps(Flying), &[]), false, &["nothing-leaves-in-flight"], "not even what holds nothing"),
            (unread(vendor(Ground)), true, &["open-on-the-ground"], "it is no rule about what"),
        ],
        "local-data-mode-with-maps" => vec![
            (maps(Flying), true, &["maps-always"], "maps are the exception"),
            (maps(Unknown), true, &["maps-always"], "they hold whatever flies"),
            (vendor(Flying), false, &["nothing-else-leaves-in-flight"], "the maker is no maker of maps"),
            (connect("", "US", "US", Flying), false, &["nothing-else-leaves-in-flight"], "it may be anybody"),
            (send(maps(Flying), &[Location]), true, &["maps-get-places-alone"], "a tile is a place"),
            (
                send(maps(Flying), &[Location, Serial]),
                false,
                &["nothing-else-leaves-in-flight"],
                "a serial is none",
            ),
            (
                unread(maps(Flying)),
                false,
                &["nothing-else-leaves-in-flight"],
                "what is unread may be anything",
            ),
            (vendor(Ground), true, &["open-on-the-ground"], "on the ground as without maps"),
        ],
        "us-critical-infrastructure" => vec![
            (american(Ground), true, &["updates-on-the-ground"], "updates need somebody"),
            (american(Flying), false, &["nothing-leaves-in-flight"], "nothing in flight"),
            (american(Unknown), false, &["nothing-leaves-in-flight"], "it may be flying"),
            (vendor(Ground), false, &["nothing-under-the-law-of-china"], "it lands in China"),
            (
                connect("cdn.example", "US", "CN", Ground),
                false,
                &["nothing-under-the-law-of-china"],
                "the law of its operator counts",
            ),
            (
                connect("cdn.example", "US", "HK", Ground),
                false,
                &["nothing-under-the-law-of-china"],
                "Hong Kong is another answer, and refused too",
            ),
            (
                connect("a.example", "TW", "TW", Ground),
                false,
                &[],
                "Taiwan is not China, and is not permitted",
            ),
            (
                connect("a.example", "US", "", Ground),
                false,
                &["nothing-under-the-law-of-china"],
                "whose law it is under is not known",
            ),
            (
                connect("edge.fastly.net", "US", "US", Ground),
                false,
                &[],
                "where it goes behind an edge is not known",
            ),
            (send(american(Ground), &[Imagery]), false, &["no-picture-of-the-site-leaves"], "pictures stay"),
            (
                send(american(Ground), &[FlightLog, Email]),
                false,
                &["no-picture-of-the-site-leaves"],
                "logs stay",
            ),
            (
                send(american(Ground), &[Email]),
                true,
                &["updates-on-the-ground"],
                "a login is no picture of a site",
            ),
            (
                unread(american(Ground)),
                false,
                &["no-picture-of-the-site-leaves", "nothing-unread-leaves"],
                "it may be a picture",
            ),
        ],
        "law-enforcement" => vec![
            (on_a_case(store(Ground)), true, &["evidence-to-the-store"], "evidence has a way"),
            (store(Ground), false, &[], "a case and an officer are named, or nothing is sent"),
            (on_a_case(store(Flying)), false, &["nothing-leaves-in-flight"], "not in flight"),
            (
                send(on_a_case(store(Off)), &[Imagery, Face]),
                true,
                &["evidence-to-the-store"],
                "that is evidence",
            ),
            (send(american(Off), &[Face]), false, &["no-evidence-elsewhere"], "a face is evidence"),
            (
                send(american(Off), &[PersonName]),
                false,
                &["no-persons-elsewhere"],
                "who serves is nobody's business",
            ),
            (american(Off), true, &["updates-on-the-ground"], "updates need somebody"),
            (
                connect("evidence.example.evil.example", "US", "CN", Ground),
                false,
                &[],
                "a name that only begins so is another",
            ),
            (
                send(on_a_case(connect("", "US", "US", Ground)), &[Face]),
                false,
                &["no-evidence-elsewhere"],
                "it may be anybody's store",
            ),
        ],
        "allow-only-us" => vec![
            (american(Flying), true, &["united-states-alone"], "it is no rule about flight"),
            (vendor(Ground), false, &[], "it lands in China"),
            (connect("a.example", "US", "CN", Ground), false, &[], "its operator answers to another law"),
            (connect("a.example", "DE", "US", Ground), false, &[], "it lands in Germany"),
            (connect("a.example", "", "US", Ground), false, &[], "where it lands is not known"),
            (
                connect("edge.fastly.net", "US", "US", Ground),
                false,
                &[],
                "what is behind an edge may be anywhere",
            ),
            (send(american(Ground), &[Location]), true, &["united-states-alone"], "it is no rule about what"),
        ],
        "lab-observe" => vec![
            (vendor(Flying), true, &["observe-everything"], "it protects nobody"),
            (unread(connect("", "", "", Unknown)), true, &["observe-everything"], "nor from the unknown"),
        ],
        "cn-lawful-reporting" => vec![
            (
                in_china(authority(Flying)),
                true,
                &["report-to-the-authority"],
                "the law asks for it in flight",
            ),
            (
                authority(Flying),
                false,
                &["nothing-else-leaves-in-flight"],
                "which law holds is not known: no reason to open",
            ),
            (
                in_china(vendor(Flying)),
                false,
                &["nothing-else-leaves-in-flight"],
                "the maker is not the authority",
            ),
            (
                send(in_china(authority(Flying)), &[Location, Serial]),
                true,
                &["the-report-alone"],
                "that is the report",
            ),
            (
                send(in_china(authority(Flying)), &[Imagery]),
                false,
                &["nothing-else-leaves-in-flight"],
                "pictures are none of it",
            ),
            (in_china(vendor(Ground)), true, &["open-on-the-ground"], "on the ground as in local data mode"),
            (
                in_china(connect("caac.gov.cn.example", "CN", "CN", Flying)),
                false,
                &["nothing-else-leaves-in-flight"],
                "a name that only begins so is another",
            ),
        ],
        other => unreachable!("no table of {other}"),
    }
}

#[test]
fn templates_say_what_they_are_for() {
    for template in TEMPLATES {
        let policy = template.policy().unwrap();
        for (request, allowed, rules, why) in rows(template.name) {
            let verdict = policy.decide(&request);
            let shown = format!("{}: {why}: {verdict:?} to {request:?}", template.name);
            assert_eq!(verdict.allowed, allowed, "{shown}");
            assert_eq!(verdict.rules, rules, "{shown}");
            assert!(verdict.errors.is_empty(), "{shown}");
        }
    }
}

#[test]
fn a_refusal_for_want_of_a_fact_says_which() {
    let policy = Template::named("local-data-mode").unwrap().policy().unwrap();
    let verdict = policy.decide(&connect("a.example", "US", "US", Unknown));
    assert_eq!(
        verdict.reason,
        "refused by nothing-leaves-in-flight (it is not known whether an aircraft flies)"
    );
}
