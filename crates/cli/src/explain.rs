//! `creance explain`: what a detector looks for and how it could be wrong; what a finding says and how to see it with
//! other tools; schemas of outputs.

mod finding;
mod replay;

use std::{io::Write, path::Path};

use creance_detect::Card;

use crate::{args::Explain, exit, exit::Usage};

pub(crate) fn run(options: &Explain) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    let what: Vec<&str> = options.what.iter().map(String::as_str).collect();
    match (what.as_slice(), options.case.as_deref()) {
        ([id], Some(case)) => finding::explain(case, id, &mut out)?,
        ([id, case] | [case, id], None) if is_finding(id) => finding::explain(Path::new(case), id, &mut out)?,
        (_, Some(_)) => return Err(Usage("expected a finding of the case, such as F0003".to_owned()).into()),
        ([id], None) if is_finding(id) => {
            return Err(Usage(format!("{id} of which case? `creance explain CASE {id}`")).into());
        }
        ([], None) => {
            for detector in creance_detect::ALL {
                let card = detector.card();
                writeln!(out, "{:<14} {}", card.id, card.what)?;
            }
            writeln!(out, "\na finding: creance explain CASE F0001")?;
            writeln!(out, "schemas: {} (creance explain schema findings)", schemas())?;
        }
        (["schema", name], None) => {
            let Some((_, schema)) = creance_render::schema::ALL.iter().find(|(known, _)| known == name)
            else {
                return Err(Usage(format!("no schema `{name}`, expected one of {}", schemas())).into());
            };
            writeln!(out, "{}", schema.trim_end())?;
        }
        (["schema"], None) => {
            return Err(Usage(format!("which schema? expected one of {}", schemas())).into());
        }
        ([id], None) => {
            let Some(card) = card(id) else {
                let known: Vec<&str> =
                    creance_detect::ALL.iter().map(|detector| detector.card().id).collect();
                return Err(Usage(format!("no detector `{id}`, expected one of {}", known.join(", "))).into());
            };
            writeln!(
                out,
                "{}: {}\n\nWhy it matters: {}\n\nHow it could be wrong: {}",
                card.id, card.what, card.why, card.wrong
            )?;
        }
        _ => {
            return Err(Usage(
                "expected a detector, a case and a finding, or `schema` and a name".to_owned(),
            )
            .into());
        }
    }
    Ok(exit::DONE)
}

/// The names of all schemas.
fn schemas() -> String {
    let names: Vec<&str> = creance_render::schema::ALL.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

/// A detector's card.
fn card(id: &str) -> Option<&'static Card> {
    creance_detect::ALL.iter().map(|detector| detector.card()).find(|card| card.id == id)
}

/// Whether a word is what findings are called: `F0001`.
fn is_finding(word: &str) -> bool {
    let number = word.strip_prefix(['F', 'f']).unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}
