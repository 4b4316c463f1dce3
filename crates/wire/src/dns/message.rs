//! One DNS message (RFC 1035 §4): names, questions, answers, the client subnet (RFC 7871).

use std::{borrow::Cow, fmt::Write, net::IpAddr};

use creance_cursor::{Cursor, Malformed};

/// Records read of one message.
const MOST_RECORDS: usize = 512;

/// Jumps that a compressed name may make.
const MOST_JUMPS: usize = 32;

/// Longest name (RFC 1035 §2.3.4), with room for escapes.
const MOST_NAME: usize = 1024;

/// Questions of one message that are told: each gives a message with all answers.
const MOST_QUESTIONS: usize = 32;

/// Aliases followed from a name.
const MOST_ALIASES: usize = 16;

/// A question.
pub(super) struct Question {
    pub(super) name: String,
    pub(super) kind: u16,
}

/// A record of the answer section.
pub(super) struct Answer {
    /// In lower case, for names are the same whatever their case.
    owner: String,
    /// `A 1.2.3.4`, `CNAME name`, …
    pub(super) shown: String,
    data: Data,
}

/// What matters of a record for telling which name an address has.
enum Data {
    Address(IpAddr),
    Alias(String),
    Other,
}

/// A message as far as it makes sense.
pub(super) struct Read {
    pub(super) id: u16,
    pub(super) response: bool,
    pub(super) rcode: u16,
    /// What was asked; in an answer without questions (mDNS), the names it is about.
    pub(super) asked: Vec<Question>,
    pub(super) answers: Vec<Answer>,
    pub(super) subnet: Option<String>,
    /// The owner of the first answer.
    first: Option<Question>,
}

impl Read {
    /// Reads as far as the message makes sense. `None` if not even its first question does.
    pub(super) fn header(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let id = cursor.u16_be("id").ok()?;
        let flags = cursor.u16_be("flags").ok()?;
        let counts: [u16; 4] = [
            cursor.u16_be("questions").ok()?,
            cursor.u16_be("answers").ok()?,
            cursor.u16_be("authorities").ok()?,
            cursor.u16_be("additionals").ok()?,
        ];
        // Opcodes above 6 and the reserved bit are not DNS.
        if flags >> 11 & 0xf > 6 {
            return None;
        }
        let mut read = Self {
            id,
            response: flags & 0x8000 != 0,
            rcode: flags & 0xf,
            asked: Vec::new(),
            answers: Vec::new(),
            subnet: None,
            first: None,
        };
        // What follows damage is not read; what came before it counts.
        let _ = read.sections(&mut cursor, bytes, counts);
        if read.response && read.asked.is_empty() {
            read.name_owners();
        }
        read.asked.truncate(MOST_QUESTIONS);
        (!read.asked.is_empty() || !read.answers.is_empty()).then_some(read)
    }

    /// An answer without question (mDNS) stands for the names it gives addresses to, or else for its first record.
    fn name_owners(&mut self) {
        let mut owners: Vec<(&str, u16)> = Vec::new();
        for answer in &self.answers {
            let kind = match answer.data {
                Data::Address(IpAddr::V4(_)) => 1,
                Data::Address(IpAddr::V6(_)) => 28,
                _ => continue,
            };
            if owners.len() < MOST_QUESTIONS && owners.iter().all(|(owner, _)| *owner != answer.owner) {
                owners.push((&answer.owner, kind));
            }
        }
        let owners: Vec<_> =
            owners.into_iter().map(|(name, kind)| Question { name: name.to_owned(), kind }).collect();
        if owners.is_empty() {
            self.asked.extend(self.first.take());
        } else {
            self.asked = owners;
        }
    }

    /// The addresses of a name, aliases followed.
    pub(super) fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let mut names = vec![name.to_lowercase()];
        for _ in 0..MOST_ALIASES {
            let next = self.answers.iter().find_map(|answer| match &answer.data {
                Data::Alias(target) if names.last() == Some(&answer.owner) => Some(target.to_lowercase()),
                _ => None,
            });
            match next {
                Some(next) if !names.contains(&next) => names.push(next),
                _ => break,
            }
        }
        let of = |answer: &Answer| match answer.data {
            Data::Address(ip) if names.contains(&answer.owner) => Some(ip),
            _ => None,
        };
        self.answers.iter().filter_map(of).collect()
    }

    fn sections<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        bytes: &'a [u8],
        counts: [u16; 4],
    ) -> Result<(), Malformed> {
        let [questions, answers, authorities, additionals] = counts.map(usize::from);
        for _ in 0..questions.min(MOST_RECORDS) {
            let name = name(cursor, bytes)?;
            let kind = cursor.u16_be("question type")?;
            cursor.u16_be("question class")?;
            self.asked.push(Question { name, kind });
        }
        for index in 0..(answers + authorities + additionals).min(MOST_RECORDS) {
            let owner = name(cursor, bytes)?;
            let kind = cursor.u16_be("record type")?;
            cursor.u16_be("record class")?;
            cursor.take("time to live", 4)?;
            let length = usize::from(cursor.u16_be("record length")?);
            let mut data = cursor.sub("record data", length)?;
            if index < answers {
                let (shown, data) = answer(kind, &mut data, bytes)?;
                self.answers.push(Answer { owner: owner.to_lowercase(), shown, data });
                if self.first.is_none() {
                    self.first = Some(Question { name: owner, kind });
                }
            } else if kind == 41 {
                self.options(&mut data)?;
            }
        }
        Ok(())
    }

    /// EDNS options (RFC 6891): of them the client subnet, which tells a resolver where its client is.
    fn options(&mut self, data: &mut Cursor<'_>) -> Result<(), Malformed> {
        while !data.is_empty() {
            let code = data.u16_be("option code")?;
            let length = usize::from(data.u16_be("option length")?);
            let mut option = data.sub("option", length)?;
            if code != 8 {
                continue;
            }
            let family = option.u16_be("address family")?;
            let bits = option.u8("source prefix length")?;
            option.u8("scope prefix length")?;
            let mut octets = [0_u8; 16];
            for (octet, byte) in octets.iter_mut().zip(option.rest()) {
                *octet = *byte;
            }
            let ip = match (family, octets) {
                (1, [a, b, c, d, ..]) => IpAddr::from([a, b, c, d]),
                _ => IpAddr::from(octets),
            };
            self.subnet = Some(format!("{ip}/{bits}"));
        }
        Ok(())
    }
}

fn answer<'a>(number: u16, data: &mut Cursor<'a>, bytes: &'a [u8]) -> Result<(String, Data), Malformed> {
    Ok(match number {
        1 => address("A", data.array::<4>("address")?.into()),
        28 => address("AAAA", data.array::<16>("address")?.into()),
        5 => {
            let target = name(data, bytes)?;
            (format!("CNAME {target}"), Data::Alias(target))
        }
        12 => (format!("PTR {}", name(data, bytes)?), Data::Other),
        16 => (texts(data)?, Data::Other),
        33 => {
            data.take("priority and weight", 4)?;
            let port = data.u16_be("port")?;
            (format!("SRV {port} {}", name(data, bytes)?), Data::Other)
        }
        64 | 65 => (service(number, data, bytes)?, Data::Other),
        other => (kind(other).into_owned(), Data::Other),
    })
}

/// The strings of a TXT record, of which devices make pairs of names and values (RFC 6763 §6).
fn texts(data: &mut Cursor<'_>) -> Result<String, Malformed> {
    let mut shown = "TXT".to_owned();
    while !data.is_empty() {
        let length = usize::from(data.u8("text length")?);
        shown.push(' ');
        shown.push_str(&String::from_utf8_lossy(data.take("text", length)?));
    }
    Ok(shown)
}

fn address(kind: &str, ip: IpAddr) -> (String, Data) {
    (format!("{kind} {ip}"), Data::Address(ip))
}

/// An HTTPS or SVCB record: what matters of its parameters.
fn service<'a>(kind_number: u16, data: &mut Cursor<'a>, bytes: &'a [u8]) -> Result<String, Malformed> {
    let priority = data.u16_be("priority")?;
    let target = name(data, bytes)?;
    let mut shown = format!("{} {priority} {target}", kind(kind_number));
    while !data.is_empty() {
        let key = data.u16_be("parameter")?;
        let length = usize::from(data.u16_be("parameter length")?);
        let mut value = data.sub("parameter value", length)?;
        match key {
            1 => {
                let mut names = Vec::new();
                while !value.is_empty() {
                    let length = usize::from(value.u8("protocol length")?);
                    names.push(String::from_utf8_lossy(value.take("protocol", length)?).into_owned());
                }
                shown = format!("{shown} alpn={}", names.join(","));
            }
            5 => shown.push_str(" ech"),
            _ => {}
        }
    }
    Ok(shown)
}

/// A record type as it is written.
pub(super) fn kind(number: u16) -> Cow<'static, str> {
    Cow::Borrowed(match number {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        10 => "NULL",
        12 => "PTR",
        15 => "MX",
        16 => "TXT",
        28 => "AAAA",
        33 => "SRV",
        35 => "NAPTR",
        43 => "DS",
        46 => "RRSIG",
        48 => "DNSKEY",
        64 => "SVCB",
        65 => "HTTPS",
        255 => "ANY",
        other => return Cow::Owned(format!("TYPE{other}")),
    })
}

/// A name in presentation form, letters as they were sent; the cursor moves behind it. Odd bytes are escaped as `\DDD`.
fn name<'a>(cursor: &mut Cursor<'a>, whole: &'a [u8]) -> Result<String, Malformed> {
    let mut text = String::new();
    let mut jumped: Option<Cursor<'a>> = None;
    for _ in 0..=MOST_JUMPS {
        loop {
            let here = jumped.as_mut().unwrap_or(cursor);
            let at = here.at();
            let length = here.u8("label length")?;
            match length {
                0 => return Ok(text),
                1..=63 => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    escape(here.take("label", usize::from(length))?, &mut text);
                    if text.len() > MOST_NAME {
                        return Err(unexpected(at, length, "a name of at most 255 bytes"));
                    }
                }
                0xc0.. => {
                    let low = here.u8("pointer")?;
                    let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    // Pointers go back: one that does not would never end.
                    let Some(rest) = whole.get(target..).filter(|_| target < at) else {
                        return Err(unexpected(at, length, "a pointer to an earlier name"));
                    };
                    jumped = Some(Cursor::starting_at(rest, target));
                    break;
                }
                _ => return Err(unexpected(at, length, "a label of 0 to 63 bytes, or a pointer")),
            }
        }
    }
    Err(unexpected(cursor.at(), 0, "fewer pointers"))
}

fn unexpected(at: usize, found: u8, expected: &'static str) -> Malformed {
    Malformed::Unexpected { field: "label length", at, found: u64::from(found), expected }
}

fn escape(label: &[u8], text: &mut String) {
    for byte in label {
        match byte {
            b'.' | b'\\' => {
                text.push('\\');
                text.push(char::from(*byte));
            }
            0x21..=0x7e => text.push(char::from(*byte)),
            other => {
                // Writing to a string does not fail.
                let _ = write!(text, "\\{other:03}");
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"\x00\x07\x81\x80\0\x01\0\x02\0\0\0\0\x03API\x07example\0\0\x01\0\x01\
        \xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x06\x03cdn\xc0\x10\xc0\x29\0\x01\0\x01\0\0\0\x3c\0\x04\x2f\x5f\x01\x02";

    fn shown(read: &Read) -> Vec<&str> {
        read.answers.iter().map(|answer| answer.shown.as_str()).collect()
    }

    #[test]
    fn an_alias_is_followed_to_its_address() {
        let read = Read::header(ANSWER).unwrap();
        assert_eq!(read.asked[0].name, "API.example");
        assert_eq!(shown(&read), ["CNAME cdn.example", "A 47.95.1.2"]);
        assert_eq!(read.addresses("api.EXAMPLE"), [IpAddr::from([47, 95, 1, 2])]);
        assert!(read.addresses("other.example").is_empty());
    }

    #[test]
    fn a_device_that_makes_itself_known_says_its_name_and_model() {
        let told = b"\0\0\x84\0\0\0\0\x03\0\0\0\0\x05_http\x05local\0\0\x0c\0\x01\0\0\0\x3c\0\x06\x03ada\xc0\x0c\
            \xc0\x21\0\x10\0\x01\0\0\0\x3c\0\x09\x08model=X5\xc0\x21\0\x21\0\x01\0\0\0\x3c\0\x08\0\0\0\0\0\x50\xc0\x0c";
        let read = Read::header(told).unwrap();
        assert_eq!(shown(&read), ["PTR ada._http.local", "TXT model=X5", "SRV 80 _http.local"]);
    }

    #[test]
    fn a_pointer_to_itself_ends() {
        let looped = b"\x00\x07\x01\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01";
        assert!(Read::header(looped).is_none());
    }

    #[test]
    fn what_came_before_a_cut_is_kept() {
        let read = Read::header(&ANSWER[..ANSWER.len() - 6]).unwrap();
        assert_eq!(shown(&read), ["CNAME cdn.example"]);
    }

    #[test]
    fn an_answer_without_question_gives_each_address_its_own_name() {
        let told = b"\0\0\x84\0\0\0\0\x02\0\0\0\0\x01a\x05local\0\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01\
            \x01b\xc0\x0e\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x02";
        let read = Read::header(told).unwrap();
        let names: Vec<_> = read.asked.iter().map(|asked| asked.name.as_str()).collect();
        assert_eq!(names, ["a.local", "b.local"]);
        assert_eq!(read.addresses("b.local"), [IpAddr::from([10, 0, 0, 2])]);
    }
}
