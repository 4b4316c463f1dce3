//! `guard.toml`: which interface is which, who may be asked what, which aircraft is waited for.
//!
//! ```toml
//! lan = ["wlan0"]
//! wan = ["wwan0"]
//! services = ["dhcp", "dns"]
//!
//! [[aircraft]]
//! name = "skylark"
//! system = 1
//! address = "192.168.42.10"
//! ```
//!
//! A key that is not known is refused: what was meant to close something must not be passed over.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use creance_place::Country;
use serde::Deserialize;
use thiserror::Error;

use crate::{
    evidence::{Hear, Posted, Signing},
    names::{Settings, captive},
};

/// What the guard is told.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The interfaces that clients are behind. A bridge is named itself and not by its ports.
    pub lan: Vec<String>,
    /// The interfaces that lead out.
    pub wan: Vec<String>,
    /// What clients may ask of this machine itself; nothing else answers them.
    #[serde(default)]
    pub services: Vec<Service>,
    /// Whether stations of a bridge are kept from each other. Where an aircraft and its ground station are both stations
    /// of one, this keeps them apart as well.
    #[serde(default = "yes")]
    pub isolate: bool,
    /// How long the kernel lets pass what the engine did not renew, in milliseconds.
    #[serde(default = "dead_man_ms")]
    pub dead_man_ms: u64,
    /// What this machine may ask of the outside for its clients while nothing is cut: names, time.
    #[serde(default)]
    pub upstream: Vec<Upstream>,
    /// The guard's own resolver for clients. Without it destinations are not known by name.
    pub resolver: Option<Settings>,
    /// What leaves even while an aircraft flies. None is the rule.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
    /// The aircraft whose word on being on the ground is trusted. Without one only an operator opens.
    #[serde(default)]
    pub aircraft: Vec<Aircraft>,
    /// Files and lines that say whether something flies: nothing is open unless each says that it does not.
    #[serde(default)]
    pub evidence: Vec<Posted>,
    /// What is overheard of other links, and of broadcasts: they cut, and open nothing.
    #[serde(default)]
    pub hear: Hear,
    /// The folder of the ledger and of the state that outlives a restart.
    #[serde(default = "state_folder")]
    pub state: PathBuf,
    /// The folder of the control socket.
    #[serde(default = "run_folder")]
    pub run: PathBuf,
    /// A group that may ask the engine, and give an operator's word, besides root: that of the page, which is then not root.
    pub operators: Option<String>,
    /// Who may reach what, in Cedar: the name of a shipped policy, or a file. Without it nothing leaves unless all is on the
    /// ground, but the exceptions; with it those too must be permitted, by address and port.
    pub policy: Option<String>,
    /// Where the page of the gateway is served, to clients: `creance-guard page`.
    pub page: Option<Page>,
    /// Where the aircraft may be, as codes of countries (ISO 3166-1): rules may ask for it, and what the law there asks for
    /// is told. Without it nothing is known of that.
    pub region: Option<Vec<String>>,
    /// A private key, as `creance case keygen` makes it: the ledger is signed with it.
    pub key: Option<PathBuf>,
}

/// A service of this machine.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Addresses, of IPv4 and IPv6.
    Dhcp,
    /// Names.
    Dns,
    /// Time.
    Ntp,
    /// A shell, for whoever looks after the machine.
    Ssh,
}

/// A program of this machine that asks the outside on behalf of clients.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The user that it runs as, by number.
    pub uid: u32,
    /// The ports it may ask, over TCP and UDP.
    pub ports: Vec<u16>,
}

/// A destination that is reachable in every state.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Its address.
    pub to: IpAddr,
    /// `tcp` or `udp`.
    pub protocol: Carrier,
    /// Its port.
    pub port: u16,
    /// What for: it stands in the ledger.
    pub why: String,
}

/// A protocol with ports.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Carrier {
    /// Its name in nftables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// An aircraft whose telemetry is trusted to say that it is on the ground.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Aircraft {
    /// A name for people.
    pub name: String,
    /// Its number as a system of MAVLink.
    pub system: u8,
    /// The address that its telemetry comes from.
    pub address: IpAddr,
    /// A file with the key that it signs with, as 64 digits of base 16: without its signature it does not say that it stands.
    pub signing_key: Option<PathBuf>,
}

impl Aircraft {
    /// Whether the key that it signs with can be read, where one is named.
    pub fn key(&self) -> std::io::Result<()> {
        Signing::new(self.signing_key.as_deref()).map(drop)
    }
}

/// Where a page is served.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// An address of this machine in the clients' network.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// The folder of its token, where the page's user may write. Without it that of the ledger.
    pub state: Option<PathBuf>,
}

impl Page {
    fn is_odd(&self) -> bool {
        self.address.is_unspecified() || self.address.is_multicast() || self.port == 0
    }
}

/// Why a configuration is none.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no TOML, or has a key that is not known.
    #[error(transparent)]
    Form(#[from] toml::de::Error),
    /// An interface has a name that none can have.
    #[error("no name of an interface: {0:?}")]
    Interface(String),
    /// Nothing is named on one side.
    #[error("`lan` and `wan` name at least one interface each")]
    Sides,
    /// An interface is on both sides.
    #[error("{0} is in `lan` and in `wan`")]
    BothSides(String),
    /// The page would be served to whom it does not say.
    #[error("`page` names one address of this machine, and a port")]
    Page,
    /// Two would listen at one place.
    #[error("`page` and probes (`resolver.captive`) are both at port 80 of {0}: give the page another")]
    Probes(IpAddr),
    /// A country that is none.
    #[error("no code of a country: {0:?}")]
    Country(String),
    /// The dead man's time is out of bounds.
    #[error("`dead_man_ms` is between 1000 and 60000")]
    DeadMan,
    /// The resolver is told what makes no sense.
    #[error("{0}")]
    Resolver(&'static str),
    /// Two aircraft cannot be told apart.
    #[error("two aircraft have the same system and address as {0}")]
    Aircraft(String),
    /// A file or a line is told what makes no sense.
    #[error("`evidence` {0:?}: {1}")]
    Evidence(String, &'static str),
    /// What is overheard makes no sense.
    #[error("{0}")]
    Hear(&'static str),
    /// An interface in monitor mode is one of another kind as well.
    #[error("{0} is in `hear.monitor`, and in `lan`, `wan` or there twice")]
    Monitor(String),
}

fn yes() -> bool {
    true
}

fn dead_man_ms() -> u64 {
    5000
}

fn state_folder() -> PathBuf {
    "/var/lib/creance-guard".into()
}

fn run_folder() -> PathBuf {
    "/run/creance-guard".into()
}

impl Config {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::read(&text)
    }

    /// Reads a text.
    pub fn read(text: &str) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text)?;
        if config.lan.is_empty() || config.wan.is_empty() {
            return Err(ConfigError::Sides);
        }
        if let Some(name) = config.lan.iter().chain(&config.wan).find(|name| !is_interface(name)) {
            return Err(ConfigError::Interface(name.clone()));
        }
        if let Some(name) = config.lan.iter().find(|name| config.wan.contains(name)) {
            return Err(ConfigError::BothSides(name.clone()));
        }
        if !(1000..=60_000).contains(&config.dead_man_ms) {
            return Err(ConfigError::DeadMan);
        }
        if config.page.as_ref().is_some_and(Page::is_odd) {
            return Err(ConfigError::Page);
        }
        let wrong = |code: &&String| Country::new(code).is_none();
        if let Some(code) = config.region.iter().flatten().find(wrong) {
            return Err(ConfigError::Country(code.clone()));
        }
        if let Some(resolver) = &config.resolver {
            if let Some(fault) = resolver.fault() {
                return Err(ConfigError::Resolver(fault));
            }
            let same = |page: &&Page| page.port == captive::PORT && resolver.listen.contains(&page.address);
            if let Some(page) = config.page.as_ref().filter(same).filter(|_| resolver.captive) {
                return Err(ConfigError::Probes(page.address));
            }
            if !config.services.contains(&Service::Dns) {
                config.services.push(Service::Dns);
            }
        }
        for (at, one) in config.aircraft.iter().enumerate() {
            let same = |other: &Aircraft| (other.system, other.address) == (one.system, one.address);
            if config.aircraft.iter().skip(at + 1).any(same) {
                return Err(ConfigError::Aircraft(one.name.clone()));
            }
        }
        if let Some(fault) = config.hear.fault() {
            return Err(ConfigError::Hear(fault));
        }
        for (at, name) in config.hear.monitor.iter().enumerate() {
            if !is_interface(name) {
                return Err(ConfigError::Interface(name.clone()));
            }
            let others = config.lan.iter().chain(&config.wan).chain(config.hear.monitor.iter().take(at));
            if others.into_iter().any(|other| other == name) {
                return Err(ConfigError::Monitor(name.clone()));
            }
        }
        for (at, one) in config.evidence.iter().enumerate() {
            let named = |name: &String| *name == one.name;
            let mut others = config.evidence.iter().take(at).map(|other| &other.name);
            let again = others.any(named) || config.aircraft.iter().map(|other| &other.name).any(named);
            if let Some(fault) = one.fault().or(again.then_some("`name` is that of another")) {
                return Err(ConfigError::Evidence(one.name.clone(), fault));
            }
        }
        Ok(config)
    }

    /// How long the kernel lets pass what the engine did not renew.
    pub fn dead_man(&self) -> Duration {
        Duration::from_millis(self.dead_man_ms)
    }
}

/// Whether Linux would take it as a name, and it stands for itself in a rule.
fn is_interface(name: &str) -> bool {
    (1..=15).contains(&name.len())
        && name != "lo"
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte))
        && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "lan = ['wlan0']\nwan = ['wwan0']\n";

    #[test]
    fn the_least_that_can_be_told_opens_nothing_by_itself() {
        let config = Config::read(LEAST).unwrap();
        assert!(config.exceptions.is_empty() && config.services.is_empty() && config.upstream.is_empty());
        assert!(config.isolate);
        assert_eq!(config.dead_man(), Duration::from_secs(5));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for wrong in ["exception = []", "[[aircraft]]\nname='a'\nsystem=1\naddress='10.0.0.1'\ntrust=9"] {
            assert!(matches!(Config::read(&format!("{LEAST}{wrong}")), Err(ConfigError::Form(_))), "{wrong}");
        }
    }

    #[test]
    fn names_of_interfaces_cannot_carry_rules() {
        for wrong in ["", "lo", "a b", "a\";accept", "0123456789abcdef", "*", "a/b"] {
            let text = format!("lan = [{wrong:?}]\nwan = ['wwan0']");
            assert!(matches!(Config::read(&text), Err(ConfigError::Interface(_))), "{wrong}");
        }
    }

    #[test]
    fn sides_times_and_aircraft_must_make_sense() {
        assert!(matches!(Config::read("lan = []\nwan = ['a']"), Err(ConfigError::Sides)));
        assert!(matches!(Config::read("lan = ['a']\nwan = ['a']"), Err(ConfigError::BothSides(_))));
        for wrong in [0, 999, 60_001] {
            let text = format!("{LEAST}dead_man_ms = {wrong}");
            assert!(matches!(Config::read(&text), Err(ConfigError::DeadMan)));
        }
        for wrong in [
            "address = '0.0.0.0', port = 80",
            "address = '224.0.0.1', port = 80",
            "address = '10.0.0.1', port = 0",
        ] {
            let text = format!("{LEAST}page = {{ {wrong} }}");
            assert!(matches!(Config::read(&text), Err(ConfigError::Page)), "{wrong}");
        }
        assert!(matches!(
            Config::read(&format!("{LEAST}region = ['CN', 'china']")),
            Err(ConfigError::Country(_))
        ));
        for (wrong, key) in [
            ("name='a'", "`file`"),
            ("name='a'\nfile='/a'\nline='/a'", "`file`"),
            ("name=''\nfile='/a'", "`name`"),
            ("name='a'\nfile='a'", "`file`"),
            ("name='a'\nfile='/a'\nfresh_s=0", "`fresh_s`"),
            ("name='a'\nfile='/a'\nflying=1", "`flying`"),
            ("name='a'\nline='/a'\nfresh_s=1", "`fresh_s`"),
            ("name='a'\nline='/a'\nflying=2", "`flying`"),
            ("name='a'\nline='/a'\n[[evidence]]\nname='a'\nline='/b'", "`name`"),
        ] {
            let error = Config::read(&format!("{LEAST}[[evidence]]\n{wrong}")).unwrap_err();
            assert!(
                matches!(&error, ConfigError::Evidence(..)) && error.to_string().contains(key),
                "{wrong}"
            );
        }
        let resolver = "[resolver]\nlisten = ['10.0.0.1']\nupstream = ['9.9.9.9']";
        for (captive, port, taken) in [(true, 80, false), (true, 8080, true), (false, 80, true)] {
            let page = format!("page = {{ address = '10.0.0.1', port = {port} }}");
            let read = Config::read(&format!("{LEAST}{page}\n{resolver}\ncaptive = {captive}"));
            assert_eq!(read.is_ok(), taken, "{read:?}");
        }
        for wrong in ["wlan0", "wwan0", "mon0', 'mon0"] {
            let error = Config::read(&format!("{LEAST}[hear]\nmonitor = ['{wrong}']")).unwrap_err();
            assert!(matches!(error, ConfigError::Monitor(_)), "{wrong}");
        }
        let error = Config::read(&format!("{LEAST}[hear]\nmonitor = ['a b']")).unwrap_err();
        assert!(matches!(error, ConfigError::Interface(_)));
        let error = Config::read(&format!("{LEAST}[hear]\nonly = ['x']")).unwrap_err();
        assert!(error.to_string().contains("`hear.only`"));
        let twice = "[[aircraft]]\nname='a'\nsystem=1\naddress='10.0.0.1'\n".repeat(2);
        assert!(matches!(Config::read(&format!("{LEAST}{twice}")), Err(ConfigError::Aircraft(_))));
    }
}
