//! What may leave in which state: the question that the engine asks before it renews anything.

use crate::{Exception, State};

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Destination<'a> {
    /// Whatever clients like to reach.
    Anywhere,
    /// A destination that the configuration names.
    Named(&'a Exception),
}

/// Whoever answers.
pub trait Policy {
    /// Whether clients may reach this now.
    fn allows(&self, state: State, destination: Destination<'_>) -> bool;
}

/// Local data mode: nothing leaves unless everything is on the ground; named destinations always may.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalData;

impl Policy for LocalData {
    fn allows(&self, state: State, destination: Destination<'_>) -> bool {
        matches!(destination, Destination::Named(_)) || state.is_open()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_unless_grounded_or_released() {
        for state in [State::Unknown, State::Airborne, State::Stale] {
            assert!(!LocalData.allows(state, Destination::Anywhere));
        }
        assert!(LocalData.allows(State::Grounded, Destination::Anywhere));
        assert!(LocalData.allows(State::Released, Destination::Anywhere));
    }
}
