//! How much a finding matters: one table of data classes, and what raises or lowers it.

use creance_model::{DataClass, FlightState, Match, Severity, Trigger, Visibility};

/// The severity of a finding.
///
/// | class | begins at |
/// |---|---|
/// | credential, face | high |
/// | location, imagery, video, audio, flight-log, contacts, messages, person-name, email, phone, serial | medium |
/// | account-id, device-id, installed-apps, network-info, file-hash | low |
///
/// One step up when the aircraft flies or is off and nobody asked for it (automatic), and one when a credential, or anything
/// to an operator that is not known, went in the clear, at most to critical; a shape alone (`pattern`) is never more than low, an opaque size never more than medium.
pub fn severity(
    class: DataClass,
    matched: Match,
    visibility: Visibility,
    flight: FlightState,
    trigger: Trigger,
    known_operator: bool,
) -> Severity {
    let base = match class {
        DataClass::Credential | DataClass::Face => 3,
        DataClass::AccountId
        | DataClass::DeviceId
        | DataClass::InstalledApps
        | DataClass::NetworkInfo
        | DataClass::FileHash => 1,
        _ => 2,
    };
    let unasked = trigger == Trigger::Automatic && matches!(flight, FlightState::Flying | FlightState::Off);
    let open = visibility == Visibility::Clear && (class == DataClass::Credential || !known_operator);
    let level = base + u8::from(unasked) + u8::from(open);
    let cap = match matched {
        Match::Pattern => 1,
        Match::Size => 2,
        _ => 4,
    };
    match level.min(cap) {
        0 => Severity::Info,
        1 => Severity::Low,
        2 => Severity::Medium,
        3 => Severity::High,
        _ => Severity::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_alone_stays_low() {
        let worst = severity(
            DataClass::Credential,
            Match::Pattern,
            Visibility::Clear,
            FlightState::Flying,
            Trigger::Automatic,
            false,
        );
        assert_eq!(worst, Severity::Low);
    }

    #[test]
    fn a_password_in_the_clear_is_critical() {
        let told = severity(
            DataClass::Credential,
            Match::Structured,
            Visibility::Clear,
            FlightState::Unknown,
            Trigger::Unknown,
            true,
        );
        assert_eq!(told, Severity::Critical);
    }
}
