//! Verdicts: every rule that can hold is evaluated by Cedar, and the verdict is Cedar's own: default deny, `forbid` wins.
//!
//! One thing is stricter: a rule that cannot be evaluated is skipped by Cedar's authorizer, and is a refusal here.

use std::collections::BTreeSet;

use cedar_policy::{Entities, EvalResult, Expression, eval_expression};

use crate::{
    Effect, Fact, Policy, Request, Rule,
    index::Index,
    read::{Condition, RuleSet},
};

/// What a policy says to a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// Whether it may be.
    pub allowed: bool,
    /// The rules that decided, by `@id`, in the order of the policy; none where no rule permits it.
    pub rules: Vec<String>,
    /// Why, in words.
    pub reason: String,
    /// Rules that could not be evaluated, each with why. Where there is one, it is a refusal.
    pub errors: Vec<String>,
}

/// How a rule that can hold stands to a request.
#[derive(Debug)]
pub(crate) struct Held {
    /// The rule's number.
    pub(crate) rule: usize,
    /// Whether it holds, or why that cannot be said.
    pub(crate) holds: Result<bool, String>,
}

/// A request as Cedar takes it.
type Asked = (cedar_policy::Request, Entities);

/// Of so many rules it is looked up what each asks for; to more, all is told that any rule of the policy asks for.
const FEW: usize = 8;

impl RuleSet {
    /// The rules that can hold for a request, and may be others, ascending.
    fn candidates(&self, request: &Request) -> impl Iterator<Item = (usize, &Condition)> {
        let found = self.found(&self.index, request);
        found.filter(|(_, condition)| condition.closed.test.may_hold(request))
    }

    /// The same, with what is not known of the destination counted for each.
    fn hopes(&self, request: &Request) -> impl Iterator<Item = (usize, &Condition)> {
        let found = self.found(&self.hoped, request);
        found.filter(|(_, condition)| condition.hoped.test.may_hold(request))
    }

    fn found(&self, index: &Index, request: &Request) -> impl Iterator<Item = (usize, &Condition)> {
        let found = index.candidates(request).into_iter();
        found.filter_map(|rule| Some((rule, self.conditions.get(rule)?.as_ref()?)))
    }
}

impl Policy {
    /// What it says to a request. Equal requests get equal verdicts.
    pub fn decide(&self, request: &Request) -> Verdict {
        let (asked, all) = match self.held(request) {
            Ok(held) => held,
            Err(why) => {
                let reason = format!("refused: the request cannot be put to the policy: {why}");
                return Verdict { allowed: false, rules: Vec::new(), reason, errors: vec![why] };
            }
        };
        let (mut forbids, mut permits, mut failed, mut errors) = (vec![], vec![], vec![], vec![]);
        for Held { rule, holds } in all {
            let Some(rule) = self.rules.get(rule) else { continue };
            match (holds, rule.effect) {
                (Ok(true), Effect::Forbid) => forbids.push(rule),
                (Ok(true), Effect::Permit) => permits.push(rule),
                (Ok(false), _) => {}
                (Err(why), _) => {
                    errors.push(format!("{}: {why}", rule.id));
                    failed.push(rule);
                }
            }
        }
        let (allowed, how, deciding) = match (failed.is_empty(), forbids.is_empty(), permits.is_empty()) {
            (false, _, _) => (false, "refused: a rule cannot be evaluated:", failed),
            (true, false, _) => (false, "refused by", forbids),
            (true, true, false) => (true, "permitted by", permits),
            (true, true, true) => (false, "refused: no rule permits it", Vec::new()),
        };
        let mut reason = how.to_owned();
        for (number, rule) in deciding.iter().enumerate() {
            reason.push_str(if number == 0 { " " } else { "; " });
            reason.push_str(&rule.id);
            if !allowed && rule.effect == Effect::Forbid {
                self.unknown(rule, &asked, request, &mut reason);
            }
        }
        Verdict { allowed, rules: deciding.iter().map(|rule| rule.id.clone()).collect(), reason, errors }
    }

    /// Whether it might be allowed, were more known of the destination: if not, to ask who that is leads nowhere. All else that
    /// is not known counts against it, as in [`Self::decide`].
    pub fn could(&self, request: &Request) -> bool {
        let may = self.set(request.action).hopes(request);
        let may: Vec<_> = may.filter_map(|(rule, one)| Some((self.rules.get(rule)?.effect, one))).collect();
        let Ok((asked, entities)) = self.ask(request, may.iter().map(|(_, condition)| *condition)) else {
            return false;
        };
        let mut permitted = false;
        for (effect, condition) in may {
            match (truth(&condition.hoped.whole, &asked, &entities), effect) {
                (Ok(false), _) => {}
                (Ok(true), Effect::Permit) => permitted = true,
                (Ok(true), Effect::Forbid) | (Err(_), _) => return false,
            }
        }
        permitted
    }

    /// A request as Cedar takes it, with what these conditions ask for: of many, all that any of them does.
    fn ask<'a>(
        &self,
        request: &Request,
        conditions: impl ExactSizeIterator<Item = &'a Condition>,
    ) -> Result<Asked, String> {
        if conditions.len() > FEW {
            return request.ask(&self.asks);
        }
        let facts: BTreeSet<Fact> = conditions.flat_map(|one| one.facts.iter().copied()).collect();
        request.ask(&facts.into_iter().collect::<Vec<_>>())
    }

    /// The request as Cedar takes it, and how the rules that can hold stand to it. Rules left out do not hold.
    pub(crate) fn held(&self, request: &Request) -> Result<(Asked, Vec<Held>), String> {
        let set = self.set(request.action);
        let may: Vec<(usize, &Condition)> = set.candidates(request).collect();
        let asked = self.ask(request, may.iter().map(|(_, condition)| *condition))?;
        let held = |(rule, condition): (usize, &Condition)| Held {
            rule,
            holds: truth(&condition.closed.whole, &asked.0, &asked.1),
        };
        let held = may.into_iter().map(held).collect();
        Ok((asked, held))
    }

    /// Says what is not known, where a rule forbids for that alone.
    fn unknown(&self, rule: &Rule, (asked, entities): &Asked, request: &Request, reason: &mut String) {
        let Some(Some(condition)) = self.set(request.action).conditions.get(rule.number) else { return };
        if condition.facts.iter().all(|fact| request.knows(*fact))
            || truth(&condition.plain, asked, entities) != Ok(false)
        {
            return;
        }
        let missing = condition.facts.iter().filter(|fact| !request.knows(**fact)).map(|fact| fact.words());
        reason.push_str(" (it is not known ");
        reason.push_str(&missing.collect::<Vec<_>>().join(", nor "));
        reason.push(')');
    }
}

fn truth(
    condition: &Expression,
    request: &cedar_policy::Request,
    entities: &Entities,
) -> Result<bool, String> {
    match eval_expression(request, entities, condition) {
        Ok(EvalResult::Bool(holds)) => Ok(holds),
        Ok(_) => Err("its condition is neither true nor false".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::{str::FromStr, sync::LazyLock};

    use cedar_policy::{Authorizer, Decision, PolicySet};
    use creance_model::{DataClass, FlightState};
    use proptest::prelude::*;

    use super::*;
    use crate::{Action, Circumstances, Content, Destination, Device, Fact};

    /// Parts of conditions, as people write them; some ask for what is missing.
    const PARTS: &[&str] = &[
        "true",
        "resource has country",
        "context has flight",
        "context has data",
        "resource in Domain::\"b.example\"",
        "resource in [Domain::\"a.b.example\", Domain::\"c.example\"]",
        "principal in AppGroup::\"maps\"",
        "principal in DeviceGroup::\"tablets\"",
        "(resource has country && resource.country == Country::\"CN\")",
        "(resource has country && resource.country != Country::\"CN\")",
        "(resource has country && [Country::\"US\", Country::\"CN\"].contains(resource.country))",
        "(context has flight && context.flight == Flight::\"flying\")",
        "(context has data && context.data.contains(Data::\"face\"))",
        "(context has data && [Data::\"location\"].containsAll(context.data))",
        "(resource has edge && resource.edge)",
        "(resource has host && resource.host like \"*.example\")",
        "((resource has edge && resource.edge) == true)",
        "(if context has flight then context.flight == Flight::\"ground\" else resource has country)",
        "(if resource in Domain::\"b.example\" then resource has edge else context has data)",
        "(resource has port && resource.port + 1 > 443)",
        "(resource has port && resource.port >= 443)",
        "(resource has port && 443 > resource.port)",
        "(resource has port && resource.port != 443)",
        "(resource has ip && resource.ip.isInRange(ip(\"192.0.2.0/24\")))",
        "(resource has ip && !resource.ip.isInRange(ip(\"2001:db8::/32\")))",
        "(principal has ip && principal.ip == ip(\"192.0.2.1\"))",
        "(resource has host && !(resource.host like \"*b*\"))",
        "(context has data && context.data.containsAny([Data::\"face\", Data::\"email\"]))",
        "(context has data && context.data.containsAll([Data::\"face\", Data::\"email\"]))",
        "(context has data && context.data.isEmpty())",
        "(context has region && context.region.contains(Country::\"CN\"))",
        "(context has region && [Country::\"CN\", Country::\"US\"].containsAny(context.region))",
        "(principal has app && principal.app == \"app\")",
    ];

    fn condition() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(PARTS).prop_map(str::to_owned);
        leaf.prop_recursive(4, 12, 3, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
                inner.clone().prop_map(|a| format!("!({a})")),
                (inner.clone(), inner.clone(), inner)
                    .prop_map(|(a, b, c)| format!("(if {a} then {b} else {c})")),
            ]
        })
    }

    fn rule() -> impl Strategy<Value = String> {
        let scopes = &[
            "principal, action, resource",
            "principal, action == Action::\"send\", resource",
            "principal, action == Action::\"connect\", resource",
            "principal in AppGroup::\"maps\", action, resource",
            "principal in DeviceGroup::\"tablets\", action, resource in Domain::\"b.example\"",
        ];
        let effects = prop::sample::select(&["permit", "forbid"]);
        let clauses = prop::sample::select(&["when", "unless"]);
        (effects, prop::sample::select(scopes), clauses, condition()).prop_map(
            |(effect, scope, clause, condition)| format!("{effect} ({scope}) {clause} {{ {condition} }};"),
        )
    }

    /// The policy, or none where the schema has something against it: what is always false, for example.
    fn policy(rules: &[String]) -> Option<(String, Policy)> {
        let named = rules.iter().enumerate().map(|(at, rule)| format!("@id(\"r{at}\") {rule}\n"));
        let text = named.collect::<Vec<_>>().concat();
        let policy = Policy::read("any", &text).ok()?;
        Some((text, policy))
    }

    fn request() -> impl Strategy<Value = Request> {
        let action = prop::sample::select(&Action::ALL);
        let host = prop::sample::select(&["a.b.example", "b.example", "x.c.example", "d.invalid"]);
        let country = prop::sample::select(&["CN", "US", "DE"]);
        let flight = prop::sample::select(&[FlightState::Flying, FlightState::Ground]);
        let data =
            prop::sample::subsequence(vec![DataClass::Face, DataClass::Location, DataClass::Email], 0..=3);
        let groups = (any::<bool>(), any::<bool>());
        (action, host, country, flight, data, any::<bool>(), groups, 442..445_u16).prop_map(
            |(action, host, country, flight, data, edge, (maps, tablets), port)| Request {
                action,
                device: Device {
                    name: "tablet".to_owned(),
                    app: Some("app".to_owned()),
                    groups: tablets.then(|| "tablets".to_owned()).into_iter().collect(),
                    app_groups: maps.then(|| "maps".to_owned()).into_iter().collect(),
                    ip: Some(if tablets { "192.0.2.1" } else { "192.0.2.2" }.parse().unwrap()),
                    ..Device::default()
                },
                destination: Destination {
                    host: Some(host.to_owned()),
                    country: Some(country.to_owned()),
                    edge: Some(edge),
                    port: Some(port),
                    ip: Some(if edge { "192.0.2.9" } else { "2001:db8::9" }.parse().unwrap()),
                    ..Destination::default()
                },
                circumstances: Circumstances {
                    flight: Some(flight),
                    region: Some(if maps { vec!["CN".to_owned(), "US".to_owned()] } else { Vec::new() }),
                    ..Circumstances::default()
                },
                content: Content { data: Some(data), visibility: None },
            },
        )
    }

    /// The request with some facts taken away.
    fn without(request: &Request, missing: &[Fact]) -> Request {
        let mut less = request.clone();
        for fact in missing {
            match fact {
                Fact::App => less.device.app = None,
                Fact::Host => less.destination.host = None,
                Fact::Country => less.destination.country = None,
                Fact::Edge => less.destination.edge = None,
                Fact::Port => less.destination.port = None,
                Fact::Ip => less.destination.ip = None,
                Fact::DeviceIp => less.device.ip = None,
                Fact::Region => less.circumstances.region = None,
                Fact::Flight => less.circumstances.flight = None,
                _ => less.content.data = None,
            }
        }
        less
    }

    const MAY_MISS: &[Fact] = &[
        Fact::App,
        Fact::DeviceIp,
        Fact::Host,
        Fact::Ip,
        Fact::Country,
        Fact::Edge,
        Fact::Port,
        Fact::Flight,
        Fact::Region,
        Fact::Data,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_500))]

        #[test]
        fn a_missing_fact_never_opens(
            rules in prop::collection::vec(rule(), 1..4),
            request in request(),
            missing in prop::sample::subsequence(MAY_MISS, 1..=MAY_MISS.len()),
        ) {
            if let Some((text, policy)) = policy(&rules) {
                let less = without(&request, &missing);
                if policy.decide(&less).allowed {
                    prop_assert!(policy.decide(&request).allowed, "{text}\n{request:?}\nwithout {missing:?}");
                }
            }
        }

        #[test]
        fn whoever_may_turn_out_to_be_permitted_could_be(
            rules in prop::collection::vec(rule(), 1..4),
            request in request(),
            missing in prop::sample::subsequence(MAY_MISS, 0..=MAY_MISS.len()),
        ) {
            if let Some((text, policy)) = policy(&rules) {
                let of_destination = |fact: &&Fact| fact.attribute().0 == "resource";
                let (learned, never): (Vec<&Fact>, Vec<&Fact>) = missing.iter().partition(of_destination);
                let [learned, never] = [learned, never].map(|list| list.into_iter().copied().collect::<Vec<_>>());
                let known = without(&request, &never);
                let allowed = policy.decide(&known).allowed;
                prop_assert_eq!(policy.could(&known), allowed, "{}", text);
                let could = policy.could(&without(&known, &learned));
                prop_assert!(could || !allowed, "{text}\n{request:?}\nwithout {missing:?}");
            }
        }

        #[test]
        fn where_all_is_known_the_verdict_is_that_of_cedars_own_authorizer(
            rules in prop::collection::vec(rule(), 1..4),
            request in request(),
        ) {
            if let Some((text, policy)) = policy(&rules) {
                let verdict = policy.decide(&request);
                let set = PolicySet::from_str(&text).unwrap();
                let (asked, entities) = request.ask(Fact::ALL).unwrap();
                let response = Authorizer::new().is_authorized(&asked, &set, &entities);
                prop_assert_eq!(response.diagnostics().errors().count(), verdict.errors.len());
                prop_assert_eq!(response.decision() == Decision::Allow, verdict.allowed, "{}", text);
            }
        }

        #[test]
        fn rules_that_are_not_looked_at_do_not_hold(
            rules in prop::collection::vec(rule(), 1..4),
            request in request(),
            missing in prop::sample::subsequence(MAY_MISS, 0..=MAY_MISS.len()),
        ) {
            if let Some((text, policy)) = policy(&rules) {
                same_as_whole(&policy, &without(&request, &missing)).map_err(|why| TestCaseError::fail(format!("{why}: {text}")))?;
            }
        }

        #[test]
        fn nor_do_those_of_shipped_policies(
            request in request(),
            missing in prop::sample::subsequence(MAY_MISS, 0..=MAY_MISS.len()),
        ) {
            static SHIPPED: LazyLock<Vec<Policy>> =
                LazyLock::new(|| crate::TEMPLATES.iter().map(|one| Policy::read(one.name, one.text).unwrap()).collect());
            for policy in SHIPPED.iter() {
                same_as_whole(policy, &without(&request, &missing)).map_err(TestCaseError::fail)?;
            }
        }
    }

    /// Compares what Cedar says to every rule, told every fact, with what is said of rules that it is not asked about.
    fn same_as_whole(policy: &Policy, request: &Request) -> Result<(), String> {
        let (asked, entities) = request.ask(Fact::ALL)?;
        let (_, held) = policy.held(request)?;
        for (rule, condition) in policy.set(request.action).conditions.iter().enumerate() {
            let Some(condition) = condition else { continue };
            let whole = truth(&condition.closed.whole, &asked, &entities);
            let found = held.iter().find(|one| one.rule == rule).map_or(Ok(false), |one| one.holds.clone());
            if found != whole {
                return Err(format!("rule {rule} is {found:?} and Cedar says {whole:?}, {request:?}"));
            }
            let hoped = truth(&condition.hoped.whole, &asked, &entities);
            if hoped != Ok(false) && policy.set(request.action).hopes(request).all(|(other, _)| other != rule)
            {
                return Err(format!("rule {rule} is not hoped for and Cedar says {hoped:?}, {request:?}"));
            }
            for bound in [&condition.closed, &condition.hoped] {
                let whole = truth(&bound.whole, &asked, &entities);
                if let Some(said) = bound.test.truth(request)
                    && whole != Ok(said)
                {
                    return Err(format!("{:?} is {said} and Cedar says {whole:?}, {request:?}", bound.test));
                }
            }
        }
        Ok(())
    }

    #[test]
    fn rules_about_numbers_names_and_lists_are_told_apart_without_cedar() {
        let text = (0..100)
            .map(|at| {
                let next = at + 1;
                format!(
                    r#"@id("port {at}") permit (principal, action, resource)
                    when {{ resource has port && resource.port >= {at} && resource.port < {next} }};
                    @id("name {at}") permit (principal, action, resource)
                    when {{ resource has host && resource.host like "*.{at}.example" }};
                    @id("net {at}") forbid (principal, action, resource)
                    when {{ resource has ip && resource.ip.isInRange(ip("10.{at}.0.0/16")) }};"#
                )
            })
            .collect::<Vec<_>>()
            .concat();
        let policy = Policy::read("long", &text).unwrap();
        let mut request = crate::check::universe::blank(Action::Connect);
        request.destination.host = Some("a.7.example".to_owned());
        request.destination.port = Some(50);
        request.destination.ip = Some("10.9.1.2".parse().unwrap());
        let may = policy
            .set(Action::Connect)
            .candidates(&request)
            .map(|(rule, _)| policy.rules()[rule].id.as_str());
        assert_eq!(may.collect::<Vec<_>>(), ["name 7", "net 9", "port 50"]);
        same_as_whole(&policy, &request).unwrap();
    }

    #[test]
    fn most_rules_of_a_long_policy_are_not_looked_at() {
        let text = (0..100)
            .map(|at| {
                format!(
                    "@id(\"{at}\") forbid (principal, action, resource in Domain::\"{at}.example\")
                     when {{ context has flight && context.flight == Flight::\"flying\" }};"
                )
            })
            .collect::<Vec<_>>()
            .concat();
        let policy = Policy::read("long", &text).unwrap();
        let index: &Index = &policy.set(Action::Connect).index;
        let mut request = crate::check::universe::blank(Action::Connect);
        request.destination.host = Some("a.7.example".to_owned());
        assert_eq!(index.candidates(&request), [7]);
        // Without a name it may be any of them.
        request.destination.host = None;
        assert_eq!(index.candidates(&request).len(), 100);
    }

    #[test]
    fn a_rule_that_cannot_be_evaluated_is_a_refusal_and_is_told() {
        let text = r#"@id("all") permit (principal, action, resource);
            @id("sum") permit (principal, action, resource)
            when { resource has port && resource.port * 9223372036854775807 > 1 };"#;
        let policy = Policy::read("sum", text).unwrap();
        let mut request = crate::check::universe::blank(Action::Connect);
        assert!(policy.decide(&request).allowed);
        request.destination.port = Some(443);
        let verdict = policy.decide(&request);
        assert!(!verdict.allowed && verdict.rules == ["sum"] && verdict.errors.len() == 1, "{verdict:?}");
    }

    #[test]
    fn policies_are_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Policy>();
    }
}
