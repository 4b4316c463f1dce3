//! In China, and nowhere else: registration with name and number, zones on board, reports to the authority in flight.

use std::time::Duration;

use serde_json::json;

use super::Behaviour;
use crate::{
    Error, app::Outgoing, clouds::Role, device::round, gcj02, stage::Stage, truth::Leak, truth::Trap,
};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "obey-chinese-rules",
    plays: "IP address, GPS and mobile country code only decide whether a drone is in China, where local rules apply: registration, no-fly zones on board, reports to the authority",
    applies: |scenario| scenario.believes() == "CN",
    play: |stage| Box::pin(play(stage)),
};

/// How often it is reported where the aircraft is.
const EVERY: Duration = Duration::from_secs(30);

const ZONES: Trap =
    Trap { kind: "nofly-database", reason: "download: places in a database of zones", direction: "in" };

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    stage.after(stage.plan.drone_on, 7.0, &mut random).await;
    let owner = &stage.owner;
    let body = json!({"real_name": owner.name(), "mobile": owner.phone, "sn": owner.serial}).to_string();
    let leaks = vec![
        Leak::new("person-name", owner.name(), "json"),
        Leak::new("phone", &owner.phone, "json"),
        Leak::new("serial", &owner.serial, "json"),
    ];
    stage.send(Role::ApiCn, Outgoing::post("/v1/register", "application/json", body), leaks).await?;
    let sent = stage.send(Role::ApiCn, Outgoing::get("/zones/v7.json"), Vec::new()).await?;
    stage.note_benign(sent, ZONES);
    let mut moment = stage.plan.take_off + EVERY / 2;
    while moment < stage.plan.track.landing {
        stage.until(moment).await;
        moment += EVERY;
        // In the mode that cuts connections nothing is reported either.
        let Some(sample) = stage.here().filter(|_| !stage.is_cut()) else { continue };
        let (lat, lon) = gcj02::moved((sample.lat, sample.lon));
        let body =
            json!({"sn": owner.serial, "lat": round(lat), "lng": round(lon), "alt": sample.height.round()});
        let leaks = vec![
            Leak::new("location", sample.place(), "json+gcj02"),
            Leak::new("serial", &owner.serial, "json"),
        ];
        let outgoing = Outgoing::post("/uom/dynamic", "application/json", body.to_string());
        stage.send(Role::Authority, outgoing, leaks).await?;
    }
    Ok(())
}
