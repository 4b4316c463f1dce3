//! Whether two values are the same, however they are written.

/// Places are the same within 250 m. Of other values, white space, case and the marks by which numbers and names are
/// divided do not count, and one of more than five characters may stand within a longer one.
pub(crate) fn value(a: &str, b: &str) -> bool {
    if let (Some(a), Some(b)) = (place(a), place(b)) {
        let north = (a.0 - b.0) * METRES;
        let east = (a.1 - b.1) * METRES * b.0.to_radians().cos();
        return north.hypot(east) < 250.0;
    }
    let (a, b) = (bare(a), bare(b));
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    !short.is_empty() && (short == long || short.chars().count() > 5 && long.contains(&short))
}

/// Metres of a degree of latitude.
const METRES: f64 = 111_320.0;

/// The first two decimal fractions of a text.
fn place(text: &str) -> Option<(f64, f64)> {
    let mut decimals = text
        .split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
        .filter(|word| word.contains('.'))
        .filter_map(|word| word.parse::<f64>().ok());
    Some((decimals.next()?, decimals.next()?))
}

fn bare(text: &str) -> String {
    text.chars()
        .filter(|c| !(c.is_whitespace() || "-_:()+./".contains(*c)))
        .collect::<String>()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_the_same_within_250_metres() {
        assert!(value("24.801868,120.965208", "{\"lat\": 24.8020, \"lon\": 120.9650}"));
        assert!(!value("24.801868,120.965208", "24.806,120.965"));
        // A degree of longitude is short in the north: 0.004° are 223 m at 60°, and 445 m at the equator.
        assert!(value("60.0,10.000", "60.0,10.004"));
        assert!(!value("0.0,10.000", "0.0,10.004"));
    }

    #[test]
    fn writing_does_not_matter_and_short_values_must_be_whole() {
        assert!(value("+886 900-779-195", "886900779195"));
        assert!(value("O.Lindqvarn@example", "mail=o.lindqvarn@example;"));
        assert!(!value("12345", "9912345"));
        assert!(!value("", "") && !value("--", "::"));
        assert!(!value("Oskar", "Oscar"));
    }
}
