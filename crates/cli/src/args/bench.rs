//! What may be typed after `creance bench`.

use clap::{Args as ClapArgs, ValueEnum};

pub(crate) const EXAMPLES: &str = "\
Examples:
  creance bench truth.json=case/findings.json
  creance bench truth.json=case/findings.json grep=truth.json=grep.jsonl     two tools beside each other
  creance bench one/truth.json=one.jsonl two/truth.json=two.jsonl --list     what was missed and what was wrong

A line of findings: {\"tool\": \"grep 3\", \"data_class\": \"email\", \"destination\": {\"ip\": \"203.0.113.7\"},
\"packets\": [12, 13], \"value\": \"…\"}; or a findings.json of creance.";

#[derive(ClapArgs, Debug)]
pub(crate) struct Bench {
    /// Truths and findings: TRUTH=FINDINGS, or TOOL=TRUTH=FINDINGS; FINDINGS may be `-`. Those of one tool add up.
    #[arg(required = true, value_name = "PAIR")]
    pub(crate) pairs: Vec<String>,
    /// What is printed on stdout.
    #[arg(long, value_enum, default_value_t = BenchFormat::Text)]
    pub(crate) format: BenchFormat,
    /// Lists what was missed and what was wrong, after the tables.
    #[arg(long)]
    pub(crate) list: bool,
}

/// A format of scores.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum BenchFormat {
    /// Tables in Markdown.
    Text,
    /// One document, `creance.bench/1`.
    Json,
}
