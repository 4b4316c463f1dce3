//! The facts that a policy may ask for, each of which may be missing.

use cedar_policy::pst::Var;

use crate::Action;

/// A fact that may be missing: an optional attribute of the schema.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Fact {
    /// The app that speaks; the groups of apps that the device is in follow from it.
    App,
    /// The address of the device.
    DeviceIp,
    /// The hardware address of the device.
    Mac,
    /// The name of the destination; the domains that it is in follow from it.
    Host,
    /// The address of the destination.
    Ip,
    /// The port.
    Port,
    /// Who runs the destination.
    Organization,
    /// Where bytes land.
    Country,
    /// Whose law the operator of the destination answers to.
    Control,
    /// The autonomous system of the destination.
    Asn,
    /// The region of the object store.
    StorageRegion,
    /// Whether the destination is an edge.
    Edge,
    /// The flight state.
    Flight,
    /// Where the aircraft may be.
    Region,
    /// What the law there asks for.
    Duties,
    /// When.
    Time,
    /// The mission.
    Mission,
    /// Who answers for it.
    Operator,
    /// The classes of data.
    Data,
    /// Whether the content could be read.
    Visibility,
}

impl Fact {
    /// All of them, in the order of the schema.
    pub const ALL: &[Self] = &[
        Self::App,
        Self::DeviceIp,
        Self::Mac,
        Self::Host,
        Self::Ip,
        Self::Port,
        Self::Organization,
        Self::Country,
        Self::Control,
        Self::Asn,
        Self::StorageRegion,
        Self::Edge,
        Self::Flight,
        Self::Region,
        Self::Duties,
        Self::Time,
        Self::Mission,
        Self::Operator,
        Self::Data,
        Self::Visibility,
    ];

    /// Whose attribute it is, and its name in the schema.
    pub const fn attribute(self) -> (&'static str, &'static str) {
        match self {
            Self::App => ("principal", "app"),
            Self::DeviceIp => ("principal", "ip"),
            Self::Mac => ("principal", "mac"),
            Self::Host => ("resource", "host"),
            Self::Ip => ("resource", "ip"),
            Self::Port => ("resource", "port"),
            Self::Organization => ("resource", "organization"),
            Self::Country => ("resource", "country"),
            Self::Control => ("resource", "control"),
            Self::Asn => ("resource", "asn"),
            Self::StorageRegion => ("resource", "storage_region"),
            Self::Edge => ("resource", "edge"),
            Self::Flight => ("context", "flight"),
            Self::Region => ("context", "region"),
            Self::Duties => ("context", "duties"),
            Self::Time => ("context", "time"),
            Self::Mission => ("context", "mission"),
            Self::Operator => ("context", "operator"),
            Self::Data => ("context", "data"),
            Self::Visibility => ("context", "visibility"),
        }
    }

    /// What it is, in words that follow "it is not known".
    pub const fn words(self) -> &'static str {
        match self {
            Self::App => "which app speaks",
            Self::DeviceIp => "which address the device has",
            Self::Mac => "which hardware address the device has",
            Self::Host => "which name the destination has",
            Self::Ip => "which address the destination has",
            Self::Port => "which port it is",
            Self::Organization => "who runs the destination",
            Self::Country => "in which country the destination is",
            Self::Control => "whose law the destination answers to",
            Self::Asn => "in which autonomous system the destination is",
            Self::StorageRegion => "in which storage region it lands",
            Self::Edge => "whether the destination is an edge",
            Self::Flight => "whether an aircraft flies",
            Self::Region => "in which country the aircraft is",
            Self::Duties => "which duties hold where the aircraft is",
            Self::Time => "what time it is",
            Self::Mission => "which mission it is",
            Self::Operator => "who answers for it",
            Self::Data => "what is sent",
            Self::Visibility => "whether the content could be read",
        }
    }

    /// What it is called, in words that precede "is …".
    pub const fn noun(self) -> &'static str {
        match self {
            Self::App => "the app",
            Self::DeviceIp => "the address of the device",
            Self::Mac => "the hardware address of the device",
            Self::Host => "the name of the destination",
            Self::Ip => "the address of the destination",
            Self::Port => "the port",
            Self::Organization => "the organisation behind the destination",
            Self::Country => "the country of the destination",
            Self::Control => "the law that the destination answers to",
            Self::Asn => "the autonomous system of the destination",
            Self::StorageRegion => "the storage region",
            Self::Edge => "the destination's being an edge",
            Self::Flight => "the flight state",
            Self::Region => "where the aircraft may be",
            Self::Duties => "what the law there asks for",
            Self::Time => "the time",
            Self::Mission => "the mission",
            Self::Operator => "the operator",
            Self::Data => "what is sent",
            Self::Visibility => "the visibility of the content",
        }
    }

    /// Whether requests of this action have it at all: what is said is not known before a conversation has begun.
    pub const fn applies(self, action: Action) -> bool {
        match self {
            Self::Data | Self::Visibility => matches!(action, Action::Send),
            _ => true,
        }
    }

    /// Whether its value is a word, or a name of the schema.
    pub(crate) const fn is_word(self) -> bool {
        matches!(
            self,
            Self::App
                | Self::Mac
                | Self::Host
                | Self::Organization
                | Self::Country
                | Self::Control
                | Self::StorageRegion
                | Self::Flight
                | Self::Mission
                | Self::Operator
                | Self::Visibility
        )
    }

    /// The fact behind an attribute.
    pub(crate) fn of(owner: &Var, name: &str) -> Option<Self> {
        let owner = var_name(owner);
        Self::ALL.iter().copied().find(|fact| fact.attribute() == (owner, name))
    }

    /// The variable that has it.
    pub(crate) fn owner(self) -> Var {
        match self.attribute().0 {
            "principal" => Var::Principal,
            "resource" => Var::Resource,
            _ => Var::Context,
        }
    }
}

fn var_name(var: &Var) -> &'static str {
    match var {
        Var::Principal => "principal",
        Var::Action => "action",
        Var::Resource => "resource",
        Var::Context => "context",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_schemas() {
        let fragment = cedar_policy::SchemaFragment::from_cedarschema_str(crate::SCHEMA).unwrap().0;
        let json = fragment.to_json_value().unwrap();
        let namespace = &json[""];
        let of = |shape: &serde_json::Value| -> Vec<String> {
            let attributes = shape["attributes"].as_object().unwrap();
            assert!(attributes.values().all(|one| one["required"] == false), "{shape}");
            attributes.keys().cloned().collect()
        };
        let listed = |owner, action| -> Vec<String> {
            let facts = Fact::ALL.iter().filter(|fact| fact.applies(action) && fact.attribute().0 == owner);
            let mut names: Vec<String> = facts.map(|fact| fact.attribute().1.to_owned()).collect();
            names.sort();
            names
        };
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        let entities = &namespace["entityTypes"];
        assert_eq!(sorted(of(&entities["Device"]["shape"])), listed("principal", Action::Connect));
        assert_eq!(sorted(of(&entities["Destination"]["shape"])), listed("resource", Action::Connect));
        let connect = &namespace["commonTypes"]["Circumstances"];
        assert_eq!(sorted(of(connect)), listed("context", Action::Connect));
        let send = &namespace["actions"]["send"]["appliesTo"]["context"];
        assert_eq!(sorted(of(send)), listed("context", Action::Send));
    }
}
