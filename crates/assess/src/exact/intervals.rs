//! Intervals: of a share (Clopper and Pearson), of a ratio of two rates, and what may lie behind nothing seen.

/// Counts above this have no interval here: nothing that is counted in runs of minutes comes near.
const MOST: u64 = 1 << 30;

/// The share of which `some` of `all` is a sample, with this confidence: lowest and highest (Clopper and Pearson 1934).
pub fn proportion(some: u64, all: u64, confidence: f64) -> Option<(f64, f64)> {
    if some > all || all > MOST {
        return None;
    }
    let (some, rest) = (float(some), float(all - some));
    let outside = (1.0 - confidence) / 2.0;
    let low = if some == 0.0 { 0.0 } else { quantile(outside, some, rest + 1.0) };
    let high = if rest == 0.0 { 1.0 } else { quantile(1.0 - outside, some + 1.0, rest) };
    Some((low, high))
}

/// How many times as often there as here, lowest and highest; the highest is infinite where nothing was seen here. Events
/// are taken to come independently of each other: given how many there were in all, those there are a share of them.
pub fn rate_ratio(here: (u64, f64), there: (u64, f64), confidence: f64) -> Option<(f64, f64)> {
    let ((few, time), (many, more_time)) = (here, there);
    let all = few.checked_add(many).filter(|all| *all > 0)?;
    if !(time > 0.0 && more_time > 0.0) {
        return None;
    }
    let (low, high) = proportion(many, all, confidence)?;
    let ratio =
        |share: f64| if share >= 1.0 { f64::INFINITY } else { share / (1.0 - share) * time / more_time };
    Some((ratio(low), ratio(high)))
}

/// The highest rate that is likely where nothing was seen in this time, with this confidence: 3/T at 95 % (the rule of three).
pub fn unseen_rate(time: f64, confidence: f64) -> Option<f64> {
    (time > 0.0).then(|| -(1.0 - confidence).ln() / time)
}

/// The highest share of runs that is likely to show what none of `runs` showed: 3/n at 95 % for many runs, and less for few.
pub fn unseen_share(runs: usize, confidence: f64) -> f64 {
    let runs = u32::try_from(runs).unwrap_or(u32::MAX);
    if runs == 0 { 1.0 } else { 1.0 - (1.0 - confidence).powf(1.0 / f64::from(runs)) }
}

#[expect(clippy::cast_precision_loss, reason = "at most 2^30")]
fn float(count: u64) -> f64 {
    count as f64
}

/// Where the beta distribution reaches a probability, by halving.
fn quantile(probability: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if beta(middle, a, b) < probability { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The regularised incomplete beta function, by its continued fraction (Abramowitz and Stegun 26.5.8) in the form of Lentz.
fn beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    // The fraction converges quickly on this side of the mean.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta(1.0 - x, b, a);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    let tiny = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut above = 1.0;
    let mut below = 1.0 / tiny(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = below;
    // Some square roots of the greatest count.
    for step in 1..200_000_u32 {
        let step = f64::from(step);
        let even = a + 2.0 * step;
        for term in [
            step * (b - step) * x / ((even - 1.0) * even),
            -(a + step) * (a + b + step) * x / (even * (even + 1.0)),
        ] {
            below = 1.0 / tiny(1.0 + term * below);
            above = tiny(1.0 + term / above);
            fraction *= above * below;
        }
        if (above * below - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}

/// The logarithm of the gamma function for numbers from 1 on: Stirling's series after a shift past 10.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 10.0 {
        shift += x.ln();
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    let series = (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - shift
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 5e-5 * expected.abs().max(1.0)
    }

    #[test]
    fn shares_are_those_of_published_tables() {
        // Clopper and Pearson at 95 %: 0/10, 1/10, 5/10 and 10/10 of every table of binomial limits.
        for (some, low, high) in
            [(0, 0.0, 0.308_50), (1, 0.002_53, 0.445_02), (5, 0.187_09, 0.812_91), (10, 0.691_50, 1.0)]
        {
            let (found_low, found_high) = proportion(some, 10, 0.95).unwrap();
            assert!(near(found_low, low) && near(found_high, high), "{some}: {found_low} {found_high}");
        }
        assert_eq!(proportion(2, 1, 0.95), None);
        assert_eq!(proportion(0, u64::MAX, 0.95), None);
        let (low, high) = proportion(500_000_000, 1_000_000_000, 0.95).unwrap();
        assert!((0.4999..0.5).contains(&low) && (0.5..0.5001).contains(&high));
    }

    #[test]
    fn nothing_seen_is_bounded_by_three() {
        assert!(near(unseen_rate(1.0, 0.95).unwrap(), 2.995_73));
        assert_eq!(unseen_rate(0.0, 0.95), None);
        // Jovanovic and Levy (1997): 3/n is close from 30 runs on, and not for three.
        assert!(near(unseen_share(30, 0.95), 0.095_03));
        assert!(near(unseen_share(3, 0.95), 0.631_60));
        assert!(near(unseen_share(0, 0.95), 1.0));
    }

    #[test]
    fn a_ratio_of_rates_is_a_share_of_all_events() {
        let (low, high) = rate_ratio((3, 10.0), (6, 10.0), 0.95).unwrap();
        // From Clopper and Pearson's 6 of 9: 0.29930 to 0.92515.
        assert!(near(low, 0.2993 / 0.7007) && (high - 0.92515 / 0.07485).abs() < 0.01, "{low} {high}");
        let (low, high) = rate_ratio((0, 10.0), (4, 5.0), 0.95).unwrap();
        assert!(low > 0.0 && high.is_infinite());
        assert_eq!(rate_ratio((0, 1.0), (0, 1.0), 0.95), None);
        assert_eq!(rate_ratio((1, 0.0), (1, 1.0), 0.95), None);
    }
}
