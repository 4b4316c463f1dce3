//! What may be typed after `creance case`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(ClapArgs, Debug)]
pub(crate) struct Case {
    #[command(subcommand)]
    pub(crate) action: CaseAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CaseAction {
    /// Makes a key that signs cases, and prints the public key that checks them.
    #[command(after_help = KEYGEN_EXAMPLES)]
    Keygen(CaseKeygen),
    /// Signs a case as it is, with all that was done to it.
    #[command(after_help = SIGN_EXAMPLES)]
    Sign(CaseSign),
    /// Says whether a case is what its ledger says, and who signed it.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(CaseVerify),
    /// Prints what was done to a case, by whom and when.
    #[command(after_help = LOG_EXAMPLES)]
    Log(CaseLog),
    /// Writes a case that may be shown to others: without values, our own addresses and hosts, names of files and sites, positions.
    #[command(after_help = REDACT_EXAMPLES)]
    Redact(CaseRedact),
}

const KEYGEN_EXAMPLES: &str = "\
Examples:
  creance case keygen -o examiner.key
  creance case keygen -o examiner.key > examiner.pub

The key is Ed25519 in PKCS#8 (PEM), for its owner's eyes alone (mode 0600); it is never overwritten. Keep it off the machine
that makes captures. Exit codes: 0 done · 2 the file exists · 3 it cannot be written.";

#[derive(ClapArgs, Debug)]
pub(crate) struct CaseKeygen {
    /// The file for the key.
    #[arg(short, long, value_name = "KEY")]
    pub(crate) output: PathBuf,
}

const SIGN_EXAMPLES: &str = "\
Examples:
  creance case sign case --key examiner.key

What is done to the case afterwards makes the signature stale: sign again. Exit codes: 0 signed · 3 the case or the key is
unreadable, or the case is not what its ledger says.";

#[derive(ClapArgs, Debug)]
pub(crate) struct CaseSign {
    /// The folder of the case.
    #[arg(value_name = "CASE")]
    pub(crate) case: PathBuf,
    /// A private key: Ed25519, PKCS#8 in PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  creance case verify case                            is it what its ledger says
  creance case verify case --public examiner.pub      and is it signed with this key
  creance case verify case --inputs                   and are the inputs what they were
  creance case verify /var/lib/creance-guard          the ledger of a guard, in all its files

A case without a signature holds if its ledger does: that says that nothing was changed by accident, not that nobody wrote it
anew. Exit codes: 0 it holds · 1 it is refused, with the file and the record named · 3 unreadable.";

#[derive(ClapArgs, Debug)]
pub(crate) struct CaseVerify {
    /// The folder of the case.
    #[arg(value_name = "CASE")]
    pub(crate) case: PathBuf,
    /// The public key that it must be signed with: 64 hexadecimal digits, or a file of them.
    #[arg(long, value_name = "KEY")]
    pub(crate) public: Option<String>,
    /// Reads the inputs as well, under the paths that the case has, and compares their hashes.
    #[arg(long)]
    pub(crate) inputs: bool,
}

const LOG_EXAMPLES: &str = "\
Examples:
  creance case log case

A record for each audit, assessment, review, mark and signature, with the hash of every file after it. Nothing is checked: that
does `creance case verify`. Exit codes: 0 done · 3 there is no ledger, or it is broken.";

#[derive(ClapArgs, Debug)]
pub(crate) struct CaseLog {
    /// The folder of the case.
    #[arg(value_name = "CASE")]
    pub(crate) case: PathBuf,
}

const REDACT_EXAMPLES: &str = "\
Examples:
  creance case redact case -o shared
  creance case redact case -o shared --own utility.example --drop person-name --drop app

What was written is read again and searched for everything that was taken out; where anything is left nothing is kept, and
the exit code is 4. Exit codes: 0 done · 2 usage · 3 the case is unreadable or not what its ledger says · 4 something was left.";

#[derive(ClapArgs, Debug)]
pub(crate) struct CaseRedact {
    /// The folder of the case.
    #[arg(value_name = "CASE")]
    pub(crate) case: PathBuf,
    /// The folder to write: new or empty.
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// Leaves out all findings of a data class, or: app, judgements, phases, region. May be given several times.
    #[arg(long, value_name = "WHAT")]
    pub(crate) drop: Vec<String>,
    /// A host that is ours, with those below it. May be given several times.
    #[arg(long, value_name = "HOST")]
    pub(crate) own: Vec<String>,
}
