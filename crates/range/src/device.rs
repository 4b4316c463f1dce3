//! What an examiner has of the aircraft's card and of the tablet, and beside the capture: logs, canaries, sites.

use std::{collections::BTreeMap, fmt::Write as _};

use data_encoding::HEXLOWER;
use ring::digest;
use serde_json::json;

use crate::{
    flight::{Track, shifted},
    moment::Clock,
    person::{Call, Owner},
    plan::Plan,
    scenario::Scenario,
};

/// Files by their path within the case.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Where the pictures are, within the folder of the device.
pub(crate) const CARD: &str = "DCIM/100MEDIA";

/// SHA-256 in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// The files of the phone, by their path within the folder of the device.
pub(crate) fn phone(owner: &Owner, model: &str, plan: &Plan, clock: &Clock) -> Files {
    let (lat, lon) = plan.track.home;
    let profile = json!({
        "account_id": owner.account,
        "first_name": owner.first,
        "last_name": owner.last,
        "email": owner.email,
        "phone": owner.phone,
        "home": {"lat": round(lat), "lng": round(lon)},
        "device_id": owner.imei,
        "android_id": owner.android_id,
        "bound_aircraft": [{"sn": owner.serial, "model": model}],
        "wifi": {"ssid": owner.ssid, "bssid": owner.bssid},
        "contacts": owner.contacts.iter().map(|(name, phone)| json!({"name": name, "phone": phone})).collect::<Vec<_>>(),
    });
    [
        ("phone/user_profile.json", profile.to_string()),
        ("phone/packages.txt", owner.package_lines()),
        ("phone/calls.csv", calls("number,type,start,seconds", &owner.calls)),
        ("phone/sms.csv", calls("number,direction,time,length", &owner.texts)),
        ("phone/flight_record.csv", table(&plan.track, clock)),
    ]
    .map(|(name, text)| (name.to_owned(), text.into_bytes()))
    .into()
}

/// A place to seven decimals, as a number.
pub(crate) fn round(degrees: f64) -> f64 {
    (degrees * 1e7).round() / 1e7
}

fn calls(head: &str, calls: &[Call]) -> String {
    let mut text = format!("{head}\n");
    for Call { number, way, time, length } in calls {
        let row = if head.contains("seconds") {
            format!("{number},{way},{time},{length}\n")
        } else {
            let way = if *way == "outgoing" { "sent" } else { "received" };
            format!("{number},{way},{time},{length}\n")
        };
        text.push_str(&row);
    }
    text
}

/// The flight as a table, a row a second.
pub(crate) fn table(track: &Track, clock: &Clock) -> String {
    let mut text = "datetime_utc,latitude,longitude,height_m,is_flying\n".to_owned();
    let end = track.samples.last().map_or(track.landing, |sample| sample.time);
    for sample in track.seconds(std::time::Duration::ZERO, end) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{},{:.7},{:.7},{:.1},{}",
            clock.text(sample.time),
            sample.lat,
            sample.lon,
            sample.height,
            u8::from(sample.flying),
        );
    }
    text
}

/// What the person did, as the audit reads it.
pub(crate) fn actions(plan: &Plan, clock: &Clock) -> String {
    let mut text = "time,action,detail\n".to_owned();
    for action in &plan.actions {
        let detail = if action.detail.contains(',') {
            format!("\"{}\"", action.detail)
        } else {
            action.detail.clone()
        };
        let _ = writeln!(text, "{},{},{detail}", clock.text(action.time), action.name);
    }
    text
}

/// The values that an examiner planted.
pub(crate) fn canaries(owner: &Owner, plan: &Plan) -> String {
    let (lat, lon) = plan.track.home;
    let home = format!("{lat:.7},{lon:.7}");
    let name = owner.name();
    let mut all = vec![
        ("person-name", name.as_str()),
        ("email", &owner.email),
        ("phone", &owner.phone),
        ("credential", &owner.password),
        ("credential", &owner.token),
        ("serial", &owner.serial),
        ("device-id", &owner.imei),
        ("device-id", &owner.android_id),
        ("account-id", &owner.account),
        ("location", &home),
        ("network-info", &owner.ssid),
        ("network-info", &owner.bssid),
    ];
    for (name, phone) in &owner.contacts {
        all.extend([("contacts", name.as_str()), ("contacts", phone)]);
    }
    let mut text = String::new();
    for (class, value) in all {
        let _ = writeln!(text, "[[canary]]\nclass = \"{class}\"\nvalue = \"{value}\"\n");
    }
    text
}

/// The sites of the scenario as GeoJSON, as `--sites` reads it.
pub(crate) fn sites(scenario: &Scenario, plan: &Plan) -> String {
    let features: Vec<_> = scenario
        .sites
        .iter()
        .map(|site| {
            let (lat, lon) = shifted(plan.track.home, site.east_m, site.north_m);
            json!({
                "type": "Feature",
                "properties": {"name": site.name, "sector": site.sector, "buffer_m": 60},
                "geometry": {"type": "Point", "coordinates": [round(lon), round(lat)]},
            })
        })
        .collect();
    json!({"type": "FeatureCollection", "features": features}).to_string()
}

/// A film: an MP4 whose index says that it holds nothing, and bytes that look coded (ISO/IEC 14496-12 §4.2, §8.2.2).
pub(crate) fn film(random: &mut fastrand::Rng) -> Vec<u8> {
    let boxed = |kind: &[u8; 4], body: &[u8]| {
        let length = u32::try_from(body.len() + 8).unwrap_or(u32::MAX);
        [length.to_be_bytes().as_slice(), kind, body].concat()
    };
    let mut head = vec![0; 100];
    // Time in thousandths, thirty seconds of it, at its own rate.
    for (at, value) in [(12, 1000_u32), (16, 30_000), (20, 0x0001_0000), (96, 2)] {
        for (byte, of) in head.iter_mut().skip(at).zip(value.to_be_bytes()) {
            *byte = of;
        }
    }
    let length = random.usize(500_000..900_000);
    let coded: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
    [
        boxed(b"ftyp", b"isom\0\0\x02\0isommp42"),
        boxed(b"moov", &boxed(b"mvhd", &head)),
        boxed(b"mdat", &coded),
    ]
    .concat()
}
