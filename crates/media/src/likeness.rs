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

/// Waves of less than this many shades, in the mean, are noise of the coding.
const LEAST_WAVES: f32 = 1.0;

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
    let strength = all.iter().map(|value| value.abs()).sum::<f32>() / all.len() as f32;
    if strength < LEAST_WAVES {
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
