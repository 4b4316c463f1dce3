//! Which rules can hold for a request at all: most ask for one domain, organisation, group or country, and need not be
//! evaluated for another.
//!
//! Rules are found by a value that their condition cannot be true without. A rule that may fail (arithmetic may overflow)
//! is always evaluated, for a failure is a refusal. That nothing is missed is held by a property in `decide`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cedar_policy::pst::{BinaryOp, Expr, Literal, UnaryOp, Var};

use crate::{Fact, Request, closed};

/// What rules are found by.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum By {
    /// A domain that the destination is in.
    Domain,
    /// A group of devices.
    DeviceGroup,
    /// A group of apps.
    AppGroup,
    /// A word.
    Word(Fact),
}

/// What a condition cannot be true without: one of these values, or the fact missing.
#[derive(Clone, Debug)]
pub(crate) struct Needs {
    by: By,
    values: BTreeSet<String>,
    or_missing: bool,
}

impl Needs {
    /// Whether a request has one of the values; none where its fact is missing.
    pub(crate) fn holds(&self, request: &Request) -> Option<bool> {
        let has = |value: &str| match self.values.len() {
            1 => self.values.first().is_some_and(|one| one == value),
            _ => self.values.contains(value),
        };
        match self.by {
            By::Domain => Some(request.domains().any(has)),
            By::DeviceGroup => Some(request.device.groups.iter().any(|group| has(group))),
            By::AppGroup => Some(request.app_groups().iter().any(|group| has(group))),
            By::Word(fact) => request.word(fact).map(has),
        }
    }
}

/// The rules of one action, by what they need.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    always: Vec<usize>,
    by: BTreeMap<By, Values>,
}

#[derive(Clone, Debug, Default)]
struct Values {
    rules: HashMap<String, Vec<usize>>,
    missing: Vec<usize>,
}

impl Index {
    /// An index of conditions, each with its rule's number.
    pub(crate) fn new<'a>(conditions: impl IntoIterator<Item = (usize, &'a Expr)>) -> Self {
        let mut index = Self::default();
        for (rule, condition) in conditions {
            let needs = if may_fail(condition) { None } else { needs(condition) };
            let Some(needs) = needs else {
                index.always.push(rule);
                continue;
            };
            let values = index.by.entry(needs.by).or_default();
            for value in needs.values {
                values.rules.entry(value).or_default().push(rule);
            }
            if needs.or_missing {
                values.missing.push(rule);
            }
        }
        index
    }

    /// The rules that can hold for a request, and may be others, ascending.
    pub(crate) fn candidates(&self, request: &Request) -> Vec<usize> {
        let mut found = self.always.clone();
        for (by, values) in &self.by {
            let mut take = |value: &str| found.extend(values.rules.get(value).into_iter().flatten());
            let known = match by {
                By::Domain => {
                    request.domains().for_each(&mut take);
                    request.knows(Fact::Host)
                }
                By::DeviceGroup => {
                    request.device.groups.iter().for_each(|group| take(group));
                    true
                }
                By::AppGroup => {
                    request.app_groups().iter().for_each(|group| take(group));
                    request.knows(Fact::App)
                }
                By::Word(fact) => {
                    let word = request.word(*fact);
                    word.into_iter().for_each(&mut take);
                    word.is_some()
                }
            };
            if !known {
                found.extend(&values.missing);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Whether evaluation may fail: integers and dates overflow.
pub(crate) fn may_fail(condition: &Expr) -> bool {
    let mut may = false;
    closed::visit(condition, &mut |one| {
        may |= matches!(
            one,
            Expr::UnaryOp { op: UnaryOp::Neg | UnaryOp::ToDate, .. }
                | Expr::BinaryOp {
                    op: BinaryOp::Add
                        | BinaryOp::Sub
                        | BinaryOp::Mul
                        | BinaryOp::Offset
                        | BinaryOp::DurationSince
                        | BinaryOp::GetTag,
                    ..
                }
        );
    });
    may
}

/// What a condition cannot be true without, where that can be said.
fn needs(condition: &Expr) -> Option<Needs> {
    match condition {
        Expr::BinaryOp { op: BinaryOp::And, left, right } => match (needs(left), needs(right)) {
            (Some(one), Some(other)) => Some(if selects(&one) <= selects(&other) { one } else { other }),
            (one, other) => one.or(other),
        },
        Expr::BinaryOp { op: BinaryOp::Or, left, right } => {
            let (mut one, other) = (needs(left)?, needs(right)?);
            if one.by != other.by {
                return None;
            }
            one.values.extend(other.values);
            one.or_missing |= other.or_missing;
            Some(one)
        }
        Expr::BinaryOp { op, left, right } => compared(*op, left, right),
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            let mut then = needs(then_expr)?;
            match &**else_expr {
                Expr::Literal(Literal::Bool(false)) => Some(then),
                // True where its fact is missing.
                Expr::Literal(Literal::Bool(true)) => {
                    let fact = match then.by {
                        By::Domain => Fact::Host,
                        By::AppGroup => Fact::App,
                        By::Word(fact) => fact,
                        By::DeviceGroup => return None,
                    };
                    then.or_missing = true;
                    (**cond == closed::has(fact)).then_some(then)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// What a comparison is true with, and false without.
pub(crate) fn compared(op: BinaryOp, left: &Expr, right: &Expr) -> Option<Needs> {
    match op {
        BinaryOp::Eq => {
            let by = word(left).zip(value(right)).or_else(|| word(right).zip(value(left)));
            by.map(|(by, value)| Needs { by, values: BTreeSet::from([value]), or_missing: false })
        }
        BinaryOp::Contains => {
            let (Expr::Set(members), Some(by)) = (left, word(right)) else { return None };
            Some(Needs {
                by,
                values: members.iter().map(|one| value(one)).collect::<Option<_>>()?,
                or_missing: false,
            })
        }
        BinaryOp::In => within(left, right),
        _ => None,
    }
}

/// How many requests a need may leave, by experience: fewest first.
fn selects(needs: &Needs) -> usize {
    let by = match needs.by {
        By::Domain => 0,
        By::Word(Fact::Flight | Fact::Visibility) => 40,
        By::Word(Fact::Country | Fact::Control) => 20,
        By::Word(_) => 4,
        By::DeviceGroup | By::AppGroup => 10,
    };
    by + needs.values.len() + if needs.or_missing { 10 } else { 0 }
}

/// The fact that is read, where its value is a word.
fn word(expr: &Expr) -> Option<By> {
    let Expr::GetAttr { expr, attr } = expr else { return None };
    let Expr::Var(owner) = &**expr else { return None };
    let fact = Fact::of(owner, attr)?;
    fact.is_word().then_some(By::Word(fact))
}

/// A literal's text.
pub(crate) fn value(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(Literal::String(text)) => Some(text.to_string()),
        Expr::Literal(Literal::EntityUID(uid)) => Some(uid.eid.to_string()),
        _ => None,
    }
}

/// The need of `principal in …` and `resource in …`.
fn within(left: &Expr, right: &Expr) -> Option<Needs> {
    let of = |one: &Expr| match one {
        Expr::Literal(Literal::EntityUID(uid)) => {
            Some((uid.ty.0.id.as_str().to_owned(), uid.eid.to_string()))
        }
        _ => None,
    };
    let named = match right {
        Expr::Set(members) => members.iter().map(|one| of(one)).collect::<Option<Vec<_>>>()?,
        one => vec![of(one)?],
    };
    let by = match (left, named.first()?.0.as_str()) {
        (Expr::Var(Var::Resource), "Domain") => By::Domain,
        (Expr::Var(Var::Principal), "DeviceGroup") => By::DeviceGroup,
        (Expr::Var(Var::Principal), "AppGroup") => By::AppGroup,
        _ => return None,
    };
    let same = named.iter().all(|(of, _)| Some(of) == named.first().map(|(of, _)| of));
    same.then(|| Needs { by, values: named.into_iter().map(|(_, id)| id).collect(), or_missing: false })
}
