//! Whatever of a case has a place: what GeoJSON and KML draw.

use creance_model::{Report, Tlp};

/// Something with a place.
pub(crate) struct Feature {
    /// What it is called.
    pub(crate) name: String,
    /// `origin`, `aircraft`, `camera`, `home`, `operator`, `target`, `site`, `zone`, `looked at`.
    pub(crate) kind: String,
    /// What else is to be said.
    pub(crate) says: String,
    /// How far it may be passed on.
    pub(crate) tlp: Tlp,
    /// Lines, latitude and longitude in degrees: a line of one point is a place, a closed one an area.
    pub(crate) lines: Vec<Vec<(f64, f64)>>,
}

/// All of them. Of a case whose values are masked it is at most where our side was, in whole degrees.
pub(crate) fn features(report: &Report) -> Vec<Feature> {
    let mut features = Vec::new();
    let mut add = |name: &str, kind: &str, says: &str, lines: Vec<Vec<(f64, f64)>>| {
        let lines: Vec<_> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        if !lines.is_empty() {
            features.push(Feature {
                name: name.to_owned(),
                kind: kind.to_owned(),
                says: says.to_owned(),
                tlp: report.tlp,
                lines,
            });
        }
    };
    if let Some(origin) = &report.origin {
        let says = if report.revealed {
            origin.basis.clone()
        } else {
            format!("{}, in whole degrees", origin.basis)
        };
        add("our side", "origin", &says, vec![vec![(origin.lat, origin.lon)]]);
    }
    let drawing = &report.ground.drawing;
    for (role, way) in &drawing.ways {
        add(role.name(), role.name(), "by flight logs and telemetry", vec![way.clone()]);
    }
    for (kind, outlines) in [("site", &drawing.sites), ("zone", &drawing.zones)] {
        for one in outlines {
            add(&one.name, kind, &one.how, one.lines.clone());
        }
    }
    for ground in &drawing.looked_at {
        let mut ring = ground.clone();
        ring.extend(ground.first().copied());
        add("ground that a camera showed", "looked at", "", vec![ring]);
    }
    features
}

/// Whether a line is the edge of an area.
pub(crate) fn is_closed(line: &[(f64, f64)]) -> bool {
    line.len() > 3 && line.first() == line.last()
}
