//! Frames of Blackbox: what lies in them, and how its numbers are packed.
//!
//! ```text
//! log      lines "H key:value" │ frames
//! frame    a letter │ fields as the lines "Field … encoding" of this letter say, without lengths
//!          I  all values    P  differences to the frames before    S  slow values    G  receiver    H  home    E  event
//! ```
//!
//! A frame has neither length nor checksum: it is good if the letter of another one follows; behind damage that one must be
//! good, too. Encodings and predictors are those of
//! `betaflight.com/docs/development/blackbox-internals`; of the predictors those that times and places use are followed.

use std::collections::BTreeMap;

use creance_cursor::{Cursor, Malformed};

/// How a log begins.
pub(super) const BEGINS: &[u8] = b"H Product:Blackbox";

/// Fields of a frame that are read.
const MOST_FIELDS: usize = 256;

/// Fields of a frame that take no room. Makers have one or two; more would make much of little.
const MOST_EMPTY: usize = 16;

/// Microseconds that may lie between two frames. Where logging paused, an event says so.
const MOST_APART: u32 = 10_000_000;

/// What is found in a log.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// A frame of the main loop, at a time.
    Main(u32),
    /// What the receiver says, at a time if it says one.
    Gps(&'a [u32]),
    /// Where home is.
    Home(&'a [u32]),
    /// It was disarmed.
    Disarm,
    /// The log was ended in order.
    End,
    /// No frame: from where on, and how many bytes.
    Lost(usize, usize),
}

/// How the frames of a log are laid out.
#[derive(Debug, Default)]
pub(super) struct Layouts {
    frames: BTreeMap<u8, Vec<Field>>,
    /// "Data version", on which one encoding depends.
    pub(super) version: u8,
}

#[derive(Clone, Debug, Default)]
struct Field {
    name: String,
    predictor: u8,
    encoding: u8,
}

impl Layouts {
    /// Takes a line of a field: `Field G name` and what follows the colon.
    pub(super) fn take(&mut self, key: &str, value: &str) {
        let mut words = key.split(' ');
        let (Some("Field"), Some(letter), Some(what)) = (words.next(), words.next(), words.next()) else {
            return;
        };
        let Some(letter) = letter.bytes().next() else { return };
        let fields = self.frames.entry(letter).or_default();
        for (index, word) in value.split(',').take(MOST_FIELDS).enumerate() {
            if fields.len() <= index {
                fields.push(Field::default());
            }
            let Some(field) = fields.get_mut(index) else { return };
            // A number that is none makes the frame unreadable, not the log.
            let number = || word.trim().parse().unwrap_or(u8::MAX);
            match what {
                "name" => word.trim().clone_into(&mut field.name),
                "predictor" => field.predictor = number(),
                "encoding" => field.encoding = number(),
                _ => {}
            }
        }
    }

    /// Where a field stands in frames of a letter.
    pub(super) fn index(&self, letter: u8, name: &str) -> Option<usize> {
        self.frames.get(&letter)?.iter().position(|field| field.name == name)
    }

    /// The numbers of a frame as they are packed, without what was predicted.
    fn unpack(&self, letter: u8, cursor: &mut Cursor<'_>, values: &mut Vec<u32>) -> Result<(), Malformed> {
        values.clear();
        let mut empty = 0;
        let fields = self.frames.get(&letter).map_or(&[][..], Vec::as_slice);
        while let Some(field) = fields.get(values.len()) {
            let room = fields.len() - values.len();
            match field.encoding {
                0 => values.push(signed(cursor)?),
                1 => values.push(unsigned(cursor)?),
                3 => values.push(extended(unsigned(cursor)?, 14).wrapping_neg()),
                6 => {
                    // Up to eight that follow each other share a head that says which of them are not 0.
                    let alike = fields
                        .iter()
                        .skip(values.len())
                        .take(8)
                        .take_while(|next| next.encoding == 6)
                        .count();
                    if alike == 1 {
                        values.push(signed(cursor)?);
                    } else {
                        let head = cursor.u8("head of up to eight")?;
                        for bit in 0..alike {
                            values.push(if head >> bit & 1 == 1 { signed(cursor)? } else { 0 });
                        }
                    }
                }
                7 => values.extend(three(cursor, [[2; 3], [4; 3], [6; 3]])?.into_iter().take(room)),
                10 => values.extend(three(cursor, [[2; 3], [5, 5, 4], [8, 7, 7]])?.into_iter().take(room)),
                8 if self.version < 2 => values.extend(four_bytes(cursor)?.into_iter().take(room)),
                8 => values.extend(four_nibbles(cursor)?.into_iter().take(room)),
                9 if empty < MOST_EMPTY => {
                    empty += 1;
                    values.push(0);
                }
                other => {
                    let (found, expected) = (other.into(), "one of the published encodings");
                    return Err(Malformed::Unexpected {
                        field: "encoding",
                        at: cursor.at(),
                        found,
                        expected,
                    });
                }
            }
        }
        Ok(())
    }
}

/// Seven bits a byte, the lowest first; more follows where the highest bit is set.
fn unsigned(cursor: &mut Cursor<'_>) -> Result<u32, Malformed> {
    let mut value = 0;
    for shift in [0, 7, 14, 21, 28] {
        let byte = cursor.u8("number")?;
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    let expected = "a number of at most five bytes";
    Err(Malformed::Unexpected { field: "number", at: cursor.at(), found: value.into(), expected })
}

/// The sign in the lowest bit.
fn signed(cursor: &mut Cursor<'_>) -> Result<u32, Malformed> {
    let value = unsigned(cursor)?;
    Ok(value >> 1 ^ (value & 1).wrapping_neg())
}

/// The lowest bits as a number with a sign.
const fn extended(value: u32, bits: u32) -> u32 {
    let shift = 32 - bits;
    ((value << shift).cast_signed() >> shift).cast_unsigned()
}

/// Three numbers behind two bits that say how wide they are: as in one of the lists, packed from the highest bit on, or as
/// wide as two more bits each say.
fn three(cursor: &mut Cursor<'_>, widths: [[u32; 3]; 3]) -> Result<[u32; 3], Malformed> {
    let head = cursor.u8("head of three")?;
    let Some(widths) = widths.get(usize::from(head >> 6)) else {
        let mut values = [0; 3];
        for (index, value) in values.iter_mut().enumerate() {
            let bytes = usize::from(head >> (2 * index) & 3) + 1;
            *value = little(cursor.take("one of three", bytes)?);
        }
        return Ok(values);
    };
    // Six bits of the first byte, and as many bytes as are missing. Four bits each fill the lower half of the first.
    let total: u32 = widths.iter().sum();
    let mut packed = u32::from(head & 0x3f);
    let mut rest = total.saturating_sub(6).div_ceil(8);
    if *widths == [6; 3] {
        // Each in a byte of its own, its highest bits unused.
        let mut values = [extended(packed, 6), 0, 0];
        for value in values.iter_mut().skip(1) {
            *value = extended(cursor.u8("one of three")?.into(), 6);
        }
        return Ok(values);
    }
    while rest > 0 {
        packed = packed << 8 | u32::from(cursor.u8("one of three")?);
        rest -= 1;
    }
    let [a, b, c] = *widths;
    Ok([extended(packed >> (b + c), a), extended(packed >> c, b), extended(packed, c)])
}

/// Bytes as a number with a sign, the lowest first.
fn little(bytes: &[u8]) -> u32 {
    let value = bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
    match bytes.len() {
        1 => extended(value, 8),
        2 => extended(value, 16),
        3 => extended(value, 24),
        _ => value,
    }
}

/// Four numbers of 0, 4, 8 or 16 bits, as the pairs of bits of the head say, the highest bits first.
fn four_nibbles(cursor: &mut Cursor<'_>) -> Result<[u32; 4], Malformed> {
    let head = cursor.u8("head of four")?;
    // The lower half of the last byte, if it is not used yet.
    let mut half: Option<u8> = None;
    let mut values = [0; 4];
    for (index, value) in values.iter_mut().enumerate() {
        let nibbles = match head >> (2 * index) & 3 {
            0 => continue,
            1 => 1,
            2 => 2,
            _ => 4,
        };
        let mut raw = 0;
        for _ in 0..nibbles {
            let nibble = if let Some(low) = half.take() {
                low
            } else {
                let byte = cursor.u8("one of four")?;
                half = Some(byte & 15);
                byte >> 4
            };
            raw = raw << 4 | u32::from(nibble);
        }
        *value = extended(raw, 4 * nibbles);
    }
    Ok(values)
}

/// The same in version 1: whole bytes, the lowest first; two of 4 bits share one.
fn four_bytes(cursor: &mut Cursor<'_>) -> Result<[u32; 4], Malformed> {
    let head = cursor.u8("head of four")?;
    let mut half: Option<u8> = None;
    let mut values = [0; 4];
    for (index, value) in values.iter_mut().enumerate() {
        *value = match head >> (2 * index) & 3 {
            0 => 0,
            1 => {
                let nibble = if let Some(high) = half.take() {
                    high
                } else {
                    let byte = cursor.u8("two of four")?;
                    half = Some(byte >> 4);
                    byte
                };
                extended(nibble.into(), 4)
            }
            2 => little(cursor.take("one of four", 1)?),
            _ => little(cursor.take("one of four", 2)?),
        };
    }
    Ok(values)
}

/// A log being walked through.
struct Walk<'a> {
    layouts: &'a Layouts,
    bytes: &'a [u8],
    values: Vec<u32>,
    /// The times of the last frames of the main loop, the later one first.
    last: Option<(u32, u32)>,
    home: Vec<u32>,
}

/// Calls `take` with what is found from `at` on until the log ends or another begins; where that is comes back.
pub(super) fn walk(bytes: &[u8], at: usize, layouts: &Layouts, mut take: impl FnMut(&Found<'_>)) -> usize {
    let mut walk = Walk { layouts, bytes, values: Vec::new(), last: None, home: Vec::new() };
    let (mut at, mut good) = (at, at);
    while bytes.get(at..).is_some_and(|rest| !rest.is_empty() && !rest.starts_with(BEGINS)) {
        let found = if good == at { walk.frame(at) } else { walk.sure(at) };
        let Some((found, next)) = found else {
            at += 1;
            continue;
        };
        if good < at {
            take(&Found::Lost(good, at - good));
        }
        at = next;
        good = next;
        match found {
            Kind::Main(time) => take(&Found::Main(time)),
            Kind::Gps => take(&Found::Gps(&walk.values)),
            Kind::Home => {
                walk.home.clone_from(&walk.values);
                take(&Found::Home(&walk.values));
            }
            Kind::Disarm => take(&Found::Disarm),
            Kind::End => {
                take(&Found::End);
                return at;
            }
            Kind::Other => {}
        }
    }
    if good < at {
        take(&Found::Lost(good, at - good));
    }
    at
}

/// A frame that was read; its numbers stand in `values`.
enum Kind {
    Main(u32),
    Gps,
    Home,
    Disarm,
    End,
    Other,
}

impl Walk<'_> {
    /// The frame that begins here, and where it ends, if another frame is good that follows.
    fn sure(&mut self, at: usize) -> Option<(Kind, usize)> {
        let last = self.last;
        let (found, next) = self.frame(at)?;
        // The end says what it is in words.
        if next < self.bytes.len() && !matches!(found, Kind::End) {
            let followed = self.frame(next).is_some();
            self.last = last;
            return if followed { self.frame(at) } else { None };
        }
        Some((found, next))
    }

    /// The frame that begins here, and where it ends, if the letter of another one follows.
    fn frame(&mut self, at: usize) -> Option<(Kind, usize)> {
        let (letter, rest) = self.bytes.get(at..)?.split_first()?;
        let mut cursor = Cursor::new(rest);
        let last = self.last;
        let found = self.content(*letter, &mut cursor).ok().flatten()?;
        let follows = cursor.rest().first().is_none_or(|next| b"IPSGHE".contains(next));
        if !follows && !matches!(found, Kind::End) {
            self.last = last;
            return None;
        }
        Some((found, at + 1 + cursor.at()))
    }

    fn content(&mut self, letter: u8, cursor: &mut Cursor<'_>) -> Result<Option<Kind>, Malformed> {
        if letter == b'E' {
            return self.event(cursor);
        }
        if !self.layouts.frames.contains_key(&letter) {
            return Ok(None);
        }
        self.layouts.unpack(letter, cursor, &mut self.values)?;
        Ok(match letter {
            b'I' | b'P' => self.main(letter).map(Kind::Main),
            b'S' => Some(Kind::Other),
            b'G' => Some(if self.predict() { Kind::Gps } else { Kind::Other }),
            b'H' => Some(Kind::Home),
            _ => None,
        })
    }

    /// The time of a frame of the main loop: of its numbers no other is followed.
    fn main(&mut self, letter: u8) -> Option<u32> {
        let index = self.layouts.index(b'I', "time")?;
        let raw = *self.values.get(index)?;
        let predictor = self.layouts.frames.get(&letter)?.get(index)?.predictor;
        let time = match (predictor, self.last) {
            (0, _) if letter == b'I' => raw,
            (0, Some(_)) => raw,
            (1, Some((last, _))) => last.wrapping_add(raw),
            (2, Some((last, before))) => last.wrapping_mul(2).wrapping_sub(before).wrapping_add(raw),
            _ => return None,
        };
        // Behind damage what was predicted may lie ahead.
        let apart = self.last.map_or(0, |(last, _)| time.wrapping_sub(last).cast_signed().unsigned_abs());
        if apart > MOST_APART {
            // One of the two is wrong: the next frame with all values is believed.
            self.last = self.last.filter(|_| letter != b'I');
            return None;
        }
        // A frame with all values begins anew.
        let before = self.last.filter(|_| letter != b'I').map_or(time, |(last, _)| last);
        self.last = Some((time, before));
        Some(time)
    }

    /// Adds to the numbers of a receiver what was predicted: home to places, the time of the main loop to times. Whether
    /// all that was known.
    fn predict(&mut self) -> bool {
        let fields = self.layouts.frames.get(&b'G').map_or(&[][..], Vec::as_slice);
        let mut known = true;
        for (field, value) in fields.iter().zip(&mut self.values) {
            let predicted = match field.predictor {
                // Latitude and longitude have the same number.
                7 => self.home.get(usize::from(field.name.ends_with("[1]"))).copied(),
                10 => self.last.map(|(time, _)| time),
                _ => Some(0),
            };
            known &= predicted.is_some();
            *value = value.wrapping_add(predicted.unwrap_or_default());
        }
        known
    }

    /// An event. Those that are not known have no known length.
    fn event(&mut self, cursor: &mut Cursor<'_>) -> Result<Option<Kind>, Malformed> {
        match cursor.u8("event")? {
            // A beep to align films by, a failure of the sensors.
            0 | 40 => {
                unsigned(cursor)?;
            }
            10 => {
                cursor.take("begin of tuning", 5)?;
            }
            11 => {
                cursor.take("result of tuning", 4)?;
            }
            12 => {
                cursor.take("targets of tuning", 8)?;
            }
            13 => {
                if cursor.u8("adjustment")? & 0x80 == 0 {
                    signed(cursor)?;
                } else {
                    cursor.take("adjustment", 4)?;
                }
            }
            // Logging goes on after a pause: the count of loops, and the time.
            14 => {
                unsigned(cursor)?;
                let time = unsigned(cursor)?;
                self.last = Some((time, time));
            }
            15 => {
                unsigned(cursor)?;
                return Ok(Some(Kind::Disarm));
            }
            20 => {
                cursor.u8("axis")?;
                signed(cursor)?;
                cursor.take("result of tuning", 2)?;
            }
            30 => {
                unsigned(cursor)?;
                unsigned(cursor)?;
            }
            255 if cursor.rest().starts_with(b"End of log") => {
                // INAV adds a reason in brackets. Both end with a zero.
                let words = cursor.rest().iter().take(64).position(|byte| *byte == 0);
                let Some(words) = words else { return Ok(None) };
                cursor.take("end", words + 1)?;
                return Ok(Some(Kind::End));
            }
            _ => return Ok(None),
        }
        Ok(Some(Kind::Other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layouts(encodings: &str, version: u8) -> Layouts {
        let mut layouts = Layouts { version, ..Layouts::default() };
        layouts.take("Field G encoding", encodings);
        layouts
    }

    fn numbers(encodings: &str, version: u8, bytes: &[u8]) -> Option<Vec<i32>> {
        let mut values = Vec::new();
        let mut cursor = Cursor::new(bytes);
        layouts(encodings, version).unpack(b'G', &mut cursor, &mut values).ok()?;
        assert!(cursor.is_empty(), "{encodings}: {:?} is left", cursor.rest());
        Some(values.into_iter().map(u32::cast_signed).collect())
    }

    #[test]
    fn every_encoding_gives_back_what_was_packed() {
        for (encodings, version, bytes, expected) in [
            ("0,0", 2, &[3, 0x80 | 0x10, 0x02][..], &[-2, 136][..]),
            ("1", 2, &[0xff, 0xff, 0xff, 0xff, 0x0f], &[-1]),
            ("3,3", 2, &[5, 0xfb, 0x7f], &[-5, 5]),
            ("6", 2, &[4], &[2]),
            ("6,6,6,0", 2, &[0b101, 4, 1, 6], &[2, 0, -1, 3]),
            ("7,7,7", 2, &[0b00_01_11_10], &[1, -1, -2]),
            ("7,7,7", 2, &[0b0100_0111, 0b1000_0001], &[7, -8, 1]),
            ("7,7,7", 2, &[0b1001_1111, 0b0010_0000, 0b0011_1111], &[31, -32, -1]),
            ("7,7,7", 2, &[0b1110_0100, 0x80, 0x00, 0x80, 1, 2, 0x80], &[-128, -32768, -8_388_095]),
            ("7,7,7", 2, &[0b1100_0011, 1, 2, 3, 4, 5, 6], &[0x0403_0201, 5, 6]),
            ("10,10,10", 2, &[0b00_01_11_10], &[1, -1, -2]),
            ("10,10,10", 2, &[0b0101_1111, 0b0000_0111], &[15, -16, 7]),
            ("10,10,10", 2, &[0b1001_1111, 0b1110_0000, 0b0111_1111], &[127, -64, -1]),
            ("8,8,8,8", 2, &[0], &[0, 0, 0, 0]),
            ("8,8,8,8", 2, &[0b11_10_01_01, 0x7f, 0x80, 0x12, 0x34], &[7, -1, -128, 0x1234]),
            ("8,8,8,8", 2, &[0b00_11_10_01, 0x78, 0x01, 0x23, 0x40], &[7, -128, 0x1234, 0]),
            ("8,8,8,8", 1, &[0b11_10_01_01, 0x8f, 0x80, 0x34, 0x12], &[-1, -8, -128, 0x1234]),
            ("9,1", 2, &[7], &[0, 7]),
        ] {
            assert_eq!(
                numbers(encodings, version, bytes).as_deref(),
                Some(expected),
                "{encodings} {bytes:x?}"
            );
        }
        assert_eq!(numbers(&["9"; 17].join(","), 2, &[]), None, "as good as nothing");
        assert_eq!(numbers("2", 2, &[0]), None, "not a published encoding");
        assert_eq!(numbers("1", 2, &[0xff; 5]), None, "more than 32 bits");
    }
}
