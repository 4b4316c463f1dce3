//! To learn in which country it is, the app tells a server in China its position.

use super::Behaviour;
use crate::{Error, app::Outgoing, clouds::Role, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "ask-region-with-position",
    plays: "IP address, GPS and mobile country code decide whether a drone is in China: here the position leaves the phone for it",
    applies: |_| true,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.drone_on, 3.0, &mut random).await;
    let (lat, lon) = stage.home();
    let mcc = stage.scenario.network.mcc;
    let leaks = vec![Leak::new("location", format!("{lat},{lon}"), "query").within("uri")];
    let outgoing = Outgoing::get(format!("/v1/region?lat={lat}&lng={lon}&mcc={mcc}"));
    stage.send(Role::ApiCn, outgoing, leaks).await?;
    Ok(())
}
