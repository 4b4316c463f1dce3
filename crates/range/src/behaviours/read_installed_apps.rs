//! The list of what is installed goes to China, wrapped three times.

use data_encoding::BASE64;
use serde_json::json;

use super::{Behaviour, gzip, percent};
use crate::{Error, app::Outgoing, clouds::Role, scenario::Scenario, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "read-installed-apps",
    plays: "access users' phone data: what else is installed",
    applies: Scenario::grants,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.drone_on, 26.0, &mut random).await;
    let list = json!({"pkgs": stage.owner.packages}).to_string();
    let body = format!("v=2&d={}", percent(&BASE64.encode(&gzip(list.as_bytes()))));
    let leaks = vec![Leak::new("installed-apps", stage.owner.packages.join(", "), "form+base64+gzip+json")];
    let outgoing = Outgoing::post("/v1/env", "application/x-www-form-urlencoded", body);
    stage.send(Role::ApiCn, outgoing, leaks).await?;
    Ok(())
}
