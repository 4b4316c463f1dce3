//! How long a verdict takes with 200 rules, on one thread: `policy`.
//!
//! Prints the median and the 99th percentile over many requests, of a verdict and of whether a name is worth asking for:
//! for rules that name domains, organisations and countries, as people's do; for rules about every destination, that no
//! index finds; for those that only Cedar can look at; and for rules that all hold, which is the worst there is.
#![expect(clippy::print_stdout, reason = "the figures are what this is for")]

use std::{fmt::Write, time::Instant};

use creance_model::FlightState;
use creance_policy::{Action, Circumstances, Content, Destination, Device, Policy, Request};

const RULES: usize = 200;
const REQUESTS: usize = 20_000;
const COUNTRIES: &[&str] = &["US", "CN", "DE", "HK", "TW", "FR", "SG", "JP"];

fn main() -> Result<(), String> {
    let about = |rule| format!("resource has port && resource.port > {rule} && resource.port < {}", rule + 3);
    let sum = |rule| format!("resource has port && resource.port + {rule} > 9000");
    let all = |_| "context has flight && context.flight == Flight::\"ground\"".to_owned();
    for (name, text) in [
        ("rules that name whom they are about", named()),
        ("rules about everybody", unnamed(about)),
        ("rules that only Cedar can look at", unnamed(sum)),
        ("rules that all hold for half of the requests", unnamed(all)),
    ] {
        let text = text.map_err(|error| error.to_string())?;
        let start = Instant::now();
        let policy = Policy::read(name, &text).map_err(|error| error.to_string())?;
        println!("{name}: {} read in {:.0} ms", policy.rules().len(), start.elapsed().as_secs_f64() * 1e3);
        measure("verdicts", |request| policy.decide(request).allowed);
        measure("names worth asking for", |request| policy.could(request));
    }
    Ok(())
}

/// Asks about many requests, and prints how long that took.
fn measure(what: &str, asked: impl Fn(&Request) -> bool) {
    let mut nanos: Vec<u128> = Vec::with_capacity(REQUESTS);
    let mut allowed = 0;
    for number in 0..REQUESTS {
        let request = request(number);
        let start = Instant::now();
        allowed += usize::from(asked(&request));
        nanos.push(start.elapsed().as_nanos());
    }
    nanos.sort_unstable();
    let at = |share: usize| nanos.get(REQUESTS * share / 100).copied().unwrap_or_default();
    println!("  {what}: p50 {} ns, p99 {} ns over {REQUESTS} requests, {allowed} allowed", at(50), at(99));
}

/// What an organisation with many partners writes: a rule for each domain, organisation, country.
fn named() -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for rule in 0..RULES {
        let effect = if rule % 4 == 3 { "forbid" } else { "permit" };
        let country = COUNTRIES.get(rule % COUNTRIES.len()).copied().unwrap_or("US");
        let about = match rule % 10 {
            0..6 => format!("resource in Domain::\"d{rule}.example\""),
            6..8 => format!("resource has organization && resource.organization == \"Organisation {rule}\""),
            8 => format!("resource has country && resource.country == Country::\"{country}\""),
            _ => format!("context has mission && context.mission == \"mission {rule}\""),
        };
        writeln!(
            text,
            "@id(\"r{rule}\") {effect} (principal, action, resource) when {{ {about} && context has flight && \
             context.flight == Flight::\"ground\" }};"
        )?;
    }
    Ok(text)
}

/// Rules with conditions that ask for no name.
fn unnamed(condition: impl Fn(usize) -> String) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for rule in 0..RULES {
        let effect = if rule % 4 == 3 { "forbid" } else { "permit" };
        writeln!(
            text,
            "@id(\"r{rule}\") {effect} (principal, action, resource) when {{ {} }};",
            condition(rule)
        )?;
    }
    Ok(text)
}

fn request(number: usize) -> Request {
    let country = COUNTRIES.get(number % COUNTRIES.len()).copied().unwrap_or("US");
    Request {
        action: if number.is_multiple_of(3) { Action::Send } else { Action::Connect },
        device: Device { name: "tablet".to_owned(), ..Device::default() },
        destination: Destination {
            host: Some(format!("api.d{}.example", number % 250)),
            port: Some((number % 500).try_into().unwrap_or(443)),
            organization: Some(format!("Organisation {}", number % 300)),
            country: Some(country.to_owned()),
            control: Some(country.to_owned()),
            edge: Some(false),
            ..Destination::default()
        },
        circumstances: Circumstances {
            flight: Some(if number.is_multiple_of(2) { FlightState::Ground } else { FlightState::Flying }),
            mission: Some(format!("mission {}", number % 200)),
            ..Circumstances::default()
        },
        content: Content::default(),
    }
}
