//! `creance-guard check`: a policy in plain words, and what in it can never count.

use std::{fmt::Write, fs};

use anyhow::{Context, bail};
use clap::Args;
use creance_guard::lawful;
use creance_policy::{Fact, Policy, TEMPLATES, Template};

/// What `check` is told.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// A policy: a file, or the name of one that is shipped.
    #[arg(required_unless_present = "list")]
    policy: Option<String>,
    /// Lists the policies that are shipped.
    #[arg(long)]
    list: bool,
    /// Where the aircraft may be, as codes of countries: says what the law there asks for, and whether the policy asks about it.
    #[arg(long, value_name = "CODE", conflicts_with = "list")]
    region: Vec<String>,
    /// Prints the text of the policy, to begin one's own with.
    #[arg(long, conflicts_with = "list")]
    print: bool,
}

/// The exit code where rules can never count.
const FAULTY: u8 = 1;

pub(crate) fn run(options: &Options) -> anyhow::Result<u8> {
    let Some(named) = options.policy.as_deref().filter(|_| !options.list) else {
        for template in TEMPLATES {
            anstream::println!("{:28} {}", template.name, template.about);
        }
        return Ok(0);
    };
    if options.print {
        anstream::print!("{}", text(named)?.1);
        return Ok(0);
    }
    let (name, policy) = policy(named)?;
    let (told, faulty) = told(&name, &policy)?;
    anstream::print!("{told}{}", law(&options.region, &policy));
    Ok(if faulty { FAULTY } else { 0 })
}

/// A policy by the name of a shipped one, or from a file.
pub(crate) fn policy(named: &str) -> anyhow::Result<(String, Policy)> {
    let (name, text) = text(named)?;
    let policy = Policy::read(&name, &text)?;
    Ok((name, policy))
}

fn text(named: &str) -> anyhow::Result<(String, String)> {
    if let Some(template) = Template::named(named) {
        return Ok((template.name.to_owned(), template.text.to_owned()));
    }
    if !named.contains(['/', '.']) && !fs::exists(named).unwrap_or(false) {
        bail!(
            "no policy is called {named}: `creance-guard check --list` names those that are shipped; a file's name has a dot"
        );
    }
    Ok((named.to_owned(), fs::read_to_string(named).with_context(|| format!("cannot read {named}"))?))
}

/// What the law asks for where it must not be cut, and what the policy makes of that.
fn law(region: &[String], policy: &Policy) -> String {
    let mut out = String::new();
    for one in lawful::asked(region) {
        let heeds = if policy.asks(Fact::Duties) {
            "This policy asks about duties: see its rules."
        } else {
            "This policy does not ask about duties: it cuts this report where it cuts everything."
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "law: {}: {} ({}, {}). {heeds}", one.country, one.says, one.source, one.date);
    }
    if out.is_empty() && !region.is_empty() {
        out += "law: nothing is known that forbids to cut an aircraft's report there.\n";
    }
    out
}

fn told(name: &str, policy: &Policy) -> anyhow::Result<(String, bool)> {
    let mut out = String::new();
    writeln!(
        out,
        "{name}: {} rules. What none permits is refused; a rule that forbids wins.\n",
        policy.rules().len()
    )?;
    for rule in policy.rules() {
        writeln!(out, "{} (line {}) {}.", rule.id, rule.line, rule.in_words())?;
        if let Some(explain) = &rule.explain {
            writeln!(out, "    {explain}")?;
        }
    }
    let checked = policy.check();
    writeln!(out, "\nTried with each combination of these:")?;
    for universe in &checked.universes {
        let part = if u128::from(universe.tried) < universe.of { ", IN PART, evenly spread" } else { "" };
        writeln!(out, "  {}: {} of {}{part}", universe.action.name(), universe.tried, universe.of)?;
        for axis in &universe.axes {
            writeln!(out, "    {axis}")?;
        }
    }
    writeln!(out)?;
    for unmet in &checked.unreachable {
        let sure = if unmet.whole { "" } else { " among those that were tried" };
        writeln!(out, "unreachable: {} holds for none of these requests{sure}.", unmet.rule)?;
    }
    for one in &checked.overridden {
        writeln!(out, "conflict: wherever {} permits, {} forbids.", one.rule, one.by.join(", "))?;
    }
    for (rule, why) in &checked.failing {
        writeln!(out, "failing: {rule} cannot be evaluated for some of them, which refuses them: {why}.")?;
    }
    let faulty =
        !(checked.unreachable.is_empty() && checked.overridden.is_empty() && checked.failing.is_empty());
    if !faulty {
        writeln!(out, "Every rule counts for some of them, and none fails.")?;
    }
    for rule in &checked.idle {
        writeln!(out, "note: {rule} forbids nothing that another rule permits: it gives the reason.")?;
    }
    for reach in &checked.reach {
        writeln!(out, "  {}: held for {}, decided {}", reach.rule, reach.held, reach.decided)?;
    }
    Ok((out, faulty))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_law_asks_for_is_told_with_what_the_policy_makes_of_it() {
        let told = |name: &str, region: &[&str]| {
            let region: Vec<String> = region.iter().map(|code| (*code).to_owned()).collect();
            law(&region, &policy(name).unwrap().1)
        };
        assert!(told("local-data-mode", &["CN"]).contains("does not ask about duties"));
        assert!(told("cn-lawful-reporting", &["CN"]).contains("asks about duties: see"));
        assert!(told("local-data-mode", &["HK"]).contains("nothing is known"));
        assert_eq!(told("local-data-mode", &[]), "");
    }
}
