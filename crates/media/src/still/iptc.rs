//! What news agencies and Photoshop write into pictures: IPTC-IIM 4.2 datasets in a block of image resources.

use creance_model::{DataClass, Inspection};

/// The image resource that holds IPTC (Photoshop file format, 0x0404).
const IPTC: u16 = 0x0404;

/// Resources and datasets of one picture that are read.
const MOST: usize = 1024;

/// Adds what the content of APP13 says.
pub(crate) fn tell(inspection: &mut Inspection, content: &[u8]) {
    let rest = content.iter().position(|byte| *byte == 0).and_then(|end| content.get(end + 1..));
    resources(inspection, rest.unwrap_or_default());
}

/// Adds what image resources say.
pub(super) fn resources(inspection: &mut Inspection, mut rest: &[u8]) {
    // "8BIM", number, a name with its length, padded to even, length, content, padded to even.
    for _ in 0..MOST {
        let Some(resource) = rest.strip_prefix(b"8BIM") else { break };
        let Some((number, after)) = resource.split_first_chunk() else { break };
        let name = 1 + usize::from(after.first().copied().unwrap_or(0));
        let Some(after) = after.get(name + name % 2..) else { break };
        let Some((length, after)) = after.split_first_chunk() else { break };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let content = after.get(..length.min(after.len())).unwrap_or_default();
        if u16::from_be_bytes(*number) == IPTC {
            datasets(inspection, content);
        }
        rest = after.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
}

/// Adds what datasets say that stand one behind another.
pub(super) fn datasets(inspection: &mut Inspection, mut rest: &[u8]) {
    for _ in 0..MOST {
        let [0x1c, record, dataset, high, low, after @ ..] = rest else { break };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((value, after)) = after.split_at_checked(length) else { break };
        let text = String::from_utf8_lossy(value);
        let field = format!("iptc:{record}:{dataset}");
        match (record, dataset) {
            (2, 80 | 85 | 110 | 122) => inspection.identify(DataClass::PersonName, None, &text, field),
            (2, 90 | 92 | 95 | 101) => inspection.say("name of a place", text, field),
            (2, 116) => inspection.say("rights", text, field),
            // Title, keywords, instructions, program, job, source, headline, caption.
            (2, 5 | 25 | 40 | 65 | 103 | 115 | 105 | 120) => inspection.say("text", text, field),
            (2, 118) => inspection.identify(DataClass::Contacts, None, &text, field),
            _ => {}
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_and_jobs_are_told() {
        let mut inspection = Inspection::of("jpeg");
        datasets(&mut inspection, b"\x1c\x02\x19\0\x03dam\x1c\x02\x67\0\x04J-42");
        let told: Vec<_> = inspection.facts.iter().map(|fact| fact.value.as_str()).collect();
        assert_eq!(told, ["dam", "J-42"]);
    }

    #[test]
    fn names_and_places_are_told() {
        let mut content = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x19".to_vec();
        content.extend(b"\x1c\x02\x50\0\x0bAda Example\x1c\x02\x5a\0\x04Bern");
        let mut inspection = Inspection::of("jpeg");
        tell(&mut inspection, &content);
        assert_eq!(inspection.identifiers[0].value, "Ada Example");
        assert_eq!(inspection.facts[0].value, "Bern");
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            tell(&mut Inspection::of("jpeg"), &[b"Photoshop 3.0\x008BIM\x04\x04\0\0", &bytes[..]].concat());
            datasets(&mut Inspection::of("jpeg"), &[b"\x1c\x02", &bytes[..]].concat());
        }
    }
}
