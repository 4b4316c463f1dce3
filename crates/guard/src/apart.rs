//! For tests: a network of their own.

#![expect(clippy::print_stderr, clippy::disallowed_methods, reason = "a test that may be skipped says so")]

use nix::sched::{CloneFlags, unshare};

/// Does something in a network that holds nothing, where that can be; in CI it can.
pub(crate) fn apart(act: impl FnOnce() + Send + 'static) {
    if !nix::unistd::geteuid().is_root() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "needs root");
        eprintln!("skipped: needs root");
        return;
    }
    let alone = move || {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        act();
    };
    std::thread::spawn(alone).join().unwrap();
}
