//! What a file says that lies within another one or behind it: a preview, a second picture, the film of a phone.

use std::collections::HashSet;

use creance_model::Inspection;

/// Values of each kind that are told of one file and of all that lies within it. One picture says some thousands at most, and of the
/// pictures in a file there may be many.
const MOST_TOLD: usize = 8192;

/// What is said where this is not enough.
const OVER: &str = "more lies within that says something than is told";

/// Adds what an inner file says and the outer one does not say already. `at`: where it begins in the outer one; `name`: by what
/// way it is reached, which stands before where each value is.
pub(super) fn tell(inspection: &mut Inspection, inner: Inspection, at: u64, name: &str) {
    let named = |field: &str| format!("{name}:{field}");
    let mut is_over = false;
    let mut has_room = |length: usize| {
        is_over |= length >= MOST_TOLD;
        length < MOST_TOLD
    };
    // Hostile files say much: each of it is looked up, and not compared with all that was said before.
    let mut told: HashSet<_> =
        inspection.identifiers.iter().map(|one| (one.class, one.of, one.value.clone())).collect();
    for mut one in inner.identifiers {
        if told.insert((one.class, one.of, one.value.clone())) && has_room(inspection.identifiers.len()) {
            one.field = named(&one.field);
            inspection.identifiers.push(one);
        }
    }
    for mut spot in inner.places {
        let is_told = inspection.places.iter().any(|told| {
            told.role == spot.role && (told.lat - spot.lat).abs() < 1e-7 && (told.lon - spot.lon).abs() < 1e-7
        });
        if !is_told && has_room(inspection.places.len()) {
            spot.field = named(&spot.field);
            inspection.places.push(spot);
        }
    }
    for mut one in inner.times {
        let is_told = inspection.times.iter().any(|told| (told.what, told.time) == (one.what, one.time));
        if !is_told && has_room(inspection.times.len()) {
            one.field = named(&one.field);
            inspection.times.push(one);
        }
    }
    let mut told: HashSet<_> = inspection.facts.iter().map(|one| (one.what, one.value.clone())).collect();
    for mut one in inner.facts {
        if told.insert((one.what, one.value.clone())) && has_room(inspection.facts.len()) {
            one.field = named(&one.field);
            inspection.facts.push(one);
        }
    }
    for mut track in inner.tracks {
        track.field = named(&track.field);
        inspection.tracks.push(track);
    }
    for mut one in inner.hidden {
        if has_room(inspection.hidden.len()) {
            one.field = named(&one.field);
            inspection.hidden.push(one);
        }
    }
    for mut flaw in inner.damage {
        if has_room(inspection.damage.len()) {
            flaw.what = named(&flaw.what);
            flaw.offset = flaw.offset.saturating_add(at);
            inspection.damage.push(flaw);
        }
    }
    // Once: many may follow.
    if is_over && inspection.damage.iter().all(|flaw| flaw.why != OVER) {
        inspection.flaw(name, at, OVER);
    }
    let device = &mut inspection.device;
    for (told, of_inner) in [
        (&mut device.make, inner.device.make),
        (&mut device.model, inner.device.model),
        (&mut device.software, inner.device.software),
    ] {
        *told = told.take().or(of_inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{DataClass, Role, Spot};

    #[test]
    fn what_is_said_already_is_not_said_again() {
        let said = |serial: &str, lat: f64| {
            let mut inspection = Inspection::of("jpeg");
            inspection.identify(DataClass::Serial, None, serial, "exif:BodySerialNumber");
            inspection.places.extend(Spot::new(Role::Camera, lat, 8.25, "exif:GPS"));
            inspection.say("text", "Mast 7", "com");
            inspection.flaw("exif", 5, "cut");
            inspection
        };
        let mut outer = said("SER123", 47.5);
        tell(&mut outer, said("SER123", 47.5), 100, "mpf");
        assert_eq!((outer.identifiers.len(), outer.places.len(), outer.facts.len()), (1, 1, 1));
        tell(&mut outer, said("SER456", 47.6), 200, "behind EOI");
        assert_eq!(outer.identifiers[1].field, "behind EOI:exif:BodySerialNumber");
        assert_eq!((outer.places[1].lat, outer.facts.len()), (47.6, 1));
        let told: Vec<_> = outer.damage.iter().map(|flaw| (flaw.what.as_str(), flaw.offset)).collect();
        assert_eq!(told, [("exif", 5), ("mpf:exif", 105), ("behind EOI:exif", 205)]);
    }

    #[test]
    fn of_each_kind_so_many_are_told_and_that_there_are_more_is_said_once() {
        let mut outer = Inspection::of("jpeg");
        for number in 0..4 {
            let mut inner = Inspection::of("jpeg");
            for at in 0..4000 {
                inner.say("text", format!("{number} {at}"), "com");
            }
            inner.identify(DataClass::Serial, None, &format!("SER{number}"), "exif:BodySerialNumber");
            tell(&mut outer, inner, number, "behind EOI");
        }
        // Comments leave room for what matters more.
        assert_eq!((outer.facts.len(), outer.identifiers.len()), (MOST_TOLD, 4));
        let told: Vec<_> = outer.damage.iter().map(|flaw| (flaw.why.as_str(), flaw.offset)).collect();
        assert_eq!(told, [(OVER, 2)]);
    }
}
