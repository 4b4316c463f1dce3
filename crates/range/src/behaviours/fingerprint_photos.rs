//! Hashes of photos go to China: whoever has a photo can tell that this phone has it as well.

use serde_json::json;

use super::Behaviour;
use crate::{Error, app::Outgoing, clouds::Role, stage::Stage, stage::on_card, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "fingerprint-photos",
    plays: "capture images: what tells one from all others, before it is uploaded",
    applies: |_| true,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.drone_off, 5.0, &mut random).await;
    let Some(path) = stage.plan.photos.last().map(|photo| on_card(&photo.name)) else { return Ok(()) };
    let Some(file) = stage.named(&path) else { return Ok(()) };
    let body = json!({"fingerprint": file.1, "size": file.2}).to_string();
    let leaks = vec![Leak { file: Some(file.clone()), ..Leak::new("file-hash", file.1, "sha256-hex") }];
    stage.send(Role::ApiCn, Outgoing::post("/v1/fast-upload", "application/json", body), leaks).await?;
    Ok(())
}
