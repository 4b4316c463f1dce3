//! A picture in shades of grey, made smaller row by row while it is read.

/// Shades of grey: 0 is black, 255 white; rows from the top, without padding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grey {
    width: usize,
    pixels: Vec<u8>,
}

impl Grey {
    /// A picture of rows of this width, in pixels; `None`: of no pixels, or the last row is cut.
    pub fn new(width: usize, pixels: Vec<u8>) -> Option<Self> {
        (width > 0 && !pixels.is_empty() && pixels.len().is_multiple_of(width))
            .then_some(Self { width, pixels })
    }

    /// In pixels.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// In pixels.
    pub const fn height(&self) -> usize {
        self.pixels.len() / self.width
    }

    /// The rows, from the top.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
        self.pixels.chunks_exact(self.width)
    }

    /// A row; none below the last.
    pub(crate) fn row(&self, y: usize) -> &[u8] {
        let from = y.saturating_mul(self.width);
        self.pixels.get(from..from.saturating_add(self.width)).unwrap_or_default()
    }

    /// All pixels.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The picture as it is to be seen, by the number that its EXIF gives (CIPA DC-008, Orientation): 3, 6 and 8 are turned by a
    /// half, a quarter to the right and a quarter to the left; those that are mirrored are turned alike, for a face is one in a
    /// mirror too.
    #[must_use]
    pub fn upright(self, orientation: u16) -> Self {
        let (width, height) = (self.width, self.height());
        let turned = |width: usize, from: &dyn Fn(usize) -> usize| {
            let pixels =
                (0..self.pixels.len()).map(|at| self.pixels.get(from(at)).copied().unwrap_or(0)).collect();
            Self { width, pixels }
        };
        match orientation {
            3 | 4 => turned(width, &|at| self.pixels.len() - 1 - at),
            // The left column from below becomes the first row.
            5 | 6 => turned(height, &|at| (height - 1 - at % height) * width + at / height),
            7 | 8 => turned(height, &|at| (at % height) * width + (width - 1 - at / height)),
            _ => self,
        }
    }

    /// The picture of this size, each pixel the mean of those that it covers; it is not made larger.
    #[must_use]
    pub fn shrunk(&self, width: usize, height: usize) -> Self {
        let mut shrink =
            Shrink::to((self.width, self.height()), (width.min(self.width), height.min(self.height())));
        self.rows().for_each(|row| shrink.row(row.iter().copied()));
        shrink.done()
    }
}

/// Takes the rows of a picture, and holds no more than the smaller one.
///
/// Each side is measured in parts that both pictures have whole numbers of: a pixel of the picture is as many of them wide as
/// the smaller one has pixels, and the other way round. So a pixel lies in one of the smaller picture, or in two.
#[derive(Debug)]
pub(crate) struct Shrink {
    from: (usize, usize),
    to: (usize, usize),
    /// For each pixel of a row: in which one of the smaller picture it begins, and how many of its parts lie there.
    columns: Vec<(usize, u64)>,
    /// Rows that came.
    came: usize,
    /// Sums of the row of the smaller picture that is filled now, and of the next.
    sums: [Vec<u64>; 2],
    pixels: Vec<u8>,
}

impl Shrink {
    /// Makes a picture of these sizes at most `longest` pixels wide and high, keeping its shape.
    pub(crate) fn new(width: usize, height: usize, longest: usize) -> Self {
        let most = width.max(height).max(1);
        let side = |side: usize| if most <= longest { side } else { (side * longest / most).max(1) };
        Self::to((width, height), (side(width), side(height)))
    }

    fn to(from: (usize, usize), to: (usize, usize)) -> Self {
        let from = (from.0.max(1), from.1.max(1));
        let to = (to.0.clamp(1, from.0), to.1.clamp(1, from.1));
        let columns = (0..from.0).map(|x| place(x, from.0, to.0)).collect();
        let pixels = Vec::with_capacity(to.0 * to.1);
        Self { from, to, columns, came: 0, sums: [vec![0; to.0], vec![0; to.0]], pixels }
    }

    /// Takes the next row. What is beyond the picture is let go.
    pub(crate) fn row(&mut self, row: impl Iterator<Item = u8>) {
        if self.came >= self.from.1 {
            return;
        }
        let (line, down) = place(self.came, self.from.1, self.to.1);
        let below = self.to.1 as u64 - down;
        let [sums, next] = &mut self.sums;
        for (pixel, (column, right)) in row.zip(&self.columns) {
            let beyond = self.to.0 as u64 - right;
            for (column, share) in [(*column, *right), (column + 1, beyond)] {
                let part = u64::from(pixel) * share;
                if let (Some(sum), Some(next)) = (sums.get_mut(column), next.get_mut(column)) {
                    *sum += part * down;
                    *next += part * below;
                }
            }
        }
        self.came += 1;
        let over = self.came == self.from.1 || place(self.came, self.from.1, self.to.1).0 > line;
        if over {
            self.flush();
        }
    }

    /// A row of the smaller picture is full.
    fn flush(&mut self) {
        let area = (self.from.0 * self.from.1) as u64;
        let [sums, next] = &mut self.sums;
        self.pixels.extend(sums.iter().map(|sum| u8::try_from(sum / area).unwrap_or(u8::MAX)));
        std::mem::swap(sums, next);
        next.fill(0);
    }

    /// The smaller picture. Rows that did not come are black.
    pub(crate) fn done(mut self) -> Grey {
        self.flush();
        self.pixels.resize(self.to.0 * self.to.1, 0);
        Grey { width: self.to.0, pixels: self.pixels }
    }
}

/// In which of the `to` pixels of a smaller side the pixel at this place of one of `from` begins, and how many of its parts
/// lie there.
fn place(at: usize, from: usize, to: usize) -> (usize, u64) {
    let start = at * to;
    let pixel = start / from;
    (pixel, ((pixel + 1) * from - start).min(to) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_picture_is_turned_until_it_is_upright() {
        // Three wide, two high.
        let picture = Grey::new(3, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let turned = |orientation| {
            let turned = picture.clone().upright(orientation);
            (turned.width(), turned.pixels().to_vec())
        };
        assert_eq!(turned(1), (3, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(turned(3), (3, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(turned(6), (2, vec![4, 1, 5, 2, 6, 3]));
        assert_eq!(turned(8), (2, vec![3, 6, 2, 5, 1, 4]));
        assert_eq!(turned(6).1, picture.clone().upright(8).upright(3).pixels());
        assert_eq!(turned(9), turned(1));
    }

    #[test]
    fn a_face_is_found_when_it_is_upright() {
        let portrait = include_bytes!("../../detect/src/face/portrait.jpg");
        let sideways = crate::decode(portrait, &crate::Bounds::default()).unwrap().upright(8);
        assert!(crate::faces(&sideways).all.is_empty());
        assert_eq!(crate::faces(&sideways.upright(6)).all.len(), 1);
    }

    #[test]
    fn a_pixel_is_the_mean_of_those_it_covers() {
        let picture = Grey::new(4, vec![0, 10, 20, 30, 10, 20, 30, 40]).unwrap();
        assert_eq!(picture.shrunk(2, 1), Grey::new(2, vec![10, 30]).unwrap());
        assert_eq!(picture.shrunk(3, 2), Grey::new(3, vec![2, 15, 27, 12, 25, 37]).unwrap());
        assert_eq!(picture.shrunk(8, 8), picture);
    }

    #[test]
    fn the_shape_is_kept_and_what_did_not_come_is_black() {
        let mut shrink = Shrink::new(4000, 3000, 640);
        for _ in 0..7 {
            shrink.row([200; 4000].into_iter());
        }
        let small = shrink.done();
        assert_eq!((small.width(), small.height()), (640, 480));
        assert!(
            small.row(0).iter().all(|pixel| *pixel == 200) && small.row(2).iter().all(|pixel| *pixel == 0)
        );
    }

    proptest! {
        #[test]
        fn any_shape_becomes_one_within_the_bound(
            width in 1_usize..300, height in 1_usize..300, longest in 1_usize..100, shade: u8,
        ) {
            let mut shrink = Shrink::new(width, height, longest);
            (0..=height).for_each(|_| shrink.row(std::iter::repeat_n(shade, width + 1)));
            let small = shrink.done();
            prop_assert!(small.width() <= longest.max(1) && small.height() <= longest.max(1));
            prop_assert!(small.pixels().iter().all(|pixel| *pixel == shade));
        }
    }
}
