//! Who may come in: a token that was made by chance at the first start, sessions, and how often may be knocked.

use std::{
    collections::VecDeque,
    fs::{self, OpenOptions},
    io::{self, Write},
    net::IpAddr,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    time::{Duration, Instant},
};

use data_encoding::HEXLOWER;
use ring::{hmac, rand::SystemRandom};

/// The file of the token.
const TOKEN: &str = "page.token";
/// Sessions at once; of more, the oldest ends.
const SESSIONS: usize = 16;
/// How long one lasts.
const LASTS: Duration = Duration::from_hours(12);
/// Wrong tokens in a minute, and requests in a second without a session, of each address.
const WRONG: usize = 5;
const OFTEN: usize = 50;
/// Most knocks that are remembered, of all addresses; of more, the oldest is forgotten.
const KNOCKS: usize = 1024;

/// The door.
pub(super) struct Door {
    token: String,
    key: hmac::Key,
    sessions: VecDeque<Session>,
    wrong: Knocks,
    asked: Knocks,
}

/// Somebody who came in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    id: String,
    /// What forms of this session carry, so that no other page can send them.
    pub(super) word: String,
    /// What is to be said of what it last asked for.
    said: Option<String>,
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
        let wrong = Knocks::new(WRONG, Duration::from_mins(1));
        let asked = Knocks::new(OFTEN, Duration::from_secs(1));
        Ok(Self { token, key, sessions: VecDeque::new(), wrong, asked })
    }

    /// Whether two are the same, in a time that does not say where they differ.
    pub(super) fn same(&self, a: &str, b: &str) -> bool {
        hmac::verify(&self.key, a.as_bytes(), hmac::sign(&self.key, b.as_bytes()).as_ref()).is_ok()
    }

    /// Whether this is the token. The right one is taken whatever else was tried; of wrong ones, only so many are answered.
    pub(super) fn knows(&mut self, token: &str, from: IpAddr, now: Instant) -> Result<bool, TooOften> {
        if self.same(token, &self.token) {
            return Ok(true);
        }
        if self.wrong.may(from, now) { Ok(false) } else { Err(TooOften) }
    }

    /// Whether one more request of somebody without a session may be answered.
    pub(super) fn may_ask(&mut self, from: IpAddr, now: Instant) -> bool {
        self.asked.may(from, now)
    }

    /// Begins a session, and gives what its cookie says.
    pub(super) fn begin(&mut self, now: Instant) -> io::Result<String> {
        let session = Session { id: chance()?, word: chance()?, said: None, since: now };
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

    /// Keeps what is to be said to a session.
    pub(super) fn say(&mut self, session: &Session, said: String) {
        if let Some(one) = self.sessions.iter_mut().find(|one| one.id == session.id) {
            one.said = Some(said);
        }
    }

    /// What is to be said to a session, once.
    pub(super) fn said(&mut self, session: &Session) -> Option<String> {
        self.sessions.iter_mut().find(|one| one.id == session.id)?.said.take()
    }

    /// Ends a session.
    pub(super) fn end(&mut self, session: &Session) {
        self.sessions.retain(|one| one.id != session.id);
    }
}

/// Somebody knocks too often.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct TooOften;

/// How often each address came of late.
struct Knocks {
    /// How often one may, within how long.
    most: usize,
    within: Duration,
    seen: VecDeque<(Instant, IpAddr)>,
}

impl Knocks {
    fn new(most: usize, within: Duration) -> Self {
        Self { most, within, seen: VecDeque::new() }
    }

    /// Whether an address may once more, which is remembered if so: one that may not takes no place of others.
    fn may(&mut self, from: IpAddr, now: Instant) -> bool {
        while self.seen.front().is_some_and(|(at, _)| now.duration_since(*at) >= self.within) {
            self.seen.pop_front();
        }
        if self.seen.iter().filter(|(_, address)| *address == from).count() >= self.most {
            return false;
        }
        if self.seen.len() >= KNOCKS {
            self.seen.pop_front();
        }
        self.seen.push_back((now, from));
        true
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
    fn wrong_tokens_and_requests_are_counted_for_each_address_and_stand_in_no_others_way() {
        let mut door = Door::with("right".to_owned()).unwrap();
        let now = Instant::now();
        let [one, other] = ["192.0.2.9", "fd77::9"].map(|address| address.parse::<IpAddr>().unwrap());
        for _ in 0..WRONG {
            assert_eq!(door.knows("wrong", one, now), Ok(false));
        }
        assert_eq!(door.knows("wrong", one, now), Err(TooOften));
        assert_eq!(door.knows("wrong", other, now), Ok(false));
        assert_eq!(door.knows("right", one, now), Ok(true));
        assert_eq!(door.knows("wrong", one, now + Duration::from_mins(1)), Ok(false));
        assert_eq!((0..OFTEN + 9).filter(|_| door.may_ask(one, now)).count(), OFTEN);
        assert!(door.may_ask(other, now) && door.may_ask(one, now + Duration::from_secs(1)));
    }

    #[test]
    fn what_is_remembered_of_addresses_is_bounded() {
        let mut knocks = Knocks::new(1, Duration::from_mins(1));
        let now = Instant::now();
        for number in 0..3 * u32::try_from(KNOCKS).unwrap() {
            assert!(knocks.may(IpAddr::V4(number.into()), now));
        }
        assert_eq!(knocks.seen.len(), KNOCKS);
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
