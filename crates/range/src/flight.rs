//! The aircraft in the air: a track that flies its plan as a multicopter would, pushed a little by the wind.

use std::{f64::consts::TAU, time::Duration};

use crate::scenario::Scenario;

/// Where the aircraft was at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) time: Duration,
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    /// Above the take-off, in metres.
    pub(crate) height: f64,
    /// North, east and down, in metres a second.
    pub(crate) speed: [f64; 3],
    /// Degrees from north.
    pub(crate) heading: f64,
    pub(crate) flying: bool,
}

impl Sample {
    /// Seven decimals each.
    pub(crate) fn place(&self) -> String {
        format!("{:.7},{:.7}", self.lat, self.lon)
    }
}

/// A flight, from the moment that the aircraft is switched on.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) samples: Vec<Sample>,
    /// When each site is reached for the first time.
    pub(crate) visits: Vec<Duration>,
    pub(crate) landing: Duration,
    /// The place of the take-off.
    pub(crate) home: (f64, f64),
}

/// Samples in a second.
const RATE: f64 = 4.0;
/// Metres a second, and metres a second each second.
const CLIMB: f64 = 3.0;
const SINK: f64 = 2.0;
const PUSH: f64 = 2.5;
/// How long it hovers at a site, in seconds.
const HOVER: f64 = 5.0;
/// Metres of a degree of latitude.
const DEGREE: f64 = 111_320.0;
/// Above the sea, in metres: the take-off of every flight.
pub(crate) const GROUND: f64 = 187.0;

/// A place so many metres east and north of another.
pub(crate) fn shifted((lat, lon): (f64, f64), east: f64, north: f64) -> (f64, f64) {
    (lat + north / DEGREE, lon + east / (DEGREE * lat.to_radians().cos()))
}

/// Where a scenario takes off.
pub(crate) fn home(scenario: &Scenario, random: &mut fastrand::Rng) -> (f64, f64) {
    let spread = scenario.flight.spread_km * 1000.0;
    let (away, angle) = (spread * random.f64().sqrt(), random.f64() * TAU);
    shifted(scenario.flight.near, away * angle.sin(), away * angle.cos())
}

impl Track {
    /// Flies a scenario's plan: switched on, taking off, and switched off at these moments, the last after the landing.
    pub(crate) fn fly(
        scenario: &Scenario,
        on: Duration,
        take_off: Duration,
        stay: Duration,
        home: (f64, f64),
        random: &mut fastrand::Rng,
    ) -> Self {
        let flight = &scenario.flight;
        let mut pilot = Pilot {
            home,
            now: on,
            at: [0.0; 3],
            speed: [0.0; 3],
            heading: random.f64() * 360.0,
            wind: [0.0; 2],
            samples: Vec::new(),
        };
        pilot.rest(take_off, random);
        if flight.grounded {
            pilot.rest(take_off + stay, random);
            return Self { samples: pilot.samples, visits: Vec::new(), landing: take_off, home };
        }
        pilot.lift(flight.height_m, CLIMB, random);
        let sites: Vec<[f64; 2]> = scenario
            .sites
            .iter()
            .map(|site| [site.east_m + random.f64() * 10.0 - 5.0, site.north_m + random.f64() * 10.0 - 5.0])
            .collect();
        let mut visits = Vec::new();
        let until = take_off + Duration::from_secs_f64(flight.minutes * 60.0);
        loop {
            let first = visits.is_empty();
            for site in &sites {
                pilot.go(*site, flight.speed_m_s, random);
                if first || visits.len() < sites.len() {
                    visits.push(pilot.now);
                }
                pilot.hover(HOVER, random);
            }
            if pilot.now >= until {
                break;
            }
        }
        pilot.go([0.0, 0.0], flight.speed_m_s, random);
        pilot.lift(0.0, SINK, random);
        let landing = pilot.now;
        pilot.rest(landing + stay, random);
        Self { samples: pilot.samples, visits, landing, home }
    }

    /// Where it was at a moment, or is nearest to it in time.
    pub(crate) fn at(&self, moment: Duration) -> Option<Sample> {
        let next = self.samples.partition_point(|sample| sample.time <= moment);
        self.samples.get(next.saturating_sub(1)).copied()
    }

    /// One sample a second, within a time.
    pub(crate) fn seconds(&self, from: Duration, to: Duration) -> impl Iterator<Item = &Sample> {
        let within = self.samples.iter().filter(move |sample| (from..to).contains(&sample.time));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small constant")]
        within.step_by(RATE as usize)
    }
}

/// Whoever flies, with what the aircraft does: metres east, north and up of the take-off.
struct Pilot {
    home: (f64, f64),
    now: Duration,
    at: [f64; 3],
    speed: [f64; 3],
    heading: f64,
    wind: [f64; 2],
    samples: Vec<Sample>,
}

impl Pilot {
    fn rest(&mut self, until: Duration, random: &mut fastrand::Rng) {
        self.speed = [0.0; 3];
        while self.now < until {
            self.tick(false, random);
        }
    }

    fn hover(&mut self, seconds: f64, random: &mut fastrand::Rng) {
        let until = self.now + Duration::from_secs_f64(seconds);
        self.speed = [0.0; 3];
        while self.now < until {
            self.tick(true, random);
        }
    }

    fn lift(&mut self, height: f64, most: f64, random: &mut fastrand::Rng) {
        while (self.at[2] - height).abs() > 0.2 {
            let way = height - self.at[2];
            self.speed = [0.0, 0.0, way.signum() * most.min(way.abs() * RATE).min(most)];
            self.tick(true, random);
        }
        self.at[2] = height;
    }

    fn go(&mut self, to: [f64; 2], most: f64, random: &mut fastrand::Rng) {
        loop {
            let [east, north] = [to[0] - self.at[0], to[1] - self.at[1]];
            let left = east.hypot(north);
            if left < 0.6 {
                self.speed = [0.0; 3];
                return;
            }
            let now = self.speed[0].hypot(self.speed[1]);
            // It must be able to stop where it is going to, and cannot be faster at once.
            let speed = most.min((2.0 * PUSH * left).sqrt()).min(now + PUSH / RATE).min(left * RATE).max(0.3);
            self.speed = [speed * east / left, speed * north / left, 0.0];
            self.heading = east.atan2(north).to_degrees().rem_euclid(360.0);
            self.tick(true, random);
        }
    }

    fn tick(&mut self, flying: bool, random: &mut fastrand::Rng) {
        for (at, speed) in self.at.iter_mut().zip(self.speed) {
            *at += speed / RATE;
        }
        // A gust fades, and another comes; on the ground it is the receiver that wavers.
        let strength = if flying { 0.25 } else { 0.04 };
        for wind in &mut self.wind {
            *wind = *wind * 0.9 + (random.f64() - 0.5) * strength;
        }
        let (lat, lon) = shifted(self.home, self.at[0] + self.wind[0], self.at[1] + self.wind[1]);
        let height = (self.at[2] + self.wind[0] * 0.4).max(0.0);
        let [east, north, up] = self.speed;
        let speed = [north, east, -up];
        self.samples.push(Sample { time: self.now, lat, lon, height, speed, heading: self.heading, flying });
        self.now += Duration::from_secs_f64(1.0 / RATE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_begins_and_ends_at_home_and_flies_no_faster_than_planned() {
        let scenario = Scenario::load("as-claimed").unwrap();
        let seconds = Duration::from_secs;
        let track = Track::fly(
            &scenario,
            seconds(10),
            seconds(40),
            seconds(30),
            scenario.flight.near,
            &mut fastrand::Rng::with_seed(1),
        );
        let far = |sample: &Sample| {
            let north = (sample.lat - track.home.0) * DEGREE;
            let east = (sample.lon - track.home.1) * DEGREE * track.home.0.to_radians().cos();
            north.hypot(east)
        };
        let (first, last) = (track.samples.first().unwrap(), track.samples.last().unwrap());
        assert!(far(first) < 2.0 && far(last) < 2.0, "{} {}", far(first), far(last));
        assert!(!first.flying && !last.flying && last.height < 0.5);
        assert_eq!(track.visits.len(), scenario.sites.len());
        for pair in track.samples.windows(2) {
            let moved = (far(&pair[1]) - far(&pair[0])).abs() * RATE;
            assert!(moved < scenario.flight.speed_m_s + 2.5, "{moved}");
        }
        assert!(track.landing > *track.visits.last().unwrap());
    }
}
