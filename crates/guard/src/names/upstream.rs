//! Asks the resolvers outside: each question from a socket of its own, with a port, a number and capital letters by chance.
//!
//! What is answered must come from whom was asked (the socket is connected), with that number and those very letters. The
//! sockets bear a mark, and the kernel lets out questions with it alone, and only while names may be asked for
//! (`ruleset.rs`): what is sent here after a cut stays here.

#![expect(clippy::disallowed_types, reason = "the guard's own resolver asks")]

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket},
    time::{Duration, Instant},
};

use socket2::{Domain, Protocol, Socket, Type};

use super::{
    Found, Settings, Unusable,
    question::{LARGEST, Question},
};

/// The mark of a socket that asks.
pub(crate) const MARK: u32 = 0x6372_6501;

/// How long an answer is waited for, by how often it was asked before.
const PATIENCE: [Duration; 3] =
    [Duration::from_millis(800), Duration::from_millis(1500), Duration::from_millis(2500)];
/// Datagrams that are looked at for one question: who sends more wants to guess.
const MOST_WRONG: usize = 16;

/// Asks until somebody answers. `goes_on` says whether it may be asked still.
pub(super) fn ask(settings: &Settings, question: &Question, goes_on: impl Fn() -> bool) -> Option<Found> {
    let mut server = settings.upstream.iter().cycle();
    for patience in PATIENCE {
        let to = server.next()?.0;
        if !goes_on() {
            return None;
        }
        let sent = Sent::new(question)?;
        let said = match sent.over_udp(to, patience) {
            Ok(bytes) => bytes,
            // A resolver that does not give back the letters is asked so that nobody can guess.
            Err(error) if error.kind() == io::ErrorKind::InvalidData && goes_on() => {
                sent.over_tcp(to, patience).unwrap_or_default()
            }
            Err(_) => continue,
        };
        match Found::read(&said, question, settings, Instant::now()) {
            Ok(found) => return Some(found),
            Err(Unusable::Cut) if goes_on() => {
                let whole = sent.over_tcp(to, patience).ok();
                let found =
                    whole.and_then(|bytes| Found::read(&bytes, question, settings, Instant::now()).ok());
                if found.is_some() {
                    return found;
                }
            }
            Err(_) => {}
        }
    }
    None
}

/// A question in bytes, as it is sent.
struct Sent {
    bytes: Vec<u8>,
    /// Where the question ends.
    end: usize,
}

impl Sent {
    fn new(question: &Question) -> Option<Self> {
        let chance: [u8; 34] = ring::rand::generate(&ring::rand::SystemRandom::new()).ok()?.expose();
        let (id, letters) = chance.split_at(2);
        let mut bytes = [id, &[1, 0, 0, 1, 0, 0, 0, 0, 0, 1]].concat();
        for (number, byte) in question.key.iter().enumerate() {
            let bit =
                letters.get(number / 8 % letters.len()).is_some_and(|byte| byte >> (number % 8) & 1 == 1);
            // Lengths of labels are no letters, and the type behind the name has none that counts.
            let of_name = number + 2 < question.key.len();
            bytes.push(if bit && of_name { byte.to_ascii_uppercase() } else { *byte });
        }
        bytes.extend([0, 1]);
        let end = bytes.len();
        bytes.extend(super::question::opt(0));
        bytes.extend([0, 0]);
        Some(Self { bytes, end })
    }

    /// Whether it is what was asked that is answered: with the same number and question.
    fn is_answered_by(&self, said: &[u8]) -> bool {
        said.get(..2) == self.bytes.get(..2)
            && said.get(2).is_some_and(|flags| flags & 0x80 != 0)
            && said.get(4..6) == Some(&[0, 1])
            && said.get(12..self.end) == self.bytes.get(12..self.end)
    }

    /// Whether it is but for the letters.
    fn is_nearly_answered_by(&self, said: &[u8]) -> bool {
        let is_answer = said.get(2).is_some_and(|flags| flags & 0x80 != 0);
        let (said, sent) = (said.get(..self.end), self.bytes.get(..self.end));
        is_answer
            && said.zip(sent).is_some_and(|(said, sent)| {
                said.get(..2) == sent.get(..2)
                    && said
                        .get(12..)
                        .zip(sent.get(12..))
                        .is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
            })
    }

    fn over_udp(&self, to: SocketAddr, patience: Duration) -> io::Result<Vec<u8>> {
        let socket: UdpSocket = marked(to, Type::DGRAM, Protocol::UDP, patience)?.into();
        socket.send(&self.bytes)?;
        let began = Instant::now();
        let mut buffer = [0; LARGEST as usize];
        for _ in 0..MOST_WRONG {
            let left = patience.checked_sub(began.elapsed()).filter(|left| !left.is_zero());
            socket.set_read_timeout(Some(left.ok_or(io::ErrorKind::TimedOut)?))?;
            let length = socket.recv(&mut buffer)?;
            let said = buffer.get(..length).unwrap_or_default();
            if self.is_answered_by(said) {
                return Ok(said.to_vec());
            }
            if self.is_nearly_answered_by(said) {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    fn over_tcp(&self, to: SocketAddr, patience: Duration) -> io::Result<Vec<u8>> {
        let mut stream: TcpStream = marked(to, Type::STREAM, Protocol::TCP, patience)?.into();
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let length = u16::try_from(self.bytes.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes()[..], &self.bytes].concat())?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut said = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut said)?;
        if self.is_answered_by(&said) { Ok(said) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

/// A socket with the mark, from a port by the kernel's chance, that takes from nobody else.
fn marked(to: SocketAddr, kind: Type, protocol: Protocol, patience: Duration) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(to), kind, Some(protocol))?;
    // Without the right to it, nothing leaves: the kernel asks for the mark.
    let _ = socket.set_mark(MARK);
    if kind == Type::DGRAM {
        let any: SocketAddr =
            if to.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
        socket.bind(&any.into())?;
        socket.connect(&to.into())?;
    } else {
        socket.connect_timeout(&to.into(), patience)?;
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, thread};

    use hickory_proto::{
        op::Message,
        rr::{RData, Record, RecordType, rdata::A},
    };

    use super::*;
    use crate::names::question::tests::question;

    /// Asks a resolver on this machine that answers as it is told to.
    fn asked(answers: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Option<Found> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let server = thread::spawn(move || {
            let mut buffer = [0; 1500];
            let (length, from) = socket.recv_from(&mut buffer).unwrap();
            for answer in answers(&buffer[..length]) {
                socket.send_to(&answer, from).unwrap();
            }
        });
        let settings: Settings =
            toml::from_str(&format!("listen = ['10.0.0.1']\nupstream = ['127.0.0.1:{port}']")).unwrap();
        let once = std::cell::Cell::new(true);
        let found = ask(&settings, &question("a.long.name.example.", RecordType::A), || once.replace(false));
        server.join().unwrap();
        found
    }

    fn answer(asked: &[u8], ip: &str) -> Vec<u8> {
        let message = Message::from_vec(asked).unwrap();
        let mut answer = message.clone().into_response();
        let name = message.queries[0].name().clone();
        answer.add_answer(Record::from_rdata(name, 60, RData::A(A(ip.parse().unwrap()))));
        answer.to_vec().unwrap()
    }

    #[test]
    fn an_answer_is_taken_and_its_names_are_in_lower_case() {
        let found = asked(|bytes| vec![answer(bytes, "8.8.8.8")]).unwrap();
        assert_eq!(found.names, ["a.long.name.example"]);
        assert_eq!(found.addresses.len(), 1);
    }

    #[test]
    fn guesses_are_passed_over() {
        let found = asked(|bytes| {
            let right = answer(bytes, "8.8.8.8");
            let mut number = answer(bytes, "6.6.6.6");
            number[1] ^= 1;
            let mut question = answer(bytes, "6.6.6.6");
            question[13] ^= 1;
            let mut no_answer = answer(bytes, "6.6.6.6");
            no_answer[2] &= 0x7f;
            vec![number, question, no_answer, vec![], right]
        });
        assert_eq!(found.unwrap().addresses, ["8.8.8.8".parse::<std::net::IpAddr>().unwrap()]);
    }

    #[test]
    fn letters_and_numbers_are_by_chance() {
        let one = question("abcdefghijklmnopqrstuvwxyz.example.", RecordType::A);
        let all: std::collections::BTreeSet<_> = (0..20).map(|_| Sent::new(&one).unwrap().bytes).collect();
        assert_eq!(all.len(), 20);
        for bytes in all {
            let read = Message::from_vec(&bytes).unwrap();
            assert_eq!(
                read.queries[0].name().to_ascii().to_lowercase(),
                "abcdefghijklmnopqrstuvwxyz.example."
            );
            assert_eq!(read.queries[0].query_type(), RecordType::A);
        }
    }
}
