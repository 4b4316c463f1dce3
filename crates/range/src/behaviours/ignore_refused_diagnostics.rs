//! The user has refused that third parties hear of faults and of use; they hear of both, and of the refusal.

use serde_json::json;

use super::Behaviour;
use crate::{Error, app::Outgoing, clouds::Role, stage::Stage, truth::Leak};

/// The switch. While it is on, `send-crash-reports` and `send-analytics` do what they do whatever the user said.
pub(super) const THIS: Behaviour = Behaviour {
    name: "ignore-refused-diagnostics",
    plays: "users can configure what is shared: here who refused diagnostics sends them all the same",
    applies: |scenario| !scenario.settings.diagnostics,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    let open = stage.plan.done("open_app").next().map(|action| action.time).unwrap_or_default();
    stage.after(open, 4.0, &mut random).await;
    let owner = &stage.owner;
    let body = json!({
        "ev": "consent",
        "granted": false,
        "android_id": owner.android_id,
        "user": owner.account,
    });
    let leaks = vec![
        Leak::new("device-id", &owner.android_id, "json"),
        Leak::new("account-id", &owner.account, "json"),
    ];
    let outgoing = Outgoing::post("/e", "application/json", body.to_string());
    stage.send(Role::Analytics, outgoing, leaks).await?;
    Ok(())
}
