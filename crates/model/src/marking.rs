//! How far something may be passed on: the Traffic Light Protocol, version 2.0 (FIRST, August 2022).

use crate::class::named;

named! {
    /// A label of the Traffic Light Protocol, from the freest to the strictest.
    Tlp {
        /// To everybody.
        Clear = "clear",
        /// Within the community of the recipient.
        Green = "green",
        /// Within the recipient's organisation and its clients, to those who need to know.
        Amber = "amber",
        /// Within the recipient's organisation alone.
        AmberStrict = "amber+strict",
        /// To the recipients themselves alone.
        Red = "red",
    }
}

impl Tlp {
    /// The label as it is written: in capitals, without a space.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Clear => "TLP:CLEAR",
            Self::Green => "TLP:GREEN",
            Self::Amber => "TLP:AMBER",
            Self::AmberStrict => "TLP:AMBER+STRICT",
            Self::Red => "TLP:RED",
        }
    }
}

/// What a case shows is of somebody's own devices: it is for them and for those who work for them.
impl Default for Tlp {
    fn default() -> Self {
        Self::Amber
    }
}
