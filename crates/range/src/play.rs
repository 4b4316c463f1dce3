//! Plays a scenario: hosts are opened, everybody acts, and what was captured becomes a case.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use creance_model::{LinkType, Timestamp};
use serde_json::{Value, json};

use crate::{
    Error,
    app::{App, Outgoing},
    behaviours, camera, clouds,
    clouds::{Answers, Posts, Role},
    device::{self, Files},
    dns::{self, Resolver},
    link_layer,
    live::Live,
    moment::Clock,
    net::{Crossing, Host, Net, Weather},
    person::Owner,
    plan::Plan,
    portal::{self, Gate},
    remote_id,
    scenario::Scenario,
    stage::{Scene, Stage, on_card, shot},
    tls::Authority,
    truth::{self, Of, Record, Trap},
    vpn::{self, Exit},
};

/// A case: the files of a folder in the lab's form.
#[derive(Debug)]
pub struct Case {
    /// The scenario's name and the seed.
    pub name: String,
    files: Files,
    truth: Value,
    /// How long the scenario took by its own clock.
    pub lasted: Duration,
    /// What was tried and did not go, where something stood between tablet and world.
    pub kept_back: Vec<String>,
}

/// A face for the photo in which somebody looks into the camera: NASA's portrait of Eileen Collins, in the public domain.
const PORTRAIT: &[u8] = include_bytes!("../../detect/src/face/portrait.jpg");

/// A film.
const FILM: &str = "HLY_0090.MP4";

/// Plays a scenario. Equal seeds give equal cases, but for what TLS encrypts.
pub fn run(scenario: &Scenario, seed: u64) -> Result<Case, Error> {
    run_again(scenario, seed, 0)
}

/// The same people, things and place, at other times, in other weather.
pub(crate) fn run_again(scenario: &Scenario, seed: u64, repeat: u64) -> Result<Case, Error> {
    run_over(scenario, seed, repeat, None)
}

/// Plays a scenario whose packets cross the kernel between tablet and world.
pub fn run_live(scenario: &Scenario, seed: u64, live: Live) -> Result<Case, Error> {
    let (crossing, beside) = live.apart();
    let hold = crossing.hold();
    let case = run_over(scenario, seed, 0, Some(crossing));
    // What stands between ends when all has passed, and has its devices until then.
    drop(beside);
    drop(hold);
    case
}

fn run_over(scenario: &Scenario, seed: u64, repeat: u64, crossing: Option<Crossing>) -> Result<Case, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(Error::doing("starting"))?;
    let local = runtime.block_on(play(scenario.clone(), seed, repeat, crossing));
    // Servers wait for ever; they end with the runtime.
    drop(runtime);
    local
}

async fn play(scenario: Scenario, seed: u64, repeat: u64, crossing: Option<Crossing>) -> Result<Case, Error> {
    let mut random = fastrand::Rng::with_seed(seed);
    let begun: jiff::Timestamp = scenario.begins.parse().map_err(Error::doing("reading the time"))?;
    let clock =
        Clock::new(Timestamp::from_nanos(i64::try_from(begun.as_nanosecond()).unwrap_or_default())).started();
    let mut chance = fastrand::Rng::with_seed(seed ^ repeat << 48);
    let plan = Plan::new(&scenario, &mut random.fork(), &mut chance);
    let owner = Owner::new(&mut random.fork());
    let (clouds, vendor) = clouds::all(scenario.network.ipv6, &mut random.fork());
    let device = card_and_phone(&scenario, &plan, &owner, vendor, &clock, &mut random.fork())?;

    let country = scenario.network.vpn.as_deref();
    // Chance of its own: with a VPN and without, the same happens, but for the longer way.
    let mut apart = fastrand::Rng::with_seed(seed ^ 0x7475_6e6e);
    let exit = country.and_then(|country| Exit::new(country, &clouds, &mut apart));
    let mut away = clouds::away(&clouds);
    if let Some(exit) = &exit {
        exit.lengthen(&mut away);
    }
    let weather = Weather { lost: scenario.network.lost, late: scenario.network.late, away };
    let net = Net::new(chance.u64(..), weather, crossing, exit.clone());
    let zero = tokio::time::Instant::now();
    tokio::spawn(net.clone().run());
    let authority = Authority::new(clock.begun())?;
    clouds::open(&net, &clouds, &authority, &answers(&scenario, &clock, &mut random.fork())?, &mut chance)?;
    tokio::spawn(dns::serve(net.clone(), Host::World.ip(), clouds::names(&clouds)));
    let within = exit.as_ref().map(|_| {
        tokio::spawn(dns::serve(net.clone(), vpn::RESOLVER, clouds::names(&clouds)));
        let beside = clouds.iter().filter(|cloud| vpn::is_beside(cloud)).map(|cloud| cloud.host.clone());
        (vpn::RESOLVER, beside.collect())
    });
    let names = Resolver::new(&net, Host::Phone, chance.fork(), within);
    let app = App::new(&net, names, authority, vendor, chance.fork());
    let record = Mutex::new(Record::default());
    let scene = Arc::new(Scene {
        scenario,
        seed,
        chance: chance.u64(..),
        clock,
        zero,
        net,
        app,
        plan,
        owner,
        clouds,
        exit,
        device,
        record,
    });
    let kept_back = act(&scene).await?;
    Ok(Case { kept_back, ..finish(&scene)? })
}

/// Everybody acts, until the log of actions has ended and goodbyes are said. Gives what something between kept back.
async fn act(scene: &Arc<Scene>) -> Result<Vec<String>, Error> {
    let mut tasks = tokio::task::JoinSet::new();
    for behaviour in behaviours::ALL.iter().filter(|one| scene.scenario.does(one.name)) {
        tasks.spawn((behaviour.play)(Stage::new(scene, Some(behaviour.name))));
    }
    if scene.scenario.network.captive_portal {
        tasks.spawn(portal::pass(Stage::new(scene, None)));
    }
    tasks.spawn(errands(Stage::new(scene, None)));
    tasks.spawn(shares(Stage::new(scene, None)));
    tasks.spawn(link_layer::talk(Stage::new(scene, None)));
    let (stage, ends) = (Stage::new(scene, None), scene.plan.ends + Duration::from_secs(3));
    let mut kept_back = Vec::new();
    let acting = async {
        while let Some(done) = tasks.join_next().await {
            match done.map_err(Error::doing("acting"))? {
                Err(error @ Error::Network { .. }) if scene.net.is_live() => {
                    kept_back.push(error.to_string());
                }
                done => done?,
            }
        }
        Ok::<(), Error>(())
    };
    if scene.net.is_live() {
        // Who waits for an answer that was kept back would wait for ever.
        tokio::select! {
            acted = acting => acted?,
            () = stage.until(ends) => {}
        }
        if !tasks.is_empty() {
            kept_back.push(format!("what {} who still wait at the end had left to send", tasks.len()));
        }
    } else {
        acting.await?;
    }
    stage.until(ends).await;
    Ok(kept_back)
}

fn finish(scene: &Scene) -> Result<Case, Error> {
    let lasted = scene.net.now();
    let tap = scene.net.take_tap();
    let Scene { scenario, plan, clock, owner, clouds, exit, .. } = scene;
    let record = std::mem::take(&mut *scene.record.lock().unwrap_or_else(PoisonError::into_inner));
    let of = Of { scenario, seed: scene.seed, plan, clock, clouds, exit: exit.as_ref(), tap: &tap };
    let truth = truth::document(&record, &of);
    let mut files: Files =
        scene.device.iter().map(|(path, bytes)| (format!("device/{path}"), bytes.clone())).collect();
    let keys = scene.app.keys();
    let wrong = Error::doing("writing a capture");
    let behind =
        if scenario.network.nat { tap.behind_nat(clock.begun()).map_err(&wrong)? } else { Vec::new() };
    let inside = match scene.net.take_inside() {
        Some(inside) => inside.pcapng(clock.begun(), LinkType::RAW).map_err(&wrong)?,
        None => Vec::new(),
    };
    let radio = remote_id::capture(plan, owner, clock).map_err(&wrong)?;
    let text = serde_json::to_string_pretty(&truth).map_err(Error::doing("writing the truth"))?;
    let beside: [(&str, Vec<u8>); 11] = [
        ("capture.pcapng", tap.pcapng(clock.begun(), LinkType::ETHERNET).map_err(&wrong)?),
        ("capture-wan.pcapng", behind),
        ("inside-vpn.pcapng", inside),
        ("remote-id.pcapng", radio),
        ("capture.keys", keys.into_bytes()),
        ("flight.tlog", link_layer::log(plan, scenario, clock)),
        ("flight.csv", device::table(&plan.track, clock).into_bytes()),
        ("actions.csv", device::actions(plan, clock).into_bytes()),
        ("canaries.toml", device::canaries(owner, plan).into_bytes()),
        ("sites.geojson", device::sites(scenario, plan).into_bytes()),
        ("truth.json", text.into_bytes()),
    ];
    // A key log without a line is none, and neither is a capture that nobody asked for.
    files.extend(
        beside
            .into_iter()
            .filter(|(_, bytes)| !bytes.is_empty())
            .map(|(name, bytes)| (name.to_owned(), bytes)),
    );
    let name = format!("{}-{}", scenario.name, scene.seed);
    Ok(Case { name, files, truth, lasted, kept_back: Vec::new() })
}

impl Case {
    /// Writes the files into a folder, which is made.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            let wrong = |source| Error::Write { path: path.display().to_string(), source };
            fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(wrong)?;
            fs::write(&path, bytes).map_err(wrong)?;
        }
        Ok(())
    }

    /// What really left: the content of `truth.json`.
    pub fn truth(&self) -> &Value {
        &self.truth
    }

    /// One of its files, by its path within the folder.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }
}

fn card_and_phone(
    scenario: &Scenario,
    plan: &Plan,
    owner: &Owner,
    vendor: &str,
    clock: &Clock,
    random: &mut fastrand::Rng,
) -> Result<Files, Error> {
    let mut files = device::phone(owner, &scenario.device.model, plan, clock);
    for photo in &plan.photos {
        let shot = shot(scenario, plan, clock, vendor, &owner.serial, photo.time);
        files.insert(on_card(&photo.name), camera::picture(&shot, random)?);
    }
    let shot = shot(scenario, plan, clock, vendor, &owner.serial, plan.passer_by.time);
    files.insert(on_card(&plan.passer_by.name), camera::retagged(PORTRAIT, &shot)?);
    files.insert(on_card(FILM), device::film(random));
    Ok(files)
}

/// The path of the film.
pub(crate) fn film() -> String {
    on_card(FILM)
}

/// How many bytes of firmware are downloaded.
const FIRMWARE: usize = 90_000;

fn answers(scenario: &Scenario, clock: &Clock, random: &mut fastrand::Rng) -> Result<Answers, Error> {
    let zones: Vec<Value> = (0..40)
        .map(|number| {
            json!({
                "id": format!("AD{number:04}"),
                "kind": "aerodrome",
                "lat": f64::from(random.i32(-600_000..600_000)) / 1e4,
                "lng": f64::from(random.i32(-1_700_000..1_700_000)) / 1e4,
                "radius": random.u32(8..60) * 100,
            })
        })
        .collect();
    let map = camera::Shot {
        vendor: "openatlas",
        model: "tile",
        firmware: "7",
        serial: "tile",
        taken: String::new(),
        place: None,
    };
    Ok(Answers {
        region: scenario.believes().into(),
        zones: json!({"version": 7, "zones": zones}).to_string().into(),
        firmware: (0..FIRMWARE).map(|_| random.u8(..)).collect::<Vec<_>>().into(),
        tile: camera::picture(&map, random)?.into(),
        clock: *clock,
        gate: Gate::new(scenario.network.captive_portal),
        posts: Posts::default(),
    })
}

/// What app and system do in both worlds, and what is no leak.
async fn errands(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    let open = stage.plan.done("open_app").next().map(|action| action.time).unwrap_or_default();
    let mcc = stage.scenario.network.mcc;
    // Which country the position is in, the app finds with boundaries of its own.
    let gps = stage.scenario.flight.country.to_lowercase();
    let list = [
        (open, 0.4, Role::Portal, Outgoing::get("/generate_204").in_clear(), PORTAL),
        (open, 1.2, Role::Api, Outgoing::get(format!("/v1/region?mcc={mcc}&gps={gps}")), REGION),
        (open, 2.5, Role::Tiles, Outgoing::get("/tile/3/1/2.jpg"), TILE),
        (
            stage.plan.drone_on,
            4.0,
            Role::Cdn,
            Outgoing::get(format!("/firmware/aircraft-{}.bin", stage.scenario.device.firmware)),
            FIRMWARE_TRAP,
        ),
        (stage.plan.drone_on, 9.0, Role::Cdn, Outgoing::get("/zones/v7.json"), ZONES),
        (stage.plan.take_off, 45.0, Role::Tiles, Outgoing::get("/tile/4/3/5.jpg"), TILE),
    ];
    for (moment, seconds, role, outgoing, trap) in list {
        stage.after(moment, seconds, &mut random).await;
        let sent = stage.send(role, outgoing, Vec::new()).await?;
        stage.note_benign(sent, trap);
    }
    // The system asks again while the phone lies there.
    let mut moment = stage.plan.locked + HOUR;
    while moment < stage.plan.ends {
        stage.after(moment, 0.0, &mut random).await;
        let sent = stage.send(Role::Portal, Outgoing::get("/generate_204").in_clear(), Vec::new()).await?;
        stage.note_benign(sent, PORTAL);
        moment += HOUR;
    }
    Ok(())
}

const HOUR: Duration = Duration::from_hours(1);

const PORTAL: Trap =
    Trap { kind: "captive-portal", reason: "connectivity check, empty answer", direction: "out" };
const REGION: Trap = Trap {
    kind: "region-request",
    reason: "the countries of network and position; the address is what every server sees, and no position goes with it",
    direction: "out",
};
const TILE: Trap =
    Trap { kind: "map-tile", reason: "download of a tile of a quarter of a continent", direction: "in" };
const FIRMWARE_TRAP: Trap =
    Trap { kind: "firmware-download", reason: "download, not upload", direction: "in" };
const ZONES: Trap =
    Trap { kind: "nofly-database", reason: "download: places in a database of zones", direction: "in" };

const PAGE: Trap = Trap {
    kind: "public-page",
    reason: "the page of a photo that was shared is looked at: what a server sent, and nobody uploaded",
    direction: "in",
};

const ORIGINAL: Trap = Trap {
    kind: "own-photo-back",
    reason: "a photo that was shared is downloaded again, byte for byte: the file is on the card, and nobody uploaded it here",
    direction: "in",
};

/// The user shares photos: both worlds send these.
async fn shares(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    let cause = Some("share_photo");
    let shares: Vec<(Duration, String)> =
        stage.plan.done("share_photo").map(|action| (action.time, action.detail.clone())).collect();
    for (time, name) in shares {
        stage.after(time, 1.5, &mut random).await;
        let path = on_card(&name);
        let (kind, body) =
            behaviours::multipart(&[("photo", Some(&name), "image/jpeg", stage.file(&path))], &mut random);
        let outgoing = Outgoing::post("/v1/posts", &kind, body);
        stage.send(Role::Community, outgoing, stage.photo(&path, "multipart", cause, 0)).await?;
        // Whoever has the address sees it: here the user, to look how it came out.
        stage.after(time, 5.0, &mut random).await;
        let sent = stage.send(Role::Community, Outgoing::get(format!("/p/{name}")), Vec::new()).await?;
        stage.note_benign(sent, PAGE);
        // And takes it to another app, as it was.
        stage.after(time, 7.0, &mut random).await;
        let sent =
            stage.send(Role::Community, Outgoing::get(format!("/original/{name}")), Vec::new()).await?;
        stage.note_benign(sent, ORIGINAL);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_cases_but_for_tls() {
        let scenario = Scenario::load("as-alleged").unwrap();
        let (one, other) = (run(&scenario, 7).unwrap(), run(&scenario, 7).unwrap());
        let names: Vec<&String> = one.files.keys().collect();
        assert_eq!(names, other.files.keys().collect::<Vec<_>>());
        for (name, bytes) in one.files.iter().filter(|(name, _)| !name.starts_with("capture.")) {
            if name != "truth.json" {
                assert!(other.file(name) == Some(bytes), "{name}");
            }
        }
        let told = |case: &Case| -> Vec<String> {
            let events = case.truth["events"].as_array().unwrap().iter();
            events
                .map(|event| {
                    format!("{} {} {} {}", event["id"], event["switch"], event["value"], event["host"])
                })
                .collect()
        };
        assert_eq!(told(&one), told(&other));
        assert_ne!(told(&one), told(&run(&scenario, 8).unwrap()));
    }
}
