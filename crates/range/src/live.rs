//! The range through the kernel: in a network namespace of its own, where real programs stand between tablet and world.
//!
//! The namespace has two devices, `tablet` and `world`, joined by a bridge, `way`; nothing in it leads anywhere else. A
//! command may run beside them: it sees what passes, or takes the place of the bridge.

use std::{
    fs, io,
    io::Write,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use nix::{
    sched::{CloneFlags, unshare},
    sys::signal::{Signal, kill},
    unistd::{Pid, getegid, geteuid},
};

use crate::{
    Error,
    net::{Crossing, Side},
};

/// How long a command has before the first packet, and after the last: what reads a device is given packets in blocks, of
/// tcpdump once a second.
const AROUND: Duration = Duration::from_secs(2);

/// How long it then has to end.
const ENDING: Duration = Duration::from_secs(5);

/// A sealed way, and the command beside it.
pub struct Live {
    pub(crate) crossing: Crossing,
    beside: Option<Beside>,
}

/// A command that is ended with the range.
pub(crate) struct Beside(Child);

/// Puts this process into a network namespace of its own, which no packet leaves: as root, or in a user namespace.
/// It must be called before there is a second thread.
pub fn seal() -> Result<(), Error> {
    let (user, group) = (geteuid(), getegid());
    let name = || fs::read_link("/proc/self/ns/net");
    let wrong = |error: io::Error| {
        let why = format!("{error}; without --live the network is memory, and needs no namespace");
        Error::Network { doing: "making a network namespace", why }
    };
    let outside = name().map_err(wrong)?;
    if user.is_root() {
        unshare(CloneFlags::CLONE_NEWNET).map_err(io::Error::from).map_err(wrong)?;
    } else {
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
            .map_err(io::Error::from)
            .map_err(wrong)?;
        fs::write("/proc/self/setgroups", "deny").map_err(wrong)?;
        fs::write("/proc/self/uid_map", format!("0 {user} 1")).map_err(wrong)?;
        fs::write("/proc/self/gid_map", format!("0 {group} 1")).map_err(wrong)?;
    }
    if name().map_err(wrong)? == outside {
        return Err(wrong(io::Error::other("the namespace is the old one")));
    }
    Ok(())
}

impl Live {
    /// Makes the devices in the namespace of this process, joins them, and begins a command, if it has words.
    pub fn new(command: &[String]) -> Result<Self, Error> {
        let crossing = Crossing::new().map_err(Error::doing("making devices"))?;
        joined().map_err(Error::doing("joining devices"))?;
        let beside = match command.split_first() {
            None => None,
            Some((program, words)) => {
                let child = Command::new(program).args(words).stdin(Stdio::null()).spawn();
                let beside = Beside(child.map_err(Error::doing("beginning the command"))?);
                thread::sleep(AROUND);
                Some(beside)
            }
        };
        Ok(Self { crossing, beside })
    }

    pub(crate) fn apart(self) -> (Crossing, Option<Beside>) {
        (self.crossing, self.beside)
    }
}

/// Nothing of the kernel's own is sent over them: no addresses of version 6, no questions for groups. It must be told before
/// they are up: in one order, up comes first.
fn joined() -> io::Result<()> {
    let [tablet, world] = [Side::Tablet.device(), Side::World.device()];
    let lines = format!(
        "link add way type bridge mcast_snooping 0\n\
         link set way addrgenmode none\n\
         link set {tablet} addrgenmode none\n\
         link set {world} addrgenmode none\n\
         link set way up\n\
         link set {tablet} master way up\n\
         link set {world} master way up\n"
    );
    let mut ip =
        Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = ip.stdin.take() {
        stdin.write_all(lines.as_bytes())?;
    }
    let done = ip.wait_with_output()?;
    if done.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&done.stderr).trim().to_owned()))
}

impl Beside {
    /// Waits until it has ended, for a while at most, and says whether it has.
    fn ends_within(&mut self, most: Duration) -> bool {
        let step = Duration::from_millis(20);
        let mut waited = Duration::ZERO;
        while matches!(self.0.try_wait(), Ok(None)) {
            if waited >= most {
                return false;
            }
            thread::sleep(step);
            waited += step;
        }
        true
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if self.ends_within(AROUND) {
            return;
        }
        if let Ok(pid) = i32::try_from(self.0.id()) {
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        if !self.ends_within(ENDING) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
