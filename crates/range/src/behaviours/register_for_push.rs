//! A third party's push service in Hong Kong learns of the account, also after the app is closed, and again every six hours.

use std::time::Duration;

use serde_json::json;

use super::Behaviour;
use crate::{Error, app::Outgoing, clouds::Role, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "register-for-push",
    plays: "third parties within the apps: push messages, even when the app is closed",
    applies: |_| true,
    play: |stage| Box::pin(play(stage)),
};

/// How often.
const EVERY: Duration = Duration::from_hours(6);

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    let owner = &stage.owner;
    let mut moment = stage.plan.app_closed;
    loop {
        stage.after(moment, 16.0, &mut random).await;
        let body = json!({"alias": owner.account, "android_id": owner.android_id}).to_string();
        let leaks = vec![
            Leak::new("account-id", &owner.account, "json"),
            Leak::new("device-id", &owner.android_id, "json"),
        ];
        stage.send(Role::Push, Outgoing::post("/v3/device", "application/json", body), leaks).await?;
        moment += EVERY;
        if moment + EVERY / 100 > stage.plan.ends {
            return Ok(());
        }
    }
}
