//! The libraries that an app is made of, as their handshakes tell them apart.
//!
//! An app has more than one: its own, those of object stores and brokers, and those of third parties. All are rustls here,
//! with other suites, groups and versions, so that what each says first (its ClientHello) is another.

use rustls::{
    SupportedProtocolVersion,
    crypto::{
        CryptoProvider,
        ring::{
            cipher_suite::{
                TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384,
                TLS13_CHACHA20_POLY1305_SHA256,
            },
            default_provider,
            kx_group::{SECP256R1, SECP384R1, X25519},
        },
    },
    version::{TLS12, TLS13},
};

use crate::clouds::Role;

/// A library that makes connections.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Client {
    /// The app's own.
    App,
    /// Of object stores: AES before `ChaCha20`, and the older curves first.
    Store,
    /// Of the broker, older: TLS 1.2 alone.
    Telemetry,
    /// Of third parties, for processors without AES: `ChaCha20` first, and few suites.
    ThirdParty,
}

impl Client {
    pub(crate) const ALL: [Self; 4] = [Self::App, Self::Store, Self::Telemetry, Self::ThirdParty];

    /// Which one talks to a host.
    pub(crate) const fn towards(role: Role) -> Self {
        match role {
            Role::MediaCn => Self::Store,
            Role::MqttCn => Self::Telemetry,
            Role::Crash | Role::Push | Role::Analytics | Role::Tiles => Self::ThirdParty,
            _ => Self::App,
        }
    }

    /// The versions that it offers.
    pub(super) fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        if self == Self::Telemetry { &OLD } else { &BOTH }
    }

    /// The suites and groups that it offers, in its order.
    pub(super) fn provider(self) -> CryptoProvider {
        let all = default_provider();
        let (cipher_suites, kx_groups) = match self {
            Self::App => return all,
            Self::Store => (
                vec![
                    TLS13_AES_128_GCM_SHA256,
                    TLS13_AES_256_GCM_SHA384,
                    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                ],
                vec![SECP256R1, SECP384R1, X25519],
            ),
            Self::Telemetry => (
                vec![
                    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                ],
                vec![SECP256R1, SECP384R1],
            ),
            // QUIC begins with AES-128 (RFC 9001 §5.2).
            Self::ThirdParty => (
                vec![
                    TLS13_CHACHA20_POLY1305_SHA256,
                    TLS13_AES_128_GCM_SHA256,
                    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                ],
                vec![X25519, SECP256R1],
            ),
        };
        CryptoProvider { cipher_suites, kx_groups, ..all }
    }
}

static OLD: [&SupportedProtocolVersion; 1] = [&TLS12];
static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
