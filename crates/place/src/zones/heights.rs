//! Heights: whether a place is below, within or above the limits of a zone.
//!
//! Limits and positions count from the ground, the sea, the ellipsoid, the place of take-off, or the standard pressure. Between sea
//! and ellipsoid lies the geoid, which is known to some metres; of the terrain there is no model. So one cannot be turned into another
//! exactly: each becomes the range in which it must lie, and only what the whole range says is said for certain.

use creance_model::AltReference;

use super::{Position, Sure};
use crate::geoid;
use crate::json::Json;

/// What a limit counts from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Datum {
    /// The ground below.
    Ground,
    /// Mean sea level.
    Sea,
    /// The ellipsoid of WGS 84.
    Ellipsoid,
    /// The level at which a standard atmosphere has 1013.25 hPa: flight levels.
    Pressure,
}

/// A limit: metres above a datum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Metres.
    pub metres: f64,
    /// Above what.
    pub datum: Datum,
}

/// The heights at which a zone holds. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Band {
    /// From here,
    pub lower: Option<Limit>,
    /// to here.
    pub upper: Option<Limit>,
}

/// How high something is, and above what if that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Height {
    /// Metres.
    pub metres: f64,
    /// Above what.
    pub reference: Option<AltReference>,
}

/// Ground above the sea, in metres: the shore of the Dead Sea, the top of Everest.
const GROUND: [f64; 2] = [-440.0, 8_849.0];

/// Metres as high as no aircraft goes: 99999, 9999 and 999 hundred feet stand for no limit.
const HIGHEST: f64 = 30_000.0;

/// A range of metres.
type Range = [f64; 2];

const ANY: Range = [f64::NEG_INFINITY, f64::INFINITY];

impl Limit {
    /// Metres above a datum.
    pub const fn new(metres: f64, datum: Datum) -> Self {
        Self { metres, datum }
    }
}

/// Where something lies to a band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    pub(super) within: Sure,
    /// Metres to the nearer limit, negative within, if both count from the same.
    pub(super) margin_m: Option<f64>,
    /// Metres that it is beyond a limit at the least.
    pub(super) beyond_m: f64,
}

impl Band {
    /// A band of these limits; what says nothing is left out: ground, and what is as high as no aircraft goes. `Err`: nothing
    /// could fly between them, so they are wrong, and the band holds everywhere.
    pub fn new(lower: Option<Limit>, upper: Option<Limit>) -> Result<Self, &'static str> {
        let lower = lower.filter(|limit| !(limit.datum == Datum::Ground && limit.metres <= 0.0));
        let upper = upper.filter(|limit| limit.metres < HIGHEST);
        match (lower, upper) {
            (Some(low), _) if low.metres.is_nan() || low.metres >= HIGHEST => {
                Err("its lower limit is higher than anything flies")
            }
            (Some(low), Some(high)) if low.datum == high.datum && low.metres >= high.metres => {
                Err("its upper limit is not above the lower one")
            }
            (lower, Some(high))
                if high.metres <= 0.0 && lower.is_none_or(|lower| lower.datum != high.datum) =>
            {
                Err("its upper limit is nothing or below, and no lower one lies below it")
            }
            _ => Ok(Self { lower, upper }),
        }
    }

    /// Whether it holds at all heights.
    pub const fn is_unlimited(&self) -> bool {
        self.lower.is_none() && self.upper.is_none()
    }

    /// Where a height at a place lies to it.
    pub(super) fn level(&self, height: Option<Height>, at: Position) -> Level {
        self.between(&[(height, at)])
    }

    /// Where something lies to it that is no lower than the lowest of these heights and no higher than the highest.
    pub(super) fn between(&self, heights: &[(Option<Height>, Position)]) -> Level {
        let mut level = Level { within: Sure::Yes, margin_m: None, beyond_m: 0.0 };
        for (limit, sign) in [(self.lower, -1.0), (self.upper, 1.0)] {
            let Some(Limit { metres, datum }) = limit else { continue };
            let unknown = if datum == Datum::Ground { [0.0, f64::INFINITY] } else { ANY };
            let each =
                heights.iter().map(|(height, at)| height.map_or(unknown, |one| above(one, datum, *at)));
            let [low, high] =
                each.reduce(|one, other| [one[0].min(other[0]), one[1].max(other[1])]).unwrap_or(unknown);
            // How far beyond the limit, at the least and at the most.
            let beyond =
                if sign > 0.0 { [low - metres, high - metres] } else { [metres - high, metres - low] };
            let within = if beyond[0] > 0.0 {
                Sure::No
            } else if beyond[1] <= 0.0 {
                Sure::Yes
            } else {
                Sure::Unknown
            };
            level.within = level.within.and(within);
            level.beyond_m = level.beyond_m.max(beyond[0]);
            if (beyond[1] - beyond[0]).abs() < 1e-6 {
                level.margin_m = Some(level.margin_m.map_or(beyond[0], |margin: f64| margin.max(beyond[0])));
            }
        }
        if level.within == Sure::No && level.margin_m.is_some_and(|margin| margin <= 0.0) {
            // It is the other limit that keeps it out.
            level.margin_m = None;
        }
        level
    }
}

/// The range of heights above a datum that a height at a place may be.
fn above(height: Height, datum: Datum, [lon, lat]: Position) -> Range {
    let Height { metres, reference } = height;
    let geoid = || geoid::range(lat, lon);
    let sea = || match reference {
        Some(AltReference::Amsl) => [metres, metres],
        Some(AltReference::Ellipsoid) => {
            let [low, high] = geoid();
            [metres - high, metres - low]
        }
        Some(AltReference::Ground | AltReference::TakeOff) => [metres + GROUND[0], metres + GROUND[1]],
        // Any of them.
        None => [(metres - geoid()[1]).min(metres + GROUND[0]), metres + GROUND[1]],
    };
    match (datum, reference) {
        (Datum::Ground, Some(AltReference::Ground)) | (Datum::Ellipsoid, Some(AltReference::Ellipsoid)) => {
            [metres, metres]
        }
        // What flies is not below the ground.
        (Datum::Ground, _) => {
            let [low, high] = sea();
            [(low - GROUND[1]).max(0.0), (high - GROUND[0]).max(0.0)]
        }
        (Datum::Sea, _) => sea(),
        (Datum::Ellipsoid, _) => {
            let ([low, high], [least, most]) = (sea(), geoid());
            [low + least, high + most]
        }
        (Datum::Pressure, _) => pressure(sea()),
    }
}

/// Pressure altitude: the pressure at sea is within 300 m and 600 m of standard, and warm and cold air stretch it by a fifth.
fn pressure([low, high]: Range) -> Range {
    [low - low.abs() * 0.2 - 300.0, high + high.abs() * 0.2 + 600.0]
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.datum {
            Datum::Pressure => write!(f, "FL{:.0}", self.metres / 0.3048 / 100.0),
            Datum::Ground if self.metres <= 0.0 => f.write_str("ground"),
            Datum::Ground => write!(f, "{:.0} m above ground", self.metres),
            Datum::Sea => write!(f, "{:.0} m above sea", self.metres),
            Datum::Ellipsoid => write!(f, "{:.0} m above the ellipsoid", self.metres),
        }
    }
}

impl std::fmt::Display for Band {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.lower, self.upper) {
            (None, None) => f.write_str("all heights"),
            (None, Some(upper)) => write!(f, "up to {upper}"),
            (Some(lower), None) => write!(f, "from {lower}"),
            (Some(lower), Some(upper)) => write!(f, "{lower} to {upper}"),
        }
    }
}

/// Metres of a foot.
pub(super) const FOOT: f64 = 0.3048;

/// Metres of a unit of heights, by its name. Without one it is the format's own, if that has one; a blank one is none.
pub(super) fn unit(name: Option<&Json>, own: Option<f64>) -> Result<f64, &'static str> {
    let Some(name) = name else { return own.ok_or("the unit of its limits is not said") };
    match name.text().unwrap_or_default().to_ascii_lowercase().as_str() {
        "m" | "mt" | "mtr" | "meter" | "metre" | "meters" | "metres" => Ok(1.0),
        "ft" | "foot" | "feet" => Ok(FOOT),
        "" => Err("the unit of its limits is not said"),
        _ => Err("the unit of its limits is neither metres nor feet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AltReference::{Amsl, Ellipsoid, Ground, TakeOff};

    fn band(lower: f64, upper: f64, datum: Datum) -> Band {
        Band::new(Some(Limit::new(lower, datum)), Some(Limit::new(upper, datum))).unwrap()
    }

    /// Bern, where the geoid is 49.5 m above the ellipsoid.
    const BERN: Position = [7.45, 46.95];

    fn level(band: Band, metres: f64, reference: Option<AltReference>) -> Sure {
        band.level(Some(Height { metres, reference }), BERN).within
    }

    #[test]
    fn only_what_is_certain_is_said() {
        let ground = band(0.0, 120.0, Datum::Ground);
        for (metres, reference, within) in [
            (119.0, Some(Ground), Sure::Yes),
            (121.0, Some(Ground), Sure::No),
            (119.0, Some(Amsl), Sure::Unknown),
            (9_500.0, Some(Amsl), Sure::No),
            (60.0, Some(TakeOff), Sure::Unknown),
            (60.0, None, Sure::Unknown),
        ] {
            assert_eq!(level(ground, metres, reference), within, "{metres} {reference:?}");
        }
        let sea = band(0.0, 300.0, Datum::Sea);
        for (metres, reference, within) in [
            (299.0, Some(Amsl), Sure::Yes),
            (301.0, Some(Amsl), Sure::No),
            (335.0, Some(Ellipsoid), Sure::Yes),
            (350.0, Some(Ellipsoid), Sure::Unknown),
            (364.0, Some(Ellipsoid), Sure::No),
            (50.0, Some(Ground), Sure::Unknown),
        ] {
            assert_eq!(level(sea, metres, reference), within, "{metres} {reference:?}");
        }
        assert_eq!(sea.level(None, BERN), Level { within: Sure::Unknown, margin_m: None, beyond_m: 0.0 });
        let far = ground.level(Some(Height { metres: 9_500.0, reference: Some(Amsl) }), BERN);
        assert_eq!((far.margin_m, far.beyond_m), (None, 9_500.0 - 8_849.0 - 120.0));
        let exact = sea.level(Some(Height { metres: 290.0, reference: Some(Amsl) }), BERN);
        assert_eq!(exact.margin_m, Some(-10.0));
        let mixed = Band::new(Some(Limit::new(100.0, Datum::Ground)), Some(Limit::new(300.0, Datum::Sea)));
        let over = mixed.unwrap().level(Some(Height { metres: 9_500.0, reference: Some(Ground) }), BERN);
        assert_eq!(
            (over.within, over.margin_m),
            (Sure::No, None),
            "above the upper limit wherever the ground lies"
        );
        let ellipsoid = band(0.0, 300.0, Datum::Ellipsoid);
        for (metres, reference, within) in [
            (299.0, Ellipsoid, Sure::Yes),
            (237.0, Amsl, Sure::Yes),
            (245.0, Amsl, Sure::Unknown),
            (264.0, Amsl, Sure::No),
        ] {
            assert_eq!(level(ellipsoid, metres, Some(reference)), within, "{metres} {reference:?}");
        }
        let levels = Band::new(Some(Limit::new(100.0 * 100.0 * FOOT, Datum::Pressure)), None).unwrap();
        assert_eq!(
            (level(levels, 120.0, Some(Amsl)), level(levels, 3000.0, Some(Amsl))),
            (Sure::No, Sure::Unknown)
        );
    }

    #[test]
    fn what_limits_nothing_is_no_limit() {
        let band =
            Band::new(Some(Limit::new(0.0, Datum::Ground)), Some(Limit::new(99_999.0, Datum::Sea))).unwrap();
        assert!(band.is_unlimited() && band.level(None, BERN).within == Sure::Yes);
        let new = |lower: f64, of: Datum, upper: f64, to: Datum| {
            Band::new(Some(Limit::new(lower, of)), Some(Limit::new(upper, to)))
        };
        for (lower, of, upper, to) in [
            (100.0, Datum::Sea, 50.0, Datum::Sea),
            (0.0, Datum::Ground, 0.0, Datum::Sea),
            (100.0, Datum::Ground, -1.0, Datum::Sea),
            (f64::INFINITY, Datum::Sea, 100_000.0, Datum::Sea),
            (f64::NAN, Datum::Sea, 100.0, Datum::Sea),
        ] {
            assert!(new(lower, of, upper, to).is_err(), "{lower} {upper}");
        }
        assert!(Band::new(None, Some(Limit::new(0.0, Datum::Pressure))).is_err());
        assert!(new(-430.0, Datum::Sea, -300.0, Datum::Sea).is_ok(), "by the Dead Sea");
    }
}
