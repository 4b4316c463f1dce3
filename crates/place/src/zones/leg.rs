//! The straight way between two places: which zones it goes through that neither of its ends says.
//!
//! How far the edge of a shape is changes along a way by no more than the way is long. So a piece of it whose middle is farther from
//! the edge than its ends lies on one side of it as a whole; what is nearer is halved, until it is half a metre long.

use std::collections::BTreeMap;

use super::{
    Answer, Band, Doubt, Lies, Place, Position, Sure, Verdict, Zone, Zones, geodesy, verdict::Between, when,
};

/// A straight way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leg {
    /// From here to there.
    pub ends: [Place; 2],
    /// Whether it was flown, of which a log tells the ends alone; else it was planned.
    pub flown: bool,
}

/// How often it is asked where a place of a way lies, for all ways of a file: some seconds.
pub const WORK: u64 = 5_000_000;

/// Corners of a shape for which asking it counts once more: edges of very many lie close together, and more of them are looked at.
const MANY: u64 = 20_000;

/// The same for one piece and one shape: a way of five kilometres along an edge.
const MOST: u32 = 20_000;

/// Half the metres of a piece that is not halved further.
const FINE: f64 = 0.25;

/// Metres of a piece for which zones are looked up at once, and of a whole way.
const PIECE: f64 = 20_000.0;
const LONGEST: f64 = 1_000_000.0;

/// Points that are put between the ends to follow the geodesic.
const ROOM: usize = 100_000;

/// Mean radius of the earth.
const RADIUS: f64 = 6_371_009.0;

/// A piece of a way, and where it begins and ends on it: 0 … 1 for each of the ways' pieces.
#[derive(Clone, Copy)]
struct Piece {
    from: (f64, Position),
    to: (f64, Position),
}

/// What a way meets of a shape.
#[derive(Clone, Copy, Debug)]
struct Met {
    /// Where it comes near enough first.
    entry: (f64, Position),
    /// How the place lies to it that is farthest in; of those about which there is no doubt, if any is within.
    lies: Lies,
}

impl Zones {
    /// The zones that a way is inside of somewhere, or may be, if its ends do not say so already; with the place where it comes to each
    /// first, and the margin where it is farthest in. Of a way that was flown it cannot be said that it is inside.
    ///
    /// Heights lie between those of the ends. `None`: the way is too long, or what is left of `work` does not suffice.
    pub fn check_leg(&self, leg: &Leg, work: &mut u64) -> Option<Vec<Verdict<'_>>> {
        let [from, to] = &leg.ends;
        let ends = [[normal(from.lon), from.lat], [normal(to.lon), to.lat]];
        let metres = geodesy::geodesic(ends[0], ends[1]);
        if !(metres <= LONGEST && from.lat.abs() <= 90.0 && to.lat.abs() <= 90.0) {
            return None;
        }
        // Straight on a map and straight on the earth lie so far apart: which one is flown nobody says.
        let tan = from.lat.abs().max(to.lat.abs()).min(89.0).to_radians().tan();
        let bow = metres * metres * tan / (8.0 * RADIUS);
        let accuracy = from.accuracy_m.max(to.accuracy_m).max(0.0) + bow + FINE;
        let mut met: BTreeMap<(*const Zone, u32), (&Zone, Band, Met)> = BTreeMap::new();
        for piece in pieces(ends)? {
            let middle = normalised(piece.middle().1);
            let place = Place { lat: middle[1], lon: middle[0], ..*from };
            let mut enough = true;
            self.visit(&place, piece.half() + accuracy, |zone, number, volume, _| {
                if *work == 0 {
                    enough = false;
                    return;
                }
                *work -= 1;
                let lies = |place: Position, reach: f64| volume.shape.lies(normalised(place), reach);
                let cost = 1 + volume.shape.corners() / MANY;
                if let Some(one) = search(piece, accuracy, &lies, work, cost) {
                    let known = met.entry((std::ptr::from_ref(zone), number));
                    let (_, _, known) = known.or_insert((zone, volume.band, one));
                    if one.entry.0 < known.entry.0 {
                        known.entry = one.entry;
                    }
                    if is_graver(one.lies, known.lies, accuracy) {
                        known.lies = one.lies;
                    }
                }
            });
            if !enough {
                return None;
            }
        }
        let verdicts = met.into_values().map(|(zone, band, met)| {
            let [lon, lat] = normalised(met.entry.1);
            let verdict = Verdict {
                zone,
                source: self.sources.get(zone.source),
                band,
                lies: met.lies,
                level: band.between(&leg.ends.map(|end| (end.height, [end.lon, end.lat]))),
                then: then(leg, zone, lat, lon),
                place: Place { lat, lon, accuracy_m: accuracy, ..*from },
                between: Some(if leg.flown { Between::Fixes(metres) } else { Between::Corners(metres) }),
            };
            (met.entry.0, verdict)
        });
        let mut found: Vec<_> = verdicts.collect();
        found.retain(|(_, verdict)| verdict.answer() != Answer::Outside);
        if found.is_empty() {
            return Some(Vec::new());
        }
        // Of each zone the volume that is the most likely to hold it, from where it comes to the first of those.
        let order = |one: &Verdict<'_>| std::ptr::from_ref(one.zone);
        found.sort_by(|(_, one), (_, other)| order(one).cmp(&order(other)).then_with(|| one.order(other)));
        found.dedup_by(|(entry, later), (first, told)| {
            let same = order(later) == order(told);
            if same && later.answer() == told.answer() && entry < first {
                (*first, told.place) = (*entry, later.place);
            }
            same
        });
        let mut found: Vec<_> = found.into_iter().map(|(_, verdict)| verdict).collect();
        for end in self.check(from).into_iter().chain(self.check(to)) {
            found.retain(|one| !std::ptr::eq(one.zone, end.zone) || one.answer() > end.answer());
        }
        Some(found)
    }
}

fn is_surely_within(lies: Lies, accuracy: f64) -> bool {
    lies.doubt.is_none() && lies.margin_m <= -accuracy
}

/// Whether one is to be told rather than another: what is surely within, then what is farther in.
fn is_graver(one: Lies, other: Lies, accuracy: f64) -> bool {
    match (is_surely_within(one, accuracy), is_surely_within(other, accuracy)) {
        (true, false) => true,
        (false, true) => false,
        _ => one.margin_m < other.margin_m,
    }
}

/// What a piece meets of a shape: `None` if it stays out by more than `accuracy`.
fn search(
    piece: Piece,
    accuracy: f64,
    lies: &dyn Fn(Position, f64) -> Option<Lies>,
    work: &mut u64,
    cost: u64,
) -> Option<Met> {
    let mut met: Option<Met> = None;
    let mut waiting = vec![piece];
    let mut tries = 0;
    // In the order of the way.
    while let Some(piece) = waiting.pop() {
        let half = piece.half();
        let middle = piece.middle();
        (tries, *work) = (tries + 1, work.saturating_sub(cost));
        let Some(here) = lies(middle.1, half + accuracy) else { continue };
        let known = met;
        if here.margin_m <= accuracy {
            let met = met.get_or_insert(Met { entry: middle, lies: here });
            if middle.0 < met.entry.0 {
                met.entry = middle;
            }
            if is_graver(here, met.lies, accuracy) {
                met.lies = here;
            }
        }
        if half <= FINE {
            continue;
        }
        if tries > MOST || *work == 0 {
            // The rest may come nearer.
            let met = met.get_or_insert(Met { entry: middle, lies: here });
            if !is_surely_within(met.lies, accuracy) {
                met.lies.doubt = met.lies.doubt.or(Some(Doubt::Long));
            }
            break;
        }
        let could_begin = known.is_none_or(|known| piece.from.0 < known.entry.0);
        let far_in = known.map_or(f64::INFINITY, |known| {
            known.lies.margin_m - (known.lies.margin_m.abs() * 0.05).max(FINE)
        });
        if could_begin || here.margin_m - half < far_in {
            waiting.push(Piece { from: middle, ..piece });
            waiting.push(Piece { to: middle, ..piece });
        }
    }
    met
}

impl Piece {
    /// Half its length in metres, and a little more.
    fn half(&self) -> f64 {
        geodesy::metres(self.from.1, self.to.1) / 2.0 * 1.01 + 0.01
    }

    fn middle(&self) -> (f64, Position) {
        let [[lon, lat], [to_lon, to_lat]] = [self.from.1, self.to.1];
        (f64::midpoint(self.from.0, self.to.0), [f64::midpoint(lon, to_lon), f64::midpoint(lat, to_lat)])
    }
}

/// The pieces of a way between two places, longitudes unrolled: straight in degrees, each on one side of the meridian of 180°.
fn pieces([from, to]: [Position; 2]) -> Option<Vec<Piece>> {
    let by = to[0] - from[0];
    let to = [from[0] + by - (by / 360.0).round() * 360.0, to[1]];
    let mut points = vec![from];
    let mut room = ROOM;
    if !geodesy::follow(from, to, &mut room, &mut points) {
        return None;
    }
    points.push(to);
    let mut pieces = Vec::new();
    let mut at = 0.0;
    for two in points.windows(2) {
        let [from, to] = two else { continue };
        let mut stops = vec![0.0, 1.0];
        for edge in [-180.0, 180.0] {
            let along = (edge - from[0]) / (to[0] - from[0]);
            if along > 0.0 && along < 1.0 {
                stops.push(along);
            }
        }
        let count = (geodesy::metres(*from, *to) / PIECE).ceil().clamp(1.0, 1000.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a thousand")]
        stops.extend((1..count as u32).map(|stop| f64::from(stop) / count));
        stops.sort_by(f64::total_cmp);
        let on = |along: f64| [from[0] + along * (to[0] - from[0]), from[1] + along * (to[1] - from[1])];
        for stop in stops.windows(2) {
            if let [start, end] = stop {
                pieces.push(Piece { from: (at + start, on(*start)), to: (at + end, on(*end)) });
            }
        }
        at += 1.0;
    }
    Some(pieces)
}

/// Whether the zone holds while the way is flown; of a plan, when it is asked about.
fn then(leg: &Leg, zone: &Zone, lat: f64, lon: f64) -> Sure {
    let [from, to] = leg.ends.map(|end| end.time);
    let at = |time| when::holds(&zone.periods, time, lat, lon);
    let begun = at(from);
    let (true, Some(start), Some(end)) = (leg.flown, from, to) else { return begun };
    // Four times on the way: it takes minutes at most.
    let step = end.since(start) / 4;
    let same = (1..=4).all(|number| {
        let nanos = start.as_nanos().saturating_add(step.saturating_mul(number));
        at(Some(creance_model::Timestamp::from_nanos(nanos))) == begun
    });
    if same { begun } else { Sure::Unknown }
}

fn normal(lon: f64) -> f64 {
    if lon.abs() <= 180.0 { lon } else { (lon + 180.0).rem_euclid(360.0) - 180.0 }
}

fn normalised([lon, lat]: Position) -> Position {
    [normal(lon), lat.clamp(-90.0, 90.0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zones::{Height, Source, read};
    use creance_model::{AltReference, Timestamp};

    const SQUARE: &str = r#"{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"id": "Z"},
        "geometry": {"type": "Polygon", "coordinates": [[[8.0, 47.0], [8.01, 47.0], [8.01, 47.01], [8.0, 47.01], [8.0, 47.0]]]}}]}"#;

    fn zones(text: &str) -> Zones {
        Zones::new([read("zones.json", text.as_bytes()).unwrap()])
    }

    fn place(lat: f64, lon: f64) -> Place {
        Place { lat, lon, time: None, height: None, accuracy_m: 1.0 }
    }

    fn leg(from: (f64, f64), to: (f64, f64)) -> Leg {
        Leg { ends: [place(from.0, from.1), place(to.0, to.1)], flown: false }
    }

    /// Answer, margin, and where it comes to it first.
    fn met(zones: &Zones, leg: &Leg) -> Option<(Answer, f64, (f64, f64))> {
        let found = zones.check_leg(leg, &mut WORK.clone()).unwrap();
        assert!(found.len() < 2);
        found.first().map(|one| (one.answer(), one.margin_m(), (one.place().lat, one.place().lon)))
    }

    #[test]
    fn a_way_through_a_zone_is_told_with_where_it_comes_in() {
        let zones = zones(SQUARE);
        // From the west to the east, 334 m from the southern edge.
        let (answer, margin, (lat, lon)) = met(&zones, &leg((47.003, 7.98), (47.003, 8.03))).unwrap();
        assert_eq!(answer, Answer::Inside);
        assert!((margin + 333.6).abs() < 25.0 && (lat - 47.003).abs() < 1e-5, "{margin} {lat}");
        assert!((lon - 8.0).abs() < 3e-5, "{lon}");
        // The other way round it comes in on the other side.
        let (.., (_, lon)) = met(&zones, &leg((47.003, 8.03), (47.003, 7.98))).unwrap();
        assert!((lon - 8.01).abs() < 3e-5, "{lon}");
        // Over a corner: 5.5 m within at most; 5 m past it; half a metre past it.
        let (answer, margin, _) = met(&zones, &leg((46.99, 8.0102), (47.0103, 7.9898)))
            .map_or((Answer::Outside, 0.0, (0.0, 0.0)), |met| met);
        assert_eq!((answer, margin < 0.0), (Answer::Inside, true), "{margin}");
        assert_eq!(met(&zones, &leg((46.9999, 8.0), (46.9999, 8.01))), None, "11 m beside it");
        let (answer, margin, _) = met(&zones, &leg((46.999_996, 7.99), (46.999_996, 8.02))).unwrap();
        assert!(answer == Answer::Uncertain && (margin - 0.44).abs() < 0.3, "{margin}");
        assert_eq!(met(&zones, &leg((47.005, 8.005), (47.005, 8.03))), None, "an end says so");
    }

    #[test]
    fn what_was_flown_between_fixes_is_uncertain_and_so_are_heights_between_the_ends() {
        let zones = zones(SQUARE);
        let planned = leg((47.003, 7.98), (47.003, 8.03));
        let found = zones.check_leg(&Leg { flown: true, ..planned }, &mut WORK.clone()).unwrap();
        assert_eq!(found[0].answer(), Answer::Uncertain);
        let why = found[0].why();
        assert!(
            why.contains("between two fixes, at most")
                && why.contains("how it flew between the two is not known"),
            "{why}"
        );
        let limited = SQUARE.replace("[8.0, 47.0], [8.01", "[8.0, 47.0, 0], [8.01");
        let mut limited = read("zones.json", limited.as_bytes()).unwrap();
        limited.1[0].volumes[0].band.upper = Some(crate::zones::Limit::new(100.0, crate::zones::Datum::Sea));
        let limited = Zones::new([(Source::default(), limited.1)]);
        for (low, high, expected) in
            [(50.0, 90.0, Some(Answer::Inside)), (50.0, 150.0, Some(Answer::Uncertain)), (110.0, 150.0, None)]
        {
            let mut leg = planned;
            for (end, metres) in leg.ends.iter_mut().zip([low, high]) {
                end.height = Some(Height { metres, reference: Some(AltReference::Amsl) });
            }
            assert_eq!(met(&limited, &leg).map(|met| met.0), expected, "{low} {high}");
        }
    }

    #[test]
    fn a_way_over_the_date_line_meets_both_halves_of_a_cut_zone() {
        let ring = |west: f64, east: f64| {
            format!("[[[{west}, -17], [{east}, -17], [{east}, -16], [{west}, -16], [{west}, -17]]]")
        };
        let cut = format!(
            r#"{{"type": "FeatureCollection", "features": [{{"type": "Feature", "properties": {{"id": "Z"}}, "geometry": {{"type": "MultiPolygon", "coordinates": [{}, {}]}}}}]}}"#,
            ring(179.99, 180.0),
            ring(-180.0, -179.99),
        );
        let (answer, margin, (_, lon)) = met(&zones(&cut), &leg((-16.5, 179.9), (-16.5, -179.9))).unwrap();
        assert_eq!(answer, Answer::Inside);
        // 1066 m from the middle to either edge. Straight and geodesic differ by 2.6 m here, so it comes to it that much earlier.
        assert!(margin < -1_000.0 && (lon - 179.99).abs() < 5e-5, "{margin} {lon}");
    }

    #[test]
    fn a_way_along_an_edge_and_one_around_the_earth_end() {
        let zones = zones(SQUARE);
        let told = |leg: &Leg, mut work: u64| zones.check_leg(leg, &mut work).map(|found| found.len());
        let beside = leg((46.999_985, 7.99), (46.999_985, 8.02));
        assert_eq!((told(&beside, WORK), told(&beside, 100), told(&beside, 0)), (Some(0), None, None));
        assert!(zones.check_leg(&leg((47.0, 8.0), (-40.0, 178.0)), &mut WORK.clone()).is_none());
        for (from, to) in
            [((90.0, 0.0), (89.0, 180.0)), ((89.9, 0.0), (89.9, 180.0)), ((47.0, 8.0), (47.0, 8.0))]
        {
            let mut leg = leg(from, to);
            leg.ends[0].time = Timestamp::parse("2026-01-01T00:00:00Z");
            assert!(zones.check_leg(&leg, &mut WORK.clone()).is_some_and(|found| found.is_empty()));
        }
    }

    proptest::proptest! {
        /// Wherever places of a way are inside, or may be, it is told so; where all are far from a zone, nothing is.
        #[test]
        fn a_way_is_told_as_its_places_are(from in (46.98_f64..47.03, 7.98_f64..8.03), to in (46.98_f64..47.03, 7.98_f64..8.03)) {
            let zones = zones(SQUARE);
            let leg = leg(from, to);
            let found = met(&zones, &leg);
            let answers: Vec<Answer> = (0..=500).map(|at| {
                let along = f64::from(at) / 500.0;
                let here = place(from.0 + along * (to.0 - from.0), from.1 + along * (to.1 - from.1));
                zones.check(&here).first().map_or(Answer::Outside, Verdict::answer)
            }).collect();
            let ends = answers[0].max(answers[500]);
            let gravest = answers.into_iter().max().unwrap();
            if gravest > ends {
                proptest::prop_assert!(found.is_some_and(|found| found.0 >= Answer::Uncertain), "{:?}", found);
            }
            if let Some((Answer::Inside, margin, _)) = found {
                proptest::prop_assert!(margin <= -1.0 && ends < Answer::Inside);
            }
        }
    }
}
