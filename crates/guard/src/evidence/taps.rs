//! Hears frames for `overheard`, in a thread of its own: at chosen ports of clients, and on interfaces in monitor mode.
//!
//! ```toml
//! [hear]
//! ports = ["tcp/1883", "udp/8890"]   # of clients; without it, those that aircraft use by default
//! monitor = ["mon0"]                 # radios that hear all
//! only = ["1581F5BKD225D00BP891"]    # whose broadcasts count; without it, anybody's
//! ```

use std::{
    fs, io,
    os::fd::AsFd,
    thread,
    time::{Duration, Instant},
};

use creance_model::LinkType;
use nix::{
    net::if_::InterfaceFlags,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use serde::Deserialize;

use super::{Out, Source, Word, overheard::Overheard};
use crate::{
    Carrier,
    listen::{
        Tap,
        filter::{self, MOST_PORTS},
    },
    names::Port,
};

/// How often interfaces are looked for, and it is told how they stand.
const EVERY: Duration = Duration::from_secs(1);
/// Frames taken from one before the others have their turn.
const BATCH: usize = 64;
/// Bytes of the longest frame: an interface may hand up several as one.
const LONGEST: usize = 64 << 10;

/// What is overheard.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Hear {
    /// At which ports of clients, on either side of a conversation.
    pub ports: Vec<Port>,
    /// Interfaces in monitor mode.
    pub monitor: Vec<String>,
    /// Identifiers of the aircraft whose broadcasts count: serials, registrations, sessions. Without any, all count.
    pub only: Vec<String>,
}

impl Default for Hear {
    /// MQTT, MAVLink of `ArduPilot`'s bridges, Tello, DUML of Wi-Fi aircraft, ARSDK.
    fn default() -> Self {
        let tcp = [1883, 5760, 5762, 5763].map(|number| (Carrier::Tcp, number));
        let udp = [8889, 8890, 9003, 12_346, 43_210, 54_321].map(|number| (Carrier::Udp, number));
        let ports = tcp.into_iter().chain(udp).map(|(protocol, number)| Port { protocol, number });
        Self { ports: ports.collect(), monitor: Vec::new(), only: Vec::new() }
    }
}

impl Hear {
    /// What does not make sense, by the key.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if self.ports.len() > MOST_PORTS {
            Some("`hear.ports` names at most 24 ports")
        } else if self.ports.iter().any(|port| port.number == 0) {
            Some("`hear.ports` names ports, and 0 is none")
        } else if self.monitor.is_empty() && !self.only.is_empty() {
            Some("`hear.only` is about broadcasts, which `hear.monitor` hears")
        } else if self.only.iter().any(String::is_empty) {
            Some("`hear.only` names aircraft by what they call themselves")
        } else {
            None
        }
    }

    /// Each interface as a source.
    pub(crate) fn sources(&self, lan: &[String]) -> Vec<Source> {
        let clients = lan.iter().filter(|_| !self.ports.is_empty()).map(|name| (name, LINKS));
        let all = clients.chain(self.monitor.iter().map(|name| (name, MONITOR)));
        all.map(|(name, kind)| Source { name: name.clone(), kind }).collect()
    }
}

const LINKS: &str = "links of clients";
pub(super) const MONITOR: &str = "monitor";

/// Why an interface in monitor mode is none that can be heard, if it is not.
pub fn monitor_fault(name: &str) -> Option<String> {
    radio(name).err()
}

/// What its frames begin with, if it is a radio that hears all: `ARPHRD_IEEE80211`, `ARPHRD_IEEE80211_RADIOTAP`.
fn radio(name: &str) -> Result<LinkType, String> {
    match fs::read_to_string(format!("/sys/class/net/{name}/type")).as_deref().map(str::trim) {
        Ok("801") => Ok(LinkType::IEEE802_11),
        Ok("803") => Ok(LinkType::IEEE802_11_RADIOTAP),
        Ok(_) => Err("it is not in monitor mode".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Nothing is heard at an interface that is down, and a socket that is for all interfaces is not told of that.
fn is_up(name: &str) -> Result<(), String> {
    let flags = nix::ifaddrs::getifaddrs().map_err(|error| error.to_string())?;
    let mut flags = flags.filter(|one| one.interface_name == name).map(|one| one.flags);
    if flags.any(|flags| flags.contains(InterfaceFlags::IFF_UP)) {
        Ok(())
    } else {
        Err("it is down".to_owned())
    }
}

/// One interface, and what is heard there.
struct Post {
    source: Source,
    tap: Option<(Tap, LinkType)>,
    lost: u32,
    /// Frames that were taken.
    heard: u64,
    why: Option<String>,
}

impl Post {
    /// Listens where it does not yet, or the interface is another one, or of another kind.
    fn renew(&mut self, ports: &[Port]) {
        match self.tapped(ports) {
            Ok(None) => {}
            Ok(Some(tap)) => (self.tap, self.lost, self.why) = (Some(tap), 0, None),
            Err(why) => (self.tap, self.why) = (None, Some(why)),
        }
    }

    /// A new one, if that is needed.
    fn tapped(&self, ports: &[Port]) -> Result<Option<(Tap, LinkType)>, String> {
        let name = self.source.name.as_str();
        let is_monitor = self.source.kind == MONITOR;
        let link = if is_monitor { radio(name)? } else { LinkType::ETHERNET };
        let index = nix::net::if_::if_nametoindex(name).map_err(|error| error.desc().to_owned())?;
        is_up(name)?;
        if self.tap.as_ref().is_some_and(|(tap, before)| (tap.index(), *before) == (index, link)) {
            return Ok(None);
        }
        let radiotap = link == LinkType::IEEE802_11_RADIOTAP;
        let tap = if is_monitor {
            Tap::new(name, |index| filter::management(index, radiotap))
        } else {
            Tap::new(name, |index| filter::ports(index, ports))
        };
        tap.map(|tap| Some((tap, link))).map_err(|error| error.to_string())
    }

    fn says(&self) -> String {
        match (&self.why, self.lost) {
            (Some(why), _) => format!("hears nothing: {why}"),
            (None, 0) => format!("hears; {} frames that may be of use", self.heard),
            (None, lost) => format!("hears; {} frames that may be of use, and {lost} were lost", self.heard),
        }
    }
}

/// Begins to listen.
pub(super) fn listen(hear: &Hear, lan: &[String], out: Out) -> io::Result<()> {
    let hear = hear.clone();
    let all = hear.sources(lan).into_iter();
    let mut posts: Vec<Post> =
        all.map(|source| Post { source, tap: None, lost: 0, heard: 0, why: None }).collect();
    let run = move || {
        let mut overheard = Overheard::new(hear.only.clone());
        let mut buffer = vec![0; LONGEST];
        let mut told: Option<Instant> = None;
        loop {
            if told.is_none_or(|at| at.elapsed() >= EVERY) {
                told = Some(Instant::now());
                for post in &mut posts {
                    post.renew(&hear.ports);
                    let word = Word::Post {
                        source: post.source.clone(),
                        says: post.says(),
                        hears: post.why.is_none(),
                    };
                    if !out.tell(word) {
                        return;
                    }
                }
            }
            wait(&posts);
            for post in &mut posts {
                if !take(post, &mut overheard, &mut buffer, &out) {
                    return;
                }
            }
        }
    };
    thread::Builder::new().name("hear".to_owned()).spawn(run).map(drop)
}

fn wait(posts: &[Post]) {
    let taps = posts.iter().filter_map(|post| post.tap.as_ref());
    let mut all: Vec<_> = taps.map(|(tap, _)| PollFd::new(tap.as_fd(), PollFlags::POLLIN)).collect();
    // Whatever it says, all are looked at.
    let _ = poll(&mut all, PollTimeout::try_from(EVERY / 2).unwrap_or(PollTimeout::ZERO));
}

/// Takes what waits at one. `false`: nobody listens any more.
fn take(post: &mut Post, overheard: &mut Overheard, buffer: &mut [u8], out: &Out) -> bool {
    let Some((tap, link)) = &post.tap else { return true };
    let link = *link;
    for _ in 0..BATCH {
        match tap.next(buffer) {
            Ok(Some(taken)) => {
                (post.heard, post.lost) = (post.heard + 1, post.lost.max(taken.lost));
                let frame = buffer.get(..taken.length).unwrap_or_default();
                for found in overheard.take(link, frame, taken.seen) {
                    if !out.tell(Word::Overheard(found)) {
                        return false;
                    }
                }
            }
            Ok(None) => return true,
            Err(error) => {
                // It is made anew at the next look.
                (post.tap, post.why) = (None, Some(error.to_string()));
                return true;
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ports_are_those_of_the_configuration_or_what_aircraft_use() {
        let of = |text: &str| toml::from_str::<Hear>(text).unwrap();
        assert_eq!(of(""), Hear::default());
        assert_eq!(
            of("ports = []\nmonitor = ['mon0']").sources(&["lan0".to_owned()]),
            [Source { name: "mon0".to_owned(), kind: MONITOR }]
        );
        let kinds: BTreeSet<_> = of("monitor = ['mon0']").sources(&["lan0".to_owned()]).into_iter().collect();
        assert_eq!(kinds.len(), 2);
        for (wrong, key) in [
            ("ports = ['udp/0']", "hear.ports"),
            ("only = ['1581F']", "hear.only"),
            ("monitor = ['mon0']\nonly = ['']", "hear.only"),
        ] {
            assert!(of(wrong).fault().unwrap().contains(key), "{wrong}");
        }
        let many = format!("ports = [{}]", "'udp/1',".repeat(MOST_PORTS + 1));
        assert!(of(&many).fault().unwrap().contains("hear.ports"));
        assert!(toml::from_str::<Hear>("port = []").is_err());
        assert!(monitor_fault("lo").unwrap().contains("not in monitor mode"));
    }
}
