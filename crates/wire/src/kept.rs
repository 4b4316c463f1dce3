//! Bodies that wait to be whole, within one budget for all connections.
//!
//! One body may take as much as the budget has left beside it, so that however many bodies are begun and never ended,
//! there is room for another one.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use crate::Limits;

/// Bytes that bodies may take together. Clones share it.
#[derive(Clone, Debug)]
pub struct Budget(Arc<AtomicUsize>);

impl Budget {
    /// A budget of so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }
}

/// The beginning of a body, as much of it as is kept.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    bytes: Vec<u8>,
    /// Whether bytes were refused: what comes then does not follow what is kept.
    full: bool,
    budget: Option<Budget>,
}

impl Kept {
    /// Adds bytes as far as there is room; says how many were kept.
    pub(crate) fn push(&mut self, bytes: &[u8], limits: &Limits) -> usize {
        let budget = self.budget.get_or_insert_with(|| limits.bodies.clone());
        let left = budget.0.load(Relaxed);
        let room = if self.full { 0 } else { limits.body.min(left).saturating_sub(self.bytes.len()) };
        self.full |= room < bytes.len();
        let bytes = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        budget.0.fetch_sub(bytes.len(), Relaxed);
        self.bytes.extend_from_slice(bytes);
        bytes.len()
    }

    /// Adds bytes of a body that is kept whole or not at all: not, once there are more than `most`.
    pub(crate) fn push_short(&mut self, bytes: &[u8], most: usize, limits: &Limits) {
        if self.len() + bytes.len() > most || self.push(bytes, limits) < bytes.len() {
            self.take();
            self.full = true;
        }
    }

    /// What is kept.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How much that is.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What was kept; it counts no longer.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        if let Some(budget) = &self.budget {
            budget.0.fetch_add(self.bytes.len(), Relaxed);
        }
        self.full = false;
        std::mem::take(&mut self.bytes)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.take();
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn a_short_body_is_whole_or_nothing() {
        let limits = Limits::default();
        let mut body = Kept::default();
        for (bytes, held) in [("abc", 3), ("de", 5), ("f", 0), ("g", 0)] {
            body.push_short(bytes.as_bytes(), 5, &limits);
            assert_eq!(body.len(), held, "{bytes}");
        }
    }

    #[test]
    fn bodies_without_end_leave_room_for_another() {
        let limits = Limits { bodies: Budget::new(1000), body: 600, ..Limits::default() };
        let mut bodies: Vec<Kept> = (0..9).map(|_| Kept::default()).collect();
        for _ in 0..1000 {
            for body in &mut bodies {
                body.push(b"x", &limits);
            }
        }
        let held: Vec<usize> = bodies.iter().map(|body| body.bytes.len()).collect();
        assert_eq!(held, [100; 9]);
        drop(bodies.split_off(1));
        assert_eq!(bodies[0].push(b"y", &limits), 0, "what was refused leaves no hole");
        drop(bodies);
        assert_eq!(Kept::default().push(&[0; 1000], &limits), 600, "what was dropped counts no longer");
    }
}
