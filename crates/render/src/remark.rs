//! A finding in one line, to stand beside the packets that show it.

use creance_model::{Direction, Finding, FlightState};

use crate::words::{self, shown};

/// `TLP:AMBER F0003 location, high, track (a place on the known flight track): 37.7…, -122.4… to log.example (203.0.113.17 port 443),
/// CN, in flight`. Hostile text is defused and long text cut; a value that is masked stays so.
pub fn remark(finding: &Finding) -> String {
    let to = &finding.destination;
    let whom = match (&to.host, &to.ip) {
        _ if finding.direction == Direction::Broadcast => "all who listen".to_owned(),
        (Some(host), Some(ip)) => format!("{} ({} port {})", shown(host), shown(ip), to.port),
        (Some(one), None) | (None, Some(one)) => format!("{} port {}", shown(one), to.port),
        (None, None) => "an unknown end".to_owned(),
    };
    let country = to.country.as_deref().map(|code| format!(", {}", shown(code))).unwrap_or_default();
    let state = match finding.flight_state {
        FlightState::Unknown => String::new(),
        known => format!(", {}", words::state(known)),
    };
    format!(
        "{} {} {}, {}, {} ({}): {} to {whom}{country}{state}",
        finding.tlp.label(),
        shown(&finding.id),
        finding.data_class,
        finding.severity,
        finding.matched,
        words::matched(finding.matched),
        shown(&finding.value),
    )
}
