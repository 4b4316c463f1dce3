//! A rule in plain words.

use cedar_policy::pst::{BinaryOp, Clause, EntityUID, Expr, Literal, PatternElem, UnaryOp, Var};

use crate::{Action, Effect, Fact, Rule, closed, read};

impl Rule {
    /// What it does, in plain words, made from what it says and not from its `@explain`.
    pub fn in_words(&self) -> String {
        let effect = match self.effect {
            Effect::Permit => "permits",
            Effect::Forbid => "forbids",
        };
        let about = Action::ALL.map(|action| read::scope(&self.body, action));
        let (doing, scope) = match about {
            [Some(scope), Some(_)] => ("to connect, and to send", scope),
            [Some(scope), None] => ("to connect", scope),
            [None, Some(scope)] => ("to send", scope),
            [None, None] => return format!("{effect} nothing"),
        };
        let mut conditions = Vec::new();
        if scope != closed::truth(true) {
            conditions.push(words(&scope));
        }
        for clause in self.body.clauses() {
            conditions.push(match clause {
                Clause::When(one) => words(one),
                Clause::Unless(one) => format!("it is not so that {}", words(one)),
            });
        }
        let always = if conditions.is_empty() { ", always" } else { " where " };
        format!("{effect} {doing}{always}{}", conditions.join(", and "))
    }
}

/// A condition in words.
fn words(expr: &Expr) -> String {
    match expr {
        Expr::BinaryOp { op: BinaryOp::And, .. } => {
            let mut parts = Vec::new();
            flat(expr, BinaryOp::And, &mut parts);
            // Whoever reads a fact has asked for it before.
            let read: Vec<Fact> = parts.iter().flat_map(|part| closed::read(part)).collect();
            let told = parts
                .iter()
                .filter(|part| !closed::asked(part).is_some_and(|fact| is_has(part) && read.contains(&fact)));
            told.map(|part| grouped(part, BinaryOp::Or)).collect::<Vec<_>>().join(" and ")
        }
        Expr::BinaryOp { op: BinaryOp::Or, .. } => {
            let mut parts = Vec::new();
            flat(expr, BinaryOp::Or, &mut parts);
            parts.iter().map(|part| grouped(part, BinaryOp::And)).collect::<Vec<_>>().join(" or ")
        }
        Expr::UnaryOp { op: UnaryOp::Not, expr } => match &**expr {
            Expr::GetAttr { .. } if closed::asked(expr) == Some(Fact::Edge) => {
                "the destination is no edge".to_owned()
            }
            one => format!("it is not so that ({})", words(one)),
        },
        Expr::HasAttr { .. } => match closed::asked(expr) {
            Some(fact) => format!("it is known {}", fact.words()),
            None => code(expr),
        },
        Expr::GetAttr { .. } if closed::asked(expr) == Some(Fact::Edge) => {
            "the destination is an edge".to_owned()
        }
        Expr::BinaryOp { op, left, right } => compared(*op, left, right).unwrap_or_else(|| code(expr)),
        Expr::Like { expr: of, pattern } => match noun(of) {
            Some(noun) => format!("{noun} looks like `{}`", pattern.iter().map(sign).collect::<String>()),
            None => code(expr),
        },
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            format!("(if {}: {}; else: {})", words(cond), words(then_expr), words(else_expr))
        }
        Expr::Literal(Literal::Bool(true)) => "always".to_owned(),
        Expr::Literal(Literal::Bool(false)) => "never".to_owned(),
        other => code(other),
    }
}

fn compared(op: BinaryOp, left: &Expr, right: &Expr) -> Option<String> {
    Some(match op {
        BinaryOp::In => match (left, names(right)?) {
            (Expr::Var(Var::Resource), domains) => format!("the destination is in the domain {domains}"),
            (Expr::Var(Var::Principal), groups) => format!("the device is in the group {groups}"),
            _ => return None,
        },
        BinaryOp::Eq => format!("{} is {}", noun(left)?, names(right)?),
        BinaryOp::NotEq => format!("{} is not {}", noun(left)?, names(right)?),
        BinaryOp::Less => format!("{} is below {}", noun(left)?, names(right)?),
        BinaryOp::LessEq => format!("{} is at most {}", noun(left)?, names(right)?),
        BinaryOp::Greater => format!("{} is above {}", noun(left)?, names(right)?),
        BinaryOp::GreaterEq => format!("{} is at least {}", noun(left)?, names(right)?),
        BinaryOp::Contains => match noun(right) {
            Some(noun) => format!("{noun} is {}", names(left)?),
            None => format!("{} includes {}", noun(left)?, names(right)?),
        },
        BinaryOp::ContainsAny => format!("{} includes any of: {}", noun(left)?, listed(right, ", ")?),
        BinaryOp::ContainsAll => match noun(right) {
            Some(noun) => format!("{noun} is nothing but {}", listed(left, ", ")?),
            None => format!("{} includes all of: {}", noun(left)?, listed(right, ", ")?),
        },
        BinaryOp::IsInRange => format!("{} is in {}", noun(left)?, names(right)?),
        _ => return None,
    })
}

/// What is compared.
fn noun(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Var(Var::Principal) => Some("the device".to_owned()),
        Expr::Var(Var::Action) => Some("the action".to_owned()),
        Expr::Var(Var::Resource) => Some("the destination".to_owned()),
        Expr::UnaryOp { op: UnaryOp::ToTime, expr } => Some(format!("{} of the day", noun(expr)?)),
        _ => closed::asked(expr).map(|fact| fact.noun().to_owned()),
    }
}

/// What it is compared with: one, or any of several.
fn names(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(Literal::Bool(value)) => Some(value.to_string()),
        Expr::Literal(Literal::Long(value)) => Some(value.to_string()),
        Expr::Literal(Literal::String(text)) => Some(format!("`{text}`")),
        Expr::Literal(Literal::EntityUID(EntityUID { eid, .. })) => Some(eid.to_string()),
        Expr::UnaryOp { op: UnaryOp::Ip | UnaryOp::Datetime | UnaryOp::Duration, expr } => names(expr),
        Expr::Set(_) => listed(expr, " or "),
        _ => None,
    }
}

fn listed(expr: &Expr, between: &str) -> Option<String> {
    let Expr::Set(members) = expr else { return names(expr) };
    let members = members.iter().map(|one| names(one)).collect::<Option<Vec<_>>>()?;
    Some(if members.is_empty() { "nothing".to_owned() } else { members.join(between) })
}

/// A part of a chain, in brackets if it is a chain of the other kind.
fn grouped(expr: &Expr, other: BinaryOp) -> String {
    match expr {
        Expr::BinaryOp { op, .. } if *op == other => format!("({})", words(expr)),
        one => words(one),
    }
}

fn flat<'a>(expr: &'a Expr, op: BinaryOp, into: &mut Vec<&'a Expr>) {
    match expr {
        Expr::BinaryOp { op: own, left, right } if *own == op => {
            flat(left, op, into);
            flat(right, op, into);
        }
        one => into.push(one),
    }
}

fn is_has(expr: &Expr) -> bool {
    matches!(expr, Expr::HasAttr { .. })
}

fn sign(part: &PatternElem) -> char {
    match part {
        PatternElem::Char(c) => *c,
        PatternElem::Wildcard => '*',
    }
}

/// What has no words of its own is told as it stands.
fn code(expr: &Expr) -> String {
    format!("`{expr}`")
}
