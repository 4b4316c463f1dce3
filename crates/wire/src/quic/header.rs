//! Long headers (RFC 9000 §17.2): what of them is not protected.

use creance_cursor::{Cursor, Malformed};

use super::{frames::length, version::Version};

/// A packet with a long header, as far as it is not protected.
pub(super) struct Header<'a> {
    pub(super) version: Version,
    pub(super) kind: u8,
    pub(super) destination: &'a [u8],
    pub(super) source: &'a [u8],
    /// Behind the connection ids.
    rest: Cursor<'a>,
}

impl<'a> Header<'a> {
    /// `strict`: the second bit is as it has to be unless peers agree otherwise (RFC 9287).
    pub(super) fn read(bytes: &'a [u8], strict: bool) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let fixed = if strict { 0xc0 } else { 0x80 };
        let flags = cursor.u8("flags").ok().filter(|flags| flags & fixed == fixed)?;
        let version = Version(cursor.u32_be("version").ok().filter(|version| *version != 0)?);
        let mut id = || {
            let length = usize::from(cursor.u8("connection id length").ok()?);
            cursor.take("connection id", length).ok().filter(|id| id.len() <= 20)
        };
        let (destination, source) = (id()?, id()?);
        Some(Self { version, kind: flags >> 4 & 3, destination, source, rest: cursor })
    }

    /// Where the packet number of an Initial packet stands, and where the packet ends.
    pub(super) fn bounds(&self) -> Result<(usize, usize), Malformed> {
        let mut rest = self.rest.clone();
        if self.kind == self.version.initial() {
            let token = length(&mut rest)?;
            rest.take("token", token)?;
        }
        let length = length(&mut rest)?;
        Ok((rest.at(), rest.at().saturating_add(length)))
    }
}
