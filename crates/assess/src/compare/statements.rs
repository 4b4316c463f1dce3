//! The comparison in sentences: what is claimed, with its strength; what is not, and why; what could not be read.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Comparison, Destination, Observed, Pair, Verdict,
    rows::{CONFIDENCE, FEW, HIDDEN, VARIES},
};
use crate::{
    exact::{Presence, unseen_rate, unseen_share},
    run::Run,
};

/// Names that one sentence lists.
const MOST_NAMES: usize = 12;
/// Names in the first one.
const FEW_NAMES: usize = 3;

pub(super) fn statements(of: &Comparison, runs: &[&Run], presence: &mut Presence) -> Vec<String> {
    let mut told = vec![remain(of)];
    told.extend(unlike(runs));
    told.extend(
        [(Verdict::Stopped, "stopped"), (Verdict::Appeared, "appeared")]
            .into_iter()
            .filter_map(|(verdict, word)| claimed(of, verdict, word)),
    );
    told.extend(strength(of));
    told.extend(changed(of));
    told.extend(claimed(of, Verdict::Stayed, "stayed, in every run"));
    told.extend(amounts(of));
    told.extend(unclaimed(of, presence));
    told.extend(never(of));
    told.push(coverage(of));
    told
}

/// `local data mode on: 2 of 31 destinations remain, both …; 41 % of bytes opaque.`
fn remain(of: &Comparison) -> String {
    let [before, after] = &of.groups;
    let split = before.cases.len();
    let seen =
        |one: &Destination, skip: usize, take: usize| one.seen.iter().skip(skip).take(take).any(|seen| *seen);
    let (known, new): (Vec<&Destination>, Vec<&Destination>) =
        of.destinations.iter().partition(|one| seen(one, 0, split));
    // Those that get most come first.
    let sent = |one: &Destination| {
        one.bytes.iter().skip(split).fold(0, |sum: u64, bytes| sum.saturating_add(*bytes))
    };
    let by_sent = |mut ones: Vec<&Destination>| -> Vec<String> {
        ones.sort_by_key(|one| std::cmp::Reverse(sent(one)));
        ones.into_iter().map(|one| one.host.clone()).collect()
    };
    let count = known.len();
    let left = by_sent(known.into_iter().filter(|one| seen(one, split, usize::MAX)).collect());
    let named = match left.as_slice() {
        [] => "none was seen".to_owned(),
        [one] => format!("{one} was seen"),
        [one, other] => format!("both {one} and {other}"),
        _ => list_of(&left, FEW_NAMES),
    };
    let new = by_sent(new);
    let new = match new.len() {
        0 => String::new(),
        count => format!(
            "; {} seen only then: {}",
            plural(count, "other destination was", "other destinations were"),
            list_of(&new, FEW_NAMES)
        ),
    };
    format!(
        "{}: {} of {} remain: {named}{new}; {} of bytes opaque.",
        after.name,
        left.len(),
        plural(count, "destination", "destinations"),
        percent(after.opaque, after.bytes),
    )
}

/// Cases that were not made in the same way differ by that as well.
fn unlike(runs: &[&Run]) -> Option<String> {
    let all: BTreeSet<&str> = runs.iter().flat_map(|run| run.made_with.iter().copied()).collect();
    let mut parts: Vec<String> = all
        .into_iter()
        .map(|kind| (kind, runs.iter().filter(|run| run.made_with.contains(kind)).count()))
        .filter(|(_, count)| *count < runs.len())
        .map(|(kind, count)| format!("{kind} were given for {count} of {}", runs.len()))
        .collect();
    if runs.iter().any(|run| runs.first().is_some_and(|first| first.tool != run.tool)) {
        parts.push("not all are of one version of the program".to_owned());
    }
    (!parts.is_empty()).then(|| {
        format!(
            "The cases were not made in the same way, and what differs may be due to that: {}.",
            list(&parts)
        )
    })
}

/// What has a verdict, by host.
fn claimed(of: &Comparison, verdict: Verdict, word: &str) -> Option<String> {
    let pairs: Vec<&Pair> = of.pairs.iter().filter(|pair| pair.row.verdict == Some(verdict)).collect();
    let hosts: Vec<String> = of
        .destinations
        .iter()
        .filter(|one| one.row.verdict == Some(verdict))
        .map(|one| one.host.clone())
        .collect();
    let at = match hosts.len() {
        0 => String::new(),
        count => format!("{} {word}: {}", plural(count, "destination", "destinations"), list(&hosts)),
    };
    let data = match pairs.len() {
        0 => String::new(),
        count => format!(
            "{} to a destination {word}: {}",
            plural(count, "kind of data", "kinds of data"),
            by_host(&pairs)
        ),
    };
    let sentence: Vec<String> = [at, data].into_iter().filter(|part| !part.is_empty()).collect();
    (!sentence.is_empty()).then(|| format!("{}.", sentence.join("; ")))
}

/// `a.test (serial, location), b.test (email)`.
fn by_host(pairs: &[&Pair]) -> String {
    let mut hosts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for pair in pairs {
        hosts.entry(&pair.host).or_default().push(pair.data_class.name());
    }
    list(
        &hosts
            .into_iter()
            .map(|(host, classes)| format!("{host} ({})", classes.join(", ")))
            .collect::<Vec<_>>(),
    )
}

/// How sure the claims are, alone and among all that was compared.
fn strength(of: &Comparison) -> Option<String> {
    let (mut claims, mut standing, mut worst) = ([0_usize; 2], [0_usize; 2], 0.0_f64);
    for (table, rows) in [
        of.destinations.iter().map(|one| &one.row).collect::<Vec<_>>(),
        of.pairs.iter().map(|one| &one.row).collect(),
    ]
    .into_iter()
    .enumerate()
    {
        for row in rows.into_iter().filter(|row| row.claims(of.level)) {
            worst = worst.max(row.p);
            claims.get_mut(table).into_iter().for_each(|count| *count += 1);
            standing.get_mut(table).into_iter().for_each(|count| *count += usize::from(row.stands_corrected));
        }
    }
    let [hosts, pairs] = claims;
    let [hosts_standing, pairs_standing] = standing;
    (hosts + pairs > 0).then(|| {
        format!(
            "Each of these is claimed at a level of {}: an unchanged thing would look so with a probability of at most {}. \
             Among the {} compared that is expected of at most {}, and among the {} of at most {}; corrected for this, {hosts_standing} of {hosts} and {pairs_standing} of {pairs} stand.",
            share(of.level),
            number(worst),
            plural(of.destinations.len(), "destination", "destinations"),
            number(worst * float(of.destinations.len())),
            plural(of.pairs.len(), "kind of data to a destination", "kinds of data to destinations"),
            number(worst * float(of.pairs.len())),
        )
    })
}

/// Hosts that get other data than before, and data whose values changed.
fn changed(of: &Comparison) -> Vec<String> {
    let classes = |classes: &[creance_model::DataClass]| {
        list(&classes.iter().map(|class| class.name().to_owned()).collect::<Vec<_>>())
    };
    let mut told: Vec<String> = of
        .destinations
        .iter()
        .filter(|one| one.row.verdict == Some(Verdict::Changed))
        .take(MOST_NAMES)
        .map(|one| {
            let [[a, n], [b, m]] = one.row.seen_in;
            let parts: Vec<String> =
                [("no longer gets", &one.dropped), ("now gets", &one.added), ("still gets", &one.kept)]
                    .into_iter()
                    .filter(|(_, list)| !list.is_empty())
                    .map(|(words, list)| format!("{words} {}", classes(list)))
                    .collect();
            if parts.is_empty() {
                return format!("{} changed: seen in {a} of {n} runs before, in {b} of {m} after.", one.host);
            }
            format!("{} changed: it {}.", one.host, list(&parts))
        })
        .collect();
    told.extend(of.pairs.iter().filter_map(|pair| {
        let values = pair.values.filter(|_| pair.row.verdict == Some(Verdict::Changed))?;
        Some(format!(
            "The {} that {} gets changed: of its values {} stopped, {} stayed, {} appeared; of {} nothing is claimed.",
            pair.data_class.name(), pair.host, values.stopped, values.stayed, values.appeared, values.open
        ))
    }).take(MOST_NAMES));
    told
}

/// Of what stayed, what there is more or less of.
fn amounts(of: &Comparison) -> Option<String> {
    let bytes = of.destinations.iter().map(|one| (one.host.clone(), "bytes", &one.row));
    let counts =
        of.pairs.iter().map(|one| (format!("{} to {}", one.data_class.name(), one.host), "times", &one.row));
    let claims: Vec<String> = bytes
        .chain(counts)
        .filter_map(|(what, unit, row)| {
            let amount = row.amount?;
            let claim = amount.claim?;
            Some(format!(
                "{what} {claim} ({} {unit} a {} before, {} after, p {})",
                number(amount.before),
                of.per,
                number(amount.after),
                number(amount.p_corrected)
            ))
        })
        .collect();
    if !claims.is_empty() {
        return Some(format!("Of what stayed there is: {}.", list(&claims)));
    }
    // The smallest probability that so many runs can give: two of all ways to deal them.
    let [n, m] = [0, 1].map(|side| of.groups.get(side).map_or(0, |group| group.cases.len()));
    let ways = (1..=m).fold(1.0, |ways, k| ways * float(n + k) / float(k));
    let least = (2.0 / ways).min(1.0);
    (least > of.level && of.destinations.iter().any(|one| one.row.amount.is_some())).then(|| {
        format!(
            "Of what stayed, more or less cannot be told: with {} against {} no probability is below {}.",
            plural(n, "run", "runs"),
            m,
            number(least)
        )
    })
}

/// What is not claimed, and why.
fn unclaimed(of: &Comparison, presence: &mut Presence) -> Vec<String> {
    let mut told = Vec::new();
    for (why, words) in [
        (VARIES, "Nothing is claimed of what comes and goes between runs of one setting"),
        (HIDDEN, "Nothing is claimed of what may have been there where it could not be read"),
    ] {
        let hosts: Vec<String> = of
            .destinations
            .iter()
            .filter(|one| one.row.why == Some(why))
            .map(|one| one.host.clone())
            .collect();
        let pairs: Vec<&Pair> = of.pairs.iter().filter(|pair| pair.row.why == Some(why)).collect();
        let parts: Vec<String> = [(hosts.len(), list(&hosts)), (pairs.len(), by_host(&pairs))]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(_, part)| part)
            .collect();
        if !parts.is_empty() {
            told.push(format!("{words}: {}.", parts.join("; of kinds of data: ")));
        }
    }
    let few = |observed: Observed| {
        let hosts: Vec<String> = of
            .destinations
            .iter()
            .filter(|one| one.row.why == Some(FEW) && one.row.observed == observed)
            .map(|one| one.host.clone())
            .collect();
        let pairs: Vec<&Pair> = of
            .pairs
            .iter()
            .filter(|pair| pair.row.why == Some(FEW) && pair.row.observed == observed)
            .collect();
        (!hosts.is_empty() || !pairs.is_empty()).then(|| {
            let parts: Vec<String> =
                [list(&hosts), by_host(&pairs)].into_iter().filter(|part| !part.is_empty()).collect();
            parts.join("; of kinds of data: ")
        })
    };
    let [before, after] = &of.groups;
    let (gone, new) = (few(Observed::Stopped), few(Observed::Appeared));
    if gone.is_some() || new.is_some() {
        let (n, m) = (before.cases.len(), after.cases.len());
        let most = presence.p([n, n], [0, m]);
        let needed =
            (1..=super::MOST_RUNS / 2).find(|runs| presence.p([*runs, *runs], [0, *runs]) <= of.level);
        let needed =
            needed.map_or_else(String::new, |runs| format!("; {runs} of each are the fewest that tell"));
        told.push(format!(
            "Too few to tell: of {} against {m}, chance alone sets unchanged things apart with a probability of up to {}{needed}.",
            plural(n, "run", "runs"),
            number(most),
        ));
        told.extend(gone.map(|names| {
            format!("Seen with {} and not with {}, which may be chance: {names}.", before.name, after.name)
        }));
        told.extend(new.map(|names| {
            format!("Seen with {} and not with {}, which may be chance: {names}.", after.name, before.name)
        }));
    }
    told
}

/// Nothing seen is not nothing there.
fn never(of: &Comparison) -> Option<String> {
    let [before, after] = &of.groups;
    let all = |side: usize| of.groups.get(side).map_or(0, |group| group.cases.len());
    let absent = |side: usize| {
        of.pairs.iter().map(|pair| &pair.row).chain(of.destinations.iter().map(|one| &one.row)).any(|row| {
            // Where fewer could show it, more may hide: each row says how much.
            row.seen_in.get(side).is_some_and(|[seen, runs]| *seen == 0 && *runs == all(side))
        })
    };
    let bound = |group: &super::Told| {
        let rate = unseen_rate(group.minutes, CONFIDENCE).filter(|_| of.per != "run");
        let rate = rate.map_or_else(String::new, |rate| format!(", and {} times a {}", number(rate), of.per));
        format!(
            "with {} up to {} of such runs may show it{rate}",
            group.name,
            share(unseen_share(group.cases.len(), CONFIDENCE))
        )
    };
    let bounds: Vec<String> = [(1, after), (0, before)]
        .into_iter()
        .filter(|(side, _)| absent(*side))
        .map(|(_, group)| bound(group))
        .collect();
    (!bounds.is_empty()).then(|| {
        format!("Not seen is not never: {} (at 95 %, the rule of three for few runs).", bounds.join("; "))
    })
}

/// What could not be read, what joins findings, and what was left out.
fn coverage(of: &Comparison) -> String {
    let each = of.groups.iter().map(|group| {
        let lost = if group.lost > 0 {
            format!(", {} bytes are missing from the captures", group.lost)
        } else {
            String::new()
        };
        let damaged = if group.damaged > 0 {
            format!(", {} damaged or cut", plural(group.damaged, "case is", "cases are"))
        } else {
            String::new()
        };
        format!(
            "{} of {} bytes with {}{lost}{damaged}",
            percent(group.opaque, group.bytes),
            group.bytes,
            group.name
        )
    });
    let each: Vec<String> = each.collect();
    let joined = if of.joined_by == "digest" {
        "values are joined by their digests"
    } else {
        "the cases were not made with one key, so findings are joined by class and host, and whether values are the same is not known"
    };
    let hints: u64 = of.groups.iter().map(|group| group.hints).fold(0, u64::saturating_add);
    let hints =
        if hints > 0 { format!("; {hints} hints by shape or size are left out") } else { String::new() };
    format!(
        "Opaque: {}; what could not be read may hold anything. Of findings, {joined}{hints}.",
        each.join("; ")
    )
}

/// `a, b and c`, and how many more.
fn list(names: &[String]) -> String {
    list_of(names, MOST_NAMES)
}

fn list_of(names: &[String], most: usize) -> String {
    let more = names.len().saturating_sub(most);
    let mut shown: Vec<String> = names.iter().take(most).cloned().collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    match shown.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What is not nothing is never shown as nothing, and what is not all never as all.
fn percent(part: u64, whole: u64) -> String {
    let rounded =
        (u128::from(part) * 100 + u128::from(whole) / 2).checked_div(u128::from(whole)).unwrap_or(0);
    match rounded {
        0 if part > 0 => "under 1 %".to_owned(),
        100 if part < whole => "over 99 %".to_owned(),
        rounded => format!("{rounded} %"),
    }
}

fn share(of: f64) -> String {
    format!("{} %", number(of * 100.0))
}

/// Two significant digits.
fn number(number: f64) -> String {
    let rounded: f64 = format!("{number:.1e}").parse().unwrap_or(number);
    if rounded != 0.0 && rounded < 1e-4 { format!("{number:.1e}") } else { rounded.to_string() }
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
