//! Quick tests: which of the neighbours of a patch are darker than it, and what that says of a face.
//!
//! ```text
//! a patch of 3×3 pixels among eight others: a bit for each that is no brighter than the middle
//! 0x80 0x40 0x20
//! 0x10  ·   0x08
//! 0x04 0x02 0x01
//! ```
//!
//! Yan, Shan, Chen, Gao: Locally assembled binary (LAB) feature with feature-centric cascade, CVPR 2008.

use super::{SMALLEST, model::Numbers};

/// Tests, the most telling first.
pub(super) struct Boosted {
    tests: Vec<Test>,
}

struct Test {
    /// Where in the window.
    x: usize,
    y: usize,
    /// What each pattern says.
    weights: Vec<f32>,
    /// After the last of ten: with less than this it is no face.
    threshold: f32,
}

/// Tests after which it is asked whether to go on.
const GROUP: usize = 10;

/// Pixels of a patch and its neighbours, each way.
const PATCHES: usize = 9;

/// Less deviation than this, in shades, is a wall or the sky.
const FLAT: f64 = 10.0;

impl Boosted {
    pub(super) fn read(numbers: &mut Numbers<'_>) -> Option<Self> {
        let (count, bins) = (numbers.count()?, numbers.count()?);
        let mut places = Vec::new();
        for _ in 0..count {
            let (x, y) = (numbers.count()?, numbers.count()?);
            if x.max(y) + PATCHES > SMALLEST {
                return None;
            }
            places.push((x, y));
        }
        let thresholds = numbers.floats(count)?;
        let mut tests = Vec::new();
        for ((x, y), threshold) in places.into_iter().zip(thresholds) {
            tests.push(Test { x, y, weights: numbers.floats(bins + 1)?, threshold });
        }
        Some(Self { tests })
    }

    /// What the tests say of the window at this place; `None`: it is no face.
    pub(super) fn score(&self, codes: &Codes, x: usize, y: usize) -> Option<f32> {
        let mut score = 0.0;
        for group in self.tests.chunks(GROUP) {
            for test in group {
                let code = codes.all.get((y + test.y) * codes.width + x + test.x)?;
                score += test.weights.get(usize::from(*code))?;
            }
            if score < group.last()?.threshold {
                return None;
            }
        }
        Some(score)
    }
}

/// The pattern at each place of a picture where the nine patches are within it.
pub(super) struct Codes {
    all: Vec<u8>,
    width: usize,
}

/// The patterns of a picture of rows of this width.
pub(super) fn codes(pixels: &[u8], width: usize) -> Codes {
    // Sums of three pixels in a row, then of three such in a column.
    let threes = |row: &[u8]| -> Vec<u16> {
        row.windows(3).map(|three| three.iter().map(|pixel| u16::from(*pixel)).sum()).collect()
    };
    let rows: Vec<Vec<u16>> = pixels.chunks_exact(width.max(1)).map(threes).collect();
    let down = |three: &[Vec<u16>]| -> Vec<u16> {
        let [a, b, c] = three else { return Vec::new() };
        a.iter().zip(b).zip(c).map(|((a, b), c)| a + b + c).collect()
    };
    let sums: Vec<Vec<u16>> = rows.windows(3).map(down).collect();
    let mut all = Vec::new();
    for seven in sums.windows(7) {
        let [top, _, _, middle, _, _, bottom] = seven else { continue };
        let patches = top.windows(7).zip(middle.windows(7)).zip(bottom.windows(7));
        all.extend(patches.map(|((top, middle), bottom)| {
            let [nw, _, _, north, _, _, ne] = top else { return 0 };
            let [west, _, _, own, _, _, east] = middle else { return 0 };
            let [sw, _, _, south, _, _, se] = bottom else { return 0 };
            let around = [nw, north, ne, west, east, sw, south, se];
            around.into_iter().fold(0, |code: u8, near| code << 1 | u8::from(own >= near))
        }));
    }
    Codes { all, width: (width + 1).saturating_sub(PATCHES) }
}

/// Whether the window at this place of a picture has too little in it.
pub(super) fn is_flat(pixels: &[u8], width: usize, x: usize, y: usize) -> bool {
    let rows = pixels.chunks_exact(width.max(1)).skip(y).take(SMALLEST);
    let window = rows.flat_map(|row| row.iter().skip(x).take(SMALLEST));
    let (mut sum, mut squares) = (0_u32, 0_u32);
    for pixel in window {
        let pixel = u32::from(*pixel);
        sum += pixel;
        squares += pixel * pixel;
    }
    let area = (SMALLEST * SMALLEST) as f64;
    let mean = f64::from(sum) / area;
    (f64::from(squares) / area - mean * mean).sqrt() <= FLAT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bright_patch_among_darker_ones_has_all_bits_and_a_dark_one_none() {
        let patch = |own: u8, others: u8| {
            let inside = |at: usize| (3..6).contains(&(at % 9)) && (3..6).contains(&(at / 9));
            let pixels: Vec<u8> = (0..81).map(|at| if inside(at) { own } else { others }).collect();
            codes(&pixels, 9).all
        };
        assert_eq!((patch(200, 100), patch(100, 200)), (vec![0xff], vec![0]));
    }

    #[test]
    fn each_neighbour_has_its_bit() {
        for (number, bit) in [(0, 0x80), (1, 0x40), (2, 0x20), (3, 0x10), (5, 8), (6, 4), (7, 2), (8, 1)] {
            let of = |at: usize| (at / 9 / 3) * 3 + at % 9 / 3;
            let pixels: Vec<u8> = (0..81)
                .map(|at| {
                    if of(at) == number {
                        50
                    } else if of(at) == 4 {
                        100
                    } else {
                        200
                    }
                })
                .collect();
            assert_eq!(codes(&pixels, 9).all, [bit], "{number}");
        }
    }
}
