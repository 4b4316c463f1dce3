//! Exit codes, the highest that applies (DESIGN §4), and how errors are told.

use std::io;

use anstyle::{AnsiColor, Style};
use creance_render::shown;

/// Done, nothing at or over `--fail-on`.
pub(crate) const DONE: u8 = 0;
/// Findings at or over `--fail-on`.
pub(crate) const FINDINGS: u8 = 1;
/// The command line is wrong.
pub(crate) const USAGE: u8 = 2;
/// An input cannot be read.
pub(crate) const UNREADABLE: u8 = 3;
/// Done but incomplete: damaged or cut input, a limit reached.
pub(crate) const INCOMPLETE: u8 = 4;

/// A bug of creance.
const BUG: i32 = 70;

/// Makes a panic end the program with its own code and a request to report it. No value of the evidence is printed:
/// only the place in the source, and the path of the file that was read where there are several.
pub(crate) fn tell_bugs() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, ToString::to_string);
        let file = creance_audit::reading();
        let file = file.map(|path| format!(", in reading {}", shown(&path.display().to_string())));
        anstream::eprintln!(
            "creance has a bug at {place}{}: please report it (SECURITY.md says how){}",
            file.as_deref().unwrap_or_default(),
            if file.is_some() { "; leave that file out to read the others" } else { "; nothing was written" }
        );
        std::process::exit(BUG);
    }));
}

/// A mistake of the command line that its grammar cannot see.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The code of an error: everything that is not a usage mistake is an input or output that failed.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    if error.is::<Usage>() { USAGE } else { UNREADABLE }
}

/// Whether whoever read our output went away, which is their right.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Tells an error on stderr, each cause once.
pub(crate) fn tell(error: &anyhow::Error) {
    let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    let mut told = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    anstream::eprintln!("{red}error:{red:#} {told}");
}
