//! The inputs, hashed once more when the audit is over: what changed meanwhile is damage of the evidence.
//!
//! The content itself is compared: times and lengths can be set back. It is read from memory if it was just read from
//! there, beside the work that folds findings.

use std::path::{Path, PathBuf};

use creance_model::{Damage, Input};

use crate::{crew::Task, inputs::hash_of};

/// Inputs being hashed again.
pub(crate) struct Again(Vec<(Input, Hashing)>);

type Hashed = std::io::Result<(String, u64)>;

enum Hashing {
    Running(Task<Hashed>),
    /// With one thread: when all else is done.
    Later(PathBuf),
}

impl Again {
    /// Begins with all that can be read twice.
    pub(crate) fn begin(inputs: &[Input], threads: usize) -> Self {
        let again = inputs.iter().filter_map(|input| {
            let path = PathBuf::from(&input.path);
            if input.path == "-" || path.exists() && !path.is_file() && !path.is_dir() {
                return None;
            }
            let hashing = match threads {
                1 => Hashing::Later(path),
                _ => Hashing::Running(Task::begin(move || hash_of(&path))),
            };
            Some((input.clone(), hashing))
        });
        Self(again.collect())
    }

    /// Waits for the hashes, and says which are others.
    pub(crate) fn changed(self) -> Vec<Damage> {
        self.0.into_iter().filter_map(|(input, hashing)| changed(&input, hashing)).collect()
    }
}

fn changed(input: &Input, hashing: Hashing) -> Option<Damage> {
    let hashed = match hashing {
        Hashing::Later(path) => hash_of(Path::new(&path)),
        Hashing::Running(task) => {
            task.wait().unwrap_or_else(|| Err(std::io::Error::other("the hashing thread died")))
        }
    };
    let why = match hashed {
        Ok((hash, _)) if hash == input.sha256 => return None,
        Ok((hash, bytes)) => format!(
            "SHA-256 {} of {} bytes when it was read, {hash} of {bytes} bytes at the end of the audit",
            input.sha256, input.bytes
        ),
        Err(error) => format!("it cannot be read again at the end of the audit: {error}"),
    };
    Some(Damage {
        what: "input changed during the audit".to_owned(),
        input: input.path.clone(),
        offset: 0,
        why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_meanwhile_is_told_and_nothing_else() {
        let same = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let (sha256, bytes) = hash_of(&same).unwrap();
        let input = |path: &Path, sha256: &str| Input {
            path: path.display().to_string(),
            sha256: sha256.to_owned(),
            kind: "capture".to_owned(),
            packets: 0,
            bytes,
        };
        let gone = same.with_file_name("gone.pcap");
        let inputs =
            [input(&same, &sha256), input(&same, "00"), input(&gone, "00"), input(Path::new("-"), "")];
        for threads in [1, 2] {
            let damage = Again::begin(&inputs, threads).changed();
            assert_eq!(damage.len(), 2, "{damage:?}");
            assert!(damage[0].why.contains(&sha256), "{damage:?}");
            assert!(damage[1].why.starts_with("it cannot be read again"), "{damage:?}");
        }
    }
}
