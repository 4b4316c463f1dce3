//! In what circumstances something was sent.

use crate::{Timestamp, class::named};
use serde::{Deserialize, Serialize};

named! {
    /// What the aircraft was doing.
    FlightState {
        /// Powered off; needs evidence.
        Off = "off",
        /// Powered, not armed, not in the air.
        Ground = "ground",
        /// Armed or in the air.
        Flying = "flying",
        /// No evidence either way.
        Unknown = "unknown",
    }
}

named! {
    /// What the app was doing.
    AppState {
        /// In front of the user.
        Foreground = "foreground",
        /// Running behind another app or a locked screen.
        Background = "background",
        /// The phone was locked (and the app not known to be open).
        Locked = "locked",
        /// Not running, as far as the user can tell.
        Closed = "closed",
        /// No evidence.
        Unknown = "unknown",
    }
}

named! {
    /// What made the app send.
    Trigger {
        /// No fitting user action came before.
        Automatic = "automatic",
        /// A fitting user action came just before.
        User = "user",
        /// No action log covers the moment.
        Unknown = "unknown",
    }
}

/// A stretch of time in one state: from `from` up to, not including, `to`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Interval<S> {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// The state.
    pub state: S,
    /// What says so: `mavlink in the capture`, `flight.tlog`, `actions.csv`, …
    pub source: String,
}
