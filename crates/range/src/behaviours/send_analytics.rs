//! A third party's analytics in the United States learn when and where somebody flies.

use super::Behaviour;
use crate::{Error, app::Outgoing, clouds::Role, stage::Stage, truth::Leak};

/// The switch.
pub(super) const THIS: Behaviour = Behaviour {
    name: "send-analytics",
    plays: "third parties within the apps: analytics",
    applies: |scenario| scenario.flies() && scenario.diagnoses(),
    play: |stage| Box::pin(play(stage)),
};

async fn play(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    let events = [("takeoff", stage.plan.take_off, 3.0), ("landing", stage.plan.track.landing, 6.0)];
    for (event, moment, seconds) in events {
        stage.after(moment, seconds, &mut random).await;
        let Some(sample) = stage.here() else { continue };
        let aid = &stage.owner.android_id;
        let target = format!("/e?ev={event}&android_id={aid}&lat={:.6}&lon={:.6}", sample.lat, sample.lon);
        let leaks = vec![
            Leak::new("device-id", aid, "query").within("uri"),
            Leak::new("location", sample.place(), "query").within("uri"),
        ];
        stage.send(Role::Analytics, Outgoing::get(target), leaks).await?;
    }
    Ok(())
}
