//! Makes a capture of TLS, both ends of it real, and its key log: `make-tls OUT BYTES [1.2]`, in OUT and OUT.keys.
//!
//! A client uploads objects of a mebibyte that cannot be compressed, 64 over each connection, with HTTP/1.1 over TLS 1.3
//! (or 1.2) and AES-128-GCM. The two ends talk in memory; what they say is cut into segments as on a network.
#![expect(clippy::print_stderr, reason = "a program")]

use std::{
    error::Error,
    fs::File,
    io::{self, Read, Write},
    process::ExitCode,
    sync::{Arc, Mutex},
};

use creance_benches::segments::{Connection, Segments};
use data_encoding::HEXLOWER;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, ClientConnection, KeyLog, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
    crypto::{CryptoProvider, ring},
    pki_types::PrivateKeyDer,
};

/// Bytes of one object, and objects over one connection.
const OBJECT: usize = 1 << 20;
const OBJECTS: usize = 64;

/// Bytes written at once: a full record.
const RECORD: usize = 1 << 14;

const NAME: &str = "bucket.s3.eu-central-1.amazonaws.com";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (out, bytes, version) = match arguments.as_slice() {
        [out, bytes] => (out, bytes, &rustls::version::TLS13),
        [out, bytes, version] if version == "1.2" => (out, bytes, &rustls::version::TLS12),
        _ => return usage("OUT and BYTES are missing, or the version is not 1.2"),
    };
    let Ok(bytes) = bytes.parse() else { return usage("BYTES is not a number") };
    match make(out, bytes, version) {
        Ok(objects) => {
            eprintln!("{objects} objects");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

fn usage(why: &str) -> ExitCode {
    eprintln!("{why}\nusage: make-tls OUT BYTES [1.2]");
    ExitCode::from(2)
}

fn make(out: &str, bytes: u64, version: &'static SupportedProtocolVersion) -> Result<u64, Box<dyn Error>> {
    let log = Arc::new(Log(Mutex::new(File::create(format!("{out}.keys"))?)));
    let (client, server) = configs(version, &log)?;
    let mut segments = Segments::create(out)?;
    let mut port = 40_000;
    let mut noise = 1;
    let mut objects = 0;
    while segments.written < bytes {
        let mut ends = (
            ClientConnection::new(Arc::clone(&client), NAME.try_into()?)?,
            ServerConnection::new(Arc::clone(&server))?,
        );
        port += 1;
        let connection = segments.open(([10, 0, 0, 2], port), ([198, 51, 100, 7], 443))?;
        let mut wire = Wire { segments, connection };
        for _ in 0..OBJECTS {
            let head = format!(
                "PUT /card/{objects:06}.bin HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {OBJECT}\r\n\r\n"
            );
            ends.0.writer().write_all(head.as_bytes())?;
            for _ in 0..OBJECT / RECORD {
                ends.0.writer().write_all(&random(&mut noise))?;
                wire.exchange(&mut ends)?;
            }
            ends.1.writer().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
            wire.exchange(&mut ends)?;
            objects += 1;
            if wire.segments.written >= bytes {
                break;
            }
        }
        segments = wire.segments;
    }
    segments.finish()?;
    Ok(objects)
}

/// Bytes that no compression shortens (xorshift).
fn random(state: &mut u64) -> [u8; RECORD] {
    let mut bytes = [0; RECORD];
    for chunk in bytes.as_chunks_mut::<8>().0 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *chunk = state.to_le_bytes();
    }
    bytes
}

type Configs = (Arc<ClientConfig>, Arc<ServerConfig>);

fn configs(version: &'static SupportedProtocolVersion, log: &Arc<Log>) -> Result<Configs, Box<dyn Error>> {
    let mut provider: CryptoProvider = ring::default_provider();
    provider.cipher_suites.retain(|suite| format!("{:?}", suite.suite()).contains("AES_128_GCM"));
    let provider = Arc::new(provider);
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([NAME.to_owned()])?;
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone())?;
    let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.key_log = Arc::clone(log) as Arc<dyn KeyLog>;
    let key = PrivateKeyDer::try_from(signing_key.serialize_der())?;
    let server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    Ok((Arc::new(client), Arc::new(server)))
}

/// The key log, in the NSS format.
#[derive(Debug)]
struct Log(Mutex<File>);

impl KeyLog for Log {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |bytes| HEXLOWER.encode(bytes);
        if let Ok(mut file) = self.0.lock() {
            // A key that is missing shows in what can be read.
            let _ = writeln!(file, "{label} {} {}", hex(client_random), hex(secret));
        }
    }
}

/// The network between the two ends.
struct Wire {
    segments: Segments,
    connection: Connection,
}

impl Wire {
    /// Carries what both ends have to say, until neither has.
    fn exchange(
        &mut self,
        (client, server): &mut (ClientConnection, ServerConnection),
    ) -> Result<(), Box<dyn Error>> {
        loop {
            let (mut up, mut down) = (Vec::new(), Vec::new());
            while client.wants_write() {
                client.write_tls(&mut up)?;
            }
            while server.wants_write() {
                server.write_tls(&mut down)?;
            }
            if up.is_empty() && down.is_empty() {
                return Ok(());
            }
            for (from, said) in [(0, &up), (1, &down)] {
                self.segments.say(&mut self.connection, from, said)?;
            }
            let mut said = up.as_slice();
            while !said.is_empty() {
                server.read_tls(&mut said)?;
                let plain = server.process_new_packets()?.plaintext_bytes_to_read();
                io::copy(&mut server.reader().take(plain as u64), &mut io::sink())?;
            }
            let mut said = down.as_slice();
            while !said.is_empty() {
                client.read_tls(&mut said)?;
                let plain = client.process_new_packets()?.plaintext_bytes_to_read();
                io::copy(&mut client.reader().take(plain as u64), &mut io::sink())?;
            }
        }
    }
}
