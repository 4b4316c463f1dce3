//! `creance bench`: scores what tools found in labelled captures (docs/corpus.md has the formats and the rules).

mod found;
mod same;
mod score;
mod table;
mod truth;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Write},
    path::Path,
};

use anyhow::{Context, bail};

use crate::{
    args::{Bench, BenchFormat},
    exit,
    exit::Usage,
};
use found::Found;
use score::Score;
use truth::Truth;

/// A truth and the findings that are held against it, as they were typed.
struct Pair<'a> {
    tool: Option<&'a str>,
    truth: &'a str,
    findings: &'a str,
}

pub(crate) fn run(options: &Bench) -> anyhow::Result<u8> {
    let pairs = options.pairs.iter().map(|pair| parse(pair)).collect::<Result<Vec<_>, _>>()?;
    if pairs.iter().filter(|pair| pair.findings == STDIN).count() > 1 {
        return Err(Usage("only one list of findings can be read from stdin".to_owned()).into());
    }
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for pair in &pairs {
        let truth = Truth::parse(&read(pair.truth)?)
            .with_context(|| format!("cannot read the truth {}", pair.truth))?;
        let found = Found::parse(&read(pair.findings)?)
            .with_context(|| format!("cannot read the findings {}", pair.findings))?;
        let tool = pair.tool.or(found.tool.as_deref()).unwrap_or_else(|| stem(pair.findings));
        scores.entry(tool.to_owned()).or_default().add(&truth, &found.findings);
    }
    let mut board: Vec<(String, Score)> = scores.into_iter().collect();
    // Best first; the map has put equal ones in the order of their names.
    board.sort_by(|(_, a), (_, b)| b.rank().total_cmp(&a.rank()));
    let mut out = std::io::stdout().lock();
    match options.format {
        BenchFormat::Text => write!(out, "{}", table::text(&board, options.list))?,
        BenchFormat::Json => writeln!(out, "{:#}", table::json(&board))?,
    }
    out.flush()?;
    Ok(exit::DONE)
}

/// `[TOOL=]TRUTH=FINDINGS`.
fn parse(pair: &str) -> Result<Pair<'_>, Usage> {
    let parts: Vec<&str> = pair.split('=').collect();
    match *parts {
        _ if parts.iter().any(|part| part.is_empty()) => {}
        [truth, findings] => return Ok(Pair { tool: None, truth, findings }),
        [tool, truth, findings] => return Ok(Pair { tool: Some(tool), truth, findings }),
        _ => {}
    }
    Err(Usage(format!("`{pair}` is no pair: expected TRUTH=FINDINGS or TOOL=TRUTH=FINDINGS")))
}

/// A file whole, or standard input.
fn read(path: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut take = |source: &mut dyn Read| source.take(LARGEST + 1).read_to_end(&mut bytes);
    let taken = if path == STDIN {
        take(&mut std::io::stdin().lock())
    } else {
        File::open(path).and_then(|mut file| take(&mut file))
    };
    taken.with_context(|| format!("cannot read {path}"))?;
    if bytes.len() as u64 > LARGEST {
        bail!("{path} is larger than {LARGEST} bytes");
    }
    Ok(bytes)
}

/// How a tool is called that says nothing of itself: by its file.
fn stem(findings: &str) -> &str {
    Path::new(findings).file_stem().and_then(|name| name.to_str()).unwrap_or(findings)
}

const STDIN: &str = "-";

/// No list of findings that a person could check is longer.
const LARGEST: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_may_name_its_tool() {
        let named = parse("grep=a/truth.json=a/grep.jsonl").unwrap();
        assert_eq!((named.tool, named.truth, named.findings), (Some("grep"), "a/truth.json", "a/grep.jsonl"));
        assert_eq!(parse("t=f").unwrap().tool, None);
        for wrong in ["truth.json", "", "=", "t=", "=f", "a=b=c=d", "=t=f"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_silent_tool_is_called_like_its_file() {
        assert_eq!((stem("x/grep.jsonl"), stem(STDIN)), ("grep", "-"));
    }
}
