//! UDP of hosts of the range.

use std::{
    future::poll_fn,
    io,
    net::{IpAddr, SocketAddr},
    task::{Context, Poll},
};

use smoltcp::{
    iface::SocketHandle,
    socket::udp::{PacketBuffer, PacketMetadata, Socket, UdpMetadata},
    wire::{IpEndpoint, IpListenEndpoint},
};

use super::{Host, Net};

/// Datagrams that wait, and their bytes.
const WAITING: usize = 64;
const BYTES: usize = 64 << 10;

/// A port for datagrams.
pub(crate) struct UdpSocket {
    net: Net,
    host: Host,
    handle: SocketHandle,
    local: SocketAddr,
}

impl Net {
    /// Opens a port of a host; without a number, a fresh one. The address matters where a host has many.
    pub(crate) fn bind(&self, host: Host, ip: IpAddr, port: Option<u16>) -> io::Result<UdpSocket> {
        let buffer = || PacketBuffer::new(vec![PacketMetadata::EMPTY; WAITING], vec![0; BYTES]);
        let mut inner = self.lock();
        let stack = inner.stack(host)?;
        let port = port.unwrap_or_else(|| stack.fresh_port());
        let mut socket = Socket::new(buffer(), buffer());
        socket
            .bind(IpListenEndpoint { addr: Some(ip.into()), port })
            .map_err(|error| io::Error::other(error.to_string()))?;
        let handle = stack.sockets.add(socket);
        Ok(UdpSocket { net: self.clone(), host, handle, local: (ip, port).into() })
    }
}

impl UdpSocket {
    /// This end.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Sends a datagram; one that does not fit is lost, as datagrams are.
    pub(crate) fn send(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        let mut meta = UdpMetadata::from(IpEndpoint::from(to));
        meta.local_address = Some(self.local.ip().into());
        let mut inner = self.net.lock();
        let stack = inner.stack(self.host)?;
        let _ = stack.sockets.get_mut::<Socket<'static>>(self.handle).send_slice(bytes, meta);
        drop(inner);
        self.net.stir();
        Ok(())
    }

    /// The next datagram, and who sent it.
    pub(crate) async fn receive(&self) -> io::Result<(Vec<u8>, SocketAddr)> {
        poll_fn(|context| self.poll_receive(context)).await
    }

    /// The same, for those who poll.
    pub(crate) fn poll_receive(&self, context: &mut Context<'_>) -> Poll<io::Result<(Vec<u8>, SocketAddr)>> {
        let mut inner = self.net.lock();
        let socket = inner.stack(self.host)?.sockets.get_mut::<Socket<'static>>(self.handle);
        if let Ok((bytes, meta)) = socket.recv() {
            let from = SocketAddr::new(meta.endpoint.addr.into(), meta.endpoint.port);
            return Poll::Ready(Ok((bytes.to_vec(), from)));
        }
        socket.register_recv_waker(context.waker());
        Poll::Pending
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        let mut inner = self.net.lock();
        if let Ok(stack) = inner.stack(self.host) {
            stack.sockets.remove(self.handle);
        }
    }
}
