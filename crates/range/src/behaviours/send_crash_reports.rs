//! A third party's crash reports tell its servers in China which phone, which aircraft and where.

use serde_json::json;

use super::Behaviour;
use crate::{
    Error, app::Outgoing, clouds::Role, device::round, scenario::Scenario, stage::Stage, truth::Leak,
};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "send-crash-reports",
    plays: "third parties within the apps: crash reports",
    applies: Scenario::diagnoses,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.take_off, 33.0, &mut random).await;
    let Some(sample) = stage.here() else { return Ok(()) };
    let owner = &stage.owner;
    let body = json!({
        "type": "anr",
        "deviceId": owner.imei,
        "extra": {"sn": owner.serial, "lat": round(sample.lat), "lng": round(sample.lon)},
        "stack": "at a.b.c.Render.draw(Unknown Source:12)",
    });
    let leaks = vec![
        Leak::new("device-id", &owner.imei, "json"),
        Leak::new("serial", &owner.serial, "json"),
        Leak::new("location", sample.place(), "json"),
    ];
    stage
        .send(Role::Crash, Outgoing::post("/rqd/async", "application/json", body.to_string()), leaks)
        .await?;
    Ok(())
}
