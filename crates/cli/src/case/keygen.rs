//! `creance case keygen`: a key that signs cases.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
};

use anyhow::{Context, anyhow};
use creance_custody::SigningKey;
use ring::rand::{SecureRandom, SystemRandom};

use crate::{
    args::CaseKeygen,
    exit::{self, Usage},
};

pub(super) fn run(options: &CaseKeygen) -> anyhow::Result<u8> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| anyhow!("the operating system gives no chance"))?;
    let pem = SigningKey::pem(&seed);
    let key = SigningKey::read(&pem)?;
    let path = &options.output;
    let mut open = OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let mut file = match open.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Usage(format!("{} exists: a key is never overwritten", path.display())).into());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot write {}", path.display())),
    };
    file.write_all(pem.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(std::io::stdout(), "{}", key.public().hex())?;
    Ok(exit::DONE)
}
