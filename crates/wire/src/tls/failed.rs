//! Handshakes that came to nothing.

use super::{Connection, LONGEST_ALERT, TLS13, cause};

impl Connection {
    /// Why the handshake came to nothing, if it did: the client refused what the server showed, as apps do that pin
    /// certificates (RFC 8446 §6).
    pub(super) fn failed(&self) -> Option<String> {
        // Where the client was not heard at all, its silence says nothing.
        let (choice, _) = (self.choice.as_ref()?, self.offer.as_ref()?);
        let [client, _] = &self.sides;
        if let Some(alert) = &self.refused {
            return Some(format!("the client refused the certificate: {alert}"));
        }
        if client.cause == Some(cause::LOST) || self.inner.is_some() {
            return None;
        }
        match client.sealed {
            0 if !client.changed => Some("the client said nothing after the server's hello".to_owned()),
            24..=LONGEST_ALERT if choice.version == TLS13 => {
                Some("the client said no more than an encrypted alert after the server's hello".to_owned())
            }
            _ => None,
        }
    }
}
