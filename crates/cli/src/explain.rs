//! `creance explain`: what a detector looks for and how it could be wrong; schemas of outputs.

use std::io::Write;

use crate::{args::Explain, exit, exit::Usage};

pub(crate) fn run(options: &Explain) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    match options.what.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            for detector in creance_detect::ALL {
                let card = detector.card();
                writeln!(out, "{:<14} {}", card.id, card.what)?;
            }
            writeln!(out, "\nschemas: findings (creance explain schema findings)")?;
        }
        ["schema", "findings"] => writeln!(out, "{}", creance_render::schema::FINDINGS.trim_end())?,
        ["schema", other] => return Err(Usage(format!("no schema `{other}`, expected findings")).into()),
        ["schema"] => return Err(Usage("which schema? expected findings".to_owned()).into()),
        [id] => {
            let Some(detector) = creance_detect::ALL.iter().find(|detector| detector.card().id == *id) else {
                let known: Vec<&str> =
                    creance_detect::ALL.iter().map(|detector| detector.card().id).collect();
                return Err(Usage(format!("no detector `{id}`, expected one of {}", known.join(", "))).into());
            };
            let card = detector.card();
            writeln!(
                out,
                "{}: {}\n\nWhy it matters: {}\n\nHow it could be wrong: {}",
                card.id, card.what, card.why, card.wrong
            )?;
        }
        _ => return Err(Usage("expected a detector, or `schema` and a name".to_owned()).into()),
    }
    Ok(exit::DONE)
}
