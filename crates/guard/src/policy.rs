//! What may leave in which state: the question that the engine asks before it renews anything.

use creance_model::{FlightState, Timestamp};
use creance_policy::{Action, Circumstances, Content, Device, Duty, Fact, Request};

use crate::{Exception, State, engine::since_1970, lawful};

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Destination<'a> {
    /// Whatever clients like to reach.
    Anywhere,
    /// A destination that the configuration names.
    Named(&'a Exception),
}

/// Whoever answers.
pub trait Policy {
    /// Whether clients may reach this now.
    fn allows(&self, state: State, destination: Destination<'_>) -> bool;

    /// Whether it asks which duties hold where the aircraft is.
    fn heeds_duties(&self) -> bool {
        false
    }
}

/// Whether a change of state forbids something that was allowed before it: then all is cut, and what may still pass is let
/// through anew. What is merely not renewed would pass for as long as the kernel waits.
pub(crate) fn narrows(policy: &dyn Policy, named: &[Exception], before: State, after: State) -> bool {
    let mut all = named.iter().map(Destination::Named).chain([Destination::Anywhere]);
    all.any(|one| policy.allows(before, one) && !policy.allows(after, one))
}

/// Local data mode: nothing leaves unless everything is on the ground; named destinations always may.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalData;

impl Policy for LocalData {
    fn allows(&self, state: State, destination: Destination<'_>) -> bool {
        matches!(destination, Destination::Named(_)) || state.is_open()
    }
}

/// Rules in Cedar, the same as `creance-guard simulate` asks.
///
/// The kernel lets through by address and does not look inside. So who asks, to whom (but of a named destination) and what is
/// sent are facts that are missing here, and missing facts never open: a policy that wants to know a country or a name
/// before it permits anything opens nothing but what is named and permitted by address.
#[derive(Clone, Debug)]
pub struct Rules {
    policy: creance_policy::Policy,
    region: Option<Vec<String>>,
    duties: Option<Vec<Duty>>,
}

impl Rules {
    /// Asks a policy.
    pub const fn new(policy: creance_policy::Policy) -> Self {
        Self { policy, region: None, duties: None }
    }

    /// The same where the aircraft may be in these countries, if that is known.
    #[must_use]
    pub fn within(self, region: Option<&[String]>) -> Self {
        Self { region: region.map(<[String]>::to_vec), duties: region.and_then(lawful::duties), ..self }
    }
}

impl Policy for Rules {
    fn allows(&self, state: State, destination: Destination<'_>) -> bool {
        let destination = match destination {
            Destination::Anywhere => creance_policy::Destination::default(),
            Destination::Named(one) => creance_policy::Destination {
                ip: Some(one.to),
                port: Some(one.port),
                ..creance_policy::Destination::default()
            },
        };
        // What fell silent in the air is in the air.
        let flight = match state {
            State::Grounded | State::Released => Some(FlightState::Ground),
            State::Airborne | State::Stale => Some(FlightState::Flying),
            State::Unknown => None,
        };
        let circumstances = Circumstances {
            flight,
            time: now(),
            region: self.region.clone(),
            duties: self.duties.clone(),
            ..Circumstances::default()
        };
        let request = |action| Request {
            action,
            device: Device::default(),
            destination: destination.clone(),
            circumstances: circumstances.clone(),
            content: Content::default(),
        };
        // Whoever may begin a conversation through the kernel may say anything in it.
        Action::ALL.into_iter().all(|action| self.policy.decide(&request(action)).allowed)
    }

    fn heeds_duties(&self) -> bool {
        self.policy.asks(Fact::Duties)
    }
}

fn now() -> Option<Timestamp> {
    i64::try_from(since_1970().as_secs()).ok().map(Timestamp::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Carrier;
    use creance_policy::Template;

    const STATES: [State; 5] =
        [State::Unknown, State::Grounded, State::Airborne, State::Stale, State::Released];

    fn shipped(name: &str) -> Rules {
        Rules::new(creance_policy::Policy::read(name, Template::named(name).unwrap().text).unwrap())
    }

    #[test]
    fn the_built_in_mode_is_the_shipped_one() {
        let rules = shipped("local-data-mode");
        for state in STATES {
            let asked = |policy: &dyn Policy| policy.allows(state, Destination::Anywhere);
            assert_eq!(asked(&rules), asked(&LocalData), "{state:?}");
        }
    }

    #[test]
    fn who_must_be_known_first_is_never_let_through_by_address() {
        let open = |name: &str| STATES.map(|state| shipped(name).allows(state, Destination::Anywhere));
        assert_eq!(open("allow-only-us"), [false; 5]);
        assert_eq!(open("us-critical-infrastructure"), [false; 5]);
        assert_eq!(open("lab-observe"), [true; 5]);
    }

    #[test]
    fn what_only_a_named_destination_was_allowed_is_cut_as_well() {
        let text = r#"@id("ground") permit (principal, action, resource)
            when { resource has port && context has flight && context.flight == Flight::"ground" };"#;
        let rules = Rules::new(creance_policy::Policy::read("x.cedar", text).unwrap());
        let to = "203.0.113.9".parse().unwrap();
        let named = [Exception { to, protocol: Carrier::Udp, port: 443, why: "maps".to_owned() }];
        assert!(!rules.allows(State::Grounded, Destination::Anywhere));
        assert!(narrows(&rules, &named, State::Grounded, State::Airborne));
        assert!(!narrows(&rules, &named, State::Airborne, State::Stale));
        assert!(!narrows(&rules, &named, State::Airborne, State::Grounded));
        // Built in, exceptions hold in every state, and only the rest is cut.
        assert!(narrows(&LocalData, &named, State::Released, State::Airborne));
        assert!(!narrows(&LocalData, &named, State::Unknown, State::Airborne));
    }

    #[test]
    fn where_the_aircraft_is_may_be_asked_for() {
        let text = r#"@id("here") permit (principal, action, resource)
            when { context has duties && context.duties.contains(Duty::"report-flight") };"#;
        let rules = Rules::new(creance_policy::Policy::read("x.cedar", text).unwrap());
        assert!(rules.heeds_duties() && !shipped("local-data-mode").heeds_duties());
        assert!(shipped("cn-lawful-reporting").heeds_duties());
        let open = |region: Option<&[&str]>| {
            let region = region.map(|codes| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>());
            rules.clone().within(region.as_deref()).allows(State::Airborne, Destination::Anywhere)
        };
        assert_eq!([open(Some(&["CN"])), open(Some(&["US"])), open(None)], [true, false, false]);
    }

    #[test]
    fn a_named_destination_is_asked_about_by_address_and_port() {
        let text = r#"@id("corrections") permit (principal, action, resource)
            when { resource has ip && resource.ip == ip("203.0.113.9") && resource has port && resource.port == 2101 };"#;
        let rules = Rules::new(creance_policy::Policy::read("x.cedar", text).unwrap());
        let named = |port| Exception {
            to: "203.0.113.9".parse().unwrap(),
            protocol: Carrier::Tcp,
            port,
            why: "corrections".to_owned(),
        };
        assert!(rules.allows(State::Airborne, Destination::Named(&named(2101))));
        assert!(!rules.allows(State::Airborne, Destination::Named(&named(443))));
        assert!(!rules.allows(State::Grounded, Destination::Anywhere));
    }

    #[test]
    fn nothing_leaves_unless_grounded_or_released() {
        for state in [State::Unknown, State::Airborne, State::Stale] {
            assert!(!LocalData.allows(state, Destination::Anywhere));
        }
        assert!(LocalData.allows(State::Grounded, Destination::Anywhere));
        assert!(LocalData.allows(State::Released, Destination::Anywhere));
    }
}
