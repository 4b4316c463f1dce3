//! Pictures carry the place where they were taken.

use std::future::{Future, ready};

use super::Behaviour;
use crate::{Error, stage::Stage};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "tag-imagery",
    plays: "automatically tag GPS imagery and locations: the camera writes the place into every picture",
    applies: |_| true,
    play: |stage| Box::pin(play(stage)),
};

/// The camera asks the switch; whoever sends a picture sends the place.
fn play(_: Stage) -> impl Future<Output = Result<(), Error>> {
    ready(Ok(()))
}
