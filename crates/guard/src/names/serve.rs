//! Answers clients over UDP and TCP, on the addresses of this machine that are configured.
//!
//! ```text
//! socket, one for each processor ─▶ at once ─▶ answer
//!                                   later ─▶ queue ─▶ threads that ask, judge and answer
//! ```
//!
//! Datagrams that wait are taken together, and their answers sent together: with most questions answered from what is kept, calls of
//! the system are what an answer costs.

#![expect(clippy::disallowed_types, reason = "the guard's own resolver answers")]

use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6, TcpListener, TcpStream, UdpSocket},
    os::fd::AsRawFd,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use nix::sys::{
    signal::{SigSet, SigmaskHow, Signal},
    socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg},
};
use socket2::{Domain, Protocol, Socket, Type};

use super::{
    Shared, Step, locked,
    question::{LARGEST, Question},
};
use crate::crowd::Crowd;

const PORT: u16 = 53;
/// Threads that ask outside: so many questions are under way at one time.
const ASKERS: usize = 48;
/// Questions that wait for one of them; more are dropped, and clients ask again.
const QUEUE: usize = 512;
/// Datagrams that are taken, and answers that are sent, at one time; and bytes of a datagram that are read.
const BATCH: usize = 32;
const LONGEST: usize = 4096;
/// Connections at one time, those of one client, and questions over one of them.
const MOST_CONNECTIONS: usize = 32;
const OF_ONE: usize = 4;
const MOST_QUESTIONS: usize = 64;
/// How long a client may take over TCP to ask, or to take an answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// What a thread may put on its stack; twice what the deepest was seen to need.
const STACK: usize = 512 << 10;

/// A question that takes longer, and whom to tell.
struct Job {
    question: Question,
    client: SocketAddr,
    socket: Arc<UdpSocket>,
}

/// Listens, and answers until the process ends.
pub(super) fn start(shared: &Arc<Shared>) -> io::Result<()> {
    // Threads have the signals blocked that were when they began: the engine alone is to be told to end.
    let mut ends = SigSet::empty();
    ends.add(Signal::SIGTERM);
    ends.add(Signal::SIGINT);
    let before = ends.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let begun = threads(shared);
    before.thread_set_mask()?;
    begun
}

fn threads(shared: &Arc<Shared>) -> io::Result<()> {
    let (jobs, waiting) = sync_channel(QUEUE);
    let waiting = Arc::new(Mutex::new(waiting));
    let processors = thread::available_parallelism().map_or(1, usize::from).min(8);
    let crowd = places();
    for ip in &shared.settings.listen {
        let at = SocketAddr::new(*ip, PORT);
        for _ in 0..processors {
            let socket: UdpSocket = bound(at, Type::DGRAM, Protocol::UDP)?.into();
            let (shared, jobs) = (Arc::clone(shared), jobs.clone());
            spawn("names", move || datagrams(&shared, &Arc::new(socket), &jobs))?;
        }
        let listener: TcpListener = {
            let socket = bound(at, Type::STREAM, Protocol::TCP)?;
            socket.listen(64)?;
            socket.into()
        };
        let (shared, crowd) = (Arc::clone(shared), Arc::clone(&crowd));
        spawn("names-tcp", move || each_client(&shared, &listener, &crowd, conversation))?;
    }
    for _ in 0..ASKERS {
        let (shared, waiting) = (Arc::clone(shared), Arc::clone(&waiting));
        spawn("names-ask", move || askers(&shared, &waiting))?;
    }
    Ok(())
}

/// Places of those who connect: a client has its share, and leaves others theirs.
pub(super) fn places() -> Arc<Crowd<IpAddr>> {
    Crowd::new(MOST_CONNECTIONS, OF_ONE)
}

pub(super) fn spawn(name: &str, act: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(act).map(|_| ())
}

/// A socket at an address that this machine may not have yet.
pub(super) fn bound(at: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(at), kind, Some(protocol))?;
    socket.set_reuse_address(true)?;
    if at.is_ipv4() {
        socket.set_freebind_v4(true)?;
    } else {
        socket.set_freebind_v6(true)?;
        socket.set_only_v6(true)?;
    }
    if kind == Type::DGRAM {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&at.into())?;
    Ok(socket)
}

fn datagrams(shared: &Shared, socket: &Arc<UdpSocket>, jobs: &SyncSender<Job>) {
    let mut buffers = vec![[0; LONGEST]; BATCH];
    let [mut heads, mut sent] = [(); 2].map(|()| MultiHeaders::preallocate(BATCH, None));
    let mut came: Vec<(usize, Option<SockaddrStorage>)> = Vec::with_capacity(BATCH);
    let mut answers: Vec<Vec<u8>> = Vec::with_capacity(BATCH);
    let mut to: Vec<Option<SockaddrStorage>> = Vec::with_capacity(BATCH);
    loop {
        came.clear();
        answers.clear();
        to.clear();
        let mut pieces: Vec<_> = buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
        // It waits for the first, and takes with it what is there.
        let taken = recvmmsg(socket.as_raw_fd(), &mut heads, &mut pieces, MsgFlags::MSG_WAITFORONE, None);
        let Ok(taken) = taken else { continue };
        came.extend(taken.map(|one| (one.bytes, one.address)));
        for ((length, from), buffer) in came.iter().zip(&buffers) {
            let Some((from, client)) = from.as_ref().and_then(|from| Some((from, address(from)?))) else {
                continue;
            };
            match shared.first(buffer.get(..*length).unwrap_or_default(), plain(client.ip()), LARGEST.into())
            {
                Step::Answer(answer) => {
                    answers.push(answer);
                    to.push(Some(*from));
                }
                Step::Later(question) => {
                    let job = Job { question, client, socket: Arc::clone(socket) };
                    if jobs.try_send(job).is_err() {
                        shared.notes.count(|counts| &counts.limited);
                    }
                }
                Step::Nothing => {}
            }
        }
        send(socket, &mut sent, &answers, &to);
    }
}

/// Sends answers. Whoever went away misses its own, and keeps no other from being sent.
fn send(
    socket: &UdpSocket,
    heads: &mut MultiHeaders<SockaddrStorage>,
    answers: &[Vec<u8>],
    to: &[Option<SockaddrStorage>],
) {
    let pieces: Vec<_> = answers.iter().map(|answer| [IoSlice::new(answer)]).collect();
    let mut at = 0;
    while let (Some(pieces @ [_, ..]), Some(to)) = (pieces.get(at..), to.get(at..)) {
        let sent = sendmmsg(socket.as_raw_fd(), heads, pieces, to, [], MsgFlags::empty());
        at += sent.map_or(1, |sent| sent.count().max(1));
    }
}

/// An address of the Internet.
fn address(from: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = from.as_sockaddr_in().map(|one| SocketAddrV4::from(*one).into());
    v4.or_else(|| from.as_sockaddr_in6().map(|one| SocketAddrV6::from(*one).into()))
}

fn askers(shared: &Shared, waiting: &Mutex<Receiver<Job>>) {
    loop {
        let job = locked(waiting).recv();
        let Ok(Job { question, client, socket }) = job else { return };
        let answer = shared.resolve(&question, plain(client.ip()), LARGEST.into());
        let _ = socket.send_to(&answer, client);
    }
}

/// Talks with each who connects, in a thread of its own, as long as there is a place.
pub(super) fn each_client(
    shared: &Arc<Shared>,
    listener: &TcpListener,
    crowd: &Arc<Crowd<IpAddr>>,
    talk: fn(&Shared, TcpStream) -> io::Result<()>,
) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let Some(place) = stream.peer_addr().ok().and_then(|from| crowd.enter(from.ip())) else { continue };
        let shared = Arc::clone(shared);
        // Without a thread there is no answer.
        let _ = spawn("client", move || {
            let _place = place;
            let _ = talk(&shared, stream);
        });
    }
}

fn conversation(shared: &Shared, mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let client = plain(stream.peer_addr()?.ip());
    for _ in 0..MOST_QUESTIONS {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut bytes = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut bytes)?;
        let answer = match shared.first(&bytes, client, u16::MAX.into()) {
            Step::Answer(answer) => answer,
            Step::Later(question) => shared.resolve(&question, client, u16::MAX.into()),
            Step::Nothing => return Ok(()),
        };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes()[..], &answer].concat())?;
    }
    Ok(())
}

/// An address as the kernel's sets have it.
fn plain(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}
