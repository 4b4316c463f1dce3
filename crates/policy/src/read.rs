//! The text of a policy: parsed, checked against the schema, each rule closed and indexed.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
    sync::{Arc, LazyLock},
};

use cedar_policy::{
    Expression, PolicySet, Schema, ValidationMode, Validator,
    pst::{
        ActionConstraint, BinaryOp, Clause, EntityOrSlot, EntityUID, Expr, Literal, PrincipalConstraint,
        ResourceConstraint, StaticPolicy, Template, Var,
    },
};
use miette::Diagnostic;

use crate::{Action, Fact, Fault, PolicyError, SCHEMA, closed, index::Index, sieve::Test};

/// What a rule does where its condition holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// It permits, if no other forbids.
    Permit,
    /// It forbids, whatever permits.
    Forbid,
}

impl Effect {
    /// Its name in Cedar and in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Forbid => "forbid",
        }
    }
}

/// A rule of a policy.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its `@id`.
    pub id: String,
    /// Its `@explain`: why it is there.
    pub explain: Option<String>,
    /// What it does.
    pub effect: Effect,
    /// The line that it begins in, counted from 1.
    pub line: usize,
    pub(crate) number: usize,
    pub(crate) body: Arc<Template>,
}

/// A policy, ready to be asked. Cloning is cheap, and it may be asked from several threads.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) rules: Arc<[Rule]>,
    /// The facts that some rule asks for: others need not be told to Cedar.
    pub(crate) asks: Arc<[Fact]>,
    sets: Arc<[RuleSet; 2]>,
}

/// What the rules say of one action.
#[derive(Debug)]
pub(crate) struct RuleSet {
    /// By the rule's number; none where it is not about this action.
    pub(crate) conditions: Vec<Option<Condition>>,
    /// By what `closed` needs, and by what `hoped` does.
    pub(crate) index: Index,
    pub(crate) hoped: Index,
}

/// A condition, as Cedar evaluates it.
#[derive(Debug)]
pub(crate) struct Condition {
    /// As it was written.
    pub(crate) plain: Expression,
    /// With what is missing counted against it.
    pub(crate) closed: Bound,
    /// As `closed`, but with what is missing of the destination counted for it.
    pub(crate) hoped: Bound,
    /// What it asks for.
    pub(crate) facts: BTreeSet<Fact>,
    /// As it was written, to be looked into.
    pub(crate) written: Expr,
}

/// A bound of a condition.
#[derive(Debug)]
pub(crate) struct Bound {
    /// As Cedar evaluates it.
    pub(crate) whole: Expression,
    /// What can be said of it without Cedar.
    pub(crate) test: Test,
}

/// The longest text that is read, in bytes.
const MOST_BYTES: usize = 4 << 20;

/// The most words and signs of one rule: its parts may nest, and no stack is without end.
const MOST_SIGNS: usize = 2_000;

#[expect(clippy::expect_used, reason = "the schema is ours; every test of this crate reads it")]
static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).expect("the schema is well formed");
    Validator::new(schema)
});

impl Policy {
    /// Reads the text of a policy. `file` is what errors call it.
    pub fn read(file: &str, text: &str) -> Result<Self, PolicyError> {
        let file = || file.to_owned();
        if text.len() > MOST_BYTES {
            return Err(PolicyError::TooLong { file: file(), bytes: text.len(), most: MOST_BYTES });
        }
        let faults = |faults| PolicyError::Faults { file: file(), faults };
        bounded(text).map_err(|fault| faults(vec![fault]))?;
        let set = PolicySet::from_str(text).map_err(|errors| faults(unparsed(text, &errors)))?;
        let rules = rules(text, &set).map_err(faults)?;
        let wrong = invalid(text, &set, &rules);
        if !wrong.is_empty() {
            return Err(faults(wrong));
        }
        Self::compile(rules).map_err(|fault| faults(vec![fault]))
    }

    /// Its rules, in the order of the text.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether any of its rules asks for this.
    pub fn asks(&self, fact: Fact) -> bool {
        self.asks.contains(&fact)
    }

    pub(crate) fn set(&self, action: Action) -> &RuleSet {
        let [connect, send] = &*self.sets;
        match action {
            Action::Connect => connect,
            Action::Send => send,
        }
    }

    fn compile(rules: Vec<Rule>) -> Result<Self, Fault> {
        let [connect, send] = Action::ALL.map(|action| RuleSet::new(&rules, action));
        let sets = [connect?, send?];
        let conditions = sets.iter().flat_map(|set| set.conditions.iter().flatten());
        let asks: BTreeSet<Fact> = conditions.flat_map(|one| one.facts.iter().copied()).collect();
        Ok(Self { rules: rules.into(), asks: asks.into_iter().collect(), sets: Arc::new(sets) })
    }
}

impl RuleSet {
    fn new(rules: &[Rule], action: Action) -> Result<Self, Fault> {
        let fault = |rule: &Rule, says| Fault { line: rule.line, rule: Some(rule.id.clone()), says };
        let mut conditions = Vec::new();
        let (mut indexed, mut by_hope) = (Vec::new(), Vec::new());
        for rule in rules {
            let Some(scope) = scope(&rule.body, action) else {
                conditions.push(None);
                continue;
            };
            let clauses = rule.body.clauses();
            for Clause::When(part) | Clause::Unless(part) in clauses {
                readable(part).map_err(|says| fault(rule, says))?;
            }
            let closed = closed::condition(scope, clauses, rule.effect, action);
            let expression = |expr: &Expr| {
                Expression::from_str(&expr.to_string())
                    .map_err(|error| fault(rule, format!("its condition cannot be written out: {error}")))
            };
            let bound = |expr: &Expr| expression(expr).map(|whole| Bound { whole, test: Test::new(expr) });
            conditions.push(Some(Condition {
                plain: expression(&closed.plain)?,
                closed: bound(&closed.bound)?,
                hoped: bound(&closed.hoped)?,
                facts: closed.facts,
                written: closed.plain,
            }));
            indexed.push((rule.number, closed.bound));
            by_hope.push((rule.number, closed.hoped));
        }
        let [index, hoped] =
            [indexed, by_hope].map(|all| Index::new(all.iter().map(|(rule, condition)| (*rule, condition))));
        Ok(Self { conditions, index, hoped })
    }
}

/// Refuses a rule of too many words and signs before anything that calls itself for each of them sees it.
fn bounded(text: &str) -> Result<(), Fault> {
    let (mut line, mut signs) = (1, 0);
    let mut chars = text.chars().peekable();
    let mut within_word = false;
    while let Some(c) = chars.next() {
        line += usize::from(c == '\n');
        let word = c.is_alphanumeric() || c == '_';
        signs += usize::from(!(c.is_whitespace() || word && within_word));
        within_word = word;
        match c {
            ';' => signs = 0,
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' => {
                while let Some(c) = chars.next() {
                    line += usize::from(c == '\n');
                    match c {
                        '\\' => line += usize::from(chars.next() == Some('\n')),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        if signs > MOST_SIGNS {
            let says = format!("a rule has more than {MOST_SIGNS} words and signs: make two of it");
            return Err(Fault { line, rule: None, says });
        }
    }
    Ok(())
}

fn unparsed(text: &str, errors: &cedar_policy::ParseErrors) -> Vec<Fault> {
    errors
        .iter()
        .map(|error| Fault { line: line_of(text, error).unwrap_or(1), rule: None, says: said(error) })
        .collect()
}

/// An error in words, with what its library suggests.
fn said(error: &dyn Diagnostic) -> String {
    match error.help() {
        Some(help) => format!("{error} ({help})"),
        None => error.to_string(),
    }
}

/// The line of the first place that an error points to.
fn line_of(text: &str, error: &dyn Diagnostic) -> Option<usize> {
    let at = error.labels()?.next()?.offset();
    Some(line_at(text, at))
}

fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The rules, in the order of the text.
fn rules(text: &str, set: &PolicySet) -> Result<Vec<Rule>, Vec<Fault>> {
    let mut faults = Vec::new();
    let places = beginnings(text);
    let place = |number: usize| places.get(number).copied().unwrap_or(1);
    for template in set.templates() {
        let line = numbered(template.id()).map_or(1, place);
        let says = "it has a slot (?principal or ?resource): write out whom it is about".to_owned();
        faults.push(Fault { line, rule: template.annotation("id").map(str::to_owned), says });
    }
    let mut found: BTreeMap<usize, Rule> = BTreeMap::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut policies: Vec<_> = set.policies().collect();
    policies.sort_by_key(|policy| numbered(policy.id()));
    for policy in policies {
        let number = numbered(policy.id()).unwrap_or_default();
        let line = place(number);
        let Some(id) = policy.annotation("id").filter(|id| !id.trim().is_empty()) else {
            let says = "it has no name: write @id(\"…\") above it".to_owned();
            faults.push(Fault { line, rule: None, says });
            continue;
        };
        if !known.insert(id) {
            let says = "another rule has the same @id".to_owned();
            faults.push(Fault { line, rule: Some(id.to_owned()), says });
            continue;
        }
        let body: Result<StaticPolicy, String> = match policy.to_pst() {
            Ok(cedar_policy::pst::Policy::Static(rule)) => Ok(rule),
            Ok(_) => Err("it is made of a template".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        match body {
            Err(says) => faults.push(Fault { line, rule: Some(id.to_owned()), says }),
            Ok(rule) => {
                let rule = Rule {
                    id: id.to_owned(),
                    explain: policy.annotation("explain").map(str::to_owned),
                    effect: match policy.effect() {
                        cedar_policy::Effect::Permit => Effect::Permit,
                        cedar_policy::Effect::Forbid => Effect::Forbid,
                    },
                    line,
                    number: found.len(),
                    body: Arc::new(rule.body().clone()),
                };
                found.insert(number, rule);
            }
        }
    }
    if faults.is_empty() { Ok(found.into_values().collect()) } else { Err(faults) }
}

/// The place of a policy in its text, by the name that Cedar gives it: `policy0`, …
fn numbered(id: &cedar_policy::PolicyId) -> Option<usize> {
    <_ as AsRef<str>>::as_ref(id).strip_prefix("policy")?.parse().ok()
}

/// The line in which each rule begins, its annotations first.
fn beginnings(text: &str) -> Vec<usize> {
    let (mut lines, mut line, mut open) = (Vec::new(), 1, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            ';' => open = false,
            c if c.is_whitespace() => {}
            c => {
                if !std::mem::replace(&mut open, true) {
                    lines.push(line);
                }
                if c == '"' {
                    while let Some(c) = chars.next() {
                        line += usize::from(c == '\n');
                        match c {
                            '\\' => line += usize::from(chars.next() == Some('\n')),
                            '"' => break,
                            _ => {}
                        }
                    }
                }
            }
        }
    }
    lines
}

/// What the schema does not allow.
fn invalid(text: &str, set: &PolicySet, rules: &[Rule]) -> Vec<Fault> {
    let result = VALIDATOR.validate(set, ValidationMode::Strict);
    let of = |id: &cedar_policy::PolicyId| numbered(id).and_then(|number| rules.get(number));
    let mut faults: Vec<Fault> = result
        .validation_errors()
        .map(|error| {
            let rule = of(error.policy_id());
            let line = line_of(text, error).or_else(|| Some(rule?.line)).unwrap_or(1);
            let told = said(error);
            // The library begins with its own name of the rule.
            let told = told.split_once(": ").filter(|(head, _)| head.starts_with("for policy"));
            let says = told.map_or_else(|| said(error), |(_, rest)| rest.to_owned());
            Fault { line, rule: rule.map(|rule| rule.id.clone()), says }
        })
        .collect();
    faults.sort_by(|a, b| (a.line, &a.rule).cmp(&(b.line, &b.rule)));
    faults.dedup();
    faults
}

/// Refuses what cannot be told from its attributes, and attributes that there are not: to ask whether there is one is
/// plainly false to Cedar, so that a slip of the pen would quietly disarm a rule.
fn readable(expr: &Expr) -> Result<(), String> {
    let mut wrong = None;
    let (mut attributes, mut contexts) = (0_usize, 0_usize);
    closed::visit(expr, &mut |one| match one {
        Expr::GetAttr { expr: of, .. } | Expr::HasAttr { expr: of, .. } => match &**of {
            Expr::Var(owner) => {
                attributes += usize::from(*owner == Var::Context);
                if closed::asked(one).is_none() {
                    let own = Fact::ALL.iter().filter(|fact| fact.owner() == *owner);
                    let names: Vec<&str> = own.map(|fact| fact.attribute().1).collect();
                    wrong =
                        Some(format!("`{one}` asks for no attribute of the schema: {}", names.join(", ")));
                }
            }
            _ => wrong = Some("attributes are read from principal, resource and context alone".to_owned()),
        },
        Expr::Var(Var::Context) => contexts += 1,
        _ => {}
    });
    match wrong {
        Some(says) => Err(says),
        None if contexts > attributes => {
            Err("the context is read attribute by attribute: `context` alone says nothing".to_owned())
        }
        None => Ok(()),
    }
}

/// The part of a condition that the scope is; none where the rule is about the other action.
pub(crate) fn scope(body: &Template, action: Action) -> Option<Expr> {
    let about = |uid: &EntityUID| uid.eid == action.name();
    match &body.action {
        ActionConstraint::Any => {}
        ActionConstraint::Eq(uid) if about(uid) => {}
        ActionConstraint::In(uids) if uids.iter().any(about) => {}
        _ => return None,
    }
    let compare = |op, var, of: &EntityOrSlot| match of {
        EntityOrSlot::Entity(uid) => Expr::BinaryOp {
            op,
            left: Arc::new(Expr::Var(var)),
            right: Arc::new(Expr::Literal(Literal::EntityUID(uid.clone()))),
        },
        EntityOrSlot::Slot(_) => closed::truth(false),
    };
    // Each variable has but one type.
    let principal = match &body.principal {
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => closed::truth(true),
        PrincipalConstraint::Eq(of) => compare(BinaryOp::Eq, Var::Principal, of),
        PrincipalConstraint::In(of) | PrincipalConstraint::IsIn(_, of) => {
            compare(BinaryOp::In, Var::Principal, of)
        }
    };
    let resource = match &body.resource {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => closed::truth(true),
        ResourceConstraint::Eq(of) => compare(BinaryOp::Eq, Var::Resource, of),
        ResourceConstraint::In(of) | ResourceConstraint::IsIn(_, of) => {
            compare(BinaryOp::In, Var::Resource, of)
        }
    };
    Some(closed::and(principal, resource))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::TEMPLATES;

    fn faults(text: &str) -> String {
        Policy::read("own.cedar", text).unwrap_err().to_string()
    }

    #[test]
    fn faults_name_file_line_rule_and_field() {
        let told = faults(
            "@id(\"a\")\npermit (principal, action, resource);\n\n@id(\"b\")\npermit (principal, action, resource)\nwhen { resource has contry && resource.contry == Country::\"US\" };\n",
        );
        assert!(told.starts_with("own.cedar, line 4, rule `b`: ") && told.contains("contry"), "{told}");
        let told = faults(
            "@id(\"a\") permit (principal, action, resource)\nwhen { resource.country == Country::\"US\" };",
        );
        assert!(told.starts_with("own.cedar, line 2, rule `a`: ") && told.contains("country"), "{told}");
        let told = faults(
            "@id(\"a\") permit (principal, action, resource)\nwhen { context has flight && context.flight == Flight::\"airborne\" };",
        );
        assert!(told.contains("line 2, rule `a`") && told.contains("airborne"), "{told}");
        assert!(
            faults("\n@id(\"a\") permit (principal, action, resource) when {")
                .starts_with("own.cedar, line 2: ")
        );
        assert!(faults("// one\npermit (principal, action, resource);").contains("line 2: it has no name"));
        assert!(faults("@id(\"a\") permit (principal, action, resource);\n@id(\"a\") permit (principal, action, resource);")
            .contains("line 2, rule `a`: another rule has the same @id"));
        assert!(faults("@id(\"a\") permit (principal == ?principal, action, resource);").contains("slot"));
        let told = faults("@id(\"a\") permit (principal, action, resource) when { context == context };");
        assert!(told.contains("`context` alone says nothing"), "{told}");
    }

    #[test]
    fn what_nests_without_end_is_refused_before_it_is_read() {
        for part in ["!", "(", "true || ", "if true then true else ", "[", "-", "true && ", "1 + "] {
            let text = format!(
                "@id(\"a\") permit (principal, action, resource) when {{ {}true }};",
                part.repeat(100_000)
            );
            assert!(faults(&text).contains("words and signs"), "{part}");
        }
        // As deep as it may be, on the small stack of a test's thread.
        for part in ["!", "true || ", "if true then true else ", "(", "true && "] {
            let text = format!(
                "@id(\"a\") permit (principal, action, resource) when {{ {}true }};",
                part.repeat(1_900 / part.split_whitespace().count())
            );
            let _ = Policy::read("deep", &text);
        }
        assert!(matches!(
            Policy::read("long", &" ".repeat(MOST_BYTES + 1)),
            Err(PolicyError::TooLong { .. })
        ));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}") {
            let _ = Policy::read("any", &text);
        }

        #[test]
        fn no_damaged_policy_makes_it_panic(
            template in prop::sample::select(TEMPLATES),
            at in any::<prop::sample::Index>(),
            until in any::<prop::sample::Index>(),
            with in "[ -~]{0,6}",
        ) {
            let (a, b) = (at.index(template.text.len()), until.index(template.text.len()));
            let (a, b) = (a.min(b), a.max(b));
            let mut bytes = template.text.as_bytes().to_vec();
            bytes.splice(a..b.min(a + 40), with.bytes());
            let _ = Policy::read("any", &String::from_utf8_lossy(&bytes));
        }
    }
}
