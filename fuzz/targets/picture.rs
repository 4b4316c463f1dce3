//! Any bytes as a picture: previews, size, shades of grey, faces, likeness. The first byte chooses: a file, or shades of grey
//! row by row, so that faces are sought in pictures of all shapes without a way through a decoder.
#![no_main]

use creance_media::{Bounds, Grey, Likeness, decode, faces, previews, size};
use libfuzzer_sys::fuzz_target;

const BOUNDS: Bounds = Bounds { pixels: 1 << 18, longest: 128 };

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, content)) = bytes.split_first() else { return };
    if choice % 2 == 0 {
        for preview in previews(content) {
            assert!(preview.len() < content.len());
        }
        if let Ok(picture) = decode(content, &BOUNDS) {
            let (width, height) = size(content).expect("what was decoded has a size");
            assert!(u64::from(width) * u64::from(height) <= BOUNDS.pixels);
            assert!(picture.width().max(picture.height()) <= BOUNDS.longest);
            seen(&picture);
        }
        return;
    }
    let width = usize::from(*choice / 2) + 1;
    let rows = (content.len() / width).min(BOUNDS.longest);
    if let Some(picture) = Grey::new(width, content[..rows * width].to_vec()) {
        seen(&picture);
    }
});

/// What is looked for in each picture.
fn seen(picture: &Grey) {
    assert!(faces(picture).all.iter().all(|face| face.side > 0 && face.score.is_finite()));
    if let Some(likeness) = Likeness::of(picture) {
        let nearness = likeness.near(&likeness).expect("a picture looks like itself");
        assert_eq!((nearness.waves, nearness.slopes), (0, 0));
    }
}
