//! The position goes to Hong Kong over a WebSocket that stays open.

use std::time::Duration;

use serde_json::json;

use super::Behaviour;
use crate::{Error, clouds::Role, device::round, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "stream-position",
    plays: "automatically uploads this information into cloud storage systems located in Hong Kong: where the aircraft is",
    applies: |_| true,
    play: |stage| Box::pin(play(stage)),
};

/// How often.
const EVERY: Duration = Duration::from_secs(15);

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.drone_on, 16.0, &mut random).await;
    let cloud = stage.cloud(Role::StreamHk)?;
    let mut stream = stage.app.stream(cloud, stage.is_pinned(), "/v1/live").await?;
    while stage.net.now() + EVERY < stage.plan.drone_off {
        tokio::time::sleep(EVERY).await;
        let Some(sample) = stage.here().filter(|_| !stage.is_cut()) else { continue };
        let place = json!({"lat": round(sample.lat), "lon": round(sample.lon)});
        let sent = stream.say(json!({"op": "pos", "uav": place}).to_string()).await?;
        stage.note(&sent, vec![Leak::new("location", sample.place(), "ws-text-json").within("ws-message")]);
    }
    stream.end().await
}
