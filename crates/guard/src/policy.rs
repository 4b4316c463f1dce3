//! What may leave in which state: the question that the engine asks before it renews anything, and the resolver before it
//! asks or answers.

use std::net::IpAddr;

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

/// What is known of a destination by name.
pub type Known = creance_policy::Destination;

/// What a policy says of a destination by name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Judged {
    /// It may be reached.
    Allowed,
    /// These rules forbid it.
    Forbidden(String),
    /// No rule permits it.
    Unpermitted,
}

/// Whoever answers.
pub trait Policy: Send + Sync {
    /// Whether clients may reach this now.
    fn allows(&self, state: State, destination: Destination<'_>) -> bool;

    /// Whether it asks which duties hold where the aircraft is.
    fn heeds_duties(&self) -> bool {
        false
    }

    /// Whether one of them may be reached by a client, were more known of it.
    fn could(&self, state: State, client: Option<IpAddr>, to: &Known) -> bool;

    /// Whether what it says may change with the time alone.
    fn by_time(&self) -> bool {
        false
    }

    /// Whether it may be, by what is known.
    fn judge(&self, state: State, client: IpAddr, to: &Known) -> Judged;
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

    fn could(&self, state: State, _: Option<IpAddr>, _: &Known) -> bool {
        state.is_open()
    }

    fn judge(&self, state: State, _: IpAddr, _: &Known) -> Judged {
        if state.is_open() { Judged::Allowed } else { Judged::Forbidden("local data mode".to_owned()) }
    }
}

/// Rules in Cedar, the same as `creance-guard simulate` asks.
///
/// The kernel lets through by address and does not look inside: what is sent is a fact that is missing here, and missing
/// facts never open. To whom is known of what the configuration names, and of what clients asked the resolver for.
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

    /// To begin a conversation, and to say something in it: whoever may begin one through the kernel may say anything in it.
    fn requests(&self, state: State, client: Option<IpAddr>, destination: &Known) -> [Request; 2] {
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
        let name = client.map(|ip| ip.to_string()).unwrap_or_default();
        Action::ALL.map(|action| Request {
            action,
            device: Device { name: name.clone(), ip: client, ..Device::default() },
            destination: destination.clone(),
            circumstances: circumstances.clone(),
            content: Content::default(),
        })
    }
}

impl Policy for Rules {
    fn allows(&self, state: State, destination: Destination<'_>) -> bool {
        let facts = match destination {
            Destination::Anywhere => Known::default(),
            Destination::Named(one) => Known { ip: Some(one.to), port: Some(one.port), ..Known::default() },
        };
        self.requests(state, None, &facts).iter().all(|request| self.policy.decide(request).allowed)
    }

    fn heeds_duties(&self) -> bool {
        self.policy.asks(Fact::Duties)
    }

    fn could(&self, state: State, client: Option<IpAddr>, to: &Known) -> bool {
        self.requests(state, client, to).iter().all(|request| self.policy.could(request))
    }

    fn by_time(&self) -> bool {
        self.policy.asks(Fact::Time)
    }

    fn judge(&self, state: State, client: IpAddr, to: &Known) -> Judged {
        for request in self.requests(state, Some(client), to) {
            let verdict = self.policy.decide(&request);
            if !verdict.allowed {
                return if verdict.rules.is_empty() {
                    Judged::Unpermitted
                } else {
                    Judged::Forbidden(verdict.rules.join(", "))
                };
            }
        }
        Judged::Allowed
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
    fn who_may_yet_turn_out_to_be_permitted_is_asked_for() {
        let rules = shipped("allow-only-us");
        let named = Known { host: Some("x.example".to_owned()), ..Known::default() };
        assert!(rules.could(State::Airborne, None, &named));
        let us = || Some("US".to_owned());
        let known = Known { country: us(), control: us(), edge: Some(false), ..named.clone() };
        let client = "10.0.0.2".parse().unwrap();
        assert_eq!(rules.judge(State::Airborne, client, &known), Judged::Allowed);
        assert_eq!(rules.judge(State::Airborne, client, &named), Judged::Unpermitted);
        assert!(!rules.could(
            State::Airborne,
            None,
            &Known { country: Some("CN".to_owned()), ..named.clone() }
        ));
        // What is sent is never known here, so that nothing is asked where that decides.
        assert!(!shipped("us-critical-infrastructure").could(State::Grounded, None, &named));
        assert!(!shipped("local-data-mode").could(State::Stale, None, &named));
        assert!(shipped("local-data-mode").could(State::Grounded, None, &named));
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
