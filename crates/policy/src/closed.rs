//! Missing facts never open: each rule is rewritten, once, so that it says what can be said of what is not known.
//!
//! In Cedar a rule asks `resource has country && resource.country == Country::"CN"`. Where the country is not known, that
//! is plainly false: a rule that forbids would not hold, and `unless` would. So each condition gets two bounds in
//! Kleene's logic of three values: the upper is true where the condition may be true for some value of the facts that
//! are missing, the lower only where it is true for every one. A rule forbids where its upper bound holds, and permits
//! where its lower bound does. It follows that what is refused stays refused when a fact is taken away
//! (a property in `decide`).
//!
//! A part that asks for facts, `resource.country == …`, becomes `if resource has country then … else true` in the upper
//! bound, and `… else false` in the lower; `has` itself is true in both, for every fact has some value.

use std::{collections::BTreeSet, sync::Arc};

use cedar_policy::pst::{BinaryOp, Clause, Expr, Literal, UnaryOp, Var};

use crate::{Action, Effect, Fact};

/// A condition for one action, as it was written and closed.
#[derive(Clone, Debug)]
pub(crate) struct Closed {
    /// As it was written, scope and all.
    pub(crate) plain: Expr,
    /// As it is evaluated.
    pub(crate) bound: Expr,
    /// As `bound`, but with what is not known of the destination counted for it: it may yet be learned.
    pub(crate) hoped: Expr,
    /// The facts that it asks for.
    pub(crate) facts: BTreeSet<Fact>,
}

/// The condition that a rule with these clauses puts on requests of `action`.
pub(crate) fn condition(scope: Expr, clauses: &[Clause], effect: Effect, action: Action) -> Closed {
    let plain = clauses.iter().fold(scope, |all, clause| {
        let (Clause::When(one) | Clause::Unless(one)) = clause;
        let one = known_for(one, action);
        and(all, if matches!(clause, Clause::Unless(_)) { not(one) } else { one })
    });
    let facts = facts(&plain);
    let loose = !only_adds(&plain);
    let bound = match effect {
        Effect::Permit if loose => and(plain.clone(), bounded(&plain, false, none)),
        // What is missing makes it false already.
        Effect::Permit => plain.clone(),
        Effect::Forbid if loose => or(plain.clone(), bounded(&plain, true, none)),
        // The upper bound holds wherever it does.
        Effect::Forbid => bounded(&plain, true, none),
    };
    let hoped = match effect {
        Effect::Permit => and(hoped(&plain, true), bounded(&plain, false, of_destination)),
        Effect::Forbid => or(hoped(&plain, false), bounded(&plain, true, of_destination)),
    };
    Closed { plain, bound, hoped, facts }
}

/// Whether a fact is of the destination: to ask for a name teaches more of these.
fn of_destination(fact: Fact) -> bool {
    fact.attribute().0 == "resource"
}

fn none(_: Fact) -> bool {
    false
}

/// The facts that an expression asks for, also through groups and domains.
pub(crate) fn facts(expr: &Expr) -> BTreeSet<Fact> {
    let mut found = BTreeSet::new();
    visit(expr, &mut |one| {
        found.extend(asked(one));
    });
    found
}

/// The facts whose values an expression reads.
pub(crate) fn read(expr: &Expr) -> BTreeSet<Fact> {
    let mut found = BTreeSet::new();
    visit(expr, &mut |one| {
        if matches!(one, Expr::GetAttr { .. }) {
            found.extend(asked(one));
        }
    });
    found
}

/// The fact that an expression itself asks for, its parts left aside.
pub(crate) fn asked(expr: &Expr) -> Option<Fact> {
    match expr {
        Expr::GetAttr { expr, attr } => match &**expr {
            Expr::Var(owner) => Fact::of(owner, attr),
            _ => None,
        },
        Expr::HasAttr { expr, attrs } => match &**expr {
            Expr::Var(owner) => Fact::of(owner, attrs.first()),
            _ => None,
        },
        Expr::BinaryOp { op: BinaryOp::In | BinaryOp::Eq | BinaryOp::NotEq, left, right } => {
            [(left, right), (right, left)].into_iter().find_map(|(one, other)| match &**one {
                Expr::Var(Var::Resource) => Some(Fact::Host),
                Expr::Var(Var::Principal) if !is_of_device(other) => Some(Fact::App),
                _ => None,
            })
        }
        Expr::Is { expr, in_expr: Some(group), .. } => match &**expr {
            Expr::Var(Var::Resource) => Some(Fact::Host),
            Expr::Var(Var::Principal) if !is_of_device(group) => Some(Fact::App),
            _ => None,
        },
        _ => None,
    }
}

/// Whether it names devices or groups of devices, of which a device's membership is always known.
fn is_of_device(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(Literal::EntityUID(uid)) => matches!(uid.ty.0.id.as_str(), "Device" | "DeviceGroup"),
        Expr::Set(parts) => parts.iter().all(|part| is_of_device(part)),
        _ => false,
    }
}

/// Calls `with` for an expression and every part of it.
pub(crate) fn visit(expr: &Expr, with: &mut dyn FnMut(&Expr)) {
    with(expr);
    match expr {
        Expr::UnaryOp { expr, .. }
        | Expr::GetAttr { expr, .. }
        | Expr::HasAttr { expr, .. }
        | Expr::Like { expr, .. } => visit(expr, with),
        Expr::BinaryOp { left, right, .. } => {
            visit(left, with);
            visit(right, with);
        }
        Expr::Is { expr, in_expr, .. } => {
            visit(expr, with);
            if let Some(one) = in_expr {
                visit(one, with);
            }
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            visit(cond, with);
            visit(then_expr, with);
            visit(else_expr, with);
        }
        Expr::Set(parts) => parts.iter().for_each(|one| visit(one, with)),
        Expr::Record(fields) => fields.values().for_each(|one| visit(one, with)),
        _ => {}
    }
}

/// An expression where what requests of `action` never have is plainly not there.
fn known_for(expr: &Expr, action: Action) -> Expr {
    let again = |one: &Arc<Expr>| known_for(one, action);
    match expr {
        Expr::HasAttr { .. } if asked(expr).is_some_and(|fact| !fact.applies(action)) => truth(false),
        Expr::UnaryOp { op: UnaryOp::Not, expr } => not(again(expr)),
        Expr::BinaryOp { op: BinaryOp::And, left, right } => and(again(left), again(right)),
        Expr::BinaryOp { op: BinaryOp::Or, left, right } => or(again(left), again(right)),
        Expr::IfThenElse { cond, then_expr, else_expr } => match again(cond) {
            Expr::Literal(Literal::Bool(true)) => again(then_expr),
            Expr::Literal(Literal::Bool(false)) => again(else_expr),
            cond => choose(cond, again(then_expr), again(else_expr)),
        },
        other => other.clone(),
    }
}

/// Whether what it asks for only ever makes it true: then a missing fact makes nothing true that was false. An attribute
/// that is read asks nothing by itself: the schema has it asked for with `has` first.
fn only_adds(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryOp { op: BinaryOp::And | BinaryOp::Or, left, right } => {
            only_adds(left) && only_adds(right)
        }
        Expr::HasAttr { .. } | Expr::BinaryOp { op: BinaryOp::In, .. } | Expr::Is { .. } => true,
        other => asked_by_question(other).is_empty(),
    }
}

/// The facts that an expression asks for by `has`, groups or domains.
fn asked_by_question(expr: &Expr) -> BTreeSet<Fact> {
    let mut found = BTreeSet::new();
    visit(expr, &mut |one| {
        if !matches!(one, Expr::GetAttr { .. }) {
            found.extend(asked(one));
        }
    });
    found
}

/// The upper bound of a condition, or the lower. Facts that are `turned` are taken the other way.
fn bounded(expr: &Expr, upper: bool, turned: fn(Fact) -> bool) -> Expr {
    let of = |part: &Expr, upper| bounded(part, upper, turned);
    match expr {
        Expr::UnaryOp { op: UnaryOp::Not, expr } => not(of(expr, !upper)),
        Expr::BinaryOp { op: BinaryOp::And, left, right } => and(of(left, upper), of(right, upper)),
        Expr::BinaryOp { op: BinaryOp::Or, left, right } => or(of(left, upper), of(right, upper)),
        // Its condition is written twice: one within another's is taken as a whole, or it would grow without end.
        Expr::IfThenElse { cond, then_expr, else_expr } if !chooses(cond) => {
            or(and(of(cond, upper), of(then_expr, upper)), and(not(of(cond, !upper)), of(else_expr, upper)))
        }
        Expr::HasAttr { .. } if asked(expr).is_some() => truth(true),
        atom => {
            let (turned, other): (Vec<Fact>, Vec<Fact>) =
                facts(atom).into_iter().partition(|fact| turned(*fact));
            where_known(other, where_known(turned, atom.clone(), !upper), upper)
        }
    }
}

/// A condition as it was written, but for what asks for the destination: it counts as `hope` says where that is not known.
fn hoped(expr: &Expr, hope: bool) -> Expr {
    match expr {
        Expr::UnaryOp { op: UnaryOp::Not, expr } => not(hoped(expr, !hope)),
        Expr::BinaryOp { op: BinaryOp::And, left, right } => and(hoped(left, hope), hoped(right, hope)),
        Expr::BinaryOp { op: BinaryOp::Or, left, right } => or(hoped(left, hope), hoped(right, hope)),
        Expr::IfThenElse { cond, then_expr, else_expr } if !chooses(cond) => or(
            and(hoped(cond, hope), hoped(then_expr, hope)),
            and(not(hoped(cond, !hope)), hoped(else_expr, hope)),
        ),
        Expr::HasAttr { .. } if asked(expr).is_some_and(of_destination) => truth(true),
        atom => where_known(
            facts(atom).into_iter().filter(|fact| of_destination(*fact)).collect(),
            atom.clone(),
            hope,
        ),
    }
}

/// An expression where all of these facts are known, and `else_value` where one is not.
fn where_known(facts: Vec<Fact>, expr: Expr, else_value: bool) -> Expr {
    match facts.into_iter().map(has).reduce(and) {
        None => expr,
        Some(known) => choose(known, expr, truth(else_value)),
    }
}

fn chooses(expr: &Expr) -> bool {
    let mut found = false;
    visit(expr, &mut |one| found |= matches!(one, Expr::IfThenElse { .. }));
    found
}

/// Whether the fact is there.
pub(crate) fn has(fact: Fact) -> Expr {
    let attrs = (fact.attribute().1.into(), Vec::new()).into();
    Expr::HasAttr { expr: Arc::new(Expr::Var(fact.owner())), attrs }
}

pub(crate) fn truth(value: bool) -> Expr {
    Expr::Literal(Literal::Bool(value))
}

fn choose(cond: Expr, then_expr: Expr, else_expr: Expr) -> Expr {
    let [cond, then_expr, else_expr] = [cond, then_expr, else_expr].map(Arc::new);
    Expr::IfThenElse { cond, then_expr, else_expr }
}

pub(crate) fn and(left: Expr, right: Expr) -> Expr {
    match (&left, &right) {
        (Expr::Literal(Literal::Bool(true)), _) => right,
        (Expr::Literal(Literal::Bool(false)), _) | (_, Expr::Literal(Literal::Bool(true))) => left,
        _ => Expr::BinaryOp { op: BinaryOp::And, left: Arc::new(left), right: Arc::new(right) },
    }
}

fn or(left: Expr, right: Expr) -> Expr {
    match (&left, &right) {
        (Expr::Literal(Literal::Bool(false)), _) => right,
        (Expr::Literal(Literal::Bool(true)), _) | (_, Expr::Literal(Literal::Bool(false))) => left,
        _ => Expr::BinaryOp { op: BinaryOp::Or, left: Arc::new(left), right: Arc::new(right) },
    }
}

fn not(expr: Expr) -> Expr {
    match expr {
        Expr::Literal(Literal::Bool(value)) => truth(!value),
        other => Expr::UnaryOp { op: UnaryOp::Not, expr: Arc::new(other) },
    }
}
