//! Who may come in: a token that was made by chance at the first start, sessions, and how often may be knocked.

use std::{
    collections::VecDeque,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    time::{Duration, Instant},
};

use data_encoding::HEXLOWER;
use ring::{hmac, rand::SystemRandom};

/// The file of the token, in the folder of the ledger.
const TOKEN: &str = "page.token";
/// Sessions at once; of more, the oldest ends.
const SESSIONS: usize = 16;
/// How long one lasts.
const LASTS: Duration = Duration::from_hours(12);
/// Wrong tokens in a minute, and requests in a second, of all together.
const WRONG: usize = 5;
const OFTEN: usize = 50;

/// The door.
pub(super) struct Door {
    token: String,
    key: hmac::Key,
    sessions: VecDeque<Session>,
    wrong: VecDeque<Instant>,
    asked: VecDeque<Instant>,
}

/// Somebody who came in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    id: String,
    /// What forms of this session carry, so that no other page can send them.
    pub(super) word: String,
    since: Instant,
}

impl Door {
    /// Opens the file of the token, or makes it, readable by its owner alone.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(TOKEN);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                file.write_all(format!("{}\n", chance()?).as_bytes())?;
                file.sync_all()?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        if fs::metadata(&path)?.mode() & 0o077 != 0 {
            return Err(io::Error::other(format!("{} may be read by others: chmod 600", path.display())));
        }
        let token = fs::read_to_string(&path)?.trim().to_owned();
        if token.len() < 32 {
            return Err(io::Error::other(format!("{} holds no token: remove it", path.display())));
        }
        Self::with(token)
    }

    fn with(token: String) -> io::Result<Self> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| io::Error::other("no chance for a key"))?;
        Ok(Self { token, key, sessions: VecDeque::new(), wrong: VecDeque::new(), asked: VecDeque::new() })
    }

    /// Whether two are the same, in a time that does not say where they differ.
    pub(super) fn same(&self, a: &str, b: &str) -> bool {
        hmac::verify(&self.key, a.as_bytes(), hmac::sign(&self.key, b.as_bytes()).as_ref()).is_ok()
    }

    /// Whether this is the token. Not, if it was asked too often in vain.
    pub(super) fn knows(&mut self, token: &str, now: Instant) -> Result<bool, TooOften> {
        since(&mut self.wrong, now, Duration::from_mins(1));
        if self.wrong.len() >= WRONG {
            return Err(TooOften);
        }
        let known = self.same(token, &self.token);
        if !known {
            self.wrong.push_back(now);
        }
        Ok(known)
    }

    /// Whether one more request may be answered.
    pub(super) fn may_ask(&mut self, now: Instant) -> bool {
        since(&mut self.asked, now, Duration::from_secs(1));
        let may = self.asked.len() < OFTEN;
        if may {
            self.asked.push_back(now);
        }
        may
    }

    /// Begins a session, and gives what its cookie says.
    pub(super) fn begin(&mut self, now: Instant) -> io::Result<String> {
        let session = Session { id: chance()?, word: chance()?, since: now };
        let id = session.id.clone();
        self.sessions.push_back(session);
        if self.sessions.len() > SESSIONS {
            self.sessions.pop_front();
        }
        Ok(id)
    }

    /// The session that a cookie is of.
    pub(super) fn session(&mut self, id: &str, now: Instant) -> Option<Session> {
        self.sessions.retain(|one| now.duration_since(one.since) < LASTS);
        self.sessions.iter().find(|one| self.same(id, &one.id)).cloned()
    }

    /// Ends a session.
    pub(super) fn end(&mut self, session: &Session) {
        self.sessions.retain(|one| one.id != session.id);
    }
}

/// Somebody knocks too often.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct TooOften;

fn since(times: &mut VecDeque<Instant>, now: Instant, within: Duration) {
    while times.front().is_some_and(|at| now.duration_since(*at) >= within) {
        times.pop_front();
    }
}

fn chance() -> io::Result<String> {
    let bytes: [u8; 32] = ring::rand::generate(&SystemRandom::new())
        .map_err(|_| io::Error::other("no chance for a token"))?
        .expose();
    Ok(HEXLOWER.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_token_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Door::new(folder.path()).unwrap().token;
        assert_eq!((first.len(), &first), (64, &Door::new(folder.path()).unwrap().token));
        let path = folder.path().join(TOKEN);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Door::new(folder.path()).is_err());
    }

    #[test]
    fn wrong_tokens_and_requests_are_counted() {
        let mut door = Door::with("right".to_owned()).unwrap();
        let now = Instant::now();
        assert_eq!(door.knows("right", now), Ok(true));
        for _ in 0..WRONG {
            assert_eq!(door.knows("wrong", now), Ok(false));
        }
        assert_eq!(door.knows("right", now), Err(TooOften));
        assert_eq!(door.knows("right", now + Duration::from_mins(1)), Ok(true));
        assert_eq!((0..OFTEN + 9).filter(|_| door.may_ask(now)).count(), OFTEN);
        assert!(door.may_ask(now + Duration::from_secs(1)));
    }

    #[test]
    fn sessions_are_few_end_and_are_told_apart() {
        let mut door = Door::with("right".to_owned()).unwrap();
        let now = Instant::now();
        let all: Vec<String> = (0..=SESSIONS).map(|_| door.begin(now).unwrap()).collect();
        assert!(door.session(&all[0], now).is_none() && door.session("", now).is_none());
        let last = door.session(&all[SESSIONS], now).unwrap();
        assert_ne!(last.word, last.id);
        door.end(&last);
        assert!(door.session(&all[SESSIONS], now).is_none());
        assert!(door.session(&all[1], now + LASTS).is_none());
    }
}
