//! The protection of Initial packets: anyone who saw the client's first connection id can take it off (RFC 9001 §5).

use ring::hkdf::{HKDF_SHA256, Prk, Salt};

use super::{protection::Protection, version::Version};
use crate::{hkdf::expand_label, tls::Suite};

/// What takes the protection off the packets of both sides, by [`creance_model::Side::index`].
pub(super) struct Initial {
    sides: [Protection; 2],
}

impl Initial {
    /// The keys that follow from the connection id that the client chose for its server.
    pub(super) fn new(version: Version, salt: &[u8], destination: &[u8]) -> Option<Self> {
        let secret: Prk = Salt::new(HKDF_SHA256, salt).extract(destination);
        let suite = Suite::of(0x1301)?;
        let side = |label: &[u8]| Protection::new(suite, version, expand_label(&secret, label, 32)?);
        Some(Self { sides: [side(b"client in")?, side(b"server in")?] })
    }

    /// The payload of a packet of one side, if its authentication holds. `number` is where the packet number stands.
    pub(super) fn open(&mut self, side: usize, packet: &[u8], number: usize) -> Option<Vec<u8>> {
        let mut payload = Vec::new();
        self.sides.get_mut(side)?.open(packet, number, &mut payload).then_some(payload)
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
impl Initial {
    /// The reverse of [`Self::open`], for packet number 1, which is not yet in `header`.
    pub(super) fn seal(&self, side: usize, header: Vec<u8>, payload: &[u8]) -> Vec<u8> {
        self.sides[side].seal(header, 1, 1, payload)
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
        let mut initial =
            Initial::new(Version(1), Version(1).salts().first().unwrap(), &hex("8394c8f03e515708")).unwrap();
        let payload = initial.open(1, &packet, 18).unwrap();
        assert!(payload.starts_with(&hex("02000000000600405a020000560303")), "ACK, CRYPTO, ServerHello");
        assert!(initial.open(0, &packet, 18).is_none(), "the client's keys do not fit");
        let mut flipped = packet;
        *flipped.last_mut().unwrap() ^= 1;
        assert!(initial.open(1, &flipped, 18).is_none());
    }
}
