//! The details: what the app says about a flight as a whole. They can be read in every version, without any key.
//!
//! ```text
//! 0 part of town [20] · 20 street [20] · 40 city [20] · 60 area [20] · 82 to be uploaded u8 · 83 lines i32 · 91 start i64 ms
//! 99 longitude f64 · 107 latitude f64 · 115 distance f32 m · 119 duration i32 ms · 123 height f32 m · 127 speed f32 m/s
//! 135 pictures i32 · 139 video i64 s · 147 lengths of 4 pictures i32 · 163 of their thumbnails
//! 179 their longitudes f64 rad · 211 latitudes · 251 account [16]
//! then     version < 6: 267 aircraft [10] · 277 product u8 · 278 name [24] · 318 camera [10] · 328 controller [10]
//!                       338 battery [10] · 348 platform u8 · 349 app u8[3] · 352 altitude f32 m
//!          from 6 on:   267 altitude f32 m · 271 product u8 · 272 activated i64 ms · 280 name [32] · 312 aircraft [16]
//!                       328 camera [16] · 344 controller [16] · 360 battery [16] · 376 platform u8 · 377 app u8[3]
//! ```
//!
//! Source: the layout published by the open parser lvauvillier/dji-log-parser.

use creance_model::{Component, DataClass, Dated, Inspection, Role, Spot, Timestamp};

use super::models;

/// What other parts of the log are checked against.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Summary {
    /// When the flight began.
    pub(super) start: Option<Timestamp>,
    /// Nanoseconds it lasted.
    pub(super) duration: Option<i64>,
    /// How many positions were recorded.
    pub(super) lines: Option<u64>,
    /// Lengths of thumbnails, in bytes.
    pub(super) thumbnails: [u64; 4],
}

/// Fields at their offsets; one beyond the end is not there.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..)?.first_chunk().copied()
    }

    fn u8(&self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    fn i32(&self, at: usize) -> Option<i32> {
        self.array(at).map(i32::from_le_bytes)
    }

    fn i64(&self, at: usize) -> Option<i64> {
        self.array(at).map(i64::from_le_bytes)
    }

    fn f32(&self, at: usize) -> Option<f32> {
        self.array(at).map(f32::from_le_bytes).filter(|number| number.is_finite())
    }

    fn f64(&self, at: usize) -> Option<f64> {
        self.array(at).map(f64::from_le_bytes)
    }

    fn text(&self, at: usize, length: usize) -> Option<String> {
        self.0.get(at..at + length).map(text)
    }
}

/// A text up to its first zero; a letter that does not fit was cut by the app.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default());
    text.trim_end_matches('\u{fffd}').trim().to_owned()
}

/// A battery's serial number.
pub(super) fn battery(product: u8, bytes: &[u8]) -> String {
    if !models::has_digits_backwards(product) {
        return text(bytes);
    }
    let digits: String = bytes.iter().rev().map(|byte| char::from(b'0' + (byte & 15))).collect();
    digits.trim_start_matches('0').to_owned()
}

/// A moment by the clock of a phone; outside of these years it is damage.
pub(super) fn moment(ms: i64) -> Option<Timestamp> {
    (1_262_304_000_000..4_102_444_800_000).contains(&ms).then(|| Timestamp::from_nanos(ms * 1_000_000))
}

/// Length of the details, up to the last field, in bytes.
fn needed(version: u8) -> usize {
    if version < 6 { 356 } else { 380 }
}

/// Adds what the details say.
pub(super) fn read(inspection: &mut Inspection, version: u8, bytes: &[u8], at: usize) -> Summary {
    let fields = Fields(bytes);
    let mut summary = Summary::default();
    if bytes.len() < needed(version) {
        let why = format!("{} bytes, expected {}", bytes.len(), needed(version));
        inspection.flaw("details", at as u64, &why);
    }
    for (at, part) in [(0, "sub_street"), (20, "street"), (40, "city"), (60, "area")] {
        // What the app shows until its map service has answered is no place.
        let name = fields.text(at, 20).filter(|name| name != "Map Loading").unwrap_or_default();
        inspection.say("place name", name, format!("details:{part}"));
    }
    if let Some(upload) = fields.u8(82) {
        inspection.say("marked for upload", if upload == 0 { "no" } else { "yes" }, "details:needs_upload");
    }
    summary.lines = fields.i32(83).and_then(|lines| u64::try_from(lines).ok());
    if let Some(ms) = fields.i64(91) {
        summary.start = moment(ms);
        match summary.start {
            Some(time) => inspection.times.push(dated("start", time, "details:start_time")),
            None => inspection.flaw(
                "start time",
                at as u64 + 91,
                &format!("{ms} ms since 1970, expected 2010 to 2100"),
            ),
        }
    }
    let start = fields.f64(107).zip(fields.f64(99));
    if let Some(spot) = start.and_then(|(lat, lon)| Spot::new(Role::Home, lat, lon, "details:latitude")) {
        inspection.places.push(Spot { time: summary.start, ..spot });
    }
    flight(inspection, &fields, &mut summary);
    pictures(inspection, &fields, &mut summary);
    if let Some(account) = fields.array::<16>(251) {
        // Half a hash as text in some versions, all of it as bytes in others.
        let account = match std::str::from_utf8(&account) {
            _ if account == [0; 16] => String::new(),
            Ok(text) if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => text.to_owned(),
            _ => format!("{:032x}", u128::from_be_bytes(account)),
        };
        inspection.identify(DataClass::AccountId, None, &account, "details:user_api_center_id");
    }
    equipment(inspection, version, &fields);
    summary
}

fn flight(inspection: &mut Inspection, fields: &Fields<'_>, summary: &mut Summary) {
    summary.duration =
        fields.i32(119).filter(|ms| (0..86_400_000).contains(ms)).map(|ms| i64::from(ms) * 1_000_000);
    if let Some(duration) = summary.duration {
        let seconds = Timestamp::from_nanos(duration).as_secs_f64();
        inspection.say("flight time", format!("{seconds:.1} s"), "details:total_time");
    }
    for (at, what, unit, field) in [
        (115, "distance flown", "m", "details:total_distance"),
        (123, "greatest height", "m", "details:max_height"),
        (127, "greatest speed", "m/s", "details:max_horizontal_speed"),
    ] {
        if let Some(number) = fields.f32(at) {
            inspection.say(what, format!("{number:.1} {unit}"), field);
        }
    }
    if let Some(pictures) = fields.i32(135) {
        inspection.say("pictures taken", pictures.to_string(), "details:capture_num");
    }
    if let Some(seconds) = fields.i64(139) {
        inspection.say("video recorded", format!("{seconds} s"), "details:video_time");
    }
}

/// Where the pictures kept in the log were taken, and how long their thumbnails are.
fn pictures(inspection: &mut Inspection, fields: &Fields<'_>, summary: &mut Summary) {
    for (index, thumbnail) in summary.thumbnails.iter_mut().enumerate() {
        *thumbnail = fields.i32(163 + 4 * index).and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
        let place = fields.f64(211 + 8 * index).zip(fields.f64(179 + 8 * index));
        let spot = place.and_then(|(lat, lon)| {
            Spot::new(Role::Camera, lat.to_degrees(), lon.to_degrees(), "details:moment_pic_latitude")
        });
        inspection.places.extend(spot);
    }
}

/// The aircraft and its parts, and the app.
fn equipment(inspection: &mut Inspection, version: u8, fields: &Fields<'_>) {
    let old = version < 6;
    let (altitude, product, name, name_length) = if old { (352, 277, 278, 24) } else { (267, 271, 280, 32) };
    let (aircraft, camera, controller, battery_at) =
        if old { (267, 318, 328, 338) } else { (312, 328, 344, 360) };
    let (platform, app, length) = if old { (348, 349, 10) } else { (376, 377, 16) };
    let product = fields.u8(product).unwrap_or(0);
    if product != 0 {
        inspection.device.make = Some("DJI".to_owned());
    }
    inspection.device.model = models::aircraft(product).map(str::to_owned);
    if let Some(metres) = fields.f32(altitude) {
        inspection.say(
            "take-off altitude, by pressure",
            format!("{metres:.1} m"),
            "details:take_off_altitude",
        );
    }
    if let Some(time) = fields.i64(272).filter(|_| !old).and_then(moment) {
        inspection.times.push(dated("activated", time, "details:activation_timestamp"));
    }
    inspection.say(
        "aircraft name",
        fields.text(name, name_length).unwrap_or_default(),
        "details:aircraft_name",
    );
    for (at, of, field) in [
        (aircraft, Component::Aircraft, "details:aircraft_sn"),
        (camera, Component::Camera, "details:camera_sn"),
        (controller, Component::Controller, "details:rc_sn"),
    ] {
        let serial = fields.text(at, length).unwrap_or_default();
        inspection.identify(DataClass::Serial, Some(of), &serial, field);
    }
    let serial = battery(product, fields.0.get(battery_at..battery_at + length).unwrap_or_default());
    inspection.identify(DataClass::Serial, Some(Component::Battery), &serial, "details:battery_sn");
    if let Some([major, minor, patch]) = fields.array::<3>(app) {
        let on = fields.u8(platform).and_then(models::platform);
        let on = on.map(|on| format!(" ({on})")).unwrap_or_default();
        inspection.device.software = Some(format!("DJI app {major}.{minor}.{patch}{on}"));
    }
}

fn dated(what: &'static str, time: Timestamp, field: &str) -> Dated {
    Dated { what, time, zone_known: true, field: field.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_battery_may_write_its_number_backwards() {
        assert_eq!(battery(1, &[9, 0x12, 3, 0, 0]), "329");
        assert_eq!(battery(2, b"A12\0\0"), "A12");
    }

    #[test]
    fn a_text_ends_at_zero_or_before_a_letter_that_was_cut() {
        assert_eq!(text(b"New Haven\0\xff"), "New Haven");
        assert_eq!(text("Zürich".as_bytes().split_at(2).0), "Z");
    }
}
