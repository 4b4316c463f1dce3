//! TCP connections of hosts of the range, as streams of bytes.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use smoltcp::{
    iface::{SocketHandle, SocketSet},
    socket::tcp::{CongestionControl, Socket, SocketBuffer, State},
    wire::IpEndpoint,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
};

use super::{Host, Listening, MILLIS, Net, Stack, listen};

/// Bytes that are on their way at one time.
const WINDOW: usize = 192 << 10;

/// How long is waited for an answer where something may stand between.
const GIVES_UP: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(20);

/// Each direction of a connection.
pub(super) fn socket() -> Socket<'static> {
    let mut socket = Socket::new(SocketBuffer::new(vec![0; WINDOW]), SocketBuffer::new(vec![0; WINDOW]));
    socket.set_congestion_control(CongestionControl::Reno);
    socket.set_nagle_enabled(false);
    socket.set_tsval_generator(Some(|| MILLIS.get()));
    socket
}

/// A connection.
pub(crate) struct TcpStream {
    net: Net,
    host: Host,
    handle: SocketHandle,
    local: SocketAddr,
    remote: SocketAddr,
}

impl Net {
    /// Connects a host to an address.
    pub(crate) async fn connect(&self, host: Host, to: SocketAddr) -> io::Result<TcpStream> {
        let (handle, local) = {
            let mut inner = self.lock();
            let gives_up = inner.crossing.is_some().then_some(GIVES_UP);
            let stack = inner.stack(host)?;
            let local = SocketAddr::new(host.ip_towards(to.ip()), stack.fresh_port());
            let mut socket = socket();
            socket.set_timeout(gives_up);
            socket
                .connect(stack.interface.context(), IpEndpoint::from(to), IpEndpoint::from(local))
                .map_err(|error| io::Error::other(error.to_string()))?;
            (stack.sockets.add(socket), local)
        };
        let stream = TcpStream { net: self.clone(), host, handle, local, remote: to };
        self.stir();
        poll_fn(|context| {
            stream.with(|socket| match socket.state() {
                State::SynSent | State::SynReceived => {
                    socket.register_send_waker(context.waker());
                    Poll::Pending
                }
                State::Closed => Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into())),
                _ => Poll::Ready(Ok(())),
            })
        })
        .await?;
        Ok(stream)
    }

    /// Takes connections to an address of a host; what they send says that it came over so many hops.
    pub(crate) fn listen(
        &self,
        host: Host,
        at: SocketAddr,
        hops: u8,
    ) -> io::Result<mpsc::UnboundedReceiver<TcpStream>> {
        let (taken, connections) = mpsc::unbounded_channel();
        let mut inner = self.lock();
        let stack = inner.stack(host)?;
        let waiting = listen(&mut stack.sockets, at, hops);
        stack.listeners.push(Listening { at, hops, waiting, shaking: Vec::new(), taken });
        Ok(connections)
    }
}

impl super::Inner {
    pub(super) fn stack(&mut self, host: Host) -> io::Result<&mut Stack> {
        let stack = self.stacks.iter_mut().find(|stack| stack.host == host);
        stack.ok_or_else(|| io::ErrorKind::NetworkUnreachable.into())
    }
}

impl TcpStream {
    /// A connection that was taken; nothing when it is gone already.
    pub(super) fn of(net: &Net, host: Host, handle: SocketHandle, sockets: &SocketSet<'_>) -> Option<Self> {
        let socket = sockets.get::<Socket<'_>>(handle);
        let (local, remote) = (address(socket.local_endpoint()?), address(socket.remote_endpoint()?));
        Some(Self { net: net.clone(), host, handle, local, remote })
    }

    /// The end of the host that holds it.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// The other end.
    pub(crate) fn remote(&self) -> SocketAddr {
        self.remote
    }

    fn with<R>(&self, act: impl FnOnce(&mut Socket<'static>) -> Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        let mut inner = self.net.lock();
        let stack = inner.stack(self.host)?;
        act(stack.sockets.get_mut::<Socket<'static>>(self.handle))
    }
}

fn address(end: IpEndpoint) -> SocketAddr {
    SocketAddr::new(end.addr.into(), end.port)
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.with(|socket| {
            if socket.can_recv() {
                let read = socket.recv(|bytes| {
                    let taken = bytes.len().min(buffer.remaining());
                    buffer.put_slice(bytes.get(..taken).unwrap_or_default());
                    (taken, ())
                });
                return Poll::Ready(read.map_err(|error| io::Error::other(error.to_string())));
            }
            if !socket.may_recv() {
                return Poll::Ready(Ok(()));
            }
            socket.register_recv_waker(context.waker());
            Poll::Pending
        });
        if read.is_ready() {
            self.net.stir();
        }
        read
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.with(|socket| {
            if !socket.may_send() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            if socket.can_send() {
                return Poll::Ready(
                    socket.send_slice(bytes).map_err(|error| io::Error::other(error.to_string())),
                );
            }
            socket.register_send_waker(context.waker());
            Poll::Pending
        });
        if written.is_ready() {
            self.net.stir();
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = self.with(|socket| {
            socket.close();
            Poll::Ready(Ok(()))
        });
        self.net.stir();
        closed
    }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        let mut inner = self.net.lock();
        if let Ok(stack) = inner.stack(self.host) {
            stack.sockets.get_mut::<Socket<'static>>(self.handle).close();
            stack.leaving.push(self.handle);
        }
        drop(inner);
        self.net.stir();
    }
}
