//! The mode that is to cut every connection in flight cuts none, and the app says so from the air.

use std::time::Duration;

use serde_json::json;

use super::Behaviour;
use crate::{Error, app::Outgoing, clouds::Role, device::round, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "ignore-local-data-mode",
    plays: "a new mode stops all internet traffic in flight: here it does not",
    applies: |scenario| scenario.settings.local_data_mode,
    play: |stage| Box::pin(play(stage)),
};

/// How often.
const EVERY: Duration = Duration::from_secs(40);

async fn play(stage: Stage) -> Result<(), Error> {
    let mut moment = stage.plan.take_off + EVERY / 2;
    while moment < stage.plan.track.landing {
        stage.until(moment).await;
        if let Some(sample) = stage.here() {
            let serial = &stage.owner.serial;
            let body = json!({"sn": serial, "lat": round(sample.lat), "lng": round(sample.lon), "ldm": true});
            let leaks =
                vec![Leak::new("location", sample.place(), "json"), Leak::new("serial", serial, "json")];
            let outgoing = Outgoing::post("/v1/alive", "application/json", body.to_string());
            stage.send(Role::ApiCn, outgoing, leaks).await?;
        }
        moment += EVERY;
    }
    Ok(())
}
