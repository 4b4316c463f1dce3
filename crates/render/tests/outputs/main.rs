//! Every output of one invented report: what it says, and that hostile values stay text.
//!
//! The page is left in `$CARGO_TARGET_TMPDIR/report.html`, to be looked at and for `tests/browser`.

#![expect(clippy::unwrap_used, reason = "a test")]

mod sample;

use creance_model::{DataClass, Match, Origin, Report, Severity, Tlp};
use creance_render::{ALL, Options, remark};
use proptest::prelude::*;
use serde_json::Value;

fn written(name: &str, report: &Report, options: &Options) -> String {
    let output = ALL.iter().find(|output| output.name() == name).unwrap();
    let mut bytes = Vec::new();
    output.write(report, options, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn plain(name: &str, report: &Report) -> String {
    written(name, report, &Options::default())
}

fn headline(report: &Report) -> String {
    let page = plain("html", report);
    let from = page.find("<h1>").unwrap() + 4;
    page[from..from + page[from..].find("</h1>").unwrap()].to_owned()
}

#[test]
fn equal_reports_give_equal_bytes() {
    for output in ALL {
        assert_eq!(plain(output.name(), &sample::report()), plain(output.name(), &sample::report()));
    }
}

#[test]
fn the_summary_is_one_screenful() {
    let options = Options { case_folder: Some("case".to_owned()), ..Options::default() };
    let text = written("text", &sample::report(), &options);
    assert_eq!(text, include_str!("summary.txt"), "look at it, then write it to summary.txt:\n{text}");

    let mut crowded = sample::report();
    for class in DataClass::ALL {
        let mut finding = crowded.findings[0].clone();
        finding.data_class = *class;
        crowded.findings.push(finding);
    }
    crowded.destinations = crowded.destinations.iter().cycle().take(90).cloned().collect();
    crowded.case.damage = crowded.case.damage.iter().cycle().take(20).cloned().collect();
    crowded.case.notes = crowded.case.notes.iter().cycle().take(20).cloned().collect();
    crowded.ground.sites = (0..9)
        .map(|number| {
            let mut site = crowded.ground.sites[0].clone();
            site.name = format!("Works number {number} of a very long name that goes on");
            site.how = if number % 2 == 0 { "near" } else { "looked at" }.into();
            site
        })
        .collect();
    crowded.findings[0].sites = vec!["Works number 1 of a very long name that goes on".to_owned()];
    crowded.findings[0].zones = vec!["LSR 12".to_owned()];
    let text = written("text", &crowded, &options);
    assert!(
        text.contains("\nSites    in what left: Works number 1 of a ver… · looked at: Works n"),
        "{text}"
    );
    assert!(text.contains("\nZones    of places that left: LSR 12\n"), "{text}");
    assert!(text.lines().count() <= 40, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn circumstances_that_people_ask_about_stand_apart() {
    let mut report = sample::report();
    let page = plain("html", &report);
    assert!(page.contains("Without an action that explains it") && !page.contains("sent after it"), "{page}");
    report.findings[0].deferred = true;
    report.findings[1].app_state = creance_model::AppState::Closed;
    // A hint is no evidence of anything.
    report.findings[2].flight_state = creance_model::FlightState::Off;
    report.findings[2].matched = Match::Pattern;
    let page = plain("html", &report);
    assert!(
        page.contains("Of the flight, sent after it") && page.contains("While the app was closed"),
        "{page}"
    );
    assert!(!page.contains("While the aircraft was off"), "{page}");
    let text = plain("text", &report);
    assert!(
        text.contains("Apart    one finding while the app was closed · 1 of the flight, sent after it"),
        "{text}"
    );
}

#[test]
fn colour_is_for_terminals_alone() {
    assert!(!plain("text", &sample::report()).contains('\x1b'));
    let coloured = written("text", &sample::report(), &Options { colour: true, ..Options::default() });
    assert!(coloured.contains("\x1b[31m") && coloured.ends_with('\n'));
}

#[test]
fn the_headline_says_what_went_where_and_how_it_is_known() {
    assert_eq!(
        headline(&sample::report()),
        "Credentials and locations went to China, pictures to Taiwan (law of China), e-mail addresses and telephone \
         numbers to Hong Kong (law of China), and other data elsewhere: 10 findings, 2 of them in flight; the \
         strongest evidence is a planted value."
    );
}

#[test]
fn hints_never_make_a_headline() {
    let mut report = sample::report();
    report.findings.retain(|finding| finding.matched == Match::Pattern);
    assert_eq!(
        headline(&report),
        "No sensitive data was found in what could be read, but for one hint by shape or size alone."
    );
}

#[test]
fn silence_is_not_taken_for_innocence() {
    for name in ["html", "text"] {
        let said = plain(name, &sample::quiet());
        assert!(said.contains("No sensitive data was found in what could be read."), "{said}");
        assert!(said.contains("38 % of the 7.9 MB"), "{said}");
        assert!(said.contains("paque is not innocent"), "{said}");
        assert!(!said.to_lowercase().contains("nothing left"), "{said}");
    }
}

#[test]
fn the_page_stands_alone_and_is_complete() {
    let page = plain("html", &sample::report());
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/report.html"), &page).unwrap();
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    for absent in ["<script", "src=", "http://", "https://", "@import", "url("] {
        assert!(!page.contains(absent), "{absent} in the page");
    }
    for section in ["map", "timeline", "destinations", "findings", "unseen", "reading"] {
        assert_eq!(page.matches(&format!("<h2 id=\"{section}\">")).count(), 1, "{section}");
    }
    for finding in sample::report().findings {
        assert!(page.contains(&format!("<li id=\"{}\">", finding.id)));
    }
    for name in
        ["China", "Hong Kong", "Macao", "Taiwan", "What could not be seen", "the sources disagree: dbip: SG"]
    {
        assert!(page.contains(name), "{name}");
    }
    assert_eq!(
        page.matches("<th scope=").count(),
        page.matches("<th").count() - page.matches("<thead").count() - page.matches("<th class").count()
    );
}

#[test]
fn arcs_are_drawn_only_from_a_known_place() {
    assert!(!plain("html", &sample::report()).contains("class=\"arc"));
    let mut report = sample::report();
    report.origin =
        Some(Origin { lat: 37.8, lon: -122.4, basis: "the first position of flight.tlog".to_owned() });
    let page = plain("html", &report);
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/report-origin.html"), &page).unwrap();
    assert_eq!(page.matches("class=\"arc").count(), 8);
    assert!(page.contains("by the first position of flight.tlog"));
}

#[test]
fn hostile_values_stay_text() {
    let mut report = sample::report();
    let long = "x".repeat(10_000);
    report.findings[0].value = "<script>alert(1)</script>\u{202e}gpj.exe\0".to_owned();
    report.findings[1].value.clone_from(&long);
    report.findings[2].decode_path = vec!["\"><img src=x onerror=alert(1)>\u{2066}".to_owned(); 3];
    report.findings[3].source.app = Some("</dd></style><script>".to_owned());
    report.destinations[0].destination.host = Some("<svg onload=alert(1)>\u{200b}\x1b[2J".to_owned());
    report.destinations[0].destination.country = Some("<b>".to_owned());
    report.destinations[0].destination.organization = Some("\u{061c}\u{e0041}<i>".to_owned());
    report.case.notes.push("</ul><script>\r\n".to_owned());
    report.case.inputs[0].path = "\u{feff}<a href=x>".to_owned();
    report.case.inputs[0].kind = "\u{202e}\x1b".to_owned();
    report.findings[0].basis = Some("\u{2066}\0".to_owned());
    report.findings[0].detector = "\x1b[2J".into();
    report.region.aircraft.answer = "\x1b]0;".into();
    report.region.aircraft.candidates[0].iso = "\u{202e}".to_owned();
    for name in ["html", "text", "md", "csv"] {
        let said = written(name, &report, &Options::default());
        for c in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{61c}', '\u{e0041}', '\u{feff}', '\x1b', '\0', '\r']
        {
            assert!(!said.contains(c), "{name} holds U+{:04X}", u32::from(c));
        }
        // Tables are for programs, which want the whole.
        assert_eq!(said.contains(&long[..200]), name == "csv", "{name}");
    }
    let page = plain("html", &report);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;⟨U+202E⟩gpj.exe⟨U+0000⟩"));
    for tag in ["<script", "<img", "<svg onload", "<b>", "<i>", "<a href=x", "</dd></style>"] {
        assert!(!page.contains(tag), "{tag} in the page");
    }
}

#[test]
fn a_remark_is_one_line_and_says_whom() {
    let mut finding = sample::report().findings[2].clone();
    assert_eq!(
        remark(&finding),
        "TLP:AMBER F0003 location, high, track (a place on the known flight track): 37.7…, -122.4… to \
         log.kestrel-cloud.example (203.0.113.17 port 443), CN, in flight"
    );
    finding.value = "<b>\n\u{202e}\0".to_owned() + &"x".repeat(10_000);
    finding.destination.host = Some("\x1b[2J\r".to_owned());
    finding.id = "F\u{200b}".repeat(10_000);
    let said = remark(&finding);
    assert!(said.len() < 4000 && !said.contains(|c: char| c.is_control()), "{said}");
    assert!(said.contains("<b>⟨U+000A⟩⟨U+202E⟩⟨U+0000⟩xxx") && !said.contains('\u{200b}'), "{said}");
    let radiated = remark(&sample::report().findings[10]);
    assert!(radiated.contains("1ZNBJ…04 to all who listen, in flight"), "{radiated}");
}

#[test]
fn every_output_says_how_far_it_may_be_passed_on() {
    let mut report = sample::report();
    report.findings[0].tlp = Tlp::Red;
    report.origin = Some(Origin { lat: 37.0, lon: -122.0, basis: "flight.tlog".to_owned() });
    assert_eq!(report.banner(), Tlp::Red);
    for output in ALL {
        let text = plain(output.name(), &report);
        // Maps have no findings, only the way; JSON has the names in small letters.
        let (banner, rest) = match output.name() {
            "json" => ("\"banner\": \"red\"", "\"tlp\": \"amber\""),
            "stix" => (
                "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
                "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
            ),
            "geojson" | "kml" => ("TLP:RED", "TLP:GREEN"),
            _ => ("TLP:RED", "TLP:AMBER"),
        };
        assert!(text.contains(banner) && text.contains(rest), "{} in {}: {text}", banner, output.name());
    }
    report.findings.clear();
    report.judgements.clear();
    assert_eq!(report.banner(), Tlp::Green, "the rest has a mark as well");
    assert!(plain("html", &report).contains("TLP:GREEN"));
}

#[test]
fn long_lists_are_cut_and_say_so() {
    let mut report = sample::report();
    let one = report.findings[9].clone();
    report.findings.extend((12..712).map(|number| {
        let mut finding = one.clone();
        finding.id = format!("F{number:04}");
        finding.severity = if number == 711 { Severity::High } else { Severity::Info };
        finding
    }));
    let page = plain("html", &report);
    assert_eq!(page.matches("<details>").count(), 500);
    assert!(page.contains("id=\"F0711\""), "the worst are shown wherever they stand");
    assert!(page.contains("211 more findings"));
}

#[test]
fn the_document_is_as_its_schema_says_and_says_no_more() {
    let mut schema: Value = serde_json::from_str(creance_render::schema::FINDINGS).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    close(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    for report in [sample::report(), sample::quiet()] {
        let document: Value = serde_json::from_str(&plain("json", &report)).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    let mut document = sample::report().findings_document();
    document["findings"][0]["severity"] = Value::from("grave");
    assert!(!validator.is_valid(&document));
}

#[test]
fn a_document_reads_back_as_the_report_that_it_was() {
    for revealed in [false, true] {
        let mut report = sample::report();
        report.revealed = revealed;
        report.origin = Some(Origin { lat: 37.0, lon: -122.0, basis: "flight.tlog".to_owned() });
        assert_eq!(Report::read(plain("json", &report).as_bytes()).unwrap(), report);
    }
}

#[test]
fn what_is_no_document_is_refused_with_the_field() {
    let document = plain("json", &sample::report());
    let told = |text: &str| Report::read(text.as_bytes()).unwrap_err().to_string();
    assert!(told("{").starts_with("no JSON from line 1"));
    assert!(told(r#"{"schema": "creance.flow/1"}"#).contains("`schema`"));
    let unknown = document.replacen(r#""data_class": "imagery""#, r#""data_class": "secret words""#, 1);
    let told = told(&unknown);
    assert!(told.contains("data_class`") && !told.contains("secret"), "{told}");
}

#[test]
fn the_schema_names_what_the_model_names() {
    let schema: Value = serde_json::from_str(creance_render::schema::FINDINGS).unwrap();
    let names = |pointer: &str| -> Vec<String> {
        let list = schema.pointer(pointer).and_then(Value::as_array).unwrap();
        list.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let all = |list: Vec<&'static str>| list.into_iter().map(ToOwned::to_owned).collect::<Vec<_>>();
    assert_eq!(names("/$defs/class/enum"), all(DataClass::ALL.iter().map(|one| one.name()).collect()));
    assert_eq!(names("/$defs/match/enum"), all(Match::ALL.iter().map(|one| one.name()).collect()));
    assert_eq!(names("/$defs/severity/enum"), all(Severity::ALL.iter().map(|one| one.name()).collect()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A case is a file that somebody may have written by hand.
    #[test]
    fn whatever_a_case_says_it_is_written(
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 1..24),
    ) {
        let mut document = sample::report().findings_document();
        for (index, change) in changes {
            let mut places = Vec::new();
            places_of(&document, String::new(), &mut places);
            let mut next = document.clone();
            let part = next.pointer_mut(&places[index.index(places.len())]).unwrap();
            match (part, change) {
                (part, Some(other)) => *part = other,
                (Value::Array(list), None) => list.extend(list.clone()),
                (part, None) => *part = Value::Null,
            }
            if Report::read(next.to_string().as_bytes()).is_ok() {
                document = next;
            }
        }
        let report = Report::read(document.to_string().as_bytes()).unwrap();
        for output in ALL {
            output.write(&report, &Options::default(), &mut Vec::new()).unwrap();
        }
        for finding in &report.findings {
            prop_assert!(!remark(finding).contains(|c: char| c.is_control()));
        }
    }
}

/// What takes the place of a part of a document; nothing: a list stands twice, all else is gone.
fn change() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        Just(Some(Value::Array(Vec::new()))),
        any::<String>().prop_map(|text| Some(text.into())),
        any::<u64>().prop_map(|number| Some(number.into())),
        any::<i64>().prop_map(|number| Some(number.into())),
        any::<f64>().prop_map(|number| Some(number.into())),
        Just(Some("9999-12-31T23:59:59.999999999Z".into())),
    ]
}

/// Every part of a document.
fn places_of(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Array(list) => {
            for (index, one) in list.iter().enumerate() {
                places_of(one, format!("{place}/{index}"), places);
            }
        }
        Value::Object(map) => {
            for (name, one) in map {
                places_of(one, format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")), places);
            }
        }
        _ => {}
    }
    places.push(place);
}

/// Forbids what the schema does not name, and demands all that it names: newer minor versions may add, this one not.
fn close(schema: &mut Value) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let names: Vec<Value> = properties.keys().cloned().map(Value::from).collect();
        schema["required"] = Value::from(names);
        schema["additionalProperties"] = Value::from(false);
    }
    match schema {
        Value::Object(map) => map.values_mut().for_each(close),
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}
