//! QUIC over UDP of the range: what quinn needs of a socket.

use std::{
    fmt,
    io::{self, IoSliceMut},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use quinn::{
    AsyncUdpSocket, Endpoint, EndpointConfig, ServerConfig, TokioRuntime, UdpPoller,
    udp::{RecvMeta, Transmit},
};

use super::UdpSocket;

/// A QUIC endpoint over a UDP port, as a server if it is told how.
pub(crate) fn endpoint(
    socket: UdpSocket,
    server: Option<ServerConfig>,
    random: &mut fastrand::Rng,
) -> io::Result<Endpoint> {
    let mut config = EndpointConfig::default();
    config.rng_seed(Some(std::array::from_fn(|_| random.u8(..))));
    Endpoint::new_with_abstract_socket(config, server, Arc::new(Port(socket)), Arc::new(TokioRuntime))
}

struct Port(UdpSocket);

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Port").field(&self.0.local()).finish()
    }
}

impl AsyncUdpSocket for Port {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Always)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.0.send(transmit.contents, transmit.destination)
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (bytes, from) = ready!(self.0.poll_receive(context))?;
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), meta.first_mut()) else {
            return Poll::Ready(Ok(0));
        };
        let taken = bytes.len().min(buffer.len());
        if let (Some(to), Some(of)) = (buffer.get_mut(..taken), bytes.get(..taken)) {
            to.copy_from_slice(of);
        }
        *meta =
            RecvMeta { addr: from, len: taken, stride: taken, ecn: None, dst_ip: Some(self.0.local().ip()) };
        Poll::Ready(Ok(1))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.0.local())
    }
}

/// There is always room: what does not fit is lost, as datagrams are.
#[derive(Debug)]
struct Always;

impl UdpPoller for Always {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
