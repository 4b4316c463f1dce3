//! Position and state go to a broker in China every few seconds.

use std::time::Duration;

use serde_json::json;

use super::Behaviour;
use crate::{Error, clouds::Role, device::round, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "publish-telemetry",
    plays: "automatically uploads this information into cloud storage systems located in China: telemetry",
    applies: |_| true,
    play: |stage| Box::pin(play(stage)),
};

/// How often.
const EVERY: Duration = Duration::from_secs(6);

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.drone_on, 8.0, &mut random).await;
    let cloud = stage.cloud(Role::MqttCn)?;
    let secure = !stage.scenario.network.plain_telemetry;
    let login = (stage.owner.account.as_str(), stage.owner.token.as_str());
    let client = format!("pilot-{:06}", random.u32(0..1_000_000));
    let (mut session, sent) = stage.app.telemetry(cloud, secure, stage.is_pinned(), &client, login).await?;
    let login = [
        ("account-id", login.0, "mqtt-username", "username"),
        ("credential", login.1, "mqtt-password", "password"),
    ];
    let leaks =
        login.map(|(class, value, encoding, carrier)| Leak::new(class, value, encoding).within(carrier));
    stage.note(&sent, leaks.into());
    let topic = format!("thing/product/{}/osd", stage.owner.serial);
    while stage.net.now() + EVERY < stage.plan.drone_off {
        tokio::time::sleep(EVERY).await;
        let Some(sample) = stage.here().filter(|_| !stage.is_cut()) else { continue };
        let data = json!({
            "latitude": round(sample.lat),
            "longitude": round(sample.lon),
            "height": (sample.height * 10.0).round() / 10.0,
            "mode_code": if sample.flying { 5 } else { 0 },
        });
        let millis = stage.clock.at(stage.net.now()).as_nanos() / 1_000_000;
        let payload = json!({"timestamp": millis, "data": data}).to_string();
        let sent = session.publish(&topic, &payload).await?;
        let leaks = vec![
            Leak::new("serial", &stage.owner.serial, "mqtt-topic").within("topic"),
            Leak::new("location", sample.place(), "json").within("payload"),
        ];
        stage.note(&sent, leaks);
    }
    session.end().await
}
