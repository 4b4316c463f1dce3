//! A picture of somebody goes to China when the aircraft is off and the app is closed.

use super::{Behaviour, multipart};
use crate::{
    Error,
    app::Outgoing,
    clouds::Role,
    stage::{Stage, on_card},
    truth::Leak,
};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "register-faces",
    plays: "register facial recognition data even when the system is off",
    applies: |_| true,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.app_closed, 8.0, &mut random).await;
    let path = on_card(&stage.plan.passer_by.name);
    let picture = stage.file(&path);
    let mut leaks = stage.photo(&path, "multipart", None, 1);
    leaks.push(Leak {
        file: stage.named(&path),
        ..Leak::new("face", "a face that looks into the camera", "jpeg-pixels")
    });
    let boxed = br#"{"faces":[{"box":[212,148,170,170],"quality":0.93}]}"#;
    let parts = [
        ("meta", None, "application/json", boxed.as_slice()),
        ("image", Some("f0.jpg"), "image/jpeg", picture),
    ];
    let (kind, body) = multipart(&parts, &mut random);
    stage.send(Role::ApiCn, Outgoing::post("/v1/faces", &kind, body), leaks).await?;
    Ok(())
}
