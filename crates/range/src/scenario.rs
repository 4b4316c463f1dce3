//! A scenario: what is flown, by whom, with which settings, over which network, and what the app does of itself.
//!
//! Bundled ones are in `scenarios/`; any other file of this form can be played. What a file does not say has the value
//! that stands here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::Deserialize;

use crate::{Error, behaviours, vpn};

/// A scenario file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called: the name of its file.
    #[serde(skip)]
    pub name: String,
    /// What it shows, in a sentence.
    pub about: String,
    /// When the log of actions begins, RFC 3339.
    pub begins: String,
    /// The plan.
    pub flight: Flight,
    /// Sites on the way.
    #[serde(default, rename = "site")]
    pub sites: Vec<Site>,
    /// Who flies.
    #[serde(default)]
    pub person: Person,
    /// What is flown.
    #[serde(default)]
    pub device: Device,
    /// What is set in the app.
    #[serde(default)]
    pub settings: Settings,
    /// What connects the tablet with the world.
    #[serde(default)]
    pub network: Network,
    /// Which connections nobody can read.
    #[serde(default)]
    pub keys: Keys,
    /// What the user does with the app beside flying.
    #[serde(default)]
    pub user: User,
    /// A setting that is compared.
    #[serde(default)]
    pub pair: Option<Compared>,
    /// Sessions of a campaign, one after the other, with one person and one aircraft.
    #[serde(default, rename = "session")]
    pub sessions: Vec<Session>,
    /// The text that it was read from.
    #[serde(skip)]
    text: String,
    /// What the app does of itself: by name, whether it does. What is not named, it does not.
    #[serde(default)]
    pub switches: BTreeMap<String, bool>,
}

/// The plan of a flight.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flight {
    /// About where: degrees north and east.
    pub near: (f64, f64),
    /// The country of that: ISO 3166-1 alpha-2.
    pub country: String,
    /// How far from there the place may be, in kilometres; a seed chooses.
    #[serde(default)]
    pub spread_km: f64,
    /// Above the ground, in metres.
    pub height_m: f64,
    /// Metres in a second.
    pub speed_m_s: f64,
    /// For how long at least, in minutes: the round of the sites is flown again until then.
    #[serde(default)]
    pub minutes: f64,
    /// Whether the aircraft is switched on, and stays on the ground.
    #[serde(default)]
    pub grounded: bool,
    /// When the aircraft says whether it flies.
    #[serde(default)]
    pub tells: Tells,
}

/// When an aircraft says on its link whether it flies.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Tells {
    /// With each heartbeat, once a second, as `MAVLink` recommends it.
    #[default]
    EachSecond,
    /// So, and also at the moment when that changes.
    AtOnce,
}

/// A place that is flown over.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// What it is called.
    pub name: String,
    /// Its sector, as registers of sites call it.
    pub sector: String,
    /// Metres east of the take-off.
    pub east_m: f64,
    /// Metres north of the take-off.
    pub north_m: f64,
}

/// Who flies: name, address, numbers and serials are invented anew for each seed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Person {
    /// What kind of account.
    pub profile: Profile,
}

/// What is flown: its serial number is invented anew for each seed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Device {
    /// What the maker calls it.
    pub model: String,
    /// The version of what runs on it.
    pub firmware: String,
}

impl Default for Device {
    fn default() -> Self {
        Self { model: "Q4 Survey".to_owned(), firmware: "03.02.0411".to_owned() }
    }
}

/// A kind of account.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Somebody who flies for the joy of it.
    #[default]
    Hobbyist,
    /// An organisation.
    Enterprise,
}

/// What is set in the app.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether the user agrees that third parties hear of faults and of how the app is used. A refusal
    /// is kept to, unless `ignore-refused-diagnostics` is on.
    pub diagnostics: bool,
    /// The mode that is to cut every connection in flight.
    pub local_data_mode: bool,
    /// Whether the phone grants the app no address book, calls, messages, list of apps and identifiers.
    pub reduced_entitlement: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { diagnostics: true, local_data_mode: false, reduced_entitlement: false }
    }
}

/// What connects the tablet with the world.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// The country that its public address is of.
    pub ip_country: String,
    /// The country of the exit of the tablet's VPN, if it has one: servers see an address of that.
    pub vpn: Option<String>,
    /// The mobile country code of the network.
    pub mcc: u16,
    /// Whether one of the clouds has no address but one of version 6; where nothing is said, by chance.
    pub ipv6: Option<bool>,
    /// Packets lost, of a thousand.
    pub lost: u32,
    /// Packets overtaken, of a thousand.
    pub late: u32,
    /// How far the times of what the app does may move, in seconds.
    pub jitter_s: f64,
    /// Whether telemetry goes without TLS.
    pub plain_telemetry: bool,
    /// Whether the network lets nobody out before a page of its own is answered.
    pub captive_portal: bool,
    /// Whether there is a second capture, behind the router that translates addresses.
    pub nat: bool,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            ip_country: "US".to_owned(),
            vpn: None,
            mcc: 310,
            ipv6: None,
            lost: 0,
            late: 0,
            jitter_s: 1.0,
            plain_telemetry: false,
            captive_portal: false,
            nat: false,
        }
    }
}

/// Which connections nobody can read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// Switches whose connections are pinned: their keys are in no log.
    pub pinned: Vec<String>,
}

/// What the user does with the app beside flying.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct User {
    /// How many photos are shared after the landing.
    pub shares: usize,
    /// For how many minutes more the phone is watched when the app is closed and the phone locked.
    pub watched_minutes: f64,
}

/// A setting that is compared: flights with one value of it, and flights with another.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// What it is, in words.
    pub what: String,
    /// The table and the key, as in `settings.local_data_mode`.
    pub change: String,
    /// One value of it.
    pub from: toml::Value,
    /// The other.
    pub to: toml::Value,
    /// Flights of each.
    pub repeats: u32,
}

/// A session of a campaign: the scenario, with some of its values changed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The name of its folder.
    pub name: String,
    /// How often it is played: of fewer than three runs no difference can be told from chance.
    #[serde(default = "once")]
    pub repeats: u32,
    /// What it is for, in a sentence.
    pub what: String,
    /// What is changed, by `table.key` or `key`.
    #[serde(default)]
    pub change: BTreeMap<String, toml::Value>,
}

fn once() -> u32 {
    1
}

/// Minutes of a day and an hour.
const LONGEST_WATCH: f64 = 1500.0;

/// Runs of a session, at most.
const MOST_REPEATS: u32 = 20;

/// The bundled scenarios.
const BUNDLED: &[(&str, &str)] = &[
    ("as-alleged", include_str!("../scenarios/as-alleged.toml")),
    ("as-claimed", include_str!("../scenarios/as-claimed.toml")),
    ("behind-a-vpn", include_str!("../scenarios/behind-a-vpn.toml")),
    ("first-day", include_str!("../scenarios/first-day.toml")),
    ("in-china", include_str!("../scenarios/in-china.toml")),
    ("pair-enterprise", include_str!("../scenarios/pair-enterprise.toml")),
    ("pair-local-data-mode", include_str!("../scenarios/pair-local-data-mode.toml")),
    ("public-audits", include_str!("../scenarios/public-audits.toml")),
    ("twenty-minutes", include_str!("../scenarios/twenty-minutes.toml")),
];

impl Scenario {
    /// The names of the bundled scenarios, and what they show.
    pub fn bundled() -> Result<Vec<Self>, Error> {
        BUNDLED.iter().map(|(name, text)| Self::parse(name, text)).collect()
    }

    /// A bundled scenario, or that of a file.
    pub fn load(name: &str) -> Result<Self, Error> {
        if let Some((name, text)) = BUNDLED.iter().find(|(bundled, _)| *bundled == name) {
            return Self::parse(name, text);
        }
        let wrong = |why: String| Error::Scenario { what: name.to_owned(), why };
        let names: Vec<&str> = BUNDLED.iter().map(|(name, _)| *name).collect();
        let text = fs::read_to_string(name)
            .map_err(|error| wrong(format!("{error}; expected a file, or one of: {}", names.join(", "))))?;
        let stem = Path::new(name).file_stem().map_or_else(|| name.into(), |stem| stem.to_string_lossy());
        Self::parse(&stem, &text)
    }

    /// The scenario of a text.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let wrong = |why: String| Error::Scenario { what: name.to_owned(), why };
        let mut scenario: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        name.clone_into(&mut scenario.name);
        text.clone_into(&mut scenario.text);
        let mut named = scenario.switches.keys().chain(&scenario.keys.pinned);
        if let Some(unknown) = named.find(|name| behaviours::find(name).is_none()) {
            let known: Vec<&str> = behaviours::ALL.iter().map(|one| one.name).collect();
            return Err(wrong(format!(
                "no switch is called {unknown}; expected one of: {}",
                known.join(", ")
            )));
        }
        scenario.begins.parse::<jiff::Timestamp>().map_err(|error| wrong(format!("begins: {error}")))?;
        let Flight { near: (lat, lon), height_m, speed_m_s, minutes, .. } = scenario.flight;
        let possible = lat.abs() < 80.0
            && lon.abs() <= 180.0
            && (5.0..=500.0).contains(&height_m)
            && (1.0..=30.0).contains(&speed_m_s)
            && (0.0..=90.0).contains(&minutes);
        if !possible {
            return Err(wrong(
                "flight: expected a latitude below 80°, a height of 5 to 500 m, a speed of 1 to 30 m/s and at most 90 minutes"
                    .to_owned(),
            ));
        }
        let Device { model, firmware } = &scenario.device;
        let plain = |text: &str, also: &[char]| {
            let usual = |c: char| c.is_ascii_alphanumeric() || also.contains(&c);
            (1..=32).contains(&text.len()) && text.chars().all(usual)
        };
        if !plain(model, &[' ', '-', '.']) || !plain(firmware, &['-', '.']) {
            return Err(wrong(
                "device: expected 1 to 32 letters and digits, with points and hyphens".to_owned(),
            ));
        }
        let vpn = scenario.network.vpn.as_deref();
        if let Some(country) = vpn.filter(|one| vpn::countries().all(|country| country != *one)) {
            let known: Vec<&str> = vpn::countries().collect();
            let known = known.join(", ");
            return Err(wrong(format!("network.vpn: no exit is in {country}; expected one of: {known}")));
        }
        if !(0.0..=LONGEST_WATCH).contains(&scenario.user.watched_minutes) {
            return Err(wrong(format!("user.watched_minutes: expected 0 to {LONGEST_WATCH}")));
        }
        let mut folders = BTreeSet::new();
        for session in &scenario.sessions {
            if !(1..=MOST_REPEATS).contains(&session.repeats) {
                return Err(wrong(format!("session {}: expected 1 to {MOST_REPEATS} repeats", session.name)));
            }
            let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
            if session.name.is_empty() || !session.name.chars().all(word) || !folders.insert(&session.name) {
                let name = &session.name;
                return Err(wrong(format!(
                    "session: {name:?} is no name, expected letters, digits and -, once each"
                )));
            }
        }
        if scenario.sites.is_empty() || scenario.sites.len() > 12 {
            return Err(wrong("site: expected 1 to 12 of them".to_owned()));
        }
        Ok(scenario)
    }

    /// The same scenario, with another value of one key of a table, or of one beside the tables.
    pub(crate) fn with(&self, change: &str, value: &toml::Value) -> Result<Self, Error> {
        let wrong = |why: String| Error::Scenario { what: self.name.clone(), why };
        let mut document: toml::Table =
            self.text.parse().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
        match change.split_once('.') {
            Some((table, key)) => {
                let place = document.entry(table).or_insert_with(|| toml::Table::new().into());
                let place = place.as_table_mut().ok_or_else(|| wrong(format!("{table} is no table")))?;
                place.insert(key.to_owned(), value.clone());
            }
            None => {
                document.insert(change.to_owned(), value.clone());
            }
        }
        Self::parse(&self.name, &document.to_string())
    }

    /// Whether the app does something of itself: the switch is on, and there is something to do.
    pub fn does(&self, switch: &str) -> bool {
        let on = self.switches.get(switch).copied().unwrap_or(false);
        on && behaviours::find(switch).is_some_and(|behaviour| (behaviour.applies)(self))
    }

    /// Whether the aircraft takes off.
    pub(crate) fn flies(&self) -> bool {
        !self.flight.grounded
    }

    /// Whether third parties hear of faults and of use.
    pub(crate) fn diagnoses(&self) -> bool {
        self.settings.diagnostics || self.does("ignore-refused-diagnostics")
    }

    /// Whether the phone gives the app what it asks for.
    pub(crate) fn grants(&self) -> bool {
        !self.settings.reduced_entitlement
    }

    /// In which country the app believes to be: where two of three say so, the address, the position and the network's
    /// code; if all differ, where the address is.
    pub(crate) fn believes(&self) -> &str {
        let [ip, gps, mcc] = self.votes();
        if gps == mcc { gps } else { ip }
    }

    /// The country of the address that servers see, of the position and of the network.
    pub(crate) fn votes(&self) -> [&str; 3] {
        let mcc = match self.network.mcc {
            262 => "DE",
            310..=316 => "US",
            454 => "HK",
            460 | 461 => "CN",
            466 => "TW",
            505 => "AU",
            _ => "unknown",
        };
        let ip = self.network.vpn.as_ref().unwrap_or(&self.network.ip_country);
        [ip, &self.flight.country, mcc]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundled_scenarios_are_read_and_the_two_worlds_differ_in_their_switches_alone() {
        let all = Scenario::bundled().unwrap();
        let world = |name: &str| all.iter().find(|one| one.name == name).unwrap();
        let (alleged, claimed) = (world("as-alleged"), world("as-claimed"));
        let on = |world: &Scenario, name: &str| world.switches[name];
        for one in behaviours::ALL {
            // The maker says itself that local rules are obeyed.
            let claimed = on(claimed, one.name) == (one.name == "obey-chinese-rules");
            assert!(on(alleged, one.name) && claimed, "{}", one.name);
        }
        let plan = |one: &Scenario| {
            format!(
                "{:?} {:?} {:?} {:?} {:?} {:?}",
                one.begins, one.flight, one.sites, one.person, one.settings, one.network
            )
        };
        assert_eq!(plan(alleged), plan(claimed));
    }

    #[test]
    fn a_switch_that_is_not_there_is_told_with_those_that_are() {
        let text = BUNDLED[1].1.replace("[switches]", "[switches]\nupload-thoughts = true");
        let told = Scenario::parse("x", &text).unwrap_err().to_string();
        assert!(told.contains("upload-thoughts") && told.contains("upload-photos"), "{told}");
    }

    #[test]
    fn servers_see_the_country_of_the_exit_and_the_app_believes_by_it() {
        let china = Scenario::load("in-china").unwrap();
        // With a card of another country, the address decides.
        let visitor = china.with("network.mcc", &310.into()).unwrap();
        assert_eq!((visitor.votes(), visitor.believes()), (["CN", "CN", "US"], "CN"));
        let hidden = visitor.with("network.vpn", &"DE".into()).unwrap();
        assert_eq!((hidden.votes(), hidden.believes()), (["DE", "CN", "US"], "DE"));
        assert!(visitor.does("obey-chinese-rules") && !hidden.does("obey-chinese-rules"));
        let told = china.with("network.vpn", &"XX".into()).unwrap_err().to_string();
        assert!(told.contains("network.vpn") && told.contains("DE, HK"), "{told}");
    }

    #[test]
    fn a_device_has_a_name_that_can_stand_in_a_path() {
        let scenario = Scenario::load("as-claimed").unwrap();
        let other = scenario.with("device.firmware", &"04.00-rc1".into()).unwrap();
        assert_eq!((other.device.model.as_str(), other.device.firmware.as_str()), ("Q4 Survey", "04.00-rc1"));
        for wrong in ["", "../x", "a b"] {
            assert!(scenario.with("device.firmware", &wrong.into()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sessions_are_folders_of_their_own_and_a_key_may_stand_beside_the_tables() {
        let campaign = Scenario::load("public-audits").unwrap();
        for wrong in ["app-closed", "../idle", ""] {
            let text = campaign.text.replace("name = \"idle\"", &format!("name = \"{wrong}\""));
            assert!(Scenario::parse("x", &text).unwrap_err().to_string().contains("session"), "{wrong}");
        }
        let text = campaign.text.replacen("repeats = 3", "repeats = 0", 1);
        assert!(Scenario::parse("x", &text).is_err());
        let later = campaign.with("begins", &"2030-01-01T00:00:00Z".into()).unwrap();
        assert_eq!((later.begins.as_str(), later.sessions.len()), ("2030-01-01T00:00:00Z", 6));
    }
}
