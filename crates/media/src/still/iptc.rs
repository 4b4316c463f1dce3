//! What news agencies and Photoshop write into pictures: IPTC-IIM 4.2 datasets in a block of image resources.

use creance_model::{DataClass, Dated, Hidden, Inspection, Timestamp};

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

/// Dates by record and dataset, their times, and what they are of.
const DATES: &[(u8, u8, u8, &str)] = &[
    (1, 70, 80, "sent"),
    (2, 30, 35, "released"),
    (2, 37, 38, "expires"),
    (2, 55, 60, "created"),
    (2, 62, 63, "digitised"),
];

/// Adds what datasets say that stand one behind another.
pub(super) fn datasets(inspection: &mut Inspection, mut rest: &[u8]) {
    let mut clocks: Vec<(u8, u8, String)> = Vec::new();
    for _ in 0..MOST {
        let [0x1c, record, dataset, high, low, after @ ..] = rest else { break };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((value, after)) = after.split_at_checked(length) else { break };
        let text = String::from_utf8_lossy(value);
        let field = format!("iptc:{record}:{dataset}");
        let is_clock =
            |(of, date, time, _): &(u8, u8, u8, &str)| of == record && (date == dataset || time == dataset);
        match (record, dataset) {
            _ if DATES.iter().any(is_clock) => clocks.push((*record, *dataset, text.trim().to_owned())),
            (2, 80 | 85 | 110 | 122) => inspection.identify(DataClass::PersonName, None, &text, field),
            (2, 26 | 27 | 90 | 92 | 95 | 100 | 101) => inspection.say("name of a place", text, field),
            (2, 116) => inspection.say("rights", text, field),
            // Names of a document and of who owns it, which are said to be unique; the first is of the object itself.
            (1, 100) | (2, 185..=187) => inspection.identify(DataClass::DeviceId, None, &text, field),
            (2, 188) => inspection.identify(DataClass::AccountId, None, &text, field),
            // Status, subject, title, category, job by two names, keywords, instructions, reference, program and its version,
            // headline, source, caption, the job, notes and history of the document, words about the camera.
            (
                2,
                5
                | 7
                | 12
                | 15
                | 20
                | 22
                | 25
                | 40
                | 45
                | 50
                | 65
                | 70
                | 103
                | 105
                | 115
                | 120
                | 121
                | 184
                | 230..=232,
            )
            | (1, 5 | 30 | 40 | 50) => inspection.say("text", text, field),
            (2, 118) => inspection.identify(DataClass::Contacts, None, &text, field),
            (2, 202) => {
                let bytes = value.len() as u64;
                inspection.hidden.push(Hidden { what: "preview", field, bytes });
            }
            _ => {}
        }
        rest = after;
    }
    dates(inspection, &clocks);
}

/// Adds moments: a date (`20260611`) and its time (`081500+0200`) stand in datasets of their own. A day alone is no moment, and is told
/// as it is.
fn dates(inspection: &mut Inspection, clocks: &[(u8, u8, String)]) {
    for (record, date, time, what) in DATES {
        let of = |wanted: &u8| {
            let found = clocks.iter().find(|(of, dataset, _)| (of, dataset) == (record, wanted));
            found.map(|(.., text)| text.as_str())
        };
        let Some(day) = of(date) else { continue };
        let field = format!("iptc:{record}:{date}");
        let parts = day.get(..4).zip(day.get(4..6)).zip(day.get(6..8));
        let dashed = parts.map(|((year, month), date)| format!("{year}-{month}-{date}"));
        let day = dashed.unwrap_or_else(|| day.to_owned());
        let moment = of(time).and_then(|clock| {
            let part = |from: usize, to: usize| clock.get(from..to);
            let zone = match (clock.get(6..9), clock.get(9..11)) {
                (Some(hours), Some(minutes)) => format!("{hours}:{minutes}"),
                _ => String::new(),
            };
            let text = format!("{day}T{}:{}:{}{zone}", part(0, 2)?, part(2, 4)?, part(4, 6)?);
            Some((Timestamp::parse(&text)?, !zone.is_empty()))
        });
        match moment {
            Some((time, zone_known)) => inspection.times.push(Dated { what, time, zone_known, field }),
            None => inspection.say("day", day, field),
        }
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
    fn moments_days_and_numbers_of_documents_are_told() {
        let mut inspection = Inspection::of("jpeg");
        let dataset = |record: u8, dataset: u8, text: &str| {
            let length = u16::try_from(text.len()).unwrap().to_be_bytes();
            [&[0x1c, record, dataset][..], &length, text.as_bytes()].concat()
        };
        let all = [
            dataset(2, 55, "20260611"),
            dataset(2, 60, "081500+0200"),
            dataset(2, 62, "20260612"),
            dataset(1, 70, "2026"),
            dataset(2, 184, "JOB-7"),
            dataset(2, 187, "DOC-42"),
        ];
        datasets(&mut inspection, &all.concat());
        let time = Timestamp::parse("2026-06-11T06:15:00Z").unwrap();
        let field = "iptc:2:55".to_owned();
        assert_eq!(inspection.times, [Dated { what: "created", time, zone_known: true, field }]);
        let told: Vec<_> = inspection.facts.iter().map(|fact| (fact.what, fact.value.as_str())).collect();
        assert_eq!(told, [("text", "JOB-7"), ("day", "2026"), ("day", "2026-06-12")]);
        assert_eq!(inspection.identifiers[0].value, "DOC-42");
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
