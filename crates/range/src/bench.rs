//! Many scenarios that nobody has seen, audited and scored.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::{Error, Profile, Scenario, Score, Share, audited, behaviours, run, score};

/// Which kind of world a scenario is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum World {
    /// Everything is on.
    Alleged,
    /// Nothing is on.
    Claimed,
    /// Each switch by chance.
    Mixed,
}

impl World {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alleged => "as alleged",
            Self::Claimed => "as claimed",
            Self::Mixed => "between the two",
        }
    }
}

/// Places where networks and codes of five countries are: degrees, country, mobile country code.
const PLACES: [((f64, f64), &str, u16); 5] = [
    ((41.6, -93.2), "US", 310),
    ((24.74, 121.04), "TW", 466),
    ((30.92, 103.6), "CN", 460),
    ((52.2, 10.3), "DE", 262),
    ((-33.1, 148.6), "AU", 505),
];

/// A scenario by chance: of five, one is as alleged and one as claimed.
pub fn by_chance(seed: u64) -> Result<(World, Scenario), Error> {
    let mut random = fastrand::Rng::with_seed(seed ^ 0x7261_6e67);
    let (world, name) = match seed % 5 {
        0 => (World::Alleged, "as-alleged"),
        1 => (World::Claimed, "as-claimed"),
        _ => (World::Mixed, "as-alleged"),
    };
    let mut scenario = Scenario::load(name)?;
    if world == World::Mixed {
        for on in scenario.switches.values_mut() {
            *on = random.bool();
        }
        let pinned = random.choose_multiple(behaviours::ALL.iter().map(|one| one.name.to_owned()), 2);
        scenario.keys.pinned = if random.u8(0..3) == 0 { pinned } else { Vec::new() };
        "mixed".clone_into(&mut scenario.name);
    }
    let (near, country, mcc) = random.choice(PLACES).unwrap_or(PLACES[0]);
    scenario.flight.near = near;
    country.clone_into(&mut scenario.flight.country);
    country.clone_into(&mut scenario.network.ip_country);
    scenario.network.mcc = mcc;
    scenario.flight.height_m = f64::from(random.u32(30..110));
    scenario.flight.speed_m_s = f64::from(random.u32(5..14));
    for site in &mut scenario.sites {
        site.east_m += f64::from(random.i32(-80..80));
        site.north_m += f64::from(random.i32(-80..80));
    }
    scenario.settings.local_data_mode = random.bool();
    scenario.person.profile = if random.bool() { Profile::Enterprise } else { Profile::Hobbyist };
    scenario.network.lost = random.u32(0..12);
    scenario.network.late = random.u32(0..15);
    scenario.network.plain_telemetry = random.u8(0..3) == 0;
    scenario.user.shares = random.usize(0..4);
    scenario.network.captive_portal = random.u8(0..4) == 0;
    scenario.settings.diagnostics = random.u8(0..3) > 0;
    Ok((world, scenario))
}

/// Plays, audits and scores so many scenarios, from a seed on. `told` hears of each.
pub fn bench(
    count: u64,
    seed: u64,
    told: &mut dyn FnMut(&str, &Score),
) -> Result<BTreeMap<World, (u64, Score)>, Error> {
    let mut worlds: BTreeMap<World, (u64, Score)> = BTreeMap::new();
    for seed in seed..seed.saturating_add(count) {
        let (world, scenario) = by_chance(seed)?;
        let case = run(&scenario, seed)?;
        let folder = tempfile::tempdir()
            .map_err(|source| Error::Write { path: "a temporary folder".to_owned(), source })?;
        case.write(folder.path())?;
        let one = score(case.truth(), &audited(folder.path())?);
        told(&case.name, &one);
        let (cases, sum) = worlds.entry(world).or_default();
        *cases += 1;
        sum.add(one);
    }
    Ok(worlds)
}

/// The tables: by world, by class, by encoding.
pub fn tables(worlds: &BTreeMap<World, (u64, Score)>) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_tables(&mut out, worlds);
    out
}

fn write_tables(out: &mut String, worlds: &BTreeMap<World, (u64, Score)>) -> std::fmt::Result {
    writeln!(
        out,
        "| world | cases | recall of what must be found | precision | country | flight state | trigger | app state |"
    )?;
    writeln!(out, "|---|--:|--:|--:|--:|--:|--:|--:|")?;
    for (world, (cases, score)) in worlds {
        let wrong = score.wrong.len() as u64;
        let precision = Share { found: score.right, of: score.right + wrong };
        let circumstances =
            ["country", "flight state", "trigger", "app state"].map(|what| score.told.get(what).copied());
        let circumstances = circumstances.map(|share| share.map_or_else(|| "–".to_owned(), told)).join(" | ");
        let (recall, precision) = (told(score.recall), told(precision));
        writeln!(out, "| {} | {cases} | {recall} | {precision} | {circumstances} |", world.name())?;
    }
    for (what, of) in [
        ("class", (|score| &score.classes) as fn(&Score) -> &BTreeMap<String, Share>),
        ("encoding", |score| &score.encodings),
    ] {
        let names: BTreeSet<&String> = worlds.values().flat_map(|(_, score)| of(score).keys()).collect();
        let heads: Vec<&str> = worlds.keys().map(|world| world.name()).collect();
        writeln!(out, "\n| {what} | {} |\n|---|{}", heads.join(" | "), "--:|".repeat(heads.len()))?;
        for name in names {
            let cells = worlds.values().map(|(_, score)| match of(score).get(name) {
                Some(share) => format!("{} of {}", share.found, share.of),
                None => "–".to_owned(),
            });
            writeln!(out, "| {name} | {} |", cells.collect::<Vec<_>>().join(" | "))?;
        }
    }
    for (what, of) in [
        ("missed", (|score| &score.missed) as fn(&Score) -> &Vec<String>),
        ("wrong", |score| &score.wrong),
        ("misjudged", |score| &score.misjudged),
    ] {
        let all: Vec<&String> = worlds.values().flat_map(|(_, score)| of(score)).collect();
        writeln!(out, "\n{what}: {}", all.len())?;
        all.iter().take(MOST_LISTED).try_for_each(|one| writeln!(out, "  {one}"))?;
    }
    Ok(())
}

/// Of what was missed or wrong, so many are told.
const MOST_LISTED: usize = 200;

/// `9 of 10: 90.0 %`.
fn told(Share { found, of }: Share) -> String {
    #[expect(clippy::cast_precision_loss, reason = "counts of findings")]
    let share = 100.0 * found as f64 / of as f64;
    if of == 0 { "0 of 0".to_owned() } else { format!("{found} of {of}: {share:.1} %") }
}
