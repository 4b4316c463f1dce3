//! Protocols of lines (SMTP, FTP): commands of a client, and answers with a number in front.

use creance_model::{Message, Side};

use crate::{At, datagram::Told, held::Held};

/// One direction.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    held: Held,
    /// Bytes in which no end of a line was found.
    searched: usize,
    /// What comes is the rest of a line that was cut.
    continued: bool,
}

/// A line without its end.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) text: Vec<u8>,
    pub(crate) at: At,
    pub(crate) packets: Vec<u64>,
    /// Bytes with the end.
    pub(crate) length: usize,
    /// There was no end within what a line may have.
    pub(crate) cut: bool,
    /// It is the rest of a line that was cut.
    pub(crate) continued: bool,
}

/// Longest line: mail has 998 (RFC 5322 §2.1.1), and tokens are longer.
const LONGEST: usize = 16 << 10;

impl Lines {
    pub(crate) fn push(&mut self, bytes: &[u8], at: At) {
        self.held.push(bytes, at);
    }

    /// Takes the next line off.
    pub(crate) fn next(&mut self) -> Option<Line> {
        let bytes = self.held.bytes();
        let at = self.held.first()?;
        let found = memchr::memchr(b'\n', bytes.get(self.searched..).unwrap_or_default());
        let (length, cut) = match found {
            Some(end) => (self.searched + end + 1, false),
            None if bytes.len() >= LONGEST => (bytes.len(), true),
            None => {
                self.searched = bytes.len();
                return None;
            }
        };
        let text = bytes.get(..length).unwrap_or_default();
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let text = text.strip_suffix(b"\r").unwrap_or(text).to_vec();
        let packets = self.held.packets(length);
        self.held.consume(length);
        self.searched = 0;
        let continued = std::mem::replace(&mut self.continued, cut);
        Some(Line { text, at, packets, length, cut, continued })
    }

    /// Takes as many bytes off as wait, `most` of them: they are no line.
    pub(crate) fn take(&mut self, most: usize) -> Option<Line> {
        let at = self.held.first()?;
        let text: Vec<u8> = self.held.bytes().iter().take(most).copied().collect();
        let (length, packets) = (text.len(), self.held.packets(text.len()));
        self.held.consume(length);
        self.searched = 0;
        Some(Line { text, at, packets, length, cut: true, continued: false })
    }

    /// Whether what waits begins as a handshake of TLS does.
    pub(crate) fn is_tls(&self) -> bool {
        self.held.bytes().starts_with(&[0x16, 3])
    }

    /// What waits, which is no line yet, with the packets that brought it; it is let go.
    pub(crate) fn rest(&mut self) -> Vec<(Vec<u8>, At)> {
        let rest = std::mem::take(self);
        rest.held.pieces(0, usize::MAX).map(|(piece, at)| (piece.to_vec(), at)).collect()
    }
}

impl Line {
    /// What a client told with it, as a message.
    pub(crate) fn message(&self, protocol: &'static str, told: Told, keep: bool) -> Message {
        told.message(protocol, Side::Client, self.at, self.packets.clone(), self.length as u64, keep)
    }

    /// The command in capitals and what follows it.
    pub(crate) fn command(&self) -> (String, String) {
        let text = String::from_utf8_lossy(&self.text);
        let (command, argument) = text.split_once(' ').unwrap_or((&text, ""));
        (command.to_ascii_uppercase(), argument.trim().to_owned())
    }

    /// The number of an answer's last line (RFC 5321 §4.2.1).
    pub(crate) fn answer(&self) -> Option<u16> {
        let (number, rest) = self.text.split_at_checked(3)?;
        let last = !rest.starts_with(b"-");
        std::str::from_utf8(number).ok()?.parse().ok().filter(|_| last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Timestamp;

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let said = b"EHLO a.example\r\nMAIL FROM:<a@b.example>\nx";
        for step in [1, 5, 100] {
            let (mut lines, mut told) = (Lines::default(), Vec::new());
            for (packet, piece) in (1..).zip(said.chunks(step)) {
                lines.push(piece, At { packet, time: Timestamp::default() });
                while let Some(line) = lines.next() {
                    told.push(line.command());
                }
            }
            let told: Vec<_> = told.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            assert_eq!(told, [("EHLO", "a.example"), ("MAIL", "FROM:<a@b.example>")]);
            assert_eq!(lines.rest().iter().map(|(piece, _)| piece.len()).sum::<usize>(), 1);
        }
    }
}
