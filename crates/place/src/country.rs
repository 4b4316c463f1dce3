//! ISO 3166-1 alpha-2 codes. CN, HK, MO and TW are four codes and are never merged.

use std::fmt;

/// Two capital letters.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Country([u8; 2]);

impl Country {
    /// Two ASCII capitals, else nothing.
    pub fn new(text: &str) -> Option<Self> {
        <[u8; 2]>::try_from(text.as_bytes()).ok().and_then(Self::from_bytes)
    }

    /// The open sea, beyond every territorial sea: `XZ`, as UN/LOCODE has it (ISO 3166 leaves XA to XZ to its users).
    pub const OPEN_SEA: Self = Self(*b"XZ");
    /// Mainland China.
    pub const CN: Self = Self(*b"CN");

    /// Two ASCII capitals, else nothing.
    pub(crate) fn from_bytes(code: [u8; 2]) -> Option<Self> {
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.0;
        write!(f, "{}{}", char::from(first), char::from(second))
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
