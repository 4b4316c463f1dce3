//! The protection of Initial packets: anyone who saw the client's first connection id can take it off (RFC 9001 §5).

use ring::{
    aead::{self, Aad, LessSafeKey, Nonce, UnboundKey, quic},
    hkdf::{HKDF_SHA256, Prk, Salt},
};

use super::version::Version;
use crate::hkdf::expand_label;

/// Bytes from the packet number on that an Initial packet has at least: four, and the sample of its protection.
pub(super) const LEAST: usize = 20;

/// What takes the protection off the packets of both sides, by [`creance_model::Side::index`].
pub(super) struct Initial {
    sides: [Keys; 2],
}

struct Keys {
    key: LessSafeKey,
    iv: [u8; 12],
    header: quic::HeaderProtectionKey,
}

impl Initial {
    /// The keys that follow from the connection id that the client chose for its server.
    pub(super) fn new(version: Version, salt: &[u8], destination: &[u8]) -> Option<Self> {
        let secret = Salt::new(HKDF_SHA256, salt).extract(destination);
        let side = |label: &[u8]| {
            let secret = Prk::new_less_safe(HKDF_SHA256, &expand_label(&secret, label, 32)?);
            let expand = |what: &str, length| {
                expand_label(&secret, [version.prefix(), " ", what].concat().as_bytes(), length)
            };
            Some(Keys {
                key: LessSafeKey::new(UnboundKey::new(&aead::AES_128_GCM, &expand("key", 16)?).ok()?),
                iv: expand("iv", 12)?.try_into().ok()?,
                header: quic::HeaderProtectionKey::new(&quic::AES_128, &expand("hp", 16)?).ok()?,
            })
        };
        Some(Self { sides: [side(b"client in")?, side(b"server in")?] })
    }

    /// The payload of a packet of one side, if its authentication holds. `number` is where the packet number stands.
    pub(super) fn open(&self, side: usize, packet: &[u8], number: usize) -> Option<Vec<u8>> {
        let keys = self.sides.get(side)?;
        let sample = packet.get(number + 4..)?.get(..16)?;
        let [first, mask @ ..] = keys.header.new_mask(sample).ok()?;
        let flags = packet.first()? ^ (first & 0x0f);
        let length = usize::from(flags & 3) + 1;
        let mut header = packet.get(..number + length)?.to_vec();
        *header.first_mut()? = flags;
        let mut nonce = keys.iv;
        let bytes = header.get_mut(number..)?.iter_mut();
        for ((byte, mask), nonce) in bytes.zip(mask).zip(nonce.iter_mut().skip(12 - length)) {
            *byte ^= mask;
            *nonce ^= *byte;
        }
        let mut payload = packet.get(number + length..)?.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = keys.key.open_in_place(nonce, Aad::from(header), &mut payload).ok()?.len();
        payload.truncate(plain);
        Some(payload)
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
impl Initial {
    /// The reverse of [`Self::open`], for a packet number of one byte, which is the last of `header`.
    pub(super) fn seal(&self, side: usize, mut header: Vec<u8>, payload: &[u8]) -> Vec<u8> {
        let keys = &self.sides[side];
        let number = header.len() - 1;
        let mut nonce = keys.iv;
        nonce[11] ^= header[number];
        let mut sealed = payload.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        keys.key.seal_in_place_append_tag(nonce, Aad::from(&header), &mut sealed).unwrap();
        let mask = keys.header.new_mask(&sealed[3..19]).unwrap();
        header[0] ^= mask[0] & 0x0f;
        header[number] ^= mask[1];
        [header, sealed].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9001 §A.3: the server's Initial packet in answer to the client's connection id.
    #[test]
    fn the_published_packet_is_opened() {
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        let packet = hex("cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a\
             5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3\
             dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84\
             022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4\
             2158407dd074ee");
        let initial =
            Initial::new(Version(1), Version(1).salts().first().unwrap(), &hex("8394c8f03e515708")).unwrap();
        let payload = initial.open(1, &packet, 18).unwrap();
        assert!(payload.starts_with(&hex("02000000000600405a020000560303")), "ACK, CRYPTO, ServerHello");
        assert!(initial.open(0, &packet, 18).is_none(), "the client's keys do not fit");
        let mut flipped = packet;
        *flipped.last_mut().unwrap() ^= 1;
        assert!(initial.open(1, &flipped, 18).is_none());
    }
}
