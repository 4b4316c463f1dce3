//! PNG (W3C, third edition): chunks of text, of EXIF, and XMP in a text named for it.

use std::io;

use creance_cursor::{Source, inflate};
use creance_model::{DataClass, Dated, Hidden, Inspection, Timestamp};

use super::{exif, ifd, iptc, xmp};

/// Chunks of one picture that are read, and bytes of one that is read.
const MOST: usize = 100_000;
const LONGEST: u64 = 16 << 20;

/// The keyword of XMP (XMP specification part 3, 1.1.5).
const XMP: &str = "XML:com.adobe.xmp";

/// A chunk: its kind, and where it stands with its length, kind and checksum.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub(crate) kind: [u8; 4],
    pub(crate) at: u64,
    pub(crate) length: u64,
}

impl Chunk {
    /// Where it ends.
    pub(crate) const fn end(&self) -> u64 {
        self.at + 12 + self.length
    }
}

/// Where a walk ended too early, and why.
pub(crate) type Broken = (u64, String);

/// The chunks as far as they are whole, and where and why that ends before the last one.
pub(crate) fn chunks(source: &dyn Source) -> io::Result<(Vec<Chunk>, Option<Broken>)> {
    let (mut chunks, mut at) = (Vec::new(), 8_u64);
    loop {
        let head = source.piece(at, 8)?;
        let [a, b, c, d, kind @ ..] = head.as_slice() else {
            return Ok((chunks, Some((at, "the file ends before the last chunk (IEND)".to_owned()))));
        };
        let Ok(kind) = <[u8; 4]>::try_from(kind) else {
            return Ok((chunks, Some((at, "the file ends within the head of a chunk".to_owned()))));
        };
        let chunk = Chunk { kind, at, length: u32::from_be_bytes([*a, *b, *c, *d]).into() };
        at = chunk.end();
        if at > source.length() || chunks.len() >= MOST {
            return Ok((
                chunks,
                Some((chunk.at, format!("chunk ends at {at}, or is one of more than {MOST}"))),
            ));
        }
        chunks.push(chunk);
        if &kind == b"IEND" {
            return Ok((chunks, None));
        }
    }
}

/// What a PNG gives away.
pub(crate) fn inspect(source: &dyn Source) -> io::Result<Inspection> {
    let mut inspection = Inspection::of("png");
    let (chunks, flaw) = chunks(source)?;
    for chunk in &chunks {
        if !matches!(&chunk.kind, b"eXIf" | b"tEXt" | b"zTXt" | b"iTXt" | b"tIME") {
            continue;
        }
        let start = chunk.at + 8;
        if chunk.length > LONGEST {
            inspection.flaw(
                "chunk",
                chunk.at,
                &format!("{} bytes, at most {LONGEST} are read", chunk.length),
            );
            continue;
        }
        let content = source.piece(start, usize::try_from(chunk.length).unwrap_or(0))?;
        if &chunk.kind == b"eXIf" {
            match ifd::Tags::read(&content) {
                Some(tags) => exif::tell(&mut inspection, &tags, start),
                None => inspection.flaw("exif", start, "it has no TIFF header"),
            }
        } else if &chunk.kind == b"tIME" {
            if let Some(time) = changed(&content) {
                let (zone_known, field) = (true, "png:tIME".to_owned());
                inspection.times.push(Dated { what: "changed", time, zone_known, field });
            }
        } else if let Some((keyword, text)) = text(chunk.kind, &content) {
            written(&mut inspection, &keyword, &text, start);
        }
    }
    if let Some((at, why)) = flaw {
        inspection.flaw("chunks", at, &why);
    } else if let Some(end) = chunks.last().map(Chunk::end).filter(|end| *end < source.length()) {
        let (field, bytes) = ("behind IEND".to_owned(), source.length() - end);
        inspection.hidden.push(Hidden { what: "data behind the picture", field, bytes });
    }
    Ok(inspection)
}

/// When a picture was changed (PNG 11.3.5.1): year in two bytes, month, day, hour, minute, second, of UTC.
fn changed(content: &[u8]) -> Option<Timestamp> {
    let [high, low, month, day, hour, minute, second] = content else { return None };
    let year = u16::from_be_bytes([*high, *low]);
    Timestamp::parse(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// Keyword and text of a chunk of text; compressed ones are opened up to 16 MiB.
fn text(kind: [u8; 4], content: &[u8]) -> Option<(String, Vec<u8>)> {
    let end = content.iter().position(|byte| *byte == 0)?;
    let keyword = String::from_utf8_lossy(content.get(..end)?).into_owned();
    let rest = content.get(end + 1..)?;
    let opened = |bytes: &[u8]| {
        inflate::inflate(inflate::Method::Zlib, bytes, usize::try_from(LONGEST).unwrap_or(0)).bytes
    };
    let text = match &kind {
        b"tEXt" => rest.to_vec(),
        b"zTXt" => opened(rest.get(1..)?),
        _ => {
            // Whether it is compressed, how, its language, the keyword in that language.
            let ([compressed, _], rest) = rest.split_first_chunk()?;
            let mut rest = rest.splitn(3, |byte| *byte == 0).skip(2);
            let text = rest.next()?;
            if *compressed == 1 { opened(text) } else { text.to_vec() }
        }
    };
    Some((keyword, text))
}

fn written(inspection: &mut Inspection, keyword: &str, text: &[u8], at: u64) {
    if keyword == XMP {
        return packet(inspection, text, at);
    }
    let field = format!("png:{keyword}");
    let value = String::from_utf8_lossy(text);
    match keyword {
        "Author" => inspection.identify(DataClass::PersonName, None, &value, field),
        "Software" => inspection.device.software = Some(value.trim().to_owned()),
        "Source" => inspection.device.model = Some(value.trim().to_owned()),
        "Raw profile type exif" | "Raw profile type APP1" => {
            let block = profile(&value);
            let block = block.strip_prefix(b"Exif\0\0").unwrap_or(&block);
            if let Some(tags) = ifd::Tags::read(block) {
                exif::tell(inspection, &tags, at);
            }
        }
        "Raw profile type xmp" => packet(inspection, &profile(&value), at),
        "Raw profile type iptc" | "Raw profile type 8bim" => {
            let block = profile(&value);
            iptc::resources(inspection, &block);
            iptc::datasets(inspection, &block);
        }
        _ => inspection.say("text", value.trim(), field),
    }
}

/// A packet of XMP.
fn packet(inspection: &mut Inspection, packet: &[u8], at: u64) {
    let (properties, flaw) = xmp::properties(packet);
    xmp::tell(inspection, &properties);
    if let Some(why) = flaw {
        inspection.flaw("xmp", at, &why);
    }
}

/// A profile as `ImageMagick` writes it: a name, a length, and hexadecimal digits, each on lines of their own.
fn profile(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.lines().skip(3).flat_map(str::bytes).filter(u8::is_ascii_hexdigit).collect();
    let value =
        |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    digits.chunks_exact(2).filter_map(|two| Some(value(*two.first()?) << 4 | value(*two.last()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    /// A chunk; its checksum is not looked at.
    fn chunk(kind: &[u8], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[..], kind, content, &[0; 4]].concat()
    }

    #[test]
    fn profiles_in_digits_are_read_as_what_they_are_and_the_last_change_is_told() {
        let raw = |name: &str, content: &[u8]| {
            let mut text = format!("Raw profile type {name}\0\n{name}\n{:8}\n", content.len());
            for byte in content {
                write!(text, "{byte:02x}").unwrap();
            }
            chunk(b"tEXt", text.as_bytes())
        };
        let packet = br#"<x xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description exif:GPSLatitude="47,30.0N" exif:GPSLongitude="8,15.0W"/></x>"#;
        let png = [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            raw("xmp", packet),
            raw("iptc", b"8BIM\x04\x04\0\0\0\0\0\x10\x1c\x02\x50\0\x0bAda Example"),
            chunk(b"tIME", &[0x07, 0xea, 11, 28, 20, 0, 1]),
            chunk(b"IEND", b""),
        ]
        .concat();
        let told = inspect(&png.as_slice()).unwrap();
        assert_eq!((told.places[0].lat, told.places[0].lon), (47.5, -8.25));
        assert_eq!(told.identifiers[0].value, "Ada Example");
        assert_eq!(told.times[0].time, Timestamp::parse("2026-11-28T20:00:01Z").unwrap());
        assert!(told.facts.is_empty(), "digits are no text: {:?}", told.facts);
    }
}
