//! The control socket: orders of operators and questions, a line of JSON each way. Who may open it, may operate.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::{
        fs::{DirBuilderExt, PermissionsExt, chown},
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::Duration,
};

use nix::{
    sys::socket::{getsockopt, sockopt::PeerCredentials},
    unistd::Group,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The socket in its folder.
pub(crate) const SOCKET: &str = "control";
/// Bytes of the longest order.
const LONGEST: u64 = 4096;
/// Orders that wait, and those that are answered before the engine looks for evidence again: whoever floods it holds up no cut.
/// Others wait at the socket.
const WAIT: usize = 16;
const AT_ONCE: usize = 4;
/// How long either side waits for the other.
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

/// Listens in a thread of its own, so that nobody who is slow to write holds up a cut. Each order is followed by a byte
/// to `wake`.
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
    let woken = wake.try_clone()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Some(asked) = read(stream) else { continue };
            if orders.send(asked).is_err() {
                return;
            }
            rouse(&woken);
        }
    });
    Ok(Orders { asked, wake })
}

fn rouse(mut wake: &UnixStream) {
    // A full pipe wakes as well.
    let _ = wake.write(&[0]);
}

fn read(stream: UnixStream) -> Option<Asked> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(Duration::from_millis(50))).ok()?;
    let uid = getsockopt(&stream, PeerCredentials).ok()?.uid();
    let mut line = String::new();
    BufReader::new((&stream).take(LONGEST)).read_line(&mut line).ok()?;
    Some(Asked { order: serde_json::from_str(&line).ok()?, uid, stream })
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
