//! `creance compare`: what differs between cases, and how sure one can be of it (`creance.compare/1`).

mod campaign;

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use creance_assess::{Comparison, Group, MOST_RUNS, Plan, Row, Run};
use creance_model::{DataClass, FlightState};
use serde::Serialize;

use crate::{
    args::{Compare, CompareForm, Lines, Talk},
    case::{FINDINGS, LARGEST, bytes, findings},
    exit::{self, Usage},
    rows::Rows,
};

pub(crate) fn run(options: &Compare, talk: Talk) -> anyhow::Result<u8> {
    let groups = match &options.campaign {
        Some(path) => campaign::groups(path, options, talk)?,
        None => two(options)?.into(),
    };
    let count =
        |groups: &[(String, Vec<PathBuf>)]| groups.iter().map(|(_, cases)| cases.len()).sum::<usize>();
    let base = groups.get(..1).unwrap_or_default();
    let most = groups.iter().skip(1).map(|(_, cases)| cases.len()).max().unwrap_or(0);
    if count(base) + most > MOST_RUNS {
        return Err(
            Usage(format!("{} cases, expected at most {MOST_RUNS} of two settings", count(&groups))).into()
        );
    }
    let names = names(&groups);
    let mut names = names.into_iter();
    let read = |(name, cases): &(String, Vec<PathBuf>)| -> anyhow::Result<Group> {
        let runs = cases.iter().zip(names.by_ref()).map(|(path, name)| case(path, &name, options.state));
        Ok(Group { name: name.clone(), runs: runs.collect::<anyhow::Result<_>>()? })
    };
    let groups = groups.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
    different(&groups)?;
    let incomplete = groups.iter().flat_map(|group| &group.runs).any(|run| run.damaged);
    match <[Group; 2]>::try_from(groups) {
        Ok(groups) => {
            let of = creance_assess::compare(&Plan { groups, level: options.level });
            write(
                options.format,
                &of,
                std::slice::from_ref(&of),
                creance_render::comparison::text,
                creance_render::comparison::html,
            )?;
        }
        Err(groups) => {
            let of = creance_assess::campaign(&groups, options.level);
            write(
                options.format,
                &of,
                &of.comparisons,
                creance_render::comparison::text_of_many,
                creance_render::comparison::html_of_many,
            )?;
        }
    }
    Ok(if incomplete { exit::INCOMPLETE } else { exit::DONE })
}

fn write<T: Serialize>(
    format: CompareForm,
    of: &T,
    comparisons: &[Comparison],
    text: fn(&T) -> String,
    html: fn(&T) -> String,
) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match format {
        CompareForm::Text => write!(out, "{}", text(of))?,
        CompareForm::Html => writeln!(out, "{}", html(of))?,
        CompareForm::Json => {
            serde_json::to_writer_pretty(&mut out, of)?;
            writeln!(out)?;
        }
        CompareForm::Csv => {
            drop(out);
            return table(comparisons);
        }
    }
    out.flush()
}

/// The names of both settings, and their cases.
fn two(options: &Compare) -> anyhow::Result<[(String, Vec<PathBuf>); 2]> {
    let [before, after] = match (options.cases.as_slice(), options.others.as_slice()) {
        (cases, [_, ..]) => [cases.to_vec(), options.others.clone()],
        ([before, after], []) => [vec![before.clone()], vec![after.clone()]],
        ([_], []) => return Err(Usage("one case: expected another to compare it with".to_owned()).into()),
        (cases, []) => by_stem(cases)?,
    };
    let named = match options.name.as_slice() {
        [] => [named(&before), named(&after)],
        [before, after] => [before.clone(), after.clone()],
        _ => return Err(Usage("expected --name twice, once for each setting".to_owned()).into()),
    };
    // What would be called the same is called by its place.
    let [one, other] = named;
    let [one, other] = if one == other { ["before".to_owned(), "after".to_owned()] } else { [one, other] };
    Ok([(one, before), (other, after)])
}

/// Runs by what stands before the number at the end of their names: `off-1 off-2 on-1 on-2`.
fn by_stem(cases: &[PathBuf]) -> anyhow::Result<[Vec<PathBuf>; 2]> {
    let mut stems: Vec<(String, Vec<PathBuf>)> = Vec::new();
    for case in cases {
        let stem = stem(&name(case)).to_owned();
        match stems.iter_mut().find(|(known, _)| *known == stem) {
            Some((_, cases)) => cases.push(case.clone()),
            None => stems.push((stem, vec![case.clone()])),
        }
    }
    let stems: [(String, Vec<PathBuf>); 2] = stems.try_into().map_err(|_| {
        Usage(format!("{} cases: say with --with which of them are runs of the other setting", cases.len()))
    })?;
    Ok(stems.map(|(_, cases)| cases))
}

fn stem(name: &str) -> &str {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['-', '_', '.', ' ']);
    if stem.is_empty() { name } else { stem }
}

/// What cases of one setting are called together: what stands before their numbers, or the name of the first.
fn named(cases: &[PathBuf]) -> String {
    let names: Vec<String> = cases.iter().map(|case| name(case)).collect();
    match names.as_slice() {
        [first, _, ..] if names.iter().all(|name| stem(name) == stem(first)) => stem(first).to_owned(),
        [first, ..] => first.clone(),
        [] => String::new(),
    }
}

/// What a case is called: its folder, whether that or the file in it was given.
fn name(path: &Path) -> String {
    let folder =
        if path.file_name().is_some_and(|name| name == FINDINGS) { path.parent() } else { Some(path) };
    let name = folder.and_then(Path::file_name).or(path.file_name());
    name.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Names of all cases, in order: paths, where names are not all different.
fn names(groups: &[(String, Vec<PathBuf>)]) -> Vec<String> {
    let paths: Vec<&PathBuf> = groups.iter().flat_map(|(_, cases)| cases).collect();
    let names: Vec<String> = paths.iter().map(|path| name(path)).collect();
    let unique =
        names.iter().enumerate().all(|(index, name)| !names.iter().take(index).any(|other| other == name));
    if unique { names } else { paths.into_iter().map(|path| path.display().to_string()).collect() }
}

fn case(path: &Path, name: &str, state: Option<FlightState>) -> anyhow::Result<Run> {
    let file = findings(path);
    let bytes = bytes(&file, LARGEST)?;
    Run::read_while(name, &bytes, state).with_context(|| format!("cannot read {}", file.display()))
}

/// One run counted twice would look like two that agree.
fn different(groups: &[Group]) -> anyhow::Result<()> {
    let runs: Vec<&Run> = groups.iter().flat_map(|group| &group.runs).collect();
    // Of two cases one may have been made of the same evidence with other options.
    if runs.len() == 2 {
        return Ok(());
    }
    for (index, run) in runs.iter().enumerate() {
        if let Some(twin) = runs.iter().take(index).find(|other| other.case == run.case) {
            return Err(Usage(format!(
                "{} and {} are cases of the same evidence: one run, not two",
                twin.name, run.name
            ))
            .into());
        }
    }
    Ok(())
}

/// A row of the table: a destination, a pair of destination and class, or a class.
#[derive(Serialize)]
struct Line<'a> {
    what: &'static str,
    host: Option<&'a str>,
    data_class: Option<DataClass>,
    verdict: Option<creance_assess::Verdict>,
    observed: creance_assess::Observed,
    why: Option<&'static str>,
    seen_before: usize,
    runs_before: usize,
    seen_after: usize,
    runs_after: usize,
    p: String,
    p_corrected: String,
    before: Option<String>,
    after: Option<String>,
    unit: String,
    setting: &'a str,
    tlp: &'static str,
}

fn table(comparisons: &[Comparison]) -> io::Result<()> {
    let mut rows = Rows::new(Lines::Csv, &[]);
    comparisons.iter().try_for_each(|of| rows_of(of, &mut rows))?;
    rows.flush()
}

fn rows_of(of: &Comparison, rows: &mut Rows) -> io::Result<()> {
    for one in &of.destinations {
        rows.row(&line(of, "destination", Some(&one.host), None, &one.row, "bytes"))?;
    }
    for one in &of.pairs {
        rows.row(&line(of, "pair", Some(&one.host), Some(one.data_class), &one.row, "times"))?;
    }
    for one in &of.classes {
        rows.row(&line(of, "class", None, Some(one.data_class), &one.row, "times"))?;
    }
    Ok(())
}

fn line<'a>(
    of: &'a Comparison,
    what: &'static str,
    host: Option<&'a str>,
    data_class: Option<DataClass>,
    row: &Row,
    unit: &str,
) -> Line<'a> {
    let [[seen_before, runs_before], [seen_after, runs_after]] = row.seen_in;
    Line {
        what,
        host,
        data_class,
        verdict: row.verdict,
        observed: row.observed,
        why: row.why,
        seen_before,
        runs_before,
        seen_after,
        runs_after,
        p: format!("{:.4}", row.p),
        p_corrected: format!("{:.4}", row.p_corrected),
        before: row.amount.map(|amount| format!("{:.3}", amount.before)),
        after: row.amount.map(|amount| format!("{:.3}", amount.after)),
        unit: format!("{unit} a {}", of.per),
        setting: &of.groups[1].name,
        tlp: of.tlp.label(),
    }
}
