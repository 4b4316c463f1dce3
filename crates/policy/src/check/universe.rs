//! The requests that a policy is tried with: for each fact that it asks for, the values that it names, one that it does
//! not, and that the fact is missing.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::pst::{EntityUID, Expr, Literal, PatternElem, UnaryOp};
use creance_model::{DataClass, FlightState, Timestamp, Visibility};

use crate::{Action, Circumstances, Content, Destination, Device, Duty, Fact, Request, closed};

/// One thing that requests differ in, and all that it may be.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) of: Of,
    pub(crate) points: Vec<Point>,
}

/// What requests differ in.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Of {
    Fact(Fact),
    Device,
    DeviceGroups,
}

/// What it may be.
#[derive(Clone, Debug)]
pub(crate) enum Point {
    Missing,
    Word(String),
    Words(Vec<String>),
    Number(i64),
    Truth(bool),
    Time(Timestamp),
    /// An app that is in these groups.
    App(String, Vec<String>),
}

/// What conditions name, by what it is compared with.
#[derive(Clone, Debug, Default)]
struct Named {
    words: BTreeMap<Fact, BTreeSet<String>>,
    numbers: BTreeMap<Fact, BTreeSet<i64>>,
    times: BTreeSet<i64>,
    devices: BTreeSet<String>,
    device_groups: BTreeSet<String>,
    app_groups: BTreeSet<String>,
}

const SECOND: i64 = 1_000_000_000;

/// The axes of conditions, in an order that is always the same.
pub(crate) fn axes<'a>(conditions: impl IntoIterator<Item = &'a Expr>) -> Vec<Axis> {
    let mut named = Named::default();
    let mut facts = BTreeSet::new();
    for condition in conditions {
        facts.extend(closed::facts(condition));
        named.learn(condition);
    }
    let mut axes: Vec<Axis> =
        facts.into_iter().map(|fact| Axis { of: Of::Fact(fact), points: named.points(fact) }).collect();
    let words = |of, names: &BTreeSet<String>| {
        let points = names.iter().map(|name| Point::Words(vec![name.clone()]));
        Axis { of, points: points.chain([Point::Words(Vec::new())]).collect() }
    };
    if !named.device_groups.is_empty() {
        axes.push(words(Of::DeviceGroups, &named.device_groups));
    }
    if !named.devices.is_empty() {
        let points = named.devices.iter().cloned().chain(["another device".to_owned()]).map(Point::Word);
        axes.push(Axis { of: Of::Device, points: points.collect() });
    }
    axes
}

impl Named {
    /// Takes note of the values in each part that compares.
    fn learn(&mut self, expr: &Expr) {
        match expr {
            Expr::UnaryOp { op: UnaryOp::Not, expr } => self.learn(expr),
            Expr::BinaryOp {
                op: cedar_policy::pst::BinaryOp::And | cedar_policy::pst::BinaryOp::Or,
                left,
                right,
            } => {
                self.learn(left);
                self.learn(right);
            }
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                for part in [cond, then_expr, else_expr] {
                    self.learn(part);
                }
            }
            atom => {
                let facts = closed::facts(atom);
                closed::visit(atom, &mut |part| self.value(part, &facts));
            }
        }
    }

    fn value(&mut self, part: &Expr, facts: &BTreeSet<Fact>) {
        let mut word = |text: String| {
            for fact in facts {
                self.words.entry(*fact).or_default().insert(text.clone());
            }
        };
        match part {
            Expr::Literal(Literal::String(text)) => word(text.to_string()),
            Expr::Like { pattern, .. } => word(
                pattern.iter().map(|one| if let PatternElem::Char(c) = one { *c } else { 'x' }).collect(),
            ),
            Expr::Literal(Literal::Long(number)) => {
                for fact in facts {
                    let around = [number.saturating_sub(1), *number, number.saturating_add(1)];
                    self.numbers.entry(*fact).or_default().extend(around);
                }
            }
            Expr::Literal(Literal::EntityUID(EntityUID { ty, eid })) => match ty.0.id.as_str() {
                "Device" => self.devices.extend([eid.to_string()]),
                "DeviceGroup" => self.device_groups.extend([eid.to_string()]),
                "AppGroup" => self.app_groups.extend([eid.to_string()]),
                "Action" => {}
                _ => word(eid.to_string()),
            },
            Expr::UnaryOp { op: op @ (UnaryOp::Datetime | UnaryOp::Duration), expr } => {
                if let Expr::Literal(Literal::String(text)) = &**expr {
                    self.times.extend(match op {
                        UnaryOp::Datetime => moment(text),
                        _ => length(text),
                    });
                }
            }
            _ => {}
        }
    }

    fn points(&self, fact: Fact) -> Vec<Point> {
        let none = BTreeSet::new();
        let words = self.words.get(&fact).unwrap_or(&none);
        let mut points: Vec<Point> = match fact {
            Fact::Flight => [FlightState::Off, FlightState::Ground, FlightState::Flying]
                .map(|state| Point::Word(state.name().to_owned()))
                .to_vec(),
            Fact::Visibility => [Visibility::Clear, Visibility::Decrypted, Visibility::Opaque]
                .map(|how| Point::Word(how.name().to_owned()))
                .to_vec(),
            Fact::Edge => vec![Point::Truth(true), Point::Truth(false)],
            Fact::Port | Fact::Asn => {
                let most = if fact == Fact::Port { 65_535 } else { i64::from(u32::MAX) };
                let numbers = self.numbers.get(&fact).into_iter().flatten().copied();
                let known: BTreeSet<i64> =
                    numbers.chain([443]).filter(|one| (0..=most).contains(one)).collect();
                known.into_iter().map(Point::Number).collect()
            }
            Fact::Time => {
                let base = 1_780_000_000 / 86_400 * 86_400;
                let around = self.times.iter().flat_map(|time| {
                    // A length is one of the day; a moment is long after 1971.
                    let time = if *time < 31_536_000 { base + time } else { *time };
                    [time - 1, time, time + 1]
                });
                let all: BTreeSet<i64> = around.chain([base]).collect();
                all.into_iter()
                    .map(|time| Point::Time(Timestamp::from_nanos(time.saturating_mul(SECOND))))
                    .collect()
            }
            Fact::Region | Fact::Data | Fact::Duties => sets(words, other(fact, words)),
            Fact::App if !self.app_groups.is_empty() => {
                let app = words.iter().next().cloned().unwrap_or_else(|| "an app".to_owned());
                let of = |groups| Point::App(app.clone(), groups);
                let each = self.app_groups.iter().map(|group| of(vec![group.clone()]));
                each.chain([of(Vec::new())]).chain(words.iter().map(|app| Point::Word(app.clone()))).collect()
            }
            Fact::Host => words
                .iter()
                .flat_map(|name| [name.clone(), format!("a.{name}")])
                .chain(other(fact, words))
                .map(Point::Word)
                .collect(),
            _ => words.iter().cloned().chain(other(fact, words)).map(Point::Word).collect(),
        };
        points.push(Point::Missing);
        points
    }
}

/// A value that no rule names.
fn other(fact: Fact, known: &BTreeSet<String>) -> Option<String> {
    let candidates: Vec<&str> = match fact {
        Fact::Country | Fact::Control | Fact::Region => vec!["NZ", "CH", "BR", "KE", "IS", "XZ"],
        Fact::Data => DataClass::ALL.iter().map(|class| class.name()).collect(),
        Fact::Duties => Duty::ALL.iter().map(|duty| duty.name()).collect(),
        Fact::Host => vec!["elsewhere.invalid", "nowhere.test"],
        Fact::Ip | Fact::DeviceIp => vec!["203.0.113.77", "198.51.100.77", "2001:db8::77"],
        Fact::Mac => vec!["02:00:5e:00:53:77", "02:00:5e:00:53:78"],
        Fact::StorageRegion => vec!["none", "another region"],
        _ => vec!["anything else", "something else"],
    };
    candidates.into_iter().find(|one| !known.contains(*one)).map(str::to_owned)
}

/// Sets of values: all that there are, if they are few; else nothing, each alone, all, and all but each.
fn sets(words: &BTreeSet<String>, other: Option<String>) -> Vec<Point> {
    let all: Vec<String> = words.iter().cloned().chain(other).collect();
    if all.len() <= 4 {
        return (0_usize..1 << all.len())
            .map(|bits| {
                let chosen = all.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
                Point::Words(chosen.map(|(_, one)| one.clone()).collect())
            })
            .collect();
    }
    let alone = all.iter().map(|one| vec![one.clone()]);
    let but = all.iter().map(|one| all.iter().filter(|other| *other != one).cloned().collect());
    [Vec::new(), all.clone()].into_iter().chain(alone).chain(but).map(Point::Words).collect()
}

/// Seconds since 1970 of a moment as Cedar writes it: a date, or a date and a time in UTC.
fn moment(text: &str) -> Option<i64> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Some(Timestamp::parse(&whole)?.as_nanos() / SECOND)
}

/// Seconds of a length as Cedar writes it: `1d2h3m4s5ms`.
fn length(text: &str) -> Option<i64> {
    let (mut seconds, mut number) = (0_i64, 0_i64);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if let Some(digit) = c.to_digit(10) {
            number = number.checked_mul(10)?.checked_add(digit.into())?;
            continue;
        }
        let unit = match c {
            'd' => 86_400,
            'h' => 3_600,
            'm' if chars.peek() == Some(&'s') => return Some(seconds),
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(std::mem::take(&mut number).checked_mul(unit)?)?;
    }
    Some(seconds)
}

/// A request in which nothing is known.
pub(crate) fn blank(action: Action) -> Request {
    Request {
        action,
        device: Device { name: "a device".to_owned(), ..Device::default() },
        destination: Destination::default(),
        circumstances: Circumstances::default(),
        content: Content::default(),
    }
}

impl Axis {
    /// Puts a point into a request.
    pub(crate) fn set(&self, point: &Point, request: &mut Request) {
        let (destination, context) = (&mut request.destination, &mut request.circumstances);
        let word = match point {
            Point::Word(word) => Some(word.clone()),
            _ => None,
        };
        let words = match point {
            Point::Words(words) => Some(words.clone()),
            _ => None,
        };
        let number = match point {
            Point::Number(number) => Some(*number),
            _ => None,
        };
        let fact = match self.of {
            Of::Device => return request.device.name = word.unwrap_or_default(),
            Of::DeviceGroups => return request.device.groups = words.unwrap_or_default(),
            Of::Fact(fact) => fact,
        };
        match fact {
            Fact::App => {
                let (app, groups) = match point {
                    Point::App(app, groups) => (Some(app.clone()), groups.clone()),
                    _ => (word, Vec::new()),
                };
                (request.device.app, request.device.app_groups) = (app, groups);
            }
            Fact::DeviceIp => request.device.ip = word.and_then(|ip| first(&ip)),
            Fact::Mac => request.device.mac = word,
            Fact::Host => destination.host = word,
            Fact::Ip => destination.ip = word.and_then(|ip| first(&ip)),
            Fact::Port => destination.port = number.and_then(|port| port.try_into().ok()),
            Fact::Organization => destination.organization = word,
            Fact::Country => destination.country = word,
            Fact::Control => destination.control = word,
            Fact::Asn => destination.asn = number.and_then(|asn| asn.try_into().ok()),
            Fact::StorageRegion => destination.storage_region = word,
            Fact::Edge => {
                destination.edge = if let Point::Truth(edge) = point { Some(*edge) } else { None };
            }
            Fact::Flight => context.flight = word.and_then(|state| FlightState::from_name(&state)),
            Fact::Region => context.region = words,
            Fact::Duties => {
                let of = |name: &String| Duty::ALL.iter().copied().find(|duty| duty.name() == name);
                context.duties = words.map(|names| names.iter().filter_map(of).collect());
            }
            Fact::Time => context.time = if let Point::Time(time) = point { Some(*time) } else { None },
            Fact::Mission => context.mission = word,
            Fact::Operator => context.operator = word,
            Fact::Data => {
                let of = |name: &String| DataClass::from_name(name);
                request.content.data = words.map(|names| names.iter().filter_map(of).collect());
            }
            Fact::Visibility => {
                let all = [Visibility::Clear, Visibility::Decrypted, Visibility::Opaque];
                let of = |name: String| all.into_iter().find(|how| how.name() == name);
                request.content.visibility = word.and_then(of);
            }
        }
    }

    /// What it is, and all that it may be, in words.
    pub(crate) fn told(&self) -> String {
        let name = match self.of {
            Of::Fact(fact) => fact.noun(),
            Of::Device => "the device",
            Of::DeviceGroups => "the groups of the device",
        };
        let points: Vec<String> = self.points.iter().map(Point::told).collect();
        format!("{name}: {}", points.join(", "))
    }
}

impl Point {
    fn told(&self) -> String {
        match self {
            Self::Missing => "not known".to_owned(),
            Self::Word(word) => word.clone(),
            Self::Words(words) if words.is_empty() => "{}".to_owned(),
            Self::Words(words) => format!("{{{}}}", words.join(" ")),
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::Time(time) => time.to_string(),
            Self::App(app, groups) if groups.is_empty() => format!("{app} in no group"),
            Self::App(app, groups) => format!("{app} in {}", groups.join(" ")),
        }
    }
}

/// An address, or the first of a network.
fn first(text: &str) -> Option<std::net::IpAddr> {
    text.split('/').next()?.parse().ok()
}
