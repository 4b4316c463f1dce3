//! AIXM 5.1: airspace as aviation authorities exchange it. Of it: the airspace's name, type and volumes with their limits, drawn by
//! geodesics, straight segments, arcs and circles.
//!
//! Volumes that refer to others (`contributorAirspace`) and borders (`xlink:href`) cannot be placed and are told as flaws; one that is
//! to be taken away from others is not. When it is active stands in `timesheet`.

use super::{
    Band, Datum, Edges, Limit, Moment, Position, Restriction, Shape, Volume, Zone,
    heights::FOOT,
    openair::{arc, class},
    read::{Content, Found, Volumes, note},
    timesheet,
    xml::{self, Node},
};

pub(super) fn is(content: &Content<'_>) -> bool {
    matches!(content, Content::Xml(text) if xml::begins_with(text, "AIXMBasicMessage") || xml::begins_with(text, "Airspace"))
}

pub(super) fn read(content: &Content<'_>, found: &mut Found) -> Result<(), String> {
    let Content::Xml(text) = content else { return Ok(()) };
    let read = xml::each(text, "Airspace", &mut |airspace| {
        let mut slices = Vec::new();
        airspace.all("AirspaceTimeSlice", &mut slices);
        // The last correction of the baseline is the one that counts.
        let baseline = |slice: &&&Node| {
            slice.said("interpretation").is_none_or(|what| matches!(what, "BASELINE" | "SNAPSHOT"))
        };
        let Some(slice) = slices.iter().rfind(baseline).or(slices.last()) else { return };
        let name = slice.said("name").or(slice.said("designator"));
        let mut zone = Zone {
            id: slice.said("designator").or(name).unwrap_or_default().to_owned(),
            name: name.map(str::to_owned),
            restriction: slice.said("type").map_or(Restriction::Unsaid, class),
            updated: slice
                .child("validTime")
                .and_then(|time| Moment::parse(time.first("beginPosition")?.text.trim()))
                .map(|moment| moment.time),
            ..Zone::default()
        };
        zone.periods = timesheet::periods(slice, &slices);
        found.issued = found.issued.max(zone.updated);
        let mut parts = Vec::new();
        slice.all("AirspaceGeometryComponent", &mut parts);
        let mut volumes = Volumes::default();
        for part in parts {
            if part.said("operation").is_some_and(|operation| operation == "SUBTR") {
                note(&mut zone.degraded, "a part that is to be taken away from it is not".to_owned());
                continue;
            }
            match part.first("AirspaceVolume") {
                Some(volume) => read_volume(volume, found, &mut zone.degraded, &mut volumes),
                None => volumes.push(Err("it has no volume of its own".to_owned())),
            }
        }
        if volumes.is_empty() {
            volumes.push(Err("it has no volume".to_owned()));
        }
        found.add(zone, volumes);
    });
    match read {
        Err(why) if !found.zones.is_empty() => found.flaw(&why),
        other => other?,
    }
    Ok(())
}

fn read_volume(volume: &Node, found: &mut Found, notes: &mut Vec<String>, out: &mut Volumes) {
    let mut side = |value: &str, reference: &str| {
        limit(volume.child(value), volume.said(reference)).unwrap_or_else(|why| {
            note(notes, why.to_owned());
            None
        })
    };
    let band =
        Band::new(side("lowerLimit", "lowerLimitReference"), side("upperLimit", "upperLimitReference"));
    let band = band.unwrap_or_else(|why| {
        note(notes, why.to_owned());
        Band::default()
    });
    let Some(surface) = volume.child("horizontalProjection") else {
        out.push(Err("its volume has no horizontalProjection".to_owned()));
        return;
    };
    let mut patches = Vec::new();
    surface.all("PolygonPatch", &mut patches);
    surface.all("Polygon", &mut patches);
    if patches.is_empty() {
        out.push(Err("its horizontalProjection has no patch".to_owned()));
    }
    let swapped = is_swapped(surface.first("Surface").unwrap_or(surface)).unwrap_or(true);
    for patch in patches {
        out.push(read_patch(patch, swapped, band, found, notes));
    }
}

/// Whether latitude stands first, if an element says so. `EPSG:4326` means it.
fn is_swapped(node: &Node) -> Option<bool> {
    node.attribute("srsName").map(|name| !name.contains("CRS84"))
}

fn read_patch(
    patch: &Node,
    swapped: bool,
    band: Band,
    found: &mut Found,
    notes: &mut Vec<String>,
) -> Result<Volume, String> {
    let exterior = patch.child("exterior").ok_or("a patch has no exterior")?;
    if let Some(circle) = exterior.first("CircleByCenterPoint") {
        let (centre, metres) = centre(circle, swapped)?;
        return Shape::circle(centre, metres).map(|shape| Volume { shape, band }).map_err(str::to_owned);
    }
    let (mut rings, mut edges) = (Vec::new(), Edges::Straight);
    for side in patch.children.iter().filter(|side| matches!(side.name.as_str(), "exterior" | "interior")) {
        let mut ring = Vec::new();
        segments(side, swapped, &mut ring, &mut edges)?;
        rings.push(ring);
    }
    found.area(&rings, edges, band, notes)
}

fn segments(node: &Node, swapped: bool, ring: &mut Vec<Position>, edges: &mut Edges) -> Result<(), String> {
    for child in &node.children {
        match child.name.as_str() {
            "GeodesicString" | "Geodesic" => {
                *edges = Edges::Geodesic;
                positions(child, swapped, ring)?;
            }
            "LineStringSegment" | "LinearRing" | "LineString" => positions(child, swapped, ring)?,
            "ArcByCenterPoint" => {
                let (centre, metres) = centre(child, swapped)?;
                let angle = |name: &str| {
                    child
                        .said(name)
                        .and_then(|text| text.parse::<f64>().ok())
                        .filter(|angle| angle.is_finite())
                };
                let (from, to) = angle("startAngle").zip(angle("endAngle")).ok_or("an arc has no angles")?;
                // An end below the start says that the arc turns back.
                arc(centre, (metres, from), (metres, to), to < from, ring);
            }
            "curveMember" if child.attribute("href").is_some() && child.children.is_empty() => {
                return Err("a part of its edge is a border that is not in it".to_owned());
            }
            _ => segments(child, swapped, ring, edges)?,
        }
    }
    Ok(())
}

/// The places of `posList` and `pos`.
fn positions(node: &Node, swapped: bool, ring: &mut Vec<Position>) -> Result<(), String> {
    let mut lists = Vec::new();
    node.all("posList", &mut lists);
    node.all("pos", &mut lists);
    if lists.is_empty() {
        return Err("a segment has no places".to_owned());
    }
    let swapped = is_swapped(node).unwrap_or(swapped);
    for list in lists {
        let swapped = is_swapped(list).unwrap_or(swapped);
        let mut numbers = list.text.split_whitespace().map(|number| number.parse::<f64>().ok());
        while let Some(first) = numbers.next() {
            let (Some(first), Some(second)) = (first, numbers.next().flatten()) else {
                return Err("a list of places has something that is no number".to_owned());
            };
            let place = if swapped { [second, first] } else { [first, second] };
            if ring.last() != Some(&place) {
                ring.push(place);
            }
        }
    }
    Ok(())
}

fn centre(node: &Node, swapped: bool) -> Result<(Position, f64), String> {
    let mut places = Vec::new();
    positions(node, swapped, &mut places)?;
    let centre = places.first().copied().ok_or("an arc has no centre")?;
    let radius = node.child("radius").ok_or("an arc has no radius")?;
    let number = radius.text.trim().parse::<f64>().ok().filter(|number| (0.0..1e7).contains(number));
    let scale = match radius.attribute("uom").unwrap_or("m") {
        "[nmi_i]" | "NM" | "nmi" => 1852.0,
        "km" | "KM" => 1000.0,
        "[ft_i]" | "ft" | "FT" => FOOT,
        "m" | "M" => 1.0,
        _ => return Err("the unit of a radius is not known".to_owned()),
    };
    Ok((centre, number.ok_or("the radius of an arc is no number")? * scale))
}

fn limit(value: Option<&Node>, reference: Option<&str>) -> Result<Option<Limit>, &'static str> {
    let Some(node) = value.filter(|node| !node.text.trim().is_empty()) else { return Ok(None) };
    let text = node.text.trim();
    match text {
        "UNL" | "CEILING" => return Ok(None),
        "GND" | "SFC" | "FLOOR" => return Ok(Some(Limit::new(0.0, Datum::Ground))),
        _ => {}
    }
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    let number = number.ok_or("a limit of height is no number")?;
    let (scale, level) = match node.attribute("uom") {
        Some("FL") => (100.0 * FOOT, true),
        Some("SM") => (10.0, true),
        Some("M") => (1.0, false),
        Some("FT") | None => (FOOT, false),
        Some(_) => return Err("the unit of a limit of height is not known"),
    };
    let datum = match reference {
        _ if level => Datum::Pressure,
        Some("SFC") => Datum::Ground,
        Some("STD") => Datum::Pressure,
        Some("W84") => Datum::Ellipsoid,
        Some("MSL") | None => Datum::Sea,
        Some(_) => return Err("what a limit of height counts from is not known"),
    };
    Ok(Some(Limit::new(number * scale, datum)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zones::{Answer, read as read_file, testing::answer};

    fn airspace(name: &str, patch: &str) -> String {
        format!(
            r#"<message:hasMember><aixm:Airspace><aixm:timeSlice><aixm:AirspaceTimeSlice><gml:validTime><gml:TimePeriod><gml:beginPosition>2026-02-03T00:00:00Z</gml:beginPosition></gml:TimePeriod></gml:validTime>
            <aixm:interpretation>BASELINE</aixm:interpretation><aixm:type>P</aixm:type><aixm:designator>{name}</aixm:designator><aixm:geometryComponent><aixm:AirspaceGeometryComponent><aixm:theAirspaceVolume>
            <aixm:AirspaceVolume><aixm:upperLimit uom="FL">UNL</aixm:upperLimit><aixm:lowerLimit uom="FT">GND</aixm:lowerLimit><aixm:horizontalProjection><aixm:Surface srsName="urn:ogc:def:crs:EPSG::4326"><gml:patches>
            <gml:PolygonPatch><gml:exterior>{patch}</gml:exterior></gml:PolygonPatch></gml:patches></aixm:Surface></aixm:horizontalProjection></aixm:AirspaceVolume>
            </aixm:theAirspaceVolume></aixm:AirspaceGeometryComponent></aixm:geometryComponent></aixm:AirspaceTimeSlice></aixm:timeSlice></aixm:Airspace></message:hasMember>"#
        )
    }

    #[test]
    fn a_limit_that_is_no_number_is_none_and_angles_all_around_are_a_circle() {
        let limit = |text: &str| {
            let mut told = Ok(None);
            xml::each(&format!("<a>{text}</a>"), "a", &mut |node| told = limit(Some(&node), None)).unwrap();
            told
        };
        for text in ["inf", "-inf", "NaN", "high"] {
            assert_eq!(limit(text), Err("a limit of height is no number"), "{text}");
        }
        assert_eq!(limit("100"), Ok(Some(Limit::new(100.0 * FOOT, Datum::Sea))));
        let mut ring = Vec::new();
        arc([8.0, 47.0], (1000.0, 0.0), (1000.0, 360.0), false, &mut ring);
        let south = ring.iter().map(|place| place[1]).fold(90.0, f64::min);
        assert!((south - 46.991).abs() < 1e-4, "{south}");
    }

    #[test]
    fn an_activation_says_when() {
        let circle = r#"<gml:CircleByCenterPoint><gml:pos>46 8</gml:pos><gml:radius uom="km">1</gml:radius></gml:CircleByCenterPoint>"#;
        let activation = "<aixm:activation><aixm:AirspaceActivation><aixm:timeInterval><aixm:Timesheet><aixm:timeReference>UTC</aixm:timeReference><aixm:day>MON</aixm:day><aixm:startTime>08:00</aixm:startTime><aixm:endTime>17:00</aixm:endTime></aixm:Timesheet></aixm:timeInterval><aixm:status>ACTIVE</aixm:status></aixm:AirspaceActivation></aixm:activation><aixm:type>";
        let text = format!(
            "<AIXMBasicMessage>{}</AIXMBasicMessage>",
            airspace("X", circle).replace("<aixm:type>", activation)
        );
        let (_, zones) = read_file("x.xml", text.as_bytes()).unwrap();
        assert_eq!((zones[0].periods.len(), zones[0].periods[0].hours[0].days), (1, 1));
        assert_eq!(answer(&zones, 46.0, 8.0), Some(Answer::Uncertain), "when is not known");
    }

    #[test]
    fn the_order_of_axes_is_that_of_the_nearest_that_tells() {
        let circle = r#"<gml:CircleByCenterPoint><gml:pos srsName="urn:ogc:def:crs:OGC:1.3:CRS84">8 46</gml:pos><gml:radius uom="km">1</gml:radius></gml:CircleByCenterPoint>"#;
        let text = format!("<AIXMBasicMessage>{}</AIXMBasicMessage>", airspace("X", circle));
        let (_, zones) = read_file("x.xml", text.as_bytes()).unwrap();
        assert_eq!(answer(&zones, 46.0, 8.0), Some(Answer::Inside));
    }

    #[test]
    fn rings_arcs_and_circles() {
        let curve = |segment: &str| {
            format!(
                "<gml:Ring><gml:curveMember><gml:Curve><gml:segments>{segment}</gml:segments></gml:Curve></gml:curveMember></gml:Ring>"
            )
        };
        let members = [
            airspace(
                "LINE",
                &curve(
                    "<gml:GeodesicString><gml:posList>47 8 47 8.1 47.1 8.1 47.1 8 47 8</gml:posList></gml:GeodesicString>",
                ),
            ),
            airspace(
                "CIRCLE",
                &curve(
                    r#"<gml:CircleByCenterPoint><gml:pointProperty><aixm:Point><gml:pos>46 8</gml:pos></aixm:Point></gml:pointProperty><gml:radius uom="[nmi_i]">1</gml:radius></gml:CircleByCenterPoint>"#,
                ),
            ),
            airspace(
                "ARC",
                &curve(
                    r#"<gml:ArcByCenterPoint><gml:pos>45 8</gml:pos><gml:radius uom="km">10</gml:radius><gml:startAngle uom="deg">0</gml:startAngle><gml:endAngle uom="deg">180</gml:endAngle></gml:ArcByCenterPoint>"#,
                ),
            ),
            airspace("BORDER", r##"<gml:Ring><gml:curveMember xlink:href="#x"/></gml:Ring>"##),
        ];
        let text = format!(
            r#"<?xml version="1.0"?><message:AIXMBasicMessage xmlns:message="m" xmlns:aixm="a" xmlns:gml="g" xmlns:xlink="x">{}</message:AIXMBasicMessage>"#,
            members.concat()
        );
        let (source, zones) = read_file("x.xml", text.as_bytes()).unwrap();
        assert_eq!((source.format, zones.len(), source.flaws.len()), ("AIXM", 3, 1));
        assert!(source.flaws[0].contains("`BORDER`: a part of its edge is a border"), "{:?}", source.flaws);
        assert_eq!(zones[0].restriction, Restriction::Prohibited);
        for (lat, lon, expected) in [
            (47.05, 8.05, Some(Answer::Inside)),
            (46.0166, 8.0, Some(Answer::Inside)),
            (46.0168, 8.0, None),
            (45.0, 8.1, Some(Answer::Inside)),
            (45.0, 7.99, None),
        ] {
            assert_eq!(answer(&zones, lat, lon), expected, "{lat} {lon}");
        }
    }
}
