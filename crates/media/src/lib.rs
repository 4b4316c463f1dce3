//! Pictures, as far as findings need them: their shades of grey, the faces in them, what they look like, and what is
//! embedded in them.
//!
//! ```text
//! bytes ─▶ decode ─▶ Grey, made small while it is read ─┬─▶ faces
//!   ├────▶ previews (bytes within the bytes)            └─▶ Likeness
//!   └────▶ Still, video: what describes them ─▶ Inspection
//! ```
//!
//! All bytes may be an adversary's. Sizes are checked before anything is held, nothing here is `unsafe`, and a picture that
//! cannot be read is an [`Unread`], with the reason.

mod blur;
mod embedded;
mod exif;
mod face;
mod grey;
mod jpeg;
mod likeness;
mod picture;
mod png;
mod still;
mod video;

pub use blur::without_faces;
pub use embedded::previews;
pub use exif::orientation;
pub use face::{Face, Faces, Located, faces, locate_faces};
pub use grey::Grey;
pub use likeness::{Likeness, Nearness};
pub use picture::{Bounds, Format, Unread, cost, decode, format, size};
pub use still::Still;
pub use video::{inspect_video, is_video, scrub_video};
