//! What may be typed for `creance region`.

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use creance_model::Severity;
use creance_place::Country;
use creance_place::region::address::Exit;
use creance_place::region::position::Doubt;

use super::severity;

pub(super) const EXAMPLES: &str = "\
Examples:
  creance region --gps 22.5316,114.1130 --mcc 454 --ip 203.198.7.66
  creance region --mcc 440 --sim-mcc 460 --ip 223.104.1.1 --exit mobile        a guest whose traffic is carried home
  creance region --gps 41.67,-93.72 --told CN --host api-cn.example.com        the app believes something else
  creance region flight.pcapng --keys flight.keys --flight flight.tlog --device phone/
  creance region --gps 41.67,-93.72 --duties                                   what the law there asks for
  creance region --fleet fleet.csv --fail-on medium                            checks registrations against it

The three answers: where the aircraft is, what its app believes, where the data went. CN, HK, MO and TW are four answers;
XZ is the open sea. A border nearer than the error, and a disputed area, are contested whatever else is said.";

/// What is known.
#[derive(Args, Debug)]
pub(crate) struct Region {
    /// Captures and recordings, as for audit: what they say is added to what the options say.
    #[arg(value_name = "INPUT")]
    pub(crate) inputs: Vec<String>,
    /// A TLS key log in the NSS format.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
    /// A flight log of the aircraft.
    #[arg(long, value_name = "LOG")]
    pub(crate) flight: Vec<PathBuf>,
    /// A folder with the content of the phone: its settings are read.
    #[arg(long, value_name = "DIR")]
    pub(crate) device: Vec<PathBuf>,
    /// What the user did (CSV: time,action,detail).
    #[arg(long, value_name = "FILE")]
    pub(crate) actions: Option<PathBuf>,
    /// Your own statements about destinations, as for audit.
    #[arg(long, value_name = "FILE")]
    pub(crate) destinations: Option<PathBuf>,
    /// A network that is ours.
    #[arg(long, value_name = "CIDR")]
    pub(crate) inside: Vec<creance_flow::IpNet>,
    /// An address that the device's traffic came from.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) ip: Vec<IpAddr>,
    /// How traffic comes to that address, where you know it: `fixed` (a line), `mobile` (a network), `hosting` (a rented machine or
    /// VPN), `satellite`.
    #[arg(long, value_name = "HOW", value_parser = exit)]
    pub(crate) exit: Option<Exit>,
    /// A place that the aircraft's receiver says (WGS 84), with its error in metres if it is known.
    #[arg(long, value_name = "LAT,LON[,ERROR]", value_parser = place, allow_hyphen_values = true)]
    pub(crate) gps: Vec<Place>,
    /// A place that the phone's or controller's receiver says.
    #[arg(long, value_name = "LAT,LON[,ERROR]", value_parser = place, allow_hyphen_values = true)]
    pub(crate) phone_gps: Vec<Place>,
    /// Why receivers should not be believed: jump, simulator, stale, height, time, apart.
    #[arg(long, value_name = "TELL", value_parser = doubt)]
    pub(crate) doubt: Vec<Doubt>,
    /// The country code of the mobile network that serves the device; the network's own may follow (46001).
    #[arg(long, visible_alias = "network-mcc", value_name = "CODE", value_parser = mcc)]
    pub(crate) mcc: Vec<u16>,
    /// The country code of its SIM.
    #[arg(long, value_name = "CODE", value_parser = mcc)]
    pub(crate) sim_mcc: Vec<u16>,
    /// The device's time zone, as tzdata names it.
    #[arg(long, visible_alias = "time-zone", value_name = "ZONE", allow_hyphen_values = true)]
    pub(crate) timezone: Vec<String>,
    /// The device's language tag.
    #[arg(long, value_name = "TAG")]
    pub(crate) locale: Vec<String>,
    /// A host that the app uses.
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Vec<String>,
    /// The country that a server told the app to take.
    #[arg(long, value_name = "CC", value_parser = country)]
    pub(crate) told: Option<Country>,
    /// The country that the aircraft's Wi-Fi names (802.11d).
    #[arg(long, value_name = "CC", value_parser = country)]
    pub(crate) wifi_country: Option<Country>,
    /// The country that a maker's command set its radio to.
    #[arg(long, value_name = "CC", value_parser = country)]
    pub(crate) duml_country: Option<Country>,
    /// A country that the app remembers, and for how long: days, or with h for hours (CN,12h).
    #[arg(long, value_name = "CC,AGE", value_parser = cached)]
    pub(crate) cached: Option<(Country, Days)>,
    /// Coordinates that the app sent, to be held against --gps: in which datum are they? Give two or more, in the order of
    /// those of --gps.
    #[arg(long, value_name = "LAT,LON", value_parser = place, allow_hyphen_values = true)]
    pub(crate) sent: Vec<Place>,
    /// What the app calls the datum of its coordinates: WGS-84, GCJ-02, BD-09.
    #[arg(long, value_name = "DATUM")]
    pub(crate) datum: Option<String>,
    /// The app makes its user log in before flight.
    #[arg(long)]
    pub(crate) forced_login: bool,
    /// Lists what the law asks for there.
    #[arg(long)]
    pub(crate) duties: bool,
    /// Checks a list of aircraft (CSV with a header: serial, registration, operator, country, `mass_g`, `remote_id`) against the
    /// duties.
    #[arg(long, value_name = "FILE")]
    pub(crate) fleet: Option<PathBuf>,
    /// Exits with 1 when answers that differ are at this level or over it; faults of the fleet's list are medium.
    #[arg(long, value_name = "LEVEL", value_parser = severity)]
    pub(crate) fail_on: Option<Severity>,
    /// What is printed on stdout.
    #[arg(long, value_enum, default_value_t = RegionFormat::Text)]
    pub(crate) format: RegionFormat,
}

/// A format of answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum RegionFormat {
    /// For people: one screen.
    Text,
    /// One document, `creance.region/1`.
    Json,
}

/// A place with its error in metres.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    pub(crate) error_m: Option<f64>,
}

/// A time in days.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Days(pub(crate) f64);

fn place(text: &str) -> Result<Place, String> {
    let numbers: Option<Vec<f64>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some([lat, lon]) => Ok(Place { lat: *lat, lon: *lon, error_m: None }),
        Some([lat, lon, error]) if *error >= 0.0 => Ok(Place { lat: *lat, lon: *lon, error_m: Some(*error) }),
        _ => {
            Err("expected latitude and longitude in degrees, such as 24.80,120.97, and perhaps metres"
                .to_owned())
        }
    }
}

fn mcc(text: &str) -> Result<u16, String> {
    let fair = matches!(text.len(), 3 | 5 | 6) && text.bytes().all(|byte| byte.is_ascii_digit());
    let code = text.get(..3).filter(|_| fair).and_then(|code| code.parse().ok());
    code.ok_or_else(|| "expected three digits, such as 460, or five or six with the network's own".to_owned())
}

fn country(text: &str) -> Result<Country, String> {
    Country::new(&text.to_ascii_uppercase()).ok_or_else(|| "expected two letters, such as HK".to_owned())
}

fn cached(text: &str) -> Result<(Country, Days), String> {
    let expected = || "expected a country and an age, such as CN,3 (days) or CN,12h".to_owned();
    let (code, age) = text.split_once(',').ok_or_else(expected)?;
    let age = age.trim();
    let (number, hours) = match age.strip_suffix('h') {
        Some(hours) => (hours, 24.0),
        None => (age.strip_suffix('d').unwrap_or(age), 1.0),
    };
    let number: f64 = number.parse().map_err(|_| expected())?;
    if number.is_nan() || number < 0.0 {
        return Err(expected());
    }
    Ok((country(code.trim())?, Days(number / hours)))
}

fn exit(text: &str) -> Result<Exit, String> {
    let names = Exit::ALL.map(Exit::name).join(", ");
    Exit::ALL.into_iter().find(|exit| exit.name() == text).ok_or_else(|| format!("expected one of {names}"))
}

fn doubt(text: &str) -> Result<Doubt, String> {
    let names = Doubt::ALL.map(Doubt::name).join(", ");
    Doubt::ALL
        .into_iter()
        .find(|doubt| doubt.name() == text)
        .ok_or_else(|| format!("expected one of {names}"))
}
