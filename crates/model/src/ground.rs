//! The ground that a case is about: the protected places and zones that were met, and a drawing of them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Role, SiteSeen, ZoneSeen};

/// What was met on the way of the flights of a case.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Ground {
    /// Protected places.
    pub sites: Vec<SiteSeen>,
    /// Zones of airspace.
    pub zones: Vec<ZoneSeen>,
    /// Whether ways are so long, or registers so large, that not all was compared.
    pub beyond: bool,
    /// Where all that is, to be drawn; empty unless values may be shown.
    pub drawing: Drawing,
}

/// Ways, and what lies about them. Places are latitude and longitude in degrees.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Drawing {
    /// Ways, and whose they are; a way of one point is a place.
    pub ways: Vec<(Role, Vec<(f64, f64)>)>,
    /// Protected places that were met.
    pub sites: Vec<Outline>,
    /// Zones that were met.
    pub zones: Vec<Outline>,
    /// Parts of the ground that a camera's picture showed.
    pub looked_at: Vec<Vec<(f64, f64)>>,
}

/// A place or zone as it is drawn.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Outline {
    /// Its name.
    pub name: String,
    /// How it was met: `near`, `looked at`; `inside`, `uncertain`.
    pub how: Cow<'static, str>,
    /// Its lines, closed where they are rings; a line of one point is a place.
    pub lines: Vec<Vec<(f64, f64)>>,
}

impl Drawing {
    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.ways.is_empty()
    }
}
