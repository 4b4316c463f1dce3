//! Previews that are embedded in pictures of the device, sent alone, and pictures that look like one of the device.

use std::collections::HashMap;

use creance_media::{Likeness, Nearness};
use creance_model::{DataClass, Match};

use crate::{
    Card, Context, Detector, Sighting, Sink, View, image,
    pictures::{Look, hash},
};

/// What is known of a picture of the device.
#[derive(Clone, Debug)]
pub struct DevicePicture {
    /// Its path below the folder that was given.
    pub name: String,
    /// The SHA-256 of each preview that is embedded in it.
    pub previews: Vec<[u8; 32]>,
    /// What it looks like; `None`: it was not decoded, or there is too little in it.
    pub likeness: Option<Likeness>,
}

/// Pictures of the device, ready to be looked for.
#[derive(Debug, Default)]
pub struct DevicePictures {
    names: Vec<String>,
    previews: HashMap<[u8; 32], usize>,
    likenesses: Vec<(Likeness, usize)>,
    beyond: usize,
}

impl DevicePictures {
    /// Pictures of the device, and how many more there were whose content was not looked at.
    pub fn new(pictures: impl IntoIterator<Item = DevicePicture>, beyond: usize) -> Self {
        let mut all = Self { beyond, ..Self::default() };
        for picture in pictures {
            let index = all.names.len();
            // Of equal previews the first is told.
            for preview in picture.previews {
                all.previews.entry(preview).or_insert(index);
            }
            all.likenesses.extend(picture.likeness.map(|likeness| (likeness, index)));
            all.names.push(picture.name);
        }
        all
    }

    /// How many pictures of the device were not looked at: they are known by their content and hash only.
    pub const fn beyond(&self) -> usize {
        self.beyond
    }

    /// Whether any preview is known.
    fn is_empty(&self) -> bool {
        self.previews.is_empty() && self.likenesses.is_empty()
    }

    /// The picture that a preview is of.
    fn preview(&self, bytes: &[u8]) -> Option<&str> {
        self.names.get(*self.previews.get(&hash(bytes))?).map(String::as_str)
    }

    /// The picture that another looks most like, and how much they differ.
    fn nearest(&self, likeness: &Likeness) -> Option<(&str, Nearness)> {
        let near = self.likenesses.iter().filter_map(|(one, index)| Some((one.near(likeness)?, *index)));
        let (nearness, index) = near.min()?;
        Some((self.names.get(index)?, nearness))
    }
}

/// Pictures of the device in another form.
pub(crate) struct Copies;

/// The name of this detector.
const ID: &str = "device-picture";

impl Detector for Copies {
    fn card(&self) -> &'static Card {
        &Card {
            id: ID,
            what: "the preview that is embedded in a picture of the device, sent alone, byte for byte; and a picture that looks like one of the device but was written anew or made smaller, by two measures of its coarse shape (match `structured`)",
            why: "A preview shows what its picture shows. An app that sends pictures made smaller has no file of the device in its traffic, and what they show left all the same.",
            wrong: "A preview is as certain as a hash. A resemblance is none: another picture of the same place from the same spot, such as the next of a series, resembles it as well, and nobody can tell from the bytes which of them it was made from. Pictures that were cropped or turned, and those with too little in them, are not found.",
            classes: &[DataClass::Imagery],
        }
    }

    fn look(&self, message: &View<'_>, context: &Context, sink: &mut Sink<'_>) {
        let known = &context.device_pictures;
        if known.is_empty() {
            return;
        }
        for (index, _, part) in message.glances() {
            let Some(value) =
                creance_media::format(part.bytes()).and_then(|_| image::described(part.bytes()))
            else {
                continue;
            };
            let whole = Sighting::whole(DataClass::Imagery, Match::Device, ID, index, value);
            if let Some(name) = known.preview(part.bytes()) {
                sink.sight(Sighting {
                    file: Some(name.to_owned()),
                    encoding: vec!["embedded-preview".to_owned()],
                    ..whole
                });
                continue;
            }
            let Look::Seen(slot) = context.pictures.look(part) else { continue };
            let nearest = slot.get().and_then(|seen| known.nearest(seen.likeness.as_ref()?));
            let Some((name, Nearness { waves, slopes })) = nearest else { continue };
            let basis = format!(
                "looks like the file of the device: {waves} of 64 and {slopes} of 256 signs of its coarse shape differ (half do between unrelated pictures); written anew or made smaller, or another picture of the same scene"
            );
            sink.sight(Sighting {
                matched: Match::Structured,
                file: Some(name.to_owned()),
                encoding: vec!["resembles".to_owned()],
                basis: Some(basis),
                ..whole
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use creance_media::{Bounds, decode};

    use super::*;
    use crate::{Pictures, fixture::body, look};

    /// A picture of the laboratory.
    const PICTURE: &[u8] = include_bytes!("../face/nobody.jpg");

    fn told(bytes: &[u8], picture: DevicePicture) -> Vec<(Match, Option<String>, Vec<String>)> {
        let context = Context {
            pictures: Pictures::at_most(9),
            device_pictures: DevicePictures::new([picture], 0),
            ..Context::default()
        };
        let message = body(bytes);
        context.pictures.admit(&message);
        let sightings = look(&message, &context).sightings.into_iter();
        let imagery = sightings.filter(|one| one.data_class == DataClass::Imagery);
        imagery.map(|one| (one.matched, one.file, one.encoding)).collect()
    }

    #[test]
    fn a_preview_sent_alone_is_of_its_picture() {
        let picture =
            DevicePicture { name: "DCIM/A.JPG".to_owned(), previews: vec![hash(PICTURE)], likeness: None };
        let file = Some("DCIM/A.JPG".to_owned());
        let expected = [(Match::Device, file, vec!["embedded-preview".to_owned()])];
        assert_eq!(told(PICTURE, picture), expected);
    }

    #[test]
    fn a_picture_in_other_bytes_looks_like_its_picture_and_another_does_not() {
        let likeness = |bytes: &[u8]| Likeness::of(&decode(bytes, &Bounds::default()).unwrap());
        let picture =
            |likeness| DevicePicture { name: "DCIM/A.JPG".to_owned(), previews: Vec::new(), likeness };
        let file = Some("DCIM/A.JPG".to_owned());
        let expected = [(Match::Structured, file, vec!["resembles".to_owned()])];
        // The same picture with a comment in front.
        let anew = [b"\xff\xd8\xff\xfe\0\x04hi", &PICTURE[2..]].concat();
        assert_eq!(told(&anew, picture(likeness(PICTURE))), expected);
        let other = likeness(include_bytes!("../face/portrait.jpg"));
        assert_eq!(told(&anew, picture(other)), [(Match::Structured, None, Vec::new())]);
    }
}
