//! Faces where they stand in a picture as it is stored: it is turned upright to find them ([`crate::Grey::upright`]), and made smaller.

use creance_model::Rectangle;

use crate::{Bounds, Face, Unread, decode, faces, orientation, size};

/// The size at which faces are looked for: one may be as small as 40 pixels of 2400.
pub(crate) const LOOK: Bounds = Bounds { pixels: 50_000_000, longest: 2400 };

/// Faces, and whether more places looked like some at first sight than were looked at.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Located {
    /// In the picture's own pixels and within it, the most certain first.
    pub faces: Vec<Rectangle>,
    /// Whether a face may have been passed over.
    pub limited: bool,
}

/// The faces of a JPEG or PNG that look into the camera. Of an animated PNG only the first picture is looked at.
pub fn locate_faces(bytes: &[u8]) -> Result<Located, Unread> {
    let grey = decode(bytes, &LOOK)?;
    let whole = size(bytes).ok_or(Unread::Damaged)?;
    let stored = (grey.width(), grey.height());
    let orientation = orientation(bytes);
    let found = faces(&grey.upright(orientation));
    let faces = found.all.iter().filter_map(|face| within(*face, orientation, stored, whole)).collect();
    Ok(Located { faces, limited: found.limited })
}

/// A face of an upright picture in the pixels of the one that is stored, which was made so much smaller; `None`: it lies
/// outside. The inverse of turning it upright.
fn within(
    face: Face,
    orientation: u16,
    (width, height): (usize, usize),
    whole: (u32, u32),
) -> Option<Rectangle> {
    let side = |side: usize| i64::try_from(side).unwrap_or(i64::MAX);
    let (width, height) = (side(width), side(height));
    let (left, top, side) = (i64::from(face.left), i64::from(face.top), i64::from(face.side));
    let (left, top) = match orientation {
        3 | 4 => (width - left - side, height - top - side),
        5 | 6 => (top, height - left - side),
        7 | 8 => (width - top - side, left),
        _ => (left, top),
    };
    // A pixel of the small picture is this many of the stored one; edges are rounded outwards.
    let span = |from: i64, small: i64, large: u32| {
        let large = i64::from(large);
        let first = (from * large).div_euclid(small.max(1)).clamp(0, large);
        let last = ((from + side) * large + small - 1).div_euclid(small.max(1)).clamp(0, large);
        Some((u32::try_from(first).ok()?, u32::try_from(last - first).ok().filter(|side| *side > 0)?))
    };
    let ((left, width), (top, height)) = (span(left, width, whole.0)?, span(top, height, whole.1)?);
    Some(Rectangle { left, top, width, height })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grey;

    #[test]
    fn a_face_stands_where_it_is_stored_however_the_picture_is_turned() {
        // A picture of 30×20 whose pixels from (4, 6) to (9, 11) are the face.
        let mut pixels = vec![0; 30 * 20];
        for y in 6..11 {
            pixels[y * 30 + 4..y * 30 + 9].fill(255);
        }
        let grey = Grey::new(30, pixels).unwrap();
        for orientation in 1..=8 {
            let upright = grey.clone().upright(orientation);
            let bright: Vec<usize> =
                (0..upright.pixels().len()).filter(|at| upright.pixels()[*at] == 255).collect();
            let left = bright.iter().map(|at| at % upright.width()).min().unwrap();
            let top = bright[0] / upright.width();
            let face = Face {
                left: i32::try_from(left).unwrap(),
                top: i32::try_from(top).unwrap(),
                side: 5,
                score: 9.0,
            };
            let found = within(face, orientation, (30, 20), (60, 40)).unwrap();
            assert_eq!(found, Rectangle { left: 8, top: 12, width: 10, height: 10 }, "{orientation}");
        }
    }

    #[test]
    fn a_face_beyond_the_edge_is_cut_and_one_outside_is_none() {
        let face = |left, top| Face { left, top, side: 10, score: 9.0 };
        let found = within(face(-4, 15), 1, (30, 20), (30, 20)).unwrap();
        assert_eq!(found, Rectangle { left: 0, top: 15, width: 6, height: 5 });
        assert_eq!(within(face(40, 0), 1, (30, 20), (30, 20)), None);
    }

    #[test]
    fn a_portrait_shows_one_face() {
        let portrait = include_bytes!("../../../detect/src/face/portrait.jpg");
        let found = locate_faces(portrait).unwrap();
        let [face] = found.faces.as_slice() else { panic!("{found:?}") };
        let (width, height) = size(portrait).unwrap();
        assert!(face.left + face.width <= width && face.top + face.height <= height);
        assert_eq!(locate_faces(b"GIF89a"), Err(Unread::Format));
    }
}
