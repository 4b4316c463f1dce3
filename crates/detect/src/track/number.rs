//! Written numbers, and what degrees they may mean.

/// A number as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    /// What it says.
    pub(super) value: f64,
    /// Digits behind its point.
    pub(super) decimals: u32,
}

/// The longest number: a double with all its digits and its sign.
const LONGEST: usize = 26;

impl Number {
    /// A whole text that is a number: a sign, digits, a point, digits.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (negative, digits) = match text.split_first()? {
            (b'-', digits) => (true, digits),
            (b'+', digits) => (false, digits),
            _ => (false, text),
        };
        let (mut mantissa, mut decimals, mut behind, mut any) = (0_u64, 0, false, false);
        let mut long = false;
        for byte in digits {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    decimals += u32::from(behind);
                    match mantissa.checked_mul(10).and_then(|more| more.checked_add(u64::from(byte - b'0'))) {
                        Some(more) => mantissa = more,
                        None => long = true,
                    }
                }
                b'.' if !behind => behind = true,
                _ => return None,
            }
        }
        if !any {
            return None;
        }
        // Both are exact, and so the quotient is rounded once.
        let exact = !long && mantissa < 1 << 53 && decimals <= 22;
        let size = if exact {
            to_f64(mantissa) / power(decimals)
        } else {
            std::str::from_utf8(digits).ok()?.parse().ok()?
        };
        Some(Self { value: if negative { -size } else { size }, decimals })
    }
}

#[expect(clippy::cast_precision_loss, reason = "less than 2^53")]
fn to_f64(mantissa: u64) -> f64 {
    mantissa as f64
}

/// Ten to the power of so many.
pub(super) fn power(decimals: u32) -> f64 {
    10_f64.powi(decimals.min(300).cast_signed())
}

/// How a number says degrees.
#[derive(Debug)]
pub(super) struct Scale {
    /// What it adds to the name of an encoding; nothing of plain degrees.
    pub(super) name: &'static str,
    /// The number that a latitude and a longitude are written as.
    pub(super) write: fn(f64, Axis) -> f64,
    /// The degrees that a number means.
    pub(super) read: fn(f64, Axis) -> f64,
    /// Decimals that it has at least, one of a pair; `None`: it is a whole number.
    pub(super) decimals: Option<u32>,
    /// Degrees of one unit of the number, nearly.
    pub(super) unit: f64,
    /// Numbers of which none says of itself that it is a place stand side by side.
    pub(super) beside: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Axis {
    Lat,
    Lon,
}

/// The radius of Web Mercator (EPSG:3857), in metres.
const RADIUS: f64 = 6_378_137.0;

macro_rules! linear {
    ($name:literal, $per_degree:expr, $decimals:expr, $beside:literal) => {
        Scale {
            name: $name,
            write: |degrees, _| degrees * $per_degree,
            read: |number, _| number / $per_degree,
            decimals: $decimals,
            unit: 1.0 / $per_degree,
            beside: $beside,
        }
    };
}

/// The ways in which numbers say degrees.
pub(super) static SCALES: &[Scale] = &[
    linear!("", 1.0, Some(3), false),
    linear!("1e7", 1e7, None, false),
    linear!("1e6", 1e6, None, false),
    linear!("1e5", 1e5, None, true),
    linear!("radians", std::f64::consts::PI / 180.0, Some(5), true),
    // DJI: radians times ten million, 174533 to a degree.
    linear!("radians-1e7", 174_532.925_199_432_97, None, true),
    // Ten-thousandths of a minute.
    linear!("600000", 600_000.0, None, true),
    Scale {
        name: "nmea",
        write: |degrees, _| (degrees.trunc() * 100.0) + degrees.fract() * 60.0,
        read: |number, _| {
            let whole = (number / 100.0).trunc();
            whole + (number - whole * 100.0) / 60.0
        },
        decimals: Some(3),
        unit: 1.0 / 60.0,
        beside: true,
    },
    // ISO 6709: degrees, minutes and seconds without a sign between them.
    Scale {
        name: "ddmmss",
        write: |degrees, _| {
            let minutes = degrees.fract() * 60.0;
            degrees.trunc() * 1e4 + minutes.trunc() * 100.0 + minutes.fract() * 60.0
        },
        read: |number, _| {
            let (degrees, rest) = ((number / 1e4).trunc(), number % 1e4);
            degrees + (rest / 100.0).trunc() / 60.0 + rest % 100.0 / 3600.0
        },
        decimals: Some(0),
        unit: 1.0 / 3600.0,
        beside: true,
    },
    Scale {
        name: "web-mercator",
        write: |degrees, axis| match axis {
            Axis::Lat => degrees.to_radians().tan().asinh() * RADIUS,
            Axis::Lon => degrees.to_radians() * RADIUS,
        },
        read: |number, axis| match axis {
            Axis::Lat => (number / RADIUS).sinh().atan().to_degrees(),
            Axis::Lon => (number / RADIUS).to_degrees(),
        },
        // Whole metres as well.
        decimals: Some(0),
        unit: 1.0 / 111_320.0,
        beside: true,
    },
];

impl Scale {
    /// Whether a number is written as this scale has them.
    pub(super) fn fits(&self, number: &Number) -> bool {
        match self.decimals {
            // A database or a language may make `247453972.0` of a whole number.
            None => number.value.fract() == 0.0,
            Some(0) => true,
            Some(_) => number.decimals > 0,
        }
    }

    /// Whether a pair has as many decimals as it needs.
    pub(super) fn is_fine(&self, one: &Number, other: &Number) -> bool {
        self.decimals.is_none_or(|least| one.decimals.max(other.decimals) >= least)
    }

    /// Degrees that one unit of the last place of a pair stands for. What writes numbers leaves zeros off their ends.
    pub(super) fn grain(&self, one: &Number, other: &Number) -> f64 {
        self.unit / power(one.decimals.max(other.decimals).min(9))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_what_they_say() {
        for (text, value, decimals) in [
            ("24.745", 24.745, 3),
            ("-0.50", -0.5, 2),
            ("+7", 7.0, 0),
            ("121.0429872", 121.042_987_2, 7),
            ("5.", 5.0, 0),
        ] {
            assert_eq!(Number::read(text.as_bytes()), Some(Number { value, decimals }), "{text}");
        }
        for text in ["", "-", ".", "1.2.3", "1e5", " 1", "0x1", "123456789012345678901234567"] {
            assert_eq!(Number::read(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_others_read_them(text in "-?[0-9]{1,20}(\\.[0-9]{0,17})?") {
            if text.len() <= LONGEST {
                prop_assert_eq!(Number::read(text.as_bytes()).map(|number| number.value), text.parse().ok());
            }
        }

        #[test]
        fn every_scale_reads_what_it_writes(lat in -85.0..85.0_f64, lon in -180.0..180.0_f64) {
            for scale in SCALES {
                for (degrees, axis) in [(lat, Axis::Lat), (lon, Axis::Lon)] {
                    let back = (scale.read)((scale.write)(degrees, axis), axis);
                    prop_assert!((back - degrees).abs() < 1e-8, "{} {degrees} {back}", scale.name);
                }
            }
        }
    }
}
