//! What in a policy can never count: rules that never hold, and permits that are always overridden.
//!
//! The policy is asked, by the engine that decides live, about every request of a finite universe that is named in the
//! answer: for each fact that it asks for, the values that its rules name, one that they do not, and that it is missing.
//! A rule that asks for nothing else than whether a fact has one of those values cannot tell more requests apart, so what
//! is found holds beyond the universe; where sets, patterns or sums are asked for it holds within.

pub(crate) mod universe;

use std::collections::BTreeSet;

use cedar_policy::pst::Expr;

use crate::{Action, Effect, Policy, Request};
use universe::{Axis, axes, blank};

/// What was found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What was tried, by action.
    pub universes: Vec<Universe>,
    /// Rules that never hold.
    pub unreachable: Vec<Unmet>,
    /// Rules that permit, and wherever they hold another forbids.
    pub overridden: Vec<Overridden>,
    /// Rules that forbid nothing that another permits: they give the reason, and change no verdict.
    pub idle: Vec<String>,
    /// Rules that cannot be evaluated for some requests, with why.
    pub failing: Vec<(String, String)>,
    /// How each rule fared, in the order of the policy.
    pub reach: Vec<Reach>,
}

/// What was tried for one action.
#[derive(Clone, Debug)]
pub struct Universe {
    /// The action.
    pub action: Action,
    /// What requests differ in, and all that it may be, in words.
    pub axes: Vec<String>,
    /// How many requests there are.
    pub of: u128,
    /// How many were tried; fewer than there are where they are too many.
    pub tried: u64,
}

/// A rule that never holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unmet {
    /// The rule.
    pub rule: String,
    /// Whether every request that differs in what the rule asks for was tried.
    pub whole: bool,
}

/// A rule that permits, and never counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Overridden {
    /// The rule.
    pub rule: String,
    /// The rules that forbid where it holds.
    pub by: Vec<String>,
}

/// How often a rule held.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reach {
    /// The rule.
    pub rule: String,
    /// Requests that it held for.
    pub held: u64,
    /// Requests that it decided, alone or with others.
    pub decided: u64,
}

/// Requests tried of one action, and of one rule that held for none of them.
const MOST: u64 = 60_000;

impl Policy {
    /// Tries it with every request of a finite universe.
    pub fn check(&self) -> Checked {
        let mut checked = Checked {
            universes: Vec::new(),
            unreachable: Vec::new(),
            overridden: Vec::new(),
            idle: Vec::new(),
            failing: Vec::new(),
            reach: self
                .rules
                .iter()
                .map(|rule| Reach { rule: rule.id.clone(), ..Reach::default() })
                .collect(),
        };
        let mut overriding: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); self.rules.len()];
        for action in Action::ALL {
            let conditions = self.set(action).conditions.iter().flatten();
            let axes = axes(conditions.map(|condition| &condition.written));
            let (of, tried) = product(action, &axes, MOST, &mut |request| {
                self.count(request, &mut checked, &mut overriding);
                false
            });
            let axes = axes.iter().map(Axis::told).collect();
            checked.universes.push(Universe { action, axes, of, tried });
        }
        for (rule, overriding) in self.rules.iter().zip(&overriding) {
            let Some(reach) = checked.reach.get(rule.number).cloned() else { continue };
            if reach.held == 0 {
                match self.meets(rule.number) {
                    (true, _) => {}
                    (false, whole) => checked.unreachable.push(Unmet { rule: rule.id.clone(), whole }),
                }
            } else if reach.decided == 0 && rule.effect == Effect::Permit {
                let by = overriding.iter().filter_map(|by| Some(self.rules.get(*by)?.id.clone())).collect();
                checked.overridden.push(Overridden { rule: rule.id.clone(), by });
            } else if rule.effect == Effect::Forbid && overriding.is_empty() {
                checked.idle.push(rule.id.clone());
            }
        }
        checked
    }

    fn count(&self, request: &Request, checked: &mut Checked, overriding: &mut [BTreeSet<usize>]) {
        let Ok((_, held)) = self.held(request) else { return };
        let (mut permits, mut forbids) = (Vec::new(), Vec::new());
        let mut failed = false;
        for held in held {
            let Some(rule) = self.rules.get(held.rule) else { continue };
            match (held.holds, rule.effect) {
                (Ok(true), Effect::Permit) => permits.push(held.rule),
                (Ok(true), Effect::Forbid) => forbids.push(held.rule),
                (Ok(false), _) => {}
                (Err(why), _) => {
                    failed = true;
                    if !checked.failing.iter().any(|(known, _)| *known == rule.id) {
                        checked.failing.push((rule.id.clone(), why));
                    }
                }
            }
        }
        let deciding = match (failed, forbids.is_empty()) {
            (true, _) => &[][..],
            (false, true) => &permits,
            (false, false) => &forbids,
        };
        for rule in permits.iter().chain(&forbids) {
            if let Some(reach) = checked.reach.get_mut(*rule) {
                reach.held += 1;
                reach.decided += u64::from(deciding.contains(rule));
            }
        }
        // A rule that permits keeps who overrides it, and one that forbids what it overrides.
        for permit in &permits {
            for forbid in &forbids {
                for (of, by) in [(permit, forbid), (forbid, permit)] {
                    overriding.get_mut(*of).into_iter().for_each(|known| known.extend([*by]));
                }
            }
        }
    }

    /// Whether a rule holds for some request that differs in nothing else than what the rule asks for, and whether all of
    /// those were tried.
    fn meets(&self, rule: usize) -> (bool, bool) {
        let (mut met, mut whole) = (false, true);
        for action in Action::ALL {
            let Some(Some(condition)) = self.set(action).conditions.get(rule) else { continue };
            let axes = axes([&condition.written] as [&Expr; 1]);
            let (of, tried) = product(action, &axes, MOST, &mut |request| {
                let held = self.held(request).map(|(_, held)| held).unwrap_or_default();
                met |= held.iter().any(|held| held.rule == rule && held.holds == Ok(true));
                met
            });
            whole &= met || u128::from(tried) == of;
        }
        (met, whole)
    }
}

/// Hands every combination of the axes to `with`, until it says that it has enough. Where there are more than `most`,
/// that many are taken from all over. Gives how many there are, and how many were tried.
fn product(action: Action, axes: &[Axis], most: u64, with: &mut dyn FnMut(&Request) -> bool) -> (u128, u64) {
    let of = axes.iter().fold(1_u128, |all, axis| all.saturating_mul(axis.points.len() as u128));
    // A step that shares no divisor with how many there are meets each at most once.
    let mut step = (of / u128::from(most)).max(1);
    while step > 1 && divisor(step, of) != 1 {
        step += 1;
    }
    let mut request = blank(action);
    let (mut tried, mut at) = (0, 0_u128);
    while u128::from(tried) < of && tried < most {
        let mut rest = at;
        for axis in axes {
            let many = axis.points.len() as u128;
            let chosen = usize::try_from(rest % many).ok().and_then(|point| axis.points.get(point));
            if let Some(point) = chosen {
                axis.set(point, &mut request);
            }
            rest /= many;
        }
        tried += 1;
        if with(&request) {
            break;
        }
        at = (at + step) % of;
    }
    (of, tried)
}

fn divisor(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TEMPLATES;

    fn check(text: &str) -> Checked {
        Policy::read("test.cedar", text).unwrap().check()
    }

    #[test]
    fn rules_that_never_hold_are_found() {
        let checked = check(
            r#"@id("a") permit (principal, action == Action::"connect", resource)
               when { context has data && context.data.contains(Data::"face") };
               @id("b") permit (principal, action, resource)
               when { context has flight && context.flight == Flight::"off" && !(context.flight == Flight::"off") };
               @id("c") permit (principal, action, resource in Domain::"a.example")
               when { resource has host && resource.host == "b.example" };
               @id("d") permit (principal, action, resource)
               when { resource has port && resource.port > 70000 };
               @id("e") permit (principal, action, resource) when { resource has port && resource.port > 1023 };"#,
        );
        let unmet: Vec<_> =
            checked.unreachable.iter().map(|unmet| (unmet.rule.as_str(), unmet.whole)).collect();
        assert_eq!(unmet, [("a", true), ("b", true), ("c", true), ("d", true)]);
    }

    #[test]
    fn permits_that_are_always_overridden_are_found_with_what_overrides_them() {
        let checked = check(
            r#"@id("all") permit (principal, action, resource);
               @id("cn") permit (principal, action, resource)
               when { resource has country && resource.country == Country::"CN" };
               @id("no-china") forbid (principal, action, resource)
               when { resource has country && [Country::"CN", Country::"HK"].contains(resource.country) };
               @id("late") permit (principal, action, resource)
               when { context has time && context.time > datetime("2027-01-01") };"#,
        );
        assert_eq!(checked.overridden, [Overridden { rule: "cn".into(), by: vec!["no-china".into()] }]);
        assert!(checked.unreachable.is_empty() && checked.idle.is_empty());
        assert!(checked.universes.iter().all(|universe| u128::from(universe.tried) == universe.of));
    }

    #[test]
    fn what_is_too_much_is_tried_in_part_and_said_to_be() {
        let many: Vec<String> = (0..40).map(|n| format!("\"{n}.example\"")).collect();
        let text = ["host", "organization", "storage_region"]
            .iter()
            .map(|fact| {
                format!(
                    "@id(\"{fact}\") permit (principal, action, resource) when {{ resource has {fact} && [{}].contains(resource.{fact}) }};",
                    many.join(", ")
                )
            })
            .collect::<Vec<_>>()
            .concat();
        let checked = check(&text);
        assert!(
            checked.universes.iter().all(|universe| universe.tried == MOST && universe.of > u128::from(MOST))
        );
        assert!(checked.unreachable.is_empty(), "{:?}", checked.unreachable);
    }

    #[test]
    fn a_rule_that_may_fail_is_told() {
        let checked = check(
            r#"@id("a") permit (principal, action, resource);
               @id("b") forbid (principal, action, resource)
               when { resource has port && resource.port * 9223372036854775807 > 1 };"#,
        );
        assert_eq!(checked.failing.len(), 1);
    }

    #[test]
    fn the_shipped_policies_have_no_rule_that_never_counts() {
        for template in TEMPLATES {
            let checked = template.policy().unwrap().check();
            assert!(checked.unreachable.is_empty(), "{}: {:?}", template.name, checked.unreachable);
            assert!(checked.overridden.is_empty(), "{}: {:?}", template.name, checked.overridden);
            assert!(checked.failing.is_empty());
            for universe in &checked.universes {
                assert_eq!(u128::from(universe.tried), universe.of, "{}", template.name);
            }
        }
    }
}
