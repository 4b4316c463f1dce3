//! The destinations of a case, through a guard that asks the same policy.

use std::fs;

use anyhow::{Context, bail};
use creance_guard::{Carrier, Reached, live};
use creance_model::{FlightState, Report, Traffic, Transport};
use creance_policy::{Policy, Template};
use serde::Serialize;

use super::{
    Options,
    replay::{countries, expected},
};

/// A destination that was tried.
#[derive(Debug, Serialize)]
pub(crate) struct Tried {
    /// Name or address, and port.
    pub(crate) to: String,
    /// Whether the policy lets it through, on the ground and in the air, by what a gateway knows.
    pub(crate) said: [bool; 2],
    /// Whether it passed.
    pub(crate) passed: [bool; 2],
}

/// Reaches for each.
pub(crate) fn run(options: &Options, report: &Report, policy: &Policy) -> anyhow::Result<Vec<Tried>> {
    if !nix::unistd::geteuid().is_root() {
        bail!("--live makes network namespaces, which needs root");
    }
    let named = named(options)?;
    let all: Vec<(&Traffic, Reached)> =
        report.destinations.iter().filter_map(|way| Some((way, reached(way)?))).collect();
    let program = std::env::current_exe().context("cannot find this program")?;
    let asked: Vec<Reached> = all.iter().map(|(_, reached)| reached.clone()).collect();
    let passed = live(&program, &named, &countries(report), &asked)?;
    let (mission, operator) = (options.mission.as_deref(), options.operator.as_deref());
    Ok(all
        .iter()
        .zip(passed)
        .map(|((way, reached), passed)| Tried {
            to: format!(
                "{}:{}",
                reached.host.as_ref().map_or_else(|| reached.to.to_string(), Clone::clone),
                reached.port
            ),
            said: [FlightState::Ground, FlightState::Flying]
                .map(|state| expected(report, policy, mission, operator, way, state)),
            passed,
        })
        .collect())
}

/// The policy, as the guard of the laboratory reads it: by its whole path.
pub(super) fn named(options: &Options) -> anyhow::Result<String> {
    if Template::named(&options.policy).is_some() {
        return Ok(options.policy.clone());
    }
    let path =
        fs::canonicalize(&options.policy).with_context(|| format!("cannot find {}", options.policy))?;
    let path = path.to_str().context("the path of the policy is not Unicode")?;
    if path.contains(['\'', '\n']) {
        bail!("the path of the policy has a quotation mark or an end of line: {path:?}");
    }
    Ok(path.to_owned())
}

/// Whether a client can ask for it: a capture, or a case that somebody wrote, may hold anything, and this goes into a configuration.
pub(super) fn is_name(host: &str) -> bool {
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    host.len() <= 253 && host.split('.').all(fits)
}

/// A destination that a client can reach for by TCP or UDP.
fn reached(way: &Traffic) -> Option<Reached> {
    let by = match way.transport {
        Transport::Tcp => Carrier::Tcp,
        Transport::Udp => Carrier::Udp,
        _ => return None,
    };
    let to = way.destination.ip.as_ref()?.parse().ok()?;
    let host = way.destination.host.clone().filter(|host| is_name(host));
    Some(Reached { host, to, port: way.destination.port, by })
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn what_goes_into_a_configuration_is_a_name() {
        assert!(is_name("tiles.openmaps.example") && is_name("_dns.example"));
        for not in ["", "a..b", "a'\nkey = 'x", "a b", "a.example.", &"a".repeat(64)] {
            assert!(!is_name(not), "{not:?}");
        }
    }
}
