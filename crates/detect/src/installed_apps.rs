//! Lists of what is installed: names of Android packages, several in one list.
//!
//! Left out: bundles of iOS, whose names often end like those of classes.

use std::collections::{BTreeMap, BTreeSet};

use creance_model::{DataClass, Match};

use crate::{Card, Context, Detector, Sighting, Sink, View};

/// Lists of apps.
pub(crate) struct InstalledApps;

impl Detector for InstalledApps {
    fn card(&self) -> &'static Card {
        &Card {
            id: "installed-apps",
            what: "a list of installed apps: four names of packages or more, of at least two makers",
            why: "What somebody has installed tells faith, health, politics and bank.",
            wrong: "A list of an app's own components, if it is of several makers.",
            classes: &[DataClass::InstalledApps],
        }
    }

    fn look(&self, message: &View<'_>, _: &Context, sink: &mut Sink<'_>) {
        // By list: the first part, and the names.
        let mut lists: BTreeMap<usize, (usize, BTreeSet<&str>)> = BTreeMap::new();
        for (index, _, text) in message.texts_where(|glance, _| glance.length >= SHORTEST) {
            // Most values have no labels.
            if !text.contains('.') {
                continue;
            }
            if let Some(list) = message.parent(index)
                && let Some(package) = package(text)
            {
                // Objects in a list hold one name each.
                let several = message.parts().get(list).is_some_and(|list| !list.is_named());
                let list = if several && is_object(message, list) {
                    message.parent(list).unwrap_or(list)
                } else {
                    list
                };
                lists.entry(list).or_insert_with(|| (index, BTreeSet::new())).1.insert(package);
            }
            // A list of lines begins with a name: most texts do not.
            if text.lines().next().and_then(package).is_some() && text.contains('\n') {
                let lines: BTreeSet<&str> = text.lines().filter_map(package).collect();
                if lines.len() * 2 > text.lines().count() {
                    lists.entry(index).or_insert_with(|| (index, BTreeSet::new())).1.extend(lines);
                }
            }
        }
        for (index, names) in lists.into_values() {
            let makers: BTreeSet<&str> = names.iter().filter_map(|name| maker(name)).collect();
            if names.len() < FEWEST || makers.len() < 2 {
                continue;
            }
            let shown: Vec<&str> = names.iter().take(MOST_SHOWN).copied().collect();
            let more = names.len() - shown.len();
            let shown = shown.join(", ");
            let value = if more > 0 { format!("{shown}, and {more} more") } else { shown };
            sink.sight(Sighting::whole(
                DataClass::InstalledApps,
                Match::Structured,
                "installed-apps",
                index,
                value,
            ));
        }
    }
}

/// Names of one list that say that it is one.
const FEWEST: usize = 4;

/// Names that are told.
const MOST_SHOWN: usize = 100;

/// Bytes of the shortest name that counts.
const SHORTEST: u32 = 8;

/// Bytes of the longest name (Android's limit).
const LONGEST: usize = 223;

/// First labels of names: domains the other way round.
const TOPS: &[&str] = &[
    "com", "org", "net", "io", "de", "cn", "jp", "kr", "tw", "hk", "ru", "fr", "uk", "co", "me", "app",
    "dev", "eu", "in", "it", "us", "edu", "gov", "tv", "ai", "android",
];

/// Whether a part is an object that has fields of its own.
fn is_object(message: &View<'_>, part: usize) -> bool {
    message.parts().get(part).is_some_and(|part| part.length() == 0 && part.parent().is_some())
        && message.record(part).nth(1).is_some()
        && message.record(part).any(|field| {
            message
                .parts()
                .get(field)
                .is_some_and(|field| package(&String::from_utf8_lossy(field.bytes())).is_none())
        })
}

/// The name of a package, if a text is one: `com.example.birdsong`, also as `pm list packages` writes it.
fn package(text: &str) -> Option<&str> {
    let text = text.trim();
    let name = text.strip_prefix("package:").unwrap_or(text);
    if name.len() > LONGEST {
        return None;
    }
    let mut labels = name.split('.');
    let first = labels.next()?;
    let label = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_alphabetic())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    let fits = TOPS.contains(&first) && labels.clone().count() >= 1 && labels.clone().all(label);
    // `android.permission.CAMERA`, `com.example.MainActivity`: permissions and classes, not packages.
    let kind = labels.next_back().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_uppercase()));
    (fits && !kind && !name.contains(".permission")).then_some(name)
}

/// The first two labels.
fn maker(name: &str) -> Option<&str> {
    name.match_indices('.').nth(1).map_or(Some(name), |(at, _)| name.get(..at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{body, fields, told};

    const APPS: [&str; 4] =
        ["com.android.chrome", "com.example.bankvault", "com.example.birdsong", "org.example.signalpost"];

    #[test]
    fn a_list_of_packages_is_told_once() {
        let told_of = |list: &[(&str, &str)]| told(&fields(list));
        let list: Vec<_> = APPS.iter().map(|app| ("pkgs", *app)).collect();
        assert_eq!(told_of(&list), [(DataClass::InstalledApps, Match::Structured, APPS.join(", "))]);
        assert!(told_of(list.get(..3).unwrap()).is_empty());
        let text = APPS.map(|app| format!("package:{app}\n")).concat();
        assert_eq!(told(&body(text.as_bytes())).len(), 1);
    }

    #[test]
    fn ignores() {
        for list in [
            [
                "android.permission.CAMERA",
                "android.permission.SMS",
                "com.a.permission.X",
                "com.b.permission.Y",
            ],
            ["com.a.Main", "com.b.Main", "com.c.Main", "com.d.Main"],
            ["cdn.example.com", "api.example.com", "www.example.org", "img.example.net"],
            ["com.skyvendor.a", "com.skyvendor.b", "com.skyvendor.c", "com.skyvendor.d"],
            ["com.", "com.1", "com", "com.-"],
        ] {
            let list: Vec<_> = list.iter().map(|text| ("x", *text)).collect();
            assert!(told(&fields(&list)).is_empty(), "{list:?}");
        }
    }
}
