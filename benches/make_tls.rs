//! Makes a capture of TLS, both ends of it real, and its key log: `make-tls OUT BYTES [1.2]`, in OUT and OUT.keys.
//!
//! A client uploads objects of a mebibyte that cannot be compressed, 64 over each connection, with HTTP/1.1 over TLS 1.3
//! (or 1.2) and AES-128-GCM. The two ends talk in memory; what they say is cut into segments as on a network.
#![expect(clippy::print_stderr, reason = "a program")]

use std::{
    error::Error,
    fs::File,
    io::{self, BufWriter, Read, Write},
    process::ExitCode,
    sync::{Arc, Mutex},
};

use creance_capture::write::PcapWriter;
use creance_model::{LinkType, Timestamp};
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

/// Payload of one segment, as where time stamps take twelve bytes of the usual 1460.
const SEGMENT: usize = 1448;

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
    let mut wire = Wire {
        out: PcapWriter::new(BufWriter::with_capacity(1 << 20, File::create(out)?), LinkType::ETHERNET)?,
        port: 40_000,
        sequences: [1; 2],
        nanos: 0,
        written: 0,
    };
    let mut noise = 1;
    let mut objects = 0;
    while wire.written < bytes {
        let mut ends = (
            ClientConnection::new(Arc::clone(&client), NAME.try_into()?)?,
            ServerConnection::new(Arc::clone(&server))?,
        );
        wire.open()?;
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
            if wire.written >= bytes {
                break;
            }
        }
    }
    wire.out.into_inner().flush()?;
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
    out: PcapWriter<BufWriter<File>>,
    port: u16,
    /// The next sequence number of the client and of the server.
    sequences: [u32; 2],
    nanos: i64,
    written: u64,
}

impl Wire {
    /// A new connection.
    fn open(&mut self) -> io::Result<()> {
        self.port += 1;
        self.sequences = [0; 2];
        self.segment(0, SYN, &[])?;
        self.segment(1, SYN | ACK, &[])?;
        self.segment(0, ACK, &[])
    }

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
                for piece in said.chunks(SEGMENT) {
                    self.segment(from, ACK, piece)?;
                }
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

    /// One segment in its frame; checksums are left zero.
    fn segment(&mut self, from: usize, flags: u8, payload: &[u8]) -> io::Result<()> {
        let (client, server) = ([10, 0, 0, 2], [198, 51, 100, 7]);
        let (ours, theirs) = if from == 0 { (client, server) } else { (server, client) };
        let ports = if from == 0 { [self.port, 443] } else { [443, self.port] };
        let other = self.sequences.get(1 - from).copied().unwrap_or_default();
        let Some(sequence) = self.sequences.get_mut(from) else { return Ok(()) };
        let length = u16::try_from(payload.len()).map_err(io::Error::other)?;
        let mut frame = vec![2; 12];
        frame.extend([8, 0, 0x45, 0]);
        frame.extend((40 + length).to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, 6, 0, 0]);
        frame.extend(ours.into_iter().chain(theirs));
        frame.extend(ports.into_iter().flat_map(u16::to_be_bytes));
        frame.extend(sequence.to_be_bytes().into_iter().chain(other.to_be_bytes()));
        frame.extend([0x50, flags, 255, 255, 0, 0, 0, 0]);
        frame.extend_from_slice(payload);
        *sequence = sequence.wrapping_add(u32::from(length) + u32::from(flags & SYN != 0));
        self.nanos += 10_000;
        self.written += frame.len() as u64 + 16;
        let time = Timestamp::from_secs(1_780_000_000).plus_nanos(self.nanos);
        let size = u32::try_from(frame.len()).map_err(io::Error::other)?;
        self.out.packet(time, size, &frame)
    }
}

const SYN: u8 = 2;
const ACK: u8 = 16;
