//! Which keys open a side's records, from stage to stage (RFC 8446 §7, RFC 5246 §6.3).

use creance_model::Side;

use super::{
    Connection,
    hello::{Choice, Offer},
    open::{self, KeyBlock, Opener},
    suites::Suite,
};
use crate::keys::Label;

pub(super) const TLS12: u16 = 0x0303;
pub(super) const TLS13: u16 = 0x0304;

/// Records tried with a key whose beginning is not known, and records in a row whose authentication may fail.
const MOST_SOUGHT: u32 = 256;
const MOST_FAILURES: u32 = 8;

/// Why bytes stayed closed.
pub(crate) mod cause {
    pub(crate) const NO_KEY: &str = "encrypted, no key";
    pub(crate) const MISFIT: &str = "encrypted, the key does not fit: authentication fails";
    pub(crate) const NO_HELLO: &str = "encrypted, handshake not seen";
    pub(crate) const SUITE: &str = "encrypted, cipher suite not read";
    pub(crate) const VERSION: &str = "encrypted, version older than TLS 1.2 not read";
    pub(crate) const EXTENDED: &str =
        "encrypted, only a premaster secret given: the extended master secret needs more";
    pub(crate) const EARLY: &str = "encrypted early data, no key";
    pub(crate) const LOST: &str = "encrypted, record borders lost with packets";
    pub(crate) const BROKEN: &str = "not TLS any more";
    pub(crate) const INNER: &str = "decrypted, protocol not read";
    pub(crate) const REFUSED: &str = "handshake failed";
}

#[derive(Default)]
pub(super) enum Stage {
    #[default]
    Clear,
    Open(Box<Open>),
    Over,
}

/// Records being opened.
pub(super) struct Open {
    phase: Phase,
    opener: Opener,
    /// The traffic secret, for key updates.
    secret: Vec<u8>,
    /// The first record under this key is still looked for: so many have been tried.
    seeking: Option<u32>,
    failures: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    Early,
    Handshake,
    Data,
    /// TLS 1.2: there is but one.
    Old,
}

impl Connection {
    /// What opens the records of this side from now on, or why nothing does. `None`: the server's hello will tell.
    pub(super) fn unlock(&mut self, from: Side) -> Option<Result<Open, &'static str>> {
        let Some(offer) = self.offer else { return Some(Err(cause::NO_HELLO)) };
        let Some(choice) = self.choice else {
            return (from == Side::Server).then_some(Err(cause::NO_HELLO));
        };
        let Some(suite) = Suite::of(choice.suite) else { return Some(Err(cause::SUITE)) };
        if choice.version < TLS12 {
            return Some(Err(cause::VERSION));
        }
        if choice.version < TLS13 {
            return Some(self.unlock_old(from, suite, &offer, &choice));
        }
        let early = from == Side::Client && offer.early_data;
        let phases: &[Phase] = if early {
            &[Phase::Early, Phase::Handshake, Phase::Data]
        } else {
            &[Phase::Handshake, Phase::Data]
        };
        for (skipped, phase) in phases.iter().enumerate() {
            if let Some(mut open) = self.phase(from, *phase, suite) {
                // Without the secret of the stage before, its end is not seen.
                open.seeking = (skipped > 0).then_some(0);
                self.half(from).cause =
                    open.seeking.map(|_| if early { cause::EARLY } else { cause::NO_KEY });
                return Some(Ok(open));
            }
        }
        Some(Err(cause::NO_KEY))
    }

    /// The opener of one phase of TLS 1.3.
    fn phase(&self, from: Side, phase: Phase, suite: Suite) -> Option<Open> {
        let label = match (phase, from) {
            (Phase::Early, _) => Label::ClientEarly,
            (Phase::Handshake, Side::Client) => Label::ClientHandshake,
            (Phase::Handshake, Side::Server) => Label::ServerHandshake,
            (_, Side::Client) => Label::ClientTraffic,
            (_, Side::Server) => Label::ServerTraffic,
        };
        let secret = self.means.keys.secret(&self.offer?.random, label)?;
        let opener = Opener::tls13(suite, &secret)?;
        Some(Open { phase, opener, secret, seeking: None, failures: 0 })
    }

    /// The opener of TLS 1.2.
    fn unlock_old(
        &self,
        from: Side,
        suite: Suite,
        offer: &Offer,
        choice: &Choice,
    ) -> Result<Open, &'static str> {
        let known = self.means.keys.secret(&offer.random, Label::Master);
        let master = if let Some(master) = known {
            master
        } else {
            let sent = self.premaster.clone();
            let premaster = sent
                .or_else(|| self.means.keys.secret(&offer.random, Label::Premaster))
                .ok_or(cause::NO_KEY)?;
            if choice.extended_master {
                return Err(cause::EXTENDED);
            }
            open::master(suite.hash, &premaster, &offer.random, &choice.random)
        };
        let block = KeyBlock::new(suite, &master, &offer.random, &choice.random);
        let opener = Opener::tls12(suite, &block, from == Side::Client, choice.encrypt_then_mac)
            .ok_or(cause::MISFIT)?;
        Ok(Open { phase: Phase::Old, opener, secret: Vec::new(), seeking: None, failures: 0 })
    }

    /// Opens a record. Failures are counted, and end the side where they go on.
    pub(super) fn open(
        &mut self,
        from: Side,
        header: [u8; 5],
        body: &[u8],
        plain: &mut Vec<u8>,
    ) -> Option<open::Opened> {
        // In TLS 1.3 a change of cipher means nothing (RFC 8446 §D.4).
        let dummy = header[0] == 20 && body == [1];
        let Stage::Open(open) = &mut self.half(from).stage else { return None };
        if dummy && open.phase != Phase::Old {
            plain.clear();
            return Some(open::Opened { kind: 20, before: 0 });
        }
        if let Ok(opened) = open.opener.open(header, body, plain) {
            (open.seeking, open.failures) = (None, 0);
            return Some(opened);
        }
        if let Some(tried) = &mut open.seeking {
            *tried += 1;
            open.opener.sequence = 0;
            if *tried > MOST_SOUGHT {
                self.end(from, cause::MISFIT);
            }
            return None;
        }
        if open.phase == Phase::Early
            && let Some(suite) = self.choice.and_then(|choice| Suite::of(choice.suite))
            && let Some(next) = self.phase(from, Phase::Handshake, suite)
        {
            // A server may refuse early data: the client then goes on with the handshake.
            let half = self.half(from);
            half.cause = Some(cause::EARLY);
            half.stage = Stage::Open(Box::new(Open { seeking: Some(0), ..next }));
            return self.open(from, header, body, plain);
        }
        let half = self.half(from);
        half.cause = Some(cause::MISFIT);
        if let Stage::Open(open) = &mut half.stage {
            open.failures += 1;
            if open.failures >= MOST_FAILURES {
                self.end(from, cause::MISFIT);
            }
        }
        None
    }

    /// Changes keys where a handshake message of TLS 1.3 says so: after the end of early data (5), after Finished (20),
    /// at a key update (24).
    pub(super) fn turn(&mut self, from: Side, kind: u8) {
        let Some(suite) = self.choice.and_then(|choice| Suite::of(choice.suite)) else { return };
        let Stage::Open(open) = &self.half(from).stage else { return };
        let next = match (open.phase, kind) {
            (Phase::Early, 5) => self.phase(from, Phase::Handshake, suite),
            (Phase::Handshake, 20) => self.phase(from, Phase::Data, suite),
            (Phase::Data, 24) => open::updated(suite.hash, &open.secret).and_then(|secret| {
                let opener = Opener::tls13(suite, &secret)?;
                Some(Open { phase: Phase::Data, opener, secret, seeking: None, failures: 0 })
            }),
            _ => return,
        };
        match next {
            Some(open) => self.half(from).stage = Stage::Open(Box::new(open)),
            None => self.end(from, cause::NO_KEY),
        }
    }
}
