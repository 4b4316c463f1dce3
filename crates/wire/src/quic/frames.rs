//! Frames of packets (RFC 9000 §19, RFC 9221, and extensions that are in use), as far as they bring something.

use creance_cursor::{Cursor, Malformed};

/// A frame.
pub(super) enum Frame<'a> {
    /// Bytes of the handshake.
    Crypto { offset: u64, bytes: &'a [u8] },
    /// Bytes of a stream.
    Stream { id: u64, offset: u64, bytes: &'a [u8], ends: bool },
    /// A stream ends before its time; so many bytes were sent of it.
    Reset { id: u64, size: u64 },
    /// What belongs to no stream (RFC 9221).
    Datagram(&'a [u8]),
    /// Another id for the one who sent it.
    Id(&'a [u8]),
    /// What says how the connection goes.
    Other,
    /// A kind that is not known: where it ends cannot be told.
    Unknown,
}

impl<'a> Frame<'a> {
    /// The next frame. `google`: whether handshakes come in Google's own frame.
    pub(super) fn read(cursor: &mut Cursor<'a>, google: bool) -> Result<Self, Malformed> {
        let kind = number(cursor)?;
        if kind == if google { 8 } else { 6 } {
            let offset = number(cursor)?;
            let length = length(cursor)?;
            return Ok(Self::Crypto { offset, bytes: cursor.take("crypto data", length)? });
        }
        match kind {
            // RESET_STREAM, RESET_STREAM_AT (draft-ietf-quic-reliable-stream-reset).
            0x04 | 0x24 => {
                let id = number(cursor)?;
                number(cursor)?;
                let size = number(cursor)?;
                pass(cursor, usize::from(kind == 0x24))?;
                return Ok(Self::Reset { id, size });
            }
            0x08..=0x0f => {
                let id = number(cursor)?;
                let offset = if kind & 4 == 0 { 0 } else { number(cursor)? };
                let length = if kind & 2 == 0 { cursor.len() } else { length(cursor)? };
                let bytes = cursor.take("stream data", length)?;
                return Ok(Self::Stream { id, offset, bytes, ends: kind & 1 != 0 });
            }
            0x30 | 0x31 => {
                let length = if kind == 0x30 { cursor.len() } else { length(cursor)? };
                return Ok(Self::Datagram(cursor.take("datagram", length)?));
            }
            0x18 => {
                pass(cursor, 2)?;
                let length = usize::from(cursor.u8("connection id length")?);
                let id = cursor.take("connection id", length)?;
                cursor.take("stateless reset token", 16)?;
                return Ok(Self::Id(id));
            }
            // PADDING, PING, HANDSHAKE_DONE, IMMEDIATE_ACK (draft-ietf-quic-ack-frequency).
            0x00 | 0x01 | 0x1e | 0x1f => {}
            // ACK.
            0x02 | 0x03 => {
                pass(cursor, 2)?;
                let ranges = number(cursor)?;
                number(cursor)?;
                for _ in 0..ranges {
                    pass(cursor, 2)?;
                }
                pass(cursor, if kind == 3 { 3 } else { 0 })?;
            }
            // NEW_TOKEN.
            0x07 => {
                let length = length(cursor)?;
                cursor.take("token", length)?;
            }
            // MAX_DATA, MAX_STREAMS, DATA_BLOCKED, STREAMS_BLOCKED, RETIRE_CONNECTION_ID.
            0x10 | 0x12..=0x14 | 0x16 | 0x17 | 0x19 => pass(cursor, 1)?,
            // STOP_SENDING, MAX_STREAM_DATA, STREAM_DATA_BLOCKED.
            0x05 | 0x11 | 0x15 => pass(cursor, 2)?,
            // ACK_FREQUENCY (draft-ietf-quic-ack-frequency).
            0xaf => pass(cursor, 4)?,
            // PATH_CHALLENGE, PATH_RESPONSE.
            0x1a | 0x1b => {
                cursor.take("path data", 8)?;
            }
            // CONNECTION_CLOSE.
            0x1c | 0x1d => {
                pass(cursor, if kind == 0x1c { 2 } else { 1 })?;
                let length = length(cursor)?;
                cursor.take("reason", length)?;
            }
            _ => return Ok(Self::Unknown),
        }
        Ok(Self::Other)
    }
}

fn pass(cursor: &mut Cursor<'_>, numbers: usize) -> Result<(), Malformed> {
    (0..numbers).try_for_each(|_| number(cursor).map(drop))
}

/// A number of variable length (RFC 9000 §16).
pub(crate) fn number(cursor: &mut Cursor<'_>) -> Result<u64, Malformed> {
    let first = cursor.u8("number")?;
    let more = cursor.take("number", (1 << (first >> 6)) - 1)?;
    Ok(more.iter().fold(u64::from(first & 0x3f), |number, byte| number << 8 | u64::from(*byte)))
}

pub(super) fn length(cursor: &mut Cursor<'_>) -> Result<usize, Malformed> {
    Ok(usize::try_from(number(cursor)?).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9000 §A.1.
    #[test]
    fn the_published_numbers() {
        for (bytes, value) in [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x40, 0x25], 37),
        ] {
            assert_eq!(number(&mut Cursor::new(bytes)), Ok(value));
        }
    }

    #[test]
    fn what_brings_nothing_is_passed_over_to_the_last_byte() {
        let frames: &[&[u8]] = &[
            &[0, 1, 0x1e, 0x1f],
            &[2, 9, 1, 1, 0, 5, 6],
            &[3, 9, 1, 0, 0, 1, 2, 3],
            &[5, 4, 1],
            &[7, 2, 8, 9],
            &[0x10, 1, 0x11, 1, 2, 0x12, 1, 0x13, 1, 0x14, 1, 0x15, 1, 2, 0x16, 1, 0x17, 1, 0x19, 1],
            &[0x40, 0xaf, 1, 2, 3, 4],
            &[0x1a, 1, 2, 3, 4, 5, 6, 7, 8, 0x1b, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0x1c, 1, 2, 3, b'w', b'h', b'y', 0x1d, 1, 1, b'x'],
        ];
        let bytes = frames.concat();
        let mut cursor = Cursor::new(&bytes);
        while !cursor.is_empty() {
            assert!(matches!(Frame::read(&mut cursor, false), Ok(Frame::Other)), "{}", cursor.at());
        }
        let read = |bytes: &'static [u8]| Frame::read(&mut Cursor::new(bytes), false);
        assert!(matches!(
            read(&[0x0e, 8, 3, 2, 7, 7, 1]),
            Ok(Frame::Stream { id: 8, offset: 3, bytes: [7, 7], ends: false })
        ));
        assert!(matches!(read(&[9, 4, 7]), Ok(Frame::Stream { id: 4, offset: 0, bytes: [7], ends: true })));
        assert!(matches!(read(&[4, 8, 0, 9]), Ok(Frame::Reset { id: 8, size: 9 })));
        assert!(matches!(read(&[0x31, 1, 5, 6]), Ok(Frame::Datagram([5]))));
        assert!(matches!(read(&[0x3f, 1]), Ok(Frame::Unknown)));
        assert!(read(&[0x0f, 4, 0, 9, 1]).is_err());
    }
}
