//! Jurisdiction: `creance.region/1`, and a screenful of it.

use creance_model::{REGION_SCHEMA, Region, RegionAnswer, RegionBehaviour};
use serde_json::{Value, json};

use crate::words::shown;

/// The document of `creance region`.
pub fn document(region: &Region) -> Value {
    let mut document = json!(region);
    if let Value::Object(fields) = &mut document {
        fields.insert("schema".to_owned(), json!(REGION_SCHEMA));
    }
    document
}

/// The three answers with every source's vote, for people.
pub fn text(region: &Region) -> String {
    let mut lines = vec![format!("Aircraft  {}", headline(&region.aircraft))];
    votes(&region.aircraft, &mut lines);
    lines.push(String::new());
    lines.push(format!("App       believes {}", headline(&region.app.answer)));
    votes(&region.app.answer, &mut lines);
    if let Some(asked) = asked(region) {
        lines.push(format!("    asked with {asked}"));
    }
    let follows = follows(&region.app.behaviour);
    if !follows.is_empty() {
        lines.push(format!("    so            {}", follows.join(" · ")));
    }
    lines.push(String::new());
    lines.push(format!("Data      {}", went(region)));
    lines.extend(region.mismatches.iter().map(|one| format!("Mismatch  {}", shown(&one.says))));
    lines.join("\n") + "\n"
}

/// An answer in a few words.
pub(crate) fn headline(answer: &RegionAnswer) -> String {
    let candidates: Vec<String> =
        answer.candidates.iter().map(|one| format!("{} {:.2}", shown(&one.iso), one.p)).collect();
    match (answer.answer.as_ref(), candidates.as_slice()) {
        ("determined", [best, ..]) => format!("{best} (determined)"),
        (outcome, []) => shown(outcome),
        (outcome, several) => format!("{}: {}", shown(outcome), several.join(", ")),
    }
}

fn votes(answer: &RegionAnswer, lines: &mut Vec<String>) {
    for vote in &answer.votes {
        let says = if vote.says.is_empty() { "-".to_owned() } else { vote.says.join("/") };
        let why = shown(&vote.why);
        lines.push(format!("    {:<13} {:<6} {:>4.1}  {why}", vote.source, says, vote.weight));
    }
    for conflict in &answer.conflicts {
        let (who, _) = conflict.split_once(':').unwrap_or((conflict, ""));
        lines.push(format!("    conflict      {who}"));
    }
}

/// What the app sent when it asked where it is.
pub(crate) fn asked(region: &Region) -> Option<String> {
    let asked = region
        .app
        .asked_with
        .iter()
        .map(|one| format!("{} ({})", one.source, one.says.as_deref().unwrap_or("unknown")));
    let asked: Vec<String> = asked.collect();
    (!asked.is_empty()).then(|| asked.join(", "))
}

/// What follows for the user.
pub(crate) fn follows(seen: &RegionBehaviour) -> Vec<String> {
    let yes =
        |seen: Option<bool>, yes: &str, no: &str| seen.map(|seen| if seen { yes } else { no }.to_owned());
    let told = [
        seen.hosts.as_ref().map(|country| format!("hosts of {country}")),
        seen.datum.as_ref().map(|datum| format!("coordinates called {datum}")),
        yes(seen.coordinates_shifted, "which are shifted", "which are not shifted"),
        yes(seen.forced_login, "login forced", "no login forced"),
        yes(seen.no_fly_download, "zones downloaded", "no zones downloaded"),
    ];
    told.into_iter().flatten().collect()
}

/// Where data went, with the hosts.
fn went(region: &Region) -> String {
    let landings = region.data.landings.iter().map(|landing| {
        let hosts: Vec<String> = landing.hosts.iter().map(|host| shown(host)).collect();
        format!("{} ({})", landing.iso.as_deref().unwrap_or("unknown"), hosts.join(", "))
    });
    let landings: Vec<String> = landings.collect();
    if landings.is_empty() { "not seen".to_owned() } else { landings.join(" · ") }
}
