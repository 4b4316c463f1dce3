//! Name, mail address and telephone number go to three countries, each written in another way.

use data_encoding::{BASE64, HEXLOWER};
use md5::{Digest, Md5};
use serde_json::json;

use super::{Behaviour, percent};
use crate::{Error, app::Outgoing, clouds::Role, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "send-account",
    plays: "capture user identification, e-mail addresses, full names, phone numbers",
    applies: |_| true,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    let owner = &stage.owner;
    stage.after(stage.plan.drone_on, 36.0, &mut random).await;
    let body = json!({
        "first_name": owner.first,
        "last_name": owner.last,
        "m": BASE64.encode(owner.email.as_bytes()),
        "uid": owner.account,
    });
    let leaks = vec![
        Leak::new("person-name", owner.name(), "split-name"),
        Leak::new("email", &owner.email, "base64"),
        Leak::new("account-id", &owner.account, "json"),
    ];
    stage.send(Role::ApiCn, Outgoing::post("/v1/me", "application/json", body.to_string()), leaks).await?;
    let leaks = vec![Leak::new("phone", &owner.phone, "percent-query").within("uri")];
    stage.send(Role::SyncTw, Outgoing::get(format!("/v1/who?tel={}", percent(&owner.phone))), leaks).await?;
    let body = json!({"ph": HEXLOWER.encode(&Md5::digest(owner.phone.as_bytes()))}).to_string();
    let leaks = vec![Leak::new("phone", &owner.phone, "md5-hex")];
    stage.send(Role::UploadHk, Outgoing::post("/v1/match", "application/json", body), leaks).await?;
    let name = owner.name();
    let values = [
        ("person-name", "full_name", name.as_str()),
        ("email", "email", &owner.email),
        ("phone", "phone", &owner.phone),
        ("account-id", "account", &owner.account),
    ];
    stage.send_disguised(Role::SyncTw, "/v1/u", &values, &mut random).await
}
