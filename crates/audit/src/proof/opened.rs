//! TLS 1.3 of a proof, opened with one secret: that of the client's application data (docs/proof/SPEC.md, "tls").

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ring::{
    aead::{self, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf,
};

/// The label of the one secret that is needed.
const LABEL: &str = "CLIENT_TRAFFIC_SECRET_0";

/// What a client sent, opened, and the line of the key log that opened it.
pub(super) struct Opened {
    pub(super) bytes: Vec<u8>,
    pub(super) key: String,
    /// Where in the server's stream its hello ends.
    pub(super) hello_end: usize,
}

/// Opens what a client sent. `keys`: a key log.
pub(super) fn open(client: &[u8], server: &[u8], keys: &str) -> Result<Opened, &'static str> {
    let (suite, hello_end) = server_hello(server)?;
    let random = client_random(client).ok_or("the beginning of the TLS connection is not in the capture")?;
    let (algorithm, hash, length) = match suite {
        0x1301 => (&aead::AES_128_GCM, hkdf::HKDF_SHA256, 32),
        0x1302 => (&aead::AES_256_GCM, hkdf::HKDF_SHA384, 48),
        0x1303 => (&aead::CHACHA20_POLY1305, hkdf::HKDF_SHA256, 32),
        _ => return Err("the connection is not TLS 1.3 with AES-GCM or ChaCha20-Poly1305"),
    };
    let random = HEXLOWER.encode(random);
    let secret = keys.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let fits = words.next()? == LABEL && words.next()?.eq_ignore_ascii_case(&random);
        let secret = HEXLOWER_PERMISSIVE.decode(words.next()?.as_bytes()).ok()?;
        (fits && secret.len() == length).then_some(secret)
    });
    let secret = secret.ok_or("no key for the connection was given (CLIENT_TRAFFIC_SECRET_0, --keys)")?;
    let key = format!("{LABEL} {random} {}", HEXLOWER.encode(&secret));
    let bytes = records(client, algorithm, hash, secret).ok_or("the connection cannot be opened")?;
    Ok(Opened { bytes, key, hello_end })
}

/// Records of encrypted data, each behind its header; those before the first that opens are of the handshake.
fn records(
    client: &[u8],
    algorithm: &'static aead::Algorithm,
    hash: hkdf::Algorithm,
    mut secret: Vec<u8>,
) -> Option<Vec<u8>> {
    let mut opener = Opener::new(algorithm, hash, &secret)?;
    let mut out = Vec::new();
    for (header, body) in each_record(client) {
        if header.first() != Some(&23) {
            continue;
        }
        let Some(plain) = opener.open(header, body) else {
            if opener.sequence == 0 && !opener.begun {
                continue;
            }
            return None;
        };
        let end = plain.iter().rposition(|byte| *byte != 0)?;
        let (content, kind) = plain.split_at_checked(end)?;
        match kind.first()? {
            23 => out.extend_from_slice(content),
            // A key update (RFC 8446 §7.2): the next secret, from the first record on.
            22 if content.first() == Some(&24) => {
                secret = expand(hash, &secret, b"traffic upd", secret.len())?;
                opener = Opener { begun: true, ..Opener::new(algorithm, hash, &secret)? };
            }
            _ => {}
        }
    }
    Some(out)
}

struct Opener {
    key: LessSafeKey,
    iv: Vec<u8>,
    sequence: u64,
    /// Whether a record was opened with an earlier secret.
    begun: bool,
}

impl Opener {
    fn new(algorithm: &'static aead::Algorithm, hash: hkdf::Algorithm, secret: &[u8]) -> Option<Self> {
        let key = expand(hash, secret, b"key", algorithm.key_len())?;
        let key = LessSafeKey::new(UnboundKey::new(algorithm, &key).ok()?);
        Some(Self { key, iv: expand(hash, secret, b"iv", 12)?, sequence: 0, begun: false })
    }

    fn open(&mut self, header: &[u8], body: &[u8]) -> Option<Vec<u8>> {
        let mut nonce: [u8; 12] = self.iv.clone().try_into().ok()?;
        for (byte, other) in nonce.iter_mut().skip(4).zip(self.sequence.to_be_bytes()) {
            *byte ^= other;
        }
        let mut plain = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = self.key.open_in_place(nonce, Aad::from(header), &mut plain).ok()?.len();
        plain.truncate(length);
        self.sequence += 1;
        Some(plain)
    }
}

/// The whole records of a stream: header and body.
fn each_record(stream: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = stream;
    std::iter::from_fn(move || {
        let (header, behind) = rest.split_at_checked(5)?;
        let length = usize::from(u16::from_be_bytes([*header.get(3)?, *header.get(4)?]));
        let (body, behind) = behind.split_at_checked(length)?;
        rest = behind;
        Some((header, body))
    })
}

/// The random of the client's hello, which comes first.
fn client_random(client: &[u8]) -> Option<&[u8]> {
    let (header, body) = each_record(client).next()?;
    (header.first()? == &22 && body.first()? == &1).then(|| body.get(6..38))?
}

/// The suite of the server's hello, and where the hello ends in the stream.
fn server_hello(server: &[u8]) -> Result<(u16, usize), &'static str> {
    let find = || {
        let mut end = 0;
        for (header, body) in each_record(server) {
            end += header.len() + body.len();
            if header.first()? == &22 && body.first()? == &2 {
                let at = 39 + usize::from(*body.get(38)?);
                return Some((u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]), end));
            }
        }
        None
    };
    find().ok_or("the server's hello is not in the capture")
}

/// HKDF-Expand-Label (RFC 8446 §7.1) without context.
fn expand(hash: hkdf::Algorithm, secret: &[u8], label: &[u8], length: usize) -> Option<Vec<u8>> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let head = u16::try_from(length).ok()?.to_be_bytes();
    let name = [u8::try_from(6 + label.len()).ok()?];
    let info = [&head[..], &name, b"tls13 ", label, &[0]];
    let mut out = vec![0; length];
    hkdf::Prk::new_less_safe(hash, secret).expand(&info, Length(length)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind, 3, 3], &length[..], body].concat()
    }

    /// A record of application data, sealed.
    fn sealed(
        algorithm: &'static aead::Algorithm,
        hash: hkdf::Algorithm,
        secret: &[u8],
        sequence: u64,
        plain: &[u8],
    ) -> Vec<u8> {
        let key = expand(hash, secret, b"key", algorithm.key_len()).unwrap();
        let mut nonce: [u8; 12] = expand(hash, secret, b"iv", 12).unwrap().try_into().unwrap();
        for (byte, other) in nonce[4..].iter_mut().zip(sequence.to_be_bytes()) {
            *byte ^= other;
        }
        let mut body = plain.to_vec();
        let header = &record(23, &vec![0; plain.len() + 16])[..5];
        LessSafeKey::new(UnboundKey::new(algorithm, &key).unwrap())
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(header), &mut body)
            .unwrap();
        record(23, &body)
    }

    #[test]
    fn a_connection_of_each_suite_is_opened_through_a_key_update_and_not_when_a_bit_changes() {
        for (suite, algorithm, hash, length) in [
            (1, &aead::AES_128_GCM, hkdf::HKDF_SHA256, 32),
            (2, &aead::AES_256_GCM, hkdf::HKDF_SHA384, 48),
            (3, &aead::CHACHA20_POLY1305, hkdf::HKDF_SHA256, 32),
        ] {
            let hello = [&[1, 0, 0, 34, 3, 3], &[9; 32][..]].concat();
            let answer = [&[2, 0, 0, 40, 3, 3], &[8; 32][..], &[1, 7, 0x13, suite, 0]].concat();
            let server = [record(22, &answer), record(23, b"sealed")].concat();
            let secret = vec![7; length];
            let next = expand(hash, &secret, b"traffic upd", length).unwrap();
            let seal =
                |secret: &[u8], sequence, plain: &[u8]| sealed(algorithm, hash, secret, sequence, plain);
            let client = [
                record(22, &hello),
                record(20, &[1]),
                record(23, b"the end of the handshake, under another key"),
                seal(&secret, 0, b"one\x17\0\0"),
                seal(&secret, 1, &[24, 0, 0, 1, 0, 22]),
                seal(&next, 0, b", two\x17"),
            ]
            .concat();
            let hex = |bytes: &[u8]| HEXLOWER.encode(bytes);
            let keys = format!("# log\nCLIENT_RANDOM 00 00\n{LABEL} {} {}\n", hex(&[9; 32]), hex(&secret));
            let opened = open(&client, &server, &keys).unwrap();
            assert_eq!((opened.bytes.as_slice(), opened.hello_end), (&b"one, two"[..], 5 + answer.len()));
            let mut changed = client;
            let last = changed.len() - 1;
            changed[last] ^= 1;
            assert!(open(&changed, &server, &keys).is_err());
            assert!(open(&changed, &server, "").is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(client: Vec<u8>, server: Vec<u8>, keys: String) {
            let _ = open(&client, &server, &keys);
        }
    }
}
