//! Faces that look into the camera, found by the funnel of `SeetaFace`: many windows, quick tests, few windows, slow tests.
//!
//! ```text
//! picture, smaller and smaller ─▶ each window of 40×40, every fourth pixel
//!   ─▶ three boosted rows of tests on local patterns (one each for faces turned left, to the camera, right)
//!   ─▶ two small networks on gradients, which also move the window ─▶ a larger one ─▶ windows of one face are one
//! ```
//!
//! Wu, Kan, He, Shan, Chen: Funnel-structured cascade for multi-view face detection with alignment-awareness,
//! Neurocomputing 221 (2017) 138–145. The trained numbers are theirs (`knowledge/faces`, BSD 2-Clause); the crate `rustface`
//! reads the same ones, but copies windows by pointers that the networks moved, so that a picture made for it reaches memory
//! outside. What is here finds the same, and is checked against nothing but slices.
//!
//! Left out: faces in profile or upside down, and those of fewer than [`SMALLEST`] pixels in the picture as given.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixels, shades and shares: small numbers, and what is not becomes the largest or smallest there is"
)]

mod boosted;
mod located;
mod model;
mod network;

use std::sync::LazyLock;

use crate::Grey;

use model::Model;

pub(crate) use located::LOOK;
pub use located::{Located, locate_faces};

/// The side of a window, and so of the smallest face, in pixels.
pub(crate) const SMALLEST: usize = 40;

/// Pixels from one window to the next.
const STEP: usize = 4;

/// Each smaller picture is this much of the one before.
const SCALE: f32 = 0.8;

/// Windows that go on from the quick tests to the slow ones, of each of the three rows. Photographs have some hundred.
const MOST: usize = 5000;

/// Sum of the certainties (½ to 1 each) of the windows that agree on a face.
///
/// Measured at 800 pixels: portraits have 19.9 and more; of a group of 29 whose faces are 26 to 35 pixels wide, seven have 4.5
/// to 8; of photographs without a face (of drones, cameras, phones; objects, a cat, towers) the highest is 1.1, of drawn icons 3.0.
const LEAST_SCORE: f32 = 4.0;

/// A face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// Left edge of a square around it, in pixels of the picture; may lie outside.
    pub left: i32,
    /// Top edge, likewise.
    pub top: i32,
    /// Width and height, in pixels.
    pub side: i32,
    /// How many windows agreed on it, each with its certainty.
    pub score: f32,
}

/// What was found in a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faces {
    /// The faces, the most certain first.
    pub all: Vec<Face>,
    /// Whether more windows looked like faces at first sight than are looked at.
    pub limited: bool,
}

/// Faces in a picture. Takes time in proportion to its pixels, and at most so much more for windows that look like faces.
pub fn faces(picture: &Grey) -> Faces {
    let mut faces = candidates(picture);
    faces.all.retain(|face| face.score >= LEAST_SCORE);
    faces
}

/// As [`faces`], of any certainty.
fn candidates(picture: &Grey) -> Faces {
    static MODEL: LazyLock<Option<Model>> = LazyLock::new(Model::bundled);
    let Some(model) = MODEL.as_ref() else { return Faces::default() };
    let (mut windows, limited) = first_sight(model, picture);
    let last = model.networks.len().saturating_sub(1);
    for (index, network) in model.networks.iter().enumerate() {
        windows = windows.into_iter().filter_map(|window| network.judge(picture, window)).collect();
        match index {
            0 => windows = agreed(windows, 0.8),
            _ if index == last => windows = agreed(windows, 0.3),
            _ => {}
        }
    }
    Faces { all: windows, limited }
}

/// Windows that pass the quick tests.
fn first_sight(model: &Model, picture: &Grey) -> (Vec<Face>, bool) {
    let shorter = picture.width().min(picture.height());
    let mut found: Vec<Vec<Face>> = vec![Vec::new(); model.views.len()];
    let mut scale = 1.0_f32;
    loop {
        let side = |side: usize| (side as f32 * scale) as usize;
        let (width, height) = (side(picture.width()), side(picture.height()));
        if side(shorter) < SMALLEST {
            break;
        }
        let whole = Square { left: 0, top: 0, width: picture.width(), height: picture.height() };
        let level = sampled(picture, whole, width, height);
        let codes = boosted::codes(&level, width);
        for y in (0..=height - SMALLEST).step_by(STEP) {
            for x in (0..=width - SMALLEST).step_by(STEP) {
                for (view, found) in model.views.iter().zip(&mut found) {
                    let Some(score) = view.score(&codes, x, y) else { continue };
                    if boosted::is_flat(&level, width, x, y) {
                        continue;
                    }
                    let full = |at: usize| (at as f32 / scale + 0.5) as i32;
                    found.push(Face { left: full(x), top: full(y), side: full(SMALLEST), score });
                }
            }
        }
        scale *= SCALE;
    }
    let mut limited = false;
    let mut windows = Vec::new();
    for mut of_view in found {
        // Of those that are too many, the likeliest are looked at.
        of_view.sort_by(|one, other| other.score.total_cmp(&one.score));
        limited |= of_view.len() > MOST;
        of_view.truncate(MOST);
        windows.extend(agreed(of_view, 0.8));
    }
    (windows, limited)
}

/// Of windows that cover each other by more than this share of what they cover together, the likeliest, with the scores of
/// all (non-maximum suppression).
fn agreed(mut windows: Vec<Face>, share: f32) -> Vec<Face> {
    windows.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut kept: Vec<Face> = Vec::new();
    let mut left = windows;
    // Each round lets one go; few are left, for a face is seen by many windows, and there are at most some thousands.
    while let Some((first, rest)) = left.split_first() {
        let mut best = *first;
        let mut apart = Vec::with_capacity(rest.len());
        for window in rest {
            if overlap(first, window) > share {
                best.score += window.score;
            } else {
                apart.push(*window);
            }
        }
        kept.push(best);
        left = apart;
    }
    kept
}

/// The share of what two windows cover together that both cover.
fn overlap(one: &Face, other: &Face) -> f32 {
    let along = |a: i32, b: i32| {
        let (end, start) = (a.saturating_add(one.side).min(b.saturating_add(other.side)), a.max(b));
        (i64::from(end) - i64::from(start)).max(0)
    };
    let both = along(one.left, other.left) * along(one.top, other.top);
    let area = |face: &Face| i64::from(face.side) * i64::from(face.side);
    let together = area(one) + area(other) - both;
    if together <= 0 { 0.0 } else { both as f32 / together as f32 }
}

/// A part of a picture.
#[derive(Clone, Copy)]
struct Square {
    left: i32,
    top: i32,
    width: usize,
    height: usize,
}

/// A part of a picture in another size, each pixel taken between the four nearest. Outside of the picture it is black.
fn sampled(picture: &Grey, part: Square, width: usize, height: usize) -> Vec<u8> {
    let (columns, rows) = (axis(part.width, width), axis(part.height, height));
    let lines = Lines { picture, part };
    let (mut above, mut below) = (Vec::new(), Vec::new());
    let mut out = Vec::with_capacity(width * height);
    for (y, down) in rows {
        let (upper, lower) = (lines.line(y, &mut above), lines.line(y + 1, &mut below));
        out.extend(columns.iter().map(|(x, right)| {
            let between = |line: &[u8]| match line.get(*x..*x + 2) {
                Some([left, next]) => (1.0 - right) * f32::from(*left) + right * f32::from(*next),
                _ => 0.0,
            };
            ((1.0 - down) * between(upper) + down * between(lower)) as u8
        }));
    }
    out
}

/// Where each of so many pixels is taken from: the one before it, and how far behind that.
fn axis(from: usize, to: usize) -> Vec<(usize, f32)> {
    let scale = from as f64 / to as f64;
    let place = |at: usize| {
        let exact = scale * at as f64;
        let before = (exact as usize).min(from.saturating_sub(2));
        (before, (exact - before as f64) as f32)
    };
    (0..to).map(place).collect()
}

/// The lines of a part of a picture.
struct Lines<'a> {
    picture: &'a Grey,
    part: Square,
}

impl Lines<'_> {
    /// A line: the picture's own, or, where it reaches over an edge, as it is written into `room`.
    fn line<'l>(&'l self, y: usize, room: &'l mut Vec<u8>) -> &'l [u8] {
        let whole = usize::try_from(i64::from(self.part.top) + i64::try_from(y).unwrap_or(i64::MAX / 2))
            .map_or(&[][..], |y| self.picture.row(y));
        let inside =
            usize::try_from(self.part.left).ok().and_then(|from| whole.get(from..from + self.part.width));
        if let Some(line) = inside {
            return line;
        }
        room.clear();
        room.resize(usize::try_from(self.part.left.saturating_neg()).unwrap_or(0).min(self.part.width), 0);
        let from = usize::try_from(self.part.left).unwrap_or(0);
        room.extend(whole.iter().skip(from).take(self.part.width - room.len()));
        room.resize(self.part.width, 0);
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn windows_of_one_face_are_one() {
        let face = |left, score| Face { left, top: 0, side: 100, score };
        let kept = agreed(vec![face(0, 0.7), face(4, 0.9), face(300, 0.6)], 0.3);
        assert_eq!(kept.len(), 2);
        assert!(kept[0].left == 4 && (kept[0].score - 1.6).abs() < 1e-6, "{kept:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Odd sizes and extreme shapes among them.
        #[test]
        fn any_picture_is_answered(
            width in prop_oneof![1_usize..60, 1_usize..400],
            height in prop_oneof![1_usize..60, 1_usize..400],
            seed: u32, coarse in 1_usize..40,
        ) {
            let shade = |x: usize, y: usize| {
                let cell = (x / coarse).wrapping_mul(0x9e37_79b9) ^ (y / coarse).wrapping_mul(0x85eb_ca6b) ^ seed as usize;
                (cell.wrapping_mul(0x2545_f491) >> 13) as u8
            };
            let pixels = (0..width * height).map(|at| shade(at % width, at / width)).collect();
            let found = candidates(&Grey::new(width, pixels).unwrap());
            prop_assert!(found.all.iter().all(|face| face.side > 0 && face.score > 0.0));
        }
    }
}
