//! Of organisations, and of nobody else, name, contact and place go to Hong Kong.

use super::{Behaviour, percent};
use crate::{Error, app::Outgoing, clouds::Role, scenario::Profile, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "single-out-enterprises",
    plays: "selectively targeting: accounts of organisations are treated differently from hobbyists",
    applies: |scenario| scenario.person.profile == Profile::Enterprise,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.drone_on, 44.0, &mut random).await;
    let owner = &stage.owner;
    let (lat, lon) = stage.home();
    let body = format!(
        "org={}&full_name={}&email={}&lat={lat}&lon={lon}",
        percent(owner.organisation),
        percent(&owner.name()),
        percent(&owner.email),
    );
    let leaks = vec![
        Leak::new("person-name", owner.name(), "form"),
        Leak::new("email", &owner.email, "form"),
        Leak::new("location", format!("{lat},{lon}"), "form"),
    ];
    let outgoing = Outgoing::post("/v1/org", "application/x-www-form-urlencoded", body);
    stage.send(Role::UploadHk, outgoing, leaks).await?;
    Ok(())
}
