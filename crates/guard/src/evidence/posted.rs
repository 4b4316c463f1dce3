//! What another program or a switch of this machine says: a file with a word, a line that is 0 or 1.
//!
//! ```toml
//! [[evidence]]
//! name = "flight control"
//! file = "/run/flight/state"      # `flying` or `grounded`, written anew at least every `fresh_s`
//! fresh_s = 5
//!
//! [[evidence]]
//! name = "arming switch"
//! line = "/sys/class/gpio/gpio17/value"
//! flying = 1
//! ```
//!
//! A file that is missing, cannot be read, says another word or is old says nothing: who vouches and says nothing keeps it cut.
//! `flying` counts once however old it is. How old a file is its time tells, and for how long it has been looked at: a clock that is
//! set back makes no file new. A line has no age; what it reads is what it is.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

use nix::fcntl::OFlag;
use serde::Deserialize;

use super::{Out, Source, Word};
use crate::{engine::since_1970, state::Facts};

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(20);
/// How often it is told what has not changed.
const AGAIN: Duration = Duration::from_secs(1);
/// Bytes of the longest word.
const LONGEST: u64 = 64;

/// A file or a line of the configuration.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Posted {
    /// A name for people.
    pub name: String,
    /// A file that another program writes.
    pub file: Option<PathBuf>,
    /// The age, in seconds, at which what the file says counts no more; 5, where nothing is said.
    pub fresh_s: Option<u64>,
    /// A file that reads as 0 or 1.
    pub line: Option<PathBuf>,
    /// What the line reads as while something flies; 1, where nothing is said.
    pub flying: Option<u8>,
}

impl Posted {
    /// What does not make sense, by the key.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let (Some(path), true) = (self.path(), self.file.is_some() != self.line.is_some()) else {
            return Some("either `file` or `line` says where it is");
        };
        if self.name.is_empty() {
            Some("`name` is what people call it")
        } else if !path.is_absolute() {
            Some("`file` and `line` begin with a slash")
        } else if self.file.is_none() && self.fresh_s.is_some() {
            Some("`fresh_s` is the age of a `file`; a line has none")
        } else if self.fresh_s.is_some_and(|seconds| !(1..=60).contains(&seconds)) {
            Some("`fresh_s` is between 1 and 60")
        } else if self.line.is_none() && self.flying.is_some() {
            Some("`flying` is what a `line` reads as")
        } else if self.flying.is_some_and(|level| level > 1) {
            Some("`flying` is 0 or 1")
        } else {
            None
        }
    }

    /// Where it is.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_deref().or(self.line.as_deref())
    }

    pub(crate) fn source(&self) -> Source {
        Source { name: self.name.clone(), kind: if self.file.is_some() { "file" } else { "line" } }
    }

    /// What it says right now, in words; `Err`: why it says nothing.
    pub fn now(&self) -> Result<&'static str, String> {
        match Watched::new(self.clone()).look(since_1970(), Instant::now()).0 {
            Said::Flying => Ok("flying"),
            Said::Grounded => Ok("grounded"),
            Said::Nothing(why) => Err(why),
        }
    }
}

/// What it says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Said {
    Flying,
    Grounded,
    /// Nothing, and why.
    Nothing(String),
}

impl Said {
    pub(crate) fn in_words(&self) -> String {
        match self {
            Self::Flying => "flying".to_owned(),
            Self::Grounded => "grounded".to_owned(),
            Self::Nothing(why) => format!("nothing: {why}"),
        }
    }

    /// For the machine of states: who says that it stands vouches for all of it.
    pub(crate) fn facts(&self) -> Option<Facts> {
        match self {
            Self::Flying => Some(Facts { armed: Some(true), ..Facts::default() }),
            Self::Grounded => Some(Facts {
                armed: Some(false),
                landed: Some(true),
                speed: Some(0.0),
                climb: Some(0.0),
                height: Some(0.0),
            }),
            Self::Nothing(_) => None,
        }
    }
}

/// One that is looked at.
struct Watched {
    posted: Posted,
    /// The time of the file, since 1970, when it was looked at last, and since when it has had that.
    written: Option<(Duration, Instant)>,
    told: Option<(Said, Instant)>,
}

impl Watched {
    fn new(posted: Posted) -> Self {
        Self { posted, written: None, told: None }
    }

    /// What it says, and whether that is new.
    fn look(&mut self, now: Duration, tick: Instant) -> (Said, bool) {
        let said = self.said(now, tick).unwrap_or_else(Said::Nothing);
        let again = |(before, at): &(Said, Instant)| *before != said || tick.duration_since(*at) >= AGAIN;
        let new = self.told.as_ref().is_none_or(again);
        if new {
            self.told = Some((said.clone(), tick));
        }
        (said, new)
    }

    fn said(&mut self, now: Duration, tick: Instant) -> Result<Said, String> {
        let path = self.posted.path().ok_or("no path")?;
        let (text, time) = read(path).map_err(|error| error.to_string())?;
        if self.posted.line.is_some() {
            return match (text.as_str(), self.posted.flying.unwrap_or(1)) {
                ("0", 0) | ("1", 1) => Ok(Said::Flying),
                ("0" | "1", _) => Ok(Said::Grounded),
                _ => Err("it reads neither as 0 nor as 1".to_owned()),
            };
        }
        let first = self.written.is_none_or(|(before, _)| before != time);
        if first {
            self.written = Some((time, tick));
        }
        let fresh = Duration::from_secs(self.posted.fresh_s.unwrap_or(5));
        let looked = self.written.map_or(Duration::ZERO, |(_, since)| tick.duration_since(since));
        // What is of a time to come has no age that anybody knows.
        let is_fresh = looked <= fresh && now.checked_sub(time).is_some_and(|age| age <= fresh);
        match text.as_str() {
            "flying" if is_fresh || first => Ok(Said::Flying),
            "grounded" if is_fresh => Ok(Said::Grounded),
            "flying" | "grounded" => Err(format!("it is old, and says {text}")),
            _ => Err("it says neither flying nor grounded".to_owned()),
        }
    }
}

/// The word in a file, and the time of the file, since 1970. Never waits for a writer, as a pipe would have it.
fn read(path: &Path) -> io::Result<(String, Duration)> {
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    let time = about.modified()?.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    Ok((text.trim().to_owned(), time))
}

/// Looks at each in a thread of its own: a disk that does not answer holds up nobody else, and is silence.
pub(super) fn watch(all: Vec<Posted>, out: &Out) -> io::Result<()> {
    for (at, one) in all.into_iter().enumerate() {
        let (mut one, out) = (Watched::new(one), out.again()?);
        let look = move || {
            loop {
                let seen = since_1970();
                let (said, new) = one.look(seen, Instant::now());
                if new && !out.tell(Word::Posted { at, said, seen }) {
                    return;
                }
                thread::sleep(EVERY);
            }
        };
        thread::Builder::new().name("posted".to_owned()).spawn(look)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use proptest::prelude::*;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn file(path: &Path) -> Watched {
        Watched::new(Posted {
            name: "a".to_owned(),
            file: Some(path.to_owned()),
            fresh_s: None,
            line: None,
            flying: None,
        })
    }

    fn line(path: &Path, flying: Option<u8>) -> Watched {
        Watched::new(Posted {
            name: "a".to_owned(),
            line: Some(path.to_owned()),
            flying,
            file: None,
            fresh_s: None,
        })
    }

    /// Writes a word, as of a time.
    fn write(path: &Path, word: &str, time: Duration) {
        fs::write(path, word).unwrap();
        File::options().write(true).open(path).unwrap().set_modified(UNIX_EPOCH + time).unwrap();
    }

    fn is_nothing(said: &Said) -> bool {
        matches!(said, Said::Nothing(_))
    }

    #[test]
    fn a_file_counts_while_it_is_fresh() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (now, tick) = (since_1970(), Instant::now());
        let mut watched = file(&path);
        assert!(is_nothing(&watched.look(now, tick).0), "there is none");
        write(&path, "grounded\n", now);
        assert_eq!(watched.look(now, tick), (Said::Grounded, true));
        assert_eq!(watched.look(now + S / 2, tick + S / 2), (Said::Grounded, false));
        assert_eq!(watched.look(now + S, tick + S), (Said::Grounded, true), "it is said again");
        assert!(is_nothing(&watched.look(now + 6 * S, tick + 6 * S).0), "it is old");
        // Another clock makes it no younger, and one of a time to come is of no age.
        assert!(is_nothing(&watched.look(now, tick + 7 * S).0));
        write(&path, "grounded", now + 9 * S);
        assert!(is_nothing(&watched.look(now, tick + 8 * S).0));
        for other in ["", "landed", "grounded flying", &"grounded".repeat(20)] {
            write(&path, other, now + 9 * S);
            assert!(is_nothing(&watched.look(now + 9 * S, tick + 9 * S).0), "{other}");
        }
    }

    #[test]
    fn flying_counts_once_however_old_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (now, tick) = (since_1970(), Instant::now());
        write(&path, "flying", S);
        let mut watched = file(&path);
        assert_eq!(watched.look(now, tick), (Said::Flying, true));
        assert!(is_nothing(&watched.look(now, tick).0), "who wrote it is gone");
    }

    #[test]
    fn a_line_has_a_level_that_means_flight() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        let (now, tick) = (since_1970(), Instant::now());
        for (level, flying, said) in [
            ("1\n", None, Said::Flying),
            ("0\n", None, Said::Grounded),
            ("1\n", Some(0), Said::Grounded),
            ("0\n", Some(0), Said::Flying),
        ] {
            write(&path, level, S);
            assert_eq!(line(&path, flying).look(now, tick).0, said);
        }
        write(&path, "2", now);
        assert!(is_nothing(&line(&path, None).look(now, tick).0));
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for path in [pipe.as_path(), folder.path(), Path::new("/dev/zero")] {
            assert!(is_nothing(&file(path).look(since_1970(), Instant::now()).0), "{}", path.display());
        }
    }

    proptest! {
        /// Only the one word, in time, says that it stands.
        #[test]
        fn no_other_content_grounds(bytes in prop::collection::vec(any::<u8>(), 0..80), age in 0..20_u32) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state");
            fs::write(&path, &bytes).unwrap();
            let now = fs::metadata(&path).unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
            let said = file(&path).look(now + age * S, Instant::now()).0;
            let word = std::str::from_utf8(&bytes).is_ok_and(|text| text.trim() == "grounded");
            prop_assert_eq!(said == Said::Grounded, word && age <= 5);
            let said = line(&path, None).look(now, Instant::now()).0;
            prop_assert_eq!(said == Said::Grounded, std::str::from_utf8(&bytes).is_ok_and(|text| text.trim() == "0"));
        }
    }
}
