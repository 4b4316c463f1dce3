//! Places of a case as KML 2.2 (OGC 07-147r2), for globes and maps.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use creance_model::Report;
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

use crate::{
    Options, Output,
    places::{Feature, features, is_closed},
    reviews::reviews,
    words::{shown, shown_whole},
};

/// A document of placemarks.
pub(crate) struct Kml;

impl Output for Kml {
    fn name(&self) -> &'static str {
        "kml"
    }

    fn extension(&self) -> &'static str {
        "kml"
    }

    fn write(&self, report: &Report, _: &Options, out: &mut dyn Write) -> io::Result<()> {
        document(report, &mut Writer::new_with_indent(&mut *out, b' ', 1))?;
        out.write_all(b"\n")
    }
}

fn document(report: &Report, xml: &mut To<'_>) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = xml.create_element("kml").with_attribute(("xmlns", "http://www.opengis.net/kml/2.2"));
    root.write_inner_content(|xml| {
        xml.create_element("Document").write_inner_content(|xml| {
            let says = if report.revealed {
                "Places are shown in full."
            } else {
                "Values are masked: places are not shown."
            };
            text(xml, "name", &format!("Case {}", report.case.id))?;
            let told: Vec<String> =
                [format!("{}. {says}", report.banner().label())].into_iter().chain(reviews(report)).collect();
            whole(xml, "description", &told.join(" "))?;
            features(report).iter().try_for_each(|feature| placemark(xml, feature))
        })?;
        Ok(())
    })?;
    Ok(())
}

type To<'a> = Writer<&'a mut dyn Write>;

fn text(xml: &mut To<'_>, name: &str, says: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(&shown(says)))?;
    Ok(())
}

/// Sentences, which are not cut as names are.
fn whole(xml: &mut To<'_>, name: &str, says: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(&shown_whole(says)))?;
    Ok(())
}

fn placemark(xml: &mut To<'_>, feature: &Feature) -> io::Result<()> {
    xml.create_element("Placemark").write_inner_content(|xml| {
        text(xml, "name", &feature.name)?;
        text(xml, "description", &format!("{}: {} ({})", feature.kind, feature.says, feature.tlp.label()))?;
        match feature.lines.as_slice() {
            [line] => geometry(xml, line),
            lines => {
                xml.create_element("MultiGeometry")
                    .write_inner_content(|xml| lines.iter().try_for_each(|line| geometry(xml, line)))?;
                Ok(())
            }
        }
    })?;
    Ok(())
}

fn geometry(xml: &mut To<'_>, line: &[(f64, f64)]) -> io::Result<()> {
    let mut coordinates = String::new();
    for (lat, lon) in line {
        let _ = write!(coordinates, "{lon},{lat} ");
    }
    let coordinates = coordinates.trim_end().to_owned();
    if line.len() == 1 {
        xml.create_element("Point").write_inner_content(|xml| text_of(xml, &coordinates))?;
    } else if is_closed(line) {
        xml.create_element("Polygon").write_inner_content(|xml| {
            xml.create_element("outerBoundaryIs").write_inner_content(|xml| {
                xml.create_element("LinearRing").write_inner_content(|xml| text_of(xml, &coordinates))?;
                Ok(())
            })?;
            Ok(())
        })?;
    } else {
        xml.create_element("LineString").write_inner_content(|xml| text_of(xml, &coordinates))?;
    }
    Ok(())
}

/// Numbers, which are not cut as words are.
fn text_of(xml: &mut To<'_>, coordinates: &str) -> io::Result<()> {
    xml.create_element("coordinates").write_text_content(BytesText::new(coordinates))?;
    Ok(())
}
