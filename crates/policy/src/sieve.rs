//! Which conditions are plainly false for a request: what can be looked at without Cedar is, and the rest may be anything.
//!
//! A test has three answers, in Kleene's logic: true, false, and none where a part of it is left to Cedar, or its fact is
//! missing. Only *false* is used: such a rule need not be evaluated. A condition that may fail (integers and dates overflow)
//! is never false here, for a failure is a refusal. That nothing is missed is held by properties in `decide`.

use std::net::IpAddr;

use cedar_policy::pst::{BinaryOp, Expr, Literal, PatternElem, UnaryOp};

use crate::{
    Fact, Request,
    closed::asked,
    index::{self, Needs},
};

/// What can be said of a condition without Cedar.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// Nothing.
    Open,
    /// This, always.
    Always(bool),
    /// Whether a fact is known.
    Knows(Fact),
    /// A word is one of some, or a group or domain is.
    Word(Needs),
    /// A number is from here to there.
    Number(Fact, i64, i64),
    /// An address is in a range.
    Range(Fact, IpAddr, u8),
    /// A word looks like this.
    Like(Fact, Vec<PatternElem>),
    /// How a list stands to another.
    List(Fact, How, Vec<String>),
    /// Whether the destination is an edge.
    Edge,
    Not(Box<Test>),
    All(Box<[Test; 2]>),
    Any(Box<[Test; 2]>),
    /// If, then, else.
    Choice(Box<[Test; 3]>),
}

/// How a list stands to another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum How {
    /// It has all of it.
    HasAll,
    /// It has some of it.
    HasAny,
    /// It has nothing else.
    Within,
}

impl Test {
    /// The test of a condition.
    pub(crate) fn new(condition: &Expr) -> Self {
        if index::may_fail(condition) { Self::Open } else { test(condition) }
    }

    /// Whether the condition may be true.
    pub(crate) fn may_hold(&self, request: &Request) -> bool {
        self.truth(request) != Some(false)
    }

    /// None where it cannot be said.
    pub(crate) fn truth(&self, request: &Request) -> Option<bool> {
        match self {
            Self::Open => None,
            Self::Always(value) => Some(*value),
            Self::Knows(fact) => Some(request.knows(*fact)),
            Self::Word(needs) => needs.holds(request),
            Self::Number(fact, from, to) => request.number(*fact).map(|value| (*from..=*to).contains(&value)),
            Self::Range(fact, network, bits) => is_within(request.address(*fact)?, *network, *bits),
            Self::Like(fact, pattern) => request.word(*fact).map(|word| is_like(word, pattern)),
            Self::List(fact, how, values) => {
                let list = request.list(*fact)?;
                let has = |value: &String| list.iter().any(|one| one == value);
                Some(match how {
                    How::HasAll => values.iter().all(has),
                    How::HasAny => values.iter().any(has),
                    How::Within => list.iter().all(|one| values.iter().any(|value| one == value)),
                })
            }
            Self::Edge => request.destination.edge,
            Self::Not(one) => one.truth(request).map(|value| !value),
            Self::All(both) => join(both, request, false),
            Self::Any(both) => join(both, request, true),
            Self::Choice(parts) => {
                let [condition, then, otherwise] = &**parts;
                match condition.truth(request) {
                    Some(true) => then.truth(request),
                    Some(false) => otherwise.truth(request),
                    None => then.truth(request).filter(|value| otherwise.truth(request) == Some(*value)),
                }
            }
        }
    }
}

/// Two joined: what one of them decides alone, or both together.
fn join(both: &[Test; 2], request: &Request, decisive: bool) -> Option<bool> {
    let [one, other] = both;
    match one.truth(request) {
        Some(value) if value == decisive => Some(decisive),
        Some(_) => other.truth(request),
        None => other.truth(request).filter(|value| *value == decisive),
    }
}

fn test(expr: &Expr) -> Test {
    use BinaryOp as Op;
    let boxed = |one: &Expr| Box::new(test(one));
    match expr {
        Expr::Literal(Literal::Bool(value)) => Test::Always(*value),
        Expr::UnaryOp { op: UnaryOp::Not, expr } => Test::Not(boxed(expr)),
        Expr::BinaryOp { op: Op::And, left, right } => Test::All(Box::new([test(left), test(right)])),
        Expr::BinaryOp { op: Op::Or, left, right } => Test::Any(Box::new([test(left), test(right)])),
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            Test::Choice(Box::new([test(cond), test(then_expr), test(else_expr)]))
        }
        Expr::HasAttr { attrs, .. } if attrs.tail.is_empty() => asked(expr).map_or(Test::Open, Test::Knows),
        Expr::GetAttr { .. } if read(expr) == Some(Fact::Edge) => Test::Edge,
        Expr::Like { expr, pattern } => match read(expr) {
            Some(fact) if fact.is_word() => Test::Like(fact, pattern.clone()),
            _ => Test::Open,
        },
        Expr::BinaryOp { op: Op::NotEq, left, right } => Test::Not(Box::new(compared(Op::Eq, left, right))),
        Expr::BinaryOp { op, left, right } => compared(*op, left, right),
        _ => Test::Open,
    }
}

/// The test of two that are compared.
fn compared(op: BinaryOp, left: &Expr, right: &Expr) -> Test {
    use BinaryOp as Op;
    if let (Op::IsInRange, Some(fact @ (Fact::Ip | Fact::DeviceIp))) = (op, read(left)) {
        return range(right).map_or(Test::Open, |(network, bits)| Test::Range(fact, network, bits));
    }
    if let (Some(fact), Expr::Literal(Literal::Long(number))) = (read(left), right) {
        return number_test(op, fact, *number);
    }
    if let (Expr::Literal(Literal::Long(number)), Some(fact)) = (left, read(right)) {
        let turned = match op {
            Op::Less => Op::Greater,
            Op::LessEq => Op::GreaterEq,
            Op::Greater => Op::Less,
            Op::GreaterEq => Op::LessEq,
            other => other,
        };
        return number_test(turned, fact, *number);
    }
    let list = match (op, read(left), read(right)) {
        (Op::Contains, Some(fact), _) => index::value(right).map(|one| (fact, How::HasAll, vec![one])),
        (Op::ContainsAll, Some(fact), _) => members(right).map(|all| (fact, How::HasAll, all)),
        (Op::ContainsAll, _, Some(fact)) => members(left).map(|all| (fact, How::Within, all)),
        (Op::ContainsAny, Some(fact), _) => members(right).map(|all| (fact, How::HasAny, all)),
        (Op::ContainsAny, _, Some(fact)) => members(left).map(|all| (fact, How::HasAny, all)),
        _ => None,
    };
    if let Some((fact, how, values)) = list {
        return Test::List(fact, how, values);
    }
    index::compared(op, left, right).map_or(Test::Open, Test::Word)
}

/// The fact whose value this is.
fn read(expr: &Expr) -> Option<Fact> {
    if matches!(expr, Expr::GetAttr { .. }) { asked(expr) } else { None }
}

fn members(expr: &Expr) -> Option<Vec<String>> {
    let Expr::Set(members) = expr else { return None };
    members.iter().map(|one| index::value(one)).collect()
}

fn number_test(op: BinaryOp, fact: Fact, number: i64) -> Test {
    let (from, to) = match op {
        BinaryOp::Eq => (Some(number), Some(number)),
        BinaryOp::Less => (Some(i64::MIN), number.checked_sub(1)),
        BinaryOp::LessEq => (Some(i64::MIN), Some(number)),
        BinaryOp::Greater => (number.checked_add(1), Some(i64::MAX)),
        BinaryOp::GreaterEq => (Some(number), Some(i64::MAX)),
        _ => return Test::Open,
    };
    from.zip(to).map_or(Test::Open, |(from, to)| Test::Number(fact, from, to))
}

/// The range that `ip("…")` stands for.
fn range(expr: &Expr) -> Option<(IpAddr, u8)> {
    let Expr::UnaryOp { op: UnaryOp::Ip, expr } = expr else { return None };
    let Expr::Literal(Literal::String(text)) = &**expr else { return None };
    let whole = |network: &IpAddr| if network.is_ipv4() { 32 } else { 128 };
    let (network, bits) = text.split_once('/').map_or((text.as_str(), None), |(one, bits)| (one, Some(bits)));
    let network = network.parse().ok()?;
    let bits = bits.map_or(Some(whole(&network)), |bits| bits.parse().ok())?;
    (bits <= whole(&network)).then_some((network, bits))
}

/// Whether an address is in a network. Cedar does not take one of IPv4 within IPv6, and nothing is said of it.
fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> Option<bool> {
    Some(match (address, network) {
        (IpAddr::V6(one), _) if one.to_ipv4_mapped().is_some() => return None,
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let differ = u32::from(one) ^ u32::from(other);
            differ.checked_shr(u32::from(32 - bits)).unwrap_or(0) == 0
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let differ = u128::from(one) ^ u128::from(other);
            differ.checked_shr(u32::from(128 - bits)).unwrap_or(0) == 0
        }
        _ => false,
    })
}

/// Whether a word matches a pattern: each wildcard takes as little as it can, and more only where the rest does not match.
fn is_like(word: &str, pattern: &[PatternElem]) -> bool {
    let (mut rest, mut at) = (word.chars(), 0);
    let mut again: Option<(std::str::Chars<'_>, usize)> = None;
    loop {
        let here = rest.clone();
        match (pattern.get(at), rest.next()) {
            (Some(PatternElem::Wildcard), _) => {
                rest = here;
                at += 1;
                again = Some((rest.clone(), at));
            }
            (None, None) => return true,
            (Some(PatternElem::Char(one)), Some(other)) if *one == other => at += 1,
            _ => {
                let Some((mut from, behind)) = again.take() else { return false };
                if from.next().is_none() {
                    return false;
                }
                (rest, at) = (from.clone(), behind);
                again = Some((from, behind));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_whole_words() {
        use PatternElem::{Char, Wildcard};
        let pattern = |text: &str| -> Vec<PatternElem> {
            text.chars().map(|one| if one == '*' { Wildcard } else { Char(one) }).collect()
        };
        for (text, word, matches) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*b*c", "abbbc", true),
            ("a*b*c", "abbb", false),
            ("*.example", "a.example", true),
            ("*.example", "a.example.net", false),
            ("*a*a", "aaa", true),
            ("é*", "élan", true),
        ] {
            assert_eq!(is_like(word, &pattern(text)), matches, "{word} like {text}");
        }
    }

    #[test]
    fn networks_hold_what_is_theirs() {
        let is = |address: &str, network: &str, bits| {
            is_within(address.parse().unwrap(), network.parse().unwrap(), bits)
        };
        assert_eq!(is("10.1.2.3", "10.9.9.9", 8), Some(true));
        assert_eq!(is("11.1.2.3", "10.0.0.0", 8), Some(false));
        assert_eq!(is("11.1.2.3", "10.0.0.0", 0), Some(true));
        assert_eq!(is("2001:db8::1", "2001:db8::2", 128), Some(false));
        assert_eq!(is("2001:db8::1", "::", 0), Some(true));
        assert_eq!(is("2001:db8::1", "10.0.0.0", 0), Some(false));
        assert_eq!(is("::ffff:10.0.0.1", "10.0.0.0", 8), None);
    }
}
