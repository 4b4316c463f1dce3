//! The letters of a picture in a GIF, one for each of its points, as they are coded (LZW with codes of a growing width, `GIF89a` appendix
//! F): where they end. What the picture's parts hold behind is shown by nobody.
//!
//! No letter is decoded: a code stands for a row of letters, and how many these are is all that is held of it.

use std::io;

use super::Block;
use crate::still::stretch::Window;

/// Bits of the longest code, and how many codes there are.
const WIDEST: u32 = 12;
const MOST_CODES: usize = 1 << WIDEST;

/// Where the letters of a picture end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// Where the parts end, or behind them: the picture is cut.
    Last,
    /// Before.
    Before {
        /// Where the part begins in which they end, at its length.
        part: u64,
        /// Behind the last byte that is theirs.
        at: u64,
        /// Bytes of parts behind it.
        behind: u64,
        /// Whether any of these is not zero.
        is_filled: bool,
    },
    /// A code that stands for nothing is in this byte.
    Damaged(u64),
}

/// Finds where the letters of a picture end.
pub(crate) fn end(window: &mut Window<'_>, picture: &Block) -> io::Result<End> {
    let head = window.at(picture.range.start, 10)?;
    let side = |at: usize| {
        let two = head.get(at..).and_then(|rest| rest.first_chunk());
        two.map_or(0, |two| u64::from(u16::from_le_bytes(*two)))
    };
    let letters = side(5) * side(7);
    let Some(mut codes) =
        window.at(picture.content - 1, 1)?.first().and_then(|least| Codes::of(*least, letters))
    else {
        return Ok(End::Damaged(picture.content - 1));
    };
    let mut part = picture.content;
    // Where all letters were there, though no code said that they end: its part, and behind its byte.
    let mut complete = None;
    while part < picture.range.end {
        let length = u64::from(window.at(part, 1)?.first().copied().unwrap_or_default());
        let bytes = window.at(part + 1, usize::try_from(length).unwrap_or(0))?;
        for (at, byte) in (part + 1..).zip(bytes) {
            match codes.take(*byte) {
                Step::More => {}
                Step::All => complete = Some((part, at + 1)),
                Step::End => return rest(window, picture, (part, at + 1)),
                Step::Beyond => return rest(window, picture, complete.unwrap_or((part, at + 1))),
                Step::Damaged => return Ok(End::Damaged(at)),
            }
        }
        if length == 0 {
            break;
        }
        part += 1 + length;
    }
    Ok(End::Last)
}

/// What the parts of a picture hold behind the end of its letters, which is in this part and there.
fn rest(window: &mut Window<'_>, picture: &Block, (part, at): (u64, u64)) -> io::Result<End> {
    let (mut behind, mut is_filled) = (0, false);
    let mut next = part;
    while next < picture.range.end {
        let length = u64::from(window.at(next, 1)?.first().copied().unwrap_or_default());
        if length == 0 {
            break;
        }
        let from = (next + 1).max(at);
        let after = next + 1 + length;
        let bytes = window.at(from, usize::try_from(after - from).unwrap_or(0))?;
        behind += bytes.len() as u64;
        is_filled |= bytes.iter().any(|byte| *byte != 0);
        next = after;
    }
    Ok(if behind == 0 { End::Last } else { End::Before { part, at, behind, is_filled } })
}

/// What a byte leads to.
enum Step {
    /// Further codes.
    More,
    /// The last letter that the picture has room for.
    All,
    /// The code that says so.
    End,
    /// Another code, though all letters were there.
    Beyond,
    /// A code that stands for nothing.
    Damaged,
}

/// The codes so far.
struct Codes {
    /// Bits of a letter.
    least: u32,
    /// Bits of the next code.
    width: u32,
    /// The code that will be given next.
    next: usize,
    last: Option<usize>,
    /// How many letters each code stands for.
    lengths: Vec<u32>,
    /// Letters that the picture has room for still.
    left: u64,
    /// Bits that are held, and how many.
    bits: u32,
    held: u32,
}

impl Codes {
    /// Codes for letters of so many bits; `None`: no reader knows such.
    fn of(least: u8, letters: u64) -> Option<Self> {
        let least = u32::from(least);
        (1..WIDEST).contains(&least).then(|| Self {
            least,
            width: least + 1,
            next: (1 << least) + 2,
            last: None,
            lengths: vec![1; MOST_CODES],
            left: letters,
            bits: 0,
            held: 0,
        })
    }

    fn take(&mut self, byte: u8) -> Step {
        self.bits |= u32::from(byte) << self.held;
        self.held += 8;
        let mut step = Step::More;
        while self.held >= self.width {
            let code = self.bits & ((1 << self.width) - 1);
            self.bits >>= self.width;
            self.held -= self.width;
            match self.code(code as usize) {
                Step::More => {}
                Step::All => step = Step::All,
                // Within the byte that held the last letter the bits behind it fill it up.
                Step::Beyond if matches!(step, Step::All) => {}
                end => return end,
            }
        }
        step
    }

    fn code(&mut self, code: usize) -> Step {
        let clear = 1 << self.least;
        if code == clear {
            (self.width, self.next, self.last) = (self.least + 1, clear + 2, None);
            return Step::More;
        }
        if code == clear + 1 {
            return Step::End;
        }
        if self.left == 0 {
            return Step::Beyond;
        }
        let length = |code: usize| self.lengths.get(code).copied().unwrap_or_default();
        let letters = match self.last {
            // Behind the beginning a code is a letter.
            None if code < clear => 1,
            Some(_) if code < self.next => length(code),
            // What the last one stood for, and its first letter again.
            Some(last) if code == self.next && code < MOST_CODES => length(last) + 1,
            _ => return Step::Damaged,
        };
        if let Some(last) = self.last
            && self.next < MOST_CODES
        {
            let longer = length(last) + 1;
            if let Some(anew) = self.lengths.get_mut(self.next) {
                *anew = longer;
            }
            self.next += 1;
            if self.next == 1 << self.width && self.width < WIDEST {
                self.width += 1;
            }
        }
        self.last = Some(code);
        self.left = self.left.saturating_sub(u64::from(letters));
        if self.left == 0 { Step::All } else { Step::More }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::still::gif::{Kind, blocks};
    use proptest::prelude::*;

    /// Codes of a growing width, one behind another.
    #[derive(Default)]
    struct Bits {
        bytes: Vec<u8>,
        held: u64,
        count: u32,
    }

    impl Bits {
        fn push(&mut self, code: usize, width: u32) {
            self.held |= (code as u64) << self.count;
            self.count += width;
            while self.count >= 8 {
                self.bytes.push(self.held.to_le_bytes()[0]);
                self.held >>= 8;
                self.count -= 8;
            }
        }

        fn end(mut self) -> Vec<u8> {
            if self.count > 0 {
                self.bytes.push(self.held.to_le_bytes()[0]);
            }
            self.bytes
        }
    }

    /// Letters, coded as the standard says; the code of the end only where it is asked for.
    fn coded(letters: &[u8], least: u32, with_end: bool) -> Vec<u8> {
        let clear = 1_usize << least;
        let mut bits = Bits::default();
        bits.push(clear, least + 1);
        let mut known = std::collections::HashMap::new();
        let (mut width, mut next) = (least + 1, clear + 2);
        let mut row: Vec<u8> = Vec::new();
        let code = |row: &[u8], known: &std::collections::HashMap<Vec<u8>, usize>| {
            if row.len() == 1 { usize::from(row[0]) } else { known[row] }
        };
        for letter in letters {
            let longer = [&row[..], &[*letter]].concat();
            if longer.len() == 1 || known.contains_key(&longer) {
                row = longer;
                continue;
            }
            bits.push(code(&row, &known), width);
            if next < MOST_CODES {
                known.insert(longer, next);
                // Who writes is one code ahead of who reads.
                if next == 1 << width && width < WIDEST {
                    width += 1;
                }
                next += 1;
            } else {
                bits.push(clear, width);
                known.clear();
                (width, next) = (least + 1, clear + 2);
            }
            row = vec![*letter];
        }
        if !row.is_empty() {
            bits.push(code(&row, &known), width);
            if next == 1 << width && width < WIDEST {
                width += 1;
            }
        }
        if with_end {
            bits.push(clear + 1, width);
        }
        bits.end()
    }

    /// A GIF of one picture with so many letters in a row, whose parts have this length and hold these bytes.
    fn gif(letters: usize, least: u8, bytes: &[u8], part: usize) -> Vec<u8> {
        let wide = u16::try_from(letters).unwrap().to_le_bytes();
        let mut gif = [&b"GIF89a\x01\0\x01\0\0\0\0\x2c\0\0\0\0"[..], &wide, &[1, 0, 0, least]].concat();
        for part in bytes.chunks(part) {
            gif.push(u8::try_from(part.len()).unwrap());
            gif.extend(part);
        }
        [&gif[..], &[0, 0x3b]].concat()
    }

    fn found(gif: &[u8]) -> End {
        let blocks = blocks(&gif).unwrap();
        assert_eq!((blocks.all.len(), blocks.all[0].kind, &blocks.flaw), (1, Kind::Picture, &None));
        end(&mut Window::new(&gif), &blocks.all[0]).unwrap()
    }

    proptest! {
        #[test]
        fn letters_end_where_they_were_ended(letters in prop::collection::vec(0_u8..=255, 1..20_000), least in 2_u8..=8, few: bool, part in 1_usize..=255, with_end: bool, behind in prop::collection::vec(any::<u8>(), 0..600)) {
            let most = u8::MAX >> (8 - if few { 1 } else { least });
            let letters: Vec<u8> = letters.iter().map(|letter| letter & most).collect();
            let bytes = coded(&letters, least.into(), with_end);
            prop_assert_eq!(found(&gif(letters.len(), least, &bytes, part)), End::Last);
            let all = gif(letters.len(), least, &[&bytes[..], &behind].concat(), part);
            match found(&all) {
                // Few bits may hold no code that ends them.
                End::Last => prop_assert!(behind.is_empty() || !with_end),
                End::Before { part: begins, at, behind: more, is_filled } => {
                    let wanted = (behind.len() as u64, behind.iter().any(|byte| *byte != 0));
                    prop_assert!((more, is_filled) == wanted || !with_end && more < wanted.0);
                    let length = all[usize::try_from(begins).unwrap()];
                    prop_assert!(at > begins + 1 && at <= begins + 1 + u64::from(length));
                    prop_assert!(!with_end || all[usize::try_from(at).unwrap() - 1] == *bytes.last().unwrap());
                }
                End::Damaged(at) => prop_assert!(false, "damaged at {at}"),
            }
        }

        #[test]
        fn any_bytes_are_answered(letters in 0_usize..5000, least: u8, bytes in prop::collection::vec(any::<u8>(), 0..3000), part in 1_usize..=255) {
            let gif = gif(letters, least, &bytes, part);
            if let End::Before { part, at, behind, .. } = found(&gif) {
                prop_assert!(part < at && behind > 0 && at + behind < gif.len() as u64);
            }
        }
    }

    #[test]
    fn without_a_code_that_says_so_letters_end_where_the_picture_has_room_for_no_more() {
        let gif = gif(1, 2, b"\x04SECRET", 3);
        let End::Before { at, behind, is_filled, .. } = found(&gif) else {
            unreachable!("{:?}", found(&gif))
        };
        assert_eq!((gif[usize::try_from(at).unwrap() - 1], behind, is_filled), (4, 6, true));
    }

    #[test]
    fn a_code_that_stands_for_nothing_is_damage() {
        // Clear, and a code that was not given yet.
        let mut bits = Bits::default();
        bits.push(4, 3);
        bits.push(7, 3);
        assert!(matches!(found(&gif(9, 2, &bits.end(), 255)), End::Damaged(_)));
        assert!(matches!(found(&gif(9, 12, &[0; 4], 255)), End::Damaged(_)));
    }
}
