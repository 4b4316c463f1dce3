//! AIXM 5.1: airspace as aviation authorities exchange it. Of it: the airspace's name, type and volumes with their limits, drawn by
//! geodesics, straight segments, arcs and circles.
//!
//! Which of latitude and longitude stands first is that of the reference system (`srsName`) of the nearest element around that names one
//! (GML 3.2.1, 9.10 and 10.1.3.2); one other than EPSG:4326 and CRS84 is refused.
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
    find_patches(surface, Ok(Axes::Unsaid), &mut patches);
    if patches.is_empty() {
        out.push(Err("its horizontalProjection has no patch".to_owned()));
    }
    for (patch, axes) in patches {
        out.push(axes.and_then(|axes| read_patch(patch, axes, band, found, notes)));
    }
}

/// Which of latitude and longitude stands first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Axes {
    LatLon,
    LonLat,
    Unsaid,
}

impl Axes {
    /// Those within an element: of the reference system that it names, or those around it.
    fn within(self, node: &Node) -> Result<Self, String> {
        if let Some(dimension) = node.attribute("srsDimension").filter(|dimension| dimension.trim() != "2") {
            return Err(format!("places of `{}` dimensions are not read", shown(dimension)));
        }
        let Some(name) = node.attribute("srsName") else { return Ok(self) };
        let small = name.trim().to_ascii_lowercase();
        let is_of = |heads: &[&str], code: &str| {
            let mut rest = heads.iter().filter_map(|head| small.strip_prefix(head));
            rest.any(|rest| rest.rsplit([':', '/']).next() == Some(code))
        };
        if is_of(&EPSG, "4326") {
            Ok(Self::LatLon)
        } else if is_of(&OGC, "crs84") || small == "crs84" {
            Ok(Self::LonLat)
        } else {
            Err(format!(
                "its reference system is `{}`, expected EPSG:4326 or CRS84: convert the file",
                shown(name)
            ))
        }
    }
}

/// How the names of reference systems begin, in small letters.
const EPSG: [&str; 5] = [
    "urn:ogc:def:crs:epsg:",
    "urn:x-ogc:def:crs:epsg:",
    "http://www.opengis.net/def/crs/epsg/",
    "https://www.opengis.net/def/crs/epsg/",
    "epsg:",
];
const OGC: [&str; 5] = [
    "urn:ogc:def:crs:ogc:",
    "urn:x-ogc:def:crs:ogc:",
    "http://www.opengis.net/def/crs/ogc/",
    "https://www.opengis.net/def/crs/ogc/",
    "ogc:",
];

fn shown(text: &str) -> String {
    text.trim().chars().take(60).collect()
}

/// The patches of a surface, each with the axes around it.
fn find_patches<'a>(
    node: &'a Node,
    axes: Result<Axes, String>,
    out: &mut Vec<(&'a Node, Result<Axes, String>)>,
) {
    let axes = axes.and_then(|axes| axes.within(node));
    for child in &node.children {
        match child.name.as_str() {
            "PolygonPatch" | "Polygon" => out.push((child, axes.clone())),
            _ => find_patches(child, axes.clone(), out),
        }
    }
}

fn read_patch(
    patch: &Node,
    axes: Axes,
    band: Band,
    found: &mut Found,
    notes: &mut Vec<String>,
) -> Result<Volume, String> {
    let axes = axes.within(patch)?;
    let exterior = patch.child("exterior").ok_or("a patch has no exterior")?;
    let mut edge = Edge::default();
    edge.follow(exterior, axes)?;
    if let Some((centre, metres)) = edge.circle {
        if !edge.ring.is_empty() {
            return Err("its edge is a circle and more".to_owned());
        }
        if edge.is_unsaid {
            note(notes, AXES_UNSAID);
        }
        if patch.child("interior").is_some() {
            note(notes, "a hole of a circle is taken for filled");
        }
        return Shape::circle(centre, metres).map(|shape| Volume { shape, band }).map_err(str::to_owned);
    }
    let mut rings = vec![edge.ring];
    for side in patch.children.iter().filter(|side| side.name == "interior") {
        let mut hole = Edge::default();
        match hole.follow(side, axes) {
            Ok(()) => {
                if let Some((centre, metres)) = hole.circle {
                    arc(centre, (metres, 0.0), (metres, 360.0), false, &mut hole.ring);
                }
                rings.push(hole.ring);
            }
            Err(why) => note(notes, format!("{why}: a hole of it is taken for filled")),
        }
        edge.is_geodesic |= hole.is_geodesic;
        edge.is_unsaid |= hole.is_unsaid;
    }
    if edge.is_unsaid {
        note(notes, AXES_UNSAID);
    }
    let edges = if edge.is_geodesic { Edges::Geodesic } else { Edges::Straight };
    found.area(&rings, edges, band, notes)
}

const AXES_UNSAID: &str = "it names no reference system, and latitude is taken to stand first";

/// An edge around, as its segments draw it.
#[derive(Debug, Default)]
struct Edge {
    ring: Vec<Position>,
    /// A circle, which is whole by itself.
    circle: Option<(Position, f64)>,
    is_geodesic: bool,
    /// Whether a place has no reference system.
    is_unsaid: bool,
}

impl Edge {
    /// Adds the segments within an element.
    fn follow(&mut self, node: &Node, axes: Axes) -> Result<(), String> {
        let axes = axes.within(node)?;
        for child in &node.children {
            match child.name.as_str() {
                "GeodesicString" | "Geodesic" => {
                    self.is_geodesic = true;
                    self.places(child, axes)?;
                }
                "LineStringSegment" | "LinearRing" | "LineString" => self.places(child, axes)?,
                "CircleByCenterPoint" => {
                    let circle = self.centre(child, axes)?;
                    if self.circle.replace(circle).is_some() {
                        return Err("its edge is more than one circle".to_owned());
                    }
                }
                "ArcByCenterPoint" => {
                    let (centre, metres) = self.centre(child, axes)?;
                    let angle = |name: &str| {
                        child
                            .said(name)
                            .and_then(|text| text.parse::<f64>().ok())
                            .filter(|angle| angle.is_finite())
                    };
                    let (from, to) =
                        angle("startAngle").zip(angle("endAngle")).ok_or("an arc has no angles")?;
                    // An end below the start says that the arc turns back.
                    arc(centre, (metres, from), (metres, to), to < from, &mut self.ring);
                }
                "curveMember" if child.attribute("href").is_some() && child.children.is_empty() => {
                    return Err("a part of its edge is a border that is not in it".to_owned());
                }
                "OrientableCurve" if child.attribute("orientation") == Some("-") => {
                    return Err("a part of its edge runs backwards, which is not read".to_owned());
                }
                // Of a segment that is of none of these kinds.
                "pos" | "posList" | "pointProperty" | "pointRep" | "coordinates" => {
                    return Err(format!(
                        "a part of its edge is of a kind that is not read, `{}`",
                        shown(&node.name)
                    ));
                }
                _ => self.follow(child, axes)?,
            }
        }
        Ok(())
    }

    /// Adds the places of `posList` and `pos` within a segment, in order.
    fn places(&mut self, node: &Node, axes: Axes) -> Result<(), String> {
        let before = self.ring.len();
        self.is_unsaid |= positions(node, axes, &mut self.ring)?;
        if self.ring.len() == before { Err("a segment has no places".to_owned()) } else { Ok(()) }
    }

    fn centre(&mut self, node: &Node, axes: Axes) -> Result<(Position, f64), String> {
        let mut places = Vec::new();
        self.is_unsaid |= positions(node, axes, &mut places)?;
        let centre = places.first().copied().ok_or("an arc has no centre")?;
        let radius = node.child("radius").ok_or("an arc has no radius")?;
        let number = radius.text.trim().parse::<f64>().ok().filter(|number| (0.0..1e7).contains(number));
        let scale = match radius.attribute("uom").unwrap_or_default() {
            "[nmi_i]" | "NM" | "nmi" => 1852.0,
            "km" | "KM" => 1000.0,
            "[ft_i]" | "ft" | "FT" => FOOT,
            "m" | "M" => 1.0,
            "" => return Err("the unit of a radius is not said".to_owned()),
            _ => return Err("the unit of a radius is not known".to_owned()),
        };
        Ok((centre, number.ok_or("the radius of an arc is no number")? * scale))
    }
}

/// Adds the places within an element. Says whether one has no reference system.
fn positions(node: &Node, axes: Axes, places: &mut Vec<Position>) -> Result<bool, String> {
    let axes = axes.within(node)?;
    if matches!(node.name.as_str(), "pos" | "posList") {
        let mut numbers = node.text.split_whitespace().map(|number| number.parse::<f64>().ok());
        let mut count = 0;
        while let Some(first) = numbers.next() {
            let (Some(first), Some(second)) = (first, numbers.next().flatten()) else {
                return Err("a list of places has something that is no number, or one too many".to_owned());
            };
            count += 1;
            let place = if axes == Axes::LonLat { [first, second] } else { [second, first] };
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
        if node.name == "pos" && count != 1 {
            return Err("a `pos` is not one place".to_owned());
        }
        return Ok(axes == Axes::Unsaid);
    }
    if matches!(node.name.as_str(), "pointProperty" | "pointRep") && node.children.is_empty() {
        return Err("a corner of its edge is a point that is not in it".to_owned());
    }
    let mut is_unsaid = false;
    for child in &node.children {
        is_unsaid |= positions(child, axes, places)?;
    }
    Ok(is_unsaid)
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
        Some("FT") => (FOOT, false),
        None | Some("") if number != 0.0 => return Err("the unit of a limit of height is not said"),
        // Nothing is nothing in every unit.
        Some("M" | "") | None => (1.0, false),
        Some(_) => return Err("the unit of a limit of height is not known"),
    };
    let datum = match reference {
        _ if level => Datum::Pressure,
        Some("SFC") => Datum::Ground,
        Some("STD") => Datum::Pressure,
        Some("W84") => Datum::Ellipsoid,
        Some("MSL") => Datum::Sea,
        None => return Err("what a limit of height counts from is not said"),
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
        let limit = |text: &str, uom: &str, from: Option<&str>| {
            let mut told = Ok(None);
            xml::each(&format!("<a {uom}>{text}</a>"), "a", &mut |node| told = limit(Some(&node), from))
                .unwrap();
            told
        };
        let feet = |text: &str| limit(text, r#"uom="FT""#, Some("MSL"));
        for text in ["inf", "-inf", "NaN", "high"] {
            assert_eq!(feet(text), Err("a limit of height is no number"), "{text}");
        }
        assert_eq!(feet("100"), Ok(Some(Limit::new(100.0 * FOOT, Datum::Sea))));
        assert_eq!(limit("100", "", Some("MSL")), Err("the unit of a limit of height is not said"));
        assert_eq!(limit("0", "", Some("SFC")), Ok(Some(Limit::new(0.0, Datum::Ground))));
        assert_eq!(limit("100", r#"uom="FT""#, None), Err("what a limit of height counts from is not said"));
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

    /// The airspace of a square of which an element has these attributes; its places are written `longitude latitude`.
    fn square(element: &str, attributes: &str) -> String {
        let segment = r"<gml:Ring><gml:curveMember><gml:Curve><gml:segments><gml:GeodesicString>
            <gml:posList>8 47 8.1 47 8.1 47.1</gml:posList>
            <gml:pointProperty><aixm:Point><gml:pos>8 47.1</gml:pos></aixm:Point></gml:pointProperty>
            <gml:posList>8 47</gml:posList></gml:GeodesicString></gml:segments></gml:Curve></gml:curveMember></gml:Ring>";
        let text = airspace("X", segment).replace(r#" srsName="urn:ogc:def:crs:EPSG::4326""#, "");
        let text = ["gml", "aixm"].into_iter().fold(text, |text, space| {
            text.replace(&format!("<{space}:{element}>"), &format!("<{space}:{element} {attributes}>"))
        });
        format!("<AIXMBasicMessage>{text}</AIXMBasicMessage>")
    }

    #[test]
    fn the_order_of_axes_is_that_of_the_nearest_that_tells() {
        let circle = r#"<gml:CircleByCenterPoint><gml:pos srsName="urn:ogc:def:crs:OGC:1.3:CRS84">8 46</gml:pos><gml:radius uom="km">1</gml:radius></gml:CircleByCenterPoint>"#;
        let text = format!("<AIXMBasicMessage>{}</AIXMBasicMessage>", airspace("X", circle));
        let (_, zones) = read_file("x.xml", text.as_bytes()).unwrap();
        assert_eq!(answer(&zones, 46.0, 8.0), Some(Answer::Inside));
        for element in [
            "horizontalProjection",
            "Surface",
            "patches",
            "PolygonPatch",
            "exterior",
            "Ring",
            "curveMember",
            "Curve",
            "segments",
            "GeodesicString",
        ] {
            for name in [
                "urn:ogc:def:crs:OGC:1.3:CRS84",
                "urn:ogc:def:crs:OGC::CRS84",
                "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
                "CRS84",
            ] {
                let (_, zones) =
                    read_file("x", square(element, &format!(r#"srsName="{name}""#)).as_bytes()).unwrap();
                assert_eq!(answer(&zones, 47.05, 8.05), Some(Answer::Inside), "{element} {name}");
                assert!(zones[0].degraded.is_empty(), "{element} {name}: {:?}", zones[0].degraded);
            }
            for name in [
                "urn:ogc:def:crs:EPSG::4326",
                "urn:ogc:def:crs:EPSG:9.8:4326",
                "https://www.opengis.net/def/crs/EPSG/0/4326",
                "EPSG:4326",
            ] {
                let (_, zones) =
                    read_file("x", square(element, &format!(r#"srsName="{name}""#)).as_bytes()).unwrap();
                assert_eq!(answer(&zones, 8.05, 47.05), Some(Answer::Inside), "{element} {name}");
            }
            for name in [
                "urn:ogc:def:crs:EPSG::2056",
                "EPSG:14326",
                "urn:ogc:def:crs:EPSG::4979",
                "http://www.opengis.net/gml/srs/epsg.xml#4326",
                "",
            ] {
                let why =
                    read_file("x", square(element, &format!(r#"srsName="{name}""#)).as_bytes()).unwrap_err();
                assert!(why.contains(&format!("`{name}`, expected EPSG:4326")), "{element}: {why}");
            }
        }
        let (_, zones) = read_file("x", square("Surface", "").as_bytes()).unwrap();
        assert_eq!(zones[0].degraded, [AXES_UNSAID]);
        let why = read_file("x", square("posList", r#"srsDimension="3""#).as_bytes()).unwrap_err();
        assert!(why.contains("`3` dimensions"), "{why}");
    }

    #[test]
    fn an_edge_that_is_not_all_read_is_no_edge() {
        let place = "<gml:pos>47 8</gml:pos>";
        let ring = |segment: &str| {
            format!(
                "<gml:Ring><gml:curveMember><gml:Curve><gml:segments><gml:LineStringSegment><gml:posList>47 8 47 8.1 47.1 8.1</gml:posList></gml:LineStringSegment>{segment}</gml:segments></gml:Curve></gml:curveMember></gml:Ring>"
            )
        };
        for (segment, why) in [
            (format!("<gml:ArcString>{place}{place}{place}</gml:ArcString>"), "not read, `ArcString`"),
            (r##"<gml:GeodesicString><gml:pos>47 8</gml:pos><gml:pointProperty xlink:href="#x"/></gml:GeodesicString>"##.to_owned(), "a point that is not in it"),
            ("<gml:GeodesicString><gml:pos>47 8 500</gml:pos></gml:GeodesicString>".to_owned(), "one too many"),
            ("<gml:GeodesicString/>".to_owned(), "no places"),
            (
                format!("<gml:CircleByCenterPoint>{place}<gml:radius>5</gml:radius></gml:CircleByCenterPoint>"),
                "unit of a radius is not said",
            ),
            (format!(r#"<gml:OrientableCurve orientation="-"><gml:LineString>{place}</gml:LineString></gml:OrientableCurve>"#), "backwards"),
        ] {
            let text = format!("<AIXMBasicMessage>{}</AIXMBasicMessage>", airspace("X", &ring(&segment)));
            let told = read_file("x", text.as_bytes()).unwrap_err();
            assert!(told.contains(why), "{segment}: {told}");
        }
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
