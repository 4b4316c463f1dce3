//! Messages for the tests of detectors.

use creance_model::{Carrier, DataClass, Match, Message, Parts, Side, Timestamp, Visibility};

use crate::{Canaries, Context, look};

/// Carrier, parent, step, name and bytes of a part.
pub(crate) type Shape<'a> = (Carrier, Option<usize>, &'a str, Option<&'a str>, &'a [u8]);

/// A request with these parts.
pub(crate) fn parts(parts: &[Shape<'_>]) -> Message {
    let mut all = Parts::default();
    for (carrier, parent, step, name, bytes) in parts {
        all.add(*carrier, *parent, *step, *name, *bytes);
    }
    Message {
        time: Timestamp::default(),
        protocol: "http/1",
        kind: "request",
        from: Side::Client,
        visibility: Visibility::Clear,
        packets: vec![1],
        bytes: 1,
        fields: Vec::new(),
        parts: all,
    }
}

/// A request whose body nobody took apart.
pub(crate) fn body(bytes: &[u8]) -> Message {
    parts(&[(Carrier::Body, None, "request body", None, bytes)])
}

/// A request with a form of these fields.
pub(crate) fn fields(fields: &[(&str, &str)]) -> Message {
    let steps: Vec<String> = fields.iter().map(|(name, _)| format!("form:{name}")).collect();
    let mut all: Vec<Shape<'_>> = vec![(Carrier::Body, None, "request body", None, b"")];
    for (step, (name, text)) in steps.iter().zip(fields) {
        all.push((Carrier::Body, Some(0), step, Some(name), text.as_bytes()));
    }
    parts(&all)
}

/// A request with one header field.
pub(crate) fn header(name: &str, text: &str) -> Message {
    parts(&[(Carrier::Header, None, &format!("header:{name}"), Some(name), text.as_bytes())])
}

/// What all detectors say without canaries.
pub(crate) fn told(message: &Message) -> Vec<(DataClass, Match, String)> {
    let told = look(message, &Context::default()).sightings;
    told.into_iter().map(|one| (one.data_class, one.matched, one.value)).collect()
}

/// A context with these canaries.
pub(crate) fn canaries(list: &[(&str, &str)]) -> Context {
    let table = |(class, value): &(&str, &str)| format!("[[canary]]\nclass = '{class}'\nvalue = '{value}'\n");
    Context {
        canaries: Canaries::parse(&list.iter().map(table).collect::<String>()).unwrap(),
        ..Context::default()
    }
}

/// A JPEG without a picture whose EXIF says 24.5° north, 121.25° west, and the serial number ABCD1234.
pub(crate) fn located() -> Vec<u8> {
    let rational = |number: u32| [number.to_le_bytes(), 1_u32.to_le_bytes()].concat();
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    // IFD0 at 8 (38), GPS at 46 (66), Exif at 112 (18); degrees at 130 and 154, the serial number at 178.
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    tiff.extend([2, 0]);
    tiff.extend(entry(0x8769, 4, 1, 100));
    tiff.extend(entry(0x8825, 4, 1, 38));
    tiff.extend([0; 4]);
    assert_eq!(tiff.len(), 38);
    tiff.extend([4, 0]);
    tiff.extend(entry(1, 2, 2, u32::from(b'N')));
    tiff.extend(entry(2, 5, 3, 118));
    tiff.extend(entry(3, 2, 2, u32::from(b'W')));
    tiff.extend(entry(4, 5, 3, 142));
    tiff.extend([0; 12]);
    tiff.truncate(100);
    tiff.resize(100, 0);
    tiff.extend([1, 0]);
    tiff.extend(entry(0xa431, 2, 9, 166));
    tiff.extend([0; 4]);
    tiff.extend([rational(24), rational(30), rational(0), rational(121), rational(15), rational(0)].concat());
    tiff.extend(b"ABCD1234\0");
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xe1];
    bytes.extend(u16::try_from(tiff.len() + 8).unwrap().to_be_bytes());
    bytes.extend(b"Exif\0\0");
    bytes.extend(tiff);
    bytes.extend([0xff, 0xd9]);
    bytes
}
