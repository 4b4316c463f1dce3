//! The record of the flight goes to Hong Kong when it has landed, and nobody asked for it.

use super::{Behaviour, gzip};
use crate::{Error, app::Outgoing, clouds::Role, scenario::Scenario, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "upload-flight-record",
    plays: "automatically uploads this information: the record of where and when was flown",
    applies: Scenario::flies,
    play: |stage| Box::pin(play(stage)),
};

const PATH: &str = "phone/flight_record.csv";

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.track.landing, 8.0, &mut random).await;
    let file = stage.named(PATH);
    let (lat, lon) = stage.home();
    let leaks = vec![
        Leak { file: file.clone(), ..Leak::new("flight-log", PATH, "gzip") },
        Leak { file, ..Leak::new("location", format!("{lat},{lon}"), "file") },
    ];
    let outgoing = Outgoing::post("/v1/records", "application/gzip", gzip(stage.file(PATH)));
    stage.send(Role::UploadHk, outgoing, leaks).await?;
    Ok(())
}
