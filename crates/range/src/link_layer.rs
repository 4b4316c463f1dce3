//! Between aircraft and tablet: MAVLink over UDP on the LAN, and the same frames as the ground station logs them.

use std::time::Duration;

use crate::{
    Error,
    mavlink::Sender,
    moment::Clock,
    net::{Conversation, Host},
    plan::Plan,
    scenario::{Device, Scenario, Tells},
    stage::Stage,
    truth::{Sent, Trap},
};

/// Where ground stations listen.
const PORT: u16 = 14_550;

const TRAP: Trap = Trap {
    kind: "local-telemetry",
    reason: "MAVLink between aircraft and tablet stays on the LAN",
    direction: "lan",
};

/// How long after it is switched on the aircraft has the zones that the app downloads for it.
const LOADED: Duration = Duration::from_secs(15);

/// What the aircraft and the station send, in the order of time.
fn frames(plan: &Plan, device: &Device, tells: Tells, clock: &Clock) -> Vec<(Duration, Host, Vec<u8>)> {
    let (mut aircraft, mut station) = (Sender::aircraft(), Sender::station());
    let mut frames = Vec::new();
    let mut flew = false;
    // What it is, and then that it knows where it may not fly.
    let mut notices = vec![
        (plan.drone_on + LOADED, "zones v7 on board".to_owned()),
        (plan.drone_on, format!("{} {}", device.model, device.firmware)),
    ];
    for (sample, number) in plan.track.samples.iter().zip(0_u32..) {
        let time = sample.time;
        if let Some((_, words)) = notices.pop_if(|(due, _)| *due <= time) {
            frames.push((time, Host::Drone, aircraft.says(&words)));
        }
        let second = number % 4 == 0;
        if second || tells == Tells::AtOnce && sample.flying != flew {
            frames.push((time, Host::Drone, aircraft.heartbeat(sample.flying)));
            frames.push((time, Host::Drone, aircraft.landed(sample.flying)));
            flew = sample.flying;
        }
        if second {
            let micros = u64::try_from(clock.at(time).as_nanos() / 1000).unwrap_or_default();
            frames.push((time, Host::Drone, aircraft.gps(sample, micros)));
            frames.push((time, Host::Phone, station.station_heartbeat()));
        }
        frames.push((time, Host::Drone, aircraft.position(sample, time.saturating_sub(plan.drone_on))));
    }
    frames
}

/// The log of the ground station: each frame after its time in microseconds, most significant byte first.
pub(crate) fn log(plan: &Plan, scenario: &Scenario, clock: &Clock) -> Vec<u8> {
    let mut log = Vec::new();
    for (time, _, frame) in frames(plan, &scenario.device, scenario.flight.tells, clock) {
        let micros = u64::try_from(clock.at(time).as_nanos() / 1000).unwrap_or_default();
        log.extend(micros.to_be_bytes());
        log.extend(frame);
    }
    log
}

/// Aircraft and station talk, from the moment that one is switched on until it is switched off.
pub(crate) async fn talk(stage: Stage) -> Result<(), Error> {
    let wrong = Error::doing("talking to the aircraft");
    let ends = [Host::Drone, Host::Phone].map(|host| stage.net.bind(host, host.ip().into(), Some(PORT)));
    let [drone, phone] = ends;
    let (drone, phone) = (drone.map_err(&wrong)?, phone.map_err(&wrong)?);
    let conversation = Conversation { inside: phone.local(), outside: drone.local(), is_tcp: false };
    let began = stage.plan.drone_on;
    let telling = async {
        let Scenario { device, flight, .. } = &stage.scenario;
        for (time, from, frame) in frames(&stage.plan, device, flight.tells, &stage.clock) {
            stage.until(time).await;
            let (socket, to) = if from == Host::Drone { (&drone, &phone) } else { (&phone, &drone) };
            socket.send(&frame, to.local()).map_err(&wrong)?;
        }
        Ok::<(), Error>(())
    };
    let drain = async {
        loop {
            tokio::select! {
                received = drone.receive() => { received.map_err(&wrong)?; }
                received = phone.receive() => { received.map_err(&wrong)?; }
            }
        }
    };
    tokio::select! {
        told = telling => told?,
        drained = drain => return drained,
    }
    let sent = Sent {
        conversation,
        host: None,
        country: "LAN",
        began,
        ended: stage.net.now(),
        protocol: "mavlink",
        visibility: "clear",
        bytes: 0,
    };
    stage.note_benign(sent, TRAP);
    // What was sent last is still to arrive.
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many heartbeats an aircraft sends, and how long before one the take-off was.
    fn heartbeats(tells: Tells) -> (usize, Duration) {
        let scenario = Scenario::load("as-claimed").unwrap();
        let mut chance = fastrand::Rng::with_seed(2);
        let plan = Plan::new(&scenario, &mut chance.fork(), &mut chance);
        let clock = Clock::new(creance_model::Timestamp::from_secs(0));
        let mut aircraft = Sender::aircraft();
        // After the head of ten bytes, the number of the message, and its content: equal sizes are equal kinds here.
        let (beat, head) = (aircraft.heartbeat(true).len(), 7..10);
        let id = aircraft.heartbeat(true).get(head.clone()).unwrap().to_vec();
        let all = frames(&plan, &scenario.device, tells, &clock);
        let beats = all.iter().filter(|(_, from, frame)| {
            *from == Host::Drone && frame.len() == beat && frame.get(head.clone()) == Some(&id)
        });
        let times: Vec<Duration> = beats.map(|(time, ..)| *time).collect();
        let next = times.iter().find(|time| **time >= plan.take_off).unwrap();
        (times.len(), next.saturating_sub(plan.take_off))
    }

    #[test]
    fn an_aircraft_says_once_a_second_whether_it_flies_and_at_once_where_it_is_asked_to() {
        // Some chances take off on a whole second: of this one that is not so.
        let ((usual, late), (more, at_once)) = (heartbeats(Tells::EachSecond), heartbeats(Tells::AtOnce));
        assert!(!late.is_zero() && late < Duration::from_secs(1), "{late:?}");
        assert!(at_once.is_zero() && (usual + 1..=usual + 2).contains(&more), "{at_once:?} {usual} {more}");
    }
}
