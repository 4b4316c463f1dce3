//! Verdicts: every rule that can hold is evaluated by Cedar, and the verdict is Cedar's own: default deny, `forbid` wins.
//!
//! One thing is stricter: a rule that cannot be evaluated is skipped by Cedar's authorizer, and is a refusal here.

use cedar_policy::{Entities, EvalResult, Expression, eval_expression};

use crate::{Effect, Policy, Request, Rule};

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

impl Policy {
    /// What it says to a request. Equal requests get equal verdicts.
    pub fn decide(&self, request: &Request) -> Verdict {
        let asked = match self.ask(request) {
            Ok(asked) => asked,
            Err(why) => {
                let reason = format!("refused: the request cannot be put to the policy: {why}");
                return Verdict { allowed: false, rules: Vec::new(), reason, errors: vec![why] };
            }
        };
        let (mut forbids, mut permits, mut failed, mut errors) = (vec![], vec![], vec![], vec![]);
        for Held { rule, holds } in self.held(&asked, request) {
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

    /// A request as Cedar takes it.
    pub(crate) fn ask(&self, request: &Request) -> Result<(cedar_policy::Request, Entities), String> {
        request.ask(&self.asks)
    }

    /// How the rules that can hold stand to a request. Rules left out do not hold.
    pub(crate) fn held(
        &self,
        (asked, entities): &(cedar_policy::Request, Entities),
        request: &Request,
    ) -> Vec<Held> {
        let set = self.set(request.action);
        let held = set.index.candidates(request).into_iter().filter_map(|rule| {
            let condition = set.conditions.get(rule)?.as_ref()?;
            Some(Held { rule, holds: truth(&condition.closed, asked, entities) })
        });
        held.collect()
    }

    /// Says what is not known, where a rule forbids for that alone.
    fn unknown(
        &self,
        rule: &Rule,
        (asked, entities): &(cedar_policy::Request, Entities),
        request: &Request,
        reason: &mut String,
    ) {
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
