//! What a picture looks like, in few bits: they stay when it is written anew or made smaller, and change where it does.
//!
//! Two measures that err in different ways:
//!
//! * *waves*: the signs, about their median, of 64 low frequencies of the picture in 32×32 pixels (the discrete cosine
//!   transform; Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010);
//! * *slopes*: whether brightness falls from each of 16×16 places to the next on its right.
//!
//! Pictures of one scene are alike too, so it is a resemblance, and no proof. Nothing is said of pictures in which there is
//! too little to compare: fog, sky, a gradient, one colour; nor of those that were cropped or turned.

#![expect(clippy::cast_precision_loss, reason = "pixels and frequencies: small numbers")]

use crate::Grey;

/// What a picture looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    waves: u64,
    slopes: [u64; 4],
    /// Width by height.
    shape: f32,
}

/// How much two likenesses differ.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Nearness {
    /// Of 64 bits of waves, so many differ.
    pub waves: u32,
    /// Of 256 bits of slopes, so many differ.
    pub slopes: u32,
}

/// The side of the picture that waves are sought in.
const SIDE: usize = 32;

/// Frequencies each way.
const WAVES: usize = 8;

/// Places each way from which slopes go.
const SLOPES: usize = 16;

/// Smaller pictures are icons.
const SMALLEST: usize = 64;

/// Waves of less than this many shades are noise of the coding.
const LEAST_WAVE: f32 = 1.0;

/// So many waves must be higher: a gradient, a vignette or a sky has few.
const LEAST_WAVES: usize = WAVES * WAVES / 2;

/// Slopes of less than this many shades are such noise.
const LEAST_SLOPE: u8 = 2;

/// So many slopes must be steeper.
const LEAST_SLOPES: usize = SLOPES * SLOPES / 3;

/// The most that may differ. Of unrelated pictures, half of all bits do; see the tests.
const MOST: Nearness = Nearness { waves: 8, slopes: 40 };

/// Shapes may differ by this share: smaller pictures are whole pixels high.
const SHAPE: f32 = 0.03;

impl Likeness {
    /// `None`: there is too little in it.
    pub fn of(picture: &Grey) -> Option<Self> {
        if picture.width().min(picture.height()) < SMALLEST {
            return None;
        }
        Some(Self {
            waves: waves(&picture.shrunk(SIDE, SIDE))?,
            slopes: slopes(&picture.shrunk(SLOPES + 1, SLOPES))?,
            shape: picture.width() as f32 / picture.height() as f32,
        })
    }

    /// How much two pictures differ, if they look like one; `None`: they do not.
    pub fn near(&self, other: &Self) -> Option<Nearness> {
        let nearness = self.apart(other);
        let shaped = (self.shape / other.shape - 1.0).abs() <= SHAPE;
        (shaped && nearness.waves <= MOST.waves && nearness.slopes <= MOST.slopes).then_some(nearness)
    }

    fn apart(&self, other: &Self) -> Nearness {
        let slopes = self.slopes.iter().zip(&other.slopes).map(|(one, other)| (one ^ other).count_ones());
        Nearness { waves: (self.waves ^ other.waves).count_ones(), slopes: slopes.sum() }
    }
}

/// The signs of the low frequencies about their median, without those of frequency zero.
fn waves(picture: &Grey) -> Option<u64> {
    let wave = |frequency: usize, at: usize| {
        let angle = std::f32::consts::PI * (at as f32 + 0.5) * frequency as f32 / SIDE as f32;
        angle.cos()
    };
    let table: Vec<Vec<f32>> =
        (1..=WAVES).map(|frequency| (0..SIDE).map(|at| wave(frequency, at)).collect()).collect();
    let along = |values: &[f32], wave: &[f32]| values.iter().zip(wave).map(|(a, b)| a * b).sum::<f32>();
    // Along each row, then down the columns of what that gave.
    let rows: Vec<Vec<f32>> =
        picture.rows().map(|row| row.iter().map(|pixel| f32::from(*pixel)).collect()).collect();
    let mut all = Vec::with_capacity(WAVES * WAVES);
    for across in &table {
        let column: Vec<f32> = rows.iter().map(|row| along(row, across)).collect();
        all.extend(table.iter().map(|down| along(&column, down) * 2.0 / SIDE as f32));
    }
    if all.iter().filter(|value| value.abs() >= LEAST_WAVE).count() < LEAST_WAVES {
        return None;
    }
    let mut sorted = all.clone();
    sorted.sort_by(f32::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied()?;
    Some(all.iter().fold(0, |bits, value| bits << 1 | u64::from(*value >= median)))
}

/// Whether brightness falls to the right, place by place.
fn slopes(picture: &Grey) -> Option<[u64; 4]> {
    let mut bits = [0_u64; 4];
    let mut steep = 0;
    let pairs = picture.rows().flat_map(|row| row.iter().zip(row.iter().skip(1)));
    for (at, (left, right)) in pairs.enumerate() {
        steep += usize::from(left.abs_diff(*right) >= LEAST_SLOPE);
        if let Some(word) = bits.get_mut(at / 64) {
            *word |= u64::from(left > right) << (at % 64);
        }
    }
    (steep >= LEAST_SLOPES).then_some(bits)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shades and cells")]

    use super::*;
    use proptest::prelude::*;

    type Shade = dyn Fn(f32, f32) -> f32;

    /// A picture of this size, whose shades are said by their place, from 0 to 1 each way.
    fn picture(width: u16, height: u16, shade: impl Fn(f32, f32) -> f32) -> Grey {
        let place = |at: u16, of: u16| f32::from(at) / f32::from(of);
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let shades = pixels.map(|(x, y)| (shade(place(x, width), place(y, height)) * 255.0) as u8);
        Grey::new(width.into(), shades.collect()).unwrap()
    }

    /// Hills and fields, others for each seed.
    fn scene(seed: u32) -> impl Fn(f32, f32) -> f32 {
        let number = move |at: u32| {
            let mixed = (seed ^ at.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
            (mixed ^ mixed >> 15).wrapping_mul(0xc2b2_ae35) as f32 / u32::MAX as f32
        };
        let cell = move |x: f32, y: f32, cells: f32, layer: u32| {
            number((x * cells) as u32 + 100 * (y * cells) as u32 + 10_000 * layer)
        };
        move |x, y| 0.4 * cell(x, y, 5.0, 0) + 0.3 * cell(x, y, 9.0, 1) + 0.3 * cell(x, y, 17.0, 2)
    }

    fn of(picture: &Grey) -> Option<Likeness> {
        Likeness::of(picture)
    }

    #[test]
    fn smaller_brighter_and_coarser_copies_look_like_the_picture() {
        for seed in 0..20 {
            let whole = of(&picture(800, 600, scene(seed))).unwrap();
            for (width, height) in [(800, 600), (640, 480), (320, 240), (161, 121)] {
                let shade = scene(seed);
                // Brighter, with less contrast, and in steps of eight shades.
                let copy = picture(width, height, |x, y| ((0.1 + 0.8 * shade(x, y)) * 32.0).floor() / 32.0);
                assert!(
                    whole.near(&of(&copy).unwrap()).is_some(),
                    "{seed} {width}: {:?}",
                    whole.apart(&of(&copy).unwrap())
                );
            }
        }
    }

    #[test]
    fn unrelated_pictures_do_not_look_alike() {
        let all: Vec<Likeness> = (0..200).map(|seed| of(&picture(320, 240, scene(seed))).unwrap()).collect();
        let mut least = Nearness { waves: 64, slopes: 256 };
        for (index, one) in all.iter().enumerate() {
            for other in all.iter().skip(index + 1) {
                let Nearness { waves, slopes } = one.apart(other);
                least = Nearness { waves: least.waves.min(waves), slopes: least.slopes.min(slopes) };
                assert_eq!(one.near(other), None);
            }
        }
        // Of 19,900 pairs, even the nearest by each measure are far from the bounds.
        assert!(least.waves > MOST.waves && least.slopes > 2 * MOST.slopes, "{least:?}");
    }

    #[test]
    fn of_pictures_with_too_little_in_them_nothing_is_said() {
        let round = |x: f32, y: f32| 1.0 - ((x - 0.5).powi(2) + (y - 0.5).powi(2)).sqrt();
        let shades: [(&str, &Shade); 6] = [
            ("one colour", &|_, _| 0.5),
            ("a gradient across", &|x, _| x),
            ("a gradient down", &|_, y| y),
            ("a gradient in a corner", &|x, y| f32::midpoint(x, y)),
            ("a vignette", &round),
            ("a sky over ground", &|x, y| if y < 0.5 { 0.7 + 0.1 * y } else { 0.3 + 0.02 * x }),
        ];
        for (name, shade) in shades {
            assert_eq!(of(&picture(640, 480, shade)), None, "{name}");
        }
    }

    #[test]
    fn noise_looks_like_no_other_noise() {
        let noise = |mut state: u32| {
            let mut next = move || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            Grey::new(320, (0..320 * 240).map(|_| next()).collect()).unwrap()
        };
        let all: Vec<Likeness> = (0..40).filter_map(|seed| of(&noise(seed * 7919))).collect();
        for (index, one) in all.iter().enumerate() {
            assert!(all.iter().skip(index + 1).all(|other| one.near(other).is_none()), "{index}");
        }
    }

    #[test]
    fn other_shapes_are_other_pictures() {
        let shade = scene(7);
        let (whole, wider) =
            (of(&picture(640, 480, &shade)).unwrap(), of(&picture(640, 360, &shade)).unwrap());
        assert_eq!(whole.near(&wider), None);
    }

    proptest! {
        #[test]
        fn any_picture_is_answered(width in 1_u16..200, height in 1_u16..200, seed: u32) {
            let likeness = of(&picture(width, height, scene(seed)));
            let itself = likeness.is_none_or(|one| one.near(&one).is_some_and(|near| near.waves + near.slopes == 0));
            prop_assert!(itself);
        }
    }
}
