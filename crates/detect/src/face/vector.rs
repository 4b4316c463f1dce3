//! Vectors of numbers as programs make them from faces: a list in a text, or 32-bit numbers one behind another.
//!
//! That a vector is of a face cannot be seen in it. Its field's name, its length and its size are what programs for faces
//! have, and those for pictures and texts as well.

use creance_model::{DataClass, Match, Part};
use data_encoding::HEXLOWER;

use crate::{Sighting, Sink, View, pictures::hash};

/// How many numbers vectors have.
const LENGTHS: &[usize] = &[64, 128, 192, 256, 384, 512, 1024];

/// Words in the names of fields that hold one.
const WORDS: &[&str] = &[
    "face",
    "faces",
    "facial",
    "faceprint",
    "embedding",
    "embeddings",
    "feature",
    "features",
    "descriptor",
    "descriptors",
    "vector",
    "vectors",
    "faceembedding",
    "facefeature",
    "facevector",
    "facedescriptor",
    "featurevector",
];

/// How far from one the length of a vector may be that was made to have it.
const UNIT: f64 = 0.02;

/// Vectors of one message that are told.
const MOST: usize = 100;

/// Tells the vectors of a message.
pub(super) fn look(message: &View<'_>, sink: &mut Sink<'_>) {
    let mut told = 0;
    let mut tell = |part: usize, numbers: &[f32], encoding: Vec<String>| {
        if told == MOST {
            return sink.limited("vectors in one message");
        }
        told += 1;
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let hash = HEXLOWER.encode(&hash(&bytes));
        let value = format!("possible face data: a vector of {} numbers, SHA-256 {hash}", numbers.len());
        let basis =
            Some("by the name of its field and its shape; what it was made from is not known".to_owned());
        let whole = Sighting::whole(DataClass::Face, Match::Pattern, super::ID, part, value);
        sink.sight(Sighting { encoding, basis, ..whole });
    };
    for (list, numbers) in lists(message) {
        if is_called(message, list) && is_vector(&numbers) {
            tell(list, &numbers, Vec::new());
        }
    }
    for (index, glance, part) in message.glances() {
        let length = glance.length as usize;
        if length.is_multiple_of(4) && LENGTHS.contains(&(length / 4)) && is_called(message, index) {
            let words = part.bytes().chunks_exact(4);
            let numbers = words.filter_map(|word| Some(f32::from_le_bytes(word.try_into().ok()?)));
            let numbers: Vec<f32> = numbers.collect();
            if is_vector(&numbers) {
                tell(index, &numbers, vec!["float32".to_owned()]);
            }
        }
    }
}

/// Lists of as many values as a vector has, all of them numbers.
fn lists(message: &View<'_>) -> Vec<(usize, Vec<f32>)> {
    let parts = message.parts();
    let mut found = Vec::new();
    if parts.len() < LENGTHS.first().copied().unwrap_or_default() {
        return found;
    }
    // Values of one list stand one behind the other.
    let (mut from, mut list) = (0, None);
    for (index, part) in parts.iter().map(Some).chain([None]).enumerate() {
        let parent = part.filter(|part| !part.is_named()).and_then(Part::parent);
        if parent.is_some() && parent == list {
            continue;
        }
        if let Some(list) = list.filter(|_| LENGTHS.contains(&(index - from))) {
            let values = (from..index).map_while(|index| parts.get(index));
            let numbers = values.map_while(|part| std::str::from_utf8(part.bytes()).ok()?.parse().ok());
            let numbers: Vec<f32> = numbers.collect();
            if numbers.len() == index - from {
                found.push((list, numbers));
            }
        }
        (from, list) = (index, parent);
    }
    found
}

/// Whether the name of a part, or of what is around it, has such a word.
fn is_called(message: &View<'_>, part: usize) -> bool {
    let path = message.path(part);
    let names = path.iter().rev().take(2).flat_map(|step| step.rsplit(['/', ':']).take(2));
    names.flat_map(words).any(|word| WORDS.contains(&word.as_str()))
}

/// The words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() && before.is_lowercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words
}

/// Whether numbers are such as networks give: of length one together, or between −1 and 1 and of both signs. Most of them
/// differ.
fn is_vector(numbers: &[f32]) -> bool {
    if numbers.is_empty() || numbers.iter().any(|number| !number.is_finite()) {
        return false;
    }
    let squares: f64 = numbers.iter().map(|number| f64::from(*number) * f64::from(*number)).sum();
    let unit = (squares.sqrt() - 1.0).abs() <= UNIT;
    let within = numbers.iter().all(|number| number.abs() <= 1.0);
    let negative = numbers.iter().filter(|number| **number < 0.0).count();
    let signs = negative.min(numbers.len() - negative) * 8 >= numbers.len();
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted.dedup();
    (unit || within && signs) && sorted.len() * 2 > numbers.len()
}

#[cfg(test)]
mod tests {
    use creance_model::{Carrier, Message};

    use super::*;
    use crate::{Context, fixture::parts, look, mask};

    /// So many numbers between −1 and 1.
    fn numbers(count: u16) -> Vec<f32> {
        // Steps of an irrational share, from one to the other.
        let number = |at: u16| (f32::from(at) * 0.618_034).fract() * 2.0 - 1.0;
        (1..=count).map(number).collect()
    }

    /// A list of these in a field called so.
    fn list(name: &str, numbers: &[f32]) -> Message {
        let step = format!("json:/{name}");
        let texts: Vec<String> = numbers.iter().map(f32::to_string).collect();
        let steps: Vec<String> = (0..texts.len()).map(|at| format!("{step}/{at}")).collect();
        let mut all = vec![
            (Carrier::Body, None, "request body", None, &b""[..]),
            (Carrier::Body, Some(0), step.as_str(), None, b""),
        ];
        all.extend(
            steps
                .iter()
                .zip(&texts)
                .map(|(step, text)| (Carrier::Body, Some(1), step.as_str(), None, text.as_bytes())),
        );
        parts(&all)
    }

    fn told(message: &Message) -> Vec<(Match, String)> {
        let faces = look(message, &Context::default())
            .sightings
            .into_iter()
            .filter(|one| one.data_class == DataClass::Face);
        faces.map(|one| (one.matched, mask(DataClass::Face, &one.value))).collect()
    }

    #[test]
    fn a_vector_under_such_a_name_is_possible_face_data() {
        for (name, count) in
            [("face_embedding", 128), ("faceFeature", 512), ("descriptor", 1024), ("embedding/0", 256)]
        {
            let value = format!("possible face data: a vector of {count} numbers");
            assert_eq!(told(&list(name, &numbers(count))), [(Match::Pattern, value)], "{name}");
        }
    }

    #[test]
    fn other_names_other_lengths_and_other_numbers_are_none() {
        let whole: Vec<f32> = (0_u8..128).map(f32::from).collect();
        let sparse: Vec<f32> = (0..128).map(|at| if at % 2 == 0 { 0.5 } else { -0.5 }).collect();
        for (name, numbers) in [
            ("samples", numbers(128)),
            ("surface", numbers(128)),
            ("embedding", numbers(100)),
            ("embedding", whole),
            ("embedding", sparse),
        ] {
            assert!(told(&list(name, &numbers)).is_empty(), "{name}");
        }
    }

    #[test]
    fn numbers_of_32_bits_are_read_and_are_the_same_vector() {
        let numbers = numbers(128);
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let packed = parts(&[
            (Carrier::Body, None, "request body", None, b""),
            (Carrier::Body, Some(0), "json:/embedding", Some("embedding"), b"x"),
            (Carrier::Body, Some(1), "base64", None, &bytes),
        ]);
        let values = |message: &Message| -> Vec<String> {
            look(message, &Context::default()).sightings.into_iter().map(|one| one.value).collect()
        };
        assert_eq!(values(&packed), values(&list("embedding", &numbers)));
        assert_eq!(values(&packed).len(), 1);
    }
}
