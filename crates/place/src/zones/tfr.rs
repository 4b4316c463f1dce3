//! Temporary flight restrictions of the FAA, as its site serves them one by one: `XNOTAM-Update`, built on AIXM 4.5.
//!
//! An area stands twice: as it was drawn (`aseShapes`: circles, arcs, corridors), and merged into a ring of great circles
//! (`abdMergedArea`), which is the one that is read; circles alone are taken as they were drawn. The FAA does not publish a
//! description: this is what its files hold.

use super::{
    Band, Datum, Edges, Limit, Moment, Period, Position, Restriction, Shape, Volume, Zone,
    heights::FOOT,
    read::{Content, Found, Volumes, note},
    xml::{self, Node},
};

/// Metres of a nautical mile.
const MILE: f64 = 1852.0;

pub(super) fn is(content: &Content<'_>) -> bool {
    matches!(content, Content::Xml(text) if xml::begins_with(text, "XNOTAM-Update"))
}

pub(super) fn read(content: &Content<'_>, found: &mut Found) -> Result<(), String> {
    let Content::Xml(text) = content else { return Ok(()) };
    let read = xml::each(text, "Not", &mut |notice| {
        let mut areas = Vec::new();
        notice.all("aseTFRArea", &mut areas);
        let issued = notice.said("dateIssued").and_then(Moment::parse).map(|moment| moment.time);
        found.issued = found.issued.max(issued);
        for (number, area) in areas.iter().enumerate() {
            read_area(&notice, area, (number, areas.len()), found);
        }
    });
    match read {
        Err(why) if !found.zones.is_empty() => found.flaw(&why),
        other => other?,
    }
    Ok(())
}

fn read_area(notice: &Node, area: &Node, (number, areas): (usize, usize), found: &mut Found) {
    let local = notice.first("txtLocalName").map(|name| name.text.trim()).unwrap_or_default();
    let law = notice.child("TfrNot").and_then(|of| of.said("codeType"));
    let mut zone = Zone {
        id: if areas > 1 { format!("{local} ({})", number + 1) } else { local.to_owned() },
        name: area.said("txtName").filter(|name| *name != "Area").map(str::to_owned),
        country: Some("USA".to_owned()),
        restriction: Restriction::Other(match law {
            Some(law) => {
                format!("temporary flight restriction, {}", law.chars().take(40).collect::<String>())
            }
            None => "temporary flight restriction".to_owned(),
        }),
        says: notice.said("txtDescrPurpose").map(str::to_owned),
        updated: notice.said("dateIssued").and_then(Moment::parse).map(|moment| moment.time),
        ..Zone::default()
    };
    zone.periods = periods(notice, area, &mut zone.degraded);
    let mut side = |which: &str| {
        limit(area, which).unwrap_or_else(|why| {
            note(&mut zone.degraded, why);
            None
        })
    };
    let band = Band::new(side("Lower"), side("Upper")).unwrap_or_else(|why| {
        note(&mut zone.degraded, why);
        Band::default()
    });
    let mut volumes = Volumes::default();
    shapes(notice, area, areas, band, found, &mut zone.degraded, &mut volumes);
    if volumes.is_empty() {
        volumes.push(Err("it has neither a merged area nor circles".to_owned()));
    }
    found.add(zone, volumes);
}

/// From when to when. Areas that have times of their own within that are uncertain: which hours are meant the text says alone.
fn periods(notice: &Node, area: &Node, notes: &mut Vec<String>) -> Vec<Period> {
    let zoned = notice.said("codeTimeZone").is_none_or(|zone| zone == "UTC");
    let mut end = |key: &str, parse: fn(&str) -> Option<Moment>| {
        let text = notice.said(key)?;
        let moment = parse(text);
        if moment.is_none() {
            note(notes, format!("its {key} is no date and time"));
        }
        moment.map(|moment| Moment { zoned: zoned || moment.zoned, ..moment })
    };
    let (from, to) = (end("dateEffective", Moment::parse), end("dateExpire", Moment::parse_end));
    if from.zip(to).is_some_and(|(from, to)| to.time <= from.time) {
        note(notes, "it ends before it starts");
        return Vec::new();
    }
    let differs = |group: &&Node| {
        ["dateEffective", "dateExpire"]
            .iter()
            .any(|key| group.said(key).is_some_and(|own| notice.said(key) != Some(own)))
            || group.first("startTime").is_some()
    };
    let mut groups = Vec::new();
    area.all("ScheduleGroup", &mut groups);
    let may = groups.iter().any(differs);
    if from.is_none() && to.is_none() && !may {
        return Vec::new();
    }
    vec![Period { from, to, hours: Vec::new(), may }]
}

fn limit(area: &Node, which: &str) -> Result<Option<Limit>, &'static str> {
    let said = |what: &str| area.said(&format!("{what}DistVer{which}"));
    let Some(value) = said("val") else { return Ok(None) };
    let number: f64 = value
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .ok_or("a limit of height is no number")?;
    let (scale, level) = match said("uom") {
        Some("FL") => (100.0 * FOOT, true),
        None if number != 0.0 => return Err("the unit of a limit of height is not said"),
        Some("FT") | None => (FOOT, false),
        Some("M") => (1.0, false),
        Some(_) => return Err("the unit of a limit of height is not known"),
    };
    let datum = match said("code") {
        _ if level => Datum::Pressure,
        Some("HEI") => Datum::Ground,
        Some("ALT" | "MSL") => Datum::Sea,
        Some("STD") => Datum::Pressure,
        _ => return Err("what a limit of height counts from is not known"),
    };
    Ok(Some(Limit::new(number * scale, datum)))
}

fn shapes(
    notice: &Node,
    area: &Node,
    areas: usize,
    band: Band,
    found: &mut Found,
    notes: &mut Vec<String>,
    volumes: &mut Volumes,
) {
    let id = |node: &Node| node.first("AseUid").and_then(|of| of.said("codeId")).map(str::to_owned);
    let own = id(area);
    // Of the only area is everything, however it is numbered.
    let is_own = |node: &&&Node| areas == 1 || own.is_some() && id(node) == own;
    for (name, is_merged) in [("abdMergedArea", true), ("aseShapes", false)] {
        let mut all = Vec::new();
        notice.all(name, &mut all);
        for drawn in all.iter().filter(is_own) {
            volumes.push(shape(drawn, is_merged, band, found, notes));
        }
        if !volumes.is_empty() {
            return;
        }
    }
}

fn shape(
    drawn: &Node,
    is_merged: bool,
    band: Band,
    found: &mut Found,
    notes: &mut Vec<String>,
) -> Result<Volume, String> {
    let mut corners = Vec::new();
    drawn.all("Avx", &mut corners);
    if let [circle] = corners.as_slice()
        && circle.said("codeType") == Some("CIR")
    {
        let number = circle.said("valRadiusArc").and_then(|text| text.parse::<f64>().ok());
        let scale = match circle.said("uomRadiusArc") {
            Some("NM") => MILE,
            None => {
                note(notes, "the unit of its radius is not said, and taken to be the nautical mile");
                MILE
            }
            Some("KM") => 1000.0,
            Some("M") => 1.0,
            Some("FT") => FOOT,
            Some(_) => return Err("the unit of a radius is not known".to_owned()),
        };
        let metres = number.ok_or("a radius is no number")? * scale;
        let shape = Shape::circle(place(circle)?, metres)?;
        return Ok(Volume { shape, band });
    }
    if !is_merged || corners.iter().any(|corner| corner.said("codeType").is_some_and(|kind| kind != "GRC")) {
        return Err("it is drawn with more than circles, and not merged".to_owned());
    }
    let ring = corners.iter().map(|corner| place(corner)).collect::<Result<Vec<_>, _>>()?;
    found.area(&[ring], Edges::Geodesic, band, notes)
}

/// Degrees with the letter of their side: `41.20N`, `119.30W`.
fn place(corner: &Node) -> Result<Position, String> {
    let degrees = |key: &str, sides: [char; 2]| {
        let text = corner.said(key)?;
        let (number, side) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let number = number.parse::<f64>().ok().filter(|number| *number >= 0.0)?;
        let side = side.chars().next()?;
        (side == sides[0]).then_some(number).or((side == sides[1]).then_some(-number))
    };
    let both = degrees("geoLong", ['E', 'W']).zip(degrees("geoLat", ['N', 'S']));
    both.map(|(lon, lat)| [lon, lat]).ok_or_else(|| "a corner has no degrees with their side".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::zones::{Answer, Place, Zones, read as read_file, testing::answer};
    use creance_model::Timestamp;

    const NOTICE: &str = "<XNOTAM-Update version=\"0.1\"><Group><Add><Not><NotUid><txtLocalName>6/0001</txtLocalName></NotUid><dateIssued>2026-06-01T12:00:00</dateIssued>
        <dateEffective>2026-06-02T14:00:00</dateEffective><dateExpire>2026-06-03T06:00:00</dateExpire><codeTimeZone>UTC</codeTimeZone><txtDescrPurpose>ROCKETS</txtDescrPurpose>
        <TfrNot><codeType>91.143</codeType><TFRAreaGroup>AREAS</TFRAreaGroup></TfrNot></Not></Add></Group></XNOTAM-Update>";

    fn area(id: u8, limits: &str) -> String {
        format!(
            "<aseTFRArea><AseUid><codeId>{id}</codeId></AseUid><txtName>Area {id}</txtName>{limits}</aseTFRArea>"
        )
    }

    fn merged(id: u8, corners: &[(f64, f64)]) -> String {
        let corner = |(lat, lon): &(f64, f64)| {
            format!("<Avx><codeType>GRC</codeType><geoLat>{lat}N</geoLat><geoLong>{lon}W</geoLong></Avx>")
        };
        let corners: String = corners.iter().map(corner).collect();
        format!(
            "<abdMergedArea><AbdUid><AseUid><codeId>{id}</codeId></AseUid></AbdUid>{corners}</abdMergedArea>"
        )
    }

    const CIRCLE: &str = "<aseShapes><AseUid><codeId>2</codeId></AseUid><Abd><Avx><codeType>CIR</codeType><geoLat>40.0N</geoLat><geoLong>100.0W</geoLong><valRadiusArc>5.0</valRadiusArc><uomRadiusArc>NM</uomRadiusArc></Avx></Abd></aseShapes>";
    const LIMITS: &str = "<codeDistVerUpper>ALT</codeDistVerUpper><valDistVerUpper>3000</valDistVerUpper><uomDistVerUpper>FT</uomDistVerUpper><codeDistVerLower>HEI</codeDistVerLower><valDistVerLower>0</valDistVerLower><uomDistVerLower>FT</uomDistVerLower>";

    #[test]
    fn areas_are_rings_or_circles_with_limits_and_a_time() {
        let areas = [
            area(1, LIMITS),
            area(2, ""),
            merged(1, &[(41.0, 119.0), (41.0, 118.9), (41.1, 118.9), (41.1, 119.0)]),
            CIRCLE.to_owned(),
        ];
        let (source, zones) =
            read_file("x.xml", NOTICE.replace("AREAS", &areas.concat()).as_bytes()).unwrap();
        assert_eq!((source.format, zones.len(), source.flaws.len()), ("FAA TFR", 2, 0));
        assert_eq!((zones[0].id.as_str(), zones[0].name.as_deref()), ("6/0001 (1)", Some("Area 1")));
        assert_eq!(zones[0].restriction.to_string(), "temporary flight restriction, 91.143");
        assert_eq!(zones[0].volumes[0].band.to_string(), "up to 914 m above sea");
        assert_eq!(source.issued, Timestamp::parse("2026-06-01T12:00:00Z"));
        let check = |lat: f64, lon: f64, time: &str| {
            let zones = Zones::new([(source.clone(), zones.clone())]);
            let place = Place { lat, lon, time: Timestamp::parse(time), height: None, accuracy_m: 1.0 };
            zones.check(&place).first().map(crate::zones::Verdict::answer)
        };
        // Five nautical miles are 0.0834 degrees of latitude.
        assert_eq!(check(40.083, -100.0, "2026-06-02T14:00:00Z"), Some(Answer::Inside));
        assert_eq!(check(40.084, -100.0, "2026-06-02T14:00:00Z"), None);
        assert_eq!(
            check(41.05, -118.95, "2026-06-02T20:00:00Z"),
            Some(Answer::Uncertain),
            "its height is not known"
        );
        assert_eq!(check(40.0, -100.0, "2026-06-03T06:00:00Z"), None, "it is over");
    }

    #[test]
    fn what_is_not_understood_is_told_and_makes_no_area_smaller() {
        let scheduled = area(2, "<ScheduleGroup><startTime>1400</startTime></ScheduleGroup>");
        let text = NOTICE.replace("AREAS", &(scheduled + CIRCLE));
        let (_, zones) = read_file("x.xml", text.as_bytes()).unwrap();
        assert!(zones[0].periods[0].may);
        let endless = text
            .replace("<dateExpire>2026-06-03T06:00:00</dateExpire>", "")
            .replace(">2026-06-02T14:00:00<", ">soon<");
        let (_, zones) = read_file("x.xml", endless.as_bytes()).unwrap();
        assert!(zones[0].degraded[0].contains("dateEffective"), "{:?}", zones[0].degraded);
        for limits in
            [LIMITS.replace("FT", "YD"), LIMITS.replace("<uomDistVerUpper>FT</uomDistVerUpper>", "")]
        {
            let unit = NOTICE.replace("AREAS", &(area(2, &limits) + CIRCLE));
            let always = unit.replace(">2026-06-02T14:00:00<", "><").replace(">2026-06-03T06:00:00<", "><");
            let (_, zones) = read_file("x.xml", always.as_bytes()).unwrap();
            assert!(
                zones[0].volumes[0].band.is_unlimited() && zones[0].degraded[0].contains("unit of a limit")
            );
            assert_eq!(answer(&zones, 40.0, -100.0), Some(Answer::Inside));
        }
        let unsaid = CIRCLE.replace("<uomRadiusArc>NM</uomRadiusArc>", "");
        let (_, zones) =
            read_file("x", NOTICE.replace("AREAS", &(area(2, "") + &unsaid)).as_bytes()).unwrap();
        assert!(zones[0].degraded[0].contains("nautical mile"), "{:?}", zones[0].degraded);
        for (drawn, why) in [
            (CIRCLE.replace("40.0N", "40.0"), "a corner has no degrees"),
            (CIRCLE.replace(">NM<", ">LY<"), "unit of a radius"),
            (CIRCLE.replace(">CIR<", ">CWA<"), "drawn with more than circles"),
            (String::new(), "neither a merged area nor circles"),
        ] {
            let error =
                read_file("x.xml", NOTICE.replace("AREAS", &(area(2, "") + &drawn)).as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
