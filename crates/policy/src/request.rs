//! What is asked: who, what, to whom, in what circumstances. Each fact may be missing.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    str::FromStr,
    sync::LazyLock,
};

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression as Value,
};
use creance_model::{DataClass, FlightState, Timestamp, Visibility};

use crate::Fact;

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Action {
    /// To begin a conversation.
    Connect,
    /// To say something in it.
    Send,
}

impl Action {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Connect, Self::Send];

    /// Its name in the schema and in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Send => "send",
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Device {
    /// Its name: as whoever runs the gateway calls it, else its hardware address, else its address.
    pub name: String,
    /// Its address.
    pub ip: Option<IpAddr>,
    /// Its hardware address: twelve hex digits in lower case, with colons.
    pub mac: Option<String>,
    /// The app that speaks.
    pub app: Option<String>,
    /// The groups of devices that it is in. One that is in none is in none: that is no missing fact.
    pub groups: Vec<String>,
    /// The groups that the app is in; they count where the app is known.
    pub app_groups: Vec<String>,
}

/// To whom.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Destination {
    /// Its name.
    pub host: Option<String>,
    /// Its address.
    pub ip: Option<IpAddr>,
    /// The port.
    pub port: Option<u16>,
    /// Who runs it, as `knowledge/organisations` calls it.
    pub organization: Option<String>,
    /// Where bytes land: ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Whose law its operator answers to: ISO 3166-1 alpha-2.
    pub control: Option<String>,
    /// The autonomous system.
    pub asn: Option<u32>,
    /// The region of an object store, `none` where the name is of none.
    pub storage_region: Option<String>,
    /// Whether it is an edge of a CDN, or anycast.
    pub edge: Option<bool>,
}

/// What the law of the place asks for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Duty {
    /// To cut the aircraft's reports to the authority in flight is unlawful.
    ReportFlight,
}

impl Duty {
    /// All of them.
    pub const ALL: &[Self] = &[Self::ReportFlight];

    /// Its name in the schema.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReportFlight => "report-flight",
        }
    }
}

/// In what circumstances.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Circumstances {
    /// What the aircraft does. `unknown` is as none.
    pub flight: Option<FlightState>,
    /// Where it may be: ISO 3166-1 alpha-2, one, or all that the sources name.
    pub region: Option<Vec<String>>,
    /// What the law asks for there.
    pub duties: Option<Vec<Duty>>,
    /// When.
    pub time: Option<Timestamp>,
    /// The mission.
    pub mission: Option<String>,
    /// Who answers for it.
    pub operator: Option<String>,
}

/// What is sent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Content {
    /// The classes that were found in it; none where it was not looked at, or could not be read.
    pub data: Option<Vec<DataClass>>,
    /// Whether it could be read.
    pub visibility: Option<Visibility>,
}

/// A request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// What is asked for.
    pub action: Action,
    /// Who asks.
    pub device: Device,
    /// To whom.
    pub destination: Destination,
    /// In what circumstances.
    pub circumstances: Circumstances,
    /// What is sent; not looked at where the action is to connect.
    pub content: Content,
}

impl From<&creance_model::Destination> for Destination {
    /// What an audit knows of it. A country that is but a guess is not known; the storage region is not looked up.
    fn from(known: &creance_model::Destination) -> Self {
        // The server that is asked for a name is not where that name lies.
        let named = known.host_basis.as_deref() != Some("dns-query");
        let sure = matches!(known.country_confidence.as_str(), "high" | "moderate");
        Self {
            host: known.host.clone().filter(|_| named),
            ip: known.ip.as_ref().and_then(|ip| ip.parse().ok()),
            port: Some(known.port),
            organization: known.organization.clone(),
            country: known.country.clone().filter(|_| sure),
            control: known.control.clone(),
            asn: known.asn,
            storage_region: None,
            edge: Some(known.edge),
        }
    }
}

impl Request {
    /// Whether a fact is known.
    pub fn knows(&self, fact: Fact) -> bool {
        let (device, destination, context) = (&self.device, &self.destination, &self.circumstances);
        fact.applies(self.action)
            && match fact {
                Fact::App => device.app.is_some(),
                Fact::DeviceIp => device.ip.is_some(),
                Fact::Mac => device.mac.is_some(),
                Fact::Host => destination.host.is_some(),
                Fact::Ip => destination.ip.is_some(),
                Fact::Port => destination.port.is_some(),
                Fact::Organization => destination.organization.is_some(),
                Fact::Country => country(destination.country.as_deref()).is_some(),
                Fact::Control => country(destination.control.as_deref()).is_some(),
                Fact::Asn => destination.asn.is_some(),
                Fact::StorageRegion => destination.storage_region.is_some(),
                Fact::Edge => destination.edge.is_some(),
                Fact::Flight => flight(context.flight).is_some(),
                Fact::Region => context.region.is_some(),
                Fact::Duties => context.duties.is_some(),
                Fact::Time => context.time.is_some(),
                Fact::Mission => context.mission.is_some(),
                Fact::Operator => context.operator.is_some(),
                Fact::Data => self.content.data.is_some(),
                Fact::Visibility => self.content.visibility.is_some(),
            }
    }

    /// The domains that the destination is in: its name, and every one above.
    pub(crate) fn domains(&self) -> impl Iterator<Item = &str> {
        let host = self.destination.host.as_deref();
        std::iter::successors(host, |name| name.split_once('.').map(|(_, above)| above))
            .filter(|name| !name.is_empty())
            // No name of the DNS has more labels (RFC 1035 §2.3.4).
            .take(128)
    }

    /// The groups of apps that the device is in.
    pub(crate) fn app_groups(&self) -> &[String] {
        if self.device.app.is_some() { &self.device.app_groups } else { &[] }
    }

    /// A fact whose value is words or a name of the schema, as the schema has it.
    pub(crate) fn word(&self, fact: Fact) -> Option<&str> {
        let (destination, context) = (&self.destination, &self.circumstances);
        match fact {
            Fact::App => self.device.app.as_deref(),
            Fact::Mac => self.device.mac.as_deref(),
            Fact::Host => destination.host.as_deref(),
            Fact::Organization => destination.organization.as_deref(),
            Fact::Country => country(destination.country.as_deref()),
            Fact::Control => country(destination.control.as_deref()),
            Fact::StorageRegion => destination.storage_region.as_deref(),
            Fact::Flight => flight(context.flight),
            Fact::Mission => context.mission.as_deref(),
            Fact::Operator => context.operator.as_deref(),
            Fact::Visibility => self.content.visibility.map(Visibility::name),
            _ => None,
        }
    }

    /// A fact whose value is a number.
    pub(crate) fn number(&self, fact: Fact) -> Option<i64> {
        match fact {
            Fact::Port => self.destination.port.map(i64::from),
            Fact::Asn => self.destination.asn.map(i64::from),
            _ => None,
        }
    }

    /// A fact whose value is an address.
    pub(crate) fn address(&self, fact: Fact) -> Option<IpAddr> {
        match fact {
            Fact::DeviceIp => self.device.ip,
            Fact::Ip => self.destination.ip,
            _ => None,
        }
    }

    /// A fact whose value is a list of names of the schema.
    pub(crate) fn list(&self, fact: Fact) -> Option<Vec<&str>> {
        match fact {
            Fact::Region => Some(self.circumstances.region.as_ref()?.iter().map(String::as_str).collect()),
            Fact::Duties => {
                Some(self.circumstances.duties.as_ref()?.iter().map(|duty| duty.name()).collect())
            }
            Fact::Data => Some(self.content.data.as_ref()?.iter().map(|class| class.name()).collect()),
            _ => None,
        }
    }

    fn value(&self, fact: Fact) -> Option<Value> {
        let set = |of| {
            let names = self.list(fact)?;
            Some(Value::new_set(names.into_iter().map(|name| named(of, name))))
        };
        let types = &*TYPES;
        match fact {
            Fact::DeviceIp | Fact::Ip => self.address(fact).map(|ip| Value::new_ip(ip.to_string())),
            Fact::Port | Fact::Asn => self.number(fact).map(Value::new_long),
            Fact::Edge => self.destination.edge.map(Value::new_bool),
            Fact::Country | Fact::Control => self.word(fact).map(|code| named(&types.country, code)),
            Fact::Flight => self.word(fact).map(|state| named(&types.flight, state)),
            Fact::Visibility => self.word(fact).map(|how| named(&types.visibility, how)),
            Fact::Region => set(&types.country),
            Fact::Duties => set(&types.duty),
            Fact::Data => set(&types.data),
            // Whole seconds of RFC 3339, as Cedar reads them.
            Fact::Time => {
                let written = self.circumstances.time?.to_string();
                written.get(..19).map(|seconds| Value::new_datetime(format!("{seconds}Z")))
            }
            Fact::App
            | Fact::Mac
            | Fact::Host
            | Fact::Organization
            | Fact::StorageRegion
            | Fact::Mission
            | Fact::Operator => self.word(fact).map(|word| Value::new_string(word.to_owned())),
        }
    }

    /// The request as Cedar takes it, with the facts that are asked for and known.
    pub(crate) fn ask(&self, asked: &[Fact]) -> Result<(cedar_policy::Request, Entities), String> {
        let of = |owner: &'static str| -> HashMap<String, Value> {
            let own = asked.iter().filter(|fact| fact.attribute().0 == owner && fact.applies(self.action));
            own.filter_map(|fact| Some((fact.attribute().1.to_owned(), self.value(*fact)?))).collect()
        };
        let types = &*TYPES;
        let device = uid(&types.device, &self.device.name);
        let end = self.destination.host.clone();
        let end = end.or_else(|| self.destination.ip.map(|ip| ip.to_string())).unwrap_or_default();
        let destination = uid(&types.destination, &end);
        let groups = self.device.groups.iter().map(|group| uid(&types.device_group, group));
        let apps = self.app_groups().iter().map(|group| uid(&types.app_group, group));
        let within: HashSet<EntityUid> = groups.chain(apps).collect();
        let domains: HashSet<EntityUid> = self.domains().map(|name| uid(&types.domain, name)).collect();
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let entities = [
            Entity::new(device.clone(), of("principal"), within).map_err(|error| said(&error))?,
            Entity::new(destination.clone(), of("resource"), domains).map_err(|error| said(&error))?,
        ];
        let entities = Entities::from_entities(entities, None).map_err(|error| said(&error))?;
        let context = Context::from_pairs(of("context")).map_err(|error| said(&error))?;
        let action = uid(&types.action, self.action.name());
        let request = cedar_policy::Request::new(device, action, destination, context, None)
            .map_err(|error| said(&error))?;
        Ok((request, entities))
    }
}

/// A code that the schema has: two capitals.
fn country(code: Option<&str>) -> Option<&str> {
    code.filter(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn flight(state: Option<FlightState>) -> Option<&'static str> {
    state.filter(|state| *state != FlightState::Unknown).map(FlightState::name)
}

fn named(of: &EntityTypeName, id: &str) -> Value {
    Value::new_entity_uid(uid(of, id))
}

fn uid(of: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(of.clone(), EntityId::new(id))
}

/// The names of the schema's types, parsed once.
struct Types {
    device: EntityTypeName,
    device_group: EntityTypeName,
    app_group: EntityTypeName,
    destination: EntityTypeName,
    domain: EntityTypeName,
    action: EntityTypeName,
    flight: EntityTypeName,
    country: EntityTypeName,
    visibility: EntityTypeName,
    duty: EntityTypeName,
    data: EntityTypeName,
}

#[expect(clippy::expect_used, reason = "each is a plain word of ours; a test reads them all")]
static TYPES: LazyLock<Types> = LazyLock::new(|| {
    let name = |word| EntityTypeName::from_str(word).expect("a plain word");
    Types {
        device: name("Device"),
        device_group: name("DeviceGroup"),
        app_group: name("AppGroup"),
        destination: name("Destination"),
        domain: name("Domain"),
        action: name("Action"),
        flight: name("Flight"),
        country: name("Country"),
        visibility: name("Visibility"),
        duty: name("Duty"),
        data: name("Data"),
    }
});
