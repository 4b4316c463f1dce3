//! The flight goes to Taiwan as it is flown, twenty seconds at a time.

use std::time::Duration;

use serde_json::json;

use super::{Behaviour, gzip};
use crate::{
    Error, app::Outgoing, clouds::Role, device::round, flight::Sample, scenario::Scenario, stage::Stage,
    truth::Leak,
};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "upload-track",
    plays: "automatically uploads this information into cloud storage systems located in Taiwan: where the aircraft flew",
    applies: Scenario::flies,
    play: |stage| Box::pin(play(stage)),
};

/// How much of the flight goes at a time.
const BATCH: Duration = Duration::from_secs(20);

async fn play(stage: Stage) -> Result<(), Error> {
    let mut from = stage.plan.take_off;
    while from < stage.plan.track.landing {
        let to = from + BATCH;
        stage.until(to).await;
        if !stage.is_cut() {
            let samples: Vec<_> = stage.plan.track.seconds(from, to).copied().collect();
            let points: Vec<_> = samples
                .iter()
                .map(|sample| json!({"lat": round(sample.lat), "lng": round(sample.lon), "alt": sample.height.round()}))
                .collect();
            let body = json!({"sn": stage.owner.serial, "points": points}).to_string();
            let place = samples.first().map(Sample::place).unwrap_or_default();
            let leaks = vec![
                Leak::new("location", place, "gzip+json"),
                Leak::new("serial", &stage.owner.serial, "gzip+json"),
            ];
            let outgoing = Outgoing::post("/v2/track", "application/json", gzip(body.as_bytes()))
                .header("content-encoding", "gzip");
            stage.send(Role::SyncTw, outgoing, leaks).await?;
        }
        from = to;
    }
    Ok(())
}
