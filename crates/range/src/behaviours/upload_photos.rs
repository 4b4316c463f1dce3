//! Every photo goes to an object store in China soon after it is taken.

use super::Behaviour;
use crate::{
    Error,
    clouds::Role,
    stage::{Stage, on_card},
    upload::Carriage,
};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "upload-photos",
    plays: "automatically uploads this information into cloud storage systems: images, to China",
    applies: |_| true,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    for photo in stage.plan.photos.clone() {
        stage.after(photo.time, 6.0, &mut random).await;
        let path = on_card(&photo.name);
        let target = format!("/m/{}/{}", stage.owner.account.len(), photo.name);
        let carriage = Carriage::by_chance(&mut random);
        let requests = carriage.requests(&target, stage.file(&path), &mut random);
        let leaks = stage.photo(&path, carriage.name(), None, 0);
        stage.send_all(Role::MediaCn, requests, stage.is_pinned(), leaks).await?;
    }
    Ok(())
}
