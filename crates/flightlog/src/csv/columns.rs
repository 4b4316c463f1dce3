//! What the columns of a table are, by their names: those of Airdata and `HealthyDrones`, Litchi, the exporters of DJI flight
//! records (`OSD.latitude`, `HOME.latitude`, `APPGPS.latitude`), and plain ones.

use creance_model::{AltReference, Component, DataClass, Role};

/// A name in small letters with `_` for blanks, and the unit behind it: `Max height [ft]` is `max_height` in `ft`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Name {
    /// As it stands in the file.
    pub(super) written: String,
    small: String,
    unit: String,
}

impl Name {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let written = String::from_utf8_lossy(bytes).trim().to_owned();
        let small = written.to_lowercase();
        let bracketed = |open, close| small.strip_suffix(close).and_then(|rest| rest.rsplit_once(open));
        let (name, unit) = bracketed('(', ')').or(bracketed('[', ']')).unwrap_or((&small, ""));
        let small = name.trim().replace([' ', '-'], "_");
        Self { small, unit: unit.trim().to_owned(), written }
    }

    /// Without the table before it (`DETAILS.street`), and with all words joined: `pilotname`.
    pub(super) fn bare(&self) -> String {
        self.small.rsplit('.').next().unwrap_or_default().replace('_', "")
    }

    fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.small.as_str())
    }

    pub(super) fn has(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.small.contains(word))
    }

    /// How many metres one is.
    fn metres(&self) -> f64 {
        let feet = matches!(self.unit.as_str(), "ft" | "feet" | "foot")
            || self.small.ends_with("_ft")
            || self.small.ends_with("_feet");
        if feet { 0.3048 } else { 1.0 }
    }

    /// Of a latitude or longitude: whose it is, as it is written, and whether it is a latitude.
    fn degrees(&self) -> Option<(&str, bool)> {
        let endings = [("latitude", true), ("lat", true), ("longtitude", false), ("longitude", false)]
            .into_iter()
            .chain([("long", false), ("lng", false), ("lon", false)]);
        endings.into_iter().find_map(|(ending, latitude)| {
            let before = self.small.strip_suffix(ending)?;
            let owner = before.trim_end_matches(['_', '.', ' ', '-']);
            (owner.len() < before.len() || owner.is_empty() || role(owner).is_some())
                .then_some((owner, latitude))
        })
    }
}

/// Whose a place is, by the word before `latitude`.
fn role(owner: &str) -> Option<Role> {
    Some(match owner {
        "" | "osd" | "aircraft" | "drone" | "uav" | "uas" | "vehicle" | "gps" => Role::Aircraft,
        "home" | "homepoint" | "home_point" | "takeoff" | "take_off" => Role::Home,
        "operator" | "pilot" | "rc" | "rcgps" | "user" | "appgps" | "app_gps" | "app" | "phone"
        | "mobile" | "remote" | "controller" | "gcs" => Role::Operator,
        "poi" | "target" | "waypoint" => Role::Target,
        _ => return None,
    })
}

/// Columns of a table; exports have some hundred.
const MOST: usize = 1000;

/// Where the time stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Times {
    /// In one column.
    Whole(usize),
    /// The date in one, the time of day in another.
    Split(usize, usize),
}

/// Latitude and longitude of somebody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Pair {
    pub(super) role: Role,
    pub(super) lat: usize,
    pub(super) lon: usize,
}

/// Height above something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Height {
    pub(super) column: usize,
    pub(super) metres: f64,
    pub(super) reference: Option<AltReference>,
}

/// What a column says of who and what it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Identity {
    /// A value by which somebody or something is known again.
    Known(DataClass, Option<Component>),
    /// What somebody called the aircraft.
    AircraftName,
    /// A postal address or a grid reference.
    Address,
    /// What somebody wrote down.
    Comment,
}

/// What is where.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    pub(super) names: Vec<Name>,
    pub(super) times: Option<Times>,
    /// Whether times are local ones.
    pub(super) local: bool,
    /// Milliseconds from some beginning.
    pub(super) milliseconds: Option<usize>,
    pub(super) pairs: Vec<Pair>,
    /// Further columns that hold latitudes and longitudes, of whatever.
    pub(super) other_degrees: Vec<usize>,
    pub(super) height: Option<Height>,
    /// Heights above the sea, and those that do not say above what.
    pub(super) above_sea: Vec<usize>,
    /// Degrees of the camera: yaw from north, pitch from the horizon, and roll.
    pub(super) yaw: Option<usize>,
    pub(super) pitch: Option<usize>,
    pub(super) roll: Option<usize>,
    /// Degrees that the picture is wide.
    pub(super) width: Option<usize>,
    /// Whether it flies, or is armed.
    pub(super) flying: Option<usize>,
    pub(super) photo: Option<usize>,
    pub(super) identities: Vec<(usize, Identity)>,
    pub(super) messages: Vec<usize>,
    pub(super) model: Option<usize>,
    /// The app and its version.
    pub(super) app: [Option<usize>; 2],
    /// Rows are what somebody planned, not what happened.
    pub(super) planned: bool,
}

impl Columns {
    pub(super) fn of<'a>(header: impl Iterator<Item = &'a [u8]>) -> Self {
        // One more than there may be shows that there are too many.
        let names: Vec<Name> = header.take(MOST + 1).map(Name::of).collect();
        let column = |wanted: &dyn Fn(&Name) -> bool| names.iter().position(wanted);
        let find = |wanted: &[&str]| column(&|name| name.is(wanted));
        let degrees = |wanted: &[&str]| column(&|name| name.is(wanted) && !name.unit.starts_with("rad"));
        // Litchi's missions: how far to cut a corner is nothing that a log could say.
        let planned = find(&["curvesize"]).is_some();
        let (times, local) = times(&names);
        let (mut pairs, other_degrees) = pairs(&names);
        if planned {
            for pair in &mut pairs {
                pair.role = Role::Target;
            }
        }
        let identities = names.iter().enumerate().filter_map(|(at, name)| Some((at, identity(name)?)));
        let messages = ["message", "app.message", "app.tip", "app.warn", "app.warning"];
        let messages = names.iter().enumerate().filter(|(_, name)| name.is(&messages)).map(|(at, _)| at);
        Self {
            times,
            local,
            milliseconds: column(&|name| {
                name.is(&["time"]) && matches!(name.unit.as_str(), "millisecond" | "milliseconds" | "ms")
            }),
            pairs,
            other_degrees,
            height: height(&names),
            above_sea: if planned { Vec::new() } else { above_sea(&names) },
            yaw: degrees(&["gimbal_heading", "gimbal_yaw", "gimbal.yaw", "gimbalheading", "gimbalyaw"]),
            pitch: degrees(&["gimbal_pitch", "gimbal.pitch", "gimbalpitch"]),
            roll: degrees(&["gimbal_roll", "gimbal.roll", "gimbalroll"]),
            width: degrees(&["hfov", "horizontal_fov", "field_of_view"]),
            flying: find(&[
                "is_flying",
                "isflying",
                "armed",
                "is_armed",
                "osd.ismotoron",
                "osd.ismotorup",
                "ismotoron",
                "ismotorson",
            ]),
            photo: find(&["isphoto", "is_photo", "camera.isphoto"]),
            identities: identities.collect(),
            messages: messages.collect(),
            model: find(&["osd.dronetype", "drone_model", "aircraft_model", "drone_type"]),
            app: [
                find(&["details.appname", "recover.apptype"]),
                find(&["details.appversion", "app_version"]),
            ],
            planned,
            names,
        }
    }

    /// Whether the table is of a flight, or of one that is planned.
    pub(super) fn is_flight(&self) -> bool {
        if self.names.len() > MOST {
            return false;
        }
        let dated = self.times.is_some() && (!self.pairs.is_empty() || self.flying.is_some());
        let exported = self.names.iter().any(|name| name.is(&["osd.latitude"]));
        (self.planned && !self.pairs.is_empty()) || dated || exported
    }
}

/// Whether text may begin with a header for which [`Columns::is_flight`]: a name that it must have stands in it. Of most text
/// this is soon told, and no header is read.
pub(super) fn may_be_flight(text: &[u8]) -> bool {
    // Where a word stands, by a letter of it that is rare.
    let ends = |word: &'static [u8], letter: usize| {
        let rare = word.get(letter).copied().unwrap_or_default();
        memchr::memchr2_iter(rare, rare.to_ascii_uppercase(), text).filter_map(move |at| {
            let rest = text.get(at.checked_sub(letter)?..)?;
            behind(rest, word)
        })
    };
    ends(b"time", 2).any(ends_a_time)
        || ends(b"curvesize", 5).next().is_some()
        || ends(b"osd.latitude", 8).next().is_some()
}

/// What stands behind a word in small letters, if bytes begin with it, in whatever case.
fn behind<'a>(bytes: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = bytes.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

/// Whether the name of a column may end behind its `time`, as those of [`times`] do.
fn ends_a_time(rest: &[u8]) -> bool {
    let endings: [&[u8]; 4] = [b"stamp", b"_utc", b" utc", b"-utc"];
    let rest = endings.into_iter().find_map(|ending| behind(rest, ending)).unwrap_or(rest);
    // A unit in brackets may follow, and what is no ASCII may be a blank.
    let next = rest.iter().find(|byte| !matches!(byte, b'"' | b' ' | 0x0b | 0x0c));
    next.is_none_or(|byte| matches!(byte, b',' | b';' | b'\t' | b'\r' | b'\n' | b'(' | b'[' | 128..))
}

fn times(names: &[Name]) -> (Option<Times>, bool) {
    let moments = ["time", "datetime_utc", "timestamp", "datetime", "time_utc", "utc_time"];
    let at = |names: &[Name], wanted: &[&str], local: bool| {
        names.iter().position(|name| {
            let unit = name.unit.as_str();
            let counts = matches!(unit, "ms" | "millisecond" | "milliseconds" | "s" | "sec" | "seconds");
            name.is(wanted) && (unit == "local") == local && (!counts || name.small == "timestamp")
        })
    };
    for local in [false, true] {
        for (date, time) in [("custom.date", "custom.updatetime"), ("date", "time")] {
            if let Some((date, time)) = at(names, &[date], local).zip(at(names, &[time], local)) {
                return (Some(Times::Split(date, time)), local);
            }
        }
        if let Some(whole) = at(names, &moments, local) {
            return (Some(Times::Whole(whole)), local);
        }
    }
    (None, false)
}

/// Latitudes with their longitudes, and what is left over.
fn pairs(names: &[Name]) -> (Vec<Pair>, Vec<usize>) {
    let degrees: Vec<(usize, &str, bool)> = names
        .iter()
        .enumerate()
        .filter_map(|(at, name)| name.degrees().map(|(owner, latitude)| (at, owner, latitude)))
        .collect();
    let (mut pairs, mut used) = (Vec::new(), Vec::new());
    for &(lat, owner, _) in degrees.iter().filter(|(.., latitude)| *latitude) {
        let lon = degrees.iter().find(|(_, of, latitude)| *of == owner && !latitude);
        if let Some((role, (lon, ..))) = role(owner).zip(lon)
            && !used.contains(lon)
        {
            pairs.push(Pair { role, lat, lon: *lon });
            used.extend([lat, *lon]);
        }
    }
    let others = degrees.iter().map(|(at, ..)| *at).filter(|at| !used.contains(at)).collect();
    (pairs, others)
}

/// The best height there is: above where it took off, before one above the sea, before one that does not say.
fn height(names: &[Name]) -> Option<Height> {
    let exact = |wanted: &'static [&'static str], reference| {
        (names.iter().position(|name| name.is(wanted)), Some(reference))
    };
    let begins =
        names.iter().position(|name| name.small.starts_with("alt") || name.small.starts_with("height"));
    [
        exact(
            &["osd.height", "height_above_takeoff", "ascent", "rel_alt", "relative_altitude"],
            AltReference::TakeOff,
        ),
        exact(&["altitude_above_sealevel", "alt_msl", "altitude_amsl", "abs_alt"], AltReference::Amsl),
        (begins, None),
    ]
    .into_iter()
    .find_map(|(column, reference)| {
        let column = column?;
        Some(Height { column, metres: names.get(column)?.metres(), reference })
    })
}

/// Heights that are not said to be above where it took off or above ground.
fn above_sea(names: &[Name]) -> Vec<usize> {
    let is = |name: &Name| {
        name.is(&["alt"])
            || name.has(&["altitude", "alt_", "_alt", "amsl", "msl", "sealevel"])
                && !name.has(&["rel", "takeoff", "take_off", "ground", "mode", "agl"])
    };
    names.iter().enumerate().filter(|(_, name)| is(name)).map(|(at, _)| at).collect()
}

fn identity(name: &Name) -> Option<Identity> {
    let known = |class| Some(Identity::Known(class, None));
    let part = || {
        let parts: [(&[&str], Component); 6] = [
            (&["camera"], Component::Camera),
            (&["battery"], Component::Battery),
            (&["gimbal"], Component::Gimbal),
            (&["phone", "tablet", "mobile"], Component::Phone),
            (&["rc", "controller", "remote"], Component::Controller),
            (&["aircraft", "drone", "uav", "uas"], Component::Aircraft),
        ];
        // `aircraft` holds `rc`, and that of flight is no remote one.
        let bare = name.bare().replace("aircraft", "drone").replace("flightcontroller", "drone");
        parts
            .into_iter()
            .find(|(words, _)| words.iter().any(|word| bare.contains(word)))
            .map(|(_, part)| part)
    };
    let whole = name.bare();
    let is = |names: &[&str]| names.contains(&whole.as_str());
    let has = |words: &[&str]| words.iter().any(|word| whole.contains(word));
    // `RC SN`, `rc_sn`, `OSD.sn`, `RemoteSN`.
    let joined = name.written.strip_suffix("SN").is_some_and(|of| of.ends_with(char::is_lowercase));
    let is_serial = name.has(&["serial"])
        || is(&["sn", "aircraftsn", "dronesn", "camerasn", "rcsn", "batterysn", "flightcontrollersn"])
        || name.small.strip_suffix("sn").is_some_and(|owner| owner.ends_with(['_', '.']))
        || joined;
    if is_serial {
        return Some(Identity::Known(DataClass::Serial, part()));
    }
    if is(&["uasid", "uavid", "remoteid", "droneid", "aircraftid"]) {
        return Some(Identity::Known(DataClass::Serial, Some(Component::Aircraft)));
    }
    if has(&["email"]) {
        return known(DataClass::Email);
    }
    if is(&["phone", "telephone", "tel"]) || has(&["phonenumber", "mobilenumber"]) {
        return known(DataClass::Phone);
    }
    if is(&["account", "accountid", "userid", "username", "operatorid", "pilotid"]) {
        return known(DataClass::AccountId);
    }
    let people =
        ["pilot", "operator", "owner", "user", "copilot", "observer", "customer", "client", "author"];
    let names = ["pilotincommand", "firstname", "lastname", "surname", "fullname"];
    if people.contains(&whole.strip_suffix("name").unwrap_or(&whole)) || is(&names) || has(&["pilotname"]) {
        return known(DataClass::PersonName);
    }
    if is(&["imei", "androidid", "deviceid", "uuid", "deviceuuid"]) {
        return known(DataClass::DeviceId);
    }
    if is(&["ssid", "bssid", "mac", "macaddress", "wifissid"]) {
        return known(DataClass::NetworkInfo);
    }
    if has(&["aircraftname", "dronename", "vehiclename", "uavname"]) {
        return Some(Identity::AircraftName);
    }
    if is(COMMENTS) {
        return Some(Identity::Comment);
    }
    (is(ADDRESSES) || has(GRIDS)).then_some(Identity::Address)
}

/// What somebody wrote down.
const COMMENTS: &[&str] = &[
    "comment",
    "comments",
    "description",
    "flightname",
    "flighttitle",
    "missionname",
    "note",
    "notes",
    "remark",
    "remarks",
    "tags",
    "title",
];

/// Systems of naming places, whosever.
const GRIDS: &[&str] = &["mgrs", "geohash", "easting", "northing", "pluscode", "what3words"];

const ADDRESSES: &[&str] = &[
    "utme",
    "utmn",
    "w3w",
    "gridreference",
    "address",
    "street",
    "substreet",
    "city",
    "town",
    "village",
    "suburb",
    "district",
    "county",
    "province",
    "area",
    "postcode",
    "zip",
    "zipcode",
    "location",
    "place",
    "placename",
    "site",
    "sitename",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(header: &str) -> Columns {
        Columns::of(header.split(',').map(str::as_bytes))
    }

    #[test]
    fn addresses_are_known_behind_the_name_of_their_table() {
        let columns = columns("DETAILS.street,DETAILS.subStreet,details.City,area,OSD.flycState");
        let all: Vec<usize> = columns.identities.iter().map(|(column, _)| *column).collect();
        assert_eq!(all, [0, 1, 2, 3]);
        assert!(columns.identities.iter().all(|(_, identity)| *identity == Identity::Address));
    }

    #[test]
    fn blanks_and_joined_words_are_as_good_as_lines() {
        let of = |header: &str| columns(header).identities.first().map(|(_, identity)| *identity);
        let serial = |part| Some(Identity::Known(DataClass::Serial, Some(part)));
        assert_eq!(of("RC SN"), serial(Component::Controller));
        assert_eq!(of("FlightController SN"), serial(Component::Aircraft));
        assert_eq!(of("GimbalSN"), serial(Component::Gimbal));
        for (header, class) in [
            ("Pilot Name", DataClass::PersonName),
            ("DETAILS.operatorName", DataClass::PersonName),
            ("Pilot-in-Command", DataClass::PersonName),
            ("E-Mail", DataClass::Email),
            ("Phone Number", DataClass::Phone),
            ("User Name", DataClass::AccountId),
        ] {
            assert_eq!(of(header), Some(Identity::Known(class, None)), "{header}");
        }
        assert_eq!(of("Drone Name"), Some(Identity::AircraftName));
        for header in ["Flight Title", "Comment"] {
            assert_eq!(of(header), Some(Identity::Comment), "{header}");
        }
        for header in ["What3Words", "Plus Code", "Home Easting"] {
            assert_eq!(of(header), Some(Identity::Address), "{header}");
        }
        for header in ["rc_rudder", "flycState", "Pilot Battery", "ISO"] {
            assert_eq!(of(header), None, "{header}");
        }
        let pairs = columns("Home Latitude,Home Longitude").pairs;
        assert_eq!(pairs, [Pair { role: Role::Home, lat: 0, lon: 1 }]);
    }

    #[test]
    fn exports_of_flight_records_are_understood() {
        let columns = columns(
            "CUSTOM.date [local], CUSTOM.updateTime [local], OSD.flyTime [s], OSD.latitude, OSD.longitude, \
             OSD.altitude [ft], OSD.height [ft], OSD.heightMax [ft], OSD.isMotorOn, CAMERA.isPhoto, HOME.latitude, \
             HOME.longitude, RECOVER.aircraftName, RECOVER.rcSerial, DETAILS.aircraftSerial, APPGPS.latitude, \
             APPGPS.longitude, APP.tip",
        );
        assert!(columns.is_flight() && columns.local);
        assert_eq!(columns.times, Some(Times::Split(0, 1)));
        let pairs: Vec<_> = columns.pairs.iter().map(|pair| (pair.role, pair.lat, pair.lon)).collect();
        assert_eq!(pairs, [(Role::Aircraft, 3, 4), (Role::Home, 10, 11), (Role::Operator, 15, 16)]);
        let height = columns.height.unwrap();
        assert_eq!(
            (height.column, height.metres, height.reference),
            (6, 0.3048, Some(AltReference::TakeOff))
        );
        assert_eq!((columns.flying, columns.photo, &columns.messages[..]), (Some(8), Some(9), &[17][..]));
        let serial = |part| Identity::Known(DataClass::Serial, Some(part));
        let wanted = [
            (12, Identity::AircraftName),
            (13, serial(Component::Controller)),
            (14, serial(Component::Aircraft)),
        ];
        assert_eq!(columns.identities, wanted);
    }

    #[test]
    fn airdata_is_understood() {
        let columns = columns(
            "time(millisecond),datetime(utc),latitude,longitude,height_above_takeoff(feet),altitude_above_seaLevel(feet)",
        );
        assert_eq!((columns.times, columns.local), (Some(Times::Whole(1)), false));
        assert_eq!(columns.milliseconds, Some(0));
        assert_eq!(columns.height.unwrap().column, 4);
    }

    #[test]
    fn tables_of_something_else_are_none_of_a_flight() {
        for header in
            ["time,action,detail", "name,latitude,longitude,sector", "", "host,bytes", "time,plate,flat"]
        {
            assert!(!columns(header).is_flight(), "{header}");
        }
        let mission =
            columns("latitude,longitude,altitude(m),heading(deg),curvesize(m),poi_latitude,poi_longitude");
        assert!(mission.is_flight() && mission.pairs.iter().all(|pair| pair.role == Role::Target));
    }

    #[test]
    fn degrees_of_whatever_are_known_as_such() {
        let columns = columns("time,lat,lng,home_lon,max_latitude,flat,homelat");
        assert_eq!(columns.pairs.len(), 2);
        assert_eq!(columns.other_degrees, [4]);
    }

    #[test]
    fn no_header_of_a_flight_is_passed_over() {
        for (delimiter, header) in [
            (',', "time,lat,lon"),
            (',', "Time(millisecond),datetime(utc),Latitude,Longitude"),
            (';', "\"datetime (utc)\";\"latitude\";\"longitude\""),
            (',', "UTC time , lat, lon"),
            ('\t', "id\ttimestamp [ms]\tgps_lat\tgps_lon"),
            (',', "Datetime-UTC\u{a0},armed"),
            (',', "CUSTOM.date [local],CUSTOM.updateTime [local],OSD.isMotorUp"),
            (',', "date,TIME,lat,LNG"),
            (',', "latitude,longitude,curvesize(m)"),
            (',', "OSD.Latitude,x"),
        ] {
            let names = header.split(delimiter).map(|cell| cell.trim_matches('"').as_bytes());
            assert!(Columns::of(names).is_flight(), "{header}");
            assert!(may_be_flight(header.as_bytes()), "{header}");
        }
    }

    #[test]
    fn most_text_is_passed_over() {
        for text in [
            "{\"time\":1780000000000,\"lat\":24.8,\"lon\":120.9}",
            "{\"timestamp\" : 1, \"uptime_ms\": 2}",
            "2026-05-28 10:00:00.000 D Gimbal[1200]: timeout=3, runtime: 4",
            "app_key=a&ts=1&lat=24.8&time=1",
            "",
        ] {
            assert!(!may_be_flight(text.as_bytes()), "{text}");
        }
    }
}
