//! Serial numbers and owners in the notes that makers of cameras write into EXIF. Each maker has a layout of its own, of which
//! nothing is published; the layouts and tags here are as `ExifTool` documents them (its tag names in `FIELDS`).
//!
//! ```text
//! Canon            directory, offsets from the beginning of the EXIF block
//! Nikon            "Nikon\0" version u16 0 u16 · a TIFF block of its own
//! Olympus, OM      "OLYMP\0" version u16 · directory, offsets from the EXIF block
//!                  "OLYMPUS\0" or "OM SYSTEM\0\0\0" order u16 version u16 · directory, offsets from the note
//! Panasonic        "Panasonic\0\0\0" · directory, offsets from the EXIF block
//! Pentax           "AOC\0" order u16 · directory, offsets from the EXIF block
//!                  "PENTAX \0" order u16 · directory, offsets from the note
//! Ricoh            "RICOH\0" order u16 · directory of Pentax, offsets from the note
//!                  "Ricoh" and three more · directory, offsets from the EXIF block
//! Fujifilm         "FUJIFILM" offset u32 · directory there, offsets from the note
//! Sigma            "SIGMA\0\0\0" or "FOVEON\0\0" version u16 · directory, offsets from the EXIF block
//! Sony             "SONY DSC \0\0\0" · directory, offsets from the EXIF block
//! Phase One        order, eight letters · u32 where its own kind of directory stands, in which all numbers have 32 bits
//! ```

use creance_model::{Component, DataClass, Inspection};

use super::ifd::{Directory, Entry, Tags};

/// Where a note's directory stands and its offsets count from.
struct Layout<'a> {
    maker: &'static str,
    tags: Tags<'a>,
}

/// Tags that say who or what it was: maker, tag, class, of what, name.
const FIELDS: &[(&str, u16, DataClass, Component, &str)] = &[
    ("Canon", 0x09, DataClass::PersonName, Component::Camera, "OwnerName"),
    ("Canon", 0x0c, DataClass::Serial, Component::Camera, "SerialNumber"),
    ("Canon", 0x96, DataClass::Serial, Component::Camera, "InternalSerialNumber"),
    ("Nikon", 0x1d, DataClass::Serial, Component::Camera, "SerialNumber"),
    ("Nikon", 0xa0, DataClass::Serial, Component::Camera, "SerialNumber"),
    ("Olympus", 0x0404, DataClass::Serial, Component::Camera, "SerialNumber"),
    ("Olympus", 0x0101, DataClass::Serial, Component::Camera, "SerialNumber"),
    ("Olympus", 0x0102, DataClass::Serial, Component::Camera, "InternalSerialNumber"),
    ("Olympus", 0x0202, DataClass::Serial, Component::Lens, "LensSerialNumber"),
    ("Panasonic", 0x25, DataClass::Serial, Component::Camera, "InternalSerialNumber"),
    ("Panasonic", 0x52, DataClass::Serial, Component::Lens, "LensSerialNumber"),
    ("Pentax", 0x0229, DataClass::Serial, Component::Camera, "SerialNumber"),
    ("Ricoh", 0x05, DataClass::Serial, Component::Camera, "SerialNumber"),
    ("Sigma", 0x02, DataClass::Serial, Component::Camera, "SerialNumber"),
    ("Fujifilm", 0x10, DataClass::Serial, Component::Camera, "InternalSerialNumber"),
    ("Sony", 0x2031, DataClass::Serial, Component::Camera, "SerialNumber"),
];

/// Olympus keeps what the camera is made of in a directory of its own.
const EQUIPMENT: u16 = 0x2010;

/// Adds what the note in `entry` of an EXIF block says of who and what it was.
pub(super) fn tell(inspection: &mut Inspection, exif: &Tags<'_>, entry: &Entry) {
    if let Some(number) = phase_one(exif.bytes_of(entry)) {
        let field = "makernote:Phase One:SerialNumber";
        inspection.identify(DataClass::Serial, Some(Component::Camera), &number, field);
        return;
    }
    let Some(mut note) = layout(exif, entry, inspection.device.make.as_deref().unwrap_or_default()) else {
        return;
    };
    if note.maker == "Olympus"
        && let Some(equipment) = note.tags.get(Directory::Main, EQUIPMENT).cloned()
    {
        // A directory in place, or where it stands.
        let offset = note.tags.numbers(&equipment).first().copied();
        let at = if equipment.kind() == 7 {
            Some(equipment.value.start)
        } else {
            offset.and_then(|at| usize::try_from(at).ok())
        };
        note.tags.follow(at.unwrap_or(usize::MAX));
    }
    for found in &note.tags.entries {
        let Some((maker, _, class, of, name)) =
            FIELDS.iter().find(|(maker, tag, ..)| *maker == note.maker && *tag == found.tag)
        else {
            continue;
        };
        let text = if found.kind() == 4 {
            note.tags.numbers(found).first().map(u64::to_string).unwrap_or_default()
        } else {
            let text = note.tags.text(found);
            text.strip_prefix("NO=").map_or(text.clone(), |rest| rest.trim().to_owned())
        };
        // Bytes that are no letters are no number that anybody would read.
        if text.chars().all(|c| !c.is_control() && c != char::REPLACEMENT_CHARACTER) {
            let of = (*class == DataClass::Serial).then_some(*of);
            inspection.identify(*class, of, &text, format!("makernote:{maker}:{name}"));
        }
    }
}

/// The directory of a note, by its first bytes, or by the make where it has no words of its own.
fn layout<'a>(exif: &Tags<'a>, entry: &Entry, make: &str) -> Option<Layout<'a>> {
    let (start, note) = (entry.value.start, exif.bytes_of(entry));
    let little_at = |at: usize| note.get(at..at + 2).map(|order| order == b"II");
    // Offsets from the EXIF block, or from the note.
    let outer =
        |maker, skip: usize, little| Some(Layout { maker, tags: Tags::at(exif.bytes, little, start + skip) });
    let inner = |maker, skip: usize, little| Some(Layout { maker, tags: Tags::at(note, little, skip) });
    match note {
        [b'N', b'i', b'k', b'o', b'n', 0, 2, _, _, _, rest @ ..] => {
            Some(Layout { maker: "Nikon", tags: Tags::read(rest)? })
        }
        _ if note.starts_with(b"OLYMPUS\0") => inner("Olympus", 12, little_at(8)?),
        _ if note.starts_with(b"OM SYSTEM\0\0\0") => inner("Olympus", 16, little_at(12)?),
        _ if note.starts_with(b"OLYMP\0") => outer("Olympus", 8, exif.little),
        _ if note.starts_with(b"Panasonic\0\0\0") => outer("Panasonic", 12, exif.little),
        _ if note.starts_with(b"AOC\0") => outer("Pentax", 6, little_at(4)?),
        _ if note.starts_with(b"PENTAX \0") => inner("Pentax", 10, little_at(8)?),
        _ if note.starts_with(b"RICOH\0II") || note.starts_with(b"RICOH\0MM") => {
            inner("Pentax", 8, little_at(6)?)
        }
        _ if note.get(..5).is_some_and(|name| name.eq_ignore_ascii_case(b"ricoh")) => {
            outer("Ricoh", 8, exif.little)
        }
        _ if note.starts_with(b"SIGMA\0\0\0") || note.starts_with(b"FOVEON\0\0") => {
            outer("Sigma", 10, exif.little)
        }
        _ if note.starts_with(b"FUJIFILM") => {
            let at = u32::from_le_bytes(*note.get(8..)?.first_chunk()?);
            inner("Fujifilm", usize::try_from(at).ok()?, true)
        }
        _ if note.starts_with(b"SONY DSC \0\0\0") => outer("Sony", 12, exif.little),
        _ if make == "Canon" => outer("Canon", 0, exif.little),
        _ => None,
    }
}

/// The serial number in a note of Phase One, whose directory is of its own kind: how many entries there are, four bytes, and for
/// each its tag, its type, its length in bytes, and its value, or where that stands in the note if it is longer than four.
fn phase_one(note: &[u8]) -> Option<String> {
    const SERIAL: u32 = 0x0102;
    const MOST: u32 = 300;
    let little = match note.first_chunk::<12>()? {
        [b'I', b'I', b'I', b'I', _, b'w', b'a', b'R', ..] => true,
        [b'M', b'M', b'M', b'M', b'R', b'a', b'w', ..] => false,
        _ => return None,
    };
    let number = |at: usize| {
        let four = *note.get(at..)?.first_chunk()?;
        Some(if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
    };
    let at = usize::try_from(number(8)?).ok()?;
    let entries = (0..number(at)?.min(MOST) as usize).map(|index| at + 8 + index * 16);
    let mut of_tag = entries.filter(|entry| number(*entry) == Some(SERIAL));
    let entry = of_tag.next()?;
    let length = usize::try_from(number(entry + 8)?).ok()?;
    let from = if length > 4 { usize::try_from(number(entry + 12)?).ok()? } else { entry + 12 };
    let text = note.get(from..from.checked_add(length)?)?.split(|byte| *byte == 0).next()?;
    let text = std::str::from_utf8(text).ok()?;
    (!text.chars().any(char::is_control)).then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An entry of text, and one of a whole number.
    fn entry(tag: u16, kind: u16, count: u32, value: u32) -> Vec<u8> {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    }

    /// An EXIF block whose note begins at 26, and what it says.
    fn told(make: &str, note: &[u8]) -> Vec<(String, String)> {
        let length = u32::try_from(note.len()).unwrap();
        let mut block = b"II*\0\x08\0\0\0\x01\0".to_vec();
        block.extend(entry(0x927c, 7, length, 26));
        block.extend([0; 4]);
        block.extend(note);
        let tags = Tags::read(&block).unwrap();
        let mut inspection = Inspection::of("jpeg");
        inspection.device.make = Some(make.to_owned());
        tell(&mut inspection, &tags, tags.get(Directory::Main, 0x927c).unwrap());
        inspection.identifiers.into_iter().map(|one| (one.field, one.value)).collect()
    }

    #[test]
    fn numbers_and_names_are_found_where_each_maker_keeps_them() {
        let canon = [
            &[2, 0][..],
            &entry(0x09, 2, 12, 26 + 30),
            &entry(0x0c, 4, 1, 42_000_117),
            &[0; 4],
            b"Ada Example\0",
        ]
        .concat();
        let wanted = [("OwnerName", "Ada Example"), ("SerialNumber", "42000117")];
        let field = |(name, value): (&str, &str)| (format!("makernote:Canon:{name}"), value.to_owned());
        assert_eq!(told("Canon", &canon), wanted.map(field));
        assert_eq!(told("Kestrel", &canon), []);

        let block = [&b"II*\0\x08\0\0\0\x01\0"[..], &entry(0x1d, 2, 8, 26), &[0; 4], b"7000123\0"].concat();
        let nikon = [&b"Nikon\0\x02\x10\0\0"[..], &block].concat();
        assert_eq!(
            told("NIKON", &nikon),
            [("makernote:Nikon:SerialNumber".to_owned(), "7000123".to_owned())]
        );

        let ricoh = [&b"RICOH\0II\x01\0"[..], &entry(0x0229, 2, 8, 26), &[0; 4], b"7000124\0"].concat();
        assert_eq!(
            told("RICOH", &ricoh),
            [("makernote:Pentax:SerialNumber".to_owned(), "7000124".to_owned())]
        );
        let ricoh =
            [&b"Ricoh\0\0\0\x01\0"[..], &entry(0x05, 7, 16, 26 + 26), &[0; 4], b"SR0000012345678 "].concat();
        assert_eq!(
            told("RICOH", &ricoh),
            [("makernote:Ricoh:SerialNumber".to_owned(), "SR0000012345678".to_owned())]
        );
        let sigma =
            [&b"SIGMA\0\0\0\x01\0\x01\0"[..], &entry(0x02, 2, 8, 26 + 28), &[0; 4], b"1234567\0"].concat();
        assert_eq!(
            told("SIGMA", &sigma),
            [("makernote:Sigma:SerialNumber".to_owned(), "1234567".to_owned())]
        );
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let entries = words(&[12, 2, 0, 0x0100, 4, 4, 1, 0x0102, 1, 8, 52]);
        let phase_one = [&b"IIIITwaR"[..], &entries, b"BE01234\0"].concat();
        assert_eq!(
            told("Phase One", &phase_one),
            [("makernote:Phase One:SerialNumber".to_owned(), "BE01234".to_owned())]
        );

        let equipment = [&[1, 0][..], &entry(0x0202, 2, 8, 48), &[0; 4], b"ABG1234\0"].concat();
        let olympus =
            [&b"OLYMPUS\0II\x03\0\x01\0"[..], &entry(0x2010, 13, 1, 30), &[0; 4], &equipment].concat();
        assert_eq!(
            told("OLYMPUS", &olympus),
            [("makernote:Olympus:LensSerialNumber".to_owned(), "ABG1234".to_owned())]
        );
    }

    proptest! {
        #[test]
        fn any_note_is_answered(
            head in prop::sample::select(vec![&b""[..], b"Nikon\0\x02\x10\0\0", b"OLYMP\0\x01\0", b"OLYMPUS\0II\x03\0", b"AOC\0II", b"FUJIFILM", b"Ricoh\0\0\0", b"RICOH\0MM", b"SIGMA\0\0\0", b"IIIITwaR", b"MMMMRawT"]),
            rest in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            told("Canon", &[head, &rest].concat());
        }
    }
}
