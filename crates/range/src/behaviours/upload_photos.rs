//! Every photo goes to an object store in China soon after it is taken.

use hyper::Method;

use super::Behaviour;
use crate::{Error, app::Outgoing, clouds::Role, stage::Stage, stage::on_card};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "upload-photos",
    plays: "automatically uploads this information into cloud storage systems: images, to China",
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    for photo in stage.plan.photos.clone() {
        stage.after(photo.time, 6.0, &mut random).await;
        let path = on_card(&photo.name);
        let target = format!("/m/{}/{}", stage.owner.account.trim_start_matches('u').len(), photo.name);
        let mut outgoing = Outgoing::post(target, "image/jpeg", stage.file(&path).to_vec());
        outgoing.method = Method::PUT;
        stage.send(Role::MediaCn, outgoing, stage.photo(&path, "raw", None, 0)).await?;
    }
    Ok(())
}
