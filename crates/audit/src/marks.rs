//! How far a finding may be passed on, until an examiner says otherwise.

use creance_model::{DataClass, Tlp};

/// The mark of a finding in a case that is marked so: as the case, but stricter where a value of people stands in full.
pub(crate) const fn of(class: DataClass, case: Tlp, revealed: bool) -> Tlp {
    use DataClass::{Contacts, Credential, Email, Face, Messages, PersonName, Phone};
    let own = match class {
        Credential if revealed => Tlp::Red,
        Contacts | Email | Face | Messages | PersonName | Phone if revealed => Tlp::AmberStrict,
        _ => return case,
    };
    if own as u8 > case as u8 { own } else { case }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_people_in_full_are_stricter_than_their_case_and_never_freer() {
        assert_eq!(of(DataClass::Credential, Tlp::Green, false), Tlp::Green);
        assert_eq!(of(DataClass::Credential, Tlp::Green, true), Tlp::Red);
        assert_eq!(of(DataClass::Email, Tlp::Amber, true), Tlp::AmberStrict);
        assert_eq!(of(DataClass::Email, Tlp::Red, true), Tlp::Red);
        assert_eq!(of(DataClass::Location, Tlp::Clear, true), Tlp::Clear);
    }
}
