//! Faces that look into the camera, found by the funnel of SeetaFace: many windows, quick tests, few windows, slow tests.
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

mod boosted;
mod model;
mod network;

use std::sync::LazyLock;

use crate::Grey;

use model::Model;

/// The side of a window, and so of the smallest face, in pixels.
pub(crate) const SMALLEST: usize = 40;

/// Pixels from one window to the next.
const STEP: usize = 4;

/// Each smaller picture is this much of the one before.
const SCALE: f32 = 0.8;

/// Windows that go on from the quick tests to the slow ones, of each of the three rows. Photographs have some hundred.
const MOST: usize = 1500;

/// Sum of the certainties (½ to 1 each) of the windows that agree on a face. Faces that are some tens of pixels wide and look
/// into the camera have 8 and more; what only looks like one seldom has more than two windows. See the tests of the detector.
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
pub fn candidates(picture: &Grey) -> Faces {
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
    // Where each pixel is taken from: the one before it, and how far behind that.
    let axis = |from: usize, to: usize| -> Vec<(usize, f32)> {
        let scale = from as f64 / to as f64;
        let place = |at: usize| {
            let exact = scale * at as f64;
            let before = (exact as usize).min(from.saturating_sub(2));
            (before, (exact - before as f64) as f32)
        };
        (0..to).map(place).collect()
    };
    let (columns, rows) = (axis(part.width, width), axis(part.height, height));
    let line = |y: usize| -> &[u8] {
        let y = i64::from(part.top) + y as i64;
        usize::try_from(y).map_or(&[], |y| picture.row(y))
    };
    let at = |line: &[u8], x: usize| {
        let x = i64::from(part.left) + x as i64;
        usize::try_from(x).ok().and_then(|x| line.get(x)).map_or(0.0, |pixel| f32::from(*pixel))
    };
    let mut out = Vec::with_capacity(width * height);
    for (y, down) in rows {
        let (upper, lower) = (line(y), line(y + 1));
        for (x, right) in &columns {
            let between = |line: &[u8]| (1.0 - right) * at(line, *x) + right * at(line, x + 1);
            out.push(((1.0 - down) * between(upper) + down * between(lower)) as u8);
        }
    }
    out
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
