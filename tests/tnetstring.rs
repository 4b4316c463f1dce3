//! Flow files of mitmproxy, written: its values as tnetstrings.
//!
//! ```text
//! length ":" content kind
//! ```

/// A value of mitmproxy's flow files.
pub enum Net<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// Text.
    Text(&'a str),
    /// A whole number.
    Number(u64),
    /// A number with a point, as it is written.
    Seconds(&'a str),
    /// Whether something is so.
    Flag(bool),
    /// Nothing.
    Null,
    /// A list.
    List(Vec<Self>),
    /// Values by names.
    Object(Vec<(&'a str, Self)>),
}

impl Net<'_> {
    /// Its bytes.
    pub fn written(&self) -> Vec<u8> {
        let (kind, content) = match self {
            Self::Bytes(bytes) => (b',', bytes.to_vec()),
            Self::Text(text) => (b';', text.as_bytes().to_vec()),
            Self::Number(number) => (b'#', number.to_string().into_bytes()),
            Self::Seconds(number) => (b'^', number.as_bytes().to_vec()),
            Self::Flag(flag) => (b'!', flag.to_string().into_bytes()),
            Self::Null => (b'~', Vec::new()),
            Self::List(values) => (b']', values.iter().flat_map(Self::written).collect()),
            Self::Object(fields) => {
                let field =
                    |(key, value): &(&str, Self)| [Net::Text(key).written(), value.written()].concat();
                (b'}', fields.iter().flat_map(field).collect())
            }
        };
        [content.len().to_string().as_bytes(), b":", &content, &[kind]].concat()
    }
}
