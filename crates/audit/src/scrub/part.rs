//! What is being written: a part beside the file that it is to become, which gets its name when it is whole, or is gone.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Component as Part, Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// Parts of runs that were ended halfway which may stand in the way of a new one.
const MOST_PARTS: u32 = 100_000;

/// How names of parts begin.
const PART: &str = ".creance-part-";

/// Takes parts away that runs left behind which were ended halfway: nobody holds their locks any more. What cannot be taken away stays,
/// and stands in nobody's way.
pub(super) fn sweep(output: &Path, below: &Path) {
    // Nothing is taken away through a link either, wherever on the way: what it leads to is a folder of somebody else.
    let mut folder = output.to_owned();
    let is_folder = |folder: &Path| fs::symlink_metadata(folder).is_ok_and(|about| about.is_dir());
    for part in below.components() {
        if !is_folder(&folder) || !matches!(part, Part::Normal(_)) {
            return;
        }
        folder.push(part);
    }
    if !is_folder(&folder) {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_part = is_part_name(&entry.file_name().to_string_lossy())
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_part && File::open(entry.path()).is_ok_and(|part| part.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a file has the name of a part, which is that of no other.
fn is_part_name(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = name.strip_prefix(PART).and_then(|rest| rest.split_once('-'));
    numbers.is_some_and(|(process, count)| number(process) && number(count))
}

/// A file that is gone again unless it is published.
pub(super) struct Temporary {
    pub(super) path: PathBuf,
    /// Holds a lock for as long as somebody works on it, where the file system has such.
    _locked: File,
}

impl Temporary {
    /// A new file beside the one that it is to become. Its name is none of a part that a run left behind which was ended
    /// halfway, and is short, whatever that of the file is.
    pub(super) fn new(to: &Path) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mut tried = 0;
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = to.with_file_name(format!("{PART}{}-{number}", process::id()));
            match File::create_new(&path) {
                Ok(file) => {
                    let _ = file.lock();
                    // Another run may have taken it for one that was left behind, before the lock was there.
                    let is_same =
                        |there: fs::Metadata| Ok::<_, io::Error>(there.ino() == file.metadata()?.ino());
                    if fs::symlink_metadata(&path).and_then(is_same).unwrap_or(false) {
                        return Ok(Self { path, _locked: file });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tried < MOST_PARTS => {
                    tried += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives it its name, unless something has it already. It has the name with all of its content or has it not, whenever the run is
    /// ended, except where [`Self::claim`] is needed.
    pub(super) fn publish(&self, to: &Path) -> io::Result<()> {
        let is_free = || fs::symlink_metadata(to).is_err();
        let mut end = fs::hard_link(&self.path, to);
        for other in [Self::rename, Self::claim] {
            match end {
                // File systems of cards have no second names, and some do not rename without overwriting.
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists && is_free() => {
                    end = other(self, to);
                }
                _ => break,
            }
        }
        end
    }

    /// The same where a file has one name: the kernel renames it, and overwrites nothing.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn rename(&self, to: &Path) -> io::Result<()> {
        use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
        Ok(renameat2(AT_FDCWD, &self.path, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE)?)
    }

    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    fn rename(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The same where it does not (file systems of others, old kernels): an empty file takes the name, which no other can have then, and
    /// this one takes its place. Who looks in between sees an empty file, and a run that is ended there leaves it behind.
    fn claim(&self, to: &Path) -> io::Result<()> {
        let claimed = File::create_new(to)?.metadata()?;
        let there = fs::symlink_metadata(to)?;
        if there.ino() != claimed.ino() || there.len() > 0 {
            let why = format!("{} was written by another meanwhile", to.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
        }
        // What stood there was made here.
        fs::rename(&self.path, to).inspect_err(|_| drop(fs::remove_file(to)))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_away_through_a_link_or_of_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let (to, others) = (folder.path().join("clean"), folder.path().join("others"));
        fs::create_dir_all(others.join("100MEDIA")).unwrap();
        fs::create_dir_all(&to).unwrap();
        std::os::unix::fs::symlink(&others, to.join("DCIM")).unwrap();
        let kept = [others.join("100MEDIA/.creance-part-1-1"), to.join(".creance-part-of-my-diary")];
        for file in &kept {
            fs::write(file, "theirs").unwrap();
        }
        sweep(&to, Path::new("DCIM/100MEDIA"));
        sweep(&to, Path::new(""));
        assert!(kept.iter().all(|file| file.is_file()));
    }

    #[test]
    fn where_a_file_has_one_name_it_is_whole_or_not_there_and_overwrites_nothing() {
        for rename in [Temporary::rename, Temporary::claim] {
            let folder = tempfile::tempdir().unwrap();
            let to = folder.path().join("a.csv");
            let part = |content: &str| {
                let part = Temporary::new(&to).unwrap();
                fs::write(&part.path, content).unwrap();
                part
            };
            rename(&part("clean"), &to).unwrap();
            assert_eq!(fs::read(&to).unwrap(), b"clean");
            for over in [rename(&part("other"), &to), part("other").publish(&to)] {
                assert_eq!(over.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            }
            let link = folder.path().join("link.csv");
            std::os::unix::fs::symlink(folder.path().join("nowhere"), &link).unwrap();
            assert!(rename(&part("other"), &link).is_err() && part("other").publish(&link).is_err());
            // If its place cannot be taken, nothing is left there.
            let gone = part("other");
            fs::remove_file(&gone.path).unwrap();
            assert!(rename(&gone, &folder.path().join("b.csv")).is_err());
            drop(gone);
            let mut names: Vec<_> =
                fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            assert_eq!(
                (names, fs::read(&to).unwrap()),
                (vec!["a.csv".into(), "link.csv".into()], b"clean".to_vec())
            );
        }
    }
}
