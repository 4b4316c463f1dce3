//! What behaviours act on: the time, the app, the people and things, and the record of what was sent.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    Error,
    app::{App, Outgoing},
    camera::Shot,
    clouds::{Cloud, Role},
    device::{CARD, Files, sha256},
    disguise::Disguise,
    flight::Sample,
    moment::Clock,
    net::Net,
    person::Owner,
    plan::Plan,
    scenario::Scenario,
    truth::{Leak, Record, Sent, Trap},
    vpn::Exit,
};

/// One scenario while it is played.
pub(crate) struct Scene {
    pub(crate) scenario: Scenario,
    pub(crate) seed: u64,
    /// What the times of behaviours follow from.
    pub(crate) chance: u64,
    pub(crate) clock: Clock,
    pub(crate) zero: tokio::time::Instant,
    pub(crate) net: Net,
    pub(crate) app: App,
    pub(crate) plan: Plan,
    pub(crate) owner: Owner,
    pub(crate) clouds: Vec<Cloud>,
    /// The way out of the tablet's VPN, if it has one.
    pub(crate) exit: Option<Exit>,
    /// What is on card and phone, by path within the folder of the device.
    pub(crate) device: Files,
    pub(crate) record: Mutex<Record>,
}

/// A scene, as one behaviour sees it.
#[derive(Clone)]
pub(crate) struct Stage {
    scene: Arc<Scene>,
    /// The switch that it is, if it is one.
    switch: Option<&'static str>,
}

impl Deref for Stage {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

impl Stage {
    pub(crate) fn new(scene: &Arc<Scene>, switch: Option<&'static str>) -> Self {
        Self { scene: Arc::clone(scene), switch }
    }

    /// Chance of this behaviour's own: what others do does not move it.
    pub(crate) fn random(&self) -> fastrand::Rng {
        let name = self.switch.unwrap_or("user").bytes();
        let mixed =
            name.fold(self.chance, |seed, byte| seed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
        fastrand::Rng::with_seed(mixed)
    }

    /// Waits for a moment of the scenario.
    pub(crate) async fn until(&self, moment: Duration) {
        tokio::time::sleep_until(self.zero + moment).await;
    }

    /// Waits for a moment about so many seconds after another.
    pub(crate) async fn after(&self, moment: Duration, seconds: f64, random: &mut fastrand::Rng) {
        let jitter = random.f64() * self.scenario.network.jitter_s.max(0.0);
        self.until(moment + Duration::from_secs_f64(seconds + jitter)).await;
    }

    /// The host of a cloud.
    pub(crate) fn cloud(&self, role: Role) -> Result<&Cloud, Error> {
        let found = self.clouds.iter().find(|cloud| cloud.role == role);
        found.ok_or_else(|| Error::Network {
            doing: "looking for a host",
            why: format!("{role:?} is not there"),
        })
    }

    /// Whether the mode that cuts connections holds now, and is honoured.
    pub(crate) fn is_cut(&self) -> bool {
        self.scenario.settings.local_data_mode
            && !self.scenario.does("ignore-local-data-mode")
            && self.plan.flight_state(self.net.now()) == "flying"
    }

    /// Whether this behaviour's connections are pinned.
    pub(crate) fn is_pinned(&self) -> bool {
        self.switch.is_some_and(|switch| self.scenario.keys.pinned.iter().any(|pinned| pinned == switch))
    }

    /// Sends a request and writes down what was in it. While connections are cut, it waits for the landing: a cut delays,
    /// it does not destroy.
    pub(crate) async fn send(&self, role: Role, outgoing: Outgoing, leaks: Vec<Leak>) -> Result<Sent, Error> {
        self.send_all(role, vec![outgoing], self.is_pinned(), leaks).await
    }

    /// The same for several requests over one connection, which is pinned or not.
    pub(crate) async fn send_all(
        &self,
        role: Role,
        all: Vec<Outgoing>,
        pinned: bool,
        leaks: Vec<Leak>,
    ) -> Result<Sent, Error> {
        if self.is_cut() {
            let mut random = self.random();
            self.until(self.plan.track.landing + Duration::from_millis(random.u64(500..6000))).await;
        }
        let sent = self.app.send(self.cloud(role)?, all, pinned).await?;
        self.note(&sent, leaks);
        Ok(sent)
    }

    /// Sends values by class, name of field and value, written in a way that chance chooses.
    pub(crate) async fn send_disguised(
        &self,
        role: Role,
        target: &str,
        values: &[(&'static str, &str, &str)],
        random: &mut fastrand::Rng,
    ) -> Result<(), Error> {
        let disguise = Disguise::by_chance(random);
        let fields: Vec<(&str, &str)> = values.iter().map(|(_, name, value)| (*name, *value)).collect();
        let leaks =
            values.iter().map(|(class, _, value)| Leak::new(class, *value, disguise.name())).collect();
        self.send(role, disguise.request(target, &fields), leaks).await?;
        Ok(())
    }

    /// Writes down what was in a message.
    pub(crate) fn note(&self, sent: &Sent, leaks: Vec<Leak>) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        for mut leak in leaks {
            // Of what nobody can read, only the length of a file tells.
            leak.must_find &= sent.visibility != "opaque" || leak.encoding == "opaque-size";
            // The place in a picture is there because pictures are tagged, whoever sends them.
            let tag = leak.class == "location" && leak.carrier == "body/exif";
            let switch = if tag { Some("tag-imagery") } else { self.switch };
            record.leaks.push((switch, sent.clone(), leak));
        }
    }

    /// Writes down what looks like a leak and is none.
    pub(crate) fn note_benign(&self, sent: Sent, trap: Trap) {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).benign.push((sent, trap));
    }

    /// A file of the device.
    pub(crate) fn file(&self, path: &str) -> &[u8] {
        self.device.get(path).map_or(&[], Vec::as_slice)
    }

    /// A file of the device, as an event tells it.
    pub(crate) fn named(&self, path: &str) -> Option<(String, String, usize)> {
        let bytes = self.device.get(path)?;
        Some((path.to_owned(), sha256(bytes), bytes.len()))
    }

    /// What a photo gives away when it is sent whole.
    pub(crate) fn photo(
        &self,
        path: &str,
        encoding: &'static str,
        cause: Option<&'static str>,
        faces: u32,
    ) -> Vec<Leak> {
        let file = self.named(path);
        let name = path.rsplit('/').next().unwrap_or_default();
        let mut photos = self.plan.photos.iter().chain([&self.plan.passer_by]);
        let taken = photos.find(|photo| photo.name == name).and_then(|photo| self.plan.track.at(photo.time));
        let mut leaks = vec![Leak {
            file: file.clone(),
            faces: Some(faces),
            ..Leak::new("imagery", path, encoding).by(cause)
        }];
        leaks.push(Leak::new("serial", &self.owner.serial, "exif").within("body/exif").by(cause));
        if let Some(sample) = taken.filter(|_| self.scenario.does("tag-imagery")) {
            leaks.push(Leak::new("location", sample.place(), "exif").within("body/exif").by(cause));
        }
        leaks
    }

    /// Where the aircraft is now.
    pub(crate) fn here(&self) -> Option<Sample> {
        self.plan.track.at(self.net.now())
    }

    /// The place of the take-off, as apps write it.
    pub(crate) fn home(&self) -> (String, String) {
        let (lat, lon) = self.plan.track.home;
        (format!("{lat:.7}"), format!("{lon:.7}"))
    }
}

/// The path of a photo within the folder of the device.
pub(crate) fn on_card(name: &str) -> String {
    format!("{CARD}/{name}")
}

/// What the camera writes into a photo of a moment.
pub(crate) fn shot<'a>(
    scenario: &'a Scenario,
    plan: &Plan,
    clock: &Clock,
    vendor: &'a str,
    serial: &'a str,
    time: Duration,
) -> Shot<'a> {
    Shot {
        vendor,
        model: &scenario.device.model,
        firmware: &scenario.device.firmware,
        serial,
        taken: clock.format(time, "%Y:%m:%d %H:%M:%S"),
        place: plan.track.at(time).filter(|_| scenario.does("tag-imagery")),
    }
}
