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
