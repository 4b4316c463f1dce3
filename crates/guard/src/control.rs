//! The control socket: orders of operators and questions, a line of JSON each way. Who may open it, may operate.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::{
        fs::{DirBuilderExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::mpsc::Sender,
    thread,
    time::Duration,
};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The socket in its folder.
pub(crate) const SOCKET: &str = "control";
/// Bytes of the longest order.
const LONGEST: u64 = 4096;
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

/// Listens in a thread of its own, so that nobody who is slow to write holds up a cut. Each order is followed by a byte
/// to `wake`.
pub(crate) fn listen(folder: &Path, orders: Sender<Asked>, wake: UnixStream) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(SOCKET);
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    wake.set_nonblocking(true)?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Some(asked) = read(stream) else { continue };
            if orders.send(asked).is_err() {
                return;
            }
            // A full pipe wakes as well.
            let _ = (&wake).write(&[0]);
        }
    });
    Ok(())
}

fn read(stream: UnixStream) -> Option<Asked> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(Duration::from_millis(50))).ok()?;
    let uid = getsockopt(&stream, PeerCredentials).ok()?.uid();
    let mut line = String::new();
    BufReader::new((&stream).take(LONGEST)).read_line(&mut line).ok()?;
    Some(Asked { order: serde_json::from_str(&line).ok()?, uid, stream })
}

/// Sends an order to the engine that listens in a folder.
pub fn ask(folder: &Path, order: &Order) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(folder.join(SOCKET))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let line = serde_json::to_string(order)? + "\n";
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn an_order_arrives_with_its_user_and_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let (orders, got) = mpsc::channel();
        let (wake, _woken) = UnixStream::pair().unwrap();
        listen(folder.path(), orders, wake).unwrap();
        let mode = fs::metadata(folder.path().join(SOCKET)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let path = folder.path().to_owned();
        let order = Order::Fly { reason: "test".to_owned() };
        let sent = order.clone();
        let asker = thread::spawn(move || ask(&path, &sent));
        let got: Asked = got.recv().unwrap();
        assert_eq!((&got.order, got.uid), (&order, nix::unistd::geteuid().as_raw()));
        let answer = Answer { taken: true, says: "yes".to_owned(), code: None, status: Value::Null };
        got.answer(&answer);
        assert_eq!(asker.join().unwrap().unwrap(), answer);
    }
}
