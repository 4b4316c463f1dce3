//! How fast zones are loaded and asked, on one thread: `zones ZONES POINTS`, where POINTS is a table of lon,lat.
//!
//! Prints seconds of loading, points a second, and how many pairs of point and zone were found inside.
#![expect(clippy::print_stdout, reason = "the figures are what this is for")]

use std::{fs, time::Instant};

use creance_place::zones::{self, Answer, Place, Zones};

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(points)) = (arguments.next(), arguments.next()) else {
        return Err("usage: zones ZONES POINTS".to_owned());
    };
    let table = fs::read_to_string(&points).map_err(|error| format!("{points}: {error}"))?;
    let place = |line: &str| {
        let (lon, lat) = line.split_once(',')?;
        Some(Place {
            lat: lat.parse().ok()?,
            lon: lon.parse().ok()?,
            time: None,
            height: None,
            accuracy_m: 1.0,
        })
    };
    let points: Vec<Place> = table.lines().filter_map(place).collect();
    let start = Instant::now();
    let bytes = fs::read(&file).map_err(|error| format!("{file}: {error}"))?;
    let zones = Zones::new([zones::read(&file, &bytes)?]);
    println!("{} zones loaded in {:.2} s", zones.len(), start.elapsed().as_secs_f64());
    let start = Instant::now();
    let (mut inside, mut uncertain) = (0_u64, 0_u64);
    for point in &points {
        for verdict in zones.check(point) {
            match verdict.answer() {
                Answer::Inside => inside += 1,
                Answer::Uncertain => uncertain += 1,
                Answer::Outside => {}
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = points.len() as f64 / seconds;
    println!(
        "{} points in {seconds:.2} s: {rate:.0} a second; {inside} pairs inside, {uncertain} uncertain",
        points.len()
    );
    Ok(())
}
