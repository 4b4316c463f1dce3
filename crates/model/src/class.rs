//! What kind of data, how it was recognised, how much it matters.

macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum $name { $($(#[$variant_meta])* $variant,)* }

        impl $name {
            /// All of them, in the order reports list them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in outputs and in canary files.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The one with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'d> serde::Deserialize<'d> for $name {
            fn deserialize<D: serde::Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'d, str> as serde::Deserialize>::deserialize(deserializer)?;
                Self::from_name(&name).ok_or_else(|| {
                    serde::de::Error::custom(concat!("it names no ", stringify!($name), " that this version knows"))
                })
            }
        }
    };
}
pub(crate) use named;

named! {
    /// The kind of data that left.
    DataClass {
        /// Where something is or was.
        Location = "location",
        /// Pictures.
        Imagery = "imagery",
        /// Moving pictures.
        Video = "video",
        /// Sound.
        Audio = "audio",
        /// Faces, or vectors made from them.
        Face = "face",
        /// Records of a flight.
        FlightLog = "flight-log",
        /// Names of people.
        PersonName = "person-name",
        /// E-mail addresses.
        Email = "email",
        /// Telephone numbers.
        Phone = "phone",
        /// Passwords, tokens, keys.
        Credential = "credential",
        /// Names or numbers of accounts.
        AccountId = "account-id",
        /// Identifiers of phones and tablets.
        DeviceId = "device-id",
        /// Serial numbers of aircraft and their parts.
        Serial = "serial",
        /// Entries of address books.
        Contacts = "contacts",
        /// Messages, call logs and their metadata.
        Messages = "messages",
        /// Lists of installed apps.
        InstalledApps = "installed-apps",
        /// Wi-Fi names, hardware addresses, cells.
        NetworkInfo = "network-info",
        /// Hashes of files.
        FileHash = "file-hash",
    }
}

impl DataClass {
    /// Whether a tool that says the one where the truth is the other raises no false alarm, though it names no leak
    /// (docs/corpus.md).
    pub fn is_near(self, other: Self) -> bool {
        const NEAR: &[[DataClass; 2]] = &[
            [DataClass::AccountId, DataClass::Credential],
            [DataClass::AccountId, DataClass::Serial],
            [DataClass::Audio, DataClass::Video],
            [DataClass::Contacts, DataClass::Messages],
            [DataClass::Contacts, DataClass::PersonName],
            [DataClass::Contacts, DataClass::Phone],
            [DataClass::Credential, DataClass::Email],
            [DataClass::DeviceId, DataClass::Serial],
            [DataClass::Face, DataClass::Imagery],
            [DataClass::FlightLog, DataClass::Imagery],
            [DataClass::FlightLog, DataClass::Location],
            [DataClass::FlightLog, DataClass::Video],
            [DataClass::Imagery, DataClass::Video],
            [DataClass::Messages, DataClass::PersonName],
            [DataClass::Messages, DataClass::Phone],
        ];
        NEAR.iter().any(|pair| *pair == [self, other] || *pair == [other, self])
    }
}

named! {
    /// How we know what it is; the first is the strongest. Also the order in which matches fold together.
    Match {
        /// A value planted by the examiner.
        Canary = "canary",
        /// Content, value or hash found on the examined card or phone.
        Device = "device",
        /// Coordinates on the known flight track.
        Track = "track",
        /// A described endpoint.
        Adapter = "adapter",
        /// A named field with a value of valid shape.
        Structured = "structured",
        /// Shape alone; never makes a headline.
        Pattern = "pattern",
        /// An opaque upload as long as a file of the device.
        Size = "size",
    }
}

named! {
    /// How much a finding matters: data class × destination × context. Levels of `--fail-on`.
    Severity {
        /// Context.
        Info = "info",
        /// Minor.
        Low = "low",
        /// Worth acting on.
        Medium = "medium",
        /// Serious.
        High = "high",
        /// The worst.
        Critical = "critical",
    }
}
