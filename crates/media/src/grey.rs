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

    /// The picture of this size, each pixel the mean of those that it covers; it is not made larger.
    pub fn shrunk(&self, width: usize, height: usize) -> Self {
        let mut shrink =
            Shrink::to((self.width, self.height()), (width.min(self.width), height.min(self.height())));
        self.rows().for_each(|row| shrink.row(row.iter().copied()));
        shrink.done()
    }
}

/// Takes the rows of a picture, and holds no more than the smaller one.
#[derive(Debug)]
pub(crate) struct Shrink {
    from: (usize, usize),
    to: (usize, usize),
    /// For each pixel of a row, in which one of the smaller picture it lies.
    columns: Vec<usize>,
    /// Of the row of the smaller picture that is filled now: sums, and how many pixels are in each.
    sums: Vec<(u32, u32)>,
    /// Rows that came.
    came: usize,
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
        let to = (to.0.clamp(1, from.0.max(1)), to.1.clamp(1, from.1.max(1)));
        let columns = (0..from.0).map(|x| x * to.0 / from.0).collect();
        Self { from, to, columns, sums: vec![(0, 0); to.0], came: 0, pixels: Vec::with_capacity(to.0 * to.1) }
    }

    /// Takes the next row. What is beyond the picture is let go.
    pub(crate) fn row(&mut self, row: impl Iterator<Item = u8>) {
        if self.came >= self.from.1 {
            return;
        }
        for (pixel, column) in row.zip(&self.columns) {
            if let Some((sum, count)) = self.sums.get_mut(*column) {
                *sum = sum.saturating_add(pixel.into());
                *count += 1;
            }
        }
        let place = |row: usize| row * self.to.1 / self.from.1;
        let now = place(self.came);
        self.came += 1;
        if self.came == self.from.1 || place(self.came) != now {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let means = self.sums.iter_mut().map(|cell| {
            let (sum, count) = std::mem::take(cell);
            u8::try_from(sum.checked_div(count).unwrap_or(0)).unwrap_or(u8::MAX)
        });
        self.pixels.extend(means);
    }

    /// The smaller picture. Rows that did not come are black.
    pub(crate) fn done(mut self) -> Grey {
        if self.sums.iter().any(|(_, count)| *count > 0) {
            self.flush();
        }
        self.pixels.resize(self.to.0 * self.to.1, 0);
        Grey { width: self.to.0, pixels: self.pixels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pixel_is_the_mean_of_those_it_covers() {
        let picture = Grey::new(4, vec![0, 10, 20, 30, 10, 20, 30, 40]).unwrap();
        assert_eq!(picture.shrunk(2, 1), Grey::new(2, vec![10, 30]).unwrap());
        assert_eq!(picture.shrunk(8, 8), picture);
    }

    #[test]
    fn the_shape_is_kept_and_what_did_not_come_is_black() {
        let mut shrink = Shrink::new(4000, 3000, 640);
        shrink.row([200; 4000].into_iter());
        let small = shrink.done();
        assert_eq!((small.width(), small.height()), (640, 480));
        assert!(
            small.row(0).iter().all(|pixel| *pixel == 200) && small.row(1).iter().all(|pixel| *pixel == 0)
        );
    }

    proptest! {
        #[test]
        fn any_shape_becomes_one_within_the_bound(
            width in 1_usize..300, height in 1_usize..300, longest in 1_usize..100, shade: u8,
        ) {
            let mut shrink = Shrink::new(width, height, longest);
            (0..height + 1).for_each(|_| shrink.row(std::iter::repeat_n(shade, width + 1)));
            let small = shrink.done();
            prop_assert!(small.width() <= longest.max(1) && small.height() <= longest.max(1));
            prop_assert!(small.pixels().iter().all(|pixel| *pixel == shade));
        }
    }
}
