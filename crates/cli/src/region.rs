//! `creance region`: where the aircraft is, what its app believes, where its data went (`creance.region/1`).

mod law;

use std::io::Write;

use creance_audit::{RegionRead, Request};
use creance_detect::{Secrets, mask_host};
use creance_model::Severity;
use creance_place::Atlas;
use creance_place::region::address::Address;
use creance_place::region::belief::{AppEvidence, Cached, RadioSet, Told};
use creance_place::region::datum_tell::{self, DatumSeen};
use creance_place::region::hosts::HostUsed;
use creance_place::region::position::{Position, Receiver};
use creance_place::region::{Evidence, assess};
use serde_json::Value;

use crate::{
    args::{Region, RegionFormat, Talk},
    data,
    exit::{self, Usage},
    progress::Bar,
};

/// How grave it is that a list of aircraft lacks what the law asks for.
const FAULT: Severity = Severity::Medium;

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
    let told = found.told(&read.asked, &read.packets, &shown);
    let packs = if options.duties { Some(law::packs(&found.aircraft)?) } else { None };
    let fleet = match &options.fleet {
        Some(path) => Some(law::fleet(path, found.aircraft.country())?),
        None => None,
    };
    let mut out = std::io::stdout().lock();
    match options.format {
        RegionFormat::Text => {
            if !silent {
                write!(out, "{}", creance_render::region::text(&told))?;
            }
            let parts = [packs.as_deref().map(law::packs_text), fleet.as_ref().map(law::fleet_text)];
            for part in parts.into_iter().flatten() {
                write!(out, "{part}")?;
            }
        }
        RegionFormat::Json => {
            let mut document = creance_render::region::document(&told);
            if let Value::Object(fields) = &mut document {
                fields.extend(packs.map(|packs| ("duties".to_owned(), law::packs_document(&packs))));
                fields.extend(fleet.as_ref().map(|fleet| ("fleet".to_owned(), law::fleet_document(fleet))));
            }
            writeln!(out, "{document:#}")?;
        }
    }
    out.flush()?;
    let over = |level| {
        let faulty = fleet.as_ref().is_some_and(|fleet| !fleet.faults.is_empty());
        faulty && FAULT >= level || told.mismatches.iter().any(|one| one.severity >= level)
    };
    let fails = options.fail_on.is_some_and(over);
    let incomplete = read.incomplete || fleet.is_some_and(|fleet| fleet.unread > 0);
    Ok(match (incomplete, fails) {
        (true, _) => exit::INCOMPLETE,
        (_, true) => exit::FINDINGS,
        _ => exit::DONE,
    })
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
    let host =
        |name: &String| HostUsed { name: name.clone(), vendor: true, branch: true, ..HostUsed::default() };
    app.hosts.extend(options.host.iter().map(host));
    app.told.extend(options.told.map(|country| Told {
        country,
        place: "as stated".to_owned(),
        by_vendor: true,
    }));
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

/// The name of a host without labels that look like somebody's.
fn shown(host: &str) -> String {
    mask_host(host, &Secrets::default())
}
