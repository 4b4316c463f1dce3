//! Keeps a socket to what comes in at one interface: where a gateway forwards at full speed, each frame that a socket is asked about costs,
//! at each interface; and for what goes out the kernel makes a copy first.

use std::{io, os::fd::AsRawFd};

use nix::{
    libc,
    sys::socket::{LinkAddr, bind, setsockopt, sockopt::SetBool},
};
use socket2::Socket;

/// That frames which this machine sends are not heard (Linux 4.20).
#[derive(Clone, Copy, Debug)]
struct IgnoreOutgoing;

nix::setsockopt_impl!(IgnoreOutgoing, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, bool, SetBool);

/// From now on the socket hears what comes in at this interface, whenever it is up. One without an address of its link is heard among
/// all, and an older kernel hands up what goes out: whoever takes frames has to look.
pub(super) fn alone(socket: &Socket, index: u32) -> io::Result<()> {
    let _ = setsockopt(socket, IgnoreOutgoing, &true);
    let mut links = nix::ifaddrs::getifaddrs()?.filter_map(|one| one.address?.as_link_addr().copied());
    if let Some(link) = links.find(|link: &LinkAddr| u32::try_from(link.ifindex()) == Ok(index)) {
        bind(socket.as_raw_fd(), &link)?;
        // That it is down is told as an error, once.
        let _ = socket.take_error()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{process::Command, thread, time::Duration};

    use pnet_datalink::Channel;

    use crate::{
        apart::apart,
        listen::{Tap, filter},
    };

    /// Two pairs of interfaces in a network of their own; the last byte of each frame tells where it was sent.
    #[test]
    fn what_comes_in_at_one_interface_is_heard_before_and_after_it_was_down_and_nothing_else() {
        apart(|| {
            let ip = |order: &str| {
                assert!(Command::new("ip").args(order.split(' ')).status().unwrap().success(), "{order}");
            };
            ip("link add one0 type veth peer name two0");
            ip("link add three0 type veth peer name four0");
            for name in ["two0", "three0", "four0"] {
                ip(&format!("link set {name} up"));
            }
            let send = |name: &str, last: u8| {
                let all = pnet_datalink::interfaces();
                let link = all.iter().find(|link| link.name == name).unwrap();
                let Ok(Channel::Ethernet(mut sender, _)) =
                    pnet_datalink::channel(link, pnet_datalink::Config::default())
                else {
                    panic!("{name}")
                };
                let head =
                    [&[0x02; 12][..], &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 10, 17, 64], &[0xfd; 32]].concat();
                let frame = [&head[..], &[0x38, 0xd6, 0x38, 0xd6, 0, 10, 0, 0, 0xfd, last]].concat();
                sender.send_to(&frame, None).unwrap().unwrap();
            };
            // It is down when it begins to be heard.
            let tap = Tap::new("one0", filter::telemetry).unwrap();
            let (mut heard, mut buffer) = (Vec::new(), [0; 2048]);
            assert!(tap.next(&mut buffer).unwrap().is_none());
            for round in 0..3 {
                ip("link set one0 up");
                thread::sleep(Duration::from_millis(50));
                for (name, last) in [("one0", 1), ("two0", 20 + round), ("three0", 3), ("four0", 4)] {
                    send(name, last);
                }
                ip("link set one0 down");
                while let Some(taken) = tap.next(&mut buffer).unwrap() {
                    heard.push((buffer[taken.length - 1], taken.lost));
                }
            }
            assert_eq!(heard, [(20, 0), (21, 0), (22, 0)]);
        });
    }
}
