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
    let Reckoned { base, unasked, open, cap } =
        reckoned(class, matched, visibility, flight, trigger, known_operator);
    named((base + u8::from(unasked) + u8::from(open)).min(cap))
}

/// The rows of the table that make the severity what it is, as sentences.
pub fn severity_rows(
    class: DataClass,
    matched: Match,
    visibility: Visibility,
    flight: FlightState,
    trigger: Trigger,
    known_operator: bool,
) -> Vec<String> {
    let Reckoned { base, unasked, open, cap } =
        reckoned(class, matched, visibility, flight, trigger, known_operator);
    let mut rows = vec![format!("{class} begins at {}", named(base))];
    if unasked {
        rows.push(format!("one step up: nobody asked for it, and the aircraft was {flight}"));
    }
    if open && class == DataClass::Credential {
        rows.push("one step up: a credential in the clear".to_owned());
    } else if open {
        rows.push("one step up: in the clear, to an operator that is not known".to_owned());
    }
    if base + u8::from(unasked) + u8::from(open) > cap {
        rows.push(format!(
            "at most {}: {}",
            named(cap),
            match matched {
                Match::Pattern => "its shape alone says so",
                Match::Size => "only its size says so",
                _ => "there is nothing above",
            }
        ));
    }
    rows
}

/// What a severity is made of: a level, steps up from it, and how high it may get.
struct Reckoned {
    base: u8,
    unasked: bool,
    open: bool,
    cap: u8,
}

fn reckoned(
    class: DataClass,
    matched: Match,
    visibility: Visibility,
    flight: FlightState,
    trigger: Trigger,
    known_operator: bool,
) -> Reckoned {
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
    let cap = match matched {
        Match::Pattern => 1,
        Match::Size => 2,
        _ => 4,
    };
    Reckoned { base, unasked, open, cap }
}

const fn named(level: u8) -> Severity {
    match level {
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
    fn rows_say_what_makes_it_so() {
        let rows = |class, matched, flight| {
            severity_rows(class, matched, Visibility::Clear, flight, Trigger::Automatic, false)
        };
        let told = rows(DataClass::Credential, Match::Structured, FlightState::Flying);
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told.last().unwrap().starts_with("at most critical"), "{told:?}");
        let told = rows(DataClass::Email, Match::Pattern, FlightState::Ground);
        assert_eq!(told.last().unwrap(), "at most low: its shape alone says so");
        let known = severity_rows(
            DataClass::Email,
            Match::Canary,
            Visibility::Decrypted,
            FlightState::Ground,
            Trigger::User,
            true,
        );
        assert_eq!(known, ["email begins at medium"]);
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
