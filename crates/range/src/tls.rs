//! TLS of the range: certificates of an authority of its own, and the key log.
//!
//! Its keys come from the operating system through ring, which cannot be seeded: of two runs with one seed the bytes
//! within TLS differ, and all else is the same.

mod client;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use creance_model::Timestamp;
use data_encoding::HEXLOWER;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ClientConfig, KeyLog, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::{CryptoProvider, ring::default_provider},
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime},
    time_provider::TimeProvider,
    version::{TLS12, TLS13},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

pub(crate) use client::Client;

use crate::Error;

/// Who vouches for all hosts of a run, and what the app believes.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    clients: BTreeMap<Client, Arc<CryptoProvider>>,
    clock: Arc<Clock>,
}

/// The secrets of connections whose keys are known, as NSS writes them.
#[derive(Debug, Default)]
pub(crate) struct Keys(Mutex<String>);

impl KeyLog for Keys {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{label} {} {}", HEXLOWER.encode(client_random), HEXLOWER.encode(secret));
    }
}

impl Keys {
    /// All lines.
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The time of the scenario, for certificates: when it was the machine's clock says nothing.
#[derive(Debug)]
struct Clock {
    begun: Timestamp,
    zero: tokio::time::Instant,
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.begun.as_nanos() / 1_000_000_000).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds) + self.zero.elapsed()))
    }
}

const DOING: &str = "making certificates";

impl Authority {
    /// An authority of a scenario that begins now, at `begun`.
    pub(crate) fn new(begun: Timestamp) -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Invented Trust Root G1");
        params.distinguished_name.push(DnType::OrganizationName, "Invented Trust");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params.not_before, params.not_after) = (date_time_ymd(2021, 3, 1), date_time_ymd(2046, 2, 28));
        let key = KeyPair::generate().map_err(Error::doing(DOING))?;
        let root = params.self_signed(&key).map_err(Error::doing(DOING))?;
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone()).map_err(Error::doing(DOING))?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            roots: Arc::new(roots),
            provider: Arc::new(default_provider()),
            clients: Client::ALL.map(|client| (client, Arc::new(client.provider()))).into(),
            clock: Arc::new(Clock { begun, zero: tokio::time::Instant::now() }),
        })
    }

    /// The server's side of a host, over TCP.
    pub(crate) fn server(&self, host: &str, alpn: &[&str], old: bool) -> Result<TlsAcceptor, Error> {
        Ok(TlsAcceptor::from(Arc::new(self.server_config(host, alpn, old)?)))
    }

    /// The server's side of a host, over QUIC.
    pub(crate) fn quic_server(&self, host: &str) -> Result<quinn::ServerConfig, Error> {
        let config = self.server_config(host, &["h3"], false)?;
        let crypto = QuicServerConfig::try_from(config).map_err(Error::doing(DOING))?;
        Ok(quinn::ServerConfig::with_crypto(Arc::new(crypto)))
    }

    fn server_config(&self, host: &str, alpn: &[&str], old: bool) -> Result<ServerConfig, Error> {
        let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(Error::doing(DOING))?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, host);
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 12), date_time_ymd(2027, 1, 11));
        let key = KeyPair::generate().map_err(Error::doing(DOING))?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(Error::doing(DOING))?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let versions: &[&SupportedProtocolVersion] = if old { &[&TLS12] } else { &[&TLS13, &TLS12] };
        let mut config =
            ServerConfig::builder_with_details(Arc::clone(&self.provider), Arc::clone(&self.clock) as _)
                .with_protocol_versions(versions)
                .map_err(Error::doing(DOING))?
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone()], private)
                .map_err(Error::doing(DOING))?;
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(config)
    }

    /// A library's side; with a key log or, for connections that nobody is to read, without.
    pub(crate) fn client(
        &self,
        client: Client,
        alpn: &[&str],
        keys: Option<&Arc<Keys>>,
    ) -> Result<TlsConnector, Error> {
        Ok(TlsConnector::from(Arc::new(self.client_config(client, alpn, keys)?)))
    }

    /// The same, over QUIC.
    pub(crate) fn quic_client(
        &self,
        client: Client,
        keys: Option<&Arc<Keys>>,
    ) -> Result<quinn::ClientConfig, Error> {
        let config = self.client_config(client, &["h3"], keys)?;
        let crypto = QuicClientConfig::try_from(config).map_err(Error::doing(DOING))?;
        Ok(quinn::ClientConfig::new(Arc::new(crypto)))
    }

    fn client_config(
        &self,
        client: Client,
        alpn: &[&str],
        keys: Option<&Arc<Keys>>,
    ) -> Result<ClientConfig, Error> {
        let provider = Arc::clone(self.clients.get(&client).unwrap_or(&self.provider));
        let mut config = ClientConfig::builder_with_details(provider, Arc::clone(&self.clock) as _)
            .with_protocol_versions(client.versions())
            .map_err(Error::doing(DOING))?
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        if let Some(keys) = keys {
            config.key_log = Arc::clone(keys) as _;
        }
        Ok(config)
    }
}
