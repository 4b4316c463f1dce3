//! `creance region`: where the aircraft is, what its app believes, where its data went (`creance.region/1`).

mod law;

use std::io::Write;

use creance_audit::{RegionRead, Request};
use creance_detect::{Secrets, mask_host};
use creance_place::region::address::Address;
use creance_place::region::answer::{Answer, Outcome};
use creance_place::region::belief::{AppEvidence, Behaviour, Cached, RadioSet};
use creance_place::region::datum_tell::{self, DatumSeen};
use creance_place::region::hosts::HostUsed;
use creance_place::region::position::{Position, Receiver};
use creance_place::region::{Assessment, Evidence, assess};
use creance_place::{Atlas, Country};
use serde_json::{Value, json};

use crate::{
    args::{Region, RegionFormat, Talk},
    data,
    exit::{self, Usage},
    progress::Bar,
};

pub(crate) fn run(options: &Region, talk: Talk) -> anyhow::Result<u8> {
    let request = request(options);
    let mut read = RegionRead::default();
    if !options.inputs.is_empty() {
        let bar = Bar::new(talk);
        let gathered = creance_audit::region(&request, &mut |progress| bar.tell(progress));
        bar.done();
        read = gathered?;
    }
    add(&mut read.evidence, options)?;
    let silent = read.evidence == Evidence::default() && options.inputs.is_empty();
    if silent && options.fleet.is_none() {
        return Err(
            Usage("nothing to go by: give inputs, or options such as --gps, --mcc, --ip".to_owned()).into()
        );
    }
    let atlas = match &request.place_data {
        Some(folder) => Atlas::bundled()?.with_files(folder)?,
        None => Atlas::bundled()?,
    };
    let found = assess(&read.evidence, &atlas)?;
    let packs = if options.duties { Some(law::packs(&found.aircraft)?) } else { None };
    let fleet = match &options.fleet {
        Some(path) => Some(law::fleet(path, found.aircraft.country())?),
        None => None,
    };
    let mut out = std::io::stdout().lock();
    match options.format {
        RegionFormat::Text => {
            if !silent {
                write!(out, "{}", text(&found, &read.asked))?;
            }
            let parts = [packs.as_deref().map(law::packs_text), fleet.as_ref().map(law::fleet_text)];
            for part in parts.into_iter().flatten() {
                write!(out, "{part}")?;
            }
        }
        RegionFormat::Json => {
            let mut document = document(&found, &read.asked);
            if let Value::Object(fields) = &mut document {
                fields.extend(packs.map(|packs| ("duties".to_owned(), law::packs_document(&packs))));
                fields.extend(fleet.as_ref().map(|fleet| ("fleet".to_owned(), law::fleet_document(fleet))));
            }
            writeln!(out, "{document:#}")?;
        }
    }
    out.flush()?;
    let incomplete = read.incomplete || fleet.is_some_and(|fleet| fleet.unread > 0);
    Ok(if incomplete { exit::INCOMPLETE } else { exit::DONE })
}

fn request(options: &Region) -> Request {
    Request {
        inputs: options.inputs.clone(),
        keys: options.keys.clone(),
        device: options.device.clone(),
        flight: options.flight.clone(),
        actions: options.actions.clone(),
        destinations: options.destinations.clone(),
        inside: options.inside.clone(),
        place_data: data::folder().filter(|folder| folder.is_dir()),
        ..Request::default()
    }
}

/// Adds what the options say to what the inputs say.
fn add(evidence: &mut Evidence, options: &Region) -> anyhow::Result<()> {
    let places = options.gps.iter().map(|place| (place, Receiver::Aircraft));
    for (place, receiver) in places.chain(options.phone_gps.iter().map(|place| (place, Receiver::Phone))) {
        evidence.positions.push(Position {
            lat: place.lat,
            lon: place.lon,
            accuracy_m: place.error_m,
            receiver,
            doubts: options.doubt.clone(),
        });
    }
    evidence.network_mcc.extend(&options.mcc);
    evidence.sim_mcc.extend(&options.sim_mcc);
    evidence.addresses.extend(options.ip.iter().map(|ip| Address { ip: *ip, exit: options.exit }));
    evidence.time_zones.extend(options.timezone.iter().cloned());
    evidence.locales.extend(options.locale.iter().cloned());
    add_belief(&mut evidence.app, options)
}

fn add_belief(app: &mut AppEvidence, options: &Region) -> anyhow::Result<()> {
    let host = |name: &String| HostUsed { name: name.clone(), branch: true, ..HostUsed::default() };
    app.hosts.extend(options.host.iter().map(host));
    app.told.extend(options.told.map(|country| (country, "as stated".to_owned())));
    let radios = [("wifi-country", options.wifi_country), ("duml-country", options.duml_country)];
    app.radios.extend(
        radios.into_iter().filter_map(|(source, country)| Some(RadioSet { source, country: country? })),
    );
    app.cached = options.cached.map(|(country, days)| Cached { country, days: days.0 }).or(app.cached);
    if options.forced_login {
        app.forced_login = Some(true);
    }
    let declared = match &options.datum {
        Some(name) => Some(
            datum_tell::named(name)
                .ok_or_else(|| Usage(format!("{name:?} is no known datum: WGS-84, GCJ-02 or BD-09")))?,
        ),
        None => None,
    };
    if declared.is_some() || !options.sent.is_empty() {
        if options.sent.len() > options.gps.len() {
            return Err(
                Usage("--sent needs a --gps for each place: where the aircraft was".to_owned()).into()
            );
        }
        let pairs = options.sent.iter().zip(&options.gps);
        let sent = pairs.map(|(sent, truth)| ((sent.lat, sent.lon), (truth.lat, truth.lon))).collect();
        app.datum = Some(DatumSeen { declared, sent });
    }
    Ok(())
}

type Asked = [(&'static str, Option<Country>)];

fn document(found: &Assessment, asked: &Asked) -> Value {
    let mut app = answer(&found.app);
    if let Value::Object(fields) = &mut app {
        fields.insert("behaviour".to_owned(), behaviour(found.behaviour));
        let agrees =
            |says: Option<Country>| says.zip(found.app.country()).map(|(says, believed)| says == believed);
        let asked = asked
            .iter()
            .map(|(source, says)| json!({"source": source, "says": code(*says), "agrees": agrees(*says)}));
        fields.insert("asked_with".to_owned(), asked.collect());
    }
    json!({
        "schema": "creance.region/1",
        "aircraft": answer(&found.aircraft),
        "app": app,
        "data": data_went(found),
        "mismatches": found.mismatches,
    })
}

fn code(country: Option<Country>) -> Option<String> {
    country.map(|country| country.to_string())
}

/// A number with so many decimals, as people and tests read it.
fn rounded(number: f64, scale: f64) -> f64 {
    (number * scale).round() / scale
}

fn answer(answer: &Answer) -> Value {
    let likely = answer.candidates.first().map(|(_, likely)| rounded(*likely, 1e4));
    let votes = answer.votes.iter().map(|vote| {
        let says = match vote.says.as_slice() {
            [] => Value::Null,
            [one] => json!(one.to_string()),
            several => several.iter().map(|one| json!(one.to_string())).collect(),
        };
        json!({"source": vote.source, "says": says, "weight": rounded(vote.weight, 1e2), "why": vote.why})
    });
    let candidates = answer
        .candidates
        .iter()
        .map(|(country, likely)| json!({"iso": country.to_string(), "p": rounded(*likely, 1e4)}));
    json!({
        "answer": answer.outcome.name(),
        "iso": code(answer.country()),
        "p": likely.filter(|_| answer.outcome == Outcome::Determined),
        "candidates": candidates.collect::<Value>(),
        "votes": votes.collect::<Value>(),
        "conflicts": answer.conflicts,
    })
}

fn behaviour(seen: Behaviour) -> Value {
    json!({
        "hosts": code(seen.hosts),
        "datum": seen.datum.map(datum_tell::told),
        "coordinates_shifted": seen.coordinates_shifted,
        "forced_login": seen.forced_login,
        "no_fly_download": seen.no_fly_download,
    })
}

fn data_went(found: &Assessment) -> Value {
    let known: Vec<_> = found.data.iter().filter_map(|landing| landing.country).collect();
    let answer = match known.as_slice() {
        [] => "unknown",
        [_] => "determined",
        _ => "several",
    };
    let landings = found
        .data
        .iter()
        .map(|landing| json!({"iso": code(landing.country), "bytes": landing.bytes, "hosts": shown(&landing.hosts)}));
    json!({
        "answer": answer,
        "iso": known.first().filter(|_| known.len() == 1).map(ToString::to_string),
        "landings": landings.collect::<Value>(),
    })
}

/// Names of hosts without labels that look like somebody's.
fn shown(hosts: &[String]) -> Vec<String> {
    hosts.iter().map(|host| mask_host(host, &Secrets::default())).collect()
}

fn text(found: &Assessment, asked: &Asked) -> String {
    let mut lines = vec![format!("Aircraft  {}", headline(&found.aircraft))];
    votes(&found.aircraft, &mut lines);
    lines.push(String::new());
    lines.push(format!("App       believes {}", headline(&found.app)));
    votes(&found.app, &mut lines);
    let asked: Vec<String> = asked
        .iter()
        .map(|(source, says)| {
            format!("{source} ({})", says.map_or_else(|| "unknown".to_owned(), |says| says.to_string()))
        })
        .collect();
    if !asked.is_empty() {
        lines.push(format!("    asked with {}", asked.join(", ")));
    }
    follows(found.behaviour, &mut lines);
    lines.push(String::new());
    let landings: Vec<String> = found
        .data
        .iter()
        .map(|landing| {
            let country = landing.country.map_or_else(|| "unknown".to_owned(), |country| country.to_string());
            format!("{country} ({})", shown(&landing.hosts).join(", "))
        })
        .collect();
    let went = if landings.is_empty() { "not seen".to_owned() } else { landings.join(" · ") };
    lines.push(format!("Data      {went}"));
    for mismatch in &found.mismatches {
        lines.push(format!("Mismatch  {mismatch}"));
    }
    lines.join("\n") + "\n"
}

fn headline(answer: &Answer) -> String {
    let share = |(country, likely): &(Country, f64)| format!("{country} {likely:.2}");
    match (answer.outcome, answer.candidates.first()) {
        (Outcome::Determined, Some(best)) => format!("{} (determined)", share(best)),
        (outcome, Some(_)) => {
            let candidates: Vec<String> = answer.candidates.iter().map(share).collect();
            format!("{}: {}", outcome.name(), candidates.join(", "))
        }
        (outcome, None) => outcome.name().to_owned(),
    }
}

fn votes(answer: &Answer, lines: &mut Vec<String>) {
    for vote in &answer.votes {
        let says: Vec<String> = vote.says.iter().map(ToString::to_string).collect();
        let says = if says.is_empty() { "-".to_owned() } else { says.join("/") };
        lines.push(format!("    {:<13} {:<6} {:>4.1}  {}", vote.source, says, vote.weight, vote.why));
    }
    for conflict in &answer.conflicts {
        let (who, _) = conflict.split_once(':').unwrap_or((conflict, ""));
        lines.push(format!("    conflict      {who}"));
    }
}

fn follows(seen: Behaviour, lines: &mut Vec<String>) {
    let yes =
        |seen: Option<bool>, yes: &str, no: &str| seen.map(|seen| if seen { yes } else { no }.to_owned());
    let told = [
        seen.hosts.map(|country| format!("hosts of {country}")),
        seen.datum.map(|datum| format!("coordinates called {}", datum_tell::told(datum))),
        yes(seen.coordinates_shifted, "which are shifted", "which are not shifted"),
        yes(seen.forced_login, "login forced", "no login forced"),
        yes(seen.no_fly_download, "zones downloaded", "no zones downloaded"),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    if !told.is_empty() {
        lines.push(format!("    so            {}", told.join(" · ")));
    }
}
