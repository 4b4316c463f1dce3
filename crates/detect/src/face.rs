//! Faces in pictures, and vectors that may have been made from faces.

mod vector;

use creance_media::{Face, Unread};
use creance_model::{DataClass, Match};
use data_encoding::HEXLOWER;

use crate::{
    Card, Context, Detector, Sighting, Sink, View,
    pictures::{Look, Seen, hash},
};

/// Faces.
pub(crate) struct Faces;

/// The name of this detector.
const ID: &str = "face";

impl Detector for Faces {
    fn card(&self) -> &'static Card {
        &Card {
            id: ID,
            what: "faces that look into the camera, found by a program in JPEG and PNG pictures (a trained detector, SeetaFace; nobody is recognised), and vectors of 64 to 1024 numbers in fields called for faces, features or embeddings",
            why: "A face says who somebody is, for a lifetime. A vector made from it does too, to whoever has the same program.",
            wrong: "A program sees faces in statues, drawings and, seldom, in patterns, and misses those that are small (less than a twentieth of the picture), turned aside, covered or dark: that none was found does not say that there is none. A vector may be of anything that an app compares, such as pictures or texts: it is told as a possibility.",
            classes: &[DataClass::Face],
        }
    }

    fn look(&self, message: &View<'_>, context: &Context, sink: &mut Sink<'_>) {
        for (index, _, part) in message.glances() {
            let slot = match context.pictures.look(part) {
                Look::Seen(slot) => slot,
                Look::Beyond => {
                    sink.limited("pictures in which faces are looked for");
                    continue;
                }
                Look::None => continue,
            };
            let Some(seen) = slot.get() else { continue };
            match seen.unread {
                Some(Unread::Size) => sink.limited("pixels of a picture in which faces are looked for"),
                Some(Unread::Format) => sink.limited("kinds of pictures in which faces are looked for"),
                Some(Unread::Damaged) | None => {}
            }
            if seen.faces.limited {
                sink.limited("places of a picture that are looked at for a face");
            }
            if let Some(value) = value(seen, part.bytes()) {
                let file = context.device.content(part).map(|(file, _)| file.name.clone());
                sink.sight(Sighting {
                    encoding: vec!["picture".to_owned()],
                    file,
                    basis: Some("a program recognised it in the picture; no person looked".to_owned()),
                    ..Sighting::whole(DataClass::Face, Match::Structured, ID, index, value)
                });
            }
        }
        vector::look(message, sink);
    }
}

/// How many faces there are, how large the largest is, and in what; nothing of a picture without.
fn value(seen: &Seen, bytes: &[u8]) -> Option<String> {
    let widest = seen.faces.all.iter().map(|face: &Face| face.side).max()?;
    let (width, height) = seen.size;
    // It was found in a smaller picture.
    let widest =
        u64::from(widest.unsigned_abs()) * u64::from(width.max(height)) / (seen.longest.max(1) as u64);
    let faces = match seen.faces.all.len() {
        1 => format!("1 face, {widest} pixels wide"),
        count => format!("{count} faces, the largest {widest} pixels wide"),
    };
    let format = seen.format?;
    let hash = HEXLOWER.encode(&hash(bytes));
    Some(format!("{faces}, in {format} of {width}×{height}, SHA-256 {hash}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pictures, fixture::body, look, mask};

    /// A portrait of the laboratory: NASA's of Eileen Collins, in the public domain, set into ground of its own making.
    const PORTRAIT: &[u8] = include_bytes!("face/portrait.jpg");

    /// A picture of the laboratory in which nobody is.
    const NOBODY: &[u8] = include_bytes!("face/nobody.jpg");

    fn told(bytes: &[u8]) -> Vec<(Match, String)> {
        let context = Context { pictures: Pictures::at_most(1), ..Context::default() };
        let message = body(bytes);
        context.pictures.admit(&message);
        let faces =
            look(&message, &context).sightings.into_iter().filter(|one| one.data_class == DataClass::Face);
        faces.map(|one| (one.matched, one.value)).collect()
    }

    #[test]
    fn a_face_is_told_with_its_size_and_masked_without_the_hash() {
        let told = told(PORTRAIT);
        assert_eq!(told.len(), 1);
        let (matched, value) = &told[0];
        assert_eq!(*matched, Match::Structured);
        let masked = mask(DataClass::Face, value);
        let number = |from: &str| -> u32 {
            masked.strip_prefix(from).unwrap().split(' ').next().unwrap().parse().unwrap()
        };
        assert!((150..190).contains(&number("1 face, ")), "{masked}");
        assert!(
            masked.ends_with(" pixels wide, in JPEG of 960×720") && value.contains(", SHA-256 "),
            "{value}"
        );
    }

    #[test]
    fn where_nobody_is_nothing_is_told() {
        assert!(told(NOBODY).is_empty() && told(&PORTRAIT[..3000]).is_empty());
    }

    #[test]
    fn pictures_beyond_the_bound_are_told_as_a_limit() {
        let context = Context { pictures: Pictures::at_most(1), ..Context::default() };
        let messages = [body(NOBODY), body(PORTRAIT)];
        for message in &messages {
            context.pictures.admit(message);
        }
        let limits = messages.map(|message| look(&message, &context).limits);
        assert!(limits[0].is_empty());
        assert!(limits[1].contains("pictures in which faces are looked for"), "{limits:?}");
    }
}
