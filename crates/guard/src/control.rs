//! The control socket: orders of operators and questions, a line of JSON each way. Who may open it, may operate.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::{
        fs::{DirBuilderExt, PermissionsExt, chown},
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::socket::{getsockopt, sockopt::PeerCredentials},
    unistd::Group,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::crowd::Crowd;

/// The socket in its folder.
pub(crate) const SOCKET: &str = "control";
/// Bytes of the longest order.
const LONGEST: usize = 4096;
/// Orders that wait, and those that are answered before the engine looks for evidence again: whoever floods it holds up no cut.
/// Others wait at the socket.
const WAIT: usize = 16;
const AT_ONCE: usize = 4;
/// Connections at one time of all users but root, whose are apart, and of one user: whoever fills them holds up no word of root.
const MOST: usize = 64;
const OF_ONE: usize = 32;
/// How long either side waits for the other: the guard for a whole order.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is asked for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "order", rename_all = "lowercase", deny_unknown_fields)]
pub enum Order {
    /// How it stands.
    Status,
    /// Something flies.
    Fly {
        /// Why this is said.
        reason: String,
    },
    /// What was said to fly has landed.
    Land {
        /// Why this is said.
        reason: String,
    },
    /// Nothing flies, and an operator vouches for that: asks for a code.
    Release {
        /// Why this is said.
        reason: String,
    },
    /// An operator answers for a cut that the law where the aircraft is does not permit.
    Override {
        /// Why.
        reason: String,
    },
    /// The code again.
    Confirm {
        /// As it was given.
        code: String,
    },
}

/// What is answered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Answer {
    /// Whether the order was taken.
    pub taken: bool,
    /// A line for people.
    pub says: String,
    /// What is to be repeated to confirm, if something was asked for that needs it.
    #[serde(default)]
    pub code: Option<String>,
    /// How it stands.
    pub status: Value,
}

/// An order with its sender, and where the answer goes.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) order: Order,
    /// The user that sent it, by number.
    pub(crate) uid: u32,
    stream: UnixStream,
}

impl Asked {
    /// Whoever does not wait for an answer gets none.
    pub(crate) fn answer(mut self, answer: &Answer) {
        let line = serde_json::to_string(answer).unwrap_or_default() + "\n";
        let _ = self.stream.write_all(line.as_bytes());
    }
}

/// Orders that came and were not answered yet.
pub(crate) struct Orders {
    asked: Receiver<Asked>,
    wake: UnixStream,
}

impl Orders {
    /// Those that are to be answered now. If there may be more, the engine is woken for them.
    pub(crate) fn next(&self) -> Vec<Asked> {
        let some: Vec<Asked> = self.asked.try_iter().take(AT_ONCE).collect();
        if some.len() == AT_ONCE {
            rouse(&self.wake);
        }
        some
    }
}

/// Listens in threads of their own, one for each connection, so that nobody who is slow to write holds up a cut or an order of
/// another. Each order is followed by a byte to `wake`.
/// A group of `operators` may ask as well.
pub(crate) fn listen(folder: &Path, operators: Option<&str>, wake: UnixStream) -> io::Result<Orders> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(SOCKET);
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    if let Some(name) = operators {
        let group = Group::from_name(name)?;
        let group = group.ok_or_else(|| io::Error::other(format!("`operators` names no group: {name}")))?;
        for (path, mode) in [(&path, 0o660), (&folder.to_owned(), 0o710)] {
            chown(path, None, Some(group.gid.as_raw()))?;
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        }
    }
    wake.set_nonblocking(true)?;
    let (orders, asked) = sync_channel(WAIT);
    let woken = Arc::new(wake.try_clone()?);
    thread::spawn(move || {
        let (root, others) = (Crowd::new(MOST, OF_ONE), Crowd::new(MOST, OF_ONE));
        for stream in listener.incoming() {
            // Without a descriptor there is none at once either.
            let Ok(stream) = stream else {
                thread::sleep(Duration::from_millis(10));
                continue;
            };
            let Ok(uid) = getsockopt(&stream, PeerCredentials).map(|from| from.uid()) else { continue };
            let crowd = if uid == 0 { &root } else { &others };
            let Some(place) = crowd.enter(uid) else { continue };
            let (orders, woken) = (orders.clone(), Arc::clone(&woken));
            // Without a thread there is no answer.
            let _ = thread::Builder::new().spawn(move || {
                let _place = place;
                if read(stream, uid).is_some_and(|asked| orders.send(asked).is_ok()) {
                    rouse(&woken);
                }
            });
        }
    });
    Ok(Orders { asked, wake })
}

fn rouse(mut wake: &UnixStream) {
    // A full pipe wakes as well.
    let _ = wake.write(&[0]);
}

/// Reads an order. It has to be there, whole, within the patience, however often a bit of it comes.
fn read(mut stream: UnixStream, uid: u32) -> Option<Asked> {
    stream.set_write_timeout(Some(Duration::from_millis(50))).ok()?;
    let until = Instant::now() + PATIENCE;
    let (mut line, mut chunk) = (Vec::new(), [0; 1024]);
    while line.len() < LONGEST {
        let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        stream.set_read_timeout(Some(left)).ok()?;
        let length = stream.read(&mut chunk).ok()?;
        let got = chunk.get(..length)?;
        line.extend_from_slice(got);
        if got.is_empty() || got.contains(&b'\n') {
            break;
        }
    }
    let line = line.split(|byte| *byte == b'\n').next()?;
    Some(Asked { order: serde_json::from_slice(line).ok()?, uid, stream })
}

/// What is to be said and done where an order could not be given, or was not answered: with the socket, for people.
pub fn unanswered(folder: &Path, error: &io::Error) -> String {
    let socket = folder.join(SOCKET);
    let socket = socket.display();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            format!(
                "no engine listens at {socket}: is `creance-guard run` running, with the same `run` in its configuration?"
            )
        }
        io::ErrorKind::PermissionDenied => format!(
            "{socket} may not be opened by this user: ask as root, or as one of the group that `operators` names"
        ),
        io::ErrorKind::WouldBlock
        | io::ErrorKind::TimedOut
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => format!(
            "no answer at {socket} within {} s: the order may be taken yet, so look before it is given again \
             (creance-guard status); if nothing answers, start the engine anew, which begins cut",
            PATIENCE.as_secs()
        ),
        _ => format!("{socket}: {error}"),
    }
}

/// Sends an order to the engine that listens in a folder.
pub fn ask(folder: &Path, order: &Order) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(folder.join(SOCKET))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let line = serde_json::to_string(order)? + "\n";
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    if BufReader::new(stream).read_line(&mut answer)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&answer)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn an_order_arrives_with_its_user_and_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let (wake, _woken) = UnixStream::pair().unwrap();
        let orders = listen(folder.path(), None, wake).unwrap();
        let mode = fs::metadata(folder.path().join(SOCKET)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let path = folder.path().to_owned();
        let order = Order::Fly { reason: "test".to_owned() };
        let sent = order.clone();
        let asker = thread::spawn(move || ask(&path, &sent));
        let got: Asked = orders.asked.recv().unwrap();
        assert_eq!((&got.order, got.uid), (&order, nix::unistd::geteuid().as_raw()));
        let answer = Answer { taken: true, says: "yes".to_owned(), code: None, status: Value::Null };
        got.answer(&answer);
        assert_eq!(asker.join().unwrap().unwrap(), answer);
    }

    #[test]
    fn a_group_of_operators_may_ask_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let own = Group::from_gid(nix::unistd::getegid()).unwrap().unwrap();
        let (wake, _woken) = UnixStream::pair().unwrap();
        listen(folder.path(), Some(&own.name), wake.try_clone().unwrap()).unwrap();
        for (path, mode) in [(folder.path().join(SOCKET), 0o660), (folder.path().to_owned(), 0o710)] {
            let about = fs::metadata(path).unwrap();
            assert_eq!((about.permissions().mode() & 0o777, about.gid()), (mode, own.gid.as_raw()));
        }
        let error = listen(folder.path(), Some("no such group"), wake).err().unwrap();
        assert!(error.to_string().contains("no such group"));
    }

    #[test]
    fn of_many_orders_some_are_answered_at_once_and_the_engine_is_woken_for_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let (wake, mut woken) = UnixStream::pair().unwrap();
        let orders = listen(folder.path(), None, wake).unwrap();
        let many = 2 * WAIT;
        let waiting: Vec<UnixStream> = (0..many)
            .map(|_| {
                let mut stream = UnixStream::connect(folder.path().join(SOCKET)).unwrap();
                stream.write_all(b"{\"order\":\"status\"}\n").unwrap();
                stream
            })
            .collect();
        woken.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answered = 0;
        while answered < many {
            // As the engine does: it sleeps until it is woken.
            assert!(woken.read(&mut [0; 64]).unwrap() > 0);
            let some = orders.next();
            assert!(some.len() <= AT_ONCE);
            answered += some.len();
        }
        assert_eq!((answered, waiting.len()), (many, many));
    }

    #[test]
    fn whoever_is_slow_to_write_holds_up_nobody_and_is_not_waited_for_long() {
        let folder = tempfile::tempdir().unwrap();
        let (wake, _woken) = UnixStream::pair().unwrap();
        let orders = listen(folder.path(), None, wake).unwrap();
        let began = Instant::now();
        let mut slow = UnixStream::connect(folder.path().join(SOCKET)).unwrap();
        slow.write_all(b" ").unwrap();
        let mut quick = UnixStream::connect(folder.path().join(SOCKET)).unwrap();
        quick.write_all(b"{\"order\":\"status\"}\n").unwrap();
        let asked = orders.asked.recv_timeout(Duration::from_secs(1)).unwrap();
        assert_eq!(asked.order, Order::Status);
        while slow.write_all(b" ").is_ok() {
            assert!(began.elapsed() < PATIENCE + Duration::from_secs(2), "it is still waited for");
            thread::sleep(Duration::from_millis(100));
        }
        // They do not take each other's place either.
        let path = folder.path().join(SOCKET);
        let all: Vec<_> = (0..OF_ONE + 8).map(|_| UnixStream::connect(&path).unwrap()).collect();
        thread::sleep(Duration::from_millis(500));
        let refused = all.iter().filter(|one| {
            one.set_nonblocking(true).unwrap();
            matches!((&mut &**one).read(&mut [0]), Ok(0))
        });
        assert_eq!(refused.count(), 8);
    }

    #[test]
    fn what_was_not_answered_is_told_with_the_socket_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let said = |error| unanswered(folder.path(), &error);
        let nobody = said(ask(folder.path(), &Order::Status).unwrap_err());
        let socket = folder.path().join(SOCKET).display().to_string();
        assert!(nobody.contains(&socket) && nobody.contains("creance-guard run"), "{nobody}");
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let hangs_up = thread::spawn(move || drop(listener.accept()));
        let gone = said(ask(folder.path(), &Order::Status).unwrap_err());
        hangs_up.join().unwrap();
        assert!(gone.contains(&socket) && gone.contains("may be taken yet"), "{gone}");
        assert_eq!(gone, said(io::ErrorKind::WouldBlock.into()));
    }
}
