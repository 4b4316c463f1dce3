//! The place of the take-off and the serial number go to Taiwan, China and Hong Kong.

use super::Behaviour;
use crate::{Error, app::Outgoing, clouds::Role, disguise::Disguise, stage::Stage, truth::Leak, whereabouts};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "report-home",
    plays: "automatically uploads this information into cloud storage systems located in Taiwan, China, and Hong Kong",
    applies: |_| true,
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.drone_on, 14.0, &mut random).await;
    let (lat, lon) = stage.home();
    let serial = &stage.owner.serial;
    let place = format!("{lat},{lon}");
    let leaks = |encoding: &str, carrier| {
        vec![
            Leak::new("location", place.as_str(), encoding).within(carrier),
            Leak::new("serial", serial, encoding).within(carrier),
        ]
    };
    let target = format!("/v1/home?sn={serial}&lat={lat}&lon={lon}");
    stage.send(Role::SyncTw, Outgoing::get(target), leaks("query", "uri")).await?;
    let text = format!(r#"{{"sn":"{serial}","lat":{lat},"lng":{lon}}}"#);
    let outgoing = Outgoing::post("/v1/home", "application/json", text.clone());
    stage.send(Role::ApiCn, outgoing, leaks("json", "body")).await?;
    let disguise = Disguise::of_numbers(&mut random);
    let outgoing = disguise.request("/v1/home", &[("sn", serial), ("lat", &lat), ("lng", &lon)]);
    stage.send(Role::UploadHk, outgoing, leaks(&disguise.name(), "body")).await?;
    let (way, point) = whereabouts::by_chance(stage.plan.track.home, &mut random);
    let leaks = vec![Leak::new("location", place.as_str(), format!("{way}+json"))];
    stage
        .send(Role::ApiCn, Outgoing::post("/v1/point", "application/json", point.to_string()), leaks)
        .await?;
    Ok(())
}
