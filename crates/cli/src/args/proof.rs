//! What may be typed after `creance proof`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

pub(crate) const EXAMPLES: &str = "\
Examples:
  creance proof case F0012 -o bundle --evidence flight.pcapng --keys flight.keys
  creance proof case F0012 F0030 -o bundle.zip --evidence flight.pcapng device/ --keys flight.keys --reveal
  python3 docs/proof/check.py bundle.zip --value 'what was sent'

The bundle holds the packets that show the findings, the secrets that open them and no others, and the steps from there to
the value; docs/proof/SPEC.md says how, and which findings no bundle can hold. Whoever has it can read those packets: a bundle
hides a value from those alone who are shown only its bundle.json. The last line printed is the bundle's own SHA-256.
Exit codes: 0 done · 2 usage, or a file that is no input of the case · 3 unreadable, or a finding that cannot be proved.";

#[derive(ClapArgs, Debug)]
pub(crate) struct Proof {
    /// The case: its folder, or its findings.json.
    #[arg(value_name = "CASE")]
    pub(crate) case: PathBuf,
    /// The findings.
    #[arg(required = true, value_name = "FINDING")]
    pub(crate) findings: Vec<String>,
    /// The bundle: a folder, new or empty, or a file that ends in .zip and does not exist.
    #[arg(short, long, value_name = "BUNDLE")]
    pub(crate) output: PathBuf,
    /// The captures of the case, all of them, and for files that were sent the folder of the device.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub(crate) evidence: Vec<PathBuf>,
    /// A TLS key log (SSLKEYLOGFILE). May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
    /// Writes the values in full into bundle.json.
    #[arg(long)]
    pub(crate) reveal: bool,
}
