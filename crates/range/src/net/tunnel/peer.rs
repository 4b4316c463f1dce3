//! An end of a tunnel: handshakes, keys that change, and messages that nobody between can read.
//!
//! ```text
//! 1 0 0 0 │ sender │ ephemeral (32) │ static, sealed (48) │ time, sealed (28) │ mac (16) │ mac (16)      148 bytes
//! 2 0 0 0 │ sender │ receiver │ ephemeral (32) │ nothing, sealed (16) │ mac (16) │ mac (16)                92
//! 4 0 0 0 │ receiver │ counter (8) │ a packet, filled up to sixteens, sealed │ tag (16)              32 to 1452
//! ```
//!
//! The forms, sizes, counters and times are those of `WireGuard` (wireguard.com/protocol); numbers are least significant byte first.
//! Keys are agreed on (X25519) and used (`ChaCha20`-Poly1305) by ring. It is none that another `WireGuard` would talk to: who
//! the ends are is not proved, so what stands in place of static keys, times and marks is chance, and keys are derived with
//! SHA-256, where `WireGuard` has BLAKE2s.

use std::time::Duration;

use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral},
    hkdf::{HKDF_SHA256, Salt},
    rand::SystemRandom,
};

use super::LARGEST;

/// After so long, whoever began a session begins the next when something is to be sent (`REKEY_AFTER_TIME`).
const OLD: Duration = Duration::from_mins(2);

/// After so long, nothing is sent in it any more (`REJECT_AFTER_TIME`).
const DEAD: Duration = Duration::from_mins(3);

/// How long is waited for an answer to the first message of a handshake (`REKEY_TIMEOUT`).
const PATIENCE: Duration = Duration::from_secs(5);

/// So long after something came, and nothing was to be sent, that much is said (`KEEPALIVE_TIMEOUT`).
const SILENCE: Duration = Duration::from_secs(10);

/// Sessions that messages may still come in.
const KEPT: usize = 3;

/// Sixteen bytes: what packets are filled up to, where that is not more than [`LARGEST`].
const BLOCK: usize = 16;

/// An end.
#[derive(Default)]
pub(super) struct Peer {
    /// The newest last.
    sessions: Vec<Session>,
    shaking: Option<Shaking>,
    /// When a packet came after which none was sent.
    heard: Option<Duration>,
}

/// Keys of both directions.
struct Session {
    mine: [u8; 4],
    theirs: [u8; 4],
    seals: LessSafeKey,
    opens: LessSafeKey,
    counter: u64,
    born: Duration,
    /// Whether the other end is known to have the keys.
    proven: bool,
}

/// A handshake whose answer is waited for.
struct Shaking {
    mine: [u8; 4],
    key: EphemeralPrivateKey,
    since: Duration,
}

impl Peer {
    /// The first message of a handshake, where one is due: there are no keys, or old ones, and no answer is waited for.
    pub(super) fn begin(&mut self, now: Duration, random: &mut fastrand::Rng) -> Option<Vec<u8>> {
        let fresh = self.current(now).is_some_and(|session| now.saturating_sub(session.born) < OLD);
        let waits = self.shaking.as_ref().is_some_and(|one| now.saturating_sub(one.since) < PATIENCE);
        if fresh || waits {
            return None;
        }
        let key = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).ok()?;
        let mine = random.u32(..).to_le_bytes();
        let mut message = [[1, 0, 0, 0], mine].concat();
        message.extend_from_slice(key.compute_public_key().ok()?.as_ref());
        message.extend(chance(48 + 28 + 16, random));
        message.extend([0; 16]);
        self.shaking = Some(Shaking { mine, key, since: now });
        Some(message)
    }

    /// The answer to a first message.
    pub(super) fn answer(
        &mut self,
        first: &[u8],
        now: Duration,
        random: &mut fastrand::Rng,
    ) -> Option<Vec<u8>> {
        let ([1, 0, 0, 0, theirs @ ..], _) = first.split_first_chunk::<8>()? else { return None };
        let key = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).ok()?;
        let mine = random.u32(..).to_le_bytes();
        let mut message = [[2, 0, 0, 0], mine, *theirs].concat();
        message.extend_from_slice(key.compute_public_key().ok()?.as_ref());
        message.extend(chance(16 + 16, random));
        message.extend([0; 16]);
        let [up, down] = keys(key, first.get(8..40)?)?;
        self.keep(Session {
            mine,
            theirs: *theirs,
            seals: down,
            opens: up,
            counter: 0,
            born: now,
            proven: false,
        });
        Some(message)
    }

    /// Takes the answer: from now on there are keys.
    pub(super) fn finish(&mut self, second: &[u8], now: Duration) -> Option<()> {
        let ([2, 0, 0, 0, theirs @ ..], rest) = second.split_first_chunk::<8>()? else { return None };
        let (mine, rest) = rest.split_first_chunk::<4>()?;
        let shaking = self.shaking.take_if(|shaking| shaking.mine == *mine)?;
        let [up, down] = keys(shaking.key, rest.get(..32)?)?;
        self.keep(Session {
            mine: shaking.mine,
            theirs: *theirs,
            seals: up,
            opens: down,
            counter: 0,
            born: now,
            proven: true,
        });
        Some(())
    }

    fn keep(&mut self, session: Session) {
        self.sessions.push(session);
        if self.sessions.len() > KEPT {
            self.sessions.remove(0);
        }
    }

    /// The newest keys that both ends are known to have.
    fn current(&self, now: Duration) -> Option<&Session> {
        let alive = |one: &&Session| one.proven && now.saturating_sub(one.born) < DEAD;
        self.sessions.iter().rev().find(alive)
    }

    /// A message with a packet; nothing where there are no keys. One without a packet says that this end is there.
    pub(super) fn seal(&mut self, packet: &[u8], now: Duration) -> Option<Vec<u8>> {
        let mine = self.current(now)?.mine;
        let session = self.sessions.iter_mut().find(|one| one.mine == mine)?;
        let mut sealed = packet.to_vec();
        let filled = packet.len().next_multiple_of(BLOCK).min(LARGEST).max(packet.len());
        sealed.resize(filled, 0);
        session.seals.seal_in_place_append_tag(nonce(session.counter), Aad::empty(), &mut sealed).ok()?;
        let mut message = [[4, 0, 0, 0], session.theirs].concat();
        message.extend(session.counter.to_le_bytes());
        message.extend(sealed);
        session.counter += 1;
        self.heard = None;
        Some(message)
    }

    /// The packet of a message, with what filled it up; empty where it carried none.
    pub(super) fn open(&mut self, message: &[u8], now: Duration) -> Option<Vec<u8>> {
        let ([4, 0, 0, 0, mine @ ..], rest) = message.split_first_chunk::<8>()? else { return None };
        let (counter, sealed) = rest.split_first_chunk::<8>()?;
        let session = self.sessions.iter_mut().find(|one| one.mine == *mine)?;
        let mut opened = sealed.to_vec();
        let nonce = nonce(u64::from_le_bytes(*counter));
        let length = session.opens.open_in_place(nonce, Aad::empty(), &mut opened).ok()?.len();
        session.proven = true;
        opened.truncate(length);
        if length > 0 {
            self.heard.get_or_insert(now);
        }
        Some(opened)
    }

    /// When it is to say that it is there.
    pub(super) fn next(&self) -> Option<Duration> {
        self.heard.map(|heard| heard + SILENCE)
    }

    /// That it is there, where it is time to say so.
    pub(super) fn keep_alive(&mut self, now: Duration) -> Option<Vec<u8>> {
        self.next().filter(|at| *at <= now)?;
        self.heard = None;
        self.seal(&[], now)
    }
}

/// Keys that two ends agree on: of whoever began, and of the other.
fn keys(mine: EphemeralPrivateKey, theirs: &[u8]) -> Option<[LessSafeKey; 2]> {
    agree_ephemeral(mine, &UnparsedPublicKey::new(&X25519, theirs), |shared| {
        let secret = Salt::new(HKDF_SHA256, b"creance range tunnel").extract(shared);
        let key = |way: &[u8]| {
            let key = UnboundKey::from(secret.expand(&[way], &CHACHA20_POLY1305).ok()?);
            Some(LessSafeKey::new(key))
        };
        Some([key(b"up")?, key(b"down")?])
    })
    .ok()?
}

fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; 12];
    for (to, byte) in bytes.iter_mut().skip(4).zip(counter.to_le_bytes()) {
        *to = byte;
    }
    Nonce::assume_unique_for_key(bytes)
}

fn chance(count: usize, random: &mut fastrand::Rng) -> Vec<u8> {
    (0..count).map(|_| random.u8(..)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two ends that have shaken hands at a moment.
    fn shaken(now: Duration) -> (Peer, Peer) {
        let mut random = fastrand::Rng::with_seed(1);
        let (mut phone, mut server) = (Peer::default(), Peer::default());
        shake(&mut phone, &mut server, now, &mut random);
        (phone, server)
    }

    fn shake(phone: &mut Peer, server: &mut Peer, now: Duration, random: &mut fastrand::Rng) {
        let first = phone.begin(now, random).unwrap();
        let second = server.answer(&first, now, random).unwrap();
        assert_eq!((first.len(), second.len()), (148, 92));
        phone.finish(&second, now).unwrap();
    }

    #[test]
    fn what_one_end_seals_the_other_opens_and_nobody_else() {
        let now = Duration::from_secs(1);
        let (mut phone, mut server) = shaken(now);
        assert!(server.seal(b"too early", now).is_none(), "whoever answers waits for a proof");
        let message = phone.seal(b"a packet", now).unwrap();
        assert_eq!(message.len(), 16 + 16 + 16);
        let mut torn = message.clone();
        torn[20] ^= 1;
        assert!(server.open(&torn, now).is_none());
        assert!(shaken(now).1.open(&message, now).is_none());
        assert_eq!(server.open(&message, now).unwrap(), b"a packet\0\0\0\0\0\0\0\0");
        let full = [1420, 1419, 1409, 1408].map(|length| phone.seal(&vec![0; length], now).unwrap().len());
        assert_eq!(full, [1452, 1452, 1452, 1440], "never more than the largest packet");
        let back = server.seal(&[], now).unwrap();
        assert_eq!((back.len(), phone.open(&back, now)), (32, Some(Vec::new())));
        let counter = |message: &[u8]| u64::from_le_bytes(message[8..16].try_into().unwrap());
        assert_eq!([&message, &phone.seal(b"next", now).unwrap()].map(|one| counter(one)), [0, 5]);
    }

    #[test]
    fn keys_are_changed_when_they_are_old_and_die() {
        let mut random = fastrand::Rng::with_seed(2);
        let at = Duration::from_secs;
        let (mut phone, mut server) = shaken(at(0));
        assert!(phone.begin(at(119), &mut random).is_none());
        let late = phone.seal(b"on its way", at(119)).unwrap();
        shake(&mut phone, &mut server, at(121), &mut random);
        assert!(server.open(&late, at(121)).is_some(), "what was on its way arrives");
        let new = phone.seal(b"new", at(122)).unwrap();
        assert_ne!(new[4..8], late[4..8]);
        assert!(server.open(&new, at(122)).is_some());
        assert!(phone.seal(b"dead", at(302)).is_none());
        assert!(phone.begin(at(302), &mut random).is_some());
        assert!(phone.begin(at(303), &mut random).is_none(), "an answer is waited for");
        assert!(phone.begin(at(308), &mut random).is_some());
    }

    #[test]
    fn whoever_has_nothing_to_say_says_so_after_a_while() {
        let at = Duration::from_secs;
        let (mut phone, mut server) = shaken(at(0));
        let message = phone.seal(b"a packet", at(3)).unwrap();
        server.open(&message, at(4)).unwrap();
        assert_eq!((phone.next(), server.next()), (None, Some(at(14))));
        assert!(server.keep_alive(at(13)).is_none());
        let alive = server.keep_alive(at(14)).unwrap();
        assert_eq!(phone.open(&alive, at(14)).unwrap(), b"");
        assert_eq!((phone.next(), server.next()), (None, None));
    }
}
