//! What the kernel tells of changes, whoever makes them: to nftables, and to routing rules.
//!
//! Only that there was one: what stands then is read anew. Own changes are told as well.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
    },
};

/// The groups of netlink (`linux/netfilter/nfnetlink.h`, `linux/rtnetlink.h`) as bits: `NFNLGRP_NFTABLES`, and
/// `RTNLGRP_IPV4_RULE` with `RTNLGRP_IPV6_RULE`.
const TOLD: [(SockProtocol, u32); 2] =
    [(SockProtocol::NetlinkNetFilter, 1 << 6), (SockProtocol::NetlinkRoute, 1 << 7 | 1 << 18)];

/// Where they are told.
#[derive(Debug)]
pub(crate) struct Notices([OwnedFd; 2]);

impl Notices {
    /// Listens from now on, in the network of this thread.
    pub(crate) fn listen() -> io::Result<Self> {
        let [tables, rules] = TOLD.map(|(protocol, groups)| {
            let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
            let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
            bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
            Ok::<_, Errno>(socket)
        });
        Ok(Self([tables?, rules?]))
    }

    /// Readable when there is one.
    pub(crate) fn fds(&self) -> [BorrowedFd<'_>; 2] {
        self.0.each_ref().map(AsFd::as_fd)
    }

    /// Whether something was changed since this was last asked. Notices that found no room are changes too.
    pub(crate) fn any(&self) -> bool {
        let mut any = false;
        for socket in &self.0 {
            // More than fit at once are asked for the next time.
            for _ in 0..4096 {
                match recv(socket.as_raw_fd(), &mut [0; 64], MsgFlags::empty()) {
                    Err(Errno::EAGAIN) => break,
                    Ok(_) | Err(_) => any = true,
                }
            }
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::apart::apart;

    #[test]
    fn a_change_is_told_once_and_looking_is_none() {
        apart(|| {
            let notices = Notices::listen().unwrap();
            let run = |line: &str| {
                let mut words = line.split(' ');
                let status = Command::new(words.next().unwrap()).args(words).output().unwrap().status;
                assert!(status.success(), "{line}");
            };
            assert!(!notices.any());
            for change in [
                "nft add table inet other",
                "nft add set inet other some { type mark; }",
                "nft add element inet other some { 7 }",
                "nft flush ruleset",
                "ip rule add pref 7 blackhole",
                "ip -6 rule add pref 7 blackhole",
                "ip rule del pref 7",
            ] {
                run(change);
                assert!(notices.any(), "{change}");
                run("nft -j list ruleset");
                run("ip rule show");
                assert!(!notices.any(), "after {change}");
            }
        });
    }
}
