//! Conversations over TCP, written segment by segment into a capture.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
};

use creance_capture::write::PcapWriter;
use creance_model::{LinkType, Timestamp};

/// Payload of one segment, as where time stamps take twelve bytes of the usual 1460.
pub const SEGMENT: usize = 1448;

const SYN: u8 = 2;
const ACK: u8 = 16;

/// A capture of Ethernet being written, ten microseconds from packet to packet.
pub struct Segments {
    out: PcapWriter<BufWriter<File>>,
    nanos: i64,
    /// Bytes of packets so far.
    pub written: u64,
}

/// Two ends that talk, and how much each has said.
pub struct Connection {
    /// Address and port of the client and of the server.
    ends: [([u8; 4], u16); 2],
    /// The next sequence number of each.
    sequences: [u32; 2],
}

impl Segments {
    /// An empty capture in a new file.
    pub fn create(path: &str) -> io::Result<Self> {
        let out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        Ok(Self { out: PcapWriter::new(out, LinkType::ETHERNET)?, nanos: 0, written: 0 })
    }

    /// A new connection, shaken hands.
    pub fn open(&mut self, client: ([u8; 4], u16), server: ([u8; 4], u16)) -> io::Result<Connection> {
        let mut connection = Connection { ends: [client, server], sequences: [0; 2] };
        self.segment(&mut connection, 0, SYN, &[])?;
        self.segment(&mut connection, 1, SYN | ACK, &[])?;
        self.segment(&mut connection, 0, ACK, &[])?;
        Ok(connection)
    }

    /// What one end (0 the client, 1 the server) says.
    pub fn say(&mut self, connection: &mut Connection, from: usize, said: &[u8]) -> io::Result<()> {
        said.chunks(SEGMENT).try_for_each(|piece| self.segment(connection, from, ACK, piece))
    }

    /// What the client says; the server confirms every other segment, as is usual.
    pub fn say_confirmed(&mut self, connection: &mut Connection, said: &[u8]) -> io::Result<()> {
        for two in said.chunks(2 * SEGMENT) {
            self.say(connection, 0, two)?;
            self.segment(connection, 1, ACK, &[])?;
        }
        Ok(())
    }

    /// One segment in its frame; checksums are left zero.
    fn segment(
        &mut self,
        connection: &mut Connection,
        from: usize,
        flags: u8,
        payload: &[u8],
    ) -> io::Result<()> {
        let [client, server] = connection.ends;
        let ((ours, port), (theirs, other)) = if from == 0 { (client, server) } else { (server, client) };
        let heard = connection.sequences.get(1 - from).copied().unwrap_or_default();
        let Some(sequence) = connection.sequences.get_mut(from) else { return Ok(()) };
        let length = u16::try_from(payload.len()).map_err(io::Error::other)?;
        let mut frame = vec![2; 12];
        frame.extend([8, 0, 0x45, 0]);
        frame.extend((40 + length).to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, 6, 0, 0]);
        frame.extend(ours.into_iter().chain(theirs));
        frame.extend([port, other].into_iter().flat_map(u16::to_be_bytes));
        frame.extend(sequence.to_be_bytes().into_iter().chain(heard.to_be_bytes()));
        frame.extend([0x50, flags, 255, 255, 0, 0, 0, 0]);
        frame.extend_from_slice(payload);
        *sequence = sequence.wrapping_add(u32::from(length) + u32::from(flags & SYN != 0));
        self.nanos += 10_000;
        self.written += frame.len() as u64 + 16;
        let time = Timestamp::from_secs(1_780_000_000).plus_nanos(self.nanos);
        let size = u32::try_from(frame.len()).map_err(io::Error::other)?;
        self.out.packet(time, size, &frame)
    }

    /// Writes what is left to write.
    pub fn finish(self) -> io::Result<()> {
        self.out.into_inner().flush()
    }
}
