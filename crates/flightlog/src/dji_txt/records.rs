//! What records say, kind by kind. Offsets count from the first byte of their content, unscrambled.
//!
//! ```text
//!  1 OSD       0 longitude f64 rad · 8 latitude f64 rad · 16 height i16 dm · 32 flags u8 · 42 flight time u16 ds
//!  2 Home      0 longitude f64 rad · 8 latitude f64 rad
//!  3 Gimbal    0 pitch i16 0.1° · 2 roll i16 0.1° · 4 yaw i16 0.1° from north
//!  5 Custom    0 picture u8 · 1 video u8 · 10 time i64 ms since 1970
//! 11 RCGPS     7 latitude i32 1e-7° · 11 longitude i32 1e-7°
//! 13 Recover   0 product u8 · 1 platform u8 · 2 app u8[3] · 5 aircraft [10 or 16] · name [32] · time i64 s ·
//!              camera · controller · battery [10 or 16]
//! 14 AppGPS    0 latitude f64 ° · 8 longitude f64 ° (as real records of version 7 have it)
//! 15 Firmware  of what u8 · which u8 · version u8[4], and again
//! 25 Camera    5 card u32 MB · 9 free u32 MB
//! 40 Component 0 of what u16 · 2 length u8 · serial number
//! 9, 10, 24    what the app told the pilot
//! ```
//!
//! Source: the layout published by the open parser lvauvillier/dji-log-parser; the scale of RCGPS is known from the vendor's
//! protocol on the air and was not seen in a log.
//!
//! **Times.** A position has no time of its own: it is that of the Custom record that the app writes behind it, by the clock
//! of the phone. Where several positions come before one, or none comes any more, the flight time (tenths of a second since
//! the motors first ran) says how far apart they are; where there is none at all, they count from the start in the details.

use std::collections::{BTreeMap, BTreeSet};

use creance_cursor::{Cursor, Malformed};
use creance_model::{
    AltReference, Component, DataClass, Dated, FlightState, Gaze, Inspection, Role, Spot, Timestamp, Track,
    TrackPoint, is_place,
};

use super::{
    details::{Summary, battery, moment, text},
    models,
};
use crate::movement::add_phases;

/// Kinds that are read here.
const READ: &[u8] = &[1, 2, 3, 5, 9, 10, 11, 13, 14, 15, 24, 25, 40];

/// Facts, and places of home, that are told one by one.
const MOST: usize = 1000;

/// Positions for which a word of the gimbal holds that comes behind them: about two seconds.
const SILENT: usize = 20;

/// A position that waits for its time.
#[derive(Clone, Copy, Debug)]
struct Position {
    lat: f64,
    lon: f64,
    height: f64,
    /// Tenths of a second, from 0 again after 65535.
    clock: u16,
    in_air: bool,
    armed: bool,
    gaze: Option<Gaze>,
}

/// What records say, in the making.
#[derive(Debug)]
pub(super) struct Records<'a> {
    inspection: &'a mut Inspection,
    start: Option<Timestamp>,
    waiting: Vec<Position>,
    /// The last time that is known, and the flight time then.
    known: Option<(Timestamp, u16)>,
    aircraft: Vec<TrackPoint>,
    controller: Vec<TrackPoint>,
    phone: Vec<TrackPoint>,
    states: Vec<(Timestamp, FlightState)>,
    in_air: Option<bool>,
    shutter: (u8, u8),
    homes: BTreeSet<(u64, u64)>,
    facts: BTreeSet<(&'static str, String)>,
    /// How many positions were read, places or not.
    positions: u64,
    /// Records of a kind that could not be read: how many, where the first stands, and why.
    damaged: BTreeMap<u8, (u64, usize, String)>,
}

impl<'a> Records<'a> {
    pub(super) fn new(inspection: &'a mut Inspection, summary: &Summary) -> Self {
        Self {
            inspection,
            start: summary.start,
            waiting: Vec::new(),
            known: None,
            aircraft: Vec::new(),
            controller: Vec::new(),
            phone: Vec::new(),
            states: Vec::new(),
            in_air: None,
            shutter: (0, 0),
            homes: BTreeSet::new(),
            facts: BTreeSet::new(),
            positions: 0,
            damaged: BTreeMap::new(),
        }
    }

    /// Whether records of a kind are read.
    pub(super) fn reads(kind: u8) -> bool {
        READ.contains(&kind)
    }

    /// Takes a record's content.
    pub(super) fn take(&mut self, kind: u8, at: usize, content: &[u8]) {
        let mut fields = Cursor::new(content);
        let read = match kind {
            1 => self.position(&mut fields),
            2 => self.home(&mut fields),
            3 => self.gimbal(&mut fields),
            5 => self.custom(&mut fields),
            9 | 10 | 24 => {
                self.say("message", text(content), "App");
                Ok(())
            }
            11 => self.controller(&mut fields),
            13 => self.recover(&mut fields),
            14 => self.phone(&mut fields),
            15 => {
                self.firmware(content);
                Ok(())
            }
            25 => self.camera(&mut fields),
            40 => self.component(&mut fields),
            _ => Ok(()),
        };
        if let Err(malformed) = read {
            let (count, ..) = self.damaged.entry(kind).or_insert_with(|| (0, at, malformed.to_string()));
            *count += 1;
        }
    }

    fn position(&mut self, fields: &mut Cursor<'_>) -> Result<(), Malformed> {
        let (lon, lat) = (fields.f64_le("longitude")?.to_degrees(), fields.f64_le("latitude")?.to_degrees());
        let height = f64::from(fields.array("height").map(i16::from_le_bytes)?) / 10.0;
        fields.take("speeds and angles", 14)?;
        let flags = fields.u8("flags")?;
        fields.take("states", 9)?;
        let clock = fields.u16_le("flight time")?;
        self.positions += 1;
        let (in_air, armed) = (flags >> 1 & 3 > 1, flags >> 3 & 1 == 1);
        self.waiting.push(Position { lat, lon, height, clock, in_air, armed, gaze: None });
        Ok(())
    }

    /// Where the camera looks: it is written behind the position of the same moment.
    fn gimbal(&mut self, fields: &mut Cursor<'_>) -> Result<(), Malformed> {
        let mut angle = |name| fields.array(name).map(|two| f64::from(i16::from_le_bytes(two)) / 10.0);
        let (pitch, roll, yaw) = (angle("pitch")?, angle("roll")?, angle("yaw")?);
        let gaze = Gaze::of([yaw, pitch, roll]);
        let since = self.waiting.iter_mut().rev().take(SILENT).take_while(|position| position.gaze.is_none());
        since.for_each(|position| position.gaze = gaze);
        Ok(())
    }

    fn home(&mut self, fields: &mut Cursor<'_>) -> Result<(), Malformed> {
        let (lon, lat) = (fields.f64_le("longitude")?.to_degrees(), fields.f64_le("latitude")?.to_degrees());
        if let Some(spot) = Spot::new(Role::Home, lat, lon, "Home")
            && self.homes.len() < MOST
            && self.homes.insert((lat.to_bits(), lon.to_bits()))
        {
            self.inspection.places.push(Spot { time: self.now(), ..spot });
        }
        Ok(())
    }

    /// The clock of the phone, and whether the shutter was pressed.
    fn custom(&mut self, fields: &mut Cursor<'_>) -> Result<(), Malformed> {
        let (picture, video) = (fields.u8("picture")?, fields.u8("video")?);
        fields.take("speed and distance", 8)?;
        let ms = fields.array("time").map(i64::from_le_bytes)?;
        let time = moment(ms).ok_or(Malformed::Unexpected {
            field: "time",
            at: 10,
            found: ms.cast_unsigned(),
            expected: "milliseconds since 1970 between 2010 and 2100",
        })?;
        self.waited(time);
        let (picture_before, video_before) = std::mem::replace(&mut self.shutter, (picture, video));
        let mut shot = |what, field: &str| {
            self.inspection.times.push(Dated { what, time, zone_known: true, field: field.to_owned() });
        };
        if picture == 1 && picture_before != 1 {
            shot("taken", "Custom:camera_shoot");
        }
        match video {
            1 if video_before != 1 => shot("recording", "Custom:video_shoot"),
            2 if video_before != 2 => shot("recording ended", "Custom:video_shoot"),
            _ => {}
        }
        Ok(())
    }

    fn controller(&mut self, fields: &mut Cursor<'_>) -> Result<(), Malformed> {
        fields.take("time", 7)?;
        let (lat, lon) = (fields.i32_le("latitude")?, fields.i32_le("longitude")?);
        let point = self.point(f64::from(lat) / 1e7, f64::from(lon) / 1e7);
        self.controller.extend(point);
        Ok(())
    }

    fn phone(&mut self, fields: &mut Cursor<'_>) -> Result<(), Malformed> {
        let (lat, lon) = (fields.f64_le("latitude")?, fields.f64_le("longitude")?);
        let point = self.point(lat, lon);
        self.phone.extend(point);
        Ok(())
    }

    fn point(&self, lat: f64, lon: f64) -> Option<TrackPoint> {
        is_place(lat, lon).then(|| TrackPoint::new(self.now(), lat, lon, None))
    }

    /// What the app notes again in case the log is not finished.
    fn recover(&mut self, fields: &mut Cursor<'_>) -> Result<(), Malformed> {
        // Serial numbers grew from 10 to 16 bytes, in some apps of version 8 and in others later.
        let length = if fields.len() >= 109 { 16 } else { 10 };
        let product = fields.u8("product")?;
        fields.take("app", 4)?;
        let aircraft = text(fields.take("serial number of the aircraft", length)?);
        let name = text(fields.take("name of the aircraft", 32)?);
        fields.take("time", 8)?;
        let camera = text(fields.take("serial number of the camera", length)?);
        let controller = text(fields.take("serial number of the controller", length)?);
        let battery = battery(product, fields.take("serial number of the battery", length)?);
        for (of, serial, field) in [
            (Component::Aircraft, aircraft, "Recover:aircraft_sn"),
            (Component::Camera, camera, "Recover:camera_sn"),
            (Component::Controller, controller, "Recover:rc_sn"),
            (Component::Battery, battery, "Recover:battery_sn"),
        ] {
            self.serial(Some(of), &serial, field);
        }
        self.say("aircraft name", name, "Recover:aircraft_name");
        if self.inspection.device.model.is_none() {
            self.inspection.device.model = models::aircraft(product).map(str::to_owned);
        }
        Ok(())
    }

    fn firmware(&mut self, content: &[u8]) {
        for entry in content.chunks_exact(6) {
            let &[sender, which, major, minor, patch, _] = entry else { continue };
            if let Some(sender) = models::sender(sender).filter(|_| (major, minor, patch) != (0, 0, 0)) {
                let which = if which == 0 { String::new() } else { format!(" {which}") };
                self.say("firmware", format!("{sender}{which} {major}.{minor}.{patch}"), "Firmware");
            }
        }
    }

    /// Told once: what is free changes with every picture.
    fn camera(&mut self, fields: &mut Cursor<'_>) -> Result<(), Malformed> {
        fields.take("states", 5)?;
        let (card, free) = (fields.u32_le("card")?, fields.u32_le("free")?);
        let told = self.facts.iter().any(|(what, _)| *what == "memory card");
        if card > 0 && !told {
            self.say("memory card", format!("{card} MB, {free} MB free"), "Camera");
        }
        Ok(())
    }

    fn component(&mut self, fields: &mut Cursor<'_>) -> Result<(), Malformed> {
        let of = fields.u16_le("component")?;
        let length = fields.u8("length")?;
        let serial = text(fields.take("serial number", usize::from(length))?);
        let of = match of {
            1 => Some(Component::Camera),
            2 => Some(Component::Aircraft),
            3 => Some(Component::Controller),
            4 => Some(Component::Battery),
            _ => None,
        };
        self.serial(of, &serial, "ComponentSerial");
        Ok(())
    }

    fn serial(&mut self, of: Option<Component>, serial: &str, field: &str) {
        if self.inspection.identifiers.len() < MOST {
            self.inspection.identify(DataClass::Serial, of, serial, field);
        }
    }

    fn say(&mut self, what: &'static str, value: String, field: &str) {
        if self.facts.len() < MOST && self.facts.insert((what, value.clone())) {
            self.inspection.say(what, value, field);
        }
    }

    /// The last time that is known.
    fn now(&self) -> Option<Timestamp> {
        self.known.map(|(time, _)| time).or(self.start)
    }

    /// A time is known: that of the last position that waits.
    fn waited(&mut self, time: Timestamp) {
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut clock = waiting.last().map(|last| last.clock).or(self.known.map(|(_, clock)| clock));
        self.known = Some((time, clock.unwrap_or(0)));
        let (mut times, mut before) = (Vec::with_capacity(waiting.len()), time);
        for position in waiting.iter().rev() {
            before = before.plus_nanos(-clock.map_or(0, |clock| between(position.clock, clock)));
            clock = Some(position.clock);
            times.push(before);
        }
        for (position, time) in waiting.drain(..).zip(times.into_iter().rev()) {
            self.stands(position, Some(time));
        }
        self.waiting = waiting;
    }

    /// No time comes any more: what waits counts from the last that is known.
    fn ended(&mut self) {
        let first = self.waiting.first().map_or(0, |first| first.clock);
        let (mut now, mut clock) = match self.known {
            Some((time, clock)) => (Some(time), clock),
            None => (self.start, first),
        };
        for position in std::mem::take(&mut self.waiting) {
            now = now.map(|now| now.plus_nanos(between(clock, position.clock)));
            clock = position.clock;
            self.stands(position, now);
        }
    }

    fn stands(&mut self, position: Position, time: Option<Timestamp>) {
        let Position { lat, lon, height, in_air, armed, gaze, .. } = position;
        if is_place(lat, lon) {
            self.aircraft.push(TrackPoint { gaze, ..TrackPoint::new(time, lat, lon, Some(height)) });
        }
        let Some(time) = time else { return };
        let state = if in_air || armed { FlightState::Flying } else { FlightState::Ground };
        self.states.push((time, state));
        let what = match (self.in_air.replace(in_air), in_air) {
            (Some(false), true) => "take-off",
            (Some(true), false) => "landing",
            _ => return,
        };
        self.inspection.times.push(Dated {
            what,
            time,
            zone_known: true,
            field: "OSD:ground_or_sky".to_owned(),
        });
    }

    /// Puts together what the records said. Answers how many positions were read.
    pub(super) fn finish(mut self) -> u64 {
        self.ended();
        let tracks = [
            (Role::Aircraft, Some(AltReference::TakeOff), self.aircraft, "OSD"),
            (Role::Operator, None, self.controller, "RCGPS"),
            (Role::Operator, None, self.phone, "AppGPS"),
        ];
        for (role, alt_reference, points, field) in tracks {
            if !points.is_empty() {
                let field = field.to_owned();
                self.inspection.tracks.push(Track { role, vehicle: None, alt_reference, points, field });
            }
        }
        add_phases(self.inspection, self.states, "OSD");
        for (kind, (count, at, why)) in self.damaged {
            let why = if count == 1 { why } else { format!("{count} of them; the first: {why}") };
            self.inspection.flaw(format!("records of kind {kind}"), at as u64, &why);
        }
        self.positions
    }
}

/// Nanoseconds between two flight times; none where the clock jumps by more than five minutes.
fn between(from: u16, to: u16) -> i64 {
    let tenths = to.wrapping_sub(from);
    if tenths > 3000 { 0 } else { i64::from(tenths) * 100_000_000 }
}
