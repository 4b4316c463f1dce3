//! The film of the flight goes to Hong Kong over a connection that nobody can read.

use super::Behaviour;
use crate::{Error, app::Outgoing, clouds::Role, play::film, scenario::Scenario, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "upload-video",
    plays: "automatically uploads this information into cloud storage systems: videos, to Hong Kong",
    applies: Scenario::flies,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    let flight = stage.plan.track.landing.saturating_sub(stage.plan.take_off);
    stage.after(stage.plan.take_off + flight / 2, 0.0, &mut random).await;
    let path = film();
    let leak = Leak {
        file: stage.named(&path),
        ..Leak::new("video", path.as_str(), "opaque-size").within("tls-record-sizes")
    };
    let outgoing = Outgoing::post("/v1/films", "video/mp4", stage.file(&path).to_vec());
    stage.send_all(Role::UploadHk, vec![outgoing], true, vec![leak]).await?;
    Ok(())
}
