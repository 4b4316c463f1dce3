//! Slow tests: a network that is shown where a window has edges, says whether it is a face, and moves it to where the face is.
//!
//! A feature is a rectangle of the window in four quarters; of each quarter it has eight sums: gradients across and their
//! sizes, apart by whether the gradient down is negative, and the other way round (SURF: Bay, Ess, Tuytelaars, Van Gool,
//! CVIU 110 (2008) 346–359).

use super::{Face, Grey, SMALLEST, Square, model::Numbers, sampled};

/// A network, and which features it is shown.
pub(super) struct Network {
    features: Vec<Feature>,
    threshold: f32,
    layers: Vec<Layer>,
}

#[derive(Clone, Copy)]
struct Feature {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

struct Layer {
    inputs: usize,
    weights: Vec<f32>,
    biases: Vec<f32>,
}

/// Sums of a quarter.
const CHANNELS: usize = 8;

/// Sums of a feature.
const OF_FEATURE: usize = 4 * CHANNELS;

/// Outputs of the last layer: certainty, and how far to move right and down and grow.
const OUTPUTS: usize = 4;

impl Network {
    pub(super) fn read(numbers: &mut Numbers<'_>) -> Option<Self> {
        let (layers, features) = (numbers.count()?, numbers.count()?);
        let pool = pool();
        let feature = |_| pool.get(numbers.count()?.checked_sub(1)?).copied();
        let features = (0..features).map(feature).collect::<Option<Vec<_>>>()?;
        let threshold = numbers.float()?;
        let mut inputs = numbers.count()?;
        if inputs != features.len() * OF_FEATURE {
            return None;
        }
        let mut network = Self { features, threshold, layers: Vec::new() };
        for _ in 1..layers {
            let outputs = numbers.count()?;
            let weights = numbers.floats(inputs.checked_mul(outputs)?)?;
            let biases = numbers.floats(outputs)?;
            network.layers.push(Layer { inputs, weights, biases });
            inputs = outputs;
        }
        (inputs == OUTPUTS).then_some(network)
    }

    /// A window where its face is, with its certainty; `None`: it is no face.
    pub(super) fn judge(&self, picture: &Grey, window: Face) -> Option<Face> {
        let side = usize::try_from(window.side).ok().filter(|side| *side >= 2)?;
        let within = |from: i32, most: usize| {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            i64::from(from) < most && i64::from(from) + i64::from(window.side) > 0
        };
        // What was moved out of the picture, or grew far over it, shows nothing.
        if side > 2 * picture.width().max(picture.height())
            || !within(window.left, picture.width())
            || !within(window.top, picture.height())
        {
            return None;
        }
        let part = Square { left: window.left, top: window.top, width: side, height: side };
        let sums = integral(&sampled(picture, part, SMALLEST, SMALLEST));
        let mut values: Vec<f32> = self.features.iter().flat_map(|feature| feature.of(&sums)).collect();
        for (index, layer) in self.layers.iter().enumerate() {
            values = layer.out(&values, index + 1 == self.layers.len());
        }
        let [certainty, right, down, growth] = values.try_into().ok()?;
        if certainty <= self.threshold {
            return None;
        }
        let old = window.side as f32;
        let moved = |share: f32| (share * 2.0 - 1.0) * old;
        let new = (moved(growth) + old + 0.5).floor();
        if new < 2.0 {
            return None;
        }
        let edge =
            |from: i32, share: f32| (moved(share) + from as f32 + (old - new) * 0.5 + 0.5).floor() as i32;
        Some(Face {
            left: edge(window.left, right),
            top: edge(window.top, down),
            side: new as i32,
            score: certainty,
        })
    }
}

impl Layer {
    fn out(&self, values: &[f32], last: bool) -> Vec<f32> {
        let rows = self.weights.chunks_exact(self.inputs.max(1)).zip(&self.biases);
        rows.map(|(weights, bias)| {
            let sum = bias + dot(weights, values);
            if last { 1.0 / (1.0 + (-sum).exp()) } else { sum.max(0.0) }
        })
        .collect()
    }
}

/// The sum of products, in eight lanes that a processor adds at once.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (ones, others) = (one.chunks_exact(8), other.chunks_exact(8));
    let rest: f32 = ones.remainder().iter().zip(others.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in ones.zip(others) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// A row of the sums has one more corner than the window has pixels.
const ROW: usize = SMALLEST + 1;

/// For each corner of pixels, the sums of all that is above and left of it.
fn integral(window: &[u8]) -> Vec<[i32; CHANNELS]> {
    let rows: Vec<&[u8]> = window.chunks_exact(SMALLEST).collect();
    let mut sums = Vec::with_capacity(ROW * ROW);
    let mut above = [[0; CHANNELS]; ROW];
    sums.extend(above);
    for (y, row) in rows.iter().enumerate() {
        // Slopes between the neighbours; at an edge, twice the difference to the only one.
        let before = rows.get(y.saturating_sub(1)).unwrap_or(row);
        let after = rows.get(y + 1).unwrap_or(row);
        let twice = if y == 0 || y + 1 == SMALLEST { 2 } else { 1 };
        let mut own = [0; CHANNELS];
        let mut corners = above.iter_mut();
        sums.extend(corners.next().copied());
        for (x, ((corner, before), after)) in corners.zip(*before).zip(*after).enumerate() {
            let down = (i32::from(*after) - i32::from(*before)) * twice;
            let pixel = |x: usize| row.get(x).map_or(0, |pixel| i32::from(*pixel));
            let across = match x {
                0 => 2 * (pixel(1) - pixel(0)),
                _ if x == SMALLEST - 1 => 2 * (pixel(x) - pixel(x - 1)),
                _ => pixel(x + 1) - pixel(x - 1),
            };
            // Signed and unsigned, apart by the sign of the other slope.
            let pairs = [(across, if down < 0 { 2 } else { 0 }), (down, if across < 0 { 6 } else { 4 })];
            for (slope, at) in pairs {
                if let Some([signed, size]) = own.get_mut(at..at + 2) {
                    *signed += slope;
                    *size += slope.abs();
                }
            }
            for (sum, own) in corner.iter_mut().zip(&own) {
                *sum += own;
            }
            sums.push(*corner);
        }
    }
    sums
}

impl Feature {
    /// The sums of its quarters, of length one together.
    fn of(self, sums: &[[i32; CHANNELS]]) -> impl Iterator<Item = f32> {
        let corner = |x: usize, y: usize| {
            let (x, y) = (self.x + x * (self.width / 2), self.y + y * (self.height / 2));
            sums.get(y * ROW + x).copied().unwrap_or_default()
        };
        let mut values = [0_i32; OF_FEATURE];
        let quarters = [(0, 0), (1, 0), (0, 1), (1, 1)];
        for (values, (x, y)) in values.chunks_exact_mut(CHANNELS).zip(quarters) {
            let (a, b, c, d) = (corner(x, y), corner(x + 1, y), corner(x, y + 1), corner(x + 1, y + 1));
            for (value, (((a, b), c), d)) in values.iter_mut().zip(a.into_iter().zip(b).zip(c).zip(d)) {
                *value = d + a - b - c;
            }
        }
        let squares: f64 = values.iter().map(|value| f64::from(*value) * f64::from(*value)).sum();
        let length = if squares > 0.0 { squares.sqrt() as f32 } else { 1.0 };
        values.into_iter().map(move |value| value as f32 / length)
    }
}

/// All features, in the order of their numbers: rectangles of five shapes, each in all sizes and at all places of a grid.
fn pool() -> Vec<Feature> {
    const SHAPES: [(usize, usize); 5] = [(1, 1), (1, 2), (2, 1), (2, 3), (3, 2)];
    const LEAST: usize = 16;
    const GRID: usize = 16;
    let mut pool = Vec::new();
    for (wide, high) in SHAPES {
        for height in
            (LEAST..=SMALLEST).filter(|height| height.is_multiple_of(2) && height.is_multiple_of(high))
        {
            let width = height / high * wide;
            if !width.is_multiple_of(2) || !(LEAST..=SMALLEST).contains(&width) {
                continue;
            }
            for y in (0..=SMALLEST - height).step_by(GRID) {
                for x in (0..=SMALLEST - width).step_by(GRID) {
                    pool.push(Feature { x, y, width, height });
                }
            }
        }
    }
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_seen_in_the_quarters_that_it_crosses() {
        let window: Vec<u8> =
            (0..SMALLEST * SMALLEST).map(|at| if at % SMALLEST < 10 { 0 } else { 100 }).collect();
        let sums = integral(&window);
        let whole = Feature { x: 0, y: 0, width: SMALLEST, height: SMALLEST };
        let values: Vec<f32> = whole.of(&sums).collect();
        // Brightness rises across in the left quarters, upper and lower, and nowhere down.
        let told: Vec<usize> =
            values.iter().enumerate().filter(|(_, value)| **value > 0.0).map(|(at, _)| at).collect();
        assert_eq!(told, [0, 1, 16, 17]);
        assert!((values.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn a_window_outside_of_the_picture_is_no_face() {
        let model = super::super::Model::bundled().unwrap();
        let picture = Grey::new(50, vec![90; 2500]).unwrap();
        for (left, top, side) in
            [(60, 0, 40), (0, 60, 40), (-50, 0, 40), (0, 0, 1), (0, 0, i32::MAX), (i32::MIN, 0, 9)]
        {
            let window = Face { left, top, side, score: 1.0 };
            assert_eq!(model.networks[0].judge(&picture, window), None);
        }
    }
}
